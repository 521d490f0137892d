//! Programs that want our ports, and the units of systemd: theirs and our own.

use calls::config::{Config, PortSpec};

use super::{Findings, Host};
use crate::unit_name::unescaped;

const ETC: &str = "/etc/systemd/system";
const UNIT_DIRECTORIES: [&str; 4] =
    [ETC, "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/// Looks at units, inittab and programs that run.
pub(super) fn look(host: &Host, config: Option<&Config>, findings: &mut Findings) {
    let ttys: Vec<String> = config
        .iter()
        .flat_map(|config| &config.lines)
        .filter_map(|line| match &line.port {
            PortSpec::Tty(path) => {
                let device = host.device(path);
                Some(device.strip_prefix("/dev").unwrap_or(&device).display().to_string())
            }
            PortSpec::Rfc2217 { .. } | PortSpec::Tcp { .. } | PortSpec::Sim(_) => None,
        })
        .collect();
    gettys(host, &ttys, findings);
    probers(host, &ttys, findings);
    if host.exists("/run/systemd/system") || host.exists(ETC) {
        own_unit(host, findings);
    }
}

/// The directories of units, in the order in which they count; each once, where `/lib` is a link to `/usr/lib`.
fn unit_directories(host: &Host) -> impl Iterator<Item = &'static str> {
    let mut seen = Vec::new();
    UNIT_DIRECTORIES.into_iter().filter(move |directory| {
        let Ok(own) = host.at(directory).canonicalize() else { return false };
        let is_new = !seen.contains(&own);
        seen.push(own);
        is_new
    })
}

/// All units that something wants.
fn wanted(host: &Host) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for directory in unit_directories(host) {
        for name in host.names(directory) {
            if name.ends_with(".wants") || name.ends_with(".requires") {
                let below = format!("{directory}/{name}");
                all.extend(
                    host.names(&below).into_iter().map(|unit| (format!("{below}/{unit}"), unit)),
                );
            }
        }
    }
    all
}

fn gettys(host: &Host, ttys: &[String], findings: &mut Findings) {
    let why = "it takes the port: callers get its prompt, or noise";
    for (place, unit) in wanted(host) {
        let Some((stem, rest)) = unit.split_once('@') else { continue };
        let path = unescaped(rest.strip_suffix(".service").unwrap_or(rest));
        // agetty and mgetty take the whole path, too.
        let tty = path.trim_start_matches('/');
        let tty = tty.strip_prefix("dev/").unwrap_or(tty).to_owned();
        if ttys.contains(&tty) && matches!(stem, "serial-getty" | "mgetty" | "getty" | "vgetty") {
            let what = format!("{stem} is started on /dev/{tty}");
            // A shell would take the backslash of an escape away.
            let quote = if unit.contains('\\') { "'" } else { "" };
            let cure = format!("systemctl disable --now {quote}{unit}{quote}");
            findings.error("competitor.getty", place, [&what, why, &cure]);
        }
    }
    // The kernel's console brings a getty without any unit being enabled.
    let cmdline = host.text("/proc/cmdline").unwrap_or_default();
    for console in cmdline.split_whitespace().filter_map(|word| word.strip_prefix("console=")) {
        let tty = console.split(',').next().unwrap_or_default().to_owned();
        if ttys.contains(&tty) {
            let what = format!("/dev/{tty} is the kernel's console");
            let cure = "take console= out of the kernel's command line (/etc/default/grub, then update-grub)";
            findings.error(
                "competitor.console",
                "/proc/cmdline",
                [&what, "kernel messages go to the caller, and systemd starts a getty there", cure],
            );
        }
    }
    for (number, line) in (1..).zip(host.text("/etc/inittab").unwrap_or_default().lines()) {
        let starts = !line.trim_start().starts_with('#') && line.contains("getty");
        if let Some(tty) = ttys.iter().find(|tty| {
            starts
                && line
                    .split_whitespace()
                    .any(|word| word.trim_start_matches("/dev/") == tty.as_str())
        }) {
            let what = format!("init starts a getty on /dev/{tty}");
            let cure = format!("put # before line {number} of /etc/inittab, then: telinit q");
            findings.error(
                "competitor.getty",
                format!("/etc/inittab:{number}"),
                [&what, why, &cure],
            );
        }
    }
}

/// Programs that try every serial port: whether they run, or will.
fn probers(host: &Host, ttys: &[String], findings: &mut Findings) {
    if ttys.is_empty() {
        return;
    }
    let running: Vec<String> = host
        .names("/proc")
        .into_iter()
        .filter(|name| name.parse::<u32>().is_ok())
        .filter_map(|pid| host.text(format!("/proc/{pid}/comm")))
        .map(|program| program.trim().to_owned())
        .collect();
    let rules = ["/etc/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"]
        .into_iter()
        .flat_map(|directory| {
            host.names(directory).into_iter().map(move |name| format!("{directory}/{name}"))
        })
        .filter(|path| path.contains("dialback"))
        .filter_map(|path| host.text(path))
        .any(|text| text.contains("ID_MM_PORT_IGNORE") || text.contains("ID_MM_DEVICE_IGNORE"));
    let enabled = |unit: &str| wanted(host).iter().any(|(_, name)| name == unit);
    if running.iter().any(|program| program == "ModemManager") || enabled("ModemManager.service") {
        let why = "it sends AT commands to every modem it sees, also during calls";
        let what = "ModemManager runs or is enabled";
        if rules {
            let cure = "nothing, if udevadm info -q property -n /dev/ttyX shows ID_MM_PORT_IGNORE=1 for each line";
            findings.note(
                "competitor.modemmanager",
                "ModemManager.service",
                ["ModemManager runs beside our udev rules", why, cure],
            );
        } else {
            findings.error(
                "competitor.modemmanager",
                "ModemManager.service",
                [
                    what,
                    why,
                    "systemctl disable --now ModemManager, or install the package's udev rules",
                ],
            );
        }
    }
    if running.iter().any(|program| program == "brltty") || enabled("brltty.service") {
        let why = "it takes USB serial adapters for braille displays";
        findings.warning(
            "competitor.brltty",
            "brltty.service",
            ["brltty runs or is enabled", why, "systemctl disable --now brltty brltty-udev"],
        );
    }
}

/// Our own service.
fn own_unit(host: &Host, findings: &mut Findings) {
    let unit = "dialback.service";
    let found =
        UNIT_DIRECTORIES.iter().find(|directory| host.exists(format!("{directory}/{unit}")));
    let Some(directory) = found else {
        let why = "nothing starts the server when the machine starts";
        return findings.warning(
            "unit.missing",
            unit,
            ["there is no such unit", why, "install the package, or write a unit: dialback serve"],
        );
    };
    let place = format!("{directory}/{unit}");
    if std::fs::read_link(host.at(&place)).is_ok_and(|target| target.as_os_str() == "/dev/null") {
        return findings.error(
            "unit.masked",
            place,
            ["the unit is masked", "the server can't be started", "systemctl unmask dialback"],
        );
    }
    if !wanted(host).iter().any(|(_, name)| name == unit) {
        findings.warning(
            "unit.disabled",
            place.clone(),
            [
                "the unit is not enabled",
                "the server is not there after a restart of the machine",
                "systemctl enable --now dialback",
            ],
        );
    }
    let packaged = ["/usr/lib/systemd/system", "/lib/systemd/system"]
        .iter()
        .any(|directory| host.exists(format!("{directory}/{unit}")));
    if *directory == ETC && packaged {
        let why = "the package's own, with what later versions harden, is not in force";
        findings.note(
            "unit.replaced",
            place,
            ["a copy in /etc replaces the package's unit", why, "systemctl revert dialback"],
        );
    }
    for directory in unit_directories(host) {
        for name in host.names(format!("{directory}/{unit}.d")) {
            let place = format!("{directory}/{unit}.d/{name}");
            let text = host.text(&place).unwrap_or_default();
            let weak: Vec<&str> =
                text.lines().map(str::trim).filter(|line| weakens(line)).collect();
            if weak.is_empty() {
                findings.note(
                    "unit.overridden",
                    place,
                    [
                        "a drop-in changes the unit",
                        "what runs is not what the package says",
                        "systemctl cat dialback shows the whole",
                    ],
                );
            } else {
                let what = format!("a drop-in takes protection off: {}", weak.join(", "));
                findings.warning(
                    "unit.weakened",
                    place,
                    [&what, "a fault in the server reaches further", "systemctl revert dialback"],
                );
            }
        }
    }
}

/// Whether a line takes away what keeps a fault in the server from reaching further. systemd has six words for false,
/// in any case (systemd.syntax(7)), and nothing at all undoes what stood before.
fn weakens(line: &str) -> bool {
    let Some((key, value)) = line.split_once('=') else { return false };
    let value = value.trim().to_ascii_lowercase();
    let is_false = matches!(value.as_str(), "no" | "n" | "false" | "f" | "off" | "0");
    match key.trim() {
        "User" => matches!(value.as_str(), "root" | "0" | ""),
        "NoNewPrivileges" | "PrivateTmp" => is_false,
        "ProtectSystem" | "ProtectHome" | "RestrictNamespaces" => is_false || value.is_empty(),
        _ => false,
    }
}
