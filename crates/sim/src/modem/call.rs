//! What a modem does on the telephone line: dialling, answering, the handshake, the end.
//!
//! It does not know about time running out: that is `alarms`.

use std::time::Duration;

use proto::time::Instant;

use super::dialling::{self, Plan, Step};
use super::escape::EscapeWatch;
use super::registers::{DtrRule, Register};
use super::result::{Rate, ResultCode};
use super::sending::Sending;
use super::{
    AfterClearing, Bell, Carrier, Connection, DEAF, Dtr, HELD_LIMIT, LineOutput, Mode, Modem, Note,
    Output, RINGING_STOPS, Stage, State, Tone,
};

impl Modem {
    pub(super) fn answer(&mut self, now: Instant) {
        self.bell = Bell::Quiet;
        self.settings.registers.set(Register::RingCount as u8, 0);
        self.act(LineOutput::OffHook);
        self.act(LineOutput::Handshake(Mode::Answer));
        let until = now + self.settings.registers.seconds(Register::CarrierWait);
        self.state = State::Handshake { until, deaf: now + DEAF, ringback: false };
    }

    pub(super) fn dial(&mut self, now: Instant, text: &[u8], rest: &[u8]) {
        self.last_dialled = text.to_vec();
        let plan = Plan::new(text, self.settings.pulse);
        let registers = &self.settings.registers;
        let taken = matches!(self.state, State::Command { off_hook: true });
        let stage = if taken {
            Stage::Pausing(now)
        } else if self.settings.listens_for_dial_tone() {
            Stage::Listening(now + self.profile.dial_tone_wait)
        } else {
            Stage::Pausing(now + registers.seconds(Register::BlindPause))
        };
        if !taken {
            self.heard = Tone::Silence;
            self.act(LineOutput::OffHook);
        }
        self.state = State::Dialling { plan, rest: rest.to_vec(), stage, deaf: now + DEAF };
    }

    /// The stage of dialling is over: on to the next.
    pub(super) fn next_step(&mut self, now: Instant) {
        let State::Dialling { plan, rest, stage, deaf } = &mut self.state else { return };
        let registers = &self.settings.registers;
        let wait = registers.seconds(Register::CarrierWait);
        match plan.steps.pop_front() {
            Some(Step::Digits { digits, pulse }) => {
                *stage = Stage::Digits(now + dialling::digits_time(&digits, pulse, registers));
                plan.steps.push_front(Step::Digits { digits, pulse });
            }
            Some(Step::Pause) => {
                *stage = Stage::Pausing(now + registers.seconds(Register::CommaPause));
            }
            Some(Step::DialTone) if self.heard == Tone::Dial => *stage = Stage::Pausing(now),
            Some(Step::DialTone) => *stage = Stage::Listening(now + wait),
            Some(Step::Silence) => {
                let since = if self.heard == Tone::Silence { now } else { Instant::FAR };
                *stage = Stage::Silence { since, until: now + wait };
            }
            Some(Step::Flash) => {
                *stage = Stage::Pausing(now + Duration::from_millis(500));
                self.act(LineOutput::Flash);
            }
            None if plan.stay => {
                let rest = std::mem::take(rest);
                self.state = State::Command { off_hook: true };
                self.execute(now, &rest);
            }
            None => {
                let mode = if plan.reverse { Mode::Answer } else { Mode::Originate };
                let deaf = *deaf;
                self.state = State::Handshake {
                    until: now + wait,
                    deaf,
                    ringback: self.heard == Tone::Ringback,
                };
                self.act(LineOutput::Handshake(mode));
                self.hear(now, self.heard);
            }
        }
    }

    pub(super) fn hear(&mut self, now: Instant, tone: Tone) {
        self.heard = tone;
        match &mut self.state {
            State::Dialling { stage, .. } => match stage {
                Stage::Listening(_) if tone == Tone::Dial => self.next_step(now),
                Stage::Silence { .. } if tone == Tone::Busy && self.settings.listens_for_busy() => {
                    self.hang_up(now, ResultCode::Busy);
                }
                Stage::Silence { since, .. } => {
                    *since = if tone == Tone::Silence { now } else { Instant::FAR };
                }
                Stage::Listening(_) | Stage::Pausing(_) | Stage::Digits(_) => {}
            },
            State::Handshake { ringback, .. } => match tone {
                Tone::Ringback => *ringback = true,
                Tone::Busy if self.settings.listens_for_busy() => {
                    self.hang_up(now, ResultCode::Busy);
                }
                Tone::Busy | Tone::Silence | Tone::Dial | Tone::Voice => {}
            },
            State::Command { .. }
            | State::Online(_)
            | State::OnlineCommand(_)
            | State::Clearing { .. } => {}
        }
    }

    pub(super) fn ring(&mut self, now: Instant, sounds: bool) {
        let State::Command { off_hook: false } = self.state else { return };
        self.bell = Bell::Ringing { sounds, forget: now + RINGING_STOPS };
        if !sounds {
            return;
        }
        let registers = &mut self.settings.registers;
        let rings = registers.get(Register::RingCount).saturating_add(1);
        registers.set(Register::RingCount as u8, rings);
        let auto = registers.get(Register::AutoAnswer);
        self.tell_signals();
        self.say(ResultCode::Ring);
        let willing = match self.settings.dtr {
            DtrRule::HangUp | DtrRule::Reset => self.dtr == Dtr::On,
            DtrRule::Ignored | DtrRule::Command => true,
        };
        if auto > 0 && rings >= auto && willing {
            self.answer(now);
        }
    }

    pub(super) fn connected(&mut self, now: Instant, rate: Rate) {
        if !matches!(self.state, State::Handshake { .. }) {
            return;
        }
        self.say(ResultCode::Connect(rate));
        self.state = State::Online(Connection {
            rate,
            sending: Sending::default(),
            escape: EscapeWatch::new(now),
            active: now,
            carrier: Carrier::There,
            held: Vec::new(),
        });
    }

    pub(super) fn carried(&mut self, now: Instant, bytes: Vec<u8>) {
        let ready = self.ready;
        match &mut self.state {
            State::Online(connection) if ready => {
                connection.active = now;
                self.out.push_back(Output::Dte(bytes));
            }
            State::Online(connection) | State::OnlineCommand(connection) => {
                connection.active = now;
                let room = HELD_LIMIT.saturating_sub(connection.held.len());
                let kept = bytes.get(..room).unwrap_or(&bytes);
                connection.held.extend_from_slice(kept);
                if kept.len() < bytes.len() {
                    let lost = bytes.len().saturating_sub(kept.len());
                    self.out.push_back(Output::Note(Note::Overrun(lost)));
                }
            }
            State::Command { .. }
            | State::Dialling { .. }
            | State::Handshake { .. }
            | State::Clearing { .. } => {}
        }
    }

    pub(super) fn deliver_held(&mut self) {
        if let State::Online(connection) = &mut self.state
            && self.ready
            && !connection.held.is_empty()
        {
            self.out.push_back(Output::Dte(std::mem::take(&mut connection.held)));
        }
    }

    /// The call has ended at the other side.
    pub(super) fn carrier_lost(&mut self, now: Instant) {
        match self.state {
            State::Online(_) | State::OnlineCommand(_) | State::Handshake { .. } => {
                self.deliver_held();
                self.hang_up(now, ResultCode::NoCarrier);
            }
            State::Clearing { then, .. } => self.cleared(now, then),
            State::Command { .. } | State::Dialling { .. } => {}
        }
    }

    /// Ends the connection in good order: what is buffered goes out first, if error control can tell that it
    /// arrived.
    pub(super) fn clear(&mut self, now: Instant, then: AfterClearing) {
        let state = std::mem::replace(&mut self.state, State::Command { off_hook: false });
        match state {
            State::Online(connection) | State::OnlineCommand(connection)
                if connection.rate.error_control && connection.sending.is_busy() =>
            {
                let until = now + self.settings.registers.seconds(Register::ClearTime);
                self.state = State::Clearing { connection, until, then };
            }
            State::Online(connection) | State::OnlineCommand(connection) => {
                if connection.rate.error_control {
                    self.act(LineOutput::Disconnect);
                }
                self.cleared(now, then);
            }
            State::Command { off_hook: false } => self.after_clearing(then),
            State::Command { off_hook: true }
            | State::Dialling { .. }
            | State::Handshake { .. }
            | State::Clearing { .. } => self.cleared(now, then),
        }
    }

    pub(super) fn cleared(&mut self, _now: Instant, then: AfterClearing) {
        self.state = State::Command { off_hook: false };
        self.heard = Tone::Silence;
        self.act(LineOutput::OnHook);
        self.after_clearing(then);
    }

    pub(super) fn after_clearing(&mut self, then: AfterClearing) {
        match then {
            AfterClearing::Say(code) => self.say(code),
            AfterClearing::Reset => {
                self.settings = self.stored.clone();
                self.say(ResultCode::Ok);
            }
        }
        self.tell_signals();
    }
}
