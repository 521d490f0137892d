//! A user of the system, with a password, gone with its test.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// The databases of users have one lock, and whoever finds it taken fails.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) password: String,
}

impl Account {
    /// Makes a user with a shell, in these groups beside his own.
    pub(crate) fn new(groups: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("dbtest{}x{count}", std::process::id());
        let password = format!("secret{}", std::process::id());
        let groups = groups.join(",");
        let mut command = Command::new("useradd");
        command.args(["--no-create-home", "--home-dir", "/", "--shell", "/bin/sh"]);
        if !groups.is_empty() {
            command.args(["--groups", &groups]);
        }
        alone(command.arg(&name), "");
        let account = Self { name, password };
        let line = format!("{}:{}\n", account.name, account.password);
        alone(&mut Command::new("chpasswd"), &line);
        account
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // A process of his that still ends must not keep him.
        alone(Command::new("userdel").args(["--force", &self.name]), "");
    }
}

/// Runs a program on the databases of users, again if somebody else has their lock.
#[expect(clippy::disallowed_methods, reason = "that lock tells nobody when it is free")]
fn alone(command: &mut Command, input: &str) {
    let turn = ONE_AT_A_TIME.lock();
    let mut said = String::new();
    for _ in 0..50 {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that fails at once does not read.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            return;
        }
        if !said.contains("lock") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    drop(turn);
    if !std::thread::panicking() {
        // userdel --force tells of what it could not do and has done the rest.
        assert!(command.get_program() == "userdel", "{command:?}: {said}");
    }
}
