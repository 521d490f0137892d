//! Evidence: anchors of the journal's chain outside of the journal, and what verifies both.
//!
//! ```text
//!   journal.db ── head (seq, hash) ── every [audit] anchor_every, and at the stop ──► anchor file, system's log
//!       └──────────── dialback audit verify ── each row follows from the one before; each anchor is in the chain
//! ```
//!
//! Who can rewrite the whole journal can rewrite its whole chain; he cannot rewrite what another user's file, or
//! another host, has been told. It deliberately does not know what the entries say.

mod anchor;
mod export;
mod read;
mod schedule;
#[cfg(test)]
mod tests;
mod verify;

pub(crate) use anchor::{Anchor, Told, write};
pub(crate) use export::{Format, Span, export};
pub(crate) use schedule::Anchors;
pub(crate) use verify::{Configured, Verdict, verify, verify_own};
