//! What operators want. Each request gets exactly one answer.
//!
//! It does not know how the request came in, nor whether its sender was entitled to it: the control
//! socket's owner is the operator.

use std::time::Duration;

use super::Server;
use crate::alert::Alert;
use crate::config::HoldBy;
use crate::line::Line;
use crate::promise::State;
use crate::qualify::MAX_HOLD;
use crate::vocabulary::{Cause, Command, Event, Output, PromiseId, Reply, RequestId};

/// Letters of an order that the journal keeps: as many numbers as are called for one, and some more.
const COMMAND_LIMIT: usize = 512;

impl Server {
    pub(super) fn command(&mut self, request: RequestId, command: Command) {
        let reply = match command {
            // Answered when the promise is durable.
            Command::Callback(order) => match self.call_number(request, &order) {
                Ok(()) => return,
                Err(refusal) => Reply::Refused { rule: refusal.rule, reason: refusal.reason },
            },
            Command::CallUser { who, user, number } => {
                match self.call_user(request, &who, &user, number.as_deref()) {
                    Ok(()) => return,
                    Err(refusal) => Reply::Refused { rule: refusal.rule, reason: refusal.reason },
                }
            }
            Command::HangUp { who, line } => self.hang_up(&who, &line),
            Command::BusyOut { who, line } => self.busy_out(&who, &line),
            Command::Restore { who, line } => self.restore(&who, &line),
            Command::Reset { who, line } => self.reset_line(&who, &line),
            Command::Reload { who } => {
                self.operated(&who, "reload");
                // Answered when the configuration has been read.
                self.reloads.push(request);
                return self.desk.output(Output::Reread);
            }
            Command::Qualify { who, line, hold_ms } => self.qualify(who, line, hold_ms),
            Command::Measure { who, line, with } => self.measure(who, &line, &with),
            Command::Release { who, number } => self.release(who, number),
            Command::Hurry { who, promise } => self.hurry(&who, promise),
            Command::Withdraw { who, promise } => self.withdraw(&who, promise),
        };
        self.desk.output(Output::Reply(request, reply));
    }

    /// An order goes into the journal before it is looked at, and so in what a log can show: whoever gives it for
    /// somebody else must not write lines of his own there, nor fill it.
    pub(super) fn operated(&mut self, who: &str, command: &str) {
        let letter = |letter: char| match letter {
            ' '..='~' => letter,
            _ => '?',
        };
        let command = command.chars().take(COMMAND_LIMIT).map(letter).collect();
        self.desk.journal(Event::Operated { who: who.to_owned(), command });
    }

    fn hang_up(&mut self, who: &str, name: &str) -> Reply {
        self.operated(who, &format!("hang-up {name}"));
        let Some(&id) = self.names.get(name) else {
            return no_line(name);
        };
        // A caller may have taken the line in the moment that it was claimed: his call is ended like any other.
        let has_call = self.lines.get(&id).is_some_and(|line| line.call().is_some());
        if self.measures(id) {
            self.stop_measuring("an operator has hung up");
            if !has_call {
                return Reply::Done;
            }
        }
        if self.lines.get(&id).is_none_or(|line| line.call().is_none()) {
            return refused("line", format!("there is no call on line {name}"));
        }
        match self.on_line.get(&id) {
            Some(&session) => self.in_session(session, |session, line, office| {
                session.end(Cause::AdminReset, line, office);
            }),
            None => self.on_line(id, |line, desk| line.hang_up(Cause::AdminReset, desk)),
        }
        Reply::Done
    }

    fn busy_out(&mut self, who: &str, name: &str) -> Reply {
        self.operated(who, &format!("busy-out {name}"));
        let Some(&id) = self.names.get(name) else { return no_line(name) };
        if self.lines.get(&id).is_some_and(Line::is_busied_out) {
            return refused("line", format!("line {name} is out of service already"));
        }
        if let Some(reply) = self.is_measured(id, name) {
            return reply;
        }
        self.desk.journal(Event::LineBusiedOut { line: name.to_owned() });
        self.on_line(id, |line, desk| line.busy_out(true, desk));
        Reply::Done
    }

    fn restore(&mut self, who: &str, name: &str) -> Reply {
        self.operated(who, &format!("restore {name}"));
        let Some(&id) = self.names.get(name) else { return no_line(name) };
        if !self.lines.get(&id).is_some_and(Line::is_busied_out) {
            return refused("line", format!("line {name} is in service"));
        }
        self.desk.journal(Event::LineRestored { line: name.to_owned() });
        self.on_line(id, |line, desk| line.busy_out(false, desk));
        Reply::Done
    }

    fn reset_line(&mut self, who: &str, name: &str) -> Reply {
        self.operated(who, &format!("reset {name}"));
        let Some(&id) = self.names.get(name) else { return no_line(name) };
        if let Some(("lent", holder)) = self.lines.get(&id).map(Line::state_name) {
            let holder = holder.unwrap_or("another program").to_owned();
            return refused("line", format!("line {name} is lent to {holder}"));
        }
        if let Some(reply) = self.is_measured(id, name) {
            return reply;
        }
        // After a call the modem is set up anew in any case.
        match self.on_line.get(&id) {
            Some(&session) => self.in_session(session, |session, line, office| {
                session.end(Cause::AdminReset, line, office);
            }),
            None => self.on_line(id, |line, desk| {
                line.hang_up(Cause::AdminReset, desk);
                line.reset(desk);
            }),
        }
        Reply::Done
    }

    /// What was measured long ago is weaker than it looks.
    pub(super) fn tell_aged(&mut self) {
        let now = self.desk.now.wall;
        for line in self.config.lines.iter().filter(|line| line.hold_by == HoldBy::Measured) {
            if self.qualifications.of(&line.name).is_some_and(|measured| measured.is_aged(now)) {
                self.desk.journal(Event::Alert {
                    alert: Alert::MeasuredLongAgo,
                    line: Some(line.name.clone()),
                    call: None,
                    user: None,
                    reason: "its hold time was measured half a year ago or more: measure it again"
                        .to_owned(),
                });
            }
        }
    }

    fn qualify(&mut self, who: String, line: String, hold_ms: u64) -> Reply {
        let command = format!("qualify {line} {hold_ms}ms");
        self.operated(&who, &command);
        if !self.names.contains_key(&line) {
            return refused("line", format!("there is no line {line}"));
        }
        if Duration::from_millis(hold_ms) > MAX_HOLD {
            // A slip of the unit, and until the next record nothing would ever be dialled on the line.
            let why = format!(
                "no exchange is known to hold a line for so long: {} minutes are the most, as for hold_time; did you mean \
                 seconds (12s)?",
                MAX_HOLD.as_secs() / 60
            );
            return refused("hold_time", why);
        }
        self.qualified(Event::Qualified { line, hold_ms, who, findings: None });
        Reply::Done
    }

    /// A line was measured: it waits so long from now on.
    pub(super) fn qualified(&mut self, qualified: Event) {
        self.qualifications.apply(&qualified, self.desk.now.wall);
        self.desk.journal(qualified);
        // The line takes it as it takes a new configuration: at once where there is no call, else after it.
        self.qualifications.complete(&mut self.config);
        for line in self.config.lines.clone() {
            if let Some(&id) = self.names.get(&line.name) {
                self.on_line(id, |own, desk| {
                    if own.config().hold_time != line.hold_time {
                        own.reconfigure(Some(line), desk);
                    }
                });
            }
        }
    }

    fn release(&mut self, who: String, number: String) -> Reply {
        self.operated(&who, &format!("release {number}"));
        if self.promises.strangers.count(&number) == 0 {
            return refused("number", format!("no stranger has answered at {number}"));
        }
        let released = Event::Released { number, who };
        self.promises.strangers.apply(&released, self.desk.now.wall);
        self.desk.journal(released);
        Reply::Done
    }

    fn hurry(&mut self, who: &str, id: PromiseId) -> Reply {
        self.operated(who, &format!("hurry {id}"));
        let due = self.desk.at();
        let state = self.promises.get(id).map(|promise| promise.state);
        let why_not = match state {
            Some(State::Waiting { .. }) => {
                self.promises.change(id, |promise| promise.state = State::Waiting { due });
                return Reply::Done;
            }
            Some(State::Unsealed { .. }) => "it is not stored yet",
            Some(State::Parting) => "its caller is still on the line",
            Some(State::Hunting) => "it waits for a free line already",
            Some(State::Dialling { .. }) => "it is being dialled",
            None => "there is no such open promise",
        };
        refused("promise", format!("{id}: {why_not}"))
    }

    fn withdraw(&mut self, who: &str, id: PromiseId) -> Reply {
        self.operated(who, &format!("withdraw {id}"));
        let why = format!("withdrawn by {who}");
        let Some(promise) = self.promises.withdraw(&mut self.desk, id, why) else {
            return refused("promise", format!("there is no open promise {id}"));
        };
        match promise.state {
            State::Dialling { line, .. } => {
                self.on_line(line, |line, desk| line.hang_up(Cause::AdminReset, desk));
            }
            State::Unsealed { reply: Some(request), .. } => {
                let reply = refused("promise", "withdrawn before it was made".to_owned());
                self.desk.output(Output::Reply(request, reply));
            }
            State::Unsealed { reply: None, .. }
            | State::Parting
            | State::Waiting { .. }
            | State::Hunting => {}
        }
        Reply::Done
    }
}

pub(super) fn no_line(name: &str) -> Reply {
    refused("line", format!("there is no line {name}"))
}

pub(super) fn refused(rule: &str, reason: String) -> Reply {
    Reply::Refused { rule: rule.to_owned(), reason }
}
