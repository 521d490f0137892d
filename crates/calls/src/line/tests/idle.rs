//! From a cold modem to an idle line, and what may happen to an idle line.

use crate::testing::{LOGIN, TOML, check, config, fresh};
use crate::vocabulary::{Event, LineId};

#[track_caller]
fn check_cold(timeline: &str) {
    fresh(config(TOML, LOGIN)).run(timeline);
}

#[test]
fn a_line_opens_locks_sets_up_its_modem_and_lets_the_lock_go() {
    check_cold(
        r#"
        < opened
        > claim
        < claimed
        > send "ATE0\r"
        < says OK
        * line-ready main
        > release
        "#,
    );
}

#[test]
fn a_port_that_cannot_be_opened_is_tried_again_with_longer_and_longer_waits() {
    check_cold(
        "
        < lost no such device
        * line-faulted 1000: no such device
        + 999ms
        + 1ms
        > open
        < lost no such device
        * line-faulted 2000: no such device
        + 2s
        > open
        < lost gone
        * line-faulted 4000: gone
        + 4s
        > open
        < lost gone
        * line-faulted 8000: gone
        + 8s
        > open
        < lost gone
        * line-faulted 16000: gone
        + 16s
        > open
        < lost gone
        * line-faulted 32000: gone
        + 32s
        > open
        < lost gone
        * line-faulted 60000: gone
        + 60s
        > open
        < lost gone
        * line-faulted 60000: gone
        ",
    );
}

#[test]
fn a_mute_modem_is_forced_and_then_faulted() {
    check_cold(
        r#"
        < opened
        > claim
        < claimed
        > send "ATE0\r"
        + 5s
        > send "ATE0\r"
        + 5s
        > send "\x10\x03"
        + 1100ms
        > send "+++"
        + 1100ms
        > send "\rATQ0V1H0\r"
        + 5s
        > release
        > close
        * line-faulted 1000: ATE0: no answer from the modem within 5s
        + 1s
        > open
        "#,
    );
}

#[test]
fn a_modem_that_refuses_a_command_is_faulted_with_the_command() {
    check_cold(
        r#"
        < opened
        > claim
        < claimed
        > send "ATE0\r"
        < says ERROR
        > send "ATE0\r"
        < says ERROR
        > release
        > close
        * line-faulted 1000: ATE0: the modem says ERROR
        "#,
    );
}

#[test]
fn a_locked_line_is_lent_until_it_is_returned() {
    check_cold(
        r#"
        < opened
        > claim
        < taken minicom (pid 812)
        > close
        * line-lent minicom (pid 812)
        + 1m
        < returned
        * line-returned
        > open
        < opened
        > claim
        < claimed
        > send "ATE0\r"
        < says OK
        * line-ready main
        > release
        < taken pppd (pid 9)
        > close
        * line-lent pppd (pid 9)
        "#,
    );
}

#[test]
fn finding_22_a_lock_directory_that_does_not_answer_faults_the_line() {
    check_cold(
        "
        < opened
        > claim
        + 30s
        > close
        * line-faulted 1000: the lock directory does not answer
        ",
    );
}

#[test]
fn an_idle_modem_is_asked_whether_it_lives_and_set_up_anew_if_not() {
    let toml = TOML.replace("\"1h\"", "\"15m\"");
    let mut bench = fresh(config(&toml, LOGIN));
    bench.ready(LineId(0), false);
    bench.run(
        r#"
        + 15m
        > claim
        < claimed
        > send "AT\r"
        < says OK
        > release
        + 15m
        > claim
        < claimed
        > send "AT\r"
        + 5s
        > send "AT\r"
        + 5s
        > send "ATE0\r"
        < says OK
        * line-ready main
        > release
        "#,
    );
}

#[test]
fn dcd_that_is_up_without_a_call_is_hung_up_then_reported_and_no_longer_believed() {
    check_cold(
        r#"
        < opened dcd
        > claim
        < claimed
        > send "ATE0\r"
        < says OK
        > dtr down
        + 4s
        > dtr up
        + 1100ms
        > send "+++"
        + 1s
        < says OK
        > send "ATH\r"
        < says OK
        + 1s
        * carrier-stuck
        > send "ATE0\r"
        < says OK
        * line-ready main
        > release
        "#,
    );
}

#[test]
fn dcd_that_falls_with_dtr_was_a_call_that_nobody_wanted() {
    check(
        r#"
        < dcd up
        > claim
        < claimed
        > dtr down
        < dcd down
        > dtr up
        > send "ATE0\r"
        < says OK
        * line-ready main
        > release
        "#,
    );
}

#[test]
fn finding_9_a_modem_that_takes_calls_by_itself_is_hung_up_and_set_up() {
    check(
        r#"
        < says CONNECT 33600
        > claim
        < claimed
        > dtr down
        < dcd up
        < dcd down
        > dtr up
        > send "ATE0\r"
        < says OK
        * line-ready main
        > release
        "#,
    );
}

#[test]
fn an_idle_line_ignores_junk() {
    check("< types %$&/()=\\r\\n\\r\\nNO CARRIER\\r\\nOK\\r\\nVOICE\\r\\n\n< dcd down\n< drained");
}

#[test]
fn an_idle_line_whose_port_is_lost_opens_it_again() {
    check("< lost unplugged\n* line-faulted 1000: unplugged\n+ 1s\n> open");
}

/// A line whose modem is as `modem` says, on a port with control lines or without.
#[track_caller]
fn check_setup(modem: &str, opened: &str, timeline: &str) {
    let toml: Vec<&str> =
        TOML.lines().map(|line| if line.starts_with("modem") { modem } else { line }).collect();
    let toml = toml.join("\n");
    let mut bench = fresh(config(&toml, LOGIN));
    bench.run(&format!("< {opened}\n> claim\n< claimed\n{timeline}\n* line-ready main\n> release"));
}

#[test]
fn a_modem_is_left_alone_for_a_moment_after_a_reset_and_may_refuse_wishes() {
    check_setup(
        "",
        "opened",
        r#"
        > send "AT&F\r"
        < says OK
        + 499ms
        + 1ms
        > send "ATE0Q0V1X4\r"
        < says OK
        + 50ms
        > send "AT&C1&D2S0=0\r"
        < says OK
        + 50ms
        > send "ATS0=0S8=129S2=255\r"
        < says ERROR
        + 50ms
        > send "ATS0=0S8=129S2=255\r"
        < says ERROR
        + 500ms
        > send "ATS0?S8?S2?\r"
        < says ERROR
        + 50ms
        > send "ATS0?S8?S2?\r"
        < says ERROR"#,
    );
    check_setup(
        "modem = { read_back = false }",
        "opened",
        r#"
        > send "AT&F\r"
        < says OK
        + 500ms
        > send "ATE0Q0V1X4\r"
        < says OK
        + 50ms
        > send "AT&C1&D2S0=0\r"
        < says OK
        + 50ms
        > send "ATS2=255\r"
        < says ERROR
        + 50ms
        > send "ATS2=255\r"
        < says ERROR"#,
    );
}

#[test]
fn behind_a_reset_that_comes_last_it_is_waited_for_until_the_modem_hears_again() {
    check_setup(
        "modem = { init = [\"ATZ\"], read_back = false }",
        "opened",
        r#"
        > send "ATZ\r"
        < says OK
        + 500ms
        > send "AT\r"
        < says OK"#,
    );
}

#[test]
fn the_escape_stays_on_where_dtr_cannot_hang_up() {
    let setup = r#"
        > send "AT&F\r"
        < says OK
        + 500ms
        > send "ATE0Q0V1X4\r"
        < says OK
        + 50ms
        > send "AT&C1&D2S0=0\r"
        < says OK"#;
    let no_echo = "\n+ 50ms\n> send \"ATE0\\r\"\n< says OK";
    check_setup("modem = { dtr_hangup = false, read_back = false }", "opened", setup);
    check_setup("modem = { read_back = false }", "opened bare", &format!("{setup}{no_echo}"));
    // It was switched off by somebody, perhaps.
    let on = "\n+ 50ms\n> send \"ATS0=0S8=129S2=43\\r\"\n< says OK\n+ 50ms\n> send \"ATS0?S8?S2?\\r\"\n< says OK";
    check_setup("modem = { dtr_hangup = false }", "opened", &format!("{setup}{on}"));
    check_setup("", "opened bare", &format!("{setup}{no_echo}{on}"));
}

#[test]
fn the_speed_of_the_port_is_not_taken_for_that_of_the_line() {
    for (said, speed) in [("33600", Some(33_600)), ("115200", None), ("115200/ARQ", None)] {
        let mut bench = fresh(config(TOML, LOGIN));
        bench.ready(LineId(0), false);
        for input in ["says RING", "claimed", "dcd up"] {
            bench.happens(input);
        }
        bench.happens(&format!("says CONNECT {said}"));
        let told = bench.journal.iter().any(
            |entry| matches!(&entry.event, Event::Connected { speed: told, .. } if *told == speed),
        );
        assert!(told, "{said}: {:?}", bench.journal);
    }
}

#[test]
fn finding_21_a_server_that_starts_while_the_line_is_lent_calls_back_once_it_is_returned() {
    check_cold(
        r#"
        < opened
        > claim
        < taken minicom (pid 812)
        > close
        * line-lent minicom (pid 812)
        < callback 5551234
        * operated callback 5551234
        * promised p1 5551234 on main by operator
        < durable all
        > reply p1
        + 1m
        < returned
        * line-returned
        > open
        < opened
        > claim
        < claimed
        > send "ATE0\r"
        < says OK
        * line-ready main
        > release
        > claim
        < claimed
        * dialled p1 c1 5551234 on main try 1
        > send "ATDT5551234\r"
        "#,
    );
}
