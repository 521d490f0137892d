//! What a caller may do at the prompt and in a program, and how it ends.

use proto::time::Instant;

use super::{AT_PROMPT, HANG_UP, READY};
use crate::recovery::Restored;
use crate::testing::{Bench, LOGIN, TOML, check, check_with, config};
use crate::vocabulary::{Event, LineId, Now, Wall};

const LOGGED_IN: &str = r#"
        < types mary\r
        > send "mary\r\n"
        * named mary
        * dispatched login.config:5 /bin/login
        > carrier-matters true
        > launch c1 login mary
        < started
        * launched c1 42
"#;

const GONE: &str = r#"
        > carrier-matters false
        * program-exited c1
"#;

const PULSE: &str = r#"
        > dtr down
        + 500ms
        > dtr up
"#;

#[test]
fn every_escape_of_issue_and_prompt_tells_what_is_known() {
    for (escape, told) in [
        ("@", "alma"),
        ("\\s", "Linux"),
        ("\\m", "x86_64"),
        ("\\R", "6.18.0"),
        ("\\V", "#1 SMP"),
        ("\\Y", "5557777"),
        ("\\I", "33600"),
        ("\\L", "main"),
        ("\\P", "main"),
        ("\\S", "115200"),
        // Nobody here counts the users of the whole system.
        ("\\N", ""),
        ("\\U", ""),
        ("\\D", "1/15/2027"),
        ("\\T", "09:30:00"),
        ("\\C", "Fri Jan 15 09:30:00 2027"),
    ] {
        let mut config = config(TOML, LOGIN);
        config.login.issue = format!("<{escape}>\n");
        config.login.prompt = format!("{escape} login: ");
        let wall = Wall { unix_ms: 1_800_000_000_000, offset_s: 5_400 };
        let now = Now { at: Instant::from_millis(1), wall };
        let mut bench = Bench::new(config, Restored::default(), now);
        bench.ready(LineId(0), false);
        bench.run(&format!(
            r#"
            < types \r\nRING\r\n\r\nNMBR = 5557777\r\n
            > claim
            * rang c1 5557777
            < claimed
            > send "ATA\r"
            < dcd up
            < says CONNECT 33600
            * connected c1 s1 request 33600
            + 100ms
            > send "<{told}>\r\n{told} login: "
            "#
        ));
    }
}

#[test]
fn an_unknown_name_is_asked_again_and_never_falls_open() {
    let unknown = r#"
        < types bob\r
        > send "bob\r\n"
        * named bob
        > send "\r\nThere is no service of this name.\r\n"
    "#;
    let again = r#"> send "\r\nalma!login: ""#;
    check(&format!(
        "{AT_PROMPT}
        {unknown}
        {again}
        {unknown}
        {again}
        {unknown}
        > drain
        < drained
        {HANG_UP}
        * ended c1 service-unavailable
        {READY}
        "
    ));
}

#[test]
fn finding_15_the_login_prompt_has_a_time_limit() {
    check_with(
        config(
            &TOML.replace("quiet  = \"100ms\"", "quiet = \"100ms\"\ntime_limit = \"60s\""),
            LOGIN,
        ),
        &format!(
            "{AT_PROMPT}
            + 59899ms
            + 1ms
            > send \"\\r\\nGoodbye.\\r\\n\"
            > drain
            < drained
            {HANG_UP}
            * ended c1 idle-timeout
        > send \"ATE0\\r\"
            "
        ),
    );
}

#[test]
fn a_caller_may_say_good_bye_with_control_d() {
    check(&format!(
        "{AT_PROMPT}
        < types \u{4}
        > send \"\\r\\nGoodbye.\\r\\n\"
        > drain
        < drained
        {HANG_UP}
        * ended c1 user-request
        > send \"ATE0\\r\"
        "
    ));
}

#[test]
fn what_is_typed_ahead_of_the_program_goes_to_it() {
    check(&format!(
        "{AT_PROMPT}
        < types mary\\rsecret\\r
        > send \"mary\\r\\n\"
        * named mary
        * dispatched login.config:5 /bin/login
        > carrier-matters true
        > launch c1 login mary
        < types more\\r
        > program c1 \"more\\r\"
        "
    ));
}

#[test]
fn a_program_that_ends_well_ends_the_call_for_the_user_and_badly_for_the_service() {
    for (end, cause) in [
        ("exits 0", "user-request"),
        ("exits 1", "lost-service"),
        ("dies 11", "lost-service"),
        ("dies 1", "lost-carrier"),
    ] {
        check(&format!(
            "{AT_PROMPT}{LOGGED_IN}
            < {end}
            {GONE}
            > drain
            < drained
            {HANG_UP}
            * ended c1 {cause}
            {READY}
            "
        ));
    }
}

#[test]
fn finding_19_a_carrier_lost_in_a_program_hangs_it_up_and_ends_the_call() {
    check(&format!(
        "{AT_PROMPT}{LOGGED_IN}
        < dcd down
        > sighup c1
        < dies 1
        {GONE}
        {PULSE}
        * ended c1 lost-carrier
        {READY}
        "
    ));
}

#[test]
fn a_program_that_ignores_the_hang_up_is_killed_and_one_that_cannot_die_is_left() {
    check(&format!(
        "{AT_PROMPT}{LOGGED_IN}
        < dcd down
        > sighup c1
        < writes still here
        + 5s
        > sigkill c1
        + 5s
        > carrier-matters false
        {PULSE}
        * ended c1 lost-carrier
        {READY}
        < exits 0
        "
    ));
}

#[test]
fn a_program_that_cannot_be_started_is_told_to_the_caller() {
    check(&format!(
        "{AT_PROMPT}
        < types mary\\r
        > send \"mary\\r\\n\"
        * named mary
        * dispatched login.config:5 /bin/login
        > carrier-matters true
        > launch c1 login mary
        < failed /bin/login: no such file
        > carrier-matters false
        * launch-failed /bin/login: /bin/login: no such file
        > send \"\\r\\nThe service could not be started; please tell its owner.\\r\\n\"
        > drain
        < drained
        {HANG_UP}
        * ended c1 nas-error
        > send \"ATE0\\r\"
        "
    ));
}

#[test]
fn a_carrier_lost_before_the_program_has_started_ends_it_when_it_has() {
    check(&format!(
        "{AT_PROMPT}
        < types mary\\r
        > send \"mary\\r\\n\"
        * named mary
        * dispatched login.config:5 /bin/login
        > carrier-matters true
        > launch c1 login mary
        < dcd down
        > sighup c1
        < started
        * launched c1 42
        < dies 1
        {GONE}
        {PULSE}
        * ended c1 lost-carrier
        > send \"ATE0\\r\"
        "
    ));
}

#[test]
fn a_port_lost_under_a_program_ends_both() {
    check(&format!(
        "{AT_PROMPT}{LOGGED_IN}
        < lost unplugged
        > sighup c1
        < dies 1
        {GONE}
        * ended c1 port-error
        > release
        * line-faulted 1000: unplugged
        "
    ));
}

#[test]
fn a_flood_at_the_prompt_ends_the_call_and_costs_little() {
    let mut bench = crate::testing::fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    bench.run(AT_PROMPT);
    let line = LineId(0);
    for _ in 0..100 {
        let bytes = crate::vocabulary::PortInput::Bytes(vec![b'#'; 1000]);
        bench.give(crate::vocabulary::Input::Port(line, bytes));
    }
    bench.unseen();
    bench.run(&format!(
        "< drained
        {HANG_UP}
        * ended c1 user-error
        {READY}"
    ));
}

#[test]
fn finding_26_an_odd_name_is_neither_an_option_nor_cut_nor_the_end_of_the_server() {
    let long = "x".repeat(300);
    // What is typed, and the name that is taken; none where he is asked again.
    for (typed, named) in [
        ("-froot", Some("froot")),
        ("   mary", Some("mary")),
        ("- -mary  ", Some("mary")),
        ("ERROR", Some("ERROR")),
        (long.as_str(), None),
        ("NO CARRIER", None),
        // mgetty 1.2.1 took this for `r`.
        ("r\u{80}oot", None),
    ] {
        let mut bench = Bench::new(
            config(TOML, LOGIN),
            Restored::default(),
            Now { at: Instant::from_millis(1), wall: Wall::default() },
        );
        bench.ready(LineId(0), false);
        bench.run(AT_PROMPT);
        bench.happens(&format!("types {typed}\\r"));
        // Behind the words of a modem somebody has to write on, or it was the modem.
        bench.happens("types \\r");
        let told: Vec<&str> = bench
            .journal
            .iter()
            .filter_map(|entry| {
                let Event::Named { name, .. } = &entry.event else { return None };
                Some(name.as_str())
            })
            .collect();
        assert_eq!(told.first().copied(), named, "{typed}");
        let status = bench.server.status(bench.now);
        assert_eq!(status.lines[0].state, "online", "{typed}");
    }
}
