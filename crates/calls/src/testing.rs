//! Timelines for the tests of this crate: what happens to a server, and what it does then, as text.
//!
//! A line with `<` is something that happens; the lines with `>` and `*` behind it are exactly what the
//! server puts out then, in order, until the next thing happens (`*` is an event in the journal). A line
//! with `+` lets time pass. What a modem says to the set-up is not interesting after the first test of it:
//! `< ready` is the way from `open` to idle, unseen.
//!
//! ```text
//!     < says RING
//!     > claim
//!     < claimed
//!     * rang c1
//!     > send "ATA\r"
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use proto::signals::Signals;
use proto::time::Instant;

use crate::config::load::{FileText, Surroundings, load};
use crate::config::{Config, System};
use crate::diagnostic::Diagnostic;
use crate::recovery::{self, Restored};
use crate::server::Server;
use crate::vocabulary::{
    CallId, CallbackOrder, CaptureOutput, Command, Entry, Event, ExitStatus, Input, LineId,
    NetworkOutput, Now, Output, PortInput, PortOutput, ProgramInput, ProgramOutput, PromiseId,
    Reply, RequestId, Seq, Wall,
};

pub(crate) const TOML: &str = r#"
[server]
state_dir    = "/var/lib/dialback"
control      = "/run/dialback/control.sock"
login_config = "login.config"
kill_grace   = "5s"

[login]
prompt = "\\r\\nalma!login: "
quiet  = "100ms"

[callback]
line     = "same"
delay    = "20s"
jitter   = "0s"
soonest_connect = "0s"
tries    = 3
retry    = "30s"
max_time = "10m"
per_user = 2
in_all   = 4
caller_numbers = { allow = ["*"], deny = ["900*"] }

[ppp]
secrets = "chap-secrets"

[[user]]
name     = "alice"
callback = { numbers = ["5550199"], offer = ["none", "caller"] }

[[user]]
name     = "bob"
callback = { numbers = ["5550177"], required = true }

[[line]]
name      = "main"
port      = "sim:main"
number    = "5550100"
direction = "both"
group     = ["public"]
modem     = { init = ["ATE0"], dial_prefix = "ATDT", dtr_hangup = true, read_back = false, command_time = "5s", guard = "1s", check_every = "1h" }
hold_time = "10s"
"#;

pub(crate) const SECOND_LINE: &str = r#"
[[line]]
name      = "second"
port      = "sim:second"
number    = "5550101"
direction = "both"
group     = ["public"]
modem     = { init = ["ATE0"], dial_prefix = "ATDT", dtr_hangup = true, read_back = false, command_time = "5s", guard = "1s", check_every = "1h" }
hold_time = "10s"
"#;

pub(crate) const LOGIN: &str = "\
!version 2
cback   N - - /usr/sbin/callback -S
fixed   N - - /usr/sbin/callback -S 5551234 5555678
special N - - /usr/sbin/callback -m ATX3 -s 9600 -S 5551234
mary    - mary - /bin/login @
/AutoPPP/ - - - dialback-ppp
";

/// What the users of the tests prove their names by.
pub(crate) const SECRETS: &str = "alice * s3cret\nbob * b0bs\ncarol * c4rols\n";

/// The configuration of the tests, with changes.
pub(crate) fn config(toml: &str, login: &str) -> Config {
    match try_config(toml, login) {
        Ok(config) => config,
        Err(faults) => panic!("{}", faults.iter().map(|f| format!("{f}\n")).collect::<String>()),
    }
}

/// The same, if it has no faults.
pub(crate) fn try_config(toml: &str, login: &str) -> Result<Config, Vec<Diagnostic>> {
    let file = |text: &str| FileText { text: text.as_bytes().to_vec(), uid: 0, mode: 0o600 };
    let files = BTreeMap::from([
        ("dialback.toml".into(), file(toml)),
        ("login.config".into(), file(login)),
        ("chap-secrets".into(), file(SECRETS)),
    ]);
    let system = System {
        name: "Linux".to_owned(),
        machine: "x86_64".to_owned(),
        release: "6.18.0".to_owned(),
        version: "#1 SMP".to_owned(),
    };
    let surroundings = Surroundings { host: "alma".to_owned(), system, uid: 0 };
    let mut config = load(Path::new("dialback.toml"), &surroundings, &files)?.config;
    config.login.issue.clear();
    Ok(config)
}

/// The configuration of the tests with further keys of `[ppp]` and other users.
pub(crate) fn ppp_config(keys: &str, users: &str) -> Config {
    let (before, rest) = TOML.split_once("[[user]]").expect("a user");
    let (_, lines) = rest.split_once("[[line]]").expect("a line");
    let before = before.trim_end();
    config(&format!("{before}\n{keys}\n{users}\n[[line]]{lines}"), LOGIN)
}

/// A server with its clock and its journal.
pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) now: Now,
    pub(crate) journal: Vec<Entry>,
    did: Vec<String>,
    /// What was sent to the modem since somebody took it.
    pub(crate) sent: Vec<u8>,
    /// What networks were told since somebody took it.
    pub(crate) networks: Vec<(CallId, NetworkOutput)>,
    /// There is, or was, more than one line.
    many: bool,
}

impl Bench {
    pub(crate) fn new(config: Config, restored: Restored, now: Now) -> Self {
        let server = Server::new(config, [7; 32], restored, now);
        let mut bench = Self {
            server,
            now,
            journal: Vec::new(),
            did: Vec::new(),
            sent: Vec::new(),
            networks: Vec::new(),
            many: false,
        };
        bench.drain();
        bench
    }

    fn drain(&mut self) {
        self.many |= self.server.lines().count() > 1;
        while let Some(output) = self.server.poll() {
            if let Output::Journal(entry) = &output {
                self.journal.push(entry.clone());
            }
            if let Output::Port(_, PortOutput::Send(bytes)) = &output {
                self.sent.extend_from_slice(bytes);
            }
            if let Output::Network(call, _, order) = &output {
                self.networks.push((*call, order.clone()));
            }
            self.did.push(told(&output, self.many));
        }
    }

    pub(crate) fn give(&mut self, input: Input) {
        self.server.handle(self.now, input);
        self.drain();
    }

    /// Lets time pass, with a tick at each deadline on the way.
    pub(crate) fn pass(&mut self, wait: Duration) {
        let end = self.now.at + wait;
        let mut ticks = 0;
        while let Some(deadline) = self.server.deadline().filter(|deadline| deadline.at <= end) {
            self.set(deadline.at.max(self.now.at));
            self.give(Input::Tick);
            ticks += 1;
            assert!(ticks < 10_000, "the server spins: {deadline:?}");
        }
        self.set(end);
        self.give(Input::Tick);
    }

    fn set(&mut self, at: Instant) {
        self.now = Now { at, wall: self.now.wall + (at - self.now.at) };
    }

    /// A server of the next run: what the journal says is all that it knows.
    pub(crate) fn restart(&mut self, config: Config) {
        let restored = recovery::fold(&self.journal);
        let journal = std::mem::take(&mut self.journal);
        *self = Self::new(config, restored, self.now);
        self.journal.splice(0..0, journal);
    }

    /// Carries out one line of a timeline.
    pub(crate) fn happens(&mut self, what: &str) {
        let (line, what) = match what.split_once(": ") {
            Some((id, what)) if id.bytes().all(|b| b.is_ascii_digit()) => {
                (LineId(id.parse().expect("a line")), what)
            }
            _ => (LineId(0), what),
        };
        let (word, rest) = what.split_once(' ').unwrap_or((what, ""));
        let dcd = |dcd| Signals { dcd, dsr: true, cts: true, ri: false };
        let port = |input| Input::Port(line, input);
        let program = |input| Input::Program(self.last_call(), input);
        let input = match (word, rest) {
            ("opened", "bare") => port(PortInput::Opened { signals: None }),
            ("opened", rest) => port(PortInput::Opened { signals: Some(dcd(rest == "dcd")) }),
            ("lost", why) => port(PortInput::Lost(why.to_owned())),
            ("claimed", _) => port(PortInput::Claimed),
            ("taken", holder) => port(PortInput::Taken { holder: holder.to_owned() }),
            ("returned", _) => port(PortInput::Returned),
            ("drained", _) => port(PortInput::Drained),
            ("dcd", state) => port(PortInput::Signals(dcd(state == "up"))),
            ("says", text) => port(PortInput::Bytes(format!("\r\n{text}\r\n").into_bytes())),
            ("types", text) => port(PortInput::Bytes(unescape(text))),
            ("ready", rest) => return self.ready(line, rest == "bare"),
            ("verified", answer) => {
                let (ticket, good) = answer.split_once(' ').expect("a number and right or wrong");
                let ticket = ticket.parse().expect("a number");
                Input::Verified(CallId(1), ticket, good == "right")
            }
            ("durable", "all") => Input::Durable(Seq(u64::MAX)),
            ("durable", seq) => Input::Durable(Seq(seq.parse().expect("a place"))),
            ("store-fails", why) => Input::StoreFailed(why.to_owned()),
            ("started", _) => program(ProgramInput::Started { pid: 42 }),
            ("failed", why) => program(ProgramInput::Failed(why.to_owned())),
            ("writes", text) => program(ProgramInput::Bytes(unescape(text))),
            ("exits", code) => {
                program(ProgramInput::Exited(ExitStatus::Code(code.parse().expect("a code"))))
            }
            ("dies", signal) => {
                program(ProgramInput::Exited(ExitStatus::Signal(signal.parse().expect("a signal"))))
            }
            ("callback", numbers) => command(Command::Callback(CallbackOrder {
                who: "root".to_owned(),
                numbers: numbers.split_whitespace().map(str::to_owned).collect(),
                ..CallbackOrder::default()
            })),
            ("call-back", words) => {
                let (user, number) = match words.split_once(' ') {
                    Some((user, number)) => (user, Some(number.to_owned())),
                    None => (words, None),
                };
                command(Command::CallUser { who: "root".to_owned(), user: user.to_owned(), number })
            }
            ("hang-up", line) => {
                command(Command::HangUp { who: "root".to_owned(), line: line.to_owned() })
            }
            ("reload", _) => command(Command::Reload { who: "root".to_owned() }),
            ("config-refused", first) => {
                Input::ConfigRefused { faults: 2, first: first.to_owned() }
            }
            ("busy-out", line) => {
                command(Command::BusyOut { who: "root".to_owned(), line: line.to_owned() })
            }
            ("measure", lines) => {
                let (line, with) = lines.split_once(' ').expect("two lines");
                let (line, with) = (line.to_owned(), with.to_owned());
                command(Command::Measure { who: "root".to_owned(), line, with })
            }
            ("qualify", rest) => {
                let (line, ms) = rest.split_once(' ').expect("a line and a time");
                let (who, line) = ("root".to_owned(), line.to_owned());
                let hold_ms = ms.parse().expect("milliseconds");
                command(Command::Qualify { who, line, hold_ms })
            }
            ("restore", line) => {
                command(Command::Restore { who: "root".to_owned(), line: line.to_owned() })
            }
            ("reset", line) => {
                command(Command::Reset { who: "root".to_owned(), line: line.to_owned() })
            }
            ("hurry", id) => command(Command::Hurry {
                who: "root".to_owned(),
                promise: PromiseId(id.parse().expect("a promise")),
            }),
            ("withdraw", id) => command(Command::Withdraw {
                who: "root".to_owned(),
                promise: PromiseId(id.parse().expect("a promise")),
            }),
            ("stop", grace) => Input::Stop { grace: wait(grace) },
            ("tick", _) => Input::Tick,
            _ => panic!("what is {what:?}?"),
        };
        self.give(input);
    }

    fn last_call(&self) -> CallId {
        let launched = self.server.status(self.now).sessions;
        launched.iter().find(|s| s.service == "program").map_or(CallId(0), |s| s.call)
    }

    /// From `open` to idle.
    pub(crate) fn ready(&mut self, line: LineId, bare: bool) {
        let signals = (!bare).then(|| Signals { dsr: true, cts: true, ..Signals::default() });
        self.give(Input::Port(line, PortInput::Opened { signals }));
        self.give(Input::Port(line, PortInput::Claimed));
        self.give(Input::Port(line, PortInput::Bytes(b"\r\nOK\r\n".to_vec())));
        if bare {
            // Without control lines its echo is switched off as well.
            self.pass(Duration::from_millis(50));
            self.give(Input::Port(line, PortInput::Bytes(b"\r\nOK\r\n".to_vec())));
        }
        assert!(
            self.did.iter().any(|did| did.contains("release")),
            "the line is not idle: {:?}",
            self.did
        );
        self.did.clear();
    }

    /// Runs a timeline; fails with the whole of what happened instead.
    pub(crate) fn run(&mut self, timeline: &str) {
        let wanted: Vec<&str> = timeline
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty() && !l.starts_with('#'))
            .collect();
        let mut got = Vec::new();
        for line in &wanted {
            if let Some(what) = line.strip_prefix("< ") {
                got.push((*line).to_owned());
                self.happens(what);
                got.append(&mut self.did);
            } else if let Some(time) = line.strip_prefix("+ ") {
                got.push((*line).to_owned());
                self.pass(wait(time));
                got.append(&mut self.did);
            }
        }
        let same = got.iter().zip(&wanted).take_while(|(got, wanted)| got == wanted).count();
        let from = same.saturating_sub(4);
        assert!(
            got == wanted,
            "after {same} lines it went:\n  {}\nand should have gone:\n  {}\n",
            got[from..].join("\n  "),
            wanted[from..].join("\n  ")
        );
    }

    /// A reload; what it brings about is seen with the next thing that happens.
    pub(crate) fn reload(&mut self, config: Config) {
        self.give(Input::Config(Box::new(config)));
    }

    /// Takes what it did so far, as a timeline has it.
    pub(crate) fn take_did(&mut self) -> Vec<String> {
        std::mem::take(&mut self.did)
    }

    /// Forgets what it did so far.
    pub(crate) fn unseen(&mut self) {
        self.did.clear();
    }
}

/// A timeline on a fresh server with the usual configuration, whose lines are ready.
#[track_caller]
pub(crate) fn check(timeline: &str) {
    check_with(config(TOML, LOGIN), timeline);
}

/// A timeline on a fresh server, whose lines are ready.
#[track_caller]
pub(crate) fn check_with(config: Config, timeline: &str) {
    let mut bench = fresh(config);
    let lines: Vec<LineId> = bench.server.lines().map(|(id, _)| id).collect();
    for line in lines {
        bench.ready(line, false);
    }
    bench.run(timeline);
}

/// A fresh server; what it did at the start is unseen.
pub(crate) fn fresh(config: Config) -> Bench {
    let wall = Wall { unix_ms: 1_800_000_000_000, offset_s: 0 };
    let mut bench =
        Bench::new(config, Restored::default(), Now { at: Instant::from_millis(1), wall });
    bench.unseen();
    bench
}

fn command(command: Command) -> Input {
    Input::Command(RequestId(1), command)
}

fn wait(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_alphabetic()).expect("a unit"));
    let number: u64 = number.parse().expect("a number");
    match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(60 * number),
        other => panic!("what time is {other}?"),
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let text = text.replace("\\r", "\r").replace("\\n", "\n").replace("\\x7e", "\x7e");
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("a byte")).collect()
}

fn shown(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

/// An output as a line of a timeline.
fn told(output: &Output, name_lines: bool) -> String {
    match output {
        Output::Port(line, output) => {
            let what = match output {
                PortOutput::Open => "open".to_owned(),
                PortOutput::Close => "close".to_owned(),
                PortOutput::Claim => "claim".to_owned(),
                PortOutput::Release => "release".to_owned(),
                PortOutput::Send(bytes) => format!("send {}", shown(bytes)),
                PortOutput::Drain => "drain".to_owned(),
                PortOutput::Dtr(up) => format!("dtr {}", if *up { "up" } else { "down" }),
                PortOutput::Speed(speed) => format!("speed {speed}"),
                PortOutput::Flush => "flush".to_owned(),
                PortOutput::CarrierMatters(matters) => format!("carrier-matters {matters}"),
            };
            if name_lines { format!("> {}: {what}", line.0) } else { format!("> {what}") }
        }
        Output::Launch(call, _, launch) => format!("> launch {call} {}", launch.argv.join(" ")),
        Output::Program(call, ProgramOutput::Bytes(bytes)) => {
            format!("> program {call} {}", shown(bytes))
        }
        Output::Program(call, ProgramOutput::HangUp) => format!("> sighup {call}"),
        Output::Program(call, ProgramOutput::Kill) => format!("> sigkill {call}"),
        Output::Network(call, _, order) => network(*call, order),
        Output::Capture(call, CaptureOutput::Begin { file, .. }) => {
            format!("> capture {call} {}", file.display())
        }
        Output::Capture(call, CaptureOutput::Append { octets, .. }) => {
            format!("> captured {call} {}", octets.len())
        }
        Output::Verify(call, ticket, _) => format!("> verify {call} {ticket}"),
        Output::Journal(entry) => format!("* {}", event(&entry.event)),
        Output::Reread => "> reread".to_owned(),
        Output::Reply(_, Reply::Done) => "> reply done".to_owned(),
        Output::Reply(_, Reply::Promised { promise, code: None }) => format!("> reply {promise}"),
        Output::Reply(_, Reply::Promised { promise, code: Some(code) }) => {
            format!("> reply {promise} with a code of {}", code.len())
        }
        Output::Reply(_, Reply::Refused { rule, .. }) => format!("> reply refused {rule}"),
        Output::Stopped => "> stopped".to_owned(),
    }
}

fn network(call: CallId, order: &NetworkOutput) -> String {
    match order {
        NetworkOutput::Set(interface) => {
            let mut text = format!("> network {call} {} mtu {}", interface.name, interface.mtu);
            if let Some(ends) = interface.ipv4 {
                text.push_str(&format!(" {}:{}", ends.local, ends.peer));
            }
            if let Some(ends) = interface.ipv6 {
                text.push_str(&format!(" {},{}", ends.local, ends.peer));
            }
            text
        }
        NetworkOutput::Packet(packet) => format!("> packet {call} of {}", packet.len()),
        NetworkOutput::Remove => format!("> no network {call}"),
        NetworkOutput::Script(script) => format!("> script {call} {}", script.argv.join(" ")),
    }
}

fn word(value: impl serde::Serialize) -> String {
    serde_json::to_string(&value).expect("a word").trim_matches('"').to_owned()
}

fn event(event: &Event) -> String {
    match event {
        Event::ServerStarted { .. } => "server-started".to_owned(),
        Event::ServerStopping { .. } => "server-stopping".to_owned(),
        Event::ServerStopped => "server-stopped".to_owned(),
        Event::Reloaded { lines } => format!("reloaded {lines}"),
        Event::ReloadRefused { faults, first } => format!("reload-refused {faults}: {first}"),
        Event::LineReady { line } => format!("line-ready {line}"),
        Event::LineFaulted { reason, retry_ms, .. } => format!("line-faulted {retry_ms}: {reason}"),
        Event::LineLent { holder, .. } => format!("line-lent {holder}"),
        Event::LineReturned { .. } => "line-returned".to_owned(),
        Event::LineBusiedOut { line } => format!("line-busied-out {line}"),
        Event::LineRestored { line } => format!("line-restored {line}"),
        Event::CarrierStuck { .. } => "carrier-stuck".to_owned(),
        Event::Rang { call, caller_id, .. } => match caller_id {
            Some(caller) => format!("rang {call} {caller}"),
            None => format!("rang {call}"),
        },
        Event::Screened { call, rule, .. } => format!("screened {call} {rule}"),
        Event::Connected { call, session, connect, direction, .. } => {
            format!("connected {call} {session} {} {connect}", word(direction))
                .trim_end()
                .to_owned()
        }
        Event::Named { name, .. } => format!("named {name}"),
        Event::Dispatched { entry, action, .. } => format!("dispatched {entry} {action}"),
        Event::CodeSpent { name, .. } => format!("code-spent {name}"),
        Event::Proved { name, method, .. } => format!("proved {name} {method}"),
        Event::NotProved { name, why, .. } => format!("not-proved {name}: {why}"),
        Event::LinkEnded { why, .. } => format!("link-ended {why}"),
        Event::NetworkUp { interface, local, peer, .. } => {
            format!("network-up {interface} {local} {peer}")
        }
        Event::NetworkDown { interface, packets_in, packets_out, why, .. } => {
            format!("network-down {interface} {packets_in} {packets_out}: {why}")
        }
        Event::NetworkRefused { user, rule, .. } => format!("network-refused {user} {rule}"),
        Event::ScriptFailed { script, reason, .. } => format!("script-failed {script}: {reason}"),
        Event::Refused { rule, number, .. } => match number {
            Some(number) => format!("refused {rule} {number}"),
            None => format!("refused {rule}"),
        },
        Event::Promised(promised) => format!(
            "promised {} {} on {} by {}",
            promised.promise,
            promised.numbers.join(","),
            promised.lines.join(","),
            promised.rule
        ),
        Event::Dialled { promise, call, number, attempt, line, .. } => {
            format!("dialled {promise} {call} {number} on {line} try {attempt}")
        }
        Event::TryFailed { promise, cause, next_ms, .. } => match next_ms {
            Some(next) => format!("try-failed {promise} {} next {next}", word(cause)),
            None => format!("try-failed {promise} {}", word(cause)),
        },
        Event::Kept { promise, call } => format!("kept {promise} {call}"),
        Event::Recognised { name, number, .. } => format!("recognised {name} at {number}"),
        Event::Stranger { number, why, .. } => format!("stranger {number}: {why}"),
        Event::Qualified { line, hold_ms, .. } => format!("qualified {line} {hold_ms}"),
        Event::NotQualified { line, reason, .. } => format!("not-qualified {line}: {reason}"),
        Event::MeasuringCall { from, number, purpose, .. } => {
            format!("measuring-call {from} {number}: {purpose}")
        }
        Event::Measured { line, finding, .. } => format!("measured {line}: {finding}"),
        Event::Released { number, .. } => format!("released {number}"),
        Event::Withdrawn { promise, .. } => format!("withdrawn {promise}"),
        Event::Expired { promise, why } => format!("expired {promise}: {why}"),
        Event::Launched { call, pid, .. } => format!("launched {call} {pid}"),
        Event::LaunchFailed { program, reason, .. } => format!("launch-failed {program}: {reason}"),
        Event::ProgramExited { call, .. } => format!("program-exited {call}"),
        Event::Ended(ended) => format!("ended {} {}", ended.call, word(ended.cause)),
        Event::Operated { command, .. } => format!("operated {command}").trim_end().to_owned(),
        Event::Alert { alert, .. } => format!("alert {}", alert.name()),
    }
}
