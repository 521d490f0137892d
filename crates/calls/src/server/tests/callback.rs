//! The promise: made, stored, parted, dialled, kept; and everything that can come between.

use super::{AT_PROMPT, HANG_UP, READY};
use crate::testing::{LOGIN, SECOND_LINE, TOML, check, check_with, config};

/// The callback name is given, the number is asked for and typed.
pub(super) fn asked(number: &str) -> String {
    format!(
        r#"{AT_PROMPT}
        < types cback\r
        > send "cback\r\n"
        * named cback
        * dispatched login.config:2 callback
        > send "Telephone number for callback: "
        < types {number}\r
        > send "{number}\r\n"
        "#
    )
}

/// The promise is stored, the farewell said, the line hung up.
fn parted() -> String {
    format!(
        r#"{}
        * promised p1 5551234 on main by caller_numbers.allow "*"
        < durable all
        {FAREWELL}
        > drain
        < drained
        {HANG_UP}
        * ended c1 callback
        {READY}
        "#,
        asked("5551234")
    )
}

const FAREWELL: &str = r#"> send "\r\nThank you. This call ends now; let your modem answer the next one.\r\nWe call you back within 20 seconds.\r\n""#;

const DIALLED: &str = r#"
        + 20s
        > claim
        < claimed
        * dialled p1 c2 5551234 on main try 1
        > send "ATDT5551234\r"
"#;

const ON_HOOK: &str = r#"
        > send "\r"
        + 250ms
        > send "ATH\r"
        < says OK
"#;

#[test]
fn a_caller_is_called_back_and_logs_in() {
    check(&format!(
        r#"{}
        {DIALLED}
        < dcd up
        < says CONNECT 31200
        * connected c2 s1 return 31200
        * kept p1 c2
        < durable all
        + 100ms
        > send "\r\nalma!login: "
        < types mary\r
        > send "mary\r\n"
        * named mary
        * dispatched login.config:5 /bin/login
        > carrier-matters true
        > launch c2 login mary
        < started
        * launched c2 42
        < writes Password:
        > send "Password:"
        < types secret\r
        > program c2 "secret\r"
        < exits 0
        > carrier-matters false
        * program-exited c2
        > drain
        < drained
        {HANG_UP}
        * ended c2 user-request
        {READY}
        + 20m
        "#,
        parted()
    ));
}

#[test]
fn nothing_is_said_before_the_promise_is_stored() {
    check(&format!(
        "{}
        * promised p1 5551234 on main by caller_numbers.allow \"*\"
        < types hello?\\r
        + 29s
        < durable all
        {FAREWELL}
        > drain
        ",
        asked("5551234")
    ));
}

#[test]
fn a_journal_that_fails_makes_no_promise() {
    let failed = "
        * withdrawn p1
        > send \"\\r\\nWe cannot call you back now; please try again soon.\\r\\n\"
        > drain
        < drained
    ";
    check(&format!(
        "{}
        * promised p1 5551234 on main by caller_numbers.allow \"*\"
        < store-fails disk full
        {failed}
        {HANG_UP}
        * ended c1 nas-error
        {READY}
        + 20m
        ",
        asked("5551234")
    ));
    check(&format!(
        "{AT_PROMPT}
        < store-fails disk full
        < types fixed\\r
        > send \"fixed\\r\\n\"
        * named fixed
        * dispatched login.config:3 callback
        * refused store
        > send \"\\r\\nWe cannot call you back now; please try again soon.\\r\\n\"
        > drain
        "
    ));
}

#[test]
fn a_journal_that_does_not_answer_makes_no_promise() {
    check(&format!(
        "{}
        * promised p1 5551234 on main by caller_numbers.allow \"*\"
        + 30s
        > send \"\\r\\nWe cannot call you back now; please try again soon.\\r\\n\"
        > drain
        * withdrawn p1
        ",
        asked("5551234")
    ));
}

#[test]
fn a_caller_who_goes_before_the_farewell_is_called_back_all_the_same() {
    check(&format!(
        "{}
        * promised p1 5551234 on main by caller_numbers.allow \"*\"
        < dcd down
        > dtr down
        + 500ms
        > dtr up
        * ended c1 lost-carrier
        {READY}
        < durable all
        {DIALLED}
        ",
        asked("5551234")
    ));
}

#[test]
fn a_farewell_that_does_not_leave_is_not_waited_for() {
    check(&format!(
        "{}
        * promised p1 5551234 on main by caller_numbers.allow \"*\"
        < durable all
        {FAREWELL}
        > drain
        + 10s
        {HANG_UP}
        * ended c1 callback
        {READY}
        ",
        asked("5551234")
    ));
}

#[test]
fn numbers_take_turns_until_the_tries_are_used_up() {
    check(&format!(
        r#"{AT_PROMPT}
        < types fixed\r
        > send "fixed\r\n"
        * named fixed
        * dispatched login.config:3 callback
        * promised p1 5551234,5555678 on main by login.config:3
        < durable all
        {FAREWELL}
        > drain
        < drained
        {HANG_UP}
        * ended c1 callback
        {READY}
        {DIALLED}
        < says BUSY
        {ON_HOOK}
        * ended c2 busy
        > send "ATE0\r"
        * try-failed p1 busy next 30000
        < says OK
        * line-ready main
        > release
        + 30s
        > claim
        < claimed
        * dialled p1 c3 5555678 on main try 2
        > send "ATDT5555678\r"
        < says NO ANSWER
        {ON_HOOK}
        * ended c3 no-answer
        > send "ATE0\r"
        * try-failed p1 no-answer next 30000
        < says OK
        * line-ready main
        > release
        + 30s
        > claim
        < claimed
        * dialled p1 c4 5551234 on main try 3
        > send "ATDT5551234\r"
        < says BUSY
        {ON_HOOK}
        * ended c4 busy
        > send "ATE0\r"
        * try-failed p1 busy
        * expired p1: every try came to nothing
        < says OK
        * line-ready main
        > release
        + 20m
        "#
    ));
}

#[test]
fn findings_16_and_28_callers_are_served_between_the_tries_and_the_promise_follows_at_once() {
    check(&format!(
        r#"{}
        {DIALLED}
        < says BUSY
        {ON_HOOK}
        * ended c2 busy
        > send "ATE0\r"
        * try-failed p1 busy next 30000
        < says OK
        * line-ready main
        > release
        + 10s
        < says RING
        > claim
        < claimed
        * rang c3
        > send "ATA\r"
        < dcd up
        < says CONNECT 2400
        * connected c3 s2 request 2400
        + 100ms
        > send "\r\nalma!login: "
        + 25s
        < dcd down
        > dtr down
        + 500ms
        > dtr up
        * ended c3 lost-carrier
        {READY}
        + 9999ms
        + 1ms
        > claim
        < claimed
        * dialled p1 c4 5551234 on main try 2
        > send "ATDT5551234\r"
        "#,
        parted()
    ));
}

#[test]
fn the_same_line_is_not_dialled_on_before_its_hold_time_is_over() {
    check_with(
        config(&TOML.replace("\"20s\"", "\"0s\""), LOGIN),
        &format!(
            "{}
            + 9999ms
            + 1ms
            > claim
            ",
            parted().replace("within 20", "within 10")
        ),
    );
}

#[test]
fn the_promise_expires_when_no_line_is_free_in_time() {
    check(&format!(
        "{}
        < taken minicom
        > close
        * line-lent minicom
        + 1m
        + 540s
        * expired p1: its time is over
        < returned
        * line-returned
        > open
        ",
        parted()
    ));
}

#[test]
fn a_caller_is_called_back_on_another_line_or_on_the_first_free_one_of_a_group() {
    let two = format!("{TOML}{SECOND_LINE}");
    let login = "!version 2\nother N - - /usr/sbin/callback -l second 5551234\n\
                 any N - - /usr/sbin/callback -l public 5551234\n* - - - /bin/login @\n";
    for (name, entry, lines, dials) in [("other", 2, "second", 1), ("any", 3, "main,second", 1)] {
        let line = |text: &str| {
            text.lines()
                .map(|l| {
                    let l = l.trim();
                    l.strip_prefix("> ").map_or(l.to_owned(), |rest| format!("> 0: {rest}"))
                })
                .collect::<Vec<_>>()
                .join("\n")
        };
        check_with(
            config(&two, login),
            &format!(
                r#"{prompt}
                < types {name}\r
                > 0: send "{name}\r\n"
                * named {name}
                * dispatched login.config:{entry} callback
                * promised p1 5551234 on {lines} by login.config:{entry}
                < durable all
                {farewell}
                > 0: drain
                < drained
                {hang_up}
                * ended c1 callback
                > 0: send "ATE0\r"
                + 20s
                > {dials}: claim
                < {dials}: claimed
                * dialled p1 c2 5551234 on second try 1
                > {dials}: send "ATDT5551234\r"
                "#,
                prompt = line(AT_PROMPT),
                farewell = line(FAREWELL),
                hang_up = line(HANG_UP),
            )
            // The request line's modem has not answered: 5 s later it is asked again.
            .replace("+ 20s", "+ 4s\n< says OK\n* line-ready main\n> 0: release\n< taken cu\n> 0: close\n* line-lent cu\n+ 16s"),
        );
    }
}

#[test]
fn another_init_and_speed_are_used_for_the_call_and_taken_back_after_it() {
    check(&format!(
        r#"{AT_PROMPT}
        < types special\r
        > send "special\r\n"
        * named special
        * dispatched login.config:4 callback
        * promised p1 5551234 on main by login.config:4
        < durable all
        {FAREWELL}
        > drain
        < drained
        {HANG_UP}
        * ended c1 callback
        {READY}
        + 20s
        > claim
        < claimed
        > speed 9600
        > send "ATX3\r"
        < says OK
        * dialled p1 c2 5551234 on main try 1
        > send "ATDT5551234\r"
        < says BUSY
        {ON_HOOK}
        * ended c2 busy
        > speed 115200
        > send "ATE0\r"
        * try-failed p1 busy next 30000
        "#
    ));
}

#[test]
fn numbers_that_may_not_be_called_are_refused_with_their_rule() {
    let said = "This number cannot be called back from here. Goodbye.";
    for (number, rule) in [
        ("9001234", "caller_numbers.deny \"900*\""),
        ("+9001234", "caller_numbers.deny \"900*\""),
        ("5550100", "number.own-line"),
    ] {
        check(&format!(
            "{}
            * refused {rule} {number}
            > send \"\\r\\n{said}\\r\\n\"
            > drain
            < drained
            {HANG_UP}
            * ended c1 service-unavailable
            {READY}
            ",
            asked(number)
        ));
    }
}

#[test]
fn finding_13_a_caller_who_hangs_up_at_the_number_prompt_is_not_called() {
    for (typed, echo) in [("", ""), ("555", "555")] {
        let typing = if typed.is_empty() {
            String::new()
        } else {
            format!("< types {typed}\n> send \"{echo}\"")
        };
        check(&format!(
            "{AT_PROMPT}
            < types cback\\r
            > send \"cback\\r\\n\"
            * named cback
            * dispatched login.config:2 callback
            > send \"Telephone number for callback: \"
            {typing}
            < dcd down
            > dtr down
            + 500ms
            > dtr up
            * ended c1 lost-carrier
            {READY}
            + 20m
            "
        ));
    }
}

#[test]
fn finding_14_the_number_prompt_has_a_time_limit() {
    check(&format!(
        "{AT_PROMPT}
        < types cback\\r
        > send \"cback\\r\\n\"
        * named cback
        * dispatched login.config:2 callback
        > send \"Telephone number for callback: \"
        + 59999ms
        + 1ms
        > send \"\\r\\nGoodbye.\\r\\n\"
        > drain
        < drained
        {HANG_UP}
        * ended c1 idle-timeout
        > send \"ATE0\\r\"
        "
    ));
}

#[test]
fn finding_24_a_callback_on_a_return_leg_is_refused() {
    let mut looping = config(TOML, LOGIN);
    for entry in &mut looping.entries {
        entry.when = crate::config::When::Always;
    }
    let refused = r#"
        < types fixed\r
        > send "fixed\r\n"
        * named fixed
        * dispatched login.config:3 callback
        * refused callback.once
        > send "\r\nYou have been called back already; please log in.\r\n"
    "#;
    let again = r#"> send "\r\nalma!login: ""#;
    check_with(
        looping,
        &format!(
            r#"{}
            {DIALLED}
            < dcd up
            < says CONNECT
            * connected c2 s1 return
            * kept p1 c2
            < durable all
            + 100ms
            {again}
            {refused}
            {again}
            {refused}
            {again}
            {refused}
            > drain
            < drained
            * stranger 5551234: he could not say who he is
            * alert stranger-answered
            {HANG_UP}
            * ended c2 service-unavailable
            {READY}
            + 20m
            "#,
            parted()
        ),
    );
}
#[test]
fn a_return_leg_whose_keeping_cannot_be_stored_is_not_served() {
    check(&format!(
        "{}
        {DIALLED}
        < dcd up
        < says CONNECT
        * connected c2 s1 return
        * kept p1 c2
        < types early
        < store-fails disk full
        {HANG_UP}
        * ended c2 nas-error
        > send \"ATE0\\r\"
        ",
        parted()
    ));
}

#[test]
fn what_is_typed_while_the_keeping_is_stored_is_not_lost() {
    let pppd = LOGIN.replace("dialback-ppp", "/usr/sbin/pppd");
    let timeline = format!(
        "{}
        {DIALLED}
        < dcd up
        < types \\r\\nCONNECT\\r\\n\\x7e\u{ff}}}#\u{c0}!
        * connected c2 s1 return
        * kept p1 c2
        < durable all
        * named ppp
        * dispatched login.config:6 /usr/sbin/pppd
        > carrier-matters true
        > launch c2 pppd
        ",
        parted()
    );
    check_with(config(TOML, &pppd), &timeline);
}
