//! Each way to fail, as its user meets it.

use std::process::Command;

use serde_json::Value;

use crate::caller::Caller;
use crate::office;
use crate::rig::folder::Folder;
use crate::rig::process::{Ear, Process, dialback};
use crate::rig::programs;
use crate::rig::server::{Server, configure};
use crate::rig::town::{SCALE, Town};

const CALL: &[&str] =
    &["--number", "5550100", "--callback", "cback", "--callback-number", "5550199"];

/// The last event says how it ended, the last line so for people.
fn check_told(caller: &Caller, word: &str, sentence: &str) {
    let told = caller.told();
    let ended: Value = told
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .find(|event: &Value| event["event"] == "ended")
        .unwrap_or_else(|| panic!("no end was told: {told}"));
    assert_eq!(ended["outcome"], word, "{told}");
    assert!(told.lines().last().unwrap().contains(sentence), "{told}");
}

#[test]
fn each_end_of_dialling_has_its_code() {
    if !programs::there("each end of dialling", &[]) {
        return;
    }
    for (station, fault, code, word, sentence) in [
        ("office", "fault = \"busy\"", 21, "busy", "the number is engaged"),
        // Most modems say NO CARRIER when S7 is over.
        ("office", "fault = \"no-answer\"", 23, "no-carrier", "no modem answers"),
        ("alice", "fault = \"no-dial-tone\"", 20, "no-dial-tone", "no dial tone"),
        ("alice", "fault = \"mute\"", 10, "modem-mute", "the modem does not answer"),
    ] {
        let folder = Folder::new();
        let _town = town_with(&folder, station, fault);
        let port = folder.path("alice").display().to_string();
        let mut caller = Caller::on(&folder, &port, CALL);
        caller.until_ended(code);
        check_told(&caller, word, sentence);
    }
}

/// A town in which a station has a fault.
fn town_with(folder: &Folder, faulty: &str, fault: &str) -> Process {
    let mut town = format!("time_scale = {SCALE}\n");
    for (name, number) in [("office", "5550100"), ("alice", "5550199")] {
        let port = folder.path(name).display().to_string();
        let faults = if name == faulty { format!("{{ {fault} }}") } else { String::new() };
        town += &format!(
            "[[station]]\nname = \"{name}\"\nnumber = \"{number}\"\nport = \"pty:{port}\"\nfaults = [{faults}]\n"
        );
    }
    let path = folder.write("town.toml", &town);
    let mut command = dialback();
    command.args(["exchange", "--json", "--config"]).arg(path);
    let mut process = Process::start("exchange", &mut command, Ear::Stdout);
    process.until("alice's modem", |line| line.text.contains("alice").then_some(()));
    process
}

#[test]
fn a_number_without_a_modem_gives_no_carrier() {
    let folder = Folder::new();
    let town = Town::of(&folder, &[("alice", "5550199", "pty")]);
    let mut caller = Caller::start(&folder, &town, CALL, &[]);
    caller.until_ended(23);
    check_told(&caller, "no-carrier", "no modem answers");
}

#[test]
fn a_server_that_refuses_says_why() {
    if !programs::there("a server that refuses", &[]) {
        return;
    }
    for (name, number, code, word, sentence) in [
        ("cback", "0900123456", 33, "number-refused", "the server does not call this number"),
        ("nobody", "5550199", 31, "wrong-name", "the server does not know this callback name"),
    ] {
        let folder = Folder::new();
        let (town, server) = office(&folder, "pty");
        let mut caller = Caller::start(
            &folder,
            &town,
            &["--number", "5550100", "--callback", name, "--callback-number", number],
            &[],
        );
        caller.until_ended(code);
        check_told(&caller, word, sentence);
        server.stop();
    }
}

#[test]
fn nobody_calls_and_the_modem_is_as_it_was() {
    if !programs::there("nobody calls", &[]) {
        return;
    }
    let folder = Folder::new();
    let (mut town, server) = office(&folder, "pty");
    // Somebody else's number.
    let mut caller = Caller::start(
        &folder,
        &town,
        &["--number", "5550100", "--callback", "cback", "--callback-number", "5550198"],
        &["--wait", "3s"],
    );
    caller.until_ended(40);
    check_told(&caller, "nobody-calls", "nobody called back (waited for 3 s)");
    while town.until("alice", "command")["line"] != "&C1" {}
    server.stop();
}

#[test]
fn a_call_that_is_lost_at_the_prompt_is_told() {
    if !programs::there("a lost call", &[]) {
        return;
    }
    let folder = Folder::new();
    let _town = town_with(&folder, "alice", "fault = \"drop-after\", ms = 2000");
    let port = folder.path("office").display().to_string();
    configure(&folder, &[("office", &port, "")], "line = \"same\"", "* - - /bin/false\n");
    let server = Server::ready(&folder, 1);
    let port = folder.path("alice").display().to_string();
    let mut caller = Caller::on(&folder, &port, CALL);
    caller.until_ended(43);
    check_told(&caller, "carrier-lost", "the call was lost");
    server.kill();
}

#[test]
fn a_secret_in_the_wrong_place_is_refused_before_anything_is_dialled() {
    let folder = Folder::new();
    let town = Town::of(&folder, &[("alice", "5550199", "pty")]);
    let secret = folder.write("secret", "sesame\n");
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let secret = secret.display().to_string();
    let login = ["--login", "mary", "--password-file", secret.as_str()];
    let mut caller = Caller::start(&folder, &town, CALL, &login);
    caller.until_ended(42);
    check_told(&caller, "login-refused", "lets others read it");
    assert_eq!(caller.stages(), [""; 0]);
}

#[test]
fn a_locked_port_and_one_that_is_not_there_are_two_things() {
    let folder = Folder::new();
    let town = Town::of(&folder, &[("alice", "5550199", "pty")]);
    let device = town.terminal("alice");
    let mut holder = Command::new("sleep").arg("600").spawn().unwrap();
    let lock = folder.path("locks").join(sys::lock::lock_name(&device));
    std::fs::write(&lock, format!("{:10}\n", holder.id())).unwrap();
    let mut caller = Caller::start(&folder, &town, CALL, &[]);
    caller.until_ended(13);
    check_told(&caller, "port-locked", "another program has the port");
    assert!(caller.told().contains("sleep"), "{}", caller.told());
    holder.kill().unwrap();
    holder.wait().unwrap();

    let mut caller = Caller::on(&folder, "/dev/ttyS99", CALL);
    caller.until_ended(14);
    check_told(&caller, "port-lost", "/dev/ttyS99");
    let mut caller = Caller::on(&folder, "sim:alice", CALL);
    caller.until_ended(14);
}

#[test]
fn a_signal_leaves_nothing_on_the_line() {
    if !programs::there("a signal", &[]) {
        return;
    }
    let folder = Folder::new();
    let (mut town, server) = office(&folder, "pty");
    for signal in ["INT", "TERM", "HUP"] {
        let mut caller = Caller::start(&folder, &town, CALL, &["--login", "none", "--wait", "1h"]);
        caller.until_stage("dialling");
        let pid = caller.pid().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        caller.until_ended(52);
        check_told(&caller, "interrupted", signal);
        town.until("alice", "on-hook");
        let left: Vec<_> = std::fs::read_dir(folder.path("locks")).unwrap().flatten().collect();
        assert!(!left.iter().any(|lock| lock.path()
            == folder.path("locks").join(sys::lock::lock_name(&town.terminal("alice")))));
    }
    server.kill();
}

#[test]
fn a_faulty_peer_is_told_with_its_place_and_nothing_is_dialled() {
    let folder = Folder::new();
    for (text, wanted) in [
        ("number = \"5550100\"\n", "no port"),
        ("port = \"/dev/ttyS0\"\n", "no number"),
        ("port = \"/dev/ttyS0\"\nnumber = \"1;S0=1\"\n", "peer.toml:2:10"),
        ("port = \"/dev/ttyS0\"\nnumbr = \"1\"\n", "unknown field `numbr`"),
        (
            "port = \"/dev/ttyS0\"\nnumber = \"1\"\nmodem = \"hayes2000\"\n",
            "no profile \"hayes2000\"",
        ),
        ("port = \"/dev/ttyS0\"\nnumber = \"1\"\ninit = [\"ATD5\"]\n", "init: a dial command"),
        (
            "port = \"/dev/ttyS0\"\nnumber = \"1\"\n[callback]\nname = \"a\\rb\"\n",
            "control character",
        ),
    ] {
        let peer = folder.write("peer.toml", text);
        let output = dialback().arg("dial").arg(&peer).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{text}: {told}");
        assert!(told.contains(wanted), "{text}: {told}");
    }
}
