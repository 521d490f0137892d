//! dialback.toml and the files that it names become a [`Config`], or a list of everything that is wrong.
//!
//! ```text
//! dialback.toml ─► TOML tree ─► sections ──┐
//! login.config ──► entries ────────────────┼─► what must go together ─► Config + warnings
//! dialin.config ─► words ──────────────────┘        (check)                or all errors
//! ```
//!
//! It reads no files: whoever calls hands in a way to get at their texts, with owner and mode. It does not
//! know whether users, programs and ports exist; [`Loaded::mentions`] says which to look for.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use super::decode::Placed;
use super::secrets::Secrets;
use super::sections::{Draft, Whole};
use super::{
    Config, ScreeningWord, System, check, dialin_config, login_config, ppp, secrets, users,
};
use crate::diagnostic::{self, Diagnostic, Severity, Source};

/// The largest file that is read: a login.config for ten thousand users is half of it.
pub const MAX_FILE: usize = 1024 * 1024;

/// A file as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileText {
    /// Its bytes, at most [`MAX_FILE`] and one more.
    pub text: Vec<u8>,
    /// The user that it belongs to.
    pub uid: u32,
    /// Its permission bits (`0o600`).
    pub mode: u32,
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// There is none of this name.
    Missing,
    /// Anything else, for people: `permission denied`.
    Other(String),
}

/// A way to get at files.
pub trait Files {
    /// The file at `path`.
    ///
    /// # Errors
    /// It is missing or can't be read.
    fn read(&self, path: &Path) -> Result<FileText, ReadFault>;
}

impl<F: Fn(&Path) -> Result<FileText, ReadFault>> Files for F {
    fn read(&self, path: &Path) -> Result<FileText, ReadFault> {
        self(path)
    }
}

/// Files in memory.
impl Files for BTreeMap<PathBuf, FileText> {
    fn read(&self, path: &Path) -> Result<FileText, ReadFault> {
        self.get(path).cloned().ok_or(ReadFault::Missing)
    }
}

/// What the configuration takes from the system that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The system's host name.
    pub host: String,
    /// What it is, as uname(2) tells.
    pub system: System,
    /// login.config must belong to root, or to this user: the one with whose rights its programs start.
    pub uid: u32,
}

/// A configuration without errors.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is suspicious in it.
    pub warnings: Vec<Diagnostic>,
    /// What it takes for granted and only the system itself can tell.
    pub mentions: Vec<Mention>,
}

/// A name in the configuration of something outside of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// What is named.
    pub what: Mentioned,
    source: Arc<Source>,
    span: Range<usize>,
}

/// What the configuration can name outside of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mentioned {
    /// A user whose rights a program gets.
    User(String),
    /// A program that shall be started.
    Program(PathBuf),
    /// A serial port.
    Port(PathBuf),
}

impl Mention {
    /// `what`, as it is named at `span`.
    pub(super) fn new(what: Mentioned, source: &Arc<Source>, span: Range<usize>) -> Self {
        Self { what, source: Arc::clone(source), span }
    }

    /// An error where it is named: `there is no user "uucp"`.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(&self.source, self.span.clone(), message)
    }

    /// A warning where it is named.
    #[must_use]
    pub fn warning(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(&self.source, self.span.clone(), message)
    }
}

/// The configuration at `path` and in the files that it names.
///
/// # Errors
/// Everything that is wrong, and the warnings, in the order of reading.
pub fn load(
    path: &Path,
    surroundings: &Surroundings,
    files: &dyn Files,
) -> Result<Loaded, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let mut mentions = Vec::new();
    let config = read(path, surroundings, files, &mut faults, &mut mentions);
    diagnostic::sort(&mut faults);
    cut(&mut faults);
    match config {
        Some(config) if faults.iter().all(|fault| fault.severity == Severity::Warning) => {
            Ok(Loaded { config, warnings: faults, mentions })
        }
        Some(_) | None => Err(faults),
    }
}

/// Reports a configuration that somebody else can write: it says what is started, and whom we call. It may be
/// read by all; secrets in it are looked at by themselves.
pub(super) fn check_writers(
    source: &Arc<Source>,
    file: &FileText,
    uid: u32,
    faults: &mut Vec<Diagnostic>,
) {
    if file.uid != 0 && file.uid != uid {
        let message = format!("belongs to the user with id {}, not to root", file.uid);
        let hint = format!("chown root {}", source.name());
        faults.push(Diagnostic::of_file(source, message).hint(hint));
    }
    if file.mode & 0o022 != 0 {
        let mode = file.mode & 0o7777;
        let message = format!("mode {mode:04o} lets others write it");
        let hint = format!("chmod go-w {}", source.name());
        faults.push(Diagnostic::of_file(source, message).hint(hint));
    }
}

fn read(
    path: &Path,
    surroundings: &Surroundings,
    files: &dyn Files,
    faults: &mut Vec<Diagnostic>,
    mentions: &mut Vec<Mention>,
) -> Option<Config> {
    let name = path.display().to_string();
    let file = match files.read(path) {
        Ok(file) => file,
        Err(fault) => {
            let message = match fault {
                ReadFault::Missing => "no such file".to_owned(),
                ReadFault::Other(why) => format!("can't be read: {why}"),
            };
            let hint = "name the configuration with --config FILE";
            faults.push(Diagnostic::of_file(&Source::new(name, ""), message).hint(hint));
            return None;
        }
    };
    check_writers(&Source::new(name.as_str(), ""), &file, surroundings.uid, faults);
    let source = text(&name, &file, Encoding::Utf8, faults)?;
    let shown = Source::new(name, users::masked(source.text()));
    let (written, source) = (source, shown);
    let (tree, errors) = DeTable::parse_recoverable(written.text());
    let whole = if errors.is_empty() { Whole::Yes } else { Whole::Torn };
    let mut found = Vec::new();
    let draft = Draft::read(&source, tree.get_ref(), surroundings, path, whole, &mut found);
    let syntax: Vec<Diagnostic> = errors.iter().map(|error| syntax(&source, error)).collect();
    // What syntax has torn on a line is not told a second time.
    let torn: Vec<_> = syntax.iter().map(line_of).collect();
    found.retain(|fault| !torn.contains(&line_of(fault)));
    faults.extend(syntax);
    faults.extend(found);
    let mut draft = draft.filter(|_| whole == Whole::Yes)?;
    let login = draft.read_login_config(surroundings, files, faults);
    let screening = draft.read_dialin_config(surroundings, files, faults);
    draft.read_issue(files, faults);
    draft.read_users(surroundings, files, faults);
    draft.check_open_secrets(&file, surroundings.uid, faults);
    let ppp = draft.read_secrets(surroundings, files, faults);
    let entries = check::all(&mut draft, login, screening.as_deref(), faults, mentions);
    if let Some(at) = draft.places.user.clone() {
        let user = Mentioned::User(draft.server.user.clone());
        mentions.push(Mention::new(user, &draft.source, at));
    }
    Some(Config {
        server: draft.server,
        audit: draft.audit,
        web: draft.web,
        login: draft.login,
        callback: draft.callback,
        ppp,
        site: draft.site,
        currency: draft.currency,
        tariffs: draft.tariffs,
        budgets: draft.budgets,
        users: draft.users.into_iter().map(|user| user.user).collect(),
        lines: draft.lines.into_iter().map(|line| line.line).collect(),
        entries,
        screening: screening
            .map(|words| words.into_iter().map(|word| word.value).collect())
            .unwrap_or_default(),
    })
}

/// A path as a diagnostic names it: TOML lets a line end into it.
fn one_line(path: &Path) -> String {
    let mut line = String::new();
    for letter in path.display().to_string().chars() {
        if letter.is_control() {
            line.extend(letter.escape_debug());
        } else {
            line.push(letter);
        }
    }
    line
}

/// The most diagnostics that are told of one configuration. Whoever has mended these runs it again; and
/// the time to show them stays within bounds whatever the file is.
const MAX_TOLD: usize = 200;

/// Leaves out what nobody would read, errors last.
fn cut(faults: &mut Vec<Diagnostic>) {
    let Some(more) = faults.len().checked_sub(MAX_TOLD).filter(|more| *more > 0) else { return };
    let errors = faults.iter().filter(|fault| fault.severity == Severity::Error).count();
    if errors > 0 {
        faults.retain(|fault| fault.severity == Severity::Error);
    }
    faults.truncate(MAX_TOLD);
    if let Some(last) = faults.last() {
        let message = format!("{more} more are not shown");
        let source = Arc::clone(&last.source);
        let rest = match last.severity {
            Severity::Error => Diagnostic::of_file(&source, message),
            Severity::Warning => Diagnostic::warning_of_file(&source, message),
        };
        faults.push(rest.hint("mend these first"));
    }
}

fn line_of(fault: &Diagnostic) -> Option<usize> {
    fault.span.as_ref().map(|span| fault.source.line(span.start))
}

/// How bytes that are not UTF-8 are taken.
pub(super) enum Encoding {
    /// They are an error, as in TOML.
    Utf8,
    /// They may stand in comments: old files are in Latin 1. The reader refuses them elsewhere.
    Any,
}

/// A file's text, bounded and decoded.
pub(super) fn text(
    name: &str,
    file: &FileText,
    encoding: Encoding,
    faults: &mut Vec<Diagnostic>,
) -> Option<Arc<Source>> {
    if file.text.len() > MAX_FILE {
        let message = format!("more than {} KiB", MAX_FILE / 1024);
        let hint = "is it the right file?";
        faults.push(Diagnostic::of_file(&Source::new(name, ""), message).hint(hint));
        return None;
    }
    let source = Source::new(name, String::from_utf8_lossy(&file.text));
    match (encoding, std::str::from_utf8(&file.text)) {
        (Encoding::Any, _) | (Encoding::Utf8, Ok(_)) => Some(source),
        (Encoding::Utf8, Err(error)) => {
            // Up to there both texts are the same; the replacement character has three bytes.
            let start = error.valid_up_to();
            let byte = file.text.get(start).copied().unwrap_or_default();
            faults.push(
                Diagnostic::error(
                    &source,
                    start..start + char::REPLACEMENT_CHARACTER.len_utf8(),
                    format!("byte 0x{byte:02x} is not UTF-8"),
                )
                .hint("save the file as UTF-8"),
            );
            None
        }
    }
}

/// What the TOML parser says, with a hint for what people mostly do.
pub(super) fn syntax(source: &Arc<Source>, error: &toml::de::Error) -> Diagnostic {
    let end = source.text().len();
    let span = error.span().unwrap_or(end..end);
    let fault = Diagnostic::error(source, span, format!("not TOML: {}", error.message()));
    let message = error.message();
    if message.contains("duplicate key") {
        fault.hint("each key and section can stand only once; a further line begins with [[line]]")
    } else if message.contains("quote") || message.contains("string") {
        fault.hint("texts stand in double quotes, like port = \"/dev/ttyS0\"")
    } else {
        fault.hint("a key and its value stand on one line, like rings = 1, texts in double quotes")
    }
}

impl Draft {
    /// A file that dialback.toml names.
    fn read_file(
        &self,
        key: &str,
        path: &Path,
        at: Option<&Range<usize>>,
        files: &dyn Files,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<(Arc<Source>, FileText)> {
        let shown = one_line(path);
        match files.read(path) {
            Ok(file) => {
                let source = text(&shown, &file, Encoding::Any, faults)?;
                Some((source, file))
            }
            Err(fault) => {
                self.unread(key, path, at, &fault, faults);
                None
            }
        }
    }

    /// Tells that a file which dialback.toml names cannot be read.
    fn unread(
        &self,
        key: &str,
        path: &Path,
        at: Option<&Range<usize>>,
        fault: &ReadFault,
        faults: &mut Vec<Diagnostic>,
    ) {
        let shown = one_line(path);
        let (message, hint) = match fault {
            ReadFault::Missing => {
                (format!("{key}: there is no {shown}"), "create it, or name another")
            }
            ReadFault::Other(why) => {
                (format!("{key}: {shown} can't be read: {why}"), "mend that, or name another")
            }
        };
        faults.push(match at {
            Some(at) => Diagnostic::error(&self.source, at.clone(), message).hint(hint),
            None => Diagnostic::of_file(&self.source, message).hint(hint),
        });
    }

    fn read_login_config(
        &self,
        surroundings: &Surroundings,
        files: &dyn Files,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<login_config::LoginConfig> {
        let at = self.places.login_config.as_ref();
        let (source, file) =
            self.read_file("login_config", &self.server.login_config, at, files, faults)?;
        login_config::check_owner(&source, &file, surroundings.uid, faults);
        Some(login_config::parse(&source, faults))
    }

    fn read_dialin_config(
        &self,
        surroundings: &Surroundings,
        files: &dyn Files,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<Vec<Placed<ScreeningWord>>> {
        let path = self.server.dialin_config.as_ref()?;
        let at = self.places.dialin_config.as_ref();
        let (source, file) = self.read_file("dialin_config", path, at, files, faults)?;
        // Who writes it says who is answered.
        check_writers(&source, &file, surroundings.uid, faults);
        Some(dialin_config::parse(&source, faults))
    }

    fn read_secrets(
        &self,
        surroundings: &Surroundings,
        files: &dyn Files,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<ppp::Ppp> {
        let path = &self.ppp.as_ref()?.secrets;
        let file = |path: &Path, file: &FileText, faults: &mut Vec<Diagnostic>| {
            secrets::parse(&one_line(path), file, surroundings.uid, faults)
        };
        let chap = match files.read(&path.value) {
            Ok(found) => file(&path.value, &found, faults),
            Err(fault) => {
                self.unread("secrets", &path.value, path.at.as_ref(), &fault, faults);
                return None;
            }
        };
        let beside = path.value.with_file_name(ppp::PAP_SECRETS);
        let pap = match files.read(&beside) {
            Ok(found) => Some(file(&beside, &found, faults)),
            Err(ReadFault::Missing) => None,
            Err(fault @ ReadFault::Other(_)) => {
                self.unread("secrets", &beside, path.at.as_ref(), &fault, faults);
                None
            }
        };
        let users = self.users.iter().map(|user| &user.user);
        chap.check_users(users.clone(), &self.server.host, faults);
        let draft = self.ppp.as_ref()?;
        Some(ppp::Ppp {
            secrets: Secrets::of(chap, pap, users),
            network: draft.network.network.clone(),
            rfc1570: draft.rfc1570,
            capture: draft.capture.clone(),
        })
    }

    /// The users of the file that `[server] users` names, behind those of dialback.toml.
    fn read_users(
        &mut self,
        surroundings: &Surroundings,
        files: &dyn Files,
        faults: &mut Vec<Diagnostic>,
    ) {
        let Some(path) = self.server.users.clone() else { return };
        let shown = one_line(&path);
        let found = match files.read(&path) {
            Ok(file) => file,
            Err(fault) => {
                return self.unread("users", &path, self.places.users.as_ref(), &fault, faults);
            }
        };
        let Some(written) = text(&shown, &found, Encoding::Utf8, faults) else { return };
        let source = Source::new(shown, users::masked(written.text()));
        login_config::check_owner(&source, &found, surroundings.uid, faults);
        let (tree, errors) = DeTable::parse_recoverable(written.text());
        faults.extend(errors.iter().map(|error| syntax(&source, error)));
        let whole = if errors.is_empty() { Whole::Yes } else { Whole::Torn };
        for (key, _) in tree.get_ref() {
            if key.get_ref() != "user" {
                let message = format!("there is no \"{}\" in a file of users", key.get_ref());
                let fault = Diagnostic::error(&source, key.span(), message);
                faults.push(fault.hint("begin each user with [[user]]"));
            }
        }
        self.users.extend(users::users(&source, tree.get_ref(), whole, faults));
    }

    /// Secrets in dialback.toml itself, which is often open to everybody, want it closed.
    fn check_open_secrets(&self, file: &FileText, uid: u32, faults: &mut Vec<Diagnostic>) {
        let is_open = file.mode & 0o077 != 0 || (file.uid != uid && file.uid != 0);
        let here = |user: &&users::UserDraft| Arc::ptr_eq(&user.source, &self.source);
        if let Some(at) = self.users.iter().filter(here).find_map(|user| user.secret_at.clone())
            && is_open
        {
            let message = "a secret in a file that others can get at";
            let hint = "move the user into a file of users (users = \"users.toml\" in [server]), or close this one: \
                        chmod 600";
            faults.push(Diagnostic::error(&self.source, at, message).hint(hint));
        }
    }

    fn read_issue(&mut self, files: &dyn Files, faults: &mut Vec<Diagnostic>) {
        let Some(issue) = self.places.issue.take() else { return };
        if issue.at.is_none() && files.read(&issue.value) == Err(ReadFault::Missing) {
            return;
        }
        let file = self.read_file("issue", &issue.value, issue.at.as_ref(), files, faults);
        if let Some((source, _)) = file {
            // The system's own was written for agetty: mgetty would print "Debian GNU/Linux 12", a line end and " l".
            let is_the_systems = issue.at.is_none();
            let text = source.text();
            self.login.issue =
                if is_the_systems { proto::login::from_agetty(text) } else { text.to_owned() };
        }
    }
}
