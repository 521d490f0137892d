//! How fast frames are made and taken apart, what a session's packet costs, and what a whole callback call does.
//!
//! `cargo bench -p dialback-ppp`. Speeds count octets of packets, not of the line; each is the best of
//! several rounds, because a shared machine only ever makes them slower. Beside each stands how many times
//! that of a peer it is, who does the same one octet at a time, in the same run.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a benchmark reads the clock, prints, and ends at the first surprise"
)]

mod peer;

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant as Clock};

use dialback_ppp::auth::{Answer, Credentials, Duty, Method};
use dialback_ppp::cbcp::{Offer, Stay};
use dialback_ppp::fcs;
use dialback_ppp::framing::{Accm, Deframer, Framing};
use dialback_ppp::link::{Approval, Config, End, Link, Output};
use dialback_ppp::ncp::{Ipv4Wishes, PeerAddress};
use dialback_ppp::protocol::Protocol;
use dialback_ppp::time::Instant;

const PACKET: usize = 1500;
const PACKETS: usize = 200;
const ROUNDS: usize = 15;

fn main() {
    let text: Vec<u8> = (0..PACKET).map(|n| b"the quick brown fox "[n % 20]).collect();
    let random = random_octets();
    let worst = vec![0x7e; PACKET];
    println!(
        "packets of {PACKET} octets, one core     framing MB/s (× the peer)   deframing MB/s (× the peer)"
    );
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
        let peer_made = megabytes_per_second(|| {
            let mut line = Vec::new();
            for _ in 0..PACKETS {
                peer::encode(accm, black_box(packet), &mut line);
            }
            black_box(line);
        });
        let peer_taken = megabytes_per_second(|| {
            let mut decoder = peer::Decoder::new(accm);
            let pieces = black_box(&line).chunks(4096);
            assert_eq!(pieces.map(|piece| decoder.receive(piece)).sum::<usize>(), PACKETS);
        });
        println!(
            "  {name:<30} {made:>12.0} ({:>4.1}) {taken:>26.0} ({:>4.1})",
            made / peer_made,
            taken / peer_taken
        );
    }
    let sum = megabytes_per_second(|| {
        for _ in 0..PACKETS {
            black_box(fcs::of(black_box(&random)));
        }
    });
    println!("  {:<30} {sum:>12.0}", "FCS alone");

    println!("packets of a session, from one link to the other, one core");
    for size in [64, 576, 1500] {
        let time = session(size);
        println!(
            "  {:<30} {:>12.0} packets/s {:>9.0} MB/s",
            format!("{size} octets"),
            1.0 / time,
            size as f64 / time / 1e6
        );
    }

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

/// Seconds that a packet takes from one link to the other, framing and deframing included.
fn session(size: usize) -> f64 {
    let ipv4 = |own: u8, other: u8| Ipv4Wishes {
        local: Some(Ipv4Addr::new(10, 0, 0, own)),
        peer: PeerAddress::Assigned(Ipv4Addr::new(10, 0, 0, other)),
        dns: [None; 2],
        nbns: [None; 2],
        asks_servers: false,
    };
    let link = |own: u8, other: u8| {
        let config = Config { ipv4: Some(ipv4(own, other)), ..Config::caller(None) };
        Link::new(config, [own; 32], Instant::ZERO)
    };
    let (mut one, mut other) = (link(1, 2), link(2, 1));
    let mut up = 0;
    while up < 2 {
        up += carry(&mut one, &mut other) + carry(&mut other, &mut one);
    }
    let mut packet = random_octets();
    packet.truncate(size);
    packet[0] = 0x45;
    let mut least = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Clock::now();
        for _ in 0..PACKETS {
            one.send_packet(black_box(&packet)).unwrap();
            carry(&mut one, &mut other);
            assert_eq!(carry(&mut other, &mut one), 1);
        }
        least = least.min(start.elapsed().as_secs_f64() / PACKETS as f64);
    }
    least
}

/// Carries what one link says to the other; how many networks came up and packets arrived there.
fn carry(from: &mut Link, to: &mut Link) -> usize {
    let mut count = 0;
    while let Some(output) = from.poll() {
        match output {
            Output::Send(octets) => to.receive(Instant::ZERO, &octets),
            Output::Ipv4Up(_) => count += 1,
            Output::Packet(_) => count += 1,
            Output::Down(end) => panic!("{end:?}"),
            _ => {}
        }
    }
    count
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
