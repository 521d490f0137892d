//! The screens that the guide shows are those that the program prints: a callback is played on a real server, and each
//! ```` ```console ```` block of docs/guide/operations.md is run against it. Times, ids and other figures may differ, nothing
//! else. `SCREENS_WRITE=1 cargo test -p dialback --test screens` takes new screens over into the page.
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

use std::path::Path;

use folder::Folder;
use modem::Modem;
use server::{Server, configure, stderr, stdout};

const PAGE: &str = "docs/guide/operations.md";

/// What the guide's screens show: a caller was called back, had his program and left; somebody whom root wants called is engaged.
fn played() -> (Folder, Modem, Server) {
    let folder = Folder::new();
    let mut modem = Modem::at(&folder.path("modem"));
    configure(&folder, &folder.path("modem").display().to_string(), "retry = \"5m\"");
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

/// A screen without what differs from run to run: figures, and how wide they make a column.
fn plain(screen: &str) -> String {
    let mut text = String::new();
    for line in screen.lines() {
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

#[test]
fn the_screens_of_the_guide_are_those_that_the_program_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(PAGE);
    let text = std::fs::read_to_string(&path).unwrap();
    let (folder, _modem, server) = played();
    let root = folder.path("").display().to_string();
    let (mut page, mut rest) = (String::new(), text.as_str());
    let (mut screens, mut stale) = (0, Vec::new());
    while let Some(at) = rest.find("```console\n$ dialback ") {
        let command = &rest[at + "```console\n$ dialback ".len()..];
        let (command, shown) = command.split_once('\n').unwrap();
        let (shown, _) = shown.split_once("```").unwrap();
        let args: Vec<&str> = command.split_whitespace().collect();
        let output = server.ask(&args);
        assert!(output.status.success(), "{command}: {}", stderr(&output));
        // With whose rights it runs is a matter of this machine.
        let printed: String = stdout(&output)
            .replace(&root, "/etc/dialback/")
            .lines()
            .filter(|line| !line.starts_with("Rights: "))
            .map(|line| format!("{line}\n"))
            .collect();
        let printed = format!("{}\n", printed.trim_end());
        screens += 1;
        if plain(shown) != plain(&printed) {
            stale.push(format!("$ dialback {command}\n{printed}"));
        }
        let end = rest[at + 3..].find("```").unwrap() + at + 6;
        page.push_str(&rest[..at]);
        page.push_str(&format!("```console\n$ dialback {command}\n{printed}```"));
        rest = &rest[end..];
    }
    page.push_str(rest);
    assert!(screens >= 6, "only {screens} screens were found in {PAGE}");
    if std::env::var_os("SCREENS_WRITE").is_some() {
        std::fs::write(&path, page).unwrap();
    } else {
        assert!(
            stale.is_empty(),
            "{PAGE} shows other screens; SCREENS_WRITE=1 takes these over:\n{}",
            stale.join("\n")
        );
    }
}
