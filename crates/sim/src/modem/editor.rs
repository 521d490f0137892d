//! The command line as it is typed: `AT`, characters, Backspace, the end; `A/` (V.250 §5.2).
//!
//! It does not know what a command is.

use super::registers::{Register, Registers};

/// What has come of the keys so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// No whole line yet.
    Nothing,
    /// A command line: upper case, no blanks, without `AT`.
    Line(Vec<u8>),
    /// The line was longer than the modem's memory for it (V.250 §5.2.2: ERROR).
    TooLong,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Waits for `A`.
    Idle,
    /// Has seen `A` or `a`.
    Attention(u8),
    /// Collects.
    Line,
    /// Collects, but there are too many.
    TooLong,
}

/// Collects command lines.
#[derive(Clone, Debug)]
pub(super) struct Editor {
    state: State,
    line: Vec<u8>,
    previous: Vec<u8>,
    limit: usize,
}

impl Editor {
    pub(super) const fn new(limit: usize) -> Self {
        Self { state: State::Idle, line: Vec::new(), previous: Vec::new(), limit }
    }

    /// Forgets a line half typed.
    pub(super) fn clear(&mut self) {
        self.state = State::Idle;
        self.line.clear();
    }

    /// Takes keys until a line is complete. Returns how many, and the line.
    pub(super) fn take(&mut self, bytes: &[u8], registers: &Registers) -> (usize, Typed) {
        for (index, &byte) in bytes.iter().enumerate() {
            // The port may be set to seven bits and parity: the modem looks at seven (V.250 §5.1.3).
            let typed = self.key(byte & 0x7f, registers);
            if typed != Typed::Nothing {
                return (index + 1, typed);
            }
        }
        (bytes.len(), Typed::Nothing)
    }

    fn key(&mut self, byte: u8, registers: &Registers) -> Typed {
        let end = registers.get(Register::CarriageReturn);
        match self.state {
            State::Idle => {
                if matches!(byte, b'A' | b'a') {
                    self.state = State::Attention(byte);
                }
            }
            State::Attention(first) => match (first, byte) {
                (b'A', b'T') | (b'a', b't') => {
                    self.line.clear();
                    self.state = State::Line;
                }
                // Repeats the previous line, without waiting for an end (V.250 §5.2.4).
                (_, b'/') => {
                    self.state = State::Idle;
                    return Typed::Line(self.previous.clone());
                }
                (_, b'A' | b'a') => self.state = State::Attention(byte),
                _ => self.state = State::Idle,
            },
            State::Line => {
                if byte == end {
                    self.state = State::Idle;
                    self.previous.clone_from(&self.line);
                    return Typed::Line(std::mem::take(&mut self.line));
                } else if byte == registers.get(Register::Backspace) {
                    self.line.pop();
                } else if byte > b' ' && byte < 0x7f {
                    if self.line.len() < self.limit {
                        self.line.push(byte.to_ascii_uppercase());
                    } else {
                        self.state = State::TooLong;
                    }
                }
            }
            State::TooLong => {
                if byte == end {
                    self.clear();
                    return Typed::TooLong;
                }
            }
        }
        Typed::Nothing
    }
}
