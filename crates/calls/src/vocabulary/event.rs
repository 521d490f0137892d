//! What happened ([`Event`]): the facts of the journal, which records, recovery, the live view and every report are
//! made of. Old journals are read by every later version: a new field has a default, and no word changes its meaning.
//!
//! `docs/reference/events.md` is made of this file. It knows nothing of how facts are kept.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{CallId, ExitStatus, PromiseId, Seq, SessionId, Wall};
use crate::alert::Alert;
use crate::money::Charge;
use crate::qualify::Findings;

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
    /// A caller who is to prove this name has typed its right one-time code. It is spent, whatever becomes of his proof.
    CodeSpent { call: CallId, session: SessionId, name: String, step: i64 },
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
    NotProved {
        call: CallId,
        session: SessionId,
        name: String,
        method: String,
        why: String,
        /// The step of a one-time code that was right beside what was wrong: it is spent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<i64>,
    },
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
    /// A line was measured: how long its exchange holds it. With findings the server has done it by itself, by calls
    /// between two of its lines; without, an operator has.
    Qualified {
        line: String,
        hold_ms: u64,
        who: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        findings: Option<Box<Findings>>,
    },
    /// The measuring of a line was begun and came to nothing. Both lines are back in service.
    NotQualified { line: String, with: String, who: String, reason: String },
    /// A line is called by another of ours, or calls it, to be measured: `from` dials `number`. Nobody is served.
    MeasuringCall { line: String, from: String, number: String, rule: String, purpose: String },
    /// What one step of the measuring of a line has found, and what its call has cost if it was answered.
    Measured {
        line: String,
        finding: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        charge: Option<Charge>,
    },
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
    /// Beginning and end of what the caller saw of the server's own text, without proofs. Not what a program said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
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
