//! The person's own terminal: questions without echo, raw mode for the session, and everything back as it was,
//! on whatever way the program ends.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::{mpsc, oneshot};

use crate::out;

/// Keys wait for the line, so many pieces: a paste is longer than a modem's patience.
const WAITING_KEYS: usize = 16;

/// The terminal on stdin in raw mode; as it was when this is dropped.
#[derive(Debug)]
pub(crate) struct Raw(Option<Termios>);

impl Raw {
    /// Every key goes to the far end, Ctrl-C too. What is no terminal stays as it is.
    pub(crate) fn begin() -> io::Result<Self> {
        let Ok(was) = tcgetattr(stdin()) else { return Ok(Self(None)) };
        let mut raw = was.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(Some(was)))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(was) = &self.0 {
            // A terminal that is gone has no settings.
            let _ = tcsetattr(stdin(), OptionalActions::Flush, was);
        }
    }
}

/// What is typed from here on, in pieces; it ends when stdin does.
///
/// A thread of its own reads: stdin shares its file status flags with the shell that started us, so that it
/// must not be made non-blocking. The thread ends with the process.
pub(crate) fn keys() -> io::Result<mpsc::Receiver<Vec<u8>>> {
    let (tell, told) = mpsc::channel(WAITING_KEYS);
    std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut room = [0; 1024];
        while let Ok(count @ 1..) = stdin.read(&mut room) {
            let typed = room.get(..count).unwrap_or_default().to_vec();
            if tell.blocking_send(typed).is_err() {
                return;
            }
        }
    })?;
    Ok(told)
}

/// Shows bytes of the far end as they are, colours and all.
pub(crate) fn show(bytes: &[u8]) -> io::Result<()> {
    out::Stdout.write_all(bytes)?;
    out::Stdout.flush()
}

/// A terminal whose echo is off until this is dropped.
struct Hushed {
    terminal: File,
    was: Termios,
}

impl Drop for Hushed {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.was);
        drop(self.terminal.write_all(b"\n"));
    }
}

/// Asks for a secret on the person's terminal, without echo. Dropping the future puts the echo back.
pub(crate) async fn ask(question: &str) -> io::Result<Vec<u8>> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty").map_err(|e| {
        io::Error::new(e.kind(), "there is no terminal to ask for the password on: use a file")
    })?;
    let was = tcgetattr(&terminal)?;
    let mut quiet = was.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    let reader = terminal.try_clone()?;
    terminal.write_all(question.as_bytes())?;
    tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
    let _hushed = Hushed { terminal, was };
    let (tell, told) = oneshot::channel();
    std::thread::Builder::new().name("question".to_owned()).spawn(move || {
        // Nobody listens any more: the program ends.
        drop(tell.send(answer(reader)));
    })?;
    told.await.map_err(io::Error::other)?
}

/// One line, without its end.
fn answer(mut terminal: File) -> io::Result<Vec<u8>> {
    // The terminal gives a line in one piece, and cuts it here.
    let mut room = [0; 256];
    let count = terminal.read(&mut room)?;
    let mut line = room.get(..count).unwrap_or_default().to_vec();
    while line.last().is_some_and(|end| matches!(end, b'\r' | b'\n')) {
        line.pop();
    }
    Ok(line)
}
