//! Whether one more call fits into what may be spent today.

use proto::dial::PhoneNumber;

use super::{Case, Finding, passes, refuses, unconcerned};
use crate::config::Config;
use crate::config::user::{Budget, User};
use crate::money::{Toll, fits};
use crate::policy::numbering::Class;
use crate::policy::{Counters, Identity};

/// Whether a call to this number for this user fits now, when it is about to be dialled.
///
/// # Errors
/// The rule that objects, and why.
pub(crate) fn affords(
    config: &Config,
    user: &str,
    number: &PhoneNumber,
    counters: &Counters,
) -> Result<(), (&'static str, String)> {
    let toll = Toll::of(config, user, number);
    if let Some(user) = config.user(user) {
        of_user(user, &toll, counters).map_err(|why| ("budget.user", why))?;
    }
    of_day(config, &toll, counters).map_err(|why| ("budget.day", why))
}

fn of_user(user: &User, toll: &Toll, counters: &Counters) -> Result<(), String> {
    fits(&user.budget, counters.spent, toll)
        .map_err(|why| format!("the budget of {}: {why}", user.name))
}

fn of_day(config: &Config, toll: &Toll, counters: &Counters) -> Result<(), String> {
    for day in &config.budgets {
        let spent = match day.class {
            None => counters.day,
            Some(class) if class == toll.class => {
                let place = Class::ALL.iter().position(|of| *of == class);
                place.and_then(|at| counters.classes.get(at)).copied().unwrap_or_default()
            }
            Some(_) => continue,
        };
        fits(&day.budget, spent, toll).map_err(|why| format!("the budget of {day}: {why}"))?;
    }
    Ok(())
}

/// Several numbers take turns; those that do not fit are left out.
fn leave_out(
    case: &mut Case<'_>,
    fits: impl Fn(&Toll) -> Result<(), String>,
    fine: &'static str,
) -> Finding {
    let mut objection = None;
    let mut left = Vec::with_capacity(case.numbers.len());
    for number in &case.numbers {
        match fits(&Toll::of(case.config, case.request.user, number)) {
            Ok(()) => left.push(number.clone()),
            Err(why) => {
                objection.get_or_insert((number.clone(), why));
            }
        }
    }
    let Some((number, why)) = objection else {
        return if left.is_empty() { unconcerned("there is no number") } else { passes(fine) };
    };
    if left.is_empty() {
        return refuses(why);
    }
    case.numbers = left;
    passes(format!("{number} is left out: {why}"))
}

pub(super) fn user(case: &mut Case<'_>) -> Finding {
    let user = match (case.request.identity, case.user) {
        (Identity::Operator, _) => return unconcerned("an operator asks"),
        (Identity::Claimed | Identity::Proven(_), None) => {
            return unconcerned("the name is no user's");
        }
        (Identity::Claimed | Identity::Proven(_), Some(user)) => user,
    };
    if user.budget == Budget::default() {
        return unconcerned("the user has no budget");
    }
    let counters = case.request.counters;
    leave_out(case, |toll| of_user(user, toll, &counters), "the user's budget is not used up")
}

pub(super) fn day(case: &mut Case<'_>) -> Finding {
    if case.config.budgets.is_empty() {
        return unconcerned("the day has no budget");
    }
    let (config, counters) = (case.config, case.request.counters);
    leave_out(
        case,
        |toll| of_day(config, toll, &counters),
        "the budgets of the day are not used up",
    )
}
