//! Callback entries of login.config against the lines of dialback.toml: whether the calls that they ask for
//! can be made at all, to these numbers, on those lines, and whether they lead anywhere.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use proto::dial::{DialFault, Dialling, PhoneNumber};

use super::check::{group, meant, own_line};
use super::lines::LineDraft;
use super::login_config::LoginConfig;
use super::login_entry::EntryDraft;
use super::sections::Draft;
use super::values::duration_text;
use super::{Action, Authenticate, NamePattern, PortSpec, ReturnLine, ReturnProof, SameLine};
use crate::diagnostic::{Diagnostic, Source};

type Faults = Vec<Diagnostic>;

/// `-l` names lines, or devices as mgetty does (`ttyS1`), or a group.
pub(super) fn resolve_lines(
    draft: &Draft,
    source: &Arc<Source>,
    entry: &mut EntryDraft,
    faults: &mut Faults,
) {
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
        // A line that has the name, and only then one whose device has it.
        let named = draft.lines.iter().find(|line| line.line.name == *name);
        let of_device = || draft.lines.iter().find(|line| has_device(line, name));
        let Some(found) = named.or_else(of_device) else {
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

/// Whether it is this device, with or without `/dev/`.
fn has_device(line: &LineDraft, name: &str) -> bool {
    let device = match &line.line.port {
        PortSpec::Tty(path) => Some(path.as_path()),
        PortSpec::Rfc2217 { .. } | PortSpec::Tcp { .. } | PortSpec::Sim(_) => None,
    };
    device.is_some_and(|device| {
        device == Path::new(name)
            || device.strip_prefix("/dev").is_ok_and(|tty| tty == Path::new(name))
    })
}

/// Every callback entry against the lines that shall make its calls.
pub(super) fn all(
    draft: &Draft,
    login: &LoginConfig,
    configured: Option<Range<usize>>,
    faults: &mut Faults,
) {
    let mut on_default_line = None;
    for entry in &login.entries {
        let Action::Callback { line, numbers, .. } = &entry.entry.action else { continue };
        let chosen = line.as_ref().unwrap_or(&draft.callback.line);
        if line.is_none() {
            on_default_line.get_or_insert(entry);
        } else if let Some((message, hint)) = unable(draft, chosen, "this entry") {
            let at = entry.line_at.clone().unwrap_or_else(|| entry.program_at.clone());
            faults.push(Diagnostic::error(&login.source, at, message).hint(hint));
        }
        for (number, at) in numbers.iter().zip(&entry.numbers_at) {
            fixed_number(draft, &login.source, chosen, number, at, faults);
        }
    }
    // Whom PPP calls back has no entry.
    let user = draft.users.iter().find(|user| draft.ppp.is_some() && user.user.callback.is_some());
    let place = match (on_default_line, user) {
        (Some(entry), _) => Some((&login.source, &entry.program_at)),
        (None, Some(user)) => Some((&user.source, &user.offer_at)),
        (None, None) => None,
    };
    if let Some((source, at)) = place
        && let Some((message, hint)) = unable(draft, &draft.callback.line, "callback.line")
    {
        // A line that is wrong in itself has been told already, and there is no place for it here.
        match (configured, &draft.places.return_line) {
            (Some(at), _) => faults.push(Diagnostic::error(&draft.source, at, message).hint(hint)),
            (None, None) => {
                faults.push(Diagnostic::error(source, at.clone(), message).hint(hint));
            }
            (None, Some(_)) => {}
        }
    }
    generators(draft, login, faults);
    unproved(draft, login, faults);
    closed(draft, login, faults);
    same_line(draft, login, faults);
    asking(draft, login, faults);
    afterwards(login, faults);
}

/// Whoever knows a name has the callback: somebody wrote that on purpose, and should know what it means. Where it is so because no
/// user has a proof, as with mgetty, doctor tells (prove plays it).
fn unproved(draft: &Draft, login: &LoginConfig, faults: &mut Faults) {
    let calls_back = |entry: &EntryDraft| matches!(entry.entry.action, Action::Callback { .. });
    if let Some(at) = &draft.places.authenticate
        && draft.callback.authenticate == Authenticate::Nothing
        && login.entries.iter().any(calls_back)
    {
        let message =
            "whoever gives a name that asks for a callback has it made, and needs no proof";
        faults.push(Diagnostic::warning(&draft.source, at.clone(), message).hint(
            "write \"password\" or \"totp\" once users have one; what protects without are numbers that nobody may choose, and \
             return_proof",
        ));
    }
}

/// A proof that nobody has asked for by name is asked of everybody who comes in, and programs are reached with it alone.
fn closed(draft: &Draft, login: &LoginConfig, faults: &mut Faults) {
    let written = draft.places.authenticate.is_some() || draft.places.uniform;
    if written || !draft.callback.uniform || draft.callback.authenticate == Authenticate::Nothing {
        return;
    }
    let direct = |entry: &&EntryDraft| match entry.entry.action {
        Action::Program { .. } => entry.entry.when.counts(false),
        Action::Callback { .. } | Action::Ppp => false,
    };
    let Some(entry) = login.entries.iter().find(direct) else { return };
    let word = draft.callback.authenticate.word();
    let message = format!(
        "on calls that come in this is reached by users who prove their names only: some have what authenticate = \"{word}\" asks for"
    );
    faults.push(Diagnostic::warning(&login.source, entry.pattern_at.clone(), message).hint(
        format!("if that is meant, write authenticate = \"{word}\" into [callback]; if others shall log in here, uniform = false"),
    ));
}

/// Where everybody's return call asks for a one-time code, everybody who asks for one has a generator.
fn generators(draft: &Draft, login: &LoginConfig, faults: &mut Faults) {
    for entry in &login.entries {
        let Action::Callback { .. } = &entry.entry.action else { continue };
        let user = match &entry.entry.pattern {
            NamePattern::Exact(name) => draft.users.iter().find(|user| user.user.is_called(name)),
            NamePattern::Prefix(_)
            | NamePattern::Suffix(_)
            | NamePattern::Contains(_)
            | NamePattern::Any => None,
        };
        let proof = user.and_then(|user| user.user.return_proof);
        if proof.unwrap_or(draft.callback.return_proof) != ReturnProof::Totp
            || user.is_some_and(|user| user.user.credentials.totp.is_some() || proof.is_some())
        {
            continue;
        }
        let message = match user {
            Some(user) => format!(
                "nobody could answer the return call: return_proof = \"totp\", and {} has no totp",
                user.user.name
            ),
            None => "nobody could answer the return call: return_proof = \"totp\", and the name is no user's"
                .to_owned(),
        };
        faults.push(
            Diagnostic::error(&login.source, entry.pattern_at.clone(), message).hint(
                "let the name be that of a [[user]] with totp, or write return_proof into the users who have one",
            ),
        );
    }
}

/// Whether the entry's name is a user's, whose numbers are his own business.
fn is_users(draft: &Draft, entry: &EntryDraft) -> bool {
    match &entry.entry.pattern {
        NamePattern::Exact(name) => draft.users.iter().any(|user| user.user.is_called(name)),
        NamePattern::Prefix(_)
        | NamePattern::Suffix(_)
        | NamePattern::Contains(_)
        | NamePattern::Any => false,
    }
}

/// An entry without a number asks the caller for one; some number must then be allowed. A user's numbers are
/// his own business.
fn asking(draft: &Draft, login: &LoginConfig, faults: &mut Faults) {
    let asks = |entry: &&EntryDraft| match &entry.entry.action {
        Action::Callback { numbers, .. } => numbers.is_empty() && !is_users(draft, entry),
        Action::Program { .. } | Action::Ppp => false,
    };
    if !draft.callback.caller_numbers.allow.is_empty() || draft.places.allow_is_faulty {
        return;
    }
    if let Some(entry) = login.entries.iter().find(asks) {
        let message = "the caller is asked for a number, but none is allowed";
        faults.push(
            Diagnostic::error(&login.source, entry.program_at.clone(), message).hint(
                "write a number here, or caller_numbers = { allow = [...] } into [callback] of dialback.toml",
            ),
        );
    }
}

/// Whoever is called back must find something to log in to.
fn afterwards(login: &LoginConfig, faults: &mut Faults) {
    let calls_back = |entry: &&EntryDraft| match entry.entry.action {
        Action::Callback { .. } => true,
        Action::Program { .. } | Action::Ppp => false,
    };
    let serves = |entry: &EntryDraft| match entry.entry.action {
        Action::Program { .. } | Action::Ppp => entry.entry.when.counts(true),
        Action::Callback { .. } => false,
    };
    if login.all_entries
        && let Some(entry) = login.entries.iter().find(calls_back)
        && !login.entries.iter().any(serves)
    {
        let message = "nothing can be logged in to after the callback";
        faults.push(
            Diagnostic::error(&login.source, entry.pattern_at.clone(), message)
                .hint("write an entry for it, like: * - - /bin/login @"),
        );
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
fn same_line(draft: &Draft, login: &LoginConfig, faults: &mut Faults) {
    let of_entries = login.entries.iter().filter_map(|entry| match &entry.entry.action {
        Action::Callback { line, .. } => Some(line.as_ref().unwrap_or(&draft.callback.line)),
        Action::Program { .. } | Action::Ppp => None,
    });
    // Whom PPP calls back, or an operator, is called on the default line.
    let of_users = draft.users.iter().any(|user| user.user.callback.is_some());
    let chosen: Vec<&ReturnLine> =
        of_entries.chain(of_users.then_some(&draft.callback.line)).collect();
    let own = |line: &&LineDraft| {
        let may = |chosen: &&ReturnLine| match chosen {
            ReturnLine::Same => true,
            ReturnLine::Other => false,
            // The caller's own, when he comes in on it.
            ReturnLine::Lines(names) => names.contains(&line.line.name),
            ReturnLine::Group(name) => line.line.groups.contains(name),
        };
        line.originates() && line.answers() && chosen.iter().any(may)
    };
    if draft.callback.same_line == SameLine::Never {
        return;
    }
    for line in draft.lines.iter().filter(own) {
        let name = &line.line.name;
        if line.hold_time_at.is_some()
            && line.line.hold_time > draft.callback.delay
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
        if !line.line.modem.dtr_hangup {
            let at = line.dtr_hangup_at.clone().unwrap_or_else(|| line.port_at.clone());
            let message = format!(
                "line \"{name}\" hangs up by +++ATH, and the modem's word is all that tells that it did: a caller who answers OK in its place would be called back while he still holds the line"
            );
            faults.push(
                Diagnostic::warning(&draft.source, at, message)
                    .hint("call back on another line, or use a port with DTR and DCD"),
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
