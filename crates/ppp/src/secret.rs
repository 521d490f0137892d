//! Names that a peer gives, and secrets that nobody may see.
//!
//! A [`Secret`] has no `Debug` and no `Clone`, compares in constant time and is wiped when it goes. A
//! [`Name`] is octets: PPP does not say in which alphabet, and two names that differ must never become
//! one by a lossy conversion.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A password, or anything else that must not be printed, copied or left in memory.
#[expect(missing_debug_implementations, reason = "a secret is never printed")]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the octets over; the caller keeps no copy.
    #[must_use]
    pub const fn new(octets: Vec<u8>) -> Self {
        Self(octets)
    }

    /// The octets, for computing with them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether both are the same, in a time that depends on their lengths only.
    #[must_use]
    pub fn matches(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

/// A user's or a system's name, as its octets came over the line.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Vec<u8>);

impl Name {
    /// A name of these octets.
    #[must_use]
    pub fn new(octets: &[u8]) -> Self {
        Self(octets.to_vec())
    }

    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name as text, if it is UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The name behind a `DOMAIN\` prefix, which Windows puts before it.
    ///
    /// MS-CHAP hashes the name without the domain (RFC 2759 §4), and a user list usually has it without.
    #[must_use]
    pub fn without_domain(&self) -> &[u8] {
        match self.0.iter().rposition(|&octet| octet == b'\\') {
            Some(at) => self.0.get(at + 1..).unwrap_or_default(),
            None => &self.0,
        }
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            Some(text) if !text.chars().any(char::is_control) => f.write_str(text),
            Some(_) | None => write!(f, "{}", self.0.escape_ascii()),
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_without_letting_it_speak() {
        for (octets, shown, bare) in [
            (b"alice".as_slice(), "alice", b"alice".as_slice()),
            (b"BRANCH\\alice", "BRANCH\\alice", b"alice"),
            (b"al\x1b[2Jice", "al\\x1b[2Jice", b"al\x1b[2Jice"),
            (b"\xff", "\\xff", b"\xff"),
            (b"", "", b""),
        ] {
            let name = Name::new(octets);
            assert_eq!(name.to_string(), shown);
            assert_eq!(name.without_domain(), bare);
        }
    }

    #[test]
    fn a_secret_matches_itself_only() {
        let secret = Secret::from("s3cret");
        assert!(secret.matches(b"s3cret"));
        assert!(!secret.matches(b"s3cre"));
        assert!(!secret.matches(b"S3cret"));
        assert!(!secret.matches(b""));
    }
}
