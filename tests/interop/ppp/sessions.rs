//! Sessions that carry: TUN to TUN through two modems, both families, packets of every length, transfers both ways with
//! their octets compared, name servers, routes, scripts, limits, and good byes from either side.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, Up};
use crate::namespace::{index, ping, say, within};
use crate::rig::folder::Folder;
use crate::rig::programs;
use crate::rig::server::Server;
use crate::{PROGRAMS, office};

/// Who must be called back, and who may stay on the first call, which is a session sooner.
const FIXED: &str = r#"callback = { numbers = ["5550199"], offer = "fixed", required = true }"#;
const FREE: &str = r#"callback = { numbers = ["5550199"], offer = ["none", "fixed"] }"#;

/// Where the server listens.
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const ALICE: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);

/// Octets of a transfer, one way: two seconds of the town's line, some hundred packets.
const TRANSFER: usize = 300_000;

/// Octets that repeat only after a long time, from a seed.
fn octets(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[3]
    };
    (0..count).map(next).collect()
}

/// Sends `ours` over the connection while the other's come; gives those back.
fn exchange(mut stream: TcpStream, ours: Vec<u8>) -> Vec<u8> {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut out = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        out.write_all(&ours).unwrap();
        out.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let mut theirs = Vec::new();
    stream.read_to_end(&mut theirs).unwrap();
    sender.join().unwrap();
    theirs
}

/// Transfers both ways at once, and compares.
fn transfer(server: &Server, client: &Client, at: SocketAddr, from: Up) {
    let (server, client) = (server.pid(), client.pid());
    let listener = within(server, move || TcpListener::bind(at).unwrap());
    let mut to = listener.local_addr().unwrap();
    let down = octets(0x5eed_0001, TRANSFER);
    let up = octets(0x5eed_0002, TRANSFER);
    let (sent_down, sent_up) = (down.clone(), up.clone());
    let serving = std::thread::spawn(move || exchange(listener.accept().unwrap().0, sent_down));
    let stream = within(client, move || {
        if let SocketAddr::V6(to) = &mut to {
            to.set_scope_id(index(&from.interface));
        }
        TcpStream::connect(to).unwrap()
    });
    assert!(exchange(stream, sent_up) == down, "what the server sent is what came");
    assert!(serving.join().unwrap() == up, "what the client sent is what came");
}

#[test]
fn a_caller_is_called_back_to_a_network_of_both_families_that_carries_both_ways() {
    if !programs::there("a network through two modems", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let (_town, mut server, mut client) = {
        let (town, server) = office(&folder, FIXED, "ipv6 = true");
        let client = Client::start(&folder, &town, &["--callback", "admin", "--callback-required"]);
        (town, server, client)
    };
    // Which of the two is first is chance.
    let mut both = BTreeMap::from([client.until_next_up(), client.until_next_up()]);
    let (four, six) = (both.remove("ipv4").unwrap(), both.remove("ipv6").unwrap());
    assert_eq!((four.local, four.remote), (IpAddr::V4(ALICE), IpAddr::V4(SERVER)));
    assert_eq!((four.mtu, six.mtu), (1500, 1500));
    assert_eq!(
        client.stages(),
        [
            "setting-up",
            "dialling",
            "connected",
            "request establish",
            "request authenticate",
            "request callback",
            "request terminate",
            "callback-agreed",
            "waiting",
            "ringing",
            "answering",
            "connected",
            "return establish",
            "return authenticate",
            "return network",
            "up",
            "up",
        ]
    );
    server.until("network-up");
    // Packets of the least, a middling and the greatest length, and one in three fragments.
    let scope = six.interface.clone();
    let (here, there) = (six.remote, six.local);
    within(client.pid(), move || {
        for length in [28, 576, 1500, 4000] {
            ping(SERVER.into(), 0, length).unwrap_or_else(|e| panic!("{length}: {e}"));
        }
        for length in [48, 1280, 1500, 4000] {
            ping(here, index(&scope), length).unwrap_or_else(|e| panic!("{length}: {e}"));
        }
    });
    let scope = server_interface(&mut server);
    let scoped = scope.clone();
    within(server.pid(), move || {
        ping(ALICE.into(), 0, 1500).unwrap();
        ping(there, index(&scoped), 1500).unwrap();
    });
    let number = within(server.pid(), move || index(&scope));
    let IpAddr::V6(remote) = six.remote else { panic!("{six:?}") };
    transfer(&server, &client, (SERVER, 0).into(), four);
    let at = SocketAddr::V6(SocketAddrV6::new(remote, 0, 0, number));
    transfer(&server, &client, at, six);

    client.signal("TERM");
    client.until_ended(0, "session");
    server.until("network-down");
    server.until("ended");
    server.kill();
}

/// The interface that the server made for the call.
fn server_interface(server: &mut Server) -> String {
    let found = server.events().into_iter().rev().find(|event| event["event"] == "network-up");
    found.unwrap()["interface"].as_str().unwrap().to_owned()
}

#[test]
fn a_peer_that_takes_little_gets_little() {
    if !programs::there("a small MTU", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let (town, server) = office(&folder, FREE, "mru = 576");
    let mut client = Client::start(&folder, &town, &[]);
    let four = client.until_up();
    assert_eq!(four.mtu, 576, "what the server receives at most");
    within(client.pid(), || {
        for length in [28, 575, 576, 577, 1500, 3000] {
            ping(SERVER.into(), 0, length).unwrap_or_else(|e| panic!("{length}: {e}"));
        }
    });
    transfer(&server, &client, (SERVER, 0).into(), four);
    server.kill();
    client.signal("TERM");
    client.until_ended(0, "session");
}

#[test]
fn what_is_asked_for_besides_addresses_is_there_and_gone_again() {
    if !programs::there("routes and name servers", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let (town, mut server) = office(&folder, FREE, "dns = [\"10.9.0.53\"]");
    let resolv = folder.write("resolv.conf", "nameserver 192.0.2.1\n");
    let told = folder.path("told");
    let script = |name: &str| {
        let text =
            format!("#!/bin/sh\necho {name} $4 $5 $IPLOCAL $DNS1 $FAMILY >> {}\n", told.display());
        folder.write_program(name, &text).display().to_string()
    };
    let (up, down) = (script("ip-up"), script("ip-down"));
    let mut client = Client::start(
        &folder,
        &town,
        &[
            "--default-route",
            "--interface",
            "office",
            "--resolv-conf",
            &resolv.display().to_string(),
            "--ip-up",
            &up,
            "--ip-down",
            &down,
        ],
    );
    let four = client.until_up();
    assert_eq!((four.interface.as_str(), &four.dns), ("office", &json!(["10.9.0.53"])));
    assert!(std::fs::read_to_string(&resolv).unwrap().ends_with("\nnameserver 10.9.0.53\n"));
    // Anything at all goes through the interface.
    within(client.pid(), || say(ALICE.into(), ([198, 51, 100, 7], 9).into(), b"x")).unwrap();
    client.signal("TERM");
    client.until_ended(0, "session");
    assert_eq!(std::fs::read_to_string(&resolv).unwrap(), "nameserver 192.0.2.1\n");
    let told = std::fs::read_to_string(&told).unwrap();
    for line in [
        "ip-up 10.9.0.2 10.9.0.1 10.9.0.2 10.9.0.53 ipv4\n",
        "ip-down 10.9.0.2 10.9.0.1 10.9.0.2 10.9.0.53 ipv4\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
    server.until("network-down");
    server.kill();
}

#[test]
fn limits_end_a_session_on_either_side() {
    if !programs::there("limits", PROGRAMS) {
        return;
    }
    let limits: [(&str, &[&str], &str); 4] = [
        ("", &["--idle", "2s"], "idle for too long"),
        ("", &["--session", "2s"], "its time is over"),
        ("session_limit = \"2s\"", &[], "the peer ended it"),
        ("idle_limit = \"2s\"", &[], "the peer ended it"),
    ];
    let run = |(server_keys, args, words): (&str, &[&str], &str)| {
        let folder = Folder::new();
        let (town, mut server) = office(&folder, FREE, server_keys);
        let mut client = Client::start(&folder, &town, args);
        client.until_up();
        let start = Instant::now();
        // What is said to the link itself is no use of it.
        within(client.pid(), || say(ALICE.into(), ([224, 0, 0, 251], 5353).into(), b"x")).unwrap();
        client.until_ended(0, "session");
        let took = start.elapsed();
        assert!(client.told().contains(words), "{}", client.told());
        assert!((1..12).contains(&took.as_secs()), "{words}: {took:?}");
        if let Some((key, _)) = server_keys.split_once("_limit") {
            assert_eq!(server.until("ended")["cause"], format!("{key}-timeout"));
        }
        server.kill();
    };
    std::thread::scope(|rows| {
        for limit in limits {
            rows.spawn(move || run(limit));
        }
    });
}

#[test]
fn a_caller_without_a_wish_stays_on_the_first_call() {
    if !programs::there("a plain PPP call", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let (town, mut server) = office(&folder, FREE, "");
    let mut client = Client::start(&folder, &town, &["--remote-name", "orion"]);
    client.until_up();
    within(client.pid(), || ping(SERVER.into(), 0, 84)).unwrap();
    assert!(!client.stages().contains(&"waiting".to_owned()));
    server.signal("TERM");
    // The server takes its leave, and so the session took place.
    client.until_ended(0, "session");
    server.until("server-stopped");
}
