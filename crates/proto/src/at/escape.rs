//! Coming back to the command state without DTR: silence, `+++`, silence (Hayes; registers S2 and S12).
//!
//! The silences are the whole trick: a caller's own `+++` in the middle of his text is not surrounded by
//! them. They also say when an answer can be the modem's: it answers `OK` only after the second silence,
//! so an `OK` sooner than that was typed by the far end.

use std::time::Duration;

use crate::time::Instant;

/// How a modem is called back to the command state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escape {
    /// The character that is sent three times: register S2, `+` unless changed.
    pub character: u8,
    /// The silence before and behind it: register S12 in fiftieths of a second, 1 s unless changed.
    pub guard: Duration,
    /// How long the modem may take for its `OK` after the second silence.
    pub answer: Duration,
}

impl Default for Escape {
    fn default() -> Self {
        Self { character: b'+', guard: Duration::from_secs(1), answer: Duration::from_secs(2) }
    }
}

impl Escape {
    /// What is sent between the silences.
    #[must_use]
    pub const fn sequence(&self) -> [u8; 3] {
        [self.character; 3]
    }

    /// How long to be silent before: the guard time, and a tenth more for bytes still on their way
    /// through the port to the modem.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.guard + self.guard / 10
    }

    /// Whether an answer at `now` to a sequence sent at `sent` is too early to be the modem's. A tenth is
    /// allowed for modems whose clock is fast.
    #[must_use]
    pub fn is_too_early(&self, sent: Instant, now: Instant) -> bool {
        now.since(sent) < self.guard - self.guard / 10
    }

    /// When to give up waiting for the answer to a sequence sent at `sent`.
    #[must_use]
    pub fn until(&self, sent: Instant) -> Instant {
        sent + self.guard + self.answer
    }
}
