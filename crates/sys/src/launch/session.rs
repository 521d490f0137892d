//! A program that runs on a line, with everything it has started in its session.
//!
//! ```text
//!   running ──hang_up: SIGHUP, SIGCONT──> (grace, timed by the caller) ──kill──> ended
//!      └──────────────────────the leader ends: the rest gets SIGHUP──────────────^
//! ```
//!
//! Processes are signalled through pidfds, after a second look at their session: a number may belong to
//! somebody else by the time the signal is sent.
//!
//! It deliberately does not know how long a grace should be.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};

use crate::async_fd::AsyncFile;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// Somebody else took the answer: the process ignores SIGCHLD.
    Unknown,
}

/// A running program: its session's leader. Dropping it leaves the program alone.
#[derive(Debug)]
pub struct Launched {
    pid: Pid,
    process: AsyncFile,
    ended: Option<Ended>,
    warnings: Vec<String>,
}

impl Launched {
    /// Takes over a child that nobody has waited for.
    pub(super) fn new(child: u32) -> io::Result<Self> {
        let (pid, process) = open(child)?;
        Ok(Self { pid, process: AsyncFile::new(process)?, ended: None, warnings: Vec::new() })
    }

    pub(super) fn warn(&mut self, warnings: Vec<String>) {
        self.warnings = warnings;
    }

    /// The process, which is also the session's and the first group's number.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// What did not work at the start without being a reason not to start: utmp, the home directory.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Waits for the program's end. Whatever it leaves behind in its session then gets SIGHUP: the kernel
    /// tells only the foreground, and a forgotten background job would keep the line in use. Cancel safe,
    /// and may be called again.
    ///
    /// # Errors
    /// What the kernel says.
    pub async fn wait(&mut self) -> io::Result<Ended> {
        if let Some(ended) = self.ended {
            return Ok(ended);
        }
        self.process.readable().await?;
        // While the leader is unreaped its number, and so the session's, cannot be given to others.
        // What we may not signal stays; taking the terminal away (`Tty::revoke`) deals with it.
        let _best_effort = self.hang_up();
        let ended = reap(self.process.as_fd())?.unwrap_or(Ended::Unknown);
        self.ended = Some(ended);
        Ok(ended)
    }

    /// Asks every process of the session to end: SIGHUP, and SIGCONT for those that are stopped.
    ///
    /// # Errors
    /// Not permitted, because the program runs as somebody else and we are not root.
    pub fn hang_up(&self) -> io::Result<()> {
        self.signal_session(&[Signal::HUP, Signal::CONT])
    }

    /// Ends every process of the session (SIGKILL): for after the grace.
    ///
    /// # Errors
    /// As [`Launched::hang_up`].
    pub fn kill(&self) -> io::Result<()> {
        self.signal_session(&[Signal::KILL])
    }

    fn signal_session(&self, signals: &[Signal]) -> io::Result<()> {
        if self.ended.is_some() {
            return Ok(());
        }
        signal_session(self.pid, signals)
    }
}

/// A child as a number and as a descriptor, which stays his when the number no longer does.
pub(super) fn open(child: u32) -> io::Result<(Pid, OwnedFd)> {
    let pid = i32::try_from(child).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("not a process number"))?;
    Ok((pid, rustix::process::pidfd_open(pid, PidfdFlags::NONBLOCK)?))
}

/// How a child has ended; `None`: it has not.
pub(super) fn reap(process: BorrowedFd<'_>) -> io::Result<Option<Ended>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    match rustix::process::waitid(WaitId::PidFd(process), options) {
        Ok(Some(status)) => Ok(Some(match (status.exit_status(), status.terminating_signal()) {
            (Some(status), _) => Ended::Exited(status),
            (None, Some(signal)) => Ended::Killed(signal),
            (None, None) => Ended::Unknown,
        })),
        Ok(None) => Ok(None),
        Err(Errno::CHILD) => Ok(Some(Ended::Unknown)),
        Err(e) => Err(e.into()),
    }
}

/// Signals to every process of a session, in order.
pub(super) fn signal_session(session: Pid, signals: &[Signal]) -> io::Result<()> {
    let mut refused = Ok(());
    for pid in members(session)? {
        for signal in signals {
            match signal_member(session, pid, *signal) {
                Ok(()) | Err(Errno::SRCH) => {}
                // The others still get theirs.
                Err(e) => refused = Err(e.into()),
            }
        }
    }
    refused
}

/// All processes of a session, found as `pkill -s` finds them.
fn members(session: Pid) -> io::Result<Vec<Pid>> {
    let mut members = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        let Some(pid) = number.and_then(Pid::from_raw) else { continue };
        if is_member(session, pid) {
            members.push(pid);
        }
    }
    Ok(members)
}

fn signal_member(session: Pid, pid: Pid, signal: Signal) -> rustix::io::Result<()> {
    let process = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    if !is_member(session, pid) {
        return Err(Errno::SRCH);
    }
    rustix::process::pidfd_send_signal(&process, signal)
}

/// Whether `pid` is of that session. Not through rustix: its `getsid` takes the 0 that the kernel answers for
/// its own threads for impossible.
fn is_member(session: Pid, pid: Pid) -> bool {
    let pid = nix::unistd::Pid::from_raw(pid.as_raw_nonzero().get());
    nix::unistd::getsid(Some(pid)).is_ok_and(|of| of.as_raw() == session.as_raw_nonzero().get())
}
