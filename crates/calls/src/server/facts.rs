//! What the lines report, and what follows from it: the only place where a line's fact becomes a
//! session's or a promise's business.
//!
//! It does not know how a line came to know.

use super::{Run, Server, Waiter};
use crate::alert::Alert;
use crate::config::Direction;
use crate::config::dialin_config::screen;
use crate::line::{Fact, Line};
use crate::session::{Answerer, Demand, Office, Session};
use crate::vocabulary::{CallId, Cause, Event, Leg, LineId, PromiseId, SessionId};
use proto::at::caller_id::CallerId;

impl Server {
    /// Takes every fact, one at a time: each may bring forth more.
    pub(super) fn take_facts(&mut self) {
        while let Some((line, fact)) = self.desk.fact() {
            self.fact(line, fact);
        }
    }

    fn fact(&mut self, line: LineId, fact: Fact) {
        match fact {
            Fact::Ready => self.ready(line),
            Fact::Rings { caller, rings } => self.rings(line, &caller, rings),
            Fact::Connected { call, session, leg: Leg::Request, promise: _ } => {
                self.begin_request(line, call, session);
            }
            Fact::Connected { call, session, leg: Leg::Return, promise } => {
                self.begin_return(line, call, session, promise);
            }
            Fact::Received(bytes) => {
                self.speaker(line, |session, line, office| session.received(bytes, line, office));
            }
            Fact::Drained => self.speaker(line, Session::drained),
            Fact::CarrierDoubted => self.speaker(line, Session::carrier_doubted),
            Fact::CarrierLost(cause) => {
                self.speaker(line, |session, line, office| {
                    session.carrier_lost(cause, line, office);
                });
            }
            Fact::Ended { call, promise, session, connected, cause, charge } => {
                if let Some(charge) = charge {
                    self.charged(call, &charge);
                }
                self.ended(line, call, session, connected);
                if let Some(promise) = promise
                    && !connected
                {
                    self.try_failed(line, promise, Some(call), cause);
                }
            }
            Fact::NotDialled { promise, cause } => self.try_failed(line, promise, None, cause),
            Fact::Measuring(heard) => self.measured(line, heard),
            Fact::Closed => self.closed(line),
        }
    }

    fn speaker(
        &mut self,
        line: LineId,
        turn: impl FnOnce(&mut Session, &mut Line, &mut Office<'_>),
    ) {
        if let Some(&session) = self.on_line.get(&line) {
            self.in_session(session, turn);
        }
    }

    /// It has rung often enough: is the call to be answered?
    fn rings(&mut self, id: LineId, caller: &CallerId, rings: u32) {
        let Some(line) = self.lines.get(&id) else { return };
        let words = &self.config.screening;
        // The caller's number comes behind the first ring. Who screens callers waits for it once.
        if !words.is_empty() && caller.caller.is_none() && rings < 2 {
            return;
        }
        let rule = match line.config().direction {
            Direction::Originate => Some("line.direction".to_owned()),
            Direction::Answer | Direction::Both => {
                let verdict = screen(words, Some(&caller.to_string()));
                (!verdict.accept).then_some(verdict.rule)
            }
        };
        let rule = rule.or_else(|| self.looped(id, caller));
        self.on_line(id, |line, desk| match rule {
            Some(rule) => line.screen(rule, desk),
            None => line.answer(desk),
        });
    }

    /// A number that we keep calling keeps calling us: two servers that call each other back.
    fn looped(&mut self, line: LineId, caller: &CallerId) -> Option<String> {
        let limit = self.config.callback.loop_limit;
        let number = caller.caller.as_ref()?.to_string();
        let calls = self.loops.called(&number, self.desk.now.wall)?;
        if limit == 0 || calls <= limit {
            return None;
        }
        // Once for each series.
        if calls == limit.saturating_add(1) {
            let line = self.lines.get(&line).map(|line| line.name().to_owned());
            let reason = format!(
                "{number} was dialled by us, and has called {limit} times since: it is not answered for an hour"
            );
            self.desk.journal(Event::Alert {
                alert: Alert::Loop,
                line,
                call: None,
                user: None,
                reason,
            });
        }
        Some("loop.caller-id".to_owned())
    }

    fn begin_request(&mut self, line: LineId, call: CallId, id: SessionId) {
        self.begin(line, id, |line, office| Session::request(id, line, call, office));
    }

    /// The promise is kept with this. One that was withdrawn while it was dialled is not served.
    fn begin_return(
        &mut self,
        line: LineId,
        call: CallId,
        id: SessionId,
        promise: Option<PromiseId>,
    ) {
        let Some((promise, closed)) = promise.and_then(|id| Some((id, self.promises.close(id)?)))
        else {
            return self.on_line(line, |line, desk| line.hang_up(Cause::AdminReset, desk));
        };
        let number = closed.number().map(|number| number.as_str().to_owned()).unwrap_or_default();
        let only = closed.ppp.then(|| closed.user.clone());
        let answerer = (!closed.is_operators()).then(|| Answerer {
            demand: Demand::of(&self.config, &closed.user, closed.code),
            user: closed.user,
            number,
            until: self.desk.at() + self.config.callback.return_time,
            recognised: false,
        });
        let kept = self.desk.journal(Event::Kept { promise, call });
        self.awaiting.insert((kept, Waiter::Session(id)));
        self.answered(line, call);
        self.begin(line, id, |line, office| {
            Session::returned(id, line, call, kept, only, answerer, office)
        });
    }

    fn begin(
        &mut self,
        id: LineId,
        session: SessionId,
        begin: impl FnOnce(&Line, &mut Office<'_>) -> Session,
    ) {
        let Some(line) = self.lines.get(&id) else { return };
        let mut office = Office {
            config: &self.config,
            promises: &mut self.promises,
            pool: &mut self.pool,
            desk: &mut self.desk,
        };
        let begun = begin(line, &mut office);
        let begun_call = begun.call;
        self.sessions.insert(session, begun);
        self.on_line.insert(id, session);
        self.on_call.insert(begun_call, session);
        // What it wants said at once, and its deadline.
        self.in_session(session, Session::tick);
    }

    /// A call is over and its line on-hook: its session has no call any more.
    fn ended(&mut self, line: LineId, call: CallId, session: Option<SessionId>, connected: bool) {
        if !connected {
            return;
        }
        self.on_line.remove(&line);
        self.on_call.remove(&call);
        self.pool.release(call);
        let Some(id) = session else { return };
        if self.sessions.get(&id).is_none_or(|session| session.call != call) {
            return;
        }
        self.alarms.set(super::Alarm::Session(id), None);
        let promised = self.sessions.remove(&id).and_then(|session| session.promised);
        if let Some(promise) = promised {
            let due = self.promises.first_due(&self.config, &mut self.desk, promise);
            self.promises.change(promise, |promise| promise.part(due));
        }
    }

    fn try_failed(&mut self, line: LineId, promise: PromiseId, call: Option<CallId>, cause: Cause) {
        let name = self.lines.get(&line).map(|line| line.name().to_owned()).unwrap_or_default();
        match self.run {
            Run::Serving => {
                self.promises.try_failed(&mut self.desk, promise, call, &name, cause);
            }
            // Broken off by ourselves: the promise stays as it is, for the next run.
            Run::Stopping | Run::Stopped => {}
        }
    }

    fn closed(&mut self, id: LineId) {
        self.alarms.set(super::Alarm::Line(id), None);
        let Some(line) = self.lines.remove(&id) else { return };
        if self.names.get(line.name()) == Some(&id) {
            self.names.remove(line.name());
        }
        if self.run == Run::Serving {
            let port = &line.config().port;
            let heir = self.lines.values().find(|l| l.is_closed() && l.config().port == *port);
            if let Some(heir) = heir.map(Line::id) {
                self.on_line(heir, Line::open);
            }
        }
        self.stopped_if_closed();
    }
}
