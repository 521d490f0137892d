//! A follower: gets every entry of the journal in order, from where it left off, over the control socket.
//!
//! ```text
//!   CONNECT ── is the last entry still there? ──► FOLLOW ── entry, entry, ... ──► COMMIT (nothing more waits)
//!      ▲                                             │
//!      └──────── the server has gone, or we missed some: wait a little ◄────┘
//! ```
//!
//! A server that is killed may lose the last entries that it has told, and give their numbers to others. The
//! place therefore remembers the entry itself: if another stands there now, the follower goes back to where the
//! run of the server began that gave the numbers away again.
//!
//! It does not know what is done with entries: that is its [`Receiver`]'s.

use std::path::Path;
use std::time::Duration;

use calls::vocabulary::{Entry, Event, Seq};

use super::ledger::Place;
use crate::control::{Ask, Client, ClientFault, Heard, WhichEvents};

/// How soon a server that does not answer is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Entries between two commits, where they come in a flood.
const BATCH: u32 = 256;

/// How far back the beginning of the server's run is looked for.
const BACK: u64 = 100_000;

/// What is done with entries. A fault stops for a while, and begins again behind the last commit.
pub(crate) trait Receiver {
    /// What it is called in messages.
    fn name(&self) -> &str;

    /// Where it left off; `None`: it begins with what happens from now on.
    fn place(&mut self) -> Result<Option<Place>, String>;

    /// Takes the next entry; `text` is its JSON.
    fn take(&mut self, entry: &Entry, text: &str) -> Result<(), String>;

    /// Nothing more waits for now: keeps the place.
    fn commit(&mut self, place: &Place) -> Result<(), String>;

    /// The server does not answer, or answers again.
    fn connected(&mut self, yes: bool);
}

/// On whose side something is wrong. Each is told once, until something arrives: while the server is away nobody learns
/// that the receiver is away too, and the other way round.
#[derive(Debug)]
enum Fault {
    /// The server does not answer.
    Server(String),
    /// The receiver does not take what there is.
    Receiver(String),
}

impl From<ClientFault> for Fault {
    fn from(fault: ClientFault) -> Self {
        Self::Server(fault.to_string())
    }
}

/// What was told last, and is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Server,
    Receiver,
}

/// Follows for ever.
pub(crate) fn follow(socket: &Path, receiver: &mut impl Receiver) {
    let mut told = None;
    loop {
        let (side, why) = match attempt(socket, receiver, &mut told) {
            Ok(()) => (Told::Server, "the server has gone".to_owned()),
            Err(Fault::Server(why)) => (Told::Server, why),
            Err(Fault::Receiver(why)) => (Told::Receiver, why),
        };
        receiver.connected(false);
        if told.replace(side) != Some(side) {
            tracing::warn!("{}: {why}; tried again until it works", receiver.name());
        }
        super::pause(AGAIN);
    }
}

fn attempt(
    socket: &Path,
    receiver: &mut impl Receiver,
    told: &mut Option<Told>,
) -> Result<(), Fault> {
    let mut place = match receiver.place().map_err(Fault::Receiver)? {
        Some(place) => trusted(socket, place, receiver.name())?,
        None => {
            let place = newest(socket)?;
            receiver.commit(&place).map_err(Fault::Receiver)?;
            tracing::info!("{}: begins behind entry {}", receiver.name(), place.seq);
            place
        }
    };
    let mut events = Client::connect(socket).and_then(|client| client.listen(Some(place.seq.0)))?;
    receiver.connected(true);
    let (mut since_commit, mut first) = (0, true);
    while let Some(heard) = events.hear() {
        let entry = match heard? {
            Heard::Entry(entry) => entry,
            // It is in the journal: we begin again behind the last one that we have.
            Heard::Missed(_) => break,
        };
        // The journal itself may have gaps (a full disk); on the wire a gap means that we were too slow.
        if !first && entry.seq.0 != place.seq.0 + 1 {
            break;
        }
        first = false;
        let text = serde_json::to_string(&entry).map_err(|e| Fault::Receiver(e.to_string()))?;
        receiver.take(&entry, &text).map_err(Fault::Receiver)?;
        place = Place { seq: entry.seq, last: text };
        since_commit += 1;
        if since_commit >= BATCH || !events.waiting() {
            commit(receiver, &place, told)?;
            since_commit = 0;
        }
    }
    if since_commit > 0 {
        commit(receiver, &place, told)?;
    }
    Ok(())
}

/// Commits, and tells that what did not work works again.
fn commit(
    receiver: &mut impl Receiver,
    place: &Place,
    told: &mut Option<Told>,
) -> Result<(), Fault> {
    receiver.commit(place).map_err(Fault::Receiver)?;
    if told.take().is_some() {
        tracing::info!("{}: goes on behind entry {}", receiver.name(), place.seq);
    }
    Ok(())
}

/// The place where the journal ends now.
fn newest(socket: &Path) -> Result<Place, ClientFault> {
    let which = WhichEvents::default();
    let ask = Ask::Events { after: None, since_ms: None, last: Some(1), until_now: true, which };
    Ok(first(socket, ask)?.map_or(Place::START, |entry| place_of(&entry)))
}

fn place_of(entry: &Entry) -> Place {
    Place { seq: entry.seq, last: serde_json::to_string(entry).unwrap_or_default() }
}

fn first(socket: &Path, ask: Ask) -> Result<Option<Entry>, ClientFault> {
    let mut events = Client::connect(socket).and_then(|client| client.events(ask))?;
    events.next().transpose()
}

/// The place, if the journal is still the one that it is in; else a place before everything new in it.
fn trusted(socket: &Path, place: Place, name: &str) -> Result<Place, ClientFault> {
    if place.seq == Seq(0) {
        return Ok(place);
    }
    let after = Some(place.seq.0 - 1);
    let which = WhichEvents::default();
    let ask = Ask::Events { after, since_ms: None, last: None, until_now: true, which };
    let there = first(socket, ask)?;
    if there.is_some_and(|entry| place_of(&entry) == place) {
        return Ok(place);
    }
    let after = Some(place.seq.0.saturating_sub(BACK));
    let which = WhichEvents::default();
    let ask = Ask::Events { after, since_ms: None, last: None, until_now: true, which };
    let events = Client::connect(socket).and_then(|client| client.events(ask))?;
    let begun = parting(events, place.seq)?.unwrap_or(Place::START);
    tracing::warn!(
        "{name}: the journal does not have entry {} that was told (a server was killed, or the journal is another \
         one): going on behind entry {}, where the server was started",
        place.seq,
        begun.seq
    );
    Ok(begun)
}

/// Where the run of the server began that gave the number `told` away again: the last start up to there. Later runs
/// only went on. `None`: there is no start, so that it is another journal.
fn parting<E>(
    entries: impl Iterator<Item = Result<Entry, E>>,
    told: Seq,
) -> Result<Option<Place>, E> {
    let (mut before, mut begun) = (Place::START, None);
    for entry in entries {
        let entry = entry?;
        if entry.seq > told {
            break;
        }
        let place = place_of(&entry);
        let before = std::mem::replace(&mut before, place);
        if let Event::ServerStarted { .. } = entry.event {
            begun = Some(before);
        }
    }
    Ok(begun)
}

#[cfg(test)]
mod tests {
    use calls::vocabulary::Wall;

    use super::*;

    /// Entries from 1 on: `s` a start of the server, `.` anything else.
    fn check(journal: &str, told: u64, expected: Option<u64>) {
        let entry = |(seq, letter)| Entry {
            seq: Seq(seq),
            at: Wall { unix_ms: 0, offset_s: 0 },
            event: match letter {
                's' => Event::ServerStarted { version: "1".to_owned() },
                _ => Event::ServerStopped,
            },
        };
        let entries = (1..).zip(journal.chars()).map(entry).map(Ok::<_, ()>);
        let found = parting(entries, Seq(told)).unwrap().map(|place| place.seq.0);
        assert_eq!(found, expected, "{journal}, told up to {told}");
    }

    #[test]
    fn a_journal_that_has_changed_is_read_again_from_where_it_changed() {
        // The server was killed behind 4, and its next run took the numbers 5 and 6 that were told before.
        check("s...s...", 6, Some(4));
        // It was started again since then: what the run between told is not skipped.
        check("s...s..s...s.", 6, Some(4));
        check("s...s..s...s.", 5, Some(4));
        // The start itself took the last number that was told.
        check("s....s", 6, Some(5));
        // Not one start among these: all of it is another journal.
        check("......", 6, None);
        // Another journal, which is shorter: all that its last run said.
        check("s..s..", 900, Some(3));
    }
}
