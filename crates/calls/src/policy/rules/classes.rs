//! What the numbers mean at this site, and which kinds of them are not called: a rule for each kind.
//!
//! They are for numbers of whatever author: an administrator who means one allows its class.

use super::{Case, Finding, passes, refuses, unconcerned};
use crate::policy::numbering::{Class, normalise};

const NO_COUNTRY: &str = "[site] has no country";

/// Digits become numbers of the world; the other rules have them in the case, and they are what is dialled.
pub(super) fn plan(case: &mut Case<'_>) -> Finding {
    if case.config.site.country.is_none() {
        return unconcerned(NO_COUNTRY);
    }
    let mut known = Vec::with_capacity(case.numbers.len());
    for number in &mut case.numbers {
        let normal = normalise(number, &case.config.site)
            .and_then(|normal| Ok((normal.to_phone_number()?, normal)));
        match normal {
            Ok((kept, normal)) => {
                *number = kept;
                known.push(normal);
            }
            Err(fault) => return refuses(format!("{number}: {fault}")),
        }
    }
    case.known = known;
    match case.known.first() {
        Some(number) => passes(format!("{number} is {}", number.class().sentence())),
        None => unconcerned(NO_COUNTRY),
    }
}

/// Objects to numbers of `class`, unless site or user allow it.
fn class(case: &Case<'_>, class: Class) -> Finding {
    if case.config.site.country.is_none() {
        return unconcerned(NO_COUNTRY);
    }
    let Some(number) = case.known.iter().find(|number| number.class() == class) else {
        return match class == Class::Unknown {
            true => passes("the number is in a numbering plan"),
            false => passes(format!("the number is not {}", class.sentence())),
        };
    };
    let of_user = case.user.and_then(|user| user.callback.as_ref());
    if case.config.site.allow.contains(&class) {
        passes(format!("{number} is {}, which [site] allow_classes allows", class.sentence()))
    } else if of_user.is_some_and(|callback| callback.allow_classes.contains(&class)) {
        passes(format!("{number} is {}, which the user's allow_classes allows", class.sentence()))
    } else {
        refuses(format!("{number} is {}", class.sentence()))
    }
}

macro_rules! classes {
    ($($name:ident $class:ident;)*) => {
        $(pub(super) fn $name(case: &mut Case<'_>) -> Finding {
            class(case, Class::$class)
        })*
    };
}

classes! {
    premium Premium;
    shared_cost SharedCost;
    personal Personal;
    satellite Satellite;
    global Global;
    emergency Emergency;
    operator Operator;
    feature Feature;
    unknown Unknown;
}
