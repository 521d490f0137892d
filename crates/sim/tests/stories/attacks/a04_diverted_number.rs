//! A4: the number is the right one and is called, but the attacker has had it diverted to himself (call forwarding, a
//! swapped SIM card), and knows the user's names from an old list.

use dialback_sim::people::Step;
use dialback_sim::people::scripts::{be_called_back, expect, send};
use dialback_sim::world::{Setup, World};

use super::*;

/// Alice asks for her callback at 5550199; the telephone company has given that number to Bob meanwhile. `code` is what he
/// tries where a code is asked for.
fn played(callback: &str, code: &str) -> World {
    let mut setup = Setup { config: config(callback), ..setup() };
    setup.town.stations[2].number = "5550142".to_owned();
    setup.town.stations[3].number = ALICE.to_owned();
    let mut world = world(setup);
    let mut alice = dial(OFFICE);
    alice.push(Step::NoAbort("NO CARRIER".to_owned()));
    alice.extend([expect("ogin: ", 60), send("mary\r"), expect("NO CARRIER", 90)]);
    world.begin("alice", alice);
    let mut bob = vec![Step::Dtr(true), send("ATZ\r"), expect("OK", 5), expect("RING", 600)];
    bob.extend(be_called_back("ATA").split_off(3));
    bob.extend([expect("ogin: ", 60), send("mary2\r")]);
    if !code.is_empty() {
        bob.extend([expect("ode: ", 60), send(&format!("{code}\r"))]);
    }
    bob.extend([expect("assword: ", 30), Step::Dtr(false)]);
    world.begin("bob", bob);
    rest(&mut world);
    world
}

fn bob_is_in(world: &World) -> bool {
    world.screen("bob").contains("assword: ")
}

#[test]
fn who_has_the_number_has_the_callback_where_a_name_is_enough() {
    let world = played("return_proof = \"name\"", "");
    assert!(bob_is_in(&world), "{}", world.tail());
    journal_has(&world, &["kept", "launched"]);
}

#[test]
fn who_has_not_seen_the_first_call_does_not_know_its_code() {
    let world = played("return_proof = \"code\"", "123456");
    assert!(!bob_is_in(&world), "{}", world.tail());
    assert!(world.screen("bob").contains("ode: "), "{}", world.tail());
    journal_has(&world, &["kept", "stranger number=5550199", "alert alert=stranger-answered"]);
    assert_eq!(count(&world, "launched"), 0);
    // The code is in no event.
    let shown = world.screen("alice");
    let code: String = shown.split("this code: ").nth(1).unwrap().chars().take(6).collect();
    assert!(code.chars().all(|digit| digit.is_ascii_digit()), "{shown}");
    assert!(!world.story().contains(&code), "{}", world.tail());
}

/// The one who was on the first call knows it.
#[test]
fn the_right_one_is_served_with_the_code_of_the_first_call() {
    let mut world = world(Setup { config: config("return_proof = \"code\""), ..setup() });
    let mut steps = dial(OFFICE);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend([expect("ogin: ", 60), send("mary\r"), expect("NO CARRIER", 90)]);
    steps.extend(be_called_back("ATA").split_off(2));
    steps.extend([expect("ogin: ", 60), send("mary2\r"), expect("ode: ", 30), Step::SendCode]);
    steps.extend([expect("assword: ", 30), send("secret\r"), expect("$ ", 30), send("exit\r")]);
    tell(&mut world, "alice", steps);
    is_done(&world, "alice");
    journal_has(&world, &["kept", "recognised name=mary2 number=5550199", "launched"]);
}
