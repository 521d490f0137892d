//! A call goes out.
//!
//! ```text
//!   Claiming(Dial) ─ Claimed ─► [Preparing: -m] ─► Dialling ── CONNECT ──► Online
//!        │ Taken, Lost             │ RING             │ BUSY, NO CARRIER, .., time over: HangingUp
//!        ▼                         ▼                  │ RING: glare
//!    NotDialled                 Ringing               ▼
//!                                                 HangingUp, then the ring is heard again
//! ```
//!
//! An incoming call that seizes the line at the moment we dial would be connected to us in place of the
//! number dialled (mgetty 1.2.1's callback hands it a login prompt): a RING from the claim on until CONNECT
//! breaks the attempt off. So does a CONNECT that comes before anybody can have been rung. Only the answers to this very command count: its reader is fresh.
//!
//! It does not know why it dials.

use std::time::Duration;

use proto::at::commands::{Commands, Step};
use proto::at::reader::Said;
use proto::at::result::ResultCode;
use proto::time::{Deadline, Instant};

use super::registers::COMMA;
use super::{Fact, State};
use crate::alert::Alert;
use crate::call::Call;
use crate::desk::Desk;
use crate::line::Line;
use crate::policy::dial_string;
use crate::promises::Turn;
use crate::vocabulary::{CallId, Cause, Event, Leg, PortInput, PortOutput};

/// A call to be placed.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) call: CallId,
    pub(crate) turn: Turn,
}

/// Other init commands before dialling (`-m`).
#[derive(Debug)]
pub(super) struct Preparing {
    order: Box<Order>,
    commands: Commands,
}

/// A call that the modem places.
#[derive(Debug)]
pub(super) struct Dialling {
    pub(super) call: Call,
    /// Whoever answers before this was not rung.
    soonest: Instant,
    until: Instant,
}

impl Preparing {
    pub(super) fn deadline(&self) -> Option<Deadline> {
        self.commands.deadline()
    }
}

impl Dialling {
    pub(super) const fn deadline(&self) -> Deadline {
        Deadline::new(self.until, "result of dialling")
    }
}

impl Line {
    /// The lock is held.
    pub(super) fn prepare(&mut self, order: Box<Order>, desk: &mut Desk) -> State {
        if let Some(speed) = order.turn.speed
            && speed != self.speed
        {
            self.speed = speed;
            desk.port(self.id, PortOutput::Speed(speed));
        }
        let waits = dial_string(&self.config, &order.turn.number)
            .is_ok_and(|command| command.command().contains(&b','));
        let comma = (waits && self.give_up_secret()).then_some(COMMA);
        if order.turn.init.is_empty() && comma.is_none() {
            return self.dial_now(&order, desk);
        }
        let init = order.turn.init.iter().map(String::as_str);
        let texts = Self::rested(comma.into_iter().chain(init));
        let plan = self.plan(texts, false);
        let commands = Commands::start(desk.at(), plan);
        self.preparing(Box::new(Preparing { order, commands }), desk)
    }

    fn preparing(&mut self, mut preparing: Box<Preparing>, desk: &mut Desk) -> State {
        while let Some(step) = preparing.commands.poll() {
            match step {
                Step::Send(bytes) => self.transmit(bytes, desk),
                Step::Ring(ring) => {
                    self.not_dialled(&preparing.order, Cause::Glare, desk);
                    self.fresh_reader();
                    return self.rang(&ring, false, desk);
                }
                Step::CallerId(_) => {}
                Step::Done => return self.dial_now(&preparing.order, desk),
                Step::Failed(_) => {
                    self.not_dialled(&preparing.order, Cause::PortError, desk);
                    return self.initialise(desk);
                }
            }
        }
        State::Preparing(preparing)
    }

    pub(super) fn preparing_port(
        &mut self,
        mut preparing: Box<Preparing>,
        input: PortInput,
        desk: &mut Desk,
    ) -> State {
        match input {
            PortInput::Bytes(bytes) => {
                preparing.commands.receive(desk.at(), &bytes);
                self.preparing(preparing, desk)
            }
            PortInput::Lost(reason) => {
                self.not_dialled(&preparing.order, Cause::PortError, desk);
                self.fault(reason, false, desk)
            }
            PortInput::Opened { .. }
            | PortInput::Signals(_)
            | PortInput::Drained
            | PortInput::Claimed
            | PortInput::Taken { .. }
            | PortInput::Returned => State::Preparing(preparing),
        }
    }

    pub(super) fn preparing_tick(
        &mut self,
        mut preparing: Box<Preparing>,
        desk: &mut Desk,
    ) -> State {
        preparing.commands.tick(desk.at());
        self.preparing(preparing, desk)
    }

    /// Told to let it be.
    pub(super) fn forget_preparing(&self, preparing: &Preparing, cause: Cause, desk: &mut Desk) {
        self.not_dialled(&preparing.order, cause, desk);
    }

    pub(super) fn not_dialled(&self, order: &Order, cause: Cause, desk: &mut Desk) {
        desk.report(self.id, Fact::NotDialled { promise: order.turn.promise, cause });
    }

    fn dial_now(&mut self, order: &Order, desk: &mut Desk) -> State {
        let turn = &order.turn;
        let Ok(command) = dial_string(&self.config, &turn.number) else {
            // Policy has seen to this; the configuration has changed since.
            self.not_dialled(order, Cause::Barred, desk);
            return self.idle(desk);
        };
        desk.journal(Event::Dialled {
            promise: turn.promise,
            session: turn.session,
            call: order.call,
            line: self.name().to_owned(),
            number: turn.number.as_str().to_owned(),
            rule: turn.rule.clone(),
            attempt: turn.attempt,
        });
        self.fresh_reader();
        self.transmit(command.command().to_vec(), desk);
        let mut call = Call::new(order.call, Leg::Return, desk.at());
        call.session = Some(turn.session);
        call.promise = Some(turn.promise);
        call.toll = Some(turn.toll.clone());
        let until = desk.at() + self.config.modem.dial_time;
        let soonest = match self.config.soonest_connect {
            Duration::ZERO => desk.at(),
            least => desk.at() + time_to_dial(turn.number.as_str()) + least,
        };
        State::Dialling(Box::new(Dialling { call, soonest, until }))
    }

    pub(super) fn dialling_port(
        &mut self,
        dialling: Box<Dialling>,
        input: PortInput,
        desk: &mut Desk,
    ) -> State {
        match input {
            PortInput::Bytes(bytes) => self.dialling_heard(dialling, &bytes, desk),
            PortInput::Lost(reason) => {
                self.end_call(&dialling.call, Cause::PortError, desk);
                self.fault(reason, false, desk)
            }
            PortInput::Opened { .. }
            | PortInput::Signals(_)
            | PortInput::Drained
            | PortInput::Claimed
            | PortInput::Taken { .. }
            | PortInput::Returned => State::Dialling(dialling),
        }
    }

    fn dialling_heard(&mut self, dialling: Box<Dialling>, bytes: &[u8], desk: &mut Desk) -> State {
        self.reader.receive(bytes);
        while let Some(said) = self.reader.poll() {
            match said {
                Said::Result(ResultCode::Connect(connect)) => {
                    return if dialling.soonest <= desk.at() {
                        self.connected(dialling.call, &connect, desk)
                    } else {
                        self.too_soon(dialling, desk)
                    };
                }
                Said::Result(code) => {
                    if let Some(cause) = failure(&code) {
                        return self.on_hook(Some((dialling.call, cause)), false, desk);
                    }
                }
                Said::CallerId(_) | Said::Text(_) => {}
            }
        }
        State::Dialling(dialling)
    }

    /// Somebody was on the line already, and is not the one who was dialled.
    fn too_soon(&mut self, dialling: Box<Dialling>, desk: &mut Desk) -> State {
        let since = desk.at().since(dialling.call.began);
        let reason = format!(
            "CONNECT came {} ms after the dial command: nobody can have been rung and have answered",
            since.as_millis()
        );
        desk.journal(Event::Alert {
            alert: Alert::ConnectTooSoon,
            line: Some(self.name().to_owned()),
            call: Some(dialling.call.id),
            user: None,
            reason,
        });
        self.on_hook(Some((dialling.call, Cause::TooSoon)), true, desk)
    }

    pub(super) fn dialling_tick(&mut self, dialling: Box<Dialling>, desk: &mut Desk) -> State {
        if dialling.until <= desk.at() {
            self.on_hook(Some((dialling.call, Cause::NoAnswer)), false, desk)
        } else {
            State::Dialling(dialling)
        }
    }
}

/// How long a modem takes at least to dial these digits, with tones: 70 ms for each and nothing between is the
/// fastest that exchanges take (ITU-T Q.24).
fn time_to_dial(digits: &str) -> Duration {
    const DIGIT: Duration = Duration::from_millis(70);
    DIGIT.saturating_mul(u32::try_from(digits.len()).unwrap_or(0))
}

/// What a result code says about a call that is being placed; `None` if nothing yet.
const fn failure(code: &ResultCode) -> Option<Cause> {
    match code {
        ResultCode::Ring(_) => Some(Cause::Glare),
        ResultCode::Busy => Some(Cause::Busy),
        ResultCode::NoAnswer => Some(Cause::NoAnswer),
        ResultCode::NoDialtone | ResultCode::LineInUse => Some(Cause::NoDialtone),
        ResultCode::NoCarrier | ResultCode::Voice | ResultCode::Fax => Some(Cause::NoCarrier),
        ResultCode::Delayed | ResultCode::Blacklisted | ResultCode::Locked | ResultCode::Error => {
            Some(Cause::Barred)
        }
        // OK ends no dial command: it is an older one's.
        ResultCode::Ok | ResultCode::RingBack | ResultCode::Data | ResultCode::Connect(_) => None,
    }
}
