//! A server's port in the simulated world: what the rim does with a tty, done with a station of the exchange.

use calls::config::PortSpec;
use calls::server::Server;
use calls::vocabulary::{Input, LineId, PortInput, PortOutput};
use proto::time::Instant;

use super::tape::Fact;
use super::{Owner, World};
use crate::exchange::{DteInput, DteOutput, Exchange, StationId};

/// A port.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) station: StationId,
    /// The line's name, for the watch.
    name: String,
    open: bool,
    plugged: bool,
    claimed: bool,
    lent: bool,
    /// Bytes for which the modem has no room yet.
    waiting: Vec<u8>,
    /// `Drained` is owed.
    drains: bool,
}

/// Who takes a line away in a story.
const HOLDER: &str = "minicom (pid 812)";

impl Port {
    /// Whether the server has the lock.
    pub(super) const fn is_claimed(&self) -> bool {
        self.claimed
    }

    /// Another program takes the lock, or gives it back; what the core hears of it.
    pub(super) fn lock(&mut self, taken: bool) -> Option<PortInput> {
        if taken == self.lent || (taken && self.claimed) {
            return None;
        }
        self.lent = taken;
        Some(if taken {
            PortInput::Taken { holder: HOLDER.to_owned() }
        } else {
            PortInput::Returned
        })
    }

    /// Hands the modem what it has room for.
    fn push(&mut self, now: Instant, exchange: &mut Exchange) {
        while !self.waiting.is_empty() {
            let room = exchange.room(self.station).min(self.waiting.len());
            if room == 0 {
                return;
            }
            let rest = self.waiting.split_off(room);
            let bytes = std::mem::replace(&mut self.waiting, rest);
            exchange.dte(now, self.station, DteInput::Bytes(&bytes));
        }
    }
}

impl World {
    /// Carries out what the core wants of a port.
    pub(super) fn port(&mut self, line: LineId, output: PortOutput) {
        let now = self.now;
        if let PortOutput::Open = output {
            return self.open(line);
        }
        let Some(port) = self.ports.get_mut(&line) else { return };
        let mut answer = None;
        match output {
            PortOutput::Open => {}
            PortOutput::Close => {
                port.open = false;
                port.waiting.clear();
                self.exchange.dte(now, port.station, DteInput::Dtr(false));
            }
            PortOutput::Claim => {
                answer = Some(if port.lent {
                    PortInput::Taken { holder: HOLDER.to_owned() }
                } else {
                    port.claimed = true;
                    PortInput::Claimed
                });
            }
            PortOutput::Release => port.claimed = false,
            PortOutput::Send(bytes) => {
                if !port.claimed {
                    self.watch.violated(format!("{} is used without its lock", port.name));
                }
                let status = self.exchange.status(port.station);
                match status.modem {
                    "command" => self.watch.commanded(&port.name, &bytes),
                    "online" => {
                        self.watch.spoken(&port.name, &bytes);
                        self.tape.record(now, || Fact::Said(port.name.clone(), bytes.clone()));
                    }
                    _ => {}
                }
                if port.open && port.plugged {
                    port.waiting.extend_from_slice(&bytes);
                    port.push(now, &mut self.exchange);
                }
            }
            PortOutput::Drain => port.drains = true,
            PortOutput::Dtr(on) => self.exchange.dte(now, port.station, DteInput::Dtr(on)),
            PortOutput::Speed(speed) => {
                self.exchange.dte(now, port.station, DteInput::Speed(speed));
            }
            PortOutput::Flush => port.waiting.clear(),
            // In this world programs hear of lost carrier from the core.
            PortOutput::CarrierMatters(_) => {}
        }
        self.inbox.extend(answer.map(|input| Input::Port(line, input)));
        self.hear_town();
    }

    fn open(&mut self, line: LineId) {
        let now = self.now;
        if !self.ports.contains_key(&line) {
            let spec = self.server.as_ref().and_then(|server: &Server| server.line(line));
            let found = spec.and_then(|spec| match &spec.port {
                PortSpec::Sim(station) => {
                    Some((self.exchange.station(station)?, spec.name.clone()))
                }
                PortSpec::Tty(_) | PortSpec::Rfc2217 { .. } | PortSpec::Tcp { .. } => None,
            });
            let Some((station, name)) = found else {
                let why = "no such station in this town".to_owned();
                return self.inbox.push_back(Input::Port(line, PortInput::Lost(why)));
            };
            self.owners.insert(station, Owner::Server(line));
            let port = Port {
                station,
                name,
                open: false,
                plugged: true,
                claimed: false,
                lent: false,
                waiting: Vec::new(),
                drains: false,
            };
            self.ports.insert(line, port);
        }
        let Some(port) = self.ports.get_mut(&line) else { return };
        port.plugged = self.exchange.is_plugged(port.station);
        let input = if port.plugged {
            port.open = true;
            self.exchange.dte(now, port.station, DteInput::Dtr(true));
            let signals = self.control_lines.then(|| self.exchange.signals(port.station));
            PortInput::Opened { signals }
        } else {
            PortInput::Lost("the modem is not plugged in".to_owned())
        };
        self.inbox.push_back(Input::Port(line, input));
        self.hear_town();
    }

    /// What a port hears from its modem.
    pub(super) fn port_hears(&mut self, line: LineId, output: DteOutput) {
        let Some(port) = self.ports.get_mut(&line) else { return };
        let input = match output {
            DteOutput::Bytes(bytes) => PortInput::Bytes(bytes),
            DteOutput::Signals(signals) if self.control_lines => PortInput::Signals(signals),
            DteOutput::Signals(_) | DteOutput::Break => return,
            DteOutput::Plugged(plugged) => {
                port.plugged = plugged;
                if plugged || !port.open {
                    return;
                }
                port.open = false;
                self.inbox.push_back(Input::Port(line, PortInput::Lost("unplugged".to_owned())));
                return;
            }
        };
        if port.open {
            self.inbox.push_back(Input::Port(line, input));
        }
    }

    /// Hands modems what they have room for, and says what is drained.
    pub(super) fn push_ports(&mut self) {
        let now = self.now;
        for (line, port) in &mut self.ports {
            if !port.waiting.is_empty() {
                port.push(now, &mut self.exchange);
            }
            if port.drains && port.waiting.is_empty() {
                port.drains = false;
                self.inbox.push_back(Input::Port(*line, PortInput::Drained));
            }
        }
    }
}
