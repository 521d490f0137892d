//! The signals that end a run, as a descriptor to be polled.
//!
//! This file does not know what a signal means for the script.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrived {
    /// Ends the run with exit code 2; the name is for the log.
    Ends(&'static str),
    /// SIGHUP: ends it too, unless `HANGUP OFF`.
    Hangup,
    /// SIGQUIT: the terminal is restored, then the signal takes its course.
    Quit,
}

/// The four signals, blocked for this thread and readable here.
#[derive(Debug)]
pub(super) struct Signals(SignalFd);

impl Signals {
    /// Blocks the signals; from here on none of them can end the program with the terminal unrestored.
    pub(super) fn block() -> io::Result<Self> {
        let set =
            SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT]);
        set.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self(SignalFd::with_flags(&set, flags)?))
    }

    /// The next signal, if one has arrived.
    pub(super) fn next(&self) -> Option<Arrived> {
        let number = self.0.read_signal().ok().flatten()?.ssi_signo;
        [
            (Signal::SIGINT, Arrived::Ends("SIGINT")),
            (Signal::SIGTERM, Arrived::Ends("SIGTERM")),
            (Signal::SIGHUP, Arrived::Hangup),
            (Signal::SIGQUIT, Arrived::Quit),
        ]
        .into_iter()
        .find(|(signal, _)| u32::try_from(*signal as i32) == Ok(number))
        .map(|(_, arrived)| arrived)
    }

    /// Ends the program by SIGQUIT, as if it had never been caught.
    pub(super) fn quit() {
        let quit = SigSet::from_iter([Signal::SIGQUIT]);
        if raise(Signal::SIGQUIT).is_ok() {
            // Unblocking lets the pending signal through: nothing after it runs, so its failure is of no use to anyone.
            let _ = quit.thread_unblock();
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
