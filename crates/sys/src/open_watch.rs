//! Who has a device open: a count that follows each open and close, as the modem's end of a cable sees DTR.
//!
//! A pty has no control lines; that somebody has its slave open is all that its master can know. One inotify
//! instance serves all (a user may have only 128 of them).
//!
//! It counts open file descriptions, not programs: what is inherited or duplicated counts once, and its close is
//! the last one.
//!
//! inotify(7) merges an event with the one before it if they are equal, so two openings in a row would be one. The
//! directory is watched as well: its event stands before each of the device's, and no two equal ones are neighbours.

use std::collections::BTreeMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::async_fd::AsyncFile;

/// Room for inotify events; those of a watched device carry no name.
const EVENTS: usize = 4096;

type Counts = Arc<Mutex<BTreeMap<i32, watch::Sender<i64>>>>;

/// Watches devices being opened and closed. Ends when dropped.
#[derive(Debug)]
pub struct OpenWatch {
    inotify: Arc<AsyncFile<OwnedFd>>,
    counts: Counts,
    reader: JoinHandle<()>,
}

impl OpenWatch {
    /// Begins, with nothing to watch. Within a tokio runtime with I/O.
    ///
    /// # Errors
    /// No more inotify instances are allowed.
    pub fn start() -> io::Result<Self> {
        let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let inotify = Arc::new(AsyncFile::new(fd)?);
        let counts = Counts::default();
        let reader = tokio::spawn(read(Arc::clone(&inotify), Arc::clone(&counts)));
        Ok(Self { inotify, counts, reader })
    }

    /// Counts how often the device at `path` is opened (up) and closed (down) from now on, beginning with 0.
    ///
    /// # Errors
    /// The path is not there, or there are too many watches.
    pub fn add(&self, path: &Path) -> io::Result<watch::Receiver<i64>> {
        let (count, counted) = watch::channel(0);
        // Held over the system call: an event of the new watch must find its count.
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let flags = WatchFlags::OPEN | WatchFlags::CLOSE_WRITE | WatchFlags::CLOSE_NOWRITE;
        if let Some(directory) = path.parent() {
            // The same watch for all devices of a directory; nobody has asked for its events.
            inotify::add_watch((*self.inotify).as_fd(), directory, flags)?;
        }
        let id = inotify::add_watch((*self.inotify).as_fd(), path, flags)?;
        counts.insert(id, count);
        Ok(counted)
    }
}

impl Drop for OpenWatch {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(inotify: Arc<AsyncFile<OwnedFd>>, counts: Counts) {
    let mut room = [MaybeUninit::uninit(); EVENTS];
    while inotify.readable().await.is_ok() {
        let read = inotify.try_read_with(|fd| {
            let mut reader = inotify::Reader::new(fd, &mut room);
            loop {
                match reader.next() {
                    Ok(event) => apply(&counts, event.wd(), event.events()),
                    Err(Errno::INTR) => {}
                    Err(e) => return Err::<(), _>(e.into()),
                }
                if reader.is_buffer_empty() {
                    return Ok(());
                }
            }
        });
        match read {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

fn apply(counts: &Counts, watch: i32, events: ReadFlags) {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    if events.contains(ReadFlags::IGNORED) {
        counts.remove(&watch);
        return;
    }
    let Some(count) = counts.get(&watch) else { return };
    let step = if events.contains(ReadFlags::OPEN) {
        1
    } else if events.intersects(ReadFlags::CLOSE_WRITE | ReadFlags::CLOSE_NOWRITE) {
        -1
    } else {
        return;
    };
    count.send_modify(|n| *n += step);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pty::Pty;

    #[tokio::test]
    async fn each_open_and_close_of_a_slave_is_counted() {
        let pty = Pty::open().expect("a pty");
        let watch = OpenWatch::start().expect("inotify");
        let mut count = watch.add(pty.slave().path()).expect("a watch");
        let open = |n| {
            let path = pty.slave().path().to_owned();
            let files: Vec<_> = (0..n)
                .map(|_| {
                    std::fs::File::options().read(true).write(true).open(&path).expect("the slave")
                })
                .collect();
            files
        };
        let many = open(5);
        count.wait_for(|n| *n == 5).await.expect("openings in a row are not merged");
        drop(many);
        count.wait_for(|n| *n == 0).await.expect("nor are closes");
        let two = open(2);
        count.wait_for(|n| *n == 2).await.expect("two openings");
        let twin = two[0].try_clone().expect("a duplicate");
        drop(two);
        count.wait_for(|n| *n == 1).await.expect("a duplicate is the same opening");
        drop(twin);
        count.wait_for(|n| *n == 0).await.expect("all closed");
    }
}
