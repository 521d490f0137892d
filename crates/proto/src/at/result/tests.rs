//! Every spelling that modems have, and what it means.

use super::*;

fn said(code: Option<ResultCode>) -> String {
    match code {
        None => "-".to_owned(),
        Some(ResultCode::Connect(Connect { text, speed })) => {
            format!("CONNECT [{text}] {}", speed.map_or("?".to_owned(), |speed| speed.to_string()))
        }
        Some(ResultCode::Ring(Ring { kind, caller, called })) => format!(
            "RING {kind} {} {}",
            caller.map_or("-".to_owned(), |caller| caller.to_string()),
            called.unwrap_or("-".to_owned())
        ),
        Some(code) => code.to_string(),
    }
}

#[test]
fn every_word_means_what_it_says() {
    for (line, wanted) in [
        ("OK", "OK"),
        ("ok", "OK"),
        (" OK ", "OK"),
        ("OKAY", "-"),
        ("NO CARRIER", "NO CARRIER"),
        ("NO CARRIER SENSE", "-"),
        ("ERROR", "ERROR"),
        ("+CME ERROR: SIM PIN required", "ERROR"),
        ("+CMS ERROR: 500", "ERROR"),
        ("NO DIALTONE", "NO DIALTONE"),
        ("NO DIAL TONE", "NO DIALTONE"),
        ("NO DIAL-TONE", "NO DIALTONE"),
        ("BUSY", "BUSY"),
        ("NO ANSWER", "NO ANSWER"),
        ("VOICE", "VOICE"),
        ("VCON", "VOICE"),
        ("+FHNG: 10", "NO CARRIER"),
        ("RINGING", "RINGING"),
        ("RRING", "RINGING"),
        ("DELAYED", "DELAYED"),
        ("BLACKLISTED", "BLACKLISTED"),
        ("BLACKLIST FULL", "BLACKLISTED"),
        ("DIAL LOCKED", "DIAL LOCKED"),
        ("LINE IN USE", "LINE IN USE"),
        ("+FCON", "FAX"),
        ("DATA", "DATA"),
        ("", "-"),
        ("login: ", "-"),
        ("\u{e9}", "-"),
    ] {
        assert_eq!(said(parse_line(line.as_bytes())), wanted, "{line:?}");
    }
}

#[test]
fn connect_tells_the_speed_on_the_line() {
    for (line, wanted) in [
        ("CONNECT", "CONNECT [] ?"),
        ("CONNECT 300", "CONNECT [300] 300"),
        ("CONNECT 33600/ARQ/V34/LAPM/V42BIS", "CONNECT [33600/ARQ/V34/LAPM/V42BIS] 33600"),
        ("CONNECT 14400/ARQ/MNP5", "CONNECT [14400/ARQ/MNP5] 14400"),
        // ZyXEL: port speed, modulation, line speed.
        ("CONNECT 38400/V.32bis 14400/V.42bis", "CONNECT [38400/V.32bis 14400/V.42bis] 14400"),
        ("CONNECT 115200/V.34 33600/LAPM/V.42b", "CONNECT [115200/V.34 33600/LAPM/V.42b] 33600"),
        ("CONNECT 57600/V42b", "CONNECT [57600/V42b] 57600"),
        ("CONNECT 75TX/1200RX", "CONNECT [75TX/1200RX] 75"),
        ("CONNECT 1200/75", "CONNECT [1200/75] 1200"),
        ("CONNECT 9600EC", "CONNECT [9600EC] 9600"),
        ("CONNECT 64000/HDLC", "CONNECT [64000/HDLC] 64000"),
        ("CONNECT 9600/RLP", "CONNECT [9600/RLP] 9600"),
        ("CONNECT/ARQ", "CONNECT [ARQ] ?"),
        ("CONNECT LAPM", "CONNECT [LAPM] ?"),
        ("CONNECT 99999999999", "CONNECT [99999999999] ?"),
        ("connect 1200", "CONNECT [1200] 1200"),
        ("CONNECTED TO HOST", "-"),
        ("CONNECTION", "-"),
    ] {
        assert_eq!(said(parse_line(line.as_bytes())), wanted, "{line:?}");
    }
}

#[test]
fn rings_say_kind_caller_and_called() {
    for (line, wanted) in [
        ("RING", "RING 0 - -"),
        ("RING 2", "RING 2 - -"),
        ("RING A", "RING 1 - -"),
        ("RING c", "RING 3 - -"),
        ("RING 090909", "RING 0 090909 -"),
        ("RING;707070", "RING 0 707070 -"),
        ("RING;717171;999999", "RING 0 717171 999999"),
        ("RING;;999999", "RING 0 - 999999"),
        ("RING/0666", "RING 0 - 0666"),
        ("RING: 3 DN9 8888", "RING 9 8888 -"),
        ("RING: 3 DN1 P", "RING 1 P -"),
        ("RING:", "RING 0 - -"),
        ("RING: t DN999 1", "RING 0 1 -"),
        ("+CRING: ASYNC", "RING 0 - -"),
        ("+CRING: FAX", "FAX"),
        ("RINGO", "-"),
    ] {
        assert_eq!(said(parse_line(line.as_bytes())), wanted, "{line:?}");
    }
}

#[test]
fn numbers_depend_on_who_made_the_modem() {
    use NumericCodes::{Courier, Hayes, Rockwell, Zyxel};
    for (line, codes, wanted) in [
        ("0", Hayes, "OK"),
        ("1", Hayes, "CONNECT [] ?"),
        ("2", Hayes, "RING 0 - -"),
        ("3", Hayes, "NO CARRIER"),
        ("4", Hayes, "ERROR"),
        ("5", Hayes, "CONNECT [1200] 1200"),
        ("6", Hayes, "NO DIALTONE"),
        ("7", Hayes, "BUSY"),
        ("8", Hayes, "NO ANSWER"),
        ("10", Hayes, "CONNECT [2400] 2400"),
        ("13", Hayes, "-"),
        ("13", Rockwell, "CONNECT [7200] 7200"),
        ("13", Courier, "CONNECT [9600] 9600"),
        ("13", Zyxel, "CONNECT [14400] 14400"),
        ("11", Courier, "RINGING"),
        ("12", Courier, "VOICE"),
        ("12", Rockwell, "CONNECT [9600] 9600"),
        ("84", Rockwell, "CONNECT [33600] 33600"),
        ("107", Courier, "CONNECT [28800] 28800"),
        ("35", Zyxel, "CONNECT [33600] 33600"),
        ("35", Rockwell, "DATA"),
        ("24", Rockwell, "DELAYED"),
        ("00", Hayes, "OK"),
        ("999", Courier, "-"),
        ("0000", Hayes, "-"),
        ("", Hayes, "-"),
        ("OK", Hayes, "-"),
    ] {
        assert_eq!(said(parse_numeric(line.as_bytes(), codes)), wanted, "{line:?} {codes:?}");
    }
}

#[test]
fn no_number_means_two_things() {
    for table in [ROCKWELL, COURIER, ZYXEL, SMARTMODEM] {
        let mut codes: Vec<u16> = HAYES.iter().chain(table).map(|&(code, _)| code).collect();
        codes.extend([1, 2]);
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }
}

#[test]
fn every_word_is_read_back() {
    for (_, code) in WORDS {
        assert_eq!(parse_line(code.to_string().as_bytes()).as_ref(), Some(code));
    }
    for line in ["CONNECT", "CONNECT 33600/ARQ", "RING", "RING 3"] {
        let code = parse_line(line.as_bytes()).unwrap();
        assert_eq!(code.to_string(), line);
    }
}

#[test]
fn remarks_before_connect_are_joined_to_it() {
    let mut connect = Connect { text: "115200".to_owned(), speed: Some(115_200) };
    for line in ["CARRIER 31200", "PROTOCOL: LAP-M", "COMPRESSION: V.42BIS"] {
        connect.remark(&parse_remark(line.as_bytes()).unwrap());
    }
    assert_eq!(connect.text, "115200/CARRIER 31200/PROTOCOL: LAP-M/COMPRESSION: V.42BIS");
    assert_eq!(connect.speed, Some(31_200));
    for (line, wanted) in [
        ("+MCR: V34", Some(None)),
        ("+MRR: 28800,33600", Some(Some(28_800))),
        ("+ER: LAPM", Some(None)),
        ("CARRIERS", None),
        ("OK", None),
    ] {
        assert_eq!(parse_remark(line.as_bytes()).map(|remark| remark.speed), wanted, "{line}");
    }
}

#[test]
fn only_outcomes_are_final() {
    for (line, wanted) in [
        ("OK", true),
        ("CONNECT", true),
        ("BUSY", true),
        ("RING", false),
        ("RINGING", false),
        ("FAX", false),
    ] {
        assert_eq!(parse_line(line.as_bytes()).unwrap().is_final(), wanted, "{line}");
    }
}
