//! Ending a call, or the wait for one, in the way that the port allows.
//!
//! ```text
//!   online, with control lines ──► Dropped ─DCD falls, or time over─────┐
//!   online, without            ──► Escaping ─ATH answered, or not───────┼─► Done
//!   in the command state       ──► PuttingBack ─each OK, or not─────────┘
//!                                     └─CONNECT after all: as online
//! ```
//!
//! It never fails: whoever ends a call has nothing better left to do, and the port is closed afterwards, which
//! lowers DTR. Whether the end was seen is told.

use std::collections::VecDeque;
use std::time::Duration;

use super::Hook;
use crate::at::commands::{self, Commands, Reason};
use crate::at::hang_up::{self, HangUp};
use crate::signals::Signals;
use crate::time::{Deadline, Instant};

/// DTR is down for so long at least: S25 counts in hundredths of a second and is five of them, but some modems
/// and terminal servers look only now and then.
const DTR_DOWN: Duration = Duration::from_millis(500);

/// With DTR down, DCD may take so long: a modem first takes leave of its partner (V.42 DISC).
const DTR_PATIENCE: Duration = Duration::from_secs(3);

/// What [`OnHook`] wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Lower or raise DTR.
    Dtr(bool),
    /// That was all. The last step.
    Done {
        /// Whether the modem was seen to be on-hook.
        seen: bool,
    },
}

#[derive(Debug)]
enum State {
    Dropped { down: bool, earliest: Instant, until: Instant },
    Escaping(Box<HangUp>),
    PuttingBack(Box<Commands>),
    Ended,
}

/// Ends a call.
#[derive(Debug)]
pub struct OnHook {
    hook: Hook,
    signals: Option<Signals>,
    state: State,
    steps: VecDeque<Step>,
}

impl OnHook {
    /// Ends the call that is on the line. `signals`: the modem's, if the port has control lines.
    #[must_use]
    pub fn online(now: Instant, hook: &Hook, signals: Option<Signals>) -> Self {
        let mut on_hook =
            Self { hook: hook.clone(), signals, state: State::Ended, steps: VecDeque::new() };
        on_hook.begin_online(now);
        on_hook.go_on(now);
        on_hook
    }

    /// The same where a port without control lines has just told us `NO CARRIER`.
    #[must_use]
    pub fn hushed(now: Instant, hook: &Hook) -> Self {
        let hang_up = HangUp::start_hushed(now, hook.by_command.clone());
        let state = State::Escaping(Box::new(hang_up));
        Self { hook: hook.clone(), signals: None, state, steps: VecDeque::new() }
    }

    /// Breaks off whatever a modem in the command state is doing, and puts its settings back.
    #[must_use]
    pub fn in_command_state(now: Instant, hook: &Hook, signals: Option<Signals>) -> Self {
        // Any byte breaks off dialling and answering (V.250 §5.6.1).
        let steps = VecDeque::from([Step::Send(b"\r".to_vec())]);
        let put_back = Commands::start(now, hook.put_back.clone());
        let state = State::PuttingBack(Box::new(put_back));
        let mut on_hook = Self { hook: hook.clone(), signals, state, steps };
        on_hook.go_on(now);
        on_hook
    }

    /// Takes what the modem sent.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        match &mut self.state {
            State::Dropped { .. } | State::Ended => {}
            State::Escaping(hang_up) => hang_up.receive(now, bytes),
            State::PuttingBack(commands) => commands.receive(now, bytes),
        }
        self.go_on(now);
    }

    /// Takes the modem's control lines.
    pub fn signals(&mut self, now: Instant, signals: Signals) {
        self.signals = Some(signals);
        if let State::Dropped { down, .. } = &mut self.state {
            *down |= !signals.dcd;
        }
        self.go_on(now);
    }

    /// Goes on if a deadline has passed.
    pub fn tick(&mut self, now: Instant) {
        match &mut self.state {
            State::Dropped { .. } | State::Ended => {}
            State::Escaping(hang_up) => hang_up.tick(now),
            State::PuttingBack(commands) => commands.tick(now),
        }
        self.go_on(now);
    }

    /// The next step, until `None`.
    pub fn poll(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// When [`Self::tick`] is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        match &self.state {
            State::Dropped { down: true, earliest, .. } => {
                Some(Deadline::new(*earliest, "DTR to be seen"))
            }
            State::Dropped { down: false, until, .. } => Some(Deadline::new(*until, "DCD to fall")),
            State::Escaping(hang_up) => hang_up.deadline(),
            State::PuttingBack(commands) => commands.deadline(),
            State::Ended => None,
        }
    }

    fn begin_online(&mut self, now: Instant) {
        self.state = match self.signals {
            Some(signals) => {
                self.steps.push_back(Step::Dtr(false));
                State::Dropped {
                    down: !signals.dcd,
                    earliest: now + DTR_DOWN,
                    until: now + DTR_PATIENCE,
                }
            }
            None => State::Escaping(Box::new(HangUp::start(now, self.hook.by_command.clone()))),
        };
    }

    fn go_on(&mut self, now: Instant) {
        let seen = match &mut self.state {
            State::Dropped { down, earliest, until } => {
                let over = *until <= now || *down && *earliest <= now;
                over.then_some(*down)
            }
            State::Escaping(hang_up) => {
                let mut end = None;
                while let Some(step) = hang_up.poll() {
                    match step {
                        hang_up::Step::Send(bytes) => self.steps.push_back(Step::Send(bytes)),
                        hang_up::Step::Done => end = Some(true),
                        hang_up::Step::Failed(_) => end = Some(false),
                    }
                }
                end
            }
            State::PuttingBack(commands) => {
                let mut end = None;
                while let Some(step) = commands.poll() {
                    match step {
                        commands::Step::Send(bytes) => self.steps.push_back(Step::Send(bytes)),
                        commands::Step::Done => end = Some(true),
                        // It connected at the very moment at which we broke off.
                        commands::Step::Failed(failure) if failure.reason == Reason::Connected => {
                            return self.begin_online(now);
                        }
                        commands::Step::Failed(_) => end = Some(false),
                        commands::Step::Ring(_) | commands::Step::CallerId(_) => {}
                    }
                }
                end
            }
            State::Ended => None,
        };
        if let Some(seen) = seen {
            self.state = State::Ended;
            self.steps.push_back(Step::Done { seen });
        }
    }
}
