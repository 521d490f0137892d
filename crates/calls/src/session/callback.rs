//! The caller's wish to be called back: the number is asked for, policy decides, the promise is made.
//!
//! It does not say yes or no by itself ([`policy`](crate::policy) does), and it does not say the farewell
//! before the journal has stored the promise: that is the session's next state.

use std::time::Duration;

use proto::login::{self, Fault, Prompt, Question};

use super::{MAX_ERRORS, MAX_NUMBER_TEXT, MODEM_GONE, Office, STORE_TIME, Session};
use crate::config::{Action, LoginEntry, ReturnLine, user};
use crate::line::Line;
use crate::messages::Message;
use crate::policy::wish::{self, Wish};
use crate::policy::{Counters, Marked, Numbers, Refusal, RefusalKind, Request};
use crate::promises::Terms;
use crate::service::Service;
use crate::vocabulary::{Cause, Event};

/// Why a number is not called after all.
const CUT_SHORT: &str = "the carrier was lost before the number was complete";

/// What a modem says of a lost carrier, behind the CR with which it begins.
const NO_CARRIER: &[u8] = b"\nNO CARRIER";

/// Whether it was the modem, and not the caller, who ended the line with the number: `55501`, the carrier
/// lost, `CR LF NO CARRIER`. Half a number would be called, and belongs to somebody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CutShort {
    /// So many bytes of the modem's words have come behind the CR.
    Perhaps(usize),
    /// Something else has.
    #[default]
    No,
}

impl CutShort {
    /// A number was ended by a CR just now.
    pub(super) const fn perhaps() -> Self {
        Self::Perhaps(0)
    }

    /// Hears what comes behind the CR. `true`, once: the number was cut short.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> bool {
        for &byte in bytes {
            let Self::Perhaps(matched) = self else { return false };
            match NO_CARRIER.get(*matched) {
                Some(&wanted) if wanted == byte => *matched += 1,
                // A second CR before the words, as some modems send it.
                _ if byte == b'\r' && *matched <= 1 => {}
                _ => *self = Self::No,
            }
            if *self == Self::Perhaps(NO_CARRIER.len()) {
                *self = Self::No;
                return true;
            }
        }
        false
    }
}

impl Session {
    /// More came behind a number that was taken.
    pub(super) fn behind_number(&mut self, bytes: &[u8], line: &mut Line, office: &mut Office<'_>) {
        if self.cut_short.hear(bytes)
            && let Some(promise) = self.promised.take()
        {
            // Nothing to be told: nobody is there.
            let _promise = office.promises.withdraw(office.desk, promise, CUT_SHORT.to_owned());
            self.hang_up(Cause::LostCarrier, line, office);
        }
    }

    /// The name asks for a callback, and is proved as far as it has to be: at which number?
    pub(super) fn call_back(
        &mut self,
        entry: &LoginEntry,
        rest: Vec<u8>,
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        match wish::at_prompt(entry, self.user(office.config)) {
            Wish::Numbers(numbers) => self.promise(entry, numbers, line, office),
            Wish::Ask => self.ask_number(entry, rest, line, office),
        }
    }

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
        if MODEM_GONE.contains(&text) {
            // Said before DCD falls, to an open question. Nothing may be said to the modem now.
            return self.hang_up(Cause::LostCarrier, line, office);
        }
        let entry = entry.clone();
        // Whoever sends a second line with his number means it for the modem: no person and no script does.
        let ahead = self.finish();
        self.cut_short = CutShort::perhaps();
        if self.cut_short.hear(&ahead) {
            let rule = "number.cut-short";
            let refusal = Refusal::new(RefusalKind::Number, rule, CUT_SHORT.to_owned());
            self.refused(&refusal, Some(text), office);
            return self.hang_up(Cause::LostCarrier, line, office);
        }
        if self.cut_short == CutShort::No && ahead.iter().any(u8::is_ascii_graphic) {
            let reason = "more was sent behind the number, in the same breath".to_owned();
            let refusal = Refusal::new(RefusalKind::Number, "number.typed-ahead", reason);
            self.refused(&refusal, Some(text), office);
            let message = Some(Message::NumberRefused);
            return self.last_words(message, Cause::ServiceUnavailable, line, office);
        }
        let numbers = wish::given(self.user(office.config), text);
        self.promise(&entry, numbers, line, office);
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
        let user = self.user_name(office.config);
        let caller_id = line.caller_id();
        let request = Request {
            user: &user,
            numbers,
            return_line,
            identity: self.identity,
            service: user::Service::Login,
            came_in_on: Some(&line.config().name),
            caller_id: caller_id.as_deref(),
            leg: self.leg,
            at: office.desk.now.wall,
            counters: Counters::default(),
            marked: Marked::default(),
        };
        let terms = Terms {
            session: self.id,
            call: Some(self.call),
            user: &user,
            init,
            speed: *speed,
            least_delay: Duration::ZERO,
            bound: self.is_bound(&user, office),
            ppp: false,
            reply: None,
        };
        match office.promises.make(office.config, office.desk, request, &terms) {
            Ok(made) => {
                self.promised = Some(made.promise);
                self.service = Service::Sealing {
                    seq: made.seq,
                    until: office.desk.at() + STORE_TIME,
                    within_s: made.within_s,
                    notice: made.notice,
                };
            }
            Err(refusal) => {
                let number = match numbers {
                    Numbers::Typed(text) => Some(text),
                    Numbers::Entry(..)
                    | Numbers::User(_)
                    | Numbers::Operator(_)
                    | Numbers::Measured(_) => None,
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
pub(super) fn printable(text: &str) -> String {
    let clean = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    text.chars().take(MAX_NUMBER_TEXT).map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_modems_words_right_behind_the_cr_cut_a_number_short() {
        for (behind, wanted) in [
            (&b"\nNO CARRIER\r\n"[..], true),
            (b"\r\nNO CARRIER\r\n", true),
            (b"\n", false),
            (b"NO CARRIER\r\n", false),
            (b"\nNO CARRIEr\r\n", false),
            (b"\n x\nNO CARRIER\r\n", false),
        ] {
            for cut in 0..=behind.len() {
                let (one, other) = behind.split_at(cut);
                let mut cut_short = CutShort::perhaps();
                let got = cut_short.hear(one) | cut_short.hear(other);
                assert_eq!(got, wanted, "{} cut at {cut}", behind.escape_ascii());
            }
        }
    }
}
