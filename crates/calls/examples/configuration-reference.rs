//! Prints `docs/reference/configuration.md`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    print!("{}", dialback_calls::config::reference::page());
}
