//! A modem's command line, looked at closely enough to know its commands one by one, and which of them
//! must not be in a line's setup.
//!
//! Which commands a given modem understands is not known here.

use std::ops::Range;

use super::values::{self, Fault};

#[cfg(test)]
mod tests;

/// The longest command line: modems of the time have buffers of 40 to 80 characters.
const MAX_COMMAND_LINE: usize = 80;

/// Whether a text can be sent as one command line.
pub(super) fn command_line(text: &str) -> Result<(), Fault> {
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

/// `X0`, `X1` and `X3` do not wait for dial tone (V.250 §6.3.1, extended result codes).
pub(super) fn dials_blindly(name: &str, value: &str) -> bool {
    name == "X" && matches!(value, "" | "0" | "1" | "3")
}

/// Why a command must not be in an init command, and what to write instead.
pub(super) fn danger(
    command: &Command<'_>,
    dtr_hangup: bool,
) -> Option<(&'static str, &'static str)> {
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
pub(super) struct Command<'t> {
    /// In capitals: `X`, `&D`, `S0`, `+FCLASS`.
    pub(super) name: &'t str,
    /// What follows: `4`, `2`, `0`.
    pub(super) value: &'t str,
    /// Where both stand in the line.
    pub(super) span: Range<usize>,
}

/// The commands of a line, as V.250 §5.2 divides it: basic ones are a letter, or a sign and a letter, and
/// a number; `S` has its register's number and `=`; extended ones (`+`, `#`, `*`, `%`... with a word) go on
/// to `;` or the end; `D` takes all the rest.
pub(super) fn commands(line: &str) -> Vec<Command<'_>> {
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
