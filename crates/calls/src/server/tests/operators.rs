//! Operators' commands, reload and stop.

use super::{AT_PROMPT, HANG_UP, READY};
use crate::testing::{LOGIN, SECOND_LINE, TOML, check, config, fresh};
use crate::vocabulary::{Command, Input, LineId, Output, PromiseId, Reply, RequestId};

const PROMISED: &str = "
        < callback 5551234 5555678
        * operated callback 5551234 5555678
        * promised p1 5551234,5555678 on main by operator
        < durable all
        > reply p1
";

#[test]
fn an_operators_callback_needs_no_caller_and_may_call_any_configured_number() {
    check(&format!(
        r#"{PROMISED}
        + 1ms
        > claim
        < claimed
        * dialled p1 c1 5551234 on main try 1
        > send "ATDT5551234\r"
        < dcd up
        < says CONNECT
        * connected c1 s1 return
        * kept p1 c1
        < durable all
        + 100ms
        > send "\r\nalma!login: "
        "#
    ));
}

#[test]
fn an_operators_callback_that_makes_no_sense_is_refused() {
    check(
        "
        < callback 555;H0
        * operated callback 555;H0
        > reply refused number.grammar
        < callback
        * operated callback
        > reply refused number.none
        < callback 5550100
        * operated callback 5550100
        > reply refused number.own-line
        < store-fails disk full
        < callback 5551234
        * operated callback 5551234
        > reply refused store
        ",
    );
}

#[test]
fn an_operators_callback_that_cannot_be_stored_is_refused_once() {
    check(
        "
        < callback 5551234
        * operated callback 5551234
        * promised p1 5551234 on main by operator
        < store-fails disk full
        * withdrawn p1
        > reply refused store
        + 1m
        ",
    );
}

#[test]
fn a_promise_can_be_withdrawn_at_any_time() {
    check(&format!(
        "{PROMISED}
        < withdraw 1
        * operated withdraw p1
        * withdrawn p1
        > reply done
        + 1m
        < withdraw 1
        * operated withdraw p1
        > reply refused promise
        "
    ));
    let dialled = r#"
        + 1ms
        > claim
        < claimed
        * dialled p1 c1 5551234 on main try 1
        > send "ATDT5551234\r"
    "#;
    check(&format!(
        "{PROMISED}{dialled}
        < withdraw 1
        * operated withdraw p1
        * withdrawn p1
        > send \"\\r\"
        > reply done
        + 250ms
        > send \"ATH\\r\"
        < says OK
        * ended c1 admin-reset
        {READY}
        + 20m
        "
    ));
}

#[test]
fn a_call_can_be_hung_up_and_a_line_without_one_cannot() {
    check(&format!(
        "< hang-up main
        * operated hang-up main
        > reply refused line
        < hang-up nowhere
        * operated hang-up nowhere
        > reply refused line
        {AT_PROMPT}
        < hang-up main
        * operated hang-up main
        > dtr down
        > reply done
        < dcd down
        > dtr up
        * ended c1 admin-reset
        {READY}
        "
    ));
}

#[test]
fn a_stop_closes_idle_lines_at_once_and_gives_calls_their_grace() {
    check("< stop 10s\n* server-stopping\n> close\n* server-stopped\n> stopped");
    check(&format!(
        "{AT_PROMPT}
        < stop 10s
        * server-stopping
        + 9999ms
        + 1ms
        {HANG_UP}
        * ended c1 admin-reboot
        > release
        > close
        * server-stopped
        > stopped
        "
    ));
    check(
        "
        < says RING
        > claim
        < stop 10s
        * server-stopping
        * rang c1
        * ended c1 admin-reboot
        > close
        * server-stopped
        > stopped
        ",
    );
}

#[test]
fn a_second_stop_shortens_the_grace_and_never_lengthens_it() {
    check(&format!(
        "{AT_PROMPT}
        < stop 10s
        * server-stopping
        + 1s
        < stop 60s
        < stop 0s
        * server-stopping
        + 0ms
        {HANG_UP}
        * ended c1 admin-reboot
        > release
        > close
        * server-stopped
        > stopped
        "
    ));
}

#[test]
fn a_stop_breaks_a_dial_off_and_leaves_the_promise_for_the_next_run() {
    check(&format!(
        r#"{PROMISED}
        + 1ms
        > claim
        < claimed
        * dialled p1 c1 5551234 on main try 1
        > send "ATDT5551234\r"
        < stop 10s
        * server-stopping
        > send "\r"
        + 250ms
        > send "ATH\r"
        < says OK
        * ended c1 admin-reboot
        > release
        > close
        * server-stopped
        > stopped
        "#
    ));
}

#[test]
fn a_reload_changes_idle_lines_at_once_and_busy_ones_after_their_call() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    bench.reload(config(&TOML.replace("ATE0", "ATE1"), LOGIN));
    bench.run(
        r#"
        < tick
        * reloaded 1
        > claim
        < claimed
        > send "ATE1\r"
        < says OK
        * line-ready main
        > release
        "#,
    );
    bench.run(AT_PROMPT);
    bench.reload(config(&TOML.replace("sim:main", "sim:elsewhere"), LOGIN));
    bench.run(&format!(
        "< tick
        * reloaded 1
        < types \u{4}
        > send \"\\r\\nGoodbye.\\r\\n\"
        > drain
        < drained
        {HANG_UP}
        * ended c1 user-request
        > send \"ATE1\\r\"
        > release
        > close
        > open
        "
    ));
}

#[test]
fn a_reload_adds_lines_and_removes_them_after_their_call() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    bench.reload(config(&format!("{TOML}{SECOND_LINE}"), LOGIN));
    bench.run("< tick\n* reloaded 2\n> 1: open");
    bench.ready(LineId(1), false);
    bench.run("< 1: says RING\n> 1: claim\n< 1: claimed\n* rang c1\n> 1: send \"ATA\\r\"");
    bench.run("< 1: dcd up\n< 1: says CONNECT\n* connected c1 s1 request");
    bench.reload(config(TOML, LOGIN));
    bench.run(
        r#"
        < tick
        * reloaded 1
        + 100ms
        > 1: send "\r\nalma!login: "
        < 1: dcd down
        > 1: dtr down
        + 500ms
        > 1: dtr up
        * ended c1 lost-carrier
        > 1: release
        > 1: close
        "#,
    );
    assert_eq!(bench.server.lines().count(), 1);
}

#[test]
fn a_line_that_gets_another_name_waits_for_the_call_on_its_port() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    bench.run(AT_PROMPT);
    bench.reload(config(&TOML.replace("\"main\"", "\"first\""), LOGIN));
    bench.run(
        r#"
        < tick
        * reloaded 1
        < dcd down
        > 0: dtr down
        + 500ms
        > 0: dtr up
        * ended c1 lost-carrier
        > 0: release
        > 0: close
        > 1: open
        "#,
    );
}

#[test]
fn a_reload_is_answered_when_the_configuration_has_been_read() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    bench.run(
        "
        < reload
        * operated reload
        > reread
        < config-refused dialback.toml:3:1: unknown key
        * reload-refused 2: dialback.toml:3:1: unknown key
        > reply refused configuration
        < reload
        * operated reload
        > reread
        ",
    );
    bench.reload(config(TOML, LOGIN));
    bench.run("< tick\n* reloaded 1\n> reply done");
}

#[test]
fn a_promise_that_waits_can_be_hurried_and_the_lines_hold_time_is_waited_for() {
    check(&format!(
        r#"{AT_PROMPT}
        < types fixed\r
        > send "fixed\r\n"
        * named fixed
        * dispatched login.config:3 callback
        * promised p1 5551234,5555678 on main by login.config:3
        < hurry 1
        * operated hurry p1
        > reply refused promise
        < durable all
        > send "\r\nThank you. This call ends now; let your modem answer the next one.\r\nWe call you back within 20 seconds.\r\n"
        > drain
        < drained
        {HANG_UP}
        * ended c1 callback
        {READY}
        + 1s
        < hurry 1
        * operated hurry p1
        > reply done
        + 9s
        > claim
        < hurry 1
        * operated hurry p1
        > reply refused promise
        < hurry 7
        * operated hurry p7
        > reply refused promise
        "#
    ));
}

#[test]
fn what_no_exchange_does_is_not_recorded_as_measured() {
    let over = "reply refused hold_time";
    check(&format!(
        r#"
        < qualify main 600000
        * operated qualify main 600000ms
        * qualified main 600000
        > reply done
        < qualify main 600001
        * operated qualify main 600001ms
        > {over}
        < qualify main 18446744073709551615
        * operated qualify main 18446744073709551615ms
        > {over}
        "#
    ));
}

#[test]
fn what_is_not_stored_yet_can_not_be_hurried_whoever_ordered_it() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    bench.happens("callback 5551234");
    let order = Command::Hurry { who: "root".to_owned(), promise: PromiseId(1) };
    bench.server.handle(bench.now, Input::Command(RequestId(2), order));
    let said = std::iter::from_fn(|| bench.server.poll()).find_map(|output| {
        let Output::Reply(_, Reply::Refused { reason, .. }) = output else { return None };
        Some(reason)
    });
    assert_eq!(said.as_deref(), Some("p1: it is not stored yet"));
}
