//! Who has been wrong how often: answers become slower for a line, a caller and a name at which somebody
//! guesses.
//!
//! ```text
//!     wrong ──► one more for each of line, caller ID, name ──► wait: 1 s, 2 s, 4 s .. per further one
//!     right ──► none for caller and name                      a quarter of an hour without: none for any
//! ```
//!
//! The wait is known before it is known whether an answer is right, so it tells nothing; and it is the same for
//! names that there are and names that there are not. It is bounded: a stranger can slow a user down, but not
//! shut him out.
//!
//! It does not know what was guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proto::time::Instant;

use crate::vocabulary::LineId;

/// So many wrong answers cost nothing but the telephone call: people mistype.
const FREE: u32 = 3;
/// On a line, which everybody shares: more.
const FREE_ON_LINE: u32 = 12;
/// The longest wait for a caller or a name.
const LONGEST: Duration = Duration::from_secs(30);
/// And for a line.
const LONGEST_ON_LINE: Duration = Duration::from_secs(4);
/// After so long without a wrong answer nothing is remembered.
const FORGET: Duration = Duration::from_secs(15 * 60);
/// At so many somebody should look.
const ALARMING: u32 = 10;
/// So much is remembered; the one that is longest ago makes room. Whoever has more names to try than this loses
/// nothing by starting again with the first: the line's own count stays.
const MOST: usize = 4096;

/// What somebody may be wrong about, or from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    Line(LineId),
    Caller(String),
    Name(String),
}

impl Mark {
    /// How long an answer waits after so many wrong ones.
    fn wait(&self, wrong: u32) -> Duration {
        let (free, longest) = match self {
            Self::Line(_) => (FREE_ON_LINE, LONGEST_ON_LINE),
            Self::Caller(_) | Self::Name(_) => (FREE, LONGEST),
        };
        match wrong.checked_sub(free) {
            None | Some(0) => Duration::ZERO,
            Some(more) => Duration::from_secs(1 << more.saturating_sub(1).min(5)).min(longest),
        }
    }

    /// For people.
    fn text(&self) -> String {
        match self {
            Self::Line(_) => "on one line".to_owned(),
            Self::Caller(caller) => format!("by caller {caller}"),
            Self::Name(name) => format!("for the name \"{name}\""),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    wrong: u32,
    last: Instant,
}

/// The wrong answers of late.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    seen: BTreeMap<Mark, Seen>,
    /// The same by when it was last: the first makes room.
    by_age: BTreeSet<(Instant, Mark)>,
}

impl Guesses {
    /// How long the next answer of somebody with these marks waits.
    pub(crate) fn wait(&self, marks: &[Mark], now: Instant) -> Duration {
        let of = |mark: &Mark| match self.seen.get(mark) {
            Some(seen) if now.since(seen.last) < FORGET => mark.wait(seen.wrong),
            Some(_) | None => Duration::ZERO,
        };
        marks.iter().map(of).max().unwrap_or_default()
    }

    /// He was wrong. What is told is worth an alert.
    pub(crate) fn wrong(&mut self, marks: Vec<Mark>, now: Instant) -> Vec<String> {
        let mut alarming = Vec::new();
        for mark in marks {
            let text = mark.text();
            let seen = self.seen.entry(mark.clone()).or_insert(Seen { wrong: 0, last: now });
            self.by_age.remove(&(seen.last, mark.clone()));
            self.by_age.insert((now, mark));
            if now.since(seen.last) >= FORGET {
                seen.wrong = 0;
            }
            seen.wrong = seen.wrong.saturating_add(1);
            seen.last = now;
            if seen.wrong == ALARMING {
                alarming.push(format!("{ALARMING} wrong answers {text}: slowed down"));
            }
        }
        while self.seen.len() > MOST {
            let Some((_, oldest)) = self.by_age.pop_first() else { break };
            self.seen.remove(&oldest);
        }
        alarming
    }

    /// He was right: he is not the one who guesses.
    pub(crate) fn right(&mut self, marks: &[Mark]) {
        for mark in marks {
            match mark {
                Mark::Caller(_) | Mark::Name(_) => {
                    if let Some(seen) = self.seen.remove(mark) {
                        self.by_age.remove(&(seen.last, mark.clone()));
                    }
                }
                Mark::Line(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_slower_up_to_a_bound_and_are_forgiven() {
        let alice = vec![Mark::Name("alice".to_owned())];
        let mut guesses = Guesses::default();
        let at = Instant::from_millis;
        let mut waits = Vec::new();
        for _ in 0..11 {
            waits.push(guesses.wait(&alice, at(0)).as_secs());
            guesses.wrong(alice.clone(), at(0));
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(guesses.wait(&alice, at(899_999)).as_secs(), 30);
        assert_eq!(guesses.wait(&alice, at(900_000)).as_secs(), 0);
        guesses.right(&alice);
        assert_eq!(guesses.wait(&alice, at(1)).as_secs(), 0);
    }

    #[test]
    fn the_tenth_is_alarming_once_and_the_table_is_bounded() {
        let mut guesses = Guesses::default();
        let told: usize = (0..30)
            .map(|_| guesses.wrong(vec![Mark::Caller("5".to_owned())], Instant::ZERO).len())
            .sum();
        assert_eq!(told, 1);
        for n in 0..u64::try_from(MOST).expect("few") + 9 {
            guesses.wrong(vec![Mark::Name(n.to_string())], Instant::from_millis(n + 1));
        }
        assert_eq!((guesses.seen.len(), guesses.by_age.len()), (MOST, MOST));
        // The oldest made room, and who was right is forgotten in both.
        let name = |n: usize| Mark::Name(n.to_string());
        assert!(!guesses.seen.contains_key(&name(8)) && guesses.seen.contains_key(&name(9)));
        guesses.right(&[name(9)]);
        assert_eq!((guesses.seen.len(), guesses.by_age.len()), (MOST - 1, MOST - 1));
    }
}
