//! Real mgetty on a virtual modem: started again when it ends, as init does, with files of its own.
//!
//! Its places are compiled in, so it lives in namespaces of its own in which they lead to the test's folder; what is
//! killed with it is everything that it has started.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::PATIENCE;
use super::folder::Folder;
use super::process::{Ear, Process};

pub(crate) const PROGRAMS: &[&str] = &["/sbin/mgetty", "/usr/bin/unshare", "/usr/bin/setsid"];

/// Where mgetty and callback look, and the folder that is there instead.
const PLACES: [(&str, &str); 4] = [
    ("/etc/mgetty", "etc"),
    ("/var/log/mgetty", "log"),
    ("/run/lock", "locks-of-mgetty"),
    ("/run", "run"),
];

pub(crate) struct Mgetty {
    process: Process,
    log: PathBuf,
}

impl Mgetty {
    /// On a terminal, with mgetty.config, login.config and callback.config.
    pub(crate) fn start(folder: &Folder, terminal: &Path, files: [(&str, &str); 3]) -> Self {
        for (_, ours) in PLACES {
            std::fs::create_dir_all(folder.path(ours)).unwrap();
        }
        std::fs::create_dir_all(folder.path("run/lock")).unwrap();
        for (name, text) in files {
            folder.write(&format!("etc/{name}"), text);
        }
        let name = terminal.strip_prefix("/dev").unwrap().display().to_string();
        let root = folder.as_ref().display();
        let mut script = String::from("set -e; mkdir -p /var/log/mgetty\n");
        for (theirs, ours) in PLACES {
            script += &format!("mount --bind {root}/{ours} {theirs}\n");
        }
        // Not init's child: it has to be made the leader of its session, or it gets no controlling terminal.
        script += &format!("while :; do setsid /sbin/mgetty -D {name} || sleep 0.1; done\n");
        let mut command = Command::new("/usr/bin/unshare");
        command
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["sh", "-c", &script]);
        let process = Process::start("mgetty", &mut command, Ear::Stderr);
        let log = folder.path("log").join(format!("mg_{}.log", name.replace('/', "-")));
        Self { process, log }
    }

    /// Waits until it has logged this.
    pub(crate) fn until_logged(&self, text: &str) {
        self.until_logged_times(text, 1);
    }

    /// The same for so many times.
    #[expect(clippy::disallowed_methods, reason = "a file does not tell that it has grown")]
    pub(crate) fn until_logged_times(&self, text: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.log().matches(text).count() < times {
            assert!(Instant::now() < deadline, "mgetty never logs {text:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read(&self.log)
            .map_or_else(|_| String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Drop for Mgetty {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("-- mgetty's log:\n{}\n", self.log());
        }
        self.process.kill();
    }
}
