//! One program on a line, as the launcher sees it: from the request to the end that leaves nothing behind.
//!
//! ```text
//!   begin ── refused: told why
//!     │
//!   Starting ── our second program fails: told why ──────────────┐
//!     │ it becomes the program: Started                          ▼
//!   Running ── it ends: the rest of its session gets SIGHUP ──► left: terminal taken from everybody, given back its
//!                                                               owner and mode; the end written into utmp
//! ```
//!
//! It deliberately does not know why a program is started or ended.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use calls::config::{Config, PortSpec};
use calls::dispatch;
use calls::vocabulary::Grounds;
use sys::launch::{Ended, Launcher, Running, Starting};
use sys::pty::PtyMaster;
use sys::signals::ModemLines;
use sys::tty::{Access, Carrier, Tty};

use super::protocol::{How, Terminal};
use crate::program::{open_pty, request, sign_off};

/// A program, or one on its way.
#[derive(Debug)]
pub(super) struct Session {
    line: String,
    request: sys::launch::Launch,
    /// Owner and mode of the line's own terminal, to be given back.
    access: Option<Access>,
    phase: Option<Phase>,
}

#[derive(Debug)]
enum Phase {
    /// The slave of a pty must stay open until the program has it.
    Starting {
        starting: Starting,
        pty: Option<(PtyMaster, Tty)>,
    },
    Running(Running),
}

/// What has become of a session.
#[derive(Debug)]
pub(super) enum News {
    /// The program runs, with the master of its pty.
    Started { pid: u32, terminal: PathBuf, warnings: Vec<String>, master: Option<PtyMaster> },
    /// It is over.
    Ended(How),
}

impl Session {
    /// Starts what the grounds lead to, if the line is in the phase for it.
    pub(super) fn begin(
        config: &Config,
        grounds: Grounds,
        terminal: Terminal,
    ) -> Result<Self, String> {
        let line_name = grounds.line.clone();
        let launch = dispatch::follow(config, grounds).map_err(|why| why.to_string())?;
        let line = config.lines.iter().find(|line| line.name == line_name);
        let line = line.ok_or_else(|| format!("{line_name}: there is no such line"))?;
        let own = match &line.port {
            PortSpec::Tty(path) => Some(Tty::open(path).map_err(|e| e.to_string())?),
            PortSpec::Rfc2217 { .. } | PortSpec::Tcp { .. } | PortSpec::Sim(_) => None,
        };
        // Where the carrier can be seen, nothing is started without one, whoever says that there is a call.
        let control_lines = match own.as_ref().map(ModemLines::read) {
            Some(Ok(lines)) if !lines.dcd => return Err(format!("{line_name}: no carrier")),
            Some(Ok(_)) => true,
            Some(Err(_)) | None => false,
        };
        let (request, access, pty) = match (terminal, own) {
            (Terminal::Line, Some(mut tty)) if control_lines => {
                // They are the server's, and it has the terminal open.
                tty.leave_settings();
                let access = tty.access().map_err(|e| e.to_string())?;
                let (path, device) = (tty.path().to_owned(), tty.device());
                (request(&launch, path, device, Carrier::Watch), Some(access), None)
            }
            (Terminal::Line, Some(_) | None) => {
                return Err(format!("{line_name}: has no terminal with control lines"));
            }
            (Terminal::Pty, own) => {
                if let Some(mut tty) = own {
                    tty.leave_settings();
                }
                let (master, slave) = open_pty(launch.speed)?;
                let (path, device) = (slave.path().to_owned(), slave.device());
                (request(&launch, path, device, Carrier::Ignore), None, Some((master, slave)))
            }
        };
        let begun = Launcher::this_program().begin(&request);
        let starting = begun.map_err(|fault| fault.to_string())?;
        let phase = Some(Phase::Starting { starting, pty });
        Ok(Self { line: line_name, request, access, phase })
    }

    /// The line that it is on.
    pub(super) fn line(&self) -> &str {
        &self.line
    }

    /// What to wait for.
    pub(super) fn readable(&self) -> Option<BorrowedFd<'_>> {
        match self.phase.as_ref()? {
            Phase::Starting { starting, .. } => Some(starting.as_fd()),
            Phase::Running(running) => Some(running.as_fd()),
        }
    }

    /// Looks what has happened.
    pub(super) fn look(&mut self) -> Option<News> {
        match self.phase.take()? {
            Phase::Starting { starting, pty } => match starting.proceed() {
                Err(starting) => {
                    self.phase = Some(Phase::Starting { starting, pty });
                    None
                }
                Ok(Err(fault)) => {
                    self.left(None);
                    Some(News::Ended(How::NotStarted(fault.to_string())))
                }
                Ok(Ok((running, warnings))) => {
                    let (pid, terminal) = (running.pid(), self.request.tty.clone());
                    self.phase = Some(Phase::Running(running));
                    // Its slave is the program's from now on: the end of the last holder is the end of the file.
                    let master = pty.map(|(master, _slave)| master);
                    Some(News::Started { pid, terminal, warnings, master })
                }
            },
            Phase::Running(mut running) => match running.ended() {
                Ok(None) => {
                    self.phase = Some(Phase::Running(running));
                    None
                }
                Ok(Some(ended)) => {
                    self.left(Some(running.pid()));
                    Some(News::Ended(how(ended)))
                }
                Err(e) => {
                    tracing::error!("{}: waiting for a program: {e}", self.line);
                    self.left(Some(running.pid()));
                    Some(News::Ended(How::Unknown))
                }
            },
        }
    }

    /// Asks it to end.
    pub(super) fn hang_up(&self) {
        self.told(
            "SIGHUP",
            match &self.phase {
                Some(Phase::Starting { starting, .. }) => starting.kill(),
                Some(Phase::Running(running)) => running.hang_up(),
                None => Ok(()),
            },
        );
    }

    /// Makes it end.
    pub(super) fn kill(&self) {
        self.told(
            "SIGKILL",
            match &self.phase {
                Some(Phase::Starting { starting, .. }) => starting.kill(),
                Some(Phase::Running(running)) => running.kill(),
                None => Ok(()),
            },
        );
    }

    fn told(&self, signal: &str, result: std::io::Result<()>) {
        if let Err(e) = result {
            tracing::warn!("{}: {signal} to the program's session: {e}", self.line);
        }
    }

    /// Makes sure that nobody inherits anything of it.
    fn left(&self, pid: Option<u32>) {
        if let Some(access) = self.access {
            vacate(&self.request.tty, Some(access)).unwrap_or_else(|why| tracing::warn!("{why}"));
        }
        if let Some(pid) = pid {
            sign_off(&self.request, pid);
        }
    }
}

/// Takes a line's terminal from everybody who has it open; `access` becomes its owner and mode again. A pty in place
/// of a modem is left alone: it is somebody else's.
pub(super) fn vacate(port: &std::path::Path, access: Option<Access>) -> Result<(), String> {
    let fault = |e: sys::tty::TtyFault| e.to_string();
    let mut tty = Tty::open(port).map_err(fault)?;
    tty.leave_settings();
    if !ModemLines::supported(&tty).unwrap_or(false) {
        return Ok(());
    }
    // Hung up before it is given back, so that no one who had it has it a moment longer than he should.
    tty.revoke().map_err(fault)?;
    match access {
        Some(access) => {
            let mut tty = Tty::open(port).map_err(fault)?;
            tty.leave_settings();
            tty.set_access(access).map_err(fault)
        }
        None => Ok(()),
    }
}

fn how(ended: Ended) -> How {
    match ended {
        Ended::Exited(status) => How::Exited(status),
        Ended::Killed(signal) => How::Killed(signal),
        Ended::Unknown => How::Unknown,
    }
}
