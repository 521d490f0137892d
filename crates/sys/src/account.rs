//! Users and groups by name, through the system's own sources (files, LDAP, whatever NSS is set to).
//!
//! A look-up may ask the network and blocks: not for a worker of the runtime.
//!
//! It deliberately does not know passwords.

use std::io;
use std::path::PathBuf;

use nix::unistd::{Gid, Group, Uid, User};

/// A user of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The login name.
    pub name: String,
    /// The user id.
    pub uid: u32,
    /// The primary group's id.
    pub gid: u32,
    /// The home directory, which need not exist.
    pub home: PathBuf,
    /// The login shell.
    pub shell: PathBuf,
}

impl Account {
    /// The user with that name, or `None` if there is none.
    ///
    /// # Errors
    /// The source could not be asked: that is not the same as "no such user".
    pub fn named(name: &str) -> io::Result<Option<Self>> {
        Ok(User::from_name(name)?.map(Self::from))
    }

    /// The user with that id, or `None` if there is none.
    ///
    /// # Errors
    /// As [`Account::named`].
    pub fn with_id(uid: u32) -> io::Result<Option<Self>> {
        Ok(User::from_uid(Uid::from_raw(uid))?.map(Self::from))
    }
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self {
            name: user.name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            home: user.dir,
            shell: user.shell,
        }
    }
}

/// The id of the group with that name, or `None` if there is none.
///
/// # Errors
/// As [`Account::named`].
pub fn group_id(name: &str) -> io::Result<Option<u32>> {
    Ok(Group::from_name(name)?.map(|group| group.gid.as_raw()))
}

/// All groups of the user `name`, his primary one (`gid`) among them.
///
/// # Errors
/// As [`Account::named`].
pub fn groups_of(name: &str, gid: u32) -> io::Result<Vec<u32>> {
    let name = std::ffi::CString::new(name)?;
    let groups = nix::unistd::getgrouplist(&name, Gid::from_raw(gid))?;
    Ok(groups.into_iter().map(Gid::as_raw).collect())
}

/// Whether the user `uid` with the primary group `gid` belongs to the group called `name`: what a control
/// socket asks about its peer (`UnixStream::peer_cred`).
///
/// # Errors
/// As [`Account::named`]. A group that does not exist has no members.
pub fn is_in_group(uid: u32, gid: u32, name: &str) -> io::Result<bool> {
    let Some(group) = Group::from_name(name)? else { return Ok(false) };
    if group.gid == Gid::from_raw(gid) {
        return Ok(true);
    }
    let Some(account) = Account::with_id(uid)? else { return Ok(false) };
    Ok(account.gid == group.gid.as_raw() || group.mem.contains(&account.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_by_name_and_number_and_nobody_else_is_invented() {
        let root = Account::named("root").unwrap().unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert_eq!(Account::with_id(0).unwrap().unwrap(), root);
        assert_eq!(Account::named("no-such-user-here").unwrap(), None);
        assert_eq!(group_id("root").unwrap(), Some(0));
        assert_eq!(group_id("no-such-group-here").unwrap(), None);
        assert!(groups_of("root", 0).unwrap().contains(&0));
    }

    #[test]
    fn membership_is_by_primary_group_or_by_name() {
        assert!(is_in_group(0, 0, "root").unwrap());
        assert!(is_in_group(4_000_000, 0, "root").unwrap(), "the peer's own primary group counts");
        assert!(!is_in_group(4_000_000, 4_000_000, "root").unwrap());
        assert!(!is_in_group(0, 0, "no-such-group-here").unwrap());
    }
}
