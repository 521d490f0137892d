//! What the ear makes of a stream, however it is cut.

use proptest::prelude::*;

use super::*;

/// Everything said, one word each, and behind `|` what belongs to the next speaker.
fn heard(form: Form, chunks: &[&[u8]]) -> (Vec<Said>, Vec<u8>) {
    let mut reader = Reader::new(form);
    let mut all = Vec::new();
    for chunk in chunks {
        reader.receive(chunk);
        while let Some(said) = reader.poll() {
            all.push(said);
        }
    }
    let rest = reader.take_rest();
    assert_eq!(reader.lost(), 0);
    (all, rest)
}

fn words((said, rest): &(Vec<Said>, Vec<u8>)) -> String {
    let mut words: Vec<String> = said
        .iter()
        .map(|said| match said {
            Said::Result(code) => code.to_string(),
            Said::CallerId(Field::Caller(caller)) => format!("from {caller}"),
            Said::CallerId(Field::Called(number)) => format!("to {number}"),
            Said::CallerId(field) => format!("{field:?}"),
            Said::Text(line) => format!("'{line}'"),
        })
        .collect();
    if !rest.is_empty() {
        words.push(format!("| {}", rest.escape_ascii()));
    }
    words.join(", ")
}

/// Whole, and byte by byte: the same.
#[track_caller]
fn check(form: Form, stream: &[u8], wanted: &str) {
    let whole = heard(form, &[stream]);
    assert_eq!(words(&whole), wanted, "{}", stream.escape_ascii());
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(words(&heard(form, &bytes)), wanted, "{} byte by byte", stream.escape_ascii());
}

#[test]
fn a_stream_becomes_facts() {
    for (stream, wanted) in [
        (&b"\r\nOK\r\n"[..], "OK"),
        (b"OK\n", "OK"),
        (b"OK\r", "OK"),
        (b"\r\r\n\nOK\r\r\n", "OK"),
        (b"O\0K\0\r\n", "OK"),
        (b"\x8d\x8a\xcf\xcb\x8d\x8a", "OK"),
        (b"OK", ""),
        (b"ATZ\r\r\nOK\r\n", "OK"),
        (b"at&f\r\nOK\r\n", "OK"),
        (b"+++ATH\r\r\nOK\r\n", "OK"),
        (b"+++\r\n\r\nOK\r\n", "OK"),
        (b"\r\n+CME ERROR: SIM busy\r\n", "'+CME ERROR: SIM busy', ERROR"),
        (b"\r\nRING\r\n\r\nNMBR = 5551234\r\n\r\nRING\r\n", "RING, from 5551234, RING"),
        (b"RING\r\nFM:0891 TO:5678\r\n", "RING, from 0891, to 5678"),
        (b"DROF=0\r\nDRON=11\r\nRING\r\nRING\r\n", "RING 1, RING"),
        (b"DRON=11\r\nDROF=4\r\nDRON=20\r\nRING\r\n", "RING 3"),
        (b"DRON=4\r\nDROF=4\r\nDRON=8\r\nRING\r\n", "RING"),
        (b"\x10R\n\x10R\n", "RING, RING"),
        (b"\x10h\x10b", "'<DLE>h', BUSY"),
        (b"V2.10 \x07!\r\nOK\r\n", "'V2.10 .!', OK"),
        (b"NO DIAL TONE\r\n", "NO DIALTONE"),
        (b"0\r\n", "'0'"),
    ] {
        check(Form::Verbose, stream, wanted);
    }
}

#[test]
fn behind_connect_nothing_is_ours() {
    for (stream, wanted) in [
        (&b"\r\nCONNECT 33600\r\nlogin: "[..], "CONNECT 33600, | login: "),
        (b"\r\nCONNECT\r\n\r\nOK\r\n", "CONNECT, | \\r\\nOK\\r\\n"),
        (b"\r\nCONNECT\r\n~\xff}#\xc0!\0", "CONNECT, | ~\\xff}#\\xc0!\\x00"),
        (b"\r\nCONNECT\r\n\n", "CONNECT, | \\n"),
        (b"CONNECT 1200\r\nx", "CONNECT 1200, | x"),
        (b"CONNECT 1200\nx", "CONNECT 1200, | x"),
        (b"\nCONNECT 1200\n\r\n", "CONNECT 1200, | \\r\\n"),
        // A modem without LF has none behind CONNECT either.
        (b"OK\rCONNECT 1200\rx", "OK, CONNECT 1200, | x"),
        // Nor has a modem that pairs them nowhere else.
        (b"\r\nOK\nCONNECT 1200\r", "OK, CONNECT 1200"),
        (b"OK\rOK\rCONNECT 1200\r", "OK, OK, CONNECT 1200"),
        // This modem had LF so far, and has none here: the byte is the caller's.
        (b"\r\nOK\r\nCONNECT 1200\rx", "OK, CONNECT 1200, | x"),
        (
            b"ATA\r\r\nCARRIER 31200\r\n\r\nPROTOCOL: LAP-M\r\n\r\nCONNECT 115200\r\n~",
            "CONNECT 115200/CARRIER 31200/PROTOCOL: LAP-M, | ~",
        ),
        (b"CARRIER 31200\r\nNO CARRIER\r\nCONNECT\r\n", "NO CARRIER, CONNECT"),
    ] {
        check(Form::Verbose, stream, wanted);
    }
}

#[test]
fn numbers_are_read_where_the_modem_speaks_numbers() {
    for (stream, wanted) in [
        (&b"ATZ\r0\r"[..], "OK"),
        (b"2\r2\r", "RING, RING"),
        (b"1\r\nx", "CONNECT, | \\nx"),
        (b"84\r~", "CONNECT 33600, | ~"),
        (b"3\r", "NO CARRIER"),
        (b"ATZ\r\r\nOK\r\n", "OK"),
        (b"NMBR=5551234\r\n2\r", "from 5551234, RING"),
    ] {
        check(Form::Numeric(NumericCodes::Rockwell), stream, wanted);
    }
}

#[test]
fn a_long_line_is_cut_and_never_a_result() {
    let mut stream = b"RING ".to_vec();
    stream.extend([b'1'; 5_000]);
    stream.extend(b"\r\nOK\r\n");
    let (said, _) = heard(Form::Verbose, &[&stream]);
    let [Said::Text(line), Said::Result(ResultCode::Ok)] = &said[..] else { panic!("{said:?}") };
    assert_eq!(line.len(), MAX_LINE);
}

#[test]
fn unread_bytes_have_a_limit() {
    let mut reader = Reader::default();
    reader.receive(b"\r\nCONNECT\r\n");
    assert!(reader.poll().is_some());
    assert!(reader.is_online());
    for _ in 0..20 {
        reader.receive(&[b'x'; 10_000]);
        assert_eq!(reader.poll(), None);
    }
    assert_eq!(reader.lost(), 200_000 - MAX_UNREAD);
    assert_eq!(reader.take_rest().len(), MAX_UNREAD);
    assert_eq!(reader.take_rest(), b"");
    reader.restart();
    reader.receive(b"\r\nNO CARRIER\r\n");
    assert_eq!(reader.poll(), Some(Said::Result(ResultCode::NoCarrier)));
}

#[test]
fn how_a_modem_ends_its_lines_is_known_in_the_next_call_too() {
    let mut reader = Reader::default();
    reader.receive(b"OK\rCONNECT\r");
    assert_eq!(std::iter::from_fn(|| reader.poll()).count(), 2);
    reader.restart();
    reader.receive(b"CONNECT\r");
    assert!(reader.poll().is_some(), "it waits for an LF that never comes");
}

#[test]
fn finish_hands_back_what_was_not_consumed() {
    let mut reader = Reader::default();
    reader.receive(b"\r\nCONNECT\r\nabc");
    assert!(reader.poll().is_some());
    assert_eq!(reader.finish(), b"abc");
}

/// Streams with modems' words in them more often than chance would have it.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            &b"\r\n"[..], b"\r", b"\n", b"OK", b"RING", b"RING;1;2", b"CONNECT", b"CONNECT 9600/ARQ", b"0", b"1",
            b"NO CARRIER", b"NMBR = 1", b"FM:1 TO:2", b"DRON=11", b"CARRIER 300", b"ATZ", b"+++", b"\x10R",
            b"+CME ERROR: 3",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cuts_make_no_difference(
        stream in stream(),
        sizes in prop::collection::vec(1_usize..9, 1..30),
        numeric in any::<bool>(),
    ) {
        let form = if numeric { Form::Numeric(NumericCodes::Courier) } else { Form::Verbose };
        let mut chunks = Vec::new();
        let mut left = &stream[..];
        for size in sizes.iter().cycle() {
            if left.is_empty() { break; }
            let (chunk, rest) = left.split_at(left.len().min(*size));
            chunks.push(chunk);
            left = rest;
        }
        prop_assert_eq!(heard(form, &chunks), heard(form, &[&stream]));
    }
}
