//! The hash chain: each row's hash covers the hash before it, so no row can be changed, taken out or put
//! in without changing every row after it.
//!
//! ```text
//!   hash(n) = SHA-256( "dialback journal 1\n" || hash(n-1) || seq || unix_ms || entry )
//! ```
//!
//! with both numbers as eight bytes, most significant first, and thirty-two zero bytes before the first row.
//! Who can rewrite the whole file can rewrite the whole chain: the last hash must be kept elsewhere too
//! (`dialback status` shows it) to prove more.

use std::path::Path;

use calls::vocabulary::{Entry, Seq};
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::StoreFault;

/// Keeps these hashes apart from every other use of SHA-256.
const DOMAIN: &[u8] = b"dialback journal 1\n";

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The last entry; 0 in an empty journal.
    pub(crate) seq: Seq,
    /// Its hash.
    pub(crate) hash: [u8; 32],
}

impl Link {
    /// Before the first entry.
    pub(crate) const START: Self = Self { seq: Seq(0), hash: [0; 32] };

    /// The end after one more entry, whose JSON is `text`.
    pub(crate) fn next(&self, seq: Seq, unix_ms: i64, text: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(self.hash);
        hash.update(seq.0.to_be_bytes());
        hash.update(unix_ms.to_be_bytes());
        hash.update(text.as_bytes());
        Self { seq, hash: hash.finalize().into() }
    }
}

/// Where the chain in the database ends.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<Link> {
    let last = connection
        .query_row("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok(Link { seq: Seq(unsigned(row.get(0)?)), hash: row.get(1)? })
        })
        .optional()?;
    Ok(last.unwrap_or(Link::START))
}

/// Walks the whole chain, handing out its entries.
pub(super) fn verify(
    connection: &Connection,
    path: &Path,
    mut each: impl FnMut(Entry),
) -> Result<(), StoreFault> {
    let fault = |source| StoreFault::Sqlite { path: path.to_owned(), source };
    let changed = |seq: u64, what: String| StoreFault::Changed { path: path.to_owned(), seq, what };
    let mut statement = connection
        .prepare("SELECT seq, unix_ms, entry, hash FROM journal ORDER BY seq")
        .map_err(fault)?;
    let mut rows = statement.query([]).map_err(fault)?;
    let mut head = Link::START;
    while let Some(row) = rows.next().map_err(fault)? {
        let seq = unsigned(row.get(0).map_err(fault)?);
        let unix_ms: i64 = row.get(1).map_err(fault)?;
        let text: String = row.get(2).map_err(fault)?;
        let hash: [u8; 32] = row.get(3).map_err(fault)?;
        head = head.next(Seq(seq), unix_ms, &text);
        if head.hash != hash {
            return Err(changed(seq, "does not follow from the one before it".to_owned()));
        }
        let entry: Entry = serde_json::from_str(&text)
            .map_err(|e| StoreFault::unread(path, Seq(seq), &text, &e.to_string()))?;
        if entry.seq.0 != seq || entry.at.unix_ms != unix_ms {
            return Err(changed(seq, "says another place or time than its row".to_owned()));
        }
        each(entry);
    }
    Ok(())
}

fn unsigned(id: i64) -> u64 {
    u64::try_from(id).unwrap_or(0)
}
