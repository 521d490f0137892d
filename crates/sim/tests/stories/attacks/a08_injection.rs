//! A8: a modem's command in the number. mgetty 1.2.1's callback passes all of these on to the modem.
//!
//! No key switches the defence off: only a `DialString` reaches a dial command, and a caller's text makes none. The
//! server without it is the modem with mgetty's `sprintf` in front of it.

use std::time::Duration;

use dialback_sim::people::Step;
use dialback_sim::people::scripts::{expect, send};
use dialback_sim::world::Act;

use super::*;

const INJECTIONS: [&str; 12] = [
    "5550199;S0=1",
    "5550199;S0=1&W",
    "L",
    "S=1",
    "5550199,9",
    "5550199@",
    "5550199!1",
    "W5550199",
    "5550199;H1",
    "5550199+++",
    "5550199;D9005550123",
    "*21*9005550123#",
];

/// mgetty 1.2.1's callback in place of the part of the server that dials: what the caller has typed, up to 29
/// characters of it, stands behind `ATDT`, and goes to the office's modem.
fn typed_to_a_server_that_does_not_look(text: &str) -> World {
    let mut world = world(setup());
    let typed: String = text.chars().take(29).collect();
    let command = format!("ATDT{typed}\r");
    world.at(5_000, Act::Intrude { station: "office".to_owned(), text: command, asks: false });
    world.run_until(120_000);
    world
}

fn happened(world: &World, what: &str) -> bool {
    world.log().iter().any(|logged| logged.event.to_string() == what)
}

#[test]
fn behind_a_prefix_each_text_is_the_modems_command() {
    for text in INJECTIONS {
        let world = typed_to_a_server_that_does_not_look(text);
        assert!(
            happened(&world, &format!("office is told ATDT{text}")),
            "{text}: {}",
            world.tail()
        );
    }
}

#[test]
fn who_has_the_modem_set_to_answer_is_answered_by_it_before_the_server_looks() {
    let mut world = typed_to_a_server_that_does_not_look("5550000;H0S0=1");
    let answered = |world: &World| happened(world, "office answers bob");
    assert!(!answered(&world), "{}", world.tail());
    let mut bob = dial(OFFICE);
    bob.push(Step::Dtr(false));
    world.begin("bob", bob);
    world.run_until(240_000);
    assert!(answered(&world), "{}", world.tail());
}

#[test]
fn who_types_a_second_dial_command_has_it_dialled() {
    let world = typed_to_a_server_that_does_not_look("*21*9005550123#");
    assert!(happened(&world, "office dials *21*9005550123#"), "{}", world.tail());
}

#[test]
fn no_text_that_a_caller_types_reaches_a_dial_command() {
    for text in INJECTIONS {
        let mut setup = setup();
        setup.config = setup.config.replace("\"555*\"", "\"*\"");
        let mut steps = dial(OFFICE);
        steps.push(Step::NoAbort("NO CARRIER".to_owned()));
        steps.extend([expect("ogin: ", 60), send("cback\r"), expect("callback: ", 60)]);
        steps.extend([send(&format!("{text}\r")), Step::Pause(Duration::from_secs(10))]);
        steps.push(Step::Dtr(false));
        let world = tried(setup, "alice", steps);
        assert_eq!(count(&world, "dialled"), 0, "{text}\n{}", world.tail());
        assert!(count(&world, "refused") > 0, "{text}\n{}", world.tail());
    }
}
