//! The run of a script: which token is next, what is waited for, what is typed, and how it ends.
//!
//! One timer serves each expect and each send. chat(8) rings it again every second once it has gone off,
//! cuts the pause that it falls into, and leaves the line in non-blocking mode if a send survived it: the next
//! expect then takes what is there and waits for nothing. All of that is kept here, as `rung` and `hasty`.
//!
//! This file does not know how bytes are written, nor where a log line goes.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use super::argument::Keyword;
use super::clean::Typed;
use super::listen::Listener;
use super::parts::{Parts, later};
use super::script::{Script, until_nul};
use super::step::{Done, InputEnd, Severity, Step};
use super::strings::Strings;
use super::typing::Phase;
use super::visible::LONGEST_LOG_LINE;
use super::{Options, Place};
use crate::time::{Deadline, Instant};

/// Bytes held that no expect has looked at yet. An owner that keeps to [`Engine::wanted`] needs a fraction
/// of it; beyond it bytes are dropped, as the kernel's tty queue does.
pub const MOST_HELD: usize = 64 << 10;

/// How much of an `@file` is sent.
pub const LONGEST_FILE: usize = 1_023;

/// `\d`, and the beat of a timer that has gone off.
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// A running script. See the [module](super) for its states.
#[derive(Debug)]
pub struct Engine {
    pub(super) options: Options,
    script: Script,
    pub(super) next: usize,
    slot: Slot,
    /// `later[n]`: the fewest bytes that the tokens from `n` on read in a run that succeeds.
    later: Vec<usize>,
    pub(super) timeout: Option<Duration>,
    pub(super) echo: bool,
    pub(super) needs_newline: bool,
    pub(super) aborts: Strings,
    pub(super) reports: Strings,
    pub(super) report: Option<Report>,
    pub(super) hasty: bool,
    pub(super) held: VecDeque<u8>,
    state: State,
    pub(super) steps: VecDeque<Step>,
}

/// What the next token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Expect,
    Send,
    Argument(Keyword),
}

/// A report on its way.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) text: Vec<u8>,
    pub(super) found: Instant,
}

#[derive(Debug)]
pub(super) enum State {
    /// The next token is due.
    Between,
    /// Input is wanted.
    Expecting { listener: Box<Listener>, parts: Parts, alarm: Option<Instant> },
    /// A send is under way.
    Typing { typed: Typed, phase: Phase, alarm: Option<Instant>, rung: bool, then: Then },
    /// The owner is reading an `@file`.
    AwaitingFile { name: Vec<u8>, then: Then },
    /// All is over but the rest of a report.
    Collecting { done: Done, alarm: Instant },
    /// [`Step::Done`] has been said.
    Over,
}

/// What follows a send.
#[derive(Debug)]
pub(super) enum Then {
    NextToken,
    /// It was a sub-send: the rest of its token is expected.
    Expect(Parts),
}

/// Whether a state has more to do at once.
pub(super) enum Turn {
    On(State),
    Wait(State),
}

impl Engine {
    /// A run of `script`; it begins at [`Engine::start`].
    #[must_use]
    pub fn new(script: Script, options: Options) -> Self {
        let timeout = u64::try_from(options.timeout).ok().filter(|s| *s > 0);
        Self {
            later: later(&script, &options),
            script,
            next: 0,
            slot: Slot::Expect,
            timeout: timeout.map(Duration::from_secs),
            echo: options.echo,
            needs_newline: false,
            aborts: Strings::default(),
            reports: Strings::default(),
            report: None,
            hasty: false,
            held: VecDeque::new(),
            state: State::Between,
            steps: VecDeque::new(),
            options,
        }
    }

    /// Begins: everything up to the first wait is carried out.
    pub fn start(&mut self, now: Instant) {
        self.run(now);
    }

    /// What came in. Bytes that the current expect leaves are kept for the next.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        let room = MOST_HELD.saturating_sub(self.held.len());
        self.held.extend(bytes.iter().take(room));
        self.run(now);
    }

    /// The deadline has come, and a look at the input just before found nothing.
    pub fn tick(&mut self, now: Instant) {
        if self.deadline().is_none_or(|deadline| deadline.at > now) {
            return;
        }
        self.state = match mem::replace(&mut self.state, State::Over) {
            State::Expecting { parts, alarm, .. } => {
                if alarm.is_some_and(|at| at <= now) {
                    self.say_alarm();
                }
                self.hasty = false;
                self.missed(now, parts, 3, None)
            }
            State::Typing { typed, phase, alarm: Some(at), then, .. } if at <= now => {
                self.say_alarm();
                self.hasty = true;
                let alarm = Some(now + SECOND);
                match phase {
                    Phase::Writing { byte: true } => self.send_failed(now, "timed out"),
                    // The pause is cut short; its byte is still written.
                    Phase::Resting { byte, .. } => {
                        let phase = Phase::Resting { until: now, byte };
                        State::Typing { typed, phase, alarm, rung: true, then }
                    }
                    Phase::Writing { byte: false } | Phase::Ready => {
                        State::Typing { typed, phase, alarm, rung: true, then }
                    }
                }
            }
            State::Collecting { done, .. } => {
                if !mem::take(&mut self.hasty) {
                    self.say_alarm();
                }
                self.conclude(done)
            }
            other @ (State::Between
            | State::Typing { .. }
            | State::AwaitingFile { .. }
            | State::Over) => other,
        };
        self.run(now);
    }

    /// The last [`Step::Send`] or [`Step::Break`] is done.
    pub fn carried_out(&mut self, now: Instant) {
        if let State::Typing { phase: phase @ Phase::Writing { .. }, .. } = &mut self.state {
            *phase = Phase::Ready;
            self.run(now);
        }
    }

    /// The last [`Step::Send`] could not be written, because of `why` (as `strerror` says it).
    pub fn write_failed(&mut self, now: Instant, why: &str) {
        if let State::Typing { phase: Phase::Writing { byte: true }, .. } = &self.state {
            self.state = self.send_failed(now, &format!("failed: {why}"));
            self.run(now);
        }
    }

    /// The file that was asked for: its beginning, or why it cannot be opened (as `strerror` says it).
    pub fn file(&mut self, now: Instant, contents: Result<&[u8], &str>) {
        self.state = match mem::replace(&mut self.state, State::Over) {
            State::AwaitingFile { name, then } => match contents {
                Ok(text) => {
                    let text = text.get(..LONGEST_FILE).unwrap_or(text);
                    let text = until_nul(text.strip_suffix(b"\n").unwrap_or(text)).to_vec();
                    self.begin_typing(now, &text, then)
                }
                Err(why) => {
                    let mut line = name;
                    line.extend(b" -- open failed: ");
                    line.extend(why.as_bytes());
                    self.fatal(now, 1, line)
                }
            },
            other @ (State::Between
            | State::Expecting { .. }
            | State::Typing { .. }
            | State::Collecting { .. }
            | State::Over) => other,
        };
        self.run(now);
    }

    /// Nothing more can be read, for now: the expect under way has failed.
    pub fn input_ended(&mut self, now: Instant, end: InputEnd) {
        let state = mem::replace(&mut self.state, State::Over);
        if let (InputEnd::EndOfFile, State::Expecting { .. } | State::Collecting { .. }) =
            (end, &state)
        {
            self.log(b"warning: read() on stdin returned 0".to_vec());
        }
        self.state = match state {
            State::Expecting { parts, .. } => {
                self.hasty = false;
                self.missed(now, parts, 3, None)
            }
            State::Collecting { done, .. } => self.conclude(done),
            other @ (State::Between
            | State::Typing { .. }
            | State::AwaitingFile { .. }
            | State::Over) => other,
        };
        self.run(now);
    }

    /// A signal, or what stands for one, ends the run with exit code 2: `name` is its name, `SIGTERM`.
    pub fn interrupt(&mut self, now: Instant, name: &str) {
        self.state = match mem::replace(&mut self.state, State::Over) {
            State::Over => State::Over,
            State::Collecting { .. } => {
                self.conclude(Done { code: 2, message: name.as_bytes().to_vec() })
            }
            State::Between
            | State::Expecting { .. }
            | State::Typing { .. }
            | State::AwaitingFile { .. } => self.fatal(now, 2, name.as_bytes().to_vec()),
        };
    }

    /// How many bytes may be read now without taking any that belong to whoever speaks on the line after a
    /// script that succeeds: zero while nothing is awaited, else at least one. What later tokens must read
    /// anyway counts, so most of a script reads in bulk.
    #[must_use]
    pub fn wanted(&self) -> usize {
        match &self.state {
            State::Expecting { listener, .. } => {
                let later = self.later.get(self.next).copied().unwrap_or(0);
                listener.missing().saturating_add(later).clamp(1, MOST_HELD)
            }
            State::Collecting { .. } => 1,
            State::Between | State::Typing { .. } | State::AwaitingFile { .. } | State::Over => 0,
        }
    }

    /// When [`Engine::tick`] is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        let alarm = |at: &Option<Instant>, why| at.map(|at| Deadline::new(at, why));
        match &self.state {
            State::Expecting { .. } | State::Collecting { .. } if self.hasty => {
                Some(Deadline::new(Instant::ZERO, "what is there already"))
            }
            State::Expecting { alarm: at, .. } => alarm(at, "an expected string"),
            State::Typing { phase: Phase::Resting { until, .. }, alarm: at, .. } => {
                let pause = Deadline::new(*until, "a pause in a send");
                Deadline::earliest(Some(pause), alarm(at, "the end of a send"))
            }
            State::Typing { alarm: at, .. } => alarm(at, "the end of a send"),
            State::Collecting { alarm, .. } => Some(Deadline::new(*alarm, "the rest of a report")),
            State::Between | State::AwaitingFile { .. } | State::Over => None,
        }
    }

    /// The next step; drain until `None`.
    pub fn poll(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// Where the token stood that is being carried out, or was last: `None` before the first.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let token = self.script.tokens().get(self.next.checked_sub(1)?)?;
        Some(token.place)
    }

    /// Bytes that were received and that no expect has looked at: they belong to the next speaker.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.held.into()
    }

    /// Lets the state act until it waits for something.
    fn run(&mut self, now: Instant) {
        loop {
            let turn = match mem::replace(&mut self.state, State::Over) {
                State::Between => self.next_token(now),
                State::Expecting { listener, parts, alarm } => {
                    self.listen(now, listener, parts, alarm)
                }
                State::Typing { typed, phase, alarm, rung, then } => {
                    self.type_on(now, typed, phase, alarm, rung, then)
                }
                State::Collecting { done, alarm } => self.collect(now, done, alarm),
                waiting @ (State::AwaitingFile { .. } | State::Over) => Turn::Wait(waiting),
            };
            match turn {
                Turn::On(state) => self.state = state,
                Turn::Wait(state) => {
                    self.state = state;
                    break;
                }
            }
        }
    }

    fn next_token(&mut self, now: Instant) -> Turn {
        let Some(token) = self.script.tokens().get(self.next) else {
            return Turn::On(match self.script.fault() {
                Some(fault) => {
                    let line = format!("unterminated quote (line {})", fault.counted_line);
                    self.fatal(now, 1, line.into_bytes())
                }
                None => self.terminate(now, Done { code: 0, message: Vec::new() }),
            });
        };
        let text = token.text.clone();
        self.next += 1;
        match mem::replace(&mut self.slot, Slot::Expect) {
            Slot::Expect => {
                let keyword = Keyword::named(&text);
                self.slot = keyword.map_or(Slot::Send, Slot::Argument);
                Turn::On(match keyword {
                    Some(_) => State::Between,
                    None => self.begin_expect(now, Parts::new(text)),
                })
            }
            Slot::Send => Turn::On(self.begin_send(now, &text, Then::NextToken)),
            Slot::Argument(keyword) => Turn::On(match self.argument(keyword, &text) {
                Ok(()) => State::Between,
                Err((code, line)) => self.fatal(now, code, line),
            }),
        }
    }

    pub(super) fn fatal(&mut self, now: Instant, code: u8, mut message: Vec<u8>) -> State {
        message.truncate(LONGEST_LOG_LINE);
        self.steps.push_back(Step::Log(Severity::Error, message.clone()));
        self.terminate(now, Done { code, message })
    }

    /// The end, unless a report is still coming in.
    pub(super) fn terminate(&mut self, now: Instant, done: Done) -> State {
        if mem::take(&mut self.needs_newline) {
            self.push_echo(|out| out.push(b'\n'));
        }
        if self.report.is_some() {
            State::Collecting { done, alarm: now + SECOND }
        } else {
            self.conclude(done)
        }
    }

    pub(super) fn conclude(&mut self, done: Done) -> State {
        if let Some(report) = self.report.take() {
            self.say_report(report);
        }
        self.steps.push_back(Step::Done(done));
        State::Over
    }

    pub(super) fn log(&mut self, mut line: Vec<u8>) {
        line.truncate(LONGEST_LOG_LINE);
        self.steps.push_back(Step::Log(Severity::Info, line));
    }

    pub(super) fn push(&mut self, step: Step) {
        self.steps.push_back(step);
    }

    pub(super) fn say_alarm(&mut self) {
        if self.options.verbose {
            self.log(b"alarm".to_vec());
        }
    }
}
