//! The caller at her terminal: one of the town's people, with a cable to her modem.
//!
//! It plays a story's steps, and tells a failure so that a reader knows what she waited for. What she
//! sees is gathered into words before it is shown: a modem hands it on in pieces of any size.

use std::collections::VecDeque;
use std::time::Duration;

use proto::time::{Deadline, Instant};
use sim::people::{self, CallerOutput, Outcome, Step};

use super::fact::What;
use crate::clock::lasted;
use crate::port::sim::{Cable, FromModem, ToModem};

/// How much of the last line on her screen a failure shows.
const LAST_WORDS: usize = 200;

/// How she fares.
#[derive(Debug)]
pub(super) enum Fares {
    /// She is at it.
    Busy,
    /// She is through.
    Done,
    /// It went wrong, because.
    Failed(String),
}

/// The caller.
#[derive(Debug)]
pub(super) struct Caller {
    cable: Cable,
    steps: Vec<Step>,
    script: people::Caller,
    screen: Screen,
}

impl Caller {
    /// She sits down at a modem, and does nothing yet.
    pub(super) fn new(cable: Cable) -> Self {
        let script = people::Caller::new(Instant::ZERO, Vec::new());
        Self { cable, steps: Vec::new(), script, screen: Screen::default() }
    }

    /// She begins.
    pub(super) fn begin(&mut self, now: Instant, steps: Vec<Step>) {
        self.script = people::Caller::new(now, steps.clone());
        self.steps = steps;
        self.act();
    }

    /// What her modem says next. `None`: the exchange is gone.
    pub(super) async fn heard(&mut self) -> Option<FromModem> {
        self.cable.from.recv().await
    }

    /// What it has said already and nobody has looked at.
    pub(super) fn has_heard(&mut self) -> Option<FromModem> {
        self.cable.from.try_recv().ok()
    }

    /// Takes what it said.
    pub(super) fn take(&mut self, now: Instant, said: FromModem) {
        if let FromModem::Bytes(bytes) = said {
            self.screen.receive(&bytes);
            self.script.receive(now, &bytes);
            self.act();
        }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: Instant) {
        self.script.tick(now);
        self.act();
    }

    /// When [`Self::tick`] is wanted.
    pub(super) fn deadline(&self) -> Option<Deadline> {
        self.script.deadline()
    }

    /// How she fares.
    pub(super) fn fares(&self) -> Fares {
        match self.script.outcome() {
            Outcome::Busy(_) => Fares::Busy,
            Outcome::Done => Fares::Done,
            Outcome::Failed { step, why } => Fares::Failed(self.told(*step, why)),
        }
    }

    /// What is new on her screen.
    pub(super) fn shows(&mut self) -> Option<What> {
        let (text, typed) = self.screen.pieces.pop_front()?;
        Some(What::Screen { text, typed })
    }

    /// Shows also what may be half a word.
    pub(super) fn show_all(&mut self) {
        self.screen.flush();
    }

    /// Whether there is half a word that would have to be shown if nothing comes.
    pub(super) fn has_half_a_word(&self) -> bool {
        !self.screen.word.is_empty()
    }

    fn act(&mut self) {
        while let Some(output) = self.script.poll() {
            let what = match output {
                CallerOutput::Bytes(bytes) => {
                    self.screen.typed.extend(&bytes);
                    ToModem::Bytes(bytes)
                }
                CallerOutput::Dtr(on) => ToModem::Dtr(on),
            };
            // An exchange that is gone is noticed where it is listened to.
            drop(self.cable.to.send(what));
        }
    }

    fn told(&self, step: usize, why: &str) -> String {
        let step = self.steps.get(step);
        let prefix = step.map(|step| format!("{step:?}: ")).unwrap_or_default();
        let why = why.strip_prefix(&prefix).unwrap_or(why);
        let waited = match step {
            Some(Step::Expect { text, within, .. }) => {
                format!("the caller waited for {text:?} (at most {}): {why}", lasted(*within))
            }
            Some(_) | None => format!("the caller: {why}"),
        };
        let screen = self.script.screen();
        let last = screen.lines().rev().map(str::trim).find(|line| !line.is_empty());
        let last: String = last.unwrap_or_default().chars().take(LAST_WORDS).collect();
        format!("{waited}; last on her screen: {last:?}")
    }
}

/// What she sees.
#[derive(Debug, Default)]
struct Screen {
    /// Keys that have not come back yet.
    typed: VecDeque<u8>,
    /// Half a word.
    word: String,
    /// What can be shown, and whether it was typed.
    pieces: VecDeque<(String, bool)>,
}

impl Screen {
    fn receive(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let typed = self.typed.front() == Some(&byte);
            if typed {
                self.typed.pop_front();
            }
            match byte {
                b'\n' => {
                    self.word.push('\n');
                    self.flush();
                    // What did not come back by now will not.
                    self.typed.clear();
                }
                b' '..=b'~' if typed => {
                    self.flush();
                    let text = char::from(byte).to_string();
                    self.pieces.push_back((text, true));
                }
                b' ' => {
                    self.word.push(' ');
                    self.flush();
                }
                b'!'..=b'~' => self.word.push(char::from(byte)),
                _ => {}
            }
        }
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.word);
        if !text.is_empty() {
            self.pieces.push_back((text, false));
        }
    }
}

/// How long half a word may wait for its other half, by the wall's clock.
pub(super) const WORD_TIME: Duration = Duration::from_millis(40);

/// What the server says, without what only repeats the caller's keys.
#[derive(Debug, Default)]
pub(super) struct Speech {
    heard: VecDeque<u8>,
}

impl Speech {
    /// The caller's keys have reached the server.
    pub(super) fn heard(&mut self, bytes: &[u8]) {
        self.heard.extend(bytes.iter().filter(|byte| byte.is_ascii_graphic() || **byte == b' '));
    }

    /// A new call: what was heard before it began is no echo.
    pub(super) fn begin(&mut self) {
        self.heard.clear();
    }

    /// The lines that the server says, blank ones left out.
    pub(super) fn said(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut text = String::new();
        for &byte in bytes {
            if self.heard.front() == Some(&byte) {
                self.heard.pop_front();
            } else if byte == b'\n' || byte == b' ' || byte.is_ascii_graphic() {
                text.push(char::from(byte));
            }
        }
        text.lines().map(|line| line.trim_end().to_owned()).filter(|l| !l.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_tells_what_was_typed_from_what_was_said_and_keeps_words_whole() {
        let mut screen = Screen::default();
        screen.receive(b"\r\nlo");
        screen.receive(b"gin: ");
        screen.typed.extend(b"me\r");
        for bytes in [&b"m"[..], b"e", b"\r", b"\nhello", b" you\r\n"] {
            screen.receive(bytes);
        }
        let pieces: Vec<(String, bool)> = screen.pieces.into_iter().collect();
        let wanted = [
            ("\n", false),
            ("login: ", false),
            ("m", true),
            ("e", true),
            ("\n", false),
            ("hello ", false),
            ("you\n", false),
        ];
        assert_eq!(pieces, wanted.map(|(text, typed)| (text.to_owned(), typed)));
    }

    #[test]
    fn speech_is_what_is_not_an_echo() {
        let mut speech = Speech::default();
        assert_eq!(speech.said(b"\r\norion!login: "), ["orion!login:"]);
        speech.heard(b"cback\r");
        assert!(speech.said(b"cba").is_empty());
        assert_eq!(speech.said(b"ck\r\nTelephone number: "), ["Telephone number:"]);
    }
}
