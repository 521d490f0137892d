//! What can go wrong, on demand.
//!
//! Some faults are a state of things (a dead modem) and last until they are taken away; others happen to
//! calls, always or so many times. This file does not know how they are brought about.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Something that is wrong with a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum Fault {
    /// Whoever calls it finds it engaged.
    Busy,
    /// Its bell is not heard.
    NoAnswer,
    /// It gets no dial tone.
    NoDialTone,
    /// Bits of what it receives are wrong.
    Noise {
        /// So many bytes in a million have a wrong bit.
        per_million: u32,
    },
    /// Of what it receives, pieces are lost, or come twice. A piece is what the other side sent at once, up to 128
    /// bytes: a packet, as a rule.
    Lossy {
        /// So many in a hundred are lost.
        lost: u32,
        /// So many in a hundred come twice.
        doubled: u32,
    },
    /// The connection breaks down this long after CONNECT.
    DropAfter {
        /// Milliseconds.
        ms: u64,
    },
    /// The connection breaks down after so many bytes, both ways taken together.
    DropAfterBytes {
        /// How many.
        bytes: u64,
    },
    /// The modem is dead: it takes nothing and says nothing.
    Mute,
    /// The modem's DTR wire is broken: it never notices that DTR falls.
    IgnoresDtr,
    /// DCD is on, whatever happens.
    StuckDcd,
    /// The cable has three wires: DTR does not reach the modem, and no control line the computer.
    ThreeWires,
    /// When it was called and hangs up, the exchange keeps the line connected to the caller, as long as he stays.
    Held {
        /// At most so long, in milliseconds.
        ms: u64,
    },
    /// When it goes off-hook to dial, it finds itself connected with a call that came in at that instant.
    Glare {
        /// The station that calls.
        by: String,
        /// Whether the caller's modem plays the answering part (`ATD...R`), which makes the two modems connect.
        reverse: bool,
    },
    /// The person at this station stays on the line when his modem hangs up, and his modem answers whoever dials
    /// into the open line.
    HoldsLine {
        /// He plays a dial tone to whoever takes up the held line.
        dial_tone: bool,
    },
    /// What the modem says comes late.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// What the modem says comes in pieces.
    Split {
        /// Bytes in each.
        bytes: usize,
    },
    /// The cable is off: no bytes, no control lines.
    Unplugged,
}

impl Fault {
    /// Whether two faults are of the same kind, whatever their numbers are.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// How often a fault happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Times {
    /// Until it is taken away.
    #[default]
    Always,
    /// So many times.
    Next(u32),
    /// It is taken away.
    Never,
}

/// The faults of one station.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Vec<(Fault, Times)>);

impl Faults {
    /// Sets a fault in place of one of its kind.
    pub(super) fn set(&mut self, fault: Fault, times: Times) {
        self.0.retain(|(old, _)| !old.is_like(&fault));
        match times {
            Times::Always | Times::Next(1..) => self.0.push((fault, times)),
            Times::Next(0) | Times::Never => {}
        }
    }

    /// What `of` finds in the faults that are there, without using one up.
    pub(super) fn find<T>(&self, of: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|(fault, _)| of(fault))
    }

    /// Whether there is a fault of this kind.
    pub(super) fn has(&self, like: &Fault) -> bool {
        self.0.iter().any(|(fault, _)| fault.is_like(like))
    }

    /// What `of` finds in the faults that are there; that fault has then happened once more.
    pub(super) fn take<T>(&mut self, of: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let (index, found) =
            self.0.iter().enumerate().find_map(|(index, (fault, _))| Some((index, of(fault)?)))?;
        let spent = match self.0.get_mut(index) {
            Some((_, Times::Next(left))) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
            Some((_, Times::Always | Times::Never)) | None => false,
        };
        if spent {
            self.0.remove(index);
        }
        Some(found)
    }

    /// Whether this fault happens now.
    pub(super) fn happens(&mut self, like: &Fault) -> bool {
        self.take(|fault| fault.is_like(like).then_some(())).is_some()
    }

    /// How late, and in what pieces, the modem's words come.
    pub(super) fn lag(&self) -> (Duration, usize) {
        let late = self.find(|fault| if let Fault::Slow { ms } = fault { Some(*ms) } else { None });
        let pieces = self.find(|fault| {
            if let Fault::Split { bytes } = fault { Some((*bytes).max(1)) } else { None }
        });
        (Duration::from_millis(late.unwrap_or(0)), pieces.unwrap_or(usize::MAX))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter().map(|(fault, _)| fault)
    }
}
