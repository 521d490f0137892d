//! Six digits that bind a return call to its request leg: shown on the one, demanded on the other.
//!
//! Somebody who answers the call by an accident of the network, or because he has had the number diverted, has
//! not seen the first call. The code lives in memory only: no event carries it, and a restart forgets it.

use ppp::secret::Secret;

use crate::chance::Chance;

/// Digits of a code. With three tries one guesses it three times in a million.
const DIGITS: usize = 6;

/// A code.
pub(crate) struct Code(Secret);

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(..)")
    }
}

impl Code {
    /// A new one.
    pub(crate) fn random(chance: &mut Chance) -> Self {
        let digits = chance.up_to(999_999);
        Self(Secret::from(format!("{digits:0DIGITS$}").as_str()))
    }

    /// Whether this was typed; blanks do not count. The time does not tell how much of it was right.
    pub(crate) fn is(&self, typed: &str) -> bool {
        let digits: Vec<u8> = typed.bytes().filter(|byte| *byte != b' ').collect();
        self.0.matches(&digits)
    }

    /// For whoever is to pass it on.
    pub(crate) fn shown(&self) -> String {
        String::from_utf8_lossy(self.0.expose()).into_owned()
    }

    /// What the caller is told before the request leg ends. None of it may look like a prompt or a modem's word.
    pub(crate) fn notice(&self) -> Vec<u8> {
        let mut text = b"\r\nOn the next call you will be asked for this code: ".to_vec();
        text.extend_from_slice(self.0.expose());
        text.extend_from_slice(b"\r\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_six_digits_and_only_itself() {
        let mut chance = Chance::new([3; 32]);
        for _ in 0..100 {
            let code = Code::random(&mut chance);
            let shown = String::from_utf8(code.notice()).expect("text");
            let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
            assert_eq!(digits.len(), DIGITS);
            let (first, rest) = digits.split_at(3);
            assert!(code.is(&digits) && code.is(&format!("{first} {rest}")));
            assert!(!code.is(rest) && !code.is(&format!("{digits}0")) && !code.is(""));
            assert!(!format!("{code:?}").contains(&digits));
        }
    }

    #[test]
    fn the_notice_has_no_word_that_a_script_or_a_modem_waits_for() {
        let shown = Code::random(&mut Chance::new([3; 32])).notice();
        let folded = String::from_utf8(shown).expect("text").to_ascii_lowercase();
        for word in ["ring", "ogin: ", "> ", "assword: ", "callback: ", "at", "a/", "busy", "voice"]
        {
            assert!(!folded.contains(word), "{word:?}");
        }
    }
}
