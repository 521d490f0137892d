//! A caller at the prompt proves that he is the user whose name he gave.
//!
//! ```text
//!     name ──► Password: ── asked of the world, which takes its time ──► Code: ──► all right ──► what the name asks for
//!                              (hash of nobody where there is none)        └────► something is wrong: the prompt again
//! ```
//!
//! Everybody is asked everything that `[callback] authenticate` names, whether the name is a user's or not and
//! whether what he typed before was right: nothing but the end tells, and the end does not tell what was wrong.
//! Nor does the time: each answer comes `answer_after` the question was answered and not when it is known, and
//! later where somebody guesses ([`guesses`](crate::guesses)).
//!
//! The hash is not computed here (`Output::Verify`), and what follows a proof is not decided here.

use std::time::Duration;

use ppp::secret::Secret;
use proto::login::{self, Prompt, Question};
use proto::time::Instant;

use super::{Office, Session};
use crate::alert::Alert;
use crate::config::{Authenticate, Config, LoginEntry};
use crate::guesses::Mark;
use crate::line::Line;
use crate::messages::Message;
use crate::policy::password::{MAX_PASSWORD, Verification, nobodys_hash};
use crate::policy::{Identity, Proof, totp};
use crate::service::Service;
use crate::vocabulary::{Cause, Event, Output};

/// How long the world may take to verify a password: a second of work, and as many callers before this one as
/// there are lines.
const VERIFY_TIME: Duration = Duration::from_secs(30);
/// What asks for a one-time code. Clients' scripts can wait for `ode: `.
const CODE_PROMPT: &str = "Code: ";
/// Digits of a code, and blanks between them.
const MAX_CODE_TEXT: usize = 16;

/// How far a proof is.
#[derive(Debug)]
pub(crate) struct Proving {
    /// The name, as it was looked up.
    sought: String,
    /// What it asks for; `None`: nothing in login.config takes it.
    entry: Option<Box<LoginEntry>>,
    wanted: Authenticate,
    /// Which of this call's verifications is on its way.
    ticket: u32,
    /// Whether the password is right, once it is verified.
    password: Option<bool>,
    /// Whether the code is right, once it was typed.
    code: Option<Result<i64, totp::Fault>>,
    /// Nothing is said before.
    answer_at: Instant,
}

impl Proving {
    /// Whether the answer to what was asked last is known.
    const fn is_known(&self) -> bool {
        self.password.is_some() || self.code.is_some()
    }

    /// When the session is to be looked at again: for the answer, or because none comes.
    pub(crate) const fn look_at(&self, until: Instant) -> Instant {
        if self.is_known() { self.answer_at } else { until }
    }
}

/// What is asked for just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Password,
    Code,
}

impl Asked {
    /// For people.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
        }
    }
}

impl Session {
    /// The name is to be proved before `entry` is followed.
    pub(super) fn ask_proof(
        &mut self,
        sought: &str,
        entry: Option<&LoginEntry>,
        rest: Vec<u8>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let wanted = office.config.callback.authenticate;
        self.verifications += 1;
        let proving = Box::new(Proving {
            sought: sought.to_owned(),
            entry: entry.map(|entry| Box::new(entry.clone())),
            wanted,
            ticket: self.verifications,
            password: None,
            code: None,
            answer_at: office.desk.at(),
        });
        let first = if wanted.wants_password() { Asked::Password } else { Asked::Code };
        self.ask(first, proving, rest, line, office);
    }

    fn ask(
        &mut self,
        asked: Asked,
        proving: Box<Proving>,
        rest: Vec<u8>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let time_limit = office.config.login.number_time_limit;
        let question = match asked {
            Asked::Password => Question {
                time_limit,
                max_length: MAX_PASSWORD,
                ..Question::secret(login::PASSWORD_PROMPT)
            },
            Asked::Code => {
                Question { time_limit, max_length: MAX_CODE_TEXT, ..Question::text(CODE_PROMPT) }
            }
        };
        let prompt = Box::new(Prompt::new(question, self.terminal, office.desk.at()));
        self.service = Service::Proof { prompt, asked, proving };
        self.received(rest, line, office);
        self.listen(line, office);
    }

    /// The password was typed: the world verifies it.
    pub(super) fn typed_password(
        &mut self,
        typed: &login::Secret,
        line: &Line,
        office: &mut Office<'_>,
    ) {
        let Some((mut proving, early)) = self.take_proving() else { return };
        proving.answer_at = self.answer_at(line, office);
        let password = Secret::new(typed.reveal().to_vec());
        let hash = hash_of(office.config, self.name.as_deref().unwrap_or_default());
        let verification = Box::new(Verification::new(password, hash));
        office.desk.output(Output::Verify(self.call, proving.ticket, verification));
        let until: Instant = office.desk.at() + VERIFY_TIME;
        self.service = Service::Verifying { proving, until, early };
    }

    /// The world has verified a password.
    pub(crate) fn verified(
        &mut self,
        ticket: u32,
        good: bool,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let waits = |proving: &Proving| proving.ticket == ticket;
        // Another answer is one that nobody waits for any more.
        if !matches!(&self.service, Service::Verifying { proving, .. } if waits(proving)) {
            return;
        }
        let Some((mut proving, early)) = self.take_proving() else { return };
        let known =
            self.user(office.config).is_some_and(|user| user.credentials.password.is_some());
        proving.password = Some(good && known);
        self.answer_later(proving, early, line, office);
    }

    /// When an answer is given: not when it is known.
    fn answer_at(&self, line: &Line, office: &Office<'_>) -> Instant {
        let now = office.desk.at();
        let callback = &office.config.callback;
        let slower = match callback.slow_guesses {
            true => office.desk.guesses.wait(&self.marks(self.name.clone(), line), now),
            false => Duration::ZERO,
        };
        now + callback.answer_after + slower
    }

    /// What a wrong answer to the question who this is counts for.
    pub(super) fn marks(&self, name: Option<String>, line: &Line) -> Vec<Mark> {
        let mut marks = vec![Mark::Line(self.line)];
        marks.extend(line.caller_id().map(Mark::Caller));
        marks.extend(name.map(Mark::Name));
        marks
    }

    /// An answer was wrong: it counts, and is told of once there are many.
    pub(super) fn guessed(&self, marks: Vec<Mark>, line: &Line, office: &mut Office<'_>) {
        let alarming = office.desk.guesses.wrong(marks, office.desk.at());
        for reason in alarming {
            office.desk.journal(Event::Alert {
                alert: Alert::Guessing,
                line: Some(line.name().to_owned()),
                call: Some(self.call),
                user: None,
                reason,
            });
        }
    }

    fn answer_later(
        &mut self,
        proving: Box<Proving>,
        early: Vec<u8>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let until = proving.answer_at;
        self.service = Service::Verifying { proving, until, early };
        self.answer_if_due(line, office);
    }

    /// Goes on once the answer is known and its time has come; gives up if it never is.
    pub(super) fn answer_if_due(&mut self, line: &mut Line, office: &mut Office<'_>) {
        let Service::Verifying { proving, until, .. } = &self.service else { return };
        if proving.look_at(*until) > office.desk.at() {
            return;
        }
        if !proving.is_known() {
            return self.verification_late(line, office);
        }
        let Some((proving, early)) = self.take_proving() else { return };
        if proving.wanted.wants_code() && proving.code.is_none() {
            return self.ask(Asked::Code, proving, early, line, office);
        }
        self.conclude(&proving, early, line, office);
    }

    /// The world takes too long: nobody is let in by that.
    fn verification_late(&mut self, line: &mut Line, office: &mut Office<'_>) {
        self.not_proved("verifying the password took too long", office);
        self.last_words(Some(Message::NoCallbackNow), Cause::NasError, line, office);
    }

    /// A one-time code was typed.
    pub(super) fn typed_code(&mut self, typed: &str, line: &mut Line, office: &mut Office<'_>) {
        let Some((mut proving, early)) = self.take_proving() else { return };
        let code: String = typed.chars().filter(|letter| *letter != ' ').collect();
        // Typed on two lines at once, it counts on one.
        let checked = self.user(office.config).and_then(|user| {
            let used = office.desk.codes.last(&user.name);
            let key = user.credentials.totp.as_ref()?;
            Some(totp::check(key, &code, office.desk.now.wall.unix_ms, used))
        });
        let checked = checked.unwrap_or(Err(totp::Fault::Wrong));
        if let Ok(step) = checked {
            // At once and whatever is wrong beside it (RFC 6238 §5.2): he may go before he is answered, and whoever has
            // watched him typing it may know the password better.
            let (call, session, name) = (self.call, self.id, self.user_name(office.config));
            office.desk.journal(Event::CodeSpent { call, session, name, step });
        }
        proving.code = Some(checked);
        proving.answer_at = self.answer_at(line, office);
        self.answer_later(proving, early, line, office);
    }

    /// Everything was asked.
    fn conclude(
        &mut self,
        proving: &Proving,
        rest: Vec<u8>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let config = office.config;
        if self.user(config).is_some_and(|user| user.trap || user.disabled) {
            return self.refuse_proof("the user is not served", rest, line, office);
        }
        let (proof, step) = match (proving.password, proving.code) {
            (Some(false), _) => return self.refuse_proof("wrong password", rest, line, office),
            (_, Some(Err(fault))) => return self.refuse_proof(fault.text(), rest, line, office),
            (None, None) => return self.refuse_proof("nothing was asked", rest, line, office),
            (Some(true), None) => (Proof::Password, None),
            (None, Some(Ok(step))) => (Proof::Code, Some(step)),
            (Some(true), Some(Ok(step))) => (Proof::PasswordAndCode, Some(step)),
        };
        self.identity = Identity::Proven(proof);
        office.desk.guesses.right(&self.marks(self.name.clone(), line));
        let name = self.user_name(config);
        office.desk.journal(Event::Proved {
            call: self.call,
            session: self.id,
            name,
            method: proof.method().to_owned(),
            step,
        });
        match &proving.entry {
            Some(entry) => self.follow(&proving.sought, entry, rest, line, office),
            None => {
                let message = Message::UnknownName;
                self.ask_again(message, Cause::ServiceUnavailable, rest, line, office);
            }
        }
    }

    fn refuse_proof(&mut self, why: &str, rest: Vec<u8>, line: &mut Line, office: &mut Office<'_>) {
        self.not_proved(why, office);
        self.guessed(self.marks(self.name.clone(), line), line, office);
        self.ask_again(Message::NotProved, Cause::UserError, rest, line, office);
    }

    fn not_proved(&self, why: &str, office: &mut Office<'_>) {
        let method = office.config.callback.authenticate.word().to_owned();
        let name = self.name.clone().unwrap_or_default();
        let (call, session, why) = (self.call, self.id, why.to_owned());
        office.desk.journal(Event::NotProved { call, session, name, method, why, step: None });
    }

    /// Takes the proof out of its state, with what was typed ahead.
    fn take_proving(&mut self) -> Option<(Box<Proving>, Vec<u8>)> {
        match std::mem::replace(&mut self.service, Service::Ending) {
            Service::Proof { prompt, proving, .. } => {
                let (rest, terminal) = prompt.finish();
                self.terminal = terminal;
                Some((proving, rest))
            }
            Service::Verifying { proving, early, .. } => Some((proving, early)),
            other @ (Service::Unasked
            | Service::Storing { .. }
            | Service::Prompt(_)
            | Service::Question { .. }
            | Service::Code { .. }
            | Service::Sealing { .. }
            | Service::Farewell { .. }
            | Service::Ppp(_)
            | Service::Program(_)
            | Service::Ending) => {
                self.service = other;
                None
            }
        }
    }
}

/// The hash that a password for this name is compared with: nobody's where there is none, with as much work.
fn hash_of(config: &Config, name: &str) -> std::sync::Arc<str> {
    let hashes = || config.users.iter().filter_map(|user| user.credentials.password.as_ref());
    match config.user(name).and_then(|user| user.credentials.password.as_ref()) {
        Some(hash) => hash.clone(),
        None => nobodys_hash(hashes().next().map(AsRef::as_ref)),
    }
}
