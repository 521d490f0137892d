//! What is going on now: plain values for `dialback status`, the dashboard and the tests.
//!
//! They are made from the running machines on request. Nothing reads them back, and nobody may steer by
//! them: a decision that needs a line's state is made where the state is.

mod changes;

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

pub use self::changes::{Changes, Gone, Rest};
use crate::alert::Alert;
/// The names of all states of a line: [`Line::state`] is one of them.
pub use crate::line::STATES as LINE_STATES;
use crate::money::{Charge, is_nearly_spent};
use crate::vocabulary::{CallId, Leg, LineId, PromiseId, SessionId, Wall};

/// Everything at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// When it was so.
    pub at: Wall,
    /// How long the server has been running by then, by a clock that nobody sets.
    #[serde(default)]
    pub up_ms: u64,
    /// The server was told to stop.
    pub stopping: bool,
    /// Why the journal cannot be written, if it cannot.
    pub store_fault: Option<String>,
    /// The lines, in the order of their ids.
    pub lines: Vec<Line>,
    /// The calls, in the order of their lines.
    pub calls: Vec<Call>,
    /// The sessions that have a call just now, in the order of their ids.
    pub sessions: Vec<Session>,
    /// The open promises, oldest first.
    pub promises: Vec<Promise>,
    /// Numbers that are not called, because strangers have answered there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantine: Vec<Quarantined>,
    /// The addresses for PPP callers, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Pool>,
    /// What was raised since the server was started, by kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Raised>,
    /// What may be spent on return calls today, and what was: the budgets of the day, and those of the users who have
    /// spent something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
}

/// A limit of what return calls may cost in a day, and how far it is used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Whose, as alerts say it: `user alice`, `all calls of the day`, `all mobile calls of the day`.
    pub of: String,
    /// The user, if it is one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What is counted.
    pub unit: BudgetUnit,
    /// What was spent, with the share of the calls that run.
    pub spent: u32,
    /// What may be.
    pub limit: u32,
}

impl Budget {
    /// Whether so much is spent that somebody is told: four fifths, as the alert has it.
    #[must_use]
    pub fn is_nearly_spent(&self) -> bool {
        is_nearly_spent(self.limit, self.spent)
    }
}

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BudgetUnit {
    /// Minutes on the telephone, begun ones whole.
    Minutes,
    /// Return calls that were answered.
    Calls,
    /// Money, in hundredths of the tariff's currency.
    Hundredths,
}

impl BudgetUnit {
    /// As it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Calls => "calls",
            Self::Hundredths => "hundredths",
        }
    }
}

/// A number that is not called, because strangers have answered there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Which.
    pub number: String,
    /// How many strangers, in a row.
    pub strangers: u32,
    /// How long it stays so.
    pub left_ms: u64,
}

/// Alerts of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    /// Which.
    pub alert: Alert,
    /// How often.
    pub count: u64,
    /// When last.
    pub last: Wall,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its id in this run.
    pub id: LineId,
    /// Its name.
    pub line: String,
    /// Its own telephone number.
    pub number: Option<String>,
    /// `closed`, `opening`, `claiming`, `initialising`, `idle`, `checking`, `ringing`, `answering`,
    /// `preparing`, `dialling`, `online`, `hanging-up`, `faulted`, `lent`, `busying-out`, `busied-out` or `measuring`.
    pub state: String,
    /// How long it has been in this state.
    pub for_ms: u64,
    /// What it is faulted by, or lent to.
    pub detail: Option<String>,
    /// DCD, where the port has it.
    pub carrier: Option<bool>,
    /// The call on it.
    pub call: Option<CallId>,
    /// How long it is not dialled on behind a call that came in; `None` from a server that does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
}

/// How long a line is not dialled on behind a call that came in, because its exchange may still hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// So long; a random part comes on top.
    pub wait_ms: u64,
    /// How that is known.
    pub by: HoldBy,
    /// What was measured last, whether it counts or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_ms: Option<u64>,
    /// And when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_at: Option<Wall>,
}

/// How a line's hold time is known, as in [`crate::config::HoldBy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldBy {
    /// The configuration says it.
    Written,
    /// It was measured.
    Measured,
    /// It is not: the worst is assumed.
    Unknown,
}

impl HoldBy {
    /// As people read it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Measured => "measured",
            Self::Unknown => "unknown",
        }
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Its id.
    pub call: CallId,
    /// Its line's name.
    pub line: String,
    /// Its session, once it has one.
    pub session: Option<SessionId>,
    /// Who called whom.
    pub leg: Leg,
    /// Since ring or dial.
    pub for_ms: u64,
    /// Since CONNECT; `None` before it.
    pub online_ms: Option<u64>,
    /// Who is said to call.
    pub caller_id: Option<String>,
    /// The CONNECT text.
    pub connect: String,
    /// From the caller.
    pub bytes_in: u64,
    /// To the caller.
    pub bytes_out: u64,
    /// What a return call costs by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<Charge>,
}

/// One session that has a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub session: SessionId,
    /// Its present call.
    pub call: CallId,
    /// Who called whom on it.
    pub leg: Leg,
    /// The name given, if one was. A claim.
    pub name: Option<String>,
    /// Who speaks: `storing`, `prompt`, `question`, `code`, `ppp`, `farewell`, `program`, `ending`.
    pub service: String,
    /// Of PPP its phase: `establish`, `authenticate`, `callback`, `storing`, `network`, `terminate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// A PPP caller's network, once its interface is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
}

/// A PPP caller's network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The interface.
    pub interface: String,
    /// The longest packet to the caller, in octets.
    pub mtu: u16,
    /// IPv4's addresses, while it is up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<Ends>,
    /// IPv6's, while it is up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Ends>,
    /// Octets of packets from the caller.
    pub octets_in: u64,
    /// And to him.
    pub octets_out: u64,
    /// Packets from the caller.
    pub packets_in: u64,
    /// And to him.
    pub packets_out: u64,
    /// Since the last packet.
    pub idle_ms: u64,
}

/// The addresses of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ends {
    /// Ours.
    pub local: IpAddr,
    /// The caller's.
    pub peer: IpAddr,
}

/// The addresses for PPP callers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// How many there are for anybody.
    pub addresses: u64,
    /// How many of them are free.
    pub free: u64,
    /// Those in use, users' own included, in their order.
    pub leases: Vec<Lease>,
}

/// An address in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// The call that has it.
    pub call: CallId,
    /// Whose call.
    pub user: String,
}

/// One promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// Its id.
    pub promise: PromiseId,
    /// Its session.
    pub session: SessionId,
    /// Who is called back.
    pub user: String,
    /// The numbers, in order.
    pub numbers: Vec<String>,
    /// The lines that may dial, in order of choice.
    pub lines: Vec<String>,
    /// The rule that approved it.
    pub rule: String,
    /// `unsealed`, `parting`, `waiting`, `hunting` or `dialling`.
    pub state: String,
    /// The line that dials.
    pub line: Option<String>,
    /// Tries that have failed and count.
    pub failed: u32,
    /// Tries in all.
    pub tries: u32,
    /// Until the next try, where its time is known.
    pub due_ms: Option<u64>,
    /// Until it expires.
    pub expires_ms: u64,
}
