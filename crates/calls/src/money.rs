//! What return calls cost: tariffs, what was spent today, and how long a call may still go on.
//!
//! ```text
//!   dialled ─► Toll { user, class, rate } ── on-hook ─► Charge { minutes, cost } ─► `ended` ─► Ledger (today)
//!                                                                                              │
//!      budgets of user, class, day ◄──────── what is left for the calls that run ◄─────────────┘
//! ```
//!
//! Only answered calls count, from CONNECT to on-hook: the exchange counts from a few seconds earlier, and
//! what it puts on the bill for a call that no modem answered, nobody here can know. The [`Ledger`] is
//! a fold of the journal and knows one day, the site's; it survives a restart with it.
//!
//! Nothing here ends a call; the server does.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::config::user::Budget;
use crate::config::window;
use crate::policy::Spent;
use crate::policy::numbering::{Class, normalise};
use crate::vocabulary::{CallId, Wall};

#[cfg(test)]
mod tests;

/// An amount, in thousandths of a hundredth of the currency: a minute may cost less than a cent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(u64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// `5`, `0.09`, `0.029`: at most five places behind the point.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 5 || whole.len() > 9 {
            return None;
        }
        let whole: u64 = whole.parse().ok()?;
        let part: u64 = format!("{part:0<5}").parse().ok()?;
        Some(Self(whole * 100_000 + part))
    }

    /// In hundredths of the currency, begun ones whole.
    #[must_use]
    pub fn hundredths(self) -> u32 {
        u32::try_from(self.0.div_ceil(1000)).unwrap_or(u32::MAX)
    }

    const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }
}

/// Hundredths as people write them: `0.25`.
#[must_use]
pub fn shown(hundredths: u32) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// `[[tariff]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tariff {
    /// The beginning of the numbers that it is for.
    pub prefix: Option<String>,
    /// Their class.
    pub class: Option<Class>,
    /// What each answered call costs at once.
    pub per_call: Money,
    /// What a minute costs.
    pub per_minute: Money,
    /// Time is counted in steps of this length.
    pub increment: Duration,
}

impl Tariff {
    /// What so long a call costs.
    #[must_use]
    pub fn cost(&self, online: Duration) -> Money {
        let step = self.increment.max(Duration::from_secs(1)).as_millis();
        let steps = u64::try_from(online.as_millis().div_ceil(step).max(1)).unwrap_or(u64::MAX);
        let step_ms = u64::try_from(step).unwrap_or(u64::MAX);
        let time = self.per_minute.0.saturating_mul(steps.saturating_mul(step_ms)).div_ceil(60_000);
        Money(self.per_call.0.saturating_add(time))
    }

    /// How long a call may be that costs at most so much; `None`: it costs more from the start.
    fn affords(&self, most: Money) -> Option<Duration> {
        let left = most.0.checked_sub(self.per_call.0)?;
        let step = self.increment.max(Duration::from_secs(1));
        let step_ms = u64::try_from(step.as_millis()).unwrap_or(u64::MAX);
        let steps = if self.per_minute == Money::ZERO {
            return Some(FOR_EVER);
        } else {
            left.saturating_mul(60_000) / self.per_minute.times(step_ms).0.max(1)
        };
        (steps > 0).then(|| Duration::from_millis(steps.saturating_mul(step_ms)).min(FOR_EVER))
    }
}

/// Longer than any call.
const FOR_EVER: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// `[[budget]]`: what the return calls of a day may cost, all or those of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayBudget {
    /// The class; `None`: all calls.
    pub class: Option<Class>,
    /// How much.
    pub budget: Budget,
}

impl fmt::Display for DayBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.class {
            Some(class) => write!(f, "all {class} calls of the day"),
            None => f.write_str("all calls of the day"),
        }
    }
}

/// Who pays for a call, and by which tariff. It goes with the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toll {
    /// Whose budget.
    pub user: String,
    /// What kind of number.
    pub class: Class,
    /// What it costs, if that is known.
    pub tariff: Option<Tariff>,
}

impl Toll {
    /// The toll of calling `number` for `user`.
    #[must_use]
    pub fn of(config: &Config, user: &str, number: &proto::dial::PhoneNumber) -> Self {
        let (normal, class) = match normalise(number, &config.site) {
            Ok(number) => (number.normal(), number.class()),
            Err(_) => (number.as_str().to_owned(), Class::Unclassified),
        };
        let user = config.user(user).map_or(user, |user| &user.name).to_owned();
        Self { user, class, tariff: tariff(&config.tariffs, &normal, class).cloned() }
    }

    /// What the call has cost when it was online so long.
    #[must_use]
    pub fn charge(&self, online: Duration) -> Charge {
        let minutes = online.as_millis().div_ceil(60_000).max(1);
        Charge {
            user: self.user.clone(),
            class: self.class.name().to_owned(),
            minutes: u32::try_from(minutes).unwrap_or(u32::MAX),
            cost: self.tariff.as_ref().map(|tariff| tariff.cost(online).hundredths()),
        }
    }
}

/// The tariff of a number: that with the longest prefix, else that of its class, else that of all.
fn tariff<'t>(tariffs: &'t [Tariff], normal: &str, class: Class) -> Option<&'t Tariff> {
    let fits = |tariff: &&Tariff| {
        tariff.prefix.as_ref().is_none_or(|prefix| normal.starts_with(prefix.as_str()))
            && tariff.class.is_none_or(|of| of == class)
    };
    let rank = |tariff: &&Tariff| (tariff.prefix.as_ref().map(String::len), tariff.class.is_some());
    // Of two alike the first counts.
    tariffs.iter().rev().filter(fits).max_by_key(rank)
}

/// What an answered return call has cost; it stands in its `ended`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Whose budget.
    pub user: String,
    /// The class of the number.
    pub class: String,
    /// Minutes, begun ones whole.
    pub minutes: u32,
    /// Hundredths of the currency; `None`: the number has no tariff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<u32>,
}

/// What return calls have cost today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The site's day, counted from 1970-01-01.
    day: i64,
    in_all: Spent,
    users: BTreeMap<String, Spent>,
    classes: BTreeMap<Class, Spent>,
    running: BTreeMap<CallId, Running>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Running {
    toll: Toll,
    since_ms: i64,
}

/// The site's day.
fn day(config: &Config, at: Wall) -> i64 {
    let date = window::civil(at, config.server.time_zone.as_ref()).map(|civil| civil.date());
    date.map_or(0, |date| i64::from(date.year()) * 1000 + i64::from(date.day_of_year()))
}

fn add(spent: &mut Spent, charge: &Charge) {
    spent.minutes = spent.minutes.saturating_add(charge.minutes);
    spent.calls = spent.calls.saturating_add(1);
    spent.cost = spent.cost.saturating_add(charge.cost.unwrap_or(0));
}

impl Ledger {
    /// A call has ended then and cost this.
    pub(crate) fn charge(&mut self, config: &Config, call: CallId, charge: &Charge, at: Wall) {
        self.turn_page(config, at);
        self.running.remove(&call);
        add(&mut self.in_all, charge);
        add(self.users.entry(charge.user.clone()).or_default(), charge);
        if let Some(class) = Class::named(&charge.class) {
            add(self.classes.entry(class).or_default(), charge);
        }
    }

    /// A return call was answered now.
    pub(crate) fn began(&mut self, call: CallId, toll: Toll, at: Wall) {
        self.running.insert(call, Running { toll, since_ms: at.unix_ms });
    }

    /// At midnight everything is forgotten.
    fn turn_page(&mut self, config: &Config, at: Wall) {
        let today = day(config, at);
        if self.day != today {
            let running = std::mem::take(&mut self.running);
            *self = Self { day: today, running, ..Self::default() };
        }
    }

    /// What today's calls have cost: all that are over, and as much of those that run as is spent by now.
    pub(crate) fn spent(&mut self, config: &Config, at: Wall, who: &Payer<'_>) -> Spent {
        self.turn_page(config, at);
        let mut spent = match who {
            Payer::User(name) => self.users.get(*name),
            Payer::Class(class) => self.classes.get(class),
            Payer::All => Some(&self.in_all),
        }
        .copied()
        .unwrap_or_default();
        for running in self.running.values().filter(|running| who.pays(&running.toll)) {
            let online = at.unix_ms.saturating_sub(running.since_ms);
            let online = Duration::from_millis(u64::try_from(online).unwrap_or(0));
            add(&mut spent, &running.toll.charge(online));
        }
        spent
    }

    /// How long a running call may still go on until one of its budgets is used up, and which.
    ///
    /// What is left of a budget is shared by the calls that run on it: each gets its part.
    pub(crate) fn left(
        &mut self,
        config: &Config,
        at: Wall,
        call: CallId,
    ) -> Option<(Duration, String)> {
        let running = self.running.get(&call)?.clone();
        let online = at.unix_ms.saturating_sub(running.since_ms);
        let online = Duration::from_millis(u64::try_from(online).unwrap_or(0));
        let mut least: Option<(Duration, String)> = None;
        for (payer, budget, name) in budgets(config, &running.toll) {
            let spent = self.spent(config, at, &payer);
            let sharers = self.running.values().filter(|other| payer.pays(&other.toll)).count();
            let sharers = u32::try_from(sharers).unwrap_or(u32::MAX).max(1);
            let own = running.toll.charge(online);
            let minutes = budget.minutes.map(|most| {
                let rest = most.saturating_sub(spent.minutes) / sharers;
                Duration::from_secs(60 * u64::from(own.minutes.saturating_add(rest)))
            });
            let cost = match (budget.cost, &running.toll.tariff) {
                (Some(most), Some(tariff)) => {
                    let rest = most.saturating_sub(spent.cost) / sharers;
                    let most = own.cost.unwrap_or(0).saturating_add(rest);
                    let most = Money(u64::from(most) * 1000);
                    Some(tariff.affords(most).unwrap_or(Duration::ZERO))
                }
                (Some(_), None) | (None, _) => None,
            };
            for whole in [minutes, cost].into_iter().flatten() {
                let rest = whole.saturating_sub(online);
                if least.as_ref().is_none_or(|(least, _)| rest < *least) {
                    least = Some((rest, name.clone()));
                }
            }
        }
        least
    }
}

/// Whose budget it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Payer<'a> {
    /// A user's.
    User(&'a str),
    /// A class's.
    Class(Class),
    /// Everybody's.
    All,
}

impl Payer<'_> {
    fn pays(&self, toll: &Toll) -> bool {
        match self {
            Self::User(name) => toll.user == *name,
            Self::Class(class) => toll.class == *class,
            Self::All => true,
        }
    }
}

/// The budgets that a call is on, with their names.
pub(crate) fn budgets<'a>(
    config: &'a Config,
    toll: &'a Toll,
) -> impl Iterator<Item = (Payer<'a>, Budget, String)> {
    let user = config.user(&toll.user).filter(|user| user.budget != Budget::default());
    let of_user = user
        .map(|user| (Payer::User(user.name.as_str()), user.budget, format!("user {}", user.name)));
    let of_day = config.budgets.iter().filter_map(|day| {
        let payer = match day.class {
            Some(class) if class == toll.class => Payer::Class(class),
            Some(_) => return None,
            None => Payer::All,
        };
        Some((payer, day.budget, day.to_string()))
    });
    of_user.into_iter().chain(of_day)
}

/// Whether one more call fits into a budget.
///
/// # Errors
/// Why it does not.
pub(crate) fn fits(budget: &Budget, spent: Spent, toll: &Toll) -> Result<(), String> {
    if budget.calls.is_some_and(|most| spent.calls >= most) {
        return Err(format!("{} calls were made today", spent.calls));
    }
    if budget.minutes.is_some_and(|most| spent.minutes >= most) {
        return Err(format!("{} minutes were used today", spent.minutes));
    }
    let Some(most) = budget.cost else { return Ok(()) };
    let Some(tariff) = &toll.tariff else {
        return Err("no [[tariff]] says what the call costs".to_owned());
    };
    let first = tariff.cost(Duration::from_millis(1)).hundredths();
    if spent.cost.saturating_add(first) > most {
        let (spent, first) = (shown(spent.cost), shown(first));
        return Err(format!(
            "{spent} of {} were spent today, and a call costs {first} at least",
            shown(most)
        ));
    }
    Ok(())
}

/// The share of a budget from which on somebody is told, in hundredths.
const NEARLY: u64 = 80;

/// Whether a budget was crossed its alert's line by what was spent since `before`.
pub(crate) fn nearly(budget: &Budget, before: Spent, now: Spent) -> Option<String> {
    let crossed = |most: Option<u32>, before: u32, now: u32| {
        let line = u64::from(most?) * NEARLY;
        (u64::from(before) * 100 < line && u64::from(now) * 100 >= line).then_some((now, most?))
    };
    if let Some((now, most)) = crossed(budget.minutes, before.minutes, now.minutes) {
        return Some(format!("{now} of {most} minutes are used"));
    }
    if let Some((now, most)) = crossed(budget.calls, before.calls, now.calls) {
        return Some(format!("{now} of {most} calls were made"));
    }
    let (now, most) = crossed(budget.cost, before.cost, now.cost)?;
    Some(format!("{} of {} are spent", shown(now), shown(most)))
}
