//! Our own client calls pppd in the guest.

use std::path::Path;

use serde_json::Value;

use crate::crossing;
use crate::machine::{Guest, PROGRAMS};
use crate::pppd;
use crate::rig::folder::Folder;
use crate::rig::process::{Ear, Process};
use crate::rig::programs;
use crate::stage::{self, OFFICE};

/// What pppd demands as a server.
const DEMANDS: [&str; 3] = ["require-pap", "require-chap", "require-mschap-v2"];

#[test]
fn our_client_calls_real_pppd_and_packets_cross() {
    if !programs::there("our_client_calls_real_pppd_and_packets_cross", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let town = stage::town(&folder);
    let peer = write_peer(&folder, town.port("alice"));
    let mut guest = Guest::boot(&folder, &[Path::new(town.port("office"))]);
    let root = folder.as_ref().display();
    guest.run("files", &format!("cp {root}/*-secrets /etc/ppp/"));
    for demand in DEMANDS {
        let options = format!("auth {demand} name orion 10.9.0.1:10.9.0.2 linkname alice");
        guest.go(demand, &pppd::answers("/dev/ttyS1", &options));
        // The modem must be set up before it rings.
        guest.until(demand, "expect (RING)");
        let mut client = start_client(&peer);
        // Either family may be first.
        let mut ups = [until(&mut client, "up"), until(&mut client, "up")];
        ups.sort_by_key(|up| up["family"].to_string());
        let [ipv4, ipv6] = ups;
        println!("{demand}: {ipv4} {ipv6}");
        assert_eq!((&ipv4["local"], &ipv4["remote"]), (&"10.9.0.2".into(), &"10.9.0.1".into()));
        let got = guest.until(demand, "remote IP address");
        assert!(got.ends_with(" 10.9.0.2"), "{got}");
        crossing::ping_from_outside(&client, "10.9.0.1");
        let far = format!("{}%{}", text(&ipv6["remote"]), text(&ipv6["interface"]));
        crossing::ping_from_outside(&client, &far);
        crossing::ping(&mut guest, "", "10.9.0.2");
        if demand == DEMANDS[0] {
            let _echo = crossing::echo_outside(&client);
            crossing::transfer(&mut guest, "", "10.9.0.2", 1024);
        }
        guest.run("kill", pppd::END);
        assert_eq!(guest.exits(demand), pppd::BY_A_SIGNAL);
        let ended = until(&mut client, "ended");
        println!("{demand}: the client ended: {ended}");
        assert_eq!((&ended["outcome"], client.ended().code()), (&"session".into(), Some(0)));
    }
}

fn write_peer(folder: &Folder, port: &str) -> std::path::PathBuf {
    let secrets = stage::write_secrets(folder);
    let peer = format!(
        r#"port = "{port}"
number = "{OFFICE}"
init = ["ATZ", "ATE0V1Q0S7=255"]
lock_dir = "{}"

[ppp]
name = "alice"
secrets = "{}"
remote_name = "orion"
pap = true
"#,
        folder.path("locks").display(),
        secrets.display()
    );
    folder.write("office.toml", &peer)
}

/// In a network of its own.
fn start_client(peer: &Path) -> Process {
    let mut command = Process::dialback_apart();
    Process::start("client", command.args(["dial", "--json"]).arg(peer), Ear::Stderr)
}

fn until(client: &mut Process, event: &str) -> Value {
    client.until(event, |line| {
        let told: Value = serde_json::from_str(&line.text).ok()?;
        (told["event"] == event).then_some(told)
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
