//! The states of a call from the caller's side, and what moves it from one to the next.
//!
//! The picture is in [the room's own page](super). This file does not know what is said at prompts.

use std::collections::VecDeque;
use std::time::Duration;

use super::dialogue::{self, Dialogue};
use super::on_hook::{self, OnHook};
use super::{Answer, Cause, Failure, Hook, Leg, Login, Plan, Request, Stage, Step};
use crate::at::commands::{self, Commands, Reason};
use crate::at::reader::{Form, Reader, Said};
use crate::at::result::{Connect, ResultCode};
use crate::dial::DialString;
use crate::signals::Signals;
use crate::time::{Deadline, Instant};

/// Modems are deaf just after they have said something.
const BEFORE_ATA: Duration = Duration::from_millis(100);

#[derive(Debug)]
enum State {
    SettingUp {
        commands: Box<Commands>,
        dial: Box<(DialString, Duration)>,
    },
    Dialling {
        reader: Reader,
        until: Instant,
    },
    Requesting {
        dialogue: Box<Dialogue>,
        carrier: bool,
    },
    Waiting {
        reader: Reader,
        since: Instant,
        until: Instant,
        tried: bool,
    },
    /// It rings; the answer goes out then.
    Picking {
        at: Instant,
        since: Instant,
        until: Instant,
    },
    Answering {
        reader: Reader,
        limit: Instant,
        since: Instant,
        until: Instant,
    },
    LoggingIn {
        dialogue: Box<Dialogue>,
        leg: Leg,
        carrier: bool,
    },
    HangingUp {
        on_hook: Box<OnHook>,
        failure: Failure,
    },
    Online {
        rest: Vec<u8>,
    },
    Failed,
}

/// What is said at prompts, and with how much patience.
#[derive(Debug, Default)]
struct Talk {
    request: Option<Request>,
    login: Option<Login>,
    prompt_time: Duration,
    callback_time: Duration,
}

/// A caller. Feed it bytes, signals and time, drain its steps.
#[derive(Debug)]
pub struct Dialer {
    talk: Talk,
    answer: Answer,
    hook: Hook,
    state: State,
    /// The modem's control lines as told last; `None`: the port has none.
    signals: Option<Signals>,
    /// The server hung up without asking for our number.
    unasked: bool,
    steps: VecDeque<Step>,
}

impl Dialer {
    /// Begins with the modem's setup. `signals`: the modem's control lines, if the port has them.
    #[must_use]
    pub fn start(now: Instant, plan: Plan, signals: Option<Signals>) -> Self {
        let Plan {
            setup,
            dial,
            dial_time,
            request,
            callback_time,
            login,
            prompt_time,
            answer,
            hook,
        } = plan;
        let commands = Box::new(Commands::start(now, setup));
        let steps = VecDeque::from([Step::Stage(Stage::SettingUp)]);
        let mut dialer = Self {
            talk: Talk { request, login, prompt_time, callback_time },
            answer,
            hook,
            state: State::SettingUp { commands, dial: Box::new((dial, dial_time)) },
            signals,
            unasked: false,
            steps,
        };
        dialer.drain(now);
        dialer
    }

    /// Begins with the wait for a call back, for `time` at most: it was asked for on a call that is over, in other
    /// words than prompts (PPP). The modem has been set up then, and is on-hook.
    #[must_use]
    pub fn wait(
        now: Instant,
        answer: Answer,
        hook: Hook,
        signals: Option<Signals>,
        time: Duration,
    ) -> Self {
        let until = now + time;
        let mut steps = VecDeque::new();
        if signals.is_some() {
            // It was lowered to hang up, and with DTR low a modem answers nobody (&D2).
            steps.push_back(Step::Dtr(true));
        }
        steps.push_back(Step::Stage(Stage::Waiting { since: now, until }));
        let state = State::Waiting { reader: reader(), since: now, until, tried: false };
        Self { talk: Talk::default(), answer, hook, state, signals, unasked: false, steps }
    }

    /// Takes what the modem sent.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        match &mut self.state {
            State::SettingUp { commands, .. } => commands.receive(now, bytes),
            State::Dialling { reader, .. }
            | State::Waiting { reader, .. }
            | State::Answering { reader, .. } => reader.receive(bytes),
            State::Requesting { dialogue, .. } => {
                self.steps.push_back(Step::Text(Leg::Request, bytes.to_vec()));
                dialogue.receive(now, bytes);
            }
            State::LoggingIn { dialogue, leg, .. } => {
                self.steps.push_back(Step::Text(*leg, bytes.to_vec()));
                dialogue.receive(now, bytes);
            }
            // The rest of a ring's lines (caller ID).
            State::Picking { .. } => {}
            State::HangingUp { on_hook, .. } => on_hook.receive(now, bytes),
            State::Online { rest } => rest.extend_from_slice(bytes),
            State::Failed => {}
        }
        self.drain(now);
    }

    /// Takes the modem's control lines.
    pub fn signals(&mut self, now: Instant, signals: Signals) {
        self.signals = Some(signals);
        match &mut self.state {
            State::Requesting { dialogue, carrier }
            | State::LoggingIn { dialogue, carrier, .. } => {
                // With `&C0` it is on all the time and tells nothing; a fall tells.
                if std::mem::replace(carrier, signals.dcd) && !signals.dcd {
                    dialogue.carrier_lost(now);
                }
            }
            State::HangingUp { on_hook, .. } => on_hook.signals(now, signals),
            State::Waiting { since, until, .. } if signals.ri => {
                let (since, until) = (*since, *until);
                self.ring(now, since, until);
            }
            State::SettingUp { .. }
            | State::Dialling { .. }
            | State::Waiting { .. }
            | State::Picking { .. }
            | State::Answering { .. }
            | State::Online { .. }
            | State::Failed => {}
        }
        self.drain(now);
    }

    /// Goes on if a deadline has passed.
    pub fn tick(&mut self, now: Instant) {
        match &mut self.state {
            State::SettingUp { commands, .. } => commands.tick(now),
            State::Dialling { until, .. } if *until <= now => {
                self.hang_up(
                    now,
                    Failure::new(Cause::NoAnswer, "no result from the modem in time"),
                );
            }
            State::Requesting { dialogue, .. } | State::LoggingIn { dialogue, .. } => {
                dialogue.tick(now);
            }
            State::Waiting { since, until, tried, .. } if *until <= now => {
                let cause = if *tried { Cause::NotConnected } else { Cause::NobodyCalls };
                let mut waited = format!("waited for {} s", until.since(*since).as_secs());
                if self.unasked {
                    waited.push_str(
                        "; the server did not ask for the number: is the callback name right?",
                    );
                }
                self.hang_up(now, Failure::new(cause, waited));
            }
            State::Picking { at, since, until } if *at <= now => {
                let (since, until) = (*since, *until);
                self.steps.push_back(Step::Stage(Stage::Answering));
                self.steps.push_back(Step::Send(self.answer.command.line()));
                let limit = now + self.answer.time;
                self.state = State::Answering { reader: reader(), limit, since, until };
            }
            State::Answering { limit, since, until, .. } if *limit <= now => {
                let (since, until) = (*since, *until);
                self.not_connected(now, since, until);
            }
            State::HangingUp { on_hook, .. } => on_hook.tick(now),
            State::Dialling { .. }
            | State::Waiting { .. }
            | State::Picking { .. }
            | State::Answering { .. }
            | State::Online { .. }
            | State::Failed => {}
        }
        self.drain(now);
    }

    /// Breaks off: whatever is on the line is hung up. A second time it ends at once.
    pub fn interrupt(&mut self, now: Instant, why: &str) {
        match &self.state {
            State::HangingUp { failure, .. } => {
                self.steps.push_back(Step::Failed(failure.clone()));
                self.state = State::Failed;
            }
            State::Online { .. } | State::Failed => {}
            State::SettingUp { .. }
            | State::Dialling { .. }
            | State::Requesting { .. }
            | State::Waiting { .. }
            | State::Picking { .. }
            | State::Answering { .. }
            | State::LoggingIn { .. } => {
                self.hang_up(now, Failure::new(Cause::Interrupted, why));
                self.drain(now);
            }
        }
    }

    /// The next step, until `None`.
    pub fn poll(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// When [`Self::tick`] is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        match &self.state {
            State::SettingUp { commands, .. } => commands.deadline(),
            State::Dialling { until, .. } => Some(Deadline::new(*until, "the modem's result")),
            State::Requesting { dialogue, .. } | State::LoggingIn { dialogue, .. } => {
                dialogue.deadline()
            }
            State::Waiting { until, .. } => Some(Deadline::new(*until, "the call back")),
            State::Picking { at, .. } => Some(Deadline::new(*at, "the pause before ATA")),
            State::Answering { limit, .. } => Some(Deadline::new(*limit, "the modems' connection")),
            State::HangingUp { on_hook, .. } => on_hook.deadline(),
            State::Online { .. } | State::Failed => None,
        }
    }

    /// Ends it; hands back what the far end has said to the next speaker.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        match self.state {
            State::Online { rest } => rest,
            State::SettingUp { .. }
            | State::Dialling { .. }
            | State::Requesting { .. }
            | State::Waiting { .. }
            | State::Picking { .. }
            | State::Answering { .. }
            | State::LoggingIn { .. }
            | State::HangingUp { .. }
            | State::Failed => Vec::new(),
        }
    }

    /// Takes what the engine of the present state has to tell, until no state has any more.
    fn drain(&mut self, now: Instant) {
        while match &mut self.state {
            State::SettingUp { commands, .. } => match commands.poll() {
                Some(step) => {
                    self.set_up(now, step);
                    true
                }
                None => false,
            },
            State::Dialling { reader, .. }
            | State::Waiting { reader, .. }
            | State::Answering { reader, .. } => match reader.poll() {
                Some(said) => {
                    self.modem_said(now, said);
                    true
                }
                None => false,
            },
            State::Requesting { dialogue, .. } | State::LoggingIn { dialogue, .. } => {
                match dialogue.poll() {
                    Some(step) => {
                        self.talked(now, step);
                        true
                    }
                    None => false,
                }
            }
            State::HangingUp { on_hook, failure } => match on_hook.poll() {
                Some(on_hook::Step::Send(bytes)) => {
                    self.steps.push_back(Step::Send(bytes));
                    true
                }
                Some(on_hook::Step::Dtr(up)) => {
                    self.steps.push_back(Step::Dtr(up));
                    true
                }
                Some(on_hook::Step::Done { .. }) => {
                    self.steps.push_back(Step::Failed(failure.clone()));
                    self.state = State::Failed;
                    false
                }
                None => false,
            },
            State::Picking { .. } | State::Online { .. } | State::Failed => false,
        } {}
    }

    fn set_up(&mut self, now: Instant, step: commands::Step) {
        match step {
            commands::Step::Send(bytes) => self.steps.push_back(Step::Send(bytes)),
            commands::Step::Ring(_) | commands::Step::CallerId(_) => {}
            commands::Step::Done => {
                self.steps.push_back(Step::Stage(Stage::Dialling));
                let State::SettingUp { dial, .. } = &self.state else { return };
                self.steps.push_back(Step::Send(dial.0.command().to_vec()));
                let until = now + dial.1;
                self.state = State::Dialling { reader: reader(), until };
            }
            commands::Step::Failed(failure) => {
                let cause = match failure.reason {
                    Reason::Timeout { .. } => Cause::ModemMute,
                    Reason::Error | Reason::Unproven => Cause::ModemRefuses,
                    Reason::Connected => Cause::ModemConnected,
                };
                self.fail_at_once(Failure::new(cause, failure));
            }
        }
    }

    fn modem_said(&mut self, now: Instant, said: Said) {
        let Said::Result(code) = said else { return };
        match &mut self.state {
            State::Dialling { reader, .. } => {
                let rest = reader.take_rest();
                if let ResultCode::Connect(connect) = code {
                    self.connected(now, Leg::Request, connect, &rest);
                } else if let Some(cause) = refused(&code) {
                    self.hang_up(now, Failure::new(cause, code));
                }
            }
            State::Waiting { since, until, .. } => {
                if matches!(code, ResultCode::Ring(_)) {
                    let (since, until) = (*since, *until);
                    self.ring(now, since, until);
                }
            }
            State::Answering { reader, since, until, .. } => {
                let (since, until) = (*since, *until);
                let rest = reader.take_rest();
                if let ResultCode::Connect(connect) = code {
                    self.connected(now, Leg::Return, connect, &rest);
                } else if code.is_final() {
                    self.not_connected(now, since, until);
                }
            }
            State::SettingUp { .. }
            | State::Requesting { .. }
            | State::Picking { .. }
            | State::LoggingIn { .. }
            | State::HangingUp { .. }
            | State::Online { .. }
            | State::Failed => {}
        }
    }

    fn ring(&mut self, now: Instant, since: Instant, until: Instant) {
        self.steps.push_back(Step::Stage(Stage::Ringing));
        self.state = State::Picking { at: now + BEFORE_ATA, since, until };
    }

    /// The caller hung up before the modems had found each other: a good server calls again.
    fn not_connected(&mut self, now: Instant, since: Instant, until: Instant) {
        self.steps.push_back(Step::Stage(Stage::NotConnected));
        if until <= now {
            self.hang_up(now, Failure::new(Cause::NotConnected, ""));
            return;
        }
        self.state = State::Waiting { reader: reader(), since, until, tried: true };
        self.steps.push_back(Step::Stage(Stage::Waiting { since, until }));
    }

    fn connected(&mut self, now: Instant, leg: Leg, connect: Connect, rest: &[u8]) {
        self.steps.push_back(Step::Stage(Stage::Connected { leg, connect }));
        let time = self.talk.prompt_time;
        let carrier = self.signals.is_some_and(|signals| signals.dcd);
        let dialogue = match (&self.talk.request, &self.talk.login, leg) {
            (Some(request), _, Leg::Request) => Dialogue::request(now, request, time),
            (None, Some(login), _) | (Some(_), Some(login), Leg::Return) => {
                Dialogue::login(now, login, time)
            }
            (None, None, _) | (Some(_), None, Leg::Return) => {
                self.go_online(rest.to_vec());
                return;
            }
        };
        let dialogue = match dialogue {
            Ok(dialogue) => Box::new(dialogue),
            Err(fault) => return self.hang_up(now, Failure::new(Cause::NoPrompt, fault)),
        };
        self.steps.push_back(Step::Stage(Stage::LoggingIn(leg)));
        self.state = match (leg, &self.talk.request) {
            (Leg::Request, Some(_)) => State::Requesting { dialogue, carrier },
            (Leg::Request, None) | (Leg::Return, _) => State::LoggingIn { dialogue, leg, carrier },
        };
        if !rest.is_empty() {
            self.receive(now, rest);
        }
    }

    fn talked(&mut self, now: Instant, step: dialogue::Step) {
        match step {
            dialogue::Step::Say(answer) => {
                let mut line = answer.reveal().to_vec();
                line.push(b'\r');
                self.steps.push_back(Step::Send(line));
            }
            // After a request the server is to hang up; after a login nothing is left to say.
            dialogue::Step::Said => {
                if matches!(self.state, State::Requesting { .. }) {
                    self.steps.push_back(Step::Stage(Stage::Leaving));
                } else if let State::LoggingIn { dialogue, .. } =
                    std::mem::replace(&mut self.state, State::Failed)
                {
                    self.go_online(dialogue.finish());
                }
            }
            dialogue::Step::HungUp { unasked } => {
                self.unasked = unasked;
                let (since, until) = (now, now + self.talk.callback_time);
                self.steps.push_back(Step::Stage(Stage::Waiting { since, until }));
                self.state = State::Waiting { reader: reader(), since, until, tried: false };
            }
            dialogue::Step::Failed(failure) => self.hang_up(now, failure),
        }
    }

    fn go_online(&mut self, rest: Vec<u8>) {
        self.steps.push_back(Step::Online);
        self.state = State::Online { rest };
    }

    /// Ends whatever is on the line, then fails.
    fn hang_up(&mut self, now: Instant, failure: Failure) {
        let hook = &self.hook;
        let on_hook = match (&self.state, failure.cause) {
            // The call has gone already: the modem is in its command state.
            (State::Requesting { .. } | State::LoggingIn { .. }, Cause::CarrierLost) => {
                OnHook::in_command_state(now, hook, self.signals)
            }
            (State::Requesting { .. } | State::LoggingIn { .. }, _) => {
                OnHook::online(now, hook, self.signals)
            }
            (
                State::SettingUp { .. }
                | State::Dialling { .. }
                | State::Waiting { .. }
                | State::Picking { .. }
                | State::Answering { .. },
                _,
            ) => OnHook::in_command_state(now, hook, self.signals),
            (State::HangingUp { .. } | State::Online { .. } | State::Failed, _) => return,
        };
        self.steps.push_back(Step::Stage(Stage::HangingUp));
        self.state = State::HangingUp { on_hook: Box::new(on_hook), failure };
    }

    /// For a modem that cannot be talked to.
    fn fail_at_once(&mut self, failure: Failure) {
        self.steps.push_back(Step::Failed(failure));
        self.state = State::Failed;
    }
}

fn reader() -> Reader {
    Reader::new(Form::Verbose)
}

/// What a result code to a dial command means, if it is not a connection.
const fn refused(code: &ResultCode) -> Option<Cause> {
    match code {
        ResultCode::NoCarrier | ResultCode::Ok => Some(Cause::NoCarrier),
        ResultCode::NoDialtone | ResultCode::LineInUse => Some(Cause::NoDialtone),
        ResultCode::Busy => Some(Cause::Busy),
        ResultCode::NoAnswer => Some(Cause::NoAnswer),
        ResultCode::Voice => Some(Cause::Voice),
        ResultCode::Error => Some(Cause::ModemRefuses),
        ResultCode::Delayed | ResultCode::Blacklisted | ResultCode::Locked => {
            Some(Cause::DialRefused)
        }
        // A RING while we dial: the line is somebody else's now (glare).
        ResultCode::Ring(_) => Some(Cause::Glare),
        ResultCode::Connect(_) | ResultCode::RingBack | ResultCode::Fax | ResultCode::Data => None,
    }
}
