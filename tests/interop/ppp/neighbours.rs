//! Who else is on the network: an Ethernet's neighbour who reaches a caller by proxy ARP, and modems on network ports.

use std::process::Command;

use crate::client::Client;
use crate::namespace::{ping, within};
use crate::office::network_port;
use crate::rig::folder::Folder;
use crate::rig::process::Process;
use crate::rig::programs;
use crate::rig::server::Server;
use crate::{PROGRAMS, office};

const FREE: &str = r#"callback = { numbers = ["5550199"], offer = ["none", "fixed"] }"#;

/// Runs ip(8) in the network of a process; what it says.
fn ip(whose: &Process, args: &str) -> String {
    let mut command: Command = whose.in_its_network("/sbin/ip");
    let output = command.args(args.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {args}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_neighbour_on_the_ethernet_reaches_a_caller_by_proxy_arp() {
    if !programs::there("proxy ARP", &[PROGRAMS, &["/sbin/ip"]].concat()) {
        return;
    }
    let folder = Folder::new();
    let (town, mut server) = office(&folder, FREE, "proxy_arp = true");
    // An Ethernet between the server and a neighbour, to whose network the pool belongs.
    let neighbour = Process::network();
    let other = neighbour.pid();
    ip(server.process(), &format!("link add lan type veth peer name lan netns {other}"));
    for (end, address) in [(server.process(), "10.9.0.254/24"), (&neighbour, "10.9.0.77/24")] {
        ip(end, &format!("address add {address} dev lan"));
        ip(end, "link set lan up");
    }
    within(server.pid(), || std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")).unwrap();

    let mut client = Client::start(&folder, &town, &["--default-route"]);
    let up = client.until_up();
    server.until("network-up");
    assert!(ip(server.process(), "neighbour show proxy").contains("10.9.0.2"));
    // He has no route to her: she is on his own network, as far as he can see.
    within(other, move || ping(up.local, 0, 1500)).unwrap();
    client.signal("TERM");
    client.until_ended(0, "session");
    server.until("network-down");
    server.stop();
}

#[test]
fn a_caller_is_called_back_where_either_end_reaches_its_modem_by_rfc_2217() {
    if !programs::there("PPP by RFC 2217", &[PROGRAMS, &["/sbin/ip"]].concat()) {
        return;
    }
    // The end with a pty has a network of its own; the other one's is that of its modem.
    for (office, alice) in [("rfc2217", "pty"), ("pty", "rfc2217")] {
        let folder = Folder::new();
        let network = Process::network();
        let town = network_port(&folder, &network, office, alice);
        let mut server = if office == "pty" {
            Server::apart(&folder, 1)
        } else {
            Server::beside(&network, &folder, 1)
        };
        let args = ["--callback", "admin", "--callback-required"];
        let mut client = if alice == "pty" {
            Client::start(&folder, &town, &args)
        } else {
            Client::beside(&network, &folder, &town, &args)
        };
        let up = client.until_up();
        server.until("kept");
        let (here, there) = (up.local, up.remote);
        within(client.pid(), move || ping(there, 0, 1500)).unwrap();
        within(server.pid(), move || ping(here, 0, 1500)).unwrap();
        client.signal("TERM");
        client.until_ended(0, "session");
        server.until("network-down");
        server.stop();
    }
}
