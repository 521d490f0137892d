//! The modems are connected: bytes go both ways, and the carrier is watched.
//!
//! ```text
//!                 ┌── DCD is up: Dcd ────── DCD falls ─────────────────────────────► CarrierLost
//!   CONNECT ──────┤        ▲ DCD rises
//!                 └── Words ┴── NO CARRIER, then silence ─► Probing ── Gone ────────► CarrierLost
//!                        ▲                                    │ Online
//!                        └────────────────────────────────────┘
//! ```
//!
//! The line stays here after the carrier is lost until it is told to hang up: whoever speaks on it has
//! to end first. It does not know who speaks.

use std::time::Duration;

use proto::at::carrier_watch::{CarrierProbe, CarrierWatch, Probe};
use proto::at::profile::ConnectSpeed;
use proto::at::reader::Form;
use proto::at::result::Connect;
use proto::time::Deadline;

use super::{Fact, State};
use crate::call::Call;
use crate::desk::Desk;
use crate::line::Line;
use crate::vocabulary::{Cause, Event, PortInput, PortOutput};

/// Silence behind the words `NO CARRIER` before they are believed to be the modem's.
const SILENCE: Duration = Duration::from_secs(2);
/// How long the modem may take to go online again when it is asked whether there is a call.
const PROBE_TIME: Duration = Duration::from_secs(10);
/// Bytes for the caller that are kept back behind the words `NO CARRIER`, and while the modem is asked. A
/// program that writes on meanwhile loses what goes beyond; the line is dead or will be back in five seconds.
const MAX_HELD: usize = 64 * 1024;
/// Bytes behind the words `NO CARRIER` that may still be the modem's. It does not say more line ends.
const MAX_DOUBTFUL: usize = 1024;

/// A call with both modems on line.
#[derive(Debug)]
pub(super) struct Online {
    pub(super) call: Call,
    watch: Watch,
}

#[derive(Debug)]
enum Watch {
    /// DCD tells.
    Dcd,
    /// The modem's words tell. Behind `NO CARRIER` what is to be sent waits: a modem in its command state
    /// would echo it to the program, for ever in turns, or take a line of it that begins with AT for a command.
    /// What came behind the words waits as well: a `RING` must not become a name.
    Words { watch: CarrierWatch, doubtful: Vec<u8>, held: Vec<u8> },
    /// The modem is being asked; what is to be sent waits, and what is doubtful still.
    Probing { probe: Box<CarrierProbe>, doubtful: Vec<u8>, held: Vec<u8> },
    /// The carrier is gone; `port` as well, if its reason is known.
    Lost { port: Option<String> },
}

impl Online {
    pub(super) const fn has_carrier(&self) -> bool {
        match self.watch {
            Watch::Dcd | Watch::Words { .. } | Watch::Probing { .. } => true,
            Watch::Lost { .. } => false,
        }
    }

    /// Whether `NO CARRIER` is the last that came, as far as the modem's words count.
    pub(super) const fn is_hushed(&self) -> bool {
        match &self.watch {
            Watch::Words { watch, .. } => watch.is_quiet(),
            Watch::Probing { .. } => true,
            Watch::Dcd | Watch::Lost { .. } => false,
        }
    }

    /// Counts what is sent, and gives it back if it may go out now.
    pub(super) fn send(&mut self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        match &mut self.watch {
            Watch::Words { watch, .. } if !watch.is_quiet() => {
                self.call.bytes_out += bytes.len() as u64;
                Some(bytes)
            }
            Watch::Dcd => {
                self.call.bytes_out += bytes.len() as u64;
                Some(bytes)
            }
            Watch::Words { held, .. } | Watch::Probing { held, .. } => {
                let room = MAX_HELD.saturating_sub(held.len());
                held.extend(bytes.into_iter().take(room));
                None
            }
            Watch::Lost { .. } => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        match &self.watch {
            Watch::Words { watch, .. } => watch.deadline(),
            Watch::Probing { probe, .. } => probe.deadline(),
            Watch::Dcd | Watch::Lost { .. } => None,
        }
    }

    /// The call, and why the port is gone if it is.
    pub(super) fn into_parts(self) -> (Call, Option<String>) {
        let port = match self.watch {
            Watch::Lost { port } => port,
            Watch::Dcd | Watch::Words { .. } | Watch::Probing { .. } => None,
        };
        (self.call, port)
    }
}

impl Line {
    /// CONNECT was said.
    pub(super) fn connected(
        &mut self,
        mut call: Call,
        connect: &Connect,
        desk: &mut Desk,
    ) -> State {
        let session = match call.session {
            Some(session) => session,
            None => desk.session_id(),
        };
        call.session = Some(session);
        call.connected = Some(desk.at());
        call.connect = connect.text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
        // A number that is the port's own speed says nothing of the line, where that is the modem's custom.
        let of_port = self.config.modem.profile.connect_speed == ConnectSpeed::Port;
        call.speed = connect.speed.filter(|speed| !of_port || *speed != self.speed);
        desk.journal(Event::Connected {
            line: self.name().to_owned(),
            call: call.id,
            session,
            direction: call.leg,
            connect: call.connect.clone(),
            speed: call.speed,
        });
        let (id, leg, promise) = (call.id, call.leg, call.promise);
        desk.report(self.id, Fact::Connected { call: id, session, leg, promise });
        let rest = self.reader.take_rest();
        let online = Box::new(Online { call, watch: self.watch() });
        if rest.is_empty() { State::Online(online) } else { self.online_heard(online, rest, desk) }
    }

    fn watch(&self) -> Watch {
        match self.signals {
            Some(signals) if signals.dcd && !self.carrier_stuck => Watch::Dcd,
            Some(_) | None => words(),
        }
    }

    fn online_heard(&mut self, mut online: Box<Online>, bytes: Vec<u8>, desk: &mut Desk) -> State {
        match &mut online.watch {
            Watch::Dcd => self.online_session(&mut online, bytes, desk),
            Watch::Words { .. } => return self.words_heard(online, &bytes, desk),
            Watch::Probing { probe, .. } => {
                probe.receive(desk.at(), &bytes);
                return self.probing(online, desk);
            }
            Watch::Lost { .. } => {}
        }
        State::Online(online)
    }

    fn words_heard(&mut self, mut online: Box<Online>, bytes: &[u8], desk: &mut Desk) -> State {
        let Watch::Words { watch, doubtful, held } = &mut online.watch else {
            return State::Online(online);
        };
        let was_quiet = watch.is_quiet();
        let (sure, doubted) = bytes.split_at(watch.receive(desk.at(), bytes).min(bytes.len()));
        if watch.poll().is_some() {
            doubtful.extend_from_slice(doubted);
            return self.probe(online, desk);
        }
        let hushed = !was_quiet && watch.is_quiet();
        let mut session = Vec::new();
        let mut to_send = Vec::new();
        if !watch.is_quiet() {
            // Somebody writes on: it was a caller's text, and the call goes on.
            session = std::mem::take(doubtful);
            to_send = std::mem::take(held);
        } else if !sure.is_empty() || doubtful.len() > MAX_DOUBTFUL {
            // The words came again, behind what was doubtful.
            session = std::mem::take(doubtful);
        }
        session.extend_from_slice(sure);
        doubtful.extend_from_slice(doubted);
        if !session.is_empty() {
            self.online_session(&mut online, session, desk);
        }
        self.send_held(&mut online, to_send, desk);
        if hushed {
            desk.report(self.id, Fact::CarrierDoubted);
        }
        State::Online(online)
    }

    /// Asks the modem whether there is still a call.
    fn probe(&mut self, mut online: Box<Online>, desk: &mut Desk) -> State {
        if let Watch::Words { doubtful, held, .. } = &mut online.watch {
            let (doubtful, held) = (std::mem::take(doubtful), std::mem::take(held));
            let probe = CarrierProbe::start(desk.at(), self.escape(), Form::Verbose, PROBE_TIME);
            online.watch = Watch::Probing { probe: Box::new(probe), doubtful, held };
        }
        State::Online(online)
    }

    fn online_session(&self, online: &mut Online, bytes: Vec<u8>, desk: &mut Desk) {
        online.call.bytes_in += bytes.len() as u64;
        desk.report(self.id, Fact::Received(bytes));
    }

    pub(super) fn online_port(
        &mut self,
        mut online: Box<Online>,
        input: PortInput,
        desk: &mut Desk,
    ) -> State {
        match input {
            PortInput::Bytes(bytes) => return self.online_heard(online, bytes, desk),
            PortInput::Drained => desk.report(self.id, Fact::Drained),
            PortInput::Signals(signals) => match online.watch {
                Watch::Dcd if !signals.dcd => return self.lost(online, None, desk),
                Watch::Words { ref mut held, ref mut doubtful, .. }
                    if signals.dcd && !self.carrier_stuck =>
                {
                    let (doubtful, held) = (std::mem::take(doubtful), std::mem::take(held));
                    online.watch = Watch::Dcd;
                    if !doubtful.is_empty() {
                        self.online_session(&mut online, doubtful, desk);
                    }
                    self.send_held(&mut online, held, desk);
                }
                Watch::Dcd | Watch::Words { .. } | Watch::Probing { .. } | Watch::Lost { .. } => {}
            },
            PortInput::Lost(reason) => {
                self.signals = None;
                match &mut online.watch {
                    Watch::Lost { port } => *port = Some(reason),
                    Watch::Dcd | Watch::Words { .. } | Watch::Probing { .. } => {
                        return self.lost(online, Some(reason), desk);
                    }
                }
            }
            PortInput::Opened { .. }
            | PortInput::Claimed
            | PortInput::Taken { .. }
            | PortInput::Returned => {}
        }
        State::Online(online)
    }

    fn lost(&self, mut online: Box<Online>, port: Option<String>, desk: &mut Desk) -> State {
        let cause = if port.is_some() { Cause::PortError } else { Cause::LostCarrier };
        online.watch = Watch::Lost { port };
        desk.report(self.id, Fact::CarrierLost(cause));
        State::Online(online)
    }

    pub(super) fn online_tick(&mut self, mut online: Box<Online>, desk: &mut Desk) -> State {
        let now = desk.at();
        match &mut online.watch {
            Watch::Words { watch, .. } => {
                watch.tick(now);
                if watch.poll().is_some() {
                    return self.probe(online, desk);
                }
            }
            Watch::Probing { probe, .. } => {
                probe.tick(now);
                return self.probing(online, desk);
            }
            Watch::Dcd | Watch::Lost { .. } => {}
        }
        State::Online(online)
    }

    /// Does what the probe wants done.
    fn probing(&mut self, mut online: Box<Online>, desk: &mut Desk) -> State {
        while let Watch::Probing { probe, .. } = &mut online.watch {
            let Some(step) = probe.poll() else { break };
            match step {
                Probe::Send(bytes) => desk.port(self.id, PortOutput::Send(bytes)),
                Probe::Session(bytes) => {
                    let all = Self::no_doubt(&mut online, bytes);
                    self.online_session(&mut online, all, desk);
                }
                Probe::Online => return self.probed(online, desk),
                // A modem that does not even answer has no caller either.
                Probe::Gone | Probe::Unclear => return self.lost(online, None, desk),
            }
        }
        State::Online(online)
    }

    /// The call goes on: what was kept back goes on its way, in both directions.
    fn probed(&self, mut online: Box<Online>, desk: &mut Desk) -> State {
        if let Watch::Probing { probe, doubtful, held } =
            std::mem::replace(&mut online.watch, words())
        {
            let rest = [doubtful, probe.finish()].concat();
            if !rest.is_empty() {
                self.online_session(&mut online, rest, desk);
            }
            self.send_held(&mut online, held, desk);
        }
        State::Online(online)
    }

    /// What was doubtful, and is the caller's after all, before these bytes of his.
    fn no_doubt(online: &mut Online, bytes: Vec<u8>) -> Vec<u8> {
        match &mut online.watch {
            Watch::Words { doubtful, .. } | Watch::Probing { doubtful, .. }
                if !doubtful.is_empty() =>
            {
                [std::mem::take(doubtful), bytes].concat()
            }
            Watch::Dcd | Watch::Words { .. } | Watch::Probing { .. } | Watch::Lost { .. } => bytes,
        }
    }

    fn send_held(&self, online: &mut Online, held: Vec<u8>, desk: &mut Desk) {
        if !held.is_empty()
            && let Some(bytes) = online.send(held)
        {
            desk.port(self.id, PortOutput::Send(bytes));
        }
    }
}

fn words() -> Watch {
    Watch::Words {
        watch: CarrierWatch::new(Form::Verbose, SILENCE),
        doubtful: Vec::new(),
        held: Vec::new(),
    }
}
