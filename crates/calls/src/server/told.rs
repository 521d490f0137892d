//! What stands otherwise than was told last (see [`status::changes`](crate::status::changes)).
//!
//! What was told is remembered by whoever tells, as [`Told`]: of each line, call, session and promise a few words
//! that differ when its view would. Looking through a thousand lines compares these and makes views of those that
//! differ only; a server that nobody watches is not touched at all.
//!
//! It does not know who is told, nor how often.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proto::at::caller_id::Caller;
use proto::time::Instant;

use super::Server;
use super::views::{call_view, session_view};
use crate::call::Call;
use crate::line::Line;
use crate::money::Charge;
use crate::promise::{Promise, State};
use crate::session::Session;
use crate::status::{self, Changes, Gone, Rest};
use crate::vocabulary::{CallId, Leg, LineId, Now, PromiseId, SessionId};

/// Bytes, packets and charges of a call that runs are told no more often than this: they change with every byte, and
/// nobody can read them faster.
const COUNTS_EVERY: Duration = Duration::from_secs(1);

/// What was told last. Empty, nothing was: all of it is a change.
#[derive(Debug, Default)]
pub struct Told {
    lines: BTreeMap<LineId, LineTold>,
    calls: BTreeMap<CallId, CallTold>,
    sessions: BTreeMap<SessionId, SessionTold>,
    promises: BTreeMap<PromiseId, PromiseTold>,
    rest: Option<Rest>,
    /// When the budgets were looked at.
    spent: Option<Instant>,
    due: Option<Instant>,
}

impl Told {
    /// When counts that were held back may be told; `None`: there are none.
    #[must_use]
    pub const fn due(&self) -> Option<Instant> {
        self.due
    }
}

#[derive(Debug, PartialEq, Eq)]
struct LineTold {
    state: &'static str,
    since: Instant,
    detail: Option<String>,
    carrier: Option<bool>,
    call: Option<CallId>,
    /// Only a reload changes it.
    number: Option<String>,
    hold: status::Hold,
}

#[derive(Debug)]
struct CallTold {
    session: Option<SessionId>,
    connected: Option<Instant>,
    caller: Option<Caller>,
    connect: String,
    counts: Counts,
    counted: Instant,
}

#[derive(Debug, PartialEq, Eq)]
struct Counts {
    bytes: (u64, u64),
    charge: Option<Charge>,
}

#[derive(Debug)]
struct SessionTold {
    call: CallId,
    leg: Leg,
    name: Option<String>,
    service: &'static str,
    phase: Option<&'static str>,
    network: Option<status::Network>,
    counted: Instant,
}

#[derive(Debug, PartialEq, Eq)]
struct PromiseTold {
    state: State,
    failed: u32,
    /// Numbers are left out one by one, and none is added.
    numbers: usize,
    /// Whether the line that dials is still there: its name is told.
    line: bool,
}

impl Server {
    /// What stands otherwise than `told`, which is brought up to date; `None`: nothing. Changes nothing in the
    /// server.
    pub fn changes(&self, told: &mut Told, now: Now) -> Option<Changes> {
        told.due = None;
        let mut gone = Gone {
            lines: lost(&mut told.lines, |id| self.lines.contains_key(id)),
            sessions: lost(&mut told.sessions, |id| self.sessions.contains_key(id)),
            promises: lost(&mut told.promises, |id| self.promises.get(*id).is_some()),
            ..Gone::default()
        };
        let mut changes = Changes {
            at: now.wall,
            up_ms: now.at.as_millis(),
            lines: self.changed_lines(told, now.at),
            calls: self.changed_calls(told, now.at),
            sessions: self.changed_sessions(told, now.at),
            promises: self.changed_promises(told, now.at),
            rest: self.changed_rest(told, now),
            ..Changes::default()
        };
        // A call is on a line: where there are more told than there are, some are over.
        let running = self.lines.values().filter_map(Line::call);
        if told.calls.len() > running.clone().count() {
            let running: BTreeSet<CallId> = running.map(|call| call.id).collect();
            gone.calls = lost(&mut told.calls, |id| running.contains(id));
        }
        changes.gone = gone;
        (!changes.is_empty()).then_some(changes)
    }

    fn changed_lines(&self, told: &mut Told, now: Instant) -> Vec<status::Line> {
        let mut changed = Vec::new();
        for (id, line) in &self.lines {
            let (state, detail) = line.state_name();
            let number = line.config().number.as_ref().map(|number| number.as_str());
            let call = line.call().map(|call| call.id);
            let hold = self.hold_view(line);
            let same = told.lines.get(id).is_some_and(|old| {
                old.state == state
                    && old.since == line.since()
                    && old.detail.as_deref() == detail
                    && old.carrier == line.carrier()
                    && old.call == call
                    && old.number.as_deref() == number
                    && old.hold == hold
            });
            if !same {
                let new = LineTold {
                    state,
                    since: line.since(),
                    detail: detail.map(str::to_owned),
                    carrier: line.carrier(),
                    call,
                    number: number.map(str::to_owned),
                    hold,
                };
                told.lines.insert(*id, new);
                changed.push(self.line_view(line, now));
            }
        }
        changed
    }

    fn changed_calls(&self, told: &mut Told, now: Instant) -> Vec<status::Call> {
        let mut changed = Vec::new();
        for line in self.lines.values() {
            let Some(call) = line.call() else { continue };
            let counts = Counts::of(call, now);
            // A charge grows by itself: it is looked at again, whatever happens.
            let grows = call.connected.is_some() && call.toll.is_some();
            if let Some(old) = told.calls.get(&call.id).filter(|old| old.stands(call)) {
                let (same, due) = (old.counts == counts, old.counted + COUNTS_EVERY);
                if same || now < due {
                    if grows || !same {
                        let due = if now < due { due } else { now + COUNTS_EVERY };
                        wait_until(&mut told.due, due);
                    }
                    continue;
                }
            }
            if grows {
                wait_until(&mut told.due, now + COUNTS_EVERY);
            }
            told.calls.insert(call.id, CallTold::of(call, counts, now));
            changed.push(call_view(line, call, now));
        }
        changed
    }

    fn changed_sessions(&self, told: &mut Told, now: Instant) -> Vec<status::Session> {
        let mut changed = Vec::new();
        for session in self.sessions.values() {
            let network = session.service.network().and_then(|network| network.view(now));
            let network = network.map(|network| status::Network { idle_ms: 0, ..network });
            let old = told.sessions.get(&session.id).filter(|old| old.stands(session, &network));
            if let Some(old) = old {
                if old.network == network {
                    continue;
                }
                let due = old.counted + COUNTS_EVERY;
                if now < due {
                    wait_until(&mut told.due, due);
                    continue;
                }
            }
            told.sessions.insert(session.id, SessionTold::of(session, network, now));
            changed.push(session_view(session, now));
        }
        changed
    }

    fn changed_promises(&self, told: &mut Told, now: Instant) -> Vec<status::Promise> {
        let mut changed = Vec::new();
        for promise in self.promises.iter() {
            let new = PromiseTold::of(promise, &self.lines);
            if told.promises.get(&promise.id) != Some(&new) {
                told.promises.insert(promise.id, new);
                changed.push(self.promise_view(promise, now));
            }
        }
        changed
    }

    fn changed_rest(&self, told: &mut Told, now: Now) -> Option<Box<Rest>> {
        let same = told.rest.as_ref().is_some_and(|rest| self.rest_is(rest, now));
        if same && self.budgets_are(told, now) {
            return None;
        }
        told.spent = Some(now.at);
        let rest = self.rest_view(now);
        told.rest = Some(rest.clone());
        Some(Box::new(rest))
    }

    /// Whether the budgets are used up as far as was told, or were looked at just before.
    fn budgets_are(&self, told: &mut Told, now: Now) -> bool {
        let old = told.rest.as_ref().map_or(&[][..], |rest| &rest.budgets);
        if !self.has_budgets() {
            return old.is_empty();
        }
        let due = told.spent.map(|at| at + COUNTS_EVERY).filter(|due| now.at < *due);
        if let Some(due) = due {
            wait_until(&mut told.due, due);
            return true;
        }
        told.spent = Some(now.at);
        old == self.budgets_view(now.wall)
    }

    /// Whether the rest is still as it was, but for its clocks and for budgets. Makes nothing.
    fn rest_is(&self, rest: &Rest, now: Now) -> bool {
        let quarantine = self.promises.strangers.in_quarantine(&self.config.callback, now.wall);
        let alerts = self.desk.alerts.iter();
        let (addresses, free) = self.pool.count();
        let leases = self.pool.leases().map(|(address, lease)| (address, lease.call));
        let no_leases: &[status::Lease] = &[];
        let old = rest.pool.as_ref();
        let old_leases = old.map_or(no_leases, |pool| pool.leases.as_slice());
        let same_pool = leases.eq(old_leases.iter().map(|lease| (lease.address, lease.call)))
            && old.map_or((0, 0), |pool| (pool.addresses, pool.free))
                == (count(addresses), count(free));
        rest.stopping == (self.run != super::Run::Serving)
            && rest.store_fault == self.promises.store_fault
            && quarantine
                .map(|(number, strangers, _)| (number, strangers))
                .eq(rest.quarantine.iter().map(|held| (held.number.as_str(), held.strangers)))
            && same_pool
            && alerts.eq(rest.alerts.iter().map(|old| (old.alert, old.count, old.last)))
    }
}

impl Counts {
    fn of(call: &Call, now: Instant) -> Self {
        Self { bytes: (call.bytes_in, call.bytes_out), charge: call.charge(now) }
    }
}

impl CallTold {
    fn of(call: &Call, counts: Counts, now: Instant) -> Self {
        Self {
            session: call.session,
            connected: call.connected,
            caller: call.caller.caller.clone(),
            connect: call.connect.clone(),
            counts,
            counted: now,
        }
    }

    /// Whether the call is as it was, but for its counts.
    fn stands(&self, call: &Call) -> bool {
        self.session == call.session
            && self.connected == call.connected
            && self.caller == call.caller.caller
            && self.connect == call.connect
    }
}

impl SessionTold {
    fn of(session: &Session, network: Option<status::Network>, now: Instant) -> Self {
        Self {
            call: session.call,
            leg: session.leg,
            name: session.name.clone(),
            service: session.service.name(),
            phase: session.service.phase(),
            network,
            counted: now,
        }
    }

    /// Whether the session is as it was, but for its counts.
    fn stands(&self, session: &Session, network: &Option<status::Network>) -> bool {
        let same_network = match (&self.network, network) {
            (None, None) => true,
            (Some(old), Some(new)) => {
                (&old.interface, old.mtu, old.ipv4, old.ipv6)
                    == (&new.interface, new.mtu, new.ipv4, new.ipv6)
            }
            (None, Some(_)) | (Some(_), None) => false,
        };
        same_network
            && self.call == session.call
            && self.leg == session.leg
            && self.name == session.name
            && self.service == session.service.name()
            && self.phase == session.service.phase()
    }
}

impl PromiseTold {
    fn of(promise: &Promise, lines: &BTreeMap<LineId, Line>) -> Self {
        let numbers = promise.approval.numbers().len();
        let line = match promise.state {
            State::Dialling { line, .. } => lines.contains_key(&line),
            State::Unsealed { .. } | State::Parting | State::Waiting { .. } | State::Hunting => {
                false
            }
        };
        Self { state: promise.state, failed: promise.failed, numbers, line }
    }
}

/// Forgets those that are no more, and names them.
fn lost<I: Ord + Copy, T>(told: &mut BTreeMap<I, T>, there: impl Fn(&I) -> bool) -> Vec<I> {
    let gone: Vec<I> = told.keys().filter(|id| !there(id)).copied().collect();
    for id in &gone {
        told.remove(id);
    }
    gone
}

fn wait_until(due: &mut Option<Instant>, at: Instant) {
    *due = Some(due.map_or(at, |due| due.min(at)));
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
