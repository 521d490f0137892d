//! Pseudo-terminals, and stable names for them.
//!
//! A session on a network port gets a pty: the program has the slave as its terminal, the server pumps the
//! master. Keep the slave open until the program has it: a master whose slave nobody holds reads as ended.
//!
//! It deliberately does not know who reads the master. There are no modem lines on a pty: closing the master
//! is the only hang-up, and the kernel then sends SIGHUP to the session.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use crate::tty::{Tty, TtyFault};

/// The controlling side of a pty.
#[derive(Debug)]
pub struct PtyMaster {
    fd: OwnedFd,
}

/// A pseudo-terminal with both sides open.
#[derive(Debug)]
pub struct Pty {
    master: PtyMaster,
    slave: Tty,
}

impl Pty {
    /// Opens a new pseudo-terminal; neither side is inherited over exec or becomes our terminal.
    ///
    /// # Errors
    /// No free pty, or no devpts here.
    pub fn open() -> Result<Self, TtyFault> {
        let fault = |act| {
            move |e: rustix::io::Errno| TtyFault::Kernel {
                path: PathBuf::from("/dev/ptmx"),
                act,
                source: e.into(),
            }
        };
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let fd = rustix::pty::openpt(flags).map_err(fault("opening a pty"))?;
        rustix::pty::grantpt(&fd).map_err(fault("granting a pty"))?;
        rustix::pty::unlockpt(&fd).map_err(fault("unlocking a pty"))?;
        let name = rustix::pty::ptsname(&fd, Vec::new()).map_err(fault("naming a pty"))?;
        let path = PathBuf::from(OsStr::from_bytes(name.as_bytes()));
        // Asked of the master itself, so that another mount of devpts cannot hand us a stranger's slave.
        let slave =
            rustix::pty::ioctl_tiocgptpeer(&fd, flags).map_err(fault("opening a pty's slave"))?;
        rustix::fs::fcntl_setfl(&slave, OFlags::NONBLOCK | OFlags::RDWR)
            .map_err(fault("making a pty non-blocking"))?;
        let mut slave = Tty::adopt(slave, path)?;
        // A pty is new: there is nothing to restore, and its settings may be a program's by then.
        slave.leave_settings();
        Ok(Self { master: PtyMaster { fd }, slave })
    }

    /// The side that a program gets as its terminal; its path is [`Tty::path`].
    pub fn slave(&self) -> &Tty {
        &self.slave
    }

    /// The controlling side.
    pub fn master(&self) -> &PtyMaster {
        &self.master
    }

    /// Both sides, each on its own.
    pub fn into_halves(self) -> (PtyMaster, Tty) {
        (self.master, self.slave)
    }
}

impl PtyMaster {
    /// Takes over a controlling side that another process has opened.
    ///
    /// # Errors
    /// It is something else.
    pub fn adopt(fd: OwnedFd) -> io::Result<Self> {
        rustix::pty::ptsname(&fd, Vec::new())?;
        Ok(Self { fd })
    }

    /// Tells the program how large the caller's screen is; it gets SIGWINCH.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_window_size(&self, columns: u16, rows: u16) -> io::Result<()> {
        let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(rustix::termios::tcsetwinsize(&self.fd, size)?)
    }

    /// Columns and rows as set last; 0 while unknown.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn window_size(&self) -> io::Result<(u16, u16)> {
        let size = rustix::termios::tcgetwinsize(&self.fd)?;
        Ok((size.ws_col, size.ws_row))
    }
}

impl AsFd for PtyMaster {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for PtyMaster {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// Why a stable name could not be given.
#[derive(Debug, thiserror::Error)]
pub enum LinkFault {
    /// Something that we did not make has the name.
    #[error(
        "{path}: {what} is in the way and not ours to replace: remove it or choose another name"
    )]
    Occupied {
        /// The wanted name.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// What the kernel said.
    #[error("{path}: making a symbolic link: {source}")]
    Kernel {
        /// The wanted name.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
}

/// A stable name for a pty: a symbolic link that goes away with this value.
#[derive(Debug)]
pub struct StableName {
    path: PathBuf,
    target: PathBuf,
}

impl StableName {
    /// Makes `path` lead to the terminal `target`.
    ///
    /// One of our own that a crash left over (a link that we own into `/dev/pts`) is replaced in one step;
    /// anything else in the way is left alone.
    ///
    /// # Errors
    /// [`LinkFault::Occupied`], or what the kernel says.
    pub fn new(path: impl Into<PathBuf>, target: &Path) -> Result<Self, LinkFault> {
        let path = path.into();
        let fault = |source: io::Error| LinkFault::Kernel { path: path.clone(), source };
        match std::os::unix::fs::symlink(target, &path) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                check_left_over(&path)?;
                let mut beside = path.clone().into_os_string();
                beside.push(format!(".new.{}", std::process::id()));
                std::os::unix::fs::symlink(target, &beside).map_err(fault)?;
                if let Err(e) = std::fs::rename(&beside, &path) {
                    let _left_over = std::fs::remove_file(&beside);
                    return Err(fault(e));
                }
            }
            Err(e) => return Err(fault(e)),
        }
        Ok(Self { path, target: target.to_owned() })
    }

    /// The stable name.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for StableName {
    fn drop(&mut self) {
        if std::fs::read_link(&self.path).is_ok_and(|to| to == self.target) {
            // Nobody to tell; a left-over of ours is replaced at the next start.
            let _gone = std::fs::remove_file(&self.path);
        }
    }
}

/// Whether the thing at `path` is a link that an earlier run of ours left.
fn check_left_over(path: &Path) -> Result<(), LinkFault> {
    let occupied = |what| LinkFault::Occupied { path: path.to_owned(), what };
    let fault = |source| LinkFault::Kernel { path: path.to_owned(), source };
    let seen = std::fs::symlink_metadata(path).map_err(fault)?;
    let kind = seen.file_type();
    if kind.is_dir() {
        return Err(occupied("a directory"));
    }
    if kind.is_char_device() || kind.is_block_device() {
        return Err(occupied("a device"));
    }
    if !kind.is_symlink() {
        return Err(occupied("a file"));
    }
    if seen.uid() != rustix::process::geteuid().as_raw() {
        return Err(occupied("somebody else's symbolic link"));
    }
    if !std::fs::read_link(path).map_err(fault)?.starts_with("/dev/pts") {
        return Err(occupied("a symbolic link to something else than a pty"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pty_has_a_name_a_size_and_a_terminal_on_its_slave() {
        let pty = Pty::open().unwrap();
        assert!(pty.slave().path().starts_with("/dev/pts"), "{:?}", pty.slave().path());
        pty.master().set_window_size(80, 25).unwrap();
        assert_eq!(pty.master().window_size().unwrap(), (80, 25));
        let again = Tty::open(pty.slave().path()).unwrap();
        assert_eq!(again.device(), pty.slave().device());
    }

    #[test]
    fn neither_side_survives_an_exec() {
        let pty = Pty::open().unwrap();
        for fd in [pty.master().as_fd(), pty.slave().as_fd()] {
            let flags = rustix::io::fcntl_getfd(fd).unwrap();
            assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        }
    }

    #[test]
    fn a_stable_name_comes_and_goes_with_its_value() {
        let dir = crate::testing::Dir::new("names");
        let name = dir.path("line1");
        let link = StableName::new(&name, Path::new("/dev/pts/7")).unwrap();
        assert_eq!(std::fs::read_link(&name).unwrap(), Path::new("/dev/pts/7"));
        drop(link);
        assert!(std::fs::symlink_metadata(&name).is_err());
    }

    #[test]
    fn a_left_over_is_replaced_and_a_stranger_is_not() {
        let dir = crate::testing::Dir::new("strangers");
        let name = dir.path("line1");
        std::os::unix::fs::symlink("/dev/pts/999999", &name).unwrap();
        let link = StableName::new(&name, Path::new("/dev/pts/7")).unwrap();
        assert_eq!(std::fs::read_link(&name).unwrap(), Path::new("/dev/pts/7"));
        // Somebody put his own in its place: dropping ours must not remove it.
        std::fs::remove_file(&name).unwrap();
        std::fs::write(&name, "mine").unwrap();
        drop(link);
        assert_eq!(std::fs::read_to_string(&name).unwrap(), "mine");

        let refusals = [("a file", dir.path("file")), ("a directory", dir.path("dir"))];
        std::fs::write(dir.path("file"), "x").unwrap();
        std::fs::create_dir(dir.path("dir")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path("link")).unwrap();
        for (what, path) in refusals {
            let fault = StableName::new(path, Path::new("/dev/pts/7")).unwrap_err();
            assert!(fault.to_string().contains(what), "{fault}");
        }
        let fault = StableName::new(dir.path("link"), Path::new("/dev/pts/7")).unwrap_err();
        assert!(fault.to_string().contains("something else than a pty"), "{fault}");
    }
}
