//! The names of all events, as the journal has them, for filters and for reference pages.
//!
//! They are asked of the very code that reads the journal, so that no second list can be wrong.

use std::fmt;

use serde::Deserialize as _;
use serde::de::value::MapDeserializer;
use serde::de::{Error, StdError};

use super::Event;

/// Every event's name: `server-started`, `rang`, ...
#[must_use]
pub fn event_names() -> &'static [&'static str] {
    // No event has this name: whoever reads it says which names there are.
    let unnamed = MapDeserializer::<_, Known>::new(std::iter::once(("event", "")));
    match Event::deserialize(unnamed) {
        Ok(_) => &[],
        Err(Known(names)) => names,
    }
}

/// A fault that only remembers which names would have been right.
#[derive(Debug)]
struct Known(&'static [&'static str]);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", self.0.join(", "))
    }
}

impl StdError for Known {}

impl Error for Known {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_journal() {
        let names = event_names();
        assert!(names.len() > 40, "{names:?}");
        let stopped = serde_json::to_value(Event::ServerStopped).expect("JSON");
        let stopped = stopped.get("event").and_then(|name| name.as_str()).expect("a name");
        assert!(names.contains(&stopped) && names.contains(&"alert"), "{names:?}");
    }
}
