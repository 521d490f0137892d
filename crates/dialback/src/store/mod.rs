//! The journal on disk: every event once, in order, chained by hashes, and the records folded from it.
//!
//! ```text
//!   the loop ── append(entry) ──►  writer thread  ── one transaction for all that wait ──►  journal.db
//!      ▲                              │                                                  (SQLite, WAL,
//!      └── Durable(seq) ◄─────────────┤ committed and synced                            synchronous=FULL)
//!      └── StoreFailed(why) ◄─────────┘ said once; tried again every second, from a fresh connection
//! ```
//!
//! What is on disk survives `kill -9` and power loss; what was not said to be durable may not. The
//! append-only triggers keep honest programs honest; the hash chain shows what a dishonest one did.
//!
//! It deliberately does not know: what an event means. Promises and records are folds that live in `calls`.

mod chain;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use calls::record::Records;
use calls::recovery::{Fold, Restored};
use calls::vocabulary::Seq;
pub(crate) use chain::Link;
pub(crate) use reader::{From, Pages, Reader, Subject, Which};
pub(crate) use writer::{Settler, Word, Writer};

/// Opens a database for reading alone, beside whoever writes it.
///
/// # Errors
/// SQLite's.
pub(crate) fn open_to_read(path: &Path) -> rusqlite::Result<rusqlite::Connection> {
    schema::open_to_read(path)
}

/// Where the journal is in a server's `state_dir`.
pub(crate) fn journal_in(state_dir: &Path) -> PathBuf {
    state_dir.join(JOURNAL_FILE)
}

/// The file that says, by its lock, who writes here; its text is his pid.
const LOCK_FILE: &str = "lock";
/// The database.
const JOURNAL_FILE: &str = "journal.db";

/// Why the store can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreFault {
    /// The directory can't be made or written.
    #[error("{path}: {source}: make server.state_dir a directory that the server may write")]
    Directory {
        /// Where.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// Another server writes here.
    #[error("{path}: already running, pid {pid}: one server writes one journal")]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, as he wrote it.
        pid: String,
    },
    /// A newer version wrote this.
    #[error(
        "{path}: written by a newer dialback (layout {found}, this one knows {known}): upgrade, or give it \
         another server.state_dir"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its layout.
        found: u32,
        /// Ours.
        known: usize,
    },
    /// A newer version wrote this entry: a new event does not raise the layout.
    #[error(
        "{path}: entry {seq} was written by a newer dialback ({why}): upgrade again, and leave the file where it is"
    )]
    Unknown {
        /// The database.
        path: PathBuf,
        /// The entry.
        seq: u64,
        /// What is new in it.
        why: String,
    },
    /// An entry is not what was written.
    #[error(
        "{path}: entry {seq} {what}: the journal has been changed; keep the file for inquiry, move it away, \
         and start with a new one"
    )]
    Changed {
        /// The database.
        path: PathBuf,
        /// The first entry that is wrong.
        seq: u64,
        /// How.
        what: String,
    },
    /// Somebody else has written, or put another file in its place.
    #[error(
        "{path}: does not end where we left it: somebody else has written to it, or replaced it"
    )]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// SQLite's own words.
    #[error("{path}: {source}")]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What it says.
        source: rusqlite::Error,
    },
}

impl StoreFault {
    /// Of an entry that can't be read, and why. JSON that nobody has altered is a newer version's: promises and measured hold
    /// times are in that journal, and must not be moved away with it.
    fn unread(path: &Path, seq: Seq, text: &str, why: &str) -> Self {
        let (path, seq) = (path.to_owned(), seq.0);
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(serde_json::Value::Object(_)) => {
                // All the events that this version knows are no news.
                let why = why.split_once(", expected").map_or(why, |(why, _)| why).to_owned();
                Self::Unknown { path, seq, why }
            }
            Ok(_) | Err(_) => {
                Self::Changed { path, seq, what: format!("is no JSON object ({why})") }
            }
        }
    }
}

/// A journal that is ours to write, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    connection: rusqlite::Connection,
    head: Link,
    /// Calls that are not over yet, from `restore`.
    records: Records,
    /// Locked; the kernel unlocks it when we are gone, however we go.
    lock: File,
}

impl Store {
    /// Opens the journal in `dir`, making both if need be, and brings its layout up to date.
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreFault> {
        let directory = |source| StoreFault::Directory { path: dir.to_owned(), source };
        // Callers' names and numbers are nobody else's business.
        fs::DirBuilder::new().recursive(true).mode(0o750).create(dir).map_err(directory)?;
        let lock = take_lock(&dir.join(LOCK_FILE)).map_err(|fault| match fault {
            LockFault::Held(pid) => StoreFault::Locked { path: dir.join(LOCK_FILE), pid },
            LockFault::Io(source) => directory(source),
        })?;
        let path = dir.join(JOURNAL_FILE);
        // SQLite would make it readable for everybody; its companions (-wal, -shm) take the mode from it.
        fs::OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o640)
            .open(&path)
            .map_err(|source| StoreFault::Directory { path: path.clone(), source })?;
        let connection = schema::open(&path)?;
        let head = chain::head(&connection)
            .map_err(|source| StoreFault::Sqlite { path: path.clone(), source })?;
        Ok(Self { path, connection, head, records: Records::default(), lock })
    }

    /// Where the database is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the whole journal in order, makes sure that each entry follows from the one before it, and
    /// says what it means for this run. 100,000 entries (14,000 calls) take half a second on two busy cores: half of it
    /// is the reading of their JSON, a quarter their hashes.
    pub(crate) fn restore(&mut self) -> Result<Restored, StoreFault> {
        let mut fold = Fold::default();
        let mut records = Records::default();
        chain::verify(&self.connection, &self.path, |entry| {
            fold.apply(&entry);
            // Those that are over are in the database already: written with the entry that ended them.
            drop(records.apply(&entry));
        })?;
        self.records = records;
        Ok(fold.finish())
    }
}

enum LockFault {
    Held(String),
    Io(io::Error),
}

fn take_lock(path: &Path) -> Result<File, LockFault> {
    let mut file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .open(path)
        .map_err(LockFault::Io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Only for the message: the lock itself is the kernel's.
            drop(file.take(20).read_to_string(&mut pid));
            return Err(LockFault::Held(pid.trim().to_owned()));
        }
        Err(TryLockError::Error(e)) => return Err(LockFault::Io(e)),
    }
    file.set_len(0).map_err(LockFault::Io)?;
    writeln!(file, "{}", std::process::id()).map_err(LockFault::Io)?;
    Ok(file)
}
