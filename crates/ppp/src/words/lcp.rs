//! LCP in words (RFC 1661 §5 and §6, RFC 1662 §7.1, RFC 1570, and the options of others by the registry at IANA).

use super::{Parts, automaton_body, automaton_code, hex, octets, quoted, unknown_option};
use crate::auth::Method;
use crate::packet::Packet;
use crate::protocol::Protocol;

pub(super) fn packet(packet: Packet<'_>) -> Parts {
    if let Some(kind) = automaton_code(packet.code) {
        return (kind.to_owned(), automaton_body(packet, option));
    }
    let (kind, parts) = match (packet.code, packet.body) {
        (8, [high, low, rejected @ ..]) => {
            let protocol = super::protocol_name(Protocol(u16::from_be_bytes([*high, *low])));
            let rejected = octets(rejected.len());
            ("Protocol-Reject", vec![format!("{protocol} is not spoken"), rejected])
        }
        (9, body) => ("Echo-Request", magic_and_text(body)),
        (10, body) => ("Echo-Reply", magic_and_text(body)),
        (11, body) => ("Discard-Request", magic_and_text(body)),
        (12, body) => ("Identification", magic_and_text(body)),
        (13, [magic @ .., a, b, c, d]) if magic.len() == 4 => {
            let seconds = u32::from_be_bytes([*a, *b, *c, *d]);
            ("Time-Remaining", vec![format!("{seconds} s")])
        }
        (13, body) => ("Time-Remaining", vec![octets(body.len())]),
        (8, body) => ("Protocol-Reject", vec![octets(body.len())]),
        (code, body) => return (format!("code {code}"), vec![octets(body.len())]),
    };
    (kind.to_owned(), parts)
}

fn magic_and_text(body: &[u8]) -> Vec<String> {
    match body.split_first_chunk::<4>() {
        Some((magic, [])) => vec![format!("magic number {}", hex(magic))],
        Some((magic, text)) => vec![format!("magic number {}", hex(magic)), quoted(text)],
        None => vec![octets(body.len())],
    }
}

fn option(kind: u8, value: &[u8]) -> String {
    match (kind, value) {
        (1, [high, low]) => format!("MRU {}", u16::from_be_bytes([*high, *low])),
        (2, [0, 0, 0, 0]) => "no control character escaped".to_owned(),
        (2, [255, 255, 255, 255]) => "all control characters escaped".to_owned(),
        (2, map) => format!("control characters {} escaped", hex(map)),
        (3, value) => authentication(value),
        (4, [0xc0, 0x25, ..]) => "link quality reports".to_owned(),
        (4, value) => format!("link quality by {}", hex(value)),
        (5, magic) => format!("magic number {}", hex(magic)),
        (7, []) => "short protocol numbers".to_owned(),
        (8, []) => "no address and control".to_owned(),
        (9, [alternatives]) => format!("other FCS {alternatives:02x}"),
        (10, [most]) => format!("self-describing padding {most}"),
        (13, value) => callback(value),
        (17, [high, low]) => format!("multilink (MRRU {})", u16::from_be_bytes([*high, *low])),
        (18, []) => "multilink with short sequence numbers".to_owned(),
        (19, [class, address @ ..]) => endpoint(*class, address),
        (23, [high, low]) => {
            format!("link discriminator {}", u16::from_be_bytes([*high, *low]))
        }
        (kind, value) => unknown_option(kind, value),
    }
}

fn authentication(value: &[u8]) -> String {
    let name = match (Method::from_value(value), value) {
        (Some(Method::Pap), _) => "PAP",
        (Some(Method::ChapMd5), _) => "CHAP with MD5",
        (Some(Method::MsChapV1), _) => "MS-CHAP 1",
        (Some(Method::MsChapV2), _) => "MS-CHAP 2",
        (None, [0xc2, 0x27]) => "EAP",
        (None, [0xc0, 0x27, ..]) => "SPAP",
        (None, [0xc2, 0x23, algorithm]) => {
            return format!("proof by CHAP with algorithm {algorithm}");
        }
        (None, _) => return format!("proof by {}", hex(value)),
    };
    format!("proof by {name}")
}

fn callback(value: &[u8]) -> String {
    match value {
        [] => "callback without an operation".to_owned(),
        [0, ..] => "callback to the user's number".to_owned(),
        [1, text @ ..] => format!("callback to the dial string {}", quoted(text)),
        [2, text @ ..] => format!("callback to the location {}", quoted(text)),
        [3, text @ ..] => format!("callback to the number {}", quoted(text)),
        [4, text @ ..] => format!("callback to the distinguished name {}", quoted(text)),
        [6] => "callback by CBCP".to_owned(),
        [6, message @ ..] => format!("callback by CBCP with {}", quoted(message)),
        [operation, ..] => format!("callback by the unassigned operation {operation}"),
    }
}

/// RFC 1990 §5.1.3.
fn endpoint(class: u8, address: &[u8]) -> String {
    match (class, address) {
        (0, _) => "no endpoint".to_owned(),
        (1, _) => format!("endpoint {}", hex(address)),
        (2, [a, b, c, d]) => format!("endpoint {a}.{b}.{c}.{d}"),
        (3, [a, b, c, d, e, f]) => {
            format!("endpoint {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
        }
        (5, _) => format!("endpoint at the number {}", quoted(address)),
        (_, _) => format!("endpoint of class {class} {}", hex(address)),
    }
}
