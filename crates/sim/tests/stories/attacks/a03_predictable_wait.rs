//! A3: who knows when the server will dial can call into that instant. mgetty's callback waits 20 s and `rand() % 10` more,
//! with the clock as the seed: guessed every time.

use dialback_sim::people::scripts::chat;
use dialback_sim::world::Setup;

use crate::setup::*;

/// How near a guess must be to collide: the time from the seizure of a line to its first ring.
const WINDOW_MS: u64 = 200;
const CALLS: usize = 240;

/// The waits between hang-up and dialling of many callbacks of one server, in milliseconds.
fn waits(callback: &str) -> Vec<u64> {
    let mut setup = Setup { config: config(""), ..setup() };
    // An exchange that holds no line: else the two random parts together are not evenly spread.
    setup.config = setup.config.replace("hold_time = \"3s\"", "hold_time = \"0s\"");
    setup.config = setup.config.replace("jitter = \"2s\"", callback);
    let mut world = world(setup);
    let mut waits = Vec::new();
    for _ in 0..CALLS {
        tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
        let mut ended = None;
        for entry in world.journal() {
            #[expect(clippy::wildcard_enum_match_arm, reason = "the others are no part of a wait")]
            match &entry.event {
                calls::vocabulary::Event::Ended(over)
                    if over.cause == calls::vocabulary::Cause::Callback =>
                {
                    ended = Some(entry.at.unix_ms);
                }
                calls::vocabulary::Event::Dialled { .. } => {
                    waits.extend(
                        ended.take().map(|from| u64::try_from(entry.at.unix_ms - from).unwrap()),
                    );
                }
                _ => {}
            }
        }
        world.forget();
    }
    assert_eq!(waits.len(), CALLS);
    waits
}

/// How often somebody hits who has watched all waits so far and bets on what they tell: on the same as last time, on the
/// next step of the same difference, on the mean.
fn hits(waits: &[u64]) -> usize {
    let near = |guess: u64, wait: u64| guess.abs_diff(wait) <= WINDOW_MS / 2;
    let bet = |guess: fn(&[u64]) -> u64| {
        (3..waits.len()).filter(|&at| near(guess(&waits[..at]), waits[at])).count()
    };
    let same = bet(|seen| seen[seen.len() - 1]);
    let step = bet(|seen| (2 * seen[seen.len() - 1]).saturating_sub(seen[seen.len() - 2]));
    let mean = bet(|seen| seen.iter().sum::<u64>() / seen.len() as u64);
    same.max(step).max(mean)
}

#[test]
fn a_wait_without_jitter_is_hit_every_time() {
    let waits = waits("jitter = \"0s\"");
    assert!(hits(&waits) > CALLS * 9 / 10, "{} of {CALLS}: {waits:?}", hits(&waits));
}

#[test]
fn a_wait_with_jitter_is_hit_as_often_as_by_chance() {
    let waits = waits("jitter = \"10s\"");
    // By chance: 200 ms of 10 s, 2 in a hundred; 240 bets hit 4.8 times, and more than 17 times once in 10^5.
    assert!(hits(&waits) <= 17, "{} of {CALLS}", hits(&waits));
    // The waits fill the ten seconds evenly (chi squared, 9 degrees of freedom: 27.9 is exceeded once in 1000)...
    let least = *waits.iter().min().unwrap();
    let mut bins = [0u32; 10];
    for wait in &waits {
        bins[usize::try_from((wait - least) / 1_000).unwrap().min(9)] += 1;
    }
    let wanted = CALLS as f64 / 10.0;
    let chi: f64 = bins.iter().map(|n| (f64::from(*n) - wanted).powi(2) / wanted).sum();
    // ... and no wait tells the next (serial correlation; three standard deviations).
    let mean = waits.iter().sum::<u64>() as f64 / CALLS as f64;
    let off: Vec<f64> = waits.iter().map(|wait| *wait as f64 - mean).collect();
    let power: f64 = off.iter().map(|x| x * x).sum();
    let lag: f64 = off.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / power;
    println!(
        "chi squared {chi:.1} of 9, serial correlation {lag:+.3}, hits {} of {CALLS}",
        hits(&waits)
    );
    assert!(chi < 27.9, "{chi} {bins:?}");
    assert!(lag.abs() < 3.0 / (CALLS as f64).sqrt(), "{lag}");
}
