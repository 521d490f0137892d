//! What an event is about, as names and texts: for receivers that sort by fields (journald, syslog, hooks).
//!
//! It does not know how any of them writes a field.

use calls::alert::Severity;
use calls::vocabulary::Entry;
use serde_json::Value;

use super::{LinesOfCalls, sentence};

/// See the file's text. No secrets; texts of callers are printable ASCII, bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    /// The event's name in the journal.
    pub(crate) event: String,
    /// How much it matters.
    pub(crate) severity: Severity,
    /// The event in words.
    pub(crate) text: String,
    /// The line, the call, the session, the promise, the user and the rule, where it names them: `("call", "c12")`.
    pub(crate) names: Vec<(&'static str, String)>,
}

/// The ids by which things are named, with their prefixes.
const IDS: [(&str, char); 3] = [("call", 'c'), ("session", 's'), ("promise", 'p')];

/// What the entry is about.
pub(crate) fn fields(lines: &mut LinesOfCalls, entry: &Entry) -> Fields {
    let said = sentence(&entry.event);
    let line = lines.of(&said, &entry.event);
    // By its fields, as the journal has them: new events need no place here.
    let value = serde_json::to_value(&entry.event).unwrap_or_default();
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut names = Vec::new();
    if line != "-" {
        names.push(("line", line));
    }
    for (key, prefix) in IDS {
        if let Some(id) = value.get(key).and_then(Value::as_u64) {
            names.push((key, format!("{prefix}{id}")));
        }
    }
    names.extend(text("user").or_else(|| text("name")).map(|user| ("user", user)));
    names.extend(text("rule").map(|rule| ("rule", rule)));
    names.extend(text("alert").map(|alert| ("alert", alert)));
    names.extend(text("cause").map(|cause| ("cause", cause)));
    let event = text("event").unwrap_or_default();
    Fields { event, severity: entry.event.severity(), text: said.text, names }
}

/// The severity of syslog (RFC 5424 §6.2.1, table 2) and of journald.
pub(crate) const fn syslog_severity(severity: Severity) -> u8 {
    match severity {
        Severity::Alert => 1,
        Severity::Warning => 4,
        Severity::Notice => 5,
        Severity::Plain => 6,
    }
}
