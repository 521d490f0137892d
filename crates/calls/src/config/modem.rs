//! `modem = { ... }` of a line and the profiles `[modem.name]`: keys over a profile.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use proto::at::profile::{HangUpManner, PROFILES, Profile};
use proto::dial::{DialFault, DialPrefix, Dialling};
use toml::Spanned;
use toml::de::DeValue;

use super::Modem;
use super::at_commands::{command_line, commands, danger, dials_blindly};
use super::decode::{Placed, Table, inside_string, kind, preset};
use super::keys::{self, Section};
use super::values::{self, Fault};
use crate::diagnostic::{Diagnostic, Source};

#[cfg(test)]
mod tests;

/// A modem and where its parts were written.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) modem: Modem,
    /// `dtr_hangup`, if it is written.
    pub(super) dtr_hangup_at: Option<Range<usize>>,
    /// The last place that makes the modem dial without waiting for dial tone (`X0`, `X1`, `X3`).
    pub(super) blind: Option<Range<usize>>,
}

/// The profile of a line that names none.
pub(super) const GENERIC: &str = "generic";

/// The profile of a line on a bare TCP port that names none: there are no control lines.
pub(super) const NETWORK: &str = "network";

/// A modem as its profile describes it.
pub(super) fn of(profile: &'static Profile) -> Result<Modem, DialFault> {
    Ok(Modem {
        profile,
        init: profile.init.iter().map(|&line| line.to_owned()).collect(),
        wishes: profile.wishes.iter().map(|&line| line.to_owned()).collect(),
        answer: profile.answer.to_owned(),
        blind: false,
        dial_prefix: DialPrefix::parse(profile.dial_prefix)?,
        international_prefix: profile.international_prefix.map(str::to_owned),
        dtr_hangup: match profile.hang_up {
            HangUpManner::Dtr | HangUpManner::DtrThenEscape => true,
            HangUpManner::Escape => false,
        },
        read_back: preset(&keys::READ_BACK, true),
        guard: profile.escape.guard,
        answer_time: profile.answer_time,
        dial_time: profile.dial_time,
        command_time: profile.command_time,
        check_every: preset(&keys::CHECK_EVERY, Duration::ZERO),
    })
}

/// The profiles: the built-in ones and the file's own.
pub(super) type Profiles = BTreeMap<String, Draft>;

/// Reads `[modem.name]` tables. Each stands on a built-in one.
pub(super) fn profiles(
    source: &Arc<Source>,
    value: Option<&Spanned<DeValue<'_>>>,
    faults: &mut Vec<Diagnostic>,
) -> Profiles {
    let mut profiles = Profiles::new();
    for profile in PROFILES {
        if let Ok(modem) = of(profile) {
            let draft = Draft { modem, dtr_hangup_at: None, blind: None };
            profiles.insert(profile.name.to_owned(), draft);
        }
    }
    let Some(value) = value else { return profiles };
    let DeValue::Table(tables) = value.get_ref() else {
        faults.push(
            Diagnostic::error(
                source,
                value.span(),
                format!("modem must be a table of profiles, not {}", kind(value.get_ref())),
            )
            .hint("write [modem.courier], and modem = \"courier\" in the line"),
        );
        return profiles;
    };
    let built_in = profiles.clone();
    for (name, value) in tables {
        let DeValue::Table(_) = value.get_ref() else {
            faults.push(
                Diagnostic::error(
                    source,
                    name.span(),
                    format!("\"{}\" stands outside of any profile", name.get_ref()),
                )
                .hint("begin a profile with [modem.courier], or write the key into a line's modem"),
            );
            continue;
        };
        if built_in.contains_key(name.get_ref().as_ref()) {
            faults.push(
                Diagnostic::error(
                    source,
                    name.span(),
                    format!("the profile \"{}\" is built in", name.get_ref()),
                )
                .hint("give yours another name"),
            );
            continue;
        }
        if let Err(fault) = values::name(name.get_ref()) {
            faults.push(
                Diagnostic::error(source, name.span(), format!("profile: {}", fault.message))
                    .hint(fault.hint),
            );
            continue;
        }
        if let Some(draft) = modem(source, value, &built_in, GENERIC, faults) {
            profiles.insert(name.get_ref().to_string(), draft);
        }
    }
    profiles
}

/// The modem of a line: a profile's name, or a table over a profile, which is `default` where the table
/// names none.
pub(super) fn modem(
    source: &Arc<Source>,
    value: &Spanned<DeValue<'_>>,
    profiles: &Profiles,
    default: &str,
    faults: &mut Vec<Diagnostic>,
) -> Option<Draft> {
    if let DeValue::String(name) = value.get_ref() {
        return match profile(name, profiles) {
            Ok(draft) => Some(draft),
            Err(fault) => {
                faults.push(
                    Diagnostic::error(source, value.span(), format!("modem: {}", fault.message))
                        .hint(fault.hint),
                );
                None
            }
        };
    }
    let table = Table::new(source, Section::Modem, value, faults)?;
    table.unknown_keys(faults);
    let base = table
        .parsed_if(&keys::PROFILE, faults, |name| profile(name, profiles))
        .map(|draft| draft.value)
        .or_else(|| profiles.get(default).cloned())?;
    Some(over(&base, &table, faults))
}

fn profile(name: &str, profiles: &Profiles) -> Result<Draft, Fault> {
    profiles.get(name).cloned().ok_or_else(|| {
        let names: Vec<&str> = profiles.keys().map(String::as_str).collect();
        Fault::new(
            format!("there is no profile \"{name}\""),
            match values::nearest(name, names.iter().copied()) {
                Some(meant) => format!("\"{meant}\" is the nearest that there is"),
                None => format!("there are: {}", names.join(", ")),
            },
        )
    })
}

/// `base` with what the table writes in place of it.
fn over(base: &Draft, table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Draft {
    let Draft { modem: base_modem, dtr_hangup_at, blind } = base.clone();
    let dtr_hangup = table.flag_if(&keys::DTR_HANGUP, faults);
    let dial_prefix = table.parsed_if(&keys::DIAL_PREFIX, faults, dial_prefix);
    let international_prefix =
        table.parsed_if(&keys::INTERNATIONAL_PREFIX, faults, international_prefix);
    let answer = table.parsed_if(&keys::ANSWER, faults, answer_command);
    let mut duration =
        |key, base| table.duration_if(key, faults).map_or(base, |duration| duration.value);
    let mut modem = Modem {
        guard: duration(&keys::GUARD, base_modem.guard),
        answer_time: duration(&keys::ANSWER_TIME, base_modem.answer_time),
        dial_time: duration(&keys::DIAL_TIME, base_modem.dial_time),
        command_time: duration(&keys::COMMAND_TIME, base_modem.command_time),
        check_every: duration(&keys::CHECK_EVERY, base_modem.check_every),
        ..base_modem
    };
    let dtr_hangup_at = dtr_hangup.as_ref().and_then(|flag| flag.at.clone()).or(dtr_hangup_at);
    if let Some(flag) = dtr_hangup {
        modem.dtr_hangup = flag.value;
    }
    if let Some(flag) = table.flag_if(&keys::READ_BACK, faults) {
        modem.read_back = flag.value;
    }
    if let Some(answer) = answer {
        modem.answer = answer.value;
    }
    if let Some(prefix) = international_prefix {
        modem.international_prefix = Some(prefix.value);
    }
    let mut draft = Draft { modem, dtr_hangup_at, blind };
    setup(&mut draft, table, faults);
    if let Some(Placed { value, at }) = dial_prefix {
        let mut commands = commands(value.as_str()).into_iter();
        if commands.any(|command| dials_blindly(command.name, command.value)) {
            draft.blind = at;
        }
        // W waits for dial tone in the middle of dialling, whatever X says.
        if value
            .as_str()
            .to_ascii_uppercase()
            .rsplit('D')
            .next()
            .is_some_and(|tail| tail.contains('W'))
        {
            draft.blind = None;
        }
        draft.modem.dial_prefix = value;
    }
    draft
}

/// `init` and `caller_id`.
fn setup(draft: &mut Draft, table: &Table<'_>, faults: &mut Vec<Diagnostic>) {
    let Draft { modem, blind, .. } = draft;
    if let Some(lines) = table.list_if(&keys::INIT, faults, |line| Ok(line.to_owned())) {
        *blind = init(table.source, &lines, modem.dtr_hangup, faults);
        if lines.is_empty() {
            let span = table.get(keys::INIT.name).map_or(table.span.clone(), Spanned::span);
            let message = "init is empty: the modem would stay as the last user left it";
            faults.push(
                Diagnostic::error(table.source, span, message)
                    .hint("write init = [\"ATZ\"], or leave the key out"),
            );
        }
        modem.init = lines.into_iter().map(|line| line.value).collect();
        modem.wishes.clear();
    }
    if let Some(Placed { value: true, at }) = table.flag_if(&keys::CALLER_ID, faults) {
        match modem.profile.caller_id {
            Some(command) => modem.init.push(command.to_owned()),
            None => {
                let message =
                    format!("the profile \"{}\" has no command for it", modem.profile.name);
                faults.push(Diagnostic::error(table.source, at.unwrap_or_default(), message).hint(
                    "name the modem's profile, or write the command into init, like \"AT+VCID=1\"",
                ));
            }
        }
    }
}

fn dial_prefix(text: &str) -> Result<DialPrefix, Fault> {
    DialPrefix::parse(text).map_err(|fault| {
        let message = fault.to_string();
        let message = message.strip_prefix("dial prefix: ").unwrap_or(&message).to_owned();
        Fault::new(
            format!("\"{}\": {message}", visible(text)),
            "write what stands in front of a number, like \"ATDT\" or \"ATDT0,\"",
        )
    })
}

fn international_prefix(text: &str) -> Result<String, Fault> {
    let dialling =
        DialPrefix::parse("ATD").and_then(|prefix| Dialling::new(prefix, Some(text), ""));
    match dialling {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Fault::new(
            format!("\"{}\" is not what is dialled before a country code", visible(text)),
            "write digits, like \"00\" or \"011\", or \"+\" for a modem that dials it itself",
        )),
    }
}

fn answer_command(text: &str) -> Result<String, Fault> {
    let hint = "write the command that answers, like \"ATA\"";
    command_line(text)?;
    if commands(text).iter().any(|command| command.name == "D") {
        return Err(Fault::new(format!("\"{text}\" dials"), hint));
    }
    if !commands(text).iter().any(|command| command.name == "A") {
        return Err(Fault::new(format!("\"{text}\" does not answer"), hint));
    }
    Ok(text.to_owned())
}

/// Reports whatever must not be in an init command; returns the place that makes dialling blind.
fn init(
    source: &Arc<Source>,
    lines: &[Placed<String>],
    dtr_hangup: bool,
    faults: &mut Vec<Diagnostic>,
) -> Option<Range<usize>> {
    let mut blind = None;
    for Placed { value: line, at } in lines {
        let whole = at.clone().unwrap_or_default();
        if let Err(fault) = command_line(line) {
            faults.push(
                Diagnostic::error(source, whole, format!("init: {}", fault.message))
                    .hint(fault.hint),
            );
            continue;
        }
        for command in commands(line) {
            let span = inside_string(source, &whole, line, command.span.clone());
            if dials_blindly(command.name, command.value) {
                blind = Some(span.clone());
            } else if command.name == "X" {
                blind = None;
            }
            if let Some((message, hint)) = danger(&command, dtr_hangup) {
                faults.push(Diagnostic::error(source, span, format!("init: {message}")).hint(hint));
            }
        }
    }
    blind
}

/// A text with its control characters made visible.
fn visible(text: &str) -> String {
    text.escape_debug().to_string()
}
