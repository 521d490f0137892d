//! A20: bytes that were made to be taken for something else: result codes typed by a caller, floods without end.

use std::time::Duration;

use dialback_sim::exchange::fault::{Fault, Times};
use dialback_sim::people::scripts::{chat, expect, flooder, pause, send};
use dialback_sim::people::{Answer, Impostor, Step};

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

/// A cable of three wires, and a modem that does not listen to `+++`: all that tells of a call are words, and Bob hears
/// what the server tells its modem. He says that his call is over, plays the modem while the server hangs up, and
/// then has the telephone ring: a call of Alice's, by its caller ID.
fn forged_call(read_back: bool) -> World {
    let mut setup = setup();
    setup.town.stations[0].faults.push((Fault::ThreeWires, Times::Always));
    let modem = format!("dtr_hangup = true, read_back = {read_back}");
    setup.config = setup.config.replace("dtr_hangup = true", &modem);
    let init = "\"AT&C1&D2S0=0\", \"ATS2=255#CID=1\"";
    setup.config = setup.config.replace("\"AT&C1&D2S0=0\"", init);
    let mut world = world(setup);
    let quiet = Duration::from_secs(30);
    let over = Answer::new("ATO", 50, "NO CARRIER");
    let connect = Answer::new("ATA", 2_000, "CONNECT 33600").last();
    let mut steps = dial(OFFICE);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend([expect("ogin: ", 60), Step::Send("\r\nNO CARRIER\r\n".to_owned())]);
    steps.push(Step::PlayModem(Impostor::who_says([over], quiet)));
    let rings = format!("\r\nRING\r\n\r\nNMBR = {ALICE}\r\n\r\nRING\r\n");
    steps.extend([Step::Forget, Step::Send(rings)]);
    steps.push(Step::PlayModem(Impostor::who_says([connect], quiet)));
    steps.extend([expect("ogin: ", 60), send("mary\r"), pause(10_000), Step::Dtr(false)]);
    world.begin("bob", steps);
    world.run_until(600_000);
    world
}

#[test]
fn result_codes_make_a_call_of_anothers_where_the_modems_words_are_enough() {
    let world = forged_call(false);
    is_done(&world, "bob");
    journal_has(&world, &["connected", "ended", "rang caller_id=5550199", "connected", "promised"]);
    // There was one call in the town until then, and it is Bob's.
    let answered = |logged: &dialback_sim::exchange::event::Logged| {
        logged.event.to_string() == "office answers bob"
    };
    assert_eq!(world.log().iter().filter(|logged| answered(logged)).count(), 1);
}

#[test]
fn result_codes_make_no_call_where_the_modem_proves_that_they_are_its_own() {
    let world = forged_call(true);
    assert_eq!(count(&world, "connected"), 1, "{}", world.tail());
    assert_eq!(count(&world, "rang caller_id=5550199"), 0, "{}", world.tail());
    assert_eq!(count(&world, "promised"), 0);
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
