//! The control socket: how `dialback status`, `lines`, `calls` and `callback` talk with the running server.
//!
//! One JSON object a line, both ways, each with the protocol's version and the request's id:
//!
//! ```text
//! -> {"dialback":1,"id":7,"ask":"status"}
//! <- {"dialback":1,"id":7,"answer":"status","status":{...}}
//! -> {"dialback":1,"id":6,"ask":"standing"}
//! <- {"dialback":1,"id":6,"answer":"status","status":{...}}          all of it, first and for who was too slow
//! <- {"dialback":1,"id":6,"answer":"changes","changes":{...}}        what stands otherwise, until the end
//! -> {"dialback":1,"id":8,"ask":"events","after":120}
//! <- {"dialback":1,"id":8,"answer":"event","entry":{...}}          one for each entry, until the end
//! <- {"dialback":1,"id":8,"answer":"event","entry":{...},"line":"main"}    if it is known and not in the entry
//! -> {"dialback":1,"id":9,"ask":"command","command":{"command":"hang-up","line":"main"}}
//! <- {"dialback":1,"id":9,"answer":"reply","reply":{"reply":"done"}}
//! <- {"dialback":1,"id":9,"answer":"failed","code":"not-permitted","message":"..."}
//! ```
//!
//! How things stand is pushed. Of some lines every change is told at once; of a thousand, the first, and then what has
//! gathered, every 50 ms at most. What an entry of the journal has changed is told within that time of it.
//!
//! A command's `who` is for those who pass on what others want, as the dashboard does: it is told beside the
//! kernel's word, never in place of it.
//!
//! Who may connect is the socket's mode (0660); who may command is root and the user that the server runs
//! as, told by the kernel, not by the client.

mod client;
mod explain;
mod listener;
mod passed;
mod sieve;
pub(crate) mod standing;
#[cfg(test)]
mod tests;

use calls::alert::Severity;
use calls::record::Record;
use calls::status::{Changes, Status};
use calls::vocabulary::{Command, Entry, Reply};
use serde::{Deserialize, Serialize};

use crate::launcher::Rights;
use crate::store::{Subject, Which};

pub(crate) use client::{Client, ClientFault, Ender, Events, Heard};
pub(crate) use explain::explained;
pub(crate) use listener::{Backstage, Listener, Question, bind};
pub(crate) use standing::Pushed;

/// Raised when an old client would misunderstand a new server, or the other way round.
pub(crate) const VERSION: u32 = 1;

/// The longest request: a callback order with a full list of numbers is under 2 KiB.
const REQUEST_LIMIT: usize = 64 * 1024;

/// Where the socket is unless the configuration says otherwise.
pub(crate) const DEFAULT_SOCKET: &str = "/run/dialback/control.sock";

/// What a client says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// [`VERSION`].
    pub(crate) dialback: u32,
    /// Comes back in every answer.
    #[serde(default)]
    pub(crate) id: u64,
    /// What he wants.
    #[serde(flatten)]
    pub(crate) ask: Ask,
}

/// What a client may want.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub(crate) enum Ask {
    /// How things stand.
    Status,
    /// How things stand, and then whatever stands otherwise, until the client goes.
    Standing,
    /// With which rights the server runs.
    Rights,
    /// The last records, newest last.
    Calls {
        /// How many at most.
        limit: u32,
        /// Which.
        #[serde(flatten)]
        which: Which,
    },
    /// Every entry about one call, session or promise, and the session around it.
    Story {
        /// What it is about.
        of: Subject,
    },
    /// What the rules would say of a call that might come.
    Explain {
        /// Who calls, and how.
        #[serde(flatten)]
        asked: Asked,
    },
    /// Every entry of the journal after this one, and then each as it happens.
    Events {
        /// `None`: only what happens from now on.
        #[serde(default)]
        after: Option<u64>,
        /// In its place: from the first entry of this time or later on (ms since 1970, UTC).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since_ms: Option<i64>,
        /// In its place: from so many entries before the end on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<u32>,
        /// Not what happens later.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        until_now: bool,
        /// Which of them.
        #[serde(flatten)]
        which: WhichEvents,
    },
    /// Do something.
    Command {
        /// What.
        command: Command,
    },
}

/// Which entries are wanted: those that fit everything given here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WhichEvents {
    /// On this line, or about a call on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<String>,
    /// That name this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// With one of these names; all, if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) events: Vec<String>,
    /// That matter at least so much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<Severity>,
}

/// Somebody who might call: `dialback policy explain`'s words, asked of the running server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// The name that he gives.
    pub(crate) user: String,
    /// The number that he gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<String>,
    /// The line that he comes in on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<String>,
    /// What the exchange says of who calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// When, as `2026-11-23T10:00` in the server's zone; `None`: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<String>,
    /// `login` or `ppp`; `None`: as the name is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<String>,
    /// He does not prove the name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unproved: bool,
}

/// What the server says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Response {
    /// [`VERSION`].
    pub(crate) dialback: u32,
    /// The request's.
    pub(crate) id: u64,
    /// What it says.
    #[serde(flatten)]
    pub(crate) answer: Answer,
}

/// What the server may say.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// To [`Ask::Status`]; to [`Ask::Standing`] first of all, and whenever the client was too slow for the changes.
    Status {
        /// All of it.
        status: Box<Status>,
    },
    /// To [`Ask::Standing`], again and again.
    Changes {
        /// Since what was said before.
        changes: Box<Changes>,
    },
    /// To [`Ask::Rights`].
    Rights {
        /// The server's process.
        pid: u32,
        /// Its rights.
        rights: Rights,
    },
    /// To [`Ask::Calls`].
    Calls {
        /// Oldest first.
        calls: Vec<Record>,
    },
    /// To [`Ask::Story`].
    Story {
        /// In order; empty if there is nothing about it.
        entries: Vec<Entry>,
    },
    /// To [`Ask::Explain`].
    Explained {
        /// Every rule (`calls::policy::explain::Explanation`).
        explanation: serde_json::Value,
    },
    /// To [`Ask::Events`], first of all: what happens from now on will be told.
    Listening,
    /// To [`Ask::Events`], again and again.
    Event {
        /// What happened.
        entry: Box<Entry>,
        /// Where, if the entry itself does not say and it is known from the call's beginning.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<String>,
    },
    /// To [`Ask::Events`] with `until_now`: that was all.
    NoMore,
    /// To [`Ask::Events`]: the client was too slow and has missed some; ask again with `after`.
    Missed {
        /// How many.
        count: u64,
    },
    /// To [`Ask::Command`].
    Reply {
        /// The server's.
        reply: Reply,
    },
    /// To anything.
    Failed {
        /// For programs.
        code: FailureCode,
        /// For people.
        message: String,
    },
}

/// Why a request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FailureCode {
    /// Not a request, or one of another version.
    BadRequest,
    /// Only root and the server's own user may do that.
    NotPermitted,
    /// The server is stopping, or the journal can't be read.
    Unavailable,
}
