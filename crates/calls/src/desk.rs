//! Where the decisions of one turn are laid down: the ordered outputs, the journal, the facts that lines
//! report, and the numbers that are given out.
//!
//! ```text
//!     line ──► Fact ──────────► server ──► session            upwards: queued, taken one at a time
//!     session ──► Line::send, hang_up, ..                     downwards: plain calls
//!     everybody ──► Output, in the order in which it was decided
//! ```
//!
//! It decides nothing and knows no line and no session.

use std::collections::VecDeque;

use proto::time::Instant;

use crate::alert::Tally;
use crate::chance::Chance;
use crate::guesses::Guesses;
use crate::line::Fact;
use crate::policy::totp::UsedCodes;
use crate::recovery::Restored;
use crate::vocabulary::{
    CallId, Entry, Event, LineId, Now, Output, PortOutput, PromiseId, Seq, SessionId,
};

#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) now: Now,
    pub(crate) chance: Chance,
    pub(crate) alerts: Tally,
    pub(crate) guesses: Guesses,
    /// Which one-time codes count no more.
    pub(crate) codes: UsedCodes,
    outputs: VecDeque<Output>,
    facts: VecDeque<(LineId, Fact)>,
    next_seq: u64,
    next_call: u64,
    next_session: u64,
    next_promise: u64,
}

impl Desk {
    pub(crate) fn new(seed: [u8; 32], restored: &Restored, now: Now) -> Self {
        Self {
            now,
            chance: Chance::new(seed),
            alerts: Tally::default(),
            guesses: Guesses::default(),
            codes: restored.codes.clone(),
            outputs: VecDeque::new(),
            facts: VecDeque::new(),
            next_seq: restored.next_seq.0,
            next_call: restored.next_call.0,
            next_session: restored.next_session.0,
            next_promise: restored.next_promise.0,
        }
    }

    /// The monotonic time of this turn.
    pub(crate) const fn at(&self) -> Instant {
        self.now.at
    }

    /// Lays down what the world shall do.
    pub(crate) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// Lays down what a port shall do.
    pub(crate) fn port(&mut self, line: LineId, output: PortOutput) {
        self.outputs.push_back(Output::Port(line, output));
    }

    /// The next thing for the world.
    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Appends an event to the journal. The result is its place, to wait for.
    pub(crate) fn journal(&mut self, event: Event) -> Seq {
        if let Event::Alert { alert, .. } = &event {
            self.alerts.count(*alert, self.now.wall);
        }
        if let Event::CodeSpent { name, step, .. }
        | Event::Proved { name, step: Some(step), .. }
        | Event::NotProved { name, step: Some(step), .. } = &event
        {
            self.codes.used(name, *step);
        }
        let seq = Seq(self.next_seq);
        self.next_seq += 1;
        self.outputs.push_back(Output::Journal(Entry { seq, at: self.now.wall, event }));
        seq
    }

    /// A line reports.
    pub(crate) fn report(&mut self, line: LineId, fact: Fact) {
        self.facts.push_back((line, fact));
    }

    /// The next report.
    pub(crate) fn fact(&mut self) -> Option<(LineId, Fact)> {
        self.facts.pop_front()
    }

    pub(crate) fn call_id(&mut self) -> CallId {
        CallId(take(&mut self.next_call))
    }

    pub(crate) fn session_id(&mut self) -> SessionId {
        SessionId(take(&mut self.next_session))
    }

    pub(crate) fn promise_id(&mut self) -> PromiseId {
        PromiseId(take(&mut self.next_promise))
    }
}

const fn take(next: &mut u64) -> u64 {
    let id = *next;
    *next += 1;
    id
}
