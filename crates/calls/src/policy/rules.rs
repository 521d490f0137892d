//! The one table of rules: name, meaning, judge, in the order in which they are asked. A later one may rely on
//! what an earlier one has refused.
//!
//! `docs/reference/policy-rules.md` is printed from it, `dialback policy explain` lists it, and a refusal names
//! one of it. To add a rule: a function that looks at the [`Case`] and returns a [`Finding`], and an entry
//! here. A name is for ever: it stands in journals and in tables of expectations.
//!
//! They do not know how the numbers came to be typed, nor what the caller is told.

mod budgets;
mod classes;
mod lines;
mod numbers;
mod promises;
mod users;

use std::borrow::Cow;

use proto::dial::PhoneNumber;

use super::numbering::Number;
use super::{RefusalKind, Request};
use crate::config::Config;
use crate::config::user::User;

pub(crate) use budgets::affords;
pub(crate) use lines::dial_string;
#[cfg(test)]
pub(crate) use lines::line_dialling;

/// What the rules look at.
pub(super) struct Case<'a> {
    pub(super) config: &'a Config,
    pub(super) request: &'a Request<'a>,
    /// The user whose name was given, if there is one.
    pub(super) user: Option<&'a User>,
    /// The numbers, from `number.grammar` on.
    pub(super) numbers: Vec<PhoneNumber>,
    /// What they mean, from `number.plan` on; empty where the site has no country.
    pub(super) known: Vec<Number>,
    /// The lines wanted; the line rules strike out those that will not do.
    pub(super) lines: Vec<String>,
    /// The pattern that allowed a typed number.
    pub(super) allowed_by: Option<String>,
}

impl<'a> Case<'a> {
    /// As it is before any rule was asked, without the lines wanted.
    pub(super) fn of(config: &'a Config, request: &'a Request<'a>) -> Self {
        Self {
            config,
            request,
            user: config.user(request.user),
            numbers: Vec::new(),
            known: Vec::new(),
            lines: Vec::new(),
            allowed_by: None,
        }
    }
}

/// What a rule has found.
pub(super) enum Finding {
    /// Nothing to object to, because.
    Passes(Cow<'static, str>),
    /// It has nothing to do with this request, because.
    Unconcerned(Cow<'static, str>),
    /// An objection; `rule` where it is more exact than the rule's name.
    Refuses { rule: Option<String>, because: String },
}

/// It has looked, and does not object.
fn passes(because: impl Into<Cow<'static, str>>) -> Finding {
    Finding::Passes(because.into())
}

/// It has nothing to do with this request.
fn unconcerned(because: impl Into<Cow<'static, str>>) -> Finding {
    Finding::Unconcerned(because.into())
}

/// It objects.
fn refuses(because: impl Into<String>) -> Finding {
    Finding::Refuses { rule: None, because: because.into() }
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// What it refuses, as one sentence.
    pub sentence: &'static str,
    /// What kind of no its no is.
    pub(super) kind: RefusalKind,
    pub(super) judge: fn(&mut Case<'_>) -> Finding,
}

/// All rules, in the order in which they are asked.
#[must_use]
pub const fn table() -> &'static [Rule] {
    RULES
}

macro_rules! rules {
    ($($name:literal $kind:ident $judge:path, $sentence:literal;)*) => {
        &[$(Rule { name: $name, sentence: $sentence, kind: RefusalKind::$kind, judge: $judge }),*]
    };
}

pub(super) const RULES: &[Rule] = rules! {
    "callback.once" Service promises::once,
        "A callback is asked for on a call that is one.";
    "promises.in-all" Service promises::in_all,
        "As many promises are open as `[callback] in_all` allows.";
    "user.trap" Service users::trap,
        "The name is a trap: nobody has it.";
    "user.disabled" Service users::disabled,
        "The user is disabled.";
    "user.expires" Service users::expires,
        "The last day on which the user is served is over.";
    "user.review" Service users::review,
        "Refuses nothing. Tells that the day is past by which somebody had to look at the user.";
    "user.window" Service users::window,
        "None of the user's windows is open.";
    "user.service" Service users::service,
        "The user may not use what he uses the line for: the prompt, or PPP.";
    "user.proof" Service users::proof,
        "The name was not proved as `[callback] authenticate` demands it.";
    "user.direct" Service users::direct,
        "The user logs in on calls that come in only: `direct = \"only\"`.";
    "promises.per-user" Service promises::per_user,
        "The user is owed a callback already, or so many as `[callback] per_user` allows under a name that is no user's.";
    "user.offer" Number users::offer,
        "The user may not choose this number: what `callback = { offer }` allows is none, the stored numbers, or \
         one of his own.";
    "number.grammar" NotANumber numbers::grammar,
        "What was typed is no telephone number.";
    "number.none" Number numbers::some,
        "There is no number to call.";
    "number.digits" NotANumber numbers::digits,
        "A typed number is not digits alone, or has fewer than three of them.";
    "number.plan" NotANumber classes::plan,
        "At this site the digits are no number: too few, too many, or a local number without an area.";
    "number.own-line" Number numbers::own_line,
        "The number is that of one of our own lines; only `dialback qualify` has one of them call another.";
    "number.class.premium" Number classes::premium,
        "A premium rate number, in its own country or worldwide (`+979`).";
    "number.class.shared-cost" Number classes::shared_cost,
        "A shared cost number.";
    "number.class.personal" Number classes::personal,
        "A personal number, which costs what premium ones do.";
    "number.class.satellite" Number classes::satellite,
        "A satellite telephone (`+870`, `+881`).";
    "number.class.global" Number classes::global,
        "A number of an international service or network (`+800`, `+882`, `+883`).";
    "number.class.emergency" Number classes::emergency,
        "An emergency number, whatever digits follow it.";
    "number.class.operator" Number classes::operator,
        "A number of the network itself: an operator, information, another carrier, any short number.";
    "number.class.feature" Number classes::feature,
        "A code for the exchange, such as a diversion.";
    "number.class.unknown" Number classes::unknown,
        "A number in no numbering plan that is known.";
    "caller_numbers.deny" Number numbers::denied,
        "A typed number matches a pattern of `caller_numbers.deny`.";
    "user.deny" Number numbers::denied_to_user,
        "A typed number matches a pattern of the user's own `deny`.";
    "caller_numbers.allow" Number numbers::allowed,
        "A typed number matches no pattern of `caller_numbers.allow`.";
    "user.allow" Number numbers::allowed_to_user,
        "A typed number matches no pattern of the user's own `allow`.";
    "number.quarantined" Number numbers::quarantined,
        "Strangers have answered at the number, `[callback] quarantine_after` of them in a row.";
    "promises.per-number" Service promises::per_number,
        "A callback is owed at the number already, under a name that is no user's.";
    "budget.user" Service budgets::user,
        "What the user's `budget` allows in a day is used up, or the call's cost is not known.";
    "budget.day" Service budgets::day,
        "What a `[[budget]]` allows in a day is used up, or the call's cost is not known.";
    "line.same" Service lines::same,
        "The caller came in on the only line, and `[callback] same_line` does not let it call back.";
    "line.direction" Service lines::direction,
        "No line of those wanted may both be used and originate.";
    "line.dialling" Service lines::dialling,
        "None of those lines can dial the number.";
};
