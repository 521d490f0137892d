//! Least privilege on the running server: started as root it splits, and each half is looked at from outside, by what
//! the kernel says of it; then either half is killed, asked for what it must not do, or told to read its files again.
//!
//! What a confined process can still do is tried beside this, by the program's own tests (`launcher::tests`), which
//! apply the same confinement to a child of theirs.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "a test program: a panic is its way to fail, printing its way to say what was skipped"
)]

mod called_back;
mod fail_open;
mod hostile;
mod killed;
#[path = "../interop/rig/mod.rs"]
mod rig;
mod rights;

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use rig::PATIENCE;
use rig::folder::Folder;
use rig::town::Town;

/// Whom the server becomes: a user that every Debian has, in place of `dialback`.
const USER: &str = "uucp";

/// Faster than telephones, as in the interop tests.
const SCALE: u32 = 60;

/// A town with an office and a caller, and a configuration with this login.config for a server that becomes [`USER`].
fn stage(folder: &Folder, login: &str) -> Town {
    let stations = [("office", "5550100", "rfc2217"), ("alice", "5550199", "pty")];
    let town = Town::with(folder, SCALE, &stations);
    configure(folder, &town, login);
    town
}

fn configure(folder: &Folder, town: &Town, login: &str) {
    let (root, port) = (folder.as_ref().display(), town.port("office"));
    let text = format!(
        r#"
[server]
state_dir = "{root}/state"
control = "{root}/control.sock"
login_config = "{root}/login.config"
lock_dir = "{root}/locks"
issue = ""
host = "orion"
stop_grace = "1s"
kill_grace = "1s"
user = "{USER}"

[audit]
anchor_file = "{root}/anchors"

[[line]]
name = "office"
port = "{port}"
hold_time = "0s"
modem = {{ init = ["ATZ", "ATE0Q0V1&C1&D2S0=0"], dial_prefix = "ATDT", guard = "100ms" }}
"#
    );
    folder.write("dialback.toml", &text);
    folder.write("login.config", login);
    // As /etc/dialback and /var/lock are.
    mode(folder, ".", 0o755);
    mode(folder, "locks", 0o1777);
}

fn mode(folder: &Folder, name: &str, mode: u32) {
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(folder.path(name), permissions).unwrap();
}

/// A field of /proc/PID/status.
fn status(pid: u32, field: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let of = |line: &str| Some(line.strip_prefix(field)?.strip_prefix(':')?.trim().to_owned());
    text.lines().find_map(of).unwrap_or_else(|| panic!("{field} of {pid}"))
}

/// Waits until a process has gone: the kernel says so, whoever its parent is.
fn gone(name: &str, pid: &str) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    let number = Pid::from_raw(pid.parse().unwrap()).unwrap();
    let process = match pidfd_open(number, PidfdFlags::empty()) {
        Ok(process) => process,
        Err(e) if e == rustix::io::Errno::SRCH => return,
        Err(e) => panic!("{name} ({pid}): {e}"),
    };
    let patience = Timespec::try_from(PATIENCE).unwrap();
    let mut fds = [PollFd::new(&process, PollFlags::IN)];
    let ended = poll(&mut fds, Some(&patience)).unwrap();
    assert_eq!(ended, 1, "waited in vain for the end of {name} ({pid})");
}

/// Waits until something is so that nobody tells.
fn soon(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let (_keep, wait) = std::sync::mpsc::channel::<()>();
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        let _none_comes = wait.recv_timeout(Duration::from_millis(20));
    }
}
