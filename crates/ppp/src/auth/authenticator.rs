//! The side that wants a proof.
//!
//! ```text
//!            PAP: Authenticate-Request                 Answer: good
//!     Waiting ────────────────────────────► Asking ──────────────────► Passed
//!        ▲     CHAP: Response to our                │
//!        │           Challenge (repeated)           │ Answer: bad
//!        └──────────────────────────────────────────┴────────────────► Failed
//!                     tries left                       none left, or time is over
//! ```
//!
//! The verdict is kept and given again to a peer that repeats its request, in whatever phase the link
//! is by then: the first one may have been lost (RFC 1994 §4.2, RFC 1334 §2.2.1). It does not know users
//! or passwords; it asks.

use std::collections::VecDeque;
use std::time::Duration;

use super::claim::{Answer, Claim, Proof, Proven, Refusal};
use super::ms_chap::hexadecimal;
use super::wire::{self, chap, pap};
use super::{Duty, Method};
use crate::packet::Packet;
use crate::random::Random;
use crate::secret::Name;
use crate::time::{Deadline, Instant};

/// How long and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The whole of authentication, the judge's thinking included.
    pub whole: Duration,
    /// From one Challenge or PAP request to its repetition.
    pub restart: Duration,
    /// Wrong passwords before the peer is turned away.
    pub tries: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { whole: Duration::from_secs(30), restart: Duration::from_secs(3), tries: 3 }
    }
}

/// What an authenticator wants done, or has to tell.
#[derive(Debug)]
pub enum Fact {
    /// This packet goes to the peer.
    Send(Vec<u8>),
    /// Somebody has to judge this; the answer goes to [`Authenticator::answer`].
    Verify(Claim),
    /// The peer is who it says.
    Passed(Name),
    /// It is not, or it never said.
    Failed(Failure),
}

/// Why a peer did not get in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The judge refused, for the last time.
    Refused(Name, Refusal),
    /// The user must be called back, and the client did not agree on that.
    CallbackNotAgreed(Name),
    /// The peer did not answer, or not in time.
    TimedOut,
}

/// Asks the peer for a proof.
#[derive(Debug)]
pub struct Authenticator {
    method: Method,
    our_name: Name,
    limits: Limits,
    state: State,
    ends_at: Instant,
    tries_left: u32,
    random: Random,
    /// The last verdict, for a peer that did not hear it.
    verdict: Option<Verdict>,
    facts: VecDeque<Fact>,
}

#[derive(Debug)]
enum State {
    /// PAP: the peer speaks first.
    AwaitingRequest,
    /// CHAP: our Challenge is out, and repeated until `Repetition` says otherwise.
    Challenged {
        id: u8,
        challenge: [u8; 16],
        repetition: Repetition,
    },
    /// The judge is thinking.
    Asking {
        id: u8,
        claim: Claim,
    },
    Passed,
    Failed,
}

#[derive(Clone, Copy, Debug)]
enum Repetition {
    At(Instant),
    /// The challenge went out in a Failure packet, and a person types the password again.
    ByPeer,
}

#[derive(Debug)]
struct Verdict {
    id: u8,
    packet: Vec<u8>,
}

impl Authenticator {
    /// Begins: with a Challenge under this name, or with waiting for PAP.
    #[must_use]
    pub fn new(
        method: Method,
        our_name: Name,
        limits: Limits,
        random: Random,
        now: Instant,
    ) -> Self {
        let mut this = Self {
            method,
            our_name,
            limits,
            state: State::AwaitingRequest,
            ends_at: now + limits.whole,
            tries_left: limits.tries.max(1),
            random,
            verdict: None,
            facts: VecDeque::new(),
        };
        if method != Method::Pap {
            let [id] = this.random.octets();
            let challenge = this.random.octets();
            let repetition = Repetition::At(now + limits.restart);
            this.state = State::Challenged { id, challenge, repetition };
            this.send_challenge();
        }
        this
    }

    /// How the peer has to prove its name.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Takes a packet of PAP or CHAP in, whichever was agreed.
    pub fn receive(&mut self, octets: &[u8]) {
        let Some(packet) = Packet::read(octets) else { return };
        let asks = if self.method == Method::Pap { pap::REQUEST } else { chap::RESPONSE };
        if packet.code != asks {
            return;
        }
        match &self.state {
            State::AwaitingRequest | State::Challenged { .. } | State::Failed => {
                if !self.repeat_verdict(packet.id) {
                    self.claim(packet);
                }
            }
            // The judge has the claim; its answer will be the reply to the repetition as well.
            State::Asking { .. } => {}
            State::Passed if self.method == Method::Pap => {
                self.facts.push_back(Fact::Send(wire::write_pap_reply(pap::ACK, packet.id, "")));
            }
            State::Passed => {
                self.repeat_verdict(packet.id);
            }
        }
    }

    /// The judge's answer to the last [`Fact::Verify`], and what the user owes if it is good.
    ///
    /// `agreed` says whether the client has agreed on callback in LCP.
    pub fn answer(&mut self, answer: &Answer, duty: Duty, agreed: bool) {
        let State::Asking { id, claim } = &self.state else { return };
        let (id, name) = (*id, claim.name.clone());
        let proven = match answer {
            Answer::Password(password) => claim.check(password).ok_or(Refusal::WrongPassword),
            Answer::NtHash(hash) => claim.check_hash(hash).ok_or(Refusal::WrongPassword),
            Answer::Accepted { success } => Ok(Proven { success: success.clone() }),
            Answer::Refused(refusal) => Err(*refusal),
        };
        match (proven, duty) {
            (Ok(_), Duty::MustBeCalledBack) if !agreed => {
                self.refuse(
                    id,
                    Refusal::NotAllowed,
                    "callback is required: switch it on in the client",
                );
                self.fail(Failure::CallbackNotAgreed(name));
            }
            // A peer of MS-CHAP 2 hangs up unless we prove that we know the password as well.
            (Ok(Proven { success: None }), _) if self.method == Method::MsChapV2 => {
                self.refuse(id, Refusal::NotAllowed, Refusal::NotAllowed.message());
                self.fail(Failure::Refused(name, Refusal::NotAllowed));
            }
            (Ok(Proven { success }), _) => {
                let packet = match self.method {
                    Method::Pap => wire::write_pap_reply(pap::ACK, id, ""),
                    Method::ChapMd5 | Method::MsChapV1 | Method::MsChapV2 => {
                        wire::write_verdict(chap::SUCCESS, id, &success.unwrap_or_default())
                    }
                };
                self.say(id, packet);
                self.state = State::Passed;
                self.facts.push_back(Fact::Passed(name));
            }
            (Err(refusal), _) => self.refused(id, name, refusal),
        }
    }

    /// Wrong passwords that the peer may still give.
    #[must_use]
    pub const fn tries_left(&self) -> u32 {
        self.tries_left
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        match &mut self.state {
            State::Passed | State::Failed => {}
            State::AwaitingRequest | State::Challenged { .. } | State::Asking { .. }
                if self.ends_at <= now =>
            {
                self.fail(Failure::TimedOut);
            }
            State::Challenged { repetition: Repetition::At(at), .. } if *at <= now => {
                *at = now + self.limits.restart;
                self.send_challenge();
            }
            State::AwaitingRequest | State::Challenged { .. } | State::Asking { .. } => {}
        }
    }

    /// When `tick` is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        let whole = Some(Deadline::new(self.ends_at, "authentication"));
        match self.state {
            State::Passed | State::Failed => None,
            State::Challenged { repetition: Repetition::At(at), .. } => {
                Deadline::earliest(whole, Some(Deadline::new(at, "chap response")))
            }
            State::AwaitingRequest | State::Challenged { .. } | State::Asking { .. } => whole,
        }
    }

    /// The next thing to be done or told.
    pub fn poll(&mut self) -> Option<Fact> {
        self.facts.pop_front()
    }

    fn send_challenge(&mut self) {
        if let State::Challenged { id, challenge, .. } = &self.state {
            let value = challenge.get(..self.challenge_length()).unwrap_or_default();
            let packet = wire::write_value(chap::CHALLENGE, *id, value, &self.our_name);
            self.facts.push_back(Fact::Send(packet));
        }
    }

    const fn challenge_length(&self) -> usize {
        match self.method {
            Method::MsChapV1 => 8,
            Method::Pap | Method::ChapMd5 | Method::MsChapV2 => 16,
        }
    }

    fn claim(&mut self, packet: Packet<'_>) {
        let claim = match &self.state {
            State::AwaitingRequest => wire::read_pap_request(packet.body)
                .map(|(name, password)| Claim { name, proof: Proof::Pap { password } }),
            State::Challenged { id, challenge, .. } if *id == packet.id => {
                read_response(self.method, packet, challenge)
            }
            State::Challenged { .. } | State::Asking { .. } | State::Passed | State::Failed => None,
        };
        if let Some(claim) = claim {
            self.facts.push_back(Fact::Verify(claim.duplicate()));
            self.state = State::Asking { id: packet.id, claim };
        }
    }

    /// A refusal by the judge: the peer may try again after a wrong password, if tries are left and the
    /// method has a way to.
    fn refused(&mut self, id: u8, name: Name, refusal: Refusal) {
        self.tries_left = self.tries_left.saturating_sub(1);
        let again = refusal == Refusal::WrongPassword && self.tries_left > 0;
        match (again, self.method) {
            (true, Method::Pap) => {
                self.refuse(id, refusal, refusal.message());
                self.state = State::AwaitingRequest;
            }
            (true, Method::MsChapV1 | Method::MsChapV2) => {
                let challenge = self.random.octets();
                let text = self.failure_text(refusal, refusal.message(), Some(&challenge));
                self.say(id, wire::write_verdict(chap::FAILURE, id, &text));
                // The next Response answers the Failure's challenge under the next identifier.
                let id = id.wrapping_add(1);
                self.state = State::Challenged { id, challenge, repetition: Repetition::ByPeer };
            }
            // RFC 1994 §4.2: the authenticator should end the link.
            (true, Method::ChapMd5) | (false, _) => {
                self.refuse(id, refusal, refusal.message());
                self.fail(Failure::Refused(name, refusal));
            }
        }
    }

    fn refuse(&mut self, id: u8, refusal: Refusal, message: &str) {
        let packet = match self.method {
            Method::Pap => wire::write_pap_reply(pap::NAK, id, message),
            Method::ChapMd5 => wire::write_verdict(chap::FAILURE, id, message),
            Method::MsChapV1 | Method::MsChapV2 => {
                wire::write_verdict(chap::FAILURE, id, &self.failure_text(refusal, message, None))
            }
        };
        self.say(id, packet);
    }

    /// `E=691 R=1 C=.. V=3 M=..` (RFC 2759 §6). Version 1 has no message (RFC 2433 §5).
    fn failure_text(&self, refusal: Refusal, message: &str, retry: Option<&[u8; 16]>) -> String {
        let challenge = retry.copied().unwrap_or_default();
        let challenge = hexadecimal(challenge.get(..self.challenge_length()).unwrap_or_default());
        let head = format!("E={} R={} C={challenge}", refusal.code(), u8::from(retry.is_some()));
        if self.method == Method::MsChapV1 {
            format!("{head} V=2")
        } else {
            format!("{head} V=3 M={message}")
        }
    }

    fn say(&mut self, id: u8, packet: Vec<u8>) {
        self.facts.push_back(Fact::Send(packet.clone()));
        self.verdict = Some(Verdict { id, packet });
    }

    fn repeat_verdict(&mut self, id: u8) -> bool {
        match &self.verdict {
            Some(verdict) if verdict.id == id => {
                self.facts.push_back(Fact::Send(verdict.packet.clone()));
                true
            }
            Some(_) | None => false,
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.state = State::Failed;
        self.facts.push_back(Fact::Failed(failure));
    }
}

/// A CHAP Response as a claim; `None` when its value has the wrong length, or proves by LAN Manager's
/// hash alone, which is as good as the password in the clear.
fn read_response(method: Method, packet: Packet<'_>, challenge: &[u8; 16]) -> Option<Claim> {
    let (value, name) = wire::read_value(packet.body)?;
    let id = packet.id;
    let proof = match method {
        Method::Pap => return None,
        Method::ChapMd5 => {
            Proof::ChapMd5 { id, challenge: *challenge, response: value.try_into().ok()? }
        }
        Method::MsChapV1 => {
            let (_lan_manager, rest) = value.split_first_chunk::<24>()?;
            let (response, flag) = rest.split_first_chunk::<24>()?;
            let challenge = *challenge.first_chunk::<8>()?;
            (flag == [1]).then_some(Proof::MsChapV1 { id, challenge, response: *response })?
        }
        Method::MsChapV2 => {
            let (peer_challenge, rest) = value.split_first_chunk::<16>()?;
            let (_reserved, rest) = rest.split_first_chunk::<8>()?;
            let (response, flags) = rest.split_first_chunk::<24>()?;
            let [_] = flags else { return None };
            Proof::MsChapV2 {
                id,
                challenge: *challenge,
                peer_challenge: *peer_challenge,
                response: *response,
            }
        }
    };
    Some(Claim { name, proof })
}
