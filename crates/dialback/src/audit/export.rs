//! Writing a journal, or a part of it, for auditors: with all that it takes to verify it without us.
//!
//! It deliberately does not know what an entry means; the word for it in a CSV's column is the entry's own.

use std::io::{self, Write};
use std::path::Path;

use super::anchor::hex;
use super::read::{
    self, COLUMNS, End, ExportedRow, Line, Opening, Row, Unreadable, VERSION, quoted,
};
use super::verify::time;

/// How an export is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// One JSON object a line.
    #[default]
    Jsonl,
    /// Commas and quotes, for tables (RFC 4180).
    Csv,
}

/// Which entries, by their times (ms since 1970): from the first that is not before `since` to the last before `until`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// Not before.
    pub(crate) since: Option<i64>,
    /// Before.
    pub(crate) until: Option<i64>,
}

/// Writes the export. How many entries it has.
///
/// # Errors
/// In words: the database cannot be read, or the export not be written.
pub(crate) fn export(
    path: &Path,
    span: Span,
    format: Format,
    to: &mut dyn Write,
) -> Result<u64, String> {
    let mut pen = Pen {
        to,
        format,
        end: End { end: 0, entries: 0, hash: [0; 32] },
        opened: false,
        over: false,
    };
    let done = read::database(path, |row| Ok(pen.row(row, span)?));
    let written = pen.end.entries;
    match done.and_then(|()| Ok(pen.finish()?)) {
        Ok(entries) => Ok(entries),
        // `| head` has seen enough.
        Err(Unreadable::Io(e)) if e.kind() == io::ErrorKind::BrokenPipe => Ok(written),
        Err(Unreadable::Io(e)) => Err(format!("writing the export: {e}")),
        Err(unreadable) => Err(format!("{}: {unreadable}", path.display())),
    }
}

struct Pen<'a> {
    to: &'a mut dyn Write,
    format: Format,
    /// The last row seen, and how many were written.
    end: End,
    opened: bool,
    over: bool,
}

impl Pen<'_> {
    fn row(&mut self, row: Row<'_>, span: Span) -> io::Result<()> {
        // Entries are in the order of writing; a clock that was set back may let times run backwards. The part is one
        // piece of the chain in any case: it begins once and ends once.
        let early = !self.opened && span.since.is_some_and(|since| row.unix_ms < since);
        self.over |= span.until.is_some_and(|until| row.unix_ms >= until);
        if self.over {
            return Ok(());
        }
        if !early {
            self.open()?;
        }
        let broken = |what: &str| {
            io::Error::other(format!("entry {}: {what}: see dialback audit verify", row.seq))
        };
        let hash = row.hash.try_into().map_err(|_| broken("has no hash"))?;
        let entry = std::str::from_utf8(row.entry).map_err(|_| broken("is no text"))?.to_owned();
        self.end.end = u64::try_from(row.seq).map_err(|_| broken("has no place"))?;
        self.end.hash = hash;
        if early {
            return Ok(());
        }
        self.end.entries += 1;
        let row = ExportedRow { seq: row.seq, unix_ms: row.unix_ms, entry, hash };
        self.say(&Line::Row(row))
    }

    /// The first line, which says what the first row follows from.
    fn open(&mut self) -> io::Result<()> {
        if self.opened {
            return Ok(());
        }
        self.opened = true;
        if self.format == Format::Csv {
            writeln!(self.to, "{COLUMNS}")?;
        }
        let (after, hash) = (self.end.end, self.end.hash);
        self.say(&Line::Opening(Opening { version: VERSION, after, hash }))
    }

    fn finish(mut self) -> io::Result<u64> {
        self.open()?;
        let End { end, entries, hash } = self.end;
        self.say(&Line::End(End { end, entries, hash }))?;
        self.to.flush()?;
        Ok(entries)
    }

    fn say(&mut self, line: &Line) -> io::Result<()> {
        match self.format {
            Format::Jsonl => {
                serde_json::to_writer(&mut *self.to, line)?;
                writeln!(self.to)
            }
            Format::Csv => match line {
                Line::Opening(opening) => {
                    writeln!(
                        self.to,
                        "{},,,(after),{},",
                        opening.after,
                        hex::written(&opening.hash)
                    )
                }
                Line::End(end) => {
                    writeln!(
                        self.to,
                        "{},,,(end),{},{}",
                        end.end,
                        hex::written(&end.hash),
                        end.entries
                    )
                }
                Line::Row(row) => {
                    let ExportedRow { seq, unix_ms, entry, hash } = row;
                    let (event, hash) = (quoted(&read::event_of(entry)), hex::written(hash));
                    let time = time(*unix_ms);
                    writeln!(self.to, "{seq},{unix_ms},{time},{event},{hash},{}", quoted(entry))
                }
            },
        }
    }
}
