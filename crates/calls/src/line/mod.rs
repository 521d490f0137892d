//! One telephone line, from a cold modem to the end of a call, again and again.
//!
//! ```text
//!             Open            Opened           Claimed               OK ..              Release
//!   Closed ─────────► Opening ──────► Claiming ───────► Initialising ─────────────► Idle ◄────────┐
//!     ▲                  ▲               │ Taken            │ no answer             │ ▲│          │
//!     │                  │               ▼                  ▼          Taken        │ ││ due: AT  │
//!     │                  ├─ Returned ─ Lent ◄───────────────┼───────────────────────┤ │└► Checking┘
//!     │                  └─ retry_at ─ Faulted ◄────────────┘                       │ │
//!     │                                  ▲    RING ┌────────────────────────────────┤ │ silence:
//!     │                                  │         ▼         ATA                    │ │ abandoned
//!     │                                  │      Ringing ───────────► Answering      │ │
//!     │                                  │         └─────────────────────┼──────────┼─┘
//!     │                                  │                 promise due   │ CONNECT  │
//!     │                                  │      Dialling ◄───────────────┼──────────┘
//!     │                                  │         │ RING, BUSY, ..      │
//!     │ told to close                    │         ├──────── CONNECT ──► Online
//!     │                  never answers   │         ▼                     │ hang_up
//!     └───────────────────────────────── HangingUp ◄─────────────────────┘
//!                                            └── on-hook, seen ──► Initialising
//! ```
//!
//! (An operator can have it out of service, see `busy_out`, or have it measured, see `measure`.)
//!
//! A line carries at most one [`Call`]; the call lives inside the states that have one, and every way out
//! of them goes through [`HangingUp`](State::HangingUp), which does not end before the modem is seen
//! on-hook or the line is reset by force. The lock is held whenever we use the modem, and not in `Idle`,
//! so that other programs may dial out.
//!
//! The line does not know sessions, promises or policy: it reports [`Fact`]s and does what it is told.

mod answer;
mod busy_out;
mod dial;
mod future;
mod measure;
mod on_hook;
mod online;
mod registers;
mod setup;
mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

use proto::at::caller_id::CallerId;
use proto::at::commands::{Command, Plan};
use proto::at::escape::Escape;
use proto::at::profile::resets;
use proto::at::reader::{Form, Reader};
use proto::signals::Signals;
use proto::time::{Deadline, Instant};

pub(crate) use dial::Order;
use future::Future;
pub(crate) use measure::{Act, Heard};
use registers::{Doubt, Known};
use setup::Claim;
pub use state::STATES;
use state::State;

use crate::call::Call;
use crate::config;
use crate::desk::Desk;
use crate::money::Charge;
use crate::vocabulary::{
    CallId, Cause, Event, Leg, LineId, PortInput, PortOutput, PromiseId, SessionId,
};

/// What a line reports to the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// A call may be placed.
    Ready,
    /// It has rung often enough: tell the line to [`Line::answer`], to [`Line::screen`] the caller, or
    /// nothing, and it asks again at the next ring.
    Rings { caller: CallerId, rings: u32 },
    /// The modems are connected.
    Connected { call: CallId, session: SessionId, leg: Leg, promise: Option<PromiseId> },
    /// The far end sent something.
    Received(Vec<u8>),
    /// Everything that was sent has left.
    Drained,
    /// The modem, or the far end, has written `NO CARRIER` where the carrier can't be seen.
    CarrierDoubted,
    /// The carrier is gone, or the port with it. The line waits to be told to hang up.
    CarrierLost(Cause),
    /// The call is over and the line on-hook. `connected` tells whether there was a session on it.
    Ended {
        call: CallId,
        promise: Option<PromiseId>,
        session: Option<SessionId>,
        connected: bool,
        cause: Cause,
        charge: Option<Charge>,
    },
    /// A call that was to be placed was not even begun.
    NotDialled { promise: PromiseId, cause: Cause },
    /// It is being measured, and has heard this.
    Measuring(Heard),
    /// The port is closed, and stays so.
    Closed,
}

/// One telephone line.
#[derive(Debug)]
pub(crate) struct Line {
    id: LineId,
    config: config::Line,
    future: Future,
    state: State,
    /// The name of the state that was last entered, and when.
    shown: &'static str,
    since: Instant,
    /// The control lines as last told; `None` where the port has none.
    signals: Option<Signals>,
    /// DCD stays up without a call: it tells nothing about this modem.
    carrier_stuck: bool,
    /// DCD has risen since the line was last idle.
    carrier_rose: bool,
    /// What is known of the modem, as long as the port is open.
    known: Known,
    /// The modem was not seen to hang up, and is not set up before that is proved, or somebody resets the line.
    doubt: Option<Doubt>,
    /// We hold the lock.
    locked: bool,
    /// The port's speed just now (`-s` changes it for a call).
    speed: u32,
    /// Faults since it was last idle.
    faults: u32,
    /// Out of service, by an operator's order.
    busied_out: bool,
    /// The server measures it.
    measured: bool,
    /// No dialling before: the exchange may still hold the last caller.
    held_until: Instant,
    /// Reads the modem in the command state. A command that dials or answers gets a fresh one.
    reader: Reader,
}

impl Line {
    pub(crate) fn new(id: LineId, config: config::Line) -> Self {
        Self {
            id,
            speed: config.speed,
            config,
            future: Future::Stay,
            state: State::Closed,
            shown: "closed",
            since: Instant::ZERO,
            signals: None,
            carrier_stuck: false,
            carrier_rose: false,
            known: Known::default(),
            doubt: None,
            locked: false,
            faults: 0,
            busied_out: false,
            measured: false,
            held_until: Instant::ZERO,
            reader: Reader::default(),
        }
    }

    // --------------------------------------------------------------------------- what is asked of it

    pub(crate) const fn id(&self) -> LineId {
        self.id
    }

    pub(crate) const fn config(&self) -> &config::Line {
        &self.config
    }

    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    pub(crate) const fn since(&self) -> Instant {
        self.since
    }

    /// What the exchange says of who calls.
    pub(crate) fn caller_id(&self) -> Option<String> {
        self.call()?.caller.caller.as_ref().map(ToString::to_string)
    }

    /// The call on it, if there is one.
    pub(crate) fn call(&self) -> Option<&Call> {
        self.state.call()
    }

    /// Whether somebody is still at the other end, as far as can be seen.
    pub(crate) fn has_carrier(&self) -> bool {
        self.state.has_carrier()
    }

    /// DCD, where it can be seen.
    pub(crate) fn carrier(&self) -> Option<bool> {
        self.signals.map(|signals| signals.dcd)
    }

    /// Whether a call can be placed on it now. It reports [`Fact::Ready`] whenever this becomes true.
    pub(crate) const fn is_free(&self) -> bool {
        matches!((&self.state, &self.future), (State::Idle { free_at: None, .. }, Future::Stay))
    }

    /// Until when the exchange may still hold the idle line.
    pub(crate) const fn held_until(&self) -> Option<Instant> {
        if let State::Idle { free_at, .. } = &self.state { *free_at } else { None }
    }

    /// The state's name, and what it is faulted by or lent to.
    pub(crate) fn state_name(&self) -> (&'static str, Option<&str>) {
        self.state.name()
    }

    /// When `tick` is wanted.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.state.deadline()
    }

    // -------------------------------------------------------------------------------- what it is told

    /// Whether it has not been opened, or is closed for good.
    pub(crate) const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Begins to work.
    pub(crate) fn open(&mut self, desk: &mut Desk) {
        let state = self.opening(desk);
        self.enter(state, desk);
    }

    /// Keeps it from dialling for its hold time: somebody was on it just now, or before this run. The random
    /// part keeps whoever waits for the end of it from calling at that very instant.
    pub(crate) fn hold(&mut self, desk: &mut Desk) {
        let held = self.config.hold_time;
        if !held.is_zero() {
            self.held_until = desk.at() + held + desk.chance.wait(self.config.hold_jitter);
        }
    }

    /// Sends to the far end. Without a call it is nobody's and dropped.
    pub(crate) fn send(&mut self, bytes: Vec<u8>, desk: &mut Desk) {
        let id = self.id;
        if let State::Online(online) = &mut self.state
            && !bytes.is_empty()
            && let Some(bytes) = online.send(bytes)
        {
            desk.port(id, PortOutput::Send(bytes));
        }
    }

    /// Sends text of ours to the far end, which the call's story will have.
    pub(crate) fn say(&mut self, bytes: Vec<u8>, desk: &mut Desk) {
        if let State::Online(online) = &mut self.state {
            online.call.screen.show(&bytes);
        }
        self.send(bytes, desk);
    }

    /// The same where nobody else may read it.
    pub(crate) fn say_unseen(&mut self, bytes: Vec<u8>, desk: &mut Desk) {
        if let State::Online(online) = &mut self.state {
            online.call.screen.hide();
        }
        self.send(bytes, desk);
    }

    /// Answers the call that [`Fact::Rings`] told of.
    pub(crate) fn answer(&mut self, desk: &mut Desk) {
        if !matches!(self.state, State::Ringing(_)) {
            return;
        }
        if let State::Ringing(ringing) = std::mem::replace(&mut self.state, State::Closed) {
            let state = self.answered(ringing, desk);
            self.enter(state, desk);
        }
    }

    /// Lets the call ring on unanswered, because of this rule.
    pub(crate) fn screen(&mut self, rule: String, desk: &mut Desk) {
        if let State::Ringing(ringing) = &mut self.state {
            ringing.screen(&self.config.name, rule, desk);
        }
    }

    /// Asks for [`Fact::Drained`].
    pub(crate) fn drain(&self, desk: &mut Desk) {
        desk.port(self.id, PortOutput::Drain);
    }

    /// Whether the kernel shall hang up on the program when the carrier goes.
    pub(crate) fn carrier_matters(&self, matters: bool, desk: &mut Desk) {
        desk.port(self.id, PortOutput::CarrierMatters(matters));
    }

    /// Places a call. The line must be [free](Self::is_free).
    pub(crate) fn dial(&mut self, order: Order, desk: &mut Desk) {
        let state = self.claim(Claim::Dial(Box::new(order)), desk);
        self.enter(state, desk);
    }

    /// Ends the call, whatever its state. Does nothing where there is none.
    pub(crate) fn hang_up(&mut self, cause: Cause, desk: &mut Desk) {
        let state = std::mem::replace(&mut self.state, State::Closed);
        let state = self.hung_up(state, cause, desk);
        self.enter(state, desk);
    }

    /// Takes a new configuration, or none any more: at once where there is no call, else after it.
    pub(crate) fn reconfigure(&mut self, config: Option<config::Line>, desk: &mut Desk) {
        self.future = config.map_or(Future::Close, |config| Future::Become(Box::new(config)));
        self.settle(desk);
    }

    /// Closes for good: at once where there is no call, else after it.
    pub(crate) fn close(&mut self, desk: &mut Desk) {
        self.future = Future::Close;
        self.settle(desk);
    }

    // -------------------------------------------------------------------------------- what happens to it

    /// The port did something.
    pub(crate) fn port(&mut self, input: PortInput, desk: &mut Desk) {
        if let PortInput::Signals(signals) | PortInput::Opened { signals: Some(signals) } = &input {
            self.signals = Some(*signals);
            self.carrier_rose |= signals.dcd && !self.carrier_stuck;
            // What rose with the call has fallen.
            self.doubt.take_if(|doubt| doubt.dcd_told && !signals.dcd);
        }
        let state = std::mem::replace(&mut self.state, State::Closed);
        let state = match state {
            State::Closed => {
                if matches!(input, PortInput::Claimed) {
                    self.unwanted_lock(desk);
                }
                State::Closed
            }
            State::Opening => self.opening_port(input, desk),
            State::Claiming { claim, until } => self.claiming_port(claim, until, input, desk),
            State::Initialising { commands } => self.initialising_port(commands, input, desk),
            State::Idle { check_at, free_at } => self.idle_port(check_at, free_at, input, desk),
            State::Checking { commands } => self.checking_port(commands, input, desk),
            State::Ringing(ringing) => self.ringing_port(ringing, input, desk),
            State::Answering(answering) => self.answering_port(answering, input, desk),
            State::Preparing(preparing) => self.preparing_port(preparing, input, desk),
            State::Dialling(dialling) => self.dialling_port(dialling, input, desk),
            State::Online(online) => self.online_port(online, input, desk),
            State::HangingUp(hanging_up) => self.hanging_up_port(hanging_up, input, desk),
            State::Faulted { reason, retry_at } => {
                if matches!(input, PortInput::Claimed) {
                    self.unwanted_lock(desk);
                }
                State::Faulted { reason, retry_at }
            }
            State::Lent { holder } => self.lent_port(holder, &input, desk),
            State::BusyingOut { commands } => self.busying_out_port(commands, input, desk),
            State::BusiedOut => self.busied_out_port(input, desk),
            State::Measuring(measuring) => self.measuring_port(measuring, input, desk),
        };
        self.enter(state, desk);
    }

    /// Time passes.
    pub(crate) fn tick(&mut self, desk: &mut Desk) {
        let now = desk.at();
        let state = std::mem::replace(&mut self.state, State::Closed);
        let state = match state {
            State::Closed => State::Closed,
            State::Opening => State::Opening,
            State::Lent { holder } => State::Lent { holder },
            State::BusyingOut { commands } => self.busying_out_tick(commands, desk),
            State::BusiedOut => State::BusiedOut,
            State::Measuring(measuring) => self.measuring_tick(measuring, desk),
            State::Claiming { claim, until } if until <= now => {
                self.unclaimed(claim, desk);
                self.fault("the lock directory does not answer".to_owned(), true, desk)
            }
            State::Claiming { claim, until } => State::Claiming { claim, until },
            State::Initialising { mut commands } => {
                commands.tick(now);
                self.initialising(commands, desk)
            }
            State::Idle { check_at, .. } if check_at <= now => self.claim(Claim::Check, desk),
            State::Idle { check_at, free_at } => self.idle_tick(check_at, free_at, desk),
            State::Checking { mut commands } => {
                commands.tick(now);
                self.checking(commands, desk)
            }
            State::Ringing(ringing) => self.ringing_tick(ringing, desk),
            State::Answering(answering) => self.answering_tick(answering, desk),
            State::Preparing(preparing) => self.preparing_tick(preparing, desk),
            State::Dialling(dialling) => self.dialling_tick(dialling, desk),
            State::Online(online) => self.online_tick(online, desk),
            State::HangingUp(hanging_up) => self.hanging_up_tick(hanging_up, desk),
            State::Faulted { retry_at, .. } if retry_at <= now => self.opening(desk),
            State::Faulted { reason, retry_at } => State::Faulted { reason, retry_at },
        };
        self.enter(state, desk);
    }

    // --------------------------------------------------------------------------------------- its own

    fn enter(&mut self, state: State, desk: &mut Desk) {
        self.state = state;
        self.settle(desk);
        self.claim_to_busy_out(desk);
        self.claim_to_measure(desk);
        let (name, _) = self.state_name();
        if name != self.shown {
            self.shown = name;
            self.since = desk.at();
        }
    }

    /// Forgets unread bytes: no answer to an older command can be taken for one to the next.
    fn fresh_reader(&mut self) {
        self.reader = Reader::new(Form::Verbose);
    }

    /// The commands as a plan for this modem. Their texts were parsed when the configuration was.
    fn plan<'c>(&self, texts: impl IntoIterator<Item = &'c str>, force: bool) -> Plan {
        let modem = &self.config.modem;
        let mut plan = Vec::new();
        let mut pause = Duration::ZERO;
        for text in texts {
            let Ok(mut command) = Command::new(text) else { continue };
            command.limit = modem.command_time;
            command.pause = pause;
            pause = self.pause_after(text);
            plan.push(command);
        }
        Plan { commands: plan, form: Form::Verbose, force: force.then(|| self.escape()) }
    }

    /// How long the modem is deaf behind the answer to a command.
    fn pause_after(&self, command: &str) -> Duration {
        let profile = self.config.modem.profile;
        if resets(command) { profile.reset_pause } else { profile.command_pause }
    }

    /// `AT` behind a reset that comes last: whatever is to follow finds a modem that hears again.
    fn rested<'c>(texts: impl IntoIterator<Item = &'c str>) -> Vec<&'c str> {
        let mut texts: Vec<&str> = texts.into_iter().collect();
        if texts.last().is_some_and(|last| resets(last)) {
            texts.push("AT");
        }
        texts
    }

    fn escape(&self) -> Escape {
        Escape { guard: self.config.modem.guard, ..Escape::default() }
    }

    fn transmit(&self, bytes: Vec<u8>, desk: &mut Desk) {
        desk.port(self.id, PortOutput::Send(bytes));
    }

    fn release(&mut self, desk: &mut Desk) {
        if self.locked {
            self.locked = false;
            desk.port(self.id, PortOutput::Release);
        }
    }

    /// Out of order: the port is closed and will be opened again later.
    fn fault(&mut self, reason: String, close: bool, desk: &mut Desk) -> State {
        /// The first wait; it doubles with each fault up to the last.
        const FIRST: Duration = Duration::from_secs(1);
        const LAST: Duration = Duration::from_secs(60);
        let wait = FIRST.saturating_mul(1 << self.faults.min(6)).min(LAST);
        self.faults = self.faults.saturating_add(1);
        self.release(desk);
        if close {
            desk.port(self.id, PortOutput::Close);
        }
        self.signals = None;
        desk.journal(Event::LineFaulted {
            line: self.name().to_owned(),
            reason: reason.clone(),
            retry_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        });
        State::Faulted { reason, retry_at: desk.at() + wait }
    }
}
