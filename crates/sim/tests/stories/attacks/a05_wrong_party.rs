//! A5: a wrong or mistyped number at which some other modem answers, and whoever is there gets the prompt; asked for again
//! and again, it is called again and again.

use dialback_sim::people::Step;
use dialback_sim::people::scripts::{expect, send};
use dialback_sim::world::{Act, Setup, World};

use super::*;

/// Alice types Bob's number, so often. Bob's modem answers by itself, and Bob tries a name.
fn played(callback: &str, users: &str, times: usize) -> World {
    let mut setup = Setup { config: config(callback), ..setup() };
    setup.config.push_str(users);
    setup.town.stations[3] = setup.town.stations[3].clone().with_settings("S0=1");
    let mut world = world(setup);
    for _ in 0..times {
        let mut alice = dial(SECOND);
        alice.push(Step::NoAbort("NO CARRIER".to_owned()));
        alice.extend([expect("ogin: ", 60), send("cback\r"), expect("callback: ", 60)]);
        alice.extend([send(&format!("{BOB}\r")), expect("NO CARRIER", 90)]);
        world.begin("alice", alice);
        let mut bob = vec![Step::Dtr(true)];
        bob.extend([
            expect("ogin: ", 900),
            send("bob\r"),
            expect("assword: ", 15),
            Step::Dtr(false),
        ]);
        world.begin("bob", bob);
        rest(&mut world);
    }
    world
}

const USER: &str = "
[[user]]
name = \"cback\"
return_names = [\"alice\"]
callback = { offer = \"caller\" }
";

#[test]
fn whoever_answers_may_log_in_as_anybody_and_is_called_as_often_as_one_likes() {
    let world = played("quarantine_after = 0", "", 5);
    assert_eq!(count(&world, "launched"), 5, "{}", world.tail());
    assert!(world.screen("bob").contains("assword: "), "{}", world.tail());
}

#[test]
fn another_name_than_the_users_is_no_name_there_and_the_number_is_not_called_a_fourth_time() {
    let world = played("return_tries = 2\nreturn_time = \"20s\"", USER, 5);
    assert_eq!(count(&world, "launched"), 0, "{}", world.tail());
    assert!(!world.screen("bob").contains("assword: "), "{}", world.tail());
    assert_eq!(count(&world, "stranger number=5550198"), 3, "{}", world.tail());
    assert_eq!(count(&world, "dialled"), 3);
    journal_has(&world, &["alert=number-quarantined", "refused rule=number.quarantined"]);
    assert_eq!(count(&world, "refused rule=number.quarantined"), 2);
    let status = world.status().unwrap();
    assert_eq!((status.quarantine.len(), status.quarantine[0].strangers), (1, 3));
}

#[test]
fn a_quarantine_outlives_the_server_and_ends_by_order() {
    let mut world = played("return_time = \"20s\"", USER, 3);
    world.power_fails(std::time::Duration::from_secs(5));
    let later = world.ms() + 400_000;
    world.run_until(later);
    assert_eq!(world.status().unwrap().quarantine.len(), 1, "{}", world.tail());
    let release =
        calls::vocabulary::Command::Release { who: "root".to_owned(), number: BOB.to_owned() };
    let now = world.ms();
    world.at(now + 1, Act::Command(release));
    world.run_until(now + 10);
    assert!(world.status().unwrap().quarantine.is_empty(), "{}", world.tail());
    journal_has(&world, &["released number=5550198"]);
}
