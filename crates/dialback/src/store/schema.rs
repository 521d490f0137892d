//! The layout of journal.db and how older layouts become the present one.
//!
//! `PRAGMA user_version` counts the steps that have been taken. A step once released is never changed; a
//! new layout is a new step.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::StoreFault;

/// How long we wait for a reader that holds the file up (a backup, `sqlite3` in somebody's shell).
const BUSY: Duration = Duration::from_secs(5);

/// Each step turns layout N into N + 1.
const STEPS: &[&str] = &[
    // 1: the journal. `hash` is SHA-256 over the previous row's hash and this row (see `chain`). The insert
    // trigger also stops INSERT OR REPLACE, which would delete without asking the delete trigger.
    // `records` is what `calls::record` makes of the journal: derived, never more than it.
    "CREATE TABLE journal (
         seq     INTEGER PRIMARY KEY,
         unix_ms INTEGER NOT NULL,
         entry   TEXT    NOT NULL,
         hash    BLOB    NOT NULL
     ) STRICT;
     CREATE TRIGGER journal_grows BEFORE INSERT ON journal
         WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM journal)
         BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
     CREATE TRIGGER journal_stays BEFORE UPDATE ON journal
         BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
     CREATE TRIGGER journal_keeps BEFORE DELETE ON journal
         BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
     CREATE TABLE records (
         call    INTEGER PRIMARY KEY,
         line    TEXT    NOT NULL,
         ended   INTEGER,
         record  TEXT    NOT NULL
     ) STRICT;",
    // 2: the journal is found by what its entries are about. Entries that somebody has spoiled are not
    // indexed here; the chain tells of them.
    "CREATE INDEX journal_of_session ON journal
         (CASE WHEN json_valid(entry) THEN json_extract(entry, '$.session') END)
         WHERE CASE WHEN json_valid(entry) THEN json_extract(entry, '$.session') END IS NOT NULL;
     CREATE INDEX journal_of_call ON journal
         (CASE WHEN json_valid(entry) THEN json_extract(entry, '$.call') END)
         WHERE CASE WHEN json_valid(entry) THEN json_extract(entry, '$.call') END IS NOT NULL;
     CREATE INDEX journal_of_promise ON journal
         (CASE WHEN json_valid(entry) THEN json_extract(entry, '$.promise') END)
         WHERE CASE WHEN json_valid(entry) THEN json_extract(entry, '$.promise') END IS NOT NULL;
     CREATE INDEX journal_by_time ON journal (unix_ms);",
    // 3: the records of a session are found together.
    "CREATE INDEX records_of_session ON records
         (CASE WHEN json_valid(record) THEN json_extract(record, '$.session') END);",
];

/// Opens the database for writing, with the present layout.
pub(super) fn open(path: &Path) -> Result<Connection, StoreFault> {
    let fault = |source| StoreFault::Sqlite { path: path.to_owned(), source };
    // No CREATE: a journal that has vanished under a running server is a fault, not a new journal.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection.busy_timeout(BUSY).map_err(fault)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(fault)?;
    // In WAL mode NORMAL would sync at checkpoints only: a promise would not survive power loss.
    connection.pragma_update(None, "synchronous", "FULL").map_err(fault)?;
    upgrade(&mut connection, path)?;
    Ok(connection)
}

/// Opens the database for reading, beside the writer.
pub(super) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

fn upgrade(connection: &mut Connection, path: &Path) -> Result<(), StoreFault> {
    let fault = |source| StoreFault::Sqlite { path: path.to_owned(), source };
    let found: u32 =
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fault)?;
    let Some(missing) = usize::try_from(found).ok().and_then(|found| STEPS.get(found..)) else {
        return Err(StoreFault::Newer { path: path.to_owned(), found, known: STEPS.len() });
    };
    for (layout, sql) in (found + 1..).zip(missing) {
        let transaction = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(fault)?;
        transaction.execute_batch(sql).map_err(fault)?;
        transaction.pragma_update(None, "user_version", layout).map_err(fault)?;
        transaction.commit().map_err(fault)?;
    }
    Ok(())
}
