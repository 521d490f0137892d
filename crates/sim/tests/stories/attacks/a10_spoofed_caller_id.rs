//! A10: the exchange tells a number that the caller has made up. It lets in whoever claims it where nothing else is asked, and
//! buys nothing where a callback goes to the number on file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dialback_sim::people::scripts::{expect, hangs_up_after, pause, send};
use dialback_sim::world::{ProgramKind, Setup, World};

use super::*;

/// Bob calls with Alice's number for his own; the server answers her alone.
fn played(login_config: &str) -> World {
    let mut setup = setup();
    setup.config = setup
        .config
        .replace("[server]\n", "[server]\ndialin_config = \"/etc/dialback/dialin.config\"\n");
    setup.config = setup.config.replace("\"ATZ\",", "\"ATZ\", \"AT#CID=1\",");
    setup.login_config = login_config.to_owned();
    setup.programs = BTreeMap::from([(
        PathBuf::from("/bin/vault"),
        ProgramKind::Announces("the vault".to_owned()),
    )]);
    // The exchange believes what Bob's switchboard says; calls to that number still go to Alice.
    setup.town.stations[3].number = ALICE.to_owned();
    setup.town.stations.swap(2, 3);
    let then = vec![expect("ogin: ", 60), send("alice\r"), pause(5_000)];
    let setup = Setup { ..setup };
    tried(setup, "bob", hangs_up_after(OFFICE, then))
}

#[test]
fn who_claims_the_number_is_let_in_where_nothing_else_is_asked() {
    let world = played("* - - /bin/vault\n");
    assert!(world.screen("bob").contains("the vault"), "{}", world.tail());
    journal_has(&world, &["rang caller_id=5550199", "launched program=/bin/vault"]);
}

#[test]
fn who_claims_the_number_is_not_at_it_when_it_is_called() {
    let world =
        played("!version 2\nalice N - - /usr/sbin/callback -S 5550199\n* Y - - /bin/vault\n");
    assert!(!world.screen("bob").contains("the vault"), "{}", world.tail());
    journal_has(&world, &["rang caller_id=5550199", "promised", "dialled number=5550199"]);
    let rings = world.log().iter().any(|logged| logged.event.to_string().contains("alice rings"));
    assert!(rings && count(&world, "launched") == 0, "{}", world.tail());
}

#[test]
fn another_caller_id_is_not_even_answered() {
    let mut setup = setup();
    setup.config = setup
        .config
        .replace("[server]\n", "[server]\ndialin_config = \"/etc/dialback/dialin.config\"\n");
    setup.config = setup.config.replace("\"ATZ\",", "\"ATZ\", \"AT#CID=1\",");
    let mut steps = dial(OFFICE);
    steps.push(expect("ogin: ", 60));
    let world = tried(setup, "bob", steps);
    journal_has(&world, &["screened"]);
    assert_eq!(count(&world, "connected"), 0);
}
