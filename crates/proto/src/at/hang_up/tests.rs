//! Hanging up as timelines, with honest modems and with callers who play one.

use super::*;

fn plan(proof: Option<(&str, &str)>) -> Plan {
    Plan {
        escape: Escape::default(),
        form: Form::Verbose,
        limit: Duration::from_secs(3),
        tries: 2,
        proof: proof.map(|(question, answer)| Proof {
            question: Command::new(question).unwrap(),
            answer: answer.to_owned(),
        }),
    }
}

/// Hangs up while these things arrive at these milliseconds: a line `ms step` for every step.
#[track_caller]
fn check(plan: Plan, arrives: &[(u64, &[u8])], wanted: &str) {
    check_from(HangUp::start(Instant::ZERO, plan), arrives, wanted);
}

/// The same for one that was begun at zero.
#[track_caller]
fn check_from(mut hang_up: HangUp, arrives: &[(u64, &[u8])], wanted: &str) {
    let mut now = Instant::ZERO;
    let mut arrives = arrives.iter().peekable();
    let mut log = Vec::new();
    for _ in 0..100 {
        while let Some(step) = hang_up.poll() {
            let step = match step {
                Step::Send(bytes) => format!("send {}", bytes.escape_ascii()),
                Step::Done => "done".to_owned(),
                Step::Failed(failure) => format!("failed: {failure}"),
            };
            log.push(format!("{} {step}", now.as_millis()));
        }
        let Some(due) = hang_up.deadline() else { break };
        match arrives.next_if(|(at, _)| Instant::from_millis(*at) <= due.at) {
            Some((at, bytes)) => {
                now = Instant::from_millis(*at);
                hang_up.receive(now, bytes);
            }
            None => {
                assert!(due.at >= now, "a deadline in the past");
                now = due.at;
                hang_up.tick(now);
            }
        }
    }
    assert_eq!(hang_up.deadline(), None, "it never ends: {log:?}");
    let wanted: Vec<&str> = wanted.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(log, wanted);
}

#[test]
fn a_modem_online_is_hung_up() {
    check(
        plan(None),
        &[(300, b"the last words"), (2_150, b"\r\nOK\r\n"), (2_900, b"ATH\r\r\nNO CARRIER\r\n")],
        r"
        1100 send +++
        2150 send ATH\r
        2900 done",
    );
}

#[test]
fn a_modem_in_the_command_state_already_is_hung_up() {
    check(
        plan(None),
        &[(1_110, b"+++"), (4_110, b"\rATH\r\r\nOK\r\n")],
        r"
        1100 send +++
        4100 send \r
        4100 send ATH\r
        4110 done",
    );
}

#[test]
fn a_modem_that_has_said_no_carrier_is_not_waited_for_but_is_escaped_all_the_same() {
    check_from(
        HangUp::start_hushed(Instant::ZERO, plan(None)),
        &[(2_310, b"\rATH\r\r\nOK\r\n")],
        r"
        1100 send +++
        2300 send \r
        2300 send ATH\r
        2310 done",
    );
    // A caller wrote that, and writes on: before the second silence is over it is still his.
    check_from(
        HangUp::start_hushed(Instant::ZERO, plan(None)),
        &[(1_500, b"\r\nOK\r\n"), (2_150, b"\r\nOK\r\n"), (2_900, b"\r\nOK\r\n")],
        r"
        1100 send +++
        2150 send ATH\r
        2900 done",
    );
}

#[test]
fn an_ok_before_the_guard_time_is_the_callers() {
    check(
        plan(None),
        &[
            (500, b"\r\nOK\r\n"),
            (1_300, b"\r\nOK\r\n\r\nCONNECT\r\nOK\r\n"),
            (2_150, b"\r\nOK\r\n"),
            (2_200, b"\r\nOK\r\n"),
        ],
        r"
        1100 send +++
        2150 send ATH\r
        2200 done",
    );
}

#[test]
fn it_is_tried_again_and_then_given_up() {
    check(
        plan(None),
        &[(2_200, b"OK\r\n"), (2_300, b"ERROR\r\n")],
        r"
        1100 send +++
        2200 send ATH\r
        3400 send +++
        6400 send \r
        6400 send ATH\r
        9400 failed: ATH: no answer from the modem within 3s",
    );
}

#[test]
fn a_caller_who_plays_the_modem_cannot_answer_its_question() {
    check(
        plan(Some(("ATS30?", "137"))),
        &[
            (2_150, b"\r\nOK\r\n"),
            (2_160, b"\r\n000\r\n\r\nOK\r\n"),
            (4_300, b"\r\nOK\r\n"),
            (4_310, b"\r\nOK\r\n"),
        ],
        r"
        1100 send +++
        2150 send ATS30?\r
        3260 send +++
        4300 send ATS30?\r
        4310 failed: ATH: what answers is not the modem, or it was reset meanwhile",
    );
    check(
        plan(Some(("ATS30?", "137"))),
        &[(2_150, b"\r\nOK\r\n"), (2_160, b"ATS30?\r\r\n137\r\n\r\nOK\r\n"), (2_300, b"OK\r\n")],
        r"
        1100 send +++
        2150 send ATS30?\r
        2160 send ATH\r
        2300 done",
    );
}

#[test]
fn the_next_call_is_not_swallowed() {
    let mut hang_up = HangUp::start(Instant::ZERO, plan(None));
    hang_up.tick(Instant::from_millis(1_100));
    hang_up.receive(Instant::from_millis(2_200), b"\r\nOK\r\n");
    hang_up.receive(Instant::from_millis(2_300), b"\r\nOK\r\n\r\nRING\r\n");
    assert_eq!(std::iter::from_fn(|| hang_up.poll()).last(), Some(Step::Done));
    assert_eq!(hang_up.finish(), b"\n\r\nRING\r\n");
}
