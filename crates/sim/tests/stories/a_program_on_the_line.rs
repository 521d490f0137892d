//! Programs that end at once, that do not end, that can't be started.

use dialback_sim::people::Step;
use dialback_sim::people::scripts::{dial, expect, hangs_up_after, pause, send};
use dialback_sim::world::ProgramKind;

use crate::setup::*;

fn log_in_as(name: &str) -> Vec<Step> {
    let mut steps = dial(OFFICE);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend([expect("ogin: ", 30), send(&format!("{name}\r"))]);
    steps
}

#[test]
fn that_ends_at_once_ends_the_call() {
    let mut world = world(setup());
    let mut steps = log_in_as("ends");
    steps.push(expect("NO CARRIER", 60));
    tell(&mut world, "alice", steps);
    is_done(&world, "alice");
    journal_has(&world, &["launched", "program-exited", "ended"]);
}

#[test]
fn that_cannot_be_started_ends_the_call_with_a_word() {
    let mut setup = setup();
    setup.programs.insert("/bin/false".into(), ProgramKind::Missing);
    let mut world = world(setup);
    let mut steps = log_in_as("ends");
    steps.push(expect("NO CARRIER", 60));
    tell(&mut world, "alice", steps);
    is_done(&world, "alice");
    journal_has(&world, &["launch-failed", "ended call=1 cause=nas-error"]);
}

/// mgetty's login after a callback runs with SIGHUP ignored and keeps the line for as long as it likes.
#[test]
fn that_ignores_the_hang_up_is_killed_finding_19() {
    let mut world = world(setup());
    let then =
        vec![expect("ogin: ", 30), send("stubborn\r"), expect("assword: ", 30), pause(1_000)];
    tell(&mut world, "alice", hangs_up_after(OFFICE, then));
    rest(&mut world);
    journal_has(
        &world,
        &[
            "launched",
            "program-exited call=1 status={\"signal\":9}",
            "ended call=1 cause=lost-carrier",
        ],
    );
    let mut steps = log_in_as("ends");
    steps.push(expect("NO CARRIER", 60));
    tell(&mut world, "bob", steps);
    is_done(&world, "bob");
}

#[test]
fn that_talks_much_loses_nothing_on_the_line() {
    let mut setup = setup();
    setup.programs.insert("/bin/login".into(), ProgramKind::Talkative);
    let mut world = world(setup);
    let then = vec![expect("ogin: ", 30), send("al\r"), expect("dull boy", 30), pause(5_000)];
    tell(&mut world, "alice", hangs_up_after(OFFICE, then));
    is_done(&world, "alice");
    assert_eq!(world.screen("alice").matches("dull boy").count(), 200, "{}", world.screen("alice"));
}
