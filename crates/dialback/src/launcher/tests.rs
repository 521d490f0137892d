//! What a confined process can still do: a child of this test program applies the server's own confinement to itself,
//! tries one thing, and says what came of it.
//!
//! The child is this same test program, asked for the one test [`probe`] alone; its threads are as few as a test
//! program's can be, and what it tries it tries on the confined one.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use calls::config::System;
use calls::config::load::{FileText, Surroundings, load};

use super::*;

/// What the child is to try, and in which folder: unset in a usual run of the tests.
pub(crate) const TRY: &str = "DIALBACK_CONFINED_TRY";
pub(crate) const FOLDER: &str = "DIALBACK_CONFINED_FOLDER";

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It works.
    Works,
    /// The kernel says no.
    Refused,
    /// The kernel ends the process.
    Fatal,
}

use Outcome::{Fatal, Refused, Works};

/// What is tried, and what must come of it. `{}` is the folder.
const ATTEMPTS: [(&str, &str, Outcome); 25] = [
    // What it must not do.
    ("read", "/etc/shadow", Refused),
    ("read", "/etc/shadow-", Refused),
    ("read", "/etc/ssh/sshd_config", Refused),
    ("read", "/root/.bashrc", Refused),
    ("read", "{}/login.config", Refused),
    ("read", "{}/public.config", Refused),
    ("read", "{}/others/key", Refused),
    ("list", "{}", Refused),
    ("write", "{}/new", Refused),
    ("write", "/tmp/dialback-confined-probe", Refused),
    ("execute", "/bin/true", Fatal),
    ("fork", "", Refused),
    ("setuid", "", Fatal),
    ("unshare", "", Fatal),
    ("ptrace", "", Fatal),
    ("mount", "", Fatal),
    ("device", "/dev/mem", Refused),
    ("tcp-of-another-kind", "", Refused),
    // What it must be able to do.
    ("write", "{}/state/journal", Works),
    ("read", "/proc/self/status", Works),
    ("read", "/etc/hosts", Works),
    ("device", "/dev/null", Works),
    ("thread", "", Works),
    ("socket", "", Works),
    ("write", "{}/locks/LCK..probe", Works),
];

#[test]
fn a_confined_process_cannot_read_secrets_execute_or_become_anybody() {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "needs root's rights");
        println!("skipped: confinement: needs root's rights");
        return;
    }
    let folder = folder();
    let mut wrong = Vec::new();
    println!("{:<20} {:<44} OUTCOME", "TRIED", "ON");
    for (what, on, wanted) in ATTEMPTS {
        let on = on.replace("{}", &folder.display().to_string());
        if on.starts_with("/etc/") && !Path::new(&on).exists() {
            continue;
        }
        let got = attempt("launcher::tests::probe", what, &on, &folder);
        println!("{what:<20} {on:<44} {got:?}");
        if got != Ok(wanted) {
            wrong.push(format!("{what} {on}: {got:?} instead of {wanted:?}"));
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A folder as the server finds it: its own state, a secret of root's, and a file of others' that is merely not its
/// business.
fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("dialback-confined-{}", std::process::id()));
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for (name, bits) in [("", 0o755), ("others", 0o755), ("state", 0o750), ("locks", 0o1777)] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
        mode(&folder.join(name), bits);
    }
    for (name, bits) in [("login.config", 0o600), ("public.config", 0o644), ("others/key", 0o644)] {
        std::fs::write(folder.join(name), "* - - /bin/login @\n").unwrap();
        mode(&folder.join(name), bits);
    }
    let account = Account::named("uucp").unwrap().unwrap();
    std::os::unix::fs::chown(folder.join("state"), Some(account.uid), Some(account.gid)).unwrap();
    folder
}

/// Has a child of this test program try it, which the test `probe` confines before.
pub(crate) fn attempt(probe: &str, what: &str, on: &str, folder: &Path) -> Result<Outcome, String> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", probe, "--nocapture", "--test-threads=1"])
        .env(TRY, format!("{what} {on}"))
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let told = |word| said.lines().any(|line| line.trim_end().ends_with(word));
    match output.status {
        _ if !told("confined") => Err(format!("never confined: {said}")),
        status if killed(status) => Ok(Fatal),
        _ if told("it works") => Ok(Works),
        _ if told("refused") => Ok(Refused),
        status => Err(format!("{status}: {said}")),
    }
}

/// By the filter, and by nothing else.
fn killed(status: ExitStatus) -> bool {
    status.signal() == Some(nix::sys::signal::Signal::SIGSYS as i32)
}

/// The child's part. In a usual run there is nothing to try.
#[test]
fn probe() {
    let (Ok(wish), Ok(folder)) = (std::env::var(TRY), std::env::var(FOLDER)) else { return };
    let (what, on) = wish.split_once(' ').unwrap();
    let config = config(Path::new(&folder));
    let account = Account::named(&config.server.user).unwrap().unwrap();
    let identity =
        Identity { uid: account.uid, gid: account.gid, groups: groups(&account).unwrap() };
    sys::confine::become_user(&identity).unwrap();
    let landlock = sys::confine::confine(&reach::of(&config, &Places::untouched(None))).unwrap();
    assert_eq!(landlock, Landlock::Fully, "this kernel has less than is tested here");
    say("confined");
    match tried(what, on) {
        Ok(()) => say("it works"),
        Err(e) => {
            say(&format!("{e}"));
            say("refused");
        }
    }
}

/// At once: the next step may be the last.
pub(crate) fn say(word: &str) {
    let mut out = io::stdout();
    writeln!(out, "\n{word}").unwrap();
    out.flush().unwrap();
}

pub(crate) fn tried(what: &str, on: &str) -> io::Result<()> {
    match what {
        "read" => std::fs::read(on).map(drop),
        "list" => std::fs::read_dir(on).map(drop),
        "write" => File::options().append(true).create(true).open(on)?.write_all(b"x"),
        "device" => File::options().read(true).write(true).open(on).map(drop),
        "execute" => Err(Command::new(on).exec()),
        "fork" => Command::new("/bin/true").spawn().map(drop),
        "setuid" => Ok(nix::unistd::setuid(nix::unistd::Uid::from_raw(0))?),
        "unshare" => Ok(nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER)?),
        "ptrace" => Ok(nix::sys::ptrace::attach(nix::unistd::getppid())?),
        "mount" => {
            let none: Option<&str> = None;
            Ok(nix::mount::mount(none, "/", none, nix::mount::MsFlags::MS_BIND, none)?)
        }
        "thread" => {
            let done = std::thread::Builder::new().spawn(|| ())?.join();
            done.map_err(|_| io::Error::other("it panicked"))
        }
        "connect" => std::net::TcpStream::connect(on).map(drop),
        "local" => std::os::unix::net::UnixStream::connect(on).map(drop),
        "socket" => std::net::TcpListener::bind("127.0.0.1:0").map(drop),
        "tcp-of-another-kind" => {
            use rustix::net::{AddressFamily, SocketType, socket};
            Ok(socket(AddressFamily::PACKET, SocketType::RAW, None).map(drop)?)
        }
        other => panic!("{other} is not known"),
    }
}

/// The configuration of a server whose places are in this folder.
fn config(folder: &Path) -> Config {
    let at = folder.display();
    let toml = format!(
        "[server]\nstate_dir = \"{at}/state\"\ncontrol = \"{at}/state/control.sock\"\n\
         lock_dir = \"{at}/locks\"\nlogin_config = \"login.config\"\nissue = \"\"\nuser = \"uucp\"\n\
         [[line]]\nname = \"main\"\nport = \"/dev/ttyS0\"\n"
    );
    let file = |text: &str| FileText { text: text.as_bytes().to_vec(), uid: 0, mode: 0o600 };
    let files = std::collections::BTreeMap::from([
        (PathBuf::from("dialback.toml"), file(&toml)),
        (PathBuf::from("login.config"), file("* - - /bin/login @\n")),
    ]);
    let surroundings = Surroundings { host: "orion".to_owned(), system: System::default(), uid: 0 };
    load(Path::new("dialback.toml"), &surroundings, &files).unwrap().config
}
