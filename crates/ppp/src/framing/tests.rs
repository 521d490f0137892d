//! Framing, by the worked frames, by damage, and by random data through random pieces.

use proptest::prelude::*;

use super::*;
use crate::hex::octets as hex;
use crate::protocol::Protocol;

/// A frame as its owner sees it.
type Owned = (Protocol, Vec<u8>);

fn decode(deframer: &mut Deframer, mut input: &[u8]) -> Vec<Owned> {
    let mut frames = Vec::new();
    while let Some(frame) = deframer.next(&mut input) {
        frames.push((frame.protocol, frame.information.to_vec()));
    }
    assert!(input.is_empty());
    frames
}

fn encode(framing: Framing, protocol: Protocol, information: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    framing.for_packet(protocol, information).encode(protocol, information, &mut out);
    out
}

const REQUEST: &str = "01 01 00 0b 01 02 02 05 00 01 00";

/// Complete frames: what is framed how, and the line's octets. The FCS octets were computed by two
/// independent routines and checked with pppdump of ppp 2.4.9.
fn worked() -> [(&'static str, Framing, Protocol, &'static str, &'static str); 8] {
    let framing = |accm, acfc| Framing { accm: Accm(accm), acfc, pfc: acfc };
    [
        (
            "A: a caller's Configure-Request",
            Framing::DEFAULT,
            Protocol::LCP,
            "01 01 00 17 02 06 00 00 00 00 0d 03 06 05 06 1a 2b 3c 4d 07 02 08 02",
            "7e ff 7d 23 c0 21 7d 21 7d 21 7d 20 7d 37 7d 22 7d 26 7d 20 7d 20 7d 20 7d 20
             7d 2d 7d 23 7d 26 7d 25 7d 26 7d 3a 2b 3c 4d 7d 27 7d 22 7d 28 7d 22 81 8a 7e",
        ),
        (
            "B: a callback Request, XON and XOFF escaped",
            framing(0x000a_0000, false),
            Protocol::CBCP,
            REQUEST,
            "7e ff 03 c0 29 01 01 00 0b 01 02 02 05 00 01 00 58 7c 7e",
        ),
        (
            "C: the same, nothing escaped, compressed",
            framing(0, true),
            Protocol::CBCP,
            REQUEST,
            "7e c0 29 01 01 00 0b 01 02 02 05 00 01 00 4f e6 7e",
        ),
        (
            "D: the same, everything escaped",
            Framing::DEFAULT,
            Protocol::CBCP,
            REQUEST,
            "7e ff 7d 23 c0 29 7d 21 7d 21 7d 20 7d 2b 7d 21 7d 22 7d 22 7d 25 7d 20 7d 21
             7d 20 58 7c 7e",
        ),
        (
            "E: a callback Response",
            Framing::DEFAULT,
            Protocol::CBCP,
            "02 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00",
            "7e ff 7d 23 c0 29 7d 22 7d 21 7d 20 7d 30 7d 22 7d 2c 7d 2c 7d 21 35 35 35 31
             32 33 34 7d 20 9c bc 7e",
        ),
        (
            "F: its Ack, compressed",
            framing(0, true),
            Protocol::CBCP,
            "03 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00",
            "7e c0 29 03 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00 71 84 7e",
        ),
        (
            "G: a Terminate-Request, in default framing whatever was agreed",
            framing(0, true),
            Protocol::LCP,
            "05 02 00 18 43 61 6c 6c 20 6d 65 20 62 61 63 6b 2c 20 70 6c 65 61 73 65",
            "7e ff 7d 23 c0 21 7d 25 7d 22 7d 20 7d 38 43 61 6c 6c 20 6d 65 20 62 61 63 6b
             2c 20 70 6c 65 61 73 65 bd ff 7e",
        ),
        (
            "H: a Terminate-Ack whose FCS has to be escaped",
            framing(0, true),
            Protocol::LCP,
            "06 02 00 04",
            "7e ff 7d 23 c0 21 7d 26 7d 22 7d 20 7d 24 94 7d 2d 7e",
        ),
    ]
}

#[test]
fn the_worked_frames_are_sent_and_received_octet_for_octet() {
    for (name, framing, protocol, information, line) in worked() {
        let (information, line) = (hex(information), hex(line));
        assert_eq!(encode(framing, protocol, &information), line, "{name}");
        for accm in [Accm::ALL, framing.accm] {
            // Frames with bare control characters are noise under the default map.
            if accm == Accm::ALL && framing.for_packet(protocol, &information).accm != Accm::ALL {
                continue;
            }
            let mut deframer = Deframer::new(64);
            deframer.set_accm(accm);
            assert_eq!(decode(&mut deframer, &line), [(protocol, information.clone())], "{name}");
        }
    }
}

#[test]
fn a_frame_may_come_one_octet_at_a_time() {
    for (name, framing, protocol, information, line) in worked() {
        let mut deframer = Deframer::new(64);
        deframer.set_accm(framing.for_packet(protocol, &hex(information)).accm);
        let frames: Vec<Owned> =
            hex(line).iter().flat_map(|octet| decode(&mut deframer, &[*octet])).collect();
        assert_eq!(frames, [(protocol, hex(information))], "{name}");
    }
}

#[test]
fn line_damage_is_dropped_and_counted() {
    let good = "7e c0 29 01 01 00 0b 01 02 02 05 00 01 00 4f e6 7e";
    let none = Counts::default();
    for (name, line, frames, counts) in [
        (
            "login text before the first flag",
            format!("6c 6f 67 {good}"),
            1,
            Counts { outside: 3, ..none },
        ),
        ("flags in a row", format!("7e 7e 7e {good} 7e 7e"), 1, none),
        (
            "one flag between two frames",
            format!("{good} {}", good.trim_start_matches("7e ")),
            2,
            none,
        ),
        ("a bit turned", good.replace("0b", "0a"), 0, Counts { bad_fcs: 1, ..none }),
        ("an octet lost", good.replace("0b ", ""), 0, Counts { bad_fcs: 1, ..none }),
        (
            "an aborted frame before a good one",
            format!("7e c0 29 01 7d {good}"),
            1,
            Counts { aborted: 1, ..none },
        ),
        ("a frame of three octets", format!("7e 21 00 00 {good}"), 1, Counts { runts: 1, ..none }),
        ("a frame of one octet", format!("7e 21 {good}"), 1, Counts { runts: 1, ..none }),
        (
            "a frame without end",
            format!("7e {} {good}", "55 ".repeat(65)),
            1,
            Counts { too_long: 1, ..none },
        ),
        (
            "a frame without end, in which escapes go on",
            format!("7e {} 7d 31 32 33 {good}", "55 ".repeat(65)),
            1,
            Counts { too_long: 1, outside: 4, ..none },
        ),
    ] {
        let mut deframer = Deframer::new(64);
        deframer.set_accm(Accm::NONE);
        let wanted = Counts { frames, ..counts };
        assert_eq!(decode(&mut deframer, &hex(&line)).len() as u64, frames, "{name}");
        assert_eq!(deframer.counts(), wanted, "{name}");
    }
}

#[test]
fn control_characters_that_equipment_inserts_are_taken_out_again() {
    let line = hex(
        "7e ff 7d 23 11 c0 29 7d 13 21 7d 21 13 7d 20 7d 2b 7d 21 7d 22 7d 22 7d 25 7d 20 7d 21
                    7d 20 58 7c 7e",
    );
    let mut deframer = Deframer::new(64);
    assert_eq!(decode(&mut deframer, &line), [(Protocol::CBCP, hex(REQUEST))]);
    assert_eq!(deframer.counts().stray_controls, 3);
}

#[test]
fn protocol_numbers_come_long_and_short() {
    for (body, wanted) in [
        ("ff 03 00 21 45", Some(Protocol::IPV4)),
        ("ff 03 21 45", Some(Protocol::IPV4)),
        ("00 21 45", Some(Protocol::IPV4)),
        ("21 45", Some(Protocol::IPV4)),
        ("c0 29 45", Some(Protocol::CBCP)),
        // Address and control alone: nothing is left for a protocol.
        ("ff 03", None),
        ("ff 03 c0", None),
    ] {
        let body = hex(body);
        let mut line = vec![FLAG];
        line.extend(&body);
        line.extend(crate::fcs::of(&body));
        line.push(FLAG);
        let mut deframer = Deframer::new(64);
        deframer.set_accm(Accm::NONE);
        let frames = decode(&mut deframer, &line);
        assert_eq!(frames.first().map(|frame| frame.0), wanted, "{body:02x?}");
    }
}

#[test]
fn a_frame_with_a_password_can_be_wiped_and_the_next_is_not_touched() {
    let mut line = encode(Framing::DEFAULT, Protocol::PAP, b"s3cret");
    Framing::DEFAULT.encode(Protocol::CBCP, b"next", &mut line);
    let mut deframer = Deframer::new(64);
    let mut input = line.as_slice();
    assert!(deframer.next(&mut input).is_some());
    deframer.wipe();
    assert!(deframer.frame.is_empty());
    assert_eq!(decode(&mut deframer, input), [(Protocol::CBCP, b"next".to_vec())]);
    // A frame under way is not a frame given out.
    let (start, end) = line.split_at(line.len() - 4);
    assert_eq!(decode(&mut deframer, start).len(), 1);
    deframer.wipe();
    assert_eq!(decode(&mut deframer, end).len(), 1);
}

#[test]
fn the_limit_counts_unescaped_octets() {
    let framing = Framing::DEFAULT;
    let line = encode(framing, Protocol::IPV4, &[0; 56]);
    assert!(line.len() > 64);
    assert_eq!(decode(&mut Deframer::new(62), &line).len(), 1);
    assert_eq!(decode(&mut Deframer::new(61), &line).len(), 0);
}

fn any_framing() -> impl Strategy<Value = Framing> {
    (
        prop_oneof![Just(0), Just(u32::MAX), Just(0x000a_0000), any::<u32>()],
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(accm, acfc, pfc)| Framing { accm: Accm(accm), acfc, pfc })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_framed_comes_back_through_any_pieces(
        framing in any_framing(),
        packets in prop::collection::vec(
            (prop_oneof![Just(0x21_u16), Just(0x57), Just(0xc029), Just(0xc021)], prop::collection::vec(any::<u8>(), 1..200)),
            1..6,
        ),
        piece in 1_usize..40,
        noise in prop::collection::vec(0_u8..0x7d, 0..10),
    ) {
        let mut line = noise;
        let mut wanted = Vec::new();
        for (number, information) in packets {
            framing.encode(Protocol(number), &information, &mut line);
            wanted.push((Protocol(number), information));
        }
        // Information that begins like address and control is told apart only when those are sent.
        prop_assume!(!framing.acfc || wanted.iter().all(|frame| frame.1.first() != Some(&0x03)));
        let mut deframer = Deframer::new(1600);
        deframer.set_accm(framing.accm);
        let got: Vec<Owned> = line.chunks(piece).flat_map(|piece| decode(&mut deframer, piece)).collect();
        prop_assert_eq!(got, wanted);
    }

    #[test]
    fn noise_never_breaks_the_frame_that_follows(noise in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut line = noise;
        // Two flags: the first may complete an abort.
        line.push(FLAG);
        Framing::DEFAULT.encode(Protocol::CBCP, b"hello", &mut line);
        let mut deframer = Deframer::new(64);
        let frames = decode(&mut deframer, &line);
        prop_assert_eq!(frames.last(), Some(&(Protocol::CBCP, b"hello".to_vec())));
        prop_assert!(deframer.frame.capacity() <= 128);
    }
}
