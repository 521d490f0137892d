//! Peers that mean harm: each comes to an end in bounded time, and costs bounded work and memory.

use std::time::Duration;

use dialback_ppp::framing::{Accm, Framing};
use dialback_ppp::link::{Config, Link, Output};
use dialback_ppp::personality::Personality;
use dialback_ppp::protocol::Protocol;
use dialback_ppp::time::Instant;
use proptest::prelude::*;

use super::bench::{Bench, PAP_ALICE, Policy, hex, own_or_none, pap_answerer};
use super::pair::{Faults, Pair};
use super::personalities::{answerer, with_networks};

/// Drains a link; returns how many octets it wanted sent, and whether it is over.
fn drain(link: &mut Link) -> usize {
    let mut sent = 0;
    while let Some(output) = link.poll() {
        if let Output::Send(octets) = output {
            sent += octets.len();
        }
    }
    sent
}

fn lines(packets: &[(Protocol, &str)]) -> Vec<u8> {
    let mut line = Vec::new();
    for (protocol, packet) in packets {
        Framing::DEFAULT.encode(*protocol, &hex(packet), &mut line);
    }
    line
}

#[test]
fn a_line_that_sends_everything_back_is_left_at_once() {
    for config in [answerer(), with_networks(Personality::Pppd.caller(Some("5551234".into())))] {
        let mut link = Link::new(config, [1; 32], Instant::ZERO);
        let mut now = Instant::ZERO;
        for _ in 0..1_000 {
            let mut echo = Vec::new();
            while let Some(output) = link.poll() {
                if let Output::Send(octets) = output {
                    echo.extend(octets);
                }
            }
            if link.is_over() {
                break;
            }
            now = now + Duration::from_millis(10);
            link.receive(now, &echo);
            link.tick(now);
        }
        assert!(link.is_over() && now < Instant::from_secs(30));
    }
}

#[test]
fn a_peer_that_naks_for_ever_is_given_up() {
    let mut bench = Bench::new(pap_answerer(), Policy::offers(own_or_none()));
    for round in 0_u32.. {
        assert!(round < 30, "no end");
        if bench.has("LCP 05") {
            break;
        }
        let id = bench.last("LCP 01").split(' ').nth(2).unwrap().to_owned();
        bench.send(Protocol::LCP, &format!("03 {id} 00 0a 05 06 01 02 03 04"));
    }
    bench.seconds(6);
    assert!(bench.has("down: NotConverging"));
}

#[test]
fn ten_thousand_requests_a_second_end_the_link_and_cost_no_more_than_they_are() {
    let request = lines(&[(Protocol::LCP, "01 01 00 07 63 03 01")]);
    let mut link = Link::new(pap_answerer(), [1; 32], Instant::ZERO);
    let (mut heard, mut said) = (0, drain(&mut link));
    for n in 0..10_000_u64 {
        let now = Instant::from_micros(n * 100);
        link.receive(now, &request);
        heard += request.len();
        said += drain(&mut link);
    }
    link.tick(Instant::from_secs(20));
    link.tick(Instant::from_secs(23));
    drain(&mut link);
    assert!(link.is_over());
    assert!(said < heard / 20 + 4_000, "{said} octets said to {heard} heard");
}

#[test]
fn a_peer_that_restarts_in_every_phase_is_given_up() {
    for stop_after in 0..4 {
        let mut bench = Bench::new(pap_answerer(), Policy::offers(own_or_none()));
        let mut restarts = 0;
        while !bench.has("down") {
            restarts += 1;
            assert!(restarts < 40, "no end when restarting after step {stop_after}");
            let request = format!("01 {restarts:02x} 00 07 0d 03 06");
            bench.send(Protocol::LCP, &request);
            if stop_after > 0 && bench.has("LCP 01") {
                bench.ack_our_request();
            }
            if stop_after > 1 {
                bench.send(Protocol::PAP, PAP_ALICE);
            }
            if stop_after > 2 {
                bench.cbcp("02 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00");
            }
            bench.seconds(if stop_after == 0 { 3 } else { 7 });
        }
        assert!(!bench.has("down: Callback("), "{stop_after}");
    }
}

#[test]
fn an_endless_frame_and_endless_noise_cost_no_memory() {
    let mut link = Link::new(pap_answerer(), [1; 32], Instant::ZERO);
    drain(&mut link);
    let noise: Vec<u8> =
        (0..1_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x80).collect();
    link.receive(Instant::ZERO, b"\x7e");
    link.receive(Instant::ZERO, &noise);
    assert_eq!(drain(&mut link), 0);
    assert_eq!(link.counts().too_long, 1);
}

#[test]
fn an_owner_that_does_not_drain_keeps_a_bounded_queue() {
    let mut bench = Bench::in_callback(own_or_none());
    let echo = lines(&[
        (Protocol::LCP, "09 01 00 08 01 02 03 04"),
        (Protocol::LCP, "0c 01 00 08 00 00 00 00"),
    ]);
    let flood: Vec<u8> = echo.repeat(1_000);
    for _ in 0..40 {
        bench.link.receive(bench.now, &flood);
    }
    let mut waiting = 0;
    while let Some(output) = bench.link.poll() {
        waiting += match output {
            Output::Send(octets) | Output::Identified(octets) => octets.len(),
            _ => 0,
        };
    }
    assert!(waiting < 2 << 20, "{waiting} octets waited");
}

#[test]
fn passwords_cannot_be_tried_for_ever() {
    let mut policy = Policy::offers(own_or_none());
    policy.refusal = Some(dialback_ppp::auth::Refusal::WrongPassword);
    let mut bench = Bench::opened(pap_answerer(), policy, "");
    for id in 1..=50_u8 {
        bench.send(Protocol::PAP, &format!("01 {id:02x}{}", &PAP_ALICE.get(5..).unwrap()));
    }
    let tries = bench.lines().iter().filter(|line| line.starts_with("verify")).count();
    assert_eq!(tries, 3);
}

/// A link that begins anew is the same call: it has no new tries.
#[test]
fn passwords_cannot_be_tried_by_beginning_anew() {
    let mut policy = Policy::offers(own_or_none());
    policy.refusal = Some(dialback_ppp::auth::Refusal::WrongPassword);
    let mut bench = Bench::opened(pap_answerer(), policy, "");
    let mut tries = 0;
    for id in 2..=9_u8 {
        bench.send(Protocol::PAP, &format!("01 {id:02x}{}", &PAP_ALICE.get(5..).unwrap()));
        tries += bench.lines().iter().filter(|line| line.starts_with("verify")).count();
        bench.send(Protocol::LCP, &format!("01 {id:02x} 00 04"));
        if bench.has("LCP 01") {
            bench.ack_our_request();
        }
    }
    assert_eq!(tries, 3);
}

fn any_packet() -> impl Strategy<Value = (u16, Vec<u8>)> {
    let protocol = prop_oneof![
        Just(0xc021_u16),
        Just(0xc023),
        Just(0xc223),
        Just(0xc029),
        Just(0x8021),
        Just(0x8057),
        Just(0x80fd),
        Just(0x0021),
        any::<u16>(),
    ];
    // Mostly well formed: a small code and identifier, the right length, options of small numbers.
    let options = prop::collection::vec((0_u8..20, prop::collection::vec(any::<u8>(), 0..8)), 0..5);
    let formed = (0_u8..14, 0_u8..6, options).prop_map(|(code, id, options)| {
        let mut packet = vec![code, id, 0, 0];
        for (kind, value) in options {
            packet.extend([kind, u8::try_from(value.len() + 2).unwrap()]);
            packet.extend(value);
        }
        packet[3] = u8::try_from(packet.len()).unwrap();
        packet
    });
    let raw = prop::collection::vec(any::<u8>(), 0..40);
    (protocol, prop_oneof![4 => formed, 1 => raw])
}

fn any_role() -> impl Strategy<Value = Config> {
    (0..=Personality::ALL.len()).prop_map(|role| match Personality::ALL.get(role) {
        Some(personality) => with_networks(personality.caller(Some("5551234".into()))),
        None => answerer(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// No panic, no spinning, output in proportion to input, and no promise without an approval.
    #[test]
    fn no_packets_in_any_order_do_harm(
        config in any_role(),
        packets in prop::collection::vec((any_packet(), 0_u64..4_000), 0..60),
    ) {
        let mut policy = Policy::offers(own_or_none());
        policy.approval = None;
        let mut bench = Bench::new(config, policy);
        for ((protocol, packet), wait) in packets {
            let mut line = Vec::new();
            let framing = Framing { accm: Accm::ALL, acfc: false, pfc: false };
            framing.encode(Protocol(protocol), &packet, &mut line);
            bench.raw(&line);
            bench.wait(Duration::from_millis(wait));
            let lines = bench.lines();
            prop_assert!(lines.len() < 40, "{lines:?}");
            prop_assert!(!lines.iter().any(|line| line.starts_with("agreed")), "{lines:?}");
        }
        // Nothing more is heard: it comes to an end by itself, or is a session that the line watches.
        bench.seconds(600);
        let open = bench.link.lcp().is_open();
        prop_assert!(bench.link.is_over() || open, "{:?}", bench.lines());
    }

    /// A real call into which octets are thrown.
    #[test]
    fn noise_on_a_real_call_does_no_harm(seed in any::<u64>(), damage in 0_u64..80) {
        let caller = with_networks(Personality::Standard.caller(Some("5551234".into())));
        let faults = Faults { damage, ..Faults::default() };
        let mut pair = Pair::new(answerer(), caller, faults, seed);
        pair.offer = Some(own_or_none());
        pair.run();
        prop_assert!(pair.answerer.end.is_some() || pair.answerer.up > 0);
    }
}
