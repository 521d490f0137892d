//! Suspicions and verdicts as timelines.

use super::super::result::NumericCodes;
use super::*;

const NUMERIC: Form = Form::Numeric(NumericCodes::Hayes);

/// When the watch suspects, in milliseconds, if these things arrive; time runs on to 60 s.
fn suspicions(form: Form, arrives: &[(u64, &[u8])]) -> Vec<u64> {
    let mut watch = CarrierWatch::new(form, Duration::from_secs(2));
    let mut at = Vec::new();
    for &(millis, bytes) in arrives.iter().chain([&(60_000, &b""[..])]) {
        let arrival = Instant::from_millis(millis);
        if let Some(due) = watch.deadline().filter(|due| due.at < arrival) {
            watch.tick(due.at);
            if watch.poll() == Some(Suspect) {
                at.push(due.at.as_millis());
            }
        }
        let _sure = watch.receive(arrival, bytes);
        if watch.poll() == Some(Suspect) {
            assert!(bytes.ends_with(b"\r\n"), "a suspicion needs silence, or the end of a line");
            at.push(millis);
        }
    }
    at
}

#[test]
fn the_words_on_a_line_of_their_own_and_silence_are_suspicious() {
    for (form, arrives, wanted) in [
        (Form::Verbose, &[(0, &b"\r\nNO CARRIER\r\n"[..])][..], &[2_000][..]),
        (Form::Verbose, &[(0, b"NO CARRIER\r\n")], &[2_000]),
        (Form::Verbose, &[(0, b"bye\r\nNO CAR"), (100, b"RIER\r"), (200, b"\n")], &[2_200]),
        (
            Form::Verbose,
            &[(0, b"\r\nNO CARRIER\r\n"), (10_000, b"\r\nNO CARRIER\r\n")],
            &[2_000, 12_000],
        ),
        (Form::Verbose, &[(0, b"\r\nNO CARRIER")], &[]),
        (Form::Verbose, &[(0, b"\r\nNO CARRIER here\r\n")], &[]),
        (Form::Verbose, &[(0, b"\r\nthe modem says NO CARRIER\r\n")], &[]),
        (Form::Verbose, &[(0, b"\r\nNO CARRIERNO CARRIER\r\n")], &[]),
        (Form::Verbose, &[(0, b"\r\nno carrier\r\n")], &[]),
        (Form::Verbose, &[(0, b"\r\nNO CARRIER\r\n$ ")], &[]),
        (Form::Verbose, &[(0, b"\r\nNO CARRIER\r\n"), (1_900, b"$ ")], &[]),
        (Form::Verbose, &[(0, b"\r\nNO CARRIER\r\nNO CARRIER\r\n")], &[2_000]),
        (Form::Verbose, &[(0, b"\r\nNO CARRIER\r\n"), (900, b"\r\nRING\r\n")], &[900]),
        (Form::Verbose, &[(0, b"\r\nNO CARRIER\r\n\r\nRING;5551234;2\r\n")], &[0]),
        (Form::Verbose, &[(0, b"\r\nNO CARRIER\r\n"), (900, b"\r\nRI")], &[2_900]),
        (Form::Verbose, &[(0, b"\r\nNO CARRIER\r\nRINk\r\n")], &[]),
        (Form::Verbose, &[(0, b"\r\nNO CARRIER\r\nRING"), (9, &[b'x'; 80]), (20, b"\r\n")], &[]),
        (Form::Verbose, &[(0, b"login: "), (700, b"\r\nRING\r\n")], &[700]),
        (Form::Verbose, &[(0, b"\r\nRINGING\r\nthe RING\r\n")], &[]),
        (NUMERIC, &[(0, b"\r\n2\r")], &[]),
        (Form::Verbose, &[(0, b"\r\n3\r")], &[]),
        (NUMERIC, &[(0, b"bytes3\r")], &[2_000]),
        (NUMERIC, &[(0, b"3\r"), (500, b"x")], &[]),
        (NUMERIC, &[(0, b"34\r")], &[]),
    ] {
        assert_eq!(suspicions(form, arrives), wanted, "{arrives:?}");
    }
}

#[test]
fn cuts_make_no_difference() {
    let stream = b"x\r\nNO CARRIER\r\n";
    for cut in 0..=stream.len() {
        let (one, other) = stream.split_at(cut);
        assert_eq!(suspicions(Form::Verbose, &[(0, one), (0, other)]), [2_000], "cut at {cut}");
    }
}

#[test]
fn what_comes_behind_the_words_is_doubtful_until_somebody_writes_on() {
    for (pieces, wanted) in [
        (&[&b"abc\r\n"[..]][..], &[5][..]),
        (&[b"abc\r\nNO CARRIER\r\n"], &[16]),
        (&[b"abc\r\nNO CARRIER\r\n\r\nRI", b"NG"], &[16, 0]),
        (&[b"abc\r\nNO CARRIER\r\n\r\nRING\r\n"], &[16]),
        (&[b"NO CARRIER\r\nRI", b"P", b"x"], &[11, 1, 1]),
        (&[b"NO CARRIER\r\n$ "], &[14]),
    ] {
        let mut watch = CarrierWatch::new(Form::Verbose, Duration::from_secs(2));
        let got: Vec<_> = pieces.iter().map(|piece| watch.receive(Instant::ZERO, piece)).collect();
        assert_eq!(got, wanted, "{pieces:?}");
    }
}

/// Asks while these things arrive: a line `ms step` for every step, and what is left for the session.
#[track_caller]
fn check(form: Form, arrives: &[(u64, &[u8])], wanted: &str) {
    let mut now = Instant::ZERO;
    let mut probe = CarrierProbe::start(now, Escape::default(), form, Duration::from_secs(5));
    let mut arrives = arrives.iter().peekable();
    let mut log = Vec::new();
    for _ in 0..100 {
        while let Some(step) = probe.poll() {
            let step = match step {
                Probe::Send(bytes) => format!("send {}", bytes.escape_ascii()),
                Probe::Session(bytes) if bytes.len() > 99 => {
                    format!("session {} bytes", bytes.len())
                }
                Probe::Session(bytes) => format!("session {}", bytes.escape_ascii()),
                Probe::Online => "online".to_owned(),
                Probe::Gone => "gone".to_owned(),
                Probe::Unclear => "unclear".to_owned(),
            };
            log.push(format!("{} {step}", now.as_millis()));
        }
        let Some(due) = probe.deadline() else { break };
        match arrives.next_if(|(at, _)| Instant::from_millis(*at) <= due.at) {
            Some((at, bytes)) => {
                now = Instant::from_millis(*at);
                probe.receive(now, bytes);
            }
            None => {
                assert!(due.at >= now, "a deadline in the past");
                now = due.at;
                probe.tick(now);
            }
        }
    }
    assert_eq!(probe.deadline(), None, "it never ends: {log:?}");
    for (_, bytes) in arrives {
        probe.receive(now, bytes);
    }
    let rest = probe.finish();
    if !rest.is_empty() {
        log.push(format!("rest {}", rest.escape_ascii()));
    }
    let wanted: Vec<&str> = wanted.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(log, wanted);
}

#[test]
fn a_call_that_is_still_there_goes_on_without_a_byte_lost() {
    check(
        Form::Verbose,
        &[
            (500, b"a"),
            (1_500, b"b\r\nOK\r\n"),
            (2_100, b"\r\nOK\r\n"),
            (2_150, b"c\r\nOK\r\n"),
            (3_000, b"ATO\r\r\nCONNECT 33600\r\nd\r\n"),
            (3_100, b"e"),
        ],
        r"
        1100 send +++
        2350 send ATO\r
        3000 session ab\r\nOK\r\n\r\nOK\r\nc
        3000 online
        rest d\r\ne",
    );
}

#[test]
fn a_call_that_is_over_is_found_out() {
    for answer in [&b"\r\nNO CARRIER\r\n"[..], b"\r\nERROR\r\n", b"\r\nOK\r\n"] {
        check(
            Form::Verbose,
            &[(1_110, b"+++"), (4_200, b"\r\r\nRING\r\n"), (4_300, answer)],
            r"
            1100 send +++
            4100 send \rATO\r
            4300 gone",
        );
    }
    check(
        NUMERIC,
        &[(2_200, b"0\r"), (2_500, b"3\r")],
        r"
        1100 send +++
        2400 send ATO\r
        2500 gone",
    );
}

#[test]
fn a_modem_without_an_answer_leaves_it_unclear() {
    check(
        Form::Verbose,
        &[(5_000, b"what is ATO?")],
        r"
        1100 send +++
        4100 send \rATO\r
        9100 session what is ATO?
        9100 unclear",
    );
}

#[test]
fn who_says_so_much_is_there() {
    check(
        Form::Verbose,
        &[(100, &[b'x'; MAX_HELD]), (200, b"y")],
        r"
        200 session 4097 bytes
        200 online",
    );
}
