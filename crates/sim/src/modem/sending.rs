//! Bytes on their way to the other modem, at the speed of the line.
//!
//! They go in chunks: a key at once, a file in pieces of a few hundredths of a second, never one by one.

use std::time::Duration;

use proto::time::{Deadline, Instant};

use super::result::Rate;

/// What the modem takes from the DTE before it loses some: a buffer of the time.
pub(super) const LIMIT: usize = 4_096;
/// CTS falls above this,
const HIGH: usize = LIMIT / 4 * 3;
/// and rises below that.
const LOW: usize = LIMIT / 4;
/// A chunk is at most this long: 30 ms at 33 600 bit/s.
const CHUNK: usize = 128;

/// What is still to be sent.
#[derive(Debug, Default)]
pub(super) struct Sending {
    waiting: Vec<u8>,
    on_the_line: Option<Chunk>,
}

#[derive(Debug)]
struct Chunk {
    bytes: Vec<u8>,
    arrives: Instant,
}

impl Sending {
    /// Takes bytes; returns how many were lost for want of room.
    pub(super) fn push(&mut self, now: Instant, bytes: &[u8], rate: Rate) -> usize {
        let kept = bytes.get(..self.room()).unwrap_or(bytes);
        self.waiting.extend_from_slice(kept);
        self.begin(now, rate);
        bytes.len().saturating_sub(kept.len())
    }

    fn begin(&mut self, now: Instant, rate: Rate) {
        if self.on_the_line.is_some() || self.waiting.is_empty() {
            return;
        }
        let rest = self.waiting.split_off(self.waiting.len().min(CHUNK));
        let bytes = std::mem::replace(&mut self.waiting, rest);
        let micros = 1_000_000 * u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let time = Duration::from_micros(micros / u64::from(rate.characters()));
        self.on_the_line = Some(Chunk { bytes, arrives: now + time });
    }

    /// The chunk that has arrived at the other side, if one has.
    pub(super) fn tick(&mut self, now: Instant, rate: Rate) -> Option<Vec<u8>> {
        let chunk = self.on_the_line.take_if(|chunk| chunk.arrives <= now)?;
        // The next began when this one was through, not when we were asked.
        self.begin(chunk.arrives, rate);
        Some(chunk.bytes)
    }

    pub(super) fn due(&self) -> Option<Deadline> {
        self.on_the_line.as_ref().map(|chunk| Deadline::new(chunk.arrives, "line rate"))
    }

    pub(super) const fn is_busy(&self) -> bool {
        self.on_the_line.is_some()
    }

    /// Whether CTS is to be off, given whether it is `clear` now.
    pub(super) const fn is_full(&self, clear: bool) -> bool {
        self.waiting.len() > if clear { HIGH } else { LOW }
    }

    pub(super) const fn room(&self) -> usize {
        LIMIT.saturating_sub(self.waiting.len())
    }
}
