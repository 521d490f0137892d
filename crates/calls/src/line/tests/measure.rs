//! A line that is measured, when what it hears is not what its own modem says.

use crate::testing::{LOGIN, SECOND_LINE, TOML, check_with, config};

/// Both lines in hand, and the first asked for dial tone; half of a `CONNECT` has come when it is told to hang up.
fn check(timeline: &str) {
    let two = format!("{}{SECOND_LINE}", TOML.replace("hold_time = \"10s\"", "hold_time = \"0s\""));
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
        > reply done
        + 1s
        > 0: send "ATH\r"
        < 0: says OK
        > 0: dtr down
        + 1s
        < 0: dcd down
        > 0: dtr up
        > 0: send "ATE0\r"
        "#,
    );
}
