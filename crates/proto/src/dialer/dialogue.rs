//! The talk at a server's prompts: wait for one, answer, wait for the next; and know a refusal when it comes.
//!
//! ```text
//!   Listening ─prompt─► Pausing ─► (answer) ─► Listening ... no more turns ─► Done
//!       │ a refusal                               │ after a request: Listening until the server hangs up
//!       ├──► Refused ─end of its line─► Failed    └─NO CARRIER─► HungUp
//!       └ time over ──────────────────► Failed
//! ```
//!
//! It does not know whether there is a carrier signal; the owner tells what that shows.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Cause, Failure, Login, Request};
use crate::expect::{Expect, PatternFault};
use crate::login::Secret;
use crate::time::{Deadline, Instant};

/// Between a prompt and the answer: servers empty their input once more after they have asked (mgetty 1.2.1
/// does), and the rest of the prompt's line is still to come.
const BEFORE_ANSWER: Duration = Duration::from_millis(300);

/// The end of a refusal's line may take so long.
const REST_OF_LINE: Duration = Duration::from_millis(500);

/// How much of the line that is coming in is kept, to be quoted.
pub const MAX_LINE: usize = 160;

/// How many bytes may come in while an answer is due. A server says a line or two.
pub const MAX_HELD: usize = 4 * 1024;

/// What a modem says when the call is over, with the line ends that tell it from a server's sentence.
const GONE: [&[u8]; 2] = [b"\nNO CARRIER\r", b"\rNO CARRIER\r"];

/// What asks for a password, where a callback user is asked for none.
const PASSWORD: &[u8] = b"assword:";

/// How servers refuse: words, and what they mean. The first ones are our own server's.
pub const REFUSALS: &[(&str, Cause)] = &[
    ("cannot be called back", Cause::NumberRefused),
    ("no telephone number", Cause::NumberRefused),
    ("cannot call you back now", Cause::NotNow),
    ("no service of this name", Cause::WrongName),
    ("called back already", Cause::NotNow),
    ("ogin incorrect", Cause::WrongName),
];

/// What a [`Dialogue`] wants done, or has to tell.
#[derive(Debug)]
pub enum Step {
    /// Send this answer.
    Say(Secret),
    /// Every prompt is answered.
    Said,
    /// The server has hung up after it had been told what it wanted. The last step of a request.
    HungUp {
        /// It did not ask for the number that it was to be given: it knows one, or it just hung up.
        unasked: bool,
    },
    /// It did not work. The last step.
    Failed(Failure),
}

/// One prompt and its answer.
#[derive(Debug)]
struct Turn {
    prompt: Vec<u8>,
    answer: Secret,
    /// What may come in its place, and means a failure.
    wrong: Vec<(Vec<u8>, Cause)>,
    /// Whether the call's end is as good as the prompt.
    may_end: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Prompt,
    Gone,
    Wrong(Cause),
    Refusal(Cause),
}

#[derive(Debug)]
struct Ear {
    expect: Expect,
    meanings: Vec<Meaning>,
}

impl Ear {
    fn new(patterns: Vec<(Vec<u8>, Meaning)>) -> Result<Self, PatternFault> {
        let (texts, meanings): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
        Ok(Self { expect: Expect::new(&texts)?, meanings })
    }
}

#[derive(Debug)]
enum State {
    Listening {
        ear: Box<Ear>,
        may_end: bool,
        until: Instant,
    },
    /// The prompt is there; these bytes came behind it.
    Pausing {
        answer: Secret,
        held: Vec<u8>,
        until: Instant,
    },
    Refused {
        cause: Cause,
        until: Instant,
    },
    Ended {
        rest: Vec<u8>,
    },
}

/// Answers the prompts of one call.
#[derive(Debug)]
pub struct Dialogue {
    state: State,
    turns: VecDeque<Turn>,
    /// What may come when all is said, until the server hangs up; `None`: nothing, all is done then.
    leave: Option<Vec<(Vec<u8>, Cause)>>,
    refusals: Vec<(Vec<u8>, Cause)>,
    prompt_time: Duration,
    line: Vec<u8>,
    steps: VecDeque<Step>,
}

impl Dialogue {
    /// Asks to be called back.
    ///
    /// # Errors
    /// A prompt is empty or far too long.
    pub fn request(
        now: Instant,
        asked: &Request,
        prompt_time: Duration,
    ) -> Result<Self, PatternFault> {
        let name_again = vec![
            (asked.login_prompt.clone(), Cause::WrongName),
            (PASSWORD.to_vec(), Cause::WrongName),
        ];
        let mut turns = VecDeque::from([Turn {
            prompt: asked.login_prompt.clone(),
            answer: Secret::new(asked.name.clone()),
            wrong: Vec::new(),
            may_end: false,
        }]);
        let leave = match &asked.number {
            Some(number) => {
                turns.push_back(Turn {
                    prompt: asked.number_prompt.clone(),
                    answer: Secret::new(number.clone()),
                    wrong: name_again,
                    // The server knew the number and did not ask.
                    may_end: true,
                });
                vec![(asked.number_prompt.clone(), Cause::NumberRefused)]
            }
            None => {
                let mut leave = name_again;
                leave.push((asked.number_prompt.clone(), Cause::NumberWanted));
                leave
            }
        };
        let own = asked.refusals.iter().map(|words| (words.clone(), Cause::NumberRefused));
        let refusals = own
            .chain(REFUSALS.iter().map(|&(words, cause)| (words.as_bytes().to_vec(), cause)))
            .collect();
        Self::start(now, turns, Some(leave), refusals, prompt_time)
    }

    /// Logs in.
    ///
    /// # Errors
    /// A prompt is empty or far too long.
    pub fn login(now: Instant, login: &Login, prompt_time: Duration) -> Result<Self, PatternFault> {
        let mut turns = VecDeque::from([Turn {
            prompt: login.login_prompt.clone(),
            answer: Secret::new(login.name.clone()),
            wrong: Vec::new(),
            may_end: false,
        }]);
        if let Some(password) = &login.password {
            turns.push_back(Turn {
                prompt: login.password_prompt.clone(),
                answer: password.clone(),
                wrong: vec![(login.login_prompt.clone(), Cause::LoginRefused)],
                may_end: false,
            });
        }
        let refusals = vec![
            (b"ogin incorrect".to_vec(), Cause::LoginRefused),
            (b"no service of this name".to_vec(), Cause::LoginRefused),
        ];
        Self::start(now, turns, None, refusals, prompt_time)
    }

    fn start(
        now: Instant,
        turns: VecDeque<Turn>,
        leave: Option<Vec<(Vec<u8>, Cause)>>,
        refusals: Vec<(Vec<u8>, Cause)>,
        prompt_time: Duration,
    ) -> Result<Self, PatternFault> {
        let mut dialogue = Self {
            state: State::Ended { rest: Vec::new() },
            turns,
            leave,
            refusals,
            prompt_time,
            line: Vec::new(),
            steps: VecDeque::new(),
        };
        dialogue.listen(now, &[])?;
        Ok(dialogue)
    }

    /// Takes what the far end says.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match &mut self.state {
                State::Listening { ear, .. } => {
                    let hit = ear.expect.feed(rest);
                    let end = hit.map_or(rest.len(), |hit| hit.end);
                    let (heard, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                    let meaning = hit.and_then(|hit| ear.meanings.get(hit.pattern).copied());
                    self.note(heard);
                    if let Some(meaning) = meaning {
                        self.heard(now, meaning);
                    }
                    after
                }
                State::Pausing { held, .. } => {
                    let room = MAX_HELD.saturating_sub(held.len());
                    held.extend(rest.iter().take(room));
                    &[]
                }
                State::Refused { cause, .. } => {
                    let cause = *cause;
                    let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
                    self.note(rest.get(..end.unwrap_or(rest.len())).unwrap_or_default());
                    if end.is_some() {
                        self.fail(cause);
                    }
                    &[]
                }
                State::Ended { rest: kept } => {
                    let room = MAX_HELD.saturating_sub(kept.len());
                    kept.extend(rest.iter().take(room));
                    &[]
                }
            };
        }
    }

    /// The carrier is gone.
    pub fn carrier_lost(&mut self, now: Instant) {
        match &self.state {
            State::Listening { .. } => self.heard(now, Meaning::Gone),
            State::Pausing { .. } => self.fail(Cause::CarrierLost),
            State::Refused { cause, .. } => self.fail(*cause),
            State::Ended { .. } => {}
        }
    }

    /// Goes on if a deadline has passed.
    pub fn tick(&mut self, now: Instant) {
        match &mut self.state {
            State::Listening { until, .. } if *until <= now => {
                let all_said = self.turns.is_empty();
                self.fail(if all_said { Cause::NotHungUp } else { Cause::NoPrompt });
            }
            State::Pausing { answer, held, until } if *until <= now => {
                let (answer, held) = (answer.clone(), std::mem::take(held));
                // Nothing must be said to a modem in its command state, and nothing was asked for yet.
                let gone = |text: &[u8]| held.windows(text.len()).any(|window| window == text);
                if GONE.into_iter().any(gone) {
                    return self.fail(Cause::CarrierLost);
                }
                self.steps.push_back(Step::Say(answer));
                self.line.clear();
                // Every set of prompts was tried at the start.
                if self.listen(now, &held).is_err() {
                    self.fail(Cause::NoPrompt);
                }
            }
            State::Refused { cause, until } if *until <= now => {
                let cause = *cause;
                self.fail(cause);
            }
            State::Listening { .. }
            | State::Pausing { .. }
            | State::Refused { .. }
            | State::Ended { .. } => {}
        }
    }

    /// The next step, until `None`.
    pub fn poll(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// When [`Self::tick`] is wanted.
    #[must_use]
    pub const fn deadline(&self) -> Option<Deadline> {
        match &self.state {
            State::Listening { until, .. } => Some(Deadline::new(*until, "a prompt")),
            State::Pausing { until, .. } => {
                Some(Deadline::new(*until, "the pause before an answer"))
            }
            State::Refused { until, .. } => Some(Deadline::new(*until, "the rest of a refusal")),
            State::Ended { .. } => None,
        }
    }

    /// Ends it; hands back the bytes behind the last prompt.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        match self.state {
            State::Ended { rest } => rest,
            State::Pausing { held, .. } => held,
            State::Listening { .. } | State::Refused { .. } => Vec::new(),
        }
    }

    /// Listens for what is due next; `held` has come already.
    fn listen(&mut self, now: Instant, held: &[u8]) -> Result<(), PatternFault> {
        let (mut patterns, wrong, may_end) = match (self.turns.front(), &self.leave) {
            (Some(turn), _) => {
                (vec![(turn.prompt.clone(), Meaning::Prompt)], &turn.wrong, turn.may_end)
            }
            (None, Some(leave)) => (Vec::new(), leave, true),
            (None, None) => {
                // What came before the answer belongs to its prompt.
                self.steps.push_back(Step::Said);
                self.state = State::Ended { rest: Vec::new() };
                return Ok(());
            }
        };
        if self.turns.is_empty() {
            self.steps.push_back(Step::Said);
        }
        patterns.extend(wrong.iter().map(|(text, cause)| (text.clone(), Meaning::Wrong(*cause))));
        let refusals = self.refusals.iter();
        patterns.extend(refusals.map(|(text, cause)| (text.clone(), Meaning::Refusal(*cause))));
        patterns.extend(GONE.map(|text| (text.to_vec(), Meaning::Gone)));
        let ear = Box::new(Ear::new(patterns)?);
        self.state = State::Listening { ear, may_end, until: now + self.prompt_time };
        self.receive(now, held);
        Ok(())
    }

    fn heard(&mut self, now: Instant, meaning: Meaning) {
        let State::Listening { may_end, .. } = &self.state else { return };
        let may_end = *may_end;
        match meaning {
            Meaning::Prompt => {
                if let Some(turn) = self.turns.pop_front() {
                    let until = now + BEFORE_ANSWER;
                    self.state = State::Pausing { answer: turn.answer, held: Vec::new(), until };
                }
            }
            Meaning::Gone if may_end => {
                let unasked = !self.turns.is_empty();
                self.steps.push_back(Step::HungUp { unasked });
                self.state = State::Ended { rest: Vec::new() };
            }
            Meaning::Gone => self.fail(Cause::CarrierLost),
            Meaning::Wrong(cause) => self.fail(cause),
            Meaning::Refusal(cause) => {
                self.state = State::Refused { cause, until: now + REST_OF_LINE };
            }
        }
    }

    /// Ends with a failure; the last line that was heard is quoted.
    fn fail(&mut self, cause: Cause) {
        let text = String::from_utf8_lossy(&self.line);
        let shown: String = text.trim().chars().filter(|c| !c.is_control()).collect();
        self.steps.push_back(Step::Failed(Failure::new(cause, shown)));
        self.state = State::Ended { rest: Vec::new() };
    }

    /// Keeps the last line that has anything in it.
    fn note(&mut self, heard: &[u8]) {
        for &byte in heard {
            if self.line.len() == MAX_LINE || self.line.ends_with(b"\n") && byte > b' ' {
                self.line.clear();
            }
            match byte {
                b'\r' => {}
                b'\n' if self.line.is_empty() => {}
                _ => self.line.push(byte),
            }
        }
    }
}
