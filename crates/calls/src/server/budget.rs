//! Return calls and what may be spent on them: a call that has used a budget up ends.
//!
//! It does not count ([`crate::money`] does) and refuses nothing ([`crate::policy`] does).

use std::time::Duration;

use proto::dial::PhoneNumber;
use proto::time::Deadline;

use super::{Alarm, Server};
use crate::alert::Alert;
use crate::config::user::Budget;
use crate::money::{self, Charge, Left, Payer};
use crate::policy::{self, Counters, Spent};
use crate::status::{self, BudgetUnit};
use crate::vocabulary::{CallId, Cause, Event, LineId, PromiseId, Wall};

/// How long before a further minute would begin the call is ended: so long may hanging up take.
const HANG_UP_TIME: Duration = Duration::from_secs(3);

/// What is told of a budget is looked at a moment after the step that crosses it.
const MOMENT: Duration = Duration::from_millis(1);

/// So long for each call that runs before all are looked at: a look takes a microsecond a call, and so never more than
/// a hundredth of the time.
const LOOK_PER_CALL: Duration = Duration::from_micros(100);

/// And at most: what is looked at late has minutes, and [`HANG_UP_TIME`].
const LOOK: Duration = Duration::from_millis(500);

impl Server {
    /// A return call is answered: from now on it costs.
    pub(super) fn answered(&mut self, line: LineId, call: CallId) {
        let toll = self.lines.get(&line).and_then(|line| line.call()?.toll.clone());
        if let Some(toll) = toll {
            self.promises.ledger.began(call, toll, self.desk.now.wall);
            self.budgets_changed();
        }
    }

    /// A return call is over and has cost this.
    pub(super) fn charged(&mut self, call: CallId, charge: &Charge) {
        let at = self.desk.now.wall;
        self.alarms.set(Alarm::Budget(call), None);
        self.tell_of_budgets(call);
        self.promises.ledger.charge(&self.config, Some(call), charge, at);
        self.budgets_changed();
    }

    /// Whether a promise that is due may still be dialled: much may have been spent since it was made, and each of its
    /// numbers has a price of its own. Those that do not fit any more are left out; without one it is withdrawn.
    pub(super) fn may_spend(&mut self, id: PromiseId) -> bool {
        let Some(promise) = self.promises.get(id) else { return false };
        let mut counters = Counters::default();
        let at = self.desk.now.wall;
        self.promises.ledger.count(&self.config, at, &promise.user, &mut counters);
        self.promises.count_dialling(&self.config, &promise.user, &mut counters);
        let (config, user) = (&self.config, promise.user.clone());
        let fits = |number: &PhoneNumber| policy::affords(config, &user, number, &counters);
        let objections: Vec<(PhoneNumber, &str, String)> = promise
            .approval
            .numbers()
            .iter()
            .filter_map(|number| fits(number).err().map(|(rule, why)| (number.clone(), rule, why)))
            .collect();
        let Some((_, rule, why)) = objections.first() else { return true };
        let left = self.promises.change(id, |promise| promise.keep_numbers(|n| fits(n).is_ok()));
        if left == Some(true) {
            for (number, _, why) in objections {
                let reason = format!("{id}: {number} is not called any more: {why}");
                let (alert, user) = (Alert::Budget, Some(user.clone()));
                self.desk.journal(Event::Alert { alert, line: None, call: None, user, reason });
            }
            return true;
        }
        // Nobody waits for an answer.
        let _promise = self.promises.withdraw(&mut self.desk, id, format!("{rule}: {why}"));
        false
    }

    /// Whether there is any budget.
    pub(super) fn has_budgets(&self) -> bool {
        !self.config.budgets.is_empty()
            || self.config.users.iter().any(|user| user.budget != Budget::default())
    }

    /// The budgets of the day, and then those of everybody who has spent something.
    pub(super) fn budgets_view(&self, at: Wall) -> Vec<status::Budget> {
        if !self.has_budgets() {
            return Vec::new();
        }
        let (config, ledger) = (&self.config, &self.promises.ledger);
        let ongoing = ledger.ongoing(at);
        let spent = |payer: &Payer<'_>| ledger.spent_with(config, at, payer, &ongoing);
        let of_day = config.budgets.iter().flat_map(|day| {
            limits(&day.to_string(), None, &day.budget, spent(&Payer::of_day(day)))
        });
        let spenders = ledger.spenders(config, at);
        let users = spenders.iter().filter_map(|name| config.user(name));
        let of_users = users.filter(|user| user.budget != Budget::default()).flat_map(|user| {
            let spent = spent(&Payer::User(&user.name));
            limits(&format!("user {}", user.name), Some(&user.name), &user.budget, spent)
        });
        of_day.chain(of_users).collect()
    }

    /// What is left has changed for every call that runs. They share it, and all of them are looked at; where calls
    /// begin and end one upon the other this is done for many of these at once.
    pub(super) fn budgets_changed(&mut self) {
        if self.has_budgets() && self.alarms.get(Alarm::Budgets).is_none() {
            let running = u32::try_from(self.promises.ledger.running().count()).unwrap_or(u32::MAX);
            let look = self.desk.at() + LOOK_PER_CALL.saturating_mul(running).min(LOOK);
            self.alarms.set(Alarm::Budgets, Some(Deadline::new(look, "budgets")));
        }
    }

    /// How long each call that runs may still go on.
    pub(super) fn watch_budgets(&mut self) {
        let (at, ledger) = (self.desk.now.wall, &self.promises.ledger);
        let ongoing = ledger.ongoing(at);
        let left = |call| (call, ledger.left(&self.config, at, call, &ongoing));
        let all: Vec<(CallId, Left)> = ledger.running().map(left).collect();
        for (call, left) in all {
            self.watch_budget(call, &left);
        }
    }

    fn watch_budget(&mut self, call: CallId, left: &Left) {
        let end = left.end.as_ref().map(|(left, _)| left.saturating_sub(HANG_UP_TIME));
        let nearly = left.nearly.map(|left| left + MOMENT);
        let soonest = end.into_iter().chain(nearly).min();
        let deadline = soonest.map(|left| Deadline::new(self.desk.at() + left, "budget"));
        self.alarms.set(Alarm::Budget(call), deadline);
    }

    pub(super) fn budget_due(&mut self, call: CallId) {
        self.tell_of_budgets(call);
        let at = self.desk.now.wall;
        let ledger = &self.promises.ledger;
        let left = ledger.left(&self.config, at, call, &ledger.ongoing(at));
        let budget = match &left.end {
            Some((until, budget)) if *until <= HANG_UP_TIME => budget,
            Some(_) | None => return self.watch_budget(call, &left),
        };
        let reason = format!("the budget of {budget} is used up: the call ends");
        self.alert_of_budget(call, reason);
        self.promises.ledger.ends(call);
        if let Some(&session) = self.on_call.get(&call) {
            self.in_session(session, |session, line, office| {
                session.end(Cause::SessionTimeout, line, office);
            });
        }
    }

    /// Tells of each of the call's budgets that is nearly used up, once a day.
    fn tell_of_budgets(&mut self, call: CallId) {
        let at = self.desk.now.wall;
        let Some(toll) = self.promises.ledger.toll(call).cloned() else { return };
        for (payer, budget, name) in money::budgets(&self.config, &toll) {
            let spent = self.promises.ledger.spent(&self.config, at, &payer);
            if let Some(how) = money::nearly(&budget, spent)
                && self.promises.ledger.tell_once(&self.config, at, &name)
            {
                let reason = format!("the budget of {name}: {how}");
                self.desk.journal(alert(call, &toll.user, reason));
            }
        }
    }

    fn alert_of_budget(&mut self, call: CallId, reason: String) {
        let user =
            self.promises.ledger.toll(call).map(|toll| toll.user.clone()).unwrap_or_default();
        self.desk.journal(alert(call, &user, reason));
    }
}

/// A budget's limits, and how far each is used up.
fn limits(of: &str, user: Option<&str>, budget: &Budget, spent: Spent) -> Vec<status::Budget> {
    let limits = [
        (BudgetUnit::Minutes, spent.minutes, budget.minutes),
        (BudgetUnit::Calls, spent.calls, budget.calls),
        (BudgetUnit::Hundredths, spent.cost, budget.cost),
    ];
    let view = |(unit, spent, limit): (BudgetUnit, u32, Option<u32>)| {
        let user = user.map(str::to_owned);
        Some(status::Budget { of: of.to_owned(), user, unit, spent, limit: limit? })
    };
    limits.into_iter().filter_map(view).collect()
}

fn alert(call: CallId, user: &str, reason: String) -> Event {
    let (call, user) = (Some(call), Some(user.to_owned()));
    Event::Alert { alert: Alert::Budget, line: None, call, user, reason }
}
