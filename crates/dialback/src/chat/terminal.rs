//! The terminal on descriptor 0: set as chat sets it, and put back as it was.
//!
//! Speed, parity and CLOCAL are the caller's business and stay. A socket or a pipe has nothing to set; anything
//! else that is not a terminal is refused, as chat refuses it, because it is a mistake.

use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, fstat, major};
use rustix::io::Errno;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios, tcgetattr,
    tcsetattr,
};

/// What is known of descriptor 0.
#[derive(Debug)]
pub(super) enum Terminal {
    /// It was like this.
    Was(Box<Termios>),
    /// No terminal, but a two-way line all the same.
    Line,
}

impl Terminal {
    /// Looks at `fd`; the error is the one of `tcgetattr`.
    pub(super) fn of(fd: BorrowedFd<'_>) -> Result<Self, Errno> {
        match tcgetattr(fd) {
            Ok(was) => Ok(Self::Was(Box::new(was))),
            Err(error) => match fstat(fd).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
                Ok(FileType::Socket | FileType::Fifo) => Ok(Self::Line),
                Ok(_) | Err(_) => Err(error),
            },
        }
    }

    /// Whether `fd` is a pseudo-terminal's slave side (majors 136 to 143). A read that sleeps there when the other
    /// side goes away fails with EIO, a later one finds the end of the file; a serial port only ever ends.
    pub(super) fn is_pty(fd: BorrowedFd<'_>) -> bool {
        fstat(fd).is_ok_and(|stat| (136..=143).contains(&major(stat.st_rdev)))
    }

    /// Sets the modes of a script: every byte as it comes, seven bits, no echo, nothing translated on the way out.
    pub(super) fn set(&self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        let Self::Was(was) = self else { return Ok(()) };
        let mut modes = (**was).clone();
        modes.input_modes |= InputModes::IGNBRK | InputModes::ISTRIP | InputModes::IGNPAR;
        modes.output_modes = OutputModes::empty();
        modes.local_modes = LocalModes::empty();
        for (code, value) in [
            (SpecialCodeIndex::VERASE, 0),
            (SpecialCodeIndex::VKILL, 0),
            (SpecialCodeIndex::VMIN, 1),
            (SpecialCodeIndex::VTIME, 0),
        ] {
            modes.special_codes[code] = value;
        }
        tcsetattr(fd, OptionalActions::Now, &modes)
    }

    /// Puts the modes back.
    pub(super) fn restore(&self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        match self {
            Self::Was(was) => tcsetattr(fd, OptionalActions::Now, was),
            Self::Line => Ok(()),
        }
    }
}
