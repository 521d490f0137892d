//! Prints `docs/reference/events.md`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    print!("{}", dialback_calls::vocabulary::reference::page());
}
