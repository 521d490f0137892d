//! dialback.toml, written with its reasons: each value that stands for one of mgetty's says which.
//!
//! It decides nothing.

use std::fmt::Write as _;

use super::callback::Callback;
use super::lines::{Line, Lines};
use super::login::Login;
use super::ppp::Ppp;

/// The text in the making.
struct Sheet(String);

impl Sheet {
    fn note(&mut self, text: &str) {
        for line in text.lines() {
            let _ = writeln!(self.0, "# {line}");
        }
    }

    fn section(&mut self, heading: &str) {
        let _ = write!(self.0, "\n{heading}\n");
    }

    fn text(&mut self, key: &str, value: &str) {
        self.plain(key, toml::Value::from(value));
    }

    fn plain(&mut self, key: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{key} = {value}");
    }
}

/// Seconds as a duration.
fn seconds(seconds: u64) -> String {
    match seconds {
        s if s > 0 && s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s > 0 && s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

/// The whole file.
pub(super) fn write(
    lines: &Lines,
    login: &Login,
    callback: &Callback,
    ppp: &Ppp,
    screened: bool,
) -> String {
    let mut sheet = Sheet(String::new());
    sheet.note(
        "Written by `dialback migrate` from mgetty's files; docs/guide/migrating.md explains it.",
    );
    sheet.note(
        "Every key is explained in docs/reference/configuration.md. After a change: dialback check",
    );
    sheet.section("[server]");
    sheet.text("login_config", "login.config");
    if screened {
        sheet.text("dialin_config", "dialin.config");
    }
    if lines.issue.is_some() {
        sheet.text("issue", "issue");
    } else if lines.no_issue {
        sheet.text("issue", "");
    }
    sheet.section("[login]");
    sheet.text("prompt", &lines.prompt);
    sheet.text("time_limit", &seconds(lines.time_limit_s));
    sheet.text("quiet", &format!("{}ms", lines.quiet_ms));
    if let Some(term) = &lines.term {
        sheet.text("term", term);
    }
    for line in &lines.all {
        one_line(&mut sheet, line, callback);
    }
    if callback.used {
        callbacks(&mut sheet, callback, login);
    }
    if ppp.is_built_in {
        networks(&mut sheet, ppp);
    }
    sheet.0
}

fn one_line(sheet: &mut Sheet, line: &Line, callback: &Callback) {
    sheet.section("[[line]]");
    sheet.note(&format!("from {}", line.place));
    sheet.text("name", &line.name);
    sheet.text("port", &line.port);
    sheet.plain("speed", line.speed);
    if !line.hardware_flow {
        sheet.plain("hardware_flow", false);
    }
    if line.rings != 1 {
        if !line.rings_why.is_empty() {
            sheet.note(line.rings_why);
        }
        sheet.plain("rings", line.rings);
    }
    sheet.note("number = \"...\"           the line's own telephone number: write it here, it is then never dialled");
    if callback.used
        && let Some(hold) = line.hold_s
    {
        sheet.note("How long the exchange holds the line after we hang up. mgetty dials after its delay and hopes;");
        sheet.note("measure yours (dialback qualify) and correct this: a longer hold connects the call to whoever holds it.");
        sheet.text("hold_time", &seconds(hold));
    }
    let mut modem = vec![format!("profile = {}", toml::Value::from(line.profile))];
    if !line.init.is_empty() {
        modem.push(format!("init = {}", toml::Value::from(line.init.clone())));
    }
    if line.caller_id {
        modem.push("caller_id = true".to_owned());
    }
    if let Some(prefix) = &line.dial_prefix {
        modem.push(format!("dial_prefix = {}", toml::Value::from(prefix.as_str())));
    }
    if let Some(answer) = line.answer_s {
        modem.push(format!("answer_time = {}", toml::Value::from(seconds(answer))));
    }
    modem.push(format!("check_every = {}", toml::Value::from(seconds(line.check_s))));
    sheet.plain("modem", format!("{{ {} }}", modem.join(", ")));
}

fn callbacks(sheet: &mut Sheet, callback: &Callback, login: &Login) {
    sheet.section("[callback]");
    if login.callbacks.iter().all(|entry| entry.same || entry.elsewhere) {
        sheet.note("every entry of login.config says its line by itself (-S, -l)");
    }
    sheet.plain("line", &callback.line);
    sheet.text("delay", &seconds(callback.delay_s));
    sheet.text("jitter", &seconds(callback.jitter_s));
    sheet.text("retry", &seconds(callback.retry_s));
    sheet.text("max_time", &seconds(callback.max_s));
    sheet.plain("tries", callback.tries);
    if callback.asks {
        sheet.note("mgetty dials whatever a caller types. Write the beginnings of your callers' numbers in place of \"*\".");
        sheet.note("Not taken: premium, international and emergency numbers, as most countries write them.");
        let deny = ["00*", "011*", "+*", "0900*", "900*", "1900*", "110", "112", "911", "999"];
        let deny = toml::Value::from(deny.map(str::to_owned).to_vec());
        sheet.plain("caller_numbers", format!("{{ allow = [\"*\"], deny = {deny} }}"));
    }
}

fn networks(sheet: &mut Sheet, ppp: &Ppp) {
    let wanted = &ppp.wanted;
    let list = |all: &[std::net::Ipv4Addr]| {
        toml::Value::from(all.iter().map(ToString::to_string).collect::<Vec<_>>()).to_string()
    };
    sheet.section("[ppp]");
    sheet.text("secrets", "chap-secrets");
    if let Some(local) = wanted.local {
        sheet.text("local", &local.to_string());
    }
    sheet.plain("pool", list(&wanted.pool));
    if !wanted.dns.is_empty() {
        sheet.plain("dns", list(wanted.dns.get(..2).unwrap_or(&wanted.dns)));
    }
    if !wanted.wins.is_empty() {
        sheet.plain("wins", list(wanted.wins.get(..2).unwrap_or(&wanted.wins)));
    }
    for (key, value) in
        [("mtu", wanted.mtu), ("mru", wanted.mru), ("echo_failures", wanted.echo_failures)]
    {
        if let Some(value) = value {
            sheet.plain(key, value);
        }
    }
    for (key, value) in [
        ("idle_limit", wanted.idle_s),
        ("session_limit", wanted.session_s),
        ("echo_interval", wanted.echo_s),
    ] {
        if let Some(value) = value {
            sheet.text(key, &seconds(value));
        }
    }
    if wanted.proxy_arp {
        sheet.plain("proxy_arp", true);
    }
    if wanted.ipv6 {
        sheet.plain("ipv6", true);
    }
    for (key, path) in &ppp.scripts {
        sheet.text(key, path);
    }
    for (name, address) in &ppp.addresses {
        sheet.section("[[user]]");
        sheet.text("name", name);
        sheet.text("address", address);
    }
}
