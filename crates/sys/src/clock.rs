//! The two clocks that the rim feeds into the pure rooms: one that only goes forward, and the wall's.
//!
//! It deliberately does not know `proto::time`: it answers in plain numbers.

use rustix::time::{ClockId, clock_gettime};

/// Microseconds since the machine started, counting time asleep: a promise to call back in ten minutes
/// is due after ten minutes, not after ten minutes of wakefulness. Never goes back.
pub fn monotonic_micros() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000).saturating_add(nanos / 1000)
}

/// The date as the machine believes it to be. May jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wall {
    /// Milliseconds since 1970-01-01 00:00 UTC.
    pub unix_millis: i64,
    /// Local time minus UTC in seconds, daylight saving included, at that moment.
    pub offset_seconds: i32,
}

/// The date and the local offset now.
pub fn wall() -> Wall {
    let now = jiff::Zoned::now();
    Wall { unix_millis: now.timestamp().as_millisecond(), offset_seconds: now.offset().seconds() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_never_goes_back() {
        let mut last = monotonic_micros();
        assert!(last > 0);
        for _ in 0..1000 {
            let now = monotonic_micros();
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn the_wall_clock_agrees_with_the_standard_library() {
        let std = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let ours = wall();
        assert!(i64::try_from(std.as_millis()).unwrap().abs_diff(ours.unix_millis) < 5000);
        assert!(ours.offset_seconds.abs() <= 26 * 3600);
    }
}
