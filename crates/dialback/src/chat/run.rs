//! One run: the engine's steps carried out on descriptors 0 and 1, over poll(2).
//!
//! The line's own flags stay as they are: what is readable and writable comes from poll, so a line that somebody left
//! in non-blocking mode works, and nobody gets it back changed.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use jiff::{SignedDuration, Zoned};
use proto::chat::engine::LONGEST_FILE;
use proto::chat::script::LONGEST_SCRIPT;
use proto::chat::{Done, Engine, InputEnd, Script, Severity, Step};
use proto::time::Instant;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, ioctl_fionread, read, write};
use rustix::stdio::{stdin, stdout};
use rustix::termios::tcsendbreak;

use super::command_line::{Plan, ReportFile};
use super::log::{self, Log};
use super::signals::{Arrived, Signals};
use super::terminal::Terminal;

/// The most that is read at once: a kernel's tty queue.
const MOST_READ: usize = 4096;

/// How a run ended.
#[derive(Clone, Copy)]
enum End {
    Code(u8),
    /// By SIGQUIT, which takes its course once the terminal is as it was.
    Quit,
}

/// A run that ends before or beside its script: the exit code, and what is logged as an error.
struct Fatal(End, Vec<u8>);

impl Fatal {
    fn new(code: u8, what: &str, error: Errno) -> Self {
        Self(End::Code(code), format!("{what}: {}", strerror(error)).into_bytes())
    }
}

/// What the C library says about an error, without the number that Rust adds.
fn strerror(error: Errno) -> String {
    let text = io::Error::from(error).to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn now() -> Instant {
    Instant::from_micros(sys::clock::monotonic_micros())
}

/// Does everything, and says with which exit code to end.
pub(super) fn run(name: &[u8], plan: Plan, report_files: &[ReportFile]) -> u8 {
    let mut log = Log::open(&plan, report_files);
    let mut terminal = None;
    let result = on_terminal(name, plan, &mut log, &mut terminal);
    let mut end = result.unwrap_or_else(|Fatal(end, line)| {
        log.line(Severity::Error, &line);
        end
    });
    log.close_reports();
    if let Some(Err(error)) = terminal.map(|terminal: Terminal| terminal.restore(stdin())) {
        let Fatal(code, line) = Fatal::new(2, "Can't restore terminal parameters", error);
        log.line(Severity::Error, &line);
        end = code;
    }
    match end {
        End::Code(code) => code,
        End::Quit => {
            Signals::quit();
            2
        }
    }
}

fn on_terminal(
    name: &[u8],
    plan: Plan,
    log: &mut Log,
    terminal: &mut Option<Terminal>,
) -> Result<End, Fatal> {
    let signals = Signals::block().map_err(|error| {
        Fatal(End::Code(2), format!("Can't catch signals: {error}").into_bytes())
    })?;
    let found = Terminal::of(stdin())
        .map_err(|error| Fatal::new(2, "Can't get terminal parameters", error))?;
    let found = terminal.insert(found);
    found.set(stdin()).map_err(|error| Fatal::new(2, "Can't set terminal parameters", error))?;
    let script = match &plan.script_file {
        Some(_) if !plan.words.is_empty() => {
            log::usage(name);
            return Ok(End::Code(1));
        }
        Some(file) => Script::from_file(&script_file(file, &signals)?),
        None => Script::from_words(&plan.words),
    };
    let mut options = plan.options;
    options.environment = plan.environment.then(environment);
    let mut run = Run {
        engine: Engine::new(script, options),
        log,
        signals,
        heed_hangup: true,
        unsent: None,
        on_pty: Terminal::is_pty(stdin()),
    };
    run.engine.start(now());
    Ok(run.finish())
}

/// The variables for `-E`; of two with one name the first counts, as for `getenv`.
fn environment() -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut known = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        known.entry(name.into_vec()).or_insert_with(|| value.into_vec());
    }
    known
}

fn script_file(name: &[u8], signals: &Signals) -> Result<Vec<u8>, Fatal> {
    let opened = open_to_read(name).map_err(|error| {
        let mut line = name.to_vec();
        line.extend(format!(" -- open failed: {}", strerror(error)).as_bytes());
        Fatal(End::Code(1), line)
    })?;
    let text = match contents(opened.as_fd(), LONGEST_SCRIPT + 1, signals) {
        Contents::All(text) => text,
        Contents::Interrupted(Arrived::Ends(name)) => {
            return Err(Fatal(End::Code(2), name.as_bytes().to_vec()));
        }
        Contents::Interrupted(Arrived::Hangup) => {
            return Err(Fatal(End::Code(2), b"SIGHUP".to_vec()));
        }
        Contents::Interrupted(Arrived::Quit) => return Err(Fatal(End::Quit, b"SIGQUIT".to_vec())),
    };
    if text.len() > LONGEST_SCRIPT {
        let mut line = name.to_vec();
        line.extend(b" -- longer than 16 MiB: not a script");
        return Err(Fatal(End::Code(1), line));
    }
    Ok(text)
}

/// Opens without waiting: a pipe may have no writer yet, and a signal must be able to end the wait for one.
fn open_to_read(name: &[u8]) -> Result<OwnedFd, Errno> {
    open(name, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
}

enum Contents {
    All(Vec<u8>),
    Interrupted(Arrived),
}

/// Up to `most` bytes. What cannot be read (a directory) is empty, as it is for chat.
fn contents(file: BorrowedFd<'_>, most: usize, signals: &Signals) -> Contents {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    while text.len() < most {
        let mut fds =
            [PollFd::new(signals, PollFlags::IN), PollFd::from_borrowed_fd(file, PollFlags::IN)];
        if poll(&mut fds, None).is_err() {
            continue;
        }
        if let Some(arrived) = signals.next() {
            return Contents::Interrupted(arrived);
        }
        let room = most.saturating_sub(text.len()).min(buffer.len());
        match read(file, buffer.get_mut(..room).unwrap_or_default()) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            Ok(0) | Err(_) => break,
            Ok(got) => text.extend(buffer.get(..got).unwrap_or_default()),
        }
    }
    Contents::All(text)
}

struct Run<'a> {
    engine: Engine,
    log: &'a mut Log,
    signals: Signals,
    heed_hangup: bool,
    /// A byte that the line had no room for yet.
    unsent: Option<u8>,
    on_pty: bool,
}

/// What a look at the descriptors found.
struct Ready {
    signal: bool,
    input: bool,
    room: bool,
    /// Nothing was ready at first.
    slept: bool,
}

impl Run<'_> {
    fn finish(&mut self) -> End {
        loop {
            while let Some(step) = self.engine.poll() {
                if let Some(end) = self.carry_out(step) {
                    return end;
                }
            }
            let Some(ready) = self.wait() else { continue };
            if ready.signal
                && let Some(End::Quit) = self.take_signals()
            {
                return End::Quit;
            }
            if ready.room {
                self.write_byte();
            }
            if ready.input {
                self.read_input(ready.slept);
            } else {
                self.engine.tick(now());
            }
        }
    }

    fn take_signals(&mut self) -> Option<End> {
        while let Some(arrived) = self.signals.next() {
            match arrived {
                Arrived::Ends(name) => self.interrupt(name),
                Arrived::Hangup if self.heed_hangup => self.interrupt("SIGHUP"),
                Arrived::Hangup => {}
                Arrived::Quit => return Some(End::Quit),
            }
        }
        None
    }

    fn interrupt(&mut self, name: &str) {
        self.unsent = None;
        self.engine.interrupt(now(), name);
    }

    /// Carries out one step; the last one answers how the run ended.
    fn carry_out(&mut self, step: Step) -> Option<End> {
        match step {
            Step::Send(byte) => self.unsent = Some(byte),
            Step::Break => {
                // A line that knows no break (a socket) goes without: chat does not look at the result either.
                let _ = tcsendbreak(stdin());
                self.engine.carried_out(now());
            }
            Step::Echo(text) | Step::Say(text) => log::say(&text),
            Step::Report { text, found } => {
                let ago = SignedDuration::try_from(now() - found).unwrap_or_default();
                let date = Zoned::now();
                let found = date.checked_sub(ago).unwrap_or(date);
                self.log.report(&found, &text);
            }
            Step::Log(severity, line) => self.log.line(severity, &line),
            Step::ReadFile(name) => return self.read_file(&name),
            Step::Hangup(heed) => self.heed_hangup = heed,
            Step::Done(Done { code, .. }) => return Some(End::Code(code)),
        }
        None
    }

    fn read_file(&mut self, name: &[u8]) -> Option<End> {
        match open_to_read(name) {
            Err(error) => self.engine.file(now(), Err(&strerror(error))),
            Ok(file) => loop {
                match contents(file.as_fd(), LONGEST_FILE, &self.signals) {
                    Contents::All(text) => {
                        self.engine.file(now(), Ok(&text));
                        break;
                    }
                    Contents::Interrupted(Arrived::Hangup) if !self.heed_hangup => {}
                    Contents::Interrupted(Arrived::Hangup) => {
                        self.interrupt("SIGHUP");
                        break;
                    }
                    Contents::Interrupted(Arrived::Ends(name)) => {
                        self.interrupt(name);
                        break;
                    }
                    Contents::Interrupted(Arrived::Quit) => return Some(End::Quit),
                }
            },
        }
        None
    }

    /// Sleeps until there is something to do; `None` when that was cut short.
    fn wait(&self) -> Option<Ready> {
        let timeout = self.engine.deadline().map(|deadline| {
            let left = deadline.at - now();
            Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            }
        });
        // Only what is asked for is looked at: a line that is hung up would show that on and on.
        let (line_in, line_out) = (stdin(), stdout());
        let wants_input = self.engine.wanted() > 0;
        let mut fds = Vec::with_capacity(3);
        fds.push(PollFd::new(&self.signals, PollFlags::IN));
        if wants_input {
            fds.push(PollFd::new(&line_in, PollFlags::IN));
        }
        if self.unsent.is_some() {
            fds.push(PollFd::new(&line_out, PollFlags::OUT));
        }
        let slept = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).ok()? == 0;
        if slept {
            poll(&mut fds, timeout.as_ref()).ok()?;
        }
        let mut shown = fds.iter().map(|fd| !fd.revents().is_empty());
        let signal = shown.next() == Some(true);
        let input = wants_input && shown.next() == Some(true);
        let room = self.unsent.is_some() && shown.next() == Some(true);
        Some(Ready { signal, input, room, slept })
    }

    fn write_byte(&mut self) {
        let Some(byte) = self.unsent else { return };
        match write(stdout(), &[byte]) {
            Ok(0) | Err(Errno::AGAIN | Errno::INTR) => {}
            Ok(_) => {
                self.unsent = None;
                self.engine.carried_out(now());
            }
            Err(error) => {
                self.unsent = None;
                self.engine.write_failed(now(), &strerror(error));
            }
        }
    }

    /// Reads what is there, never more at once than the script must consume: what follows its last match belongs to
    /// the next program on this line.
    fn read_input(&mut self, slept: bool) {
        let mut buffer = [0; MOST_READ];
        // How much can be read without waiting; at least what poll has promised.
        let mut there =
            ioctl_fionread(stdin()).ok().and_then(|n| usize::try_from(n).ok()).unwrap_or(1).max(1);
        while there > 0 {
            let room = self.engine.wanted().min(there).min(MOST_READ);
            if room == 0 {
                break;
            }
            match read(stdin(), buffer.get_mut(..room).unwrap_or_default()) {
                Ok(0) => {
                    let failed = slept && self.on_pty;
                    let end = if failed { InputEnd::Failed } else { InputEnd::EndOfFile };
                    return self.engine.input_ended(now(), end);
                }
                Ok(got) => {
                    there = there.saturating_sub(got);
                    self.engine.receive(now(), buffer.get(..got).unwrap_or_default());
                }
                Err(Errno::AGAIN | Errno::INTR) => return,
                Err(_) => return self.engine.input_ended(now(), InputEnd::Failed),
            }
        }
    }
}
