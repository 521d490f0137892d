//! Who speaks on the session's call: the person at the terminal, or a program on a pty.
//!
//! A program gets the pty's slave as its standard input and output, raw: pppd takes it for its line, a shell
//! command for its files. When the call is over the pty is closed; a program that then does not end is told to.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sys::async_fd::AsyncPty;
use sys::pty::Pty;
use sys::tty::{Carrier, Flow, LineSettings};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::screen::{self, Raw};

/// The line is read while fewer bytes than this wait for the program.
const AHEAD: usize = 16 * 1024;

/// A program may take so long to end after its line has gone, and again after SIGTERM.
const END_TIME: Duration = Duration::from_secs(5);

/// What came from the speaker.
#[derive(Debug)]
pub(super) enum Spoke {
    /// A person typed this.
    Keys(Vec<u8>),
    /// A program sent this.
    Bytes(Vec<u8>),
    /// Nothing yet, or never again: see [`Speaker::is_over`].
    Nothing,
}

/// The speaker.
#[derive(Debug)]
pub(super) enum Speaker {
    Person { keys: mpsc::Receiver<Vec<u8>>, typing: bool, _raw: Raw },
    Program(Box<Program>),
}

#[derive(Debug)]
pub(super) struct Program {
    name: String,
    child: Child,
    pty: AsyncPty,
    out: VecDeque<u8>,
    over: bool,
}

impl Speaker {
    /// The person on stdin and stdout: his terminal is raw from here on.
    pub(super) fn person() -> io::Result<Self> {
        let raw = Raw::begin()?;
        Ok(Self::Person { keys: screen::keys()?, typing: true, _raw: raw })
    }

    /// A program, started.
    pub(super) fn program(words: &[String]) -> Result<Self, String> {
        let Some((name, args)) = words.split_first() else { return Err("no program".to_owned()) };
        let pty = Pty::open().map_err(|e| e.to_string())?;
        let settings = LineSettings {
            speed: 115_200,
            flow: Flow::None,
            carrier: Carrier::Ignore,
            hang_up_on_close: false,
        };
        pty.slave().set(&settings).map_err(|e| e.to_string())?;
        let (master, slave) = pty.into_halves();
        // A description of its own: ours is non-blocking, which programs do not expect.
        let own = slave.reopen().map_err(|e| e.to_string())?;
        let end = || own.as_fd().try_clone_to_owned().map(Stdio::from);
        let (stdin, stdout) =
            (end().map_err(|e| e.to_string())?, end().map_err(|e| e.to_string())?);
        let child = Command::new(name)
            .args(args)
            .stdin(stdin)
            .stdout(stdout)
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| format!("{name}: {e}"))?;
        let pty = AsyncPty::new(master).map_err(|e| e.to_string())?;
        let program = Program { name: name.clone(), child, pty, out: VecDeque::new(), over: false };
        Ok(Self::Program(Box::new(program)))
    }

    /// Whether what was said before the session is of interest: a program speaks from its start on.
    pub(super) fn wants_greeting(&self) -> bool {
        match self {
            Self::Person { .. } => true,
            Self::Program(_) => false,
        }
    }

    /// Whether the line should be read on.
    pub(super) fn takes_more(&self) -> bool {
        match self {
            Self::Person { .. } => true,
            Self::Program(program) => program.over || program.out.len() < AHEAD,
        }
    }

    /// Whether it has said its last word.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Person { .. } => false,
            Self::Program(program) => program.over,
        }
    }

    /// Shows the far end's bytes.
    pub(super) fn show(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Person { .. } => screen::show(bytes),
            Self::Program(program) => {
                program.out.extend(bytes);
                program.push();
                Ok(())
            }
        }
    }

    /// Waits for what comes from the speaker; `room`: the line takes it. Cancel safe.
    pub(super) async fn next(&mut self, room: bool) -> Spoke {
        match self {
            Self::Person { keys, typing, .. } if room && *typing => match keys.recv().await {
                Some(keys) => Spoke::Keys(keys),
                // The end of a pipe: what the far end still says is awaited.
                None => {
                    *typing = false;
                    Spoke::Nothing
                }
            },
            Self::Person { .. } => std::future::pending().await,
            Self::Program(program) => program.next(room).await,
        }
    }

    /// Ends it: the terminal is as it was, the program is gone.
    pub(super) async fn finish(self) -> Result<(), String> {
        match self {
            Self::Person { .. } => Ok(()),
            Self::Program(program) => program.finish().await,
        }
    }
}

impl Program {
    fn push(&mut self) {
        while !self.out.is_empty() {
            let (front, _) = self.out.as_slices();
            match self.pty.try_write(front) {
                Ok(count @ 1..) => drop(self.out.drain(..count)),
                // Gone: its end is told by reading.
                Ok(0) => return,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.out.clear(),
            }
        }
    }

    async fn next(&mut self, room: bool) -> Spoke {
        if self.over {
            return std::future::pending().await;
        }
        let mut read = [0; 1024];
        tokio::select! {
            count = self.pty.read_some(&mut read), if room => match count {
                Ok(count @ 1..) => Spoke::Bytes(read.get(..count).unwrap_or_default().to_vec()),
                Ok(0) | Err(_) => {
                    self.over = true;
                    self.out.clear();
                    Spoke::Nothing
                }
            },
            writable = self.pty.writable(), if !self.out.is_empty() => {
                drop(writable);
                self.push();
                Spoke::Nothing
            }
        }
    }

    async fn finish(self) -> Result<(), String> {
        let Self { name, mut child, pty, .. } = self;
        drop(pty);
        let status = match tokio::time::timeout(END_TIME, child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
                if let Some(pid) = pid {
                    // It may have ended just now.
                    let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
                }
                match tokio::time::timeout(END_TIME, child.wait()).await {
                    Ok(status) => status,
                    Err(_) => return Err(format!("{name} does not end: it is killed")),
                }
            }
        };
        let status = status.map_err(|e| format!("{name}: {e}"))?;
        if status.success() { Ok(()) } else { Err(format!("{name}: {}", told(status))) }
    }
}

fn told(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("status {code}"))
}
