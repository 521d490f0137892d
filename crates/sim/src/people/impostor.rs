//! A caller who plays the modem of the server that he has called: where its hang-up does nothing, all that it tells
//! its modem comes to him.
//!
//! ```text
//!   listening ── a command line, or +++ ──► waiting ── so long ──► answered ──► listening
//!       │ nothing for `quiet`                                        │ it was the last
//!       ▼                                                            ▼
//!     himself                                                     himself
//! ```
//!
//! It does not know who believes him.

use std::time::Duration;

use proto::time::{Deadline, Instant};

/// What somebody answers in a modem's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impostor {
    /// The answers; the first that fits a command line counts. What none fits is not answered.
    pub answers: Vec<Answer>,
    /// He is himself again when he was told nothing for so long.
    pub quiet: Duration,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What a command line begins with; `+++` stands for a line.
    pub to: String,
    /// How long he waits with it: the guard time, the time of a dial.
    pub after: Duration,
    /// What he says.
    pub says: String,
    /// Whether he is himself again behind it.
    pub last: bool,
}

impl Answer {
    /// To a line that begins so, after so many milliseconds, this result code.
    #[must_use]
    pub fn new(to: &str, after_ms: u64, code: &str) -> Self {
        let after = Duration::from_millis(after_ms);
        Self { to: to.to_owned(), after, says: format!("\r\n{code}\r\n"), last: false }
    }

    /// And it is the last.
    #[must_use]
    pub fn last(self) -> Self {
        Self { last: true, ..self }
    }
}

impl Impostor {
    /// A modem that takes everything, after these answers: `OK` to the escape when the guard time is over, to a
    /// hang-up, to a set-up.
    #[must_use]
    pub fn who_says(answers: impl IntoIterator<Item = Answer>, quiet: Duration) -> Self {
        let mut answers: Vec<Answer> = answers.into_iter().collect();
        answers.extend([
            Answer::new("+++", 1_200, "OK"),
            // The secret register is 16 at least (`calls::line::registers`): as good a guess as any.
            Answer::new("ATS8?", 50, "137\r\n\r\nOK"),
            Answer::new("ATS0?S8?S2?", 50, "000\r\n\r\n137\r\n\r\n255\r\n\r\nOK"),
            Answer::new("AT", 50, "OK"),
        ]);
        Self { answers, quiet }
    }
}

/// Somebody at it.
#[derive(Debug)]
pub(super) struct Playing {
    /// An answer that waits for its time, by its place.
    says: Option<(Instant, usize)>,
    /// When he has been told nothing for long enough.
    quiet: Instant,
}

/// Where he is after what he has heard so far.
pub(super) enum Played {
    On,
    Over,
}

impl Playing {
    pub(super) fn begin(now: Instant, impostor: &Impostor) -> Self {
        Self { says: None, quiet: now + impostor.quiet }
    }

    pub(super) fn deadline(&self) -> Deadline {
        match self.says {
            Some((at, _)) => Deadline::new(at, "an impostor's answer"),
            None => Deadline::new(self.quiet, "an impostor's patience"),
        }
    }

    /// Takes command lines out of what was heard, and says what is due.
    pub(super) fn go_on(
        &mut self,
        now: Instant,
        impostor: &Impostor,
        heard: &mut Vec<u8>,
        mut say: impl FnMut(&str),
    ) -> Played {
        loop {
            if let Some((at, index)) = self.says {
                if now < at {
                    return Played::On;
                }
                self.says = None;
                self.quiet = now + impostor.quiet;
                let Some(answer) = impostor.answers.get(index) else { return Played::Over };
                say(&answer.says);
                if answer.last {
                    return Played::Over;
                }
            }
            let Some(line) = command_line(heard) else {
                return if now < self.quiet { Played::On } else { Played::Over };
            };
            let fits = |answer: &Answer| line.starts_with(&answer.to);
            if let Some(index) = impostor.answers.iter().position(fits) {
                let after = impostor.answers.get(index).map_or(Duration::ZERO, |a| a.after);
                self.says = Some((now + after, index));
            }
        }
    }
}

/// The next whole command line, or escape, out of what was heard.
fn command_line(heard: &mut Vec<u8>) -> Option<String> {
    let escape = heard.windows(3).position(|window| window == b"+++").map(|at| at + 3);
    let line = heard.iter().position(|&byte| byte == b'\r').map(|at| at + 1);
    let end = match (escape, line) {
        (Some(escape), Some(line)) => escape.min(line),
        (escape, line) => escape.or(line)?,
    };
    let bytes: Vec<u8> = heard.drain(..end).collect();
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim();
    Some(if text.ends_with("+++") { "+++" } else { text }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_answered_in_their_time_and_all_else_is_not() {
        let dial = Answer::new("ATD", 2_000, "CONNECT").last();
        let impostor = Impostor::who_says([dial], Duration::from_secs(60));
        let mut playing = Playing::begin(Instant::ZERO, &impostor);
        let mut heard = Vec::new();
        let mut play = |ms: u64, bytes: &str| {
            heard.extend_from_slice(bytes.as_bytes());
            let mut said = String::new();
            let played = playing.go_on(Instant::from_millis(ms), &impostor, &mut heard, |text| {
                said.push_str(text.trim());
            });
            (said, matches!(played, Played::Over))
        };
        assert_eq!(play(1_000, "We hang up.\r\n++"), (String::new(), false));
        assert_eq!(play(1_010, "+"), (String::new(), false));
        assert_eq!(play(2_209, ""), (String::new(), false));
        assert_eq!(play(2_210, "ATH\r"), ("OK".to_owned(), false));
        assert_eq!(play(2_260, ""), ("OK".to_owned(), false));
        assert_eq!(play(3_000, "ATDT555"), (String::new(), false));
        assert_eq!(play(4_000, "0199\r"), (String::new(), false));
        assert_eq!(play(6_000, ""), ("CONNECT".to_owned(), true));
    }

    #[test]
    fn he_is_himself_again_when_nothing_is_said() {
        let impostor = Impostor::who_says([], Duration::from_secs(3));
        let mut playing = Playing::begin(Instant::ZERO, &impostor);
        let mut heard = b"login: ".to_vec();
        let early = playing.go_on(Instant::from_millis(2_999), &impostor, &mut heard, |_| {});
        assert!(matches!(early, Played::On));
        let late = playing.go_on(Instant::from_millis(3_000), &impostor, &mut heard, |_| {});
        assert!(matches!(late, Played::Over));
        assert_eq!(heard, b"login: ", "what is no command is still to be expected");
    }
}
