//! `dialback scp`: Windows dial-up scripts, run on a line or looked through at a desk.
//!
//! What a script means is `proto::scp`'s business. Here are the command line, the line itself, and the faults as people
//! see them. The exit codes are those of a connect script's user, not of sysexits(3): 0 ppp, 1 a fault of the script,
//! 2 usage or input and output, 3 line lost, 4 time limit, 5 halt.

mod check;
mod credentials;
mod line;
mod report;
mod run;
mod text;

use clap::{Args, Subcommand};

use crate::exit::Failure;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback scp check callback.scp                        what will go wrong on the telephone
  dialback scp run callback.scp --userid mary --password-file mary.secret --port /dev/ttyS0")]
pub(crate) struct Scp {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a script on a line, as Windows would
    Run(Box<run::Run>),
    /// Find the faults of a script, and what is likely to go wrong with it
    Check(check::Check),
}

impl Scp {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Run(run) => run.run(),
            Command::Check(check) => check.run(),
        }
    }
}
