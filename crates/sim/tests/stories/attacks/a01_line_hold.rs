//! A1: the caller stays on the line after the server has hung up, plays a dial tone, hears the number being dialled and
//! answers. Works wherever the exchange holds the called side longer than the server waits.

use std::time::Duration;

use dialback_sim::exchange::fault::{Fault, Times};
use dialback_sim::world::{Setup, World};

use super::*;

/// Bob asks for Mary's callback and holds the line; the exchange holds it for `exchange`.
fn played(exchange: u64, hold_time: &str, callback: &str, second: bool) -> World {
    let mut setup = Setup { config: config(callback), ..setup() };
    setup.town.timing.hold = Duration::from_secs(exchange);
    let bob = setup.town.stations.iter_mut().find(|station| station.name == "bob").unwrap();
    bob.faults.push((Fault::HoldsLine { dial_tone: true }, Times::Always));
    setup.config = setup.config.replace("hold_time = \"3s\"\n", hold_time);
    if !second {
        let end = setup.config.find("\n[[line]]\nname = \"second\"").unwrap();
        setup.config.truncate(end);
        setup.login_config =
            setup.login_config.replace("group - - /usr/sbin/callback -l office:second\n", "");
        setup.login_config = setup.login_config.replace("other - - /usr/sbin/callback\n", "");
    }
    tried(setup, "bob", waits_for_a_second_prompt(OFFICE, "mary"))
}

fn reached_bob(world: &World) -> bool {
    world.screen("bob").matches("ogin: ").count() > 1
}

fn heard_the_number(world: &World) -> bool {
    world.log().iter().any(|logged| logged.event.to_string().contains("bob hears office dial"))
}

#[test]
fn who_holds_the_line_gets_the_prompt_where_its_hold_time_is_believed_to_be_short() {
    let world = played(240, "hold_time = \"3s\"\n", "", true);
    assert!(heard_the_number(&world) && reached_bob(&world), "{}", world.tail());
    journal_has(&world, &["promised user=mary", "dialled line=office", "kept"]);
}

#[test]
fn a_line_whose_hold_time_is_not_known_does_not_call_back_where_there_is_another() {
    let world = played(240, "", "", true);
    assert!(!heard_the_number(&world) && !reached_bob(&world), "{}", world.tail());
    // The call goes to Mary's telephone, on the other line, while Bob still listens.
    journal_has(&world, &["promised user=mary", "dialled line=second number=5550199"]);
    let rings = |logged: &dialback_sim::exchange::event::Logged| {
        logged.event.to_string().contains("alice rings")
    };
    assert!(world.log().iter().any(rings), "{}", world.tail());
}

#[test]
fn the_only_line_waits_longer_than_the_worst_exchange_holds_it() {
    let world = played(180, "", "", false);
    assert!(!heard_the_number(&world) && !reached_bob(&world), "{}", world.tail());
    let waited = when(&world, "dialled") - when(&world, "ended call=1");
    assert!(waited >= 200_000, "{waited}\n{}", world.tail());
}

/// An exchange that is worse than any that is known: nothing but refusing helps on the same line.
#[test]
fn the_only_line_does_not_call_back_before_it_is_measured_where_that_is_wanted() {
    let world = played(240, "", "same_line = \"qualified\"", false);
    assert!(!heard_the_number(&world) && !reached_bob(&world), "{}", world.tail());
    journal_has(&world, &["refused rule=line.same"]);
    let world = played(240, "hold_time = \"3s\"\n", "same_line = \"never\"", true);
    assert!(!heard_the_number(&world), "{}", world.tail());
    journal_has(&world, &["dialled line=second"]);
}
