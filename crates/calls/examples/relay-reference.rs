//! Prints `docs/reference/relay.md`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    print!("{}", dialback_calls::config::reference::relay_page());
}
