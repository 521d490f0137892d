//! `dialback serve` as a process, with its events.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::folder::Folder;
use super::process::{Ear, Process, dialback};

/// A town's clock is fast, and so is the guard time of its modems.
const MODEM: &str =
    r#"modem = { init = ["ATZ", "ATE0Q0V1&C1&D2S0=0"], dial_prefix = "ATDT", guard = "100ms" }"#;

/// A line of the configuration: its name, its port, and more keys (a modem among them instead of the usual one).
pub(crate) type Line<'a> = (&'a str, &'a str, &'a str);

/// Whom the server becomes: it stays root, also on a machine that has a user `dialback`, who could not open the ptys of a
/// town. What splitting changes has tests of its own, which write another name here ([`become_user`]).
const USER: &str = "user = \"root\"";

/// Writes a configuration: lines, the `[callback]` section beside the pauses, login.config.
pub(crate) fn configure(folder: &Folder, lines: &[Line<'_>], callback: &str, login: &str) {
    let root = folder.as_ref().display();
    let mut text = format!(
        r#"
[server]
state_dir = "{root}/state"
control = "{root}/control.sock"
login_config = "{root}/login.config"
lock_dir = "{root}/locks"
issue = "{root}/issue"
host = "orion"
stop_grace = "1s"
{USER}

[callback]
delay = "200ms"
jitter = "0s"
soonest_connect = "0s"
retry = "1s"
{callback}
"#
    );
    for (name, port, more) in lines {
        let modem = if more.contains("modem = ") { "" } else { MODEM };
        text += &format!(
            r#"
[[line]]
name = "{name}"
port = "{port}"
hold_time = "0s"
{modem}
{more}
"#
        );
    }
    folder.write("dialback.toml", &text);
    folder.write("issue", "Welcome\n");
    folder.write("login.config", login);
}

/// Has the server of a configuration become this user, and makes the folder what /etc/dialback and /var/lock are to him.
pub(crate) fn become_user(folder: &Folder, user: &str) {
    let config = folder.path("dialback.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains(USER), "{text}");
    folder.write("dialback.toml", &text.replace(USER, &format!("user = \"{user}\"")));
    for (place, mode) in [(".", 0o755), ("locks", 0o1777)] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path(place), permissions).unwrap();
    }
}

pub(crate) struct Server {
    process: Process,
    control: String,
}

impl Server {
    pub(crate) fn start(folder: &Folder) -> Self {
        Self::start_by(dialback(), folder)
    }

    fn start_by(mut command: Command, folder: &Folder) -> Self {
        command
            .args(["serve", "--log", "json", "--log-level", "debug", "--config"])
            .arg(folder.path("dialback.toml"));
        let process = Process::start("server", &mut command, Ear::Stderr);
        Self { process, control: folder.path("control.sock").display().to_string() }
    }

    /// The same, once this many lines are ready for calls.
    pub(crate) fn ready(folder: &Folder, lines: usize) -> Self {
        Self::start(folder).once_ready(lines)
    }

    /// The same in a network of its own: its devices, addresses and routes are nobody else's.
    pub(crate) fn apart(folder: &Folder, lines: usize) -> Self {
        Self::start_by(Process::dialback_apart(), folder).once_ready(lines)
    }

    /// The same in the network of a process.
    pub(crate) fn beside(other: &Process, folder: &Folder, lines: usize) -> Self {
        let program = dialback().get_program().display().to_string();
        Self::start_by(other.in_its_network(&program), folder).once_ready(lines)
    }

    fn once_ready(mut self, lines: usize) -> Self {
        for _ in 0..lines {
            self.until("line-ready");
        }
        self
    }

    /// The process itself.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits for the next event of this name, and gives it back.
    pub(crate) fn until(&mut self, event: &str) -> Value {
        self.until_one_of(&[event])
    }

    /// Waits for the next event of one of these names, and gives it back.
    pub(crate) fn until_one_of(&mut self, events: &[&str]) -> Value {
        self.process.until(&format!("{events:?}"), |line| {
            let entry: Value = serde_json::from_str(&line.text).ok()?;
            events.iter().any(|event| entry["event"] == *event).then_some(entry)
        })
    }

    /// Waits for the next event, whichever it is.
    pub(crate) fn until_any(&mut self) -> Value {
        self.process.until("any event", |line| {
            let entry: Value = serde_json::from_str(&line.text).ok()?;
            entry["seq"].is_u64().then_some(entry)
        })
    }

    /// Every event up to now.
    pub(crate) fn events(&mut self) -> Vec<Value> {
        self.process
            .said()
            .iter()
            .filter_map(|line| serde_json::from_str(&line.text).ok())
            .filter(|entry: &Value| entry["seq"].is_u64())
            .collect()
    }

    /// Runs the program against this server.
    pub(crate) fn ask(&self, args: &[&str]) -> Output {
        let (command, rest) = args.split_first().unwrap();
        dialback()
            .args([command, "--control", &self.control])
            .args(rest)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The same for JSON lines.
    pub(crate) fn json(&self, args: &[&str]) -> Vec<Value> {
        let mut all = args.to_vec();
        all.push("--json");
        let output = self.ask(&all);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// SIGTERM, and waits for its end.
    pub(crate) fn stop(mut self) {
        self.process.signal("TERM");
        let status = self.process.ended();
        assert_eq!(status.code(), Some(0), "{}", self.process.transcript());
    }

    /// Waits for its own end, with this code.
    pub(crate) fn ended_with(mut self, code: i32) {
        let status = self.process.ended();
        assert_eq!(status.code(), Some(code), "{}", self.process.transcript());
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.process.kill();
    }
}
