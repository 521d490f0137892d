//! What the listener shows: the counters, how things stand, and how the deliveries go.
//!
//! The status is asked of the server anew for each look, so that what is shown is never old; everything else is
//! kept here by those who count it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use calls::config::relay::Relay;
use calls::status::Status;
use calls::vocabulary::{Entry, Seq};

use super::follow::Receiver;
use super::ledger::{Counts, Ledger, LedgerFault, Place};
use super::metrics::Snapshot;
use super::tally::{Pairs, Tally};
use crate::control::Client;

/// The follower that counts.
const TALLY: &str = "metrics";

/// See the file's text.
#[derive(Debug)]
pub(crate) struct Observatory {
    control: PathBuf,
    journal_dir: PathBuf,
    state_dir: PathBuf,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    tally: Tally,
    /// Where each follower is.
    places: BTreeMap<String, u64>,
    deliveries: Pairs,
    connected: bool,
    ledger_unreadable: bool,
}

impl Observatory {
    /// With what was counted in earlier runs.
    pub(crate) fn new(relay: &Relay, ledger: &Ledger) -> Result<Self, LedgerFault> {
        let seen = Seen { tally: ledger.tally(TALLY)?, ..Seen::default() };
        Ok(Self {
            control: relay.control.clone(),
            journal_dir: relay.journal_dir.clone(),
            state_dir: relay.state_dir.clone(),
            seen: Mutex::new(seen),
        })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Counters are whole at every moment.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A follower has come to there.
    pub(crate) fn at(&self, follower: &str, seq: Seq) {
        self.seen().places.insert(follower.to_owned(), seq.0);
    }

    /// A delivery went so.
    pub(crate) fn delivered(&self, receiver: &str, outcome: &str) {
        let mut seen = self.seen();
        let words = seen.deliveries.entry(receiver.to_owned()).or_default();
        *words.entry(outcome.to_owned()).or_default() += 1;
    }

    /// Whether the events of the server come.
    pub(crate) fn connected(&self) -> bool {
        self.seen().connected
    }

    /// How things stand; `None`: the server does not answer. Blocks.
    pub(crate) fn status(&self) -> Option<Box<Status>> {
        Client::connect(&self.control).and_then(|mut client| client.status()).ok()
    }

    /// Everything. Blocks.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let status = self.status().map(|status| *status);
        let queue = self.queue();
        let octets = ["journal.db", "journal.db-wal"].iter().filter_map(|name| {
            std::fs::metadata(self.journal_dir.join(name)).ok().map(|file| file.len())
        });
        let journal_octets = octets.sum();
        let seen = self.seen();
        // Nobody is further than the one who does nothing but count.
        let journal_entries = seen.places.values().copied().max().unwrap_or(0);
        let behind = seen
            .places
            .iter()
            .map(|(name, place)| (name.clone(), journal_entries.saturating_sub(*place)))
            .collect();
        Snapshot {
            tally: seen.tally.clone(),
            status,
            journal_entries,
            journal_octets,
            behind,
            deliveries: seen.deliveries.clone(),
            queue,
        }
    }

    /// What waits and what is dead; `None`: the ledger can't be read, which is told once.
    fn queue(&self) -> Option<Counts> {
        let counts = Ledger::open(&self.state_dir).and_then(|ledger| ledger.counts());
        let was_unreadable = std::mem::replace(&mut self.seen().ledger_unreadable, counts.is_err());
        counts
            .inspect_err(|fault| {
                if !was_unreadable {
                    tracing::error!("/metrics shows neither what waits nor what is dead: {fault}");
                }
            })
            .ok()
    }
}

/// The follower that counts.
#[derive(Debug)]
pub(crate) struct Counting {
    observatory: std::sync::Arc<Observatory>,
    ledger: Ledger,
    /// Counted, and not yet kept.
    tally: Tally,
}

impl Counting {
    /// Goes on counting.
    pub(crate) fn new(observatory: std::sync::Arc<Observatory>, ledger: Ledger) -> Self {
        Self { observatory, ledger, tally: Tally::default() }
    }
}

impl Receiver for Counting {
    fn name(&self) -> &str {
        TALLY
    }

    fn place(&mut self) -> Result<Option<Place>, String> {
        self.tally = self.ledger.tally(TALLY).map_err(|e| e.to_string())?;
        let place = self.ledger.place(TALLY).map_err(|e| e.to_string())?;
        if let Some(place) = &place {
            self.observatory.at(TALLY, place.seq);
        }
        Ok(place)
    }

    fn take(&mut self, entry: &Entry, _: &str) -> Result<(), String> {
        self.tally.apply(&super::name_of(&entry.event), entry);
        Ok(())
    }

    fn commit(&mut self, place: &Place) -> Result<(), String> {
        let kept = self.ledger.advance(TALLY, place, Some(&self.tally), &[], super::now_ms());
        kept.map_err(|e| e.to_string())?;
        self.observatory.at(TALLY, place.seq);
        self.observatory.seen().tally = self.tally.clone();
        Ok(())
    }

    fn connected(&mut self, yes: bool) {
        self.observatory.seen().connected = yes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_ledger_keeps_is_shown_and_not_as_nothing_where_it_cannot_be_read() {
        let folder =
            std::env::temp_dir().join(format!("dialback-observatory-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        let observatory = Observatory {
            control: folder.join("control.sock"),
            journal_dir: folder.clone(),
            state_dir: folder.clone(),
            seen: Mutex::default(),
        };
        drop(Ledger::open(&folder).unwrap());
        assert_eq!(observatory.snapshot().queue, Some(Counts::default()));
        let database = folder.join("relay.db");
        std::fs::write(&database, "this is no database, whatever its name says").unwrap();
        assert_eq!(observatory.snapshot().queue, None);
        std::fs::remove_file(&database).unwrap();
        assert_eq!(observatory.snapshot().queue, Some(Counts::default()));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
