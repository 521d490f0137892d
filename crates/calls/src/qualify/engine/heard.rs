//! What is heard in each state of a measuring, and what follows from it: one function a state.
//!
//! It does not know of time running out: that is `mod.rs`.

use proto::at::caller_id::{Caller, CallerId};
use proto::at::result::{ResultCode, Ring};
use proto::dial::PhoneNumber;
use proto::time::Instant;

use super::{
    CONNECT_TIME, Call, GREETING_TIME, Held, MOMENT, Measurement, RINGS_FOR_CALLER, SIGNAL_TIME,
    Side, Sides, State, Step, TALK_TIME, TONE_TIME, millis,
};
use crate::line::{Act, Heard};
use crate::qualify::failure::Failure;
use crate::qualify::findings::seconds;
use crate::qualify::{CallerIdFound, Signal};

/// Text of the other modem that is kept: its greeting, and `NO CARRIER`.
const MAX_TEXT: usize = 256;

/// A call on its way: whether the modem has dialled, how often the other one has rung, what is told of the caller.
#[derive(Debug, Default)]
pub(super) struct Way {
    dialled: bool,
    rings: u32,
    caller: CallerId,
}

impl Measurement {
    /// One of the lines has heard something.
    pub(crate) fn heard(&mut self, now: Instant, side: Side, heard: Heard) {
        if heard == Heard::Rest {
            *self.at_rest.of_mut(side) = true;
        }
        if let Heard::Lost(why) = heard {
            // It takes part no more, and holds nothing up.
            *self.at_rest.of_mut(side) = true;
            let line = self.name(side);
            return self.fail(now, Failure::Lost { line, why });
        }
        let state = std::mem::replace(&mut self.state, State::Over);
        self.state = match state {
            // A RING may be the last of our own call; a CONNECT on a line that was on-hook is nobody's of ours.
            State::Clearing { next, until }
                if heard == Heard::Connected && *self.at_rest.of(side) =>
            {
                *self.at_rest.of_mut(side) = false;
                self.state = State::Clearing { next, until };
                self.failing(now, Failure::Stranger { line: self.name(side) })
            }
            State::Clearing { next, until } => self.clearing(now, next, until),
            State::Settling { next, until } => match self.intruder(side, &heard) {
                Some(failure) => self.failing(now, failure),
                None => State::Settling { next, until },
            },
            State::ToneAsked { since, heard: tone, until } => {
                self.tone_asked(now, side, &heard, since, tone, until)
            }
            State::Dialling { call, way, until } => {
                self.dialling(now, side, heard, call, way, until)
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
            State::Doubting { call, since, words, until } => {
                if side == Side::Line && heard == Heard::CarrierDown {
                    self.learned(now, call, Signal::Carrier { after_ms: millis(now - since) })
                } else {
                    State::Doubting { call, since, words, until }
                }
            }
            State::Taking { held, until } => self.taking(now, side, &heard, held, until),
            State::Talking { held, until } => self.talking(now, side, &heard, held, until),
            State::LettingGo { wait, until } => {
                if side == Side::Line && heard == Heard::Rest {
                    State::Waiting { wait, until: now + wait }
                } else {
                    State::LettingGo { wait, until }
                }
            }
            State::Waiting { wait, until } => match self.intruder(side, &heard) {
                Some(failure) => self.failing(now, failure),
                None => State::Waiting { wait, until },
            },
            State::Asking { wait, until } => self.asking(now, side, &heard, wait, until),
            State::Controlling { until } => self.controlling(now, side, &heard, until),
            State::Over => State::Over,
        };
    }

    /// Somebody who has no place where nobody is expected.
    fn intruder(&self, side: Side, heard: &Heard) -> Option<Failure> {
        let line = self.name(side);
        match heard {
            Heard::Ring(_) => Some(Failure::Rang { line }),
            Heard::Connected => Some(Failure::Stranger { line }),
            Heard::Rest
            | Heard::CallerId(_)
            | Heard::Done
            | Heard::Failed(_)
            | Heard::Mute
            | Heard::Received(_)
            | Heard::CarrierDown
            | Heard::Lost(_) => None,
        }
    }

    /// What the line's modem says to a question for dial tone, or to going off-hook.
    ///
    /// `NO CARRIER` of the other one is no answer to it: an exchange that lets the line go may tell its caller so. Whether
    /// that modem stays by itself is what the control finds out.
    fn answered(&self, side: Side, heard: &Heard, no: Failure) -> Option<Result<(), Failure>> {
        match side {
            Side::Line => self.said(side, heard, no),
            Side::Other => self.intruder(side, heard).map(Err),
        }
    }

    /// What a modem says to what it was asked.
    fn said(&self, side: Side, heard: &Heard, no: Failure) -> Option<Result<(), Failure>> {
        if let Some(failure) = self.intruder(side, heard) {
            return Some(Err(failure));
        }
        match heard {
            Heard::Done => Some(Ok(())),
            Heard::Failed(ResultCode::Error) => {
                Some(Err(Failure::NoSuchCommand { line: self.name(side) }))
            }
            Heard::Failed(_) | Heard::Mute => Some(Err(no)),
            Heard::Rest
            | Heard::Ring(_)
            | Heard::CallerId(_)
            | Heard::Connected
            | Heard::Received(_)
            | Heard::CarrierDown
            | Heard::Lost(_) => None,
        }
    }

    fn tone_asked(
        &mut self,
        now: Instant,
        side: Side,
        heard: &Heard,
        since: Instant,
        mut tone: Sides<bool>,
        until: Instant,
    ) -> State {
        match self.said(side, heard, Failure::NoDialTone { line: self.name(side) }) {
            Some(Ok(())) => *tone.of_mut(side) = true,
            Some(Err(failure)) => return self.failing(now, failure),
            None => {}
        }
        if side == Side::Line && *heard == Heard::Done {
            self.dial_tone = now - since;
            self.finding = Some(format!("dial tone after {}", seconds(self.dial_tone)));
        }
        match tone.line && tone.other {
            true => self.clear(now, Step::Call(Call::Data(Side::Other))),
            false => State::ToneAsked { since, heard: tone, until },
        }
    }

    // ------------------------------------------------------------------------------ a call arrives

    /// `from` dials; `to` rings.
    fn dialling(
        &mut self,
        now: Instant,
        side: Side,
        heard: Heard,
        call: Call,
        mut way: Way,
        until: Instant,
    ) -> State {
        let failure = match heard {
            Heard::Ring(_) if side == call.from() => Some(Failure::Rang { line: self.name(side) }),
            Heard::Ring(ring) => self.rang(call, &mut way, &ring),
            Heard::CallerId(field) => {
                let before = way.caller.caller.is_some();
                way.caller.hear(field);
                self.told(call, before, way.rings, &way.caller)
            }
            Heard::Done => {
                way.dialled = true;
                None
            }
            // It had dialled, and was to stay.
            Heard::Failed(ResultCode::NoCarrier) if way.dialled => {
                Some(Failure::LetsGo { line: self.name(side) })
            }
            Heard::Failed(code) => {
                let failure =
                    Failure::of_dialling(self.name(call.from()), self.name(call.to()), &code);
                if failure.is_unanswered() {
                    self.up = None;
                }
                Some(failure)
            }
            Heard::Connected => Some(Failure::Stranger { line: self.name(side) }),
            Heard::Rest
            | Heard::Mute
            | Heard::Received(_)
            | Heard::CarrierDown
            | Heard::Lost(_) => None,
        };
        if let Some(failure) = failure {
            return self.failing(now, failure);
        }
        let enough = match call {
            Call::Data(Side::Other) => way.rings >= RINGS_FOR_CALLER,
            Call::Data(Side::Line) => way.rings >= 1,
            // The number that it must be is waited for.
            Call::Held(_) => way.dialled && way.rings > self.rings_before_number(),
        };
        match call {
            _ if !enough => State::Dialling { call, way, until },
            Call::Data(_) => {
                self.wish(call.to(), Act::Answer);
                self.up = Some((call.from(), now));
                State::Connecting { call, up: Sides::default(), until: now + CONNECT_TIME }
            }
            Call::Held(held) => {
                self.wish(Side::Line, Act::Take);
                State::Taking { held, until: now + TONE_TIME }
            }
        }
    }

    fn rang(&mut self, call: Call, way: &mut Way, ring: &Ring) -> Option<Failure> {
        let before = way.caller.caller.is_some();
        way.caller.hear_ring(ring);
        let rings = way.rings;
        way.rings += 1;
        self.told(call, before, rings, &way.caller)
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

    /// What the exchange tells of the caller. Where it is known to tell the other line's number, another one is somebody
    /// else's.
    fn told(&mut self, call: Call, before: bool, rings: u32, caller: &CallerId) -> Option<Failure> {
        let other = self.plan.other_number.as_ref();
        match (call, &caller.caller) {
            (_, None) | (Call::Data(Side::Line), _) => None,
            (Call::Data(Side::Other), Some(_)) if before => None,
            (Call::Data(Side::Other), Some(Caller::Private | Caller::OutOfArea)) => {
                self.caller_id = CallerIdFound::NoNumber { rings };
                None
            }
            (Call::Data(Side::Other), Some(Caller::Number(number))) => {
                let configured = other.map(|own| is_same(own, number));
                self.caller_id = CallerIdFound::Number { rings, configured };
                None
            }
            (Call::Held(_), Some(Caller::Number(number))) => {
                let known = self.rings_before_number() > 0;
                let theirs = known && other.is_some_and(|own| !is_same(own, number));
                theirs.then(|| Failure::Rang { line: self.name(Side::Line) })
            }
            (Call::Held(_), Some(Caller::Private | Caller::OutOfArea)) => None,
        }
    }

    // -------------------------------------------------------------------------------- a call with data

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
            Heard::Mute | Heard::CarrierDown => return self.failing(now, self.not_connected(call)),
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
        for side in [Side::Line, Side::Other] {
            let text = format!("{}\r", self.plan.greetings.of(side));
            self.wish(side, Act::Send(text.into_bytes()));
        }
        State::Greeting { call, heard: Sides::default(), until: now + GREETING_TIME }
    }

    pub(super) fn not_connected(&self, call: Call) -> Failure {
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
        if *heard == Heard::CarrierDown {
            return self.failing(now, self.not_connected(call));
        }
        if let Heard::Received(bytes) = heard {
            keep(texts.of_mut(side), bytes);
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
        if side == Side::Line && *heard == Heard::CarrierDown {
            return self.learned(now, call, Signal::Carrier { after_ms });
        }
        if let (Side::Line, Heard::Received(bytes)) = (side, heard) {
            keep(&mut said, bytes);
        }
        if holds(&said, "NO CARRIER") {
            let words = Signal::Words { after_ms };
            return State::Doubting { call, since, words, until: now + MOMENT };
        }
        State::Watching { call, since, said, until }
    }

    /// How the line has learned that its peer is gone, or that it has not.
    pub(super) fn learned(&mut self, now: Instant, call: Call, signal: Signal) -> State {
        let next = match call.from() {
            Side::Other => {
                self.called = Some(signal);
                let caller_id = self.caller_id;
                self.finding =
                    Some(format!("caller ID {caller_id}; when its caller hangs up: {signal}"));
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

    // ---------------------------------------------------------------------------- a call that is held

    fn taking(
        &mut self,
        now: Instant,
        side: Side,
        heard: &Heard,
        held: Held,
        until: Instant,
    ) -> State {
        // It rings until the modem has the line.
        if let Heard::Ring(_) = heard {
            return State::Taking { held, until };
        }
        if let (Side::Other, Heard::Failed(ResultCode::NoCarrier)) = (side, heard) {
            return self.failing(now, Failure::LetsGo { line: self.name(side) });
        }
        match self.answered(side, heard, self.not_connected(Call::Held(held))) {
            Some(Ok(())) => {
                self.up = Some((Side::Other, now));
                let talk = match held {
                    Held::Control(time) => TALK_TIME + time,
                    Held::Wait(_) => TALK_TIME,
                };
                State::Talking { held, until: now + talk }
            }
            Some(Err(failure)) => self.failing(now, failure),
            None => State::Taking { held, until },
        }
    }

    /// Both are off-hook and silent.
    fn talking(
        &mut self,
        now: Instant,
        side: Side,
        heard: &Heard,
        held: Held,
        until: Instant,
    ) -> State {
        let line = self.name(side);
        match heard {
            Heard::Connected => self.failing(now, Failure::Stranger { line }),
            Heard::Failed(_) | Heard::CarrierDown => self.failing(now, Failure::LetsGo { line }),
            // The tail of the ringing, and what the modems say to nobody.
            Heard::Ring(_)
            | Heard::CallerId(_)
            | Heard::Rest
            | Heard::Done
            | Heard::Mute
            | Heard::Received(_)
            | Heard::Lost(_) => State::Talking { held, until },
        }
    }

    /// Is there dial tone, this long after it has hung up?
    fn asking(
        &mut self,
        now: Instant,
        side: Side,
        heard: &Heard,
        wait: std::time::Duration,
        until: Instant,
    ) -> State {
        let no = Failure::NoDialTone { line: self.name(Side::Line) };
        match self.answered(side, heard, no.clone()) {
            Some(Ok(())) => {
                self.search.free(wait);
                self.finding = Some(format!("{} after it has hung up: dial tone", seconds(wait)));
                self.clear_for_next(now)
            }
            Some(Err(failure)) if failure == no => self.still_held(now, wait),
            Some(Err(failure)) => self.failing(now, failure),
            None => State::Asking { wait, until },
        }
    }

    /// There was no dial tone after this wait.
    pub(super) fn still_held(&mut self, now: Instant, wait: std::time::Duration) -> State {
        self.search.held(wait);
        self.finding = Some(format!("{} after it has hung up: still held", seconds(wait)));
        self.clear_for_next(now)
    }

    /// Both ask for dial tone in the middle of a call: neither may hear it.
    fn controlling(&mut self, now: Instant, side: Side, heard: &Heard, until: Instant) -> State {
        let line = self.name(side);
        match (heard, side) {
            (Heard::Done, Side::Line) => self.failing(now, Failure::HearsAnything { line }),
            (Heard::Done, Side::Other) => self.failing(now, Failure::LetsGo { line }),
            (Heard::Connected, _) => self.failing(now, Failure::Stranger { line }),
            // It was not even asked.
            (Heard::Failed(ResultCode::Error), _) => {
                self.failing(now, Failure::NoSuchCommand { line })
            }
            // A modem that waits for dial tone is silent, or gives up in words of its own.
            (
                Heard::Rest
                | Heard::Ring(_)
                | Heard::CallerId(_)
                | Heard::Failed(_)
                | Heard::Mute
                | Heard::Received(_)
                | Heard::CarrierDown
                | Heard::Lost(_),
                _,
            ) => State::Controlling { until },
        }
    }
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
