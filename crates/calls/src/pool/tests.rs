//! Addresses given and given back: timelines, and a long random one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::{Denied, Pool};
use crate::config::Config;
use crate::testing::ppp_config;
use crate::vocabulary::CallId;

/// `[ppp]` with these addresses, and users with these of their own.
fn config(pool: &str, users: &[(&str, &str)]) -> Config {
    let user = |(name, address): &(&str, &str)| {
        format!("[[user]]\nname = \"{name}\"\naddress = \"{address}\"\n")
    };
    let users: String = users.iter().map(user).collect();
    ppp_config(&format!("local = \"10.9.0.1\"\npool = {pool}"), &users)
}

/// Plays `alice 1 -> 10.9.0.2` (a call of alice's gets this), `- 1` (the call is over), line by line.
fn check(config: &Config, timeline: &str) {
    let mut pool = Pool::new(config);
    for line in timeline.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["-", call] => pool.release(CallId(call.parse().unwrap())),
            [user, call, "->", expected @ ..] => {
                let own = config.users.iter().find(|known| known.name == *user);
                let own = own.and_then(|user| user.address);
                let told = match pool.lease(CallId(call.parse().unwrap()), user, own) {
                    Ok(address) => address.to_string(),
                    Err(denied) => denied.rule().to_owned(),
                };
                assert_eq!(told, expected.join(" "), "{line}");
            }
            _ => panic!("{line}"),
        }
    }
}

#[test]
fn addresses_are_given_in_order_and_the_pool_is_exhausted_honestly() {
    check(
        &config("[\"10.9.0.9\", \"10.9.0.2-10.9.0.3\"]", &[]),
        "alice 1 -> 10.9.0.2
         bob 2 -> 10.9.0.3
         carol 3 -> 10.9.0.9
         dave 4 -> pool.exhausted
         - 2
         dave 4 -> 10.9.0.3",
    );
}

#[test]
fn who_had_an_address_gets_it_again_while_there_are_others() {
    check(
        &config("\"10.9.0.2-10.9.0.4\"", &[]),
        "alice 1 -> 10.9.0.2
         - 1
         bob 2 -> 10.9.0.3
         - 2
         alice 3 -> 10.9.0.2
         - 3
         carol 4 -> 10.9.0.4
         - 4
         dave 5 -> 10.9.0.3
         - 5
         bob 6 -> 10.9.0.2
         alice 7 -> 10.9.0.4",
    );
}

#[test]
fn a_second_call_of_the_same_user_gets_another_address() {
    check(
        &config("\"10.9.0.2-10.9.0.4\"", &[]),
        "alice 1 -> 10.9.0.2
         alice 2 -> 10.9.0.3
         alice 1 -> 10.9.0.2",
    );
}

#[test]
fn a_link_that_begins_anew_under_another_name_gives_its_address_back() {
    check(
        &config("\"10.9.0.2\"", &[]),
        "alice 1 -> 10.9.0.2
         bob 1 -> 10.9.0.2
         alice 2 -> pool.exhausted",
    );
}

#[test]
fn our_own_address_and_a_users_are_given_to_nobody_else() {
    check(
        &config("\"10.9.0.1-10.9.0.4\"", &[("bob", "10.9.0.3"), ("eve", "10.1.1.1")]),
        "alice 1 -> 10.9.0.2
         carol 2 -> 10.9.0.4
         dave 3 -> pool.exhausted
         bob 4 -> 10.9.0.3
         bob 5 -> user.address
         eve 6 -> 10.1.1.1
         - 4
         dave 3 -> pool.exhausted
         bob 5 -> 10.9.0.3",
    );
}

#[test]
fn without_a_pool_there_are_addresses_for_those_only_who_have_their_own() {
    check(
        &config("[]", &[("bob", "10.9.0.3")]),
        "alice 1 -> pool.none
         bob 2 -> 10.9.0.3",
    );
}

#[test]
fn a_reload_takes_no_address_from_a_call_and_gives_none_twice() {
    let mut pool = Pool::new(&config("\"10.9.0.2-10.9.0.3\"", &[]));
    let address = |last: u8| Ipv4Addr::new(10, 9, 0, last);
    assert_eq!(pool.lease(CallId(1), "alice", None), Ok(address(2)));
    pool.configure(&config("\"10.9.0.3-10.9.0.4\"", &[]));
    assert_eq!(pool.count(), (2, 2));
    pool.configure(&config("\"10.9.0.2-10.9.0.3\"", &[]));
    assert_eq!(pool.lease(CallId(2), "bob", None), Ok(address(3)));
    assert_eq!(pool.lease(CallId(3), "carol", None), Err(Denied::Exhausted(2)));
    pool.release(CallId(1));
    assert_eq!(pool.count(), (2, 1));
    assert_eq!(pool.lease(CallId(3), "carol", None), Ok(address(2)));
}

#[test]
fn whatever_happens_no_address_is_given_twice_and_none_is_lost() {
    let seed = 0x1e55_ee00_u64;
    let mut state = seed;
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let users = [("u0", "10.9.0.4"), ("u1", "10.8.0.1")];
    let configs = [
        config("\"10.9.0.1-10.9.0.12\"", &users),
        config("[\"10.9.0.3-10.9.0.5\", \"10.7.0.1-10.7.0.4\"]", &[]),
        config("[]", &users[..1]),
    ];
    let mut in_force = 0;
    let mut pool = Pool::new(&configs[0]);
    let mut calls: BTreeMap<CallId, Ipv4Addr> = BTreeMap::new();
    for step in 0..20_000 {
        match random(40) {
            0 => {
                in_force = usize::try_from(random(3)).unwrap();
                pool.configure(&configs[in_force]);
            }
            1..=18 => {
                let call = CallId(random(30));
                pool.release(call);
                calls.remove(&call);
            }
            _ => {
                let (call, user) = (CallId(random(30)), format!("u{}", random(12)));
                let known = configs[in_force].users.iter().find(|known| known.name == user);
                let own = known.and_then(|user| user.address);
                calls.remove(&call);
                if let Ok(address) = pool.lease(call, &user, own) {
                    calls.insert(call, address);
                    assert!(own.is_none_or(|own| own == address), "seed {seed:x}, step {step}");
                }
            }
        }
        let held: BTreeMap<CallId, Ipv4Addr> =
            pool.leases().map(|(address, lease)| (lease.call, address)).collect();
        assert_eq!(held, calls, "seed {seed:x}, step {step}");
        let unique: BTreeSet<&Ipv4Addr> = held.values().collect();
        assert_eq!(unique.len(), held.len(), "seed {seed:x}, step {step}");
        let (all, free) = pool.count();
        let pooled = pool.addresses.keys().filter(|a| unique.contains(a)).count();
        assert_eq!(all, free + pooled, "seed {seed:x}, step {step}");
        assert!(pool.habits.len() <= all, "seed {seed:x}, step {step}");
    }
}
