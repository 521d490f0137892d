//! The running machines as plain values (see [`status`](crate::status)).

use proto::time::Instant;

use super::{Run, Server};
use crate::call::{Call, millis};
use crate::config::HoldBy;
use crate::line::Line;
use crate::policy::Counters;
use crate::policy::explain::{self, Explanation, Question};
use crate::promise::{Promise, State};
use crate::session::Session;
use crate::status::{self, Rest, Status};
use crate::vocabulary::Now;

impl Server {
    /// What the rules would say of this, with what is open and spent just now in place of the question's
    /// own counters. Changes nothing.
    #[must_use]
    pub fn explain(&self, question: &Question<'_>) -> Explanation {
        let open = self.promises.open_for(&self.config, question.user);
        let mut counters = Counters { open, ..Counters::default() };
        self.promises.ledger.count(&self.config, question.at, question.user, &mut counters);
        let marked = self.promises.marked(&self.config, question.at);
        let question = Question { counters, marked, ..question.clone() };
        let mut explanation = explain::explain(&self.config, &question);
        explanation.live = true;
        explanation.standing = self.standing(&explanation);
        explanation
    }

    /// How the lines stand: the one that he comes in on, and those that may dial.
    fn standing(&self, explanation: &Explanation) -> Vec<String> {
        let line = |name: &str| self.names.get(name).and_then(|id| self.lines.get(id));
        let shown = |line: &Line| match line.state_name() {
            (state, Some(detail)) => format!("line {} is {state}: {detail}", line.name()),
            (state, None) => format!("line {} is {state}", line.name()),
        };
        let own =
            explanation.line.as_deref().filter(|own| !explanation.lines.iter().any(|n| n == own));
        let named = own.into_iter().chain(explanation.lines.iter().map(String::as_str));
        let mut told: Vec<String> = named.filter_map(line).map(shown).collect();
        let free = |name: &String| line(name).is_some_and(|line| self.may_dial(line));
        if explanation.approved && !explanation.lines.iter().any(free) {
            told.push("no line may dial just now: the promise would wait for one".to_owned());
        }
        told
    }

    /// What is going on now. Changes nothing.
    #[must_use]
    pub fn status(&self, now: Now) -> Status {
        let Rest { stopping, store_fault, quarantine, pool, alerts, budgets } = self.rest_view(now);
        Status {
            at: now.wall,
            up_ms: now.at.as_millis(),
            stopping,
            store_fault,
            lines: self.lines.values().map(|line| self.line_view(line, now.at)).collect(),
            calls: self
                .lines
                .values()
                .filter_map(|line| Some(call_view(line, line.call()?, now.at)))
                .collect(),
            sessions: self.sessions.values().map(|session| session_view(session, now.at)).collect(),
            promises: self
                .promises
                .iter()
                .map(|promise| self.promise_view(promise, now.at))
                .collect(),
            quarantine,
            pool,
            alerts,
            budgets,
        }
    }

    /// What is neither line nor call, session or promise.
    pub(super) fn rest_view(&self, now: Now) -> Rest {
        Rest {
            stopping: self.run != Run::Serving,
            store_fault: self.promises.store_fault.clone(),
            quarantine: self
                .promises
                .strangers
                .in_quarantine(&self.config.callback, now.wall)
                .map(|(number, strangers, left)| status::Quarantined {
                    number: number.to_owned(),
                    strangers,
                    left_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
                })
                .collect(),
            pool: self.pool_view(),
            alerts: self
                .desk
                .alerts
                .iter()
                .map(|(alert, count, last)| status::Raised { alert, count, last })
                .collect(),
            budgets: self.budgets_view(now.wall),
        }
    }

    /// The addresses for callers; none where none are configured.
    fn pool_view(&self) -> Option<status::Pool> {
        let (addresses, free) = self.pool.count();
        let leases: Vec<status::Lease> = self
            .pool
            .leases()
            .map(|(address, lease)| status::Lease {
                address,
                call: lease.call,
                user: lease.user.clone(),
            })
            .collect();
        let count = |count| u64::try_from(count).unwrap_or(u64::MAX);
        (addresses > 0 || !leases.is_empty()).then(|| status::Pool {
            addresses: count(addresses),
            free: count(free),
            leases,
        })
    }

    /// How long the line is not dialled on behind a call that came in.
    pub(super) fn hold_view(&self, line: &Line) -> status::Hold {
        let config = line.config();
        let measured = self.qualifications.of(line.name());
        let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        status::Hold {
            wait_ms: ms(config.hold_time),
            by: match config.hold_by {
                HoldBy::Written => status::HoldBy::Written,
                HoldBy::Measured => status::HoldBy::Measured,
                HoldBy::Unknown => status::HoldBy::Unknown,
            },
            measured_ms: measured.map(|measured| ms(measured.hold)),
            measured_at: measured.map(|measured| measured.at),
        }
    }

    pub(super) fn line_view(&self, line: &Line, now: Instant) -> status::Line {
        let (state, detail) = line.state_name();
        status::Line {
            id: line.id(),
            line: line.name().to_owned(),
            number: line.config().number.as_ref().map(|number| number.as_str().to_owned()),
            state: state.to_owned(),
            for_ms: millis(line.since(), now),
            detail: detail.map(str::to_owned),
            carrier: line.carrier(),
            call: line.call().map(|call| call.id),
            hold: Some(self.hold_view(line)),
        }
    }

    pub(super) fn promise_view(&self, promise: &Promise, now: Instant) -> status::Promise {
        let (state, line, due) = match promise.state {
            State::Unsealed { .. } => ("unsealed", None, None),
            State::Parting => ("parting", None, None),
            State::Waiting { due } => ("waiting", None, Some(due)),
            State::Hunting => ("hunting", None, None),
            State::Dialling { line, .. } => ("dialling", Some(line), None),
        };
        status::Promise {
            promise: promise.id,
            session: promise.session,
            user: promise.user.clone(),
            numbers: promise.approval.numbers().iter().map(|n| n.as_str().to_owned()).collect(),
            lines: promise.approval.lines().to_vec(),
            rule: promise.approval.rule().to_owned(),
            state: state.to_owned(),
            line: line.and_then(|id| Some(self.lines.get(&id)?.name().to_owned())),
            failed: promise.failed,
            tries: promise.tries,
            due_ms: due.map(|due| millis(now, due)),
            expires_ms: millis(now, promise.expires),
        }
    }
}

pub(super) fn call_view(line: &Line, call: &Call, now: Instant) -> status::Call {
    status::Call {
        call: call.id,
        line: line.name().to_owned(),
        session: call.session,
        leg: call.leg,
        for_ms: millis(call.began, now),
        online_ms: call.connected.map(|since| millis(since, now)),
        caller_id: call.caller.caller.as_ref().map(ToString::to_string),
        connect: call.connect.clone(),
        bytes_in: call.bytes_in,
        bytes_out: call.bytes_out,
        charge: call.charge(now),
    }
}

pub(super) fn session_view(session: &Session, now: Instant) -> status::Session {
    status::Session {
        session: session.id,
        call: session.call,
        leg: session.leg,
        name: session.name.clone(),
        service: session.service.name().to_owned(),
        phase: session.service.phase().map(str::to_owned),
        network: session.service.network().and_then(|network| network.view(now)),
    }
}
