//! What stands otherwise than before: for who keeps a [`Status`] and is told how it changes.
//!
//! ```text
//!   Server::status ──► Status ──┐
//!   Server::changes ──► Changes ─┴─ Status::apply ──► the status that the server would give now
//! ```
//!
//! Clocks that run (`for_ms`, `left_ms`, ...) are no change: [`Status::apply`] moves them by what has passed on
//! the server's own clock, which no one sets.
//!
//! It does not know how changes are found (`server::told`), nor who is told.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Budget, Call, Line, Pool, Promise, Quarantined, Raised, Session, Status};
use crate::vocabulary::{CallId, LineId, PromiseId, SessionId, Wall};

/// What of a [`Status`] stands otherwise; what is left out is as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// When it was so.
    pub at: Wall,
    /// As [`Status::up_ms`].
    pub up_ms: u64,
    /// Lines that are new or stand otherwise, whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// Such calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// Such sessions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<Session>,
    /// Such promises.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promises: Vec<Promise>,
    /// What is no more.
    #[serde(default, skip_serializing_if = "Gone::is_empty")]
    pub gone: Gone,
    /// All the rest, if any of it stands otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Box<Rest>>,
}

/// What is no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Lines that a reload has taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineId>,
    /// Calls that are over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallId>,
    /// Sessions that have no call any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<SessionId>,
    /// Promises that were kept, withdrawn or have expired.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promises: Vec<PromiseId>,
}

/// What is small, and changes seldom: told whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// As [`Status::stopping`].
    pub stopping: bool,
    /// As [`Status::store_fault`].
    pub store_fault: Option<String>,
    /// As [`Status::quarantine`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantine: Vec<Quarantined>,
    /// As [`Status::pool`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Pool>,
    /// As [`Status::alerts`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Raised>,
    /// As [`Status::budgets`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
}

impl Gone {
    /// Whether all is still there.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
            && self.calls.is_empty()
            && self.sessions.is_empty()
            && self.promises.is_empty()
    }
}

impl Changes {
    /// Whether nothing stands otherwise.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
            && self.calls.is_empty()
            && self.sessions.is_empty()
            && self.promises.is_empty()
            && self.gone.is_empty()
            && self.rest.is_none()
    }
}

impl Status {
    /// Makes of how things stood how they stand now. The changes must be those since this status, or since the last
    /// that were applied to it.
    pub fn apply(&mut self, changes: Changes) {
        self.pass(changes.up_ms.saturating_sub(self.up_ms));
        (self.at, self.up_ms) = (changes.at, changes.up_ms);
        merge(&mut self.lines, changes.lines, &changes.gone.lines, |line| line.id);
        merge(&mut self.sessions, changes.sessions, &changes.gone.sessions, |s| s.session);
        merge(&mut self.promises, changes.promises, &changes.gone.promises, |p| p.promise);
        let calls = !changes.calls.is_empty() || !changes.gone.calls.is_empty();
        if calls {
            self.calls.sort_unstable_by_key(|call| call.call);
            merge(&mut self.calls, changes.calls, &changes.gone.calls, |call| call.call);
            let places = self.lines.iter().enumerate();
            let places: BTreeMap<CallId, usize> =
                places.filter_map(|(place, line)| Some((line.call?, place))).collect();
            self.calls.sort_by_key(|call| places.get(&call.call).copied());
        }
        if let Some(rest) = changes.rest {
            self.stopping = rest.stopping;
            self.store_fault = rest.store_fault;
            self.quarantine = rest.quarantine;
            self.pool = rest.pool;
            self.alerts = rest.alerts;
            self.budgets = rest.budgets;
        }
    }

    /// Moves the clocks that run.
    fn pass(&mut self, ms: u64) {
        for line in &mut self.lines {
            line.for_ms = line.for_ms.saturating_add(ms);
        }
        for call in &mut self.calls {
            call.for_ms = call.for_ms.saturating_add(ms);
            call.online_ms = call.online_ms.map(|online| online.saturating_add(ms));
        }
        for network in self.sessions.iter_mut().filter_map(|session| session.network.as_mut()) {
            network.idle_ms = network.idle_ms.saturating_add(ms);
        }
        for promise in &mut self.promises {
            promise.due_ms = promise.due_ms.map(|due| due.saturating_sub(ms));
            promise.expires_ms = promise.expires_ms.saturating_sub(ms);
        }
        for number in &mut self.quarantine {
            number.left_ms = number.left_ms.saturating_sub(ms);
        }
    }
}

/// Puts the new ones in place of the old; `all` stays in the order of its ids.
fn merge<T, I: Ord + Copy>(all: &mut Vec<T>, new: Vec<T>, gone: &[I], id: impl Fn(&T) -> I) {
    if !gone.is_empty() {
        let gone: BTreeSet<I> = gone.iter().copied().collect();
        all.retain(|one| !gone.contains(&id(one)));
    }
    for one in new {
        match all.binary_search_by_key(&id(&one), &id) {
            Ok(place) => {
                if let Some(old) = all.get_mut(place) {
                    *old = one;
                }
            }
            Err(place) => all.insert(place, one),
        }
    }
}
