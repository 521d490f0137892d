//! Serial ports: whether they are there, who has locked them, and who else has them open.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use calls::config::{Config, PortSpec};
use calls::status::Status;
use sys::lock::LockState;

use super::configuration::account;
use super::{Findings, Host};

/// Looks at each line's port.
pub(super) fn look(host: &Host, config: &Config, status: Option<&Status>, findings: &mut Findings) {
    let holders = open_files(host);
    let directory = host.at(&config.server.lock_dir);
    if !directory.is_dir() {
        let place = config.server.lock_dir.display().to_string();
        let told = [
            "there is no such directory",
            "no port can be locked, and no line serves",
            "systemd-tmpfiles --create",
        ];
        findings.error("port.lock-dir", place, told);
    }
    let user = account(host, &config.server.user).map(|(uid, _)| uid);
    for line in &config.lines {
        let PortSpec::Tty(path) = &line.port else { continue };
        let place = path.display().to_string();
        let device = host.device(path);
        if !host.exists(&device) {
            let why = "the line is faulted until it is there";
            let cure = "plug the modem in; ls -l /dev/serial/by-id tells the names that there are";
            findings.error("port.missing", place, ["there is no such device", why, cure]);
            continue;
        }
        if path.to_string_lossy().contains("/ttyUSB") || path.to_string_lossy().contains("/ttyACM")
        {
            let why = "after a restart, or with a second adapter, another modem may have this name";
            let cure = "name it as ls -l /dev/serial/by-id shows it";
            findings.note("port.name", place.clone(), ["its number may change", why, cure]);
        }
        if directory.is_dir() {
            lock(&directory, &device, (user, status.is_some()), findings);
        }
        for (pid, program, _) in holders.iter().filter(|(_, _, file)| *file == device) {
            if program == "dialback" {
                continue;
            }
            let what = format!("{program} (pid {pid}) has it open");
            let why = "two programs on one modem take each other's characters";
            findings.error(
                "port.held",
                place.clone(),
                [&what, why, &cure_for(program, *pid, &device)],
            );
        }
    }
}

/// Who has locked a device, as `user` finds it who serves or would.
fn lock(
    directory: &Path,
    path: &Path,
    (user, serving): (Option<u32>, bool),
    findings: &mut Findings,
) {
    let file = directory.join(sys::lock::lock_name(path));
    let place = file.display().to_string();
    match sys::lock::state(directory, path) {
        Ok(LockState::Held(holder))
            if holder.program.as_deref() != Some("dialback") || !serving =>
        {
            let program = holder.program.unwrap_or_else(|| "a program".to_owned());
            let what =
                format!("{program} (pid {}) holds the lock of {}", holder.pid, path.display());
            let why = "the line is lent to it and answers nobody meanwhile";
            findings.warning(
                "port.lock-foreign",
                place,
                [&what, why, &cure_for(&program, holder.pid, path)],
            );
        }
        Ok(LockState::Stale { pid }) => {
            let what = format!("the process {pid} that locked {} is gone", path.display());
            if removable(directory, &file, user) {
                let cure = format!("nothing has to be done; or: rm {}", file.display());
                let why = "dialback removes it, others may not";
                findings.note("port.lock-stale", place, [&what, why, &cure]);
            } else {
                let cure = format!("rm {}", file.display());
                let why = "the directory is sticky, and the file another user's: the line is faulted until it is gone";
                findings.error("port.lock-stale", place, [&what, why, &cure]);
            }
        }
        Ok(LockState::Unreadable { what }) => {
            let cure = format!("rm {}", file.display());
            findings.error(
                "port.lock-strange",
                place,
                [what, "nobody can tell whose it is, so the line stays lent", &cure],
            );
        }
        Ok(LockState::Held(_) | LockState::Free) => {}
        Err(fault) => {
            let told = [
                &*fault.to_string(),
                "the port can't be locked",
                "look at the directory's mode: 1777, or root:uucp 0775",
            ];
            findings.error("port.lock-dir", place, told);
        }
    }
}

/// Whether `user` may remove the lock: from a sticky directory only his own.
fn removable(directory: &Path, file: &Path, user: Option<u32>) -> bool {
    let owner = |path: &Path| std::fs::metadata(path).ok().map(|seen| (seen.uid(), seen.mode()));
    let (Some(user), Some((above, mode)), Some((own, _))) = (user, owner(directory), owner(file))
    else {
        return true;
    };
    mode & 0o1000 == 0 || user == 0 || user == own || user == above
}

/// How to end somebody who has a port.
fn cure_for(program: &str, pid: u32, path: &Path) -> String {
    let tty = path.strip_prefix("/dev").unwrap_or(path).display();
    match program {
        "ModemManager" => {
            "systemctl disable --now ModemManager, or a udev rule with ID_MM_PORT_IGNORE=1"
                .to_owned()
        }
        "agetty" | "getty" | "login" => format!("systemctl disable --now serial-getty@{tty}"),
        "mgetty" | "vgetty" => format!(
            "systemctl disable --now mgetty@{tty}, or take it out of /etc/inittab; then: kill {pid}"
        ),
        "brltty" => "systemctl disable --now brltty brltty-udev".to_owned(),
        "pppd" => format!("kill {pid}"),
        _ => format!("end it: kill {pid}"),
    }
}

/// Who has which terminal open: process, program, device; as fuser(1) finds it.
fn open_files(host: &Host) -> Vec<(u32, String, std::path::PathBuf)> {
    let mut all = Vec::new();
    for name in host.names("/proc") {
        let Ok(pid) = name.parse::<u32>() else { continue };
        let program = host.text(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned();
        let directory = format!("/proc/{pid}/fd");
        for fd in host.names(&directory) {
            if let Ok(target) = std::fs::read_link(host.at(format!("{directory}/{fd}")))
                && target.starts_with("/dev")
                && !all.contains(&(pid, program.clone(), target.clone()))
            {
                all.push((pid, program.clone(), target));
            }
        }
    }
    all
}
