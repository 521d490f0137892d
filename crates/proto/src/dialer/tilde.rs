//! The person's escapes on a session, as ssh(1) and cu(1) have them: a `~` at the beginning of a line.
//!
//! ```text
//!   Start ─~─► Tilde ─ . # ? ~ ─► done
//!     ▲ │ any other key             │ anything else: both keys are sent
//!   CR│ ▼                           ▼
//!    Line ◄─────────────────────────┘
//! ```
//!
//! It does not know what an escape does.

/// What a person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// These keys are for the far end.
    Keys(Vec<u8>),
    /// `~.`: end the call.
    HangUp,
    /// `~#`: send a break.
    Break,
    /// `~?`: show the escapes.
    Help,
}

/// What `~?` shows. The lines end as a raw terminal needs it.
pub const HELP: &str = "\r\n\
Escapes, at the beginning of a line:\r\n \
~.   hang up\r\n \
~#   send a break\r\n \
~?   this list\r\n \
~~   a tilde\r\n";

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Start,
    Line,
    Tilde,
}

/// Finds the escapes in what is typed.
#[derive(Debug, Default)]
pub struct Tilde(State);

impl Tilde {
    /// Takes what is typed; says what it means, in order.
    pub fn typed(&mut self, bytes: &[u8]) -> Vec<Wish> {
        let mut wishes = Vec::new();
        let mut keys = Vec::new();
        for &byte in bytes {
            let after = if matches!(byte, b'\r' | b'\n') { State::Start } else { State::Line };
            let wish = match (self.0, byte) {
                (State::Start, b'~') => {
                    self.0 = State::Tilde;
                    continue;
                }
                (State::Start | State::Line, _) => {
                    keys.push(byte);
                    self.0 = after;
                    continue;
                }
                (State::Tilde, b'.') => Wish::HangUp,
                (State::Tilde, b'#') => Wish::Break,
                (State::Tilde, b'?') => Wish::Help,
                (State::Tilde, _) => {
                    keys.push(b'~');
                    if byte != b'~' {
                        keys.push(byte);
                    }
                    self.0 = after;
                    continue;
                }
            };
            self.0 = State::Start;
            if !keys.is_empty() {
                wishes.push(Wish::Keys(std::mem::take(&mut keys)));
            }
            wishes.push(wish);
        }
        if !keys.is_empty() {
            wishes.push(Wish::Keys(keys));
        }
        wishes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &[&str], wanted: &[Wish]) {
        let mut tilde = Tilde::default();
        let wishes: Vec<_> = typed.iter().flat_map(|text| tilde.typed(text.as_bytes())).collect();
        assert_eq!(wishes, wanted, "{typed:?}");
    }

    fn keys(text: &str) -> Wish {
        Wish::Keys(text.as_bytes().to_vec())
    }

    #[test]
    fn an_escape_counts_at_the_beginning_of_a_line() {
        check(&["~."], &[Wish::HangUp]);
        check(&["ls\r~#"], &[keys("ls\r"), Wish::Break]);
        check(&["~", "?"], &[Wish::Help]);
        check(&["~?~."], &[Wish::Help, Wish::HangUp]);
    }

    #[test]
    fn elsewhere_a_tilde_is_a_tilde() {
        check(&["cd ~."], &[keys("cd ~.")]);
        check(&["~~."], &[keys("~.")]);
        check(&["~", "x"], &[keys("~x")]);
        check(&["~\r~."], &[keys("~\r"), Wish::HangUp]);
    }
}
