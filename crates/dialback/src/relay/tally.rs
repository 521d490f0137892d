//! What is counted: a fold over the journal that yields the counters of `/metrics`.
//!
//! It is kept on disk together with the place in the journal that it was counted up to, so that no event is
//! counted twice and none is left out, however often the relay is restarted. Labels have few values: names of
//! lines, words of our own enums, and rules up to [`MOST_WORDS`]; never users or numbers.
//!
//! It does not know how numbers are shown, nor where events come from.

use std::collections::BTreeMap;

use calls::vocabulary::{CallId, Cause, Entry, Event, Leg, PromiseId};
use serde::{Deserialize, Serialize};

/// Different values of one label that comes from texts. What comes beyond them is counted as `other`.
const MOST_WORDS: usize = 100;

/// Open promises that are remembered for how long callers waited. A server's own limit (`callback.in_all`) is
/// 100,000 at most.
const MOST_PROMISES: usize = 100_000;

/// Counters of one label.
pub(crate) type Words = BTreeMap<String, u64>;

/// Counters of two labels.
pub(crate) type Pairs = BTreeMap<String, Words>;

/// How long things took, or how fast they were: sums over ranges.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// How many were at most so much, by the index of the bound; one more for those beyond all.
    counts: Vec<u64>,
    /// All together.
    pub(crate) sum: f64,
}

impl Spread {
    fn observe(&mut self, bounds: &[f64], value: f64) {
        self.counts.resize(bounds.len() + 1, 0);
        let place = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
        self.sum += value;
    }

    /// Each bound with the values up to it and beyond the one before; the last bound is infinite.
    pub(crate) fn ranges(&self, bounds: &[f64]) -> Vec<(f64, u64)> {
        let bounds = bounds.iter().copied().chain(std::iter::once(f64::INFINITY));
        let counts = self.counts.iter().copied().chain(std::iter::repeat(0));
        bounds.zip(counts).collect()
    }

    /// How many in all.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// Bounds of times between a caller's hang-up and his call back, in seconds. The defaults wait 20 to 30 s.
pub(crate) const WAITS: [f64; 12] =
    [5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 45.0, 60.0, 120.0, 300.0, 600.0, 3600.0];

/// Bounds of times on the line, in seconds.
pub(crate) const TIMES: [f64; 9] = [1.0, 10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 14400.0];

/// Bounds of speeds on the telephone line, in bit/s: what modems come to.
pub(crate) const SPEEDS: [f64; 10] =
    [300.0, 1200.0, 2400.0, 4800.0, 9600.0, 14_400.0, 19_200.0, 28_800.0, 33_600.0, 56_000.0];

/// A promise that is not settled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Open {
    /// The call that it was made on.
    call: Option<CallId>,
    /// When that call was over.
    hung_up_ms: Option<i64>,
    /// It was dialled for.
    dialled: bool,
}

/// Everything that is counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Tally {
    /// Events by name.
    pub(crate) events: Words,
    /// Calls that are over: leg, cause.
    pub(crate) calls: Pairs,
    /// Calls that are over: line, leg.
    pub(crate) line_calls: Pairs,
    /// When a call was last connected, by line (ms since 1970): a line that is forgotten is not missed until it is
    /// needed.
    pub(crate) line_connected: BTreeMap<String, i64>,
    /// Lines that went out of order.
    pub(crate) line_faults: Words,
    /// Promises: `made`, `kept`, `withdrawn`, `expired`.
    pub(crate) promises: Words,
    /// Tries that came to nothing, by cause.
    pub(crate) failed_tries: Words,
    /// Callbacks that were refused, by rule.
    pub(crate) refusals: Words,
    /// Calls that were not answered, by rule.
    pub(crate) screened: Words,
    /// Proofs: method, `good` or `bad`.
    pub(crate) proofs: Pairs,
    /// Alerts by kind.
    pub(crate) alerts: Words,
    /// Programs that could not be started.
    pub(crate) launch_failures: u64,
    /// Networks that PPP callers did not get, by rule.
    pub(crate) network_refusals: Words,
    /// What return calls took, in seconds, by the class of the number.
    pub(crate) charged_seconds: Words,
    /// What they cost, in hundredths of the currency, by the class of the number.
    pub(crate) charged: Words,
    /// Octets: leg, `in` or `out`.
    pub(crate) octets: Pairs,
    /// Orders of operators.
    pub(crate) orders: u64,
    /// Starts of the server.
    pub(crate) starts: u64,
    /// Configurations that were refused.
    pub(crate) refused_reloads: u64,
    /// From hang-up to the first dial, seconds.
    pub(crate) until_dialled: Spread,
    /// From hang-up to the called modem's answer, seconds.
    pub(crate) until_kept: Spread,
    /// Time online by leg, seconds.
    pub(crate) online: BTreeMap<String, Spread>,
    /// Speed of connections by leg, bit/s.
    pub(crate) speeds: BTreeMap<String, Spread>,
    /// Promises that are not settled.
    open: BTreeMap<PromiseId, Open>,
}

impl Tally {
    /// Counts the next entry; `name` is the event's in the journal.
    pub(crate) fn apply(&mut self, name: &str, entry: &Entry) {
        count(&mut self.events, name);
        if let Event::Alert { alert, .. } = &entry.event {
            count(&mut self.alerts, alert.name());
        }
        if let Event::Connected { line, .. } = &entry.event {
            self.line_connected.insert(line.clone(), entry.at.unix_ms);
        }
        self.lines_and_server(&entry.event);
        self.call(&entry.event);
        self.promise(entry);
    }

    fn lines_and_server(&mut self, event: &Event) {
        if let Event::LineFaulted { line, .. } = event {
            *self.line_faults.entry(line.clone()).or_default() += 1;
        } else if let Event::Operated { .. } = event {
            self.orders += 1;
        } else if let Event::ServerStarted { .. } = event {
            self.starts += 1;
        } else if let Event::ReloadRefused { .. } = event {
            self.refused_reloads += 1;
        }
    }

    fn call(&mut self, event: &Event) {
        if let Event::Connected { direction, speed: Some(speed), .. } = event {
            self.speeds
                .entry(leg(*direction).to_owned())
                .or_default()
                .observe(&SPEEDS, f64::from(*speed));
        } else if let Event::Screened { rule, .. } = event {
            count(&mut self.screened, rule);
        } else if let Event::Proved { method, .. } = event {
            count_pair(&mut self.proofs, method, "good");
        } else if let Event::NotProved { method, .. } = event {
            count_pair(&mut self.proofs, method, "bad");
        } else if let Event::NetworkRefused { rule, .. } = event {
            count(&mut self.network_refusals, rule);
        } else if let Event::LaunchFailed { .. } = event {
            self.launch_failures += 1;
        } else if let Event::Ended(ended) = event {
            let leg = leg(ended.leg);
            count_pair(&mut self.calls, leg, &word(ended.cause));
            count_pair(&mut self.line_calls, &ended.line, leg);
            add(self.octets.entry(leg.to_owned()).or_default(), "in", ended.bytes_in);
            add(self.octets.entry(leg.to_owned()).or_default(), "out", ended.bytes_out);
            let online = seconds(i64::try_from(ended.online_ms).unwrap_or(i64::MAX));
            self.online.entry(leg.to_owned()).or_default().observe(&TIMES, online);
            if let Some(charge) = &ended.charge {
                add(&mut self.charged_seconds, &charge.class, u64::from(charge.minutes) * 60);
                add(&mut self.charged, &charge.class, charge.cost.unwrap_or(0).into());
            }
        }
    }

    fn promise(&mut self, entry: &Entry) {
        let at = entry.at.unix_ms;
        if let Event::Promised(promised) = &entry.event {
            count(&mut self.promises, "made");
            if self.open.len() < MOST_PROMISES {
                let open = Open { call: promised.call, hung_up_ms: None, dialled: false };
                self.open.insert(promised.promise, open);
            }
        } else if let Event::Ended(ended) = &entry.event {
            let of_call = |open: &&mut Open| open.call == Some(ended.call);
            if let Some(open) = self.open.values_mut().find(of_call) {
                open.hung_up_ms = Some(at);
            }
        } else if let Event::Dialled { promise, .. } = &entry.event {
            if let Some(open) = self.open.get_mut(promise)
                && !std::mem::replace(&mut open.dialled, true)
                && let Some(since) = open.hung_up_ms
            {
                self.until_dialled.observe(&WAITS, seconds(at - since));
            }
        } else if let Event::Kept { promise, .. } = &entry.event {
            count(&mut self.promises, "kept");
            if let Some(Open { hung_up_ms: Some(since), .. }) = self.open.remove(promise) {
                self.until_kept.observe(&WAITS, seconds(at - since));
            }
        } else if let Event::Withdrawn { promise, .. } = &entry.event {
            count(&mut self.promises, "withdrawn");
            self.open.remove(promise);
        } else if let Event::Expired { promise, .. } = &entry.event {
            count(&mut self.promises, "expired");
            self.open.remove(promise);
        } else if let Event::TryFailed { cause, .. } = &entry.event {
            count(&mut self.failed_tries, &word(*cause));
        } else if let Event::Refused { rule, .. } = &entry.event {
            count(&mut self.refusals, rule);
        }
    }
}

/// A leg as a label.
pub(crate) const fn leg(leg: Leg) -> &'static str {
    match leg {
        Leg::Request => "request",
        Leg::Return => "return",
    }
}

/// A cause as the journal has it.
fn word(cause: Cause) -> String {
    let word = serde_json::to_value(cause).ok();
    word.as_ref().and_then(serde_json::Value::as_str).unwrap_or("unknown").to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of 285,000 years are exact")]
fn seconds(ms: i64) -> f64 {
    ms.max(0) as f64 / 1000.0
}

fn add(words: &mut Words, word: &str, more: u64) {
    let known = words.contains_key(word) || words.len() < MOST_WORDS;
    let count = words.entry(if known { word } else { "other" }.to_owned()).or_default();
    *count = count.saturating_add(more);
}

fn count(words: &mut Words, word: &str) {
    add(words, word, 1);
}

/// The first label's values are bounded as the second's; names of lines are the configuration's and count all.
fn count_pair(pairs: &mut Pairs, first: &str, second: &str) {
    count(pairs.entry(first.to_owned()).or_default(), second);
}

#[cfg(test)]
pub(crate) mod tests {
    use calls::vocabulary::{Ended, Promised, Seq, SessionId, Wall};

    use super::*;

    fn tally(events: Vec<(i64, Event)>) -> Tally {
        let mut tally = Tally::default();
        for (ms, event) in events {
            let name = crate::relay::name_of(&event);
            let at = Wall { unix_ms: ms, offset_s: 0 };
            tally.apply(&name, &Entry { seq: Seq(1), at, event });
        }
        tally
    }

    pub(crate) fn promised(promise: u64, call: u64) -> Event {
        Event::Promised(Promised {
            promise: PromiseId(promise),
            session: SessionId(1),
            call: Some(CallId(call)),
            user: "alice".to_owned(),
            numbers: vec!["5550199".to_owned()],
            lines: vec!["main".to_owned()],
            rule: "user".to_owned(),
            due: Wall::default(),
            expires: Wall::default(),
            tries: 3,
            retry_ms: 1000,
            init: Vec::new(),
            speed: None,
            ppp: false,
            bound: false,
        })
    }

    pub(crate) fn ended(call: u64, leg: Leg, cause: Cause) -> Event {
        Event::Ended(Ended {
            line: "main".to_owned(),
            call: CallId(call),
            session: Some(SessionId(1)),
            leg,
            cause,
            total_ms: 9000,
            online_ms: 4000,
            bytes_in: 10,
            bytes_out: 20,
            charge: None,
            screen: None,
        })
    }

    fn dialled(promise: u64, attempt: u32) -> Event {
        Event::Dialled {
            promise: PromiseId(promise),
            session: SessionId(1),
            call: CallId(9),
            line: "main".to_owned(),
            number: "5550199".to_owned(),
            rule: "user".to_owned(),
            attempt,
        }
    }

    #[test]
    fn a_caller_waits_from_his_hang_up_to_the_first_dial_and_to_the_answer() {
        let tally = tally(vec![
            (0, promised(1, 7)),
            (1000, ended(7, Leg::Request, Cause::Callback)),
            (23_000, dialled(1, 1)),
            (60_000, dialled(1, 2)),
            (71_000, Event::Kept { promise: PromiseId(1), call: CallId(9) }),
        ]);
        assert_eq!((tally.until_dialled.count(), tally.until_dialled.sum), (1, 22.0));
        assert_eq!((tally.until_kept.count(), tally.until_kept.sum), (1, 70.0));
        assert_eq!(tally.until_kept.ranges(&WAITS).get(8), Some(&(120.0, 1)));
        assert_eq!(tally.calls["request"]["callback"], 1);
        assert!(tally.open.is_empty());
    }

    #[test]
    fn the_last_connection_of_a_line_counts() {
        let connected = |line: &str| Event::Connected {
            line: line.to_owned(),
            call: CallId(1),
            session: SessionId(1),
            direction: Leg::Request,
            connect: "33600".to_owned(),
            speed: None,
        };
        let tally = tally(vec![(5, connected("a")), (6, connected("b")), (7, connected("a"))]);
        assert_eq!((tally.line_connected["a"], tally.line_connected["b"]), (7, 6));
    }

    #[test]
    fn each_line_has_its_own_counter_however_many_there_are() {
        let faulted = |n: u32| Event::LineFaulted {
            line: format!("line{n}"),
            reason: String::new(),
            retry_ms: 0,
        };
        let tally = tally((0..1000).map(|n| (0, faulted(n))).collect());
        assert_eq!(tally.line_faults.len(), 1000);
    }

    #[test]
    fn texts_of_callers_can_not_make_a_label_grow() {
        let refused = |n: u32| Event::Refused {
            call: CallId(1),
            session: SessionId(1),
            user: "alice".to_owned(),
            number: None,
            rule: format!("rule.{n}"),
            reason: String::new(),
        };
        let tally = tally((0..5000).map(|n| (0, refused(n))).collect());
        assert_eq!(tally.refusals.len(), MOST_WORDS + 1);
        assert_eq!(tally.refusals["other"], 4900);
    }

    #[test]
    fn a_tally_that_an_older_version_has_kept_is_read() {
        let old: Tally =
            serde_json::from_str(r#"{"events":{"rang":3},"starts":1}"#).expect("a tally");
        assert_eq!((old.events["rang"], old.starts, old.orders), (3, 1, 0));
    }
}
