//! `dialback dial` as a process: what its user sees, types, and is told.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::rig::PATIENCE;
use crate::rig::folder::Folder;
use crate::rig::process::dialback;
use crate::rig::town::Town;

pub(crate) struct Caller {
    child: Child,
    stdin: ChildStdin,
    screen: Arc<Mutex<String>>,
    told: Arc<Mutex<String>>,
    seen: usize,
}

/// Gathers what a pipe says.
fn gather(mut pipe: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let all = Arc::new(Mutex::new(String::new()));
    let told = Arc::clone(&all);
    std::thread::spawn(move || {
        let mut room = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut room) {
            told.lock().unwrap().push_str(&String::from_utf8_lossy(&room[..count]));
        }
    });
    all
}

impl Caller {
    /// On alice's modem.
    pub(crate) fn start(folder: &Folder, town: &Town, args: &[&str], more: &[&str]) -> Self {
        Self::on(folder, town.port("alice"), &[args, more].concat())
    }

    /// On any port.
    pub(crate) fn on(folder: &Folder, port: &str, args: &[&str]) -> Self {
        let mut child = dialback()
            .args(["dial", "--json", "--lock-dir"])
            .arg(folder.path("locks"))
            .args(["--port", port])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let screen = gather(child.stdout.take().unwrap());
        let told = gather(child.stderr.take().unwrap());
        Self { child, stdin, screen, told, seen: 0 }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn say(&mut self, keys: &str) {
        self.stdin.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen shows this, behind what was waited for before.
    pub(crate) fn until_screen(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen.lock().unwrap().clone();
            if let Some(at) = screen.get(self.seen..).unwrap_or_default().find(text) {
                self.seen += at + text.len();
                return;
            }
            assert!(
                Instant::now() < deadline && self.child.try_wait().unwrap().is_none(),
                "the screen never shows {text:?}; it shows:\n{screen}\nand was told:\n{}",
                self.told()
            );
            pause();
        }
    }

    /// Waits for a stage.
    pub(crate) fn until_stage(&self, stage: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.stages().iter().any(|told| told == stage) {
            assert!(Instant::now() < deadline, "never {stage}; told:\n{}", self.told());
            pause();
        }
    }

    /// Waits for its end, and for this exit code.
    pub(crate) fn until_ended(&mut self, code: i32) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What it said last is still on its way.
                while Arc::strong_count(&self.told) > 1 {
                    pause();
                }
                assert_eq!(status.code(), Some(code), "{}", self.told());
                return;
            }
            assert!(Instant::now() < deadline, "it does not end; it said:\n{}", self.told());
            pause();
        }
    }

    /// Everything on stderr.
    pub(crate) fn told(&self) -> String {
        self.told.lock().unwrap().clone()
    }

    /// The stages, in order.
    pub(crate) fn stages(&self) -> Vec<String> {
        self.told()
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .map(|event| event["event"].as_str().unwrap().to_owned())
            .filter(|event| event != "note" && event != "ended")
            .collect()
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A pipe's reader does not tell that it has more.
fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}
