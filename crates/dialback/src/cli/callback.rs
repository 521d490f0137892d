//! `dialback callback`, also under the name `callback`: what callback(8) of mgetty does from a root shell,
//! done by the running server.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use calls::config::init_commands;
use calls::vocabulary::{CallbackOrder, Command, Event, PromiseId, Reply};
use clap::{Args, Parser};

use super::Whereabouts;
use crate::control::{Client, Events};
use crate::exit::{Code, Failure};
use crate::log::{LinesOfCalls, text_line};
use crate::out::{self, Palette};

/// Call a number now (callback(8) of dialback)
#[derive(Debug, Parser)]
#[command(name = "callback", max_term_width = 100)]
pub(super) struct ByName {
    #[command(flatten)]
    pub(super) callback: Callback,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The running server dials; this command only orders it, and needs root's rights (or the server's own).
Without -d it returns as soon as the callback is promised.

Examples:
  callback 5550199                       call this number, on a line that is free
  callback -d -l ttyS1:ttyS2 5550199     on one of these lines, and show what happens
  callback 5550199 5550200               the second if the first does not answer
  callback -S                            on the line of this very terminal, once it is hung up; asks for a number")]
pub(super) struct Callback {
    #[command(flatten)]
    server: Whereabouts,
    /// Call back on the line of this terminal
    #[arg(short = 'S', conflicts_with = "lines")]
    same: bool,
    /// Lines that may be used, by name or device, in order of choice
    #[arg(short = 'l', value_name = "LINES", value_delimiter = ':')]
    lines: Vec<String>,
    /// Modem setup in place of the line's own: expect and send strings, as in callback.config
    #[arg(short = 'm', value_name = "INIT")]
    init: Option<String>,
    /// Port speed in place of the line's own (bit/s)
    #[arg(short = 's', value_name = "SPEED")]
    speed: Option<u32>,
    /// Stay in front and show what happens, until the promise is kept or given up
    #[arg(short = 'd')]
    follow: bool,
    /// Log level of callback(8), 0 to 9: from 5 on the order is shown; the server has its own level
    #[arg(short = 'x', value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(0..=9))]
    level: u8,
    /// Print the version
    #[arg(short = 'V')]
    version: bool,
    /// Does nothing, as in callback(8)
    #[arg(short = 'a', hide = true)]
    autobauding: bool,
    /// Telephone numbers, tried in this order; without one you are asked
    #[arg(value_name = "NUMBER")]
    numbers: Vec<String>,
}

impl Callback {
    pub(super) fn run(self) -> Result<(), Failure> {
        if self.version {
            out::line(format_args!("callback of dialback {}", env!("CARGO_PKG_VERSION")));
            return Ok(());
        }
        let socket = self.server.socket()?;
        let init = match &self.init {
            Some(text) => init_commands(text)
                .map_err(|e| Failure::new(Code::Usage, format!("callback: -m {text}: {e}")))?,
            None => Vec::new(),
        };
        let mut client = Client::connect(&socket)?;
        let lines = self.lines()?;
        let numbers = match self.numbers.is_empty() {
            true => vec![asked()?],
            false => self.numbers,
        };
        let order = CallbackOrder { who: String::new(), lines, numbers, init, speed: self.speed };
        if self.level >= 5 {
            out::error(format_args!("callback: ordering {order:?}"));
        }
        // Before the order is given, so that nothing of it is missed.
        let events = match self.follow {
            true => Some(Client::connect(&socket)?.listen(None)?),
            false => None,
        };
        let promise = give(&mut client, order)?;
        match events {
            Some(events) => follow(events, promise),
            None => {
                out::line(promise);
                Ok(())
            }
        }
    }

    /// Lines by name or device; the server knows both.
    fn lines(&self) -> Result<Vec<String>, Failure> {
        if self.same {
            Ok(vec![own_terminal()?.display().to_string()])
        } else {
            Ok(self.lines.clone())
        }
    }
}

/// The terminal that we are called from.
fn own_terminal() -> Result<PathBuf, Failure> {
    let path = std::fs::read_link("/proc/self/fd/0").unwrap_or_default();
    if path.starts_with("/dev") && path != Path::new("/dev/null") {
        return Ok(path);
    }
    let message = "callback: -S: standard input is not a terminal: name a line with -l";
    Err(Failure::new(Code::Usage, message))
}

fn asked() -> Result<String, Failure> {
    let fault = |e: io::Error| Failure::new(Code::InputOutput, format!("callback: {e}"));
    let mut out = io::stdout().lock();
    out.write_all(b"Telephone number for callback: ").and_then(|()| out.flush()).map_err(fault)?;
    let mut number = String::new();
    io::stdin().lock().read_line(&mut number).map_err(fault)?;
    match number.trim() {
        "" => Err(Failure::new(Code::Usage, "callback: no number, no callback")),
        number => Ok(number.to_owned()),
    }
}

fn give(client: &mut Client, order: CallbackOrder) -> Result<PromiseId, Failure> {
    match client.command(Command::Callback(order))? {
        Reply::Promised { promise, .. } => Ok(promise),
        Reply::Refused { rule, reason } => {
            Err(Failure::new(Code::Failed, format!("refused by {rule}: {reason}")))
        }
        Reply::Done => {
            Err(Failure::new(Code::Protocol, "the server says \"done\" and names no promise"))
        }
    }
}

/// Shows what becomes of a promise, until something has.
pub(super) fn follow(events: Events, promise: PromiseId) -> Result<(), Failure> {
    let palette = Palette::stdout();
    let mut lines = LinesOfCalls::default();
    for entry in events {
        let entry = entry?;
        if promise_of(&entry.event) != Some(promise) {
            continue;
        }
        out::line(text_line(palette, &mut lines, &entry));
        if let Event::Kept { .. } = entry.event {
            return Ok(());
        }
        if let Event::Withdrawn { .. } | Event::Expired { .. } = entry.event {
            return Err(Failure::silent(Code::Failed));
        }
    }
    let message = format!("the server has gone; after its restart {promise} is still open");
    Err(Failure::new(Code::Unavailable, message))
}

/// The promise that an event is about.
fn promise_of(event: &Event) -> Option<PromiseId> {
    match event {
        Event::Promised(promised) => Some(promised.promise),
        Event::Dialled { promise, .. }
        | Event::TryFailed { promise, .. }
        | Event::Kept { promise, .. }
        | Event::Withdrawn { promise, .. }
        | Event::Expired { promise, .. } => Some(*promise),
        Event::ServerStarted { .. }
        | Event::ServerStopping { .. }
        | Event::ServerStopped
        | Event::Reloaded { .. }
        | Event::ReloadRefused { .. }
        | Event::LineReady { .. }
        | Event::LineFaulted { .. }
        | Event::LineLent { .. }
        | Event::LineReturned { .. }
        | Event::LineBusiedOut { .. }
        | Event::LineRestored { .. }
        | Event::CarrierStuck { .. }
        | Event::Rang { .. }
        | Event::Screened { .. }
        | Event::Connected { .. }
        | Event::Named { .. }
        | Event::Dispatched { .. }
        | Event::CodeSpent { .. }
        | Event::Proved { .. }
        | Event::NotProved { .. }
        | Event::NetworkUp { .. }
        | Event::NetworkDown { .. }
        | Event::NetworkRefused { .. }
        | Event::ScriptFailed { .. }
        | Event::LinkEnded { .. }
        | Event::Refused { .. }
        | Event::Launched { .. }
        | Event::LaunchFailed { .. }
        | Event::ProgramExited { .. }
        | Event::Ended(_)
        | Event::Operated { .. }
        | Event::Recognised { .. }
        | Event::Stranger { .. }
        | Event::Released { .. }
        | Event::Qualified { .. }
        | Event::NotQualified { .. }
        | Event::MeasuringCall { .. }
        | Event::Measured { .. }
        | Event::Alert { .. } => None,
    }
}
