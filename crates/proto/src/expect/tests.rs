//! What is found where, against tables and against looking at every place.

use proptest::prelude::*;

use super::*;

/// Every hit in a stream: pattern and offset of its end.
fn hits(patterns: &[&[u8]], chunks: &[&[u8]]) -> Vec<(usize, usize)> {
    let mut expect = Expect::new(patterns).unwrap();
    let mut found = Vec::new();
    let mut before = 0;
    for chunk in chunks {
        let mut left = *chunk;
        while let Some(Hit { pattern, end }) = expect.feed(left) {
            before += end;
            found.push((pattern, before));
            left = &left[end..];
        }
        before += left.len();
    }
    found
}

/// The same, by looking at every place: a search starts afresh behind each hit.
fn by_hand(patterns: &[&[u8]], stream: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    for end in 1..=stream.len() {
        if let Some(pattern) = patterns.iter().position(|text| stream[start..end].ends_with(text)) {
            found.push((pattern, end));
            start = end;
        }
    }
    found
}

#[test]
fn strings_are_found_where_they_end() {
    for (patterns, stream, wanted) in [
        (&["ogin:", "BUSY"][..], "\r\nlogin: ", &[(0, 8)][..]),
        (&["ogin:", "BUSY"], "BUSY login:", &[(1, 4), (0, 11)]),
        (&["aab"], "aaab", &[(0, 4)]),
        (&["NO CARRIER", "NO DIALTONE"], "NO NO CARRIER", &[(0, 13)]),
        (&["abcd", "bc"], "abcd", &[(1, 3)]),
        (&["bc", "abc"], "abc", &[(0, 3)]),
        (&["abc", "bc"], "abc", &[(0, 3)]),
        (&["abc", "abc"], "abc", &[(0, 3)]),
        (&["aa"], "aaaa", &[(0, 2), (0, 4)]),
        (&["aa"], "aaa", &[(0, 2)]),
        (&["a\0b"], "aa\0b", &[(0, 4)]),
        (&["x"], "", &[]),
        (&[], "abc", &[]),
    ] {
        let patterns: Vec<&[u8]> = patterns.iter().map(|text| text.as_bytes()).collect();
        let stream = stream.as_bytes();
        assert_eq!(hits(&patterns, &[stream]), wanted, "{patterns:?} {stream:?}");
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(hits(&patterns, &bytes), wanted, "{patterns:?} {stream:?} byte by byte");
    }
}

#[test]
fn restarting_forgets_a_beginning() {
    let mut expect = Expect::new(&["login"]).unwrap();
    assert_eq!(expect.feed(b"log"), None);
    expect.restart();
    assert_eq!(expect.feed(b"in"), None);
    assert_eq!(expect.feed(b"login"), Some(Hit { pattern: 0, end: 5 }));
}

#[test]
fn strings_have_limits() {
    let fault = |patterns: &[&[u8]]| Expect::new(patterns).unwrap_err().to_string();
    assert_eq!(fault(&[b"a", b""]), "string 2: empty");
    let long = vec![b'x'; MAX_BYTES];
    assert!(Expect::new(&[&long]).is_ok());
    assert_eq!(
        fault(&[&long, b"y"]),
        "string 2: longer than 4096 bytes together with those before"
    );
    let every: Vec<u8> = (0..=255).collect();
    let mut expect = Expect::new(&[&every]).unwrap();
    assert_eq!(expect.feed(&every), Some(Hit { pattern: 0, end: 256 }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_finds_what_looking_everywhere_finds(
        patterns in prop::collection::vec("[abc]{1,5}", 0..6),
        stream in "[abcd]{0,80}",
        size in 1_usize..7,
    ) {
        let patterns: Vec<&[u8]> = patterns.iter().map(String::as_bytes).collect();
        let wanted = by_hand(&patterns, stream.as_bytes());
        prop_assert_eq!(&hits(&patterns, &[stream.as_bytes()])[..], &wanted[..]);
        let chunks: Vec<&[u8]> = stream.as_bytes().chunks(size).collect();
        prop_assert_eq!(hits(&patterns, &chunks), wanted);
    }
}
