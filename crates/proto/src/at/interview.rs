//! Asking an unknown modem who it is and what it can do, without dialling, answering or storing anything.
//!
//! ```text
//!   start ─► contact (AT, three times) ─ OK ─► each question of QUESTIONS in turn ─► Done
//!              │ no answer, to no try             OK: said   ERROR: refused   silence: no answer
//!              ▼
//!             Mute
//! ```
//!
//! What the answers mean is [`identity`](super::identity)'s business. The one thing changed in the modem is how it talks
//! to us (`ATQ0V1E0`), which its next reset undoes.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::commands::{self, Command, Commands, Plan};
use super::reader::Form;
use crate::time::{Deadline, Instant};

/// A question, by the command that asks it.
pub type Question = &'static str;

/// What is asked, in this order. What a modem does not know it refuses, which tells something too.
pub const QUESTIONS: [Question; 13] = [
    // Who it is: V.250 §6.1.4 to §6.1.6, and the older I commands, which every make fills as it likes.
    "AT+GMI",
    "AT+GMM",
    "AT+GMR",
    "ATI0",
    "ATI3",
    "ATI4",
    "AT+GCAP",
    // What it can do: fax (T.32), caller ID (V.253, Rockwell, GSM), data calls in a GSM network.
    "AT+FCLASS=?",
    "AT+VCID=?",
    "AT#CID=?",
    "AT+CBST=?",
    // What it would do by itself now.
    "ATS0?",
    "ATS2?",
];

/// How the answers are to look.
const MANNERS: &str = "ATQ0V1E0";
/// How long the first answer may take at each try: a modem that is there answers in a tenth of that.
const CONTACT_TIME: Duration = Duration::from_millis(700);
/// How often contact is tried: the first `AT` tells a modem our speed, and is lost in some.
const CONTACT_TRIES: u32 = 3;
/// How long any answer may take. `ATI4` of a Courier is two screens at 2400 bit/s.
const ANSWER_TIME: Duration = Duration::from_secs(6);
/// Between an answer and the next question.
const PAUSE: Duration = Duration::from_millis(50);

/// What a modem did when it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It said this, and `OK`.
    Said(Vec<String>),
    /// `ERROR`.
    Refused,
    /// Nothing.
    Silent,
}

/// All that was asked, and what came of it.
pub type Answers = BTreeMap<Question, Answer>;

/// What [`Interview`] wants done, or has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send these bytes to the modem.
    Send(Vec<u8>),
    /// So many questions are answered.
    Progress(usize),
    /// The last step: everything has been asked.
    Done(Answers),
    /// The last step: nobody is there, or does not speak AT commands at this speed.
    Mute,
}

#[derive(Debug)]
enum Stage {
    Contact,
    Manners,
    /// The question with this index is out.
    Asking(usize),
    Ended,
}

/// An interview under way. Feed it bytes and time, drain its steps.
#[derive(Debug)]
pub struct Interview {
    stage: Stage,
    talk: Commands,
    answers: Answers,
    steps: VecDeque<Step>,
}

impl Interview {
    /// Begins with an `AT`.
    #[must_use]
    pub fn start(now: Instant) -> Self {
        let talk = talk("AT", CONTACT_TIME, CONTACT_TRIES, now);
        let mut interview =
            Self { stage: Stage::Contact, talk, answers: Answers::new(), steps: VecDeque::new() };
        interview.go_on(now);
        interview
    }

    /// Takes what the modem sent.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        self.talk.receive(now, bytes);
        self.go_on(now);
    }

    /// Goes on if a deadline has passed.
    pub fn tick(&mut self, now: Instant) {
        self.talk.tick(now);
        self.go_on(now);
    }

    /// The next step, until `None`.
    pub fn poll(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// When [`Self::tick`] is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        match self.stage {
            Stage::Contact | Stage::Manners | Stage::Asking(_) => self.talk.deadline(),
            Stage::Ended => None,
        }
    }

    fn go_on(&mut self, now: Instant) {
        while let Some(step) = self.talk.poll() {
            match step {
                commands::Step::Send(bytes) => self.steps.push_back(Step::Send(bytes)),
                // Somebody calls while we ask: he is not answered, and rings again.
                commands::Step::Ring(_) | commands::Step::CallerId(_) => {}
                commands::Step::Done => self.answered(None, now),
                commands::Step::Failed(failure) => self.answered(Some(failure.reason), now),
            }
        }
    }

    fn answered(&mut self, failed: Option<commands::Reason>, now: Instant) {
        let next = match self.stage {
            Stage::Contact if failed.is_some() => {
                self.stage = Stage::Ended;
                self.steps.push_back(Step::Mute);
                return;
            }
            Stage::Contact => {
                self.stage = Stage::Manners;
                self.turn_to(MANNERS, now);
                return;
            }
            Stage::Manners => 0,
            Stage::Asking(index) => {
                if let Some(question) = QUESTIONS.get(index) {
                    let answer = self.answer(question, failed);
                    self.answers.insert(question, answer);
                }
                self.steps.push_back(Step::Progress(index + 1));
                index + 1
            }
            Stage::Ended => return,
        };
        match QUESTIONS.get(next) {
            Some(question) => {
                self.stage = Stage::Asking(next);
                self.turn_to(question, now);
            }
            None => {
                self.stage = Stage::Ended;
                self.steps.push_back(Step::Done(std::mem::take(&mut self.answers)));
            }
        }
    }

    /// What the conversation just over comes to.
    fn answer(&self, question: Question, failed: Option<commands::Reason>) -> Answer {
        let said = || {
            let transcript = self.talk.transcript();
            let heard = transcript.lines().filter_map(|line| line.strip_prefix("< "));
            heard
                .map(str::trim)
                // The echo, where E0 is not known, and the result.
                .filter(|line| !line.is_empty() && *line != question && *line != "OK")
                .map(str::to_owned)
                .collect()
        };
        match failed {
            None => Answer::Said(said()),
            Some(commands::Reason::Timeout { .. }) => Answer::Silent,
            Some(
                commands::Reason::Error | commands::Reason::Connected | commands::Reason::Unproven,
            ) => Answer::Refused,
        }
    }

    fn turn_to(&mut self, command: &str, now: Instant) {
        let next = talk(command, ANSWER_TIME, 1, now);
        let rest = std::mem::replace(&mut self.talk, next).finish();
        self.talk.receive(now, &rest);
    }
}

/// A conversation of one command.
fn talk(command: &str, limit: Duration, tries: u32, now: Instant) -> Commands {
    let commands = Command::new(command).into_iter().map(|mut command| {
        command.limit = limit;
        command.tries = tries;
        command.pause = PAUSE;
        command
    });
    let plan = Plan { commands: commands.collect(), form: Form::Verbose, force: None };
    Commands::start(now, plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a modem that knows these answers and echoes each command; the interview's last step.
    fn interviewed(knows: &[(&str, &str)], mute: bool) -> (Step, u64) {
        let mut now = Instant::ZERO;
        let mut interview = Interview::start(now);
        for _ in 0..1_000 {
            let Some(step) = interview.poll() else {
                now = interview.deadline().expect("it waits for something").at;
                interview.tick(now);
                continue;
            };
            match step {
                Step::Send(bytes) if !mute => {
                    let command = String::from_utf8(bytes).unwrap();
                    let command = command.trim();
                    let said = match knows.iter().find(|(known, _)| *known == command) {
                        Some((_, "")) => "\r\nOK\r\n".to_owned(),
                        Some((_, "-")) => String::new(),
                        Some((_, said)) => format!("\r\n{said}\r\n\r\nOK\r\n"),
                        None => "\r\nERROR\r\n".to_owned(),
                    };
                    interview.receive(now, format!("{command}\r{said}").as_bytes());
                }
                Step::Send(_) | Step::Progress(_) => {}
                last @ (Step::Done(_) | Step::Mute) => return (last, now.as_millis()),
            }
        }
        panic!("it never ends");
    }

    #[test]
    fn every_question_is_a_command_that_may_be_sent() {
        for question in QUESTIONS.iter().chain(&["AT", MANNERS]) {
            assert!(Command::new(question).is_ok(), "{question}");
        }
    }

    #[test]
    fn what_is_said_refused_and_not_answered_is_told_apart() {
        let knows = [
            ("AT", ""),
            (MANNERS, ""),
            ("AT+GMM", "RC336DPFSP"),
            ("ATI4", "a\r\nb\r\n\r\nc"),
            ("ATI3", ""),
            ("ATS0?", "-"),
        ];
        let (step, _) = interviewed(&knows, false);
        let Step::Done(answers) = step else { panic!("{step:?}") };
        assert_eq!(answers.len(), QUESTIONS.len());
        let said = |lines: &[&str]| Answer::Said(lines.iter().map(|&l| l.to_owned()).collect());
        assert_eq!(answers["AT+GMM"], said(&["RC336DPFSP"]));
        assert_eq!(answers["ATI4"], said(&["a", "b", "c"]));
        assert_eq!(answers["ATI3"], said(&[]));
        assert_eq!(answers["AT+GMI"], Answer::Refused);
        assert_eq!(answers["ATS0?"], Answer::Silent);
    }

    #[test]
    fn where_nobody_answers_it_is_over_in_three_seconds() {
        let (step, ms) = interviewed(&[], true);
        assert_eq!(step, Step::Mute);
        assert!(ms < 3_000, "{ms} ms");
    }

    #[test]
    fn whatever_a_modem_says_the_interview_ends() {
        const NOISE: &[u8] = b"\r\nOKERROR\x10\xff0AT+:";
        let mut seed = 0x5eed_u64;
        for _ in 0..200 {
            let mut now = Instant::ZERO;
            let mut interview = Interview::start(now);
            let mut steps = 0;
            let over = loop {
                steps += 1;
                assert!(steps < 100_000, "seed {seed:#x}: it never ends");
                match interview.poll() {
                    Some(Step::Done(answers)) => {
                        let said: usize = answers
                            .values()
                            .map(|answer| match answer {
                                Answer::Said(lines) => lines.len(),
                                Answer::Refused | Answer::Silent => 0,
                            })
                            .sum();
                        break said <= QUESTIONS.len() * commands::MAX_TRANSCRIPT;
                    }
                    Some(Step::Mute) => break true,
                    Some(_) => {
                        let noise: Vec<u8> = (0..40)
                            .map(|_| {
                                seed ^= seed << 13;
                                seed ^= seed >> 7;
                                seed ^= seed << 17;
                                NOISE[usize::try_from(seed % 16).unwrap()]
                            })
                            .collect();
                        interview.receive(now, &noise);
                    }
                    None => {
                        now = interview.deadline().expect("it waits for something").at;
                        interview.tick(now);
                    }
                }
            };
            assert!(over, "seed {seed:#x}");
        }
    }
}
