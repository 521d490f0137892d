//! What return calls cost, and that they end where what may be spent ends.

use calls::vocabulary::Event;
use dialback_sim::people::Step;
use dialback_sim::people::scripts::{be_called_back, dial, expect, send};
use dialback_sim::world::{Setup, World};

use crate::setup::*;

/// Ten hundredths a minute; `more` may have budgets.
fn tolls(more: &str) -> Setup {
    let mut setup = setup();
    setup.config.push_str("[[tariff]]\nper_minute = \"0.10\"\n");
    setup.config.push_str(more);
    setup
}

/// `cback` as a user who may spend this in a day.
fn user(budget: &str) -> String {
    format!(
        "[[user]]\nname = \"cback\"\nreturn_names = [\"al\"]\ncallback = {{ offer = \"caller\" }}\nbudget = {{ {budget} }}\n"
    )
}

/// Is called back, logs in, and stays until he is hung up on.
fn stays(number: &str) -> Vec<Step> {
    let mut steps = dial(OFFICE);
    steps.extend([expect("ogin: ", 60), send("cback\r")]);
    steps.extend([expect("callback: ", 60), send(&format!("{number}\r"))]);
    steps.extend(be_called_back("ATA"));
    steps.extend([expect("ogin: ", 60), send("al\r"), expect("assword: ", 30), send("secret\r")]);
    steps.extend([expect("$ ", 30), Step::NoAbort("NO CARRIER".to_owned())]);
    steps.push(expect("NO CARRIER", 3_000));
    steps
}

/// The same over another line of the server's.
fn stays_on(line: &str, number: &str) -> Vec<Step> {
    let mut steps = stays(number);
    for step in &mut steps {
        if let Step::Send(text) = step {
            *text = text.replace(OFFICE, line);
        }
    }
    steps
}

/// Asks, and is told that there is no callback.
fn refused() -> Vec<Step> {
    let mut steps = dial(OFFICE);
    steps.extend([expect("ogin: ", 60), send("cback\r"), expect("callback: ", 60)]);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend([send(&format!("{ALICE}\r")), expect("NO CARRIER", 90)]);
    steps
}

/// Minutes and hundredths of every return call that was answered.
fn charges(world: &World) -> Vec<(u32, Option<u32>)> {
    let records = calls::record::records(world.journal());
    let charges = records.into_iter().filter_map(|record| record.charge);
    charges.map(|charge| (charge.minutes, charge.cost)).collect()
}

#[test]
fn a_call_without_end_ends_with_the_minutes_of_its_user() {
    let mut world = world(tolls(&user("minutes = 5")));
    tell(&mut world, "alice", stays(ALICE));
    is_done(&world, "alice");
    assert_eq!(charges(&world), [(5, Some(50))], "{}", world.tail());
    journal_has(&world, &["alert=budget", "alert=budget", "ended call=2 cause=session-timeout"]);
    let online = when(&world, "ended call=2") - when(&world, "connected call=2");
    assert!((290_000..=300_000).contains(&online), "{online} ms");
}

#[test]
fn a_call_without_end_ends_with_the_money_of_the_day() {
    let mut world = world(tolls("[[budget]]\ncost = \"0.30\"\n"));
    tell(&mut world, "alice", stays(ALICE));
    is_done(&world, "alice");
    assert_eq!(charges(&world), [(3, Some(30))], "{}", world.tail());
    tell(&mut world, "bob", refused());
    journal_has(&world, &["ended call=2 cause=session-timeout", "refused rule=budget.day"]);
    assert_eq!(count(&world, "dialled"), 1);
}

/// The gauges: of whom, what is counted, how much of how much.
fn gauges(world: &World) -> Vec<String> {
    let budgets = world.status().unwrap().budgets;
    let told = |b: &calls::status::Budget| {
        format!("{} {}: {} of {}", b.of, b.unit.word(), b.spent, b.limit)
    };
    budgets.iter().map(told).collect()
}

#[test]
fn what_is_spent_of_the_budgets_is_shown_while_the_call_runs_and_until_tomorrow() {
    let day =
        "[[budget]]\ncost = \"9.00\"\nclass = \"fixed\"\ncalls = 7\n[[budget]]\nminutes = 60\n";
    let mut world = world(tolls(&format!("{day}{}", user("minutes = 5, cost = \"3.00\""))));
    let of_day = [
        "all fixed calls of the day calls: 0 of 7",
        "all fixed calls of the day hundredths: 0 of 900",
        "all calls of the day minutes: 0 of 60",
    ];
    assert_eq!(gauges(&world), of_day, "nobody has spent anything");
    world.begin("alice", stays(ALICE));
    until(&mut world, "connected call=2");
    let later = world.ms() + 90_000;
    world.run_until(later);
    let running = |gauges: &[String]| gauges.get(2..).map(<[String]>::to_vec);
    let wanted = [
        "all calls of the day minutes: 2 of 60",
        "user cback minutes: 2 of 5",
        "user cback hundredths: 20 of 300",
    ];
    assert_eq!(running(&gauges(&world)).unwrap(), wanted, "while it runs");
    rest(&mut world);
    let wanted = [
        "all calls of the day minutes: 5 of 60",
        "user cback minutes: 5 of 5",
        "user cback hundredths: 50 of 300",
    ];
    assert_eq!(running(&gauges(&world)).unwrap(), wanted, "when it is over");
    let tomorrow = world.ms() + 24 * 3_600_000;
    world.run_until(tomorrow);
    assert_eq!(gauges(&world), of_day, "tomorrow");
}

#[test]
fn without_a_budget_nobody_ends_it() {
    let mut world = world(tolls(""));
    let mut steps = stays(ALICE);
    steps.pop();
    steps.push(Step::Pause(std::time::Duration::from_secs(1_200)));
    steps.push(Step::Dtr(false));
    tell(&mut world, "alice", steps);
    assert_eq!(charges(&world), [(21, Some(210))], "{}", world.tail());
    assert_eq!(count(&world, "alert=budget"), 0);
}

#[test]
fn what_was_spent_is_known_after_a_power_failure_and_forgotten_tomorrow() {
    let mut world = world(tolls(&user("minutes = 5")));
    tell(&mut world, "alice", stays(ALICE));
    world.power_fails(std::time::Duration::from_secs(5));
    let later = world.ms() + 400_000;
    world.run_until(later);
    tell(&mut world, "alice", refused());
    journal_has(&world, &["refused rule=budget.user"]);
    let tomorrow = world.ms() + 24 * 3_600_000;
    world.run_until(tomorrow);
    tell(&mut world, "alice", stays(ALICE));
    assert_eq!(charges(&world), [(5, Some(50)), (5, Some(50))], "{}", world.tail());
}

#[test]
fn a_crash_in_a_call_charges_it_as_far_as_the_journal_goes() {
    let mut world = world(tolls(&user("minutes = 5")));
    world.begin("alice", stays(ALICE));
    until(&mut world, "launched");
    let later = world.ms() + 30_000;
    world.run_until(later);
    world.power_fails(std::time::Duration::from_secs(5));
    rest(&mut world);
    assert_eq!(charges(&world), [(1, Some(10))], "{}", world.tail());
}

#[test]
fn two_calls_at_once_do_not_spend_a_budget_twice() {
    let mut setup = tolls("[[budget]]\nminutes = 6\n");
    setup.config = setup.config.replace("[callback]\n", "[callback]\nper_user = 2\n");
    let mut world = world(setup);
    world.begin("alice", stays(ALICE));
    tell(&mut world, "bob", stays_on(SECOND, BOB));
    let minutes: u32 = charges(&world).iter().map(|(minutes, _)| minutes).sum();
    assert!((4..=6).contains(&minutes), "{:?}\n{}", charges(&world), world.tail());
}

/// How often it was told that a budget is used up.
fn told_of_the_end(world: &World) -> usize {
    let told = |event: &Event| matches!(event, Event::Alert { reason, .. } if reason.ends_with("used up: the call ends"));
    world.journal().iter().filter(|entry| told(&entry.event)).count()
}

#[test]
fn each_call_that_ends_with_a_budget_is_told_once() {
    let mut setup = tolls("[[budget]]\nminutes = 6\n");
    setup.config = setup.config.replace("[callback]\n", "[callback]\nper_user = 2\n");
    let mut world = world(setup);
    world.begin("alice", stays(ALICE));
    tell(&mut world, "bob", stays_on(SECOND, BOB));
    let ended = count(&world, "cause=session-timeout");
    assert!(ended >= 1);
    assert_eq!(told_of_the_end(&world), ended, "{}", world.tail());
}

#[test]
fn a_budget_is_asked_once_more_when_the_promise_comes_due() {
    let mut setup = tolls("[[budget]]\ncalls = 1\n");
    setup.config = setup.config.replace("[callback]\n", "[callback]\nper_user = 2\n");
    let mut world = world(setup);
    world.begin("alice", stays(ALICE));
    tell(&mut world, "bob", stays_on(SECOND, BOB));
    assert_eq!((count(&world, "promised"), count(&world, "kept")), (2, 1), "{}", world.tail());
    journal_has(&world, &["withdrawn"]);
}

#[test]
fn a_number_that_has_become_too_dear_when_the_promise_comes_due_is_left_out_and_told() {
    let mut setup = tolls("[[budget]]\ncost = \"0.60\"\n");
    let dear = "5551234";
    setup.config.push_str(&format!("[[tariff]]\nprefix = \"{dear}\"\nper_call = \"0.55\"\n"));
    setup.login_config =
        format!("two - - /usr/sbin/callback -S {dear} {BOB}\n{}", setup.login_config);
    let mut world = world(setup);
    world.begin("alice", stays(ALICE));
    let mut bob = dial(SECOND);
    bob.extend([expect("ogin: ", 60), send("two\r")]);
    bob.extend(be_called_back("ATA"));
    bob.extend([expect("ogin: ", 60), Step::NoAbort("NO CARRIER".to_owned())]);
    bob.push(expect("NO CARRIER", 3_000));
    tell(&mut world, "bob", bob);
    assert_eq!((count(&world, "promised"), count(&world, "kept")), (2, 2), "{}", world.tail());
    let told = |event: &Event| matches!(event, Event::Alert { reason, .. } if reason.contains("5551234 is not called any more: the budget"));
    assert_eq!(
        world.journal().iter().filter(|entry| told(&entry.event)).count(),
        1,
        "{}",
        world.tail()
    );
}

#[test]
fn a_number_that_has_no_tariff_is_not_called_on_a_budget_of_money() {
    let mut setup = tolls(&user("cost = \"5.00\""));
    setup.config = setup.config.replace("[[tariff]]\n", "[[tariff]]\nprefix = \"556\"\n");
    let mut world = world(setup);
    tell(&mut world, "alice", refused());
    journal_has(&world, &["refused rule=budget.user"]);
}

#[test]
fn a_line_is_kept_for_callers() {
    for (reserve, kept) in [("", false), ("reserve_incoming = 1", true)] {
        let mut setup = setup();
        setup.config = config(&format!("line = \"public\"\nmax_time = \"4m\"\n{reserve}"));
        let mut world = world(setup);
        world.begin("alice", stays(ALICE));
        until(&mut world, "launched");
        let mut bob = dial(SECOND);
        bob.extend([expect("ogin: ", 60), send("other\r"), expect("callback: ", 60)]);
        bob.push(Step::NoAbort("NO CARRIER".to_owned()));
        bob.extend([send(&format!("{BOB}\r")), expect("NO CARRIER", 90)]);
        world.begin("bob", bob);
        let later = world.ms() + 200_000;
        world.run_until(later);
        assert_eq!(count(&world, "dialled") == 1, kept, "{reserve}\n{}", world.tail());
    }
}
