//! What a modem waits for, and what it does when the time has come.

use std::time::Duration;

use proto::time::{Deadline, Instant};

use super::dialling::Step;
use super::registers::{DtrRule, Register};
use super::result::ResultCode;
use super::{
    AfterClearing, Bell, Carrier, Connection, Dtr, LineOutput, Modem, Output, QUIET_ANSWER, Stage,
    State,
};

impl Modem {
    pub(super) fn state_deadline(&self) -> Option<Deadline> {
        match &self.state {
            State::Command { .. } => None,
            State::Dialling { stage, .. } => Some(match *stage {
                Stage::Listening(at) => Deadline::new(at, "dial tone"),
                Stage::Pausing(at) => Deadline::new(at, "pause in dialling (S6, S8)"),
                Stage::Digits(at) => Deadline::new(at, "digits (S11)"),
                Stage::Silence { since, until } => {
                    Deadline::new(until.min(since + QUIET_ANSWER), "quiet answer (@)")
                }
            }),
            State::Handshake { until, .. } => Some(Deadline::new(*until, "carrier (S7)")),
            State::Online(connection) => {
                let escape = connection.escape.due(&self.settings.registers);
                let escape = escape.map(|at| Deadline::new(at, "guard time (S12)"));
                Deadline::earliest(escape, self.connection_deadline(connection))
            }
            State::OnlineCommand(connection) => self.connection_deadline(connection),
            State::Clearing { connection, until, .. } => Deadline::earliest(
                Some(Deadline::new(*until, "data to send before clearing (S38)")),
                connection.sending.due(),
            ),
        }
    }

    pub(super) fn connection_deadline(&self, connection: &Connection) -> Option<Deadline> {
        let missing = match connection.carrier {
            Carrier::There => None,
            Carrier::Missing(at) => Some(Deadline::new(at, "carrier loss (S10)")),
        };
        let idle = match self.settings.registers.get(Register::Inactivity) {
            0 => None,
            tens => {
                let wait = Duration::from_secs(10 * u64::from(tens));
                Some(Deadline::new(connection.active + wait, "inactivity (S30)"))
            }
        };
        Deadline::earliest(Deadline::earliest(missing, idle), connection.sending.due())
    }

    /// Does one thing that is due.
    pub(super) fn step(&mut self, now: Instant) {
        if let Dtr::Falling(at) = self.dtr
            && at <= now
        {
            self.dtr = Dtr::Off;
            self.dtr_fell(now);
            return;
        }
        if let Bell::Ringing { forget, .. } = self.bell
            && forget <= now
        {
            self.bell = Bell::Quiet;
            self.settings.registers.set(Register::RingCount as u8, 0);
            return;
        }
        match &mut self.state {
            State::Command { .. } => {}
            State::Dialling { .. } => self.step_dialling(now),
            State::Handshake { ringback, .. } => {
                let rang = *ringback && self.profile.no_answer;
                self.hang_up(now, if rang { ResultCode::NoAnswer } else { ResultCode::NoCarrier });
            }
            State::Online(connection) => {
                if connection.escape.due(&self.settings.registers).is_some_and(|at| at <= now) {
                    self.escape();
                } else {
                    self.step_connection(now);
                }
            }
            State::OnlineCommand(_) => self.step_connection(now),
            State::Clearing { connection, until, then } => {
                if let Some(bytes) = connection.sending.tick(now, connection.rate) {
                    self.out.push_back(Output::Line(LineOutput::Carry(bytes)));
                }
                if !connection.sending.is_busy() || *until <= now {
                    let then = *then;
                    self.act(LineOutput::Disconnect);
                    self.cleared(now, then);
                }
            }
        }
    }

    pub(super) fn step_connection(&mut self, now: Instant) {
        let (State::Online(connection) | State::OnlineCommand(connection)) = &mut self.state else {
            return;
        };
        if let Some(bytes) = connection.sending.tick(now, connection.rate) {
            self.act(LineOutput::Carry(bytes));
            return;
        }
        match connection.carrier {
            Carrier::Missing(at) if at <= now => self.carrier_lost(now),
            // S30 is all that is left.
            Carrier::There | Carrier::Missing(_) => {
                self.clear(now, AfterClearing::Say(ResultCode::NoCarrier));
            }
        }
    }

    pub(super) fn step_dialling(&mut self, now: Instant) {
        let State::Dialling { plan, stage, .. } = &mut self.state else { return };
        match *stage {
            Stage::Listening(_) => self.hang_up(now, ResultCode::NoDialTone),
            Stage::Pausing(_) => self.next_step(now),
            Stage::Digits(_) => {
                if let Some(Step::Digits { digits, .. }) = plan.steps.pop_front() {
                    self.act(LineOutput::Digits(digits));
                }
                self.next_step(now);
            }
            Stage::Silence { until, .. } if until <= now => {
                self.hang_up(now, ResultCode::NoAnswer);
            }
            Stage::Silence { .. } => self.next_step(now),
        }
    }

    pub(super) fn escape(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Command { off_hook: true });
        match state {
            State::Online(connection) => {
                self.editor.clear();
                self.state = State::OnlineCommand(connection);
                self.say(ResultCode::Ok);
            }
            State::Command { .. }
            | State::Dialling { .. }
            | State::Handshake { .. }
            | State::OnlineCommand(_)
            | State::Clearing { .. } => self.state = state,
        }
    }

    pub(super) fn dtr_fell(&mut self, now: Instant) {
        let then = match self.settings.dtr {
            DtrRule::Ignored => return,
            DtrRule::Command => return self.escape(),
            DtrRule::HangUp => AfterClearing::Say(ResultCode::Ok),
            DtrRule::Reset => AfterClearing::Reset,
        };
        self.editor.clear();
        match (&self.state, then) {
            // Nothing to hang up, nothing to say.
            (State::Command { off_hook: false }, AfterClearing::Say(_)) => {}
            (State::Command { off_hook: false }, AfterClearing::Reset) => {
                self.settings = self.stored.clone();
            }
            (_, then) => self.clear(now, then),
        }
    }
}
