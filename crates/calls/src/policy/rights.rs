//! Who may do what, by asking the rules instead of reading the text: what a change of configuration changes for
//! each user.
//!
//! ```text
//!     both configurations ──► every name ──► its rights: served, proof, windows, services, limits, and for
//!                                            each number that either one knows of: is it called, on which lines?
//! ```
//!
//! Two spellings of the same rights do not differ. It does not know which of two rights is the better one.

use std::collections::{BTreeMap, BTreeSet};

use super::explain::{Question, explain};
use super::{Counters, Marked};
use crate::config::user::{Service, User, UserCallback};
use crate::config::window::week;
use crate::config::{Action, Config, NamePattern, When};
use crate::vocabulary::Wall;

/// What changes for one user.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// The name.
    pub user: String,
    /// What changes: what it is about, what it was, what it will be.
    pub rights: Vec<(String, String, String)>,
}

/// Everybody whose rights change from `old` to `new`, by name. `at` is when they are looked at, in the middle of
/// nothing: windows and dates are compared by themselves.
#[must_use]
pub fn diff(old: &Config, new: &Config, at: Wall) -> Vec<Change> {
    let names: BTreeSet<String> = names(old).chain(names(new)).collect();
    let (old_open, new_open) = (timeless(old), timeless(new));
    let mut changes = Vec::new();
    for user in names {
        let numbers: BTreeSet<String> =
            numbers(old, &user).into_iter().chain(numbers(new, &user)).collect();
        let before = rights((old, &old_open), &user, &numbers, at);
        let after = rights((new, &new_open), &user, &numbers, at);
        let about: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let none = || "-".to_owned();
        let rights: Vec<_> = about
            .into_iter()
            .map(|about| {
                let of = |rights: &BTreeMap<String, String>| rights.get(about).cloned();
                (about.clone(), of(&before).unwrap_or_else(none), of(&after).unwrap_or_else(none))
            })
            .filter(|(_, before, after)| before != after)
            // Whoever is new, or goes, has little to tell of but what is his own.
            .filter(|(_, before, after)| match (before.as_str(), after.as_str()) {
                ("-", other) | (other, "-") => !USUAL.contains(&other),
                (_, _) => true,
            })
            .collect();
        if !rights.is_empty() {
            changes.push(Change { user, rights });
        }
    }
    changes
}

/// What a user has who has nothing of his own.
const USUAL: [&str; 6] = ["always", "never", "all", "no", "not limited", "of the pool"];

/// Everybody with a name: users, and entries of login.config that take one name and ask for a callback.
fn names(config: &Config) -> impl Iterator<Item = String> {
    let entries = config.entries.iter().filter_map(|entry| {
        let on_request = match entry.when {
            When::Always | When::OnRequest => true,
            When::OnReturn => false,
        };
        match (&entry.pattern, &entry.action) {
            (NamePattern::Exact(name), Action::Callback { .. }) if on_request => {
                Some(config.user(name).map_or(name, |user| &user.name).clone())
            }
            _ => None,
        }
    });
    config.users.iter().map(|user| user.name.clone()).chain(entries)
}

/// The same with nobody's windows and dates, so that the other rules can be asked at any time.
fn timeless(config: &Config) -> Config {
    let mut config = config.clone();
    for user in &mut config.users {
        user.windows.clear();
        user.expires = None;
        user.review_by = None;
    }
    config
}

/// Numbers that make a difference: stored ones, and for each pattern one that it takes.
fn numbers(config: &Config, name: &str) -> Vec<String> {
    let mut numbers: Vec<String> = Vec::new();
    let own = config.user(name).and_then(|user| user.callback.as_ref());
    let lists = |callback: &UserCallback| [callback.allow.clone(), callback.deny.clone()].concat();
    let patterns = &config.callback.caller_numbers;
    let all = [patterns.allow.clone(), patterns.deny.clone(), own.map(lists).unwrap_or_default()];
    numbers.extend(all.iter().flatten().filter_map(|pattern| sample(pattern)));
    if let Some(callback) = own {
        numbers.extend(callback.numbers.iter().map(|number| number.as_str().to_owned()));
    }
    numbers.extend(
        config.lines.iter().filter_map(|line| Some(line.number.as_ref()?.as_str().to_owned())),
    );
    numbers
}

/// A number that the pattern takes and few others: its digits, filled up. `None` for `*`: the others show it.
fn sample(pattern: &str) -> Option<String> {
    match pattern.strip_suffix('*') {
        None => Some(pattern.to_owned()),
        Some("" | "+") => None,
        Some(digits) => {
            let short = 9_usize.saturating_sub(digits.len()).max(2);
            Some(format!("{digits}{}", "7".repeat(short)))
        }
    }
}

fn rights(
    (config, open): (&Config, &Config),
    name: &str,
    numbers: &BTreeSet<String>,
    at: Wall,
) -> BTreeMap<String, String> {
    let mut rights = BTreeMap::new();
    let mut is = |about: &str, value: String| {
        rights.insert(about.to_owned(), value);
    };
    let user = config.user(name);
    if let Some(user) = user {
        of_user(config, user, &mut is);
    }
    let ask = |number: Option<&str>, service| {
        let counters = Counters::default();
        let question = Question {
            user: name,
            number,
            line: None,
            from: None,
            at,
            service,
            proves: true,
            counters,
            marked: Marked::default(),
        };
        explain(open, &question)
    };
    let services = [Some(Service::Login), user.map(|_| Service::Ppp)];
    for service in services.into_iter().flatten() {
        let word = service.word();
        let first = ask(None, Some(service));
        is(&format!("{word}: called back"), first_answer(&first));
        for number in numbers {
            let asked = ask(Some(number), Some(service));
            // What is not asked for makes no difference.
            if asked.approved && !asked.numbers.contains(number) {
                continue;
            }
            is(&format!("{word}: {number}"), first_answer(&asked));
        }
    }
    rights
}

fn first_answer(explanation: &super::explain::Explanation) -> String {
    match explanation.approved {
        true => {
            let lines = explanation.lines.join(", ");
            format!("{} on {lines}", explanation.numbers.join(", "))
        }
        false if explanation.rule == "number" => "asked for a number".to_owned(),
        false => format!("refused by {}", explanation.rule),
    }
}

fn of_user(config: &Config, user: &User, is: &mut impl FnMut(&str, String)) {
    let list = |words: &[String]| {
        let mut words = words.to_vec();
        words.sort_unstable();
        words.dedup();
        words.join(", ")
    };
    let date = |date: Option<jiff::civil::Date>| date.map(|date| date.to_string());
    let all = || "all".to_owned();
    is("names", list(&[std::slice::from_ref(&user.name), &user.aliases].concat()));
    is("windows", week(&user.windows, config.server.time_zone.as_ref()));
    is("expires", date(user.expires).unwrap_or_else(|| "never".to_owned()));
    is("review by", date(user.review_by).unwrap_or_else(|| "-".to_owned()));
    let mut services: Vec<String> = user.services.iter().map(|s| s.word().to_owned()).collect();
    services.sort_unstable();
    is("services", if services.is_empty() { all() } else { services.join(", ") });
    let own = [std::slice::from_ref(&user.name), &user.aliases].concat();
    is("returns as", list(if user.return_names.is_empty() { &own } else { &user.return_names }));
    let proof = user.return_proof.unwrap_or(config.callback.return_proof);
    is("proves himself on the return call by", proof.word().to_owned());
    is("tries", user.tries.unwrap_or(config.callback.tries).to_string());
    let known = &user.credentials;
    let has = [
        ("password", known.password.is_some()),
        ("totp", known.totp.is_some()),
        ("ppp", known.ppp.is_some()),
    ];
    let has: Vec<_> = has.iter().filter(|(_, has)| *has).map(|(word, _)| *word).collect();
    is("can prove the name by", if has.is_empty() { "-".to_owned() } else { has.join(", ") });
    is("has to prove the name by", config.callback.authenticate.word().to_owned());
    let limit =
        |most: Option<u32>| most.map_or_else(|| "not limited".to_owned(), |most| most.to_string());
    is("minutes a day", limit(user.budget.minutes));
    is("calls a day", limit(user.budget.calls));
    is("cost a day", limit(user.budget.cost));
    is(
        "address",
        user.address.map_or_else(|| "of the pool".to_owned(), |address| address.to_string()),
    );
    if let Some(callback) = &user.callback {
        is("may stay without a callback", if callback.may_stay { "yes" } else { "no" }.to_owned());
        is("must be called back", if callback.required { "yes" } else { "no" }.to_owned());
    }
}
