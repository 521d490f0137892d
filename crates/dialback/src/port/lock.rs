//! UUCP locks of the lines on local terminals: ours, and the news of other programs'.
//!
//! ```text
//!            Claim: taken                     a file of another's appears, or Claim fails
//!   Free ──────────────────► Ours      Free ─────────────────────────────────────────────► Lent
//!     ▲         Release        │         ▲      it goes, or its holder dies                   │
//!     └────────────────────────┘         └───────────────────────────────────────────────────┘
//! ```
//!
//! One inotify watch serves all lines. It deliberately does not know what else may be wrong with a port.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use calls::vocabulary::PortInput;
use sys::lock::{Holder, Lock, LockFault, LockState, lock_name};
use sys::lock_watch::LockWatch;
use tokio::sync::mpsc;

/// The watch tells changes; a lock made and removed within one look of it is none, and a claim may have
/// failed on it in between. So a line that is lent looks for itself now and then.
pub(super) const LENT_RECHECK: Duration = Duration::from_secs(30);

/// The lock of one line.
#[derive(Debug)]
pub(super) struct Locker {
    directory: PathBuf,
    device: PathBuf,
    state: State,
}

#[derive(Debug)]
enum State {
    Free,
    Ours(#[expect(dead_code, reason = "held until dropped")] Lock),
    /// The core has been told that somebody else has it.
    Lent,
}

impl Locker {
    pub(super) fn new(directory: PathBuf, device: PathBuf) -> Self {
        Self { directory, device, state: State::Free }
    }

    /// Takes the lock.
    pub(super) fn claim(&mut self) -> PortInput {
        match &self.state {
            State::Ours(_) => return PortInput::Claimed,
            State::Free | State::Lent => {}
        }
        match Lock::take(&self.directory, &self.device) {
            Ok(lock) => {
                self.state = State::Ours(lock);
                PortInput::Claimed
            }
            Err(LockFault::Held { holder, .. }) => {
                self.state = State::Lent;
                PortInput::Taken { holder: name(&holder) }
            }
            // Whoever made it, the line is not ours; it is again once the file has gone.
            Err(fault @ LockFault::NotALock { .. }) => {
                self.state = State::Lent;
                PortInput::Taken { holder: fault.to_string() }
            }
            Err(fault @ (LockFault::Kernel { .. } | LockFault::LeftOver { .. })) => {
                PortInput::Lost(fault.to_string())
            }
        }
    }

    /// Gives our lock back.
    pub(super) fn release(&mut self) {
        match self.state {
            State::Ours(_) => self.state = State::Free,
            State::Free | State::Lent => {}
        }
    }

    /// A lock file has changed. `open`: we have the port open, so that it must be let go.
    pub(super) fn changed(&mut self, now: &LockState, open: bool) -> Option<PortInput> {
        match (&self.state, now) {
            (State::Free, LockState::Held(holder)) if open && !holder.ours => {
                self.state = State::Lent;
                Some(PortInput::Taken { holder: name(holder) })
            }
            (State::Lent, LockState::Free | LockState::Stale { .. }) => {
                self.state = State::Free;
                Some(PortInput::Returned)
            }
            (State::Free | State::Ours(_) | State::Lent, _) => None,
        }
    }

    /// Whether somebody else has the line.
    pub(super) fn is_lent(&self) -> bool {
        matches!(self.state, State::Lent)
    }

    /// Looks whether the line is still lent.
    pub(super) fn look_again(&mut self) -> Option<PortInput> {
        match sys::lock::state(&self.directory, &self.device) {
            Ok(now) => self.changed(&now, false),
            Err(fault) => {
                tracing::warn!("{fault}");
                None
            }
        }
    }
}

/// `minicom (pid 812)`
fn name(holder: &Holder) -> String {
    match &holder.program {
        Some(program) => format!("{program} (pid {})", holder.pid),
        None => format!("pid {}", holder.pid),
    }
}

/// Who wants to be told of the lock of a device. `false`: not any more.
type Listener = Box<dyn FnMut(LockState) -> bool + Send>;

/// The way to the one watch of the lock directory.
#[derive(Clone)]
pub(crate) struct LockWatches(mpsc::UnboundedSender<(PathBuf, Listener)>);

impl fmt::Debug for LockWatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockWatches")
    }
}

impl LockWatches {
    /// Starts watching `directory`, on a task of its own. Where that is impossible, lines work, but learn of
    /// other programs only when they claim their lock.
    pub(crate) fn start(directory: PathBuf) -> Self {
        let (listen, listeners) = mpsc::unbounded_channel();
        tokio::spawn(tell(directory, listeners));
        Self(listen)
    }

    /// Tells `listener` of each change of the lock of `device`.
    pub(super) fn watch(
        &self,
        device: &Path,
        listener: impl FnMut(LockState) -> bool + Send + 'static,
    ) {
        // The task ends only with the runtime.
        drop(self.0.send((device.to_owned(), Box::new(listener))));
    }
}

async fn tell(directory: PathBuf, mut registrations: mpsc::UnboundedReceiver<(PathBuf, Listener)>) {
    let mut listeners: Vec<(PathBuf, Listener)> = Vec::new();
    let mut watch: Option<LockWatch> = None;
    loop {
        tokio::select! {
            new = registrations.recv() => match new {
                Some(new) => {
                    // Without a line on a local terminal nothing is watched.
                    if listeners.is_empty() && watch.is_none() {
                        watch = start(&directory);
                    }
                    listeners.push(new);
                }
                None => return,
            },
            event = next(&mut watch) => match event {
                Ok(event) => listeners.retain_mut(|(device, listener)| {
                    // Resolved each time: a USB modem may be another device after a replug.
                    let name = lock_name(device);
                    name.strip_prefix("LCK..") != Some(&event.device) || listener(event.state.clone())
                }),
                Err(e) => {
                    tracing::error!("{e}: other programs' locks are not noticed any more");
                    watch = None;
                }
            },
        }
    }
}

fn start(directory: &Path) -> Option<LockWatch> {
    match LockWatch::start(directory) {
        Ok(watch) => Some(watch),
        Err(fault) => {
            tracing::error!("{fault}: other programs' locks are not noticed");
            None
        }
    }
}

async fn next(watch: &mut Option<LockWatch>) -> std::io::Result<sys::lock_watch::LockEvent> {
    match watch {
        Some(watch) => watch.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(ours: bool) -> LockState {
        LockState::Held(Holder { pid: 812, program: Some("minicom".to_owned()), ours })
    }

    #[test]
    fn a_line_is_lent_once_and_returned_once() {
        let mut locker = Locker::new(PathBuf::from("/nonexistent"), PathBuf::from("/dev/ttyS9"));
        let taken = PortInput::Taken { holder: "minicom (pid 812)".to_owned() };
        let table = [
            ("closed ports are not lent", holder(false), false, None),
            ("our own lock is no news", holder(true), true, None),
            ("another's is", holder(false), true, Some(taken)),
            ("told once", holder(false), true, None),
            ("an unreadable file is still there", LockState::Unreadable { what: "x" }, true, None),
            ("it goes", LockState::Free, false, Some(PortInput::Returned)),
            ("told once", LockState::Free, true, None),
        ];
        for (why, state, open, wanted) in table {
            assert_eq!(locker.changed(&state, open), wanted, "{why}");
        }
    }

    #[test]
    fn a_lock_directory_that_is_missing_is_told_with_its_cure() {
        let mut locker = Locker::new(PathBuf::from("/nonexistent"), PathBuf::from("/dev/ttyS9"));
        let answer = locker.claim();
        let PortInput::Lost(why) = &answer else { panic!("{answer:?}") };
        assert!(why.contains("/nonexistent"), "{why}");
    }
}
