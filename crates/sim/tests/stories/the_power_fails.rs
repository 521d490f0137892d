//! The power fails, or the server is killed: at every event, and at every instant of the town.

use std::time::Duration;

use calls::vocabulary::Event;
use dialback_sim::people::scripts::chat;
use dialback_sim::world::{Act, World};

use crate::setup::*;

/// Each promise in the journal was kept or given up, and no number was dialled for one that had been kept.
pub(crate) fn no_promise_is_lost(world: &World) {
    assert!(world.watch().open_promises().is_empty(), "{}", world.tail());
    let mut kept = Vec::new();
    for entry in world.journal() {
        if let Event::Kept { promise, .. } = &entry.event {
            kept.push(*promise);
        } else if let Event::Dialled { promise, .. } = &entry.event {
            assert!(!kept.contains(promise), "{promise} kept twice: {}", world.tail());
        }
    }
}

/// After each journal event, with and without the store having caught up, for short and for long.
#[test]
fn between_promise_and_return_and_no_promise_is_lost_or_kept_twice() {
    let mut restored = 0;
    for at in instants(487) {
        for (later, down) in [(0, 1), (4, 1), (6, 1), (6, 20)] {
            let mut world = world(setup());
            world.at(at + later, Act::PowerFails(Duration::from_secs(down)));
            world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
            rest(&mut world);
            no_promise_is_lost(&world);
            let dialled_again =
                world.story().rfind("server-started") < world.story().rfind("dialled");
            restored += usize::from(dialled_again && count(&world, "promised") == 1);
            tell(&mut world, "bob", chat(OFFICE, "cback", Some(BOB), "bo"));
            is_done(&world, "bob");
        }
    }
    assert!(restored > 20, "{restored}");
}

/// A promise is kept after the restart, and the caller notices nothing.
#[test]
fn while_a_promise_waits_and_it_is_kept_finding_20() {
    let mut world = world(setup());
    world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    until(&mut world, "ended call=1");
    let next = world.ms() + 10;
    world.run_until(next);
    world.power_fails(Duration::from_secs(2));
    rest(&mut world);
    is_done(&world, "alice");
    assert_eq!((count(&world, "server-started"), count(&world, "kept")), (2, 1));
}

#[test]
fn for_so_long_that_the_promise_expires() {
    let mut world = world(setup());
    world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    until(&mut world, "ended call=1");
    let next = world.ms() + 10;
    world.run_until(next);
    world.power_fails(Duration::from_secs(3_000));
    rest(&mut world);
    assert_eq!((count(&world, "expired"), count(&world, "dialled")), (1, 0));
}

#[test]
fn of_the_disk_and_nothing_is_promised() {
    let mut world = world(setup());
    world.at(world.ms(), Act::StoreFails(true));
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    assert_eq!((count(&world, "kept"), count(&world, "dialled")), (0, 0));
    assert!(!world.screen("alice").contains("We call you back"), "{}", world.screen("alice"));
}
