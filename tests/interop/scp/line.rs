//! A line with the program at one end and a case's other side at the other.

use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use serde_json::Value;
use sys::pty::Pty;

use crate::case::{Case, End, Peer};

/// What a script runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pty,
    Socket,
}

/// What a run came to.
pub(crate) struct Run {
    pub(crate) sent: Vec<u8>,
    pub(crate) code: Option<i32>,
    pub(crate) report: Value,
    pub(crate) stderr: String,
    pub(crate) millis: u64,
    pub(crate) peer_done: bool,
}

/// No case takes longer.
const LIMIT: Duration = Duration::from_secs(30);

/// A file that is there until this is dropped.
pub(crate) struct Scratch(pub(crate) std::path::PathBuf);

impl Scratch {
    pub(crate) fn new(content: &[u8]) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("dialback-scp-{}-{number}.scp", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// A directory that is there until this is dropped.
pub(crate) struct ScratchDirectory(pub(crate) std::path::PathBuf);

impl ScratchDirectory {
    pub(crate) fn new() -> Self {
        let path = Scratch::new(b"").0.with_extension("locks");
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for ScratchDirectory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// The program with its subcommand.
pub(crate) fn program(subcommand: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dialback"));
    command.args(["scp", subcommand]).env("NO_COLOR", "1");
    command
}

/// Both ends of a line: ours, and the program's twice.
pub(crate) fn ends(kind: Kind) -> (OwnedFd, OwnedFd, OwnedFd) {
    let twice = |fd: &dyn AsFd| {
        let fd = fd.as_fd();
        (fd.try_clone_to_owned().unwrap(), fd.try_clone_to_owned().unwrap())
    };
    match kind {
        Kind::Pty => {
            let pty = Pty::open().unwrap();
            let mut modes = rustix::termios::tcgetattr(pty.slave()).unwrap();
            modes.make_raw();
            rustix::termios::tcsetattr(pty.slave(), rustix::termios::OptionalActions::Now, &modes)
                .unwrap();
            // The program gets it blocking, as from a shell.
            let flags = rustix::fs::fcntl_getfl(pty.slave()).unwrap();
            rustix::fs::fcntl_setfl(pty.slave(), flags - rustix::fs::OFlags::NONBLOCK).unwrap();
            let (input, output) = twice(pty.slave());
            let (master, slave) = pty.into_halves();
            drop(slave);
            (master.as_fd().try_clone_to_owned().unwrap(), input, output)
        }
        Kind::Socket => {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let (input, output) = twice(&theirs);
            (ours.into(), input, output)
        }
    }
}

/// Runs a case.
pub(crate) fn run(case: &Case, kind: Kind) -> Run {
    let script = Scratch::new(&case.script);
    let (ours, input, output) = ends(kind);
    let mut command = program("run");
    command.args(["--json", "--userid", case.user_id, "--password", case.password]).arg(&script.0);
    if case.end == End::Limit {
        command.args(["--limit", "1"]);
    }
    command.stdin(input).stdout(output).stderr(Stdio::piped());
    let begun = Instant::now();
    let child = command.spawn().unwrap();
    // The command holds the program's end open, and with it the line.
    drop(command);
    let other = Other {
        line: Some(ours),
        steps: &case.peer,
        at: 0,
        mark: 0,
        since: begun,
        sent: Vec::new(),
    };
    other.until_end(child, begun)
}

/// The other side.
struct Other<'a> {
    /// `None` once it has hung up.
    line: Option<OwnedFd>,
    steps: &'a [Peer],
    at: usize,
    /// Up to where `sent` has been looked at.
    mark: usize,
    /// When the step began.
    since: Instant,
    sent: Vec<u8>,
}

impl Other<'_> {
    fn until_end(mut self, mut child: Child, begun: Instant) -> Run {
        let mut stderr = child.stderr.take().unwrap();
        let mut told = Vec::new();
        let mut telling = true;
        while telling {
            let pause = self.act();
            let left = LIMIT.saturating_sub(begun.elapsed());
            if left.is_zero() {
                child.kill().unwrap();
            }
            let wait = pause.unwrap_or(LIMIT).min(left.max(Duration::from_millis(10)));
            let mut fds = vec![PollFd::from_borrowed_fd(stderr.as_fd(), PollFlags::IN)];
            if let Some(line) = &self.line {
                fds.push(PollFd::from_borrowed_fd(line.as_fd(), PollFlags::IN));
            }
            let timeout = Timespec {
                tv_sec: wait.as_secs().cast_signed(),
                tv_nsec: wait.subsec_nanos().into(),
            };
            rustix::event::poll(&mut fds, Some(&timeout)).unwrap();
            let errors = !fds[0].revents().is_empty();
            let bytes = fds.get(1).is_some_and(|line| !line.revents().is_empty());
            drop(fds);
            if bytes && !self.hear() {
                // The program has closed its end; stderr ends next.
                self.line = None;
            }
            if errors {
                let mut piece = [0; 4096];
                let length = stderr.read(&mut piece).unwrap();
                told.extend_from_slice(&piece[..length]);
                telling = length > 0;
            }
        }
        let code = child.wait().unwrap().code();
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap();
        while self.line.is_some() && self.hear() {}
        let peer_done = self.steps[self.at..]
            .iter()
            .all(|step| matches!(step, Peer::Hears(_)) && self.heard(step));
        let stderr = String::from_utf8_lossy(&told).into_owned();
        let last = stderr.lines().last().unwrap_or_default();
        let report = serde_json::from_str(last).unwrap_or(Value::Null);
        Run { sent: self.sent, code, report, stderr, millis, peer_done }
    }

    /// Does what can be done now; how long until there is more.
    fn act(&mut self) -> Option<Duration> {
        while let Some(step) = self.steps.get(self.at) {
            match step {
                Peer::Says(text) => {
                    let bytes: Vec<u8> =
                        text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
                    if let Some(line) = &self.line {
                        let mut line = std::fs::File::from(line.try_clone().unwrap());
                        // The program may be gone already; the case then says so.
                        drop(line.write_all(&bytes));
                    }
                }
                Peer::Hears(text) => {
                    if !self.heard(step) {
                        return None;
                    }
                    self.mark += self.position(text).unwrap() + text.len();
                }
                Peer::Pauses(millis) => {
                    let left = Duration::from_millis(*millis).saturating_sub(self.since.elapsed());
                    if !left.is_zero() {
                        return Some(left);
                    }
                }
                Peer::HangsUp => self.line = None,
            }
            self.at += 1;
            self.since = Instant::now();
        }
        None
    }

    fn heard(&self, step: &Peer) -> bool {
        match step {
            Peer::Hears(text) => self.position(text).is_some(),
            Peer::Says(_) | Peer::Pauses(_) | Peer::HangsUp => false,
        }
    }

    fn position(&self, text: &str) -> Option<usize> {
        self.sent[self.mark..].windows(text.len()).position(|window| window == text.as_bytes())
    }

    /// Takes what the program has sent. `false`: nothing more will come.
    fn hear(&mut self) -> bool {
        let Some(line) = &self.line else { return false };
        let mut fds = [PollFd::from_borrowed_fd(line.as_fd(), PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if rustix::event::poll(&mut fds, Some(&now)).unwrap() == 0 {
            return false;
        }
        let mut piece = [0; 4096];
        match rustix::io::read(line, &mut piece) {
            Ok(length) => {
                self.sent.extend_from_slice(&piece[..length]);
                length > 0
            }
            // A pty whose other end is closed.
            Err(_) => false,
        }
    }
}
