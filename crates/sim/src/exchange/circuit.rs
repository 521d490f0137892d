//! A circuit from the first ring to the last byte: bells, caller ID, training, data.
//!
//! It does not know hooks and numbers: that is `lines`.

use std::time::Duration;

use proto::time::Instant;

use super::event::TownEvent;
use super::fault::Fault;
use super::lines::{Circuit, Stage, Talk};
use super::{Exchange, Set, StationId};
use crate::modem::result::{CallerId, Rate};
use crate::modem::{LineInput, Tone};
use crate::town::Presentation;

impl Exchange {
    pub(super) fn begin_ringing(&mut self, caller: StationId, called: StationId) {
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

    pub(super) fn ring(&mut self, caller: StationId, called: StationId, count: u32, heard: bool) {
        let (station, from) =
            (self.stations[called].name.clone(), self.stations[caller].name.clone());
        if heard {
            self.log(|| TownEvent::Rings { station, from, count });
            self.tell(called, LineInput::Bell(true));
        } else {
            self.log(|| TownEvent::RingsUnheard { station, from, count });
        }
    }

    pub(super) fn ringing_changes(&mut self, caller: StationId, called: StationId) {
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
    pub(super) fn tell_caller(&mut self, caller: StationId, called: StationId) {
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

    pub(super) fn trained(&mut self, caller: StationId, called: StationId) {
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
            let after = faults
                .take(|fault| if let Fault::DropAfter { ms } = fault { Some(*ms) } else { None });
            if let Some(ms) = after {
                drop = drop.min(now + Duration::from_millis(ms));
            }
            let bytes = faults.take(|fault| {
                if let Fault::DropAfterBytes { bytes } = fault { Some(*bytes) } else { None }
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
        let noise = self.stations[peer].faults.find(|fault| {
            if let Fault::Noise { per_million } = fault { Some(*per_million) } else { None }
        });
        if let Some(per_million) = noise {
            for byte in &mut bytes {
                if self.chance.one_in(per_million) {
                    *byte ^= 1 << self.chance.below(8);
                }
            }
        }
        let lossy = self.stations[peer].faults.find(|fault| {
            if let Fault::Lossy { lost, doubled } = fault { Some((*lost, *doubled)) } else { None }
        });
        if let Some((lost, doubled)) = lossy {
            let luck = self.chance.below(100);
            if luck < u64::from(lost) {
                return;
            }
            if luck < u64::from(lost.saturating_add(doubled)) {
                bytes.extend_from_within(..);
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

    pub(super) fn break_down(&mut self, caller: StationId, called: StationId) {
        let (station, with) =
            (self.stations[caller].name.clone(), self.stations[called].name.clone());
        self.log(|| TownEvent::Dropped { station, with });
        self.release(caller, called);
        self.after_call(caller);
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
