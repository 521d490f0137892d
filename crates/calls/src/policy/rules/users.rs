//! Who is served, when, and by which number of his.

use jiff::civil::Date;

use super::{Case, Finding, passes, refuses, unconcerned};
use crate::config::Authenticate;
use crate::config::user::{CallbackOffer, Direct, User};
use crate::config::window;
use crate::policy::{Identity, Numbers};

const NO_USER: &str = "the name is no user's";

/// Asks `judge` where the name is a user's.
fn of_user(case: &Case<'_>, judge: impl FnOnce(&User) -> Finding) -> Finding {
    match (case.request.identity, case.user) {
        (Identity::Operator, _) => unconcerned("an operator asks"),
        (Identity::Claimed | Identity::Proven(_), Some(user)) => judge(user),
        (Identity::Claimed | Identity::Proven(_), None) => unconcerned(NO_USER),
    }
}

pub(super) fn trap(case: &mut Case<'_>) -> Finding {
    of_user(case, |user| match user.trap {
        true => refuses(format!("{} is nobody's name", user.name)),
        false => passes("the user is somebody"),
    })
}

pub(super) fn disabled(case: &mut Case<'_>) -> Finding {
    of_user(case, |user| match user.disabled {
        true => refuses(format!("{} is disabled", user.name)),
        false => passes("the user is not disabled"),
    })
}

/// The date where the server is.
fn today(case: &Case<'_>) -> Option<Date> {
    Some(window::civil(case.request.at, case.config.server.time_zone.as_ref())?.date())
}

pub(super) fn expires(case: &mut Case<'_>) -> Finding {
    let today = today(case);
    of_user(case, |user| match (user.expires, today) {
        (None, _) => unconcerned("the user does not expire"),
        (Some(last), Some(today)) if today <= last => passes(format!("served until {last}")),
        (Some(last), _) => refuses(format!("{} was served until {last}", user.name)),
    })
}

pub(super) fn review(case: &mut Case<'_>) -> Finding {
    let today = today(case);
    of_user(case, |user| match (user.review_by, today) {
        (None, _) => unconcerned("no review is asked for"),
        (Some(day), Some(today)) if today <= day => passes(format!("reviewed by {day}")),
        (Some(day), _) => passes(format!("somebody had to review {} by {day}", user.name)),
    })
}

pub(super) fn window(case: &mut Case<'_>) -> Finding {
    let zone = case.config.server.time_zone.as_ref();
    let at = case.request.at;
    of_user(case, |user| {
        if user.windows.is_empty() {
            return unconcerned("the user is served at any time");
        }
        match user.windows.iter().find(|window| window.contains(at, zone)) {
            Some(window) => passes(format!("inside \"{window}\"")),
            None => {
                let windows: Vec<String> =
                    user.windows.iter().map(|window| format!("\"{window}\"")).collect();
                refuses(format!("{} is served {}", user.name, windows.join(" and ")))
            }
        }
    })
}

pub(super) fn service(case: &mut Case<'_>) -> Finding {
    let service = case.request.service;
    of_user(case, |user| match user.services.as_slice() {
        [] => unconcerned("the user may use everything"),
        services if services.contains(&service) => {
            passes(format!("the user may use {}", service.word()))
        }
        _ => refuses(format!("{} may not use {}", user.name, service.word())),
    })
}

pub(super) fn proof(case: &mut Case<'_>) -> Finding {
    let wanted = case.config.callback.authenticate;
    match (case.request.identity, wanted) {
        (Identity::Operator, _) => unconcerned("an operator asks"),
        (Identity::Proven(proof), _) if proof.is_enough(wanted) => {
            passes(format!("the name was proved {}", proof.text()))
        }
        (Identity::Claimed, Authenticate::Nothing) => {
            unconcerned("names need no proof: authenticate = \"none\"")
        }
        (Identity::Claimed | Identity::Proven(_), wanted) => refuses(format!(
            "{} was not proved: authenticate = \"{}\"",
            case.request.user,
            wanted.word()
        )),
    }
}

pub(super) fn offer(case: &mut Case<'_>) -> Finding {
    let numbers = case.request.numbers;
    match numbers {
        Numbers::Entry(..) => return unconcerned("the number stands in login.config"),
        Numbers::Typed(_) | Numbers::User(_) | Numbers::Operator(_) | Numbers::Measured(_) => {}
    }
    of_user(case, |user| {
        let name = &user.name;
        let Some(callback) = &user.callback else {
            return refuses(format!("{name} is not called back"));
        };
        match (callback.offer, numbers) {
            (CallbackOffer::Nothing, _) => refuses(format!("{name} is offered no callback")),
            (CallbackOffer::Fixed | CallbackOffer::List, Numbers::Typed(_)) => {
                refuses(format!("{name} may be called at stored numbers only"))
            }
            (CallbackOffer::Caller | CallbackOffer::FixedOrCaller, Numbers::Typed(_)) => {
                passes(format!("{name} may choose the number"))
            }
            (
                CallbackOffer::Fixed
                | CallbackOffer::List
                | CallbackOffer::Caller
                | CallbackOffer::FixedOrCaller,
                Numbers::Entry(..) | Numbers::User(_) | Numbers::Operator(_) | Numbers::Measured(_),
            ) => passes(format!("the number is stored for {name}")),
        }
    })
}

pub(super) fn direct(case: &mut Case<'_>) -> Finding {
    of_user(case, |user| match user.direct {
        Direct::Never | Direct::Allowed => passes("the user may be called back"),
        Direct::Only => refuses(format!("{} is not called back: direct = \"only\"", user.name)),
    })
}
