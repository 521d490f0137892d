//! Starting a program on a line, as a getty does, from a process that has threads.
//!
//! ```text
//!   Launcher::start ──spawns──> our own binary as "exec-line" (one thread)
//!        │  request: a memfd as its stdin          signals to default, own session, terminal opened anew,
//!        │  report: a pipe as its stdout           controlling terminal, utmp, groups and ids, exec
//!        │                                                   │
//!        └──< report: warnings, ready or what failed ────────┘   ready, then the pipe's end: it runs
//! ```
//!
//! Nothing of this can be done between fork and exec of a process with threads, and the C library changes
//! user ids for a whole process only in one with a single thread; hence the second program.
//!
//! It deliberately does not know login.config, which programs are allowed, or what a session is.

mod blocking;
mod exec_line;
mod session;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::fs::MemfdFlags;
use rustix::pipe::PipeFlags;
use serde::{Deserialize, Serialize};

use crate::async_fd::AsyncFile;
use crate::lock::Lock;
use crate::tty::{Access, Carrier};
use crate::utmp;

pub use blocking::{Running, Starting};
pub use exec_line::exec_line_main;
pub use session::{Ended, Launched};

/// The first argument that makes our binary the second program: see [`is_exec_line`].
pub const EXEC_LINE: &str = "exec-line";

/// Largest request in bytes. Linux takes 128 KiB for one argument; nobody's login.config needs a tenth.
const REQUEST_LIMIT: usize = 256 * 1024;

/// Largest report in bytes: a few warnings and one fault.
const REPORT_LIMIT: usize = 16 * 1024;

/// A program to be started on a line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Launch {
    /// The program's absolute path. `argv[0]` is its last component; no shell is involved.
    pub program: PathBuf,
    /// Its arguments, without `argv[0]`.
    pub arguments: Vec<OsString>,
    /// Its whole environment: nothing of ours is inherited.
    pub environment: Vec<(OsString, OsString)>,
    /// Whom it runs as, with exactly that user's groups and home. `None`: as we do, without supplementary
    /// groups, in `/`: what `/bin/login` wants, which is started as root.
    pub user: Option<String>,
    /// The terminal.
    pub tty: PathBuf,
    /// The terminal's device number ([`crate::tty::Tty::device`]): it must still be the same one.
    pub device: u64,
    /// The caller ends lines with CR (see [`crate::tty::Tty::set_login_mode`]).
    pub carriage_return: bool,
    /// The terminal stays as it is, which is raw: for a program that speaks frames. Made fit for a person it
    /// would echo them, and end the program by the first octet that is a key for it, before the program has set it.
    #[serde(default)]
    pub raw: bool,
    /// Whether the fall of DCD ends the session. With [`Carrier::Watch`] it must be up at the start.
    pub carrier: Carrier,
    /// Owner and mode of the device while the session lasts; whoever starts it puts the old ones back.
    pub access: Option<Access>,
    /// The record in utmp and wtmp.
    pub utmp: Option<UtmpEntry>,
}

/// What the second program is told.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    launch: Launch,
    /// A lock file of ours that gets the program's number.
    lock: Option<PathBuf>,
}

/// What is recorded of a session's start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UtmpEntry {
    /// Where.
    pub files: utmp::Files,
    /// [`utmp::Stage::Login`] before a login program, [`utmp::Stage::User`] before any other.
    pub stage: utmp::Stage,
    /// The user's name; `LOGIN` by custom while nobody is known.
    pub user: String,
    /// Where the caller comes from.
    pub host: String,
}

/// The step at which starting a program failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// The request itself makes no sense.
    Request,
    /// Making a session of its own.
    Session,
    /// The terminal: opening, owning, setting it, or the carrier was lost.
    Terminal,
    /// The user: unknown, or not permitted to become him.
    User,
    /// The program itself: missing, not executable.
    Program,
}

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchFault {
    /// Our own second program did not come up.
    #[error("{program}: starting our own second program: {source}")]
    Helper {
        /// Which.
        program: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The second program got so far and no further.
    #[error("{text}")]
    Failed {
        /// At which step.
        step: Step,
        /// The kernel's error number, where there was one.
        errno: Option<i32>,
        /// In words: where, what, and the cure.
        text: String,
    },
}

impl LaunchFault {
    fn request(text: impl Into<String>) -> Self {
        Self::Failed { step: Step::Request, errno: None, text: text.into() }
    }
}

/// One line of the report.
#[derive(Debug, Serialize, Deserialize)]
enum Told {
    /// It went on all the same.
    Warning(String),
    /// All is ready: the exec comes next, and closes the report if it works.
    Ready,
    /// It ended here.
    Fault { step: Step, errno: Option<i32>, text: String },
}

/// Whether these are the arguments of the second program; if so, call [`exec_line_main`] before anything
/// else: before threads, signal handlers, logging.
pub fn is_exec_line(arguments: impl IntoIterator<Item = OsString>) -> bool {
    arguments.into_iter().nth(1).is_some_and(|first| first == OsStr::new(EXEC_LINE))
}

/// From now on SIGHUP, SIGINT and SIGTERM mean nothing to this process: for one that ends with another, and must not
/// end before it. Programs that are started later get the default back.
///
/// # Errors
/// What the kernel says.
pub fn ignore_stop_signals() -> io::Result<()> {
    use nix::sys::signal::{SigHandler, Signal, signal};
    for which in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        // SAFETY: no handler of ours is put in: ignoring runs no code.
        unsafe { signal(which, SigHandler::SigIgn) }?;
    }
    Ok(())
}

/// Starts programs through a second program.
#[derive(Debug, Clone)]
pub struct Launcher {
    helper: PathBuf,
}

impl Launcher {
    /// The second program is this one, even if its file has been replaced meanwhile.
    pub fn this_program() -> Self {
        Self { helper: PathBuf::from("/proc/self/exe") }
    }

    /// The second program is that one: for test programs, which are not dialback.
    pub fn at(helper: impl Into<PathBuf>) -> Self {
        Self { helper: helper.into() }
    }

    /// Starts `launch` and returns once its program runs, or with the reason why it does not.
    ///
    /// A pty's slave must stay open in the caller until then.
    ///
    /// # Errors
    /// [`LaunchFault`], in words with the cure.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O enabled.
    pub async fn start(&self, launch: &Launch) -> Result<Launched, LaunchFault> {
        self.start_request(Request { launch: launch.clone(), lock: None }).await
    }

    /// As [`Launcher::start`], and puts the program's number into the line's lock before it runs: pppd and
    /// others refuse a line that somebody else has locked. [`Lock::reclaim`] afterwards.
    ///
    /// # Errors
    /// As [`Launcher::start`]; the lock is ours again then.
    ///
    /// # Panics
    /// As [`Launcher::start`].
    pub async fn start_with_lock(
        &self,
        launch: &Launch,
        lock: &mut Lock,
    ) -> Result<Launched, LaunchFault> {
        let path = Some(lock.path().to_owned());
        let request = Request { launch: launch.clone(), lock: path };
        match self.start_request(request).await {
            Ok(launched) => {
                lock.lent_to(launched.pid());
                Ok(launched)
            }
            Err(fault) => {
                // Whatever process has put its number in has ended. The reason why it did not start is the
                // better one to tell; a lock that is lost shows itself.
                let _lost = lock.reclaim_from_the_dead();
                Err(fault)
            }
        }
    }

    async fn start_request(&self, request: Request) -> Result<Launched, LaunchFault> {
        let Spawned { child, report } = self.spawn(&request)?;
        let fault = |source| self.fault(source);
        let report = AsyncFile::new(report).map_err(fault)?;
        let mut launched = Launched::new(child).map_err(fault)?;
        let text = read_report(&report).await.map_err(fault)?;
        match self.verdict(&text) {
            Ok(warnings) => {
                launched.warn(warnings);
                Ok(launched)
            }
            Err(failed) => {
                // It ends by itself; this takes it off the process table.
                launched.wait().await.map_err(fault)?;
                Err(failed)
            }
        }
    }

    /// Starts the second program, which reads its request and will report.
    fn spawn(&self, request: &Request) -> Result<Spawned, LaunchFault> {
        let fault = |source| self.fault(source);
        let request = write_request(request)?;
        let (report, report_writer) =
            rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(|e| fault(e.into()))?;
        let mut command = Command::new(&self.helper);
        command.arg0("dialback").arg(EXEC_LINE).env_clear().current_dir("/");
        command.stdin(request).stdout(report_writer).stderr(Stdio::inherit());
        let child = command.spawn().map_err(fault)?.id();
        // The end of the report needs its writing end gone, and the command holds it: it is dropped here.
        Ok(Spawned { child, report })
    }

    /// What a whole report says: the warnings of a start, or why there was none.
    fn verdict(&self, report: &[u8]) -> Result<Vec<String>, LaunchFault> {
        // Until it says otherwise, it has ended without starting anything.
        let early = io::Error::other("it ended before the program was started");
        let mut failed = Some(self.fault(early));
        let mut warnings = Vec::new();
        for line in report.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(Told::Warning(warning)) => warnings.push(warning),
                Ok(Told::Ready) => failed = None,
                Ok(Told::Fault { step, errno, text }) => {
                    failed = Some(LaunchFault::Failed { step, errno, text });
                }
                Err(e) => failed = Some(self.fault(io::Error::other(format!("its report: {e}")))),
            }
        }
        failed.map_or(Ok(warnings), Err)
    }

    fn fault(&self, source: io::Error) -> LaunchFault {
        LaunchFault::Helper { program: self.helper.clone(), source }
    }
}

/// The second program, of which nobody knows yet how it fares.
struct Spawned {
    child: u32,
    report: OwnedFd,
}

/// The request as a file that is read from its beginning: unlike a pipe it never fills up.
fn write_request(request: &Request) -> Result<OwnedFd, LaunchFault> {
    let launch = &request.launch;
    if !launch.program.is_absolute() {
        return Err(LaunchFault::request(format!(
            "{}: not an absolute path: no search path is used on a line",
            launch.program.display()
        )));
    }
    let text = serde_json::to_vec(request).map_err(|e| LaunchFault::request(e.to_string()))?;
    if text.len() > REQUEST_LIMIT {
        return Err(LaunchFault::request("arguments and environment are too long together"));
    }
    let write = || -> io::Result<OwnedFd> {
        let file = rustix::fs::memfd_create("dialback exec-line", MemfdFlags::CLOEXEC)?;
        let mut left = text.as_slice();
        while !left.is_empty() {
            let count = rustix::io::write(&file, left)?;
            left = left.get(count..).unwrap_or_default();
        }
        rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0))?;
        Ok(file)
    };
    write().map_err(|e| LaunchFault::request(format!("writing the request: {e}")))
}

async fn read_report(report: &AsyncFile) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut room = [0; 1024];
    loop {
        let count = report.read_some(&mut room).await?;
        if count == 0 {
            return Ok(text);
        }
        if text.len() + count > REPORT_LIMIT {
            return Err(io::Error::other("its report is too long"));
        }
        text.extend_from_slice(room.get(..count).unwrap_or_default());
    }
}
