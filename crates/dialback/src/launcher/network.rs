//! Networks of calls, as the launcher makes them: interfaces with addresses of the configuration, and the scripts that
//! the configuration names. Both as an attacker would ask for them.
//!
//! An interface lives as long as somebody holds it: the launcher does until it is told otherwise or the server ends, so
//! that it can still be changed. It deliberately does not know PPP, nor whose call it is.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::net::Ipv6Addr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use calls::config::Config;
use calls::config::network::Network;
use calls::vocabulary::{Interface, Script};
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::network::{Device, remove, set};

/// How long a script may run before it is killed, as where there is no launcher.
const PATIENCE: Duration = Duration::from_secs(60);

/// More scripts at once than lines could ask for.
const SCRIPTS: usize = 4096;

/// The longest argument or value of a script's: addresses, names, numbers.
const MAX_TEXT: usize = 256;

/// The variables that a script is told of a network (`calls::script`); no other reaches a program of root's.
const VARIABLES: [&str; 17] = [
    "PATH",
    "DEVICE",
    "IFNAME",
    "IPLOCAL",
    "IPREMOTE",
    "LLLOCAL",
    "LLREMOTE",
    "SPEED",
    "ORIG_UID",
    "PPPLOGNAME",
    "PEERNAME",
    "DNS1",
    "DNS2",
    "CONNECT_TIME",
    "BYTES_SENT",
    "BYTES_RCVD",
    "DIALBACK_CALL",
];

/// Interfaces by their calls.
#[derive(Debug, Default)]
pub(super) struct Interfaces(BTreeMap<u64, Device>);

impl Interfaces {
    /// Makes a call's interface, or changes it. Its name, and a descriptor to give away.
    pub(super) fn set(
        &mut self,
        config: &Config,
        call: u64,
        wanted: &Interface,
    ) -> Result<(String, OwnedFd), String> {
        allowed(config, wanted)?;
        let new = !self.0.contains_key(&call);
        if new && self.0.len() >= config.lines.len() {
            return Err("more interfaces than lines".to_owned());
        }
        let device = set(self.0.remove(&call), wanted)?;
        let name = device.tun.name().to_owned();
        let fd = device.tun.as_fd().try_clone_to_owned().map_err(|e| format!("{name}: {e}"));
        self.0.insert(call, device);
        Ok((name, fd?))
    }

    /// Lets a call's interface go.
    pub(super) fn remove(&mut self, call: u64) {
        if let Some(device) = self.0.remove(&call) {
            remove(device);
        }
    }

    /// Lets all of them go: what they leave behind in the system's tables goes with them.
    pub(super) fn remove_all(&mut self) {
        for (_, device) in std::mem::take(&mut self.0) {
            remove(device);
        }
    }
}

fn network(config: &Config) -> Result<&Network, String> {
    let network = config.ppp.as_ref().map(|ppp| &ppp.network);
    network.ok_or_else(|| "there is no [ppp] in the configuration".to_owned())
}

/// Whether the configuration could lead to this interface.
fn allowed(config: &Config, wanted: &Interface) -> Result<(), String> {
    let network = network(config)?;
    let no = |what: &str| Err(format!("{what} is not of the configuration's"));
    if wanted.name != network.interface {
        return no("an interface of that name");
    }
    if wanted.proxy_arp && !network.proxy_arp {
        return no("proxy ARP");
    }
    if let Some(ends) = wanted.ipv4 {
        let users = config.users.iter().filter_map(|user| user.address);
        let known = network.pool.iter().any(|range| range.contains(ends.peer))
            || users.into_iter().any(|address| address == ends.peer);
        if Some(ends.local) != network.local || !known || ends.peer == ends.local {
            return no("that pair of addresses");
        }
    }
    if let Some(ends) = wanted.ipv6 {
        let link_local = |address: Ipv6Addr| address.segments().first() == Some(&0xfe80);
        if !network.ipv6 || !link_local(ends.local) || !link_local(ends.peer) {
            return no("that pair of IPv6 addresses");
        }
    }
    Ok(())
}

/// Scripts.
///
/// ```text
///   start ──► running ── ends: told, buried
///                └ PATIENCE over: killed and told ──► dying ── ends: buried
/// ```
///
/// Nobody waits for one that is killed: it may hang in the kernel (a dead NFS server) for as long as it likes.
#[derive(Debug, Default)]
pub(super) struct Scripts {
    /// By the server's numbers.
    running: BTreeMap<u64, Running>,
    dying: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    process: OwnedFd,
    until: Instant,
}

impl Scripts {
    /// Starts a script that the configuration names.
    pub(super) fn start(
        &mut self,
        config: &Config,
        number: u64,
        script: &Script,
    ) -> Result<(), String> {
        permitted(config, script)?;
        if self.running.len() + self.dying.len() >= SCRIPTS || self.running.contains_key(&number) {
            return Err("too many scripts".to_owned());
        }
        let mut argv = script.argv.iter();
        let mut command = Command::new(&script.program);
        if let Some(name) = argv.next() {
            command.arg0(name);
        }
        command.args(argv).env_clear().envs(script.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.current_dir("/").process_group(0).spawn().map_err(|e| e.to_string())?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| "not a process number".to_owned())?;
        let process =
            rustix::process::pidfd_open(pid, PidfdFlags::empty()).map_err(|e| e.to_string())?;
        let running = Running { child, process, until: Instant::now() + PATIENCE };
        self.running.insert(number, running);
        Ok(())
    }

    /// What to wait for.
    pub(super) fn readable(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.running.values().chain(&self.dying).map(|running| running.process.as_fd())
    }

    /// When to look again at the latest.
    pub(super) fn until(&self) -> Option<Instant> {
        self.running.values().map(|running| running.until).min()
    }

    /// Those that are over by `now`, each with what was wrong with it. Never waits.
    pub(super) fn look(&mut self, now: Instant) -> Vec<(u64, Option<String>)> {
        self.dying.retain_mut(|dying| matches!(dying.child.try_wait(), Ok(None)));
        let mut over = Vec::new();
        for (number, running) in &mut self.running {
            let fault = match running.child.try_wait() {
                Ok(Some(status)) => (!status.success()).then(|| status.to_string()),
                Ok(None) if running.until <= now => {
                    // Not the process alone: what it has started as well.
                    let pid = i32::try_from(running.child.id()).ok().and_then(Pid::from_raw);
                    if let Some(pid) = pid {
                        // It may have ended meanwhile.
                        let _ended = rustix::process::kill_process_group(pid, Signal::KILL);
                    }
                    Some(format!("killed: it ran for {} s", PATIENCE.as_secs()))
                }
                Ok(None) => continue,
                Err(e) => Some(e.to_string()),
            };
            over.push((*number, fault));
        }
        for (number, _) in &over {
            // One that has been waited for is dropped at the next look.
            self.dying.extend(self.running.remove(number));
        }
        over
    }
}

/// Whether the configuration could lead to this script with these words.
fn permitted(config: &Config, script: &Script) -> Result<(), String> {
    let scripts = &network(config)?.scripts;
    let named = [&scripts.ip_up, &scripts.ip_down, &scripts.ipv6_up, &scripts.ipv6_down];
    if !named.into_iter().flatten().any(|path| *path == script.program) {
        return Err("the configuration does not name it".to_owned());
    }
    let plain = |text: &str| {
        text.len() <= MAX_TEXT && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
    };
    // One program of several names (busybox) does what its name says.
    let own_name = script.argv.first().map(OsStr::new) == script.program.file_name();
    let words = script.argv.iter().skip(1);
    if !own_name
        || script.argv.len() != 7
        || !words.clone().all(|word| plain(word) && !word.starts_with('-'))
    {
        return Err("it has other arguments than a script is told".to_owned());
    }
    let path = |value: &str| value == calls::script::PATH;
    let known = |(name, value): &(String, String)| {
        let listed = VARIABLES.contains(&name.as_str()) || name == "DIALBACK_SESSION";
        listed && plain(value) && (name != "PATH" || path(value))
    };
    if !script.env.iter().all(known) {
        return Err("it has other variables than a script is told".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::path::{Path, PathBuf};

    use calls::config::System;
    use calls::config::load::{FileText, Surroundings, load};
    use calls::vocabulary::Ends;

    use super::*;

    fn config() -> Config {
        let toml = "[server]\nlogin_config = \"login.config\"\nissue = \"\"\n\
                    [ppp]\nsecrets = \"chap-secrets\"\nlocal = \"10.9.0.1\"\npool = [\"10.9.0.2-10.9.0.9\"]\n\
                    ip_up = \"/etc/dialback/ip-up\"\n[[user]]\nname = \"bob\"\naddress = \"10.9.1.7\"\n\
                    [[line]]\nname = \"main\"\nport = \"/dev/ttyS0\"\n";
        let file = |text: &str| FileText { text: text.as_bytes().to_vec(), uid: 0, mode: 0o600 };
        let files = BTreeMap::from([
            (PathBuf::from("dialback.toml"), file(toml)),
            (PathBuf::from("login.config"), file("/AutoPPP/ - - dialback-ppp\n")),
            (PathBuf::from("chap-secrets"), file("bob * secret *\n")),
        ]);
        let around = Surroundings { host: "orion".into(), system: System::default(), uid: 0 };
        match load(Path::new("dialback.toml"), &around, &files) {
            Ok(loaded) => loaded.config,
            Err(faults) => panic!("{faults:?}"),
        }
    }

    #[test]
    fn a_script_that_runs_too_long_is_told_at_once_and_buried_when_it_has_ended() {
        let mut scripts = Scripts::default();
        let child = Command::new("/bin/sleep").arg("1000").process_group(0).spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let process = rustix::process::pidfd_open(pid, PidfdFlags::empty()).unwrap();
        let began = Instant::now();
        scripts.running.insert(7, Running { child, process, until: began + PATIENCE });
        assert_eq!(scripts.look(began), []);
        let over = scripts.look(began + PATIENCE);
        assert_eq!(over, [(7, Some("killed: it ran for 60 s".to_owned()))]);
        assert_eq!(scripts.until(), None);
        // Its end wakes the launcher, which looks again.
        let mut fds: Vec<_> = scripts
            .readable()
            .map(|fd| rustix::event::PollFd::from_borrowed_fd(fd, rustix::event::PollFlags::IN))
            .collect();
        assert_eq!(rustix::event::poll(&mut fds, None), Ok(1));
        assert_eq!(scripts.look(began + PATIENCE), []);
        assert_eq!(scripts.readable().count(), 0);
        let buried = rustix::process::test_kill_process(pid);
        assert_eq!(buried, Err(rustix::io::Errno::SRCH));
    }

    fn v4(last: [u8; 4]) -> Option<Ends<Ipv4Addr>> {
        Some(Ends { local: [10, 9, 0, 1].into(), peer: last.into() })
    }

    #[test]
    fn only_interfaces_of_the_configuration_are_made() {
        let config = config();
        let name = config.ppp.as_ref().unwrap().network.interface.clone();
        let good =
            Interface { name, mtu: 1500, ipv4: v4([10, 9, 0, 2]), ipv6: None, proxy_arp: false };
        assert_eq!(allowed(&config, &good), Ok(()));
        assert_eq!(
            allowed(&config, &Interface { ipv4: v4([10, 9, 1, 7]), ..good.clone() }),
            Ok(())
        );
        let elsewhere =
            Ends { local: Ipv4Addr::new(10, 9, 0, 3), peer: Ipv4Addr::new(10, 9, 0, 2) };
        for wrong in [
            Interface { name: "eth0".to_owned(), ..good.clone() },
            Interface { proxy_arp: true, ..good.clone() },
            Interface { ipv4: v4([192, 168, 0, 1]), ..good.clone() },
            Interface { ipv4: v4([10, 9, 0, 1]), ..good.clone() },
            Interface { ipv4: Some(elsewhere), ..good.clone() },
            Interface {
                ipv6: Some(Ends { local: Ipv6Addr::LOCALHOST, peer: Ipv6Addr::LOCALHOST }),
                ..good
            },
        ] {
            assert!(allowed(&config, &wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_scripts_of_the_configuration_are_run_and_told_nothing_else() {
        let config = config();
        let ends = Ends { local: [10, 9, 0, 1].into(), peer: [10, 9, 0, 2].into() };
        let facts = calls::script::Facts {
            interface: "dialback0",
            device: "main",
            speed: 33600,
            ends,
            peer_name: "bob",
            parameter: "main",
            dns: [Some([10, 0, 0, 53].into()), None],
            call: Some((calls::vocabulary::CallId(1), calls::vocabulary::SessionId(1))),
            past: None,
        };
        let good = calls::script::script(Path::new("/etc/dialback/ip-up"), &facts);
        assert_eq!(permitted(&config, &good), Ok(()));
        let with = |change: fn(&mut Script)| {
            let mut script = good.clone();
            change(&mut script);
            script
        };
        for wrong in [
            with(|script| script.program = PathBuf::from("/bin/sh")),
            with(|script| script.argv.push("-c".to_owned())),
            with(|script| script.argv[0] = "sh".to_owned()),
            with(|script| script.argv[1] = "-rf".to_owned()),
            with(|script| script.argv[6] = "a\nb".to_owned()),
            with(|script| script.env.push(("LD_PRELOAD".to_owned(), "/tmp/x.so".to_owned()))),
            with(|script| script.env.push(("BASH_ENV".to_owned(), "/tmp/x".to_owned()))),
            with(|script| script.env[0].1 = "/tmp".to_owned()),
        ] {
            assert!(permitted(&config, &wrong).is_err(), "{wrong:?}");
        }
    }
}
