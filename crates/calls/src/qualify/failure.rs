//! Why a measuring came to nothing, in words with the cure.
//!
//! It does not know how it was noticed.

use std::fmt;
use std::time::Duration;

use proto::at::result::ResultCode;

use super::findings::seconds;

/// Why a measuring came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Somebody, or something, has ended it.
    Cancelled(String),
    /// A line went out of the server's hands.
    Lost { line: String, why: String },
    /// A line did not get on-hook in time.
    NotReady { line: String },
    /// A line that nobody is on has no dial tone.
    NoDialTone { line: String },
    /// The modem does not take a command.
    NoSuchCommand { line: String },
    /// Somebody rang in between.
    Rang { line: String },
    /// A modem that is not ours was on the line.
    Stranger { line: String },
    /// The number called is engaged.
    Busy { from: String, to: String },
    /// There was no dial tone for the call.
    NoToneFor { from: String },
    /// The call was placed, and the other line did not ring.
    NotArrived { from: String, to: String },
    /// The two modems did not connect.
    NotConnected { from: String, to: String },
    /// They did, but not with each other.
    NotOurs { from: String, to: String },
    /// The line's modem says `OK` where there is no dial tone.
    HearsAnything { line: String },
    /// The other line's modem does not stay on the line.
    LetsGo { line: String },
    /// The exchange holds it longer than can be waited for.
    HeldTooLong { wait: Duration },
    /// The answers contradict each other.
    NoEnd,
}

impl Failure {
    /// What a modem that dialled, or answered, has said.
    pub(super) fn of_dialling(from: String, to: String, code: &ResultCode) -> Self {
        match code {
            ResultCode::Busy => Self::Busy { from, to },
            ResultCode::NoDialtone | ResultCode::LineInUse => Self::NoToneFor { from },
            ResultCode::Error
            | ResultCode::Delayed
            | ResultCode::Blacklisted
            | ResultCode::Locked => Self::NoSuchCommand { line: from },
            ResultCode::NoAnswer => Self::NotArrived { from, to },
            ResultCode::Ok
            | ResultCode::Connect(_)
            | ResultCode::Ring(_)
            | ResultCode::NoCarrier
            | ResultCode::Voice
            | ResultCode::RingBack
            | ResultCode::Fax
            | ResultCode::Data => Self::NotConnected { from, to },
        }
    }

    /// Whether the call that failed so was answered by nobody: it costs nothing.
    pub(super) const fn is_unanswered(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. }
                | Self::NoToneFor { .. }
                | Self::NoSuchCommand { .. }
                | Self::NotArrived { .. }
        )
    }

    /// Whether somebody may be on the line who was not called by us.
    pub(crate) const fn may_be_held(&self) -> bool {
        matches!(self, Self::Stranger { .. } | Self::NotOurs { .. } | Self::LetsGo { .. })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled(why) => f.write_str(why),
            Self::Lost { line, why } => write!(f, "line {line}: {why}"),
            Self::NotReady { line } => write!(
                f,
                "line {line} did not get on-hook in time: `dialback doctor` looks at its modem"
            ),
            Self::NoDialTone { line } => write!(
                f,
                "line {line} has no dial tone although nobody is on it: see to its socket; behind a private exchange whose \
                 tone the modem does not know, record by hand what you measure with a telephone (--held)"
            ),
            Self::NoSuchCommand { line } => write!(
                f,
                "the modem of line {line} refuses a dial command that ends with ';', the W in it, ATH1, or this number: \
                 it can't be measured with it, record by hand what you measure with a telephone (--held)"
            ),
            Self::Rang { line } => write!(
                f,
                "somebody rang line {line} meanwhile: both lines take calls again; begin anew when it is quiet"
            ),
            Self::Stranger { line } => write!(
                f,
                "a modem that is none of ours was on line {line}; it got nothing: begin anew when it is quiet"
            ),
            Self::Busy { from, to } => write!(
                f,
                "line {from} called line {to} and it was busy: somebody else was calling it, or its `number` is another line's"
            ),
            Self::NoToneFor { from } => {
                write!(f, "line {from} had no dial tone: see to its socket, and who else uses the line")
            }
            Self::NotArrived { from, to } => write!(
                f,
                "line {from} called the number of line {to} and that did not ring: is it the line's own `number`, and \
                 is it diverted?"
            ),
            Self::NotConnected { from, to } => {
                write!(f, "the modems did not connect when line {from} called line {to}: try a call by hand (dialback dial)")
            }
            Self::NotOurs { from, to } => write!(
                f,
                "line {from} called line {to} and its modem was connected with another one: are the `number`s right, and is \
                 one of them diverted?"
            ),
            Self::HearsAnything { line } => write!(
                f,
                "the modem of line {line} claims to hear dial tone in the middle of a call: a hold time can't be measured \
                 with it (and `W` does not protect it); record by hand what you measure with a telephone (--held)"
            ),
            Self::LetsGo { line } => write!(
                f,
                "the modem of line {line} does not stay on the line as long as the exchange would hold it: measure with \
                 another line, or by hand (--held)"
            ),
            Self::HeldTooLong { wait } => write!(
                f,
                "the exchange still holds the line {} after it has hung up: nothing should be called back on it; set \
                 direction = \"answer\" and call back on another line",
                seconds(*wait)
            ),
            Self::NoEnd => f.write_str(
                "the same wait had dial tone once and none another time: the line is noisy, or shared; begin anew when it is \
                 quiet",
            ),
        }
    }
}
