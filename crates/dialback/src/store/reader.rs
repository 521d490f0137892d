//! Reading the journal beside the writer: for the control socket and for `dialback calls`.
//!
//! A reader sees what was committed when it looked, and never holds the writer up (WAL).

use std::path::{Path, PathBuf};

use calls::record::Record;
use calls::vocabulary::{Entry, Seq};

use super::writer::number;
use super::{StoreFault, schema};

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

    /// At most `limit` entries that come after `after`, in order. Blocks.
    pub(crate) fn entries(&self, after: Seq, limit: u32) -> Result<Vec<Entry>, StoreFault> {
        let fault = |source| StoreFault::Sqlite { path: self.path.clone(), source };
        let connection = schema::open_to_read(&self.path).map_err(fault)?;
        let mut statement = connection
            .prepare("SELECT entry FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2")
            .map_err(fault)?;
        let mut rows = statement.query((number(after.0), limit)).map_err(fault)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            let text: String = row.get(0).map_err(fault)?;
            entries.push(serde_json::from_str(&text).map_err(|e| StoreFault::Changed {
                path: self.path.clone(),
                seq: after.0,
                what: format!("is followed by one that this version does not know ({e})"),
            })?);
        }
        Ok(entries)
    }

    /// The last `limit` records, oldest of them first. Blocks.
    pub(crate) fn calls(&self, limit: u32) -> Result<Vec<Record>, StoreFault> {
        let fault = |source| StoreFault::Sqlite { path: self.path.clone(), source };
        let connection = schema::open_to_read(&self.path).map_err(fault)?;
        let mut statement = connection
            .prepare("SELECT record FROM records ORDER BY call DESC LIMIT ?1")
            .map_err(fault)?;
        let mut rows = statement.query([limit]).map_err(fault)?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            let text: String = row.get(0).map_err(fault)?;
            // A record is derived: one that an older version wrote differently can be left out here.
            if let Ok(record) = serde_json::from_str(&text) {
                records.push(record);
            }
        }
        records.reverse();
        Ok(records)
    }
}
