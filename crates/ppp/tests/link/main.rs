//! Whole links, from the outside: a scripted peer's octets, two links on a wire, and what hostile peers do.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::print_stderr,
    reason = "a test fails by a panic, also in the functions that its tests share"
)]

mod bench;
mod captures;
mod conformance;
mod conformance_cbcp;
mod hostile;
mod lossy;
mod pair;
mod personalities;
mod vectors;
