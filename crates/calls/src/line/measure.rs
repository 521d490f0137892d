//! A line in the hands of the server's own measuring: it carries out single acts and reports what is heard, and serves nobody.
//!
//! ```text
//!   Idle ── wished ──► Claiming(Measure) ─ Claimed ─► Rest ── Dial, DialTone, Answer, Take ──► Asked ── OK ──► OffHook
//!                                                      ▲ ▲                                    │  │ CONNECT
//!                                                      │ └── on-hook ── Hanging ◄── HangUp ───┘  ▼
//!   Initialising ◄── no more wished ───────────────────┘   Initialising ◄─ HangingUp ◄─ HangUp ─ Online
//! ```
//!
//! It is not free for callbacks, and nobody who rings is answered. Whatever takes it out of here but the end of the wish (a
//! fault, another program, a caller in the moment of the claim) is reported as lost. A CONNECT here never
//! becomes a session: there is no call, no prompt, no PPP on the line, only [`Heard`].
//!
//! It does not know what is measured, nor with which other line.

use proto::at::caller_id::Field;
use proto::at::commands::{Commands, Step};
use proto::at::reader::Said;
use proto::at::result::{ResultCode, Ring};
use proto::dial::{MeasuringCommand, PhoneNumber};
use proto::time::{Deadline, Instant};

use super::registers::COMMA;
use super::setup::Claim;
use super::{Fact, State};
use crate::desk::Desk;
use crate::line::Line;
use crate::policy::dial_string;
use crate::vocabulary::{PortInput, PortOutput};

/// What the line shall do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Call this number. `stay`: without a handshake, off-hook in the command state.
    Dial { number: PhoneNumber, stay: bool },
    /// Go off-hook, or stay so, and ask for dial tone.
    DialTone,
    /// Answer with a modem's tones.
    Answer,
    /// Go off-hook and say nothing.
    Take,
    /// Send this to the other modem.
    Send(Vec<u8>),
    /// Go on-hook, and say [`Heard::Rest`] when that is seen.
    HangUp,
}

/// What the line reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is on-hook and does nothing.
    Rest,
    /// It rings.
    Ring(Ring),
    /// The exchange tells of the caller.
    CallerId(Field),
    /// The modem has said `OK`: it has dialled, heard dial tone, or taken the line.
    Done,
    /// The modems are connected.
    Connected,
    /// The modem has said this in place of it; `NO CARRIER` also by itself, when it was off-hook.
    Failed(ResultCode),
    /// The modem has said nothing in time.
    Mute,
    /// From the other modem.
    Received(Vec<u8>),
    /// DCD fell.
    CarrierDown,
    /// The line can't be measured any more, because.
    Lost(String),
}

/// A line that is measured.
#[derive(Debug)]
pub(super) struct Measuring {
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Rest,
    /// Before a dial command: S8 must be a comma's again.
    Preparing {
        commands: Box<Commands>,
        command: Vec<u8>,
    },
    Asked {
        until: Instant,
    },
    /// Off-hook in the command state, or not to be told from that.
    OffHook,
    Online {
        carrier: bool,
    },
    Hanging(Box<Commands>),
}

impl Measuring {
    pub(super) fn deadline(&self) -> Option<Deadline> {
        match &self.phase {
            Phase::Rest | Phase::OffHook | Phase::Online { .. } => None,
            Phase::Preparing { commands, .. } | Phase::Hanging(commands) => commands.deadline(),
            Phase::Asked { until } => Some(Deadline::new(*until, "measuring")),
        }
    }

    pub(super) const fn is_online(&self) -> bool {
        matches!(self.phase, Phase::Online { .. })
    }
}

impl Line {
    // -------------------------------------------------------------------------------- what it is told

    /// Takes the line, which is free, for measuring, or gives it back.
    pub(crate) fn measure(&mut self, wished: bool, desk: &mut Desk) {
        self.measured = wished;
        let state = std::mem::replace(&mut self.state, State::Closed);
        let state = if let (State::Measuring(measuring), false) = (&state, wished) {
            self.given_back(&measuring.phase, desk)
        } else {
            state
        };
        self.enter(state, desk);
    }

    fn given_back(&mut self, phase: &Phase, desk: &mut Desk) -> State {
        match phase {
            // Whatever was done with the modem, it is set up as for any next call.
            Phase::Rest => self.initialise(desk),
            Phase::Online { .. } => self.on_hook(None, true, desk),
            Phase::Preparing { .. } | Phase::Asked { .. } | Phase::OffHook | Phase::Hanging(_) => {
                self.on_hook(None, false, desk)
            }
        }
    }

    /// Carries out one act. Without effect where the line is on its way to rest, or gone: that is reported.
    pub(crate) fn act(&mut self, act: Act, desk: &mut Desk) {
        let state = std::mem::replace(&mut self.state, State::Closed);
        let state = if let State::Measuring(measuring) = state {
            self.acted(measuring.phase, act, desk)
        } else {
            state
        };
        self.enter(state, desk);
    }

    fn acted(&mut self, phase: Phase, act: Act, desk: &mut Desk) -> State {
        if let (Phase::Online { .. }, Act::Dial { .. } | Act::DialTone | Act::Answer | Act::Take) =
            (&phase, &act)
        {
            // Commands would go to whoever is connected, and `OK` would be his.
            self.measured = false;
            self.say_heard(Heard::Lost("somebody was connected to it".to_owned()), desk);
            return self.on_hook(None, true, desk);
        }
        let phase = match act {
            Act::Dial { number, stay } => return self.dial_measuring(&number, stay, desk),
            Act::DialTone => {
                let probe = MeasuringCommand::dial_tone(&self.config.modem.dial_prefix);
                self.ask_modem(probe.command().to_vec(), desk)
            }
            Act::Answer => {
                let command = format!("{}\r", self.config.modem.answer);
                self.ask_modem(command.into_bytes(), desk)
            }
            Act::Take => self.ask_modem(b"ATH1\r".to_vec(), desk),
            Act::Send(bytes) => {
                if let Phase::Online { .. } = phase {
                    desk.port(self.id, PortOutput::Send(bytes));
                }
                phase
            }
            Act::HangUp => match phase {
                Phase::Rest => return self.rest(desk),
                Phase::Online { .. } => return self.on_hook(None, true, desk),
                Phase::Hanging(commands) => Phase::Hanging(commands),
                Phase::Preparing { .. } | Phase::Asked { .. } | Phase::OffHook => {
                    let commands = Box::new(self.break_off(desk));
                    return self.hanging(commands, desk);
                }
            },
        };
        State::Measuring(Box::new(Measuring { phase }))
    }

    fn dial_measuring(&mut self, number: &PhoneNumber, stay: bool, desk: &mut Desk) -> State {
        let Ok(dial) = dial_string(&self.config, number) else {
            // Policy has seen to this; the configuration has changed since.
            self.say_heard(Heard::Failed(ResultCode::Error), desk);
            return State::Measuring(Box::new(Measuring { phase: Phase::OffHook }));
        };
        let command = match stay {
            true => MeasuringCommand::stay(&dial).command().to_vec(),
            false => dial.command().to_vec(),
        };
        if command.contains(&b',') && self.give_up_secret() {
            let commands = Box::new(Commands::start(desk.at(), self.plan([COMMA], false)));
            return self.preparing_measuring(commands, command, desk);
        }
        let phase = self.ask_modem(command, desk);
        State::Measuring(Box::new(Measuring { phase }))
    }

    /// Only answers to this very command count: its reader is fresh.
    fn ask_modem(&mut self, command: Vec<u8>, desk: &mut Desk) -> Phase {
        self.fresh_reader();
        self.transmit(command, desk);
        Phase::Asked { until: desk.at() + self.config.modem.dial_time }
    }

    // --------------------------------------------------------------------------------- what it does

    /// Idle, and wished for measuring: it goes there. Whatever else it has become is told.
    pub(super) fn claim_to_measure(&mut self, desk: &mut Desk) {
        if !self.measured {
            return;
        }
        let why = match &self.state {
            State::Idle { .. } if !self.is_closing() => {
                self.state = self.claim(Claim::Measure, desk);
                return;
            }
            State::Ringing(_) | State::Answering(_) | State::Online(_) => {
                "a call came in".to_owned()
            }
            State::Faulted { reason, .. } => reason.clone(),
            State::Lent { holder } => format!("it is lent to {holder}"),
            State::Closed
            | State::Idle { .. }
            | State::Preparing(_)
            | State::Dialling(_)
            | State::BusyingOut { .. }
            | State::BusiedOut => "it closes".to_owned(),
            State::Opening
            | State::Claiming { .. }
            | State::Initialising { .. }
            | State::Checking { .. }
            | State::HangingUp(_)
            | State::Measuring(_) => return,
        };
        self.measured = false;
        desk.report(self.id, Fact::Measuring(Heard::Lost(why)));
    }

    /// On-hook, with the lock in hand.
    pub(super) fn rest(&mut self, desk: &mut Desk) -> State {
        self.fresh_reader();
        self.say_heard(Heard::Rest, desk);
        State::Measuring(Box::new(Measuring { phase: Phase::Rest }))
    }

    fn say_heard(&self, heard: Heard, desk: &mut Desk) {
        desk.report(self.id, Fact::Measuring(heard));
    }

    fn hanging(&mut self, mut commands: Box<Commands>, desk: &mut Desk) -> State {
        while let Some(step) = commands.poll() {
            match step {
                Step::Send(bytes) => self.transmit(bytes, desk),
                // It will ring again.
                Step::Ring(_) | Step::CallerId(_) => {}
                // Who is connected may say OK too.
                Step::Done if self.signals.is_some_and(|s| s.dcd) && !self.carrier_stuck => {
                    return self.on_hook(None, true, desk);
                }
                Step::Done => return self.rest(desk),
                // Not to be seen on-hook by words alone: as after a call.
                Step::Failed(_) => return self.on_hook(None, true, desk),
            }
        }
        State::Measuring(Box::new(Measuring { phase: Phase::Hanging(commands) }))
    }

    fn preparing_measuring(
        &mut self,
        mut commands: Box<Commands>,
        command: Vec<u8>,
        desk: &mut Desk,
    ) -> State {
        while let Some(step) = commands.poll() {
            match step {
                Step::Send(bytes) => self.transmit(bytes, desk),
                Step::Ring(ring) => self.say_heard(Heard::Ring(ring), desk),
                Step::CallerId(field) => self.say_heard(Heard::CallerId(field), desk),
                Step::Done => {
                    let phase = self.ask_modem(command, desk);
                    return State::Measuring(Box::new(Measuring { phase }));
                }
                Step::Failed(_) => {
                    self.say_heard(Heard::Failed(ResultCode::Error), desk);
                    return State::Measuring(Box::new(Measuring { phase: Phase::OffHook }));
                }
            }
        }
        let phase = Phase::Preparing { commands, command };
        State::Measuring(Box::new(Measuring { phase }))
    }

    // ------------------------------------------------------------------------------ what happens to it

    pub(super) fn measuring_port(
        &mut self,
        measuring: Box<Measuring>,
        input: PortInput,
        desk: &mut Desk,
    ) -> State {
        match input {
            PortInput::Bytes(bytes) => self.measuring_heard(measuring, bytes, desk),
            PortInput::Signals(signals) => match measuring.phase {
                Phase::Online { carrier: true } if !signals.dcd && !self.carrier_stuck => {
                    self.say_heard(Heard::CarrierDown, desk);
                    State::Measuring(Box::new(Measuring {
                        phase: Phase::Online { carrier: false },
                    }))
                }
                Phase::Online { carrier } => {
                    let carrier = carrier || signals.dcd;
                    State::Measuring(Box::new(Measuring { phase: Phase::Online { carrier } }))
                }
                Phase::Rest
                | Phase::Preparing { .. }
                | Phase::Asked { .. }
                | Phase::OffHook
                | Phase::Hanging(_) => State::Measuring(measuring),
            },
            PortInput::Lost(reason) => self.fault(reason, false, desk),
            PortInput::Taken { holder } => self.lend(holder, desk),
            PortInput::Opened { .. }
            | PortInput::Drained
            | PortInput::Claimed
            | PortInput::Returned => State::Measuring(measuring),
        }
    }

    fn measuring_heard(
        &mut self,
        measuring: Box<Measuring>,
        bytes: Vec<u8>,
        desk: &mut Desk,
    ) -> State {
        match measuring.phase {
            Phase::Rest | Phase::OffHook | Phase::Asked { .. } => {
                self.reader.receive(&bytes);
                self.measuring_said(measuring, desk)
            }
            Phase::Preparing { mut commands, command } => {
                commands.receive(desk.at(), &bytes);
                self.preparing_measuring(commands, command, desk)
            }
            Phase::Hanging(mut commands) => {
                commands.receive(desk.at(), &bytes);
                self.hanging(commands, desk)
            }
            Phase::Online { .. } => {
                self.say_heard(Heard::Received(bytes), desk);
                State::Measuring(measuring)
            }
        }
    }

    fn measuring_said(&mut self, mut measuring: Box<Measuring>, desk: &mut Desk) -> State {
        while let Some(said) = self.reader.poll() {
            let asked = matches!(measuring.phase, Phase::Asked { .. });
            match said {
                Said::Result(ResultCode::Ring(ring)) => self.say_heard(Heard::Ring(ring), desk),
                Said::CallerId(field) => self.say_heard(Heard::CallerId(field), desk),
                Said::Result(ResultCode::Connect(_)) => {
                    let carrier =
                        self.signals.is_some_and(|signals| signals.dcd) && !self.carrier_stuck;
                    measuring.phase = Phase::Online { carrier };
                    self.say_heard(Heard::Connected, desk);
                    let rest = self.reader.take_rest();
                    if !rest.is_empty() {
                        self.say_heard(Heard::Received(rest), desk);
                    }
                    break;
                }
                Said::Result(ResultCode::Ok) if asked => {
                    measuring.phase = Phase::OffHook;
                    self.say_heard(Heard::Done, desk);
                }
                Said::Result(code) if asked && code.is_final() => {
                    measuring.phase = Phase::OffHook;
                    self.say_heard(Heard::Failed(code), desk);
                }
                // It was off-hook, and has let go.
                Said::Result(ResultCode::NoCarrier)
                    if matches!(measuring.phase, Phase::OffHook) =>
                {
                    self.say_heard(Heard::Failed(ResultCode::NoCarrier), desk);
                }
                Said::Result(_) | Said::Text(_) => {}
            }
        }
        State::Measuring(measuring)
    }

    pub(super) fn measuring_tick(
        &mut self,
        mut measuring: Box<Measuring>,
        desk: &mut Desk,
    ) -> State {
        match measuring.phase {
            Phase::Rest | Phase::OffHook | Phase::Online { .. } => {}
            Phase::Asked { until } if until <= desk.at() => {
                measuring.phase = Phase::OffHook;
                self.say_heard(Heard::Mute, desk);
            }
            Phase::Asked { .. } => {}
            Phase::Preparing { mut commands, command } => {
                commands.tick(desk.at());
                return self.preparing_measuring(commands, command, desk);
            }
            Phase::Hanging(mut commands) => {
                commands.tick(desk.at());
                return self.hanging(commands, desk);
            }
        }
        State::Measuring(measuring)
    }
}
