//! Giving a modem a list of commands, each until it says `OK`: how a line's modem is set up.
//!
//! ```text
//!            ┌───────── next command ──────────┐
//!            ▼                                 │OK
//!   start ─► Pausing ──► Waiting ──────────────┴─► Done
//!            ▲   ▲         │ │ ERROR, CONNECT, no answer: again, at last Failed
//!            │   └─again───┘ │ no answer to any try, once
//!            │               ▼
//!            └─────OK───── Silent ─► Escaped ─► Woken ─► Failed
//!                          guard     +++        ATQ0V1H0
//! ```
//!
//! A modem that is mute is often not dead: it is online, in fax or voice mode, or has its result codes
//! off. The forced start brings it back once, then the list begins anew.
//!
//! A `RING` is passed on as it comes; mgetty 1.2.1's `callback` takes it for a failed setup and dials into
//! the caller's arms. `NO CARRIER` is the end of an older call and no answer to a command of ours.
//!
//! This file does not know what the commands do, nor what line they are for.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::caller_id::Field;
use super::escape::Escape;
use super::reader::{Form, Reader, Said};
use super::result::{Answer, ResultCode, Ring};
use crate::dial::DialPrefix;
use crate::time::{Deadline, Instant};

#[cfg(test)]
mod tests;

/// How many lines of the conversation are kept: enough for any setup, with an `ATI` answer in it.
pub const MAX_TRANSCRIPT: usize = 64;

/// After a try that was given up and then answered, more answers may be under way: so long they are not
/// taken for the next command's.
const SETTLE: Duration = Duration::from_millis(500);

/// One command line and the patience with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    text: String,
    /// How long the modem may take to answer one try.
    pub limit: Duration,
    /// How often it is sent at most; at least once.
    pub tries: u32,
    /// How long to be silent before sending it: some modems are deaf just after an answer, most for a
    /// while after `ATZ`.
    pub pause: Duration,
    /// What follows if the modem refuses it.
    pub refused: Refused,
}

/// What follows from a modem's `ERROR`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refused {
    /// The setup has failed.
    #[default]
    Fails,
    /// Nothing: the modem does without, as many do without caller ID. The transcript shows it.
    GoesOn,
}

impl Command {
    /// The longest command line; modems' buffers are not larger.
    pub const MAX: usize = 200;

    /// A command line without its CR: `ATZ`, `AT&C1&D2S0=0`. Limit 10 s, 2 tries, no pause; it must not
    /// be refused.
    ///
    /// # Errors
    /// It does not begin with `AT`, is not printable ASCII, is too long, or it dials.
    pub fn new(text: &str) -> Result<Self, CommandFault> {
        let begins = text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("AT"));
        if !begins {
            return Err(CommandFault::NoAt);
        }
        if let Some(position) = text.bytes().position(|byte| !(0x20..0x7f).contains(&byte)) {
            return Err(CommandFault::Unprintable { position });
        }
        if text.len() > Self::MAX {
            return Err(CommandFault::TooLong);
        }
        if DialPrefix::parse(text).is_ok() {
            return Err(CommandFault::Dials);
        }
        let limit = Duration::from_secs(10);
        let refused = Refused::Fails;
        Ok(Self { text: text.to_owned(), limit, tries: 2, pause: Duration::ZERO, refused })
    }

    /// The command without its CR.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes for the modem.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        let mut line = self.text.clone().into_bytes();
        line.push(b'\r');
        line
    }
}

/// Why a text is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandFault {
    /// It does not begin with `AT`.
    NoAt,
    /// It contains a byte that would end or spoil a command line.
    Unprintable {
        /// The offset of that byte, from 0.
        position: usize,
    },
    /// It is longer than [`Command::MAX`].
    TooLong,
    /// It dials: numbers are dialled by way of a [`DialString`](crate::dial::DialString) only.
    Dials,
}

impl fmt::Display for CommandFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAt => f.write_str("a modem command begins with AT"),
            Self::Unprintable { position } => write!(
                f,
                "character {}: only printable ASCII can stand in a command",
                position.saturating_add(1)
            ),
            Self::TooLong => {
                write!(f, "longer than {} characters: make it two commands", Command::MAX)
            }
            Self::Dials => f.write_str("a dial command has no place here: set the dial prefix"),
        }
    }
}

impl std::error::Error for CommandFault {}

/// What is to be done, in order.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The commands.
    pub commands: Vec<Command>,
    /// How the modem's answers look while they run.
    pub form: Form,
    /// How a mute modem is woken; `None`: not at all.
    pub force: Option<Escape>,
}

/// What [`Commands`] wants done, or has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send these bytes to the modem.
    Send(Vec<u8>),
    /// The telephone rings meanwhile.
    Ring(Ring),
    /// And this is about who calls.
    CallerId(Field),
    /// Every command was answered by `OK`. The last step.
    Done,
    /// It did not work. The last step.
    Failed(Failure),
}

/// A command that did not do, and what was said before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The command.
    pub command: String,
    /// What went wrong with it.
    pub reason: Reason,
    /// The conversation, `> ` what we sent and `< ` what the modem said, a line each.
    pub transcript: String,
}

/// What can go wrong with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No answer in time, to no try.
    Timeout {
        /// The patience with the last try.
        limit: Duration,
    },
    /// The modem refused it.
    Error,
    /// The modem went online instead: it had answered a call by itself (`S0`).
    Connected,
    /// What answered did not know what only the modem knows
    /// (see [`Proof`](super::hang_up::Proof)): somebody plays the modem.
    Unproven,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Reason::Timeout { limit } => {
                write!(f, "{}: no answer from the modem within {limit:?}", self.command)
            }
            Reason::Error => write!(f, "{}: the modem says ERROR", self.command),
            Reason::Connected => {
                write!(f, "{}: the modem took a call by itself: set S0=0", self.command)
            }
            Reason::Unproven => write!(
                f,
                "{}: what answers is not the modem, or it was reset meanwhile",
                self.command
            ),
        }
    }
}

impl std::error::Error for Failure {}

/// The command of a forced start: result codes on, in words, and on-hook (mgetty's `force-init-chat`).
const WAKE: &str = "ATQ0V1H0";

/// Ends fax reception and voice mode, where a modem hears nothing else (V.253 §8.3: `<DLE><ETX>`).
const END_OF_VOICE: &[u8] = b"\x10\x03";

#[derive(Debug)]
enum State {
    /// Silent until then, then the command goes out for the `tried`th time.
    Pausing {
        command: usize,
        tried: u32,
        until: Instant,
    },
    /// Sent; the answer is due until then.
    Waiting {
        command: usize,
        tried: u32,
        until: Instant,
    },
    /// The silence before `+++`. `command` is the one that got no answer.
    Silent {
        command: usize,
        escape: Escape,
        until: Instant,
    },
    /// `+++` is out; the silence behind it lasts until then, and the `OK` to it is no matter.
    Escaped {
        command: usize,
        escape: Escape,
        until: Instant,
    },
    /// [`WAKE`] is out.
    Woken {
        command: usize,
        until: Instant,
    },
    Ended,
}

/// Runs a [`Plan`]. Feed it bytes and time, drain its steps.
#[derive(Debug)]
pub struct Commands {
    plan: Plan,
    reader: Reader,
    state: State,
    steps: VecDeque<Step>,
    transcript: VecDeque<String>,
    /// The forced start comes once.
    forced: bool,
}

impl Commands {
    /// Begins with the first command at once, or after its pause.
    #[must_use]
    pub fn start(now: Instant, plan: Plan) -> Self {
        let reader = Reader::new(plan.form);
        let mut commands = Self {
            plan,
            reader,
            state: State::Ended,
            steps: VecDeque::new(),
            transcript: VecDeque::new(),
            forced: false,
        };
        commands.turn_to(0, now, Duration::ZERO);
        commands.tick(now);
        commands
    }

    /// Takes what the modem sent.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        self.reader.receive(bytes);
        while !matches!(self.state, State::Ended)
            && let Some(said) = self.reader.poll()
        {
            match said {
                Said::Result(code) => self.hear(now, code),
                Said::CallerId(field) => self.steps.push_back(Step::CallerId(field)),
                Said::Text(line) => self.note(format!("< {line}")),
            }
        }
    }

    /// Goes on if a deadline has passed.
    pub fn tick(&mut self, now: Instant) {
        match self.state {
            State::Pausing { command, tried, until } if until <= now => {
                self.send(command, tried, now);
            }
            State::Waiting { command, tried, until } if until <= now => {
                self.note("< (no answer)".to_owned());
                let limit = self.plan.commands.get(command).map(|command| command.limit);
                let reason = Reason::Timeout { limit: limit.unwrap_or_default() };
                self.again(command, tried, reason, now);
            }
            State::Silent { command, escape, until } if until <= now => {
                self.steps.push_back(Step::Send(escape.sequence().to_vec()));
                self.note("> (escape)".to_owned());
                self.state = State::Escaped { command, escape, until: now + escape.silence() };
            }
            State::Escaped { command, escape, until } if until <= now => {
                // The CR ends whatever half a command the `+++` has become in a modem that was in the
                // command state all the time.
                self.steps.push_back(Step::Send(format!("\r{WAKE}\r").into_bytes()));
                self.note(format!("> {WAKE}"));
                let patience = escape.answer.max(Duration::from_secs(5));
                self.state = State::Woken { command, until: now + patience };
            }
            State::Woken { command, until } if until <= now => {
                let limit = self.plan.commands.get(command).map(|command| command.limit);
                self.fail(command, Reason::Timeout { limit: limit.unwrap_or_default() });
            }
            State::Pausing { .. }
            | State::Waiting { .. }
            | State::Silent { .. }
            | State::Escaped { .. }
            | State::Woken { .. }
            | State::Ended => {}
        }
    }

    /// The next step, until `None`.
    pub fn poll(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// When [`Self::tick`] is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        match self.state {
            State::Pausing { until, .. } => {
                Some(Deadline::new(until, "pause before a modem command"))
            }
            State::Waiting { until, .. } | State::Woken { until, .. } => {
                Some(Deadline::new(until, "answer to a modem command"))
            }
            State::Silent { until, .. } | State::Escaped { until, .. } => {
                Some(Deadline::new(until, "guard time"))
            }
            State::Ended => None,
        }
    }

    /// The conversation so far, `> ` what we sent and `< ` what the modem said, a line each.
    #[must_use]
    pub fn transcript(&self) -> String {
        self.transcript.iter().fold(String::new(), |all, line| all + line + "\n")
    }

    /// What was said to this command, result code included, each time that it was sent; as far as the transcript
    /// still has it.
    pub fn said_to<'c>(&'c self, command: &'c str) -> impl Iterator<Item = Vec<&'c str>> {
        let lines = self.transcript.iter().enumerate();
        lines.filter(move |(_, line)| line.strip_prefix("> ") == Some(command)).map(|(at, _)| {
            let said = self.transcript.iter().skip(at + 1);
            said.map_while(|line| line.strip_prefix("< ")).collect()
        })
    }

    /// Ends it; hands back the bytes that were not consumed: those behind the last answer, such as a
    /// `RING` in the same read, or behind a `CONNECT`.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.reader.finish()
    }

    fn hear(&mut self, now: Instant, code: ResultCode) {
        self.note(format!("< {code}"));
        let answer = code.answer();
        if let ResultCode::Ring(ring) = code {
            match self.state {
                State::Pausing { .. } | State::Waiting { .. } => {
                    self.steps.push_back(Step::Ring(ring));
                }
                // A far end may be typing it. A true ring will come again.
                State::Silent { .. }
                | State::Escaped { .. }
                | State::Woken { .. }
                | State::Ended => {}
            }
            return;
        }
        match self.state {
            State::Waiting { command, tried, .. } => match answer {
                Answer::Ok => {
                    let settle = if tried > 1 { SETTLE } else { Duration::ZERO };
                    self.turn_to(command + 1, now, settle);
                    self.tick(now);
                }
                Answer::Error => self.again(command, tried, Reason::Error, now),
                Answer::Connect => self.fail(command, Reason::Connected),
                // The end of an older call.
                Answer::NoCarrier | Answer::None => {}
            },
            State::Pausing { command, .. } => match answer {
                Answer::Connect => self.fail(command, Reason::Connected),
                // Late answers to a try that was given up.
                Answer::Ok | Answer::Error | Answer::NoCarrier | Answer::None => {}
            },
            State::Woken { .. } => match answer {
                Answer::Ok | Answer::NoCarrier => self.turn_to(0, now, SETTLE),
                Answer::Connect => self.far_end_talks(),
                Answer::Error | Answer::None => {}
            },
            State::Silent { .. } | State::Escaped { .. } => match answer {
                Answer::Connect => self.far_end_talks(),
                Answer::Ok | Answer::Error | Answer::NoCarrier | Answer::None => {}
            },
            State::Ended => {}
        }
    }

    /// While we force our way back, a far end may still be there; a `CONNECT` is then a line of its text.
    fn far_end_talks(&mut self) {
        let rest = self.reader.take_rest();
        self.reader.restart();
        self.reader.receive(&rest);
    }

    /// Turns to a command: after its own pause, and not before `settle`.
    fn turn_to(&mut self, command: usize, now: Instant, settle: Duration) {
        match self.plan.commands.get(command) {
            Some(next) => {
                self.state =
                    State::Pausing { command, tried: 1, until: now + next.pause.max(settle) };
            }
            None => {
                self.state = State::Ended;
                self.steps.push_back(Step::Done);
            }
        }
    }

    fn send(&mut self, command: usize, tried: u32, now: Instant) {
        let Some(next) = self.plan.commands.get(command) else { return };
        self.steps.push_back(Step::Send(next.line()));
        self.state = State::Waiting { command, tried, until: now + next.limit };
        self.note(format!("> {}", next.text));
    }

    /// A try has failed: another one, or the forced start, or the end.
    fn again(&mut self, command: usize, tried: u32, reason: Reason, now: Instant) {
        let Some(failed) = self.plan.commands.get(command) else { return };
        match (tried < failed.tries, reason, self.plan.force) {
            (true, _, _) => {
                self.state =
                    State::Pausing { command, tried: tried + 1, until: now + failed.pause };
                self.tick(now);
            }
            (false, Reason::Error, _) if failed.refused == Refused::GoesOn => {
                self.turn_to(command + 1, now, SETTLE);
            }
            (false, Reason::Timeout { .. }, Some(escape)) if !self.forced => {
                self.forced = true;
                self.steps.push_back(Step::Send(END_OF_VOICE.to_vec()));
                self.state = State::Silent { command, escape, until: now + escape.silence() };
            }
            (
                false,
                Reason::Timeout { .. } | Reason::Error | Reason::Connected | Reason::Unproven,
                _,
            ) => {
                self.fail(command, reason);
            }
        }
    }

    fn fail(&mut self, command: usize, reason: Reason) {
        self.state = State::Ended;
        let command =
            self.plan.commands.get(command).map_or_else(String::new, |failed| failed.text.clone());
        let transcript = self.transcript();
        self.steps.push_back(Step::Failed(Failure { command, reason, transcript }));
    }

    fn note(&mut self, line: String) {
        if self.transcript.len() == MAX_TRANSCRIPT {
            self.transcript.pop_front();
        }
        self.transcript.push_back(line);
    }
}
