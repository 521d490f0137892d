//! What can be seen in the demo, one thing at a time, whoever shows it.

use calls::record::Record;
use calls::vocabulary::Entry;
use serde::Serialize;
use sim::exchange::event::TownEvent;

/// A fact and its time.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Fact {
    /// By the town's clock, in milliseconds since the demo's start.
    pub(super) ms: u64,
    /// What.
    #[serde(flatten)]
    pub(super) what: What,
}

/// What there is to see.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "source", rename_all = "kebab-case")]
pub(super) enum What {
    /// A new scene begins.
    Scene {
        /// Its title.
        scene: String,
    },
    /// On the caller's screen. A piece: a line comes in several.
    Screen {
        /// Without carriage returns; a line feed ends a line.
        text: String,
        /// Whether this is what she typed, coming back to her.
        typed: bool,
    },
    /// The server says something to the caller, in one piece.
    Said {
        /// Printable, without the line's end.
        text: String,
    },
    /// The telephone network did something.
    Town(TownEvent),
    /// The server's journal has a new entry.
    Journal(Entry),
    /// The server waits before it dials.
    Waits {
        /// For so long from now, by the town's clock.
        wait_ms: u64,
        /// Why.
        why: String,
    },
    /// It still does.
    StillWaits {
        /// For so many seconds.
        seconds: u64,
    },
    /// The modems still train.
    StillTrain,
    /// A record of what the server has left.
    Record(Box<Record>),
    /// The end.
    End {
        /// Whether everything went as told.
        ok: bool,
        /// How, or what went wrong.
        text: String,
    },
}
