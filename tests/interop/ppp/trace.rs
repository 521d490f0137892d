//! What is kept of a call: `dialback calls --trace` while it runs and when it is over, and tshark on its file.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::client::Client;
use crate::rig::folder::Folder;
use crate::rig::programs;
use crate::rig::server::Server;
use crate::{PROGRAMS, office};

const OWN: &str = r#"callback = { offer = ["none", "caller"] }"#;

/// The command line's answer; the words of the command are those behind `dialback calls --trace`.
fn trace(server: &Server, folder: &Folder, words: &[&str]) -> String {
    let config = folder.path("dialback.toml").display().to_string();
    let output = crate::rig::process::dialback()
        .args(["calls", "--config", &config, "--trace"])
        .args(words)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?} of {}: {told}", server.pid());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn has_in_order(text: &str, wanted: &[&str]) {
    let mut lines = text.lines();
    for words in wanted {
        assert!(lines.any(|line| line.contains(words)), "no {words:?} in its place:\n{text}");
    }
}

#[test]
fn a_call_is_told_packet_by_packet_and_tshark_reads_it_too() {
    let needed = [PROGRAMS, &["/usr/bin/tshark"]].concat();
    if !programs::there("the trace of a PPP call", &needed) {
        return;
    }
    let folder = Folder::new();
    let captures = folder.path("captures");
    let keys = format!("capture_dir = \"{}\"", captures.display());
    let (town, mut server) = office(&folder, OWN, &keys);
    let own = folder.path("own.pcap").display().to_string();
    let args = ["--callback", "5550199", "--callback-required", "--capture", &own];
    let mut client = Client::start(&folder, &town, &args);
    client.until_up();
    server.until("network-up");

    // The second call runs: it is the newest.
    has_in_order(
        &trace(&server, &folder, &[]),
        &["c2.pcap", "LCP Configure-Request", "CHAP Success", "IPCP Configure-Ack"],
    );
    let first = trace(&server, &folder, &["1"]);
    println!("{first}");
    has_in_order(
        &first,
        &[
            "c1.pcap",
            "<-  LCP Configure-Request",
            "->  CHAP Challenge",
            "->  CBCP Request 1: no callback, the caller's number",
            "<-  CBCP Response 1: the caller's number \"5550199\" after 2 s",
            "->  CBCP Ack 1: the caller's number \"5550199\" after 2 s",
            "<-  LCP Terminate-Request",
            "->  LCP Terminate-Ack",
        ],
    );
    client.signal("TERM");
    client.until_ended(0, "session");
    server.until("ended");
    for line in trace(&server, &folder, &["c1", "--json"]).lines() {
        let packet: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(packet["kind"].is_string() && packet["unix_us"].is_u64(), "{packet}");
    }
    let file = captures.join("c1.pcap");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    for call in ["c1.pcap", "c2.pcap"] {
        let output = Command::new("/usr/bin/tshark")
            .args(["-V", "-r"])
            .arg(captures.join(call))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(
            told.contains("PPP Link Control Protocol") && !told.contains("Malformed"),
            "{told}"
        );
    }
    // The client has kept the same, both calls in one file, seen from its side.
    let kept = trace(&server, &folder, &[&own]);
    let sides = ["->  LCP Configure-Request", "<-  CBCP Request 1", "->  CBCP Response 1"];
    has_in_order(
        &kept,
        &[&sides[..], &["->  LCP Terminate-Request", "<-  IPCP Configure-Ack"]].concat(),
    );
    // What is not there is told, with the cure.
    let missing = crate::rig::process::dialback()
        .args(["calls", "--trace", "77", "--config"])
        .arg(folder.path("dialback.toml"))
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(74));
    let told = String::from_utf8_lossy(&missing.stderr);
    assert!(told.contains("c77.pcap") && told.contains("capture_keep"), "{told}");
    server.kill();
}
