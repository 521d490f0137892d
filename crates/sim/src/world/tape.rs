//! Everything that is said and done in a world, in one order: what causes something stands before it.
//!
//! Off unless asked for. It does not know what any of it means.

use calls::vocabulary::Entry;
use proto::time::Instant;

use crate::exchange::event::TownEvent;
use crate::rehearsal::fact::Told;

/// A fact and its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Taped {
    /// By the world's clock.
    pub at: Instant,
    /// What.
    pub fact: Fact,
}

/// What is said and done.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// In the telephone network, modems included.
    Town(TownEvent),
    /// By the server.
    Journal(Entry),
    /// The server, or a program of its, says this to a caller, on the line of this name.
    Said(String, Vec<u8>),
    /// On the screen of whoever runs a script: what his modem gives him.
    Screen(Vec<u8>),
    /// By a script.
    Script(Told),
}

/// The tape of an hour of the busiest dialogue is a tenth of this; a flood must not fill the memory.
const LONGEST: usize = 200_000;

/// The tape.
#[derive(Debug, Default)]
pub(super) struct Tape {
    runs: bool,
    facts: Vec<Taped>,
}

impl Tape {
    pub(super) const fn begin(&mut self) {
        self.runs = true;
    }

    pub(super) fn record(&mut self, at: Instant, fact: impl FnOnce() -> Fact) {
        if self.runs && self.facts.len() < LONGEST {
            self.facts.push(Taped { at, fact: fact() });
        }
    }

    pub(super) fn facts(&self) -> &[Taped] {
        &self.facts
    }
}
