//! Debian's own pppd, on a kernel that has PPP, against the built program: as caller, as the one who answers, and started
//! by our server. README.md tells how the guest is made.
//!
//! Each test has its own town of virtual modems, guest and folder, and prints what it did. They need root.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test program: a panic is its way to fail, printing its way to say what was skipped"
)]

#[path = "../interop/rig/mod.rs"]
mod rig;

mod client;
#[allow(dead_code, reason = "the benchmark reads what a transfer took")]
mod crossing;
#[allow(dead_code, reason = "the benchmark lets the built-in engine carry the packets too")]
mod inside;
mod machine;
mod outside;
mod pppd;
mod stage;
