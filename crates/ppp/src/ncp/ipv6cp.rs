//! IPV6CP's option: the interface identifier of each side (RFC 5072 §4.1).
//!
//! Each side makes one up, and the two must differ. The addresses that come of it are made outside, by
//! whoever configures the interface.

use std::fmt;
use std::net::Ipv6Addr;

use crate::negotiation::{Judgement, Options, Outlook, Patience};
use crate::packet::{Item, push_item};
use crate::random::Random;

const INTERFACE_ID: u8 = 1;

/// The lower half of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceId(pub [u8; 8]);

impl InterfaceId {
    /// "I have none; give me one."
    pub const NONE: Self = Self([0; 8]);

    /// The link-local address with this identifier.
    #[must_use]
    pub fn link_local(self) -> Ipv6Addr {
        Ipv6Addr::from(0xfe80_u128 << 112 | u128::from(u64::from_be_bytes(self.0)))
    }
}

impl fmt::Display for InterfaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g, h, i] = self.0;
        write!(f, "{a:02x}{b:02x}:{c:02x}{d:02x}:{e:02x}{g:02x}:{h:02x}{i:02x}")
    }
}

/// What one side brings to IPV6CP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ipv6Wishes {
    /// Our identifier; `None` to make one up.
    pub local: Option<InterfaceId>,
}

/// What was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6 {
    /// Our identifier.
    pub local: InterfaceId,
    /// The peer's identifier.
    pub peer: InterfaceId,
}

/// IPV6CP's options, in negotiation.
#[derive(Debug)]
pub struct Ipv6cp {
    wishes: Ipv6Wishes,
    local: InterfaceId,
    peer: InterfaceId,
    random: Random,
}

impl Ipv6cp {
    /// Options by these wishes.
    #[must_use]
    pub const fn new(wishes: Ipv6Wishes, random: Random) -> Self {
        Self { wishes, local: InterfaceId::NONE, peer: InterfaceId::NONE, random }
    }

    /// What was agreed, once the negotiation is open.
    #[must_use]
    pub const fn agreed(&self) -> Ipv6 {
        Ipv6 { local: self.local, peer: self.peer }
    }

    /// An identifier that nobody has, marked as not globally unique (RFC 5072 §4.1).
    fn make_up(&mut self) -> InterfaceId {
        loop {
            let [first, rest @ ..] = self.random.octets::<8>();
            let [b, c, d, e, f, g, h] = rest;
            let made = InterfaceId([first & !0x02, b, c, d, e, f, g, h]);
            if made != InterfaceId::NONE && made != self.local && made != self.peer {
                return made;
            }
        }
    }
}

impl Options for Ipv6cp {
    fn restart(&mut self) {
        self.local = InterfaceId::NONE;
        self.local = match self.wishes.local {
            Some(local) => local,
            None => self.make_up(),
        };
    }

    fn request(&mut self) -> Vec<u8> {
        let mut list = Vec::new();
        push_item(&mut list, INTERFACE_ID, &self.local.0);
        list
    }

    fn judge(&mut self, items: &[Item<'_>], patience: Patience) -> Judgement {
        let (mut naks, mut rejects, mut peer) = (Vec::new(), Vec::new(), None);
        for item in items {
            match (item.kind, <[u8; 8]>::try_from(item.value)) {
                (INTERFACE_ID, Ok(octets)) => {
                    let asked = InterfaceId(octets);
                    if asked == InterfaceId::NONE || asked == self.local {
                        push_item(&mut naks, INTERFACE_ID, &self.make_up().0);
                    } else {
                        peer = Some(asked);
                    }
                }
                (_, _) => rejects.extend(item.octets),
            }
        }
        if !rejects.is_empty() {
            return Judgement::Reject(rejects);
        }
        match (peer, patience) {
            (Some(peer), _) => {
                self.peer = peer;
                return Judgement::Ack;
            }
            // A peer that names none is given one to name.
            (None, Patience::Left) => {
                if naks.is_empty() {
                    push_item(&mut naks, INTERFACE_ID, &self.make_up().0);
                }
            }
            // It names zero, or ours, or still none: without an identifier there is no address.
            (None, Patience::Over) => {
                return Judgement::Reject(
                    items.iter().flat_map(|item| item.octets.to_vec()).collect(),
                );
            }
        }
        Judgement::Nak(naks)
    }

    fn nak(&mut self, items: &[Item<'_>]) -> Outlook {
        for item in items {
            if item.kind == INTERFACE_ID && self.wishes.local.is_none() {
                let suggested =
                    <[u8; 8]>::try_from(item.value).map_or(InterfaceId::NONE, InterfaceId);
                let usable = suggested != InterfaceId::NONE && suggested != self.local;
                self.local = if usable { suggested } else { self.make_up() };
            }
        }
        Outlook::AskAgain
    }

    fn reject(&mut self, _: &[Item<'_>]) -> Outlook {
        Outlook::Hopeless
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::items;

    fn ipv6cp(seed: u8) -> Ipv6cp {
        let mut options = Ipv6cp::new(Ipv6Wishes::default(), Random::new([seed; 32], "interface"));
        options.restart();
        options
    }

    #[test]
    fn each_side_makes_up_its_own() {
        let (mut one, mut other) = (ipv6cp(1), ipv6cp(2));
        let (ours, theirs) = (one.request(), other.request());
        assert_eq!(one.judge(&items(&theirs).unwrap(), Patience::Left), Judgement::Ack);
        assert_eq!(other.judge(&items(&ours).unwrap(), Patience::Left), Judgement::Ack);
        assert_eq!(one.agreed().local, other.agreed().peer);
        assert_ne!(one.agreed().local, one.agreed().peer);
        assert_eq!(one.agreed().local.0[0] & 2, 0);
    }

    #[test]
    fn two_that_made_up_the_same_part_ways() {
        let (mut one, mut other) = (ipv6cp(1), ipv6cp(1));
        let request = other.request();
        let Judgement::Nak(list) = one.judge(&items(&request).unwrap(), Patience::Left) else {
            panic!("not naked");
        };
        other.nak(&items(&list).unwrap());
        let request = other.request();
        assert_eq!(one.judge(&items(&request).unwrap(), Patience::Left), Judgement::Ack);
    }

    #[test]
    fn zero_and_compression_are_refused() {
        let mut one = ipv6cp(1);
        let zero = [1, 10, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(matches!(one.judge(&items(&zero).unwrap(), Patience::Left), Judgement::Nak(_)));
        assert_eq!(
            one.judge(&items(&zero).unwrap(), Patience::Over),
            Judgement::Reject(zero.to_vec())
        );
        let compression = [2, 4, 0, 0x61];
        let rejected = Judgement::Reject(compression.to_vec());
        assert_eq!(one.judge(&items(&compression).unwrap(), Patience::Left), rejected);
    }

    #[test]
    fn an_identifier_makes_a_link_local_address() {
        let id = InterfaceId([0, 0, 0, 0xff, 0xfe, 0, 0, 1]);
        assert_eq!(id.link_local().to_string(), "fe80::ff:fe00:1");
        assert_eq!(id.to_string(), "0000:00ff:fe00:0001");
    }
}
