//! A PPP link: the engine that runs the phases, from the first flag to the end.
//!
//! ```text
//!     Establish ──► Authenticate ──► Callback ──┬─ none ──► Network ──► Terminate ──► Dead
//!         ▲              │              │       └─ agreed ───────────────►▲
//!         └──────────────┴──────────────┴──── the peer begins anew        │
//!                                             refused, timed out ─────────┘
//! ```
//!
//! ```text
//!     receive(now, octets) ─┐
//!     tick(now) ────────────┼─► state ─► poll() -> Option<Output>   one ordered queue, until None
//!     judge / prove /       │           deadline() -> Option<Deadline>
//!     offer / approve ──────┘
//! ```
//!
//! After any call, drain [`Link::poll`] until `None`, then arrange for [`Link::tick`] at
//! [`Link::deadline`]. Questions for the owner are outputs with a [`Ticket`]; the answers may come at
//! once or much later, and one that comes too late does nothing.
//!
//! It has no `finish` that hands octets back, as engines have whose line goes on with another speaker: after
//! PPP the line is hung up, and what still comes in is nobody's.
//!
//! A link knows nothing of users, numbers that are allowed, modems or interfaces. It never reads a clock
//! or a random source: both come in.

mod config;
mod core;
mod intake;
mod outbox;
mod output;
mod session;

pub use config::{Callback, Config, Networks as NetworkPhase, Opening, Unterminated};
pub use output::{End, Output, Phase, Ticket, Unsendable};

use self::core::{Core, OWNER_WAIT, Stage};
use self::session::{Callback as Negotiated, Networks};
use crate::auth::{Answer, Credentials, Duty};
use crate::cbcp::{Agreed, Answerer, Choice, Failure, Number, Offer};
use crate::framing::{Counts, Deframer};
use crate::lcp::callback::Proposal;
use crate::lcp::{DEFAULT_MRU, Lcp};
use crate::ncp::{Ipv4Wishes, Ipv6Wishes};
use crate::protocol::Protocol;
use crate::time::{Deadline, Instant};

/// What a frame has besides its information: address, control, protocol and FCS.
const FRAME_OVERHEAD: usize = 8;

/// One end of a PPP link.
#[derive(Debug)]
pub struct Link {
    deframer: Deframer,
    core: Core,
}

/// What an owner says about a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// It shall be. Whoever says so has made the promise durable: the caller is told at once. If the
    /// caller has gone in the meantime nothing is said, and the link ends, or has ended, by another
    /// [`End`] than [`End::Callback`]: the promise is then to be withdrawn.
    Granted,
    /// It shall not. The caller is told and sent away.
    Refused,
}

impl Link {
    /// Begins a link on a line that is up. All its randomness comes from `seed`, which must never be
    /// used again.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Self {
        // A peer may send 1500 octets until it has agreed to less.
        let limit = usize::from(config.lcp.mru.max(DEFAULT_MRU)) + FRAME_OVERHEAD;
        Self { deframer: Deframer::new(limit), core: Core::new(config, seed, now) }
    }

    /// Takes octets from the line, in whatever pieces they come.
    pub fn receive(&mut self, now: Instant, octets: &[u8]) {
        let mut input = octets;
        while let Some(frame) = self.deframer.next(&mut input) {
            let protocol = frame.protocol;
            self.core.frame(now, protocol, frame.information);
            if protocol == Protocol::PAP {
                self.deframer.wipe();
            }
            self.deframer.set_accm(self.core.receive_accm());
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        self.core.tick(now);
        self.deframer.set_accm(self.core.receive_accm());
    }

    /// The next thing for the owner; `None` when all is drained.
    pub fn poll(&mut self) -> Option<Output> {
        self.core.out.pop()
    }

    /// When [`Self::tick`] is wanted next.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        self.core.deadline()
    }

    /// Sends an IPv4 or IPv6 packet.
    ///
    /// # Errors
    /// [`Unsendable`] says why it was not sent; nothing is kept of it.
    pub fn send_packet(&mut self, packet: &[u8]) -> Result<(), Unsendable> {
        let protocol = match packet.first().map(|octet| octet >> 4) {
            Some(4) => Protocol::IPV4,
            Some(6) => Protocol::IPV6,
            Some(_) | None => return Err(Unsendable::NotIp),
        };
        let Stage::Open(session) = &self.core.stage else { return Err(Unsendable::NotUp) };
        if !session.networks.carries(protocol) {
            return Err(Unsendable::NotUp);
        }
        let most = self.core.lcp.options().granted().mru;
        if packet.len() > usize::from(most) {
            return Err(Unsendable::TooLong(most));
        }
        if self.core.out.is_full() {
            return Err(Unsendable::QueueFull);
        }
        let framing = self.core.framing();
        self.core.out.send(framing, protocol, packet);
        Ok(())
    }

    /// Answers [`Output::Verify`]: is the claim good, and must the user be called back?
    pub fn judge(&mut self, now: Instant, ticket: Ticket, answer: &Answer, duty: Duty) {
        let agreed = self.core.lcp.options().callback().is_some();
        let Stage::Open(session) = &mut self.core.stage else { return };
        let proofs = &mut session.proofs;
        if let Some(authenticator) =
            proofs.authenticator.as_mut().filter(|_| proofs.judging == Some(ticket))
        {
            proofs.judging = None;
            authenticator.answer(answer, duty, agreed);
        }
        self.core.settle(now);
    }

    /// Answers [`Output::AskSecret`]; `None` when there is nothing to prove with.
    pub fn prove(&mut self, now: Instant, ticket: Ticket, credentials: Option<&Credentials>) {
        let Stage::Open(session) = &mut self.core.stage else { return };
        let proofs = &mut session.proofs;
        if let Some(claimant) = proofs.claimant.as_mut().filter(|_| proofs.proving == Some(ticket))
        {
            proofs.proving = None;
            claimant.secret(now, credentials);
        }
        self.core.settle(now);
    }

    /// Answers [`Output::AskCallback`]: what the user may choose from; `None` sends the user away.
    ///
    /// With a proposal of option 13 itself (RFC 1570) there is no choosing: if the offer permits what was
    /// proposed, [`Output::ApproveCallback`] follows, and the link ends for the callback.
    pub fn offer(&mut self, now: Instant, ticket: Ticket, offer: Option<Offer>) {
        let Stage::Open(session) = &mut self.core.stage else { return };
        let Negotiated::Asking { ticket: asked, proposal, .. } = &session.callback else { return };
        if *asked != ticket {
            return;
        }
        let proposal = proposal.clone();
        session.callback = Negotiated::Settled;
        match (offer, proposal) {
            (None, _) => self.callback_failed(now, Failure::Refused),
            (Some(offer), Proposal::Cbcp) => {
                let answerer = Box::new(Answerer::new(offer, self.core.config.callback.terms, now));
                session.callback = Negotiated::Answering { answerer, ticket: None };
            }
            (Some(offer), Proposal::Number(digits)) => self.offer_to_number(now, &offer, &digits),
            (Some(offer), Proposal::Administrator) => self.offer_to_administrators(now, &offer),
        }
        self.core.settle(now);
    }

    /// Answers [`Output::ApproveCallback`].
    pub fn approve(&mut self, now: Instant, ticket: Ticket, approval: Approval) {
        let Stage::Open(session) = &mut self.core.stage else { return };
        match &mut session.callback {
            Negotiated::Answering { answerer, ticket: asked } if *asked == Some(ticket) => {
                *asked = None;
                match approval {
                    Approval::Granted => answerer.approve(now),
                    Approval::Refused => answerer.refuse(),
                }
            }
            Negotiated::ApprovingOption { ticket: asked, agreed, .. } if *asked == ticket => {
                let agreed = agreed.clone();
                session.callback = Negotiated::Settled;
                match approval {
                    Approval::Granted => self.call_back(now, agreed),
                    Approval::Refused => self.callback_failed(now, Failure::Refused),
                }
            }
            Negotiated::NotYet
            | Negotiated::NotAgreed
            | Negotiated::Asking { .. }
            | Negotiated::ApprovingOption { .. }
            | Negotiated::Answering { .. }
            | Negotiated::Calling(_)
            | Negotiated::Hoping
            | Negotiated::Settled => {}
        }
        self.core.settle(now);
    }

    /// Sets what the networks shall be, once the user is known. Too late when they have begun.
    pub fn set_networks(&mut self, ipv4: Option<Ipv4Wishes>, ipv6: Option<Ipv6Wishes>) {
        let running = match &self.core.stage {
            Stage::Open(session) => matches!(session.networks, Networks::Running { .. }),
            Stage::Establish | Stage::Terminate | Stage::Dead => false,
        };
        if !running {
            self.core.config.ipv4 = ipv4;
            self.core.config.ipv6 = ipv6;
        }
    }

    /// Answers [`Phase::Network`], where the network phase begins so ([`NetworkPhase::WhenToldTo`]).
    /// Does nothing in any other phase.
    pub fn begin_networks(
        &mut self,
        now: Instant,
        ipv4: Option<Ipv4Wishes>,
        ipv6: Option<Ipv6Wishes>,
    ) {
        let Stage::Open(session) = &self.core.stage else { return };
        let Networks::Asked = session.networks else { return };
        self.core.config.ipv4 = ipv4;
        self.core.config.ipv6 = ipv6;
        self.core.run_networks(now);
        self.core.settle(now);
    }

    /// Ends the link, and tells the peer why.
    pub fn close(&mut self, now: Instant, farewell: &str) {
        self.core.end_with(now, End::Closed, farewell);
        self.core.settle(now);
    }

    /// The line is lost: the link ends at once.
    pub fn carrier_lost(&mut self, now: Instant) {
        self.core.carrier_lost(now);
    }

    /// What LCP has agreed on.
    #[must_use]
    pub const fn lcp(&self) -> &Lcp {
        &self.core.lcp
    }

    /// What has come in, and what was wrong with it.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.deframer.counts()
    }

    /// Whether the link is over.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.core.stage, Stage::Dead)
    }

    fn callback_failed(&mut self, now: Instant, failure: Failure) {
        self.core.end_with(now, End::CallbackFailed(failure), "No callback is possible");
    }

    /// RFC 1570: the callee ends the call at once.
    fn call_back(&mut self, now: Instant, agreed: Agreed) {
        self.core.out.push(Output::CallbackAgreed(agreed.clone()));
        self.core.end_with(now, End::Callback(agreed), "Calling you back");
    }

    /// RFC 1570 has no offer and no choice; our owner is asked all the same, because what it approves of
    /// is what it promises.
    fn ask_approval(&mut self, now: Instant, agreed: Agreed) {
        let ticket = self.core.ticket();
        let Stage::Open(session) = &mut self.core.stage else { return };
        let user = session.proofs.user();
        let until = now + OWNER_WAIT;
        session.callback = Negotiated::ApprovingOption { ticket, agreed: agreed.clone(), until };
        self.core.out.push(Output::ApproveCallback { ticket, user, agreed });
    }

    /// Operation 0: the number comes from who authenticates.
    fn offer_to_administrators(&mut self, now: Instant, offer: &Offer) {
        if offer.permits(&Choice::Administrator) {
            let delay = self.core.config.callback.default_delay;
            self.ask_approval(now, Agreed { choice: Choice::Administrator, number: None, delay });
        } else if offer.lets_stay() {
            self.core.start_networks(now);
        } else {
            self.callback_failed(now, Failure::Refused);
        }
    }

    /// Operation 3: the number came in the option.
    fn offer_to_number(&mut self, now: Instant, offer: &Offer, digits: &[u8]) {
        let number = Number::new(digits);
        let choice = [Choice::Number(number.clone()), Choice::Listed(number.clone())]
            .into_iter()
            .find(|choice| offer.permits(choice));
        let Some(choice) = choice else { return self.offer_to_administrators(now, offer) };
        let callback = self.core.config.callback;
        match number.dialable(callback.terms.numbers) {
            Err(fault) => self.callback_failed(now, Failure::Number(fault)),
            Ok(digits) => {
                let delay = callback.default_delay;
                self.ask_approval(now, Agreed { choice, number: Some(digits), delay });
            }
        }
    }
}
