//! Messages against RFC 5424, octet by octet.

use calls::alert::Alert;
use calls::vocabulary::{CallId, Event, Seq, SessionId, Wall};

use super::*;

fn written(entry: &Entry) -> String {
    let fields = fields(&mut LinesOfCalls::default(), entry);
    String::from_utf8(message(10, "orion", entry, &fields, LONGEST)).expect("UTF-8")
}

fn entry(seq: u64, event: Event) -> Entry {
    // RFC 5424 §6.2.3.1, example 1: 1985-04-12T23:20:50.52Z.
    Entry { seq: Seq(seq), at: Wall { unix_ms: 482_196_050_520, offset_s: 3600 }, event }
}

#[test]
fn an_event_is_a_message_with_its_names_as_structured_data() {
    let rang = Event::Rang {
        line: "main".to_owned(),
        call: CallId(12),
        caller_id: Some("5550199".to_owned()),
        called: None,
    };
    assert_eq!(
        written(&entry(7, rang)),
        "<86>1 1985-04-13T00:20:50.520+01:00 orion dialback - rang [meta sequenceId=\"7\"]\
         [dialback@32473 line=\"main\" call=\"c12\"] rings (caller 5550199)"
    );
}

#[test]
fn an_alert_has_the_severity_of_an_alert() {
    let alert = Event::Alert {
        alert: Alert::Loop,
        line: None,
        call: None,
        user: None,
        reason: "x".to_owned(),
    };
    let text = written(&entry(1, alert));
    assert!(text.starts_with("<81>1 ") && text.contains(" alert=\"loop\"]"), "{text}");
}

#[test]
fn what_a_caller_types_stays_inside_of_its_value() {
    let named =
        Event::Named { call: CallId(1), session: SessionId(1), name: "a\"b\\c]d".to_owned() };
    let text = written(&entry(1, named));
    assert!(text.contains(r#" user="a\"b\\c\]d"] "#), "{text}");
}

#[test]
fn sequence_ids_stay_in_their_range_and_the_header_in_its_alphabet() {
    let text = written(&entry(LAST_SEQUENCE_ID + 1, Event::ServerStopped));
    assert!(text.contains("[meta sequenceId=\"1\"]"), "{text}");
    assert_eq!((header("", 32), header("a b\u{e9}c", 2)), ("-".to_owned(), "ab".to_owned()));
}

#[test]
fn a_message_is_cut_where_the_receiver_would_cut_it() {
    let reason = "\u{e9}".repeat(5000);
    let alert = Event::Alert { alert: Alert::Loop, line: None, call: None, user: None, reason };
    let entry = entry(1, alert);
    let fields = fields(&mut LinesOfCalls::default(), &entry);
    let cut = message(10, "orion", &entry, &fields, LONGEST_DATAGRAM);
    assert!(cut.len() <= LONGEST_DATAGRAM && cut.len() > LONGEST_DATAGRAM - 2);
    assert!(String::from_utf8(cut).is_ok());
}

#[test]
fn the_longest_values_leave_the_structured_data_whole() {
    let long = || "\"]\u{e9}".repeat(5000);
    let alert = Event::Alert {
        alert: Alert::Loop,
        line: Some(long()),
        call: None,
        user: Some(long()),
        reason: "why".to_owned(),
    };
    let entry = entry(1, alert);
    let mut fields = fields(&mut LinesOfCalls::default(), &entry);
    fields.names = ["line", "call", "session", "promise", "user", "rule"]
        .map(|name| (name, "]".repeat(5000)))
        .to_vec();
    let host = "h".repeat(5000);
    let text = String::from_utf8(message(23, &host, &entry, &fields, LONGEST_DATAGRAM)).unwrap();
    assert!(text.len() <= LONGEST_DATAGRAM, "{}", text.len());
    let (data, words) = text.rsplit_once("\"] ").unwrap();
    assert!(data.contains(&format!(" rule=\"{}", "\\]".repeat(LONGEST_VALUE))), "{text}");
    assert!(!words.is_empty() && fields.text.starts_with(words), "{text}");
}
