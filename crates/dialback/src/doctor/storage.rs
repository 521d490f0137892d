//! What the server needs of the machine: a place for its journal, a clock, the kernel's TUN.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use calls::config::Config;
use calls::config::network::Backend;

use super::{Findings, Host};
use crate::{audit, store};

/// Less than this, and a busy week does not fit any more.
const LITTLE: u64 = 100 * 1024 * 1024;
/// Less than this, and no promise can be made: it must be on the disk before a caller is let go.
const TOO_LITTLE: u64 = 5 * 1024 * 1024;
/// 2026-01-01: no clock is right that is before this program.
const WRITTEN_MS: i64 = 1_767_225_600_000;

/// The journal and its place.
pub(super) fn look(host: &Host, config: &Config, findings: &mut Findings) {
    let directory = &config.server.state_dir;
    let place = directory.display().to_string();
    let below = host.at(directory);
    let Ok(seen) = std::fs::metadata(&below) else {
        let cure = format!(
            "systemd-tmpfiles --create, or: install -d -m 750 -o {0} -g {0} {place}",
            config.server.user
        );
        return findings.note(
            "storage.missing",
            place,
            ["there is no such directory yet", "the service makes it at its start", &cure],
        );
    };
    if seen.mode() & 0o022 != 0 {
        let what = format!("mode {:04o}: others may write it", seen.mode() & 0o7777);
        findings.error(
            "storage.mode",
            place.clone(),
            [
                &what,
                "the journal is evidence, and promises in it are dialled",
                &format!("chmod 750 {place}"),
            ],
        );
    }
    room((host.free)(&below), place, findings);
    journal(host, directory, findings);
}

/// Whether there is room for what the journal will get.
fn room(free: Option<u64>, place: String, findings: &mut Findings) {
    match free {
        Some(free) if free < TOO_LITTLE => {
            let what = format!("{} MiB are free", free >> 20);
            findings.error(
                "storage.full",
                place,
                [
                    &what,
                    "a callback can't be promised: the promise must be on the disk first",
                    "make room: journalctl --vacuum-size=100M, apt clean",
                ],
            );
        }
        Some(free) if free < LITTLE => {
            let what = format!("{} MiB are free", free >> 20);
            findings.warning(
                "storage.space",
                place,
                [
                    &what,
                    "when it is full no callback can be promised",
                    "make room: journalctl --vacuum-size=100M, apt clean",
                ],
            );
        }
        Some(_) | None => {}
    }
}

/// The journal itself, if there is one: whether it can be relied on, and the clock by it.
fn journal(host: &Host, directory: &Path, findings: &mut Findings) {
    let journal = store::journal_in(directory);
    if !host.exists(&journal) {
        return;
    }
    let place = journal.display().to_string();
    match audit::verify(&host.at(&journal), &[]) {
        Ok(verdict) => {
            for fault in &verdict.faults {
                findings.error("storage.journal", place.clone(), [&fault.to_string(), "records and evidence can't be relied on from there on", "dialback audit verify; keep a copy of the file as it is before anything else"]);
            }
            if let Some((_, last)) = verdict.last
                && last > host.now_ms + 60_000
            {
                findings.error(
                    "clock.before-journal",
                    place,
                    [
                        "the clock is before the journal's last entry",
                        "windows, expiry and codes (TOTP) are judged by a wrong time",
                        SET_BY_A_SERVER,
                    ],
                );
            }
        }
        Err(why) => findings.error(
            "storage.journal",
            place,
            [&why, "the server can't write it either", "look at the file's owner and mode"],
        ),
    }
}

/// As minimal a system as a fresh Debian has no program for it, and `timedatectl` then refuses.
const SET_BY_A_SERVER: &str =
    "apt install systemd-timesyncd (or chrony); where it is installed, timedatectl set-ntp true";

/// Whether the time can be right.
pub(super) fn clock(host: &Host, _config: Option<&Config>, findings: &mut Findings) {
    if host.now_ms < WRITTEN_MS {
        findings.error(
            "clock.wrong",
            "the clock",
            [
                "it is set to a time before this program was written",
                "windows, expiry and codes (TOTP) are judged by a wrong time",
                SET_BY_A_SERVER,
            ],
        );
    }
    let synchronised = host.exists("/run/systemd/timesync/synchronized")
        || ["/run/chrony", "/run/ntpd.pid", "/run/ntpsec", "/run/openntpd"]
            .iter()
            .any(|path| host.exists(path));
    if !synchronised {
        findings.warning("clock.unsynchronised", "the clock", ["nothing keeps it right (timesyncd, chrony, ntpd)", "codes (TOTP) fail when it is off by half a minute, and records can't be compared with the telephone company's", SET_BY_A_SERVER]);
    }
}

/// What the kernel must have.
pub(super) fn kernel(host: &Host, config: &Config, findings: &mut Findings) {
    let Some(ppp) = &config.ppp else { return };
    if ppp.network.backend == Backend::Tun && !host.exists("/dev/net/tun") {
        findings.error(
            "kernel.tun",
            "/dev/net/tun",
            [
                "there is no TUN device",
                "PPP callers get no network",
                "modprobe tun; echo tun > /etc/modules-load.d/tun.conf",
            ],
        );
    }
    if let Some(forward) = host.text("/proc/sys/net/ipv4/ip_forward")
        && forward.trim() == "0"
    {
        findings.note(
            "kernel.forward",
            "net.ipv4.ip_forward",
            [
                "packets are not forwarded",
                "PPP callers reach this machine and nothing behind it",
                "sysctl -w net.ipv4.ip_forward=1, and a file in /etc/sysctl.d",
            ],
        );
    }
}
