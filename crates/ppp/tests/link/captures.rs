//! Other people's decoders on our calls: tshark and pppdump have to understand what we say.
//!
//! Where a program is not installed its test says so and passes; with `CI=true` it fails.

use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use dialback_ppp::capture::{Capture, Direction, Recording};
use dialback_ppp::cbcp::{Offer, Stay};
use dialback_ppp::personality::Personality;
use dialback_ppp::time::Instant;

use super::pair::{Faults, Pair, Piece};
use super::personalities::{answerer, with_networks};

/// What went over the line in a whole call, from the answerer's point of view.
fn call(offer: Offer) -> Vec<Piece> {
    let caller = with_networks(Personality::Windows.caller(Some("5551234".into())));
    let mut pair = Pair::new(answerer(), caller, Faults::default(), 5);
    pair.offer = Some(offer);
    pair.run_until(Instant::from_secs(100), |pair| {
        pair.answerer.end.is_some() || pair.answerer.up == 2
    });
    pair.tapped
}

#[expect(clippy::disallowed_methods, reason = "whether a missing program is a failure")]
/// Runs a program on octets; `None` when it is not installed.
fn filter(program: &str, arguments: &[&str], input: &[u8]) -> Option<String> {
    let spawned = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{program} is not installed");
            eprintln!("{program} is not installed: nothing tested");
            return None;
        }
        spawned => spawned.unwrap(),
    };
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn tshark_reads_a_whole_callback_call() {
    let (mut capture, mut file) = Capture::new(Duration::from_secs(1_700_000_000));
    for piece in call(Offer::Own(Stay::Allowed)) {
        file.extend(capture.octets(piece.at, piece.direction, &piece.octets));
    }
    let Some(text) = filter("tshark", &["-r", "-", "-V"], &file) else { return };
    for wanted in [
        "Location is determined during CBCP negotiation (6)",
        "Multilink MRRU",
        "Configuration Reject (4)",
        "PPP Challenge Handshake Authentication Protocol",
        "PPP Callback Control Protocol",
        "Callback Request (1)",
        "Callback Response (2)",
        "Callback Ack (3)",
        "5551234",
        "Termination Request (5)",
        "Direction: DTE->DCE",
        "Direction: DCE->DTE",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is missing in\n{text}");
    }
    assert!(!text.contains("Malformed"), "{text}");
}

#[test]
fn tshark_reads_a_session_with_both_networks() {
    let (mut capture, mut file) = Capture::new(Duration::from_secs(1_700_000_000));
    for piece in call(Offer::NoCallback) {
        file.extend(capture.octets(piece.at, piece.direction, &piece.octets));
    }
    let Some(text) = filter("tshark", &["-r", "-", "-V"], &file) else { return };
    for wanted in [
        "PPP IP Control Protocol",
        "IP Address: 10.0.0.2",
        "Primary DNS Address: 10.0.0.53",
        "PPP IPv6 Control Protocol",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is missing in\n{text}");
    }
    assert!(!text.contains("Malformed"), "{text}");
}

#[test]
fn pppdump_finds_no_fault_in_the_octets_themselves() {
    let (mut recording, mut file) = Recording::new(1_700_000_000);
    for piece in call(Offer::Own(Stay::Allowed)) {
        file.extend(recording.octets(piece.at, piece.direction, &piece.octets));
    }
    let Some(text) = filter("pppdump", &["-p", "/dev/stdin"], &file) else { return };
    assert!(text.contains("sent") && text.contains("rcvd"), "{text}");
    assert!(!text.to_lowercase().contains("bad"), "{text}");
    // An octet turned over is found: the check is one.
    let at = file.iter().position(|octet| *octet == 0xc0).unwrap();
    file[at] ^= 0x08;
    let text = filter("pppdump", &["-p", "/dev/stdin"], &file).unwrap();
    assert!(text.to_lowercase().contains("bad"), "{text}");
}

/// The direction is seen from the answerer.
#[test]
fn the_tap_sees_both_directions() {
    let pieces = call(Offer::NoCallback);
    for direction in [Direction::Sent, Direction::Received] {
        assert!(pieces.iter().any(|piece| piece.direction == direction));
    }
}
