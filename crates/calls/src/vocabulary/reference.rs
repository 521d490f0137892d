//! The reference page of events, causes and alerts, read off the declarations themselves, so that it can't lag behind.
//!
//! `cargo run -p dialback-calls --example events-reference > docs/reference/events.md` writes it; a test holds the page in
//! the repository against it. It understands Rust as far as `event.rs` and `alert.rs` use it: doc comments above
//! variants, fields on the variant's line or on lines of their own.

use std::fmt::Write as _;

const EVENTS: &str = include_str!("event.rs");
const ALERTS: &str = include_str!("../alert.rs");

/// A variant of an enum or a field of a struct, as declared.
struct Item {
    name: String,
    doc: String,
    /// Name and type of each field.
    fields: Vec<(String, String)>,
    /// The type that holds the fields, for `Promised(Promised)`.
    inner: Option<String>,
}

/// `docs/reference/events.md`.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(OPENING);
    for event in items(body(EVENTS, "pub enum Event {")) {
        // Writing to a String can't fail.
        let _ = write!(page, "\n### `{}`\n\n{}\n", kebab(&event.name), event.doc);
        let fields: Vec<(String, String)> = match &event.inner {
            Some(inner) => items(body(EVENTS, &format!("pub struct {inner} {{")))
                .into_iter()
                .flat_map(|field| field.fields)
                .collect(),
            None => event.fields,
        };
        page.push_str(if fields.is_empty() { "" } else { "\n" });
        for (name, kind) in fields {
            let _ = writeln!(page, "- `{name}`: {}", told(&kind));
        }
    }
    page.push_str(CAUSES_OPENING);
    for cause in items(body(EVENTS, "pub enum Cause {")) {
        let (number, doc) = match cause.doc.split_once(": ") {
            Some((number, doc)) if number.parse::<u8>().is_ok() => (number, doc.to_owned()),
            _ => ("", cause.doc),
        };
        let _ = writeln!(page, "| `{}` | {number} | {} |", kebab(&cause.name), first_upper(&doc));
    }
    page.push_str(ALERTS_OPENING);
    for alert in items(body(ALERTS, "pub enum Alert {")) {
        let _ = writeln!(page, "| `{}` | {} |", kebab(&alert.name), alert.doc);
    }
    page
}

/// The lines between a declaration's opening and its closing brace at the margin.
fn body<'a>(source: &'a str, opening: &str) -> &'a str {
    let after = source.split_once(opening).map_or("", |(_, after)| after);
    after.split_once("\n}").map_or("", |(body, _)| body)
}

/// The variants or fields that stand one indentation below the margin.
fn items(body: &str) -> Vec<Item> {
    let mut found: Vec<Item> = Vec::new();
    let mut doc = String::new();
    for line in body.lines() {
        let deep = line.starts_with("        ");
        let line = line.trim();
        if let Some(text) = line.strip_prefix("///") {
            if !deep {
                doc.push_str(if doc.is_empty() { "" } else { " " });
                doc.push_str(text.trim());
            }
        } else if deep {
            if let Some(item) = found.last_mut() {
                item.fields.extend(field(line));
            }
        } else if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let (head, rest) = line.split_once([' ', '(', ',', '{', ':']).unwrap_or((line, ""));
            let inner = line.contains('(').then(|| rest.trim_end_matches([')', ',']).to_owned());
            let mut item = Item {
                name: head.to_owned(),
                doc: std::mem::take(&mut doc),
                fields: Vec::new(),
                inner,
            };
            if line.starts_with("pub ") {
                item.fields.extend(field(line.trim_start_matches("pub ")));
            } else {
                let inline = rest.trim_start_matches('{').trim_end_matches(['}', ',', ' ']);
                item.fields.extend(inline.split(", ").filter_map(field));
            }
            found.push(item);
        }
    }
    found
}

fn field(text: &str) -> Option<(String, String)> {
    let (name, kind) = text.trim().trim_end_matches(',').split_once(": ")?;
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    plain.then(|| (name.to_owned(), kind.to_owned()))
}

/// What stands for a type in JSON.
fn told(kind: &str) -> String {
    if let Some(inner) = kind.strip_prefix("Option<").and_then(|k| k.strip_suffix('>')) {
        return format!("{}; may be missing or `null`", told(inner));
    }
    if let Some(inner) = kind.strip_prefix("Vec<").and_then(|k| k.strip_suffix('>')) {
        return format!("list of: {}", told(inner));
    }
    match kind {
        "String" => "text",
        "bool" => "`true` or `false`",
        "u8" | "u16" | "u32" | "u64" | "i64" => "number",
        "IpAddr" => "address, IPv4 or IPv6",
        "CallId" => "number of a call",
        "SessionId" => "number of a session",
        "PromiseId" => "number of a promise",
        "Leg" => "`request` (the caller called us) or `return` (we called him back)",
        "Cause" => "a [cause](#causes)",
        "Alert" => "an [alert](#alerts)",
        "Wall" => "`unix_ms` (milliseconds since 1970 UTC) and `offset_s` (local time ahead of UTC, in seconds)",
        "ExitStatus" => "`code` or `signal` with its number",
        "Charge" => "what it cost: `user`, `class`, `minutes`, `cost` (hundredths of the currency; missing without a tariff)",
        "Box<Findings>" => {
            "what was found: `with`, `held_ms` (held after that still; the hold time lies between it and `hold_ms`), `dial_tone_ms`, \
             `caller_id` (`found`: `nothing`, `no-number` or `number`, behind so many `rings`), `called` and `calling` (how it \
             learned that its peer had hung up: `signal` `carrier`, `words` or `nothing`), `calls`"
        }
        other => return format!("`{other}`"),
    }
    .to_owned()
}

fn kebab(name: &str) -> String {
    let mut word = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(c.to_ascii_lowercase());
    }
    word
}

fn first_upper(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |c| c.to_ascii_uppercase().to_string() + rest.as_str())
}

const OPENING: &str = "# Events, causes, alerts

Everything that the server knows to have happened is an event of the journal. `dialback log --json` prints them, one JSON
object a line: `seq` (its place, counted from 1), `at` (when), `event` (which, by the names below) and the event's own
fields. `dialback log --event NAME` shows one kind. Milliseconds end in `_ms`. No event holds a secret; text that came from a
caller is printable ASCII and bounded.

This page is made of the declarations in `crates/calls/src/vocabulary/event.rs` and `alert.rs`.

## Events
";

const CAUSES_OPENING: &str = "
## Causes

Why a call ended: `ended`'s `cause`, and `dialback calls --cause`. The number is that of RADIUS Acct-Terminate-Cause
(RFC 2866 §5.10) where one fits.

| cause | RADIUS | meaning |
|---|---|---|
";

const ALERTS_OPENING: &str = "
## Alerts

What should wake somebody: the event `alert` with one of these kinds.

| alert | meaning |
|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_the_repository_is_current() {
        let written = include_str!("../../../../docs/reference/events.md");
        assert!(
            written == page(),
            "docs/reference/events.md is not what the declarations say: run \
             cargo run -p dialback-calls --example events-reference > docs/reference/events.md"
        );
    }

    #[test]
    fn every_event_field_and_cause_is_understood() {
        let events = items(body(EVENTS, "pub enum Event {"));
        assert!(events.len() > 40, "only {} events were found", events.len());
        for event in &events {
            assert!(event.doc.ends_with('.'), "{}: {:?}", event.name, event.doc);
        }
        assert!(items(body(EVENTS, "pub enum Cause {")).len() > 20);
        assert!(items(body(ALERTS, "pub enum Alert {")).len() > 8);
        let strange: Vec<String> = page()
            .lines()
            .filter(|line| line.starts_with("- `") && line.contains(": `"))
            .filter(|line| {
                line.split(": `").nth(1).is_some_and(|t| t.starts_with(char::is_uppercase))
            })
            .map(str::to_owned)
            .collect();
        assert!(strange.is_empty(), "types without a word for them: {strange:#?}");
    }
}
