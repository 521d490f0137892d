//! What the server may ask of the launcher, and what it is told: all of it.
//!
//! Messages are JSON over a `SOCK_SEQPACKET` pair, one a packet, at most [`sys::packets::MESSAGE_LIMIT`] long. The
//! launcher takes each request for one that an attacker has written: it names things by what the launcher itself has
//! read (an entry of login.config by its line, a line by its name) and never carries a path or a program to use.
//!
//! It deliberately does not know when a request is right: `root` and `session` look.

use std::path::PathBuf;

use calls::vocabulary::{Grounds, Interface, Script};
use serde::{Deserialize, Serialize};

use crate::audit::{Anchor, Told};

/// The number by which both sides know a program that was started. The server gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Session(pub(crate) u64);

/// What the server asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Read the configuration (again), and tell what was read: [`Answer::Configuration`]. With braces, because serde
    /// takes a word without any to have whatever else an attacker writes beside it.
    Configuration {},
    /// Start the program that these grounds lead to: [`Answer::Started`], or [`Answer::Ended`] at once.
    Start {
        /// Its number from now on.
        session: Session,
        /// What it follows from.
        grounds: Grounds,
        /// What it gets to sit at.
        terminal: Terminal,
    },
    /// Tell the program that it is over (SIGHUP).
    HangUp {
        /// Which.
        session: Session,
    },
    /// End it (SIGKILL).
    Kill {
        /// Which.
        session: Session,
    },
    /// Throw everybody out who still has this terminal of a line open; nothing where the server has no rights to:
    /// [`Answer::Vacated`].
    Vacate {
        /// The terminal, as the configuration names it.
        port: PathBuf,
    },
    /// Make a call's interface, or change it: [`Answer::Interface`].
    Interface {
        /// The call.
        call: u64,
        /// How it shall be.
        wanted: Interface,
    },
    /// Let a call's interface go.
    NoInterface {
        /// The call.
        call: u64,
    },
    /// Run a script of the configuration's: [`Answer::ScriptEnded`].
    Script {
        /// Its number from now on.
        number: u64,
        /// Which, and with which words.
        script: Script,
    },
    /// Write down where the journal ends: [`Answer::Anchored`].
    Anchor {
        /// What is said of it.
        anchor: Anchor,
    },
}

/// What a program gets as its terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Terminal {
    /// The line's own.
    Line,
    /// A new pty, whose master is sent along.
    Pty,
}

/// What the launcher tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tell", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Answer {
    /// What was read is in the file that comes with this ([`crate::config::Kept`]).
    Configuration {
        /// The launcher's own process.
        launcher: u32,
    },
    /// The program runs. A pty's master comes with this.
    Started {
        /// Which.
        session: Session,
        /// Its process.
        pid: u32,
        /// Its terminal's path.
        terminal: PathBuf,
        /// What did not work at its start.
        warnings: Vec<String>,
    },
    /// It is over, or never began.
    Ended {
        /// Which.
        session: Session,
        /// How.
        how: How,
    },
    /// The interface is as it shall be, and its descriptor comes with this; or it is not, and there is none.
    Interface {
        /// The call.
        call: u64,
        /// Its name.
        name: Result<String, String>,
    },
    /// A script has ended, or never began.
    ScriptEnded {
        /// Which.
        number: u64,
        /// What was wrong with it.
        fault: Option<String>,
    },
    /// The anchor has been written, as far as that is possible.
    Anchored {
        /// Whether it is everywhere now.
        told: Told,
    },
    /// The terminal is nobody's.
    Vacated {
        /// Which.
        port: PathBuf,
        /// What was in the way, if anything.
        fault: Option<String>,
    },
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum How {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// Nobody knows.
    Unknown,
    /// It was not started, for this reason.
    NotStarted(String),
}

/// A message as it goes over the socket.
pub(super) fn written(message: &impl Serialize) -> Vec<u8> {
    // Strings, numbers and enums only: nothing that JSON does not know.
    serde_json::to_vec(message).unwrap_or_default()
}
