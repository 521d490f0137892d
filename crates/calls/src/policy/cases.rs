//! A table of expectations of a configuration, for its tests: who is called back when, at which number, and by which
//! rule not.
//!
//! ```toml
//! [[case]]
//! name   = "alice is called at home"     # a sentence; optional
//! user   = "alice"
//! number = "5550199"                     # what is typed or chosen; optional
//! line   = "main"                        # optional, as are from, service ("login", "ppp")
//! at     = "2026-11-23T10:00"            # in the server's time zone
//! proves = true                          # false: he does not prove the name
//! open   = 0                             # promises open for the user
//! expect = "approved"                    # or "refused"
//! rule   = "user alice"                  # by what, or the beginning of it; optional
//! numbers = ["5550199"]                  # what is dialled; optional, as is lines
//! ```
//!
//! It reads no file and no clock: every case says what time it is.

use std::ops::Range;

use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::Spanned;

use super::explain::{Explanation, Question, explain, time};
use super::{Counters, Marked, OpenPromises, Spent};
use crate::config::Config;
use crate::config::user::Service;

/// The most cases in one file.
const MAX_CASES: usize = 10_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    case: Vec<Spanned<Case>>,
}

/// What is expected of one call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: Option<String>,
    user: String,
    number: Option<String>,
    line: Option<String>,
    from: Option<String>,
    service: Option<Use>,
    at: String,
    #[serde(default = "yes")]
    proves: bool,
    #[serde(default)]
    open: u32,
    #[serde(default)]
    open_in_all: u32,
    #[serde(default)]
    minutes: u32,
    #[serde(default)]
    calls: u32,
    expect: Expected,
    rule: Option<String>,
    numbers: Option<Vec<String>>,
    lines: Option<Vec<String>>,
}

const fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Use {
    Login,
    Ppp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Expected {
    Approved,
    Refused,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The case's name, or what it asks.
    pub name: String,
    /// The line of the file that it begins on.
    pub line: usize,
    /// What went otherwise than expected; empty: it passed.
    pub differences: Vec<String>,
    /// The explanation, for whoever wants to see it.
    pub explanation: Explanation,
}

/// Runs every case of a file's text. `local` is the zone of times where the server's configuration names none.
///
/// # Errors
/// The text is no table of cases; with its line.
pub fn run(config: &Config, text: &str, local: &TimeZone) -> Result<Vec<Outcome>, String> {
    let line = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    let file: File = toml::from_str(text).map_err(|fault| {
        let at = fault.span().map_or(1, |Range { start, .. }| line(start));
        format!("{at}: {}", fault.message())
    })?;
    match file.case.len() {
        0 => return Err("1: no [[case]] in it".to_owned()),
        1..=MAX_CASES => {}
        more => return Err(format!("1: {more} cases; {MAX_CASES} are the most")),
    }
    let zone = config.server.time_zone.as_ref().map_or(local, |zone| zone.time_zone());
    file.case
        .iter()
        .map(|case| {
            let line = line(case.span().start);
            case.get_ref().run(config, zone, line).map_err(|why| format!("{line}: {why}"))
        })
        .collect()
}

impl Case {
    fn run(&self, config: &Config, zone: &TimeZone, line: usize) -> Result<Outcome, String> {
        let question = Question {
            user: &self.user,
            number: self.number.as_deref(),
            line: self.line.as_deref(),
            from: self.from.as_deref(),
            at: time(&self.at, zone)?,
            service: self.service.map(|service| match service {
                Use::Login => Service::Login,
                Use::Ppp => Service::Ppp,
            }),
            proves: self.proves,
            counters: Counters {
                open: OpenPromises { by_user: self.open, in_all: self.open_in_all.max(self.open) },
                spent: Spent { minutes: self.minutes, calls: self.calls, ..Spent::default() },
                ..Counters::default()
            },
            marked: Marked::default(),
        };
        let explanation = explain(config, &question);
        let name = self.name.clone().unwrap_or_else(|| {
            let number = self.number.as_ref().map(|number| format!(" at {number}"));
            format!("{}{}, {}", self.user, number.unwrap_or_default(), self.at)
        });
        let differences = self.differences(&explanation);
        Ok(Outcome { name, line, differences, explanation })
    }

    fn differences(&self, got: &Explanation) -> Vec<String> {
        let mut differences = Vec::new();
        if got.approved != (self.expect == Expected::Approved) {
            differences.push(got.answer());
            return differences;
        }
        if let Some(rule) = &self.rule
            && !is_rule(rule, &got.rule)
        {
            differences.push(format!("expected by {rule}; {}", got.answer()));
        }
        for (what, expected, got) in
            [("numbers", &self.numbers, &got.numbers), ("lines", &self.lines, &got.lines)]
        {
            if let Some(expected) = expected
                && expected != got
            {
                let list = |words: &[String]| words.join(", ");
                differences.push(format!("{what}: {}, not {}", list(got), list(expected)));
            }
        }
        differences
    }
}

/// Whether `rule` is what decided, or its name without the pattern behind it.
fn is_rule(rule: &str, decided: &str) -> bool {
    decided.strip_prefix(rule).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}
