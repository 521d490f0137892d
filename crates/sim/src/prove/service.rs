//! Attacks on the service: A14, A18, A20.

use std::time::Duration;

use calls::vocabulary::{Cause, Event, Leg};

use super::ground::{
    ATTACKER, ATTACKER_NUMBER, CALLER, Cast, Ground, PROMPT, VICTIM, events, rest, told,
};
use super::{Finding, Verdict};
use crate::people::Step;
use crate::people::scripts::{dial, expect, flooder, pause, send};
use crate::town::Station;
use crate::world::Act;

/// Instants of a callback at which something is done to the server.
const INSTANTS: u64 = 14;

/// A14.
pub(super) fn races(ground: &Ground) -> Finding {
    let Some(way) = ground.ways.first() else { return Finding::nothing_to_call(ground) };
    let scene = || vec![Station::modem(CALLER, &way.dials)];
    let mut peaceful = ground.world(Cast::of(&ground.config, scene()));
    let begin = peaceful.ms();
    peaceful.begin(CALLER, way.is_called_back());
    rest(&mut peaceful);
    let whole = peaceful.ms().saturating_sub(begin).clamp(1_000, 900_000);
    for instant in 0..INSTANTS {
        let when = begin + whole * instant / INSTANTS;
        for kind in 0..3 {
            let mut world = ground.world(Cast::of(&ground.config, scene()));
            match kind {
                0 => world.at(when, Act::PowerFails(Duration::from_secs(20))),
                1 => {
                    for spot in &ground.spots {
                        world.at(when, Act::Take(spot.name.clone()));
                        world.at(when + 15_000, Act::GiveBack(spot.name.clone()));
                    }
                }
                _ => {
                    world.at(when, Act::StoreFails(true));
                    world.at(when + 15_000, Act::StoreFails(false));
                }
            }
            world.begin(CALLER, way.is_called_back());
            let quiet = rest(&mut world);
            let violated = world.watch().violations().first().cloned();
            let stuck =
                (!quiet).then(|| "four hours later a promise or a call was still open".to_owned());
            if let Some(why) = violated.or(stuck) {
                let what = ["a power cut", "another program's lock", "a full disk"];
                let what = what.get(kind).copied().unwrap_or_default();
                let after = Duration::from_millis(when - begin).as_secs();
                return Finding::new(
                    Verdict::Open,
                    format!("{what} {after} s into a callback: {why}"),
                )
                .shown_by(told(&world, &["promised", "dialled", "kept", "ended", "withdrawn"]));
            }
        }
    }
    let because = format!(
        "power cuts, other programs' locks and a full disk at {INSTANTS} instants of a callback: every promise was kept, \
         withdrawn or expired once"
    );
    Finding::new(Verdict::Withstood, because)
}

/// A18.
pub(super) fn denial(ground: &Ground) -> Finding {
    let Some(way) = ground.ways.first() else { return Finding::nothing_to_call(ground) };
    let stations = vec![
        Station::modem(CALLER, "1999000001"),
        Station::modem(ATTACKER, ATTACKER_NUMBER),
        Station::telephone(VICTIM, &way.dials, None),
    ];
    let mut world = ground.world(Cast::of(&ground.config, stations));
    world.begin(ATTACKER, way.asks());
    world.run_until(world.ms() + 60_000);
    // Somebody else has business here, and tries every half minute for a quarter of an hour.
    let mut steps = Vec::new();
    for _ in 0..30 {
        steps.extend([Step::Dtr(true), send("ATZ\r"), pause(1_000)]);
        steps.extend([send(&format!("ATDT{}\r", way.at)), pause(25_000)]);
        steps.extend([Step::Dtr(false), pause(4_000)]);
    }
    let began = world.ms();
    world.begin(CALLER, steps);
    rest(&mut world);
    let waited = world.journal().iter().find_map(|entry| match &entry.event {
        Event::Connected { direction: Leg::Request, .. } => {
            let ms = u64::try_from(entry.at.unix_ms - 898_797_600_000).unwrap_or(0);
            (ms > began).then(|| ms - began)
        }
        _ => None,
    });
    let evidence = told(&world, &["dialled", "try-failed", "expired", "connected"]);
    match waited {
        Some(ms) if ms <= 180_000 => {
            let because = format!(
                "while a callback found nobody, another caller was answered within {} s",
                ms / 1000
            );
            Finding::new(Verdict::Withstood, because).shown_by(evidence)
        }
        Some(ms) => {
            let because = format!(
                "while a callback found nobody, another caller had to wait {} s",
                ms / 1000
            );
            Finding::new(Verdict::Weak, because)
                .cured_by("call back on another line than the callers', or lengthen callback.retry")
                .shown_by(evidence)
        }
        None => Finding::new(
            Verdict::Open,
            "callbacks that find nobody kept every other caller out for a quarter of an hour",
        )
        .cured_by("fewer callback.tries, a longer callback.retry, or an outgoing line of its own")
        .shown_by(evidence),
    }
}

/// A20.
pub(super) fn hostile(ground: &Ground) -> Finding {
    let Some(door) = ground.door() else {
        return Finding::new(Verdict::NotApplicable, "no line answers callers with a prompt");
    };
    let stations =
        vec![Station::modem(CALLER, "1999000001"), Station::modem(ATTACKER, ATTACKER_NUMBER)];
    let mut world = ground.world(Cast::of(&ground.actual, stations));
    let number = &door.number;
    let odd = [
        "\0".repeat(2_000),
        "\u{1b}[2J\u{7}".repeat(300),
        "\r".repeat(2_000),
        "\r\nCONNECT 33600\r\nRING\r\nNO CARRIER\r\n".repeat(40),
        "~\u{7d}#!}!}!} ".repeat(200),
        "a".repeat(5_000),
    ];
    world.begin(ATTACKER, flooder(number, 48));
    rest(&mut world);
    for text in odd {
        let mut steps = dial(number);
        steps.push(Step::NoAbort("NO CARRIER".to_owned()));
        steps.extend([
            expect(PROMPT, 60),
            Step::Send(text),
            pause(5_000),
            Step::Dtr(false),
            pause(1_000),
        ]);
        world.begin(ATTACKER, steps);
        rest(&mut world);
    }
    let violated = world.watch().violations().first().cloned();
    let mut steps = dial(number);
    steps.extend([expect(PROMPT, 60), Step::Dtr(false)]);
    world.begin(CALLER, steps);
    rest(&mut world);
    let screened = events(&world, |event| matches!(event, Event::Screened { .. })) > 0;
    let served = world.screen(CALLER).contains(PROMPT);
    let stuck =
        events(&world, |event| matches!(event, Event::Ended(ended) if ended.cause == Cause::Stuck));
    if let Some(why) = violated {
        return Finding::new(Verdict::Open, why);
    }
    if !served && !screened {
        return Finding::new(
            Verdict::Open,
            "after floods and control characters the next caller got no prompt",
        )
        .shown_by(told(&world, &["ended", "line-faulted", "alert"]));
    }
    let mut evidence = told(&world, &["ended"]);
    if stuck > 0 {
        evidence.push(format!("{stuck} calls had to be ended by force"));
    }
    Finding::new(
        Verdict::Withstood,
        "floods, control characters and forged result codes end their own call and no other",
    )
    .shown_by(evidence)
}
