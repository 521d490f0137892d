//! Packets in words, for people who look at a negotiation: `Configure-Request 1: MRU 1400, callback by CBCP`.
//!
//! ```text
//!     protocol, information ─► kind of packet, identifier, and its parts: one text an option or field
//! ```
//!
//! It is a spectator: it knows neither side's state, never fails, and says so where a packet makes no sense.
//! What a peer wrote appears with everything that is not printable escaped. A password does not appear at
//! all, nor a proof that could be tried out against passwords.

mod auth;
mod cbcp;
mod lcp;
mod network;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::packet::{self, Packet};
use crate::protocol::Protocol;

/// The longest text of a peer's that is shown whole.
const TEXT: usize = 80;

/// One packet in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Which protocol: `LCP`.
    pub protocol: String,
    /// What kind of packet: `Configure-Request`. Of a network's packet, what it carries.
    pub kind: String,
    /// What matches an answer to its question.
    pub id: Option<u8>,
    /// Options or fields, one text each, in their order.
    pub parts: Vec<String>,
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.protocol, self.kind)?;
        if let Some(id) = self.id {
            write!(f, " {id}")?;
        }
        for (n, part) in self.parts.iter().enumerate() {
            f.write_str(if n == 0 { ": " } else { ", " })?;
            f.write_str(part)?;
        }
        Ok(())
    }
}

/// A frame's packet in words; `information` is its information field, which may have been cut.
#[must_use]
pub fn of(protocol: Protocol, information: &[u8]) -> Words {
    let words =
        |kind: String, id, parts| Words { protocol: protocol_name(protocol), kind, id, parts };
    match protocol {
        Protocol::IPV4 | Protocol::IPV6 => {
            let (kind, parts) = network::datagram(information);
            return words(kind, None, parts);
        }
        // The packets of a network that has no words here.
        Protocol(0..0x8000) => {
            return words("packet".to_owned(), None, vec![octets(information.len())]);
        }
        Protocol(_) => {}
    }
    let Some(packet) = Packet::read(information) else {
        let broken = format!("{}, which do not make a packet", octets(information.len()));
        return words("broken packet".to_owned(), None, vec![broken]);
    };
    let (kind, parts) = match protocol {
        Protocol::LCP => lcp::packet(packet),
        Protocol::PAP => auth::pap(packet),
        Protocol::CHAP => auth::chap(packet),
        Protocol::CBCP => cbcp::packet(packet),
        Protocol::IPCP => negotiation(packet, network::ipcp_option),
        Protocol::IPV6CP => negotiation(packet, network::ipv6cp_option),
        Protocol(_) => negotiation(packet, unknown_option),
    };
    words(kind, Some(packet.id), parts)
}

/// The name of a protocol, or its number (the registry of PPP DLL protocol numbers at IANA).
#[must_use]
pub fn protocol_name(protocol: Protocol) -> String {
    match protocol.0 {
        0x00fd => "compressed packet".to_owned(),
        0x8235 => "EPCP".to_owned(),
        0x803f => "NBFCP".to_owned(),
        0x8029 => "ATCP".to_owned(),
        0xc025 => "LQR".to_owned(),
        0xc027 => "SPAP".to_owned(),
        0xc02b => "BACP".to_owned(),
        0xc227 => "EAP".to_owned(),
        _ => protocol.to_string(),
    }
}

type Parts = (String, Vec<String>);

/// A packet of RFC 1661's automaton (codes 1 to 7), with this protocol's options.
fn negotiation(packet: Packet<'_>, option: impl Fn(u8, &[u8]) -> String) -> Parts {
    match automaton_code(packet.code) {
        Some(kind) => (kind.to_owned(), automaton_body(packet, option)),
        None => (format!("code {}", packet.code), vec![octets(packet.body.len())]),
    }
}

const fn automaton_code(code: u8) -> Option<&'static str> {
    Some(match code {
        packet::CONFIGURE_REQUEST => "Configure-Request",
        packet::CONFIGURE_ACK => "Configure-Ack",
        packet::CONFIGURE_NAK => "Configure-Nak",
        packet::CONFIGURE_REJECT => "Configure-Reject",
        packet::TERMINATE_REQUEST => "Terminate-Request",
        packet::TERMINATE_ACK => "Terminate-Ack",
        packet::CODE_REJECT => "Code-Reject",
        _ => return None,
    })
}

fn automaton_body(packet: Packet<'_>, option: impl Fn(u8, &[u8]) -> String) -> Vec<String> {
    match packet.code {
        packet::TERMINATE_REQUEST | packet::TERMINATE_ACK => said(packet.body),
        packet::CODE_REJECT => match packet.body {
            [code, ..] => vec![format!("code {code} is not known")],
            [] => Vec::new(),
        },
        _ => match packet::items(packet.body) {
            Ok(items) => items.iter().map(|item| option(item.kind, item.value)).collect(),
            Err(packet::Malformed) => vec!["options that do not add up".to_owned()],
        },
    }
}

fn unknown_option(kind: u8, value: &[u8]) -> String {
    if value.is_empty() {
        format!("option {kind}")
    } else {
        format!("option {kind} {}", hex(value))
    }
}

/// What a peer says, if it says something.
fn said(octets: &[u8]) -> Vec<String> {
    if octets.is_empty() { Vec::new() } else { vec![quoted(octets)] }
}

/// A peer's text, in quotes, printable and bounded.
fn quoted(octets: &[u8]) -> String {
    match octets.get(..TEXT) {
        Some(begin) if octets.len() > TEXT => format!("\"{}\"..", begin.escape_ascii()),
        Some(_) | None => format!("\"{}\"", octets.escape_ascii()),
    }
}

/// The first octets of a value.
fn hex(value: &[u8]) -> String {
    const SHOWN: usize = 24;
    let begin: String = value.iter().take(SHOWN).map(|octet| format!("{octet:02x}")).collect();
    if value.len() > SHOWN { format!("{begin}..") } else { begin }
}

fn octets(count: usize) -> String {
    if count == 1 { "1 octet".to_owned() } else { format!("{count} octets") }
}
