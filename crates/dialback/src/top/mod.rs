//! `dialback top`: every line as its state machine, events as they happen, promises with their countdown,
//! and keys to act. It asks the server over the control socket and decides nothing.
//!
//! ```text
//!   keyboard ──► thread ──┐
//!   events   ──► thread ──┼──► one loop: Board, drawn after each of them, and once a second
//!   standing ──► thread ──┘
//! ```

mod board;
mod screen;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use calls::status::Status;
use calls::vocabulary::{Command, Entry, Reply};
use ratatui::crossterm::event::{Event as Terminal, KeyEventKind, read};

use crate::control::standing::News;
use crate::control::{Client, ClientFault};
use crate::exit::{Code, Failure};
use crate::out::Palette;
use board::{Board, Wish};

/// Countdowns move once a second.
const TURN: Duration = Duration::from_secs(1);
/// Events that are told at the start.
const OLD_EVENTS: u32 = 100;

/// What wakes the loop.
enum Woken {
    Happened(Box<Entry>),
    Stands(News),
    ServerGone(Option<ClientFault>),
    Terminal(Terminal),
    TerminalGone(io::Error),
}

/// Shows it until the operator leaves or the server is gone.
pub(crate) fn run(socket: &Path) -> Result<(), Failure> {
    let ask = crate::control::Ask::Events {
        after: None,
        since_ms: None,
        last: Some(OLD_EVENTS),
        until_now: false,
        which: crate::control::WhichEvents::default(),
    };
    let events = Client::connect(socket)?.events(ask)?;
    let mut client = Client::connect(socket)?;
    let (status, mut standing) = Client::connect(socket)?.standing()?;
    let (wake, woken) = channel();
    let told = wake.clone();
    spawn("standing", move || {
        loop {
            let (woken, last) = match standing.hear() {
                Some(Ok(news)) => (Woken::Stands(news), false),
                Some(Err(fault)) => (Woken::ServerGone(Some(fault)), true),
                None => (Woken::ServerGone(None), true),
            };
            if told.send(woken).is_err() || last {
                return;
            }
        }
    })?;
    let tell: Sender<Woken> = wake.clone();
    spawn("events", move || {
        for entry in events {
            let woken = match entry {
                Ok(entry) => Woken::Happened(Box::new(entry)),
                Err(fault) => Woken::ServerGone(Some(fault)),
            };
            if tell.send(woken).is_err() {
                return;
            }
        }
        drop(tell.send(Woken::ServerGone(None)));
    })?;
    let mut terminal = ratatui::try_init()
        .map_err(|e| Failure::new(Code::InputOutput, format!("taking the terminal: {e}")))?;
    let keys = spawn("keys", move || {
        loop {
            let (woken, last) = match read() {
                Ok(event) => (Woken::Terminal(event), false),
                Err(e) => (Woken::TerminalGone(e), true),
            };
            if wake.send(woken).is_err() || last {
                return;
            }
        }
    });
    let outcome = keys.and_then(|()| watch(&mut terminal, &mut client, status, &woken));
    ratatui::restore();
    outcome
}

/// The thread is not waited for: it ends with the program.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map(drop).map_err(|e| Failure::new(Code::System, format!("starting a thread: {e}")))
}

fn watch(
    terminal: &mut ratatui::DefaultTerminal,
    client: &mut Client,
    status: Box<Status>,
    woken: &Receiver<Woken>,
) -> Result<(), Failure> {
    let palette = Palette::stdout();
    let mut board = Board::new(Instant::now());
    board.stands(status, Instant::now());
    loop {
        terminal
            .draw(|frame| screen::draw(frame, &mut board, palette, Instant::now()))
            .map_err(|e| Failure::new(Code::InputOutput, format!("drawing: {e}")))?;
        let mut next = match woken.recv_timeout(TURN) {
            Ok(next) => Some(next),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        // All that waits, and one drawing for it.
        while let Some(what) = next {
            match what {
                Woken::Happened(entry) => board.happened(&entry),
                Woken::Stands(news) => board.news(news, Instant::now()),
                Woken::ServerGone(Some(fault)) => return Err(fault.into()),
                Woken::ServerGone(None) => {
                    return Err(Failure::new(Code::Unavailable, "the server has stopped"));
                }
                Woken::Terminal(Terminal::Key(key)) if key.kind == KeyEventKind::Press => {
                    match board.key(key) {
                        Wish::None => {}
                        Wish::Order(command) => board.answer = Some(order(client, command)?),
                        Wish::Quit => return Ok(()),
                    }
                }
                // A resize is drawn like everything else.
                Woken::Terminal(_) => {}
                Woken::TerminalGone(e) => {
                    return Err(Failure::new(Code::InputOutput, format!("reading keys: {e}")));
                }
            }
            next = woken.try_recv().ok();
        }
    }
}

/// The answer in words, and whether it is a no.
fn order(client: &mut Client, command: Command) -> Result<(String, bool), Failure> {
    match client.command(command) {
        Ok(Reply::Done) => Ok(("done".to_owned(), false)),
        Ok(Reply::Promised { promise, .. }) => Ok((format!("{promise} is promised"), false)),
        Ok(Reply::Refused { reason, .. }) => Ok((reason, true)),
        Err(ClientFault::Refused { message, .. }) => Ok((message, true)),
        Err(fault) => Err(fault.into()),
    }
}
