//! Echo requests and their answers (RFC 792), whole IPv4 packets: how callers of the town find out whether they have
//! a network.
//!
//! It does not know links nor interfaces.

use std::net::Ipv4Addr;

/// The IPv4 header without options, and ICMP's.
const IP: usize = 20;
const ICMP: usize = 8;
/// What ping(8) sends behind them.
const PAYLOAD: usize = 56;

const PROTOCOL_ICMP: u8 = 1;
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;

/// An echo request with this number.
#[must_use]
pub fn request(from: Ipv4Addr, to: Ipv4Addr, number: u16) -> Vec<u8> {
    let mut body = vec![ECHO_REQUEST, 0, 0, 0, 0x44, 0x42];
    body.extend_from_slice(&number.to_be_bytes());
    body.extend((0..PAYLOAD).map(|at| u8::try_from(at).unwrap_or(0)));
    packet(from, to, body)
}

/// The answer to an echo request that is for `own`.
#[must_use]
pub fn answer(packet_in: &[u8], own: Ipv4Addr) -> Option<Vec<u8>> {
    let (from, to, body) = echo(packet_in, ECHO_REQUEST)?;
    let mut body = body.to_vec();
    *body.first_mut()? = ECHO_REPLY;
    (to == own).then(|| packet(to, from, body))
}

/// The number of the request that this packet answers, if it is such an answer and for `own`.
#[must_use]
pub fn answered(packet: &[u8], own: Ipv4Addr) -> Option<u16> {
    let (_, to, body) = echo(packet, ECHO_REPLY)?;
    let number = body.get(6..8)?.try_into().ok()?;
    (to == own).then(|| u16::from_be_bytes(number))
}

/// Sender, receiver and ICMP part of a sound echo packet of this type.
fn echo(packet: &[u8], kind: u8) -> Option<(Ipv4Addr, Ipv4Addr, &[u8])> {
    let (header, body) = packet.split_at_checked(IP)?;
    let address = |at: usize| -> Option<Ipv4Addr> {
        Some(Ipv4Addr::from(<[u8; 4]>::try_from(header.get(at..at + 4)?).ok()?))
    };
    let sound = header.first() == Some(&0x45)
        && header.get(9) == Some(&PROTOCOL_ICMP)
        && body.len() >= ICMP
        && checksum(header) == 0
        && checksum(body) == 0
        && body.first() == Some(&kind);
    if sound { Some((address(12)?, address(16)?, body)) } else { None }
}

fn packet(from: Ipv4Addr, to: Ipv4Addr, mut body: Vec<u8>) -> Vec<u8> {
    put_checksum(&mut body, 2);
    let length = u16::try_from(IP + body.len()).unwrap_or(u16::MAX);
    let mut packet = vec![0x45, 0];
    packet.extend_from_slice(&length.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, 0, 64, PROTOCOL_ICMP, 0, 0]);
    packet.extend_from_slice(&from.octets());
    packet.extend_from_slice(&to.octets());
    put_checksum(&mut packet, 10);
    packet.append(&mut body);
    packet
}

fn put_checksum(octets: &mut [u8], at: usize) {
    if let Some(field) = octets.get_mut(at..at + 2) {
        field.fill(0);
    }
    let sum = checksum(octets).to_be_bytes();
    if let Some(field) = octets.get_mut(at..at + 2) {
        field.copy_from_slice(&sum);
    }
}

/// RFC 1071; zero over what already has a right one.
fn checksum(octets: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for pair in octets.chunks(2) {
        let [high, low] = [pair.first(), pair.get(1)].map(|octet| octet.copied().unwrap_or(0));
        sum += u32::from(u16::from_be_bytes([high, low]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);

    #[test]
    fn a_request_is_answered_by_whom_it_is_for_and_by_nobody_else() {
        let request = request(ALICE, SERVER, 7);
        assert_eq!(request.len(), 84);
        assert_eq!(answer(&request, ALICE), None);
        let reply = answer(&request, SERVER).unwrap();
        assert_eq!(answered(&reply, ALICE), Some(7));
        assert_eq!(answered(&reply, SERVER), None);
        assert_eq!(answered(&request, SERVER), None);
    }

    #[test]
    fn a_damaged_packet_is_none() {
        let request = request(ALICE, SERVER, 7);
        for at in 0..request.len() {
            let mut damaged = request.clone();
            damaged[at] ^= 0x10;
            assert_eq!(answer(&damaged, SERVER), None, "octet {at}");
        }
        assert_eq!(answer(&request[..27], SERVER), None);
    }
}
