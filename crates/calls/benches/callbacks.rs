//! How fast the server is by itself: whole callbacks on many lines with modems that answer at once, and what budgets add.
//!
//! `cargo bench -p dialback-calls` prints callbacks a second on one core.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and tells people"
)]

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use proto::signals::Signals;
use proto::time::Instant;

use dialback_calls::config::load::{FileText, Surroundings, load};
use dialback_calls::config::{Config, System};
use dialback_calls::recovery::Restored;
use dialback_calls::server::Server;
use dialback_calls::vocabulary::{
    Event, ExitStatus, Input, LineId, Now, Output, PortInput, PortOutput, ProgramInput, Wall,
};

const LINES: u32 = 1_000;
const ROUNDS: u32 = 10;
const USERS: u32 = 10_000;

const HEAD: &str = r#"
[server]
login_config = "/login.config"

[login]
prompt = "login: "

[callback]
delay    = "20s"
jitter   = "0s"
soonest_connect = "0s"
per_user = 1000
in_all   = 1000
caller_numbers = { allow = ["66*"] }
"#;

const LOGIN: &str = "cback N - - /usr/sbin/callback -S\nmary - - - /bin/login @\n";

/// What costs are kept within, on every call and for a great many users.
fn budgets() -> String {
    let users: String = (0..USERS)
        .map(|n| format!("[[user]]\nname = \"u{n}\"\nbudget = {{ minutes = 60 }}\n"))
        .collect();
    format!("[[budget]]\nminutes = 100000\n{users}")
}

fn config(more: &str) -> Result<Config, String> {
    let lines: String = (0..LINES)
        .map(|n| {
            format!(
                "[[line]]\nname = \"l{n}\"\nport = \"sim:l{n}\"\nnumber = \"55{n:05}\"\nhold_time = \"10s\"\n\
                 modem = {{ init = [\"ATZ\"], dial_prefix = \"ATDT\", read_back = false }}\n"
            )
        })
        .collect();
    let file = |text: String| FileText { text: text.into_bytes(), uid: 0, mode: 0o600 };
    let files: BTreeMap<PathBuf, FileText> = BTreeMap::from([
        ("/dialback.toml".into(), file(format!("{HEAD}{lines}{more}"))),
        ("/login.config".into(), file(format!("!version 2\n{LOGIN}"))),
    ]);
    let surroundings = Surroundings { host: "alma".to_owned(), system: System::default(), uid: 0 };
    load(Path::new("/dialback.toml"), &surroundings, &files)
        .map(|loaded| loaded.config)
        .map_err(|faults| faults.iter().map(|fault| format!("{fault}\n")).collect())
}

#[derive(Default)]
struct Count {
    ended: u32,
    launched: u32,
}

/// A modem and its caller: what they do about an output of the server.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest needs no answer")]
fn answer(output: Output, inputs: &mut VecDeque<Input>, count: &mut Count) {
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
                PortOutput::Send(bytes) if bytes == b"ATA\r" || bytes.starts_with(b"ATD") => {
                    port(dcd(true));
                    port(PortInput::Bytes(b"\r\nCONNECT 33600\r\n".to_vec()));
                }
                PortOutput::Send(bytes) if bytes.starts_with(b"AT") => says(b"\r\nOK\r\n"),
                // On the return leg no entry takes this name, and he is asked again.
                PortOutput::Send(bytes) if bytes.ends_with(b"of this name.\r\n") => says(b"mary\r"),
                PortOutput::Send(bytes) if bytes.ends_with(b"login: ") => says(b"cback\r"),
                // Each from his own: at one number there is one callback at a time.
                PortOutput::Send(bytes) if bytes.ends_with(b"callback: ") => {
                    says(format!("66{:05}\r", line.0).as_bytes());
                }
                _ => {}
            }
        }
        Output::Journal(entry) => {
            if let Event::Ended(_) = &entry.event {
                count.ended += 1;
            }
            if matches!(entry.event, Event::Promised(_) | Event::Kept { .. }) {
                inputs.push_back(Input::Durable(entry.seq));
            }
        }
        Output::Launch(call, ..) => {
            count.launched += 1;
            inputs.push_back(Input::Program(call, ProgramInput::Started { pid: 1 }));
            let exits = ProgramInput::Exited(ExitStatus::Code(0));
            inputs.push_back(Input::Program(call, exits));
        }
        _ => {}
    }
}

/// Plays all rounds; how many sessions a second there were.
fn play(config: Config) -> Result<f64, String> {
    let mut now = Now { at: Instant::ZERO, wall: Wall { unix_ms: 1_800_000_000_000, offset_s: 0 } };
    let mut server = Server::new(config, [1; 32], Restored::default(), now);
    let mut inputs = VecDeque::new();
    let mut count = Count::default();
    let start = std::time::Instant::now();
    // Round 0 sets the modems up.
    for _ in 0..=ROUNDS {
        loop {
            while let Some(output) = server.poll() {
                answer(output, &mut inputs, &mut count);
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
                Some(_) | None => break,
            }
        }
        for line in 0..LINES {
            let ring = PortInput::Bytes(b"\r\nRING\r\n".to_vec());
            inputs.push_back(Input::Port(LineId(line), ring));
        }
    }
    let took = start.elapsed();
    let sessions = LINES * ROUNDS;
    let Count { ended, launched } = count;
    if ended != 2 * sessions || launched != sessions {
        return Err(format!(
            "{sessions} sessions: {ended} calls ended, {launched} programs were started\n"
        ));
    }
    Ok(f64::from(sessions) / took.as_secs_f64())
}

fn measure() -> Result<(), String> {
    let plain = play(config("")?)?;
    println!(
        "{} callback sessions on {LINES} lines at once: {plain:.0} sessions/s on one core",
        LINES * ROUNDS
    );
    let watched = play(config(&budgets())?)?;
    println!(
        "the same with a budget of the day and {USERS} users who have one: {watched:.0} sessions/s, {:.2} times as long",
        plain / watched
    );
    Ok(())
}

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(faults) => {
            eprint!("{faults}");
            ExitCode::FAILURE
        }
    }
}
