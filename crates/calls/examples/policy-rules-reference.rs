//! Prints `docs/reference/policy-rules.md`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    print!("{}", dialback_calls::policy::reference::page());
}
