//! A11: the server's hang-up does nothing, and whoever stays on the line plays its modem: he says OK to all that it is
//! told, CONNECT to the dial, and has the call that another was promised.

use std::time::Duration;

use dialback_sim::exchange::fault::{Fault, Times};
use dialback_sim::people::Step;
use dialback_sim::people::scripts::{expect, send};
use dialback_sim::world::Act;

use super::*;

/// A cable of three wires, and a modem that was told not to listen to `+++`. Bob asks for Mary's callback and stays.
fn played(read_back: bool) -> World {
    let mut setup = setup();
    setup.town.stations[0].faults.push((Fault::ThreeWires, Times::Always));
    let modem = format!("dtr_hangup = true, read_back = {read_back}");
    setup.config = setup.config.replace("dtr_hangup = true", &modem);
    setup.config = setup.config.replace("\"AT&C1&D2S0=0\"", "\"AT&C1&D2S0=0\", \"ATS2=255\"");
    let mut world = world(setup);
    let ok = || Step::Send("\r\nOK\r\n".to_owned());
    let mut steps = dial(OFFICE);
    steps.extend([expect("ogin: ", 60), send("mary\r"), expect("+++", 60)]);
    // An answer within the guard time would not be the modem's.
    steps.extend([Step::Pause(Duration::from_millis(1_200)), ok()]);
    if read_back {
        for guess in ["002", "137"] {
            let guess = format!("\r\n{guess}\r\n\r\nOK\r\n");
            steps.extend([expect("ATS8?", 30), Step::Send(guess)]);
            steps.extend([expect("+++", 30), Step::Pause(Duration::from_millis(1_200)), ok()]);
        }
    } else {
        for told in ["ATH", "ATZ", "AT&C1", "ATS2"] {
            steps.extend([expect(told, 30), ok()]);
        }
    }
    steps.extend([
        expect("ATDT5550199", 300),
        Step::Forget,
        Step::Pause(Duration::from_secs(20)),
        Step::Send("\r\nCONNECT 33600\r\n".to_owned()),
        expect("ogin: ", 60),
        Step::Dtr(false),
    ]);
    world.begin("bob", steps);
    world.run_until(240_000);
    world
}

#[test]
fn whoever_plays_the_modem_gets_the_call_of_another_where_its_word_is_enough() {
    let world = played(false);
    is_done(&world, "bob");
    journal_has(&world, &["dialled number=5550199", "connected direction=return", "kept"]);
    // He never let the line go, and the real Mary was not rung.
    assert_eq!(
        world.log().iter().filter(|at| at.event.to_string().contains("alice rings")).count(),
        0
    );
}

#[test]
fn he_does_not_know_what_only_the_modem_knows() {
    let mut world = played(true);
    journal_has(&world, &["alert alert=hang-up-not-seen", "ended cause=stuck"]);
    assert_eq!(count(&world, "dialled"), 0, "{}", world.tail());
    // Once he is gone the line is back, and has learned to listen to the escape.
    world.at(world.ms(), Act::HangUp("bob".to_owned()));
    rest(&mut world);
    journal_has(&world, &["ended cause=stuck", "line-ready line=office"]);
}
