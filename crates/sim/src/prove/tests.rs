//! The suite against configurations that leave attacks open, and against one that leaves none.

use super::*;
use crate::world::configure;

/// The findings by number.
fn proved(config: &str, login: &str) -> Vec<(u8, Finding)> {
    let config = configure(config, login).unwrap();
    let mut found = Vec::new();
    prove(&config, 1, |attack, finding| found.push((attack.number, finding))).unwrap();
    found
}

fn check(config: &str, login: &str, wanted: &[(u8, Verdict)]) {
    let found = proved(config, login);
    for (number, verdict) in wanted {
        let (_, finding) = found.iter().find(|(other, _)| other == number).unwrap();
        assert_eq!(finding.verdict, *verdict, "A{number}: {finding:#?}");
    }
}

/// What people had in 1999: one line, blind dialling, no jitter, any number, nobody asked anything.
const OLD: &str = r#"
[server]
login_config = "/etc/dialback/login.config"
[callback]
line = "same"
delay = "20s"
jitter = "0s"
soonest_connect = "0s"
quarantine_after = 0
per_user = 64
caller_numbers = { allow = ["*"] }
[[line]]
name = "office"
port = "sim:office"
number = "5550100"
hold_time = "3s"
modem = { init = ["ATZ", "AT&C1&D2S0=0X3"], dial_prefix = "ATDT" }
"#;

#[test]
fn what_people_had_in_1999_is_open_in_every_way_that_is_known() {
    use Verdict::{Open, Weak, Withstood};
    check(
        OLD,
        "cback - - /usr/sbin/callback\n* - - /bin/login @\n",
        &[
            (1, Open),
            (2, Open),
            (3, Open),
            (4, Weak),
            (5, Open),
            (6, Open),
            // These were mended for good: no key brings them back.
            (7, Withstood),
            (8, Withstood),
            (9, Open),
            (11, Withstood),
            (12, Withstood),
            (14, Withstood),
            (15, Weak),
            (16, Open),
            (20, Withstood),
        ],
    );
}

/// Two lines, one of them for calling back only; dial tone waited for; users with stored numbers who prove themselves.
const SOUND: &str = r#"
[server]
login_config = "/etc/dialback/login.config"
[callback]
line = "other"
delay = "10s"
jitter = "20s"
per_user = 1
return_proof = "code"
authenticate = "totp"
[[user]]
name = "alice"
totp = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
callback = { numbers = ["5550199"] }
[[line]]
name = "in"
port = "sim:in"
number = "5550100"
direction = "answer"
modem = { init = ["ATZ", "AT&C1&D2S0=0X4"], dial_prefix = "ATDT" }
[[line]]
name = "out"
port = "sim:out"
number = "5550101"
direction = "originate"
modem = { init = ["ATZ", "AT&C1&D2S0=0X4"], dial_prefix = "ATDT" }
"#;

#[test]
fn two_lines_codes_and_stored_numbers_leave_nothing_open() {
    let found =
        proved(SOUND, "!version 2\nalice N - - /usr/sbin/callback 5550199\n* Y - - /bin/login @\n");
    assert_eq!(found.len(), ATTACKS.iter().filter(|attack| attack.is_played_here()).count());
    for (number, finding) in &found {
        assert_ne!(finding.verdict, Verdict::Open, "A{number}: {finding:#?}");
    }
    let verdict = |n: u8| found.iter().find(|(number, _)| *number == n).map(|(_, f)| f.verdict);
    for number in [1, 2, 3, 4, 5, 7, 8, 10, 11, 12, 14, 15, 16, 18, 20] {
        assert_eq!(verdict(number), Some(Verdict::Withstood), "A{number}: {found:#?}");
    }
    assert_eq!(verdict(6), Some(Verdict::NotApplicable), "nobody types a number");
}

#[test]
fn a_server_that_calls_nobody_back_has_nothing_to_attack_there() {
    let only_login = OLD.replace("per_user = 64", "");
    check(
        &only_login,
        "* - - /bin/login @\n",
        &[(1, Verdict::NotApplicable), (6, Verdict::NotApplicable)],
    );
}

#[test]
fn attacks_are_numbered_from_1_to_20_and_told_in_words() {
    let numbers: Vec<u8> = ATTACKS.iter().map(|attack| attack.number).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<u8>>());
    assert!(ATTACKS.iter().all(|attack| attack.how.ends_with('.')));
}

#[test]
fn lines_that_cannot_be_set_up_prove_nothing_and_are_told() {
    let config = OLD.replace("\"ATZ\",", "\"AT&Y9\",");
    let config = configure(&config, "* - - /bin/login @\n").unwrap();
    let told = prove(&config, 1, |attack, _| panic!("A{} was played", attack.number));
    assert_eq!(told, Err("line office: AT&Y9: the modem says ERROR".to_owned()));
}

/// What A1 to A5 find, which need somebody who is called back.
fn line_attacks(config: &Config) -> Vec<(u8, Finding)> {
    let mut found = Vec::new();
    prove(config, 1, |attack, finding| found.push((attack.number, finding))).unwrap();
    found.retain(|(number, _)| *number <= 5);
    found
}

#[test]
fn a_hunt_group_does_not_hide_the_line_behind_it_that_calls_back() {
    let answering: String = (0..12)
        .map(|n| {
            format!(
                "[[line]]\nname = \"in{n}\"\nport = \"sim:in{n}\"\nnumber = \"55502{n:02}\"\ndirection = \"answer\"\n"
            )
        })
        .collect();
    let config = OLD.replace("line = \"same\"", "line = [\"office\"]").replace("[[line]]", "@");
    let config = config.replace('@', &format!("{answering}[[line]]"));
    let config = configure(
        &config.replace("hold_time", "direction = \"originate\"\nhold_time"),
        "cback - - /usr/sbin/callback\n* - - /bin/login @\n",
    )
    .unwrap();
    for (number, finding) in line_attacks(&config) {
        assert_ne!(finding.verdict, Verdict::NotApplicable, "A{number}: {finding:#?}");
    }
}

#[test]
fn lines_that_serve_ppp_alone_are_played_as_well() {
    let user = "[[user]]\nname = \"alice\"\ncallback = { numbers = [\"5550142\"] }\n";
    let mut config = configure(&format!("{OLD}{user}"), "* - - /bin/login @\n").unwrap();
    config.lines[0].service = calls::config::LineService::Ppp;
    let found = line_attacks(&config);
    let verdict = |number| found.iter().find(|(of, _)| *of == number).unwrap().1.verdict;
    assert_eq!((verdict(1), verdict(2)), (Verdict::Open, Verdict::Open), "{found:#?}");
}

#[test]
fn a_budget_of_the_day_is_not_what_keeps_strangers_out() {
    let config = format!("{OLD}[[budget]]\ncalls = 1\n");
    check(&config, "cback - - /usr/sbin/callback\n* - - /bin/login @\n", &[(5, Verdict::Open)]);
}
