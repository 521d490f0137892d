//! `dialback scp run`: a script on a line, until PPP can begin.
//!
//! ```text
//!   engine ──outputs──► line          line ──bytes, hang-up──► engine ◄──time── clock
//! ```
//!
//! One thread and one poll(2). It decides nothing: what is sent and waited for is the engine's business.

use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use proto::scp::{Act, Engine, Login, Outcome, Output, Program, Severity};
use proto::time::{Deadline, Instant};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use sys::lock::DEFAULT_DIRECTORY;

use super::credentials::Credentials;
use super::line::{Byte, Line};
use super::report::Report;
use super::text::Text;
use crate::exit::{Code, Failure};
use crate::out;

/// Bytes read before time may pass again: what a terminal's queue holds. A peer that never stops sending cannot keep a
/// wait from ending.
const TURN: usize = 4096;

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 PPP begins, 1 a fault of the script, 2 wrong usage or broken input and output, 3 the line
is lost, 4 the time limit is over, 5 halt.

Examples:
  dialback scp run callback.scp --port /dev/ttyS0 --userid mary --password-file secret --limit 300
  pppd ttyS0 connect \"dialback scp run /etc/ppp/callback.scp --userid mary --password-env SECRET\"")]
pub(super) struct Run {
    /// The script
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The modem's terminal; it is locked, and its settings come back [default: standard input and output]
    #[arg(long, value_name = "TTY")]
    port: Option<PathBuf>,
    /// The terminal's speed in bit/s [default: as it is]
    #[arg(long, value_name = "BIT/S", requires = "port", value_parser = clap::value_parser!(u32).range(1..))]
    speed: Option<u32>,
    /// Where modem programs keep their lock files
    #[arg(long, value_name = "DIRECTORY", requires = "port", default_value = DEFAULT_DIRECTORY)]
    locks: PathBuf,
    #[command(flatten)]
    credentials: Credentials,
    /// End after this many seconds, wherever the script is then [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Tell on stderr what the script does, line by line
    #[arg(short, long)]
    verbose: bool,
    /// Write what became of it as JSON, as the last line on stderr
    #[arg(long)]
    json: bool,
}

impl Run {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut report = Report::new();
        let json = self.json;
        let result = self.run_reported(&mut report);
        if let Err(failure) = &result
            && !failure.is_silent()
        {
            report.failed(None, &failure.to_string());
            if json {
                // Said here already: the JSON is the last line.
                out::error(format_args!("dialback: {failure}"));
                report.write();
                return Err(Failure::silent(failure.code()));
            }
        }
        if json {
            report.write();
        }
        result
    }

    fn run_reported(self, report: &mut Report) -> Result<(), Failure> {
        let text = Text::read(&self.file)?;
        let login = self.credentials.login()?;
        let program = compile(&text, self.verbose, report)?;
        let signals = signals()?;
        let line = match &self.port {
            Some(path) => Line::open(path, &self.locks, self.speed)?,
            None => Line::standard()?,
        };
        let limit = self.limit.map(|limit| Duration::from_secs(u64::from(limit)));
        let mut run = Running::new(&line, &signals, report, &text, self.verbose);
        let ended = run.until_ended(program, login, limit);
        let session_goes_on =
            matches!(ended, Ok(Ended { outcome: Outcome::Ppp | Outcome::Halted, .. }));
        line.close(session_goes_on);
        conclude(&ended?, report, &text)
    }
}

/// The program, or its faults on stderr.
fn compile(text: &Text, warnings: bool, report: &mut Report) -> Result<Program, Failure> {
    let reading = proto::scp::read(&text.bytes);
    for fault in &reading.faults {
        if warnings || fault.severity == Severity::Error {
            text.show(fault);
        }
    }
    reading.program.ok_or_else(|| {
        if let Some(fault) = reading.faults.iter().find(|fault| fault.severity == Severity::Error) {
            report.failed(Some("parse"), &fault.message);
            report.ended("error", text.line(fault.span.start));
        }
        Failure::silent(Code::Failed)
    })
}

/// Signals that end a run, as a descriptor: the terminal gets its settings back first.
fn signals() -> Result<SignalFd, Failure> {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM] {
        set.add(signal);
    }
    set.thread_block()
        .and_then(|()| SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK))
        .map_err(|e| Failure::new(Code::ScriptUsage, format!("waiting for signals: {e}")))
}

fn conclude(ended: &Ended, report: &mut Report, text: &Text) -> Result<(), Failure> {
    let Ended { outcome, output } = ended;
    report.ended(&outcome.to_string(), output.line);
    let say = |what: &str| out::error(format_args!("{}:{}: {what}", text.name(), output.line));
    let code = match outcome {
        Outcome::Ppp => return Ok(()),
        Outcome::Halted => {
            say("halt: the script leaves the line to its user");
            Code::Halted
        }
        Outcome::HungUp => {
            say("the line was lost here");
            Code::HungUp
        }
        Outcome::Limit => {
            say("the time limit came here");
            Code::TimeLimit
        }
        Outcome::Failed(fault) => {
            text.show(&text.run_fault(output.span, &fault.message, fault.cure));
            report.failed(Some("run"), &fault.message);
            Code::Failed
        }
    };
    Err(Failure::silent(code))
}

/// How the engine ended, and at which output.
struct Ended {
    outcome: Outcome,
    output: Output,
}

/// A run in progress.
struct Running<'a> {
    line: &'a Line,
    signals: &'a SignalFd,
    report: &'a mut Report,
    text: &'a Text,
    verbose: bool,
    /// When the time limit is over; bytes that the line does not take until then stay unsent.
    limit: Option<Instant>,
}

/// What waiting for the line came to.
enum Woken {
    /// The line is ready, or the time has come.
    Look { ready: bool, gone: bool },
    /// SIGHUP: whoever gave us the line says that it is lost.
    HungUp,
}

impl<'a> Running<'a> {
    fn new(
        line: &'a Line,
        signals: &'a SignalFd,
        report: &'a mut Report,
        text: &'a Text,
        verbose: bool,
    ) -> Self {
        Self { line, signals, report, text, verbose, limit: None }
    }

    fn until_ended(
        &mut self,
        program: Program,
        login: Login,
        limit: Option<Duration>,
    ) -> Result<Ended, Failure> {
        let start = now();
        self.limit = limit.map(|limit| start + limit);
        let mut engine = Engine::new(program, login, limit, start);
        loop {
            if let Some(ended) = self.drain(&mut engine)? {
                return Ok(ended);
            }
            match self.wait(engine.listening(), engine.deadline())? {
                Woken::HungUp => engine.hang_up(),
                Woken::Look { ready: true, .. } if engine.listening() => {
                    if let Some(ended) = self.hear(&mut engine)? {
                        return Ok(ended);
                    }
                }
                Woken::Look { gone: true, .. } => engine.hang_up(),
                Woken::Look { .. } => {}
            }
            engine.tick(now());
        }
    }

    /// Carries out what the engine wants, in order.
    fn drain(&mut self, engine: &mut Engine) -> Result<Option<Ended>, Failure> {
        while let Some(output) = engine.poll() {
            if self.verbose {
                self.tell(&output);
            }
            match &output.act {
                Act::Send(bytes) => {
                    if let Some(outcome) = self.send(bytes)? {
                        return Ok(Some(Ended { outcome, output }));
                    }
                }
                Act::SetPort(setting) => {
                    self.report.port(*setting);
                    if !self.line.set_port(*setting)? && self.verbose {
                        self.say(&output, "the line has no such setting");
                    }
                }
                Act::SetKeyboard(on) => self.report.keyboard(*on),
                Act::SetAddress(address) => self.report.address(address.clone()),
                Act::WaitsFor { .. } | Act::Found(_) | Act::NotFound | Act::Read(_) => {}
                Act::Ended(outcome) => {
                    let outcome = outcome.clone();
                    return Ok(Some(Ended { outcome, output }));
                }
            }
        }
        Ok(None)
    }

    /// Hands the engine what has come, a byte at a time, while it wants any.
    fn hear(&mut self, engine: &mut Engine) -> Result<Option<Ended>, Failure> {
        for _ in 0..TURN {
            match self.line.read().map_err(|e| broken(&e))? {
                Byte::Came(byte) => engine.receive(now(), &[byte]),
                Byte::NotYet => return Ok(None),
                Byte::Gone => engine.hang_up(),
            }
            if let Some(ended) = self.drain(engine)? {
                return Ok(Some(ended));
            }
            if !engine.listening() || !readable(self.line)? {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Sends all of `bytes`; or says how the run ends because that was not possible.
    fn send(&self, bytes: &[u8]) -> Result<Option<Outcome>, Failure> {
        let mut rest = bytes;
        let limit = self.limit.map(|at| Deadline::new(at, "time limit of the script"));
        while !rest.is_empty() {
            if self.limit.is_some_and(|limit| now() >= limit) {
                return Ok(Some(Outcome::Limit));
            }
            let ready = PollFd::from_borrowed_fd(self.line.output(), PollFlags::OUT);
            match self.poll(Some(ready), limit)? {
                Woken::HungUp => return Ok(Some(Outcome::HungUp)),
                Woken::Look { ready: true, .. } => {
                    match self.line.write(rest).map_err(|e| broken(&e))? {
                        Some(written) => rest = rest.get(written..).unwrap_or_default(),
                        None => return Ok(Some(Outcome::HungUp)),
                    }
                }
                Woken::Look { gone: true, .. } => return Ok(Some(Outcome::HungUp)),
                Woken::Look { .. } => {}
            }
        }
        Ok(None)
    }

    /// Waits for input if there is somebody to read it, else only for the time and the line's end.
    fn wait(&self, listening: bool, deadline: Option<Deadline>) -> Result<Woken, Failure> {
        let flags = if listening { PollFlags::IN } else { PollFlags::empty() };
        // A pipe that nobody reads from would say for ever that its other end is closed.
        let watched = listening || self.line.tells_hang_up();
        let input = watched.then(|| PollFd::from_borrowed_fd(self.line.input(), flags));
        self.poll(input, deadline)
    }

    fn poll(&self, line: Option<PollFd<'_>>, deadline: Option<Deadline>) -> Result<Woken, Failure> {
        let timeout = deadline.map(|deadline| timespec(deadline.at.since(now())));
        let mut fds = vec![PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN)];
        fds.extend(line);
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Woken::Look { ready: false, gone: false }),
            Err(e) => return Err(broken(&e.into())),
        }
        if fds.first().is_some_and(|signals| !signals.revents().is_empty()) {
            return self.signal();
        }
        let seen = fds.get(1).map_or(PollFlags::empty(), PollFd::revents);
        let gone = seen.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
        // A hung-up line may still have bytes to read; reading says when there are no more.
        Ok(Woken::Look { ready: gone || !seen.is_empty(), gone })
    }

    fn signal(&self) -> Result<Woken, Failure> {
        let name = match self.signals.read_signal() {
            Ok(Some(signal)) => i32::try_from(signal.ssi_signo)
                .ok()
                .and_then(|number| Signal::try_from(number).ok()),
            Ok(None) => return Ok(Woken::Look { ready: false, gone: false }),
            Err(e) => return Err(broken(&e.into())),
        };
        match name {
            Some(Signal::SIGHUP) => Ok(Woken::HungUp),
            Some(signal) => Err(Failure::new(Code::ScriptUsage, format!("ended by {signal}"))),
            None => Err(Failure::new(Code::ScriptUsage, "ended by a signal")),
        }
    }

    fn tell(&self, output: &Output) {
        let what = match &output.act {
            // It may be the password.
            Act::Send(bytes) => format!("sends {} bytes", bytes.len()),
            Act::SetPort(setting) => format!("sets the port: {setting:?}"),
            Act::SetKeyboard(true) => "keyboard on".to_owned(),
            Act::SetKeyboard(false) => "keyboard off".to_owned(),
            Act::SetAddress(address) => format!("the address is {address}"),
            Act::WaitsFor { texts, until } => {
                let texts: Vec<String> =
                    texts.iter().map(|text| format!("\"{}\"", text.escape_ascii())).collect();
                let until =
                    until.map_or(String::new(), |until| format!(", {} s at most", until.as_secs()));
                format!("waits for {}{until}", texts.join(" or "))
            }
            Act::Found(case) => format!("found number {}", case + 1),
            Act::NotFound => "not found in time".to_owned(),
            Act::Read(address) => format!("read the address {address}"),
            Act::Ended(_) => return,
        };
        self.say(output, &what);
    }

    fn say(&self, output: &Output, what: &str) {
        out::error(format_args!("{}:{}: {what}", self.text.name(), output.line));
    }
}

/// Whether there is a byte to read, or an end to be seen.
fn readable(line: &Line) -> Result<bool, Failure> {
    let mut fds = [PollFd::from_borrowed_fd(line.input(), PollFlags::IN)];
    match rustix::event::poll(&mut fds, Some(&timespec(Duration::ZERO))) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(e) => Err(broken(&e.into())),
    }
}

fn now() -> Instant {
    Instant::from_micros(sys::clock::monotonic_micros())
}

/// Rounded up to the next microsecond, so that the deadline has passed when poll(2) returns.
fn timespec(wait: Duration) -> Timespec {
    /// Longer than any run; poll(2) is asked again then.
    const LONGEST: Duration = Duration::from_secs(24 * 3600);
    let wait = wait.min(LONGEST);
    Timespec {
        tv_sec: i64::try_from(wait.as_secs()).unwrap_or(0),
        tv_nsec: wait.subsec_nanos().into(),
    }
}

fn broken(e: &io::Error) -> Failure {
    Failure::new(Code::ScriptUsage, format!("the line: {e}"))
}
