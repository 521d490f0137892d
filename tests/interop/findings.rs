//! What goes wrong with mgetty 1.2.1 and callback, tried on the built program with real processes. The numbers are
//! those of the findings that the project counts.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use crate::rig::account::Account;
use crate::rig::folder::Folder;
use crate::rig::process::{Ear, Process};
use crate::rig::programs;
use crate::rig::server::{Server, configure};
use crate::rig::terminal::Terminal;
use crate::rig::town::Town;

/// Two lines and a caller. `port` is what the lines hang on.
fn town(folder: &Folder, port: &str) -> Town {
    let stations =
        [("first", "5550100", port), ("second", "5550101", port), ("alice", "5550199", "pty")];
    Town::of(folder, &stations)
}

/// A caller who is called back at once when he says `cback`, and has this program on the return leg.
fn called_back(folder: &Folder, town: &Town, entry: &str) -> (Server, Terminal) {
    configure(
        folder,
        &[("first", town.port("first"), "")],
        "line = \"same\"",
        &format!("cback - - /usr/sbin/callback -S 5550199\n{entry}\n"),
    );
    let server = Server::ready(folder, 1);
    let mut terminal = Terminal::on(Path::new(town.port("alice")));
    terminal.say("ATE0S0=1\r");
    terminal.until("OK");
    terminal.say("ATDT5550100\r");
    terminal.until("ogin: ");
    terminal.say("cback\r");
    terminal.until("NO CARRIER");
    terminal.until("CONNECT");
    terminal.until("ogin: ");
    (server, terminal)
}

#[test]
fn finding_19_a_lost_carrier_ends_the_session_of_a_return_call_at_once() {
    if !programs::there("a lost carrier ends the session", &["/bin/login"]) {
        return;
    }
    let folder = Folder::new();
    let town = town(&folder, "rfc2217");
    let shows = folder.write_program(
        "shows-signals",
        "#!/bin/sh\ngrep -E 'SigBlk|SigIgn' /proc/self/status\necho waiting\nexec sleep 600\n",
    );
    let entry = format!("shell - - {}\n* - - /bin/login @", shows.display());
    let (mut server, mut terminal) = called_back(&folder, &town, &entry);
    terminal.say("shell\r");
    let shown = terminal.until("waiting");
    let sets: Vec<&str> =
        shown.lines().filter_map(|line| line.split_once(":\t")).map(|s| s.1).collect();
    assert_eq!(sets, ["0000000000000000"; 2], "blocked and ignored signals: {shown:?}");
    server.until("kept");
    let launched = server.until("launched");
    // The caller's computer is switched off: DTR falls, and with it the call.
    drop(terminal);
    assert_eq!(server.until("program-exited")["status"], serde_json::json!({"signal": 1}));
    let ended = server.until("ended");
    assert_eq!(ended["cause"], "lost-carrier");
    let process = format!("/proc/{}", launched["pid"]);
    assert!(!Path::new(&process).exists(), "{process} lives on");
    server.stop();
}

#[test]
fn finding_19_a_lost_carrier_ends_login_at_its_password_prompt() {
    if !programs::there("a lost carrier ends login", &["/bin/login"]) {
        return;
    }
    let folder = Folder::new();
    let town = town(&folder, "rfc2217");
    let (mut server, mut terminal) = called_back(&folder, &town, "* - - /bin/login @");
    terminal.say("somebody\r");
    terminal.until("assword: ");
    server.until("kept");
    let launched = server.until("launched");
    drop(terminal);
    server.until("program-exited");
    assert_eq!(server.until("ended")["cause"], "lost-carrier");
    let process = format!("/proc/{}", launched["pid"]);
    assert!(!Path::new(&process).exists(), "{process} lives on");
    server.stop();
}

#[test]
fn finding_21_a_server_started_while_a_line_is_locked_serves_it_when_it_is_returned() {
    if !programs::there("a line locked at the start", &[]) {
        return;
    }
    let folder = Folder::new();
    let mut town = town(&folder, "pty");
    configure(
        &folder,
        &[("first", town.port("first"), "")],
        "line = \"same\"",
        "* - - /bin/false\n",
    );
    let lock = folder.path("locks").join(sys::lock::lock_name(&town.terminal("first")));
    let mut holder = Process::start("sleep", Command::new("sleep").arg("600"), Ear::Stdout);
    std::fs::write(&lock, format!("{:10}\n", holder.pid())).unwrap();
    let mut server = Server::start(&folder);
    let lent = server.until("line-lent");
    assert!(lent["holder"].as_str().unwrap().contains("sleep"), "{lent}");
    // Promised while another has the line.
    assert!(server.ask(&["callback", "5550199"]).status.success());
    server.until("promised");
    let mut terminal = Terminal::on(Path::new(town.port("alice")));
    terminal.say("ATE0S0=1\r");
    terminal.until("OK");
    assert!(town.dialled().is_empty());
    std::fs::remove_file(&lock).unwrap();
    holder.kill();
    server.until("line-returned");
    server.until("kept");
    terminal.until("ogin: ");
    server.stop();
}

#[test]
fn finding_22_a_lock_that_somebody_makes_costs_one_line_and_says_whose_it_is() {
    if !programs::there("a lock by a local user", &["/usr/sbin/useradd", "/usr/bin/setpriv"]) {
        return;
    }
    let folder = Folder::new();
    let town = town(&folder, "pty");
    configure(
        &folder,
        &[("first", town.port("first"), ""), ("second", town.port("second"), "")],
        "line = [\"first\", \"second\"]",
        "* - - /bin/false\n",
    );
    let mut server = Server::ready(&folder, 2);
    let account = Account::new(&[]);
    let id = Command::new("id").args(["-u", &account.name]).output().unwrap();
    let uid = String::from_utf8(id.stdout).unwrap().trim().to_owned();
    let mut command = Command::new("/usr/bin/setpriv");
    command.args(["--reuid", &uid, "--clear-groups", "sleep", "600"]);
    let mut holder = Process::start("sleep of a user", &mut command, Ear::Stdout);
    let process = format!("/proc/{}", holder.pid());
    while std::fs::metadata(&process).unwrap().uid().to_string() != uid {
        std::thread::yield_now();
    }
    let lock = folder.path("locks").join(sys::lock::lock_name(&town.terminal("first")));
    std::fs::write(&lock, format!("{:10}\n", holder.pid())).unwrap();
    let lent = server.until("line-lent");
    assert_eq!(lent["line"], "first");
    assert!(lent["holder"].as_str().unwrap().contains(&holder.pid().to_string()), "{lent}");
    let mut terminal = Terminal::on(Path::new(town.port("alice")));
    terminal.say("ATE0S0=1\r");
    terminal.until("OK");
    assert!(server.ask(&["callback", "5550199"]).status.success());
    assert_eq!(server.until("dialled")["line"], "second");
    server.until("kept");
    // Nobody has to find and remove the file: its maker's end is enough.
    holder.kill();
    assert_eq!(server.until("line-returned")["line"], "first");
    server.stop();
}

#[test]
fn finding_26_odd_names_are_names_or_asked_for_again() {
    if !programs::there("odd names", &[]) {
        return;
    }
    let folder = Folder::new();
    let town = town(&folder, "rfc2217");
    configure(
        &folder,
        &[("first", town.port("first"), "")],
        "line = \"same\"",
        "froot - - /bin/echo you are froot\nroot - - /bin/echo you are root\n\
         r - - /bin/echo you are r\n* - - /bin/echo you are another\n",
    );
    let mut server = Server::ready(&folder, 1);
    let mut terminal = Terminal::on(Path::new(town.port("alice")));
    terminal.say("ATE0\r");
    terminal.until("OK");
    let long = [b"x".repeat(300).as_slice(), b"\r"].concat();
    for (typed, again, answer) in [
        (b"-froot\r".as_slice(), None, "you are froot"),
        (b"   root\r", None, "you are root"),
        // It may be the modem that says so; the prompt comes behind the caller's next key.
        (b"NO CARRIER\r", Some("\r"), "you are root"),
        // Cut at the byte it would be r.
        (b"r\x80oot\r", Some(""), "you are root"),
        (&long, Some(""), "you are root"),
    ] {
        terminal.say("ATDT5550100\r");
        terminal.until("ogin: ");
        terminal.send(typed);
        if let Some(key) = again {
            terminal.until("\r\n");
            terminal.say(key);
            terminal.until("ogin: ");
            terminal.say("root\r");
        }
        terminal.until(answer);
        terminal.until("\r\nNO CARRIER");
        let named = server.until("named");
        let name = named["name"].as_str().unwrap();
        assert!(!name.starts_with('-') && name.len() < 300, "{named}");
        assert_eq!(server.until("ended")["cause"], "user-request");
        server.until("line-ready");
    }
    server.stop();
}

#[test]
fn finding_30_a_program_has_its_users_groups_and_none_of_roots() {
    if !programs::there("groups of a program", &["/usr/sbin/useradd", "/usr/bin/id"]) {
        return;
    }
    let folder = Folder::new();
    let town = town(&folder, "rfc2217");
    let account = Account::new(&["games", "dialout"]);
    let program =
        folder.write_program("who", "#!/bin/sh\necho \"ids $(id -u) $(id -g) groups $(id -G).\"\n");
    let entry = format!("who {} - {}\n* - - /bin/false", account.name, program.display());
    let (mut server, mut terminal) = called_back(&folder, &town, &entry);
    terminal.say("who\r");
    let shown = terminal.until(".\r\n");
    let ask = |what: &str| {
        let output = Command::new("id").args([what, &account.name]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let wanted = format!("ids {} {} groups {}.", ask("-u"), ask("-g"), ask("-G"));
    assert!(shown.contains(&wanted), "{shown:?} is not {wanted:?}");
    assert_eq!(server.until("launched")["user"], account.name);
    server.stop();
}
