//! The server as a process, with what it says.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::folder::Folder;

/// No step of a test takes as long on the slowest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The built program.
pub(crate) fn dialback() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dialback"))
}

/// Runs the program to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    dialback().args(args).stdin(Stdio::null()).output().unwrap()
}

/// What a run wrote to stdout.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a run wrote to stderr.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    process: Child,
    told: Receiver<String>,
    /// Everything that it has said.
    said: Vec<String>,
    control: String,
}

impl Server {
    pub(crate) fn start(folder: &Folder) -> Self {
        let mut command = dialback();
        command.stdin(Stdio::null());
        Self::start_by(command, folder)
    }

    /// The same, by a command that becomes the program with the arguments that it is given.
    pub(crate) fn start_by(command: Command, folder: &Folder) -> Self {
        Self::start_telling(command, folder, "json")
    }

    /// The same with a log in this format.
    pub(crate) fn start_telling(mut command: Command, folder: &Folder, format: &str) -> Self {
        let mut process = command
            .args(["serve", "--log", format, "--config"])
            .arg(folder.path("dialback.toml"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It holds what the process was given.
        drop(command);
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        let control = folder.path("control.sock").display().to_string();
        Self { process, told, said: Vec::new(), control }
    }

    /// Waits for the next event of this name, and gives it back.
    pub(crate) fn until(&mut self, event: &str) -> Value {
        self.until_line(event, |line| {
            let value: Value = serde_json::from_str(line).ok()?;
            (value.get("event")? == event).then_some(value)
        })
    }

    /// Waits until a line of its log has this text. What it has said so far, from its start.
    pub(crate) fn until_said(&mut self, text: &str) -> String {
        self.until_line(text, |line| line.contains(text).then_some(()));
        self.said.join("\n")
    }

    fn until_line<T>(&mut self, what: &str, fits: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
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
                    panic!("waited in vain for {what}; the server said:\n{}", self.said.join("\n"))
                }
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Runs the program against this server.
    pub(crate) fn ask(&self, args: &[&str]) -> Output {
        self.asker()(args)
    }

    /// The same for another thread.
    pub(crate) fn asker(&self) -> impl Fn(&[&str]) -> Output + Send + 'static {
        let control = self.control.clone();
        move |args| {
            let (command, rest) = args.split_first().unwrap();
            let mut all = vec![*command, "--control", &control];
            all.extend(rest);
            run(&all)
        }
    }

    /// Asks for JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Vec<Value> {
        let mut all = args.to_vec();
        all.push("--json");
        let output = self.ask(&all);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let done = Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        assert!(done.success());
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        // Its stderr closes when it ends; there is no waiting with a time limit in std.
        loop {
            match self.told.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Disconnected) => return self.process.wait().unwrap(),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it does not end; it said:\n{}", self.said.join("\n"))
                }
            }
        }
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A configuration with one line on the port `modem`, and what `more` adds.
pub(crate) fn configure(folder: &Folder, port: &str, more: &str) {
    let root: &Path = folder.as_ref();
    let root = root.display();
    folder.write(
        "dialback.toml",
        &format!(
            r#"
[server]
state_dir = "{root}/state"
control = "{root}/control.sock"
login_config = "{root}/login.config"
lock_dir = "{root}/locks"
issue = "{root}/issue"
host = "orion"
stop_grace = "1s"
# Also where there is a user "dialback": he could not open the pty that is the modem.
user = "root"

[[line]]
name = "main"
port = "{port}"
number = "5550100"
hold_time = "0s"
modem = {{ init = ["ATZ"], guard = "100ms" }}

[callback]
line = "same"
delay = "0s"
jitter = "0s"
soonest_connect = "0s"
{more}
"#
        ),
    );
    folder.write("issue", "Welcome\n");
    folder.write(
        "login.config",
        &format!(
            "fixed - - /usr/sbin/callback -S 5550199\n\
             hello - - /bin/echo hello from a program\n\
             shell - - /bin/sh\n\
             chatty - - {root}/chatty\n\
             * - - /bin/false\n"
        ),
    );
    let chatty = folder.write(
        "chatty",
        "#!/bin/sh\n\
         stty size\n\
         echo \"CONNECT=$CONNECT HOME=$HOME\"\n\
         echo begin\n\
         seq 1 20000\n\
         echo the end\n\
         read answer\n\
         echo \"got $answer\"\n\
         exit 3\n",
    );
    std::fs::set_permissions(&chatty, std::fs::Permissions::from_mode(0o755)).unwrap();
}
