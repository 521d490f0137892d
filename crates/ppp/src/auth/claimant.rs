//! The side that gives a proof.
//!
//! ```text
//!     PAP:   Asking (our owner for the secret) ─► Requesting ──Ack──► Proved
//!     CHAP:  Idle ──Challenge──► Asking ─► Responded ──Success──► Proved ──Challenge──► Asking
//! ```
//!
//! The secret is asked for whenever it is needed and forgotten at once: a peer may challenge again at any
//! time (RFC 1994 §3), so the owner is asked again. With MS-CHAP 2 the peer has to prove itself as well; a
//! peer that cannot is an impostor, and we do not stay.

use std::collections::VecDeque;

use subtle::ConstantTimeEq;

use super::Method;
use super::authenticator::Limits;
use super::claim::md5_response;
use super::ms_chap::{NtHash, challenge_hash};
use super::wire::{self, chap, pap};
use crate::packet::Packet;
use crate::random::Random;
use crate::secret::{Name, Secret};
use crate::time::{Deadline, Instant};

/// Who we are, and the proof of it.
#[expect(missing_debug_implementations, reason = "it holds a password")]
pub struct Credentials {
    /// The name that we give.
    pub name: Name,
    /// Its password.
    pub secret: Secret,
}

/// What a claimant wants done, or has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// This packet goes to the peer.
    Send(Vec<u8>),
    /// Our owner has to say who we are to this peer (whose name only CHAP tells).
    AskSecret(Name),
    /// The peer believes us.
    Passed,
    /// It does not, with these octets of explanation.
    Refused(Vec<u8>),
    /// It believes us, but cannot prove that it knows the password itself (MS-CHAP 2).
    Impostor,
    /// It never said.
    TimedOut,
}

/// Proves our name to the peer.
#[derive(Debug)]
pub struct Claimant {
    method: Method,
    limits: Limits,
    state: State,
    /// Whether the peer has believed us once, after which no time limit holds any more.
    proved: bool,
    ends_at: Instant,
    last_id: u8,
    random: Random,
    facts: VecDeque<Fact>,
}

#[derive(Debug)]
enum State {
    /// Nothing is asked of us.
    Idle,
    /// The owner is asked for the secret.
    Asking { challenge: Option<Challenge> },
    /// PAP: the request is out, and repeated.
    Requesting { id: u8, packet: Wiped, again_at: Instant },
    /// CHAP: the response is out; the peer repeats its challenge if it did not get it.
    Responded { id: u8, packet: Vec<u8>, expected: Option<String> },
    /// Nothing more is to be said.
    Over,
}

#[derive(Debug)]
struct Challenge {
    id: u8,
    value: Vec<u8>,
}

/// A packet with a password in it.
struct Wiped(Secret);

impl std::fmt::Debug for Wiped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("packet")
    }
}

impl Claimant {
    /// Begins: PAP asks for the secret at once, CHAP waits for a Challenge.
    #[must_use]
    pub fn new(method: Method, limits: Limits, random: Random, now: Instant) -> Self {
        let mut this = Self {
            method,
            limits,
            state: State::Idle,
            proved: false,
            ends_at: now + limits.whole,
            last_id: 0,
            random,
            facts: VecDeque::new(),
        };
        if method == Method::Pap {
            this.state = State::Asking { challenge: None };
            this.facts.push_back(Fact::AskSecret(Name::default()));
        }
        this
    }

    /// How we have to prove our name.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Takes a packet of PAP or CHAP in, whichever was agreed.
    pub fn receive(&mut self, octets: &[u8]) {
        let Some(packet) = Packet::read(octets) else { return };
        match self.method {
            Method::Pap => self.pap_reply(packet),
            Method::ChapMd5 | Method::MsChapV1 | Method::MsChapV2 => match packet.code {
                chap::CHALLENGE => self.challenged(packet),
                chap::SUCCESS | chap::FAILURE => self.chap_verdict(packet),
                _ => {}
            },
        }
    }

    /// The owner's answer to [`Fact::AskSecret`]; `None` when it has nothing to prove with.
    pub fn secret(&mut self, now: Instant, credentials: Option<&Credentials>) {
        let State::Asking { challenge } = &self.state else { return };
        let Some(credentials) = credentials else {
            self.state = State::Over;
            return self.facts.push_back(Fact::Refused(b"no secret for this peer".to_vec()));
        };
        let Credentials { name, secret } = credentials;
        let Some(Challenge { id, value }) = challenge else {
            self.last_id = self.last_id.wrapping_add(1);
            let packet = wire::write_pap_request(self.last_id, name, secret);
            self.facts.push_back(Fact::Send(packet.clone()));
            let again_at = now + self.limits.restart;
            let packet = Wiped(Secret::new(packet));
            self.state = State::Requesting { id: self.last_id, packet, again_at };
            return;
        };
        let id = *id;
        match respond(self.method, id, value, credentials, &mut self.random) {
            Some((value, expected)) => {
                let packet = wire::write_value(chap::RESPONSE, id, &value, name);
                self.facts.push_back(Fact::Send(packet.clone()));
                self.state = State::Responded { id, packet, expected };
            }
            None => self.state = State::Idle,
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        let over = matches!(self.state, State::Over);
        if !self.proved && !over && self.ends_at <= now {
            self.state = State::Over;
            self.facts.push_back(Fact::TimedOut);
        }
        if let State::Requesting { packet, again_at, .. } = &mut self.state
            && *again_at <= now
        {
            *again_at = now + self.limits.restart;
            self.facts.push_back(Fact::Send(packet.0.expose().to_vec()));
        }
    }

    /// When `tick` is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        let over = self.proved || matches!(self.state, State::Over);
        let whole = (!over).then_some(Deadline::new(self.ends_at, "authentication"));
        let again = match &self.state {
            State::Requesting { again_at, .. } => Some(Deadline::new(*again_at, "pap ack")),
            State::Idle | State::Asking { .. } | State::Responded { .. } | State::Over => None,
        };
        Deadline::earliest(whole, again)
    }

    /// The next thing to be done or told.
    pub fn poll(&mut self) -> Option<Fact> {
        self.facts.pop_front()
    }

    fn pap_reply(&mut self, packet: Packet<'_>) {
        let State::Requesting { id, .. } = self.state else { return };
        match packet.code {
            pap::ACK if packet.id == id => self.pass(),
            pap::NAK if packet.id == id => {
                self.state = State::Over;
                self.facts.push_back(Fact::Refused(wire::read_pap_reply(packet.body).to_vec()));
            }
            _ => {}
        }
    }

    fn challenged(&mut self, packet: Packet<'_>) {
        match &self.state {
            State::Responded { id, packet: response, .. } if *id == packet.id => {
                self.facts.push_back(Fact::Send(response.clone()));
                return;
            }
            // The owner is still thinking; its answer goes to the challenge that it was asked for.
            State::Asking { .. } | State::Over => return,
            State::Idle | State::Requesting { .. } | State::Responded { .. } => {}
        }
        let Some((value, peer)) = wire::read_value(packet.body) else { return };
        let challenge = Challenge { id: packet.id, value: value.to_vec() };
        self.state = State::Asking { challenge: Some(challenge) };
        self.facts.push_back(Fact::AskSecret(peer));
    }

    fn chap_verdict(&mut self, packet: Packet<'_>) {
        let State::Responded { id, expected, .. } = &self.state else { return };
        if *id != packet.id {
            return;
        }
        if packet.code == chap::FAILURE {
            self.state = State::Over;
            return self.facts.push_back(Fact::Refused(packet.body.to_vec()));
        }
        let believed = match expected {
            Some(text) => packet
                .body
                .get(..text.len())
                .is_some_and(|given| given.ct_eq(text.as_bytes()).into()),
            None => true,
        };
        if believed {
            self.pass();
        } else {
            self.state = State::Over;
            self.facts.push_back(Fact::Impostor);
        }
    }

    fn pass(&mut self) {
        self.state = match self.method {
            Method::Pap => State::Over,
            Method::ChapMd5 | Method::MsChapV1 | Method::MsChapV2 => State::Idle,
        };
        if !self.proved {
            self.proved = true;
            self.facts.push_back(Fact::Passed);
        }
    }
}

/// A CHAP response's value, and for MS-CHAP 2 what the peer has to say in return. `None` when the
/// challenge has a length that the method does not know.
fn respond(
    method: Method,
    id: u8,
    challenge: &[u8],
    Credentials { name, secret }: &Credentials,
    random: &mut Random,
) -> Option<(Vec<u8>, Option<String>)> {
    match method {
        Method::Pap => None,
        Method::ChapMd5 => Some((md5_response(id, secret, challenge).to_vec(), None)),
        Method::MsChapV1 => {
            let response = NtHash::of(secret).response_to(challenge.try_into().ok()?);
            // 24 octets for LAN Manager stay empty; the last octet says that the NT response counts.
            Some(([&[0; 24][..], &response, &[1]].concat(), None))
        }
        Method::MsChapV2 => {
            let ours = random.octets::<16>();
            let both = challenge_hash(&ours, challenge.try_into().ok()?, name.without_domain());
            let hash = NtHash::of(secret);
            let response = hash.response_to(both);
            let expected = hash.authenticator_response(&response, both);
            Some(([&ours[..], &[0; 8], &response, &[0]].concat(), Some(expected)))
        }
    }
}
