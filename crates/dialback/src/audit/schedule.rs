//! When anchors are told: as often as `[audit]` says, if something has happened since, and at the stop.
//!
//! ```text
//!   Off ── [audit] names a place ──► waiting ── due ──► the journal's end is read and told ──► waiting
//! ```
//!
//! Where there is a launcher it writes them, as root: who takes the server over can then write the journal anew, but
//! not the anchors of before. It deliberately does not know what an anchor looks like.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use calls::config::Audit;
use tokio::time::Instant;

use super::{Anchor, write};
use crate::clock;
use crate::launcher::Client;
use crate::store::Reader;

/// The server's anchors.
#[derive(Debug)]
pub(crate) struct Anchors {
    audit: Audit,
    journal: Reader,
    launcher: Option<Client>,
    due: Option<Instant>,
    /// The last entry that was anchored.
    told: Arc<AtomicU64>,
}

impl Anchors {
    /// For this journal, from now on.
    pub(crate) fn start(audit: Audit, journal: Reader, launcher: Option<Client>) -> Self {
        let mut anchors = Self { audit, journal, launcher, due: None, told: Arc::default() };
        anchors.wait_again();
        anchors
    }

    /// After a reload.
    pub(crate) fn set(&mut self, audit: &Audit) {
        if self.audit != *audit {
            self.audit = audit.clone();
            self.wait_again();
        }
    }

    /// When the next one is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    fn wait_again(&mut self) {
        let wanted = self.audit.anchor_file.is_some() || self.audit.anchor_syslog;
        self.due = wanted.then(|| Instant::now() + self.audit.anchor_every);
    }

    /// Tells where the journal ends, beside whatever else goes on; nobody waits for it.
    pub(crate) fn tell(&mut self) {
        self.wait_again();
        let (audit, journal) = (self.audit.clone(), self.journal.clone());
        tokio::spawn(tell(audit, journal, self.launcher.clone(), Arc::clone(&self.told)));
    }

    /// The last one, at the stop, when everything is written.
    pub(crate) async fn finish(self) {
        if self.due.is_some() {
            tell(self.audit, self.journal, self.launcher, self.told).await;
        }
    }
}

async fn tell(audit: Audit, journal: Reader, launcher: Option<Client>, told: Arc<AtomicU64>) {
    let head = tokio::task::spawn_blocking(move || journal.head()).await;
    let anchor = match head {
        Ok(Ok(head)) if head.seq.0 > told.load(Ordering::Relaxed) => {
            told.store(head.seq.0, Ordering::Relaxed);
            Anchor { seq: head.seq.0, hash: head.hash, unix_ms: clock::wall().unix_ms }
        }
        Ok(Ok(_)) => return,
        Ok(Err(fault)) => return tracing::error!("no anchor is written: {fault}"),
        // A panic has been reported.
        Err(_) => return,
    };
    match launcher {
        Some(launcher) => launcher.anchor(anchor).await,
        // A disk may be slow, and a log may be stuck.
        None => drop(tokio::task::spawn_blocking(move || write(&audit, &anchor)).await),
    }
}
