//! Lines that an operator takes out of service, puts back, or begins anew with.

use super::{AT_PROMPT, READY};
use crate::testing::{Bench, LOGIN, SECOND_LINE, TOML, check, config, fresh};
use crate::vocabulary::{LineId, PortInput};

const OUT: &str = r#"
        < busy-out main
        * operated busy-out main
        * line-busied-out main
        > claim
        > reply done
        < claimed
        > send "ATH1\r"
        < says OK
"#;

#[test]
fn a_busied_out_line_is_off_hook_and_answers_nobody_until_it_is_put_back() {
    check(&format!(
        r#"{OUT}
        < says RING
        + 120m
        < busy-out main
        * operated busy-out main
        > reply refused line
        < restore main
        * operated restore main
        * line-restored main
        > send "\r"
        > reply done
        + 250ms
        > send "ATH\r"
        < says OK
        {READY}
        < restore main
        * operated restore main
        > reply refused line
        "#
    ));
}

#[test]
fn a_line_with_a_call_goes_out_of_service_after_it() {
    check(
        &format!(
            r#"{AT_PROMPT}
        < busy-out main
        * operated busy-out main
        * line-busied-out main
        > reply done
        < dcd down
        > dtr down
        + 500ms
        > dtr up
        * ended c1 lost-carrier
        {READY}
        "#
        )
        .replace("> release", "> release\n> claim\n< claimed\n> send \"ATH1\\r\""),
    );
}

#[test]
fn a_modem_that_cannot_go_off_hook_still_answers_nobody() {
    check(&OUT.replace("< says OK", "< says ERROR\n< says RING\n< says RING\n+ 1m"));
}

#[test]
fn a_busied_out_line_is_on_hook_when_the_server_stops() {
    check(&format!(
        r#"{OUT}
        < stop 10s
        * server-stopping
        > send "\r"
        + 250ms
        > send "ATH\r"
        < says OK
        > release
        > close
        * server-stopped
        > stopped
        "#
    ));
}

#[test]
fn a_line_stays_out_of_service_across_a_restart() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    bench.run(OUT);
    bench.restart(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    assert_eq!(state(&bench), "claiming");
    bench.give(crate::vocabulary::Input::Port(LineId(0), PortInput::Claimed));
    assert_eq!(state(&bench), "busying-out");
}

fn state(bench: &Bench) -> String {
    bench.server.status(bench.now).lines.first().map(|line| line.state.clone()).unwrap_or_default()
}

#[test]
fn a_promise_is_kept_on_another_line_while_one_is_out_of_service() {
    let mut bench = fresh(config(&format!("{TOML}{SECOND_LINE}"), LOGIN));
    bench.ready(LineId(0), false);
    bench.ready(LineId(1), false);
    bench.give(crate::vocabulary::Input::Command(
        crate::vocabulary::RequestId(1),
        crate::vocabulary::Command::BusyOut { who: "root".to_owned(), line: "main".to_owned() },
    ));
    bench.happens("callback 5551234");
    bench.happens("durable all");
    bench.pass(std::time::Duration::from_millis(1));
    let states: Vec<String> =
        bench.server.status(bench.now).lines.iter().map(|line| line.state.clone()).collect();
    assert_eq!(states, ["claiming", "claiming"], "the second line claims its lock to dial");
    let promise = bench.server.status(bench.now).promises.remove(0);
    assert_eq!(promise.line.as_deref(), Some("second"));
}

#[test]
fn a_reset_ends_the_call_and_begins_anew_with_a_faulted_line_at_once() {
    check(
        r#"
        < lost unplugged
        * line-faulted 1000: unplugged
        < reset main
        * operated reset main
        > close
        > open
        > reply done
        "#,
    );
    check(
        r#"
        < reset main
        * operated reset main
        > close
        > open
        > reply done
        < reset nowhere
        * operated reset nowhere
        > reply refused line
        "#,
    );
    check(&format!(
        r#"{AT_PROMPT}
        < reset main
        * operated reset main
        > dtr down
        > reply done
        < dcd down
        > dtr up
        * ended c1 admin-reset
        {READY}
        "#
    ));
}
