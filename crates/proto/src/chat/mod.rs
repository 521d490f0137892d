//! chat(8): expect this, send that, as a machine without I/O.
//!
//! ```text
//!   Script ──token──► expect slot ──keyword──► its argument ──┐
//!                         │                                   │
//!                         └─ "E1-S1-E2…" ─► Expecting ─found──┤
//!                                  ▲            │ time over   ├─► next token … no more: Done(0)
//!                                  └── Typing ◄─┘             │
//!                     send slot ─► Typing, or AwaitingFile ───┘
//!   an abort string, a fault, a signal ─► (the rest of a report is collected) ─► Done(code)
//! ```
//!
//! What the program `chat` of ppp 2.4.9 does is the measure, in every quirk that a script can depend on;
//! where it crashes or reads beyond its buffers, this one goes on. The rooms: [`script`] cuts a file into
//! tokens, [`clean`] takes a string through its two stages, [`listen`] finds strings in what comes in,
//! [`visible`] writes bytes for people, [`engine`] runs.
//!
//! Nothing here knows a terminal, a file, a clock or a signal: those are the owner's, and come in as calls.

use std::collections::BTreeMap;
use std::fmt;

mod argument;
pub mod clean;
pub mod engine;
pub mod hearing;
pub mod listen;
mod parts;
pub mod script;
mod step;
mod strings;
#[cfg(test)]
mod tests;
mod typing;
pub mod visible;

pub use engine::Engine;
pub use script::{Place, Script, Token, Unterminated};
pub use step::{Done, InputEnd, Severity, Step};

/// Seconds that an expect or a send may take unless told otherwise.
pub const DEFAULT_TIMEOUT: i32 = 45;

/// What chat's command line can say about a run.
#[derive(Clone)]
pub struct Options {
    /// `-e`: what is received is shown from the start ([`Step::Echo`]).
    pub echo: bool,
    /// `-v`: the run is logged line by line.
    pub verbose: bool,
    /// `-V`: what is received is shown, in the form that ends without a newline.
    pub copy: bool,
    /// `-t`, in seconds: zero or less is no limit. (`TIMEOUT 0` in a script is [`DEFAULT_TIMEOUT`].)
    pub timeout: i32,
    /// `-T`: the text for `\T` in sends.
    pub phone: Option<Vec<u8>>,
    /// `-U`: the text for `\U` in sends.
    pub second_phone: Option<Vec<u8>>,
    /// `-E`: `$NAME` is replaced out of this; without it a dollar is a dollar.
    pub environment: Option<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            echo: false,
            verbose: false,
            copy: false,
            timeout: DEFAULT_TIMEOUT,
            phone: None,
            second_phone: None,
            environment: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Numbers and the environment may hold passwords.
        f.debug_struct("Options")
            .field("echo", &self.echo)
            .field("verbose", &self.verbose)
            .field("copy", &self.copy)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The number at the start of `text`, as C's `atoi` finds it with 64-bit longs: blanks, a sign, digits;
/// nothing is zero, and what is too large is cut to its low 32 bits.
#[must_use]
pub fn atoi(text: &[u8]) -> i32 {
    let blank = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|b| !blank(b)).unwrap_or(text.len());
    let mut rest = text.get(start..).unwrap_or_default();
    let mut negative = false;
    if let Some((sign @ (b'-' | b'+'), after)) = rest.split_first() {
        (negative, rest) = (*sign == b'-', after);
    }
    let digits = rest.iter().take_while(|b| b.is_ascii_digit());
    let long = digits.fold(0_i64, |sum, digit| {
        let digit = i64::from(digit - b'0');
        let digit = if negative { -digit } else { digit };
        sum.saturating_mul(10).saturating_add(digit)
    });
    #[expect(clippy::cast_possible_truncation, reason = "that is what atoi does")]
    let int = long as i32;
    int
}
