//! When bytes that were handed to a network port have left for the modem: nobody tells, so it is computed
//! from the port's speed.

use std::time::Duration;

use sys::tty::time_to_send;
use tokio::time::Instant;

/// Keeps account of what a port at the far end still has to send.
#[derive(Debug)]
pub(super) struct Pace {
    speed: u32,
    done: Instant,
}

impl Pace {
    /// Nothing has been sent yet.
    pub(super) fn new(speed: u32) -> Self {
        Self { speed, done: Instant::now() }
    }

    /// The port has another speed now (bit/s).
    pub(super) fn set_speed(&mut self, speed: u32) {
        self.speed = speed;
    }

    /// So many bytes are on their way.
    pub(super) fn sent(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.done = self.done.max(Instant::now()) + time_to_send(bytes, self.speed);
    }

    /// The far end has thrown away what it had.
    pub(super) fn forget(&mut self) {
        self.done = Instant::now();
    }

    /// How long until everything has left; `None`: it has.
    pub(super) fn left(&self) -> Option<Duration> {
        let left = self.done.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}
