//! The guide tells what the program does. Its screens are those that the program prints: a callback is played on a real
//! server, and each ```` ```console ```` block of the guide is run against it, or beside it. Times, ids, hashes and other figures
//! may differ, nothing else. `SCREENS_WRITE=1 cargo test -p dialback --test screens` takes new screens over into the pages.
//! What no test prints stands in a list, with why. [`examples`] and [`commands`] hold the rest of the blocks to the program.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test program: a panic is its way to fail"
)]
#![expect(
    dead_code,
    reason = "the server and the modem are those of the rim's tests, which use more of them"
)]

mod commands;
mod examples;
mod page;

#[path = "../rim/folder.rs"]
mod folder;
#[path = "../rim/modem.rs"]
mod modem;
#[path = "../rim/server.rs"]
mod server;

use std::process::Command;

use folder::Folder;
use modem::Modem;
use server::{Server, configure, stderr, stdout};

/// What the guide's screens show: a caller was called back, had his program and left; somebody whom root wants called is engaged.
fn played() -> (Folder, Modem, Server) {
    let folder = Folder::new();
    let mut modem = Modem::at(&folder.path("modem"));
    let anchors = folder.path("anchors").display().to_string();
    let more = format!("retry = \"5m\"\n\n[audit]\nanchor_file = \"{anchors}\"");
    configure(&folder, &folder.path("modem").display().to_string(), &more);
    let mut server = Server::start(&folder);
    modem.until_command("ATZ");
    modem.result("OK");
    until(&mut modem, &mut server, "line-ready");

    modem.result("RING");
    modem.until_command("ATA");
    modem.result("CONNECT 33600");
    modem.until_text("ogin: ");
    modem.say("fixed\r");
    modem.until_hung_up();
    modem.until_command("ATD");
    modem.result("CONNECT 33600");
    modem.until_text("ogin: ");
    modem.say("hello\r");
    modem.until_text("hello from a program");
    modem.until_hung_up();
    until(&mut modem, &mut server, "ended");
    until(&mut modem, &mut server, "ended");
    until(&mut modem, &mut server, "line-ready");

    let ordered = server.ask(&["callback", "5550123"]);
    assert!(ordered.status.success(), "{}", stderr(&ordered));
    modem.until_command("ATD");
    modem.result("BUSY");
    until(&mut modem, &mut server, "try-failed");
    until(&mut modem, &mut server, "line-ready");
    (folder, modem, server)
}

/// Waits for an event while the modem answers OK to whatever it is told.
fn until(modem: &mut Modem, server: &mut Server, event: &str) {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| server.until(event));
        while !waiting.is_finished() {
            modem.answer_all();
        }
        waiting.join().unwrap();
    });
}

/// Has the server stop while the modem answers OK to whatever it is told.
fn stop(server: Server, modem: &mut Modem) {
    server.signal("TERM");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| server.ended());
        while !waiting.is_finished() {
            modem.answer_all();
        }
        assert!(waiting.join().unwrap().success());
    });
}

/// Adds what the page on evidence shows: an export in which somebody has been at work.
fn evidence(folder: &Folder) {
    let (root, bin) = (folder.path(""), env!("CARGO_BIN_EXE_dialback"));
    let spoil = "s/5550199/5550666/";
    let done = Command::new("/bin/sh")
        .args(["-ec", "\"$0\" audit export --config dialback.toml > november.jsonl; sed \"$1\" november.jsonl > altered.jsonl"])
        .args([bin, spoil])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", stderr(&done));
}

/// What the guide does without a server: a misspelt script, a file of tokens, a configuration to be checked.
fn desk() -> Folder {
    let folder = Folder::new();
    for (from, to) in [
        ("examples/mgetty.toml", "dialback.toml"),
        ("examples/login.config", "login.config"),
        ("examples/scripts/callback.chat", "callback.chat"),
    ] {
        let text = std::fs::read_to_string(page::checkout(from)).unwrap();
        // A port that is not looked for on this machine.
        let text = text.replace("/dev/ttyUSB0", "rfc2217://192.0.2.7:7001");
        folder.write(to, &text.replace("\\dcback", "\\dcbcak"));
    }
    folder
}

/// The program as the guide calls it, by a script that tells it where this test's server and files are.
fn wrapper(folder: &Folder) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let root = folder.path("").display().to_string();
    let bin = env!("CARGO_BIN_EXE_dialback");
    let script = format!(
        "#!/bin/sh\n\
         case \"$1\" in\n\
         audit|check) exec {bin} \"$@\" --config {root}dialback.toml ;;\n\
         rehearse|web) exec {bin} \"$@\" ;;\n\
         esac\n\
         exec {bin} \"$@\" --control {root}control.sock\n"
    );
    std::fs::create_dir_all(folder.path("bin")).unwrap();
    let path = folder.write("bin/dialback", &script);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder.path("bin")
}

/// What a command of the guide prints, on stdout.
fn print(folder: &Folder, command: &str) -> String {
    let root = folder.path("").display().to_string();
    let there = |text: &str| text.replace("/mnt/loghost/", &root).replace("/etc/dialback/", &root);
    let path = format!("{}:{}", wrapper(folder).display(), std::env::var("PATH").unwrap());
    let output = Command::new("/bin/sh")
        .args(["-c", &there(command)])
        .env("PATH", path)
        .current_dir(&root)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let printed = stdout(&output);
    assert!(!printed.is_empty(), "{command}: {}", stderr(&output));
    // With whose rights it runs is a matter of this machine.
    let printed: String = printed
        .replace(&format!("{root}state/"), "/var/lib/dialback/")
        .replace(&format!("{root}anchors"), "/mnt/loghost/anchors")
        .replace(&root, "/etc/dialback/")
        .lines()
        .filter(|line| !line.starts_with("Rights: "))
        .map(|line| format!("{line}\n"))
        .collect();
    format!("{}\n", printed.trim_end())
}

/// The same for all commands of a block, with what is typed: the block as it should be.
fn play(folder: &Folder, block: &str) -> String {
    let commands = block.lines().filter(|line| line.starts_with("$ ") || line.starts_with("# "));
    let mut played = String::new();
    for line in commands {
        let gap = if played.is_empty() { "" } else { "\n" };
        played += &format!("{gap}{line}\n{}", print(folder, &line[2..]));
    }
    played
}

/// A screen without what nobody can foretell: hashes, tokens.
fn without_hashes(screen: &str) -> String {
    let mut text = String::new();
    let mut run = String::new();
    for c in screen.chars().map(Some).chain([None]) {
        match c {
            Some(c) if c.is_ascii_digit() || ('a'..='f').contains(&c) => run.push(c),
            Some(_) | None => {
                text += if run.len() >= 32 { "hash" } else { &run };
                run.clear();
                text.extend(c);
            }
        }
    }
    text
}

/// A screen without what differs from run to run: figures, and how wide they make a column.
fn plain(screen: &str) -> String {
    let mut text = String::new();
    for line in without_hashes(screen).lines() {
        let words: Vec<String> = line
            .split_whitespace()
            .map(|word| {
                let mut shape = String::new();
                for c in word.chars() {
                    let c = if c.is_ascii_digit() { '0' } else { c };
                    if !(c == '0' && shape.ends_with('0')) {
                        shape.push(c);
                    }
                }
                // 4m59s, 5m and 0.3s are all times.
                let time = shape.starts_with('0') && shape.chars().all(|c| "0.dhms".contains(c));
                if time { "0s".to_owned() } else { shape }
            })
            .collect();
        text.push_str(&words.join(" "));
        text.push('\n');
    }
    text
}

/// Blocks that no test prints, with why that is so.
const ELSEWHERE: [(&str, &str, &str); 15] = [
    (
        "docs/guide/callers.md",
        "output at&c0\\13",
        "Trumpet Winsock's language, of which the page says that it is not tested",
    ),
    (
        "docs/guide/callers.md",
        "connect \"/usr/bin/dialback chat -v -f /etc/chatscripts/callback\"",
        "pppd's options",
    ),
    (
        "docs/guide/concepts.md",
        " caller                    dialback                                        journal",
        "a drawing",
    ),
    (
        "docs/guide/connect.md",
        "<86>1 2026-11-22T23:09:21.196+01:00 orion dialback - rang [meta sequenceId=\"12\"][dialback@32473 line=\"office\" call=\"c1\"] rings (caller 5550199)",
        "goes to another host: tests/relay has the message",
    ),
    (
        "docs/guide/connect.md",
        "$ dialback relay dead",
        "after an hour of tries: tests/relay plays it with quick ones",
    ),
    (
        "docs/guide/install.md",
        "# apt install ./dialback.deb",
        "apt and systemd: packaging/tests/install does it in a fresh Debian",
    ),
    (
        "docs/guide/install.md",
        "# dialback setup",
        "a USB modem's own name and path: tests/setup.rs finds simulated ones",
    ),
    (
        "docs/guide/operations.md",
        "dialback  2 lines: 2 idle  1 promise  11-22 23:09:34",
        "drawn on a terminal, and looked at",
    ),
    (
        "docs/guide/ppp.md",
        "/var/lib/dialback/captures/c1.pcap",
        "a call by PPP: tests/interop/ppp/trace.rs makes such captures and reads them",
    ),
    (
        "docs/guide/ppp.md",
        "pppd nodetach modem crtscts noauth name HOST remotename USER nodefaultroute ipparam LINE",
        "pppd's options",
    ),
    (
        "docs/guide/ppp.md",
        "# dialback dial --ppp --port /dev/ttyUSB0 --number 5550100 --login alice --ask-password --callback 5550199",
        "needs a TUN device: tests/interop/ppp plays it where there is one",
    ),
    (
        "docs/guide/security.md",
        "main was measured with second: 9 calls in 4:12",
        "minutes of measuring: tests/rim/qualify.rs does a quick one",
    ),
    (
        "docs/guide/web.md",
        "$ dialback web",
        "runs until it is stopped: tests/web waits for this line",
    ),
    (
        "docs/guide/web.md",
        "ops (web, 192.0.2.20) by way of uid 998 ordered: busy-out main",
        "a line of the log: tests/web/guard.rs gives the order",
    ),
    (
        "docs/guide/web.md",
        "$ curl -s http://127.0.0.1:8080/api/v1/lines | jq -r '.[] | \"\\(.line) \\(.state)\"'",
        "curl and jq: tests/web/api.rs holds each answer to the API's description",
    ),
];

/// Whose text it is that stands in a block of this kind, where it is not what a program prints.
const NO_SCREENS: [&str; 6] = ["toml", "conf", "sh", "ini", "udev", "python"];

#[test]
fn every_block_of_the_guide_is_tested_or_stands_in_the_list_of_those_that_are_not() {
    let all = page::blocks();
    let is_listed = |block: &page::Block| {
        ELSEWHERE.iter().any(|(page, first, _)| block.page == *page && block.first() == *first)
    };
    let faults: Vec<String> = all
        .iter()
        .filter_map(|block| {
            let place = block.place();
            match block.kind.as_str() {
                "" => Some(format!(
                    "{place}: say what it is: one of console, text, {}",
                    NO_SCREENS.join(", ")
                )),
                "text" if !is_listed(block) => Some(format!(
                    "{place}: what prints it? Make it a console with its command, or list it"
                )),
                "console" if !is_listed(block) && !block.first().starts_with(['$', '#']) => {
                    Some(format!("{place}: a console without a command"))
                }
                kind if kind == "text" || kind == "console" || NO_SCREENS.contains(&kind) => None,
                kind => Some(format!("{place}: what is {kind:?}?")),
            }
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for (page, first, why) in ELSEWHERE {
        let there = all.iter().filter(|block| block.page == page && block.first() == first).count();
        assert_eq!(there, 1, "{page}: {first:?} is listed ({why}), and not there once");
    }
}

#[test]
fn the_screens_of_the_guide_are_those_that_the_program_prints() {
    let (folder, mut modem, server) = played();
    let mut server = Some(server);
    let desk = desk();
    let (mut screens, mut stale) = (0, Vec::new());
    // What asks the server comes first; then it is stopped, and has told its journal's head.
    let mut pages = page::pages();
    pages.sort_by_key(|name| name != "docs/guide/operations.md");
    for name in pages {
        if name == "docs/guide/audit.md" {
            stop(server.take().unwrap(), &mut modem);
            evidence(&folder);
        }
        // tests/policy.rs has its own files for each of its examples.
        if name == "docs/guide/policy.md" {
            continue;
        }
        let scene = match name.as_str() {
            "docs/guide/operations.md" | "docs/guide/audit.md" => &folder,
            _ => &desk,
        };
        let mut text = std::fs::read_to_string(page::checkout(&name)).unwrap();
        let before = text.clone();
        for block in page::read(&name).0.iter().filter(|block| block.kind == "console") {
            if ELSEWHERE
                .iter()
                .any(|(page, first, _)| block.page == *page && block.first() == *first)
            {
                continue;
            }
            screens += 1;
            let now = play(scene, &block.text);
            if plain(&block.text) != plain(&now) {
                stale.push(format!("{}:\n{now}", block.place()));
                let fenced = |text: &str| format!("```console\n{text}```\n");
                text = text.replacen(&fenced(&block.text), &fenced(&now), 1);
            }
        }
        if std::env::var_os("SCREENS_WRITE").is_some() && text != before {
            std::fs::write(page::checkout(&name), text).unwrap();
        }
    }
    assert!(screens >= 11, "only {screens} screens were found");
    assert!(
        stale.is_empty() || std::env::var_os("SCREENS_WRITE").is_some(),
        "the guide shows other screens; SCREENS_WRITE=1 takes these over:\n{}",
        stale.join("\n")
    );
}
