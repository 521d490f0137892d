//! A busy town with all faults: the seeds of the ordinary test run. `examples/swarm.rs` runs as many as one likes.

use dialback_sim::swarm;

/// So many sessions in the ordinary run.
const SESSIONS: usize = 2_000;

#[test]
fn no_invariant_is_violated_and_every_line_serves_again() {
    let mut all = swarm::Summary::default();
    let mut seed = 0;
    while all.sessions < SESSIONS {
        all += swarm::run(seed).unwrap_or_else(|failure| panic!("{failure}"));
        seed += 1;
    }
    // The swarm must reach what it is for.
    assert!(all.by_ppp > 30, "{all:?}");
    assert!(all.networks > 30, "{all:?}");
    assert!(all.promised > 300 && all.kept > 150 && all.failures > 20, "{all:?}");
}
