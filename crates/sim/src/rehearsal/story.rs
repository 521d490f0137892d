//! What of a tape matters for telling why a callback came through or did not: a fold of it.

use std::collections::BTreeMap;

use calls::vocabulary::{CallId, Cause, Event, Leg};
use proto::time::Instant;

use super::fact::{Ended, ScriptStep};
use super::stage::CALLER;
use crate::exchange::event::TownEvent;
use crate::world::{Fact, Taped};

/// A wait of the script's.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    pub(super) line: Option<usize>,
    pub(super) texts: Vec<String>,
    pub(super) exact: bool,
    pub(super) since: Instant,
    pub(super) within_ms: Option<u64>,
    /// Where the screen stood when it began.
    pub(super) from: usize,
    /// When it had heard something, and what.
    pub(super) heard: Option<(Instant, String)>,
}

/// A name that was given to the server.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) leg: Leg,
    pub(super) name: String,
    /// The line of login.config that took it, and what it does.
    pub(super) taken: Option<(String, String)>,
    /// The line of the script that sent it.
    pub(super) line: Option<usize>,
}

/// A refused callback.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) number: Option<String>,
    pub(super) rule: String,
    pub(super) reason: String,
    /// The line of the script that sent it.
    pub(super) line: Option<usize>,
}

/// The story of a rehearsal.
#[derive(Clone, Debug, Default)]
pub(super) struct Story {
    /// Everything that was on the caller's screen.
    pub(super) screen: Vec<u8>,
    pub(super) waits: Vec<Wait>,
    pub(super) sent: Vec<(Instant, Option<usize>, Option<String>)>,
    pub(super) ended: Option<(Instant, Ended)>,
    pub(super) ended_line: Option<usize>,
    /// Facts of the telephone network about the caller.
    pub(super) wrong_number: Option<String>,
    pub(super) dialled: bool,
    /// His modem has been connected, at all and on the return leg.
    pub(super) connected: Option<Instant>,
    pub(super) connected_back: Option<Instant>,
    /// His modem says ERROR to this.
    pub(super) not_understood: Option<String>,
    command: Option<String>,
    /// His bell.
    pub(super) rings: Vec<Instant>,
    pub(super) rang_since_end: bool,
    /// The server.
    pub(super) screened: Option<String>,
    pub(super) named: Vec<Named>,
    legs: BTreeMap<CallId, Leg>,
    pub(super) refused: Vec<Refused>,
    pub(super) promised: Option<Instant>,
    /// The line of the script that sent the number, or else the name.
    pub(super) asked_by: Option<usize>,
    pub(super) request_ended: Option<(Instant, Cause)>,
    pub(super) server_dialled: Vec<(Instant, String)>,
    pub(super) tries: Vec<(Instant, Cause)>,
    pub(super) kept: Option<Instant>,
    pub(super) given_up: Option<String>,
    /// A program runs, on the return leg.
    pub(super) launched_back: Option<String>,
    pub(super) launched: bool,
}

impl Story {
    pub(super) fn of(tape: &[Taped]) -> Self {
        let mut story = Self::default();
        for taped in tape {
            match &taped.fact {
                Fact::Town(event) => story.town(taped.at, event),
                Fact::Journal(entry) => story.journal(taped.at, &entry.event),
                Fact::Said(..) => {}
                Fact::Screen(bytes) => story.screen.extend_from_slice(bytes),
                Fact::Script(told) => story.script(taped.at, told.line, &told.step),
            }
        }
        story
    }

    fn script(&mut self, at: Instant, line: Option<usize>, step: &ScriptStep) {
        match step {
            ScriptStep::Waits { texts, exact, within_ms } => self.waits.push(Wait {
                line,
                texts: texts.clone(),
                exact: *exact,
                since: at,
                within_ms: *within_ms,
                from: self.screen.len(),
                heard: None,
            }),
            ScriptStep::Heard { text } => {
                if let Some(wait) = self.waits.last_mut() {
                    wait.heard = Some((at, text.clone()));
                }
            }
            ScriptStep::Sends { text } => self.sent.push((at, line, text.clone())),
            ScriptStep::Ended(how) => {
                self.ended = Some((at, how.clone()));
                self.ended_line = line;
            }
            ScriptStep::NotHeard | ScriptStep::Pauses { .. } | ScriptStep::Sets { .. } => {}
        }
    }

    fn town(&mut self, at: Instant, event: &TownEvent) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the others say nothing of the caller's luck"
        )]
        match event {
            TownEvent::Command { station, line } if station.as_str() == CALLER => {
                self.command = Some(line.clone());
            }
            TownEvent::Result { station, code }
                if station.as_str() == CALLER && code == "ERROR" =>
            {
                self.not_understood.clone_from(&self.command);
            }
            TownEvent::Dialled { station, .. } if station.as_str() == CALLER => self.dialled = true,
            TownEvent::WrongNumber { number, .. } => self.wrong_number = Some(number.clone()),
            TownEvent::Rings { station, .. } if station.as_str() == CALLER => {
                self.rings.push(at);
                self.rang_since_end |= self.ended.is_some();
            }
            TownEvent::Connected { .. } if self.promised.is_some() => {
                self.connected_back.get_or_insert(at);
            }
            TownEvent::Connected { .. } => {
                self.connected.get_or_insert(at);
            }
            _ => {}
        }
    }

    fn journal(&mut self, at: Instant, event: &Event) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the others change nothing for a caller"
        )]
        match event {
            Event::Screened { rule, .. } => self.screened = Some(rule.clone()),
            Event::Connected { call, direction, .. } => {
                self.legs.insert(*call, *direction);
            }
            // What a modem says when its caller has gone is no name and no number of his.
            Event::Named { .. } | Event::Refused { .. } if self.has_given_up() => {}
            Event::Named { call, name, .. } => {
                let leg = self.legs.get(call).copied().unwrap_or(Leg::Request);
                let line = self.sender_of(name);
                self.named.push(Named { leg, name: name.clone(), taken: None, line });
            }
            Event::Dispatched { entry, action, .. } => {
                if let Some(named) = self.named.last_mut() {
                    named.taken = Some((entry.clone(), action.clone()));
                }
            }
            Event::Refused { number, rule, reason, .. } => {
                let line = number.as_deref().and_then(|number| self.sender_of(number));
                self.refused.push(Refused {
                    number: number.clone(),
                    rule: rule.clone(),
                    reason: reason.clone(),
                    line,
                });
            }
            Event::Promised(promised) => {
                self.promised = Some(at);
                let number = promised.numbers.first().map(String::as_str).unwrap_or_default();
                self.asked_by = self.sender_of(number);
            }
            Event::Dialled { number, .. } => self.server_dialled.push((at, number.clone())),
            Event::TryFailed { cause, .. } => self.tries.push((at, *cause)),
            Event::Kept { .. } => self.kept = Some(at),
            Event::Withdrawn { why, .. } | Event::Expired { why, .. } => {
                self.given_up = Some(why.clone());
            }
            Event::Launched { program, .. } => {
                self.launched = true;
                if self.kept.is_some() {
                    self.launched_back = Some(program.clone());
                }
            }
            Event::Ended(ended) if ended.leg == Leg::Request => {
                self.request_ended = Some((at, ended.cause));
            }
            _ => {}
        }
    }

    fn has_given_up(&self) -> bool {
        self.ended.as_ref().is_some_and(|(_, how)| *how != Ended::Well)
    }

    /// The line of the script that sent this last.
    fn sender_of(&self, text: &str) -> Option<usize> {
        let sent = self.sent.iter().rev();
        let mut with = sent.filter(|(_, _, sent)| sent.as_ref().is_some_and(|s| s.contains(text)));
        with.next().or(self.sent.last()).and_then(|(_, line, _)| *line)
    }

    /// The wait that the script ended in, or still is in.
    pub(super) fn stuck_in(&self) -> Option<&Wait> {
        self.waits.last().filter(|wait| wait.heard.is_none())
    }

    /// What was on the screen since a wait began.
    pub(super) fn heard_in(&self, wait: &Wait) -> &[u8] {
        self.screen.get(wait.from..).unwrap_or_default()
    }
}
