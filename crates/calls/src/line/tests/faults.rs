//! Carriers and ports that go at the wrong moment, and modems that do not hang up.

use crate::testing::{LOGIN, TOML, check, config, fresh};
use crate::vocabulary::LineId;

const ONLINE: &str = r#"
        < says RING
        > claim
        < claimed
        * rang c1
        > send "ATA\r"
        < says CONNECT 33600
        * connected c1 s1 request 33600
        < dcd up
        + 100ms
        > send "\r\nalma!login: "
"#;

const READY: &str = r#"
        > send "ATE0\r"
        < says OK
        * line-ready main
        > release
"#;

#[test]
fn a_carrier_lost_at_the_prompt_ends_the_call_with_a_pulse_of_dtr() {
    check(&format!(
        "{ONLINE}
        < dcd down
        > dtr down
        + 500ms
        > dtr up
        * ended c1 lost-carrier
        {READY}"
    ));
}

#[test]
fn finding_18_no_carrier_in_words_just_before_dcd_falls_ends_the_call_once_and_is_no_name() {
    check(&format!(
        "{ONLINE}
        < types \\r\\nNO CARRIER\\r\\n
        > send \"\\r\\n\\r\\nalma!login: NO CARRIER\\r\\n\"
        < dcd down
        > dtr down
        + 500ms
        > dtr up
        * ended c1 lost-carrier
        {READY}"
    ));
}

#[test]
fn a_modem_that_ignores_dtr_is_called_back_with_plus_signs() {
    check(&format!(
        "{ONLINE}
        < hang-up main
        * operated hang-up main
        > dtr down
        > reply done
        + 4s
        > dtr up
        + 1100ms
        > send \"+++\"
        + 1s
        < says OK
        > send \"ATH\\r\"
        < says OK
        < dcd down
        * ended c1 admin-reset
        {READY}"
    ));
}

#[test]
fn a_modem_that_ignores_everything_is_closed_by_force() {
    check(&format!(
        "{ONLINE}
        < hang-up main
        * operated hang-up main
        > dtr down
        > reply done
        + 4s
        > dtr up
        + 1100ms
        > send \"+++\"
        + 3s
        > send \"\\r\"
        > send \"ATH\\r\"
        + 5s
        + 1100ms
        > send \"+++\"
        + 3s
        > send \"\\r\"
        > send \"ATH\\r\"
        + 5s
        * alert hang-up-not-seen
        * ended c1 stuck
        > release
        > close
        * line-faulted 1000: the modem does not hang up: ATH: no answer from the modem within 5s
        + 1s
        > open
        "
    ));
}

#[test]
fn a_port_lost_in_a_call_ends_it_at_once() {
    check(&format!(
        "{ONLINE}
        < lost unplugged
        * ended c1 port-error
        > release
        * line-faulted 1000: unplugged
        "
    ));
}

#[test]
fn a_port_lost_while_it_rings_answers_dials_or_hangs_up_ends_the_call_once() {
    let rings = "< says RING\n> claim\n";
    check(&format!("{rings}< lost x\n* rang c1\n* ended c1 port-error\n* line-faulted 1000: x"));
    let answers = format!("{rings}< claimed\n* rang c1\n> send \"ATA\\r\"\n");
    check(&format!("{answers}< lost x\n* ended c1 port-error\n> release\n* line-faulted 1000: x"));
    check(&format!(
        "{ONLINE}< dcd down\n> dtr down\n< lost x\n* ended c1 lost-carrier\n> release\n* line-faulted 1000: x"
    ));
}

#[test]
fn a_port_without_control_lines_hangs_up_by_commands() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), true);
    bench.run(
        r#"
        < says RING
        > claim
        < claimed
        * rang c1
        > send "ATA\r"
        < says CONNECT 33600
        * connected c1 s1 request 33600
        + 100ms
        > send "\r\nalma!login: "
        < hang-up main
        * operated hang-up main
        > drain
        > reply done
        < drained
        + 1100ms
        > send "+++"
        + 1s
        < says OK
        > send "ATH\r"
        < says OK
        * ended c1 admin-reset
        > send "ATE0\r"
        "#,
    );
}

#[test]
fn a_port_without_control_lines_asks_whether_no_carrier_is_true() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), true);
    let online = r#"
        < says RING
        > claim
        < claimed
        * rang c1
        > send "ATA\r"
        < says CONNECT 33600
        * connected c1 s1 request 33600
        < types \r\nNO CARRIER\r\n
        + 2s
        + 1100ms
        > send "+++"
        + 1s
        < says OK
        + 200ms
        > send "ATO\r"
    "#;
    bench.run(online);
    bench.run(
        r#"
        < types \r\nCONNECT 33600\r\nmary\r
        > send "\r\nalma!login: "
        > send "mary\r\n"
        * named mary
        * dispatched login.config:5 /bin/login
        > carrier-matters true
        > launch c1 login mary
        "#,
    );
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), true);
    bench.run(online);
    bench.run(
        r#"
        < says NO CARRIER
        > drain
        < drained
        + 1100ms
        > send "+++"
        + 1s
        < says OK
        > send "ATH\r"
        < says OK
        * ended c1 lost-carrier
        > send "ATE0\r"
        "#,
    );
}

#[test]
fn behind_no_carrier_a_program_writes_to_nobody_until_it_is_known_who_wrote_that() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), true);
    bench.run(
        r#"
        < says RING
        > claim
        < claimed
        * rang c1
        > send "ATA\r"
        < says CONNECT 33600
        * connected c1 s1 request 33600
        + 100ms
        > send "\r\nalma!login: "
        < types mary\r
        > send "mary\r\n"
        * named mary
        * dispatched login.config:5 /bin/login
        > carrier-matters true
        > launch c1 login mary
        < started
        * launched c1 42
        < types \r\nNO CARRIER\r\n
        > program c1 "\r\nNO CARRIER\r"
        < writes ATDT0900555\r\n
        + 100ms
        < types said the caller\r
        > send "ATDT0900555\r\n"
        > program c1 "\nsaid the caller\r"
        "#,
    );
}

#[test]
fn a_ring_behind_no_carrier_is_the_next_call_and_not_a_name() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), true);
    bench.run(
        r#"
        < says RING
        > claim
        < claimed
        * rang c1
        > send "ATA\r"
        < says CONNECT 33600
        * connected c1 s1 request 33600
        + 100ms
        > send "\r\nalma!login: "
        < types \r\nNO CARRIER\r\n\r\nRING\r\n
        + 1100ms
        > send "+++"
        + 1s
        < says OK
        + 200ms
        > send "ATO\r"
        < says NO CARRIER
        > drain
        < drained
        + 1100ms
        > send "+++"
        + 1s
        < says OK
        > send "ATH\r"
        < says OK
        * ended c1 lost-carrier
        > send "ATE0\r"
        "#,
    );
}
