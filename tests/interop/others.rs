//! Programs of others at the far end or in between: mgetty answers our call, ser2net carries a caller's.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::rig::folder::Folder;
use crate::rig::mgetty::{self, Mgetty};
use crate::rig::process::{Ear, Process};
use crate::rig::programs;
use crate::rig::server::{Server, configure};
use crate::rig::terminal::Terminal;
use crate::rig::town::Town;

#[test]
fn mgetty_answers_our_call_and_is_known_for_another_server_by_its_prompt() {
    let test = "mgetty answers our call";
    if !programs::there(test, mgetty::PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let mut town =
        Town::of(&folder, &[("office", "5550100", "rfc2217"), ("mgetty", "5550150", "pty")]);
    folder.write("mgetty-issue", "this is mgetty\n");
    let issue = folder.path("mgetty-issue").display().to_string();
    let mgetty = Mgetty::start(
        &folder,
        &town.terminal("mgetty"),
        [
            (
                "mgetty.config",
                &format!("debug 5\nspeed 38400\nissue-file {issue}\nfido-send-emsi n\n"),
            ),
            // The program ends the call.
            ("login.config", "* - - /bin/sleep 1\n"),
            ("callback.config", ""),
        ],
    );
    mgetty.until_logged("waiting...");
    configure(
        &folder,
        &[("office", town.port("office"), "")],
        "line = \"same\"",
        "* - - /bin/sleep 600\n",
    );
    let mut server = Server::ready(&folder, 1);
    let ordered = server.ask(&["callback", "5550150"]);
    assert!(ordered.status.success(), "{}", String::from_utf8_lossy(&ordered.stderr));

    assert_eq!(server.until("dialled")["number"], "5550150");
    while town.until("mgetty", "command")["line"] != "A" {}
    town.until("office", "connected");
    server.until("kept");
    // Two servers at each other's prompts would talk for ever.
    assert_eq!(server.until("alert")["alert"], "loop");
    assert_eq!(server.until("ended")["cause"], "user-error");
    let log = mgetty.log();
    assert!(log.contains("RING"), "{log}");
    server.stop();
}

#[test]
fn a_call_is_answered_through_ser2net() {
    let test = "a call is answered through ser2net";
    if !programs::there(test, &["/usr/sbin/ser2net", "/usr/sbin/chat"]) {
        return;
    }
    let folder = Folder::new();
    let town = Town::of(&folder, &[("office", "5550100", "pty"), ("alice", "5550199", "pty")]);
    // ser2net does not say which port the system chose for it.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let terminal = town.terminal("office");
    folder.write(
        "ser2net.yaml",
        &format!(
            "%YAML 1.1\n---\nconnection: &office\n  accepter: telnet(rfc2217),tcp,127.0.0.1,{port}\n  \
             connector: serialdev,{},115200n81,local\n",
            terminal.display()
        ),
    );
    let mut command = Command::new("/usr/sbin/ser2net");
    command.args(["-n", "-d", "-u", "-c"]).arg(folder.path("ser2net.yaml"));
    let _ser2net = Process::start("ser2net", &mut command, Ear::Stderr);
    configure(
        &folder,
        // A pty has no DTR for ser2net to drop.
        &[(
            "office",
            &format!("rfc2217://127.0.0.1:{port}"),
            "modem = { init = [\"ATZ\", \"ATE0\"], guard = \"100ms\", dtr_hangup = false }",
        )],
        "line = \"same\"",
        "cback - - /usr/sbin/callback -S 5550199\nuser - - /bin/echo through ser2net\n* - - /bin/false\n",
    );
    let mut server = Server::ready(&folder, 1);
    let mut terminal = Terminal::on(Path::new(town.port("alice")));
    terminal.chat(&[
        "ABORT",
        "BUSY",
        "",
        "ATZ",
        "OK",
        "AT&C",
        "OK",
        "ATDT5550100",
        "CONNECT",
        "",
        "ogin:",
        r"\qcback",
        "TIMEOUT",
        "90",
        "RING",
        "AT&C1A",
        "ogin:",
        r"\quser",
    ]);
    terminal.until("through ser2net\r\n");
    terminal.until("NO CARRIER");
    server.until("kept");
    assert_eq!(server.until("ended")["cause"], "user-request");
    server.stop();
}
