//! A second machine on this one, whose kernel has PPP: user-mode Linux, plain processes without a disk of their own.
//!
//! ```text
//!   this machine                                   the guest
//!   /  ◄───── read only, hostfs ─────────────────  / (what is written stays in its memory)
//!   a modem's pty ◄───── ssl1=tty:... ───────────  /dev/ttyS1
//!   what is to be run ───── standard input ──────► /dev/console ─► init.sh's shell
//!   what it says ◄───── standard output ─────────  /dev/console
//! ```
//!
//! So the guest has every program of this machine, the built `dialback` among them, and there is no image to build. All of
//! it lives in a namespace of processes and ends with it. If the test is killed, the console ends, and so does the guest.
//!
//! It deliberately does not know what is run in it.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crate::rig::PATIENCE;
use crate::rig::folder::Folder;
use crate::rig::process::{Ear, Process};

/// What has to be there.
pub(crate) const PROGRAMS: &[&str] = &[
    "/usr/bin/linux.uml",
    "/sbin/insmod",
    "/sbin/ip",
    "/bin/ping",
    "/usr/sbin/pppd",
    "/usr/sbin/chat",
    "/usr/bin/socat",
    "/usr/bin/unshare",
    "/usr/bin/nsenter",
];

/// Memory in MiB: what is read and written stays in it, beside a dozen processes. Twice what was seen in use.
const MEMORY: u64 = 128;

/// Guests at once. Each is a kernel that takes interrupts by signals: with more of them than processors they keep each
/// other waiting, and pppd's retransmissions after 3 s begin to show.
const AT_ONCE: usize = 2;

static RUNNING: Mutex<usize> = Mutex::new(0);
static ONE_LESS: Condvar = Condvar::new();

pub(crate) struct Guest {
    process: Process,
    console: std::io::PipeWriter,
    _turn: Turn,
}

/// One of the guests that may run.
struct Turn;

impl Turn {
    fn take() -> Self {
        let mut running = RUNNING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        while *running >= AT_ONCE {
            running = ONE_LESS.wait(running).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        *running += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(std::sync::PoisonError::into_inner) -= 1;
        ONE_LESS.notify_one();
    }
}

impl Guest {
    /// Starts a guest with a serial line on each of these terminals, `/dev/ttyS1` the first, and waits until it is up.
    pub(crate) fn boot(folder: &Folder, lines: &[&Path]) -> Self {
        let turn = Turn::take();
        let uml = folder.path("uml");
        std::fs::create_dir_all(&uml).unwrap();
        let init = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guest/init.sh");
        let mut command = Command::new("/usr/bin/unshare");
        command
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            // As the first process of a namespace the kernel could not abort itself; what it panics for stands on the
            // console, and a core file says no more.
            .args(["sh", "-c", r#"ulimit -c 0; /usr/bin/linux.uml "$@" 2>&1; :"#, "sh"])
            .args(["root=hostfs", "rootfstype=hostfs", "rootflags=/", "ro"])
            .arg(format!("init={}", init.canonicalize().unwrap().display()))
            .arg(format!("mem={MEMORY}M"))
            // 256 terminals of the old kind take a second to make.
            .args(["pty.legacy_count=0", "quiet", "panic=-1"])
            .args(["con=null", "con0=fd:0,fd:1", "ssl=null"])
            .args(["umid=guest".to_owned(), format!("uml_dir={}/", uml.display())])
            .args((1..).zip(lines).map(|(n, tty)| format!("ssl{n}=tty:{}", tty.display())))
            .env("TMPDIR", memory());
        let (input, console) = std::io::pipe().unwrap();
        let input = Stdio::from(OwnedFd::from(input));
        let mut process = Process::on("guest", &mut command, input, Ear::Stdout);
        // Its end of the pipe must be the only one: it is how the guest learns that we are gone.
        drop(command);
        let up = process.until("the guest to be up", |line| {
            line.text.strip_prefix("guest: ").map(str::to_owned)
        });
        println!("guest: {up}");
        Self { process, console, _turn: turn }
    }

    /// Runs shell commands in the background. What they say is heard under this name, a word.
    pub(crate) fn go(&mut self, name: &str, commands: &str) {
        let quoted = commands.replace('\'', r"'\''");
        writeln!(self.console, "go {name} '{quoted}'").unwrap();
    }

    /// Waits for the next line of `name` that contains `text`, and gives it back.
    pub(crate) fn until(&mut self, name: &str, text: &str) -> String {
        self.until_within(PATIENCE, name, text)
    }

    /// The same for a step that takes longer than others.
    pub(crate) fn until_within(&mut self, time: Duration, name: &str, text: &str) -> String {
        self.process.until_within(time, &format!("{text:?} of {name} in the guest"), |line| {
            let said = line.text.strip_prefix(name)?.strip_prefix(": ")?;
            said.contains(text).then(|| said.to_owned())
        })
    }

    /// Waits for the end of `name`, and gives its exit status back.
    pub(crate) fn exits(&mut self, name: &str) -> i32 {
        self.process.until(&format!("the end of {name} in the guest"), |line| {
            let said = line.text.strip_prefix(name)?.strip_prefix(": ")?;
            said.strip_prefix("exit ")?.parse().ok()
        })
    }

    /// Runs shell commands to their end; they must succeed.
    pub(crate) fn run(&mut self, name: &str, commands: &str) {
        self.go(name, commands);
        assert_eq!(self.exits(name), 0, "{name} in the guest:\n{}", self.process.transcript());
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // TALK=1 shows what was said in it also when all went well.
        if std::env::var_os("TALK").is_some() && !std::thread::panicking() {
            let said = self.process.said();
            let first = said.first().map(|line| line.at);
            for line in said {
                let at = first.map_or_else(Default::default, |first| line.at - first);
                println!("guest {:8.3} {}", at.as_secs_f64(), line.text);
            }
        }
    }
}

/// Where a guest's memory is: a file that it runs programs from.
fn memory() -> &'static str {
    const SHARED: &str = "/dev/shm";
    // A container's /dev/shm may be too small, and then the guest dies when it has used it up.
    let has_room = rustix::fs::statvfs(SHARED)
        .is_ok_and(|now| now.f_bavail.saturating_mul(now.f_frsize) >= (MEMORY << 20) * 2);
    if has_room { SHARED } else { env!("CARGO_TARGET_TMPDIR") }
}
