//! What the relay remembers over restarts: how far each follower has come in the journal, what was counted up to
//! there, and the deliveries that wait.
//!
//! A follower's place and everything that follows from the entries before it change in one transaction. So an
//! entry is counted once, and queued once for each hook that wants it, whenever the relay is killed.
//!
//! ```text
//!   entries ── place + tally + queue, one transaction ──►  relay.db  ── due ──►  hooks, mail
//!                                                             │ given up, or no room
//!                                                             ▼
//!                                                        dead letters (the newest DEAD_KEPT)
//! ```
//!
//! It deliberately does not know what a delivery is, nor what an entry says.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use calls::vocabulary::Seq;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::tally::{Tally, Words};

/// The file's name in `relay.state_dir`.
const NAME: &str = "relay.db";

/// How long we wait for one of our own threads, or for `dialback relay dead`.
const BUSY: Duration = Duration::from_secs(5);

/// Dead letters that are kept; older ones are forgotten. Some 10 MB.
const DEAD_KEPT: u32 = 10_000;

/// Written only by this version's layout: there was no other yet.
const LAYOUT: &str = "CREATE TABLE IF NOT EXISTS places (
         follower TEXT PRIMARY KEY,
         seq      INTEGER NOT NULL,
         last     TEXT    NOT NULL,
         tally    TEXT
     ) STRICT;
     CREATE TABLE IF NOT EXISTS queue (
         id       INTEGER PRIMARY KEY AUTOINCREMENT,
         receiver TEXT    NOT NULL,
         seq      INTEGER NOT NULL,
         entry    TEXT    NOT NULL,
         tries    INTEGER NOT NULL DEFAULT 0,
         due_ms   INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX IF NOT EXISTS queue_of ON queue (receiver, due_ms);
     CREATE TABLE IF NOT EXISTS dead (
         id       INTEGER PRIMARY KEY AUTOINCREMENT,
         receiver TEXT    NOT NULL,
         seq      INTEGER NOT NULL,
         entry    TEXT    NOT NULL,
         tries    INTEGER NOT NULL,
         why      TEXT    NOT NULL,
         at_ms    INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE IF NOT EXISTS holds (
         receiver TEXT PRIMARY KEY,
         until_ms INTEGER NOT NULL
     ) STRICT;";

/// Why the relay's file can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerFault {
    /// The directory can't be made.
    #[error("{path}: {source}: make relay.state_dir a directory that the relay may write")]
    Directory {
        /// Where.
        path: PathBuf,
        /// What the kernel says.
        source: std::io::Error,
    },
    /// SQLite's own words.
    #[error("{path}: {source}: is relay.state_dir writable, and is there room?")]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What it says.
        source: rusqlite::Error,
    },
    /// What was counted can't be read.
    #[error("{path}: what was counted can't be read ({what}): move the file away to begin anew")]
    Tally {
        /// The database.
        path: PathBuf,
        /// In which way.
        what: String,
    },
}

/// How far a follower has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The last entry that it has dealt with.
    pub(crate) seq: Seq,
    /// That entry, as JSON: whether it is still there tells whether the journal is still the same.
    pub(crate) last: String,
}

impl Place {
    /// Before the first entry.
    pub(crate) const START: Self = Self { seq: Seq(0), last: String::new() };
}

/// A delivery that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// In the queue.
    pub(crate) id: i64,
    /// The entry's place in the journal.
    pub(crate) seq: u64,
    /// The entry, as JSON.
    pub(crate) entry: String,
    /// How often it was tried.
    pub(crate) tries: u32,
}

/// A delivery that was given up.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Dead {
    /// Among the dead.
    pub(crate) id: i64,
    /// Who should have got it.
    pub(crate) receiver: String,
    /// The entry's place in the journal.
    pub(crate) seq: u64,
    /// The entry, as JSON.
    pub(crate) entry: String,
    /// How often it was tried.
    pub(crate) tries: u32,
    /// Why it was given up.
    pub(crate) why: String,
    /// When (ms since 1970, UTC).
    pub(crate) at_ms: i64,
}

/// How many deliveries there are, by receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Those that wait for a try.
    pub(crate) waiting: Words,
    /// Dead letters that are kept.
    pub(crate) dead: Words,
}

/// The receivers that there are, and how many deliveries may wait for each.
pub(crate) type Rooms = BTreeMap<String, u32>;

/// What came of an attempt to deliver dead letters after all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Revived {
    /// So many wait again.
    pub(crate) count: usize,
    /// Still dead: nobody would try them. By receiver.
    pub(crate) unknown: Words,
    /// Still dead: too many wait already. By receiver.
    pub(crate) no_room: Words,
}

/// What follows from one entry, for one receiver of deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queued {
    /// Who gets it.
    pub(crate) receiver: String,
    /// How many may wait for him.
    pub(crate) room: u32,
    /// The entry's place.
    pub(crate) seq: Seq,
    /// The entry, as JSON.
    pub(crate) entry: String,
    /// When it is to be delivered.
    pub(crate) due_ms: i64,
}

/// The relay's file. Each thread opens its own.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    connection: Connection,
}

impl Ledger {
    /// Opens the file in `dir`, making both if need be.
    pub(crate) fn open(dir: &Path) -> Result<Self, LedgerFault> {
        // Entries name users and numbers.
        let made = fs::DirBuilder::new().recursive(true).mode(0o750).create(dir);
        let made = made.and_then(|()| {
            // SQLite gives its other files the mode of this one.
            let mut new = fs::File::options();
            match new.write(true).create_new(true).mode(0o600).open(dir.join(NAME)) {
                Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(e),
                Ok(_) | Err(_) => Ok(()),
            }
        });
        made.map_err(|source| LedgerFault::Directory { path: dir.to_owned(), source })?;
        let path = dir.join(NAME);
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(&path)?;
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            // What a power failure takes back is delivered a second time.
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.execute_batch(LAYOUT)?;
            Ok(connection)
        };
        match open() {
            Ok(connection) => Ok(Self { path, connection }),
            Err(source) => Err(LedgerFault::Sqlite { path, source }),
        }
    }

    /// Opens the file in `dir` if a relay has made it: whoever only looks makes nothing, which would be his.
    pub(crate) fn open_existing(dir: &Path) -> Result<Option<Self>, LedgerFault> {
        match fs::metadata(dir.join(NAME)) {
            Ok(_) => Self::open(dir).map(Some),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LedgerFault::Directory { path: dir.to_owned(), source }),
        }
    }

    fn fault(&self, source: rusqlite::Error) -> LedgerFault {
        LedgerFault::Sqlite { path: self.path.clone(), source }
    }

    /// How far the follower has come; `None`: it has never followed.
    pub(crate) fn place(&self, follower: &str) -> Result<Option<Place>, LedgerFault> {
        self.connection
            .query_row("SELECT seq, last FROM places WHERE follower = ?1", [follower], |row| {
                Ok(Place { seq: Seq(unsigned(row.get(0)?)), last: row.get(1)? })
            })
            .optional()
            .map_err(|e| self.fault(e))
    }

    /// What the follower has counted.
    pub(crate) fn tally(&self, follower: &str) -> Result<Tally, LedgerFault> {
        let text: Option<Option<String>> = self
            .connection
            .query_row("SELECT tally FROM places WHERE follower = ?1", [follower], |row| row.get(0))
            .optional()
            .map_err(|e| self.fault(e))?;
        match text.flatten() {
            None => Ok(Tally::default()),
            Some(text) => serde_json::from_str(&text)
                .map_err(|e| LedgerFault::Tally { path: self.path.clone(), what: e.to_string() }),
        }
    }

    /// The follower has come to `place`, and this follows from it. Says which were dead at once for want of room.
    pub(crate) fn advance(
        &mut self,
        follower: &str,
        place: &Place,
        tally: Option<&Tally>,
        queued: &[Queued],
        now_ms: i64,
    ) -> Result<Vec<Queued>, LedgerFault> {
        let tally = tally.and_then(|tally| serde_json::to_string(tally).ok());
        let write = |connection: &mut Connection| -> rusqlite::Result<Vec<Queued>> {
            let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            change.execute(
                "INSERT INTO places (follower, seq, last, tally) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (follower) DO UPDATE SET seq = ?2, last = ?3, tally = coalesce(?4, tally)",
                params![follower, signed(place.seq.0), place.last, tally],
            )?;
            let mut no_room = Vec::new();
            for one in queued {
                if !enqueue(&change, one, now_ms)? {
                    no_room.push(one.clone());
                }
            }
            change.commit()?;
            Ok(no_room)
        };
        write(&mut self.connection)
            .map_err(|source| LedgerFault::Sqlite { path: self.path.clone(), source })
    }

    /// The next delivery for the receiver that is due and not one of those in hand; if none is, when the next
    /// will be.
    pub(crate) fn next(
        &self,
        receiver: &str,
        now_ms: i64,
        in_hand: &[i64],
    ) -> Result<Next, LedgerFault> {
        let find = || -> rusqlite::Result<Next> {
            let mut statement = self.connection.prepare_cached(
                "SELECT id, seq, entry, tries, due_ms FROM queue WHERE receiver = ?1
                 ORDER BY due_ms, id LIMIT ?2",
            )?;
            let most = i64::try_from(in_hand.len()).unwrap_or(0) + 1;
            let mut rows = statement.query(params![receiver, most])?;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
                if in_hand.contains(&id) {
                    continue;
                }
                let due_ms: i64 = row.get(4)?;
                if due_ms > now_ms {
                    return Ok(Next::At(due_ms));
                }
                let (seq, entry, tries) = (unsigned(row.get(1)?), row.get(2)?, row.get(3)?);
                return Ok(Next::Due(Delivery { id, seq, entry, tries }));
            }
            Ok(Next::Nothing)
        };
        find().map_err(|e| self.fault(e))
    }

    /// Everything that waits for the receiver, oldest first, `limit` at most.
    pub(crate) fn all(&self, receiver: &str, limit: u32) -> Result<Vec<Delivery>, LedgerFault> {
        let find = || -> rusqlite::Result<Vec<Delivery>> {
            let mut statement = self.connection.prepare_cached(
                "SELECT id, seq, entry, tries FROM queue WHERE receiver = ?1 ORDER BY id LIMIT ?2",
            )?;
            let read = statement.query_map(params![receiver, limit], |row| {
                let (id, seq, entry, tries) =
                    (row.get(0)?, unsigned(row.get(1)?), row.get(2)?, row.get(3)?);
                Ok(Delivery { id, seq, entry, tries })
            })?;
            read.collect()
        };
        find().map_err(|e| self.fault(e))
    }

    /// Nothing is to be sent to the receiver before then (ms since 1970); 0: nothing holds it back.
    pub(crate) fn held_until(&self, receiver: &str) -> Result<i64, LedgerFault> {
        self.connection
            .query_row("SELECT until_ms FROM holds WHERE receiver = ?1", [receiver], |row| {
                row.get(0)
            })
            .optional()
            .map(Option::unwrap_or_default)
            .map_err(|e| self.fault(e))
    }

    /// Nothing is to be sent to the receiver before then, whoever runs by then.
    pub(crate) fn hold(&self, receiver: &str, until_ms: i64) -> Result<(), LedgerFault> {
        let held = self.connection.execute(
            "INSERT INTO holds (receiver, until_ms) VALUES (?1, ?2)
             ON CONFLICT (receiver) DO UPDATE SET until_ms = ?2",
            params![receiver, until_ms],
        );
        held.map(drop).map_err(|e| self.fault(e))
    }

    /// The delivery has arrived.
    pub(crate) fn done(&self, id: i64) -> Result<(), LedgerFault> {
        let done = self.connection.execute("DELETE FROM queue WHERE id = ?1", [id]);
        done.map(drop).map_err(|e| self.fault(e))
    }

    /// The delivery has failed once more and is tried again then.
    pub(crate) fn again(&self, id: i64, due_ms: i64) -> Result<(), LedgerFault> {
        let sql = "UPDATE queue SET tries = tries + 1, due_ms = ?2 WHERE id = ?1";
        self.connection.execute(sql, params![id, due_ms]).map(drop).map_err(|e| self.fault(e))
    }

    /// The delivery is given up.
    pub(crate) fn give_up(&mut self, id: i64, why: &str, now_ms: i64) -> Result<(), LedgerFault> {
        let write = |connection: &mut Connection| -> rusqlite::Result<()> {
            let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            change.execute(
                "INSERT INTO dead (receiver, seq, entry, tries, why, at_ms)
                 SELECT receiver, seq, entry, tries + 1, ?2, ?3 FROM queue WHERE id = ?1",
                params![id, why, now_ms],
            )?;
            change.execute("DELETE FROM queue WHERE id = ?1", [id])?;
            forget(&change)?;
            change.commit()
        };
        write(&mut self.connection)
            .map_err(|source| LedgerFault::Sqlite { path: self.path.clone(), source })
    }

    /// Dead letters, oldest first.
    pub(crate) fn dead(&self) -> Result<Vec<Dead>, LedgerFault> {
        let find = || -> rusqlite::Result<Vec<Dead>> {
            let mut statement = self.connection.prepare(
                "SELECT id, receiver, seq, entry, tries, why, at_ms FROM dead ORDER BY id",
            )?;
            let read = statement.query_map([], |row| {
                Ok(Dead {
                    id: row.get(0)?,
                    receiver: row.get(1)?,
                    seq: unsigned(row.get(2)?),
                    entry: row.get(3)?,
                    tries: row.get(4)?,
                    why: row.get(5)?,
                    at_ms: row.get(6)?,
                })
            })?;
            read.collect()
        };
        find().map_err(|e| self.fault(e))
    }

    /// Puts dead letters into the queue again, all of them or this one: those of the receivers that there are, as far as
    /// each has room. The others stay dead.
    pub(crate) fn revive(
        &mut self,
        id: Option<i64>,
        rooms: &Rooms,
    ) -> Result<Revived, LedgerFault> {
        let write = |connection: &mut Connection| -> rusqlite::Result<Revived> {
            let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let revived = revive(&change, id, rooms)?;
            change.commit()?;
            Ok(revived)
        };
        write(&mut self.connection)
            .map_err(|source| LedgerFault::Sqlite { path: self.path.clone(), source })
    }

    /// How many wait, and how many are dead.
    pub(crate) fn counts(&self) -> Result<Counts, LedgerFault> {
        let count = |table: &str| -> rusqlite::Result<Words> {
            let sql = format!("SELECT receiver, count(*) FROM {table} GROUP BY receiver");
            let mut statement = self.connection.prepare_cached(&sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
            rows.collect()
        };
        let both = || Ok(Counts { waiting: count("queue")?, dead: count("dead")? });
        both().map_err(|e| self.fault(e))
    }
}

/// What there is to do for a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// This, now.
    Due(Delivery),
    /// Nothing before then (ms since 1970).
    At(i64),
    /// Nothing.
    Nothing,
}

/// Whether there was room.
fn enqueue(change: &Transaction<'_>, one: &Queued, now_ms: i64) -> rusqlite::Result<bool> {
    let (seq, entry) = (signed(one.seq.0), &one.entry);
    if waiting(change, &one.receiver)? < one.room {
        change
            .prepare_cached(
                "INSERT INTO queue (receiver, seq, entry, due_ms) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![one.receiver, seq, entry, one.due_ms])?;
        return Ok(true);
    }
    change.execute(
        "INSERT INTO dead (receiver, seq, entry, tries, why, at_ms) VALUES (?1, ?2, ?3, 0, ?4, ?5)",
        params![one.receiver, seq, entry, "too many were waiting", now_ms],
    )?;
    forget(change)?;
    Ok(false)
}

fn revive(change: &Transaction<'_>, id: Option<i64>, rooms: &Rooms) -> rusqlite::Result<Revived> {
    let mut free = rooms.clone();
    for (receiver, room) in &mut free {
        *room = room.saturating_sub(waiting(change, receiver)?);
    }
    let mut find =
        change.prepare("SELECT id, receiver FROM dead WHERE ?1 IS NULL OR id = ?1 ORDER BY id")?;
    let read = find.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let dead: Vec<(i64, String)> = read.collect::<rusqlite::Result<_>>()?;
    let mut revived = Revived::default();
    for (id, receiver) in dead {
        match free.get_mut(&receiver) {
            None => *revived.unknown.entry(receiver).or_default() += 1,
            Some(0) => *revived.no_room.entry(receiver).or_default() += 1,
            Some(room) => {
                *room -= 1;
                revived.count += 1;
                change
                    .prepare_cached(
                        "INSERT INTO queue (receiver, seq, entry, due_ms)
                         SELECT receiver, seq, entry, 0 FROM dead WHERE id = ?1",
                    )?
                    .execute([id])?;
                change.prepare_cached("DELETE FROM dead WHERE id = ?1")?.execute([id])?;
            }
        }
    }
    Ok(revived)
}

fn waiting(change: &Transaction<'_>, receiver: &str) -> rusqlite::Result<u32> {
    change
        .prepare_cached("SELECT count(*) FROM queue WHERE receiver = ?1")?
        .query_row([receiver], |row| row.get(0))
}

/// Keeps the dead within bounds.
fn forget(change: &Transaction<'_>) -> rusqlite::Result<()> {
    change
        .execute("DELETE FROM dead WHERE id <= (SELECT max(id) FROM dead) - ?1", [DEAD_KEPT])
        .map(drop)
}

fn signed(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

fn unsigned(id: i64) -> u64 {
    u64::try_from(id).unwrap_or(0)
}

#[cfg(test)]
mod tests;
