//! Any octets as a chat script and as a string of one: tokens must come out of the text, and both stages must end.
#![cfg_attr(fuzzing, no_main)]

use std::collections::BTreeMap;

use dialback_proto::chat::clean::{Purpose, Typed, clean};
use dialback_proto::chat::script::{LONGEST_LINE, Place};
use dialback_proto::chat::{Options, Script};

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|octets: &[u8]| run(octets));

/// The octets are a file, a command line and a string.
pub fn run(octets: &[u8]) {
    let script = Script::from_file(octets);
    let lines: Vec<&[u8]> = octets.split(|octet| *octet == b'\n').collect();
    for token in script.tokens() {
        let Place::Line { line, column } = token.place else { panic!("a file has lines") };
        let there = &lines[line - 1][column - 1..];
        let quoted = matches!(there[0], b'"' | b'\'');
        assert!(there[usize::from(quoted)..].starts_with(&token.text), "{token:?}");
        assert!(token.text.len() <= LONGEST_LINE && !token.text.contains(&0));
        assert!(quoted || !token.text.is_empty());
    }
    if let Some(fault) = script.fault() {
        let Place::Line { line, column } = fault.place else { panic!("a file has lines") };
        assert!(matches!(lines[line - 1][column - 1], b'"' | b'\''));
        assert!(fault.counted_line >= line);
    }
    let words = Script::from_words(octets.split(|octet| *octet == 0));
    assert!(words.fault().is_none());
    strings(octets);
}

fn strings(octets: &[u8]) {
    let bare = Options::default();
    let environment = BTreeMap::from([(b"A".to_vec(), b"value\\".to_vec())]);
    let full = Options {
        phone: Some(b"555\\".to_vec()),
        second_phone: Some(Vec::new()),
        environment: Some(environment),
        ..Options::default()
    };
    for options in [&bare, &full] {
        let expected = clean(octets, Purpose::Expect, options).text;
        assert!(!expected.contains(&0), "an expect has no NUL");
        assert!(expected.len() <= octets.len() * 6);
        let sent = clean(octets, Purpose::Send, options).text;
        let pieces = Typed::new(sent.clone()).count();
        assert!(pieces <= sent.len());
    }
    // Without numbers and variables an expect only ever becomes shorter.
    assert!(clean(octets, Purpose::Expect, &bare).text.len() <= octets.len());
}
