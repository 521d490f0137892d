//! The exchange as timelines: what everybody at a modem does, and what the exchange says of it.

use std::time::Duration;

use super::*;
use crate::town::{HuntNumber, Station};

/// What somebody at a modem does.
#[derive(Clone, Copy)]
enum Do {
    Type(&'static str),
    Dtr(bool),
}

use Do::{Dtr as SetDtr, Type};

const ALICE: &str = "5550199";

fn two() -> Town {
    Town::of([Station::modem("office", "5550100"), Station::modem("alice", ALICE)])
}

/// Plays a timeline on a town and returns, per line, `ms station: what it heard` and the log.
fn play(town: Town, steps: &[(u64, &str, Do)], until: u64) -> (Vec<String>, Vec<String>) {
    let mut exchange = Exchange::new(town, 1);
    for id in exchange.stations() {
        exchange.dte(Instant::ZERO, id, DteInput::Dtr(true));
        exchange.dte(Instant::ZERO, id, DteInput::Bytes(b"ATE0\r"));
    }
    while exchange.poll().is_some() {}
    let (mut heard, mut log) = (Vec::new(), Vec::new());
    let mut steps = VecDeque::from(steps.to_vec());
    let end = Instant::from_millis(until);
    loop {
        let step = steps.front().map_or(end, |(at, ..)| Instant::from_millis(*at));
        let alarm = exchange.deadline().map_or(Instant::FAR, |deadline| deadline.at);
        if alarm <= step {
            exchange.tick(alarm);
        } else if let Some((at, name, what)) = steps.pop_front() {
            let id = exchange.station(name).unwrap();
            let input = match what {
                Type(text) => DteInput::Bytes(text.as_bytes()),
                SetDtr(on) => DteInput::Dtr(on),
            };
            exchange.dte(Instant::from_millis(at), id, input);
        } else {
            return (heard, log);
        }
        while let Some(output) = exchange.poll() {
            let now = alarm.min(step).as_millis();
            match output {
                Output::Log(logged) => {
                    log.push(format!("{} {}", logged.at.as_millis(), logged.event));
                }
                Output::Dte(id, output) => {
                    let text = match output {
                        DteOutput::Bytes(bytes) => {
                            String::from_utf8_lossy(&bytes).replace("\r\n", "|").replace('\r', "^")
                        }
                        DteOutput::Signals(signals) => {
                            let dcd = if signals.dcd { "DCD" } else { "dcd" };
                            format!("{dcd}{}", if signals.ri { " RI" } else { "" })
                        }
                        DteOutput::Break => "break".to_owned(),
                        DteOutput::Plugged(on) => format!("plugged {on}"),
                    };
                    heard.push(format!("{now} {}: {text}", exchange.stations[id].name));
                }
            }
        }
    }
}

fn check_heard(town: Town, steps: &[(u64, &str, Do)], until: u64, wanted: &[&str]) {
    assert_eq!(play(town, steps, until).0, wanted);
}

/// Only what is said in words, RING left out.
fn check_words(town: Town, steps: &[(u64, &str, Do)], until: u64, wanted: &[&str]) {
    let (heard, log) = play(town, steps, until);
    let words: Vec<String> = heard
        .into_iter()
        .filter(|line| !(line.ends_with("dcd") || line.ends_with("DCD") || line.ends_with("RI")))
        .filter(|line| !line.ends_with("|RING|"))
        .collect();
    assert_eq!(words, wanted, "{log:#?}");
}

const CALL: (u64, &str, Do) = (0, "alice", Type("ATDT5550100\r"));

#[test]
fn a_call_is_dialled_rung_answered_trained_and_ended() {
    let (heard, log) = play(
        two(),
        &[
            CALL,
            (3_500, "office", Type("ATA\r")),
            (14_000, "office", Type("login: ")),
            (15_000, "alice", Type("mary")),
            (16_000, "office", SetDtr(false)),
        ],
        30_000,
    );
    assert_eq!(
        heard,
        [
            "3330 office: dcd RI",
            "3330 office: |RING|",
            "3500 office: dcd",
            "13500 office: |CONNECT 33600|",
            "13500 office: DCD",
            "13500 alice: |CONNECT 33600|",
            "13500 alice: DCD",
            "14001 alice: login: ",
            "15000 office: mary",
            "16050 office: |OK|",
            "16050 office: dcd",
            "16050 alice: |NO CARRIER|",
            "16050 alice: dcd",
        ]
    );
    assert_eq!(
        log,
        [
            "0 alice is told ATDT5550100",
            "0 alice goes off-hook",
            "1630 alice dials 5550100",
            "3330 office rings (1), called by alice",
            "3330 office says RING",
            "3500 office is told ATA",
            "3500 office goes off-hook",
            "3500 office answers alice",
            "3500 alice and office train",
            "13500 alice and office are connected: 33600 bit/s, error control",
            "13500 office says CONNECT 33600",
            "13500 alice says CONNECT 33600",
            "16050 office goes on-hook",
            "16050 the call of alice to office is over (11 bytes)",
            "16050 office says OK",
            "16050 alice goes on-hook",
            "16050 alice says NO CARRIER",
        ]
    );
}

#[test]
fn the_bell_has_its_cadence_and_the_caller_is_told_in_its_first_pause() {
    let mut town = two();
    town.stations[1].subscriber = Some("ALICE".to_owned());
    check_heard(
        town,
        &[(0, "office", Type("AT+VCID=1\r")), CALL, (16_000, "alice", Type("x"))],
        20_000,
        &[
            "0 office: |OK|",
            "3330 office: dcd RI",
            "3330 office: |RING|",
            "5330 office: dcd",
            "5330 office: |DATE = 0625||TIME = 2000||NMBR = 5550199||NAME = ALICE|",
            "9330 office: dcd RI",
            "9330 office: |RING|",
            "11330 office: dcd",
            "15330 office: dcd RI",
            "15330 office: |RING|",
            "16000 alice: |NO CARRIER|",
            "16000 office: dcd",
        ],
    );
}

#[test]
fn whoever_is_engaged_is_busy_and_a_hunt_number_finds_another() {
    let mut town = two();
    town.stations.push(Station::modem("second", "5550101"));
    town.stations.push(Station::modem("bob", "5550198"));
    town.hunt_numbers.push(HuntNumber {
        number: "5550111".to_owned(),
        stations: vec!["office".to_owned(), "second".to_owned()],
    });
    check_words(
        town.clone(),
        &[CALL, (4_000, "office", Type("ATA\r")), (20_000, "bob", Type("ATDT5550100\r"))],
        25_000,
        &["14000 office: |CONNECT 33600|", "14000 alice: |CONNECT 33600|", "23130 bob: |BUSY|"],
    );
    check_words(
        town,
        &[
            CALL,
            (4_000, "office", Type("ATA\r")),
            (20_000, "bob", Type("ATDT5550111\r")),
            (24_000, "second", Type("ATA\r")),
        ],
        35_000,
        &[
            "14000 office: |CONNECT 33600|",
            "14000 alice: |CONNECT 33600|",
            "34000 second: |CONNECT 33600|",
            "34000 bob: |CONNECT 33600|",
        ],
    );
}

#[test]
fn calling_nobody_oneself_or_a_person_comes_to_nothing() {
    for (number, wanted) in [
        ("5559999", "51630 alice: |NO CARRIER|"),
        ("555", "50870 alice: |NO CARRIER|"),
        ("5550199", "3130 alice: |BUSY|"),
        ("5550177", "16330 alice: |NO CARRIER|"),
        ("5550178", "51630 alice: |NO CARRIER|"),
    ] {
        let mut town = two();
        town.stations.push(Station::telephone("granny", "5550177", Some(Duration::from_secs(5))));
        town.stations.push(Station::telephone("empty", "5550178", None));
        let command: &'static str = Box::leak(format!("ATDT{number}\r").into_boxed_str());
        check_words(town, &[(0, "alice", Type(command))], 60_000, &[wanted]);
    }
}

#[test]
fn faults_happen_to_calls() {
    let check = |fault: Fault, at: &str, steps: &[(u64, &str, Do)], wanted: &[&str]| {
        let mut town = two();
        let station = town.stations.iter_mut().find(|station| station.name == at).unwrap();
        station.faults.push((fault, Times::Next(1)));
        check_words(town, steps, 70_000, wanted);
    };
    let answered = [CALL, (4_000, "office", Type("ATA\r"))];
    check(Fault::Busy, "office", &[CALL], &["3130 alice: |BUSY|"]);
    check(Fault::NoDialTone, "alice", &[CALL], &["5000 alice: |NO DIALTONE|"]);
    check(Fault::NoAnswer, "office", &[CALL], &["51630 alice: |NO CARRIER|"]);
    check(
        Fault::DropAfter { ms: 5_000 },
        "office",
        &answered,
        &[
            "14000 office: |CONNECT 33600|",
            "14000 alice: |CONNECT 33600|",
            "20400 office: |NO CARRIER|",
            "20400 alice: |NO CARRIER|",
        ],
    );
    check(
        Fault::DropAfterBytes { bytes: 5 },
        "alice",
        &[
            CALL,
            (4_000, "office", Type("ATA\r")),
            (20_000, "alice", Type("12345")),
            (21_000, "alice", Type("6")),
        ],
        &[
            "14000 office: |CONNECT 33600|",
            "14000 alice: |CONNECT 33600|",
            "20001 office: 12345",
            "22400 office: |NO CARRIER|",
            "22400 alice: |NO CARRIER|",
        ],
    );
}

#[test]
fn faults_of_the_modem_last_until_they_are_taken_away() {
    let mute = Station::modem("office", "5550100").with_fault(Fault::Mute, Times::Always);
    check_words(Town::of([mute]), &[(0, "office", Type("AT\r"))], 9_000, &[]);
    let slow = Station::modem("office", "5550100")
        .with_fault(Fault::Slow { ms: 700 }, Times::Always)
        .with_fault(Fault::Split { bytes: 3 }, Times::Always);
    check_words(
        Town::of([slow]),
        &[(1_000, "office", Type("AT\r"))],
        9_000,
        [
            "700 office: ATE",
            "710 office: 0^",
            "710 office: |O",
            "720 office: K|",
            "1700 office: |O",
            "1710 office: K|",
        ]
        .map(|line| line)
        .as_slice(),
    );
}

#[test]
fn broken_wires() {
    let answered = [CALL, (4_000, "office", Type("ATA\r")), (20_000, "office", SetDtr(false))];
    let mut town = two();
    town.stations[0].faults.push((Fault::IgnoresDtr, Times::Always));
    check_words(
        town,
        &answered,
        60_000,
        &["14000 office: |CONNECT 33600|", "14000 alice: |CONNECT 33600|"],
    );
    let mut town = two();
    town.stations[0].faults.push((Fault::StuckDcd, Times::Always));
    let (heard, _) = play(town, &answered, 60_000);
    assert!(heard.iter().any(|line| line == "20050 office: DCD"), "{heard:#?}");
    assert!(!heard.iter().any(|line| line.ends_with("office: dcd")), "{heard:#?}");
}

#[test]
fn the_cable_can_be_pulled_and_put_back() {
    let mut exchange = Exchange::new(two(), 1);
    let office = exchange.station("office").unwrap();
    exchange.dte(Instant::ZERO, office, DteInput::Dtr(true));
    while exchange.poll().is_some() {}
    exchange.fault(Instant::ZERO, office, Fault::Unplugged, Times::Always);
    exchange.dte(Instant::ZERO, office, DteInput::Bytes(b"AT\r"));
    let plugs = |exchange: &mut Exchange| -> Vec<DteOutput> {
        std::iter::from_fn(|| exchange.poll())
            .filter_map(|output| match output {
                Output::Dte(_, output) => Some(output),
                Output::Log(_) => None,
            })
            .collect()
    };
    assert_eq!(plugs(&mut exchange), [DteOutput::Plugged(false)]);
    exchange.fault(Instant::ZERO, office, Fault::Unplugged, Times::Never);
    exchange.dte(Instant::ZERO, office, DteInput::Bytes(b"ATE0\r"));
    let seen = plugs(&mut exchange);
    assert_eq!(seen.first(), Some(&DteOutput::Plugged(true)));
    assert!(seen.contains(&DteOutput::Bytes(b"\r\nOK\r\n".to_vec())), "{seen:?}");
}

#[test]
fn the_exchange_may_hold_the_side_called_while_the_caller_stays() {
    // The caller's modem hangs up when the carrier is gone: the line is free 1.4 s later.
    let steps = [CALL, (4_000, "office", Type("ATA\r")), (20_000, "office", SetDtr(false))];
    let mut town = two();
    town.timing.hold = Duration::from_secs(60);
    let (_, log) = play(town.clone(), &steps, 40_000);
    let tail =
        ["20050 office goes on-hook", "20050 office has hung up, but its line is held by alice"];
    // V.42 says good-bye first, so here the caller is gone at once.
    assert!(log.iter().any(|line| line == "20050 alice goes on-hook"), "{log:#?}");
    // A caller who stays is still there when the line is taken again, whatever is dialled.
    town.stations[1].faults.push((Fault::HoldsLine { dial_tone: true }, Times::Always));
    let mut more = steps.to_vec();
    more.extend([(30_000, "office", SetDtr(true)), (30_100, "office", Type("ATDT1234567\r"))]);
    let (heard, log) = play(town.clone(), &more, 60_000);
    for line in tail.iter().chain(&[
        "30100 office takes its line and still has alice on it",
        "31430 alice hears office dial 1234567",
        "31430 alice and office train",
    ]) {
        assert!(log.iter().any(|logged| logged == line), "{line}: {log:#?}");
    }
    assert!(heard.iter().any(|line| line == "41430 office: |CONNECT 33600|"), "{heard:#?}");
    // Without the false dial tone, a modem that listens for it is not deceived.
    town.stations[1].faults.clear();
    town.stations[1].faults.push((Fault::HoldsLine { dial_tone: false }, Times::Always));
    let (heard, _) = play(town, &more, 60_000);
    assert!(heard.iter().any(|line| line == "35100 office: |NO DIALTONE|"), "{heard:#?}");
}

#[test]
fn a_held_line_is_free_after_the_hold_time() {
    let mut town = two();
    town.timing.hold = Duration::from_secs(30);
    town.stations.push(Station::modem("bob", "5550198"));
    town.stations[1].faults.push((Fault::HoldsLine { dial_tone: false }, Times::Always));
    let steps = [
        CALL,
        (4_000, "office", Type("ATA\r")),
        (20_000, "office", SetDtr(false)),
        (40_000, "bob", Type("ATDT5550100\r")),
        (48_000, "bob", Type("ATDT5550100\r")),
        (52_000, "office", Type("ATA\r")),
    ];
    let (heard, log) = play(town, &steps, 70_000);
    for line in ["43130 bob: |BUSY|", "62000 bob: |CONNECT 33600|"] {
        assert!(heard.iter().any(|seen| seen == line), "{line}: {heard:#?} {log:#?}");
    }
}

#[test]
fn glare_connects_whoever_dials_with_whoever_calls() {
    for (reverse, levels, wanted) in [
        (true, "X3S6=0", "13130 office: |CONNECT 33600|"),
        (true, "X4", "5000 office: |NO DIALTONE|"),
        (false, "X3S6=0", "51330 office: |NO CARRIER|"),
    ] {
        let mut town = two();
        let glare = Fault::Glare { by: "alice".to_owned(), reverse };
        town.stations[0].faults.push((glare, Times::Next(1)));
        let command: &'static str = Box::leak(format!("AT{levels}DT1234567\r").into_boxed_str());
        let (heard, log) = play(town, &[(0, "office", Type(command))], 60_000);
        let seen = |line: &str| heard.iter().any(|heard| heard.contains(line));
        let at = wanted.split_once(' ').unwrap().1;
        assert!(seen(at), "{levels} {reverse}: {heard:#?} {log:#?}");
    }
}

#[test]
fn an_incoming_call_seizes_the_line_before_it_rings() {
    let mut town = two();
    town.timing.first_ring = Duration::from_millis(500);
    // Seized at 3130, would ring at 3630; the office dials in between.
    let steps = [CALL, (3_300, "office", Type("ATX3S6=0DT1\r"))];
    let (_, log) = play(town, &steps, 10_000);
    let glare = "3300 office meant to dial and is connected with alice, who calls just now";
    assert!(log.iter().any(|line| line == glare), "{log:#?}");
}

#[test]
fn an_att_hang_up_and_a_dial_in_one_breath_find_dial_tone() {
    let steps = [
        CALL,
        (4_000, "office", Type("ATA\r")),
        (20_000, "office", Type("+++")),
        (22_000, "office", Type("ATH\rATDT5550199\r")),
        (27_000, "alice", Type("ATA\r")),
    ];
    let (heard, log) = play(two(), &steps, 40_000);
    assert!(
        heard.iter().any(|line| line == "37000 office: |CONNECT 33600|"),
        "{heard:#?} {log:#?}"
    );
}

#[test]
fn noise_is_the_same_for_the_same_seed() {
    let mut town = two();
    town.stations[0].faults.push((Fault::Noise { per_million: 300_000 }, Times::Always));
    let steps =
        [CALL, (4_000, "office", Type("ATA\r")), (20_000, "alice", Type("the quick brown fox"))];
    let once = play(town.clone(), &steps, 30_000);
    assert_eq!(once, play(town, &steps, 30_000));
    assert!(!once.0.iter().any(|line| line.contains("the quick brown fox")));
}

#[test]
fn a_scaled_town_is_faster_but_not_different() {
    let steps = [CALL, (40, "office", Type("ATA\r"))];
    let mut town = two();
    town.scale = 100;
    check_words(town, &steps, 300, &["140 office: |CONNECT 33600|", "140 alice: |CONNECT 33600|"]);
}

#[test]
fn events_are_json_lines_too() {
    let event =
        TownEvent::Rings { station: Name::new("office"), from: Name::new("alice"), count: 2 };
    let line = serde_json::to_string(&Logged { at: Instant::from_millis(3_330), event }).unwrap();
    assert_eq!(line, r#"{"ms":3330,"event":"rings","station":"office","from":"alice","count":2}"#);
    let status = serde_json::to_string(&Exchange::new(two(), 1).status(StationId(1))).unwrap();
    assert!(
        status.starts_with(r#"{"name":"alice","number":"5550199","line":"on-hook""#),
        "{status}"
    );
}
