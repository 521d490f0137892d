//! Every key of relay.toml is read, and every fault is told with its place and its cure.

use super::*;
use crate::config::keys::{self, Row};

fn read_text(text: &str) -> Result<Relay, Vec<Diagnostic>> {
    let file = FileText { text: text.as_bytes().to_vec(), uid: 0, mode: 0o640 };
    read(Path::new("relay.toml"), &file, 0)
}

fn told(text: &str) -> Vec<String> {
    read_text(text).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(told(text), expected, "{text}");
}

/// A file in which this key, and little else, has this value.
fn with(row: &Row, value: &str) -> String {
    let hook: &[(&str, &str)] = match row.name {
        "url" | "secret_file" => &[("name", "\"a\""), ("url", "\"http://h/\"")],
        _ => &[("name", "\"a\""), ("command", "[\"/bin/true\"]")],
    };
    let needed: [(Section, &[(&str, &str)]); 3] = [
        (Section::RelaySyslog, &[("name", "\"a\""), ("to", "\"tls://h:514\"")]),
        (Section::RelayHook, hook),
        (Section::RelayMail, &[("to", "[\"a@b\"]"), ("from", "\"a@b\"")]),
    ];
    let needed = needed.iter().find(|(section, _)| *section == row.section);
    let mut lines = needed.map_or_else(Vec::new, |(_, lines)| lines.to_vec());
    lines.retain(|(name, _)| *name != row.name);
    lines.push((row.name, value));
    let lines: Vec<String> =
        lines.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!("{}\n{}\n", row.section.title(), lines.join("\n"))
}

#[test]
fn the_example_of_every_key_is_right_and_a_date_is_no_value() {
    for row in keys::relay::rows() {
        check(&with(&row, row.example), &[]);
        let date = told(&with(&row, "1999-12-31"));
        let expected = format!("{} is a date, not ", row.name);
        assert!(date.iter().any(|line| line.contains(&expected)), "{}: {date:?}", row.name);
    }
}

#[test]
fn the_ends_of_every_range_are_inside_and_what_is_beyond_is_told() {
    for row in keys::relay::rows() {
        let Some(range) = &row.range else { continue };
        let (least, most) = range.split_once(" to ").expect("two ends");
        let (least, most) = (least.trim_matches('`'), most.trim_matches('`'));
        check(&with(&row, least), &[]);
        check(&with(&row, most), &[]);
        let beyond = match most.strip_suffix('"') {
            Some(duration) => format!("{duration}1ms\""),
            None => format!("{most}0"),
        };
        let faults = told(&with(&row, &beyond));
        assert!(faults.iter().any(|line| line.contains("is out of range")), "{faults:?}");
    }
}

#[test]
fn an_empty_file_relays_nothing() {
    let relay = read_text("").expect("right");
    assert_eq!(
        (relay.listen, relay.syslog.len(), relay.hooks.len(), relay.mail),
        (None, 0, 0, None)
    );
    assert_eq!(relay.control, Path::new("/run/dialback/control.sock"));
}

#[test]
fn every_fault_has_its_place_and_its_cure() {
    check(
        "[metrix]\n",
        &[
            "relay.toml:1:2: there is no section \"metrix\": \"metrics\" is the nearest that there is",
        ],
    );
    check(
        "[metrics]\nlisten = \"9833\"\n",
        &["relay.toml:2:10: listen: \"9833\" is not an address with a port: write for instance \
           \"127.0.0.1:9833\" or \"[::1]:9833\""],
    );
    check(
        "[[syslog]]\nname = \"a\"\n",
        &["relay.toml:1:1: [[syslog]] without to: write to = \"tls://loghost.example.org:6514\""],
    );
    check(
        "[[syslog]]\nname = \"a\"\nto = \"http://h:1\"\n",
        &["relay.toml:3:6: to: \"http://h:1\" does not say how: write \"udp://host:514\", \
           \"tcp://host:514\" or \"tls://host:6514\""],
    );
    check(
        "[[hook]]\nname = \"a\"\n",
        &[
            "relay.toml:1:1: [[hook]] with both or none of command and url: write one of them: a program \
           to run, or an address to post to",
        ],
    );
    check(
        "[[hook]]\nname = \"a\"\ncommand = \"true\"\n",
        &["relay.toml:3:11: command: the first is not an absolute path: for example command = \
           [\"/usr/local/bin/page\", \"--dialback\"]"],
    );
    check(
        "[[hook]]\nname = \"a\"\nurl = \"http://h/\"\nevents = [\"endet\"]\n",
        &[
            "relay.toml:4:11: events: there is no event \"endet\": \"ended\" is the nearest that there is",
        ],
    );
    check(
        "[[hook]]\nname = \"a\"\nurl = \"http://h/\"\n[[hook]]\nname = \"a\"\nurl = \"http://h/\"\n",
        &[
            "relay.toml:5:8: a second [[hook]] \"a\": give each a name of its own: its place in the journal \
           is kept under it",
        ],
    );
    check(
        "[mail]\nto = [\"a@b\\nBcc: c@d\"]\nfrom = \"a@b\"\n",
        &[
            "relay.toml:2:7: to: \"a@b\\nBcc: c@d\" is not a mail address: write the bare address, like \
           \"operators@example.org\"",
            "relay.toml:2:6: to: nobody gets the mail: name somebody, or leave [mail] out",
        ],
    );
    check(
        "[[syslog]]\nname = \"a\"\nto = \"tcp://h:6514\"\nca_file = \"ca.pem\"\n",
        &["relay.toml:4:11: ca_file: nobody has to vouch for h: tcp is not encrypted: write \
           \"tls://h:6514\", or leave it out"],
    );
    check(
        "[[hook]]\nname = \"a\"\ncommand = [\"/x\"]\nsecret_file = \"s\"\n",
        &[
            "relay.toml:4:15: secret_file: a program gets no signature: leave it out, or write a url",
        ],
    );
    check(
        "[mail]\nto = [\"a@b@c\"]\nfrom = \"a@b\"\n",
        &[
            "relay.toml:2:7: to: \"a@b@c\" is not a mail address: write the bare address, like \
           \"operators@example.org\"",
            "relay.toml:2:6: to: nobody gets the mail: name somebody, or leave [mail] out",
        ],
    );
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    let file = FileText { text: Vec::new(), uid: 0, mode: 0o666 };
    let faults = read(Path::new("relay.toml"), &file, 0).expect_err("faults");
    assert!(
        faults.iter().any(|fault| fault.to_string().contains("lets others write it")),
        "{faults:?}"
    );
}

#[test]
fn a_filter_takes_by_name_by_kind_of_alert_and_by_severity() {
    let alert =
        |alert| Event::Alert { alert, line: None, call: None, user: None, reason: String::new() };
    let takes = |events: &[&str], severity, name: &str, event: &Event| {
        let events = events.iter().map(|&event| event.to_owned()).collect();
        Filter { events, severity }.takes(name, event)
    };
    let stopped = Event::ServerStopped;
    assert!(takes(&[], Severity::Plain, "server-stopped", &stopped));
    assert!(takes(&["server-stopped"], Severity::Plain, "server-stopped", &stopped));
    assert!(!takes(&["ended"], Severity::Plain, "server-stopped", &stopped));
    assert!(!takes(&[], Severity::Notice, "server-stopped", &stopped));
    assert!(takes(&["alert:loop"], Severity::Alert, "alert", &alert(Alert::Loop)));
    assert!(!takes(&["alert:loop"], Severity::Plain, "alert", &alert(Alert::Budget)));
    assert!(takes(&["alert"], Severity::Plain, "alert", &alert(Alert::Budget)));
}
