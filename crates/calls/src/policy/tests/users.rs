//! The rules about users, and what explains, tests and compares by them: one user, one thing about him at a time.

use jiff::tz::TimeZone;

use crate::config::user::Service;
use crate::policy::explain::{Question, explain, time};
use crate::policy::{
    Counters, Marked, OpenPromises, Verdict, cases, decide, rights, serves, table,
};
use crate::testing::{LOGIN, SECOND_LINE, TOML, config};
use crate::vocabulary::{Leg, Wall};

/// The tests' configuration with a user Zoe, who asks for a callback by her name at the prompt.
fn with(keys: &str) -> crate::config::Config {
    let user = format!("[[user]]\nname = \"zoe\"\naliases = [\"z\"]\n{keys}\n");
    let login = LOGIN.replacen(
        "mary ",
        "zoe N - - /usr/sbin/callback\nz N - - /usr/sbin/callback\nmary ",
        1,
    );
    let toml = TOML
        .replace("[login]", "time_zone = \"UTC\"\n[login]")
        .replace("line     = \"same\"", "line = \"other\"");
    config(&format!("{toml}{SECOND_LINE}{user}"), &login)
}

const STORED: &str = "callback = { numbers = [\"5550142\"] }";

fn question<'q>(user: &'q str, number: Option<&'q str>, at: &str) -> Question<'q> {
    Question {
        user,
        number,
        line: None,
        from: None,
        at: time(at, &TimeZone::UTC).expect("a time"),
        service: None,
        proves: true,
        counters: Counters::default(),
        marked: Marked::default(),
    }
}

fn check(keys: &str, number: Option<&str>, at: &str, wanted: &str) {
    let config = with(keys);
    for name in ["zoe", "z"] {
        let got = explain(&config, &question(name, number, at)).answer();
        assert_eq!(got, wanted, "{name}: {keys}");
    }
}

const MONDAY: &str = "2026-11-23T10:00:00Z";
const YES: &str = "approved by user zoe: 5550142 is dialled on second";

#[test]
fn each_thing_about_a_user_refuses_by_its_own_rule() {
    for (keys, at, wanted) in [
        ("", MONDAY, YES),
        ("disabled = true", MONDAY, "refused by user.disabled: zoe is disabled"),
        ("trap = true", MONDAY, "refused by user.trap: zoe is nobody's name"),
        ("expires = \"2026-11-23\"", MONDAY, YES),
        (
            "expires = \"2026-11-22\"",
            MONDAY,
            "refused by user.expires: zoe was served until 2026-11-22",
        ),
        ("review_by = \"2020-01-01\"", MONDAY, YES),
        ("windows = \"mon\"", MONDAY, YES),
        ("windows = [\"tue\", \"sun 22:00-10:30\"]", MONDAY, YES),
        (
            "windows = \"mon 11:00-12:00\"",
            MONDAY,
            "refused by user.window: zoe is served \"mon 11:00-12:00\"",
        ),
        // In the server's zone it is Tuesday already somewhere else.
        ("windows = \"tue Pacific/Kiritimati\"", "2026-11-23T10:00:00Z", YES),
        ("services = \"login\"", MONDAY, YES),
        ("services = \"ppp\"", MONDAY, "refused by user.service: zoe may not use login"),
    ] {
        check(&format!("{keys}\n{STORED}"), None, at, wanted);
    }
    check("", None, MONDAY, "refused by user.offer: zoe is not called back");
}

#[test]
fn a_user_chooses_from_what_is_offered() {
    let refused = |rule: &str, why: &str| format!("refused by {rule}: {why}");
    let stored_only = refused("user.offer", "zoe may be called at stored numbers only");
    for (callback, number, wanted) in [
        (
            "numbers = [\"5550142\", \"5550143\"], offer = \"list\"",
            Some("555-0143"),
            "approved by user zoe: 5550143 is dialled on second",
        ),
        (
            "numbers = [\"5550142\", \"5550143\"], offer = \"list\"",
            Some("5550144"),
            stored_only.as_str(),
        ),
        (
            "numbers = [\"5550142\"], offer = \"none\"",
            None,
            "refused by user.offer: zoe is offered no callback",
        ),
        // A stored number that a fixed offer dials, whatever would be typed.
        ("numbers = [\"5550142\"], offer = \"fixed\"", Some("5550144"), YES),
        (
            "offer = \"caller\"",
            Some("5550144"),
            "approved by caller_numbers.allow \"*\": 5550144 is dialled on second",
        ),
        (
            "offer = \"caller\"",
            Some("9001234"),
            "refused by caller_numbers.deny \"900*\": 9001234 matches the pattern \"900*\"",
        ),
        (
            "offer = \"caller\", allow = [\"777*\"]",
            Some("7771234"),
            "approved by user.allow \"777*\": 7771234 is dialled on second",
        ),
        (
            "offer = \"caller\", allow = [\"777*\"]",
            Some("5550144"),
            "refused by user.allow: 5550144 matches no pattern that allows it",
        ),
        (
            "offer = \"caller\", allow = [\"9*\"]",
            Some("9001234"),
            "refused by caller_numbers.deny \"900*\": 9001234 matches the pattern \"900*\"",
        ),
        (
            "offer = \"caller\", deny = [\"55501*\"]",
            Some("5550144"),
            "refused by user.deny \"55501*\": 5550144 matches the pattern \"55501*\"",
        ),
        (
            "offer = \"caller\"",
            Some("5550101"),
            "refused by number.own-line: 5550101 is our own line second",
        ),
        (
            "offer = \"caller\"",
            None,
            "refused by number: the caller is asked for a number: say which (--number)",
        ),
    ] {
        check(&format!("callback = {{ {callback} }}"), number, MONDAY, wanted);
    }
}

#[test]
fn every_rule_is_told_once_and_in_its_order_whatever_the_answer() {
    let config = with(&format!("windows = \"tue\"\n{STORED}"));
    let explanation = explain(&config, &question("zoe", None, MONDAY));
    let told: Vec<_> = explanation.considered.iter().map(|step| step.rule.as_ref()).collect();
    let rules: Vec<_> = table().iter().map(|rule| rule.name).collect();
    assert_eq!(told, rules);
    let refusing = explanation.considered.iter().position(|step| step.rule == "user.window");
    for (at, step) in explanation.considered.iter().enumerate() {
        let reached = Some(at) <= refusing;
        assert_eq!(step.verdict == Verdict::NotReached.word(), !reached, "{}", step.rule);
        assert_eq!(step.because.is_empty(), !reached, "{}", step.rule);
    }
}

#[test]
fn names_are_counted_as_one_and_so_are_their_promises() {
    let config = with(STORED);
    let counters = Counters { open: OpenPromises { by_user: 1, in_all: 1 }, ..Counters::default() };
    let got = explain(&config, &Question { counters, ..question("z", None, MONDAY) });
    assert_eq!(got.rule, "promises.per-user");
    assert_eq!(got.user.as_deref(), Some("zoe"));
}

#[test]
fn every_number_is_held_against_the_budgets() {
    let tariff =
        "[[tariff]]\nprefix = \"555\"\nper_minute = \"0.10\"\n[[budget]]\ncost = \"9.00\"\n";
    for budget in ["budget = { cost = \"9.00\" }\n", ""] {
        for (numbers, wanted) in [
            ("\"5550142\", \"6660142\"", "5550142"),
            ("\"6660142\", \"5550142\"", "5550142"),
            ("\"5550142\", \"5550143\"", "5550142, 5550143"),
            ("\"6660142\"", ""),
        ] {
            let config = with(&format!("{budget}callback = {{ numbers = [{numbers}] }}\n{tariff}"));
            let got = explain(&config, &question("zoe", None, MONDAY));
            assert_eq!(got.numbers.join(", "), wanted, "{}", got.answer());
            let rule = if budget.is_empty() { "budget.day" } else { "budget.user" };
            assert_eq!(got.rule == rule, wanted.is_empty(), "{}", got.answer());
        }
    }
}

#[test]
fn what_is_no_callback_is_told_before_the_rules_are_asked() {
    let config = with(STORED);
    for (user, line, wanted) in [
        ("mary", None, "refused by login.config:7: it starts /bin/login: no callback is asked for"),
        ("nobody", None, "refused by login.config: no entry of login.config takes the name nobody"),
        ("zoe", Some("third"), "refused by line: there is no line third"),
    ] {
        let got = explain(&config, &Question { line, ..question(user, None, MONDAY) });
        assert_eq!(got.answer(), wanted);
        assert!(got.considered.is_empty());
    }
}

#[test]
fn who_is_not_served_is_not_served_without_a_callback_either() {
    let at = time(MONDAY, &TimeZone::UTC).expect("a time");
    for (keys, service, leg, wanted) in [
        ("", Service::Ppp, Leg::Request, None),
        ("disabled = true", Service::Ppp, Leg::Request, Some("user.disabled")),
        ("disabled = true", Service::Login, Leg::Return, Some("user.disabled")),
        ("expires = \"2026-11-22\"", Service::Ppp, Leg::Request, Some("user.expires")),
        ("services = \"login\"", Service::Ppp, Leg::Request, Some("user.service")),
        ("windows = \"tue\"", Service::Ppp, Leg::Request, Some("user.window")),
        // It was open when the callback was promised.
        ("windows = \"tue\"", Service::Ppp, Leg::Return, None),
        ("trap = true", Service::Ppp, Leg::Request, Some("user.trap")),
        // The program that everybody gets turns him away.
        ("trap = true", Service::Login, Leg::Request, None),
    ] {
        let config = with(keys);
        for name in ["zoe", "z"] {
            let got = serves(&config, name, service, leg, at).err().map(|refusal| refusal.rule);
            assert_eq!(got.as_deref(), wanted, "{keys} {service:?} {leg:?}");
        }
        assert_eq!(serves(&config, "nobody", service, leg, at), Ok(()));
    }
}

#[test]
fn expectations_are_held_against_the_rules() {
    let config = with(&format!("windows = \"mon 08:00-18:00\"\n{STORED}"));
    let case =
        |more: &str| format!("[[case]]\nuser = \"zoe\"\nat = \"2026-11-23T10:00\"\n{more}\n");
    for (more, wanted) in [
        ("expect = \"approved\"", None),
        (
            "expect = \"approved\"\nrule = \"user zoe\"\nnumbers = [\"5550142\"]\nlines = [\"second\"]",
            None,
        ),
        ("expect = \"refused\"", Some("approved by user zoe: 5550142 is dialled on second")),
        ("expect = \"approved\"\nrule = \"user\"", None),
        (
            "expect = \"approved\"\nrule = \"user zo\"",
            Some("expected by user zo; approved by user zoe: 5550142 is dialled on second"),
        ),
        ("expect = \"approved\"\nnumbers = [\"1\"]", Some("numbers: 5550142, not 1")),
        ("expect = \"approved\"\nlines = [\"main\"]", Some("lines: second, not main")),
        ("open = 1\nexpect = \"refused\"\nrule = \"promises.per-user\"", None),
        ("service = \"ppp\"\nexpect = \"approved\"", None),
    ] {
        let outcomes = cases::run(&config, &case(more), &TimeZone::UTC).expect("a table");
        let got = outcomes[0].differences.first().map(String::as_str);
        assert_eq!(got, wanted, "{more}");
        assert_eq!((outcomes[0].name.as_str(), outcomes[0].line), ("zoe, 2026-11-23T10:00", 1));
    }
    for (text, wanted) in [
        ("", "1: no [[case]] in it"),
        (
            "[[case]]\nuser = \"zoe\"\nat = \"noon\"\nexpect = \"approved\"",
            "1: \"noon\" is no time: write it like 2026-11-23T10:00",
        ),
        (
            "\n[[case]]\nuser = \"zoe\"\nat = \"2026-11-23\"\nexpect = \"maybe\"",
            "5: unknown variant `maybe`, expected `approved` or `refused`",
        ),
        ("[[case]]\nuser = \"zoe\"\nusr = 1", "3: unknown field `usr`"),
    ] {
        let got = cases::run(&config, text, &TimeZone::UTC).map(|outcomes| outcomes.len());
        let told = got.expect_err(text);
        assert!(told.starts_with(wanted), "{told}");
    }
}

#[test]
fn rights_differ_where_the_rules_answer_otherwise_and_not_where_the_text_does() {
    let base = with(&format!("windows = \"mon-fri 08:00-18:00\"\n{STORED}"));
    let at = time(MONDAY, &TimeZone::UTC).expect("a time");
    let check = |keys: &str, wanted: &[&str]| {
        let changes = rights::diff(&base, &with(keys), at);
        let lines: Vec<String> = changes
            .iter()
            .flat_map(|change| {
                let user = &change.user;
                change.rights.iter().map(move |(about, before, after)| {
                    format!("{user} {about}: {before} -> {after}")
                })
            })
            .collect();
        assert_eq!(lines, wanted, "{keys}");
    };
    let windows = "windows = \"mon-fri 08:00-18:00\"";
    check(&format!("{windows}\n{STORED}"), &[]);
    check(
        &format!(
            "windows = [\"thu,fri 08:00-18:00\", \"mon-wed 08:00-18:00\", \"mon 09:00-10:00\"]\n{STORED}"
        ),
        &[],
    );
    check(STORED, &["zoe windows: mon-fri 08:00-18:00 UTC -> always"]);
    check(&format!("{windows}\ntries = 5\n{STORED}"), &["zoe tries: 3 -> 5"]);
    check(
        &format!("{windows}\ncallback = {{ numbers = [\"5550143\"] }}"),
        &[
            "zoe login: 5550142: 5550142 on second -> -",
            "zoe login: 5550143: - -> 5550143 on second",
            "zoe login: called back: 5550142 on second -> 5550143 on second",
            "zoe ppp: 5550142: 5550142 on second -> refused by user.offer",
            "zoe ppp: 5550143: refused by user.offer -> 5550143 on second",
            "zoe ppp: called back: 5550142 on second -> 5550143 on second",
        ],
    );
}

#[test]
fn the_time_of_a_request_is_all_that_is_known_of_time() {
    let config = with(&format!("windows = \"mon\"\n{STORED}"));
    let none = Wall { unix_ms: i64::MAX, offset_s: i32::MIN };
    let request = crate::policy::Request {
        user: "zoe",
        identity: crate::policy::Identity::Claimed,
        service: Service::Login,
        numbers: crate::policy::Numbers::User(&[]),
        return_line: &config.callback.line,
        came_in_on: None,
        caller_id: None,
        leg: Leg::Request,
        at: none,
        counters: Counters::default(),
        marked: Marked::default(),
    };
    // A clock that cannot be right opens no window.
    let refusal = decide(&config, &request).answer.expect_err("no window is open");
    assert_eq!(refusal.rule, "user.window");
}
