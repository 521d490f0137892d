//! A14: another program on the port, in the instant in which the server dials. mgetty 1.2.1 and its callback hand the
//! line over by a lock file that is stolen and a signal; who comes in between has the other's call.
//!
//! The attacker is a program of the machine that dials Bob just before the server dials Mary: the server's command is
//! lost in a modem that dials already, and the CONNECT that it waits for is Bob's.

use dialback_sim::people::scripts::{expect, send};
use dialback_sim::world::Act;

use super::*;

/// When the server dials Mary.
fn dial_time() -> u64 {
    when(&played(None, true), "dialled number=5550199")
}

/// Alice has Mary called; at this instant another program writes a dial command.
fn played(at: Option<u64>, asks: bool) -> World {
    let mut setup = Setup { config: config("soonest_connect = \"0s\""), ..setup() };
    // Bob's modem answers.
    setup.town.stations[3] = dialback_sim::town::Station::modem("bob", BOB).with_settings("S0=1");
    // Every set-up takes as long as the next: the instants are those of the peaceful world.
    setup.config = setup.config.replace("jitter = \"2s\"", "jitter = \"0s\"");
    let mut world = world(setup);
    let mut steps = dial(OFFICE);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend([expect("ogin: ", 60), send("mary\r"), expect("NO CARRIER", 90)]);
    world.begin("alice", steps);
    world.begin("bob", vec![Step::Dtr(true), expect("ogin: ", 600), Step::Dtr(false)]);
    if let Some(at) = at {
        let (station, text) = ("office".to_owned(), format!("ATDT{BOB}\r"));
        world.at(at, Act::Intrude { station, text, asks });
    }
    world.run_until(240_000);
    world
}

/// How often Bob got the prompt of Mary's callback.
fn deceived(asks: bool) -> usize {
    let dialled = dial_time();
    let instants = (dialled.saturating_sub(120)..dialled + 80).step_by(40);
    instants.filter(|at| played(Some(*at), asks).screen("bob").contains("ogin: ")).count()
}

#[test]
fn who_does_not_look_for_the_lock_has_the_servers_call_for_himself() {
    assert!(deceived(false) > 0);
}

#[test]
fn with_the_lock_nobody_comes_between() {
    assert_eq!(deceived(true), 0);
}
