//! Every cell of RFC 1661 §4.1, in the RFC's own notation, and laws that hold over all of them.

use super::*;

const STATES: [State; 10] = [
    State::Initial,
    State::Starting,
    State::Closed,
    State::Stopped,
    State::Closing,
    State::Stopping,
    State::ReqSent,
    State::AckRcvd,
    State::AckSent,
    State::Opened,
];

/// `-` cannot happen; `irc,scr/6` means actions and next state. Six columns, then four, as printed.
const LOWER: &str = "
    Up    2      irc,scr/6  -          -              -      -
    Down  -      -          0          tls/1          0      1
    Open  tls/1  1          irc,scr/6  3              5      5
    Close 0      tlf/0      2          2              4      4
    TO+   -      -          -          -              str/4  str/5
    TO-   -      -          -          -              tlf/2  tlf/3
    RCR+  -      -          sta/2      irc,scr,sca/8  4      5
    RCR-  -      -          sta/2      irc,scr,scn/6  4      5
    RCA   -      -          sta/2      sta/3          4      5
    RCN   -      -          sta/2      sta/3          4      5
    RTR   -      -          sta/2      sta/3          sta/4  sta/5
    RTA   -      -          2          3              tlf/2  tlf/3
    RUC   -      -          scj/2      scj/3          scj/4  scj/5
    RXJ+  -      -          2          3              4      5
    RXJ-  -      -          tlf/2      tlf/3          tlf/2  tlf/3
    RXR   -      -          2          3              4      5";

const UPPER: &str = "
    Up    -          -          -          -
    Down  1          1          1          tld/1
    Open  6          7          8          9
    Close irc,str/4  irc,str/4  irc,str/4  tld,irc,str/4
    TO+   scr/6      scr/6      scr/8      -
    TO-   tlf/3      tlf/3      tlf/3      -
    RCR+  sca/8      sca,tlu/9  sca/8      tld,scr,sca/8
    RCR-  scn/6      scn/7      scn/6      tld,scr,scn/6
    RCA   irc/7      scr/6      irc,tlu/9  tld,scr/6
    RCN   irc,scr/6  scr/6      irc,scr/8  tld,scr/6
    RTR   sta/6      sta/6      sta/6      tld,zrc,sta/5
    RTA   6          6          8          tld,scr/6
    RUC   scj/6      scj/7      scj/8      scj/9
    RXJ+  6          6          8          9
    RXJ-  tlf/3      tlf/3      tlf/3      tld,irc,str/5
    RXR   6          7          8          ser/9";

fn event(name: &str) -> Event {
    match name {
        "Up" => Event::Up,
        "Down" => Event::Down,
        "Open" => Event::Open,
        "Close" => Event::Close,
        "TO+" => Event::TimeoutAgain,
        "TO-" => Event::TimeoutLast,
        "RCR+" => Event::GoodRequest,
        "RCR-" => Event::BadRequest,
        "RCA" => Event::Ack,
        "RCN" => Event::Nak,
        "RTR" => Event::TerminateRequest,
        "RTA" => Event::TerminateAck,
        "RUC" => Event::UnknownCode,
        "RXJ+" => Event::RejectTolerable,
        "RXJ-" => Event::RejectFatal,
        "RXR" => Event::Echo,
        other => panic!("no event {other}"),
    }
}

fn mnemonic(action: Action) -> &'static str {
    match action {
        Action::LayerUp => "tlu",
        Action::LayerDown => "tld",
        Action::LayerStarted => "tls",
        Action::LayerFinished => "tlf",
        Action::InitRestartCount => "irc",
        Action::ZeroRestartCount => "zrc",
        Action::SendConfigureRequest => "scr",
        Action::SendConfigureAck => "sca",
        Action::SendConfigureNak => "scn",
        Action::SendTerminateRequest => "str",
        Action::SendTerminateAck => "sta",
        Action::SendCodeReject => "scj",
        Action::SendEchoReply => "ser",
    }
}

fn in_rfc_notation(step: Option<Step>) -> String {
    let Some(Step { actions, next }) = step else { return "-".into() };
    let actions: Vec<_> = actions.iter().map(|action| mnemonic(*action)).collect();
    let next = next as usize;
    if actions.is_empty() { next.to_string() } else { format!("{}/{next}", actions.join(",")) }
}

fn check(printed: &str, states: &[State]) -> usize {
    let mut cells = 0;
    for row in printed.lines().filter(|row| !row.trim().is_empty()) {
        let mut words = row.split_whitespace();
        let name = words.next().unwrap();
        for state in states {
            let step = state.on(event(name));
            assert_eq!(in_rfc_notation(step), words.next().unwrap(), "{name} in {state:?}");
            cells += 1;
        }
        assert_eq!(words.next(), None);
    }
    cells
}

#[test]
fn every_cell_is_that_of_rfc_1661_section_4_1() {
    assert_eq!(check(LOWER, &STATES[..6]) + check(UPPER, &STATES[6..]), 160);
}

#[test]
fn laws_that_hold_in_every_cell() {
    for state in STATES {
        for name in LOWER.lines().filter_map(|row| row.split_whitespace().next()) {
            let Some(Step { actions, next }) = state.on(event(name)) else { continue };
            let has = |action| actions.contains(&action);
            let opens = state != State::Opened && next == State::Opened;
            let leaves = state == State::Opened && next != State::Opened;
            assert_eq!(has(Action::LayerUp), opens, "up exactly when opened: {name} in {state:?}");
            assert_eq!(
                has(Action::LayerDown),
                leaves,
                "down exactly when left: {name} in {state:?}"
            );
            // A state with a timer is entered with something sent that the timer watches over, or
            // from another state whose timer already runs.
            if next.has_timer() && !state.has_timer() {
                let sends = has(Action::SendConfigureRequest)
                    || has(Action::SendTerminateRequest)
                    || has(Action::ZeroRestartCount);
                assert!(sends, "{name} in {state:?}");
            }
        }
    }
}
