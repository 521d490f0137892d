//! Who speaks on an online line. One at a time; the session says who is next.
//!
//! ```text
//!   Program:  Starting ── Started ──► Running ── Exited ──► gone
//!                │                      │ carrier lost, operator, stop
//!                │ Failed               ▼
//!                ▼                   HangingUp (SIGHUP) ── kill_grace ──► Killed ── kill_grace ──► gone
//!              gone                     └────────────── Exited ─────────────┴──► gone
//! ```
//!
//! PPP has its own file, with its own picture. A service does not know the line's state nor who called whom.

mod capture;
mod network;
mod ppp;

pub(crate) use self::network::{Network, Place, Traffic, device_name};
pub(crate) use self::ppp::{Pledge, Ppp, user_callback};

use std::time::Duration;

use proto::login::Prompt;
use proto::time::{Deadline, Instant};

use crate::config::LoginEntry;
use crate::desk::Desk;
use crate::line::Line;
use crate::session::{Asked, Office, Proving};
use crate::vocabulary::{
    CallId, Cause, Event, ExitStatus, Launch, Output, ProgramInput, ProgramOutput, Seq, SessionId,
};

/// SIGHUP's number: how a program ends that the kernel or we hung up on.
const SIGHUP: i32 = 1;

/// Who speaks, with all that he needs.
#[derive(Debug)]
pub(crate) enum Service {
    /// Nobody yet: a kept promise is being stored. What the caller sends meanwhile waits.
    Storing { seq: Seq, until: Instant, early: Vec<u8> },
    /// Nobody yet: on a line for PPP alone it begins with the first turn.
    Unasked,
    /// The login prompt.
    Prompt(Box<Prompt>),
    /// The question for a telephone number, put by an entry.
    Question { prompt: Box<Prompt>, entry: Box<LoginEntry> },
    /// The question for a password or a one-time code.
    Proof { prompt: Box<Prompt>, asked: Asked, proving: Box<Proving> },
    /// Nobody: a password is being verified. What the caller sends meanwhile waits.
    Verifying { proving: Box<Proving>, until: Instant, early: Vec<u8> },
    /// The question for the code of a return call, asked of whoever gave this name. `may`: the name may be used there.
    Code { prompt: Box<Prompt>, name: String, may: bool },
    /// Nobody: a promise is being stored.
    Sealing { seq: Seq, until: Instant, within_s: u64, notice: Option<Vec<u8>> },
    /// Our last words are on their way; then we hang up.
    Farewell { cause: Cause, until: Instant },
    /// Our PPP engine.
    Ppp(Box<Ppp>),
    /// A program of login.config.
    Program(Program),
    /// Nobody any more: the line hangs up.
    Ending,
}

impl Service {
    /// The event that must be stored before anything is said.
    pub(crate) fn waits_for(&self) -> Option<Seq> {
        match self {
            Self::Storing { seq, .. } | Self::Sealing { seq, .. } => Some(*seq),
            Self::Ppp(ppp) => ppp.waits_for(),
            Self::Unasked
            | Self::Prompt(_)
            | Self::Question { .. }
            | Self::Proof { .. }
            | Self::Verifying { .. }
            | Self::Code { .. }
            | Self::Farewell { .. }
            | Self::Program(_)
            | Self::Ending => None,
        }
    }

    /// For people.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Storing { .. } | Self::Sealing { .. } => "storing",
            Self::Unasked => "ppp",
            Self::Prompt(_) => "prompt",
            Self::Question { .. } => "question",
            Self::Proof { .. } => "proof",
            Self::Verifying { .. } => "verifying",
            Self::Code { .. } => "code",
            Self::Farewell { .. } => "farewell",
            Self::Ppp(_) => "ppp",
            Self::Program(_) => "program",
            Self::Ending => "ending",
        }
    }

    /// The network that it serves, if it does.
    pub(crate) fn network(&self) -> Option<&Network> {
        match self {
            Self::Ppp(ppp) => ppp.network.as_deref(),
            Self::Storing { .. }
            | Self::Unasked
            | Self::Prompt(_)
            | Self::Proof { .. }
            | Self::Verifying { .. }
            | Self::Code { .. }
            | Self::Question { .. }
            | Self::Sealing { .. }
            | Self::Farewell { .. }
            | Self::Program(_)
            | Self::Ending => None,
        }
    }

    /// For people: the phase, where it has phases.
    pub(crate) const fn phase(&self) -> Option<&'static str> {
        match self {
            Self::Ppp(ppp) => Some(ppp.phase()),
            Self::Proof { asked, .. } => Some(asked.word()),
            Self::Storing { .. }
            | Self::Unasked
            | Self::Prompt(_)
            | Self::Question { .. }
            | Self::Verifying { .. }
            | Self::Code { .. }
            | Self::Sealing { .. }
            | Self::Farewell { .. }
            | Self::Program(_)
            | Self::Ending => None,
        }
    }
}

/// A program on the line.
#[derive(Debug)]
pub(crate) struct Program {
    program: String,
    user: Option<String>,
    state: State,
}

#[derive(Debug)]
enum State {
    Starting,
    Running,
    /// Told to go with SIGHUP.
    HangingUp {
        cause: Cause,
        kill_at: Instant,
        grace: Duration,
    },
    /// Told to go with SIGKILL.
    Killed {
        cause: Cause,
        until: Instant,
    },
}

/// Whether the program is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgramEnd {
    /// It is.
    Runs,
    /// It is not, and so ends the call.
    Gone(Cause),
    /// It never was.
    NotStarted,
}

impl Program {
    pub(crate) fn starting(launch: &Launch) -> Self {
        Self {
            program: launch.program.display().to_string(),
            user: launch.user.clone(),
            state: State::Starting,
        }
    }

    /// The caller sent something; it comes here only where the core carries the bytes.
    pub(crate) fn received(&self, call: CallId, bytes: Vec<u8>, desk: &mut Desk) {
        match self.state {
            State::Starting | State::Running => {
                desk.output(Output::Program(call, ProgramOutput::Bytes(bytes)));
            }
            State::HangingUp { .. } | State::Killed { .. } => {}
        }
    }

    /// The program did something.
    pub(crate) fn hear(
        &mut self,
        session: SessionId,
        call: CallId,
        input: ProgramInput,
        line: &mut Line,
        office: &mut Office<'_>,
    ) -> ProgramEnd {
        match input {
            ProgramInput::Started { pid } => {
                office.desk.journal(Event::Launched {
                    call,
                    session,
                    program: self.program.clone(),
                    user: self.user.clone(),
                    pid,
                });
                match self.state {
                    State::Starting => self.state = State::Running,
                    State::Running | State::HangingUp { .. } | State::Killed { .. } => {}
                }
                ProgramEnd::Runs
            }
            ProgramInput::Failed(reason) => {
                line.carrier_matters(false, office.desk);
                let program = self.program.clone();
                office.desk.journal(Event::LaunchFailed { call, session, program, reason });
                match self.state {
                    State::Starting | State::Running => ProgramEnd::NotStarted,
                    State::HangingUp { cause, .. } | State::Killed { cause, .. } => {
                        ProgramEnd::Gone(cause)
                    }
                }
            }
            ProgramInput::Bytes(bytes) => {
                match self.state {
                    State::Starting | State::Running => line.send(bytes, office.desk),
                    State::HangingUp { .. } | State::Killed { .. } => {}
                }
                ProgramEnd::Runs
            }
            ProgramInput::Exited(status) => {
                line.carrier_matters(false, office.desk);
                office.desk.journal(Event::ProgramExited { call, status });
                ProgramEnd::Gone(self.cause(status, line.has_carrier()))
            }
        }
    }

    /// Why the call ends with the program's end.
    fn cause(&self, status: ExitStatus, carrier: bool) -> Cause {
        match (&self.state, status) {
            (State::HangingUp { cause, .. } | State::Killed { cause, .. }, _) => *cause,
            // The kernel's SIGHUP can be faster than the news of the carrier.
            (State::Starting | State::Running, ExitStatus::Signal(SIGHUP)) => Cause::LostCarrier,
            (State::Starting | State::Running, _) if !carrier => Cause::LostCarrier,
            (State::Starting | State::Running, ExitStatus::Code(0)) => Cause::UserRequest,
            (State::Starting | State::Running, ExitStatus::Code(_) | ExitStatus::Signal(_)) => {
                Cause::LostService
            }
        }
    }

    /// The call is to end with this cause: the program is told, and made to.
    pub(crate) fn end(&mut self, call: CallId, cause: Cause, office: &mut Office<'_>) {
        match self.state {
            State::Starting | State::Running => {
                let grace = office.config.server.kill_grace;
                let kill_at = office.desk.at() + grace;
                self.state = State::HangingUp { cause, kill_at, grace };
                office.desk.output(Output::Program(call, ProgramOutput::HangUp));
            }
            State::HangingUp { .. } | State::Killed { .. } => {}
        }
    }

    /// Time passes.
    pub(crate) fn tick(&mut self, call: CallId, desk: &mut Desk) -> ProgramEnd {
        match self.state {
            State::HangingUp { cause, kill_at, grace } if kill_at <= desk.at() => {
                self.state = State::Killed { cause, until: desk.at() + grace };
                desk.output(Output::Program(call, ProgramOutput::Kill));
                ProgramEnd::Runs
            }
            // It hangs in the kernel. The line must not wait for it.
            State::Killed { cause, until } if until <= desk.at() => ProgramEnd::Gone(cause),
            State::Starting | State::Running | State::HangingUp { .. } | State::Killed { .. } => {
                ProgramEnd::Runs
            }
        }
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        match self.state {
            State::Starting | State::Running => None,
            State::HangingUp { kill_at, .. } => Some(Deadline::new(kill_at, "program hangs up")),
            State::Killed { until, .. } => Some(Deadline::new(until, "program dies")),
        }
    }
}
