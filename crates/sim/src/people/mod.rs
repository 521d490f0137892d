//! Callers, as machines: somebody at a computer with a modem who follows a script.
//!
//! ```text
//!   step 1 ─► step 2 ─► ... ─► done
//!     │ an expected text does not come in time, or one comes that ends everything
//!     └─► failed (at which step, why)
//! ```
//!
//! A script is a list of [`Step`]s; [`scripts`] has those of the people that a callback server meets: chat(8) with the
//! usual callback script, Windows 98, a person who types and errs, one who says nothing, one who floods. It is
//! not chat(8): what a real one does is tested with the real one.
//!
//! It does not know the exchange: bytes and DTR go in and out.

use std::collections::VecDeque;
use std::time::Duration;

use proto::time::{Deadline, Instant};

mod impostor;
mod ppp;
pub mod scripts;

pub use self::impostor::{Answer, Impostor};
use self::impostor::{Played, Playing};
pub use self::ppp::{PppCall, PppEnd};
use self::ppp::{Talk, Talked};

/// One thing that a caller does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sends this, as it is.
    Send(String),
    /// Waits until this is heard, at most so long.
    Expect {
        /// The text.
        text: String,
        /// Whether letter case does not count, as with Windows' `waitfor`.
        fold: bool,
        /// How long.
        within: Duration,
    },
    /// From now on this text ends everything.
    Abort(String),
    /// This text no longer does.
    NoAbort(String),
    /// Waits.
    Pause(Duration),
    /// Raises or drops DTR.
    Dtr(bool),
    /// Sends the code that was shown on an earlier call: the last six digits in a row on the screen, and a CR.
    SendCode,
    /// Forgets what was heard so far.
    Forget,
    /// Speaks PPP until the link is over.
    Ppp(Box<PppCall>),
    /// Plays the modem of the other side, whose commands come to him.
    PlayModem(Impostor),
}

/// How a caller has fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// He is still at it, at this step (from 0).
    Busy(usize),
    /// The script is through.
    Done,
    /// It is not.
    Failed {
        /// At which step (from 0).
        step: usize,
        /// Why.
        why: String,
    },
}

/// What a caller does to his modem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerOutput {
    /// Sends bytes.
    Bytes(Vec<u8>),
    /// Raises or drops DTR.
    Dtr(bool),
}

/// What is kept of what was heard and not yet expected. More than any prompt is long.
const HEARD_LIMIT: usize = 4_096;
/// What is kept of his screen for the story.
const SCREEN_LIMIT: usize = 64 * 1_024;

#[derive(Debug)]
enum State {
    /// The next step can be taken.
    Ready,
    /// Nothing happens before.
    Pausing(Instant),
    /// An expected text has to come before.
    Expecting(Instant),
    /// A PPP link has the line.
    Talking(Box<Talk>),
    /// He plays the other side's modem.
    Playing(Playing),
    Over,
}

/// A caller.
#[derive(Debug)]
pub struct Caller {
    steps: Vec<Step>,
    at: usize,
    state: State,
    aborts: Vec<String>,
    heard: Vec<u8>,
    screen: Vec<u8>,
    outcome: Outcome,
    out: VecDeque<CallerOutput>,
}

impl Caller {
    /// Somebody who begins with this script at `now`.
    #[must_use]
    pub fn new(now: Instant, steps: Vec<Step>) -> Self {
        let mut caller = Self {
            steps,
            at: 0,
            state: State::Ready,
            aborts: Vec::new(),
            heard: Vec::new(),
            screen: Vec::new(),
            outcome: Outcome::Busy(0),
            out: VecDeque::new(),
        };
        caller.go_on(now);
        caller
    }

    /// The modem says something.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        let room = SCREEN_LIMIT.saturating_sub(self.screen.len());
        self.screen.extend(bytes.iter().take(room));
        if let State::Over = self.state {
            return;
        }
        self.heard.extend_from_slice(bytes);
        if self.heard.len() > HEARD_LIMIT {
            self.heard.drain(..self.heard.len() - HEARD_LIMIT);
        }
        if let State::Talking(talk) = &mut self.state {
            talk.receive(now, bytes);
            // His modem says so; what is behind it is not for the link.
            if find(&self.heard, "NO CARRIER", false).is_some() {
                talk.carrier_lost(now);
            }
            return self.talk(now);
        }
        self.go_on(now);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        match &mut self.state {
            State::Talking(talk) => {
                talk.tick(now);
                self.talk(now);
            }
            State::Pausing(at) if *at <= now => {
                self.state = State::Ready;
                self.go_on(now);
            }
            State::Expecting(until) if *until <= now => self.fail("it did not come in time"),
            State::Playing(_) => self.go_on(now),
            State::Ready | State::Pausing(_) | State::Expecting(_) | State::Over => {}
        }
    }

    /// What he does next.
    pub fn poll(&mut self) -> Option<CallerOutput> {
        self.out.pop_front()
    }

    /// When [`Self::tick`] is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        match &self.state {
            State::Ready | State::Over => None,
            State::Pausing(at) => Some(Deadline::new(*at, "a caller's pause")),
            State::Expecting(at) => Some(Deadline::new(*at, "a caller's patience")),
            State::Talking(talk) => talk.deadline(),
            State::Playing(playing) => Some(playing.deadline()),
        }
    }

    /// How he has fared.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// What he has seen on his screen, at most 64 KiB of it.
    #[must_use]
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen).into_owned()
    }

    /// He gives up, whatever he was about.
    pub fn stop(&mut self, why: &str) {
        if !matches!(self.state, State::Over) {
            self.fail(why);
        }
    }

    fn fail(&mut self, why: &str) {
        let step = match self.steps.get(self.at) {
            Some(step) => format!("{step:?}: {why}"),
            None => why.to_owned(),
        };
        self.outcome = Outcome::Failed { step: self.at, why: step };
        self.state = State::Over;
        // Whoever gives up closes his program, and with it the port.
        self.out.push_back(CallerOutput::Dtr(false));
    }

    /// Takes what the PPP link has to say, and goes on behind it.
    fn talk(&mut self, now: Instant) {
        let State::Talking(talk) = &mut self.state else { return };
        match talk.go_on(now, |octets| self.out.push_back(CallerOutput::Bytes(octets))) {
            Talked::On => {}
            Talked::Failed(why) => self.fail(&why),
            Talked::Over => {
                self.state = State::Ready;
                self.at += 1;
                self.outcome = Outcome::Busy(self.at);
                self.go_on(now);
            }
        }
    }

    fn go_on(&mut self, now: Instant) {
        if let Some(abort) =
            self.aborts.iter().find(|abort| find(&self.heard, abort, false).is_some())
        {
            let why = format!("heard {abort:?}");
            return self.fail(&why);
        }
        while let State::Ready | State::Expecting(_) | State::Playing(_) = self.state {
            let Some(step) = self.steps.get(self.at) else {
                self.outcome = Outcome::Done;
                self.state = State::Over;
                return;
            };
            match step {
                Step::Send(text) => {
                    self.out.push_back(CallerOutput::Bytes(text.as_bytes().to_vec()));
                }
                Step::Expect { text, fold, within } => match find(&self.heard, text, *fold) {
                    Some(end) => {
                        self.heard.drain(..end);
                    }
                    None => {
                        if matches!(self.state, State::Ready) {
                            self.state = State::Expecting(now + *within);
                        }
                        return;
                    }
                },
                Step::Abort(text) => self.aborts.push(text.clone()),
                Step::NoAbort(text) => self.aborts.retain(|abort| abort != text),
                Step::Pause(time) => {
                    self.state = State::Pausing(now + *time);
                    self.at += 1;
                    self.outcome = Outcome::Busy(self.at);
                    return;
                }
                Step::SendCode => {
                    let code = format!("{}\r", last_code(&self.screen));
                    self.out.push_back(CallerOutput::Bytes(code.into_bytes()));
                }
                Step::Dtr(on) => self.out.push_back(CallerOutput::Dtr(*on)),
                Step::Forget => self.heard.clear(),
                Step::Ppp(call) => {
                    let mut talk = Talk::begin(now, call);
                    talk.receive(now, &std::mem::take(&mut self.heard));
                    self.state = State::Talking(Box::new(talk));
                    return self.talk(now);
                }
                Step::PlayModem(impostor) => {
                    if !matches!(self.state, State::Playing(_)) {
                        self.state = State::Playing(Playing::begin(now, impostor));
                    }
                    let State::Playing(playing) = &mut self.state else { return };
                    let (out, heard) = (&mut self.out, &mut self.heard);
                    if let Played::On = playing.go_on(now, impostor, heard, |text| {
                        out.push_back(CallerOutput::Bytes(text.into()));
                    }) {
                        return;
                    }
                }
            }
            self.state = State::Ready;
            self.at += 1;
            self.outcome = Outcome::Busy(self.at);
        }
    }
}

/// The last six digits in a row of what was seen; nothing if there are none.
fn last_code(screen: &[u8]) -> String {
    let mut runs = screen.split(|byte| !byte.is_ascii_digit()).filter(|run| run.len() == 6);
    runs.next_back().map(|run| String::from_utf8_lossy(run).into_owned()).unwrap_or_default()
}

/// Where `text` ends in `heard`, if it is there.
fn find(heard: &[u8], text: &str, fold: bool) -> Option<usize> {
    let text = text.as_bytes();
    if text.is_empty() {
        return Some(0);
    }
    let same =
        |window: &[u8]| if fold { window.eq_ignore_ascii_case(text) } else { window == text };
    heard.windows(text.len()).position(same).map(|at| at + text.len())
}

#[cfg(test)]
mod tests {
    use super::scripts::{expect, send};
    use super::*;

    #[test]
    fn a_script_runs_to_its_end_or_tells_where_it_failed() {
        let script = || {
            vec![
                Step::Abort("BUSY".to_owned()),
                send("ATDT1\r"),
                expect("CONNECT", 10),
                Step::Pause(Duration::from_secs(1)),
                send("x"),
            ]
        };
        let play = |heard: &str, until: u64| {
            let mut caller = Caller::new(Instant::ZERO, script());
            caller.receive(Instant::from_millis(1), heard.as_bytes());
            caller.tick(Instant::from_millis(until));
            let sent: Vec<u8> = std::iter::from_fn(|| caller.poll())
                .flat_map(|output| match output {
                    CallerOutput::Bytes(bytes) => bytes,
                    CallerOutput::Dtr(_) => Vec::new(),
                })
                .collect();
            (String::from_utf8(sent).unwrap(), caller.outcome().clone())
        };
        assert_eq!(play("CONNECT 2400", 1_001), ("ATDT1\rx".to_owned(), Outcome::Done));
        assert_eq!(play("CONNECT 2400", 1_000), ("ATDT1\r".to_owned(), Outcome::Busy(4)));
        assert!(matches!(play("BUSY", 5), (_, Outcome::Failed { step: 2, .. })));
        assert!(matches!(play("", 10_000), (_, Outcome::Failed { step: 2, .. })));
    }
}
