//! The arithmetic of MS-CHAP 1 and 2 (RFC 2433 appendix A, RFC 2759 §8).
//!
//! What it needs of the password is its NT hash, so a store may keep that instead. The hash is as good
//! as the password to whoever steals it: both are secrets, wiped when they go.

use des::Des;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use md4::{Digest, Md4};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::secret::Secret;

const TO_CLIENT: &[u8] = b"Magic server to client signing constant";
const PADDING: &[u8] = b"Pad to make it do more than one iteration";

/// MD4 of the password in UTF-16: what Windows stores instead of it.
#[expect(missing_debug_implementations, reason = "it is as good as the password")]
pub struct NtHash([u8; 16]);

impl NtHash {
    /// A hash that a store has kept.
    #[must_use]
    pub const fn new(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// The hash of a password. One that is not UTF-8 is taken as ISO 8859-1, octet by octet.
    #[must_use]
    pub fn of(password: &Secret) -> Self {
        let octets = password.expose();
        let mut units: Vec<u8> = match std::str::from_utf8(octets) {
            Ok(text) => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Err(_) => octets.iter().flat_map(|octet| [*octet, 0]).collect(),
        };
        let hash = Self(Md4::digest(&units).into());
        units.zeroize();
        hash
    }

    /// The 24 octets that answer an 8-octet challenge (RFC 2433 §A.5): the challenge, enciphered with
    /// the three thirds of the hash.
    #[must_use]
    pub fn response_to(&self, challenge: [u8; 8]) -> [u8; 24] {
        let mut padded = [0; 21];
        for (to, from) in padded.iter_mut().zip(self.0) {
            *to = from;
        }
        let mut response = [0; 24];
        for (part, key) in response.as_chunks_mut::<8>().0.iter_mut().zip(padded.as_chunks::<7>().0)
        {
            let mut block = challenge.into();
            Des::new(&with_parity_bits(*key).into()).encrypt_block(&mut block);
            *part = block.into();
        }
        padded.zeroize();
        response
    }

    /// Whether an MS-CHAP response shows that the peer has this hash.
    #[must_use]
    pub fn answers(&self, challenge: [u8; 8], response: &[u8; 24]) -> bool {
        self.response_to(challenge).ct_eq(response).into()
    }

    /// How the authenticator proves in turn that it has the hash (RFC 2759 §8.7): `S=` and 40
    /// hexadecimal digits, in capitals.
    #[must_use]
    pub fn authenticator_response(&self, response: &[u8; 24], challenge: [u8; 8]) -> String {
        let mut hash_of_hash: [u8; 16] = Md4::digest(self.0).into();
        let digest = Sha1::new()
            .chain_update(hash_of_hash)
            .chain_update(response)
            .chain_update(TO_CLIENT)
            .finalize();
        hash_of_hash.zeroize();
        let proof = Sha1::new()
            .chain_update(digest)
            .chain_update(challenge)
            .chain_update(PADDING)
            .finalize();
        format!("S={}", hexadecimal(&proof))
    }
}

impl Drop for NtHash {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The 8-octet challenge that MS-CHAP 2 makes of both sides' challenges and the user's name without its
/// domain (RFC 2759 §8.2).
#[must_use]
pub fn challenge_hash(peer: &[u8; 16], authenticator: &[u8; 16], user: &[u8]) -> [u8; 8] {
    let digest =
        Sha1::new().chain_update(peer).chain_update(authenticator).chain_update(user).finalize();
    let mut challenge = [0; 8];
    for (to, from) in challenge.iter_mut().zip(digest) {
        *to = from;
    }
    challenge
}

/// Octets as hexadecimal digits, in capitals as Windows wants them.
#[must_use]
pub(super) fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// Spreads 56 bits over the high seven bits of eight octets. DES ignores the lowest bit of each.
fn with_parity_bits(key: [u8; 7]) -> [u8; 8] {
    let [a, b, c, d, e, f, g] = key.map(u64::from);
    let bits = a << 48 | b << 40 | c << 32 | d << 24 | e << 16 | f << 8 | g;
    let mut spread = [0; 8];
    for (index, octet) in spread.iter_mut().enumerate() {
        let [.., low] = (bits >> (49 - 7 * index)).to_be_bytes();
        *octet = low << 1;
    }
    spread
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        crate::hex::octets(text).try_into().unwrap()
    }

    #[test]
    fn version_1_gives_the_published_response() {
        let response = NtHash::of(&"MyPw".into()).response_to(hex("102DB5DF085D3041"));
        assert_eq!(hexadecimal(&response), "4E9D3C8F9CFD385D5BF4D3246791956CA4C351AB409A3D61");
    }

    #[test]
    fn version_2_gives_the_responses_of_rfc_2759_section_9_2() {
        let authenticator = hex("5B5D7C7D7B3F2F3E3C2C602132262628");
        let peer = hex("21402324255E262A28295F2B3A337C7E");
        let challenge = challenge_hash(&peer, &authenticator, b"User");
        assert_eq!(hexadecimal(&challenge), "D02E4386BCE91226");
        let hash = NtHash::of(&"clientPass".into());
        assert_eq!(hexadecimal(&hash.0), "44EBBA8D5312B8D611474411F56989AE");
        let response = hash.response_to(challenge);
        assert_eq!(hexadecimal(&response), "82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF");
        assert!(hash.answers(challenge, &response));
        assert!(!NtHash::of(&"clientpass".into()).answers(challenge, &response));
        assert_eq!(
            hash.authenticator_response(&response, challenge),
            "S=407A5589115FD0D6209F510FE9C04566932CDA56"
        );
    }

    #[test]
    fn seven_octets_spread_over_the_high_bits_of_eight() {
        assert_eq!(with_parity_bits([0xff; 7]), [0xfe; 8]);
        assert_eq!(with_parity_bits([0x80, 0, 0, 0, 0, 0, 0x01]), [0x80, 0, 0, 0, 0, 0, 0, 0x02]);
    }
}
