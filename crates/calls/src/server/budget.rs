//! Return calls and what may be spent on them: a call that has used a budget up ends.
//!
//! It does not count ([`crate::money`] does) and refuses nothing ([`crate::policy`] does).

use std::time::Duration;

use proto::dial::PhoneNumber;
use proto::time::Deadline;

use super::{Alarm, Server};
use crate::alert::Alert;
use crate::config::user::Budget;
use crate::money::{self, Charge, Payer};
use crate::policy::{self, Counters, Spent};
use crate::status::{self, BudgetUnit};
use crate::vocabulary::{CallId, Cause, Event, LineId, PromiseId, Wall};

/// How long before a further minute would begin the call is ended: so long may hanging up take.
const HANG_UP_TIME: Duration = Duration::from_secs(3);

/// What is told of a budget is looked at a moment after the step that crosses it.
const MOMENT: Duration = Duration::from_millis(1);

impl Server {
    /// A return call is answered: from now on it costs.
    pub(super) fn answered(&mut self, line: LineId, call: CallId) {
        let toll = self.lines.get(&line).and_then(|line| line.call()?.toll.clone());
        if let Some(toll) = toll {
            self.promises.ledger.began(call, toll, self.desk.now.wall);
            self.watch_budgets();
        }
    }

    /// A return call is over and has cost this.
    pub(super) fn charged(&mut self, call: CallId, charge: &Charge) {
        let at = self.desk.now.wall;
        self.alarms.set(Alarm::Budget(call), None);
        self.tell_of_budgets(call);
        self.promises.ledger.charge(&self.config, Some(call), charge, at);
        self.watch_budgets();
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
        let config = &self.config;
        let spent = self.promises.ledger.all_spent(config, at);
        let of_day = config.budgets.iter().flat_map(|day| {
            let spent = spent.get(&Payer::of_day(day)).copied().unwrap_or_default();
            limits(&day.to_string(), None, &day.budget, spent)
        });
        let of_users = spent.iter().filter_map(|(payer, spent)| {
            let Payer::User(name) = payer else { return None };
            let user = config.user(name)?;
            let name = Some(user.name.as_str());
            Some(limits(&format!("user {}", user.name), name, &user.budget, *spent))
        });
        of_day.chain(of_users.flatten()).collect()
    }

    /// What is left has changed for every call that runs.
    fn watch_budgets(&mut self) {
        for call in self.promises.ledger.running().collect::<Vec<_>>() {
            self.watch_budget(call);
        }
    }

    fn watch_budget(&mut self, call: CallId) {
        let left = self.promises.ledger.left(&self.config, self.desk.now.wall, call);
        let end = left.end.map(|(left, _)| left.saturating_sub(HANG_UP_TIME));
        let nearly = left.nearly.map(|left| left + MOMENT);
        let soonest = end.into_iter().chain(nearly).min();
        let deadline = soonest.map(|left| Deadline::new(self.desk.at() + left, "budget"));
        self.alarms.set(Alarm::Budget(call), deadline);
    }

    pub(super) fn budget_due(&mut self, call: CallId) {
        self.tell_of_budgets(call);
        let left = self.promises.ledger.left(&self.config, self.desk.now.wall, call);
        let Some((left, budget)) = left.end else { return self.watch_budget(call) };
        if left > HANG_UP_TIME {
            return self.watch_budget(call);
        }
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
