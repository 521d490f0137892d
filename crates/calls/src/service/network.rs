//! The network of a PPP link: its interface, its packets, its limits, and who is told of it.
//!
//! ```text
//!   device:  None ── a protocol is up ──► Setting ── Ready ──► Ready ── no protocol is up ──► Removed
//!              (Failed, Gone: the link is ended)    ▲            │ another protocol
//!                                                   └────────────┘
//!
//!   a protocol:  Down ── negotiated ──► Coming ── the interface is ready ──► Up ── closed ──► Down
//!                                          `network-up`, ip-up ────┘            ip-down ──┘
//! ```
//!
//! Packets from the caller are handed on as soon as their protocol is negotiated: outputs are carried out in
//! order, so the interface is made before they come to it.
//!
//! It does not know which addresses are whose (`pool`), nor how a link is negotiated.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use ppp::ncp::{Ipv4, Ipv6};
use proto::time::{Deadline, Instant};

use crate::config;
use crate::desk::Desk;
use crate::script::{self, Facts, Past};
use crate::status;
use crate::vocabulary::{
    CallId, Cause, Ends, Event, Interface, LineId, NetworkInput, NetworkOutput, Output, SessionId,
};

/// Where a network is, and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) call: CallId,
    pub(crate) session: SessionId,
    pub(crate) line: LineId,
    /// The line's name.
    pub(crate) line_name: String,
    /// The terminal device, or what stands for it.
    pub(crate) device: String,
    pub(crate) speed: u32,
    /// Who was let in.
    pub(crate) user: String,
}

/// What passed on the line, as the call counts it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic {
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

/// The network of a link.
#[derive(Debug)]
pub(crate) struct Network {
    place: Place,
    terms: config::network::Network,
    /// IPv4's ends as they are to be.
    planned: Option<Ends<Ipv4Addr>>,
    /// The longest packet to the caller.
    mtu: u16,
    began: Instant,
    last_packet: Instant,
    device: Device,
    ipv4: Family<Ipv4Addr>,
    ipv6: Family<Ipv6Addr>,
    counts: Counts,
}

#[derive(Debug)]
enum Device {
    None,
    /// So many answers are due; the name, once there was one.
    Setting {
        due: u32,
        name: Option<String>,
    },
    Ready(String),
    /// It is gone, and its end is not told yet.
    Removed(String),
}

#[derive(Clone, Copy, Debug)]
enum Family<A> {
    Down,
    Coming(Ends<A>),
    Up(Ends<A>),
}

impl<A: Copy> Family<A> {
    const fn ends(&self) -> Option<Ends<A>> {
        match self {
            Self::Down => None,
            Self::Coming(ends) | Self::Up(ends) => Some(*ends),
        }
    }

    /// It is up now: its ends, if it was not before.
    const fn rise(&mut self) -> Option<Ends<A>> {
        match *self {
            Self::Coming(ends) => {
                *self = Self::Up(ends);
                Some(ends)
            }
            Self::Down | Self::Up(_) => None,
        }
    }

    /// It is down now: its ends, if it was up.
    fn fall(&mut self) -> Option<Ends<A>> {
        match std::mem::replace(self, Self::Down) {
            Self::Up(ends) => Some(ends),
            Self::Down | Self::Coming(_) => None,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    octets_in: u64,
    octets_out: u64,
    packets_in: u64,
    packets_out: u64,
}

impl Network {
    /// The network phase begins; `planned` are IPv4's ends, `mtu` what the caller takes at most.
    pub(crate) fn new(
        place: Place,
        terms: config::network::Network,
        planned: Option<Ends<Ipv4Addr>>,
        mtu: u16,
        now: Instant,
    ) -> Self {
        Self {
            place,
            mtu: mtu.min(terms.mtu),
            terms,
            planned,
            began: now,
            last_packet: now,
            device: Device::None,
            ipv4: Family::Down,
            ipv6: Family::Down,
            counts: Counts::default(),
        }
    }

    // ----------------------------------------------------------------------------------- protocols

    /// IPv4 is negotiated.
    pub(crate) fn ipv4_up(&mut self, agreed: &Ipv4, desk: &mut Desk) {
        let Some(planned) = self.planned else { return };
        // A caller that says nothing of its address is taken to have the one that it was given.
        let peer = agreed.peer.unwrap_or(planned.peer);
        self.ipv4 = Family::Coming(Ends { local: planned.local, peer });
        self.set(desk);
    }

    /// IPv6 is negotiated.
    pub(crate) fn ipv6_up(&mut self, agreed: &Ipv6, desk: &mut Desk) {
        let ends = Ends { local: agreed.local.link_local(), peer: agreed.peer.link_local() };
        self.ipv6 = Family::Coming(ends);
        self.set(desk);
    }

    /// IPv4 is no more.
    pub(crate) fn ipv4_down(&mut self, traffic: Traffic, desk: &mut Desk) {
        let fallen = self.ipv4.fall().map(|ends| (ends.local.into(), ends.peer.into()));
        self.fallen(fallen, self.terms.scripts.ip_down.clone(), traffic, desk);
    }

    /// IPv6 is no more.
    pub(crate) fn ipv6_down(&mut self, traffic: Traffic, desk: &mut Desk) {
        let fallen = self.ipv6.fall().map(|ends| (ends.local.into(), ends.peer.into()));
        self.fallen(fallen, self.terms.scripts.ipv6_down.clone(), traffic, desk);
    }

    fn fallen(
        &mut self,
        ends: Option<(IpAddr, IpAddr)>,
        program: Option<PathBuf>,
        traffic: Traffic,
        desk: &mut Desk,
    ) {
        if let (Some((local, peer)), Some(name)) = (ends, self.interface()) {
            let name = name.to_owned();
            let past = Past {
                connected: desk.at() - self.began,
                sent: traffic.sent,
                received: traffic.received,
            };
            self.run(program, &name, Ends { local, peer }, Some(past), desk);
        }
        match (&self.device, self.ipv4.ends().is_some() || self.ipv6.ends().is_some()) {
            (Device::Setting { .. } | Device::Ready(_), true) => self.set(desk),
            (Device::Setting { .. } | Device::Ready(_), false) => self.remove(desk),
            (Device::None | Device::Removed(_), _) => {}
        }
    }

    // --------------------------------------------------------------------------------- the interface

    fn set(&mut self, desk: &mut Desk) {
        let interface = Interface {
            name: self.terms.interface.clone(),
            mtu: self.mtu,
            ipv4: self.ipv4.ends(),
            ipv6: self.ipv6.ends(),
            proxy_arp: self.terms.proxy_arp,
        };
        self.output(NetworkOutput::Set(Box::new(interface)), desk);
        self.device = match std::mem::replace(&mut self.device, Device::None) {
            Device::None | Device::Removed(_) => Device::Setting { due: 1, name: None },
            Device::Setting { due, name } => Device::Setting { due: due.saturating_add(1), name },
            Device::Ready(name) => Device::Setting { due: 1, name: Some(name) },
        };
    }

    fn remove(&mut self, desk: &mut Desk) {
        self.output(NetworkOutput::Remove, desk);
        self.gone();
    }

    fn gone(&mut self) {
        self.device = match std::mem::replace(&mut self.device, Device::None) {
            Device::Ready(name)
            | Device::Setting { name: Some(name), .. }
            | Device::Removed(name) => Device::Removed(name),
            Device::None | Device::Setting { name: None, .. } => Device::None,
        };
    }

    /// The world says something of the interface. An error ends the link.
    pub(crate) fn hear(&mut self, input: &NetworkInput, desk: &mut Desk) -> Result<(), String> {
        match input {
            NetworkInput::Ready { interface } => {
                self.ready(interface, desk);
                Ok(())
            }
            NetworkInput::Failed(why) | NetworkInput::Gone(why) => {
                // What was removed on purpose is not missed.
                let missed = matches!(self.device, Device::Setting { .. } | Device::Ready(_));
                self.gone();
                if missed { Err(why.clone()) } else { Ok(()) }
            }
            NetworkInput::Packet(_) | NetworkInput::ScriptFailed { .. } => Ok(()),
        }
    }

    fn ready(&mut self, interface: &str, desk: &mut Desk) {
        match &mut self.device {
            Device::Setting { due, name } if *due > 1 => {
                *due -= 1;
                *name = Some(interface.to_owned());
            }
            Device::Setting { .. } => {
                self.device = Device::Ready(interface.to_owned());
                if let Some(ends) = self.ipv4.rise() {
                    let ends = Ends { local: ends.local.into(), peer: ends.peer.into() };
                    self.risen(self.terms.scripts.ip_up.clone(), interface, ends, desk);
                }
                if let Some(ends) = self.ipv6.rise() {
                    let ends = Ends { local: ends.local.into(), peer: ends.peer.into() };
                    self.risen(self.terms.scripts.ipv6_up.clone(), interface, ends, desk);
                }
            }
            // It was removed before the answer came.
            Device::None | Device::Ready(_) | Device::Removed(_) => {}
        }
    }

    fn risen(
        &self,
        program: Option<PathBuf>,
        interface: &str,
        ends: Ends<IpAddr>,
        desk: &mut Desk,
    ) {
        desk.journal(Event::NetworkUp {
            call: self.place.call,
            session: self.place.session,
            user: self.place.user.clone(),
            interface: interface.to_owned(),
            local: ends.local,
            peer: ends.peer,
            mtu: self.mtu,
        });
        self.run(program, interface, ends, None, desk);
    }

    fn run(
        &self,
        program: Option<PathBuf>,
        interface: &str,
        ends: Ends<IpAddr>,
        past: Option<Past>,
        desk: &mut Desk,
    ) {
        let Some(program) = program else { return };
        let facts = Facts {
            interface,
            device: &self.place.device,
            speed: self.place.speed,
            ends,
            peer_name: &self.place.user,
            parameter: &self.place.line_name,
            dns: [None, None],
            call: Some((self.place.call, self.place.session)),
            past,
        };
        let script = script::script(&program, &facts);
        self.output(NetworkOutput::Script(Box::new(script)), desk);
    }

    fn interface(&self) -> Option<&str> {
        match &self.device {
            Device::Ready(name)
            | Device::Setting { name: Some(name), .. }
            | Device::Removed(name) => Some(name),
            Device::None | Device::Setting { name: None, .. } => None,
        }
    }

    /// The link is over, or begins anew.
    pub(crate) fn end(&mut self, why: &str, traffic: Traffic, desk: &mut Desk) {
        self.ipv4_down(traffic, desk);
        self.ipv6_down(traffic, desk);
        match std::mem::replace(&mut self.device, Device::None) {
            Device::Removed(interface) => {
                let Counts { octets_in, octets_out, packets_in, packets_out } = self.counts;
                desk.journal(Event::NetworkDown {
                    call: self.place.call,
                    session: self.place.session,
                    interface,
                    octets_in,
                    octets_out,
                    packets_in,
                    packets_out,
                    why: why.to_owned(),
                });
            }
            Device::None | Device::Setting { .. } | Device::Ready(_) => {}
        }
    }

    fn output(&self, output: NetworkOutput, desk: &mut Desk) {
        desk.output(Output::Network(self.place.call, self.place.line, output));
    }

    // --------------------------------------------------------------------------- packets and limits

    /// A packet from the caller.
    pub(crate) fn received(&mut self, packet: Vec<u8>, desk: &mut Desk) {
        self.last_packet = desk.at();
        self.counts.packets_in += 1;
        self.counts.octets_in += octets(&packet);
        match self.device {
            Device::Setting { .. } | Device::Ready(_) => {
                self.output(NetworkOutput::Packet(packet), desk);
            }
            Device::None | Device::Removed(_) => {}
        }
    }

    /// A packet was sent to the caller.
    pub(crate) fn sent(&mut self, packet: &[u8], now: Instant) {
        self.last_packet = now;
        self.counts.packets_out += 1;
        self.counts.octets_out += octets(packet);
    }

    /// Why the link has had its time, if it has.
    pub(crate) fn over(&self, now: Instant) -> Option<(Cause, &'static str)> {
        if self.session_end().is_some_and(|at| at <= now) {
            Some((Cause::SessionTimeout, "the session's time is over"))
        } else if self.idle_end().is_some_and(|at| at <= now) {
            Some((Cause::IdleTimeout, "nothing was sent or received for too long"))
        } else {
            None
        }
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        let idle = self.idle_end().map(|at| Deadline::new(at, "idle limit"));
        let session = self.session_end().map(|at| Deadline::new(at, "session limit"));
        Deadline::earliest(idle, session)
    }

    fn idle_end(&self) -> Option<Instant> {
        self.terms.idle_limit.map(|limit| self.last_packet + limit)
    }

    fn session_end(&self) -> Option<Instant> {
        self.terms.session_limit.map(|limit| self.began + limit)
    }

    /// For people.
    pub(crate) fn view(&self, now: Instant) -> Option<status::Network> {
        let text = |ends: Option<Ends<IpAddr>>| {
            ends.map(|Ends { local, peer }| status::Ends { local, peer })
        };
        let ipv4 = self.ipv4.ends();
        let ipv6 = self.ipv6.ends();
        Some(status::Network {
            interface: self.interface()?.to_owned(),
            mtu: self.mtu,
            ipv4: text(ipv4.map(|e| Ends { local: e.local.into(), peer: e.peer.into() })),
            ipv6: text(ipv6.map(|e| Ends { local: e.local.into(), peer: e.peer.into() })),
            octets_in: self.counts.octets_in,
            octets_out: self.counts.octets_out,
            packets_in: self.counts.packets_in,
            packets_out: self.counts.packets_out,
            idle_ms: crate::call::millis(self.last_packet, now),
        })
    }
}

fn octets(packet: &[u8]) -> u64 {
    u64::try_from(packet.len()).unwrap_or(u64::MAX)
}

/// The name of the terminal in scripts: its path, or where there is none the port as it is configured.
pub(crate) fn device_name(port: &config::PortSpec) -> String {
    match port {
        config::PortSpec::Tty(path) => path.display().to_string(),
        config::PortSpec::Rfc2217 { host, tcp_port } => format!("rfc2217://{host}:{tcp_port}"),
        config::PortSpec::Tcp { host, tcp_port } => format!("tcp://{host}:{tcp_port}"),
        config::PortSpec::Sim(name) => format!("sim:{name}"),
    }
}

/// LCP's own watch over the line.
pub(crate) fn keepalive(terms: &config::network::Network) -> Option<ppp::lcp::Keepalive> {
    let interval: Duration = terms.echo_interval?;
    Some(ppp::lcp::Keepalive { interval, tolerated: terms.echo_failures })
}
