//! Journals and what a new run makes of them.

use super::*;
use crate::vocabulary::SessionId;

fn entries(events: Vec<Event>) -> Vec<Entry> {
    let stamp = |(seq, event)| {
        let at = Wall { unix_ms: i64::try_from(seq).expect("a time") * 1_000, offset_s: 0 };
        Entry { seq: Seq(seq), at, event }
    };
    (10..).zip(events).map(stamp).collect()
}

fn promised(promise: u64) -> Event {
    Event::Promised(Promised {
        promise: PromiseId(promise),
        session: SessionId(5),
        call: Some(CallId(3)),
        user: "mary".to_owned(),
        numbers: vec!["5551234".to_owned()],
        lines: vec!["main".to_owned()],
        rule: "operator".to_owned(),
        due: Wall::default(),
        expires: Wall::default(),
        tries: 3,
        retry_ms: 30_000,
        init: Vec::new(),
        speed: None,
        ppp: false,
        bound: false,
    })
}

fn failed(promise: u64, cause: Cause) -> Event {
    Event::TryFailed {
        promise: PromiseId(promise),
        call: None,
        line: None,
        cause,
        next_ms: Some(30_000),
    }
}

fn dialled(promise: u64, call: u64) -> Event {
    Event::Dialled {
        promise: PromiseId(promise),
        session: SessionId(5),
        call: CallId(call),
        line: "main".to_owned(),
        number: "5551234".to_owned(),
        rule: "operator".to_owned(),
        attempt: 1,
    }
}

/// The open promises with their failed tries, and the calls that were cut off.
fn check(events: Vec<Event>, open: &[(u64, u32)], cut_off: &[u64]) {
    let restored = fold(&entries(events));
    let got: Vec<_> =
        restored.open.iter().map(|open| (open.promised.promise.0, open.failed)).collect();
    assert_eq!(got, open);
    assert_eq!(restored.cut_off.iter().map(|call| call.call.0).collect::<Vec<_>>(), cut_off);
}

#[test]
fn an_empty_journal_begins_with_one() {
    assert_eq!(fold(&[]), Restored::default());
    assert_eq!(Fold::default().finish(), Restored::default());
}

#[test]
fn a_promise_is_open_until_it_is_kept_withdrawn_or_expired() {
    let kept = Event::Kept { promise: PromiseId(1), call: CallId(4) };
    let withdrawn = Event::Withdrawn { promise: PromiseId(2), why: String::new() };
    let expired = Event::Expired { promise: PromiseId(3), why: String::new() };
    check(vec![promised(1)], &[(1, 0)], &[]);
    check(
        vec![promised(1), promised(2), promised(3), promised(4), kept, withdrawn, expired],
        &[(4, 0)],
        &[],
    );
}

#[test]
fn a_dial_that_was_cut_off_costs_no_try_and_one_that_failed_does() {
    check(vec![promised(1), dialled(1, 4)], &[(1, 0)], &[4]);
    check(
        vec![
            promised(1),
            failed(1, Cause::Busy),
            failed(1, Cause::Glare),
            failed(1, Cause::NoAnswer),
        ],
        &[(1, 2)],
        &[],
    );
}

#[test]
fn numbers_go_on_behind_the_highest_of_each_kind() {
    let restored = fold(&entries(vec![promised(9), dialled(9, 4), promised(2)]));
    assert_eq!(restored.next_seq, Seq(13));
    assert_eq!(restored.next_promise, PromiseId(10));
    assert_eq!(restored.next_call, CallId(5));
    assert_eq!(restored.next_session, SessionId(6));
}

#[test]
fn a_call_that_was_cut_off_gets_a_record_with_what_is_known() {
    let events = vec![
        Event::Rang { line: "main".to_owned(), call: CallId(7), caller_id: None, called: None },
        Event::Connected {
            line: "main".to_owned(),
            call: CallId(7),
            session: SessionId(8),
            direction: Leg::Request,
            connect: String::new(),
            speed: None,
        },
    ];
    let restored = fold(&entries(events));
    let [call] = &restored.cut_off[..] else { panic!("one call, not {:?}", restored.cut_off) };
    let ended = call.clone().ended(Wall { unix_ms: 60_000, offset_s: 0 });
    assert_eq!((ended.cause, ended.session), (Cause::NasError, Some(SessionId(8))));
    assert_eq!((ended.total_ms, ended.online_ms), (50_000, 49_000));
}

#[test]
fn a_measuring_call_that_was_cut_off_is_known_until_its_end_is_told() {
    let (line, with, who) = ("main".to_owned(), "second".to_owned(), "root".to_owned());
    let call = Event::MeasuringCall {
        line: line.clone(),
        from: with.clone(),
        number: "5550100".to_owned(),
        rule: "measured".to_owned(),
        purpose: "how it rings".to_owned(),
    };
    let measured =
        Event::Measured { line: line.clone(), finding: "it rings".to_owned(), charge: None };
    let given_up =
        Event::NotQualified { line: line.clone(), with, who, reason: "a ring".to_owned() };
    let other = Event::LineReady { line: "second".to_owned() };
    let by_hand = |line: &str| Event::Qualified {
        line: line.to_owned(),
        hold_ms: 12_000,
        who: "root".to_owned(),
        findings: None,
    };
    for (events, cut_off) in [
        (vec![call.clone()], Some((10_000, 10_000))),
        (vec![call.clone(), other.clone(), other], Some((10_000, 12_000))),
        (vec![call.clone(), measured.clone()], None),
        (vec![call.clone(), measured, call.clone()], Some((12_000, 12_000))),
        // An operator's own record ends no call.
        (vec![call.clone(), by_hand("third")], Some((10_000, 11_000))),
        (vec![call.clone(), by_hand("main")], Some((10_000, 11_000))),
        (vec![call, given_up], None),
    ] {
        let restored = fold(&entries(events.clone())).measuring;
        let got = restored.map(|call| {
            assert_eq!((call.line, call.number), (line.clone(), "5550100".to_owned()));
            (call.began.unix_ms, call.last.unix_ms)
        });
        assert_eq!(got, cut_off, "{events:?}");
    }
}
