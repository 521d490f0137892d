//! The server's side of a caller's network on a real system: scripts with pppd's variables, an interface that somebody
//! takes away, a caller for whom no address is left, a line for PPP alone, and pppd as the one who carries.

use crate::client::Client;
use crate::namespace::{say, within};
use crate::rig::folder::Folder;
use crate::rig::programs;
use crate::rig::server::Server;
use crate::{PROGRAMS, office};

const FREE: &str = r#"callback = { numbers = ["5550199"], offer = ["none", "fixed"] }"#;
const FIXED: &str = r#"callback = { numbers = ["5550199"], offer = "fixed", required = true }"#;

/// A script that writes what it is told into a file of its name.
fn script(folder: &Folder, name: &str, then: &str) -> String {
    let told = folder.path(&format!("{name}.told"));
    let text = format!(
        "#!/bin/sh\necho \"$*|$IFNAME $IPLOCAL $IPREMOTE $PEERNAME $SPEED $DIALBACK_CALL\
         |${{CONNECT_TIME:+$BYTES_SENT $BYTES_RCVD}}\" > {told}.new && mv {told}.new {told}\n{then}\n",
        told = told.display()
    );
    folder.write_program(name, &text).display().to_string()
}

fn why(server: &mut Server, event: &str) -> String {
    server.until(event)["rule"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn scripts_are_run_with_pppds_variables_and_their_failure_is_told() {
    if !programs::there("scripts of a network", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let keys = format!(
        "ip_up = \"{}\"\nip_down = \"{}\"",
        script(&folder, "ip-up", "exit 3"),
        script(&folder, "ip-down", "")
    );
    let (town, mut server) = office(&folder, FREE, &keys);
    let mut client = Client::start(&folder, &town, &[]);
    client.until_up();
    let up = folder.text_moved_to("ip-up.told");
    let port = town.port("office");
    let device = std::path::Path::new(&port).display().to_string();
    let expected = format!(
        "dialback0 {device} 115200 10.9.0.1 10.9.0.2 office|dialback0 10.9.0.1 10.9.0.2 alice 115200 c1|\n"
    );
    assert_eq!(up, expected);
    let failed = server.until("script-failed");
    assert!(failed["reason"].as_str().unwrap().contains('3'), "{failed}");
    client.signal("TERM");
    client.until_ended(0, "session");
    server.until("network-down");
    let down = folder.text_moved_to("ip-down.told");
    let (told, counts) = down.trim_end().rsplit_once('|').unwrap();
    assert!(told.starts_with("dialback0 ") && told.ends_with(" alice 115200 c1"), "{down}");
    let counts: Vec<u64> = counts.split(' ').map(|count| count.parse().unwrap()).collect();
    assert!(counts.len() == 2 && counts.iter().all(|count| *count > 100), "{down}");
    server.kill();
}

#[test]
fn an_interface_that_somebody_deletes_ends_the_call() {
    if !programs::there("an interface that is deleted", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let (town, mut server) = office(&folder, FREE, "");
    let mut client = Client::start(&folder, &town, &[]);
    client.until_up();
    let pid = server.pid().to_string();
    let gone = std::process::Command::new("/usr/bin/nsenter")
        .args(["--net", "--target", &pid, "/usr/sbin/ip", "link", "delete", "dialback0"])
        .status();
    if !gone.is_ok_and(|status| status.success()) {
        // Without ip(8) the interface is only taken down, by the test's own hand.
        return server.kill();
    }
    // The kernel tells it with the next packet.
    within(client.pid(), || say([10, 9, 0, 2].into(), ([10, 9, 0, 1], 9).into(), b"x")).unwrap();
    assert_eq!(why(&mut server, "network-refused"), "interface");
    server.until("network-down");
    server.until("ended");
    server.kill();
}

#[test]
fn pppd_gets_the_line_once_the_callback_is_made_and_the_name_proved() {
    if !programs::there("pppd as the carrier", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let told = folder.path("pppd.told");
    // What it would do needs a kernel with PPP (tests/guest has one); here it tells what it was asked to do.
    let pppd = folder.write_program(
        "pppd",
        &format!(
            "#!/bin/sh\necho \"$*\" > {told}.new && mv {told}.new {told}\nexit 0\n",
            told = told.display()
        ),
    );
    let keys = format!(
        "backend = \"pppd\"\npppd = \"{}\"\npppd_options = [\"nodeflate\", \"novj\"]\nidle_limit = \"10m\"",
        pppd.display()
    );
    let (town, mut server) = office(&folder, FIXED, &keys);
    let _client = Client::start(&folder, &town, &["--callback", "admin", "--callback-required"]);
    server.until("kept");
    server.until("proved");
    let launched = server.until("launched");
    assert_eq!(launched["program"].as_str(), pppd.to_str());
    let options = folder.text_moved_to("pppd.told");
    for words in [
        "nodetach modem crtscts noauth name orion remotename alice ",
        " ipparam office mtu 1500 mru 1500 10.9.0.1:10.9.0.2 noipv6 idle 600 ",
        " nodeflate novj\n",
    ] {
        assert!(options.contains(words), "no {words:?} in {options:?}");
    }
    server.until("program-exited");
    server.until("ended");
    // The real one takes these options, if it is here: it has nothing to object to but the kernel.
    if programs::there(
        "pppd's own judgement of its options",
        &["/usr/sbin/pppd", "/usr/bin/script"],
    ) {
        let command = format!("/usr/sbin/pppd dryrun {}", options.trim_end());
        let judged = std::process::Command::new("/usr/bin/script")
            .args(["-qec", &command, "/dev/null"])
            .output();
        let judged = judged.unwrap();
        let text = String::from_utf8_lossy(&judged.stdout);
        assert!(!text.contains("unrecognized option") && judged.status.code() != Some(2), "{text}");
    }
    server.kill();
}
