//! The ways in which a caller is called back, each to the end of his session.

use dialback_sim::chance::Chance;
use dialback_sim::people::scripts::{chat, person, windows};

use crate::setup::*;

/// What every callback leaves in the journal, in this order.
const WHOLE: [&str; 12] = [
    "rang call=1 line=office",
    "connected call=1",
    "named call=1",
    "promised",
    "ended call=1 cause=callback",
    "dialled",
    "connected call=2",
    "kept call=2",
    "named call=2 name=al",
    "launched",
    "program-exited",
    "ended call=2 cause=user-request",
];

#[test]
fn at_the_number_he_typed() {
    let mut world = world(setup());
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&world, "alice");
    journal_has(&world, &WHOLE);
    journal_has(&world, &["dialled line=office number=5550199"]);
}

#[test]
fn at_his_fixed_number() {
    let mut world = world(setup());
    tell(&mut world, "alice", chat(OFFICE, "mary", None, "al"));
    is_done(&world, "alice");
    journal_has(&world, &WHOLE);
}

#[test]
fn on_another_line() {
    let mut setup = setup();
    setup.config = config("line = \"other\"");
    let mut world = world(setup);
    tell(&mut world, "alice", chat(OFFICE, "other", Some(ALICE), "al"));
    is_done(&world, "alice");
    journal_has(&world, &WHOLE);
    journal_has(&world, &["dialled line=second", "connected call=2 direction=return"]);
}

#[test]
fn on_a_hunt_group() {
    let mut setup = setup();
    setup.config = config("line = \"public\"");
    let mut world = world(setup);
    tell(&mut world, "alice", chat(OFFICE, "other", Some(ALICE), "al"));
    is_done(&world, "alice");
    journal_has(&world, &WHOLE);
}

#[test]
fn by_the_lines_that_his_entry_names() {
    let mut world = world(setup());
    tell(&mut world, "alice", chat(OFFICE, "group", Some(ALICE), "al"));
    is_done(&world, "alice");
    journal_has(&world, &WHOLE);
}

#[test]
fn with_windows_which_takes_any_ring_for_the_telephone() {
    let mut world = world(setup());
    tell(&mut world, "alice", windows(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&world, "alice");
    journal_has(&world, &WHOLE);
}

#[test]
fn typing_by_hand_with_errors() {
    for seed in 0..20 {
        let mut world = world(setup());
        let script = person(OFFICE, "cback", Some(ALICE), "al", &mut Chance::new(seed));
        tell(&mut world, "alice", script);
        is_done(&world, "alice");
        journal_has(&world, &WHOLE);
    }
}

#[test]
fn through_a_port_without_control_lines() {
    let mut setup = setup();
    setup.control_lines = false;
    setup.config = setup.config.replace("dtr_hangup = true", "dtr_hangup = false");
    let mut world = world(setup);
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&world, "alice");
    journal_has(&world, &WHOLE);
}

#[test]
fn while_his_friend_is_called_back_on_the_other_line() {
    let mut setup = setup();
    setup.config = config("");
    let mut world = world(setup);
    world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    tell(&mut world, "bob", chat(SECOND, "cback", Some(BOB), "bo"));
    is_done(&world, "alice");
    is_done(&world, "bob");
    assert_eq!(count(&world, "kept"), 2);
}

#[test]
fn again_and_again() {
    let mut world = world(setup());
    for _ in 0..10 {
        tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
        is_done(&world, "alice");
        let pause = world.ms() + 10_000;
        world.run_until(pause);
    }
    assert_eq!(count(&world, "kept"), 10);
}

#[test]
fn in_the_softwares_own_time_of_less_than_300_ms() {
    let mut world = world(setup());
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    // From the number's last digit to the line on-hook, and from CONNECT to the prompt: nothing but the line's speed
    // and the quiet time.
    let parting = when(&world, "ended call=1") - when(&world, "promised");
    assert!(parting < 300, "{parting} ms\n{}", world.tail());
}
