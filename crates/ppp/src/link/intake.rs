//! What a session does with packets and with time, phase by phase.
//!
//! Packets find the engine that they are for, or a reason why they are not taken. What the engines then
//! say is for the core to act on.

use super::outbox::Outbox;
use super::output::Output;
use super::session::{Callback, NetworkState, Networks, Proofs, Session};
use crate::negotiation::{Negotiation, Options};
use crate::packet::Packet;
use crate::protocol::Protocol;
use crate::time::Instant;

/// Whether a session took a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heed {
    Taken,
    /// It came in the wrong phase, and is dropped without a word.
    Dropped,
    /// Its protocol is not spoken here.
    Rejected,
}

/// Whether our owner may still think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    Left,
    Over,
}

impl Session {
    /// Takes a packet of anything but LCP.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        protocol: Protocol,
        information: &[u8],
        out: &mut Outbox,
    ) -> Heed {
        match (protocol, &mut self.networks) {
            (Protocol::PAP | Protocol::CHAP, _) => self.proofs.receive(protocol, information),
            (Protocol::CBCP, _) => self.callback.receive(now, information),
            // pppd starts IPCP the instant it has chosen "none", before our Ack: not a Protocol-Reject,
            // which would end its IPCP for good, but silence.
            (protocol, Networks::Waiting | Networks::Asked) if protocol.is_network() => {
                Heed::Dropped
            }
            (Protocol::IPCP, Networks::Running { ipv4: Some(network), .. }) => {
                network.control.receive_octets(now, information)
            }
            (Protocol::IPV6CP, Networks::Running { ipv6: Some(network), .. }) => {
                network.control.receive_octets(now, information)
            }
            (Protocol::IPV4, Networks::Running { ipv4: Some(network), .. }) => {
                pass(network.state, information, out)
            }
            (Protocol::IPV6, Networks::Running { ipv6: Some(network), .. }) => {
                pass(network.state, information, out)
            }
            (_, Networks::Waiting | Networks::Asked | Networks::Running { .. }) => Heed::Rejected,
        }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: Instant) -> Patience {
        if let Some(authenticator) = &mut self.proofs.authenticator {
            authenticator.tick(now);
        }
        if let Some(claimant) = &mut self.proofs.claimant {
            claimant.tick(now);
        }
        if let Networks::Running { ipv4, ipv6 } = &mut self.networks {
            if let Some(network) = ipv4 {
                network.control.tick(now);
            }
            if let Some(network) = ipv6 {
                network.control.tick(now);
            }
        }
        match &mut self.callback {
            Callback::Asking { until, .. } | Callback::ApprovingOption { until, .. }
                if *until <= now =>
            {
                self.callback = Callback::Settled;
                return Patience::Over;
            }
            Callback::Answering { answerer, .. } => answerer.tick(now),
            Callback::Calling(caller) => caller.tick(now),
            Callback::NotYet
            | Callback::NotAgreed
            | Callback::Asking { .. }
            | Callback::ApprovingOption { .. }
            | Callback::Hoping
            | Callback::Settled => {}
        }
        Patience::Left
    }
}

impl<O: Options> Negotiation<O> {
    fn receive_octets(&mut self, now: Instant, octets: &[u8]) -> Heed {
        if let Some(packet) = Packet::read(octets) {
            self.receive(now, packet);
        }
        Heed::Taken
    }
}

fn pass(state: NetworkState, packet: &[u8], out: &mut Outbox) -> Heed {
    match state {
        NetworkState::Up => {
            out.push_droppable(Output::Packet(packet.to_vec()));
            Heed::Taken
        }
        NetworkState::Negotiating | NetworkState::Finished => Heed::Dropped,
    }
}

impl Proofs {
    /// PAP's and CHAP's packets go to whom their codes are meant for: with proofs in both directions by
    /// the same protocol, both sides' packets come in here.
    fn receive(&mut self, protocol: Protocol, information: &[u8]) -> Heed {
        let mut heed = Heed::Rejected;
        if let Some(authenticator) = &mut self.authenticator
            && authenticator.method().protocol() == protocol
        {
            authenticator.receive(information);
            heed = Heed::Taken;
        }
        if let Some(claimant) = &mut self.claimant
            && claimant.method().protocol() == protocol
        {
            claimant.receive(information);
            heed = Heed::Taken;
        }
        heed
    }
}

impl Callback {
    fn receive(&mut self, now: Instant, information: &[u8]) -> Heed {
        match self {
            Self::Answering { answerer, .. } => answerer.receive(now, information),
            Self::Calling(caller) => caller.receive(now, information),
            // Too early, or too late.
            Self::NotYet | Self::Asking { .. } | Self::ApprovingOption { .. } | Self::Settled => {
                return Heed::Dropped;
            }
            Self::NotAgreed | Self::Hoping => return Heed::Rejected,
        }
        Heed::Taken
    }
}
