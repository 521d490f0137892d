//! Requests and what becomes of them, as tables: who asks for which number, and by which rule it goes.

mod users;

use proptest::prelude::*;
use proto::dial::PhoneNumber;

use super::*;
use crate::testing::{LOGIN, SECOND_LINE, TOML, config};

fn lines() -> Config {
    let mut config = config(&format!("{TOML}{SECOND_LINE}"), LOGIN);
    let third = config.lines[0].clone();
    config.lines.push(crate::config::Line {
        name: "in".to_owned(),
        number: None,
        direction: crate::config::Direction::Answer,
        groups: vec!["public".to_owned()],
        ..third
    });
    config
}

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::configured(text).expect("a number")
}

/// `Ok` is the rule and the lines, `Err` the rule.
fn ask(config: &Config, numbers: Numbers<'_>, line: &ReturnLine, open: (u32, u32)) -> String {
    let request = Request {
        user: "cback",
        numbers,
        return_line: line,
        identity: Identity::Claimed,
        service: Service::Login,
        came_in_on: Some("main"),
        caller_id: None,
        leg: Leg::Request,
        at: Wall::default(),
        marked: Marked::default(),
        counters: Counters {
            open: OpenPromises { by_user: open.0, in_all: open.1 },
            ..Counters::default()
        },
    };
    match decide(config, &request).answer {
        Ok(approval) => format!("{} on {}", approval.rule(), approval.lines().join(",")),
        Err(refusal) => format!("no: {}", refusal.rule),
    }
}

fn check(typed: &str, wanted: &str) {
    let got = ask(&lines(), Numbers::Typed(typed), &ReturnLine::Same, (0, 0));
    assert_eq!(got, wanted, "{typed:?}");
}

#[test]
fn a_typed_number_needs_digits_an_allow_pattern_and_no_deny_pattern() {
    let all = "caller_numbers.allow \"*\" on main";
    for (typed, wanted) in [
        ("5551234", all),
        ("555-1234", all),
        ("(555) 1234", all),
        ("110", all),
        ("12", "no: number.digits"),
        ("", "no: number.grammar"),
        ("5551234;H0", "no: number.grammar"),
        ("5551234,,9", "no: number.grammar"),
        ("*21*5551234#", "no: number.grammar"),
        ("9001234", "no: caller_numbers.deny \"900*\""),
        ("900", "no: caller_numbers.deny \"900*\""),
        ("9-0-0", "no: caller_numbers.deny \"900*\""),
        ("+9001234", "no: caller_numbers.deny \"900*\""),
        ("5550100", "no: number.own-line"),
        ("555-0101", "no: number.own-line"),
        ("1234567890123456789012345", "no: number.grammar"),
        // The line has no international prefix: it would dial another subscriber.
        ("+495551234", "no: line.dialling"),
    ] {
        check(typed, wanted);
    }
}

#[test]
fn an_allow_list_leaves_everything_else_out_and_deny_wins() {
    let mut config = lines();
    config.callback.caller_numbers.allow = vec!["555*".to_owned(), "6661234".to_owned()];
    config.callback.caller_numbers.deny = vec!["5559*".to_owned()];
    for (typed, wanted) in [
        ("5551234", "caller_numbers.allow \"555*\" on main"),
        ("6661234", "caller_numbers.allow \"6661234\" on main"),
        ("66612345", "no: caller_numbers.allow"),
        ("7771234", "no: caller_numbers.allow"),
        ("5559999", "no: caller_numbers.deny \"5559*\""),
    ] {
        assert_eq!(ask(&config, Numbers::Typed(typed), &ReturnLine::Same, (0, 0)), wanted);
    }
}

#[test]
fn a_denied_number_is_denied_in_every_spelling_that_dials_it() {
    let mut config = lines();
    config.callback.caller_numbers.deny = vec!["0088*".to_owned()];
    for line in &mut config.lines {
        line.modem.international_prefix = Some("00".to_owned());
    }
    for typed in ["0088123", "+88123", "+88 123"] {
        let got = ask(&config, Numbers::Typed(typed), &ReturnLine::Same, (0, 0));
        assert_eq!(got, "no: caller_numbers.deny \"0088*\"", "{typed}");
    }
    let fine = ask(&config, Numbers::Typed("+49123"), &ReturnLine::Same, (0, 0));
    assert_eq!(fine, "caller_numbers.allow \"*\" on main");
}

#[test]
fn the_rules_for_callers_are_not_for_administrators_except_our_own_lines() {
    let config = lines();
    let numbers = [number("900"), number("*21#,1")];
    let entry = Numbers::Entry(&numbers, 14);
    assert_eq!(ask(&config, entry, &ReturnLine::Same, (0, 0)), "login.config:14 on main");
    let own = [number("5551234"), number("5550100")];
    let entry = Numbers::Entry(&own, 14);
    assert_eq!(ask(&config, entry, &ReturnLine::Same, (0, 0)), "no: number.own-line");
    assert_eq!(ask(&config, Numbers::Operator(&[]), &ReturnLine::Same, (0, 0)), "no: number.none");
}

#[test]
fn only_lines_that_originate_are_chosen_and_the_same_one_only_if_it_does_both() {
    use ReturnLine::{Group, Lines, Other, Same};
    let mut config = lines();
    let typed = Numbers::Typed("5551234");
    let names = |names: &[&str]| Lines(names.iter().map(|n| (*n).to_owned()).collect());
    for (line, wanted) in [
        (Same, "main"),
        (Other, "second"),
        (Group("public".to_owned()), "main,second"),
        (names(&["second", "main"]), "second,main"),
        (names(&["in", "second"]), "second"),
    ] {
        let wanted = format!("caller_numbers.allow \"*\" on {wanted}");
        assert_eq!(ask(&config, typed, &line, (0, 0)), wanted, "{line:?}");
    }
    for line in [names(&["in"]), names(&["nowhere"]), Group("nobody".to_owned())] {
        assert_eq!(ask(&config, typed, &line, (0, 0)), "no: line.direction", "{line:?}");
    }
    config.lines[0].direction = crate::config::Direction::Originate;
    assert_eq!(ask(&config, typed, &Same, (0, 0)), "no: line.direction");
}

#[test]
fn open_promises_are_limited_for_each_user_and_in_all_and_operators_in_all_only() {
    let config = lines();
    let ask = |numbers, open| ask(&config, numbers, &ReturnLine::Same, open);
    let typed = Numbers::Typed("5551234");
    assert_eq!(ask(typed, (1, 3)), "caller_numbers.allow \"*\" on main");
    assert_eq!(ask(typed, (2, 3)), "no: promises.per-user");
    assert_eq!(ask(typed, (0, 4)), "no: promises.in-all");
    let numbers = [number("5551234")];
    assert_eq!(ask(Numbers::Operator(&numbers), (9, 3)), "operator on main");
    assert_eq!(ask(Numbers::Operator(&numbers), (0, 4)), "no: promises.in-all");
}

/// A line's own number is dialled to measure it, and for nobody and nothing else.
#[test]
fn our_own_lines_are_called_to_be_measured_only() {
    let mut config = lines();
    config.lines[0].number = Some(number("5550100"));
    let second = ReturnLine::Lines(vec!["second".to_owned()]);
    let own = [number("5550100")];
    assert_eq!(ask(&config, Numbers::Measured(&own), &second, (0, 0)), "measuring on second");
    for numbers in [
        Numbers::Typed("5550100"),
        Numbers::Entry(&own, 14),
        Numbers::User(&own),
        Numbers::Operator(&own),
    ] {
        assert_eq!(ask(&config, numbers, &second, (0, 0)), "no: number.own-line", "{numbers:?}");
    }
    for other in ["5551234", "5550100,1", "05550100"].map(number) {
        let others = [number("5550100"), other.clone()];
        assert_eq!(
            ask(&config, Numbers::Measured(&others), &second, (0, 0)),
            "no: number.own-line",
            "{other}"
        );
    }
}

#[test]
fn every_rule_can_refuse_and_has_its_own_name() {
    let mut names: Vec<_> = rules::RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rules::RULES.len());
}

static CONFIG: std::sync::LazyLock<Config> = std::sync::LazyLock::new(lines);

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    /// Whatever is typed: an approved number renders to a dial command of digits that were typed, and no
    /// deny pattern takes it.
    #[test]
    fn an_approval_dials_what_was_typed_and_nothing_else(typed in "[0-9+;,*# ATDHS=\r\n().-]{0,30}") {
        let config = &*CONFIG;
        let request = Request {
            user: "cback",
            numbers: Numbers::Typed(&typed),
            return_line: &ReturnLine::Same,
            identity: Identity::Claimed,
            service: Service::Login,
            came_in_on: Some("main"),
            caller_id: None,
            leg: Leg::Request,
            at: Wall::default(),
            counters: Counters::default(),
            marked: Marked::default(),
        };
        if let Ok(approval) = decide(config, &request).answer {
            let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
            prop_assert!(!digits.starts_with("900"));
            for number in approval.numbers() {
                let dialling = line_dialling(&config.lines[0]).expect("a line that dials");
                let command = dialling.render(number).expect("a number that it can dial");
                prop_assert!(proto::dial::is_dial_command(command.command()));
                let wanted = format!("ATDT{digits}\r");
                prop_assert_eq!(command.command(), wanted.as_bytes());
            }
        }
    }
}

#[test]
fn the_callers_own_line_calls_back_only_as_far_as_its_hold_time_is_known() {
    use crate::config::{Direction, HoldBy, SameLine};
    let group = ReturnLine::Group("public".to_owned());
    for (same_line, hold_by, line, wanted) in [
        (SameLine::Wait, HoldBy::Written, &ReturnLine::Same, "main"),
        (SameLine::Wait, HoldBy::Measured, &ReturnLine::Same, "main"),
        // One that takes no calls first, the caller's own last.
        (SameLine::Wait, HoldBy::Unknown, &ReturnLine::Same, "out,second,main"),
        (SameLine::Wait, HoldBy::Unknown, &group, "second,main"),
        (SameLine::Qualified, HoldBy::Measured, &ReturnLine::Same, "main"),
        (SameLine::Qualified, HoldBy::Written, &ReturnLine::Same, "out,second"),
        (SameLine::Qualified, HoldBy::Unknown, &group, "second"),
        (SameLine::Never, HoldBy::Measured, &ReturnLine::Same, "out,second"),
        (SameLine::Never, HoldBy::Measured, &group, "second"),
    ] {
        let mut config = lines();
        config.callback.same_line = same_line;
        config.lines[0].hold_by = hold_by;
        let mut out = config.lines[1].clone();
        out.name = "out".to_owned();
        out.direction = Direction::Originate;
        out.groups.clear();
        config.lines.push(out);
        let got = ask(&config, Numbers::Typed("5551234"), line, (0, 0));
        let wanted = format!("caller_numbers.allow \"*\" on {wanted}");
        assert_eq!(got, wanted, "{same_line:?} {hold_by:?} {line:?}");
        // The same with no other line.
        config.lines.truncate(1);
        let alone = ask(&config, Numbers::Typed("5551234"), line, (0, 0));
        let may = match (same_line, hold_by) {
            (SameLine::Wait, _) | (SameLine::Qualified, HoldBy::Measured) => true,
            (SameLine::Qualified | SameLine::Never, _) => false,
        };
        let wanted = if may { "caller_numbers.allow \"*\" on main" } else { "no: line.same" };
        assert_eq!(alone, wanted, "{same_line:?} {hold_by:?} {line:?}");
    }
}
