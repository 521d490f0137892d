//! A19: whoever is on the line, or calls, learns the numbers at which others are called. mgetty 1.2.1's callback
//! shows them in ps(1), for it is given them as arguments; ours is no program and has no arguments.
//!
//! There is no key that shows a stored number to a caller. In the log and in syslog all but the last digits are stars
//! (`dialback`'s `log::mask`), unless `log_numbers` wants them.

use dialback_sim::people::Step;
use dialback_sim::people::scripts::{chat, expect, send};

use super::*;

#[test]
fn a_caller_who_types_his_number_sees_what_he_has_typed() {
    let world = tried(setup(), "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&world, "alice");
    assert!(world.screen("alice").contains(ALICE), "{}", world.screen("alice"));
}

#[test]
fn nobody_is_told_the_number_that_is_stored_for_a_name() {
    // Bob gives the name of another, whose number the server dials.
    let mut steps = dial(OFFICE);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend([expect("ogin: ", 60), send("mary\r"), expect("NO CARRIER", 90)]);
    let world = tried(setup(), "bob", steps);
    journal_has(&world, &["dialled number=5550199"]);
    let screen = world.screen("bob");
    assert!(screen.contains("ogin: ") && !screen.contains(ALICE), "{screen}");
}
