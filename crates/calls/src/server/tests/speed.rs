//! How fast the server is by itself: whole callbacks on many lines with modems that answer at once.
//!
//! `cargo test --release -p dialback-calls -- --ignored --nocapture callbacks_a_second`

use std::collections::VecDeque;
use std::time::Duration;

use proto::signals::Signals;
use proto::time::Instant;

use crate::recovery::Restored;
use crate::server::Server;
use crate::testing::{LOGIN, TOML, config};
use crate::vocabulary::{
    Event, ExitStatus, Input, LineId, Now, Output, PortInput, PortOutput, ProgramInput, Seq, Wall,
};

/// A modem and its caller: what they do about an output of the server.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest needs no answer")]
fn answer(output: Output, inputs: &mut VecDeque<Input>, ended: &mut u32) {
    let dcd = |dcd| PortInput::Signals(Signals { dcd, dsr: true, cts: true, ri: false });
    match output {
        Output::Port(line, output) => {
            let mut port = |input| inputs.push_back(Input::Port(line, input));
            let mut says = |text: &[u8]| port(PortInput::Bytes(text.to_vec()));
            match output {
                PortOutput::Open => port(PortInput::Opened { signals: Some(Signals::default()) }),
                PortOutput::Claim => port(PortInput::Claimed),
                PortOutput::Drain => port(PortInput::Drained),
                PortOutput::Dtr(false) => port(dcd(false)),
                PortOutput::Send(bytes) if bytes == b"ATZ\r" => says(b"\r\nOK\r\n"),
                PortOutput::Send(bytes) if bytes == b"ATA\r" || bytes.starts_with(b"ATD") => {
                    port(dcd(true));
                    port(PortInput::Bytes(b"\r\nCONNECT 33600\r\n".to_vec()));
                }
                PortOutput::Send(bytes) if bytes.ends_with(b"login: ") => says(b"fixed\r"),
                PortOutput::Send(bytes) if bytes.ends_with(b"log in.\r\n") => says(b"mary\r"),
                _ => {}
            }
        }
        Output::Journal(entry) => {
            if let Event::Ended(_) = &entry.event {
                *ended += 1;
            }
            if matches!(entry.event, Event::Promised(_) | Event::Kept { .. }) {
                inputs.push_back(Input::Durable(entry.seq));
            }
        }
        Output::Launch(call, ..) => {
            inputs.push_back(Input::Program(call, ProgramInput::Started { pid: 1 }));
            let exits = ProgramInput::Exited(ExitStatus::Code(0));
            inputs.push_back(Input::Program(call, exits));
        }
        _ => {}
    }
}

#[test]
#[ignore = "a measurement"]
#[expect(clippy::disallowed_methods, reason = "it measures real time")]
fn callbacks_a_second() {
    const LINES: u32 = 1_000;
    const ROUNDS: u32 = 10;
    let (head, line) = TOML.split_once("[[line]]").expect("a line");
    let lines: String = (0..LINES)
        .map(|n| {
            let line = line.replace("main", &format!("l{n}"));
            format!("[[line]]{}", line.replace("5550100", &format!("55{n:05}")))
        })
        .collect();
    let head =
        head.replace("per_user = 2", "per_user = 1000").replace("in_all   = 4", "in_all = 1000");
    let login = LOGIN.to_owned() + "fixed Y - - /bin/login @\n";
    let mut now = Now { at: Instant::ZERO, wall: Wall { unix_ms: 1_800_000_000_000, offset_s: 0 } };
    let config = config(&format!("{head}{lines}"), &login);
    let mut server = Server::new(config, [1; 32], Restored::default(), now);
    let mut inputs = VecDeque::new();
    let mut ended = 0;
    let start = std::time::Instant::now();
    for _ in 0..=ROUNDS {
        loop {
            while let Some(output) = server.poll() {
                answer(output, &mut inputs, &mut ended);
            }
            if let Some(input) = inputs.pop_front() {
                server.handle(now, input);
                continue;
            }
            match server.deadline() {
                Some(next) if next.why != "modem check" => {
                    let wait: Duration = next.at - now.at;
                    now = Now { at: now.at.max(next.at), wall: now.wall + wait };
                    server.handle(now, Input::Tick);
                }
                _ => break,
            }
        }
        for line in 0..LINES {
            let ring = PortInput::Bytes(b"\r\nRING\r\n".to_vec());
            inputs.push_back(Input::Port(LineId(line), ring));
        }
    }
    let sessions = f64::from(ended) / 2.0;
    println!(
        "{sessions} callback sessions on {LINES} lines, {:.0} a second",
        sessions / start.elapsed().as_secs_f64()
    );
    server.handle(now, Input::Durable(Seq(1)));
    assert_eq!(ended, 2 * LINES * ROUNDS);
}
