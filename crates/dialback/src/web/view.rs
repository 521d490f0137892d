//! How things stand, as browsers and programs are told: each line with the call on it, times as moments.
//!
//! A [`calls::status::Status`] counts from when it was made, so that no two of them are equal; here
//! a thing that has not changed looks the same as before, and only what differs has to be told again.

use std::collections::BTreeMap;

use calls::status::{Budget, Quarantined, Raised, Status};
use calls::vocabulary::{CallId, Leg, PromiseId, SessionId, Wall};
use serde::Serialize;

/// Clocks of two answers differ by this much without anything having changed.
const JITTER_MS: i64 = 500;

/// How everything stands.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Standing {
    /// When it was so.
    pub(super) at: Wall,
    /// The server was told to stop.
    pub(super) stopping: bool,
    /// Why the journal can't be written, if it can't.
    pub(super) store_fault: Option<String>,
    /// The lines, in the order of the configuration.
    pub(super) lines: Vec<Line>,
    /// The open promises, oldest first.
    pub(super) promises: Vec<Promise>,
    /// Numbers that are not called.
    pub(super) quarantine: Vec<Quarantined>,
    /// What was raised since the server was started.
    pub(super) alerts: Vec<Raised>,
    /// What may be spent today, and what was.
    pub(super) budgets: Vec<Budget>,
}

/// One line, with the call on it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
    pub(super) line: String,
    pub(super) number: Option<String>,
    pub(super) state: String,
    /// Since when (ms since 1970).
    pub(super) since_ms: i64,
    pub(super) detail: Option<String>,
    pub(super) carrier: Option<bool>,
    pub(super) call: Option<Call>,
}

/// The call on a line.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Call {
    pub(super) call: CallId,
    pub(super) session: Option<SessionId>,
    pub(super) leg: Leg,
    /// When it rang or was dialled (ms since 1970).
    pub(super) began_ms: i64,
    /// When the modems were connected.
    pub(super) connected_ms: Option<i64>,
    pub(super) caller_id: Option<String>,
    pub(super) connect: String,
    pub(super) name: Option<String>,
    pub(super) service: Option<String>,
    /// Who it is, and how, in words.
    pub(super) who: String,
}

/// A callback that is owed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Promise {
    pub(super) promise: PromiseId,
    pub(super) session: SessionId,
    pub(super) user: String,
    pub(super) numbers: Vec<String>,
    pub(super) lines: Vec<String>,
    pub(super) rule: String,
    pub(super) state: String,
    pub(super) line: Option<String>,
    pub(super) failed: u32,
    pub(super) tries: u32,
    /// When it is tried next, where that is known (ms since 1970).
    pub(super) due_ms: Option<i64>,
    /// When it expires.
    pub(super) expires_ms: i64,
}

fn ago(at: Wall, ms: u64) -> i64 {
    at.unix_ms.saturating_sub(i64::try_from(ms).unwrap_or(i64::MAX))
}

fn hence(at: Wall, ms: u64) -> i64 {
    at.unix_ms.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX))
}

impl From<&Status> for Standing {
    fn from(status: &Status) -> Self {
        let at = status.at;
        // A thousand lines have a thousand calls: no search for each.
        let calls: BTreeMap<_, _> = status.calls.iter().map(|call| (call.call, call)).collect();
        let sessions: BTreeMap<_, _> = status.sessions.iter().map(|s| (s.call, s)).collect();
        let call = |line: &calls::status::Line| {
            let id = line.call?;
            let found = calls.get(&id)?;
            let session = sessions.get(&id);
            let call = Call {
                call: id,
                session: found.session,
                leg: found.leg,
                began_ms: ago(at, found.for_ms),
                connected_ms: found.online_ms.map(|ms| ago(at, ms)),
                caller_id: found.caller_id.clone(),
                connect: found.connect.clone(),
                name: session.and_then(|session| session.name.clone()),
                service: session.map(|session| match &session.phase {
                    Some(phase) => format!("{}: {phase}", session.service),
                    None => session.service.clone(),
                }),
                who: String::new(),
            };
            Some(Call { who: call.who(), ..call })
        };
        let lines = status.lines.iter().map(|line| Line {
            line: line.line.clone(),
            number: line.number.clone(),
            state: line.state.clone(),
            since_ms: ago(at, line.for_ms),
            detail: line.detail.clone(),
            carrier: line.carrier,
            call: call(line),
        });
        let promises = status.promises.iter().map(|promise| Promise {
            promise: promise.promise,
            session: promise.session,
            user: promise.user.clone(),
            numbers: promise.numbers.clone(),
            lines: promise.lines.clone(),
            rule: promise.rule.clone(),
            state: promise.state.clone(),
            line: promise.line.clone(),
            failed: promise.failed,
            tries: promise.tries,
            due_ms: promise.due_ms.map(|ms| hence(at, ms)),
            expires_ms: hence(at, promise.expires_ms),
        });
        Self {
            at,
            stopping: status.stopping,
            lines: lines.collect(),
            promises: promises.collect(),
            store_fault: status.store_fault.clone(),
            quarantine: status.quarantine.clone(),
            alerts: status.alerts.clone(),
            budgets: status.budgets.clone(),
        }
    }
}

impl Line {
    /// Whether an onlooker would see a difference.
    fn differs(&self, other: &Self) -> bool {
        let same_call = match (&self.call, &other.call) {
            (None, None) => true,
            (Some(one), Some(two)) => one.same(two),
            (Some(_), None) | (None, Some(_)) => false,
        };
        !same_call
            || self.state != other.state
            || self.since_ms.abs_diff(other.since_ms) > JITTER_MS.unsigned_abs()
            || self.detail != other.detail
            || self.carrier != other.carrier
            || self.number != other.number
    }
}

impl Call {
    fn same(&self, other: &Self) -> bool {
        self.call == other.call
            && self.session == other.session
            && self.connected_ms.is_some() == other.connected_ms.is_some()
            && self.caller_id == other.caller_id
            && self.connect == other.connect
            && self.name == other.name
            && self.service == other.service
    }
}

impl Promise {
    fn differs(&self, other: &Self) -> bool {
        let apart = |one: Option<i64>, two: Option<i64>| match (one, two) {
            (Some(one), Some(two)) => one.abs_diff(two) > JITTER_MS.unsigned_abs(),
            (one, two) => one != two,
        };
        self.promise != other.promise
            || self.state != other.state
            || self.line != other.line
            || self.failed != other.failed
            || apart(self.due_ms, other.due_ms)
    }
}

/// What is different; what is the same is left out.
#[derive(Debug, Serialize)]
pub(super) struct Change<'a> {
    /// When it was so.
    pub(super) at: Wall,
    /// Lines that differ, or are new.
    pub(super) lines: Vec<&'a Line>,
    /// Names of lines that are no more.
    pub(super) gone: Vec<&'a str>,
    /// All open promises, if one of them differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) promises: Option<&'a [Promise]>,
    /// What is neither a line nor a promise, if some of it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rest: Option<Rest<'a>>,
}

/// All of a [`Standing`] that is neither a line nor a promise.
#[derive(Debug, Serialize)]
pub(super) struct Rest<'a> {
    pub(super) stopping: bool,
    pub(super) store_fault: Option<&'a str>,
    pub(super) quarantine: &'a [Quarantined],
    pub(super) alerts: &'a [Raised],
    pub(super) budgets: &'a [Budget],
}

impl Standing {
    /// What of this is different from `before`; `None`: nothing.
    pub(super) fn change<'a>(&'a self, before: &'a Self) -> Option<Change<'a>> {
        // Both are in the order of the configuration, so that mostly the same place has the same line.
        let find = |all: &'a [Line], place: usize, name: &str| {
            let near = all.get(place).filter(|line| line.line == name);
            near.or_else(|| all.iter().find(|line| line.line == name))
        };
        let lines: Vec<&Line> = self
            .lines
            .iter()
            .enumerate()
            .filter(|(place, line)| {
                find(&before.lines, *place, &line.line).is_none_or(|old| line.differs(old))
            })
            .map(|(_, line)| line)
            .collect();
        let gone: Vec<&str> = before
            .lines
            .iter()
            .enumerate()
            .filter(|(place, line)| find(&self.lines, *place, &line.line).is_none())
            .map(|(_, line)| line.line.as_str())
            .collect();
        let same = self.promises.len() == before.promises.len()
            && self.promises.iter().zip(&before.promises).all(|(new, old)| !new.differs(old));
        let promises = (!same).then_some(self.promises.as_slice());
        let rest = self.rest_differs(before).then(|| Rest {
            stopping: self.stopping,
            store_fault: self.store_fault.as_deref(),
            quarantine: &self.quarantine,
            alerts: &self.alerts,
            budgets: &self.budgets,
        });
        let nothing = lines.is_empty() && gone.is_empty() && promises.is_none() && rest.is_none();
        (!nothing).then_some(Change { at: self.at, lines, gone, promises, rest })
    }

    fn rest_differs(&self, before: &Self) -> bool {
        // How long a number stays in quarantine is counted down; that alone is no news.
        let held = |standing: &Self| -> Vec<String> {
            standing.quarantine.iter().map(|held| held.number.clone()).collect()
        };
        self.stopping != before.stopping
            || self.store_fault != before.store_fault
            || self.alerts != before.alerts
            || self.budgets != before.budgets
            || held(self) != held(before)
    }

    /// How many lines are in each state, the commonest first.
    pub(super) fn totals(&self) -> Vec<(&str, usize)> {
        let mut totals: Vec<(&str, usize)> = Vec::new();
        for line in &self.lines {
            match totals.iter_mut().find(|(state, _)| *state == line.state) {
                Some((_, count)) => *count += 1,
                None => totals.push((&line.state, 1)),
            }
        }
        totals.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        totals
    }
}

/// Nothing yet: what the page's script fills in.
impl Line {
    /// A line without anything.
    pub(super) fn none() -> Self {
        Self {
            line: String::new(),
            number: None,
            state: String::new(),
            since_ms: 0,
            detail: None,
            carrier: None,
            call: None,
        }
    }
}

impl Promise {
    /// A promise without anything.
    pub(super) fn none() -> Self {
        Self {
            promise: PromiseId(0),
            session: SessionId(0),
            user: String::new(),
            numbers: Vec::new(),
            lines: Vec::new(),
            rule: String::new(),
            state: String::new(),
            line: None,
            failed: 0,
            tries: 0,
            due_ms: None,
            expires_ms: 0,
        }
    }
}

impl Call {
    /// Who it is, as far as that is known: a name, or else a number.
    fn who(&self) -> String {
        let name = self.name.as_deref().or(self.caller_id.as_deref());
        let way = match self.leg {
            Leg::Request => "in",
            Leg::Return => "out",
        };
        match (name, self.connect.is_empty()) {
            (Some(name), false) => format!("{way} · {name} · {}", self.connect),
            (Some(name), true) => format!("{way} · {name}"),
            (None, false) => format!("{way} · {}", self.connect),
            (None, true) => way.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use calls::status::BudgetUnit;

    use super::*;

    #[test]
    fn what_is_neither_a_line_nor_a_promise_is_news_too() {
        let before = Standing::default();
        assert!(before.change(&before).is_none(), "nothing has changed");
        let budget = Budget {
            of: "user alice".to_owned(),
            user: Some("alice".to_owned()),
            unit: BudgetUnit::Minutes,
            spent: 5,
            limit: 60,
        };
        let held = |left_ms| Quarantined { number: "5550199".to_owned(), strangers: 3, left_ms };
        for after in [
            Standing { stopping: true, ..Standing::default() },
            Standing { store_fault: Some("disk full".to_owned()), ..Standing::default() },
            Standing { budgets: vec![budget], ..Standing::default() },
            Standing { quarantine: vec![held(1000)], ..Standing::default() },
        ] {
            assert!(after.change(&before).is_some_and(|change| change.rest.is_some()), "{after:?}");
            assert!(before.change(&after).is_some_and(|change| change.rest.is_some()), "{after:?}");
        }
        let later = |left_ms| Standing { quarantine: vec![held(left_ms)], ..Standing::default() };
        assert!(later(900).change(&later(1000)).is_none(), "time passes, and nothing else");
    }
}
