//! The thread that writes: takes all entries that wait, writes them in one transaction, says so.
//!
//! ```text
//!   WRITING ── transaction failed: StoreFailed(why), once ──►  FAILING
//!      ▲                                                          │ every second, or with the next entry:
//!      └────── all that waited is written: Durable(last) ◄────────┘ fresh connection, everything again
//! ```
//!
//! It deliberately does not know what waits for its word.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use calls::record::{Record, Records};
use calls::vocabulary::{Entry, Seq};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

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

/// What the writing thread is told.
enum Item {
    Entry(Arc<Entry>),
    /// To be answered when everything before it is written, or can't be.
    Settle(oneshot::Sender<()>),
    End,
}

/// The way to the writing thread.
#[derive(Debug)]
pub(crate) struct Writer {
    items: Sender<Item>,
    thread: JoinHandle<()>,
}

/// Lets readers wait for what has been told and is not yet written.
#[derive(Clone, Debug)]
pub(crate) struct Settler(Sender<Item>);

impl Settler {
    /// Waits until everything that was appended before is written, or can't be.
    pub(crate) async fn settled(&self) {
        let (tell, told) = oneshot::channel();
        // A thread that has ended has written what it could.
        if self.0.send(Item::Settle(tell)).is_ok() {
            drop(told.await);
        }
    }
}

impl Writer {
    /// Starts the thread. `tell` is called on it.
    pub(crate) fn start(
        store: Store,
        tell: impl FnMut(Word) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (items, waiting) = channel();
        let Store { path, connection, head, records, lock } = store;
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            let mut pen = Pen {
                path,
                connection: Some(connection),
                head,
                records,
                backlog: Vec::new(),
                settling: Vec::new(),
                open: true,
            };
            pen.run(&waiting, tell);
            drop(pen);
            drop(lock);
        })?;
        Ok(Self { items, thread })
    }

    /// Hands an entry over. Never blocks.
    pub(crate) fn append(&self, entry: Arc<Entry>) {
        if self.items.send(Item::Entry(entry)).is_err() {
            tracing::error!("the store's thread has died; an event is lost");
        }
    }

    /// For readers beside the writer.
    pub(crate) fn settler(&self) -> Settler {
        Settler(self.items.clone())
    }

    /// Waits until everything is written, or can't be.
    pub(crate) fn finish(self) {
        // If the thread has died already, joining it says so.
        drop(self.items.send(Item::End));
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
    settling: Vec<oneshot::Sender<()>>,
    /// More may come.
    open: bool,
}

/// An entry, and the record of the call that is over with it.
struct Waiting {
    entry: Arc<Entry>,
    record: Option<Record>,
}

impl Pen {
    fn run(&mut self, waiting: &Receiver<Item>, mut tell: impl FnMut(Word)) {
        let mut failing = false;
        while self.open || !self.backlog.is_empty() {
            if failing {
                self.wait_and_collect(waiting);
            } else {
                self.collect(waiting);
            }
            let written = if self.backlog.is_empty() { Ok(()) } else { self.write() };
            match written {
                Ok(()) => {
                    failing = false;
                    tell(Word::Durable(self.head.seq));
                }
                Err(fault) if !self.open => {
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
            for settled in self.settling.drain(..) {
                // Who waited may have gone.
                let _gone = settled.send(());
            }
        }
    }

    /// Takes what waits, at least one item.
    fn collect(&mut self, waiting: &Receiver<Item>) {
        if !self.open {
            return;
        }
        match waiting.recv() {
            Ok(item) => self.take(item),
            Err(_) => self.open = false,
        }
        for item in waiting.try_iter().take(BATCH - 1) {
            self.take(item);
        }
    }

    /// Takes what comes within the time after which a failed write is tried again.
    fn wait_and_collect(&mut self, waiting: &Receiver<Item>) {
        let again = Instant::now() + RETRY;
        while self.open {
            match waiting.recv_timeout(again.saturating_duration_since(Instant::now())) {
                Ok(item) => self.take(item),
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => self.open = false,
            }
        }
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::Entry(entry) if self.backlog.len() < BACKLOG => {
                let record = self.records.apply(&entry);
                self.backlog.push(Waiting { entry, record });
            }
            Item::Entry(entry) => tracing::error!(
                seq = entry.seq.0,
                "the store can't be written and its backlog is full: an event is lost"
            ),
            Item::Settle(tell) => self.settling.push(tell),
            Item::End => self.open = false,
        }
    }

    fn write(&mut self) -> Result<(), StoreFault> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reopen()?,
        };
        // On failure the connection is dropped: a fresh one finds out what the disk is like by now.
        let head = append(&mut connection, &self.head, &self.backlog)
            .map_err(|source| StoreFault::Sqlite { path: self.path.clone(), source })?;
        self.head = head;
        self.backlog.clear();
        self.connection = Some(connection);
        Ok(())
    }

    fn reopen(&mut self) -> Result<Connection, StoreFault> {
        let fault = |source| StoreFault::Sqlite { path: self.path.clone(), source };
        let connection = schema::open(&self.path)?;
        let found = chain::head(&connection).map_err(fault)?;
        if found == self.head {
            return Ok(connection);
        }
        // A commit may have succeeded and failed to say so: then the journal ends with what waits first.
        let mut head = self.head;
        for (index, Waiting { entry, .. }) in self.backlog.iter().enumerate() {
            head = head.next(entry.seq, entry.at.unix_ms, &json(entry.as_ref()).map_err(fault)?);
            if head == found {
                self.head = head;
                self.backlog.drain(..=index);
                return Ok(connection);
            }
        }
        Err(StoreFault::Foreign { path: self.path.clone() })
    }
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
            let text = json(entry.as_ref())?;
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

#[cfg(test)]
mod tests {
    use calls::vocabulary::{Event, Wall};

    use super::super::tests::Folder;
    use super::*;

    #[test]
    fn a_commit_that_succeeded_and_failed_to_say_so_is_not_written_twice() {
        let folder = Folder::new("pen");
        let Store { path, connection, head, records, lock } = Store::open(&folder.0).unwrap();
        let waiting = |seq| {
            let event = Event::LineReady { line: "main".to_owned() };
            let entry = Arc::new(Entry { seq: Seq(seq), at: Wall::default(), event });
            Waiting { entry, record: None }
        };
        let connection = Some(connection);
        let backlog = vec![waiting(1), waiting(2)];
        let settling = Vec::new();
        let mut pen = Pen { path, connection, head, records, backlog, settling, open: true };
        pen.write().unwrap();
        let written = pen.head;
        // As if nobody had told us.
        pen.connection = None;
        pen.head = head;
        pen.backlog = vec![waiting(1), waiting(2), waiting(3)];
        pen.write().unwrap();
        let connection = pen.connection.as_ref().unwrap();
        let count: i64 =
            connection.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).unwrap();
        assert_eq!((count, pen.head.seq), (3, Seq(3)));
        assert_ne!(pen.head, written);
        drop((pen, lock));
    }
}
