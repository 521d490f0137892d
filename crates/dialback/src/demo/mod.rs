//! `dialback demo`: the real server on an embedded exchange, and a caller who goes through a whole callback.
//!
//! ```text
//!   caller ──cable──► modem ══ exchange ══ modem ◄──cable── tap ◄── rim (the server) ──► program on a pty
//!     │                           │                          │       │
//!     └──────── screen ───────────┴────── facts ─────────────┴───────┴──► play ──► show
//! ```
//!
//! Nothing in it is played but the caller: the server is the one of `dialback serve`, with its files, its
//! journal and its programs. What the caller does is in `story`, what is shown in `show`.

mod caller;
mod fact;
mod play;
mod show;
mod stage;
mod story;
mod tap;
mod words;

pub(crate) use play::{Asked, Company, run};
pub(crate) use story::Variant;
