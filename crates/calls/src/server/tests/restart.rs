//! What a journal is good for: the server is cut off at every event of a callback, and nothing is lost.

use std::time::Duration;

use super::{AT_PROMPT, HANG_UP, READY};
use crate::record;
use crate::testing::{Bench, LOGIN, TOML, config, fresh};
use crate::vocabulary::{Cause, Event, LineId};

/// A whole callback, up to the return leg's end.
fn whole() -> String {
    format!(
        r#"{AT_PROMPT}
        < types fixed\r
        > send "fixed\r\n"
        * named fixed
        * dispatched login.config:3 callback
        * promised p1 5551234,5555678 on main by login.config:3
        < durable all
        > send "\r\nThank you. This call ends now; let your modem answer the next one.\r\nWe call you back within 20 seconds.\r\n"
        > drain
        < drained
        {HANG_UP}
        * ended c1 callback
        {READY}
        + 20s
        > claim
        < claimed
        * dialled p1 c2 5551234 on main try 1
        > send "ATDT5551234\r"
        < dcd up
        < says CONNECT
        * connected c2 s1 return
        * kept p1 c2
        < durable all
        + 100ms
        > send "\r\nalma!login: "
        < dcd down
        > dtr down
        + 500ms
        > dtr up
        * ended c2 lost-carrier
        {READY}
        "#
    )
}

fn dialled(bench: &Bench) -> usize {
    bench.journal.iter().filter(|e| matches!(e.event, Event::Dialled { .. })).count()
}

#[test]
fn a_server_cut_off_at_any_event_keeps_its_promise_exactly_if_it_was_made_and_not_kept() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    bench.run(&whole());
    let journal = bench.journal.clone();
    assert!(journal.len() > 10, "the story is too short");
    for cut in 0..=journal.len() {
        let mut bench = fresh(config(TOML, LOGIN));
        bench.journal = journal[..cut].to_vec();
        let has = |wanted: fn(&Event) -> bool| bench.journal.iter().any(|e| wanted(&e.event));
        let owed =
            has(|e| matches!(e, Event::Promised(_))) && !has(|e| matches!(e, Event::Kept { .. }));
        let before = dialled(&bench);
        bench.restart(config(TOML, LOGIN));
        bench.unseen();
        bench.ready(LineId(0), false);
        bench.pass(Duration::from_secs(40));
        let input = crate::vocabulary::PortInput::Claimed;
        bench.give(crate::vocabulary::Input::Port(LineId(0), input));
        assert_eq!(dialled(&bench) - before, usize::from(owed), "cut off after event {cut}");

        // Each call has exactly one record, cut off or not, and the places in the journal are in order.
        let records = record::records(&bench.journal);
        for record in &records {
            assert_eq!(records.iter().filter(|r| r.call == record.call).count(), 1);
        }
        let begun = bench.journal.iter().filter(|e| matches!(e.event, Event::Rang { .. })).count();
        assert_eq!(records.len(), begun + before, "cut off after event {cut}");
        assert!(bench.journal.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    }
}

#[test]
fn a_promise_whose_time_is_over_expires_at_the_restart() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    bench.run(
        "
        < callback 5551234
        * operated callback 5551234
        * promised p1 5551234 on main by operator
        ",
    );
    bench.now.wall = bench.now.wall + Duration::from_secs(601);
    bench.restart(config(TOML, LOGIN));
    assert!(bench.server.status(bench.now).promises.is_empty());
    assert!(matches!(bench.journal.last().map(|e| &e.event), Some(Event::Expired { .. })));
    bench.restart(config(TOML, LOGIN));
    assert_eq!(
        bench.journal.iter().filter(|e| matches!(e.event, Event::Expired { .. })).count(),
        1,
        "it expires once"
    );
}

#[test]
fn finding_20_a_restart_while_dialling_dials_again_and_costs_no_try() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    bench.run(
        r#"
        < callback 5551234
        * operated callback 5551234
        * promised p1 5551234 on main by operator
        < durable all
        > reply p1
        + 1ms
        > claim
        < claimed
        * dialled p1 c1 5551234 on main try 1
        > send "ATDT5551234\r"
        "#,
    );
    bench.restart(config(TOML, LOGIN));
    let records = record::records(&bench.journal);
    assert_eq!(records.len(), 1, "the call that was cut off has its record");
    assert_eq!(records[0].cause, Some(Cause::NasError));
    bench.unseen();
    bench.ready(LineId(0), false);
    bench.run(
        r#"
        + 20s
        > claim
        < claimed
        * dialled p1 c2 5551234 on main try 1
        > send "ATDT5551234\r"
        "#,
    );
}

#[test]
fn both_legs_come_together_in_one_session_record() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    bench.run(&whole());
    let sessions = record::by_session(record::records(&bench.journal));
    let [session] = &sessions[..] else { panic!("one session, not {sessions:?}") };
    let request = session.request.as_ref().expect("the request leg");
    assert_eq!(request.cause, Some(Cause::Callback));
    assert_eq!(request.name.as_deref(), Some("fixed"));
    assert_eq!(request.action.as_deref(), Some("callback"));
    assert_eq!(request.rule.as_deref(), Some("login.config:3"));
    let [back] = &session.returns[..] else { panic!("one return leg") };
    assert_eq!(back.number.as_deref(), Some("5551234"));
    assert_eq!(back.promise, request.promise);
    assert_eq!(back.cause, Some(Cause::LostCarrier));
}

#[test]
fn after_a_restart_no_line_is_dialled_on_before_its_hold_time_is_over() {
    let now = config(&TOML.replace("\"20s\"", "\"0s\""), LOGIN);
    let mut bench = fresh(now.clone());
    bench.ready(LineId(0), false);
    bench.run(AT_PROMPT);
    bench.happens("types fixed\\r");
    bench.happens("durable all");
    bench.restart(now);
    bench.unseen();
    bench.ready(LineId(0), false);
    bench.run("+ 9999ms\n+ 1ms\n> claim");
}

#[test]
fn a_measuring_call_that_was_cut_off_is_paid_for_once() {
    let mut bench = fresh(config(TOML, LOGIN));
    bench.ready(LineId(0), false);
    let seq = crate::vocabulary::Seq(bench.journal.last().map_or(0, |e| e.seq.0) + 1);
    let event = Event::MeasuringCall {
        line: "main".to_owned(),
        from: "second".to_owned(),
        number: "5550100".to_owned(),
        rule: "line.measured".to_owned(),
        purpose: "how it rings".to_owned(),
    };
    bench.journal.push(crate::vocabulary::Entry { seq, at: bench.now.wall, event });
    for _ in 0..2 {
        bench.restart(config(TOML, LOGIN));
        let charges: Vec<_> = bench
            .journal
            .iter()
            .filter_map(|entry| {
                if let Event::Measured { charge, .. } = &entry.event {
                    charge.as_ref()
                } else {
                    None
                }
            })
            .map(|charge| (charge.user.as_str(), charge.minutes))
            .collect();
        assert_eq!(charges, [(crate::promises::OPERATOR, 1)]);
    }
}
