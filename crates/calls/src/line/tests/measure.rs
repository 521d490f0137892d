//! A line that is measured: what it does with whatever comes in between, phase by phase, and with what its own modem has not said.

use crate::testing::{LOGIN, SECOND_LINE, TOML, check_with, config, fresh};
use crate::vocabulary::LineId;

/// Both lines are being taken.
const TAKEN: &str = r#"
    < measure main second
    * operated qualify main --with second
    > 0: claim
    > 1: claim
    > reply done
"#;

/// Both are in hand, on-hook.
const REST: &str = r#"
    < 0: claimed
    < 1: claimed
"#;

/// Both are asked for dial tone.
const ASKED: &str = r#"
    < 0: claimed
    < 1: claimed
    + 5s
    > 0: send "ATDTW;\r"
    > 1: send "ATDTW;\r"
"#;

/// The first one has it, and stays off-hook.
const OFF_HOOK: &str = r#"
    < 0: says OK
"#;

/// Both have it, and are on their way on-hook.
const HANGING: &str = r#"
    < 1: says OK
    > 0: send "\r"
    > 1: send "\r"
"#;

/// They are on-hook, and the second one is to call the first.
const CALLING: &str = r#"
    + 1s
    > 0: send "ATH\r"
    > 1: send "ATH\r"
    < 0: says OK
    < 1: says OK
    * measured main: dial tone after 2 s
    + 3s
    * measuring-call second 5550100: caller ID and disconnect signal
"#;

/// It has called, and the first one's modem has connected.
const ONLINE: &str = r#"
    > 1: send "ATDT5550100\r"
    < 0: says RING
    < 0: says RING
    < 0: says RING
    > 0: send "ATA\r"
    < 0: says CONNECT 9600
    < 0: dcd up
"#;

/// The second line's modem, which was asked something, is hung up as well.
const THE_OTHER: &str = r#"
    > 1: send "\r"
"#;

/// What happens then, in a phase of the first line.
fn check_in(phase: &[&str], timeline: &str) {
    let second = SECOND_LINE.replace("\"both\"", "\"originate\"");
    let two = format!("{}{second}", TOML.replace("hold_time = \"10s\"", "hold_time = \"0s\""));
    check_with(config(&two, LOGIN), &format!("{TAKEN}{}{timeline}", phase.concat()));
}

/// The same with both lines asked for dial tone.
fn check(timeline: &str) {
    check_in(&[ASKED], timeline);
}

#[test]
fn a_ring_where_nobody_of_ours_calls_ends_it_and_the_caller_is_answered() {
    let rang = "somebody rang line main meanwhile: both lines take calls again; begin anew when it is quiet";
    let answered = r#"
        < 0: says OK
        * line-ready main
        > 0: release
        < 0: says RING
        > 0: claim
        < 0: claimed
        * rang c1
        > 0: send "ATA\r"
    "#;
    check_in(
        &[REST],
        &format!(
            r#"
            < 0: says RING
            * not-qualified main: {rang}
            > 0: send "ATE0\r"
            > 1: send "ATE0\r"
            {answered}
            "#
        ),
    );
    for phase in [&[ASKED] as &[&str], &[ASKED, OFF_HOOK]] {
        check_in(
            phase,
            &format!(
                r#"
                < 0: says RING
                > 0: send "\r"
                > 1: send "\r"
                + 1s
                > 0: send "ATH\r"
                > 1: send "ATH\r"
                < 0: says OK
                < 1: says OK
                * not-qualified main: {rang}
                > 0: send "ATE0\r"
                > 1: send "ATE0\r"
                {answered}
                "#
            ),
        );
    }
}

#[test]
fn a_ring_while_it_goes_on_hook_is_heard_when_it_rings_again() {
    check_in(
        &[ASKED, OFF_HOOK, HANGING],
        r#"
        < 0: says RING
        + 1s
        > 0: send "ATH\r"
        > 1: send "ATH\r"
        < 0: says OK
        < 1: says OK
        * measured main: dial tone after 2 s
        < 0: says RING
        * not-qualified main: somebody rang line main meanwhile: both lines take calls again; begin anew when it is quiet
        > 0: send "ATE0\r"
        > 1: send "ATE0\r"
        "#,
    );
}

#[test]
fn a_modem_that_connects_where_it_was_not_to_is_hung_up_as_after_a_call() {
    let hung_up = r#"
        < 0: dcd up
        < 0: dcd down
        > 0: dtr up
        > 0: send "ATE0\r"
    "#;
    check_in(
        &[REST],
        &format!(
            r#"
            < 0: says CONNECT 2400
            * not-qualified main: a modem that is none of ours was on line main; it got nothing: begin anew when it is quiet
            > 0: dtr down
            > 1: send "ATE0\r"
            {hung_up}
            "#
        ),
    );
    for phase in [&[ASKED] as &[&str], &[ASKED, OFF_HOOK]] {
        check_in(phase, &format!("< 0: says CONNECT 2400\n> 0: dtr down\n{THE_OTHER}{hung_up}"));
    }
    check_in(
        &[ASKED, OFF_HOOK, HANGING],
        &format!("< 0: says CONNECT 2400\n> 0: dtr down\n{hung_up}"),
    );
}

#[test]
fn a_port_that_is_lost_in_any_phase_ends_it_and_the_other_line_goes_on_hook_first() {
    let lost = r#"
        < 0: lost unplugged
        > 0: release
        * line-faulted 1000: unplugged
    "#;
    let ended = r#"
        * not-qualified main: line main: unplugged
        > 1: send "ATE0\r"
        < 1: says OK
        * line-ready second
        > 1: release
    "#;
    let on_hook = r#"
        + 500ms
        > 1: send "ATH\r"
        < 1: says OK
    "#;
    check_in(&[REST], &format!("{lost}{ended}"));
    check_in(&[ASKED], &format!("{lost}{THE_OTHER}{on_hook}{ended}"));
    check_in(&[ASKED, OFF_HOOK], &format!("{lost}{THE_OTHER}{on_hook}{ended}"));
    check_in(&[ASKED, OFF_HOOK, HANGING], &format!("{lost}{on_hook}{ended}"));
    // The call was up, and is paid for.
    let paid = "* measured main: the call is given up\n";
    check_in(
        &[ASKED, OFF_HOOK, HANGING, CALLING, ONLINE],
        &format!("{lost}{THE_OTHER}{on_hook}{paid}{ended}"),
    );
}

#[test]
fn a_lock_that_is_not_given_ends_it_before_anything_is_dialled() {
    check_in(
        &[],
        r#"
        < 0: taken minicom
        > 0: close
        * line-lent minicom
        < 1: claimed
        * not-qualified main: line main: it is lent to minicom
        > 1: send "ATE0\r"
        "#,
    );
    check_in(
        &[],
        r#"
        < 0: claimed
        < 1: lost unplugged
        * line-faulted 1000: unplugged
        * not-qualified main: line second: unplugged
        > 0: send "ATE0\r"
        "#,
    );
    check_in(
        &[],
        r#"
        < 1: claimed
        + 30s
        > 0: close
        * line-faulted 1000: the lock directory does not answer
        * not-qualified main: line main: the lock directory does not answer
        > 1: send "ATE0\r"
        "#,
    );
}

#[test]
fn a_caller_in_the_moment_of_the_claim_is_answered() {
    check_in(
        &[],
        r#"
        < 0: says RING
        < 0: claimed
        * rang c1
        > 0: send "ATA\r"
        < 1: claimed
        * not-qualified main: line main: a call came in
        > 1: send "ATE0\r"
        < 0: says CONNECT 33600
        * connected c1 s1 request 33600
        "#,
    );
}

#[test]
fn an_operator_who_hangs_up_ends_it_in_any_phase_when_both_are_on_hook() {
    let told = "* not-qualified main: an operator has hung up\n> 0: send \"ATE0\\r\"\n> 1: send \"ATE0\\r\"\n";
    let hang_up = "< hang-up main\n* operated hang-up main\n";
    let asked = r#"
        > 0: send "\r"
        > 1: send "\r"
        > reply done
    "#;
    let on_hook = r#"
        + 500ms
        > 0: send "ATH\r"
        > 1: send "ATH\r"
        < 0: says OK
        < 1: says OK
    "#;
    check_in(&[], &format!("{hang_up}> reply done\n{REST}{told}"));
    check_in(&[REST], &format!("{hang_up}{told}> reply done\n"));
    check_in(&[ASKED], &format!("{hang_up}{asked}{on_hook}{told}"));
    check_in(&[ASKED, OFF_HOOK], &format!("{hang_up}{asked}{on_hook}{told}"));
    check_in(&[ASKED, OFF_HOOK, HANGING], &format!("{hang_up}> reply done\n{on_hook}{told}"));
    check_in(
        &[ASKED, OFF_HOOK, HANGING, CALLING, ONLINE],
        &format!(
            r#"
            {hang_up}
            > 0: dtr down
            > 1: send "\r"
            > reply done
            + 500ms
            > 1: send "ATH\r"
            < 1: says OK
            < 0: dcd down
            > 0: dtr up
            > 0: send "ATE0\r"
            < 0: says OK
            * line-ready main
            > 0: release
            > 0: claim
            < 0: claimed
            * measured main: the call is given up
            * not-qualified main: an operator has hung up
            > 0: send "ATE0\r"
            > 1: send "ATE0\r"
            "#
        ),
    );
}

#[test]
fn a_modem_that_says_nothing_any_more_is_out_of_order_and_the_other_line_is_back() {
    check(
        r#"
        < 1: says OK
        + 21s
        > 0: send "\r"
        > 1: send "\r"
        > 0: send "ATH\r"
        > 1: send "ATH\r"
        < 1: says OK
        + 36s
        > 0: send "ATH\r"
        > 0: send "\x10\x03"
        > 0: send "+++"
        > 0: send "\rATQ0V1H0\r"
        > 0: dtr down
        > 0: dtr up
        > 0: send "+++"
        > 0: send "\r"
        > 0: send "ATH\r"
        > 0: send "+++"
        > 0: send "\r"
        > 0: send "ATH\r"
        > 0: release
        > 0: close
        * line-faulted 1000: the modem does not hang up: ATH: no answer from the modem within 5s
        * not-qualified main: line main has no dial tone although nobody is on it: see to its socket; behind a private exchange whose tone the modem does not know, record by hand what you measure with a telephone (--held)
        > 1: send "ATE0\r"
        > 0: open
        < 1: says OK
        * line-ready second
        > 1: release
        "#,
    );
}

#[test]
fn what_comes_while_a_modem_gives_up_its_secret_before_it_dials_is_seen_to() {
    let second = SECOND_LINE
        .replace("\"both\"", "\"originate\"")
        .replace("read_back = false", "read_back = true")
        .replace("dial_prefix = \"ATDT\"", "dial_prefix = \"ATDT0,\"");
    let two = format!("{}{second}", TOML.replace("hold_time = \"10s\"", "hold_time = \"0s\""));
    let preparing = r#"
        < 1: opened
        > 1: claim
        < 1: claimed
        > 1: send "ATE0\r"
        < 1: says OK
        + 50ms
        > 1: send "ATS0=0S8=129S2=255\r"
        < 1: says OK
        + 50ms
        > 1: send "ATS0?S8?S2?\r"
        < 1: types \r\n000\r\n\r\n129\r\n\r\n255\r\n\r\nOK\r\n
    "#;
    let check = |then: &str| {
        let mut bench = fresh(config(&two, LOGIN));
        bench.ready(LineId(0), false);
        let ready = "* line-ready second\n> 1: release\n";
        let begun = [TAKEN, ASKED, OFF_HOOK, HANGING, CALLING, "> 1: send \"ATS8=2\\r\"\n"];
        bench.run(&format!("{preparing}{ready}{}{then}", begun.concat()));
    };
    check(
        r#"
        < 1: says OK
        > 1: send "ATDT0,5550100\r"
        "#,
    );
    check(
        r#"
        < 1: lost unplugged
        > 1: release
        * line-faulted 1000: unplugged
        * measured main: the call is given up
        * not-qualified main: line second: unplugged
        > 0: send "ATE0\r"
        "#,
    );
    check(
        r#"
        < 1: says RING
        > 1: send "\r"
        + 500ms
        > 1: send "ATH\r"
        < 1: says OK
        * measured main: the call is given up
        * not-qualified main: somebody rang line second meanwhile: both lines take calls again; begin anew when it is quiet
        > 0: send "ATE0\r"
        > 1: send "ATS0?S8?S2?\r"
        "#,
    );
    check(
        r#"
        < hang-up main
        * operated hang-up main
        > 1: send "\r"
        > reply done
        + 500ms
        > 1: send "ATH\r"
        < 1: says OK
        * measured main: the call is given up
        * not-qualified main: an operator has hung up
        > 0: send "ATE0\r"
        > 1: send "ATS0?S8?S2?\r"
        "#,
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
