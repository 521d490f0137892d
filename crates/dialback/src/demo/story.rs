//! What the caller does in each variant, step by step, and what it must have come to.
//!
//! The steps are those of `sim::people`: the caller is one of the town's people. Titles begin with facts of the
//! server's journal, not with steps of hers.

use std::time::Duration;

use calls::vocabulary::{Cause, Event, Leg};
use clap::ValueEnum;
use serde::Serialize;
use sim::exchange::fault::Fault;
use sim::people::Step;
use sim::people::scripts::{expect, pause};

use super::stage::{CALLER, CALLER_NUMBER, SERVER_NUMBER, SHELL_PROMPT};

/// Which story is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Variant {
    /// The caller is asked for her number and called back there
    #[default]
    Ask,
    /// Her number is in login.config: her name is enough
    Fixed,
    /// What is no number, and one that the policy refuses: no call back
    Refused,
    /// Her line is busy when the server calls back; the next try reaches her
    Busy,
}

/// A story.
#[derive(Debug)]
pub(super) struct Story {
    /// What it shows, in a sentence.
    pub(super) about: &'static str,
    /// What the caller does.
    pub(super) steps: Vec<Step>,
    /// What goes wrong at her station once the callback is promised, once.
    pub(super) mishap: Option<Fault>,
    /// Titles, each told before the fact that begins it.
    pub(super) titles: Vec<(Cue, &'static str)>,
    /// The records that it must leave, in order.
    pub(super) records: Vec<(Leg, Cause)>,
}

/// What begins a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// The server is ready.
    Ready,
    /// A callback is promised.
    Promised,
    /// A callback is refused for good.
    Refused,
    /// This try to keep the promise.
    Dialled(u32),
    /// Her modem has answered.
    Reached,
}

impl Cue {
    /// The scene that an event begins, if it may begin one.
    pub(super) fn of(event: &Event) -> Option<Self> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "all others begin no scene")]
        match event {
            Event::Promised(_) => Some(Self::Promised),
            Event::Refused { .. } => Some(Self::Refused),
            Event::Dialled { attempt, .. } => Some(Self::Dialled(*attempt)),
            Event::Connected { direction: Leg::Return, .. } => Some(Self::Reached),
            _ => None,
        }
    }
}

/// How she types: the time between two keys. At telephone speed it is a person's; the faster the town's clock
/// goes, the less of a hurry she is in by it, so that her typing can still be watched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace(Duration);

impl Pace {
    pub(super) fn at(scale: u32) -> Self {
        Self(Duration::from_millis(140).mul_f64(f64::from(scale.max(1)).sqrt()))
    }
}

/// The story of a variant.
pub(super) fn story(variant: Variant, pace: Pace) -> Story {
    let asks = [(Leg::Request, Cause::Callback), (Leg::Return, Cause::UserRequest)];
    let calls = (Cue::Ready, "Alice calls: 5550199 dials 5550100");
    let hangs_up = (Cue::Promised, "The server hangs up, and waits until the line is surely free");
    let calls_back = (Cue::Dialled(1), "The server calls her back: 5550100 dials 5550199");
    let logs_in = (Cue::Reached, "She logs in, and the server pays for the call");
    match variant {
        Variant::Ask => Story {
            about: "the caller says at which number she wants to be called back",
            steps: [
                call_in(pace, "cback"),
                number(pace, CALLER_NUMBER),
                be_called_back(pace),
                log_in(pace),
            ]
            .concat(),
            mishap: None,
            titles: vec![calls, hangs_up, calls_back, logs_in],
            records: asks.to_vec(),
        },
        Variant::Fixed => Story {
            about: "the caller's name is enough, because login.config has her number",
            steps: [call_in(pace, CALLER), be_called_back(pace), log_in(pace)].concat(),
            mishap: None,
            titles: vec![calls, hangs_up, calls_back, logs_in],
            records: asks.to_vec(),
        },
        Variant::Refused => Story {
            about: "what the caller types is refused, and nothing is dialled",
            steps: [call_in(pace, "cback"), refused_numbers(pace)].concat(),
            mishap: None,
            titles: vec![calls, (Cue::Refused, "Policy decides")],
            records: vec![(Leg::Request, Cause::ServiceUnavailable)],
        },
        Variant::Busy => Story {
            about: "the caller's line is engaged at the first try",
            steps: [call_in(pace, CALLER), be_called_back(pace), log_in(pace)].concat(),
            mishap: Some(Fault::Busy),
            titles: vec![
                calls,
                hangs_up,
                (Cue::Dialled(1), "The server calls back, but her sister is on the telephone"),
                (Cue::Dialled(2), "The second try"),
                logs_in,
            ],
            records: vec![
                (Leg::Request, Cause::Callback),
                (Leg::Return, Cause::Busy),
                (Leg::Return, Cause::UserRequest),
            ],
        },
    }
}

fn abort(word: &str) -> Step {
    Step::Abort(word.to_owned())
}

fn no_abort(word: &str) -> Step {
    Step::NoAbort(word.to_owned())
}

/// Types a line and its Return, key by key.
fn types(Pace(key): Pace, text: &str) -> Vec<Step> {
    let keys = text.chars().enumerate().flat_map(|(index, key_cap)| {
        // Not like a clock: every third key takes half as long again.
        let wait = if index % 3 == 2 { key * 3 / 2 } else { key };
        [Step::Pause(wait), Step::Send(key_cap.to_string())]
    });
    keys.chain([Step::Pause(key * 2), Step::Send("\r".to_owned())]).collect()
}

/// What a modem says when there is no call to be had, or no longer.
const BAD_NEWS: [&str; 5] = ["BUSY", "NO DIALTONE", "NO ANSWER", "NO CARRIER", "ERROR"];

fn call_in(pace: Pace, name: &str) -> Vec<Step> {
    let mut steps = vec![Step::Dtr(true), pause(800)];
    steps.extend(BAD_NEWS.map(abort));
    steps.extend(types(pace, &format!("ATDT{SERVER_NUMBER}")));
    steps.extend([expect("CONNECT", 90), expect("ogin: ", 30), pause(900)]);
    steps.extend(types(pace, name));
    steps
}

fn number(pace: Pace, number: &str) -> Vec<Step> {
    let mut steps = vec![expect("callback: ", 30), pause(900)];
    steps.extend(types(pace, number));
    steps
}

fn refused_numbers(pace: Pace) -> Vec<Step> {
    let mut steps = number(pace, &format!("{CALLER_NUMBER};H0"));
    steps.push(expect("no telephone number", 30));
    steps.extend(number(pace, "19005550666"));
    steps.extend([expect("Goodbye", 30), no_abort("NO CARRIER"), expect("NO CARRIER", 60)]);
    // The call that must not come.
    steps.extend([abort("RING"), pause(20_000)]);
    steps
}

fn be_called_back(pace: Pace) -> Vec<Step> {
    let mut steps = vec![expect("We call you back", 30), no_abort("NO CARRIER")];
    steps.extend([expect("NO CARRIER", 60), expect("RING", 180), pause(2_600)]);
    steps.extend(types(pace, "ATA"));
    steps.push(expect("CONNECT", 90));
    steps
}

fn log_in(pace: Pace) -> Vec<Step> {
    let mut steps = vec![abort("NO CARRIER"), expect("ogin: ", 30), pause(900)];
    steps.extend(types(pace, CALLER));
    for (command, output) in [("tty", "/dev/pts/"), ("uname -sm", "Linux")] {
        steps.extend([expect(SHELL_PROMPT, 60), pause(700)]);
        steps.extend(types(pace, command));
        steps.push(expect(output, 60));
    }
    steps.extend([expect(SHELL_PROMPT, 60), pause(700), no_abort("NO CARRIER")]);
    steps.extend(types(pace, "exit"));
    steps.push(expect("NO CARRIER", 60));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_slows_down_by_the_towns_clock_and_hurries_up_by_the_walls() {
        let key = |scale| Pace::at(scale).0;
        assert_eq!(key(1), Duration::from_millis(140));
        assert_eq!(key(4), Duration::from_millis(280));
        assert!(key(16) / 16 < key(4) / 4);
    }
}
