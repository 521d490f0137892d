//! The ways in which a caller is called back, each to the end of his session.

use dialback_sim::chance::Chance;
use dialback_sim::people::scripts::{chat, person, windows};

use crate::setup::*;

#[test]
fn at_the_number_he_typed() {
    let mut world = world(setup());
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&world, "alice");
    journal_has(
        &world,
        &[
            "rang call=1 line=office",
            "connected",
            "named call=1 name=cback",
            "promised",
            "ended",
            "dialled",
            "connected",
            "kept",
            "named call=2 name=al",
            "launched",
            "program-exited",
            "ended",
        ],
    );
}
