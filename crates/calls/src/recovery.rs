//! What the journal of earlier runs says about this one: a fold over its entries.
//!
//! ```text
//!     Promised ──► open ──► Kept | Withdrawn | Expired: closed          numbers: the next of each kind
//!                    └ TryFailed: one try less                          calls without `Ended`: cut off
//! ```
//!
//! A promise inside its window is dialled again after a restart unless it was kept; that includes one
//! whose dialling the crash cut off. One beyond its window expires, with an event.
//!
//! It does not read the journal; entries are handed in, oldest first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use proto::dial::PhoneNumber;

use crate::config::Config;
use crate::money::{Charge, Toll};
use crate::policy::totp::UsedCodes;
use crate::promise::counts_as_try;
use crate::promises::OPERATOR;
use crate::qualify::Qualifications;
use crate::strangers::Strangers;
use crate::vocabulary::{
    CallId, Cause, Ended, Entry, Event, Leg, PromiseId, Promised, Seq, SessionId, Wall,
};

/// What a fold of the journal gives to a new server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The place of the next event.
    pub next_seq: Seq,
    /// The next call.
    pub next_call: CallId,
    /// The next session.
    pub next_session: SessionId,
    /// The next promise.
    pub next_promise: PromiseId,
    /// Promises neither kept nor given up, oldest first.
    pub open: Vec<OpenPromise>,
    /// What was measured on the lines.
    pub qualifications: Qualifications,
    /// At which numbers strangers have answered.
    pub strangers: Strangers,
    /// What return calls of the last day and a bit have cost, oldest first.
    pub charges: VecDeque<(Wall, Charge)>,
    /// Calls that no event ended: the server was cut off.
    pub cut_off: Vec<CutOff>,
    /// A call from one line of ours to another that was being made, to measure one, when the server was cut off.
    pub measuring: Option<MeasuringCutOff>,
    /// Lines, by name, that an operator has taken out of service and not put back.
    pub busied_out: BTreeSet<String>,
    /// One-time codes that have been used and count no more.
    pub codes: UsedCodes,
}

/// A promise of an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPromise {
    /// The promise.
    pub promised: Promised,
    /// How many of its tries have failed and count.
    pub failed: u32,
}

/// A call of an earlier run that has no record yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutOff {
    /// The call.
    pub call: CallId,
    /// Its line's name.
    pub line: String,
    /// Its session, once it had one.
    pub session: Option<SessionId>,
    /// Who called whom.
    pub leg: Leg,
    /// When it began.
    pub began: Wall,
    /// When the modems were connected, if they were.
    pub connected: Option<Wall>,
    /// Of a call that went out: for which user, and at which number.
    pub dialled: Option<(String, String)>,
    /// The last that the journal heard before the server was cut off.
    pub last: Wall,
}

impl CutOff {
    /// What it has cost, as far as anybody can know: until the journal's last word.
    pub(crate) fn charge(&self, config: &Config) -> Option<Charge> {
        let (user, number) = self.dialled.as_ref()?;
        let number = PhoneNumber::configured(number).ok()?;
        let online = self.last.unix_ms.saturating_sub(self.connected?.unix_ms);
        let online = Duration::from_millis(u64::try_from(online).unwrap_or(0));
        Some(Toll::of(config, user, &number).charge(online))
    }

    /// The record of the call, as far as anybody can know it.
    pub(crate) fn ended(self, now: Wall) -> Ended {
        let ms =
            |since: Wall| u64::try_from(now.unix_ms.saturating_sub(since.unix_ms)).unwrap_or(0);
        Ended {
            total_ms: ms(self.began),
            online_ms: self.connected.map_or(0, ms),
            line: self.line,
            call: self.call,
            session: self.session,
            leg: self.leg,
            cause: Cause::NasError,
            bytes_in: 0,
            bytes_out: 0,
            charge: None,
            screen: None,
        }
    }
}

/// A measuring call of an earlier run that nobody has told the end of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuringCutOff {
    /// The line that was measured.
    pub line: String,
    /// The number that was called.
    pub number: String,
    /// When it was dialled.
    pub began: Wall,
    /// The last that the journal heard before the server was cut off.
    pub last: Wall,
}

impl MeasuringCutOff {
    /// What it has cost. Whether it was answered stands nowhere: it is taken for answered at once, so that no budget is
    /// overdrawn by what was forgotten.
    pub(crate) fn charge(&self, config: &Config) -> Option<Charge> {
        let number = PhoneNumber::configured(&self.number).ok()?;
        let online = self.last.unix_ms.saturating_sub(self.began.unix_ms);
        let online = Duration::from_millis(u64::try_from(online).unwrap_or(0));
        Some(Toll::of(config, OPERATOR, &number).charge(online))
    }
}

impl Default for Restored {
    /// An empty journal.
    fn default() -> Self {
        Self {
            next_seq: Seq(1),
            next_call: CallId(1),
            next_session: SessionId(1),
            next_promise: PromiseId(1),
            open: Vec::new(),
            qualifications: Qualifications::default(),
            strangers: Strangers::default(),
            charges: VecDeque::new(),
            cut_off: Vec::new(),
            measuring: None,
            busied_out: BTreeSet::new(),
            codes: UsedCodes::default(),
        }
    }
}

/// Folds the journal, oldest entry first.
pub fn fold<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Restored {
    let mut fold = Fold::default();
    for entry in entries {
        fold.apply(entry);
    }
    fold.finish()
}

/// The fold, for a journal that is read piece by piece.
#[derive(Debug, Default)]
pub struct Fold {
    seq: u64,
    call: u64,
    session: u64,
    promise: u64,
    open: BTreeMap<PromiseId, OpenPromise>,
    calls: BTreeMap<CallId, CutOff>,
    measuring: Option<MeasuringCutOff>,
    busied_out: BTreeSet<String>,
    codes: UsedCodes,
    strangers: Strangers,
    charges: VecDeque<(Wall, Charge)>,
    last: Option<Wall>,
    qualifications: Qualifications,
}

/// A day of 25 hours, when clocks go back, and an hour for clocks that were set.
const CHARGES_KEPT_MS: i64 = 26 * 60 * 60 * 1000;

impl Fold {
    /// Takes the next entry.
    #[allow(clippy::too_many_lines, reason = "every event is named once")]
    pub fn apply(&mut self, entry: &Entry) {
        self.seq = self.seq.max(entry.seq.0);
        self.strangers.apply(&entry.event, entry.at);
        self.last = Some(entry.at);
        self.qualifications.apply(&entry.event, entry.at);
        match &entry.event {
            Event::Promised(promised) => {
                self.promise = self.promise.max(promised.promise.0);
                self.session = self.session.max(promised.session.0);
                let promise = OpenPromise { promised: promised.clone(), failed: 0 };
                self.open.insert(promised.promise, promise);
            }
            Event::TryFailed { promise, cause, .. } => {
                if let Some(promise) = self.open.get_mut(promise)
                    && counts_as_try(*cause)
                {
                    promise.failed += 1;
                }
            }
            Event::Kept { promise, .. }
            | Event::Withdrawn { promise, .. }
            | Event::Expired { promise, .. } => {
                self.open.remove(promise);
            }
            Event::Rang { line, call, .. } => self.began(*call, line, None, Leg::Request, entry.at),
            Event::Dialled { line, call, session, promise, number, .. } => {
                self.began(*call, line, Some(*session), Leg::Return, entry.at);
                let user = self.open.get(promise).map(|open| open.promised.user.clone());
                if let (Some(open), Some(user)) = (self.calls.get_mut(call), user) {
                    open.dialled = Some((user, number.clone()));
                }
            }
            Event::Connected { line, call, session, direction, .. } => {
                // A modem that answers by itself connects without having rung.
                if !self.calls.contains_key(call) {
                    self.began(*call, line, None, *direction, entry.at);
                }
                self.session = self.session.max(session.0);
                if let Some(open) = self.calls.get_mut(call) {
                    open.session = Some(*session);
                    open.connected = Some(entry.at);
                }
            }
            Event::LineBusiedOut { line } => {
                self.busied_out.insert(line.clone());
            }
            Event::LineRestored { line } => {
                self.busied_out.remove(line);
            }
            Event::Ended(ended) => {
                self.calls.remove(&ended.call);
                if let Some(charge) = &ended.charge {
                    self.charge(entry.at, charge.clone());
                }
            }
            Event::MeasuringCall { line, number, .. } => {
                let (line, number) = (line.clone(), number.clone());
                let (began, last) = (entry.at, entry.at);
                self.measuring = Some(MeasuringCutOff { line, number, began, last });
            }
            // What an operator has measured by hand ends no call.
            Event::Qualified { findings: None, .. } => {}
            Event::Qualified { findings: Some(_), .. } | Event::NotQualified { .. } => {
                self.measuring = None;
            }
            Event::Measured { charge, .. } => {
                self.measuring = None;
                if let Some(charge) = charge {
                    self.charge(entry.at, charge.clone());
                }
            }
            Event::CodeSpent { name, step, .. } => self.codes.used(name, *step),
            Event::Proved { name, step, .. } | Event::NotProved { name, step, .. } => {
                if let Some(step) = step {
                    self.codes.used(name, *step);
                }
            }
            Event::ServerStarted { .. }
            | Event::ServerStopping { .. }
            | Event::ServerStopped
            | Event::Reloaded { .. }
            | Event::ReloadRefused { .. }
            | Event::LineReady { .. }
            | Event::LineFaulted { .. }
            | Event::LineLent { .. }
            | Event::LineReturned { .. }
            | Event::CarrierStuck { .. }
            | Event::Screened { .. }
            | Event::Named { .. }
            | Event::Dispatched { .. }
            | Event::NetworkUp { .. }
            | Event::NetworkDown { .. }
            | Event::NetworkRefused { .. }
            | Event::ScriptFailed { .. }
            | Event::LinkEnded { .. }
            | Event::Refused { .. }
            | Event::Launched { .. }
            | Event::LaunchFailed { .. }
            | Event::ProgramExited { .. }
            | Event::Operated { .. }
            | Event::Recognised { .. }
            | Event::Stranger { .. }
            | Event::Released { .. }
            | Event::Alert { .. } => {}
        }
    }

    fn charge(&mut self, at: Wall, charge: Charge) {
        let since = at.unix_ms.saturating_sub(CHARGES_KEPT_MS);
        while self.charges.front().is_some_and(|(at, _)| at.unix_ms < since) {
            self.charges.pop_front();
        }
        self.charges.push_back((at, charge));
    }

    /// What it comes to.
    #[must_use]
    pub fn finish(mut self) -> Restored {
        if let Some(last) = self.last {
            for call in self.calls.values_mut() {
                call.last = last;
            }
            if let Some(call) = &mut self.measuring {
                call.last = last;
            }
        }
        Restored {
            next_seq: Seq(self.seq + 1),
            next_call: CallId(self.call + 1),
            next_session: SessionId(self.session + 1),
            next_promise: PromiseId(self.promise + 1),
            open: self.open.into_values().collect(),
            cut_off: self.calls.into_values().collect(),
            measuring: self.measuring,
            qualifications: self.qualifications,
            strangers: self.strangers,
            busied_out: self.busied_out,
            charges: self.charges,
            codes: self.codes,
        }
    }

    fn began(&mut self, call: CallId, line: &str, session: Option<SessionId>, leg: Leg, at: Wall) {
        self.call = self.call.max(call.0);
        self.session = self.session.max(session.map_or(0, |session| session.0));
        let line = line.to_owned();
        let call_open = CutOff {
            call,
            line,
            session,
            leg,
            began: at,
            connected: None,
            dialled: None,
            last: at,
        };
        self.calls.insert(call, call_open);
    }
}

#[cfg(test)]
mod tests;
