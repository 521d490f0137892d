//! A8: a modem's command in the number. mgetty 1.2.1's callback passes all of these on to the modem.
//!
//! There is no key that switches the defence off: the caller's text never reaches a dial command. What the first
//! test shows is that the modem would have obeyed.

use std::time::Duration;

use dialback_sim::people::Step;
use dialback_sim::people::scripts::{expect, send};

use super::*;

const INJECTIONS: [&str; 12] = [
    "5550199;S0=1",
    "5550199;S0=1&W",
    "L",
    "S=1",
    "5550199,9",
    "5550199@",
    "5550199!1",
    "W5550199",
    "5550199;H1",
    "5550199+++",
    "5550199;D9005550123",
    "*21*9005550123#",
];

#[test]
fn the_modem_would_obey() {
    let mut bob = vec![Step::Dtr(true), send("ATZ\r"), expect("OK", 5)];
    bob.extend([
        send("ATS0=0\r"),
        expect("OK", 5),
        send("ATDT5550000;S0=7\r"),
        Step::Pause(Duration::from_secs(90)),
    ]);
    bob.extend([send("ATS0?\r"), expect("007", 5)]);
    let world = tried(setup(), "bob", bob);
    is_done(&world, "bob");
}

#[test]
fn no_text_that_a_caller_types_reaches_a_dial_command() {
    for text in INJECTIONS {
        let mut setup = setup();
        setup.config = setup.config.replace("\"555*\"", "\"*\"");
        let mut steps = dial(OFFICE);
        steps.push(Step::NoAbort("NO CARRIER".to_owned()));
        steps.extend([expect("ogin: ", 60), send("cback\r"), expect("callback: ", 60)]);
        steps.extend([send(&format!("{text}\r")), Step::Pause(Duration::from_secs(10))]);
        steps.push(Step::Dtr(false));
        let world = tried(setup, "alice", steps);
        assert_eq!(count(&world, "dialled"), 0, "{text}\n{}", world.tail());
        assert!(count(&world, "refused") > 0, "{text}\n{}", world.tail());
    }
}
