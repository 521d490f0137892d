//! The one place where interfaces of calls are made, changed and taken away. It needs the right to
//! (`CAP_NET_ADMIN`), and blocks: it is called on a thread.
//!
//! A TUN device goes with its last descriptor, so nothing of ours outlives us but an entry for proxy ARP, which
//! answers for an address that nobody has until it is given again.

use std::net::{Ipv4Addr, Ipv6Addr};

use calls::vocabulary::{Ends, Interface};
use sys::tun::Tun;

/// Packets that wait in the interface's own queue. The kernel's PPP has three; a sender that begins with ten
/// at once, as all do today, should not lose seven of them.
const QUEUE: u32 = 10;

/// An interface, and what was done to it.
#[derive(Debug)]
pub(crate) struct Device {
    /// Its descriptor.
    pub(crate) tun: Tun,
    pub(super) applied: Applied,
}

/// What was done to an interface.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    mtu: u16,
    ipv4: Option<Ends<Ipv4Addr>>,
    ipv6: Option<Ends<Ipv6Addr>>,
    /// The Ethernet on which ARP is answered for the caller.
    arp: Option<(String, Ipv4Addr)>,
}

/// Makes an interface, or changes one, to be as wanted. On an error there is none any more.
pub(crate) fn set(before: Option<Device>, wanted: &Interface) -> Result<Device, String> {
    let mut device = match before {
        Some(device) => device,
        None => make(wanted).map_err(|e| e.to_string())?,
    };
    match change(&mut device, wanted) {
        Ok(()) => Ok(device),
        Err(fault) => {
            remove(device);
            Err(fault.to_string())
        }
    }
}

fn make(wanted: &Interface) -> Result<Device, sys::tun::InterfaceFault> {
    let tun = Tun::open(&wanted.name)?;
    tun.set_queue_length(QUEUE)?;
    Ok(Device { tun, applied: Applied::default() })
}

fn change(device: &mut Device, wanted: &Interface) -> Result<(), sys::tun::InterfaceFault> {
    let Device { tun, applied } = device;
    if applied.mtu != wanted.mtu {
        tun.set_mtu(wanted.mtu)?;
    }
    if applied.mtu == 0 {
        tun.set_up(true)?;
    }
    applied.mtu = wanted.mtu;
    if applied.ipv4 != wanted.ipv4 {
        unanswer(applied);
        if let Some(old) = applied.ipv4.take() {
            tun.remove_ipv4(old.local, old.peer)?;
        }
        if let Some(new) = wanted.ipv4 {
            tun.set_ipv4(new.local, new.peer)?;
            applied.ipv4 = Some(new);
            if wanted.proxy_arp {
                answer(applied, new.peer);
            }
        }
    }
    if applied.ipv6 != wanted.ipv6 {
        // One that is no more stays until the interface goes: nothing is carried on it any more.
        if let Some(new) = wanted.ipv6 {
            tun.set_ipv6(identifier(new.local), identifier(new.peer))?;
        }
        applied.ipv6 = wanted.ipv6;
    }
    Ok(())
}

/// Takes an interface away.
pub(crate) fn remove(mut device: Device) {
    unanswer(&mut device.applied);
}

/// Begins to answer ARP. A caller without it has a network, if not the one next door: it is no reason to send
/// him away.
fn answer(applied: &mut Applied, peer: Ipv4Addr) {
    let beside = sys::proxy_arp::interface_beside(peer);
    let done = match beside {
        Ok(Some(ethernet)) => {
            sys::proxy_arp::add(&ethernet, peer).map(|()| ethernet).map_err(|e| e.to_string())
        }
        Ok(None) => Err("no Ethernet has a network that this address belongs to".to_owned()),
        Err(e) => Err(e.to_string()),
    };
    match done {
        Ok(ethernet) => applied.arp = Some((ethernet, peer)),
        Err(why) => tracing::warn!("proxy_arp: {peer}: {why}"),
    }
}

fn unanswer(applied: &mut Applied) {
    if let Some((ethernet, peer)) = applied.arp.take()
        && let Err(e) = sys::proxy_arp::remove(&ethernet, peer)
    {
        tracing::warn!("proxy_arp: {e}");
    }
}

/// The interface identifier of a link-local address: its lower half.
fn identifier(address: Ipv6Addr) -> u64 {
    let [_, _, _, _, _, _, _, _, a, b, c, d, e, f, g, h] = address.octets();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
