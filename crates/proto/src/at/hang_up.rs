//! Hanging up without DTR: back to the command state, then `ATH`, seen to be done.
//!
//! ```text
//!   start ─► Silent ─► Escaped ─OK, or nothing─► Proving ─answer, OK─► Hooking ─OK─► Done
//!              ▲         │                          │                     │
//!              │         └── without a proof ───────┼────────────────────►│
//!              └──────────── again ─────────────────┴─────────────────────┘ at last Failed
//! ```
//!
//! On such a port the modem's answers are all that is seen, and a caller can type `OK` too. The guard time
//! tells him apart a little: an `OK` before the second silence is over is his. A [`Proof`] tells him
//! apart for good: a value that was put into the modem before the call, which he never saw.
//!
//! Moving DTR is the line's business. Whether the line is really free is the exchange's secret.

use std::collections::VecDeque;
use std::time::Duration;

use super::commands::{Command, Failure, Reason};
use super::escape::Escape;
use super::reader::{Form, Reader, Said};
use super::result::Answer;
use crate::time::{Deadline, Instant};

#[cfg(test)]
mod tests;

/// A question whose answer only this modem knows, such as the value of an unused S register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The question: `ATS30?`.
    pub question: Command,
    /// The line that must come before `OK`: `137`.
    pub answer: String,
}

/// How to hang up.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How the modem is called back to the command state.
    pub escape: Escape,
    /// How its answers look.
    pub form: Form,
    /// How long it may take to answer a command.
    pub limit: Duration,
    /// How often the whole is tried; at least once.
    pub tries: u32,
    /// How to know that it is the modem who answers.
    pub proof: Option<Proof>,
}

/// What [`HangUp`] wants done, or has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send these bytes to the modem.
    Send(Vec<u8>),
    /// The modem has hung up. The last step.
    Done,
    /// It could not be made to. The last step.
    Failed(Failure),
}

const HOOK: &str = "ATH";

/// How long the answer to the escape sequence is waited for, behind the second silence, from a modem that has said
/// `NO CARRIER`: most likely it is in the command state and does not answer at all. One that is on line after all, because it
/// was a caller who wrote the words, is in the command state by then too, and at worst has its `OK` taken for that to `ATH`.
const HUSHED_ANSWER: Duration = Duration::from_millis(200);

#[derive(Debug)]
enum State {
    Silent {
        until: Instant,
    },
    Escaped {
        sent: Instant,
        until: Instant,
    },
    /// The question is out; `proven` once its answer has come.
    Proving {
        proven: bool,
        until: Instant,
    },
    Hooking {
        until: Instant,
    },
    Ended,
}

/// Hangs up a modem by commands. Feed it bytes and time, drain its steps. Rings are not told: until the
/// end somebody may be typing them.
#[derive(Debug)]
pub struct HangUp {
    plan: Plan,
    reader: Reader,
    state: State,
    tried: u32,
    steps: VecDeque<Step>,
    transcript: String,
}

impl HangUp {
    /// Begins with the silence. Start it when everything sent before has left the port, and send
    /// nothing else to the modem until the last step.
    #[must_use]
    pub fn start(now: Instant, plan: Plan) -> Self {
        let until = now + plan.escape.silence();
        Self {
            reader: Reader::new(plan.form),
            plan,
            state: State::Silent { until },
            tried: 1,
            steps: VecDeque::new(),
            transcript: String::new(),
        }
    }

    /// The same where the last thing that came is `NO CARRIER`: all the steps, since a caller can write that, but less
    /// patience with an answer that is not expected.
    #[must_use]
    pub fn start_hushed(now: Instant, mut plan: Plan) -> Self {
        plan.escape.answer = plan.escape.answer.min(HUSHED_ANSWER);
        Self::start(now, plan)
    }

    /// Takes what the modem sent; what the caller still says among it is lost.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        self.reader.receive(bytes);
        while !matches!(self.state, State::Ended)
            && let Some(said) = self.reader.poll()
        {
            match said {
                Said::Result(code) => {
                    let answer = code.answer();
                    if answer == Answer::Connect {
                        // We did not ask for a call: the caller types this.
                        let rest = self.reader.take_rest();
                        self.reader.restart();
                        self.reader.receive(&rest);
                    }
                    self.hear(now, answer);
                }
                Said::Text(line) => {
                    if let (State::Proving { proven, .. }, Some(proof)) =
                        (&mut self.state, &self.plan.proof)
                    {
                        *proven |= line == proof.answer;
                    }
                }
                Said::CallerId(_) => {}
            }
        }
    }

    /// Goes on if a deadline has passed.
    pub fn tick(&mut self, now: Instant) {
        match self.state {
            State::Silent { until } if until <= now => {
                self.send(self.plan.escape.sequence().to_vec());
                self.state = State::Escaped { sent: now, until: self.plan.escape.until(now) };
            }
            // No answer: perhaps it was in the command state all the time, and the `+++` is now the
            // beginning of a command line. The CR ends it.
            State::Escaped { until, .. } if until <= now => {
                self.send(b"\r".to_vec());
                self.go_on(now);
            }
            State::Proving { until, .. } | State::Hooking { until } if until <= now => {
                self.again(now, Reason::Timeout { limit: self.plan.limit });
            }
            State::Silent { .. }
            | State::Escaped { .. }
            | State::Proving { .. }
            | State::Hooking { .. }
            | State::Ended => {}
        }
    }

    /// The next step, until `None`.
    pub fn poll(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// When [`Self::tick`] is wanted.
    #[must_use]
    pub const fn deadline(&self) -> Option<Deadline> {
        match self.state {
            State::Silent { until } => Some(Deadline::new(until, "guard time")),
            State::Escaped { until, .. } => Some(Deadline::new(until, "answer to +++")),
            State::Proving { until, .. } => Some(Deadline::new(until, "proof from the modem")),
            State::Hooking { until } => Some(Deadline::new(until, "answer to ATH")),
            State::Ended => None,
        }
    }

    /// Ends it; hands back the bytes that were not consumed: those behind the answer to `ATH`, such as
    /// the first `RING` of the next call.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.reader.finish()
    }

    fn hear(&mut self, now: Instant, answer: Answer) {
        match self.state {
            State::Escaped { sent, .. } => match answer {
                // Whatever it says, it is in the command state.
                Answer::Ok | Answer::Error | Answer::NoCarrier => {
                    if !self.plan.escape.is_too_early(sent, now) {
                        self.go_on(now);
                    }
                }
                Answer::Connect | Answer::None => {}
            },
            State::Proving { proven, .. } => match answer {
                Answer::Ok if proven => self.hook(now),
                Answer::Ok | Answer::Error => self.again(now, Reason::Unproven),
                Answer::NoCarrier | Answer::Connect | Answer::None => {}
            },
            State::Hooking { .. } => match answer {
                Answer::Ok | Answer::NoCarrier => {
                    self.state = State::Ended;
                    self.steps.push_back(Step::Done);
                }
                Answer::Error => self.again(now, Reason::Error),
                Answer::Connect | Answer::None => {}
            },
            State::Silent { .. } | State::Ended => {}
        }
    }

    /// The modem is in the command state, it seems: let it prove that, then hang up.
    fn go_on(&mut self, now: Instant) {
        match &self.plan.proof {
            Some(proof) => {
                let question = proof.question.line();
                self.send(question);
                self.state = State::Proving { proven: false, until: now + self.plan.limit };
            }
            None => self.hook(now),
        }
    }

    fn hook(&mut self, now: Instant) {
        self.send(format!("{HOOK}\r").into_bytes());
        self.state = State::Hooking { until: now + self.plan.limit };
    }

    fn again(&mut self, now: Instant, reason: Reason) {
        if self.tried < self.plan.tries {
            self.tried += 1;
            self.state = State::Silent { until: now + self.plan.escape.silence() };
            return;
        }
        self.state = State::Ended;
        let transcript = std::mem::take(&mut self.transcript);
        self.steps.push_back(Step::Failed(Failure {
            command: HOOK.to_owned(),
            reason,
            transcript,
        }));
    }

    fn send(&mut self, bytes: Vec<u8>) {
        self.transcript.push_str(&format!("> {}\n", bytes.trim_ascii().escape_ascii()));
        self.steps.push_back(Step::Send(bytes));
    }
}
