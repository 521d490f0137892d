//! relay.toml: what `dialback relay` passes on, and to whom.
//!
//! A file of its own, because the relay is a process of its own: it need not be able to read the secrets that
//! dialback.toml names, and a fault here stops no telephone. Keys are in `keys::relay`; whether hosts and
//! programs exist is not looked at.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::decode::{Placed, Table};
use super::keys::{Key, Section, relay as key};
use super::load::{self, Encoding, FileText};
use super::sections::{absolute, socket_path};
use super::values::{self, Fault};
use crate::alert::{Alert, Severity};
use crate::diagnostic::{Diagnostic, Severity as Weight, Source};
use crate::vocabulary::{Event, event_names};

/// relay.toml.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// The server's control socket.
    pub control: PathBuf,
    /// The server's state directory.
    pub journal_dir: PathBuf,
    /// The relay's own.
    pub state_dir: PathBuf,
    /// Where `/metrics` is served.
    pub listen: Option<SocketAddr>,
    /// Hosts that get syslog.
    pub syslog: Vec<Syslog>,
    /// Programs and web addresses.
    pub hooks: Vec<Hook>,
    /// Mail.
    pub mail: Option<Mail>,
}

/// Which events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Names of events and `alert:kind`; empty: all.
    pub events: Vec<String>,
    /// At least so much.
    pub severity: Severity,
}

impl Filter {
    /// Whether this event, which has this name in the journal, is one of them.
    #[must_use]
    pub fn takes(&self, name: &str, event: &Event) -> bool {
        if event.severity() < self.severity {
            return false;
        }
        let kind = if let Event::Alert { alert, .. } = event { Some(alert.name()) } else { None };
        let is = |wanted: &String| match wanted.strip_prefix(OF_ALERT) {
            Some(wanted) => kind == Some(wanted),
            None => wanted == name,
        };
        self.events.is_empty() || self.events.iter().any(is)
    }
}

/// How an alert's kind is named among events.
const OF_ALERT: &str = "alert:";

/// How a syslog host is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// RFC 5426.
    Udp,
    /// RFC 6587, octets counted.
    Tcp,
    /// RFC 5425.
    Tls,
}

/// A host that gets syslog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syslog {
    /// Its name in metrics.
    pub name: String,
    /// How it is spoken to.
    pub transport: Transport,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who vouches for it; `None`: whom the system believes.
    pub ca_file: Option<PathBuf>,
    /// RFC 5424 §6.2.1: 0 to 23.
    pub facility: u8,
    /// Whether telephone numbers stand whole in the messages.
    pub numbers: bool,
    /// Which events.
    pub filter: Filter,
}

/// What a hook does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Runs a program with these arguments, itself the first.
    Run(Vec<String>),
    /// Posts to this address, signed with the secret in this file.
    Post {
        /// Where to.
        url: String,
        /// The secret's file.
        secret: Option<PathBuf>,
    },
}

/// A program or a web address that is told of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name in metrics and in the queue.
    pub name: String,
    /// Which events.
    pub filter: Filter,
    /// What is done.
    pub act: Act,
    /// How long one delivery may take.
    pub timeout: Duration,
    /// How often it is tried.
    pub tries: u32,
    /// Wait before the second try; it doubles.
    pub retry: Duration,
    /// Deliveries at once.
    pub concurrency: u32,
    /// Deliveries that may wait.
    pub queue: u32,
}

/// How mail leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// `PROGRAM -i -t`, as every mail system has it.
    Sendmail(PathBuf),
    /// SMTP without TLS.
    Smtp {
        /// The host.
        host: String,
        /// Its port.
        port: u16,
    },
}

/// Mail about events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Who gets it.
    pub to: Vec<String>,
    /// Who it is from.
    pub from: String,
    /// How it leaves.
    pub via: Via,
    /// Which events.
    pub filter: Filter,
    /// How long they are gathered.
    pub gather: Duration,
    /// At most one mail in this time.
    pub every: Duration,
}

/// relay.toml at `path`, found as `file`. The file may belong to root or to `uid`, and must not be writable by
/// others.
///
/// # Errors
/// Everything that is wrong, in the order of reading.
pub fn read(path: &Path, file: &FileText, uid: u32) -> Result<Relay, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let name = path.display().to_string();
    load::check_writers(&Source::new(name.as_str(), ""), file, uid, &mut faults);
    let Some(source) = load::text(&name, file, Encoding::Utf8, &mut faults) else {
        return Err(faults);
    };
    let (tree, errors) = DeTable::parse_recoverable(source.text());
    faults.extend(errors.iter().map(|error| load::syntax(&source, error)));
    if !errors.is_empty() {
        return Err(faults);
    }
    let directory = path.parent().unwrap_or(Path::new(""));
    let relay = Reading { source: &source, tree: tree.get_ref(), directory }.relay(&mut faults);
    match relay {
        Some(relay) if faults.iter().all(|fault| fault.severity == Weight::Warning) => Ok(relay),
        Some(_) | None => Err(faults),
    }
}

type Faults = Vec<Diagnostic>;

struct Reading<'d> {
    source: &'d Arc<Source>,
    tree: &'d DeTable<'d>,
    directory: &'d Path,
}

impl<'d> Reading<'d> {
    const SECTIONS: [&'static str; 5] = ["relay", "metrics", "syslog", "hook", "mail"];

    fn relay(&self, faults: &mut Faults) -> Option<Relay> {
        for (name, value) in self.tree {
            if !Self::SECTIONS.contains(&&**name.get_ref()) {
                let message = format!("there is no section \"{}\"", name.get_ref());
                let hint = match values::nearest(name.get_ref(), Self::SECTIONS) {
                    Some(meant) => format!("\"{meant}\" is the nearest that there is"),
                    None => "there are [relay], [metrics], [[syslog]], [[hook]] and [mail]".into(),
                };
                let at = if name.span().is_empty() { value.span() } else { name.span() };
                faults.push(Diagnostic::error(self.source, at, message).hint(hint));
            }
        }
        let empty = Spanned::new(0..0, DeValue::Table(DeTable::new()));
        let table = self.table(Section::Relay, self.tree.get("relay").unwrap_or(&empty), faults)?;
        let mut place = |key: &Key<&'static str>, read: fn(&str) -> Result<String, Fault>| {
            PathBuf::from(table.text(key, faults, read).value)
        };
        let control = place(&key::CONTROL, socket_path);
        let journal_dir = place(&key::JOURNAL_DIR, absolute);
        let state_dir = place(&key::STATE_DIR, absolute);
        let metrics = self.tree.get("metrics").unwrap_or(&empty);
        let table = self.table(Section::RelayMetrics, metrics, faults)?;
        let listen = table.parsed_if(&key::LISTEN, faults, address).map(|listen| listen.value);
        let syslog = self.each("syslog", Section::RelaySyslog, faults, |table, faults| {
            self.syslog(table, faults)
        });
        let hooks =
            self.each("hook", Section::RelayHook, faults, |table, faults| self.hook(table, faults));
        let mail = match self.tree.get("mail") {
            Some(value) => {
                self.table(Section::RelayMail, value, faults).and_then(|table| mail(&table, faults))
            }
            None => None,
        };
        Some(Relay { control, journal_dir, state_dir, listen, syslog, hooks, mail })
    }

    fn table<'t>(
        &'t self,
        section: Section,
        value: &'t Spanned<DeValue<'t>>,
        faults: &mut Faults,
    ) -> Option<Table<'t>> {
        let table = Table::new(self.source, section, value, faults)?;
        table.unknown_keys(faults);
        Some(table)
    }

    /// Each table of a list of tables, whose names must differ.
    fn each<V>(
        &self,
        name: &str,
        section: Section,
        faults: &mut Faults,
        mut read: impl FnMut(&Table<'_>, &mut Faults) -> Option<(Placed<String>, V)>,
    ) -> Vec<V> {
        let Some(value) = self.tree.get(name) else { return Vec::new() };
        let DeValue::Array(members) = value.get_ref() else {
            let message = format!("{name} must be a list of tables");
            let hint = format!("begin each with {}, in double brackets", section.title());
            faults.push(Diagnostic::error(self.source, value.span(), message).hint(hint));
            return Vec::new();
        };
        let mut names = BTreeSet::new();
        let mut all = Vec::new();
        for member in members.iter() {
            let Some(table) = self.table(section, member, faults) else { continue };
            let Some((name, value)) = read(&table, faults) else { continue };
            if !names.insert(name.value.clone()) {
                let message = format!("a second {} \"{}\"", section.title(), name.value);
                let at = name.at.unwrap_or(member.span());
                faults.push(Diagnostic::error(self.source, at, message).hint(
                    "give each a name of its own: its place in the journal is kept under it",
                ));
            }
            all.push(value);
        }
        all
    }

    fn file(
        &self,
        table: &Table<'_>,
        key: &Key<&'static str>,
        faults: &mut Faults,
    ) -> Option<PathBuf> {
        let read = |text: &str| match text {
            "" => Err(Fault::new("an empty path", "name the file")),
            path => Ok(self.directory.join(path)),
        };
        table.parsed_if(key, faults, read).map(|path| path.value)
    }

    fn syslog(&self, table: &Table<'_>, faults: &mut Faults) -> Option<(Placed<String>, Syslog)> {
        let name = named(table, &key::SYSLOG_NAME, faults);
        table.required(&key::SYSLOG_TO, faults);
        let to = table.parsed_if(&key::SYSLOG_TO, faults, syslog_address);
        let ca_file = self.file(table, &key::SYSLOG_CA, faults);
        if let (Some(to), Some(_)) = (&to, &ca_file) {
            vouched_for(table, &to.value, faults);
        }
        let facility = table.parsed_if(&key::SYSLOG_FACILITY, faults, facility);
        let facility = facility.map_or(FACILITY_AUTHPRIV, |facility| facility.value);
        let numbers = table.flag(&key::SYSLOG_NUMBERS, faults).value;
        let filter = filter(table, &key::SYSLOG_EVENTS, &key::SYSLOG_SEVERITY, faults);
        let (transport, host, port) = to?.value;
        let name = name?;
        let own = name.value.clone();
        Some((
            name,
            Syslog { name: own, transport, host, port, ca_file, facility, numbers, filter },
        ))
    }

    fn hook(&self, table: &Table<'_>, faults: &mut Faults) -> Option<(Placed<String>, Hook)> {
        let name = named(table, &key::HOOK_NAME, faults);
        let command = table.list_if(&key::HOOK_COMMAND, faults, |word| Ok(word.to_owned()));
        let url = table.parsed_if(&key::HOOK_URL, faults, web_address);
        let secret = self.file(table, &key::HOOK_SECRET, faults);
        let filter = filter(table, &key::HOOK_EVENTS, &key::HOOK_SEVERITY, faults);
        let timeout = table.duration(&key::HOOK_TIMEOUT, faults).value;
        let tries = table.count(&key::HOOK_TRIES, faults).value;
        let retry = table.duration(&key::HOOK_RETRY, faults).value;
        let concurrency = table.count(&key::HOOK_CONCURRENCY, faults).value;
        let queue = table.count(&key::HOOK_QUEUE, faults).value;
        let act = match (command, url) {
            (Some(words), None) => {
                if let Some(value) = table.get(key::HOOK_SECRET.name) {
                    let message = "secret_file: a program gets no signature";
                    faults.push(
                        Diagnostic::error(self.source, value.span(), message)
                            .hint("leave it out, or write a url"),
                    );
                }
                run(table, words, faults)?
            }
            (None, Some(url)) => Act::Post { url: url.value, secret },
            (Some(_), Some(_)) | (None, None) => {
                let message = "[[hook]] with both or none of command and url";
                faults.push(
                    Diagnostic::error(self.source, table.span.clone(), message)
                        .hint("write one of them: a program to run, or an address to post to"),
                );
                return None;
            }
        };
        let name = name?;
        let own = name.value.clone();
        let hook = Hook { name: own, filter, act, timeout, tries, retry, concurrency, queue };
        Some((name, hook))
    }
}

/// `ca_file` without TLS: whoever wrote it believes that his events travel unread.
fn vouched_for(
    table: &Table<'_>,
    (transport, host, port): &(Transport, String, u16),
    faults: &mut Faults,
) {
    let scheme = match transport {
        Transport::Tls => return,
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    };
    let at = table.get(key::SYSLOG_CA.name).map_or(table.span.clone(), Spanned::span);
    let message = format!("ca_file: nobody has to vouch for {host}: {scheme} is not encrypted");
    let hint = format!("write \"tls://{host}:{port}\", or leave it out");
    faults.push(Diagnostic::error(table.source, at, message).hint(hint));
}

fn named(
    table: &Table<'_>,
    key: &Key<&'static str>,
    faults: &mut Faults,
) -> Option<Placed<String>> {
    table.required(key, faults);
    table.parsed_if(key, faults, values::name)
}

fn run(table: &Table<'_>, words: Vec<Placed<String>>, faults: &mut Faults) -> Option<Act> {
    let words: Vec<String> = words.into_iter().map(|word| word.value).collect();
    let whole = words.first().is_some_and(|program| program.starts_with('/'))
        && words.iter().all(|word| !word.contains('\0'));
    if !whole {
        let at = table.get(key::HOOK_COMMAND.name).map_or(table.span.clone(), Spanned::span);
        faults.push(
            Diagnostic::error(table.source, at, "command: the first is not an absolute path")
                .hint(format!("for example command = {}", key::HOOK_COMMAND.example)),
        );
        return None;
    }
    Some(Act::Run(words))
}

fn mail(table: &Table<'_>, faults: &mut Faults) -> Option<Mail> {
    table.required(&key::MAIL_TO, faults);
    table.required(&key::MAIL_FROM, faults);
    let to = table.list_if(&key::MAIL_TO, faults, mail_address);
    let from = table.parsed_if(&key::MAIL_FROM, faults, mail_address);
    let via = table.parsed_if(&key::MAIL_VIA, faults, mail_via);
    let via = via.map_or_else(
        || Via::Sendmail(super::decode::preset(&key::MAIL_VIA, "").into()),
        |via| via.value,
    );
    let filter = filter(table, &key::MAIL_EVENTS, &key::MAIL_SEVERITY, faults);
    let gather = table.duration(&key::MAIL_GATHER, faults).value;
    let every = table.duration(&key::MAIL_EVERY, faults).value;
    let to: Vec<String> = to?.into_iter().map(|to| to.value).collect();
    if to.is_empty() {
        let message = "to: nobody gets the mail";
        let at = table.get(key::MAIL_TO.name).map_or(table.span.clone(), Spanned::span);
        faults.push(
            Diagnostic::error(table.source, at, message).hint("name somebody, or leave [mail] out"),
        );
    }
    Some(Mail { to, from: from?.value, via, filter, gather, every })
}

fn filter(
    table: &Table<'_>,
    events: &Key<&'static [&'static str]>,
    severity: &Key<&'static str>,
    faults: &mut Faults,
) -> Filter {
    let events = table.list_if(events, faults, event).unwrap_or_default();
    let least = table.parsed_if(severity, faults, severity_of).map(|severity| severity.value);
    let preset = severity_of(super::decode::preset(severity, "")).unwrap_or(Severity::Plain);
    Filter {
        events: events.into_iter().map(|event| event.value).collect(),
        severity: least.unwrap_or(preset),
    }
}

fn event(text: &str) -> Result<String, Fault> {
    let alerts: Vec<String> =
        Alert::ALL.iter().map(|alert| format!("{OF_ALERT}{}", alert.name())).collect();
    let known = || event_names().iter().copied().chain(alerts.iter().map(String::as_str));
    if known().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    let hint = match values::nearest(text, known()) {
        Some(meant) => format!("\"{meant}\" is the nearest that there is"),
        None => "see the list in docs/reference/relay.md".to_owned(),
    };
    Err(Fault::new(format!("there is no event \"{}\"", text.escape_debug()), hint))
}

fn severity_of(text: &str) -> Result<Severity, Fault> {
    match text {
        "plain" => Ok(Severity::Plain),
        "notice" => Ok(Severity::Notice),
        "warning" => Ok(Severity::Warning),
        "alert" => Ok(Severity::Alert),
        _ => Err(Fault::new(
            format!("\"{}\" is no severity", text.escape_debug()),
            "write \"plain\", \"notice\", \"warning\" or \"alert\"",
        )),
    }
}

/// RFC 5424 §6.2.1, table 1.
const FACILITY_AUTHPRIV: u8 = 10;

fn facility(text: &str) -> Result<u8, Fault> {
    let local = text.strip_prefix("local").and_then(|digit| digit.parse::<u8>().ok());
    match (text, local) {
        ("daemon", _) => Ok(3),
        ("auth", _) => Ok(4),
        ("uucp", _) => Ok(8),
        ("authpriv", _) => Ok(FACILITY_AUTHPRIV),
        (_, Some(local)) if local < 8 => Ok(16 + local),
        (_, _) => Err(Fault::new(
            format!("\"{}\" is no facility", text.escape_debug()),
            "write \"daemon\", \"auth\", \"authpriv\", \"uucp\" or \"local0\" to \"local7\"",
        )),
    }
}

fn address(text: &str) -> Result<SocketAddr, Fault> {
    text.parse().map_err(|_| {
        Fault::new(
            format!("\"{}\" is not an address with a port", text.escape_debug()),
            "write for instance \"127.0.0.1:9833\" or \"[::1]:9833\"",
        )
    })
}

fn syslog_address(text: &str) -> Result<(Transport, String, u16), Fault> {
    let forms = "write \"udp://host:514\", \"tcp://host:514\" or \"tls://host:6514\"";
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let transport = match scheme {
        "udp" => Transport::Udp,
        "tcp" => Transport::Tcp,
        "tls" => Transport::Tls,
        _ => {
            let message = format!("\"{}\" does not say how", text.escape_debug());
            return Err(Fault::new(message, forms));
        }
    };
    let (host, port) =
        values::host_and_port(rest, text).map_err(|fault| Fault::new(fault.message, forms))?;
    Ok((transport, host, port))
}

fn web_address(text: &str) -> Result<String, Fault> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(text.to_owned())
        }
        Some(_) | None => Err(Fault::new(
            format!("\"{}\" is not a web address", text.escape_debug()),
            "write for instance \"https://hooks.example.org/dialback\"",
        )),
    }
}

/// What is refused here would otherwise be a header of its own in every mail.
fn mail_address(text: &str) -> Result<String, Fault> {
    let known = |byte: u8| byte.is_ascii_graphic() && !b"<>,;:\"()\\".contains(&byte);
    let known = |text: &str| text.bytes().all(known) && text.matches('@').count() == 1;
    match text.split_once('@') {
        Some((user, host)) if !user.is_empty() && !host.is_empty() && known(text) => {
            Ok(text.to_owned())
        }
        Some(_) | None => Err(Fault::new(
            format!("\"{}\" is not a mail address", text.escape_debug()),
            "write the bare address, like \"operators@example.org\"",
        )),
    }
}

fn mail_via(text: &str) -> Result<Via, Fault> {
    match text.strip_prefix("smtp://") {
        Some(rest) => {
            let (host, port) = values::host_and_port(rest, text)
                .map_err(|fault| Fault::new(fault.message, "write \"smtp://localhost:25\""))?;
            Ok(Via::Smtp { host, port })
        }
        None => absolute(text).map(|path| Via::Sendmail(path.into())),
    }
}

#[cfg(test)]
mod tests;
