//! The signals that a server obeys: SIGTERM and SIGINT end it, SIGHUP has the configuration read again.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Woken;
use crate::exit::{Code, Failure};

/// The signals that a server obeys.
#[derive(Debug)]
pub(crate) struct Signals {
    hang_up: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on these signals are ours. Within a runtime.
    pub(crate) fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|e| Failure::new(Code::System, format!("listening to signals: {e}")))
        };
        Ok(Self {
            hang_up: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    pub(super) async fn next(&mut self) -> Woken {
        tokio::select! {
            Some(()) = self.terminate.recv() => Woken::Stop,
            Some(()) = self.interrupt.recv() => Woken::Stop,
            Some(()) = self.hang_up.recv() => Woken::Reload,
            else => std::future::pending().await,
        }
    }
}
