//! A2: a call that seizes the line at the very instant at which the server goes off-hook is connected with it, with no
//! RING before: the caller's modem plays the answering part, and the server takes it for the one who was dialled.

use dialback_sim::exchange::fault::{Fault, Times};
use dialback_sim::people::scripts::chat;
use dialback_sim::world::{Setup, World};

use crate::setup::*;

/// Alice asks to be called back, and Bob's call collides with the dialling.
fn played(callback: &str, modem: &str) -> World {
    let mut setup = Setup { config: config(callback), ..setup() };
    setup.config = setup.config.replace("\"ATZ\",", modem);
    let glare = Fault::Glare { by: "bob".to_owned(), reverse: true };
    setup.town.stations[0].faults.push((glare, Times::Next(1)));
    let mut world = world(setup);
    world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    // Bob listens to his modem.
    world.begin("bob", vec![dialback_sim::people::scripts::expect("ogin: ", 900)]);
    rest(&mut world);
    world
}

fn bob_got_the_prompt(world: &World) -> bool {
    world.screen("bob").contains("ogin: ")
}

#[test]
fn who_collides_with_a_blind_dial_gets_the_prompt_of_another() {
    let world = played("soonest_connect = \"0s\"", "\"ATZ\", \"ATX3\",");
    assert!(bob_got_the_prompt(&world), "{}", world.tail());
    journal_has(&world, &["dialled number=5550199", "kept"]);
}

#[test]
fn a_modem_that_waits_for_dial_tone_is_not_deceived() {
    let world = played("soonest_connect = \"0s\"", "\"ATZ\", \"ATX4\",");
    assert!(!bob_got_the_prompt(&world), "{}", world.tail());
    is_done(&world, "alice");
    journal_has(&world, &["dialled", "try-failed cause=no-dialtone", "dialled", "kept"]);
}

#[test]
fn a_connect_that_comes_too_soon_is_not_believed() {
    // Blind dialling and training take 13.3 s here; whoever has to be rung first takes longer.
    let world = played("soonest_connect = \"14s\"", "\"ATZ\", \"ATX3\",");
    assert!(!bob_got_the_prompt(&world), "{}", world.tail());
    is_done(&world, "alice");
    journal_has(
        &world,
        &["alert alert=connect-too-soon", "try-failed cause=too-soon", "dialled", "kept"],
    );
}
