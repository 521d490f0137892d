//! PPP on the request leg: a real link in the caller's role against the server, and what its journal says then.

use std::time::Duration;

use ppp::auth::Credentials;
use ppp::cbcp::Number;
use ppp::link::{Config as LinkConfig, End, Link, Output, Phase};
use ppp::personality::Personality;
use ppp::time::Instant;

use super::AT_PROMPT;
use crate::guesses::Mark;
use crate::testing::{Bench, LOGIN, TOML, config, fresh};
use crate::vocabulary::{Entry, Event, Input, LineId, PortInput, Seq};

/// Whether the journal can be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Store {
    Works,
    Fails,
    /// It says nothing.
    Hangs,
}

/// Until when they talk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    LinkEnded,
    Promised,
    /// The caller has been told of the promise.
    Told,
}

struct Caller {
    link: Link,
    name: &'static str,
    password: &'static str,
    end: Option<End>,
    /// It is ending the call in order to be called back.
    leaves: bool,
}

impl Caller {
    fn new(config: LinkConfig, name: &'static str, password: &'static str) -> Self {
        Self {
            link: Link::new(config, [3; 32], Instant::ZERO),
            name,
            password,
            end: None,
            leaves: false,
        }
    }

    fn hear(&mut self, now: Instant, octets: &[u8]) -> Vec<u8> {
        self.link.receive(now, octets);
        self.link.tick(now);
        let mut sent = Vec::new();
        while let Some(output) = self.link.poll() {
            match output {
                Output::Send(octets) => sent.extend(octets),
                Output::AskSecret { ticket, .. } => {
                    let own = Credentials { name: self.name.into(), secret: self.password.into() };
                    self.link.prove(now, ticket, Some(&own));
                }
                Output::Down(end) => self.end = Some(end),
                Output::Phase(phase) => self.leaves |= phase == Phase::Terminate,
                Output::Verify { .. }
                | Output::AskCallback { .. }
                | Output::ApproveCallback { .. }
                | Output::CallbackAgreed(_)
                | Output::CallbackWithdrawn(_)
                | Output::Ipv4Up(_)
                | Output::Ipv4Down
                | Output::Ipv6Up(_)
                | Output::Ipv6Down
                | Output::Packet(_)
                | Output::Identified(_)
                | Output::TimeRemaining(_) => {}
            }
        }
        sent
    }
}

fn time(bench: &Bench) -> Instant {
    Instant::from_micros(bench.now.at.as_micros())
}

/// Carries octets between both until the caller's link is over and the server is silent.
fn talk(bench: &mut Bench, caller: &mut Caller, store: Store, until: Until) {
    bench.sent.clear();
    for _ in 0..2_000 {
        let heard = std::mem::take(&mut bench.sent);
        let said = caller.hear(time(bench), &heard);
        // It knows of its callback: the Ack has come.
        if until == Until::Told && caller.leaves {
            return;
        }
        if !said.is_empty() {
            bench.give(Input::Port(LineId(0), PortInput::Bytes(said)));
        }
        match store {
            Store::Works => bench.give(Input::Durable(Seq(u64::MAX))),
            Store::Hangs => {}
            Store::Fails => bench.give(Input::StoreFailed("no space".to_owned())),
        }
        let done = |entry: &Entry| match until {
            Until::LinkEnded | Until::Told => matches!(entry.event, Event::LinkEnded { .. }),
            Until::Promised => matches!(entry.event, Event::Promised(_)),
        };
        if bench.journal.iter().any(done) {
            return;
        }
        if bench.sent.is_empty() {
            bench.pass(Duration::from_millis(100));
        }
    }
    panic!("they go on talking");
}

/// What the journal says from the first PPP frame on, a line each.
fn play(store: Store, link: LinkConfig, name: &'static str, password: &'static str) -> String {
    play_on(fresh(config(TOML, LOGIN)), store, link, (name, password))
}

/// The same on a server that is there already.
#[expect(clippy::wildcard_enum_match_arm, reason = "what lines and modems do is told elsewhere")]
fn play_on(
    mut bench: Bench,
    store: Store,
    link: LinkConfig,
    (name, password): (&'static str, &'static str),
) -> String {
    bench.ready(LineId(0), false);
    bench.run(AT_PROMPT);
    let from = bench.journal.len();
    let mut caller = Caller::new(link, name, password);
    talk(&mut bench, &mut caller, store, Until::LinkEnded);
    bench.give(Input::Port(LineId(0), PortInput::Drained));
    let lines = bench.journal.iter().skip(from).filter_map(|entry| match &entry.event {
        Event::Named { name, .. } => Some(format!("named {name}")),
        Event::Dispatched { action, .. } => Some(format!("dispatched {action}")),
        Event::Proved { name, method, .. } => Some(format!("proved {name} {method}")),
        Event::NotProved { name, why, .. } => Some(format!("not proved {name}: {why}")),
        Event::Promised(promised) => {
            assert!(promised.ppp);
            let numbers = promised.numbers.join(",");
            Some(format!("promised {} at {numbers} by {}", promised.user, promised.rule))
        }
        Event::Refused { user, rule, .. } => Some(format!("refused {user} {rule}")),
        Event::Withdrawn { why, .. } => Some(format!("withdrawn: {why}")),
        Event::LinkEnded { why, .. } => Some(format!("ended: {why}")),
        Event::Alert { alert, .. } => Some(format!("alert {}", alert.name())),
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn wants(number: &str) -> LinkConfig {
    Personality::Standard.caller(Some(Number::from(number)))
}

#[track_caller]
fn check(link: LinkConfig, name: &'static str, password: &'static str, wanted: &[&str]) {
    let got = play(Store::Works, link, name, password);
    let wanted = [&["named ppp", "dispatched ppp"], wanted].concat().join("\n");
    assert_eq!(got, wanted);
}

#[test]
fn a_user_is_promised_the_number_that_she_gave() {
    check(
        wants("5551234"),
        "alice",
        "s3cret",
        &[
            "proved alice ms-chap-v2",
            "promised alice at 5551234 by caller_numbers.allow \"*\"",
            "ended: calling back",
        ],
    );
}

#[test]
fn her_own_number_needs_no_other_rule() {
    check(
        wants("(555) 0199"),
        "BRANCH\\alice",
        "s3cret",
        &[
            "proved alice ms-chap-v2",
            "promised alice at 5550199 by user alice",
            "ended: calling back",
        ],
    );
}

#[test]
fn the_stored_number_is_called_whatever_the_client_would_like() {
    check(
        wants("5551234"),
        "bob",
        "b0bs",
        &["proved bob ms-chap-v2", "promised bob at 5550177 by user bob", "ended: calling back"],
    );
}

#[test]
fn policy_refuses_and_the_caller_is_sent_away() {
    check(
        wants("9001234"),
        "alice",
        "s3cret",
        &[
            "proved alice ms-chap-v2",
            "refused alice caller_numbers.deny \"900*\"",
            "ended: callback came to nothing",
        ],
    );
}

#[test]
fn a_wrong_password_proves_nothing() {
    for (name, password) in [("alice", "b0bs"), ("mallory", "s3cret")] {
        let not = format!("not proved {name}: name or password is wrong");
        let ended = "ended: the peer ended it: not authenticated";
        check(wants("5551234"), name, password, &[&not, ended]);
    }
}

/// Zoe has two names; ghost is nobody.
const ZOE: &str = "[[user]]\nname = \"zoe\"\naliases = [\"zoe-ppp\"]\nppp_secret = \"z0es\"\n\
    callback = { numbers = [\"5550142\"] }\n[[user]]\nname = \"ghost\"\ntrap = true\n";

#[test]
fn whichever_of_her_names_she_proves_the_promise_is_hers() {
    for name in ["zoe", "BRANCH\\zoe-ppp"] {
        let config = config(&format!("{TOML}{ZOE}"), LOGIN);
        let got = play_on(fresh(config), Store::Works, wants("1"), (name, "z0es"));
        assert!(got.contains("\npromised zoe at 5550142 by user zoe\n"), "{name}: {got}");
    }
}

#[test]
fn a_trap_is_one_for_ppp_callers_too() {
    let config = config(&format!("{TOML}{ZOE}"), LOGIN);
    let got = play_on(fresh(config), Store::Works, wants("1"), ("BRANCH\\ghost", "boo"));
    assert!(got.contains("alert trap-name\nnot proved BRANCH\\ghost: "), "{got}");
}

#[test]
fn whoever_guesses_by_ppp_is_told_of_like_one_at_the_prompt() {
    for (before, told) in [(8, false), (9, true)] {
        let mut bench = fresh(config(TOML, LOGIN));
        for _ in 0..before {
            let now = bench.now.at;
            bench.server.desk.guesses.wrong(vec![Mark::Name("alice".to_owned())], now);
        }
        let got = play_on(bench, Store::Works, wants("1"), ("BRANCH\\alice", "guess"));
        assert_eq!(got.contains("alert guessing"), told, "{before}: {got}");
    }
}

#[test]
fn who_must_be_called_back_is_refused_without_the_option() {
    check(
        LinkConfig::caller(None),
        "bob",
        "b0bs",
        &[
            "proved bob ms-chap-v2",
            "ended: bob must be called back, but the client did not agree on callback",
        ],
    );
}

#[test]
fn who_has_no_right_to_it_is_offered_none() {
    check(
        wants("5551234"),
        "carol",
        "c4rols",
        &["proved carol ms-chap-v2", "ended: there is no IP on this line"],
    );
}

#[test]
fn nothing_is_promised_that_cannot_be_stored() {
    let got = play(Store::Fails, wants("5551234"), "alice", "s3cret");
    assert!(got.contains("refused alice store"), "{got}");
    assert!(got.ends_with("ended: callback came to nothing"), "{got}");
    assert!(!got.contains("promised"), "{got}");
}

#[expect(clippy::wildcard_enum_match_arm, reason = "only one event is looked for")]
/// What becomes of a promise when something else happens first: the journal's last words about it.
#[track_caller]
fn breaks_off(
    link: LinkConfig,
    who: (&'static str, &'static str),
    store: Store,
    until: Until,
    what: &str,
    wanted: &str,
) {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    bench.run(AT_PROMPT);
    let mut caller = Caller::new(link, who.0, who.1);
    talk(&mut bench, &mut caller, store, until);
    for happens in what.split("; ") {
        match happens.strip_prefix("+ ") {
            Some(seconds) => bench.pass(Duration::from_secs(seconds.parse().expect("seconds"))),
            None => bench.happens(happens),
        }
    }
    let status = bench.server.status(bench.now);
    let open = status.promises.iter().map(|promise| promise.state.as_str()).collect::<Vec<_>>();
    let withdrawn = bench.journal.iter().find_map(|entry| match &entry.event {
        Event::Withdrawn { why, .. } => Some(why.as_str()),
        _ => None,
    });
    assert_eq!(withdrawn.unwrap_or(&open.join(" ")), wanted, "{what}: {:?}", bench.journal);
}

#[test]
fn a_promise_is_void_unless_the_caller_was_told_of_it() {
    let bob = ("bob", "b0bs");
    let lost = "dcd down; durable all; + 1";
    let promised = |store, what, wanted| {
        breaks_off(wants("1"), bob, store, Until::Promised, what, wanted);
    };
    promised(Store::Hangs, lost, "the line was lost");
    promised(Store::Hangs, "hang-up main", "the call was ended by the server");
    promised(Store::Hangs, "store-fails full; + 1", "the journal cannot be written: full");
    promised(Store::Hangs, "+ 31", "the journal cannot be written");
}

#[test]
fn a_stored_number_is_called_even_if_the_line_is_lost_and_a_typed_one_is_not() {
    let told = |name, password, what, wanted| {
        let number = wants("5551234");
        breaks_off(number, (name, password), Store::Works, Until::Told, what, wanted);
    };
    told("bob", "b0bs", "dcd down; + 1", "waiting");
    told("bob", "b0bs", "hang-up main; drained; dcd down; + 1", "waiting");
    told("alice", "s3cret", "dcd down", "no callback: the caller did not end the call");
}

/// A call on a line without control lines, until the caller has taken leave and has his Terminate-Ack.
fn leave_taken_where_no_carrier_is_seen() -> Bench {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), true);
    bench.run(&AT_PROMPT.replace("< dcd up", ""));
    let mut caller = Caller::new(wants("5551234"), "bob", "b0bs");
    talk(&mut bench, &mut caller, Store::Works, Until::Told);
    // His Terminate-Request was lost, and is said again.
    bench.pass(Duration::from_secs(3));
    let said = caller.hear(time(&bench), &[]);
    assert!(!said.is_empty(), "it does not take leave");
    bench.sent.clear();
    bench.give(Input::Port(LineId(0), PortInput::Bytes(said)));
    assert!(!bench.sent.is_empty(), "no Terminate-Ack");
    bench.unseen();
    bench
}

#[test]
fn behind_the_terminate_ack_the_modems_no_carrier_ends_the_wait_where_no_carrier_is_seen() {
    let mut bench = leave_taken_where_no_carrier_is_seen();
    // A modem that has said so does not answer +++: it is not waited for as for one that may.
    bench.run(
        r#"
        + 500ms
        < says NO CARRIER
        * link-ended calling back
        > drain
        < drained
        > drain
        < drained
        + 1100ms
        > send "+++"
        + 1200ms
        > send "\r"
        > send "ATH\r"
        < says OK
        * ended c1 callback
        > send "ATE0\r"
        "#,
    );
}

#[test]
fn behind_the_terminate_ack_one_restart_time_is_waited_where_nothing_tells() {
    let mut bench = leave_taken_where_no_carrier_is_seen();
    bench.run(
        r#"
        + 2900ms
        + 100ms
        * link-ended calling back
        > drain
        "#,
    );
}

#[test]
fn no_carrier_in_a_file_ends_no_link() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), true);
    bench.run(&AT_PROMPT.replace("< dcd up", ""));
    let mut caller = Caller::new(wants("5551234"), "bob", "b0bs");
    talk(&mut bench, &mut caller, Store::Works, Until::Promised);
    bench.happens(r"types \r\nNO CARRIER\r\n");
    let ended = |entry: &Entry| matches!(entry.event, Event::LinkEnded { .. });
    assert!(!bench.journal.iter().any(ended), "{:?}", bench.journal);
}
