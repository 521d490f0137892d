//! The modem's control lines: DTR and RTS out, DCD, DSR, CTS and RI in.
//!
//! Three ways to learn of a change, best first: the kernel's own hang-up ([`crate::tty::Carrier::Watch`]),
//! [`ModemLineWatch`] where the driver supports `TIOCMIWAIT`, and a look at [`ModemLines::read`] or
//! [`LineCounts::read`] when something else gives a reason to look.
//!
//! A pty has no control lines at all: every call here answers `None` or [`SignalFault::NoControlLines`].
//!
//! It deliberately does not know what a ring or a carrier means for a call.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::io::Errno;
use tokio::sync::watch;

use crate::ioctl;
use crate::parked::{Again, Parked};
use crate::tty::{Tty, TtyFault};

/// The state of the control lines, as V.24 names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModemLines {
    /// 108/2, data terminal ready: ours; dropping it makes the modem hang up (`&D2`).
    pub dtr: bool,
    /// 105, request to send: ours.
    pub rts: bool,
    /// 107, data set ready.
    pub dsr: bool,
    /// 106, ready for sending ("clear to send").
    pub cts: bool,
    /// 109, received line signal detector ("carrier detect").
    pub dcd: bool,
    /// 125, calling indicator ("ring").
    pub ri: bool,
}

/// How often the incoming lines have changed since the port was opened.
///
/// A ring is a pulse of some milliseconds, so a look at the line itself misses it; the count does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineCounts {
    /// Changes of DCD.
    pub dcd: u32,
    /// Changes of DSR.
    pub dsr: u32,
    /// Changes of CTS.
    pub cts: u32,
    /// Ends of RI pulses.
    pub ri: u32,
    /// Bytes lost, by the hardware or by the kernel's buffer.
    pub overruns: u32,
    /// Bytes with a wrong stop bit: usually a wrong speed.
    pub framing: u32,
    /// Breaks received.
    pub breaks: u32,
}

/// A control line that we drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driven {
    /// Data terminal ready.
    Dtr,
    /// Request to send.
    Rts,
}

/// Why control lines cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SignalFault {
    /// The device has none (a pty), or its driver does not show them.
    #[error("the device has no modem control lines")]
    NoControlLines,
    /// Opening the port once more for the watch did not work.
    #[error(transparent)]
    Port(#[from] TtyFault),
    /// Anything else the kernel said.
    #[error("modem control lines: {0}")]
    Kernel(#[from] io::Error),
}

impl ModemLines {
    /// Reads all lines.
    ///
    /// # Errors
    /// [`SignalFault::NoControlLines`] on a pty.
    pub fn read(tty: &Tty) -> Result<Self, SignalFault> {
        Self::of(tty)
    }

    /// Whether `tty` has control lines.
    ///
    /// # Errors
    /// What the kernel says, for instance after a hang-up; that is not the same as "no lines".
    pub fn supported(tty: &Tty) -> Result<bool, SignalFault> {
        match Self::of(tty) {
            Ok(_) => Ok(true),
            Err(SignalFault::NoControlLines) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    fn of(fd: impl AsFd) -> Result<Self, SignalFault> {
        let bits = ioctl::modem_bits(fd).map_err(fault)?;
        let on = |line: i32| bits & line != 0;
        Ok(Self {
            dtr: on(libc::TIOCM_DTR),
            rts: on(libc::TIOCM_RTS),
            dsr: on(libc::TIOCM_DSR),
            cts: on(libc::TIOCM_CTS),
            dcd: on(libc::TIOCM_CAR),
            ri: on(libc::TIOCM_RNG),
        })
    }
}

impl LineCounts {
    /// Reads the counters.
    ///
    /// # Errors
    /// [`SignalFault::NoControlLines`] where the driver keeps none.
    pub fn read(tty: &Tty) -> Result<Self, SignalFault> {
        let counters = ioctl::serial_counters(tty).map_err(fault)?;
        // The kernel counts in unsigned numbers behind a signed type.
        Ok(Self {
            dcd: counters.dcd.cast_unsigned(),
            dsr: counters.dsr.cast_unsigned(),
            cts: counters.cts.cast_unsigned(),
            ri: counters.rng.cast_unsigned(),
            overruns: counters
                .overrun
                .cast_unsigned()
                .wrapping_add(counters.buf_overrun.cast_unsigned()),
            framing: counters.frame.cast_unsigned(),
            breaks: counters.brk.cast_unsigned(),
        })
    }
}

/// Raises (`true`) or drops one of our lines.
///
/// # Errors
/// [`SignalFault::NoControlLines`] on a pty: the caller then hangs up by closing it.
pub fn drive(tty: &Tty, line: Driven, up: bool) -> Result<(), SignalFault> {
    let bit = match line {
        Driven::Dtr => libc::TIOCM_DTR,
        Driven::Rts => libc::TIOCM_RTS,
    };
    let done =
        if up { ioctl::raise_modem_bits(tty, bit) } else { ioctl::drop_modem_bits(tty, bit) };
    done.map_err(fault)
}

/// Tells of changes of DCD, DSR and RI as they happen, through a thread that sleeps in the kernel.
///
/// CTS is left out on purpose: with RTS/CTS flow control it changes thousands of times in a call.
#[derive(Debug)]
pub struct ModemLineWatch {
    told: watch::Receiver<ModemLines>,
    // Stops and joins its thread when dropped.
    _thread: Parked,
}

impl ModemLineWatch {
    /// Starts watching `tty`.
    ///
    /// # Errors
    /// [`SignalFault::NoControlLines`] on a pty, and on drivers that cannot wait: there the kernel's
    /// hang-up ([`crate::tty::Carrier::Watch`]) is what remains.
    pub fn start(tty: &Tty) -> Result<Self, SignalFault> {
        let first = ModemLines::read(tty)?;
        // A driver without TIOCMIWAIT says so at once; an empty mask would wait for ever on one with it,
        // so the counters are asked instead: both hang on the same driver callbacks.
        LineCounts::read(tty)?;
        // The thread holds a description of its own: closing the line's does not pull it away.
        let port = Arc::new(tty.reopen()?);
        let (tell, told) = watch::channel(first);
        let lines = libc::TIOCM_CAR | libc::TIOCM_DSR | libc::TIOCM_RNG;
        let thread = Parked::start("modem lines", move || {
            match ioctl::wait_for_modem_bits(&*port, lines) {
                Ok(()) | Err(Errno::INTR) => {}
                // Hung up or unplugged: dropping `tell` is how the watcher learns.
                Err(_) => return Again::No,
            }
            let Ok(now) = ModemLines::of(&*port) else { return Again::No };
            // A ring's pulse is over when it is told, so equal states are told as well.
            match tell.send(now) {
                Ok(()) => Again::Yes,
                Err(_) => Again::No,
            }
        })?;
        Ok(Self { told, _thread: thread })
    }

    /// Waits for the next change and says how the lines stand then. Changes in quick succession are told
    /// once; the [`LineCounts`] know how many there were. `None`: the port was hung up or unplugged.
    ///
    /// Cancel safe.
    pub async fn changed(&mut self) -> Option<ModemLines> {
        self.told.changed().await.ok()?;
        Some(*self.told.borrow_and_update())
    }
}

fn fault(errno: Errno) -> SignalFault {
    match errno {
        Errno::NOTTY | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP => {
            SignalFault::NoControlLines
        }
        other => SignalFault::Kernel(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pty::Pty;

    #[test]
    fn a_pty_has_no_control_lines_and_says_so() {
        let pty = Pty::open().unwrap();
        let tty = pty.slave();
        assert!(!ModemLines::supported(tty).unwrap());
        assert!(matches!(ModemLines::read(tty), Err(SignalFault::NoControlLines)));
        assert!(matches!(LineCounts::read(tty), Err(SignalFault::NoControlLines)));
        assert!(matches!(drive(tty, Driven::Dtr, false), Err(SignalFault::NoControlLines)));
        assert!(matches!(ModemLineWatch::start(tty), Err(SignalFault::NoControlLines)));
    }

    #[test]
    fn a_hung_up_port_is_not_taken_for_one_without_lines() {
        let pty = Pty::open().unwrap();
        let (master, slave) = pty.into_halves();
        drop(master);
        assert!(matches!(ModemLines::supported(&slave), Err(SignalFault::Kernel(_))));
    }

    #[test]
    fn a_real_port_has_lines_and_its_watch_can_be_stopped() {
        let Some(path) = std::env::var_os("DIALBACK_TEST_TTY") else {
            println!("not tried: needs a serial port of its own: DIALBACK_TEST_TTY=/dev/ttyS0");
            return;
        };
        let tty = Tty::open(path).unwrap();
        assert!(ModemLines::supported(&tty).unwrap());
        drive(&tty, Driven::Dtr, false).unwrap();
        assert!(!ModemLines::read(&tty).unwrap().dtr);
        drive(&tty, Driven::Dtr, true).unwrap();
        assert!(ModemLines::read(&tty).unwrap().dtr);
        LineCounts::read(&tty).unwrap();
        // Sleeps in TIOCMIWAIT by the time it is dropped, or soon after.
        drop(ModemLineWatch::start(&tty).unwrap());
        println!("{:?} {:?}", tty.unsent(), ModemLines::read(&tty));
    }
}
