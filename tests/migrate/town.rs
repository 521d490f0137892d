//! The simulated town: the migrated lines on simulated modems, and callers who do what the set's callers do.
//!
//! What a caller got is read from the journal, in words: `/bin/login`, `called back at 5550199 on ttyS1, then ...`,
//! `the network as alice: 10.20.0.50`, `refused`, `not answered`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use calls::config::{Config, PortSpec};
use calls::vocabulary::{Event, Leg};
use sim::modem::registers::Profile;
use sim::people::scripts::{dial, expect, send};
use sim::people::{PppCall, PppEnd, Step};
use sim::town::{Equipment, ModemSpec, Station, Town};
use sim::world::{Scene, World};

use crate::set::{Call, Migrated};

const CALLER: &str = "the caller";
/// His number, where nothing depends on it.
const NUMBER: &str = "5550199";
/// What a callback may take: all tries at all numbers.
const PATIENCE: u64 = 1_800;

/// Plays all calls, each in a town of its own.
pub(crate) fn play(migrated: &Migrated, calls: &[Call]) {
    let config = migrated.config();
    assert!(!calls.is_empty());
    for call in calls {
        let world = one(&config, call);
        let got = got(&world);
        assert_eq!(got, call.got, "{call:?}\n{}\n{}", world.tail(), world.screen(CALLER));
        if let Some(text) = &call.sees {
            assert!(world.screen(CALLER).contains(text), "{}", world.screen(CALLER));
        }
        if let Some(limit) = call.within {
            let wait = wait(&world);
            assert!(wait <= limit * 1_000, "{wait} ms from the hang-up to the dialling");
        }
        assert!(world.watch().violations().is_empty(), "{:?}", world.watch().violations());
    }
}

fn one(config: &Config, call: &Call) -> World {
    let mut config = config.clone();
    let mut stations = vec![Station::modem(CALLER, call.from.as_deref().unwrap_or(NUMBER))];
    let mut called = None;
    for (at, line) in config.lines.iter_mut().enumerate() {
        line.port = PortSpec::Sim(line.name.clone());
        let number = format!("55501{at:02}");
        let mut station = Station::modem(&line.name, &number);
        let profile = Profile::named(line.modem.profile.name).unwrap_or_else(Profile::rockwell);
        station.equipment =
            Equipment::Modem(Box::new(ModemSpec { profile, ..ModemSpec::default() }));
        stations.push(station);
        if line.name == call.line {
            called = Some(number);
        }
    }
    let called = called.expect("the line that he calls is there");
    let scene = Scene {
        town: Town::of(stations),
        seed: 7,
        control_lines: true,
        store_delay: Duration::from_millis(5),
        programs: BTreeMap::new(),
    };
    let mut world = World::with(config, scene);
    world.run_until(20_000);
    world.begin(CALLER, steps(&called, call));
    world.run_until(20_000 + PATIENCE * 1_000);
    world
}

/// What the caller does.
fn steps(number: &str, call: &Call) -> Vec<Step> {
    let mut steps = dial(number);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    if let Some(name) = &call.name {
        steps.extend([expect("ogin: ", 60), send(&format!("{name}\r"))]);
    }
    if let Some(number) = &call.number {
        steps.extend([expect("callback: ", 60), send(&format!("{number}\r"))]);
    }
    if let Some(name) = &call.then {
        steps.extend([
            expect("NO CARRIER", 90),
            expect("RING", PATIENCE),
            send("ATA\r"),
            expect("CONNECT", 90),
            expect("ogin: ", 60),
            send(&format!("{name}\r")),
        ]);
    }
    if let Some(proof) = &call.ppp {
        steps.push(Step::Ppp(Box::new(PppCall {
            personality: None,
            number: None,
            option13: None,
            name: proof.name.clone(),
            password: proof.password.clone(),
            ends: PppEnd::Served(2),
        })));
    }
    // He stays until the server is through with him, or has enough of it.
    steps.extend([expect("NO CARRIER", 300), Step::Dtr(false)]);
    steps
}

/// What he got, in words.
fn got(world: &World) -> String {
    let mut text = String::new();
    let mut on = String::new();
    let mut leg = Leg::Request;
    for entry in world.journal() {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not what he came for")]
        match &entry.event {
            Event::Screened { .. } if text.is_empty() => text.push_str("not answered"),
            Event::Refused { .. } => return "refused".to_owned(),
            Event::Dialled { line, number, .. } => {
                leg = Leg::Return;
                on = format!("called back at {number} on {line}, then ");
            }
            Event::Launched { program, user, .. } => {
                if leg == Leg::Return {
                    text.push_str(&on);
                }
                text.push_str(program);
                if let Some(user) = user {
                    let _ = write!(text, " as {user}");
                }
                return text;
            }
            Event::NetworkUp { user, peer, .. } => return format!("the network as {user}: {peer}"),
            Event::NotProved { .. } => return "not let in by PPP".to_owned(),
            _ => {}
        }
    }
    if text.is_empty() { "turned away".to_owned() } else { text }
}

/// From the end of the request leg to the dialling, in milliseconds.
fn wait(world: &World) -> u64 {
    let mut ended = None;
    for entry in world.journal() {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not about the wait")]
        match &entry.event {
            Event::Ended(call) if call.leg == Leg::Request => ended = Some(entry.at.unix_ms),
            Event::Dialled { .. } => {
                return (entry.at.unix_ms - ended.expect("the first call is over")).unsigned_abs();
            }
            _ => {}
        }
    }
    panic!("nobody is called back");
}
