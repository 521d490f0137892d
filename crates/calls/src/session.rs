//! One caller's business on one leg: who is it, what does he want, and is he to be called back?
//!
//! ```text
//!   request leg                                         return leg
//!
//!   CONNECT                                             CONNECT
//!      │                                                   │  `Kept` journalled
//!      ▼                                                Storing ── durable ──┐
//!   Prompt ◄── no such service, not a number ─┐                              ▼
//!      │ a name                               │                           Prompt
//!      ├── an entry with a program ── Program ┤  (promised to a PPP user: PPP at once, no prompt)
//!      ├── a PPP frame ── Ppp (see there) ────┼─────────────────────────────┤
//!      ├── callback: asks ── Question ────────┤                             └─ callback: refused
//!      ├── callback: `Promised` journalled ─ Sealing ── durable ─┐
//!      └── too often, too long, junk ──────────────────────── Farewell ── drained ──► Ending
//!                                                                                (line hangs up)
//! ```
//!
//! The carrier may go at any instant: every state hears of it and ends. A promise that was approved
//! stands even if the caller did not wait for the farewell.
//!
//! The session does not know modems: it has a line to send on and to hang up. It does not choose lines or
//! dial; that is the server's part.

mod answerer;
mod callback;
mod name;
mod network;
mod ppp;
mod prompt;
mod proof;

pub(crate) use self::answerer::{Answerer, Demand, wants_code};
use self::callback::{CutShort, printable};
pub(crate) use self::proof::{Asked, Proving};

use std::time::Duration;

use proto::login::Terminal;
use proto::time::Deadline;

use crate::alert::Alert;
use crate::config::{Config, LineService, User};
use crate::desk::Desk;
use crate::line::Line;
use crate::loops::PromptWatch;
use crate::messages::Message;
use crate::policy::Identity;
use crate::pool::Pool;
use crate::promises::Promises;
use crate::service::{ProgramEnd, Service};
use crate::vocabulary::{
    CallId, Cause, Event, Leg, LineId, ProgramInput, PromiseId, Seq, SessionId,
};

/// How often a caller may err (unknown name, no number) before we hang up.
const MAX_ERRORS: u32 = 3;
/// Not a name but the modem's last word, a moment before DCD falls or the line asks it. Nothing is said
/// to a modem that may be in its command state; a caller who types this finds the prompt behind his next key.
/// So is the bell, where the modem's last word was lost.
const MODEM_GONE: [&str; 2] = ["NO CARRIER", "RING"];
/// How long the last words may take to leave: the longest text at 300 bit/s takes 6 s, and a caller may
/// hold us with XOFF for ever.
const DRAIN_TIME: Duration = Duration::from_secs(10);
/// How long the journal may take before a caller is spoken to.
const STORE_TIME: Duration = Duration::from_secs(30);
/// Bytes kept of what a caller sends before we listen.
const MAX_EARLY: usize = 4096;
/// The longest number text that is looked at: [`proto::dial::PhoneNumber::MAX_TEXT`].
const MAX_NUMBER_TEXT: usize = proto::dial::PhoneNumber::MAX_TEXT;

/// What a session may use beside its line.
#[derive(Debug)]
pub(crate) struct Office<'a> {
    pub(crate) config: &'a Config,
    pub(crate) promises: &'a mut Promises,
    pub(crate) pool: &'a mut Pool,
    pub(crate) desk: &'a mut Desk,
}

/// One caller's business on one leg.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) call: CallId,
    pub(crate) line: LineId,
    pub(crate) leg: Leg,
    /// The name given. A claim.
    pub(crate) name: Option<String>,
    /// How far the name is more than that.
    identity: Identity,
    /// How many proofs were asked for on this call.
    verifications: u32,
    /// The promise made on this leg.
    pub(crate) promised: Option<PromiseId>,
    /// On a return leg that was promised to a PPP user: that user.
    only: Option<String>,
    /// On a return leg: who is expected to answer.
    answerer: Option<Answerer>,
    cut_short: CutShort,
    /// Whether the far end asks who we are.
    prompts: PromptWatch,
    errors: u32,
    terminal: Terminal,
    pub(crate) service: Service,
}

impl Session {
    /// The caller called us: he is asked for his name.
    pub(crate) fn request(
        id: SessionId,
        line: &Line,
        call: CallId,
        office: &mut Office<'_>,
    ) -> Self {
        Self::begin(id, line, call, Leg::Request, |session| match line.config().service {
            LineService::Login => session.prompt(line, office),
            LineService::Ppp => Service::Unasked,
        })
    }

    /// We called him back: he is spoken to once `Kept` is durable.
    pub(crate) fn returned(
        id: SessionId,
        line: &Line,
        call: CallId,
        kept: Seq,
        only: Option<String>,
        answerer: Option<Answerer>,
        office: &mut Office<'_>,
    ) -> Self {
        let until = office.desk.at() + STORE_TIME;
        let session = Self::begin(id, line, call, Leg::Return, |_| Service::Storing {
            seq: kept,
            until,
            early: Vec::new(),
        });
        Self { only, answerer, ..session }
    }

    fn begin(
        id: SessionId,
        line: &Line,
        call: CallId,
        leg: Leg,
        service: impl FnOnce(&mut Self) -> Service,
    ) -> Self {
        let mut session = Self {
            id,
            call,
            line: line.id(),
            leg,
            name: None,
            identity: Identity::Claimed,
            verifications: 0,
            promised: None,
            only: None,
            answerer: None,
            cut_short: CutShort::No,
            prompts: PromptWatch::default(),
            errors: 0,
            terminal: Terminal::default(),
            service: Service::Ending,
        };
        session.service = service(&mut session);
        session
    }

    // ------------------------------------------------------------------------------ what is heard

    /// The caller sent something.
    pub(crate) fn received(&mut self, bytes: Vec<u8>, line: &mut Line, office: &mut Office<'_>) {
        match &mut self.service {
            Service::Storing { early, .. } | Service::Verifying { early, .. } => {
                let room = MAX_EARLY.saturating_sub(early.len());
                early.extend(bytes.into_iter().take(room));
            }
            Service::Prompt(prompt)
            | Service::Question { prompt, .. }
            | Service::Code { prompt, .. }
            | Service::Proof { prompt, .. } => {
                if self.leg == Leg::Return && self.prompts.hear(&bytes) {
                    return self.met_a_server(line, office);
                }
                prompt.receive(office.desk.at(), &bytes);
                self.listen(line, office);
            }
            Service::Ppp(ppp) => {
                ppp.receive(office.desk.at(), &bytes);
                self.hear_ppp(line, office);
            }
            Service::Program(program) => program.received(self.call, bytes, office.desk),
            Service::Unasked => {}
            // Whatever he types now is nobody's, but the modem may have something to say.
            Service::Sealing { .. } | Service::Farewell { .. } => {
                self.behind_number(&bytes, line, office);
            }
            Service::Ending => {}
        }
    }

    /// We have called somebody back who asks us for our name, as we ask him.
    fn met_a_server(&mut self, line: &mut Line, office: &mut Office<'_>) {
        office.desk.journal(Event::Alert {
            alert: Alert::Loop,
            line: Some(line.name().to_owned()),
            call: Some(self.call),
            user: None,
            reason:
                "a login prompt has answered the return call: is it another server that calls back?"
                    .to_owned(),
        });
        self.hang_up(Cause::UserError, line, office);
    }

    /// Everything sent has left.
    pub(crate) fn drained(&mut self, line: &mut Line, office: &mut Office<'_>) {
        match &self.service {
            Service::Farewell { cause, .. } => self.hang_up(*cause, line, office),
            Service::Storing { .. }
            | Service::Unasked
            | Service::Prompt(_)
            | Service::Question { .. }
            | Service::Proof { .. }
            | Service::Verifying { .. }
            | Service::Code { .. }
            | Service::Sealing { .. }
            | Service::Ppp(_)
            | Service::Program(_)
            | Service::Ending => {}
        }
    }

    /// The carrier may be gone: for whoever only waits for that, it is.
    pub(crate) fn carrier_doubted(&mut self, line: &mut Line, office: &mut Office<'_>) {
        if let Service::Ppp(ppp) = &mut self.service {
            ppp.carrier_doubted(office.desk.at());
            self.hear_ppp(line, office);
        }
    }

    /// The carrier is gone, or the port.
    pub(crate) fn carrier_lost(&mut self, why: Cause, line: &mut Line, office: &mut Office<'_>) {
        match &mut self.service {
            Service::Program(program) => program.end(self.call, why, office),
            Service::Ppp(ppp) => {
                ppp.carrier_lost(office.desk.at(), why);
                self.hear_ppp(line, office);
            }
            // He went before, or while, we said good-bye: what was decided is the cause.
            Service::Farewell { cause, .. } => {
                let cause = *cause;
                self.hang_up(cause, line, office);
            }
            Service::Storing { .. }
            | Service::Unasked
            | Service::Prompt(_)
            | Service::Question { .. }
            | Service::Proof { .. }
            | Service::Verifying { .. }
            | Service::Code { .. }
            | Service::Sealing { .. } => self.hang_up(why, line, office),
            Service::Ending => {}
        }
    }

    /// The program did something.
    pub(crate) fn program(
        &mut self,
        input: ProgramInput,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let Service::Program(program) = &mut self.service else { return };
        match program.hear(self.id, self.call, input, line, office) {
            ProgramEnd::Runs => {}
            ProgramEnd::Gone(cause) => self.last_words(None, cause, line, office),
            ProgramEnd::NotStarted => {
                self.last_words(Some(Message::ServiceFailed), Cause::NasError, line, office);
            }
        }
    }

    /// The journal is stored up to `upto`.
    pub(crate) fn durable(&mut self, upto: Seq, line: &mut Line, office: &mut Office<'_>) {
        match &mut self.service {
            Service::Storing { seq, early, .. } if *seq <= upto => {
                let early = std::mem::take(early);
                if let Some(user) = self.only.clone() {
                    return self.return_ppp(user, &early, line, office);
                }
                self.service = self.prompt(line, office);
                if !early.is_empty() {
                    self.received(early, line, office);
                }
            }
            Service::Sealing { seq, within_s, notice, .. } if *seq <= upto => {
                let (within_s, notice) = (*within_s, notice.take());
                if let Some(mut notice) = notice {
                    self.terminal.encode(&mut notice);
                    line.say_unseen(notice, office.desk);
                }
                let message = Message::Promised { within_s };
                self.last_words(Some(message), Cause::Callback, line, office);
            }
            Service::Ppp(ppp) => {
                ppp.durable(upto, office.desk.at());
                self.hear_ppp(line, office);
            }
            Service::Storing { .. }
            | Service::Sealing { .. }
            | Service::Unasked
            | Service::Prompt(_)
            | Service::Question { .. }
            | Service::Proof { .. }
            | Service::Verifying { .. }
            | Service::Code { .. }
            | Service::Farewell { .. }
            | Service::Program(_)
            | Service::Ending => {}
        }
    }

    /// The journal cannot be written.
    pub(crate) fn store_failed(&mut self, line: &mut Line, office: &mut Office<'_>) {
        match &mut self.service {
            // A crash now would call him back a second time, so he is not served on a promise whose
            // keeping nobody can remember.
            Service::Storing { .. } => self.hang_up(Cause::NasError, line, office),
            Service::Sealing { .. } => {
                self.promised = None;
                self.last_words(Some(Message::NoCallbackNow), Cause::NasError, line, office);
            }
            Service::Ppp(ppp) => {
                if ppp.waits_for().is_some() {
                    ppp.store_failed(office.desk.at());
                    self.void_promise("the journal cannot be written", office);
                    self.hear_ppp(line, office);
                }
            }
            Service::Unasked
            | Service::Prompt(_)
            | Service::Question { .. }
            | Service::Proof { .. }
            | Service::Verifying { .. }
            | Service::Code { .. }
            | Service::Farewell { .. }
            | Service::Program(_)
            | Service::Ending => {}
        }
    }

    /// Somebody above the caller ends the call.
    pub(crate) fn end(&mut self, cause: Cause, line: &mut Line, office: &mut Office<'_>) {
        match &mut self.service {
            Service::Program(program) => program.end(self.call, cause, office),
            Service::Ppp(_) => self.end_ppp(cause, line, office),
            Service::Storing { .. }
            | Service::Unasked
            | Service::Prompt(_)
            | Service::Question { .. }
            | Service::Proof { .. }
            | Service::Verifying { .. }
            | Service::Code { .. }
            | Service::Sealing { .. }
            | Service::Farewell { .. } => self.hang_up(cause, line, office),
            Service::Ending => {}
        }
    }

    /// Time passes.
    pub(crate) fn tick(&mut self, line: &mut Line, office: &mut Office<'_>) {
        let now = office.desk.at();
        match &mut self.service {
            Service::Unasked => self.only_ppp(line, office),
            Service::Prompt(prompt)
            | Service::Question { prompt, .. }
            | Service::Code { prompt, .. }
            | Service::Proof { prompt, .. } => {
                prompt.tick(now);
                self.listen(line, office);
            }
            Service::Storing { until, .. } | Service::Sealing { until, .. } => {
                if *until <= now {
                    self.store_failed(line, office);
                }
            }
            Service::Verifying { .. } => self.answer_if_due(line, office),
            Service::Ppp(ppp) => {
                if ppp.is_late(now) {
                    return self.store_failed(line, office);
                }
                ppp.tick(now);
                ppp.keep_limits(now);
                self.hear_ppp(line, office);
            }
            Service::Farewell { until, cause } => {
                if *until <= now {
                    let cause = *cause;
                    self.hang_up(cause, line, office);
                }
            }
            Service::Program(program) => {
                if let ProgramEnd::Gone(cause) = program.tick(self.call, office.desk) {
                    line.carrier_matters(false, office.desk);
                    self.hang_up(cause, line, office);
                }
            }
            Service::Ending => {}
        }
    }

    /// When `tick` is wanted.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        match &self.service {
            Service::Prompt(prompt)
            | Service::Question { prompt, .. }
            | Service::Code { prompt, .. }
            | Service::Proof { prompt, .. } => prompt.deadline(),
            Service::Verifying { proving, until, .. } => {
                Some(Deadline::new(proving.look_at(*until), "answer to a proof"))
            }
            Service::Storing { until, .. } | Service::Sealing { until, .. } => {
                Some(Deadline::new(*until, "journal"))
            }
            Service::Farewell { until, .. } => Some(Deadline::new(*until, "farewell")),
            Service::Ppp(ppp) => ppp.deadline(),
            Service::Program(program) => program.deadline(),
            Service::Unasked | Service::Ending => None,
        }
    }

    /// The user whose name was given, if there is one.
    fn user<'c>(&self, config: &'c Config) -> Option<&'c User> {
        config.user(self.name.as_deref()?)
    }

    /// The user's first name where there is a user, so that counts do not split; else the name given.
    fn user_name(&self, config: &Config) -> String {
        let given = self.name.clone().unwrap_or_default();
        self.user(config).map_or(given, |user| user.name.clone())
    }

    // ------------------------------------------------------------------------------------- the end

    fn say(&self, message: Message, line: &mut Line, office: &mut Office<'_>) {
        let mut text = message.text().into_bytes();
        self.terminal.encode(&mut text);
        line.say(text, office.desk);
    }

    /// Says the last words, and hangs up as soon as they have left.
    fn last_words(
        &mut self,
        message: Option<Message>,
        cause: Cause,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        self.finish();
        if let Some(message) = message {
            self.say(message, line, office);
        }
        if !line.has_carrier() {
            return self.hang_up(cause, line, office);
        }
        line.drain(office.desk);
        self.service = Service::Farewell { cause, until: office.desk.at() + DRAIN_TIME };
    }

    fn hang_up(&mut self, cause: Cause, line: &mut Line, office: &mut Office<'_>) {
        self.count_stranger(cause, office);
        self.service = Service::Ending;
        line.hang_up(cause, office.desk);
    }
}
