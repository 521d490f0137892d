//! What root makes ready for a server that will not be root: its directories, its journal's owner, its socket.
//!
//! Root gives a file away only if nobody but root could have put it there; in a directory that already belongs to the
//! user nothing is touched, since a name there may lead anywhere. It deliberately does not know what is in the files.

use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use calls::config::Config;
use sys::account::Account;

use crate::control;
use crate::exit::{Code, Failure};

/// The control socket as the server finds it.
#[derive(Debug)]
pub(crate) enum Control {
    /// The server binds it.
    Unbound,
    /// Bound by root, because its directory is not the server's.
    Bound(UnixListener),
    /// Bound by a service manager, whose it stays.
    Passed(UnixListener),
}

/// What was made ready.
#[derive(Debug)]
pub(crate) struct Places {
    /// The control socket.
    pub(crate) control: Control,
}

impl Places {
    /// Nothing but what a service manager has: the server has the rights that it needs.
    pub(super) fn untouched(passed: Option<UnixListener>) -> Self {
        Self { control: passed.map_or(Control::Unbound, Control::Passed) }
    }

    /// Makes the directories and the socket, and gives them to the server's user.
    pub(super) fn prepare(
        config: &Config,
        account: &Account,
        passed: Option<UnixListener>,
    ) -> Result<Self, Failure> {
        let server = &config.server;
        let fault = |path: &Path, e: &io::Error| {
            let message = format!("{}: giving it to user {}: {e}", path.display(), account.name);
            Failure::new(Code::InputOutput, message)
        };
        give_directory(&server.state_dir, account).map_err(|e| fault(&server.state_dir, &e))?;
        if let Some(capture) = config.ppp.as_ref().and_then(|ppp| ppp.capture.as_ref()) {
            give_directory(&capture.directory, account)
                .map_err(|e| fault(&capture.directory, &e))?;
        }
        if let Some(passed) = passed {
            return Ok(Self { control: Control::Passed(passed) });
        }
        let dir = server.control.parent().unwrap_or(Path::new("/"));
        if !dir.exists() {
            give_directory(dir, account).map_err(|e| fault(dir, &e))?;
        }
        let seen = dir.metadata().map_err(|e| fault(dir, &e))?;
        if seen.uid() == account.uid {
            return Ok(Self { control: Control::Unbound });
        }
        // Root may give a socket away by its name only where nobody else can put something else under that name.
        if seen.mode() & 0o022 != 0 && seen.mode() & 0o1000 == 0 {
            let e = io::Error::other("its directory is open to others: chmod it to 755");
            return Err(fault(&server.control, &e));
        }
        let socket = control::bind(&server.control)?;
        std::os::unix::fs::lchown(&server.control, Some(account.uid), Some(account.gid))
            .map_err(|e| fault(&server.control, &e))?;
        Ok(Self { control: Control::Bound(socket) })
    }
}

/// A directory for the user alone, made if need be. One that was root's, as after a run as root, is handed over with
/// what is in it.
fn give_directory(path: &Path, account: &Account) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o750).create(path)?;
    let directory = open(path, rustix::fs::OFlags::DIRECTORY)?;
    let seen = directory.metadata()?;
    if seen.uid() == account.uid {
        return Ok(());
    }
    if seen.uid() != 0 {
        let message = format!("it belongs to the user with id {}: chown it", seen.uid());
        return Err(io::Error::other(message));
    }
    // Files first: from the moment the directory is his he can exchange them.
    if seen.mode() & 0o022 == 0 {
        for entry in std::fs::read_dir(path)? {
            give_file(&entry?.path(), account)?;
        }
    }
    give(&directory, account)
}

/// A plain file of root's with one name only; anything else is left alone.
fn give_file(path: &Path, account: &Account) -> io::Result<()> {
    let kind = std::fs::symlink_metadata(path)?.file_type();
    if !kind.is_file() {
        return Ok(());
    }
    let file = open(path, rustix::fs::OFlags::NONBLOCK)?;
    let seen = file.metadata()?;
    if seen.is_file() && seen.uid() == 0 && seen.nlink() == 1 {
        give(&file, account)?;
    }
    Ok(())
}

fn open(path: &Path, flags: rustix::fs::OFlags) -> io::Result<File> {
    let flags = flags | rustix::fs::OFlags::NOFOLLOW;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

fn give(file: &File, account: &Account) -> io::Result<()> {
    std::os::unix::fs::fchown(file, Some(account.uid), Some(account.gid))
}
