//! `dialback check`: every fault of a configuration, with carets under it.

use std::path::PathBuf;

use clap::Args;

use super::DEFAULT_CONFIG;
use crate::config;
use crate::exit::{Code, Failure};
use crate::out::{self, Palette};

#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 0 if a server can run with it (there may be warnings), with 78 if not.

Examples:
  dialback check                            the configuration in /etc/dialback
  dialback check --config dialback.toml     another one, with the files that it names
  dialback check --json | jq .message       for programs")]
pub(super) struct Check {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    /// One JSON object for each fault
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let read = config::read(&self.config);
        if self.json {
            for diagnostic in &read.diagnostics {
                let json = serde_json::to_string(diagnostic)
                    .map_err(|e| Failure::new(Code::System, format!("writing JSON: {e}")))?;
                out::line(json);
            }
        } else {
            let faults = read.rendered(Palette::stdout());
            if faults.is_empty() {
                out::line(format_args!("{}: no faults", self.config.display()));
            } else {
                out::line(faults.trim_end());
            }
        }
        match read.config {
            Some(config) => {
                // Not a fault of the files: another user, or another machine, may start the server.
                if let Some(weakness) = crate::launcher::foreseen_weakness(&config) {
                    out::error(format_args!("started by you now: {weakness}"));
                }
                Ok(())
            }
            None => Err(Failure::silent(Code::Configuration)),
        }
    }
}
