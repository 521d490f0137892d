//! The network interface of a session: made before anything is dialled, up while a network is, gone with us.
//!
//! Addresses and routes go with the device, also after `kill -9`; only resolv.conf has to be put back.
//!
//! It does not know PPP's phases.

use std::net::{Ipv4Addr, Ipv6Addr};

use ppp::ncp::{Ipv4, Ipv6};
use sys::async_fd::AsyncTun;
use sys::tun::{Tun, link_local};

use super::resolver::Resolver;
use super::scripts::{Call, Facts, Family, Passed, Scripts};
use super::wishes::{LEAST_IPV6_MTU, Ppp};

/// The other end's address where it would not say one (pppd's choice; only the interface knows it).
const UNNUMBERED: Ipv4Addr = Ipv4Addr::new(10, 64, 64, 64);

/// So many packets wait in the kernel. It has 500 by default, which is minutes of a telephone line: whoever asks
/// for a page then waits for all that others wanted before.
const QUEUE: u32 = 10;

/// The interface with all that belongs to it.
#[derive(Debug)]
pub(super) struct Interface {
    pub(super) tun: AsyncTun,
    routes: Vec<sys::tun::Route>,
    mtu: u16,
    resolver: Option<Resolver>,
    scripts: Scripts,
    /// Octets of packets.
    pub(super) passed: Passed,
    ipv4: Option<(Ipv4Addr, Ipv4Addr)>,
}

/// An address pair, for people.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) local: String,
    pub(super) remote: String,
    /// The longest packet.
    pub(super) mtu: u16,
}

impl Interface {
    /// Makes the device; it is down. Fails where we have no right to it.
    pub(super) fn make(wish: &Ppp, call: Call) -> Result<Self, String> {
        let made = Tun::open(&wish.interface).map_err(|e| e.to_string())?;
        made.set_queue_length(QUEUE).map_err(|e| e.to_string())?;
        let resolver = wish.resolv_conf.as_deref().map(Resolver::ready).transpose()?;
        let scripts = Scripts::new(wish.ip_up.clone(), wish.ip_down.clone(), made.name(), call);
        let tun = AsyncTun::new(made).map_err(|e| e.to_string())?;
        let (routes, mtu) = (wish.routes.clone(), wish.mtu);
        let passed = Passed::default();
        Ok(Self { tun, routes, mtu, resolver, scripts, passed, ipv4: None })
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.tun.get().name()
    }

    /// IPv4 is agreed on; `peer_mru`: the longest packet that the peer takes.
    pub(super) fn ipv4_up(&mut self, agreed: &Ipv4, peer_mru: u16) -> Result<Ends, String> {
        let Some(local) = agreed.local else {
            return Err(
                "the server gives us no IPv4 address: ask for one by ppp.address".to_owned()
            );
        };
        let remote = agreed.peer.unwrap_or(UNNUMBERED);
        let mtu = self.bring_up(peer_mru)?;
        let tun = self.tun.get();
        tun.set_ipv4(local, remote).map_err(|e| e.to_string())?;
        self.ipv4 = Some((local, remote));
        self.add_routes(|route| route.to.is_ipv4())?;
        let servers: Vec<_> = agreed.dns.into_iter().flatten().collect();
        if let Some(resolver) = &mut self.resolver
            && !servers.is_empty()
        {
            resolver.replace(&servers)?;
        }
        let ends = Ends { local: local.to_string(), remote: remote.to_string(), mtu };
        let facts =
            Facts { family: Family::Ipv4, ends: (&ends.local, &ends.remote), dns: &servers };
        self.scripts.up(&facts);
        Ok(ends)
    }

    /// IPv4 is no longer there.
    pub(super) fn ipv4_down(&mut self) -> Result<(), String> {
        let Some((local, remote)) = self.ipv4.take() else { return Ok(()) };
        self.scripts.down(Family::Ipv4, self.passed);
        let restored = self.resolver.as_mut().map_or(Ok(()), Resolver::restore);
        let removed = self.tun.get().remove_ipv4(local, remote).map_err(|e| e.to_string());
        restored.and(removed)
    }

    /// IPv6 is agreed on. `None`: the peer takes too little for it.
    pub(super) fn ipv6_up(&mut self, agreed: &Ipv6, peer_mru: u16) -> Result<Option<Ends>, String> {
        let mtu = self.bring_up(peer_mru)?;
        if mtu < LEAST_IPV6_MTU {
            return Ok(None);
        }
        let identifier = |id: ppp::ncp::InterfaceId| u64::from_be_bytes(id.0);
        let (local, remote) = (identifier(agreed.local), identifier(agreed.peer));
        self.tun.get().set_ipv6(local, remote).map_err(|e| e.to_string())?;
        self.add_routes(|route| route.to.is_ipv6())?;
        let text = |id: u64| -> String { Ipv6Addr::to_string(&link_local(id)) };
        let ends = Ends { local: text(local), remote: text(remote), mtu };
        let facts = Facts { family: Family::Ipv6, ends: (&ends.local, &ends.remote), dns: &[] };
        self.scripts.up(&facts);
        Ok(Some(ends))
    }

    /// IPv6 is no longer there.
    pub(super) fn ipv6_down(&mut self) {
        self.scripts.down(Family::Ipv6, self.passed);
    }

    /// The call is over. Nothing passes any more; what is not the device's is put back.
    pub(super) fn down(&mut self) -> Result<(), String> {
        let ipv4 = self.ipv4_down();
        self.ipv6_down();
        let down = self.tun.get().set_up(false).map_err(|e| e.to_string());
        ipv4.and(down)
    }

    /// Waits for the commands that were told of it; what went wrong with them.
    pub(super) async fn finish(&mut self) -> Vec<String> {
        self.scripts.finish().await
    }

    fn bring_up(&self, peer_mru: u16) -> Result<u16, String> {
        let mtu = self.mtu.min(peer_mru);
        let tun = self.tun.get();
        tun.set_mtu(mtu).and_then(|()| tun.set_up(true)).map_err(|e| e.to_string())?;
        Ok(mtu)
    }

    fn add_routes(&self, of: impl Fn(&sys::tun::Route) -> bool) -> Result<(), String> {
        for route in self.routes.iter().filter(|route| of(route)) {
            self.tun.get().add_route(route).map_err(|e| {
                let taken = e.source.kind() == std::io::ErrorKind::AlreadyExists;
                let cure = if taken { ": give ours a lower metric with route_metric" } else { "" };
                format!("{e}{cure}")
            })?;
        }
        Ok(())
    }
}
