//! Who wants to be woken when: an ordered set, so that a thousand idle lines cost nothing.
//!
//! Whoever has a deadline tells it after each of his turns with [`Alarms::set`]; the earliest is read off
//! one end. It does not know what the keys stand for.

use std::collections::{BTreeMap, BTreeSet};

use proto::time::{Deadline, Instant};

/// Deadlines of many machines, at most one each.
#[derive(Debug)]
pub(crate) struct Alarms<K> {
    by_time: BTreeSet<(Instant, K)>,
    by_key: BTreeMap<K, Deadline>,
}

impl<K> Default for Alarms<K> {
    fn default() -> Self {
        Self { by_time: BTreeSet::new(), by_key: BTreeMap::new() }
    }
}

impl<K: Copy + Ord> Alarms<K> {
    /// Replaces what `key` wanted before.
    pub(crate) fn set(&mut self, key: K, deadline: Option<Deadline>) {
        let before = match deadline {
            Some(deadline) => self.by_key.insert(key, deadline),
            None => self.by_key.remove(&key),
        };
        if before.map(|d| d.at) == deadline.map(|d| d.at) {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before.at, key));
        }
        if let Some(deadline) = deadline {
            self.by_time.insert((deadline.at, key));
        }
    }

    /// What `key` waits for.
    pub(crate) fn get(&self, key: K) -> Option<Deadline> {
        self.by_key.get(&key).copied()
    }

    /// The earliest of all.
    pub(crate) fn first(&self) -> Option<Deadline> {
        let (_, key) = self.by_time.first()?;
        self.by_key.get(key).copied()
    }

    /// Takes one that is due out, the earliest first.
    pub(crate) fn due(&mut self, now: Instant) -> Option<K> {
        let &(at, key) = self.by_time.first()?;
        (at <= now).then(|| {
            self.by_time.pop_first();
            self.by_key.remove(&key);
            key
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Deadline {
        Deadline::new(Instant::from_millis(ms), "test")
    }

    #[test]
    fn the_earliest_rings_first_and_once() {
        let mut alarms = Alarms::default();
        alarms.set('b', Some(at(2)));
        alarms.set('a', Some(at(1)));
        alarms.set('c', Some(at(2)));
        assert_eq!(alarms.first(), Some(at(1)));
        let mut rung = String::new();
        while let Some(key) = alarms.due(Instant::from_millis(2)) {
            rung.push(key);
        }
        assert_eq!((rung.as_str(), alarms.first()), ("abc", None));
    }

    #[test]
    fn a_later_wish_replaces_the_earlier_one() {
        let mut alarms = Alarms::default();
        alarms.set('a', Some(at(1)));
        alarms.set('a', Some(at(9)));
        alarms.set('b', Some(at(4)));
        alarms.set('b', None);
        assert_eq!(alarms.due(Instant::from_millis(8)), None);
        assert_eq!(alarms.first(), Some(at(9)));
        assert_eq!(alarms.due(Instant::from_millis(9)), Some('a'));
    }
}
