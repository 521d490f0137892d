//! Setups as timelines: what the modem says when, and what we send, wait for and conclude.

use super::*;

fn plan(commands: &[&str]) -> Plan {
    let commands = commands.iter().map(|text| Command::new(text).unwrap()).collect();
    Plan { commands, form: Form::Verbose, force: None }
}

fn forcing(commands: &[&str]) -> Plan {
    Plan { force: Some(Escape::default()), ..plan(commands) }
}

/// Runs a plan against a modem that says these things at these milliseconds; the result has a line
/// `ms step` for every step. Afterwards time runs on until nothing is due any more.
fn run(plan: Plan, modem: &[(u64, &[u8])]) -> String {
    let mut now = Instant::ZERO;
    let mut commands = Commands::start(now, plan);
    let mut modem = modem.iter().peekable();
    let mut log = Vec::new();
    for _ in 0..1_000 {
        while let Some(step) = commands.poll() {
            let step = match step {
                Step::Send(bytes) => format!("send {}", bytes.escape_ascii()),
                Step::Ring(ring) => format!("ring {}", ring.kind),
                Step::CallerId(field) => format!("{field:?}"),
                Step::Done => "done".to_owned(),
                Step::Failed(failure) => format!("failed: {failure}"),
            };
            log.push(format!("{} {step}", now.as_millis()));
        }
        let due = commands.deadline().map(|deadline| deadline.at);
        match (modem.peek(), due) {
            (Some((at, bytes)), due) if due.is_none_or(|due| Instant::from_millis(*at) <= due) => {
                now = Instant::from_millis(*at);
                commands.receive(now, bytes);
                modem.next();
            }
            (_, Some(due)) => {
                assert!(due >= now, "a deadline in the past");
                now = due;
                commands.tick(now);
            }
            (_, None) => return log.join("\n"),
        }
    }
    panic!("it never ends:\n{}", log.join("\n"));
}

#[track_caller]
fn check(plan: Plan, modem: &[(u64, &[u8])], wanted: &str) {
    let wanted: Vec<&str> = wanted.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(run(plan, modem), wanted.join("\n"));
}

#[test]
fn commands_run_one_after_the_other() {
    check(
        plan(&["ATZ", "AT&C1&D2S0=0"]),
        &[(40, b"ATZ\r\r\nO"), (50, b"K\r\n"), (90, b"\r\nOK\r\n")],
        r"
        0 send ATZ\r
        50 send AT&C1&D2S0=0\r
        90 done",
    );
    check(plan(&[]), &[], "0 done");
}

#[test]
fn a_pause_comes_before_its_command() {
    let mut slow = plan(&["ATZ", "ATE0"]);
    slow.commands[1].pause = Duration::from_millis(200);
    check(
        slow,
        &[(50, b"OK\r\n"), (100, b"OK\r\n"), (300, b"OK\r\n")],
        r"
        0 send ATZ\r
        250 send ATE0\r
        300 done",
    );
}

#[test]
fn no_answer_and_error_are_tried_again() {
    check(
        plan(&["ATZ"]),
        &[],
        r"
        0 send ATZ\r
        10000 send ATZ\r
        20000 failed: ATZ: no answer from the modem within 10s",
    );
    check(
        plan(&["ATZ", "AT+X"]),
        &[
            (10, b"ERROR\r\n"),
            (20, b"OK\r\n"),
            (530, b"ERROR\r\n"),
            (540, b"\r\n+CME ERROR: 3\r\n"),
        ],
        r"
        0 send ATZ\r
        10 send ATZ\r
        520 send AT+X\r
        530 send AT+X\r
        540 failed: AT+X: the modem says ERROR",
    );
}

#[test]
fn a_command_that_may_be_refused_does_not_fail_the_setup() {
    let mut plan = plan(&["AT#CID=1", "ATE0"]);
    plan.commands[0].refused = Refused::GoesOn;
    plan.commands[0].tries = 1;
    check(
        plan,
        &[(10, b"ERROR\r\n"), (600, b"OK\r\n")],
        r"
        0 send AT#CID=1\r
        510 send ATE0\r
        600 done",
    );
}

#[test]
fn a_late_answer_is_not_the_next_commands() {
    // The modem answers the first try after 10.2 s and the second at 10.3 s: the latter OK must not be
    // taken for an answer to AT&D2, which gets ERROR.
    check(
        plan(&["ATZ", "AT&D2"]),
        &[(10_200, b"OK\r\n"), (10_300, b"OK\r\n"), (10_800, b"ERROR\r\n"), (10_900, b"ERROR\r\n")],
        r"
        0 send ATZ\r
        10000 send ATZ\r
        10700 send AT&D2\r
        10800 send AT&D2\r
        10900 failed: AT&D2: the modem says ERROR",
    );
}

#[test]
fn a_ring_is_told_and_does_no_harm() {
    check(
        plan(&["ATZ", "ATE0"]),
        &[(10, b"\r\nRING 2\r\n\r\nNMBR = 1\r\n"), (20, b"OK\r\n"), (30, b"RING\r\n\r\nOK\r\n")],
        r#"
        0 send ATZ\r
        10 ring 2
        10 Caller(Number("1"))
        20 send ATE0\r
        30 ring 0
        30 done"#,
    );
}

#[test]
fn the_end_of_an_older_call_is_no_answer() {
    check(
        plan(&["ATZ"]),
        &[(10, b"\r\nNO CARRIER\r\n"), (20, b"\r\nBUSY\r\n"), (30, b"\r\nOK\r\n")],
        r"
        0 send ATZ\r
        30 done",
    );
}

#[test]
fn a_modem_that_answers_by_itself_fails_the_setup() {
    let mut commands = Commands::start(Instant::ZERO, plan(&["ATZ"]));
    commands.receive(Instant::from_millis(5), b"\r\nCONNECT 9600\r\n~\xffhello");
    assert_eq!(commands.poll(), Some(Step::Send(b"ATZ\r".to_vec())));
    let Some(Step::Failed(failure)) = commands.poll() else { panic!("no failure") };
    assert_eq!(failure.to_string(), "ATZ: the modem took a call by itself: set S0=0");
    assert_eq!(failure.transcript, "> ATZ\n< CONNECT 9600\n");
    assert_eq!(commands.poll(), None);
    assert_eq!(commands.finish(), b"~\xffhello");
}

#[test]
fn a_mute_modem_is_woken_once() {
    check(
        forcing(&["ATZ", "ATE0"]),
        &[
            (21_500, b"\r\nCONNECT\r\nstill the caller\r\nOK\r\n"),
            (23_300, b"\r\nOK\r\n"),
            (23_900, b"OK\r\n"),
            (24_000, b"OK\r\n"),
        ],
        r"
        0 send ATZ\r
        10000 send ATZ\r
        20000 send \x10\x03
        21100 send +++
        22200 send \rATQ0V1H0\r
        23800 send ATZ\r
        23900 send ATE0\r
        24000 done",
    );
    check(
        forcing(&["ATZ"]),
        &[(22_300, b"OK\r\n")],
        r"
        0 send ATZ\r
        10000 send ATZ\r
        20000 send \x10\x03
        21100 send +++
        22200 send \rATQ0V1H0\r
        22800 send ATZ\r
        32800 send ATZ\r
        42800 failed: ATZ: no answer from the modem within 10s",
    );
    check(
        forcing(&["ATZ"]),
        &[],
        r"
        0 send ATZ\r
        10000 send ATZ\r
        20000 send \x10\x03
        21100 send +++
        22200 send \rATQ0V1H0\r
        27200 failed: ATZ: no answer from the modem within 10s",
    );
}

#[test]
fn what_follows_the_last_answer_is_handed_back() {
    let mut commands = Commands::start(Instant::ZERO, plan(&["ATZ"]));
    commands.receive(Instant::ZERO, b"\r\nOK\r\n\r\nRING\r\n");
    assert_eq!(commands.poll(), Some(Step::Send(b"ATZ\r".to_vec())));
    assert_eq!(commands.poll(), Some(Step::Done));
    assert_eq!(commands.deadline(), None);
    assert_eq!(commands.finish(), b"\n\r\nRING\r\n");
}

#[test]
fn a_ring_while_a_far_end_may_be_typing_is_not_believed() {
    check(
        forcing(&["ATZ"]),
        &[(20_500, b"\r\nRING\r\n"), (22_300, b"OK\r\n"), (22_900, b"\r\nRING\r\nOK\r\n")],
        r"
        0 send ATZ\r
        10000 send ATZ\r
        20000 send \x10\x03
        21100 send +++
        22200 send \rATQ0V1H0\r
        22800 send ATZ\r
        22900 ring 0
        22900 done",
    );
}

#[test]
fn a_transcript_has_an_end() {
    let mut commands = Commands::start(Instant::ZERO, plan(&["ATI"]));
    for _ in 0..1_000 {
        commands.receive(Instant::ZERO, b"noise\r\n");
    }
    assert_eq!(commands.transcript().lines().count(), MAX_TRANSCRIPT);
}

#[test]
fn which_texts_are_commands() {
    for (text, wanted) in [
        ("ATZ", "ATZ"),
        ("at&c1", "at&c1"),
        ("AT+CLIP=1", "AT+CLIP=1"),
        ("AT&D2", "AT&D2"),
        ("", "a modem command begins with AT"),
        ("A", "a modem command begins with AT"),
        ("Z", "a modem command begins with AT"),
        ("\u{e4}", "a modem command begins with AT"),
        ("ATZ\rATD1", "character 4: only printable ASCII can stand in a command"),
        ("ATDT555", "a dial command has no place here: set the dial prefix"),
        ("ATX3D555", "a dial command has no place here: set the dial prefix"),
    ] {
        let got = match Command::new(text) {
            Ok(command) => command.text().to_owned(),
            Err(fault) => fault.to_string(),
        };
        assert_eq!(got, wanted, "{text:?}");
    }
    assert_eq!(
        Command::new(&format!("AT{}", "Z".repeat(Command::MAX))),
        Err(CommandFault::TooLong)
    );
}
