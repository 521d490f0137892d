//! A folder of its own for each test, gone with it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

use super::PATIENCE;

pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("dialback-interop-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(path.join("locks")).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file that only its owner may read, as login.config must be.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Waits until somebody has moved a file to this name, and gives back what it says.
    pub(crate) fn text_moved_to(&self, name: &str) -> String {
        let watch = init(CreateFlags::CLOEXEC).unwrap();
        add_watch(&watch, &self.0, WatchFlags::MOVED_TO).unwrap();
        let deadline = Instant::now() + PATIENCE;
        let mut events = [0; 4096];
        loop {
            // After the watch was there: it may have come before.
            if let Ok(text) = std::fs::read_to_string(self.path(name)) {
                return text;
            }
            let left =
                Timespec::try_from(deadline.saturating_duration_since(Instant::now())).unwrap();
            let mut fds = [PollFd::new(&watch, PollFlags::IN)];
            assert!(poll(&mut fds, Some(&left)).unwrap() > 0, "nobody writes {name}");
            rustix::io::read(&watch, &mut events).unwrap();
        }
    }

    /// The same for a program that everybody may run.
    pub(crate) fn write_program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.write(name, text);
        for place in [&self.0, &path] {
            std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        path
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("KEEP").is_some() {
            println!("kept: {}", self.0.display());
            return;
        }
        drop(std::fs::remove_dir_all(&self.0));
    }
}
