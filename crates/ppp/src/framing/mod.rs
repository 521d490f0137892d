//! Async HDLC-like framing (RFC 1662): frames between flags, escapes, the character map, the FCS.
//!
//! ```text
//!     7e | [ff 03] | protocol (2 octets, or 1) | information | FCS low | FCS high | 7e
//! ```
//!
//! [`Framing`] says how we send, [`Deframer`] receives. Both move whole runs of ordinary octets at a
//! time and look closely only at those that might need it. Neither knows what a frame means.

mod decode;
mod encode;
mod scan;
#[cfg(test)]
mod tests;

pub use decode::{Counts, Deframer, Frame};
pub use encode::Framing;

/// Begins and ends a frame.
pub const FLAG: u8 = 0x7e;
/// Says that the next octet has bit 5 turned.
pub const ESCAPE: u8 = 0x7d;
/// What an escaped octet is xored with.
pub const TURN: u8 = 0x20;

/// The Async-Control-Character-Map: bit n says that octet n (below 32) travels escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accm(pub u32);

impl Accm {
    /// Every control character is escaped: how each link begins (RFC 1662 §7.1).
    pub const ALL: Self = Self(u32::MAX);
    /// None is: for lines that are transparent, with hardware flow control.
    pub const NONE: Self = Self(0);
    /// XON and XOFF only, for lines where somebody may take them for flow control.
    pub const FLOW_CONTROL: Self = Self(0x000a_0000);

    /// Whether the map names this octet.
    #[must_use]
    pub const fn names(self, octet: u8) -> bool {
        octet < 32 && self.0 >> octet & 1 == 1
    }

    /// Whether this octet travels escaped: flag, escape, or one that the map names.
    #[must_use]
    pub const fn escapes(self, octet: u8) -> bool {
        octet == FLAG || octet == ESCAPE || self.names(octet)
    }

    /// Both maps together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
