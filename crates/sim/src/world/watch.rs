//! The invariants of ARCHITECTURE.md that can be seen from outside, looked at in every step of every story.
//!
//! It sees what the core puts out and what the town does, and trusts neither.

use std::collections::{BTreeMap, BTreeSet};

use calls::vocabulary::{CallId, Cause, Entry, Event, Leg, PromiseId, Seq};

/// What is known of a promise.
#[derive(Debug)]
struct Promise {
    seq: Seq,
    call: Option<CallId>,
    rule: String,
    numbers: Vec<String>,
    lines: Vec<String>,
    ends: u32,
}

/// What is known of a call.
#[derive(Debug)]
struct Call {
    line: String,
    leg: Leg,
    online: bool,
    /// The place of `Kept`.
    kept: Option<Seq>,
}

/// Keeps watch.
#[derive(Debug, Default)]
pub struct Watch {
    promises: BTreeMap<PromiseId, Promise>,
    calls: BTreeMap<CallId, Call>,
    on_line: BTreeMap<String, CallId>,
    /// Lines that may dial once, to measure another.
    measuring: BTreeSet<String>,
    ended: BTreeSet<CallId>,
    durable: Option<Seq>,
    last: Option<Seq>,
    violations: Vec<String>,
}

/// More than this many violations say nothing new.
const LIMIT: usize = 20;

impl Watch {
    /// What was violated, in order.
    #[must_use]
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Promises that are neither kept nor given up.
    #[must_use]
    pub fn open_promises(&self) -> Vec<PromiseId> {
        self.promises.iter().filter(|(_, promise)| promise.ends == 0).map(|(id, _)| *id).collect()
    }

    /// Calls without a record.
    #[must_use]
    pub fn open_calls(&self) -> Vec<CallId> {
        self.calls.keys().copied().collect()
    }

    /// Forgets what is over.
    pub(super) fn forget(&mut self) {
        self.promises.retain(|_, promise| promise.ends == 0);
        self.ended.clear();
    }

    pub(super) fn violated(&mut self, what: impl Into<String>) {
        if self.violations.len() < LIMIT {
            self.violations.push(what.into());
        }
    }

    pub(super) fn durable(&mut self, upto: Option<Seq>) {
        self.durable = self.durable.max(upto);
    }

    /// The power has failed: what was not durable never happened.
    pub(super) fn power_failed(&mut self, left: &[Entry]) {
        let violations = std::mem::take(&mut self.violations);
        *self = Self { violations, durable: self.durable, ..Self::default() };
        for entry in left {
            self.journalled(entry);
        }
        // The processes are gone, and with them the calls; the next run writes their records.
        self.on_line.clear();
    }

    fn is_durable(&self, seq: Seq) -> bool {
        self.durable >= Some(seq)
    }

    /// Something is sent to the modem on a line that is in the command state.
    pub(super) fn commanded(&mut self, line: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let upper = text.to_ascii_uppercase();
        let is_measuring = proto::dial::is_measuring_command(bytes);
        if is_measuring && upper.ends_with("W;\r") {
            // It asks for dial tone and calls nobody.
            return;
        }
        let dials = upper.strip_prefix("AT").is_some_and(|rest| {
            // `&D2` is no dial command.
            rest.as_bytes().iter().enumerate().any(|(at, byte)| {
                let before = at.checked_sub(1).and_then(|at| rest.as_bytes().get(at));
                *byte == b'D' && !matches!(before, Some(b'&' | b'I' | b'+'))
            })
        });
        if dials && !upper.starts_with("AT+") && !upper.starts_with("AT#") {
            if !is_measuring && !proto::dial::is_dial_command(bytes) {
                self.violated(format!("3: {line} is sent {text:?}, which is no dial command"));
            }
            if self.measuring.remove(line) {
                return;
            }
            let returns = self.on_line.get(line).and_then(|call| self.calls.get(call));
            if returns.is_none_or(|call| call.leg != Leg::Return) {
                self.violated(format!("4: {line} dials {text:?} without a promise"));
            }
        }
    }

    /// Something is sent to a caller.
    pub(super) fn spoken(&mut self, line: &str, bytes: &[u8]) {
        let Some(call) = self.on_line.get(line).and_then(|call| self.calls.get(call)) else {
            return;
        };
        if bytes == b"+++" {
            // The way to the modem's command state, to hang up: nothing is said with it.
            return;
        }
        if call.leg == Leg::Return
            && call.online
            && call.kept.is_none_or(|seq| !self.is_durable(seq))
        {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.violated(format!("5: {line} says {text:?} before Kept is durable"));
        }
    }

    /// An entry is written.
    #[allow(clippy::too_many_lines, reason = "every event is named once")]
    pub(super) fn journalled(&mut self, entry: &Entry) {
        if self.last.is_some_and(|last| entry.seq.0 != last.0 + 1) {
            self.violated(format!("journal: {} does not follow {:?}", entry.seq, self.last));
        }
        self.last = Some(entry.seq);
        match &entry.event {
            Event::Promised(promised) => {
                let promise = Promise {
                    seq: entry.seq,
                    call: promised.call,
                    rule: promised.rule.clone(),
                    numbers: promised.numbers.clone(),
                    lines: promised.lines.clone(),
                    ends: 0,
                };
                if promised.rule.is_empty() {
                    self.violated(format!("4: {} names no rule", promised.promise));
                }
                if self.promises.insert(promised.promise, promise).is_some() {
                    self.violated(format!("5: {} is promised twice", promised.promise));
                }
            }
            Event::Dialled { promise, call, line, number, rule, .. } => {
                self.begins(*call, line, Leg::Return);
                let known = self.promises.get(promise).map(|known| {
                    let rule_fits = known.rule == *rule;
                    let line_fits = known.lines.contains(line);
                    let number_fits = known.numbers.contains(number);
                    (rule_fits && line_fits && number_fits, known.ends, self.is_durable(known.seq))
                });
                match known {
                    Some((true, 0, true)) => {}
                    other => self.violated(format!(
                        "4, 5: {call} dials for {promise} on {line}: {number} by {rule:?} ({other:?})"
                    )),
                }
            }
            Event::MeasuringCall { from, rule, .. } => {
                if rule.is_empty() {
                    self.violated(format!("4: {from} measures by no rule"));
                }
                if let Some(call) = self.on_line.get(from) {
                    self.violated(format!("6: {from} measures, and has {call}"));
                }
                self.measuring.insert(from.clone());
            }
            Event::Rang { call, line, .. } => self.begins(*call, line, Leg::Request),
            Event::Connected { call, line, direction, .. } => {
                if !self.calls.contains_key(call) {
                    self.begins(*call, line, *direction);
                }
                if let Some(call) = self.calls.get_mut(call) {
                    call.online = true;
                }
            }
            Event::Kept { promise, call } => {
                self.promise_ends(*promise);
                if let Some(call) = self.calls.get_mut(call) {
                    call.kept = Some(entry.seq);
                }
            }
            Event::Withdrawn { promise, .. } | Event::Expired { promise, .. } => {
                self.promise_ends(*promise);
            }
            Event::Ended(ended) => self.call_ends(ended.call, ended.cause),
            Event::ServerStarted { .. }
            | Event::ServerStopping { .. }
            | Event::ServerStopped
            | Event::Reloaded { .. }
            | Event::LineReady { .. }
            | Event::LineFaulted { .. }
            | Event::LineLent { .. }
            | Event::LineReturned { .. }
            | Event::LineBusiedOut { .. }
            | Event::LineRestored { .. }
            | Event::ReloadRefused { .. }
            | Event::CarrierStuck { .. }
            | Event::Screened { .. }
            | Event::Named { .. }
            | Event::Dispatched { .. }
            | Event::CodeSpent { .. }
            | Event::Proved { .. }
            | Event::NotProved { .. }
            | Event::NetworkUp { .. }
            | Event::NetworkDown { .. }
            | Event::NetworkRefused { .. }
            | Event::ScriptFailed { .. }
            | Event::LinkEnded { .. }
            | Event::Refused { .. }
            | Event::TryFailed { .. }
            | Event::Launched { .. }
            | Event::LaunchFailed { .. }
            | Event::ProgramExited { .. }
            | Event::Operated { .. }
            | Event::Recognised { .. }
            | Event::Stranger { .. }
            | Event::Released { .. }
            | Event::Qualified { .. }
            | Event::NotQualified { .. }
            | Event::Measured { .. }
            | Event::Alert { .. } => {}
        }
    }

    fn begins(&mut self, id: CallId, line: &str, leg: Leg) {
        let call = Call { line: line.to_owned(), leg, online: false, kept: None };
        if self.ended.contains(&id) || self.calls.insert(id, call).is_some() {
            self.violated(format!("6: {id} begins twice"));
        }
        if let Some(other) = self.on_line.insert(line.to_owned(), id) {
            self.violated(format!("6: {id} begins on {line}, which has {other}"));
        }
    }

    fn promise_ends(&mut self, id: PromiseId) {
        let Some(promise) = self.promises.get_mut(&id) else {
            return self.violated(format!("5: {id} ends and was never made"));
        };
        promise.ends += 1;
        if promise.ends > 1 {
            self.violated(format!("5: {id} ends twice"));
        }
    }

    fn call_ends(&mut self, id: CallId, cause: Cause) {
        let Some(call) = self.calls.remove(&id) else {
            return self.violated(format!("6: {id} ends and never began, or twice"));
        };
        if self.on_line.get(&call.line) == Some(&id) {
            self.on_line.remove(&call.line);
        }
        self.ended.insert(id);
        let promise = self.promises.values().find(|promise| promise.call == Some(id));
        if cause == Cause::Callback && promise.is_none_or(|promise| !self.is_durable(promise.seq)) {
            self.violated(format!("5: {id} was dropped for a callback that is not durable"));
        }
    }
}

#[cfg(test)]
mod tests {
    use calls::vocabulary::{Ended, Promised, SessionId, Wall};

    use super::*;

    const CALL: CallId = CallId(1);
    const BACK: CallId = CallId(2);
    const PROMISE: PromiseId = PromiseId(1);

    fn rang(call: CallId) -> Event {
        Event::Rang { line: "a".to_owned(), call, caller_id: None, called: None }
    }

    fn promised() -> Event {
        Event::Promised(Promised {
            promise: PROMISE,
            session: SessionId(1),
            call: Some(CALL),
            user: "cback".to_owned(),
            numbers: vec!["5550199".to_owned()],
            lines: vec!["a".to_owned()],
            rule: "a rule".to_owned(),
            due: Wall::default(),
            expires: Wall::default(),
            tries: 3,
            retry_ms: 1,
            init: Vec::new(),
            speed: None,
            ppp: false,
            bound: false,
        })
    }

    fn ended(call: CallId, cause: Cause) -> Event {
        Event::Ended(Ended {
            line: "a".to_owned(),
            call,
            session: None,
            leg: Leg::Request,
            cause,
            total_ms: 0,
            online_ms: 0,
            bytes_in: 0,
            bytes_out: 0,
            charge: None,
            screen: None,
        })
    }

    fn dialled(number: &str) -> Event {
        Event::Dialled {
            promise: PROMISE,
            session: SessionId(1),
            call: BACK,
            line: "a".to_owned(),
            number: number.to_owned(),
            rule: "a rule".to_owned(),
            attempt: 1,
        }
    }

    fn kept() -> Event {
        Event::Kept { promise: PROMISE, call: BACK }
    }

    /// Writes these events; those before `durable` are durable by the time of the next.
    fn watch(events: Vec<Event>, durable: u64) -> Watch {
        let mut watch = Watch::default();
        for (seq, event) in (1..).zip(events) {
            watch.journalled(&Entry { seq: Seq(seq), at: Wall::default(), event });
            if seq <= durable {
                watch.durable(Some(Seq(seq)));
            }
        }
        watch
    }

    #[test]
    fn each_violation_is_seen() {
        let good = || {
            let parted = ended(CALL, Cause::Callback);
            vec![rang(CALL), promised(), parted, dialled("5550199"), kept()]
        };
        assert_eq!(watch(good(), 9).violations(), &[] as &[String]);
        for (events, durable, wanted) in [
            (good(), 1, "5: c1 was dropped for a callback that is not durable"),
            (vec![rang(CALL), rang(CALL)], 9, "6: c1 begins twice"),
            (vec![rang(CALL), rang(BACK)], 9, "6: c2 begins on a, which has c1"),
            (vec![ended(CALL, Cause::Busy)], 9, "6: c1 ends and never began, or twice"),
            (vec![kept()], 9, "5: p1 ends and was never made"),
            (vec![promised(), kept(), kept()], 9, "5: p1 ends twice"),
            (vec![promised(), dialled("900")], 9, "4, 5: c2 dials for p1 on a: 900"),
            (vec![promised(), dialled("5550199")], 0, "4, 5: c2 dials for p1"),
            (vec![promised(), kept(), dialled("5550199")], 9, "4, 5: c2 dials for p1"),
            (vec![dialled("5550199")], 9, "4, 5: c2 dials for p1"),
        ] {
            let watch = watch(events, durable);
            let first = watch.violations().first().cloned().unwrap_or_default();
            assert!(first.starts_with(wanted), "{first:?} is not {wanted:?}");
        }
    }

    #[test]
    fn what_goes_to_the_modem_is_read() {
        for (bytes, wanted) in [
            ("ATZ\r", None),
            ("AT&C1&D2S0=0\r", None),
            ("AT+VCID=1\r", None),
            ("ATDT5550199\r", Some("4: a dials")),
            ("ATDT5550199;H0\r", Some("3: a is sent")),
        ] {
            let mut watch = Watch::default();
            watch.commanded("a", bytes.as_bytes());
            let first = watch.violations().first().cloned();
            assert_eq!(first.is_some(), wanted.is_some(), "{bytes:?}: {first:?}");
            assert!(first.unwrap_or_default().starts_with(wanted.unwrap_or_default()));
        }
        let mut watch = watch(vec![promised(), dialled("5550199")], 1);
        watch.commanded("a", b"ATDT5550199\r");
        assert_eq!(watch.violations(), &[] as &[String]);
        let connected = Event::Connected {
            line: "a".to_owned(),
            call: BACK,
            session: SessionId(1),
            direction: Leg::Return,
            connect: String::new(),
            speed: None,
        };
        watch.journalled(&Entry { seq: Seq(3), at: Wall::default(), event: connected });
        watch.spoken("a", b"login: ");
        assert!(watch.violations()[0].starts_with("5: a says"), "{:?}", watch.violations());
    }
}
