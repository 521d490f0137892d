//! A terminal device as a modem's port: open, set, flush, break, drain, give away.
//!
//! Settings are always changed *now* (`TCSETS2`, never `TCSETSW2`): waiting for the output to drain first
//! would hang a whole worker on a modem that holds CTS down. What was found at opening comes back when the
//! [`Tty`] is dropped.
//!
//! It deliberately does not know: modem commands, locks (see [`crate::lock`]), who is at the other end.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, QueueSelector,
    SpecialCodeIndex, Termios,
};

use crate::ioctl;

/// Why a terminal could not be opened or set.
#[derive(Debug, thiserror::Error)]
pub enum TtyFault {
    /// There is no such device.
    #[error("{path}: no such device: is the modem plugged in and its driver loaded?")]
    Missing {
        /// The name that was asked for.
        path: PathBuf,
    },
    /// Opening is not permitted to us.
    #[error(
        "{path}: not permitted: run as root, or as a member of the device's group (usually dialout)"
    )]
    Forbidden {
        /// The name that was asked for.
        path: PathBuf,
    },
    /// Another program has it open exclusively.
    #[error("{path}: another program has opened it exclusively; find it with: fuser -v {path}")]
    Busy {
        /// The name that was asked for.
        path: PathBuf,
    },
    /// It is a file, a directory or a device of another kind.
    #[error("{path}: not a terminal: a line needs a device such as /dev/ttyUSB0")]
    NotATerminal {
        /// The name that was asked for.
        path: PathBuf,
    },
    /// The name leads to another device now than when it was looked at first.
    #[error("{path}: is another device now than the one that the call came in on")]
    Exchanged {
        /// The name that was asked for.
        path: PathBuf,
    },
    /// The driver took the call but not the value.
    #[error("{path}: the driver does not do {asked} bit/s (it set {got}): choose another speed")]
    Speed {
        /// The device.
        path: PathBuf,
        /// What was asked for, in bit/s.
        asked: u32,
        /// What the driver made of it, in bit/s.
        got: u32,
    },
    /// The line was hung up.
    #[error("{path}: the line is hung up")]
    HungUp {
        /// The device.
        path: PathBuf,
    },
    /// Anything else the kernel said.
    #[error("{path}: {act}: {source}")]
    Kernel {
        /// The device.
        path: PathBuf,
        /// What was being done.
        act: &'static str,
        /// What the kernel answered.
        source: io::Error,
    },
}

/// The way bytes are held back when one side is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flow {
    /// Not at all.
    #[default]
    None,
    /// RTS/CTS (`CRTSCTS`): what a modem with compression or error correction needs.
    RtsCts,
}

/// What the fall of DCD means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Carrier {
    /// Nothing (`CLOCAL`): while talking to the modem itself there is no carrier.
    #[default]
    Ignore,
    /// The kernel hangs the terminal up: reads end, writes fail, the session gets SIGHUP.
    Watch,
}

/// How a line is set for talking with a modem: always raw, 8 bits, no parity, one stop bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSettings {
    /// Speed between us and the modem in bit/s; any value that the hardware can make, not 0.
    pub speed: u32,
    /// Flow control.
    pub flow: Flow,
    /// What the fall of DCD means.
    pub carrier: Carrier,
    /// Drop DTR when the last one closes the device (`HUPCL`).
    pub hang_up_on_close: bool,
}

/// What has not left yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsent {
    /// That many bytes are in the kernel's queue.
    Queued(u32),
    /// The queue is empty, the last bytes are in the transmitter.
    InTransmitter,
    /// Everything has left, as far as the driver can tell.
    Nothing,
}

/// Owner and mode of a device file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Access {
    /// User id of the owner.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Permission bits, such as `0o600`.
    pub mode: u32,
}

/// The largest difference between the asked and the made speed that still works: an asynchronous frame of
/// ten bits stands about five per cent of both sides together, so each side may be off by this many per mille.
const SPEED_TOLERANCE_PER_MILLE: u64 = 25;

/// Bits on the wire for one byte: start, eight bits, stop.
const BITS_PER_BYTE: u64 = 10;

/// An open terminal. Non-blocking, never our controlling terminal, not inherited over exec.
#[derive(Debug)]
pub struct Tty {
    fd: OwnedFd,
    path: PathBuf,
    device: u64,
    /// What was found at opening; `None` once the caller said to leave things as they are.
    found: Option<Termios>,
}

impl Tty {
    /// Opens the terminal at `path` without waiting for a carrier.
    ///
    /// # Errors
    /// Missing, forbidden, exclusively open elsewhere, or not a terminal; each with its cure.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, TtyFault> {
        let path = path.into();
        // Looked at before it is opened: opening a tape drive or a watchdog has effects of its own.
        let seen = std::fs::metadata(&path).map_err(|e| open_fault(&path, e))?;
        if !seen.file_type().is_char_device() {
            return Err(TtyFault::NotATerminal { path });
        }
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::open(&path, flags, Mode::empty())
            .map_err(|e| open_fault(&path, e.into()))?;
        Self::adopt(fd, path)
    }

    /// Opens the terminal at `path` and makes sure that it is the device with number `device`
    /// (see [`Tty::device`]).
    ///
    /// # Errors
    /// As [`Tty::open`], and [`TtyFault::Exchanged`] if the name leads elsewhere by now.
    pub fn open_same(path: impl Into<PathBuf>, device: u64) -> Result<Self, TtyFault> {
        let tty = Self::open(path)?;
        if tty.device != device {
            return Err(TtyFault::Exchanged { path: tty.path.clone() });
        }
        Ok(tty)
    }

    /// Takes over an open descriptor of a terminal that is known as `path`.
    ///
    /// # Errors
    /// [`TtyFault::NotATerminal`], or [`TtyFault::HungUp`].
    pub(crate) fn adopt(fd: OwnedFd, path: PathBuf) -> Result<Self, TtyFault> {
        let found = match rustix::termios::tcgetattr(&fd) {
            Ok(found) => found,
            Err(Errno::NOTTY | Errno::INVAL) => return Err(TtyFault::NotATerminal { path }),
            Err(e) => return Err(kernel_fault(&path, "reading its settings", e)),
        };
        let stat =
            rustix::fs::fstat(&fd).map_err(|e| kernel_fault(&path, "looking at the device", e))?;
        Ok(Self { fd, path, device: stat.st_rdev, found: Some(found) })
    }

    /// The name it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The device number (`st_rdev`): the same for every name of the device.
    pub fn device(&self) -> u64 {
        self.device
    }

    /// Sets the line for talking with a modem, at once.
    ///
    /// # Errors
    /// [`TtyFault::Speed`] if the hardware cannot make the speed, or what the kernel says.
    pub fn set(&self, settings: &LineSettings) -> Result<(), TtyFault> {
        let mut termios = self.termios()?;
        make_raw(&mut termios);
        termios.control_modes.set(ControlModes::CRTSCTS, settings.flow == Flow::RtsCts);
        termios.control_modes.set(ControlModes::CLOCAL, settings.carrier == Carrier::Ignore);
        termios.control_modes.set(ControlModes::HUPCL, settings.hang_up_on_close);
        // Speed 0 would drop DTR as a side effect (B0): never what a setting means.
        if settings.speed == 0 || termios.set_speed(settings.speed).is_err() {
            return Err(self.speed_fault(settings.speed, 0));
        }
        self.apply(&termios)?;
        // tcsetattr succeeds if *any* of the changes was made.
        let got = self.termios()?.output_speed();
        let off = u64::from(got.abs_diff(settings.speed)) * 1000;
        if off > u64::from(settings.speed) * SPEED_TOLERANCE_PER_MILLE {
            return Err(self.speed_fault(settings.speed, got));
        }
        Ok(())
    }

    /// The present speed in bit/s.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn speed(&self) -> Result<u32, TtyFault> {
        Ok(self.termios()?.output_speed())
    }

    /// Changes only what the fall of DCD means, at once.
    ///
    /// The kernel reports a *fall* of DCD, so whoever starts to watch must look afterwards whether the
    /// carrier is still there: a fall just before would never be told.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_carrier(&self, carrier: Carrier) -> Result<(), TtyFault> {
        let mut termios = self.termios()?;
        termios.control_modes.set(ControlModes::CLOCAL, carrier == Carrier::Ignore);
        self.apply(&termios)
    }

    /// Sets the terminal as a program expects to find it after a getty: lines, echo, signals from keys.
    ///
    /// Speed, flow control and the meaning of DCD stay. `carriage_return` says that the caller ends lines
    /// with CR, as every terminal does, so CR is read as NL; a chat script that sends NL alone wants it off.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_login_mode(&self, carriage_return: bool) -> Result<(), TtyFault> {
        let mut termios = self.termios()?;
        make_cooked(&mut termios, carriage_return);
        self.apply(&termios)
    }

    /// Puts back the settings that were found at opening.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn restore(&self) -> Result<(), TtyFault> {
        match &self.found {
            Some(found) => self.apply(found),
            None => Ok(()),
        }
    }

    /// Leaves the settings as they are when this is dropped: the terminal is somebody else's now.
    pub fn leave_settings(&mut self) {
        self.found = None;
    }

    /// Throws away what has been received and not read.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn discard_input(&self) -> Result<(), TtyFault> {
        self.flush(QueueSelector::IFlush)
    }

    /// Throws away what has been written and not sent.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn discard_output(&self) -> Result<(), TtyFault> {
        self.flush(QueueSelector::OFlush)
    }

    /// Sends a break of a quarter to half a second. Blocks for that long: not for a worker of the runtime.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn send_break(&self) -> Result<(), TtyFault> {
        rustix::termios::tcsendbreak(&self.fd)
            .map_err(|e| kernel_fault(&self.path, "sending a break", e))
    }

    /// What has not left yet. Never waits; see [`time_to_send`] for when to look again.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn unsent(&self) -> Result<Unsent, TtyFault> {
        let queued = ioctl::output_queue(&self.fd)
            .map_err(|e| kernel_fault(&self.path, "reading its output queue", e))?;
        match u32::try_from(queued) {
            Ok(0) => {}
            Ok(queued) => return Ok(Unsent::Queued(queued)),
            Err(_) => return Ok(Unsent::Nothing),
        }
        match ioctl::line_status(&self.fd) {
            // linux/serial.h: TIOCSER_TEMT, the transmitter is physically empty.
            Ok(status) if status & 1 == 0 => Ok(Unsent::InTransmitter),
            // Ptys and some USB drivers cannot tell: then the queue is all there is to know.
            Ok(_) | Err(_) => Ok(Unsent::Nothing),
        }
    }

    /// Lets nobody but root open the terminal from now on (`TIOCEXCL`); `false` allows it again.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_exclusive(&self, exclusive: bool) -> Result<(), TtyFault> {
        let done = if exclusive {
            rustix::termios::ioctl_tiocexcl(&self.fd)
        } else {
            rustix::termios::ioctl_tiocnxcl(&self.fd)
        };
        done.map_err(|e| kernel_fault(&self.path, "changing exclusive use", e))
    }

    /// Opens the same terminal once more, blocking, with file status flags of its own.
    ///
    /// A `dup` would share `O_NONBLOCK` with us, so clearing it for a program would block our own reads.
    ///
    /// # Errors
    /// As [`Tty::open_same`]; [`TtyFault::Busy`] while it is exclusive and we are not root.
    pub fn reopen(&self) -> Result<Self, TtyFault> {
        // Through /proc the kernel goes to the device itself, whatever its name leads to by now. A pty
        // behind another mount of devpts only has its name.
        let by_fd = format!("/proc/self/fd/{}", self.fd.as_raw_fd());
        let mut again = match Self::open_same(&by_fd, self.device) {
            Ok(again) => again,
            Err(_) => Self::open_same(&self.path, self.device)?,
        };
        again.path.clone_from(&self.path);
        again.leave_settings();
        again.set_blocking()?;
        Ok(again)
    }

    /// Makes reads and writes wait. Only for a description of one's own; see [`Tty::reopen`].
    pub(crate) fn set_blocking(&self) -> Result<(), TtyFault> {
        let done = rustix::fs::fcntl_getfl(&self.fd).and_then(|flags| {
            rustix::fs::fcntl_setfl(&self.fd, flags.difference(OFlags::NONBLOCK))
        });
        done.map_err(|e| kernel_fault(&self.path, "making it blocking", e))
    }

    /// Hangs the terminal up for everybody who has it open, this one included: reads end, writes fail, the
    /// session gets SIGHUP, and nobody inherits it. On a serial port with `HUPCL` DTR drops as well.
    ///
    /// For the end of a session, never before one. Needs `CAP_SYS_ADMIN`.
    ///
    /// # Errors
    /// [`TtyFault::Forbidden`] without the right.
    pub fn revoke(&self) -> Result<(), TtyFault> {
        match ioctl::hang_up_all(&self.fd) {
            Ok(()) => Ok(()),
            Err(Errno::PERM) => Err(TtyFault::Forbidden { path: self.path.clone() }),
            Err(e) => Err(kernel_fault(&self.path, "hanging it up", e)),
        }
    }

    /// Owner and mode of the device file.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn access(&self) -> Result<Access, TtyFault> {
        let stat = rustix::fs::fstat(&self.fd)
            .map_err(|e| kernel_fault(&self.path, "reading its owner", e))?;
        Ok(Access { uid: stat.st_uid, gid: stat.st_gid, mode: stat.st_mode & 0o7777 })
    }

    /// Changes owner and mode of the device file, the way that is never wider than either in between.
    ///
    /// # Errors
    /// What the kernel says; only root may give a device away.
    pub fn set_access(&self, access: Access) -> Result<(), TtyFault> {
        let fault = |e| kernel_fault(&self.path, "changing its owner and mode", e);
        rustix::fs::fchmod(&self.fd, Mode::empty()).map_err(fault)?;
        let owner = (Uid::from_raw(access.uid), Gid::from_raw(access.gid));
        rustix::fs::fchown(&self.fd, Some(owner.0), Some(owner.1)).map_err(fault)?;
        rustix::fs::fchmod(&self.fd, Mode::from_raw_mode(access.mode)).map_err(fault)
    }

    fn flush(&self, queue: QueueSelector) -> Result<(), TtyFault> {
        rustix::termios::tcflush(&self.fd, queue)
            .map_err(|e| kernel_fault(&self.path, "throwing bytes away", e))
    }

    fn termios(&self) -> Result<Termios, TtyFault> {
        rustix::termios::tcgetattr(&self.fd)
            .map_err(|e| kernel_fault(&self.path, "reading its settings", e))
    }

    fn apply(&self, termios: &Termios) -> Result<(), TtyFault> {
        rustix::termios::tcsetattr(&self.fd, OptionalActions::Now, termios)
            .map_err(|e| kernel_fault(&self.path, "changing its settings", e))
    }

    fn speed_fault(&self, asked: u32, got: u32) -> TtyFault {
        TtyFault::Speed { path: self.path.clone(), asked, got }
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        // A terminal that is gone or hung up has no settings to restore; there is nobody to tell either.
        let _gone = self.restore();
    }
}

impl AsFd for Tty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Tty {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// How long `bytes` take at `speed` bit/s, with start and stop bits: when to look at [`Tty::unsent`] again.
pub fn time_to_send(bytes: u32, speed: u32) -> Duration {
    let bits = u64::from(bytes) * BITS_PER_BYTE;
    Duration::from_micros((bits * 1_000_000).div_ceil(u64::from(speed.max(1))))
}

/// Nothing is interpreted, echoed or changed on its way, in either direction.
fn make_raw(termios: &mut Termios) {
    termios.make_raw();
    // make_raw leaves these to the caller; a stale IXOFF would send XOFF bytes into a PPP stream.
    termios
        .input_modes
        .remove(InputModes::IXOFF | InputModes::IXANY | InputModes::INPCK | InputModes::IUTF8);
    // A line break is noise on a dial-up line, not a NUL and not a signal.
    termios.input_modes.insert(InputModes::IGNBRK);
    let framing = ControlModes::CSIZE | ControlModes::PARENB | ControlModes::CSTOPB;
    termios.control_modes.remove(framing);
    termios.control_modes.insert(ControlModes::CS8 | ControlModes::CREAD);
}

/// The settings of a freshly opened terminal for a person (what `stty sane` sets), without touching speed,
/// flow control or CLOCAL.
fn make_cooked(termios: &mut Termios, carriage_return: bool) {
    termios.input_modes = InputModes::IXON | InputModes::BRKINT | InputModes::IMAXBEL;
    termios.output_modes = OutputModes::OPOST | OutputModes::ONLCR;
    if carriage_return {
        termios.input_modes.insert(InputModes::ICRNL);
    }
    termios.local_modes = LocalModes::ISIG
        | LocalModes::ICANON
        | LocalModes::IEXTEN
        | LocalModes::ECHO
        | LocalModes::ECHOE
        | LocalModes::ECHOK
        | LocalModes::ECHOCTL
        | LocalModes::ECHOKE;
    termios.control_modes.remove(ControlModes::CSIZE | ControlModes::PARENB);
    // Hanging up at the last close ends the call when the program ends.
    termios.control_modes.insert(ControlModes::CS8 | ControlModes::CREAD | ControlModes::HUPCL);
    let keys = [
        (SpecialCodeIndex::VINTR, 0x03),
        (SpecialCodeIndex::VQUIT, 0x1c),
        (SpecialCodeIndex::VERASE, 0x7f),
        (SpecialCodeIndex::VKILL, 0x15),
        (SpecialCodeIndex::VEOF, 0x04),
        (SpecialCodeIndex::VMIN, 1),
        (SpecialCodeIndex::VTIME, 0),
        (SpecialCodeIndex::VSTART, 0x11),
        (SpecialCodeIndex::VSTOP, 0x13),
        (SpecialCodeIndex::VSUSP, 0x1a),
        (SpecialCodeIndex::VREPRINT, 0x12),
        (SpecialCodeIndex::VWERASE, 0x17),
        (SpecialCodeIndex::VLNEXT, 0x16),
        (SpecialCodeIndex::VEOL, 0),
        (SpecialCodeIndex::VEOL2, 0),
    ];
    for (key, code) in keys {
        termios.special_codes[key] = code;
    }
}

fn open_fault(path: &Path, source: io::Error) -> TtyFault {
    let path = path.to_owned();
    match source.raw_os_error() {
        Some(libc::ENOENT | libc::ENXIO | libc::ENODEV) => TtyFault::Missing { path },
        Some(libc::EACCES | libc::EPERM) => TtyFault::Forbidden { path },
        Some(libc::EBUSY) => TtyFault::Busy { path },
        Some(_) | None => TtyFault::Kernel { path, act: "opening it", source },
    }
}

fn kernel_fault(path: &Path, act: &'static str, errno: Errno) -> TtyFault {
    let path = path.to_owned();
    match errno {
        // What every call on a terminal answers after a hang-up or an unplugging.
        Errno::IO => TtyFault::HungUp { path },
        other => TtyFault::Kernel { path, act, source: other.into() },
    }
}

#[cfg(test)]
#[path = "tty_tests.rs"]
pub(crate) mod tests;
