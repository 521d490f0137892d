//! Numbers and dial commands as tables, and then very many strings that nobody would write.

use proptest::prelude::*;

use super::*;

fn typed(text: &str) -> String {
    match PhoneNumber::typed(text.as_bytes()) {
        Ok(number) => number.to_string(),
        Err(fault) => format!("refused: {fault}"),
    }
}

fn configured(text: &str) -> String {
    match PhoneNumber::configured(text) {
        Ok(number) => number.to_string(),
        Err(fault) => format!("refused: {fault}"),
    }
}

#[test]
fn what_a_caller_may_type() {
    for (text, wanted) in [
        ("5551234", "5551234"),
        (" 555-12 34 ", "5551234"),
        ("(089) 35.65/50", "089356550"),
        ("+49 89 1234", "+49891234"),
        (" (+49) 89-1234", "+49891234"),
        ("0", "0"),
        ("123456789012345678901234", "123456789012345678901234"),
        ("", "refused: no digit to dial"),
        (" - ", "refused: no digit to dial"),
        ("+", "refused: no digit to dial"),
        ("1234567890123456789012345", "refused: character 25: longer than 24 digits"),
        ("1+2", "refused: character 2: a '+' can only be the first character"),
        ("++49", "refused: character 2: a '+' can only be the first character"),
        (
            "+49 (0)89 1",
            "refused: character 6: leave the (0) out, it is not dialled after a country code",
        ),
        ("(0)89 1", "0891"),
        ("0900;S0=1", "refused: character 5 (';') does not belong in a telephone number"),
        ("1\rxATDT1", "refused: character 2 (byte 0x0d) does not belong in a telephone number"),
        ("*21#", "refused: character 1 ('*') does not belong in a telephone number"),
        ("5,1", "refused: character 2 (',') does not belong in a telephone number"),
        ("W5", "refused: character 1 ('W') does not belong in a telephone number"),
        ("\u{0665}", "refused: character 1 (byte 0xd9) does not belong in a telephone number"),
    ] {
        assert_eq!(typed(text), wanted, "{text:?}");
    }
    assert_eq!(
        PhoneNumber::typed(&[b' '; 100_000]),
        Err(NumberFault {
            kind: NumberFaultKind::TooLong { max: PhoneNumber::MAX },
            position: PhoneNumber::MAX_TEXT
        })
    );
}

#[test]
fn what_an_administrator_may_write() {
    for (text, wanted) in [
        ("0w089-1234", "0W0891234"),
        ("*70,,5551234@!pt#", "*70,,5551234@!PT#"),
        ("+1 555 1234,,99", "+15551234,,99"),
        (",W@", "refused: no digit to dial"),
        ("1;2", "refused: character 2 (';') does not belong in a telephone number"),
        ("1\r", "refused: character 2 (byte 0x0d) does not belong in a telephone number"),
        ("1L", "refused: character 2 ('L') does not belong in a telephone number"),
        ("S=1", "refused: character 1 ('S') does not belong in a telephone number"),
        ("1R", "refused: character 2 ('R') does not belong in a telephone number"),
        ("+,49", "refused: character 2 (',') does not belong in a telephone number"),
        ("0,+49", "refused: character 3: a '+' can only be the first character"),
    ] {
        assert_eq!(configured(text), wanted, "{text:?}");
    }
}

#[test]
fn numbers_know_what_they_are() {
    for (text, international, plain) in
        [("+4989", true, true), ("089", false, true), ("0W89", false, false)]
    {
        let number = PhoneNumber::configured(text).unwrap();
        assert_eq!(
            (number.is_international(), number.is_plain()),
            (international, plain),
            "{text}"
        );
    }
    assert_eq!(PhoneNumber::typed(b"555 12").unwrap(), PhoneNumber::typed(b"55-512").unwrap());
}

#[test]
fn which_texts_are_dial_prefixes() {
    for (text, wanted) in [
        ("ATD", "ATD"),
        ("ATDT", "ATDT"),
        ("at x3 dt9,", "ATX3DT9,"),
        ("ATS7=60DT", "ATS7=60DT"),
        (r"AT&D2\N3%C1D", r"AT&D2\N3%C1D"),
        ("ATDT*70,", "ATDT*70,"),
        ("ATMD", "ATMD"),
        ("", "dial prefix: character 1: a dial prefix begins with AT"),
        ("D", "dial prefix: character 1: a dial prefix begins with AT"),
        ("AT", "dial prefix: character 3: no dial command D at the end"),
        ("AT&D2", "dial prefix: character 6: no dial command D at the end"),
        ("ATX3", "dial prefix: character 5: no dial command D at the end"),
        ("ATS0D", "dial prefix: character 5: an S register is set like S7=60"),
        ("ATZ;D", "dial prefix: character 4: ';' would begin another command"),
        (
            "ATD;",
            "dial prefix: character 4: only digits, '*', '#' and , W @ ! P T can follow the D",
        ),
        (
            "ATDL",
            "dial prefix: character 4: only digits, '*', '#' and , W @ ! P T can follow the D",
        ),
        ("ATD\r", "dial prefix: character 4: only printable ASCII can stand in a command"),
        ("AT+FCLASS=0D", "dial prefix: character 3: not a command: put it into the init commands"),
        (
            "ATX3DT012345678901234567890",
            "dial prefix: character 25: too long: put the settings into the init commands",
        ),
    ] {
        let got = match DialPrefix::parse(text) {
            Ok(prefix) => prefix.to_string(),
            Err(fault) => fault.to_string(),
        };
        assert_eq!(got, wanted, "{text:?}");
    }
}

#[test]
fn a_number_is_rendered_for_its_line() {
    let plain = ("ATDT", None, "");
    let office = ("ATX3DT0,", Some("00"), "");
    for ((prefix, international, suffix), number, wanted) in [
        (plain, "5551234", "ATDT5551234"),
        (
            plain,
            "+49891",
            "the number begins with '+' and the line has no international prefix: set one",
        ),
        (office, "+49891", "ATX3DT0,0049891"),
        (office, "089w1", "ATX3DT0,089W1"),
        (("ATD", Some("+"), ""), "+49891", "ATD+49891"),
        (("ATD*31#", Some("+"), ""), "+49891", "ATD*31#+49891"),
        (
            ("ATD", Some("++"), ""),
            "1",
            "international prefix: character 1: write up to 16 digits, like 00 or 011, or + for a SIM modem",
        ),
        (("ATD", Some("0 W 011"), ",,1@"), "+49891", "ATD0W01149891,,1@"),
        (
            ("ATD", Some(""), ""),
            "1",
            "international prefix: character 1: write up to 16 digits, like 00 or 011, or + for a SIM modem",
        ),
        (
            ("ATD", Some(";"), ""),
            "1",
            "international prefix: character 1: write up to 16 digits, like 00 or 011, or + for a SIM modem",
        ),
        (
            ("ATD", None, ",;H"),
            "1",
            "dial suffix: character 2: only up to 16 of digits, '*', '#' and , W @ ! P T",
        ),
        (
            ("ATX3DT0123456789012345", None, "0123456789012345"),
            "1234567890123456789012345",
            "the dial command is longer than 60 characters",
        ),
    ] {
        let got = DialPrefix::parse(prefix)
            .and_then(|prefix| Dialling::new(prefix, international, suffix))
            .and_then(|dialling| dialling.render(&PhoneNumber::configured(number).unwrap()));
        let got = match got {
            Ok(command) => {
                assert!(is_dial_command(command.command()), "{command}");
                assert_eq!(command.command(), format!("{command}\r").as_bytes());
                command.to_string()
            }
            Err(fault) => fault.to_string(),
        };
        assert_eq!(got, wanted, "{prefix} {number}");
    }
}

#[test]
fn what_is_a_dial_command() {
    for (command, wanted) in [
        ("ATD1\r", true),
        ("ATDT*70,555\r", true),
        ("ATX3S7=60&D2DT1@\r", true),
        ("ATD*31#+49\r", true),
        ("ATD+\r", false),
        ("ATD++49\r", false),
        ("ATD+49+\r", false),
        ("ATD+,1\r", false),
        ("ATD1", false),
        ("ATD\r", false),
        ("ATDT,\r", false),
        ("ATD1\r\r", false),
        ("ATD1\rATD2\r", false),
        ("ATD1;\r", false),
        ("ATD1;H\r", false),
        ("ATD1H0\r", false),
        ("ATDS=1\r", false),
        ("atd1\r", false),
        ("AT&D1\r", false),
        ("ATD1\n", false),
        ("AT\r", false),
        ("", false),
    ] {
        assert_eq!(is_dial_command(command.as_bytes()), wanted, "{command:?}");
    }
}

/// The lines that the random numbers below are dialled on.
fn lines() -> Vec<Dialling> {
    [
        ("ATD", None, ""),
        ("ATDT", Some("00"), ""),
        ("ATX3S7=60DT9,", Some("011"), ",,1@"),
        ("ATD*31#", Some("+"), ""),
    ]
    .into_iter()
    .map(|(prefix, international, suffix)| {
        Dialling::new(DialPrefix::parse(prefix).unwrap(), international, suffix).unwrap()
    })
    .collect()
}

/// Whatever `text` is: if it is taken for a number, every line dials it within the grammar.
fn stays_in_the_grammar(lines: &[Dialling], text: &[u8]) -> bool {
    let numbers = [
        PhoneNumber::typed(text).ok(),
        std::str::from_utf8(text).ok().and_then(|text| PhoneNumber::configured(text).ok()),
    ];
    let mut accepted = false;
    for number in numbers.into_iter().flatten() {
        accepted = true;
        for line in lines {
            match line.render(&number) {
                Ok(command) => {
                    assert!(is_dial_command(command.command()), "{text:?} became {command:?}");
                }
                Err(DialFault::NoInternationalPrefix) => assert!(number.is_international()),
                Err(fault) => {
                    assert_eq!(fault, DialFault::TooLong, "{text:?}");
                }
            }
        }
    }
    accepted
}

#[test]
fn a_million_random_strings_never_leave_the_grammar() {
    /// Mostly what a number is made of, with everything an attacker would add.
    const ALPHABET: &[u8] =
        b"0123456789012345678901234567890123456789+ -.()/*#,wW@!pPtT;\r\nASHDL=\0\x80";
    let seed = 0x9e37_79b9_7f4a_7c15_u64;
    println!("seed {seed:#x}");
    let lines = lines();
    let mut random = seed;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 33).unwrap()
    };
    let mut text = Vec::new();
    let mut accepted = 0_u32;
    for _ in 0..1_000_000 {
        text.clear();
        for _ in 0..next() % 14 {
            text.push(ALPHABET[next() % ALPHABET.len()]);
        }
        accepted += u32::from(stays_in_the_grammar(&lines, &text));
    }
    // The loop would prove nothing if it never met a number.
    assert!(accepted > 100_000, "only {accepted} strings were numbers");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_leave_the_grammar(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        stays_in_the_grammar(&lines(), &text);
    }

    #[test]
    fn arbitrary_lines_never_leave_the_grammar(
        prefix in r"[Aa][Tt][A-Za-z0-9&\\%=;, *]{0,8}[dD][tTpPwW0-9,;*#]{0,6}",
        international in proptest::option::of(r"[0-9,;Ww\r]{0,6}|[+]{1,2}"),
        suffix in r"[0-9,;@!\rH]{0,4}",
        number in r"[+]?[0-9 ,*#()-]{1,30}",
    ) {
        let line = DialPrefix::parse(&prefix)
            .and_then(|prefix| Dialling::new(prefix, international.as_deref(), &suffix));
        if let (Ok(line), Ok(number)) = (line, PhoneNumber::configured(&number))
            && let Ok(command) = line.render(&number)
        {
            prop_assert!(is_dial_command(command.command()), "{command:?}");
        }
    }
}
