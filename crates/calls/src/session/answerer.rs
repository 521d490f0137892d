//! Whoever answers a return call: is he the one who was promised it?
//!
//! ```text
//!   CONNECT ─► name ── the user's, or one of his return names ──┬────────────────► Recognised
//!               ▲  └── any, where the promise was to no user ───┤ ▲
//!               │                                               ▼ │ right
//!               └─── wrong name, wrong code ◄──────────────── Code (if the promise is bound)
//!                          └── too often, too long: Stranger
//! ```
//!
//! The code is the one that he was shown on the first call, or that of his generator of one-time codes. It is asked
//! for whatever the name was, and both faults are told in the same words: who answers by
//! chance learns neither. What becomes of a number at which strangers answer is told by
//! [`strangers`](crate::strangers).
//!
//! It does not know what is served afterwards.

use proto::login::{Prompt, Question};
use proto::time::Instant;

use super::{MAX_ERRORS, Office, Session};
use crate::alert::Alert;
use crate::code::Code;
use crate::config::{Config, ReturnProof};
use crate::dispatch::{self, AUTO_PPP};
use crate::line::Line;
use crate::messages::Message;
use crate::policy::totp;
use crate::service::Service;
use crate::vocabulary::{Cause, Event, Leg};

/// The question for the code.
const CODE_PROMPT: &str = "Code: ";
/// The longest answer to it: six digits, and blanks between them.
const MAX_CODE_TEXT: usize = 32;

/// Who is expected to answer.
#[derive(Debug)]
pub(crate) struct Answerer {
    /// Who asked for the callback.
    pub(crate) user: String,
    /// Where he was called.
    pub(crate) number: String,
    /// What he has to know beside a name.
    pub(crate) demand: Demand,
    /// Until when he must have said who he is.
    pub(crate) until: Instant,
    pub(crate) recognised: bool,
}

/// What whoever answers has to know beside a name.
#[derive(Debug)]
pub(crate) enum Demand {
    /// Nothing.
    Name,
    /// What he was shown on the request leg.
    Code(Code),
    /// The code of his generator.
    Totp,
}

impl Demand {
    /// What a promise to this user demands, which may have been made with a code.
    pub(crate) fn of(config: &Config, user: &str, code: Option<Code>) -> Self {
        match (code, demanded(config, user)) {
            (Some(code), _) => Self::Code(code),
            (None, ReturnProof::Totp) => Self::Totp,
            (None, ReturnProof::Name | ReturnProof::Code) => Self::Name,
        }
    }

    /// Whether a name is not enough.
    const fn asks(&self) -> bool {
        match self {
            Self::Name => false,
            Self::Code(_) | Self::Totp => true,
        }
    }
}

/// Whether whoever answers this user's return call has to know the code that is made for it.
pub(crate) fn wants_code(config: &Config, user: &str) -> bool {
    demanded(config, user) == ReturnProof::Code
}

/// What is demanded of whoever answers this user's return call.
fn demanded(config: &Config, user: &str) -> ReturnProof {
    let own = config.user(user).and_then(|user| user.return_proof);
    own.unwrap_or(config.callback.return_proof)
}

impl Answerer {
    /// Whether somebody may be served there under this name, as far as the name goes.
    fn may_be(&self, name: &str, config: &Config) -> bool {
        config.user(&self.user).is_none_or(|user| user.may_return_as(name))
    }
}

impl Session {
    /// Whether whoever answers this user's return call has to know the code that is shown on this one.
    pub(super) fn is_bound(&self, user: &str, office: &Office<'_>) -> bool {
        wants_code(office.config, user)
    }

    /// Who is expected and has not been recognised yet.
    pub(super) fn expected(&self) -> Option<&Answerer> {
        self.answerer.as_ref().filter(|answerer| !answerer.recognised)
    }

    /// How often this caller may err.
    pub(super) fn most_errors(&self, office: &Office<'_>) -> u32 {
        self.expected().map_or(MAX_ERRORS, |_| office.config.callback.return_tries)
    }

    /// Whom PPP lets in on this leg, if only one.
    pub(super) fn only_by_ppp(&self, office: &Office<'_>) -> Option<String> {
        let known = self.expected().and_then(|answerer| office.config.user(&answerer.user));
        self.only.clone().or_else(|| known.map(|user| user.name.clone()))
    }

    /// A name was given by whoever answered. `true`: it may be served now.
    pub(super) fn answered_as(
        &mut self,
        name: &str,
        rest: &mut Vec<u8>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) -> bool {
        let config = office.config;
        let Some(answerer) = self.expected() else { return true };
        if name == AUTO_PPP {
            // It has proofs of its own, and lets in the user alone.
            return true;
        }
        let entry = dispatch::find(&config.entries, name, Leg::Return);
        let serves = entry.is_some_and(dispatch::serves);
        let may = serves && answerer.may_be(name, config);
        if answerer.demand.asks() {
            let name = name.to_owned();
            self.ask_code(name, may, std::mem::take(rest), line, office);
            return false;
        }
        if may {
            self.recognise(name, office);
            return true;
        }
        if !serves {
            // What is wrong with it is no secret: nobody in particular is expected under it.
            return config.user(&answerer.user).is_none() || {
                self.not_recognised(std::mem::take(rest), line, office);
                false
            };
        }
        self.not_recognised(std::mem::take(rest), line, office);
        false
    }

    fn ask_code(
        &mut self,
        name: String,
        may: bool,
        rest: Vec<u8>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let now = office.desk.at();
        let left = self.expected().map(|answerer| answerer.until.since(now)).unwrap_or_default();
        let question =
            Question { time_limit: left, max_length: MAX_CODE_TEXT, ..Question::text(CODE_PROMPT) };
        let prompt = Box::new(Prompt::new(question, self.terminal, now));
        self.service = Service::Code { prompt, name, may };
        self.received(rest, line, office);
        self.listen(line, office);
    }

    /// An answer to the question for the code.
    pub(super) fn code_given(&mut self, typed: &str, line: &mut Line, office: &mut Office<'_>) {
        let Service::Code { name, may, .. } = &self.service else { return };
        let (name, may) = (name.clone(), *may);
        let rest = self.finish();
        // The code is compared whatever the name was.
        let right = match self.expected().map(|answerer| (&answerer.demand, &answerer.user)) {
            Some((Demand::Code(code), _)) => code.is(typed).then_some(None).ok_or("not the code"),
            Some((Demand::Totp, user)) => {
                one_time(user, typed, office).map(Some).map_err(totp::Fault::text)
            }
            Some((Demand::Name, _)) | None => Err("nothing was asked"),
        };
        let spent = right.ok().flatten();
        let right = right.and_then(|step| may.then_some(step).ok_or("not a name for this call"));
        if let Some(event) = self.told_of_code(&right, spent, office) {
            office.desk.journal(event);
        }
        if right.is_ok() {
            self.recognise(&name, office);
            return self.serve(&name, rest, line, office);
        }
        self.not_recognised(rest, line, office);
    }

    /// What the journal says of a one-time code. A step that was used has to outlive the server, and it was used also
    /// where the name was wrong.
    fn told_of_code(
        &self,
        right: &Result<Option<i64>, &'static str>,
        spent: Option<i64>,
        office: &Office<'_>,
    ) -> Option<Event> {
        let answerer = self.expected().filter(|a| matches!(a.demand, Demand::Totp))?;
        let user = office.config.user(&answerer.user);
        let name = user.map_or_else(|| answerer.user.clone(), |user| user.name.clone());
        let (call, session, method) = (self.call, self.id, "totp".to_owned());
        Some(match right {
            Ok(step) => Event::Proved { call, session, name, method, step: *step },
            Err(why) => {
                let (why, step) = ((*why).to_owned(), spent);
                Event::NotProved { call, session, name, method, why, step }
            }
        })
    }

    fn not_recognised(&mut self, rest: Vec<u8>, line: &mut Line, office: &mut Office<'_>) {
        self.ask_again(Message::NotRecognised, Cause::UserError, rest, line, office);
    }

    /// He is the one.
    pub(super) fn recognise(&mut self, name: &str, office: &mut Office<'_>) {
        let (call, session) = (self.call, self.id);
        let Some(answerer) = self.answerer.as_mut().filter(|answerer| !answerer.recognised) else {
            return;
        };
        answerer.recognised = true;
        let (user, number) = (answerer.user.clone(), answerer.number.clone());
        let demanded = answerer.demand.asks() || office.config.user(&user).is_some();
        if !demanded && office.promises.strangers.count(&number) == 0 {
            // Any name would have done: nothing is known that is worth telling.
            return;
        }
        let name = name.to_owned();
        self.tell(Event::Recognised { call, session, user, name, number }, office);
    }

    /// The call ends. Whoever had his time and his tries, and is not the one, is a stranger.
    pub(super) fn count_stranger(&mut self, cause: Cause, office: &mut Office<'_>) {
        let why = match cause {
            Cause::IdleTimeout | Cause::SessionTimeout => "he did not say in time who he is",
            Cause::UserError | Cause::ServiceUnavailable => "he could not say who he is",
            Cause::UserRequest => "he left without saying who he is",
            Cause::LostCarrier if self.errors > 0 => "he said something wrong, and left",
            // Noise, a bad line, our own doing: nothing is known about him.
            Cause::LostCarrier
            | Cause::LostService
            | Cause::AdminReset
            | Cause::AdminReboot
            | Cause::PortError
            | Cause::NasError
            | Cause::Callback
            | Cause::Busy
            | Cause::NoAnswer
            | Cause::NoDialtone
            | Cause::NoCarrier
            | Cause::Barred
            | Cause::Glare
            | Cause::TooSoon
            | Cause::Abandoned
            | Cause::Screened
            | Cause::Stuck => return,
        };
        let (call, session) = (self.call, self.id);
        let Some(answerer) = self.answerer.take_if(|answerer| !answerer.recognised) else { return };
        let Answerer { user, number, .. } = answerer;
        let event = Event::Stranger {
            call,
            session,
            user: user.clone(),
            number: number.clone(),
            why: why.to_owned(),
        };
        self.tell(event, office);
        let count = office.promises.strangers.count(&number);
        let most = office.config.callback.quarantine_after;
        let alert = |alert, reason| Event::Alert {
            alert,
            line: None,
            call: Some(call),
            user: Some(user.clone()),
            reason,
        };
        let reason = format!("whoever answered at {number}: {why} (number {count} in a row)");
        office.desk.journal(alert(Alert::StrangerAnswered, reason));
        if count == most {
            let reason = format!(
                "{number} is not called any more: {count} strangers in a row; dialback release {number} lets it be called again"
            );
            office.desk.journal(alert(Alert::NumberQuarantined, reason));
        }
    }

    /// Journals what the table of strangers is made from.
    fn tell(&self, event: Event, office: &mut Office<'_>) {
        office.promises.strangers.apply(&event, office.desk.now.wall);
        office.desk.journal(event);
    }
}

/// Whether this is the user's one-time code of now, and of which step.
fn one_time(user: &str, typed: &str, office: &Office<'_>) -> Result<i64, totp::Fault> {
    let user = office.config.user(user).ok_or(totp::Fault::Wrong)?;
    let key = user.credentials.totp.as_ref().ok_or(totp::Fault::Wrong)?;
    let code: String = typed.chars().filter(|letter| *letter != ' ').collect();
    let used = office.desk.codes.last(&user.name);
    totp::check(key, &code, office.desk.now.wall.unix_ms, used)
}
