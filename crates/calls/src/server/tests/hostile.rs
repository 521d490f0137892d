//! PPP peers that mean harm, against the whole server: each is rid of in bounded time, makes it say, write and
//! promise a bounded amount, and leaves the line as it was for the next caller.

use std::time::Duration;

use ppp::auth::Credentials;
use ppp::cbcp::Number;
use ppp::framing::{Accm, Deframer, Framing};
use ppp::link::{Config as LinkConfig, Link, Output, Phase};
use ppp::personality::Personality;
use ppp::protocol::Protocol;
use ppp::time::Instant;

use super::AT_PROMPT;
use crate::testing::{Bench, LOGIN, TOML, config, fresh};
use crate::vocabulary::{Event, Input, LineId, PortInput, Seq};

/// How often a peer is heard: a modem's pieces come no faster.
const STEP: Duration = Duration::from_millis(20);

/// What a peer says at an instant, to what it has heard since the last.
type Peer = Box<dyn FnMut(Instant, &[u8]) -> Vec<u8>>;

/// What came of one.
struct Story {
    /// How long it held the line.
    time: Duration,
    said: usize,
    heard: usize,
    /// Why the link is over.
    why: String,
    promised: usize,
    kept_promises: usize,
    /// Passwords that were wrong.
    guesses: usize,
}

/// Lets it do its worst until the line is hung up, and looks whether the line is as good as before.
fn endure(name: &str, mut peer: Peer) -> Story {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    bench.run(AT_PROMPT);
    let (from, begun) = (bench.journal.len(), bench.now.at);
    let (mut said, mut heard) = (0, 0);
    bench.sent.clear();
    let ended = |bench: &Bench| {
        bench.journal.iter().find_map(|entry| {
            let Event::LinkEnded { why, .. } = &entry.event else { return None };
            Some(why.clone())
        })
    };
    let why = loop {
        let to_peer = std::mem::take(&mut bench.sent);
        said += to_peer.len();
        let octets = peer(Instant::from_micros(bench.now.at.as_micros()), &to_peer);
        heard += octets.len();
        if !octets.is_empty() {
            bench.give(Input::Port(LineId(0), PortInput::Bytes(octets)));
        }
        bench.give(Input::Durable(Seq(u64::MAX)));
        if let Some(why) = ended(&bench) {
            break why;
        }
        let time = bench.now.at - begun;
        assert!(time < Duration::from_secs(1_800), "{name}: half an hour, and no end");
        bench.pass(STEP);
    };
    let time = bench.now.at - begun;
    let new = bench.journal.len() - from;
    assert!(new < 100, "{name}: {new} entries in the journal");
    let count =
        |what: fn(&Event) -> bool| bench.journal.iter().filter(|entry| what(&entry.event)).count();
    let promised = count(|event| matches!(event, Event::Promised(_)));
    let guesses = count(|event| matches!(event, Event::NotProved { .. }));
    let withdrawn = count(|event| matches!(event, Event::Withdrawn { .. }));
    // The line is hung up and serves the next.
    bench.give(Input::Port(LineId(0), PortInput::Drained));
    bench.happens("dcd down");
    bench.pass(Duration::from_secs(1));
    bench.happens("says OK");
    let status = bench.server.status(bench.now);
    assert!(status.sessions.is_empty(), "{name}: {:?}", status.sessions);
    assert_eq!(status.lines[0].state, "idle", "{name}");
    Story { time, said, heard, why, promised, kept_promises: promised - withdrawn, guesses }
}

#[track_caller]
fn check(name: &str, peer: Peer, seconds: u64, wanted: &str) {
    let story = endure(name, peer);
    let Story { time, said, heard, why, promised, kept_promises, guesses } = story;
    assert!(time <= Duration::from_secs(seconds), "{name}: {time:?}");
    assert!(why.contains(wanted), "{name}: {why}");
    // A negotiation is a few packets of ours; beyond that we say less than we hear. (Every Terminate-Request
    // is answered, as RFC 1661 §5.5 has it.)
    assert!(said < 6_000 + heard / 2, "{name}: {said} octets said to {heard} heard");
    // A link can begin anew ten times; each time the promise that was made is void.
    assert!(promised <= 11 && kept_promises == 0, "{name}: {promised} promises");
    assert!(guesses <= 3, "{name}: {guesses} guesses at a password on one call");
}

/// The packets in octets.
fn packets(deframer: &mut Deframer, octets: &[u8]) -> Vec<(Protocol, Vec<u8>)> {
    let mut found = Vec::new();
    let mut input = octets;
    while let Some(frame) = deframer.next(&mut input) {
        found.push((frame.protocol, frame.information.to_vec()));
    }
    found
}

fn deframer() -> Deframer {
    let mut deframer = Deframer::new(2_000);
    deframer.set_accm(Accm::NONE);
    deframer
}

fn framed(protocol: Protocol, packet: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    Framing::DEFAULT.encode(protocol, packet, &mut line);
    line
}

const REQUEST: [u8; 7] = [1, 1, 0, 7, 13, 3, 6];

/// A packet of this code again and again, so many at each step.
fn flood(packet: &[u8], times: usize) -> Peer {
    let octets = framed(Protocol::LCP, packet).repeat(times);
    Box::new(move |_, _| octets.clone())
}

/// Answers each Configure-Request with a packet of this code, and says what it likes itself.
fn answers_requests(code: u8, option: fn(u8) -> Vec<u8>) -> Peer {
    let mut line = deframer();
    let mut begun = false;
    Box::new(move |_, heard| {
        let mut said = Vec::new();
        if !begun {
            begun = true;
            said.extend(framed(Protocol::LCP, &REQUEST));
        }
        for (protocol, packet) in packets(&mut line, heard) {
            if let (Protocol::LCP, [1, id, _, _, ..]) = (protocol, packet.as_slice()) {
                let option = option(*id);
                let length = u8::try_from(option.len() + 4).expect("short");
                said.extend(framed(protocol, &[&[code, *id, 0, length], &option[..]].concat()));
            }
        }
        said
    })
}

/// A real caller, of whom `meddle` has the last word.
fn real(
    settings: LinkConfig,
    password: &'static str,
    mut meddle: impl FnMut(&mut Link, Instant, Phase, &mut Vec<u8>) + 'static,
) -> Peer {
    let mut link = None;
    let mut phase = Phase::Establish;
    Box::new(move |now, heard| {
        let link = link.get_or_insert_with(|| Link::new(settings.clone(), [3; 32], now));
        link.receive(now, heard);
        link.tick(now);
        let mut said = Vec::new();
        while let Some(output) = link.poll() {
            if let Output::Send(octets) = output {
                said.extend(octets);
            } else if let Output::AskSecret { ticket, .. } = output {
                let own = Credentials { name: "alice".into(), secret: password.into() };
                link.prove(now, ticket, Some(&own));
            } else if let Output::Phase(new) = output {
                phase = new;
            }
        }
        meddle(link, now, phase, &mut said);
        said
    })
}

fn wants(number: &str) -> LinkConfig {
    Personality::Standard.caller(Some(Number::from(number)))
}

#[test]
fn naks_without_end() {
    let other_magic = |id: u8| vec![5, 6, 1, 2, 3, id];
    check("naks", answers_requests(3, other_magic), 60, "negotiation comes to no end");
    let other_method = |_| vec![3, 4, 0xc2, 0x27];
    check("naks of the proof", answers_requests(3, other_method), 60, "will not prove its name");
    let method = |_| vec![3, 5, 0xc2, 0x23, 0x81];
    check("rejects of the proof", answers_requests(4, method), 60, "will not prove its name");
}

#[test]
fn a_line_that_is_looped_back() {
    let mut first = true;
    let echo = Box::new(move |_: Instant, heard: &[u8]| {
        let opening =
            if std::mem::take(&mut first) { framed(Protocol::LCP, &REQUEST) } else { Vec::new() };
        [opening, heard.to_vec()].concat()
    });
    check("looped", echo, 60, "looped back");
}

#[test]
fn ten_thousand_packets_a_second() {
    // Two hundred at each of fifty steps a second.
    let unknown = [1, 1, 0, 7, 99, 3, 1];
    check("requests", flood(&unknown, 200), 60, "no end");
    let echo = [9, 1, 0, 8, 1, 2, 3, 4];
    let mut opening = framed(Protocol::LCP, &REQUEST);
    let mut echoes = flood(&echo, 200);
    let peer = Box::new(move |now: Instant, heard: &[u8]| {
        [std::mem::take(&mut opening), echoes(now, heard)].concat()
    });
    check("echo requests before anything", peer, 60, "");
    let terminate =
        [&framed(Protocol::LCP, &[5, 1, 0, 4])[..], &framed(Protocol::LCP, &REQUEST)].concat();
    let again = Box::new(move |_: Instant, _: &[u8]| terminate.repeat(100));
    check("ends and new beginnings", again, 60, "");
}

#[test]
fn a_number_of_250_digits() {
    let number = "5".repeat(250);
    check(
        "250 digits",
        real(wants(&number), "s3cret", |_, _, _, _| {}),
        60,
        "callback came to nothing",
    );
}

#[test]
fn a_new_beginning_in_every_phase() {
    for phase in [Phase::Establish, Phase::Authenticate, Phase::Callback, Phase::Terminate] {
        let mut beginnings = 0;
        let peer = real(wants("5551234"), "s3cret", move |link, now, at, said| {
            // As soon as it is there it has forgotten everything.
            if at >= phase && (at != Phase::Establish || now.as_micros() % 200_000 == 0) {
                beginnings += 1;
                let seed = [u8::try_from(beginnings % 256).expect("below 256"); 32];
                *link = Link::new(wants("5551234"), seed, now);
                if phase == Phase::Terminate {
                    // It leaves no word of its end, or the server would hang up.
                    said.clear();
                }
                while let Some(output) = link.poll() {
                    if let Output::Send(octets) = output {
                        said.extend(octets);
                    }
                }
            }
        });
        check(&format!("{phase:?}"), peer, 600, "");
    }
}

#[test]
fn guesses_at_a_password() {
    // Each wrong guess ends the caller's link; it begins anew on the same call.
    let mut tries = 0_u8;
    let peer = real(wants("5551234"), "guess", move |link, now, at, said| {
        if at >= Phase::Terminate {
            tries = tries.wrapping_add(1);
            said.clear();
            *link = Link::new(wants("5551234"), [tries; 32], now);
            while let Some(output) = link.poll() {
                if let Output::Send(octets) = output {
                    said.extend(octets);
                }
            }
        }
    });
    check("guesses", peer, 120, "");
}

#[test]
fn silence_and_noise() {
    let mut first = Some(framed(Protocol::LCP, &REQUEST));
    let silent = Box::new(move |_: Instant, _: &[u8]| first.take().unwrap_or_default());
    check("silence", silent, 60, "does not answer");
    let mut opening = framed(Protocol::LCP, &REQUEST);
    opening.push(0x7e);
    let endless = Box::new(move |_: Instant, _: &[u8]| {
        let mut octets = std::mem::take(&mut opening);
        octets.extend([0x55; 4_000]);
        octets
    });
    check("a frame without end", endless, 60, "does not answer");
}

/// It takes the promise and stays on the line: nobody is called at a number that was not confirmed.
#[test]
fn a_caller_that_never_leaves_after_the_ack() {
    let peer = real(wants("5551234"), "s3cret", |_, _, at, said| {
        if at >= Phase::Terminate {
            said.clear();
        }
    });
    check("stays", peer, 60, "the caller did not end the call");
}
