//! Timelines of measurings: what is heard, line by line, and what is wished.
//!
//! `line` and `other` hear: `rest`, `ring`, `ok`, `connect`, `down`, `busy`, `no-carrier`, `no-dialtone`, `mute`, `error`,
//! `caller 555..`, `says ..`. `+5000` lets time pass; each line begins with what happens, and after `=>` stands what is wished for it.

use proto::at::caller_id::{Caller, Field};
use proto::at::result::{ResultCode, Ring};

use super::*;
use crate::line::Heard;

fn plan(both_ways: bool) -> Plan {
    let number = |text| PhoneNumber::configured(text).unwrap();
    let sides = |line: &str, other: &str| Sides { line: line.to_owned(), other: other.to_owned() };
    Plan {
        names: sides("main", "out"),
        number: number("5550100"),
        other_number: Some(number("+49 89 5550101")),
        both_ways,
        greetings: sides("111", "222"),
    }
}

fn heard(text: &str) -> Heard {
    match text.split_once(' ').unwrap_or((text, "")) {
        ("rest", _) => Heard::Rest,
        ("ring", _) => Heard::Ring(Ring::default()),
        ("caller", number) => Heard::CallerId(Field::Caller(Caller::parse(number).unwrap())),
        ("ok", _) => Heard::Done,
        ("connect", _) => Heard::Connected,
        ("down", _) => Heard::CarrierDown,
        ("busy", _) => Heard::Failed(ResultCode::Busy),
        ("no-carrier", _) => Heard::Failed(ResultCode::NoCarrier),
        ("no-dialtone", _) => Heard::Failed(ResultCode::NoDialtone),
        ("error", _) => Heard::Failed(ResultCode::Error),
        ("mute", _) => Heard::Mute,
        ("says", text) => Heard::Received(text.as_bytes().to_vec()),
        ("lost", why) => Heard::Lost(why.to_owned()),
        (other, _) => panic!("{other}"),
    }
}

fn told(wish: &Wish) -> String {
    let side = |side: &Side| match side {
        Side::Line => "line",
        Side::Other => "other",
    };
    match wish {
        Wish::Act(on, act) => {
            let act = match act {
                Act::Dial { .. } => "dial".to_owned(),
                Act::DialTone => "tone?".to_owned(),
                Act::Answer => "answer".to_owned(),
                Act::Take => "take".to_owned(),
                Act::Send(text) => String::from_utf8_lossy(text).trim().to_owned(),
                Act::HangUp => "down".to_owned(),
            };
            format!("{} {act}", side(on))
        }
        Wish::Call { from, number, stay, .. } => {
            format!("{} dials {number}{}", side(from), if *stay { ";" } else { "" })
        }
        Wish::Found { finding, paid } => match paid {
            Some((from, online)) => format!("[{finding}, {} {}]", side(from), seconds(*online)),
            None => format!("[{finding}]"),
        },
        Wish::Over(Ok((hold, findings))) => {
            format!("over: {}", findings.hold(millis(*hold)))
        }
        Wish::Over(Err(failure)) => format!("failed: {failure}"),
    }
}

fn check(both_ways: bool, timeline: &str) {
    let mut now = Instant::ZERO;
    let mut measurement = Measurement::new(now, plan(both_ways));
    for line in timeline.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (facts, wanted) = line.split_once("=>").unwrap_or((line, ""));
        for fact in facts.split(',').map(str::trim) {
            if let Some(ms) = fact.strip_prefix('+') {
                now += Duration::from_millis(ms.parse().unwrap());
                measurement.tick(now);
            } else {
                let (side, what) = fact.split_once(' ').unwrap();
                let side = if side == "line" { Side::Line } else { Side::Other };
                measurement.heard(now, side, heard(what));
            }
        }
        let wishes: Vec<String> =
            std::iter::from_fn(|| measurement.poll()).map(|wish| told(&wish)).collect();
        assert_eq!(wishes.join(", "), wanted.trim(), "{line}");
    }
}

const TONE: &str = "
    line rest, other rest, +3000 => line tone?, other tone?
    +300, other ok => 
    +900, line ok => line down, other down
    line rest, other rest => [dial tone after 1.2 s]
    +3000 => other dials 5550100
";

const DATA: &str = "
    line ring, line caller 0895550101, line ring, line ring => line answer
    line connect => 
    other connect => line 111, other 222
    line says 22, line says 2, other says 111 => other down
    +400, line down => line down, other down
    +600, other rest, line rest => [caller ID delivered behind the first ring; when its caller hangs up: DCD fell after 0.4 s, other 1 s]
";

/// The first wait has dial tone, twice; then the control.
const HELD: &str = "
    +3000 => other dials 5550100;
    other ok, line ring => 
    line caller 0895550101, line ring => line take
    line ok => 
    +3000 => line down
    line rest => 
    +1000 => line tone?
    +1200, line ok => line down, other down
    line rest, other rest => [1 s after it has hung up: dial tone, other 5.2 s]
";

#[test]
fn a_line_that_is_not_held() {
    let rest = "
        +3000 => other dials 5550100;
        other ok, line ring, line caller 0895550101, line ring => line take
        line ok => 
        +4000 => line tone?, other tone?
        +3000, line mute => 
        +2200 => line down, other down
        line rest, other rest => [the modems hear no dial tone where there is none, other 9.2 s], over: less than 1 s
    ";
    check(false, &[TONE, DATA, HELD, HELD, rest].concat());
}

#[test]
fn a_modem_that_can_not_tell_is_not_believed() {
    let controls = "
        +3000 => other dials 5550100;
        other ok, line ring, line caller 0895550101, line ring => line take
        line ok => 
        +4000 => line tone?, other tone?
    ";
    let cleared = "line rest, other rest => [the call is given up, other 4 s], failed: ";
    let (main, out) = (|| "main".to_owned(), || "out".to_owned());
    for (answer, why) in [
        ("line ok", Failure::HearsAnything { line: main() }),
        ("other ok", Failure::LetsGo { line: out() }),
        ("line error", Failure::NoSuchCommand { line: main() }),
        ("other error", Failure::NoSuchCommand { line: out() }),
    ] {
        let end = format!("{answer} => line down, other down\n{cleared}{why}");
        check(false, &[TONE, DATA, HELD, HELD, controls, &end].concat());
    }
}

#[test]
fn a_line_that_is_held_is_asked_after_longer_waits() {
    let held = "
        +3000 => other dials 5550100;
        other ok, line ring, line ring => line take
        line ok => 
        +3000 => line down
        line rest => 
        +1000 => line tone?
        +5200 => line down, other down
        line rest, other rest => [1 s after it has hung up: still held, other 9.2 s]
        +3000 => other dials 5550100;
        other ok, line ring, line ring => line take
        line ok => 
        +3000 => line down
        line rest => 
        +3999 => 
        +1 => line tone?
        line no-dialtone => line down, other down
    ";
    check(false, &[TONE, DATA, held].concat());
}

#[test]
fn the_line_calls_as_well_where_the_other_takes_calls() {
    let calls = "
        +3000 => line dials +49895550101
        other ring => other answer
        line connect, other connect => line 111, other 222
        line says 222, other says 111 => other down
        +300, line says NO CARRIER => 
        +1000 => line down, other down
        line rest, other rest => [when the one it has called hangs up: the modem said NO CARRIER after 0.3 s, line 1.3 s]
    ";
    check(true, &[TONE, DATA, calls].concat());
}

/// Whatever is heard at this moment of a measuring: it is over, with both lines on-hook.
fn check_end(moment: &str, facts: &str, failure: &Failure) {
    let asked = "line rest, other rest, +3000 => line tone?, other tone?\n";
    let answered = "line ring, line ring, line ring => line answer\n";
    let up = "line connect, other connect => line 111, other 222\n";
    let dialled = "+3000 => other dials 5550100;\nother ok => \n";
    let held = "+3000 => other dials 5550100;\nother ok, line ring => \n";
    let taken = "line ring => line take\n";
    let talks = "line ring => line take\nline ok => \n";
    let waits = "line ring => line take\nline ok, +3000 => line down\nline rest => \n";
    let before = match moment {
        "" => String::new(),
        "tone" => asked.to_owned(),
        "call" => TONE.to_owned(),
        "answered" => [TONE, answered].concat(),
        "up" => [TONE, answered, up].concat(),
        "dialled" => [TONE, DATA, dialled].concat(),
        "taken" => [TONE, DATA, held, taken].concat(),
        "talks" => [TONE, DATA, held, talks].concat(),
        "held" => [TONE, DATA, held].concat(),
        "waits" => [TONE, DATA, held, waits].concat(),
        other => panic!("{other}"),
    };
    check(false, &format!("{before}{facts}failed: {failure}"));
}

#[test]
fn whatever_is_in_the_way_ends_it_with_both_lines_on_hook() {
    let main = || "main".to_owned();
    let out = || "out".to_owned();
    let from_out = |to: fn(String, String) -> Failure| to(out(), main());
    for (moment, facts, failure) in [
        ("", "line rest, +90000 => ", Failure::NotReady { line: out() }),
        (
            "",
            "line lost it burns, other rest => other down, ",
            Failure::Lost { line: main(), why: "it burns".to_owned() },
        ),
        (
            "tone",
            "line no-dialtone => line down, other down\nline rest, other rest => ",
            Failure::NoDialTone { line: main() },
        ),
        (
            "tone",
            "line ok, other mute => line down, other down\nline rest, other rest => ",
            Failure::NoDialTone { line: out() },
        ),
        (
            "tone",
            "line ok, +20000 => line down, other down\nline rest, other rest => ",
            Failure::NoDialTone { line: out() },
        ),
        (
            "tone",
            "+20000 => line down, other down\nline rest, other rest => ",
            Failure::NoDialTone { line: main() },
        ),
        (
            "tone",
            "line error => line down, other down\nline rest, other rest => ",
            Failure::NoSuchCommand { line: main() },
        ),
        (
            "tone",
            "line ok, other error => line down, other down\nline rest, other rest => ",
            Failure::NoSuchCommand { line: out() },
        ),
        (
            "tone",
            "other ring => line down, other down\nline rest, other rest => ",
            Failure::Rang { line: out() },
        ),
        (
            "call",
            "other busy => other down\nother rest => ",
            from_out(|from, to| Failure::Busy { from, to }),
        ),
        (
            "call",
            "+40000 => other down\nother rest => [the call is given up, other 40 s], ",
            from_out(|from, to| Failure::NotArrived { from, to }),
        ),
        (
            "call",
            "+2000, other ring => other down\nother rest => [the call is given up, other 2 s], ",
            Failure::Rang { line: out() },
        ),
        (
            "call",
            "+9000, line connect => other down\nother rest => [the call is given up, other 9 s], ",
            Failure::Stranger { line: main() },
        ),
        (
            "call",
            "+9000, other connect, +1000 => other down\n+1000, other rest => [the call is given up, other 11 s], ",
            Failure::Stranger { line: out() },
        ),
        (
            "call",
            "+9000, other no-carrier => other down\nother rest => [the call is given up, other 9 s], ",
            from_out(|from, to| Failure::NotConnected { from, to }),
        ),
        (
            "answered",
            "+90000 => line down, other down\nline rest, other rest => [the call is given up, other 90 s], ",
            from_out(|from, to| Failure::NotConnected { from, to }),
        ),
        (
            "answered",
            "+30000, other connect, +5000, line no-carrier => line down, other down\nline rest, other rest => [the call is given up, other 35 s], ",
            from_out(|from, to| Failure::NotConnected { from, to }),
        ),
        (
            "up",
            "line down => line down, other down\nline rest, other rest => [the call is given up, other 0 s], ",
            from_out(|from, to| Failure::NotConnected { from, to }),
        ),
        (
            "up",
            "line says 333, other says login:, +20000 => line down, other down\nline rest, other rest => [the call is given up, other 20 s], ",
            from_out(|from, to| Failure::NotOurs { from, to }),
        ),
    ] {
        check_end(moment, facts, &failure);
    }
}

#[test]
fn whatever_is_in_the_way_of_a_call_that_is_held_ends_it_too() {
    let main = || "main".to_owned();
    let out = || "out".to_owned();
    for (moment, facts, failure) in [
        (
            "held",
            "line caller 0891234567 => other down\nother rest => [the call is given up, other 0 s], ",
            Failure::Rang { line: main() },
        ),
        (
            "dialled",
            "+40000 => other down\nother rest => [the call is given up, other 40 s], ",
            Failure::NotArrived { from: out(), to: main() },
        ),
        (
            "dialled",
            "+4000, other no-carrier => other down\nother rest => [the call is given up, other 4 s], ",
            Failure::LetsGo { line: out() },
        ),
        (
            "taken",
            "+1000, other no-carrier => line down, other down\nline rest, other rest => [the call is given up, other 1 s], ",
            Failure::LetsGo { line: out() },
        ),
        (
            "talks",
            "+1000, other no-carrier => line down, other down\nline rest, other rest => [the call is given up, other 1 s], ",
            Failure::LetsGo { line: out() },
        ),
        (
            "talks",
            "+1000, line no-carrier => line down, other down\nline rest, other rest => [the call is given up, other 1 s], ",
            Failure::LetsGo { line: main() },
        ),
        (
            "waits",
            "line ring => other down\nother rest => [the call is given up, other 3 s], ",
            Failure::Rang { line: main() },
        ),
    ] {
        check_end(moment, facts, &failure);
    }
}

#[test]
fn a_connect_on_a_line_that_is_at_rest_already_is_a_strangers() {
    let (before, _) = DATA.split_once("    +600, other rest").unwrap();
    check(
        false,
        &format!(
            "{TONE}{before}
            other rest =>
            other connect => line down, other down
            line rest =>
            other rest => [the call is given up, other 0.4 s], failed: a modem that is none of ours was on line out; it got nothing: begin anew when it is quiet
            "
        ),
    );
}
