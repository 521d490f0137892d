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

use super::{Anchor, Told, write};
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
    /// The last entry whose anchor stands everywhere: one that could not be written is tried again when the next is due.
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
            Anchor { seq: head.seq.0, hash: head.hash, unix_ms: clock::wall().unix_ms }
        }
        Ok(Ok(_)) => return,
        Ok(Err(fault)) => return tracing::error!("no anchor is written: {fault}"),
        // A panic has been reported.
        Err(_) => return,
    };
    let seq = anchor.seq;
    let became = match launcher {
        Some(launcher) => launcher.anchor(anchor).await,
        // A disk may be slow, and a log may be stuck. A panic has been reported.
        None => tokio::task::spawn_blocking(move || write(&audit, &anchor))
            .await
            .unwrap_or(Told::Failed),
    };
    match became {
        // Of two that were told at once the later one counts.
        Told::Everywhere => drop(told.fetch_max(seq, Ordering::Relaxed)),
        Told::Failed => {}
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use calls::vocabulary::{Entry, Event, Seq, Wall};

    use super::*;
    use crate::store::{Store, Writer, journal_in};

    #[tokio::test]
    async fn an_anchor_that_could_not_be_written_is_told_again_though_nothing_has_happened() {
        let dir = std::env::temp_dir().join(format!("dialback-told-{}", std::process::id()));
        drop(fs::remove_dir_all(&dir));
        let writer = Writer::start(Store::open(&dir).unwrap(), |_| {}).unwrap();
        let event = Event::LineReady { line: "main".to_owned() };
        writer.append(Arc::new(Entry { seq: Seq(1), at: Wall::default(), event }));
        tokio::task::spawn_blocking(|| writer.finish()).await.unwrap();
        let file = dir.join("elsewhere/anchors");
        let audit = Audit { anchor_file: Some(file.clone()), ..Audit::default() };
        let (journal, told) = (Reader::new(&journal_in(&dir)), Arc::default());
        let again = || tell(audit.clone(), journal.clone(), None, Arc::clone(&told));
        again().await;
        fs::create_dir(dir.join("elsewhere")).unwrap();
        again().await;
        again().await;
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.matches(" seq=1 ").count(), 1, "{text}");
        fs::remove_dir_all(&dir).unwrap();
    }
}
