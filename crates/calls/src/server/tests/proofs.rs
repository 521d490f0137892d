//! Callers at the prompt who prove their names before they are called back: by password, by one-time code.

use super::{AT_PROMPT, HANG_UP, READY};
use crate::config::Config;
use crate::policy::totp;
use crate::recovery;
use crate::testing::{Bench, LOGIN, TOML, check_with, config, fresh};
use crate::vocabulary::LineId;

/// What verifies is the timeline's business; the hash only has to be one.
pub(super) const HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c2l4dGVlbiBvY3RldHM$OjW5mXMPPzx8Mc8K7HcVmHRtlZ6yBvxh5LxrVvqJqXY";
const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Zoe has a stored number; Yan may type one; Xena has no password. All names ask for a callback.
fn with(authenticate: &str) -> Config {
    let users = format!(
        "[[user]]\nname = \"zoe\"\naliases = [\"zoe-cb\"]\nsecret = \"{HASH}\"\ntotp = \"{KEY}\"\n\
         callback = {{ numbers = [\"5550142\"] }}\n\
         [[user]]\nname = \"yan\"\nsecret = \"{HASH}\"\n\
         callback = {{ offer = \"caller\", allow = [\"777*\"], numbers = [\"5550143\"] }}\n\
         [[user]]\nname = \"xena\"\ncallback = {{ numbers = [\"5550144\"] }}\n"
    );
    let toml =
        TOML.replace("per_user = 2", &format!("per_user = 2\nauthenticate = \"{authenticate}\"\n"));
    let names = ["zoe", "zoe-cb", "yan", "xena", "nobody"];
    let entries: String =
        names.iter().map(|name| format!("{name} N - - /usr/sbin/callback -S\n")).collect();
    let login = LOGIN.replacen("mary ", &format!("{entries}mary "), 1);
    config(&format!("{toml}{users}"), &login)
}

fn named(name: &str, line: u32) -> String {
    format!(
        r#"{AT_PROMPT}
        < types {name}\r
        > send "{name}\r\n"
        * named {name}
        * dispatched login.config:{line} callback
        "#
    )
}

fn typed(line: u32, name: &str, answer: &str) -> String {
    format!(
        r#"{}
        > send "Password: "
        < types secret\r
        > send "\r\n"
        > verify c1 1
        < verified 1 {answer}
        + 500ms
        "#,
        named(name, line)
    )
}

const PROMPTED_AGAIN: &str = r#"> send "\r\nThis was not right; please try once more.\r\n"
        > send "\r\nalma!login: ""#;

#[test]
fn a_password_proves_the_name_and_the_stored_number_is_called() {
    for (name, line) in [("zoe", 5), ("zoe-cb", 6)] {
        check_with(
            with("password"),
            &format!(
                r#"{}
                * proved zoe password
                * promised p1 5550142 on main by user zoe
                "#,
                typed(line, name, "right")
            ),
        );
    }
}

#[test]
fn whoever_may_choose_is_asked_for_the_number_once_the_name_is_proved() {
    for (number, end) in [
        ("7771234", "* promised p1 7771234 on main by user.allow \"777*\""),
        ("555-0143", "* promised p1 5550143 on main by user yan"),
        (
            "5551234",
            "* refused user.allow 5551234\n                \
             > send \"\\r\\nThis number cannot be called back from here. Goodbye.\\r\\n\"\n                \
             > drain",
        ),
    ] {
        check_with(
            with("password"),
            &format!(
                r#"{}
                * proved yan password
                > send "Telephone number for callback: "
                < types {number}\r
                > send "{number}\r\n"
                {end}
                "#,
                typed(7, "yan", "right")
            ),
        );
    }
}

#[test]
fn a_wrong_password_and_a_name_without_one_are_told_the_same() {
    // The world says right for nobody's hash: that must not help.
    for (name, line, answer) in
        [("zoe", 5, "wrong"), ("xena", 8, "right"), ("nobody", 9, "right"), ("nobody", 9, "wrong")]
    {
        check_with(
            with("password"),
            &format!(
                r#"{}
                * not-proved {name}: wrong password
                {PROMPTED_AGAIN}
                "#,
                typed(line, name, answer)
            ),
        );
    }
}

#[test]
fn an_answer_that_comes_too_late_or_to_another_question_lets_nobody_in() {
    check_with(
        with("password"),
        &format!(
            r#"{}
            > send "Password: "
            < types secret\r
            > send "\r\n"
            > verify c1 1
            < verified 2 right
            + 30s
            * not-proved zoe: verifying the password took too long
            > send "\r\nWe cannot call you back now; please try again soon.\r\n"
            > drain
            < verified 1 right
            "#,
            named("zoe", 5)
        ),
    );
}

#[test]
fn what_is_typed_while_a_password_is_verified_answers_the_next_question() {
    check_with(
        with("password"),
        &format!(
            r#"{}
            > send "Password: "
            < types secret\r
            > send "\r\n"
            > verify c1 1
            < types 7771234\r
            < verified 1 right
            + 500ms
            * proved yan password
            > send "Telephone number for callback: "
            > send "7771234\r\n"
            * promised p1 7771234 on main by user.allow "777*"
            "#,
            named("yan", 7)
        ),
    );
}

/// The code of the instant at which the timeline's caller types it.
fn code_after(steps: i64) -> String {
    let start = fresh(with("totp")).now.wall.unix_ms;
    totp::code_at(&totp::key(KEY).expect("a key"), start + steps * 1000 * totp::STEP)
}

#[test]
fn a_one_time_code_proves_the_name_once() {
    let (code, stale) = (code_after(0), code_after(-3));
    let asked = |code: &str, spent: &str| {
        format!(
            r#"> send "Code: "
            < types {code}\r
            > send "{code}\r\n"
            {spent}
            + 500ms
            "#
        )
    };
    let mut bench = fresh(with("totp"));
    bench.ready(LineId(0), false);
    bench.run(&format!(
        r#"{}
        {}
        * not-proved zoe: not the code of now
        {PROMPTED_AGAIN}
        < types zoe\r
        > send "zoe\r\n"
        * named zoe
        * dispatched login.config:5 callback
        {}
        * proved zoe totp
        * promised p1 5550142 on main by user zoe
        "#,
        named("zoe", 5),
        asked(&stale, ""),
        asked(&code, "* code-spent zoe"),
    ));
    // After a crash, with the journal as it was: whoever watched him typing comes too late.
    let restored = recovery::fold(&bench.journal);
    assert_eq!(restored.codes.last("zoe"), Some(bench.now.wall.unix_ms / 1000 / totp::STEP));
    let mut again =
        Bench::new(with("totp"), recovery::Restored { open: Vec::new(), ..restored }, bench.now);
    again.unseen();
    again.ready(LineId(0), false);
    again.run(&format!(
        r#"{}
        {}
        * not-proved zoe: a code that was used before
        {PROMPTED_AGAIN}
        "#,
        named("zoe", 5).replace("c1", "c2").replace("s1", "s2"),
        asked(&code, ""),
    ));
}

#[test]
fn both_are_asked_for_whatever_the_first_was_and_the_end_does_not_tell_which_was_wrong() {
    let code = code_after(0);
    for (answer, typed_code, end) in [
        ("right", code.as_str(), "* proved zoe password+totp"),
        ("right", "000000", "* not-proved zoe: not the code of now"),
        ("wrong", code.as_str(), "* not-proved zoe: wrong password"),
    ] {
        let then = match end.starts_with("* proved") {
            true => "* promised p1 5550142 on main by user zoe",
            false => PROMPTED_AGAIN,
        };
        let spent = if typed_code == code { "* code-spent zoe" } else { "" };
        check_with(
            with("password+totp"),
            &format!(
                r#"{}
                > send "Code: "
                < types {typed_code}\r
                > send "{typed_code}\r\n"
                {spent}
                + 500ms
                {end}
                {then}
                "#,
                typed(5, "zoe", answer)
            ),
        );
    }
}

#[test]
fn a_right_code_beside_a_wrong_password_is_spent() {
    let code = code_after(0);
    let asks = format!(
        r#"> send "Code: "
        < types {code}\r
        > send "{code}\r\n""#
    );
    let mut bench = fresh(with("password+totp"));
    bench.ready(LineId(0), false);
    bench.run(&format!(
        r#"{}
        {asks}
        * code-spent zoe
        + 500ms
        * not-proved zoe: wrong password
        {PROMPTED_AGAIN}
        < types zoe-cb\r
        > send "zoe-cb\r\n"
        * named zoe-cb
        * dispatched login.config:6 callback
        > send "Password: "
        < types secret\r
        > send "\r\n"
        > verify c1 2
        < verified 2 right
        + 500ms
        {asks}
        + 500ms
        * not-proved zoe-cb: a code that was used before
        {PROMPTED_AGAIN}
        "#,
        typed(5, "zoe", "wrong"),
    ));
}

#[test]
fn a_right_code_is_spent_when_it_is_typed_and_not_when_it_is_answered() {
    let code = code_after(0);
    let asks = format!(
        r#"> send "Code: "
        < types {code}\r
        > send "{code}\r\n"
        * code-spent zoe"#
    );
    // He goes before he is told anything, or the server is killed: whoever watched him typing comes too late.
    let mut bench = fresh(with("totp"));
    bench.ready(LineId(0), false);
    bench.run(&format!("{}\n{asks}", named("zoe", 5)));
    let restored = recovery::fold(&bench.journal);
    assert_eq!(restored.codes.last("zoe"), Some(bench.now.wall.unix_ms / 1000 / totp::STEP));
    let mut again =
        Bench::new(with("totp"), recovery::Restored { open: Vec::new(), ..restored }, bench.now);
    again.unseen();
    again.ready(LineId(0), false);
    again.run(&format!(
        r#"{}
        > send "Code: "
        < types {code}\r
        > send "{code}\r\n"
        + 500ms
        * not-proved zoe: a code that was used before
        {PROMPTED_AGAIN}
        "#,
        named("zoe", 5).replace("c1", "c2").replace("s1", "s2"),
    ));
}

#[test]
fn every_name_that_comes_in_is_asked_the_same_and_told_the_same() {
    // Names of callbacks, of programs, of nobody, of somebody who is not served, a trap.
    let users = "[[user]]\nname = \"wim\"\ndisabled = true\nsecret = \"HASH\"\n\
                 [[user]]\nname = \"vera\"\ntrap = true\nsecret = \"HASH\"\n";
    let mut config = with("password");
    let more = crate::testing::config(&format!("{TOML}{}", users.replace("HASH", HASH)), LOGIN);
    config.users.extend(more.users.iter().filter(|user| user.trap || user.disabled).cloned());
    for (name, events) in [
        ("zoe", "* dispatched login.config:5 callback"),
        ("xena", "* dispatched login.config:8 callback"),
        ("mary", "* dispatched login.config:10 /bin/login"),
        ("neither", ""),
        ("wim", ""),
        ("vera", "* alert trap-name"),
    ] {
        for answer in ["wrong", "right"] {
            let why = match (name, answer) {
                ("zoe", "right") => continue,
                ("wim" | "vera", _) => "the user is not served",
                _ => "wrong password",
            };
            check_with(
                config.clone(),
                &format!(
                    r#"{AT_PROMPT}
                    < types {name}\r
                    > send "{name}\r\n"
                    * named {name}
                    {events}
                    > send "Password: "
                    < types secret\r
                    > send "\r\n"
                    > verify c1 1
                    + 100ms
                    < verified 1 {answer}
                    + 399ms
                    + 1ms
                    * not-proved {name}: {why}
                    {PROMPTED_AGAIN}
                    "#
                ),
            );
        }
    }
}

#[test]
fn without_a_proof_demanded_the_name_is_all_as_scripts_of_mgetty_expect() {
    check_with(
        with("none"),
        &format!(
            r#"{}
            * promised p1 5550142 on main by user zoe
            "#,
            named("zoe", 5)
        ),
    );
}

/// Zoe proves her name by a one-time code, and once more by the next one where she is called back.
fn called_back(bench: &mut Bench, code: &str) {
    bench.ready(LineId(0), false);
    bench.run(&format!(
        r#"{}
        > send "Code: "
        < types {code}\r
        > send "{code}\r\n"
        * code-spent zoe
        + 500ms
        * proved zoe totp
        * promised p1 5550142 on main by user zoe
        < durable all
        > send "\r\nThank you. This call ends now; let your modem answer the next one.\r\nWe call you back within 20 seconds.\r\n"
        > drain
        < drained
        {HANG_UP}
        * ended c1 callback
        {READY}
        + 20s
        > claim
        < claimed
        * dialled p1 c2 5550142 on main try 1
        > send "ATDT5550142\r"
        < dcd up
        < says CONNECT
        * connected c2 s1 return
        * kept p1 c2
        < durable all
        + 100ms
        > send "\r\nalma!login: "
        "#,
        named("zoe", 5)
    ));
}

const GONE: &str = r#"> send "\r\nThis is not known here; please try once more.\r\n"
        > drain
        < drained
        * stranger 5550142: he could not say who he is
        * alert stranger-answered
        > dtr down
        "#;

/// A name and a code, on the return call.
fn says(name: &str, code: &str) -> String {
    format!(
        r#"< types {name}\r
        > send "{name}\r\n"
        * named {name}
        > send "Code: "
        < types {code}\r
        > send "{code}\r\n"
        "#
    )
}

#[test]
fn a_one_time_code_is_asked_for_on_the_return_call_and_the_one_of_the_first_call_does_not_count() {
    let mut config = with("totp");
    for user in &mut config.users {
        user.return_proof = Some(crate::config::ReturnProof::Totp);
        user.return_names = vec!["mary".to_owned()];
    }
    let (first, next) = (code_after(0), code_after(1));
    let again = r#"> send "\r\nThis is not known here; please try once more.\r\n"
        > send "\r\nalma!login: "
        "#;
    let mut bench = fresh(config.clone());
    called_back(&mut bench, &first);
    bench.run(&format!(
        r#"{}
        * not-proved zoe: a code that was used before
        {again}
        {}
        * proved zoe totp
        * recognised mary at 5550142
        * dispatched login.config:10 /bin/login
        > carrier-matters true
        > launch c2 login mary
        "#,
        says("mary", &first),
        says("mary", &next),
    ));
    // The right code under a wrong name tells neither, and is spent.
    let mut bench = fresh(config.clone());
    called_back(&mut bench, &first);
    bench.run(&format!(
        r#"{}
        * not-proved zoe: not a name for this call
        {again}
        {}
        * not-proved zoe: a code that was used before
        {again}
        "#,
        says("nobody", &next),
        says("mary", &next),
    ));
    let step = bench.now.wall.unix_ms / 1000 / totp::STEP;
    assert!(recovery::fold(&bench.journal).codes.last("zoe") > Some(step), "also after a crash");
    // Three wrong ones, and whoever answers is a stranger.
    let mut bench = fresh(config);
    called_back(&mut bench, &first);
    let wrong = "* not-proved zoe: not the code of now";
    let said = says("mary", "000000");
    bench.run(&format!("{said}{wrong}\n{again}{said}{wrong}\n{again}{said}{wrong}\n{GONE}"));
}
