//! The open port with its lock, its queue towards the modem, and the log of what passed.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use calls::config::PortSpec;
use proto::signals::Signals;
use sys::lock::{Lock, LockFault};

use super::outcome::Outcome;
use super::peer::Peer;
use crate::port::{Heard, LockWatches, Settings, Surroundings, Unsent, Wire};

/// An open port.
#[derive(Debug)]
pub(crate) struct Line {
    wire: Wire,
    out: Vec<u8>,
    log: Option<File>,
    _lock: Option<Lock>,
}

impl Line {
    /// Locks and opens the peer's port.
    pub(crate) async fn open(peer: &Peer, log: Option<&Path>) -> Result<Self, (Outcome, String)> {
        let lost = |e: String| (Outcome::PortLost, e);
        let log = match log {
            Some(path) => {
                let file = File::options().create(true).append(true).open(path);
                Some(file.map_err(|e| lost(format!("{}: {e}", path.display())))?)
            }
            None => None,
        };
        let settings = Settings {
            spec: peer.port.clone(),
            speed: peer.speed,
            hardware_flow: peer.hardware_flow,
        };
        let line = Self::at(settings, &peer.lock_dir).await?;
        Ok(Self { log, ..line })
    }

    /// Locks and opens a port that no peer file describes.
    pub(crate) async fn at(settings: Settings, lock_dir: &Path) -> Result<Self, (Outcome, String)> {
        let lost = |e: String| (Outcome::PortLost, e);
        let lock = match &settings.spec {
            PortSpec::Tty(device) => Some(lock(lock_dir, device)?),
            PortSpec::Rfc2217 { .. } | PortSpec::Tcp { .. } | PortSpec::Sim(_) => None,
        };
        // A client's port is not the server's: nobody is told of its inputs.
        let (inputs, _) = tokio::sync::mpsc::channel(1);
        let around = Surroundings {
            inputs,
            lock_dir: lock_dir.to_owned(),
            locks: LockWatches::start(lock_dir.to_owned()),
            launcher: None,
            sim: None,
        };
        let wire = Wire::open(settings, around).await.map_err(lost)?;
        Ok(Self { wire, out: Vec::new(), log: None, _lock: lock })
    }

    /// The control lines, if the port has them.
    pub(crate) fn signals(&self) -> Option<Signals> {
        self.wire.signals()
    }

    /// Waits until there is something to hear, or what is to be sent can go. Cancel safe.
    pub(crate) async fn wait(&mut self) {
        let write = !self.out.is_empty();
        self.wire.wait(true, write).await;
    }

    /// What has come; bytes only if there is room for them.
    pub(crate) fn hear(&mut self, bytes: bool) -> Vec<Heard> {
        self.push();
        self.wire.hear(bytes)
    }

    /// Sends, as far as the modem takes it; the rest follows.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.push();
    }

    /// How many bytes wait.
    pub(crate) fn waiting(&self) -> usize {
        self.out.len()
    }

    /// What has not left for the modem: here, or in the kernel.
    pub(crate) fn unsent(&mut self) -> Unsent {
        if self.out.is_empty() { self.wire.unsent() } else { Unsent::Told }
    }

    /// Moves DTR, where there is one. What waits is for nobody then.
    pub(crate) fn set_dtr(&mut self, up: bool) -> Result<(), String> {
        self.out.clear();
        self.wire.set_dtr(up)
    }

    pub(crate) async fn send_break(&mut self) -> Result<(), String> {
        self.wire.send_break().await
    }

    /// Writes what passed on the session to the log.
    pub(crate) fn note(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.log {
            Some(log) => log.write_all(bytes),
            None => Ok(()),
        }
    }

    /// Lowers DTR and closes; the settings are as they were found.
    pub(crate) fn close(self) {
        self.wire.close();
    }

    fn push(&mut self) {
        while !self.out.is_empty() {
            match self.wire.offer(&self.out) {
                Ok(0) | Err(_) => return,
                Ok(count) => drop(self.out.drain(..count)),
            }
        }
    }
}

fn lock(directory: &Path, device: &Path) -> Result<Lock, (Outcome, String)> {
    Lock::take(directory, device).map_err(|fault| {
        let outcome = match &fault {
            LockFault::Held { .. } | LockFault::NotALock { .. } | LockFault::LeftOver { .. } => {
                Outcome::PortLocked
            }
            LockFault::Kernel { .. } => Outcome::PortLost,
        };
        (outcome, fault.to_string())
    })
}
