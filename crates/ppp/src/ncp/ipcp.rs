//! IPCP's options: each side's address (RFC 1332 §3.3), and name servers (RFC 1877 §1).
//!
//! A side that has an address asks for it; one that has none asks for 0.0.0.0 and takes what the other
//! side naks with. Name servers work the same way, and only the side that wants to know them asks.

use std::net::Ipv4Addr;

use crate::negotiation::{Judgement, Options, Outlook, Patience};
use crate::packet::{Item, push_item};

const ADDRESS: u8 = 3;
const PRIMARY_DNS: u8 = 129;
const PRIMARY_NBNS: u8 = 130;
const SECONDARY_DNS: u8 = 131;
const SECONDARY_NBNS: u8 = 132;

/// The four name server options, in the order in which they are asked for.
const SERVERS: [u8; 4] = [PRIMARY_DNS, PRIMARY_NBNS, SECONDARY_DNS, SECONDARY_NBNS];

/// How often we ask a peer, that is silent about its address, for one. Some unnumbered peers have none.
const HINTS: u32 = 2;

/// What one side brings to IPCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv4Wishes {
    /// Our own address; `None` to be given one.
    pub local: Option<Ipv4Addr>,
    /// What the peer's address may be.
    pub peer: PeerAddress,
    /// DNS servers for a peer that asks, primary and secondary.
    pub dns: [Option<Ipv4Addr>; 2],
    /// NetBIOS name servers (WINS) for a peer that asks.
    pub nbns: [Option<Ipv4Addr>; 2],
    /// Whether we ask the peer for name servers.
    pub asks_servers: bool,
}

/// What the peer's address may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerAddress {
    /// What it says, as long as it says something.
    Any,
    /// This one, and no other.
    Assigned(Ipv4Addr),
    /// This one if it has none of its own.
    Offered(Ipv4Addr),
}

/// What was agreed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ipv4 {
    /// Our address; `None` if the peer would not say and we have none.
    pub local: Option<Ipv4Addr>,
    /// The peer's address; `None` if it would not say.
    pub peer: Option<Ipv4Addr>,
    /// DNS servers that the peer named.
    pub dns: [Option<Ipv4Addr>; 2],
    /// NetBIOS name servers that it named.
    pub nbns: [Option<Ipv4Addr>; 2],
}

/// IPCP's options, in negotiation.
#[derive(Debug)]
pub struct Ipcp {
    wishes: Ipv4Wishes,
    /// The address that we ask for; `None` once the peer has rejected the option.
    address: Option<Ipv4Addr>,
    /// The servers that we still ask for, by [`SERVERS`].
    servers: [Option<Ipv4Addr>; 4],
    peer: Option<Ipv4Addr>,
    hints_given: u32,
}

impl Ipcp {
    /// Options by these wishes.
    #[must_use]
    pub const fn new(wishes: Ipv4Wishes) -> Self {
        Self { wishes, address: None, servers: [None; 4], peer: None, hints_given: 0 }
    }

    /// What was agreed, once the negotiation is open.
    #[must_use]
    pub fn agreed(&self) -> Ipv4 {
        let known = |address: Option<Ipv4Addr>| address.filter(|address| !address.is_unspecified());
        let [dns1, nbns1, dns2, nbns2] = self.servers.map(known);
        let local = known(self.address).or(self.wishes.local);
        Ipv4 { local, peer: self.peer, dns: [dns1, dns2], nbns: [nbns1, nbns2] }
    }

    /// What the peer's address has to become; `None` if it is good.
    fn better_address(&self, asked: Ipv4Addr) -> Result<(), Option<Ipv4Addr>> {
        match self.wishes.peer {
            PeerAddress::Assigned(address) if asked == address => Ok(()),
            PeerAddress::Assigned(address) => Err(Some(address)),
            PeerAddress::Any | PeerAddress::Offered(_) if is_usable(asked) => {
                if self.wishes.local == Some(asked) { Err(self.offered()) } else { Ok(()) }
            }
            PeerAddress::Any | PeerAddress::Offered(_) => Err(self.offered()),
        }
    }

    const fn offered(&self) -> Option<Ipv4Addr> {
        match self.wishes.peer {
            PeerAddress::Any => None,
            PeerAddress::Assigned(address) | PeerAddress::Offered(address) => Some(address),
        }
    }

    /// The server that we can name for an option of the peer's.
    fn server(&self, kind: u8) -> Option<Ipv4Addr> {
        let ([dns1, dns2], [nbns1, nbns2]) = (self.wishes.dns, self.wishes.nbns);
        SERVERS.into_iter().zip([dns1, nbns1, dns2, nbns2]).find(|(server, _)| *server == kind)?.1
    }
}

/// Whether a host can have this address: not 0.0.0.0, not multicast, not broadcast, not loopback.
fn is_usable(address: Ipv4Addr) -> bool {
    !address.is_unspecified()
        && !address.is_multicast()
        && !address.is_broadcast()
        && !address.is_loopback()
}

fn read(value: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from)
}

impl Options for Ipcp {
    fn restart(&mut self) {
        self.address = Some(self.wishes.local.unwrap_or(Ipv4Addr::UNSPECIFIED));
        self.servers = [self.wishes.asks_servers.then_some(Ipv4Addr::UNSPECIFIED); 4];
        self.peer = None;
        self.hints_given = 0;
    }

    fn request(&mut self) -> Vec<u8> {
        let mut list = Vec::new();
        if let Some(address) = self.address {
            push_item(&mut list, ADDRESS, &address.octets());
        }
        for (kind, server) in SERVERS.into_iter().zip(self.servers) {
            if let Some(server) = server {
                push_item(&mut list, kind, &server.octets());
            }
        }
        list
    }

    fn judge(&mut self, items: &[Item<'_>], patience: Patience) -> Judgement {
        let (mut naks, mut rejects, mut peer) = (Vec::new(), Vec::new(), None);
        for item in items {
            let better = match (item.kind, read(item.value)) {
                (ADDRESS, Some(address)) => {
                    peer = Some(address);
                    self.better_address(address)
                }
                (kind, Some(asked)) => match self.server(kind) {
                    Some(server) if server == asked => Ok(()),
                    server => Err(server),
                },
                // Van Jacobson compression, the obsolete IP-Addresses, mobile IP, and odd lengths.
                (_, None) => Err(None),
            };
            match (better, patience) {
                (Ok(()), _) => {}
                (Err(Some(address)), Patience::Left) => {
                    push_item(&mut naks, item.kind, &address.octets());
                }
                (Err(_), _) => rejects.extend(item.octets),
            }
        }
        if !rejects.is_empty() {
            return Judgement::Reject(rejects);
        }
        if let (None, Some(address), Patience::Left) = (peer, self.offered(), patience)
            && self.hints_given < HINTS
        {
            self.hints_given += 1;
            push_item(&mut naks, ADDRESS, &address.octets());
        }
        if !naks.is_empty() {
            return Judgement::Nak(naks);
        }
        // A peer that does not ask for an address is reached at the one that we know it by.
        self.peer = peer.or_else(|| self.offered());
        Judgement::Ack
    }

    fn nak(&mut self, items: &[Item<'_>]) -> Outlook {
        for item in items {
            let Some(address) = read(item.value).filter(|address| is_usable(*address)) else {
                continue;
            };
            if item.kind == ADDRESS {
                // An address of our own is not given up; one that we were given may change.
                if self.wishes.local.is_none() && self.address.is_some() {
                    self.address = Some(address);
                }
            } else if let Some((_, server)) =
                SERVERS.into_iter().zip(&mut self.servers).find(|(kind, _)| *kind == item.kind)
                && server.is_some()
            {
                *server = Some(address);
            }
        }
        Outlook::AskAgain
    }

    fn reject(&mut self, items: &[Item<'_>]) -> Outlook {
        for item in items {
            if item.kind == ADDRESS {
                if self.wishes.local.is_none() {
                    return Outlook::Hopeless;
                }
                self.address = None;
            } else if let Some((_, server)) =
                SERVERS.into_iter().zip(&mut self.servers).find(|(kind, _)| *kind == item.kind)
            {
                *server = None;
            }
        }
        Outlook::AskAgain
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::octets as hex;
    use crate::packet::items;

    fn server() -> Ipcp {
        let mut ipcp = Ipcp::new(Ipv4Wishes {
            local: Some(Ipv4Addr::new(10, 0, 0, 1)),
            peer: PeerAddress::Assigned(Ipv4Addr::new(10, 0, 0, 2)),
            dns: [Some(Ipv4Addr::new(10, 0, 0, 53)), None],
            nbns: [None; 2],
            asks_servers: false,
        });
        ipcp.restart();
        ipcp
    }

    fn client() -> Ipcp {
        let mut ipcp = Ipcp::new(Ipv4Wishes {
            local: None,
            peer: PeerAddress::Any,
            dns: [None; 2],
            nbns: [None; 2],
            asks_servers: true,
        });
        ipcp.restart();
        ipcp
    }

    fn judge(ipcp: &mut Ipcp, list: &[u8]) -> Judgement {
        ipcp.judge(&items(list).unwrap(), Patience::Left)
    }

    #[test]
    fn a_client_without_anything_is_given_everything() {
        let (mut server, mut client) = (server(), client());
        let mut rounds = 0;
        loop {
            rounds += 1;
            assert!(rounds < 5);
            let request = client.request();
            match judge(&mut server, &request) {
                Judgement::Ack => break,
                Judgement::Nak(list) => client.nak(&items(&list).unwrap()),
                Judgement::Reject(list) => client.reject(&items(&list).unwrap()),
                Judgement::Looped => unreachable!(),
            };
        }
        let request = server.request();
        assert_eq!(judge(&mut client, &request), Judgement::Ack);
        let (us, it) = (Some(Ipv4Addr::new(10, 0, 0, 1)), Some(Ipv4Addr::new(10, 0, 0, 2)));
        assert_eq!(server.agreed(), Ipv4 { local: us, peer: it, ..Ipv4::default() });
        let dns = [Some(Ipv4Addr::new(10, 0, 0, 53)), None];
        assert_eq!(client.agreed(), Ipv4 { local: it, peer: us, dns, nbns: [None; 2] });
    }

    #[test]
    fn requests_are_answered_by_what_we_have() {
        for (name, list, wanted) in [
            ("the assigned address", "03 06 0a 00 00 02", Judgement::Ack),
            ("another", "03 06 0a 00 00 09", Judgement::Nak(hex("03 06 0a 00 00 02"))),
            ("ours", "03 06 0a 00 00 01", Judgement::Nak(hex("03 06 0a 00 00 02"))),
            ("none asked: hinted", "", Judgement::Nak(hex("03 06 0a 00 00 02"))),
            ("VJ compression", "02 06 00 2d 0f 01", Judgement::Reject(hex("02 06 00 2d 0f 01"))),
            (
                "IP-Addresses",
                "01 0a 0a 00 00 02 0a 00 00 01",
                Judgement::Reject(hex("01 0a 0a 00 00 02 0a 00 00 01")),
            ),
            (
                "a WINS server we do not have",
                "82 06 00 00 00 00",
                Judgement::Reject(hex("82 06 00 00 00 00")),
            ),
            (
                "address and DNS",
                "03 06 00 00 00 00 81 06 00 00 00 00",
                Judgement::Nak(hex("03 06 0a 00 00 02 81 06 0a 00 00 35")),
            ),
        ] {
            assert_eq!(judge(&mut server(), &hex(list)), wanted, "{name}");
        }
    }

    #[test]
    fn a_peer_that_will_not_name_its_address_is_hinted_at_twice() {
        let mut server = server();
        for acked in [false, false, true] {
            assert_eq!(judge(&mut server, &[]) == Judgement::Ack, acked);
        }
        assert_eq!(server.agreed().peer, Some(Ipv4Addr::new(10, 0, 0, 2)));
    }

    #[test]
    fn addresses_that_no_host_can_have_are_not_taken() {
        for list in
            ["03 06 00 00 00 00", "03 06 e0 00 00 01", "03 06 ff ff ff ff", "03 06 7f 00 00 01"]
        {
            let list = hex(list);
            assert_eq!(judge(&mut client(), &list), Judgement::Reject(list.clone()));
            let mut client = client();
            client.nak(&items(&list).unwrap());
            assert_eq!(client.agreed().local, None);
        }
    }

    #[test]
    fn a_client_that_gets_no_address_gives_up() {
        let list = hex("03 06 00 00 00 00");
        assert_eq!(client().reject(&items(&list).unwrap()), Outlook::Hopeless);
        assert_eq!(server().reject(&items(&hex("03 06 0a 00 00 01")).unwrap()), Outlook::AskAgain);
    }
}
