//! What a link wants done, asks, and tells.

use std::fmt;
use std::time::Duration;

use crate::auth::{self, Claim, Method};
use crate::cbcp::{self, Agreed, Choice};
use crate::lcp::callback::Proposal;
use crate::ncp::{Ipv4, Ipv6};
use crate::secret::Name;

/// Marks a question, so that an answer that comes late is not taken for the answer to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u32);

/// One thing for the owner, in order.
#[derive(Debug)]
pub enum Output {
    /// These octets go onto the line.
    Send(Vec<u8>),
    /// The link has gone into this phase.
    Phase(Phase),
    /// Somebody claims a name: answer with [`Link::judge`](super::Link::judge).
    Verify {
        /// For the answer.
        ticket: Ticket,
        /// The name and its proof.
        claim: Claim,
        /// What the peer has proposed by option 13, if it was agreed: a user who must be called back
        /// cannot be without one.
        callback: Option<Proposal>,
    },
    /// The peer wants to know who we are: answer with [`Link::prove`](super::Link::prove).
    AskSecret {
        /// For the answer.
        ticket: Ticket,
        /// How it is to be proved.
        method: Method,
        /// Who asks, as far as it says.
        peer: Name,
    },
    /// An authenticated user has asked for callback: answer with [`Link::offer`](super::Link::offer).
    AskCallback {
        /// For the answer.
        ticket: Ticket,
        /// Who asks.
        user: Name,
        /// What was proposed.
        proposal: Proposal,
    },
    /// The caller has chosen: answer with [`Link::approve`](super::Link::approve). Nothing is promised
    /// before that.
    ApproveCallback {
        /// For the answer.
        ticket: Ticket,
        /// Who asks.
        user: Name,
        /// Where and when.
        agreed: Agreed,
    },
    /// The callback is promised: the caller has been told. It is due when [`Output::Down`] says so.
    CallbackAgreed(Agreed),
    /// The promise is void: the peer has started over.
    CallbackWithdrawn(Agreed),
    /// IPv4 packets can pass.
    Ipv4Up(Ipv4),
    /// They no longer can.
    Ipv4Down,
    /// IPv6 packets can pass.
    Ipv6Up(Ipv6),
    /// They no longer can.
    Ipv6Down,
    /// An IPv4 or IPv6 packet from the peer.
    Packet(Vec<u8>),
    /// The peer says what it is (RFC 1570 §1.1): octets for the log, perhaps binary.
    Identified(Vec<u8>),
    /// The peer says how long the session may last (RFC 1570 §1.2).
    TimeRemaining(Duration),
    /// The link is over. Nothing follows.
    Down(End),
}

/// Where a link is in its life (RFC 1661 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// LCP is being negotiated.
    Establish,
    /// Names are being proved.
    Authenticate,
    /// Callback is being negotiated.
    Callback,
    /// Network protocols are negotiated and their packets carried.
    Network,
    /// LCP is being closed.
    Terminate,
    /// The link is over.
    Dead,
}

/// Why a link is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Our owner closed it.
    Closed,
    /// The peer closed it, with these octets of explanation.
    PeerTerminated(Vec<u8>),
    /// The line was lost.
    CarrierLost,
    /// The peer never answered.
    NoAnswer,
    /// The peer stopped answering.
    Silent,
    /// There was no end to the negotiation.
    NotConverging,
    /// We heard ourselves.
    Looped,
    /// The peer does not speak LCP.
    NotSpoken,
    /// The peer will not prove its name by any method that we take.
    PeerRefusesAuthentication,
    /// The peer did not prove its name.
    PeerNotAuthenticated(auth::Failure),
    /// The peer did not believe us, with these octets of explanation.
    NotAuthenticated(Vec<u8>),
    /// The peer could not prove that it knows the password (MS-CHAP 2).
    Impostor,
    /// No network protocol could be agreed on.
    NoNetwork,
    /// We are to call back.
    Callback(Agreed),
    /// We were to call back, but the caller never confirmed it by ending the call.
    CallbackUnconfirmed(Agreed),
    /// The callback that was asked for came to nothing.
    CallbackFailed(cbcp::Failure),
    /// We shall be called back: at this choice, ready after this many seconds. The choice is not known
    /// where LCP alone agreed on it.
    AwaitCallback(Option<Choice>, u8),
    /// We were not granted the callback that we wanted.
    CallbackNotGranted(Option<cbcp::CallerFailure>),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Closed => "closed",
            Self::PeerTerminated(text) if text.is_empty() => "the peer ended it",
            Self::PeerTerminated(text) => {
                return write!(f, "the peer ended it: {}", text.escape_ascii());
            }
            Self::CarrierLost => "the line was lost",
            Self::NoAnswer => "the peer does not answer: is it speaking PPP?",
            Self::Silent => "the peer stopped answering echo requests",
            Self::NotConverging => "the peer's negotiation comes to no end",
            Self::Looped => "the line is looped back: we hear ourselves",
            Self::NotSpoken => "the peer does not speak LCP",
            Self::PeerRefusesAuthentication => {
                "the peer will not prove its name by any method that is allowed here"
            }
            Self::PeerNotAuthenticated(auth::Failure::Refused(name, refusal)) => {
                return write!(f, "{name} was refused: {}", refusal.message());
            }
            Self::PeerNotAuthenticated(auth::Failure::CallbackNotAgreed(name)) => {
                return write!(
                    f,
                    "{name} must be called back, but the client did not agree on callback"
                );
            }
            Self::PeerNotAuthenticated(auth::Failure::TimedOut) => {
                "the peer did not prove its name in time"
            }
            Self::NotAuthenticated(text) => {
                return write!(f, "the peer does not believe us: {}", text.escape_ascii());
            }
            Self::Impostor => "the peer does not know the password that it asks for",
            Self::NoNetwork => "no network protocol could be agreed on",
            Self::Callback(_) => "calling back",
            Self::CallbackUnconfirmed(_) => "no callback: the caller did not end the call",
            Self::CallbackFailed(_) => "callback came to nothing",
            Self::AwaitCallback(..) => "waiting to be called back",
            Self::CallbackNotGranted(_) => "callback was not granted",
        };
        f.write_str(text)
    }
}

/// Why a packet cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsendable {
    /// Its network protocol is not up.
    NotUp,
    /// It is longer than the peer receives: this many octets at most.
    TooLong(u16),
    /// It is neither IPv4 nor IPv6.
    NotIp,
    /// The owner has not drained what was sent before.
    QueueFull,
}

impl fmt::Display for Unsendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUp => f.write_str("the network protocol is not up"),
            Self::TooLong(most) => write!(f, "the packet is longer than the peer's {most} octets"),
            Self::NotIp => f.write_str("neither an IPv4 nor an IPv6 packet"),
            Self::QueueFull => f.write_str("too much is waiting to be sent"),
        }
    }
}

impl std::error::Error for Unsendable {}
