//! The session at its login prompt, and at the questions behind it: what is asked, with which patience, and
//! what becomes of each thing the prompt has heard.
//!
//! It does not know how a line is read, edited or echoed (that is `proto::login`), nor what a name or an
//! answer leads to: see the files named for that.

use proto::login::{self, Begin, Framing, GaveUp, Prompt, Question, Sniff};

use super::{Office, Session};
use crate::civil::Civil;
use crate::dispatch::{self, AUTO_PPP, FIDO};
use crate::line::Line;
use crate::messages::Message;
use crate::service::Service;
use crate::vocabulary::{Cause, Leg};

impl Session {
    /// The login prompt. The issue text comes with the first one only.
    pub(super) fn prompt(&self, line: &Line, office: &mut Office<'_>) -> Service {
        let again = match (self.errors, self.leg) {
            (1.., _) => Begin::AtOnce,
            (0, Leg::Request) if office.config.login.silent => Begin::OnInput,
            (0, Leg::Request | Leg::Return) => Begin::AfterQuiet(office.config.login.quiet),
        };
        self.prompt_when(again, line, office)
    }

    pub(super) fn prompt_when(
        &self,
        begin: Begin,
        line: &Line,
        office: &mut Office<'_>,
    ) -> Service {
        let config = office.config;
        let Some(call) = line.call() else { return Service::Ending };
        let caller = call.caller.to_string();
        let speed = line.config().speed.to_string();
        let now = Civil::at(office.desk.now.wall);
        let system = &config.server.system;
        let facts = login::Facts {
            host: &config.server.host,
            caller: &caller,
            connect: &call.connect,
            line: &line.config().name,
            speed: &speed,
            system: &system.name,
            machine: &system.machine,
            release: &system.release,
            version: &system.version,
            ctime: &now.to_string(),
            date: &now.date(),
            time: &now.time(),
            // Nobody here reads utmp.
            users: "",
        };
        let again = self.errors > 0;
        let opening = if again { &[][..] } else { config.login.issue.as_bytes() };
        let patience = self.expected().map(|answerer| answerer.until.since(office.desk.at()));
        let question = Question {
            kind: login::Kind::Name { fold_capitals: config.login.fold_capitals },
            begin,
            time_limit: patience
                .map_or(config.login.time_limit, |left| left.min(config.login.time_limit)),
            max_empty: config.login.empty_limit,
            sniff: Sniff {
                ppp: dispatch::is_served(&config.entries, AUTO_PPP, self.leg),
                fido: dispatch::is_served(&config.entries, FIDO, self.leg),
            },
            ..Question::login(
                login::render(opening, &facts),
                login::render(config.login.prompt.as_bytes(), &facts),
            )
        };
        Service::Prompt(Box::new(Prompt::new(question, self.terminal, office.desk.at())))
    }

    /// Takes everything that the prompt or the question has to say.
    pub(super) fn listen(&mut self, line: &mut Line, office: &mut Office<'_>) {
        while let Service::Prompt(prompt)
        | Service::Question { prompt, .. }
        | Service::Proof { prompt, .. }
        | Service::Code { prompt, .. } = &mut self.service
        {
            let Some(output) = prompt.poll() else { return };
            match output {
                login::Output::Send(bytes) => match self.service {
                    // A proof may be typed where it is echoed.
                    Service::Proof { .. } | Service::Code { .. } | Service::Verifying { .. } => {
                        line.say_unseen(bytes, office.desk);
                    }
                    Service::Unasked
                    | Service::Prompt(_)
                    | Service::Question { .. }
                    | Service::Storing { .. }
                    | Service::Sealing { .. }
                    | Service::Farewell { .. }
                    | Service::Ppp(_)
                    | Service::Program(_)
                    | Service::Ending => line.say(bytes, office.desk),
                },
                login::Output::Named(name) => self.named(&name, line, office),
                login::Output::Answered(text) => match self.service {
                    Service::Proof { .. } => self.typed_code(&text, line, office),
                    Service::Code { .. } => self.code_given(&text, line, office),
                    Service::Unasked
                    | Service::Prompt(_)
                    | Service::Question { .. }
                    | Service::Verifying { .. }
                    | Service::Storing { .. }
                    | Service::Sealing { .. }
                    | Service::Farewell { .. }
                    | Service::Ppp(_)
                    | Service::Program(_)
                    | Service::Ending => self.numbered(&text, line, office),
                },
                login::Output::Faulty(fault) => self.faulty(fault, office),
                login::Output::Ppp(Framing::EightBit) => self.named(AUTO_PPP, line, office),
                login::Output::Ppp(Framing::SevenBit) => {
                    self.last_words(Some(Message::SevenBits), Cause::UserError, line, office);
                }
                login::Output::Fido(_) => self.named(FIDO, line, office),
                login::Output::GaveUp(why) => self.gave_up(why, line, office),
                login::Output::Secret(typed) => self.typed_password(&typed, line, office),
            }
        }
    }

    fn gave_up(&mut self, why: GaveUp, line: &mut Line, office: &mut Office<'_>) {
        let cause = match why {
            GaveUp::Silence => Cause::IdleTimeout,
            GaveUp::TooManyEmpty | GaveUp::TooMuchNoise => Cause::UserError,
            GaveUp::Eof => Cause::UserRequest,
        };
        // The prompt has said good-bye itself.
        self.last_words(None, cause, line, office);
    }

    /// The bytes behind the answer, and what is known of the terminal.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.service, Service::Ending) {
            Service::Prompt(prompt)
            | Service::Question { prompt, .. }
            | Service::Code { prompt, .. }
            | Service::Proof { prompt, .. } => {
                let (rest, terminal) = prompt.finish();
                self.terminal = terminal;
                rest
            }
            Service::Unasked
            | Service::Storing { .. }
            | Service::Verifying { .. }
            | Service::Sealing { .. }
            | Service::Farewell { .. }
            | Service::Ppp(_)
            | Service::Program(_)
            | Service::Ending => Vec::new(),
        }
    }

    /// Says what was wrong and asks for the name again, or hangs up after too often.
    pub(super) fn ask_again(
        &mut self,
        message: Message,
        cause: Cause,
        rest: Vec<u8>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        self.errors += 1;
        if self.errors >= self.most_errors(office) {
            return self.last_words(Some(message), cause, line, office);
        }
        self.say(message, line, office);
        self.service = self.prompt(line, office);
        self.received(rest, line, office);
        self.listen(line, office);
    }
}
