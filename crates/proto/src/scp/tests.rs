//! The engine's contract, and faults and lints by tables. What the language means is tested on the built program, in
//! `tests/interop/scp`.

use std::time::Duration;

use proptest::prelude::*;

use super::{
    Act, Engine, Lines, Login, MAX_FAULTS, MAX_SCRIPT, MAX_UNREAD, Outcome, Program, Severity,
    lint, read,
};
use crate::time::Instant;

fn program(script: &str) -> Program {
    let reading = read(script.as_bytes());
    reading.program.unwrap_or_else(|| panic!("{:?}", reading.faults))
}

fn engine(script: &str) -> Engine {
    Engine::new(
        program(script),
        Login::new(b"mary".to_vec(), b"secret".to_vec()),
        None,
        Instant::ZERO,
    )
}

fn drain(engine: &mut Engine) -> Vec<Act> {
    std::iter::from_fn(|| engine.poll()).map(|output| output.act).collect()
}

/// `line:column severity message`, one for each.
fn told(script: &str) -> Vec<String> {
    let lines = Lines::new(script.as_bytes());
    let show = |fault: &super::Fault| {
        let (line, column) = (lines.line(fault.span.start), lines.column(fault.span.start));
        let severity = match fault.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        assert!(!fault.cure.is_empty(), "{fault} has no cure");
        format!("{line}:{column} {severity} {}", fault.message)
    };
    lint(script.as_bytes()).iter().map(show).collect()
}

#[test]
fn all_faults_of_a_script_are_told_in_the_order_of_reading() {
    let script = "proc main\n\
        integer n = \"a\"\n\
        transmit 5\n\
        transmit numbr\n\
        waitfor \"a\" then Strat\n\
        goto\n\
        if n then\n\
        set port databits 9\n\
        endif\n\
        Start:\n\
        while TRUE do\n\
        endproc\n";
    let wanted = [
        "2:13 error an integer belongs here, and this is a string",
        "3:10 error a string belongs here, and this is an integer",
        "4:10 error there is no variable numbr",
        "5:18 error there is no label Strat",
        "7:1 error the label is missing before if",
        "7:4 error a boolean belongs here, and this is an integer",
        "8:19 error databits cannot be 9",
        "11:1 error this while has no endwhile",
    ];
    assert_eq!(told(script), wanted);
}

#[test]
fn what_nearly_is_a_name_is_proposed() {
    let script = b"proc main\ninteger count\ncuont = 1\ngoto Lable\nLabel:\nwaitfro \"x\"\nendproc";
    let cures: Vec<_> = read(script).faults.into_iter().map(|fault| fault.cure).collect();
    assert_eq!(cures, ["is count meant?", "is label meant?", "is waitfor meant?"]);
}

/// A body of `proc main`, and what is said of it beyond "nothing": the warnings' first words.
fn check_lint(body: &str, wanted: &[&str]) {
    let told = told(&format!("proc main\n{body}\nendproc\n"));
    assert_eq!(told.len(), wanted.len(), "{body}\n{told:#?}");
    for (told, wanted) in told.iter().zip(wanted) {
        assert!(told.contains(wanted), "{body}\nwanted {wanted}, got {told}");
    }
}

#[test]
fn lints_tell_what_will_go_wrong_on_the_telephone() {
    let wait = |text: &str| format!("waitfor {text} until 9\nif $FAILURE then halt endif");
    for (body, wanted) in [
        ("transmit \"x^M\"".to_owned(), &[][..]),
        // What is waited for.
        (wait("\"RING\""), &["2:9 warning without matchcase this is also found in preparing"]),
        (wait("\"ring^M\""), &["preparing"]),
        (wait("\"RING\", matchcase"), &[]),
        (wait("\"<cr><lf>RING<cr>\", matchcase"), &[]),
        (wait("\"<cr><lf>RING<cr>\""), &["modems say this in capitals"]),
        (wait("\"NO CARRIER\""), &["modems say this in capitals"]),
        (wait("\"CONNECT\", matchcase"), &[]),
        (wait("\"Connecting\""), &[]),
        (wait("\"\""), &["an empty text is found at once"]),
        // How long.
        ("waitfor \"ogin:\"".to_owned(), &["2:1 warning without until this waits for ever"]),
        ("waitfor \"a\" until 5\ntransmit \"x^M\"".to_owned(), &["2:19 warning nothing looks whether"]),
        ("waitfor \"a\" until 5\nboolean_result:\nif $SUCCESS then transmit \"x^M\" endif\ngoto boolean_result".to_owned(),
            &["never comes here, so PPP never begins"]),
        ("waitfor \"a\" then A until 5\nhalt\nA:".to_owned(), &[]),
        ("waitfor \"a\" until 5".to_owned(), &[]),
        // What is sent.
        ("transmit $USERID\ntransmit \"^M\"".to_owned(), &["2:10 warning a user name with ^"]),
        ("transmit $PASSWORD + \"^M\"".to_owned(), &["a password with ^"]),
        ("transmit $USERID, raw\ntransmit \"^M\"".to_owned(), &[]),
        ("transmit $USERID + \"^M\", raw".to_owned(), &["with raw the characters are sent as written"]),
        ("transmit \"ppp\"".to_owned(), &["nothing ends this line"]),
        ("transmit $USERID, raw\nwaitfor \"a\" until 5".to_owned(), &["nothing ends this line"]),
        ("transmit \"1\"".to_owned(), &[]),
        ("transmit \"a\\r\"".to_owned(), &["nothing ends this line", "2:12 warning \\r is sent as these two"]),
        ("transmit \"ATA^M^J\"".to_owned(), &["the LF behind the CR"]),
        ("transmit \"ATA&C1^M\"".to_owned(), &["does not carry out what follows"]),
        ("transmit \"AT&C1A^M\"".to_owned(), &[]),
        // The port.
        ("set port databits 7".to_owned(), &["2:1 warning PPP begins with this setting"]),
        ("set port parity even".to_owned(), &["PPP begins with this setting"]),
        ("set port databits 7\nset port parity even\nset port databits 8\nset port parity none".to_owned(), &[]),
        ("set port databits 7\nif $SUCCESS then set port databits 8 endif".to_owned(), &["PPP begins with this setting"]),
        ("set port databits 7\nhalt".to_owned(), &["PPP never begins"]),
        ("set port stopbits 2".to_owned(), &[]),
        // What is never reached or used.
        ("goto End\ntransmit \"x^M\"\nEnd:".to_owned(), &["3:1 warning nothing ever leads here"]),
        ("goto End\nSkipped: transmit \"x^M\"\nEnd:".to_owned(), &["no goto or then names this", "nothing ever leads here"]),
        ("while TRUE do delay 1 endwhile".to_owned(), &["PPP never begins"]),
        ("if FALSE then transmit \"x^M\" endif".to_owned(), &["nothing ever leads here"]),
        ("integer n".to_owned(), &["2:9 warning this variable is never used"]),
        ("integer n\nn = 4".to_owned(), &["gets values, but nothing reads them"]),
        ("integer n\nn = n + 1".to_owned(), &[]),
        // How it is written.
        ("Transmit \"x^M\"".to_owned(), &["2:1 warning the manual spells this word transmit"]),
        ("integer N\ndelay n".to_owned(), &["3:7 warning n is spelled N where it is made"]),
        ("transmit $userid, raw\ntransmit \"^M\"".to_owned(), &["the manual spells this name $USERID"]),
        ("delay 1transmit \"x^M\"".to_owned(), &["a word follows the number without a blank"]),
    ] {
        check_lint(&body, wanted);
    }
}

#[test]
fn a_procedure_that_is_never_run_is_told() {
    let told = told("proc main\nendproc\nproc other\nendproc\n");
    assert_eq!(told, ["3:6 warning the procedure other is never run"]);
}

#[test]
fn a_thousand_faults_are_a_hundred() {
    let script = format!("proc main\n{}endproc", "bogus 1\n".repeat(1000));
    let reading = read(script.as_bytes());
    assert_eq!((reading.faults.len(), reading.program), (MAX_FAULTS, None));
}

#[test]
fn a_loop_without_end_yields_and_meets_its_limit() {
    let limit = Some(Duration::from_secs(5));
    let login = Login::default();
    let program = program("proc main\nwhile TRUE do\nendwhile\nendproc");
    let mut engine = Engine::new(program, login, limit, Instant::ZERO);
    for second in 0..5 {
        let now = Instant::from_millis(second * 1000);
        assert_eq!(drain(&mut engine), []);
        assert!(engine.deadline().is_some_and(|deadline| deadline.at <= now), "at once");
        engine.tick(now);
    }
    engine.tick(Instant::from_millis(5000));
    assert_eq!(drain(&mut engine), [Act::Ended(Outcome::Limit)]);
    assert_eq!(engine.deadline(), None);
}

#[test]
fn a_loop_that_sends_does_not_fill_the_queue() {
    let mut engine = engine(
        "proc main\nwhile TRUE do\ntransmit \"0123456789012345678901234567890123456789\"\nendwhile\nendproc",
    );
    for _ in 0..100 {
        engine.tick(Instant::ZERO);
    }
    let queued: usize = drain(&mut engine)
        .iter()
        .map(|act| if let Act::Send(bytes) = act { bytes.len() } else { 0 })
        .sum();
    assert!((1..=128 * 1024).contains(&queued), "{queued}");
    engine.tick(Instant::ZERO);
    assert!(!drain(&mut engine).is_empty(), "it goes on once somebody has fetched");
}

#[test]
fn a_flood_is_forgotten_from_its_beginning() {
    let mut engine = engine("proc main\nwaitfor \"end\"\nendproc");
    for _ in 0..100 {
        engine.receive(Instant::ZERO, &[b'x'; 10_000]);
    }
    engine.hang_up();
    assert!(engine.finish().len() <= MAX_UNREAD);
}

#[test]
fn what_no_wait_has_used_up_is_handed_back() {
    let mut engine = engine("proc main\nwaitfor \"go\"\nendproc");
    engine.receive(Instant::ZERO, b"go~\x7f}#");
    assert!(matches!(drain(&mut engine).last(), Some(Act::Ended(Outcome::Ppp))));
    assert_eq!(engine.finish(), b"~\x7f}#");
}

#[test]
fn bytes_that_are_there_count_until_time_is_let_pass() {
    let mut engine =
        engine("proc main\nwaitfor \"go\" until 1\nif $SUCCESS then transmit \"y\" endif\nendproc");
    let late = Instant::from_millis(1500);
    engine.receive(late, b"g");
    engine.receive(late, b"o");
    engine.tick(late);
    let sent = drain(&mut engine)
        .iter()
        .any(|act| matches!(act, Act::Send(bytes) if bytes.as_slice() == b"y"));
    assert!(sent);
}

/// The hardened example against a server that says `heard`, in virtual time; what it sends, how it ends and when.
fn check_hardened(heard: &[(u64, &[u8])], sent: &str, outcome: &Outcome, second: u64) {
    let script = include_str!("../../../../examples/scripts/callback-hardened.scp");
    let mut engine = engine(script);
    let mut says = String::new();
    let mut ended = None;
    let mut now = 0;
    let mut heard = heard.iter().peekable();
    while ended.is_none() {
        for act in drain(&mut engine) {
            match act {
                Act::Send(bytes) => says.push_str(&String::from_utf8_lossy(&bytes)),
                Act::Ended(outcome) => ended = Some(outcome),
                Act::SetPort(_)
                | Act::SetKeyboard(_)
                | Act::SetAddress(_)
                | Act::WaitsFor { .. }
                | Act::Found(_)
                | Act::NotFound
                | Act::Read(_) => {}
            }
        }
        let Some(deadline) = engine.deadline() else { break };
        match heard.next_if(|(at, _)| *at * 1000 <= deadline.at.as_millis()) {
            Some((at, bytes)) => {
                now = *at;
                engine.receive(Instant::from_millis(now * 1000), bytes);
            }
            None => {
                now = deadline.at.as_millis() / 1000;
                engine.tick(deadline.at);
            }
        }
    }
    assert_eq!((says.as_str(), ended.as_ref(), now), (sent, Some(outcome), second));
}

#[test]
fn the_hardened_script_knows_what_to_do_when_something_else_happens() {
    let asked: &[u8] = b"Telephone number for callback: ";
    let gone: &[u8] = b"\r\nPreparing to call 5550123\r\n\r\nNO CARRIER\r\n";
    let ring: &[u8] = b"\r\nRING\r\n";
    let connect: &[u8] = b"\r\nCONNECT 33600\r\nlogin: ";
    let number = "cback\r5550123\r";
    check_hardened(
        &[
            (2, b"login: "),
            (4, asked),
            (6, gone),
            (40, ring),
            (60, connect),
            (61, b"Password: "),
            (62, b"$ > "),
        ],
        "cback\r5550123\rATA\rmary\rsecret\rppp\r",
        &Outcome::Ppp,
        62,
    );
    check_hardened(
        &[
            (2, b"login: "),
            (6, gone),
            (40, ring),
            (60, connect),
            (61, b"Password: "),
            (62, b"$ > "),
        ],
        "cback\rATA\rmary\rsecret\rppp\r",
        &Outcome::Ppp,
        62,
    );
    check_hardened(&[], "", &Outcome::Halted, 60);
    check_hardened(
        &[(2, b"login: "), (4, b"Login incorrect\r\nlogin: ")],
        "cback\r",
        &Outcome::Halted,
        4,
    );
    check_hardened(&[(2, b"login: "), (4, asked), (6, gone)], number, &Outcome::Halted, 156);
    check_hardened(
        &[(2, b"login: "), (4, asked), (6, gone), (40, ring), (70, b"\r\nNO CARRIER\r\n")],
        &format!("{number}ATA\r"),
        &Outcome::Halted,
        220,
    );
}

#[test]
fn a_deadline_says_why() {
    let mut engine = engine("proc main\ndelay 2\nwaitfor \"x\" until 3\nendproc");
    let why =
        |engine: &Engine| engine.deadline().map(|deadline| (deadline.at.as_millis(), deadline.why));
    assert_eq!(why(&engine), Some((2000, "delay")));
    assert!(!engine.listening());
    engine.tick(Instant::from_millis(2000));
    assert_eq!(why(&engine), Some((5000, "until of a waitfor")));
    assert!(engine.listening());
}

#[test]
fn nothing_that_is_printed_for_debugging_shows_the_password() {
    let mut engine = engine("proc main\nstring s = $PASSWORD\ntransmit s\nwaitfor s\nendproc");
    let mut shown = format!("{engine:?} {:?}", Login::new(b"mary".to_vec(), b"secret".to_vec()));
    shown.push_str(&format!("{:?}", drain(&mut engine)));
    assert!(!shown.contains("secret") && !shown.contains("mary"), "{shown}");
}

#[test]
fn every_output_says_its_line() {
    let mut engine =
        engine("proc main\ntransmit \"a\"\n\nwaitfor \"b\"\nset screen keyboard on\nendproc");
    engine.receive(Instant::ZERO, b"b");
    let lines: Vec<usize> =
        std::iter::from_fn(|| engine.poll()).map(|output| output.line).collect();
    assert_eq!(lines, [2, 4, 4, 5, 6]);
}

/// Whatever the bytes are, reading and looking through them ends, and what is told points into them.
fn holds_for(source: &[u8]) {
    let reading = read(source);
    let errors = reading.faults.iter().any(|fault| fault.severity == Severity::Error);
    assert_eq!(reading.program.is_none(), errors);
    for fault in reading.faults.iter().chain(&lint(source)) {
        assert!(fault.span.start <= fault.span.end && fault.span.end <= source.len(), "{fault:?}");
    }
    if let Some(program) = reading.program {
        runs(program, source);
    }
}

/// Whatever comes, the engine neither spins nor grows, and ends when its line does.
fn runs(program: Program, heard: &[u8]) {
    let limit = Some(Duration::from_secs(60));
    let mut engine = Engine::new(program, Login::default(), limit, Instant::ZERO);
    let mut now = Instant::ZERO;
    for piece in heard.chunks(7).take(50) {
        drain(&mut engine);
        engine.receive(now, piece);
        engine.tick(now);
        now += Duration::from_millis(300);
    }
    engine.hang_up();
    assert!(matches!(drain(&mut engine).last(), None | Some(Act::Ended(_))));
    assert_eq!(engine.deadline(), None);
    assert!(engine.finish().len() <= MAX_UNREAD);
}

#[test]
fn a_script_of_the_largest_size_is_read_in_no_time() {
    for piece in [
        "(",
        "if TRUE then\n",
        "\"",
        "a:\n",
        "- ",
        "waitfor \"a\" then x,\n",
        "\\\"",
        "integer a\n",
    ] {
        let mut script = b"proc main\n".to_vec();
        script.extend(piece.bytes().cycle().take(MAX_SCRIPT - 20));
        holds_for(&script);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        holds_for(&bytes);
    }

    #[test]
    fn any_words_are_read(words in proptest::collection::vec(0..WORDS.len(), 0..80)) {
        let mut script = "proc main integer n string s ".to_owned();
        for word in words {
            script.push_str(WORDS[word]);
            script.push(' ');
        }
        script.push_str("endproc");
        holds_for(script.as_bytes());
    }
}

/// Pieces that make scripts more often than letters do.
const WORDS: [&str; 44] = [
    "proc",
    "endproc",
    "if",
    "then",
    "endif",
    "while",
    "do",
    "endwhile",
    "goto",
    "L",
    "L:",
    "halt",
    "transmit",
    "waitfor",
    "until",
    "matchcase",
    "raw",
    ",",
    "n",
    "s",
    "=",
    "==",
    "+",
    "-",
    "*",
    "/",
    "and",
    "or",
    "!",
    "(",
    ")",
    "1",
    "0",
    "\"a\"",
    "\"^M\"",
    "getip",
    "delay",
    "set ipaddr",
    "set port databits 7",
    "TRUE",
    "$SUCCESS",
    "$USERID",
    "\n",
    "; x\n",
];
