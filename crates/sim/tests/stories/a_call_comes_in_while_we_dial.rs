//! Glare, at every instant: a call that arrives while a callback is prepared and dialled.

use dialback_sim::people::scripts::{chat, expect, hangs_up_after, pause};
use dialback_sim::world::Act;

use crate::setup::*;

/// mgetty's callback ignores the RING, dials into the call, leaks the number and takes a stale CONNECT for success.
#[test]
fn the_stranger_is_never_taken_for_the_one_who_is_called_back_finding_6() {
    // Bob's call reaches the office 3.33 s after his modem starts to dial (and ATZ before it).
    let mut quiet = world(setup());
    tell(&mut quiet, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    let at = when(&quiet, "dialled");
    for offset in (0..6_000).step_by(97) {
        let mut world = world(setup());
        world.at(
            at - 5_000 + offset,
            Act::Begin(
                "bob".to_owned(),
                hangs_up_after(OFFICE, vec![expect("ogin: ", 30), pause(2_000)]),
            ),
        );
        world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
        rest(&mut world);
        is_done(&world, "alice");
        // Whatever came first, nobody was spoken to as somebody else.
        assert_eq!(count(&world, "kept"), 1, "offset {offset}: {}", world.tail());
        assert!(
            !world.screen("bob").contains("5550199"),
            "offset {offset}: {}",
            world.screen("bob")
        );
    }
}
