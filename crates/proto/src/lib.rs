//! What is said on a telephone line: engines for modems, logins, scripts and telnet.
//!
//! Every engine here is a machine without I/O. It is fed bytes and time and drained of what it wants
//! said and what it learned:
//!
//! ```text
//!     receive(now, bytes) ─┐
//!                          ├─► state ─► poll() -> Option<..>   one ordered queue, until None
//!     tick(now) ───────────┘           deadline() -> Option<Deadline>
//!                                      finish() -> the bytes that belong to the next speaker
//! ```
//!
//! `CONNECT 33600` is followed by bytes of whoever speaks next, sometimes in the same read: that is why
//! an engine that finishes hands back what it did not consume.
//!
//! This crate does not know what a user, a rule, a configuration file or a clock is. It never reads the
//! time, a file, the environment or a random source.
#![forbid(unsafe_code)]

pub mod at;
pub mod chat;
pub mod dial;
pub mod dialer;
pub mod expect;
pub mod login;
pub mod scp;
pub mod signals;
pub mod telnet;
pub mod time;
