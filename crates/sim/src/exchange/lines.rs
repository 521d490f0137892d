//! Telephone lines and the circuits between them.
//!
//! ```text
//!  caller:  Idle ─off-hook─► DialTone ─digit─► Collecting ─number─► Calling(circuit) ─► Over (busy tone) ─on-hook─► Idle
//!  called:  Idle ─seized──────────────────────────────────────────► Called(by) ───────► Idle
//!
//!  circuit: Routing ─► Seized ─► Ringing ─► Talking ─► Held (called side on-hook, caller still there)
//!                        └── off-hook here is glare ──▲        └── off-hook again: Talking with the same caller
//! ```
//!
//! The caller's line owns the circuit. It does not know modems beyond tones, bells and carrier.

use proto::time::{Deadline, Instant};

use super::event::TownEvent;
use super::fault::Fault;
use super::{Exchange, Set, StationId};
use crate::modem::result::{CallerId, Rate};
use crate::modem::{LineInput, Mode, Tone};
use crate::town::Presentation;

/// A line's state.
#[derive(Debug)]
pub(super) enum Line {
    /// On-hook, no call.
    Idle,
    /// Off-hook; dial tone comes at this instant.
    DialTonePending(Instant),
    /// Off-hook, dial tone.
    DialTone,
    /// Digits come; complete at `until` if no other comes.
    Collecting { digits: String, until: Instant },
    /// It calls.
    Calling(Circuit),
    /// It is called: rung, connected or held.
    Called(StationId),
    /// Off-hook after a call, or dead: nothing more to expect until it is on-hook.
    Over,
}

/// One call from the dialled number to its end.
#[derive(Debug)]
pub(super) struct Circuit {
    number: String,
    to: StationId,
    stage: Stage,
    bytes: u64,
}

#[derive(Debug)]
enum Stage {
    Routing(Instant),
    /// The line called is taken; it rings at this instant.
    Seized(Instant),
    Ringing {
        /// Whether the bell sounds.
        sounds: bool,
        /// When that changes.
        change: Instant,
        /// Rings so far.
        count: u32,
        /// Whether anybody hears it.
        heard: bool,
        /// A person answers then.
        answers: Instant,
        /// The exchange gives up then.
        limit: Instant,
    },
    Talking(Talk),
    /// The side called has hung up.
    Held(Instant),
}

#[derive(Clone, Copy, Debug)]
enum Talk {
    /// No modems yet; at this instant the person hangs up (`FAR`: no person).
    Quiet(Instant),
    /// Training until.
    Training(Instant),
    /// Modems are connected; the network breaks the call at `drop`, or after `drop_bytes` bytes.
    Data { drop: Instant, drop_bytes: u64 },
}

impl Line {
    pub(super) fn deadline(&self) -> Option<Deadline> {
        let (at, why) = match self {
            Self::Idle | Self::DialTone | Self::Called(_) | Self::Over => return None,
            Self::DialTonePending(at) => (*at, "dial tone"),
            Self::Collecting { until, .. } => (*until, "end of number"),
            Self::Calling(circuit) => match &circuit.stage {
                Stage::Routing(at) => (*at, "routing"),
                Stage::Seized(at) => (*at, "first ring"),
                Stage::Ringing { change, answers, limit, .. } => {
                    (*change.min(answers).min(limit), "bell")
                }
                Stage::Talking(Talk::Quiet(at)) => (*at, "patience"),
                Stage::Talking(Talk::Training(at)) => (*at, "training"),
                Stage::Talking(Talk::Data { drop, .. }) => (*drop, "drop"),
                Stage::Held(at) => (*at, "hold time"),
            },
        };
        (at != Instant::FAR).then(|| Deadline::new(at, why))
    }
}

impl Exchange {
    // ------------------------------------------------------------------------------------ views

    /// The caller and the called of the call that `id` is in.
    fn circuit_of(&self, id: StationId) -> Option<(StationId, StationId)> {
        match &self.stations[id].line {
            Line::Calling(circuit) => Some((id, circuit.to)),
            Line::Called(by) => Some((*by, id)),
            Line::Idle
            | Line::DialTonePending(_)
            | Line::DialTone
            | Line::Collecting { .. }
            | Line::Over => None,
        }
    }

    fn circuit(&mut self, caller: StationId) -> Option<&mut Circuit> {
        match &mut self.stations[caller].line {
            Line::Calling(circuit) => Some(circuit),
            Line::Idle
            | Line::DialTonePending(_)
            | Line::DialTone
            | Line::Collecting { .. }
            | Line::Called(_)
            | Line::Over => None,
        }
    }

    pub(super) fn peer(&self, id: StationId) -> Option<StationId> {
        let (caller, called) = self.circuit_of(id)?;
        if let Line::Calling(Circuit { stage: Stage::Routing(_), .. }) = self.stations[caller].line
        {
            return None;
        }
        Some(if id == caller { called } else { caller })
    }

    /// The other side, if both are connected and data passes.
    pub(super) fn peer_online(&self, id: StationId) -> Option<StationId> {
        let (caller, called) = self.circuit_of(id)?;
        match &self.stations[caller].line {
            Line::Calling(Circuit { stage: Stage::Talking(Talk::Data { .. }), .. }) => {
                Some(if id == caller { called } else { caller })
            }
            Line::Calling(_)
            | Line::Idle
            | Line::DialTonePending(_)
            | Line::DialTone
            | Line::Collecting { .. }
            | Line::Called(_)
            | Line::Over => None,
        }
    }

    pub(super) fn line_word(&self, id: StationId) -> &'static str {
        let own = match &self.stations[id].line {
            Line::Idle => return "on-hook",
            Line::DialTonePending(_) => return "off-hook",
            Line::DialTone => return "dial tone",
            Line::Collecting { .. } => return "dialling",
            Line::Over => return "busy tone",
            Line::Calling(circuit) => circuit,
            Line::Called(by) => match &self.stations[*by].line {
                Line::Calling(circuit) => circuit,
                Line::Idle
                | Line::DialTonePending(_)
                | Line::DialTone
                | Line::Collecting { .. }
                | Line::Called(_)
                | Line::Over => return "on-hook",
            },
        };
        match own.stage {
            Stage::Routing(_) => "routing",
            Stage::Seized(_) => "seized",
            Stage::Ringing { .. } => "ringing",
            Stage::Talking(Talk::Quiet(_)) => "answered",
            Stage::Talking(Talk::Training(_)) => "training",
            Stage::Talking(Talk::Data { .. }) => "connected",
            Stage::Held(_) => "held",
        }
    }

    // ------------------------------------------------------------------------------------- hook

    pub(super) fn off_hook(&mut self, id: StationId) {
        let name = self.stations[id].name.clone();
        self.log(|| TownEvent::OffHook { station: name });
        match self.stations[id].line {
            Line::Idle => self.take_line(id),
            Line::Called(by) => self.pick_up(id, by),
            Line::DialTonePending(_)
            | Line::DialTone
            | Line::Collecting { .. }
            | Line::Calling(_)
            | Line::Over => {}
        }
    }

    fn take_line(&mut self, id: StationId) {
        let glare = self.stations[id].faults.take(|fault| match fault {
            Fault::Glare { by, reverse } => Some((by.clone(), *reverse)),
            _ => None,
        });
        if let Some((by, reverse)) = glare
            && let Some(by) = self.station(&by)
            && by != id
            && matches!(self.stations[by].line, Line::Idle)
        {
            return self.collide(id, by, reverse);
        }
        let station = &mut self.stations[id];
        if station.faults.happens(&Fault::NoDialTone) {
            station.line = Line::Over;
            let station = station.name.clone();
            return self.log(|| TownEvent::NoDialTone { station });
        }
        station.line = Line::DialTonePending(self.now + self.town.timing.dial_tone);
    }

    /// `by` has called `id` at the instant at which `id` took its line.
    fn collide(&mut self, id: StationId, by: StationId, reverse: bool) {
        let now = self.now;
        let number = self.stations[id].number.clone();
        let talk = Stage::Talking(Talk::Quiet(Instant::FAR));
        self.stations[by].line = Line::Calling(Circuit { number, to: id, stage: talk, bytes: 0 });
        self.stations[id].line = Line::Called(by);
        let (station, from) = (self.stations[id].name.clone(), self.stations[by].name.clone());
        self.log(|| TownEvent::Glare { station, from });
        if let Set::Modem(modem) = &mut self.stations[by].set {
            modem.place(now, if reverse { Mode::Answer } else { Mode::Originate });
            self.touched.push_back(by);
        }
    }

    /// A line that is called goes off-hook.
    fn pick_up(&mut self, id: StationId, by: StationId) {
        let (station, from) = (self.stations[id].name.clone(), self.stations[by].name.clone());
        let dial_tone = self.stations[by].faults.find(|fault| match fault {
            Fault::HoldsLine { dial_tone } => Some(*dial_tone),
            _ => None,
        });
        let Some(circuit) = self.circuit(by) else { return };
        let before =
            std::mem::replace(&mut circuit.stage, Stage::Talking(Talk::Quiet(Instant::FAR)));
        match before {
            Stage::Seized(_) => self.log(|| TownEvent::Glare { station, from }),
            Stage::Ringing { .. } => self.log(|| TownEvent::Answered { station, from }),
            Stage::Held(_) => {
                self.log(|| TownEvent::Retaken { station, by: from });
                if dial_tone == Some(true) {
                    self.tell(id, LineInput::Tone(Tone::Dial));
                }
            }
            stage @ (Stage::Routing(_) | Stage::Talking(_)) => {
                if let Some(circuit) = self.circuit(by) {
                    circuit.stage = stage;
                }
                return;
            }
        }
        self.touched.push_back(by);
        self.tell(by, LineInput::Tone(Tone::Silence));
        self.try_training(by);
    }

    pub(super) fn on_hook(&mut self, id: StationId) {
        let station = self.stations[id].name.clone();
        self.stations[id].handshake = None;
        if self.keeps_the_line(id) {
            return;
        }
        self.log(|| TownEvent::OnHook { station });
        match self.circuit_of(id) {
            Some((caller, called)) if caller == id => {
                self.release(caller, called);
                self.stations[id].line = Line::Idle;
            }
            Some((caller, _)) => self.called_hangs_up(id, caller),
            None => self.stations[id].line = Line::Idle,
        }
    }

    /// A person who called stays on the line although his modem has hung up.
    fn keeps_the_line(&self, id: StationId) -> bool {
        let talks = match &self.stations[id].line {
            Line::Calling(circuit) => matches!(circuit.stage, Stage::Talking(_) | Stage::Held(_)),
            Line::Idle
            | Line::DialTonePending(_)
            | Line::DialTone
            | Line::Collecting { .. }
            | Line::Called(_)
            | Line::Over => false,
        };
        talks && self.stations[id].faults.has(&Fault::HoldsLine { dial_tone: false })
    }

    fn called_hangs_up(&mut self, id: StationId, caller: StationId) {
        let forced = self.stations[id].faults.take(|fault| match fault {
            Fault::Held { ms } => Some(std::time::Duration::from_millis(*ms)),
            _ => None,
        });
        let hold = forced.unwrap_or(self.town.timing.hold);
        if hold.is_zero() {
            self.release(caller, id);
            // It is on-hook, even if its modem has taken the line again in the meantime and says so next.
            self.stations[id].line = Line::Idle;
            self.after_call(caller);
            return;
        }
        let until = self.now + hold;
        if let Some(circuit) = self.circuit(caller) {
            circuit.stage = Stage::Held(until);
        }
        let (station, by) = (self.stations[id].name.clone(), self.stations[caller].name.clone());
        self.log(|| TownEvent::Held { station, by });
        self.touched.push_back(caller);
        // He hears that the carrier is gone, and nothing else.
        self.tell(caller, LineInput::CarrierGone);
    }

    /// Takes a circuit down. Leaves the caller's line to the caller of this function.
    fn release(&mut self, caller: StationId, called: StationId) {
        let line = std::mem::replace(&mut self.stations[caller].line, Line::Over);
        let Line::Calling(circuit) = line else { return };
        self.touched.push_back(caller);
        let (station, from) =
            (self.stations[called].name.clone(), self.stations[caller].name.clone());
        let bytes = circuit.bytes;
        match circuit.stage {
            Stage::Routing(_) => return,
            Stage::Seized(_) | Stage::Held(_) => self.stations[called].line = Line::Idle,
            Stage::Ringing { sounds, heard, .. } => {
                self.stations[called].line = Line::Idle;
                if sounds && heard {
                    self.tell(called, LineInput::Bell(false));
                }
            }
            Stage::Talking(_) => self.after_call(called),
        }
        self.log(|| TownEvent::Released { station, from, bytes });
    }

    /// The other side has gone: a line that is still off-hook hears busy tone, one that is on-hook is free.
    fn after_call(&mut self, id: StationId) {
        let off_hook = match &self.stations[id].set {
            Set::Modem(modem) => modem.is_off_hook(),
            Set::Telephone { .. } => false,
        };
        // Whoever kept the line by hand puts the receiver down when he hears busy tone.
        self.stations[id].line = if off_hook { Line::Over } else { Line::Idle };
        self.tell(id, LineInput::CarrierGone);
        self.tell(id, LineInput::Tone(Tone::Busy));
    }

    // ----------------------------------------------------------------------------------- numbers

    pub(super) fn digits(&mut self, id: StationId, sent: &str) {
        let until = self.now + self.town.timing.digit_wait;
        let station = self.stations[id].name.clone();
        let dialled = sent.to_owned();
        self.log(|| TownEvent::Dialled { station, digits: dialled });
        match &mut self.stations[id].line {
            Line::DialTone => {
                self.stations[id].line = Line::Collecting { digits: sent.to_owned(), until };
            }
            Line::Collecting { digits, until: end } => {
                digits.push_str(sent);
                *end = until;
            }
            Line::Calling(_) | Line::Called(_) => return self.overheard(id, sent),
            // Digits before dial tone, or after the call, reach nobody.
            Line::DialTonePending(_) | Line::Idle | Line::Over => return,
        }
        self.tell(id, LineInput::Tone(Tone::Silence));
        self.look_up(id, false);
    }

    /// Digits dialled into an open connection: the other side hears them, and may play the one dialled.
    fn overheard(&mut self, id: StationId, sent: &str) {
        let now = self.now;
        let Some(peer) = self.peer(id) else { return };
        let (station, by) = (self.stations[id].name.clone(), self.stations[peer].name.clone());
        let digits = sent.to_owned();
        self.log(|| TownEvent::Overheard { station, by, digits });
        if self.stations[peer].faults.has(&Fault::HoldsLine { dial_tone: false })
            && let Set::Modem(modem) = &mut self.stations[peer].set
        {
            modem.place(now, Mode::Answer);
            self.touched.push_back(peer);
        }
    }

    /// Looks whether a number is complete. `waited`: no more digits are to be expected.
    fn look_up(&mut self, id: StationId, waited: bool) {
        let Line::Collecting { digits, .. } = &self.stations[id].line else { return };
        let number = digits.clone();
        let mut exact = None;
        let mut longer = false;
        let stations = self.stations().map(|to| (self.stations[to].number.as_str(), Some(to)));
        let hunts = self.town.hunt_numbers.iter().map(|hunt| (hunt.number.as_str(), None));
        for (known, to) in stations.chain(hunts) {
            if known == number {
                exact = Some(to);
            } else if known.starts_with(&number) {
                longer = true;
            }
        }
        if longer && !waited {
            return;
        }
        match exact {
            Some(to) => {
                let stage = Stage::Routing(self.now + self.town.timing.routing);
                // A hunt number chooses its station when the call gets there.
                let to = to.unwrap_or(id);
                self.stations[id].line = Line::Calling(Circuit { number, to, stage, bytes: 0 });
                self.tell(id, LineInput::Tone(Tone::Silence));
            }
            None => {
                self.stations[id].line = Line::Over;
                let station = self.stations[id].name.clone();
                self.log(|| TownEvent::WrongNumber { station, number });
                self.tell(id, LineInput::Tone(Tone::Voice));
            }
        }
        self.touched.push_back(id);
    }

    /// The call has got to the other end of town.
    fn arrive(&mut self, id: StationId) {
        let Some(circuit) = self.circuit(id) else { return };
        let number = std::mem::take(&mut circuit.number);
        let mut wanted = circuit.to;
        if let Some(hunt) = self.town.hunt_numbers.iter().find(|hunt| hunt.number == number) {
            let members = hunt.stations.iter().filter_map(|name| self.station(name));
            let free = members.clone().find(|to| {
                matches!(self.stations[*to].line, Line::Idle)
                    && !self.stations[*to].faults.has(&Fault::Busy)
            });
            wanted = free.or(members.clone().next()).unwrap_or(id);
        }
        let engaged = wanted == id
            || !matches!(self.stations[wanted].line, Line::Idle)
            || self.stations[wanted].faults.happens(&Fault::Busy);
        if engaged {
            self.stations[id].line = Line::Over;
            let (station, called) =
                (self.stations[id].name.clone(), self.stations[wanted].name.clone());
            self.log(|| TownEvent::Engaged { station, called });
            return self.tell(id, LineInput::Tone(Tone::Busy));
        }
        let ring = self.now + self.town.timing.first_ring;
        self.stations[wanted].line = Line::Called(id);
        if let Some(circuit) = self.circuit(id) {
            circuit.to = wanted;
            circuit.number = number;
            circuit.stage = Stage::Seized(ring);
        }
    }

    // ------------------------------------------------------------------------------------ ringing

    fn begin_ringing(&mut self, caller: StationId, called: StationId) {
        let now = self.now;
        let timing = self.town.timing;
        let heard = !self.stations[called].faults.happens(&Fault::NoAnswer);
        let answers = match &self.stations[called].set {
            Set::Telephone { answers: Some(after) } => now + *after,
            Set::Telephone { answers: None } | Set::Modem(_) => Instant::FAR,
        };
        if let Some(circuit) = self.circuit(caller) {
            circuit.stage = Stage::Ringing {
                sounds: true,
                change: now + timing.ring,
                count: 1,
                heard,
                answers,
                limit: now + timing.ring_limit,
            };
        }
        self.tell(caller, LineInput::Tone(Tone::Ringback));
        self.ring(caller, called, 1, heard);
    }

    fn ring(&mut self, caller: StationId, called: StationId, count: u32, heard: bool) {
        let (station, from) =
            (self.stations[called].name.clone(), self.stations[caller].name.clone());
        if heard {
            self.log(|| TownEvent::Rings { station, from, count });
            self.tell(called, LineInput::Bell(true));
        } else {
            self.log(|| TownEvent::RingsUnheard { station, from, count });
        }
    }

    fn ringing_changes(&mut self, caller: StationId, called: StationId) {
        let now = self.now;
        let timing = self.town.timing;
        let Some(Circuit {
            stage: Stage::Ringing { sounds, change, count, heard, answers, limit },
            ..
        }) = self.circuit(caller)
        else {
            return;
        };
        let heard = *heard;
        if *answers <= now {
            let until = now + timing.patience;
            if let Some(circuit) = self.circuit(caller) {
                circuit.stage = Stage::Talking(Talk::Quiet(until));
            }
            let (station, from) =
                (self.stations[called].name.clone(), self.stations[caller].name.clone());
            self.log(|| TownEvent::Spoken { station, from });
            return self.tell(caller, LineInput::Tone(Tone::Voice));
        }
        if *limit <= now {
            let (station, from) =
                (self.stations[called].name.clone(), self.stations[caller].name.clone());
            self.log(|| TownEvent::RungOut { station, from });
            self.release(caller, called);
            return self.tell(caller, LineInput::Tone(Tone::Busy));
        }
        *sounds = !*sounds;
        if *sounds {
            *change = now + timing.ring;
            *count += 1;
            let count = *count;
            self.ring(caller, called, count, heard);
        } else {
            *change = now + timing.ring_pause;
            let first = *count == 1;
            if heard {
                self.tell(called, LineInput::Bell(false));
                if first {
                    self.tell_caller(caller, called);
                }
            }
        }
    }

    /// Caller ID comes in the first silence of the bell (GR-30-CORE).
    fn tell_caller(&mut self, caller: StationId, called: StationId) {
        let (date, time) = clock(self.town.wall_ms, self.now);
        let from = &self.stations[caller];
        let (number, name) = match from.presentation {
            Presentation::Shown => (from.number.clone(), from.called_name.clone()),
            Presentation::Withheld => ("P".to_owned(), None),
            Presentation::Unknown => ("O".to_owned(), None),
        };
        let station = self.stations[called].name.clone();
        let told = number.clone();
        self.log(|| TownEvent::CallerId { station, number: told });
        self.tell(called, LineInput::CallerId(CallerId { date, time, number, name }));
    }

    // ------------------------------------------------------------------------------------ modems

    /// If both sides have a modem that is ready, and one of them answers, they train.
    pub(super) fn try_training(&mut self, id: StationId) {
        let Some((caller, called)) = self.circuit_of(id) else { return };
        let modes = (self.stations[caller].handshake, self.stations[called].handshake);
        let (Some(one), Some(other)) = modes else { return };
        let done = self.now + self.town.timing.training;
        let Some(circuit) = self.circuit(caller) else { return };
        if one == other || !matches!(circuit.stage, Stage::Talking(Talk::Quiet(_))) {
            return;
        }
        circuit.stage = Stage::Talking(Talk::Training(done));
        self.touched.push_back(caller);
        let (station, with) =
            (self.stations[caller].name.clone(), self.stations[called].name.clone());
        self.log(|| TownEvent::Trains { station, with });
    }

    fn trained(&mut self, caller: StationId, called: StationId) {
        let now = self.now;
        let (Some(one), Some(other)) = (self.ability(caller), self.ability(called)) else { return };
        let rate = Rate {
            bits: one.bits.min(other.bits),
            error_control: one.error_control && other.error_control,
        };
        let mut drop = Instant::FAR;
        let mut drop_bytes = u64::MAX;
        for id in [caller, called] {
            let faults = &mut self.stations[id].faults;
            let after = faults.take(|fault| match fault {
                Fault::DropAfter { ms } => Some(*ms),
                _ => None,
            });
            if let Some(ms) = after {
                drop = drop.min(now + std::time::Duration::from_millis(ms));
            }
            let bytes = faults.take(|fault| match fault {
                Fault::DropAfterBytes { bytes } => Some(*bytes),
                _ => None,
            });
            drop_bytes = drop_bytes.min(bytes.unwrap_or(u64::MAX));
        }
        if let Some(circuit) = self.circuit(caller) {
            circuit.stage = Stage::Talking(Talk::Data { drop, drop_bytes });
        }
        let (station, with) =
            (self.stations[caller].name.clone(), self.stations[called].name.clone());
        let Rate { bits: rate_bits, error_control } = rate;
        self.log(|| TownEvent::Connected { station, with, rate: rate_bits, error_control });
        self.tell(called, LineInput::Connected(rate));
        self.tell(caller, LineInput::Connected(rate));
    }

    pub(super) fn carry(&mut self, id: StationId, mut bytes: Vec<u8>) {
        let Some(peer) = self.peer_online(id) else { return };
        let noise = self.stations[peer].faults.find(|fault| match fault {
            Fault::Noise { per_million } => Some(*per_million),
            _ => None,
        });
        if let Some(per_million) = noise {
            for byte in &mut bytes {
                if self.chance.one_in(per_million) {
                    *byte ^= 1 << self.chance.below(8);
                }
            }
        }
        let Some((caller, called)) = self.circuit_of(id) else { return };
        let Some(circuit) = self.circuit(caller) else { return };
        circuit.bytes =
            circuit.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let broken = match circuit.stage {
            Stage::Talking(Talk::Data { drop_bytes, .. }) => circuit.bytes > drop_bytes,
            Stage::Routing(_)
            | Stage::Seized(_)
            | Stage::Ringing { .. }
            | Stage::Talking(Talk::Quiet(_) | Talk::Training(_))
            | Stage::Held(_) => false,
        };
        if broken {
            self.break_down(caller, called);
        } else {
            self.tell(peer, LineInput::Carried(bytes));
        }
    }

    fn break_down(&mut self, caller: StationId, called: StationId) {
        let (station, with) =
            (self.stations[caller].name.clone(), self.stations[called].name.clone());
        self.log(|| TownEvent::Dropped { station, with });
        self.release(caller, called);
        self.after_call(caller);
    }

    // ---------------------------------------------------------------------------------------- time

    /// Does what is due on a line.
    pub(super) fn line_tick(&mut self, id: StationId) {
        let now = self.now;
        if self.stations[id].line.deadline().is_none_or(|deadline| deadline.at > now) {
            return;
        }
        let circuit = match &self.stations[id].line {
            Line::Idle | Line::DialTone | Line::Called(_) | Line::Over => return,
            Line::DialTonePending(_) => {
                self.stations[id].line = Line::DialTone;
                return self.tell(id, LineInput::Tone(Tone::Dial));
            }
            Line::Collecting { .. } => return self.look_up(id, true),
            Line::Calling(circuit) => circuit,
        };
        let called = circuit.to;
        match &circuit.stage {
            Stage::Routing(_) => self.arrive(id),
            Stage::Seized(_) => self.begin_ringing(id, called),
            Stage::Ringing { .. } => self.ringing_changes(id, called),
            Stage::Talking(Talk::Quiet(_)) | Stage::Held(_) => {
                self.release(id, called);
                self.after_call(id);
            }
            Stage::Talking(Talk::Training(_)) => self.trained(id, called),
            Stage::Talking(Talk::Data { .. }) => self.break_down(id, called),
        }
    }
}

/// Month and day, hour and minute of the town's wall clock (civil date from days: H. Hinnant, 2013).
fn clock(wall_ms: i64, now: Instant) -> (String, String) {
    let ms = wall_ms.saturating_add(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
    let minutes = ms.div_euclid(60_000);
    let days = minutes.div_euclid(1_440).saturating_add(719_468);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let minute = minutes.rem_euclid(1_440);
    (format!("{month:02}{day:02}"), format!("{:02}{:02}", minute / 60, minute % 60))
}
