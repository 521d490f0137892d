//! The telephone exchange of a town, with everybody's modem on it: one machine without I/O.
//!
//! ```text
//!   dte(now, station, input) ─┐   ┌─ modem ── hook, digits, data ──► lines.rs (circuits, tones, bells)
//!                             ├─► │                                      │
//!   tick(now) ────────────────┘   └─ modem ◄── tones, bell, carrier ─────┘
//!                                      │
//!                                      └─► lag.rs (late, in pieces, unplugged) ─► poll(): Dte, Log
//! ```
//!
//! All times that go in and come out are the caller's. Inside, the town's clock goes [`Town::scale`] times as fast;
//! this file is the only one that converts. Whatever is due is done at its own instant, in order, however late
//! `tick` comes: the same inputs give the same town.
//!
//! It does not know what is behind a modem's port: a pty, a socket, the simulated world.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::ops::{Index, IndexMut};

use proto::signals::Signals;
use proto::time::{Deadline, Instant};
use serde::Serialize;

use self::event::{Logged, Name, TownEvent};
use self::fault::{Fault, Faults, Times};
use self::lag::Lag;
use self::lines::Line;
use crate::chance::Chance;
use crate::modem::result::Rate;
use crate::modem::{self, LineInput, LineOutput, Mode, Modem, Note};
use crate::town::{Equipment, Presentation, Town};

mod circuit;
pub mod event;
pub mod fault;
mod lag;
mod lines;
mod status;
#[cfg(test)]
mod tests;

pub use self::status::StationStatus;

/// A station of one exchange: only [`Exchange::station`] and [`Exchange::stations`] make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct StationId(u32);

impl fmt::Display for StationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "station{}", self.0)
    }
}

/// What the computer at a modem does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DteInput<'a> {
    /// Sends bytes.
    Bytes(&'a [u8]),
    /// Raises or drops DTR.
    Dtr(bool),
    /// Takes bytes, or does not (RTS; a full pipe).
    Ready(bool),
    /// Talks at this speed from now on.
    Speed(u32),
    /// Sends a break.
    Break,
}

/// What the computer at a modem sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DteOutput {
    /// Bytes.
    Bytes(Vec<u8>),
    /// The control lines.
    Signals(Signals),
    /// A break.
    Break,
    /// The cable is off (`false`) or on again (`true`).
    Plugged(bool),
}

/// One output. They are in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// For the computer at a modem.
    Dte(StationId, DteOutput),
    /// For the log.
    Log(Logged),
}

/// A telephone line, as it lives.
#[derive(Debug)]
struct Subscriber {
    name: Name,
    number: String,
    presentation: Presentation,
    called_name: Option<String>,
    set: Set,
    line: Line,
    /// In which mode the modem waits for training, if it does.
    handshake: Option<Mode>,
    faults: Faults,
    lag: Lag,
    dtr: bool,
    plugged: bool,
    /// The deadline in `Exchange::due` that counts; others of this station are stale.
    wake: Option<Instant>,
}

/// What is on the line.
#[derive(Debug)]
enum Set {
    Modem(Box<Modem>),
    Telephone { answers: Option<std::time::Duration> },
}

#[derive(Debug)]
struct Subscribers(Vec<Subscriber>);

impl Index<StationId> for Subscribers {
    type Output = Subscriber;

    #[expect(
        clippy::indexing_slicing,
        reason = "a StationId is made from an index, and towns do not shrink"
    )]
    fn index(&self, id: StationId) -> &Subscriber {
        &self.0[id.0 as usize]
    }
}

impl IndexMut<StationId> for Subscribers {
    #[expect(
        clippy::indexing_slicing,
        reason = "a StationId is made from an index, and towns do not shrink"
    )]
    fn index_mut(&mut self, id: StationId) -> &mut Subscriber {
        &mut self.0[id.0 as usize]
    }
}

/// A town's exchange.
#[derive(Debug)]
pub struct Exchange {
    town: Town,
    stations: Subscribers,
    due: BinaryHeap<Reverse<(Instant, StationId)>>,
    /// Stations whose modem may have something to say, or whose deadline may have changed.
    touched: VecDeque<StationId>,
    chance: Chance,
    now: Instant,
    out: VecDeque<Output>,
    logging: bool,
}

impl Exchange {
    /// Switches a town on. `seed` decides what noise does.
    #[must_use]
    pub fn new(town: Town, seed: u64) -> Self {
        let mut stations = Vec::with_capacity(town.stations.len());
        let mut touched = VecDeque::new();
        for (index, spec) in town.stations.iter().enumerate() {
            let set = match &spec.equipment {
                Equipment::Modem(modem) => {
                    let mut set = Modem::new(modem.profile.clone());
                    // A town's file has been checked; a wrong setting here leaves the factory's.
                    let _checked = set.set_up(&modem.settings);
                    Set::Modem(Box::new(set))
                }
                Equipment::Telephone { answers } => Set::Telephone { answers: *answers },
            };
            let mut faults = Faults::default();
            for (fault, times) in &spec.faults {
                faults.set(fault.clone(), *times);
            }
            stations.push(Subscriber {
                name: Name::new(&spec.name),
                number: spec.number.clone(),
                presentation: spec.presentation,
                called_name: spec.subscriber.clone(),
                set,
                line: Line::Idle,
                handshake: None,
                plugged: !faults.has(&Fault::Unplugged),
                faults,
                lag: Lag::default(),
                dtr: false,
                wake: None,
            });
            touched.push_back(StationId(u32::try_from(index).unwrap_or(u32::MAX)));
        }
        let mut exchange = Self {
            town,
            stations: Subscribers(stations),
            due: BinaryHeap::new(),
            touched,
            chance: Chance::new(seed),
            now: Instant::ZERO,
            out: VecDeque::new(),
            logging: true,
        };
        exchange.settle();
        exchange
    }

    /// Leaves the log out: for measurements.
    pub const fn without_log(&mut self) {
        self.logging = false;
    }

    /// The station with this name.
    #[must_use]
    pub fn station(&self, name: &str) -> Option<StationId> {
        self.stations().find(|id| self.stations[*id].name.as_str() == name)
    }

    /// All stations, in the town's order.
    pub fn stations(&self) -> impl Iterator<Item = StationId> + use<> {
        (0..u32::try_from(self.stations.0.len()).unwrap_or(u32::MAX)).map(StationId)
    }

    /// The town as it was set up.
    #[must_use]
    pub const fn town(&self) -> &Town {
        &self.town
    }

    // ------------------------------------------------------------------------------------- inputs

    /// The computer at a modem does something.
    pub fn dte(&mut self, now: Instant, id: StationId, input: DteInput<'_>) {
        self.tick(now);
        let now = self.now;
        let station = &mut self.stations[id];
        if let DteInput::Dtr(on) = input {
            station.dtr = on;
        }
        let deaf = !station.plugged || station.faults.has(&Fault::Mute);
        let Set::Modem(modem) = &mut station.set else { return };
        match input {
            DteInput::Bytes(_) | DteInput::Break | DteInput::Speed(_) if deaf => return,
            DteInput::Bytes(bytes) => modem.receive(now, bytes),
            DteInput::Break => modem.send_break(now),
            DteInput::Speed(speed) => modem.speed(speed),
            DteInput::Ready(ready) => modem.ready(ready),
            DteInput::Dtr(_) => {
                let no_wire = [Fault::IgnoresDtr, Fault::ThreeWires]
                    .iter()
                    .any(|fault| station.faults.has(fault));
                let believed = (station.dtr && station.plugged) || no_wire && modem.dtr_is_on();
                modem.dtr(now, believed);
            }
        }
        self.touched.push_back(id);
        self.settle();
    }

    /// A modem is set anew without its computer, and stores that; false where it does not know the commands.
    pub fn set_anew(&mut self, now: Instant, id: StationId, commands: &str) -> bool {
        self.tick(now);
        let station = &mut self.stations[id];
        let Set::Modem(modem) = &mut station.set else { return false };
        let taken = modem.set_up(commands);
        self.touched.push_back(id);
        self.settle();
        taken
    }

    /// Something goes wrong at a station, or is mended.
    pub fn fault(&mut self, now: Instant, id: StationId, fault: Fault, times: Times) {
        self.tick(now);
        let on = !matches!(times, Times::Never | Times::Next(0));
        let station = &mut self.stations[id];
        let cable = fault.is_like(&Fault::Unplugged);
        let wire_mended = fault.is_like(&Fault::IgnoresDtr) && !on;
        station.faults.set(fault.clone(), times);
        let name = station.name.clone();
        self.log(|| TownEvent::FaultSet { station: name, fault, on });
        if cable {
            self.plug(id, !on);
        }
        let station = &mut self.stations[id];
        if let (true, Set::Modem(modem)) = (wire_mended, &mut station.set) {
            // Now it learns what it did not notice.
            modem.dtr(self.now, station.dtr && station.plugged);
        }
        self.say_signals(id);
        self.touched.push_back(id);
        self.settle();
    }

    fn plug(&mut self, id: StationId, plugged: bool) {
        let now = self.now;
        let station = &mut self.stations[id];
        if station.plugged == plugged {
            return;
        }
        station.plugged = plugged;
        let dtr = station.dtr && plugged;
        if let Set::Modem(modem) = &mut station.set {
            modem.dtr(now, dtr);
        }
        station.lag.clear();
        self.out.push_back(Output::Dte(id, DteOutput::Plugged(plugged)));
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        let now = self.inside(now);
        while let Some(&Reverse((at, id))) = self.due.peek()
            && at <= now
        {
            self.due.pop();
            let station = &mut self.stations[id];
            if station.wake != Some(at) {
                continue;
            }
            station.wake = None;
            self.now = self.now.max(at);
            let now = self.now;
            if let Set::Modem(modem) = &mut station.set {
                modem.tick(now);
            }
            self.drain(id);
            self.line_tick(id);
            self.flush_lag(id);
            self.touched.push_back(id);
            self.settle();
        }
        self.now = self.now.max(now);
    }

    /// The next output.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Self::tick`] is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        // A stale entry makes an early tick, which is harmless.
        let Reverse((at, id)) = self.due.peek()?;
        let why = self.station_deadline(*id).map_or("stale", |deadline| deadline.why);
        Some(Deadline::new(self.outside_up(*at), why))
    }

    /// How many bytes the modem takes just now before it loses some.
    #[must_use]
    pub fn room(&self, id: StationId) -> usize {
        match &self.stations[id].set {
            Set::Modem(modem) => modem.room(),
            Set::Telephone { .. } => 0,
        }
    }

    /// Whether the cable between a modem and its computer is on.
    #[must_use]
    pub fn is_plugged(&self, id: StationId) -> bool {
        self.stations[id].plugged
    }

    /// How many bytes the modem has taken and not yet put on the telephone line.
    #[must_use]
    pub fn waiting(&self, id: StationId) -> usize {
        match &self.stations[id].set {
            Set::Modem(modem) => modem.waiting(),
            Set::Telephone { .. } => 0,
        }
    }

    // --------------------------------------------------------------------------------------- time

    fn scale(&self) -> u64 {
        u64::from(self.town.scale.max(1))
    }

    fn inside(&self, now: Instant) -> Instant {
        Instant::from_micros(now.as_micros().saturating_mul(self.scale()))
    }

    fn outside(&self, at: Instant) -> Instant {
        Instant::from_micros(at.as_micros() / self.scale())
    }

    /// Rounded up: a tick at this instant finds the thing due.
    fn outside_up(&self, at: Instant) -> Instant {
        Instant::from_micros(at.as_micros().div_ceil(self.scale()))
    }

    fn station_deadline(&self, id: StationId) -> Option<Deadline> {
        let station = &self.stations[id];
        let modem = match &station.set {
            Set::Modem(modem) => modem.deadline(),
            Set::Telephone { .. } => None,
        };
        let line = Deadline::earliest(station.line.deadline(), station.lag.deadline());
        Deadline::earliest(modem, line)
    }

    // ----------------------------------------------------------------------------------- settling

    /// Carries out what the modems want until nobody wants anything, and sets the alarms.
    fn settle(&mut self) {
        while let Some(id) = self.touched.pop_front() {
            self.drain(id);
            let wanted = self.station_deadline(id).map(|deadline| deadline.at);
            let station = &mut self.stations[id];
            if station.wake != wanted {
                station.wake = wanted;
                if let Some(at) = wanted {
                    self.due.push(Reverse((at, id)));
                }
            }
        }
    }

    /// Carries out what one modem wants.
    fn drain(&mut self, id: StationId) {
        loop {
            let Set::Modem(modem) = &mut self.stations[id].set else { return };
            let Some(output) = modem.poll() else { return };
            match output {
                modem::Output::Dte(bytes) => self.say(id, DteOutput::Bytes(bytes)),
                modem::Output::Break => self.say(id, DteOutput::Break),
                modem::Output::Signals(_) => self.say_signals(id),
                modem::Output::Note(note) => self.note(id, &note),
                modem::Output::Line(output) => self.line_output(id, output),
            }
        }
    }

    fn note(&mut self, id: StationId, note: &Note) {
        let station = self.stations[id].name.clone();
        self.log(|| match note {
            Note::Command(line) => TownEvent::Command { station, line: line.clone() },
            Note::Result(code) => TownEvent::Result { station, code: code.to_string() },
            Note::Overrun(bytes) => TownEvent::Overrun { station, bytes: *bytes },
        });
    }

    fn log(&mut self, event: impl FnOnce() -> TownEvent) {
        if self.logging {
            let at = self.outside(self.now);
            self.out.push_back(Output::Log(Logged { at, event: event() }));
        }
    }

    // ------------------------------------------------------------------------------ to the computer

    fn say(&mut self, id: StationId, output: DteOutput) {
        let now = self.now;
        let station = &mut self.stations[id];
        if !station.plugged || station.faults.has(&Fault::Mute) {
            return;
        }
        let (late, pieces) = station.faults.lag();
        if let Some(output) = station.lag.pass(now, output, late, pieces) {
            self.out.push_back(Output::Dte(id, output));
        } else {
            self.touched.push_back(id);
        }
    }

    fn flush_lag(&mut self, id: StationId) {
        let now = self.now;
        while let Some(output) = self.stations[id].lag.due(now) {
            self.out.push_back(Output::Dte(id, output));
        }
    }

    fn say_signals(&mut self, id: StationId) {
        let station = &self.stations[id];
        let is_modem = matches!(station.set, Set::Modem(_));
        if !is_modem || !station.plugged || station.faults.has(&Fault::Mute) {
            return;
        }
        let signals = self.signals(id);
        self.say(id, DteOutput::Signals(signals));
    }

    /// The control lines of a modem as its computer sees them.
    #[must_use]
    pub fn signals(&self, id: StationId) -> Signals {
        let station = &self.stations[id];
        match &station.set {
            // RTS is looped to CTS at the plug, as such cables are made.
            Set::Modem(_) if station.faults.has(&Fault::ThreeWires) => {
                Signals { cts: true, ..Signals::default() }
            }
            Set::Modem(modem) if station.plugged => {
                let signals = modem.signals();
                Signals { dcd: signals.dcd || station.faults.has(&Fault::StuckDcd), ..signals }
            }
            Set::Modem(_) | Set::Telephone { .. } => Signals::default(),
        }
    }

    // --------------------------------------------------------------------------------- to the modem

    fn tell(&mut self, id: StationId, input: LineInput) {
        let now = self.now;
        if let Set::Modem(modem) = &mut self.stations[id].set {
            modem.line(now, input);
            self.touched.push_back(id);
        }
    }

    fn line_output(&mut self, id: StationId, output: LineOutput) {
        match output {
            LineOutput::OffHook => self.off_hook(id),
            LineOutput::OnHook => self.on_hook(id),
            LineOutput::Digits(digits) => self.digits(id, &digits),
            LineOutput::Flash => {}
            LineOutput::Handshake(mode) => {
                self.stations[id].handshake = Some(mode);
                self.try_training(id);
            }
            LineOutput::Carry(bytes) => self.carry(id, bytes),
            LineOutput::Break => {
                if let Some(peer) = self.peer_online(id) {
                    self.tell(peer, LineInput::Break);
                }
            }
            LineOutput::Disconnect => {
                if let Some(peer) = self.peer_online(id) {
                    self.tell(peer, LineInput::Disconnected);
                }
            }
        }
    }

    fn ability(&self, id: StationId) -> Option<Rate> {
        match &self.stations[id].set {
            Set::Modem(modem) => Some(modem.ability()),
            Set::Telephone { .. } => None,
        }
    }
}
