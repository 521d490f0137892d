//! What calls cost, as tables.

use super::*;

#[test]
fn amounts_are_read_exactly() {
    for (text, wanted) in [
        ("5", Some(500)),
        ("0.09", Some(9)),
        ("0.029", Some(3)),
        ("0.00001", Some(1)),
        ("12.5", Some(1250)),
        ("", None),
        (".5", None),
        ("5.", None),
        ("-1", None),
        ("1,5", None),
        ("0.123456", None),
        ("9999999999", None),
    ] {
        assert_eq!(Money::parse(text).map(Money::hundredths), wanted, "{text}");
    }
    assert_eq!((shown(5), shown(1250)), ("0.05".to_owned(), "12.50".to_owned()));
}

fn tariff(per_call: &str, per_minute: &str, increment: u64) -> Tariff {
    Tariff {
        prefix: None,
        class: None,
        per_call: Money::parse(per_call).unwrap(),
        per_minute: Money::parse(per_minute).unwrap(),
        increment: Duration::from_secs(increment),
    }
}

#[test]
fn time_is_counted_in_whole_steps_and_what_it_affords_is_the_inverse() {
    for (call, minute, step, seconds, wanted) in [
        ("0", "0.10", 60, 0, 10),
        ("0", "0.10", 60, 1, 10),
        ("0", "0.10", 60, 60, 10),
        ("0", "0.10", 60, 61, 20),
        ("0.05", "0.10", 1, 30, 10),
        ("0.05", "0", 60, 9999, 5),
        ("0", "0.029", 60, 600, 29),
        ("0", "0.001", 60, 60, 1),
    ] {
        let tariff = tariff(call, minute, step);
        let cost = tariff.cost(Duration::from_secs(seconds));
        assert_eq!(cost.hundredths(), wanted, "{call} {minute} {step} {seconds}");
        let affords = tariff.affords(cost).unwrap();
        assert!(tariff.cost(affords) <= cost, "{call} {minute} {step} {seconds}");
        if affords < FOR_EVER {
            assert!(tariff.cost(affords + Duration::from_millis(1)) > cost);
        }
    }
    assert_eq!(tariff("0.05", "0.10", 60).affords(Money::parse("0.04").unwrap()), None);
    assert_eq!(tariff("0.05", "0.10", 60).affords(Money::parse("0.14").unwrap()), None);
}

#[test]
fn the_longest_prefix_wins_then_the_class_then_the_rest() {
    let with = |prefix: Option<&str>, class, per_call| Tariff {
        prefix: prefix.map(str::to_owned),
        class,
        ..tariff(per_call, "0", 60)
    };
    let all = [
        with(None, None, "1"),
        with(None, Some(Class::Mobile), "2"),
        with(Some("+49"), None, "3"),
        with(Some("+4989"), None, "4"),
        with(Some("+4989"), None, "5"),
        with(Some("+49"), Some(Class::Mobile), "6"),
    ];
    for (normal, class, wanted) in [
        ("+498912345", Class::Fixed, 400),
        ("+493012345", Class::Fixed, 300),
        ("+4915112345", Class::Mobile, 600),
        ("+3361234567", Class::Mobile, 200),
        ("+33123456789", Class::Fixed, 100),
    ] {
        let found = super::tariff(&all, normal, class).unwrap();
        assert_eq!(found.per_call.hundredths(), wanted, "{normal}");
    }
    assert_eq!(super::tariff(&all[1..], "+33123456789", Class::Fixed), None);
}

#[test]
fn somebody_is_told_when_four_fifths_of_a_budget_are_gone() {
    let budget = Budget { minutes: Some(10), calls: None, cost: Some(500) };
    let spent = |minutes, cost| Spent { minutes, calls: 1, cost };
    for (spent, wanted) in [
        (spent(7, 0), None),
        (spent(8, 0), Some("8 of 10 minutes are used")),
        (spent(0, 399), None),
        (spent(0, 400), Some("4.00 of 5.00 are spent")),
        (spent(0, 900), Some("9.00 of 5.00 are spent")),
    ] {
        assert_eq!(nearly(&budget, spent).as_deref(), wanted);
        let used_up = nearly_used(&budget);
        let before =
            spent.minutes <= used_up.minutes.unwrap() && spent.cost <= used_up.cost.unwrap();
        assert_eq!(before, wanted.is_none());
    }
}
