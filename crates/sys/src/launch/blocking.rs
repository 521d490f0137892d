//! Starting and watching programs in a process without a runtime: one thread that waits with poll(2).
//!
//! ```text
//!   Launcher::begin ──► Starting ── report ends: proceed() ──► Running ── process ends: ended() ──► over
//! ```
//!
//! Both have a descriptor that becomes readable when there is something to ask. It deliberately does not know whose
//! programs these are.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Pid, Signal};

use super::session::{Ended, open, reap, signal_session};
use super::{Launch, LaunchFault, Launcher, REPORT_LIMIT, Request, Spawned};

/// A program on its way: our second program runs, and has not said yet whether it became it.
#[derive(Debug)]
pub struct Starting {
    launcher: Launcher,
    running: Running,
    report: OwnedFd,
    text: Vec<u8>,
}

/// A running program, its session's leader. Dropping it leaves the program alone.
#[derive(Debug)]
pub struct Running {
    pid: Pid,
    process: OwnedFd,
    ended: Option<Ended>,
}

impl Launcher {
    /// Begins to start `launch`. A pty's slave must stay open in the caller until [`Starting::proceed`] has an answer.
    ///
    /// # Errors
    /// The second program did not come up.
    pub fn begin(&self, launch: &Launch) -> Result<Starting, LaunchFault> {
        let Spawned { child, report } =
            self.spawn(&Request { launch: launch.clone(), lock: None })?;
        let fault = |source| self.fault(source);
        let (pid, process) = open(child).map_err(fault)?;
        rustix::io::ioctl_fionbio(&report, true).map_err(|e| fault(e.into()))?;
        let running = Running { pid, process, ended: None };
        Ok(Starting { launcher: self.clone(), running, report, text: Vec::new() })
    }
}

impl Starting {
    /// The session's number, which the program will have.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Goes on as far as it can without waiting.
    ///
    /// # Errors
    /// The report is not finished: this, to be asked again when the descriptor is readable.
    pub fn proceed(mut self) -> Result<Result<(Running, Vec<String>), LaunchFault>, Self> {
        let mut room = [0; 1024];
        loop {
            match rustix::io::read(&self.report, &mut room) {
                Ok(0) => break,
                Ok(count) if self.text.len() + count > REPORT_LIMIT => {
                    let long = io::Error::other("its report is too long");
                    return Ok(Err(self.failed(self.launcher.fault(long))));
                }
                Ok(count) => self.text.extend_from_slice(room.get(..count).unwrap_or_default()),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Err(self),
                Err(e) => return Ok(Err(self.failed(self.launcher.fault(e.into())))),
            }
        }
        Ok(match self.launcher.verdict(&self.text) {
            Ok(warnings) => Ok((self.running, warnings)),
            Err(fault) => Err(self.failed(fault)),
        })
    }

    /// Takes it off the process table: nobody else would, and a launcher lives for years. It has closed its report and
    /// ends, or is made to.
    fn failed(&self, fault: LaunchFault) -> LaunchFault {
        match self.running.bury() {
            Ok(()) => fault,
            Err(e) => self.launcher.fault(e),
        }
    }

    /// Ends it before it has become anything: with its session, or alone where it has not begun one yet.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn kill(&self) -> io::Result<()> {
        let alone = self.running.kill_alone();
        self.running.kill().and(alone)
    }
}

impl AsFd for Starting {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.report.as_fd()
    }
}

impl Running {
    /// The process, which is also the session's and the first group's number.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Whether and how it has ended. What its leader leaves behind in the session then gets SIGHUP.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn ended(&mut self) -> io::Result<Option<Ended>> {
        if self.ended.is_none() && self.is_readable() {
            // While the leader is unreaped its number, and so the session's, cannot be given to others.
            let _best_effort = self.hang_up();
            self.ended = reap(self.process.as_fd())?;
        }
        Ok(self.ended)
    }

    /// Ends this one process and waits for its end.
    fn bury(&self) -> io::Result<()> {
        self.kill_alone()?;
        let mut fds = [rustix::event::PollFd::new(&self.process, rustix::event::PollFlags::IN)];
        loop {
            match rustix::event::poll(&mut fds, None) {
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        reap(self.process.as_fd()).map(drop)
    }

    /// Ends this one process, if it has not ended.
    fn kill_alone(&self) -> io::Result<()> {
        match rustix::process::pidfd_send_signal(&self.process, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    fn is_readable(&self) -> bool {
        let mut fds = [rustix::event::PollFd::new(&self.process, rustix::event::PollFlags::IN)];
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        rustix::event::poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
    }

    /// Asks every process of the session to end: SIGHUP, and SIGCONT for those that are stopped.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn hang_up(&self) -> io::Result<()> {
        self.signal(&[Signal::HUP, Signal::CONT])
    }

    /// Ends every process of the session (SIGKILL), the leader last seen to be alive or not yet reaped.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn kill(&self) -> io::Result<()> {
        self.signal(&[Signal::KILL])
    }

    fn signal(&self, signals: &[Signal]) -> io::Result<()> {
        if self.ended.is_some() {
            return Ok(());
        }
        signal_session(self.pid, signals)
    }
}

impl AsFd for Running {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }
}
