//! mgetty's dialin.config: which callers are answered, by their caller ID.
//!
//! Words are separated by blanks, tabs, commas and line ends; a line that begins with `#` is a comment.
//! The first word that matches decides: it matches when it is the beginning of the caller's number, `all`
//! always, and with `!` in front the call is not answered. At the end of the file everybody is. A caller
//! without a number counts as `none`; modems report `P` for a number withheld and `O` for one from out of
//! area.
//!
//! Caller ID is what the exchange says and a caller can forge: it keeps out the honest nuisance.

use std::sync::Arc;

use super::ScreeningWord;
use super::decode::Placed;
use crate::diagnostic::{Diagnostic, Source};

#[cfg(test)]
mod tests;

/// The longest word: a number has at most 15 digits (E.164 §6.1), private plans a few more.
const MAX_WORD: usize = 32;

/// The most words: each is compared with all before it to find those that are never reached.
pub const MAX_WORDS: usize = 4096;

/// What modems say in place of a number.
const REPORTS: [&str; 4] = ["none", "P", "O", "OUT_OF_AREA"];

/// What is done about a caller, and by which rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the call is answered.
    pub accept: bool,
    /// The word that decided: `dialin.config:3 !0900`, or `dialin.config: end of file`.
    pub rule: String,
}

/// What `words` say about a caller; `None` where no caller ID came.
#[must_use]
pub fn screen(words: &[ScreeningWord], caller: Option<&str>) -> Verdict {
    let caller = caller.filter(|caller| !caller.is_empty()).unwrap_or("none");
    let matching = words.iter().find(|word| word.takes(caller));
    match matching {
        Some(word) => {
            let sign = if word.reject { "!" } else { "" };
            Verdict {
                accept: !word.reject,
                rule: format!("dialin.config:{} {sign}{}", word.line_number, word.prefix),
            }
        }
        None => Verdict { accept: true, rule: "dialin.config: end of file".to_owned() },
    }
}

impl ScreeningWord {
    fn takes(&self, caller: &str) -> bool {
        self.prefix == "all" || caller.starts_with(self.prefix.as_str())
    }
}

/// The words of a text; whatever makes no sense is reported and left out.
pub(super) fn parse(
    source: &Arc<Source>,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Placed<ScreeningWord>> {
    let mut words: Vec<Placed<ScreeningWord>> = Vec::new();
    let mut start = 0;
    let mut broken = false;
    for (line_number, line) in (1_u32..).zip(source.text().split_inclusive('\n')) {
        let line_start = start;
        start += line.len();
        if line.trim_start_matches([' ', '\t']).starts_with('#') {
            continue;
        }
        let mut at = line_start;
        for text in line.split([' ', '\t', ',', '\r', '\n']) {
            let span = at..at + text.len();
            at = span.end + 1;
            if text.is_empty() {
                continue;
            }
            if words.len() == MAX_WORDS {
                let message = format!("more than {MAX_WORDS} words");
                let fault = Diagnostic::error(source, span, message);
                faults.push(fault.hint("write the common beginning of many numbers as one word"));
                return words;
            }
            let (reject, prefix) = match text.strip_prefix('!') {
                Some(prefix) => (true, prefix),
                None => (false, text),
            };
            if let Err((message, hint)) = check_word(prefix) {
                faults.push(Diagnostic::error(source, span, message).hint(hint));
                broken = true;
                continue;
            }
            if !is_number(prefix) && prefix != "all" && !REPORTS.contains(&prefix) {
                let message = format!("\"{prefix}\" matches only if the modem says this word");
                let fault = Diagnostic::warning(source, span.clone(), message);
                faults.push(fault.hint("known words are all, none, P, O and OUT_OF_AREA"));
            }
            let word = ScreeningWord { reject, prefix: prefix.to_owned(), line_number };
            if let Some(earlier) = words.iter().find(|earlier| earlier.value.covers(&word)) {
                let line = earlier.value.line_number;
                let message = format!("never reached: line {line} takes these callers");
                let fault = Diagnostic::warning(source, span.clone(), message);
                faults
                    .push(fault.hint("the first word that matches counts: put this one before it"));
            }
            words.push(Placed { value: word, at: Some(span) });
        }
    }
    no_effect(source, &words, broken, faults);
    words
}

impl ScreeningWord {
    /// Whether it takes every caller that `other` takes.
    fn covers(&self, other: &Self) -> bool {
        self.prefix == "all" || other.prefix != "all" && other.prefix.starts_with(&self.prefix)
    }
}

/// A file that only accepts accepts everybody, since everybody is accepted at its end.
fn no_effect(
    source: &Arc<Source>,
    words: &[Placed<ScreeningWord>],
    broken: bool,
    faults: &mut Vec<Diagnostic>,
) {
    if broken || words.iter().any(|word| word.value.reject) {
        return;
    }
    let fault =
        Diagnostic::warning_of_file(source, "no word rejects anybody: everybody is answered");
    faults.push(fault.hint("write !all at the end, if only the callers named here shall be"));
}

fn is_number(prefix: &str) -> bool {
    let digits = prefix.strip_prefix('+').unwrap_or(prefix);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn check_word(prefix: &str) -> Result<(), (String, &'static str)> {
    if prefix.is_empty() {
        return Err((
            "a ! without a word".to_owned(),
            "write a number's beginning behind it, or all",
        ));
    }
    if prefix.len() > MAX_WORD {
        let message = format!("a word of {} characters", prefix.chars().count());
        return Err((message, "no telephone number is as long"));
    }
    let plain = prefix.strip_prefix('+').unwrap_or(prefix);
    let word = plain.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if is_number(prefix) || word && !plain.is_empty() {
        return Ok(());
    }
    Err((
        format!("\"{}\" is not the beginning of a number", prefix.escape_debug()),
        "write digits alone, or one of all, none, P, O",
    ))
}
