//! What was measured on each line: how long its exchange holds it after we hang up.
//!
//! The server measures it by calls between two of its lines (`engine`), or an operator does it by hand and records it; either
//! way the record is an event, and this is the fold of those. It counts where the configuration says nothing, with a quarter
//! more as a margin, and after [`AGED`] it is told to be old: exchanges are replaced.
//!
//! It does not know how a line waits.

pub(crate) mod engine;
mod failure;
mod findings;
mod search;

use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) use failure::Failure;
pub use findings::{CallerIdFound, Findings, Signal};

use crate::config::{Config, HoldBy, Line};
use crate::vocabulary::{Event, Wall};

/// After so long a measurement is worth less: half a year.
pub const AGED: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// The longest hold time that is recorded, as much as the key `hold_time` takes. No exchange is known to hold a line for so
/// long.
pub(crate) const MAX_HOLD: Duration = Duration::from_secs(10 * 60);

/// What was measured on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// How long the exchange held it.
    pub hold: Duration,
    /// When that was recorded.
    pub at: Wall,
}

impl Measured {
    /// Whether it is so old that it should be done again.
    #[must_use]
    pub fn is_aged(&self, now: Wall) -> bool {
        self.at + AGED <= now
    }

    /// How long is waited: a quarter more, and at least a second.
    fn wait(&self) -> Duration {
        let margin = Duration::from_secs(1) + self.hold / 4;
        self.hold.saturating_add(margin)
    }
}

/// What was measured, by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Qualifications {
    lines: BTreeMap<String, Measured>,
}

impl Qualifications {
    /// Takes an event of the journal.
    pub fn apply(&mut self, event: &Event, at: Wall) {
        if let Event::Qualified { line, hold_ms, .. } = event {
            let hold = Duration::from_millis(*hold_ms);
            self.lines.insert(line.clone(), Measured { hold, at });
        }
    }

    /// What was measured on a line.
    #[must_use]
    pub fn of(&self, line: &str) -> Option<Measured> {
        self.lines.get(line).copied()
    }

    /// Puts it into a line's configuration, where that says nothing itself.
    fn apply_to(&self, line: &mut Line) {
        match (line.hold_by, self.of(&line.name)) {
            (HoldBy::Unknown | HoldBy::Measured, Some(measured)) => {
                line.hold_time = measured.wait();
                line.hold_by = HoldBy::Measured;
            }
            (HoldBy::Written, _) | (HoldBy::Unknown | HoldBy::Measured, None) => {}
        }
    }

    /// Puts everything into a configuration.
    pub fn complete(&self, config: &mut Config) {
        for line in &mut config.lines {
            self.apply_to(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WORST_HOLD;
    use crate::testing::{LOGIN, TOML, config, try_config};

    #[test]
    fn what_was_measured_counts_where_nothing_is_written_with_a_margin() {
        let at = Wall { unix_ms: 0, offset_s: 0 };
        let qualified = |hold_ms| Event::Qualified {
            line: "main".to_owned(),
            hold_ms,
            who: "root".to_owned(),
            findings: None,
        };
        for (toml, events, wanted) in [
            (TOML.to_owned(), vec![qualified(12_000)], (10_000, HoldBy::Written)),
            (without(TOML), vec![], (200_000, HoldBy::Unknown)),
            (without(TOML), vec![qualified(12_000)], (16_000, HoldBy::Measured)),
            (without(TOML), vec![qualified(12_000), qualified(0)], (1_000, HoldBy::Measured)),
        ] {
            let mut config = config(&toml, LOGIN);
            let mut qualifications = Qualifications::default();
            for event in &events {
                qualifications.apply(event, at);
            }
            qualifications.complete(&mut config);
            let line = &config.lines[0];
            let got = (u64::try_from(line.hold_time.as_millis()).expect("few"), line.hold_by);
            assert_eq!(got, wanted, "{events:?}");
        }
        assert_eq!(WORST_HOLD.as_secs(), 200);
        let measured = Measured { hold: Duration::ZERO, at };
        let day = |days: u64| at + Duration::from_secs(days * 24 * 3600);
        assert!(!measured.is_aged(day(179)) && measured.is_aged(day(180)));
    }

    #[test]
    fn what_may_be_recorded_may_be_written_too() {
        let written = |hold: Duration| {
            let hold = format!("hold_time = \"{}s\"", hold.as_secs());
            let toml = TOML.replace("hold_time = \"10s\"", &hold);
            try_config(&toml.replace("max_time = \"10m\"", "max_time = \"1h\""), LOGIN).is_ok()
        };
        assert!(written(MAX_HOLD) && !written(MAX_HOLD + Duration::from_secs(1)));
    }

    fn without(toml: &str) -> String {
        toml.replace("hold_time = \"10s\"\n", "")
    }
}
