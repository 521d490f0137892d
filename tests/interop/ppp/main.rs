//! `dialback dial --ppp` against `dialback serve` through two virtual modems, each end in a network namespace of its
//! own: called back by CBCP to a network that carries; and each way to fail, with its exit code and its sentence.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "a test program: a panic is its way to fail, printing its way to say what was skipped"
)]

mod carriers;
mod client;
mod failures;
mod namespace;
mod neighbours;
mod office;
#[path = "../rig/mod.rs"]
mod rig;
mod sessions;
mod split;
mod trace;

use office::{PROGRAMS, office, office_split};
