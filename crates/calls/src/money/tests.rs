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
    assert_eq!((shown(5_u32), shown(1250_u64)), ("0.05".to_owned(), "12.50".to_owned()));
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

/// The ledger of a site in Greenwich: calls that cost a minute each, and what it knows of a day.
#[test]
fn a_clock_that_was_set_finds_each_day_as_it_left_it() {
    let config = crate::testing::config(crate::testing::TOML, crate::testing::LOGIN);
    let charge = Charge { user: "alice".to_owned(), class: String::new(), minutes: 1, cost: None };
    let hour = |hour: i64| Wall { unix_ms: 1_800_000_000_000 + hour * 3_600_000, offset_s: 0 };
    let mut ledger = Ledger::default();
    // 1_800_000_000 is 08:00. A charge at this hour; what is spent then.
    for (at, wanted) in [
        (0, 1),
        (1, 2),
        // Tomorrow.
        (20, 1),
        // Set back over midnight, by a server of time or by somebody who would like to spend it all again.
        (2, 3),
        // Set forward by a month, by accident, and put right.
        (24 * 31, 1),
        (3, 4),
        (21, 2),
    ] {
        ledger.charge(&config, None, &charge, hour(at));
        let spent = ledger.spent(&config, hour(at), &Payer::User("alice"));
        assert_eq!(spent.calls, wanted, "hour {at}");
    }
    // What is older than all that is known is not a new day either.
    for day in 0..20 {
        ledger.charge(&config, None, &charge, hour(24 * day));
    }
    assert!(ledger.spent(&config, hour(-24), &Payer::All).calls > 0);
}

#[test]
fn a_call_that_is_being_hung_up_still_costs_and_is_watched_no_more() {
    let config = crate::testing::config(crate::testing::TOML, crate::testing::LOGIN);
    let at = Wall { unix_ms: 1_800_000_000_000, offset_s: 0 };
    let toll = || Toll { user: "alice".to_owned(), class: Class::Fixed, tariff: None };
    let mut ledger = Ledger::default();
    for call in [1, 2] {
        ledger.began(CallId(call), toll(), at);
    }
    ledger.ends(CallId(1));
    assert_eq!(ledger.running().collect::<Vec<_>>(), [CallId(2)]);
    assert_eq!(ledger.spent(&config, at, &Payer::All).calls, 2);
}
