//! Reading the journal beside the writer: for the control socket and for what is made of it.
//!
//! A reader sees what was committed when it looked, and never holds the writer up (WAL).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use calls::record::Record;
use calls::vocabulary::{CallId, Cause, Entry, PromiseId, Seq, SessionId};
use rusqlite::{Connection, ToSql};
use serde::{Deserialize, Serialize};

use super::writer::number;
use super::{StoreFault, schema};

/// Which records are wanted: those that fit everything given here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Which {
    /// On this line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<String>,
    /// Of somebody who gave this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// From or to a number that ends so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<String>,
    /// Ended for this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<Cause>,
    /// Begun at this time or later (ms since 1970, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) since_ms: Option<i64>,
    /// Begun before this time (ms since 1970, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until_ms: Option<i64>,
    /// With a smaller id: for those who read page by page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<CallId>,
}

/// What a story is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Subject {
    /// A call, and with it its whole session.
    Call(CallId),
    /// A session: all of its calls and promises.
    Session(SessionId),
    /// A promise, and with it its whole session.
    Promise(PromiseId),
}

/// Where entries are begun with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// Behind this one.
    After(Seq),
    /// At the first one of this time or later (ms since 1970, UTC).
    Since(i64),
    /// So many before the end.
    Last(u32),
}

/// How an entry is about something; the indices of the layout are on these very words.
macro_rules! of {
    ($key:literal) => {
        concat!("CASE WHEN json_valid(entry) THEN json_extract(entry, '$.", $key, "') END")
    };
}

/// Opens the journal anew for each question, so that an idle server holds nothing.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    path: PathBuf,
}

impl Reader {
    /// A reader of the database at `path`.
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    fn open(&self) -> Result<Connection, StoreFault> {
        schema::open_to_read(&self.path).map_err(|source| self.fault(source))
    }

    fn fault(&self, source: rusqlite::Error) -> StoreFault {
        StoreFault::Sqlite { path: self.path.clone(), source }
    }

    /// Where the chain ends. Blocks.
    pub(crate) fn head(&self) -> Result<super::Link, StoreFault> {
        let fault = |source| StoreFault::Sqlite { path: self.path.clone(), source };
        let connection = schema::open_to_read(&self.path).map_err(fault)?;
        super::chain::head(&connection).map_err(fault)
    }

    /// At most `limit` entries that come after `after`, in order. Blocks.
    pub(crate) fn entries(&self, after: Seq, limit: u32) -> Result<Vec<Entry>, StoreFault> {
        let connection = self.open()?;
        let sql = "SELECT entry FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        self.read(&connection, sql, &[&number(after.0), &limit])
    }

    /// The place behind which the entries from there on begin. Blocks.
    pub(crate) fn place(&self, from: From) -> Result<Seq, StoreFault> {
        let connection = self.open()?;
        let (sql, value) = match from {
            From::After(seq) => return Ok(seq),
            // Behind everything, if there is none so late.
            From::Since(ms) => (
                "SELECT coalesce((SELECT min(seq) FROM journal WHERE unix_ms >= ?1),
                                 (SELECT max(seq) + 1 FROM journal))",
                ms,
            ),
            From::Last(count) => (
                "SELECT min(seq) FROM (SELECT seq FROM journal ORDER BY seq DESC LIMIT ?1)",
                i64::from(count),
            ),
        };
        let first: Option<i64> =
            connection.query_row(sql, [value], |row| row.get(0)).map_err(|e| self.fault(e))?;
        let first = first.unwrap_or(1).saturating_sub(1);
        Ok(Seq(u64::try_from(first).unwrap_or(0)))
    }

    /// Every entry that is about this, in order, with those of the session it belongs to. Blocks.
    pub(crate) fn story(&self, of: Subject) -> Result<Vec<Entry>, StoreFault> {
        const BY_SESSION: &str =
            concat!("SELECT entry FROM journal WHERE ", of!("session"), " = ?1");
        const BY_CALL: &str = concat!("SELECT entry FROM journal WHERE ", of!("call"), " = ?1");
        const BY_PROMISE: &str =
            concat!("SELECT entry FROM journal WHERE ", of!("promise"), " = ?1");
        let connection = self.open()?;
        let mut found: BTreeMap<Seq, Linked> = BTreeMap::new();
        let find = |found: &mut BTreeMap<Seq, Linked>, sql: &str, ids: BTreeSet<u64>| {
            for id in ids {
                let entries = self.read(&connection, sql, &[&number(id)])?;
                found.extend(entries.into_iter().map(|entry| (entry.seq, Linked::of(entry))));
            }
            Ok::<(), StoreFault>(())
        };
        let ids = |found: &BTreeMap<Seq, Linked>, of: fn(&Linked) -> Option<u64>| {
            found.values().filter_map(of).collect::<BTreeSet<u64>>()
        };
        let (sql, id) = match of {
            Subject::Call(call) => (BY_CALL, call.0),
            Subject::Session(session) => (BY_SESSION, session.0),
            Subject::Promise(promise) => (BY_PROMISE, promise.0),
        };
        find(&mut found, sql, BTreeSet::from([id]))?;
        let sessions = ids(&found, |linked| linked.session);
        find(&mut found, BY_SESSION, sessions)?;
        let (calls, promises) =
            (ids(&found, |linked| linked.call), ids(&found, |linked| linked.promise));
        find(&mut found, BY_CALL, calls)?;
        find(&mut found, BY_PROMISE, promises)?;
        Ok(found.into_values().map(|linked| linked.entry).collect())
    }

    /// The last `limit` records that fit, oldest of them first. Blocks.
    pub(crate) fn calls(&self, limit: u32, which: &Which) -> Result<Vec<Record>, StoreFault> {
        let connection = self.open()?;
        let mut sql = "SELECT record FROM records WHERE 1".to_owned();
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        let mut also = |condition: &str, value: Box<dyn ToSql>| {
            values.push(value);
            sql.push_str(" AND ");
            sql.push_str(&condition.replace('?', &format!("?{}", values.len())));
        };
        if let Some(line) = &which.line {
            also("line = ?", Box::new(line.clone()));
        }
        if let Some(name) = &which.name {
            also("json_extract(record, '$.name') = ?", Box::new(name.clone()));
        }
        if let Some(number) = &which.number {
            // Compared by its end: prefixes differ, `LIKE` would take `%` for anything.
            also(
                "(substr(json_extract(record, '$.caller_id'), -length(?)) = ? \
                 OR substr(json_extract(record, '$.number'), -length(?)) = ?)",
                Box::new(number.clone()),
            );
        }
        if let Some(cause) = which.cause {
            let word = serde_json::to_value(cause).ok();
            let word = word.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
            also("json_extract(record, '$.cause') = ?", Box::new(word.to_owned()));
        }
        if let Some(since) = which.since_ms {
            also("json_extract(record, '$.began.unix_ms') >= ?", Box::new(since));
        }
        if let Some(until) = which.until_ms {
            also("json_extract(record, '$.began.unix_ms') < ?", Box::new(until));
        }
        if let Some(before) = which.before {
            also("call < ?", Box::new(number(before.0)));
        }
        also("1 ORDER BY call DESC LIMIT ?", Box::new(limit));
        let mut statement = connection.prepare(&sql).map_err(|source| self.fault(source))?;
        let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
        let mut rows = statement.query(values.as_slice()).map_err(|source| self.fault(source))?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().map_err(|source| self.fault(source))? {
            let text: String = row.get(0).map_err(|source| self.fault(source))?;
            // A record is derived: one that an older version wrote differently can be left out here.
            if let Ok(record) = serde_json::from_str(&text) {
                records.push(record);
            }
        }
        records.reverse();
        Ok(records)
    }

    /// Hands out the texts of records that are new: of calls beyond `last`, or that ended at `latest_ms` or later.
    /// Some may be old all the same. Blocks.
    pub(crate) fn records_since(
        &self,
        last: CallId,
        latest_ms: i64,
        mut take: impl FnMut(&str),
    ) -> Result<(), StoreFault> {
        let fault = |source| self.fault(source);
        let connection = self.open()?;
        let sql = "SELECT record FROM records WHERE call > ?1 OR ended >= ?2 ORDER BY call";
        let mut statement = connection.prepare(sql).map_err(fault)?;
        let mut rows = statement.query((number(last.0), latest_ms)).map_err(fault)?;
        while let Some(row) = rows.next().map_err(fault)? {
            let text = row.get_ref(0).map_err(fault)?;
            take(text.as_str().unwrap_or_default());
        }
        Ok(())
    }

    fn read(
        &self,
        connection: &Connection,
        sql: &str,
        values: &[&dyn ToSql],
    ) -> Result<Vec<Entry>, StoreFault> {
        let fault = |source| self.fault(source);
        let mut statement = connection.prepare(sql).map_err(fault)?;
        let mut rows = statement.query(values).map_err(fault)?;
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            let text: String = row.get(0).map_err(fault)?;
            entries.push(serde_json::from_str(&text).map_err(|e| StoreFault::Changed {
                path: self.path.clone(),
                seq: entries.last().map_or(0, |entry| entry.seq.0),
                what: format!("is followed by one that this version does not know ({e})"),
            })?);
        }
        Ok(entries)
    }
}

/// An entry with the ids that it names.
struct Linked {
    entry: Entry,
    session: Option<u64>,
    call: Option<u64>,
    promise: Option<u64>,
}

impl Linked {
    fn of(entry: Entry) -> Self {
        // What the entry is about is what the index says: its fields of these names.
        let value = serde_json::to_value(&entry).unwrap_or_default();
        let id = |key: &str| value.get(key).and_then(serde_json::Value::as_u64);
        Self { session: id("session"), call: id("call"), promise: id("promise"), entry }
    }
}
