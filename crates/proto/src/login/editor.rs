//! The line editor of a prompt: keys in, echo out, one line at the end.
//!
//! | key | does |
//! |---|---|
//! | CR, LF, CR LF, CR NUL | end exactly one line |
//! | BS, DEL | take the last character back |
//! | ^U ^C ^X | take the whole line back |
//! | ^W | takes the last word back |
//! | ^R | shows prompt and line again |
//! | ^D, ^\ | hang up |
//! | arrow keys and other escape sequences, NUL, other control characters | ignored |
//!
//! A line with a fault (too long, a character that is not ASCII) stays faulty until it is ended or taken
//! back with ^U: cutting it down would make another, possibly valid, name of it. The editor does not know the
//! prompt, nor how many tries there are, nor what an echo must look like (`echo`).

use super::echo::{Echo, is_command};
use super::terminal::{Heard, Terminal};

const NUL: u8 = 0x00;
const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const BELL: u8 = 0x07;
const BACKSPACE: u8 = 0x08;
const LF: u8 = 0x0a;
const CR: u8 = 0x0d;
const CTRL_R: u8 = 0x12;
const CTRL_U: u8 = 0x15;
const CTRL_W: u8 = 0x17;
const CTRL_X: u8 = 0x18;
const ESC: u8 = 0x1b;
const CTRL_BACKSLASH: u8 = 0x1c;
const DELETE: u8 = 0x7f;

/// What is asked for; it decides about echo, leading characters and the alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A login name: leading blanks and dashes are dropped (a program must not take the name for an option),
    /// so are blanks at its end.
    Name {
        /// Take a name without a single lower-case letter for one from a terminal that has capitals only: map it
        /// to lower case, and echo it so. mgetty on Debian does not; System V's getty did.
        fold_capitals: bool,
    },
    /// A number or another answer in plain text: blanks at both ends are dropped.
    Text,
    /// A secret: no echo, nothing is dropped, UTF-8 is allowed.
    Secret,
}

/// Why a line cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has more characters than the question allows.
    TooLong,
    /// It has characters that are not ASCII, or that noise has damaged.
    NotPlain,
    /// A name was wanted, and it is a command for a modem: a script that has lost its place.
    Command,
}

/// What one key did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// The line goes on.
    More,
    /// The line was ended: `Editor::take` gives it.
    Line,
    /// The caller wants to see prompt and line again.
    Redraw,
    /// The caller wants to hang up.
    End,
}

/// Where in an escape sequence (ECMA-48 §5.3) of a function key we are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sequence {
    Outside,
    /// ESC came.
    Begun,
    /// ESC `[` came: parameters, then one byte of 40..7e ends it.
    Control,
    /// ESC `O` came: one byte follows.
    Shift,
}

/// A line being typed.
pub(super) struct Editor {
    kind: Kind,
    limit: usize,
    line: Vec<u8>,
    fault: Option<Fault>,
    sequence: Sequence,
    echo: Echo,
}

impl Editor {
    pub(super) fn new(kind: Kind, limit: usize) -> Self {
        // Never grows: a secret must not be left behind in a smaller allocation.
        let line = Vec::with_capacity(limit);
        Self { kind, limit, line, fault: None, sequence: Sequence::Outside, echo: Echo::default() }
    }

    /// Nothing has been typed that counts.
    pub(super) fn is_blank(&self) -> bool {
        self.line.is_empty() && self.fault.is_none()
    }

    /// Takes one character; what the caller shall see is appended to `echo`.
    pub(super) fn key(
        &mut self,
        heard: Heard,
        terminal: &mut Terminal,
        echo: &mut Vec<u8>,
    ) -> Edit {
        match heard {
            Heard::Ascii(key) => self.ascii(key, terminal, echo),
            Heard::Foreign(piece) => {
                match self.kind {
                    Kind::Secret => self.add(piece, echo),
                    Kind::Name { .. } | Kind::Text => self.blame(Fault::NotPlain, echo),
                }
                terminal.after_cr = false;
                Edit::More
            }
            Heard::Contradiction(key) => {
                self.blame(Fault::NotPlain, echo);
                self.ascii(key, terminal, echo)
            }
            Heard::DoubtfulEnd(key) => {
                self.blame(Fault::NotPlain, echo);
                let edit = self.ascii(key, terminal, echo);
                terminal.doubtful = true;
                edit
            }
        }
    }

    fn ascii(&mut self, key: u8, terminal: &mut Terminal, echo: &mut Vec<u8>) -> Edit {
        let after_cr = terminal.after_cr;
        if key == NUL {
            return Edit::More;
        }
        terminal.after_cr = key == CR;
        if self.in_sequence(key) {
            return Edit::More;
        }
        match key {
            LF if after_cr => {}
            CR | LF => {
                if !self.is_blank() {
                    terminal.doubtful = false;
                }
                self.leave(echo);
                echo.extend_from_slice(b"\r\n");
                return Edit::Line;
            }
            CTRL_D | CTRL_BACKSLASH => return Edit::End,
            CTRL_R => {
                self.leave(echo);
                return Edit::Redraw;
            }
            BACKSPACE | DELETE => self.rub_out(1, echo),
            CTRL_U | CTRL_C | CTRL_X => {
                self.rub_out(self.line.len(), echo);
                self.fault = None;
            }
            CTRL_W => self.rub_out(self.last_word(), echo),
            b' ' if self.line.is_empty() && self.kind != Kind::Secret => {}
            b'-' if self.line.is_empty() && matches!(self.kind, Kind::Name { .. }) => {}
            b' '..=b'~' => self.add(key, echo),
            _ => {}
        }
        Edit::More
    }

    /// Follows an escape sequence; true when this key is a part of one. A control character breaks it off.
    fn in_sequence(&mut self, key: u8) -> bool {
        let (next, part) = match self.sequence {
            Sequence::Outside if key == ESC => (Sequence::Begun, true),
            Sequence::Outside => (Sequence::Outside, false),
            Sequence::Begun | Sequence::Control | Sequence::Shift if key == ESC => {
                (Sequence::Begun, true)
            }
            Sequence::Begun | Sequence::Control | Sequence::Shift if key < b' ' => {
                (Sequence::Outside, false)
            }
            Sequence::Begun => match key {
                b'[' => (Sequence::Control, true),
                b'O' => (Sequence::Shift, true),
                _ => (Sequence::Outside, true),
            },
            Sequence::Control if (b' '..=b'?').contains(&key) => (Sequence::Control, true),
            Sequence::Control | Sequence::Shift => (Sequence::Outside, true),
        };
        self.sequence = next;
        part
    }

    fn add(&mut self, byte: u8, echo: &mut Vec<u8>) {
        if self.line.len() >= self.limit {
            self.blame(Fault::TooLong, echo);
            return;
        }
        let folded_before = self.folds();
        self.line.push(byte);
        if self.kind == Kind::Secret {
            return;
        }
        if folded_before && byte.is_ascii_lowercase() {
            // Not a terminal of capitals after all: show the earlier ones as they were typed.
            self.echo.go_back(self.line.len() - 1, echo);
            for &byte in &self.line {
                self.echo.put(byte, echo);
            }
        } else {
            let shown = if self.folds() { byte.to_ascii_lowercase() } else { byte };
            self.echo.put(shown, echo);
        }
    }

    /// Marks the line as one that cannot be taken; the bell tells, once.
    fn blame(&mut self, fault: Fault, echo: &mut Vec<u8>) {
        if self.fault.is_none() {
            self.fault = Some(fault);
            echo.push(BELL);
        }
    }

    fn rub_out(&mut self, count: usize, echo: &mut Vec<u8>) {
        let count = count.min(self.line.len());
        self.line.truncate(self.line.len() - count);
        if self.kind != Kind::Secret {
            self.echo.rub_out(count, echo);
        }
    }

    /// How many characters ^W takes back: blanks, and the word before them.
    fn last_word(&self) -> usize {
        let mut keys = self.line.iter().rev().peekable();
        let mut count = 0;
        while keys.next_if(|key| **key == b' ').is_some() {
            count += 1;
        }
        while keys.next_if(|key| **key != b' ').is_some() {
            count += 1;
        }
        count
    }

    /// True when the line has capitals, no lower-case letter, and is to be folded.
    fn folds(&self) -> bool {
        match self.kind {
            Kind::Name { fold_capitals } => {
                fold_capitals
                    && self.line.iter().any(u8::is_ascii_uppercase)
                    && !self.line.iter().any(u8::is_ascii_lowercase)
            }
            Kind::Text | Kind::Secret => false,
        }
    }

    /// Shows the line anew, as the caller has seen it.
    pub(super) fn show(&mut self, echo: &mut Vec<u8>) {
        let folds = self.folds();
        let shown: &[u8] = if self.kind == Kind::Secret { &[] } else { &self.line };
        for &byte in shown {
            self.echo.put(if folds { byte.to_ascii_lowercase() } else { byte }, echo);
        }
    }

    /// Something else will be said behind the line: not even with a CR in it shall a modem act on the line.
    pub(super) fn leave(&mut self, echo: &mut Vec<u8>) {
        if self.kind != Kind::Secret {
            self.echo.disarm(&self.line, echo);
        }
    }

    /// The ended line, and an empty one in its place.
    ///
    /// # Errors
    /// What is wrong with the line, when it cannot be taken.
    pub(super) fn take(&mut self, terminal: &mut Terminal) -> Result<Vec<u8>, Fault> {
        let folds = self.folds();
        let mut line = std::mem::replace(&mut self.line, Vec::with_capacity(self.limit));
        if let Some(fault) = self.fault.take() {
            if self.kind == Kind::Secret {
                drop(super::Secret::new(line));
            }
            return Err(fault);
        }
        if folds {
            line.make_ascii_lowercase();
            terminal.capitals = true;
        }
        if self.kind != Kind::Secret {
            let end = line.trim_ascii_end().len();
            line.truncate(end);
        }
        if matches!(self.kind, Kind::Name { .. }) && is_command(&line) {
            return Err(Fault::Command);
        }
        Ok(line)
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        if self.kind == Kind::Secret {
            drop(super::Secret::new(std::mem::take(&mut self.line)));
        }
    }
}
