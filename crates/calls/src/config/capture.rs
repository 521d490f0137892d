//! `capture_*` of `[ppp]`: whether a PPP call's frames are kept in a file, and what is kept of them.
//!
//! It does not know who writes the file, nor the format.

use std::path::PathBuf;

use ::ppp::capture::Passwords;

use super::decode::Table;
use super::keys;
use super::values::Fault;
use crate::diagnostic::Diagnostic;

/// What is kept of the frames of PPP calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Where the files are, one a call.
    pub directory: PathBuf,
    /// How many of them are kept at most.
    pub keep: u32,
    /// How long each may get, in octets.
    pub limit: usize,
    /// How many octets of each packet of a session are kept.
    pub packets: usize,
    /// What becomes of PAP's passwords.
    pub passwords: Passwords,
}

/// The keys, if a directory is written.
pub(super) fn read(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Option<Capture> {
    let keep = table.count(&keys::PPP_CAPTURE_KEEP, faults).value;
    let limit = table.count(&keys::PPP_CAPTURE_LIMIT, faults).value;
    let packets = table.count(&keys::PPP_CAPTURE_PACKETS, faults).value;
    let passwords = match table.flag(&keys::PPP_CAPTURE_PASSWORDS, faults).value {
        true => Passwords::Shown,
        false => Passwords::Hidden,
    };
    let directory = table.parsed_if(&keys::PPP_CAPTURE_DIR, faults, directory)?.value;
    let number = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let limit = number(limit).saturating_mul(1024);
    Some(Capture { directory, keep, limit, packets: number(packets), passwords })
}

fn directory(text: &str) -> Result<PathBuf, Fault> {
    if !text.starts_with('/') || text.contains('\0') {
        return Err(Fault::new(
            format!("\"{}\" is not an absolute path", text.escape_debug()),
            "begin it with a slash: the server works in /",
        ));
    }
    Ok(PathBuf::from(text))
}
