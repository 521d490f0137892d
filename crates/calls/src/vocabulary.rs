//! The three words between the core and the world: what the world did ([`Input`]), what the world shall
//! do ([`Output`]), what happened ([`Event`]).
//!
//! All three are closed enums: whoever wants to know everything that can move the server, or everything
//! that the server can do, reads this file. It knows no mechanism: no file descriptors, no runtime, no
//! database.

mod capture;
mod network;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use proto::signals::Signals;
use proto::time::Instant;
use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::config::Config;
use crate::money::Charge;
use crate::policy::password::Verification;

pub use capture::CaptureOutput;
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

// ---------------------------------------------------------------------------------------------- events

/// One fact in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place.
    pub seq: Seq,
    /// When it happened.
    pub at: Wall,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened, in the past tense. No secrets. Text that came from a caller is printable ASCII, bounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[expect(
    missing_docs,
    reason = "field names are GLOSSARY.md's words; each variant says what happened"
)]
pub enum Event {
    /// The server runs.
    ServerStarted { version: String },
    /// The server was told to stop.
    ServerStopping { grace_ms: u64 },
    /// Every line is on-hook.
    ServerStopped,
    /// A new configuration is in force.
    Reloaded { lines: u32 },
    /// A new configuration was faulty: the old one stays in force.
    ReloadRefused { faults: u32, first: String },
    /// The modem answered and is set up; calls can come.
    LineReady { line: String },
    /// The line can't be used; it will be tried again.
    LineFaulted { line: String, reason: String, retry_ms: u64 },
    /// Another program holds the line.
    LineLent { line: String, holder: String },
    /// The other program has given it back.
    LineReturned { line: String },
    /// An operator has taken the line out of service; callers find it busy.
    LineBusiedOut { line: String },
    /// An operator has put the line back into service.
    LineRestored { line: String },
    /// DCD stays up with no call on the line: `&C0`, or a modem that ignores DTR.
    CarrierStuck { line: String },
    /// The telephone rings.
    Rang { line: String, call: CallId, caller_id: Option<String>, called: Option<String> },
    /// A ringing call is not answered.
    Screened { line: String, call: CallId, rule: String },
    /// The modems are connected.
    Connected {
        line: String,
        call: CallId,
        session: SessionId,
        direction: Leg,
        connect: String,
        speed: Option<u32>,
    },
    /// A name was given at the prompt (a claim; `ppp` when a PPP frame was).
    Named { call: CallId, session: SessionId, name: String },
    /// An entry of login.config took the claim.
    Dispatched { call: CallId, session: SessionId, entry: String, action: String },
    /// A name was proved, by PPP or at the prompt: an identity. `step` is that of the one-time code, if one
    /// was used; it counts no more, nor any before it.
    Proved {
        call: CallId,
        session: SessionId,
        name: String,
        method: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<i64>,
    },
    /// A name was given by PPP or at the prompt, and its owner was not let in: the proof was bad, or it is not his call.
    NotProved { call: CallId, session: SessionId, name: String, method: String, why: String },
    /// Packets of one network protocol can pass between a PPP caller and us.
    NetworkUp {
        call: CallId,
        session: SessionId,
        user: String,
        interface: String,
        local: IpAddr,
        peer: IpAddr,
        mtu: u16,
    },
    /// No packet can pass any more. Counted are packets without their frames, `in` from the caller.
    NetworkDown {
        call: CallId,
        session: SessionId,
        interface: String,
        octets_in: u64,
        octets_out: u64,
        packets_in: u64,
        packets_out: u64,
        why: String,
    },
    /// A PPP caller who was let in gets no network.
    NetworkRefused { call: CallId, session: SessionId, user: String, rule: String, reason: String },
    /// A script that is told of networks could not be started, or failed.
    ScriptFailed { call: CallId, script: String, reason: String },
    /// The PPP link is over.
    LinkEnded { call: CallId, session: SessionId, why: String },
    /// A callback was asked for and refused.
    Refused {
        call: CallId,
        session: SessionId,
        user: String,
        number: Option<String>,
        rule: String,
        reason: String,
    },
    /// A callback is promised. Durable before the first call is dropped.
    Promised(Promised),
    /// A promised callback is being dialled.
    Dialled {
        promise: PromiseId,
        session: SessionId,
        call: CallId,
        line: String,
        number: String,
        rule: String,
        attempt: u32,
    },
    /// A try came to nothing.
    TryFailed {
        promise: PromiseId,
        call: Option<CallId>,
        line: Option<String>,
        cause: Cause,
        next_ms: Option<u64>,
    },
    /// The callback was answered by a modem. The promise is kept; durable before the caller is spoken to.
    Kept { promise: PromiseId, call: CallId },
    /// Whoever answered a return call has said who he is, as far as that is demanded there.
    Recognised { call: CallId, session: SessionId, user: String, name: String, number: String },
    /// A return call was answered, and nobody there could say who he is.
    Stranger { call: CallId, session: SessionId, user: String, number: String, why: String },
    /// An operator has measured how long the exchange holds a line.
    Qualified { line: String, hold_ms: u64, who: String },
    /// A number was let out of quarantine.
    Released { number: String, who: String },
    /// The promise was given up before its time.
    Withdrawn { promise: PromiseId, why: String },
    /// All tries came to nothing, or the time was over.
    Expired { promise: PromiseId, why: String },
    /// A program owns the line.
    Launched { call: CallId, session: SessionId, program: String, user: Option<String>, pid: u32 },
    /// A program could not be started.
    LaunchFailed { call: CallId, session: SessionId, program: String, reason: String },
    /// The program is gone.
    ProgramExited { call: CallId, status: ExitStatus },
    /// The call is over; the one record of it.
    Ended(Ended),
    /// An operator did something.
    Operated { who: String, command: String },
    /// Somebody should look at this now. Beside the event that it is about, never in place of it.
    Alert {
        alert: Alert,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<CallId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        reason: String,
    },
}

/// The contents of a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "field names are GLOSSARY.md's words")]
pub struct Promised {
    pub promise: PromiseId,
    /// The session it belongs to; a session without a request leg when an operator asked.
    pub session: SessionId,
    /// The request leg, if there was one.
    pub call: Option<CallId>,
    pub user: String,
    /// Tried in this order, by turns.
    pub numbers: Vec<String>,
    /// Names of lines that may be used, in order of choice.
    pub lines: Vec<String>,
    /// The rule that approved it.
    pub rule: String,
    /// Not before.
    pub due: Wall,
    /// Not after.
    pub expires: Wall,
    pub tries: u32,
    pub retry_ms: u64,
    /// Modem init commands in place of the line's own (`-m`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub init: Vec<String>,
    /// Port speed in place of the line's own (`-s`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<u32>,
    /// The caller is a PPP link: on the return leg PPP begins at once, and lets in this user only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ppp: bool,
    /// Whoever answers has to know a code that the caller was shown. It is in no journal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bound: bool,
}

/// What is known of a call once it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "field names are GLOSSARY.md's words")]
pub struct Ended {
    pub line: String,
    pub call: CallId,
    pub session: Option<SessionId>,
    pub leg: Leg,
    pub cause: Cause,
    /// From ring or dial to on-hook.
    pub total_ms: u64,
    /// From CONNECT to on-hook.
    pub online_ms: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// What an answered return call has cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<Charge>,
}

/// A call's role in its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leg {
    /// The caller called us.
    Request,
    /// We called him back.
    Return,
}

/// Why a call ended: the words of RADIUS Acct-Terminate-Cause (RFC 2866 §5.10) where one fits, and what a
/// modem adds to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// 1: the caller ended it in good order (the program exited 0, LCP terminate).
    UserRequest,
    /// 2: DCD fell on an established call, or NO CARRIER came.
    LostCarrier,
    /// 3: the service ended it, or could not be delivered any more.
    LostService,
    /// 4: nobody typed or moved for too long.
    IdleTimeout,
    /// 5: the session's time was over.
    SessionTimeout,
    /// 6: an operator reset the line.
    AdminReset,
    /// 7: the server was stopped.
    AdminReboot,
    /// 8: the port or modem failed.
    PortError,
    /// 9: the server failed (a program could not be started).
    NasError,
    /// 15: no such service, refused.
    ServiceUnavailable,
    /// 16: hung up in order to call back.
    Callback,
    /// 17: a wrong name or password too often, junk at the prompt.
    UserError,
    /// The number dialled was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// There was no dial tone.
    NoDialtone,
    /// No modem answered, or the modems found no common ground.
    NoCarrier,
    /// The modem refused to dial this number now (DELAYED, BLACKLISTED).
    Barred,
    /// It rang while we were about to dial.
    Glare,
    /// CONNECT came before the number can have been dialled and answered.
    TooSoon,
    /// The caller stopped ringing before we answered.
    Abandoned,
    /// The caller was not to be answered.
    Screened,
    /// Carrier did not fall, and the modem did not answer: the line was reset by force.
    Stuck,
}

// ------------------------------------------------------------------------------------------- operators

/// What an operator wants. Questions that change nothing are methods of the server instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Call somebody back now, as callback(8) does from a root shell.
    Callback(CallbackOrder),
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
    },
    /// Not done, because.
    Refused {
        /// The rule, or the fault.
        rule: String,
        /// For people.
        reason: String,
    },
}
