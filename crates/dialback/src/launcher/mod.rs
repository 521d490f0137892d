//! Least privilege: `serve` started as root splits in two before any thread exists.
//!
//! ```text
//!   dialback serve (root)
//!     ├─ starts the launcher: root, one thread, a closed list of requests            (root, session, protocol)
//!     ├─ takes the configuration from it, prepares directories and the socket        (places)
//!     └─ becomes the user of server.user: no capabilities, few files, few calls      (reach, sys::confine)
//!          └─ serves: lines, networks, journal; asks the launcher for programs       (client)
//! ```
//!
//! Or a service manager starts both, each as the user that it shall be, and the server joins the launcher at a socket:
//! then nothing that binds the server's process from outside binds the programs on lines, and nothing has to become
//! anybody else.
//!
//! Either one's death is the other's news, by the end of the socket between them: the launcher ends every session and
//! itself; the server hangs up every line and stops. Not started as root, or without that user, nothing is split, and
//! log, `check` and `status` say so.
//!
//! It deliberately does not know what a session is for.

mod client;
mod network;
mod places;
mod protocol;
mod reach;
mod root;
mod session;
#[cfg(test)]
pub(crate) mod tests;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use calls::config::Config;
use serde::{Deserialize, Serialize};
use sys::account::Account;
use sys::confine::{Identity, Landlock};
use sys::packets::Packets;

pub(crate) use client::{Client, Remote};
pub(crate) use places::{Control, Places};
pub(crate) use protocol::Terminal;

use crate::config::Read;
use crate::exit::{Code, Failure};
use crate::log::{self, Format};
use crate::out::{self, Palette};
use crate::supervisor::{self, Supervisor};

/// The first argument that makes our binary the launcher.
const LAUNCHER: &str = "launcher";

/// The last argument of a launcher that leaves the control socket alone.
const PASSED: &str = "passed";

/// Groups whose files a telephone line needs: the serial ports, and UUCP's locks where not everybody may make them.
const GROUPS: [&str; 2] = ["dialout", "uucp"];

/// With which rights the server runs: for log, `check` and `status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rights", rename_all = "kebab-case")]
pub(crate) enum Rights {
    /// As it should be: a launcher has root, and the server has nothing.
    Split {
        /// Whose rights the server has.
        user: String,
        /// The launcher's process.
        launcher: u32,
        /// How far the kernel keeps files from it.
        landlock: Landlock,
    },
    /// It was started by somebody who is not root: programs run as him, and nothing is split.
    Unprivileged {
        /// His number.
        uid: u32,
    },
    /// It is root, with everything that root may do.
    Root {
        /// Why.
        why: String,
    },
}

impl Rights {
    /// What is not as it should be, in a sentence.
    pub(crate) fn weakness(&self) -> Option<String> {
        match self {
            Self::Split { landlock: Landlock::Fully, .. } => None,
            Self::Split { landlock: Landlock::Partly, .. } => Some(
                "this kernel keeps the server from files only in part (Landlock before version 6)"
                    .into(),
            ),
            Self::Split { landlock: Landlock::Off, .. } => {
                Some("this kernel does not keep the server from files (no Landlock)".into())
            }
            Self::Unprivileged { uid } => Some(format!(
                "unprivileged, no launcher: everything runs as the user with id {uid}"
            )),
            Self::Root { why } => Some(format!("the whole server runs as root: {why}")),
        }
    }
}

/// Whom the server should become, or why it can't.
fn identity(config: &Config) -> Result<Account, Rights> {
    let uid = rustix::process::geteuid();
    if !uid.is_root() {
        return Err(Rights::Unprivileged { uid: uid.as_raw() });
    }
    let name = &config.server.user;
    let root = |why: String| Err(Rights::Root { why });
    match Account::named(name) {
        Ok(Some(account)) if account.uid == 0 => root(format!("server.user is {name}")),
        Ok(Some(account)) => Ok(account),
        Ok(None) => root(format!(
            "there is no user \"{name}\": create it (adduser --system --group {name}), or set server.user"
        )),
        Err(e) => root(format!("the user database can't be read: {e}")),
    }
}

/// What `dialback check` says of a server that this user starts.
pub(crate) fn foreseen_weakness(config: &Config) -> Option<String> {
    identity(config).err().and_then(|rights| rights.weakness())
}

/// What the server goes on with.
#[derive(Debug)]
pub(crate) struct Standing {
    /// With which rights.
    pub(crate) rights: Rights,
    /// The way to the launcher, where there is one.
    pub(crate) launcher: Option<Packets>,
    /// What root has made ready.
    pub(crate) places: Places,
    /// Who wants to hear how it fares.
    pub(crate) supervisor: Supervisor,
}

impl Standing {
    /// Whatever rights we have, nothing split.
    fn whole(rights: Rights, supervisor: Supervisor, passed: Option<UnixListener>) -> Self {
        Self { rights, launcher: None, places: Places::untouched(passed), supervisor }
    }

    /// As we are, by intention: a demonstration.
    pub(crate) fn as_we_are() -> Self {
        let rights = Rights::Unprivileged { uid: rustix::process::geteuid().as_raw() };
        Self::whole(rights, Supervisor::default(), None)
    }
}

/// What must be opened before rights are given up.
fn from_outside() -> Result<(Supervisor, Option<UnixListener>), Failure> {
    let passed = supervisor::control_socket().map_err(|e| system("the control socket", &e))?;
    Ok((Supervisor::found(), passed))
}

fn system(what: &str, e: &dyn std::fmt::Display) -> Failure {
    Failure::new(Code::System, format!("{what}: {e}"))
}

/// Splits, if that is possible, and gives rights up. Before any thread is started.
pub(crate) fn split(
    config: Config,
    path: &Path,
    format: Format,
    level: &str,
) -> Result<(Config, Standing), Failure> {
    let (supervisor, passed) = from_outside()?;
    let account = match identity(&config) {
        Ok(account) => account,
        Err(rights) => return Ok((config, Standing::whole(rights, supervisor, passed))),
    };
    let (ours, theirs) = Packets::pair().map_err(|e| system("a socket for the launcher", &e))?;
    let control = if passed.is_some() { root::Control::Passed } else { root::Control::Ours };
    spawn(theirs, path, format, level, control).map_err(|e| system("starting the launcher", &e))?;
    // From the launcher, and not from what was read before: both have the same then.
    let (read, launcher) = client::first_configuration(&ours, path)
        .map_err(|e| system("the configuration from the launcher", &e))?;
    let Some(config) = read.config else {
        let (_, first) = read.faults();
        return Err(Failure::new(Code::Configuration, first));
    };
    let places = Places::prepare(&config, &account, passed)?;
    let identity = Identity {
        uid: account.uid,
        gid: account.gid,
        groups: groups(&account).map_err(|e| system("looking up groups", &e))?,
    };
    let landlock = sys::confine::become_user(&identity)
        .and_then(|()| sys::confine::confine(&reach::of(&config, &places)))
        .map_err(|e| system("least privilege", &e))?;
    let rights = Rights::Split { user: account.name, launcher, landlock };
    Ok((config, Standing { rights, launcher: Some(ours), places, supervisor }))
}

/// Joins the launcher that listens at `socket`, for a server that was started as the user that it shall be, and gives
/// up what is left of its rights. What is wrong with the configuration has been told when this fails silently.
pub(crate) fn join(socket: &Path, path: &Path) -> Result<(Config, Standing), Failure> {
    let (supervisor, passed) = from_outside()?;
    let uid = rustix::process::geteuid();
    if uid.is_root() {
        let message =
            "--launcher is for a server that is not root: as root it starts a launcher itself";
        return Err(Failure::new(Code::Usage, message));
    }
    let at = |e: io::Error| {
        let message = format!(
            "{}: {e}: no launcher listens there (systemctl start dialback-launcher.socket)",
            socket.display()
        );
        Failure::new(Code::Unavailable, message)
    };
    let ours = Packets::connect(socket).map_err(at)?;
    // Waits, where the launcher of a run before still ends its sessions.
    let (read, launcher) = client::first_configuration(&ours, path)
        .map_err(|e| system("the configuration from the launcher", &e))?;
    out::error_text(&read.rendered(Palette::stderr()));
    let Some(config) = read.config else {
        return Err(Failure::silent(Code::Configuration));
    };
    let account = Account::with_id(uid.as_raw()).map_err(|e| system("the user database", &e))?;
    let user = account.map_or_else(|| uid.as_raw().to_string(), |account| account.name);
    let places = Places::untouched(passed);
    let landlock = sys::confine::remain_user()
        .and_then(|()| sys::confine::confine(&reach::of(&config, &places)))
        .map_err(|e| system("least privilege", &e))?;
    let rights = Rights::Split { user, launcher, landlock };
    Ok((config, Standing { rights, launcher: Some(ours), places, supervisor }))
}

fn groups(account: &Account) -> io::Result<Vec<u32>> {
    let mut groups = sys::account::groups_of(&account.name, account.gid)?;
    for name in GROUPS {
        groups.extend(sys::account::group_id(name)?);
    }
    groups.sort_unstable();
    groups.dedup();
    Ok(groups)
}

/// A process of its own, not a fork: it has another layout of its memory, and nothing of ours in it.
fn spawn(
    theirs: Packets,
    config: &Path,
    format: Format,
    level: &str,
    control: root::Control,
) -> io::Result<()> {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("dialback").arg(LAUNCHER).arg(config).arg(format.name()).arg(level);
    if control == root::Control::Passed {
        command.arg(PASSED);
    }
    command.env_clear().stdin(theirs.into_fd()).stdout(Stdio::null()).stderr(Stdio::inherit());
    // Its end is told by the socket. Nobody waits for it: whoever is left then, ends too.
    command.spawn().map(drop)
}

/// Whether these are the launcher's arguments; if so, call [`main`].
pub(crate) fn is_launcher(arguments: impl IntoIterator<Item = OsString>) -> bool {
    arguments.into_iter().nth(1).is_some_and(|first| first == OsStr::new(LAUNCHER))
}

/// The launcher, from its start to its end.
pub(crate) fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter().skip(2);
    let mut next = || arguments.next().unwrap_or_default();
    let (config, format, level) = (PathBuf::from(next()), next(), next());
    let passed = next() == PASSED;
    let format = if format == Format::Json.name() { Format::Json } else { Format::Text };
    let begin = || -> io::Result<root::Root> {
        // From a service manager it is a socket that listens, and one server at a time is served: the next one waits
        // until this launcher has ended.
        let given = io::stdin().as_fd().try_clone_to_owned()?;
        let listens = rustix::net::sockopt::socket_acceptconn(&given)?;
        let packets = Packets::adopt_or_accept(given)?;
        let null = std::fs::File::open("/dev/null")?;
        rustix::stdio::dup2_stdin(&null)?;
        // The server is told to stop by these, and tells us in time; a service manager tells all at once.
        sys::launch::ignore_stop_signals()?;
        std::env::set_current_dir("/")?;
        let control = if listens || passed { root::Control::Passed } else { root::Control::Ours };
        root::Root::new(packets, config, control)
    };
    // Only its end could be told otherwise.
    let _silent = log::start(format, &level.to_string_lossy());
    match begin() {
        Ok(root) => match root.run() {
            root::End::ServerGone => ExitCode::SUCCESS,
            root::End::NotARequest(what) => {
                tracing::error!(
                    "the launcher ends, and every session with it: the server sent {what}"
                );
                ExitCode::from(76)
            }
        },
        Err(e) => {
            tracing::error!("the launcher is for dialback's own use: {e}");
            ExitCode::from(71)
        }
    }
}

/// Reads a configuration again through the launcher, or by itself.
pub(crate) async fn read_again(client: Option<Client>, path: PathBuf) -> Read {
    match client {
        Some(client) => client.configuration(path).await,
        None => {
            let own = tokio::task::spawn_blocking(move || crate::config::read(&path)).await;
            // A panic has been reported.
            own.unwrap_or_else(|_| Read { config: None, diagnostics: Vec::new() })
        }
    }
}
