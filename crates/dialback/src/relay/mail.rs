//! Mail about events: gathered, and never more than one mail in a time, however many events there are.
//!
//! ```text
//!   quiet ── an event ──► gathering (`gather`) ── mail ──► holding back (`every`) ── events came ──► mail
//! ```

use std::sync::Arc;
use std::time::Duration;

use calls::config::relay::{Mail, Via};
use lettre::message::header::ContentType;
use lettre::{Message, SmtpTransport, Transport as _};

use super::deliver::{Bell, wait};
use super::hook::{self, Parcel};
use super::ledger::{Delivery, Ledger, LedgerFault, Next};
use super::now_ms;
use super::observatory::Observatory;
use crate::clock;
use calls::vocabulary::Wall;

/// Its name in the queue and in metrics.
pub(crate) const RECEIVER: &str = "mail";
/// Events that may wait for the next mail; those beyond are dead letters.
pub(crate) const ROOM: u32 = 1000;
/// Events that a mail tells one by one.
const TOLD: usize = 100;
/// How long the mail system may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Wait after a mail that could not be sent; it doubles.
const RETRY: Duration = Duration::from_secs(30);
/// Tries before its events are given up: more than half a day of them.
const TRIES: u32 = 20;

/// See the file's text.
#[derive(Debug)]
pub(crate) struct Mailer {
    settings: Mail,
    host: String,
    ledger: Ledger,
    bell: Arc<Bell>,
    observatory: Arc<Observatory>,
    /// No mail before then (ms since 1970).
    not_before: i64,
}

impl Mailer {
    /// Sends what waits, from now on. A relay that is started again and again mails no oftener.
    pub(crate) fn new(
        settings: Mail,
        ledger: Ledger,
        bell: Arc<Bell>,
        observatory: Arc<Observatory>,
    ) -> Result<Self, LedgerFault> {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        // Kept by a clock that may have been ahead, or with an `every` that was longer.
        let latest = now_ms().saturating_add(millis(settings.every));
        let not_before = ledger.held_until(RECEIVER)?.min(latest);
        Ok(Self { settings, host, ledger, bell, observatory, not_before })
    }

    /// Works for ever.
    pub(crate) fn work(&mut self) {
        loop {
            if let Err(fault) = self.step() {
                tracing::error!("mail: {fault}");
                super::pause(RETRY);
            }
        }
    }

    fn step(&mut self) -> Result<(), LedgerFault> {
        let seen = self.bell.count();
        let now = now_ms();
        let due = match self.ledger.next(RECEIVER, now, &[])? {
            Next::Due(_) if now >= self.not_before => return self.mail(now),
            Next::Due(_) => self.not_before,
            Next::At(due_ms) => due_ms.max(self.not_before),
            Next::Nothing => i64::MAX,
        };
        let left = u64::try_from(due.saturating_sub(now)).unwrap_or(0);
        self.bell.wait(seen, Duration::from_millis(left));
        Ok(())
    }

    fn mail(&mut self, now: i64) -> Result<(), LedgerFault> {
        let waiting = self.ledger.all(RECEIVER, ROOM)?;
        let tries = waiting.iter().map(|delivery| delivery.tries).max().unwrap_or(0);
        match self.send(&waiting) {
            Ok(()) => {
                self.observatory.delivered(RECEIVER, "arrived");
                self.not_before = now.saturating_add(millis(self.settings.every));
                self.ledger.hold(RECEIVER, self.not_before)?;
                waiting.iter().try_for_each(|delivery| self.ledger.done(delivery.id))
            }
            Err(why) => {
                tracing::warn!("mail: try {}: {why}", tries + 1);
                self.observatory.delivered(RECEIVER, "failed");
                let later = now.saturating_add(millis(wait(RETRY, tries)));
                self.not_before = later;
                self.put_off(&waiting, &why, (now, later))
            }
        }
    }

    /// Each event has tries of its own: one that has just come is not given up with those that are old.
    fn put_off(
        &mut self,
        waiting: &[Delivery],
        why: &str,
        (now, later): (i64, i64),
    ) -> Result<(), LedgerFault> {
        let (old, young): (Vec<&Delivery>, Vec<&Delivery>) =
            waiting.iter().partition(|delivery| delivery.tries + 1 >= TRIES);
        if !old.is_empty() {
            let count = old.len();
            tracing::error!(
                "mail: {count} events are dead letters: {why}; see dialback relay dead"
            );
            self.observatory.delivered(RECEIVER, "dead");
        }
        old.into_iter().try_for_each(|delivery| self.ledger.give_up(delivery.id, why, now))?;
        young.into_iter().try_for_each(|delivery| self.ledger.again(delivery.id, later))
    }

    fn send(&self, waiting: &[Delivery]) -> Result<(), String> {
        let message = message(&self.settings, &self.host, waiting)?;
        match &self.settings.via {
            Via::Sendmail(program) => {
                let words = [program.display().to_string(), "-i".to_owned(), "-t".to_owned()];
                let path = ("PATH".to_owned(), "/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
                hook::run(&words, &[path], &message.formatted(), PATIENCE)
            }
            Via::Smtp { host, port } => {
                let smtp = SmtpTransport::builder_dangerous(host)
                    .port(*port)
                    .timeout(Some(PATIENCE))
                    .build();
                smtp.send(&message).map(drop).map_err(|e| format!("{host}:{port}: {e}"))
            }
        }
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// One mail about all of these.
fn message(settings: &Mail, host: &str, waiting: &[Delivery]) -> Result<Message, String> {
    let parcels: Vec<Parcel> =
        waiting.iter().filter_map(|delivery| serde_json::from_str(&delivery.entry).ok()).collect();
    let mut subject = match parcels.as_slice() {
        [one] => format!("dialback on {host}: {}", one.text),
        many => format!("dialback on {host}: {} events", many.len()),
    };
    subject.truncate(subject.floor_char_boundary(120));
    let mut builder = Message::builder().subject(subject).header(ContentType::TEXT_PLAIN);
    builder = builder.from(settings.from.parse().map_err(|e| format!("{}: {e}", settings.from))?);
    for to in &settings.to {
        builder = builder.to(to.parse().map_err(|e| format!("{to}: {e}"))?);
    }
    builder.body(body(&parcels)).map_err(|e| e.to_string())
}

fn body(parcels: &[Parcel]) -> String {
    let mut text = String::new();
    for parcel in parcels.iter().take(TOLD) {
        let at =
            parcel.entry.get("at").and_then(|at| serde_json::from_value::<Wall>(at.clone()).ok());
        let name = |key: &str| parcel.names.get(key).map_or("-", String::as_str);
        let time = at.map_or_else(|| "-".to_owned(), clock::written);
        text.push_str(&format!("{time}  {}  {}  {}\n", name("line"), name("call"), parcel.text));
    }
    match parcels.len().saturating_sub(TOLD) {
        0 => {}
        more => text.push_str(&format!("and {more} more: see dialback log --since 1h\n")),
    }
    if let Some(call) = parcels.iter().find_map(|parcel| parcel.names.get("call")) {
        text.push_str(&format!("\nThe story of a call: dialback call {call}\n"));
    }
    text
}

#[cfg(test)]
mod tests;
