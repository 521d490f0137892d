//! What we do about a call: lines, sessions, promises, policy, configuration. Pure decisions.
//!
//! One value, [`server::Server`], owns every line, session and promise. It eats one closed
//! [`Input`](vocabulary::Input) at a time and leaves an ordered queue of
//! [`Output`](vocabulary::Output)s; the rim (or the simulated town) carries them out:
//!
//! ```text
//! loop {
//!     server.handle(now, input);
//!     while let Some(output) = server.poll() { carry_out(output) }
//!     wait for the next input, at most until server.deadline()
//! }
//! ```
//!
//! It does not know what a file descriptor, a database or a clock is; the same value runs a thousand real
//! lines and a thousand simulated calls a second.
#![forbid(unsafe_code)]

mod alarms;
pub mod alert;
mod call;
mod chance;
mod civil;
mod code;
pub mod config;
mod desk;
pub mod diagnostic;
pub mod dispatch;
mod guesses;
mod hunt;
mod line;
mod loops;
mod messages;
pub mod money;
pub mod policy;
mod pool;
mod pppd;
mod promise;
mod promises;
pub mod qualify;
pub mod record;
pub mod recovery;
mod screen;
pub mod script;
pub mod server;
mod service;
mod session;
pub mod status;
pub mod strangers;
#[cfg(test)]
mod testing;
pub mod vocabulary;
