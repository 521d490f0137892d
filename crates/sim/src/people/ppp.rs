//! A caller whose computer speaks PPP: a whole link in the caller's role, with the manners of a real program.
//!
//! ```text
//!   CONNECT ─► the link talks ─► it is over: as the step expects, or not
//! ```
//!
//! It does not know the modem: octets go in and out.

use ppp::auth::Credentials;
use ppp::cbcp::Number;
use ppp::link::{Config, End, Link, Output};
use ppp::personality::Personality;
use ppp::time::Instant as LinkTime;
use proto::time::{Deadline, Instant};

/// What somebody's PPP program is set to.
#[derive(Clone, PartialEq, Eq)]
pub struct PppCall {
    /// Which program it is; `None` is one that does not ask for callback at all.
    pub personality: Option<Personality>,
    /// The number at which its owner would like to be called, if he gives one.
    pub number: Option<String>,
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
}

/// A link that talks.
#[derive(Debug)]
pub(super) struct Talk {
    link: Link,
    call: PppCall,
    /// Whether the other side has let him in.
    let_in: bool,
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
        let config = match call.personality {
            Some(personality) => personality.caller(number),
            None => Config::caller(None),
        };
        // Two callers never begin at the same microsecond with the same name.
        let mut seed = [0; 32];
        let own = now.as_micros().to_le_bytes().into_iter().chain(call.name.bytes());
        for (octet, own) in seed.iter_mut().zip(own) {
            *octet = own;
        }
        let link = Link::new(config, seed, time(now));
        Self { link, call: call.clone(), let_in: false }
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
                Output::Down(end) => return self.over(&end),
                Output::Verify { .. }
                | Output::AskCallback { .. }
                | Output::ApproveCallback { .. }
                | Output::CallbackAgreed(_)
                | Output::CallbackWithdrawn(_)
                | Output::Ipv4Up(_)
                | Output::Ipv4Down
                | Output::Ipv6Up(_)
                | Output::Ipv6Down
                | Output::Packet(_)
                | Output::Identified(_)
                | Output::TimeRemaining(_) => {}
            }
        }
        Talked::On
    }

    fn over(&self, end: &End) -> Talked {
        let got = match end {
            End::AwaitCallback(..) => PppEnd::CalledBack,
            End::PeerTerminated(why)
                if self.let_in && why.as_slice() == b"there is no IP on this line" =>
            {
                PppEnd::LetIn
            }
            End::Closed
            | End::PeerTerminated(_)
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
