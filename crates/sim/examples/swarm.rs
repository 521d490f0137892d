//! The swarm at length: `cargo run --release -p dialback-sim --example swarm [SESSIONS] [FIRST_SEED]`.
//!
//! Prints what the sessions came to; at the first failure the seed and the tails of journal and log, and exits 1.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;

use dialback_sim::swarm;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse::<u64>());
    let sessions = arguments.next().unwrap_or(Ok(100_000));
    let first = arguments.next().unwrap_or(Ok(0));
    let (Ok(sessions), Ok(mut seed)) = (sessions, first) else {
        eprintln!("usage: swarm [SESSIONS] [FIRST_SEED]");
        return ExitCode::from(2);
    };
    let mut all = swarm::Summary::default();
    while (all.sessions as u64) < sessions {
        match swarm::run(seed) {
            Ok(summary) => all += summary,
            Err(failure) => {
                eprintln!("{failure}");
                return ExitCode::FAILURE;
            }
        }
        seed += 1;
    }
    println!("{seed} towns: {all:?}");
    ExitCode::SUCCESS
}
