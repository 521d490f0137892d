//! What passes on PPP calls is kept in files that people and other people's programs can read.

use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};

use calls::vocabulary::CallId;
use dialback_sim::people::PppEnd;
use dialback_sim::world::{Setup, World};
use ppp::capture::{Direction, frames};
use ppp::personality::Personality;
use ppp::words;

use crate::a_ppp_caller::{ALICES, ENTRIES, PPP, call, called_back};
use crate::setup::*;

const CAPTURED: &str = "secrets = \"chap-secrets\"\ncapture_dir = \"/var/lib/dialback/captures\"\n";

/// Alice is called back; her server keeps captures as this line says.
fn captured(more: &str) -> World {
    let ppp = PPP.replace("secrets = \"chap-secrets\"\n", &format!("{CAPTURED}{more}\n"));
    let config = config(&format!("line = \"same\"\n{ppp}"));
    let mut world = world(Setup { config, login_config: ENTRIES.to_owned(), ..setup() });
    tell(&mut world, "alice", called_back(Personality::Windows, Some(ALICE), ALICES));
    is_done(&world, "alice");
    world
}

/// The packets of a call, a line each.
fn told(world: &World, call: u64) -> Vec<String> {
    let file = world.capture(CallId(call)).unwrap_or_default();
    frames(file)
        .unwrap()
        .map(|packet| {
            let arrow = if packet.direction == Direction::Sent { "->" } else { "<-" };
            format!("{arrow} {}", words::of(packet.protocol, packet.information))
        })
        .collect()
}

fn has_in_order(lines: &[String], wanted: &[&str]) {
    let mut rest = lines.iter();
    for words in wanted {
        assert!(rest.any(|line| line.contains(words)), "no {words:?} in its place:\n{lines:#?}");
    }
}

#[test]
fn both_calls_are_there_in_words() {
    let world = captured("");
    has_in_order(
        &told(&world, 1),
        &[
            "<- LCP Configure-Request",
            "-> CHAP Challenge",
            "\"alice\", 49 octets",
            "-> CHAP Success",
            "-> CBCP Request 1: no callback, the caller's number",
            "<- CBCP Response 1: the caller's number \"5550199\" after 12 s",
            "-> CBCP Ack 1: the caller's number \"5550199\" after 12 s",
            "<- LCP Terminate-Request",
            "-> LCP Terminate-Ack",
        ],
    );
    let second = told(&world, 2);
    has_in_order(&second, &["LCP Configure-Reject", "-> CHAP Success", "-> LCP Terminate-Request"]);
    assert!(!second.iter().any(|line| line.contains("CBCP Request")), "{second:#?}");
    // The time is the wall's: the town's story begins at 18:00 on a day of 1998.
    let first = frames(world.capture(CallId(1)).unwrap()).unwrap().next().unwrap();
    let begun = world.journal().iter().find(|entry| describes(entry, "connected")).unwrap();
    let ms = i64::try_from(first.at.as_millis()).unwrap();
    assert!((0..6_000).contains(&(ms - begun.at.unix_ms)), "{ms} after {}", begun.at.unix_ms);
}

fn describes(entry: &calls::vocabulary::Entry, event: &str) -> bool {
    serde_json::to_value(&entry.event).unwrap()["event"] == event
}

#[test]
fn nothing_is_kept_unless_it_is_configured() {
    let config = config(&format!("line = \"same\"\n{PPP}"));
    let mut world = world(Setup { config, login_config: ENTRIES.to_owned(), ..setup() });
    tell(&mut world, "alice", called_back(Personality::Windows, Some(ALICE), ALICES));
    assert_eq!(world.capture(CallId(1)), None);
}

#[test]
fn a_capture_is_bounded_and_ends_with_a_whole_record() {
    let world = captured("capture_limit = 1");
    let file = world.capture(CallId(1)).unwrap();
    assert!((512..=1024).contains(&file.len()), "{}", file.len());
    let whole: usize = frames(file).unwrap().map(|packet| packet.information.len() + 21).sum();
    assert_eq!(whole + 24, file.len());
    // The next call has a file of its own.
    assert!(world.capture(CallId(2)).unwrap().len() > 512);
}

/// tshark of Debian knows what we wrote, and finds nothing wrong with it.
#[test]
fn tshark_reads_the_captures() {
    let world = captured("");
    for (id, wanted) in [
        (1, ["Callback Response (2)", "5550199", "Termination Request (5)"]),
        (2, ["Configuration Reject (4)", "Challenge Handshake", "Direction: DTE->DCE"]),
    ] {
        let Some(text) = tshark(world.capture(CallId(id)).unwrap()) else { return };
        for words in wanted {
            assert!(text.contains(words), "no {words:?} in\n{text}");
        }
        assert!(!text.contains("Malformed"), "{text}");
    }
}

/// A caller who leaves in the middle leaves a capture of what there was.
#[test]
fn a_call_that_is_cut_is_captured_up_to_there() {
    let ppp = PPP.replace("secrets = \"chap-secrets\"\n", CAPTURED);
    let config = config(&format!("line = \"same\"\n{ppp}"));
    let mut world = world(Setup { config, login_config: ENTRIES.to_owned(), ..setup() });
    let mut steps = dialback_sim::people::scripts::dial(OFFICE);
    steps.push(call(Some(Personality::Windows), None, ALICES, PppEnd::SentAway));
    world.begin("alice", steps);
    until(&mut world, "proved");
    let next = world.ms() + 1;
    world.at(next, dialback_sim::world::Act::HangUp("alice".to_owned()));
    rest(&mut world);
    let lines = told(&world, 1);
    has_in_order(&lines, &["<- LCP Configure-Request", "<- CHAP Response"]);
    assert!(!lines.iter().any(|line| line.contains("CBCP Ack")), "{lines:#?}");
}

/// `None` where it is not installed; with `CI=true` that is a failure.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "another program reads what we wrote; where there is none, the test says so"
)]
fn tshark(file: &[u8]) -> Option<String> {
    let spawned = Command::new("tshark")
        .args(["-r", "-", "-V"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "tshark is not installed");
            eprintln!("tshark is not installed: nothing tested");
            return None;
        }
        spawned => spawned.unwrap(),
    };
    child.stdin.take().unwrap().write_all(file).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{complaints}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
