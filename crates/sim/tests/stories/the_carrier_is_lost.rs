//! The carrier is lost at every instant of a call.

use dialback_sim::people::scripts::chat;
use dialback_sim::world::Act;

use crate::setup::*;

/// mgetty hangs for ever when the modem says NO CARRIER just before DCD falls: 5 of 40 hang-ups.
#[test]
fn at_any_instant_and_the_line_serves_the_next_caller_finding_18() {
    let mut whole = world(setup());
    tell(&mut whole, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    let mut instants: Vec<u64> = whole.log().iter().map(|logged| logged.at.as_millis()).collect();
    let begin = whole.journal()[0].at.unix_ms;
    instants.extend(
        whole.journal().iter().map(|entry| u64::try_from(entry.at.unix_ms - begin).unwrap()),
    );
    // And in between: while bytes are on the line, digits are dialled, modems train.
    instants.extend((2_000..whole.ms()).step_by(211));
    instants.sort_unstable();
    instants.dedup();
    for at in instants {
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
