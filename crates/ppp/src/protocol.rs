//! PPP protocol numbers (RFC 1661 §2) and what their ranges mean.

use std::fmt;

/// The number that says what a frame carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u16);

impl Protocol {
    /// Internet Protocol version 4.
    pub const IPV4: Self = Self(0x0021);
    /// Internet Protocol version 6.
    pub const IPV6: Self = Self(0x0057);
    /// The control protocol of IPv4 (RFC 1332).
    pub const IPCP: Self = Self(0x8021);
    /// The control protocol of IPX (RFC 1552), which is only ever rejected here.
    pub const IPXCP: Self = Self(0x802b);
    /// The control protocol of IPv6 (RFC 5072).
    pub const IPV6CP: Self = Self(0x8057);
    /// The Compression Control Protocol (RFC 1962), which is only ever rejected here.
    pub const CCP: Self = Self(0x80fd);
    /// The Link Control Protocol (RFC 1661).
    pub const LCP: Self = Self(0xc021);
    /// The Password Authentication Protocol (RFC 1334).
    pub const PAP: Self = Self(0xc023);
    /// The Callback Control Protocol (MS-CBCP).
    pub const CBCP: Self = Self(0xc029);
    /// The Challenge-Handshake Authentication Protocol (RFC 1994, 2433, 2759).
    pub const CHAP: Self = Self(0xc223);

    /// Whether the number obeys RFC 1661 §2: the low octet odd, the high octet even.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 & 0x0101 == 0x0001
    }

    /// Whether it belongs to a network layer: its packets (0xxx to 3xxx), low-volume traffic (4xxx to
    /// 7xxx) or its control protocol (8xxx to bxxx). Such packets have no business before the network
    /// phase, and are then dropped without an answer (RFC 1661 §3.5).
    #[must_use]
    pub const fn is_network(self) -> bool {
        self.0 < 0xc000
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::IPV4 => "IPv4",
            Self::IPV6 => "IPv6",
            Self::IPCP => "IPCP",
            Self::IPXCP => "IPXCP",
            Self::IPV6CP => "IPV6CP",
            Self::CCP => "CCP",
            Self::LCP => "LCP",
            Self::PAP => "PAP",
            Self::CBCP => "CBCP",
            Self::CHAP => "CHAP",
            Self(number) => return write!(f, "{number:04x}"),
        };
        f.write_str(name)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
