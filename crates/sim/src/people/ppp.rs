//! A caller whose computer speaks PPP: a whole link in the caller's role, with the manners of a real program.
//!
//! ```text
//!   CONNECT ─► the link talks ─► it is over: as the step expects, or not
//! ```
//!
//! It does not know the modem: octets go in and out.

use std::net::Ipv4Addr;

use ppp::auth::Credentials;
use ppp::cbcp::Number;
use ppp::lcp::callback::{Ask, Otherwise, Proposal, Stance};
use ppp::link::{Config, End, Link, Output};
use ppp::ncp::{Ipv4Wishes, PeerAddress};
use ppp::personality::Personality;
use ppp::time::Instant as LinkTime;
use proto::time::{Deadline, Instant};

use crate::ping;

/// What somebody's PPP program is set to.
#[derive(Clone, PartialEq, Eq)]
pub struct PppCall {
    /// Which program it is; `None` is one that does not ask for callback at all.
    pub personality: Option<Personality>,
    /// The number at which its owner would like to be called, if he gives one.
    pub number: Option<String>,
    /// What a program without a personality asks for by option 13, CBCP apart (RFC 1570).
    pub option13: Option<Proposal>,
    /// The name that it proves.
    pub name: String,
    /// By this password.
    pub password: String,
    /// How the link has to end.
    pub ends: PppEnd,
}

impl std::fmt::Debug for PppCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PppCall")
            .field("personality", &self.personality)
            .field("number", &self.number)
            .field("name", &self.name)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

/// How a link has to end for its owner to be content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PppEnd {
    /// In the hope of being called back.
    CalledBack,
    /// Because the other side, having let him in, has no network for him.
    LetIn,
    /// Otherwise: he is not let in, or not called back.
    SentAway,
    /// By his own hand, when he has an address and so many pings were answered.
    Served(u16),
    /// By the other side, when he had an address.
    CutOff,
}

/// A link that talks.
#[derive(Debug)]
pub(super) struct Talk {
    link: Link,
    call: PppCall,
    /// Whether the other side has let him in.
    let_in: bool,
    /// Both addresses, while he has one: his and the other's.
    network: Option<(Ipv4Addr, Ipv4Addr)>,
    had_network: bool,
    /// Pings that were answered.
    answered: u16,
}

/// Where a talk is after all that it had to say was taken.
pub(super) enum Talked {
    /// It goes on.
    On,
    /// It is over as it has to be.
    Over,
    /// It is over otherwise: why.
    Failed(String),
}

impl Talk {
    pub(super) fn begin(now: Instant, call: &PppCall) -> Self {
        let number = call.number.as_deref().map(Number::from);
        let mut config = match call.personality {
            Some(personality) => personality.caller(number),
            None => Config::caller(None),
        };
        if let Some(proposal) = &call.option13 {
            let proposals = vec![proposal.clone()];
            config.lcp.callback = Stance::Ask(Ask { proposals, otherwise: Otherwise::GoOn });
        }
        config.ipv4 = Some(Ipv4Wishes {
            local: None,
            peer: PeerAddress::Any,
            dns: [None; 2],
            nbns: [None; 2],
            asks_servers: true,
        });
        // Two callers never begin at the same microsecond with the same name.
        let mut seed = [0; 32];
        let own = now.as_micros().to_le_bytes().into_iter().chain(call.name.bytes());
        for (octet, own) in seed.iter_mut().zip(own) {
            *octet = own;
        }
        let link = Link::new(config, seed, time(now));
        Self {
            link,
            call: call.clone(),
            let_in: false,
            network: None,
            had_network: false,
            answered: 0,
        }
    }

    pub(super) fn receive(&mut self, now: Instant, octets: &[u8]) {
        self.link.receive(time(now), octets);
    }

    pub(super) fn carrier_lost(&mut self, now: Instant) {
        self.link.carrier_lost(time(now));
    }

    pub(super) fn tick(&mut self, now: Instant) {
        self.link.tick(time(now));
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        let deadline = self.link.deadline()?;
        Some(Deadline::new(Instant::from_micros(deadline.at.as_micros()), deadline.why))
    }

    /// Takes everything that the link wants; `send` gets the octets.
    pub(super) fn go_on(&mut self, now: Instant, mut send: impl FnMut(Vec<u8>)) -> Talked {
        while let Some(output) = self.link.poll() {
            match output {
                Output::Send(octets) => send(octets),
                Output::AskSecret { ticket, .. } => {
                    let own = Credentials {
                        name: self.call.name.as_str().into(),
                        secret: self.call.password.as_str().into(),
                    };
                    self.link.prove(time(now), ticket, Some(&own));
                }
                Output::Phase(phase) => {
                    use ppp::link::Phase::{
                        Authenticate, Callback, Dead, Establish, Network, Terminate,
                    };
                    match phase {
                        Callback | Network => self.let_in = true,
                        Establish | Authenticate | Terminate | Dead => {}
                    }
                }
                Output::Ipv4Up(agreed) => {
                    self.network = agreed.local.zip(agreed.peer);
                    self.had_network |= self.network.is_some();
                    self.ping(now);
                }
                Output::Ipv4Down => self.network = None,
                Output::Packet(packet) => self.packet(now, &packet),
                Output::Down(end) => return self.over(&end),
                Output::Verify { .. }
                | Output::AskCallback { .. }
                | Output::ApproveCallback { .. }
                | Output::CallbackAgreed(_)
                | Output::CallbackWithdrawn(_)
                | Output::Ipv6Up(_)
                | Output::Ipv6Down
                | Output::Identified(_)
                | Output::TimeRemaining(_) => {}
            }
        }
        Talked::On
    }

    /// The next ping, or the end once there were enough.
    fn ping(&mut self, now: Instant) {
        let (PppEnd::Served(wanted), Some((own, other))) = (self.call.ends, self.network) else {
            return;
        };
        if self.answered >= wanted {
            return self.link.close(time(now), "that was all");
        }
        let request = ping::request(own, other, self.answered);
        // One that cannot be sent is not answered, and he waits in vain.
        let _sent = self.link.send_packet(&request);
    }

    fn packet(&mut self, now: Instant, packet: &[u8]) {
        let Some((own, _)) = self.network else { return };
        if ping::answered(packet, own) == Some(self.answered) {
            self.answered += 1;
            self.ping(now);
        }
    }

    fn over(&self, end: &End) -> Talked {
        let got = match end {
            End::Closed => PppEnd::Served(self.answered),
            End::PeerTerminated(_) if self.had_network => PppEnd::CutOff,
            End::AwaitCallback(..) => PppEnd::CalledBack,
            End::PeerTerminated(why)
                if self.let_in && why.as_slice() == b"there is no IP on this line" =>
            {
                PppEnd::LetIn
            }
            End::PeerTerminated(_)
            | End::CarrierLost
            | End::NoAnswer
            | End::Silent
            | End::NotConverging
            | End::Looped
            | End::NotSpoken
            | End::PeerRefusesAuthentication
            | End::PeerNotAuthenticated(_)
            | End::NotAuthenticated(_)
            | End::Impostor
            | End::NoNetwork
            | End::Callback(_)
            | End::CallbackUnconfirmed(_)
            | End::CallbackFailed(_)
            | End::CallbackNotGranted(_) => PppEnd::SentAway,
        };
        if got == self.call.ends { Talked::Over } else { Talked::Failed(format!("PPP: {end}")) }
    }
}

const fn time(now: Instant) -> LinkTime {
    LinkTime::from_micros(now.as_micros())
}
