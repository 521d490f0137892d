//! One call while it lasts: what its record will need, and what a program on it is told.
//!
//! It does not know the line's state, nor why a call ends: the state that ends it knows.

use proto::at::caller_id::CallerId;
use proto::time::Instant;

use crate::money::{Charge, Toll};
use crate::screen::Screen;
use crate::vocabulary::{CallId, Cause, Ended, Leg, PromiseId, SessionId};

/// One use of one line.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) leg: Leg,
    /// From CONNECT on; on a return leg from the start.
    pub(crate) session: Option<SessionId>,
    /// The promise that this call is to keep.
    pub(crate) promise: Option<PromiseId>,
    /// Ring or dial.
    pub(crate) began: Instant,
    /// CONNECT.
    pub(crate) connected: Option<Instant>,
    /// What the exchange says about the caller.
    pub(crate) caller: CallerId,
    /// What the modem said with CONNECT.
    pub(crate) connect: String,
    pub(crate) speed: Option<u32>,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// What the caller saw of our text.
    pub(crate) screen: Screen,
    /// Who pays for it; a call that came in costs us nothing.
    pub(crate) toll: Option<Toll>,
}

impl Call {
    pub(crate) fn new(id: CallId, leg: Leg, began: Instant) -> Self {
        Self {
            id,
            leg,
            session: None,
            promise: None,
            began,
            connected: None,
            caller: CallerId::default(),
            connect: String::new(),
            speed: None,
            bytes_in: 0,
            bytes_out: 0,
            screen: Screen::default(),
            toll: None,
        }
    }

    /// The summary for the journal.
    pub(crate) fn ended(&self, line: &str, cause: Cause, now: Instant) -> Ended {
        Ended {
            line: line.to_owned(),
            call: self.id,
            session: self.session,
            leg: self.leg,
            cause,
            total_ms: millis(self.began, now),
            online_ms: self.connected.map_or(0, |since| millis(since, now)),
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            charge: self.charge(now),
            screen: self.screen.text(),
        }
    }

    /// What it has cost so far, once it was answered.
    pub(crate) fn charge(&self, now: Instant) -> Option<Charge> {
        let online = now - self.connected?;
        Some(self.toll.as_ref()?.charge(online))
    }
}

pub(crate) fn millis(since: Instant, now: Instant) -> u64 {
    u64::try_from((now - since).as_millis()).unwrap_or(u64::MAX)
}
