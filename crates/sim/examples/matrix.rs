//! Every PPP caller against every policy, at length: `cargo run --release -p dialback-sim --example matrix [ROUNDS] [FIRST_SEED]`.
//!
//! Prints what the runs came to; at the first failure what it was about, with its seed, and exits 1.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;

use dialback_sim::matrix;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse::<u64>());
    let rounds = arguments.next().unwrap_or(Ok(100));
    let first = arguments.next().unwrap_or(Ok(0));
    let (Ok(rounds), Ok(first)) = (rounds, first) else {
        eprintln!("usage: matrix [ROUNDS] [FIRST_SEED]");
        return ExitCode::from(2);
    };
    let mut all = matrix::Summary::default();
    for seed in first..first.saturating_add(rounds) {
        match matrix::round(seed) {
            Ok(summary) => all += summary,
            Err(failure) => {
                eprintln!("{failure}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{rounds} rounds: {all:?}");
    ExitCode::SUCCESS
}
