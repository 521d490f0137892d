//! Who holds what.

use std::path::Path;

use crate::rig::folder::Folder;
use crate::rig::process::dialback;
use crate::rig::programs;
use crate::rig::server::Server;
use crate::rig::terminal::Terminal;
use crate::{USER, configure, gone, stage, status};

/// The user's number in Debian's own passwd.
fn uid() -> String {
    sys::account::Account::named(USER).unwrap().unwrap().uid.to_string()
}

fn pid_of(value: &serde_json::Value) -> u32 {
    u32::try_from(value["pid"].as_u64().unwrap()).unwrap()
}

/// The server's process and the launcher's.
fn processes(server: &Server) -> (u32, u32) {
    let told = server.json(&["status", "--privileges"]);
    let of = |role: &str| {
        let all = told[0].as_array().unwrap();
        pid_of(all.iter().find(|process| process["role"] == role).unwrap())
    };
    (of("server"), of("launcher"))
}

/// What `dialback audit verify` says, with its exit code.
fn verify(folder: &Folder) -> (Option<i32>, String) {
    let config = folder.path("dialback.toml");
    let output = dialback().args(["audit", "verify", "--config"]).arg(config).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_server_holds_nothing_and_the_launcher_does_next_to_nothing() {
    if !programs::there("root audit", &[]) {
        return;
    }
    let folder = Folder::new();
    let _town = stage(&folder, "who - - /usr/bin/id\n");
    let server = Server::ready(&folder, 1);
    let (main, launcher) = processes(&server);
    let table = server.ask(&["status", "--privileges"]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    println!("{table}");

    // Every thread of the server, not only its first.
    let mut threads = 0;
    for task in std::fs::read_dir(format!("/proc/{main}/task")).unwrap() {
        let name = task.unwrap().file_name();
        let thread: u32 = name.to_str().unwrap().parse().unwrap();
        threads += 1;
        let ids = vec![uid(); 4].join("\t");
        assert_eq!(status(thread, "Uid"), ids, "thread {thread}");
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(status(thread, set), "0000000000000000", "{set} of thread {thread}");
        }
        assert_eq!(status(thread, "NoNewPrivs"), "1", "thread {thread}");
        assert_eq!(status(thread, "Seccomp"), "2", "thread {thread}");
        assert_eq!(status(thread, "Seccomp_filters"), "2", "thread {thread}");
    }
    assert!(threads >= 3, "only {threads} threads: were they looked for in time?");
    let groups = status(main, "Groups");
    let root = groups.split_whitespace().any(|group| group == "0");
    assert!(!root, "the server is still in root's group: {groups}");

    // The launcher: root, alone in its process, with nothing of the network's open.
    assert_eq!(status(launcher, "Uid"), "0\t0\t0\t0");
    assert_eq!(status(launcher, "Threads"), "1");
    let open = |pid: u32| -> Vec<String> {
        let fds = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let target = |fd: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_link(fd.unwrap().path()).unwrap().display().to_string()
        };
        fds.map(target).collect()
    };
    let sockets = |pid| open(pid).iter().filter(|file| file.starts_with("socket:")).count();
    assert_eq!(sockets(launcher), 1, "only the one to the server: {:?}", open(launcher));

    // Nothing of root's is left open in the server, and no secret.
    for file in open(main) {
        let secret = ["login.config", "dialback.toml", "secrets", "shadow", "memfd"];
        assert!(!secret.iter().any(|name| file.contains(name)), "the server has {file} open");
    }
    for own in ["state/journal.db", "state/lock"] {
        let seen = std::fs::metadata(folder.path(own)).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&seen).to_string(), uid(), "{own}");
    }
    server.stop();
    gone("the launcher", &launcher.to_string());
    assert!(!folder.path("control.sock").exists(), "the socket is left over");

    // The journal's end was told where the server itself cannot take it back.
    let anchors = folder.path("anchors");
    let seen = std::fs::metadata(&anchors).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&seen), 0, "whose are the anchors?");
    let verified = verify(&folder);
    assert!(verified.1.contains("anchors: 1 is in the chain"), "{verified:?}");
    assert_eq!(verified.0, Some(0), "{verified:?}");
    let journal = rusqlite::Connection::open(folder.path("state/journal.db")).unwrap();
    let cut = "DROP TRIGGER journal_keeps; \
               DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)";
    journal.execute_batch(cut).unwrap();
    let verified = verify(&folder);
    assert!(verified.1.contains("the end was cut off"), "{verified:?}");
    assert_eq!(verified.0, Some(1), "{verified:?}");
}

#[test]
fn programs_keep_their_own_rights_and_a_reload_reads_what_the_server_may_not() {
    if !programs::there("programs through the launcher", &["/usr/bin/id"]) {
        return;
    }
    let folder = Folder::new();
    let shows = folder.write_program(
        "shows",
        "#!/bin/sh\nid -u\ngrep -E 'NoNewPrivs|Seccomp:|SigIgn' /proc/self/status\necho end\n",
    );
    let login = format!("who - - {}\nown nobody - {0}\n", shows.display());
    let town = stage(&folder, &login);
    let mut server = Server::ready(&folder, 1);
    let call = |server: &mut Server, name: &str| {
        let mut terminal = Terminal::on(Path::new(town.port("alice")));
        terminal.say("ATZ\r");
        terminal.until("OK");
        terminal.say("ATDT5550100\r");
        terminal.until("ogin: ");
        terminal.say(&format!("{name}\r"));
        let shown = terminal.until("end");
        terminal.until("NO CARRIER");
        server.until("line-ready");
        shown
    };
    // Whatever binds the server does not bind them: sudo and pppd need their set-user-ID bits.
    let rights = "NoNewPrivs:\t0\r\nSeccomp:\t0";
    let shown = call(&mut server, "who");
    assert!(shown.contains("\n0\r\n") && shown.contains(rights), "{shown:?}");
    assert!(shown.contains("SigIgn:\t0000000000000000"), "{shown:?}");
    let shown = call(&mut server, "own");
    assert!(shown.contains("\n65534\r\n") && shown.contains(rights), "{shown:?}");

    // login.config is closed to the server's user; it comes through the launcher.
    configure(&folder, &town, &format!("later - - {}\n", shows.display()));
    server.signal("HUP");
    server.until("reloaded");
    let shown = call(&mut server, "later");
    assert!(shown.contains("\n0\r\n"), "{shown:?}");
    // A faulty one changes nothing.
    folder.write("login.config", "later - - bin/relative\n");
    server.signal("HUP");
    let refused = server.until("reload-refused");
    assert!(refused["first"].as_str().unwrap().contains("absolute"), "{refused}");
    call(&mut server, "later");
    server.stop();
}
