//! The three words between the core and the world: what the world did ([`Input`]), what the world shall
//! do ([`Output`]), what happened ([`Event`]).
//!
//! All three are closed enums: whoever wants to know everything that can move the server, or everything
//! that the server can do, reads this file, and `event.rs` and `command.rs` beside it. It knows no mechanism: no file descriptors, no runtime, no
//! database.

mod capture;
mod command;
mod event;
mod names;
mod network;
pub mod reference;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use proto::signals::Signals;
use proto::time::Instant;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::policy::password::Verification;

pub use capture::CaptureOutput;
pub use command::{CallbackOrder, Command, Reply};
pub use event::{Cause, Ended, Entry, Event, Leg, Promised};
pub use names::event_names;
pub use network::{Ends, Handover, Interface, NetworkInput, NetworkOutput, Script};

/// The time at which an input arrives: monotonic for deadlines, wall for records and windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Monotonic, since the start of this run.
    pub at: Instant,
    /// What the clock on the wall says.
    pub wall: Wall,
}

/// Wall clock time with the offset that local time has just then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Wall {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub unix_ms: i64,
    /// Seconds that local time is ahead of UTC.
    #[serde(default)]
    pub offset_s: i32,
}

impl std::ops::Add<Duration> for Wall {
    type Output = Self;

    fn add(self, wait: Duration) -> Self {
        let ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        Self { unix_ms: self.unix_ms.saturating_add(ms), ..self }
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($inner:ty) = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    )*};
}

ids! {
    /// A line of this run. Events name lines by their configured name, which survives restarts.
    LineId(u32) = "line";
    /// One use of one line, from ring or dial to hang-up. Unique in the journal, across restarts.
    CallId(u64) = "c";
    /// One caller's whole business over its legs. Unique in the journal, across restarts.
    SessionId(u64) = "s";
    /// An approved callback not yet made. Unique in the journal, across restarts.
    PromiseId(u64) = "p";
    /// The place of an event in the journal, counted from 1.
    Seq(u64) = "#";
    /// An operator's request, to be answered by exactly one [`Output::Reply`].
    RequestId(u64) = "r";
}

// ---------------------------------------------------------------------------------------------- inputs

/// What the world did.
#[derive(Debug)]
pub enum Input {
    /// A line's port did something.
    Port(LineId, PortInput),
    /// The program that runs on a call did something.
    Program(CallId, ProgramInput),
    /// The network of a call did something.
    Network(CallId, NetworkInput),
    /// The password of an [`Output::Verify`] is right, or is not.
    Verified(CallId, u32, bool),
    /// Every event up to this one is on stable storage.
    Durable(Seq),
    /// The journal can't be written: no promise may be made until a later [`Input::Durable`].
    StoreFailed(String),
    /// An operator wants something.
    Command(RequestId, Command),
    /// A new configuration, already found faultless.
    Config(Box<Config>),
    /// The configuration was read again and is faulty: the old one stays in force.
    ConfigRefused {
        /// How many errors it has.
        faults: u32,
        /// The first of them, for people: `dialback.toml:14:3: ...`.
        first: String,
    },
    /// The deadline has come. Early ticks are harmless.
    Tick,
    /// Finish: take no new calls, let running ones end until `grace` is over, leave each line on-hook.
    Stop {
        /// How long running calls may go on.
        grace: Duration,
    },
}

/// What a port did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortInput {
    /// The port is open. `signals` is `None` where the port has no control lines (a pty, plain TCP).
    Opened {
        /// State of the modem's control lines just now, if there are any.
        signals: Option<Signals>,
    },
    /// The port could not be opened, or was lost: unplugged, connection reset. For people, with the cure.
    Lost(String),
    /// Bytes from the modem.
    Bytes(Vec<u8>),
    /// The modem's control lines have changed.
    Signals(Signals),
    /// Everything sent before [`PortOutput::Drain`] has left for the modem.
    Drained,
    /// [`PortOutput::Claim`] succeeded: we hold the lock.
    Claimed,
    /// Somebody else holds the lock (now, or all of a sudden); `holder` names him: `minicom (pid 812)`.
    Taken {
        /// Program and pid, for people.
        holder: String,
    },
    /// The other holder has given the lock back; the port may be opened again.
    Returned,
}

/// What a program on a line did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramInput {
    /// It runs.
    Started {
        /// Its process id (0 in the simulated town).
        pid: u32,
    },
    /// It could not be started. For people: `/bin/login: no such file`.
    Failed(String),
    /// It wrote something: only where it has a pty and the core carries the bytes.
    Bytes(Vec<u8>),
    /// It is gone, and so is everything in its session.
    Exited(ExitStatus),
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExitStatus {
    /// It exited with this code.
    Code(i32),
    /// It was ended by this signal.
    Signal(i32),
}

// --------------------------------------------------------------------------------------------- outputs

/// What the world shall do. Outputs are carried out in order, those of one line strictly so.
#[derive(Debug)]
pub enum Output {
    /// A line's port shall do something.
    Port(LineId, PortOutput),
    /// Start a program on a call. Answered by [`ProgramInput::Started`] or [`ProgramInput::Failed`].
    Launch(CallId, LineId, Box<Launch>),
    /// The program on a call shall be told something.
    Program(CallId, ProgramOutput),
    /// The network of a call shall become so, or carry something.
    Network(CallId, LineId, NetworkOutput),
    /// What passes on a PPP call is kept in a file.
    Capture(CallId, CaptureOutput),
    /// Verify a password that was typed on a call, beside everything else: it takes its time on purpose.
    /// Answered by [`Input::Verified`] with the same number.
    Verify(CallId, u32, Box<Verification>),
    /// Append this to the journal; say [`Input::Durable`] when it is on stable storage.
    Journal(Entry),
    /// Read the configuration again. Answered by [`Input::Config`] or [`Input::ConfigRefused`].
    Reread,
    /// The answer to an operator.
    Reply(RequestId, Reply),
    /// After [`Input::Stop`]: every line is on-hook and its port closed. The run is over.
    Stopped,
}

/// What a port shall do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortOutput {
    /// Open it (raw, DTR up, at the configured speed). Answered by `Opened` or `Lost`.
    Open,
    /// Close it: DTR falls, and with it any call.
    Close,
    /// Take the lock that other programs honour. Answered by `Claimed` or `Taken`.
    Claim,
    /// Give the lock back.
    Release,
    /// Send these bytes to the modem.
    Send(Vec<u8>),
    /// Say `Drained` when everything sent so far has left. A port that can't tell says so at once.
    Drain,
    /// Raise or drop DTR.
    Dtr(bool),
    /// Talk to the modem at this speed (bit/s) from now on.
    Speed(u32),
    /// Forget what was received or queued and not yet seen or sent.
    Flush,
    /// Whether loss of carrier shall hang up the tty for the program on it (CLOCAL off).
    CarrierMatters(bool),
}

/// What a program shall be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramOutput {
    /// Bytes from the line: only where it has a pty and the core carries the bytes.
    Bytes(Vec<u8>),
    /// The carrier is gone: SIGHUP to its session.
    HangUp,
    /// It did not go: SIGKILL to everything in its session.
    Kill,
}

/// A program to start on a line: always an entry of login.config, never what a caller typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Absolute path.
    pub program: PathBuf,
    /// Arguments, `argv[0]` included.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// Whose rights it gets; `None` stays root (as `/bin/login` must).
    pub user: Option<String>,
    /// Name for the utmp entry; `None` makes none.
    pub utmp: Option<String>,
    /// Host field of the utmp entry: the CONNECT text, as mgetty writes it.
    pub host: String,
    /// Line speed for the terminal settings (bit/s).
    pub speed: u32,
    /// Bytes already received that belong to the program (a PPP frame seen at the prompt).
    pub first_bytes: Vec<u8>,
    /// What all the rest follows from.
    pub grounds: Grounds,
}

/// What a launch follows from, besides the configuration. A process that has the same configuration makes the same
/// launch of it ([`crate::dispatch::follow`]) and need not believe whoever asks for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grounds {
    /// The entry of login.config, by its line in the file.
    pub entry: u32,
    /// The name that the entry was looked up by (`/AutoPPP/` for a caller who began with a PPP frame).
    pub sought: String,
    /// On which leg it was.
    pub leg: Leg,
    /// The line's name.
    pub line: String,
    /// What is known of the call.
    pub facts: CallFacts,
    /// It is not an entry's program but pppd, which gets the line from our engine; `entry` is 0 then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pppd: Option<Handover>,
}

/// What is known of the call that a program is started on. Texts come from caller and modem.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallFacts {
    /// The name given: what `@` stands for.
    pub name: String,
    /// What the modem said with CONNECT.
    pub connect: String,
    /// Who is said to call.
    pub caller_id: Option<String>,
    /// The caller's name, as the exchange sent it.
    pub caller_name: Option<String>,
    /// The number that was called.
    pub called: Option<String>,
    /// The date, as the exchange sent it.
    pub date: Option<String>,
    /// The time, as the exchange sent it.
    pub time: Option<String>,
    /// Port speed (bit/s).
    pub speed: u32,
}
