//! Deliveries: the follower that queues them, and the workers that make them.
//!
//! ```text
//!   waiting ── due ──► in hand ── arrived ──► gone
//!      ▲                  │ failed: later, twice as late each time
//!      └──────────────────┤
//!                         └── failed too often, or for good ──► dead letter, told
//! ```
//!
//! It does not know what a delivery is made of: programs and web addresses are `hook`'s, mail is `mail`'s.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use calls::config::relay::{Hook, Mail, Relay};
use calls::vocabulary::Entry;

use super::follow::{Receiver, follow};
use super::hook::{Messenger, Outcome, Parcel};
use super::ledger::{Ledger, LedgerFault, Next, Place, Queued, Rooms};
use super::mail::{self, Mailer};
use super::observatory::Observatory;
use super::{now_ms, thread};
use crate::exit::{Code, Failure};
use crate::log::{LinesOfCalls, fields};

/// The follower's name.
const DELIVERIES: &str = "deliveries";

/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How soon a worker looks by itself: `dialback relay retry` is another process and can't ring the bell.
const LOOK: Duration = Duration::from_secs(5);

/// Wakes workers when something was queued.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<u64>,
    heard: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.heard.notify_all();
    }

    /// How often it has rung.
    pub(crate) fn count(&self) -> u64 {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until it has rung oftener than `seen`, or for so long.
    pub(crate) fn wait(&self, seen: u64, most: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.heard.wait_timeout_while(rung, most.min(LOOK), |rung| *rung == seen));
    }
}

/// A hook's name in the queue and in metrics.
fn receiver_of(hook: &Hook) -> String {
    format!("hook:{}", hook.name)
}

/// Whoever gets deliveries, and how many may wait for him.
pub(crate) fn rooms(relay: &Relay) -> Rooms {
    let hooks = relay.hooks.iter().map(|hook| (receiver_of(hook), hook.queue));
    let mail = relay.mail.iter().map(|_| (mail::RECEIVER.to_owned(), mail::ROOM));
    hooks.chain(mail).collect()
}

/// Starts everything that delivers.
pub(crate) fn start(relay: &Arc<Relay>, observatory: &Arc<Observatory>) -> Result<(), Failure> {
    if relay.hooks.is_empty() && relay.mail.is_none() {
        return Ok(());
    }
    let store = |fault: LedgerFault| Failure::new(Code::InputOutput, fault.to_string());
    let bell = Arc::new(Bell::default());
    for hook in &relay.hooks {
        let in_hand = Arc::new(Mutex::new(Vec::new()));
        for _ in 0..hook.concurrency {
            let mut worker = Worker {
                messenger: Messenger::new(hook)
                    .map_err(|e| Failure::new(Code::Configuration, e))?,
                name: receiver_of(hook),
                hook: hook.clone(),
                ledger: Ledger::open(&relay.state_dir).map_err(store)?,
                bell: Arc::clone(&bell),
                in_hand: Arc::clone(&in_hand),
                observatory: Arc::clone(observatory),
            };
            thread(&hook.name, move || worker.work())?;
        }
    }
    if let Some(settings) = &relay.mail {
        let ledger = Ledger::open(&relay.state_dir).map_err(store)?;
        let (bell, observatory) = (Arc::clone(&bell), Arc::clone(observatory));
        let mut mailer = Mailer::new(settings.clone(), ledger, bell, observatory).map_err(store)?;
        thread("mail", move || mailer.work())?;
    }
    let mut queue = Queue {
        hooks: relay.hooks.clone(),
        mail: relay.mail.clone(),
        ledger: Ledger::open(&relay.state_dir).map_err(store)?,
        observatory: Arc::clone(observatory),
        bell,
        lines: LinesOfCalls::default(),
        queued: Vec::new(),
    };
    let control: PathBuf = relay.control.clone();
    thread(DELIVERIES, move || follow(&control, &mut queue))
}

/// The follower that queues.
struct Queue {
    hooks: Vec<Hook>,
    mail: Option<Mail>,
    ledger: Ledger,
    observatory: Arc<Observatory>,
    bell: Arc<Bell>,
    lines: LinesOfCalls,
    /// Not committed yet.
    queued: Vec<Queued>,
}

impl Receiver for Queue {
    fn name(&self) -> &str {
        DELIVERIES
    }

    fn place(&mut self) -> Result<Option<Place>, String> {
        self.queued.clear();
        let place = self.ledger.place(DELIVERIES).map_err(|e| e.to_string())?;
        if let Some(place) = &place {
            self.observatory.at(DELIVERIES, place.seq);
        }
        Ok(place)
    }

    fn take(&mut self, entry: &Entry, _: &str) -> Result<(), String> {
        let fields = fields(&mut self.lines, entry);
        let hooks = self
            .hooks
            .iter()
            .filter(|hook| hook.filter.takes(&fields.event, &entry.event))
            .map(|hook| (receiver_of(hook), hook.queue, 0));
        let mail =
            self.mail.iter().filter(|mail| mail.filter.takes(&fields.event, &entry.event)).map(
                |mail| {
                    (
                        mail::RECEIVER.to_owned(),
                        mail::ROOM,
                        i64::try_from(mail.gather.as_millis()).unwrap_or(0),
                    )
                },
            );
        for (receiver, room, wait_ms) in hooks.chain(mail) {
            let parcel = Parcel::of(&receiver, entry, &fields);
            self.queued.push(Queued {
                receiver,
                room,
                seq: entry.seq,
                entry: serde_json::to_string(&parcel).map_err(|e| e.to_string())?,
                due_ms: now_ms() + wait_ms,
            });
        }
        Ok(())
    }

    fn commit(&mut self, place: &Place) -> Result<(), String> {
        let queued = std::mem::take(&mut self.queued);
        let no_room = self
            .ledger
            .advance(DELIVERIES, place, None, &queued, now_ms())
            .map_err(|e| e.to_string())?;
        for one in &no_room {
            tracing::error!(
                "{}: entry {} is a dead letter: too many were waiting",
                one.receiver,
                one.seq
            );
            self.observatory.delivered(&one.receiver, "dead");
        }
        self.observatory.at(DELIVERIES, place.seq);
        if !queued.is_empty() {
            self.bell.ring();
        }
        Ok(())
    }

    fn connected(&mut self, _: bool) {}
}

/// Delivers to one hook, one at a time.
struct Worker {
    name: String,
    hook: Hook,
    messenger: Messenger,
    ledger: Ledger,
    bell: Arc<Bell>,
    /// What the hook's workers have in hand.
    in_hand: Arc<Mutex<Vec<i64>>>,
    observatory: Arc<Observatory>,
}

impl Worker {
    fn work(&mut self) {
        loop {
            if let Err(fault) = self.step() {
                tracing::error!("{}: {fault}", self.name);
                super::pause(LOOK);
            }
        }
    }

    fn step(&mut self) -> Result<(), LedgerFault> {
        let seen = self.bell.count();
        let now = now_ms();
        let next = {
            let mut in_hand = self.in_hand.lock().unwrap_or_else(PoisonError::into_inner);
            let next = self.ledger.next(&self.name, now, &in_hand)?;
            if let Next::Due(delivery) = &next {
                in_hand.push(delivery.id);
            }
            next
        };
        match next {
            Next::Due(delivery) => {
                let outcome = self.messenger.deliver(&delivery);
                let settled = self.settle(delivery.id, delivery.seq, delivery.tries, outcome);
                let mut in_hand = self.in_hand.lock().unwrap_or_else(PoisonError::into_inner);
                in_hand.retain(|id| *id != delivery.id);
                settled
            }
            Next::At(due_ms) => {
                let left = u64::try_from(due_ms - now).unwrap_or(0);
                self.bell.wait(seen, Duration::from_millis(left));
                Ok(())
            }
            Next::Nothing => {
                self.bell.wait(seen, LOOK);
                Ok(())
            }
        }
    }

    fn settle(
        &mut self,
        id: i64,
        seq: u64,
        tries: u32,
        outcome: Outcome,
    ) -> Result<(), LedgerFault> {
        let name = self.name.as_str();
        match outcome {
            Outcome::Arrived => {
                self.observatory.delivered(name, "arrived");
                self.ledger.done(id)
            }
            Outcome::Failed(why) if tries + 1 < self.hook.tries => {
                tracing::warn!("{name}: entry {seq}, try {}: {why}", tries + 1);
                self.observatory.delivered(name, "failed");
                let wait = i64::try_from(wait(self.hook.retry, tries).as_millis()).unwrap_or(0);
                self.ledger.again(id, now_ms() + wait)
            }
            Outcome::Failed(why) | Outcome::Hopeless(why) => {
                tracing::error!(
                    "{name}: entry {seq} is a dead letter: {why}; see dialback relay dead"
                );
                self.observatory.delivered(name, "dead");
                self.ledger.give_up(id, &why, now_ms())
            }
        }
    }
}

/// The wait before the try behind the one that was the `tries`-th, from 0.
pub(crate) fn wait(first: Duration, tries: u32) -> Duration {
    first.saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let waits: Vec<u64> = [0, 1, 2, 9, 10, 31, 32, 200]
            .into_iter()
            .map(|tries| wait(Duration::from_secs(5), tries).as_secs())
            .collect();
        assert_eq!(waits, [5, 10, 20, 2560, 3600, 3600, 3600, 3600]);
    }
}
