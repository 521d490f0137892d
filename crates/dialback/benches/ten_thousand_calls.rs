//! Ten thousand calls in the journal: how long each command takes to answer, as a person waits for it.
//!
//! ```text
//! cargo bench -p dialback --bench ten_thousand_calls            10,000 calls; fails if a command takes 100 ms
//! cargo bench -p dialback --bench ten_thousand_calls -- 50000   more, without a limit
//! ```
//!
//! What prints the whole journal is measured beside the limit: it takes as long as it is long. Its measure is the
//! `sqlite3` of this machine, which prints the same rows from the same file and does nothing else.
//!
//! The journal is made of whole sessions (a call that asks, a call that keeps the promise, each with what happens on
//! it), written into a database that the server itself has laid out; the server then verifies it at its start.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a measuring program")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use calls::alert::Alert;
use calls::record::Records;
use calls::vocabulary::{
    CallId, Cause, Ended, Entry, Event, ExitStatus, Leg, PromiseId, Promised, Seq, SessionId, Wall,
};
use rusqlite::Connection;
use sha2::{Digest, Sha256};

/// What was promised for this many.
const CALLS: u64 = 10_000;
/// The promise.
const LIMIT: Duration = Duration::from_millis(100);
/// The whole journal through the server, as JSON: at most so many times as long as `sqlite3` takes to print it.
const TIMES_SQLITE: f64 = 5.0;
/// Each command so often; the median counts.
const TIMES: usize = 7;
/// 2026-01-01: the first call; one session a minute.
const BEGAN_MS: i64 = 1_767_225_600_000;

fn main() {
    let asked = std::env::args().skip(1).find_map(|argument| argument.parse::<u64>().ok());
    let calls = asked.unwrap_or(CALLS);
    let place = std::env::temp_dir().join(format!("dialback-calls-{}", std::process::id()));
    fs::create_dir_all(&place).expect("a folder");
    write_configuration(&place);
    // Lays the database out.
    drop(serve(&place));
    let began = Instant::now();
    let entries = fill(&place, calls);
    println!("{calls} calls, {entries} entries written in {:.1} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let server = serve(&place);
    println!("the server verified them and was ready in {:.2} s", began.elapsed().as_secs_f64());
    let slowest = measure(&place, calls);
    let times = whole(&place);
    drop(server);
    fs::remove_dir_all(&place).expect("our own folder");
    match times {
        Some(times) => {
            println!("the whole journal takes {times:.1} times as long as sqlite3 to print");
            assert!(times < TIMES_SQLITE, "{TIMES_SQLITE} times were promised");
        }
        None => println!("there is no sqlite3 to compare with (Debian: sqlite3)"),
    }
    if asked.is_none() {
        assert!(slowest < LIMIT, "a command takes {slowest:?}: {LIMIT:?} were promised");
    }
}

/// A server that ends with us, by SIGTERM so that it writes everything.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(i32::try_from(self.0.id()).unwrap_or(0)) {
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        drop(self.0.wait());
    }
}

fn write_configuration(place: &Path) {
    let login = place.join("login.config");
    fs::write(&login, "cback - - callback -S\n* - - /bin/login @\n").expect("login.config");
    fs::set_permissions(&login, fs::Permissions::from_mode(0o600)).expect("its mode");
    let config = format!(
        "[server]\nstate_dir = \"{0}/state\"\ncontrol = \"{0}/control\"\nlogin_config = \"{0}/login.config\"\n\
         user = \"root\"\n[callback]\nline = \"same\"\ncaller_numbers = {{ allow = [\"555*\"] }}\n\
         [[line]]\nname = \"main\"\nport = \"tcp://127.0.0.1:9\"\n",
        place.display()
    );
    fs::write(place.join("dialback.toml"), config).expect("dialback.toml");
}

fn serve(place: &Path) -> Server {
    let child = Command::new(env!("CARGO_BIN_EXE_dialback"))
        .args(["serve", "--config"])
        .arg(place.join("dialback.toml"))
        .stderr(fs::File::create(place.join("serve.log")).expect("serve.log"))
        .spawn()
        .expect("the server");
    let server = Server(child);
    let until = Instant::now() + Duration::from_secs(120);
    while !dialback(place, &["status", "--control", "{control}"]).0 {
        let log = || fs::read_to_string(place.join("serve.log")).unwrap_or_default();
        assert!(Instant::now() < until, "the server does not answer: {}", log());
    }
    server
}

/// Runs a command; whether it succeeded, and what it printed.
fn dialback(place: &Path, words: &[&str]) -> (bool, Vec<u8>) {
    let filled = |word: &&str| {
        let of = |name: &str| place.join(name).display().to_string();
        word.replace("{control}", &of("control"))
            .replace("{config}", &of("dialback.toml"))
            .replace("{journal}", &of("state/journal.db"))
    };
    let output = Command::new(env!("CARGO_BIN_EXE_dialback"))
        .args(words.iter().map(filled))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .expect("dialback");
    (output.status.success(), output.stdout)
}

fn measure(place: &Path, calls: u64) -> Duration {
    let last = format!("c{calls}");
    let middle = format!("s{}", calls / 4);
    let commands: &[&[&str]] = &[
        &["status"],
        &["status", "--json"],
        &["lines"],
        &["promises"],
        &["calls"],
        &["calls", "--limit", "10000"],
        &["calls", "--limit", "10000", "--json"],
        &["calls", "--user", "user17"],
        &["calls", "--line", "line3"],
        &["calls", "--number", "5550117"],
        &["calls", "--cause", "callback"],
        &["calls", "--since", "2026-01-02"],
        &["calls", "--user", "nobody-of-this-name"],
        &["sessions"],
        &["sessions", "--user", "user17"],
        &["sessions", "--user", "user17", "--limit", "1000"],
        &["sessions", "--limit", "1000"],
        &["call", "c1"],
        &["call", &last],
        &["call", &middle, "--json"],
        &["log"],
        &["log", "--severity", "alert"],
        &["log", "--last", "5000"],
        &["log", "--since", "2026-01-01", "--line", "line3"],
        &["log", "--since", "2026-01-01", "--user", "user17"],
        &["log", "--since", "2026-01-01", "--severity", "alert"],
    ];
    let mut slowest = Duration::ZERO;
    let mut row = |words: &[&str]| {
        let (took, bytes) = median(place, words);
        let shown: Vec<&str> =
            words.iter().copied().filter(|word| !word.starts_with('{')).collect();
        println!(
            "{:>8.1} ms {:>9} bytes  dialback {}",
            took.as_secs_f64() * 1e3,
            bytes,
            shown.join(" ")
        );
        slowest = slowest.max(took);
    };
    for words in commands {
        row(&[*words, &["--control", "{control}"]].concat());
    }
    row(&["policy", "explain", "cback", "--number", "5550199", "--config", "{config}"]);
    row(&["check", "--config", "{config}"]);
    row(&["audit", "verify", "{journal}", "--config", "{config}"]);
    slowest
}

/// The whole journal: as lines, as JSON, and as `sqlite3` prints it. How many times as long as that the JSON takes; `None`:
/// there is no sqlite3.
fn whole(place: &Path) -> Option<f64> {
    let row = |name: &str, took: Duration, bytes: usize| {
        let (ms, mib) = (took.as_secs_f64() * 1e3, bytes as f64 / f64::from(1 << 20));
        println!("{ms:>8.1} ms {mib:>6.1} MiB {:>5.0} MiB/s  {name}", mib / took.as_secs_f64());
    };
    let everything = ["log", "--since", "2025-01-01", "--control", "{control}"];
    let (took, bytes) = median(place, &everything);
    row("dialback log --since 2025-01-01", took, bytes);
    let (ours, bytes) = median(place, &[&everything[..], &["--json"]].concat());
    row("dialback log --since 2025-01-01 --json", ours, bytes);
    let database = place.join("state/journal.db");
    let sqlite = || {
        let mut command = Command::new("sqlite3");
        command.arg("-readonly").arg(&database).arg("SELECT entry FROM journal ORDER BY seq");
        command.output().ok().map(|output| output.stdout)
    };
    sqlite()?;
    let (peer, bytes) = median_of(|| sqlite().unwrap_or_default());
    row("sqlite3: SELECT entry FROM journal", peer, bytes);
    Some(ours.as_secs_f64() / peer.as_secs_f64())
}

fn median(place: &Path, words: &[&str]) -> (Duration, usize) {
    median_of(|| dialback(place, words).1)
}

fn median_of(print: impl Fn() -> Vec<u8>) -> (Duration, usize) {
    let mut bytes = 0;
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let began = Instant::now();
            let printed = print();
            bytes = printed.len();
            began.elapsed()
        })
        .collect();
    assert!(bytes > 0, "something prints nothing");
    times.sort();
    (times.get(TIMES / 2).copied().unwrap_or_default(), bytes)
}

/// Writes so many calls behind what the journal has. Says how many entries it has then.
fn fill(place: &Path, calls: u64) -> u64 {
    let path: PathBuf = place.join("state/journal.db");
    let mut database = Connection::open(path).expect("the journal");
    let (mut seq, mut hash): (i64, [u8; 32]) = database
        .query_row("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("its end");
    let change = database.transaction().expect("a transaction");
    let mut records = Records::default();
    for session in 1..=calls / 2 {
        let began = BEGAN_MS + i64::try_from(session).expect("small") * 60_000;
        for (after, event) in story(session) {
            seq += 1;
            let at = Wall { unix_ms: began + after, offset_s: 3600 };
            let entry = Entry { seq: Seq(seq.unsigned_abs()), at, event };
            let text = serde_json::to_string(&entry).expect("JSON");
            // As `store::chain` has it; the server says so if it is not.
            let mut next = Sha256::new();
            next.update(b"dialback journal 1\n");
            next.update(hash);
            next.update(seq.to_be_bytes());
            next.update(at.unix_ms.to_be_bytes());
            next.update(text.as_bytes());
            hash = next.finalize().into();
            change
                .prepare_cached(
                    "INSERT INTO journal (seq, unix_ms, entry, hash) VALUES (?1, ?2, ?3, ?4)",
                )
                .and_then(|mut insert| insert.execute((seq, at.unix_ms, text, hash)))
                .expect("a row");
            if let Some(record) = records.apply(&entry) {
                let text = serde_json::to_string(&record).expect("JSON");
                let call = i64::try_from(record.call.0).expect("small");
                change
                    .prepare_cached(
                        "INSERT INTO records (call, line, ended, record) VALUES (?1, ?2, ?3, ?4)",
                    )
                    .and_then(|mut insert| {
                        insert.execute((
                            call,
                            &record.line,
                            record.ended.map(|at| at.unix_ms),
                            text,
                        ))
                    })
                    .expect("a record");
            }
        }
    }
    change.commit().expect("committed");
    seq.unsigned_abs()
}

/// What happens in one session: milliseconds after its beginning, and what.
fn story(number: u64) -> Vec<(i64, Event)> {
    let (asks, kept) = (CallId(2 * number - 1), CallId(2 * number));
    let (session, promise) = (SessionId(number), PromiseId(number));
    let line = format!("line{}", number % 40);
    let name = format!("user{}", number % 100);
    let caller = format!("5550{:03}", number % 1000);
    let connected = |call, direction| Event::Connected {
        line: line.clone(),
        call,
        session,
        direction,
        connect: "33600/ARQ/V34/LAPM".to_owned(),
        speed: Some(33_600),
    };
    let ended = |call, leg, cause| {
        Event::Ended(Ended {
            line: line.clone(),
            call,
            session: Some(session),
            leg,
            cause,
            total_ms: 20_000,
            online_ms: 12_000,
            bytes_in: 320,
            bytes_out: 4_096,
            charge: None,
            screen: None,
        })
    };
    let named = |call| Event::Named { call, session, name: name.clone() };
    let dispatched = |call, action: &str| Event::Dispatched {
        call,
        session,
        entry: "login.config:1".to_owned(),
        action: action.to_owned(),
    };
    let alert = Event::Alert {
        alert: Alert::Guessing,
        line: Some(line.clone()),
        call: Some(asks),
        user: Some(name.clone()),
        reason: "so many wrong names from one line".to_owned(),
    };
    let promised = Promised {
        promise,
        session,
        call: Some(asks),
        user: name.clone(),
        numbers: vec![caller.clone()],
        lines: vec![line.clone()],
        rule: "login.config:1".to_owned(),
        due: Wall { unix_ms: BEGAN_MS, offset_s: 3600 },
        expires: Wall { unix_ms: BEGAN_MS, offset_s: 3600 },
        tries: 3,
        retry_ms: 30_000,
        init: Vec::new(),
        speed: None,
        ppp: false,
        bound: false,
    };
    let dialled = Event::Dialled {
        promise,
        session,
        call: kept,
        line: line.clone(),
        number: caller.clone(),
        rule: "login.config:1".to_owned(),
        attempt: 1,
    };
    let launched = Event::Launched {
        call: kept,
        session,
        program: "/bin/login".to_owned(),
        user: None,
        pid: 4711,
    };
    let rang =
        Event::Rang { line: line.clone(), call: asks, caller_id: Some(caller), called: None };
    let mut events = vec![
        (0, rang),
        (6_000, connected(asks, Leg::Request)),
        (8_000, named(asks)),
        (8_001, dispatched(asks, "callback")),
        (8_002, Event::Promised(promised)),
        (9_000, ended(asks, Leg::Request, Cause::Callback)),
        (29_000, dialled),
        (45_000, connected(kept, Leg::Return)),
        (45_001, Event::Kept { promise, call: kept }),
        (47_000, named(kept)),
        (47_001, dispatched(kept, "/bin/login")),
        (47_010, launched),
        (57_000, Event::ProgramExited { call: kept, status: ExitStatus::Code(0) }),
        (58_000, ended(kept, Leg::Return, Cause::UserRequest)),
    ];
    if number.is_multiple_of(50) {
        events.insert(3, (8_000, alert));
    }
    events
}
