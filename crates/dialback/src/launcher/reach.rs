//! Which files the server may open once it has given root up.
//!
//! What it has open already it keeps. Its configuration is not among them: the launcher reads that. Whoever gives the
//! server a new place to read or write adds it here, and only if no one place of these will do.

use std::path::PathBuf;

use calls::config::Config;
use sys::confine::Reach;

use super::{Control, Places};

/// What the C library reads to find hosts' addresses and the time of day, one by one: with them the server cannot
/// open `/etc/shadow` even where its user could. A file of these that is exchanged later is out of reach until the
/// next start.
const TABLES: [&str; 14] = [
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/passwd",
    "/etc/group",
    "/etc/localtime",
    "/etc/ld.so.cache",
    "/run/systemd/resolve",
    "/usr/share/zoneinfo",
    // Libraries of name services are loaded when they are first asked. Reading is not executing.
    "/usr/lib",
    "/lib64",
];

/// What a server with this configuration needs.
pub(super) fn of(config: &Config, places: &Places) -> Reach {
    let server = &config.server;
    let mut read: Vec<PathBuf> = TABLES.iter().map(PathBuf::from).collect();
    // Whose process holds a lock, and random numbers for those who still read them from a file.
    read.extend(["/proc", "/dev/urandom", "/dev/random"].map(PathBuf::from));
    let mut change = vec![server.state_dir.clone(), server.lock_dir.clone()];
    let capture = config.ppp.as_ref().and_then(|ppp| ppp.capture.as_ref());
    change.extend(capture.map(|capture| capture.directory.clone()));
    // To make the socket and to remove it at the end, where its directory is the server's own.
    match places.control {
        Control::Unbound => change.extend(server.control.parent().map(PathBuf::from)),
        Control::Bound(_) | Control::Passed(_) => {}
    }
    // All of /dev: a modem that is plugged in later has no file yet. Which of them it may open, its groups say.
    let devices = vec![PathBuf::from("/dev")];
    Reach { read, change, devices, sealed: false }
}
