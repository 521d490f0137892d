//! One promise and its transitions.

use super::*;
use crate::vocabulary::Wall;

fn now(ms: u64) -> Now {
    let wall = Wall { unix_ms: i64::try_from(ms).expect("a time"), offset_s: 0 };
    Now { at: Instant::from_millis(ms), wall }
}

fn promised() -> Promised {
    Promised {
        promise: PromiseId(1),
        session: SessionId(1),
        call: None,
        user: "mary".to_owned(),
        numbers: vec!["111".to_owned(), "222".to_owned()],
        lines: vec!["main".to_owned()],
        rule: "operator".to_owned(),
        due: now(2_000).wall,
        expires: now(60_000).wall,
        tries: 3,
        retry_ms: 30_000,
        init: Vec::new(),
        speed: None,
        ppp: false,
        bound: false,
    }
}

fn waiting() -> Promise {
    Promise::restored(&promised(), now(1_000), 0)
}

#[test]
fn a_restored_promise_is_due_when_the_wall_clock_says_so() {
    assert_eq!(waiting().state, State::Waiting { due: Instant::from_millis(2_000) });
    let late = Promise::restored(&promised(), now(50_000), 1);
    assert_eq!(late.state, State::Waiting { due: Instant::from_millis(50_000) });
    assert_eq!(late.expires, Instant::from_millis(60_000));
    assert_eq!((late.attempt(), late.number().map(PhoneNumber::as_str)), (2, Some("222")));
}

#[test]
fn tries_that_count_use_the_numbers_by_turns_and_then_the_promise_up() {
    let mut promise = waiting();
    let at = Instant::from_millis(2_000);
    let retry = Duration::from_secs(30);
    let mut dialled = Vec::new();
    for (cause, after) in [
        (Cause::Busy, AfterTry::Again(retry)),
        // Nobody's telephone rang: the same number again, and no try is used up.
        (Cause::Glare, AfterTry::Again(retry)),
        (Cause::PortError, AfterTry::Again(retry)),
        (Cause::NoAnswer, AfterTry::Again(retry)),
        (Cause::Busy, AfterTry::UsedUp),
    ] {
        dialled.push(promise.number().map_or("", PhoneNumber::as_str).to_owned());
        promise.state = State::Dialling { line: LineId(0), call: CallId(1) };
        assert_eq!(promise.try_failed(at, cause), after, "{cause:?}");
    }
    assert_eq!(dialled, ["111", "222", "222", "222", "111"]);
}

#[test]
fn every_state_has_its_deadline() {
    let at = Instant::from_millis;
    let seq = Seq(1);
    let dialling = State::Dialling { line: LineId(0), call: CallId(1) };
    for (state, wanted) in [
        (State::Unsealed { seq, reply: None, until: at(9) }, Some(at(9))),
        (State::Parting, Some(at(60_000))),
        (State::Waiting { due: at(2_000) }, Some(at(2_000))),
        (State::Waiting { due: at(90_000) }, Some(at(60_000))),
        (State::Hunting, Some(at(60_000))),
        (dialling, None),
    ] {
        let promise = Promise { state, ..waiting() };
        assert_eq!(promise.deadline().map(|deadline| deadline.at), wanted, "{state:?}");
    }
}

#[test]
fn sealing_and_parting_happen_once_and_in_this_order() {
    let due = Instant::from_millis(5_000);
    let reply = Some(RequestId(7));
    let unsealed = State::Unsealed { seq: Seq(1), reply, until: due };
    let mut promise = Promise { state: unsealed, ..waiting() };
    promise.part(due);
    assert_eq!(promise.state, unsealed, "not stored yet: its leg being over changes nothing");
    assert_eq!(promise.seal(None), reply);
    assert_eq!((promise.state, promise.seal(Some(due))), (State::Parting, None));
    promise.part(due);
    assert_eq!(promise.state, State::Waiting { due });
    let mut promise = Promise { state: unsealed, ..waiting() };
    promise.seal(Some(due));
    assert_eq!(promise.state, State::Waiting { due });
}
