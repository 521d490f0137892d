//! pppd in the guest calls our server, and is called back by it.

use std::process::Command;

use serde_json::Value;

use crate::crossing;
use crate::machine::{Guest, PROGRAMS};
use crate::pppd::{self, METHODS};
use crate::rig::folder::Folder;
use crate::rig::process::dialback;
use crate::rig::programs;
use crate::rig::server::Server;
use crate::stage::{self, OFFICE};

/// The line of the guest that leads to alice's modem.
const LINE: &str = "/dev/ttyS1";

#[test]
fn real_pppd_proves_its_name_by_each_method_and_gets_an_address() {
    if !programs::there("real_pppd_proves_its_name_by_each_method_and_gets_an_address", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let (_town, mut server, mut guest) = stage::with_server_outside(&folder, "");
    for (method, refused) in METHODS {
        guest.go(method, &pppd::dials(LINE, OFFICE, &format!("{} {refused}", pppd::ALICE)));
        let proved = server.until("proved");
        assert_eq!((&proved["name"], &proved["method"]), (&"alice".into(), &method.into()));
        println!("{method}: proved");
        gets_addresses(&mut server, &mut guest, method, 1);
        crossing::ping(&mut guest, "", "10.9.0.1");
        hangs_up(&mut server, &mut guest, method);
        server.until("line-ready");
    }
    server.stop();
}

#[test]
fn real_pppd_is_called_back_by_cbcp_and_packets_cross() {
    let programs = [PROGRAMS, &["/usr/bin/tshark"]].concat();
    if !programs::there("real_pppd_is_called_back_by_cbcp_and_packets_cross", &programs) {
        return;
    }
    let folder = Folder::new();
    let (mut town, mut server, mut guest) =
        stage::with_server_outside(&folder, &called_back(&folder));
    let request = format!("{} callback {}", pppd::ALICE, stage::ALICE);
    guest.go("request", &pppd::dials(LINE, OFFICE, &request));
    let promised = server.until("promised");
    assert_eq!(promised["numbers"], serde_json::json!([stage::ALICE]));
    assert_eq!(guest.exits("request"), pppd::CALLED_BACK);
    guest.go("answer", &pppd::answers(LINE, pppd::ALICE));
    let dialled = server.until("dialled");
    assert_eq!(dialled["number"], stage::ALICE);
    assert_eq!(server.until("kept")["promise"], promised["promise"]);
    assert_eq!(server.until("proved")["name"], "alice");
    println!("dialled: {:?}", town.dialled());

    gets_addresses(&mut server, &mut guest, "answer", 2);
    crossing::ping(&mut guest, "", "10.9.0.1");
    crossing::ping_from_outside(server.process(), "10.9.0.2");
    let _echo = crossing::echo_outside(server.process());
    crossing::transfer(&mut guest, "", "10.9.0.1", 1024);
    let down = hangs_up(&mut server, &mut guest, "answer");
    for octets in ["octets_in", "octets_out"] {
        assert!(down[octets].as_u64() > Some(1 << 20), "{down}");
    }
    server.stop();
    tells_what_was_said(&folder);
}

/// Alice has to be called back, and may say where. All calls are captured.
fn called_back(folder: &Folder) -> String {
    format!(
        r#"capture_dir = "{}"
ipv6 = true

[[user]]
name = "alice"
callback = {{ numbers = ["5550199"], offer = "caller", required = true }}
"#,
        folder.path("captures").display()
    )
}

/// What was captured of both calls: `dialback calls --trace` and tshark read it, and tshark finds nothing wrong.
fn tells_what_was_said(folder: &Folder) {
    for (call, said) in [("c1", "Call me back, please"), ("c2", "User request")] {
        let file = folder.path("captures").join(format!("{call}.pcap"));
        let output = dialback().args(["calls", "--trace"]).arg(&file).output().unwrap();
        let trace = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && trace.contains(said), "{output:?}");
        let output = Command::new("tshark").arg("-r").arg(&file).arg("-V").output().unwrap();
        let decoded = String::from_utf8_lossy(&output.stdout).into_owned();
        for wrong in ["Malformed", "[Expert Info (Error"] {
            assert!(!decoded.contains(wrong), "{}: {wrong}:\n{decoded}", file.display());
        }
        println!("{call}: {} packets in words; tshark finds nothing wrong", trace.lines().count());
    }
}

/// IPv4 is up on both sides, and IPv6 if there are to be two families; whoever is first.
fn gets_addresses(server: &mut Server, guest: &mut Guest, pppd: &str, families: usize) {
    let ups: Vec<Value> = (0..families).map(|_| server.until("network-up")).collect();
    let got = guest.until(pppd, "local  IP address");
    println!("{pppd}: {got}");
    assert!(got.ends_with(" 10.9.0.2"), "{got}");
    for up in ups {
        let [local, peer, device] =
            ["local", "peer", "interface"].map(|key| up[key].as_str().unwrap());
        println!("{device} on the server: {local} towards {peer}");
        if peer.contains(':') {
            crossing::ping_from_outside(server.process(), &format!("{peer}%{device}"));
        } else {
            assert_eq!((local, peer), ("10.9.0.1", "10.9.0.2"));
        }
    }
}

/// pppd is told to end; gives back what the server says of the network that was.
fn hangs_up(server: &mut Server, guest: &mut Guest, pppd: &str) -> Value {
    guest.run("kill", pppd::END);
    let down = server.until("network-down");
    assert_eq!(guest.exits(pppd), pppd::BY_A_SIGNAL);
    println!("{pppd}: {} bytes in, {} out: {}", down["octets_in"], down["octets_out"], down["why"]);
    assert_eq!(server.until("ended")["cause"], "user-request");
    down
}
