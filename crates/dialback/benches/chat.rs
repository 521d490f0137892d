//! How fast `dialback chat` finds a string in 1 MB of noise with ten abort strings armed, against /usr/sbin/chat, pty
//! to pty.
//!
//! Two scripts. In the first the string is the beginning of a callback's dialogue, so what the later expects must read
//! may be read ahead; in the second it is the last string of all, and not one byte after it may be taken: the worst case.
//! CHAT_PROGRAM names another program to measure than the one just built (with its words: `target/release/dialback chat`).
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement: it fails by a panic and prints what it found"
)]

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

const THEIRS: &str = "/usr/sbin/chat";
const NOISE: usize = 1 << 20;
const ABORTS: [&str; 10] = [
    "BUSY",
    "VOICE",
    "NO CARRIER",
    "NO DIALTONE",
    "NO DIAL TONE",
    "NO ANSWER",
    "ERROR",
    "DELAYED",
    "BLACKLISTED",
    "Login incorrect",
];
const ROUNDS: usize = 5;

/// Lines of a talkative host, with beginnings of abort strings in them, always the same.
fn noise() -> Vec<u8> {
    let words =
        ["NO CAR", "BUS", "motd", "NO DIAL ", "Welcome", "log in", "ERR", "news", "--", "mail"];
    let mut seed: u32 = 1;
    let mut text = Vec::with_capacity(NOISE + 80);
    while text.len() < NOISE {
        for _ in 0..9 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let word = usize::try_from(seed >> 16).unwrap_or(0) % words.len();
            text.extend(words.get(word).map_or("", |word| *word).as_bytes());
            text.push(b' ');
        }
        text.extend(b"\r\n");
    }
    text.truncate(NOISE);
    text
}

/// How long `program` takes from the first byte of noise to its end.
fn measure(program: &[String], script: &[&str], stream: &[u8]) -> Duration {
    let far =
        openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pty");
    grantpt(&far).expect("a pty");
    unlockpt(&far).expect("a pty");
    let name = ptsname(&far, Vec::new()).expect("a pty's name");
    let line =
        open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).expect("a line");
    let mut modes = tcgetattr(&line).expect("modes");
    modes.make_raw();
    tcsetattr(&line, OptionalActions::Now, &modes).expect("modes");
    let (first, rest) = program.split_first().expect("a program");
    let mut command = Command::new(first);
    command.args(rest).args(["-S", "-t", "60"]);
    command
        .args(ABORTS.iter().flat_map(|string| ["ABORT", string]))
        .args(["", "\\c", "go", "\\Ngo"])
        .args(script);
    let both = || Stdio::from(line.try_clone().expect("the line"));
    let mut child = command.stdin(both()).stdout(both()).spawn().expect("the program");
    let mut far = File::from(far);
    far.write_all(b"go").expect("written");
    let mut heard = Vec::new();
    let mut buffer = [0; 64];
    while !heard.ends_with(b"go\r") {
        let got = far.read(&mut buffer).expect("the program's answer");
        heard.extend(buffer.get(..got).unwrap_or_default());
    }
    let started = Instant::now();
    far.write_all(stream).expect("written");
    let status = child.wait().expect("the program's end");
    assert!(status.success(), "{first}: {status}");
    started.elapsed()
}

fn main() {
    let ours: Vec<String> = match std::env::var("CHAT_PROGRAM") {
        Ok(words) => words.split_whitespace().map(str::to_owned).collect(),
        Err(_) => vec![env!("CARGO_BIN_EXE_dialback").to_owned(), "chat".to_owned()],
    };
    let theirs = vec![THEIRS.to_owned()];
    let mut callback = noise();
    callback
        .extend(b"\r\nlogin: callback: NO CARRIER\r\nRING\r\nCONNECT 33600\r\nlogin: Password: ");
    let dialogue = [
        "ogin:",
        "\\c",
        "callback:",
        "\\c",
        "NO CARRIER",
        "\\c",
        "\\nRING",
        "\\c",
        "CONNECT",
        "\\c",
        "ogin:",
        "\\c",
        "ssword:",
        "\\c",
    ];
    let mut last = noise();
    last.extend(b"\r\nlogin:");
    for (what, script, stream) in [
        ("a string with a dialogue after it", dialogue.as_slice(), callback.as_slice()),
        ("the last string of a script", &["ogin:", "\\c"], last.as_slice()),
    ] {
        let best = |program: &[String]| {
            (0..ROUNDS).map(|_| measure(program, script, stream)).min().unwrap_or_default()
        };
        let our_time = best(&ours);
        print!("{what}: dialback chat {:.1} ms", our_time.as_secs_f64() * 1e3);
        if std::path::Path::new(THEIRS).exists() {
            let their_time = best(&theirs);
            let ratio = their_time.as_secs_f64() / our_time.as_secs_f64();
            println!(
                ", {THEIRS} {:.1} ms: {ratio:.1} times as fast",
                their_time.as_secs_f64() * 1e3
            );
        } else {
            println!(" ({THEIRS} is missing: no comparison; install the package ppp)");
        }
    }
}
