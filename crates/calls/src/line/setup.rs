//! From a closed port to an idle line: opening, locking, setting up the modem, checking it; lent, out of
//! order.
//!
//! ```text
//!   Opening ─ Opened ─► Claiming(SetUp) ─ Claimed ─► Initialising ─ Done ─► Idle      (DCD up: HangingUp)
//!                          │ Taken: Lent                 │ Failed: Faulted   │ check_at
//!                                                        ▲                   ▼
//!                          Claiming(Check) ─ Claimed ─► Checking ─ OK ─────► Idle
//!                                                        └─ Failed: Initialising
//! ```
//!
//! It does not know calls, except that a `RING` begins one.

use std::time::Duration;

use proto::at::commands::{Commands, Plan, Refused, Step};
use proto::at::reader::Said;
use proto::at::result::ResultCode;
use proto::time::Instant;

use super::registers::READ;
use super::{Fact, Order, State};
use crate::desk::Desk;
use crate::line::Line;
use crate::vocabulary::{Cause, Event, PortInput, PortOutput};

/// How long the lock may take: a stale one has to be looked at, perhaps on a network file system.
const CLAIM_TIME: Duration = Duration::from_secs(30);
/// Sent last to the modem of a port without control lines. When its carrier is lost, such a modem would
/// echo whatever a program writes until the loss is noticed, and the program would answer the echo.
const NO_ECHO: &str = "ATE0";

/// What the lock is wanted for.
#[derive(Debug)]
pub(super) enum Claim {
    /// To set up the modem.
    SetUp,
    /// To ask the modem whether it still lives.
    Check,
    /// To hang up a call that nobody placed or answered.
    Reset,
    /// To take the line out of service.
    BusyOut,
    /// To measure the line.
    Measure,
    /// To place a call.
    Dial(Box<Order>),
}

impl Line {
    pub(super) fn opening(&mut self, desk: &mut Desk) -> State {
        self.signals = None;
        self.speed = self.config.speed;
        desk.port(self.id, PortOutput::Open);
        State::Opening
    }

    pub(super) fn opening_port(&mut self, input: PortInput, desk: &mut Desk) -> State {
        match input {
            PortInput::Opened { signals } => {
                self.signals = signals;
                self.carrier_stuck = false;
                // Another modem may be there by now; whether it has wires is still unknown.
                self.known.forget_modem();
                self.carrier_rose = false;
                self.claim(Claim::SetUp, desk)
            }
            PortInput::Lost(reason) => self.fault(reason, false, desk),
            PortInput::Taken { holder } => self.lend(holder, desk),
            PortInput::Claimed => {
                self.unwanted_lock(desk);
                State::Opening
            }
            PortInput::Bytes(_)
            | PortInput::Signals(_)
            | PortInput::Drained
            | PortInput::Returned => State::Opening,
        }
    }

    // --------------------------------------------------------------------------------------- the lock

    pub(super) fn claim(&mut self, claim: Claim, desk: &mut Desk) -> State {
        if self.locked {
            return self.claimed(claim, desk);
        }
        desk.port(self.id, PortOutput::Claim);
        State::Claiming { claim, until: desk.at() + CLAIM_TIME }
    }

    fn claimed(&mut self, claim: Claim, desk: &mut Desk) -> State {
        self.locked = true;
        match claim {
            // Somebody may still be there, and would play the modem through its set-up.
            Claim::SetUp if self.doubt.is_some() => self.on_hook(None, true, desk),
            Claim::SetUp => self.initialise(desk),
            Claim::Check => {
                let read = self.config.modem.read_back && self.known.registers_are_known();
                let mut plan = self.plan([if read { READ } else { "AT" }], false);
                for command in &mut plan.commands {
                    command.refused = Refused::GoesOn;
                }
                self.checking(Box::new(Commands::start(desk.at(), plan)), desk)
            }
            Claim::Reset => self.on_hook(None, true, desk),
            Claim::BusyOut => self.go_off_hook(desk),
            Claim::Measure if self.measured => self.rest(desk),
            Claim::Measure => self.idle(desk),
            Claim::Dial(order) => self.prepare(order, desk),
        }
    }

    /// The lock comes when nobody waits for it any more: the caller has given up meanwhile.
    pub(super) fn unwanted_lock(&self, desk: &mut Desk) {
        desk.port(self.id, PortOutput::Release);
    }

    /// What the lock was wanted for cannot be done.
    pub(super) fn unclaimed(&mut self, claim: Claim, desk: &mut Desk) {
        match claim {
            Claim::SetUp | Claim::Check | Claim::Reset | Claim::BusyOut | Claim::Measure => {}
            Claim::Dial(order) => self.not_dialled(&order, Cause::PortError, desk),
        }
    }

    pub(super) fn claiming_port(
        &mut self,
        claim: Claim,
        until: Instant,
        input: PortInput,
        desk: &mut Desk,
    ) -> State {
        match input {
            PortInput::Claimed => self.claimed(claim, desk),
            PortInput::Taken { holder } => {
                self.unclaimed(claim, desk);
                self.lend(holder, desk)
            }
            PortInput::Lost(reason) => {
                self.unclaimed(claim, desk);
                self.fault(reason, false, desk)
            }
            PortInput::Bytes(bytes) => match claim {
                // The modem has not been set up: what it says means nothing yet.
                Claim::SetUp | Claim::Reset => State::Claiming { claim, until },
                Claim::Check | Claim::Dial(_) | Claim::BusyOut | Claim::Measure => {
                    self.rang_while_claiming(claim, until, &bytes, desk)
                }
            },
            PortInput::Opened { .. }
            | PortInput::Signals(_)
            | PortInput::Drained
            | PortInput::Returned => State::Claiming { claim, until },
        }
    }

    /// A ring overtakes the lock that is on its way: the line rings, and the lock will do for the answer.
    fn rang_while_claiming(
        &mut self,
        claim: Claim,
        until: Instant,
        bytes: &[u8],
        desk: &mut Desk,
    ) -> State {
        let order = match &claim {
            Claim::Dial(order) => Some(order.clone()),
            Claim::SetUp | Claim::Check | Claim::Reset | Claim::BusyOut | Claim::Measure => None,
        };
        let state = self.listen(State::Claiming { claim, until }, bytes, desk);
        if let (State::Ringing(_), Some(order)) = (&state, order) {
            self.not_dialled(&order, Cause::Glare, desk);
        }
        state
    }

    // -------------------------------------------------------------------------------------- the modem

    pub(super) fn initialise(&mut self, desk: &mut Desk) -> State {
        if self.speed != self.config.speed {
            self.speed = self.config.speed;
            desk.port(self.id, PortOutput::Speed(self.speed));
        }
        let plan = self.init_plan(desk);
        self.initialising(Box::new(Commands::start(desk.at(), plan)), desk)
    }

    fn init_plan(&mut self, desk: &mut Desk) -> Plan {
        let written = self.write_registers(desk);
        let init: &[String] = &self.config.modem.init;
        let texts = match init.is_empty() {
            true => vec!["AT"],
            false => Self::rested(init.iter().map(String::as_str)),
        };
        let before = self.read_before();
        let no_echo = self.signals.is_none().then_some(NO_ECHO);
        let behind = written.as_deref().into_iter().chain(written.is_some().then_some(READ));
        let needed = usize::from(before.is_some())..usize::from(before.is_some()) + texts.len();
        let texts = before.into_iter().chain(texts);
        let mut plan = self.plan(texts.chain(self.wishes()).chain(no_echo).chain(behind), true);
        for (at, wish) in plan.commands.iter_mut().enumerate() {
            if !needed.contains(&at) {
                wish.refused = Refused::GoesOn;
            }
        }
        plan
    }

    pub(super) fn initialising_port(
        &mut self,
        mut commands: Box<Commands>,
        input: PortInput,
        desk: &mut Desk,
    ) -> State {
        match input {
            PortInput::Bytes(bytes) => {
                commands.receive(desk.at(), &bytes);
                self.initialising(commands, desk)
            }
            PortInput::Lost(reason) => self.fault(reason, false, desk),
            PortInput::Taken { holder } => self.lend(holder, desk),
            PortInput::Opened { .. }
            | PortInput::Signals(_)
            | PortInput::Drained
            | PortInput::Claimed
            | PortInput::Returned => State::Initialising { commands },
        }
    }

    /// Does what the set-up wants done.
    pub(super) fn initialising(&mut self, mut commands: Box<Commands>, desk: &mut Desk) -> State {
        while let Some(step) = commands.poll() {
            match step {
                Step::Send(bytes) => self.transmit(bytes, desk),
                // It will ring again when we are ready; answering in the middle of a set-up is a gamble.
                Step::Ring(_) | Step::CallerId(_) => {}
                Step::Done => {
                    self.read_back(&commands, desk);
                    return self.initialised(desk);
                }
                Step::Failed(failure) => return self.fault(failure.to_string(), true, desk),
            }
        }
        State::Initialising { commands }
    }

    fn initialised(&mut self, desk: &mut Desk) -> State {
        match self.signals {
            Some(signals) if signals.dcd && !self.carrier_stuck => {
                // A call that nobody placed or answered, or DCD that says nothing: hanging up will tell.
                return self.on_hook(None, true, desk);
            }
            Some(signals) => self.carrier_stuck = signals.dcd,
            None => {}
        }
        self.faults = 0;
        desk.journal(Event::LineReady { line: self.name().to_owned() });
        self.idle(desk)
    }

    pub(super) fn idle(&mut self, desk: &mut Desk) -> State {
        self.release(desk);
        self.fresh_reader();
        self.carrier_rose = false;
        let check_at = desk.at() + self.config.modem.check_every;
        self.idle_tick(check_at, Some(self.held_until), desk)
    }

    pub(super) fn idle_tick(
        &self,
        check_at: Instant,
        free_at: Option<Instant>,
        desk: &mut Desk,
    ) -> State {
        if free_at.is_some_and(|at| at <= desk.at()) {
            desk.report(self.id, Fact::Ready);
            return State::Idle { check_at, free_at: None };
        }
        State::Idle { check_at, free_at }
    }

    pub(super) fn idle_port(
        &mut self,
        check_at: Instant,
        free_at: Option<Instant>,
        input: PortInput,
        desk: &mut Desk,
    ) -> State {
        match input {
            PortInput::Bytes(bytes) => self.listen(State::Idle { check_at, free_at }, &bytes, desk),
            PortInput::Signals(signals) if signals.dcd && !self.carrier_stuck => {
                self.claim(Claim::Reset, desk)
            }
            PortInput::Taken { holder } => self.lend(holder, desk),
            PortInput::Lost(reason) => self.fault(reason, false, desk),
            PortInput::Claimed => {
                self.unwanted_lock(desk);
                State::Idle { check_at, free_at }
            }
            PortInput::Signals(_)
            | PortInput::Opened { .. }
            | PortInput::Drained
            | PortInput::Returned => State::Idle { check_at, free_at },
        }
    }

    /// Reads what an idle modem says, and steps with each fact, through whatever states they lead.
    pub(super) fn listen(&mut self, state: State, bytes: &[u8], desk: &mut Desk) -> State {
        self.reader.receive(bytes);
        let mut state = state;
        while let Some(said) = self.reader.poll() {
            state = if let State::Ringing(ringing) = state {
                self.ringing_said(ringing, said, desk)
            } else {
                self.idle_said(state, &said, desk)
            };
        }
        state
    }

    fn idle_said(&mut self, state: State, said: &Said, desk: &mut Desk) -> State {
        let idle = matches!(state, State::Idle { .. });
        let claiming = matches!(state, State::Claiming { .. });
        match said {
            Said::Result(ResultCode::Ring(ring)) if idle || claiming => {
                self.rang(ring, claiming, desk)
            }
            // A modem in S0=1 has taken a call that never rang here, or an injected command has made it
            // so. Nobody is to talk to an idle line.
            Said::Result(ResultCode::Connect(_)) if idle => {
                self.fresh_reader();
                self.claim(Claim::Reset, desk)
            }
            Said::Result(_) | Said::CallerId(_) | Said::Text(_) => state,
        }
    }

    pub(super) fn checking_port(
        &mut self,
        mut commands: Box<Commands>,
        input: PortInput,
        desk: &mut Desk,
    ) -> State {
        match input {
            PortInput::Bytes(bytes) => {
                commands.receive(desk.at(), &bytes);
                self.checking(commands, desk)
            }
            PortInput::Lost(reason) => self.fault(reason, false, desk),
            PortInput::Taken { holder } => self.lend(holder, desk),
            PortInput::Opened { .. }
            | PortInput::Signals(_)
            | PortInput::Drained
            | PortInput::Claimed
            | PortInput::Returned => State::Checking { commands },
        }
    }

    /// Does what the check wants done.
    pub(super) fn checking(&mut self, mut commands: Box<Commands>, desk: &mut Desk) -> State {
        while let Some(step) = commands.poll() {
            match step {
                Step::Send(bytes) => self.transmit(bytes, desk),
                Step::Ring(ring) => {
                    self.fresh_reader();
                    return self.rang(&ring, false, desk);
                }
                Step::CallerId(_) => {}
                Step::Done if self.checked(&commands, desk) => return self.initialise(desk),
                Step::Done => return self.idle(desk),
                // It is mute: set it up anew, with force.
                Step::Failed(_) => return self.initialise(desk),
            }
        }
        State::Checking { commands }
    }

    // ---------------------------------------------------------------------------------- other programs

    /// Another program holds the line: it gets the port for itself.
    pub(super) fn lend(&mut self, holder: String, desk: &mut Desk) -> State {
        self.locked = false;
        self.signals = None;
        desk.port(self.id, PortOutput::Close);
        let line = self.name().to_owned();
        desk.journal(Event::LineLent { line, holder: holder.clone() });
        State::Lent { holder }
    }

    pub(super) fn lent_port(
        &mut self,
        holder: String,
        input: &PortInput,
        desk: &mut Desk,
    ) -> State {
        match input {
            PortInput::Returned => {
                desk.journal(Event::LineReturned { line: self.name().to_owned() });
                self.opening(desk)
            }
            PortInput::Claimed => {
                self.unwanted_lock(desk);
                State::Lent { holder }
            }
            PortInput::Opened { .. }
            | PortInput::Lost(_)
            | PortInput::Bytes(_)
            | PortInput::Signals(_)
            | PortInput::Drained
            | PortInput::Taken { .. } => State::Lent { holder },
        }
    }
}
