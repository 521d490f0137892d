//! `dialback exchange`: play telephone company.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use calls::diagnostic::Look;
use clap::{Args, Subcommand};
use sim::exchange::event::Logged;
use sim::exchange::fault::{Fault, Times};
use sim::scenario;
use sim::town::Town;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;

use crate::exchange::console::{Ask, Console, Done};
use crate::exchange::{self, switchboard::Switchboard};
use crate::exit::{Code, Failure};
use crate::out::{self, Cell, Ink, Palette};

/// Where the console is unless somebody says otherwise.
const DEFAULT_CONSOLE: &str = "/run/dialback/exchange.sock";

/// How long an exchange may take to answer its console.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
The town's file is described in docs/reference/town.md; examples/town.toml is one. Ends with SIGINT or SIGTERM,
and its ptys and sockets with it.

Examples:
  dialback exchange --config town.toml                       prints what happens until Ctrl-C
  dialback exchange --config town.toml --json > town.jsonl   the same as JSON lines
  dialback exchange --config town.toml --scale 20            20 times telephone speed
  dialback exchange status                                   every station of the running exchange
  dialback exchange fault office busy --times 2              the next two calls find it engaged
  dialback exchange fault office noise --with per_million=500
  dialback exchange fault office busy --times 0              take it away"
)]
pub(super) struct Exchange {
    #[command(subcommand)]
    ask: Option<Question>,
    /// The town
    #[arg(long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,
    /// The clock's speed, in place of the file's time_scale (1 is telephone speed)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    scale: Option<u32>,
    /// Decides what noise does; the same seed does the same
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print where the modems are, and facts, as JSON lines
    #[arg(long)]
    json: bool,
    /// Print no facts
    #[arg(long, short)]
    quiet: bool,
    /// Print where each modem is found, also with --quiet (a port 0 has got its number)
    #[arg(long)]
    ports: bool,
    /// The console's socket, for status and fault [default: none]
    #[arg(long, value_name = "SOCKET")]
    console: Option<PathBuf>,
}

/// What of a station's status is shown.
#[derive(Debug, serde::Deserialize)]
struct Station {
    name: String,
    number: String,
    line: String,
    modem: String,
    peer: Option<String>,
    dtr: bool,
    dcd: bool,
    faults: Vec<serde_json::Value>,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Show every station of the running exchange
    #[command(after_help = "Examples:\n  dialback exchange status --console /tmp/town.sock")]
    Status {
        /// The running exchange's console
        #[arg(long, value_name = "SOCKET", default_value = DEFAULT_CONSOLE)]
        console: PathBuf,
        /// JSON lines
        #[arg(long)]
        json: bool,
    },
    /// Set a fault at a station, or take it away
    #[command(after_help = "\
Faults: busy, no-answer, no-dial-tone, noise (per_million), lossy (lost, doubled), drop-after (ms), drop-after-bytes (bytes), mute,
ignores-dtr, stuck-dcd, three-wires, held (ms), glare (by, reverse), holds-line (dial_tone), slow (ms), split (bytes), unplugged.

Examples:
  dialback exchange fault office busy --times 2
  dialback exchange fault office drop-after --with ms=5000
  dialback exchange fault office glare --with by=mallory --with reverse=true --times 1")]
    Fault {
        /// The station's name
        station: String,
        /// The fault's name
        fault: String,
        /// What belongs to it
        #[arg(long = "with", value_name = "KEY=VALUE")]
        with: Vec<String>,
        /// How often; 0 takes it away [default: until it is taken away]
        #[arg(long, value_name = "N")]
        times: Option<u32>,
        /// The running exchange's console
        #[arg(long, value_name = "SOCKET", default_value = DEFAULT_CONSOLE)]
        console: PathBuf,
    },
}

impl Exchange {
    pub(super) fn run(self) -> Result<(), Failure> {
        match (self.ask, self.config) {
            (Some(Question::Status { console, json }), _) => status(&console, json),
            (Some(Question::Fault { station, fault, with, times, console }), _) => {
                let fault = fault_named(&fault, &with)?;
                let times = match times {
                    None => Times::Always,
                    Some(0) => Times::Never,
                    Some(n) => Times::Next(n),
                };
                set_fault(&console, &Ask::Fault { station, fault, times })
            }
            (None, Some(config)) => {
                let mut town = read(&config)?;
                town.scale = self.scale.unwrap_or(town.scale);
                town.wall_ms = local_millis();
                let form = match (self.quiet, self.json) {
                    (true, _) => Form::Nothing,
                    (false, true) => Form::Json,
                    (false, false) => Form::People(Palette::stdout()),
                };
                serve(town, self.seed, form, self.ports, self.console.as_deref())
            }
            (None, None) => Err(Failure::new(Code::Usage, "exchange: --config FILE is needed")),
        }
    }
}

fn local_millis() -> i64 {
    let wall = crate::clock::wall();
    wall.unix_ms.saturating_add(i64::from(wall.offset_s) * 1000)
}

/// Reads a town's file, or shows all that is wrong with it.
fn read(path: &Path) -> Result<Town, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Failure::new(Code::InputOutput, format!("{}: {e}", path.display())))?;
    scenario::parse(&path.display().to_string(), &text).map_err(|faults| {
        let look = if Palette::stderr().coloured() { Look::Colour } else { Look::Plain };
        for fault in &faults {
            out::error(fault.render(look));
        }
        Failure::silent(Code::Configuration)
    })
}

enum Form {
    Nothing,
    Json,
    People(Palette),
}

fn serve(
    town: Town,
    seed: u64,
    form: Form,
    ports: bool,
    console: Option<&Path>,
) -> Result<(), Failure> {
    let system =
        |e: std::io::Error| Failure::new(Code::System, format!("starting the runtime: {e}"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system)?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(system)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(system)?;
        let (board, found) = exchange::open(town, seed).await?;
        let facts = board.watch();
        if let Some(path) = console {
            tokio::spawn(Console::bind(path)?.serve(board.clone()));
        }
        for modem in found {
            match &form {
                Form::Nothing if ports => out::line(modem),
                Form::Nothing => true,
                Form::Json => serde_json::to_string(&modem).is_ok_and(out::line),
                Form::People(_) => out::line(modem),
            };
        }
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = print(facts, &board, form) => {}
        }
        Ok(())
    })
}

/// Prints what happens. Ends when nobody reads it any more.
async fn print(
    mut facts: tokio::sync::broadcast::Receiver<Logged>,
    _board: &Switchboard,
    form: Form,
) {
    loop {
        let fact = match facts.recv().await {
            Ok(fact) => fact,
            Err(RecvError::Lagged(missed)) => {
                out::error(format_args!(
                    "{missed} facts were not printed: the terminal is too slow"
                ));
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        let goes_on = match &form {
            Form::Nothing => true,
            Form::Json => serde_json::to_string(&fact).is_ok_and(out::line),
            Form::People(palette) => {
                let time =
                    palette.paint(Ink::Dim, &format!("{:>10.3}", fact.at.as_millis() as f64 / 1e3));
                out::line(format_args!("{time}  {}", fact.event))
            }
        };
        if !goes_on {
            return;
        }
    }
}

/// `noise`, `["per_million=500"]` as the fault that it is.
pub(super) fn fault_named(name: &str, with: &[String]) -> Result<Fault, Failure> {
    let usage = |text: String| Failure::new(Code::Usage, text);
    let mut object = serde_json::Map::new();
    object.insert("fault".to_owned(), name.into());
    for pair in with {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(usage(format!("--with {pair}: write KEY=VALUE")));
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        object.insert(key.to_owned(), value);
    }
    serde_json::from_value(object.into())
        .map_err(|e| usage(format!("fault {name}: {e}: see --help")))
}

fn connect(console: &Path) -> Result<UnixStream, Failure> {
    let fault = |e: std::io::Error| {
        let text = format!("{}: {e}: does `dialback exchange --console` run?", console.display());
        Failure::new(Code::Unavailable, text)
    };
    let stream = UnixStream::connect(console).map_err(fault)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(fault)?;
    Ok(stream)
}

fn ask(console: &Path, ask: &Ask) -> Result<BufReader<UnixStream>, Failure> {
    let mut stream = connect(console)?;
    let mut line = serde_json::to_vec(ask)
        .map_err(|e| Failure::new(Code::System, format!("writing JSON: {e}")))?;
    line.push(b'\n');
    stream.write_all(&line).map_err(|e| gone(console, &e))?;
    Ok(BufReader::new(stream))
}

fn gone(console: &Path, e: &dyn std::fmt::Display) -> Failure {
    Failure::new(Code::Protocol, format!("{}: {e}", console.display()))
}

fn set_fault(console: &Path, fault: &Ask) -> Result<(), Failure> {
    let mut answer = String::new();
    ask(console, fault)?.read_line(&mut answer).map_err(|e| gone(console, &e))?;
    let done: Done = serde_json::from_str(&answer).map_err(|e| gone(console, &e))?;
    match done.why {
        None if done.done => Ok(()),
        why => Err(Failure::new(Code::Failed, why.unwrap_or_else(|| "not done".to_owned()))),
    }
}

fn status(console: &Path, json: bool) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for line in ask(console, &Ask::Status)?.lines() {
        let line = line.map_err(|e| gone(console, &e))?;
        if line.is_empty() {
            break;
        }
        if json {
            out::line(&line);
            continue;
        }
        let station: Station = serde_json::from_str(&line).map_err(|e| gone(console, &e))?;
        let faults: Vec<_> = station.faults.iter().map(ToString::to_string).collect();
        rows.push(vec![
            Cell::inked(Ink::Cyan, station.name),
            station.number.into(),
            station.line.into(),
            station.modem.into(),
            station.peer.unwrap_or_default().into(),
            Cell::from(if station.dtr { "DTR" } else { "" }),
            Cell::from(if station.dcd { "DCD" } else { "" }),
            Cell::inked(Ink::Yellow, faults.join(" ")),
        ]);
    }
    if !json {
        let heading = ["STATION", "NUMBER", "LINE", "MODEM", "WITH", "DTR", "DCD", "FAULTS"];
        out::line(out::table(Palette::stdout(), &heading, &rows).trim_end());
    }
    Ok(())
}
