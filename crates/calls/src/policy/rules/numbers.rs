//! Which numbers may be called.

use proto::dial::PhoneNumber;

use super::{Case, Finding, passes, refuses, unconcerned};
use crate::config::Config;
use crate::config::user::UserCallback;
use crate::policy::Numbers;
use crate::policy::numbering::Class;

/// The shortest number that a caller may type. Shorter ones are service numbers and extensions; whoever
/// wants them called writes them into login.config.
pub(super) const MIN_TYPED_DIGITS: usize = 3;

const NOT_TYPED: &str = "the number was not typed by a caller";

/// Text becomes numbers; the other rules have them in the case.
pub(super) fn grammar(case: &mut Case<'_>) -> Finding {
    match case.request.numbers.parsed() {
        Ok(numbers) => case.numbers.extend_from_slice(&numbers),
        Err(fault) => return refuses(fault.to_string()),
    }
    match case.request.numbers {
        Numbers::Typed(_) => passes("what was typed is a number"),
        Numbers::Entry(..) | Numbers::User(_) | Numbers::Operator(_) | Numbers::Measured(_) => {
            unconcerned(NOT_TYPED)
        }
    }
}

pub(super) fn some(case: &mut Case<'_>) -> Finding {
    match case.numbers.is_empty() {
        true => refuses("there is no number to call"),
        false => passes("there is a number to call"),
    }
}

/// The number that the rules for callers apply to.
fn typed<'c>(case: &'c Case<'_>) -> Option<&'c PhoneNumber> {
    match case.request.numbers {
        Numbers::Typed(_) => case.numbers.first(),
        Numbers::Entry(..) | Numbers::User(_) | Numbers::Operator(_) | Numbers::Measured(_) => None,
    }
}

pub(super) fn digits(case: &mut Case<'_>) -> Finding {
    let Some(number) = typed(case) else { return unconcerned(NOT_TYPED) };
    if !number.is_plain() {
        return refuses(format!("{number} is not digits alone"));
    }
    if number.as_str().trim_start_matches('+').len() < MIN_TYPED_DIGITS {
        return refuses(format!("{number} has fewer than {MIN_TYPED_DIGITS} digits"));
    }
    passes("the number is digits alone, and enough of them")
}

pub(super) fn own_line(case: &mut Case<'_>) -> Finding {
    if let Numbers::Measured(numbers) = case.request.numbers {
        return measured(case.config, numbers);
    }
    let site = &case.config.site;
    let known = case.known.iter().find(|number| number.class() == Class::OwnLine);
    if let Some(number) = known {
        return refuses(format!("{number} is one of our own numbers"));
    }
    for number in &case.numbers {
        let own =
            case.config.lines.iter().find(|line| {
                line.number.as_ref().is_some_and(|own| national(own) == national(number))
            });
        if let Some(line) = own {
            return refuses(format!("{number} is our own line {}", line.name));
        }
        if site.is_own(number.as_str()) || site.is_own(national(number)) {
            return refuses(format!("{number} is one of our own numbers"));
        }
    }
    passes("the number is no line of ours")
}

/// The one exception: a line is measured by a call from another. It must be a line's number, as it is written there.
fn measured(config: &Config, numbers: &[PhoneNumber]) -> Finding {
    let is_a_lines =
        |number: &PhoneNumber| config.lines.iter().any(|line| line.number.as_ref() == Some(number));
    match numbers.iter().find(|number| !is_a_lines(number)) {
        None => passes("a line of ours is called by another one, to be measured"),
        Some(number) => refuses(format!("{number} is no line of ours: only these are measured")),
    }
}

pub(super) fn denied(case: &mut Case<'_>) -> Finding {
    let patterns = &case.config.callback.caller_numbers.deny;
    deny(case, patterns, "caller_numbers.deny")
}

pub(super) fn denied_to_user(case: &mut Case<'_>) -> Finding {
    let Some(callback) = of_user(case) else { return unconcerned(NO_PATTERNS) };
    deny(case, &callback.deny, "user.deny")
}

fn deny(case: &Case<'_>, patterns: &[String], rule: &str) -> Finding {
    let Some(number) = typed(case) else { return unconcerned(NOT_TYPED) };
    if patterns.is_empty() {
        return unconcerned("there is no such pattern");
    }
    let denies = |pattern: &&String| {
        takes(case, pattern, Strictness::AnyMeaning)
            || dialled_as(case.config, number).any(|digits| covers(pattern, &digits))
    };
    match patterns.iter().find(denies) {
        Some(pattern) => Finding::Refuses {
            rule: Some(format!("{rule} {pattern:?}")),
            because: format!("{number} matches the pattern {pattern:?}"),
        },
        None => passes("no pattern denies the number"),
    }
}

const NO_PATTERNS: &str = "the user has no patterns";
const OWN_PATTERNS: &str = "the user has patterns of his own";

fn of_user<'a>(case: &Case<'a>) -> Option<&'a UserCallback> {
    case.user?.callback.as_ref()
}

pub(super) fn allowed(case: &mut Case<'_>) -> Finding {
    if of_user(case).is_some_and(|callback| !callback.allow.is_empty()) {
        return unconcerned(OWN_PATTERNS);
    }
    let patterns = &case.config.callback.caller_numbers.allow;
    allow(case, patterns, "caller_numbers.allow")
}

pub(super) fn allowed_to_user(case: &mut Case<'_>) -> Finding {
    match of_user(case) {
        Some(callback) if !callback.allow.is_empty() => allow(case, &callback.allow, "user.allow"),
        Some(_) | None => unconcerned(NO_PATTERNS),
    }
}

fn allow(case: &mut Case<'_>, patterns: &[String], rule: &str) -> Finding {
    let Some(number) = typed(case) else { return unconcerned(NOT_TYPED) };
    match patterns.iter().find(|pattern| takes(case, pattern, Strictness::OneMeaning)) {
        Some(pattern) => {
            case.allowed_by = Some(format!("{rule} {pattern:?}"));
            passes(format!("the pattern {pattern:?} allows the number"))
        }
        None => refuses(format!("{number} matches no pattern that allows it")),
    }
}

/// How a pattern is read that could mean two things (`900*` in North America: 1-900, or 900 in our own area).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// As a number of these digits would be: whoever allows means that.
    OneMeaning,
    /// As either: whoever denies means both.
    AnyMeaning,
}

/// Whether `pattern` takes the number that was typed. Where the site has a country, both are compared as
/// numbers of the world, in whatever form they are written.
fn takes(case: &Case<'_>, pattern: &str, strictness: Strictness) -> bool {
    let Some(number) = typed(case) else { return false };
    let (Some(known), Some(country)) = (case.known.first(), case.config.site.country) else {
        return matches(pattern, number);
    };
    let (digits, star) = match pattern.strip_suffix('*') {
        Some(digits) => (digits, "*"),
        None => (pattern, ""),
    };
    let normal = known.normal();
    if !normal.starts_with('+') {
        return covers(pattern, &normal);
    }
    let one = case.config.site.beginning(digits).unwrap_or_default();
    let national = format!("+{}{digits}", country.code);
    covers(&format!("{one}{star}"), &normal)
        || (strictness == Strictness::AnyMeaning && covers(&format!("{national}{star}"), &normal))
}

fn national(number: &PhoneNumber) -> &str {
    number.as_str().trim_start_matches('+')
}

/// Whether `pattern` (`"5551234"`, `"900*"`, `"*"`) takes `number`. A `+` before the digits counts only if
/// the pattern has one.
fn matches(pattern: &str, number: &PhoneNumber) -> bool {
    covers(pattern, if pattern.starts_with('+') { number.as_str() } else { national(number) })
}

/// The digits that a number with `+` becomes on our lines: denying `0088*` must also deny `+88...`.
fn dialled_as(config: &Config, number: &PhoneNumber) -> impl Iterator<Item = String> {
    let rest = number.as_str().strip_prefix('+');
    let prefixes =
        config.lines.iter().filter_map(|line| line.modem.international_prefix.as_deref());
    prefixes.filter_map(move |prefix| Some(format!("{prefix}{}", rest?)))
}

fn covers(pattern: &str, digits: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => digits.starts_with(beginning),
        None => digits == pattern,
    }
}

/// Several numbers take turns; those in quarantine are left out.
pub(super) fn quarantined(case: &mut Case<'_>) -> Finding {
    if let Numbers::Operator(_) | Numbers::Measured(_) = case.request.numbers {
        return unconcerned("an operator asks");
    }
    let is = |number: &PhoneNumber| {
        case.request.marked.quarantined.iter().any(|other| other == number.as_str())
    };
    let Some(first) = case.numbers.iter().find(|number| is(number)).cloned() else {
        return passes("no strangers have answered there too often");
    };
    let left: Vec<PhoneNumber> =
        case.numbers.iter().filter(|number| !is(number)).cloned().collect();
    if left.is_empty() {
        let cure = format!("dialback release {first}");
        return refuses(format!(
            "strangers have answered at {first}; {cure} lets it be called again"
        ));
    }
    case.numbers = left;
    passes(format!("{first} is left out: strangers have answered there"))
}
