//! `kill -9` of either half, with a session open that ignores SIGHUP: the line is on-hook, and nobody is left.

use std::path::Path;
use std::process::Command;

use crate::rig::folder::Folder;
use crate::rig::programs;
use crate::rig::server::Server;
use crate::rig::terminal::Terminal;
use crate::{gone, stage};

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Server,
    Launcher,
}

fn check(who: Who) {
    if !programs::there("kill -9 of half a server", &[]) {
        return;
    }
    let folder = Folder::new();
    let stubborn = folder
        .write_program("stubborn", "#!/bin/sh\ntrap '' HUP TERM\necho session\nexec sleep 600\n");
    let mut town = stage(&folder, &format!("stay - - {}\n", stubborn.display()));
    let mut server = Server::ready(&folder, 1);
    let mut terminal = Terminal::on(Path::new(town.port("alice")));
    terminal.say("ATZ\r");
    terminal.until("OK");
    terminal.say("ATDT5550100\r");
    terminal.until("ogin: ");
    terminal.say("stay\r");
    terminal.until("session");
    let session = server.until("launched")["pid"].to_string();
    let told = server.json(&["status", "--privileges"]);
    let launcher = told[0].as_array().unwrap()[1]["pid"].to_string();
    match who {
        Who::Server => server.kill(),
        Who::Launcher => {
            let done = Command::new("kill").args(["-KILL", &launcher]).status().unwrap();
            assert!(done.success());
            server.ended_with(71);
        }
    }
    // The office hangs up: the caller's modem hears it.
    town.until("office", "on-hook");
    terminal.until("NO CARRIER");
    for (name, pid) in [("the session", session), ("the launcher", launcher)] {
        gone(name, &pid);
    }
    // Nothing is left that would keep the next one from serving.
    let server = Server::ready(&folder, 1);
    server.stop();
}

#[test]
fn a_killed_server_leaves_its_lines_on_hook_and_no_session_open() {
    check(Who::Server);
}

#[test]
fn a_killed_launcher_leaves_the_lines_on_hook_and_no_session_open() {
    check(Who::Launcher);
}
