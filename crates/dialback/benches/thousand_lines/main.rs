//! A thousand lines at once: `dialback serve` on a town of virtual modems over RFC 2217, each line doing whole
//! callback cycles, with what it costs in memory and time.
//!
//! ```text
//! cargo bench --bench thousand_lines              1,000 lines, 2 cycles each
//! cargo bench --bench thousand_lines -- 50 10     50 lines, 10 cycles each
//! ```
//!
//! Four processes: the exchange, the server, the dashboard, and this one with the callers and with those who look at the
//! dashboard. Fails if a single cycle does, or if somebody who looks falls behind.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measuring program"
)]

mod dashboard;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How many times faster than telephones. The callers' modems wait 50 of the town's seconds for an answer: at more
/// than this a busy machine of two cores, which plays the town as well, does not hear all of them ring in time.
const SCALE: u32 = 5;

/// No step of a caller takes longer.
const STEP: Duration = Duration::from_secs(60);

/// How long the idle server is watched.
const IDLE: Duration = Duration::from_secs(10);

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let lines = numbers.first().copied().unwrap_or(1000);
    let cycles = numbers.get(1).copied().unwrap_or(2);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run(lines, cycles));
}

/// A process that ends with us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

async fn run(lines: usize, cycles: usize) {
    let place = std::env::temp_dir().join(format!("dialback-lines-{}", std::process::id()));
    fs::create_dir_all(&place).expect("a folder");
    let (exchange, ports) = exchange(&place, lines);
    let servers: Vec<_> = ports.iter().take(lines).cloned().collect();
    let callers: Vec<_> = ports.iter().skip(lines).cloned().collect();
    let began = Instant::now();
    let server = serve(&place, &servers);
    wait_until_idle(&place, lines);
    println!("{lines} lines set up in {:.1} s", began.elapsed().as_secs_f64());
    idle(server.0.id(), lines).await;

    let watching = Subscriber::start(&place);
    let dashboard = dashboard::Dashboard::start(&place);
    let began = Instant::now();
    let cpu = cpu_time(server.0.id());
    let mut all = JoinSet::new();
    for (index, address) in callers.into_iter().enumerate() {
        all.spawn(async move {
            let mut caller = Caller::plug_in(&address, index).await;
            for _ in 0..cycles {
                caller.cycle().await;
            }
        });
    }
    while let Some(done) = all.join_next().await {
        done.expect("a caller's cycle");
    }
    let took = began.elapsed();
    let cpu = cpu_time(server.0.id()) - cpu;
    let done = lines * cycles;
    println!(
        "{done} callback cycles, all complete, in {:.1} s at {SCALE} times telephone speed",
        took.as_secs_f64()
    );
    watching.conclude(done);
    dashboard.conclude(lines, took);
    looks(&place, lines);
    println!(
        "  server: {:.2} ms of CPU a cycle, {:.0} % of a core meanwhile",
        cpu.as_secs_f64() * 1e3 / done as f64,
        100.0 * cpu.as_secs_f64() / took.as_secs_f64()
    );
    println!(
        "  server: {:.1} KiB private memory a line after all calls",
        private_kib(server.0.id()) as f64 / lines as f64
    );
    drop((server, exchange));
    fs::remove_dir_all(&place).expect("our own folder");
}

/// Starts the town: a server's modem (RFC 2217) and a caller's (TCP) for each line. Their addresses, servers first.
fn exchange(place: &Path, lines: usize) -> (Running, Vec<String>) {
    let mut town = format!("time_scale = {SCALE}\n");
    for (kind, port, first) in [("s", "rfc2217", 5_000_000), ("c", "tcp", 7_000_000)] {
        for n in 0..lines {
            let number = first + n;
            writeln!(town, "[[station]]\nname = \"{kind}{n}\"\nnumber = \"{number}\"\nport = \"{port}:127.0.0.1:0\"")
                .expect("to memory");
        }
    }
    let path = place.join("town.toml");
    fs::write(&path, town).expect("town.toml");
    let mut child = Command::new(env!("CARGO_BIN_EXE_dialback"))
        .args(["exchange", "--quiet", "--ports", "--config"])
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the exchange");
    let out = BufReader::new(child.stdout.take().expect("piped"));
    let ports = out
        .lines()
        .map_while(Result::ok)
        .take(2 * lines)
        .map(|line| {
            let at = line.split_whitespace().last().unwrap_or_default().to_owned();
            at.split_once("://").map(|(_, address)| address.to_owned()).expect("an address")
        })
        .collect::<Vec<_>>();
    assert_eq!(ports.len(), 2 * lines, "the exchange did not open all ports");
    (Running(child), ports)
}

fn serve(place: &Path, servers: &[String]) -> Running {
    let login = place.join("login.config");
    fs::write(&login, "cback - - callback -S\nguest - - /bin/echo welcome\n")
        .expect("login.config");
    fs::set_permissions(&login, fs::Permissions::from_mode(0o600)).expect("its mode");
    let mut config = format!(
        "[server]\nstate_dir = \"{0}/state\"\ncontrol = \"{0}/control\"\nlogin_config = \"{0}/login.config\"\n\
         user = \"root\"\n[web]\nlisten = \"127.0.0.1:0\"\n[callback]\nline = \"same\"\ndelay = \"1s\"\njitter = \"1s\"\nsoonest_connect = \"0s\"\nper_user = 1000\nin_all = 10000\n\
         caller_numbers = {{ allow = [\"7*\"] }}\n",
        place.display()
    );
    for (n, address) in servers.iter().enumerate() {
        writeln!(
            config,
            "[[line]]\nname = \"l{n}\"\nport = \"rfc2217://{address}\"\nhold_time = \"500ms\"\nnumber = \"{}\"",
            5_000_000 + n
        )
        .expect("to memory");
    }
    let path = place.join("dialback.toml");
    fs::write(&path, config).expect("dialback.toml");
    let child = Command::new(env!("CARGO_BIN_EXE_dialback"))
        .args(["serve", "--config"])
        .arg(&path)
        .stderr(fs::File::create(place.join("serve.log")).expect("serve.log"))
        .spawn()
        .expect("the server");
    Running(child)
}

/// Asks the server until each line is ready.
fn wait_until_idle(place: &Path, lines: usize) {
    let limit = Instant::now() + STEP;
    loop {
        let status = Command::new(env!("CARGO_BIN_EXE_dialback"))
            .args(["lines", "--json", "--control"])
            .arg(place.join("control"))
            .output()
            .expect("dialback lines");
        let text = String::from_utf8_lossy(&status.stdout);
        if text.matches("\"idle\"").count() >= lines {
            return;
        }
        let log = || fs::read_to_string(place.join("serve.log")).unwrap_or_default();
        assert!(Instant::now() < limit, "the lines did not become idle:\n{}", log());
    }
}

/// Somebody who follows every event, as the dashboard and the relay do.
struct Subscriber(std::thread::JoinHandle<Followed>);

/// What it was told.
#[derive(Default)]
struct Followed {
    ended: usize,
    lags: Vec<i64>,
    /// How often it was too slow for the server's memory, and was told the rest out of the journal.
    missed: usize,
}

/// A subscriber that gets an event so much later than it happened has fallen behind.
const BEHIND: Duration = Duration::from_secs(1);

impl Subscriber {
    fn start(place: &Path) -> Self {
        let control = place.join("control");
        let ask = move |after: Option<u64>| {
            let mut socket = UnixStream::connect(&control).expect("the control socket");
            let ask =
                serde_json::json!({ "dialback": 1, "id": 1, "ask": "events", "after": after });
            writeln!(socket, "{ask}").expect("asking");
            // Long enough without an event: all cycles are over.
            socket.set_read_timeout(Some(Duration::from_secs(15))).expect("a limit");
            BufReader::new(socket)
        };
        let mut events = ask(None);
        Self(std::thread::spawn(move || {
            let (mut followed, mut last, mut line) = (Followed::default(), None, String::new());
            while events.read_line(&mut line).is_ok_and(|read| read > 0) {
                let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
                line.clear();
                if value["answer"] == "missed" {
                    followed.missed += 1;
                    events = ask(last);
                }
                let Some(at) = value["entry"]["at"]["unix_ms"].as_i64() else { continue };
                last = value["entry"]["seq"].as_u64();
                let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis();
                followed.lags.push(i64::try_from(now).expect("small") - at);
                followed.ended += usize::from(value["entry"]["event"] == "ended");
            }
            followed
        }))
    }

    /// Each cycle has two calls; none may have been missed.
    fn conclude(self, cycles: usize) {
        let Followed { ended, mut lags, missed } = self.0.join().expect("the subscriber");
        lags.sort_unstable();
        let at =
            |part: usize| lags.get(lags.len().saturating_sub(1) * part / 100).copied().unwrap_or(0);
        println!(
            "  a subscriber got {} events ({missed} times out of the journal); behind: half {} ms, 99 of 100 {} ms, most {} ms",
            lags.len(),
            at(50),
            at(99),
            at(100)
        );
        assert!(ended >= 2 * cycles, "{ended} calls were told of {}", 2 * cycles);
        assert!(
            at(99) < i64::try_from(BEHIND.as_millis()).expect("small"),
            "the subscriber fell behind"
        );
    }
}

/// How long commands take that show every line.
fn looks(place: &Path, lines: usize) {
    for words in [["status", "--json"], ["lines", "--json"], ["calls", "--limit=100"]] {
        let began = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_dialback"))
            .args(words)
            .arg("--control")
            .arg(place.join("control"))
            .output()
            .expect("dialback");
        let took = began.elapsed();
        assert!(output.status.success(), "{words:?}");
        println!(
            "  dialback {} with {lines} lines: {:.1} ms",
            words.join(" "),
            took.as_secs_f64() * 1e3
        );
    }
}

async fn idle(pid: u32, lines: usize) {
    let before = cpu_time(pid);
    // The time itself is what is measured.
    tokio::time::sleep(IDLE).await;
    let cpu = cpu_time(pid) - before;
    println!(
        "idle: {:.1} KiB private memory a line, {:.2} % of a core in {} s",
        private_kib(pid) as f64 / lines as f64,
        100.0 * cpu.as_secs_f64() / IDLE.as_secs_f64(),
        IDLE.as_secs()
    );
}

/// User and system time of a process so far.
fn cpu_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/schedstat")).expect("schedstat");
    let first = stat.split_whitespace().next().and_then(|ns| ns.parse().ok()).expect("nanoseconds");
    let mut all = Duration::from_nanos(first);
    // Of the other threads as well: the store has one.
    for task in fs::read_dir(format!("/proc/{pid}/task")).expect("its threads").flatten() {
        if task.file_name().to_string_lossy() != pid.to_string()
            && let Ok(stat) = fs::read_to_string(task.path().join("schedstat"))
        {
            let ns = stat.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
            all += Duration::from_nanos(ns);
        }
    }
    all
}

/// Memory that is this process's alone, in KiB.
fn private_kib(pid: u32) -> u64 {
    let path = PathBuf::from(format!("/proc/{pid}/smaps_rollup"));
    let rollup = fs::read_to_string(path).expect("smaps_rollup");
    rollup
        .lines()
        .filter(|line| line.starts_with("Private_"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .sum()
}

/// A caller at his modem.
struct Caller {
    modem: TcpStream,
    heard: Vec<u8>,
    index: usize,
}

impl Caller {
    async fn plug_in(address: &str, index: usize) -> Self {
        let modem = TcpStream::connect(address).await.expect("the modem's port");
        modem.set_nodelay(true).expect("nodelay");
        Self { modem, heard: Vec::new(), index }
    }

    async fn cycle(&mut self) {
        self.ask("ATZ\r", "OK").await;
        self.ask(&format!("ATDT{}\r", 5_000_000 + self.index), "ogin: ").await;
        self.ask("cback\r", "callback: ").await;
        self.ask(&format!("{}\r", 7_000_000 + self.index), "RING").await;
        self.ask("ATA\r", "ogin: ").await;
        self.ask("guest\r", "welcome").await;
        self.wait_for("NO CARRIER").await;
    }

    async fn ask(&mut self, say: &str, wanted: &str) {
        self.modem.write_all(say.as_bytes()).await.expect("the modem listens");
        self.wait_for(wanted).await;
    }

    /// Reads until `wanted` comes; what came before is forgotten.
    async fn wait_for(&mut self, wanted: &str) {
        let limit = tokio::time::Instant::now() + STEP;
        loop {
            let found = self.heard.windows(wanted.len()).position(|w| w == wanted.as_bytes());
            if let Some(at) = found {
                self.heard.drain(..at + wanted.len());
                return;
            }
            let mut bytes = [0; 512];
            match tokio::time::timeout_at(limit, self.modem.read(&mut bytes)).await {
                Ok(Ok(n)) if n > 0 => {
                    self.heard.extend_from_slice(bytes.get(..n).unwrap_or_default());
                }
                other => panic!(
                    "caller {}: waiting for {wanted:?}: {other:?}; heard {:?}",
                    self.index,
                    String::from_utf8_lossy(&self.heard)
                ),
            }
        }
    }
}
