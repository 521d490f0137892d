//! A computer on a pty modem: it runs real chat on it, or a person types.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sys::tty::{Carrier, Flow, LineSettings, Tty};

use super::PATIENCE;
use super::process::{Ear, Process};

pub(crate) struct Terminal {
    tty: Tty,
    line: File,
    unread: Vec<u8>,
    /// Everything that was seen.
    screen: String,
}

impl Terminal {
    /// Opens a modem's port as a terminal program does, so that a lost carrier does not matter to it.
    pub(crate) fn on(port: &Path) -> Self {
        let tty = Tty::open(port).unwrap().reopen().unwrap();
        tty.set(&LineSettings {
            speed: 115_200,
            flow: Flow::None,
            carrier: Carrier::Ignore,
            hang_up_on_close: true,
        })
        .unwrap();
        let line = File::from(tty.as_fd().try_clone_to_owned().unwrap());
        Self { tty, line, unread: Vec::new(), screen: String::new() }
    }

    /// Runs a script by real chat to its end.
    pub(crate) fn chat(&self, script: &[&str]) {
        let mut chat = self.start_chat(script);
        let status = chat.ended();
        assert_eq!(status.code(), Some(0), "chat's log:\n{}", chat.transcript());
    }

    /// Starts a script by real chat.
    pub(crate) fn start_chat(&self, script: &[&str]) -> Process {
        let end = || Stdio::from(self.tty.as_fd().try_clone_to_owned().unwrap());
        let mut command = Command::new("/usr/sbin/chat");
        // -s -S: to stderr and not to syslog.
        command.args(["-v", "-s", "-S"]).args(script).stdout(end());
        Process::on("chat", &mut command, end(), Ear::Stderr)
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.send(text.as_bytes());
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.line.write_all(bytes).unwrap();
    }

    /// Reads until `wanted` has come, and gives it back with everything before it.
    pub(crate) fn until(&mut self, wanted: &str) -> String {
        match self.until_one_of(&[wanted], PATIENCE) {
            Some((_, text)) => text,
            None => panic!("waited in vain for {wanted:?}; the screen:\n{}", self.screen),
        }
    }

    /// Reads until one of these has come, and says which, with everything before it; the first to come counts.
    /// `None`: the time was over.
    pub(crate) fn until_one_of<'a>(
        &mut self,
        wanted: &[&'a str],
        time: Duration,
    ) -> Option<(&'a str, String)> {
        let deadline = Instant::now() + time;
        loop {
            let text = String::from_utf8_lossy(&self.unread).into_owned();
            let found = wanted.iter().filter_map(|&word| Some((text.find(word)?, word))).min();
            if let Some((at, word)) = found {
                let end = at + word.len();
                self.unread = text.as_bytes()[end..].to_vec();
                return Some((word, text[..end].to_owned()));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(&self.line, PollFlags::IN)];
            let left = Timespec::try_from(left).unwrap();
            if poll(&mut fds, Some(&left)).unwrap() == 0 {
                return None;
            }
            let mut room = [0; 1024];
            let count = self.line.read(&mut room).unwrap();
            assert!(count > 0, "hung up before {wanted:?}; the screen:\n{}", self.screen);
            self.unread.extend(&room[..count]);
            self.screen.push_str(&String::from_utf8_lossy(&room[..count]));
        }
    }

    /// Everything that was seen.
    pub(crate) fn screen(&self) -> &str {
        &self.screen
    }
}
