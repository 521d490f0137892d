//! `dialback serve`: the server itself.

use std::path::PathBuf;

use calls::config::Config;
use clap::Args;

use super::DEFAULT_CONFIG;
use crate::config;
use crate::exit::{Code, Failure};
use crate::launcher::{self, Standing};
use crate::log::{self, EventLog, Format};
use crate::out::{self, Palette};
use crate::rim;

#[derive(Debug, Args)]
#[command(after_help = "\
SIGHUP reads the configuration again (a faulty one is reported and not taken). SIGTERM and SIGINT take no
new calls, let running ones end within server.stop_grace, and leave every line on-hook; a second one ends
them at once. Exits with 78 if the configuration is faulty.

Examples:
  dialback serve                            with /etc/dialback/dialback.toml
  dialback serve --config dialback.toml     with another configuration
  dialback serve --log json 2> log.jsonl    every event as JSON, for programs")]
pub(super) struct Serve {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    /// Join the launcher that listens at this socket, as a service that is not root
    #[arg(long, value_name = "SOCKET")]
    launcher: Option<PathBuf>,
    /// How events and diagnostics are written to stderr
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log: Format,
    /// Diagnostics from this level on: error, warn, info, debug, trace
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: String,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failure> {
        log::start(self.log, &self.log_level).map_err(|e| Failure::new(Code::Usage, e))?;
        // Before any thread is started, and before anything is opened that root alone may open.
        let (config, standing) = match &self.launcher {
            Some(socket) => launcher::join(socket, &self.config)?,
            None => self.split()?,
        };
        if let Some(weakness) = standing.rights.weakness() {
            tracing::warn!("{weakness}");
        }
        let log = EventLog::start(self.log, config.server.log_numbers)
            .map_err(|e| Failure::new(Code::System, format!("starting the log: {e}")))?;
        rim::serve(rim::Setting {
            config,
            config_path: Some(self.config),
            log: Some(log),
            scale: 1,
            sim: None,
            standing,
        })
    }

    fn split(&self) -> Result<(Config, Standing), Failure> {
        let read = config::read(&self.config);
        out::error_text(&read.rendered(Palette::stderr()));
        match read.config {
            Some(config) => launcher::split(config, &self.config, self.log, &self.log_level),
            None => Err(Failure::silent(Code::Configuration)),
        }
    }
}
