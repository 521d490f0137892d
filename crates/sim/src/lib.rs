//! A town with telephones: exchange, modems, people and faults, in virtual time.
//!
//! ```text
//!   town (who has what)  ◄── scenario (town.toml)
//!     └─► exchange (lines, circuits, faults) ─── modem (one for each station)
//!           └─► world: exchange + calls::Server + people + programs + a journal, in virtual time
//!                 └─► rehearsal: a caller's own script in that world, and what went wrong with it
//! ```
//!
//! The exchange is a machine without I/O like everything else in this crate: the simulated world runs it in virtual
//! time, the program puts its ports on ptys and sockets and runs it in real time.
#![forbid(unsafe_code)]

pub mod chance;
pub mod exchange;

pub mod matrix;
pub mod modem;
pub mod people;
pub mod ping;
pub mod prove;
pub mod rehearsal;
pub mod scenario;
pub mod swarm;
pub mod town;
pub mod world;
