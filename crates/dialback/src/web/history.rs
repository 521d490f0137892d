//! What happened: calls, stories and sums, read from the store beside the server that writes it, and never
//! through it. It works while the server does not run.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use calls::record::{Record, Records, SessionRecord, by_session};
use calls::vocabulary::{CallId, Entry, PromiseId, Seq, SessionId};

use super::sums::{Heap, Short, Sums};
use crate::audit::{self, Verdict};
use crate::store::{self, Reader, StoreFault, Subject, Which};

/// Between two verifications of the whole journal at least: it reads all of it.
const VERIFY_EVERY: Duration = Duration::from_secs(60);

/// The store, for reading.
#[derive(Debug)]
pub(super) struct History {
    path: PathBuf,
    anchors: Option<audit::Configured>,
    reader: Reader,
    heap: Mutex<Heap>,
    checked: Mutex<Option<Checked>>,
    /// Held by who verifies. Others wait for it without a thread of their own.
    pub(super) verifying: Arc<tokio::sync::Mutex<()>>,
}

/// The last verification of the journal.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    /// When it was done.
    done: Instant,
    /// When it was begun, on the wall's clock (ms since 1970).
    pub(super) at_ms: i64,
    /// What came of it; or why it could not be done.
    pub(super) verdict: Result<Verdict, String>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in it is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl History {
    /// The journal in this directory.
    pub(super) fn new(state_dir: &Path, anchors: Option<audit::Configured>) -> Self {
        let path = store::journal_in(state_dir);
        Self {
            reader: Reader::new(&path),
            path,
            anchors,
            heap: Mutex::default(),
            checked: Mutex::default(),
            verifying: Arc::default(),
        }
    }

    /// The last records that fit, newest first. Blocks.
    pub(super) fn calls(&self, limit: u32, which: &Which) -> Result<Vec<Record>, StoreFault> {
        let mut calls = self.reader.calls(limit, which)?;
        calls.reverse();
        Ok(calls)
    }

    /// The last sessions of which a call fits, newest first, each whole. Blocks.
    pub(super) fn sessions(
        &self,
        limit: u32,
        which: &Which,
    ) -> Result<Vec<SessionRecord>, StoreFault> {
        let some = by_session(self.reader.calls(limit.saturating_mul(4), which)?);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut sessions = Vec::new();
        for session in some.iter().rev().take(limit) {
            let entries = self.reader.story(Subject::Session(session.session))?;
            sessions.extend(whole(&entries).pop());
        }
        Ok(sessions)
    }

    /// Every entry about this. Blocks.
    pub(super) fn story(&self, of: Subject) -> Result<Vec<Entry>, StoreFault> {
        self.reader.story(of)
    }

    /// Entries after this one. Blocks.
    pub(super) fn entries(&self, after: Seq, limit: u32) -> Result<Vec<Entry>, StoreFault> {
        self.reader.entries(after, limit)
    }

    /// Sums of the calls that began within the span (ms since 1970). Blocks.
    pub(super) fn sums(&self, from_ms: Option<i64>, to_ms: i64) -> Result<Sums, StoreFault> {
        let mut heap = held(&self.heap);
        let (last, latest_ms) = (heap.last(), heap.latest_ms);
        self.reader.records_since(last, latest_ms, |text| {
            // A record is derived: one that an older version wrote differently can be left out here.
            if let Ok(short) = serde_json::from_str::<Short>(text) {
                heap.add(short);
            }
        })?;
        Ok(heap.sums(from_ms, to_ms, i64::from(crate::clock::wall().offset_s) * 1000))
    }

    /// The last verification, or a new one if that was long ago. Blocks, and takes its time.
    pub(super) fn verified(&self) -> Checked {
        let mut checked = held(&self.checked);
        if let Some(last) = checked.as_ref().filter(|last| last.done.elapsed() < VERIFY_EVERY) {
            return last.clone();
        }
        let now = crate::clock::wall();
        let verdict = audit::verify_own(&self.path, self.anchors.as_ref(), now);
        let at_ms = now.unix_ms;
        let new = Checked { done: Instant::now(), at_ms, verdict };
        *checked = Some(new.clone());
        new
    }
}

/// Sessions of these entries, calls that are not over yet among them.
pub(super) fn whole(entries: &[Entry]) -> Vec<SessionRecord> {
    by_session(records(entries))
}

/// The records of these entries, those of calls that are not over at the end.
pub(super) fn records(entries: &[Entry]) -> Vec<Record> {
    let mut fold = Records::default();
    let mut records: Vec<Record> = entries.iter().filter_map(|entry| fold.apply(entry)).collect();
    records.extend(fold.open().cloned());
    records
}

/// `c12`, `s7`, `p3`.
pub(super) fn subject(id: &str) -> Option<Subject> {
    let number = |prefix| id.strip_prefix(prefix).and_then(|digits| digits.parse().ok());
    None.or_else(|| number('c').map(|id| Subject::Call(CallId(id))))
        .or_else(|| number('s').map(|id| Subject::Session(SessionId(id))))
        .or_else(|| number('p').map(|id| Subject::Promise(PromiseId(id))))
}
