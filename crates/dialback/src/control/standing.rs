//! How things stand, pushed: the loop's side and the client's.
//!
//! ```text
//!   a turn of the loop ──► Pushed: what stands otherwise? ── rendered once ──► every subscriber's task ──► his socket
//!                            at a pace that its lines allow; nobody listens: nothing is looked at
//! ```
//!
//! It does not know what a change means, nor what a client makes of it.

use std::sync::Arc;
use std::time::Duration;

use calls::server::{Server, Told};
use calls::status::{Changes, Status};
use serde_json::value::RawValue;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::client::{Client, Ender};
use super::{Answer, Ask, ClientFault};
use crate::clock::Clock;

/// Between two looks, for each line: a look takes a tenth of a microsecond a line, and so never more than a five-hundredth
/// of the time. Some lines are looked at after every turn, and no state of theirs is passed over, however short.
const PACE_PER_LINE: Duration = Duration::from_micros(50);

/// And at most, however many there are: sooner than an eye follows.
const PACE: Duration = Duration::from_millis(50);

/// The runtime's timers are no finer: what is due within is looked at at once.
const AT_ONCE: Duration = Duration::from_millis(1);

/// Changes that a subscriber may be behind (three seconds of a thousand lines) before he gets everything anew.
const BEHIND: usize = 64;

/// How everything stands, and the changes from then on.
pub(crate) type Subscription = (Box<Status>, broadcast::Receiver<Arc<RawValue>>);

/// What the loop tells subscribers.
#[derive(Debug)]
pub(crate) struct Pushed {
    told: Told,
    to: broadcast::Sender<Arc<RawValue>>,
    /// Not before then.
    next: Instant,
    due: Option<Instant>,
}

impl Pushed {
    /// Nobody listens yet.
    pub(crate) fn new() -> Self {
        let to = broadcast::channel(BEHIND).0;
        Self { told: Told::default(), to, next: Instant::now(), due: None }
    }

    /// Somebody subscribes: those before him are told what he sees already.
    pub(crate) fn subscribe(&mut self, server: &Server, clock: &Clock) -> Subscription {
        let now = clock.now();
        if self.to.receiver_count() == 0 {
            self.told = Told::default();
        }
        if let Some(changes) = server.changes(&mut self.told, now) {
            self.tell(&changes);
        }
        (Box::new(server.status(now)), self.to.subscribe())
    }

    /// When [`tell_due`](Self::tell_due) is wanted; `None`: not before the next turn.
    pub(crate) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The loop has handled something.
    pub(crate) fn turned(&mut self) {
        self.due = match self.to.receiver_count() {
            0 => None,
            _ => Some(self.due.map_or(self.next, |due| due.min(self.next))),
        };
    }

    /// Tells what stands otherwise, if it is time to.
    pub(crate) fn tell_due(&mut self, server: &Server, clock: &Clock) {
        let now = Instant::now();
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        if let Some(changes) = server.changes(&mut self.told, clock.now()) {
            self.tell(&changes);
        }
        let lines = u32::try_from(server.lines().count()).unwrap_or(u32::MAX);
        self.next = now + Some(pace(lines)).filter(|pace| *pace > AT_ONCE).unwrap_or_default();
        let counts = self.told.due().map(|due| clock.runtime_instant(due));
        self.due = counts.map(|due| due.max(self.next));
    }

    fn tell(&self, changes: &Changes) {
        match serde_json::value::to_raw_value(changes) {
            // The last one may have gone just now.
            Ok(text) => drop(self.to.send(Arc::from(text))),
            Err(e) => tracing::error!("how things stand can't be written as JSON: {e}"),
        }
    }
}

/// Between two looks at so many lines.
fn pace(lines: u32) -> Duration {
    PACE_PER_LINE.saturating_mul(lines).min(PACE)
}

/// A client's subscription.
#[derive(Debug)]
pub(crate) struct Standing {
    client: Client,
}

/// What a subscriber hears.
#[derive(Debug)]
pub(crate) enum News {
    /// How everything stands.
    Whole(Box<Status>),
    /// What stands otherwise than what was heard before.
    Changes(Box<Changes>),
}

impl News {
    /// Brings what is known up to date.
    pub(crate) fn apply(self, known: &mut Box<Status>) {
        match self {
            Self::Whole(status) => *known = status,
            Self::Changes(changes) => known.apply(*changes),
        }
    }
}

impl Client {
    /// Subscribes: how things stand, and the subscription to what follows.
    pub(crate) fn standing(mut self) -> Result<(Box<Status>, Standing), ClientFault> {
        let answer = match self.ask(Ask::Standing) {
            Err(ClientFault::Refused { code: code @ super::FailureCode::BadRequest, message }) => {
                let message = format!(
                    "the server is of an earlier version, which does not push how things stand: restart it with this \
                     one ({message})"
                );
                return Err(ClientFault::Refused { code, message });
            }
            answer => answer?,
        };
        let Answer::Status { status } = answer else { return Err(self.unfit(&answer)) };
        self.patient()?;
        Ok((status, Standing { client: self }))
    }
}

impl Standing {
    /// What comes next; `None`: the server has gone.
    pub(crate) fn hear(&mut self) -> Option<Result<News, ClientFault>> {
        let line = match self.client.line() {
            Ok(line) => line?,
            Err(fault) => return Some(Err(fault)),
        };
        Some(match self.client.understood(&line) {
            Ok(Answer::Status { status }) => Ok(News::Whole(status)),
            Ok(Answer::Changes { changes }) => Ok(News::Changes(changes)),
            Ok(other) => Err(self.client.unfit(&other)),
            Err(fault) => Err(fault),
        })
    }

    /// Whether more is here already.
    pub(crate) fn waiting(&self) -> bool {
        self.client.waiting()
    }

    /// Ends the subscription from elsewhere: whoever hears on it hears that the server has gone.
    pub(crate) fn ender(&self) -> Result<Ender, ClientFault> {
        self.client.ender()
    }
}
