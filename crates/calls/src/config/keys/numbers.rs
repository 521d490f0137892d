//! The keys of numbers and of money: the site, dial plans, tariffs, budgets of a day.

use std::time::Duration;

use super::{Absent, Key, List, Row, Section, Text, Value, min, s};

// [site]
key!(SITE_COUNTRY: Text = Site."country" ("a country's two letters") Absent("digits are dialled as they are written, and no kinds of numbers are known");
    "Where the lines are, by ISO 3166. With it every number is read as it would be dialled there, judged in one form (`+4989...`), and dialled as the line's dial plan says."; "\"DE\"");
key!(SITE_AREA: Text = Site."area" ("digits") Absent("local numbers are not understood");
    "The area code, without the trunk prefix: numbers without one are local."; "\"89\"");
key!(SITE_TRUNK: Text = Site."trunk_prefix" ("digits") Absent("the country's");
    "What stands before the area code within the country."; "\"0\"");
key!(SITE_INTERNATIONAL: Text = Site."international_prefix" ("digits") Absent("the country's");
    "What stands before the country code in numbers that are typed or stored."; "\"00\"");
key!(SITE_OWN: List = Site."own_numbers" ("a list of patterns") Value(&[]);
    "Our own numbers, besides those of the lines, which are in it anyway. They are never called."; "[\"+498955501*\"]");
key!(SITE_EXTENSIONS: List = Site."extensions" ("a list of patterns of digits and `x`") Value(&[]);
    "Numbers of our own private exchange, `x` being any digit (not 0 as the first). They are dialled without an outside line."; "[\"2xx\", \"70xx\"]");
key!(SITE_EMERGENCY: List = Site."emergency" ("a list of digits") Value(&[]);
    "Emergency numbers besides the country's. They count whatever digits follow."; "[\"19222\"]");
key!(SITE_OPERATOR: List = Site."operator" ("a list of digits") Value(&[]);
    "Beginnings of numbers that are the network's own services, besides those of every network of the country."; "[\"8000\"]");
key!(SITE_FEATURE: List = Site."feature_codes" ("a list of digits") Value(&[]);
    "Beginnings of codes for the exchange that have no `*` or `#`."; "[\"1470\"]");
key!(SITE_ALLOW: List = Site."allow_classes" ("a list of classes") Value(&[]);
    "Classes of numbers that are called although they are refused otherwise: `premium`, `shared-cost`, `personal`, `satellite`, `global`, `emergency`, `operator`, `feature`, `unknown`."; "[\"shared-cost\"]");
key!(SITE_CURRENCY: Text = Site."currency" ("a text, at most 8 characters") Value("");
    "What tariffs and budgets are counted in; for people only."; "\"EUR\"");

// dial_plan
key!(PLAN_OUTSIDE: Text = DialPlan."outside" ("digits and dial modifiers, at most 12") Value("");
    "What gets an outside line from a private exchange; `,` is a pause, `W` waits for dial tone. Extensions are dialled without it."; "\"0,\"");
key!(PLAN_FORM: Text = DialPlan."form" ("`\"national\"`, `\"international\"` or `\"local\"`") Value("national");
    "How numbers of our own country are dialled: with trunk prefix and area code; as from abroad; or, those of our own area, without area code."; "\"local\"");
key!(PLAN_NATIONAL: Text = DialPlan."national" ("digits") Absent("the site's trunk prefix");
    "What stands before national numbers on this line; empty for none."; "\"\"");
key!(PLAN_INTERNATIONAL: Text = DialPlan."international" ("digits, or `+`") Absent("the modem's `international_prefix`, else the site's");
    "What stands before numbers abroad on this line; `+` for SIM modems."; "\"00\"");
key!(PLAN_CARRIER: Text = DialPlan."carrier" ("digits") Value("");
    "A carrier's prefix, before national and international numbers."; "\"01013\"");
key!(PLAN_ANSWER_PAUSE: Text = DialPlan."answer_pause" ("dial modifiers, at most 12") Absent("the pauses as they stand in the number");
    "Replaces the pauses between a number and its extension digits (`+498935655,,42`): how long the called exchange takes to listen."; "\",,,,\"");
key!(PLAN_SUFFIX: Text = DialPlan."suffix" ("digits and dial modifiers, at most 12") Value("");
    "Stands behind every number."; "\"@\"");

// [[tariff]]
key!(TARIFF_PREFIX: Text = Tariff."prefix" ("the beginning of a number, with `+`") Absent("the class decides");
    "The numbers that it is for; of several that fit, the longest. A site without a country writes the digits as they are dialled."; "\"+4989\"");
key!(TARIFF_CLASS: Text = Tariff."class" ("a class") Absent("every class");
    "The class that it is for, where no tariff has a prefix that fits."; "\"mobile\"");
key!(TARIFF_PER_CALL: Text = Tariff."per_call" ("an amount of money, down to thousandths") Value("0");
    "What each answered call costs at once."; "\"0.09\"");
key!(TARIFF_PER_MINUTE: Text = Tariff."per_minute" ("an amount of money, down to thousandths") Value("0");
    "What a minute costs."; "\"0.029\"");
key!(TARIFF_INCREMENT: Duration = Tariff."increment" ("a duration") Value(min(1)), s(1) => min(60);
    "Time is counted in steps of this length, begun ones whole."; "\"60s\"");

// [[budget]]
key!(DAY_CLASS: Text = DayBudget."class" ("a class") Absent("all return calls together");
    "The class of numbers whose calls are counted."; "\"mobile\"");
key!(DAY_MINUTES: u32 = DayBudget."minutes" ("a whole number") Absent("not limited"), 1 => 100_000;
    "How many minutes the calls of a day may take, begun ones counted whole."; "600");
key!(DAY_CALLS: u32 = DayBudget."calls" ("a whole number") Absent("not limited"), 1 => 100_000;
    "How many calls of a day may be answered."; "100");
key!(DAY_COST: Text = DayBudget."cost" ("an amount of money") Absent("not limited");
    "What the calls of a day may cost. Numbers without a tariff are then not called."; "\"25.00\"");

// [callback]
key!(RESERVE_INCOMING: u32 = Callback."reserve_incoming" ("a whole number") Value(0), 0 => 1000;
    "How many free lines are kept for callers: a line that also answers makes a return call only while as many others that answer are free. Lines that only originate are not counted."; "1");
key!(LOOP_LIMIT: u32 = Callback."loop_limit" ("a whole number") Value(5), 0 => 1000;
    "How many calls in an hour are answered from a caller ID that we have dialled within that hour: two servers that call each other back would go on for ever. 0 is any number."; "3");

// user.callback
key!(USER_ALLOW_CLASSES: List = UserCallback."allow_classes" ("a list of classes") Value(&[]);
    "Classes of numbers at which this user is called although they are refused otherwise, besides those of `[site] allow_classes`."; "[\"satellite\"]");

/// Those of sections that stand here, in the order of the reference page.
pub(super) fn rows() -> Vec<Row> {
    vec![
        SITE_COUNTRY.row(),
        SITE_AREA.row(),
        SITE_TRUNK.row(),
        SITE_INTERNATIONAL.row(),
        SITE_OWN.row(),
        SITE_EXTENSIONS.row(),
        SITE_EMERGENCY.row(),
        SITE_OPERATOR.row(),
        SITE_FEATURE.row(),
        SITE_ALLOW.row(),
        SITE_CURRENCY.row(),
        PLAN_OUTSIDE.row(),
        PLAN_FORM.row(),
        PLAN_NATIONAL.row(),
        PLAN_INTERNATIONAL.row(),
        PLAN_CARRIER.row(),
        PLAN_ANSWER_PAUSE.row(),
        PLAN_SUFFIX.row(),
        TARIFF_PREFIX.row(),
        TARIFF_CLASS.row(),
        TARIFF_PER_CALL.row(),
        TARIFF_PER_MINUTE.row(),
        TARIFF_INCREMENT.row(),
        DAY_CLASS.row(),
        DAY_MINUTES.row(),
        DAY_CALLS.row(),
        DAY_COST.row(),
        RESERVE_INCOMING.row(),
        LOOP_LIMIT.row(),
        USER_ALLOW_CLASSES.row(),
    ]
}
