//! What exists only while LCP is open: proofs, callback, networks. When LCP goes down all of it goes.

use super::config::Config;
use super::output::{End, Ticket};
use crate::auth::{Authenticator, Claimant};
use crate::cbcp::{Agreed, Answerer, Caller};
use crate::lcp::callback::Proposal;
use crate::ncp::{Ipcp, Ipv6cp};
use crate::negotiation::Negotiation;
use crate::protocol::Protocol;
use crate::secret::Name;
use crate::time::{Deadline, Instant};

#[derive(Debug)]
pub(super) struct Session {
    pub(super) proofs: Proofs,
    pub(super) callback: Callback,
    pub(super) networks: Networks,
}

/// Who has to prove what to whom.
#[derive(Debug)]
pub(super) struct Proofs {
    /// The peer to us, if we demanded it.
    pub(super) authenticator: Option<Authenticator>,
    /// We to the peer, if it demanded it.
    pub(super) claimant: Option<Claimant>,
    /// The question that our owner has about the peer's claim.
    pub(super) judging: Option<Ticket>,
    /// The question that it has about our secret.
    pub(super) proving: Option<Ticket>,
    pub(super) user: Proof,
    pub(super) ours: Proof,
}

/// How far a proof is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Due,
    /// Done, or never needed.
    Done(Option<Name>),
}

impl Proofs {
    pub(super) const fn are_done(&self) -> bool {
        matches!((&self.user, &self.ours), (Proof::Done(_), Proof::Done(_)))
    }

    pub(super) fn user(&self) -> Name {
        match &self.user {
            Proof::Done(Some(name)) => name.clone(),
            Proof::Done(None) | Proof::Due => Name::default(),
        }
    }
}

/// Where callback is.
#[derive(Debug)]
pub(super) enum Callback {
    /// Authentication comes first.
    NotYet,
    /// LCP did not agree on it.
    NotAgreed,
    /// Our owner is asked what to offer.
    Asking { ticket: Ticket, proposal: Proposal, until: Instant },
    /// Our owner is asked about a callback that LCP's option 13 alone agreed on (RFC 1570).
    ApprovingOption { ticket: Ticket, agreed: Agreed, until: Instant },
    /// We offer it by CBCP; a ticket while our owner is asked about the caller's choice.
    Answering { answerer: Box<Answerer>, ticket: Option<Ticket> },
    /// We want it by CBCP.
    Calling(Box<Caller>),
    /// We want it, and LCP alone agreed: the peer will end the call.
    Hoping,
    /// It is settled, and nothing more is to be said about it.
    Settled,
}

impl Callback {
    /// What is promised to the peer.
    pub(super) fn agreed(&self) -> Option<&Agreed> {
        match self {
            Self::Answering { answerer, .. } => answerer.agreed(),
            Self::NotYet
            | Self::NotAgreed
            | Self::Asking { .. }
            | Self::ApprovingOption { .. }
            | Self::Calling(_)
            | Self::Hoping
            | Self::Settled => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        match self {
            Self::Asking { until, .. } => Some(Deadline::new(*until, "callback offer")),
            Self::ApprovingOption { until, .. } => Some(Deadline::new(*until, "callback approval")),
            Self::Answering { answerer, .. } => answerer.deadline(),
            Self::Calling(caller) => caller.deadline(),
            Self::NotYet | Self::NotAgreed | Self::Hoping | Self::Settled => None,
        }
    }
}

/// The network protocols.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one per session, and that is boxed")]
pub(super) enum Networks {
    /// Not before callback is settled.
    Waiting,
    /// Our owner is asked what they shall be.
    Asked,
    Running {
        ipv4: Option<Network<Ipcp>>,
        ipv6: Option<Network<Ipv6cp>>,
    },
}

/// One network protocol.
#[derive(Debug)]
pub(super) struct Network<O> {
    pub(super) control: Negotiation<O>,
    pub(super) state: NetworkState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NetworkState {
    Negotiating,
    Up,
    Finished,
}

impl Networks {
    /// Whether packets of this protocol can pass.
    pub(super) fn carries(&self, protocol: Protocol) -> bool {
        let Self::Running { ipv4, ipv6 } = self else { return false };
        match protocol {
            Protocol::IPV4 => {
                ipv4.as_ref().is_some_and(|network| network.state == NetworkState::Up)
            }
            Protocol::IPV6 => {
                ipv6.as_ref().is_some_and(|network| network.state == NetworkState::Up)
            }
            _ => false,
        }
    }

    /// Whether none is up, and none will be.
    pub(super) fn are_finished(&self) -> bool {
        let Self::Running { ipv4, ipv6 } = self else { return false };
        let states = [ipv4.as_ref().map(|n| n.state), ipv6.as_ref().map(|n| n.state)];
        let mut states = states.into_iter().flatten().peekable();
        states.peek().is_some() && states.all(|state| state == NetworkState::Finished)
    }
}

impl Session {
    /// The earliest thing that anything above LCP waits for.
    pub(super) fn deadline(&self) -> Option<Deadline> {
        let proofs = Deadline::earliest(
            self.proofs.authenticator.as_ref().and_then(Authenticator::deadline),
            self.proofs.claimant.as_ref().and_then(Claimant::deadline),
        );
        let networks = match &self.networks {
            Networks::Waiting | Networks::Asked => None,
            Networks::Running { ipv4, ipv6 } => Deadline::earliest(
                ipv4.as_ref().and_then(|network| network.control.deadline()),
                ipv6.as_ref().and_then(|network| network.control.deadline()),
            ),
        };
        Deadline::earliest(Deadline::earliest(proofs, self.callback.deadline()), networks)
    }

    /// How the link ends if the peer ends it in this state, where that is more than a peer's whim.
    pub(super) fn end_by_peer(&self) -> Option<End> {
        match (&self.callback, &self.networks) {
            (Callback::Hoping, Networks::Running { .. })
                if !self.networks.carries(Protocol::IPV4)
                    && !self.networks.carries(Protocol::IPV6) =>
            {
                Some(End::AwaitCallback(None, 0))
            }
            (callback, _) => callback.agreed().cloned().map(End::Callback),
        }
    }

    /// How the link ends if the line is lost, or we have to end the call, in this state.
    pub(super) fn end_unterminated(&self, config: &Config) -> Option<End> {
        let agreed = self.callback.agreed()?.clone();
        Some(match config.callback.unterminated(&agreed) {
            super::config::Unterminated::CallBack => End::Callback(agreed),
            super::config::Unterminated::Drop => End::CallbackUnconfirmed(agreed),
        })
    }
}
