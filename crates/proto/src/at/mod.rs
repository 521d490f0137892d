//! The computer's side (DTE) of the talk with a modem, after ITU-T V.250 and what modems made of it.
//!
//! ```text
//!   bytes from the modem ─► reader ─► result codes, caller ID fields, lines of text
//!                             ▲
//!     commands ── hang_up ────┘      each an engine of its own: send this, wait for that, by then
//!     carrier_watch: who is still there, on a port that cannot see DCD
//!     interview, identity: asking an unknown modem who it is, and what its answers say
//!     profile: what differs from modem to modem, as data
//! ```
//!
//! Nothing in here knows a line's state, dials by itself (that takes a [`DialString`](crate::dial)) or
//! moves DTR.

pub mod caller_id;
pub mod carrier_watch;
pub mod commands;
pub mod escape;
pub mod hang_up;
pub mod identity;
pub mod interview;
pub mod profile;
pub mod reader;
pub mod result;

#[cfg(test)]
mod tests;
