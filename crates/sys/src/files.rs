//! Files that decide about security: whether their owner, mode and place can be trusted.
//!
//! The check is made on the opened file, which is then handed back: what was checked is what is read.
//!
//! It deliberately does not know what is in them.

use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What a file is used for, and so who may touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It holds secrets: only its owner reads or writes it.
    Secret,
    /// It holds a secret that somebody else handed over: its group may read it too, as systemd's credentials and
    /// `root:dialback 0640` are.
    Credential,
    /// It says what is run or who is let in: others may read, not write.
    Authority,
}

/// Why a file is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// It cannot be opened.
    #[error("{path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// It is a directory, a device, a pipe.
    #[error("{path}: not a regular file")]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else owns it and can change it at will.
    #[error("{path}: belongs to user {owner}, who could change it: chown it to root")]
    Owner {
        /// The file or directory.
        path: PathBuf,
        /// Its owner's id.
        owner: u32,
    },
    /// Others can read or write it.
    #[error("{path}: mode {mode:04o} lets others {what} it: chmod it to {cure:04o}")]
    Mode {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they could do.
        what: &'static str,
        /// A mode that is right.
        cure: u32,
    },
}

const WRITE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Opens `path` for reading if it can be trusted.
///
/// Its owner must be root or the user we run as; so must its directories up to the root, and nobody else
/// may write to them (unless sticky, as `/tmp`), since who can rename a directory can exchange the file.
///
/// # Errors
/// What is wrong, and how to put it right.
pub fn open_trusted(path: &Path, trust: Trust) -> Result<File, FileFault> {
    let open = |source| FileFault::Open { path: path.to_owned(), source };
    // Non-blocking: a pipe in the file's place must not hang us before it is refused.
    let file = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
        .map_err(open)?;
    let seen = file.metadata().map_err(open)?;
    if !seen.is_file() {
        return Err(FileFault::NotAFile { path: path.to_owned() });
    }
    check_owner(path, seen.uid())?;
    let mode = seen.mode() & 0o7777;
    let fault = |what, cure| FileFault::Mode { path: path.to_owned(), mode, what, cure };
    if mode & WRITE_BY_OTHERS != 0 {
        return Err(fault("write", mode & !WRITE_BY_OTHERS & !0o077 | 0o600));
    }
    let (closed, cure) = match trust {
        Trust::Secret => (0o077, 0o600),
        Trust::Credential => (0o007, 0o640),
        Trust::Authority => (0, 0),
    };
    if mode & closed != 0 {
        return Err(fault("read", cure));
    }
    // Of the real place: a symbolic link's own directory does not matter if its target's are sound, and
    // the link itself cannot be exchanged if the directory it is in is sound as well.
    let real = std::fs::canonicalize(path).map_err(open)?;
    check_directories(&real)?;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let parent = std::fs::canonicalize(parent).map_err(open)?;
        check_directories(&parent.join("."))?;
    }
    Ok(file)
}

fn check_directories(file: &Path) -> Result<(), FileFault> {
    for directory in file.ancestors().skip(1) {
        let seen = std::fs::metadata(directory)
            .map_err(|source| FileFault::Open { path: directory.to_owned(), source })?;
        check_owner(directory, seen.uid())?;
        let mode = seen.mode() & 0o7777;
        if mode & WRITE_BY_OTHERS != 0 && mode & STICKY == 0 {
            return Err(FileFault::Mode {
                path: directory.to_owned(),
                mode,
                what: "exchange the files in",
                cure: mode & !WRITE_BY_OTHERS,
            });
        }
    }
    Ok(())
}

fn check_owner(path: &Path, owner: u32) -> Result<(), FileFault> {
    if owner == 0 || owner == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(FileFault::Owner { path: path.to_owned(), owner })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dir;
    use std::os::unix::fs::PermissionsExt;

    fn check(mode: u32, trust: Trust, words: Option<&str>) {
        let dir = Dir::new("trust");
        let path = dir.path("login.config");
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        match (open_trusted(&path, trust), words) {
            (Ok(_), None) => {}
            (Err(fault), Some(words)) => {
                assert!(fault.to_string().contains(words), "{mode:04o} {trust:?}: {fault}");
            }
            (got, wanted) => panic!("{mode:04o} {trust:?}: {got:?}, wanted {wanted:?}"),
        }
    }

    #[test]
    fn secrets_are_their_owners_alone_and_authority_is_not_written_by_others() {
        check(0o600, Trust::Secret, None);
        check(0o400, Trust::Secret, None);
        check(0o640, Trust::Secret, Some("lets others read it: chmod it to 0600"));
        check(0o604, Trust::Secret, Some("lets others read it"));
        check(0o620, Trust::Secret, Some("lets others write it: chmod it to 0600"));
        check(0o440, Trust::Credential, None);
        check(0o640, Trust::Credential, None);
        check(0o644, Trust::Credential, Some("lets others read it: chmod it to 0640"));
        check(0o660, Trust::Credential, Some("lets others write it"));
        check(0o644, Trust::Authority, None);
        check(0o600, Trust::Authority, None);
        check(0o664, Trust::Authority, Some("lets others write it"));
        check(0o602, Trust::Authority, Some("lets others write it"));
    }

    #[test]
    fn a_directory_that_others_can_write_to_spoils_what_is_in_it() {
        let dir = Dir::new("spoilt");
        let path = dir.path("secrets");
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::set_permissions(dir.root(), PermissionsExt::from_mode(0o777)).unwrap();
        let fault = open_trusted(&path, Trust::Secret).unwrap_err().to_string();
        assert!(fault.contains("exchange the files in it"), "{fault}");
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting() {
        let dir = Dir::new("kinds");
        rustix::fs::mkfifoat(rustix::fs::CWD, dir.path("pipe"), 0o600.into()).unwrap();
        for name in ["pipe", "."] {
            let fault = open_trusted(&dir.path(name), Trust::Authority).unwrap_err();
            assert!(matches!(fault, FileFault::NotAFile { .. }), "{name}: {fault}");
        }
        let fault = open_trusted(&dir.path("none"), Trust::Authority).unwrap_err();
        assert!(matches!(fault, FileFault::Open { .. }), "{fault}");
    }

    #[test]
    fn a_strangers_file_is_refused_even_for_root() {
        let dir = Dir::new("stranger");
        let path = dir.path("login.config");
        std::fs::write(&path, "x").unwrap();
        if std::os::unix::fs::chown(&path, Some(65_534), None).is_err() {
            eprintln!("not root: cannot give a file away, nothing tried");
            return;
        }
        let fault = open_trusted(&path, Trust::Authority).unwrap_err();
        assert!(matches!(fault, FileFault::Owner { owner: 65_534, .. }), "{fault}");
    }
}
