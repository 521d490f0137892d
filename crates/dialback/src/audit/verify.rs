//! Whether a journal is what was written: each row follows from the one before, and every anchor is in the chain.
//!
//! The first row that does not follow is named; what stands before it is as it was written. A chain alone cannot show
//! that its end was cut off, or that all of it was written anew: anchors show that. It deliberately does not know what
//! an entry means.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use calls::config::Audit;
use calls::vocabulary::{Seq, Wall};
use serde::Serialize;

use super::anchor::{Anchor, hex};
use super::read::{self, Line, Row, Unreadable, VERSION};
use crate::store::Link;

/// The longest line in a file with anchors: a system's log has long ones.
const LINE_LIMIT: u64 = 64 * 1024;

/// Writing an anchor, and starting at all, may take so long: an anchor that is late by less is not missed.
const GRACE_MS: i64 = 60_000;

/// What begins a file of SQLite's.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// What was looked at, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    /// Entries that follow from each other, up to the first that does not.
    pub(crate) entries: u64,
    /// The first and the last of them, with their times (ms since 1970).
    pub(crate) first: Option<(u64, i64)>,
    /// See `first`.
    pub(crate) last: Option<(u64, i64)>,
    /// The last one's hash.
    pub(crate) head: String,
    /// Anchors that were compared, and found in the chain.
    pub(crate) anchors: u64,
    /// What is wrong; the first is the one to look at.
    pub(crate) faults: Vec<Fault>,
}

/// What is wrong with a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// This entry does not follow from the one before it.
    Altered {
        /// Which, as its row says.
        seq: i64,
        /// The one before it, which is as it was written.
        after: u64,
    },
    /// From here on nothing can be read.
    Damaged {
        /// The last entry that is as it was written.
        after: u64,
        /// How.
        what: String,
    },
    /// An anchor says that there was more.
    CutOff {
        /// The last entry that is there.
        end: u64,
        /// The entry that was there.
        anchored: u64,
        /// When it was (ms since 1970).
        unix_ms: i64,
    },
    /// An anchor says that an entry had another hash: the journal was written anew from somewhere before it.
    Rewritten {
        /// Which.
        seq: u64,
        /// When it had it (ms since 1970).
        unix_ms: i64,
    },
    /// A line among the anchors that was one.
    BadAnchor {
        /// Where.
        path: PathBuf,
        /// Which line.
        line: u64,
    },
    /// The configured file of anchors has none, though the first was due long ago: whoever cuts the journal's end off
    /// takes them away as well.
    NoAnchors {
        /// Where they should be.
        path: PathBuf,
        /// When the journal begins (ms since 1970).
        since_ms: i64,
    },
}

/// Where the server writes anchors, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Configured {
    /// `[audit] anchor_file`
    pub(crate) file: PathBuf,
    /// `[audit] anchor_every`
    pub(crate) every: Duration,
}

impl Configured {
    /// What a configuration says, if it names a file.
    pub(crate) fn of(audit: &Audit) -> Option<Self> {
        let file = audit.anchor_file.clone()?;
        Some(Self { file, every: audit.anchor_every })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered { seq, after } => write!(
                f,
                "entry {seq} does not follow from entry {after}: it has been changed, or what stood between them \
                 was taken out; entries up to {after} are as they were written"
            ),
            Self::Damaged { after, what } => {
                write!(f, "{what}; entries up to {after} are as they were written")
            }
            Self::CutOff { end, anchored, unix_ms } => write!(
                f,
                "it ends with entry {end}, and an anchor of {} has entry {anchored}: the end was cut off",
                time(*unix_ms)
            ),
            Self::Rewritten { seq, unix_ms } => write!(
                f,
                "entry {seq} is not what it was at {}, as an anchor of then says: the journal was written anew",
                time(*unix_ms)
            ),
            Self::BadAnchor { path, line } => {
                write!(f, "{}:{line}: is no anchor as it was written", path.display())
            }
            Self::NoAnchors { path, since_ms } => write!(
                f,
                "{} is named by [audit] anchor_file and has no anchor, though the journal goes back to {}: its anchors \
                 were taken away, or none could be written so far",
                path.display(),
                time(*since_ms)
            ),
        }
    }
}

/// A time as auditors write it.
pub(super) fn time(unix_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(unix_ms)
        .map_or_else(|_| format!("{unix_ms} ms"), |at| format!("{at:.3}"))
}

/// Verifies a database or an export, against the anchors in these files.
///
/// # Errors
/// A file that cannot be opened, by name. What is wrong inside of them is in the verdict.
pub(crate) fn verify(path: &Path, anchors: &[PathBuf]) -> Result<Verdict, String> {
    let mut walk = Walk::default();
    let is_database = walk.read(path, anchors)?;
    Ok(walk.finish(is_database))
}

/// Verifies the server's own journal against the anchors that it writes: that there are none by now is a fault.
///
/// # Errors
/// A file that cannot be opened, by name, but for that of anchors when it is missing.
pub(crate) fn verify_own(
    journal: &Path,
    anchors: Option<&Configured>,
    now: Wall,
) -> Result<Verdict, String> {
    let Some(Configured { file, every }) = anchors else { return verify(journal, &[]) };
    let there = file.try_exists().map_err(|e| format!("{}: {e}", file.display()))?;
    let compared = there.then(|| file.clone());
    let mut walk = Walk::default();
    walk.read(journal, compared.as_slice())?;
    let had_any = walk.had_anchors;
    let mut verdict = walk.finish(true);
    let every_ms = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
    if let Some((_, since_ms)) = verdict.first
        && !had_any
        && now.unix_ms.saturating_sub(since_ms) > every_ms.saturating_add(GRACE_MS)
    {
        verdict.faults.push(Fault::NoAnchors { path: file.clone(), since_ms });
    }
    Ok(verdict)
}

/// By what its file begins with; an empty one is a database of nothing.
fn is_database(path: &Path) -> std::io::Result<bool> {
    let mut first = Vec::new();
    File::open(path)?.take(16).read_to_end(&mut first)?;
    // A damaged header is a damaged database's: exports begin with a brace or a letter of their columns.
    Ok(first.starts_with(SQLITE)
        || !matches!(first.first(), Some(b'{' | b's'))
        || first.contains(&0))
}

struct Walk {
    link: Link,
    verdict: Verdict,
    /// To be compared, by entry.
    anchors: BTreeMap<u64, Vec<Anchor>>,
    /// The entry from which on there are rows.
    from: u64,
    opened: bool,
    ended: bool,
    /// A line was an anchor, or had been one.
    had_anchors: bool,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            link: Link::START,
            verdict: Verdict::default(),
            anchors: BTreeMap::new(),
            from: 0,
            opened: false,
            ended: false,
            had_anchors: false,
        }
    }
}

impl Walk {
    /// Reads the anchors, and then the database or export; whether it is a database.
    fn read(&mut self, path: &Path, anchors: &[PathBuf]) -> Result<bool, String> {
        for file in anchors {
            self.read_anchors(file).map_err(|e| format!("{}: {e}", file.display()))?;
        }
        let is_database = is_database(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let read = match is_database {
            true => read::database(path, |row| {
                self.row(row);
                Ok(())
            }),
            false => read::export(path, |line| self.line(line)),
        };
        match read {
            Ok(()) if !is_database && !self.ended => {
                self.damaged("it has no end: it was cut off, or is not finished".to_owned());
            }
            Ok(()) => {}
            Err(Unreadable::Io(e)) => return Err(format!("{}: {e}", path.display())),
            Err(unreadable) => self.damaged(unreadable.to_string()),
        }
        Ok(is_database)
    }

    fn read_anchors(&mut self, path: &Path) -> std::io::Result<()> {
        let mut file = BufReader::new(File::open(path)?);
        let mut text = Vec::new();
        for line in 1.. {
            text.clear();
            if Read::take(&mut file, LINE_LIMIT).read_until(b'\n', &mut text)? == 0 {
                break;
            }
            let found = Anchor::find(&String::from_utf8_lossy(&text));
            self.had_anchors |= found.is_some();
            match found {
                None => {}
                Some(Ok(anchor)) => self.anchors.entry(anchor.seq).or_default().push(anchor),
                Some(Err(_)) => {
                    let path = path.to_owned();
                    self.verdict.faults.push(Fault::BadAnchor { path, line });
                }
            }
        }
        Ok(())
    }

    fn row(&mut self, row: Row<'_>) {
        // What comes behind the first that does not follow has nothing to follow from.
        if self.is_broken() {
            return;
        }
        let seq = u64::try_from(row.seq).ok().filter(|seq| *seq > self.link.seq.0);
        let text = std::str::from_utf8(row.entry).ok();
        let next = seq.zip(text).map(|(seq, text)| self.link.next(Seq(seq), row.unix_ms, text));
        let Some(next) = next.filter(|next| next.hash == row.hash) else {
            let fault = Fault::Altered { seq: row.seq, after: self.link.seq.0 };
            return self.verdict.faults.push(fault);
        };
        self.link = next;
        self.verdict.entries += 1;
        self.verdict.first.get_or_insert((next.seq.0, row.unix_ms));
        self.verdict.last = Some((next.seq.0, row.unix_ms));
        for anchor in self.anchors.remove(&next.seq.0).unwrap_or_default() {
            if anchor.hash == next.hash {
                self.verdict.anchors += 1;
            } else {
                let fault = Fault::Rewritten { seq: anchor.seq, unix_ms: anchor.unix_ms };
                self.verdict.faults.push(fault);
            }
        }
    }

    fn line(&mut self, line: Line) -> Result<(), Unreadable> {
        let odd = |what: &str| {
            Err(Unreadable::Line { line: self.verdict.entries + 1, what: what.to_owned() })
        };
        match line {
            Line::Opening(opening) if !self.opened && opening.version == VERSION => {
                self.opened = true;
                self.from = opening.after;
                self.link = Link { seq: Seq(opening.after), hash: opening.hash };
            }
            Line::Opening(_) => {
                return odd("begins an export in the middle of one, or of another version");
            }
            Line::Row(_) | Line::End(_) if !self.opened || self.ended => {
                return odd("is not between an export's first line and its last");
            }
            Line::Row(row) => self.row(Row {
                seq: row.seq,
                unix_ms: row.unix_ms,
                entry: row.entry.as_bytes(),
                hash: &row.hash,
            }),
            Line::End(end) => {
                self.ended = true;
                let whole = end.end == self.link.seq.0
                    && end.entries == self.verdict.entries
                    && end.hash == self.link.hash;
                if !whole && !self.is_broken() {
                    return odd("says another end than there is: rows were cut off before it");
                }
            }
        }
        Ok(())
    }

    /// Whether a row did not follow.
    fn is_broken(&self) -> bool {
        let broken = |fault: &Fault| matches!(fault, Fault::Altered { .. } | Fault::Damaged { .. });
        self.verdict.faults.iter().any(broken)
    }

    fn damaged(&mut self, what: String) {
        let after = self.link.seq.0;
        self.verdict.faults.push(Fault::Damaged { after, what });
    }

    /// `whole`: everything that was ever written is to be there.
    fn finish(mut self, whole: bool) -> Verdict {
        let end = self.link.seq.0;
        if !self.is_broken() {
            for anchor in self.anchors.into_values().flatten() {
                let Anchor { seq, unix_ms, .. } = anchor;
                if seq > end && whole {
                    self.verdict.faults.push(Fault::CutOff { end, anchored: seq, unix_ms });
                } else if seq < end && seq > self.from {
                    // Not among the rows that it should be among.
                    self.verdict.faults.push(Fault::Rewritten { seq, unix_ms });
                } else if seq == 0 && whole && self.from == 0 {
                    self.verdict.anchors += 1;
                }
            }
        }
        self.verdict.head = hex::written(&self.link.hash);
        self.verdict
    }
}
