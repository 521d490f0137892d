//! Every key of the table is read: its example loads, and a value of a wrong kind is told at its place.

use super::*;
use crate::config::keys::{self, Row, Section};
use crate::diagnostic::Severity;

/// A configuration in which this key, and little else, has this value.
fn with(row: &Row, value: &str) -> String {
    let key = format!("{} = {value}", row.name);
    let is = |section, name| row.section == section && row.name == name;
    let server = match row.section {
        Section::Server if row.name == "login_config" => key.clone(),
        Section::Server => format!("login_config = \"login.config\"\n{key}"),
        Section::Audit
        | Section::Login
        | Section::Callback
        | Section::CallerNumbers
        | Section::Ppp
        | Section::User
        | Section::UserCallback
        | Section::UserBudget
        | Section::Site
        | Section::DialPlan
        | Section::Tariff
        | Section::DayBudget
        | Section::Line
        | Section::Modem
        | Section::Web
        | Section::Relay
        | Section::RelayMetrics
        | Section::RelaySyslog
        | Section::RelayHook
        | Section::RelayMail => "login_config = \"login.config\"".to_owned(),
    };
    let mut text = format!("[server]\n{server}\n[[line]]\n");
    for (name, default) in [("name", "\"main\""), ("port", "\"/dev/ttyUSB0\"")] {
        let value = if is(Section::Line, name) { value } else { default };
        text.push_str(&format!("{name} = {value}\n"));
    }
    match row.section {
        Section::Line if row.name == "service" || row.name == "backend" => {
            text.push_str(&format!("{key}\n{}", ppp("name", "local = \"10.9.0.1\"")));
        }
        Section::Line if row.name != "name" && row.name != "port" => text.push_str(&key),
        // Not every profile has a command for caller ID.
        Section::Modem if row.name == "profile" => text.push_str(&format!("modem = {{ {key} }}")),
        Section::Modem => text.push_str(&format!("modem = {{ profile = \"conexant\", {key} }}")),
        Section::Web if row.name == "tls_key" => {
            text.push_str(&format!("[web]\ntls_certificate = \"/web.pem\"\n{key}"));
        }
        Section::Web if row.name == "readers" => {
            text.push_str(&format!("[web]\ntoken_file = \"/web-tokens\"\n{key}"));
        }
        Section::Web => text.push_str(&format!("[web]\n{key}")),
        Section::Audit => text.push_str(&format!("[audit]\n{key}")),
        Section::Login => text.push_str(&format!("[login]\n{key}")),
        Section::Callback => text.push_str(&format!("[callback]\n{key}")),
        Section::CallerNumbers => {
            text.push_str(&format!("[callback.caller_numbers]\n{key}"));
        }
        Section::Ppp => text.push_str(&ppp(row.name, &key)),
        Section::User => {
            let name = if row.name == "name" { "" } else { "name = \"alice\"\n" };
            let ppp = ppp("name", "local = \"10.9.0.1\"");
            text.push_str(&format!("{ppp}\n[[user]]\n{name}{key}"));
        }
        Section::UserBudget => {
            text.push_str(&format!("[[user]]\nname = \"alice\"\n[user.budget]\n{key}"));
        }
        Section::UserCallback => {
            let numbers = if row.name == "numbers" { "" } else { "numbers = [\"5550199\"]\n" };
            let patterns = "[callback.caller_numbers]\nallow = [\"*\"]\n";
            let user = "[[user]]\nname = \"alice\"\n[user.callback]\n";
            text.push_str(&format!("{patterns}{user}{numbers}{key}"));
        }
        Section::Site => text.push_str(&format!("[site]\n{key}")),
        Section::DialPlan => {
            text.push_str(&format!("dial_plan = {{ {key} }}\n[site]\ncountry = \"DE\""));
        }
        Section::Tariff => text.push_str(&format!("[[tariff]]\n{key}")),
        Section::DayBudget => text.push_str(&format!("[[budget]]\n{key}")),
        Section::Server | Section::Line => {}
        // These have a file of their own, and tests beside its reader.
        Section::Relay
        | Section::RelayMetrics
        | Section::RelaySyslog
        | Section::RelayHook
        | Section::RelayMail => {}
    }
    text.push('\n');
    text
}

/// `[ppp]` with this key, and what it cannot be without.
fn ppp(name: &str, key: &str) -> String {
    let mut text = "[ppp]\n".to_owned();
    if name != "secrets" {
        text.push_str("secrets = \"/etc/dialback/chap-secrets\"\n");
    }
    if name == "pool" {
        text.push_str("local = \"10.9.0.1\"\n");
    }
    text.push_str(key);
    text
}

fn errors(text: &str) -> Vec<String> {
    let names = ["login.config", "/etc/dialback/login.config", "/etc/dialback/dialin.config"];
    let mut files: BTreeMap<PathBuf, FileText> = names
        .into_iter()
        .map(|name| (name.into(), file(if name.contains("dialin") { "!5550667" } else { LOGIN })))
        .collect();
    files.insert("/etc/dialback/chap-secrets".into(), file("bob * s3cret"));
    files.insert("/etc/dialback/users.toml".into(), file("[[user]]\nname = \"zoe\""));
    files.insert("/etc/dialback/issue".into(), file("Welcome"));
    files.insert("dialback.toml".into(), file(text));
    match load(Path::new("dialback.toml"), &surroundings(), &files) {
        Ok(_) => Vec::new(),
        Err(faults) => {
            let errors = faults.iter().filter(|fault| fault.severity == Severity::Error);
            errors.map(ToString::to_string).collect()
        }
    }
}

#[test]
fn the_example_of_every_key_loads() {
    for row in keys::all() {
        let text = with(&row, row.example);
        assert_eq!(errors(&text), Vec::<String>::new(), "{}\n{text}", row.name);
    }
}

#[test]
fn a_date_is_no_value_of_any_key() {
    for row in keys::all() {
        let text = with(&row, "1999-12-31");
        let told = errors(&text);
        let expected = format!("{} is a date, not ", row.name);
        assert!(told.iter().any(|line| line.contains(&expected)), "{}: {told:?}", row.name);
    }
}

#[test]
fn the_ends_of_every_range_are_inside_and_what_is_beyond_is_told() {
    let check = |row: &Row, value: &str, right: bool| {
        let told = errors(&with(row, value));
        let out = told.iter().any(|line| line.contains("is out of range"));
        assert_eq!(!out, right, "{} = {value}: {told:?}", row.name);
    };
    let mut ranges = 0;
    for row in keys::all() {
        let Some(range) = &row.range else { continue };
        let (least, most) = range.split_once(" to ").expect("two ends");
        let (least, most) = (least.trim_matches('`'), most.trim_matches('`'));
        check(&row, least, true);
        check(&row, most, true);
        let beyond = match most.strip_suffix('"') {
            Some(duration) => format!("{duration}1ms\""),
            None => format!("{most}0"),
        };
        check(&row, &beyond, false);
        ranges += 1;
    }
    assert!(ranges > 15, "{ranges} keys have ranges");
}
