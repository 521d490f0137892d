//! mgetty's login.config, versions 1 and 2: which program is started for which name.
//!
//! ```text
//! !version 2
//! # name     callback?  user  utmp  program
//! cback      N          -     -     /usr/sbin/callback -S
//! /AutoPPP/  -          -     ppp   /usr/sbin/pppd auth
//! *          -          -     -     /bin/login @
//! ```
//!
//! The format is that of mgetty 1.2.1, with its comments, its `\` at the end of a continued line and its
//! first match. Four things are stricter here, because mgetty's leniency opens doors:
//!
//! - A file that others may write, a file that is missing and a line that makes no sense are errors.
//!   mgetty ignores them, and then everybody gets `/bin/login`.
//! - In version 2's column, only `Y`, `N` and `-` count. mgetty takes a `y` for "both".
//! - A callback entry that takes every name on every call would call back for ever.
//! - More than nine arguments are allowed (to [`MAX_WORDS`](super::login_entry::MAX_WORDS)); mgetty drops the tenth in silence.
//!
//! This file does not know which users, programs and lines exist, nor what an entry's callback may dial.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::load::FileText;
use super::login_entry::{self, EntryDraft, Version};
use super::{NamePattern, When};
use crate::diagnostic::{Diagnostic, Source};

#[cfg(test)]
mod tests;

/// The most entries: each is compared with all before it to find those that are never reached.
pub const MAX_ENTRIES: usize = 10_000;

/// The file, as far as it makes sense.
pub(super) struct LoginConfig {
    pub(super) source: Arc<Source>,
    pub(super) entries: Vec<EntryDraft>,
    /// Whether every entry could be read; if not, nothing is said of what is missing.
    pub(super) all_entries: bool,
}

/// Reports a file that somebody else could write or read. What it starts, it starts as root; and the
/// numbers in it are nobody's business.
pub(super) fn check_owner(
    source: &Arc<Source>,
    file: &FileText,
    uid: u32,
    faults: &mut Vec<Diagnostic>,
) {
    if file.uid != 0 && file.uid != uid {
        faults.push(
            Diagnostic::of_file(
                source,
                format!("belongs to the user with id {}, not to root", file.uid),
            )
            .hint(format!("chown root {}", source.name())),
        );
    }
    if file.mode & 0o077 != 0 {
        let mode = file.mode & 0o7777;
        faults.push(
            Diagnostic::of_file(source, format!("mode {mode:04o} opens it to group or others"))
                .hint(format!("chmod 600 {}", source.name())),
        );
    }
}

/// A word of the file.
#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    pub(super) text: &'t str,
    pub(super) at: Range<usize>,
}

/// The entries of a text; whatever makes no sense is reported and left out.
pub(super) fn parse(source: &Arc<Source>, faults: &mut Vec<Diagnostic>) -> LoginConfig {
    let mut version = Version::One;
    let mut version_may_come = true;
    let mut entries: Vec<EntryDraft> = Vec::new();
    let mut broken = false;
    for (line_number, tokens) in lines(source.text()) {
        let Some(first) = tokens.first() else { continue };
        if first.text.starts_with('!') {
            match version_line(source, &tokens, version_may_come) {
                Ok(named) => version = named,
                Err(fault) => {
                    faults.push(fault);
                    // Without the version, the columns of every entry would be guesswork.
                    let source = Arc::clone(source);
                    return LoginConfig { source, entries, all_entries: false };
                }
            }
            version_may_come = false;
            continue;
        }
        version_may_come = false;
        if entries.len() == MAX_ENTRIES {
            let message = format!("more than {MAX_ENTRIES} entries");
            let fault = Diagnostic::error(source, first.at.clone(), message);
            faults.push(fault.hint("let one entry with a * take many names"));
            break;
        }
        match login_entry::read(source, line_number, version, &tokens, faults) {
            Some(entry) => entries.push(entry),
            None => broken = true,
        }
    }
    if entries.is_empty() && !broken {
        faults.push(
            Diagnostic::of_file(source, "no entry: nobody could log in")
                .hint("write an entry, like: * - - /bin/login @"),
        );
    }
    unreachable_entries(source, &entries, faults);
    LoginConfig { source: Arc::clone(source), entries, all_entries: !broken }
}

/// The lines that are not comments, cut into words; a `\` at the end continues a line.
fn lines(text: &str) -> impl Iterator<Item = (u32, Vec<Token<'_>>)> {
    let mut rest = text.split_inclusive('\n').scan((0_usize, 0_u32), |(offset, number), line| {
        let start = *offset;
        *offset += line.len();
        *number += 1;
        Some((start, *number, line.strip_suffix('\n').unwrap_or(line)))
    });
    std::iter::from_fn(move || {
        let mut tokens = Vec::new();
        let mut first_number = None;
        loop {
            let Some((start, number, line)) = rest.next() else {
                return first_number.map(|number| (number, tokens));
            };
            let line = line.strip_suffix('\r').unwrap_or(line);
            if first_number.is_none() && line.trim_start().starts_with('#') {
                continue;
            }
            let first = *first_number.get_or_insert(number);
            let (line, continued) = match line.strip_suffix('\\') {
                Some(line) => (line, true),
                None => (line, false),
            };
            tokens.extend(words(line, start));
            if !continued {
                return Some((first, tokens));
            }
        }
    })
}

/// The words of a line that begins at `start`.
fn words(line: &str, start: usize) -> impl Iterator<Item = Token<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = line.get(at..)?;
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let rest = rest.get(blank..)?;
        let length = rest.find([' ', '\t']).unwrap_or(rest.len());
        let text = rest.get(..length).filter(|text| !text.is_empty())?;
        let from = start + at + blank;
        at += blank + length;
        Some(Token { text, at: from..from + length })
    })
}

fn version_line(
    source: &Arc<Source>,
    tokens: &[Token<'_>],
    may_come: bool,
) -> Result<Version, Diagnostic> {
    let (first, last) = match tokens {
        [only] => (only, only),
        [first, .., last] => (first, last),
        [] => return Ok(Version::One),
    };
    let fault = |message: String| Diagnostic::error(source, first.at.start..last.at.end, message);
    let words: Vec<&str> = tokens.iter().map(|token| token.text).collect();
    match words.as_slice() {
        ["!version", _] if !may_come => Err(fault("the version stands behind entries".to_owned())
            .hint("put it before all of them, once")),
        ["!version", "1"] => Ok(Version::One),
        ["!version", "2"] => Ok(Version::Two),
        ["!version", other] => Err(fault(format!("version \"{other}\" is not known"))
            .hint("write !version 1 or !version 2")),
        _ => Err(fault(format!("\"{}\" is not understood", words.join(" ")))
            .hint("a line with ! at its beginning can only be !version 1 or !version 2")),
    }
}

impl NamePattern {
    /// Whether it takes a name.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        match self {
            Self::Exact(text) => name == text,
            Self::Prefix(text) => name.starts_with(text.as_str()),
            Self::Suffix(text) => name.ends_with(text.as_str()),
            Self::Contains(text) => name.contains(text.as_str()),
            Self::Any => true,
        }
    }

    /// Whether it takes every name that `other` takes.
    fn covers(&self, other: &Self) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(_) => self == other,
            Self::Prefix(text) => match other {
                Self::Exact(name) | Self::Prefix(name) => name.starts_with(text.as_str()),
                Self::Suffix(_) | Self::Contains(_) | Self::Any => false,
            },
            Self::Suffix(text) => match other {
                Self::Exact(name) | Self::Suffix(name) => name.ends_with(text.as_str()),
                Self::Prefix(_) | Self::Contains(_) | Self::Any => false,
            },
            Self::Contains(text) => match other {
                Self::Exact(name)
                | Self::Prefix(name)
                | Self::Suffix(name)
                | Self::Contains(name) => name.contains(text.as_str()),
                Self::Any => false,
            },
        }
    }
}

impl When {
    /// Whether an entry counts on return calls, or on calls that came in.
    #[must_use]
    pub fn counts(self, on_return: bool) -> bool {
        match self {
            Self::Always => true,
            Self::OnReturn => on_return,
            Self::OnRequest => !on_return,
        }
    }
}

/// Warns of entries all of whose names are taken by entries before them.
fn unreachable_entries(source: &Arc<Source>, entries: &[EntryDraft], faults: &mut Vec<Diagnostic>) {
    // An exact name covers nothing but itself, so that only patterns must be gone through.
    let mut exact: BTreeMap<&str, Vec<&EntryDraft>> = BTreeMap::new();
    let mut wild: Vec<&EntryDraft> = Vec::new();
    for draft in entries {
        let pattern = &draft.entry.pattern;
        let same_name = match pattern {
            NamePattern::Exact(name) => exact.get(name.as_str()).map_or(&[][..], Vec::as_slice),
            NamePattern::Prefix(_)
            | NamePattern::Suffix(_)
            | NamePattern::Contains(_)
            | NamePattern::Any => &[],
        };
        let legs = [false, true].into_iter().filter(|&leg| draft.entry.when.counts(leg));
        let takers: Option<Vec<&EntryDraft>> = legs
            .map(|leg| {
                let takes = |other: &&&EntryDraft| {
                    other.entry.when.counts(leg) && other.entry.pattern.covers(pattern)
                };
                same_name.iter().chain(&wild).find(takes).copied()
            })
            .collect();
        if let Some(by) = takers.as_ref().and_then(|takers| takers.first()) {
            let message = format!("never reached: line {} takes these names", by.entry.line_number);
            faults.push(
                Diagnostic::warning(source, draft.pattern_at.clone(), message)
                    .hint("the first entry that matches counts: put this one before it"),
            );
        }
        match pattern {
            NamePattern::Exact(name) => exact.entry(name).or_default().push(draft),
            NamePattern::Prefix(_)
            | NamePattern::Suffix(_)
            | NamePattern::Contains(_)
            | NamePattern::Any => wild.push(draft),
        }
    }
}
