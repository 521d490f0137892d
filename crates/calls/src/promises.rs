//! All open promises: made here from an approval, found by id, counted by user, woken when due.
//!
//! It does not choose lines or dial; the server asks [`Promises::due`] and [`Promises::hunting_on`] and
//! acts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proto::dial::PhoneNumber;
use proto::time::{Deadline, Instant};

use crate::alarms::Alarms;
use crate::code::Code;
use crate::config::{Config, NamePattern};
use crate::desk::Desk;
use crate::dispatch;
use crate::money::{Ledger, Toll};
use crate::policy::numbering::{Class, normal};
use crate::policy::{
    self, Approval, Counters, Marked, OpenPromises, Refusal, RefusalKind, Request,
};
use crate::promise::{AfterTry, Promise, State};
use crate::recovery::OpenPromise;
use crate::strangers::Strangers;
use crate::vocabulary::{
    CallId, Cause, Event, Leg, LineId, Now, PromiseId, Promised, RequestId, Seq, SessionId, Wall,
};

/// The user's name on a promise to call a number that an operator ordered, and its rule. A caller can type the name, so
/// it is the rule that tells ([`Promise::is_operators`]); no user may have the name (`config::users`).
pub(crate) const OPERATOR: &str = "operator";

/// What a promise is made of, besides policy's approval.
#[derive(Clone, Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) session: SessionId,
    /// The request leg, if there is one.
    pub(crate) call: Option<CallId>,
    pub(crate) user: &'a str,
    /// `-m` and `-s`.
    pub(crate) init: &'a [String],
    pub(crate) speed: Option<u32>,
    /// What the caller asked for: not before that, once his line is down.
    pub(crate) least_delay: Duration,
    /// The return leg speaks PPP at once.
    pub(crate) ppp: bool,
    /// Whoever answers has to know a code, which the caller is shown now.
    pub(crate) bound: bool,
    /// Who waits for the answer.
    pub(crate) reply: Option<RequestId>,
}

/// A promise as it was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) promise: PromiseId,
    /// Wait until this is durable.
    pub(crate) seq: Seq,
    /// The latest time for the first try, in whole seconds, for the farewell.
    pub(crate) within_s: u64,
    /// What the caller is told of the code, if there is one.
    pub(crate) notice: Option<Vec<u8>>,
}

/// The open promises.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    open: BTreeMap<PromiseId, Promise>,
    by_user: BTreeMap<String, u32>,
    /// Where they are owed, as [`normal`] writes it.
    by_number: BTreeMap<String, BTreeSet<PromiseId>>,
    alarms: Alarms<PromiseId>,
    /// Promises that are due and wait for a line, by the names of the lines that would do.
    hunting: BTreeMap<String, BTreeSet<PromiseId>>,
    /// At which numbers strangers have answered.
    pub(crate) strangers: Strangers,
    /// What return calls have cost today.
    pub(crate) ledger: Ledger,
    /// Why the journal cannot be written, if it cannot: then nothing is promised.
    pub(crate) store_fault: Option<String>,
}

impl Promises {
    /// How many promises are open for this name, and in all.
    ///
    /// A name that is no user's is counted with all that the same entry of login.config takes: whoever may call
    /// himself `cb1` and `cb2` has not two names.
    pub(crate) fn open_for(&self, config: &Config, name: &str) -> OpenPromises {
        let name = config.user(name).map_or(name, |user| &user.name);
        let entry = |name: &str| dispatch::find(&config.entries, name, Leg::Request);
        let by_user = match entry(name).filter(|_| is_shared(config, name)) {
            Some(own) if !matches!(own.pattern, NamePattern::Exact(_)) => {
                let same = |other: &str| entry(other).is_some_and(|entry| entry == own);
                let open = self.by_user.iter();
                open.filter(|(other, _)| is_shared(config, other) && same(other))
                    .map(|(_, count)| count)
                    .sum()
            }
            Some(_) | None => self.by_user.get(name).copied().unwrap_or(0),
        };
        let in_all = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        OpenPromises { by_user, in_all }
    }

    /// Calls that are being dialled count as made: they will have been, when somebody answers.
    pub(crate) fn count_dialling(&self, config: &Config, user: &str, counters: &mut Counters) {
        let limited = config.user(user).is_some_and(|user| user.budget.calls.is_some());
        if !limited && config.budgets.iter().all(|day| day.budget.calls.is_none()) {
            return;
        }
        for promise in self.open.values() {
            let (State::Dialling { .. }, Some(number)) = (promise.state, promise.number()) else {
                continue;
            };
            let toll = Toll::of(config, &promise.user, number);
            if promise.user == user {
                counters.spent.calls += 1;
            }
            counters.day.calls += 1;
            for (spent, class) in counters.classes.iter_mut().zip(Class::ALL) {
                spent.calls += u32::from(class == toll.class);
            }
        }
    }

    /// Whether a callback is owed there under a name that is no user's.
    fn is_pending(&self, config: &Config, number: &str) -> bool {
        let shared = |id| {
            let nobodys = |promise: &Promise| is_shared(config, &promise.user);
            self.get(id).is_some_and(|promise| !promise.is_operators() && nobodys(promise))
        };
        self.by_number.get(number).is_some_and(|ids| ids.iter().any(|id| shared(*id)))
    }

    /// All that is known of numbers.
    pub(crate) fn marked(&self, config: &Config, at: Wall) -> Marked {
        let pending = self.by_number.keys().filter(|number| self.is_pending(config, number));
        Marked { pending: pending.cloned().collect(), ..self.quarantined(config, at) }
    }

    fn quarantined(&self, config: &Config, at: Wall) -> Marked {
        let quarantined = self.strangers.in_quarantine(&config.callback, at);
        let numbers = quarantined.map(|(number, ..)| number.to_owned()).collect();
        Marked { quarantined: numbers, pending: Vec::new() }
    }

    /// What is known of the numbers of a request, which are a few of many.
    fn marked_for(&self, config: &Config, request: &Request<'_>) -> Marked {
        let numbers = request.numbers.parsed().unwrap_or_default();
        let normal = numbers.iter().map(|number| normal(number, &config.site));
        let pending = normal.filter(|number| self.is_pending(config, number)).collect();
        Marked { pending, ..self.quarantined(config, request.at) }
    }

    /// Asks policy, and makes and journals the promise if it agrees.
    ///
    /// # Errors
    /// Policy's refusal, or that of a journal that cannot be written.
    pub(crate) fn make(
        &mut self,
        config: &Config,
        desk: &mut Desk,
        mut request: Request<'_>,
        terms: &Terms<'_>,
    ) -> Result<Made, Refusal> {
        request.counters.open = self.open_for(config, request.user);
        self.ledger.count(config, desk.now.wall, request.user, &mut request.counters);
        request.marked = self.marked_for(config, &request);
        let approval = policy::decide(config, &request).answer?;
        // On the line that the caller came in on, its exchange has to let him go first.
        let own = request.came_in_on.filter(|own| approval.lines().iter().all(|line| line == own));
        let hold = own.and_then(|own| config.lines.iter().find(|line| line.name == own));
        let hold = hold.map_or(Duration::ZERO, |line| line.hold_time);
        if let Some(fault) = &self.store_fault {
            let reason = format!("the journal cannot be written: {fault}");
            return Err(Refusal::new(RefusalKind::Service, "store", reason));
        }
        Ok(self.write(config, desk, approval, terms, hold))
    }

    fn write(
        &mut self,
        config: &Config,
        desk: &mut Desk,
        approval: Approval,
        terms: &Terms<'_>,
        hold: Duration,
    ) -> Made {
        let callback = &config.callback;
        let user = config.user(terms.user);
        let promise = desk.promise_id();
        let numbers = approval.numbers().iter().map(|number| number.as_str().to_owned());
        // Who waits for the answer has no call that would have to end first.
        let at_once = terms.reply.is_some();
        let delay = callback.delay.max(terms.least_delay).max(hold);
        let promised = Promised {
            promise,
            session: terms.session,
            call: terms.call,
            user: terms.user.to_owned(),
            numbers: numbers.collect(),
            lines: approval.lines().to_vec(),
            rule: approval.rule().to_owned(),
            // For a restart; in this run it counts from when the line is down.
            due: match at_once {
                true => desk.now.wall,
                false => desk.now.wall + delay + desk.chance.wait(callback.jitter),
            },
            expires: desk.now.wall + callback.max_time,
            tries: user.and_then(|user| user.tries).unwrap_or(callback.tries).max(1),
            retry_ms: u64::try_from(callback.retry.as_millis()).unwrap_or(u64::MAX),
            init: terms.init.to_vec(),
            speed: terms.speed,
            ppp: terms.ppp,
            bound: terms.bound,
        };
        let code = terms.bound.then(|| Code::random(&mut desk.chance));
        let notice = code.as_ref().map(Code::notice);
        let seq = desk.journal(Event::Promised(promised.clone()));
        let new = Promise::new(&promised, approval, desk.now, seq, terms.reply);
        self.insert(config, Promise { least_delay: terms.least_delay, code, ..new });
        let within = delay + callback.jitter;
        Made {
            promise,
            seq,
            within_s: within.as_secs() + u64::from(within.subsec_nanos() > 0),
            notice,
        }
    }

    /// Takes up a promise of an earlier run; gives it back if its time is over.
    pub(crate) fn restore(
        &mut self,
        config: &Config,
        now: Now,
        open: &OpenPromise,
    ) -> Result<(), PromiseId> {
        let promise = Promise::restored(&open.promised, now, open.failed);
        if promise.expires <= now.at
            || promise.failed >= promise.tries
            || promise.number().is_none()
        {
            return Err(promise.id);
        }
        self.insert(config, promise);
        Ok(())
    }

    fn insert(&mut self, config: &Config, mut promise: Promise) {
        let numbers = promise.approval.numbers().iter();
        promise.owed_at = numbers.map(|number| normal(number, &config.site)).collect();
        for number in &promise.owed_at {
            self.by_number.entry(number.clone()).or_default().insert(promise.id);
        }
        if !promise.is_operators() {
            *self.by_user.entry(promise.user.clone()).or_default() += 1;
        }
        self.alarms.set(promise.id, promise.deadline());
        self.open.insert(promise.id, promise);
    }

    pub(crate) fn get(&self, id: PromiseId) -> Option<&Promise> {
        self.open.get(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Promise> {
        self.open.values()
    }

    /// Changes a promise and keeps the alarms and the hunt in step with it.
    pub(crate) fn change<R>(
        &mut self,
        id: PromiseId,
        change: impl FnOnce(&mut Promise) -> R,
    ) -> Option<R> {
        let promise = self.open.get_mut(&id)?;
        let hunted = matches!(promise.state, State::Hunting);
        let result = change(promise);
        let hunts = matches!(promise.state, State::Hunting);
        self.alarms.set(id, promise.deadline());
        if hunted != hunts {
            let lines = promise.approval.lines().to_vec();
            self.hunt(id, &lines, hunts);
        }
        Some(result)
    }

    /// The promise is kept, withdrawn or expired: it is open no more.
    pub(crate) fn close(&mut self, id: PromiseId) -> Option<Promise> {
        let promise = self.open.remove(&id)?;
        self.alarms.set(id, None);
        self.hunt(id, promise.approval.lines(), false);
        if !promise.is_operators()
            && let Some(count) = self.by_user.get_mut(&promise.user)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_user.remove(&promise.user);
            }
        }
        for number in &promise.owed_at {
            if let Some(ids) = self.by_number.get_mut(number) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.by_number.remove(number);
                }
            }
        }
        Some(promise)
    }

    fn hunt(&mut self, id: PromiseId, lines: &[String], hunts: bool) {
        for line in lines {
            if hunts {
                self.hunting.entry(line.clone()).or_default().insert(id);
            } else if let Some(waiting) = self.hunting.get_mut(line) {
                waiting.remove(&id);
                if waiting.is_empty() {
                    self.hunting.remove(line);
                }
            }
        }
    }

    /// The oldest promise that waits for this line.
    pub(crate) fn hunting_on(&self, line: &str) -> Option<PromiseId> {
        self.hunting.get(line)?.first().copied()
    }

    /// Takes out one whose deadline has come.
    pub(crate) fn due(&mut self, now: Instant) -> Option<PromiseId> {
        self.alarms.due(now)
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.alarms.first()
    }

    /// A try came to nothing: the journal is told, and whether there will be another one.
    pub(crate) fn try_failed(
        &mut self,
        desk: &mut Desk,
        id: PromiseId,
        call: Option<CallId>,
        line: &str,
        cause: Cause,
    ) {
        let now = desk.at();
        let Some(after) = self.change(id, |promise| promise.try_failed(now, cause)) else { return };
        let next_ms = match after {
            AfterTry::Again(wait) => u64::try_from(wait.as_millis()).ok(),
            AfterTry::UsedUp => None,
        };
        let line = Some(line.to_owned());
        desk.journal(Event::TryFailed { promise: id, call, line, cause, next_ms });
        if after == AfterTry::UsedUp {
            self.expire(desk, id, "every try came to nothing".to_owned());
        }
    }

    /// Gives a promise up because its time is over or nothing is left to try.
    pub(crate) fn expire(&mut self, desk: &mut Desk, promise: PromiseId, why: String) {
        if self.close(promise).is_some() {
            desk.journal(Event::Expired { promise, why });
        }
    }

    /// Gives a promise up before its time.
    pub(crate) fn withdraw(
        &mut self,
        desk: &mut Desk,
        promise: PromiseId,
        why: String,
    ) -> Option<Promise> {
        let closed = self.close(promise)?;
        desk.journal(Event::Withdrawn { promise, why });
        Some(closed)
    }

    /// The line is on-hook: when the first try may be made. The random part keeps an attacker from
    /// seizing the line just before we dial.
    pub(crate) fn first_due(&self, config: &Config, desk: &mut Desk, id: PromiseId) -> Instant {
        let jitter: Duration = desk.chance.wait(config.callback.jitter);
        let asked = self.open.get(&id).map_or(Duration::ZERO, |promise| promise.least_delay);
        desk.at() + config.callback.delay.max(asked) + jitter
    }
}

/// Whether many may use the name: it is no user's.
fn is_shared(config: &Config, name: &str) -> bool {
    config.user(name).is_none()
}

/// A promise to dial `number` on `line` now.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) promise: PromiseId,
    pub(crate) session: SessionId,
    pub(crate) number: PhoneNumber,
    pub(crate) rule: String,
    pub(crate) attempt: u32,
    pub(crate) init: Vec<String>,
    pub(crate) speed: Option<u32>,
    pub(crate) toll: Toll,
}

impl Promises {
    /// Marks the promise as being dialled and says what is needed for it.
    pub(crate) fn take_turn(
        &mut self,
        config: &Config,
        id: PromiseId,
        line: LineId,
        call: CallId,
    ) -> Option<Turn> {
        self.change(id, |promise| {
            let number = promise.number()?.clone();
            promise.state = State::Dialling { line, call };
            Some(Turn {
                toll: Toll::of(config, &promise.user, &number),
                promise: id,
                session: promise.session,
                number,
                rule: promise.approval.rule().to_owned(),
                attempt: promise.attempt(),
                init: promise.init.clone(),
                speed: promise.speed,
            })
        })?
    }
}
