//! `dialback relay`: passes events on to metrics, syslog, hooks and mail; and shows what did not arrive.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::show::to_json;
use crate::clock::written;
use crate::exit::{Code, Failure};
use crate::log::{self, Format};
use crate::out::{self, Cell, Palette, table};
use crate::relay::{self, Dead, Ledger, LedgerFault, Revived};

/// Where its configuration is unless `--config` says otherwise.
const DEFAULT_RELAY: &str = "/etc/dialback/relay.toml";

#[derive(Debug, Args)]
#[command(after_help = "\
It only looks at the server: run it as somebody who may open the control socket, and who is neither \
root nor the server's user. It remembers how far it has read: nothing is lost while it does not run.

Examples:
  dialback relay                       with /etc/dialback/relay.toml, until SIGTERM
  dialback relay --check               find the faults of relay.toml
  curl http://127.0.0.1:9833/metrics   what Prometheus gets
  dialback relay dead                  what could not be delivered, and why
  dialback relay retry                 and once more")]
pub(super) struct Relay {
    #[command(subcommand)]
    what: Option<What>,
    /// Its configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_RELAY, global = true)]
    config: PathBuf,
    /// Only find the faults of the configuration
    #[arg(long)]
    check: bool,
    /// How diagnostics are written to stderr
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log: Format,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the deliveries that were given up
    Dead {
        /// As JSON, one a line
        #[arg(long)]
        json: bool,
    },
    /// Try deliveries again that were given up: all, or one
    Retry {
        /// One, as `relay dead` shows it
        id: Option<i64>,
    },
}

impl Relay {
    pub(super) fn run(self) -> Result<(), Failure> {
        let relay = relay::read(&self.config).map_err(|faults| {
            out::error_text(&format!("{faults}\n"));
            Failure::silent(Code::Configuration)
        })?;
        let open = || {
            Ledger::open_existing(&relay.state_dir)
                .map_err(|fault| Failure::new(Code::InputOutput, fault.to_string()))
        };
        let store = |fault: LedgerFault| Failure::new(Code::InputOutput, fault.to_string());
        match self.what {
            Some(What::Dead { json }) => {
                let dead = open()?.map_or(Ok(Vec::new()), |ledger| ledger.dead());
                show(&dead.map_err(store)?, json)
            }
            Some(What::Retry { id }) => {
                let rooms = relay::rooms(&relay);
                let revived =
                    open()?.map_or(Ok(Revived::default()), |mut ledger| ledger.revive(id, &rooms));
                tell(&revived.map_err(store)?, &self.config)
            }
            None if self.check => {
                out::line(format!("{}: no faults", self.config.display()));
                Ok(())
            }
            None => {
                log::start(self.log, "info").map_err(|e| Failure::new(Code::Usage, e))?;
                relay::run(relay)
            }
        }
    }
}

/// What is tried again, and what is not and why: a failure, so that scripts see it too.
fn tell(revived: &Revived, config: &Path) -> Result<(), Failure> {
    let Revived { count, unknown, no_room } = revived;
    if *count > 0 {
        out::line(format!("{count} will be tried again."));
    }
    for (receiver, count) in unknown {
        let config = config.display();
        out::error(format!(
            "{count} to {receiver}: it is not in {config}, so nobody would try: write it there again, start the relay anew, \
             then retry"
        ));
    }
    for (receiver, count) in no_room {
        out::error(format!(
            "{count} to {receiver}: too many wait for it already: retry when some have arrived"
        ));
    }
    if !unknown.is_empty() || !no_room.is_empty() {
        return Err(Failure::silent(Code::Failed));
    }
    if *count == 0 {
        let message = "there is no such dead letter: see dialback relay dead";
        return Err(Failure::new(Code::Failed, message));
    }
    Ok(())
}

fn show(dead: &[Dead], json: bool) -> Result<(), Failure> {
    if json {
        for one in dead {
            out::line(to_json(one)?);
        }
        return Ok(());
    }
    if dead.is_empty() {
        out::line("Everything has arrived.");
        return Ok(());
    }
    let row = |one: &Dead| {
        let at =
            calls::vocabulary::Wall { unix_ms: one.at_ms, offset_s: crate::clock::wall().offset_s };
        vec![
            Cell::from(one.id.to_string()),
            Cell::from(written(at)),
            Cell::from(one.receiver.as_str()),
            Cell::from(format!("#{}", one.seq)),
            Cell::from(one.tries.to_string()),
            Cell::from(one.why.as_str()),
        ]
    };
    let rows: Vec<Vec<Cell>> = dead.iter().map(row).collect();
    let heading = ["DEAD", "SINCE", "TO", "ENTRY", "TRIES", "WHY"];
    out::line(table(Palette::stdout(), &heading, &rows).trim_end());
    Ok(())
}
