//! UUCP lock files: how programs that share a modem line keep out of each other's way.
//!
//! `LCK..ttyUSB0` in `/var/lock` holds the pid of the line's user, as HDB UUCP wrote it: ten columns and a
//! newline. mgetty, pppd, minicom, cu and uucico all honour it. A lock is made under another name and linked
//! into place, so that it never exists without its pid; it is stale once its process is gone.
//!
//! ```text
//!   free ──link──> ours ──drop──> free          held ──holder gone──> stale ──moved aside──> free
//! ```
//!
//! The directory is open to every local user (1777 on Debian), so nothing here follows a symbolic link,
//! waits for what it opens, or believes a file that is not a regular one. What it cannot prevent is a local
//! user who locks a line with his own living process: the fault names pid and program, for the operator.
//!
//! It deliberately does not know when a lock ends (see [`crate::lock_watch`]), nor what a line is.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};

/// Where lock files live unless the configuration says otherwise.
pub const DEFAULT_DIRECTORY: &str = "/var/lock";

/// What every lock's name begins with.
pub(crate) const PREFIX: &str = "LCK..";

/// Longest lock text that is read: a pid, and the program and user names that some programs add.
const TEXT_LIMIT: usize = 256;

/// Rounds of "stale, move it aside, try again" before giving up: others are then faster every time.
const ROUNDS: u32 = 8;

/// How a lock's file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockState {
    /// There is none.
    Free,
    /// A living process holds it.
    Held(Holder),
    /// Its process is gone; taking the lock removes it.
    Stale {
        /// The process that was.
        pid: u32,
    },
    /// There is something that no lock program writes.
    Unreadable {
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// The program's name, where the system tells.
    pub program: Option<String>,
    /// Whether that is this process.
    pub ours: bool,
}

/// Why a line could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockFault {
    /// A living process holds it.
    #[error("{path}: the line is in use by {} (pid {})", .holder.program.as_deref().unwrap_or("a process"), .holder.pid)]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who.
        holder: Holder,
    },
    /// Its maker has ended, and only he or root may remove it: the directory is sticky (`chmod +t`).
    #[error(
        "{path}: left over by process {pid}, which has ended; only its owner (uid {owner}) or root may remove it from \
         {}, which is sticky: as root, rm {path}", .path.parent().unwrap_or(.path).display()
    )]
    LeftOver {
        /// The lock file.
        path: PathBuf,
        /// Who made it.
        pid: u32,
        /// Whose it is.
        owner: u32,
    },
    /// It is not a lock file, or holds no pid; whether its maker lives cannot be known.
    #[error("{path}: {what}, so nobody can tell whether the line is in use: look, and remove it")]
    NotALock {
        /// The lock file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The directory cannot be used.
    #[error("{path}: {act}: {source}; lock files need a directory that all modem programs share")]
    Kernel {
        /// The lock file or directory.
        path: PathBuf,
        /// What was being done.
        act: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Lock files that this process has made and not removed. A file with our pid that is not among them was
/// left by an earlier process with the same pid, as happens in containers where everybody is pid 1.
static OURS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The file name of the lock for the device `device`: symbolic links are resolved first, so that
/// `/dev/serial/by-id/...` and `/dev/ttyUSB0` are one lock; then Debian's rule: without `/dev/`, and with
/// `_` for every slash (`/dev/pts/3` is `LCK..pts_3`).
pub fn lock_name(device: &Path) -> String {
    // A device that is not there yet has only the name it is called by.
    let real = std::fs::canonicalize(device).unwrap_or_else(|_| device.to_owned());
    let name = real.strip_prefix("/dev").or_else(|_| real.strip_prefix("/")).unwrap_or(&real);
    format!("{PREFIX}{}", name.to_string_lossy().replace('/', "_"))
}

/// A lock that is held. Removed when dropped, unless somebody else has overwritten it.
#[derive(Debug)]
pub struct Lock {
    directory: OwnedFd,
    name: String,
    path: PathBuf,
    /// The program that the file names while it has the line.
    lent_to: Option<u32>,
}

impl Lock {
    /// Locks `device` in `directory` for this process.
    ///
    /// # Errors
    /// [`LockFault::Held`] with the holder, and what else may be in the way. Never waits.
    pub fn take(directory: &Path, device: &Path) -> Result<Self, LockFault> {
        let name = lock_name(device);
        let path = directory.join(&name);
        let dir = open_directory(directory)?;
        // Held over the whole attempt: two lines of one process must not both take an old lock for stale.
        let mut ours = OURS.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = |act| {
            let path = path.clone();
            move |e: Errno| LockFault::Kernel { path, act, source: e.into() }
        };
        for _ in 0..ROUNDS {
            let written = write_beside(&dir, std::process::id()).map_err(fault("making it"))?;
            let linked = rustix::fs::linkat(&dir, &*written.name, &dir, &*name, AtFlags::empty());
            drop(written);
            match linked {
                Ok(()) => {
                    ours.insert(path.clone());
                    return Ok(Self { directory: dir, name, path, lent_to: None });
                }
                Err(Errno::EXIST) => {}
                Err(e) => return Err(fault("making it")(e)),
            }
            match look(&dir, &name).map_err(fault("reading it"))? {
                Seen { state: LockState::Free, .. } => {}
                Seen { state: LockState::Held(holder), inode } => {
                    if !holder.ours || ours.contains(&path) {
                        return Err(LockFault::Held { path, holder });
                    }
                    move_aside(&dir, &name, inode).map_err(fault("removing a left-over"))?;
                }
                Seen { state: LockState::Stale { pid }, inode } => {
                    match move_aside(&dir, &name, inode) {
                        Ok(()) => {}
                        Err(Errno::PERM | Errno::ACCESS) => {
                            return Err(left_over(&dir, &name, path, pid));
                        }
                        Err(e) => return Err(fault("removing a stale one")(e)),
                    }
                }
                Seen { state: LockState::Unreadable { what }, .. } => {
                    return Err(LockFault::NotALock { path, what });
                }
            }
        }
        Err(fault("making it")(Errno::AGAIN))
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Remembers that the program `pid` has overwritten the file with its own number.
    pub(crate) fn lent_to(&mut self, pid: u32) {
        self.lent_to = Some(pid);
    }

    /// Takes the lock back from a program that was not started after all, if it got so far.
    pub(crate) fn reclaim_from_the_dead(&mut self) -> Result<(), LockFault> {
        if let Ok(LockState::Stale { pid }) = state_of(&self.directory, &self.name) {
            self.lent_to = Some(pid);
        }
        self.reclaim()
    }

    /// Makes the lock ours again after the program that it was lent to
    /// ([`crate::launch::Launcher::start_with_lock`]) has ended, whether it left the file or removed it.
    ///
    /// # Errors
    /// [`LockFault::Held`] if somebody else was faster: the lock is lost then, and dropping this leaves
    /// the other's alone.
    pub fn reclaim(&mut self) -> Result<(), LockFault> {
        let Some(pid) = self.lent_to.take() else { return Ok(()) };
        let fault = |e: Errno| LockFault::Kernel {
            path: self.path.clone(),
            act: "taking it back",
            source: e.into(),
        };
        let linked = {
            let ours = write_beside(&self.directory, std::process::id()).map_err(fault)?;
            rustix::fs::linkat(
                &self.directory,
                &*ours.name,
                &self.directory,
                &*self.name,
                AtFlags::empty(),
            )
        };
        match linked {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => {}
            Err(e) => return Err(fault(e)),
        }
        match overwrite(&self.directory, &self.name, pid).map_err(fault)? {
            None => Ok(()),
            Some(LockState::Held(holder)) => {
                Err(LockFault::Held { path: self.path.clone(), holder })
            }
            Some(_other) => Err(LockFault::NotALock {
                path: self.path.clone(),
                what: "it is not the lock that was lent",
            }),
        }
    }
}

/// Puts our own number into the lock at `path` if it holds the number `from`: for the program that takes a
/// line over from its parent.
///
/// # Errors
/// In words; the lock is then as it was.
pub(crate) fn take_over(path: &Path, from: u32) -> io::Result<()> {
    let words = |what: String| io::Error::other(format!("{}: {what}", path.display()));
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(OsStr::to_str))
    else {
        return Err(words("not the name of a lock file".to_owned()));
    };
    let directory = open_directory(directory).map_err(io::Error::other)?;
    match overwrite(&directory, name, from).map_err(|e| words(e.to_string()))? {
        None => Ok(()),
        Some(state) => Err(words(format!("not held by process {from}, but {state:?}"))),
    }
}

/// Replaces the lock by one with our number, in one step, if it holds the number `from`; else answers how it
/// stands. Whoever honours locks does not touch one that is held, so nothing comes between.
fn overwrite(directory: &OwnedFd, name: &str, from: u32) -> rustix::io::Result<Option<LockState>> {
    let state = look(directory, name)?.state;
    let (LockState::Held(Holder { pid, .. }) | LockState::Stale { pid }) = state else {
        return Ok(Some(state));
    };
    if pid != from {
        return Ok(Some(state));
    }
    let ours = write_beside(directory, std::process::id())?;
    rustix::fs::renameat(directory, &*ours.name, directory, name)?;
    Ok(None)
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut ours = OURS.lock().unwrap_or_else(PoisonError::into_inner);
        ours.remove(&self.path);
        let Ok(seen) = look(&self.directory, &self.name) else { return };
        let removable = match seen.state {
            LockState::Held(Holder { ours: true, .. }) => true,
            // The program that had it is gone. While it lives, the line is its.
            LockState::Stale { pid } => self.lent_to == Some(pid),
            LockState::Held(_) | LockState::Free | LockState::Unreadable { .. } => false,
        };
        if removable {
            // If this fails the file is stale as soon as we end, and others treat it so.
            let _gone = rustix::fs::unlinkat(&self.directory, &*self.name, AtFlags::empty());
        }
    }
}

/// How the lock for `device` in `directory` stands.
///
/// # Errors
/// The directory cannot be used.
pub fn state(directory: &Path, device: &Path) -> Result<LockState, LockFault> {
    let dir = open_directory(directory)?;
    state_of(&dir, &lock_name(device)).map_err(|e| LockFault::Kernel {
        path: directory.join(lock_name(device)),
        act: "reading it",
        source: e.into(),
    })
}

pub(crate) fn open_directory(directory: &Path) -> Result<OwnedFd, LockFault> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(directory, flags, Mode::empty()).map_err(|e| LockFault::Kernel {
        path: directory.to_owned(),
        act: "opening the lock directory",
        source: e.into(),
    })
}

pub(crate) fn state_of(directory: impl AsFd, name: &str) -> rustix::io::Result<LockState> {
    look(directory, name).map(|seen| seen.state)
}

/// A lock file as it was read, and which file that was.
struct Seen {
    state: LockState,
    inode: u64,
}

fn look(directory: impl AsFd, name: &str) -> rustix::io::Result<Seen> {
    // A pipe in the lock's place must not make us wait, nor a terminal become ours.
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let unreadable = |what| Seen { state: LockState::Unreadable { what }, inode: 0 };
    let file = match rustix::fs::openat(directory, name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(Seen { state: LockState::Free, inode: 0 }),
        Err(Errno::LOOP) => return Ok(unreadable("it is a symbolic link")),
        Err(Errno::NXIO) => return Ok(unreadable("it is not a regular file")),
        Err(Errno::ACCESS) => return Ok(unreadable("it may not be read")),
        Err(e) => return Err(e),
    };
    let stat = rustix::fs::fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(unreadable("it is not a regular file"));
    }
    let mut text = [0; TEXT_LIMIT];
    let mut filled = 0;
    while let Some(room) = text.get_mut(filled..).filter(|room| !room.is_empty()) {
        match rustix::io::read(&file, room) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(e) => return Err(e),
        }
    }
    let state = match parse_pid(text.get(..filled).unwrap_or_default()) {
        Some(pid) => state_of_process(pid),
        None => LockState::Unreadable { what: "it holds no process number" },
    };
    Ok(Seen { state, inode: stat.st_ino })
}

/// The pid in a lock's text: HDB ASCII (`"      4711\n"`, perhaps more words after it), or the four bytes
/// in the machine's order that older programs write.
fn parse_pid(text: &[u8]) -> Option<Pid> {
    let number = match <[u8; 4]>::try_from(text) {
        Ok(binary) if !text.iter().all(|b| b.is_ascii_digit() || b.is_ascii_whitespace()) => {
            i32::from_ne_bytes(binary)
        }
        Ok(_) | Err(_) => {
            let word = text.split(u8::is_ascii_whitespace).find(|word| !word.is_empty())?;
            std::str::from_utf8(word).ok()?.parse().ok()?
        }
    };
    // 0 and negative numbers mean process groups to kill(2).
    if number > 0 { Pid::from_raw(number) } else { None }
}

fn state_of_process(pid: Pid) -> LockState {
    let number = pid.as_raw_nonzero().get().unsigned_abs();
    if has_ended(pid) {
        return LockState::Stale { pid: number };
    }
    LockState::Held(Holder {
        pid: number,
        program: program_of(number),
        ours: number == std::process::id(),
    })
}

/// Whether the process is gone, or only waits for its parent to notice: a zombie answers `kill(pid, 0)` as
/// if it lived, but uses no line any more.
fn has_ended(pid: Pid) -> bool {
    match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => {
            let mut ask = [PollFd::new(&process, PollFlags::IN)];
            let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
            matches!(rustix::event::poll(&mut ask, Some(&at_once)), Ok(ready) if ready > 0)
        }
        // Not permitted means alive, and so does everything else that we cannot explain.
        Err(_) => rustix::process::test_kill_process(pid) == Err(Errno::SRCH),
    }
}

/// What the kernel calls the process's program.
pub(crate) fn program_of(pid: u32) -> Option<String> {
    let name = std::fs::read(format!("/proc/{pid}/comm")).ok()?;
    // Any process may name itself as it likes; the name goes to terminals and logs.
    let printable = |c: char| if c.is_control() { '?' } else { c };
    Some(String::from_utf8_lossy(&name).trim_end().chars().map(printable).collect())
}

/// A file beside the lock that already holds a pid; its name goes away with this value.
struct Beside<'a> {
    directory: &'a OwnedFd,
    name: String,
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        let _gone = rustix::fs::unlinkat(self.directory, &*self.name, AtFlags::empty());
    }
}

/// A stale lock that may not be removed. Where even its owner may not be seen, it is as good as root's.
fn left_over(directory: &OwnedFd, name: &str, path: PathBuf, pid: u32) -> LockFault {
    let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
    LockFault::LeftOver { path, pid, owner: stat.map_or(0, |stat| stat.st_uid) }
}

/// A name that no other process and no other lock of ours uses.
fn unused_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("LTMP.{}.{count}", std::process::id())
}

fn write_beside(directory: &OwnedFd, pid: u32) -> rustix::io::Result<Beside<'_>> {
    let name = unused_name();
    // EXCL neither follows a link nor opens what another user put there to wait for us.
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let open = || rustix::fs::openat(directory, &*name, flags, Mode::from_raw_mode(0o644));
    let file = match open() {
        // Left by an earlier process with our pid, or somebody's in a sticky directory: then this fails too.
        Err(Errno::EXIST) => {
            rustix::fs::unlinkat(directory, &*name, AtFlags::empty())?;
            open()?
        }
        other => other?,
    };
    let beside = Beside { directory, name };
    // The umask may have taken bits that other programs need to read the pid.
    rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644))?;
    let text = format!("{pid:10}\n");
    // Eleven bytes into a new file go in one piece or not at all (a full disk).
    if rustix::io::write(&file, text.as_bytes())? != text.len() {
        return Err(Errno::NOSPC);
    }
    Ok(beside)
}

/// Removes the lock that was seen as `inode`, and no other one.
///
/// Between looking and removing, somebody else may have found it stale too, removed it and made his own:
/// a plain unlink would take that one away. So it is renamed first and looked at again; a wrong one is
/// put back, which fails only if a third one has locked the line in that instant.
fn move_aside(directory: &OwnedFd, name: &str, inode: u64) -> rustix::io::Result<()> {
    let aside = Beside { directory, name: unused_name() };
    match rustix::fs::renameat_with(
        directory,
        name,
        directory,
        &*aside.name,
        RenameFlags::NOREPLACE,
    ) {
        Ok(()) => {}
        // Somebody was faster.
        Err(Errno::NOENT) => return Ok(()),
        Err(e) => return Err(e),
    }
    let moved = rustix::fs::statat(directory, &*aside.name, AtFlags::SYMLINK_NOFOLLOW)?;
    if moved.st_ino != inode {
        rustix::fs::linkat(directory, &*aside.name, directory, name, AtFlags::empty())?;
    }
    Ok(())
}

/// The device part of a lock's file name, if it is one.
pub(crate) fn device_of(file: &OsStr) -> Option<&str> {
    std::str::from_utf8(file.as_bytes()).ok()?.strip_prefix(PREFIX).filter(|name| !name.is_empty())
}

#[cfg(test)]
#[path = "lock_tests.rs"]
mod tests;
