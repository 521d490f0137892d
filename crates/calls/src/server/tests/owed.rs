//! How many callbacks may be owed at once: to a user, to a name, at a number, and in all.

use std::time::Duration;

use crate::testing::{Bench, LOGIN, TOML, config, fresh};
use crate::vocabulary::{Event, LineId};

/// So many callers ask one after the other, each on a line of his own, by name and number; which rules refused them?
fn asked_for(callback: &str, login: &str, callers: &[(&str, &str)]) -> (Bench, Vec<String>) {
    let line = TOML.split("[[line]]").nth(1).expect("a line");
    let lines: String = (1..callers.len())
        .map(|n| {
            format!(
                "[[line]]{}",
                line.replace("main", &format!("l{n}")).replace("5550100", &format!("555020{n}"))
            )
        })
        .collect();
    let toml = format!("{TOML}{lines}").replace("per_user = 2\nin_all   = 4", callback);
    let mut bench = fresh(config(&toml, &format!("{LOGIN}{login}")));
    for line in (0..).take(callers.len()) {
        bench.ready(LineId(line), false);
    }
    for (line, (name, number)) in callers.iter().enumerate() {
        for what in ["says RING", "claimed", "dcd up", "says CONNECT"] {
            bench.happens(&format!("{line}: {what}"));
        }
        bench.pass(Duration::from_millis(100));
        bench.happens(&format!("{line}: types {name}\\r"));
        if !number.is_empty() {
            bench.happens(&format!("{line}: types {number}\\r"));
        }
    }
    let refused = bench.journal.iter().filter_map(|entry| {
        if let Event::Refused { rule, user, .. } = &entry.event {
            Some(format!("{user} {rule}"))
        } else {
            None
        }
    });
    let refused = refused.collect();
    (bench, refused)
}

#[test]
fn finding_17_one_name_and_all_together_have_a_limit_of_open_promises() {
    let (one, two, three) = ("5551001", "5551002", "5551003");
    let callers =
        [("cback", one), ("cback", two), ("cback", three), ("fixed", ""), ("alice", three)];
    let (mut bench, refused) =
        asked_for("per_user = 2\nin_all = 4", "alice N - - /usr/sbin/callback\n", &callers);
    assert_eq!(refused, ["cback promises.per-user"]);
    assert_eq!(bench.server.status(bench.now).promises.len(), 4);
    bench.unseen();
    bench.run("< callback 5559999\n* operated callback 5559999\n> reply refused promises.in-all");
}

#[test]
fn a_user_is_owed_one_callback_at_a_time_whatever_the_limit_for_names() {
    let login = "alice N - - /usr/sbin/callback\nal* N - - /usr/sbin/callback\n";
    let (bench, refused) = asked_for(
        "per_user = 10\nin_all = 20",
        login,
        // Somebody else's callback to the same number is somebody else's.
        &[("alice", "5551001"), ("alice", "5551002"), ("alice", "5551001"), ("cback", "5551001")],
    );
    assert_eq!(refused, ["alice promises.per-user", "alice promises.per-user"]);
    assert_eq!(bench.server.status(bench.now).promises.len(), 2);
}

#[test]
fn a_name_that_many_use_is_owed_one_callback_at_each_number() {
    let callers = [
        ("cback", "5551001"),
        ("cback", "5551002"),
        ("cback", "555-1001"),
        // Nor by another name that anybody may give.
        ("cb1", "5551002"),
        ("fixed", ""),
        // That number stands in its entry too.
        ("special", ""),
    ];
    let login = "cb* N - - /usr/sbin/callback\n";
    let (_, refused) = asked_for("per_user = 10\nin_all = 20", login, &callers);
    let wanted = ["cback", "cb1", "special"].map(|name| format!("{name} promises.per-number"));
    assert_eq!(refused, wanted);
}

#[test]
fn names_that_one_entry_takes_are_counted_as_one() {
    let callers =
        [("cb1", "5551001"), ("cb2", "5551002"), ("cb3", "5551003"), ("cback", "5551004")];
    let login = "cb* N - - /usr/sbin/callback\n";
    let (_, refused) = asked_for("per_user = 2\nin_all = 20", login, &callers);
    assert_eq!(refused, ["cb3 promises.per-user"]);
}

#[test]
fn a_caller_who_calls_himself_operator_is_no_operator() {
    // What was ordered is nobody's, and does not keep a caller from being called there.
    let callers = [
        ("operator", "5551001"),
        ("operator", "5551001"),
        ("cback", "5551001"),
        ("operator", "5551002"),
        ("operators", "5551003"),
        ("opera", "5551004"),
    ];
    let login = "op* N - - /usr/sbin/callback\n";
    let (mut bench, refused) = asked_for("per_user = 3\nin_all = 20", login, &callers);
    let at_number = ["operator", "cback"].map(|name| format!("{name} promises.per-number"));
    assert_eq!(refused, [&at_number[..], &["opera promises.per-user".to_owned()]].concat());
    bench.unseen();
    bench.happens("callback 5551001");
    assert_eq!(bench.server.status(bench.now).promises.len(), 4);
}
