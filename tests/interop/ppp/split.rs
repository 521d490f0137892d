//! The server as it is meant to run: root starts it, it becomes somebody without rights, and the launcher that keeps root
//! makes its interfaces and runs its scripts and programs. A whole callback by PPP goes through it.

use serde_json::Value;

use crate::client::Client;
use crate::namespace::{ping, within};
use crate::rig::folder::Folder;
use crate::rig::process::{Ear, Process};
use crate::rig::programs;
use crate::rig::server::Server;
use crate::{PROGRAMS, office_split};

/// Whom the server becomes: a user that every Debian has, in place of `dialback`.
const USER: &str = "uucp";

const FIXED: &str = r#"callback = { numbers = ["5550199"], offer = "fixed", required = true }"#;

/// What the client is told to ask for.
const CALLED_BACK: &[&str] = &["--callback", "admin", "--callback-required"];

/// What `status --privileges` says of a process: the server or the launcher.
fn process(server: &Server, role: &str) -> Value {
    let told = server.json(&["status", "--privileges"]);
    let all = told[0].as_array().unwrap();
    all.iter().find(|process| process["role"] == role).unwrap().clone()
}

/// The user of a process.
fn uid(process: &Value) -> String {
    let text = std::fs::read_to_string(format!("/proc/{}/status", process["pid"])).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    line.split_whitespace().next().unwrap().to_owned()
}

/// A script that tells who runs it and what it sees, in a file that is there when it is whole.
fn script(folder: &Folder, name: &str) -> String {
    let told = folder.path(&format!("{name}.told"));
    let text = format!(
        "#!/bin/sh\n{{ id -u; grep Seccomp: /proc/self/status; echo \"$IFNAME $IPLOCAL $IPREMOTE $PEERNAME\"\n\
         ip -4 route show dev $IFNAME; }} > {told}.new 2>&1\nmv {told}.new {told}\n",
        told = told.display()
    );
    folder.write_program(name, &text).display().to_string()
}

#[test]
fn a_server_without_rights_calls_back_and_carries_by_its_launcher() {
    if !programs::there("PPP by a server without rights", &[PROGRAMS, &["/sbin/ip"]].concat()) {
        return;
    }
    let folder = Folder::new();
    let keys = format!(
        "ipv6 = true\nip_up = \"{}\"\nip_down = \"{}\"\ncapture_dir = \"{}\"",
        script(&folder, "ip-up"),
        script(&folder, "ip-down"),
        folder.path("captures").display()
    );
    let (town, mut server) = office_split(&folder, USER, FIXED, &keys);
    assert_ne!(uid(&process(&server, "server")), "0", "nothing was split");
    assert_eq!(uid(&process(&server, "launcher")), "0");
    // What becomes of interfaces in the server's network.
    let mut watch = server.process().in_its_network("/sbin/ip");
    let mut interfaces =
        Process::start("ip monitor", watch.args(["-o", "monitor", "link"]), Ear::Stdout);
    let mut client = Client::start(&folder, &town, CALLED_BACK);
    server.until("promised");
    server.until("kept");
    assert_eq!(server.until("proved")["name"], "alice");
    let (four, six) = match (client.until_next_up(), client.until_next_up()) {
        ((family, one), (_, other)) if family == "ipv4" => (one, other),
        ((_, one), (_, other)) => (other, one),
    };
    assert_eq!(
        (four.local.to_string(), four.remote.to_string()),
        ("10.9.0.2".into(), "10.9.0.1".into())
    );
    assert!(six.remote.is_ipv6(), "{six:?}");
    interfaces.until("the interface", |line| line.text.contains(" dialback0: ").then_some(()));
    let at = four.remote;
    within(client.pid(), move || ping(at, 0, 1500)).unwrap();
    let back = four.local;
    within(server.pid(), move || ping(back, 0, 1500)).unwrap();

    client.signal("TERM");
    client.until_ended(0, "session");
    server.until("network-down");
    server.until("ended");
    server.until("line-ready");
    interfaces.until("its end", |line| {
        (line.text.starts_with("Deleted ") && line.text.contains(" dialback0: ")).then_some(())
    });
    for (name, route) in
        [("ip-up", "10.9.0.2 proto kernel scope link src 10.9.0.1"), ("ip-down", "")]
    {
        let text = folder.text_moved_to(&format!("{name}.told"));
        assert!(
            text.starts_with("0\nSeccomp:\t0\ndialback0 10.9.0.1 10.9.0.2 alice\n"),
            "{name}: {text}"
        );
        assert!(text.contains(route), "{name}: {text}");
    }
    assert!(!server.events().iter().any(|event| event["event"] == "script-failed"));
    // What was said is the server's own to keep.
    for call in ["c1.pcap", "c2.pcap"] {
        assert!(folder.path("captures").join(call).exists(), "{call}");
    }
    server.stop();
}

#[test]
fn a_server_without_rights_hands_the_packets_to_a_program_of_roots() {
    if !programs::there("pppd by a server without rights", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let told = folder.path("pppd.told");
    let pppd = folder.write_program(
        "pppd",
        &format!(
            "#!/bin/sh\n{{ id -u; tty; echo \"$*\"; }} > {told}.new && mv {told}.new {told}\nexit 0\n",
            told = told.display()
        ),
    );
    let keys = format!("backend = \"pppd\"\npppd = \"{}\"", pppd.display());
    let (town, mut server) = office_split(&folder, USER, FIXED, &keys);
    assert_ne!(uid(&process(&server, "server")), "0", "nothing was split");
    let _client = Client::start(&folder, &town, CALLED_BACK);
    server.until("kept");
    assert_eq!(server.until("proved")["name"], "alice");
    let launched = server.until("launched");
    assert_eq!(launched["program"].as_str(), pppd.to_str(), "{launched}");
    server.until("program-exited");
    server.until("ended");
    let text = folder.text_moved_to("pppd.told");
    assert!(text.starts_with("0\n/dev/pts/"), "{text}");
    assert!(text.contains(" remotename alice ") && text.contains(" 10.9.0.1:10.9.0.2 "), "{text}");
    server.stop();
}
