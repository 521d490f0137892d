//! Telephone numbers in a log, all but their last digits: who reads a machine's log is not always who may know whom the
//! server calls. The journal keeps them whole, and shows them to whoever may open the control socket.
//!
//! It masks an event's texts by its fields, not a finished sentence: there, a count of octets looks like a number too.

use calls::vocabulary::Event;
use serde_json::Value;

/// Fields that hold a number, or a list of numbers.
const NUMBERS: [&str; 4] = ["number", "numbers", "caller_id", "called"];
/// Fields with words for people, in which numbers may be named.
const WORDS: [&str; 5] = ["reason", "why", "command", "rule", "screen"];
/// So many digits stay: enough to tell numbers apart, not enough to call one.
const LEFT: usize = 3;
/// What is shorter is an extension or a count.
const SHORTEST: usize = 6;

/// The same event with its numbers masked.
pub(crate) fn masked(event: &Event) -> Event {
    let Ok(mut value) = serde_json::to_value(event) else { return event.clone() };
    let Some(fields) = value.as_object_mut() else { return event.clone() };
    for (name, field) in fields {
        if NUMBERS.contains(&name.as_str()) || WORDS.contains(&name.as_str()) {
            mask(field);
        }
    }
    serde_json::from_value(value).unwrap_or_else(|_| event.clone())
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

#[cfg(test)]
mod tests {
    use calls::vocabulary::CallId;

    use super::*;

    #[test]
    fn all_but_the_last_digits_of_a_number_are_hidden() {
        for (text, wanted) in [
            ("5550199", "****199"),
            ("+49 89 1234567", "+** ** ****567"),
            ("(089) 123-456", "(***) ***-456"),
            ("5550199, 5550123", "****199, ****123"),
            ("callback 5550199 on main", "callback ****199 on main"),
            ("112", "112"),
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
        assert_eq!(masked(&rang("5550199")), rang("****199"));
    }
}
