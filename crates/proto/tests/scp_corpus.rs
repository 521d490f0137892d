//! Replays the fuzzers' corpora of dial-up scripts: every input that was once worth keeping is survived by each build.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test fails by a panic and reads its own corpus; the targets are crates of their own"
)]

use std::path::Path;

#[path = "../../../fuzz/fuzz_targets/scp_engine.rs"]
mod scp_engine;
#[path = "../../../fuzz/fuzz_targets/scp_parser.rs"]
mod scp_parser;

fn replay(corpus: &str, run: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(corpus);
    let mut inputs: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(inputs.len() >= 5, "{corpus} has only {} files", inputs.len());
    for path in inputs {
        let octets = std::fs::read(&path).unwrap();
        let outcome = std::panic::catch_unwind(|| run(&octets));
        assert!(outcome.is_ok(), "{}", path.display());
    }
}

#[test]
fn the_parser_s_corpus_is_survived() {
    replay("scp_parser", scp_parser::run);
    replay("scp_engine", scp_parser::run);
}

#[test]
fn the_engine_s_corpus_is_survived() {
    replay("scp_engine", scp_engine::run);
    replay("scp_parser", scp_engine::run);
}
