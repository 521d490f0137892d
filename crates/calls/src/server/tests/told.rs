//! Whoever keeps a status and applies the changes knows what the status says: held against each other in the worlds of
//! [`random`](super::random), at every turn or at every few.

use crate::server::{Server, Told};
use crate::status::{Changes, Status};
use crate::vocabulary::Now;

/// Somebody who is told what has changed.
#[derive(Debug)]
pub(super) struct Follower {
    told: Told,
    kept: Status,
    every: u32,
    turns: u32,
}

impl Follower {
    /// Who looks at every so many turns.
    pub(super) fn new(every: u32) -> Self {
        Self { told: Told::default(), kept: Status::default(), every: every.max(1), turns: 0 }
    }

    /// Takes the changes, and compares.
    pub(super) fn look(&mut self, server: &Server, now: Now, seed: u8) {
        self.turns += 1;
        if !self.turns.is_multiple_of(self.every) {
            return;
        }
        let nothing = Changes { at: now.wall, up_ms: now.at.as_millis(), ..Changes::default() };
        self.kept.apply(server.changes(&mut self.told, now).unwrap_or(nothing));
        assert_eq!(server.changes(&mut self.told, now), None, "seed {seed}: told twice");
        // Counts may be held back for a moment, and then it is known until when.
        let counts = self.told.due().is_none();
        let (kept, wanted) = (levelled(&self.kept, counts), levelled(&server.status(now), counts));
        assert_eq!(kept, wanted, "seed {seed}, turn {}", self.turns);
        let clocks = clocks(&self.kept).into_iter().zip(clocks(&server.status(now)));
        for (kept, wanted) in clocks {
            assert!(kept.abs_diff(wanted) <= 1, "seed {seed}: {kept} ms, not {wanted} ms");
        }
    }
}

/// Without clocks, and without counts unless they are wanted.
fn levelled(status: &Status, counts: bool) -> Status {
    let mut status = status.clone();
    status.lines.iter_mut().for_each(|line| line.for_ms = 0);
    for call in &mut status.calls {
        (call.for_ms, call.online_ms) = (0, call.online_ms.map(|_| 0));
        if !counts {
            (call.bytes_in, call.bytes_out, call.charge) = (0, 0, None);
        }
    }
    for network in status.sessions.iter_mut().filter_map(|session| session.network.as_mut()) {
        network.idle_ms = 0;
        if !counts {
            (network.octets_in, network.octets_out) = (0, 0);
            (network.packets_in, network.packets_out) = (0, 0);
        }
    }
    for promise in &mut status.promises {
        (promise.due_ms, promise.expires_ms) = (promise.due_ms.map(|_| 0), 0);
    }
    status.quarantine.iter_mut().for_each(|held| held.left_ms = 0);
    if !counts {
        status.budgets.clear();
    }
    status
}

/// All clocks but that of packets, which is a count.
fn clocks(status: &Status) -> Vec<u64> {
    let lines = status.lines.iter().map(|line| line.for_ms);
    let calls = status.calls.iter().flat_map(|call| [call.for_ms, call.online_ms.unwrap_or(0)]);
    let promises = status.promises.iter().flat_map(|p| [p.due_ms.unwrap_or(0), p.expires_ms]);
    lines.chain(calls).chain(promises).collect()
}
