//! A chat on a pty, with a far end that plays its part of a case.
//!
//! It does not know which program it runs.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write, pipe};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{PidfdFlags, pidfd_open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios, tcgetattr,
    tcsetattr,
};

use crate::table::{Act, Case, Record};

/// After this a run has hung.
const LIMIT: Duration = Duration::from_secs(30);
/// How long what a program wrote last may take to come out of the pty.
const LINGER: Duration = Duration::from_millis(60);

/// What was seen of a run.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) exit: String,
    pub(crate) sent: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) wrote: Vec<(String, Vec<u8>)>,
    pub(crate) restored: bool,
    /// The terminal's modes at each look, and at the end.
    pub(crate) modes: Vec<String>,
    pub(crate) millis: u64,
    pub(crate) notes: Vec<String>,
}

impl Seen {
    pub(crate) fn record(&self) -> Record {
        Record {
            exit: self.exit.clone(),
            sent: self.sent.clone(),
            stderr: self.stderr.clone(),
            wrote: self.wrote.clone(),
        }
    }
}

/// A folder that goes when its owner does.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir()
            .join(format!("dialback-chat-{}-{number}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A pseudo-terminal: the far end, and the line.
pub(crate) fn open_pty() -> (OwnedFd, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = open(name, flags, Mode::empty()).unwrap();
    (master, slave)
}

fn modes(line: impl AsFd) -> String {
    let shown = |t: &Termios| {
        format!(
            "{:?} {:?} {:?} {:?} {:?} {} {}",
            t.input_modes,
            t.output_modes,
            t.control_modes,
            t.local_modes,
            t.special_codes,
            t.input_speed(),
            t.output_speed()
        )
    };
    tcgetattr(line).map_or_else(|error| error.to_string(), |t| shown(&t))
}

pub(crate) fn prepare(line: impl AsFd, tty: &str) {
    let mut modes = tcgetattr(&line).unwrap();
    if tty == "cooked" {
        modes.input_modes |= InputModes::ICRNL | InputModes::IXON;
        modes.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
        modes.local_modes |= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
    } else {
        modes.make_raw();
    }
    tcsetattr(&line, OptionalActions::Now, &modes).unwrap();
}

/// Waits until `count` octets wait on the raw terminal `line`: with VMIN set to it, `poll` says nothing sooner.
pub(crate) fn until_waiting(line: impl AsFd, count: usize) {
    let mut modes = tcgetattr(&line).unwrap();
    let usual = modes.special_codes[SpecialCodeIndex::VMIN];
    modes.special_codes[SpecialCodeIndex::VMIN] = u8::try_from(count).unwrap();
    tcsetattr(&line, OptionalActions::Now, &modes).unwrap();
    let limit = Timespec::try_from(LIMIT).unwrap();
    let ready = poll(&mut [PollFd::new(&line, PollFlags::IN)], Some(&limit)).unwrap();
    assert_eq!(ready, 1, "{count} octets never came through the terminal");
    modes.special_codes[SpecialCodeIndex::VMIN] = usual;
    tcsetattr(&line, OptionalActions::Now, &modes).unwrap();
}

/// The command of `case`: in its folder, with its environment, in a session of its own.
fn command(program: &Command, case: &Case, folder: &Folder) -> Command {
    for (name, contents) in &case.files {
        fs::write(folder.path().join(name), contents).unwrap();
    }
    // A shell in the background has signals ignored, and that is inherited: here each does what it does by itself.
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP,INT,QUIT", "setsid"]);
    if case.controlling {
        command.arg("-c");
    }
    command.arg(program.get_program()).args(program.get_args());
    command.args(case.words.iter().map(|word| OsStr::from_bytes(word)));
    if let Some(script) = &case.script {
        fs::write(folder.path().join("script"), script).unwrap();
        command.args(["-f", "script"]);
    }
    command.current_dir(folder.path()).env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
    command.envs(case.env.iter().map(|(name, value)| (name, OsStr::from_bytes(value))));
    command
}

/// Carries out `case` with `program`.
pub(crate) fn run(program: Command, case: &Case) -> Seen {
    let folder = Folder::new("run");
    let (far, line) = open_pty();
    prepare(&line, &case.tty);
    let before = modes(&line);
    let (mut said, stderr) = pipe().unwrap();
    let mut command = command(&program, case, &folder);
    let none = || File::options().read(true).write(true).open("/dev/null").unwrap();
    let end = || -> Stdio {
        if case.tty == "none" { none().into() } else { line.try_clone().unwrap().into() }
    };
    let started = Instant::now();
    let child = command.stdin(end()).stdout(end()).stderr(stderr).spawn().unwrap();
    drop(command);
    let mut play = Play {
        case,
        far: Some(File::from(far)),
        line: &line,
        child,
        seen: Seen::default(),
        mark: 0,
    };
    let status = play.play(started, &mut said);
    let Play { far, mut seen, .. } = play;
    seen.millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    said.read_to_end(&mut seen.stderr).unwrap();
    seen.stderr = neutral(&seen.stderr, &program);
    seen.exit = match status {
        None => "it hung".to_owned(),
        Some(status) => match (status.code(), status.signal()) {
            (Some(code), _) => code.to_string(),
            (None, signal) => format!("signal {}", signal.unwrap_or(0)),
        },
    };
    // After a hang-up nobody can restore anything.
    seen.restored = far.is_none() || modes(&line) == before;
    seen.modes.push(modes(&line));
    for (name, _) in &case.wanted.wrote {
        let text = fs::read(folder.path().join(name)).unwrap_or_default();
        seen.wrote.push((name.clone(), neutral(&text, &program)));
    }
    seen
}

struct Play<'a> {
    case: &'a Case,
    far: Option<File>,
    line: &'a OwnedFd,
    child: Child,
    seen: Seen,
    /// How much of what was sent has been waited for.
    mark: usize,
}

impl Play<'_> {
    /// Plays the far end until the program has ended; `None` if it had to be killed.
    fn play(&mut self, started: Instant, said: &mut (impl Read + AsFd)) -> Option<ExitStatus> {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let ended = pidfd_open(rustix::process::Pid::from_child(&self.child), PidfdFlags::empty());
        let ended = ended.unwrap();
        let case = self.case;
        let mut acts = case.peer.iter();
        let mut act = acts.next();
        let mut since = Instant::now();
        let mut dripped = 0;
        let mut status = None;
        let mut stop = started + LIMIT;
        loop {
            let mut wait = stop.saturating_duration_since(Instant::now());
            while let Some(now) = act {
                match self.perform(now, pid, since, &mut dripped) {
                    Some(more) => {
                        wait = wait.min(more);
                        break;
                    }
                    None => (act, since, dripped) = (acts.next(), Instant::now(), 0),
                }
            }
            self.listen(&ended, said, wait, status.is_some());
            if status.is_none()
                && let Some(code) = self.child.try_wait().unwrap()
            {
                status = Some(code);
                stop = Instant::now() + LINGER;
            }
            if Instant::now() >= stop {
                break;
            }
        }
        if status.is_none() {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        } else if let Some(act) = act.filter(|act| !matches!(act, Act::Drip(..))) {
            self.seen.notes.push(format!("it ended before the far end's {act:?}"));
        }
        status
    }

    /// One act; `Some` is how long it is not over yet.
    fn perform(
        &mut self,
        act: &Act,
        pid: Pid,
        since: Instant,
        dripped: &mut usize,
    ) -> Option<Duration> {
        match act {
            Act::Await(text) => {
                let fresh = &self.seen.sent[self.mark..];
                match fresh.windows(text.len().max(1)).position(|window| window == text.as_slice())
                {
                    Some(at) => self.mark += at + text.len(),
                    None => return Some(LIMIT),
                }
            }
            Act::Send(text) => self.send(text),
            Act::Pause(ms) => {
                let left = Duration::from_millis(*ms).saturating_sub(since.elapsed());
                return (!left.is_zero()).then_some(left);
            }
            Act::Drip(gap, text) => {
                while let Some(byte) = text.get(*dripped) {
                    let due = Duration::from_millis(gap * u64::try_from(*dripped).unwrap());
                    let left = due.saturating_sub(since.elapsed());
                    if !left.is_zero() {
                        return Some(left);
                    }
                    self.send(&[*byte]);
                    *dripped += 1;
                }
            }
            Act::Signal(name) => {
                kill(pid, format!("SIG{name}").parse::<Signal>().unwrap()).unwrap();
            }
            Act::HangUp => self.far = None,
            Act::Look => self.seen.modes.push(modes(self.line)),
        }
        None
    }

    fn send(&mut self, text: &[u8]) {
        if let Some(far) = &mut self.far {
            far.write_all(text).unwrap();
        }
    }

    /// Takes what the program sent and said, for at most `wait`.
    fn listen(
        &mut self,
        ended: &OwnedFd,
        said: &mut (impl Read + AsFd),
        wait: Duration,
        over: bool,
    ) {
        let (sent, heard) = {
            let mut fds = vec![PollFd::new(said, PollFlags::IN)];
            fds.extend(self.far.as_ref().map(|far| PollFd::new(far, PollFlags::IN)));
            if !over {
                fds.push(PollFd::new(ended, PollFlags::IN));
            }
            let wait = if over { wait.min(Duration::from_millis(5)) } else { wait };
            let wait = Timespec {
                tv_sec: wait.as_secs().cast_signed(),
                tv_nsec: wait.subsec_nanos().into(),
            };
            // A pipe whose other end is closed is always ready: then there is nothing more to hear.
            let from = usize::from(over);
            poll(&mut fds[from..], Some(&wait)).unwrap();
            let ready =
                |at: usize| fds.get(at).is_some_and(|fd| fd.revents().contains(PollFlags::IN));
            (self.far.is_some() && ready(1), ready(0))
        };
        let mut buffer = [0; 65_536];
        if sent && let Some(far) = &mut self.far {
            // EIO: the program has closed the line.
            let got = far.read(&mut buffer).unwrap_or(0);
            self.seen.sent.extend(&buffer[..got]);
        }
        if heard {
            let got = said.read(&mut buffer).unwrap();
            self.seen.stderr.extend(&buffer[..got]);
        }
    }
}

/// `text` with DATE for each date of a report, and PROGRAM for the program's name.
fn neutral(text: &[u8], program: &Command) -> Vec<u8> {
    let mut name = program.get_program().as_bytes().to_vec();
    for arg in program.get_args() {
        name.push(b' ');
        name.extend(arg.as_bytes());
    }
    let mut out: Vec<u8> = Vec::new();
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(name.as_slice()) {
            out.extend(b"PROGRAM");
            rest = after;
        } else if out.ends_with(b"chat:  ") && rest.get(15) == Some(&b' ') && is_date(&rest[..15]) {
            out.extend(b"DATE");
            rest = &rest[15..];
        } else {
            out.push(first);
            rest = after;
        }
    }
    out
}

/// `Nov 22 08:09:10`.
fn is_date(text: &[u8]) -> bool {
    text.iter().zip(b"Aaa 00 00:00:00").all(|(byte, like)| match like {
        b'A' => byte.is_ascii_uppercase(),
        b'a' => byte.is_ascii_lowercase(),
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    })
}
