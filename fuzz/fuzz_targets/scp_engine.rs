//! Any script that can be read, with any peer: the engine neither spins nor grows, ends when its line does, and does
//! the same whatever pieces the peer's octets come in.
//!
//! The script is what stands before the first NUL, the peer's octets what stands behind it; without a NUL the script
//! is what the peer says as well.
#![cfg_attr(fuzzing, no_main)]

use std::time::Duration;

use dialback_proto::scp::{Act, Engine, Login, MAX_TEXT, MAX_UNREAD, Outcome, Program, read};
use dialback_proto::time::Instant;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|octets: &[u8]| run(octets));

/// Longer than any case takes that gets on.
const LIMIT: Duration = Duration::from_secs(60);

/// What one turn may leave in the queue: a turn's budget, and one string more.
const MAX_QUEUED: usize = 64 * 1024 + MAX_TEXT;

pub fn run(octets: &[u8]) {
    let (script, heard) = match octets.iter().position(|&octet| octet == 0) {
        Some(nul) => (&octets[..nul], &octets[nul + 1..]),
        None => (octets, octets),
    };
    let Some(program) = read(script).program else { return };
    let whole = act_out(program.clone(), heard, heard.len().max(1));
    let pieces = act_out(program, heard, 3);
    // Until one of them is cut off, they are the same.
    let both = whole.len().min(pieces.len());
    assert_eq!(whole[..both], pieces[..both]);
}

/// What the engine does up to where time has to pass, the peer's octets given at once in pieces.
fn act_out(program: Program, heard: &[u8], piece: usize) -> Vec<Act> {
    let login = Login::new(b"mary<cr>".to_vec(), b"^secret".to_vec());
    let mut engine = Engine::new(program, login, Some(LIMIT), Instant::ZERO);
    let mut acts = Vec::new();
    let mut timeless = None;
    let mut input = heard.chunks(piece);
    let mut now = Instant::ZERO;
    for _turn in 0..40 {
        drain(&mut engine, &mut acts);
        let Some(deadline) = engine.deadline() else { break };
        let next = if engine.listening() { input.next() } else { None };
        match next {
            Some(octets) => engine.receive(now, octets),
            None => {
                if deadline.at > now {
                    timeless.get_or_insert(acts.len());
                    now = deadline.at;
                }
                engine.tick(now);
            }
        }
    }
    timeless.get_or_insert(acts.len());
    engine.hang_up();
    drain(&mut engine, &mut acts);
    assert!(matches!(acts.last(), Some(Act::Ended(_))), "{:?}", acts.last());
    assert_eq!(engine.deadline(), None);
    let ended = acts.iter().filter(|act| matches!(act, Act::Ended(_))).count();
    assert_eq!(ended, 1);
    assert!(!acts.iter().any(broken), "the compiler made a wrong program");
    assert!(engine.finish().len() <= MAX_UNREAD);
    acts.truncate(timeless.unwrap_or_default());
    acts
}

fn drain(engine: &mut Engine, acts: &mut Vec<Act>) {
    let mut queued = 0;
    while let Some(output) = engine.poll() {
        if let Act::Send(bytes) = &output.act {
            queued += bytes.len();
        }
        acts.push(output.act);
    }
    assert!(queued <= MAX_QUEUED, "{queued} octets in the queue");
}

/// A fault that the compiler should have prevented.
fn broken(act: &Act) -> bool {
    matches!(act, Act::Ended(Outcome::Failed(fault)) if fault.message.contains("compiled script"))
}
