//! What shall become of a line once it has no call: another configuration, or its end.
//!
//! It is asked after every turn, so that a wish is fulfilled in the first state that allows it. It does
//! not end calls that are connected: who speaks on them is asked by the server.

use super::setup::Claim;
use super::{Fact, State};
use crate::config;
use crate::desk::Desk;
use crate::line::Line;
use crate::vocabulary::{Cause, PortOutput};

/// What shall become of a line.
#[derive(Debug)]
pub(super) enum Future {
    /// It goes on.
    Stay,
    /// It goes on with this configuration.
    Become(Box<config::Line>),
    /// It closes and stays closed.
    Close,
}

impl Line {
    /// Does what is wished, if the state allows it.
    pub(super) fn settle(&mut self, desk: &mut Desk) {
        match std::mem::replace(&mut self.future, Future::Stay) {
            Future::Stay => {}
            Future::Become(config) => {
                if self.may_change() {
                    self.become_now(*config, desk);
                } else {
                    self.future = Future::Become(config);
                }
            }
            Future::Close => {
                let state = std::mem::replace(&mut self.state, State::Closed);
                self.state = self.closed(state, desk);
                if !matches!(self.state, State::Closed) {
                    self.future = Future::Close;
                }
            }
        }
    }

    pub(super) const fn is_closing(&self) -> bool {
        matches!(self.future, Future::Close)
    }

    const fn may_change(&self) -> bool {
        match &self.state {
            State::Closed
            | State::Opening
            | State::Initialising { .. }
            | State::Idle { .. }
            | State::Checking { .. }
            | State::Faulted { .. }
            | State::Lent { .. }
            | State::BusyingOut { .. }
            | State::BusiedOut => true,
            State::Claiming { claim, .. } => {
                matches!(claim, Claim::SetUp | Claim::Check | Claim::BusyOut | Claim::Measure)
            }
            State::Ringing(_)
            | State::Answering(_)
            | State::Preparing(_)
            | State::Dialling(_)
            | State::Online(_)
            | State::HangingUp(_)
            | State::Measuring(_) => false,
        }
    }

    fn become_now(&mut self, config: config::Line, desk: &mut Desk) {
        let before = std::mem::replace(&mut self.config, config);
        let now = &self.config;
        let other_port = before.port != now.port
            || before.speed != now.speed
            || before.hardware_flow != now.hardware_flow;
        let other_modem = before.modem.init != now.modem.init
            || before.modem.wishes != now.modem.wishes
            || before.modem.dtr_hangup != now.modem.dtr_hangup;
        let state = std::mem::replace(&mut self.state, State::Closed);
        // These take the new configuration when they open.
        let shut = matches!(state, State::Closed | State::Faulted { .. } | State::Lent { .. });
        let setting_up = matches!(state, State::Initialising { .. } | State::Checking { .. });
        let idle = matches!(state, State::Idle { .. });
        self.state = if other_port && !shut {
            self.release(desk);
            desk.port(self.id, PortOutput::Close);
            self.opening(desk)
        } else if other_modem && setting_up {
            self.initialise(desk)
        } else if other_modem && idle {
            self.claim(Claim::SetUp, desk)
        } else {
            state
        };
    }

    /// Closes if the state allows it; breaks off what is not connected yet.
    fn closed(&mut self, state: State, desk: &mut Desk) -> State {
        match state {
            State::Online(_) | State::HangingUp(_) => return state,
            State::Answering(answering) => {
                return self.on_hook(Some((answering.call, Cause::AdminReboot)), false, desk);
            }
            State::Dialling(dialling) => {
                return self.on_hook(Some((dialling.call, Cause::AdminReboot)), false, desk);
            }
            State::Ringing(ringing) => self.forget_ringing(ringing, Cause::AdminReboot, desk),
            State::Preparing(preparing) => {
                self.forget_preparing(&preparing, Cause::AdminReboot, desk);
            }
            // Left off-hook, it would be busy for ever.
            State::BusyingOut { .. } | State::BusiedOut => return self.on_hook(None, false, desk),
            State::Measuring(measuring) => {
                return self.on_hook(None, measuring.is_online(), desk);
            }
            State::Claiming { claim, .. } => self.unclaimed(claim, desk),
            State::Closed
            | State::Opening
            | State::Initialising { .. }
            | State::Idle { .. }
            | State::Checking { .. }
            | State::Faulted { .. }
            | State::Lent { .. } => {}
        }
        self.release(desk);
        desk.port(self.id, PortOutput::Close);
        desk.report(self.id, Fact::Closed);
        State::Closed
    }
}
