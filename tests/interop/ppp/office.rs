//! The two ends of every call here: a server's office and alice, in a town of modems.

#![allow(dead_code, reason = "the tests and the benchmark use different parts")]

use std::process::Command;

use crate::rig::folder::Folder;
use crate::rig::process::Process;
use crate::rig::server::{Server, become_user, configure};
use crate::rig::town::Town;

/// PPP at the prompt is the engine's; the return call is, too.
const LOGIN: &str = "/AutoPPP/ - - /usr/sbin/dialback-ppp\n* - - /bin/false\n";

/// What a test needs besides the built program.
pub(crate) const PROGRAMS: &[&str] = &["/usr/bin/unshare", "/dev/net/tun"];

/// How many times faster than telephones the town is: a second of the line carries 200 kB.
const SCALE: u32 = 48;

/// The silence around +++ is a 48th of a second here.
const MODEM: &str =
    r#"modem = { init = ["ATZ", "ATE0Q0V1&C1&D2S0=0"], dial_prefix = "ATDT", guard = "20ms" }"#;

/// A server on one line of a town in which alice has a modem too. `user`: the rest of her `[[user]]`. `more`: keys of
/// `[ppp]`.
pub(crate) fn office(folder: &Folder, user: &str, more: &str) -> (Town, Server) {
    office_of(folder, SCALE, user, more)
}

/// The same in a town so many times faster than telephones.
pub(crate) fn office_of(folder: &Folder, scale: u32, user: &str, more: &str) -> (Town, Server) {
    let town = prepare(folder, scale, user, more);
    let server = Server::apart(folder, 1);
    (town, server)
}

/// A server that root starts and that becomes this user. The modem is his to open, as udev makes serial ports those of the
/// group `dialout`.
pub(crate) fn office_split(folder: &Folder, who: &str, user: &str, more: &str) -> (Town, Server) {
    let town = prepare(folder, SCALE, user, more);
    become_user(folder, who);
    let port = town.terminal("office");
    for (program, to) in [("/bin/chgrp", "dialout"), ("/bin/chmod", "660")] {
        let done = Command::new(program).arg(to).arg(&port).status().unwrap();
        assert!(done.success(), "{program} {to} {}", port.display());
    }
    let server = Server::apart(folder, 1);
    (town, server)
}

/// The town and the files, and no server yet.
fn prepare(folder: &Folder, scale: u32, user: &str, more: &str) -> Town {
    let stations = [("office", "5550100", "pty"), ("alice", "5550199", "pty")];
    let town = Town::with(folder, scale, &stations);
    write_files(folder, &town, user, more);
    town
}

/// Everything in one network but the end that has a pty: its modem is reached by RFC 2217.
pub(crate) fn network_port(folder: &Folder, network: &Process, office: &str, alice: &str) -> Town {
    let stations = [("office", "5550100", office), ("alice", "5550199", alice)];
    let town = Town::beside(network, folder, SCALE, &stations);
    let user = r#"callback = { numbers = ["5550199"], offer = "fixed", required = true }"#;
    write_files(folder, &town, user, "");
    town
}

fn write_files(folder: &Folder, town: &Town, user: &str, more: &str) {
    let section = "line = \"same\"\ncaller_numbers = { allow = [\"5550199\", \"5550198\"] }";
    configure(folder, &[("office", town.port("office"), MODEM)], section, LOGIN);
    let secrets = folder.write("chap-secrets", "# client server secret\nalice orion s3cret\n");
    let config = folder.path("dialback.toml");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text += &format!(
        "[ppp]\nsecrets = \"{}\"\nlocal = \"10.9.0.1\"\npool = [\"10.9.0.2\"]\n{more}\n\
         [[user]]\nname = \"alice\"\n{user}\n",
        secrets.display()
    );
    folder.write("dialback.toml", &text);
}
