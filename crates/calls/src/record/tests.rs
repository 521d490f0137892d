//! Journals and the records that come of them.

use super::*;
use crate::vocabulary::{Ended, Seq};

fn entry(seq: u64, event: Event) -> Entry {
    let unix_ms = i64::try_from(seq).expect("a time") * 1_000;
    Entry { seq: Seq(seq), at: Wall { unix_ms, offset_s: 0 }, event }
}

fn ended(call: u64, session: Option<u64>, leg: Leg, cause: Cause) -> Event {
    Event::Ended(Ended {
        line: "main".to_owned(),
        call: CallId(call),
        session: session.map(SessionId),
        leg,
        cause,
        total_ms: 10,
        online_ms: 5,
        bytes_in: 3,
        bytes_out: 4,
        charge: None,
        screen: None,
    })
}

#[test]
fn a_call_has_one_record_with_everything_that_was_said_about_it() {
    let call = CallId(1);
    let session = SessionId(2);
    let line = "main".to_owned();
    let entries = [
        entry(
            1,
            Event::Rang {
                line: line.clone(),
                call,
                caller_id: Some("555".to_owned()),
                called: None,
            },
        ),
        entry(
            2,
            Event::Connected {
                line,
                call,
                session,
                direction: Leg::Request,
                connect: "33600/ARQ".to_owned(),
                speed: Some(33_600),
            },
        ),
        entry(3, Event::Named { call, session, name: "bob".to_owned() }),
        entry(4, Event::Named { call, session, name: "mary".to_owned() }),
        entry(
            5,
            Event::Dispatched {
                call,
                session,
                entry: "login.config:1".to_owned(),
                action: "/bin/login".to_owned(),
            },
        ),
        entry(6, Event::ProgramExited { call, status: ExitStatus::Code(0) }),
        entry(7, ended(1, Some(2), Leg::Request, Cause::UserRequest)),
        entry(8, ended(1, Some(2), Leg::Request, Cause::Stuck)),
    ];
    let records = records(&entries);
    let [record] = &records[..] else { panic!("one record, not {records:?}") };
    assert_eq!(record.began.unix_ms, 1_000);
    assert_eq!(record.connected.map(|at| at.unix_ms), Some(2_000));
    assert_eq!(record.ended.map(|at| at.unix_ms), Some(7_000));
    assert_eq!(record.caller_id.as_deref(), Some("555"));
    assert_eq!((record.connect.as_str(), record.speed), ("33600/ARQ", Some(33_600)));
    assert_eq!(record.name.as_deref(), Some("mary"));
    assert_eq!(record.action.as_deref(), Some("/bin/login"));
    assert_eq!(record.status, Some(ExitStatus::Code(0)));
    assert_eq!(record.cause, Some(Cause::UserRequest));
    assert_eq!((record.bytes_in, record.bytes_out), (3, 4));
}

#[test]
fn a_call_that_lasts_has_no_record_yet_but_is_open() {
    let mut records = Records::default();
    let rang =
        Event::Rang { line: "main".to_owned(), call: CallId(1), caller_id: None, called: None };
    assert_eq!(records.apply(&entry(1, rang)), None);
    assert_eq!(records.open().map(|record| record.call).collect::<Vec<_>>(), [CallId(1)]);
}

#[test]
fn calls_without_a_session_belong_to_no_session_record() {
    let rang =
        Event::Rang { line: "main".to_owned(), call: CallId(1), caller_id: None, called: None };
    let entries = [entry(1, rang), entry(2, ended(1, None, Leg::Request, Cause::Abandoned))];
    let records = records(&entries);
    assert_eq!(records.len(), 1);
    assert_eq!(by_session(records), []);
}
