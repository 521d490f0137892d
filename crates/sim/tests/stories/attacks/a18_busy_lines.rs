//! A18: return calls to nowhere keep every line busy, and nobody gets through any more.

use dialback_sim::people::Step;
use dialback_sim::people::scripts::{expect, send};
use dialback_sim::town::Station;
use dialback_sim::world::World;

use super::*;

/// Somebody has the server call telephones that ring for ever, on whichever line; then Alice calls both lines in turn.
/// Whether anybody answers her.
fn played(callback: &str) -> (bool, World) {
    let mut setup = Setup { config: config(callback), ..setup() };
    for number in ["5550301", "5550302"] {
        setup.town.stations.push(Station::telephone(number, number, None));
    }
    let mut world = world(setup);
    for (line, number) in [(OFFICE, "5550301"), (SECOND, "5550302")] {
        let mut bob = dial(line);
        bob.push(Step::NoAbort("NO CARRIER".to_owned()));
        bob.extend([expect("ogin: ", 60), send("other\r"), expect("callback: ", 60)]);
        bob.extend([send(&format!("{number}\r")), expect("NO CARRIER", 90), Step::Dtr(false)]);
        world.begin("bob", bob);
        let later = world.ms() + 35_000;
        world.run_until(later);
    }
    let mut through = false;
    for line in [OFFICE, SECOND] {
        let mut alice = dial(line);
        alice.push(expect("ogin: ", 20));
        world.begin("alice", alice);
        let later = world.ms() + 25_000;
        world.run_until(later);
        through |= world.screen("alice").contains("ogin: ");
    }
    (through, world)
}

const EAGER: &str =
    "line = \"public\"\ntries = 100\nretry = \"1s\"\nmax_time = \"1h\"\nper_user = 10\n";

#[test]
fn without_a_reserve_nobody_gets_through() {
    let (through, world) = played(EAGER);
    assert!(!through, "{}", world.tail());
    assert!(count(&world, "dialled") >= 2, "{}", world.tail());
}

#[test]
fn one_line_is_kept_for_callers() {
    let (through, world) = played(&format!("{EAGER}reserve_incoming = 1\n"));
    assert!(through, "{}", world.tail());
    assert!(count(&world, "dialled") >= 1, "{}", world.tail());
}

#[test]
fn no_try_lasts_longer_than_the_modems_dial_time_and_no_promise_longer_than_its_own() {
    let (_, mut world) =
        played("line = \"public\"\nmax_time = \"5m\"\ntries = 100\nretry = \"30s\"");
    rest(&mut world);
    assert_eq!(count(&world, "expired"), 2, "{}", world.tail());
    for ended in calls::record::records(world.journal()) {
        assert!(ended.total_ms < 120_000, "{ended:?}");
    }
}
