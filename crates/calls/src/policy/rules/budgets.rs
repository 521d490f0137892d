//! Whether one more call fits into what may be spent today.

use super::{Case, Finding, passes, refuses, unconcerned};
use crate::config::user::Budget;
use crate::money::{Toll, fits};
use crate::policy::Identity;
use crate::policy::numbering::Class;

/// The toll of the number that would be dialled first.
fn toll(case: &Case<'_>) -> Option<Toll> {
    Some(Toll::of(case.config, case.request.user, case.numbers.first()?))
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
    let Some(toll) = toll(case) else { return unconcerned("there is no number") };
    match fits(&user.budget, case.request.counters.spent, &toll) {
        Ok(()) => passes("the user's budget is not used up"),
        Err(why) => refuses(format!("the budget of {}: {why}", user.name)),
    }
}

pub(super) fn day(case: &mut Case<'_>) -> Finding {
    if case.config.budgets.is_empty() {
        return unconcerned("the day has no budget");
    }
    let Some(toll) = toll(case) else { return unconcerned("there is no number") };
    for day in &case.config.budgets {
        let counters = &case.request.counters;
        let spent = match day.class {
            None => counters.day,
            Some(class) if class == toll.class => {
                let place = Class::ALL.iter().position(|of| *of == class);
                place.and_then(|at| counters.classes.get(at)).copied().unwrap_or_default()
            }
            Some(_) => continue,
        };
        if let Err(why) = fits(&day.budget, spent, &toll) {
            return refuses(format!("the budget of {day}: {why}"));
        }
    }
    passes("the budgets of the day are not used up")
}
