//! How a modem command line is divided, and what `-m` takes.

use super::*;

#[test]
fn a_command_line_is_divided_into_its_commands() {
    let check = |line: &str, expected: &[(&str, &str)]| {
        let found: Vec<(&str, &str)> =
            commands(line).iter().map(|command| (command.name, command.value)).collect();
        assert_eq!(found, expected, "{line}");
    };
    check("AT", &[]);
    check("ATZ", &[("Z", "")]);
    check("atz", &[("Z", "")]);
    check("AT&F1", &[("&F", "1")]);
    check("ATE0Q0V1X4", &[("E", "0"), ("Q", "0"), ("V", "1"), ("X", "4")]);
    check("AT &C1 &D2 S0=0", &[("&C", "1"), ("&D", "2"), ("S0", "0")]);
    check("ATS10=50S0=1", &[("S10", "50"), ("S0", "1")]);
    check("ATS0?", &[("S0", ""), ("?", "")]);
    check("AT+FCLASS=0;+VCID=1;S0=2", &[("+FCLASS", "=0"), ("+VCID", "=1"), ("S0", "2")]);
    check("AT#CID=1", &[("#CID", "=1")]);
    check("AT\\N3%C1-K1*X", &[("\\N", "3"), ("%C", "1"), ("-K", "1"), ("*X", "")]);
    check("ATX3DT5551234;S0=1", &[("X", "3"), ("D", "T5551234;S0=1")]);
    check("ATB1L2M0", &[("B", "1"), ("L", "2"), ("M", "0")]);
}

#[test]
fn s_registers_other_than_s0_are_nobodys_danger() {
    for line in ["ATS10=1", "ATS00=0", "ATS7=60", "ATS40.2=1", "ATX4", "AT&D2", "ATH0", "ATH"] {
        let found = commands(line);
        let told: Vec<_> = found.iter().filter_map(|command| danger(command, true)).collect();
        assert!(told.is_empty(), "{line}: {told:?}");
    }
}

#[test]
fn s0_in_disguise_is_found() {
    for line in ["ATS0=1", "ats0=1", "AT S0=1", "AT&C1S0=01", "ATS00=1", "AT+VCID=1;S0=1"] {
        let found = commands(line);
        assert!(found.iter().any(|command| danger(command, true).is_some()), "{line}: {found:?}");
    }
}

#[test]
fn m_takes_one_command_or_a_chat_script() {
    let check = |text: &str, expected: Result<&[&str], &str>| {
        let found = init_commands(text);
        match (&found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
            (Err(why), Err(expected)) => assert!(why.contains(expected), "{text}: {why}"),
            _ => panic!("{text}: {found:?}"),
        }
    };
    check("ATZ", Ok(&["ATZ"]));
    check("\"\" ATZ OK AT&F OK", Ok(&["ATZ", "AT&F"]));
    check("\"\" \\dATQ0V1H0 OK AT+FCLASS=0 OK", Ok(&["ATQ0V1H0", "AT+FCLASS=0"]));
    check("ATZ OK AT&F OK", Ok(&["ATZ", "AT&F"]));
    check("", Err("no command"));
    check("CONNECT ATZ", Err("waited for"));
    check("\"\" HELLO OK", Err("not an AT command"));
    check("AT&W", Err("&W"));
    check("ATDT5551234", Err("dials"));
}
