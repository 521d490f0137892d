//! The second program: one thread that becomes the program on the line.
//!
//! The order matters and is the reason why this is one function from top to bottom: signals first, so that
//! nothing ignored is inherited; the session before the terminal; the terminal while still root; the ids
//! after everything that needs root; the program last.
//!
//! It deliberately does not know why this program is started, or for whom.

use std::ffi::CString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use nix::sys::signal::SigSet;
use nix::unistd::{Gid, Uid};
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::process::Signal;

use super::{Launch, REQUEST_LIMIT, Request, Step, Told};
use crate::account::Account;
use crate::signals::{ModemLines, SignalFault};
use crate::tty::{Carrier, Tty};
use crate::utmp;

/// What the second program ends with when it cannot become the other one; shells use it for that too.
const FAILED: i32 = 127;

/// The lowest descriptor for our own use, above the three that the program gets.
const OWN_FDS_FROM: i32 = 10;

/// The last signal of Linux on every machine but MIPS.
const LAST_SIGNAL: i32 = 64;

struct Fault {
    step: Step,
    errno: Option<i32>,
    text: String,
}

impl Fault {
    fn new(step: Step, text: impl Into<String>) -> Self {
        Self { step, errno: None, text: text.into() }
    }

    /// For use with `map_err`: what was being done, and what the kernel said.
    fn at<E: Into<io::Error>>(step: Step, what: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |e| {
            let e = e.into();
            Self { step, errno: e.raw_os_error(), text: format!("{}: {e}", what.into()) }
        }
    }
}

/// Becomes the program that the request on standard input names, or reports on standard output why not.
///
/// For [`super::Launcher`] only. Run by hand it does nothing that the user could not do himself.
pub fn exec_line_main() -> ! {
    restore_signals();
    // Kept apart from 0 to 2, which become the terminal, and closed by the exec: that is the success report.
    let Ok(report) = rustix::io::fcntl_dupfd_cloexec(io::stdout(), OWN_FDS_FROM) else {
        std::process::exit(FAILED)
    };
    let mut report = std::fs::File::from(report);
    let fault = match become_the_program(&mut report) {
        Ok(never) => match never {},
        Err(fault) => fault,
    };
    tell(&mut report, &Told::Fault { step: fault.step, errno: fault.errno, text: fault.text });
    std::process::exit(FAILED)
}

fn tell(report: &mut impl Write, told: &Told) {
    let Ok(mut line) = serde_json::to_vec(told) else { return };
    line.push(b'\n');
    // If the parent is gone there is nobody to tell.
    let _told = report.write_all(&line);
}

fn become_the_program(report: &mut impl Write) -> Result<std::convert::Infallible, Fault> {
    let Request { launch, lock } = read_request()?;
    let exec = Exec::of(&launch)?;
    let parent = rustix::process::getppid();
    rustix::process::setsid().map_err(Fault::at(Step::Session, "making a session of its own"))?;
    let account = account_of(&launch)?;
    let tty = take_terminal(&launch)?;
    if let (Some(path), Some(parent)) = (&lock, parent) {
        let parent = parent.as_raw_nonzero().get().unsigned_abs();
        crate::lock::take_over(path, parent)
            .map_err(Fault::at(Step::Terminal, "taking the lock over"))?;
    }
    if let Some(entry) = &launch.utmp {
        let record = utmp::Record {
            stage: entry.stage,
            pid: std::process::id(),
            tty: &launch.tty,
            user: &entry.user,
            host: &entry.host,
        };
        if let Err(e) = utmp::write(&entry.files, &record) {
            tell(report, &Told::Warning(e.to_string()));
        }
    }
    become_user(&launch, account.as_ref())?;
    die_with(parent)?;
    enter_directory(account.as_ref(), report);
    rustix::process::umask(Mode::from_raw_mode(0o022));
    close_the_rest().map_err(Fault::at(Step::Session, "closing what is open"))?;
    tell(report, &Told::Ready);
    let fault = exec.run(&launch.program);
    // Only on failure: gives the terminal its settings back.
    drop(tty);
    Err(fault)
}

/// Every signal to its default and none blocked: what is ignored or blocked survives an exec, and a session
/// that ignores SIGHUP does not end when its carrier is lost.
fn restore_signals() {
    for signal in 1..=LAST_SIGNAL {
        // The kernel's struct sigaction, all zero: SIG_DFL, no flags, empty mask. Zeroes enough for every
        // machine's layout of it.
        let by_default = [0_u64; 8];
        // Not through the C library: it keeps signals 32 and 33 to itself, and glibc's posix_spawn, which
        // started us, leaves them ignored.
        // SAFETY: the kernel reads one struct sigaction from it, and the old one is not asked for.
        let _unchangeable = unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                by_default.as_ptr(),
                std::ptr::null_mut::<u64>(),
                size_of::<u64>(),
            )
        };
    }
    // Fails only for a wrong argument.
    let _always = SigSet::empty().thread_set_mask();
}

fn read_request() -> Result<Request, Fault> {
    let mut text = Vec::new();
    let limit = u64::try_from(REQUEST_LIMIT).unwrap_or(u64::MAX);
    io::stdin()
        .take(limit)
        .read_to_end(&mut text)
        .map_err(Fault::at(Step::Request, "reading the request"))?;
    serde_json::from_slice(&text).map_err(|e| {
        Fault::new(Step::Request, format!("exec-line is for dialback's own use: bad request: {e}"))
    })
}

fn account_of(launch: &Launch) -> Result<Option<Account>, Fault> {
    let Some(name) = &launch.user else { return Ok(None) };
    match Account::named(name) {
        Ok(Some(account)) => Ok(Some(account)),
        Ok(None) => Err(Fault::new(
            Step::User,
            format!("{name}: no such user: create it, or correct the entry that names it"),
        )),
        Err(e) => Err(Fault::at(Step::User, format!("looking up user {name}"))(e)),
    }
}

/// Opens the terminal anew, makes it ours and descriptors 0 to 2, and sets it for a program.
fn take_terminal(launch: &Launch) -> Result<Tty, Fault> {
    let fault = |e: crate::tty::TtyFault| Fault::new(Step::Terminal, e.to_string());
    let tty = Tty::open_same(&launch.tty, launch.device).map_err(fault)?;
    if let Some(access) = launch.access {
        tty.set_access(access).map_err(fault)?;
    }
    tty.set_blocking().map_err(fault)?;
    let name = launch.tty.display();
    rustix::process::ioctl_tiocsctty(&tty).map_err(|e: Errno| {
        let why = if e == Errno::PERM { "another session still has it" } else { "not possible" };
        Fault::at(Step::Terminal, format!("{name}: making it the controlling terminal: {why}"))(e)
    })?;
    let onto = Fault::at(Step::Terminal, format!("{name}: making it standard input and output"));
    (|| {
        rustix::stdio::dup2_stdin(&tty)?;
        rustix::stdio::dup2_stdout(&tty)?;
        rustix::stdio::dup2_stderr(&tty)
    })()
    .map_err(onto)?;
    if !launch.raw {
        tty.set_login_mode(launch.carriage_return).map_err(fault)?;
    }
    tty.set_carrier(launch.carrier).map_err(fault)?;
    match launch.carrier {
        Carrier::Ignore => {}
        // The kernel tells of a fall from now on; one a moment ago it has not told.
        Carrier::Watch => match ModemLines::read(&tty) {
            Ok(lines) if !lines.dcd => {
                return Err(Fault::new(Step::Terminal, format!("{name}: the carrier was lost")));
            }
            Ok(_) | Err(SignalFault::NoControlLines) => {}
            Err(e) => return Err(Fault::new(Step::Terminal, format!("{name}: {e}"))),
        },
    }
    Ok(tty)
}

/// Groups before group before user: each step needs the rights that the next one gives up.
fn become_user(launch: &Launch, account: Option<&Account>) -> Result<(), Fault> {
    let Some(account) = account else {
        if Uid::effective().is_root() {
            nix::unistd::setgroups(&[]).map_err(Fault::at(Step::User, "leaving our groups"))?;
        }
        return Ok(());
    };
    let (uid, gid) = (Uid::from_raw(account.uid), Gid::from_raw(account.gid));
    let name = launch.user.as_deref().unwrap_or_default();
    let fault = |what| Fault::at::<nix::Error>(Step::User, format!("becoming {name}: {what}"));
    if !Uid::effective().is_root() && Uid::effective() == uid {
        return Ok(());
    }
    let c_name = CString::new(name)
        .map_err(|_| Fault::new(Step::User, "a user's name with a NUL in it".to_owned()))?;
    nix::unistd::initgroups(&c_name, gid).map_err(fault("taking on his groups"))?;
    nix::unistd::setresgid(gid, gid, gid).map_err(fault("taking on his group"))?;
    nix::unistd::setresuid(uid, uid, uid).map_err(fault("taking on his user id"))?;
    // There must be no way back.
    if !uid.is_root() && nix::unistd::setresuid(uid, Uid::from_raw(0), uid).is_ok() {
        return Err(Fault::new(Step::User, format!("becoming {name}: root could be regained")));
    }
    Ok(())
}

/// The program ends with whoever started us (SIGKILL), also if that one is killed: nobody would be left to hang the
/// line up, and the next caller would find the session. Its leader's death hangs up the rest. After the change of the
/// user, which clears it; a program that changes its user again clears it too, and login(1) keeps a parent that does
/// not.
fn die_with(parent: Option<rustix::process::Pid>) -> Result<(), Fault> {
    let with = Fault::at(Step::Session, "tying the program's life to the server's");
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(with)?;
    // It may have ended a moment before.
    if parent.is_none() || rustix::process::getppid() != parent {
        return Err(Fault::new(Step::Session, "the server has ended"));
    }
    Ok(())
}

fn enter_directory(account: Option<&Account>, report: &mut impl Write) {
    let home = account.map_or(Path::new("/"), |account| account.home.as_path());
    if let Err(e) = std::env::set_current_dir(home) {
        tell(report, &Told::Warning(format!("{}: {e}: starting in / instead", home.display())));
        // The parent started us there already, so this cannot be worse.
        let _already = std::env::set_current_dir("/");
    }
}

/// Everything above standard error is closed by the exec, whoever opened it.
fn close_the_rest() -> io::Result<()> {
    // Through the number: the C library has the function only since glibc 2.34.
    // SAFETY: close_range(2) with CLOEXEC takes three integers and closes nothing yet.
    let done =
        unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if done == 0 {
        return Ok(());
    }
    // Linux before 5.11. Read to the end first: the directory's own descriptor is among them.
    let open: Vec<_> = std::fs::read_dir("/proc/self/fd")?.collect();
    for entry in open {
        let name = entry?.file_name();
        let Some(fd) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if fd > 2 {
            // SAFETY: F_SETFD takes an integer; on a closed descriptor it only fails.
            let _closed = unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
    Ok(())
}

/// Everything that exec needs, in its form.
struct Exec {
    path: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Exec {
    fn of(launch: &Launch) -> Result<Self, Fault> {
        let text = |bytes: Vec<u8>| {
            CString::new(bytes).map_err(|_| {
                Fault::new(Step::Request, "an argument or variable with a NUL byte in it")
            })
        };
        let name = launch.program.file_name().unwrap_or(launch.program.as_os_str());
        let mut arguments = vec![text(name.as_bytes().to_vec())?];
        for argument in &launch.arguments {
            arguments.push(text(argument.as_bytes().to_vec())?);
        }
        let mut environment = Vec::new();
        for (name, value) in &launch.environment {
            if name.is_empty() || name.as_bytes().contains(&b'=') {
                let what = format!(
                    "environment variable {}: a name needs letters and has no =",
                    name.display()
                );
                return Err(Fault::new(Step::Request, what));
            }
            let mut variable = name.clone().into_vec();
            variable.push(b'=');
            variable.extend_from_slice(value.as_bytes());
            environment.push(text(variable)?);
        }
        Ok(Self {
            path: text(launch.program.as_os_str().as_bytes().to_vec())?,
            arguments,
            environment,
        })
    }

    /// Returns only if it did not work.
    fn run(&self, program: &Path) -> Fault {
        match nix::unistd::execve(&self.path, &self.arguments, &self.environment) {
            Ok(never) => match never {},
            Err(e) => Fault::at(Step::Program, program.display().to_string())(e),
        }
    }
}
