//! Giving rights up for good: user, capabilities, files (Landlock), system calls (seccomp).
//!
//! ```text
//!   root ── become(user) ──► no root, no capabilities ── confine(reach) ──► no new rights, few files, few calls
//! ```
//!
//! Both steps are for a process of one thread, before it starts others: Landlock and the filters are inherited by
//! threads and never taken back. What the kernel cannot enforce is reported, never passed over.
//!
//! It deliberately does not know which files and which user: see whoever calls.

mod calls;

use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use nix::unistd::{Gid, Uid};

/// The last capability that any kernel could have (capabilities(7): 64 bits).
const LAST_CAPABILITY: i32 = 63;

/// The version of Landlock whose rights are asked for: the last that changed what files can do to devices. An older
/// kernel enforces what it knows of it, and [`Landlock::Partly`] says so.
const LANDLOCK: ABI = ABI::V6;

/// Whom a process becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub uid: u32,
    /// His primary group.
    pub gid: u32,
    /// All other groups that he keeps.
    pub groups: Vec<u32>,
}

/// What a confined process may still do with files that it has not open yet. What is beneath a directory counts with
/// it. Paths that are not there are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Read.
    pub read: Vec<PathBuf>,
    /// Read, write, make and remove: directories of its own.
    pub change: Vec<PathBuf>,
    /// Read, write and set: devices.
    pub devices: Vec<PathBuf>,
    /// It takes up no TCP connection and binds no further port; what listens already goes on to. (Landlock since
    /// Linux 6.7.)
    pub sealed: bool,
}

/// How far Landlock is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Landlock {
    /// All that we ask for.
    Fully,
    /// What this kernel knows of it.
    Partly,
    /// Not at all: the kernel is older than 5.13, or was started without it.
    Off,
}

/// Why rights could not be given up. Nothing must go on with them then.
#[derive(Debug, thiserror::Error)]
#[error("giving up rights: {step}: {source}")]
pub struct ConfineFault {
    /// What was being done.
    step: &'static str,
    /// What the kernel said.
    source: io::Error,
}

impl ConfineFault {
    fn at<E: Into<io::Error>>(step: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self { step, source: source.into() }
    }
}

/// Becomes `identity` for good: no capability is left, and there is no way back.
///
/// # Errors
/// The step that failed. Rights may be half given up then: the process must end.
pub fn become_user(identity: &Identity) -> Result<(), ConfineFault> {
    drop_bounds().map_err(ConfineFault::at("the bounding set of capabilities"))?;
    let groups: Vec<Gid> = identity.groups.iter().copied().map(Gid::from_raw).collect();
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    nix::unistd::setgroups(&groups).map_err(ConfineFault::at("the groups"))?;
    nix::unistd::setresgid(gid, gid, gid).map_err(ConfineFault::at("the group"))?;
    nix::unistd::setresuid(uid, uid, uid).map_err(ConfineFault::at("the user"))?;
    clear_capabilities().map_err(ConfineFault::at("the capabilities"))?;
    // Others of the same user must not look into our memory, where secrets are.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(ConfineFault::at("core dumps and tracing"))?;
    if !uid.is_root() && nix::unistd::setresuid(uid, Uid::from_raw(0), uid).is_ok() {
        let source = io::Error::other("root could be regained");
        return Err(ConfineFault { step: "the user", source });
    }
    Ok(())
}

/// For a process that somebody has started as the user that it shall be: makes sure that no capability is left and
/// that nobody of the same user looks into its memory.
///
/// # Errors
/// The step that failed; a process that is root.
pub fn remain_user() -> Result<(), ConfineFault> {
    if Uid::effective().is_root() {
        let source = io::Error::other("it is root");
        return Err(ConfineFault { step: "the user", source });
    }
    let sets = rustix::thread::capabilities(None)
        .map_err(|e| ConfineFault { step: "the capabilities", source: e.into() })?;
    // Asked first: a service manager may forbid the call where there is nothing to give up.
    if !(sets.effective | sets.permitted | sets.inheritable).is_empty() {
        clear_capabilities().map_err(ConfineFault::at("the capabilities"))?;
    }
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(ConfineFault::at("core dumps and tracing"))
}

/// No program that is executed later can have a capability, whatever its file says.
fn drop_bounds() -> io::Result<()> {
    for capability in 0..=LAST_CAPABILITY {
        // SAFETY: PR_CAPBSET_DROP takes one integer.
        let done = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        if done != 0 {
            let e = io::Error::last_os_error();
            // The kernel has no more of them.
            return if e.raw_os_error() == Some(libc::EINVAL) { Ok(()) } else { Err(e) };
        }
    }
    Ok(())
}

/// Leaving root clears all sets but the inheritable one.
fn clear_capabilities() -> io::Result<()> {
    use rustix::thread::{CapabilitySet, CapabilitySets};
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

/// Confines this process to `reach` and to the system calls that the server needs; no program can be executed, no
/// process made, and no right gained any more.
///
/// # Errors
/// The step that failed; a kernel that has no Landlock is not an error but an answer.
pub fn confine(reach: &Reach) -> Result<Landlock, ConfineFault> {
    rustix::thread::set_no_new_privs(true).map_err(ConfineFault::at("new privileges"))?;
    let landlock = landlock(reach)
        .map_err(|e| ConfineFault { step: "files (Landlock)", source: io::Error::other(e) })?;
    calls::filter().map_err(|e| ConfineFault {
        step: "system calls (seccomp)",
        source: io::Error::other(e),
    })?;
    Ok(landlock)
}

fn landlock(reach: &Reach) -> Result<Landlock, landlock::RulesetError> {
    let all = AccessFs::from_all(LANDLOCK);
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    // Their own directories: plain files and sockets, no devices, nothing to execute.
    let change = read
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::MakeSock
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Refer;
    let mut handled = Ruleset::default().handle_access(all)?.scope(Scope::AbstractUnixSocket)?;
    if reach.sealed {
        handled = handled.handle_access(AccessNet::from_all(LANDLOCK))?;
    }
    let mut rules = handled.create()?;
    for (paths, access) in [(&reach.read, read), (&reach.change, change), (&reach.devices, device)]
    {
        for path in paths {
            let Ok(fd) = PathFd::new(path) else { continue };
            rules = rules.add_rule(PathBeneath::new(fd, fitting(path, access)))?;
        }
    }
    Ok(match rules.restrict_self()?.ruleset {
        RulesetStatus::FullyEnforced => Landlock::Fully,
        RulesetStatus::PartiallyEnforced => Landlock::Partly,
        RulesetStatus::NotEnforced => Landlock::Off,
    })
}

/// A rule for a file may not name what only directories have.
fn fitting(path: &Path, access: BitFlags<AccessFs>) -> BitFlags<AccessFs> {
    if path.is_dir() { access } else { access & AccessFs::from_file(LANDLOCK) }
}
