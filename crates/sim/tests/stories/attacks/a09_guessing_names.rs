//! A9: a war dialler finds the modem, and tries names until one is answered otherwise than the rest. The statistics are in
//! `crates/calls/tests/uniformity.rs`; this is the attack as it is done.

use dialback_sim::people::Step;
use dialback_sim::people::scripts::{expect, hangs_up_after, pause, send};
use dialback_sim::world::{Setup, World};

use super::*;

/// Nobody, two names that ask for a callback, one that logs in.
const NAMES: [&str; 6] = ["aaron", "mary", "zz9", "cback", "root", "bob"];

/// What Bob sees behind each name.
fn replies(callback: &str, users: &str) -> (Vec<String>, World) {
    let mut setup = Setup { config: config(callback), ..setup() };
    setup.config.push_str(users);
    setup.login_config = "!version 2\n\
        cback N - - /usr/sbin/callback -S\n\
        mary  N - - /usr/sbin/callback -S 5550199\n\
        *     Y - - /bin/login @\n"
        .to_owned();
    let mut world = world(setup);
    let mut replies = Vec::new();
    for name in NAMES {
        let then = vec![
            expect("ogin: ", 60),
            send(&format!("{name}\r")),
            pause(1_000),
            send("wrong\r"),
            pause(40_000),
        ];
        tell(&mut world, "bob", hangs_up_after(SECOND, then));
        let screen = world.screen("bob");
        let reply = screen.split("ogin: ").nth(1).unwrap_or_default().replacen(name, "NAME", 1);
        replies.push(reply);
    }
    (replies, world)
}

#[test]
fn names_that_are_answered_otherwise_are_found_where_no_proof_is_asked() {
    let (replies, world) = replies("authenticate = \"none\"", "");
    let odd: Vec<&str> = NAMES
        .iter()
        .zip(&replies)
        .filter(|(_, reply)| *reply != &replies[0])
        .map(|(name, _)| *name)
        .collect();
    assert!(
        odd.contains(&"mary") && odd.contains(&"cback"),
        "{odd:?} {replies:?}\n{}",
        world.tail()
    );
}

#[test]
fn every_name_is_answered_the_same_where_a_proof_is_asked() {
    let users = user("mary", "rosebud", "callback = { numbers = [\"5550199\"] }");
    let (replies, world) = replies("authenticate = \"password\"", &users);
    for (name, reply) in NAMES.iter().zip(&replies) {
        assert_eq!(reply, &replies[0], "{name}\n{}", world.tail());
        assert!(reply.contains("assword: "), "{name}: {reply}");
    }
    assert_eq!(count(&world, "promised"), 0);
}

#[test]
fn a_name_that_is_a_trap_raises_an_alert() {
    let users =
        format!("{}{}", user("mary", "rosebud", ""), "\n[[user]]\nname = \"root\"\ntrap = true\n");
    let (_, world) = replies("authenticate = \"password\"", &users);
    journal_has(&world, &["named name=root", "alert alert=trap-name user=root"]);
    assert_eq!(world.status().unwrap().alerts.len(), 1);
}

#[test]
fn a_silent_line_says_nothing_to_who_says_nothing() {
    for (silent, greeted) in [(false, true), (true, false)] {
        let mut setup = setup();
        setup.config = format!("[login]\nsilent = {silent}\n{}", setup.config);
        let mut world = world(setup);
        tell(&mut world, "bob", hangs_up_after(OFFICE, vec![pause(20_000)]));
        assert_eq!(world.screen("bob").contains("ogin: "), greeted, "{}", world.screen("bob"));
        let asks =
            vec![Step::Pause(std::time::Duration::from_secs(2)), send("\r"), expect("ogin: ", 20)];
        tell(&mut world, "alice", hangs_up_after(OFFICE, asks));
        is_done(&world, "alice");
    }
}
