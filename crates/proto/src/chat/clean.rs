//! Stage one of a string: control letters, variables and escapes, and the carriage return of a send.
//!
//! A send goes through a second stage while it is typed ([`Typed`]): there `\d`, `\p` and `\K` act, and a
//! backslash before anything else disappears. Text that stage one brought in (`\T`, `\U`, `$NAME`) has not
//! been through stage one itself, so a backslash in it is for stage two.
//!
//! This file does not know who typed the string, nor what is done with it.

use super::Options;
use std::fmt;

/// What a string is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be sent (or said): a carriage return is added, and escapes for stage two stay.
    Send,
    /// To be found in what comes in, or read by chat itself.
    Expect,
}

/// A string after stage one.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Cleaned {
    /// Its bytes. In a send, a backslash belongs to the byte after it, which may be a NUL.
    pub text: Vec<u8>,
    /// `\q` stood in it: it is a secret, and logged as question marks.
    pub quiet: bool,
}

impl fmt::Debug for Cleaned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(&self.text);
        let shown: &str = if self.quiet { "??????" } else { &text };
        f.debug_tuple("Cleaned").field(&shown).finish()
    }
}

/// Takes `raw` through stage one.
#[must_use]
pub fn clean(raw: &[u8], purpose: Purpose, options: &Options) -> Cleaned {
    let mut stage = Stage { rest: raw, purpose, options, out: Cleaned::default(), cr: true };
    while let Some(byte) = stage.next() {
        match byte {
            b'^' => stage.control(),
            b'$' if options.environment.is_some() => stage.variable(),
            b'\\' => stage.escape(),
            other => stage.out.text.push(other),
        }
    }
    if stage.cr && purpose == Purpose::Send {
        stage.out.text.push(b'\r');
    }
    stage.out
}

struct Stage<'a> {
    rest: &'a [u8],
    purpose: Purpose,
    options: &'a Options,
    out: Cleaned,
    cr: bool,
}

impl Stage<'_> {
    /// The next byte; a NUL ends the string, as in C.
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        (first != 0).then_some(first)
    }

    fn sending(&self) -> bool {
        self.purpose == Purpose::Send
    }

    /// `^X` is control-X; one that would be NUL vanishes, one at the end is a caret.
    fn control(&mut self) {
        match self.next().map(|b| b & 0x1F) {
            None => self.out.text.push(b'^'),
            Some(0) => {}
            Some(control) => self.out.text.push(control),
        }
    }

    fn variable(&mut self) {
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        let length = self.rest.iter().position(|b| !is_name(b)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        let environment = self.options.environment.as_ref();
        if let Some(value) = environment.and_then(|known| known.get(name)) {
            self.out.text.extend(super::script::until_nul(value));
        }
    }

    fn escape(&mut self) {
        let Some(letter) = self.next() else {
            // A backslash at the very end is sent as one backslash, and never matched.
            if self.sending() {
                self.out.text.extend(b"\\\\");
            }
            return;
        };
        match letter {
            b'b' => self.out.text.push(0x08),
            b'n' => self.out.text.push(b'\n'),
            b'r' => self.out.text.push(b'\r'),
            b's' => self.out.text.push(b' '),
            b't' => self.out.text.push(b'\t'),
            b'q' => self.out.quiet = true,
            b'c' if self.sending() && self.rest.is_empty() => self.cr = false,
            b'c' => self.out.text.push(b'c'),
            b'N' if self.sending() => self.out.text.extend(b"\\\0"),
            b'T' => self.number(b'T', self.options.phone.as_deref()),
            b'U' => self.number(b'U', self.options.second_phone.as_deref()),
            b'$' if self.options.environment.is_some() => self.out.text.push(b'$'),
            b'0'..=b'7' => self.octal(letter),
            other => {
                // `\d`, `\K`, `\p` and `\\` are for stage two, where any other letter stands for itself.
                self.out.text.extend(self.sending().then_some(b'\\'));
                self.out.text.push(other);
            }
        }
    }

    /// `\T` and `\U` are filled in a send only; without the option the backslash falls in stage two.
    fn number(&mut self, letter: u8, phone: Option<&[u8]>) {
        match phone {
            Some(phone) if self.sending() => {
                self.out.text.extend(super::script::until_nul(phone));
            }
            Some(_) | None => self.out.text.extend([b'\\', letter]),
        }
    }

    /// One to three octal digits, modulo 256.
    fn octal(&mut self, first: u8) {
        let mut value = first & 7;
        for _ in 0..2 {
            let Some((digit @ b'0'..=b'7', rest)) = self.rest.split_first() else { break };
            value = (value << 3) | (digit & 7);
            self.rest = rest;
        }
        match value {
            0 | b'\\' if self.sending() => self.out.text.extend([b'\\', value]),
            0 => {}
            other => self.out.text.push(other),
        }
    }
}

/// What stage two makes of a send, piece by piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// This byte is written.
    Byte(u8),
    /// `\d`: a second passes.
    Delay,
    /// `\p`: a hundredth of a second passes. (chat's manual says a tenth.)
    Pause,
    /// `\K`: a break.
    Break,
}

/// A send on its way through stage two.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Typed {
    text: Vec<u8>,
    at: usize,
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may be a password.
        f.debug_struct("Typed").field("length", &self.text.len()).field("at", &self.at).finish()
    }
}

impl Typed {
    /// The send `text`, which has been through stage one.
    #[must_use]
    pub fn new(text: Vec<u8>) -> Self {
        Self { text, at: 0 }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.text.get(self.at).copied();
        self.at = self.at.saturating_add(1);
        byte
    }
}

impl Iterator for Typed {
    type Item = Piece;

    /// A backslash with nothing after it (the end of a `\T` before `\c`) is dropped; chat 2.4.9 reads
    /// beyond its buffer there and sends what it finds.
    fn next(&mut self) -> Option<Piece> {
        match self.byte()? {
            0 => None,
            b'\\' => Some(match self.byte()? {
                b'd' => Piece::Delay,
                b'p' => Piece::Pause,
                b'K' => Piece::Break,
                other => Piece::Byte(other),
            }),
            plain => Some(Piece::Byte(plain)),
        }
    }
}
