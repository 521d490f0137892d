//! The built program and real ones on real ptys and sockets: chat, login, mgetty, ser2net, in towns with virtual
//! modems.
//!
//! Each test has its own town, server and folder. What a program does is looked at where it counts: on the caller's
//! screen, in the telephone network's log, in the server's journal. They need root, because login does.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test program: a panic is its way to fail, printing its way to say what was skipped"
)]

mod rig;

mod callback;
mod findings;
mod kill;
mod others;
