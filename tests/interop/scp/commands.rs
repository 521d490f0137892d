//! What belongs to the command line and not to the language: exit codes, credentials, `check`, what stays unread.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{InputModes, LocalModes, OptionalActions};

use crate::line::{Kind, Scratch, ScratchDirectory, ends, program};

fn run(arguments: &[&str], script: &str) -> Output {
    let script = Scratch::new(script.as_bytes());
    program("run").args(arguments).arg(&script.0).stdin(Stdio::null()).output().unwrap()
}

fn check(arguments: &[&str], files: &[&Path]) -> (Option<i32>, String) {
    let output = program("check").args(arguments).args(files).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/scripts")
}

#[test]
fn wrong_usage_and_missing_files_end_with_two() {
    let table: [(&[&str], &str); 6] = [
        (&[], "required"),
        (&["/nonexistent.scp"], "/nonexistent.scp: reading it:"),
        (&["--limit", "0", "x.scp"], "--limit"),
        (&["--userid", "a", "--userid-env", "B", "x.scp"], "cannot be used with"),
        (&["--speed", "9600", "x.scp"], "--port"),
        (&["--port", "/nonexistent", "/dev/null"], "no procedure main"),
    ];
    for (arguments, wanted) in table {
        let output = program("run").args(arguments).stdin(Stdio::null()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = if wanted == "no procedure main" { 1 } else { 2 };
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(wanted), "{arguments:?}: {told}");
    }
}

#[test]
fn input_and_output_that_break_are_told_as_json_too() {
    let output = run(&["--json", "--port", "/nonexistent"], "proc main\nendproc");
    let told = String::from_utf8(output.stderr).unwrap();
    let json: serde_json::Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert_eq!((json["outcome"].as_str(), json["phase"].as_str()), (Some("error"), None), "{told}");
    assert!(json["message"].as_str().unwrap().contains("/nonexistent"), "{told}");
}

#[test]
fn names_and_passwords_come_from_files_and_the_environment() {
    let secret = Scratch::new(b"s<cr>cret\r\nsecond line\n");
    let script = Scratch::new(
        b"proc main transmit $USERID, raw transmit \"/\" transmit $PASSWORD, raw endproc",
    );
    let output = program("run")
        .args(["--userid-env", "WHO", "--password-file"])
        .args([&secret.0, &script.0])
        .env("WHO", "mary")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "mary/s<cr>cret");
    let missing = run(&["--userid-env", "DIALBACK_NOT_SET"], "proc main\nendproc");
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn what_a_script_sends_is_not_told_but_counted() {
    let output = run(&["-v", "--password", "hunter2"], "proc main\ntransmit $PASSWORD\nendproc");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(":2: sends 7 bytes") && !told.contains("hunter2"), "{told}");
}

#[test]
fn bytes_behind_the_last_wait_stay_in_the_line() {
    let script = Scratch::new(b"proc main\nwaitfor \"go\"\ndelay 1\nendproc");
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let input = theirs.try_clone().unwrap();
    ours.write_all(b"go~\x7f}#").unwrap();
    let status = program("run")
        .arg(&script.0)
        .stdin(std::os::fd::OwnedFd::from(input))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    let mut theirs = theirs;
    let mut rest = [0; 16];
    let length = theirs.read(&mut rest).unwrap();
    assert_eq!(&rest[..length], b"~\x7f}#");
}

#[test]
fn a_terminal_gets_its_settings_back() {
    for (script, code) in [
        ("proc main\nendproc", 0),
        ("proc main\nhalt\nendproc", 5),
        ("proc main\nset ipaddr \"\"\nendproc", 1),
    ] {
        let script = Scratch::new(script.as_bytes());
        let (_ours, input, output) = ends(Kind::Pty);
        let kept = input.try_clone().unwrap();
        let mut modes = rustix::termios::tcgetattr(&kept).unwrap();
        modes.local_modes |= LocalModes::ECHO | LocalModes::ICANON;
        modes.input_modes |= InputModes::ICRNL;
        rustix::termios::tcsetattr(&kept, OptionalActions::Now, &modes).unwrap();
        let before = rustix::termios::tcgetattr(&kept).unwrap();
        let status = program("run")
            .arg(&script.0)
            .stdin(input)
            .stdout(output)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let after = rustix::termios::tcgetattr(&kept).unwrap();
        assert_eq!(status.code(), Some(code));
        assert_eq!(
            (before.local_modes, before.input_modes, before.output_modes, before.control_modes),
            (after.local_modes, after.input_modes, after.output_modes, after.control_modes)
        );
    }
}

/// A pty's master and slave, and a directory for locks.
fn port() -> (sys::pty::PtyMaster, sys::tty::Tty, ScratchDirectory) {
    let (master, slave) = sys::pty::Pty::open().unwrap().into_halves();
    (master, slave, ScratchDirectory::new())
}

#[test]
fn a_port_is_locked_while_a_script_runs_on_it() {
    let (master, slave, locks) = port();
    let script = Scratch::new(b"proc main\ntransmit \"hello\"\nwaitfor \"bye\" until 9\nendproc");
    let mut running = program("run");
    running
        .arg("--port")
        .arg(slave.path())
        .arg("--locks")
        .arg(&locks.0)
        .arg(&script.0)
        .stdin(Stdio::null());
    let mut first = running.spawn().unwrap();
    let mut piece = [0; 64];
    let mut heard = 0;
    while heard < 5 {
        let mut fds = [PollFd::new(&master, PollFlags::IN)];
        rustix::event::poll(&mut fds, None).unwrap();
        heard += rustix::io::read(&master, &mut piece[heard..]).unwrap();
    }
    assert_eq!(&piece[..heard], b"hello");
    let second = running.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(2), "{told}");
    assert!(told.contains("in use by dialback"), "{told}");
    rustix::io::write(&master, b"good bye").unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(0));
    assert_eq!(std::fs::read_dir(&locks.0).unwrap().count(), 0, "the lock is given back");
}

#[test]
fn a_signal_ends_a_script_and_the_terminal_gets_its_settings_back() {
    for (signal, code, wanted) in
        [(Signal::TERM, 2, "ended by SIGTERM"), (Signal::HUP, 3, "the line was lost here")]
    {
        let script = Scratch::new(b"proc main\ntransmit \"x\"\nwaitfor \"never\"\nendproc");
        let (ours, input, output) = ends(Kind::Pty);
        let kept = input.try_clone().unwrap();
        let mut modes = rustix::termios::tcgetattr(&kept).unwrap();
        modes.local_modes |= LocalModes::ECHO;
        rustix::termios::tcsetattr(&kept, OptionalActions::Now, &modes).unwrap();
        let mut command = program("run");
        command.arg(&script.0).stdin(input).stdout(output).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        // What it sends shows that it is waiting, or about to.
        let mut byte = [0];
        rustix::io::read(&ours, &mut byte).unwrap();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let ended = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(code), "{told}");
        assert!(told.contains(wanted), "{told}");
        let after = rustix::termios::tcgetattr(&kept).unwrap();
        assert!(after.local_modes.contains(LocalModes::ECHO));
    }
}

#[test]
fn check_tells_line_column_and_cure() {
    let script = Scratch::new(b"proc main\n  waitfor \"RING\"\n  transmit \"ATA^M\"\nendproc\n");
    let (code, told) = check(&[], &[&script.0]);
    assert_eq!(code, Some(0), "{told}");
    for wanted in
        ["preparing", ":2:11", "^^^^^^", "<cr><lf>RING<cr>", "waits for ever", "2 warnings"]
    {
        assert!(told.contains(wanted), "{wanted} is missing:\n{told}");
    }
    let (code, told) = check(&["--strict", "--json"], &[&script.0]);
    assert_eq!((code, told.lines().count()), (Some(1), 2), "{told}");
    let first: serde_json::Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert_eq!((first["line"].as_u64(), first["column"].as_u64()), (Some(2), Some(3)), "{told}");
    assert!(first["hint"].as_str().is_some_and(|hint| hint.contains("until")), "{told}");
}

#[test]
fn check_fails_for_a_script_that_cannot_run() {
    let script = Scratch::new(b"proc main\n  transmit nam\n  dial 5\nendproc\n");
    let (code, told) = check(&[], &[&script.0]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("2 errors"), "{told}");
    assert_eq!(check(&[], &[Path::new("/nonexistent.scp")]).0, Some(2));
}

#[test]
fn the_examples_are_what_they_say() {
    let (code, told) = check(&["--strict"], &[&examples().join("callback-hardened.scp")]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = check(&[], &[&examples().join("callback.scp")]);
    assert_eq!(code, Some(0), "{told}");
    for trap in ["preparing", "waits for ever", "raw"] {
        assert!(told.contains(trap), "{trap} is missing:\n{told}");
    }
}
