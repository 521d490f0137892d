//! Out of service by an operator's order: the modem is off-hook, so that callers find the line busy.
//!
//! ```text
//!   Idle ── wished ──► Claiming(BusyOut) ─ Claimed ─► BusyingOut: ATH1 ── OK, or refused ──► BusiedOut
//!                                                        └─ no answer: Initialising             │ no more wished
//!                                                                                               ▼
//!                                                    Initialising ◄── on-hook ──────────── HangingUp
//! ```
//!
//! The wish is the line's and outlives its faults: a line that comes back is taken out again. A modem
//! that refuses `ATH1` stays on-hook and lets callers ring; nobody answers them either way. The lock is
//! held, so that no other program dials on a line that somebody may be working on.
//!
//! It does not know who ordered it, nor why.

use proto::at::commands::{Commands, Refused, Step};

use super::State;
use super::setup::Claim;
use crate::desk::Desk;
use crate::line::Line;
use crate::vocabulary::PortInput;

/// Goes off-hook without dialling (V.250 §6.3.6).
const OFF_HOOK: &str = "ATH1";

impl Line {
    /// Takes the line out of service as soon as it has no call, or puts it back.
    pub(crate) fn busy_out(&mut self, wished: bool, desk: &mut Desk) {
        self.busied_out = wished;
        let out = matches!(self.state, State::BusiedOut | State::BusyingOut { .. });
        let state = if out && !wished {
            self.on_hook(None, false, desk)
        } else {
            std::mem::replace(&mut self.state, State::Closed)
        };
        self.enter(state, desk);
    }

    /// Whether an operator has taken it out of service, be it effective yet or not.
    pub(crate) const fn is_busied_out(&self) -> bool {
        self.busied_out
    }

    /// Begins to go off-hook, with the lock in hand.
    pub(super) fn go_off_hook(&self, desk: &mut Desk) -> State {
        let mut plan = self.plan([OFF_HOOK], false);
        for command in &mut plan.commands {
            command.refused = Refused::GoesOn;
            command.tries = 1;
        }
        self.busying_out(Box::new(Commands::start(desk.at(), plan)), desk)
            .unwrap_or(State::BusiedOut)
    }

    /// Does what the way out wants done; `None` if the modem is mute.
    fn busying_out(&self, mut commands: Box<Commands>, desk: &mut Desk) -> Option<State> {
        while let Some(step) = commands.poll() {
            match step {
                Step::Send(bytes) => self.transmit(bytes, desk),
                // Off-hook in the same moment: the caller hears nobody and gives up.
                Step::Ring(_) | Step::CallerId(_) => {}
                Step::Done => return Some(State::BusiedOut),
                Step::Failed(_) => return None,
            }
        }
        Some(State::BusyingOut { commands })
    }

    pub(super) fn busying_out_tick(
        &mut self,
        mut commands: Box<Commands>,
        desk: &mut Desk,
    ) -> State {
        commands.tick(desk.at());
        self.busying_out(commands, desk).unwrap_or_else(|| self.initialise(desk))
    }

    pub(super) fn busying_out_port(
        &mut self,
        mut commands: Box<Commands>,
        input: PortInput,
        desk: &mut Desk,
    ) -> State {
        match input {
            PortInput::Bytes(bytes) => {
                commands.receive(desk.at(), &bytes);
                self.busying_out(commands, desk).unwrap_or_else(|| self.initialise(desk))
            }
            PortInput::Lost(reason) => self.fault(reason, false, desk),
            PortInput::Taken { holder } => self.lend(holder, desk),
            PortInput::Opened { .. }
            | PortInput::Signals(_)
            | PortInput::Drained
            | PortInput::Claimed
            | PortInput::Returned => State::BusyingOut { commands },
        }
    }

    pub(super) fn busied_out_port(&mut self, input: PortInput, desk: &mut Desk) -> State {
        match input {
            PortInput::Lost(reason) => self.fault(reason, false, desk),
            PortInput::Taken { holder } => self.lend(holder, desk),
            // RING of a modem that would not go off-hook: nobody answers.
            PortInput::Bytes(_)
            | PortInput::Opened { .. }
            | PortInput::Signals(_)
            | PortInput::Drained
            | PortInput::Claimed
            | PortInput::Returned => State::BusiedOut,
        }
    }

    /// Begins anew with a line that has no call: closes its port and opens it again at once.
    pub(crate) fn reset(&mut self, desk: &mut Desk) {
        // Whoever orders this has seen to the modem.
        self.doubt = None;
        let state = std::mem::replace(&mut self.state, State::Closed);
        let state = match state {
            State::Claiming { claim, .. } => {
                self.unclaimed(claim, desk);
                self.reopened(desk)
            }
            State::Opening
            | State::Initialising { .. }
            | State::Idle { .. }
            | State::Checking { .. }
            | State::BusyingOut { .. }
            | State::BusiedOut
            | State::Faulted { .. } => self.reopened(desk),
            // Whoever has a call is hung up first; what another program holds is not ours.
            other @ (State::Closed
            | State::Ringing(_)
            | State::Answering(_)
            | State::Preparing(_)
            | State::Dialling(_)
            | State::Online(_)
            | State::HangingUp(_)
            | State::Measuring(_)
            | State::Lent { .. }) => other,
        };
        self.enter(state, desk);
    }

    fn reopened(&mut self, desk: &mut Desk) -> State {
        self.release(desk);
        desk.port(self.id, crate::vocabulary::PortOutput::Close);
        self.opening(desk)
    }

    /// Idle, and wished out of service: it goes.
    pub(super) fn claim_to_busy_out(&mut self, desk: &mut Desk) {
        if self.busied_out && !self.is_closing() && matches!(self.state, State::Idle { .. }) {
            self.state = self.claim(Claim::BusyOut, desk);
        }
    }
}
