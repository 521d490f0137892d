//! The thread that writes: takes all entries that wait, writes them in one transaction, says so.
//!
//! ```text
//!   WRITING ── transaction failed: StoreFailed(why), once ──►  FAILING
//!      ▲                                                          │ every second, or with the next entry:
//!      └────── all that waited is written: Durable(last) ◄────────┘ fresh connection, everything again
//! ```
//!
//! It deliberately does not know what waits for its word.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use calls::record::{Record, Records};
use calls::vocabulary::{Entry, Seq};
use rusqlite::{Connection, TransactionBehavior};

use super::{Link, Store, StoreFault, chain, schema};

/// How soon a failed write is tried again: a full disk is emptied by people.
const RETRY: Duration = Duration::from_secs(1);

/// Entries kept while nothing can be written, some 30 MB of them: hours of a thousand busy lines. What
/// comes after is lost, and the gap in the numbers shows it.
const BACKLOG: usize = 100_000;

/// Entries in one transaction: keeps the first of them from waiting for the last.
const BATCH: usize = 1_000;

/// What the store says to the loop.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Everything up to here is on disk.
    Durable(Seq),
    /// Nothing can be written. Said once; the next [`Word::Durable`] ends it.
    Failed(String),
}

/// The way to the writing thread. Dropping it does not wait; see [`Writer::finish`].
#[derive(Debug)]
pub(crate) struct Writer {
    entries: Sender<Entry>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts the thread. `tell` is called on it.
    pub(crate) fn start(
        store: Store,
        tell: impl FnMut(Word) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (entries, waiting) = channel();
        let Store { path, connection, head, records, lock } = store;
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            let connection = Some(connection);
            let mut pen = Pen { path, connection, head, records, backlog: Vec::new() };
            pen.run(&waiting, tell);
            drop(pen);
            drop(lock);
        })?;
        Ok(Self { entries, thread })
    }

    /// Hands an entry over. Never blocks.
    pub(crate) fn append(&self, entry: Entry) {
        if self.entries.send(entry).is_err() {
            tracing::error!("the store's thread has died; an event is lost");
        }
    }

    /// Waits until everything is written, or can't be.
    pub(crate) fn finish(self) {
        drop(self.entries);
        if self.thread.join().is_err() {
            tracing::error!("the store's thread has died; the last events may be lost");
        }
    }
}

struct Pen {
    path: PathBuf,
    connection: Option<Connection>,
    head: Link,
    records: Records,
    /// Not written yet, in order.
    backlog: Vec<Waiting>,
}

/// An entry, and the record of the call that is over with it.
struct Waiting {
    entry: Entry,
    record: Option<Record>,
}

impl Pen {
    fn run(&mut self, waiting: &Receiver<Entry>, mut tell: impl FnMut(Word)) {
        let mut failing = false;
        let mut open = true;
        while open || !self.backlog.is_empty() {
            open = open && self.collect(waiting, failing);
            if self.backlog.is_empty() {
                continue;
            }
            match self.write() {
                Ok(()) => {
                    failing = false;
                    tell(Word::Durable(self.head.seq));
                }
                Err(fault) if !open => {
                    tracing::error!("{} events are lost: {fault}", self.backlog.len());
                    return;
                }
                Err(fault) => {
                    if !failing {
                        tell(Word::Failed(fault.to_string()));
                    }
                    failing = true;
                }
            }
        }
    }

    /// Takes what waits, at least one entry unless writing must be tried again. `false`: no more will come.
    fn collect(&mut self, waiting: &Receiver<Entry>, failing: bool) -> bool {
        let first = if failing {
            waiting.recv_timeout(RETRY)
        } else {
            waiting.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match first {
            Ok(entry) => self.keep(entry),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        for entry in waiting.try_iter().take(BATCH - 1) {
            self.keep(entry);
        }
        true
    }

    fn keep(&mut self, entry: Entry) {
        if self.backlog.len() < BACKLOG {
            let record = self.records.apply(&entry);
            self.backlog.push(Waiting { entry, record });
        } else {
            tracing::error!(
                seq = entry.seq.0,
                "the store can't be written and its backlog is full: an event is lost"
            );
        }
    }

    fn write(&mut self) -> Result<(), StoreFault> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => reopen(&self.path, &self.head)?,
        };
        // On failure the connection is dropped: a fresh one finds out what the disk is like by now.
        let head = append(&mut connection, &self.head, &self.backlog)
            .map_err(|source| StoreFault::Sqlite { path: self.path.clone(), source })?;
        self.head = head;
        self.backlog.clear();
        self.connection = Some(connection);
        Ok(())
    }
}

fn reopen(path: &Path, head: &Link) -> Result<Connection, StoreFault> {
    let connection = schema::open(path)?;
    let found = chain::head(&connection)
        .map_err(|source| StoreFault::Sqlite { path: path.to_owned(), source })?;
    if found != *head {
        return Err(StoreFault::Foreign { path: path.to_owned() });
    }
    Ok(connection)
}

/// All or nothing.
fn append(connection: &mut Connection, head: &Link, waiting: &[Waiting]) -> rusqlite::Result<Link> {
    let mut head = *head;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut journal = transaction.prepare_cached(
            "INSERT INTO journal (seq, unix_ms, entry, hash) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let mut records = transaction.prepare_cached(
            "INSERT OR REPLACE INTO records (call, line, ended, record) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for Waiting { entry, record } in waiting {
            let text = json(entry)?;
            head = head.next(entry.seq, entry.at.unix_ms, &text);
            journal.execute((number(head.seq.0), entry.at.unix_ms, text, head.hash))?;
            if let Some(record) = record {
                let ended = record.ended.map(|at| at.unix_ms);
                records.execute((number(record.call.0), &record.line, ended, json(record)?))?;
            }
        }
    }
    transaction.commit()?;
    Ok(head)
}

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

/// SQLite's integers are signed; no run reaches the far half.
pub(super) fn number(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

#[cfg(test)]
impl Store {
    /// Makes the disk look full after that many pages, for this connection.
    pub(super) fn limit_pages(&self, pages: u32) {
        self.connection.pragma_update(None, "max_page_count", pages).unwrap();
    }
}
