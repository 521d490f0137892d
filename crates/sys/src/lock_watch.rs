//! Tells when UUCP locks come and go, without looking again and again.
//!
//! A lock ends in two ways: its file is removed (inotify on the directory tells), or its holder dies and the
//! file stays (a pidfd on the holder tells). One watch serves all lines of a directory, because a user may
//! have only 128 inotify instances.
//!
//! It deliberately does not know which lines we have: it tells of every lock in the directory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};

use crate::async_fd::AsyncFile;
use crate::lock::{self, Holder, LockFault, LockState};

/// Most locks that are followed at once. The directory is open to every local user, who could fill it; past
/// this, further locks are not told of.
const FOLLOWED_LIMIT: usize = 1024;

/// Room for inotify events: at least one with the longest name (16 + 256 bytes).
const EVENT_ROOM: usize = 4096;

/// A lock is different now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockEvent {
    /// The device as lock names spell it: `ttyUSB0`, `pts_3`. See [`crate::lock::lock_name`].
    pub device: String,
    /// How its lock stands now.
    pub state: LockState,
}

/// A running watch of one lock directory.
#[derive(Debug)]
pub struct LockWatch {
    path: PathBuf,
    changes: AsyncFile,
    /// What was told last, with the holder's pidfd while it lives.
    followed: BTreeMap<String, Followed>,
    untold: VecDeque<LockEvent>,
    /// The directory itself is gone.
    ended: bool,
}

#[derive(Debug)]
struct Followed {
    state: LockState,
    holder: Option<AsyncFile>,
}

impl LockWatch {
    /// Starts watching `directory`. The locks that exist already are the first events.
    ///
    /// # Errors
    /// The directory cannot be used, or no more inotify instances are allowed.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O enabled.
    pub fn start(directory: &Path) -> Result<Self, LockFault> {
        let fault = |source: io::Error| LockFault::Kernel {
            path: directory.to_owned(),
            act: "watching the lock directory",
            source,
        };
        let changes = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .map_err(|e| fault(e.into()))?;
        let of = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        inotify::add_watch(&changes, directory, of).map_err(|e| fault(e.into()))?;
        let mut watch = Self {
            path: directory.to_owned(),
            changes: AsyncFile::new(changes).map_err(fault)?,
            followed: BTreeMap::new(),
            untold: VecDeque::new(),
            ended: false,
        };
        // After the watch has begun, so that nothing falls between.
        watch.look_at_all().map_err(fault)?;
        Ok(watch)
    }

    /// The next lock that is different from what was told of it last. Cancel safe.
    ///
    /// # Errors
    /// The directory is gone, or the kernel says so.
    pub async fn next(&mut self) -> io::Result<LockEvent> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<LockEvent>> {
        loop {
            if let Some(event) = self.untold.pop_front() {
                return Poll::Ready(Ok(event));
            }
            if self.ended {
                return Poll::Ready(Err(io::Error::other(format!(
                    "{}: the lock directory has been removed",
                    self.path.display()
                ))));
            }
            let mut names = BTreeSet::new();
            // Every holder is asked before inotify, so that this task is woken by whichever comes first.
            for (name, followed) in &self.followed {
                let Some(holder) = &followed.holder else { continue };
                match holder.poll_readable(cx) {
                    Poll::Ready(Ok(())) => {
                        names.insert(name.clone());
                    }
                    Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                    Poll::Pending => {}
                }
            }
            if names.is_empty() {
                match self.changes.poll_readable(cx) {
                    Poll::Ready(Ok(())) => self.read_changes(&mut names)?,
                    Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                    Poll::Pending => return Poll::Pending,
                }
            }
            for name in names {
                self.look_at(name)?;
            }
        }
    }

    /// Collects the devices whose lock files changed, one buffer's worth.
    fn read_changes(&mut self, names: &mut BTreeSet<String>) -> io::Result<()> {
        let mut room = [MaybeUninit::uninit(); EVENT_ROOM];
        let mut overflowed = false;
        let mut ended = false;
        let read = self.changes.try_read_with(|inotify| {
            let mut events = inotify::Reader::new(inotify, &mut room);
            loop {
                let event = events.next()?;
                let what = event.events();
                overflowed |= what.contains(ReadFlags::QUEUE_OVERFLOW);
                ended |= what.intersects(
                    ReadFlags::DELETE_SELF
                        | ReadFlags::MOVE_SELF
                        | ReadFlags::IGNORED
                        | ReadFlags::UNMOUNT,
                );
                let file = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                names.extend(file.and_then(lock::device_of).map(str::to_owned));
                if events.is_buffer_empty() {
                    return Ok(());
                }
            }
        });
        match read {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
        self.ended |= ended;
        if overflowed && !self.ended {
            // Some changes were not told: look at everything there is and everything there was.
            names.extend(self.followed.keys().cloned());
            self.look_at_all()?;
        }
        Ok(())
    }

    fn look_at_all(&mut self) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.path)? {
            if let Some(device) = lock::device_of(&entry?.file_name()) {
                self.look_at(device.to_owned())?;
            }
        }
        Ok(())
    }

    /// Looks at one lock and queues an event if it is different.
    fn look_at(&mut self, device: String) -> io::Result<()> {
        let directory = lock::open_directory(&self.path).map_err(io::Error::other)?;
        let file = format!("{}{device}", lock::PREFIX);
        let mut state = lock::state_of(&directory, &file)?;
        let mut watched = None;
        if let LockState::Held(Holder { pid, ours: false, .. }) = state {
            watched = watch_process(pid)?;
            if watched.is_none() {
                state = LockState::Stale { pid };
            }
        }
        let before = self.followed.get(&device).map_or(&LockState::Free, |one| &one.state);
        if *before == state {
            // The number may have passed on to another process: it is that one's end that counts now.
            if let Some(followed) = self.followed.get_mut(&device) {
                followed.holder = watched;
            }
            return Ok(());
        }
        if state == LockState::Free {
            self.followed.remove(&device);
        } else if self.followed.contains_key(&device) || self.followed.len() < FOLLOWED_LIMIT {
            self.followed
                .insert(device.clone(), Followed { state: state.clone(), holder: watched });
        } else {
            return Ok(());
        }
        self.untold.push_back(LockEvent { device, state });
        Ok(())
    }
}

/// Something that becomes readable when process `pid` ends; `None` if there is no such process any more.
fn watch_process(pid: u32) -> io::Result<Option<AsyncFile>> {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
    match rustix::process::pidfd_open(pid, PidfdFlags::NONBLOCK) {
        Ok(holder) => AsyncFile::new(holder).map(Some),
        Err(Errno::SRCH) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::Lock;
    use crate::testing::{Dir, Sleeper};

    fn device(event: &LockEvent) -> &str {
        &event.device
    }

    #[tokio::test]
    async fn locks_that_exist_come_and_go_are_told_in_order() {
        let dir = Dir::new("watch");
        let first = Lock::take(dir.root(), Path::new("/dev/ttyS7")).unwrap();
        let mut watch = LockWatch::start(dir.root()).unwrap();
        let event = watch.next().await.unwrap();
        assert_eq!(device(&event), "ttyS7");
        assert!(matches!(event.state, LockState::Held(Holder { ours: true, .. })));
        let second = Lock::take(dir.root(), Path::new("/dev/ttyS8")).unwrap();
        assert_eq!(device(&watch.next().await.unwrap()), "ttyS8");
        drop(first);
        let gone = LockEvent { device: "ttyS7".into(), state: LockState::Free };
        assert_eq!(watch.next().await.unwrap(), gone);
        drop(second);
        assert_eq!(device(&watch.next().await.unwrap()), "ttyS8");
    }

    #[tokio::test]
    async fn a_holder_that_dies_and_leaves_its_file_is_told() {
        let dir = Dir::new("watch-death");
        let mut holder = Sleeper::start();
        let pid = holder.id();
        let mut watch = LockWatch::start(dir.root()).unwrap();
        std::fs::write(dir.path("LCK..ttyS7"), format!("{pid:>10}\n")).unwrap();
        let event = watch.next().await.unwrap();
        let LockState::Held(told) = event.state else { panic!("{event:?}") };
        assert_eq!((told.pid, told.program.as_deref()), (pid, Some("sleep")));
        // Not waited for: even as a zombie it holds no line.
        holder.kill();
        let event = watch.next().await.unwrap();
        assert_eq!(event.state, LockState::Stale { pid });
        drop(Lock::take(dir.root(), Path::new("/dev/ttyS7")).unwrap());
    }

    #[tokio::test]
    async fn other_files_are_not_told_of_and_a_removed_directory_is_an_error() {
        let dir = Dir::new("watch-gone");
        std::fs::create_dir(dir.path("locks")).unwrap();
        let mut watch = LockWatch::start(&dir.path("locks")).unwrap();
        std::fs::write(dir.path("locks/subsys"), "").unwrap();
        std::fs::remove_file(dir.path("locks/subsys")).unwrap();
        std::fs::remove_dir(dir.path("locks")).unwrap();
        let fault = watch.next().await.unwrap_err().to_string();
        assert!(fault.contains("has been removed"), "{fault}");
    }
}
