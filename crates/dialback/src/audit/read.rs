//! Where a journal's rows come from: the database, also a running server's, or an export.
//!
//! ```text
//! {"dialback-journal":1,"after":0,"hash":"000..."}                     what the first row follows from
//! {"seq":1,"unix_ms":1764000000123,"entry":"{\"seq\":1,...}","hash":"9f8..."}
//! {"end":1,"entries":1,"hash":"9f8..."}                                where it ends, so that a cut shows
//! ```
//!
//! The entry is a text in the export as it is in the database: the hash is of its very bytes. As CSV the same stands in
//! columns, with `after` and `end` in place of the entry. It deliberately does not know what makes a chain.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::mem::replace;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};

use rusqlite::types::ValueRef;
use serde::{Deserialize, Serialize};

use super::anchor::hex;
use super::verify;
use crate::store;

/// The longest line of an export: an entry is some hundred bytes.
const LINE_LIMIT: u64 = 1024 * 1024;

/// What every export's first line says.
pub(super) const VERSION: u32 = 1;

/// The columns of a CSV export.
pub(super) const COLUMNS: &str = "seq,unix_ms,time,event,hash,entry";

/// Bytes of rows that go from the thread that reads to the one that looks at them, at once.
const BATCH: usize = 64 * 1024;

/// Batches that may wait: enough that neither thread stands still for the other's hiccup.
const WAITING: usize = 8;

/// One row as it stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row<'b> {
    pub(super) seq: i64,
    pub(super) unix_ms: i64,
    pub(super) entry: &'b [u8],
    pub(super) hash: &'b [u8],
}

/// Rows one behind the other: their bytes together, so that none needs room of its own.
#[derive(Debug)]
struct Batch {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

/// A row's numbers, and how long its entry and its hash are.
#[derive(Debug)]
struct Place {
    seq: i64,
    unix_ms: i64,
    entry: usize,
    hash: usize,
}

impl Batch {
    fn new() -> Self {
        // The last row of a batch goes beyond what a batch is.
        Self { bytes: Vec::with_capacity(BATCH + BATCH / 8), places: Vec::new() }
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let mut rest = self.bytes.as_slice();
        self.places.iter().map(move |&Place { seq, unix_ms, entry, hash }| {
            let (entry, after) = rest.split_at_checked(entry).unwrap_or_default();
            let (hash, after) = after.split_at_checked(hash).unwrap_or_default();
            rest = after;
            Row { seq, unix_ms, entry, hash }
        })
    }
}

/// One thing in an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Line {
    /// The first.
    Opening(Opening),
    /// The last.
    End(End),
    /// Any other.
    Row(ExportedRow),
}

/// What the first row follows from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    #[serde(rename = "dialback-journal")]
    pub(super) version: u32,
    pub(super) after: u64,
    #[serde(with = "hex")]
    pub(super) hash: [u8; 32],
}

/// Where the export ends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) end: u64,
    pub(super) entries: u64,
    #[serde(with = "hex")]
    pub(super) hash: [u8; 32],
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportedRow {
    pub(super) seq: i64,
    pub(super) unix_ms: i64,
    pub(super) entry: String,
    #[serde(with = "hex")]
    pub(super) hash: [u8; 32],
}

/// A file that cannot be read as a journal, from some place on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    /// The system's word.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// SQLite's word: pages that point nowhere, a header that is none; or, where a disk is full, that it cannot look.
    #[error("{what}: {0}", what = told(.0))]
    Damaged(#[from] rusqlite::Error),
    /// A line that is none of an export's.
    #[error("line {line} {what}")]
    Line { line: u64, what: String },
}

/// What SQLite's word comes to. A full disk, on which it cannot make the files beside the database, harms no entry.
fn told(fault: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode;
    match fault.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure | ErrorCode::DiskFull | ErrorCode::CannotOpen) => {
            "it can't be read as things are (is the disk full?)"
        }
        Some(_) | None => "the file is damaged",
    }
}

/// Walks the database's rows, in order: a thread of their own reads them while the caller looks at those before. The walk
/// is one transaction: a running server goes on beside it.
pub(super) fn database(
    path: &Path,
    mut each: impl FnMut(Row<'_>) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let (full, batches) = sync_channel(WAITING);
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || read_all(path, &full));
        for batch in batches {
            batch.rows().try_for_each(&mut each)?;
        }
        reading.join().unwrap_or_else(|_| Err(io::Error::other("the reading thread died").into()))
    })
}

/// Reads rows until the end, or until nobody wants more. What comes before a damage is handed out first.
fn read_all(path: &Path, full: &SyncSender<Batch>) -> Result<(), Unreadable> {
    let mut batch = Batch::new();
    let read = read_rows(path, &mut batch, full);
    // Who looks may have seen enough.
    let _gone = full.send(batch);
    read
}

fn read_rows(path: &Path, batch: &mut Batch, full: &SyncSender<Batch>) -> Result<(), Unreadable> {
    let connection = store::open_to_read(path)?;
    let mut statement =
        connection.prepare("SELECT seq, unix_ms, entry, hash FROM journal ORDER BY seq")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let bytes = |at: usize| -> Result<&[u8], rusqlite::Error> {
            Ok(match row.get_ref(at)? {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
                // What no program of ours has written there.
                ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => &[],
            })
        };
        let number = |at: usize| row.get_ref(at).map(|value| value.as_i64().unwrap_or(i64::MIN));
        let (seq, unix_ms, entry, hash) = (number(0)?, number(1)?, bytes(2)?, bytes(3)?);
        batch.bytes.extend_from_slice(entry);
        batch.bytes.extend_from_slice(hash);
        batch.places.push(Place { seq, unix_ms, entry: entry.len(), hash: hash.len() });
        if batch.bytes.len() >= BATCH && full.send(replace(batch, Batch::new())).is_err() {
            break;
        }
    }
    Ok(())
}

/// Walks an export's lines.
pub(super) fn export(
    path: &Path,
    mut each: impl FnMut(Line) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let mut file = BufReader::new(File::open(path)?);
    let mut text = Vec::new();
    let mut columns = None;
    for line in 1.. {
        text.clear();
        let limited = io::Read::take(&mut file, LINE_LIMIT).read_until(b'\n', &mut text)?;
        if limited == 0 {
            return Ok(());
        }
        let fault = |what: &str| Unreadable::Line { line, what: what.to_owned() };
        let Some(text) = text.strip_suffix(b"\n") else {
            return Err(fault("is cut off, or longer than any entry"));
        };
        let text = std::str::from_utf8(text).map_err(|_| fault("is no text"))?;
        let text = text.strip_suffix('\r').unwrap_or(text);
        if *columns.get_or_insert(text == COLUMNS) {
            if text != COLUMNS {
                each(csv_line(text).ok_or_else(|| fault("is no row of an export"))?)?;
            }
            continue;
        }
        let read = serde_json::from_str(text);
        each(read.map_err(|_| fault("is no row of an export"))?)?;
    }
    Ok(())
}

/// A row of a CSV export, the columns' names aside.
fn csv_line(text: &str) -> Option<Line> {
    let fields = csv_fields(text)?;
    let [seq, unix_ms, time, event, hash, entry] = fields.as_slice() else { return None };
    let hash = hex::read(hash)?;
    Some(match (event.as_str(), unix_ms.as_str()) {
        ("(after)", "") => {
            Line::Opening(Opening { version: VERSION, after: seq.parse().ok()?, hash })
        }
        ("(end)", "") => {
            Line::End(End { end: seq.parse().ok()?, entries: entry.parse().ok()?, hash })
        }
        (event, unix_ms) => {
            let (seq, unix_ms) = (seq.parse().ok()?, unix_ms.parse().ok()?);
            // What stands there for people's eyes must not say something else.
            let as_written = *time == verify::time(unix_ms) && event == event_of(entry);
            as_written
                .then(|| Line::Row(ExportedRow { seq, unix_ms, entry: entry.clone(), hash }))?
        }
    })
}

/// The word for what happened, for a column of its own.
pub(super) fn event_of(entry: &str) -> String {
    let entry: Option<serde_json::Value> = serde_json::from_str(entry).ok();
    let event = entry.as_ref().and_then(|entry| entry.get("event")?.as_str());
    event.unwrap_or_default().to_owned()
}

/// RFC 4180: commas, and quotes around what has commas or quotes in it. An entry has no line end in it.
fn csv_fields(text: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => match rest.split_once(',') {
                Some((field, _)) => (field.to_owned(), rest.get(field.len()..)?),
                None => (rest.to_owned(), ""),
            },
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None if after.is_empty() => return Some(fields),
            None => return None,
        }
    }
}

/// What stands between quotes, and what comes behind the second of them.
fn quoted_field(text: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        field.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Some((field, after)),
        }
    }
}

/// The same the other way round.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
