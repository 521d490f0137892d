//! Any packets into each protocol by itself: no panic, and answers in proportion.
#![cfg_attr(fuzzing, no_main)]

use std::time::Duration;

use dialback_ppp::auth::{self, Authenticator, Claimant, Credentials, Method};
use dialback_ppp::cbcp::{Answerer, Caller, NumberList, Offer, Stay, Terms};
use dialback_ppp::lcp::{Keepalive, Lcp};
use dialback_ppp::ncp::{Ipcp, Ipv4Wishes, Ipv6Wishes, Ipv6cp, PeerAddress};
use dialback_ppp::negotiation::{Limits, Negotiation, Options};
use dialback_ppp::packet::Packet;
use dialback_ppp::personality::Personality;
use dialback_ppp::random::Random;
use dialback_ppp::time::Instant;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|octets: &[u8]| run(octets));

/// The first octet chooses the protocol, the second a variant of it; the rest are packets, each after an
/// octet of length and one of waiting.
pub fn run(octets: &[u8]) {
    let [choice, variant, rest @ ..] = octets else { return };
    let variant = usize::from(*variant);
    let packets = packets(rest);
    match choice % 6 {
        0 => lcp(variant, &packets),
        1 => authenticator(variant, &packets),
        2 => claimant(variant, &packets),
        3 => answerer(variant, &packets),
        4 => caller(variant, &packets),
        _ => networks(variant, &packets),
    }
}

type Timed<'a> = (Duration, &'a [u8]);

fn packets(mut octets: &[u8]) -> Vec<Timed<'_>> {
    let mut found = Vec::new();
    while let [length, wait, rest @ ..] = octets {
        let (packet, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        found.push((Duration::from_millis(u64::from(*wait) * 40), packet));
        octets = rest;
    }
    found
}

fn random() -> Random {
    Random::new([9; 32], "fuzz")
}

/// More than any packet may cause; a machine that goes on beyond it spins.
const MANY: usize = 50;

fn lcp(variant: usize, packets: &[Timed<'_>]) {
    let configs = Personality::ALL.map(|personality| personality.caller(Some("5551234".into())));
    let wishes = configs[variant % configs.len()].lcp.clone();
    let mut lcp = Lcp::new(wishes, Limits::default(), Some(Keepalive::default()), random());
    let mut now = Instant::ZERO;
    lcp.open(now);
    for (wait, packet) in packets {
        now = now + *wait;
        lcp.tick(now);
        lcp.receive(now, packet);
        assert!(std::iter::from_fn(|| lcp.poll()).count() < MANY);
    }
}

const METHODS: [Method; 4] = [Method::Pap, Method::MsChapV1, Method::ChapMd5, Method::MsChapV2];

fn authenticator(variant: usize, packets: &[Timed<'_>]) {
    let mut now = Instant::ZERO;
    let method = METHODS[variant % 4];
    let mut machine =
        Authenticator::new(method, "us".into(), auth::Limits::default(), random(), now);
    let mut judged = 0;
    for (wait, packet) in packets {
        now = now + *wait;
        machine.tick(now);
        machine.receive(packet);
        let mut facts = 0;
        while let Some(fact) = machine.poll() {
            facts += 1;
            assert!(facts < MANY);
            if let auth::AuthenticatorFact::Verify(claim) = fact {
                judged += 1;
                let _ = claim.check(&"s3cret".into());
                machine.answer(
                    &auth::Answer::Refused(auth::Refusal::WrongPassword),
                    auth::Duty::None,
                    false,
                );
            }
        }
    }
    assert!(judged <= 3, "a password tried {judged} times");
}

fn claimant(variant: usize, packets: &[Timed<'_>]) {
    let mut now = Instant::ZERO;
    let mut machine = Claimant::new(METHODS[variant % 4], auth::Limits::default(), random(), now);
    let credentials = Credentials { name: "alice".into(), secret: "s3cret".into() };
    for (wait, packet) in packets {
        now = now + *wait;
        machine.tick(now);
        machine.receive(packet);
        let mut facts = 0;
        while let Some(fact) = machine.poll() {
            facts += 1;
            assert!(facts < MANY);
            if let auth::ClaimantFact::AskSecret(_) = fact {
                machine.secret(now, Some(&credentials));
            }
        }
    }
}

fn answerer(variant: usize, packets: &[Timed<'_>]) {
    let list = NumberList::new(vec!["5551234".into(), "5555678".into()]).expect("two numbers fit");
    let offers = [
        Offer::NoCallback,
        Offer::Administrator(Stay::Refused),
        Offer::Own(Stay::Allowed),
        Offer::AdministratorOrOwn(Stay::Refused),
        Offer::List(list, Stay::Allowed),
    ];
    let offer = offers[variant % offers.len()].clone();
    let mut now = Instant::ZERO;
    let mut machine = Answerer::new(offer.clone(), Terms::default(), now);
    for (wait, packet) in packets {
        now = now + *wait;
        machine.tick(now);
        machine.receive(now, packet);
        let mut facts = 0;
        while let Some(fact) = machine.poll() {
            facts += 1;
            assert!(facts < MANY);
            if let dialback_ppp::cbcp::AnswererFact::Approve(agreed) = fact {
                assert!(offer.permits(&agreed.choice));
                let harmless = |letter: char| letter.is_ascii_digit() || "*#+".contains(letter);
                assert!(agreed.number.iter().all(|number| number.chars().all(harmless)));
                machine.approve(now);
            }
        }
    }
}

fn caller(variant: usize, packets: &[Timed<'_>]) {
    let personality = Personality::ALL[variant % Personality::ALL.len()];
    let number = (variant < 128).then(|| "5551234".into());
    let mut now = Instant::ZERO;
    let mut machine = Caller::new(personality.caller(number).wish, now);
    for (wait, packet) in packets {
        now = now + *wait;
        machine.tick(now);
        machine.receive(now, packet);
        assert!(std::iter::from_fn(|| machine.poll()).count() < MANY);
    }
}

fn networks(variant: usize, packets: &[Timed<'_>]) {
    let local = (variant & 1 == 0).then_some(std::net::Ipv4Addr::new(10, 0, 0, 1));
    let peer = match variant >> 1 & 3 {
        0 => PeerAddress::Any,
        1 => PeerAddress::Offered(std::net::Ipv4Addr::new(10, 0, 0, 2)),
        _ => PeerAddress::Assigned(std::net::Ipv4Addr::new(10, 0, 0, 2)),
    };
    let wishes = Ipv4Wishes {
        local,
        peer,
        dns: [local, None],
        nbns: [None; 2],
        asks_servers: variant & 8 != 0,
    };
    negotiate(Ipcp::new(wishes), packets);
    negotiate(Ipv6cp::new(Ipv6Wishes::default(), random()), packets);
}

fn negotiate<O: Options>(options: O, packets: &[Timed<'_>]) {
    let mut machine = Negotiation::new(options, Limits::default());
    let mut now = Instant::ZERO;
    machine.open(now);
    for (wait, packet) in packets {
        now = now + *wait;
        machine.tick(now);
        if let Some(packet) = Packet::read(packet) {
            machine.receive(now, packet);
        }
        assert!(std::iter::from_fn(|| machine.poll()).count() < MANY);
    }
}
