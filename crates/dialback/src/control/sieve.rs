//! The entries that a client wants, by a glance at each stored text: what does not fit is not taken apart, and does not
//! cross the socket.
//!
//! It remembers which call is on which line, because most events of a call do not repeat it. What happened before the
//! first entry that it sees it learns from whoever can look it up.

use std::borrow::Cow;
use std::collections::BTreeMap;

use calls::alert::Severity;
use calls::vocabulary::{CallId, Entry};
use serde::Deserialize;

use super::WhichEvents;

/// Calls whose line is remembered: more than there are lines. One whose end was missed goes when there is no room.
const CALLS: usize = 10_000;

/// What is looked at.
#[derive(Debug, Deserialize)]
struct Glance<'a> {
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow, default)]
    line: Option<Text<'a>>,
    #[serde(default)]
    call: Option<CallId>,
    #[serde(borrow, default)]
    user: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
}

/// Borrowed where it has no escapes; within an `Option`, only a type of its own is.
#[derive(Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// See the file's text.
#[derive(Debug)]
pub(super) struct Sieve {
    which: WhichEvents,
    /// The calls that have begun and are not over.
    lines: BTreeMap<CallId, String>,
    /// How much an event of this name matters: it goes by the name alone.
    severities: BTreeMap<String, Severity>,
}

/// An entry that is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Where it happened, if the entry does not say.
    pub(super) line: Option<String>,
}

impl Sieve {
    pub(super) fn new(which: WhichEvents) -> Self {
        Self { which, lines: BTreeMap::new(), severities: BTreeMap::new() }
    }

    /// Whether only what happens on one line is wanted.
    pub(super) const fn is_by_line(&self) -> bool {
        self.which.line.is_some()
    }

    /// These calls are on these lines just now: their beginnings may not have been among the entries.
    pub(super) fn place(&mut self, calls: impl IntoIterator<Item = (CallId, String)>) {
        self.lines.extend(calls);
        self.make_room();
    }

    fn make_room(&mut self) {
        while self.lines.len() > CALLS && self.lines.pop_first().is_some() {}
    }

    /// Looks at the next entry; `None`: it is not wanted. `line_of` is asked where a call is that has begun before the
    /// first entry.
    pub(super) fn look(
        &mut self,
        text: &str,
        line_of: impl FnOnce(CallId) -> Option<String>,
    ) -> Result<Option<Wanted>, serde_json::Error> {
        let glance: Glance<'_> = serde_json::from_str(text)?;
        self.learn(&glance, line_of);
        let known = glance.call.and_then(|call| self.lines.get(&call)).map(String::as_str);
        let named = glance.line.as_ref().map(|Text(line)| line.as_ref());
        let is = |field: &Option<Text<'_>>, wanted: &str| {
            field.as_ref().is_some_and(|Text(text)| text == wanted)
        };
        let which = &self.which;
        let wanted = which.line.as_deref().is_none_or(|line| named.or(known) == Some(line))
            && which
                .user
                .as_ref()
                .is_none_or(|user| is(&glance.name, user) || is(&glance.user, user))
            && (which.events.is_empty() || which.events.iter().any(|name| *name == glance.event.0));
        let line = known.filter(|_| wanted && named.is_none()).map(str::to_owned);
        if glance.event.0 == "ended"
            && let Some(call) = glance.call
        {
            self.lines.remove(&call);
        }
        Ok((wanted && self.matters(&glance.event.0, text)?).then_some(Wanted { line }))
    }

    fn learn(&mut self, glance: &Glance<'_>, line_of: impl FnOnce(CallId) -> Option<String>) {
        let Some(call) = glance.call else { return };
        if let Some(Text(line)) = &glance.line {
            if self.lines.get(&call).is_none_or(|known| known != line) {
                self.lines.insert(call, line.clone().into_owned());
            }
        } else if !self.lines.contains_key(&call)
            && let Some(line) = line_of(call)
        {
            self.lines.insert(call, line);
        }
        self.make_room();
    }

    fn matters(&mut self, name: &str, text: &str) -> Result<bool, serde_json::Error> {
        let Some(least) = self.which.severity.filter(|least| *least > Severity::Plain) else {
            return Ok(true);
        };
        if let Some(severity) = self.severities.get(name) {
            return Ok(*severity >= least);
        }
        let severity = serde_json::from_str::<Entry>(text)?.event.severity();
        self.severities.insert(name.to_owned(), severity);
        Ok(severity >= least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes through: the events' names, with the line where it is told beside the entry.
    fn check(which: WhichEvents, wanted: &[(&str, Option<&str>)]) {
        let journal = [
            r#"{"seq":1,"at":{"unix_ms":0},"event":"named","call":1,"session":1,"name":"bob"}"#,
            r#"{"seq":2,"at":{"unix_ms":0},"event":"rang","line":"a","call":2,"caller_id":null,"called":null}"#,
            r#"{"seq":3,"at":{"unix_ms":0},"event":"named","call":2,"session":2,"name":"x \"y\""}"#,
            r#"{"seq":4,"at":{"unix_ms":0},"event":"ended","line":"a","call":2,"session":2,"leg":"request","cause":"callback","total_ms":1,"online_ms":1,"bytes_in":0,"bytes_out":0}"#,
            r#"{"seq":5,"at":{"unix_ms":0},"event":"line-faulted","line":"b","reason":"","retry_ms":1}"#,
            r#"{"seq":6,"at":{"unix_ms":0},"event":"withdrawn","promise":1,"why":""}"#,
        ];
        let mut sieve = Sieve::new(which);
        let mut through = Vec::new();
        for text in journal {
            // Before all this, call 1 began on line b.
            let line_of = |call| (call == CallId(1)).then(|| "b".to_owned());
            if let Some(told) = sieve.look(text, line_of).unwrap() {
                let entry: serde_json::Value = serde_json::from_str(text).unwrap();
                through.push((entry["event"].as_str().unwrap().to_owned(), told.line));
            }
        }
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(name, line)| ((*name).to_owned(), line.map(str::to_owned)))
            .collect();
        assert_eq!(through, wanted);
        assert!(sieve.lines.keys().all(|call| *call == CallId(1)), "{:?}", sieve.lines);
    }

    #[test]
    fn what_fits_everything_that_is_asked_comes_through() {
        let all = WhichEvents::default;
        check(
            all(),
            &[
                ("named", Some("b")),
                ("rang", None),
                ("named", Some("a")),
                ("ended", None),
                ("line-faulted", None),
                ("withdrawn", None),
            ],
        );
        let line = |line: &str| WhichEvents { line: Some(line.to_owned()), ..all() };
        check(line("a"), &[("rang", None), ("named", Some("a")), ("ended", None)]);
        check(line("b"), &[("named", Some("b")), ("line-faulted", None)]);
        let user = |user: &str| WhichEvents { user: Some(user.to_owned()), ..all() };
        check(user("x \"y\""), &[("named", Some("a"))]);
        check(WhichEvents { line: Some("a".to_owned()), ..user("bob") }, &[]);
        let events = vec!["ended".to_owned(), "withdrawn".to_owned()];
        check(WhichEvents { events, ..all() }, &[("ended", None), ("withdrawn", None)]);
        let least = |severity| WhichEvents { severity: Some(severity), ..all() };
        check(
            least(Severity::Plain),
            &[
                ("named", Some("b")),
                ("rang", None),
                ("named", Some("a")),
                ("ended", None),
                ("line-faulted", None),
                ("withdrawn", None),
            ],
        );
        check(least(Severity::Notice), &[("line-faulted", None), ("withdrawn", None)]);
        check(least(Severity::Warning), &[("line-faulted", None)]);
    }

    #[test]
    fn what_is_no_entry_is_told_so() {
        assert!(Sieve::new(WhichEvents::default()).look("{\"seq\":1}", |_| None).is_err());
    }
}
