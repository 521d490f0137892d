//! What should wake somebody: attacks that were seen, and defences that are weaker than they look.
//!
//! An alert is an event of the journal like any other ([`Event::Alert`]); its kind is one of the few
//! here, so that mail, SNMP or a pager can be told which ones to pass on. [`Severity`] sorts all events
//! for whoever reads a log with a filter.
//!
//! It does not know who is told, nor what he should do about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::vocabulary::{Event, Wall};

/// How much an event matters to whoever watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Business as usual.
    Plain,
    /// Worth a look: a refusal, a failed try, an operator's order.
    Notice,
    /// Something failed or is out of order.
    Warning,
    /// Somebody should look now.
    Alert,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alert {
    /// A name that nobody uses was given: somebody guesses, or reads an old list.
    TrapName,
    /// So many wrong names or proofs from one line, caller or for one name that he is slowed down.
    Guessing,
    /// Whoever answered a return call could not say who he is.
    StrangerAnswered,
    /// A number at which strangers answer is not called any more.
    NumberQuarantined,
    /// The modem said CONNECT sooner than the number could have been dialled and answered.
    ConnectTooSoon,
    /// The modem's settings are not those that it was given.
    ModemChanged,
    /// The line could not be seen to hang up.
    HangUpNotSeen,
    /// A line's hold time was measured half a year ago or more.
    MeasuredLongAgo,
    /// A budget is used up, or nearly.
    Budget,
    /// Another server that calls back is at the other end: the two would call each other for ever.
    Loop,
}

impl Alert {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::TrapName,
        Self::Guessing,
        Self::StrangerAnswered,
        Self::NumberQuarantined,
        Self::ConnectTooSoon,
        Self::ModemChanged,
        Self::HangUpNotSeen,
        Self::MeasuredLongAgo,
        Self::Budget,
        Self::Loop,
    ];

    /// Its name in the journal and in commands: `trap-name`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TrapName => "trap-name",
            Self::Guessing => "guessing",
            Self::StrangerAnswered => "stranger-answered",
            Self::NumberQuarantined => "number-quarantined",
            Self::ConnectTooSoon => "connect-too-soon",
            Self::ModemChanged => "modem-changed",
            Self::HangUpNotSeen => "hang-up-not-seen",
            Self::MeasuredLongAgo => "measured-long-ago",
            Self::Budget => "budget",
            Self::Loop => "loop",
        }
    }
}

impl Event {
    /// How much it matters.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Alert { .. } => Severity::Alert,
            Self::LineFaulted { .. }
            | Self::ReloadRefused { .. }
            | Self::CarrierStuck { .. }
            | Self::LaunchFailed { .. }
            | Self::NotProved { .. }
            | Self::Stranger { .. }
            | Self::NetworkRefused { .. }
            | Self::ScriptFailed { .. }
            | Self::Expired { .. } => Severity::Warning,
            Self::ServerStopping { .. }
            | Self::LineLent { .. }
            | Self::LineBusiedOut { .. }
            | Self::Screened { .. }
            | Self::Refused { .. }
            | Self::TryFailed { .. }
            | Self::Withdrawn { .. }
            | Self::Released { .. }
            | Self::Qualified { .. }
            | Self::NotQualified { .. }
            | Self::Operated { .. } => Severity::Notice,
            Self::ServerStarted { .. }
            | Self::ServerStopped
            | Self::Reloaded { .. }
            | Self::LineReady { .. }
            | Self::LineReturned { .. }
            | Self::LineRestored { .. }
            | Self::Rang { .. }
            | Self::Connected { .. }
            | Self::Named { .. }
            | Self::Dispatched { .. }
            | Self::CodeSpent { .. }
            | Self::Proved { .. }
            | Self::NetworkUp { .. }
            | Self::NetworkDown { .. }
            | Self::LinkEnded { .. }
            | Self::Promised(_)
            | Self::Dialled { .. }
            | Self::MeasuringCall { .. }
            | Self::Measured { .. }
            | Self::Kept { .. }
            | Self::Recognised { .. }
            | Self::Launched { .. }
            | Self::ProgramExited { .. }
            | Self::Ended(_) => Severity::Plain,
        }
    }
}

/// How often each kind was raised since the server was started, and when last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally(BTreeMap<Alert, (u64, Wall)>);

impl Tally {
    pub(crate) fn count(&mut self, alert: Alert, at: Wall) {
        let (raised, last) = self.0.entry(alert).or_default();
        *raised += 1;
        *last = at;
    }

    /// Each kind that was raised: how often, and when last.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Alert, u64, Wall)> {
        self.0.iter().map(|(alert, (raised, last))| (*alert, *raised, *last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alerts_name_is_the_one_that_the_journal_has() {
        for alert in Alert::ALL {
            let json = serde_json::to_value(alert).expect("a name");
            assert_eq!(json, alert.name());
        }
    }
}
