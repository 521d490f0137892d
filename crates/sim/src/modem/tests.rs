//! A modem by itself: what is typed, and what it says.

mod timelines;

use super::*;

/// Switches a modem on, types `typed`, and compares what it says.
fn check_modem(profile: &str, typed: &str, wanted: &str) {
    let mut modem = Modem::new(Profile::named(profile).unwrap());
    modem.dtr(Instant::ZERO, true);
    modem.receive(Instant::ZERO, typed.as_bytes());
    assert_eq!(said(&mut modem), wanted, "{typed:?}");
}

fn said(modem: &mut Modem) -> String {
    let mut said = Vec::new();
    while let Some(output) = modem.poll() {
        if let Output::Dte(bytes) = output {
            said.extend(bytes);
        }
    }
    String::from_utf8_lossy(&said).replace("\r\n", "|").replace('\r', "^")
}

/// The same with echo off.
fn check(typed: &str, wanted: &str) {
    check_modem("rockwell", &format!("ATE0\r{typed}"), &format!("ATE0^|OK|{wanted}"));
}

#[test]
fn command_lines_are_understood_as_v250_says() {
    for (typed, wanted) in [
        // §5.2.1: the prefix in either case, but not mixed.
        ("AT\r", "|OK|"),
        ("at\r", "|OK|"),
        ("aT\r", ""),
        ("At\rAT\r", "|OK|"),
        ("AAT\r", "|OK|"),
        ("xyzAT\r", "|OK|"),
        // §5.2.1: blanks and control characters are skipped, Backspace takes back.
        ("A T\r", ""),
        ("AT S7 = 6 0 S7?\r", "|060||OK|"),
        ("ATX9\u{8}3\r", "|OK|"),
        ("\nAT\r\n", "|OK|"),
        // §5.2.4: repetition, without CR.
        ("ATS7?\rA/", "|050||OK||050||OK|"),
        ("a/", "|OK|"),
        // §5.3: several on a line; what stands before a fault is done.
        ("ATS8=3S8?X\r", "|003||OK|"),
        ("ATS8=9J0S8=5\rATS8?\r", "|ERROR||009||OK|"),
        // §5.3.1: a missing number is 0.
        ("ATQ1\rATQ\r", "|OK|"),
        ("ATV\rAT\rATV1\r", "0^0^|OK|"),
    ] {
        check(typed, wanted);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_command_has_its_range() {
    for good in [
        "E0",
        "E1E0",
        "H",
        "H0",
        "L0",
        "L3",
        "M2",
        "N1",
        "O0",
        "P",
        "Q0",
        "T",
        "V1",
        "W0",
        "W2",
        "X0",
        "X4",
        "Y0",
        "Z",
        "Z1",
        "&A0",
        "&A3",
        "&B1",
        "&C0",
        "&C1",
        "&D0",
        "&D3",
        "&F",
        "&F1",
        "&G0",
        "&K0",
        "&K3",
        "&K4",
        "&M4",
        "&N0",
        "&Q5",
        "&R1",
        "&S0",
        "&S1",
        "&T0",
        "&W",
        "&W1",
        "&Y0",
        "%C0",
        "%E2",
        "\\N3",
        "\\V1",
        "-K1",
        "S0=0",
        "S0=255",
        "S12=50",
        "S25=0",
        "S30=6",
        "+FCLASS=0",
        "+FCLASS=2.0",
        "+VCID=1",
        "#CID=2",
        "+IPR=115200",
        "+MS=V34,1,300,33600",
        "+IFC=2,2",
        "+ES=3,0,2",
        "&Z1=5550100",
        "B0E0Q0V1X4",
        "+FCLASS=0;X3",
        "+IPR=0;+VCID=1;E0",
    ] {
        let wanted = if good.starts_with('O') { "|NO CARRIER|" } else { "|OK|" };
        check(&format!("AT{good}\r"), wanted);
    }
    for bad in [
        "E2",
        "H2",
        "I10",
        "J",
        "K",
        "L4",
        "O2",
        "Q2",
        "U",
        "V2",
        "W3",
        "X5",
        "Z2",
        "&A4",
        "&C2",
        "&D4",
        "&E",
        "&F3",
        "&O0",
        "&W2",
        "&Z9=1",
        "&Z1",
        "S0=256",
        "S64=1",
        "S64?",
        "S300?",
        "+FCLASS=9",
        "+VCID=3",
        "+IPR=12345",
        "+IPR=x",
        "+XYZ",
        "+XYZ=1",
        "+",
        "#",
        "&",
        "\\Z1",
        "%",
        "?",
        "=",
        "DS=7",
        "DS=1",
        "!",
    ] {
        check(&format!("AT{bad}\r"), "|ERROR|");
    }
}

#[test]
fn questions_are_answered() {
    for (typed, wanted) in [
        ("ATI\r", "|336||OK|"),
        ("ATI3\r", "|RC336DPFSP||OK|"),
        ("ATI6\r", "|no call||OK|"),
        ("AT+GMI;+GMM;+GMR\r", "|ROCKWELL||RC336DPFSP||V1.210-V34_DS||OK|"),
        ("AT+GCAP\r", "|+GCAP: +FCLASS,+MS,+ES,+DS||OK|"),
        ("AT+GCI?\r", "|+GCI: B5||OK|"),
        ("AT+FCLASS?\r", "|0||OK|"),
        ("AT+FCLASS=8;+FCLASS?\r", "|8||OK|"),
        ("AT+FCLASS=?\r", "|0,1,2,2.0,8||OK|"),
        ("AT+VCID=1;+VCID?;#CID?\r", "|1||1||OK|"),
        ("AT+VCID=?\r", "|(0-2)||OK|"),
        ("AT+IPR=9600;+IPR?\r", "|+IPR: 9600||OK|"),
        ("ATV0I3\r", "RC336DPFSP|0^"),
    ] {
        check(typed, wanted);
    }
}

#[test]
fn registers_have_their_factory_values_and_z_brings_back_the_stored_ones() {
    for (typed, wanted) in [
        ("ATS0?S2?S3?S4?S5?\r", "|000||043||013||010||008||OK|"),
        ("ATS6?S7?S8?S10?S11?S12?\r", "|002||050||002||014||095||050||OK|"),
        ("ATS25?S30?S38?\r", "|005||000||020||OK|"),
        ("ATS7=33\rATZ\rATE0S7?\r", "|OK||OK|ATE0S7?^|050||OK|"),
        ("ATS7=33&W\rATS7=44\rATZ\rATS7?\r", "|OK||OK||OK||033||OK|"),
        ("ATS7=33&W\rAT&FE0\rATS7?\r", "|OK||OK||050||OK|"),
        // S3 and S4 shape the answers at once, S5 the editing.
        ("ATS4=33\rATS4=10\r", "^!OK^!|OK|"),
        ("ATS5=35\rATX9#3\r", "|OK||OK|"),
    ] {
        check(typed, wanted);
    }
}

#[test]
fn a_line_that_is_too_long_is_an_error_and_does_nothing() {
    let long = "S7=1".repeat(20);
    check(&format!("AT{long}\rATS7?\r"), "|ERROR||050||OK|");
    check(&format!("AT{}\r", "X4".repeat(30)), "|OK|");
    check_modem(
        "hayes",
        &format!("ATE0{}\r", "X4".repeat(20)),
        &format!("ATE0{}^|ERROR|", "X4".repeat(20)),
    );
}

#[test]
fn keys_are_echoed_as_they_are() {
    check_modem("rockwell", "at\r", "at^|OK|");
    check_modem("rockwell", "ATE0\rAT\r", "ATE0^|OK||OK|");
    check_modem("rockwell", "A/", "A/|OK|");
}
