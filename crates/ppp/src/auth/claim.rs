//! What a peer claims, and what its judge may answer.
//!
//! A [`Claim`] carries everything that is needed to judge it anywhere: the crate itself with the
//! password or its NT hash, or a RADIUS server with the challenge and the response. The judge answers
//! with an [`Answer`], in its own time.

use md5::Md5;
use sha1::Digest;
use subtle::ConstantTimeEq;

use super::Method;
use super::ms_chap::{NtHash, challenge_hash};
use crate::secret::{Name, Secret};

/// A name, and what is shown as a proof that it is one's own.
#[derive(Debug)]
pub struct Claim {
    /// The name as it was given, perhaps with a `DOMAIN\` before it.
    pub name: Name,
    /// The proof.
    pub proof: Proof,
}

/// How a name is proved.
pub enum Proof {
    /// The password itself.
    Pap {
        /// As it came over the line, in the clear.
        password: Secret,
    },
    /// MD5 over identifier, secret and challenge.
    ChapMd5 {
        /// The packet's identifier, which goes into the digest.
        id: u8,
        /// What we asked.
        challenge: [u8; 16],
        /// What the peer answered.
        response: [u8; 16],
    },
    /// The challenge enciphered with the NT hash.
    MsChapV1 {
        /// The packet's identifier, which RADIUS wants.
        id: u8,
        /// What we asked.
        challenge: [u8; 8],
        /// What the peer answered.
        response: [u8; 24],
    },
    /// The same with a challenge of both sides.
    MsChapV2 {
        /// The packet's identifier, which RADIUS wants.
        id: u8,
        /// What we asked.
        challenge: [u8; 16],
        /// What the peer asks.
        peer_challenge: [u8; 16],
        /// What the peer answered.
        response: [u8; 24],
    },
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.method())
    }
}

/// What the judge of a claim says.
#[expect(missing_debug_implementations, reason = "it may hold a password")]
pub enum Answer {
    /// The name is known; this is its password. The proof is checked here.
    Password(Secret),
    /// The name is known; this is its NT hash. It checks MS-CHAP and PAP, but not CHAP with MD5.
    NtHash(NtHash),
    /// The judge has checked the proof itself, and it is good.
    Accepted {
        /// For MS-CHAP 2, the `S=` text that proves the judge to the peer; a RADIUS server sends it as
        /// MS-CHAP2-Success. Without it an MS-CHAP 2 peer cannot be let in.
        success: Option<String>,
    },
    /// The name is unknown, the proof is bad, or the user may not come in.
    Refused(Refusal),
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Name or password is wrong. The only one after which trying again makes sense.
    WrongPassword,
    /// The user may not dial in; also the answer to one who must be called back, but whose client did
    /// not ask for it.
    NotAllowed,
    /// Not at this hour.
    WrongHour,
    /// The account is switched off.
    Disabled,
    /// The password has to be changed first.
    Expired,
}

impl Refusal {
    /// The error code of an MS-CHAP Failure packet (RFC 2433 §6).
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::WrongPassword => 691,
            Self::NotAllowed => 649,
            Self::WrongHour => 646,
            Self::Disabled => 647,
            Self::Expired => 648,
        }
    }

    /// What the user is told.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::WrongPassword => "name or password is wrong",
            Self::NotAllowed => "no permission to dial in",
            Self::WrongHour => "not allowed at this hour",
            Self::Disabled => "the account is disabled",
            Self::Expired => "the password has expired",
        }
    }
}

impl Proof {
    /// By which method it was given.
    #[must_use]
    pub const fn method(&self) -> Method {
        match self {
            Self::Pap { .. } => Method::Pap,
            Self::ChapMd5 { .. } => Method::ChapMd5,
            Self::MsChapV1 { .. } => Method::MsChapV1,
            Self::MsChapV2 { .. } => Method::MsChapV2,
        }
    }
}

/// A proof that turned out good.
#[derive(Debug, PartialEq, Eq)]
pub struct Proven {
    /// What an MS-CHAP 2 peer has to be told.
    pub success: Option<String>,
}

impl Claim {
    /// Checks the proof with the password.
    #[must_use]
    pub fn check(&self, password: &Secret) -> Option<Proven> {
        let good = match &self.proof {
            Proof::Pap { password: given } => password.matches(given.expose()),
            Proof::ChapMd5 { id, challenge, response } => {
                md5_response(*id, password, challenge).ct_eq(response).into()
            }
            Proof::MsChapV1 { .. } | Proof::MsChapV2 { .. } => {
                return self.check_hash(&NtHash::of(password));
            }
        };
        good.then_some(Proven { success: None })
    }

    /// Checks the proof with the NT hash, where that is enough.
    #[must_use]
    pub fn check_hash(&self, hash: &NtHash) -> Option<Proven> {
        match &self.proof {
            // Both hashes answer the same challenge alike if they are the same.
            Proof::Pap { password } => {
                let challenge = [0x5a; 8];
                let given = NtHash::of(password).response_to(challenge);
                hash.answers(challenge, &given).then_some(Proven { success: None })
            }
            Proof::ChapMd5 { .. } => None,
            Proof::MsChapV1 { challenge, response, .. } => {
                hash.answers(*challenge, response).then_some(Proven { success: None })
            }
            Proof::MsChapV2 { challenge, peer_challenge, response, .. } => {
                let both = challenge_hash(peer_challenge, challenge, self.name.without_domain());
                hash.answers(both, response)
                    .then(|| Proven { success: Some(hash.authenticator_response(response, both)) })
            }
        }
    }

    /// A second copy: one for the judge, one to check its answer with.
    pub(super) fn duplicate(&self) -> Self {
        let proof = match &self.proof {
            Proof::Pap { password } => {
                Proof::Pap { password: Secret::new(password.expose().to_vec()) }
            }
            &Proof::ChapMd5 { id, challenge, response } => {
                Proof::ChapMd5 { id, challenge, response }
            }
            &Proof::MsChapV1 { id, challenge, response } => {
                Proof::MsChapV1 { id, challenge, response }
            }
            &Proof::MsChapV2 { id, challenge, peer_challenge, response } => {
                Proof::MsChapV2 { id, challenge, peer_challenge, response }
            }
        };
        Self { name: self.name.clone(), proof }
    }
}

/// The response of CHAP with MD5 (RFC 1994 §4.1).
#[must_use]
pub(super) fn md5_response(id: u8, secret: &Secret, challenge: &[u8]) -> [u8; 16] {
    Md5::new()
        .chain_update([id])
        .chain_update(secret.expose())
        .chain_update(challenge)
        .finalize()
        .into()
}
