//! The configuration with its files and modes, the users that it needs, and what `prove` makes of it.

use calls::config::load::{FileText, ReadFault};
use calls::config::{Action, Config, PortSpec};
use calls::diagnostic::Severity;

use super::{Findings, Host};
use crate::config;
use sim::prove::Verdict;

/// Reads it as the server does.
pub(super) fn look(host: &Host, findings: &mut Findings) -> Option<Config> {
    let below = host.at(&host.config);
    if !below.exists() {
        findings.error(
            "config.missing",
            host.config.display().to_string(),
            [
                "there is no configuration",
                "the server does not start",
                "dialback setup, or dialback migrate where mgetty was",
            ],
        );
        return None;
    }
    let files = |path: &std::path::Path| -> Result<FileText, ReadFault> {
        config::read_file(&if path.starts_with(&host.root) {
            path.to_owned()
        } else {
            host.at(path)
        })
    };
    let read = config::read_with(&below, &files);
    for fault in &read.diagnostics {
        let place = match fault.position() {
            Some(at) => format!("{}:{}:{}", fault.source.name(), at.line, at.column),
            None => fault.source.name().to_owned(),
        };
        let hint = fault.hint.clone().unwrap_or_else(|| "see the page on the key".to_owned());
        let (check, why) = match fault.severity {
            Severity::Error => {
                ("config.fault", "the server does not start, or keeps what it had on a reload")
            }
            Severity::Warning => ("config.suspicious", "it is taken as it is, and hardly meant so"),
        };
        match fault.severity {
            Severity::Error => findings.error(check, place, [&fault.message, why, &hint]),
            Severity::Warning => findings.warning(check, place, [&fault.message, why, &hint]),
        }
    }
    let config = read.config?;
    if config.lines.is_empty() {
        // What `check` takes for a configuration that waits is a fault on a host that shall serve.
        findings.0.retain(|finding| !finding.what.contains("without [[line]]"));
        findings.error(
            "config.no-line",
            host.config.display().to_string(),
            ["there is no [[line]]", "nobody is answered", "dialback setup finds the modems"],
        );
    }
    programs(host, &config, findings);
    Some(config)
}

/// Programs and users that login.config names.
fn programs(host: &Host, config: &Config, findings: &mut Findings) {
    use std::os::unix::fs::PermissionsExt as _;
    let place = |line: u32| format!("{}:{line}", config.server.login_config.display());
    for entry in &config.entries {
        if let Action::Program { path, .. } = &entry.action {
            let runs = std::fs::metadata(host.at(path))
                .is_ok_and(|seen| seen.is_file() && seen.permissions().mode() & 0o111 != 0);
            if !runs {
                let what = format!("{} is not there, or can't be run", path.display());
                let told = [
                    what.as_str(),
                    "callers who get this entry are hung up on",
                    "install it, or correct the path",
                ];
                findings.error("login.program-missing", place(entry.line_number), told);
            }
        }
        if let Some(user) = &entry.user
            && account(host, user).is_none()
        {
            let what = format!("there is no user {user}");
            let cure = format!("useradd --system {user}, or name another");
            findings.error(
                "login.user-missing",
                place(entry.line_number),
                [&what, "the server does not start", &cure],
            );
        }
    }
}

/// A user of /etc/passwd: user id and group id.
pub(super) fn account(host: &Host, name: &str) -> Option<(u32, u32)> {
    if host.root == std::path::Path::new("/") {
        // Users may come from elsewhere (LDAP).
        return sys::account::Account::named(name).ok()?.map(|account| (account.uid, account.gid));
    }
    host.text("/etc/passwd")?.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

/// The group ids of a user, by /etc/group.
pub(super) fn groups(host: &Host, name: &str) -> Vec<u32> {
    let mut all: Vec<u32> = account(host, name).map(|(_, gid)| gid).into_iter().collect();
    for line in host.text("/etc/group").unwrap_or_default().lines() {
        let fields: Vec<&str> = line.split(':').collect();
        if let [_, _, gid, members] = fields.as_slice()
            && members.split(',').any(|member| member == name)
        {
            all.extend(gid.parse::<u32>());
        }
    }
    all
}

/// The user that the server becomes, and his rights on serial ports.
pub(super) fn users(host: &Host, config: &Config, findings: &mut Findings) {
    let user = &config.server.user;
    let Some((uid, _)) = account(host, user) else {
        let what = format!("there is no user {user}");
        let cure = format!("systemd-sysusers, or: useradd --system --groups dialout {user}");
        let why = "the server keeps root's rights for all that callers can reach";
        return findings.error("user.missing", "/etc/passwd", [&what, why, &cure]);
    };
    let groups = groups(host, user);
    for line in &config.lines {
        let PortSpec::Tty(path) = &line.port else { continue };
        use std::os::unix::fs::MetadataExt as _;
        let Ok(seen) = std::fs::metadata(host.at(host.device(path))) else { continue };
        let mode = seen.mode();
        let may = (seen.uid() == uid && mode & 0o600 == 0o600)
            || (groups.contains(&seen.gid()) && mode & 0o060 == 0o060)
            || mode & 0o006 == 0o006;
        if !may {
            let what = format!(
                "{user} may not open it (mode {:04o}, group {})",
                mode & 0o7777,
                seen.gid()
            );
            let cure = format!(
                "usermod --append --groups dialout {user}; chgrp dialout {0}; chmod 660 {0}",
                path.display()
            );
            findings.error(
                "user.port",
                path.display().to_string(),
                [&what, "the line stays faulted", &cure],
            );
        }
        if mode & 0o007 != 0 {
            let what =
                format!("mode {:04o}: everybody on this machine may use the modem", mode & 0o7777);
            let cure = format!("chmod o= {}", path.display());
            findings.warning(
                "port.open",
                path.display().to_string(),
                [&what, "anybody can dial, and read a caller's password", &cure],
            );
        }
    }
}

/// What the known attacks come to.
pub(super) fn proofs(host: &Host, config: &Config, findings: &mut Findings) {
    let path = host.at(&host.config);
    let played = match crate::prove::findings(&path, config) {
        Ok(played) => played,
        Err(why) => {
            let told = [
                why.as_str(),
                "what the known attacks come to is not known",
                "dialback prove tells more",
            ];
            return findings.note("prove.not-played", host.config.display().to_string(), told);
        }
    };
    for (id, name, finding) in played {
        let check = format!("prove.{id}");
        let what = format!("{name}: {}", finding.because);
        let cure = finding.cure.unwrap_or_else(|| "see dialback prove".to_owned());
        let place = host.config.display().to_string();
        match finding.verdict {
            Verdict::Open => {
                findings.warning(&check, place, [&what, "a known attack succeeds", &cure]);
            }
            Verdict::Weak => {
                findings.note(&check, place, [&what, "a known attack succeeds in part", &cure]);
            }
            Verdict::Withstood | Verdict::NotApplicable => {}
        }
    }
}
