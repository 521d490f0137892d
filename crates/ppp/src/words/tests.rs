//! The packets of the field in words, and that no packet has none.

use super::*;
use crate::hex::octets as hex_octets;

fn check(protocol: Protocol, packet: &str, wanted: &str) {
    assert_eq!(of(protocol, &hex_octets(packet)).to_string(), wanted, "{packet}");
}

#[test]
fn lcp_in_words() {
    for (packet, wanted) in [
        (
            "01 01 00 17 02 06 00 00 00 00 0d 03 06 05 06 1a 2b 3c 4d 07 02 08 02",
            "LCP Configure-Request 1: no control character escaped, callback by CBCP, magic number 1a2b3c4d, \
             short protocol numbers, no address and control",
        ),
        (
            "01 00 00 32 02 06 00 00 00 00 05 06 6f c9 29 a3 07 02 08 02 0d 03 06 11 04 06 4e 13 17 01 a0 a1 a2 a3 \
             a4 a5 a6 a7 a8 a9 aa ab ac ad ae af b0 b1 b2 b3",
            "LCP Configure-Request 0: no control character escaped, magic number 6fc929a3, short protocol numbers, \
             no address and control, callback by CBCP, multilink (MRRU 1614), \
             endpoint a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3",
        ),
        ("04 00 00 08 11 04 06 4e", "LCP Configure-Reject 0: multilink (MRRU 1614)"),
        (
            "01 02 00 0e 0d 0a 03 35 35 35 31 32 33 34",
            "LCP Configure-Request 2: callback to the number \"5551234\"",
        ),
        ("03 02 00 07 0d 03 06", "LCP Configure-Nak 2: callback by CBCP"),
        ("01 03 00 06 0d 02", "LCP Configure-Request 3: callback without an operation"),
        (
            "01 03 00 07 0d 03 c8",
            "LCP Configure-Request 3: callback by the unassigned operation 200",
        ),
        ("01 03 00 07 0d 03 00", "LCP Configure-Request 3: callback to the user's number"),
        ("01 03 00 09 03 05 c2 23 81", "LCP Configure-Request 3: proof by MS-CHAP 2"),
        ("01 03 00 09 03 05 c2 23 05", "LCP Configure-Request 3: proof by CHAP with MD5"),
        ("03 03 00 08 03 04 c0 23", "LCP Configure-Nak 3: proof by PAP"),
        ("03 03 00 08 03 04 c2 27", "LCP Configure-Nak 3: proof by EAP"),
        (
            "01 03 00 0e 01 04 05 78 02 06 00 0a 00 00",
            "LCP Configure-Request 3: MRU 1400, control characters 000a0000 escaped",
        ),
        ("01 03 00 07 63 03 01", "LCP Configure-Request 3: option 99 01"),
        ("01 03 00 07 63 04 01", "LCP Configure-Request 3: options that do not add up"),
        ("02 03 00 04", "LCP Configure-Ack 3"),
        (
            "05 02 00 18 43 61 6c 6c 20 6d 65 20 62 61 63 6b 2c 20 70 6c 65 61 73 65",
            "LCP Terminate-Request 2: \"Call me back, please\"",
        ),
        ("06 02 00 04", "LCP Terminate-Ack 2"),
        ("07 02 00 08 63 01 00 04", "LCP Code-Reject 2: code 99 is not known"),
        (
            "08 03 00 11 c0 29 01 01 00 0b 01 02 02 05 00 01 00",
            "LCP Protocol-Reject 3: CBCP is not spoken, 11 octets",
        ),
        ("08 03 00 0a c2 27 01 01 00 04", "LCP Protocol-Reject 3: EAP is not spoken, 4 octets"),
        ("09 04 00 08 1a 2b 3c 4d", "LCP Echo-Request 4: magic number 1a2b3c4d"),
        ("0a 04 00 0a 1a 2b 3c 4d 68 69", "LCP Echo-Reply 4: magic number 1a2b3c4d, \"hi\""),
        (
            "0c 05 00 0c 00 00 00 00 4d 53 07 ff",
            "LCP Identification 5: magic number 00000000, \"MS\\x07\\xff\"",
        ),
        ("0d 06 00 0c 00 00 00 00 00 00 02 58", "LCP Time-Remaining 6: 600 s"),
        ("63 06 00 05 00", "LCP code 99 6: 1 octet"),
        ("01 01 00 ff 00", "LCP broken packet: 5 octets, which do not make a packet"),
        ("", "LCP broken packet: 0 octets, which do not make a packet"),
    ] {
        check(Protocol::LCP, packet, wanted);
    }
}

#[test]
fn proofs_in_words_show_no_password() {
    for (protocol, packet, wanted) in [
        (
            Protocol::PAP,
            "01 01 00 11 05 61 6c 69 63 65 06 73 33 63 72 65 74",
            "PAP Authenticate-Request 1: \"alice\", with a password",
        ),
        (
            Protocol::PAP,
            "01 01 00 08 ff 73 33 63",
            "PAP Authenticate-Request 1: 4 octets that hold no name",
        ),
        (Protocol::PAP, "02 01 00 05 00", "PAP Authenticate-Ack 1"),
        (Protocol::PAP, "02 01 00 04", "PAP Authenticate-Ack 1"),
        (Protocol::PAP, "03 01 00 07 02 6e 6f", "PAP Authenticate-Nak 1: \"no\""),
        (Protocol::CHAP, "01 07 00 0a 02 de ad 73 72 76", "CHAP Challenge 7: \"srv\", 2 octets"),
        (Protocol::CHAP, "02 07 00 07 02 de ad", "CHAP Response 7: no name, 2 octets"),
        (Protocol::CHAP, "02 07 00 07 09 de ad", "CHAP Response 7: 3 octets that hold no value"),
        (Protocol::CHAP, "03 07 00 06 53 3d", "CHAP Success 7: \"S=\""),
        (Protocol::CHAP, "04 07 00 0d 45 3d 36 39 31 20 52 3d 30", "CHAP Failure 7: \"E=691 R=0\""),
    ] {
        check(protocol, packet, wanted);
    }
}

#[test]
fn callback_in_words() {
    for (packet, wanted) in [
        ("01 01 00 0b 01 02 02 05 00 01 00", "CBCP Request 1: no callback, the caller's number"),
        (
            "01 01 00 0e 01 02 03 03 00 02 05 00 01 00",
            "CBCP Request 1: no callback, the stored number, the caller's number",
        ),
        (
            "01 01 00 19 04 15 00 01 35 35 35 31 32 33 34 00 01 35 35 35 35 36 37 38 00",
            "CBCP Request 1: one of the list \"5551234\" \"5555678\"",
        ),
        (
            "02 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00",
            "CBCP Response 1: the caller's number \"5551234\" after 12 s",
        ),
        (
            "02 01 00 0f 02 0b 0c 01 35 35 35 31 32 33 34",
            "CBCP Response 1: the caller's number \"5551234\" after 12 s",
        ),
        ("02 01 00 07 03 03 05", "CBCP Response 1: the stored number after 5 s"),
        (
            "02 01 00 10 04 0c 05 01 35 35 35 35 36 37 38 00",
            "CBCP Response 1: one of the list \"5555678\" after 5 s",
        ),
        ("03 01 00 06 01 02", "CBCP Ack 1: no callback"),
        ("02 01 00 07 05 03 00", "CBCP Response 1: option 5 00"),
        ("02 01 00 08 02 04 05 02", "CBCP Response 1: option 2 0502"),
        ("02 01 00 06 01 07", "CBCP Response 1: options that do not add up"),
        ("04 01 00 04", "CBCP code 4 1: 0 octets"),
    ] {
        check(Protocol::CBCP, packet, wanted);
    }
}

#[test]
fn networks_in_words() {
    for (protocol, packet, wanted) in [
        (
            Protocol::IPCP,
            "01 01 00 16 03 06 0a 09 00 02 81 06 0a 00 00 35 02 06 00 2d 0f 01",
            "IPCP Configure-Request 1: address 10.9.0.2, DNS server 10.0.0.53, Van Jacobson's compression",
        ),
        (
            Protocol::IPV6CP,
            "02 01 00 0e 01 0a 02 00 5e ff fe 00 53 01",
            "IPV6CP Configure-Ack 1: interface identifier 200:5eff:fe00:5301",
        ),
        (
            Protocol::CCP,
            "01 01 00 0a 12 06 01 00 00 e1",
            "CCP Configure-Request 1: option 18 010000e1",
        ),
        (Protocol(0x802b), "01 01 00 04", "IPXCP Configure-Request 1"),
        (Protocol(0x002b), "00 00", "002b packet: 2 octets"),
        (
            Protocol::IPV4,
            "45 00 00 54 00 00 40 00 40 01 00 00 0a 09 00 01 0a 09 00 02 08 00",
            "IPv4 ICMP: 10.9.0.1 to 10.9.0.2, 84 octets",
        ),
        (
            Protocol::IPV6,
            "60 00 00 00 00 08 3a 40 fe80000000000000 0000000000000001 fe80000000000000 0000000000000002",
            "IPv6 ICMP: fe80::1 to fe80::2, 48 octets",
        ),
        (Protocol::IPV4, "45 00", "IPv4 packet: 2 octets"),
    ] {
        check(protocol, packet, wanted);
    }
}

#[test]
fn a_long_text_and_a_long_value_are_cut() {
    let mut terminate = vec![5, 1, 0, 104];
    terminate.extend([b'x'; 100]);
    assert_eq!(of(Protocol::LCP, &terminate).parts, [format!("\"{}\"..", "x".repeat(TEXT))]);
    let mut request = vec![1, 1, 0, 104, 99, 100];
    request.extend([0xab; 98]);
    assert_eq!(of(Protocol::LCP, &request).parts, [format!("option 99 {}..", "ab".repeat(24))]);
}

/// Whatever stands in it: words that are printable and bounded.
#[test]
fn every_packet_has_words() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..20_000_u32 {
        let mut octet = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()[3]
        };
        let protocols =
            [0xc021_u16, 0xc023, 0xc223, 0xc029, 0x8021, 0x8057, 0x80fd, 0x0021, 0x0057];
        let protocol = protocols[usize::from(octet()) % protocols.len()];
        let length = octet() % 48;
        let mut packet: Vec<u8> = (0..length).map(|_| octet()).collect();
        // Mostly with lengths that add up.
        if round % 4 != 0
            && let [code, _, high, low, rest @ ..] = packet.as_mut_slice()
        {
            (*code, *high, *low) = (*code % 15, 0, length);
            if let [_, option, ..] = rest {
                *option = length - 4;
            }
        }
        let words = of(Protocol(protocol), &packet).to_string();
        assert!(
            words.len() < 4_000 && words.bytes().all(|byte| (32..127).contains(&byte)),
            "{packet:02x?}: {words}"
        );
    }
}
