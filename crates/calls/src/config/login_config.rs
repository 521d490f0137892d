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
//! - More than nine arguments are allowed (to [`MAX_WORDS`]); mgetty drops the tenth in silence.
//!
//! This file does not know which users, programs and lines exist, nor what an entry's callback may dial.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::callback_entry;
use super::load::FileText;
use super::{Action, LoginEntry, NamePattern, When, Word};
use crate::diagnostic::{Diagnostic, Source};

#[cfg(test)]
mod tests;

/// The most words of an entry. mgetty takes 9 arguments; pppd is given more.
pub const MAX_WORDS: usize = 64;

/// The most entries: each is compared with all before it to find those that are never reached.
pub const MAX_ENTRIES: usize = 10_000;

/// The file, as far as it makes sense.
pub(super) struct LoginConfig {
    pub(super) source: Arc<Source>,
    pub(super) entries: Vec<EntryDraft>,
}

/// An entry and where its parts stand.
pub(super) struct EntryDraft {
    pub(super) entry: LoginEntry,
    pub(super) pattern_at: Range<usize>,
    pub(super) user_at: Range<usize>,
    pub(super) program_at: Range<usize>,
    /// `-S` or `-l`.
    pub(super) line_at: Option<Range<usize>>,
    /// Each fixed number.
    pub(super) numbers_at: Vec<Range<usize>>,
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
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
                    return LoginConfig { source: Arc::clone(source), entries: Vec::new() };
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
        match entry(source, line_number, version, &tokens, faults) {
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
    LoginConfig { source: Arc::clone(source), entries }
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

fn entry(
    source: &Arc<Source>,
    line_number: u32,
    version: Version,
    tokens: &[Token<'_>],
    faults: &mut Vec<Diagnostic>,
) -> Option<EntryDraft> {
    let mut fail = |span: Range<usize>, message: String, hint: &str| {
        faults.push(Diagnostic::error(source, span, message).hint(hint));
        None
    };
    let columns = match version {
        Version::One => "name, user, utmp entry, program",
        Version::Two => "name, Y or N or -, user, utmp entry, program",
    };
    if let Some(token) =
        tokens.iter().find(|token| !token.text.bytes().all(|b| b.is_ascii_graphic()))
    {
        return fail(
            token.at.clone(),
            format!("\"{}\" is not printable ASCII", token.text.escape_debug()),
            "neither a caller nor a modem can send it",
        );
    }
    if tokens.len() > MAX_WORDS {
        let span = tokens.get(MAX_WORDS).map(|token| token.at.clone()).unwrap_or_default();
        return fail(
            span,
            format!("an entry of more than {MAX_WORDS} words"),
            "put the arguments into a script and start that",
        );
    }
    let (name, flag, user, utmp, program, args) = match (version, tokens) {
        (Version::One, [name, user, utmp, program, args @ ..]) => {
            (name, None, user, utmp, program, args)
        }
        (Version::Two, [name, flag, user, utmp, program, args @ ..]) => {
            (name, Some(flag), user, utmp, program, args)
        }
        (_, [first, ..]) => {
            let end = tokens.last().map_or(first.at.end, |last| last.at.end);
            let missing = format!("an entry of {} words is too short", tokens.len());
            return fail(first.at.start..end, missing, &format!("its columns are: {columns}"));
        }
        (_, []) => return None,
    };
    let pattern = match pattern(name.text) {
        Ok(pattern) => pattern,
        Err((message, hint)) => return fail(name.at.clone(), message, hint),
    };
    let when = match flag.map(|flag| (flag, flag.text)) {
        None | Some((_, "-")) => When::Always,
        Some((_, "Y")) => When::OnReturn,
        Some((_, "N")) => When::OnRequest,
        Some((flag, other)) => {
            return fail(
                flag.at.clone(),
                format!("\"{other}\" is not Y, N or -"),
                "the second column of version 2 says on which calls the entry counts: Y after a callback, N before one, - on both",
            );
        }
    };
    let built_in = BuiltIn::of(program.text);
    if built_in.is_none() && !program.text.starts_with('/') {
        let hint = match (version, user.text) {
            (Version::One, "Y" | "N") => {
                "a column with Y or N needs the line !version 2 before all entries"
            }
            (Version::Two, _) if utmp.text.starts_with('/') => {
                "version 2 has one column more: Y, N or - after the name"
            }
            (Version::One | Version::Two, _) => "write it with its whole path, like /bin/login",
        };
        let message = format!("the program \"{}\" is not an absolute path", program.text);
        return fail(program.at.clone(), message, hint);
    }
    if program.text.ends_with('/') {
        let message = format!("\"{}\" is a directory", program.text);
        return fail(program.at.clone(), message, "name the program in it");
    }
    let user_name = match user.text {
        "-" => None,
        name if user_name(name) => Some(name.to_owned()),
        other => {
            return fail(
                user.at.clone(),
                format!("\"{other}\" is not a user name"),
                "write a name from /etc/passwd, or - for root",
            );
        }
    };
    let utmp_word = match utmp.text {
        "-" => None,
        long if long.len() > 32 => {
            return fail(
                utmp.at.clone(),
                format!("a utmp entry of {} characters", long.len()),
                "32 is the most that who(1) can show",
            );
        }
        text => Some(word(text)),
    };
    let (action, line_at, numbers_at) = match built_in {
        None => {
            questionable_program(source, program, user, utmp, args, faults);
            let args = args.iter().map(|token| word(token.text)).collect();
            (Action::Program { path: PathBuf::from(program.text), args }, None, Vec::new())
        }
        Some(BuiltIn::Ppp) => {
            if let Some(token) = args.first() {
                return fail(
                    token.at.clone(),
                    "dialback-ppp takes no arguments".to_owned(),
                    "leave them out",
                );
            }
            no_effect(source, user, utmp, "PPP", faults);
            (Action::Ppp, None, Vec::new())
        }
        Some(BuiltIn::Callback) => {
            no_effect(source, user, utmp, "a callback", faults);
            let draft = callback_entry::parse(source, args, faults)?;
            (draft.action, draft.line_at, draft.numbers_at)
        }
    };
    let calls_back = matches!(action, Action::Callback { .. });
    if calls_back && pattern == NamePattern::Any && when != When::OnRequest {
        let fault = Diagnostic::error(
            source,
            name.at.clone(),
            "callback entry matches every name (\"*\"): the caller would be called back forever",
        );
        faults.push(fault.hint("name the user, or let it count with N on calls that come in only"));
        return None;
    }
    if calls_back && when == When::OnReturn {
        let message = "a callback that counts after a callback would call back forever";
        let span = flag.map_or(name.at.clone(), |flag| flag.at.clone());
        faults.push(Diagnostic::error(source, span, message).hint("write N"));
        return None;
    }
    Some(EntryDraft {
        entry: LoginEntry { line_number, pattern, when, user: user_name, utmp: utmp_word, action },
        pattern_at: name.at.clone(),
        user_at: user.at.clone(),
        program_at: program.at.clone(),
        line_at,
        numbers_at,
    })
}

/// Programs in whose place we act ourselves, under whatever directory they are written.
enum BuiltIn {
    Callback,
    Ppp,
}

impl BuiltIn {
    fn of(program: &str) -> Option<Self> {
        match program.rsplit('/').next() {
            Some("callback") => Some(Self::Callback),
            Some("dialback-ppp") => Some(Self::Ppp),
            Some(_) | None => None,
        }
    }
}

fn pattern(text: &str) -> Result<NamePattern, (String, &'static str)> {
    let inner = text.strip_prefix('*').unwrap_or(text);
    let inner = inner.strip_suffix('*').unwrap_or(inner);
    if inner.contains('*') {
        return Err((
            format!("\"{text}\" has a * inside"),
            "a * can stand at the beginning, at the end, or at both",
        ));
    }
    if inner.is_empty() {
        return Ok(NamePattern::Any);
    }
    let inner = inner.to_owned();
    Ok(match (text.starts_with('*'), text.ends_with('*')) {
        (false, false) => NamePattern::Exact(inner),
        (false, true) => NamePattern::Prefix(inner),
        (true, false) => NamePattern::Suffix(inner),
        (true, true) => NamePattern::Contains(inner),
    })
}

fn user_name(text: &str) -> bool {
    text.len() <= 32
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.$".contains(&byte))
}

pub(super) fn word(text: &str) -> Word {
    match text {
        "@" => Word::Name,
        "\\I" => Word::Connect,
        "\\Y" => Word::CallerId,
        other => Word::Text(other.to_owned()),
    }
}

/// What mgetty's own documentation warns of.
fn questionable_program(
    source: &Arc<Source>,
    program: &Token<'_>,
    user: &Token<'_>,
    utmp: &Token<'_>,
    args: &[Token<'_>],
    faults: &mut Vec<Diagnostic>,
) {
    if program.text.ends_with("/login") {
        for (token, column) in [(user, "user"), (utmp, "utmp entry")] {
            if token.text != "-" {
                let message = format!("/bin/login fails with a {column} set here");
                faults.push(Diagnostic::warning(source, token.at.clone(), message).hint("write -"));
            }
        }
    }
    if let Some(token) = args.iter().find(|token| token.text == "#") {
        let message = "a comment can't follow an entry: these words are arguments";
        faults.push(
            Diagnostic::warning(source, token.at.clone(), message)
                .hint("put the comment on a line of its own"),
        );
    }
}

/// mgetty sets user and utmp entry before it starts the program that we are in place of.
fn no_effect(
    source: &Arc<Source>,
    user: &Token<'_>,
    utmp: &Token<'_>,
    what: &str,
    faults: &mut Vec<Diagnostic>,
) {
    for (token, column) in [(user, "user"), (utmp, "utmp entry")] {
        if token.text != "-" {
            let message = format!("the {column} of {what} has no effect: it is built in");
            faults.push(Diagnostic::warning(source, token.at.clone(), message).hint("write -"));
        }
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
