//! The items of a CBCP server's conformance list that are about dialling: busy lines, promises that are spent,
//! other callers, two users and one line. A link knows nothing of these; its own items stand beside it, in
//! `crates/ppp/tests/link`. The last test counts them all.

use dialback_sim::exchange::fault::{Fault, Times};
use dialback_sim::modem::registers::Profile;
use dialback_sim::people::scripts::{dial, expect, log_in};
use dialback_sim::people::{PppEnd, Step};
use dialback_sim::town::{Equipment, ModemSpec, Station};
use dialback_sim::world::{Act, Setup, World};
use ppp::personality::Personality;
use std::time::Duration;

use crate::a_ppp_caller::{ALICES, BOBS, ENTRIES, PPP, call, called_back};
use crate::setup::*;

/// A telephone that a person answers.
const GRANNY: &str = "5550177";

fn ppp_world(callback: &str) -> World {
    let mut setup = Setup { config: config(&format!("{callback}\n{PPP}")), ..setup() };
    setup.login_config = format!("{ENTRIES}{LOGIN_CONFIG}");
    setup.town = town();
    // A make that tells NO ANSWER from NO CARRIER.
    let modem = ModemSpec { profile: Profile::named("courier").unwrap(), ..ModemSpec::default() };
    setup.town.stations[0].equipment = Equipment::Modem(Box::new(modem));
    setup.town.stations.push(Station::telephone("granny", GRANNY, Some(Duration::from_secs(6))));
    world(setup)
}

/// She dials, is promised a call at this number, and goes: nobody answers it.
fn promised_and_gone(number: &str) -> Vec<Step> {
    let mut steps = dial(OFFICE);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.push(call(Some(Personality::Pppd), Some(number), ALICES, PppEnd::CalledBack));
    steps.push(expect("NO CARRIER", 60));
    steps
}

/// He dials, sees the prompt, and that is all.
fn dial_and_leave() -> Vec<Step> {
    let mut steps = dial(OFFICE);
    steps.extend([expect("ogin: ", 60), Step::Dtr(false)]);
    steps
}

/// The times of these events, in ms.
fn times(world: &World, words: &str) -> Vec<u64> {
    let story = world.story();
    let lines = story
        .lines()
        .filter(|line| words.split(' ').all(|word| line.split(' ').any(|other| other == word)));
    let time = |line: &str| line.split_whitespace().next()?.replace('.', "").parse().ok();
    lines.filter_map(time).collect()
}

#[test]
fn c66_busy_no_carrier_no_answer_and_no_dialtone_are_tried_again_as_configured_and_then_given_up() {
    for (number, station, fault, cause) in [
        (ALICE, "alice", Some(Fault::Busy), "cause=busy"),
        (ALICE, "alice", Some(Fault::NoAnswer), "cause=no-answer"),
        (ALICE, "office", Some(Fault::NoDialTone), "cause=no-dialtone"),
        (GRANNY, "granny", None, "cause=no-carrier"),
    ] {
        let mut world =
            ppp_world("line = \"same\"\ntries = 3\nretry = \"15s\"\nmax_time = \"10m\"");
        world.begin("alice", promised_and_gone(number));
        until(&mut world, "ended call=1");
        let next = world.ms() + 1;
        if let Some(fault) = fault {
            world.at(next, Act::Fault(station.to_owned(), fault, Times::Always));
        }
        rest(&mut world);
        let story = world.tail();
        assert_eq!(count(&world, "dialled"), 3, "{cause}: {story}");
        assert_eq!(count(&world, &format!("try-failed {cause}")), 3, "{cause}: {story}");
        assert_eq!((count(&world, "expired"), count(&world, "kept")), (1, 0), "{cause}: {story}");
        // A try begins when the one before has failed and `retry` is over, and not much later.
        let (dialled, failed) = (times(&world, "dialled"), times(&world, "try-failed"));
        for (failed, again) in failed.iter().zip(dialled.iter().skip(1)) {
            let wait = again - failed;
            assert!((15_000..20_000).contains(&wait), "{cause}: {wait} ms: {story}");
        }
        // The line serves the next caller as if nothing had been.
        let mend = Act::Fault(station.to_owned(), Fault::NoDialTone, Times::Never);
        world.at(world.ms() + 1, mend);
        tell(&mut world, "bob", dial_and_leave());
        is_done(&world, "bob");
    }
}

#[test]
fn c71_a_promise_is_spent_by_its_success_its_failure_and_its_time() {
    // By success: the second call ends, and nobody is called again, nor let in for it.
    let mut world = ppp_world("line = \"same\"");
    tell(&mut world, "alice", called_back(Personality::Windows, Some(ALICE), ALICES));
    is_done(&world, "alice");
    let hour = world.ms() + 3_600_000;
    world.run_until(hour);
    assert_eq!((count(&world, "promised"), count(&world, "dialled")), (1, 1), "{}", world.tail());

    // By failure: the wrong person answers, and is sent away. The promise does not live on for the right one.
    let mut world = ppp_world("line = \"same\"");
    let mut steps = called_back(Personality::Windows, Some(ALICE), ALICES);
    let second = steps.len() - 2;
    steps[second] = call(Some(Personality::Windows), None, BOBS, PppEnd::SentAway);
    tell(&mut world, "alice", steps);
    is_done(&world, "alice");
    let hour = world.ms() + 3_600_000;
    world.run_until(hour);
    assert_eq!((count(&world, "dialled"), count(&world, "kept")), (1, 1), "{}", world.tail());

    // By its time: nothing is dialled afterwards, also when she could be reached again.
    let mut world = ppp_world("line = \"same\"\ntries = 9\nretry = \"20s\"\nmax_time = \"1m\"");
    world.begin("alice", promised_and_gone(ALICE));
    until(&mut world, "ended call=1");
    let next = world.ms() + 1;
    world.at(next, Act::Fault("alice".to_owned(), Fault::Busy, Times::Always));
    world.at(next + 90_000, Act::Fault("alice".to_owned(), Fault::Busy, Times::Never));
    rest(&mut world);
    let hour = world.ms() + 3_600_000;
    world.run_until(hour);
    let expired = times(&world, "expired");
    let last = times(&world, "dialled").last().copied();
    assert!(expired.len() == 1 && last < expired.first().copied(), "{}", world.tail());
    // 60 s from the promise on.
    let lived = expired[0] - when(&world, "promised");
    assert!((59_000..=61_000).contains(&lived), "{lived} ms: {}", world.tail());
}

#[test]
fn c72_who_calls_in_during_the_delay_is_served_and_the_promise_is_kept_after_him() {
    // Bob calls the office as soon as its line is down, while Alice's delay runs.
    let mut world = ppp_world("line = \"same\"\nmax_time = \"10m\"");
    world.begin("alice", called_back(Personality::Windows, Some(ALICE), ALICES));
    until(&mut world, "ended call=1");
    tell(&mut world, "bob", {
        let mut steps = dial(OFFICE);
        steps.extend(log_in("bo"));
        steps
    });
    is_done(&world, "bob");
    is_done(&world, "alice");
    // He was answered before her delay was over, and she was called when he had gone.
    let bobs = when(&world, "named name=bo");
    assert!(bobs < when(&world, "dialled"), "{}", world.tail());
    assert_eq!((count(&world, "promised"), count(&world, "kept")), (1, 1), "{}", world.tail());
    assert_eq!(count(&world, "withdrawn") + count(&world, "expired"), 0, "{}", world.tail());
}

#[test]
fn c73_two_promises_and_one_line_are_kept_one_after_the_other_or_the_second_is_reported() {
    // Bob is promised his call on the line that is to call Alice, before it does.
    let both = |max_time: &str, alice: Option<Fault>| {
        let mut world =
            ppp_world(&format!("line = \"same\"\ntries = 1\nmax_time = \"{max_time}\""));
        world.begin("alice", called_back(Personality::Windows, Some(ALICE), ALICES));
        until(&mut world, "ended call=1");
        let next = world.ms() + 1;
        if let Some(fault) = alice {
            world.at(next, Act::Fault("alice".to_owned(), fault, Times::Always));
        }
        world.begin("bob", called_back(Personality::Pppd, None, BOBS));
        rest(&mut world);
        assert_eq!(count(&world, "promised"), 2, "{}", world.tail());
        world
    };
    let world = both("10m", None);
    is_done(&world, "alice");
    is_done(&world, "bob");
    let (first, second) = (when(&world, "dialled promise=1"), when(&world, "dialled promise=2"));
    assert!(first < second, "first come, first served: {}", world.tail());
    assert_eq!((count(&world, "kept"), count(&world, "dialled")), (2, 2), "{}", world.tail());

    // Alice's telephone rings for a minute, and Bob's time is over before the line is free.
    let world = both("40s", Some(Fault::NoAnswer));
    assert_eq!((count(&world, "kept"), count(&world, "dialled")), (0, 1), "{}", world.tail());
    assert_eq!(count(&world, "expired promise=2"), 1, "{}", world.tail());
    let lived = when(&world, "expired promise=2") - when(&world, "promised promise=2");
    assert!((39_000..=41_000).contains(&lived), "{lived} ms: {}", world.tail());
}

#[test]
fn all_73_items_have_a_test() {
    let files = [
        include_str!("../../../ppp/tests/link/conformance.rs"),
        include_str!("../../../ppp/tests/link/conformance_cbcp.rs"),
        include_str!("conformance.rs"),
    ];
    let mut found = std::collections::BTreeSet::new();
    for file in files {
        let mut before = "";
        for line in file.lines() {
            if let Some(name) = line.strip_prefix("fn c").filter(|_| before == "#[test]") {
                // One test may be several items': `c38_c39_c40_two_options_..`.
                let words = name.split('_').map(|word| word.strip_prefix('c').unwrap_or(word));
                found.extend(words.map_while(|word| word.parse::<u32>().ok()));
            }
            before = line;
        }
    }
    assert_eq!(found.into_iter().collect::<Vec<_>>(), (1..=73).collect::<Vec<_>>());
}
