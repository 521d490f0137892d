//! A call comes in: rings are counted, the caller is looked at, the modem answers.
//!
//! ```text
//!   RING ─► Ringing ── enough rings, lock held: `Rings` ──► answer ──► Answering ── CONNECT ──► Online
//!              │  └── screen: it rings on                                 │ NO CARRIER, time over
//!              ▼ no RING for a while, NO CARRIER                          ▼
//!             Idle                                                     HangingUp
//! ```
//!
//! It does not know who is welcome: it asks, and is told to answer or not.

use std::time::Duration;

use proto::at::reader::Said;
use proto::at::result::{ResultCode, Ring};
use proto::time::{Deadline, Instant};

use super::{Fact, State};
use crate::call::Call;
use crate::desk::Desk;
use crate::line::Line;
use crate::vocabulary::{Cause, Event, Leg, PortInput, PortOutput};

/// No RING for so long: the caller has hung up. Rings come every 4 to 6 s; mgetty waits as long.
const RING_GAP: Duration = Duration::from_secs(10);

/// A call that rings.
#[derive(Debug)]
pub(super) struct Ringing {
    pub(super) call: Call,
    rings: u32,
    /// `Rang` is in the journal: when the caller is known, or the second ring has come without him.
    announced: bool,
    screened: bool,
    over_at: Instant,
}

/// A call that the modem answers.
#[derive(Debug)]
pub(super) struct Answering {
    pub(super) call: Call,
    until: Instant,
}

impl Ringing {
    pub(super) const fn deadline(&self) -> Deadline {
        Deadline::new(self.over_at, "next ring")
    }

    fn announce(&mut self, line: &str, desk: &mut Desk) {
        if !self.announced {
            self.announced = true;
            let caller = &self.call.caller;
            desk.journal(Event::Rang {
                line: line.to_owned(),
                call: self.call.id,
                caller_id: caller.caller.as_ref().map(|caller| ascii(&caller.to_string())),
                called: caller.called.as_deref().map(ascii),
            });
        }
    }

    pub(super) fn screen(&mut self, line: &str, rule: String, desk: &mut Desk) {
        self.announce(line, desk);
        if !self.screened {
            self.screened = true;
            desk.journal(Event::Screened { line: line.to_owned(), call: self.call.id, rule });
        }
    }

    fn heard_ring(&mut self, ring: &Ring, now: Instant) {
        self.rings = self.rings.saturating_add(1);
        self.over_at = now + RING_GAP;
        self.call.caller.hear_ring(ring);
    }
}

impl Answering {
    pub(super) const fn deadline(&self) -> Deadline {
        Deadline::new(self.until, "answer")
    }
}

impl Line {
    /// The first ring. `asked`: the lock is asked for already.
    pub(super) fn rang(&mut self, ring: &Ring, asked: bool, desk: &mut Desk) -> State {
        if !self.locked && !asked {
            desk.port(self.id, PortOutput::Claim);
        }
        let mut ringing = Box::new(Ringing {
            call: Call::new(desk.call_id(), Leg::Request, desk.at()),
            rings: 0,
            announced: false,
            screened: false,
            over_at: desk.at(),
        });
        ringing.heard_ring(ring, desk.at());
        self.ask(ringing, desk)
    }

    /// Asks whether to answer, once there is what it takes.
    fn ask(&self, mut ringing: Box<Ringing>, desk: &mut Desk) -> State {
        if ringing.call.caller.caller.is_some() || ringing.rings >= 2 {
            ringing.announce(self.name(), desk);
        }
        if self.locked && !ringing.screened && ringing.rings >= self.config.rings.max(1) {
            let (caller, rings) = (ringing.call.caller.clone(), ringing.rings);
            desk.report(self.id, Fact::Rings { caller, rings });
        }
        State::Ringing(ringing)
    }

    pub(super) fn ringing_said(
        &mut self,
        mut ringing: Box<Ringing>,
        said: Said,
        desk: &mut Desk,
    ) -> State {
        match said {
            Said::Result(ResultCode::Ring(ring)) => {
                ringing.heard_ring(&ring, desk.at());
                self.ask(ringing, desk)
            }
            Said::CallerId(field) => {
                ringing.call.caller.hear(field);
                self.ask(ringing, desk)
            }
            // The modem is set to answer by itself (S0=1).
            Said::Result(ResultCode::Connect(connect)) if !ringing.screened => {
                ringing.announce(self.name(), desk);
                self.connected(ringing.call, &connect, desk)
            }
            Said::Result(ResultCode::Connect(_)) => {
                self.on_hook(Some((ringing.call, Cause::Screened)), true, desk)
            }
            Said::Result(ResultCode::NoCarrier) => self.rang_out(ringing, desk),
            Said::Result(_) | Said::Text(_) => State::Ringing(ringing),
        }
    }

    /// The caller has given up.
    fn rang_out(&mut self, mut ringing: Box<Ringing>, desk: &mut Desk) -> State {
        ringing.announce(self.name(), desk);
        let cause = if ringing.screened { Cause::Screened } else { Cause::Abandoned };
        self.end_call(&ringing.call, cause, desk);
        self.idle(desk)
    }

    /// The call is not to be waited for: the line closes, or is taken or lost.
    pub(super) fn forget_ringing(&self, mut ringing: Box<Ringing>, cause: Cause, desk: &mut Desk) {
        ringing.announce(self.name(), desk);
        self.end_call_unheld(&ringing.call, cause, desk);
    }

    pub(super) fn ringing_port(
        &mut self,
        ringing: Box<Ringing>,
        input: PortInput,
        desk: &mut Desk,
    ) -> State {
        match input {
            PortInput::Bytes(bytes) => self.listen(State::Ringing(ringing), &bytes, desk),
            PortInput::Claimed => {
                self.locked = true;
                self.ask(ringing, desk)
            }
            PortInput::Taken { holder } => {
                self.forget_ringing(ringing, Cause::Abandoned, desk);
                self.lend(holder, desk)
            }
            PortInput::Lost(reason) => {
                self.forget_ringing(ringing, Cause::PortError, desk);
                self.fault(reason, false, desk)
            }
            PortInput::Opened { .. }
            | PortInput::Signals(_)
            | PortInput::Drained
            | PortInput::Returned => State::Ringing(ringing),
        }
    }

    pub(super) fn ringing_tick(&mut self, ringing: Box<Ringing>, desk: &mut Desk) -> State {
        if ringing.over_at <= desk.at() {
            self.rang_out(ringing, desk)
        } else {
            State::Ringing(ringing)
        }
    }

    /// Told to answer.
    pub(super) fn answered(&mut self, mut ringing: Box<Ringing>, desk: &mut Desk) -> State {
        if !self.locked || ringing.screened {
            return State::Ringing(ringing);
        }
        ringing.announce(self.name(), desk);
        self.fresh_reader();
        let mut command = self.config.modem.answer.clone().into_bytes();
        command.push(b'\r');
        self.transmit(command, desk);
        let until = desk.at() + self.config.modem.answer_time;
        State::Answering(Box::new(Answering { call: ringing.call, until }))
    }

    pub(super) fn answering_port(
        &mut self,
        answering: Box<Answering>,
        input: PortInput,
        desk: &mut Desk,
    ) -> State {
        match input {
            PortInput::Bytes(bytes) => self.answering_heard(answering, &bytes, desk),
            PortInput::Lost(reason) => {
                self.end_call(&answering.call, Cause::PortError, desk);
                self.fault(reason, false, desk)
            }
            PortInput::Opened { .. }
            | PortInput::Signals(_)
            | PortInput::Drained
            | PortInput::Claimed
            | PortInput::Taken { .. }
            | PortInput::Returned => State::Answering(answering),
        }
    }

    fn answering_heard(
        &mut self,
        mut answering: Box<Answering>,
        bytes: &[u8],
        desk: &mut Desk,
    ) -> State {
        self.reader.receive(bytes);
        while let Some(said) = self.reader.poll() {
            match said {
                Said::Result(ResultCode::Connect(connect)) => {
                    return self.connected(answering.call, &connect, desk);
                }
                Said::Result(code) if code.is_final() && code != ResultCode::Ok => {
                    let cause = Cause::NoCarrier;
                    return self.on_hook(Some((answering.call, cause)), false, desk);
                }
                Said::CallerId(field) => answering.call.caller.hear(field),
                // RING: the modem has not taken the line yet. OK: the rest of an older answer.
                Said::Result(_) | Said::Text(_) => {}
            }
        }
        State::Answering(answering)
    }

    pub(super) fn answering_tick(&mut self, answering: Box<Answering>, desk: &mut Desk) -> State {
        if answering.until <= desk.at() {
            self.on_hook(Some((answering.call, Cause::NoCarrier)), false, desk)
        } else {
            State::Answering(answering)
        }
    }
}

/// Text of an exchange as the journal takes it.
fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}
