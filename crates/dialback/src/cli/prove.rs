//! `dialback prove`'s command line; the playing is in `prove`.

use std::path::PathBuf;

use clap::Args;

use super::DEFAULT_CONFIG;
use crate::exit::Failure;
use crate::prove::{self, Wanted};

#[derive(Debug, Args)]
#[command(after_help = "\
Plays the attacks A1 to A20 of docs/threat-model.md against the configuration's own lines and users, on a simulated
telephone network. Nothing is dialled, and the running server is not asked. Exits 0 when every attack is withstood,
1 when one is open. A comment line of the configuration like `# A9: names are no secret here` is told with what is found.

Examples:
  dialback prove                                 the configuration in its usual place
  dialback prove --config d.toml --html proof.html
  dialback prove --strict                        what is weak fails, too
  dialback prove --json | jq '.attacks[] | select(.verdict == \"open\")'")]
pub(super) struct Prove {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    /// Write a report for auditors
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// As JSON, in place of the table
    #[arg(long)]
    json: bool,
    /// Fail on what is weak, not only on what is open
    #[arg(long)]
    strict: bool,
    /// What is left to chance: the same seed plays the same
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

impl Prove {
    pub(super) fn run(self) -> Result<(), Failure> {
        prove::run(&Wanted {
            config: &self.config,
            seed: self.seed,
            json: self.json,
            html: self.html.as_deref(),
            strict: self.strict,
        })
    }
}
