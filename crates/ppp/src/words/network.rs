//! IPCP, IPV6CP and the headers of what they carry, in words (RFC 1332 §3, RFC 1877 §1, RFC 5072 §4).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Parts, hex, octets, unknown_option};

pub(super) fn ipcp_option(kind: u8, value: &[u8]) -> String {
    let address = <[u8; 4]>::try_from(value).map(Ipv4Addr::from);
    match (kind, address) {
        (1, _) => "both addresses in the old way".to_owned(),
        (2, _) if value.first_chunk() == Some(&[0, 0x2d]) => {
            "Van Jacobson's compression".to_owned()
        }
        (2, _) => format!("compression {}", hex(value)),
        (3, Ok(address)) => format!("address {address}"),
        (4, Ok(address)) => format!("mobile address {address}"),
        (129, Ok(address)) => format!("DNS server {address}"),
        (130, Ok(address)) => format!("WINS server {address}"),
        (131, Ok(address)) => format!("second DNS server {address}"),
        (132, Ok(address)) => format!("second WINS server {address}"),
        (_, _) => unknown_option(kind, value),
    }
}

pub(super) fn ipv6cp_option(kind: u8, value: &[u8]) -> String {
    match (kind, value) {
        (1, [a, b, c, d, e, f, g, h]) => {
            let word = |high: &u8, low: &u8| u16::from_be_bytes([*high, *low]);
            let [a, c, e, g] = [word(a, b), word(c, d), word(e, f), word(g, h)];
            format!("interface identifier {a:x}:{c:x}:{e:x}:{g:x}")
        }
        (2, value) => format!("compression {}", hex(value)),
        (kind, value) => unknown_option(kind, value),
    }
}

/// What a datagram's header says.
pub(super) fn datagram(packet: &[u8]) -> Parts {
    let read = match packet.first().map(|octet| octet >> 4) {
        Some(4) => ipv4(packet),
        Some(6) => ipv6(packet),
        Some(_) | None => None,
    };
    read.unwrap_or_else(|| ("packet".to_owned(), vec![octets(packet.len())]))
}

fn ipv4(packet: &[u8]) -> Option<Parts> {
    let (header, _) = packet.split_first_chunk::<20>()?;
    let [_, _, a, b, _, _, _, _, _, protocol, _, _, from @ .., e, f, g, h] = header;
    let from = Ipv4Addr::from(*from);
    let to = Ipv4Addr::from([*e, *f, *g, *h]);
    let length = octets(usize::from(u16::from_be_bytes([*a, *b])));
    Some((carried(*protocol), vec![format!("{from} to {to}"), length]))
}

fn ipv6(packet: &[u8]) -> Option<Parts> {
    let (header, _) = packet.split_first_chunk::<40>()?;
    let [_, _, _, _, a, b, next, _, addresses @ ..] = header;
    let (from, to) = addresses.split_first_chunk::<16>()?;
    let to = Ipv6Addr::from(*to.first_chunk::<16>()?);
    let length = octets(usize::from(u16::from_be_bytes([*a, *b])) + 40);
    Some((carried(*next), vec![format!("{} to {to}", Ipv6Addr::from(*from)), length]))
}

fn carried(protocol: u8) -> String {
    match protocol {
        1 | 58 => "ICMP".to_owned(),
        6 => "TCP".to_owned(),
        17 => "UDP".to_owned(),
        other => format!("protocol {other}"),
    }
}
