//! Numbers at which strangers have answered: counted, and after too many not called any more.
//!
//! ```text
//!    Stranger ──► one more ──► `quarantine_after`: in quarantine ── `quarantine_for`, release ──► called again
//!    Recognised ─► none
//! ```
//!
//! It is a fold of the journal, so that it outlives the server. A number that was mistyped, diverted or given
//! to somebody else since is otherwise called for each request that anybody makes.
//!
//! It does not know who was called there, nor how a stranger is told.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::Callback;
use crate::vocabulary::{Event, Wall};

/// So many numbers are remembered; the one whose stranger is longest ago makes room. More than a site calls in a
/// quarantine's longest time.
const MAX_NUMBERS: usize = 4096;

/// The strangers, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strangers {
    numbers: BTreeMap<String, Seen>,
}

/// What is known of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    /// Strangers in a row.
    count: u32,
    /// When the last one answered.
    last: Wall,
}

impl Strangers {
    /// Takes an event of the journal.
    pub fn apply(&mut self, event: &Event, at: Wall) {
        if let Event::Stranger { number, .. } = event {
            let seen = self.numbers.entry(number.clone()).or_insert(Seen { count: 0, last: at });
            seen.count = seen.count.saturating_add(1);
            seen.last = at;
            self.make_room();
        } else if let Event::Recognised { number, .. } | Event::Released { number, .. } = event {
            self.numbers.remove(number);
        }
    }

    fn make_room(&mut self) {
        if self.numbers.len() > MAX_NUMBERS {
            let oldest = self.numbers.iter().min_by_key(|(_, seen)| seen.last);
            if let Some(oldest) = oldest.map(|(number, _)| number.clone()) {
                self.numbers.remove(&oldest);
            }
        }
    }

    /// How many strangers have answered there in a row.
    #[must_use]
    pub fn count(&self, number: &str) -> u32 {
        self.numbers.get(number).map_or(0, |seen| seen.count)
    }

    /// Until when a number is not called; `None`: it may be called now.
    #[must_use]
    pub fn quarantined(&self, number: &str, config: &Callback, now: Wall) -> Option<Wall> {
        let seen = self.numbers.get(number)?;
        let until = seen.last + config.quarantine_for;
        let many = config.quarantine_after != 0 && seen.count >= config.quarantine_after;
        (many && now < until).then_some(until)
    }

    /// Every number that is not called now: how many strangers answered, and how long it stays so.
    pub(crate) fn in_quarantine(
        &self,
        config: &Callback,
        now: Wall,
    ) -> impl Iterator<Item = (&str, u32, Duration)> {
        self.numbers.iter().filter_map(move |(number, seen)| {
            let until = self.quarantined(number, config, now)?;
            let left = u64::try_from(until.unix_ms.saturating_sub(now.unix_ms)).unwrap_or(0);
            Some((number.as_str(), seen.count, Duration::from_millis(left)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LOGIN, TOML, config};
    use crate::vocabulary::{CallId, SessionId};

    fn stranger(number: &str) -> Event {
        let (call, session) = (CallId(1), SessionId(1));
        let (user, number) = ("mary".to_owned(), number.to_owned());
        Event::Stranger { call, session, user, number, why: String::new() }
    }

    fn at(seconds: i64) -> Wall {
        Wall { unix_ms: seconds * 1000, offset_s: 0 }
    }

    #[test]
    fn the_third_stranger_in_a_row_quarantines_a_number_for_a_day_or_until_it_is_released() {
        let config = config(TOML, LOGIN).callback;
        let released = Event::Released { number: "5".to_owned(), who: String::new() };
        let recognised = Event::Recognised {
            call: CallId(1),
            session: SessionId(1),
            user: "mary".to_owned(),
            name: "mary".to_owned(),
            number: "5".to_owned(),
        };
        let day = 24 * 3600;
        for (events, now, wanted) in [
            (vec![stranger("5"), stranger("5")], 10, false),
            (vec![stranger("5"), stranger("5"), stranger("5")], 10, true),
            (vec![stranger("5"), stranger("5"), stranger("5")], day, true),
            (vec![stranger("5"), stranger("5"), stranger("5")], day + 3, false),
            (vec![stranger("5"), stranger("5"), recognised, stranger("5")], 10, false),
            (vec![stranger("5"), stranger("5"), stranger("5"), released], 10, false),
            (vec![stranger("6"), stranger("6"), stranger("6")], 10, false),
        ] {
            let mut strangers = Strangers::default();
            for (second, event) in events.iter().enumerate() {
                strangers.apply(event, at(i64::try_from(second).expect("few")));
            }
            let got = strangers.quarantined("5", &config, at(now)).is_some();
            assert_eq!(got, wanted, "{events:?} at {now}");
        }
    }

    #[test]
    fn the_table_does_not_grow_without_bound() {
        let mut strangers = Strangers::default();
        for n in 0..i64::try_from(MAX_NUMBERS).expect("few") + 10 {
            strangers.apply(&stranger(&n.to_string()), at(n));
        }
        assert_eq!(strangers.numbers.len(), MAX_NUMBERS);
        assert_eq!((strangers.count("0"), strangers.count("4105")), (0, 1));
    }
}
