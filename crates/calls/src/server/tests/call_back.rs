//! `call-back USER [NUMBER]`: an operator has a user called back.

use super::proofs::HASH;
use crate::config::Config;
use crate::testing::{LOGIN, TOML, check_with, config, fresh};
use crate::vocabulary::{Event, LineId};

/// Zoe has two stored numbers; Yan may choose one as well; Pia uses PPP alone; Cora's answerer has to know a code. `cback`
/// and `fixed` stand in login.config.
fn users() -> Config {
    let users = format!(
        "[[user]]\nname = \"zoe\"\naliases = [\"zoe-cb\"]\nsecret = \"{HASH}\"\n\
         callback = {{ numbers = [\"5550142\", \"5550143\"] }}\nwindows = [\"mon-fri 08:00-18:00\"]\n\
         [[user]]\nname = \"yan\"\ncallback = {{ offer = \"caller\", allow = [\"777*\"] }}\n\
         [[user]]\nname = \"pia\"\nservices = [\"ppp\"]\ncallback = {{ numbers = [\"5550145\"] }}\n\
         [[user]]\nname = \"cora\"\nreturn_proof = \"code\"\ncallback = {{ numbers = [\"5550146\"] }}\n\
         [[user]]\nname = \"dan\"\ndisabled = true\ncallback = {{ numbers = [\"5550147\"] }}\n\
         [[user]]\nname = \"sue\"\nwindows = [\"sat-sun 03:00-03:01\"]\n\
         callback = {{ numbers = [\"5550148\"] }}\n\
         [[user]]\nname = \"eve\"\n"
    );
    config(&format!("{TOML}{users}"), LOGIN)
}

fn check(timeline: &str) {
    check_with(users(), timeline);
}

#[test]
fn a_user_is_called_at_his_numbers_and_has_to_say_who_he_is() {
    check(
        r#"
        < call-back zoe-cb
        * operated call-back zoe-cb
        * promised p1 5550142,5550143 on main by user zoe
        < durable all
        > reply p1
        + 1ms
        > claim
        < claimed
        * dialled p1 c1 5550142 on main try 1
        > send "ATDT5550142\r"
        < dcd up
        < says CONNECT
        * connected c1 s1 return
        * kept p1 c1
        < durable all
        + 100ms
        > send "\r\nalma!login: "
        "#,
    );
}

#[test]
fn one_number_is_called_that_is_stored_or_that_the_user_may_choose() {
    for (order, promised) in [
        ("zoe 5550143", "p1 5550143 on main by user zoe"),
        ("yan 7771234", "p1 7771234 on main by user.allow \"777*\""),
        ("fixed", "p1 5551234,5555678 on main by login.config:3"),
        ("fixed 5555678", "p1 5555678 on main by login.config:3"),
        ("cback 5551234", "p1 5551234 on main by caller_numbers.allow \"*\""),
        ("pia", "p1 5550145 on main by user pia"),
    ] {
        check(&format!(
            "< call-back {order}
            * operated call-back {order}
            * promised {promised}
            < durable all
            > reply p1"
        ));
    }
}

#[test]
fn what_the_policy_refuses_to_the_user_it_refuses_to_who_orders_it_for_him() {
    for (order, rule) in [
        ("nobody", "user"),
        ("-f", "user"),
        ("dan", "user.disabled"),
        ("eve", "user.offer"),
        ("sue", "user.window"),
        ("yan", "number.none"),
        ("yan 5551234", "user.allow"),
        ("cback", "number.none"),
        ("cback 5550100", "number.own-line"),
        ("zoe 5559999", "user.offer"),
        ("yan 555;H0", "number.grammar"),
    ] {
        check(&format!(
            "< call-back {order}
            * operated call-back {order}
            > reply refused {rule}"
        ));
    }
}

#[test]
fn nobody_is_owed_two_callbacks_by_it() {
    check(
        "
        < call-back zoe
        * operated call-back zoe
        * promised p1 5550142,5550143 on main by user zoe
        < call-back zoe
        * operated call-back zoe
        > reply refused promises.per-user
        < durable all
        > reply p1
        ",
    );
}

#[test]
fn where_a_code_binds_the_calls_the_operator_is_given_it() {
    check(
        "
        < call-back cora
        * operated call-back cora
        * promised p1 5550146 on main by user cora
        < durable all
        > reply p1 with a code of 6
        ",
    );
}

#[test]
fn a_user_of_ppp_alone_meets_no_prompt() {
    let mut bench = fresh(users());
    bench.ready(LineId(0), false);
    for what in ["call-back pia", "durable all"] {
        bench.happens(what);
    }
    let by_ppp = bench.journal.iter().find_map(|entry| {
        if let Event::Promised(promised) = &entry.event { Some(promised.ppp) } else { None }
    });
    assert_eq!(by_ppp, Some(true));
}

#[test]
fn an_order_stands_in_the_journal_as_text_that_cannot_pass_for_more() {
    let mut bench = fresh(users());
    bench.ready(LineId(0), false);
    for user in ["x\nroot (uid 0) ordered: reload\x1b[2J", &"x".repeat(60_000)] {
        bench.happens(&format!("call-back {user}"));
    }
    let commands: Vec<&str> = bench
        .journal
        .iter()
        .filter_map(|entry| {
            let Event::Operated { command, .. } = &entry.event else { return None };
            Some(command.as_str())
        })
        .collect();
    let [first, second] = commands[..] else { panic!("{commands:?}") };
    assert_eq!(first, "call-back x?root (uid 0) ordered: reload?[2J");
    assert_eq!(second.len(), 512);
}

#[test]
fn a_server_that_is_stopping_promises_nothing_to_those_who_order() {
    for order in ["call-back cora", "callback 5551234"] {
        check(&format!(
            "< says RING
            > claim
            < claimed
            * rang c1
            > send \"ATA\\r\"
            < stop 60s
            * server-stopping
            > send \"\\r\"
            < {order}
            * operated {order}
            > reply refused server"
        ));
    }
}
