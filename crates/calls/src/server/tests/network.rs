//! The network of a PPP caller: a real link in the caller's role against the server, packets both ways, limits,
//! and everything that can end it.

use std::net::Ipv4Addr;
use std::time::Duration;

use ppp::auth::Credentials;
use ppp::link::{Config as LinkConfig, End, Link, Output};
use ppp::ncp::{Ipv4, Ipv4Wishes, Ipv6Wishes, PeerAddress};
use ppp::time::Instant;

use super::AT_PROMPT;
use crate::testing::{Bench, fresh, ppp_config};
use crate::vocabulary::{CallId, Input, LineId, NetworkInput, NetworkOutput, PortInput, Seq};

const POOL: &str = "local = \"10.9.0.1\"\npool = [\"10.9.0.2\", \"10.9.0.16-10.9.0.31\"]\n";
const NOBODY: &str = "";

/// A server, a caller on its line, and whoever makes interfaces.
struct Stage {
    bench: Bench,
    caller: Link,
    name: &'static str,
    password: &'static str,
    /// What the caller was given.
    given: Option<Ipv4>,
    packets: Vec<Vec<u8>>,
    end: Option<End>,
    /// Whether interfaces can be made.
    works: bool,
    told: Vec<String>,
}

/// A caller who wants an address of these, or any.
fn caller(own: Option<[u8; 4]>) -> LinkConfig {
    let mut config = LinkConfig::caller(None);
    config.ipv4 = Some(Ipv4Wishes {
        local: own.map(Ipv4Addr::from),
        peer: PeerAddress::Any,
        dns: [None; 2],
        nbns: [None; 2],
        asks_servers: true,
    });
    config
}

/// The shortest IPv4 packet, and one of so many octets.
fn packet(octets: usize) -> Vec<u8> {
    let mut packet = vec![0; octets.max(20)];
    packet[0] = 0x45;
    packet
}

impl Stage {
    fn set(keys: &str, users: &str, link: LinkConfig) -> Self {
        let mut bench = fresh(ppp_config(keys, users));
        bench.ready(LineId(0), false);
        bench.run(AT_PROMPT);
        bench.sent.clear();
        bench.unseen();
        let now = Instant::from_micros(bench.now.at.as_micros());
        Self {
            bench,
            caller: Link::new(link, [5; 32], now),
            name: "carol",
            password: "c4rols",
            given: None,
            packets: Vec::new(),
            end: None,
            works: true,
            told: Vec::new(),
        }
    }

    /// Carries octets between both until both are silent.
    fn talk(&mut self) {
        for _ in 0..200 {
            let now = Instant::from_micros(self.bench.now.at.as_micros());
            let heard = std::mem::take(&mut self.bench.sent);
            self.caller.receive(now, &heard);
            self.caller.tick(now);
            let mut said = Vec::new();
            while let Some(output) = self.caller.poll() {
                self.hear(now, output, &mut said);
            }
            if !said.is_empty() {
                self.bench.give(Input::Port(LineId(0), PortInput::Bytes(said)));
            }
            self.bench.give(Input::Durable(Seq(u64::MAX)));
            let asked = !self.bench.networks.is_empty();
            for (call, order) in std::mem::take(&mut self.bench.networks) {
                self.make(call, &order);
            }
            self.told.extend(self.bench.take_did().into_iter().filter(|did| is_told(did)));
            if heard.is_empty() && self.bench.sent.is_empty() && !asked {
                return;
            }
        }
        panic!("they go on talking: {:#?}", self.told);
    }

    fn make(&mut self, call: CallId, order: &NetworkOutput) {
        let answer = match (order, self.works) {
            (NetworkOutput::Set(_), true) => {
                NetworkInput::Ready { interface: "dialback0".to_owned() }
            }
            (NetworkOutput::Set(_), false) => NetworkInput::Failed("no such device".to_owned()),
            (NetworkOutput::Packet(_) | NetworkOutput::Remove | NetworkOutput::Script(_), _) => {
                return;
            }
        };
        self.bench.give(Input::Network(call, answer));
    }

    fn hear(&mut self, now: Instant, output: Output, said: &mut Vec<u8>) {
        match output {
            Output::Send(octets) => said.extend(octets),
            Output::AskSecret { ticket, .. } => {
                let own = Credentials { name: self.name.into(), secret: self.password.into() };
                self.caller.prove(now, ticket, Some(&own));
            }
            Output::Ipv4Up(agreed) => self.given = Some(agreed),
            Output::Packet(packet) => self.packets.push(packet),
            Output::Down(end) => self.end = Some(end),
            Output::Phase(_)
            | Output::Verify { .. }
            | Output::AskCallback { .. }
            | Output::ApproveCallback { .. }
            | Output::CallbackAgreed(_)
            | Output::CallbackWithdrawn(_)
            | Output::Ipv4Down
            | Output::Ipv6Up(_)
            | Output::Ipv6Down
            | Output::Identified(_)
            | Output::TimeRemaining(_) => {}
        }
    }

    fn pass(&mut self, time: Duration) {
        let step = Duration::from_secs(1);
        for _ in 0..time.as_secs() {
            self.bench.pass(step);
            self.talk();
        }
    }

    /// Plays steps, and gives what the server did about networks.
    fn play(&mut self, steps: &str) -> String {
        for step in steps.split("; ").filter(|step| !step.is_empty()) {
            match step.split_once(' ').unwrap_or((step, "")) {
                ("+", seconds) => {
                    self.pass(Duration::from_secs(seconds.parse().expect("seconds")));
                }
                ("from-network", octets) => {
                    let input = NetworkInput::Packet(packet(octets.parse().expect("octets")));
                    self.bench.give(Input::Network(CallId(1), input));
                }
                ("from-caller", octets) => {
                    let packet = packet(octets.parse().expect("octets"));
                    self.caller.send_packet(&packet).expect("it can be sent");
                }
                ("gone", why) => {
                    let input = NetworkInput::Gone(why.to_owned());
                    self.bench.give(Input::Network(CallId(1), input));
                }
                ("script-fails", reason) => {
                    let script = "/etc/ppp/ip-up".into();
                    let input = NetworkInput::ScriptFailed { script, reason: reason.to_owned() };
                    self.bench.give(Input::Network(CallId(1), input));
                }
                ("caller-ends", _) => {
                    let now = Instant::from_micros(self.bench.now.at.as_micros());
                    self.caller.close(now, "bye");
                }
                (_, _) => self.bench.happens(step),
            }
            self.talk();
        }
        self.told.join("\n")
    }
}

fn is_told(did: &str) -> bool {
    let words = ["> network ", "> packet ", "> no network", "> script ", "* network-"];
    let more = ["* link-ended ", "* script-failed ", "* ended "];
    words.iter().chain(&more).any(|word| did.starts_with(word))
}

#[track_caller]
fn check(stage: &mut Stage, steps: &str, wanted: &[&str]) {
    stage.talk();
    assert_eq!(stage.play(steps), wanted.join("\n"));
}

const UP: [&str; 2] = [
    "> network c1 dialback%d mtu 1500 10.9.0.1:10.9.0.2",
    "* network-up dialback0 10.9.0.1 10.9.0.2",
];
const HANGS_UP: &str = "drained; dcd down; + 2";

#[test]
fn a_caller_gets_an_address_and_packets_pass_both_ways() {
    let keys = format!("{POOL}dns = [\"10.9.0.53\", \"10.9.0.54\"]\nwins = \"10.9.0.55\"\n");
    let mut stage = Stage::set(&keys, NOBODY, caller(None));
    check(
        &mut stage,
        &format!("from-caller 84; from-network 100; caller-ends; {HANGS_UP}"),
        &[
            UP[0],
            UP[1],
            "> packet c1 of 84",
            "> no network c1",
            "* network-down dialback0 1 1: the peer ended it: bye",
            "* link-ended the peer ended it: bye",
            "* ended c1 user-request",
        ],
    );
    let given = stage.given.expect("addresses");
    let address = |last: u8| Some(Ipv4Addr::new(10, 9, 0, last));
    assert_eq!((given.local, given.peer), (address(2), address(1)));
    assert_eq!((given.dns, given.nbns), ([address(53), address(54)], [address(55), None]));
    assert_eq!(stage.packets, [packet(100)]);
    assert!(stage.bench.server.status(stage.bench.now).pool.is_some_and(|pool| pool.free == 17));
}

#[test]
fn status_shows_the_network_and_the_lease() {
    let mut stage = Stage::set(POOL, NOBODY, caller(None));
    stage.talk();
    stage.play("from-caller 40; + 3");
    let status = stage.bench.server.status(stage.bench.now);
    let pool = status.pool.expect("a pool");
    assert_eq!((pool.addresses, pool.free), (17, 16));
    assert_eq!(pool.leases.len(), 1);
    assert_eq!((pool.leases[0].call, pool.leases[0].user.as_str()), (CallId(1), "carol"));
    let session = &status.sessions[0];
    assert_eq!(session.phase.as_deref(), Some("network"));
    let network = session.network.as_ref().expect("a network");
    assert_eq!(network.interface, "dialback0");
    assert_eq!((network.packets_in, network.octets_in, network.idle_ms), (1, 40, 3000));
}

#[test]
fn an_address_that_is_asked_for_is_no_right_to_it() {
    for own in [[10, 9, 0, 1], [10, 9, 0, 16], [192, 0, 2, 1]] {
        let mut stage = Stage::set(POOL, NOBODY, caller(Some(own)));
        check(&mut stage, "", &UP);
    }
}

#[test]
fn a_user_has_the_address_that_is_his() {
    let users = "[[user]]\nname = \"carol\"\naddress = \"10.9.0.77\"\n";
    let mut stage = Stage::set("local = \"10.9.0.1\"", users, caller(Some([10, 9, 0, 77])));
    check(
        &mut stage,
        "",
        &[
            "> network c1 dialback%d mtu 1500 10.9.0.1:10.9.0.77",
            "* network-up dialback0 10.9.0.1 10.9.0.77",
        ],
    );
}

#[test]
fn who_can_have_no_address_is_sent_away_and_told_why() {
    let users = "[[user]]\nname = \"dora\"\naddress = \"10.9.0.2\"\n";
    let keys = "local = \"10.9.0.1\"\npool = \"10.9.0.1-10.9.0.2\"";
    let mut stage = Stage::set(keys, users, caller(None));
    check(
        &mut stage,
        &format!("+ 4; {HANGS_UP}"),
        &[
            "* network-refused carol pool.none",
            "* link-ended there is no network for you",
            "* ended c1 service-unavailable",
        ],
    );
    let end = stage.end.expect("an end");
    assert_eq!(end, End::PeerTerminated(b"there is no network for you".to_vec()));
}

#[test]
fn who_must_be_called_back_gets_no_network_on_the_first_call() {
    let users =
        "[[user]]\nname = \"carol\"\ncallback = { numbers = [\"5550199\"], required = true }\n";
    let mut stage = Stage::set(POOL, users, caller(None));
    check(
        &mut stage,
        HANGS_UP,
        &[
            "* link-ended carol must be called back, but the client did not agree on callback",
            "* ended c1 user-error",
        ],
    );
}

#[test]
fn packets_and_not_echo_requests_keep_a_link_from_being_idle() {
    let keys = format!("{POOL}idle_limit = \"2m\"\necho_interval = \"10s\"\n");
    let mut stage = Stage::set(&keys, NOBODY, caller(None));
    check(
        &mut stage,
        &format!("+ 100; from-caller 20; + 100; from-network 20; + 119; + 2; {HANGS_UP}"),
        &[
            UP[0],
            UP[1],
            "> packet c1 of 20",
            "> no network c1",
            "* network-down dialback0 1 1: nothing was sent or received for too long",
            "* link-ended nothing was sent or received for too long",
            "* ended c1 idle-timeout",
        ],
    );
}

#[test]
fn a_session_has_its_time_and_no_more() {
    let keys = format!("{POOL}session_limit = \"1m\"\n");
    let mut stage = Stage::set(&keys, NOBODY, caller(None));
    check(
        &mut stage,
        &format!("+ 30; from-caller 20; + 31; {HANGS_UP}"),
        &[
            UP[0],
            UP[1],
            "> packet c1 of 20",
            "> no network c1",
            "* network-down dialback0 1 0: the session's time is over",
            "* link-ended the session's time is over",
            "* ended c1 session-timeout",
        ],
    );
    assert_eq!(stage.end, Some(End::PeerTerminated(b"the session's time is over".to_vec())));
}

#[test]
fn scripts_are_told_what_pppd_tells_them() {
    let keys = format!("{POOL}ip_up = \"/etc/ppp/ip-up\"\nip_down = \"/etc/ppp/ip-down\"\n");
    let mut stage = Stage::set(&keys, NOBODY, caller(None));
    check(
        &mut stage,
        &format!("script-fails exit status: 3; dcd down; {HANGS_UP}"),
        &[
            UP[0],
            UP[1],
            "> script c1 ip-up dialback0 sim:main 115200 10.9.0.1 10.9.0.2 main",
            "* script-failed /etc/ppp/ip-up: exit status: 3",
            "> script c1 ip-down dialback0 sim:main 115200 10.9.0.1 10.9.0.2 main",
            "> no network c1",
            "* network-down dialback0 0 0: the line was lost",
            "* link-ended the line was lost",
            "* ended c1 lost-carrier",
        ],
    );
}

#[test]
fn without_an_interface_there_is_no_link() {
    let mut stage = Stage::set(POOL, NOBODY, caller(None));
    stage.works = false;
    check(
        &mut stage,
        HANGS_UP,
        &[
            UP[0],
            "* network-refused carol interface",
            "* link-ended the network interface has failed",
            "* ended c1 nas-error",
        ],
    );
}

#[test]
fn an_interface_that_somebody_takes_away_ends_the_link() {
    let mut stage = Stage::set(POOL, NOBODY, caller(None));
    check(
        &mut stage,
        &format!("gone it was taken down; {HANGS_UP}"),
        &[
            UP[0],
            UP[1],
            "* network-refused carol interface",
            "* network-down dialback0 0 0: the network interface has failed",
            "* link-ended the network interface has failed",
            "* ended c1 nas-error",
        ],
    );
}

#[test]
fn an_operator_ends_a_network_in_good_order() {
    let mut stage = Stage::set(POOL, NOBODY, caller(None));
    check(
        &mut stage,
        &format!("hang-up main; {HANGS_UP}"),
        &[
            UP[0],
            UP[1],
            "> no network c1",
            "* network-down dialback0 0 0: the call is ended by the server",
            "* ended c1 admin-reset",
        ],
    );
}

#[test]
fn a_packet_longer_than_the_caller_takes_is_dropped() {
    let mut link = caller(None);
    link.lcp.mru = 296;
    let mut stage = Stage::set(POOL, NOBODY, link);
    check(
        &mut stage,
        "from-network 297; from-network 296",
        &[
            "> network c1 dialback%d mtu 296 10.9.0.1:10.9.0.2",
            "* network-up dialback0 10.9.0.1 10.9.0.2",
        ],
    );
    assert_eq!(stage.packets, [packet(296)]);
}

#[test]
fn ipv6_runs_beside_ipv4_where_it_is_wanted() {
    let mut link = caller(None);
    link.ipv6 = Some(Ipv6Wishes::default());
    let keys = format!("{POOL}ipv6 = true\nipv6_up = \"/etc/ppp/ipv6-up\"\n");
    let mut stage = Stage::set(&keys, NOBODY, link);
    stage.talk();
    let told = stage.play("");
    assert!(told.contains("* network-up dialback0 10.9.0.1 10.9.0.2"), "{told}");
    assert!(told.contains("* network-up dialback0 fe80::"), "{told}");
    assert!(told.contains("> script c1 ipv6-up dialback0 sim:main 115200 fe80::"), "{told}");
    assert_eq!(told.matches("> network c1 ").count(), 2, "{told}");
    assert_eq!(told.matches("* network-up").count(), 2, "{told}");
}

#[test]
fn a_link_that_begins_anew_keeps_its_address() {
    let mut stage = Stage::set(POOL, NOBODY, caller(None));
    stage.talk();
    // The caller's program is started again on the same line.
    let now = Instant::from_micros(stage.bench.now.at.as_micros());
    stage.caller = Link::new(caller(None), [6; 32], now);
    stage.talk();
    let told = stage.play("+ 5");
    assert_eq!(
        told,
        [
            UP[0],
            UP[1],
            "> no network c1",
            "* network-down dialback0 0 0: the link began anew",
            UP[0],
            UP[1],
        ]
        .join("\n")
    );
}
