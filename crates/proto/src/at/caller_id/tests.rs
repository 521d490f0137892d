//! Every dialect of caller ID, line by line and call by call.

use super::*;

/// What a call's lines amount to: `caller name date time called diverting`, `-` for each unknown.
fn heard(lines: &str) -> String {
    let mut id = CallerId::new();
    for line in lines.lines() {
        match super::super::result::parse_line(line.as_bytes()) {
            Some(super::super::result::ResultCode::Ring(ring)) => id.hear_ring(&ring),
            Some(_) | None => {
                parse_line(line.as_bytes()).into_iter().for_each(|field| id.hear(field));
            }
        }
    }
    let or = |field: &Option<String>| field.clone().unwrap_or("-".to_owned());
    let caller = id.caller.as_ref().map_or("-".to_owned(), ToString::to_string);
    format!(
        "{caller} {} {} {} {} {}",
        or(&id.name),
        or(&id.date),
        or(&id.time),
        or(&id.called),
        or(&id.diverting)
    )
}

#[test]
fn every_dialect_is_understood() {
    for (who, lines, wanted) in [
        ("nobody", "RING\nOK", "- - - - - -"),
        (
            "rockwell",
            "DATE = 0328\nTIME = 1429\nNMBR = 5551234\nNAME = MARY",
            "5551234 MARY 0328 1429 - -",
        ),
        (
            "rockwell, tight",
            "DATE=0328\nTIME=1429\nNMBR=5551234\nNAME=MARY",
            "5551234 MARY 0328 1429 - -",
        ),
        ("lower case", "nmbr = 5551234", "5551234 - - - - -"),
        ("private", "NMBR = P\nNAME = P", "P P - - - -"),
        ("out of area", "NMBR = O", "O - - - - -"),
        ("direct dialling in", "DDN_NMBR= 5551234", "5551234 - - - - -"),
        ("kortex", "NBR=5551234", "5551234 - - - - -"),
        (
            "zyxel 1496",
            "TIME: 12-31 23:59\nCALLER NAME: MARY\nCALLER NUMBER: 5551234",
            "5551234 MARY - 12-31 23:59 - -",
        ),
        ("zyxel, withheld", "REASON FOR NO CALLER NUMBER: PRIVATE", "P - - - - -"),
        ("zyxel, unknown", "REASON FOR NO CALLER NUMBER: OUT OF AREA", "O - - - - -"),
        ("zyxel 2864", "FM:0891234 TO:35655023", "0891234 - - - 35655023 -"),
        ("zyxel 2864, indented", "   FM:040404", "040404 - - - - -"),
        ("zyxel 2864, called only", "TO:5678", "- - - - 5678 -"),
        ("zyxel 2864, caller withheld", "FM: TO:5678", "- - - - 5678 -"),
        ("zyxel omni", "Diverting number: 0805551", "- - - - - 0805551"),
        ("isdn4linux", "RING/01234023\nCALLER NUMBER: 556677", "556677 - - - 01234023 -"),
        ("isdn4linux, form 2", "CALLED NUMBER: 35655024", "- - - - 35655024 -"),
        ("elsa", "RING;717171;999999", "717171 - - - 999999 -"),
        ("another", "CALLER'S NUMBER: 5551234", "5551234 - - - - -"),
        ("courier", "CallerID: 5551234", "5551234 - - - - -"),
        ("elink", "0891234", "0891234 - - - - -"),
        ("an S register", "060", "- - - - - -"),
        ("digi", "NDID=5678", "- - - - 5678 -"),
        ("gsm", "+CLIP: \"+49891234\",145,\"\",0,\"Mary\",0", "+49891234 - - - - -"),
        ("gsm, short", "+CLIP: \"0891234\",129", "0891234 - - - - -"),
        ("gsm, withheld", "+CLIP: \"\",128,\"\",0,\"\",1", "P - - - - -"),
        ("gsm, unknown", "+CLIP: \"\",128,\"\",0,\"\",2", "O - - - - -"),
        ("bell canada", "MESG = 030735353531323132", "5551212 - - - - -"),
        (
            "bell canada, after a time",
            "MESG = 010830333238313432390207 35353531323132",
            "5551212 - - - - -",
        ),
        ("bell canada, withheld", "MESG = 040150", "P - - - - -"),
        ("bell canada, torn", "MESG = 03073535", "- - - - - -"),
        ("bell canada, not hexadecimal", "MESG = 0307zz", "- - - - - -"),
        (
            "a number, then a reason",
            "NMBR = 5551234\nREASON FOR NO CALLER NUMBER: O",
            "5551234 - - - - -",
        ),
        ("a reason, then a number", "NMBR = O\nNMBR = 5551234", "5551234 - - - - -"),
        ("no value", "NMBR = \nNAME =", "- - - - - -"),
        ("a wrong sign", "NMBR: 5551234", "- - - - - -"),
        ("control characters", "NAME = MA\u{7}RY;`id`", "- MA RY;`id` - - - -"),
    ] {
        assert_eq!(heard(lines), wanted, "{who}");
    }
}

#[test]
fn values_have_a_limit() {
    let line = format!("NAME = {}", "x".repeat(10_000));
    let [Field::Name(name)] = &parse_line(line.as_bytes())[..] else { panic!("no name") };
    assert_eq!(name.len(), MAX_VALUE);
}

#[test]
fn caller_id_prints_as_mgetty_writes_it() {
    let mut id = CallerId::new();
    assert_eq!(id.to_string(), "none");
    id.hear(Field::Caller(Caller::OutOfArea));
    assert_eq!(id.to_string(), "O");
    id.hear(Field::Caller(Caller::Private));
    assert_eq!(id.to_string(), "P");
    id.hear(Field::Caller(Caller::Number("1".to_owned())));
    assert_eq!(id.to_string(), "1");
}
