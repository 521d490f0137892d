//! `dialback demo` as a person runs it: every story to its end, a failing one, Ctrl-C, and a person at the modem.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test program: a panic is its way to fail"
)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Fast enough for a test, and slow enough for a machine that does other things too.
const SPEED: &str = "12";

/// A folder for temporary files, which the demo must leave as it found it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // A disk gets no faster with the town's clock: where it is busy, half a minute of the town's is too short for it.
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory } else { Path::new("/tmp") };
        let path = base.join(format!("dialback-test-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn demo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dialback"));
        command.arg("demo").args(["--speed", SPEED]).args(args);
        command.env("TMPDIR", &self.0).env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.demo(args).output().unwrap()
    }

    fn assert_empty(&self) {
        let left: Vec<_> = fs::read_dir(&self.0).unwrap().map(|e| e.unwrap().path()).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Runs a story to its end and looks for what it must say, in order.
fn check(variant: &str, wanted: &[&str]) {
    let folder = Folder::new();
    let output = folder.run(&["--variant", variant]);
    let said = String::from_utf8(output.stdout).unwrap();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}{failed}");
    assert_eq!(failed, "", "nothing on stderr");
    let mut rest = said.as_str();
    for text in wanted {
        let Some((_, behind)) = rest.split_once(text) else {
            panic!("{text:?} is missing, or not in its place:\n{said}");
        };
        rest = behind;
    }
    for line in said.lines() {
        assert!(line.chars().count() <= 100, "wider than a page: {line}");
        assert!(line.chars().all(|c| c.is_ascii_graphic() || c == ' '), "not plain: {line:?}");
    }
    folder.assert_empty();
}

#[test]
fn a_caller_who_is_asked_is_called_back_and_logs_in() {
    check(
        "ask",
        &[
            "ATDT5550100",
            "orion: RING",
            "orion: ATA",
            "orion!login: cback",
            "login.config:3: callback",
            "Telephone number for callback:",
            "5550199",
            "APPROVED by rule",
            "caller_numbers.allow \"555*\"",
            "We call you back",
            "waits: hold time 5.0s",
            "dials in",
            "dials 5550199 for p1, try 1",
            "orion: ATDT5550199",
            "| RING",
            "| ATA",
            "promise p1 is kept",
            "orion!login: alice",
            "/bin/sh runs on a pty",
            "Hello alice",
            "orion$ tty",
            "/dev/pts/",
            "orion$ uname -sm",
            "Linux",
            "orion$ exit",
            "NO CARRIER",
            "hung up to call back",
            "the caller was done",
            "Everything happened as it should.",
        ],
    );
}

#[test]
fn a_name_with_a_number_is_enough() {
    check(
        "fixed",
        &[
            "orion!login: alice",
            "login.config:4: callback",
            "APPROVED by rule login.config:4",
            "promise p1: call alice at",
            "dials 5550199 for p1, try 1",
            "promise p1 is kept",
            "orion!login: alice",
            "login.config:5: sh",
            "the caller was done",
            "Everything happened as it should.",
        ],
    );
}

#[test]
fn what_is_no_number_and_what_is_denied_is_refused_and_not_dialled() {
    check(
        "refused",
        &[
            "5550199;H0",
            "REFUSED by rule number.grammar",
            "This is no telephone number",
            "19005550666",
            "caller_numbers.deny \"1900*\"",
            "This number cannot be called",
            "NO CARRIER",
            "no such service",
            "Everything happened as it should.",
        ],
    );
}

#[test]
fn a_busy_line_is_tried_again() {
    check(
        "busy",
        &[
            "APPROVED",
            "dials 5550199 for p1, try 1",
            "alice is engaged",
            "orion: BUSY",
            "tries again in 8.0s",
            "dials 5550199 for p1, try 2",
            "promise p1 is kept",
            "Hello alice",
            "hung up to call back",
            "busy",
            "the caller was done",
            "Everything happened as it should.",
        ],
    );
}

#[test]
fn as_json_every_line_is_a_fact_and_the_journal_is_whole() {
    let folder = Folder::new();
    let output = folder.run(&["--variant", "fixed", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let facts: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")))
        .collect();
    let of = |source: &'static str| facts.iter().filter(move |fact| fact["source"] == source);
    let journal: Vec<u64> = of("journal").map(|fact| fact["seq"].as_u64().unwrap()).collect();
    assert_eq!(journal, (1..=u64::try_from(journal.len()).unwrap()).collect::<Vec<_>>());
    let screen: Vec<&str> = of("screen").map(|fact| fact["text"].as_str().unwrap()).collect();
    for line in ["ATDT5550100", "orion!login: alice", "RING", "orion$ exit", "NO CARRIER"] {
        assert!(screen.contains(&line), "{line:?} is missing: {screen:?}");
    }
    assert!(of("town").any(|fact| fact["event"] == "dialled" && fact["digits"] == "5550199"));
    assert_eq!(of("record").count(), 2);
    let end = facts.last().unwrap();
    assert_eq!((&end["source"], &end["ok"]), (&"end".into(), &true.into()));
}

#[test]
fn a_story_that_goes_wrong_says_why_and_fails() {
    for (fault, why) in [
        ("orion=busy", "heard \"BUSY\""),
        ("orion=mute", "line main: "),
        ("nobody=busy", "nobody: the town has no station of this name"),
    ] {
        let folder = Folder::new();
        let output = folder.run(&["--fault", fault]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{fault}: {told}");
        assert!(told.contains(why), "{fault}: {told}");
        folder.assert_empty();
    }
}

/// A demo that is interrupted sooner or later; killed when dropped.
struct Running {
    process: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn start(folder: &Folder, args: &[&str]) -> Self {
        let mut process =
            folder.demo(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        Self { process, said }
    }

    fn until(&mut self, text: &str) -> String {
        let mut line = String::new();
        while self.said.read_line(&mut line).unwrap() > 0 {
            if line.contains(text) {
                return line;
            }
            line.clear();
        }
        panic!("the demo ended without saying {text:?}");
    }

    fn interrupt(mut self) -> ExitStatus {
        let pid = Pid::from_raw(self.process.id().cast_signed()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        self.process.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn ctrl_c_in_the_middle_of_a_session_leaves_nothing_behind() {
    let folder = Folder::new();
    let mut demo = Running::start(&folder, &["--variant", "fixed"]);
    demo.until("/bin/sh runs on a pty");
    let status = demo.interrupt();
    assert_eq!(status.code(), Some(1));
    folder.assert_empty();
}

#[test]
fn a_person_calls_through_the_pty_until_ctrl_c() {
    let folder = Folder::new();
    let mut demo = Running::start(&folder, &["--interactive"]);
    let told = demo.until("Your modem is ");
    let modem = told.split(' ').find(|word| word.starts_with('/')).unwrap();
    let modem = modem.trim_end_matches(',').to_owned();
    demo.until("line main is ready");
    let mut terminal = open(Path::new(&modem));
    terminal.write_all(b"ATDT5550100\r").unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("orion!login: ") {
        let mut byte = [0];
        terminal.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    drop(terminal);
    assert_eq!(demo.interrupt().code(), Some(0));
    folder.assert_empty();
}

fn open(path: &Path) -> File {
    File::options().read(true).write(true).open(path).unwrap()
}
