//! A process whose lines are heard as they come, each with the time of its coming. It ends with its test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::PATIENCE;

/// The built program.
pub(crate) fn dialback() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dialback"))
}

pub(crate) struct Line {
    pub(crate) at: Instant,
    pub(crate) text: String,
}

/// What a process is heard by.
#[derive(Clone, Copy)]
pub(crate) enum Ear {
    Stdout,
    Stderr,
}

pub(crate) struct Process {
    name: &'static str,
    child: Child,
    told: Receiver<Line>,
    said: Vec<Line>,
}

impl Process {
    pub(crate) fn start(name: &'static str, command: &mut Command, ear: Ear) -> Self {
        Self::on(name, command, Stdio::null(), ear)
    }

    /// The same with this standard input.
    pub(crate) fn on(name: &'static str, command: &mut Command, stdin: Stdio, ear: Ear) -> Self {
        command.stdin(stdin);
        match ear {
            Ear::Stdout => command.stdout(Stdio::piped()),
            Ear::Stderr => command.stderr(Stdio::piped()),
        };
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{name}: {e}"));
        let pipe: Box<dyn Read + Send> = match ear {
            Ear::Stdout => Box::new(child.stdout.take().unwrap()),
            Ear::Stderr => Box::new(child.stderr.take().unwrap()),
        };
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for text in BufReader::new(pipe).lines().map_while(Result::ok) {
                if tell.send(Line { at: Instant::now(), text }).is_err() {
                    return;
                }
            }
        });
        Self { name, child, told, said: Vec::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The built program in a network of its own: its devices, addresses and routes are nobody else's.
    pub(crate) fn dialback_apart() -> Command {
        let mut command = Command::new("/usr/bin/unshare");
        command.args(["--net", "sh", "-c", r#"ip link set lo up; exec "$0" "$@""#]);
        command.arg(dialback().get_program());
        command
    }

    /// A network of its own with nobody in it yet: it lasts as long as this.
    pub(crate) fn network() -> Self {
        let mut command = Command::new("/usr/bin/unshare");
        command.args(["--net", "sh", "-c", "ip link set lo up; echo up; exec sleep 600"]);
        let mut process = Self::start("network", &mut command, Ear::Stdout);
        process.until("the network", |line| (line.text == "up").then_some(()));
        process
    }

    /// A command in its network.
    pub(crate) fn in_its_network(&self, program: &str) -> Command {
        let mut command = Command::new("/usr/bin/nsenter");
        command.args([&format!("--net=/proc/{}/ns/net", self.pid()), program]);
        command
    }

    /// Waits for the next line that fits, and gives back what was found in it.
    pub(crate) fn until<T>(&mut self, what: &str, fits: impl FnMut(&Line) -> Option<T>) -> T {
        self.until_within(PATIENCE, what, fits)
    }

    /// The same for a step that takes longer than others.
    pub(crate) fn until_within<T>(
        &mut self,
        time: Duration,
        what: &str,
        mut fits: impl FnMut(&Line) -> Option<T>,
    ) -> T {
        let (name, deadline) = (self.name, Instant::now() + time);
        loop {
            match self.told.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let found = fits(&line);
                    self.said.push(line);
                    if let Some(found) = found {
                        return found;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("{name}: waited in vain for {what}; it said:\n{}", self.transcript())
                }
            }
        }
    }

    /// Everything that it has said up to now.
    pub(crate) fn said(&mut self) -> &[Line] {
        self.said.extend(self.told.try_iter());
        &self.said
    }

    /// The same as one text.
    pub(crate) fn transcript(&mut self) -> String {
        let lines: Vec<&str> = self.said().iter().map(|line| line.text.as_str()).collect();
        lines.join("\n")
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let done = Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        assert!(done.success(), "{}: kill -s {name} {pid}", self.name);
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let (name, deadline) = (self.name, Instant::now() + PATIENCE);
        // What it is heard by closes when it ends; there is no waiting with a time limit in std.
        loop {
            match self.told.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().unwrap(),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{name} does not end; it said:\n{}", self.transcript())
                }
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let name = self.name;
            println!("-- {name} said:\n{}\n", self.transcript());
        }
        self.kill();
    }
}
