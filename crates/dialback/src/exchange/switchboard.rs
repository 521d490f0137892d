//! The task that owns a simulated exchange and lets it live in real time: every cable to a modem ends here.
//!
//! ```text
//!   ports of any kind ──ToModem──► forwarder ──Deed──► one task: sim::Exchange ──FromModem──► port
//!                                                           └──Logged──► whoever listens
//! ```
//!
//! It does not know what a port is made of: ptys, network ports and the rim's `sim:` ports all come with a
//! [`Plug`]. A modem that has no room makes its cable wait (CTS); a port that does not read makes its modem
//! wait (RTS).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use sim::exchange::event::Logged;
use sim::exchange::fault::{Fault, Times};
use sim::exchange::{DteInput, DteOutput, Exchange, Output, StationId, StationStatus};
use sim::town::Town;
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::port::sim::{FromModem, Plug, Sockets, ToModem};

/// Log entries that a slow listener may be behind before it misses some.
const LOG: usize = 4096;

/// Things that may wait for the exchange; a cable that has more to say waits until it has listened.
const DEEDS: usize = 256;

/// One cable: a port that is opened again gets another, and what the old one still says is not the new one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cable {
    station: StationId,
    number: u64,
}

/// What the task is told.
enum Deed {
    /// The port at this station did something.
    Do(Cable, ToModem),
    /// The port reads again.
    Reads(StationId),
    /// The port is gone.
    PulledOut(Cable),
    Fault(String, Fault, Times, oneshot::Sender<Result<(), String>>),
    Status(oneshot::Sender<Vec<StationStatus>>),
}

/// A running exchange; cheap to copy. It ends with its runtime.
#[derive(Clone, Debug)]
pub(crate) struct Switchboard {
    sockets: Sockets,
    deeds: mpsc::Sender<Deed>,
    log: broadcast::Sender<Logged>,
}

impl Switchboard {
    /// Switches a town on. Within a runtime. `seed` decides what noise does.
    pub(crate) fn start(town: Town, seed: u64) -> Self {
        let (sockets, plugs) = Sockets::new();
        let (deeds, told) = mpsc::channel(DEEDS);
        let (log, _) = broadcast::channel(LOG);
        let board = Board {
            exchange: Exchange::new(town, seed),
            clock: Clock::start(1),
            plugged: BTreeMap::new(),
            patient: BTreeMap::new(),
            busy: BTreeSet::new(),
            cables: 0,
            deeds: deeds.clone(),
            log: log.clone(),
        };
        tokio::spawn(board.run(plugs, told));
        Self { sockets, deeds, log }
    }

    /// Where ports are plugged in.
    pub(crate) fn sockets(&self) -> &Sockets {
        &self.sockets
    }

    /// What happens from now on.
    pub(crate) fn watch(&self) -> broadcast::Receiver<Logged> {
        self.log.subscribe()
    }

    /// Every station just now.
    pub(crate) async fn status(&self) -> Vec<StationStatus> {
        let (tell, told) = oneshot::channel();
        drop(self.deeds.send(Deed::Status(tell)).await);
        told.await.unwrap_or_default()
    }

    /// Sets a fault at a station, or takes it away. `Err` names the station that is not there.
    pub(crate) async fn fault(
        &self,
        station: &str,
        fault: Fault,
        times: Times,
    ) -> Result<(), String> {
        let (tell, told) = oneshot::channel();
        drop(self.deeds.send(Deed::Fault(station.to_owned(), fault, times, tell)).await);
        told.await.unwrap_or_else(|_| Err("the exchange is gone".to_owned()))
    }
}

/// A port with its cable.
#[derive(Debug)]
struct Plugged {
    cable: Cable,
    to_port: mpsc::Sender<FromModem>,
    /// For a port that does not read just now, in order.
    held: VecDeque<FromModem>,
    /// Not yet taken by the modem, in order.
    pending: VecDeque<ToModem>,
    /// One permit: the forwarder may fetch one more thing from the port.
    turn: Arc<Semaphore>,
    forwarder: JoinHandle<()>,
}

impl Drop for Plugged {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

struct Board {
    exchange: Exchange,
    clock: Clock,
    plugged: BTreeMap<StationId, Plugged>,
    /// Ports that wait for their cable to be put in again.
    patient: BTreeMap<StationId, Plug>,
    /// Stations with something pending.
    busy: BTreeSet<StationId>,
    cables: u64,
    deeds: mpsc::Sender<Deed>,
    log: broadcast::Sender<Logged>,
}

impl Board {
    async fn run(
        mut self,
        mut plugs: mpsc::UnboundedReceiver<Plug>,
        mut told: mpsc::Receiver<Deed>,
    ) {
        loop {
            let due =
                self.exchange.deadline().map(|deadline| self.clock.runtime_instant(deadline.at));
            tokio::select! {
                plug = plugs.recv() => match plug {
                    Some(plug) => self.plug_in(plug),
                    None => return,
                },
                Some(deed) = told.recv() => self.take(deed),
                () = crate::rim::until(due) => self.exchange.tick(self.clock.now().at),
            }
            self.settle();
        }
    }

    fn plug_in(&mut self, plug: Plug) {
        let Some(id) = self.exchange.station(&plug.name) else {
            drop(
                plug.answer
                    .send(Err(format!("sim:{}: the town has no station of this name", plug.name))),
            );
            return;
        };
        if self.is_unplugged(id) {
            if plug.patient {
                self.patient.insert(id, plug);
            } else {
                drop(plug.answer.send(Err(format!("sim:{}: its cable is off", plug.name))));
            }
            return;
        }
        let signals = self.exchange.signals(id);
        self.cables += 1;
        let cable = Cable { station: id, number: self.cables };
        let turn = Arc::new(Semaphore::new(1));
        let forwarder =
            tokio::spawn(forward(cable, plug.from_port, self.deeds.clone(), Arc::clone(&turn)));
        let plugged = Plugged {
            cable,
            to_port: plug.to_port,
            held: VecDeque::new(),
            pending: VecDeque::new(),
            turn,
            forwarder,
        };
        let now = self.clock.now().at;
        // Who was plugged in before hears that his cable is gone, and the modem that DTR fell.
        if self.plugged.insert(id, plugged).is_some() {
            self.exchange.dte(now, id, DteInput::Dtr(false));
        }
        self.exchange.dte(now, id, DteInput::Ready(true));
        drop(plug.answer.send(Ok(signals)));
    }

    fn is_unplugged(&self, id: StationId) -> bool {
        self.exchange.status(id).faults.contains(&Fault::Unplugged)
    }

    fn take(&mut self, deed: Deed) {
        let now = self.clock.now().at;
        match deed {
            Deed::Do(cable, what) => {
                if let Some(plugged) = self.plugged.get_mut(&cable.station)
                    && plugged.cable == cable
                {
                    plugged.pending.push_back(what);
                    self.busy.insert(cable.station);
                }
            }
            Deed::Reads(id) => self.say_held(id),
            Deed::PulledOut(cable) => {
                let id = cable.station;
                if self.plugged.get(&id).is_none_or(|plugged| plugged.cable != cable) {
                    return;
                }
                self.plugged.remove(&id);
                self.busy.remove(&id);
                self.exchange.dte(now, id, DteInput::Dtr(false));
            }
            Deed::Fault(name, fault, times, tell) => {
                let done = match self.exchange.station(&name) {
                    Some(id) => {
                        self.exchange.fault(now, id, fault, times);
                        Ok(())
                    }
                    None => Err(format!("{name}: the town has no station of this name")),
                };
                drop(tell.send(done));
            }
            Deed::Status(tell) => {
                let all = self.exchange.stations().map(|id| self.exchange.status(id)).collect();
                drop(tell.send(all));
            }
        }
    }

    /// Gives the modems what waits for them, and everybody what the exchange says.
    fn settle(&mut self) {
        loop {
            self.feed();
            let Some(output) = self.exchange.poll() else { break };
            match output {
                // Nobody may be listening.
                Output::Log(logged) => drop(self.log.send(logged)),
                Output::Dte(id, DteOutput::Bytes(bytes)) => self.say(id, FromModem::Bytes(bytes)),
                Output::Dte(id, DteOutput::Signals(signals)) => {
                    self.say(id, FromModem::Signals(signals));
                }
                // No port of ours could show it: a pty has none, and nobody asks a modem for one.
                Output::Dte(_, DteOutput::Break) => {}
                Output::Dte(id, DteOutput::Plugged(true)) => {
                    if let Some(plug) = self.patient.remove(&id) {
                        self.plug_in(plug);
                    }
                }
                Output::Dte(id, DteOutput::Plugged(false)) => {
                    self.plugged.remove(&id);
                    self.busy.remove(&id);
                }
            }
        }
    }

    fn feed(&mut self) {
        let now = self.clock.now().at;
        let mut still_busy = BTreeSet::new();
        for id in std::mem::take(&mut self.busy) {
            while let Some(plugged) = self.plugged.get_mut(&id)
                && let Some(what) = plugged.pending.pop_front()
            {
                match give(&mut self.exchange, now, id, what) {
                    Given::All(answer) => {
                        if plugged.pending.is_empty() {
                            plugged.turn.add_permits(1);
                        }
                        if let Some(answer) = answer {
                            self.say(id, answer);
                        }
                    }
                    Given::Part(rest, answer) => {
                        plugged.pending.push_front(rest);
                        still_busy.insert(id);
                        if let Some(answer) = answer {
                            self.say(id, answer);
                        }
                        break;
                    }
                }
            }
        }
        self.busy.append(&mut still_busy);
    }

    fn say(&mut self, id: StationId, what: FromModem) {
        let Some(plugged) = self.plugged.get_mut(&id) else { return };
        plugged.held.push_back(what);
        if plugged.held.len() == 1 {
            self.say_held(id);
        }
    }

    /// Says what is held as far as the port takes it; the rest waits for it, and so does the modem.
    fn say_held(&mut self, id: StationId) {
        let now = self.clock.now().at;
        let Some(plugged) = self.plugged.get_mut(&id) else { return };
        while let Some(what) = plugged.held.pop_front() {
            match plugged.to_port.try_send(what) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(what)) => {
                    plugged.held.push_front(what);
                    let (to_port, deeds) = (plugged.to_port.clone(), self.deeds.clone());
                    tokio::spawn(async move {
                        // An error means that the port is gone, which its forwarder tells.
                        if to_port.reserve().await.is_ok() {
                            drop(deeds.send(Deed::Reads(id)).await);
                        }
                    });
                    self.exchange.dte(now, id, DteInput::Ready(false));
                    return;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => return,
            }
        }
        self.exchange.dte(now, id, DteInput::Ready(true));
    }
}

/// How far a modem took something.
enum Given {
    /// To the end; this is to be answered.
    All(Option<FromModem>),
    /// Not yet this rest; this is to be answered already.
    Part(ToModem, Option<FromModem>),
}

fn give(exchange: &mut Exchange, now: proto::time::Instant, id: StationId, what: ToModem) -> Given {
    match what {
        ToModem::Bytes(mut bytes) => {
            exchange.tick(now);
            let room = exchange.room(id).min(bytes.len());
            let rest = bytes.split_off(room);
            exchange.dte(now, id, DteInput::Bytes(&bytes));
            let taken = (room > 0).then_some(FromModem::Taken(room));
            if rest.is_empty() {
                Given::All(taken)
            } else {
                Given::Part(ToModem::Bytes(rest), taken)
            }
        }
        ToModem::Drain if exchange.waiting(id) > 0 => Given::Part(ToModem::Drain, None),
        ToModem::Drain => Given::All(Some(FromModem::Drained)),
        ToModem::Dtr(on) => {
            exchange.dte(now, id, DteInput::Dtr(on));
            Given::All(None)
        }
        ToModem::Speed(speed) => {
            exchange.dte(now, id, DteInput::Speed(speed));
            Given::All(None)
        }
        ToModem::Break => {
            exchange.dte(now, id, DteInput::Break);
            Given::All(None)
        }
        // What waits in the modem is on its way already, as in a real one.
        ToModem::Flush => Given::All(None),
        ToModem::Ready(ready) => {
            exchange.dte(now, id, DteInput::Ready(ready));
            Given::All(None)
        }
    }
}

/// Carries what a port says to the task, one thing at a time: the next when the modem has taken the last.
async fn forward(
    cable: Cable,
    mut from_port: mpsc::UnboundedReceiver<ToModem>,
    deeds: mpsc::Sender<Deed>,
    turn: Arc<Semaphore>,
) {
    loop {
        match turn.acquire().await {
            Ok(permit) => permit.forget(),
            Err(_) => return,
        }
        let deed = match from_port.recv().await {
            Some(what) => Deed::Do(cable, what),
            None => Deed::PulledOut(cable),
        };
        let last = matches!(deed, Deed::PulledOut(_));
        if deeds.send(deed).await.is_err() || last {
            return;
        }
    }
}
