//! One-time codes from a clock: TOTP (RFC 6238) with SHA-1, six digits and steps of 30 seconds, which is what
//! every code generator does.
//!
//! A code counts in its own step and in the ones beside it, for clocks that differ and people who type
//! slowly. A step that was used counts no more, nor does any before it (RFC 6238 §5.2): whoever watched a code
//! being typed cannot type it again. The caller of [`check`] remembers the step, on stable storage.
//!
//! It reads no clock.

use std::collections::BTreeMap;

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use ppp::secret::Secret;
use sha1::Sha1;

/// Seconds of a step.
pub const STEP: i64 = 30;
/// Digits of a code.
pub const DIGITS: usize = 6;
/// Steps before and after the present one in which a code counts.
const SLACK: i64 = 1;
/// The shortest key that is taken, in octets: RFC 4226 §4 asks for 128 bits. Most generators make 80, and many
/// of those are about; fewer can be guessed.
const MIN_KEY: usize = 10;
/// The longest: SHA-1's block. A longer one is hashed first, and most generators get that wrong.
const MAX_KEY: usize = 64;

/// The key in a text of base32, as generators and QR codes have it: letter case, blanks and dashes do not count.
///
/// # Errors
/// Why it is none; the text is not quoted.
pub fn key(text: &str) -> Result<Secret, &'static str> {
    let plain: String = text
        .chars()
        .filter(|letter| !matches!(letter, ' ' | '-' | '='))
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    let octets = BASE32_NOPAD
        .decode(plain.as_bytes())
        .map_err(|_| "base32 has the letters A to Z and the digits 2 to 7")?;
    match octets.len() {
        0..MIN_KEY => Err("it has fewer than 80 bits"),
        MIN_KEY..=MAX_KEY => Ok(Secret::new(octets)),
        _ => Err("it has more than 512 bits"),
    }
}

/// The key as text.
#[must_use]
pub fn key_text(key: &Secret) -> String {
    BASE32_NOPAD.encode(key.expose())
}

/// The address that code generators read from a QR code.
#[must_use]
pub fn uri(key: &Secret, issuer: &str, user: &str) -> String {
    let (issuer, user) = (escaped(issuer), escaped(user));
    format!("otpauth://totp/{issuer}:{user}?secret={}&issuer={issuer}", key_text(key))
}

/// Percent-encoded (RFC 3986 §2.3).
fn escaped(text: &str) -> String {
    let octet = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(octet).collect()
}

/// The last step that each user has used. What it knows stands in the journal too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsedCodes(BTreeMap<String, i64>);

impl UsedCodes {
    /// A code of this step has proved this user's name.
    pub fn used(&mut self, user: &str, step: i64) {
        let last = self.0.entry(user.to_owned()).or_insert(step);
        *last = step.max(*last);
    }

    /// The last step that the user has used.
    #[must_use]
    pub fn last(&self, user: &str) -> Option<i64> {
        self.0.get(user).copied()
    }
}

/// What is wrong with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not the code of now.
    Wrong,
    /// It is, and it was used before.
    Replayed,
}

impl Fault {
    /// For people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Wrong => "not the code of now",
            Self::Replayed => "a code that was used before",
        }
    }
}

/// Whether `code` counts at this time (in milliseconds since 1970), and as which step; `used` is the last step
/// that was used.
///
/// # Errors
/// It is wrong, or was used before.
pub fn check(key: &Secret, code: &str, unix_ms: i64, used: Option<i64>) -> Result<i64, Fault> {
    let now = unix_ms.div_euclid(1000).div_euclid(STEP);
    let mut found = None;
    // All of them, whichever fits: the time tells nothing.
    for step in now - SLACK..=now + SLACK {
        if Secret::from(code).matches(code_of(key, step).as_bytes()) {
            found = found.or(Some(step));
        }
    }
    let step = found.ok_or(Fault::Wrong)?;
    if used.is_some_and(|used| step <= used) { Err(Fault::Replayed) } else { Ok(step) }
}

/// The code of now, for whoever sets a generator up.
#[must_use]
pub fn code_at(key: &Secret, unix_ms: i64) -> String {
    code_of(key, unix_ms.div_euclid(1000).div_euclid(STEP))
}

fn code_of(key: &Secret, step: i64) -> String {
    format!("{:0DIGITS$}", hotp(key, step.unsigned_abs()) % 1_000_000)
}

/// RFC 4226 §5.3, without the last step.
fn hotp(key: &Secret, counter: u64) -> u32 {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key.expose()) else { return 0 };
    mac.update(&counter.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = digest.last().map_or(0, |last| usize::from(last & 0x0f));
    let four = digest.get(offset..offset + 4).and_then(|four| <[u8; 4]>::try_from(four).ok());
    u32::from_be_bytes(four.unwrap_or_default()) & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 4226 appendix D and RFC 6238 appendix B.
    fn rfc_key() -> Secret {
        Secret::from("12345678901234567890")
    }

    #[test]
    fn codes_are_those_of_rfc_4226_appendix_d() {
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (step, code) in codes.into_iter().enumerate() {
            assert_eq!(code_of(&rfc_key(), step as i64), code, "counter {step}");
        }
    }

    #[test]
    fn codes_are_those_of_rfc_6238_appendix_b() {
        // The last six of the table's eight digits.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_at(&rfc_key(), seconds * 1000), code, "{seconds}");
        }
    }

    #[test]
    fn a_code_counts_a_step_early_and_late_and_once() {
        let key = rfc_key();
        // 1_111_111_110 begins step 37037037.
        let (now, step) = (1_111_111_115_000, 37_037_037);
        let code = |step| code_of(&key, step);
        for (typed, used, wanted) in [
            (code(step), None, Ok(step)),
            (code(step - 1), None, Ok(step - 1)),
            (code(step + 1), None, Ok(step + 1)),
            (code(step - 2), None, Err(Fault::Wrong)),
            (code(step + 2), None, Err(Fault::Wrong)),
            (code(step), Some(step - 1), Ok(step)),
            (code(step), Some(step), Err(Fault::Replayed)),
            // One from before the last used one is old, whoever types it.
            (code(step - 1), Some(step), Err(Fault::Replayed)),
            (code(step + 1), Some(step), Ok(step + 1)),
            (String::new(), None, Err(Fault::Wrong)),
            (code(step).chars().take(5).collect(), None, Err(Fault::Wrong)),
            (format!("{}0", code(step)), None, Err(Fault::Wrong)),
            ("999999".to_owned(), Some(step), Err(Fault::Wrong)),
        ] {
            assert_eq!(check(&key, &typed, now, used), wanted, "{typed} {used:?}");
        }
    }

    #[test]
    fn keys_are_base32_of_80_to_512_bits_however_they_are_written() {
        for text in ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "gezd gnbv gy3t qojq gezd-gnbv-gy3t-qojq"]
        {
            assert_eq!(
                key(text).map(|key| key.expose().to_vec()),
                Ok(b"12345678901234567890".into())
            );
        }
        for (text, why) in [
            ("", "it has fewer than 80 bits"),
            ("JBSWY3DP", "it has fewer than 80 bits"),
            ("JBSWY3DPEHPK3PX1", "base32 has the letters A to Z and the digits 2 to 7"),
            (&"A".repeat(104), "it has more than 512 bits"),
        ] {
            assert_eq!(key(text).map(drop), Err(why), "{text}");
        }
    }

    #[test]
    fn an_address_carries_names_with_any_letters() {
        assert_eq!(
            uri(&rfc_key(), "alma & co", "alice"),
            "otpauth://totp/alma%20%26%20co:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=alma%20%26%20co"
        );
    }
}
