//! The call that a person types on: his keys, his escapes, the far end's text, and the call's end.
//!
//! ```text
//!   Talking ─NO CARRIER and silence─► Asking ─online─► Talking
//!      │                                 └─gone────────────┐
//!      ├─DCD falls (where there is one)────────────────────┼─► Ended(CarrierLost)
//!      └─~. or told to─► HangingUp ──────────────────────────► Ended(HungUp)
//! ```
//!
//! Where the port shows DCD, its fall is the end. Elsewhere `NO CARRIER` is a suspicion, and the modem is asked
//! (see [`carrier_watch`](crate::at::carrier_watch)): a person who reads a page about modems is not cut off.
//!
//! It does not know the person's screen.

use std::collections::VecDeque;
use std::time::Duration;

use super::Hook;
use super::on_hook::{self, OnHook};
use super::plus::PlusGuard;
use super::tilde::{Tilde, Wish};
use crate::at::carrier_watch::{CarrierProbe, CarrierWatch, Probe};
use crate::at::reader::Form;
use crate::signals::Signals;
use crate::time::{Deadline, Instant};

/// `NO CARRIER` and so much silence is worth a question.
const SUSPICIOUS: Duration = Duration::from_secs(2);
/// The patience with `ATO`.
const ATO_TIME: Duration = Duration::from_secs(5);

/// What a [`Session`] wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this to the modem.
    Send(Vec<u8>),
    /// Lower or raise DTR.
    Dtr(bool),
    /// Send a break.
    Break,
    /// Show this: the far end's.
    Show(Vec<u8>),
    /// Show the list of escapes.
    Help,
    /// The call is over. The last step.
    Ended(End),
}

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// On our side.
    HungUp,
    /// On the other side, or in between.
    CarrierLost,
}

#[derive(Debug)]
enum State {
    Talking(CarrierWatch),
    Asking { probe: Box<CarrierProbe>, typed: Vec<u8> },
    HangingUp(Box<OnHook>),
    Ended,
}

/// Keys typed while the modem is asked are kept, so many.
const MAX_TYPED: usize = 1024;

/// A person's call.
#[derive(Debug)]
pub struct Session {
    hook: Hook,
    state: State,
    signals: Option<Signals>,
    /// Whether DCD was up on this call: where it never was, it tells nothing.
    carrier: bool,
    tilde: Tilde,
    plus: PlusGuard,
    steps: VecDeque<Step>,
}

impl Session {
    /// A call that is on the line now.
    #[must_use]
    pub fn start(now: Instant, hook: Hook, signals: Option<Signals>) -> Self {
        let plus = PlusGuard::new(now, hook.escape);
        let carrier = signals.is_some_and(|signals| signals.dcd);
        Self {
            hook,
            state: State::Talking(watch()),
            signals,
            carrier,
            tilde: Tilde::default(),
            plus,
            steps: VecDeque::new(),
        }
    }

    /// Takes what came over the line.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        match &mut self.state {
            State::Talking(watch) => {
                self.steps.push_back(Step::Show(bytes.to_vec()));
                watch.receive(now, bytes);
            }
            State::Asking { probe, .. } => probe.receive(now, bytes),
            State::HangingUp(on_hook) => on_hook.receive(now, bytes),
            State::Ended => {}
        }
        self.go_on(now);
    }

    /// Takes what the person typed.
    pub fn typed(&mut self, now: Instant, bytes: &[u8]) {
        for wish in self.tilde.typed(bytes) {
            match wish {
                Wish::Keys(keys) => self.keys(now, &keys),
                Wish::Break => self.steps.push_back(Step::Break),
                Wish::Help => self.steps.push_back(Step::Help),
                Wish::HangUp => self.hang_up(now),
            }
        }
        self.go_on(now);
    }

    /// Takes what a program sends: it has no escapes, and its bytes are its own.
    pub fn data(&mut self, now: Instant, bytes: &[u8]) {
        self.send(bytes.to_vec());
        self.go_on(now);
    }

    /// Takes the modem's control lines.
    pub fn signals(&mut self, now: Instant, signals: Signals) {
        self.signals = Some(signals);
        let lost = std::mem::replace(&mut self.carrier, signals.dcd) && !signals.dcd;
        match &mut self.state {
            State::Talking(_) | State::Asking { .. } if lost => self.end(End::CarrierLost),
            State::Talking(_) | State::Asking { .. } | State::Ended => {}
            State::HangingUp(on_hook) => on_hook.signals(now, signals),
        }
        self.go_on(now);
    }

    /// Whether the last thing that came is `NO CARRIER`, on a port that shows no carrier: the call is over, most likely. Who
    /// has nothing left to say need not wait until that is sure.
    #[must_use]
    pub const fn is_hushed(&self) -> bool {
        match &self.state {
            State::Talking(watch) => watch.is_quiet() && !self.carrier,
            State::Asking { .. } => true,
            State::HangingUp(_) | State::Ended => false,
        }
    }

    /// Ends the call. A second time it is over at once.
    pub fn hang_up(&mut self, now: Instant) {
        match &self.state {
            State::Talking(_) | State::Asking { .. } => {
                let on_hook = if self.signals.is_none() && self.is_hushed() {
                    OnHook::hushed(now, &self.hook)
                } else {
                    OnHook::online(now, &self.hook, self.signals)
                };
                self.state = State::HangingUp(Box::new(on_hook));
                self.go_on(now);
            }
            State::HangingUp(_) => self.end(End::HungUp),
            State::Ended => {}
        }
    }

    /// Goes on if a deadline has passed.
    pub fn tick(&mut self, now: Instant) {
        let mut let_go = Vec::new();
        self.plus.tick(now, &mut let_go);
        if !let_go.is_empty() {
            self.send(let_go);
        }
        match &mut self.state {
            State::Talking(watch) => watch.tick(now),
            State::Asking { probe, .. } => probe.tick(now),
            State::HangingUp(on_hook) => on_hook.tick(now),
            State::Ended => {}
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
        let own = match &self.state {
            State::Talking(watch) => watch.deadline(),
            State::Asking { probe, .. } => probe.deadline(),
            State::HangingUp(on_hook) => on_hook.deadline(),
            State::Ended => return None,
        };
        Deadline::earliest(own, self.plus.deadline())
    }

    fn keys(&mut self, now: Instant, keys: &[u8]) {
        let mut out = Vec::new();
        self.plus.typed(now, keys, &mut out);
        self.send(out);
    }

    fn send(&mut self, bytes: Vec<u8>) {
        match &mut self.state {
            State::Talking(_) if !bytes.is_empty() => self.steps.push_back(Step::Send(bytes)),
            State::Asking { typed, .. } => {
                let room = MAX_TYPED.saturating_sub(typed.len());
                typed.extend(bytes.iter().take(room));
            }
            State::Talking(_) | State::HangingUp(_) | State::Ended => {}
        }
    }

    fn end(&mut self, end: End) {
        self.state = State::Ended;
        self.steps.push_back(Step::Ended(end));
    }

    fn go_on(&mut self, now: Instant) {
        match &mut self.state {
            // Where there is a carrier signal the words mean nothing.
            State::Talking(watch) => {
                if watch.poll().is_some() && !self.carrier {
                    let escape = self.hook.escape;
                    let probe = CarrierProbe::start(now, escape, Form::Verbose, ATO_TIME);
                    self.state = State::Asking { probe: Box::new(probe), typed: Vec::new() };
                }
            }
            State::Asking { .. } => self.probed(),
            State::HangingUp(on_hook) => {
                let mut done = false;
                while let Some(step) = on_hook.poll() {
                    match step {
                        on_hook::Step::Send(bytes) => self.steps.push_back(Step::Send(bytes)),
                        on_hook::Step::Dtr(up) => self.steps.push_back(Step::Dtr(up)),
                        on_hook::Step::Done { .. } => done = true,
                    }
                }
                if done {
                    self.end(End::HungUp);
                }
            }
            State::Ended => {}
        }
    }

    fn probed(&mut self) {
        let State::Asking { probe, .. } = &mut self.state else { return };
        let mut verdict = None;
        while let Some(step) = probe.poll() {
            match step {
                Probe::Send(bytes) => self.steps.push_back(Step::Send(bytes)),
                Probe::Session(bytes) => self.steps.push_back(Step::Show(bytes)),
                Probe::Online => verdict = Some(true),
                Probe::Gone | Probe::Unclear => verdict = Some(false),
            }
        }
        match verdict {
            None => {}
            Some(false) => self.end(End::CarrierLost),
            Some(true) => {
                let state = std::mem::replace(&mut self.state, State::Talking(watch()));
                if let State::Asking { probe, typed } = state {
                    let rest = probe.finish();
                    if !rest.is_empty() {
                        self.steps.push_back(Step::Show(rest));
                    }
                    self.send(typed);
                }
            }
        }
    }
}

fn watch() -> CarrierWatch {
    CarrierWatch::new(Form::Verbose, SUSPICIOUS)
}
