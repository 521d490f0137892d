//! What a caller does with this program: his script rehearsed at the desk, then run by `dialback chat` and `dialback scp
//! run` on a virtual modem, against `dialback serve`.
//!
//! Every script of examples/scripts is rehearsed against the configuration beside them. The programs behind the logins
//! are small shell scripts, so no account is needed and nobody need be root.
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

mod called_back;
mod rehearsed;
