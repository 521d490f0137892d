//! TUN devices: a network interface whose packets we read and write. One per PPP session; it is gone, with its
//! addresses and routes, when its descriptor is closed, also by `kill -9`.
//!
//! ```text
//!   open("dialback%d") ─► set_mtu, set_ipv4, set_ipv6 ─► set_up ─► add_route ─► packets ─► (closed)
//! ```
//!
//! A packet is read and written whole, one a call, without a header of the device's. While the interface is down
//! reading and writing fail: bring it up first.
//!
//! It deliberately does not know PPP: addresses and limits come from whoever negotiated them.

use std::ffi::c_short;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};

use crate::ioctl::{self, InterfaceRequest};
use crate::netlink::{Existing, Request, nested};

/// Where the kernel offers TUN devices.
const DEVICE: &str = "/dev/net/tun";

/// The longest name of an interface (`IFNAMSIZ`, with its NUL).
pub(crate) const MAX_NAME: usize = 16;

/// No prefix but a whole address: the two ends of a link share no network.
const WHOLE_IPV4: u8 = 32;
/// The same of IPv6.
const WHOLE_IPV6: u8 = 128;

/// `IFLA_INET6_ADDR_GEN_MODE`, and its value for "none": libc has neither.
const ADDR_GEN_MODE: u16 = 8;
const GENERATE_NONE: u8 = 1;

/// A TUN device, ours until it is dropped.
#[derive(Debug)]
pub struct Tun {
    fd: OwnedFd,
    name: String,
    index: u32,
}

/// What cannot be done with a network interface.
#[derive(Debug, thiserror::Error)]
#[error("{interface}: {act}: {}", told(source))]
pub struct InterfaceFault {
    /// The interface, or the name that it was to have.
    pub interface: String,
    /// What was to be done.
    pub act: String,
    /// What the kernel says.
    pub source: io::Error,
}

/// The kernel's word with its cure.
fn told(source: &io::Error) -> String {
    let cure = match source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => ": it needs root's rights (CAP_NET_ADMIN)",
        _ => "",
    };
    format!("{source}{cure}")
}

/// Where packets are led: through the interface itself, whose other end is the only neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The network's address.
    pub to: IpAddr,
    /// Its length in bits; 0 with an unspecified address is the default route.
    pub prefix: u8,
    /// Which of several routes to the same network is taken: the lowest. `None` leaves it to the kernel (0 for
    /// IPv4, 1024 for IPv6).
    pub metric: Option<u32>,
}

impl Route {
    /// Everything of IPv4 that no other route takes.
    pub const DEFAULT_IPV4: Self =
        Self { to: IpAddr::V4(Ipv4Addr::UNSPECIFIED), prefix: 0, metric: None };
    /// The same of IPv6.
    pub const DEFAULT_IPV6: Self =
        Self { to: IpAddr::V6(Ipv6Addr::UNSPECIFIED), prefix: 0, metric: None };
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.to, self.prefix)
    }
}

/// The link-local address of an interface identifier (RFC 4291 §2.5.6), which is what IPV6CP negotiates.
#[must_use]
pub fn link_local(identifier: u64) -> Ipv6Addr {
    Ipv6Addr::from_bits((0xfe80_u128 << 112) | u128::from(identifier))
}

impl Tun {
    /// Makes a device. `%d` in its name stands for the first number that is free.
    ///
    /// # Errors
    /// The name is too long or taken, the kernel has no TUN devices, or we have no right to make one.
    pub fn open(pattern: &str) -> Result<Self, InterfaceFault> {
        let fault = |act: &str, source: io::Error| InterfaceFault {
            interface: pattern.to_owned(),
            act: act.to_owned(),
            source,
        };
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = rustix::fs::open(DEVICE, flags, Mode::empty()).map_err(|e| {
            fault(&format!("opening {DEVICE} (of the kernel's module tun)"), e.into())
        })?;
        let wanted = u16::try_from(libc::IFF_TUN | libc::IFF_NO_PI).unwrap_or(0);
        let mut request =
            InterfaceRequest::new(pattern, c_short::from_ne_bytes(wanted.to_ne_bytes()))
                .ok_or_else(|| {
                    let rule = format!("a name has 1 to {} octets", MAX_NAME - 1);
                    fault("naming it", io::Error::new(io::ErrorKind::InvalidInput, rule))
                })?;
        ioctl::make_tun(&fd, &mut request).map_err(|e| {
            if e == rustix::io::Errno::BUSY {
                return fault(
                    "making it",
                    io::Error::new(io::ErrorKind::AddrInUse, "the name is taken"),
                );
            }
            fault("making it", e.into())
        })?;
        let made = Self::adopt(fd)?;
        made.generate_no_ipv6()?;
        Ok(made)
    }

    /// Takes over a device that another process has made and passed on.
    ///
    /// # Errors
    /// It is no TUN device, or not one of this network namespace.
    pub fn adopt(fd: OwnedFd) -> Result<Self, InterfaceFault> {
        let fault = |name: &str, act: &str, source: io::Error| InterfaceFault {
            interface: name.to_owned(),
            act: act.to_owned(),
            source,
        };
        let request =
            ioctl::made_tun(&fd).map_err(|e| fault("tun", "asking its name", e.into()))?;
        let name = request.name();
        let index = nix::net::if_::if_nametoindex(name.as_str())
            .map_err(|e| fault(&name, "asking its index", e.into()))?;
        Ok(Self { fd, name, index })
    }

    /// The interface's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The interface's number, which scopes link-local addresses.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Sets the longest packet that the interface takes, in octets. The kernel runs no IPv6 on an interface that
    /// takes less than 1280.
    ///
    /// # Errors
    /// What the kernel says: less than 68, for instance.
    pub fn set_mtu(&self, octets: u16) -> Result<(), InterfaceFault> {
        let request = self.link(0, 0).with(libc::IFLA_MTU, &u32::from(octets).to_ne_bytes());
        self.done(request, || format!("setting its MTU to {octets}"))
    }

    /// Sets how many packets may wait in the kernel to be read; what is more is dropped. The kernel's own 500 are
    /// minutes of a telephone line.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_queue_length(&self, packets: u32) -> Result<(), InterfaceFault> {
        let request = self.link(0, 0).with(libc::IFLA_TXQLEN, &packets.to_ne_bytes());
        self.done(request, || format!("letting {packets} packets wait"))
    }

    /// Brings the interface up or down. Down loses its routes and its IPv6 addresses.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_up(&self, up: bool) -> Result<(), InterfaceFault> {
        let bit = u32::try_from(libc::IFF_UP).unwrap_or(0);
        let act = if up { "bringing it up" } else { "taking it down" };
        self.done(self.link(if up { bit } else { 0 }, bit), || act.to_owned())
    }

    /// Gives the interface our address and the other end's. The kernel adds the route to the other end.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_ipv4(&self, local: Ipv4Addr, peer: Ipv4Addr) -> Result<(), InterfaceFault> {
        let header =
            address_header(libc::AF_INET, WHOLE_IPV4, 0, libc::RT_SCOPE_UNIVERSE, self.index);
        let request = Request::new(libc::RTM_NEWADDR, Existing::Replaced, &header)
            .with(libc::IFA_LOCAL, &local.octets())
            .with(libc::IFA_ADDRESS, &peer.octets());
        self.done(request, || format!("giving it {local} towards {peer}"))
    }

    /// Takes the addresses away again; packets for the other end have no way then.
    ///
    /// # Errors
    /// What the kernel says: they were not there.
    pub fn remove_ipv4(&self, local: Ipv4Addr, peer: Ipv4Addr) -> Result<(), InterfaceFault> {
        let header =
            address_header(libc::AF_INET, WHOLE_IPV4, 0, libc::RT_SCOPE_UNIVERSE, self.index);
        let request = Request::new(libc::RTM_DELADDR, Existing::Expected, &header)
            .with(libc::IFA_LOCAL, &local.octets())
            .with(libc::IFA_ADDRESS, &peer.octets());
        self.done(request, || format!("taking {local} away"))
    }

    /// Gives the interface the link-local addresses of the two interface identifiers. The interface's MTU is to
    /// be 1280 at least.
    ///
    /// # Errors
    /// What the kernel says: it may have no IPv6.
    pub fn set_ipv6(&self, local: u64, peer: u64) -> Result<(), InterfaceFault> {
        let (local, peer) = (link_local(local), link_local(peer));
        // IPV6CP has negotiated what duplicate address detection would find out, and the link cannot carry its
        // multicast before we are up.
        let flags = u8::try_from(libc::IFA_F_NODAD).unwrap_or(0);
        let header =
            address_header(libc::AF_INET6, WHOLE_IPV6, flags, libc::RT_SCOPE_LINK, self.index);
        let request = Request::new(libc::RTM_NEWADDR, Existing::Replaced, &header)
            .with(libc::IFA_LOCAL, &local.octets())
            .with(libc::IFA_ADDRESS, &peer.octets());
        self.done(request, || format!("giving it {local} towards {peer}"))
    }

    /// Leads packets for a network through the interface, which is to be up.
    ///
    /// # Errors
    /// The same route is there already (an equal metric), or what the kernel says.
    pub fn add_route(&self, route: &Route) -> Result<(), InterfaceFault> {
        self.done(self.route(libc::RTM_NEWROUTE, Existing::Refused, route), || {
            format!("adding the route to {route}")
        })
    }

    /// Takes a route away again. All of them go when the interface goes.
    ///
    /// # Errors
    /// What the kernel says: it was not there.
    pub fn remove_route(&self, route: &Route) -> Result<(), InterfaceFault> {
        self.done(self.route(libc::RTM_DELROUTE, Existing::Expected, route), || {
            format!("removing the route to {route}")
        })
    }

    /// Otherwise the kernel makes up a link-local address of its own as soon as the interface is up, and speaks
    /// from it before IPV6CP has agreed on one.
    fn generate_no_ipv6(&self) -> Result<(), InterfaceFault> {
        let ipv6 = u16::try_from(libc::AF_INET6).unwrap_or(0);
        let mode = nested(ipv6, &nested(ADDR_GEN_MODE, &[GENERATE_NONE]));
        let done = self.link(0, 0).with(libc::IFLA_AF_SPEC, &mode).carry_out();
        match done {
            // A kernel without IPv6 generates none.
            Err(e) if e.raw_os_error() == Some(libc::EAFNOSUPPORT) => Ok(()),
            done => done.map_err(|e| self.fault("leaving its IPv6 address to us".to_owned(), e)),
        }
    }

    /// A change of the interface itself: `struct ifinfomsg`.
    fn link(&self, flags: u32, changed: u32) -> Request {
        let mut header = vec![0; 4];
        header.extend_from_slice(&self.index.to_ne_bytes());
        header.extend_from_slice(&flags.to_ne_bytes());
        header.extend_from_slice(&changed.to_ne_bytes());
        Request::new(libc::RTM_NEWLINK, Existing::Expected, &header)
    }

    /// A route: `struct rtmsg`.
    fn route(&self, kind: u16, existing: Existing, route: &Route) -> Request {
        let (family, octets) = match route.to {
            IpAddr::V4(to) => (libc::AF_INET, to.octets().to_vec()),
            IpAddr::V6(to) => (libc::AF_INET6, to.octets().to_vec()),
        };
        let header = [
            u8::try_from(family).unwrap_or(0),
            route.prefix,
            0,
            0,
            libc::RT_TABLE_MAIN,
            libc::RTPROT_STATIC,
            libc::RT_SCOPE_LINK,
            libc::RTN_UNICAST,
            0,
            0,
            0,
            0,
        ];
        let mut request =
            Request::new(kind, existing, &header).with(libc::RTA_OIF, &self.index.to_ne_bytes());
        if route.prefix > 0 {
            request = request.with(libc::RTA_DST, &octets);
        }
        match route.metric {
            Some(metric) => request.with(libc::RTA_PRIORITY, &metric.to_ne_bytes()),
            None => request,
        }
    }

    fn done(&self, request: Request, act: impl FnOnce() -> String) -> Result<(), InterfaceFault> {
        request.carry_out().map_err(|e| self.fault(act(), e))
    }

    fn fault(&self, act: String, source: io::Error) -> InterfaceFault {
        InterfaceFault { interface: self.name.clone(), act, source }
    }
}

/// `struct ifaddrmsg`.
pub(crate) fn address_header(family: i32, prefix: u8, flags: u8, scope: u8, index: u32) -> Vec<u8> {
    let mut header = vec![u8::try_from(family).unwrap_or(0), prefix, flags, scope];
    header.extend_from_slice(&index.to_ne_bytes());
    header
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
#[path = "tun_tests.rs"]
mod tests;
