//! Callers who hang up, sit, flood or attack.

use std::time::Duration;

use dialback_sim::exchange::fault::{Fault, Times};
use dialback_sim::people::scripts::{
    chat, dial, expect, flooder, hangs_up_after, pause, send, sitter, sitter_at_the_number,
};

use crate::setup::*;

/// mgetty's callback goes on with uninitialised memory, and dials it.
#[test]
fn hanging_up_at_the_number_prompt_promises_nothing_finding_13() {
    let mut world = world(setup());
    let then = vec![expect("ogin: ", 30), send("cback\r"), expect("callback: ", 30), pause(500)];
    tell(&mut world, "alice", hangs_up_after(OFFICE, then));
    is_done(&world, "alice");
    assert_eq!((count(&world, "promised"), count(&world, "dialled")), (0, 0));
    journal_has(&world, &["ended call=1 cause=lost-carrier"]);
}

/// The modem's own NO CARRIER, which comes before DCD falls, ends the line that the caller has begun to type.
#[test]
fn hanging_up_in_the_middle_of_a_number_promises_nothing_finding_13() {
    let mut world = world(setup());
    let then = vec![expect("ogin: ", 30), send("cback\r"), expect("callback: ", 30), send("55501")];
    tell(&mut world, "alice", hangs_up_after(OFFICE, then));
    assert_eq!((count(&world, "dialled"), count(&world, "kept")), (0, 0), "{}", world.tail());
}

/// There is no time limit in mgetty's callback at all.
#[test]
fn sitting_at_the_number_prompt_has_an_end_finding_14() {
    let mut world = world(setup());
    tell(&mut world, "alice", sitter_at_the_number(OFFICE, "cback"));
    is_done(&world, "alice");
    journal_has(&world, &["dispatched", "ended call=1 cause=idle-timeout"]);
    assert_eq!(count(&world, "promised"), 0);
}

/// mgetty looks at the clock only after a key.
#[test]
fn sitting_at_the_login_prompt_has_an_end_finding_15() {
    let mut world = world(setup());
    tell(&mut world, "alice", sitter(OFFICE));
    is_done(&world, "alice");
    journal_has(&world, &["connected", "ended call=1 cause=idle-timeout"]);
}

#[test]
fn flooding_the_prompt_ends_the_call_and_nothing_else_finding_17() {
    let mut world = world(setup());
    tell(&mut world, "alice", flooder(OFFICE, 200));
    is_done(&world, "alice");
    assert_eq!(count(&world, "promised"), 0);
    tell(&mut world, "bob", chat(OFFICE, "cback", Some(BOB), "bo"));
    is_done(&world, "bob");
}

/// Five anonymous requests make five root processes there, ten minutes each.
#[test]
fn asking_again_and_again_is_limited_finding_17() {
    let mut setup = setup();
    setup.config = config("per_user = 1");
    let mut world = world(setup);
    let ask = || {
        let then = vec![
            expect("ogin: ", 30),
            send("cback\r"),
            expect("callback: ", 30),
            send("5550142\r"),
            expect("NO CARRIER", 30),
        ];
        let mut steps = dial(SECOND);
        steps.push(dialback_sim::people::Step::NoAbort("NO CARRIER".to_owned()));
        steps.extend(then);
        steps
    };
    for _ in 0..6 {
        world.begin("bob", ask());
        let later = world.ms() + 35_000;
        world.run_until(later);
    }
    let open = world.watch().open_promises().len();
    assert!(open == 1 && count(&world, "refused") > 0, "{open} open\n{}", world.tail());
    rest(&mut world);
}

#[test]
fn what_is_no_number_is_refused_politely_and_never_dialled() {
    for typed in [
        "5551234;H0",
        "L",
        "S=1",
        "+++",
        "*21*0900555#",
        "5550666",
        "0900555",
        "",
        "5555555555555555555555555555555555",
    ] {
        let mut world = world(setup());
        let mut steps = dial(OFFICE);
        steps.push(dialback_sim::people::Step::NoAbort("NO CARRIER".to_owned()));
        steps.extend([expect("ogin: ", 30), send("cback\r"), expect("callback: ", 30)]);
        steps.extend([
            send(&format!("{typed}\r")),
            pause(3_000),
            send("\r"),
            pause(500),
            send("\r"),
            pause(500),
            send("\r"),
            expect("NO CARRIER", 400),
        ]);
        tell(&mut world, "alice", steps);
        is_done(&world, "alice");
        assert_eq!((count(&world, "promised"), count(&world, "dialled")), (0, 0), "{typed:?}");
        tell(&mut world, "bob", chat(OFFICE, "cback", Some(BOB), "bo"));
        is_done(&world, "bob");
    }
}

/// The attack on exchanges with calling-party control: the attacker stays on the line, plays a dial tone, answers.
/// The hold time of the line is longer than the exchange's, so the line is really free.
#[test]
fn holding_the_line_with_a_false_dial_tone_fails_within_the_hold_time_findings_1_to_4() {
    for dial_tone in [true, false] {
        let mut setup = setup();
        setup.town.timing.hold = Duration::from_secs(20);
        setup.config = setup.config.replace("hold_time = \"3s\"", "hold_time = \"30s\"");
        let attacker = &mut setup.town.stations[2];
        attacker.faults.push((Fault::HoldsLine { dial_tone }, Times::Always));
        let mut world = world(setup);
        // He asks for Mary's callback, who is at 5550199; he himself calls from Bob's.
        setup_attack(&mut world);
        rest(&mut world);
        let overheard = world.log().iter().any(|logged| logged.event.to_string().contains("hears"));
        assert!(!overheard, "{}", world.tail());
    }
}

fn setup_attack(world: &mut dialback_sim::world::World) {
    let mut steps = dial(OFFICE);
    steps.push(dialback_sim::people::Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend([
        expect("ogin: ", 30),
        send("cback\r"),
        expect("callback: ", 30),
        send("5550198\r"),
        expect("NO CARRIER", 60),
    ]);
    world.begin("alice", steps);
}

#[test]
fn glare_at_the_instant_of_dialling_never_shows_a_prompt_to_a_stranger_finding_5() {
    let mut setup = setup();
    let glare = Fault::Glare { by: "bob".to_owned(), reverse: true };
    setup.town.stations[0].faults.push((glare, Times::Next(1)));
    let mut world = world(setup);
    world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    rest(&mut world);
    // The modem waits for dial tone (X4): the stranger is no dial tone.
    assert_eq!(world.screen("bob"), "");
    is_done(&world, "alice");
    journal_has(&world, &["dialled", "try-failed", "dialled", "kept"]);
}
