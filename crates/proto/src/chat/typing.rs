//! The engine while it sends: the `@file`, the pauses, the byte under way.
//!
//! One timer serves a whole send. When it goes off it cuts the pause that it falls into, rings again every
//! second, and the next byte is not sent any more; pauses alone are waited out.

use std::time::Duration;

use super::clean::{Cleaned, Piece, Purpose, Typed, clean};
use super::engine::{Engine, SECOND, State, Then, Turn};
use super::script::until_nul;
use super::step::Step;
use super::visible::log_line;
use crate::time::Instant;

/// The pause before each byte.
const TYPING: Duration = Duration::from_millis(10);
/// `\p`.
const PAUSE: Duration = Duration::from_millis(10);

/// Where in a send we are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// The next piece is due.
    Ready,
    /// A pause; the byte, if there is one, is written after it.
    Resting { until: Instant, byte: Option<u8> },
    /// The owner writes a byte, or breaks.
    Writing { byte: bool },
}

impl Engine {
    pub(super) fn begin_send(&mut self, now: Instant, text: &[u8], then: Then) -> State {
        if let Some(name) = text.strip_prefix(b"@") {
            let blanks = name.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            let name = name.get(blanks..).unwrap_or_default();
            if !name.is_empty() {
                self.steps.push_back(Step::ReadFile(name.to_vec()));
                return State::AwaitingFile { name: name.to_vec(), then };
            }
        }
        self.begin_typing(now, text, then)
    }

    pub(super) fn begin_typing(&mut self, now: Instant, text: &[u8], then: Then) -> State {
        let text = match text {
            b"EOT" => b"^D\\c",
            b"BREAK" => b"\\K\\c",
            other => other,
        };
        let Cleaned { text, quiet } = clean(text, Purpose::Send, &self.options);
        if self.options.verbose {
            let shown = if quiet { b"??????" } else { until_nul(&text) };
            self.log(log_line("send (", shown, ")"));
        }
        let alarm = self.timeout.map(|timeout| now + timeout);
        State::Typing { typed: Typed::new(text), phase: Phase::Ready, alarm, rung: false, then }
    }

    pub(super) fn type_on(
        &mut self,
        now: Instant,
        mut typed: Typed,
        phase: Phase,
        alarm: Option<Instant>,
        rung: bool,
        then: Then,
    ) -> Turn {
        let phase = match phase {
            Phase::Writing { .. } => {
                return Turn::Wait(State::Typing { typed, phase, alarm, rung, then });
            }
            Phase::Resting { until, .. } if now < until => {
                return Turn::Wait(State::Typing { typed, phase, alarm, rung, then });
            }
            Phase::Resting { byte: Some(byte), .. } => {
                self.steps.push_back(Step::Send(byte));
                Phase::Writing { byte: true }
            }
            Phase::Resting { byte: None, .. } | Phase::Ready => match typed.next() {
                None => {
                    return Turn::On(match then {
                        Then::NextToken => State::Between,
                        Then::Expect(parts) => self.begin_expect(now, parts),
                    });
                }
                Some(Piece::Byte(_)) if rung => {
                    return Turn::On(self.send_failed(now, "timed out"));
                }
                Some(Piece::Byte(byte)) => Phase::Resting { until: now + TYPING, byte: Some(byte) },
                Some(Piece::Delay) => Phase::Resting { until: now + SECOND, byte: None },
                Some(Piece::Pause) => Phase::Resting { until: now + PAUSE, byte: None },
                Some(Piece::Break) => {
                    self.steps.push_back(Step::Break);
                    Phase::Writing { byte: false }
                }
            },
        };
        Turn::On(State::Typing { typed, phase, alarm, rung, then })
    }

    /// A send that cannot go on ends the run.
    pub(super) fn send_failed(&mut self, now: Instant, how: &str) -> State {
        if self.options.verbose {
            self.log(format!(" -- write {how}").into_bytes());
        }
        self.fatal(now, 1, b"Failed".to_vec())
    }
}
