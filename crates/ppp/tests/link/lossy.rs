//! Every caller over lines that lose, repeat, damage and delay, under many seeds.
//!
//! Whatever the line does: both ends come to an end or to a session, nothing is promised that the
//! caller's choice did not ask for, a promise is kept or withdrawn once, and the time is bounded.

use std::time::Duration;

use dialback_ppp::link::{Config, End};
use dialback_ppp::personality::Personality;
use dialback_ppp::time::Instant;

use super::pair::{Faults, Pair};
use super::personalities::{answerer, offers, with_networks};

/// Longer than any call may take to come to its end or to a session: 180 s of callback negotiation,
/// 30 s each of LCP, authentication and networks, a few times over when the peer starts anew.
const LIMIT: Instant = Instant::from_secs(900);

fn check(personality: Personality, faults: Faults, seed: u64) -> (bool, bool) {
    let offers = offers();
    let offer = offers[usize::try_from(seed).unwrap() % offers.len()].clone();
    let caller = with_networks(personality.caller(Some("5551234".into())));
    let mut pair = Pair::new(answerer(), caller, faults, seed);
    pair.offer = Some(offer.clone());
    pair.run_until(LIMIT, |pair| {
        let both_over = pair.answerer.end.is_some() && pair.caller.end.is_some();
        both_over || (pair.answerer.up >= 2 && pair.caller.up >= 2)
    });
    let context = format!(
        "{personality:?} {offer:?} {faults:?} seed {seed} at {}: {:?} {:?} {:?} {:?}",
        pair.now, pair.answerer.phases, pair.answerer.end, pair.caller.phases, pair.caller.end
    );
    // One network is a session, too: the other may have been worn out by the line.
    let connected = pair.answerer.up >= 1 && pair.caller.up >= 1;
    assert!(connected || pair.answerer.end.is_some(), "no end: {context}");

    let called_back = match &pair.answerer.end {
        Some(End::Callback(agreed)) => {
            assert!(offer.permits(&agreed.choice), "not offered: {context}");
            true
        }
        Some(End::CallbackUnconfirmed(_)) | Some(_) | None => false,
    };
    let due = usize::from(called_back);
    assert!(pair.answerer.agreed >= due, "a callback that was never promised: {context}");
    assert!(pair.answerer.agreed <= 1 + pair.answerer.withdrawn, "promised twice: {context}");
    (connected, called_back)
}

#[test]
fn callers_come_to_an_end_over_any_line() {
    let lines = [
        Faults { drop: 5, repeat: 5, damage: 5, jitter: Duration::from_millis(200) },
        Faults { drop: 20, repeat: 10, damage: 10, jitter: Duration::from_millis(900) },
        Faults { drop: 50, repeat: 30, damage: 30, jitter: Duration::from_secs(4) },
    ];
    for faults in lines {
        let (mut connected, mut called_back) = (0, 0);
        for personality in Personality::ALL {
            for seed in 0..18 {
                let (session, callback) = check(personality, faults, seed);
                connected += usize::from(session);
                called_back += usize::from(callback);
            }
        }
        // Over the better lines most calls still get somewhere.
        if faults.drop == 5 {
            assert!(connected + called_back > 100, "{connected} sessions, {called_back} callbacks");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_call() {
    let faults = Faults { drop: 20, repeat: 10, damage: 10, jitter: Duration::from_millis(900) };
    let run = || {
        let caller = with_networks(Personality::Windows.caller(Some("5551234".into())));
        let mut pair = Pair::new(answerer(), caller, faults, 77);
        pair.offer = Some(offers()[2].clone());
        pair.run();
        (pair.now, pair.steps, pair.answerer.octets_sent, pair.caller.octets_sent)
    };
    assert_eq!(run(), run());
}

#[test]
fn a_peer_that_falls_silent_is_found_out_by_echo_requests() {
    let caller = with_networks(Config::caller(None));
    let mut pair = Pair::new(answerer(), caller, Faults::default(), 9);
    pair.run_until(LIMIT, |pair| pair.answerer.up == 2 && pair.caller.up == 2);
    // A quiet hour: the echoes themselves keep it up.
    pair.run_until(pair.now + Duration::from_secs(3_600), |_| false);
    assert!(pair.answerer.end.is_none() && pair.caller.end.is_none());
    pair.cut();
    let cut = pair.now;
    pair.run_until(cut + Duration::from_secs(200), |pair| {
        pair.answerer.end.is_some() && pair.caller.end.is_some()
    });
    assert_eq!(pair.answerer.end, Some(End::Silent));
    assert_eq!(pair.caller.end, Some(End::Silent));
}
