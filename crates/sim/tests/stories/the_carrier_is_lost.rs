//! The carrier is lost at every instant of a call.

use dialback_sim::people::scripts::chat;
use dialback_sim::world::Act;

use crate::setup::*;

/// mgetty hangs for ever when the modem says NO CARRIER just before DCD falls: 5 of 40 hang-ups.
#[test]
fn at_any_instant_and_the_line_serves_the_next_caller_finding_18() {
    for at in instants(211) {
        for later in [0, 1, 30] {
            let mut world = world(setup());
            world.at(at + later, Act::HangUp("alice".to_owned()));
            world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
            rest(&mut world);
            tell(&mut world, "bob", chat(OFFICE, "cback", Some(BOB), "bo"));
            is_done(&world, "bob");
        }
    }
}
