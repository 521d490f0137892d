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

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::config::user::Budget;
use crate::config::window;
use crate::policy::numbering::{Class, normal, normalise};
use crate::policy::{Counters, Spent};
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
pub fn shown(hundredths: impl Into<u64>) -> String {
    let hundredths = hundredths.into();
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
        let class =
            normalise(number, &config.site).map_or(Class::Unclassified, |number| number.class());
        let normal = normal(number, &config.site);
        let user = config.user(user).map_or(user, |user| &user.name).to_owned();
        Self { user, class, tariff: tariff(&config.tariffs, &normal, class).cloned() }
    }

    /// What the call has cost when it was online so long.
    #[must_use]
    pub fn charge(&self, online: Duration) -> Charge {
        let (minutes, cost) = self.price(online);
        Charge { user: self.user.clone(), class: self.class.name().to_owned(), minutes, cost }
    }

    /// Minutes, begun ones whole, and hundredths of the currency.
    fn price(&self, online: Duration) -> (u32, Option<u32>) {
        let minutes = online.as_millis().div_ceil(60_000).max(1);
        let cost = self.tariff.as_ref().map(|tariff| tariff.cost(online).hundredths());
        (u32::try_from(minutes).unwrap_or(u32::MAX), cost)
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

/// What return calls have cost, a page for each day.
///
/// A clock that is set back over midnight finds yesterday's page as it was left, and not an empty one; one that was
/// wrong by a month, and is put right, finds today's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// By the site's days ([`day`]). Never more than [`PAGES`], of which the earliest goes first.
    pages: BTreeMap<i64, Page>,
    running: BTreeMap<CallId, Running>,
}

/// How many days are kept: yesterday for a clock that is set back, and some for one that jumps about.
const PAGES: usize = 8;

/// What a day's calls have cost that are over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Page {
    in_all: Spent,
    users: BTreeMap<String, Spent>,
    classes: BTreeMap<Class, Spent>,
    /// The budgets of which it was told that they are nearly used up.
    told: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Running {
    toll: Toll,
    since_ms: i64,
    /// It was told that it ends; it is being hung up.
    ends: bool,
}

/// The site's day: `2026327` is the 327th of 2026.
fn day(config: &Config, at: Wall) -> i64 {
    let date = window::civil(at, config.server.time_zone.as_ref()).map(|civil| civil.date());
    date.map_or(0, |date| i64::from(date.year()) * 1000 + i64::from(date.day_of_year()))
}

fn add(spent: &mut Spent, (minutes, cost): (u32, Option<u32>)) {
    spent.minutes = spent.minutes.saturating_add(minutes);
    spent.calls = spent.calls.saturating_add(1);
    spent.cost = spent.cost.saturating_add(cost.unwrap_or(0));
}

fn sum(one: Spent, other: Spent) -> Spent {
    Spent {
        minutes: one.minutes.saturating_add(other.minutes),
        calls: one.calls.saturating_add(other.calls),
        cost: one.cost.saturating_add(other.cost),
    }
}

/// What the calls that run have spent by now, by those who pay for them. A call is one of them.
type Ongoing<'a> = BTreeMap<Payer<'a>, Spent>;

impl Ledger {
    /// A call has ended then and cost this; `call` if it is of this run.
    pub(crate) fn charge(
        &mut self,
        config: &Config,
        call: Option<CallId>,
        charge: &Charge,
        at: Wall,
    ) {
        if let Some(call) = call {
            self.running.remove(&call);
        }
        let page = self.page_for(config, at);
        let price = (charge.minutes, charge.cost);
        add(&mut page.in_all, price);
        add(page.users.entry(charge.user.clone()).or_default(), price);
        if let Some(class) = Class::named(&charge.class) {
            add(page.classes.entry(class).or_default(), price);
        }
    }

    /// The calls that run, but for those that are being hung up.
    pub(crate) fn running(&self) -> impl Iterator<Item = CallId> {
        self.running.iter().filter(|(_, running)| !running.ends).map(|(call, _)| *call)
    }

    /// A call is being hung up because a budget is used up: nothing more has to be told of it.
    pub(crate) fn ends(&mut self, call: CallId) {
        if let Some(running) = self.running.get_mut(&call) {
            running.ends = true;
        }
    }

    /// Who pays for a call that runs.
    pub(crate) fn toll(&self, call: CallId) -> Option<&Toll> {
        self.running.get(&call).map(|running| &running.toll)
    }

    /// What policy asks for.
    pub(crate) fn count(&self, config: &Config, at: Wall, user: &str, counters: &mut Counters) {
        let user = config.user(user).map_or(user, |user| &user.name);
        counters.spent = self.spent(config, at, &Payer::User(user));
        if config.budgets.is_empty() {
            return;
        }
        counters.day = self.spent(config, at, &Payer::All);
        for (spent, class) in counters.classes.iter_mut().zip(Class::ALL) {
            *spent = self.spent(config, at, &Payer::Class(class));
        }
    }

    /// What all calls that run have spent by now: asked once for all of them.
    pub(crate) fn ongoing(&self, at: Wall) -> Ongoing<'_> {
        let mut all = Ongoing::new();
        for running in self.running.values() {
            let price = running.toll.price(running.online(at));
            let user = Payer::User(&running.toll.user);
            for payer in [Payer::All, user, Payer::Class(running.toll.class)] {
                add(all.entry(payer).or_default(), price);
            }
        }
        all
    }

    /// What was spent that day, as [`spent`](Self::spent) tells it of one.
    pub(crate) fn spent_with(
        &self,
        config: &Config,
        at: Wall,
        who: &Payer<'_>,
        ongoing: &Ongoing<'_>,
    ) -> Spent {
        let over = self.page(config, at).map(|page| page.of(who)).unwrap_or_default();
        sum(over, ongoing.get(who).copied().unwrap_or_default())
    }

    /// The users who have spent something that day, or spend it now.
    pub(crate) fn spenders(&self, config: &Config, at: Wall) -> BTreeSet<&str> {
        let over = self.page(config, at).into_iter().flat_map(|page| page.users.keys());
        let now = self.running.values().map(|running| &running.toll.user);
        over.chain(now).map(String::as_str).collect()
    }

    /// Whether it was not told yet that day that this budget is nearly used up; it is from now on.
    pub(crate) fn tell_once(&mut self, config: &Config, at: Wall, budget: &str) -> bool {
        self.page_for(config, at).told.insert(budget.to_owned())
    }

    /// A return call was answered now.
    pub(crate) fn began(&mut self, call: CallId, toll: Toll, at: Wall) {
        self.running.insert(call, Running { toll, since_ms: at.unix_ms, ends: false });
    }

    /// The page of the day; where it is earlier than all that are kept, the earliest.
    fn page(&self, config: &Config, at: Wall) -> Option<&Page> {
        let today = day(config, at);
        self.pages.get(&today).or_else(|| {
            let (first, page) = self.pages.first_key_value()?;
            (self.pages.len() >= PAGES && today < *first).then_some(page)
        })
    }

    /// The same to write on.
    fn page_for(&mut self, config: &Config, at: Wall) -> &mut Page {
        let today = day(config, at);
        let full = self.pages.len() >= PAGES;
        let first = self.pages.first_key_value().map(|(first, _)| *first);
        let place = first.filter(|first| full && today < *first).unwrap_or(today);
        if full && !self.pages.contains_key(&place) {
            self.pages.pop_first();
        }
        self.pages.entry(place).or_default()
    }

    /// What the day's calls have cost: all that are over, and as much of those that run as is spent by now.
    pub(crate) fn spent(&self, config: &Config, at: Wall, who: &Payer<'_>) -> Spent {
        let mut spent = self.page(config, at).map(|page| page.of(who)).unwrap_or_default();
        for running in self.running.values().filter(|running| who.pays(&running.toll)) {
            add(&mut spent, running.toll.price(running.online(at)));
        }
        spent
    }

    /// How long a running call may still go on until one of its budgets is used up (`None`: for ever), or
    /// nearly so, if nobody was told yet.
    ///
    /// What is left of a budget is shared by the calls that run on it: each gets its part.
    pub(crate) fn left(
        &self,
        config: &Config,
        at: Wall,
        call: CallId,
        ongoing: &Ongoing<'_>,
    ) -> Left {
        let Some(running) = self.running.get(&call) else { return Left::default() };
        let told = |name: &str| self.page(config, at).is_some_and(|page| page.told.contains(name));
        let mut left = Left::default();
        for (payer, budget, name) in budgets(config, &running.toll) {
            let calls = ongoing.get(&payer).copied().unwrap_or_default().calls;
            let spent = self.spent_with(config, at, &payer, ongoing);
            let end = running.until(at, &budget, spent, calls);
            if end.is_some_and(|end| left.end.as_ref().is_none_or(|(least, _)| end < *least)) {
                left.end = end.map(|end| (end, name.clone()));
            }
            if !told(&name) {
                let nearly = running.until(at, &nearly_used(&budget), spent, calls);
                left.nearly = left.nearly.into_iter().chain(nearly).min();
            }
        }
        left
    }
}

impl Page {
    fn of(&self, who: &Payer<'_>) -> Spent {
        let spent = match who {
            Payer::User(name) => self.users.get(*name),
            Payer::Class(class) => self.classes.get(class),
            Payer::All => Some(&self.in_all),
        };
        spent.copied().unwrap_or_default()
    }
}

impl Running {
    /// How long it may go on until this budget is used up, of which so much is spent and which so many calls share.
    fn until(&self, at: Wall, budget: &Budget, spent: Spent, sharers: u32) -> Option<Duration> {
        let online = self.online(at);
        let sharers = sharers.max(1);
        let (own_minutes, own_cost) = self.toll.price(online);
        let minutes = budget.minutes.map(|most| match most.checked_sub(spent.minutes) {
            Some(rest) => {
                Duration::from_secs(60 * u64::from(own_minutes.saturating_add(rest / sharers)))
            }
            None => Duration::ZERO,
        });
        let cost = budget.cost.zip(self.toll.tariff.as_ref()).map(|(most, tariff)| {
            let rest = most.checked_sub(spent.cost);
            let most = rest.map(|rest| own_cost.unwrap_or(0).saturating_add(rest / sharers));
            most.and_then(|most| tariff.affords(Money(u64::from(most) * 1000)))
                .unwrap_or(Duration::ZERO)
        });
        Some(minutes.into_iter().chain(cost).min()?.saturating_sub(online))
    }

    fn online(&self, at: Wall) -> Duration {
        let online = at.unix_ms.saturating_sub(self.since_ms);
        Duration::from_millis(u64::try_from(online).unwrap_or(0))
    }
}

/// How long a running call may go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    /// Until a budget is used up, and which.
    pub(crate) end: Option<(Duration, String)>,
    /// Until one is nearly used up.
    pub(crate) nearly: Option<Duration>,
}

/// Whose budget it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Payer<'a> {
    /// A user's.
    User(&'a str),
    /// A class's.
    Class(Class),
    /// Everybody's.
    All,
}

impl<'a> Payer<'a> {
    /// Who is on a budget of the day.
    pub(crate) const fn of_day(day: &DayBudget) -> Self {
        match day.class {
            Some(class) => Self::Class(class),
            None => Self::All,
        }
    }

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
    let of_day = config.budgets.iter().map(|day| (Payer::of_day(day), day.budget, day.to_string()));
    of_user.into_iter().chain(of_day.filter(|(payer, ..)| payer.pays(toll)))
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

/// A budget that is used up just before somebody is to be told of this one.
fn nearly_used(budget: &Budget) -> Budget {
    let line = |most: Option<u32>| {
        let line = (u64::from(most?) * NEARLY).div_ceil(100).saturating_sub(1);
        u32::try_from(line).ok()
    };
    Budget { minutes: line(budget.minutes), calls: line(budget.calls), cost: line(budget.cost) }
}

/// Whether so much of this is spent that somebody is told.
pub(crate) fn is_nearly_spent(most: u32, spent: u32) -> bool {
    u64::from(spent) * 100 >= u64::from(most) * NEARLY
}

/// Whether so much is spent of a budget that somebody is told, and in which words.
pub(crate) fn nearly(budget: &Budget, spent: Spent) -> Option<String> {
    let crossed = |most: Option<u32>, spent: u32| {
        let most = most?;
        is_nearly_spent(most, spent).then_some(most)
    };
    if let Some(most) = crossed(budget.minutes, spent.minutes) {
        return Some(format!("{} of {most} minutes are used", spent.minutes));
    }
    if let Some(most) = crossed(budget.calls, spent.calls) {
        return Some(format!("{} of {most} calls were made", spent.calls));
    }
    let most = crossed(budget.cost, spent.cost)?;
    Some(format!("{} of {} are spent", shown(spent.cost), shown(most)))
}
