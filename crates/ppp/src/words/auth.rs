//! PAP and CHAP in words (RFC 1334 §2, RFC 1994 §4).

use super::{Parts, octets, quoted, said};
use crate::auth::{read_pap_name, read_value};
use crate::packet::Packet;

pub(super) fn pap(packet: Packet<'_>) -> Parts {
    let (kind, parts) = match packet.code {
        1 => {
            let part = match read_pap_name(packet.body) {
                Some(name) => format!("{}, with a password", quoted(name.as_bytes())),
                None => format!("{} that hold no name", octets(packet.body.len())),
            };
            ("Authenticate-Request", vec![part])
        }
        2 => ("Authenticate-Ack", said(packet.body.get(1..).unwrap_or_default())),
        3 => ("Authenticate-Nak", said(packet.body.get(1..).unwrap_or_default())),
        code => return (format!("code {code}"), vec![octets(packet.body.len())]),
    };
    (kind.to_owned(), parts)
}

pub(super) fn chap(packet: Packet<'_>) -> Parts {
    let value = || match read_value(packet.body) {
        Some((value, name)) => {
            let name = match name.as_bytes() {
                [] => "no name".to_owned(),
                name => quoted(name),
            };
            vec![name, octets(value.len())]
        }
        None => vec![format!("{} that hold no value", octets(packet.body.len()))],
    };
    let (kind, parts) = match packet.code {
        1 => ("Challenge", value()),
        2 => ("Response", value()),
        3 => ("Success", said(packet.body)),
        4 => ("Failure", said(packet.body)),
        code => return (format!("code {code}"), vec![octets(packet.body.len())]),
    };
    (kind.to_owned(), parts)
}
