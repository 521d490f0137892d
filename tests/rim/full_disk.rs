//! What commands do when what they say can't be written: a full disk is told, a reader that has gone is not.

use std::fs::OpenOptions;
use std::process::{Output, Stdio};

use crate::folder::Folder;
use crate::server::{Server, configure, dialback, run, stderr};

/// Runs the program with stdout on a full disk.
fn on_full_disk(args: &[&str]) -> Output {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    dialback().args(args).stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).output().unwrap()
}

/// Runs the program with stdout a pipe that nobody reads.
fn with_no_reader(args: &[&str]) -> Output {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = dialback();
    command.args(args).stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
    command.output().unwrap()
}

/// EX_IOERR of sysexits(3).
const INPUT_OUTPUT: i32 = 74;

fn is_told(args: &[&str]) {
    let full = on_full_disk(args);
    let told = stderr(&full);
    assert_eq!(full.status.code(), Some(INPUT_OUTPUT), "{args:?}: {told}");
    assert_eq!(told.matches("No space left on device").count(), 1, "{args:?}: {told}");
}

/// Each of these commands succeeds where it can write.
fn check(commands: &[Vec<&str>]) {
    for args in commands {
        let well = run(args);
        assert!(well.status.success() && !well.stdout.is_empty(), "{args:?}: {}", stderr(&well));
        is_told(args);
        let unread = with_no_reader(args);
        assert_eq!(stderr(&unread), stderr(&well), "{args:?}");
        assert_eq!(unread.status.code(), Some(0), "{args:?}");
    }
}

#[test]
fn a_full_disk_is_told_by_every_command_and_a_reader_that_has_gone_by_none() {
    let folder = Folder::new();
    configure(&folder, "sim:main", "");
    let config = folder.path("dialback.toml").display().to_string();
    let script = folder.write("mary.scp", "proc main\n  waitfor \"login:\"\nendproc\n");
    let script = script.display().to_string();
    check(&[
        vec!["--help"],
        vec!["--version"],
        vec!["calls", "--help"],
        vec!["check", "--config", &config],
        vec!["generate", "completions", "bash"],
        vec!["user", "list", "--json", "--config", &config],
        vec!["scp", "check", "--json", &script],
    ]);
    // It fails by itself too: nothing of that may be taken for the whole.
    for form in [None, Some("--json")] {
        let mut args =
            vec!["rehearse", &script, "--config", &config, "--user", "hello", "--password", "x"];
        args.extend(form);
        is_told(&args);
    }
}

#[test]
fn whoever_asks_a_server_on_a_full_disk_is_told_too() {
    let folder = Folder::new();
    configure(&folder, "tcp://127.0.0.1:9", "");
    let mut server = Server::start(&folder);
    server.until("server-started");
    let control = folder.path("control.sock").display().to_string();
    let journal = folder.path("state/journal.db").display().to_string();
    let asked = |words: &[&'static str]| {
        let (command, rest) = words.split_first().unwrap();
        let mut all = vec![*command, "--control", &control];
        all.extend(rest);
        all
    };
    check(&[
        asked(&["status"]),
        asked(&["status", "--json"]),
        asked(&["lines"]),
        asked(&["log"]),
        asked(&["log", "--json"]),
        vec!["audit", "verify", &journal],
        vec!["audit", "export", "--file", &journal],
    ]);
}
