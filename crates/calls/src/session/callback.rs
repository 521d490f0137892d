//! The caller's wish to be called back: the number is asked for, policy decides, the promise is made.
//!
//! It does not say yes or no by itself ([`policy`](crate::policy) does), and it does not say the farewell
//! before the journal has stored the promise: that is the session's next state.

use proto::login::{self, Fault, Prompt, Question};

use super::{MAX_ERRORS, MAX_NUMBER_TEXT, Office, STORE_TIME, Session};
use crate::config::{Action, LoginEntry, ReturnLine};
use crate::line::Line;
use crate::messages::Message;
use crate::policy::{Numbers, OpenPromises, Refusal, RefusalKind, Request};
use crate::promises::Terms;
use crate::service::Service;
use crate::vocabulary::{Cause, Event};

impl Session {
    pub(super) fn ask_number(
        &mut self,
        entry: &LoginEntry,
        rest: Vec<u8>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let question = Question {
            time_limit: office.config.login.number_time_limit,
            max_length: MAX_NUMBER_TEXT,
            ..Question::text(login::NUMBER_PROMPT)
        };
        let prompt = Prompt::new(question, self.terminal, office.desk.at());
        let entry = Box::new(entry.clone());
        self.service = Service::Question { prompt: Box::new(prompt), entry };
        self.received(rest, line, office);
        self.listen(line, office);
    }

    /// The question itself has told the caller and asks again; a line that was no number is a refusal
    /// all the same. Of a login name there is nothing to tell yet.
    pub(super) fn faulty(&self, fault: Fault, office: &mut Office<'_>) {
        let Service::Question { .. } = &self.service else { return };
        let reason = match fault {
            Fault::TooLong => format!("more than {MAX_NUMBER_TEXT} characters were typed"),
            Fault::NotPlain => "something else than ASCII was typed".to_owned(),
            Fault::Command => "a modem's command was typed".to_owned(),
        };
        let refusal = Refusal::new(RefusalKind::NotANumber, "number.plain-text", reason);
        self.refused(&refusal, None, office);
    }

    pub(super) fn numbered(&mut self, text: &str, line: &mut Line, office: &mut Office<'_>) {
        let Service::Question { entry, .. } = &self.service else { return };
        let entry = entry.clone();
        // What he typed ahead was meant for the modem, or is junk.
        let _ahead = self.finish();
        self.promise(&entry, Numbers::Typed(text), line, office);
    }

    pub(super) fn promise(
        &mut self,
        entry: &LoginEntry,
        numbers: Numbers<'_>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        let Action::Callback { line: wanted, init, speed, .. } = &entry.action else { return };
        let return_line: &ReturnLine = wanted.as_ref().unwrap_or(&office.config.callback.line);
        let user = self.name.clone().unwrap_or_default();
        let request = Request {
            user: &user,
            numbers,
            return_line,
            came_in_on: Some(&line.config().name),
            open: OpenPromises::default(),
        };
        let terms = Terms {
            session: self.id,
            call: Some(self.call),
            user: &user,
            init,
            speed: *speed,
            reply: None,
        };
        match office.promises.make(office.config, office.desk, request, &terms) {
            Ok(made) => {
                self.promised = Some(made.promise);
                self.service = Service::Sealing {
                    seq: made.seq,
                    until: office.desk.at() + STORE_TIME,
                    within_s: made.within_s,
                };
            }
            Err(refusal) => {
                let number = match numbers {
                    Numbers::Typed(text) => Some(text),
                    Numbers::Entry(..) | Numbers::Operator(_) => None,
                };
                self.refused(&refusal, number, office);
                let message = match refusal.kind {
                    RefusalKind::NotANumber => {
                        return self.not_a_number(entry, line, office);
                    }
                    RefusalKind::Number => Message::NumberRefused,
                    RefusalKind::Service => Message::NoCallbackNow,
                };
                self.last_words(Some(message), Cause::ServiceUnavailable, line, office);
            }
        }
    }

    fn not_a_number(&mut self, entry: &LoginEntry, line: &mut Line, office: &mut Office<'_>) {
        self.errors += 1;
        if self.errors >= MAX_ERRORS {
            return self.last_words(Some(Message::NotANumber), Cause::UserError, line, office);
        }
        self.say(Message::NotANumber, line, office);
        self.ask_number(entry, Vec::new(), line, office);
    }

    pub(super) fn refused(&self, refusal: &Refusal, number: Option<&str>, office: &mut Office<'_>) {
        office.desk.journal(Event::Refused {
            call: self.call,
            session: self.id,
            user: self.name.clone().unwrap_or_default(),
            number: number.map(printable),
            rule: refusal.rule.clone(),
            reason: refusal.reason.clone(),
        });
    }
}

/// What a caller typed, for the journal.
fn printable(text: &str) -> String {
    let clean = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    text.chars().take(MAX_NUMBER_TEXT).map(clean).collect()
}
