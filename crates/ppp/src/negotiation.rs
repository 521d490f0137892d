//! One control protocol's negotiation: the automaton with its timer, its counters and its packets.
//!
//! ```text
//!   receive(packet) ─┐              ┌─► Options: what we want, what we grant
//!   open / close ────┼─► automaton ─┤
//!   tick(now) ───────┘              └─► facts: Send, Up, Down, Finished
//! ```
//!
//! LCP, IPCP and IPV6CP differ only in their [`Options`]; everything that RFC 1661 says about
//! requests, identifiers, counters and the restart timer is here once. It does not know what an option
//! means, nor how a packet gets onto the line.
//!
//! Beyond the RFC's counters it has limits of its own against peers that never come to an end:
//! [`MAX_NAKS_HEARD`], [`MAX_REQUESTS_HEARD`] and [`MAX_RENEGOTIATIONS`].

use std::collections::VecDeque;
use std::time::Duration;

use crate::automaton::{Action, Event, State};
use crate::packet::{self, Item, Packet};
use crate::time::{Deadline, Instant};

/// Configure-Naks and -Rejects that we follow in one negotiation before we give the peer up. RFC 1661
/// bounds only those that a side sends; a peer that naks forever would keep us asking forever. Each of our
/// handful of options may be refused a few times; twenty is far beyond what any real peer needs.
pub const MAX_NAKS_HEARD: u32 = 20;

/// Configure-Requests that we answer in one negotiation before we give the peer up. A peer that keeps to
/// a restart timer sends ten; a hundred means that it is broken or hostile.
pub const MAX_REQUESTS_HEARD: u32 = 100;

/// How often an open protocol may be negotiated anew. Real peers do it once or twice (after a
/// Configure-Request that was lost and repeated); one that does it again and again keeps the layers
/// above from ever doing anything.
pub const MAX_RENEGOTIATIONS: u32 = 10;

/// The longest packet that a Code-Reject gives back, so that it fits the smallest usual MRU.
const REJECTED_PART: usize = 512;

/// The timers and counters of RFC 1661 §4.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long to wait for an answer: the Restart timer.
    pub restart: Duration,
    /// Configure-Requests without an answer before the peer is taken to be absent: Max-Configure.
    pub max_configure: u32,
    /// Terminate-Requests without an answer: Max-Terminate.
    pub max_terminate: u32,
    /// Configure-Naks sent before we reject instead: Max-Failure.
    pub max_failure: u32,
}

impl Limits {
    /// The RFC's own values: 3 s, 10, 2, 5.
    pub const RFC_1661: Self = Self {
        restart: Duration::from_secs(3),
        max_configure: 10,
        max_terminate: 2,
        max_failure: 5,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::RFC_1661
    }
}

/// Whether a Configure-Nak may still be sent, or only a Reject (Max-Failure is reached).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Naks may be sent, with hints for options that the peer did not ask for.
    Left,
    /// Whatever we would nak has to be rejected.
    Over,
}

/// What we make of the peer's options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// All of them are accepted.
    Ack,
    /// These, with these values, would be.
    Nak(Vec<u8>),
    /// These are not acceptable with any value.
    Reject(Vec<u8>),
    /// The line gives us our own packets back; nothing is answered and the negotiation ends.
    Looped,
}

/// What we make of the peer's refusal of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// Ask again, differently.
    AskAgain,
    /// What the peer refuses is essential to us.
    Hopeless,
}

/// One protocol's options: the only part in which control protocols differ.
pub trait Options {
    /// Forgets what an earlier negotiation changed in our own wishes.
    fn restart(&mut self);

    /// The options of our next Configure-Request.
    fn request(&mut self) -> Vec<u8>;

    /// Judges the peer's Configure-Request, and keeps its values if it is acknowledged.
    fn judge(&mut self, items: &[Item<'_>], patience: Patience) -> Judgement;

    /// Takes in the peer's Configure-Nak: the values it would rather have.
    fn nak(&mut self, items: &[Item<'_>]) -> Outlook;

    /// Takes in the peer's Configure-Reject: the options that it will not have.
    fn reject(&mut self, items: &[Item<'_>]) -> Outlook;
}

/// Why a negotiation came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// We closed it.
    Closed,
    /// The peer closed it, with these octets of explanation.
    Terminated(Vec<u8>),
    /// The peer did not answer.
    NoAnswer,
    /// It answered, but there was no end to it.
    NotConverging,
    /// It refuses an option that we cannot do without.
    EssentialRefused,
    /// It does not speak this protocol, or not a packet of it that we cannot do without.
    NotSpoken,
    /// We hear ourselves.
    Looped,
}

/// What a negotiation wants done, or has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// This packet goes to the peer.
    Send(Vec<u8>),
    /// Both sides agree: the layers above may begin.
    Up,
    /// They no longer do: the layers above stop.
    Down,
    /// It is over.
    Finished(Ending),
}

/// A control protocol in negotiation.
#[derive(Debug)]
pub struct Negotiation<O> {
    /// What this protocol negotiates.
    pub options: O,
    limits: Limits,
    state: State,
    /// Runs exactly in the states that have a timer; `step` keeps it so.
    timer: Option<Instant>,
    tries_left: u32,
    /// The one that is out.
    request: Request,
    last_id: u8,
    naks_sent: u32,
    /// The request that the last Nak answered: its repetition, after the Nak was lost, is no new failure.
    naked: Request,
    naks_heard: u32,
    requests_heard: u32,
    renegotiations: u32,
    farewell: Vec<u8>,
    ending: Ending,
    facts: VecDeque<Fact>,
}

/// A Configure-Request.
#[derive(Debug, Default)]
struct Request {
    id: u8,
    options: Vec<u8>,
}

/// The packet that an event came with, for the actions that answer it.
#[derive(Default)]
struct Heard {
    id: u8,
    reply: Option<Vec<u8>>,
}

impl<O: Options> Negotiation<O> {
    /// A negotiation whose layer below is not up yet.
    pub const fn new(options: O, limits: Limits) -> Self {
        Self {
            options,
            limits,
            state: State::Initial,
            timer: None,
            tries_left: 0,
            request: Request { id: 0, options: Vec::new() },
            last_id: 0,
            naks_sent: 0,
            naked: Request { id: 0, options: Vec::new() },
            naks_heard: 0,
            requests_heard: 0,
            renegotiations: 0,
            farewell: Vec::new(),
            ending: Ending::NoAnswer,
            facts: VecDeque::new(),
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether both sides agree.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Opened
    }

    /// Whether it is on its way to its end.
    #[must_use]
    pub fn is_terminating(&self) -> bool {
        matches!(self.state, State::Closing | State::Stopping)
    }

    /// Why it ends, or would end if nothing more came.
    #[must_use]
    pub const fn ending(&self) -> &Ending {
        &self.ending
    }

    /// Starts: the layer below is up, and we ask at once.
    pub fn open(&mut self, now: Instant) {
        self.begin();
        self.step(now, Event::Up, Heard::default());
        self.step(now, Event::Open, Heard::default());
    }

    /// Starts in silence: the peer has to ask first.
    pub fn listen(&mut self) {
        self.begin();
        self.state = State::Stopped;
        self.timer = None;
    }

    /// The layer below is gone.
    pub fn lower_down(&mut self, now: Instant) {
        self.step(now, Event::Down, Heard::default());
        self.step(now, Event::Close, Heard::default());
    }

    /// Ends it, and tells the peer why.
    pub fn close(&mut self, now: Instant, farewell: &str) {
        if self.is_terminating() {
            return;
        }
        self.farewell = farewell.as_bytes().to_vec();
        self.ending = Ending::Closed;
        // RFC 1661 says nothing here, because it has said so when it stopped; a listener never did.
        if self.state == State::Stopped {
            self.facts.push_back(Fact::Finished(Ending::Closed));
        }
        self.step(now, Event::Close, Heard::default());
    }

    /// Takes one of the packets 1 to 7 in. Others are for [`Self::unknown_code`], or for the protocol.
    pub fn receive(&mut self, now: Instant, packet: Packet<'_>) {
        match packet.code {
            packet::CONFIGURE_REQUEST => self.configure_request(now, packet),
            packet::CONFIGURE_ACK => self.configure_ack(now, packet),
            packet::CONFIGURE_NAK | packet::CONFIGURE_REJECT => self.configure_refusal(now, packet),
            packet::TERMINATE_REQUEST => {
                if !self.is_terminating() {
                    self.ending = Ending::Terminated(packet.body.to_vec());
                }
                self.step(now, Event::TerminateRequest, Heard { id: packet.id, reply: None });
            }
            packet::TERMINATE_ACK => {
                if self.state == State::Opened && !self.renegotiate(now) {
                    return;
                }
                self.step(now, Event::TerminateAck, Heard { id: packet.id, reply: None });
            }
            packet::CODE_REJECT => match packet.body.first() {
                // A peer that cannot configure or terminate cannot be talked to.
                Some(&code) if (1..=packet::CODE_REJECT).contains(&code) => self.not_spoken(now),
                Some(_) | None => self.step(now, Event::RejectTolerable, Heard::default()),
            },
            _ => self.unknown_code(now, packet),
        }
    }

    /// Rejects a packet whose code the protocol does not have.
    pub fn unknown_code(&mut self, now: Instant, packet: Packet<'_>) {
        let mut rejected = packet.write();
        rejected.truncate(REJECTED_PART);
        let id = self.next_id();
        let reply = Packet { code: packet::CODE_REJECT, id, body: &rejected }.write();
        self.step(now, Event::UnknownCode, Heard { id: packet.id, reply: Some(reply) });
    }

    /// An Echo or Discard packet came; `reply` goes out if the protocol is open.
    pub fn echo(&mut self, now: Instant, reply: Option<Vec<u8>>) {
        self.step(now, Event::Echo, Heard { id: 0, reply });
    }

    /// The peer rejects the whole protocol, or a part of it that cannot be missed.
    pub fn not_spoken(&mut self, now: Instant) {
        self.ending = Ending::NotSpoken;
        self.step(now, Event::RejectFatal, Heard::default());
    }

    /// Ends it because it leads to nothing, and tells the peer why.
    pub fn give_up(&mut self, now: Instant, ending: Ending, farewell: &str) {
        self.close(now, farewell);
        self.ending = ending;
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        if self.timer.is_some_and(|at| at <= now) {
            let event = if self.tries_left > 0 { Event::TimeoutAgain } else { Event::TimeoutLast };
            self.step(now, event, Heard::default());
        }
    }

    /// When `tick` is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        let why = if self.is_terminating() { "terminate-ack" } else { "configure-ack" };
        self.timer.map(|at| Deadline::new(at, why))
    }

    /// The next thing to be done or told.
    pub fn poll(&mut self) -> Option<Fact> {
        self.facts.pop_front()
    }

    /// A fresh identifier, also for the protocol's own packets.
    pub const fn next_id(&mut self) -> u8 {
        self.last_id = self.last_id.wrapping_add(1);
        self.last_id
    }

    fn is_negotiating(&self) -> bool {
        matches!(self.state, State::ReqSent | State::AckRcvd | State::AckSent | State::Opened)
    }

    /// Whether an open protocol may leave its state to negotiate again.
    fn renegotiate(&mut self, now: Instant) -> bool {
        self.renegotiations += 1;
        let may = self.renegotiations <= MAX_RENEGOTIATIONS;
        if may {
            self.begin();
        } else {
            self.give_up(now, Ending::NotConverging, "negotiated too often");
        }
        may
    }

    fn begin(&mut self) {
        self.naks_sent = 0;
        self.naked = Request::default();
        self.naks_heard = 0;
        self.requests_heard = 0;
        self.ending = Ending::NoAnswer;
        self.options.restart();
    }

    fn configure_request(&mut self, now: Instant, packet: Packet<'_>) {
        // A list that does not add up cannot be answered option by option: it is noise.
        let Ok(items) = packet::items(packet.body) else { return };
        match self.state {
            State::Initial | State::Starting => return,
            // The request is not looked at: the answer is a Terminate-Ack, or nothing.
            State::Closed | State::Closing | State::Stopping => {
                return self.step(now, Event::GoodRequest, Heard { id: packet.id, reply: None });
            }
            State::Opened => {
                if !self.renegotiate(now) {
                    return;
                }
            }
            State::Stopped => self.begin(),
            State::ReqSent | State::AckRcvd | State::AckSent => {}
        }
        self.requests_heard += 1;
        if self.requests_heard > MAX_REQUESTS_HEARD {
            return self.give_up(now, Ending::NotConverging, "too many configure-requests");
        }
        let repeated = packet.id == self.naked.id && packet.body == self.naked.options;
        let patience = if repeated || self.naks_sent < self.limits.max_failure {
            Patience::Left
        } else {
            Patience::Over
        };
        let (event, code, options) = match self.options.judge(&items, patience) {
            Judgement::Ack => (Event::GoodRequest, packet::CONFIGURE_ACK, packet.body.to_vec()),
            Judgement::Nak(list) => (Event::BadRequest, packet::CONFIGURE_NAK, list),
            Judgement::Reject(list) => (Event::BadRequest, packet::CONFIGURE_REJECT, list),
            Judgement::Looped => {
                self.ending = Ending::Looped;
                return self.step(now, Event::RejectFatal, Heard::default());
            }
        };
        if code == packet::CONFIGURE_NAK && !repeated {
            self.naks_sent += 1;
            self.naked = Request { id: packet.id, options: packet.body.to_vec() };
        }
        let reply = Packet { code, id: packet.id, body: &options }.write();
        self.step(now, event, Heard { id: packet.id, reply: Some(reply) });
    }

    fn configure_ack(&mut self, now: Instant, packet: Packet<'_>) {
        // An Ack for something else than what we asked is dropped (RFC 1661 §5.2).
        if self.answers_ours(packet)
            && (packet.body == self.request.options || !self.is_negotiating())
        {
            if self.state == State::Opened && !self.renegotiate(now) {
                return;
            }
            self.step(now, Event::Ack, Heard { id: packet.id, reply: None });
        }
    }

    fn configure_refusal(&mut self, now: Instant, packet: Packet<'_>) {
        if !self.answers_ours(packet) {
            return;
        }
        let Ok(items) = packet::items(packet.body) else { return };
        let rejects = packet.code == packet::CONFIGURE_REJECT;
        if rejects && (items.is_empty() || !items.iter().all(|item| self.is_requested(item))) {
            return;
        }
        if self.state == State::Opened && !self.renegotiate(now) {
            return;
        }
        if self.is_negotiating() {
            self.naks_heard += 1;
            if self.naks_heard > MAX_NAKS_HEARD {
                return self.give_up(now, Ending::NotConverging, "no agreement in sight");
            }
            let outlook =
                if rejects { self.options.reject(&items) } else { self.options.nak(&items) };
            if outlook == Outlook::Hopeless {
                return self.give_up(
                    now,
                    Ending::EssentialRefused,
                    "an option is refused that is needed",
                );
            }
        }
        self.step(now, Event::Nak, Heard { id: packet.id, reply: None });
    }

    /// Whether a reply is to the request that is out. Where none is, every identifier is as good: the
    /// automaton's answer there is a Terminate-Ack, which tells a confused peer so.
    fn answers_ours(&self, packet: Packet<'_>) -> bool {
        matches!(self.state, State::Closed | State::Stopped) || packet.id == self.request.id
    }

    /// Whether a rejected option is one we sent, unchanged (RFC 1661 §5.4).
    fn is_requested(&self, item: &Item<'_>) -> bool {
        packet::items(&self.request.options)
            .is_ok_and(|sent| sent.iter().any(|sent| sent.octets == item.octets))
    }

    fn step(&mut self, now: Instant, event: Event, mut heard: Heard) {
        let Some(step) = self.state.on(event) else { return };
        let terminates = step.actions.contains(&Action::SendTerminateRequest);
        for action in step.actions {
            match action {
                Action::LayerUp => self.facts.push_back(Fact::Up),
                Action::LayerDown => self.facts.push_back(Fact::Down),
                Action::LayerStarted => {}
                Action::LayerFinished => self.facts.push_back(Fact::Finished(self.ending.clone())),
                Action::InitRestartCount => {
                    self.tries_left = if terminates {
                        self.limits.max_terminate
                    } else {
                        self.limits.max_configure
                    };
                }
                Action::ZeroRestartCount => {
                    self.tries_left = 0;
                    self.timer = Some(now + self.limits.restart);
                }
                Action::SendConfigureRequest => self.send_request(now, event),
                Action::SendConfigureAck
                | Action::SendConfigureNak
                | Action::SendCodeReject
                | Action::SendEchoReply => self.facts.extend(heard.reply.take().map(Fact::Send)),
                Action::SendTerminateRequest => self.send_terminate_request(now),
                Action::SendTerminateAck => {
                    let ack = Packet { code: packet::TERMINATE_ACK, id: heard.id, body: &[] };
                    self.facts.push_back(Fact::Send(ack.write()));
                }
            }
        }
        self.state = step.next;
        if !self.state.has_timer() {
            self.timer = None;
        }
    }

    fn send_request(&mut self, now: Instant, event: Event) {
        // A repetition keeps its identifier, so that a late Ack of the first one still counts.
        if event != Event::TimeoutAgain {
            self.request = Request { id: self.next_id(), options: self.options.request() };
        }
        let Request { id, options } = &self.request;
        let request = Packet { code: packet::CONFIGURE_REQUEST, id: *id, body: options }.write();
        self.sent_with_timer(now, request);
    }

    fn send_terminate_request(&mut self, now: Instant) {
        let id = self.next_id();
        let request = Packet { code: packet::TERMINATE_REQUEST, id, body: &self.farewell }.write();
        self.sent_with_timer(now, request);
    }

    fn sent_with_timer(&mut self, now: Instant, request: Vec<u8>) {
        self.facts.push_back(Fact::Send(request));
        self.tries_left = self.tries_left.saturating_sub(1);
        self.timer = Some(now + self.limits.restart);
    }
}

#[cfg(test)]
mod tests;
