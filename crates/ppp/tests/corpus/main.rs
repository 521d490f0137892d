//! Replays the fuzzers' corpus: every input that was once worth keeping is survived by each build.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test fails by a panic and reads its own corpus; the targets are crates of their own"
)]

use std::path::Path;

#[path = "../../../../fuzz/fuzz_targets/ppp_deframer.rs"]
mod ppp_deframer;
#[path = "../../../../fuzz/fuzz_targets/ppp_link.rs"]
mod ppp_link;
#[path = "../../../../fuzz/fuzz_targets/ppp_packets.rs"]
mod ppp_packets;

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
fn the_deframer_s_corpus_is_survived() {
    replay("ppp_deframer", ppp_deframer::run);
}

#[test]
fn the_packets_corpus_is_survived() {
    replay("ppp_packets", ppp_packets::run);
}

#[test]
fn the_link_s_corpus_is_survived() {
    replay("ppp_link", ppp_link::run);
}
