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

use crate::modem::{LineInput, Mode, Tone};

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
    pub(super) number: String,
    pub(super) to: StationId,
    pub(super) stage: Stage,
    pub(super) bytes: u64,
}

#[derive(Debug)]
pub(super) enum Stage {
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
pub(super) enum Talk {
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
    pub(super) fn circuit_of(&self, id: StationId) -> Option<(StationId, StationId)> {
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

    pub(super) fn circuit(&mut self, caller: StationId) -> Option<&mut Circuit> {
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
        let glare = self.stations[id].faults.take(|fault| {
            if let Fault::Glare { by, reverse } = fault {
                Some((by.clone(), *reverse))
            } else {
                None
            }
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
        let dial_tone = self.stations[by].faults.find(|fault| {
            if let Fault::HoldsLine { dial_tone } = fault { Some(*dial_tone) } else { None }
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
        let forced = self.stations[id].faults.take(|fault| {
            if let Fault::Held { ms } = fault {
                Some(std::time::Duration::from_millis(*ms))
            } else {
                None
            }
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
    pub(super) fn release(&mut self, caller: StationId, called: StationId) {
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
    pub(super) fn after_call(&mut self, id: StationId) {
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
