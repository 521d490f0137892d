//! What the telephone network saw: one typed fact at a time, for people and as JSON lines.

use std::fmt;
use std::sync::Arc;

use proto::time::Instant;
use serde::{Serialize, Serializer};

use super::fault::Fault;

/// A station's name, cheap to copy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(Arc<str>);

impl Name {
    pub(super) fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A fact and its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Logged {
    /// When, in milliseconds since the start of the caller's clock.
    #[serde(rename = "ms", serialize_with = "as_millis")]
    pub at: Instant,
    /// What.
    #[serde(flatten)]
    pub event: TownEvent,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn as_millis<S: Serializer>(at: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(at.as_millis())
}

/// What happened in the town. `station` is the one that did it, or that it happened to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[expect(
    missing_docs,
    reason = "field names are GLOSSARY.md's words; each variant says what happened"
)]
pub enum TownEvent {
    /// The modem was given a command line.
    Command { station: Name, line: String },
    /// The modem said a result code.
    Result { station: Name, code: String },
    /// A line was taken.
    OffHook { station: Name },
    /// A line was let go.
    OnHook { station: Name },
    /// A line that was taken has no dial tone.
    NoDialTone { station: Name },
    /// Digits were dialled.
    Dialled { station: Name, digits: String },
    /// The number belongs to nobody.
    WrongNumber { station: Name, number: String },
    /// The station called is engaged.
    Engaged { station: Name, called: Name },
    /// The bell sounds.
    Rings { station: Name, from: Name, count: u32 },
    /// The bell sounds where nobody hears it.
    RingsUnheard { station: Name, from: Name, count: u32 },
    /// Who calls was told.
    CallerId { station: Name, number: String },
    /// The station called has gone off-hook.
    Answered { station: Name, from: Name },
    /// A person has answered.
    Spoken { station: Name, from: Name },
    /// A line was taken to dial, at the instant at which a call came in: the two are connected.
    Glare { station: Name, from: Name },
    /// The exchange gave up ringing.
    RungOut { station: Name, from: Name },
    /// Two modems train.
    Trains { station: Name, with: Name },
    /// Two modems are connected.
    Connected { station: Name, with: Name, rate: u32, error_control: bool },
    /// The connection was broken by the network.
    Dropped { station: Name, with: Name },
    /// The side called has hung up, but the line stays with the caller.
    Held { station: Name, by: Name },
    /// The side called has gone off-hook again while the line was held: it is connected with the same caller.
    Retaken { station: Name, by: Name },
    /// Digits were dialled into an open connection and heard at the other side.
    Overheard { station: Name, by: Name, digits: String },
    /// A connection is over; its line is free again.
    Released { station: Name, from: Name, bytes: u64 },
    /// Bytes were lost because nobody took them.
    Overrun { station: Name, bytes: usize },
    /// A fault was set, or taken away.
    FaultSet {
        station: Name,
        #[serde(flatten)]
        fault: Fault,
        on: bool,
    },
}

impl fmt::Display for TownEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { station, line } => write!(f, "{station} is told AT{line}"),
            Self::Result { station, code } => write!(f, "{station} says {code}"),
            Self::OffHook { station } => write!(f, "{station} goes off-hook"),
            Self::OnHook { station } => write!(f, "{station} goes on-hook"),
            Self::NoDialTone { station } => write!(f, "{station} has no dial tone"),
            Self::Dialled { station, digits } => write!(f, "{station} dials {digits}"),
            Self::WrongNumber { station, number } => {
                write!(f, "{station} hears that {number} is not in use")
            }
            Self::Engaged { station, called } => write!(f, "{station} finds {called} engaged"),
            Self::Rings { station, from, count } => {
                write!(f, "{station} rings ({count}), called by {from}")
            }
            Self::RingsUnheard { station, from, count } => {
                write!(f, "{station} rings unheard ({count}), called by {from}")
            }
            Self::CallerId { station, number } => {
                write!(f, "{station} is told the caller: {number}")
            }
            Self::Answered { station, from } => write!(f, "{station} answers {from}"),
            Self::Spoken { station, from } => {
                write!(f, "somebody at {station} says hello to {from}")
            }
            Self::Glare { station, from } => {
                write!(
                    f,
                    "{station} meant to dial and is connected with {from}, who calls just now"
                )
            }
            Self::RungOut { station, from } => {
                write!(f, "{station} has rung long enough; {from} is sent away")
            }
            Self::Trains { station, with } => write!(f, "{station} and {with} train"),
            Self::Connected { station, with, rate, error_control } => {
                let control = if *error_control { ", error control" } else { "" };
                write!(f, "{station} and {with} are connected: {rate} bit/s{control}")
            }
            Self::Dropped { station, with } => {
                write!(f, "the network drops the call of {station} and {with}")
            }
            Self::Held { station, by } => {
                write!(f, "{station} has hung up, but its line is held by {by}")
            }
            Self::Retaken { station, by } => {
                write!(f, "{station} takes its line and still has {by} on it")
            }
            Self::Overheard { station, by, digits } => {
                write!(f, "{by} hears {station} dial {digits}")
            }
            Self::Released { station, from, bytes } => {
                write!(f, "the call of {from} to {station} is over ({bytes} bytes)")
            }
            Self::Overrun { station, bytes } => write!(f, "{station} loses {bytes} bytes"),
            Self::FaultSet { station, fault, on: true } => {
                write!(f, "{station} has a fault: {fault:?}")
            }
            Self::FaultSet { station, fault, on: false } => {
                write!(f, "{station} is mended: {fault:?}")
            }
        }
    }
}
