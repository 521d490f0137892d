//! The network control protocols: IPCP (RFC 1332, RFC 1877) and IPV6CP (RFC 5072).
//!
//! Each is only a set of [`Options`](crate::negotiation::Options); the negotiation is that of every
//! control protocol. Header compression is refused in both: the lines are slow, but the programs at
//! their ends no longer have it.

mod ipcp;
mod ipv6cp;

pub use ipcp::{Ipcp, Ipv4, Ipv4Wishes, PeerAddress};
pub use ipv6cp::{InterfaceId, Ipv6, Ipv6Wishes, Ipv6cp};
