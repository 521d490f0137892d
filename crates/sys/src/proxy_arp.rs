//! Proxy ARP: this machine answers on its Ethernet for the address of somebody behind a PPP session, so that the
//! neighbours reach him without a route of theirs.
//!
//! The kernel answers only where it also forwards: `net.ipv4.ip_forward`, or the Ethernet's own `forwarding`, is
//! to be 1. An entry outlives the process that made it.
//!
//! It deliberately does not know whose address it is.

use std::io;
use std::net::Ipv4Addr;

use nix::net::if_::InterfaceFlags;

use crate::netlink::{Existing, Request};
use crate::tun::InterfaceFault;

/// The Ethernet on whose network `address` is, as far as its own addresses tell: up, with ARP, neither loopback
/// nor point-to-point.
///
/// # Errors
/// What the kernel says.
pub fn interface_beside(address: Ipv4Addr) -> io::Result<Option<String>> {
    let bad =
        InterfaceFlags::IFF_LOOPBACK | InterfaceFlags::IFF_POINTOPOINT | InterfaceFlags::IFF_NOARP;
    let needed = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_BROADCAST;
    let ipv4 = |address: Option<nix::sys::socket::SockaddrStorage>| {
        address.and_then(|address| address.as_sockaddr_in().map(|ipv4| ipv4.ip().to_bits()))
    };
    let found = nix::ifaddrs::getifaddrs()?.find(|interface| {
        let (Some(own), Some(mask)) = (ipv4(interface.address), ipv4(interface.netmask)) else {
            return false;
        };
        interface.flags.contains(needed)
            && !interface.flags.intersects(bad)
            && own & mask == address.to_bits() & mask
    });
    Ok(found.map(|interface| interface.interface_name))
}

/// Begins to answer for `address` on `interface`.
///
/// # Errors
/// There is no such interface, or what the kernel says.
pub fn add(interface: &str, address: Ipv4Addr) -> Result<(), InterfaceFault> {
    change(libc::RTM_NEWNEIGH, Existing::Replaced, interface, address).map_err(fault(
        interface,
        "answering ARP for",
        address,
    ))
}

/// Ends it.
///
/// # Errors
/// There is no such interface or no such entry, or what the kernel says.
pub fn remove(interface: &str, address: Ipv4Addr) -> Result<(), InterfaceFault> {
    change(libc::RTM_DELNEIGH, Existing::Expected, interface, address).map_err(fault(
        interface,
        "no longer answering ARP for",
        address,
    ))
}

fn fault(
    interface: &str,
    act: &str,
    address: Ipv4Addr,
) -> impl FnOnce(io::Error) -> InterfaceFault {
    move |source| InterfaceFault {
        interface: interface.to_owned(),
        act: format!("{act} {address}"),
        source,
    }
}

/// `struct ndmsg` with `NTF_PROXY`: the same entry that pppd makes by `SIOCSARP` and `ATF_PUBL`.
fn change(kind: u16, existing: Existing, interface: &str, address: Ipv4Addr) -> io::Result<()> {
    let index = nix::net::if_::if_nametoindex(interface)?;
    let mut header = vec![u8::try_from(libc::AF_INET).unwrap_or(0), 0, 0, 0];
    header.extend_from_slice(&index.to_ne_bytes());
    header.extend_from_slice(&libc::NUD_PERMANENT.to_ne_bytes());
    header.extend_from_slice(&[libc::NTF_PROXY, libc::RTN_UNICAST]);
    let request = Request::new(kind, existing, &header);
    request.with(libc::NDA_DST, &address.octets()).carry_out()
}
