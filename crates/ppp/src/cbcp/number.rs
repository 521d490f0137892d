//! Telephone numbers as callers send them, and what of them may be dialled.
//!
//! A caller sends whatever its user typed: spaces, brackets, dashes, letters. What comes out of
//! [`Number::dialable`] is digits, `*`, `#` and a leading `+`; anything that is not punctuation between
//! them refuses the whole number, so that nothing of it can ever reach a modem as a command. It does not
//! know dialling prefixes, nor which numbers are allowed: that is policy.

use std::fmt;

/// The longest number that a Response can carry: an option's 255 octets less its header of five.
pub const LONGEST: usize = 250;

/// A number as its octets came, without the NUL. It may be anything.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(Vec<u8>);

/// What a number may look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberRules {
    /// The most digits. E.164 has 15; prefixes and extensions come on top.
    pub longest: usize,
    /// Whether `,` and `W`, which make a modem wait, may stand in it.
    pub pauses: Pauses,
}

/// Whether a number may make the modem wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pauses {
    /// It may not.
    Refused,
    /// It may, for callers behind an exchange of their own.
    Kept,
}

impl Default for NumberRules {
    fn default() -> Self {
        Self { longest: 32, pauses: Pauses::Refused }
    }
}

/// Why a number cannot be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFault {
    /// There is no digit in it.
    Empty,
    /// It has this many digits, which is more than the rules allow.
    TooLong(usize),
    /// This octet has no place in a number.
    Unusable(u8),
}

impl fmt::Display for NumberFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the number is empty"),
            Self::TooLong(digits) => write!(f, "the number is too long ({digits} digits)"),
            Self::Unusable(octet) => {
                write!(f, "'{}' has no place in a number", [*octet].escape_ascii())
            }
        }
    }
}

impl Number {
    /// A number of these octets, of which a NUL and what follows it are left out.
    #[must_use]
    pub fn new(octets: &[u8]) -> Self {
        Self(octets.split(|octet| *octet == 0).next().unwrap_or_default().to_vec())
    }

    /// The octets as they came.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The number to dial.
    ///
    /// # Errors
    /// When it has no digits, too many, or something in it that is neither digit nor punctuation.
    pub fn dialable(&self, rules: NumberRules) -> Result<String, NumberFault> {
        let mut digits = String::new();
        for octet in &self.0 {
            match octet {
                b' ' | b'(' | b')' | b'-' | b'.' | b'/' => {}
                b'0'..=b'9' | b'*' | b'#' => digits.push(char::from(*octet)),
                b'+' if digits.is_empty() => digits.push('+'),
                b',' | b'W' | b'w' if rules.pauses == Pauses::Kept => {
                    digits.push(char::from(octet.to_ascii_uppercase()));
                }
                octet => return Err(NumberFault::Unusable(*octet)),
            }
        }
        if !digits.contains(|letter: char| letter.is_ascii_digit()) {
            return Err(NumberFault::Empty);
        }
        if digits.len() > rules.longest {
            return Err(NumberFault::TooLong(digits.len()));
        }
        Ok(digits)
    }
}

impl From<&str> for Number {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_survive_and_anything_odd_refuses_the_whole() {
        for (typed, wanted) in [
            ("5551234", Ok("5551234")),
            ("(555) 123-4567", Ok("5551234567")),
            ("+49 30/555.12", Ok("+493055512")),
            ("*70#", Ok("*70#")),
            ("", Err(NumberFault::Empty)),
            (" - ", Err(NumberFault::Empty)),
            ("+", Err(NumberFault::Empty)),
            ("555+1", Err(NumberFault::Unusable(b'+'))),
            ("9,555", Err(NumberFault::Unusable(b','))),
            ("555;H", Err(NumberFault::Unusable(b';'))),
            ("555\rATH", Err(NumberFault::Unusable(b'\r'))),
            ("AT", Err(NumberFault::Unusable(b'A'))),
            ("555\u{80}", Err(NumberFault::Unusable(0xc2))),
            ("123456789012345678901234567890123", Err(NumberFault::TooLong(33))),
        ] {
            let dialable = Number::from(typed).dialable(NumberRules::default());
            assert_eq!(dialable, wanted.map(str::to_owned), "{typed:?}");
        }
        let pauses = NumberRules { pauses: Pauses::Kept, ..NumberRules::default() };
        assert_eq!(Number::from("9,w 555").dialable(pauses).unwrap(), "9,W555");
    }

    #[test]
    fn a_number_ends_at_its_nul() {
        assert_eq!(Number::new(b"555\x00123"), Number::from("555"));
        assert_eq!(Number::new(b"\x00"), Number::from(""));
    }
}
