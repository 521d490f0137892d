//! The twenty-four worked packets, built by our own code octet for octet.
//!
//! Their lengths were checked by a script, and those that MS-CBCP §4.2 prints agree with it.

use dialback_ppp::auth::{Claimant, ClaimantFact, Credentials, Limits, Method};
use dialback_ppp::cbcp::wire::{ACK, REQUEST, RESPONSE, read_response, write, write_choice};
use dialback_ppp::cbcp::{Choice, NumberList, Offer, Stay};
use dialback_ppp::framing::{Accm, Deframer};
use dialback_ppp::lcp::callback::Proposal;
use dialback_ppp::link::{Link, Output};
use dialback_ppp::packet::{Packet, push_item};
use dialback_ppp::personality::Personality;
use dialback_ppp::random::Random;
use dialback_ppp::time::Instant;

use super::bench::show;

fn request(id: u8, offer: &Offer) -> String {
    show(&write(REQUEST, id, &offer.options()))
}

fn response(code: u8, choice: &Choice, delay: u8) -> String {
    show(&write(code, 1, &write_choice(choice, delay)))
}

fn number(text: &str) -> Choice {
    Choice::Number(text.into())
}

/// The first packet that a link of this personality says, its magic number replaced.
fn first_request(personality: Personality, magic: &str) -> String {
    let mut link = Link::new(personality.caller(Some("5551234".into())), [3; 32], Instant::ZERO);
    let mut said = Vec::new();
    while let Some(output) = link.poll() {
        if let Output::Send(octets) = output {
            said.extend(octets);
        }
    }
    let mut deframer = Deframer::new(200);
    deframer.set_accm(Accm::ALL);
    let packet = deframer.next(&mut said.as_slice()).unwrap().information.to_vec();
    let at = packet.windows(2).position(|pair| pair == [5, 6]).unwrap() + 2;
    show(&packet).replace(&show(&packet[at..at + 4]), magic)
}

#[test]
fn packets_1_to_5_and_21_to_23_of_lcp() {
    assert_eq!(
        first_request(Personality::Pppd, "1a 2b 3c 4d"),
        "01 01 00 17 02 06 00 00 00 00 0d 03 06 05 06 1a 2b 3c 4d 07 02 08 02"
    );
    let windows = first_request(Personality::Windows, "6f c9 29 a3");
    let wanted =
        "01 01 00 32 02 06 00 00 00 00 05 06 6f c9 29 a3 07 02 08 02 0d 03 06 11 04 06 4e 13 17 01";
    assert!(windows.starts_with(wanted), "{windows}");
    // 3 is checked by c09, 5 by c05, 21 by c63, 23 by c56.
    let mut asks = Vec::new();
    push_item(&mut asks, 13, &Proposal::Number(b"5551234".to_vec()).value());
    let packet = Packet { code: 1, id: 2, body: &asks };
    assert_eq!(show(&packet.write()), "01 02 00 0e 0d 0a 03 35 35 35 31 32 33 34");
    let farewell = Personality::Pppd.caller(None).farewell;
    let packet = Packet { code: 5, id: 2, body: farewell.as_bytes() };
    assert_eq!(
        show(&packet.write()),
        "05 02 00 18 43 61 6c 6c 20 6d 65 20 62 61 63 6b 2c 20 70 6c 65 61 73 65"
    );
}

#[test]
fn packets_6_to_20_of_cbcp() {
    let list = NumberList::new(vec!["5551234".into(), "5555678".into()]).unwrap();
    for (built, wanted) in [
        (request(1, &Offer::Own(Stay::Allowed)), "01 01 00 0b 01 02 02 05 00 01 00"),
        (
            request(1, &Offer::AdministratorOrOwn(Stay::Allowed)),
            "01 01 00 0e 01 02 03 03 00 02 05 00 01 00",
        ),
        (request(2, &Offer::Own(Stay::Allowed)), "01 02 00 0b 01 02 02 05 00 01 00"),
        (
            response(RESPONSE, &number("5551234"), 12),
            "02 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00",
        ),
        (response(ACK, &number("5551234"), 12), "03 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00"),
        (request(1, &Offer::Administrator(Stay::Refused)), "01 01 00 07 03 03 00"),
        (response(RESPONSE, &Choice::Administrator, 5), "02 01 00 07 03 03 05"),
        (response(ACK, &Choice::Administrator, 5), "03 01 00 07 03 03 05"),
        (request(1, &Offer::NoCallback), "01 01 00 06 01 02"),
        (response(RESPONSE, &Choice::None, 5), "02 01 00 06 01 02"),
        (response(ACK, &Choice::None, 5), "03 01 00 06 01 02"),
        (
            request(1, &Offer::List(list, Stay::Refused)),
            "01 01 00 19 04 15 00 01 35 35 35 31 32 33 34 00 01 35 35 35 35 36 37 38 00",
        ),
        (
            response(RESPONSE, &Choice::Listed("5555678".into()), 5),
            "02 01 00 10 04 0c 05 01 35 35 35 35 36 37 38 00",
        ),
        (
            show(&write(RESPONSE, 1, Personality::OldPppd.caller(None).wish.manners.none_option)),
            "02 01 00 07 01 03 00",
        ),
        (response(RESPONSE, &number(""), 5), "02 01 00 09 02 05 05 01 00"),
    ] {
        assert_eq!(built, wanted);
    }
    // Those that we only read: 18, a number without NUL, and 20, FreeBSD's Request (see c30 and the
    // caller's table).
    let without_nul = super::bench::hex("02 0b 0c 01 35 35 35 31 32 33 34");
    assert_eq!(read_response(&without_nul).unwrap().choice, number("5551234"));
}

#[test]
fn packet_20_is_freebsd_s_request_and_every_caller_answers_it() {
    for personality in Personality::ALL {
        let mut caller = dialback_ppp::cbcp::Caller::new(
            personality.caller(Some("5551234".into())).wish,
            Instant::ZERO,
        );
        caller.receive(Instant::ZERO, &super::bench::hex("01 00 00 08 02 04 00 01"));
        caller.tick(Instant::from_secs(29));
        let Some(dialback_ppp::cbcp::CallerFact::Send(packet)) = caller.poll() else {
            panic!("{personality:?} does not answer");
        };
        assert_eq!((packet[1], packet[4]), (0, 2), "{personality:?}");
    }
}

#[test]
fn packet_24_of_pap() {
    let random = Random::new([1; 32], "unused");
    let mut claimant = Claimant::new(Method::Pap, Limits::default(), random, Instant::ZERO);
    claimant.poll();
    let credentials = Credentials { name: "alice".into(), secret: "s3cret".into() };
    claimant.secret(Instant::ZERO, Some(&credentials));
    let Some(ClaimantFact::Send(packet)) = claimant.poll() else { panic!("no request") };
    assert_eq!(show(&packet), "01 01 00 11 05 61 6c 69 63 65 06 73 33 63 72 65 74");
    claimant.receive(&super::bench::hex("02 01 00 05 00"));
    assert_eq!(claimant.poll(), Some(ClaimantFact::Passed));
}
