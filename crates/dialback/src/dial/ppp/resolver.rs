//! resolv.conf while a session is up: the servers that the peer named, then the file as it was.
//!
//! ```text
//!   resolv.conf ◄─exchanged in one step─► resolv.conf.before-dialback
//! ```
//!
//! The two names are exchanged (`renameat2`), so that there is a whole file at every moment, and a symbolic link is
//! put back as the link that it was. Who finds the other name at his start finds a session that died before it
//! could put the file back, and does that first. A file that somebody else has written meanwhile stays his.
//!
//! It does not know how names are resolved: where a daemon such as systemd-resolved has the file, an `ip_up` command
//! tells the daemon better.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

/// By this a file is known to be ours.
const MARK: &str =
    "# written by dialback for a call; the file before it has the ending .before-dialback\n";

#[derive(Debug)]
pub(super) struct Resolver {
    path: PathBuf,
    before: PathBuf,
    /// What we wrote, while it stands there.
    ours: Option<String>,
}

impl Resolver {
    /// Looks at the file, and puts it back if an earlier session did not.
    pub(super) fn ready(path: &Path) -> Result<Self, String> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".before-dialback");
        let before = path.with_file_name(name);
        let mut resolver = Self { path: path.to_owned(), before, ours: None };
        if let Ok(text) = fs::read_to_string(path)
            && text.starts_with(MARK)
        {
            resolver.ours = Some(text);
            resolver.restore()?;
        }
        match fs::symlink_metadata(&resolver.before) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(resolver),
            _ => Err(format!(
                "{}: left by an earlier session: take what is right of it and remove it",
                resolver.before.display()
            )),
        }
    }

    /// Puts these servers into the file.
    pub(super) fn replace(&mut self, servers: &[Ipv4Addr]) -> Result<(), String> {
        self.restore()?;
        let mut text = MARK.to_owned();
        for server in servers {
            text.push_str(&format!("nameserver {server}\n"));
        }
        let fault = |e: io::Error| format!("{}: {e}", self.path.display());
        write(&self.before, &text).map_err(fault)?;
        let exchanged = renameat_with(CWD, &self.before, CWD, &self.path, RenameFlags::EXCHANGE);
        match exchanged {
            Ok(()) => {}
            // There was none: there will be none again.
            Err(rustix::io::Errno::NOENT) => {
                fs::rename(&self.before, &self.path).map_err(fault)?;
            }
            Err(e) => {
                drop(fs::remove_file(&self.before));
                return Err(fault(e.into()));
            }
        }
        self.ours = Some(text);
        Ok(())
    }

    /// Puts the file back.
    pub(super) fn restore(&mut self) -> Result<(), String> {
        let Some(ours) = self.ours.take() else { return Ok(()) };
        let fault = |e: io::Error| format!("{}: {e}", self.path.display());
        match fs::read_to_string(&self.path) {
            Ok(text) if text == ours => {}
            // Taken away, and nothing put there.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Ok(_) => {
                return match fs::remove_file(&self.before) {
                    Err(e) if e.kind() != io::ErrorKind::NotFound => Err(fault(e)),
                    _ => Ok(()),
                };
            }
            Err(e) => {
                let (path, before) = (self.path.display(), self.before.display());
                return Err(format!("{path}: {e}: what was there before is {before}"));
            }
        }
        match fs::rename(&self.before, &self.path) {
            // There was none.
            Err(e) if e.kind() == io::ErrorKind::NotFound => match fs::remove_file(&self.path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => Err(fault(e)),
                _ => Ok(()),
            },
            renamed => renamed.map_err(fault),
        }
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        // Whoever could be told has been.
        drop(self.restore());
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    // Whoever resolves names reads it, whatever root's umask is.
    file.set_permissions(fs::Permissions::from_mode(0o644))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    const OLD: &str = "nameserver 192.0.2.1\n";
    const SERVERS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)];

    /// A directory with a file of this text; the two are looked at after the test.
    fn check(old: Option<&str>, test: impl FnOnce(&Path)) -> Vec<(String, String)> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("dialback-resolver-{}-{count}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("resolv.conf");
        if let Some(old) = old {
            fs::write(&path, old).unwrap();
        }
        test(&path);
        let mut left: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, fs::read_to_string(&path).unwrap())
            })
            .collect();
        left.sort();
        fs::remove_dir_all(&folder).unwrap();
        left
    }

    fn as_it_was() -> Vec<(String, String)> {
        vec![("resolv.conf".to_owned(), OLD.to_owned())]
    }

    #[test]
    fn the_file_has_the_servers_while_it_is_replaced_and_is_as_it_was_after() {
        let left = check(Some(OLD), |path| {
            let mut resolver = Resolver::ready(path).unwrap();
            resolver.replace(&SERVERS).unwrap();
            let text = fs::read_to_string(path).unwrap();
            assert!(text.ends_with("\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n"), "{text}");
            resolver.replace(&SERVERS[..1]).unwrap();
            assert!(!fs::read_to_string(path).unwrap().contains("10.0.0.2"));
        });
        assert_eq!(left, as_it_was(), "also without a word, when it is dropped");
    }

    #[test]
    fn a_link_is_a_link_again_and_no_file_is_no_file() {
        let left = check(None, |path| {
            let target = path.with_file_name("stub");
            fs::write(&target, OLD).unwrap();
            std::os::unix::fs::symlink("stub", path).unwrap();
            let mut resolver = Resolver::ready(path).unwrap();
            resolver.replace(&SERVERS).unwrap();
            assert_eq!(fs::read_to_string(&target).unwrap(), OLD, "what it points to is not ours");
            resolver.restore().unwrap();
            assert_eq!(fs::read_link(path).unwrap(), Path::new("stub"));
            fs::remove_file(path).unwrap();
            resolver.replace(&SERVERS).unwrap();
            resolver.restore().unwrap();
            fs::rename(target, path).unwrap();
        });
        assert_eq!(left, as_it_was());
    }

    #[test]
    fn what_another_has_written_meanwhile_stays() {
        let left = check(Some("nameserver 198.51.100.9\n"), |path| {
            let mut resolver = Resolver::ready(path).unwrap();
            resolver.replace(&SERVERS).unwrap();
            fs::write(path, OLD).unwrap();
            resolver.restore().unwrap();
        });
        assert_eq!(left, as_it_was());
    }

    #[test]
    fn what_another_has_taken_away_is_put_back() {
        let left = check(Some(OLD), |path| {
            let mut resolver = Resolver::ready(path).unwrap();
            resolver.replace(&SERVERS).unwrap();
            fs::remove_file(path).unwrap();
            resolver.restore().unwrap();
        });
        assert_eq!(left, as_it_was());
    }

    #[test]
    fn the_old_file_stays_where_the_new_one_can_not_be_read() {
        let left = check(None, |path| {
            fs::write(path, OLD).unwrap();
            let mut resolver = Resolver::ready(path).unwrap();
            resolver.replace(&SERVERS).unwrap();
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
            let told = resolver.restore().unwrap_err();
            assert!(told.contains("resolv.conf.before-dialback"), "{told}");
            fs::remove_dir(path).unwrap();
            fs::rename(path.with_file_name("resolv.conf.before-dialback"), path).unwrap();
        });
        assert_eq!(left, as_it_was());
    }

    #[test]
    fn everybody_may_read_the_servers_whatever_the_umask_is() {
        check(Some(OLD), |path| {
            let mut resolver = Resolver::ready(path).unwrap();
            resolver.replace(&SERVERS).unwrap();
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o644);
        });
    }

    #[test]
    fn a_session_that_was_killed_is_cleaned_up_after() {
        let left = check(Some(OLD), |path| {
            let mut killed = Resolver::ready(path).unwrap();
            killed.replace(&SERVERS).unwrap();
            std::mem::take(&mut killed.ours);
            let _next = Resolver::ready(path).unwrap();
        });
        assert_eq!(left, as_it_was());
        check(Some(OLD), |path| {
            fs::write(path.with_file_name("resolv.conf.before-dialback"), "x").unwrap();
            let told = Resolver::ready(path).unwrap_err();
            assert!(told.contains("left by an earlier session"), "{told}");
        });
    }
}
