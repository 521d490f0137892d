//! Whatever bytes stand in a configuration file, reading it ends with a configuration that holds what was
//! promised, or with diagnostics that point into the file and say how to mend it.
//!
//! Random texts come from proptest, which prints the failing one; those that were once hard are files in
//! `fuzz/corpus/`, shared with the fuzz targets.

use std::path::Path;

use configuration::{In, LOGIN, TOML, check};
use proptest::prelude::*;

#[path = "../../../fuzz/fuzz_targets/configuration.rs"]
mod configuration;

/// Texts that are nearly right: pieces of the format in any order, with junk between them.
fn pieces(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => proptest::sample::select(pieces).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

const TOML_PIECES: &[&str] = &[
    "[server]\n",
    "[login]\n",
    "[callback]\n",
    "[[line]]\n",
    "[modem.a]\n",
    "line",
    "name",
    "port",
    "speed",
    "delay",
    "tries",
    "init",
    "dial_prefix",
    "group",
    "modem",
    "caller_numbers",
    "allow",
    "deny",
    " = ",
    "=",
    "\"",
    "\"same\"",
    "\"/dev/ttyS0\"",
    "\"10s\"",
    "\"main\"",
    "\"ATS0=1\"",
    "\"ATDT\"",
    "115200",
    "3",
    "-1",
    "true",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "\n",
    "# x\n",
    "'",
    "\\",
    "name = \"b\"\n",
    "port = \"tcp://h:1\"\n",
];
const LOGIN_PIECES: &[&str] = &[
    "!version 2\n",
    "!",
    "*",
    "mary",
    "cback",
    " ",
    "\t",
    "\n",
    "-",
    " - ",
    "Y",
    "N",
    "/bin/login",
    "callback",
    "/usr/sbin/callback",
    "dialback-ppp",
    "-S",
    "-l",
    "-m",
    "-s",
    "main",
    "ttyS0",
    "ATZ",
    "@",
    "\\I",
    "5550199",
    "+49",
    "#",
    "# x\n",
    "\\\n",
    "\\",
    "\r\n",
    " - - callback -S 5550199\n",
    "* - - /bin/login @\n",
];
const DIALIN_PIECES: &[&str] = &[
    "!", "all", "none", "P", "O", "555", "+49", " ", ",", "\t", "\n", "#", "# x\n", "!all\n",
    "\r\n",
];

const SECRETS_PIECES: &[&str] = &[
    "alice",
    "*",
    " ",
    "\t",
    "\n",
    "s3cret",
    "\"",
    "'",
    "\\",
    "\\x41",
    "#",
    "@",
    "@/etc/x",
    "BRANCH\\\\",
    "10.0.0.1",
    "-",
    " * ",
    "\r\n",
    "\u{e4}",
];

fn config() -> ProptestConfig {
    ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_in_dialback_toml(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = check(In::Toml, &bytes);
    }

    #[test]
    fn any_bytes_in_login_config(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = check(In::Login, &bytes);
    }

    #[test]
    fn any_bytes_in_dialin_config(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = check(In::Dialin, &bytes);
    }

    #[test]
    fn any_bytes_in_chap_secrets(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = check(In::Secrets, &bytes);
    }

    #[test]
    fn pieces_of_toml(text in pieces(TOML_PIECES)) {
        let _ = check(In::Toml, text.as_bytes());
    }

    #[test]
    fn a_good_configuration_with_one_place_changed(
        at in 0..TOML.len(), cut in 0..8_usize, put in pieces(TOML_PIECES)
    ) {
        let end = (at + cut).min(TOML.len());
        let text = [&TOML[..at], put.as_bytes(), &TOML[end..]].concat();
        let _ = check(In::Toml, &text);
    }

    #[test]
    fn pieces_of_login_config(text in pieces(LOGIN_PIECES)) {
        let _ = check(In::Login, text.as_bytes());
    }

    #[test]
    fn pieces_of_chap_secrets(text in pieces(SECRETS_PIECES)) {
        let _ = check(In::Secrets, text.as_bytes());
    }

    #[test]
    fn pieces_of_dialin_config(text in pieces(DIALIN_PIECES)) {
        let _ = check(In::Dialin, text.as_bytes());
    }
}

#[test]
fn the_good_files_load() {
    for (which, bytes) in [(In::Toml, TOML), (In::Login, LOGIN), (In::Dialin, b"!555\n".as_slice())]
    {
        let result = check(which, bytes);
        assert!(result.is_ok(), "{which:?}: {:?}", result.err());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads its own corpus")]
fn every_file_of_the_corpus_is_survived() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (directory, which, least) in [
        ("dialback_toml", In::Toml, 15),
        ("login_config", In::Login, 10),
        ("dialin_config", In::Dialin, 5),
        ("chap_secrets", In::Secrets, 5),
    ] {
        let mut files = 0;
        for entry in std::fs::read_dir(corpus.join(directory)).expect("the corpus is there") {
            let bytes = std::fs::read(entry.expect("a file").path()).expect("it can be read");
            let _ = check(which, &bytes);
            files += 1;
        }
        assert!(files >= least, "{directory} has {files} files");
    }
}
