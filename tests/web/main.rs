//! `dialback web` from outside: its API held to its own description, its guard, and its pages in a real browser.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test program: a panic is its way to fail"
)]

mod api;
mod browser;
mod caller;
mod guard;
mod http;
mod keyboard;
mod layout;
mod rig;
mod tls;
mod webdriver;
