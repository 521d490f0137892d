//! The line that a script runs on: a terminal of its own, or standard input and output.
//!
//! Bytes are read one at a time, and only while the script waits for some: what comes after its last wait belongs to
//! PPP and stays in the terminal. Standard input may be shared with others (pppd), so it is never made non-blocking:
//! everything is asked for with poll(2) first, and written in pieces that cannot block.
//!
//! Settings come back as they were; only the port settings that a script made stay when PPP follows.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use proto::scp::{Parity, PortSetting};
use rustix::io::Errno;
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios,
};
use sys::lock::Lock;
use sys::tty::{Carrier, Flow, LineSettings, Tty};

use crate::exit::{Code, Failure};

/// What poll(2) promises for a pipe, and sockets keep in practice.
const PIECE: usize = 512;

/// The bits of a port's settings that a script can change.
const FRAMING: ControlModes = ControlModes::CSIZE
    .union(ControlModes::CSTOPB)
    .union(ControlModes::PARENB)
    .union(ControlModes::PARODD)
    .union(ControlModes::CMSPAR);

/// A line.
pub(super) struct Line {
    device: Option<Device>,
    /// Standard input's settings as they were found; `None` where it is no terminal, or not used.
    found: Option<Termios>,
    /// Whether what is written to goes to a terminal that may block.
    blocking_tty: bool,
}

/// A terminal of our own. The fields are dropped in this order: the lock last.
struct Device {
    tty: Tty,
    _lock: Lock,
}

/// What reading a byte came to.
pub(super) enum Byte {
    Came(u8),
    NotYet,
    Gone,
}

impl Line {
    /// Standard input and output; raw if they are a terminal.
    pub(super) fn standard() -> Result<Self, Failure> {
        let Ok(found) = rustix::termios::tcgetattr(rustix::stdio::stdin()) else {
            return Ok(Self { device: None, found: None, blocking_tty: output_is_tty() });
        };
        let mut raw = found.clone();
        raw.input_modes = InputModes::IGNBRK | InputModes::IGNPAR;
        raw.output_modes = OutputModes::empty();
        raw.local_modes = LocalModes::empty();
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        set(rustix::stdio::stdin(), &raw)?;
        Ok(Self { device: None, found: Some(found), blocking_tty: output_is_tty() })
    }

    /// The terminal at `path`, locked, raw, deaf to its carrier. `speed` in bit/s; else as it is.
    pub(super) fn open(path: &Path, locks: &Path, speed: Option<u32>) -> Result<Self, Failure> {
        let fault = |e: &dyn std::fmt::Display| Failure::new(Code::ScriptUsage, e.to_string());
        let lock = Lock::take(locks, path).map_err(|e| fault(&e))?;
        let tty = Tty::open(path).map_err(|e| fault(&e))?;
        let speed = match speed {
            Some(speed) => speed,
            None => tty.speed().map_err(|e| fault(&e))?,
        };
        // Deaf to the carrier, because a callback script lives through the end of the first call.
        let settings = LineSettings {
            speed,
            flow: Flow::RtsCts,
            carrier: Carrier::Ignore,
            hang_up_on_close: false,
        };
        tty.set(&settings).map_err(|e| fault(&e))?;
        let device = Some(Device { tty, _lock: lock });
        Ok(Self { device, found: None, blocking_tty: false })
    }

    /// Where bytes come from.
    pub(super) fn input(&self) -> BorrowedFd<'_> {
        match &self.device {
            Some(device) => device.tty.as_fd(),
            None => rustix::stdio::stdin(),
        }
    }

    /// Where bytes go.
    pub(super) fn output(&self) -> BorrowedFd<'_> {
        match &self.device {
            Some(device) => device.tty.as_fd(),
            None => rustix::stdio::stdout(),
        }
    }

    /// Whether the kernel says of the input when it is hung up; of a pipe only its reader learns that.
    pub(super) fn tells_hang_up(&self) -> bool {
        self.device.is_some() || self.found.is_some()
    }

    /// Reads one byte that poll(2) has announced.
    pub(super) fn read(&self) -> io::Result<Byte> {
        let mut byte = [0];
        loop {
            match rustix::io::read(self.input(), &mut byte) {
                Ok(0) => return Ok(Byte::Gone),
                Ok(_) => return Ok(Byte::Came(byte[0])),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(Byte::NotYet),
                Err(Errno::IO | Errno::CONNRESET) => return Ok(Byte::Gone),
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Writes the beginning of `bytes` where poll(2) has announced room; how many, or `None` when the line is gone.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<Option<usize>> {
        let most = if self.blocking_tty { 1 } else { PIECE };
        let piece = bytes.get(..most.min(bytes.len())).unwrap_or_default();
        match rustix::io::write(self.output(), piece) {
            Ok(written) => Ok(Some(written)),
            Err(Errno::INTR | Errno::AGAIN) => Ok(Some(0)),
            Err(Errno::IO | Errno::PIPE | Errno::CONNRESET) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Sets the port after what was written has left. `false`: this line has no such setting (a pipe, a pty).
    pub(super) fn set_port(&self, setting: PortSetting) -> Result<bool, Failure> {
        if !self.tells_hang_up() {
            return Ok(false);
        }
        let Ok(mut termios) = rustix::termios::tcgetattr(self.input()) else { return Ok(false) };
        apply(setting, &mut termios.control_modes);
        let wanted = termios.control_modes & FRAMING;
        // Drained first: the bytes before are meant to go with the settings before.
        let done = rustix::termios::tcsetattr(self.input(), OptionalActions::Drain, &termios);
        // The call succeeds if anything was changed; a pty always keeps eight bits without parity.
        let now = rustix::termios::tcgetattr(self.input());
        Ok(done.is_ok() && now.is_ok_and(|now| now.control_modes & FRAMING == wanted))
    }

    /// Puts the settings back; those that the script made for the port stay if the session goes on.
    pub(super) fn close(self, session_goes_on: bool) {
        let Some(found) = &self.found else { return };
        let mut found = found.clone();
        if let Some(now) = rustix::termios::tcgetattr(self.input()).ok().filter(|_| session_goes_on)
        {
            found.control_modes.remove(FRAMING);
            found.control_modes.insert(now.control_modes & FRAMING);
        }
        // A terminal that has been hung up has no settings to restore.
        drop(set(self.input(), &found));
    }
}

fn output_is_tty() -> bool {
    rustix::termios::isatty(rustix::stdio::stdout())
}

fn set(fd: BorrowedFd<'_>, termios: &Termios) -> Result<(), Failure> {
    rustix::termios::tcsetattr(fd, OptionalActions::Now, termios).map_err(|e| {
        let message = format!("setting the terminal on standard input: {}", io::Error::from(e));
        Failure::new(Code::ScriptUsage, message)
    })
}

fn apply(setting: PortSetting, modes: &mut ControlModes) {
    match setting {
        PortSetting::DataBits(bits) => {
            modes.remove(ControlModes::CSIZE);
            modes.insert(match bits {
                5 => ControlModes::CS5,
                6 => ControlModes::CS6,
                7 => ControlModes::CS7,
                _ => ControlModes::CS8,
            });
        }
        PortSetting::StopBits(bits) => modes.set(ControlModes::CSTOPB, bits == 2),
        PortSetting::Parity(parity) => {
            modes.remove(ControlModes::PARENB | ControlModes::PARODD | ControlModes::CMSPAR);
            modes.insert(match parity {
                Parity::None => ControlModes::empty(),
                Parity::Even => ControlModes::PARENB,
                Parity::Odd => ControlModes::PARENB | ControlModes::PARODD,
                Parity::Space => ControlModes::PARENB | ControlModes::CMSPAR,
                Parity::Mark => ControlModes::PARENB | ControlModes::PARODD | ControlModes::CMSPAR,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_setting_changes_its_own_bits_and_no_others() {
        let before =
            ControlModes::CS7 | ControlModes::PARENB | ControlModes::CLOCAL | ControlModes::CREAD;
        let other = ControlModes::CLOCAL | ControlModes::CREAD;
        for (setting, wanted) in [
            (PortSetting::DataBits(8), ControlModes::CS8 | ControlModes::PARENB),
            (PortSetting::DataBits(5), ControlModes::CS5 | ControlModes::PARENB),
            (
                PortSetting::StopBits(2),
                ControlModes::CS7 | ControlModes::PARENB | ControlModes::CSTOPB,
            ),
            (PortSetting::Parity(Parity::None), ControlModes::CS7),
            (
                PortSetting::Parity(Parity::Odd),
                ControlModes::CS7 | ControlModes::PARENB | ControlModes::PARODD,
            ),
            (
                PortSetting::Parity(Parity::Space),
                ControlModes::CS7 | ControlModes::PARENB | ControlModes::CMSPAR,
            ),
        ] {
            let mut modes = before;
            apply(setting, &mut modes);
            assert_eq!(modes, wanted | other, "{setting:?}");
        }
    }
}
