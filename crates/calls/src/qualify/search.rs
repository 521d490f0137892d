//! Which wait to try next, until the hold time lies between two of them.
//!
//! ```text
//!   grow along the ladder ── dial tone ──► halve what lies between ──► once more the shortest ──► the control ──► Found
//!           └── held at its end: HeldTooLong                               └── held after all: grow on
//! ```
//!
//! Each wait is a call of its own: whether taking up a held line makes its exchange count anew differs. An answer that is
//! once wrong (a caller in between, a click) must not become a hold time that is too short, so the last one is asked twice.
//!
//! It does not know calls.

use std::time::Duration;

/// The waits that are tried until one has dial tone. The first is as short as a modem can do it; the last is longer than any
/// exchange is known to hold a line.
const LADDER: [Duration; 7] = [
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(12),
    Duration::from_secs(30),
    Duration::from_secs(75),
    Duration::from_secs(130),
    Duration::from_secs(240),
];
/// More calls than a search has ever a reason for: seven up, four between, and as many again for an exchange that is not
/// of one mind.
const MAX_TRIALS: u32 = 20;

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Ask for dial tone after this wait.
    Try(Duration),
    /// See that both modems can tell, over this time.
    Control(Duration),
    /// The hold time is longer than the one and not longer than the other.
    Found { held: Duration, free: Duration },
    /// There was no dial tone even after this.
    HeldTooLong(Duration),
    /// The answers contradict each other.
    NoEnd,
}

/// A search.
#[derive(Debug, Default)]
pub(super) struct Search {
    held: Duration,
    free: Option<Duration>,
    confirmed: bool,
    controlled: bool,
    trials: u32,
}

impl Search {
    pub(super) fn next(&self) -> Next {
        if self.trials >= MAX_TRIALS {
            return Next::NoEnd;
        }
        let Some(free) = self.free else {
            let longer = LADDER.into_iter().find(|step| *step > self.held);
            return longer.map_or(Next::HeldTooLong(self.held), Next::Try);
        };
        let between = free.saturating_sub(self.held);
        if between > fine(free) {
            return Next::Try(self.held + Duration::from_secs((between / 2).as_secs().max(1)));
        }
        match (self.confirmed, self.controlled) {
            (false, _) => Next::Try(free),
            (true, false) => Next::Control(free),
            (true, true) => Next::Found { held: self.held, free },
        }
    }

    /// There was no dial tone after this wait.
    pub(super) fn held(&mut self, wait: Duration) {
        self.trials += 1;
        self.held = self.held.max(wait);
        if self.free.is_some_and(|free| free <= self.held) {
            self.free = None;
            self.confirmed = false;
        }
    }

    /// There was.
    pub(super) fn free(&mut self, wait: Duration) {
        self.trials += 1;
        self.confirmed = self.free == Some(wait);
        self.free = Some(wait);
    }

    /// The control was passed.
    pub(super) const fn controlled(&mut self) {
        self.controlled = true;
    }
}

/// How far apart the two waits may stay: an eighth, and two seconds.
fn fine(free: Duration) -> Duration {
    (free / 8).max(Duration::from_secs(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The waits that are tried on an exchange, and what comes of it.
    fn played(mut exchange: impl FnMut(u32, u64) -> bool) -> (Vec<u64>, Next) {
        let mut search = Search::default();
        let mut tried = Vec::new();
        loop {
            match search.next() {
                Next::Try(wait) => {
                    let count = u32::try_from(tried.len()).unwrap();
                    tried.push(wait.as_secs());
                    match exchange(count, wait.as_secs()) {
                        true => search.held(wait),
                        false => search.free(wait),
                    }
                }
                Next::Control(_) => search.controlled(),
                end @ (Next::Found { .. } | Next::HeldTooLong(_) | Next::NoEnd) => {
                    return (tried, end);
                }
            }
        }
    }

    #[test]
    fn the_hold_time_lies_between_two_waits_that_are_near_each_other() {
        for hold in [0, 1, 2, 5, 10, 11, 29, 30, 60, 75, 90, 120, 180, 200, 239] {
            let (tried, end) = played(|_, wait| wait <= hold);
            let Next::Found { held, free } = end else { panic!("{hold}: {end:?} after {tried:?}") };
            assert!(held.as_secs() <= hold && hold < free.as_secs(), "{hold}: {end:?}");
            assert!(free - held <= fine(free), "{hold}: {end:?}");
            assert!(tried.len() <= 13, "{hold}: {tried:?}");
        }
    }

    #[test]
    fn what_is_held_longest_is_told_and_what_has_no_end_ends() {
        let (tried, end) = played(|_, _| true);
        assert_eq!((tried.len(), end), (7, Next::HeldTooLong(Duration::from_secs(240))));
        // Dial tone the first time, and none when it is asked for again.
        let mut asked = Vec::new();
        let (tried, end) = played(|_, wait| {
            let again = asked.contains(&wait);
            asked.push(wait);
            again
        });
        assert!(end == Next::NoEnd || matches!(end, Next::HeldTooLong(_)), "{tried:?} {end:?}");
    }

    #[test]
    fn one_wrong_answer_does_not_make_it_too_short() {
        for wrong in 0..12 {
            let (tried, end) = played(|count, wait| count != wrong && wait <= 60);
            let Next::Found { free, .. } = end else { panic!("{wrong}: {end:?} after {tried:?}") };
            assert!(free.as_secs() > 60, "{wrong}: {end:?} after {tried:?}");
        }
    }
}
