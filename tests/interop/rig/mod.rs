//! What every interoperation test stands on: the built program and real ones as processes, a town of modems, a
//! terminal on one of them, a user of the system.
//!
//! It deliberately does not know what any test is about.

#![allow(dead_code, reason = "the tests and the benchmark use different parts")]

pub(crate) mod account;
pub(crate) mod folder;
pub(crate) mod mgetty;
pub(crate) mod process;
pub(crate) mod programs;
pub(crate) mod server;
pub(crate) mod terminal;
pub(crate) mod town;

use std::time::Duration;

/// No step of a test takes as long on the slowest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
