//! The machine that owns lines, sessions and promises.
//!
//! ```text
//!   Input ──► handle ──► line | session | promises ──► facts, one at a time, until none ──► Outputs
//!                                                        │
//!     Serving ── Stop ──► Stopping ── every line on-hook and closed ──► Stopped
//! ```
//!
//! It routes and it puts together; each decision is made in the room it belongs to. Deadlines are kept in
//! an ordered set, told by each machine after each of its turns: idle lines cost nothing.
//!
//! It does not know what a file descriptor, a database or a clock is.

mod budget;
mod call_back;
mod commands;
mod facts;
mod measuring;
mod reload;
#[cfg(test)]
mod tests;
mod told;
mod views;

pub use self::told::Told;

use std::collections::{BTreeMap, BTreeSet};

use proto::time::{Deadline, Instant};

use crate::alarms::Alarms;
use crate::code::Code;
use crate::config::{self, Config};
use crate::desk::Desk;
use crate::hunt::{self, Choice};
use crate::line::{Line, Order};
use crate::loops::Loops;
use crate::pool::Pool;
use crate::promise::State as PromiseState;
use crate::promises::Promises;
use crate::qualify::Qualifications;
use crate::recovery::Restored;
use crate::session::{Office, Session};
use crate::vocabulary::{
    CallId, Cause, Ended, Event, Input, LineId, NetworkInput, Now, Output, ProgramInput, PromiseId,
    Reply, RequestId, Seq, SessionId,
};

/// Everything: lines, sessions, promises.
#[derive(Debug)]
pub struct Server {
    config: Config,
    lines: BTreeMap<LineId, Line>,
    /// The lines by name; those that a reload has removed are in `lines` only, until they are closed.
    names: BTreeMap<String, LineId>,
    next_line: u32,
    /// Sessions that have a call just now.
    sessions: BTreeMap<SessionId, Session>,
    on_line: BTreeMap<LineId, SessionId>,
    on_call: BTreeMap<CallId, SessionId>,
    /// What was measured on the lines; the configuration has it already.
    qualifications: Qualifications,
    promises: Promises,
    loops: Loops,
    pool: Pool,
    /// Who waits for the journal to be stored up to where.
    awaiting: BTreeSet<(Seq, Waiter)>,
    alarms: Alarms<Alarm>,
    /// The line that is being measured, if one is.
    measuring: Option<Box<measuring::Running>>,
    /// Operators who wait for the configuration to be read again.
    reloads: Vec<RequestId>,
    run: Run,
    desk: Desk,
}

/// Who waits for the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Waiter {
    /// A promise comes first: when the session's farewell goes out, the promise is sealed.
    Promise(PromiseId),
    Session(SessionId),
}

/// Who wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Line(LineId),
    Session(SessionId),
    /// A return call reaches the end, or nearly, of what may be spent.
    Budget(CallId),
    /// What is left for each return call has changed.
    Budgets,
    /// The line that is being measured.
    Measuring,
    Grace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Serving,
    Stopping,
    Stopped,
}

impl Server {
    /// Starts: opens every line, takes up the promises of earlier runs.
    ///
    /// `seed` is the only chance there is; `restored` is what [`recovery::fold`](crate::recovery::fold)
    /// made of the journal.
    #[must_use]
    pub fn new(mut config: Config, seed: [u8; 32], restored: Restored, now: Now) -> Self {
        restored.qualifications.complete(&mut config);
        let mut server = Self {
            lines: BTreeMap::new(),
            names: BTreeMap::new(),
            next_line: 0,
            sessions: BTreeMap::new(),
            on_line: BTreeMap::new(),
            on_call: BTreeMap::new(),
            qualifications: restored.qualifications.clone(),
            promises: Promises::default(),
            loops: Loops::default(),
            pool: Pool::new(&config),
            awaiting: BTreeSet::new(),
            alarms: Alarms::default(),
            run: Run::Serving,
            reloads: Vec::new(),
            measuring: None,
            desk: Desk::new(seed, &restored, now),
            config,
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        server.desk.journal(Event::ServerStarted { version });
        for (at, charge) in &restored.charges {
            server.promises.ledger.charge(&server.config, None, charge, *at);
        }
        for call in restored.cut_off {
            let charge = call.charge(&server.config);
            if let Some(charge) = &charge {
                server.promises.ledger.charge(&server.config, None, charge, now.wall);
            }
            server.desk.journal(Event::Ended(Ended { charge, ..call.ended(now.wall) }));
        }
        if let Some(call) = restored.measuring {
            let charge = call.charge(&server.config);
            if let Some(charge) = &charge {
                server.promises.ledger.charge(&server.config, None, charge, now.wall);
            }
            let finding = "the call was cut off with the server".to_owned();
            server.desk.journal(Event::Measured { line: call.line, finding, charge });
        }
        server.promises.strangers = restored.strangers;
        server.tell_aged();
        for promise in &restored.open {
            if promise.promised.bound {
                let why = "the code that binds it was forgotten when the server ended".to_owned();
                let promise = promise.promised.promise;
                server.desk.journal(Event::Withdrawn { promise, why });
                continue;
            }
            if let Err(promise) = server.promises.restore(&server.config, now, promise) {
                let why = "its time was over while the server was down".to_owned();
                server.desk.journal(Event::Expired { promise, why });
            }
        }
        let began_before = restored.next_seq != Restored::default().next_seq;
        for line in server.config.lines.clone() {
            let id = server.add_line(line);
            if began_before && let Some(line) = server.lines.get_mut(&id) {
                line.hold(&mut server.desk);
            }
            let busied_out =
                server.lines.get(&id).is_some_and(|line| restored.busied_out.contains(line.name()));
            server.on_line(id, |line, desk| line.busy_out(busied_out, desk));
        }
        server.take_facts();
        server
    }

    /// Takes one thing that the world did. Drain [`poll`](Self::poll) afterwards. After
    /// [`Output::Stopped`] nothing is taken any more.
    pub fn handle(&mut self, now: Now, input: Input) {
        if self.run == Run::Stopped {
            return;
        }
        self.desk.now = now;
        match input {
            Input::Port(line, input) => self.on_line(line, |line, desk| line.port(input, desk)),
            Input::Program(call, input) => self.program(call, input),
            Input::Network(call, input) => self.network(call, input),
            Input::Verified(call, ticket, good) => self.verified(call, ticket, good),
            Input::Durable(seq) => self.durable(seq),
            Input::StoreFailed(reason) => self.store_failed(&reason),
            Input::Command(request, command) => self.command(request, command),
            Input::Config(config) => self.reload(*config),
            Input::ConfigRefused { faults, first } => self.reload_refused(faults, first),
            Input::Tick => self.tick(),
            Input::Stop { grace } => self.stop(grace),
        }
        self.take_facts();
    }

    /// The next thing that the world shall do, until `None`.
    pub fn poll(&mut self) -> Option<Output> {
        self.desk.poll()
    }

    /// When [`Input::Tick`] is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        match self.run {
            Run::Serving | Run::Stopping => {
                Deadline::earliest(self.alarms.first(), self.promises.deadline())
            }
            Run::Stopped => None,
        }
    }

    /// The lines and their configuration, for whoever opens ports: to be asked again at each
    /// [`PortOutput::Open`](crate::vocabulary::PortOutput::Open), since a reload may have changed it.
    pub fn lines(&self) -> impl Iterator<Item = (LineId, &config::Line)> {
        self.lines.iter().map(|(id, line)| (*id, line.config()))
    }

    /// The configuration of one line.
    #[must_use]
    pub fn line(&self, id: LineId) -> Option<&config::Line> {
        self.lines.get(&id).map(Line::config)
    }

    /// The configuration in force.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    // ------------------------------------------------------------------------------ turns of the parts

    fn add_line(&mut self, config: config::Line) -> LineId {
        let id = LineId(self.next_line);
        self.next_line += 1;
        self.names.insert(config.name.clone(), id);
        // A line that a reload has removed may still have a call on this very port.
        let port_in_use = self.lines.values().any(|line| line.config().port == config.port);
        self.lines.insert(id, Line::new(id, config));
        if !port_in_use {
            self.on_line(id, Line::open);
        }
        id
    }

    /// Gives a line its turn and notes when it wants the next.
    fn on_line(&mut self, id: LineId, turn: impl FnOnce(&mut Line, &mut Desk)) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        turn(line, &mut self.desk);
        self.alarms.set(Alarm::Line(id), line.deadline());
    }

    /// Gives a session its turn, with its line.
    fn in_session(
        &mut self,
        id: SessionId,
        turn: impl FnOnce(&mut Session, &mut Line, &mut Office<'_>),
    ) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(line) = self.lines.get_mut(&session.line) else { return };
        let mut office = Office {
            config: &self.config,
            promises: &mut self.promises,
            pool: &mut self.pool,
            desk: &mut self.desk,
        };
        turn(session, line, &mut office);
        if let Some(seq) = session.service.waits_for() {
            self.awaiting.insert((seq, Waiter::Session(id)));
            if let Some(promise) = session.promised {
                self.awaiting.insert((seq, Waiter::Promise(promise)));
            }
        }
        self.alarms.set(Alarm::Session(id), session.deadline());
        self.alarms.set(Alarm::Line(line.id()), line.deadline());
    }

    fn program(&mut self, call: CallId, input: ProgramInput) {
        if let Some(&session) = self.on_call.get(&call) {
            self.in_session(session, |session, line, office| session.program(input, line, office));
        }
    }

    fn network(&mut self, call: CallId, input: NetworkInput) {
        if let NetworkInput::ScriptFailed { script, reason } = input {
            // The last script runs when the call is over.
            let script = script.display().to_string();
            self.desk.journal(Event::ScriptFailed { call, script, reason });
        } else if let Some(&session) = self.on_call.get(&call) {
            self.in_session(session, |session, line, office| session.network(input, line, office));
        }
    }

    fn verified(&mut self, call: CallId, ticket: u32, good: bool) {
        if let Some(&session) = self.on_call.get(&call) {
            self.in_session(session, |session, line, office| {
                session.verified(ticket, good, line, office);
            });
        }
    }

    fn tick(&mut self) {
        let now = self.desk.at();
        // Each alarm once: whoever wants the same instant again gets it at the next tick.
        let mut due = Vec::new();
        while let Some(alarm) = self.alarms.due(now) {
            due.push(alarm);
        }
        for alarm in due {
            match alarm {
                Alarm::Line(line) => self.on_line(line, Line::tick),
                Alarm::Session(session) => self.in_session(session, Session::tick),
                Alarm::Budget(call) => self.budget_due(call),
                Alarm::Budgets => self.watch_budgets(),
                Alarm::Measuring => self.measuring_due(),
                Alarm::Grace => self.grace_over(),
            }
            self.take_facts();
        }
        if self.run == Run::Stopped {
            return;
        }
        let mut due = Vec::new();
        while let Some(promise) = self.promises.due(now) {
            due.push(promise);
        }
        for promise in due {
            self.promise_due(promise);
            self.take_facts();
        }
    }

    // ------------------------------------------------------------------------------------- the journal

    fn durable(&mut self, upto: Seq) {
        self.promises.store_fault = None;
        while let Some(&(seq, waiter)) = self.awaiting.first()
            && seq <= upto
        {
            self.awaiting.pop_first();
            match waiter {
                Waiter::Promise(promise) => self.seal(promise),
                Waiter::Session(session) => self.in_session(session, |session, line, office| {
                    session.durable(upto, line, office);
                }),
            }
        }
    }

    /// A promise is on stable storage: it counts from when its request leg is on-hook.
    fn seal(&mut self, id: PromiseId) {
        let Some(promise) = self.promises.get(id) else { return };
        let leg = self.sessions.get(&promise.session).and_then(|session| session.promised);
        let due = match (promise.state, leg == Some(id)) {
            (_, true) => None,
            // An operator's callback is wanted now; there is no request leg to wait for.
            (PromiseState::Unsealed { reply: Some(_), .. }, false) => Some(self.desk.at()),
            (_, false) => Some(self.promises.first_due(&self.config, &mut self.desk, id)),
        };
        let reply = self.promises.change(id, |promise| promise.seal(due)).flatten();
        if let Some(request) = reply {
            let code = self.promises.get(id).and_then(|promise| promise.code.as_ref());
            let code = code.map(Code::shown);
            self.desk.output(Output::Reply(request, Reply::Promised { promise: id, code }));
        }
    }

    fn store_failed(&mut self, reason: &str) {
        self.promises.store_fault = Some(reason.to_owned());
        while let Some((_, waiter)) = self.awaiting.pop_first() {
            match waiter {
                Waiter::Promise(promise) => self.unseal(promise, reason),
                Waiter::Session(session) => self.in_session(session, Session::store_failed),
            }
        }
    }

    /// A promise that the journal does not hold is none.
    fn unseal(&mut self, id: PromiseId, reason: &str) {
        let why = format!("the journal cannot be written: {reason}");
        if let Some(promise) = self.promises.withdraw(&mut self.desk, id, why.clone())
            && let PromiseState::Unsealed { reply: Some(request), .. } = promise.state
        {
            let reply = Reply::Refused { rule: "store".to_owned(), reason: why };
            self.desk.output(Output::Reply(request, reply));
        }
    }

    // ------------------------------------------------------------------------------------ the promises

    fn promise_due(&mut self, id: PromiseId) {
        let Some(promise) = self.promises.get(id) else { return };
        let expired = promise.expires <= self.desk.at();
        match promise.state {
            PromiseState::Unsealed { .. } => self.unseal(id, "it did not answer in time"),
            PromiseState::Parting | PromiseState::Waiting { .. } | PromiseState::Hunting
                if expired =>
            {
                let why = "its time is over".to_owned();
                self.promises.expire(&mut self.desk, id, why);
            }
            PromiseState::Waiting { .. } | PromiseState::Hunting => self.place_call(id),
            PromiseState::Parting | PromiseState::Dialling { .. } => {}
        }
    }

    /// Dials for a promise that is due, or lets it wait for a line.
    fn place_call(&mut self, id: PromiseId) {
        let Some(promise) = self.promises.get(id) else { return };
        let choice = match self.run {
            Run::Serving => hunt::choose(promise.approval.lines().iter().filter_map(|name| {
                let line = self.lines.get(self.names.get(name)?)?;
                originates(line).then(|| (line.id(), self.may_dial(line)))
            })),
            // The journal keeps it for the next run.
            Run::Stopping | Run::Stopped => Choice::WhenFree,
        };
        match choice {
            Choice::Now(line) => self.dial(id, line),
            Choice::WhenFree => {
                self.promises.change(id, |promise| promise.state = PromiseState::Hunting);
                self.measuring_gives_way(id);
            }
            Choice::Never => {
                let why = "none of its lines is configured any more".to_owned();
                self.promises.expire(&mut self.desk, id, why);
            }
        }
    }

    fn dial(&mut self, id: PromiseId, line: LineId) {
        if !self.may_spend(id) {
            return;
        }
        let call = self.desk.call_id();
        match self.promises.take_turn(&self.config, id, line, call) {
            Some(turn) => {
                self.loops.dialled(turn.number.as_str(), self.desk.now.wall);
                self.on_line(line, |line, desk| line.dial(Order { call, turn }, desk));
            }
            None => {
                let why = "it has no number".to_owned();
                self.promises.expire(&mut self.desk, id, why);
            }
        }
    }

    /// Whether the line is free, and enough others are for callers.
    pub(crate) fn may_dial(&self, line: &Line) -> bool {
        let keep = usize::try_from(self.config.callback.reserve_incoming).unwrap_or(usize::MAX);
        let answers = |line: &&Line| match line.config().direction {
            config::Direction::Answer | config::Direction::Both => true,
            config::Direction::Originate => false,
        };
        let others = self.lines.values().filter(|other| other.id() != line.id());
        let free = || others.filter(answers).filter(|other| other.is_free()).count();
        line.is_free() && (keep == 0 || !answers(&line) || free() >= keep)
    }

    /// A line can take calls again: what waits for it is dialled, and what waited for its being free.
    fn ready(&mut self, id: LineId) {
        self.offer(id);
        if self.config.callback.reserve_incoming > 0 {
            for other in self.lines.keys().copied().collect::<Vec<_>>() {
                self.offer(other);
            }
        }
    }

    /// A line is free: the oldest promise that waits for it gets it.
    fn offer(&mut self, id: LineId) {
        // One that gets a line which it likes better leaves this one to the next.
        while let Some(line) = self.lines.get(&id)
            && originates(line)
            && self.may_dial(line)
            && let Some(promise) = self.promises.hunting_on(line.name())
            && self.run == Run::Serving
        {
            self.place_call(promise);
        }
    }

    // ---------------------------------------------------------------------------------------- the end

    fn stop(&mut self, grace: std::time::Duration) {
        let at: Instant = self.desk.at() + grace;
        let sooner = self.alarms.get(Alarm::Grace).is_some_and(|set| at < set.at);
        match self.run {
            Run::Serving => {}
            // Asked again, more urgently: the calls that still run get less time.
            Run::Stopping if sooner => {}
            Run::Stopping | Run::Stopped => return,
        }
        self.alarms.set(Alarm::Grace, Some(Deadline::new(at, "grace")));
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        self.desk.journal(Event::ServerStopping { grace_ms });
        if self.run == Run::Stopping {
            return;
        }
        self.run = Run::Stopping;
        self.stop_measuring("the server is stopping");
        for id in self.lines.keys().copied().collect::<Vec<_>>() {
            self.on_line(id, Line::close);
        }
        self.stopped_if_closed();
    }

    fn grace_over(&mut self) {
        for id in self.sessions.keys().copied().collect::<Vec<_>>() {
            self.in_session(id, |session, line, office| {
                session.end(Cause::AdminReboot, line, office);
            });
        }
    }

    fn stopped_if_closed(&mut self) {
        if self.run == Run::Stopping && self.lines.is_empty() {
            self.run = Run::Stopped;
            self.alarms.set(Alarm::Grace, None);
            self.desk.journal(Event::ServerStopped);
            self.desk.output(Output::Stopped);
        }
    }
}

/// Whether this line places calls at all.
const fn originates(line: &Line) -> bool {
    match line.config().direction {
        config::Direction::Answer => false,
        config::Direction::Originate | config::Direction::Both => true,
    }
}
