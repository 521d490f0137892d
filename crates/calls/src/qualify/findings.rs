//! What measuring calls have found of a line, as the journal keeps it and people read it.
//!
//! It does not know how it was found, nor what is made of it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What was found of a line by calls between it and another one, beside its hold time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// The other line.
    pub with: String,
    /// The longest wait behind its hanging up after which the exchange still held it (ms); 0: no wait was short enough to
    /// see that. The shortest after which it did not is `hold_ms` of the event: the hold time lies between.
    pub held_ms: u64,
    /// From the dial command to the modem's `OK` when it has heard dial tone (ms): the exchange's delay, and the
    /// modem's own time for going off-hook and believing what it hears.
    pub dial_tone_ms: u64,
    /// Whether the other line's number was told to it.
    pub caller_id: CallerIdFound,
    /// How it learned that its peer had hung up, in a call that came in.
    pub called: Signal,
    /// The same in a call that it had placed; `None` where the other line takes no calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calling: Option<Signal>,
    /// How many calls were made for it.
    pub calls: u32,
}

/// What the exchange told of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "kebab-case")]
pub enum CallerIdFound {
    /// Nothing, until the third ring.
    Nothing,
    /// That the number is withheld, or not known.
    NoNumber {
        /// How many rings were heard before that.
        rings: u32,
    },
    /// A number.
    Number {
        /// How many rings were heard before it.
        rings: u32,
        /// Whether it is the one configured for the other line; `None`: that line has none configured.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        configured: Option<bool>,
    },
}

/// How a line learned that its peer had hung up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "signal", rename_all = "kebab-case")]
pub enum Signal {
    /// DCD fell.
    Carrier {
        /// So long after the peer was told to hang up (ms): its own time for that is part of it.
        after_ms: u64,
    },
    /// The modem said `NO CARRIER`, and DCD told nothing.
    Words {
        /// So long after the peer was told to hang up (ms): its own time for that is part of it.
        after_ms: u64,
    },
    /// It did not.
    Nothing {
        /// So long it was waited (ms).
        within_ms: u64,
    },
}

/// `1.3 s`, `12 s`.
pub(super) fn seconds(time: Duration) -> String {
    let tenths = (time.as_millis() + 50) / 100;
    match tenths % 10 {
        0 => format!("{} s", tenths / 10),
        part => format!("{}.{part} s", tenths / 10),
    }
}

fn ms(ms: u64) -> String {
    seconds(Duration::from_millis(ms))
}

impl fmt::Display for CallerIdFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("not delivered"),
            Self::NoNumber { rings } => {
                write!(f, "delivered {}, without a number (withheld, or not known)", Behind(*rings))
            }
            Self::Number { rings, configured: Some(true) } => {
                write!(f, "delivered {}", Behind(*rings))
            }
            Self::Number { rings, configured: Some(false) } => {
                write!(f, "delivered {}, another number than is configured", Behind(*rings))
            }
            Self::Number { rings, configured: None } => {
                write!(f, "a number was delivered {}; none is configured", Behind(*rings))
            }
        }
    }
}

struct Behind(u32);

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("before the first ring"),
            1 => f.write_str("behind the first ring"),
            more => write!(f, "behind ring {more}"),
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Carrier { after_ms } => write!(f, "DCD fell after {}", ms(*after_ms)),
            Self::Words { after_ms } => {
                write!(f, "the modem said NO CARRIER after {}", ms(*after_ms))
            }
            Self::Nothing { within_ms } => write!(f, "nothing within {}", ms(*within_ms)),
        }
    }
}

impl Findings {
    /// The hold time in words: `between 8 s and 10 s`.
    #[must_use]
    pub fn hold(&self, hold_ms: u64) -> String {
        match self.held_ms {
            0 => format!("less than {}", ms(hold_ms)),
            held => format!("between {} and {}", ms(held), ms(hold_ms)),
        }
    }

    /// Each of the findings as a name and what was found.
    #[must_use]
    pub fn rows(&self, hold_ms: u64) -> Vec<(&'static str, String)> {
        let mut rows = vec![
            ("hold time", self.hold(hold_ms)),
            (
                "dial tone",
                format!("after {}, the modem's own time included", ms(self.dial_tone_ms)),
            ),
            ("caller ID", self.caller_id.to_string()),
            ("peer hangs up, called", self.called.to_string()),
        ];
        if let Some(calling) = self.calling {
            rows.push(("peer hangs up, calling", calling.to_string()));
        }
        rows
    }
}
