//! `dialback top`: every line as its state machine, events as they happen, promises with their countdown,
//! and keys to act. It asks the server over the control socket and decides nothing.
//!
//! ```text
//!   keyboard ──► thread ──┐
//!   events   ──► thread ──┼──► one loop: Board, drawn after each of them, and once a second
//!   status   ◄── asked after an event, at most five times a second
//! ```

mod board;
mod screen;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use calls::vocabulary::{Command, Entry, Reply};
use ratatui::crossterm::event::{Event as Terminal, KeyEventKind, read};

use crate::control::{Client, ClientFault};
use crate::exit::{Code, Failure};
use crate::out::Palette;
use board::{Board, Wish};

/// No more often than this is the server asked how things stand: a thousand lines are a long answer.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// Countdowns move once a second.
const TURN: Duration = Duration::from_secs(1);
/// Events that are told at the start.
const OLD_EVENTS: u32 = 100;

/// What wakes the loop.
enum Woken {
    Happened(Box<Entry>),
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
    let (wake, woken) = channel();
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
    let outcome = keys.and_then(|()| watch(&mut terminal, &mut client, &woken));
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
    woken: &Receiver<Woken>,
) -> Result<(), Failure> {
    let palette = Palette::stdout();
    let mut board = Board::new(Instant::now());
    // When the server is to be asked how things stand; `None`: nothing has happened since.
    let mut ask_at = Some(Instant::now());
    loop {
        let now = Instant::now();
        if ask_at.is_some_and(|at| at <= now) {
            board.stands(client.status()?, now);
            ask_at = None;
        }
        terminal
            .draw(|frame| screen::draw(frame, &mut board, palette, Instant::now()))
            .map_err(|e| Failure::new(Code::InputOutput, format!("drawing: {e}")))?;
        let wait = ask_at.map_or(TURN, |at| at.saturating_duration_since(now).min(TURN));
        let mut next = match woken.recv_timeout(wait) {
            Ok(next) => Some(next),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        // All that waits, and one drawing for it.
        while let Some(what) = next {
            match what {
                Woken::Happened(entry) => {
                    board.happened(&entry);
                    ask_at = ask_at.or(Some(board.seen.max(now - ASK_EVERY) + ASK_EVERY));
                }
                Woken::ServerGone(Some(fault)) => return Err(fault.into()),
                Woken::ServerGone(None) => {
                    return Err(Failure::new(Code::Unavailable, "the server has stopped"));
                }
                Woken::Terminal(Terminal::Key(key)) if key.kind == KeyEventKind::Press => {
                    match board.key(key) {
                        Wish::None => {}
                        Wish::Order(command) => {
                            board.answer = Some(order(client, command)?);
                            ask_at = Some(now);
                        }
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
