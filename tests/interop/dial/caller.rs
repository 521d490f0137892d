//! `dialback dial` as a process: what its user sees, types, and is told.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use serde_json::Value;

use crate::rig::PATIENCE;
use crate::rig::folder::Folder;
use crate::rig::process::dialback;
use crate::rig::town::Town;

pub(crate) struct Caller {
    child: Child,
    stdin: ChildStdin,
    screen: Arc<Heard>,
    told: Arc<Heard>,
    seen: usize,
}

/// What a pipe has said, and whoever waits for more of it.
#[derive(Default)]
struct Heard {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Clone, Default)]
struct Said {
    text: String,
    /// There will be no more: whoever wrote has ended.
    over: bool,
}

impl Heard {
    /// Gathers what a pipe says.
    fn gather(mut pipe: impl Read + Send + 'static) -> Arc<Self> {
        let all = Arc::new(Self::default());
        let told = Arc::clone(&all);
        std::thread::spawn(move || {
            let mut room = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut room) {
                told.said.lock().unwrap().text += &String::from_utf8_lossy(&room[..count]);
                told.more.notify_all();
            }
            told.said.lock().unwrap().over = true;
            told.more.notify_all();
        });
        all
    }

    /// Waits until what was said is as wanted, or nothing more can come; gives it back.
    fn until(&self, is_so: impl Fn(&Said) -> bool) -> Said {
        let deadline = Instant::now() + PATIENCE;
        let mut said = self.said.lock().unwrap();
        while !is_so(&said) && !said.over {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            said = self.more.wait_timeout(said, left).unwrap().0;
        }
        said.clone()
    }

    fn text(&self) -> String {
        self.said.lock().unwrap().text.clone()
    }
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
        let screen = Heard::gather(child.stdout.take().unwrap());
        let told = Heard::gather(child.stderr.take().unwrap());
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
        let found = |said: &Said| said.text.get(self.seen..).unwrap_or_default().find(text);
        let said = self.screen.until(|said| found(said).is_some());
        match found(&said) {
            Some(at) => self.seen += at + text.len(),
            None => panic!(
                "the screen never shows {text:?}; it shows:\n{}\nand was told:\n{}",
                said.text,
                self.told()
            ),
        }
    }

    /// Waits for a stage.
    pub(crate) fn until_stage(&self, stage: &str) {
        let there = |said: &Said| stages_of(&said.text).iter().any(|told| told == stage);
        let said = self.told.until(there);
        assert!(there(&said), "never {stage}; told:\n{}", said.text);
    }

    /// Waits for its end, and for this exit code.
    pub(crate) fn until_ended(&mut self, code: i32) {
        let said = self.told.until(|said| said.over);
        assert!(said.over, "it does not end; it said:\n{}", said.text);
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(code), "{}", said.text);
    }

    /// Everything on stderr.
    pub(crate) fn told(&self) -> String {
        self.told.text()
    }

    /// The stages, in order.
    pub(crate) fn stages(&self) -> Vec<String> {
        stages_of(&self.told())
    }
}

fn stages_of(told: &str) -> Vec<String> {
    told.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|event| event["event"].as_str().unwrap().to_owned())
        .filter(|event| event != "note" && event != "ended")
        .collect()
}

impl Drop for Caller {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
