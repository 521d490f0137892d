//! The Link Control Protocol (RFC 1661 §5, RFC 1570 §1): a negotiation, and what LCP has besides it.
//!
//! Besides codes 1 to 7, LCP has Protocol-Reject, Echo, Discard, Identification and Time-Remaining. While
//! it is open it can send an Echo-Request now and then, and tells when the peer no longer answers.
//!
//! It does not know what comes after it: authentication, callback and networks are the link's business.

pub mod callback;
mod options;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

pub use options::{CallbackPlace, DEFAULT_MRU, Essential, Granted, LEAST_MRU, LcpOptions, Wishes};

use crate::negotiation::{self, Ending, Limits, Negotiation};
use crate::packet::{self, Packet};
use crate::protocol::Protocol;
use crate::random::Random;
use crate::time::{Deadline, Instant};

const PROTOCOL_REJECT: u8 = 8;
const ECHO_REQUEST: u8 = 9;
const ECHO_REPLY: u8 = 10;
const DISCARD_REQUEST: u8 = 11;
const IDENTIFICATION: u8 = 12;
const TIME_REMAINING: u8 = 13;

/// How an open link is watched: an Echo-Request every `interval`; after `tolerated` of them in a row
/// without a reply the peer is taken to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Time from one Echo-Request to the next.
    pub interval: Duration,
    /// Requests that may stay unanswered.
    pub tolerated: u32,
}

impl Default for Keepalive {
    /// Half a minute, four times: a dead line is found after two and a half minutes.
    fn default() -> Self {
        Self { interval: Duration::from_secs(30), tolerated: 4 }
    }
}

/// What LCP wants done, or has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// This packet goes to the peer.
    Send(Vec<u8>),
    /// The link is open: authentication may begin.
    Up,
    /// It no longer is: everything above starts over.
    Down,
    /// It is over.
    Finished(Ending),
    /// The peer does not speak this protocol.
    ProtocolRejected(Protocol),
    /// The peer says what it is, in octets of its own choosing (RFC 1570 §1.1).
    Identified(Vec<u8>),
    /// The peer says how long the session may last (RFC 1570 §1.2).
    TimeRemaining(Duration),
    /// The peer has stopped answering Echo-Requests.
    Silent,
}

/// When the next Echo-Request goes out, while LCP is open.
#[derive(Clone, Copy, Debug)]
enum Watch {
    Off,
    On { next: Instant, unanswered: u32 },
}

/// LCP on one link.
#[derive(Debug)]
pub struct Lcp {
    negotiation: Negotiation<LcpOptions>,
    keepalive: Option<Keepalive>,
    watch: Watch,
    facts: VecDeque<Fact>,
}

impl Lcp {
    /// LCP that has not begun.
    #[must_use]
    pub fn new(
        wishes: Wishes,
        limits: Limits,
        keepalive: Option<Keepalive>,
        random: Random,
    ) -> Self {
        let negotiation = Negotiation::new(LcpOptions::new(wishes, random), limits);
        Self { negotiation, keepalive, watch: Watch::Off, facts: VecDeque::new() }
    }

    /// Begins to ask.
    pub fn open(&mut self, now: Instant) {
        self.negotiation.open(now);
        self.settle(now);
    }

    /// Begins by waiting to be asked.
    pub fn listen(&mut self, now: Instant) {
        self.negotiation.listen();
        self.settle(now);
    }

    /// Ends the link, and tells the peer why.
    pub fn close(&mut self, now: Instant, farewell: &str) {
        self.negotiation.close(now, farewell);
        self.settle(now);
    }

    /// The line is gone: nothing more can be said.
    pub fn lower_down(&mut self, now: Instant) {
        self.negotiation.lower_down(now);
        self.settle(now);
    }

    /// What was agreed.
    #[must_use]
    pub const fn options(&self) -> &LcpOptions {
        &self.negotiation.options
    }

    /// Whether the link is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.negotiation.is_open()
    }

    /// Whether the link is being closed.
    #[must_use]
    pub fn is_terminating(&self) -> bool {
        self.negotiation.is_terminating()
    }

    /// Why the link ends, or would end if nothing more came.
    #[must_use]
    pub const fn ending(&self) -> &Ending {
        self.negotiation.ending()
    }

    /// Takes an LCP packet in, as it stood in its frame.
    pub fn receive(&mut self, now: Instant, octets: &[u8]) {
        let Some(packet) = Packet::read(octets) else { return };
        match packet.code {
            PROTOCOL_REJECT => self.protocol_rejected(now, packet.body),
            ECHO_REQUEST => self.echo_request(now, packet),
            ECHO_REPLY => self.echo_reply(packet.body),
            DISCARD_REQUEST => {}
            IDENTIFICATION => {
                if let Some((_, text)) = packet.body.split_first_chunk::<4>() {
                    self.facts.push_back(Fact::Identified(text.to_vec()));
                }
            }
            TIME_REMAINING => {
                if let Some((_, &[a, b, c, d])) = packet
                    .body
                    .split_first_chunk::<4>()
                    .and_then(|(magic, rest)| Some((magic, rest.first_chunk::<4>()?)))
                {
                    let seconds = u32::from_be_bytes([a, b, c, d]);
                    self.facts.push_back(Fact::TimeRemaining(Duration::from_secs(seconds.into())));
                }
            }
            _ => self.negotiation.receive(now, packet),
        }
        self.settle(now);
    }

    /// Tells the peer that we do not speak a protocol, as far as it fits its MRU (RFC 1661 §5.7).
    pub fn reject_protocol(&mut self, protocol: Protocol, information: &[u8]) {
        if !self.is_open() {
            return;
        }
        let mru = usize::from(self.options().granted().mru);
        let mut body = protocol.0.to_be_bytes().to_vec();
        body.extend(information.iter().take(mru.saturating_sub(packet::HEADER + 2)));
        let id = self.negotiation.next_id();
        self.facts.push_back(Fact::Send(Packet { code: PROTOCOL_REJECT, id, body: &body }.write()));
    }

    /// Tells the peer what we are.
    pub fn identify(&mut self, text: &[u8]) {
        let body = [&self.options().magic().to_be_bytes(), text].concat();
        let id = self.negotiation.next_id();
        self.facts.push_back(Fact::Send(Packet { code: IDENTIFICATION, id, body: &body }.write()));
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        self.negotiation.tick(now);
        self.watch(now);
        self.settle(now);
    }

    /// When `tick` is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        let echo = match self.watch {
            Watch::Off => None,
            Watch::On { next, .. } => Some(Deadline::new(next, "echo")),
        };
        Deadline::earliest(self.negotiation.deadline(), echo)
    }

    /// The next thing to be done or told.
    pub fn poll(&mut self) -> Option<Fact> {
        self.facts.pop_front()
    }

    /// Moves what the negotiation has to say into the one queue, and watches while it is open.
    fn settle(&mut self, now: Instant) {
        while let Some(fact) = self.negotiation.poll() {
            self.facts.push_back(match fact {
                negotiation::Fact::Send(packet) => Fact::Send(packet),
                negotiation::Fact::Finished(ending) => Fact::Finished(ending),
                negotiation::Fact::Up => {
                    self.watch = match self.keepalive {
                        Some(keepalive) => {
                            Watch::On { next: now + keepalive.interval, unanswered: 0 }
                        }
                        None => Watch::Off,
                    };
                    Fact::Up
                }
                negotiation::Fact::Down => {
                    self.watch = Watch::Off;
                    Fact::Down
                }
            });
        }
    }

    fn watch(&mut self, now: Instant) {
        let (Watch::On { next, unanswered }, Some(keepalive)) = (self.watch, self.keepalive) else {
            return;
        };
        if next > now {
            return;
        }
        if unanswered >= keepalive.tolerated {
            self.watch = Watch::Off;
            self.facts.push_back(Fact::Silent);
            return;
        }
        self.watch = Watch::On { next: now + keepalive.interval, unanswered: unanswered + 1 };
        let id = self.negotiation.next_id();
        let body = self.options().magic().to_be_bytes();
        self.facts.push_back(Fact::Send(Packet { code: ECHO_REQUEST, id, body: &body }.write()));
    }

    /// Answers with our own magic number and the request's octets. A request with our number is our own,
    /// come back over a looped line: it gets no answer, and neither will our Echo-Requests.
    fn echo_request(&mut self, now: Instant, packet: Packet<'_>) {
        let Some((magic, rest)) = packet.body.split_first_chunk::<4>() else { return };
        let ours = self.options().magic().to_be_bytes();
        if ours == *magic && ours != [0; 4] {
            return;
        }
        let mru = usize::from(self.options().granted().mru);
        let body: Vec<u8> =
            ours.iter().chain(rest).copied().take(mru.saturating_sub(packet::HEADER)).collect();
        let reply = Packet { code: ECHO_REPLY, id: packet.id, body: &body }.write();
        self.negotiation.echo(now, Some(reply));
    }

    fn echo_reply(&mut self, body: &[u8]) {
        let ours = self.options().magic().to_be_bytes();
        let looped = body.starts_with(&ours) && ours != [0; 4];
        if let (Watch::On { unanswered, .. }, false) = (&mut self.watch, looped) {
            *unanswered = 0;
        }
    }

    fn protocol_rejected(&mut self, now: Instant, body: &[u8]) {
        let Some((&number, _)) = body.split_first_chunk::<2>() else { return };
        let protocol = Protocol(u16::from_be_bytes(number));
        match protocol {
            // A peer that does not speak LCP does not speak PPP.
            Protocol::LCP => self.negotiation.not_spoken(now),
            _ if self.is_open() => self.facts.push_back(Fact::ProtocolRejected(protocol)),
            _ => {}
        }
    }
}
