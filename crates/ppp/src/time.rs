//! Time as the engines see it: an instant is a count of microseconds since some start, handed in.
//!
//! Nothing in this crate asks for the time. A daemon hands in its monotonic clock, a test a number that
//! it counts up by itself.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in time: microseconds since the start of whoever keeps the clock.
///
/// Arithmetic saturates: a deadline that would lie beyond the end of time is the end of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The start of the clock.
    pub const ZERO: Self = Self(0);
    /// The end of time: a deadline there never comes.
    pub const FAR: Self = Self(u64::MAX);

    /// The instant that many microseconds after the start.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The instant that many milliseconds after the start.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// The instant that many seconds after the start.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since the start.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this instant is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, wait: Duration) -> Self {
        let micros = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// When a machine wants to be woken, and why: when a loop spins, `why` says whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    /// The instant at which `tick` is wanted.
    pub at: Instant,
    /// What is waited for, for people: `"configure-ack"`, `"callback response"`.
    pub why: &'static str,
}

impl Deadline {
    /// A deadline at `at`, because of `why`.
    #[must_use]
    pub const fn new(at: Instant, why: &'static str) -> Self {
        Self { at, why }
    }

    /// The earlier of two deadlines, either of which may be missing.
    #[must_use]
    pub fn earliest(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (Some(a), None) | (None, Some(a)) => Some(a),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_saturate_at_both_ends() {
        let soon = Instant::from_millis(5);
        assert_eq!(soon - Instant::from_millis(9), Duration::ZERO);
        assert_eq!(Instant::FAR + Duration::from_secs(1), Instant::FAR);
        assert_eq!((soon + Duration::from_micros(7)).to_string(), "0.005007");
    }

    #[test]
    fn the_earliest_deadline_wins() {
        let a = Deadline::new(Instant::from_millis(1), "a");
        let b = Deadline::new(Instant::from_millis(2), "b");
        for (one, other, wanted) in [
            (Some(a), Some(b), Some(a)),
            (None, Some(b), Some(b)),
            (Some(a), None, Some(a)),
            (None, None, None),
        ] {
            assert_eq!(Deadline::earliest(one, other), wanted);
        }
    }
}
