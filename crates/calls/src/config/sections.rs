//! The sections of dialback.toml: each key read by its entry of [`keys`], with its place kept for
//! [`super::check`]. It does not know what must go together, nor the files that are named.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::decode::{Placed, Table, preset};
use super::keys::{self, Section};
use super::lines::{LineDraft, lines};
use super::load::Surroundings;
use super::values::{self, Fault};
use super::web::{self, Web};
use super::window::Zone;
use super::{
    Audit, Authenticate, Callback, Login, NumberPatterns, ReturnLine, ReturnProof, SameLine, Server,
};
use super::{modem, ppp, site, users};
use crate::diagnostic::{Diagnostic, Source};
use crate::money::{DayBudget, Tariff};
use crate::policy::numbering::Site;

/// dialback.toml as far as it is read: values with their places.
pub(super) struct Draft {
    pub(super) source: Arc<Source>,
    pub(super) server: Server,
    pub(super) audit: Audit,
    pub(super) web: Web,
    pub(super) login: Login,
    pub(super) callback: Callback,
    pub(super) site: Arc<Site>,
    pub(super) currency: String,
    pub(super) tariffs: Vec<Tariff>,
    pub(super) budgets: Vec<DayBudget>,
    pub(super) ppp: Option<ppp::Draft>,
    pub(super) users: Vec<users::UserDraft>,
    pub(super) lines: Vec<LineDraft>,
    /// Whether every line could be read; if not, nothing is said of what refers to lines.
    pub(super) all_lines: bool,
    pub(super) places: Places,
}

/// Whether the syntax let everything through, so that what is missing was not written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    Yes,
    Torn,
}

/// Where things were written that are checked against each other.
#[derive(Default)]
pub(super) struct Places {
    pub(super) login_config: Option<Range<usize>>,
    pub(super) dialin_config: Option<Range<usize>>,
    pub(super) users: Option<Range<usize>>,
    pub(super) issue: Option<Placed<PathBuf>>,
    pub(super) user: Option<Range<usize>>,
    pub(super) prompt: Option<Range<usize>>,
    pub(super) return_line: Option<Range<usize>>,
    pub(super) delay: Option<Range<usize>>,
    pub(super) jitter: Option<Range<usize>>,
    pub(super) retry: Option<Range<usize>>,
    pub(super) max_time: Option<Range<usize>>,
    pub(super) per_user: Option<Range<usize>>,
    pub(super) authenticate: Option<Range<usize>>,
    /// Whether `uniform` is written.
    pub(super) uniform: bool,
    pub(super) allow: Vec<Placed<String>>,
    pub(super) allow_is_faulty: bool,
    pub(super) deny: Vec<Placed<String>>,
}

impl Draft {
    /// Reads what there is; every fault is reported.
    pub(super) fn read(
        source: &Arc<Source>,
        tree: &DeTable<'_>,
        surroundings: &Surroundings,
        path: &Path,
        whole: Whole,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        unknown_sections(source, tree, faults);
        let empty = Spanned::new(0..0, DeValue::Table(DeTable::new()));
        let section = |section, name: &str, faults: &mut Vec<Diagnostic>| {
            let value = tree.get(name).unwrap_or(&empty);
            let table = Table::new(source, section, value, faults)
                .or_else(|| Table::new(source, section, &empty, &mut Vec::new()))?;
            table.unknown_keys(faults);
            Some(table)
        };
        let mut places = Places::default();
        let directory = path.parent().unwrap_or(Path::new("")).to_owned();
        let table = section(Section::Server, "server", faults)?;
        let server = server(&table, &directory, surroundings, &mut places, faults);
        let table = section(Section::Audit, "audit", faults)?;
        let audit = audit(&table, faults);
        let table = section(Section::Web, "web", faults)?;
        let web = web::web(&table, faults);
        let table = section(Section::Login, "login", faults)?;
        let login = login(&table, &mut places, faults);
        let table = section(Section::Callback, "callback", faults)?;
        let callback = callback(&table, &mut places, faults);
        let ppp = ppp::section(source, tree, &directory, faults);
        let users = users::users(source, tree, whole, faults);
        let profiles = modem::profiles(source, tree.get("modem"), faults);
        let table = section(Section::Site, "site", faults)?;
        let site = site::site(&table, faults);
        let currency = site.currency.clone();
        let plans = site::plans(source, tree.get("dial_plan"), faults);
        let tariffs = site::tariffs(source, tree, &site.site, faults);
        let budgets = site::budgets(source, tree, faults);
        let lines = lines(source, tree, whole, (&profiles, &plans), &callback, faults);
        let all_lines = lines.iter().all(Option::is_some) && !lines.is_empty();
        let mut lines: Vec<LineDraft> = lines.into_iter().flatten().collect();
        let site = site.finish(source, &mut lines, faults);
        let source = Arc::clone(source);
        Some(Self {
            source,
            server,
            audit,
            web,
            login,
            callback,
            site,
            currency,
            tariffs,
            budgets,
            ppp,
            users,
            lines,
            all_lines,
            places,
        })
    }
}

/// What can stand on the top level.
pub(super) const SECTIONS: [&str; 13] = [
    "server",
    "audit",
    "login",
    "callback",
    "ppp",
    "user",
    "line",
    "modem",
    "site",
    "dial_plan",
    "tariff",
    "budget",
    "web",
];

fn unknown_sections(source: &Arc<Source>, tree: &DeTable<'_>, faults: &mut Vec<Diagnostic>) {
    for (key, value) in tree {
        let name: &str = key.get_ref();
        if SECTIONS.contains(&name) {
            continue;
        }
        let is_table = matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
        let rows = keys::all();
        let section = rows.iter().find(|row| row.name == name && !is_table);
        let what = if is_table { "section" } else { "key" };
        let hint = match (section, values::nearest(name, SECTIONS)) {
            (Some(row), _) => format!("\"{name}\" belongs to {}", row.section.title()),
            (None, Some(meant)) => format!("\"{meant}\" is the nearest that there is"),
            (None, None) => {
                "there are [server], [audit], [login], [callback], [ppp], [[user]], [site], [dial_plan.name], \
                 [[tariff]], [[budget]], [modem.name], [web] and [[line]]"
                    .into()
            }
        };
        let message = format!("there is no {what} \"{name}\"");
        faults.push(Diagnostic::error(source, key.span(), message).hint(hint));
    }
}

/// Unix socket addresses hold 108 bytes, the last of them NUL (unix(7)).
const MAX_SOCKET_PATH: usize = 107;

pub(super) fn absolute(text: &str) -> Result<String, Fault> {
    if text.starts_with('/') && !text.contains('\0') {
        Ok(text.to_owned())
    } else {
        Err(Fault::new(
            format!("\"{text}\" is not an absolute path"),
            "begin it with a slash: the server works in /",
        ))
    }
}

pub(super) fn socket_path(text: &str) -> Result<String, Fault> {
    let path = absolute(text)?;
    if path.len() > MAX_SOCKET_PATH {
        return Err(Fault::new(
            format!("a socket's path of {} bytes", path.len()),
            format!("{MAX_SOCKET_PATH} is the most that the system takes"),
        ));
    }
    Ok(path)
}

fn host_name(text: &str) -> Result<String, Fault> {
    if text.is_empty() || text.len() > 64 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::new(
            format!("\"{}\" is not a host name", text.escape_debug()),
            "write up to 64 printable characters without blanks",
        ));
    }
    Ok(text.to_owned())
}

fn server(
    table: &Table<'_>,
    directory: &Path,
    surroundings: &Surroundings,
    places: &mut Places,
    faults: &mut Vec<Diagnostic>,
) -> Server {
    let not_empty = |text: &str| match text {
        "" => Err(Fault::new("an empty path", "name the file")),
        path => Ok(directory.join(path)),
    };
    let login_config = table.parsed_if(&keys::LOGIN_CONFIG, faults, not_empty);
    places.login_config = login_config.as_ref().and_then(|path| path.at.clone());
    let dialin_config = table.parsed_if(&keys::DIALIN_CONFIG, faults, not_empty);
    places.dialin_config = dialin_config.as_ref().and_then(|path| path.at.clone());
    let users = table.parsed_if(&keys::USERS, faults, not_empty);
    places.users = users.as_ref().and_then(|path| path.at.clone());
    let issue = table.parsed_if(&keys::ISSUE, faults, |path| Ok(directory.join(path)));
    places.issue = match issue {
        // `issue = ""` joins nothing to the directory.
        Some(path) if path.value == directory => None,
        Some(path) => Some(path),
        None => Some(Placed::absent(PathBuf::from(preset(&keys::ISSUE, "")))),
    };
    Server {
        state_dir: table.text(&keys::STATE_DIR, faults, absolute).value.into(),
        control: table.text(&keys::CONTROL, faults, socket_path).value.into(),
        login_config: login_config
            .map_or_else(|| preset(&keys::LOGIN_CONFIG, "").into(), |path| path.value),
        dialin_config: dialin_config.map(|path| path.value),
        users: users.map(|path| path.value),
        time_zone: table.parsed_if(&keys::TIME_ZONE, faults, Zone::named).map(|zone| zone.value),
        lock_dir: table.text(&keys::LOCK_DIR, faults, absolute).value.into(),
        log_numbers: table.flag(&keys::LOG_NUMBERS, faults).value,
        host: table
            .parsed_if(&keys::HOST, faults, host_name)
            .map_or_else(|| surroundings.host.clone(), |host| host.value),
        system: surroundings.system.clone(),
        stop_grace: table.duration(&keys::STOP_GRACE, faults).value,
        kill_grace: table.duration(&keys::KILL_GRACE, faults).value,
        user: {
            let user = table.text(&keys::SERVER_USER, faults, user_name);
            places.user = user.at;
            user.value
        },
    }
}

/// A name as useradd(8) allows it.
fn user_name(text: &str) -> Result<String, Fault> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.$".contains(&byte);
    if text.is_empty() || text.len() > 32 || text.starts_with('-') || !text.bytes().all(known) {
        return Err(Fault::new(
            format!("\"{}\" is not the name of a user", text.escape_debug()),
            "write a login name, like \"dialback\"",
        ));
    }
    Ok(text.to_owned())
}

fn audit(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Audit {
    let anchor_file = table.parsed_if(&keys::ANCHOR_FILE, faults, absolute);
    Audit {
        anchor_file: anchor_file.map(|path| path.value.into()),
        anchor_syslog: table.flag(&keys::ANCHOR_SYSLOG, faults).value,
        anchor_every: table.duration(&keys::ANCHOR_EVERY, faults).value,
    }
}

fn prompt(text: &str) -> Result<String, Fault> {
    if text.trim().is_empty() {
        return Err(Fault::new("an empty prompt", "write a text, like \"@!login: \""));
    }
    if text.len() > 300 {
        return Err(Fault::new(
            "a prompt of more than 300 characters",
            "put the text into the issue",
        ));
    }
    Ok(text.to_owned())
}

fn term(text: &str) -> Result<String, Fault> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte);
    if text.is_empty() || text.len() > 32 || !text.bytes().all(known) {
        return Err(Fault::new(
            format!("\"{}\" is not the name of a terminal", text.escape_debug()),
            "write one that terminfo knows, like \"vt100\"",
        ));
    }
    Ok(text.to_owned())
}

fn login(table: &Table<'_>, places: &mut Places, faults: &mut Vec<Diagnostic>) -> Login {
    let prompt = table.text(&keys::PROMPT, faults, prompt);
    places.prompt = prompt.at;
    Login {
        issue: String::new(),
        prompt: prompt.value,
        time_limit: table.duration(&keys::TIME_LIMIT, faults).value,
        quiet: table.duration(&keys::QUIET, faults).value,
        empty_limit: table.count(&keys::EMPTY_LIMIT, faults).value,
        fold_capitals: table.flag(&keys::FOLD_CAPITALS, faults).value,
        term: table.text(&keys::TERM, faults, term).value,
        silent: table.flag(&keys::SILENT, faults).value,
        number_time_limit: table.duration(&keys::NUMBER_TIME_LIMIT, faults).value,
    }
}

fn return_line(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Option<ReturnLine> {
    let value = table.get(keys::RETURN_LINE.name)?;
    if let DeValue::Array(_) = value.get_ref() {
        // The same key as a list of names.
        let list = keys::Key { preset: keys::Preset::Value(&[] as &[&str]), range: None, ..LINES };
        let names = table.list_if(&list, faults, values::name)?;
        if names.is_empty() {
            let fault = Diagnostic::error(table.source, value.span(), "line: an empty list");
            faults.push(fault.hint("name the lines that may call back, or write \"other\""));
            return None;
        }
        return Some(ReturnLine::Lines(names.into_iter().map(|name| name.value).collect()));
    }
    let named = table.parsed_if(&keys::RETURN_LINE, faults, |text| match text {
        "same" => Ok(ReturnLine::Same),
        "other" => Ok(ReturnLine::Other),
        group => values::name(group).map(ReturnLine::Group),
    });
    named.map(|line| line.value)
}

/// [`keys::RETURN_LINE`] in its form as a list.
const LINES: keys::Key<&'static [&'static str]> = keys::Key {
    section: Section::Callback,
    name: keys::RETURN_LINE.name,
    form: keys::RETURN_LINE.form,
    preset: keys::Preset::Value(&[]),
    range: None,
    sentence: keys::RETURN_LINE.sentence,
    example: keys::RETURN_LINE.example,
};

pub(super) fn return_proof(text: &str) -> Result<ReturnProof, Fault> {
    match text {
        "name" => Ok(ReturnProof::Name),
        "code" => Ok(ReturnProof::Code),
        "totp" => Ok(ReturnProof::Totp),
        _ => Err(Fault::new(
            format!("\"{}\" is no proof", text.escape_debug()),
            "write \"name\", \"code\" or \"totp\"",
        )),
    }
}

fn same_line(text: &str) -> Result<SameLine, Fault> {
    match text {
        "qualified" => Ok(SameLine::Qualified),
        "wait" => Ok(SameLine::Wait),
        "never" => Ok(SameLine::Never),
        _ => Err(Fault::new(
            format!("\"{}\" does not say when", text.escape_debug()),
            "write \"qualified\", \"wait\" or \"never\"",
        )),
    }
}

fn authenticate(text: &str) -> Result<Authenticate, Fault> {
    [
        Authenticate::Nothing,
        Authenticate::Password,
        Authenticate::Code,
        Authenticate::PasswordAndCode,
    ]
    .into_iter()
    .find(|wanted| wanted.word() == text)
    .ok_or_else(|| {
        Fault::new(
            format!("\"{}\" proves nothing", text.escape_debug()),
            "write \"none\", \"password\", \"totp\" or \"password+totp\"",
        )
    })
}

fn callback(table: &Table<'_>, places: &mut Places, faults: &mut Vec<Diagnostic>) -> Callback {
    let line = return_line(table, faults);
    places.return_line =
        line.as_ref().and_then(|_| table.get(keys::RETURN_LINE.name)).map(Spanned::span);
    let delay = table.duration(&keys::DELAY, faults);
    let jitter = table.duration(&keys::JITTER, faults);
    let same_line = table.parsed_if(&keys::SAME_LINE, faults, same_line);
    let retry = table.duration(&keys::RETRY, faults);
    let max_time = table.duration(&keys::MAX_TIME, faults);
    let per_user = table.count(&keys::PER_USER, faults);
    let numbers = table
        .get("caller_numbers")
        .and_then(|value| Table::new(table.source, Section::CallerNumbers, value, faults));
    if let Some(numbers) = numbers {
        numbers.unknown_keys(faults);
        let before = faults.len();
        places.allow =
            numbers.list_if(&keys::ALLOW, faults, values::number_pattern).unwrap_or_default();
        places.allow_is_faulty = faults.len() > before;
        places.deny =
            numbers.list_if(&keys::DENY, faults, values::number_pattern).unwrap_or_default();
    }
    let authenticated = table.parsed_if(&keys::AUTHENTICATE, faults, authenticate);
    places.authenticate = authenticated.as_ref().and_then(|wanted| wanted.at.clone());
    let patterns =
        |list: &[Placed<String>]| list.iter().map(|pattern| pattern.value.clone()).collect();
    let callback = Callback {
        line: line.unwrap_or(ReturnLine::Other),
        delay: delay.value,
        jitter: jitter.value,
        same_line: same_line.map_or(SameLine::Wait, |same_line| same_line.value),
        soonest_connect: table.duration(&keys::SOONEST_CONNECT, faults).value,
        uniform: table.flag(&keys::UNIFORM, faults).value,
        answer_after: table.duration(&keys::ANSWER_AFTER, faults).value,
        slow_guesses: table.flag(&keys::SLOW_GUESSES, faults).value,
        return_proof: table
            .parsed_if(&keys::RETURN_PROOF, faults, return_proof)
            .map_or(ReturnProof::Name, |proof| proof.value),
        return_tries: table.count(&keys::RETURN_TRIES, faults).value,
        return_time: table.duration(&keys::RETURN_TIME, faults).value,
        quarantine_after: table.count(&keys::QUARANTINE_AFTER, faults).value,
        quarantine_for: table.duration(&keys::QUARANTINE_FOR, faults).value,
        tries: table.count(&keys::TRIES, faults).value,
        retry: retry.value,
        max_time: max_time.value,
        per_user: per_user.value,
        in_all: table.count(&keys::IN_ALL, faults).value,
        reserve_incoming: table.count(&keys::numbers::RESERVE_INCOMING, faults).value,
        loop_limit: table.count(&keys::numbers::LOOP_LIMIT, faults).value,
        // Unless it is written, the users decide: `users::check`.
        authenticate: authenticated.as_ref().map_or(Authenticate::Nothing, |wanted| wanted.value),
        caller_numbers: NumberPatterns {
            allow: patterns(&places.allow),
            deny: patterns(&places.deny),
        },
    };
    places.uniform = table.get(keys::UNIFORM.name).is_some();
    places.delay = delay.at;
    places.jitter = jitter.at;
    places.retry = retry.at;
    places.max_time = max_time.at;
    places.per_user = per_user.at;
    callback
}
