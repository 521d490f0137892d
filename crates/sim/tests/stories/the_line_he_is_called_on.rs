//! What can be at the number that is called back: engaged, nobody, a person, nothing.

use std::time::Duration;

use dialback_sim::exchange::fault::{Fault, Times};
use dialback_sim::people::scripts::{chat, expect, hangs_up_after, pause};
use dialback_sim::town::Station;

use crate::setup::*;

#[test]
fn is_busy_and_then_reached() {
    let mut world = world(setup());
    let alice = world.exchange.station("alice").unwrap();
    let now = proto::time::Instant::from_millis(world.ms());
    world.exchange.fault(now, alice, Fault::Busy, Times::Next(2));
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&world, "alice");
    journal_has(
        &world,
        &[
            "dialled",
            "try-failed cause=busy",
            "dialled",
            "try-failed cause=busy",
            "dialled",
            "kept",
        ],
    );
}

#[test]
fn is_not_answered_and_the_line_serves_the_next_caller() {
    let mut world = world(setup());
    let alice = world.exchange.station("alice").unwrap();
    let now = proto::time::Instant::from_millis(world.ms());
    world.exchange.fault(now, alice, Fault::NoAnswer, Times::Always);
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    journal_has(&world, &["promised", "try-failed", "try-failed", "try-failed", "expired"]);
    tell(&mut world, "bob", chat(OFFICE, "cback", Some(BOB), "bo"));
    is_done(&world, "bob");
}

#[test]
fn belongs_to_nobody_or_to_a_person() {
    for number in ["5550142", "5550177", "5550178"] {
        let mut setup = setup();
        let seconds = Duration::from_secs(4);
        setup.town.stations.push(Station::telephone("granny", "5550177", Some(seconds)));
        setup.town.stations.push(Station::telephone("empty", "5550178", None));
        let mut world = world(setup);
        tell(&mut world, "alice", chat(OFFICE, "cback", Some(number), "al"));
        journal_has(&world, &["promised", "try-failed", "expired"]);
        tell(&mut world, "bob", chat(OFFICE, "cback", Some(BOB), "bo"));
        is_done(&world, "bob");
    }
}

#[test]
fn has_no_dial_tone_before_it() {
    let mut setup = setup();
    setup.town.stations[0].faults.push((Fault::NoDialTone, Times::Next(1)));
    let mut world = world(setup);
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&world, "alice");
    journal_has(&world, &["dialled", "try-failed cause=no-dialtone", "dialled", "kept"]);
}

/// mgetty's callback keeps the lock for its whole ten minutes: callers hear endless ringing.
#[test]
fn is_busy_and_others_can_call_between_the_tries_finding_16() {
    let mut world = world(setup());
    let now = proto::time::Instant::from_millis(world.ms());
    let alice = world.exchange.station("alice").unwrap();
    world.exchange.fault(now, alice, Fault::Busy, Times::Next(2));
    world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    until(&mut world, "try-failed");
    // Bob calls in the pause between the tries, and is served at once.
    let called = world.ms();
    world.begin("bob", hangs_up_after(OFFICE, vec![expect("ogin: ", 30)]));
    let later = world.ms() + 25_000;
    world.run_until(later);
    journal_has(&world, &["try-failed", "rang call=3 line=office", "connected call=3"]);
    assert!(world.ms() - called < 30_000);
    rest(&mut world);
    is_done(&world, "alice");
}

/// A call that comes in before the callback is due costs mgetty's callback a whole retry time more.
#[test]
fn is_called_right_after_another_call_finding_28() {
    let mut world = world(setup());
    world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    until(&mut world, "ended call=1");
    // Bob sits at the prompt when the callback is due; it goes out when he is gone.
    world.begin("bob", hangs_up_after(OFFICE, vec![expect("ogin: ", 30), pause(20_000)]));
    rest(&mut world);
    is_done(&world, "alice");
    journal_has(&world, &["ended call=1", "rang call=2", "ended call=2", "dialled", "kept"]);
    // Bob is gone: hold time and the rest of the delay, no retry time.
    assert!(when(&world, "dialled") - when(&world, "ended call=2") < 10_000, "{}", world.tail());
}
