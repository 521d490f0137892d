//! Modems that are dead, deaf, slow or stuck.

use dialback_sim::exchange::fault::{Fault, Times};
use dialback_sim::people::Step;
use dialback_sim::people::scripts::{chat, dial, expect, pause, send};
use dialback_sim::world::Act;

use crate::setup::*;

#[test]
fn a_dead_modem_is_a_fault_and_comes_back_when_it_is_mended() {
    let mut setup = setup();
    setup.town.stations[0].faults.push((Fault::Mute, Times::Always));
    let mut world = world(setup);
    world.run_until(120_000);
    journal_has(&world, &["line-faulted line=office"]);
    world.at(120_000, Act::Fault("office".to_owned(), Fault::Mute, Times::Never));
    world.run_until(600_000);
    journal_has(&world, &["line-faulted line=office", "line-ready line=office"]);
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&world, "alice");
}

#[test]
fn a_modem_that_dies_in_mid_call_does_not_keep_the_line_for_ever() {
    let mut world = world(setup());
    world.at(20_000, Act::Fault("office".to_owned(), Fault::Mute, Times::Always));
    world.at(400_000, Act::Fault("office".to_owned(), Fault::Mute, Times::Never));
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    let later = world.ms() + 400_000;
    world.run_until(later);
    tell(&mut world, "bob", chat(OFFICE, "cback", Some(BOB), "bo"));
    is_done(&world, "bob");
}

#[test]
fn a_modem_that_ignores_dtr_is_hung_up_by_command() {
    let mut setup = setup();
    setup.config =
        setup.config.replace("dtr_hangup = true", "dtr_hangup = true, read_back = false");
    setup.town.stations[0].faults.push((Fault::IgnoresDtr, Times::Always));
    let mut world = world(setup);
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&world, "alice");
}

#[test]
fn a_modem_that_ignores_dtr_with_its_escape_off_is_told_once_and_listens_to_it_from_then_on() {
    let mut setup = setup();
    setup.town.stations[0].faults.push((Fault::IgnoresDtr, Times::Always));
    let mut world = world(setup);
    // She hangs up herself, at last; nothing else helps.
    let mut steps = dial(OFFICE);
    steps.extend([expect("ogin: ", 60), send("ends\r"), pause(400_000), Step::Dtr(false)]);
    tell(&mut world, "bob", steps);
    world.run_until(500_000);
    journal_has(
        &world,
        &["alert alert=hang-up-not-seen", "ended cause=stuck", "line-ready line=office"],
    );
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&world, "alice");
    assert_eq!(count(&world, "alert=hang-up-not-seen"), 1, "{}", world.tail());
}

#[test]
fn a_stuck_carrier_is_noticed_and_told() {
    let mut setup = setup();
    setup.town.stations[0].faults.push((Fault::StuckDcd, Times::Always));
    let mut world = world(setup);
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    journal_has(&world, &["carrier-stuck line=office"]);
}

#[test]
fn slow_modems_and_results_in_pieces_are_understood() {
    for (ms, bytes) in [(0, 1), (300, 64), (700, 2), (1_500, 1)] {
        let mut setup = setup();
        for station in &mut setup.town.stations {
            station.faults.push((Fault::Slow { ms }, Times::Always));
            station.faults.push((Fault::Split { bytes }, Times::Always));
        }
        let mut world = world(setup);
        world.run_until(30_000);
        tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
        is_done(&world, "alice");
    }
}

#[test]
fn an_unplugged_modem_is_a_fault_and_its_promise_is_kept_when_it_is_back() {
    let mut world = world(setup());
    world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    until(&mut world, "ended call=1");
    let now = world.ms();
    world.at(now + 100, Act::Fault("office".to_owned(), Fault::Unplugged, Times::Always));
    world.at(now + 40_000, Act::Fault("office".to_owned(), Fault::Unplugged, Times::Never));
    rest(&mut world);
    is_done(&world, "alice");
    journal_has(&world, &["line-faulted line=office", "line-ready line=office", "dialled", "kept"]);
}

#[test]
fn noise_on_the_line_ends_in_something_bounded() {
    for per_million in [1_000, 20_000, 200_000] {
        let mut setup = setup();
        setup.town.stations[0].faults.push((Fault::Noise { per_million }, Times::Always));
        let mut world = world(setup);
        world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
        rest(&mut world);
    }
}
