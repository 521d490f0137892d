//! One entry of login.config: its columns, and what each may be.
//!
//! An entry is right or it is reported and left out; nothing is guessed. The file around it, and which
//! entries take names away from others, is [`super::login_config`]'s business.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::callback_entry;
use super::login_config::Token;
use super::{Action, LoginEntry, NamePattern, When, Word};
use crate::diagnostic::{Diagnostic, Source};

/// The most words of an entry. mgetty takes 9 arguments; pppd is given more.
pub const MAX_WORDS: usize = 64;

/// The version of the file decides which columns an entry has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// `name user utmp program args...`
    One,
    /// With a column for the callback behind the name.
    Two,
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

type Faults = Vec<Diagnostic>;

/// An entry's words, by column.
struct Columns<'t> {
    name: &'t Token<'t>,
    flag: Option<&'t Token<'t>>,
    user: &'t Token<'t>,
    utmp: &'t Token<'t>,
    program: &'t Token<'t>,
    args: &'t [Token<'t>],
}

/// What an entry does, and where its callback's parts stand.
type Acted = (Action, Option<Range<usize>>, Vec<Range<usize>>);

/// The entry in these words; `None` after a reported fault.
pub(super) fn read(
    source: &Arc<Source>,
    line_number: u32,
    version: Version,
    tokens: &[Token<'_>],
    faults: &mut Faults,
) -> Option<EntryDraft> {
    let read = || -> Result<_, Diagnostic> {
        let columns = columns(source, version, tokens)?;
        let pattern = pattern(source, columns.name)?;
        let when = when(source, columns.flag)?;
        check_program(source, version, &columns)?;
        let user = user(source, columns.user)?;
        let utmp = utmp(source, columns.utmp)?;
        Ok((columns, pattern, when, user, utmp))
    };
    let (columns, pattern, when, user, utmp) = match read() {
        Ok(read) => read,
        Err(fault) => {
            faults.push(fault);
            return None;
        }
    };
    let (action, line_at, numbers_at) = act(source, &columns, faults)?;
    if let Action::Callback { .. } = action
        && let Err(fault) = ends(source, &columns, &pattern, when)
    {
        faults.push(fault);
        return None;
    }
    Some(EntryDraft {
        entry: LoginEntry { line_number, pattern, when, user, utmp, action },
        pattern_at: columns.name.at.clone(),
        user_at: columns.user.at.clone(),
        program_at: columns.program.at.clone(),
        line_at,
        numbers_at,
    })
}

fn columns<'t>(
    source: &Arc<Source>,
    version: Version,
    tokens: &'t [Token<'t>],
) -> Result<Columns<'t>, Diagnostic> {
    let printable = |token: &&Token<'_>| !token.text.bytes().all(|byte| byte.is_ascii_graphic());
    if let Some(token) = tokens.iter().find(printable) {
        let message = format!("\"{}\" is not printable ASCII", token.text.escape_debug());
        return Err(Diagnostic::error(source, token.at.clone(), message)
            .hint("neither a caller nor a modem can send it"));
    }
    if let Some(token) = tokens.get(MAX_WORDS) {
        let message = format!("an entry of more than {MAX_WORDS} words");
        return Err(Diagnostic::error(source, token.at.clone(), message)
            .hint("put the arguments into a script and start that"));
    }
    match (version, tokens) {
        (Version::One, [name, user, utmp, program, args @ ..]) => {
            Ok(Columns { name, flag: None, user, utmp, program, args })
        }
        (Version::Two, [name, flag, user, utmp, program, args @ ..]) => {
            Ok(Columns { name, flag: Some(flag), user, utmp, program, args })
        }
        (Version::One | Version::Two, _) => {
            let start = tokens.first().map_or(0, |first| first.at.start);
            let end = tokens.last().map_or(start, |last| last.at.end);
            let message = format!("an entry of {} words is too short", tokens.len());
            Err(Diagnostic::error(source, start..end, message).hint(match version {
                Version::One => "its columns are: name, user, utmp entry, program",
                Version::Two => "its columns are: name, Y or N or -, user, utmp entry, program",
            }))
        }
    }
}

fn pattern(source: &Arc<Source>, token: &Token<'_>) -> Result<NamePattern, Diagnostic> {
    let text = token.text;
    let inner = text.strip_prefix('*').unwrap_or(text);
    let inner = inner.strip_suffix('*').unwrap_or(inner);
    if inner.contains('*') {
        let message = format!("\"{text}\" has a * inside");
        return Err(Diagnostic::error(source, token.at.clone(), message)
            .hint("a * can stand at the beginning, at the end, or at both"));
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

fn when(source: &Arc<Source>, flag: Option<&Token<'_>>) -> Result<When, Diagnostic> {
    let Some(flag) = flag else { return Ok(When::Always) };
    match flag.text {
        "-" => Ok(When::Always),
        "Y" => Ok(When::OnReturn),
        "N" => Ok(When::OnRequest),
        other => {
            let message = format!("\"{other}\" is not Y, N or -");
            Err(Diagnostic::error(source, flag.at.clone(), message).hint(
                "the second column of version 2 says on which calls the entry counts: \
                 Y after a callback, N before one, - on both",
            ))
        }
    }
}

fn check_program(
    source: &Arc<Source>,
    version: Version,
    columns: &Columns<'_>,
) -> Result<(), Diagnostic> {
    let Columns { user, utmp, program, .. } = columns;
    let fault = |message: String| Diagnostic::error(source, program.at.clone(), message);
    if BuiltIn::of(program.text).is_none() && !program.text.starts_with('/') {
        let message = format!("the program \"{}\" is not an absolute path", program.text);
        return Err(fault(message).hint(match (version, user.text) {
            (Version::One, "Y" | "N") => {
                "a column with Y or N needs the line !version 2 before all entries"
            }
            (Version::Two, _) if utmp.text.starts_with('/') => {
                "version 2 has one column more: Y, N or - after the name"
            }
            (Version::One | Version::Two, _) => "write it with its whole path, like /bin/login",
        }));
    }
    if program.text.ends_with('/') {
        let message = format!("\"{}\" is a directory", program.text);
        return Err(fault(message).hint("name the program in it"));
    }
    Ok(())
}

fn user(source: &Arc<Source>, token: &Token<'_>) -> Result<Option<String>, Diagnostic> {
    let name = token.text;
    let right = name.len() <= 32
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.$".contains(&byte));
    if name == "-" {
        return Ok(None);
    }
    if right {
        return Ok(Some(name.to_owned()));
    }
    let message = format!("\"{name}\" is not a user name");
    Err(Diagnostic::error(source, token.at.clone(), message)
        .hint("write a name from /etc/passwd, or - for root"))
}

/// The longest user name that utmp(5) holds.
const MAX_UTMP: usize = 32;

fn utmp(source: &Arc<Source>, token: &Token<'_>) -> Result<Option<Word>, Diagnostic> {
    if token.text == "-" {
        return Ok(None);
    }
    if token.text.len() > MAX_UTMP {
        let message = format!("a utmp entry of {} characters", token.text.len());
        return Err(Diagnostic::error(source, token.at.clone(), message)
            .hint("32 is the most that who(1) can show"));
    }
    Ok(Some(word(token.text)))
}

/// What the entry does: start a program, or one of ours in its place.
fn act(source: &Arc<Source>, columns: &Columns<'_>, faults: &mut Faults) -> Option<Acted> {
    let Columns { user, utmp, program, args, .. } = columns;
    match BuiltIn::of(program.text) {
        None => {
            questionable_program(source, program, user, utmp, args, faults);
            let args = args.iter().map(|token| word(token.text)).collect();
            Some((Action::Program { path: PathBuf::from(program.text), args }, None, Vec::new()))
        }
        Some(BuiltIn::Ppp) => {
            if let Some(token) = args.first() {
                let message = "dialback-ppp takes no arguments";
                let fault = Diagnostic::error(source, token.at.clone(), message);
                faults.push(fault.hint("leave them out"));
                return None;
            }
            no_effect(source, user, utmp, "PPP", faults);
            Some((Action::Ppp, None, Vec::new()))
        }
        Some(BuiltIn::Callback) => {
            no_effect(source, user, utmp, "a callback", faults);
            let draft = callback_entry::parse(source, args, faults)?;
            Some((draft.action, draft.line_at, draft.numbers_at))
        }
    }
}

/// Whether calling back comes to an end: not if the return call asks for a callback again.
fn ends(
    source: &Arc<Source>,
    columns: &Columns<'_>,
    pattern: &NamePattern,
    when: When,
) -> Result<(), Diagnostic> {
    if *pattern == NamePattern::Any && when != When::OnRequest {
        return Err(Diagnostic::error(
            source,
            columns.name.at.clone(),
            "callback entry matches every name (\"*\"): the caller would be called back forever",
        )
        .hint("name the user, or let it count with N on calls that come in only"));
    }
    if when == When::OnReturn {
        let token = columns.flag.unwrap_or(columns.name);
        let message = "a callback that counts after a callback would call back forever";
        return Err(Diagnostic::error(source, token.at.clone(), message).hint("write N"));
    }
    Ok(())
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

fn word(text: &str) -> Word {
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
