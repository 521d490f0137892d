//! A12: the server's modem is told something that its server did not say: by a program's output behind `+++`, or by
//! somebody who has got at the modem itself.

use std::time::Duration;

use dialback_sim::people::Step;
use dialback_sim::people::scripts::{expect, pause, send};
use dialback_sim::world::Act;

use super::*;

fn office(read_back: bool) -> Setup {
    let mut setup = setup();
    let modem = format!("dtr_hangup = true, check_every = \"5m\", read_back = {read_back}");
    setup.config = setup.config.replace("dtr_hangup = true", &modem);
    // A modem that echoes and a program that does would talk for ever.
    setup.config = setup.config.replace("AT&C1", "ATE0&C1");
    setup
}

fn is_told(world: &World, command: &str) -> bool {
    let line = format!("office is told {command}");
    world.log().iter().any(|logged| logged.event.to_string() == line)
}

/// Bob has a shell: `sleep 2; printf +++; sleep 2; printf 'ATS0=7&W\r'`.
fn escaped(read_back: bool) -> World {
    let mut world = world(office(read_back));
    let mut steps = dial(OFFICE);
    steps.extend([expect("ogin: ", 60), send("nobody\r"), expect("word: ", 60), pause(60_000)]);
    steps.push(Step::Dtr(false));
    world.begin("bob", steps);
    until(&mut world, "launched");
    let now = world.ms();
    world.at(now + 5_000, Act::Writes("+++".to_owned()));
    world.at(now + 8_000, Act::Writes("ATS0=7&W\r".to_owned()));
    world.run_until(now + 120_000);
    world
}

#[test]
fn a_program_that_prints_plus_signs_commands_the_modem_where_the_setup_forgets_s2() {
    let world = escaped(false);
    assert!(is_told(&world, "S0=7&W") || is_told(&world, "ATS0=7&W"), "{}", world.tail());
}

#[test]
fn behind_every_setup_the_escape_is_off() {
    let world = escaped(true);
    assert!(!is_told(&world, "S0=7&W") && !is_told(&world, "ATS0=7&W"), "{}", world.tail());
    let screen = world.screen("bob");
    assert!(screen.contains("+++ATS0=7&W"), "to him it is text: {screen}");
}

/// Somebody has got at the modem by its remote configuration: it answers by itself, before anybody is screened.
fn set_anew(read_back: bool) -> World {
    let mut setup = office(read_back);
    // Nobody but Alice is answered.
    setup.config = setup.config.replace(
        "login_config = \"/etc/dialback/login.config\"",
        "login_config = \"/etc/dialback/login.config\"\ndialin_config = \"/etc/dialback/dialin.config\"",
    );
    let mut world = world(setup);
    world.at(10_000, Act::SetAnew("office".to_owned(), "S0=1".to_owned()));
    world.run_until(400_000);
    let mut steps = dial(OFFICE);
    steps.extend([Step::Pause(Duration::from_secs(30)), Step::Dtr(false)]);
    tell(&mut world, "bob", steps);
    world
}

fn got_through(world: &World) -> bool {
    world.screen("bob").contains("CONNECT")
}

#[test]
fn a_modem_that_was_set_to_answer_does_so_for_those_who_are_not_to_be_answered() {
    let world = set_anew(false);
    assert!(got_through(&world), "{}", world.tail());
    assert_eq!(count(&world, "alert"), 0);
}

#[test]
fn a_modem_that_was_set_anew_is_told_of_and_set_up() {
    let world = set_anew(true);
    assert!(!got_through(&world), "{}", world.tail());
    journal_has(&world, &["alert alert=modem-changed line=office", "line-ready line=office"]);
}
