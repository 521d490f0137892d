//! Orders to call somebody back: a number, as callback(8) has it, or a user at a number that policy approves.
//!
//! A number that an operator orders is called as it is, and whoever answers gets the prompt. A user is called as if he
//! had asked for it himself and proved his name: his numbers, hours, budgets and his proof on the return leg hold.
//!
//! It does not dial: what is made here is a promise like any other, due at once.

use std::time::Duration;

use proto::dial::PhoneNumber;

use super::{Run, Server, Waiter};
use crate::config::user::Service;
use crate::config::{Action, Config, LoginEntry, ReturnLine, User};
use crate::dispatch;
use crate::policy::wish::{self, Wish};
use crate::policy::{Counters, Identity, Marked, Numbers, Proof, Refusal, RefusalKind, Request};
use crate::promises::{OPERATOR, Terms};
use crate::session;
use crate::vocabulary::{CallbackOrder, Leg, RequestId};

impl Server {
    /// callback(8)'s order.
    pub(super) fn call_number(
        &mut self,
        request: RequestId,
        order: &CallbackOrder,
    ) -> Result<(), Refusal> {
        let command = format!("callback {}", order.numbers.join(" "));
        self.operated(&order.who, &command);
        self.serving()?;
        let parse = |text: &String| {
            PhoneNumber::configured(text).map_err(|fault| {
                let reason = format!("{text}: {fault}");
                Refusal::new(RefusalKind::NotANumber, "number.grammar", reason)
            })
        };
        let numbers = order.numbers.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let chosen = ReturnLine::Lines(order.lines.clone());
        let return_line = if order.lines.is_empty() { &self.config.callback.line } else { &chosen };
        let wish = Request {
            user: OPERATOR,
            numbers: Numbers::Operator(&numbers),
            return_line,
            identity: Identity::Operator,
            service: Service::Login,
            came_in_on: None,
            caller_id: None,
            leg: Leg::Request,
            at: self.desk.now.wall,
            counters: Counters::default(),
            marked: Marked::default(),
        };
        let terms = Terms {
            least_delay: Duration::ZERO,
            bound: false,
            ppp: false,
            session: self.desk.session_id(),
            call: None,
            user: OPERATOR,
            init: &order.init,
            speed: order.speed,
            reply: Some(request),
        };
        let made = self.promises.make(&self.config, &mut self.desk, wish, &terms)?;
        self.awaiting.insert((made.seq, Waiter::Promise(made.promise)));
        Ok(())
    }

    /// Who is stopping calls nobody any more, and a code that is told now is forgotten by the next start.
    fn serving(&self) -> Result<(), Refusal> {
        match self.run {
            Run::Serving => Ok(()),
            Run::Stopping | Run::Stopped => {
                let reason = "the server is stopping: order it again when it runs".to_owned();
                Err(Refusal::new(RefusalKind::Service, "server", reason))
            }
        }
    }

    /// The order to call a user back, or a name of login.config that is called back.
    pub(super) fn call_user(
        &mut self,
        request: RequestId,
        who: &str,
        name: &str,
        number: Option<&str>,
    ) -> Result<(), Refusal> {
        let command = match number {
            Some(number) => format!("call-back {name} {number}"),
            None => format!("call-back {name}"),
        };
        self.operated(who, &command);
        self.serving()?;
        let config = &self.config;
        let user = config.user(name);
        let entry = entry(config, name, user);
        if user.is_none() && entry.is_none() {
            let reason = format!(
                "{name} is no user, and login.config has no callback for the name: dialback user list shows the users, dialback callback NUMBER calls a number"
            );
            return Err(Refusal::new(RefusalKind::Service, "user", reason));
        }
        let numbers = match number {
            Some(number) => given(entry, user, number),
            None => known(entry, user),
        };
        let name = user.map_or(name, |user| &user.name);
        // Who uses PPP alone is not met by a prompt.
        let ppp = user.is_some_and(|user| user.services == [Service::Ppp]);
        let (init, speed, line) = match entry.map(|entry| &entry.action) {
            Some(Action::Callback { init, speed, line, .. }) => {
                (init.as_slice(), *speed, line.as_ref())
            }
            Some(Action::Program { .. } | Action::Ppp) | None => (&[][..], None, None),
        };
        let wish = Request {
            user: name,
            numbers,
            return_line: line.unwrap_or(&config.callback.line),
            identity: Identity::Proven(Proof::Operator),
            service: if ppp { Service::Ppp } else { Service::Login },
            came_in_on: None,
            caller_id: None,
            leg: Leg::Request,
            at: self.desk.now.wall,
            counters: Counters::default(),
            marked: Marked::default(),
        };
        let terms = Terms {
            least_delay: Duration::ZERO,
            bound: !ppp && session::wants_code(config, name),
            ppp,
            session: self.desk.session_id(),
            call: None,
            user: name,
            init,
            speed,
            reply: Some(request),
        };
        let made = self.promises.make(config, &mut self.desk, wish, &terms);
        let made = made.map_err(|refusal| match refusal.rule.as_str() {
            "number.none" => {
                let reason =
                    format!("no number is known: dialback call-back {name} NUMBER says which");
                Refusal { reason, ..refusal }
            }
            _ => refusal,
        })?;
        self.awaiting.insert((made.seq, Waiter::Promise(made.promise)));
        Ok(())
    }
}

/// The entry by which the name, or the user under one of his names, would be called back.
fn entry<'c>(config: &'c Config, name: &str, user: Option<&User>) -> Option<&'c LoginEntry> {
    let aliases = user.into_iter().flat_map(|user| &user.aliases);
    let names = [name].into_iter().chain(user.map(|user| user.name.as_str()));
    names.chain(aliases.map(String::as_str)).find_map(|name| {
        let entry = dispatch::find(&config.entries, name, Leg::Request)?;
        (!dispatch::serves(entry)).then_some(entry)
    })
}

/// All numbers that are stored for the name, as somebody who asks for a callback without giving one would get them.
fn known<'c>(entry: Option<&'c LoginEntry>, user: Option<&'c User>) -> Numbers<'c> {
    match entry.map(|entry| wish::at_prompt(entry, user)) {
        Some(Wish::Numbers(numbers)) => numbers,
        Some(Wish::Ask) | None => wish::stored(user),
    }
}

/// What a number means that was given: one that is stored is the administrator's, as at the prompt.
fn given<'c>(entry: Option<&'c LoginEntry>, user: Option<&'c User>, text: &'c str) -> Numbers<'c> {
    match known(entry, user) {
        Numbers::Entry(numbers, line) => {
            let at = numbers.iter().position(|number| number.as_str() == text);
            match at.and_then(|at| numbers.get(at..=at)) {
                Some(own) => Numbers::Entry(own, line),
                None => Numbers::Typed(text),
            }
        }
        Numbers::Typed(_) | Numbers::User(_) | Numbers::Operator(_) | Numbers::Measured(_) => {
            wish::given(user, text)
        }
    }
}
