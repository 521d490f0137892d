//! Callers whose computers speak PPP: who is called back by CBCP, where, and who is sent away.

use std::time::Duration;

use dialback_sim::people::scripts::{be_called_back, dial, expect};
use dialback_sim::people::{PppCall, PppEnd, Step};
use dialback_sim::world::{Act, Setup, World};
use ppp::personality::Personality;

use crate::setup::*;
use crate::the_power_fails::no_promise_is_lost;

pub(crate) const PPP: &str = r#"
[ppp]
secrets = "chap-secrets"

[[user]]
name     = "alice"
callback = { offer = ["none", "caller"] }

[[user]]
name     = "bob"
callback = { numbers = ["5550198"], offer = "fixed", required = true }
"#;

pub(crate) const ENTRIES: &str = "/AutoPPP/ - - /usr/sbin/dialback-ppp\n* - - /bin/login @\n";

fn ppp_world() -> World {
    let config = config(&format!("line = \"same\"\n{PPP}"));
    world(Setup { config, login_config: ENTRIES.to_owned(), ..setup() })
}

pub(crate) fn call(
    personality: Option<Personality>,
    number: Option<&str>,
    (name, password): (&str, &str),
    ends: PppEnd,
) -> Step {
    let number = number.map(str::to_owned);
    let (name, password) = (name.to_owned(), password.to_owned());
    Step::Ppp(Box::new(PppCall { personality, number, option13: None, name, password, ends }))
}

pub(crate) const ALICES: (&str, &str) = ("alice", "s3cret");
pub(crate) const BOBS: (&str, &str) = ("bob", "b0bs");

/// Dials, is promised a callback by CBCP, answers it, proves the name again, and is let in.
pub(crate) fn called_back(
    personality: Personality,
    number: Option<&str>,
    who: (&str, &str),
) -> Vec<Step> {
    let mut steps = dial(OFFICE);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.push(call(Some(personality), number, who, PppEnd::CalledBack));
    steps.extend(be_called_back("ATA"));
    steps.push(call(Some(personality), number, who, PppEnd::LetIn));
    steps.push(expect("NO CARRIER", 60));
    steps
}

/// Dials, and is sent away.
fn sent_away(personality: Option<Personality>, who: (&str, &str)) -> Vec<Step> {
    let mut steps = dial(OFFICE);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.push(call(personality, Some(ALICE), who, PppEnd::SentAway));
    steps.push(expect("NO CARRIER", 60));
    steps
}

#[test]
fn a_windows_caller_is_called_back_at_the_number_that_she_types() {
    let mut world = ppp_world();
    tell(&mut world, "alice", called_back(Personality::Windows, Some(ALICE), ALICES));
    is_done(&world, "alice");
    journal_has(
        &world,
        &[
            "named name=ppp",
            "proved name=alice method=ms-chap-v2",
            "promised numbers=[\"5550199\"] ppp=true user=alice",
            "ended cause=callback",
            "dialled number=5550199",
            "kept",
            "dispatched action=ppp",
            "proved name=alice",
            "ended leg=return",
        ],
    );
    assert_eq!(count(&world, "named"), 1, "no prompt on the return leg: {}", world.tail());
    assert_eq!(count(&world, "promised"), 1, "{}", world.tail());
    let waited = when(&world, "dialled") - when(&world, "ended call=1");
    assert!((12_000..15_000).contains(&waited), "her client asked for 12 s: {waited} ms");
}

#[test]
fn a_windows_caller_is_called_back_at_the_stored_number() {
    let mut world = ppp_world();
    tell(&mut world, "bob", called_back(Personality::Windows, Some(ALICE), BOBS));
    is_done(&world, "bob");
    journal_has(&world, &["promised numbers=[\"5550198\"] user=bob", "dialled number=5550198"]);
}

#[test]
fn every_program_of_the_field_is_called_back_at_the_stored_number() {
    for personality in Personality::ALL {
        // Its user presses Escape, or it looks for nothing but a number of its own.
        if matches!(personality, Personality::WindowsEscape | Personality::FreeBsd) {
            continue;
        }
        let mut world = ppp_world();
        tell(&mut world, "bob", called_back(personality, None, BOBS));
        let outcome = format!("{:?}", world.outcome("bob"));
        assert_eq!(outcome, "Some(Done)", "{personality:?}\n{}", world.tail());
        assert_eq!(count(&world, "kept"), 1, "{personality:?}");
    }
}

#[test]
fn pppd_is_called_back_at_its_own_number() {
    let mut world = ppp_world();
    tell(&mut world, "alice", called_back(Personality::Pppd, Some(ALICE), ALICES));
    is_done(&world, "alice");
    journal_has(&world, &["promised numbers=[\"5550199\"] user=alice", "kept"]);
}

#[test]
fn a_wrong_password_is_told_and_nobody_is_called() {
    let mut world = ppp_world();
    tell(&mut world, "alice", sent_away(Some(Personality::Windows), ("alice", "guess")));
    is_done(&world, "alice");
    journal_has(&world, &["not-proved name=alice", "link-ended", "ended cause=user-error"]);
    assert_eq!(count(&world, "promised") + count(&world, "proved"), 0, "{}", world.tail());
}

#[test]
fn who_must_be_called_back_is_refused_without_the_option() {
    let mut world = ppp_world();
    tell(&mut world, "bob", sent_away(None, BOBS));
    is_done(&world, "bob");
    journal_has(&world, &["proved name=bob", "link-ended why=bob must be called"]);
    assert_eq!(count(&world, "promised"), 0, "{}", world.tail());
}

/// Item 69 of a callback server's duties: the number is the right one, the person is not.
#[test]
fn nobody_else_is_let_in_on_the_return_call() {
    let mut world = ppp_world();
    let mut steps = called_back(Personality::Windows, Some(ALICE), ALICES);
    let second = steps.len() - 2;
    steps[second] = call(Some(Personality::Windows), None, BOBS, PppEnd::SentAway);
    tell(&mut world, "alice", steps);
    is_done(&world, "alice");
    journal_has(&world, &["kept", "not-proved name=bob", "ended leg=return"]);
    assert_eq!(count(&world, "promised"), 1, "the promise is spent: {}", world.tail());
}

#[test]
fn the_power_fails_between_promise_and_return_and_ppp_begins_at_once_all_the_same() {
    let mut world = ppp_world();
    world.begin("alice", called_back(Personality::Windows, Some(ALICE), ALICES));
    until(&mut world, "ended call=1");
    let next = world.ms() + 10;
    world.run_until(next);
    world.power_fails(Duration::from_secs(2));
    rest(&mut world);
    is_done(&world, "alice");
    assert_eq!((count(&world, "server-started"), count(&world, "kept")), (2, 1));
    assert_eq!(count(&world, "named"), 1, "no prompt on the return leg: {}", world.tail());
}

/// At any instant: the promise is kept, or was never told, and nobody is called twice for one.
#[test]
fn the_power_fails_at_any_instant_and_no_promise_is_lost() {
    let mut whole = ppp_world();
    tell(&mut whole, "bob", called_back(Personality::Windows, None, BOBS));
    let end = whole.ms();
    let mut kept = 0;
    for at in (2_000..end).step_by(1_499) {
        let mut world = ppp_world();
        world.at(at, Act::PowerFails(Duration::from_secs(1)));
        world.begin("bob", called_back(Personality::Windows, None, BOBS));
        rest(&mut world);
        no_promise_is_lost(&world);
        kept += count(&world, "kept");
    }
    assert!(kept > 10, "{kept}");
}

/// The return call may be handed to a program instead; it is started at once, with the user's name.
#[test]
fn the_return_call_is_handed_to_a_program() {
    let entries = "!version 2\n\
        /AutoPPP/ N - - /usr/sbin/dialback-ppp\n\
        /AutoPPP/ Y - - /usr/sbin/pppd auth remotename @\n\
        * - - - /bin/login @\n";
    let config = config(&format!("line = \"same\"\n{PPP}"));
    let mut world = world(Setup { config, login_config: entries.to_owned(), ..setup() });
    let mut steps = called_back(Personality::Windows, Some(ALICE), ALICES);
    // The program of the town is a shell.
    steps.truncate(steps.len() - 2);
    steps.push(Step::Pause(Duration::from_secs(1)));
    steps.push(Step::Dtr(false));
    tell(&mut world, "alice", steps);
    is_done(&world, "alice");
    journal_has(
        &world,
        &["kept", "dispatched action=/usr/sbin/pppd", "launched program=/usr/sbin/pppd"],
    );
}
