//! A line that is measured, when what it hears is not what its own modem says.

use crate::testing::{LOGIN, SECOND_LINE, TOML, check_with, config};

/// Both lines in hand, and the first asked for dial tone; half of a `CONNECT` has come when it is told to hang up.
fn check(timeline: &str) {
    let second = SECOND_LINE.replace("\"both\"", "\"originate\"");
    let two = format!("{}{second}", TOML.replace("hold_time = \"10s\"", "hold_time = \"0s\""));
    check_with(
        config(&two, LOGIN),
        &format!(
            r#"
            < measure main second
            * operated qualify main --with second
            > 0: claim
            > 1: claim
            > reply done
            < 0: claimed
            < 1: claimed
            + 5s
            > 0: send "ATDTW;\r"
            > 1: send "ATDTW;\r"
            {timeline}
            "#
        ),
    );
}

#[test]
fn whoever_says_ok_while_dcd_is_up_is_hung_up_by_dtr() {
    check(
        r#"
        < 0: types \r\nCONN
        < 0: dcd up
        < hang-up main
        * operated hang-up main
        > 0: send "\r"
        > 1: send "\r"
        > reply done
        + 1s
        > 0: send "ATH\r"
        > 1: send "ATH\r"
        < 0: says OK
        > 0: dtr down
        + 1s
        < 0: dcd down
        > 0: dtr up
        > 0: send "ATE0\r"
        "#,
    );
}

#[test]
fn a_modem_that_lets_go_by_itself_after_it_has_said_ok_is_heard() {
    // The second line's modem stays off-hook, which is what holds the first one. If it does not, nothing measured is true.
    check(
        r#"
        < 0: says OK
        < 1: says OK
        > 0: send "\r"
        > 1: send "\r"
        + 1s
        > 0: send "ATH\r"
        > 1: send "ATH\r"
        < 0: says OK
        < 1: says OK
        * measured main: dial tone after 2 s
        + 3s
        * measuring-call second 5550100: caller ID and disconnect signal
        > 1: send "ATDT5550100\r"
        < 0: says RING
        < 0: says RING
        < 0: says RING
        > 0: send "ATA\r"
        < 0: says CONNECT 9600
        < 1: says CONNECT 9600
        > 0: send "470977840073\r"
        > 1: send "728057210435\r"
        < 0: dcd up
        < 1: dcd up
        < 0: types 728057210435
        < 1: types 470977840073
        > 1: dtr down
        < 1: dcd down
        > 1: dtr up
        > 1: send "ATE0\r"
        < 0: dcd down
        > 0: dtr down
        + 2s
        > 0: dtr up
        > 0: send "ATE0\r"
        < 0: says OK
        * line-ready main
        > 0: release
        > 0: claim
        < 1: says OK
        * line-ready second
        > 1: release
        > 1: claim
        < 0: claimed
        < 1: claimed
        * measured main: caller ID not delivered; when its caller hangs up: DCD fell after 0 s
        + 4s
        * measuring-call second 5550100: hold time, 1 s
        > 1: send "ATDT5550100;\r"
        < 1: says OK
        < 0: says RING
        > 0: send "ATH1\r"
        < 0: says OK
        + 1s
        < 1: says NO CARRIER
        > 0: send "\r"
        > 1: send "\r"
        "#,
    );
}
