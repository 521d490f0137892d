//! pppd's scripts: the arguments and the environment with which ip-up and its kin are run, so that those
//! which people have keep working (pppd(8), SCRIPTS).
//!
//! Everything in them is ours or was checked before: addresses, an interface's name, a proved name. It does
//! not run anything.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use crate::vocabulary::{CallId, Ends, Script, SessionId};

/// The search path of scripts: they run with root's rights, as pppd's do.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a script is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The network interface.
    pub interface: &'a str,
    /// The terminal device, or what stands for it.
    pub device: &'a str,
    /// Its speed (bit/s).
    pub speed: u32,
    /// Both addresses: IPv4's, or IPv6's link-local ones.
    pub ends: Ends<IpAddr>,
    /// The proved name of the other side; empty: none.
    pub peer_name: &'a str,
    /// pppd's `ipparam`: the sixth argument.
    pub parameter: &'a str,
    /// DNS servers that the other side named.
    pub dns: [Option<IpAddr>; 2],
    /// The call, where a server runs the script.
    pub call: Option<(CallId, SessionId)>,
    /// How it was, once it is over.
    pub past: Option<Past>,
}

/// What was, when a network has gone down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// How long the link was up.
    pub connected: Duration,
    /// Octets on the line, to the other side.
    pub sent: u64,
    /// And from it.
    pub received: u64,
}

/// A script with what it is told.
#[must_use]
pub fn script(program: &Path, facts: &Facts<'_>) -> Script {
    let (local, peer) = (facts.ends.local.to_string(), facts.ends.peer.to_string());
    let speed = facts.speed.to_string();
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    let argv = [&name, facts.interface, facts.device, &speed, &local, &peer, facts.parameter];
    let (ours, theirs) = match facts.ends.local {
        IpAddr::V4(_) => ("IPLOCAL", "IPREMOTE"),
        IpAddr::V6(_) => ("LLLOCAL", "LLREMOTE"),
    };
    let mut env = vec![
        ("PATH", PATH.to_owned()),
        ("DEVICE", facts.device.to_owned()),
        ("IFNAME", facts.interface.to_owned()),
        (ours, local.clone()),
        (theirs, peer.clone()),
        ("SPEED", speed.clone()),
        ("ORIG_UID", "0".to_owned()),
        ("PPPLOGNAME", "root".to_owned()),
    ];
    if !facts.peer_name.is_empty() {
        env.push(("PEERNAME", facts.peer_name.to_owned()));
    }
    for (name, server) in ["DNS1", "DNS2"].into_iter().zip(facts.dns) {
        env.extend(server.map(|server| (name, server.to_string())));
    }
    if let Some(past) = facts.past {
        env.push(("CONNECT_TIME", past.connected.as_secs().to_string()));
        env.push(("BYTES_SENT", past.sent.to_string()));
        env.push(("BYTES_RCVD", past.received.to_string()));
    }
    if let Some((call, session)) = facts.call {
        env.push(("DIALBACK_CALL", call.to_string()));
        env.push(("DIALBACK_SESSION", session.to_string()));
    }
    Script {
        program: program.to_owned(),
        argv: argv.into_iter().map(str::to_owned).collect(),
        env: env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(ends: Ends<IpAddr>, past: Option<Past>) -> Facts<'static> {
        Facts {
            interface: "dialback0",
            device: "/dev/ttyS0",
            speed: 115_200,
            ends,
            peer_name: "alice",
            parameter: "main",
            dns: [Some([10, 0, 0, 53].into()), None],
            call: Some((CallId(12), SessionId(7))),
            past,
        }
    }

    fn value<'s>(script: &'s Script, name: &str) -> Option<&'s str> {
        script.env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn ip_up_gets_pppds_six_arguments_and_variables() {
        let ends = Ends { local: [10, 9, 0, 1].into(), peer: [10, 9, 0, 2].into() };
        let script = script(Path::new("/etc/ppp/ip-up"), &facts(ends, None));
        assert_eq!(script.program, Path::new("/etc/ppp/ip-up"));
        let expected =
            ["ip-up", "dialback0", "/dev/ttyS0", "115200", "10.9.0.1", "10.9.0.2", "main"];
        assert_eq!(script.argv, expected);
        for (name, expected) in [
            ("DEVICE", Some("/dev/ttyS0")),
            ("IFNAME", Some("dialback0")),
            ("IPLOCAL", Some("10.9.0.1")),
            ("IPREMOTE", Some("10.9.0.2")),
            ("PEERNAME", Some("alice")),
            ("SPEED", Some("115200")),
            ("DNS1", Some("10.0.0.53")),
            ("DNS2", None),
            ("CONNECT_TIME", None),
            ("DIALBACK_CALL", Some("c12")),
        ] {
            assert_eq!(value(&script, name), expected, "{name}");
        }
    }

    #[test]
    fn ipv6_down_gets_link_local_addresses_and_what_was() {
        let local = "fe80::1".parse().expect("an address");
        let peer = "fe80::2".parse().expect("an address");
        let past = Past { connected: Duration::from_millis(61_900), sent: 10, received: 20 };
        let script =
            script(Path::new("/etc/ppp/ipv6-down"), &facts(Ends { local, peer }, Some(past)));
        assert_eq!(script.argv[4..], ["fe80::1", "fe80::2", "main"]);
        assert_eq!(value(&script, "LLLOCAL"), Some("fe80::1"));
        assert_eq!(value(&script, "LLREMOTE"), Some("fe80::2"));
        assert_eq!(value(&script, "IPLOCAL"), None);
        assert_eq!(value(&script, "CONNECT_TIME"), Some("61"));
        assert_eq!(value(&script, "BYTES_SENT"), Some("10"));
        assert_eq!(value(&script, "BYTES_RCVD"), Some("20"));
    }
}
