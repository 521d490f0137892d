//! Call records: a fold over the journal that yields one [`Record`] per call, and both legs of a session
//! together.
//!
//! It does not read the journal, and it knows nothing that the journal does not say: the same fold serves
//! the command line, the dashboard and the tests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::money::Charge;
use crate::vocabulary::{CallId, Cause, Entry, Event, ExitStatus, Leg, PromiseId, SessionId, Wall};

/// One call's summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The call.
    pub call: CallId,
    /// Its session, if it came to one.
    pub session: Option<SessionId>,
    /// The line's name.
    pub line: String,
    /// Who called whom.
    pub leg: Leg,
    /// Ring or dial.
    pub began: Wall,
    /// CONNECT.
    pub connected: Option<Wall>,
    /// On-hook.
    pub ended: Option<Wall>,
    /// Who was said to call. A hint.
    pub caller_id: Option<String>,
    /// The number that was called: ours on a request leg, his on a return leg.
    pub number: Option<String>,
    /// The CONNECT text.
    pub connect: String,
    /// Speed on the telephone line (bit/s).
    pub speed: Option<u32>,
    /// The last name that was given. A claim, unless PPP has proved it.
    pub name: Option<String>,
    /// What it led to: a program, `callback`, `ppp`.
    pub action: Option<String>,
    /// How the program ended.
    pub status: Option<ExitStatus>,
    /// The promise made on this call or kept by it.
    pub promise: Option<PromiseId>,
    /// The rule that decided about the callback.
    pub rule: Option<String>,
    /// Why it ended; `None` while it lasts.
    pub cause: Option<Cause>,
    /// From ring or dial to on-hook.
    pub total_ms: u64,
    /// From CONNECT to on-hook.
    pub online_ms: u64,
    /// From the caller.
    pub bytes_in: u64,
    /// To the caller.
    pub bytes_out: u64,
    /// What an answered return call has cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<Charge>,
}

/// One caller's whole business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// The session.
    pub session: SessionId,
    /// The call that came in; an operator's callback has none.
    pub request: Option<Record>,
    /// The calls that went out, in order; the last one may have been answered.
    pub returns: Vec<Record>,
}

/// The fold, entry by entry.
#[derive(Debug, Default)]
pub struct Records {
    open: BTreeMap<CallId, Record>,
}

impl Records {
    /// Takes the next entry; gives the record of a call that is over with it.
    pub fn apply(&mut self, entry: &Entry) -> Option<Record> {
        if let Event::Ended(ended) = &entry.event {
            let mut record = self.open.remove(&ended.call)?;
            record.session = ended.session;
            record.ended = Some(entry.at);
            record.cause = Some(ended.cause);
            record.total_ms = ended.total_ms;
            record.online_ms = ended.online_ms;
            record.bytes_in = ended.bytes_in;
            record.bytes_out = ended.bytes_out;
            record.charge.clone_from(&ended.charge);
            return Some(record);
        }
        self.began(&entry.event, entry.at);
        self.learned(&entry.event);
        None
    }

    /// What begins or connects a call.
    fn began(&mut self, event: &Event, at: Wall) {
        if let Event::Rang { line, call, caller_id, called } = event {
            let record = self.begin(*call, line, Leg::Request, at);
            record.caller_id.clone_from(caller_id);
            record.number.clone_from(called);
        } else if let Event::Dialled { promise, session, call, line, number, rule, .. } = event {
            let record = self.begin(*call, line, Leg::Return, at);
            record.session = Some(*session);
            record.number = Some(number.clone());
            record.promise = Some(*promise);
            record.rule = Some(rule.clone());
        } else if let Event::Connected { line, call, session, direction, connect, speed } = event {
            // A modem that answers by itself connects without having rung.
            let record = self.begin(*call, line, *direction, at);
            record.session = Some(*session);
            record.connected = Some(at);
            record.connect.clone_from(connect);
            record.speed = *speed;
        }
    }

    /// What is learned about a call.
    fn learned(&mut self, event: &Event) {
        match event {
            Event::Screened { call, rule, .. } | Event::Refused { call, rule, .. } => {
                self.change(*call, |record| record.rule = Some(rule.clone()));
            }
            Event::Named { call, name, .. } | Event::Proved { call, name, .. } => {
                self.change(*call, |record| record.name = Some(name.clone()));
            }
            Event::Dispatched { call, action, .. } => {
                self.change(*call, |record| record.action = Some(action.clone()));
            }
            Event::Promised(promised) => {
                if let Some(call) = promised.call {
                    self.change(call, |record| {
                        record.promise = Some(promised.promise);
                        record.rule = Some(promised.rule.clone());
                    });
                }
            }
            Event::ProgramExited { call, status } => {
                self.change(*call, |record| record.status = Some(*status));
            }
            Event::ServerStarted { .. }
            | Event::ServerStopping { .. }
            | Event::ServerStopped
            | Event::Reloaded { .. }
            | Event::ReloadRefused { .. }
            | Event::LineReady { .. }
            | Event::LineFaulted { .. }
            | Event::LineLent { .. }
            | Event::LineReturned { .. }
            | Event::LineBusiedOut { .. }
            | Event::LineRestored { .. }
            | Event::CarrierStuck { .. }
            | Event::Rang { .. }
            | Event::Connected { .. }
            | Event::Dialled { .. }
            | Event::TryFailed { .. }
            | Event::Kept { .. }
            | Event::Withdrawn { .. }
            | Event::Expired { .. }
            | Event::CodeSpent { .. }
            | Event::NotProved { .. }
            | Event::NetworkUp { .. }
            | Event::NetworkDown { .. }
            | Event::NetworkRefused { .. }
            | Event::ScriptFailed { .. }
            | Event::LinkEnded { .. }
            | Event::Launched { .. }
            | Event::LaunchFailed { .. }
            | Event::Ended(_)
            | Event::Operated { .. }
            | Event::Recognised { .. }
            | Event::Stranger { .. }
            | Event::Released { .. }
            | Event::Qualified { .. }
            | Event::NotQualified { .. }
            | Event::MeasuringCall { .. }
            | Event::Measured { .. }
            | Event::Alert { .. } => {}
        }
    }

    /// The calls that are not over.
    pub fn open(&self) -> impl Iterator<Item = &Record> {
        self.open.values()
    }

    fn begin(&mut self, call: CallId, line: &str, leg: Leg, began: Wall) -> &mut Record {
        self.open.entry(call).or_insert_with(|| Record {
            call,
            session: None,
            line: line.to_owned(),
            leg,
            began,
            connected: None,
            ended: None,
            caller_id: None,
            number: None,
            connect: String::new(),
            speed: None,
            name: None,
            action: None,
            status: None,
            promise: None,
            rule: None,
            cause: None,
            total_ms: 0,
            online_ms: 0,
            bytes_in: 0,
            bytes_out: 0,
            charge: None,
        })
    }

    fn change(&mut self, call: CallId, change: impl FnOnce(&mut Record)) {
        if let Some(record) = self.open.get_mut(&call) {
            change(record);
        }
    }
}

/// The records of a journal, in the order in which the calls ended.
pub fn records<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Vec<Record> {
    let mut records = Records::default();
    entries.into_iter().filter_map(|entry| records.apply(entry)).collect()
}

/// Records put together by session, in the order of the sessions. Calls without a session are left out.
#[must_use]
pub fn by_session(records: Vec<Record>) -> Vec<SessionRecord> {
    let mut sessions: BTreeMap<SessionId, SessionRecord> = BTreeMap::new();
    for record in records {
        let Some(session) = record.session else { continue };
        let business = sessions.entry(session).or_insert_with(|| SessionRecord {
            session,
            request: None,
            returns: Vec::new(),
        });
        match record.leg {
            Leg::Request => business.request = Some(record),
            Leg::Return => business.returns.push(record),
        }
    }
    sessions.into_values().collect()
}

#[cfg(test)]
mod tests;
