//! A modem on a pty, played by the test: it hears commands, says results, and carries a call's bytes.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use sys::pty::{Pty, StableName};
use sys::tty::Tty;

/// No step of a test takes as long on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Modem {
    line: File,
    heard: Receiver<Vec<u8>>,
    unread: Vec<u8>,
    /// Keeps the pty from ending while the server has it closed.
    _slave: Tty,
    _name: StableName,
}

impl Modem {
    /// A modem whose port is called `path`.
    pub(crate) fn at(path: &Path) -> Self {
        let (master, slave) = Pty::open().unwrap().into_halves();
        let name = StableName::new(path, slave.path()).unwrap();
        let line = File::from(master.as_fd().try_clone_to_owned().unwrap());
        let mut reading = line.try_clone().unwrap();
        let (tell, heard) = channel();
        std::thread::spawn(move || {
            let mut room = [0; 1024];
            while let Ok(count @ 1..) = reading.read(&mut room) {
                if tell.send(room[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { line, heard, unread: Vec::new(), _slave: slave, _name: name }
    }

    /// Says something, to the server or (online) as the caller.
    pub(crate) fn say(&mut self, text: &str) {
        self.line.write_all(text.as_bytes()).unwrap();
    }

    /// A result code.
    pub(crate) fn result(&mut self, text: &str) {
        self.say(&format!("\r\n{text}\r\n"));
    }

    /// Answers OK to each command until one begins with `wanted`, and gives that back, unanswered.
    pub(crate) fn until_command(&mut self, wanted: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = String::new();
        loop {
            while let Some(end) = self.unread.iter().position(|&byte| byte == b'\r') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                let command = String::from_utf8_lossy(&line).trim().to_owned();
                if command.starts_with(wanted) {
                    return command;
                }
                seen.push_str(&command);
                seen.push('|');
                self.result("OK");
            }
            self.hear(deadline, &format!("the command {wanted} (so far: {seen})"));
        }
    }

    /// Answers OK to whatever command has come, and waits a moment for the next.
    pub(crate) fn answer_all(&mut self) {
        while let Some(end) = self.unread.iter().position(|&byte| byte == b'\r') {
            self.unread.drain(..=end);
            self.result("OK");
        }
        if let Ok(bytes) = self.heard.recv_timeout(Duration::from_millis(20)) {
            self.unread.extend(bytes);
        }
    }

    /// Hears what comes until `wanted` has come, and gives it back with everything before it.
    pub(crate) fn until_text(&mut self, wanted: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = String::from_utf8_lossy(&self.unread).into_owned();
            if let Some(at) = text.find(wanted) {
                let end = at + wanted.len();
                self.unread = text.as_bytes()[end..].to_vec();
                return text[..end].to_owned();
            }
            self.hear(deadline, &format!("{wanted:?} (so far: {text:?})"));
        }
    }

    /// The server hangs up a modem without control lines: `+++`, then `ATH`.
    pub(crate) fn until_hung_up(&mut self) -> String {
        let before = self.until_text("+++");
        self.result("OK");
        self.until_command("ATH");
        self.result("OK");
        before
    }

    fn hear(&mut self, deadline: Instant, what: &str) {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.heard.recv_timeout(left) {
            Ok(bytes) => self.unread.extend(bytes),
            Err(RecvTimeoutError::Timeout) => panic!("waited in vain for {what}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the port is gone before {what}"),
        }
    }
}
