//! How fast frames are made and taken apart, and what a whole callback call costs.
//!
//! `cargo bench -p dialback-ppp`. Speeds count octets of packets, not of the line; each is the best of
//! several rounds, because a shared machine only ever makes them slower.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a benchmark reads the clock, prints, and ends at the first surprise"
)]

use std::hint::black_box;
use std::time::{Duration, Instant as Clock};

use dialback_ppp::auth::{Answer, Credentials, Duty, Method};
use dialback_ppp::cbcp::{Offer, Stay};
use dialback_ppp::fcs;
use dialback_ppp::framing::{Accm, Deframer, Framing};
use dialback_ppp::link::{Approval, Config, End, Link, Output};
use dialback_ppp::protocol::Protocol;
use dialback_ppp::time::Instant;

const PACKET: usize = 1500;
const PACKETS: usize = 200;
const ROUNDS: usize = 15;

fn main() {
    let text: Vec<u8> = (0..PACKET).map(|n| b"the quick brown fox "[n % 20]).collect();
    let random = random_octets();
    let worst = vec![0x7e; PACKET];
    println!("packets of {PACKET} octets           framing MB/s   deframing MB/s");
    for (name, packet, accm) in [
        ("text, nothing escaped", &text, Accm::NONE),
        ("text, default map", &text, Accm::ALL),
        ("random, nothing escaped", &random, Accm::NONE),
        ("random, XON and XOFF", &random, Accm::FLOW_CONTROL),
        ("random, default map", &random, Accm::ALL),
        ("all flags: the worst case", &worst, Accm::NONE),
    ] {
        let framing = Framing { accm, acfc: true, pfc: true };
        let line = frames(framing, packet);
        let made = megabytes_per_second(|| {
            black_box(frames(framing, black_box(packet)));
        });
        let taken = megabytes_per_second(|| {
            assert_eq!(count_frames(accm, black_box(&line)), PACKETS);
        });
        println!("  {name:<30} {made:>12.0} {taken:>16.0}");
    }
    let sum = megabytes_per_second(|| {
        for _ in 0..PACKETS {
            black_box(fcs::of(black_box(&random)));
        }
    });
    println!("  {:<30} {sum:>12.0}", "FCS alone");

    println!("a whole callback call, both ends, in virtual time");
    for method in [Method::Pap, Method::ChapMd5, Method::MsChapV2] {
        let calls = 500_u32;
        let time = best(|| (0..calls).for_each(|seed| call(method, seed)));
        println!(
            "  {:<30} {:>9.1} us",
            format!("{method:?}"),
            time.as_secs_f64() * 1e6 / f64::from(calls)
        );
    }
}

/// The shortest of several runs.
fn best(run: impl Fn()) -> Duration {
    (0..ROUNDS)
        .map(|_| {
            let start = Clock::now();
            run();
            start.elapsed()
        })
        .min()
        .unwrap()
}

fn megabytes_per_second(run: impl Fn()) -> f64 {
    (PACKET * PACKETS) as f64 / best(run).as_secs_f64() / 1e6
}

/// Octets as a compressed file has them: all values, alike often.
fn random_octets() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut octet = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[2]
    };
    (0..PACKET).map(|_| octet()).collect()
}

fn frames(framing: Framing, packet: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    for _ in 0..PACKETS {
        framing.encode(Protocol::IPV4, packet, &mut line);
    }
    line
}

/// Takes the line apart in pieces as a serial port delivers them at high speed.
fn count_frames(accm: Accm, line: &[u8]) -> usize {
    let mut deframer = Deframer::new(PACKET + 8);
    deframer.set_accm(accm);
    let mut frames = 0;
    for piece in line.chunks(4096) {
        let mut input = piece;
        while deframer.next(&mut input).is_some() {
            frames += 1;
        }
    }
    frames
}

/// One call from the first flag to the promise and the hang-up.
fn call(method: Method, seed: u32) {
    let mut octets = [0; 32];
    octets[..4].copy_from_slice(&seed.to_be_bytes());
    let mut config = Config::answerer("dialback");
    config.lcp.demand = vec![method];
    let mut now = Instant::ZERO;
    let mut answerer = Link::new(config, octets, now);
    octets[31] = 1;
    let mut caller = Link::new(Config::caller(Some("5551234".into())), octets, now);
    let mut ends = 0;
    while ends < 2 {
        let mut quiet = true;
        while let Some(output) = answerer.poll() {
            quiet = false;
            match output {
                Output::Send(octets) => caller.receive(now, &octets),
                Output::Verify { ticket, .. } => {
                    answerer.judge(now, ticket, &Answer::Password("s3cret".into()), Duty::None);
                }
                Output::AskCallback { ticket, .. } => {
                    answerer.offer(now, ticket, Some(Offer::Own(Stay::Refused)));
                }
                Output::ApproveCallback { ticket, .. } => {
                    answerer.approve(now, ticket, Approval::Granted);
                }
                Output::Down(End::Callback(_)) => ends += 1,
                Output::Down(end) => panic!("{end:?}"),
                _ => {}
            }
        }
        while let Some(output) = caller.poll() {
            quiet = false;
            match output {
                Output::Send(octets) => answerer.receive(now, &octets),
                Output::AskSecret { ticket, .. } => {
                    let credentials = Credentials { name: "alice".into(), secret: "s3cret".into() };
                    caller.prove(now, ticket, Some(&credentials));
                }
                Output::Down(_) => ends += 1,
                _ => {}
            }
        }
        if quiet {
            let next = [answerer.deadline(), caller.deadline()].into_iter().flatten().min();
            now = next.map_or(now, |deadline| deadline.at);
            answerer.tick(now);
            caller.tick(now);
        }
    }
}
