//! The journal of the simulated world: entries are written at once and durable a little later. A power failure
//! takes what is not durable yet.

use std::collections::VecDeque;
use std::time::Duration;

use calls::vocabulary::{Entry, Seq};
use proto::time::{Deadline, Instant};

/// A journal in memory.
#[derive(Debug)]
pub(super) struct Store {
    entries: Vec<Entry>,
    durable: usize,
    delay: Duration,
    syncs: VecDeque<(Instant, usize)>,
    /// Whether the disk takes nothing just now.
    full: bool,
}

impl Store {
    pub(super) const fn new(delay: Duration) -> Self {
        Self { entries: Vec::new(), durable: 0, delay, syncs: VecDeque::new(), full: false }
    }

    /// Writes an entry; false where it can't be written now, and will be when the disk has room again.
    pub(super) fn append(&mut self, now: Instant, entry: Entry) -> bool {
        self.entries.push(entry);
        if !self.full {
            self.sync(now);
        }
        !self.full
    }

    /// The disk is full, or has room again.
    pub(super) fn set_full(&mut self, now: Instant, full: bool) {
        self.full = full;
        if !full {
            self.sync(now);
        }
    }

    fn sync(&mut self, now: Instant) {
        let at = now + self.delay;
        match self.syncs.back_mut() {
            // Group commit: what is written at the same instant is durable at the same instant.
            Some((due, upto)) if *due == at => *upto = self.entries.len(),
            Some(_) | None => self.syncs.push_back((at, self.entries.len())),
        }
    }

    /// What has become durable: the last place.
    pub(super) fn tick(&mut self, now: Instant) -> Option<Seq> {
        let mut news = None;
        while let Some((_, upto)) = self.syncs.pop_front_if(|(at, _)| *at <= now) {
            self.durable = upto;
            news =
                upto.checked_sub(1).and_then(|last| self.entries.get(last)).map(|entry| entry.seq);
        }
        news
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        self.syncs.front().map(|(at, _)| Deadline::new(*at, "journal"))
    }

    /// The power fails: what was not durable is lost.
    pub(super) fn fail(&mut self) {
        self.entries.truncate(self.durable);
        self.syncs.clear();
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The place up to which entries are durable.
    pub(super) fn durable(&self) -> Option<Seq> {
        let last = self.durable.checked_sub(1)?;
        self.entries.get(last).map(|entry| entry.seq)
    }

    /// Forgets everything written: for long measurements, between sessions.
    pub(super) fn forget(&mut self) {
        self.entries.drain(..self.durable);
        for (_, upto) in &mut self.syncs {
            *upto -= self.durable;
        }
        self.durable = 0;
    }
}
