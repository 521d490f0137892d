//! A modem by itself as timelines, on the telephone line and at its control lines.

use super::*;

/// One thing that happens to a lonely modem at an instant.
enum Do {
    Type(&'static str),
    Line(LineInput),
    Dtr(bool),
}

use Do::{Dtr as SetDtr, Line, Type};

/// Plays a timeline and compares what the modem does on the line and says, with times in ms.
fn timeline(profile: &str, steps: Vec<(u64, Do)>, until: u64, wanted: &[&str]) {
    let mut modem = Modem::new(Profile::named(profile).unwrap());
    modem.dtr(Instant::ZERO, true);
    modem.receive(Instant::ZERO, b"ATE0\r");
    while modem.poll().is_some() {}
    let mut seen = Vec::new();
    let mut steps = VecDeque::from(steps);
    loop {
        let step = steps.front().map(|(at, _)| Instant::from_millis(*at));
        let next = step.unwrap_or(Instant::from_millis(until));
        let alarm = modem.deadline().map_or(Instant::FAR, |deadline| deadline.at);
        let now = next.min(alarm);
        if alarm <= next && alarm <= Instant::from_millis(until) {
            modem.tick(now);
        } else if let Some((_, step)) = steps.pop_front() {
            match step {
                Type(text) => modem.receive(now, text.as_bytes()),
                Line(input) => modem.line(now, input),
                SetDtr(on) => modem.dtr(now, on),
            }
        } else {
            break;
        }
        while let Some(output) = modem.poll() {
            let text = match output {
                Output::Dte(bytes) => {
                    String::from_utf8_lossy(&bytes).replace("\r\n", "|").replace('\r', "^")
                }
                Output::Signals(signals) => format!(
                    "{}{}{}",
                    if signals.dcd { "DCD" } else { "dcd" },
                    if signals.ri { " RI" } else { "" },
                    if signals.cts { "" } else { " cts" }
                ),
                Output::Break => "break".to_owned(),
                Output::Line(LineOutput::Carry(bytes)) => {
                    format!("-> {}", String::from_utf8_lossy(&bytes))
                }
                Output::Line(output) => format!("{output:?}"),
                Output::Note(_) => continue,
            };
            seen.push(format!("{} {text}", now.as_millis()));
        }
    }
    assert_eq!(seen, wanted);
}

const V34: Rate = Rate { bits: 33_600, error_control: true };

fn connected() -> Vec<(u64, Do)> {
    vec![(0, Type("ATA\r")), (10_000, Line(LineInput::Connected(V34)))]
}

const CONNECTED: [&str; 4] =
    ["0 OffHook", "0 Handshake(Answer)", "10000 |CONNECT 33600|", "10000 DCD"];

fn after_connect(steps: Vec<(u64, Do)>, until: u64, wanted: &[&str]) {
    let mut all = connected();
    all.extend(steps);
    let wanted: Vec<&str> = CONNECTED.iter().chain(wanted).copied().collect();
    timeline("rockwell", all, until, &wanted);
}

#[test]
fn dialling_takes_its_time() {
    let dial_tone = |at| (at, Line(LineInput::Tone(Tone::Dial)));
    timeline(
        "rockwell",
        vec![(0, Type("ATDT5550199\r")), dial_tone(300)],
        60_000,
        &[
            "0 OffHook",
            "1630 Digits(\"5550199\")",
            "1630 Handshake(Originate)",
            "51630 OnHook",
            "51630 |NO CARRIER|",
        ],
    );
    // Pulses, a pause, a second dial tone.
    timeline(
        "rockwell",
        vec![(0, Type("ATDP12,W3\r")), dial_tone(300), dial_tone(6_000)],
        7_200,
        &["0 OffHook", "2200 Digits(\"12\")", "5300 Digits(\"3\")", "5300 Handshake(Originate)"],
    );
}

#[test]
fn without_dial_tone_x4_gives_up_and_x3_dials_blind() {
    timeline(
        "rockwell",
        vec![(0, Type("ATX4DT1\r"))],
        9_000,
        &["0 OffHook", "5000 OnHook", "5000 |NO DIALTONE|"],
    );
    timeline(
        "courier",
        vec![(0, Type("ATX2DT1\r"))],
        9_000,
        &["0 OffHook", "5000 OnHook", "5000 |NO DIAL TONE|"],
    );
    for level in ["0", "1", "3"] {
        let command: &'static str = Box::leak(format!("ATX{level}S6=4DT1\r").into_boxed_str());
        timeline(
            "rockwell",
            vec![(0, Type(command))],
            9_000,
            &["0 OffHook", "4190 Digits(\"1\")", "4190 Handshake(Originate)"],
        );
    }
}

#[test]
fn a_busy_signal_is_told_at_x3_and_x4_only() {
    for (level, wanted) in [("X4", "3000 |BUSY|"), ("X3", "3000 |BUSY|")] {
        let command: &'static str = Box::leak(format!("AT{level}S6=0DT1\r").into_boxed_str());
        timeline(
            "rockwell",
            vec![
                (0, Type(command)),
                (0, Line(LineInput::Tone(Tone::Dial))),
                (3_000, Line(LineInput::Tone(Tone::Busy))),
            ],
            9_000,
            &["0 OffHook", "190 Digits(\"1\")", "190 Handshake(Originate)", "3000 OnHook", wanted],
        );
    }
    timeline(
        "rockwell",
        vec![(0, Type("ATX1S6=0S7=5DT1\r")), (3_000, Line(LineInput::Tone(Tone::Busy)))],
        9_000,
        &[
            "0 OffHook",
            "190 Digits(\"1\")",
            "190 Handshake(Originate)",
            "5190 OnHook",
            "5190 |NO CARRIER|",
        ],
    );
}

#[test]
fn a_key_during_dialling_aborts_it_but_not_in_the_first_125_ms() {
    timeline(
        "rockwell",
        vec![(0, Type("ATDT1\r\n")), (124, Type("\n")), (125, Type("x"))],
        9_000,
        &["0 OffHook", "125 OnHook", "125 |NO CARRIER|"],
    );
    // A second ATA kills the first.
    timeline(
        "rockwell",
        vec![(0, Type("ATA\r")), (2_000, Type("ATA\r"))],
        9_000,
        &["0 OffHook", "0 Handshake(Answer)", "2000 OnHook", "2000 |NO CARRIER|"],
    );
}

#[test]
fn no_answer_is_told_for_the_quiet_answer_and_by_couriers() {
    let ring = |at| (at, Line(LineInput::Tone(Tone::Ringback)));
    timeline(
        "courier",
        vec![(0, Type("ATX3S6=0S7=9DT1\r")), ring(2_000)],
        20_000,
        &[
            "0 OffHook",
            "190 Digits(\"1\")",
            "190 Handshake(Originate)",
            "9190 OnHook",
            "9190 |NO ANSWER|",
        ],
    );
    timeline(
        "rockwell",
        vec![(0, Type("ATX3S6=0S7=9DT1@2\r")), ring(200)],
        20_000,
        &["0 OffHook", "190 Digits(\"1\")", "9190 OnHook", "9190 |NO ANSWER|"],
    );
    timeline(
        "rockwell",
        vec![
            (0, Type("ATX3S6=0DT1@2\r")),
            ring(200),
            (3_000, Line(LineInput::Tone(Tone::Silence))),
        ],
        9_000,
        &["0 OffHook", "190 Digits(\"1\")", "8190 Digits(\"2\")", "8190 Handshake(Originate)"],
    );
}

#[test]
fn a_semicolon_stays_in_the_command_state_and_more_commands_follow() {
    timeline(
        "rockwell",
        vec![(0, Type("ATX3S6=0DT1;S0=1S0?\r")), (900, Type("ATH\r"))],
        9_000,
        &["0 OffHook", "190 Digits(\"1\")", "190 |001|", "190 |OK|", "900 OnHook", "900 |OK|"],
    );
}

#[test]
fn the_bell_is_counted_and_answered_by_s0() {
    let bell = |at, on| (at, Line(LineInput::Bell(on)));
    timeline(
        "rockwell",
        vec![
            (0, Type("ATS0=2\r")),
            bell(1_000, true),
            bell(3_000, false),
            bell(7_000, true),
            bell(8_000, false),
        ],
        9_000,
        &[
            "0 |OK|",
            "1000 dcd RI",
            "1000 |RING|",
            "3000 dcd",
            "7000 dcd RI",
            "7000 |RING|",
            "7000 OffHook",
            "7000 Handshake(Answer)",
            "7000 dcd",
        ],
    );
    // S1 counts, and forgets eight seconds after the last ring.
    timeline(
        "rockwell",
        vec![
            bell(1_000, true),
            bell(3_000, false),
            (3_500, Type("ATS1?\r")),
            (10_999, Type("ATS1?\r")),
            (11_001, Type("ATS1?\r")),
        ],
        12_000,
        &[
            "1000 dcd RI",
            "1000 |RING|",
            "3000 dcd",
            "3500 |001|",
            "3500 |OK|",
            "10999 |001|",
            "10999 |OK|",
            "11001 |000|",
            "11001 |OK|",
        ],
    );
}

#[test]
fn s0_does_not_answer_while_dtr_is_off_under_d2() {
    for (rule, answered) in [("&D2", false), ("&D3", false), ("&D0", true)] {
        let command: &'static str = Box::leak(format!("ATS0=1{rule}&W\r").into_boxed_str());
        let mut wanted = vec!["0 |OK|", "1000 dcd RI", "1000 |RING|"];
        if answered {
            wanted.extend(["1000 OffHook", "1000 Handshake(Answer)", "1000 dcd"]);
        }
        timeline(
            "rockwell",
            vec![(0, Type(command)), (100, SetDtr(false)), (1_000, Line(LineInput::Bell(true)))],
            1_500,
            &wanted,
        );
    }
}

#[test]
fn caller_id_is_told_in_the_form_that_was_asked_for() {
    let caller = CallerId {
        date: "0625".to_owned(),
        time: "2001".to_owned(),
        number: "5550199".to_owned(),
        name: Some("MARY".to_owned()),
    };
    let told = |caller: CallerId| (1_000, Line(LineInput::CallerId(caller)));
    timeline("rockwell", vec![told(caller.clone())], 2_000, &[]);
    timeline(
        "rockwell",
        vec![(0, Type("AT+VCID=1\r")), told(caller.clone())],
        2_000,
        &["0 |OK|", "1000 |DATE = 0625||TIME = 2001||NMBR = 5550199||NAME = MARY|"],
    );
    timeline(
        "rockwell",
        vec![
            (0, Type("AT#CID=2\r")),
            told(CallerId { number: "P".to_owned(), name: None, ..caller }),
        ],
        2_000,
        &["0 |OK|", "1000 |MESG = 800D01083036323532303031040150|"],
    );
}

#[test]
fn data_goes_at_the_speed_of_the_line_in_chunks() {
    let long: &'static str = Box::leak("0123456789abcdef".repeat(16).into_boxed_str());
    let (first, second) = long.split_at(128);
    after_connect(
        vec![(11_000, Type(long))],
        12_000,
        &[&format!("11030 -> {first}"), &format!("11060 -> {second}")],
    );
    after_connect(vec![(11_000, Type("x"))], 12_000, &["11000 -> x"]);
}

#[test]
fn cts_falls_when_the_buffer_fills_and_what_does_not_fit_is_lost() {
    let mut modem = Modem::new(Profile::rockwell());
    modem.dtr(Instant::ZERO, true);
    modem.receive(Instant::ZERO, b"ATA\r");
    modem.line(Instant::ZERO, LineInput::Connected(V34));
    while modem.poll().is_some() {}
    modem.receive(Instant::ZERO, &[b'x'; 3_400]);
    assert!(!modem.signals().cts);
    modem.receive(Instant::ZERO, &[b'x'; 1_000]);
    let lost = std::iter::from_fn(|| modem.poll())
        .any(|output| output == Output::Note(Note::Overrun(176)));
    assert!(lost, "room was {}", modem.room());
    modem.tick(Instant::from_millis(900));
    assert!(modem.signals().cts);
    assert!(modem.room() > 3_000);
}

#[test]
fn the_escape_sequence_leads_to_the_command_state_and_o_back() {
    after_connect(
        vec![
            (12_000, Type("+++")),
            (14_000, Type("ATI6\r")),
            (15_000, Type("ATO\r")),
            (15_100, Type("x")),
        ],
        16_000,
        &[
            "12000 -> +++",
            "13000 |OK|",
            "14000 |line 33600 bit/s, error control LAP-M|",
            "14000 |OK|",
            "15000 |CONNECT 33600|",
            "15100 -> x",
        ],
    );
    after_connect(
        vec![(12_000, Type("+++")), (14_000, Type("ATDT1\r")), (15_000, Type("ATH\r"))],
        16_000,
        &[
            "12000 -> +++",
            "13000 |OK|",
            "14000 |ERROR|",
            "15000 Disconnect",
            "15000 OnHook",
            "15000 |OK|",
            "15000 dcd",
        ],
    );
    // No guard time, no escape; S2 above 127 switches it off.
    after_connect(
        vec![(10_500, Type("+++")), (10_600, Type("ATH\r"))],
        12_000,
        &["10500 -> +++", "10600 -> ATH\r"],
    );
}

#[test]
fn dtr_does_what_the_rule_says_after_s25() {
    let drop = |at| (at, SetDtr(false));
    after_connect(
        vec![drop(11_000)],
        12_000,
        &["11050 Disconnect", "11050 OnHook", "11050 |OK|", "11050 dcd"],
    );
    after_connect(vec![drop(11_000), (11_049, SetDtr(true))], 12_000, &[]);
    for (rule, wanted) in [
        ("&D0", &[][..]),
        ("&D1", &["11050 |OK|"]),
        ("&D3", &["11050 Disconnect", "11050 OnHook", "11050 |OK|", "11050 dcd"]),
    ] {
        let command: &'static str = Box::leak(format!("AT{rule}A\r").into_boxed_str());
        let steps =
            vec![(0, Type(command)), (10_000, Line(LineInput::Connected(V34))), drop(11_000)];
        let wanted: Vec<&str> = CONNECTED.iter().chain(wanted).copied().collect();
        timeline("rockwell", steps, 12_000, &wanted);
    }
}

#[test]
fn what_is_buffered_goes_out_before_a_wanted_hang_up() {
    after_connect(
        vec![(11_000, Type("goodbye, and wait for our call")), (11_000, SetDtr(false))],
        12_000,
        &[
            "11007 -> goodbye, and wait for our call",
            "11050 Disconnect",
            "11050 OnHook",
            "11050 |OK|",
            "11050 dcd",
        ],
    );
    let long: &'static str = Box::leak("x".repeat(1_000).into_boxed_str());
    let mut modem = Modem::new(Profile::rockwell());
    modem.dtr(Instant::ZERO, true);
    modem.receive(Instant::ZERO, b"ATA\r");
    modem.line(Instant::ZERO, LineInput::Connected(V34));
    modem.receive(Instant::from_millis(10), long.as_bytes());
    modem.dtr(Instant::from_millis(10), false);
    let mut sent = 0;
    while let Some(deadline) = modem.deadline() {
        modem.tick(deadline.at);
        while let Some(output) = modem.poll() {
            if let Output::Line(LineOutput::Carry(bytes)) = output {
                sent += bytes.len();
            }
        }
    }
    assert_eq!((sent, modem.state()), (1_000, "command"));
}

#[test]
fn carrier_loss_is_believed_after_s10_a_good_bye_at_once() {
    after_connect(
        vec![(11_000, Line(LineInput::CarrierGone))],
        14_000,
        &["12400 OnHook", "12400 |NO CARRIER|", "12400 dcd"],
    );
    after_connect(
        vec![(11_000, Line(LineInput::Disconnected))],
        14_000,
        &["11000 OnHook", "11000 |NO CARRIER|", "11000 dcd"],
    );
}

#[test]
fn dcd_is_always_on_under_c0() {
    timeline(
        "rockwell",
        vec![
            (0, Type("AT&C0A\r")),
            (10_000, Line(LineInput::Connected(V34))),
            (11_000, Line(LineInput::Disconnected)),
        ],
        14_000,
        &[
            "0 OffHook",
            "0 Handshake(Answer)",
            "0 DCD",
            "10000 |CONNECT 33600|",
            "11000 OnHook",
            "11000 |NO CARRIER|",
        ],
    );
    // AT&C1A during the call back drops it.
    timeline(
        "rockwell",
        vec![(0, Type("AT&C0\r")), (10, Type("AT&C1\r"))],
        20,
        &["0 |OK|", "0 DCD", "10 |OK|", "10 dcd"],
    );
}

#[test]
fn s30_hangs_up_a_silent_line() {
    timeline(
        "rockwell",
        vec![
            (0, Type("ATS30=1A\r")),
            (10_000, Line(LineInput::Connected(V34))),
            (15_000, Type("x")),
        ],
        30_000,
        &[
            &CONNECTED[..],
            &["15000 -> x", "25000 Disconnect", "25000 OnHook", "25000 |NO CARRIER|", "25000 dcd"],
        ]
        .concat(),
    );
}

#[test]
fn connect_is_said_in_the_form_that_was_set() {
    for (settings, wanted) in [
        ("X0", "|CONNECT|"),
        ("X1", "|CONNECT 33600|"),
        ("W0", "|CONNECT 115200|"),
        ("W1", "|CARRIER 33600||PROTOCOL: LAP-M||CONNECT 115200|"),
        ("&A1", "|CONNECT 33600/ARQ|"),
        ("&A3", "|CONNECT 33600/ARQ/V34/LAPM/V42BIS|"),
        ("X0V0", "1^"),
        ("V0", "84^"),
        ("V0W0", "19^"),
        ("Q1", ""),
    ] {
        let mut modem = Modem::new(Profile::rockwell());
        modem.receive(Instant::ZERO, format!("ATE0{settings}\r").as_bytes());
        modem.receive(Instant::ZERO, b"ATA\r");
        let _ = said(&mut modem);
        modem.line(Instant::ZERO, LineInput::Connected(V34));
        assert_eq!(said(&mut modem), wanted, "{settings}");
    }
}
