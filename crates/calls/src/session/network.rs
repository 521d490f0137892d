//! The network of a PPP caller's session: who gets one, with which address, and who carries it.
//!
//! ```text
//!   network phase ──┬─ must be called back, and is not ──► refused
//!                   ├─ no address is free ───────────────► refused
//!                   ├─ the line's backend is pppd ───────► it gets the line, and begins anew
//!                   └─ our own engine ───────────────────► addresses to IPCP, packets to an interface
//! ```
//!
//! It does not know how an interface is made, nor how IPCP negotiates.

use std::net::Ipv4Addr;

use ppp::ncp::{Ipv4Wishes, Ipv6Wishes, PeerAddress};

use super::{Office, Session};
use crate::config::network::{Backend, Network as Terms};
use crate::dispatch::AUTO_PPP;
use crate::line::Line;
use crate::policy;
use crate::pppd;
use crate::service::{Network, Place, Service, Traffic, device_name};
use crate::vocabulary::{CallFacts, Cause, Ends, Event, Grounds, Handover, NetworkInput};

/// IPv6 does not run over less (RFC 8200 §5).
const LEAST_FOR_IPV6: u16 = 1280;

/// Why the link ends where no network is configured.
const NO_NETWORK: &str = "there is no IP on this line";

/// What a caller may have.
struct Share {
    ipv4: Option<Ends<Ipv4Addr>>,
    ipv6: bool,
}

impl Session {
    /// The link has come to its network phase.
    pub(super) fn serve_network(&mut self, line: &mut Line, office: &mut Office<'_>) {
        let Service::Ppp(ppp) = &mut self.service else { return };
        let (config, now) = (office.config, office.desk.at());
        let user = self.name.clone().unwrap_or_default();
        let Some(terms) = config.ppp.as_ref().map(|ppp| &ppp.network) else {
            // A reload has taken PPP away while he was negotiating.
            return ppp.close(now, Cause::ServiceUnavailable, NO_NETWORK);
        };
        let mtu = ppp.peer_mru().min(terms.mtu);
        // The link itself lets nobody come this far who must be called back. Policy is asked all the same,
        // because everything depends on it.
        let share = match policy::stay(config, &user, self.leg, office.desk.now.wall) {
            Ok(()) => self.share(&user, terms, mtu, office),
            Err(refusal) => Err((refusal.rule, refusal.reason)),
        };
        let Service::Ppp(ppp) = &mut self.service else { return };
        let share = match share {
            Ok(Share { ipv4: None, ipv6: false }) => {
                return ppp.close(now, Cause::ServiceUnavailable, NO_NETWORK);
            }
            Ok(share) => share,
            Err((rule, reason)) => {
                ppp.close(now, Cause::ServiceUnavailable, "there is no network for you");
                let (call, session) = (self.call, self.id);
                let event = Event::NetworkRefused { call, session, user, rule, reason };
                office.desk.journal(event);
                return;
            }
        };
        match line.config().backend.unwrap_or(terms.backend) {
            Backend::Tun => {}
            Backend::Pppd => return self.hand_to_pppd(&user, share.ipv4, line, office),
        }
        let place = Place {
            call: self.call,
            session: self.id,
            line: self.line,
            line_name: line.config().name.clone(),
            device: device_name(&line.config().port),
            speed: line.config().speed,
            user,
        };
        let network = Network::new(place, terms.clone(), share.ipv4, mtu, now);
        let ipv6 = share.ipv6.then(Ipv6Wishes::default);
        ppp.serve(now, network, share.ipv4.map(|ends| wishes(ends, terms)), ipv6);
    }

    /// pppd gets the line. The caller, whose name is proved, hears LCP begin anew, which it may at any time
    /// (RFC 1661 §4.3); what our engine has negotiated is forgotten.
    fn hand_to_pppd(
        &mut self,
        user: &str,
        ends: Option<Ends<Ipv4Addr>>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let Some(facts) = self.call_facts(line) else { return };
        let grounds = Grounds {
            entry: 0,
            sought: AUTO_PPP.to_owned(),
            leg: self.leg,
            line: line.config().name.clone(),
            facts: CallFacts { name: user.to_owned(), ..facts },
            pppd: Some(Handover { ends }),
        };
        match pppd::launch(office.config, grounds) {
            Ok(launch) => self.begin_program(launch, line, office),
            Err(unfounded) => {
                office.desk.journal(Event::LaunchFailed {
                    call: self.call,
                    session: self.id,
                    program: "pppd".to_owned(),
                    reason: unfounded.to_string(),
                });
                self.hang_up(Cause::NasError, line, office);
            }
        }
    }

    /// What the configuration and the pool have for a user; why nothing, if he is to have nothing.
    fn share(
        &self,
        user: &str,
        terms: &Terms,
        mtu: u16,
        office: &mut Office<'_>,
    ) -> Result<Share, (String, String)> {
        let ipv6 = terms.ipv6 && mtu >= LEAST_FOR_IPV6;
        let own = office.config.user(user).and_then(|user| user.address);
        let ipv4 = match terms.local {
            Some(local) if own.is_some() || !terms.pool.is_empty() => {
                let leased = office.pool.lease(self.call, user, own);
                let peer =
                    leased.map_err(|denied| (denied.rule().to_owned(), denied.to_string()))?;
                Some(Ends { local, peer })
            }
            Some(_) | None => None,
        };
        Ok(Share { ipv4, ipv6 })
    }

    /// The network of this call did something.
    pub(crate) fn network(
        &mut self,
        input: NetworkInput,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let Service::Ppp(ppp) = &mut self.service else { return };
        let now = office.desk.at();
        match input {
            NetworkInput::Packet(packet) => ppp.send_packet(now, &packet),
            other @ (NetworkInput::Ready { .. }
            | NetworkInput::Failed(_)
            | NetworkInput::Gone(_)
            | NetworkInput::ScriptFailed { .. }) => {
                let Some(network) = &mut ppp.network else { return };
                if let Err(why) = network.hear(&other, office.desk) {
                    ppp.close(now, Cause::NasError, "the network interface has failed");
                    office.desk.journal(Event::NetworkRefused {
                        call: self.call,
                        session: self.id,
                        user: self.name.clone().unwrap_or_default(),
                        rule: "interface".to_owned(),
                        reason: why,
                    });
                }
            }
        }
        self.hear_ppp(line, office);
    }

    /// The link is over, or begins anew: no packet passes any more.
    pub(super) fn end_network(&mut self, why: &str, line: &Line, office: &mut Office<'_>) {
        let Service::Ppp(ppp) = &mut self.service else { return };
        if let Some(mut network) = ppp.network.take() {
            network.end(why, traffic(line), office.desk);
        }
    }
}

/// What has passed on the call's line.
pub(super) fn traffic(line: &Line) -> Traffic {
    let (sent, received) = line.call().map_or((0, 0), |call| (call.bytes_out, call.bytes_in));
    Traffic { sent, received }
}

/// What we bring to IPCP. The caller's address is the one that was leased to him, whatever he asks for.
fn wishes(ends: Ends<Ipv4Addr>, terms: &Terms) -> Ipv4Wishes {
    let two = |servers: &[Ipv4Addr]| [servers.first().copied(), servers.get(1).copied()];
    Ipv4Wishes {
        local: Some(ends.local),
        peer: PeerAddress::Assigned(ends.peer),
        dns: two(&terms.dns),
        nbns: two(&terms.wins),
        asks_servers: false,
    }
}
