//! The one place where the rim reads a clock.
//!
//! The core counts from the start of the run and never goes back ([`Now::at`]); records and promises carry
//! the wall clock ([`Now::wall`]). A scale above 1 makes both run faster than the telephones of this world
//! do: the demo uses it.

use std::time::Duration;

use calls::vocabulary::{Now, Wall};
use proto::time::Instant;

/// A clock that may run faster than the wall's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// [`sys::clock::monotonic_micros`] at the start: it counts on while the machine sleeps.
    started: u64,
    wall_at_start: Wall,
    scale: u32,
}

/// No deadline lies beyond this; every timer's arithmetic can still add it.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

impl Clock {
    /// A clock that starts now and runs `scale` times as fast as the wall's (at least once).
    pub(crate) fn start(scale: u32) -> Self {
        let started = sys::clock::monotonic_micros();
        Self { started, wall_at_start: wall(), scale: scale.max(1) }
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Now {
        let passed = sys::clock::monotonic_micros().saturating_sub(self.started);
        let passed = Duration::from_micros(passed.saturating_mul(u64::from(self.scale)));
        // At its own pace the wall clock may be set by somebody; a faster one can only be counted.
        let wall = if self.scale == 1 { wall() } else { self.wall_at_start + passed };
        Now { at: Instant::ZERO + passed, wall }
    }

    /// When the runtime must wake us for `at`.
    pub(crate) fn runtime_instant(&self, at: Instant) -> tokio::time::Instant {
        let wait = ((at - self.now().at) / self.scale).min(FAR);
        tokio::time::Instant::now() + wait
    }
}

/// What the wall's clock says, and how far local time is ahead of UTC just now.
pub(crate) fn wall() -> Wall {
    let now = sys::clock::wall();
    Wall { unix_ms: now.unix_millis, offset_s: now.offset_seconds }
}

/// `2026-11-22 19:06:18.123` in the local time that `at` was written in.
pub(crate) fn written(at: Wall) -> String {
    civil(at).map_or_else(
        || format!("{} ms", at.unix_ms),
        |time| time.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
    )
}

/// `19:06:18` in local time: for tables, where the day is known.
pub(crate) fn written_short(at: Wall) -> String {
    civil(at).map_or_else(|| "?".to_owned(), |time| time.strftime("%m-%d %H:%M:%S").to_string())
}

fn civil(at: Wall) -> Option<jiff::civil::DateTime> {
    let offset = jiff::tz::Offset::from_seconds(at.offset_s).ok()?;
    let timestamp = jiff::Timestamp::from_millisecond(at.unix_ms).ok()?;
    Some(offset.to_datetime(timestamp))
}

/// `1h02m03s`, `4m05s`, `6.7s`: how long something took, for people.
pub(crate) fn lasted(time: Duration) -> String {
    let s = time.as_secs();
    if s >= 3600 {
        format!("{}h{:02}m{:02}s", s / 3600, s / 60 % 60, s % 60)
    } else if s >= 60 {
        format!("{}m{:02}s", s / 60, s % 60)
    } else {
        format!("{}.{}s", s, time.subsec_millis() / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_is_written_with_the_offset_it_was_taken_with() {
        let at = Wall { unix_ms: 1_000_000_000_123, offset_s: 7200 };
        assert_eq!(written(at), "2001-09-09 03:46:40.123");
        assert_eq!(written_short(at), "09-09 03:46:40");
    }

    #[test]
    fn durations_are_written_as_people_say_them() {
        for (ms, text) in
            [(0, "0.0s"), (6_790, "6.7s"), (245_000, "4m05s"), (3_723_000, "1h02m03s")]
        {
            assert_eq!(lasted(Duration::from_millis(ms)), text);
        }
    }

    #[tokio::test]
    async fn a_faster_clock_reaches_its_deadlines_sooner() {
        let clock = Clock::start(1000);
        let due = clock.runtime_instant(clock.now().at + Duration::from_secs(60));
        let wait = due - tokio::time::Instant::now();
        assert!(wait <= Duration::from_millis(60), "{wait:?}");
        tokio::time::sleep_until(due).await;
        assert!(clock.now().at >= Instant::from_millis(60_000));
    }
}
