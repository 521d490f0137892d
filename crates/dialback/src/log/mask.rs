//! Telephone numbers in a log, all but their last digits: who reads a machine's log is not always who may know whom the
//! server calls. The journal keeps them whole, and shows them to whoever may open the control socket.
//!
//! It masks an event's texts by its fields, not a finished sentence: there, a count of octets looks like a number too.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use calls::vocabulary::{Entry, Event};
use serde_json::Value;

/// Fields that hold a number, or a list of numbers.
const NUMBERS: [&str; 4] = ["number", "numbers", "caller_id", "called"];
/// Fields with words for people, in which numbers may be named.
const WORDS: [&str; 5] = ["reason", "why", "command", "rule", "screen"];
/// So many digits stay: enough to tell numbers apart, not enough to call one.
const LEFT: usize = 3;
/// What is shorter is an extension or a count.
const SHORTEST: usize = 6;

/// An event that can't be told without the numbers in it. Its words say which, and no more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event}: not told here, because the numbers in it can't be hidden; the journal has it")]
pub(crate) struct Unmasked {
    event: String,
}

/// The same event with its numbers masked.
///
/// # Errors
/// When one of its fields is no event's any more with stars in it. Better no line than a whole number.
pub(crate) fn masked(event: &Event) -> Result<Event, Unmasked> {
    let mut value = serde_json::to_value(event).unwrap_or_default();
    for (name, field) in value.as_object_mut().into_iter().flatten() {
        if NUMBERS.contains(&name.as_str()) || WORDS.contains(&name.as_str()) {
            mask(field);
        }
    }
    let name = value.get("event").and_then(Value::as_str).unwrap_or("an event").to_owned();
    serde_json::from_value(value).map_err(|_| Unmasked { event: name })
}

/// The entry as a log may have it: whole, or with its numbers masked.
///
/// # Errors
/// As for [`masked`].
pub(crate) fn shown(entry: &Entry, numbers: bool) -> Result<Cow<'_, Entry>, Unmasked> {
    if numbers {
        return Ok(Cow::Borrowed(entry));
    }
    Ok(Cow::Owned(Entry { seq: entry.seq, at: entry.at, event: masked(&entry.event)? }))
}

fn mask(field: &mut Value) {
    match field {
        Value::String(text) => *text = without_numbers(text),
        Value::Array(list) => list.iter_mut().for_each(mask),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
}

/// The text with a star for each digit of a number but the last ones. Blanks, hyphens and brackets between digits are
/// people's way to write numbers, and belong to it.
fn without_numbers(text: &str) -> String {
    let between = |c: char| matches!(c, ' ' | '-' | '.' | '/' | '(' | ')');
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        masked.push_str(before);
        // Behind a plus it is a number, however it is written.
        if !before.ends_with('+')
            && let Some(end) = address(number)
        {
            let (address, after) = number.split_at(end);
            masked.push_str(address);
            rest = after;
            continue;
        }
        let end = number.find(|c: char| !c.is_ascii_digit() && !between(c)).unwrap_or(number.len());
        let (number, after) = number.split_at(end);
        let digits = number.chars().filter(char::is_ascii_digit).count();
        let hidden = if digits < SHORTEST { 0 } else { digits - LEFT };
        let mut seen = 0;
        masked.extend(number.chars().map(|c| {
            seen += usize::from(c.is_ascii_digit());
            if c.is_ascii_digit() && seen <= hidden { '*' } else { c }
        }));
        rest = after;
    }
    masked + rest
}

/// Where the IPv4 address ends with which the text begins, if it does.
fn address(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let address = text.get(..end)?.trim_end_matches('.');
    address.parse::<Ipv4Addr>().ok().map(|_| address.len())
}

#[cfg(test)]
mod tests {
    use calls::vocabulary::CallId;
    use serde_json::json;

    use super::*;
    use crate::log::sentence;

    #[test]
    fn all_but_the_last_digits_of_a_number_are_hidden() {
        for (text, wanted) in [
            ("5550199", "****199"),
            ("+49 89 1234567", "+** ** ****567"),
            ("(089) 123-456", "(***) ***-456"),
            ("5550199, 5550123", "****199, ****123"),
            ("callback 5550199 on main", "callback ****199 on main"),
            ("112", "112"),
            ("10.9.0.123 is taken", "10.9.0.123 is taken"),
            ("pool 10.9.0.1-10.9.0.20.", "pool 10.9.0.1-10.9.0.20."),
            ("089.123.456.7", "***.***.*56.7"),
            ("+49.89.123.45", "+**.**.**3.45"),
            ("01.23.45.67.89", "**.**.**.*7.89"),
            ("login.config:14", "login.config:14"),
            ("", ""),
        ] {
            assert_eq!(without_numbers(text), wanted, "{text}");
        }
    }

    #[test]
    fn numbers_are_masked_by_their_fields_and_nothing_else_is() {
        let rang = |caller_id: &str| Event::Rang {
            line: "line5550100".to_owned(),
            call: CallId(1_234_567),
            caller_id: Some(caller_id.to_owned()),
            called: None,
        };
        assert_eq!(masked(&rang("5550199")), Ok(rang("****199")));
    }

    const NUMBER: &str = "5550199";

    /// An event of each kind, as the reference page has their fields, with a number wherever one may be.
    fn all() -> Vec<Event> {
        let page = include_str!("../../../../docs/reference/events.md");
        let (_, events) = page.split_once("\n## Events\n").expect("events");
        let (events, _) = events.split_once("\n## ").expect("what comes behind them");
        events.split("\n### `").skip(1).map(event).collect()
    }

    fn event(section: &str) -> Event {
        let (name, rest) = section.split_once('`').expect("a name");
        let mut fields = serde_json::Map::from_iter([("event".to_owned(), name.into())]);
        for line in rest.lines().filter_map(|line| line.strip_prefix("- `")) {
            let (field, kind) = line.split_once("`: ").expect("a kind");
            let text =
                if NUMBERS.contains(&field) || WORDS.contains(&field) { NUMBER } else { "x" };
            let value = match kind.split([' ', ';', ',']).next().expect("a word") {
                "text" => text.into(),
                "list" => json!([text]),
                "number" => 1.into(),
                "address" => "10.9.0.1".into(),
                "`true`" => true.into(),
                "`request`" => "request".into(),
                "`unix_ms`" => json!({"unix_ms": 1, "offset_s": 0}),
                "`code`" => json!({"code": 1}),
                "a" => "user-request".into(),
                "an" => "loop".into(),
                "what" => Value::Null,
                other => panic!("{other}"),
            };
            fields.insert(field.to_owned(), value);
        }
        let value = Value::Object(fields);
        serde_json::from_value(value.clone()).unwrap_or_else(|e| panic!("{value}: {e}"))
    }

    #[test]
    fn every_event_can_be_told_without_its_numbers() {
        let all = all();
        assert!(all.len() > 40);
        for event in all {
            let masked = masked(&event).unwrap_or_else(|e| panic!("{e}"));
            let told = sentence(&masked).text;
            assert!(!told.contains(NUMBER), "{told}");
        }
    }
}
