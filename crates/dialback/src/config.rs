//! The configuration as the system has it: reads the files for `calls::config`, and looks whether the users,
//! programs and ports that they name exist.
//!
//! It deliberately does not know what the files mean. A fault that makes serving wrong is an error; what may
//! be there later (a USB modem, a program on a disk not yet mounted) is a warning.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use calls::config::load::{
    self, FileText, Files, Loaded, MAX_FILE, Mention, Mentioned, ReadFault, Surroundings,
};
use calls::config::{Config, System};
use calls::diagnostic::{Diagnostic, Look, Severity};
use serde::{Deserialize, Serialize};
use sys::account::Account;

use crate::out::Palette;

/// What reading the configuration came to.
#[derive(Debug)]
pub(crate) struct Read {
    /// The configuration, if a server can run with it.
    pub(crate) config: Option<Config>,
    /// Everything that is wrong or suspicious, in the order of reading.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Read {
    /// How many errors there are, and the first of them in one line.
    pub(crate) fn faults(&self) -> (u32, String) {
        let mut errors = self.diagnostics.iter().filter(|d| d.severity == Severity::Error);
        let first = errors.next().map_or_else(
            || "there is no configuration file to read".to_owned(),
            ToString::to_string,
        );
        let more = u32::try_from(errors.count()).unwrap_or(u32::MAX);
        (more.saturating_add(1), first)
    }

    /// The diagnostics for people, and a last line that sums them up if there are any.
    pub(crate) fn rendered(&self, palette: Palette) -> String {
        let look = if palette.coloured() { Look::Colour } else { Look::Plain };
        let mut text = String::new();
        for diagnostic in &self.diagnostics {
            text.push_str(&diagnostic.render(look));
            text.push_str("\n\n");
        }
        let count = |severity| self.diagnostics.iter().filter(|d| d.severity == severity).count();
        let counted = |n: usize, word: &str| match n {
            1 => format!("1 {word}"),
            n => format!("{n} {word}s"),
        };
        match (count(Severity::Error), count(Severity::Warning)) {
            (0, 0) => {}
            (0, warnings) => text.push_str(&format!("{}\n", counted(warnings, "warning"))),
            (errors, 0) => text.push_str(&format!("{}\n", counted(errors, "error"))),
            (errors, warnings) => text.push_str(&format!(
                "{}, {}\n",
                counted(errors, "error"),
                counted(warnings, "warning")
            )),
        }
        text
    }
}

/// Reads the configuration at `path` from these files; users, programs and ports need not exist.
pub(crate) fn read_with(path: &Path, files: &dyn Files) -> Read {
    read_and(path, own_uid(), files, |_| None)
}

/// Reads the configuration at `path` and everything that it names.
pub(crate) fn read(path: &Path) -> Read {
    read_and(path, own_uid(), &read_file, |mention| look(mention, &exists))
}

/// The same for a server that is not on this machine: users, programs and ports need not exist, and whose the files
/// are here does not matter.
pub(crate) fn read_text(path: &Path) -> Read {
    let uid = own_uid();
    let anybodys = |path: &Path| Ok(FileText { uid, mode: 0o600, ..read_file(path)? });
    read_and(path, uid, &anybodys, |_| None)
}

/// What a process that may read everything has read, for one that may not: with it the other comes to the same
/// configuration ([`read_kept`]). It holds secrets.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Whose rights the files were read with.
    uid: u32,
    files: BTreeMap<PathBuf, KeptFile>,
    /// The users that the configuration names, and whether they exist.
    users: BTreeMap<String, bool>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum KeptFile {
    Text { text: Vec<u8>, uid: u32, mode: u32 },
    Missing,
    Other(String),
}

/// As [`read`], and keeps what was read.
pub(crate) fn read_and_keep(path: &Path) -> (Read, Kept) {
    let kept = RefCell::new(Kept { uid: own_uid(), ..Kept::default() });
    let files = |path: &Path| {
        let found = read_file(path);
        let keep = match &found {
            Ok(FileText { text, uid, mode }) => {
                KeptFile::Text { text: text.clone(), uid: *uid, mode: *mode }
            }
            Err(ReadFault::Missing) => KeptFile::Missing,
            Err(ReadFault::Other(why)) => KeptFile::Other(why.clone()),
        };
        kept.borrow_mut().files.insert(path.to_owned(), keep);
        found
    };
    let users = |name: &str| {
        let found = exists(name)?;
        kept.borrow_mut().users.insert(name.to_owned(), found);
        Ok(found)
    };
    let read = read_and(path, own_uid(), &files, |mention| look(mention, &users));
    (read, kept.into_inner())
}

/// The configuration that somebody else has read.
pub(crate) fn read_kept(path: &Path, kept: &Kept) -> Read {
    let files = |path: &Path| match kept.files.get(path) {
        Some(KeptFile::Text { text, uid, mode }) => {
            Ok(FileText { text: text.clone(), uid: *uid, mode: *mode })
        }
        Some(KeptFile::Missing) | None => Err(ReadFault::Missing),
        Some(KeptFile::Other(why)) => Err(ReadFault::Other(why.clone())),
    };
    let unknown = || io::Error::other("nobody has asked it");
    let users = |name: &str| kept.users.get(name).copied().ok_or_else(unknown);
    read_and(path, kept.uid, &files, |mention| look(mention, &users))
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn read_and(
    path: &Path,
    uid: u32,
    files: &dyn Files,
    look: impl Fn(&Mention) -> Option<Diagnostic>,
) -> Read {
    let uname = rustix::system::uname();
    let text = |text: &CStr| text.to_string_lossy().into_owned();
    let surroundings = Surroundings {
        host: text(uname.nodename()),
        system: System {
            name: text(uname.sysname()),
            machine: text(uname.machine()),
            release: text(uname.release()),
            version: text(uname.version()),
        },
        uid,
    };
    match load::load(path, &surroundings, files) {
        Ok(Loaded { config, warnings, mentions }) => {
            let mut diagnostics = warnings;
            diagnostics.extend(mentions.iter().filter_map(&look));
            let faulty = diagnostics.iter().any(|d| d.severity == Severity::Error);
            Read { config: (!faulty).then_some(config), diagnostics }
        }
        Err(diagnostics) => Read { config: None, diagnostics },
    }
}

pub(crate) fn read_file(path: &Path) -> Result<FileText, ReadFault> {
    let open = || -> io::Result<FileText> {
        // Non-blocking: a pipe in the file's place must not hang us.
        let file = File::options()
            .read(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
            .open(path)?;
        let seen = file.metadata()?;
        if !seen.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut text = Vec::new();
        let limit = u64::try_from(MAX_FILE).unwrap_or(u64::MAX).saturating_add(1);
        file.take(limit).read_to_end(&mut text)?;
        Ok(FileText { text, uid: seen.uid(), mode: seen.permissions().mode() & 0o7777 })
    };
    open().map_err(|e| {
        let missing = e.kind() == io::ErrorKind::NotFound;
        if missing { ReadFault::Missing } else { ReadFault::Other(plain(&e)) }
    })
}

/// What the kernel says, without Rust's `(os error 13)`.
fn plain(e: &io::Error) -> String {
    let text = e.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text.get(..end).unwrap_or(&text).to_lowercase()
}

fn exists(user: &str) -> io::Result<bool> {
    Account::named(user).map(|account| account.is_some())
}

/// Whether something outside of the configuration is as it takes for granted.
fn look(mention: &Mention, user_exists: &dyn Fn(&str) -> io::Result<bool>) -> Option<Diagnostic> {
    match &mention.what {
        Mentioned::User(name) => match user_exists(name) {
            Ok(true) => None,
            Ok(false) => Some(
                mention
                    .error(format!("there is no user \"{name}\""))
                    .hint("create the user, or name one that exists (`-` for root)"),
            ),
            Err(e) => {
                Some(mention.warning(format!("the user database can't be read: {}", plain(&e))))
            }
        },
        Mentioned::Program(path) => match std::fs::metadata(path) {
            Ok(seen) if seen.is_file() && seen.permissions().mode() & 0o111 != 0 => None,
            Ok(_) => Some(
                mention
                    .warning(format!("{} is not a program that can be run", path.display()))
                    .hint("callers who get this entry will be hung up on"),
            ),
            Err(e) => Some(
                mention
                    .warning(format!("{}: {}", path.display(), plain(&e)))
                    .hint("callers who get this entry will be hung up on"),
            ),
        },
        Mentioned::Port(path) => match std::fs::metadata(path) {
            Ok(_) => None,
            Err(e) => Some(
                mention
                    .warning(format!("{}: {}", path.display(), plain(&e)))
                    .hint("the line stays out of order until the port is there"),
            ),
        },
    }
}
