//! Reading the journal beside the writer: for the control socket and for what is made of it.
//!
//! A reader sees what was committed when it looked, and never holds the writer up (WAL).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
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
    /// And with these all calls of their sessions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) whole_sessions: bool,
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

/// The same of a record: one that somebody has spoiled says nothing, and keeps no other one from being found.
macro_rules! in_record {
    ($key:literal) => {
        concat!("CASE WHEN json_valid(record) THEN json_extract(record, '$.", $key, "') END")
    };
}

/// The session of a record, in the words that the layout's index is on.
const SESSION: &str = in_record!("session");

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

    /// A way through the entries from there on, page by page. Blocks.
    pub(crate) fn pages(&self, from: From) -> Result<Pages, StoreFault> {
        let connection = self.open()?;
        let after = self.place_in(&connection, from)?;
        Ok(Pages { reader: self.clone(), connection, after })
    }

    /// At most `limit` entries that come after `after`, in order. Blocks.
    pub(crate) fn entries(&self, after: Seq, limit: u32) -> Result<Vec<Entry>, StoreFault> {
        let connection = self.open()?;
        let sql = "SELECT seq, entry FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        self.read(&connection, sql, &[&number(after.0), &limit])
    }

    /// The place behind which the entries from there on begin.
    fn place_in(&self, connection: &Connection, from: From) -> Result<Seq, StoreFault> {
        let (sql, value) = match from {
            From::After(seq) => return Ok(seq),
            // Behind everything, if there is none so late.
            From::Since(ms) => (
                "SELECT coalesce((SELECT min(seq) FROM journal WHERE unix_ms >= ?1),
                                 (SELECT max(seq) + 1 FROM journal))",
                ms,
            ),
            // None at all is behind everything too: whoever wants what comes now and nothing of before.
            From::Last(count) => (
                "SELECT coalesce((SELECT min(seq) FROM (SELECT seq FROM journal ORDER BY seq DESC LIMIT ?1)),
                                 (SELECT max(seq) + 1 FROM journal))",
                i64::from(count),
            ),
        };
        let first: Option<i64> =
            connection.query_row(sql, [value], |row| row.get(0)).map_err(|e| self.fault(e))?;
        let first = first.unwrap_or(1).saturating_sub(1);
        Ok(place(first))
    }

    /// Every entry that is about this, in order, with those of the session it belongs to. Blocks.
    pub(crate) fn story(&self, of: Subject) -> Result<Vec<Entry>, StoreFault> {
        const BY_SESSION: &str =
            concat!("SELECT seq, entry FROM journal WHERE ", of!("session"), " = ?1");
        const BY_CALL: &str =
            concat!("SELECT seq, entry FROM journal WHERE ", of!("call"), " = ?1");
        const BY_PROMISE: &str =
            concat!("SELECT seq, entry FROM journal WHERE ", of!("promise"), " = ?1");
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
        let texts = self.call_texts(limit, which)?;
        // A record is derived: one that an older version wrote differently can be left out here.
        Ok(texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect())
    }

    /// The same as they are stored. Blocks.
    pub(crate) fn call_texts(&self, limit: u32, which: &Which) -> Result<Vec<String>, StoreFault> {
        let connection = self.open()?;
        let mut sql = match which.whole_sessions {
            true => format!("SELECT call, {SESSION} AS session FROM records WHERE 1"),
            false => "SELECT record FROM records WHERE 1".to_owned(),
        };
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
            also(concat!(in_record!("name"), " = ?"), Box::new(name.clone()));
        }
        if let Some(number) = &which.number {
            // Compared by its end: prefixes differ, `LIKE` would take `%` for anything.
            also(
                concat!(
                    "(substr(",
                    in_record!("caller_id"),
                    ", -length(?)) = ? OR substr(",
                    in_record!("number"),
                    ", -length(?)) = ?)"
                ),
                Box::new(number.clone()),
            );
        }
        if let Some(cause) = which.cause {
            let word = serde_json::to_value(cause).ok();
            let word = word.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
            also(concat!(in_record!("cause"), " = ?"), Box::new(word.to_owned()));
        }
        if let Some(since) = which.since_ms {
            also(concat!(in_record!("began.unix_ms"), " >= ?"), Box::new(since));
        }
        if let Some(until) = which.until_ms {
            also(concat!(in_record!("began.unix_ms"), " < ?"), Box::new(until));
        }
        if let Some(before) = which.before {
            also("call < ?", Box::new(number(before.0)));
        }
        also("1 ORDER BY call DESC LIMIT ?", Box::new(limit));
        if which.whole_sessions {
            sql = format!(
                "WITH fits AS MATERIALIZED ({sql}) SELECT record FROM records \
                 WHERE call IN (SELECT call FROM fits) OR {SESSION} IN \
                 (SELECT session FROM fits WHERE session IS NOT NULL) ORDER BY call DESC"
            );
        }
        let mut statement = connection.prepare(&sql).map_err(|source| self.fault(source))?;
        let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
        let mut rows = statement.query(values.as_slice()).map_err(|source| self.fault(source))?;
        let mut texts = Vec::new();
        while let Some(row) = rows.next().map_err(|source| self.fault(source))? {
            texts.push(row.get(0).map_err(|source| self.fault(source))?);
        }
        texts.reverse();
        Ok(texts)
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
            let seq: i64 = row.get(0).map_err(fault)?;
            let text = row.get_ref(1).map_err(fault)?.as_str().unwrap_or_default();
            let entry = serde_json::from_str(text)
                .map_err(|e| StoreFault::unread(&self.path, place(seq), text, &e.to_string()))?;
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// The texts of entries, in order, on one connection. Between pages nothing is held: a reader that waits for a slow
/// listener must not keep the writer from tidying up its log.
#[derive(Debug)]
pub(crate) struct Pages {
    reader: Reader,
    connection: Connection,
    after: Seq,
}

impl Pages {
    /// Hands out the next entries' texts, and how to look up the line of a call, until `take` has enough for a page
    /// (`Break`) or finds fault with one. `false`: those were all. Blocks.
    pub(crate) fn read(
        &mut self,
        mut take: impl FnMut(&str, &dyn Fn(CallId) -> Option<String>) -> Result<ControlFlow<()>, String>,
    ) -> Result<bool, StoreFault> {
        let fault = |source| self.reader.fault(source);
        let sql = "SELECT seq, entry FROM journal WHERE seq > ?1 ORDER BY seq";
        let mut statement = self.connection.prepare_cached(sql).map_err(fault)?;
        let mut rows = statement.query([number(self.after.0)]).map_err(fault)?;
        let line_of = |call: CallId| line_of(&self.connection, call);
        while let Some(row) = rows.next().map_err(fault)? {
            let seq: i64 = row.get(0).map_err(fault)?;
            let text = row.get_ref(1).map_err(fault)?.as_str().unwrap_or_default();
            let seq = place(seq);
            let taken = take(text, &line_of)
                .map_err(|why| StoreFault::unread(&self.reader.path, seq, text, &why))?;
            self.after = seq;
            if taken.is_break() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The last entry that was handed out, or the one before the first.
    pub(crate) fn told(&self) -> Seq {
        self.after
    }
}

/// SQLite's integers are signed; ours begin at one.
fn place(seq: i64) -> Seq {
    Seq(u64::try_from(seq).unwrap_or(0))
}

/// The line that a call began on.
fn line_of(connection: &Connection, call: CallId) -> Option<String> {
    const SQL: &str = concat!(
        "SELECT ",
        of!("line"),
        " FROM journal WHERE ",
        of!("call"),
        " = ?1 AND ",
        of!("line"),
        " IS NOT NULL ORDER BY seq LIMIT 1"
    );
    let mut statement = connection.prepare_cached(SQL).ok()?;
    statement.query_row([number(call.0)], |row| row.get(0)).ok()
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
