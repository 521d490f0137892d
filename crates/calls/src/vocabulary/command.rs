//! What an operator may order ([`Command`]) and what he is answered ([`Reply`]). It knows no socket and no rights: who
//! may order is decided where the order comes in, and every order carries who gave it.

use serde::{Deserialize, Serialize};

use super::PromiseId;

/// What an operator wants. Questions that change nothing are methods of the server instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Call somebody back now, as callback(8) does from a root shell.
    Callback(CallbackOrder),
    /// Call a user back now, or a name that login.config calls back, as if he had asked for it and proved his name: the
    /// policy decides.
    CallUser {
        /// Who asks.
        who: String,
        /// One of the user's names.
        user: String,
        /// Where; `None`: at the numbers that are stored for him.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<String>,
    },
    /// End the call on a line.
    HangUp {
        /// Who asks (`root (uid 0)`).
        who: String,
        /// The line's name.
        line: String,
    },
    /// Take a line out of service once it has no call: its modem goes off-hook, so that callers find it
    /// busy. Holds until [`Restore`](Self::Restore), also across restarts.
    BusyOut {
        /// Who asks.
        who: String,
        /// The line's name.
        line: String,
    },
    /// Put a line back into service.
    Restore {
        /// Who asks.
        who: String,
        /// The line's name.
        line: String,
    },
    /// End the call on a line, close its port, and begin anew with it: a line that is out of order is
    /// tried at once.
    Reset {
        /// Who asks.
        who: String,
        /// The line's name.
        line: String,
    },
    /// Call back for a promise now, and not when it is due. A line's hold time is waited for all the same.
    Hurry {
        /// Who asks.
        who: String,
        /// Which.
        promise: PromiseId,
    },
    /// Read the configuration again.
    Reload {
        /// Who asks.
        who: String,
    },
    /// Record how long the exchange was seen to hold a line.
    Qualify {
        /// Who asks.
        who: String,
        /// The line's name.
        line: String,
        /// In milliseconds.
        hold_ms: u64,
    },
    /// Measure a line by calls between it and another one of ours. Answered when it has begun; `qualified` or
    /// `not-qualified` tells the end, and [`HangUp`](Self::HangUp) of either line ends it before.
    Measure {
        /// Who asks.
        who: String,
        /// The line's name.
        line: String,
        /// The other line's name.
        with: String,
    },
    /// Let a number out of quarantine: it is called again.
    Release {
        /// Who asks.
        who: String,
        /// The number.
        number: String,
    },
    /// Withdraw a promise.
    Withdraw {
        /// Who asks.
        who: String,
        /// Which.
        promise: PromiseId,
    },
}

/// callback(8)'s arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackOrder {
    /// Who asks.
    pub who: String,
    /// Lines that may be used, in order; empty: as configured.
    pub lines: Vec<String>,
    /// Numbers to try, in order.
    pub numbers: Vec<String>,
    /// Modem init commands in place of the line's own; empty: the line's own.
    pub init: Vec<String>,
    /// Port speed in place of the line's own (bit/s).
    pub speed: Option<u32>,
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// Done.
    Done,
    /// The callback is promised under this id.
    Promised {
        /// Follow it by this.
        promise: PromiseId,
        /// What whoever answers will be asked for, if there was nobody on a first call to be shown it. In no journal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    /// Not done, because.
    Refused {
        /// The rule, or the fault.
        rule: String,
        /// For people.
        reason: String,
    },
}
