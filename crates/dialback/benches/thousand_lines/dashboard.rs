//! The dashboard beside the thousand lines, and those who look at it: what a page open in a browser is told, and how
//! late.
//!
//! Each of them keeps the picture that the page's script draws (each line's state), from `snapshot` and `change`; one of
//! them reads slowly while the calls run. At the end all pictures have to be what the API says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use crate::{BEHIND, Running, cpu_time, private_kib};

/// Those who keep up, beside the slow one.
const FAST: usize = 3;

/// What the slow one reads at once, and what he does then. A page in the background of a small computer is as slow.
const SIP: usize = 16 * 1024;
const PAUSE: Duration = Duration::from_millis(250);

/// So long without a word, once the calls are over, and all is told. The stream itself says something every 15 s.
const SILENCE: Duration = Duration::from_secs(2);

/// The dashboard, and everybody who looks at it.
pub(crate) struct Dashboard {
    web: Running,
    address: String,
    cpu: Duration,
    over: Arc<AtomicBool>,
    fast: Vec<JoinHandle<Seen>>,
    slow: JoinHandle<Seen>,
}

/// What somebody has seen.
#[derive(Default)]
struct Seen {
    /// When he began, by the wall's clock.
    since: i64,
    /// Of each line.
    states: BTreeMap<String, String>,
    /// How often a line's state was told anew, and how many entries.
    changes: usize,
    entries: usize,
    /// How often he was told everything anew.
    snapshots: usize,
    /// Entries that were left out for him.
    missed: u64,
    /// How old entries and changes were, in milliseconds.
    lags: Vec<i64>,
}

impl Dashboard {
    pub(crate) fn start(place: &Path) -> Self {
        let mut web = Command::new(env!("CARGO_BIN_EXE_dialback"))
            .args(["web", "--config"])
            .arg(place.join("dialback.toml"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the dashboard");
        let mut line = String::new();
        let out = web.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("where it listens");
        let address = line.trim_end().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let address = address.to_owned();
        let over = Arc::new(AtomicBool::new(false));
        let look = |slow: bool| {
            let (address, over) = (address.clone(), Arc::clone(&over));
            std::thread::spawn(move || watch(&address, &over, slow))
        };
        let fast = (0..FAST).map(|_| look(false)).collect();
        let slow = look(true);
        let web = Running(web);
        let cpu = cpu_time(web.0.id());
        Self { web, address, cpu, over, fast, slow }
    }

    /// All calls are over: what was everybody told, and is it right?
    pub(crate) fn conclude(self, lines: usize, took: Duration) {
        let pid = self.web.0.id();
        let cpu = cpu_time(pid) - self.cpu;
        self.over.store(true, Ordering::Relaxed);
        let fast: Vec<Seen> =
            self.fast.into_iter().map(|seen| seen.join().expect("who looks")).collect();
        let slow = self.slow.join().expect("who looks slowly");
        let now = states(&get(&self.address, "/api/v1/lines"));
        assert_eq!(now.len(), lines, "lines of the API");
        for seen in fast.iter().chain([&slow]) {
            assert!(seen.states == now, "a picture is not what the API says");
        }
        let mut lags: Vec<i64> = fast.iter().flat_map(|seen| seen.lags.iter().copied()).collect();
        lags.sort_unstable();
        let last = lags.len().saturating_sub(1);
        let at = |part: usize| lags.get(last * part / 100).copied().unwrap_or(0);
        let first = fast.first().expect("somebody");
        println!(
            "  dashboard: {FAST} readers got {} entries and {} states of lines each; behind: half {} ms, 99 of 100 {} ms, most {} ms",
            first.entries,
            first.changes,
            at(50),
            at(99),
            at(100)
        );
        println!(
            "  dashboard: a slow reader got {} entries and {} states; {} entries left out, told everything anew {} times; his picture is right",
            slow.entries,
            slow.changes,
            slow.missed,
            slow.snapshots.saturating_sub(1)
        );
        println!(
            "  dashboard: {:.0} % of a core meanwhile, {:.1} MiB private memory",
            100.0 * cpu.as_secs_f64() / took.as_secs_f64(),
            private_kib(pid) as f64 / 1024.0
        );
        assert!(fast.iter().all(|seen| seen.missed == 0), "who keeps up misses nothing");
        assert!(at(99) < i64::try_from(BEHIND.as_millis()).expect("small"), "the page fell behind");
    }
}

/// Reads a little, and pauses, until the calls are over.
struct Sips<'a> {
    from: TcpStream,
    over: &'a AtomicBool,
    slow: bool,
    since: AtomicU64,
}

impl Read for Sips<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let read = self.from.read(to)?;
        if self.slow && !self.over.load(Ordering::Relaxed) {
            let sum = self.since.fetch_add(read as u64, Ordering::Relaxed) + read as u64;
            if sum > SIP as u64 {
                self.since.store(0, Ordering::Relaxed);
                // Being slow is what he is for.
                std::thread::park_timeout(PAUSE);
            }
        }
        Ok(read)
    }
}

/// Looks until the calls are over and nothing more comes.
fn watch(address: &str, over: &AtomicBool, slow: bool) -> Seen {
    let mut from = TcpStream::connect(address).expect("the dashboard");
    // In HTTP/1.0 the stream comes as it is, without chunks around it.
    write!(from, "GET /api/v1/events HTTP/1.0\r\nHost: {address}\r\n\r\n").expect("asking");
    from.set_read_timeout(Some(SILENCE)).expect("a limit");
    let mut from = BufReader::new(Sips { from, over, slow, since: AtomicU64::new(0) });
    let mut seen = Seen { since: wall(), ..Seen::default() };
    let (mut event, mut line) = (String::new(), String::new());
    loop {
        match from.read_line(&mut line) {
            Ok(0) => panic!("the stream has ended"),
            Ok(_) if line.ends_with('\n') => {}
            Ok(_) => continue,
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if over.load(Ordering::Relaxed) {
                    return seen;
                }
                continue;
            }
            Err(e) => panic!("the stream: {e}"),
        }
        if let Some(name) = line.strip_prefix("event: ") {
            name.trim_end().clone_into(&mut event);
        } else if let Some(data) = line.strip_prefix("data: ") {
            let data: Value = serde_json::from_str(data).expect("JSON");
            seen.told(&event, &data);
        }
        line.clear();
    }
}

impl Seen {
    /// How old it is, if it is not of the time before he looked: of that the page begins with the last words.
    fn aged(&mut self, data: &Value) {
        let at = data["at"]["unix_ms"].as_i64().expect("a time");
        if at >= self.since {
            self.lags.push(wall() - at);
        }
    }

    fn told(&mut self, event: &str, data: &Value) {
        match event {
            "entry" => {
                self.entries += 1;
                self.aged(data);
            }
            "snapshot" => {
                self.snapshots += 1;
                self.states = states(&data["lines"]);
            }
            "change" => {
                let changed = states(&data["lines"]);
                self.changes += changed.len();
                self.aged(data);
                self.states.extend(changed);
            }
            "missed" => self.missed += data["count"].as_u64().expect("how many"),
            "server" => assert_eq!(data["running"], true, "{data}"),
            other => panic!("{other}: {data}"),
        }
    }
}

/// The wall's clock in milliseconds, which is the server's too.
fn wall() -> i64 {
    i64::try_from(std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis()).expect("small")
}

fn states(lines: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let lines = lines.as_array().expect("lines");
    lines.iter().map(|line| (text(&line["line"]), text(&line["state"]))).collect()
}

fn get(address: &str, path: &str) -> Value {
    let mut stream = TcpStream::connect(address).expect("the dashboard");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").expect("asking");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("JSON")
}
