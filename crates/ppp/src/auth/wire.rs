//! The packets of PAP (RFC 1334 §2) and CHAP (RFC 1994 §4), read and written.

use crate::packet::Packet;
use crate::secret::{Name, Secret};

/// PAP's codes.
pub(super) mod pap {
    pub(in crate::auth) const REQUEST: u8 = 1;
    pub(in crate::auth) const ACK: u8 = 2;
    pub(in crate::auth) const NAK: u8 = 3;
}

/// CHAP's codes.
pub(super) mod chap {
    pub(in crate::auth) const CHALLENGE: u8 = 1;
    pub(in crate::auth) const RESPONSE: u8 = 2;
    pub(in crate::auth) const SUCCESS: u8 = 3;
    pub(in crate::auth) const FAILURE: u8 = 4;
}

/// Splits a field that is preceded by its length off.
fn counted(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = octets.split_first()?;
    rest.split_at_checked(usize::from(length))
}

/// Appends a field and its length. One of more than 255 octets is cut: the wire has no room for more.
fn push_counted(body: &mut Vec<u8>, field: &[u8]) {
    let length = u8::try_from(field.len()).unwrap_or(u8::MAX);
    body.push(length);
    body.extend(field.iter().take(length.into()));
}

/// Name and password of a PAP Authenticate-Request.
pub(super) fn read_pap_request(body: &[u8]) -> Option<(Name, Secret)> {
    let (name, rest) = counted(body)?;
    let (password, _) = counted(rest)?;
    Some((Name::new(name), Secret::new(password.to_vec())))
}

/// The name of a PAP Authenticate-Request that has one.
pub(crate) fn read_pap_name(body: &[u8]) -> Option<Name> {
    counted(body).map(|(name, _)| Name::new(name))
}

pub(crate) fn write_pap_request(id: u8, name: &Name, password: &Secret) -> Vec<u8> {
    let mut body = Vec::new();
    push_counted(&mut body, name.as_bytes());
    push_counted(&mut body, password.expose());
    Packet { code: pap::REQUEST, id, body: &body }.write()
}

/// A PAP Authenticate-Ack or -Nak.
pub(super) fn write_pap_reply(code: u8, id: u8, message: &str) -> Vec<u8> {
    let mut body = Vec::new();
    push_counted(&mut body, message.as_bytes());
    Packet { code, id, body: &body }.write()
}

/// The message of a PAP reply; some peers leave out even its length.
pub(super) fn read_pap_reply(body: &[u8]) -> &[u8] {
    counted(body).map_or(&[], |(message, _)| message)
}

/// Value and name of a CHAP Challenge or Response.
pub(crate) fn read_value(body: &[u8]) -> Option<(&[u8], Name)> {
    let (value, name) = counted(body)?;
    Some((value, Name::new(name)))
}

pub(super) fn write_value(code: u8, id: u8, value: &[u8], name: &Name) -> Vec<u8> {
    let mut body = Vec::new();
    push_counted(&mut body, value);
    body.extend(name.as_bytes());
    Packet { code, id, body: &body }.write()
}

/// A CHAP Success or Failure.
pub(super) fn write_verdict(code: u8, id: u8, message: &str) -> Vec<u8> {
    Packet { code, id, body: message.as_bytes() }.write()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pap_packets_have_the_published_octets() {
        let request = write_pap_request(1, &"alice".into(), &"s3cret".into());
        let wanted = b"\x01\x01\x00\x11\x05alice\x06s3cret";
        assert_eq!(request, wanted);
        let (name, password) = read_pap_request(&wanted[4..]).unwrap();
        assert!(name == "alice".into() && password.matches(b"s3cret"));
        assert_eq!(write_pap_reply(pap::ACK, 1, ""), [2, 1, 0, 5, 0]);
        assert_eq!(read_pap_reply(b"\x02no"), b"no");
        assert_eq!(read_pap_reply(b""), b"");
        assert_eq!(read_pap_reply(b"\x09no"), b"");
    }

    #[test]
    fn fields_longer_than_their_packet_are_not_read() {
        for body in [&b""[..], b"\x05alic", b"\x05alice", b"\x05alice\x07s3cret"] {
            assert!(read_pap_request(body).is_none());
        }
        assert!(read_value(b"").is_none());
        assert!(read_value(b"\x10123").is_none());
        assert!(read_value(b"\x00alice").is_some());
    }
}
