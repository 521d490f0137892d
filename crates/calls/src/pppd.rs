//! pppd as the one who carries a caller's packets: its command line, from the configuration.
//!
//! Our engine has done what pppd cannot do (CBCP, the callback, the proof that it is the user who was called), and
//! hands the line over when the network phase comes. pppd begins with LCP; a caller who hears a
//! Configure-Request on an open link starts over (RFC 1661 §4.3), so no byte is lost that would not be said again.
//! It does not ask for the name a second time, unless `pppd_options` says so.
//!
//! It does not know which address is free (`pool`), nor start anything.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::config::network::{Backend, Network};
use crate::config::{Config, Line, PortSpec};
use crate::dispatch::{self, Unfounded};
use crate::vocabulary::{Ends, Grounds, Launch};

/// pppd for a caller. It believes nothing: the line must be pppd's, and the addresses the caller's to have.
///
/// # Errors
/// Which of the grounds does not hold.
pub(crate) fn launch(config: &Config, grounds: Grounds) -> Result<Launch, Unfounded> {
    let handover = grounds.pppd.ok_or(Unfounded::Action)?;
    let line = config.lines.iter().find(|line| line.name == grounds.line);
    let line = line.ok_or(Unfounded::Line)?;
    let network = config.ppp.as_ref().map(|ppp| &ppp.network).ok_or(Unfounded::Backend)?;
    if line.backend.unwrap_or(network.backend) != Backend::Pppd {
        return Err(Unfounded::Backend);
    }
    let user = &grounds.facts.name;
    if let Some(ends) = handover.ends
        && !may_have(config, network, user, ends)
    {
        return Err(Unfounded::Address);
    }
    let base = network.pppd.file_name().unwrap_or(network.pppd.as_os_str());
    let mut argv = vec![base.to_string_lossy().into_owned()];
    argv.extend(options(config, network, line, user, handover.ends));
    argv.extend(network.pppd_options.iter().cloned());
    Ok(Launch {
        program: network.pppd.clone(),
        argv,
        env: dispatch::environment(&grounds.facts, &line.name, &config.login.term),
        user: None,
        utmp: None,
        host: grounds.facts.connect.clone(),
        speed: grounds.facts.speed,
        first_bytes: Vec::new(),
        grounds,
    })
}

/// Whether these addresses are ours and the caller's.
fn may_have(config: &Config, network: &Network, user: &str, ends: Ends<Ipv4Addr>) -> bool {
    let own = config.user(user).and_then(|user| user.address);
    let others = config.users.iter().filter_map(|user| user.address);
    let peer = match own {
        Some(own) => own == ends.peer,
        None => {
            network.pool.iter().any(|range| range.contains(ends.peer))
                && !others.into_iter().any(|other| other == ends.peer)
        }
    };
    network.local == Some(ends.local) && peer && ends.peer != ends.local
}

fn options(
    config: &Config,
    network: &Network,
    line: &Line,
    user: &str,
    ends: Option<Ends<Ipv4Addr>>,
) -> Vec<String> {
    let word = |word: &str| word.to_owned();
    let mut options = vec![
        word("nodetach"),
        // Through a pty the carrier comes to it as a hang-up.
        word(match line.port {
            PortSpec::Tty(_) => "modem",
            PortSpec::Rfc2217 { .. } | PortSpec::Tcp { .. } | PortSpec::Sim(_) => "local",
        }),
        word(if line.hardware_flow { "crtscts" } else { "nocrtscts" }),
        word("noauth"),
        word("name"),
        config.server.host.clone(),
        // Where `pppd_options` demands a proof by CHAP, it has to be the same user's.
        word("remotename"),
        word(user),
        word("nodefaultroute"),
        word("ipparam"),
        line.name.clone(),
        word("mtu"),
        network.mtu.to_string(),
        word("mru"),
        network.mru.to_string(),
    ];
    match ends {
        Some(ends) => options.push(format!("{}:{}", ends.local, ends.peer)),
        None => options.push(word("noip")),
    }
    options.push(word(if network.ipv6 { "+ipv6" } else { "noipv6" }));
    if network.proxy_arp {
        options.push(word("proxyarp"));
    }
    for (name, servers) in [("ms-dns", &network.dns), ("ms-wins", &network.wins)] {
        options.extend(servers.iter().flat_map(|server| [word(name), server.to_string()]));
    }
    let seconds = |limit: Duration| limit.as_secs().max(1).to_string();
    for (name, limit) in [
        ("idle", network.idle_limit),
        ("maxconnect", network.session_limit),
        ("lcp-echo-interval", network.echo_interval),
    ] {
        options.extend(limit.into_iter().flat_map(|limit| [word(name), seconds(limit)]));
    }
    if network.echo_interval.is_some() {
        options.extend([word("lcp-echo-failure"), network.echo_failures.to_string()]);
    }
    // Those of IPv6 have no option in pppd 2.4.9: it runs /etc/ppp/ipv6-up and ipv6-down.
    let scripts = &network.scripts;
    for (name, script) in [("ip-up-script", &scripts.ip_up), ("ip-down-script", &scripts.ip_down)] {
        options.extend(script.iter().flat_map(|path| [word(name), path.display().to_string()]));
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ppp_config;
    use crate::vocabulary::{CallFacts, Handover, Leg};

    const KEYS: &str = "local = \"10.9.0.1\"\npool = \"10.9.0.2-10.9.0.9\"\nbackend = \"pppd\"\n\
        dns = \"10.9.0.1\"\nidle_limit = \"10m\"\nip_up = \"/etc/ppp/ip-up\"\nproxy_arp = true\n\
        pppd_options = [\"require-mppe\"]";
    const BOB: &str = "[[user]]\nname = \"bob\"\naddress = \"10.9.0.5\"\n";

    fn grounds(user: &str, peer: [u8; 4]) -> Grounds {
        let ends = Ends { local: [10, 9, 0, 1].into(), peer: peer.into() };
        let name = user.to_owned();
        Grounds {
            entry: 0,
            sought: "/AutoPPP/".to_owned(),
            leg: Leg::Return,
            line: "main".to_owned(),
            facts: CallFacts { name, speed: 115_200, ..CallFacts::default() },
            pppd: Some(Handover { ends: Some(ends) }),
        }
    }

    #[test]
    fn pppds_options_follow_from_ours() {
        let launch = launch(&ppp_config(KEYS, BOB), grounds("alice", [10, 9, 0, 2])).expect("pppd");
        assert_eq!(launch.program.to_str(), Some("/usr/sbin/pppd"));
        assert_eq!(
            launch.argv.join(" "),
            "pppd nodetach local crtscts noauth name alma remotename alice nodefaultroute ipparam main \
             mtu 1500 mru 1500 10.9.0.1:10.9.0.2 noipv6 proxyarp ms-dns 10.9.0.1 idle 600 \
             lcp-echo-interval 30 lcp-echo-failure 4 ip-up-script /etc/ppp/ip-up require-mppe"
        );
        assert_eq!((launch.user, launch.utmp), (None, None));
    }

    #[test]
    fn a_second_process_comes_to_the_same_launch_and_believes_nothing() {
        let config = ppp_config(KEYS, BOB);
        let own = launch(&config, grounds("bob", [10, 9, 0, 5])).expect("pppd");
        assert_eq!(dispatch::follow(&config, own.grounds.clone()), Ok(own));
        for (user, peer) in [
            ("alice", [10, 9, 0, 5]),
            ("bob", [10, 9, 0, 2]),
            ("alice", [10, 9, 0, 1]),
            ("alice", [10, 8, 0, 2]),
        ] {
            let got = dispatch::follow(&config, grounds(user, peer));
            assert_eq!(got, Err(Unfounded::Address), "{user} {peer:?}");
        }
        let tun = ppp_config(&KEYS.replace("\"pppd\"", "\"tun\""), BOB);
        let got = dispatch::follow(&tun, grounds("alice", [10, 9, 0, 2]));
        assert_eq!(got, Err(Unfounded::Backend));
        let got = dispatch::follow(&config, grounds("-x", [10, 9, 0, 2]));
        assert_eq!(got, Err(Unfounded::Name));
    }
}
