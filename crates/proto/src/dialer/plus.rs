//! What a person types never takes the modem to its command state, whatever its register S2 says.
//!
//! The escape is three `+` within the guard time of each other, with silence before and behind (Hayes). The
//! third one is held back for as long as it would make an escape: until another key follows, which then goes
//! with it in one piece, or until the guard time since the second one is over. What is typed arrives; only the
//! escape does not come about.
//!
//! ```text
//!   Clear ─silence, +─► One ─+─► Two ─+─► Held ─any key: both go──► Clear
//!     ▲                  └───────┴── any other key, or too late      └─time over: it goes, as a first one─► One
//!     └──────────────────────────┘
//! ```

use std::time::Duration;

use crate::at::escape::Escape;
use crate::time::{Deadline, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Clear,
    One,
    Two,
    Held { until: Instant },
}

/// Stands between the keys and the modem.
#[derive(Debug)]
pub struct PlusGuard {
    escape: Escape,
    state: State,
    /// When the last byte went out.
    last: Instant,
}

impl PlusGuard {
    /// For a modem with this escape; `now` is when the line was last spoken on.
    #[must_use]
    pub const fn new(now: Instant, escape: Escape) -> Self {
        Self { escape, state: State::Clear, last: now }
    }

    /// Takes what is typed; what may go to the modem is appended to `out`.
    pub fn typed(&mut self, now: Instant, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            let plus = byte == self.escape.character;
            // A tenth is left to modems whose clock is fast, and as much to slow ones.
            let quiet = now.since(self.last) >= self.guard_at_least();
            let joined = now.since(self.last) < self.guard_at_most();
            self.state = match (self.state, plus) {
                (State::Held { .. }, _) => {
                    out.push(self.escape.character);
                    out.push(byte);
                    State::Clear
                }
                (State::Two, true) if joined => {
                    State::Held { until: self.last + self.guard_at_most() }
                }
                (State::One, true) if joined => {
                    out.push(byte);
                    State::Two
                }
                (State::Clear | State::One | State::Two, true) => {
                    out.push(byte);
                    if quiet { State::One } else { State::Clear }
                }
                (State::Clear | State::One | State::Two, false) => {
                    out.push(byte);
                    State::Clear
                }
            };
            if !matches!(self.state, State::Held { .. }) {
                self.last = now;
            }
        }
    }

    /// Lets a held byte go if it is harmless by now.
    pub fn tick(&mut self, now: Instant, out: &mut Vec<u8>) {
        if let State::Held { until } = self.state
            && until <= now
        {
            out.push(self.escape.character);
            self.state = State::One;
            self.last = now;
        }
    }

    /// When [`Self::tick`] is wanted.
    #[must_use]
    pub const fn deadline(&self) -> Option<Deadline> {
        match self.state {
            State::Held { until } => Some(Deadline::new(until, "a held-back +")),
            State::Clear | State::One | State::Two => None,
        }
    }

    fn guard_at_least(&self) -> Duration {
        self.escape.guard - self.escape.guard / 5
    }

    fn guard_at_most(&self) -> Duration {
        self.escape.guard + self.escape.guard / 5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types each text at its time in ms; `sent` is what went out and when.
    fn check(keys: &[(u64, &str)], sent: &[(u64, &str)]) {
        let mut guard = PlusGuard::new(Instant::ZERO, Escape::default());
        let mut seen: Vec<(u64, String)> = Vec::new();
        let mut went = |at: Instant, out: &mut Vec<u8>| {
            if !out.is_empty() {
                seen.push((at.as_millis(), String::from_utf8(std::mem::take(out)).unwrap()));
            }
        };
        let mut out = Vec::new();
        for &(ms, text) in keys.iter().chain(&[(60_000, "")]) {
            let now = Instant::from_millis(ms);
            while let Some(due) = guard.deadline().filter(|due| due.at <= now) {
                guard.tick(due.at, &mut out);
                went(due.at, &mut out);
            }
            guard.typed(now, text.as_bytes(), &mut out);
            went(now, &mut out);
        }
        let sent: Vec<_> = sent.iter().map(|&(ms, text)| (ms, text.to_owned())).collect();
        assert_eq!(seen, sent, "{keys:?}");
    }

    #[test]
    fn three_plus_signs_in_silence_never_leave_together() {
        check(&[(2000, "+++")], &[(2000, "++"), (3200, "+")]);
        check(&[(2000, "+"), (2500, "+"), (3000, "+")], &[(2000, "+"), (2500, "+"), (3700, "+")]);
    }

    #[test]
    fn the_key_behind_them_goes_with_the_third() {
        check(&[(2000, "+++"), (2500, "a")], &[(2000, "++"), (2500, "+a")]);
        check(&[(2000, "++++")], &[(2000, "++++")]);
        check(&[(2000, "+++ATH\r")], &[(2000, "+++ATH\r")]);
    }

    #[test]
    fn in_the_middle_of_text_nothing_is_held() {
        check(&[(2000, "i+++")], &[(2000, "i+++")]);
        check(&[(2000, "i"), (2300, "+++")], &[(2000, "i"), (2300, "+++")]);
    }

    #[test]
    fn a_plus_that_was_let_go_begins_a_new_three() {
        check(
            &[(2000, "+++"), (3300, "++")],
            &[(2000, "++"), (3200, "+"), (3300, "+"), (4500, "+")],
        );
    }
}
