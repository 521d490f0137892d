//! The page `/metrics`: a [`Snapshot`] as text, in OpenMetrics and in Prometheus' older format.
//!
//! A pure function of its snapshot: whoever has one can serve the page. Names follow
//! <https://prometheus.io/docs/practices/naming/>; every name begins with `dialback_`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use calls::status::{Budget, LINE_STATES, Status};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::ledger::Counts;
use super::tally::{SPEEDS, Spread, TIMES, Tally, WAITS, Words, leg};

/// States of a promise.
const PROMISE_STATES: [&str; 5] = ["unsealed", "parting", "waiting", "hunting", "dialling"];

/// States in which a line can take or make a call, or has one.
pub(crate) fn in_service(state: &str) -> bool {
    !["closed", "faulted", "lent", "busying-out", "busied-out", "measuring"].contains(&state)
}

/// Everything that the page tells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    /// What was counted.
    pub(crate) tally: Tally,
    /// How things stand; `None`: the server does not answer.
    pub(crate) status: Option<Status>,
    /// The last entry of the journal that the server has told of.
    pub(crate) journal_entries: u64,
    /// What the journal takes on disk, in octets.
    pub(crate) journal_octets: u64,
    /// Each follower of the journal: how many entries it is behind.
    pub(crate) behind: BTreeMap<String, u64>,
    /// Deliveries: to whom, how they went.
    pub(crate) deliveries: BTreeMap<String, Words>,
    /// What waits and what is dead; `None`: the ledger can't be read, and it is not known.
    pub(crate) queue: Option<Counts>,
}

/// Which text is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus' text format 0.0.4, which `promtool check metrics` and people's scripts read.
    Text,
}

impl Form {
    /// The form for an `Accept` header.
    pub(crate) fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Text }
    }

    /// Its `Content-Type`.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The page.
pub(crate) fn render(snapshot: Snapshot, form: Form) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Page(Arc::new(snapshot))));
    let mut text = String::new();
    // Writing to a String can't fail.
    let _ = encode(&mut text, &registry);
    match form {
        Form::OpenMetrics => text,
        Form::Text => older(&text),
    }
}

/// OpenMetrics as Prometheus' older format: there a counter's family has the `_total` of its samples.
fn older(text: &str) -> String {
    let counter = |name: &str| text.contains(&format!("# TYPE {name} counter\n"));
    let mut older = String::with_capacity(text.len());
    for line in text.lines().filter(|line| *line != "# EOF") {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(what @ ("HELP" | "TYPE")), Some(name), Some(rest))
                if counter(name) =>
            {
                older.push_str(&format!("# {what} {name}_total {rest}\n"));
            }
            _ => {
                older.push_str(line);
                older.push('\n');
            }
        }
    }
    older
}

#[derive(Debug)]
struct Page(Arc<Snapshot>);

/// A sample: its labels and its value.
type Sample<V> = (Vec<(&'static str, String)>, V);

struct Writer<'a> {
    to: DescriptorEncoder<'a>,
}

impl Writer<'_> {
    fn counter(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = Sample<u64>>,
    ) -> fmt::Result {
        let mut family = self.to.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in samples {
            if labels.is_empty() {
                family.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
            } else {
                family
                    .encode_family(&labels)?
                    .encode_counter::<NoLabelSet, _, u64>(&value, None)?;
            }
        }
        Ok(())
    }

    fn gauge(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = Sample<u64>>,
    ) -> fmt::Result {
        let mut family = self.to.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in samples {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            if labels.is_empty() {
                family.encode_gauge(&value)?;
            } else {
                family.encode_family(&labels)?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }

    fn histogram<'s>(
        &mut self,
        name: &str,
        help: &str,
        bounds: &[f64],
        samples: impl IntoIterator<Item = Sample<&'s Spread>>,
    ) -> fmt::Result {
        let mut family = self.to.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, spread) in samples {
            let ranges = spread.ranges(bounds);
            let (sum, count) = (spread.sum, spread.count());
            if labels.is_empty() {
                family.encode_histogram::<NoLabelSet>(sum, count, &ranges, None)?;
            } else {
                let mut family = family.encode_family(&labels)?;
                family.encode_histogram::<NoLabelSet>(sum, count, &ranges, None)?;
            }
        }
        Ok(())
    }
}

fn alone<V>(value: V) -> [Sample<V>; 1] {
    [(Vec::new(), value)]
}

fn by<'w>(label: &'static str, words: &'w Words) -> impl Iterator<Item = Sample<u64>> + use<'w> {
    words.iter().map(move |(word, count)| (vec![(label, word.clone())], *count))
}

fn by_two(
    labels: [&'static str; 2],
    pairs: &BTreeMap<String, Words>,
) -> impl Iterator<Item = Sample<u64>> {
    pairs.iter().flat_map(move |(first, words)| {
        words.iter().map(move |(second, count)| {
            let [one, two] = labels;
            (vec![(one, first.clone()), (two, second.clone())], *count)
        })
    })
}

fn by_leg(spreads: &BTreeMap<String, Spread>) -> impl Iterator<Item = Sample<&Spread>> {
    spreads.iter().map(|(leg, spread)| (vec![("leg", leg.clone())], spread))
}

/// How many of `all` have each of these words.
fn tallied<'a>(words: &[&str], all: impl Iterator<Item = &'a str>) -> Vec<(String, u64)> {
    let mut counts: Vec<(String, u64)> = words.iter().map(|word| ((*word).to_owned(), 0)).collect();
    for one in all {
        if let Some((_, count)) = counts.iter_mut().find(|(word, _)| word == one) {
            *count += 1;
        }
    }
    counts
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl Collector for Page {
    fn encode(&self, to: DescriptorEncoder<'_>) -> fmt::Result {
        let mut writer = Writer { to };
        let snapshot = &*self.0;
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        writer.gauge("dialback_build_info", "The relay's version, as a label", [(version, 1)])?;
        let up = u64::from(snapshot.status.is_some());
        writer.gauge(
            "dialback_up",
            "Whether the server answers on its control socket",
            alone(up),
        )?;
        if let Some(status) = &snapshot.status {
            lines(&mut writer, status, &snapshot.tally)?;
            standing(&mut writer, status)?;
        }
        calls(&mut writer, &snapshot.tally)?;
        callbacks(&mut writer, &snapshot.tally)?;
        trust(&mut writer, &snapshot.tally)?;
        relay(&mut writer, snapshot)
    }
}

fn lines(to: &mut Writer<'_>, status: &Status, tally: &Tally) -> fmt::Result {
    // Each state is shown, also with no line in it, so that sums and alerts never miss a series.
    let states = tallied(&LINE_STATES, status.lines.iter().map(|line| line.state.as_str()));
    let states = states.into_iter().map(|(state, count)| (vec![("state", state)], count));
    to.gauge("dialback_lines", "Lines by what they are doing", states)?;
    let each = status
        .lines
        .iter()
        .map(|line| (vec![("line", line.line.clone())], u64::from(in_service(&line.state))));
    to.gauge("dialback_line_in_service", "Whether a line can take or make calls", each)?;
    let connected = status.lines.iter().filter_map(|line| {
        let at = tally.line_connected.get(&line.line)?;
        Some((vec![("line", line.line.clone())], u64::try_from(at / 1000).unwrap_or(0)))
    });
    to.gauge(
        "dialback_line_connected_timestamp_seconds",
        "When a call was last connected on a line",
        connected,
    )
}

fn standing(to: &mut Writer<'_>, status: &Status) -> fmt::Result {
    let legs = tallied(&["request", "return"], status.calls.iter().map(|call| leg(call.leg)));
    let legs = legs.into_iter().map(|(leg, count)| (vec![("leg", leg)], count));
    to.gauge("dialback_calls_running", "Calls that are not over", legs)?;
    let states =
        tallied(&PROMISE_STATES, status.promises.iter().map(|promise| promise.state.as_str()));
    let states = states.into_iter().map(|(state, count)| (vec![("state", state)], count));
    to.gauge("dialback_promises_open", "Callbacks that are owed", states)?;
    let quarantine = alone(number(status.quarantine.len()));
    to.gauge(
        "dialback_quarantined_numbers",
        "Numbers that are not called because strangers answered",
        quarantine,
    )?;
    let writable = alone(u64::from(status.store_fault.is_none()));
    to.gauge(
        "dialback_journal_writable",
        "Whether the journal can be written; if not, no callback is promised",
        writable,
    )?;
    let stopping = alone(u64::from(status.stopping));
    to.gauge("dialback_stopping", "Whether the server was told to stop", stopping)?;
    if let Some(pool) = &status.pool {
        to.gauge("dialback_pool_addresses", "Addresses for PPP callers", alone(pool.addresses))?;
        to.gauge(
            "dialback_pool_free_addresses",
            "Addresses for PPP callers that are free",
            alone(pool.free),
        )?;
    }
    budgets(to, status)
}

/// Users are counted, not named: no label of ours is one.
fn budgets(to: &mut Writer<'_>, status: &Status) -> fmt::Result {
    let each = |value: fn(&Budget) -> u32| {
        let of_day = status.budgets.iter().filter(|budget| budget.user.is_none());
        of_day.map(move |budget| {
            let labels =
                vec![("budget", budget.of.clone()), ("unit", budget.unit.word().to_owned())];
            (labels, u64::from(value(budget)))
        })
    };
    to.gauge(
        "dialback_budget_spent",
        "What return calls have cost today, by the budgets of the day",
        each(|budget| budget.spent),
    )?;
    to.gauge("dialback_budget_limit", "What they may cost", each(|budget| budget.limit))?;
    let nearly = status.budgets.iter().filter(|budget| budget.is_nearly_spent());
    let users: BTreeSet<&str> = nearly.filter_map(|budget| budget.user.as_deref()).collect();
    to.gauge(
        "dialback_users_near_budget",
        "Users who have spent four fifths of a budget of theirs, or all of it",
        alone(number(users.len())),
    )
}

fn calls(to: &mut Writer<'_>, tally: &Tally) -> fmt::Result {
    to.counter("dialback_events", "Entries of the journal by name", by("event", &tally.events))?;
    to.counter(
        "dialback_calls",
        "Calls that are over, by leg and cause",
        by_two(["leg", "cause"], &tally.calls),
    )?;
    to.counter(
        "dialback_line_calls",
        "Calls that are over, by line and leg",
        by_two(["line", "leg"], &tally.line_calls),
    )?;
    to.counter(
        "dialback_line_faults",
        "How often a line went out of order",
        by("line", &tally.line_faults),
    )?;
    to.counter(
        "dialback_call_octets",
        "Octets of calls that are over",
        by_two(["leg", "direction"], &tally.octets),
    )?;
    to.histogram(
        "dialback_call_online_seconds",
        "Time from CONNECT to on-hook",
        &TIMES,
        by_leg(&tally.online),
    )?;
    to.histogram(
        "dialback_connect_speed",
        "Speed on the telephone line in bit/s, as the modem tells it",
        &SPEEDS,
        by_leg(&tally.speeds),
    )?;
    to.counter(
        "dialback_screened_calls",
        "Calls that were not answered on purpose, by rule",
        by("rule", &tally.screened),
    )?;
    to.counter(
        "dialback_launch_failures",
        "Programs that could not be started",
        alone(tally.launch_failures),
    )?;
    to.counter(
        "dialback_network_refusals",
        "PPP callers who got no network, by rule",
        by("rule", &tally.network_refusals),
    )
}

fn callbacks(to: &mut Writer<'_>, tally: &Tally) -> fmt::Result {
    let mut promises = tally.promises.clone();
    for outcome in ["made", "kept", "withdrawn", "expired"] {
        promises.entry(outcome.to_owned()).or_default();
    }
    to.counter(
        "dialback_promises",
        "Promises to call back, by what came of them",
        by("outcome", &promises),
    )?;
    to.counter(
        "dialback_callback_refusals",
        "Callbacks that were refused, by rule",
        by("rule", &tally.refusals),
    )?;
    to.counter(
        "dialback_failed_tries",
        "Tries to call back that came to nothing, by cause",
        by("cause", &tally.failed_tries),
    )?;
    to.histogram(
        "dialback_ring_back_seconds",
        "Time from a caller's hang-up to the first dial for him",
        &WAITS,
        alone(&tally.until_dialled),
    )?;
    to.histogram(
        "dialback_called_back_seconds",
        "Time from a caller's hang-up to his modem's answer",
        &WAITS,
        alone(&tally.until_kept),
    )?;
    to.counter(
        "dialback_charged_seconds",
        "Time of return calls, minutes begun counted whole, by class of number",
        by("class", &tally.charged_seconds),
    )?;
    to.counter(
        "dialback_charged_hundredths",
        "Cost of return calls in hundredths of the currency, by class of number",
        by("class", &tally.charged),
    )
}

fn trust(to: &mut Writer<'_>, tally: &Tally) -> fmt::Result {
    let mut alerts = tally.alerts.clone();
    for alert in calls::alert::Alert::ALL {
        alerts.entry(alert.name().to_owned()).or_default();
    }
    to.counter("dialback_alerts", "Alerts by kind", by("alert", &alerts))?;
    to.counter(
        "dialback_proofs",
        "Proofs of a name, by method and whether they were good; the bad ones are guesses",
        by_two(["method", "outcome"], &tally.proofs),
    )?;
    to.counter("dialback_operator_orders", "Orders of operators", alone(tally.orders))?;
    to.counter("dialback_server_starts", "Starts of the server", alone(tally.starts))?;
    to.counter(
        "dialback_refused_reloads",
        "Configurations that were faulty and were not taken",
        alone(tally.refused_reloads),
    )
}

fn relay(to: &mut Writer<'_>, snapshot: &Snapshot) -> fmt::Result {
    to.gauge(
        "dialback_journal_entries",
        "Entries of the journal",
        alone(snapshot.journal_entries),
    )?;
    to.gauge(
        "dialback_journal_bytes",
        "What the journal takes on disk",
        alone(snapshot.journal_octets),
    )?;
    to.gauge(
        "dialback_event_lag_entries",
        "How many entries of the journal a receiver has not got yet",
        by("to", &snapshot.behind),
    )?;
    to.counter(
        "dialback_deliveries",
        "Deliveries of events, by how they went",
        by_two(["to", "outcome"], &snapshot.deliveries),
    )?;
    // No sample rather than a 0: an alert on dead letters would end just when the disk is full.
    if let Some(Counts { waiting, dead }) = &snapshot.queue {
        to.gauge(
            "dialback_deliveries_waiting",
            "Deliveries that wait for a try",
            by("to", waiting),
        )?;
        to.gauge(
            "dialback_dead_letters",
            "Deliveries that were given up and are kept",
            by("to", dead),
        )?;
    }
    to.gauge(
        "dialback_relay_ledger_readable",
        "Whether relay.db can be read; if not, what waits and what is dead is not shown",
        alone(u64::from(snapshot.queue.is_some())),
    )
}

#[cfg(test)]
mod tests;
