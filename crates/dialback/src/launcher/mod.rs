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
mod tests;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use calls::config::Config;
use serde::{Deserialize, Serialize};
use sys::account::Account;
use sys::confine::{Identity, Landlock};
use sys::packets::Packets;

pub(crate) use client::{Client, Remote};
pub(crate) use places::Places;
pub(crate) use protocol::Terminal;

use crate::config::Read;
use crate::exit::{Code, Failure};
use crate::log::{self, Format};

/// The first argument that makes our binary the launcher.
const LAUNCHER: &str = "launcher";

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
}

impl Standing {
    /// Whatever rights we have, nothing split.
    pub(crate) fn whole(rights: Rights) -> Self {
        Self { rights, launcher: None, places: Places::untouched() }
    }

    /// As we are, by intention: a demonstration.
    pub(crate) fn as_we_are() -> Self {
        Self::whole(Rights::Unprivileged { uid: rustix::process::geteuid().as_raw() })
    }
}

/// Splits, if that is possible, and gives rights up. Before any thread is started.
pub(crate) fn split(
    config: Config,
    path: &Path,
    format: Format,
    level: &str,
) -> Result<(Config, Standing), Failure> {
    let account = match identity(&config) {
        Ok(account) => account,
        Err(rights) => return Ok((config, Standing::whole(rights))),
    };
    let system =
        |what: &str, e: &dyn std::fmt::Display| Failure::new(Code::System, format!("{what}: {e}"));
    let (ours, theirs) = Packets::pair().map_err(|e| system("a socket for the launcher", &e))?;
    let launcher =
        spawn(theirs, path, format, level).map_err(|e| system("starting the launcher", &e))?;
    // From the launcher, and not from what was read before: both have the same then.
    let read = client::first_configuration(&ours, path)
        .map_err(|e| system("the configuration from the launcher", &e))?;
    let Some(config) = read.config else {
        let (_, first) = read.faults();
        return Err(Failure::new(Code::Configuration, first));
    };
    let places = Places::prepare(&config, &account)?;
    let identity = Identity {
        uid: account.uid,
        gid: account.gid,
        groups: groups(&account).map_err(|e| system("looking up groups", &e))?,
    };
    let confined = sys::confine::become_user(&identity)
        .and_then(|()| sys::confine::confine(&reach::of(&config, &places)));
    let landlock = confined.map_err(|e| system("least privilege", &e))?;
    let rights = Rights::Split { user: account.name, launcher, landlock };
    Ok((config, Standing { rights, launcher: Some(ours), places }))
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
fn spawn(theirs: Packets, config: &Path, format: Format, level: &str) -> io::Result<u32> {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("dialback").arg(LAUNCHER).arg(config).arg(format.name()).arg(level);
    command.env_clear().stdin(theirs.into_fd()).stdout(Stdio::null()).stderr(Stdio::inherit());
    // Its end is told by the socket. Nobody waits for it: whoever is left then, ends too.
    Ok(command.spawn()?.id())
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
    let format = if format == Format::Json.name() { Format::Json } else { Format::Text };
    let begin = || -> io::Result<root::Root> {
        let packets = Packets::adopt(io::stdin().as_fd().try_clone_to_owned()?)?;
        let null = std::fs::File::open("/dev/null")?;
        rustix::stdio::dup2_stdin(&null)?;
        // The server is told to stop by these, and tells us in time; a service manager tells all at once.
        sys::launch::ignore_stop_signals()?;
        std::env::set_current_dir("/")?;
        root::Root::new(packets, config)
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
