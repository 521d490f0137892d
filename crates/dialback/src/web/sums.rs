//! What the charts show: calls an hour, causes, speeds, waits, money, summed from records.
//!
//! It reads nothing and knows no clock: records come in, and the span that is asked for.

use std::collections::{BTreeMap, HashMap};

use calls::money::Charge;
use calls::vocabulary::{CallId, Cause, Leg, SessionId, Wall};
use serde::{Deserialize, Serialize};

/// Calls that are kept for sums: a year of a busy server. The oldest go first.
const KEPT: usize = 200_000;

/// Columns of the chart of calls, at most.
const COLUMNS: i64 = 48;

const HOUR_MS: i64 = 3_600_000;

/// Ends of the buckets of waits, in ms; what is longer comes in one of its own.
const WAITS_MS: [i64; 8] = [5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000];

/// As much of a record as is summed.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Short {
    pub(super) call: CallId,
    session: Option<SessionId>,
    leg: Leg,
    began: Wall,
    connected: Option<Wall>,
    ended: Option<Wall>,
    speed: Option<u32>,
    cause: Option<Cause>,
    #[serde(default)]
    online_ms: u64,
    #[serde(default)]
    charge: Option<Charge>,
}

/// The records so far, oldest first.
#[derive(Debug, Default)]
pub(super) struct Heap {
    calls: BTreeMap<CallId, Short>,
    /// The latest end of a call among them (ms since 1970).
    pub(super) latest_ms: i64,
}

impl Heap {
    /// One more; told twice it counts once.
    pub(super) fn add(&mut self, short: Short) {
        self.latest_ms = self.latest_ms.max(short.ended.map_or(0, |at| at.unix_ms));
        self.calls.insert(short.call, short);
        if self.calls.len() > KEPT {
            self.calls.pop_first();
        }
    }

    /// The highest id among them.
    pub(super) fn last(&self) -> CallId {
        self.calls.last_key_value().map_or(CallId(0), |(call, _)| *call)
    }

    /// The sums of the calls that began within the span (ms since 1970, the end not in it). Columns begin on local
    /// time, which is so far ahead of UTC.
    pub(super) fn sums(&self, from_ms: Option<i64>, to_ms: i64, ahead_ms: i64) -> Sums {
        let first = self.calls.values().next().map_or(to_ms, |short| short.began.unix_ms);
        let from_ms = from_ms.unwrap_or(first).min(to_ms);
        let mut sums = Sums::empty(from_ms, to_ms, ahead_ms);
        sums.cut_ms = (self.calls.len() >= KEPT && from_ms <= first).then_some(first);
        let mut waits: Vec<i64> = Vec::new();
        // On-hook of the first call, by session, until somebody is called back.
        let mut waiting: HashMap<SessionId, i64> = HashMap::new();
        let mut speeds: BTreeMap<u32, u64> = BTreeMap::new();
        let mut causes: BTreeMap<Cause, u64> = BTreeMap::new();
        let mut users: BTreeMap<&str, Spent> = BTreeMap::new();
        for short in self.calls.values() {
            let began = short.began.unix_ms;
            if let (Leg::Request, Some(session), Some(ended)) =
                (short.leg, short.session, short.ended)
            {
                waiting.insert(session, ended.unix_ms);
            }
            let waited = match (short.leg, short.session) {
                (Leg::Return, Some(session)) => waiting.remove(&session).map(|from| began - from),
                (Leg::Request | Leg::Return, _) => None,
            };
            if began < from_ms || began >= to_ms {
                continue;
            }
            sums.count(short);
            waits.extend(waited.filter(|wait| *wait >= 0));
            *speeds.entry(short.speed.unwrap_or(0)).or_default() +=
                u64::from(short.connected.is_some());
            if let Some(cause) = short.cause {
                *causes.entry(cause).or_default() += 1;
            }
            if let Some(charge) = &short.charge {
                let spent = users.entry(charge.user.as_str()).or_default();
                spent.calls += 1;
                spent.minutes += u64::from(charge.minutes);
                spent.cost += u64::from(charge.cost.unwrap_or(0));
                spent.unknown += u64::from(charge.cost.is_none());
            }
        }
        sums.waits = Waits::of(waits);
        sums.speeds = speeds
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(speed, count)| Speed { speed: (speed > 0).then_some(speed), count })
            .collect();
        sums.causes = causes.into_iter().map(|(cause, count)| Ends::of(cause, count)).collect();
        sums.causes.sort_by_key(|ends| std::cmp::Reverse(ends.count));
        sums.money = Money::of(users);
        sums
    }
}

/// The sums of a span.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Sums {
    /// From then (ms since 1970).
    pub(super) from_ms: i64,
    /// Before then.
    pub(super) to_ms: i64,
    /// Where the span begins before the calls that are kept for sums: when the first of these began.
    pub(super) cut_ms: Option<i64>,
    /// Calls that began in it.
    pub(super) calls: u64,
    /// Those that came in.
    pub(super) requests: u64,
    /// Those that went out.
    pub(super) returns: u64,
    /// Those on which modems were connected.
    pub(super) connected: u64,
    /// How long they were, in all.
    pub(super) online_ms: u64,
    /// How long a column of `columns` is.
    pub(super) column_ms: i64,
    /// Calls by time.
    pub(super) columns: Vec<Column>,
    /// Calls by what ended them, the commonest first.
    pub(super) causes: Vec<Ends>,
    /// Connected calls by speed.
    pub(super) speeds: Vec<Speed>,
    /// From on-hook of the call that came in to the first dialling of the one that goes out.
    pub(super) waits: Waits,
    /// What answered return calls have cost.
    pub(super) money: Money,
}

/// Calls that began in a part of the span.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Column {
    /// From then on (ms since 1970).
    pub(super) from_ms: i64,
    pub(super) requests: u64,
    pub(super) returns: u64,
}

/// Calls that ended for one cause.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Ends {
    pub(super) cause: Cause,
    /// The cause for people.
    pub(super) words: &'static str,
    pub(super) count: u64,
}

impl Ends {
    fn of(cause: Cause, count: u64) -> Self {
        Self { cause, words: crate::log::cause_words(cause), count }
    }
}

/// Connected calls of one speed.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Speed {
    /// In bit/s; `None`: the modem did not say.
    pub(super) speed: Option<u32>,
    pub(super) count: u64,
}

/// How long callers waited.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Waits {
    pub(super) count: u64,
    pub(super) median_ms: i64,
    /// Nine of ten waited no longer.
    pub(super) ninth_ms: i64,
    pub(super) longest_ms: i64,
    pub(super) buckets: Vec<Bucket>,
}

/// Waits of about the same length.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Bucket {
    /// At most so long; `None`: longer than the others.
    pub(super) up_to_ms: Option<i64>,
    pub(super) count: u64,
}

impl Waits {
    fn of(mut waits: Vec<i64>) -> Self {
        waits.sort_unstable();
        let at = |part: usize| {
            let place = (waits.len() * part).div_ceil(10).saturating_sub(1);
            waits.get(place).copied().unwrap_or(0)
        };
        let ends = WAITS_MS.into_iter().map(Some).chain([None]);
        let mut before = 0;
        let buckets = ends.map(|end| {
            let until = end.map_or(waits.len(), |end| waits.partition_point(|wait| *wait <= end));
            let count = u64::try_from(until - before).unwrap_or(0);
            before = until;
            Bucket { up_to_ms: end, count }
        });
        Self {
            buckets: buckets.collect(),
            count: u64::try_from(waits.len()).unwrap_or(0),
            median_ms: at(5),
            ninth_ms: at(9),
            longest_ms: at(10),
        }
    }
}

/// What answered return calls have cost, in hundredths of the tariff's currency.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Money {
    pub(super) calls: u64,
    pub(super) minutes: u64,
    pub(super) cost: u64,
    /// Calls to numbers without a tariff.
    pub(super) unknown: u64,
    /// By who pays, the dearest first.
    pub(super) users: Vec<Payer>,
}

/// What somebody's calls have cost.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Payer {
    pub(super) user: String,
    #[serde(flatten)]
    pub(super) spent: Spent,
}

/// Calls, and what they cost.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Spent {
    pub(super) calls: u64,
    pub(super) minutes: u64,
    pub(super) cost: u64,
    pub(super) unknown: u64,
}

impl Money {
    fn of(users: BTreeMap<&str, Spent>) -> Self {
        let mut money = Self::default();
        for (user, spent) in users {
            money.calls += spent.calls;
            money.minutes += spent.minutes;
            money.cost += spent.cost;
            money.unknown += spent.unknown;
            money.users.push(Payer { user: user.to_owned(), spent });
        }
        money.users.sort_by_key(|payer| std::cmp::Reverse((payer.spent.cost, payer.spent.calls)));
        money
    }
}

impl Sums {
    fn empty(from_ms: i64, to_ms: i64, ahead_ms: i64) -> Self {
        let span = (to_ms - from_ms).max(1);
        // Whole hours, so that a column is what people call one; days where there would be too many.
        let hours = (span + HOUR_MS - 1) / HOUR_MS;
        let per_column = [1, 2, 3, 6, 12, 24, 48, 7 * 24, 30 * 24, 365 * 24];
        let column_ms = per_column
            .into_iter()
            .find(|per| (hours + per - 1) / per < COLUMNS)
            .unwrap_or(hours / COLUMNS + 1)
            * HOUR_MS;
        let first = (from_ms + ahead_ms).div_euclid(column_ms);
        let last = ((to_ms - 1).max(from_ms) + ahead_ms).div_euclid(column_ms);
        let columns = (first..=last)
            .map(|column| Column {
                from_ms: column * column_ms - ahead_ms,
                requests: 0,
                returns: 0,
            })
            .collect();
        Self {
            from_ms,
            to_ms,
            cut_ms: None,
            calls: 0,
            requests: 0,
            returns: 0,
            connected: 0,
            online_ms: 0,
            column_ms,
            columns,
            causes: Vec::new(),
            speeds: Vec::new(),
            waits: Waits::default(),
            money: Money::default(),
        }
    }

    fn count(&mut self, short: &Short) {
        let began = short.began.unix_ms;
        let first = self.columns.first().map_or(0, |column| column.from_ms);
        let place = usize::try_from((began - first) / self.column_ms).unwrap_or(usize::MAX);
        let column = self.columns.get_mut(place);
        self.calls += 1;
        self.connected += u64::from(short.connected.is_some());
        self.online_ms += short.online_ms;
        match short.leg {
            Leg::Request => {
                self.requests += 1;
                column.into_iter().for_each(|column| column.requests += 1);
            }
            Leg::Return => {
                self.returns += 1;
                column.into_iter().for_each(|column| column.returns += 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(call: u64, session: u64, leg: &str, began: i64, cause: &str) -> Short {
        serde_json::from_value(serde_json::json!({
            "call": call, "session": session, "leg": leg, "line": "main",
            "began": { "unix_ms": began }, "connected": { "unix_ms": began + 100 },
            "ended": { "unix_ms": began + 1000 }, "speed": 33600, "cause": cause, "online_ms": 900,
            "charge": (leg == "return").then(|| serde_json::json!({
                "user": "alice", "class": "mobile", "minutes": 1, "cost": 25 })),
        }))
        .unwrap()
    }

    #[test]
    fn each_call_is_counted_once_in_every_sum() {
        let mut heap = Heap::default();
        for (call, began) in [(1, 1_000), (2, 7_200_000)] {
            let id = call * 2 - 1;
            heap.add(short(id, call, "request", began, "callback"));
            heap.add(short(id + 1, call, "return", began + 1000 + 15_000, "user-request"));
            heap.add(short(id + 1, call, "return", began + 1000 + 15_000, "user-request"));
        }
        let sums = heap.sums(None, 8_000_000, 0);
        assert_eq!((sums.calls, sums.requests, sums.returns, sums.connected), (4, 2, 2, 4));
        let columns: Vec<_> = sums.columns.iter().map(|c| (c.requests, c.returns)).collect();
        assert_eq!(columns, [(1, 1), (0, 0), (1, 1)]);
        assert_eq!(sums.causes.iter().map(|ends| ends.count).sum::<u64>(), 4);
        assert_eq!((sums.speeds[0].speed, sums.speeds[0].count), (Some(33600), 4));
        assert_eq!(
            (sums.waits.count, sums.waits.median_ms, sums.waits.longest_ms),
            (2, 15_000, 15_000)
        );
        assert_eq!(sums.waits.buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 2);
        assert_eq!((sums.money.cost, sums.money.users[0].spent.minutes), (50, 2));
        // A span has only what began in it; the wait is that of the caller all the same.
        let later = heap.sums(Some(7_201_500), 8_000_000, 0);
        assert_eq!((later.calls, later.waits.count), (1, 1));
    }

    #[test]
    fn columns_of_a_day_begin_at_local_midnight() {
        let day = 24 * HOUR_MS;
        for ahead in [-5 * HOUR_MS, 0, HOUR_MS, 5 * HOUR_MS + HOUR_MS / 2] {
            let sums = Heap::default().sums(Some(100 * day + 7), 130 * day, ahead);
            assert_eq!(sums.column_ms, day);
            for column in &sums.columns {
                assert_eq!((column.from_ms + ahead) % day, 0, "{ahead}: {}", column.from_ms);
            }
            let (first, last) = (sums.columns[0].from_ms, sums.columns.last().unwrap().from_ms);
            assert!(first <= sums.from_ms && sums.from_ms < first + day, "{ahead}");
            assert!(last < sums.to_ms && sums.to_ms <= last + day, "{ahead}");
        }
    }

    #[test]
    fn no_span_has_more_columns_than_a_screen() {
        let heap = Heap::default();
        for hours in [0, 1, 24, 47, 168, 720, 8_760, 500_000] {
            let sums = heap.sums(Some(0), hours * HOUR_MS, 0);
            assert!((1..=50).contains(&sums.columns.len()), "{hours}: {}", sums.columns.len());
        }
    }
}
