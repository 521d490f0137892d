//! What an operator does: reload, stop, lend a line, callback(8).

use std::time::Duration;

use calls::vocabulary::{CallbackOrder, Command, Reply};
use dialback_sim::people::Step;
use dialback_sim::people::scripts::{be_called_back, chat, log_in, pause, send};
use dialback_sim::world::{Act, Setup, configure};

use crate::setup::*;

#[test]
fn lends_a_line_to_another_program_and_gets_it_back() {
    let mut world = world(setup());
    world.at(5_000, Act::Take("office".to_owned()));
    world.at(60_000, Act::GiveBack("office".to_owned()));
    world.run_until(90_000);
    journal_has(
        &world,
        &[
            "line-lent holder=minicom (pid 812) line=office",
            "line-returned line=office",
            "line-ready line=office",
        ],
    );
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&world, "alice");
}

#[test]
fn takes_a_line_while_a_promise_waits_for_it() {
    let mut world = world(setup());
    world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    until(&mut world, "ended call=1");
    let now = world.ms();
    world.at(now + 2_500, Act::Take("office".to_owned()));
    world.at(now + 30_000, Act::GiveBack("office".to_owned()));
    rest(&mut world);
    is_done(&world, "alice");
}

#[test]
fn reloads_in_mid_call() {
    let mut world = world(setup());
    world.at(25_000, Act::Reload(config("retry = \"40s\""), LOGIN_CONFIG.to_owned()));
    tell(&mut world, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&world, "alice");
    journal_has(&world, &["reloaded", "kept"]);
}

#[test]
fn stops_the_server_with_calls_running() {
    for at in (3_000..60_000).step_by(1_500) {
        let mut world = world(setup());
        world.at(at, Act::Stop(Duration::from_secs(20)));
        world.begin("alice", chat(OFFICE, "cback", Some(ALICE), "al"));
        world.run_until(at + 120_000);
        assert!(
            world.has_stopped() && world.watch().violations().is_empty(),
            "{at}: {}",
            world.tail()
        );
        for line in ["office", "second"] {
            let id = world.exchange.station(line).unwrap();
            let status = world.exchange.status(id);
            assert_eq!((status.modem, status.dtr), ("command", false), "{at}: {status:?}");
        }
        assert!(world.watch().open_calls().is_empty(), "{at}: {}", world.tail());
        journal_has(&world, &["server-stopped"]);
    }
}

#[test]
fn calls_somebody_back_from_a_root_shell() {
    let mut world = world(setup());
    let order = CallbackOrder {
        who: "root (uid 0)".to_owned(),
        lines: vec!["second".to_owned()],
        numbers: vec![ALICE.to_owned()],
        ..CallbackOrder::default()
    };
    world.at(5_000, Act::Command(Command::Callback(order)));
    let mut steps = vec![Step::Dtr(true), send("AT\r"), pause(100)];
    steps.extend(be_called_back("ATA").split_off(2));
    steps.extend(log_in("al"));
    tell(&mut world, "alice", steps);
    is_done(&world, "alice");
    assert!(matches!(world.replies(), [(_, Reply::Promised { .. })]), "{:?}", world.replies());
    journal_has(&world, &["promised", "dialled", "line=second", "kept"]);
}

#[test]
fn has_a_user_called_back_who_proves_who_he_is() {
    let users = format!("[[user]]\nname = \"al\"\ncallback = {{ numbers = [\"{ALICE}\"] }}\n");
    let mut world = world(Setup { config: format!("{}{users}", config("")), ..setup() });
    let order = |user: &str| {
        let (who, user) = ("root (uid 0)".to_owned(), user.to_owned());
        Act::Command(Command::CallUser { who, user, number: None })
    };
    world.at(4_000, order("nobody"));
    world.at(5_000, order("al"));
    let mut steps = vec![Step::Dtr(true), send("AT\r"), pause(100)];
    steps.extend(be_called_back("ATA").split_off(2));
    steps.extend(log_in("al"));
    tell(&mut world, "alice", steps);
    is_done(&world, "alice");
    assert!(
        matches!(world.replies(), [(_, Reply::Refused { .. }), (_, Reply::Promised { .. })]),
        "{:?}",
        world.replies()
    );
    journal_has(
        &world,
        &["operated command=call-back al", "promised user=al", "dialled", "kept", "recognised"],
    );
}

/// The seed's warning: whoever gets a callback for every name never gets a login.
#[test]
fn cannot_make_a_callback_of_every_name_finding_24() {
    for entry in
        ["* - - /usr/sbin/callback -S\n", "!version 2\n* Y - - /usr/sbin/callback -S 5550199\n"]
    {
        let faults = configure(&config(""), entry).unwrap_err();
        assert!(faults.contains("login.config"), "{faults}");
    }
}
