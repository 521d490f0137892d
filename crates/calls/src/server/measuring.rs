//! One line of ours is measured by calls from another: what [`Measurement`] wishes is done with the two lines, told in the
//! journal and paid for.
//!
//! One at a time. Both lines must be free, and nobody may wait for them; a callback that comes due meanwhile, and that no
//! other line can make, ends it. Each call is approved by policy like any other, by the one rule that lets
//! a line of ours call another ([`Numbers::Measured`]).
//!
//! It does not know what is measured, nor how.

use std::time::Duration;

use proto::dial::PhoneNumber;

use super::commands::{no_line, refused};
use super::{Alarm, Run, Server};
use crate::config::user::Service;
use crate::config::{Direction, ReturnLine};
use crate::line::{Act, Heard, Line};
use crate::money::Toll;
use crate::policy::{
    self, Approval, Counters, Identity, Marked, Numbers, OpenPromises, Refusal, Request,
};
use crate::promise::State as PromiseState;
use crate::promises::OPERATOR;
use crate::qualify::engine::{Measurement, Plan, Side, Sides, Wish};
use crate::vocabulary::{Event, Leg, LineId, PromiseId, Reply};

/// A callback that is due so soon on one of the lines would come in between: a measuring takes minutes.
const SOON: Duration = Duration::from_secs(15 * 60);

/// A line being measured.
#[derive(Debug)]
pub(super) struct Running {
    engine: Measurement,
    ids: Sides<LineId>,
    names: Sides<String>,
    who: String,
}

impl Running {
    fn side(&self, line: LineId) -> Option<Side> {
        [Side::Line, Side::Other].into_iter().find(|side| *self.ids.of(*side) == line)
    }
}

impl Server {
    /// An operator wants `name` measured by calls between it and `with`.
    pub(super) fn measure(&mut self, who: String, name: &str, with: &str) -> Reply {
        let command = format!("qualify {name} --with {with}");
        self.operated(&who, &command);
        match self.measuring_plan(name, with) {
            Ok((ids, plan)) => {
                let names = plan.names.clone();
                let engine = Measurement::new(self.desk.at(), plan);
                for side in [Side::Line, Side::Other] {
                    self.on_line(*ids.of(side), |line, desk| line.measure(true, desk));
                }
                self.measuring = Some(Box::new(Running { engine, ids, names, who }));
                self.carry_on();
                Reply::Done
            }
            Err(reply) => reply,
        }
    }

    /// Whether it can be, and how.
    fn measuring_plan(&mut self, name: &str, with: &str) -> Result<(Sides<LineId>, Plan), Reply> {
        if self.run != Run::Serving {
            return Err(refused("server", "the server is stopping".to_owned()));
        }
        if let Some(running) = &self.measuring {
            let other = &running.names.line;
            return Err(refused("line", format!("line {other} is being measured: one at a time")));
        }
        if name == with {
            let why = "a line can't call itself: name another one with --with";
            return Err(refused("line", why.to_owned()));
        }
        let line = self.line_to_measure(name)?;
        let other = self.line_to_measure(with)?;
        let ids = Sides { line: line.id(), other: other.id() };
        let both_ways = both_ways(line, other)?;
        let Some(number) = line.config().number.clone() else {
            let why = format!("line {name} has no `number` configured: nobody can call it");
            return Err(refused("number.none", why));
        };
        let other_number = other.config().number.clone();
        self.no_callback_soon(name, with)?;
        let calls = [(with, &number)].into_iter();
        let back = other_number.iter().filter(|_| both_ways).map(|number| (name, number));
        let calls: Vec<(&str, PhoneNumber)> =
            calls.chain(back).map(|(from, number)| (from, number.clone())).collect();
        for (from, number) in calls {
            let refuse = |refusal: Refusal| refused(&refusal.rule, refusal.reason);
            let _approval = self.approve_measuring(from, &number).map_err(refuse)?;
        }
        let greetings = Sides { line: self.digits(), other: self.digits() };
        let names = Sides { line: name.to_owned(), other: with.to_owned() };
        Ok((ids, Plan { names, number, other_number, both_ways, greetings }))
    }

    /// No callback is to be made on one of the two while they are measured.
    fn no_callback_soon(&self, name: &str, with: &str) -> Result<(), Reply> {
        for promise in self.promises.iter() {
            let soon = match promise.state {
                PromiseState::Waiting { due } => due <= self.desk.at() + SOON,
                PromiseState::Unsealed { .. }
                | PromiseState::Parting
                | PromiseState::Hunting
                | PromiseState::Dialling { .. } => true,
            };
            let its_own = |line: &String| line == name || line == with;
            if soon && let Some(line) = promise.approval.lines().iter().find(|line| its_own(line)) {
                let why = format!(
                    "a callback may be made on line {line} soon ({}): wait for it",
                    promise.id
                );
                return Err(refused("promise", why));
            }
        }
        Ok(())
    }

    fn line_to_measure(&self, name: &str) -> Result<&Line, Reply> {
        let line = self.names.get(name).and_then(|id| self.lines.get(id));
        let line = line.ok_or_else(|| no_line(name))?;
        if line.is_busied_out() {
            let why = format!("line {name} is out of service: dialback restore {name}");
            return Err(refused("line", why));
        }
        if !line.is_free() {
            let state = match line.state_name() {
                ("idle", _) => match line.held_until() {
                    Some(until) => {
                        let left = until.since(self.desk.at()).as_secs() + 1;
                        format!(
                            "idle, and the exchange may still hold it for {left} s: try again then"
                        )
                    }
                    None => "idle, and about to be left".to_owned(),
                },
                (state, Some(detail)) => format!("{state} ({detail})"),
                (state, None) => state.to_owned(),
            };
            let why = format!("line {name} is not free: it is {state}");
            return Err(refused("line", why));
        }
        Ok(line)
    }

    /// Policy's word on one measuring call.
    fn approve_measuring(&mut self, from: &str, number: &PhoneNumber) -> Result<Approval, Refusal> {
        let return_line = ReturnLine::Lines(vec![from.to_owned()]);
        let at = self.desk.now.wall;
        // No promise is made: what is open does not matter.
        let mut counters = Counters { open: OpenPromises::default(), ..Counters::default() };
        self.promises.ledger.count(&self.config, at, OPERATOR, &mut counters);
        let request = Request {
            user: OPERATOR,
            identity: Identity::Operator,
            service: Service::Login,
            numbers: Numbers::Measured(std::slice::from_ref(number)),
            return_line: &return_line,
            came_in_on: None,
            caller_id: None,
            leg: Leg::Request,
            at,
            counters,
            marked: Marked::default(),
        };
        policy::decide(&self.config, &request).answer
    }

    /// Twelve that nobody can guess. Digits only: said to a modem that has lost its carrier they are no command.
    fn digits(&mut self) -> String {
        format!("{:012}", self.desk.chance.up_to(999_999_999_999))
    }

    // ------------------------------------------------------------------------------- while it runs

    /// Whether this line is one of the two.
    pub(super) fn measures(&self, line: LineId) -> bool {
        self.measuring.as_ref().is_some_and(|running| running.side(line).is_some())
    }

    /// What an operator is told who wants to do something else with such a line.
    pub(super) fn is_measured(&self, line: LineId, name: &str) -> Option<Reply> {
        self.measures(line).then(|| {
            let why = format!("line {name} is being measured: dialback hangup {name} ends that");
            refused("line", why)
        })
    }

    /// One of the two lines has heard something.
    pub(super) fn measured(&mut self, line: LineId, heard: Heard) {
        let now = self.desk.at();
        if let Some(running) = &mut self.measuring
            && let Some(side) = running.side(line)
        {
            running.engine.heard(now, side, heard);
            self.carry_on();
        }
    }

    pub(super) fn measuring_due(&mut self) {
        let now = self.desk.at();
        if let Some(running) = &mut self.measuring {
            running.engine.tick(now);
            self.carry_on();
        }
    }

    /// It ends before its time.
    pub(super) fn stop_measuring(&mut self, why: &str) {
        let now = self.desk.at();
        if let Some(running) = &mut self.measuring {
            running.engine.cancel(now, why.to_owned());
            self.carry_on();
        }
    }

    /// A callback is due, and all of its lines are taken: one that is only measured is given to it.
    pub(super) fn measuring_gives_way(&mut self, promise: PromiseId) {
        let Some(running) = &self.measuring else { return };
        let wants = |name: &String| {
            self.promises
                .get(promise)
                .is_some_and(|promise| promise.approval.lines().contains(name))
        };
        if wants(&running.names.line) || wants(&running.names.other) {
            self.stop_measuring("a callback is due on one of the lines");
        }
    }

    /// Does what is wished.
    fn carry_on(&mut self) {
        while let Some(running) = &mut self.measuring {
            let Some(wish) = running.engine.poll() else {
                let deadline = running.engine.deadline();
                return self.alarms.set(Alarm::Measuring, deadline);
            };
            let (ids, names) = (running.ids.clone(), running.names.clone());
            match wish {
                Wish::Act(side, act) => {
                    self.on_line(*ids.of(side), |line, desk| line.act(act, desk));
                }
                Wish::Call { from, number, stay, purpose } => {
                    self.measuring_call(&ids, &names, from, number, stay, purpose);
                }
                Wish::Found { finding, paid } => {
                    let number = |from| match from {
                        Side::Line => &ids.other,
                        Side::Other => &ids.line,
                    };
                    let charge = paid.and_then(|(from, online)| {
                        let number = self.lines.get(number(from))?.config().number.as_ref()?;
                        Some(Toll::of(&self.config, OPERATOR, number).charge(online))
                    });
                    if let Some(charge) = &charge {
                        let at = self.desk.now.wall;
                        self.promises.ledger.charge(&self.config, None, charge, at);
                    }
                    self.desk.journal(Event::Measured { line: names.line, finding, charge });
                }
                Wish::Over(result) => self.measuring_over(result),
            }
        }
        self.alarms.set(Alarm::Measuring, None);
    }

    fn measuring_call(
        &mut self,
        ids: &Sides<LineId>,
        names: &Sides<String>,
        from: Side,
        number: PhoneNumber,
        stay: bool,
        purpose: String,
    ) {
        let approval = match self.approve_measuring(names.of(from), &number) {
            Ok(approval) => approval,
            Err(refusal) => {
                return self.stop_measuring(&format!("{}: {}", refusal.rule, refusal.reason));
            }
        };
        self.desk.journal(Event::MeasuringCall {
            line: names.line.clone(),
            from: names.of(from).clone(),
            number: number.as_str().to_owned(),
            rule: approval.rule().to_owned(),
            purpose,
        });
        self.on_line(*ids.of(from), |line, desk| line.act(Act::Dial { number, stay }, desk));
    }

    fn measuring_over(
        &mut self,
        result: Result<(Duration, crate::qualify::Findings), crate::qualify::Failure>,
    ) {
        let Some(running) = self.measuring.take() else { return };
        let Running { ids, names, who, engine: _ } = *running;
        let held = result.as_ref().is_err_and(crate::qualify::Failure::may_be_held);
        match result {
            Ok((hold, findings)) => {
                let hold_ms = u64::try_from(hold.as_millis()).unwrap_or(u64::MAX);
                let findings = Some(Box::new(findings));
                self.qualified(Event::Qualified { line: names.line, hold_ms, who, findings });
            }
            Err(failure) => {
                let (line, with) = (names.line, names.other);
                let reason = failure.to_string();
                self.desk.journal(Event::NotQualified { line, with, who, reason });
            }
        }
        for side in [Side::Line, Side::Other] {
            self.on_line(*ids.of(side), |line, desk| {
                if held {
                    line.hold(desk);
                }
                line.measure(false, desk);
            });
        }
    }
}

/// Whether each of the two can be called from the other, or only the one that is measured. They must be able to call and
/// to take calls as far as the measuring needs it.
fn both_ways(line: &Line, other: &Line) -> Result<bool, Reply> {
    let (name, with) = (line.name(), other.name());
    match line.config().direction {
        Direction::Both => {}
        Direction::Answer => {
            let why = format!(
                "line {name} only answers: nothing is dialled on it, so nothing has to wait"
            );
            return Err(refused("line.direction", why));
        }
        Direction::Originate => {
            let why = format!("line {name} takes no calls: nobody can hold it");
            return Err(refused("line.direction", why));
        }
    }
    match other.config().direction {
        Direction::Both => Ok(other.config().number.is_some()),
        Direction::Originate => Ok(false),
        Direction::Answer => {
            let why = format!("line {with} only answers: measure with one that may originate");
            Err(refused("line.direction", why))
        }
    }
}
