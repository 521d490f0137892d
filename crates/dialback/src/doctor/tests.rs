//! A healthy host, made up below a directory, and one fault after the other put into it.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;

const CONFIG: &str = r#"
[server]
user = "dialback"
[[line]]
name = "main"
port = "/dev/ttyS0"
number = "5550100"
hold_time = "10s"
[callback]
line = "same"
"#;

/// A made-up host, gone with its test.
struct Stage(PathBuf);

impl Drop for Stage {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

impl Stage {
    /// A host on which nothing is wrong.
    fn healthy(name: &str) -> Self {
        let stage = Self(
            std::env::temp_dir().join(format!("dialback-doctor-{}-{name}", std::process::id())),
        );
        drop(std::fs::remove_dir_all(&stage.0));
        let own = rustix::process::getegid().as_raw();
        stage.write("/etc/dialback/dialback.toml", CONFIG);
        stage.write(
            "/etc/dialback/login.config",
            "cback - - /usr/sbin/callback -S 5550199\n* - - /bin/login @\n",
        );
        stage.mode("/etc/dialback/login.config", 0o600);
        stage.write("/bin/login", "#!/bin/sh\n");
        stage.mode("/bin/login", 0o755);
        stage.write(
            "/etc/passwd",
            "root:x:0:0::/root:/bin/sh\ndialback:x:4000:4000::/var/lib/dialback:/bin/false\n",
        );
        stage.write("/etc/group", &format!("dialout:x:{own}:dialback\n"));
        stage.write("/dev/ttyS0", "");
        stage.mode("/dev/ttyS0", 0o660);
        stage.write("/dev/net/tun", "");
        stage.directory("/var/lock");
        stage.directory("/var/lib/dialback");
        stage.write("/run/systemd/timesync/synchronized", "");
        stage.write("/usr/lib/systemd/system/dialback.service", "[Service]\n");
        stage.directory("/etc/systemd/system/multi-user.target.wants");
        stage.link(
            "/etc/systemd/system/multi-user.target.wants/dialback.service",
            "/usr/lib/systemd/system/dialback.service",
        );
        stage
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    fn directory(&self, path: &str) {
        std::fs::create_dir_all(self.at(path)).unwrap();
        std::fs::set_permissions(self.at(path), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        std::fs::write(self.at(path), text).unwrap();
        self.mode(path, 0o644);
    }

    fn mode(&self, path: &str, mode: u32) {
        std::fs::set_permissions(self.at(path), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn remove(&self, path: &str) {
        let path = self.at(path);
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }

    fn link(&self, path: &str, target: &str) {
        std::fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        symlink(target, self.at(path)).unwrap();
    }

    /// A process, and what it has open.
    fn process(&self, pid: u32, program: &str, open: &str) {
        self.write(&format!("/proc/{pid}/comm"), &format!("{program}\n"));
        self.link(&format!("/proc/{pid}/fd/3"), open);
    }

    fn host(&self) -> Host {
        Host {
            root: self.0.clone(),
            config: "/etc/dialback/dialback.toml".into(),
            now_ms: 1_800_000_000_000,
            free: |_| Some(1 << 40),
            prove: false,
        }
    }

    fn found(&self) -> Vec<Finding> {
        examine(&self.host(), None).0.0
    }
}

/// A fault, the finding that it must lead to, and a word of its cure. Nothing else may be found.
type Row = (&'static str, fn(&Stage), Severity, &'static str, &'static str);

const ROWS: &[Row] = &[
    (
        "no configuration",
        |s| s.remove("/etc/dialback/dialback.toml"),
        Severity::Error,
        "config.missing",
        "dialback setup",
    ),
    (
        "a faulty one",
        |s| s.write("/etc/dialback/dialback.toml", &format!("{CONFIG}frob = 1\n")),
        Severity::Error,
        "config.fault",
        "",
    ),
    (
        "one that others write",
        |s| s.mode("/etc/dialback/dialback.toml", 0o666),
        Severity::Error,
        "config.fault",
        "chmod go-w",
    ),
    (
        "open login.config",
        |s| s.mode("/etc/dialback/login.config", 0o644),
        Severity::Error,
        "config.fault",
        "chmod 600",
    ),
    (
        "no line",
        |s| s.write("/etc/dialback/dialback.toml", ""),
        Severity::Error,
        "config.no-line",
        "dialback setup",
    ),
    (
        "a program that is not there",
        |s| s.remove("/bin/login"),
        Severity::Error,
        "login.program-missing",
        "install",
    ),
    (
        "a program that can't be run",
        |s| s.mode("/bin/login", 0o644),
        Severity::Error,
        "login.program-missing",
        "install",
    ),
    (
        "no user",
        |s| s.write("/etc/passwd", "root:x:0:0::/:/bin/sh\n"),
        Severity::Error,
        "user.missing",
        "systemd-sysusers",
    ),
    (
        "not in the port's group",
        |s| s.write("/etc/group", ""),
        Severity::Error,
        "user.port",
        "usermod",
    ),
    (
        "a port for everybody",
        |s| s.mode("/dev/ttyS0", 0o666),
        Severity::Warning,
        "port.open",
        "chmod o=",
    ),
    ("no port", |s| s.remove("/dev/ttyS0"), Severity::Error, "port.missing", "by-id"),
    ("no lock directory", |s| s.remove("/var/lock"), Severity::Error, "port.lock-dir", "tmpfiles"),
    (
        "a stale lock",
        |s| s.write("/var/lock/LCK..ttyS0", "   4194303\n"),
        Severity::Note,
        "port.lock-stale",
        "rm ",
    ),
    (
        "a stale lock that the server may not remove",
        |s| {
            s.write("/var/lock/LCK..ttyS0", "   4194303\n");
            s.mode("/var/lock", 0o1777);
        },
        Severity::Error,
        "port.lock-stale",
        "rm ",
    ),
    (
        "somebody's lock",
        |s| s.write("/var/lock/LCK..ttyS0", &format!("{:10}\n", std::process::id())),
        Severity::Warning,
        "port.lock-foreign",
        "kill",
    ),
    (
        "a lock that is none",
        |s| s.write("/var/lock/LCK..ttyS0", "not a lock\n"),
        Severity::Error,
        "port.lock-strange",
        "rm ",
    ),
    (
        "mgetty on the port",
        |s| s.process(812, "mgetty", "/dev/ttyS0"),
        Severity::Error,
        "port.held",
        "mgetty@ttyS0",
    ),
    (
        "pppd on the port",
        |s| s.process(812, "pppd", "/dev/ttyS0"),
        Severity::Error,
        "port.held",
        "kill 812",
    ),
    (
        "agetty on the port",
        |s| s.process(812, "agetty", "/dev/ttyS0"),
        Severity::Error,
        "port.held",
        "serial-getty@ttyS0",
    ),
    (
        "agetty on a port that the configuration names by its adapter",
        |s| {
            s.write(
                "/etc/dialback/dialback.toml",
                &CONFIG.replace("/dev/ttyS0", "/dev/serial/by-id/usb-1"),
            );
            s.link("/dev/serial/by-id/usb-1", "../../ttyS0");
            s.process(812, "agetty", "/dev/ttyS0");
        },
        Severity::Error,
        "port.held",
        "serial-getty@ttyS0",
    ),
    (
        "a getty is enabled on such a port",
        |s| {
            s.write(
                "/etc/dialback/dialback.toml",
                &CONFIG.replace("/dev/ttyS0", "/dev/serial/by-id/usb-1"),
            );
            s.link("/dev/serial/by-id/usb-1", "../../ttyS0");
            s.link("/etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service", "/x");
        },
        Severity::Error,
        "competitor.getty",
        "disable --now serial-getty@ttyS0",
    ),
    ("our own server on it", |s| s.process(812, "dialback", "/dev/ttyS0"), Severity::Note, "", ""),
    ("another port's user", |s| s.process(812, "minicom", "/dev/ttyS1"), Severity::Note, "", ""),
    (
        "a getty is enabled",
        |s| s.link("/etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service", "/x"),
        Severity::Error,
        "competitor.getty",
        "disable --now serial-getty@ttyS0",
    ),
    (
        "mgetty is enabled",
        |s| s.link("/etc/systemd/system/getty.target.wants/mgetty@ttyS0.service", "/x"),
        Severity::Error,
        "competitor.getty",
        "disable --now mgetty@ttyS0",
    ),
    (
        "a getty by its whole path, escaped",
        |s| {
            let unit = r"serial-getty@dev-tty\x530.service";
            s.link(&format!("/etc/systemd/system/getty.target.wants/{unit}"), "/x");
        },
        Severity::Error,
        "competitor.getty",
        "disable --now 'serial-getty@",
    ),
    (
        "a getty elsewhere",
        |s| s.link("/etc/systemd/system/getty.target.wants/serial-getty@ttyS1.service", "/x"),
        Severity::Note,
        "",
        "",
    ),
    (
        "inittab",
        |s| {
            s.write(
                "/etc/inittab",
                "# S1:23:respawn:/sbin/mgetty ttyS0\nS0:23:respawn:/sbin/mgetty -D ttyS0\n",
            );
        },
        Severity::Error,
        "competitor.getty",
        "line 2",
    ),
    (
        "the kernel's console",
        |s| s.write("/proc/cmdline", "ro console=ttyS0,115200 quiet\n"),
        Severity::Error,
        "competitor.console",
        "grub",
    ),
    (
        "ModemManager",
        |s| s.process(900, "ModemManager", "/dev/null"),
        Severity::Error,
        "competitor.modemmanager",
        "ModemManager",
    ),
    (
        "ModemManager with our rules",
        |s| {
            s.process(900, "ModemManager", "/dev/null");
            s.write("/usr/lib/udev/rules.d/60-dialback.rules", "ENV{ID_MM_PORT_IGNORE}=\"1\"\n");
        },
        Severity::Note,
        "competitor.modemmanager",
        "udevadm",
    ),
    (
        "brltty",
        |s| s.process(900, "brltty", "/dev/null"),
        Severity::Warning,
        "competitor.brltty",
        "brltty",
    ),
    (
        "no unit",
        |s| s.remove("/usr/lib/systemd/system/dialback.service"),
        Severity::Warning,
        "unit.missing",
        "install",
    ),
    (
        "not enabled",
        |s| s.remove("/etc/systemd/system/multi-user.target.wants/dialback.service"),
        Severity::Warning,
        "unit.disabled",
        "enable --now",
    ),
    (
        "masked",
        |s| s.link("/etc/systemd/system/dialback.service", "/dev/null"),
        Severity::Error,
        "unit.masked",
        "unmask",
    ),
    (
        "replaced",
        |s| s.write("/etc/systemd/system/dialback.service", "[Service]\n"),
        Severity::Note,
        "unit.replaced",
        "revert",
    ),
    (
        "a drop-in",
        |s| s.write("/etc/systemd/system/dialback.service.d/x.conf", "[Service]\nNice=5\n"),
        Severity::Note,
        "unit.overridden",
        "systemctl cat",
    ),
    (
        "a drop-in that weakens",
        |s| s.write("/etc/systemd/system/dialback.service.d/x.conf", "[Service]\nUser=root\n"),
        Severity::Warning,
        "unit.weakened",
        "revert",
    ),
    (
        "a drop-in that weakens in another word of systemd's",
        |s| {
            s.write(
                "/etc/systemd/system/dialback.service.d/x.conf",
                "[Service]\nPrivateTmp = Off\n",
            );
        },
        Severity::Warning,
        "unit.weakened",
        "revert",
    ),
    (
        "a drop-in that takes what the unit says away",
        |s| {
            s.write("/etc/systemd/system/dialback.service.d/x.conf", "[Service]\nProtectSystem=\n");
        },
        Severity::Warning,
        "unit.weakened",
        "revert",
    ),
    (
        "a drop-in of the package's, where /lib is a link, is found once",
        |s| {
            s.link("/lib", "usr/lib");
            s.write("/usr/lib/systemd/system/dialback.service.d/x.conf", "[Service]\nNice=5\n");
        },
        Severity::Note,
        "unit.overridden",
        "systemctl cat",
    ),
    (
        "a drop-in that protects",
        |s| {
            s.write(
                "/etc/systemd/system/dialback.service.d/x.conf",
                "[Service]\n#User=root\nPrivateTmp=1\nProtectSystem=strict\n",
            );
        },
        Severity::Note,
        "unit.overridden",
        "systemctl cat",
    ),
    (
        "no state directory",
        |s| s.remove("/var/lib/dialback"),
        Severity::Note,
        "storage.missing",
        "install -d",
    ),
    (
        "an open state directory",
        |s| s.mode("/var/lib/dialback", 0o777),
        Severity::Error,
        "storage.mode",
        "chmod 750",
    ),
    (
        "a journal that is none",
        |s| s.write("/var/lib/dialback/journal.db", "rubbish\n"),
        Severity::Error,
        "storage.journal",
        "copy",
    ),
    (
        "no time server",
        |s| s.remove("/run/systemd/timesync/synchronized"),
        Severity::Warning,
        "clock.unsynchronised",
        "set-ntp",
    ),
];

#[test]
fn each_fault_leads_to_its_finding_and_no_other() {
    for (at, (name, spoil, severity, check, cure)) in ROWS.iter().enumerate() {
        let stage = Stage::healthy(&at.to_string());
        spoil(&stage);
        let found = stage.found();
        if check.is_empty() {
            assert_eq!(found, [], "{name}");
            continue;
        }
        let checks: Vec<_> = found.iter().map(|f| (f.severity, f.check.as_str())).collect();
        assert_eq!(checks, [(*severity, *check)], "{name}: {found:#?}");
        assert!(found[0].cure.contains(cure), "{name}: {}", found[0].cure);
        assert!(!found[0].why.is_empty() && !found[0].what.is_empty(), "{name}");
    }
}

#[test]
fn a_healthy_host_has_no_finding() {
    let found = Stage::healthy("healthy").found();
    assert_eq!(found, []);
}

#[test]
fn numbers_of_the_machine_are_judged() {
    let stage = Stage::healthy("numbers");
    let check = |host: &Host, wanted: &str| {
        let findings = examine(host, None).0.0;
        assert!(findings.iter().any(|finding| finding.check == wanted), "{wanted}: {findings:#?}");
    };
    check(&Host { now_ms: 898_804_800_000, ..stage.host() }, "clock.wrong");
    check(&Host { free: |_| Some(1 << 20), ..stage.host() }, "storage.full");
    check(&Host { free: |_| Some(50 << 20), ..stage.host() }, "storage.space");
}

#[test]
fn what_prove_finds_is_told_with_its_cure() {
    let stage = Stage::healthy("prove");
    let mild = CONFIG.replace("line = \"same\"", "line = \"same\"\njitter = \"0s\"");
    stage.write("/etc/dialback/dialback.toml", &mild);
    let findings = examine(&Host { prove: true, ..stage.host() }, None).0.0;
    let weak = findings
        .iter()
        .find(|finding| finding.check == "prove.A3")
        .unwrap_or_else(|| panic!("{findings:#?}"));
    assert!(weak.cure.contains("jitter"), "{}", weak.cure);
}

#[test]
fn a_running_server_tells_of_its_lines() {
    let line = |name: &str, state: &str, carrier| calls::status::Line {
        id: calls::vocabulary::LineId(0),
        line: name.to_owned(),
        number: None,
        state: state.to_owned(),
        for_ms: 0,
        detail: Some("the modem says ERROR".to_owned()),
        carrier,
        call: None,
        hold: None,
    };
    let status = Status {
        store_fault: Some("no space left".to_owned()),
        lines: vec![
            line("a", "faulted", None),
            line("b", "lent", None),
            line("c", "busied-out", None),
            line("d", "idle", Some(true)),
            line("e", "idle", Some(false)),
        ],
        ..Status::default()
    };
    let mut findings = Findings::default();
    modems::server(&status, &mut findings);
    let told: Vec<_> = findings.0.iter().map(|f| (f.check.as_str(), f.place.as_str())).collect();
    let wanted = [
        ("server.storage", "the server"),
        ("line.faulted", "line a"),
        ("line.lent", "line b"),
        ("line.busied-out", "line c"),
        ("modem.carrier-stuck", "line d"),
    ];
    assert_eq!(told, wanted);
}
