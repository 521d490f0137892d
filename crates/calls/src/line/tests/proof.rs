//! What the registers of the modem prove, and what they give away; and lines of which nothing can be seen.

use crate::testing::{Bench, LOGIN, TOML, config, fresh};

/// A line that is set up, read back, and whose secret is 129.
fn ready(prefix: &str, opened: &str) -> Bench {
    let toml = TOML.replace("read_back = false", "read_back = true");
    let toml = toml.replace("dial_prefix = \"ATDT\"", &format!("dial_prefix = \"{prefix}\""));
    let mut bench = fresh(config(&toml, LOGIN));
    let (no_echo, escape) = match opened {
        "opened bare" => ("> send \"ATE0\\r\"\n< says OK\n+ 50ms\n", 43),
        _ => ("", 255),
    };
    bench.run(&format!(
        "
        < {opened}
        > claim
        < claimed
        > send \"ATE0\\r\"
        < says OK
        + 50ms
        {no_echo}
        > send \"ATS0=0S8=129S2={escape}\\r\"
        < says OK
        + 50ms
        > send \"ATS0?S8?S2?\\r\"
        < types \\r\\n000\\r\\n\\r\\n129\\r\\n\\r\\n{escape}\\r\\n\\r\\nOK\\r\\n
        * line-ready main
        > release
        "
    ));
    bench
}

/// A call without DCD, which an operator ends.
const HUNG_UP: &str = r#"
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
        > dtr down
        > reply done
        + 500ms
        > dtr up
        + 1100ms
        > send "+++"
"#;

#[test]
fn dcd_that_never_rose_proves_nothing_and_the_modem_has_to_tell_its_secret() {
    let mut bench = ready("ATDT", "opened");
    bench.run(HUNG_UP);
    bench.run(
        r#"
        + 3s
        > send "\r"
        > send "ATS8?\r"
        < types \r\n129\r\n\r\nOK\r\n
        > send "ATH\r"
        < says OK
        * ended c1 admin-reset
        > send "ATS0?S8?S2?\r"
        "#,
    );
}

#[test]
fn a_caller_who_says_ok_does_not_know_the_secret_and_keeps_the_line_out_of_order_alone() {
    let mut bench = ready("ATDT", "opened");
    bench.run(HUNG_UP);
    bench.run(
        r#"
        + 3s
        > send "\r"
        > send "ATS8?\r"
        < types \r\n007\r\n\r\nOK\r\n
        + 1100ms
        > send "+++"
        + 3s
        > send "\r"
        > send "ATS8?\r"
        < says OK
        * alert hang-up-not-seen
        * ended c1 stuck
        > release
        > close
        * line-faulted 1000: the modem does not hang up: ATH: what answers is not the modem, or it was reset meanwhile
        + 1s
        > open
        < opened
        > claim
        < claimed
        > dtr down
        + 500ms
        > dtr up
        + 1100ms
        > send "+++"
        + 3s
        > send "\r"
        > send "ATS8?\r"
        < types \r\n129\r\n\r\nOK\r\n
        > send "ATH\r"
        < says OK
        > send "ATE0\r"
        < says OK
        + 50ms
        # There may be no wire for DTR: from now on the modem has to listen to the escape.
        > send "ATS0=0S8=222S2=43\r"
        "#,
    );
}

#[test]
fn an_operator_who_has_seen_to_the_modem_resets_the_line() {
    let mut bench = ready("ATDT", "opened");
    bench.run(HUNG_UP);
    for what in ["opened", "claimed"] {
        bench.pass(std::time::Duration::from_secs(30));
        bench.happens(what);
    }
    bench.unseen();
    bench.run("< reset main\n* operated reset main\n> close\n> open\n> reply done\n< opened\n> claim\n< claimed\n> send \"ATE0\\r\"");
}

#[test]
fn on_a_port_without_control_lines_the_modem_tells_its_secret() {
    let mut bench = ready("ATDT", "opened bare");
    bench.run(
        r#"
        < says RING
        > claim
        < claimed
        * rang c1
        > send "ATA\r"
        < says CONNECT 33600
        * connected c1 s1 request 33600
        < hang-up main
        * operated hang-up main
        > drain
        > reply done
        < drained
        + 1100ms
        > send "+++"
        + 1s
        < says OK
        > send "ATS8?\r"
        < types \r\n129\r\n\r\nOK\r\n
        > send "ATH\r"
        < says OK
        * ended c1 admin-reset
        > send "ATS0?S8?S2?\r"
        "#,
    );
}

#[test]
fn a_comma_in_the_dial_string_needs_the_register_for_itself() {
    let mut bench = ready("ATDT0,", "opened");
    bench.run(
        r#"
        < callback 5551234
        * operated callback 5551234
        * promised p1 5551234 on main by operator
        < durable all
        > reply p1
        + 1ms
        > claim
        < claimed
        > send "ATS8=2\r"
        < says OK
        * dialled p1 c1 5551234 on main try 1
        > send "ATDT0,5551234\r"
        "#,
    );
}

/// A call whose carrier rises and falls, and the set-up behind it with a new secret.
const TOLD: &str = r#"
        < says RING
        > claim
        < claimed
        * rang c1
        > send "ATA\r"
        < says CONNECT 33600
        * connected c1 s1 request 33600
        < dcd up
        < dcd down
        > dtr down
        + 500ms
        > dtr up
        * ended c1 lost-carrier
        > send "ATS0?S8?S2?\r"
        < types \r\n000\r\n\r\n129\r\n\r\n255\r\n\r\nOK\r\n
        + 50ms
        > send "ATE0\r"
        < says OK
        + 50ms
        > send "ATS0=0S8=222S2=255\r"
        < says OK
        + 50ms
        > send "ATS0?S8?S2?\r"
        "#;

#[test]
fn a_dcd_that_has_told_may_fail_and_then_the_modem_tells_its_secret() {
    let mut bench = ready("ATDT", "opened");
    bench.run(TOLD);
    bench.run(
        r#"
        < types \r\n000\r\n\r\n222\r\n\r\n255\r\n\r\nOK\r\n
        * line-ready main
        > release
        < says RING
        > claim
        < claimed
        * rang c2
        > send "ATA\r"
        < says CONNECT 33600
        * connected c2 s2 request 33600
        < dcd up
        < hang-up main
        * operated hang-up main
        > dtr down
        > reply done
        + 4s
        > dtr up
        + 1100ms
        > send "+++"
        + 3s
        > send "\r"
        > send "ATS8?\r"
        < types \r\n222\r\n\r\nOK\r\n
        > send "ATH\r"
        < says OK
        + 1s
        * carrier-stuck
        * ended c2 admin-reset
        > send "ATS0?S8?S2?\r"
        "#,
    );
}

#[test]
fn a_dcd_that_has_told_outweighs_the_words_of_a_modem_without_a_secret() {
    let mut bench = ready("ATDT", "opened");
    bench.run(TOLD);
    bench.run(
        r#"
        < types \r\n000\r\n\r\nOK\r\n
        * line-ready main
        > release
        < says RING
        > claim
        < claimed
        * rang c2
        > send "ATA\r"
        < says CONNECT 33600
        * connected c2 s2 request 33600
        < dcd up
        < hang-up main
        * operated hang-up main
        > dtr down
        > reply done
        + 4s
        > dtr up
        + 1100ms
        > send "+++"
        + 1s
        < says OK
        > send "ATH\r"
        < says OK
        + 1s
        * alert hang-up-not-seen
        * ended c2 stuck
        > release
        > close
        * line-faulted 1000: the modem does not hang up: DCD stays up, which has told the end of calls here
        + 1s
        > open
        # The caller is there still: nobody sets anything up, whatever he says.
        < opened dcd
        > claim
        < claimed
        > dtr down
        < dcd down
        > dtr up
        > send "ATE0\r"
        "#,
    );
}

#[test]
fn a_modem_that_was_changed_between_two_calls_raises_an_alert_and_is_set_up() {
    let mut bench = ready("ATDT", "opened");
    bench.run(
        r#"
        + 60m
        > claim
        < claimed
        > send "ATS0?S8?S2?\r"
        < types \r\n000\r\n\r\n129\r\n\r\n255\r\n\r\nOK\r\n
        > release
        + 60m
        > claim
        < claimed
        > send "ATS0?S8?S2?\r"
        < types \r\n001\r\n\r\n129\r\n\r\n043\r\n\r\nOK\r\n
        * alert modem-changed
        > send "ATE0\r"
        "#,
    );
}

#[test]
fn a_modem_that_does_not_take_s0_is_told_once() {
    let mut bench = ready("ATDT", "opened");
    let told = |bench: &mut Bench, s0: &str, alert: &str| {
        bench.run(
            "
            < says CONNECT 33600
            > claim
            < claimed
            > dtr down
            < dcd up
            < dcd down
            > dtr up
            > send \"ATS0?S8?S2?\\r\"
            < says OK
            + 50ms
            > send \"ATE0\\r\"
            < says OK
            ",
        );
        bench.pass(std::time::Duration::from_millis(50));
        bench.unseen();
        bench.happens("says OK");
        bench.pass(std::time::Duration::from_millis(50));
        bench.unseen();
        bench.run(&format!(
            "< types \\r\\n{s0}\\r\\n\\r\\nOK\\r\\n\n{alert}\n* line-ready main\n> release"
        ));
    };
    told(&mut bench, "001", "* alert modem-changed");
    told(&mut bench, "001", "");
}
