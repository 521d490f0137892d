//! What a caller may do at the prompt and in a program, and how it ends.

use super::{AT_PROMPT, HANG_UP, READY};
use crate::testing::{LOGIN, TOML, check, check_with, config};

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
        > send \"ATZ\\r\"
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
        > send \"ATZ\\r\"
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
        > send \"ATZ\\r\"
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
        > send \"ATZ\\r\"
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
    bench.ready(crate::vocabulary::LineId(0), false);
    bench.run(AT_PROMPT);
    let line = crate::vocabulary::LineId(0);
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
