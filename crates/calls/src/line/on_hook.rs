//! Hanging up, and not before it is seen: the only way out of a call.
//!
//! ```text
//!                 ┌─ port with DCD and DTR ──► Dtr: DTR down ── DCD down ──► DTR up ─┐
//!   online ───────┤                              │ DCD stays up, or never rose       │
//!                 └─ else ──► Drain ────────► Escape: +++ ATH ── OK ─────────────────┤
//!                                                │ no answer: the port is closed     │
//!                                                ▼                                   ▼
//!   not online yet ──► Command: CR ATH ── OK ──────────────────────────────► on-hook: `Ended`
//!                                                │ no answer                         │
//!                                                ▼                                   ▼
//!                                             Faulted (cause: Stuck)            Initialising
//! ```
//!
//! DCD that is still up after the modem has answered ATH tells nothing on this line (`&C0`): that is
//! journalled once, and from then on the modem's words count instead. Where it has told the end of a call before,
//! it is believed, and not the words of a modem that has nothing to prove itself by.
//!
//! Where DCD never rose in the call, its being down is no proof: a cable of three wires shows the same. There,
//! and wherever words count, the modem must give the answer that only it knows (see `registers`) before its `OK`
//! is believed: a caller who is still there can type `OK` as well. One who cannot be got rid of keeps the line
//! out of order, also when its port is opened anew: he does not get to play the modem through its set-up, and does
//! not get the next call.
//!
//! It does not know why the call ends; it only carries the cause to the record.

use std::time::Duration;

use proto::at::commands::{self, Commands};
use proto::at::hang_up::{self, HangUp};
use proto::at::reader::Form;
use proto::time::{Deadline, Instant};

use super::registers::Doubt;
use super::{Fact, State};
use crate::alert::Alert;
use crate::call::Call;
use crate::desk::Desk;
use crate::line::Line;
use crate::vocabulary::{Cause, Event, Leg, PortInput, PortOutput};

/// How long DCD may take to fall after DTR: S10 (1.4 s) and the modem's good-bye (V.42 disconnect).
const DTR_TIME: Duration = Duration::from_secs(4);
/// How long DTR stays down where DCD is down already and so cannot be seen to fall: ten times what a
/// modem needs to believe it (S25, 50 ms).
const DTR_PULSE: Duration = Duration::from_millis(500);
/// How long output that does not leave is waited for: flow control may hold it for ever.
const DRAIN_TIME: Duration = Duration::from_secs(10);
/// How far DCD may be behind the answer to ATH.
const FALL_TIME: Duration = Duration::from_secs(1);
/// Why a line is not believed to be on-hook although its modem says so.
const CARRIER_STAYS: &str = "DCD stays up, which has told the end of calls here";
/// Between the CR that breaks off a dial or an answer and the next command: modems are deaf while they
/// clean up.
const BREAK_PAUSE: Duration = Duration::from_millis(250);

/// The call that ends, if there is one, and why.
pub(super) type Ending = Option<(Call, Cause)>;

/// A line on its way on-hook.
#[derive(Debug)]
pub(super) struct HangingUp {
    ending: Ending,
    /// `NO CARRIER` was the last that came: an answer to `+++` is not expected.
    hushed: bool,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// DTR is down. `seen`: DCD was up, so its fall is the proof.
    Dtr {
        until: Instant,
        since: Instant,
        seen: bool,
    },
    /// What was sent before must leave first: the silence before `+++` begins behind it.
    Drain {
        until: Instant,
    },
    Escape(Box<HangUp>),
    /// ATH was answered; DCD may be a moment behind.
    Fall {
        until: Instant,
    },
    Command(Box<Commands>),
}

/// What DCD has told while DTR was down.
enum Fallen {
    /// Nothing yet.
    NotYet,
    /// It is down, and that proves that the call is over.
    Seen,
    /// Its time is over, and nothing is proved.
    Unproved,
}

impl HangingUp {
    pub(super) fn call(&self) -> Option<&Call> {
        self.ending.as_ref().map(|(call, _)| call)
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        match &self.phase {
            Phase::Dtr { until, .. } => Some(Deadline::new(*until, "carrier down")),
            Phase::Drain { until } => Some(Deadline::new(*until, "drain")),
            Phase::Fall { until } => Some(Deadline::new(*until, "carrier down")),
            Phase::Escape(hang_up) => hang_up.deadline(),
            Phase::Command(commands) => commands.deadline(),
        }
    }
}

impl Line {
    /// Begins to hang up. `online`: the modem is in the online state, or may be.
    pub(super) fn on_hook(&mut self, ending: Ending, online: bool, desk: &mut Desk) -> State {
        self.begin_on_hook(ending, online, false, desk)
    }

    fn begin_on_hook(
        &mut self,
        ending: Ending,
        online: bool,
        hushed: bool,
        desk: &mut Desk,
    ) -> State {
        let phase = if !online {
            Phase::Command(Box::new(self.break_off(desk)))
        } else if self.config.modem.dtr_hangup
            && !self.carrier_stuck
            && let Some(signals) = self.signals
        {
            desk.port(self.id, PortOutput::Dtr(false));
            let wait = if signals.dcd { DTR_TIME } else { DTR_PULSE };
            Phase::Dtr { until: desk.at() + wait, since: desk.at(), seen: signals.dcd }
        } else {
            desk.port(self.id, PortOutput::Drain);
            Phase::Drain { until: desk.at() + DRAIN_TIME }
        };
        self.hanging_up(Box::new(HangingUp { ending, hushed, phase }), desk)
    }

    /// Breaks off a call that is not connected: any character does (V.250 §5.6.1).
    pub(super) fn break_off(&self, desk: &mut Desk) -> Commands {
        self.transmit(b"\r".to_vec(), desk);
        let mut plan = self.plan(["ATH"], true);
        for command in &mut plan.commands {
            command.pause = BREAK_PAUSE;
        }
        Commands::start(desk.at(), plan)
    }

    fn escape_phase(&self, hushed: bool, desk: &Desk) -> Phase {
        let plan = hang_up::Plan {
            escape: self.escape(),
            form: Form::Verbose,
            limit: self.config.modem.command_time,
            tries: 2,
            proof: self.proof(),
        };
        let hang_up = if hushed {
            HangUp::start_hushed(desk.at(), plan)
        } else {
            HangUp::start(desk.at(), plan)
        };
        Phase::Escape(Box::new(hang_up))
    }

    pub(super) fn hanging_up_port(
        &mut self,
        mut hanging_up: Box<HangingUp>,
        input: PortInput,
        desk: &mut Desk,
    ) -> State {
        match input {
            PortInput::Bytes(bytes) => {
                match &mut hanging_up.phase {
                    // What the far end still says, and the modem's NO CARRIER.
                    Phase::Dtr { .. } | Phase::Drain { .. } | Phase::Fall { .. } => {}
                    Phase::Escape(hang_up) => hang_up.receive(desk.at(), &bytes),
                    Phase::Command(commands) => commands.receive(desk.at(), &bytes),
                }
                self.hanging_up(hanging_up, desk)
            }
            PortInput::Signals(_) => self.hanging_up(hanging_up, desk),
            PortInput::Drained => {
                if matches!(hanging_up.phase, Phase::Drain { .. }) {
                    hanging_up.phase = self.escape_phase(hanging_up.hushed, desk);
                }
                self.hanging_up(hanging_up, desk)
            }
            PortInput::Lost(reason) => {
                self.end(hanging_up.ending, desk);
                self.fault(reason, false, desk)
            }
            PortInput::Opened { .. }
            | PortInput::Claimed
            | PortInput::Taken { .. }
            | PortInput::Returned => State::HangingUp(hanging_up),
        }
    }

    pub(super) fn hanging_up_tick(
        &mut self,
        mut hanging_up: Box<HangingUp>,
        desk: &mut Desk,
    ) -> State {
        match &mut hanging_up.phase {
            Phase::Dtr { .. } | Phase::Drain { .. } | Phase::Fall { .. } => {}
            Phase::Escape(hang_up) => hang_up.tick(desk.at()),
            Phase::Command(commands) => commands.tick(desk.at()),
        }
        self.hanging_up(hanging_up, desk)
    }

    /// What DCD tells while DTR is down. DTR goes up again once that is known.
    fn dtr_down(
        &mut self,
        until: &mut Instant,
        since: Instant,
        seen: &mut bool,
        desk: &mut Desk,
    ) -> Fallen {
        let up = self.signals.is_some_and(|signals| signals.dcd);
        if up && !*seen {
            // It is behind the words by which the call began.
            *seen = true;
            *until = since + DTR_TIME;
        }
        let over = *until <= desk.at();
        if !up && (*seen || over && self.carrier_rose) {
            self.known.dcd_tells = true;
            desk.port(self.id, PortOutput::Dtr(true));
            return Fallen::Seen;
        }
        if !over {
            return Fallen::NotYet;
        }
        // The modem does not mind DTR (&D0), or DCD says nothing (&C0), or was not up in the whole
        // call: then there may be no such wires, and nothing has been proved.
        self.known.dtr_fails |= *seen;
        desk.port(self.id, PortOutput::Dtr(true));
        Fallen::Unproved
    }

    /// Goes as far as can be gone just now.
    fn hanging_up(&mut self, mut hanging_up: Box<HangingUp>, desk: &mut Desk) -> State {
        loop {
            match &mut hanging_up.phase {
                Phase::Dtr { until, since, seen } => {
                    match self.dtr_down(until, *since, seen, desk) {
                        Fallen::NotYet => return State::HangingUp(hanging_up),
                        Fallen::Seen => return self.hung(hanging_up.ending, desk),
                        Fallen::Unproved => {
                            hanging_up.phase = self.escape_phase(hanging_up.hushed, desk);
                        }
                    }
                }
                Phase::Drain { until } => {
                    if *until > desk.at() {
                        return State::HangingUp(hanging_up);
                    }
                    hanging_up.phase = self.escape_phase(hanging_up.hushed, desk);
                }
                Phase::Fall { until } => {
                    let up = self.signals.is_some_and(|signals| signals.dcd);
                    if up && !self.carrier_stuck {
                        if *until > desk.at() {
                            return State::HangingUp(hanging_up);
                        }
                        if self.dcd_is_believed() {
                            self.doubted();
                            return self.stuck(hanging_up.ending, CARRIER_STAYS, desk);
                        }
                    }
                    return self.hung(hanging_up.ending, desk);
                }
                Phase::Escape(hang_up) => match hang_up.poll() {
                    Some(hang_up::Step::Send(bytes)) => self.transmit(bytes, desk),
                    Some(hang_up::Step::Done) => {
                        hanging_up.phase = Phase::Fall { until: desk.at() + FALL_TIME };
                    }
                    Some(hang_up::Step::Failed(failure)) => {
                        // Closing the port says nothing to whoever has no wire for DTR.
                        self.known.dtr_fails |= !self.carrier_rose;
                        self.doubted();
                        return self.stuck(hanging_up.ending, &failure.to_string(), desk);
                    }
                    None => return State::HangingUp(hanging_up),
                },
                Phase::Command(commands) => match commands.poll() {
                    Some(commands::Step::Send(bytes)) => self.transmit(bytes, desk),
                    Some(commands::Step::Ring(_) | commands::Step::CallerId(_)) => {}
                    Some(commands::Step::Done) => {
                        hanging_up.phase = Phase::Fall { until: desk.at() + FALL_TIME };
                    }
                    Some(commands::Step::Failed(failure)) => {
                        return self.stuck(hanging_up.ending, &failure.to_string(), desk);
                    }
                    None => return State::HangingUp(hanging_up),
                },
            }
        }
    }

    /// On-hook, seen.
    fn hung(&mut self, ending: Ending, desk: &mut Desk) -> State {
        let up = self.signals.is_some_and(|signals| signals.dcd);
        if up && !self.carrier_stuck {
            self.carrier_stuck = true;
            desk.journal(Event::CarrierStuck { line: self.name().to_owned() });
        }
        self.doubt = None;
        self.end(ending, desk);
        if self.is_closing() {
            // It closes from here, before another command goes to its modem.
            return State::Idle { check_at: Instant::FAR, free_at: None };
        }
        self.initialise(desk)
    }

    /// Whether a DCD that stays up outweighs the modem's words: it has told the end of calls, and the words are any
    /// caller's.
    fn dcd_is_believed(&self) -> bool {
        let told = self.known.dcd_tells || self.doubt.as_ref().is_some_and(|doubt| doubt.dcd_told);
        told && self.proof().is_none()
    }

    /// Somebody may still be there: what has to be seen before anything else is done on this line.
    fn doubted(&mut self) {
        let up = self.signals.is_some_and(|signals| signals.dcd) && !self.carrier_stuck;
        let proof = self.proof();
        let doubt = match (self.carrier_rose, up) {
            // Risen with the call, and fallen meanwhile.
            (true, false) => None,
            (rose, true) if rose || self.known.dcd_tells => Some(Doubt { proof, dcd_told: true }),
            // There may be no wire for it, or none any more.
            (_, _) => proof.map(|proof| Doubt { proof: Some(proof), dcd_told: false }),
        };
        self.doubt = self.doubt.take().or(doubt);
    }

    /// Not to be seen on-hook: closing the port drops DTR, whatever the modem thinks of it.
    fn stuck(&mut self, ending: Ending, why: &str, desk: &mut Desk) -> State {
        if let Some((call, _)) = &ending {
            desk.journal(Event::Alert {
                alert: Alert::HangUpNotSeen,
                line: Some(self.name().to_owned()),
                call: Some(call.id),
                user: None,
                reason: format!(
                    "the line was not seen to hang up ({why}): whoever was on it may still be there; see to the modem \
                     and its cable, then `dialback reset {}`",
                    self.name()
                ),
            });
        }
        self.end(ending.map(|(call, _)| (call, Cause::Stuck)), desk);
        self.fault(format!("the modem does not hang up: {why}"), true, desk)
    }

    fn end(&mut self, ending: Ending, desk: &mut Desk) {
        if let Some((call, cause)) = ending {
            self.end_call(&call, cause, desk);
        }
    }

    /// The call is over.
    pub(super) fn end_call(&mut self, call: &Call, cause: Cause, desk: &mut Desk) {
        // Who called us may be held by his exchange; whom we called is let go by ours. Whoever came in as we were
        // about to dial has called us.
        let came_in = match call.leg {
            Leg::Request => call.connected.is_some(),
            Leg::Return => matches!(cause, Cause::Glare | Cause::TooSoon),
        };
        if came_in {
            self.hold(desk);
        }
        self.end_call_unheld(call, cause, desk);
    }

    /// The call is over and was never answered.
    pub(super) fn end_call_unheld(&self, call: &Call, cause: Cause, desk: &mut Desk) {
        let ended = call.ended(self.name(), cause, desk.at());
        let charge = ended.charge.clone();
        desk.journal(Event::Ended(ended));
        let (id, promise, session) = (call.id, call.promise, call.session);
        let connected = call.connected.is_some();
        desk.report(self.id, Fact::Ended { call: id, promise, session, connected, cause, charge });
    }

    /// Told to end the call, in any state.
    pub(super) fn hung_up(&mut self, state: State, cause: Cause, desk: &mut Desk) -> State {
        match state {
            State::Online(online) => {
                let hushed = online.is_hushed();
                let (call, port_lost) = online.into_parts();
                match port_lost {
                    None => self.begin_on_hook(Some((call, cause)), true, hushed, desk),
                    Some(reason) => {
                        self.end_call(&call, cause, desk);
                        self.fault(reason, false, desk)
                    }
                }
            }
            State::Answering(answering) => self.on_hook(Some((answering.call, cause)), false, desk),
            State::Dialling(dialling) => self.on_hook(Some((dialling.call, cause)), false, desk),
            State::Preparing(preparing) => {
                self.forget_preparing(&preparing, cause, desk);
                self.initialise(desk)
            }
            State::Ringing(mut ringing) => {
                // Nothing to hang up: it rings on unanswered.
                ringing.screen(&self.config.name, "operator".to_owned(), desk);
                State::Ringing(ringing)
            }
            other @ (State::Closed
            | State::Opening
            | State::Claiming { .. }
            | State::Initialising { .. }
            | State::Idle { .. }
            | State::Checking { .. }
            | State::HangingUp(_)
            | State::Faulted { .. }
            | State::Lent { .. }
            | State::BusyingOut { .. }
            | State::BusiedOut
            | State::Measuring(_)) => other,
        }
    }
}
