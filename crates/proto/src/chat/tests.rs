//! Scripts as timelines in virtual time, tokens and strings as tables.

use super::clean::{Piece, Purpose, Typed, clean};
use super::engine::Engine;
use super::{InputEnd, Options, Place, Script, Step, atoi};
use crate::time::Instant;

/// Runs `script` (words) against a timeline: `100 <text` is what comes in at 100 ms, `100 end`, `100 TERM`. What the
/// run does is written one word a step, with the milliseconds at which it happened.
fn check(options: &Options, words: &[&str], timeline: &[&str], wanted: &str) {
    let mut engine = Engine::new(Script::from_words(words), options.clone());
    let mut told = Vec::new();
    let mut events = timeline.iter();
    let mut event = events.next();
    let mut now = Instant::ZERO;
    engine.start(now);
    for _ in 0..10_000 {
        while let Some(step) = engine.poll() {
            let at = now.as_millis();
            match step {
                Step::Send(byte) => {
                    told.push(format!("{at} {}", [byte].escape_ascii()));
                    engine.carried_out(now);
                }
                Step::Break => {
                    told.push(format!("{at} break"));
                    engine.carried_out(now);
                }
                Step::Echo(text) => told.push(format!("{at} echo({})", text.escape_ascii())),
                Step::Say(text) => told.push(format!("{at} say({})", text.escape_ascii())),
                Step::Report { text, found } => {
                    told.push(format!(
                        "{at} report({} {})",
                        found.as_millis(),
                        text.escape_ascii()
                    ));
                }
                Step::Log(_, text) => told.push(format!("{at} log({})", text.escape_ascii())),
                Step::ReadFile(_) => engine.file(now, Ok(b"file\\c\n")),
                Step::Hangup(on) => told.push(format!("{at} hangup({on})")),
                Step::Done(done) => {
                    told.push(format!("{at} done({})", done.code));
                    assert_eq!(told.join(" "), wanted, "{words:?}");
                    return;
                }
            }
        }
        let parsed = event.map(|event| {
            let (at, what) = event.split_once(' ').expect("a time and a fact");
            (Instant::from_millis(at.parse().expect("milliseconds")), what)
        });
        let deadline = engine.deadline().map_or(Instant::FAR, |deadline| deadline.at);
        match parsed {
            Some((at, what)) if at <= deadline => {
                now = now.max(at);
                match what {
                    "end" => engine.input_ended(now, InputEnd::EndOfFile),
                    "TERM" => engine.interrupt(now, "SIGTERM"),
                    text => engine.receive(now, text.trim_start_matches('<').as_bytes()),
                }
                event = events.next();
            }
            Some(_) | None => {
                assert!(deadline < Instant::FAR, "{words:?} hangs after {told:?}");
                now = now.max(deadline);
                engine.tick(now);
            }
        }
    }
    panic!("{words:?} does not end: {told:?}");
}

fn verbose() -> Options {
    Options { verbose: true, timeout: 2, ..Options::default() }
}

#[test]
fn runs_as_timelines() {
    let quiet = Options { timeout: 2, ..Options::default() };
    let echoed = Options { echo: true, ..quiet.clone() };
    for (options, words, timeline, wanted) in [
        (&quiet, &["", "AT\\c"][..], &[][..], "10 A 20 T 20 done(0)"),
        (&quiet, &["", "a\\d\\p\\Kb\\c"], &[], "10 a 1020 break 1030 b 1030 done(0)"),
        (&quiet, &["OK", "A\\c"], &["500 <O", "900 <K"], "910 A 910 done(0)"),
        (&quiet, &["OK"], &["500 <O"], "2000 log(Failed) 2000 done(3)"),
        (&quiet, &["OK-x\\c-OK"], &["2500 <OK"], "2010 x 2500 done(0)"),
        (&quiet, &["OK-x\\c"], &[], "2010 x 2010 done(0)"),
        (&quiet, &["ABORT", "NO", "OK"], &["7 <xNO"], "7 log(Failed (NO)) 7 done(4)"),
        (
            &quiet,
            &["OK"],
            &["9 end"],
            "9 log(warning: read() on stdin returned 0) 9 log(Failed) 9 done(3)",
        ),
        (&quiet, &["OK"], &["9 TERM"], "9 log(SIGTERM) 9 done(2)"),
        (
            &quiet,
            &["HANGUP", "OFF", "SAY", "x\\c", "", "@f"],
            &[],
            "0 hangup(false) 0 say(x) 10 f 20 i 30 l 40 e 40 done(0)",
        ),
        (
            &quiet,
            &["REPORT", "CON", "CON", "\\c"],
            &["5 <CON", "500 <12", "900 <\r"],
            "900 report(5 CON12) 900 done(0)",
        ),
        (
            &quiet,
            &["REPORT", "CON", "CON", "\\c"],
            &["5 <CON 12"],
            "1005 report(5 CON 12) 1005 done(0)",
        ),
        (
            &quiet,
            &["REPORT", "CON", "CON", "\\c"],
            &["5 <CON 12", "9 TERM"],
            "9 report(5 CON 12) 9 done(2)",
        ),
        (&echoed, &["OK"], &["1 <a\tb\r\n", "2 <OK"], "1 echo(a^Ib\\n) 2 echo(OK\\n) 2 done(0)"),
    ] {
        check(options, words, timeline, wanted);
    }
}

#[test]
fn a_timer_cuts_pauses_rings_on_and_leaves_the_line_hasty() {
    check(
        &verbose(),
        &["", "\\d\\d\\d\\c", "OK-y\\c-OK"],
        &["4000 <OK"],
        "0 log(send (\\\\d\\\\d\\\\d)) 2000 log(alarm) 3000 log(alarm) 3000 log(expect (OK)) 3000 log(send (y)) \
         3010 y 3010 log(expect (OK)) 4000 log(OK) 4000 log( -- got it\\n) 4000 done(0)",
    );
    check(
        &verbose(),
        &["", "\\d\\d\\dA"],
        &[],
        "0 log(send (\\\\d\\\\d\\\\dA^M)) 2000 log(alarm) 3000 log(alarm) 3000 log( -- write timed out) \
         3000 log(Failed) 3000 done(1)",
    );
}

#[test]
fn what_may_be_read_is_what_the_script_must_read() {
    let script = Script::from_words([
        "ogin:",
        "me",
        "ABORT",
        "a long one",
        "ssword:-x-y",
        "\\c",
        "OK",
        "\\c",
    ]);
    let mut engine = Engine::new(script, Options::default());
    engine.start(Instant::ZERO);
    // The first expect lacks so many; the later ones read at least nine more, whatever their subexpects.
    for (heard, missing) in [("", 5), ("lo", 4), ("g", 3), ("og", 3), ("x", 5), ("ogi", 2)] {
        engine.receive(Instant::ZERO, heard.as_bytes());
        assert_eq!(engine.wanted(), missing + 7 + 2, "after {heard:?}");
    }
    engine.receive(Instant::ZERO, b"n:");
    assert_eq!(engine.wanted(), 0, "nothing is read during a send");
}

#[test]
fn a_file_becomes_tokens() {
    for (text, wanted) in [
        ("", ""),
        ("'' A\nOK  \tB\n", "1:1= 1:4=A 2:1=OK 2:6=B"),
        ("\"a b\"'c'd e'f", "1:1=a b 1:6=c 1:9=d 1:11=e'f"),
        ("# no\n # B", "2:2=# 2:4=B"),
        ("'a\\'b' 'c\\\\'", "1:1=a\\'b 1:8=c\\\\"),
        ("A\n'b\nC", "1:1=A fault 2 at 2:1"),
        ("A\r\n", "1:1=A\r cr 1"),
    ] {
        let script = Script::from_file(text.as_bytes());
        let show = |place| match place {
            Place::Line { line, column } => format!("{line}:{column}"),
            Place::Word(number) => number.to_string(),
        };
        let mut shown: Vec<String> = script
            .tokens()
            .iter()
            .map(|token| format!("{}={}", show(token.place), String::from_utf8_lossy(&token.text)))
            .collect();
        shown.extend(
            script.fault().map(|f| format!("fault {} at {}", f.counted_line, show(f.place))),
        );
        shown.extend(script.line_with_carriage_return().map(|line| format!("cr {line}")));
        assert_eq!(shown.join(" "), wanted, "{text:?}");
    }
}

#[test]
fn strings_go_through_two_stages() {
    let options = Options { phone: Some(b"5\\d^M".to_vec()), ..Options::default() };
    for (raw, sent, expected) in [
        ("AT", "AT\\r", "AT"),
        ("a\\c", "a", "ac"),
        ("a\\q\\c", "a", "ac"),
        ("\\101\\0\\N^A^@^", "A\\\\\\x00\\\\\\x00\\x01^\\r", "AN\\x01^"),
        ("\\T\\U", "5\\\\d^M\\\\U\\r", "\\\\T\\\\U"),
        ("\\d\\z\\", "\\\\d\\\\z\\\\\\\\\\r", "dz"),
    ] {
        let shown =
            |purpose| clean(raw.as_bytes(), purpose, &options).text.escape_ascii().to_string();
        assert_eq!(shown(Purpose::Send), sent, "{raw} sent");
        assert_eq!(shown(Purpose::Expect), expected, "{raw} expected");
    }
    let typed: Vec<Piece> = Typed::new(b"a\\d\\p\\K\\z\\\0\\".to_vec()).collect();
    assert_eq!(
        typed,
        [
            Piece::Byte(b'a'),
            Piece::Delay,
            Piece::Pause,
            Piece::Break,
            Piece::Byte(b'z'),
            Piece::Byte(0)
        ]
    );
}

#[test]
fn numbers_are_read_as_c_reads_them() {
    for (text, wanted) in [
        ("", 0),
        (" \t+7x", 7),
        ("-5", -5),
        ("--5", 0),
        ("4294967297", 1),
        ("2147483648", i32::MIN),
        ("99999999999999999999", -1),
        ("-99999999999999999999", 0),
    ] {
        assert_eq!(atoi(text.as_bytes()), wanted, "{text:?}");
    }
}
