//! The side that calls, and wants to be called back.
//!
//! ```text
//!     Waiting ──Request──► (Thinking) ──► Answered ──Ack──► Over
//!                                          ▲    │
//!                                          └────┘ Request again, or time: Response again
//! ```
//!
//! By its standard [`Manners`] it keeps to MS-CBCP, with limits where that has none. Other manners make it
//! behave like a particular program, faults included: they are how an answerer is tested without the
//! program, and they say in one place what is known about each.

use std::collections::VecDeque;
use std::time::Duration;

use super::number::Number;
use super::pace::retransmission;
use super::wire::{
    self, Choice, TYPE_ADMINISTRATOR, TYPE_LIST, TYPE_NONE, TYPE_NUMBER, write_choice,
};
use crate::packet::{Packet, items};
use crate::time::{Deadline, Instant};

/// How long to wait for the first Request. MS-CBCP has no limit; an answerer that never asks would hold
/// the line for ever.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Responses without an Ack before the answerer is given up (MS-CBCP §3.2.2: Retry).
const MAX_RESPONSES: u32 = 10;

/// What a caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Where to be called, if the answerer lets the caller say.
    pub number: Option<Number>,
    /// Seconds that the modem needs to get ready for the callback.
    pub delay: u8,
    /// The line's speed in bit/s, if known.
    pub rate: Option<u32>,
    /// How it behaves.
    pub manners: Manners,
}

/// How a caller behaves. [`Manners::STANDARD`] is how it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manners {
    /// How it reads a Request.
    pub reading: Reading,
    /// What it picks.
    pub picks: Picks,
    /// Whether it repeats its Response by itself.
    pub repeats: Repeats,
    /// What it does when it has chosen to stay.
    pub on_none: OnNone,
    /// The option by which it chooses to stay; it should be `01 02`.
    pub none_option: &'static [u8],
    /// How long its user looks at the box to type a number in.
    pub thinks: Duration,
}

/// How the options of a Request are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// By their lengths.
    Sound,
    /// As pppd and ipppd do: at most four octets of each option are stepped over, though its whole
    /// length is counted. Whatever follows a number is read from the wrong place; types once offered
    /// are never forgotten.
    LosesStep,
    /// Only the first option is looked at, as FreeBSD's ppp does.
    FirstOnly,
}

/// What is picked among the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picks {
    /// Its own number, else the administrator's, else none (MS-CBCP §3.2.5).
    Best,
    /// The same, but never none: to be called back is a condition.
    BestOrNothing,
    /// None, if that is offered: the user pressed Escape.
    None,
    /// Its own number, also when only "none" is offered: as Windows 95 does.
    OwnInstead,
    /// Its own number or nothing: as FreeBSD's ppp does, which takes "none" for leave to say so, and
    /// hangs up on "the administrator's" if it has a number.
    OwnOrNothing,
}

/// Whether a Response is repeated without a Request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// By a timer, ten times.
    ByTimer,
    /// Never: nothing is done until the answerer speaks, and it is waited for without limit.
    Never,
}

/// What follows the choice to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnNone {
    /// The network protocols, after the Ack.
    StaysAfterAck,
    /// The network protocols, at once: pppd.
    StaysAtOnce,
    /// The end of the call, after the Ack: ipppd.
    Leaves,
}

impl Manners {
    /// How a caller should behave.
    pub const STANDARD: Self = Self {
        reading: Reading::Sound,
        picks: Picks::Best,
        repeats: Repeats::ByTimer,
        on_none: OnNone::StaysAfterAck,
        none_option: &[TYPE_NONE, 2],
        thinks: Duration::ZERO,
    };
}

/// What a caller wants done, or has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// This packet goes to the peer.
    Send(Vec<u8>),
    /// A callback is promised: end the call and wait for it, ready after this many seconds.
    Agreed(Choice, u8),
    /// No callback: the network protocols may begin.
    Stay,
    /// No callback, and the caller does not want to go on.
    Leave,
    /// The answerer did not do its part.
    Failed(Failure),
}

/// Why a caller got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No Request came.
    NoRequest,
    /// Nothing that is offered can be chosen.
    NothingToChoose,
    /// No Ack came.
    NoAck,
    /// The answerer does not speak CBCP after all.
    NotSpoken,
}

/// Asks for callback.
#[derive(Debug)]
pub struct Caller {
    wish: Wish,
    state: State,
    /// Types offered so far, for readers that never forget them.
    remembered: Vec<u8>,
    facts: VecDeque<Fact>,
}

#[derive(Debug)]
enum State {
    Waiting {
        until: Instant,
    },
    Thinking {
        until: Instant,
        answer: Answer,
    },
    Answered {
        answer: Answer,
        again_at: Instant,
        sent: u32,
    },
    /// For those without a timer of their own.
    Silent {
        answer: Answer,
    },
    Over,
}

/// Our Response, and the Request that it answers.
#[derive(Clone, Debug)]
struct Answer {
    id: u8,
    request: Vec<u8>,
    choice: Choice,
    option: Vec<u8>,
}

impl Answer {
    fn packet(&self) -> Vec<u8> {
        wire::write(wire::RESPONSE, self.id, &self.option)
    }
}

impl Caller {
    /// Begins to wait for the Request.
    #[must_use]
    pub fn new(wish: Wish, now: Instant) -> Self {
        let until = match wish.manners.repeats {
            Repeats::ByTimer => now + MAX_WAIT,
            Repeats::Never => Instant::FAR,
        };
        Self {
            wish,
            state: State::Waiting { until },
            remembered: Vec::new(),
            facts: VecDeque::new(),
        }
    }

    /// Takes a CBCP packet in. A Response means nothing to this side.
    pub fn receive(&mut self, now: Instant, octets: &[u8]) {
        let Some(packet) = Packet::read(octets) else { return };
        match packet.code {
            wire::REQUEST => self.requested(now, packet),
            wire::ACK => self.acknowledged(packet),
            _ => {}
        }
    }

    /// The peer rejects the whole protocol.
    pub fn not_spoken(&mut self) {
        match self.state {
            State::Waiting { .. }
            | State::Thinking { .. }
            | State::Answered { .. }
            | State::Silent { .. } => self.fail(Failure::NotSpoken),
            State::Over => {}
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        match &mut self.state {
            State::Waiting { until } if *until <= now => self.fail(Failure::NoRequest),
            State::Thinking { until, answer } if *until <= now => {
                let answer = answer.clone();
                self.respond(now, answer);
            }
            State::Answered { sent, again_at, .. }
                if *again_at <= now && *sent >= MAX_RESPONSES =>
            {
                self.fail(Failure::NoAck);
            }
            State::Answered { answer, again_at, sent } if *again_at <= now => {
                *sent += 1;
                *again_at = now + retransmission(self.wish.rate);
                let packet = answer.packet();
                self.facts.push_back(Fact::Send(packet));
            }
            State::Waiting { .. }
            | State::Thinking { .. }
            | State::Answered { .. }
            | State::Silent { .. }
            | State::Over => {}
        }
    }

    /// When `tick` is wanted.
    #[must_use]
    pub const fn deadline(&self) -> Option<Deadline> {
        match &self.state {
            State::Waiting { until: Instant::FAR } => None,
            State::Waiting { until } => Some(Deadline::new(*until, "callback request")),
            State::Thinking { until, .. } => Some(Deadline::new(*until, "callback number")),
            State::Answered { again_at, .. } => Some(Deadline::new(*again_at, "callback ack")),
            State::Silent { .. } | State::Over => None,
        }
    }

    /// The next thing to be done or told.
    pub fn poll(&mut self) -> Option<Fact> {
        self.facts.pop_front()
    }

    fn requested(&mut self, now: Instant, packet: Packet<'_>) {
        match &mut self.state {
            State::Waiting { .. } => {
                let Some(offered) = self.read(packet.body) else { return };
                let Some(choice) = self.choose(&offered) else {
                    return self.fail(Failure::NothingToChoose);
                };
                let option = match choice {
                    Choice::None => self.wish.manners.none_option.to_vec(),
                    Choice::Number(_) | Choice::Administrator | Choice::Listed(_) => {
                        write_choice(&choice, self.wish.delay)
                    }
                };
                let answer =
                    Answer { id: packet.id, request: packet.body.to_vec(), choice, option };
                if self.wish.manners.thinks.is_zero() {
                    self.respond(now, answer);
                } else {
                    self.state = State::Thinking { until: now + self.wish.manners.thinks, answer };
                }
            }
            // The box is still open; what is typed will answer the Request that opened it.
            State::Thinking { .. } | State::Over => {}
            State::Answered { answer, .. } | State::Silent { answer } => {
                // MS-CBCP §3.2.5: a Request that offers something else is dropped. pppd does not look.
                if answer.request == packet.body || self.wish.manners.reading == Reading::LosesStep
                {
                    answer.id = packet.id;
                    let answer = answer.clone();
                    self.respond(now, answer);
                }
            }
        }
    }

    fn respond(&mut self, now: Instant, answer: Answer) {
        self.facts.push_back(Fact::Send(answer.packet()));
        if answer.choice == Choice::None && self.wish.manners.on_none == OnNone::StaysAtOnce {
            self.facts.push_back(Fact::Stay);
        }
        self.state = match (self.wish.manners.repeats, &self.state) {
            (Repeats::Never, _) => State::Silent { answer },
            (Repeats::ByTimer, State::Answered { again_at, sent, .. }) => {
                State::Answered { answer, again_at: *again_at, sent: *sent }
            }
            (
                Repeats::ByTimer,
                State::Waiting { .. } | State::Thinking { .. } | State::Silent { .. } | State::Over,
            ) => {
                State::Answered { answer, again_at: now + retransmission(self.wish.rate), sent: 1 }
            }
        };
    }

    fn acknowledged(&mut self, packet: Packet<'_>) {
        let (State::Answered { answer, .. } | State::Silent { answer }) = &self.state else {
            return;
        };
        // A stale identifier does no harm if the choice is ours. FreeBSD's answerer leaves the number
        // out of the Ack of a list.
        let ours = wire::read_response(packet.body)
            .map_or(packet.body.first() == answer.option.first(), |response| {
                response.choice == answer.choice
            });
        if !ours {
            return;
        }
        let (choice, manners) = (answer.choice.clone(), self.wish.manners);
        self.state = State::Over;
        match (&choice, manners.on_none) {
            (Choice::None, OnNone::StaysAtOnce) => {}
            (Choice::None, OnNone::StaysAfterAck) => self.facts.push_back(Fact::Stay),
            (Choice::None, OnNone::Leaves) => self.facts.push_back(Fact::Leave),
            (Choice::Number(_) | Choice::Administrator | Choice::Listed(_), _) => {
                self.facts.push_back(Fact::Agreed(choice, self.wish.delay));
            }
        }
    }

    /// The options offered; `None` when the Request cannot be read.
    fn read(&mut self, body: &[u8]) -> Option<Vec<Offered>> {
        match self.wish.manners.reading {
            Reading::Sound => read_all(body),
            Reading::FirstOnly => read_all(body).map(|mut offered| {
                offered.truncate(1);
                offered
            }),
            Reading::LosesStep => {
                let readable = read_losing_step(body, &mut self.remembered);
                let known = |kind: &u8| [TYPE_NONE, TYPE_NUMBER, TYPE_ADMINISTRATOR].contains(kind);
                let offered: Vec<Offered> = self
                    .remembered
                    .iter()
                    .filter(|kind| known(kind))
                    .map(|kind| Offered::bare(*kind))
                    .collect();
                (readable && !offered.is_empty()).then_some(offered)
            }
        }
    }

    fn choose(&self, offered: &[Offered]) -> Option<Choice> {
        let own = self.wish.number.clone().map(Choice::Number);
        let has = |kind: u8| offered.iter().any(|option| option.kind == kind);
        let listed = || {
            let list = offered.iter().find(|option| option.kind == TYPE_LIST)?;
            let wanted =
                list.numbers.iter().find(|number| Some(*number) == self.wish.number.as_ref());
            wanted.or_else(|| list.numbers.first()).cloned().map(Choice::Listed)
        };
        match self.wish.manners.picks {
            Picks::None if has(TYPE_NONE) => return Some(Choice::None),
            Picks::OwnInstead if has(TYPE_NONE) && own.is_some() => return own,
            Picks::OwnOrNothing if own.is_some() => {
                let open_to_it = has(TYPE_NONE) || has(TYPE_NUMBER);
                return if open_to_it { own } else { listed() };
            }
            Picks::Best
            | Picks::BestOrNothing
            | Picks::None
            | Picks::OwnInstead
            | Picks::OwnOrNothing => {}
        }
        let stays = has(TYPE_NONE) && self.wish.manners.picks != Picks::BestOrNothing;
        own.filter(|_| has(TYPE_NUMBER))
            .or_else(|| has(TYPE_ADMINISTRATOR).then_some(Choice::Administrator))
            .or_else(listed)
            .or_else(|| stays.then_some(Choice::None))
    }

    fn fail(&mut self, failure: Failure) {
        self.state = State::Over;
        self.facts.push_back(Fact::Failed(failure));
    }
}

/// One option of a Request.
#[derive(Debug)]
struct Offered {
    kind: u8,
    numbers: Vec<Number>,
}

impl Offered {
    const fn bare(kind: u8) -> Self {
        Self { kind, numbers: Vec::new() }
    }
}

fn read_all(body: &[u8]) -> Option<Vec<Offered>> {
    let items = items(body).ok().filter(|items| !items.is_empty())?;
    let offered = items.iter().map(|item| match item.kind {
        TYPE_LIST => Offered { kind: item.kind, numbers: wire::read_list(item.value) },
        kind => Offered::bare(kind),
    });
    Some(offered.collect())
}

/// pppd's way through the options: it steps over type, length, delay and address type, never over the
/// address, but takes the option's whole length off what is left. Returns whether it got to the end.
fn read_losing_step(body: &[u8], types: &mut Vec<u8>) -> bool {
    let (mut at, mut left) = (0, body.len());
    while left > 0 {
        let Some(&[kind, length]) = body.get(at..).and_then(|rest| rest.first_chunk::<2>()) else {
            return false;
        };
        let length = usize::from(length);
        if length < 2 || length > left {
            return false;
        }
        if !types.contains(&kind) {
            types.push(kind);
        }
        at += length.min(4);
        left -= length;
    }
    true
}
