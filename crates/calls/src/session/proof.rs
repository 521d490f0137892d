//! A caller at the prompt proves that he is the user whose name he gave.
//!
//! ```text
//!     name ──► Password: ── asked of the world, which takes its time ──► Code: ──► all right ──► what the name asks for
//!                              (hash of nobody where there is none)        └────► something is wrong: the prompt again
//! ```
//!
//! Everybody is asked everything that `[callback] authenticate` names, whether the name is a user's or not and
//! whether what he typed before was right: nothing but the end tells, and the end does not tell what was wrong.
//!
//! The hash is not computed here (`Output::Verify`), and what follows a proof is not decided here.

use std::time::Duration;

use ppp::secret::Secret;
use proto::login::{self, Prompt, Question};
use proto::time::Instant;

use super::{Office, Session};
use crate::config::{Authenticate, Config, LoginEntry};
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
    /// What the name asks for.
    entry: Box<LoginEntry>,
    wanted: Authenticate,
    /// Which of this call's verifications is on its way.
    ticket: u32,
    /// Whether the password is right, once it is verified.
    password: Option<bool>,
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
        entry: &LoginEntry,
        rest: Vec<u8>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let wanted = office.config.callback.authenticate;
        self.verifications += 1;
        let proving = Box::new(Proving {
            entry: Box::new(entry.clone()),
            wanted,
            ticket: self.verifications,
            password: None,
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
    pub(super) fn typed_password(&mut self, typed: &login::Secret, office: &mut Office<'_>) {
        let Some((proving, early)) = self.take_proving() else { return };
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
        if proving.wanted.wants_code() {
            return self.ask(Asked::Code, proving, early, line, office);
        }
        self.conclude(&proving, None, early, line, office);
    }

    /// The world takes too long: nobody is let in by that.
    pub(super) fn verification_late(&mut self, line: &mut Line, office: &mut Office<'_>) {
        self.not_proved("verifying the password took too long", office);
        self.last_words(Some(Message::NoCallbackNow), Cause::NasError, line, office);
    }

    /// A one-time code was typed.
    pub(super) fn typed_code(&mut self, typed: &str, line: &mut Line, office: &mut Office<'_>) {
        let Some((proving, early)) = self.take_proving() else { return };
        let code: String = typed.chars().filter(|letter| *letter != ' ').collect();
        let checked = self.user(office.config).and_then(|user| {
            let used = office.desk.codes.last(&user.name);
            let key = user.credentials.totp.as_ref()?;
            Some(totp::check(key, &code, office.desk.now.wall.unix_ms, used))
        });
        let code = checked.unwrap_or(Err(totp::Fault::Wrong));
        self.conclude(&proving, Some(code), early, line, office);
    }

    /// Everything was asked.
    fn conclude(
        &mut self,
        proving: &Proving,
        code: Option<Result<i64, totp::Fault>>,
        rest: Vec<u8>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let (proof, step) = match (proving.password, code) {
            (Some(false), _) => return self.refuse_proof("wrong password", rest, line, office),
            (_, Some(Err(fault))) => return self.refuse_proof(fault.text(), rest, line, office),
            (None, None) => return self.refuse_proof("nothing was asked", rest, line, office),
            (Some(true), None) => (Proof::Password, None),
            (None, Some(Ok(step))) => (Proof::Code, Some(step)),
            (Some(true), Some(Ok(step))) => (Proof::PasswordAndCode, Some(step)),
        };
        self.identity = Identity::Proven(proof);
        let name = self.user_name(office.config);
        office.desk.journal(Event::Proved {
            call: self.call,
            session: self.id,
            name,
            method: proof.method().to_owned(),
            step,
        });
        self.call_back(&proving.entry, rest, line, office);
    }

    fn refuse_proof(&mut self, why: &str, rest: Vec<u8>, line: &mut Line, office: &mut Office<'_>) {
        self.not_proved(why, office);
        self.ask_again(Message::NotProved, Cause::UserError, rest, line, office);
    }

    fn not_proved(&self, why: &str, office: &mut Office<'_>) {
        let method = office.config.callback.authenticate.word().to_owned();
        office.desk.journal(Event::NotProved {
            call: self.call,
            session: self.id,
            name: self.name.clone().unwrap_or_default(),
            method,
            why: why.to_owned(),
        });
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
