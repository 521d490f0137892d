//! Attacks on the line itself: A1, A2, A3, A11, A12.

use std::time::Duration;

use calls::config::Action;
use calls::vocabulary::{Cause, Event, Leg};

use super::ground::{
    ATTACKER, ATTACKER_NUMBER, CALLER, Cast, Ground, PROMPT, Spot, VICTIM, Way, at, events, rest,
    told,
};
use super::{Finding, Verdict};
use crate::exchange::event::TownEvent;
use crate::exchange::fault::{Fault, Times};
use crate::people::scripts::{dial, expect, pause, send};
use crate::people::{Answer, Impostor, Outcome, Step};
use crate::town::Station;
use crate::world::{Act, World};

/// As long as an exchange is known to have held a called line.
const WORST_EXCHANGE: Duration = Duration::from_secs(180);
/// A1.
pub(super) fn hold(ground: &Ground) -> Finding {
    if ground.ways.is_empty() {
        return Finding::nothing_to_call(ground);
    }
    let mut waited = Vec::new();
    for way in &ground.ways {
        let attacker = Station::modem(ATTACKER, ATTACKER_NUMBER)
            .with_fault(Fault::HoldsLine { dial_tone: true }, Times::Always);
        let cast = Cast {
            hold: WORST_EXCHANGE,
            ..Cast::of(&ground.config, vec![attacker, Station::modem(VICTIM, &way.dials)])
        };
        let mut world = ground.world(cast);
        let mut steps = way.asks();
        steps.extend([expect("NO CARRIER", 90), expect("CONNECT", 3_600), expect(PROMPT, 60)]);
        world.begin(ATTACKER, steps);
        rest(&mut world);
        let heard = world.log().iter().find_map(|logged| match &logged.event {
            TownEvent::Overheard { station, by, digits } if by.as_str() == ATTACKER => {
                Some((station.to_string(), digits.clone()))
            }
            _ => None,
        });
        if let Some((line, digits)) = heard {
            let evidence = told(&world, &["ended", "promised", "dialled", "connected", "kept"]);
            return Finding::new(
                Verdict::Open,
                format!(
                    "who held line {line} after asking as \"{}\" heard it dial {digits}, and could answer in his place",
                    way.name
                ),
            )
            .cured_by(
                "write the exchange's real hold_time (ask the telephone company, or `dialback qualify`), leave it \
                 out (200s is assumed), or call back on another line: callback.line = \"other\"",
            )
            .shown_by(evidence);
        }
        waited.extend(told(&world, &["refused", "dialled", "ended"]));
    }
    waited.truncate(12);
    Finding::new(
        Verdict::Withstood,
        format!(
            "an exchange that holds the line for {} s, the longest known, has let go before anything is dialled",
            WORST_EXCHANGE.as_secs()
        ),
    )
    .shown_by(waited)
}

/// A2.
pub(super) fn glare(ground: &Ground) -> Finding {
    if ground.ways.is_empty() {
        return Finding::nothing_to_call(ground);
    }
    for way in &ground.ways {
        let stations =
            vec![Station::modem(ATTACKER, ATTACKER_NUMBER), Station::modem(CALLER, &way.dials)];
        let mut world = ground.world(Cast::of(&ground.config, stations));
        for spot in ground.spots.iter().filter(|spot| spot.originates) {
            let glare = Fault::Glare { by: ATTACKER.to_owned(), reverse: true };
            world.at(world.ms(), Act::Fault(spot.name.clone(), glare, Times::Next(1)));
        }
        world.begin(ATTACKER, vec![expect(PROMPT, 3_600)]);
        world.begin(CALLER, way.is_called_back());
        rest(&mut world);
        if world.screen(ATTACKER).contains(PROMPT) {
            return Finding::new(
                Verdict::Open,
                format!("a call that collided with the dialling for \"{}\" got the prompt", way.name),
            )
            .cured_by(
                "let the modem wait for dial tone (ATX4 in modem.init), and raise callback.soonest_connect to less \
                 than the shortest time in which anybody can be rung and answer",
            )
            .shown_by(told(&world, &["alert", "dialled", "connected", "kept"]));
        }
    }
    Finding::new(
        Verdict::Withstood,
        "a colliding call gets no prompt: the dial is broken off and tried again",
    )
}

/// How near a guess must be to collide: from the seizure of a line to its first ring.
const WINDOW_MS: u64 = 200;
const CALLS: usize = 40;
/// By chance at most a fifth as often as the wait is that narrow; forty bets, and this many hits once in 10^5.
const MOST_HITS: usize = 10;

/// A3.
pub(super) fn predictable(ground: &Ground) -> Finding {
    let Some(way) = ground.ways.first() else { return Finding::nothing_to_call(ground) };
    let waits = waits(ground, way);
    if waits.len() < CALLS / 2 {
        let because =
            format!("only {} of {CALLS} callbacks were made: too few to bet on", waits.len());
        return Finding::new(Verdict::Weak, because);
    }
    let near = |guess: u64, wait: u64| guess.abs_diff(wait) <= WINDOW_MS / 2;
    let bet = |guess: &dyn Fn(&[u64]) -> u64| {
        let seen = |at: usize| waits.get(..at).unwrap_or_default();
        (2..waits.len())
            .filter(|&at| waits.get(at).is_some_and(|wait| near(guess(seen(at)), *wait)))
            .count()
    };
    let last = |seen: &[u64], back: usize| {
        seen.len().checked_sub(back).and_then(|at| seen.get(at)).copied().unwrap_or(0)
    };
    let same = bet(&|seen| last(seen, 1));
    let step = bet(&|seen| (2 * last(seen, 1)).saturating_sub(last(seen, 2)));
    let mean =
        bet(&|seen| seen.iter().sum::<u64>() / u64::try_from(seen.len().max(1)).unwrap_or(1));
    let hits = same.max(step).max(mean);
    let spread = waits.iter().max().zip(waits.iter().min()).map_or(0, |(most, least)| most - least);
    let evidence =
        vec![format!("{} waits, spread over {spread} ms; best bet: {hits} hits", waits.len())];
    if hits > MOST_HITS {
        let because = format!(
            "who bets on the wait hits it within {WINDOW_MS} ms {hits} times in {}",
            waits.len()
        );
        return Finding::new(Verdict::Open, because)
            .cured_by("raise callback.jitter to 10s or more")
            .shown_by(evidence);
    }
    let because = format!(
        "the best of three bets hits the wait {hits} times in {}, as by chance",
        waits.len()
    );
    Finding::new(Verdict::Withstood, because).shown_by(evidence)
}

/// The waits between hang-up and dialling of many callbacks, in milliseconds.
fn waits(ground: &Ground, way: &Way) -> Vec<u64> {
    let mut world =
        ground.world(Cast::of(&ground.config, vec![Station::modem(CALLER, &way.dials)]));
    let mut waits = Vec::new();
    for _ in 0..CALLS {
        let mut steps = way.is_called_back();
        steps.extend([Step::Dtr(false), pause(3_000), Step::Dtr(true)]);
        world.begin(CALLER, steps);
        rest(&mut world);
        let mut ended = None;
        for entry in world.journal() {
            match &entry.event {
                Event::Ended(over) if over.cause == Cause::Callback => ended = Some(at(entry)),
                Event::Dialled { .. } => {
                    waits
                        .extend(ended.take().and_then(|from| u64::try_from(at(entry) - from).ok()));
                }
                _ => {}
            }
        }
        world.forget();
    }
    waits
}

/// A11.
pub(super) fn inherited(ground: &Ground) -> Finding {
    let Some(door) = ground.door() else {
        return Finding::new(Verdict::NotApplicable, "no line answers callers with a prompt");
    };
    let (stuck, mut evidence) = match stuck(ground, door) {
        Ok(found) => found,
        Err(open) => return open,
    };
    for way in &ground.ways {
        for (fault, what) in [
            (Fault::IgnoresDtr, "whose DTR reaches no modem"),
            (Fault::ThreeWires, "with a cable of three wires"),
        ] {
            let world = impersonated(ground, way, &fault);
            let served = world.outcome(ATTACKER) == Some(&Outcome::Done);
            if served {
                let because = format!(
                    "who stays on a line {what} after asking as \"{}\" and plays its modem has the return call",
                    way.name
                );
                return Finding::new(Verdict::Open, because)
                    .cured_by(
                        "leave modem.read_back on: then only the modem knows what it is asked",
                    )
                    .shown_by(told(
                        &world,
                        &["ended", "promised", "dialled", "connected", "kept"],
                    ));
            }
            evidence.extend(told(&world, &["hang-up-not-seen", "cause=stuck"]).into_iter().take(3));
        }
    }
    evidence.truncate(12);
    let but = if ground.ways.is_empty() {
        ""
    } else {
        "; who plays the modem of a line that does not hang up gets no call of another"
    };
    Finding::new(Verdict::Withstood, format!("{stuck}{but}")).shown_by(evidence)
}

/// DCD stays on when the carrier is lost: what that comes to, and what shows it; or that somebody inherits.
fn stuck(ground: &Ground, door: &Spot) -> Result<(&'static str, Vec<String>), Finding> {
    let stations =
        vec![Station::modem(CALLER, "1999000001"), Station::modem(ATTACKER, ATTACKER_NUMBER)];
    let mut world = ground.world(Cast::of(&ground.actual, stations));
    world.at(world.ms(), Act::Fault(door.name.clone(), Fault::StuckDcd, Times::Always));
    world.at(
        world.ms(),
        Act::Fault(CALLER.to_owned(), Fault::DropAfter { ms: 30_000 }, Times::Next(1)),
    );
    let mut steps = dial(&door.number);
    steps.extend([expect(PROMPT, 60), send("somebody\r"), pause(60_000)]);
    world.begin(CALLER, steps);
    world.run_until(world.ms() + 60_000);
    // The telephone rings as long as it takes; the same modem, the same port.
    let mut steps = Vec::new();
    for _ in 0..6 {
        steps.extend([Step::Dtr(true), send("ATZ\r"), pause(2_000)]);
        steps.extend([send(&format!("ATDT{}\r", door.number)), pause(60_000)]);
        steps.extend([Step::Dtr(false), pause(60_000)]);
    }
    world.begin(ATTACKER, steps);
    rest(&mut world);
    let screen = world.screen(ATTACKER);
    let served = screen.contains(PROMPT);
    let inherited =
        !served && ["assword", "a program", "$ "].iter().any(|word| screen.contains(word));
    let unended = events(&world, |event| matches!(event, Event::Connected { .. }))
        .saturating_sub(events(&world, |event| matches!(event, Event::Ended(_))));
    let evidence =
        told(&world, &["carrier-stuck", "ended", "connected", "launched", "program-exited"]);
    if inherited || unended > 0 {
        return Err(Finding::new(
            Verdict::Open,
            format!("a caller on line {} found what the last one had left", door.name),
        )
        .cured_by("set the modem to &C1&D2, and check the wiring of DCD and DTR")
        .shown_by(evidence));
    }
    let because = if served {
        "with DCD stuck the modem's words count: the lost call ended, and the next caller got a prompt of his own"
    } else {
        "with DCD stuck nobody is served on the line, and nobody inherits a session"
    };
    Ok((because, evidence))
}

/// A callback is asked for on a line that can't be hung up, and all that its modem is told comes to who asked: he plays
/// the modem, up to the CONNECT of the return call, and waits for its prompt.
fn impersonated(ground: &Ground, way: &Way, fault: &Fault) -> World {
    let stations =
        vec![Station::modem(ATTACKER, ATTACKER_NUMBER), Station::modem(VICTIM, &way.dials)];
    let mut world = ground.world(Cast::of(&ground.config, stations));
    // A call before, in which all wires told what they tell.
    let mut steps = dial(&way.at);
    steps.extend([expect(PROMPT, 60), Step::Dtr(false)]);
    world.begin(VICTIM, steps);
    rest(&mut world);
    for spot in ground.spots.iter().filter(|spot| spot.number == way.at) {
        world.at(world.ms(), Act::Fault(spot.name.clone(), fault.clone(), Times::Always));
    }
    let connect = Answer::new("ATD", 20_000, "CONNECT 33600").last();
    let impostor = Impostor::who_says([connect], Duration::from_secs(600));
    let mut steps = way.asks();
    steps.extend([Step::PlayModem(impostor), Step::Forget, expect(PROMPT, 60), Step::Dtr(false)]);
    world.begin(ATTACKER, steps);
    rest(&mut world);
    world
}

/// A12.
pub(super) fn escape(ground: &Ground) -> Finding {
    let Some(door) = ground.door() else {
        return Finding::new(Verdict::NotApplicable, "no line answers callers with a prompt");
    };
    let mut world =
        ground.world(Cast::of(&ground.actual, vec![Station::modem(ATTACKER, ATTACKER_NUMBER)]));
    let mut steps = vec![Step::Dtr(true), send("ATZ\r"), expect("OK", 5)];
    // His own modem must not take the escape for its own.
    steps.extend([send("ATS2=255\r"), expect("OK", 5)]);
    steps.extend([
        send(&format!("ATDT{}\r", door.number)),
        expect("CONNECT", 90),
        expect(PROMPT, 60),
    ]);
    for _ in 0..2 {
        steps.extend([pause(1_600), send("+++"), pause(1_600), send("ATS0=7\r"), pause(3_000)]);
        steps.extend([send("\r"), pause(500)]);
    }
    steps.push(Step::Dtr(false));
    world.begin(ATTACKER, steps);
    rest(&mut world);
    let obeyed = world.log().iter().find_map(|logged| match &logged.event {
        TownEvent::Command { station, line }
            if station.as_str() != ATTACKER && line.contains("S0=7") =>
        {
            Some(format!("{} {}", logged.at, logged.event))
        }
        _ => None,
    });
    let asked =
        events(&world, |event| matches!(event, Event::Connected { direction: Leg::Request, .. }));
    if asked == 0 {
        return Finding::new(Verdict::NotApplicable, "an unknown caller is not answered at all");
    }
    match obeyed {
        Some(line) => Finding::new(Verdict::Open, "the server's modem took a command that a caller had typed")
            .cured_by("let DTR hang up (modem.dtr_hangup, &D2), so that the escape can be switched off (S2=255)")
            .shown_by(vec![line]),
        None => Finding::new(Verdict::Withstood, "what a caller types is never a command of the server's modem"),
    }
}

/// Whether anything at all is started for callers.
pub(super) fn starts_programs(ground: &Ground) -> bool {
    ground.actual.entries.iter().any(|entry| matches!(entry.action, Action::Program { .. }))
}
