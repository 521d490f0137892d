//! A7: a caller presents a dear number as his own, and hopes that he is called back at it.

use std::time::Duration;

use calls::vocabulary::{CallbackOrder, Command, Event};
use dialback_sim::people::Step;
use dialback_sim::people::scripts::{expect, send};
use dialback_sim::town::Presentation;
use dialback_sim::world::Act;

use super::*;

/// Mallory says that he calls from a premium service, which is there.
fn wangiri() -> Setup {
    let mut setup = setup();
    setup.config = setup.config.replace("\"555*\"", "\"*\"");
    setup.town.stations[3].number = "9005550123".to_owned();
    setup.town.stations[3].presentation = Presentation::Shown;
    setup.config = setup.config.replace("rings = 1", "rings = 2");
    setup.config = setup.config.replace("AT&C1&D2S0=0", "AT&C1&D2S0=0+VCID=1");
    setup
}

/// He rings once, and is gone before the second ring, at which the server answers.
fn rings() -> Vec<Step> {
    vec![
        Step::Dtr(true),
        send("ATZ\r"),
        expect("OK", 5),
        send(&format!("ATDT{OFFICE}\r")),
        Step::Pause(Duration::from_secs(9)),
        Step::Dtr(false),
    ]
}

/// A server that calls whoever has called: the operator's own script, told of each ring by a hook, has the caller ID
/// called back, as `dialback callback "$CALLER_ID"` would. No key of the configuration does that.
fn with_a_script_for_missed_calls(mut setup: Setup, more: &str) -> World {
    setup.config.push_str(more);
    let mut world = world(setup);
    world.begin("bob", rings());
    until(&mut world, "rang");
    let told = world.journal().iter().find_map(|entry| {
        if let Event::Rang { caller_id, .. } = &entry.event { caller_id.clone() } else { None }
    });
    let order = CallbackOrder {
        who: "missed-calls.sh".to_owned(),
        numbers: vec![told.unwrap()],
        ..CallbackOrder::default()
    };
    world.at(world.ms() + 1_000, Act::Command(Command::Callback(order)));
    rest(&mut world);
    world
}

#[test]
fn a_number_that_is_called_because_it_has_called_is_whatever_was_presented() {
    let world = with_a_script_for_missed_calls(wangiri(), "");
    assert!(count(&world, "dialled number=9005550123") > 0, "{}", world.tail());
    let called = |text: &str| world.log().iter().any(|at| at.event.to_string().contains(text));
    assert!(called("dials 9005550123") && called("bob rings"), "{}", world.tail());
}

#[test]
fn a_site_that_knows_its_country_refuses_even_then() {
    let site = "\n[site]\ncountry = \"US\"\narea = \"212\"\n";
    let world = with_a_script_for_missed_calls(wangiri(), site);
    assert_eq!(count(&world, "dialled"), 0, "{}", world.tail());
}

#[test]
fn a_call_alone_has_nothing_dialled() {
    // He rings, and is gone before anybody answers; and he calls, and says nothing.
    let silent = [
        dial(OFFICE),
        vec![
            expect("ogin: ", 60),
            Step::NoAbort("NO CARRIER".to_owned()),
            expect("NO CARRIER", 600),
        ],
    ]
    .concat();
    for steps in [rings(), silent] {
        let world = tried(wangiri(), "bob", steps);
        journal_has(&world, &["rang caller_id=9005550123"]);
        assert_eq!(count(&world, "dialled"), 0, "{}", world.tail());
        assert_eq!(count(&world, "promised"), 0);
    }
}

#[test]
fn a_stored_number_is_dialled_whatever_he_presents() {
    let mut steps = dial(OFFICE);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend([expect("ogin: ", 60), send("mary\r"), expect("NO CARRIER", 90)]);
    let world = tried(wangiri(), "bob", steps);
    assert!(count(&world, "dialled number=5550199") > 0, "{}", world.tail());
    assert_eq!(count(&world, "dialled number=9005550123"), 0);
}
