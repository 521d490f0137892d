//! Calls in and out, as far as the line sees them.

use crate::testing::{LOGIN, TOML, check, check_with, config};

#[test]
fn a_call_is_answered_after_the_first_ring() {
    check(
        r#"
        < says RING
        > claim
        < claimed
        * rang c1
        > send "ATA\r"
        < says CONNECT 33600/ARQ
        * connected c1 s1 request 33600/ARQ
        < dcd up
        + 100ms
        > send "\r\nalma!login: "
        "#,
    );
}

#[test]
fn enough_rings_are_waited_for_and_the_caller_is_told_with_the_first_news_of_him() {
    check_with(
        config(&TOML.replace("hold_time", "rings = 3\nhold_time"), LOGIN),
        r#"
        < says RING
        > claim
        < claimed
        < says NMBR = 5557777
        * rang c1 5557777
        + 6s
        < says RING
        + 6s
        < says RING
        > send "ATA\r"
        "#,
    );
}

#[test]
fn a_caller_who_gives_up_is_abandoned_and_the_lock_let_go() {
    check_with(
        config(&TOML.replace("hold_time", "rings = 3\nhold_time"), LOGIN),
        "
        < says RING
        > claim
        < claimed
        + 10s
        * rang c1
        * ended c1 abandoned
        > release
        ",
    );
}

#[test]
fn a_program_that_takes_the_lock_while_it_rings_gets_the_line() {
    check(
        "
        < says RING
        > claim
        < taken minicom
        * rang c1
        * ended c1 abandoned
        > close
        * line-lent minicom
        ",
    );
}

#[test]
fn a_line_that_only_originates_lets_it_ring() {
    check_with(
        config(
            &TOML
                .replace("direction = \"both\"", "direction = \"originate\"")
                .replace("\"same\"", "\"public\""),
            "mary - - /bin/login @\n",
        ),
        "
        < says RING
        > claim
        < claimed
        * rang c1
        * screened c1 line.direction
        + 6s
        < says RING
        + 10s
        * ended c1 screened
        > release
        ",
    );
}

#[test]
fn a_modem_that_finds_no_carrier_is_put_on_hook_and_set_up() {
    check(
        r#"
        < says RING
        > claim
        < claimed
        * rang c1
        > send "ATA\r"
        < says NO CARRIER
        > send "\r"
        + 250ms
        > send "ATH\r"
        < says OK
        * ended c1 no-carrier
        > send "ATE0\r"
        < says OK
        * line-ready main
        > release
        "#,
    );
}

#[test]
fn a_modem_that_never_answers_the_answer_command_is_broken_off_in_time() {
    check_with(
        config(&TOML.replace("guard = \"1s\"", "guard = \"1s\", answer_time = \"60s\""), LOGIN),
        r#"
        < says RING
        > claim
        < claimed
        * rang c1
        > send "ATA\r"
        + 60s
        > send "\r"
        + 250ms
        > send "ATH\r"
        < says NO CARRIER
        < says OK
        * ended c1 no-carrier
        > send "ATE0\r"
        "#,
    );
}

#[test]
fn the_first_bytes_behind_connect_belong_to_the_session() {
    let pppd = LOGIN.replace("dialback-ppp", "/usr/sbin/pppd");
    check_with(
        config(TOML, &pppd),
        r#"
        < says RING
        > claim
        < claimed
        * rang c1
        > send "ATA\r"
        < types \r\nCONNECT 33600\r\n~ÿ}#À!
        * connected c1 s1 request 33600
        * named ppp
        * dispatched login.config:6 /usr/sbin/pppd
        > carrier-matters true
        > launch c1 pppd
        "#,
    );
}

const DIALLING: &str = r#"
        < callback 5551234
        * operated callback 5551234
        * promised p1 5551234 on main by operator
        < durable all
        > reply p1
        + 1ms
        > claim
        < claimed
        * dialled p1 c1 5551234 on main try 1
        > send "ATDT5551234\r"
"#;

const ON_HOOK: &str = r#"
        > send "\r"
        + 250ms
        > send "ATH\r"
        < says OK
"#;

#[test]
fn each_result_code_ends_the_dial_with_its_cause() {
    for (says, cause) in [
        ("BUSY", "busy"),
        ("NO ANSWER", "no-answer"),
        ("NO DIALTONE", "no-dialtone"),
        ("NO DIAL TONE", "no-dialtone"),
        ("NO CARRIER", "no-carrier"),
        ("VOICE", "no-carrier"),
        ("DELAYED", "barred"),
        ("BLACKLISTED", "barred"),
        ("ERROR", "barred"),
    ] {
        check(&format!(
            "{DIALLING}
            < says {says}
            {ON_HOOK}
            * ended c1 {cause}
            > send \"ATE0\\r\"
            * try-failed p1 {cause} next 30000
            "
        ));
    }
}

#[test]
fn a_ring_while_dialling_aborts_the_dial_and_the_call_is_then_answered() {
    check(&format!(
        "{DIALLING}
        < says RING
        {ON_HOOK}
        * ended c1 glare
        > send \"ATE0\\r\"
        * try-failed p1 glare next 30000
        < says OK
        * line-ready main
        > release
        < says RING
        > claim
        < claimed
        * rang c2
        > send \"ATA\\r\"
        "
    ));
}

#[test]
fn finding_5_a_ring_between_claim_and_dial_is_glare_and_nothing_is_dialled() {
    check(
        r#"
        < callback 5551234
        * operated callback 5551234
        * promised p1 5551234 on main by operator
        < durable all
        > reply p1
        + 1ms
        > claim
        < says RING
        * try-failed p1 glare next 30000
        < claimed
        * rang c2
        > send "ATA\r"
        "#,
    );
}

#[test]
fn a_connect_that_comes_before_anybody_can_have_answered_is_dropped_with_an_alert() {
    // Seven digits at 70 ms, and 2 s on top.
    for (after, believed) in [("2489ms", false), ("2490ms", true)] {
        let end = if believed {
            "* connected c1 s1 return 33600\n* kept p1 c1".to_owned()
        } else {
            // DCD was not up: that it is down proves nothing, the modem's word does.
            "* alert connect-too-soon\n> dtr down\n+ 499ms\n+ 1ms\n> dtr up\n+ 1100ms\n> send \"+++\"\n+ 3s\n\
             > send \"\\r\"\n> send \"ATH\\r\"\n< says OK\n* ended c1 too-soon\n> send \"ATE0\\r\"\n* try-failed p1 too-soon next 30000"
                .to_owned()
        };
        check_with(
            config(&TOML.replace("soonest_connect = \"0s\"", "soonest_connect = \"2s\""), LOGIN),
            &format!("{DIALLING}\n+ {after}\n< says CONNECT 33600\n{end}"),
        );
    }
}

#[test]
fn finding_6_a_left_over_ok_does_not_count_for_the_dial_command() {
    check(&format!(
        "{DIALLING}
        < says OK
        < says RINGING
        < says CONNECT 33600
        * connected c1 s1 return 33600
        * kept p1 c1
        "
    ));
}

#[test]
fn a_dial_without_any_result_is_broken_off_in_time() {
    check_with(
        config(&TOML.replace("guard = \"1s\"", "guard = \"1s\", dial_time = \"90s\""), LOGIN),
        &format!(
            "{DIALLING}
            + 90s
            {ON_HOOK}
            * ended c1 no-answer
            > send \"ATE0\\r\"
            * try-failed p1 no-answer next 30000
            "
        ),
    );
}

#[test]
fn a_modem_that_is_dead_after_the_dial_is_closed_by_force() {
    check(&format!(
        "{DIALLING}
        < says BUSY
        > send \"\\r\"
        + 250ms
        > send \"ATH\\r\"
        + 5250ms
        > send \"ATH\\r\"
        + 5s
        > send \"\\x10\\x03\"
        + 1100ms
        > send \"+++\"
        + 1100ms
        > send \"\\rATQ0V1H0\\r\"
        + 5s
        * alert hang-up-not-seen
        * ended c1 stuck
        > release
        > close
        * line-faulted 1000: the modem does not hang up: ATH: no answer from the modem within 5s
        * try-failed p1 stuck next 30000
        "
    ));
}

#[test]
fn a_lock_that_is_taken_when_the_promise_is_due_costs_no_try() {
    check(
        "
        < callback 5551234
        * operated callback 5551234
        * promised p1 5551234 on main by operator
        < durable all
        > reply p1
        + 1ms
        > claim
        < taken minicom
        > close
        * line-lent minicom
        * try-failed p1 port-error next 30000
        ",
    );
}

#[test]
fn a_lock_that_comes_after_the_caller_has_given_up_is_given_back() {
    check(
        "
        < says RING
        > claim
        + 10s
        * rang c1
        * ended c1 abandoned
        < claimed
        > release
        ",
    );
}
