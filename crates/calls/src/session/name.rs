//! A name at the prompt: who is asked for a proof, and what login.config has for the name.
//!
//! Where `[callback] authenticate` names a proof, everybody who comes in is asked for it before anything else
//! happens, whatever his name is: so nobody who has none can tell a user's name from another, one that asks
//! for a callback from one that does not, or a name of today from one of last year.
//!
//! It does not know how a proof goes, nor what a callback needs.

use proto::login::Begin;

use super::{MODEM_GONE, Office, Session};
use crate::alert::Alert;
use crate::config::user;
use crate::config::user::Direct;
use crate::config::{Action, Authenticate, Config, LoginEntry};
use crate::dispatch::{self, AUTO_PPP, FIDO};
use crate::line::Line;
use crate::messages::Message;
use crate::policy::{self, Identity, Refusal, RefusalKind};
use crate::service::{Program, Service};
use crate::vocabulary::{CallFacts, Cause, Event, Grounds, Launch, Leg, Output};

impl Session {
    /// A name was given at the prompt.
    pub(super) fn named(&mut self, name: &str, line: &mut Line, office: &mut Office<'_>) {
        let mut rest = self.finish();
        let (call, session) = (self.call, self.id);
        if MODEM_GONE.contains(&name) {
            self.errors += 1;
            if self.errors < self.most_errors(office) {
                self.service = self.prompt_when(Begin::OnInput, line, office);
                return;
            }
            return self.last_words(None, Cause::UserError, line, office);
        }
        self.name = Some(name.to_owned());
        self.identity = Identity::Claimed;
        let claim = if name == AUTO_PPP && !rest.is_empty() { "ppp" } else { name };
        office.desk.journal(Event::Named { call, session, name: claim.to_owned() });
        self.trapped(name, line, office);
        if self.answered_as(name, &mut rest, line, office) {
            self.serve(name, rest, line, office);
        }
    }

    /// Does what login.config has for this name, after a proof where one is wanted.
    pub(super) fn serve(
        &mut self,
        name: &str,
        rest: Vec<u8>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let config = office.config;
        let entry = dispatch::find(&config.entries, name, self.leg);
        if let Some(entry) = entry {
            office.desk.journal(Event::Dispatched {
                call: self.call,
                session: self.id,
                entry: dispatch::entry_name(entry),
                action: dispatch::action_name(&entry.action),
            });
        }
        if self.wants_proof(name, entry, config) {
            return self.ask_proof(name, entry, rest, line, office);
        }
        match entry {
            Some(entry) => self.follow(name, entry, rest, line, office),
            None => {
                let message = Message::UnknownName;
                self.ask_again(message, Cause::ServiceUnavailable, rest, line, office);
            }
        }
    }

    /// Whether whoever gave this name has to prove it first.
    fn wants_proof(&self, name: &str, entry: Option<&LoginEntry>, config: &Config) -> bool {
        let callback = entry.is_some_and(|entry| matches!(entry.action, Action::Callback { .. }));
        match (self.leg, config.callback.authenticate) {
            (Leg::Return, _) | (Leg::Request, Authenticate::Nothing) => false,
            (
                Leg::Request,
                Authenticate::Password | Authenticate::Code | Authenticate::PasswordAndCode,
            ) => {
                // PPP has proofs of its own, and a mailer knows no prompt.
                callback || config.callback.uniform && name != AUTO_PPP && name != FIDO
            }
        }
    }

    /// Does what an entry says; the name was proved where that is wanted.
    pub(super) fn follow(
        &mut self,
        name: &str,
        entry: &LoginEntry,
        rest: Vec<u8>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        match &entry.action {
            Action::Program { .. } if self.only_after_callback(name, office) => {
                let reason = format!("{name} logs in after a callback only: direct = \"never\"");
                let refusal = Refusal::new(RefusalKind::Service, "user.direct", reason);
                self.refused(&refusal, None, office);
                let message = Message::UnknownName;
                self.ask_again(message, Cause::ServiceUnavailable, rest, line, office);
            }
            Action::Program { .. } => match self.served(name, office) {
                Ok(()) => self.launch(entry, name, rest, line, office),
                Err(refusal) => {
                    self.refused(&refusal, None, office);
                    let message = Message::UnknownName;
                    self.ask_again(message, Cause::ServiceUnavailable, rest, line, office);
                }
            },
            Action::Callback { .. } if self.leg == Leg::Return => {
                let refusal = Refusal::new(
                    RefusalKind::Service,
                    "callback.once",
                    "a callback was asked for on a call that is one".to_owned(),
                );
                self.refused(&refusal, None, office);
                let message = Message::AlreadyCalledBack;
                self.ask_again(message, Cause::ServiceUnavailable, rest, line, office);
            }
            Action::Callback { .. } => self.call_back(entry, rest, line, office),
            Action::Ppp => self.start_ppp(&rest, line, office),
        }
    }

    /// A name that nobody has: whoever gives it is told what everybody is told.
    pub(super) fn trapped(&self, name: &str, line: &Line, office: &mut Office<'_>) {
        if office.config.user(name).is_some_and(|user| user.trap) {
            let caller = line.caller_id().unwrap_or_else(|| "unknown".to_owned());
            office.desk.journal(Event::Alert {
                alert: Alert::TrapName,
                line: Some(line.name().to_owned()),
                call: Some(self.call),
                user: Some(name.to_owned()),
                reason: format!("a name that nobody has was given (caller {caller})"),
            });
        }
    }

    /// Whether the user of this name, if there is one, is served now.
    fn served(&self, name: &str, office: &Office<'_>) -> Result<(), Refusal> {
        policy::serves(office.config, name, user::Service::Login, self.leg, office.desk.now.wall)
    }

    /// Whether this name may not log in on a call that came in.
    fn only_after_callback(&self, name: &str, office: &Office<'_>) -> bool {
        let direct = office.config.user(name).map(|user| user.direct);
        self.leg == Leg::Request && direct == Some(Direct::Never)
    }

    /// Starts the program of `entry`, which was found under the name `sought`.
    pub(super) fn launch(
        &mut self,
        entry: &LoginEntry,
        sought: &str,
        rest: Vec<u8>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let Some(facts) = self.call_facts(line) else { return };
        let grounds = Grounds {
            entry: entry.line_number,
            sought: sought.to_owned(),
            leg: self.leg,
            line: line.config().name.clone(),
            facts,
            pppd: None,
        };
        let term = &office.config.login.term;
        let Some(launch) = dispatch::launch(entry, grounds, term, rest) else { return };
        self.begin_program(launch, line, office);
    }

    pub(super) fn begin_program(
        &mut self,
        launch: Launch,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        line.carrier_matters(true, office.desk);
        self.service = Service::Program(Program::starting(&launch));
        office.desk.output(Output::Launch(self.call, self.line, Box::new(launch)));
    }

    /// What is known of the call.
    pub(super) fn call_facts(&self, line: &Line) -> Option<CallFacts> {
        let call = line.call()?;
        let caller = call.caller.clone();
        Some(CallFacts {
            name: self.name.clone().unwrap_or_default(),
            connect: call.connect.clone(),
            caller_id: caller.caller.as_ref().map(ToString::to_string),
            caller_name: caller.name,
            called: caller.called,
            date: caller.date,
            time: caller.time,
            speed: line.config().speed,
        })
    }
}
