//! What must go together: lines with each other, callbacks with the lines that shall make them, time
//! limits, numbers, screening. Each value by itself is right already when it comes here.
//!
//! A value that was not written has no place to point at; a check speaks only of what was written.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::decode::Placed;
use super::dialin_config;
use super::lines::LineDraft;
use super::load::{Mention, Mentioned};
use super::login_config::LoginConfig;
use super::login_entry::EntryDraft;
use super::sections::Draft;
use super::values::{self, duration_text};
use super::{
    Action, LoginEntry, NamePattern, NumberPatterns, PortSpec, ReturnLine, SameLine, ScreeningWord,
    check_callbacks, network, ppp, site, users,
};
use crate::diagnostic::{Diagnostic, Source};

type Faults = Vec<Diagnostic>;

/// Checks everything, resolves the lines that entries name, and tells what else is named.
pub(super) fn all(
    draft: &mut Draft,
    login: Option<LoginConfig>,
    screening: Option<&[Placed<ScreeningWord>]>,
    faults: &mut Faults,
    mentions: &mut Vec<Mention>,
) -> Vec<LoginEntry> {
    names(draft, faults);
    ports(draft, faults, mentions);
    times(draft, faults);
    patterns(draft, faults);
    prompt(draft, faults);
    if let Some(screening) = screening {
        caller_ids(draft, screening, faults);
    }
    users::check(draft, faults);
    network::check(draft, faults);
    site::check(draft, faults);
    let Some(mut login) = login else { return Vec::new() };
    ppp::check_entries(draft, &login, faults);
    for entry in &login.entries {
        mention(&login.source, entry, mentions);
        capitals(draft, &login.source, entry, faults);
    }
    if draft.all_lines {
        let configured = return_line(draft, faults);
        for entry in &mut login.entries {
            check_callbacks::resolve_lines(draft, &login.source, entry, faults);
        }
        check_callbacks::all(draft, &login, configured, faults);
    }
    login.entries.into_iter().map(|entry| entry.entry).collect()
}

/// Names of lines and groups are one name space, since `callback.line` and `-l` take either.
fn names(draft: &Draft, faults: &mut Faults) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &draft.lines {
        let name = line.line.name.as_str();
        if let Some(first) = seen.insert(name, line.name_at.start) {
            let at = draft.source.position(first).line;
            faults.push(
                Diagnostic::error(
                    &draft.source,
                    line.name_at.clone(),
                    format!("a second line \"{name}\": the first is on line {at}"),
                )
                .hint("give each line its own name"),
            );
        }
        if reserved(name) {
            let message = format!("a line can't have the name \"{name}\"");
            let fault = Diagnostic::error(&draft.source, line.name_at.clone(), message);
            faults.push(fault.hint("callback.line gives this word a meaning: choose another"));
        }
    }
    for line in &draft.lines {
        for group in &line.groups {
            let span = group.at.clone().unwrap_or_default();
            let name = group.value.as_str();
            let (message, hint) = if reserved(name) {
                (
                    format!("a group can't have the name \"{name}\""),
                    "callback.line gives this word a meaning: choose another",
                )
            } else if seen.contains_key(name) {
                (format!("\"{name}\" is the name of a line"), "give the group another name")
            } else {
                continue;
            };
            faults.push(Diagnostic::error(&draft.source, span, message).hint(hint));
        }
    }
}

fn reserved(name: &str) -> bool {
    matches!(name, "same" | "other")
}

fn ports(draft: &Draft, faults: &mut Faults, mentions: &mut Vec<Mention>) {
    let mut seen: BTreeMap<&PortSpec, &str> = BTreeMap::new();
    for line in &draft.lines {
        let port = &line.line.port;
        if let Some(first) = seen.insert(port, &line.line.name) {
            faults.push(
                Diagnostic::error(
                    &draft.source,
                    line.port_at.clone(),
                    format!("line \"{first}\" has this port already"),
                )
                .hint("each line needs a port of its own"),
            );
        }
        match (port, &line.dtr_hangup_at) {
            (PortSpec::Tty(path), _) => mentions.push(Mention::new(
                Mentioned::Port(path.clone()),
                &draft.source,
                line.port_at.clone(),
            )),
            (PortSpec::Tcp { .. }, Some(at)) if line.line.modem.dtr_hangup => faults.push(
                Diagnostic::error(&draft.source, at.clone(), "bare TCP carries no DTR to drop")
                    .hint("set dtr_hangup = false, or use rfc2217:// if the terminal server speaks it"),
            ),
            (PortSpec::Tcp { .. } | PortSpec::Rfc2217 { .. } | PortSpec::Sim(_), _) => {}
        }
        if line.rings_at.is_some() && !line.answers() {
            let span = line.rings_at.clone().unwrap_or_default();
            faults.push(
                Diagnostic::warning(
                    &draft.source,
                    span,
                    "rings has no effect: the line only originates",
                )
                .hint("leave it out, or set direction = \"both\""),
            );
        }
    }
}

fn times(draft: &Draft, faults: &mut Faults) {
    let callback = &draft.callback;
    let places = &draft.places;
    let span = |places: [&Option<Range<usize>>; 2]| places.into_iter().find_map(Clone::clone);
    let longest_wait = callback.delay.saturating_add(callback.jitter);
    if longest_wait >= callback.max_time
        && let Some(at) = span([&places.max_time, &places.delay]).or(places.jitter.clone())
    {
        let message = format!(
            "a promise can expire before its first try: delay and jitter are up to {}, max_time {}",
            duration_text(longest_wait),
            duration_text(callback.max_time)
        );
        faults.push(Diagnostic::error(&draft.source, at, message).hint("make max_time longer"));
    } else if callback.tries > 1
        && callback.retry >= callback.max_time
        && let Some(at) = span([&places.retry, &places.max_time])
    {
        let message = format!(
            "retry = {} leaves no second try within max_time = {}",
            duration_text(callback.retry),
            duration_text(callback.max_time)
        );
        faults.push(
            Diagnostic::error(&draft.source, at, message)
                .hint("make retry shorter, or write tries = 1"),
        );
    }
    if callback.per_user > callback.in_all
        && let Some(at) = &places.per_user
    {
        let message = format!("per_user is more than in_all = {}", callback.in_all);
        faults.push(
            Diagnostic::warning(&draft.source, at.clone(), message)
                .hint("one user could take all promises: make it smaller"),
        );
    }
    // Of lines that nobody has measured one is an example.
    let mut unknown = false;
    for line in draft.lines.iter().filter(|line| line.originates()) {
        let wait = line.line.hold_time.saturating_add(line.line.hold_jitter);
        if wait < callback.max_time {
            continue;
        }
        let (wait, lives) = (duration_text(wait), duration_text(callback.max_time));
        let name = &line.line.name;
        let fault = match (&line.hold_time_at, &places.max_time) {
            (Some(at), _) => {
                let message = format!(
                    "hold_time and jitter are up to {wait}, which is longer than a promise lives (max_time = {lives})"
                );
                Diagnostic::error(&draft.source, at.clone(), message).hint("make max_time longer")
            }
            // It may be measured yet; and it is waited for where the caller's own line calls back.
            (None, Some(at))
                if line.answers() && callback.same_line == SameLine::Wait && !unknown =>
            {
                unknown = true;
                let message = format!(
                    "where line \"{name}\" calls its own caller back a promise expires before its first try: how long its exchange holds it is not known, and up to {wait} are waited"
                );
                Diagnostic::warning(&draft.source, at.clone(), message)
                    .hint(format!("measure it (dialback qualify {name}), write its hold_time, or make max_time longer"))
            }
            (None, _) => continue,
        };
        faults.push(fault);
    }
}

fn patterns(draft: &Draft, faults: &mut Faults) {
    let NumberPatterns { allow, deny } = &draft.callback.caller_numbers;
    for pattern in &draft.places.allow {
        let at = pattern.at.clone().unwrap_or_default();
        let denied = deny.iter().find(|deny| match deny.strip_suffix('*') {
            Some(prefix) => pattern.value.starts_with(prefix),
            None => **deny == pattern.value,
        });
        if let Some(denied) = denied {
            let message = format!("\"{}\" allows nothing: deny = \"{denied}\" wins", pattern.value);
            faults.push(
                Diagnostic::error(&draft.source, at.clone(), message)
                    .hint("take one of the two out"),
            );
        }
        if let Some(line) = own_line(draft, &pattern.value) {
            let message = format!("\"{}\" is the number of line \"{line}\"", pattern.value);
            faults.push(
                Diagnostic::error(&draft.source, at.clone(), message)
                    .hint("take it out: the server does not call itself"),
            );
        }
        let everything = ["*", "+*", "0*", "00*"].contains(&pattern.value.as_str());
        if everything && !deny.iter().any(|deny| deny.ends_with('*')) {
            faults.push(
                Diagnostic::warning(
                    &draft.source,
                    at,
                    "a caller may have any number dialled, at your cost",
                )
                .hint("write deny = [\"900*\"] with the prefixes of expensive numbers"),
            );
        }
    }
    for pattern in &draft.places.deny {
        let useful = pattern.value == "*"
            || allow.iter().any(|allow| {
                let plain = |text: &str| text.strip_suffix('*').unwrap_or(text).to_owned();
                let (allow, deny) = (plain(allow), plain(&pattern.value));
                allow.starts_with(&deny) || deny.starts_with(&allow)
            });
        if !useful && !allow.is_empty() {
            let at = pattern.at.clone().unwrap_or_default();
            let message = format!("\"{}\" denies nothing that allow allows", pattern.value);
            faults.push(Diagnostic::warning(&draft.source, at, message).hint("leave it out"));
        }
    }
}

/// The line whose own number this is.
pub(super) fn own_line<'d>(draft: &'d Draft, number: &str) -> Option<&'d str> {
    let is_own =
        |line: &&LineDraft| line.line.number.as_ref().is_some_and(|own| own.as_str() == number);
    draft.lines.iter().find(is_own).map(|line| line.line.name.as_str())
}

fn prompt(draft: &Draft, faults: &mut Faults) {
    if let Some(at) = &draft.places.prompt
        && !draft.login.prompt.to_ascii_lowercase().contains("ogin:")
    {
        faults.push(
            Diagnostic::warning(&draft.source, at.clone(), "scripts of callers wait for \"ogin:\"")
                .hint("let the prompt end in \"login: \""),
        );
    }
}

/// Without a command that makes the modem tell who calls, every caller is `none`. Who screens callers waits
/// for the second RING, whatever `rings` says: the number comes before it.
fn caller_ids(draft: &Draft, screening: &[Placed<ScreeningWord>], faults: &mut Faults) {
    let words: Vec<_> = screening.iter().map(|word| word.value.clone()).collect();
    if !words.iter().any(|word| word.reject) {
        return;
    }
    let verdict = dialin_config::screen(&words, None);
    for line in draft.lines.iter().filter(|line| line.answers()) {
        let modem = &line.line.modem;
        let tells = |command: &String| {
            let command = command.to_ascii_uppercase();
            ["CID", "CLIP", "S40"].iter().any(|word| command.contains(word))
        };
        // Emulated modems behind a TCP port mostly have no caller ID to tell.
        let may_be_mute = matches!(line.line.port, PortSpec::Tcp { .. }) && verdict.accept;
        if may_be_mute || modem.init.iter().any(tells) {
            continue;
        }
        let name = &line.line.name;
        let mut message = format!("the modem of line \"{name}\" is not asked who calls");
        if !verdict.accept {
            message.push_str(&format!(": {} rejects everybody", verdict.rule));
        }
        faults.push(
            Diagnostic::warning(&draft.source, line.name_at.clone(), message)
                .hint("name its profile and write caller_id = true"),
        );
    }
}

/// Resolves `callback.line`; the place to complain about it.
fn return_line(draft: &Draft, faults: &mut Faults) -> Option<Range<usize>> {
    let at = draft.places.return_line.clone()?;
    match &draft.callback.line {
        ReturnLine::Same | ReturnLine::Other => {}
        ReturnLine::Group(name) => {
            if let Err((message, hint)) = group(draft, name) {
                let message = format!("line: {message}");
                faults.push(Diagnostic::error(&draft.source, at, message).hint(hint));
                return None;
            }
        }
        ReturnLine::Lines(names) => {
            let mut able = false;
            for name in names {
                match draft.lines.iter().find(|line| line.line.name == *name) {
                    Some(line) => able |= line.originates(),
                    None => {
                        let message = format!("line: there is no line \"{name}\"");
                        let hint = meant(draft, name, &[]);
                        faults.push(Diagnostic::error(&draft.source, at, message).hint(hint));
                        return None;
                    }
                }
            }
            if !able {
                let fault =
                    Diagnostic::error(&draft.source, at, "line: none of these may originate");
                faults.push(fault.hint("set direction = \"both\" in one of them"));
                return None;
            }
        }
    }
    Some(at)
}

/// Whether a group exists and can dial.
pub(super) fn group(draft: &Draft, name: &str) -> Result<(), (String, String)> {
    let mut members =
        draft.lines.iter().filter(|line| line.line.groups.iter().any(|group| group == name));
    let Some(first) = members.next() else {
        if draft.lines.iter().any(|line| line.line.name == name) {
            return Err((
                format!("\"{name}\" is a line, not a group"),
                format!("write [\"{name}\"]"),
            ));
        }
        return Err((
            format!("there is no group \"{name}\""),
            meant(draft, name, &["same", "other"]),
        ));
    };
    if first.originates() || members.any(LineDraft::originates) {
        return Ok(());
    }
    Err((
        format!("no line of group \"{name}\" may originate"),
        "set direction = \"both\" in one of them".to_owned(),
    ))
}

/// Which name was probably meant.
pub(super) fn meant(draft: &Draft, name: &str, words: &[&'static str]) -> String {
    let mut names: Vec<&str> = words.to_vec();
    for line in &draft.lines {
        names.push(&line.line.name);
        names.extend(line.line.groups.iter().map(String::as_str));
    }
    names.sort_unstable();
    names.dedup();
    match values::nearest(name, names.iter().copied()) {
        Some(meant) => format!("\"{meant}\" is the nearest that there is"),
        None => format!("there are: {}", names.join(", ")),
    }
}

/// Where names in capitals become lower case, an entry in capitals waits for ever. `/FIDO/` is no name that
/// anybody types.
fn capitals(draft: &Draft, source: &Arc<Source>, entry: &EntryDraft, faults: &mut Faults) {
    let NamePattern::Exact(name) = &entry.entry.pattern else { return };
    let small = |byte: u8| byte.is_ascii_lowercase() || byte == b'/';
    let capital = |byte: u8| byte.is_ascii_uppercase();
    if draft.login.fold_capitals && name.bytes().any(capital) && !name.bytes().any(small) {
        let message = format!("never reached: fold_capitals turns \"{name}\" into small letters");
        let fault = Diagnostic::warning(source, entry.pattern_at.clone(), message);
        faults.push(fault.hint("write the name in small letters"));
    }
}

fn mention(source: &Arc<Source>, entry: &EntryDraft, mentions: &mut Vec<Mention>) {
    let mut mention =
        |what, at: &Range<usize>| mentions.push(Mention::new(what, source, at.clone()));
    match &entry.entry.action {
        Action::Program { path, .. } => {
            mention(Mentioned::Program(path.clone()), &entry.program_at);
            if let Some(user) = &entry.entry.user {
                mention(Mentioned::User(user.clone()), &entry.user_at);
            }
        }
        Action::Callback { .. } | Action::Ppp => {}
    }
}
