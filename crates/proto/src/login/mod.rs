//! The prompt: issue text, a question, the answer typed, or PPP frames instead of it.
//!
//! ```text
//!     Settling --- the line is quiet ---> Asking --- a line -----------------> Ended
//!     Listening -- anything is heard ---^   |  ^------ empty or faulty -'        ^
//!         `----------- an LCP frame, a mailer, time is over --'------------------'
//! ```
//!
//! The same engine asks for a login name, for a telephone number and for a secret. It ends by itself: the
//! time limit holds while the line is idle and while somebody types, empty and faulty lines are counted,
//! and so is what is heard. After its end [`Prompt::finish`] gives back what belongs to the next speaker.
//!
//! Clients' scripts wait for words. Nothing that is sent here beyond the given texts may look like a modem's
//! answer or another prompt; a test reads all of it.
//!
//! The prompt does not know who may log in, nor what a good telephone number is.

mod echo;
mod editor;
mod issue;
mod secret;
mod sniff;
mod terminal;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use editor::{Edit, Editor};

use crate::time::{Deadline, Instant};

pub use editor::{Fault, Kind};
pub use issue::{Facts, MAX_LINE, from_agetty, render};
pub use secret::Secret;
pub use sniff::{Framing, LONGEST, Mailer, Match, Sniff};
pub use terminal::{Parity, Terminal};

/// The prompt of mgetty, before [`render`].
pub const LOGIN_PROMPT: &str = "\\r\\n@!login: ";
/// The question of mgetty's callback program. Clients' scripts wait for `number for callback: ` or `callback:`.
pub const NUMBER_PROMPT: &str = "Telephone number for callback: ";
/// The question for a password. Clients' scripts wait for `assword: `.
pub const PASSWORD_PROMPT: &str = "Password: ";

/// How long the line must be quiet before the first word. Modems print a line or two after `CONNECT`.
pub const QUIET: Duration = Duration::from_millis(300);
/// How long a line that is never quiet is waited for. Then the prompt goes out all the same.
pub const SETTLE_LIMIT: Duration = Duration::from_secs(3);
/// The most bytes heard for one question: a fax or a wrong speed must not keep the line until the time limit.
pub const MAX_HEARD: usize = 4096;
/// The most faulty lines for one question.
pub const MAX_FAULTY: u32 = 5;
/// The most characters of an answer, whatever the question allows: the line is allocated at once.
pub const MAX_LENGTH: usize = 1024;
/// The most bytes kept for the next speaker. A driver that takes the end as soon as it is polled never
/// gets near; what comes beyond is lost.
pub const MAX_REST: usize = 64 * 1024;

// None of these contains "at": a modem back in its command state would begin to read a command there.
const TOO_LONG: &[u8] = b"This is too long, please type it once more.\r\n";
const NOT_PLAIN: &[u8] = b"This did not come as plain text, please type it once more.\r\n";
const COMMAND: &[u8] = b"This is for a modem, but you are with its server; your name, please.\r\n";
const FAREWELL: &[u8] = b"\r\nGoodbye.\r\n";

/// When the question is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At once: the line has been quiet, or the caller was just speaking with us.
    AtOnce,
    /// When the line has been quiet for this long (but [`SETTLE_LIMIT`] at most). What is typed before the
    /// question is not an answer to it and is dropped; PPP frames are recognised already.
    AfterQuiet(Duration),
    /// When anything is typed: for lines without a modem, and for those that must not speak first.
    OnInput,
}

/// What is asked, and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Sent once before the prompt: the issue text, rendered.
    pub opening: Vec<u8>,
    /// The prompt, rendered. It is sent again after every empty or faulty line.
    pub prompt: Vec<u8>,
    /// What kind of answer is wanted.
    pub kind: Kind,
    /// When the question is put.
    pub begin: Begin,
    /// How long the whole may take, from `new` to the end of the line. It holds while the line is idle.
    pub time_limit: Duration,
    /// The most characters of an answer; never more than [`MAX_LENGTH`].
    pub max_length: usize,
    /// How many empty lines are answered with the prompt; one more ends the call. Scripts send a CR or two before
    /// they look at the prompt. A secret may be empty.
    pub max_empty: u32,
    /// Who else than a person may answer.
    pub sniff: Sniff,
}

impl Question {
    /// A login prompt, its texts rendered already: 240 s as mgetty, 32 characters as `utmp` has them, PPP frames recognised.
    #[must_use]
    pub const fn login(opening: Vec<u8>, prompt: Vec<u8>) -> Self {
        Self {
            opening,
            prompt,
            kind: Kind::Name { fold_capitals: false },
            begin: Begin::AfterQuiet(QUIET),
            time_limit: Duration::from_secs(240),
            max_length: 32,
            max_empty: 8,
            sniff: Sniff { ppp: true, fido: false },
        }
    }

    /// A plain question, for instance for the telephone number: 60 s, 40 characters.
    #[must_use]
    pub fn text(prompt: &str) -> Self {
        Self {
            opening: Vec::new(),
            prompt: prompt.as_bytes().to_vec(),
            kind: Kind::Text,
            begin: Begin::AtOnce,
            time_limit: Duration::from_secs(60),
            max_length: 40,
            max_empty: 3,
            sniff: Sniff { ppp: false, fido: false },
        }
    }

    /// A question for a secret, without echo: 60 s, 128 bytes.
    #[must_use]
    pub fn secret(prompt: &str) -> Self {
        Self { kind: Kind::Secret, max_length: 128, ..Self::text(prompt) }
    }
}

/// Why nobody was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GaveUp {
    /// The time limit passed without a finished line.
    Silence,
    /// More empty lines than allowed.
    TooManyEmpty,
    /// The caller typed ^D or ^\.
    Eof,
    /// Too many faulty lines ([`MAX_FAULTY`]) or too many bytes ([`MAX_HEARD`]).
    TooMuchNoise,
}

/// What a prompt wants done, in order. Everything but `Send` and `Faulty` is its end.
#[derive(Debug)]
pub enum Output {
    /// Bytes for the caller, parity included.
    Send(Vec<u8>),
    /// A line could not be taken; the caller is told, and asked again. For the journal.
    Faulty(Fault),
    /// The name typed at a [`Kind::Name`] question: ASCII, never empty, no leading blank or dash. A claim, not an identity.
    Named(String),
    /// What was typed at a [`Kind::Text`] question: ASCII, never empty.
    Answered(String),
    /// What was typed at a [`Kind::Secret`] question. May be empty.
    Secret(Secret),
    /// A PPP peer speaks. `finish` gives its frame, from the flag on.
    Ppp(Framing),
    /// A FidoNet mailer speaks. `finish` gives its greeting.
    Fido(Mailer),
    /// Nobody was recognised: hang up.
    GaveUp(GaveUp),
}

enum State {
    Settling { quiet: Instant, latest: Instant },
    Listening,
    Asking,
    Ended { rest: Vec<u8> },
}

/// A question being asked on one line.
pub struct Prompt {
    question: Question,
    /// When the time limit is over.
    until: Instant,
    state: State,
    editor: Editor,
    terminal: Terminal,
    /// Bytes that may become a frame or a greeting; at most [`LONGEST`].
    held: Vec<u8>,
    heard: usize,
    empty: u32,
    faulty: u32,
    /// Bytes to send that are not in `outputs` yet, and how many of them have their parity.
    saying: Vec<u8>,
    encoded: usize,
    outputs: VecDeque<Output>,
}

impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is typed may be a secret.
        f.debug_struct("Prompt").field("until", &self.until).finish_non_exhaustive()
    }
}

impl Prompt {
    /// Begins to ask. `terminal` is what the question before this one learned, or `Terminal::default()`.
    #[must_use]
    pub fn new(question: Question, terminal: Terminal, now: Instant) -> Self {
        let state = match question.begin {
            Begin::AtOnce => State::Asking,
            Begin::AfterQuiet(quiet) => {
                State::Settling { quiet: now + quiet, latest: now + quiet.max(SETTLE_LIMIT) }
            }
            Begin::OnInput => State::Listening,
        };
        let mut prompt = Self {
            until: now + question.time_limit,
            state,
            editor: Editor::new(question.kind, question.max_length.min(MAX_LENGTH)),
            terminal,
            held: Vec::with_capacity(LONGEST),
            heard: 0,
            empty: 0,
            faulty: 0,
            saying: Vec::new(),
            encoded: 0,
            outputs: VecDeque::new(),
            question,
        };
        if prompt.question.begin == Begin::AtOnce {
            prompt.ask();
            prompt.speak();
        }
        prompt
    }

    /// Takes what the caller sent.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        self.tick(now);
        let mut bytes = bytes;
        while let Some((&byte, after)) = bytes.split_first() {
            if let State::Ended { rest } = &mut self.state {
                let room = MAX_REST.saturating_sub(rest.len());
                rest.extend(bytes.iter().take(room));
                break;
            }
            bytes = after;
            self.heard += 1;
            if self.heard > MAX_HEARD {
                self.give_up(GaveUp::TooMuchNoise);
            } else {
                self.held.push(byte);
                self.sniff(now);
                self.encode();
            }
        }
        self.speak();
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Instant) {
        match self.state {
            State::Ended { .. } => return,
            State::Settling { .. } | State::Listening | State::Asking if now >= self.until => {
                self.give_up(GaveUp::Silence);
            }
            State::Settling { quiet, .. } => {
                if now >= quiet {
                    self.state = State::Asking;
                    self.ask();
                }
            }
            State::Listening | State::Asking => {}
        }
        self.speak();
    }

    /// The next thing to be done.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When `tick` is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        let limit = Deadline::new(self.until, "time limit of the prompt");
        match self.state {
            State::Settling { quiet, .. } => Some(limit.min(Deadline::new(quiet, "quiet line"))),
            State::Listening | State::Asking => Some(limit),
            State::Ended { .. } => None,
        }
    }

    /// What was learned about the caller's terminal so far.
    #[must_use]
    pub const fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    /// Ends the engine: the bytes that belong to the next speaker (typed ahead, or the frame from its flag on),
    /// and what is known about the terminal.
    #[must_use]
    pub fn finish(self) -> (Vec<u8>, Terminal) {
        let rest = match self.state {
            State::Ended { rest } => rest,
            State::Settling { .. } | State::Listening | State::Asking => self.held,
        };
        (rest, self.terminal)
    }

    /// Looks at the bytes held back and lets go those that are nobody's greeting.
    fn sniff(&mut self, now: Instant) {
        while !self.held.is_empty() {
            if let State::Ended { rest } = &mut self.state {
                rest.append(&mut self.held);
                return;
            }
            match self.question.sniff.look(&self.held, self.editor.is_blank()) {
                Match::Partly => return,
                Match::Nothing => {
                    let byte = self.held.remove(0);
                    self.typed(now, byte);
                }
                Match::Ppp(framing) => {
                    let frame = std::mem::take(&mut self.held);
                    self.end(Output::Ppp(framing), frame);
                }
                Match::Fido(mailer) => {
                    let greeting = std::mem::take(&mut self.held);
                    self.end(Output::Fido(mailer), greeting);
                }
            }
        }
    }

    fn typed(&mut self, now: Instant, byte: u8) {
        match &mut self.state {
            State::Settling { quiet, latest } => {
                if let Begin::AfterQuiet(wanted) = self.question.begin {
                    *quiet = (now + wanted).min(*latest);
                }
                self.terminal.after_cr = byte & 0x7f == b'\r';
            }
            State::Listening => {
                self.terminal.after_cr = byte & 0x7f == b'\r';
                self.state = State::Asking;
                self.ask();
            }
            State::Asking => self.answer(byte),
            State::Ended { rest } => rest.push(byte),
        }
    }

    /// A byte of the answer. It may settle what bytes before it were, so that several keys come of it.
    fn answer(&mut self, byte: u8) {
        if self.editor.is_blank() {
            self.terminal.begin_line();
        }
        // One byte lets go of four at most: three of a broken sequence, and itself.
        let mut keys = [None; 4];
        let mut slots = keys.iter_mut();
        self.terminal.decode(byte, |heard| {
            if let Some(slot) = slots.next() {
                *slot = Some(heard);
            }
        });
        for key in keys.into_iter().flatten() {
            if let State::Ended { rest } = &mut self.state {
                rest.push(byte);
                return;
            }
            match self.editor.key(key, &mut self.terminal, &mut self.saying) {
                Edit::More => {}
                Edit::Line => self.line(),
                Edit::Redraw => {
                    self.ask_again();
                    self.editor.show(&mut self.saying);
                }
                Edit::End => self.give_up(GaveUp::Eof),
            }
        }
    }

    fn line(&mut self) {
        match self.editor.take(&mut self.terminal) {
            Err(fault) => {
                self.faulty += 1;
                self.outputs.push_back(Output::Faulty(fault));
                self.saying.extend_from_slice(match fault {
                    Fault::TooLong => TOO_LONG,
                    Fault::NotPlain => NOT_PLAIN,
                    Fault::Command => COMMAND,
                });
                if self.faulty >= MAX_FAULTY {
                    self.give_up(GaveUp::TooMuchNoise);
                } else {
                    self.ask_again();
                }
            }
            Ok(line) if line.is_empty() && self.question.kind != Kind::Secret => {
                self.empty += 1;
                if self.empty > self.question.max_empty {
                    self.give_up(GaveUp::TooManyEmpty);
                } else {
                    self.ask_again();
                }
            }
            Ok(line) => {
                let answer = match self.question.kind {
                    Kind::Name { .. } => Output::Named(text(&line)),
                    Kind::Text => Output::Answered(text(&line)),
                    Kind::Secret => Output::Secret(Secret::new(line)),
                };
                self.end(answer, Vec::new());
            }
        }
    }

    fn ask(&mut self) {
        self.saying.extend_from_slice(&self.question.opening);
        self.saying.extend_from_slice(&self.question.prompt);
    }

    /// The prompt on a line of its own; one that brings its own line end gets no second one.
    fn ask_again(&mut self) {
        let at_line_start = self.saying.last().is_some_and(|last| last & 0x7f == b'\n');
        if !at_line_start && !self.question.prompt.starts_with(b"\r\n") {
            self.saying.extend_from_slice(b"\r\n");
        }
        self.saying.extend_from_slice(&self.question.prompt);
    }

    fn give_up(&mut self, reason: GaveUp) {
        self.editor.leave(&mut self.saying);
        self.saying.extend_from_slice(FAREWELL);
        let held = std::mem::take(&mut self.held);
        self.end(Output::GaveUp(reason), held);
    }

    fn end(&mut self, output: Output, rest: Vec<u8>) {
        // Whoever speaks next begins with a CR, perhaps behind half a line.
        self.editor.leave(&mut self.saying);
        self.speak();
        self.outputs.push_back(output);
        self.state = State::Ended { rest };
    }

    /// Puts what there is to say into the queue, as one piece.
    fn speak(&mut self) {
        self.encode();
        self.encoded = 0;
        if !self.saying.is_empty() {
            self.outputs.push_back(Output::Send(std::mem::take(&mut self.saying)));
        }
    }

    /// Puts in the parity as it is known now, so that it does not depend on how the input was cut.
    fn encode(&mut self) {
        if let Some(fresh) = self.saying.get_mut(self.encoded..) {
            self.terminal.encode(fresh);
        }
        self.encoded = self.saying.len();
    }
}

/// The editor lets nothing but ASCII through where there is an echo.
fn text(line: &[u8]) -> String {
    line.iter().copied().map(char::from).collect()
}
