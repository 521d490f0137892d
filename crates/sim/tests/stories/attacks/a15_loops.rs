//! A15: two servers that call each other back, and would go on for ever.

use std::time::Duration;

use dialback_sim::people::Step;
use dialback_sim::people::scripts::{expect, send};
use dialback_sim::world::World;

use super::*;

/// Bob's station is another server: it answers by itself, asks for a login, hangs up, and calls us back, so often.
fn played(callback: &str, times: usize) -> World {
    let mut setup = Setup { config: config(callback), ..setup() };
    setup.config = setup
        .config
        .replace("rings = 1", "rings = 2")
        .replace("AT&C1&D2S0=0", "AT&C1&D2S0=0+VCID=1");
    setup.town.stations[3] = setup.town.stations[3].clone().with_settings("S0=1");
    let mut world = world(setup);
    for _ in 0..times {
        // It calls us, and its rules give the name and the number that it has always given.
        let mut bob = dial(OFFICE);
        bob.push(Step::NoAbort("NO CARRIER".to_owned()));
        bob.extend([expect("ogin: ", 60), send("cback\r"), expect("callback: ", 60)]);
        bob.extend([send(&format!("{BOB}\r")), expect("NO CARRIER", 90), Step::Forget]);
        // We call, and it is a server: it asks who we are, as we ask it.
        bob.extend([expect("CONNECT", 600), send("\r\nelsewhere!login: ")]);
        bob.extend([Step::Pause(Duration::from_secs(30)), Step::Dtr(false)]);
        world.begin("bob", bob);
        rest(&mut world);
    }
    world
}

const OFF: &str = "loop_limit = 0\nquarantine_after = 0";

#[test]
fn without_a_limit_it_goes_on_as_long_as_the_other_likes() {
    let world = played(OFF, 9);
    assert_eq!(count(&world, "kept"), 9, "{}", world.tail());
}

#[test]
fn a_caller_whom_we_keep_calling_is_not_answered_a_fourth_time_within_the_hour() {
    let world = played("loop_limit = 3\nquarantine_after = 0", 9);
    assert_eq!(count(&world, "kept"), 4, "{}", world.tail());
    journal_has(&world, &["alert=loop", "screened rule=loop.caller-id"]);
    assert!(count(&world, "screened rule=loop.caller-id") >= 2, "{}", world.tail());
}

#[test]
fn a_prompt_that_answers_a_return_call_is_hung_up_on_and_told() {
    let world = played(OFF, 1);
    journal_has(&world, &["kept call=2", "alert=loop", "ended call=2 cause=user-error"]);
    let online = when(&world, "ended call=2") - when(&world, "connected call=2");
    assert!(online < 10_000, "{online} ms\n{}", world.tail());
}

#[test]
fn our_own_lines_are_never_called() {
    for number in [OFFICE, SECOND] {
        let mut steps = dial(OFFICE);
        steps.push(Step::NoAbort("NO CARRIER".to_owned()));
        steps.extend([expect("ogin: ", 60), send("cback\r"), expect("callback: ", 60)]);
        steps.extend([send(&format!("{number}\r")), expect("NO CARRIER", 90)]);
        let world = tried(setup(), "bob", steps);
        journal_has(&world, &["refused rule=number.own-line"]);
        assert_eq!(count(&world, "dialled"), 0);
    }
}
