//! Measuring a line by calls between it and another one of ours: which call comes next, what is heard in it, what that means.
//!
//! ```text
//!   Clearing ─► ToneAsked ─► Clearing ─► a call with data ─► .. ─► calls that are held ─► .. ─► the control ─► Over
//!
//!   with data (both ways):  Dialling ─ rings ─► Connecting ─► Greeting ─ both heard ─► Watching: the peer has hung up
//!   held (for each wait):   Dialling ─ rings ─► Taking ─► Talking ─► LettingGo ─► Waiting ─► Asking: dial tone?
//!   the control:            Dialling ─ rings ─► Taking ─► Talking (as long) ─► Controlling: both ask, neither may hear it
//! ```
//!
//! The line that is measured is `Line`, the other one `Other`. A call is held by `Other`: it dials with `;` and stays
//! off-hook without a handshake, while `Line` takes the call up in silence, hangs up, waits, and asks for dial tone. Where
//! there is none the exchange still held it. The control is the same call without the hanging up: there must be no dial
//! tone on either side, or one of the modems can't tell, or lets go by itself, and a hold time that is too short would
//! be believed. What a modem does not say proves nothing by itself: that is why both are asked at the very beginning too,
//! where there is dial tone.
//!
//! A call is paid for from dialling until it is known that nobody answers, or since when somebody does: who took up a call
//! that went elsewhere is never told.
//!
//! Nobody is served in any of it. A ring that is not expected ends everything, for that caller's sake.
//!
//! It does not know lines, numbers, promises or the journal: it says [`Wish`]es, and is told what is [`Heard`].

mod heard;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use proto::dial::PhoneNumber;
use proto::time::{Deadline, Instant};

use super::failure::Failure;
use super::findings::seconds;
use super::search::{Next, Search};
use super::{CallerIdFound, Findings, Signal};
use crate::line::Act;
use heard::Way;

/// One of the two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The one that is measured.
    Line,
    /// The one that helps.
    Other,
}

/// Something for each of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sides<T> {
    pub(crate) line: T,
    pub(crate) other: T,
}

impl<T> Sides<T> {
    pub(crate) const fn of(&self, side: Side) -> &T {
        match side {
            Side::Line => &self.line,
            Side::Other => &self.other,
        }
    }

    const fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Line => &mut self.line,
            Side::Other => &mut self.other,
        }
    }
}

/// What shall be measured.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The lines' names.
    pub(crate) names: Sides<String>,
    /// The number of the line that is measured.
    pub(crate) number: PhoneNumber,
    /// The other line's number, if it has one configured.
    pub(crate) other_number: Option<PhoneNumber>,
    /// It is called as well.
    pub(crate) both_ways: bool,
    /// What one modem tells the other, so that each knows the other: digits that nobody can guess.
    pub(crate) greetings: Sides<String>,
}

/// What shall be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A line shall do this.
    Act(Side, Act),
    /// A line shall call the other for this purpose.
    Call { from: Side, number: PhoneNumber, stay: bool, purpose: String },
    /// A step is done, and the lines are on-hook. `paid`: who called, and how long the call was up, if it was answered.
    Found { finding: String, paid: Option<(Side, Duration)> },
    /// It is over.
    Over(Result<(Duration, Findings), Failure>),
}

/// How long two lines may take to get on-hook and ready.
const READY_TIME: Duration = Duration::from_secs(90);
/// Between two calls: exchanges and modems clear up.
const SETTLE: Duration = Duration::from_secs(3);
/// How long dial tone may take on a line that is free. Exchanges under load take seconds (ITU-T E.721).
const TONE_TIME: Duration = Duration::from_secs(20);
/// No dial tone so long after it should have come: there is none.
const TONE_MARGIN: Duration = Duration::from_secs(4);
/// How long a call may be on its way from one line to the other.
const ARRIVE_TIME: Duration = Duration::from_secs(40);
/// How long two modems may take to find each other.
const CONNECT_TIME: Duration = Duration::from_secs(90);
/// How long the digits by which they know each other may take.
const GREETING_TIME: Duration = Duration::from_secs(20);
/// How long a line may take to learn that its peer has hung up.
const SIGNAL_TIME: Duration = Duration::from_secs(30);
/// How long a call is up that is to be held: some exchanges believe an answer only after two seconds.
const TALK_TIME: Duration = Duration::from_secs(3);
/// The caller's number is waited for until this ring: it comes before the first, or behind the first or the second.
const RINGS_FOR_CALLER: u32 = 3;

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// With data; who calls.
    Data(Side),
    /// Without, from `Other`.
    Held(Held),
}

/// A call without data: what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// Whether the exchange still holds it after this wait.
    Wait(Duration),
    /// The control over this time.
    Control(Duration),
}

impl Call {
    const fn from(self) -> Side {
        match self {
            Self::Data(from) => from,
            Self::Held(_) => Side::Other,
        }
    }

    const fn to(self) -> Side {
        match self.from() {
            Side::Line => Side::Other,
            Side::Other => Side::Line,
        }
    }
}

/// What comes when both lines are at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Tone,
    Call(Call),
    Over,
}

#[derive(Debug)]
enum State {
    /// Both lines are being hung up.
    Clearing {
        next: Step,
        until: Instant,
    },
    /// Both are on-hook, and stay so for a moment.
    Settling {
        next: Step,
        until: Instant,
    },
    /// Both, at the beginning; who has heard it.
    ToneAsked {
        since: Instant,
        heard: Sides<bool>,
        until: Instant,
    },
    Dialling {
        call: Call,
        way: Way,
        until: Instant,
    },
    Connecting {
        call: Call,
        up: Sides<bool>,
        until: Instant,
    },
    Greeting {
        call: Call,
        heard: Sides<Vec<u8>>,
        until: Instant,
    },
    /// The peer was told to hang up, `since` then.
    Watching {
        call: Call,
        since: Instant,
        said: Vec<u8>,
        until: Instant,
    },
    /// `NO CARRIER` was said; where DCD tells, it is a moment behind.
    Doubting {
        call: Call,
        since: Instant,
        words: Signal,
        until: Instant,
    },
    Taking {
        held: Held,
        until: Instant,
    },
    Talking {
        held: Held,
        until: Instant,
    },
    LettingGo {
        wait: Duration,
        until: Instant,
    },
    Waiting {
        wait: Duration,
        until: Instant,
    },
    Asking {
        wait: Duration,
        until: Instant,
    },
    Controlling {
        until: Instant,
    },
    Over,
}

/// A line being measured.
#[derive(Debug)]
pub(crate) struct Measurement {
    plan: Plan,
    state: State,
    at_rest: Sides<bool>,
    search: Search,
    dial_tone: Duration,
    caller_id: CallerIdFound,
    called: Option<Signal>,
    calling: Option<Signal>,
    calls: u32,
    /// What the step that is about to be over has found.
    finding: Option<String>,
    /// Who pays for the call that is up, or may be, and since when.
    up: Option<(Side, Instant)>,
    /// Why it came to nothing.
    failure: Option<Failure>,
    wishes: VecDeque<Wish>,
}

impl Measurement {
    /// Begins. Both lines are on their way to rest.
    pub(crate) fn new(now: Instant, plan: Plan) -> Self {
        Self {
            plan,
            state: State::Clearing { next: Step::Tone, until: now + READY_TIME },
            at_rest: Sides::default(),
            search: Search::default(),
            dial_tone: Duration::ZERO,
            caller_id: CallerIdFound::Nothing,
            called: None,
            calling: None,
            calls: 0,
            finding: None,
            up: None,
            failure: None,
            wishes: VecDeque::new(),
        }
    }

    /// What shall be done next, until `None`.
    pub(crate) fn poll(&mut self) -> Option<Wish> {
        self.wishes.pop_front()
    }

    /// When [`Self::tick`] is wanted.
    pub(crate) const fn deadline(&self) -> Option<Deadline> {
        let (until, why) = match &self.state {
            State::Clearing { until, .. } => (*until, "both lines on-hook"),
            State::Settling { until, .. } => (*until, "before the next measuring call"),
            State::ToneAsked { until, .. } | State::Asking { until, .. } => (*until, "dial tone"),
            State::Dialling { until, .. } => (*until, "measuring call arrives"),
            State::Connecting { until, .. } => (*until, "measuring call connects"),
            State::Greeting { until, .. } => (*until, "greeting"),
            State::Watching { until, .. } | State::Doubting { until, .. } => {
                (*until, "disconnect signal")
            }
            State::Taking { until, .. } | State::LettingGo { until, .. } => (*until, "hook"),
            State::Talking { until, .. } => (*until, "call that is held"),
            State::Waiting { until, .. } => (*until, "hold time"),
            State::Controlling { until } => (*until, "control"),
            State::Over => return None,
        };
        Some(Deadline::new(until, why))
    }

    /// It shall end: both lines are hung up first.
    pub(crate) fn cancel(&mut self, now: Instant, why: String) {
        self.fail(now, Failure::Cancelled(why));
    }

    // ---------------------------------------------------------------------------------------- time

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Instant) {
        if self.deadline().is_none_or(|deadline| deadline.at > now) {
            return;
        }
        let state = std::mem::replace(&mut self.state, State::Over);
        match state {
            State::Clearing { .. } => {
                // The lines see to themselves: one that does not get on-hook is out of order, and says so.
                let unready = if self.at_rest.line { Side::Other } else { Side::Line };
                if self.failure.is_none() {
                    self.failure = Some(Failure::NotReady { line: self.name(unready) });
                }
                self.at_rest = Sides { line: true, other: true };
                self.state = self.clearing(now, Step::Over, now);
            }
            State::Settling { next, .. } => self.begin(now, next),
            State::ToneAsked { heard, .. } => {
                let deaf = if heard.line { Side::Other } else { Side::Line };
                self.fail(now, Failure::NoDialTone { line: self.name(deaf) });
            }
            State::Dialling { call, .. } => {
                let (from, to) = (self.name(call.from()), self.name(call.to()));
                self.fail(now, Failure::NotArrived { from, to });
            }
            State::Connecting { call, .. } => self.fail(now, self.not_connected(call)),
            State::Greeting { call, .. } => {
                let (from, to) = (self.name(call.from()), self.name(call.to()));
                self.fail(now, Failure::NotOurs { from, to });
            }
            State::Watching { call, .. } => {
                let nothing = Signal::Nothing { within_ms: millis(SIGNAL_TIME) };
                self.state = self.learned(now, call, nothing);
            }
            State::Doubting { call, words, .. } => self.state = self.learned(now, call, words),
            State::Taking { held, .. } => self.fail(now, self.not_connected(Call::Held(held))),
            State::Talking { held: Held::Control(_), .. } => {
                self.wish(Side::Line, Act::DialTone);
                self.wish(Side::Other, Act::DialTone);
                self.state = State::Controlling { until: now + self.tone_time() };
            }
            State::Talking { held: Held::Wait(wait), .. } => {
                self.hang_up(Side::Line);
                self.state = State::LettingGo { wait, until: now + READY_TIME };
            }
            State::LettingGo { .. } => {
                self.fail(now, Failure::NotReady { line: self.name(Side::Line) });
            }
            State::Waiting { wait, .. } => {
                self.wish(Side::Line, Act::DialTone);
                self.state = State::Asking { wait, until: now + self.tone_time() };
            }
            State::Asking { wait, .. } => self.state = self.still_held(now, wait),
            State::Controlling { .. } => {
                self.search.controlled();
                self.finding = Some("the modems hear no dial tone where there is none".to_owned());
                self.state = self.clear_for_next(now);
            }
            State::Over => {}
        }
    }

    /// By when dial tone would have come.
    fn tone_time(&self) -> Duration {
        self.dial_tone + TONE_MARGIN
    }

    fn begin(&mut self, now: Instant, step: Step) {
        match step {
            Step::Tone => {
                self.wish(Side::Line, Act::DialTone);
                self.wish(Side::Other, Act::DialTone);
                let heard = Sides::default();
                self.state = State::ToneAsked { since: now, heard, until: now + TONE_TIME };
            }
            Step::Call(call) => self.call(now, call),
            // It was not waited for.
            Step::Over => self.over(),
        }
    }

    fn call(&mut self, now: Instant, call: Call) {
        let number = match (call.from(), &self.plan.other_number) {
            (Side::Line, Some(number)) => number.clone(),
            (Side::Line, None) | (Side::Other, _) => self.plan.number.clone(),
        };
        let (stay, purpose) = match call {
            Call::Data(Side::Other) => (false, "caller ID and disconnect signal".to_owned()),
            Call::Data(Side::Line) => (false, "disconnect signal".to_owned()),
            Call::Held(Held::Wait(wait)) => (true, format!("hold time, {}", seconds(wait))),
            Call::Held(Held::Control(time)) => (true, format!("control, {}", seconds(time))),
        };
        self.calls += 1;
        *self.at_rest.of_mut(call.from()) = false;
        self.up = Some((call.from(), now));
        self.wishes.push_back(Wish::Call { from: call.from(), number, stay, purpose });
        self.state = State::Dialling { call, way: Way::default(), until: now + ARRIVE_TIME };
    }

    // ------------------------------------------------------------------------------------- the ways

    /// Goes on once both lines are on-hook: tells what was found, and what it cost.
    fn clearing(&mut self, now: Instant, next: Step, until: Instant) -> State {
        if !(self.at_rest.line && self.at_rest.other) {
            return State::Clearing { next, until };
        }
        let paid = self.up.take().map(|(from, since)| (from, now - since));
        if let Some(finding) = self.finding.take() {
            self.wishes.push_back(Wish::Found { finding, paid });
        } else if paid.is_some() {
            self.wishes.push_back(Wish::Found { finding: "the call is given up".to_owned(), paid });
        }
        match next {
            Step::Over => {
                self.over();
                State::Over
            }
            Step::Tone | Step::Call(_) => State::Settling { next, until: now + SETTLE },
        }
    }

    /// Tells the end.
    fn over(&mut self) {
        let result = match (self.failure.take(), self.search.next(), self.called) {
            (Some(failure), ..) => Err(failure),
            (None, Next::Found { held, free }, Some(called)) => Ok((
                free,
                Findings {
                    with: self.plan.names.other.clone(),
                    held_ms: millis(held),
                    dial_tone_ms: millis(self.dial_tone),
                    caller_id: self.caller_id,
                    called,
                    calling: self.calling,
                    calls: self.calls,
                },
            )),
            (None, Next::HeldTooLong(wait), _) => Err(Failure::HeldTooLong { wait }),
            (None, ..) => Err(Failure::NoEnd),
        };
        self.wishes.push_back(Wish::Over(result));
    }

    fn next_step(&self) -> Step {
        match self.search.next() {
            Next::Try(wait) => Step::Call(Call::Held(Held::Wait(wait))),
            Next::Control(time) => Step::Call(Call::Held(Held::Control(time))),
            Next::Found { .. } | Next::HeldTooLong(_) | Next::NoEnd => Step::Over,
        }
    }

    fn clear_for_next(&mut self, now: Instant) -> State {
        let next = self.next_step();
        self.clear(now, next)
    }

    /// Hangs up whoever is not on-hook, and then goes on.
    fn clear(&mut self, now: Instant, next: Step) -> State {
        for side in [Side::Line, Side::Other] {
            if !*self.at_rest.of(side) {
                self.hang_up(side);
            }
        }
        self.clearing(now, next, now + READY_TIME)
    }

    fn hang_up(&mut self, side: Side) {
        *self.at_rest.of_mut(side) = false;
        self.wishes.push_back(Wish::Act(side, Act::HangUp));
    }

    fn failing(&mut self, now: Instant, failure: Failure) -> State {
        self.fail(now, failure);
        std::mem::replace(&mut self.state, State::Over)
    }

    /// It comes to nothing; the first reason counts.
    fn fail(&mut self, now: Instant, failure: Failure) {
        let clearing = matches!(self.state, State::Clearing { .. });
        if self.failure.is_some() && !clearing {
            return;
        }
        self.failure.get_or_insert(failure);
        self.finding = None;
        self.state = self.clear(now, Step::Over);
    }

    fn wish(&mut self, side: Side, act: Act) {
        *self.at_rest.of_mut(side) = false;
        self.wishes.push_back(Wish::Act(side, act));
    }

    fn name(&self, side: Side) -> String {
        self.plan.names.of(side).clone()
    }
}

/// So long DCD may be behind the words `NO CARRIER`.
const MOMENT: Duration = Duration::from_secs(1);

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
