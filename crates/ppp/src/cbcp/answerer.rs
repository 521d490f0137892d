//! The side that is called, and will call back.
//!
//! ```text
//!                    Response: none                      (same Response: Ack again)
//!              ┌──────────────────────────► Staying
//!   Waiting ───┤ Response: a callback                 approved
//!    ▲  │      └──────────────────────────► Approving ──────────► Acked ──Terminate──► (the link)
//!    └──┘ unusable, or time: Request again      │ refused           │ ▲
//!       │                                       ▼                   └─┘ time: Ack again
//!       └─ too often, too late ──────────────► Over ◄─── (Overdue) ──┘
//! ```
//!
//! Three things differ from the letter of MS-CBCP, each for a client in the field. A Response counts with
//! the identifier of *any* Request so far, not only the last: a client that shows its user a box to type
//! in answers a Request of minutes ago. The Ack is repeated unasked: pppd has no timer to ask for it. And a
//! Response that comes after the Ack and says something else changes nothing.
//!
//! It does not know who calls, nor which numbers are allowed: the offer and the approval come from outside.

use std::collections::VecDeque;
use std::time::Duration;

use super::number::{NumberFault, NumberRules, Pauses};
use super::offer::Offer;
use super::pace::{QUICK_REPETITIONS, SLOW, retransmission};
use super::wire::{self, Choice, Response, Unusable};
use crate::packet::Packet;
use crate::time::{Deadline, Instant};

/// Responses that are malformed or choose what was not offered, before the caller is given up.
const MAX_UNUSABLE: u32 = 5;
/// Responses without a number where one is due. A user who pressed Enter gets two more chances.
const MAX_EMPTY: u32 = 3;
/// Acks sent, the first included, before we end the call ourselves.
const MAX_ACKS: u32 = 3;
/// Between two of them.
const ACK_WAIT: Duration = Duration::from_secs(3);

/// The terms on which an answerer negotiates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The line's speed in bit/s, from the modem's CONNECT message, if known.
    pub rate: Option<u32>,
    /// How long the whole may take when a person may have to type a number.
    pub typing: Duration,
    /// How long it may take otherwise.
    pub prompt: Duration,
    /// What a number may look like.
    pub numbers: NumberRules,
    /// The bounds of the delay, whatever the caller asks.
    pub delay: DelayRange,
}

/// The bounds of the time between the end of one call and the callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayRange {
    /// The least: the exchange has to let go of the line.
    pub least: Duration,
    /// The most: callers do not wait for ever, and lines are few.
    pub most: Duration,
}

impl DelayRange {
    /// A delay in seconds, within the bounds.
    #[must_use]
    pub fn clamp(&self, seconds: u8) -> Duration {
        Duration::from_secs(seconds.into()).min(self.most).max(self.least)
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            rate: None,
            typing: Duration::from_secs(180),
            prompt: Duration::from_secs(40),
            numbers: NumberRules::default(),
            delay: DelayRange { least: Duration::from_secs(2), most: Duration::from_secs(60) },
        }
    }
}

/// What both sides have agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Where to call. Never [`Choice::None`].
    pub choice: Choice,
    /// The number to dial, if the caller gave or picked one.
    pub number: Option<String>,
    /// From the end of the call to the callback, within the bounds.
    pub delay: Duration,
}

/// What an answerer wants done, or has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// This packet goes to the peer.
    Send(Vec<u8>),
    /// The caller has chosen this; [`Answerer::approve`] or [`Answerer::refuse`] says whether it shall be.
    Approve(Agreed),
    /// The Ack is out: the callback is promised, and the caller will end the call.
    Agreed(Agreed),
    /// The caller stays connected.
    Stay,
    /// There will be no callback, and no session.
    Failed(Failure),
    /// The Ack is out, and out again, but the caller does not end the call: we should.
    Overdue,
}

/// Why nothing was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The caller did not answer in time.
    TimedOut,
    /// It kept choosing what was not offered, or saying nothing usable.
    Unusable,
    /// It kept leaving its number empty.
    NoNumber,
    /// Its number cannot be dialled.
    Number(NumberFault),
    /// Policy does not want to call there.
    Refused,
    /// It does not speak CBCP after all.
    NotSpoken,
}

/// Offers callback to a caller.
#[derive(Debug)]
pub struct Answerer {
    offer: Offer,
    /// The encoded offer. It never changes: callers drop Requests that differ from the first.
    options: Vec<u8>,
    terms: Terms,
    state: State,
    /// Requests sent so far; the identifier of the next is one more, in eight bits.
    requests: u32,
    unusable: u32,
    empty: u32,
    facts: VecDeque<Fact>,
}

#[derive(Debug)]
enum State {
    /// The Request is out.
    Waiting { again_at: Instant, ends_at: Instant },
    /// The choice is made; our owner is asked.
    Approving { id: u8, response: Response, agreed: Agreed, ends_at: Instant },
    /// The Ack is out.
    Acked { ack: Ack, agreed: Agreed, sent: u32, again_at: Instant },
    /// The Ack is out, and the caller stays.
    Staying { ack: Ack },
    /// Nothing more is to be said, but a caller that did not hear the Ack may still ask.
    Overdue { ack: Ack, agreed: Agreed },
    /// Nothing more is to be said.
    Over,
}

/// The Ack as it was sent, and what it answered.
#[derive(Clone, Debug)]
struct Ack {
    id: u8,
    response: Response,
    option: Vec<u8>,
}

impl Ack {
    fn packet(&self, id: u8) -> Vec<u8> {
        wire::write(wire::ACK, id, &self.option)
    }
}

impl Answerer {
    /// Begins: the first Request goes out.
    #[must_use]
    pub fn new(offer: Offer, terms: Terms, now: Instant) -> Self {
        let whole = if offer.needs_typing() { terms.typing } else { terms.prompt };
        let mut this = Self {
            options: offer.options(),
            offer,
            terms,
            state: State::Waiting { again_at: now, ends_at: now + whole },
            requests: 0,
            unusable: 0,
            empty: 0,
            facts: VecDeque::new(),
        };
        this.request(now);
        this
    }

    /// Takes a CBCP packet in. Only a Response means anything to this side.
    pub fn receive(&mut self, now: Instant, octets: &[u8]) {
        let Some(packet) = Packet::read(octets) else { return };
        if packet.code != wire::RESPONSE || !self.has_sent(packet.id) {
            return;
        }
        let response = wire::read_response(packet.body);
        match &mut self.state {
            State::Waiting { ends_at, .. } => {
                let ends_at = *ends_at;
                self.responded(now, ends_at, packet.id, response);
            }
            // The same again, while our owner thinks: the Ack will answer the latest.
            State::Approving { id, response: first, .. } => {
                if response.as_ref() == Ok(first) {
                    *id = packet.id;
                }
            }
            State::Acked { ack, .. } | State::Staying { ack } | State::Overdue { ack, .. } => {
                if let Ok(response) = response {
                    let same = response == ack.response;
                    let id = if same { packet.id } else { ack.id };
                    let packet = ack.packet(id);
                    self.facts.push_back(Fact::Send(packet));
                }
            }
            State::Over => {}
        }
    }

    /// Our owner approves of [`Fact::Approve`]: the Ack goes out.
    pub fn approve(&mut self, now: Instant) {
        let State::Approving { id, response, agreed, .. } = &self.state else { return };
        let (agreed, ack) = (agreed.clone(), acknowledge(*id, response.clone()));
        self.facts.push_back(Fact::Send(ack.packet(ack.id)));
        self.facts.push_back(Fact::Agreed(agreed.clone()));
        self.state = State::Acked { ack, agreed, sent: 1, again_at: now + ACK_WAIT };
    }

    /// Our owner does not. A new Request could not say "not that number", so it ends here.
    pub fn refuse(&mut self) {
        if let State::Approving { .. } = self.state {
            self.fail(Failure::Refused);
        }
    }

    /// The peer rejects the whole protocol.
    pub fn not_spoken(&mut self) {
        match self.state {
            State::Waiting { .. } | State::Approving { .. } if self.offer.lets_stay() => {
                self.state = State::Over;
                self.facts.push_back(Fact::Stay);
            }
            State::Waiting { .. } | State::Approving { .. } => self.fail(Failure::NotSpoken),
            State::Acked { .. } | State::Staying { .. } | State::Overdue { .. } | State::Over => {}
        }
    }

    /// What is promised, once the Ack is out and while the call has not ended.
    #[must_use]
    pub const fn agreed(&self) -> Option<&Agreed> {
        match &self.state {
            State::Acked { agreed, .. } | State::Overdue { agreed, .. } => Some(agreed),
            State::Waiting { .. }
            | State::Approving { .. }
            | State::Staying { .. }
            | State::Over => None,
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        match &mut self.state {
            State::Waiting { ends_at, .. } | State::Approving { ends_at, .. }
                if *ends_at <= now =>
            {
                self.fail(Failure::TimedOut);
            }
            State::Waiting { again_at, .. } if *again_at <= now => self.request(now),
            State::Acked { ack, agreed, sent, again_at } if *again_at <= now => {
                if *sent < MAX_ACKS {
                    *sent += 1;
                    *again_at = now + ACK_WAIT;
                    let packet = ack.packet(ack.id);
                    self.facts.push_back(Fact::Send(packet));
                } else {
                    self.state = State::Overdue { ack: ack.clone(), agreed: agreed.clone() };
                    self.facts.push_back(Fact::Overdue);
                }
            }
            State::Waiting { .. }
            | State::Approving { .. }
            | State::Acked { .. }
            | State::Staying { .. }
            | State::Overdue { .. }
            | State::Over => {}
        }
    }

    /// When `tick` is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        match &self.state {
            State::Waiting { again_at, ends_at } => {
                Some(Deadline::new((*again_at).min(*ends_at), "callback response"))
            }
            State::Approving { ends_at, .. } => Some(Deadline::new(*ends_at, "callback approval")),
            State::Acked { again_at, .. } => Some(Deadline::new(*again_at, "end of the call")),
            State::Staying { .. } | State::Overdue { .. } | State::Over => None,
        }
    }

    /// The next thing to be done or told.
    pub fn poll(&mut self) -> Option<Fact> {
        self.facts.pop_front()
    }

    /// Sends the Request, under the next identifier.
    fn request(&mut self, now: Instant) {
        let State::Waiting { again_at, .. } = &mut self.state else { return };
        let quick = self.requests < QUICK_REPETITIONS;
        *again_at = now + if quick { retransmission(self.terms.rate) } else { SLOW };
        self.requests = self.requests.saturating_add(1);
        let [.., id] = self.requests.to_be_bytes();
        self.facts.push_back(Fact::Send(wire::write(wire::REQUEST, id, &self.options)));
    }

    /// Whether a Request with this identifier has gone out. They begin at 1 and wrap.
    fn has_sent(&self, id: u8) -> bool {
        u32::from(id.wrapping_sub(1)) < self.requests
    }

    fn responded(
        &mut self,
        now: Instant,
        ends_at: Instant,
        id: u8,
        response: Result<Response, Unusable>,
    ) {
        match response {
            Ok(response) if self.offer.permits(&response.choice) => match response.choice {
                Choice::None => {
                    let ack = acknowledge(id, response);
                    self.facts.push_back(Fact::Send(ack.packet(id)));
                    self.facts.push_back(Fact::Stay);
                    self.state = State::Staying { ack };
                }
                Choice::Number(_) | Choice::Administrator | Choice::Listed(_) => {
                    self.chosen(ends_at, id, response);
                }
            },
            Ok(_) | Err(Unusable::Malformed | Unusable::UnknownType(_)) => {
                self.unusable += 1;
                if self.unusable < MAX_UNUSABLE {
                    self.request(now);
                } else {
                    self.fail(Failure::Unusable);
                }
            }
            Err(Unusable::NoNumber) => {
                self.empty += 1;
                if self.empty < MAX_EMPTY {
                    self.request(now);
                } else {
                    self.fail(Failure::NoNumber);
                }
            }
        }
    }

    fn chosen(&mut self, ends_at: Instant, id: u8, response: Response) {
        let rules = self.terms.numbers;
        let dialable = match &response.choice {
            Choice::None | Choice::Administrator => None,
            Choice::Number(number) => Some(number.dialable(rules)),
            // A listed number came from us, and may make the modem wait.
            Choice::Listed(number) => {
                Some(number.dialable(NumberRules { pauses: Pauses::Kept, ..rules }))
            }
        };
        let number = match dialable.transpose() {
            Ok(number) => number,
            Err(fault) => return self.fail(Failure::Number(fault)),
        };
        let delay = self.terms.delay.clamp(response.delay);
        let agreed = Agreed { choice: response.choice.clone(), number, delay };
        self.facts.push_back(Fact::Approve(agreed.clone()));
        self.state = State::Approving { id, response, agreed, ends_at };
    }

    fn fail(&mut self, failure: Failure) {
        self.state = State::Over;
        self.facts.push_back(Fact::Failed(failure));
    }
}

/// The Ack of a Response: its own option, octet for octet, as MS-CBCP wants it. Only a "none" with a
/// stray delay and a type 3 with a number in it are put right.
fn acknowledge(id: u8, response: Response) -> Ack {
    let option = match response.choice {
        Choice::None | Choice::Administrator => {
            wire::write_choice(&response.choice, response.delay)
        }
        Choice::Number(_) | Choice::Listed(_) => response.octets.clone(),
    };
    Ack { id, response, option }
}
