//! Somebody at a modem in the simulated world, whoever plays him: a list of steps, or a caller's own script.

use proto::time::{Deadline, Instant};

use super::tape::{Fact, Tape};
use crate::exchange::{DteOutput, StationId};
use crate::people::{Caller, CallerOutput, Outcome};
use crate::rehearsal::caller::{ScriptOutput, ScriptedCaller};
use crate::rehearsal::fact::Told;

/// Who plays somebody.
#[derive(Debug)]
pub enum Played {
    /// A list of steps.
    Steps(Caller),
    /// A script as callers really have it.
    Script(Box<ScriptedCaller>),
}

/// Somebody.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) station: StationId,
    pub(super) caller: Played,
}

/// What somebody does.
#[derive(Debug)]
pub(super) enum Act {
    Bytes(Vec<u8>),
    Dtr(bool),
    /// He does nothing to his modem; it is only told.
    Told(Told),
}

impl Person {
    pub(super) fn hears(&mut self, now: Instant, output: DteOutput, tape: &mut Tape) {
        match (&mut self.caller, output) {
            (Played::Steps(caller), DteOutput::Bytes(bytes)) => caller.receive(now, &bytes),
            (Played::Script(caller), DteOutput::Bytes(bytes)) => {
                tape.record(now, || Fact::Screen(bytes.clone()));
                caller.receive(now, &bytes);
            }
            (Played::Script(caller), DteOutput::Signals(signals)) => {
                caller.carrier(now, signals.dcd);
            }
            (Played::Steps(_), DteOutput::Signals(_))
            | (_, DteOutput::Break | DteOutput::Plugged(_)) => {}
        }
    }
}

impl Played {
    pub(super) fn tick(&mut self, now: Instant) {
        match self {
            Self::Steps(caller) => caller.tick(now),
            Self::Script(caller) => caller.tick(now),
        }
    }

    pub(super) fn poll(&mut self) -> Option<Act> {
        Some(match self {
            Self::Steps(caller) => match caller.poll()? {
                CallerOutput::Bytes(bytes) => Act::Bytes(bytes),
                CallerOutput::Dtr(on) => Act::Dtr(on),
            },
            Self::Script(caller) => match caller.poll()? {
                ScriptOutput::Bytes(bytes) => Act::Bytes(bytes),
                ScriptOutput::Dtr(on) => Act::Dtr(on),
                ScriptOutput::Told(told) => Act::Told(told),
            },
        })
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        match self {
            Self::Steps(caller) => caller.deadline(),
            Self::Script(caller) => caller.deadline(),
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        match self {
            Self::Steps(caller) => matches!(caller.outcome(), Outcome::Busy(_)),
            Self::Script(caller) => caller.is_busy(),
        }
    }

    pub(super) fn stop(&mut self, now: Instant, why: &str) {
        match self {
            Self::Steps(caller) => caller.stop(why),
            Self::Script(caller) => caller.stop(now),
        }
    }
}
