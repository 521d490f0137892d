//! A20: bytes that were made to be taken for something else: result codes typed by a caller, floods without end.

use dialback_sim::people::Step;
use dialback_sim::people::scripts::{chat, expect, flooder, pause};

use super::*;

/// Bob types what a modem says, at the prompt and at the program's.
fn forged(control_lines: bool) -> World {
    let setup = Setup { control_lines, ..setup() };
    let mut world = world(setup);
    let codes = "\r\nNO CARRIER\r\n\r\nRING\r\n\r\nCONNECT 33600\r\n\r\nOK\r\n";
    let mut steps = dial(OFFICE);
    steps.push(expect("ogin: ", 60));
    steps.extend([Step::Send(codes.to_owned()), pause(2_000), Step::Send(codes.to_owned())]);
    steps.extend([pause(20_000), Step::Dtr(false)]);
    tell(&mut world, "bob", steps);
    world
}

#[test]
fn result_codes_that_a_caller_types_are_names_and_no_calls() {
    for control_lines in [true, false] {
        let world = forged(control_lines);
        assert_eq!(count(&world, "rang"), 1, "{}", world.tail());
        assert_eq!(count(&world, "connected"), 1);
        assert_eq!(count(&world, "ended"), 1);
    }
}

/// Bob types and takes back, for as long as he is let; Alice wants to be called back.
fn kept_busy(time_limit: &str) -> World {
    let mut setup = setup();
    setup.config.push_str(&format!("\n[login]\ntime_limit = \"{time_limit}\"\n"));
    let mut world = world(setup);
    let mut bob = dial(OFFICE);
    bob.push(expect("ogin: ", 60));
    for _ in 0..120 {
        bob.extend([Step::Send("a\u{8}".to_owned()), pause(5_000)]);
    }
    world.begin("bob", bob);
    let mut steps = vec![pause(120_000)];
    steps.extend(chat(OFFICE, "cback", Some(ALICE), "al"));
    world.begin("alice", steps);
    world.run_until(900_000);
    world
}

#[test]
fn without_a_limit_of_time_who_types_on_keeps_the_line() {
    let world = kept_busy("1h");
    let alice = world.outcome("alice");
    assert!(
        matches!(alice, Some(dialback_sim::people::Outcome::Failed { .. })),
        "{}",
        world.tail()
    );
}

#[test]
fn whoever_types_on_loses_the_line() {
    let world = kept_busy("30s");
    is_done(&world, "alice");
}

#[test]
fn a_flood_ends_its_own_call_and_no_other() {
    let mut world = world(setup());
    tell(&mut world, "bob", flooder(OFFICE, 4_000));
    journal_has(&world, &["ended cause=user-error"]);
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&world, "alice");
}

#[test]
fn a_prompt_takes_no_more_than_it_can_hold() {
    let mut world = world(setup());
    let mut steps = dial(OFFICE);
    steps.push(expect("ogin: ", 60));
    steps.push(Step::Send(["a".repeat(100_000).as_str(), "\0\u{1b}[2J", "\r"].concat()));
    steps.extend([pause(60_000), Step::Dtr(false)]);
    tell(&mut world, "bob", steps);
    let named = world.journal().iter().find_map(|entry| {
        if let calls::vocabulary::Event::Named { name, .. } = &entry.event {
            Some(name.len())
        } else {
            None
        }
    });
    assert!(named.is_none_or(|length| length < 256), "{named:?}");
}
