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
//! be believed.
//!
//! Nobody is served in any of it. A ring that is not expected ends everything, for that caller's sake.
//!
//! It does not know lines, numbers, promises or the journal: it says [`Wish`]es, and is told what is [`Heard`].

use std::collections::VecDeque;
use std::time::Duration;

use proto::at::caller_id::{Caller, CallerId};
use proto::at::result::ResultCode;
use proto::dial::PhoneNumber;
use proto::time::{Deadline, Instant};

use super::failure::Failure;
use super::findings::seconds;
use super::search::{Next, Search};
use super::{CallerIdFound, Findings, Signal};
use crate::line::{Act, Heard};

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
/// Text of the other modem that is kept: its greeting, and `NO CARRIER`.
const MAX_TEXT: usize = 256;

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// With data; who calls.
    Data(Side),
    /// Held for this wait, from `Other`.
    Hold(Duration),
    /// The control over this time, from `Other`.
    Control(Duration),
}

impl Call {
    const fn from(self) -> Side {
        match self {
            Self::Data(from) => from,
            Self::Hold(_) | Self::Control(_) => Side::Other,
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
    ToneAsked {
        since: Instant,
        until: Instant,
    },
    Dialling {
        call: Call,
        dialled: bool,
        rings: u32,
        caller: CallerId,
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
        call: Call,
        until: Instant,
    },
    Talking {
        call: Call,
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
    /// Who pays for the call that is up, and since when.
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

    // ------------------------------------------------------------------------------- what is heard

    /// One of the lines has heard something.
    pub(crate) fn heard(&mut self, now: Instant, side: Side, heard: Heard) {
        match &heard {
            Heard::Rest => *self.at_rest.of_mut(side) = true,
            Heard::Lost(why) => {
                // It takes part no more, and holds nothing up.
                *self.at_rest.of_mut(side) = true;
                let (line, why) = (self.name(side), why.clone());
                return self.fail(now, Failure::Lost { line, why });
            }
            Heard::Ring(_)
            | Heard::CallerId(_)
            | Heard::Done
            | Heard::Connected
            | Heard::Failed(_)
            | Heard::Mute
            | Heard::Received(_)
            | Heard::CarrierDown => {}
        }
        let state = std::mem::replace(&mut self.state, State::Over);
        self.state = match state {
            State::Clearing { next, until } => self.clearing(now, next, until),
            State::Settling { next, until } => self.settling(now, side, &heard, next, until),
            State::ToneAsked { since, until } => self.tone_asked(now, side, &heard, since, until),
            State::Dialling { call, dialled, rings, caller, until } => {
                return self.dialling(now, side, heard, call, (dialled, rings, caller), until);
            }
            State::Connecting { call, up, until } => {
                self.connecting(now, side, &heard, call, up, until)
            }
            State::Greeting { call, heard: texts, until } => {
                self.greeting(now, side, &heard, call, texts, until)
            }
            State::Watching { call, since, said, until } => {
                self.watching(now, side, &heard, call, (since, said), until)
            }
            State::Doubting { call, since, words, until } => match (side, heard) {
                (Side::Line, Heard::CarrierDown) => {
                    self.learned(now, call, Signal::Carrier { after_ms: millis(now - since) })
                }
                _ => State::Doubting { call, since, words, until },
            },
            State::Taking { call, until } => self.taking(now, side, &heard, call, until),
            State::Talking { call, until } => match heard {
                // The tail of the ringing, and what the modems say to nobody.
                Heard::Ring(_) | Heard::CallerId(_) | Heard::Rest | Heard::Done => {
                    State::Talking { call, until }
                }
                other => return self.unfit(now, side, &other),
            },
            State::LettingGo { wait, until } => match (side, heard) {
                (Side::Line, Heard::Rest) => State::Waiting { wait, until: now + wait },
                _ => State::LettingGo { wait, until },
            },
            State::Waiting { wait, until } => match heard {
                Heard::Ring(_) => return self.fail(now, Failure::Rang { line: self.name(side) }),
                Heard::Connected => return self.unfit(now, side, &heard),
                _ => State::Waiting { wait, until },
            },
            State::Asking { wait, until } => match (side, heard) {
                (Side::Line, Heard::Done) => return self.answered_by_tone(now, wait),
                (Side::Line, Heard::Failed(ResultCode::Error)) => {
                    return self.fail(now, Failure::NoSuchCommand { line: self.name(side) });
                }
                (Side::Line, Heard::Failed(_) | Heard::Mute) => return self.no_tone(now, wait),
                (_, Heard::Ring(_)) => {
                    return self.fail(now, Failure::Rang { line: self.name(side) });
                }
                (_, Heard::Connected) => {
                    return self.fail(now, Failure::Stranger { line: self.name(side) });
                }
                _ => State::Asking { wait, until },
            },
            State::Controlling { until } => match (side, heard) {
                (Side::Line, Heard::Done) => {
                    return self.fail(now, Failure::HearsAnything { line: self.name(side) });
                }
                (Side::Other, Heard::Done) => {
                    return self.fail(now, Failure::LetsGo { line: self.name(side) });
                }
                (_, Heard::Connected) => {
                    return self.fail(now, Failure::Stranger { line: self.name(side) });
                }
                _ => State::Controlling { until },
            },
            State::Over => State::Over,
        };
    }

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

    fn settling(
        &mut self,
        now: Instant,
        side: Side,
        heard: &Heard,
        next: Step,
        until: Instant,
    ) -> State {
        match heard {
            Heard::Ring(_) | Heard::Connected => {
                self.failing(now, Failure::Rang { line: self.name(side) })
            }
            Heard::Rest
            | Heard::CallerId(_)
            | Heard::Done
            | Heard::Failed(_)
            | Heard::Mute
            | Heard::Received(_)
            | Heard::CarrierDown
            | Heard::Lost(_) => State::Settling { next, until },
        }
    }

    fn tone_asked(
        &mut self,
        now: Instant,
        side: Side,
        heard: &Heard,
        since: Instant,
        until: Instant,
    ) -> State {
        match (side, heard) {
            (Side::Line, Heard::Done) => {
                self.dial_tone = now - since;
                self.finding = Some(format!("dial tone after {}", seconds(self.dial_tone)));
                self.clear(now, Step::Call(Call::Data(Side::Other)))
            }
            (Side::Line, Heard::Failed(ResultCode::Error)) => {
                self.failing(now, Failure::NoSuchCommand { line: self.name(side) })
            }
            (Side::Line, Heard::Failed(_) | Heard::Mute) => {
                self.failing(now, Failure::NoDialTone { line: self.name(side) })
            }
            (_, Heard::Ring(_) | Heard::Connected) => {
                self.failing(now, Failure::Rang { line: self.name(side) })
            }
            (
                _,
                Heard::Rest
                | Heard::CallerId(_)
                | Heard::Done
                | Heard::Failed(_)
                | Heard::Mute
                | Heard::Received(_)
                | Heard::CarrierDown
                | Heard::Lost(_),
            ) => State::ToneAsked { since, until },
        }
    }

    /// `from` dials; `to` rings.
    fn dialling(
        &mut self,
        now: Instant,
        side: Side,
        heard: Heard,
        call: Call,
        (mut dialled, mut rings, mut caller): (bool, u32, CallerId),
        until: Instant,
    ) {
        let from_rang = side == call.from();
        match heard {
            Heard::Ring(_) if from_rang => {
                return self.fail(now, Failure::Rang { line: self.name(side) });
            }
            Heard::Ring(ring) => {
                rings += 1;
                let before = caller.caller.is_some();
                caller.hear_ring(&ring);
                self.heard_caller(call, before, rings.saturating_sub(1), &caller);
            }
            Heard::CallerId(field) => {
                let before = caller.caller.is_some();
                caller.hear(field);
                self.heard_caller(call, before, rings, &caller);
            }
            Heard::Done => dialled = true,
            Heard::Failed(code) => {
                let (from, to) = (self.name(call.from()), self.name(call.to()));
                return self.fail(now, Failure::of_dialling(from, to, &code));
            }
            Heard::Connected => {
                return self.fail(now, Failure::Stranger { line: self.name(side) });
            }
            Heard::Rest
            | Heard::Mute
            | Heard::Received(_)
            | Heard::CarrierDown
            | Heard::Lost(_) => {}
        }
        if self.is_somebody_else(call, &caller) {
            return self.fail(now, Failure::Rang { line: self.name(call.to()) });
        }
        let enough = match call {
            Call::Data(Side::Other) => rings >= RINGS_FOR_CALLER,
            Call::Data(Side::Line) => rings >= 1,
            // The number that it must be is waited for.
            Call::Hold(_) | Call::Control(_) => dialled && rings > self.rings_before_number(),
        };
        if !enough {
            self.state = State::Dialling { call, dialled, rings, caller, until };
            return;
        }
        self.state = match call {
            Call::Data(_) => {
                self.wish(call.to(), Act::Answer);
                State::Connecting { call, up: Sides::default(), until: now + CONNECT_TIME }
            }
            Call::Hold(_) | Call::Control(_) => {
                self.wish(Side::Line, Act::Take);
                State::Taking { call, until: now + TONE_TIME }
            }
        };
    }

    /// Behind how many rings the other line's number comes, where it is its number that comes.
    const fn rings_before_number(&self) -> u32 {
        match self.caller_id {
            CallerIdFound::Number { rings, configured: Some(true) } => rings,
            CallerIdFound::Number { .. }
            | CallerIdFound::NoNumber { .. }
            | CallerIdFound::Nothing => 0,
        }
    }

    fn heard_caller(&mut self, call: Call, before: bool, rings: u32, caller: &CallerId) {
        if call != Call::Data(Side::Other) || before {
            return;
        }
        self.caller_id = match &caller.caller {
            None => return,
            Some(Caller::Private | Caller::OutOfArea) => CallerIdFound::NoNumber { rings },
            Some(Caller::Number(number)) => CallerIdFound::Number {
                rings,
                configured: self.plan.other_number.as_ref().map(|own| is_same(own, number)),
            },
        };
    }

    /// Where it is known that the other line's number is told, another one is somebody else's.
    fn is_somebody_else(&self, call: Call, caller: &CallerId) -> bool {
        let told = matches!(self.caller_id, CallerIdFound::Number { configured: Some(true), .. });
        match (&caller.caller, &self.plan.other_number) {
            (Some(Caller::Number(number)), Some(own)) if told && call.to() == Side::Line => {
                !is_same(own, number)
            }
            _ => false,
        }
    }

    fn connecting(
        &mut self,
        now: Instant,
        side: Side,
        heard: &Heard,
        call: Call,
        mut up: Sides<bool>,
        until: Instant,
    ) -> State {
        match heard {
            Heard::Connected => *up.of_mut(side) = true,
            Heard::Failed(code) => {
                let (from, to) = (self.name(call.from()), self.name(call.to()));
                return self.failing(now, Failure::of_dialling(from, to, code));
            }
            Heard::Mute => return self.failing(now, self.not_connected(call)),
            Heard::CarrierDown => return self.failing(now, self.not_connected(call)),
            // The tail of the ringing; the greeting waits for both.
            Heard::Ring(_)
            | Heard::CallerId(_)
            | Heard::Rest
            | Heard::Done
            | Heard::Received(_)
            | Heard::Lost(_) => {}
        }
        if !(up.line && up.other) {
            return State::Connecting { call, up, until };
        }
        self.up = Some((call.from(), now));
        for side in [Side::Line, Side::Other] {
            let text = format!("{}\r", self.plan.greetings.of(side));
            self.wish(side, Act::Send(text.into_bytes()));
        }
        State::Greeting { call, heard: Sides::default(), until: now + GREETING_TIME }
    }

    fn not_connected(&self, call: Call) -> Failure {
        Failure::NotConnected { from: self.name(call.from()), to: self.name(call.to()) }
    }

    /// Each must be the other's peer: a stranger on either line does not know the digits.
    fn greeting(
        &mut self,
        now: Instant,
        side: Side,
        heard: &Heard,
        call: Call,
        mut texts: Sides<Vec<u8>>,
        until: Instant,
    ) -> State {
        match heard {
            Heard::Received(bytes) => keep(texts.of_mut(side), bytes),
            Heard::CarrierDown => return self.failing(now, self.not_connected(call)),
            Heard::Rest
            | Heard::Ring(_)
            | Heard::CallerId(_)
            | Heard::Done
            | Heard::Connected
            | Heard::Failed(_)
            | Heard::Mute
            | Heard::Lost(_) => {}
        }
        let greetings = &self.plan.greetings;
        if !(holds(&texts.line, &greetings.other) && holds(&texts.other, &greetings.line)) {
            return State::Greeting { call, heard: texts, until };
        }
        self.wish(Side::Other, Act::HangUp);
        State::Watching { call, since: now, said: Vec::new(), until: now + SIGNAL_TIME }
    }

    fn watching(
        &mut self,
        now: Instant,
        side: Side,
        heard: &Heard,
        call: Call,
        (since, mut said): (Instant, Vec<u8>),
        until: Instant,
    ) -> State {
        let after_ms = millis(now - since);
        match (side, heard) {
            (Side::Line, Heard::CarrierDown) => {
                return self.learned(now, call, Signal::Carrier { after_ms });
            }
            (Side::Line, Heard::Received(bytes)) => keep(&mut said, bytes),
            (
                _,
                Heard::Rest
                | Heard::Ring(_)
                | Heard::CallerId(_)
                | Heard::Done
                | Heard::Connected
                | Heard::Failed(_)
                | Heard::Mute
                | Heard::Received(_)
                | Heard::CarrierDown
                | Heard::Lost(_),
            ) => {}
        }
        if holds(&said, "NO CARRIER") {
            let words = Signal::Words { after_ms };
            return State::Doubting { call, since, words, until: now + MOMENT };
        }
        State::Watching { call, since, said, until }
    }

    fn learned(&mut self, now: Instant, call: Call, signal: Signal) -> State {
        let next = match call.from() {
            Side::Other => {
                self.called = Some(signal);
                self.finding = Some(format!(
                    "caller ID {}; when its caller hangs up: {signal}",
                    self.caller_id
                ));
                match self.plan.both_ways {
                    true => Step::Call(Call::Data(Side::Line)),
                    false => self.next_step(),
                }
            }
            Side::Line => {
                self.calling = Some(signal);
                self.finding = Some(format!("when the one it has called hangs up: {signal}"));
                self.next_step()
            }
        };
        self.clear(now, next)
    }

    fn taking(
        &mut self,
        now: Instant,
        side: Side,
        heard: &Heard,
        call: Call,
        until: Instant,
    ) -> State {
        match (side, heard) {
            (Side::Line, Heard::Done) => {
                self.up = Some((call.from(), now));
                let talk = match call {
                    Call::Control(time) => TALK_TIME + time,
                    Call::Data(_) | Call::Hold(_) => TALK_TIME,
                };
                State::Talking { call, until: now + talk }
            }
            (Side::Line, Heard::Failed(ResultCode::Error)) => {
                self.failing(now, Failure::NoSuchCommand { line: self.name(side) })
            }
            (Side::Line, Heard::Failed(_) | Heard::Mute) => {
                self.failing(now, self.not_connected(call))
            }
            (_, Heard::Connected) => self.failing(now, Failure::Stranger { line: self.name(side) }),
            (
                _,
                Heard::Rest
                | Heard::Ring(_)
                | Heard::CallerId(_)
                | Heard::Done
                | Heard::Failed(_)
                | Heard::Mute
                | Heard::Received(_)
                | Heard::CarrierDown
                | Heard::Lost(_),
            ) => State::Taking { call, until },
        }
    }

    /// There was dial tone after this wait.
    fn answered_by_tone(&mut self, now: Instant, wait: Duration) {
        self.search.free(wait);
        self.finding = Some(format!("{} after it has hung up: dial tone", seconds(wait)));
        self.state = self.clear_for_next(now);
    }

    fn no_tone(&mut self, now: Instant, wait: Duration) {
        self.search.held(wait);
        self.finding = Some(format!("{} after it has hung up: still held", seconds(wait)));
        self.state = self.clear_for_next(now);
    }

    /// Something that has no place where nobody may be.
    fn unfit(&mut self, now: Instant, side: Side, heard: &Heard) {
        let line = self.name(side);
        self.fail(
            now,
            match heard {
                Heard::Connected => Failure::Stranger { line },
                Heard::Rest
                | Heard::Ring(_)
                | Heard::CallerId(_)
                | Heard::Done
                | Heard::Failed(_)
                | Heard::Mute
                | Heard::Received(_)
                | Heard::CarrierDown
                | Heard::Lost(_) => Failure::LetsGo { line },
            },
        );
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
            State::ToneAsked { .. } => {
                self.fail(now, Failure::NoDialTone { line: self.name(Side::Line) });
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
            State::Taking { call, .. } => self.fail(now, self.not_connected(call)),
            State::Talking { call: Call::Control(_), .. } => {
                self.wish(Side::Line, Act::DialTone);
                self.wish(Side::Other, Act::DialTone);
                self.state = State::Controlling { until: now + self.tone_time() };
            }
            State::Talking { call: Call::Hold(wait), .. } => {
                self.hang_up(Side::Line);
                self.state = State::LettingGo { wait, until: now + READY_TIME };
            }
            State::Talking { call: Call::Data(_), .. } => {}
            State::LettingGo { .. } => {
                self.fail(now, Failure::NotReady { line: self.name(Side::Line) });
            }
            State::Waiting { wait, .. } => {
                self.wish(Side::Line, Act::DialTone);
                self.state = State::Asking { wait, until: now + self.tone_time() };
            }
            State::Asking { wait, .. } => self.no_tone(now, wait),
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
                self.state = State::ToneAsked { since: now, until: now + TONE_TIME };
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
            Call::Hold(wait) => (true, format!("hold time, {}", seconds(wait))),
            Call::Control(time) => (true, format!("control, {}", seconds(time))),
        };
        self.calls += 1;
        *self.at_rest.of_mut(call.from()) = false;
        self.wishes.push_back(Wish::Call { from: call.from(), number, stay, purpose });
        let (dialled, rings, caller) = (false, 0, CallerId::new());
        self.state = State::Dialling { call, dialled, rings, caller, until: now + ARRIVE_TIME };
    }

    // ------------------------------------------------------------------------------------- the ways

    fn next_step(&self) -> Step {
        match self.search.next() {
            Next::Try(wait) => Step::Call(Call::Hold(wait)),
            Next::Control(time) => Step::Call(Call::Control(time)),
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

/// Keeps the last of what was said.
fn keep(text: &mut Vec<u8>, bytes: &[u8]) {
    text.extend_from_slice(bytes);
    let over = text.len().saturating_sub(MAX_TEXT);
    text.drain(..over);
}

fn holds(text: &[u8], wanted: &str) -> bool {
    text.windows(wanted.len().max(1)).any(|part| part == wanted.as_bytes())
}

/// Whether an exchange that tells this number means this line: it may leave out the area, or put the country before it.
fn is_same(own: &PhoneNumber, told: &str) -> bool {
    /// Subscribers' numbers are told whole; the shortest have so many digits.
    const TAIL: usize = 6;
    let tail = |text: &str| -> Vec<u8> {
        text.bytes().rev().filter(u8::is_ascii_digit).take(TAIL).collect()
    };
    let (own, told) = (tail(own.as_str()), tail(told));
    !told.is_empty() && own == told
}
