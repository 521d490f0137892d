//! How many bytes wait on their way, so that whoever makes more can wait until there are few.
//!
//! Back-pressure without a bounded queue: the loop must never wait for a slow modem, so its queues take
//! everything; the sources (a program's output, a caller's bytes for a program) ask here before they read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Above this a source pauses: a second and a half of a 56 kbit/s line, and twice a pty's own buffer.
const HIGH: usize = 8 * 1024;

/// A count of waiting bytes, shared by those who add and those who take away.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauge(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    waiting: AtomicUsize,
    fell: Notify,
}

impl Gauge {
    /// So many more wait.
    pub(crate) fn add(&self, bytes: usize) {
        self.0.waiting.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many have gone.
    pub(crate) fn sub(&self, bytes: usize) {
        self.0.waiting.fetch_sub(bytes, Ordering::Relaxed);
        // Sources differ in what is few to them. Waking one that goes on waiting costs less than knowing.
        self.0.fell.notify_waiters();
    }

    /// Whether few wait.
    pub(crate) fn is_low(&self) -> bool {
        self.is_at_most(HIGH)
    }

    /// Whether no more than so many wait.
    pub(crate) fn is_at_most(&self, bytes: usize) -> bool {
        self.0.waiting.load(Ordering::Relaxed) <= bytes
    }

    /// Waits until few wait. Cancel safe.
    pub(crate) async fn low(&self) {
        self.at_most(HIGH).await;
    }

    /// Waits until no more than so many wait. Cancel safe.
    pub(crate) async fn at_most(&self, bytes: usize) {
        loop {
            let fell = self.0.fell.notified();
            if self.is_at_most(bytes) {
                return;
            }
            fell.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_source_waits_until_few_bytes_wait() {
        let gauge = Gauge::default();
        gauge.low().await;
        gauge.add(HIGH + 10);
        let waits = tokio::spawn({
            let gauge = gauge.clone();
            async move { gauge.low().await }
        });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        gauge.sub(5);
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        gauge.sub(5);
        waits.await.unwrap();
    }
}
