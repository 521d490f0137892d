//! A promise to call back, from the approval to the call.
//!
//! ```text
//!                Durable            request leg on-hook        due              a line is free
//!   Unsealed ───────────► Parting ─────────────────► Waiting ─────► Hunting ─────────────► Dialling
//!       │                                               ▲                                   │  │
//!       │  the journal fails: withdrawn                 └─────────── the try failed ────────┘  │
//!       ▼                                                                                      ▼
//!     gone ◄── withdrawn, expired (time over, tries used up, no line left) ──────────────    kept
//! ```
//!
//! Between tries a promise holds nothing: no line, no lock. Incoming calls are served meanwhile.
//!
//! It does not choose the line (`hunt`), does not dial (`line`), and writes no journal (`server`).

use std::time::Duration;

use proto::dial::PhoneNumber;
use proto::time::{Deadline, Instant};

use crate::code::Code;
use crate::policy::Approval;
use crate::promises::OPERATOR;
use crate::vocabulary::{
    CallId, Cause, LineId, Now, PromiseId, Promised, RequestId, Seq, SessionId,
};

#[cfg(test)]
mod tests;

/// How long the journal may take to store a promise before it counts as failed.
pub(crate) const SEAL_TIME: Duration = Duration::from_secs(30);

/// How far a promise has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Written to the journal, not yet on stable storage. Nothing is said and nothing dialled before.
    Unsealed { seq: Seq, reply: Option<RequestId>, until: Instant },
    /// On stable storage; the request leg is still on the line.
    Parting,
    /// Not before `due`.
    Waiting { due: Instant },
    /// Due; no wanted line is free.
    Hunting,
    /// Being dialled.
    Dialling { line: LineId, call: CallId },
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterTry {
    /// There will be another one in so long.
    Again(Duration),
    /// That was the last.
    UsedUp,
}

/// An approved callback not yet made.
#[derive(Debug)]
pub(crate) struct Promise {
    pub(crate) id: PromiseId,
    pub(crate) session: SessionId,
    pub(crate) user: String,
    pub(crate) approval: Approval,
    /// Its numbers, as they are compared with others.
    pub(crate) owed_at: Vec<String>,
    /// `-m` and `-s`.
    pub(crate) init: Vec<String>,
    pub(crate) speed: Option<u32>,
    /// The return leg speaks PPP at once.
    pub(crate) ppp: bool,
    /// What whoever answers has to know beside a name.
    pub(crate) code: Option<Code>,
    /// What the caller asked for. A restarted server does not need it: its calls are long down.
    pub(crate) least_delay: Duration,
    pub(crate) expires: Instant,
    pub(crate) tries: u32,
    pub(crate) retry: Duration,
    /// How many tries have failed that count.
    pub(crate) failed: u32,
    pub(crate) state: State,
}

impl Promise {
    /// A promise made just now; `seq` is the place of its event.
    pub(crate) fn new(
        promised: &Promised,
        approval: Approval,
        now: Now,
        seq: Seq,
        reply: Option<RequestId>,
    ) -> Self {
        let state = State::Unsealed { seq, reply, until: now.at + SEAL_TIME };
        Self::with_state(promised, approval, now, state)
    }

    /// A promise of an earlier run that its journal still knows, with the tries that have failed since.
    pub(crate) fn restored(promised: &Promised, now: Now, failed: u32) -> Self {
        let numbers = promised.numbers.iter().filter_map(|n| PhoneNumber::configured(n).ok());
        let approval =
            Approval::restored(promised.rule.clone(), numbers.collect(), promised.lines.clone());
        let state = State::Waiting { due: instant(now, promised.due.unix_ms) };
        Self { failed, ..Self::with_state(promised, approval, now, state) }
    }

    fn with_state(promised: &Promised, approval: Approval, now: Now, state: State) -> Self {
        Self {
            id: promised.promise,
            session: promised.session,
            user: promised.user.clone(),
            approval,
            owed_at: Vec::new(),
            init: promised.init.clone(),
            speed: promised.speed,
            ppp: promised.ppp,
            code: None,
            least_delay: Duration::ZERO,
            expires: instant(now, promised.expires.unix_ms),
            tries: promised.tries,
            retry: Duration::from_millis(promised.retry_ms),
            failed: 0,
            state,
        }
    }

    /// Whether an operator ordered it, by number: it is owed to nobody, and whoever answers gets the prompt.
    pub(crate) fn is_operators(&self) -> bool {
        self.approval.rule() == OPERATOR
    }

    /// The number of the next try: by turns, a try that does not count gives its number another turn.
    pub(crate) fn number(&self) -> Option<&PhoneNumber> {
        let numbers = self.approval.numbers();
        let turn = usize::try_from(self.failed).ok()?.checked_rem(numbers.len())?;
        numbers.get(turn)
    }

    /// Leaves the other numbers out. `false`: there would be none left, and nothing is changed.
    pub(crate) fn keep_numbers(&mut self, keep: impl Fn(&PhoneNumber) -> bool) -> bool {
        self.approval.keep_numbers(keep)
    }

    /// Which try the next one is, counted from 1.
    pub(crate) const fn attempt(&self) -> u32 {
        self.failed.saturating_add(1)
    }

    /// The journal has stored the promise. `due` if the request leg is over already.
    pub(crate) fn seal(&mut self, due: Option<Instant>) -> Option<RequestId> {
        match self.state {
            State::Unsealed { reply, .. } => {
                self.state = due.map_or(State::Parting, |due| State::Waiting { due });
                reply
            }
            State::Parting | State::Waiting { .. } | State::Hunting | State::Dialling { .. } => {
                None
            }
        }
    }

    /// The request leg is on-hook.
    pub(crate) const fn part(&mut self, due: Instant) {
        match self.state {
            State::Parting => self.state = State::Waiting { due },
            State::Unsealed { .. }
            | State::Waiting { .. }
            | State::Hunting
            | State::Dialling { .. } => {}
        }
    }

    /// A try came to nothing.
    pub(crate) fn try_failed(&mut self, now: Instant, cause: Cause) -> AfterTry {
        if counts_as_try(cause) {
            self.failed = self.failed.saturating_add(1);
        }
        if self.failed >= self.tries {
            return AfterTry::UsedUp;
        }
        self.state = State::Waiting { due: now + self.retry };
        AfterTry::Again(self.retry)
    }

    /// When it wants to be looked at.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        let expiry = Deadline::new(self.expires, "promise expires");
        match self.state {
            State::Unsealed { until, .. } => Some(Deadline::new(until, "promise stored")),
            State::Parting | State::Hunting => Some(expiry),
            State::Waiting { due } => Some(expiry.min(Deadline::new(due, "callback due"))),
            // Whoever answers within the time is welcome even if the modems take longer to agree.
            State::Dialling { .. } => None,
        }
    }
}

/// Whether a failed try uses up one of the promise's tries. Those in which the telephone network had no
/// part do not: a caller who seizes the line just before we dial could use them all up. They are bounded
/// by the promise's expiry and by the wait between tries.
pub(crate) const fn counts_as_try(cause: Cause) -> bool {
    match cause {
        Cause::Glare
        | Cause::TooSoon
        | Cause::PortError
        | Cause::AdminReset
        | Cause::AdminReboot
        | Cause::NasError => false,
        Cause::Busy
        | Cause::NoAnswer
        | Cause::NoDialtone
        | Cause::NoCarrier
        | Cause::Barred
        | Cause::UserRequest
        | Cause::LostCarrier
        | Cause::LostService
        | Cause::IdleTimeout
        | Cause::SessionTimeout
        | Cause::ServiceUnavailable
        | Cause::Callback
        | Cause::UserError
        | Cause::Abandoned
        | Cause::Screened
        | Cause::Stuck => true,
    }
}

/// The instant at which the wall clock will say `unix_ms`, seen from `now`; `now` if it has said it.
fn instant(now: Now, unix_ms: i64) -> Instant {
    let ahead = unix_ms.saturating_sub(now.wall.unix_ms);
    now.at + Duration::from_millis(u64::try_from(ahead).unwrap_or(0))
}
