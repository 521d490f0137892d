//! A computer on a pty modem: it runs real chat on it, or a person types.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

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
        self.line.write_all(text.as_bytes()).unwrap();
    }

    /// Reads until `wanted` has come, and gives it back with everything before it.
    pub(crate) fn until(&mut self, wanted: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = String::from_utf8_lossy(&self.unread).into_owned();
            if let Some(at) = text.find(wanted) {
                let end = at + wanted.len();
                self.unread = text.as_bytes()[end..].to_vec();
                return text[..end].to_owned();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(&self.line, PollFlags::IN)];
            let left = Timespec::try_from(left).unwrap();
            let ready = poll(&mut fds, Some(&left)).unwrap();
            assert!(ready > 0, "waited in vain for {wanted:?}; the screen:\n{}", self.screen);
            let mut room = [0; 1024];
            let count = self.line.read(&mut room).unwrap();
            assert!(count > 0, "hung up before {wanted:?}; the screen:\n{}", self.screen);
            self.unread.extend(&room[..count]);
            self.screen.push_str(&String::from_utf8_lossy(&room[..count]));
        }
    }
}
