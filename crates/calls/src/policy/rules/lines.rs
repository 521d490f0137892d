//! Which lines may call back, and can.

use proto::dial::{DialString, Dialling, PhoneNumber};

use super::{Case, Finding, passes, refuses, unconcerned};
use crate::config::{Config, Direction, HoldBy, Line, ReturnLine, SameLine};

/// The line that the caller came in on may still be his: he stays, plays a dial tone, hears the number and
/// answers. It calls back only if its hold time is known; who has other lines takes one of them instead.
pub(super) fn same(case: &mut Case<'_>) -> Finding {
    let Some(own) = case.request.came_in_on else { return unconcerned("nobody came in on a line") };
    if !case.lines.iter().any(|name| name == own) {
        return unconcerned("another line than the caller's calls back");
    }
    let Some(line) = line(case.config, own) else { return unconcerned("there is no such line") };
    let rule = case.config.callback.same_line;
    let trusted = match (rule, line.hold_by) {
        (SameLine::Qualified, HoldBy::Measured) => true,
        (SameLine::Qualified, HoldBy::Written | HoldBy::Unknown) => false,
        (SameLine::Wait, HoldBy::Measured | HoldBy::Written) => true,
        (SameLine::Wait, HoldBy::Unknown) => false,
        (SameLine::Never, HoldBy::Measured | HoldBy::Written | HoldBy::Unknown) => false,
    };
    if trusted {
        let how = match line.hold_by {
            HoldBy::Measured => "measured",
            HoldBy::Written | HoldBy::Unknown => "written",
        };
        let wait = line.hold_time.as_secs_f64();
        return passes(format!("the hold time of the caller's line is known: {wait} s, {how}"));
    }
    case.lines.retain(|name| name != own);
    if *case.request.return_line == ReturnLine::Same {
        case.lines = others(case.config, own);
    }
    match rule {
        SameLine::Wait => {
            // The worst hold time is waited for; the line itself sees to that.
            case.lines.push(own.to_owned());
            passes("the hold time of the caller's line is not known: it comes last")
        }
        SameLine::Qualified if case.lines.is_empty() => refuses(format!(
            "line {own} was not measured, and there is no other: see dialback qualify"
        )),
        SameLine::Never if case.lines.is_empty() => {
            refuses(format!("same_line is \"never\", and there is no other line than {own}"))
        }
        SameLine::Qualified | SameLine::Never => {
            passes("another line than the caller's calls back")
        }
    }
}

/// All lines but this one that place calls, those that take none first: nobody can be on them.
fn others(config: &Config, own: &str) -> Vec<String> {
    let of = |direction: Direction| {
        let lines = config.lines.iter().filter(move |line| line.direction == direction);
        lines.map(|line| line.name.clone()).filter(move |name| name != own)
    };
    of(Direction::Originate).chain(of(Direction::Both)).collect()
}

pub(super) fn direction(case: &mut Case<'_>) -> Finding {
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
        return passes("there are lines that may originate");
    }
    refuses(match (same, wanted.is_empty()) {
        (true, _) => format!(
            "line {} only answers; set direction = \"both\", or call back on another line",
            wanted.join(" ")
        ),
        (false, true) => "there is no such line".to_owned(),
        (false, false) => format!("none of these lines may originate: {}", wanted.join(" ")),
    })
}

pub(super) fn dialling(case: &mut Case<'_>) -> Finding {
    let mut fault = String::new();
    let wanted = std::mem::take(&mut case.lines);
    for name in wanted {
        let Some(line) = line(case.config, &name) else { continue };
        match can_dial(line, &case.numbers) {
            Ok(()) => case.lines.push(name),
            Err(why) => fault = format!("line {name}: {why}"),
        }
    }
    match case.lines.as_slice() {
        [] => refuses(fault),
        _ => passes("the lines can dial the number"),
    }
}

fn can_dial(line: &Line, numbers: &[PhoneNumber]) -> Result<(), String> {
    numbers.iter().try_for_each(|number| dial_string(line, number).map(drop))
}

/// The command that dials `number` on this line: by its dial plan, or, where the site has no country, as the
/// number stands.
pub(crate) fn dial_string(line: &Line, number: &PhoneNumber) -> Result<DialString, String> {
    match &line.dial_plan {
        Some(plan) => {
            plan.render(&line.modem.dial_prefix, number).map_err(|fault| fault.to_string())
        }
        None => line_dialling(line)?.render(number).map_err(|fault| fault.to_string()),
    }
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
