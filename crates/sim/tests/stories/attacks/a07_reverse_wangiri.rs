//! A7: a caller presents a dear number as his own, and hopes that he is called back at it.

use std::time::Duration;

use dialback_sim::people::Step;
use dialback_sim::people::scripts::{expect, send};
use dialback_sim::town::Presentation;

use super::*;

/// Mallory says that he calls from a premium service, which is there.
fn wangiri() -> Setup {
    let mut setup = setup();
    setup.config = setup.config.replace("\"555*\"", "\"*\"");
    setup.town.stations[3].number = "9005550123".to_owned();
    setup.town.stations[3].presentation = Presentation::Shown;
    setup
}

fn asks(number: &str) -> Vec<Step> {
    let mut steps = dial(OFFICE);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend([expect("ogin: ", 60), send("cback\r"), expect("callback: ", 60)]);
    steps.extend([send(&format!("{number}\r")), Step::Pause(Duration::from_secs(10))]);
    steps.push(Step::Dtr(false));
    steps
}

#[test]
fn whoever_may_type_his_number_types_the_one_that_he_presents() {
    let world = tried(wangiri(), "bob", asks("9005550123"));
    assert!(count(&world, "dialled number=9005550123") > 0, "{}", world.tail());
}

#[test]
fn a_call_alone_has_nothing_dialled() {
    // He rings, and is gone before anybody answers; and he calls, and says nothing.
    let ring = vec![
        Step::Dtr(true),
        send("ATZ\r"),
        expect("OK", 5),
        send(&format!("ATDT{OFFICE}\r")),
        Step::Pause(Duration::from_millis(2_500)),
        Step::Dtr(false),
    ];
    let silent = [
        dial(OFFICE),
        vec![
            expect("ogin: ", 60),
            Step::NoAbort("NO CARRIER".to_owned()),
            expect("NO CARRIER", 600),
        ],
    ]
    .concat();
    for steps in [ring, silent] {
        let world = tried(wangiri(), "bob", steps);
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
