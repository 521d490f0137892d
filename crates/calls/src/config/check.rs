//! What must go together: lines with each other, callbacks with the lines that shall make them, time
//! limits, numbers, screening. Each value by itself is right already when it comes here.
//!
//! A value that was not written has no place to point at; a check speaks only of what was written.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use proto::dial::{DialFault, Dialling, PhoneNumber};

use super::decode::Placed;
use super::dialin_config;
use super::load::{Mention, Mentioned};
use super::login_config::{EntryDraft, LoginConfig};
use super::sections::{Draft, LineDraft};
use super::values::{self, duration_text};
use super::{Action, LoginEntry, NumberPatterns, PortSpec, ReturnLine, ScreeningWord};
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
        rings(draft, screening, faults);
    }
    let configured = return_line(draft, faults);
    let Some(mut login) = login else { return Vec::new() };
    for entry in &mut login.entries {
        mention(&login.source, entry, mentions);
        resolve_lines(draft, &login.source, entry, faults);
    }
    callbacks(draft, &login, configured, faults);
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
    for line in &draft.lines {
        if let Some(at) = &line.hold_time_at
            && line.originates()
            && line.line.hold_time >= callback.max_time
        {
            let message = format!(
                "hold_time = {} is longer than a promise lives (max_time = {})",
                duration_text(line.line.hold_time),
                duration_text(callback.max_time)
            );
            faults.push(
                Diagnostic::error(&draft.source, at.clone(), message).hint("make max_time longer"),
            );
        }
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
        if pattern.value == "*" && deny.is_empty() {
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
fn own_line<'d>(draft: &'d Draft, number: &str) -> Option<&'d str> {
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

/// A caller's number comes between the first and the second RING.
fn rings(draft: &Draft, screening: &[Placed<ScreeningWord>], faults: &mut Faults) {
    let words: Vec<_> = screening.iter().map(|word| word.value.clone()).collect();
    if !words.iter().any(|word| word.reject) {
        return;
    }
    for line in draft.lines.iter().filter(|line| line.answers() && line.line.rings == 1) {
        let verdict = dialin_config::screen(&words, None);
        let name = &line.line.name;
        let what = if verdict.accept {
            format!("line \"{name}\" answers at the first RING, before a caller's number is known")
        } else {
            format!(
                "line \"{name}\" has rings = 1: no caller's number is known then, and {} rejects everybody",
                verdict.rule
            )
        };
        let at = line.rings_at.clone().unwrap_or_else(|| line.name_at.clone());
        faults.push(Diagnostic::warning(&draft.source, at, what).hint("set rings = 2"));
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
fn group(draft: &Draft, name: &str) -> Result<(), (String, String)> {
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
fn meant(draft: &Draft, name: &str, words: &[&'static str]) -> String {
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

/// `-l` names lines, or devices as mgetty does (`ttyS1`), or a group.
fn resolve_lines(draft: &Draft, source: &Arc<Source>, entry: &mut EntryDraft, faults: &mut Faults) {
    let Action::Callback { line: Some(line), .. } = &mut entry.entry.action else { return };
    let at = entry.line_at.clone().unwrap_or_default();
    let ReturnLine::Lines(names) = &line else { return };
    if let [name] = names.as_slice()
        && draft.lines.iter().any(|line| line.line.groups.contains(name))
    {
        match group(draft, name) {
            Ok(()) => *line = ReturnLine::Group(name.clone()),
            Err((message, hint)) => {
                faults.push(Diagnostic::error(source, at, format!("-l: {message}")).hint(hint));
            }
        }
        return;
    }
    let mut resolved = Vec::new();
    let mut able = false;
    for name in names {
        let Some(found) = draft.lines.iter().find(|line| answers_to(line, name)) else {
            let message = format!("-l: there is no line \"{name}\"");
            faults.push(Diagnostic::error(source, at, message).hint(meant(
                draft,
                name,
                &["same", "other"],
            )));
            return;
        };
        able |= found.originates();
        resolved.push(found.line.name.clone());
    }
    if !able {
        let fault = Diagnostic::error(source, at, "-l: none of these lines may originate");
        faults.push(fault.hint("set direction = \"both\" in one of them"));
        return;
    }
    *line = ReturnLine::Lines(resolved);
}

/// By its name, or by its device with or without `/dev/`.
fn answers_to(line: &LineDraft, name: &str) -> bool {
    let device = match &line.line.port {
        PortSpec::Tty(path) => Some(path.as_path()),
        PortSpec::Rfc2217 { .. } | PortSpec::Tcp { .. } | PortSpec::Sim(_) => None,
    };
    line.line.name == name
        || device.is_some_and(|device| {
            device == Path::new(name)
                || device.strip_prefix("/dev").is_ok_and(|tty| tty == Path::new(name))
        })
}

/// Every callback entry against the lines that shall make its calls.
fn callbacks(
    draft: &Draft,
    login: &LoginConfig,
    configured: Option<Range<usize>>,
    faults: &mut Faults,
) {
    let mut first_callback = None;
    let mut first_asking = None;
    let mut with_default_line = None;
    for entry in &login.entries {
        let Action::Callback { line, numbers, .. } = &entry.entry.action else { continue };
        first_callback.get_or_insert(entry);
        if numbers.is_empty() {
            first_asking.get_or_insert(entry);
        }
        let chosen = line.as_ref().unwrap_or(&draft.callback.line);
        if line.is_none() {
            with_default_line.get_or_insert(entry);
        } else if let Some((message, hint)) = unable(draft, chosen, "this entry") {
            let at = entry.line_at.clone().unwrap_or_else(|| entry.program_at.clone());
            faults.push(Diagnostic::error(&login.source, at, message).hint(hint));
        }
        for (number, at) in numbers.iter().zip(&entry.numbers_at) {
            fixed_number(draft, &login.source, chosen, number, at, faults);
        }
    }
    if let Some(entry) = with_default_line
        && let Some((message, hint)) = unable(draft, &draft.callback.line, "callback.line")
    {
        faults.push(match configured {
            Some(at) => Diagnostic::error(&draft.source, at, message).hint(hint),
            None if draft.places.return_line.is_some() => return,
            None => Diagnostic::error(&login.source, entry.program_at.clone(), message).hint(hint),
        });
    }
    same_line_delay(draft, login, faults);
    if let Some(entry) = first_asking
        && draft.callback.caller_numbers.allow.is_empty()
        && !draft.places.allow_is_faulty
    {
        let message = "the caller is asked for a number, but none is allowed";
        faults.push(
            Diagnostic::error(&login.source, entry.program_at.clone(), message).hint(
                "write a number here, or caller_numbers = { allow = [...] } into [callback] of dialback.toml",
            ),
        );
    }
    if let Some(entry) = first_callback {
        let serves = |other: &EntryDraft| {
            other.entry.when.counts(true)
                && match other.entry.action {
                    Action::Program { .. } | Action::Ppp => true,
                    Action::Callback { .. } => false,
                }
        };
        if !login.entries.iter().any(serves) {
            let message = "nothing can be logged in to after the callback";
            faults.push(
                Diagnostic::error(&login.source, entry.pattern_at.clone(), message)
                    .hint("write an entry for it, like: * - - /bin/login @"),
            );
        }
    }
}

/// Why a callback that comes in on some line can't be made, and the cure.
fn unable(draft: &Draft, line: &ReturnLine, whose: &str) -> Option<(String, String)> {
    let mut answering = draft.lines.iter().filter(|line| line.answers());
    match line {
        ReturnLine::Same => {
            let stuck = answering.find(|line| !line.originates())?;
            Some((
                format!(
                    "{whose} asks for the same line, but line \"{}\" may not originate",
                    stuck.line.name
                ),
                "set its direction to \"both\", or call back on another line".to_owned(),
            ))
        }
        ReturnLine::Other => {
            let stuck = answering.find(|line| {
                !draft
                    .lines
                    .iter()
                    .any(|other| other.originates() && other.line.name != line.line.name)
            })?;
            let cure = if stuck.originates() {
                "write line = \"same\" into [callback], or add a line that may originate"
            } else {
                "add a line that may originate"
            };
            Some((
                format!(
                    "calls on line \"{}\" shall be returned on another line, and there is none that may originate",
                    stuck.line.name
                ),
                cure.to_owned(),
            ))
        }
        ReturnLine::Lines(_) | ReturnLine::Group(_) => None,
    }
}

/// The lines on which a callback may be made.
fn candidates<'d>(draft: &'d Draft, line: &'d ReturnLine) -> impl Iterator<Item = &'d LineDraft> {
    draft.lines.iter().filter(move |candidate| {
        candidate.originates()
            && match line {
                ReturnLine::Same => candidate.answers(),
                ReturnLine::Other => true,
                ReturnLine::Lines(names) => names.contains(&candidate.line.name),
                ReturnLine::Group(name) => candidate.line.groups.contains(name),
            }
    })
}

fn fixed_number(
    draft: &Draft,
    source: &Arc<Source>,
    line: &ReturnLine,
    number: &PhoneNumber,
    at: &Range<usize>,
    faults: &mut Faults,
) {
    if let Some(own) = own_line(draft, number.as_str()) {
        let message = format!("{number} is the number of line \"{own}\"");
        let fault = Diagnostic::error(source, at.clone(), message);
        faults.push(fault.hint("the server does not call itself"));
        return;
    }
    for candidate in candidates(draft, line) {
        let modem = &candidate.line.modem;
        let name = &candidate.line.name;
        let dialling =
            Dialling::new(modem.dial_prefix.clone(), modem.international_prefix.as_deref(), "");
        let fault = match dialling.and_then(|dialling| dialling.render(number)) {
            Ok(_) => continue,
            Err(DialFault::NoInternationalPrefix) => Diagnostic::error(
                source,
                at.clone(),
                format!("line \"{name}\" has no international_prefix to dial the + of {number}"),
            )
            .hint("write it into the modem, like international_prefix = \"00\""),
            Err(
                wrong @ (DialFault::Prefix { .. }
                | DialFault::InternationalPrefix { .. }
                | DialFault::Suffix { .. }
                | DialFault::TooLong),
            ) => Diagnostic::error(
                source,
                at.clone(),
                format!("line \"{name}\" can't dial {number}: {wrong}"),
            )
            .hint("shorten the number or the dial_prefix"),
        };
        faults.push(fault);
        return;
    }
}

/// On the caller's own line, two more things must be right: the exchange must have let go, and the modem
/// must insist on a dial tone, or a caller who holds the line passes for the one who is called.
fn same_line_delay(draft: &Draft, login: &LoginConfig, faults: &mut Faults) {
    let same = |entry: &EntryDraft| match &entry.entry.action {
        Action::Callback { line, .. } => {
            *line.as_ref().unwrap_or(&draft.callback.line) == ReturnLine::Same
        }
        Action::Program { .. } | Action::Ppp => false,
    };
    if !login.entries.iter().any(same) {
        return;
    }
    for line in draft.lines.iter().filter(|line| line.originates() && line.answers()) {
        let name = &line.line.name;
        if line.line.hold_time > draft.callback.delay
            && let Some(at) = &draft.places.delay
        {
            let message = format!(
                "delay = {} is shorter than the hold_time = {} of line \"{name}\", which is waited for",
                duration_text(draft.callback.delay),
                duration_text(line.line.hold_time)
            );
            faults.push(
                Diagnostic::warning(&draft.source, at.clone(), message)
                    .hint("make delay at least as long, or hold_time shorter"),
            );
        }
        if let Some(at) = &line.blind {
            let message = format!(
                "line \"{name}\" dials without waiting for dial tone: a caller who holds the line would be taken for the one who is called back"
            );
            faults.push(
                Diagnostic::warning(&draft.source, at.clone(), message)
                    .hint("use X4, or call back on another line"),
            );
        }
    }
}
