//! `dialback qualify LINE --with OTHER`: what the server finds by calls between two of its lines, on exchanges of every kind.

use std::time::Duration;

use calls::qualify::{CallerIdFound, Findings, Signal};
use calls::vocabulary::{Command, Event, Reply};
use dialback_sim::exchange::fault::{Fault, Times};
use dialback_sim::people::scripts::chat;
use dialback_sim::town::{Equipment, Presentation, Town};
use dialback_sim::world::{Act, Setup, World};

use crate::setup::{self, *};

/// The usual town; the modems tell who calls, and measuring does not need login.config to call anybody back.
fn setup() -> Setup {
    let setup = setup::setup();
    Setup { config: config(""), ..setup }
}

fn config(callback: &str) -> String {
    setup::config(callback).replace("S0=0\"]", "S0=0\", \"AT#CID=1\"]")
}

fn order(line: &str, with: &str) -> Act {
    let who = "root (uid 0)".to_owned();
    Act::Command(Command::Measure { who, line: line.to_owned(), with: with.to_owned() })
}

/// By then every modem is set up, also one whose DCD tells nothing.
const BEGIN: u64 = 12_000;

/// How it ended: what was found, or why nothing was.
type End = Result<(u64, Findings), String>;

fn end_of(world: &World) -> Option<End> {
    world.journal().iter().find_map(|entry| {
        if let Event::Qualified { hold_ms, findings, .. } = &entry.event {
            Some(Ok((*hold_ms, *findings.clone().unwrap())))
        } else if let Event::NotQualified { reason, .. } = &entry.event {
            Some(Err(reason.clone()))
        } else {
            None
        }
    })
}

/// Measures the office's line with the second one. Afterwards both are free and on-hook.
fn measured(setup: Setup, then: impl FnOnce(&mut World)) -> (World, End) {
    let mut world = world(setup);
    world.at(BEGIN, order("office", "second"));
    then(&mut world);
    let end = loop {
        let next = world.ms() + 1_000;
        world.run_until(next);
        assert!(next < 3_600_000 && world.watch().violations().is_empty(), "{}", world.tail());
        if let Some(end) = end_of(&world) {
            break end;
        }
    };
    (world, end)
}

/// Both lines are back in service, and their modems on-hook.
fn are_back(world: &mut World) {
    let soon = world.ms() + 20_000;
    world.run_until(soon);
    for line in world.status().unwrap().lines {
        assert_eq!(line.state, "idle", "{}: {}", line.line, world.tail());
        let id = world.exchange.station(&line.line).unwrap();
        assert_eq!(world.exchange.status(id).line, "on-hook", "{}", world.tail());
    }
    assert!(world.watch().violations().is_empty(), "{}", world.tail());
}

fn in_town(change: impl FnOnce(&mut Town)) -> Setup {
    let mut setup = setup();
    change(&mut setup.town);
    setup
}

/// Changes one station of the town.
fn with(setup: &mut Setup, name: &str, change: impl FnOnce(&mut dialback_sim::town::Station)) {
    change(setup.town.stations.iter_mut().find(|station| station.name == name).unwrap());
}

/// The hold time lies between what is told, and that is narrow enough to be of use.
fn check_hold(hold: u64, end: End, world: &World) -> Findings {
    assert!(end.is_ok(), "{hold}: {end:?}\n{}", world.tail());
    let (free, findings) = end.unwrap();
    let ms = hold * 1_000;
    let told = findings.hold(free);
    // Half a second is what modems need to take the line and to let it go.
    assert!(findings.held_ms <= ms + 500 && ms < free + 500, "{hold}: {told}\n{}", world.tail());
    assert!(free - findings.held_ms <= (free / 8).max(2_000), "{hold}: {told}");
    // And it is what callbacks wait for from now on, with a margin.
    findings
}

/// The other modem says good-bye (V.42).
fn at_once(found: Signal) -> bool {
    matches!(found, Signal::Carrier { after_ms: 0..2_000 })
}

#[test]
fn the_hold_time_lies_between_two_waits_whatever_the_exchange() {
    for hold in [0, 2, 10, 60, 90, 180] {
        let setup = in_town(|town| town.timing.hold = Duration::from_secs(hold));
        let (mut world, end) = measured(setup, |_| {});
        let found = check_hold(hold, end, &world);
        assert_eq!(found.with, "second");
        assert_eq!(found.dial_tone_ms, 300, "{hold}");
        let configured = Some(true);
        assert_eq!(found.caller_id, CallerIdFound::Number { rings: 1, configured }, "{hold}");
        assert!(at_once(found.called), "{hold}: {}", found.called);
        assert!(found.calls <= 18, "{hold}: {} calls", found.calls);
        are_back(&mut world);
        assert!(!world.story().contains(" connected "), "nobody was served:\n{}", world.tail());
    }
}

#[test]
fn what_the_exchange_tells_of_the_caller_is_found() {
    let number = |configured| CallerIdFound::Number { rings: 1, configured };
    type Change = fn(&mut Setup);
    let table: [(&str, Change, CallerIdFound); 5] = [
        ("shown", |_| {}, number(Some(true))),
        (
            "withheld",
            |setup| with(setup, "second", |station| station.presentation = Presentation::Withheld),
            CallerIdFound::NoNumber { rings: 1 },
        ),
        (
            "not known",
            |setup| with(setup, "second", |station| station.presentation = Presentation::Unknown),
            CallerIdFound::NoNumber { rings: 1 },
        ),
        (
            "the modem does not tell",
            |setup| setup.config = setup.config.replace("CID=1", "CID=0"),
            CallerIdFound::Nothing,
        ),
        (
            "another number is configured",
            |setup| {
                setup.login_config = "* - - /bin/login @\n".to_owned();
                setup.config = setup.config.replace(
                    "number = \"5550101\"\ndirection = \"both\"",
                    "number = \"5550177\"\ndirection = \"originate\"",
                );
            },
            number(Some(false)),
        ),
    ];
    for (what, change, wanted) in table {
        let mut setup = setup();
        change(&mut setup);
        let (world, end) = measured(setup, |_| {});
        let (_, found) = end.unwrap_or_else(|why| panic!("{what}: {why}\n{}", world.tail()));
        assert_eq!(found.caller_id, wanted, "{what}\n{}", world.tail());
    }
}

#[test]
fn how_a_line_learns_that_its_peer_has_hung_up_is_found() {
    type Change = fn(&mut Setup);
    type Wanted = fn(Signal) -> bool;
    let table: [(&str, Change, Wanted); 4] = [
        ("DCD", |_| {}, at_once),
        (
            "no control lines",
            |setup| setup.control_lines = false,
            |found| matches!(found, Signal::Words { after_ms } if after_ms < 5_000),
        ),
        (
            // Nothing but the carrier tells, and its loss is believed after S10.
            "no error control, S10 of three seconds",
            |setup| {
                setup.config = setup.config.replace("S0=0\"", "S0=0S10=30\"");
                with(setup, "office", |station| {
                    if let Equipment::Modem(modem) = &mut station.equipment {
                        modem.profile.error_control = false;
                    }
                });
            },
            |found| matches!(found, Signal::Carrier { after_ms: 3_000..=5_000 }),
        ),
        (
            "DCD is always on",
            |setup| {
                with(setup, "office", |station| {
                    station.faults.push((Fault::StuckDcd, Times::Always));
                });
            },
            |found| matches!(found, Signal::Words { .. }),
        ),
    ];
    for (what, change, wanted) in table {
        let mut setup = setup();
        change(&mut setup);
        let (world, end) = measured(setup, |_| {});
        let (_, found) = end.unwrap_or_else(|why| panic!("{what}: {why}\n{}", world.tail()));
        assert!(wanted(found.called), "{what}: called: {}\n{}", found.called, world.tail());
        let calling = found.calling.expect("the second line takes calls");
        assert!(wanted(calling), "{what}: calling: {calling}\n{}", world.tail());
    }
}

#[test]
fn a_late_dial_tone_is_waited_for_and_told() {
    let setup = in_town(|town| {
        town.timing.dial_tone = Duration::from_millis(3_500);
        town.timing.hold = Duration::from_secs(10);
    });
    let (mut world, end) = measured(setup, |_| {});
    let found = check_hold(10, end, &world);
    assert_eq!(found.dial_tone_ms, 3_500);
    are_back(&mut world);
}

/// What is in the way is told, with the cure, and both lines are back.
fn check_failure(what: &str, setup: Setup, then: impl FnOnce(&mut World), wanted: &str) {
    let (mut world, end) = measured(setup, then);
    let told = end.as_ref().is_err_and(|why| why.contains(wanted));
    assert!(told, "{what}: {end:?}\n{}", world.tail());
    world.run_until(world.ms() + 20_000);
    assert!(world.watch().violations().is_empty(), "{what}: {}", world.tail());
    assert_eq!(count(&world, "kept") + count(&world, "launched"), 0, "{what}");
}

#[test]
fn what_is_in_the_way_is_told_with_its_cure() {
    let fault = |name: &'static str, fault: Fault, times: Times| {
        let mut setup = setup();
        with(&mut setup, name, |station| station.faults.push((fault, times)));
        setup
    };
    let ms = 300_000;
    for (what, setup, wanted) in [
        (
            "it holds for ever",
            in_town(|town| town.timing.hold = Duration::from_millis(ms)),
            "still holds the line 240 s after",
        ),
        (
            "no dial tone",
            fault("office", Fault::NoDialTone, Times::Always),
            "has no dial tone although",
        ),
        (
            "none for the other",
            fault("second", Fault::NoDialTone, Times::Always),
            "line second has no dial tone although",
        ),
        ("busy", fault("office", Fault::Busy, Times::Always), "it was busy"),
        ("unheard", fault("office", Fault::NoAnswer, Times::Always), "did not ring"),
    ] {
        check_failure(what, setup, |_| {}, wanted);
    }
    // Another one's number stands at the line: the call goes to Bob, who answers like a modem.
    let mut setup = setup();
    setup.config = setup.config.replace(OFFICE, BOB);
    let (world, end) = measured(setup, |_| {});
    assert!(end.as_ref().is_err_and(|why| why.contains("did not ring")), "{end:?}");
    // Nobody tells whether he has answered. It counts, or whoever repeats it spends past every budget.
    let charged = |event: &Event| matches!(event, Event::Measured { charge: Some(_), .. });
    assert!(world.journal().iter().any(|entry| charged(&entry.event)), "{}", world.tail());
}

#[test]
fn a_caller_in_between_ends_it_and_is_served_when_he_calls_again() {
    for at in [500, 18_000, 58_000, 61_000, 68_000].map(|ms| BEGIN + ms) {
        let (mut world, end) = measured(setup(), |world| {
            world.at(at, Act::Begin("alice".to_owned(), chat(OFFICE, "cback", Some(ALICE), "al")));
        });
        // He may find the line busy with the measuring; then nothing was disturbed.
        if let Err(why) = &end {
            let told =
                ["somebody rang", "was busy", "none of ours", "did not connect", "did not ring"];
            assert!(told.iter().any(|told| why.contains(told)), "{at}: {why}\n{}", world.tail());
        }
        rest(&mut world);
        are_back(&mut world);
        tell(&mut world, "bob", chat(OFFICE, "cback", Some(BOB), "bob"));
        is_done(&world, "bob");
    }
}

#[test]
fn a_stranger_who_is_there_when_a_line_goes_off_hook_is_nobody_s_peer_and_gets_nothing() {
    for line in ["office", "second"] {
        for (reverse, at) in
            [(false, BEGIN), (true, BEGIN), (false, BEGIN + 20_000), (true, BEGIN + 20_000)]
        {
            let by = "bob".to_owned();
            let glare = Fault::Glare { by, reverse };
            let (mut world, end) = measured(setup(), |world| {
                world.at(at, Act::Fault(line.to_owned(), glare, Times::Next(1)));
            });
            let what = format!("{line} {reverse} {at}: {end:?}\n{}", world.tail());
            let why = format!("line {line} ha");
            assert!(
                end.is_err_and(|end| end.contains(&why) && end.contains("dial tone")),
                "{what}"
            );
            are_back(&mut world);
            assert_eq!(count(&world, "connected"), 0, "{what}");
        }
    }
}

#[test]
fn a_caller_who_rings_in_while_the_other_line_dials_ends_it_or_does_not_get_through() {
    let (quiet, _) = measured(setup(), |_| {});
    let dials = when(&quiet, "measuring-call");
    let (mut rang, mut was_busy) = (0, 0);
    // His call needs some three seconds to arrive.
    for at in (dials - 4_500..dials - 2_000).step_by(97) {
        let stranger = || Act::Begin("bob".to_owned(), chat(SECOND, "cback", Some(BOB), "bob"));
        let (mut world, end) = measured(setup(), |world| world.at(at, stranger()));
        match end {
            Ok(_) => {
                was_busy += 1;
                rest(&mut world);
                assert!(world.screen("bob").contains("BUSY"), "{at}: {}", world.screen("bob"));
            }
            Err(why) if why.contains("somebody rang line second") => {
                rang += 1;
                rest(&mut world);
                is_done(&world, "bob");
            }
            Err(why) => {
                // In the very moment in which the modem went off-hook.
                assert!(why.contains("line second had no dial tone"), "{at}: {why}");
                rest(&mut world);
                assert_eq!(count(&world, "connected"), 0, "{at}: {}", world.tail());
            }
        }
        are_back(&mut world);
    }
    assert!(rang > 0 && was_busy > 0, "rang {rang}, busy {was_busy}");
}

#[test]
fn a_modem_that_dies_within_it_ends_it_and_the_other_line_is_back() {
    const MENDED: u64 = 600_000;
    for (line, other) in [("office", "second"), ("second", "office")] {
        for at in (BEGIN + 100..60_000).step_by(4_700) {
            let mute = |times| Act::Fault(line.to_owned(), Fault::Mute, times);
            let (mut world, end) = measured(setup(), |world| {
                world.at(at, mute(Times::Always));
                world.at(at + MENDED, mute(Times::Never));
            });
            let why = end.expect_err("nothing is measured with a dead modem");
            assert!(why.contains(line), "{at}: {why}");
            let soon = world.ms() + 30_000;
            world.run_until(soon);
            let status = world.status().unwrap();
            let state = &status.lines.iter().find(|status| status.line == other).unwrap().state;
            assert_eq!(state, "idle", "{line} {at}: {why}\n{}", world.tail());
            world.run_until(at + MENDED + 120_000);
            are_back(&mut world);
        }
    }
}

#[test]
fn it_is_ended_by_whoever_may_and_leaves_both_lines_on_hook() {
    let hang_up = || {
        let (who, line) = ("root (uid 0)".to_owned(), "second".to_owned());
        Act::Command(Command::HangUp { who, line })
    };
    type Make = Box<dyn Fn() -> Act>;
    let acts: [(&str, Make); 2] = [
        ("an operator has hung up", Box::new(hang_up)),
        (
            "a new configuration is in force",
            Box::new(|| Act::Reload(config(""), LOGIN_CONFIG.to_owned())),
        ),
    ];
    for (why, act) in &acts {
        for at in (BEGIN + 100..110_000).step_by(4_300) {
            let (mut world, end) = measured(setup(), |world| world.at(at, act()));
            match end {
                Err(told) => assert!(told.contains(why), "{at}: {told}"),
                Ok(_) => assert!(at > 90_000, "{at}: {}", world.tail()),
            }
            are_back(&mut world);
        }
    }
    for at in (BEGIN + 100..110_000).step_by(4_300) {
        let mut world = world(setup());
        world.at(BEGIN, order("office", "second"));
        world.at(at, Act::Stop(Duration::from_secs(20)));
        world.run_until(at + 120_000);
        assert!(world.has_stopped(), "{at}: {}", world.tail());
        for line in ["office", "second"] {
            let id = world.exchange.station(line).unwrap();
            assert_eq!(world.exchange.status(id).line, "on-hook", "{at}: {line}");
        }
    }
}

#[test]
fn it_is_refused_where_it_can_not_be() {
    let busy_out = || {
        let (who, line) = ("root (uid 0)".to_owned(), "second".to_owned());
        Act::Command(Command::BusyOut { who, line })
    };
    let direction = |line: &str, direction: &str| {
        let number = if line == "office" { OFFICE } else { SECOND };
        let both = format!("number = \"{number}\"\ndirection = \"both\"");
        let other = format!("number = \"{number}\"\ndirection = \"{direction}\"");
        config("").replace(&both, &other)
    };
    let no_number = config("").replace(&format!("number = \"{OFFICE}\"\n"), "");
    for (what, config, before, (line, with), wanted) in [
        ("itself", config(""), None, ("office", "office"), "can't call itself"),
        ("nobody", config(""), None, ("office", "nobody"), "there is no line nobody"),
        ("no number", no_number, None, ("office", "second"), "has no `number` configured"),
        ("answers", direction("office", "answer"), None, ("office", "second"), "only answers"),
        (
            "originates",
            direction("office", "originate"),
            None,
            ("office", "second"),
            "takes no calls",
        ),
        (
            "helper",
            direction("second", "answer"),
            None,
            ("office", "second"),
            "second only answers",
        ),
        ("out", config(""), Some(busy_out()), ("office", "second"), "out of service"),
        (
            "twice",
            config(""),
            Some(order("office", "second")),
            ("office", "second"),
            "one at a time",
        ),
    ] {
        let login_config = "* - - /bin/login @\n".to_owned();
        let mut world = world(Setup { config, login_config, ..setup() });
        if let Some(before) = before {
            world.at(2_050, before);
        }
        world.at(3_000, order(line, with));
        world.run_until(3_100);
        let reply = world.replies().last();
        let Some((_, Reply::Refused { reason, .. })) = reply else { panic!("{what}: {reply:?}") };
        assert!(reason.contains(wanted), "{what}: {reason}");
    }
    // Somebody is on the line, or waits to be called back on it.
    for words in ["connected call=1", "promised", "ended call=1", "dialled"] {
        let mut world = world(setup());
        world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
        until(&mut world, words);
        world.at(world.ms() + 100, order("office", "second"));
        rest(&mut world);
        is_done(&world, "alice");
        let reply = world.replies().last();
        assert!(matches!(reply, Some((_, Reply::Refused { .. }))), "{words}: {reply:?}");
    }
}

#[test]
fn a_measured_line_waits_for_what_was_measured() {
    let setup = Setup {
        config: config("").replace("hold_time = \"3s\"\n", ""),
        ..in_town(|town| {
            town.timing.hold = Duration::from_secs(10);
        })
    };
    let (mut world, end) = measured(setup, |_| {});
    let (free, _) = end.unwrap();
    are_back(&mut world);
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&world, "alice");
    let waited = when(&world, "dialled") - when(&world, "ended");
    assert!(waited >= free + free / 4, "{waited}\n{}", world.tail());
    assert!(waited < 60_000, "{waited}");
}
