//! A `wvdial.conf`: sections `[Dialer Name]` of `Key = Value`, the `[Dialer Defaults]` behind all of them.
//!
//! wvdial itself cannot be called back: while it waits it starts pppd or dials again. So the callback is what is added.

use std::collections::BTreeMap;

use proto::at::commands::Command;

use super::{Imported, Sheet};

const DEFAULTS: &str = "defaults";

/// Keys that have no place in a peer file, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("stupid mode", "not needed: dial does not guess at prompts"),
    ("carrier check", "not needed: dial takes the carrier signal where the port has one"),
    ("auto reconnect", "left out: dial makes one call; start it again for another"),
    ("dial attempts", "left out: dial makes one call; start it again for another"),
    ("idle seconds", "left out: use pppd's option idle"),
    ("auto dns", "left out: use pppd's option usepeerdns"),
    ("new pppd", "not needed: every pppd is new by now"),
    ("default reply", "not needed: dial answers the prompts that it knows and no others"),
    ("abort on busy", "not needed: dial always ends then, with exit code 21"),
    ("abort on no dialtone", "not needed: dial always ends then, with exit code 20"),
    ("dial timeout", "left out: the modem's profile has one"),
    ("isdn", "left out: only modems with AT commands can be used"),
    ("pppd path", "left out: pppd is taken from PATH"),
];

/// A value and its line.
type Value = (usize, String);

/// Whether this is a wvdial.conf.
pub(super) fn is_one(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().to_ascii_lowercase().starts_with("[dialer"))
}

pub(super) fn read(text: &str, section: Option<&str>) -> Result<Imported, String> {
    let mut keys = keys(text, section)?;
    let mut sheet = Sheet::default();
    let mut take = |key: &str| keys.remove(key);
    let port = take("modem").map_or_else(|| "/dev/modem".to_owned(), |(_, port)| port);
    sheet.text("port", &port);
    if let Some((line, baud)) = take("baud") {
        match baud.parse::<u32>() {
            Ok(speed) => sheet.plain("speed", speed),
            Err(_) => sheet.remark(line, "Baud", "left out: not a number"),
        }
    }
    let mut init = Vec::new();
    for key in
        ["init", "init1", "init2", "init3", "init4", "init5", "init6", "init7", "init8", "init9"]
    {
        let Some((line, text)) = take(key) else { continue };
        match Command::new(&text) {
            Ok(_) => init.push(text),
            Err(why) => sheet.remark(line, &text, format!("left out: {why}")),
        }
    }
    if !init.is_empty() {
        sheet.list("init", &init);
    }
    let command = take("dial command");
    let prefix = take("dial prefix");
    if command.is_some() || prefix.is_some() {
        let command = command.map_or_else(|| "ATDT".to_owned(), |(_, text)| text);
        let prefix = prefix.map_or_else(String::new, |(_, text)| text);
        sheet.text("dial_prefix", &format!("{command}{prefix}"));
    }
    let area = take("area code").map_or_else(String::new, |(_, text)| text);
    match take("phone") {
        Some((_, number)) => sheet.text("number", &format!("{area}{number}")),
        None => sheet.remark(0, "Phone", "no number: add one"),
    }
    for key in ["phone1", "phone2", "phone3", "phone4"] {
        if let Some((line, number)) = take(key) {
            sheet.remark(line, &number, "left out: a peer has one number; make another peer of it");
        }
    }
    let user = login(&mut sheet, &mut take);
    sheet.section("then");
    let mut options =
        vec!["noipdefault".to_owned(), "defaultroute".to_owned(), "noauth".to_owned()];
    options.extend(user.into_iter().flat_map(|user| ["user".to_owned(), user]));
    options.extend(
        take("remote name").into_iter().flat_map(|(_, name)| ["remotename".to_owned(), name]),
    );
    options.extend(take("pppd option").into_iter().map(|(_, option)| option));
    sheet.list("pppd", &options);
    sheet.text.push_str(
        "\n# wvdial could not be called back. For a callback take the marks away:\n\
         # [callback]\n# name   = \"cback\"\n# number = \"5550199\"\n",
    );
    for (key, (line, _)) in keys {
        let known = LEFT_OUT.iter().find(|(name, _)| *name == key);
        sheet.remark(
            line,
            &key,
            known.map_or("left out: not a key that dial knows", |known| known.1),
        );
    }
    Ok(sheet.done())
}

/// The `[login]` section; the user's name.
fn login(sheet: &mut Sheet, take: &mut impl FnMut(&str) -> Option<Value>) -> Option<String> {
    let prompt = take("login prompt");
    let password_prompt = take("password prompt");
    let password = take("password");
    let asked = take("ask password");
    let (_, user) = take("username")?;
    sheet.section("login");
    sheet.text("name", &user);
    if let Some((line, _)) = &password {
        sheet.remark(
            *line,
            "Password",
            "left out: write it into a file with mode 600 and name that as password_file; until then it is asked for",
        );
    }
    if password.is_some() || asked.is_some() {
        sheet.plain("ask_password", true);
    }
    if let Some((_, prompt)) = prompt {
        sheet.text("login_prompt", &prompt);
    }
    if let Some((_, prompt)) = password_prompt {
        sheet.text("password_prompt", &prompt);
    }
    Some(user)
}

/// The keys of the defaults, with those of the section over them. Keys in lower case.
fn keys(text: &str, section: Option<&str>) -> Result<BTreeMap<String, Value>, String> {
    let wanted = section.map(str::to_ascii_lowercase);
    let mut keys: BTreeMap<String, Value> = BTreeMap::new();
    let mut own: BTreeMap<String, Value> = BTreeMap::new();
    let mut sections = Vec::new();
    let mut here = String::new();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            let lower = name.trim().to_ascii_lowercase();
            here = lower.strip_prefix("dialer").unwrap_or(&lower).trim().to_owned();
            sections.push(here.clone());
            continue;
        }
        let Some((key, value)) = text.split_once('=') else {
            return Err(format!("line {line}: neither a section nor a key with its value"));
        };
        let key = key.trim().to_ascii_lowercase();
        let value = (line, value.trim().trim_matches('"').to_owned());
        if here == DEFAULTS {
            keys.insert(key, value);
        } else if Some(&here) == wanted.as_ref() {
            own.insert(key, value);
        }
    }
    if let Some(wanted) = wanted.filter(|wanted| !sections.contains(wanted)) {
        return Err(format!("no section [Dialer {wanted}]: there are {}", sections.join(", ")));
    }
    own.remove("inherits");
    keys.remove("inherits");
    keys.extend(own);
    Ok(keys)
}
