//! How many callbacks may be under way.

use super::{Case, Finding, passes, refuses, unconcerned};
use crate::policy::numbering::normal;
use crate::policy::{Numbers, PER_PERSON};
use crate::vocabulary::Leg;

pub(super) fn once(case: &mut Case<'_>) -> Finding {
    match case.request.leg {
        Leg::Request => passes("the caller called us"),
        Leg::Return => refuses("a callback was asked for on a call that is one"),
    }
}

pub(super) fn in_all(case: &mut Case<'_>) -> Finding {
    let (open, most) = (case.request.counters.open.in_all, case.config.callback.in_all);
    if open < most {
        passes("there is room for one more promise")
    } else {
        refuses(format!("{open} promises are open; at most {most} may be"))
    }
}

/// A user is somebody, and has one telephone in his hand. Under a name of login.config that is no user's many
/// may call: it has a limit too, so that nobody fills the queue with it.
pub(super) fn per_user(case: &mut Case<'_>) -> Finding {
    let open = case.request.counters.open.by_user;
    if let Numbers::Operator(_) | Numbers::Measured(_) = case.request.numbers {
        return unconcerned("an operator asks");
    }
    if let Some(user) = case.user {
        return match open < PER_PERSON {
            true => passes("the user is owed no callback yet"),
            false => refuses(format!("{} is owed a callback already", user.name)),
        };
    }
    let most = case.config.callback.per_user;
    if open < most {
        return passes("there is room for one more promise to the name");
    }
    let name = case.request.user;
    refuses(format!("{open} promises are open for {name}; at most {most} may be"))
}

/// Whoever else uses the same name has another number.
pub(super) fn per_number(case: &mut Case<'_>) -> Finding {
    if let Numbers::Operator(_) | Numbers::Measured(_) = case.request.numbers {
        return unconcerned("an operator asks");
    }
    if case.user.is_some() {
        return unconcerned("the name is a user's, and counted as his");
    }
    let site = &case.config.site;
    let pending = &case.request.marked.pending;
    match case.numbers.iter().find(|number| pending.contains(&normal(number, site))) {
        Some(number) => refuses(format!("a callback is owed at {number} already")),
        None => passes("no callback is owed there yet"),
    }
}
