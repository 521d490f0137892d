//! Attacks by numbers: A6, A7, A8, A15.

use calls::vocabulary::Event;
use proto::dial::is_dial_command;

use super::ground::{
    ATTACKER, ATTACKER_NUMBER, CALLER, Cast, Ground, PROMPT, Way, events, rest, told,
};
use super::{Finding, Verdict};
use crate::exchange::event::TownEvent;
use crate::people::Step;
use crate::people::scripts::{dial, expect, pause, send};
use crate::town::Station;
use crate::world::{Act, World};

/// Numbers that cost, or that belong to somebody who must not be called: premium, shared cost, satellite, global,
/// emergency, operator, feature codes.
const TOLL: &[&str] = &[
    "19005551234",
    "9005551234",
    "0900123456",
    "09061234567",
    "1909555123",
    "0190123456",
    "0700123456",
    "08711234567",
    "018001234",
    "00881612345678",
    "0118816123456",
    "+881612345678",
    "+8835100123456",
    "+979123456789",
    "+80812345678",
    "112",
    "110",
    "911",
    "999",
    "0",
    "00",
    "411",
    "*21*5550199#",
    "*315550199",
    "#31#5550199",
    "00239123456",
    "0115352345678",
    "+2526123456",
    "+37090012345",
];

/// What carries commands, where a number or a name is asked for.
const INJECTIONS: &[&str] = &[
    "5550199;H0",
    "5550199;ATD19005551234",
    "L",
    "S=1",
    "5550199\nATD19005551234",
    "+++",
    "5550199,,,9",
    "5550199W9",
    "5550199@9",
    "5550199!",
    "5550199;",
    "ATDT5550199",
    "T5550199",
    "DL",
    "5550199&Z0=1",
    "0x35",
    "5550199\u{1b}[A",
    "5550199\u{10}\u{3}",
    "%c555",
    "5550199\u{7f}\u{7f}9",
    "$(id)",
    "`id`",
    "-p",
    "--",
    "../../etc/passwd",
    "@",
    "5550199\u{0}9",
    "ATS0=7",
];

/// Asks for a callback at each of these numbers in turn.
fn typed(ground: &Ground, way: &Way, numbers: &[String]) -> World {
    let mut world =
        ground.world(Cast::of(&ground.actual, vec![Station::modem(CALLER, "1999000001")]));
    for number in numbers {
        let mut steps = Way { types: Some(number.clone()), ..way.clone() }.asks();
        steps.extend([pause(10_000), Step::Dtr(false), pause(2_000)]);
        world.begin(CALLER, steps);
        rest(&mut world);
    }
    world
}

fn asking(ground: &Ground) -> Option<&Way> {
    ground.ways.iter().find(|way| way.types.is_some())
}

/// What was promised, and to whom.
fn promised(world: &World) -> Vec<String> {
    let numbers = world.journal().iter().filter_map(|entry| match &entry.event {
        Event::Promised(promised) => Some(promised.numbers.join(", ")),
        _ => None,
    });
    numbers.collect()
}

/// A6.
pub(super) fn toll(ground: &Ground) -> Finding {
    let Some(way) = asking(ground) else {
        return Finding::new(Verdict::NotApplicable, "no caller may say where he is called back");
    };
    let numbers: Vec<String> = TOLL.iter().map(|number| (*number).to_owned()).collect();
    // As somebody who may be called back: passwords do not keep a user from doing it.
    let world = {
        let permissive = Ground { actual: ground.config.clone(), ..ground.clone() };
        typed(&permissive, way, &numbers)
    };
    let taken = promised(&world);
    if let Some(number) = taken.first() {
        return Finding::new(Verdict::Open, format!("a caller was promised a call to {number}"))
            .cured_by(
                "narrow caller_numbers.allow to the prefixes that your users have, and set site.country, so that \
                 classes of numbers are known",
            )
            .shown_by(told(&world, &["promised"]));
    }
    let because = format!(
        "{} numbers that cost or must not be called are refused, each by a rule",
        TOLL.len()
    );
    Finding::new(Verdict::Withstood, because).shown_by(told(&world, &["refused"]))
}

/// A7.
pub(super) fn wangiri(ground: &Ground) -> Finding {
    let Some(door) = ground.spots.iter().find(|spot| spot.answers) else {
        return Finding::new(Verdict::NotApplicable, "no line answers callers with a prompt");
    };
    let lure = "19005551234";
    let mut world = ground.world(Cast::of(&ground.config, vec![Station::modem(ATTACKER, lure)]));
    for _ in 0..3 {
        let steps = vec![
            Step::Dtr(true),
            send("ATZ\r"),
            expect("OK", 5),
            send(&format!("ATDT{}\r", door.number)),
            pause(60_000),
        ];
        world.begin(ATTACKER, steps);
        // He is gone as soon as it has rung.
        let rung = |world: &World| {
            let rings = |event: &TownEvent| matches!(event, TownEvent::Rings { .. });
            world.log().iter().filter(|logged| rings(&logged.event)).count()
        };
        let (before, end) = (rung(&world), world.ms() + 30_000);
        while rung(&world) == before && world.ms() < end {
            world.run_until(world.ms() + 100);
        }
        world.at(world.ms() + 1, Act::HangUp(ATTACKER.to_owned()));
        rest(&mut world);
    }
    let mut steps = dial(&door.number);
    steps.extend([expect(PROMPT, 60), send("zaphod\r"), pause(15_000), Step::Dtr(false)]);
    world.begin(ATTACKER, steps);
    rest(&mut world);
    let dialled = events(&world, |event| matches!(event, Event::Dialled { .. }));
    if dialled > 0 {
        return Finding::new(Verdict::Open, "a call was placed because somebody rang")
            .shown_by(told(&world, &["rang", "promised", "dialled"]));
    }
    Finding::new(
        Verdict::Withstood,
        "nobody's caller ID is ever dialled: no part of the server makes a number of it",
    )
    .shown_by(told(&world, &["rang", "ended"]))
}

/// A8.
pub(super) fn injection(ground: &Ground) -> Finding {
    let Some(door) = ground.spots.iter().find(|spot| spot.answers) else {
        return Finding::new(Verdict::NotApplicable, "no line answers callers with a prompt");
    };
    let mut world =
        ground.world(Cast::of(&ground.config, vec![Station::modem(ATTACKER, ATTACKER_NUMBER)]));
    for text in INJECTIONS {
        let mut steps = dial(&door.number);
        steps.push(Step::NoAbort("NO CARRIER".to_owned()));
        steps.extend([expect(PROMPT, 60)]);
        if let Some(way) = asking(ground) {
            steps.extend([send(&format!("{}\r", way.name)), expect("callback: ", 60)]);
        }
        steps.extend([send(&format!("{text}\r")), pause(8_000), Step::Dtr(false), pause(2_000)]);
        world.begin(ATTACKER, steps);
        rest(&mut world);
    }
    let ours = |station: &str| ground.spots.iter().any(|spot| spot.name == station);
    let bad = world.log().iter().find_map(|logged| match &logged.event {
        TownEvent::Command { station, line } if ours(station.as_str()) => {
            // The town tells a command without its AT.
            let upper = line.to_ascii_uppercase();
            let dials = upper.starts_with('D') || upper.contains("DT") || upper.contains("DP");
            let wrong = dials && !is_dial_command(format!("AT{line}\r").as_bytes())
                || line.contains("S0=7");
            wrong.then(|| format!("{} {}", logged.at, logged.event))
        }
        _ => None,
    });
    let violated = world.watch().violations().first().cloned();
    if let Some(line) = bad.or(violated) {
        return Finding::new(Verdict::Open, "the server's modem was told what a caller had typed")
            .shown_by(vec![line]);
    }
    let because = format!("{} texts with commands in them: none reached a modem", INJECTIONS.len());
    Finding::new(Verdict::Withstood, because).shown_by(told(&world, &["refused"]))
}

/// A15.
pub(super) fn loops(ground: &Ground) -> Finding {
    let Some(way) = ground.ways.first() else { return Finding::nothing_to_call(ground) };
    if let Some(asks) = asking(ground) {
        let own: Vec<String> = ground.spots.iter().map(|spot| spot.number.clone()).collect();
        let world = typed(ground, asks, &own);
        if let Some(number) = promised(&world).first() {
            return Finding::new(
                Verdict::Open,
                format!("the server was to call itself at {number}"),
            )
            .cured_by("write each line's number, so that it is known for our own")
            .shown_by(told(&world, &["promised"]));
        }
    }
    // A storm: asked for again and again while the last one is still open.
    let mut world = ground.world(Cast::of(
        &ground.config,
        vec![
            Station::modem(CALLER, "1999000001"),
            Station::telephone("nobody's telephone", &way.dials, None),
        ],
    ));
    let mut most = 0;
    for _ in 0..8 {
        let mut steps = way.asks();
        steps.extend([pause(8_000), Step::Dtr(false), pause(2_000)]);
        world.begin(CALLER, steps);
        let end = world.ms() + 120_000;
        while world.ms() < end {
            world.run_until(world.ms() + 1_000);
            most = most.max(world.watch().open_promises().len());
        }
    }
    rest(&mut world);
    let dialled = events(&world, |event| matches!(event, Event::Dialled { .. }));
    let evidence =
        vec![format!("8 requests: at most {most} promises open at once, {dialled} calls placed")];
    if most > 1 {
        return Finding::new(
            Verdict::Open,
            format!("{most} callbacks to one caller were owed at once"),
        )
        .shown_by(evidence);
    }
    let (of_name, in_all) = (ground.config.callback.per_user, ground.config.callback.in_all);
    if asking(ground).is_some() && of_name >= in_all {
        return Finding::new(
            Verdict::Weak,
            format!(
                "one name may be owed {of_name} callbacks at once, and {in_all} is all there may be"
            ),
        )
        .cured_by("set callback.per_user to less than callback.in_all")
        .shown_by(evidence);
    }
    let because = "our own numbers are refused, and to a caller one callback is owed at a time";
    Finding::new(Verdict::Withstood, because).shown_by(evidence)
}
