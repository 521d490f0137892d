//! The rules, each with its name. A later one may rely on what an earlier one has refused.
//!
//! | rule | refuses |
//! |---|---|
//! | `promises.in-all` | more open promises than `[callback] in_all` |
//! | `promises.per-user` | more open promises for one user than `[callback] per_user` |
//! | `number.none` | a request without any number |
//! | `number.digits` | a typed number that is not digits alone, or fewer than three of them |
//! | `number.own-line` | calling one of our own lines |
//! | `caller_numbers.deny "900*"` | a typed number that a deny pattern matches |
//! | `caller_numbers.allow` | a typed number that no allow pattern matches |
//! | `line.same` | the line that the caller came in on, where `[callback] same_line` does not let it call back |
//! | `line.direction` | when no line of those wanted may both be used and originate |
//! | `line.dialling` | a number that none of those lines can dial |
//!
//! Before them, what is no number at all is refused by `number.grammar`, and by `number.plain-text` what did
//! not even arrive as a line of text.
//!
//! They do not know how the numbers came to be typed.

use proto::dial::{Dialling, PhoneNumber};

use super::{Numbers, RefusalKind, Request};
use crate::config::{Config, Direction, HoldBy, Line, ReturnLine, SameLine};

/// The shortest number that a caller may type. Shorter ones are service numbers and extensions; whoever
/// wants them called writes them into login.config.
pub(super) const MIN_TYPED_DIGITS: usize = 3;

/// What the rules look at.
pub(super) struct Case<'a> {
    pub(super) config: &'a Config,
    pub(super) request: &'a Request<'a>,
    pub(super) numbers: &'a [PhoneNumber],
    /// The lines wanted; the line rules strike out those that will not do.
    pub(super) lines: Vec<String>,
    /// The pattern that allowed a typed number.
    pub(super) allowed_by: Option<String>,
}

/// An objection; `rule` where it is more exact than the rule's name.
pub(super) struct No {
    pub(super) rule: Option<String>,
    pub(super) reason: String,
}

fn no(reason: String) -> Result<(), No> {
    Err(No { rule: None, reason })
}

/// One rule.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) kind: RefusalKind,
    pub(super) judge: fn(&mut Case<'_>) -> Result<(), No>,
}

/// All rules, in the order in which they are asked.
pub(super) const RULES: &[Rule] = &[
    Rule { name: "promises.in-all", kind: RefusalKind::Service, judge: promises_in_all },
    Rule { name: "promises.per-user", kind: RefusalKind::Service, judge: promises_per_user },
    Rule { name: "number.none", kind: RefusalKind::Number, judge: some_number },
    Rule { name: "number.digits", kind: RefusalKind::NotANumber, judge: digits },
    Rule { name: "number.own-line", kind: RefusalKind::Number, judge: own_line },
    Rule { name: "caller_numbers.deny", kind: RefusalKind::Number, judge: denied },
    Rule { name: "caller_numbers.allow", kind: RefusalKind::Number, judge: allowed },
    Rule { name: "line.same", kind: RefusalKind::Service, judge: same },
    Rule { name: "line.direction", kind: RefusalKind::Service, judge: direction },
    Rule { name: "line.dialling", kind: RefusalKind::Service, judge: dialling },
];

fn promises_in_all(case: &mut Case<'_>) -> Result<(), No> {
    let (open, most) = (case.request.open.in_all, case.config.callback.in_all);
    if open < most {
        Ok(())
    } else {
        no(format!("{open} promises are open; at most {most} may be"))
    }
}

fn promises_per_user(case: &mut Case<'_>) -> Result<(), No> {
    let (open, most) = (case.request.open.by_user, case.config.callback.per_user);
    let user = case.request.user;
    match case.request.numbers {
        Numbers::Operator(_) => Ok(()),
        Numbers::Typed(_) | Numbers::Entry(..) | Numbers::User(_) if open < most => Ok(()),
        Numbers::Typed(_) | Numbers::Entry(..) | Numbers::User(_) => {
            no(format!("{open} promises are open for {user}; at most {most} may be"))
        }
    }
}

fn some_number(case: &mut Case<'_>) -> Result<(), No> {
    if case.numbers.is_empty() { no("there is no number to call".to_owned()) } else { Ok(()) }
}

fn digits(case: &mut Case<'_>) -> Result<(), No> {
    for number in typed(case) {
        if !number.is_plain() {
            return no(format!("{number} is not digits alone"));
        }
        let digits = number.as_str().trim_start_matches('+').len();
        if digits < MIN_TYPED_DIGITS {
            return no(format!("{number} has fewer than {MIN_TYPED_DIGITS} digits"));
        }
    }
    Ok(())
}

fn own_line(case: &mut Case<'_>) -> Result<(), No> {
    for number in case.numbers {
        let own =
            case.config.lines.iter().find(|line| {
                line.number.as_ref().is_some_and(|own| national(own) == national(number))
            });
        if let Some(line) = own {
            return no(format!("{number} is our own line {}", line.name));
        }
    }
    Ok(())
}

fn denied(case: &mut Case<'_>) -> Result<(), No> {
    for number in typed(case) {
        let patterns = &case.config.callback.caller_numbers.deny;
        let denies = |pattern: &&String| {
            matches(pattern, number)
                || dialled_as(case.config, number).any(|digits| covers(pattern, &digits))
        };
        if let Some(pattern) = patterns.iter().find(denies) {
            let rule = Some(format!("caller_numbers.deny {pattern:?}"));
            return Err(No { rule, reason: format!("{number} matches the pattern {pattern:?}") });
        }
    }
    Ok(())
}

fn allowed(case: &mut Case<'_>) -> Result<(), No> {
    let mut by = None;
    for number in typed(case) {
        let patterns = &case.config.callback.caller_numbers.allow;
        match patterns.iter().find(|pattern| matches(pattern, number)) {
            Some(pattern) => by = Some(format!("caller_numbers.allow {pattern:?}")),
            None => return no(format!("{number} matches no pattern that allows it")),
        }
    }
    case.allowed_by = by;
    Ok(())
}

/// The line that the caller came in on may still be his: he stays, plays a dial tone, hears the number and
/// answers. It calls back only if its hold time is known; who has other lines takes one of them instead.
fn same(case: &mut Case<'_>) -> Result<(), No> {
    let Some(own) = case.request.came_in_on else { return Ok(()) };
    if !case.lines.iter().any(|name| name == own) {
        return Ok(());
    }
    let Some(line) = line(case.config, own) else { return Ok(()) };
    let rule = case.config.callback.same_line;
    let trusted = match (rule, line.hold_by) {
        (SameLine::Qualified, HoldBy::Measured) => true,
        (SameLine::Qualified, HoldBy::Written | HoldBy::Unknown) => false,
        (SameLine::Wait, HoldBy::Measured | HoldBy::Written) => true,
        (SameLine::Wait, HoldBy::Unknown) => false,
        (SameLine::Never, HoldBy::Measured | HoldBy::Written | HoldBy::Unknown) => false,
    };
    if trusted {
        return Ok(());
    }
    case.lines.retain(|name| name != own);
    if *case.request.return_line == ReturnLine::Same {
        case.lines = others(case.config, own);
    }
    match rule {
        // The worst hold time is waited for; the line itself sees to that.
        SameLine::Wait => case.lines.push(own.to_owned()),
        SameLine::Qualified if case.lines.is_empty() => {
            return no(format!(
                "line {own} was not measured, and there is no other: run dialback qualify {own} --with OTHER"
            ));
        }
        SameLine::Never if case.lines.is_empty() => {
            return no(format!("same_line is \"never\", and there is no other line than {own}"));
        }
        SameLine::Qualified | SameLine::Never => {}
    }
    Ok(())
}

/// All lines but this one that place calls, those that take none first: nobody can be on them.
fn others(config: &Config, own: &str) -> Vec<String> {
    let of = |direction: Direction| {
        let lines = config.lines.iter().filter(move |line| line.direction == direction);
        lines.map(|line| line.name.clone()).filter(move |name| name != own)
    };
    of(Direction::Originate).chain(of(Direction::Both)).collect()
}

fn direction(case: &mut Case<'_>) -> Result<(), No> {
    let same = *case.request.return_line == ReturnLine::Same && case.request.came_in_on.is_some();
    let wanted = std::mem::take(&mut case.lines);
    case.lines = wanted
        .iter()
        .filter(|name| {
            line(case.config, name).is_some_and(|line| match line.direction {
                Direction::Both => true,
                Direction::Originate => !same || Some(name.as_str()) != case.request.came_in_on,
                Direction::Answer => false,
            })
        })
        .cloned()
        .collect();
    if !case.lines.is_empty() {
        return Ok(());
    }
    no(match (same, wanted.is_empty()) {
        (true, _) => format!(
            "line {} only answers; set direction = \"both\", or call back on another line",
            wanted.join(" ")
        ),
        (false, true) => "there is no such line".to_owned(),
        (false, false) => format!("none of these lines may originate: {}", wanted.join(" ")),
    })
}

fn dialling(case: &mut Case<'_>) -> Result<(), No> {
    let mut fault = String::new();
    let wanted = std::mem::take(&mut case.lines);
    for name in wanted {
        let Some(line) = line(case.config, &name) else { continue };
        match can_dial(line, case.numbers) {
            Ok(()) => case.lines.push(name),
            Err(why) => fault = format!("line {name}: {why}"),
        }
    }
    if case.lines.is_empty() { no(fault) } else { Ok(()) }
}

fn can_dial(line: &Line, numbers: &[PhoneNumber]) -> Result<(), String> {
    let dialling = line_dialling(line)?;
    numbers
        .iter()
        .try_for_each(|number| dialling.render(number).map(drop).map_err(|fault| fault.to_string()))
}

/// How a line dials.
pub(crate) fn line_dialling(line: &Line) -> Result<Dialling, String> {
    let prefix = line.modem.dial_prefix.clone();
    Dialling::new(prefix, line.modem.international_prefix.as_deref(), "")
        .map_err(|fault| fault.to_string())
}

fn line<'c>(config: &'c Config, name: &str) -> Option<&'c Line> {
    config.lines.iter().find(|line| line.name == name)
}

/// The numbers that the rules for callers apply to.
fn typed<'a>(case: &Case<'a>) -> &'a [PhoneNumber] {
    match case.request.numbers {
        Numbers::Typed(_) => case.numbers,
        Numbers::Entry(..) | Numbers::User(_) | Numbers::Operator(_) => &[],
    }
}

fn national(number: &PhoneNumber) -> &str {
    number.as_str().trim_start_matches('+')
}

/// Whether `pattern` (`"5551234"`, `"900*"`, `"*"`) takes `number`. A `+` before the digits counts only if
/// the pattern has one.
pub(super) fn matches(pattern: &str, number: &PhoneNumber) -> bool {
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
