//! Programs started on real ptys: what they find, what they inherit (nothing), and how they end.
//!
//! What needs root is said in print where it is left out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test's own functions fail by panicking"
)]

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::time::Duration;

use dialback_sys::async_fd::AsyncPty;
use dialback_sys::launch::{Ended, Launch, LaunchFault, Launched, Launcher, Step, UtmpEntry};
use dialback_sys::lock::{self, Holder, Lock, LockState};
use dialback_sys::pty::Pty;
use dialback_sys::tty::{Access, Carrier, Tty};
use dialback_sys::utmp;
use rustix::event::{PollFd, PollFlags, Timespec};

const HELPER: &str = env!("CARGO_BIN_EXE_dialback-exec-line");

/// Longest a test waits for the kernel: it is never reached unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

fn launch(pty: &Pty, script: &str) -> Launch {
    Launch {
        program: PathBuf::from("/bin/sh"),
        arguments: vec!["-c".into(), script.into()],
        environment: vec![("PATH".into(), "/usr/bin:/bin".into()), ("LINE".into(), "one".into())],
        user: None,
        tty: pty.slave().path().to_owned(),
        device: pty.slave().device(),
        carriage_return: true,
        raw: false,
        carrier: Carrier::Watch,
        access: None,
        utmp: None,
    }
}

struct Ran {
    said: String,
    ended: Ended,
    pid: u32,
    warnings: Vec<String>,
}

/// Starts it, reads all it says, waits for its end.
async fn run_with(launcher: &Launcher, pty: Pty, launch: &Launch) -> Ran {
    let launched = launcher.start(launch).await.unwrap();
    see_through(launched, pty).await
}

/// Reads all it says, waits for its end.
async fn see_through(mut launched: Launched, pty: Pty) -> Ran {
    let work = async {
        let (master, slave) = pty.into_halves();
        let master = AsyncPty::new(master).unwrap();
        drop(slave);
        let mut said = Vec::new();
        let mut room = [0; 512];
        loop {
            let count = master.read_some(&mut room).await.unwrap();
            if count == 0 {
                break;
            }
            said.extend_from_slice(&room[..count]);
        }
        let ended = launched.wait().await.unwrap();
        assert_eq!(launched.wait().await.unwrap(), ended, "asking again gives the same answer");
        let said = String::from_utf8(said).unwrap();
        Ran { said, ended, pid: launched.pid(), warnings: launched.warnings().to_vec() }
    };
    tokio::time::timeout(PATIENCE, work).await.expect("the program ended")
}

async fn run(change: impl FnOnce(&mut Launch), script: &str) -> Ran {
    let pty = Pty::open().unwrap();
    let mut launch = launch(&pty, script);
    change(&mut launch);
    run_with(&Launcher::at(HELPER), pty, &launch).await
}

/// Starts it and waits until it has said `ready`.
async fn start_until_ready(script: &str) -> (Launched, AsyncPty) {
    let pty = Pty::open().unwrap();
    let launched = Launcher::at(HELPER).start(&launch(&pty, script)).await.unwrap();
    let (master, slave) = pty.into_halves();
    drop(slave);
    let master = AsyncPty::new(master).unwrap();
    let mut said = Vec::new();
    let mut room = [0; 512];
    let wait = async {
        while !String::from_utf8_lossy(&said).contains("ready") {
            let count = master.read_some(&mut room).await.unwrap();
            assert!(count > 0, "it ended early: {said:?}");
            said.extend_from_slice(&room[..count]);
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it said so");
    (launched, master)
}

async fn end_of(launched: &mut Launched) -> Ended {
    tokio::time::timeout(PATIENCE, launched.wait()).await.expect("it ended").unwrap()
}

fn is_root() -> bool {
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if !root {
        eprintln!("not root: nothing was tried");
    }
    root
}

/// A directory of the test's own, for everybody to enter; removed when dropped.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("dialback-launch-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        Self(path)
    }

    /// A parent with everything that must not pass: ignored and blocked signals, open files, groups, variables.
    fn leaky_launcher(&self) -> Launcher {
        let groups = if is_root() { "/usr/bin/setpriv --groups 4,27 " } else { "" };
        let signals = "--block-signal=HUP,USR1,RTMIN --ignore-signal=HUP,INT,USR2,PIPE";
        Launcher::at(self.script(
            "parent",
            &format!(
                "#!/bin/sh\nexec 8</etc/group 9</etc/passwd\numask 077\nexport LEAK=1\n\
                 exec {groups}/usr/bin/env {signals} {HELPER} \"$@\"\n"
            ),
        ))
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        // Closed before it is run: a program that is open for writing is "busy".
        std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn the_program_leads_a_session_of_its_own_on_its_terminal() {
    // Fields of proc(5) stat after the name: state ppid pgrp session tty_nr tpgid.
    let ran = run(|_| {}, "echo $$; sed 's/.*) //' /proc/$$/stat; tty; exit 3").await;
    let lines: Vec<_> = ran.said.lines().collect();
    assert_eq!(ran.ended, Ended::Exited(3), "{}", ran.said);
    assert_eq!(lines[0], ran.pid.to_string());
    let stat: Vec<_> = lines[1].split(' ').collect();
    assert_eq!(stat[2], lines[0], "process group");
    assert_eq!(stat[3], lines[0], "session");
    assert_ne!(stat[4], "0", "controlling terminal");
    assert!(lines[2].starts_with("/dev/pts/"), "{}", ran.said);
}

#[tokio::test]
async fn nothing_of_ours_is_inherited() {
    let dir = Dir::new("inherit");
    let launcher = dir.leaky_launcher();
    let script = "grep -E '^(Sig(Blk|Ign|Cgt)|Groups)' /proc/self/status; umask; pwd
        echo open; ls -1 /proc/$$/fd; echo that is all
        tr '\\0' '|' </proc/$$/environ; echo";
    let pty = Pty::open().unwrap();
    let launch = launch(&pty, script);
    let ran = run_with(&launcher, pty, &launch).await;
    let says = |text: &str| ran.said.lines().any(|line| line.trim_end() == text);
    assert!(says("SigBlk:\t0000000000000000"), "{}", ran.said);
    assert!(says("SigIgn:\t0000000000000000"), "{}", ran.said);
    if is_root() {
        assert!(says("Groups:"), "no group of ours: {}", ran.said);
    }
    assert!(says("0022") && says("/"), "{}", ran.said);
    let from_there = ran.said.lines().skip_while(|line| *line != "open").skip(1);
    let open: Vec<_> = from_there.take_while(|line| *line != "that is all").collect();
    assert_eq!(open, ["0", "1", "2"], "{open:?} {}", ran.said);
    assert!(says("PATH=/usr/bin:/bin|LINE=one|"), "{}", ran.said);
}

#[tokio::test]
async fn a_named_user_gets_his_ids_his_groups_and_no_way_back() {
    if !is_root() {
        return;
    }
    let access = Access { uid: 65_534, gid: 5, mode: 0o600 };
    let dir = Dir::new("user");
    let script = "id -u; id -g; id -G; grep -E '^(Uid|CapEff|CapPrm)' /proc/self/status
        stat -Lc '%u %g %a' /dev/fd/0; pwd";
    let pty = Pty::open().unwrap();
    let mut launch = launch(&pty, script);
    launch.user = Some("nobody".into());
    launch.access = Some(access);
    let ran = run_with(&dir.leaky_launcher(), pty, &launch).await;
    let lines: Vec<_> = ran.said.lines().collect();
    assert_eq!(lines[..3], ["65534", "65534", "65534"], "{}", ran.said);
    assert_eq!(lines[3], "Uid:\t65534\t65534\t65534\t65534");
    assert_eq!(lines[4], "CapPrm:\t0000000000000000");
    assert_eq!(lines[5], "CapEff:\t0000000000000000");
    assert_eq!(lines[6], "65534 5 600");
    assert_eq!(lines[7], "/", "nobody has no home");
    assert!(ran.warnings[0].contains("starting in / instead"), "{:?}", ran.warnings);
}

#[tokio::test]
async fn a_lost_carrier_ends_the_session_at_once() {
    // A pty's carrier is its master. The shell stays in the foreground with a child.
    let (mut launched, master) = start_until_ready("echo ready; sleep 60; echo not reached").await;
    drop(master);
    assert_eq!(end_of(&mut launched).await, Ended::Killed(1), "SIGHUP");
}

#[tokio::test]
async fn hanging_up_reaches_every_process_of_the_session_also_stopped_ones() {
    let (mut launched, _master) = start_until_ready("echo ready; kill -STOP $$; sleep 60").await;
    let stat = format!("/proc/{}/stat", launched.pid());
    let stopped = async {
        while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, stopped).await.expect("it stopped");
    launched.hang_up().unwrap();
    assert_eq!(end_of(&mut launched).await, Ended::Killed(1), "SIGHUP");
}

#[tokio::test]
async fn a_program_that_ignores_the_hang_up_is_killed() {
    let script = "trap '' HUP; echo ready; while :; do sleep 60; done";
    let (mut launched, _master) = start_until_ready(script).await;
    launched.hang_up().unwrap();
    let still = tokio::time::timeout(Duration::from_millis(100), launched.wait()).await;
    assert!(still.is_err(), "it goes on");
    launched.kill().unwrap();
    assert_eq!(end_of(&mut launched).await, Ended::Killed(9));
}

#[tokio::test]
async fn what_a_program_leaves_in_its_session_is_hung_up() {
    // The job is in a group of its own (set -m), so the kernel's SIGHUP to the foreground misses it; it
    // keeps the terminal open, so the end of the output shows that it is gone.
    let (mut launched, master) = start_until_ready("set -m; sleep 60 & echo ready").await;
    assert_eq!(end_of(&mut launched).await, Ended::Exited(0));
    let mut room = [0; 512];
    let until_the_end = async { while master.read_some(&mut room).await.unwrap() > 0 {} };
    tokio::time::timeout(PATIENCE, until_the_end).await.expect("the job is gone");
}

#[tokio::test]
async fn what_cannot_be_started_is_said_precisely() {
    type Change = fn(&mut Launch);
    let table: [(Change, Step, &str); 6] = [
        (|l| l.program = "/bin/no-such".into(), Step::Program, "/bin/no-such: No such file"),
        (|l| l.program = "/etc/passwd".into(), Step::Program, "/etc/passwd: Permission denied"),
        (|l| l.program = "sh".into(), Step::Request, "sh: not an absolute path"),
        (|l| l.user = Some("no-such-user".into()), Step::User, "no-such-user: no such user"),
        (|l| l.device += 1, Step::Terminal, "is another device now"),
        (|l| l.environment.push(("A=B".into(), "".into())), Step::Request, "has no ="),
    ];
    for (change, at, words) in table {
        let pty = Pty::open().unwrap();
        let mut launch = launch(&pty, "true");
        change(&mut launch);
        match Launcher::at(HELPER).start(&launch).await {
            Err(LaunchFault::Failed { step, text, .. }) => {
                assert_eq!(step, at, "{text}");
                assert!(text.contains(words), "{text}");
            }
            other => panic!("{words}: {other:?}"),
        }
        Tty::open(pty.slave().path()).expect("the line is there for the next one");
    }
    let pty = Pty::open().unwrap();
    let fault = Launcher::at("/no/helper").start(&launch(&pty, "true")).await.unwrap_err();
    assert!(matches!(fault, LaunchFault::Helper { .. }), "{fault}");
    // One that ends without a word has started nothing.
    let fault = Launcher::at("/bin/true").start(&launch(&pty, "true")).await.unwrap_err();
    assert!(fault.to_string().contains("ended before"), "{fault}");
}

#[tokio::test]
async fn a_second_session_cannot_have_the_first_ones_terminal() {
    let pty = Pty::open().unwrap();
    let launcher = Launcher::at(HELPER);
    let first = launch(&pty, "exec sleep 60");
    let mut launched = launcher.start(&first).await.unwrap();
    let fault = launcher.start(&first).await.unwrap_err().to_string();
    assert!(fault.contains("another session still has it"), "{fault}");
    launched.kill().unwrap();
    assert_eq!(end_of(&mut launched).await, Ended::Killed(9));
}

#[tokio::test]
async fn the_lock_names_the_program_while_it_has_the_line_and_comes_back() {
    let dir = Dir::new("lock");
    let pty = Pty::open().unwrap();
    let device = pty.slave().path().to_owned();
    let state = || lock::state(&dir.0, &device).unwrap();
    let mut held = Lock::take(&dir.0, &device).unwrap();
    let mut launch = launch(&pty, "cat \"$1\"; exit 0");
    launch.arguments.extend(["sh".into(), held.path().into()]);
    let launcher = Launcher::at(HELPER);
    let launched = launcher.start_with_lock(&launch, &mut held).await.unwrap();
    let ran = see_through(launched, pty).await;
    assert_eq!(ran.said, format!("{:>10}\r\n", ran.pid), "its own number, as pppd looks for it");
    assert_eq!(state(), LockState::Stale { pid: ran.pid });
    held.reclaim().unwrap();
    let ours = |state| matches!(state, LockState::Held(Holder { ours: true, .. }));
    assert!(ours(state()));

    // A program that removes the file makes no difference.
    let pty = Pty::open().unwrap();
    (launch.tty, launch.device) = (pty.slave().path().to_owned(), pty.slave().device());
    launch.arguments = vec!["-c".into(), "rm \"$1\"".into(), "sh".into(), held.path().into()];
    let launched = launcher.start_with_lock(&launch, &mut held).await.unwrap();
    see_through(launched, pty).await;
    assert_eq!(state(), LockState::Free);
    held.reclaim().unwrap();
    assert!(ours(state()));

    // One that is not started gives it back by itself; one that is somebody else's is refused and kept.
    let pty = Pty::open().unwrap();
    (launch.tty, launch.device) = (pty.slave().path().to_owned(), pty.slave().device());
    launch.program = "/bin/no-such".into();
    launcher.start_with_lock(&launch, &mut held).await.unwrap_err();
    assert!(ours(state()));
    std::fs::write(held.path(), "         1\n").unwrap();
    let fault = launcher.start_with_lock(&launch, &mut held).await.unwrap_err().to_string();
    assert!(fault.contains("taking the lock over"), "{fault}");
    drop(held);
    assert!(matches!(state(), LockState::Held(Holder { pid: 1, .. })));
}

#[tokio::test]
async fn arguments_and_carriage_returns_arrive_as_they_are() {
    let odd: OsString = "two  words; $HOME `id` \"'".into();
    let wanted = odd.to_str().unwrap().to_owned();
    let ran = run(
        move |launch| launch.arguments.extend(["name".into(), odd]),
        "printf '%s\\n' \"$1\"; stty -a | grep -o -e '-*icrnl' -e '-*clocal'",
    )
    .await;
    assert_eq!(ran.said, format!("{wanted}\r\n-clocal\r\nicrnl\r\n"));
}

#[tokio::test]
async fn the_start_is_recorded_and_a_missing_record_file_is_only_a_warning() {
    let dir = Dir::new("utmp");
    let at = |name: &str| dir.0.join(name);
    std::fs::write(at("utmp"), "").unwrap();
    std::fs::write(at("wtmp"), "").unwrap();
    let entry = |utmp: PathBuf, wtmp: PathBuf| UtmpEntry {
        files: utmp::Files { utmp, wtmp },
        stage: utmp::Stage::Login,
        user: "LOGIN".into(),
        host: "CONNECT 33600".into(),
    };
    let good = entry(at("utmp"), at("wtmp"));
    let ran = run(|launch| launch.utmp = Some(good), "true").await;
    assert!(ran.warnings.is_empty(), "{:?}", ran.warnings);
    for file in ["utmp", "wtmp"] {
        let text = String::from_utf8_lossy(&std::fs::read(at(file)).unwrap()).into_owned();
        assert!(text.contains("LOGIN") && text.contains("CONNECT 33600"), "{file}");
    }
    let missing = entry(at("none/utmp"), at("none/wtmp"));
    let ran = run(|launch| launch.utmp = Some(missing), "true").await;
    assert_eq!(ran.ended, Ended::Exited(0));
    assert!(ran.warnings[0].contains("none/utmp"), "{:?}", ran.warnings);
}

#[test]
fn run_by_hand_it_says_what_it_is_for_and_does_nothing() {
    let mut command = std::process::Command::new(HELPER);
    let out = command.arg("exec-line").stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(out.status.code(), Some(127));
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(said.contains("for dialback's own use"), "{said}");
}

#[test]
fn without_a_runtime_too_a_program_that_is_not_started_leaves_no_process_behind() {
    let pty = Pty::open().unwrap();
    let mut launch = launch(&pty, "");
    launch.program = PathBuf::from("/no/such/program");
    let mut starting = Launcher::at(HELPER).begin(&launch).unwrap();
    let pid = starting.pid();
    let fault = loop {
        let mut fds = [PollFd::new(&starting, PollFlags::IN)];
        rustix::event::poll(&mut fds, None).unwrap();
        match starting.proceed() {
            Ok(verdict) => break verdict.unwrap_err(),
            Err(unfinished) => starting = unfinished,
        }
    };
    assert!(fault.to_string().contains("/no/such/program"), "{fault}");
    // Whoever has ended and was not waited for still has his number.
    let process = PathBuf::from(format!("/proc/{pid}"));
    assert!(!process.exists(), "{}", std::fs::read_to_string(process.join("status")).unwrap());
}

#[test]
fn what_is_killed_before_it_has_a_session_of_its_own_ends_too() {
    let pty = Pty::open().unwrap();
    // A second program that never comes as far as setsid(2). A shell writes it: a descriptor of ours that another test's
    // child had inherited would make it busy.
    let script = std::env::temp_dir().join(format!("dialback-stuck-{}", std::process::id()));
    let wrote = std::process::Command::new("/bin/sh")
        .args(["-c", r##"printf '#!/bin/sh\nexec sleep 1000\n' > "$0" && chmod 700 "$0""##])
        .arg(&script)
        .status()
        .unwrap();
    assert!(wrote.success());
    let mut starting = Launcher::at(&script).begin(&launch(&pty, "")).unwrap();
    starting.kill().unwrap();
    loop {
        let mut fds = [PollFd::new(&starting, PollFlags::IN)];
        let patience = Timespec { tv_sec: 20, tv_nsec: 0 };
        let ready = rustix::event::poll(&mut fds, Some(&patience)).unwrap();
        assert!(ready > 0, "it lives on");
        match starting.proceed() {
            Ok(verdict) => break drop(verdict.unwrap_err()),
            Err(unfinished) => starting = unfinished,
        }
    }
    std::fs::remove_file(script).unwrap();
}
