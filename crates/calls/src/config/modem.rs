//! `modem = { ... }` of a line and the profiles `[modem.name]`: keys over a profile, and what must not be
//! in an init command.
//!
//! A modem command line is looked at closely enough to know its commands one by one
//! ([`commands`]); which of them a given modem understands is not known here.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use proto::at::profile::{HangUpManner, PROFILES, Profile};
use proto::dial::{DialFault, DialPrefix, Dialling};
use toml::Spanned;
use toml::de::DeValue;

use super::Modem;
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
        answer: profile.answer.to_owned(),
        dial_prefix: DialPrefix::parse(profile.dial_prefix)?,
        international_prefix: profile.international_prefix.map(str::to_owned),
        dtr_hangup: match profile.hang_up {
            HangUpManner::Dtr | HangUpManner::DtrThenEscape => true,
            HangUpManner::Escape => false,
        },
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
    let mut draft_blind = blind;
    let dtr_hangup_at = dtr_hangup.as_ref().and_then(|flag| flag.at.clone()).or(dtr_hangup_at);
    if let Some(flag) = dtr_hangup {
        modem.dtr_hangup = flag.value;
    }
    if let Some(answer) = answer {
        modem.answer = answer.value;
    }
    if let Some(prefix) = international_prefix {
        modem.international_prefix = Some(prefix.value);
    }
    if let Some(lines) = table.list_if(&keys::INIT, faults, |line| Ok(line.to_owned())) {
        draft_blind = init(table.source, &lines, modem.dtr_hangup, faults);
        if lines.is_empty() {
            let span = table.get(keys::INIT.name).map_or(table.span.clone(), Spanned::span);
            faults.push(
                Diagnostic::error(
                    table.source,
                    span,
                    "init is empty: the modem would stay as the last user left it",
                )
                .hint("write init = [\"ATZ\"], or leave the key out"),
            );
        }
        modem.init = lines.into_iter().map(|line| line.value).collect();
    }
    if let Some(Placed { value: true, at }) = table.flag_if(&keys::CALLER_ID, faults) {
        match modem.profile.caller_id {
            Some(command) => modem.init.push(command.to_owned()),
            None => faults.push(
                Diagnostic::error(
                    table.source,
                    at.unwrap_or_default(),
                    format!("the profile \"{}\" has no command for it", modem.profile.name),
                )
                .hint(
                    "name the modem's profile, or write the command into init, like \"AT+VCID=1\"",
                ),
            ),
        }
    }
    if let Some(Placed { value, at }) = dial_prefix {
        if commands(value.as_str()).iter().any(|command| dials_blindly(command.name, command.value))
        {
            draft_blind = at;
        }
        modem.dial_prefix = value;
    }
    Draft { modem, dtr_hangup_at, blind: draft_blind }
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

/// The longest command line: modems of the time have buffers of 40 to 80 characters.
const MAX_COMMAND_LINE: usize = 80;

/// Whether a text can be sent as one command line.
fn command_line(text: &str) -> Result<(), Fault> {
    if let Some(letter) = text.chars().find(|letter| !(' '..='~').contains(letter)) {
        return Err(Fault::new(
            format!("{} can't stand in an AT command", values::quoted_char(letter)),
            "write printable ASCII; the carriage return at the end is added",
        ));
    }
    if !starts_with_at(text) {
        return Err(Fault::new(
            format!("\"{text}\" is not an AT command"),
            "begin it with AT, like \"AT&F\"",
        ));
    }
    if text.len() > MAX_COMMAND_LINE {
        return Err(Fault::new(
            format!("an AT command of {} characters", text.len()),
            "modems take 40 to 80: write several commands",
        ));
    }
    Ok(())
}

fn starts_with_at(text: &str) -> bool {
    text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("AT"))
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

/// `X0`, `X1` and `X3` do not wait for dial tone (V.250 §6.3.1, extended result codes).
fn dials_blindly(name: &str, value: &str) -> bool {
    name == "X" && matches!(value, "" | "0" | "1" | "3")
}

/// Why a command must not be in an init command, and what to write instead.
fn danger(command: &Command<'_>, dtr_hangup: bool) -> Option<(&'static str, &'static str)> {
    // No number is 0 (V.250 §5.3.1), and so is `00`.
    let zero = command.value.bytes().all(|digit| digit == b'0');
    match command.name {
        "S0" if !zero => Some((
            "S0 lets the modem answer by itself, unasked and unscreened",
            "write S0=0; how often it shall ring is the line's rings",
        )),
        "&W" => Some((
            "&W stores the settings in the modem at every call and wears out its memory",
            "leave it out; init is sent before each use",
        )),
        "D" => Some(("D dials", "leave it out; numbers belong into login.config")),
        "A" => Some(("A answers", "leave it out")),
        "O" => Some(("O goes online", "leave it out")),
        "H" if command.value == "1" => Some(("H1 takes the line off-hook", "leave it out")),
        "Q" if !zero => Some(("Q1 silences the modem: no command would ever succeed", "write Q0")),
        "V" if zero => Some(("V0 makes result codes numbers, which are not read", "write V1")),
        "&C" if zero => Some((
            "&C0 keeps carrier detect up for ever: a lost call would go unnoticed",
            "write &C1",
        )),
        "&D" if zero && dtr_hangup => Some((
            "&D0 makes the modem ignore DTR, by which calls are hung up",
            "write &D2, or set dtr_hangup = false",
        )),
        _ => None,
    }
}

/// One command of a command line.
#[derive(Debug, PartialEq, Eq)]
struct Command<'t> {
    /// In capitals: `X`, `&D`, `S0`, `+FCLASS`.
    name: &'t str,
    /// What follows: `4`, `2`, `0`.
    value: &'t str,
    /// Where both stand in the line.
    span: Range<usize>,
}

/// The commands of a line, as V.250 §5.2 divides it: basic ones are a letter, or a sign and a letter, and
/// a number; `S` has its register's number and `=`; extended ones (`+`, `#`, `*`, `%`... with a word) go on
/// to `;` or the end; `D` takes all the rest.
fn commands(line: &str) -> Vec<Command<'_>> {
    let bytes = line.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let run = |from: usize, takes: fn(&u8) -> bool| {
        from + bytes.get(from..).unwrap_or_default().iter().take_while(|byte| takes(byte)).count()
    };
    let mut found = Vec::new();
    let mut at = 2;
    while at < bytes.len() {
        let start = at;
        let letter = byte(at).to_ascii_uppercase();
        let (name_end, value, end) = match letter {
            b' ' | b';' => {
                at += 1;
                continue;
            }
            b'D' => (start + 1, start + 1..bytes.len(), bytes.len()),
            b'S' => {
                let name_end = run(start + 1, u8::is_ascii_digit);
                let value = if byte(name_end) == b'=' { name_end + 1 } else { name_end };
                let end = run(value, u8::is_ascii_digit);
                (name_end, value..end, end.max(value))
            }
            b'+' | b'#' => {
                let end = run(start, |byte| *byte != b';');
                let name_end = run(start, |byte| !matches!(byte, b'=' | b'?' | b';'));
                (name_end, name_end..end, end)
            }
            b'&' | b'\\' | b'%' | b'-' | b'*' => {
                let end = run(start + 2, u8::is_ascii_digit);
                (start + 2, start + 2..end, end)
            }
            _ => {
                let end = run(start + 1, u8::is_ascii_digit);
                (start + 1, start + 1..end, end)
            }
        };
        if let (Some(name), Some(value)) = (line.get(start..name_end), line.get(value)) {
            found.push(Command { name: canonical(name), value: value.trim(), span: start..end });
        }
        at = end.max(start + 1);
    }
    found
}

/// The names that [`danger`] looks for, in capitals however they were written.
fn canonical(name: &str) -> &str {
    const NAMES: [&str; 11] = ["&W", "D", "A", "O", "H", "Q", "V", "X", "&C", "&D", "Z"];
    let register = name.strip_prefix(['S', 's']).filter(|register| !register.is_empty());
    if register.is_some_and(|register| register.bytes().all(|digit| digit == b'0')) {
        return "S0";
    }
    NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name)).unwrap_or(name)
}

/// A text with its control characters made visible.
fn visible(text: &str) -> String {
    text.escape_debug().to_string()
}

/// The init commands in what mgetty's `-m` takes: one command, or a chat script (`"" ATZ OK AT&F OK`),
/// whose sent texts they are.
///
/// # Errors
/// A text that is not an AT command or must not be one of them, or an expectation other than nothing or
/// `OK`: then it is a script whose meaning would get lost.
pub fn init_commands(text: &str) -> Result<Vec<String>, String> {
    chat_commands(text).map_err(|Fault { message, hint }| format!("{message}: {hint}"))
}

/// As [`init_commands`], with the cure apart.
pub(super) fn chat_commands(text: &str) -> Result<Vec<String>, Fault> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let first = words.first().ok_or_else(|| Fault::new("no command", "write one, like ATZ"))?;
    if starts_with_at(first) {
        let sent = words.iter().filter(|word| !word.eq_ignore_ascii_case("OK"));
        return sent.map(|word| one_command(word)).collect();
    }
    let mut init = Vec::new();
    for pair in words.chunks(2) {
        let [expect, send] = pair else { continue };
        if !matches!(*expect, "\"\"" | "''" | "OK") {
            return Err(Fault::new(
                format!("\"{expect}\" is waited for"),
                "only OK can be waited for after a command",
            ));
        }
        init.push(one_command(send.trim_start_matches("\\d"))?);
    }
    Ok(init)
}

fn one_command(word: &str) -> Result<String, Fault> {
    command_line(word)?;
    match commands(word).iter().find_map(|command| danger(command, false)) {
        Some((message, hint)) => Err(Fault::new(message, hint)),
        None => Ok(word.to_owned()),
    }
}
