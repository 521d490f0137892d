//! `dialback chat` and the real /usr/sbin/chat, run side by side on ptys.
//!
//! Each case of `cases.txt` is carried out by both programs; what they sent, said, wrote and left behind must be equal,
//! and equal to what the table says. Without /usr/sbin/chat ours is still held against the table. With CI=true a
//! missing program is a failure. `CHAT_RECORD=1` writes the table anew from what the real chat does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::needless_pass_by_value,
    reason = "a test program: a panic is its way to fail"
)]

mod line;
mod table;

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use line::Seen;
use table::{Act, Case};

const THEIRS: &str = "/usr/sbin/chat";
const OURS: &str = env!("CARGO_BIN_EXE_dialback");

/// Cases mostly sleep, so many run at once.
const AT_ONCE: usize = 24;

fn table_path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop/chat/cases.txt")
}

fn theirs_is_here() -> bool {
    let here = Path::new(THEIRS).exists();
    assert!(
        here || std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "{THEIRS} is missing, and with CI=true that is a failure: install the package ppp"
    );
    if !here {
        println!("{THEIRS} is missing: only the table was checked (install the package ppp)");
    }
    here
}

/// Runs `work` on every case, many at once, and answers what it said in the table's order.
fn on_all<T: Send>(cases: &[Case], work: impl Fn(&Case) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let said = work(case);
                    done.lock().unwrap().push((case.number, said));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, said)| said).collect()
}

fn ours() -> Command {
    let mut command = Command::new(OURS);
    command.arg("chat");
    command
}

fn theirs() -> Command {
    Command::new(THEIRS)
}

/// Carries out a case. The kernel wakes those who read before it has hung their line up, so that a quick one still finds a
/// terminal there, of chat(8) and ours alike: a run with a hang-up that went otherwise is made twice more.
fn run(program: fn() -> Command, case: &Case) -> Seen {
    let hangs_up = case.peer.iter().any(|act| matches!(act, Act::HangUp));
    let mut seen = line::run(program(), case);
    for _ in 0..2 {
        if !hangs_up || case.wanted.differences(&seen.record()).is_empty() {
            break;
        }
        seen = line::run(program(), case);
    }
    seen
}

/// What is wrong with `case`, in lines.
fn faults(case: &Case, compare: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let mut judge = |who: &str, seen: &Seen| {
        for (what, want, got) in case.wanted.differences(&seen.record()) {
            faults.push(format!("{}: {who}: {what}\n    want {want}\n    got  {got}", case.name));
        }
        faults.extend(seen.notes.iter().map(|note| format!("{}: {who}: {note}", case.name)));
        if let Some(between) = &case.takes
            && !between.contains(&seen.millis)
        {
            faults.push(format!("{}: {who}: took {} ms", case.name, seen.millis));
        }
        if !seen.restored {
            faults.push(format!("{}: {who}: the terminal was left changed", case.name));
        }
    };
    let (our_run, their_run) = thread::scope(|scope| {
        let theirs = (compare && case.differs.is_none()).then(|| scope.spawn(|| run(theirs, case)));
        (run(ours, case), theirs.map(|run| run.join().unwrap()))
    });
    judge("ours", &our_run);
    if let Some(their_run) = their_run {
        judge("theirs", &their_run);
        if our_run.modes != their_run.modes {
            faults.push(format!("{}: terminal modes while it ran differ", case.name));
        }
    }
    faults
}

#[test]
fn ours_does_what_chat_does() {
    let text = std::fs::read_to_string(table_path()).expect("the table of cases");
    let mut cases = table::parse(&text);
    if std::env::var_os("CHAT_RECORD").is_some() {
        let records = on_all(&cases, |case| {
            let program = if case.differs.is_some() { ours() } else { theirs() };
            line::run(program, case).record()
        });
        for (case, record) in cases.iter_mut().zip(records) {
            case.wanted = record;
        }
        std::fs::write(table_path(), table::show(&text, &cases)).expect("the table is written");
    }
    assert!(cases.len() >= 200, "only {} cases: was the table read?", cases.len());
    let compare = theirs_is_here();
    let faults: Vec<String> = on_all(&cases, |case| faults(case, compare)).concat();
    assert!(faults.is_empty(), "{} of {} cases:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

#[test]
fn the_name_chat_is_enough() {
    let folder = line::Folder::new("name");
    let link = folder.path().join("chat");
    std::os::unix::fs::symlink(OURS, &link).unwrap();
    let case = table::parse("[x]\nrun: -x\nexit: 1\nsent:\nstderr:\n").remove(0);
    let seen = line::run(Command::new(&link), &case);
    assert_eq!(seen.exit, "1");
    assert!(seen.stderr.starts_with(b"Usage: PROGRAM [-e]"), "{}", seen.stderr.escape_ascii());
}

#[test]
fn what_follows_the_last_match_stays_on_the_line() {
    use std::io::{Read, Write};
    // A script with much to read ahead, and a peer that says everything at once, PPP included.
    let script = ["-S", "", "\\c", "CONNECT", "\\c", "ogin:--ogin:", "\\c", "ssword:", "\\c"];
    let programs = if theirs_is_here() { vec![ours(), theirs()] } else { vec![ours()] };
    for mut program in programs {
        let (far, near) = line::open_pty();
        line::prepare(&near, "raw");
        let mut far = std::fs::File::from(far);
        let said = b"CONNECT 33600\r\nlogin: Password:~\xff}#\xc0!CONNECT ogin:";
        far.write_all(said).unwrap();
        // All of it must be through the terminal before chat sets ISTRIP: the kernel hands it over a moment after the write.
        line::until_waiting(&near, said.len());
        let end = || std::process::Stdio::from(near.try_clone().unwrap());
        let status = program.args(script).stdin(end()).stdout(end()).status().unwrap();
        assert!(status.success(), "{program:?}: {status}");
        let mut left = [0; 64];
        let got = std::fs::File::from(near).read(&mut left).unwrap();
        assert_eq!(
            left[..got].escape_ascii().to_string(),
            "~\\xff}#\\xc0!CONNECT ogin:",
            "{program:?}"
        );
    }
}
