//! The caller's side of a whole PPP call: what a client wants of it, how long it may last, and how it ended.
//!
//! ```text
//!   Negotiating ─a network is up─► Up ─a limit, the owner─► Closing(why) ─► Over
//!        │ callback agreed, refused, nobody there            ▲    the peer, the line: ─► Over
//!        └─ the owner ───────────────────────────────────────┘
//! ```
//!
//! A [`Call`] wraps a [`Link`]: it turns what a client wants into the link's settings, watches the limits of a
//! session while a network is up, refuses a session where the callback was a condition, and sums up in one
//! [`Outcome`] what the owner has to do next: wait for the call back, or tell why there is nothing to wait for.
//!
//! ```text
//!     first call:  Call::new(plan, Leg::Request, ..) ─► Outcome::Callback ─► hang up, wait for RING, answer
//!     second call: Call::new(plan, Leg::Return, ..)  ─► Step::Ipv4Up, packets, ... ─► Outcome::Session
//! ```
//!
//! It knows no modem: who hangs up, and who waits for the telephone to ring, is the owner's business.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use crate::auth::{Answer, Claim, Credentials, Duty, Method};
use crate::cbcp::{Choice, Manners, Number, Picks, Wish};
use crate::lcp::callback::{Ask, Otherwise, Proposal, Stance};
use crate::lcp::{Keepalive, Wishes};
use crate::link::{Config, End, Link, Output, Phase, Ticket, Unsendable};
use crate::ncp::{Ipv4, Ipv4Wishes, Ipv6, Ipv6Wishes};
use crate::secret::Name;
use crate::time::{Deadline, Instant};

/// What a client wants of a call.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whether it wants to be called back; this counts on the first call only.
    pub callback: Option<Callback>,
    /// The name under which a peer is challenged, if it has to prove itself.
    pub name: Name,
    /// How we are ready to prove our name, best first.
    pub submit: Vec<Method>,
    /// How the peer has to prove its own, best first; empty: it need not.
    pub demand: Vec<Method>,
    /// The largest packet that we want to receive.
    pub mru: u16,
    /// How the open link is watched.
    pub keepalive: Option<Keepalive>,
    /// IPv4, if it is wanted.
    pub ipv4: Option<Ipv4Wishes>,
    /// IPv6, if it is wanted.
    pub ipv6: Option<Ipv6Wishes>,
    /// The session ends when no packet of any use has passed for so long.
    pub idle: Option<Duration>,
    /// The session ends after so long.
    pub session: Option<Duration>,
    /// The line's speed in bit/s, if the modem told: retransmissions go by it.
    pub rate: Option<u32>,
}

/// How a client wants to be called back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Where; `None`: at the number that the administrator has stored.
    pub number: Option<Number>,
    /// How it is asked for.
    pub by: By,
    /// How long our modem needs to get ready, in seconds.
    pub delay: u8,
    /// What follows when we are not to be called back.
    pub otherwise: Otherwise,
}

/// The ways to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By Microsoft's protocol, after authentication.
    Cbcp,
    /// By LCP's option 13 alone (RFC 1570 §2.3): operation 3 with a number, else operation 0.
    Option13,
    /// By CBCP; by option 13 alone if the peer would rather.
    Either,
}

/// Which call this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// The one that we make.
    Request,
    /// The one that we get: no callback is asked for, and none is granted.
    Return,
}

/// What a call wants done, asks, and tells.
#[derive(Debug)]
pub enum Step {
    /// These octets go onto the line.
    Send(Vec<u8>),
    /// The link has gone into this phase.
    Phase(Phase),
    /// The peer wants to know who we are: answer with [`Call::prove`].
    AskSecret {
        /// For the answer.
        ticket: Ticket,
        /// How it is to be proved.
        method: Method,
        /// Who asks, as far as it says.
        peer: Name,
    },
    /// The peer proves its name: answer with [`Call::judge`].
    Verify {
        /// For the answer.
        ticket: Ticket,
        /// The name and its proof.
        claim: Claim,
    },
    /// IPv4 packets can pass.
    Ipv4Up(Ipv4),
    /// They no longer can.
    Ipv4Down,
    /// IPv6 packets can pass.
    Ipv6Up(Ipv6),
    /// They no longer can.
    Ipv6Down,
    /// A packet from the peer.
    Packet(Vec<u8>),
    /// The peer says what it is: octets for the log, perhaps binary.
    Identified(Vec<u8>),
    /// The peer says how long the session may last.
    TimeRemaining(Duration),
    /// The call is over as far as PPP goes: the line is to be hung up. The last step.
    Over(Outcome),
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// We shall be called back. The choice is not known where LCP alone agreed on it.
    Callback {
        /// Where.
        choice: Option<Choice>,
        /// When we said that our modem would be ready, in seconds.
        delay: u8,
    },
    /// There was a session, and it ended so.
    Session(Ending),
    /// There was none.
    Failed(End),
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Our owner closed it.
    Closed,
    /// No packet passed for too long.
    Idle,
    /// Its time was over.
    TimeOver,
    /// The peer closed it, with these octets of explanation.
    Peer(Vec<u8>),
    /// It broke.
    Broken(End),
}

#[derive(Debug)]
enum State {
    Negotiating,
    Up {
        since: Instant,
        used: Instant,
    },
    /// We end it, and why.
    Closing(Outcome),
    Over,
}

/// One call of a client's.
#[derive(Debug)]
pub struct Call {
    link: Link,
    state: State,
    /// A session on this call would be against our own condition.
    must_be_called: bool,
    idle: Option<Duration>,
    session: Option<Duration>,
    steps: VecDeque<Step>,
}

impl Plan {
    /// The link's settings for one of the two calls.
    #[must_use]
    pub fn config(&self, leg: Leg) -> Config {
        let config = Config::default();
        let callback = match leg {
            Leg::Request => self.callback.as_ref(),
            Leg::Return => None,
        };
        let lcp = Wishes {
            mru: self.mru,
            demand: self.demand.clone(),
            submit: self.submit.clone(),
            callback: callback.map_or(Stance::Refuse, Callback::stance),
            ..Wishes::default()
        };
        Config {
            name: self.name.clone(),
            lcp,
            keepalive: self.keepalive,
            wish: callback.map_or(config.wish, |callback| callback.wish(self.rate)),
            ipv4: self.ipv4.clone(),
            ipv6: self.ipv6,
            ..Config::default()
        }
    }
}

impl Callback {
    fn stance(&self) -> Stance {
        let number = self.number.as_ref();
        let direct = number.map(|number| Proposal::Number(number.as_bytes().to_vec()));
        // As in CBCP, the stored number is better than none.
        let direct = direct.into_iter().chain([Proposal::Administrator]);
        let proposals = match self.by {
            By::Cbcp => vec![Proposal::Cbcp],
            By::Option13 => direct.collect(),
            By::Either => [Proposal::Cbcp].into_iter().chain(direct).collect(),
        };
        Stance::Ask(Ask { proposals, otherwise: self.otherwise })
    }

    fn wish(&self, rate: Option<u32>) -> Wish {
        let picks = match self.otherwise {
            Otherwise::GoOn => Picks::Best,
            Otherwise::GiveUp => Picks::BestOrNothing,
        };
        let manners = Manners { picks, ..Manners::STANDARD };
        Wish { number: self.number.clone(), delay: self.delay, rate, manners }
    }
}

impl Call {
    /// Begins PPP on a line that is up. All randomness comes from `seed`, which must never be used again.
    #[must_use]
    pub fn new(plan: &Plan, leg: Leg, seed: [u8; 32], now: Instant) -> Self {
        let otherwise = plan.callback.as_ref().map(|callback| callback.otherwise);
        let must_be_called = leg == Leg::Request && otherwise == Some(Otherwise::GiveUp);
        let link = Link::new(plan.config(leg), seed, now);
        let (idle, session) = (plan.idle, plan.session);
        let steps = VecDeque::new();
        let mut call =
            Self { link, state: State::Negotiating, must_be_called, idle, session, steps };
        call.drain(now);
        call
    }

    /// Takes octets from the line.
    pub fn receive(&mut self, now: Instant, octets: &[u8]) {
        self.link.receive(now, octets);
        self.drain(now);
    }

    /// Takes a packet for the peer.
    ///
    /// # Errors
    /// [`Unsendable`] says why it was not sent; nothing is kept of it.
    pub fn send_packet(&mut self, now: Instant, packet: &[u8]) -> Result<(), Unsendable> {
        self.link.send_packet(packet)?;
        self.used(now, packet);
        self.drain(now);
        Ok(())
    }

    /// Answers [`Step::AskSecret`]; `None` when there is nothing to prove with.
    pub fn prove(&mut self, now: Instant, ticket: Ticket, credentials: Option<&Credentials>) {
        self.link.prove(now, ticket, credentials);
        self.drain(now);
    }

    /// Answers [`Step::Verify`].
    pub fn judge(&mut self, now: Instant, ticket: Ticket, answer: &Answer) {
        self.link.judge(now, ticket, answer, Duty::None);
        self.drain(now);
    }

    /// Ends the call in good order: the peer is told.
    pub fn close(&mut self, now: Instant) {
        let outcome = match &self.state {
            State::Negotiating => Outcome::Failed(End::Closed),
            State::Up { .. } => Outcome::Session(Ending::Closed),
            State::Closing(_) | State::Over => return,
        };
        self.end(now, outcome, "closed by the user");
    }

    /// The line is lost.
    pub fn carrier_lost(&mut self, now: Instant) {
        self.link.carrier_lost(now);
        self.drain(now);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        if let State::Up { since, used } = &self.state {
            let (since, used) = (*since, *used);
            if self.session.is_some_and(|limit| since + limit <= now) {
                self.end(now, Outcome::Session(Ending::TimeOver), "the session's time is over");
            } else if self.idle.is_some_and(|limit| used + limit <= now) {
                self.end(now, Outcome::Session(Ending::Idle), "idle for too long");
            }
        }
        self.link.tick(now);
        self.drain(now);
    }

    /// The next step, until `None`.
    pub fn poll(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// When [`Self::tick`] is wanted next.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        let own = match &self.state {
            State::Up { since, used } => Deadline::earliest(
                self.session.map(|limit| Deadline::new(*since + limit, "the session's limit")),
                self.idle.map(|limit| Deadline::new(*used + limit, "the idle limit")),
            ),
            State::Over => return None,
            State::Negotiating | State::Closing(_) => None,
        };
        Deadline::earliest(own, self.link.deadline())
    }

    /// The longest packet that the peer takes, once LCP is open.
    #[must_use]
    pub const fn peer_mru(&self) -> u16 {
        self.link.lcp().options().granted().mru
    }

    /// Whether packets can pass.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    fn end(&mut self, now: Instant, outcome: Outcome, farewell: &str) {
        self.state = State::Closing(outcome);
        self.link.close(now, farewell);
        self.drain(now);
    }

    fn used(&mut self, now: Instant, packet: &[u8]) {
        if let State::Up { used, .. } = &mut self.state
            && is_use(packet)
        {
            *used = now;
        }
    }

    /// Takes what the link has to tell, until it is silent.
    fn drain(&mut self, now: Instant) {
        while let Some(output) = self.link.poll() {
            match output {
                Output::Send(octets) => self.steps.push_back(Step::Send(octets)),
                Output::Phase(phase) => self.steps.push_back(Step::Phase(phase)),
                Output::AskSecret { ticket, method, peer } => {
                    self.steps.push_back(Step::AskSecret { ticket, method, peer });
                }
                Output::Verify { ticket, claim, .. } => {
                    self.steps.push_back(Step::Verify { ticket, claim });
                }
                Output::Ipv4Up(ipv4) => self.up(now, Step::Ipv4Up(ipv4)),
                Output::Ipv6Up(ipv6) => self.up(now, Step::Ipv6Up(ipv6)),
                Output::Ipv4Down => self.steps.push_back(Step::Ipv4Down),
                Output::Ipv6Down => self.steps.push_back(Step::Ipv6Down),
                Output::Packet(packet) => {
                    self.used(now, &packet);
                    self.steps.push_back(Step::Packet(packet));
                }
                Output::Identified(text) => self.steps.push_back(Step::Identified(text)),
                Output::TimeRemaining(time) => self.steps.push_back(Step::TimeRemaining(time)),
                Output::Down(end) => self.over(end),
                // An answerer's business: a caller's link never says them.
                Output::AskCallback { .. }
                | Output::ApproveCallback { .. }
                | Output::CallbackAgreed(_)
                | Output::CallbackWithdrawn(_) => {}
            }
        }
    }

    fn up(&mut self, now: Instant, step: Step) {
        match &self.state {
            State::Negotiating if self.must_be_called => {
                let outcome = Outcome::Failed(End::CallbackNotGranted(None));
                self.state = State::Closing(outcome);
                self.link.close(now, "callback is required");
            }
            State::Negotiating => {
                self.steps.push_back(step);
                self.state = State::Up { since: now, used: now };
            }
            State::Up { .. } => self.steps.push_back(step),
            State::Closing(_) | State::Over => {}
        }
    }

    fn over(&mut self, end: End) {
        let outcome = match (std::mem::replace(&mut self.state, State::Over), end) {
            (State::Closing(outcome), _) => outcome,
            (State::Negotiating, End::AwaitCallback(choice, delay)) => {
                Outcome::Callback { choice, delay }
            }
            (State::Negotiating, end) => Outcome::Failed(end),
            (State::Up { .. }, End::PeerTerminated(text)) => Outcome::Session(Ending::Peer(text)),
            (State::Up { .. }, end) => Outcome::Session(Ending::Broken(end)),
            (State::Over, _) => return,
        };
        self.steps.push_back(Step::Over(outcome));
    }
}

/// Whether a packet is of use to anybody: what hosts tell their own link all the time (224.0.0.0/24, ff02::/16:
/// router and listener messages, mDNS) must not keep a telephone line up. No router forwards it (RFC 5771 §4,
/// RFC 4291 §2.7).
fn is_use(packet: &[u8]) -> bool {
    match packet.first().map(|octet| octet >> 4) {
        Some(4) => packet.get(16..19) != Some(&[224, 0, 0]),
        Some(6) => packet.get(24..26) != Some(&[0xff, 0x02]),
        Some(_) | None => false,
    }
}
