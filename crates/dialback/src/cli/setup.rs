//! `dialback setup`: which modems are here, and lines for them in the configuration.

use std::path::PathBuf;

use calls::config::parse_port;
use clap::Args;

use super::DEFAULT_CONFIG;
use crate::exit::{Code, Failure};
use crate::setup::{self, Wish};

#[derive(Debug, Args)]
#[command(after_help = "\
Every serial device is asked AT, and who answers is asked who he is and what he can do. Nothing is \
dialled or answered, and nothing is stored in a modem. Devices that the configuration has a line for \
already, or that another program uses, are left alone.

What would be written is shown first. A configuration that is there gets the new lines at its end; nothing in it is changed.

Examples:
  dialback setup                                      find modems, show the lines, ask, write
  dialback setup --port rfc2217://192.0.2.7:7001      a modem at a terminal server, and no others
  dialback setup --yes --config /tmp/dialback.toml    write without asking
  dialback setup --json | jq .profile                 only look, for programs")]
pub(super) struct Setup {
    /// Ask here only; may be given several times [default: all serial devices of this machine]
    #[arg(long = "port", value_name = "PORT")]
    ports: Vec<String>,
    /// The configuration to write, or to add to
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    /// Where other programs look for locks of serial devices
    #[arg(long, value_name = "DIR", default_value = "/var/lock")]
    lock_dir: PathBuf,
    /// Write without asking
    #[arg(long)]
    yes: bool,
    /// One JSON object for each port, and write nothing
    #[arg(long, conflicts_with = "yes")]
    json: bool,
}

impl Setup {
    pub(super) fn run(self) -> Result<(), Failure> {
        for port in &self.ports {
            parse_port(port).map_err(|why| Failure::new(Code::Usage, format!("--port: {why}")))?;
        }
        setup::run(&Wish {
            ports: self.ports,
            config: self.config,
            lock_dir: self.lock_dir,
            yes: self.yes,
            json: self.json,
        })
    }
}
