//! Replays the corpora of the chat fuzzers: every input that was once worth keeping is survived by each build.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test fails by a panic and reads its own corpus; the targets are crates of their own"
)]

use std::path::Path;

#[path = "../../../fuzz/fuzz_targets/chat_engine.rs"]
mod chat_engine;
#[path = "../../../fuzz/fuzz_targets/chat_parser.rs"]
mod chat_parser;

fn replay(target: &str, run: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut inputs: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{target} has no corpus");
    for path in inputs {
        let octets = std::fs::read(&path).unwrap();
        let outcome = std::panic::catch_unwind(|| run(&octets));
        assert!(outcome.is_ok(), "{}", path.display());
    }
}

#[test]
fn the_parser_s_corpus_is_survived() {
    replay("chat_parser", chat_parser::run);
}

#[test]
fn the_engine_s_corpus_is_survived() {
    replay("chat_engine", chat_engine::run);
}
