//! Each way in which a PPP call does not come about, with its exit code, its word, and a modem that is on-hook.

use std::time::Instant;

use crate::client::Client;
use crate::rig::folder::Folder;
use crate::rig::programs;
use crate::rig::town::Town;
use crate::{PROGRAMS, office};

/// One failure: what the user may have, how the client asks, and how it ends.
struct Row {
    name: &'static str,
    user: &'static str,
    password: &'static str,
    args: &'static [&'static str],
    code: i32,
    word: &'static str,
    told: &'static str,
}

const OWN: &str = r#"callback = { offer = ["none", "caller"], allow = ["5550199", "5550198"] }"#;
const NONE: &str = "";
const MUST: &str = r#"callback = { numbers = ["5550199"], offer = "fixed", required = true }"#;

#[test]
fn each_way_to_fail_has_its_code_its_word_and_its_sentence() {
    if !programs::there("a PPP call that fails", PROGRAMS) {
        return;
    }
    let rows = [
        Row {
            name: "a wrong password",
            user: OWN,
            password: "secret",
            args: &["--callback", "5550199"],
            code: 42,
            word: "login-refused",
            told: "the peer does not believe us",
        },
        Row {
            name: "a server whose name is another one",
            user: OWN,
            password: "s3cret",
            args: &["--remote-name", "rigel"],
            code: 42,
            word: "login-refused",
            told: "no secret towards orion",
        },
        Row {
            name: "a user without a right to it, who must be called back",
            user: NONE,
            password: "s3cret",
            args: &["--callback", "5550199", "--callback-required"],
            code: 36,
            word: "callback-not-granted",
            told: "nothing that it offers is one",
        },
        Row {
            name: "a way to ask that the server does not take",
            user: OWN,
            password: "s3cret",
            args: &["--callback", "5550199", "--callback-by", "option-13", "--callback-required"],
            code: 36,
            word: "callback-not-granted",
            told: "it does not know this kind of callback",
        },
        Row {
            name: "a user who must be called back and does not ask",
            user: MUST,
            password: "s3cret",
            args: &[],
            code: 42,
            word: "login-refused",
            told: "it demands a callback: ask for one with --callback",
        },
        Row {
            name: "a number at which somebody else's telephone rings",
            user: OWN,
            password: "s3cret",
            args: &["--callback", "5550198", "--wait", "2s"],
            code: 40,
            word: "nobody-calls",
            told: "waited for 2 s",
        },
    ];
    let run = |row: Row| {
        let folder = Folder::new();
        let (mut town, server) = office(&folder, row.user, "");
        let mut client = Client::with_password(&folder, &town, row.password, row.args);
        client.until_ended(row.code, row.word);
        let told = client.told();
        assert!(told.contains(row.told), "{}: {told}", row.name);
        assert!(town.facts().iter().any(|(_, fact)| fact["event"] == "dialled"), "{}", row.name);
        server.kill();
    };
    std::thread::scope(|all| {
        for row in rows {
            all.spawn(move || run(row));
        }
    });
}

#[test]
fn the_second_call_is_authenticated_like_the_first() {
    if !programs::there("a second call", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let (town, mut server) = office(&folder, MUST, "");
    let mut client = Client::start(&folder, &town, &["--callback", "admin"]);
    client.until("callback-agreed");
    folder.write("chap-secrets", "alice * changed\n");
    server.signal("HUP");
    server.until("reloaded");
    client.until_ended(42, "login-refused");
    assert!(client.stages().contains(&"return authenticate".to_owned()), "{}", client.told());
    server.kill();
}

#[test]
fn what_is_missing_here_is_told_before_anything_is_dialled() {
    if !programs::there("what is missing", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let mut town = Town::of(&folder, &[("alice", "5550199", "pty")]);
    folder.write("resolv.conf.before-dialback", "nameserver 192.0.2.1\n");
    let resolv = folder.path("resolv.conf").display().to_string();
    for (args, words) in [
        (vec!["--resolv-conf", &resolv], "left by an earlier session"),
        (vec!["--interface", "lo"], "lo: making it: "),
    ] {
        let mut client = Client::start(&folder, &town, &args);
        client.until_ended(53, "network");
        assert!(client.told().contains(words), "{}", client.told());
    }
    assert!(!town.facts().iter().any(|(_, fact)| fact["event"] == "dialled"));
}

#[test]
fn a_signal_in_each_stage_ends_it_and_leaves_nothing_on_the_line() {
    if !programs::there("a signal", PROGRAMS) {
        return;
    }
    let run = |stage: &str| {
        let folder = Folder::new();
        let (mut town, server) = office(&folder, MUST, "");
        let mut client = Client::start(&folder, &town, &["--callback", "admin"]);
        client.until(stage);
        let start = Instant::now();
        client.signal("TERM");
        client.until_ended(52, "interrupted");
        assert!(start.elapsed().as_secs() < 8, "{stage}: {:?}", start.elapsed());
        if stage == "ppp" {
            town.until("alice", "on-hook");
        }
        server.kill();
    };
    std::thread::scope(|stages| {
        for stage in ["dialling", "ppp", "waiting"] {
            stages.spawn(move || run(stage));
        }
    });
}
