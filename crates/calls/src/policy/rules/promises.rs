//! How many callbacks may be under way.

use super::{Case, Finding, passes, refuses, unconcerned};
use crate::policy::Numbers;
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

pub(super) fn per_user(case: &mut Case<'_>) -> Finding {
    let (open, most) = (case.request.counters.open.by_user, case.config.callback.per_user);
    match case.request.numbers {
        Numbers::Operator(_) => unconcerned("an operator asks"),
        Numbers::Typed(_) | Numbers::Entry(..) | Numbers::User(_) if open < most => {
            passes("the user has room for one more promise")
        }
        Numbers::Typed(_) | Numbers::Entry(..) | Numbers::User(_) => {
            let user = case.request.user;
            refuses(format!("{open} promises are open for {user}; at most {most} may be"))
        }
    }
}
