//! Any script against any line: a run must end, keep its bounds, and not depend on how its input is cut up.
#![cfg_attr(fuzzing, no_main)]

use dialback_proto::chat::engine::MOST_HELD;
use dialback_proto::chat::{Done, Engine, InputEnd, Options, Script, Step};
use dialback_proto::time::Instant;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|octets: &[u8]| run(octets));

/// What a run did that a person can see.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    sent: Vec<u8>,
    said: Vec<u8>,
    breaks: usize,
    reports: Vec<Vec<u8>>,
    done: Done,
    read: usize,
}

/// The first octet is the options, the second the size of the reads; script and line are parted by 0xFF.
pub fn run(octets: &[u8]) {
    let [flags, size, rest @ ..] = octets else { return };
    let mut halves = rest.splitn(2, |octet| *octet == 0xFF);
    let script = halves.next().unwrap_or_default();
    let line = halves.next().unwrap_or_default();
    let single = play(*flags, script, line, 1);
    for size in [usize::from(*size) + 1, MOST_HELD] {
        let mut bulk = play(*flags, script, line, size);
        if single.done.code != 0 {
            // A run that fails may have read beyond the abort string; one that succeeds has taken nothing that
            // belongs to the next speaker.
            assert!(bulk.read >= single.read);
            bulk.read = single.read;
        }
        assert_eq!(bulk, single, "reads of {size}");
    }
}

/// A run in virtual time, against a line that has everything there at once, read in pieces of at most `size`.
fn play(flags: u8, script: &[u8], line: &[u8], size: usize) -> Seen {
    let options = Options {
        echo: flags & 1 != 0,
        verbose: flags & 2 != 0,
        copy: flags & 4 != 0,
        phone: (flags & 8 != 0).then(|| b"5\\d5\\".to_vec()),
        timeout: i32::from(flags >> 4),
        ..Options::default()
    };
    let script = Script::from_file(script);
    let tokens = script.tokens().len();
    let mut engine = Engine::new(script, options);
    let mut now = Instant::ZERO;
    let mut seen = Seen {
        sent: Vec::new(),
        said: Vec::new(),
        breaks: 0,
        reports: Vec::new(),
        done: Done { code: 0, message: Vec::new() },
        read: 0,
    };
    engine.start(now);
    // Each token costs at most its letters' pauses, alarms between them, and reads of the line.
    for _ in 0..(tokens + 2) * 20_000 + line.len() * 4 {
        while let Some(step) = engine.poll() {
            match step {
                Step::Send(byte) => {
                    seen.sent.push(byte);
                    engine.carried_out(now);
                }
                Step::Break => {
                    seen.breaks += 1;
                    engine.carried_out(now);
                }
                Step::Echo(text) | Step::Say(text) => seen.said.extend(text),
                Step::Report { text, .. } => seen.reports.push(text),
                Step::Log(_, text) => assert!(text.len() <= 1023),
                Step::ReadFile(name) => {
                    engine.file(now, if name.len() > 3 { Err("No") } else { Ok(b"x\\c\n") });
                }
                Step::Hangup(_) => {}
                Step::Done(done) => {
                    seen.done = done;
                    assert!(engine.poll().is_none() && engine.deadline().is_none());
                    assert!(seen.done.code != 0 || engine.finish().is_empty());
                    return seen;
                }
            }
        }
        let left = &line[seen.read..];
        let wanted = engine.wanted().min(size).min(left.len());
        if wanted > 0 {
            engine.receive(now, &left[..wanted]);
            seen.read += wanted;
        } else if let Some(deadline) = engine.deadline() {
            now = now.max(deadline.at);
            engine.tick(now);
        } else {
            engine.input_ended(now, InputEnd::EndOfFile);
        }
    }
    panic!("the run does not end");
}
