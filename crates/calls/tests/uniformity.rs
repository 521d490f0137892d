//! Ten thousand guesses: whoever has no proof learns nothing of any name, neither from what he is told nor from when.
//!
//! The server is played without a town: what reaches its port, and when, is all that a caller can see of it. The
//! names are of all kinds, and verifying a password takes the world longer for names that there are than for
//! others, as if an attacker had found a way to make it so: the answer must not show it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use dialback_calls::config::load::{FileText, Surroundings, load};
use dialback_calls::config::{Config, System};
use dialback_calls::recovery::Restored;
use dialback_calls::server::Server;
use dialback_calls::vocabulary::{Input, LineId, Now, Output, PortInput, PortOutput, Wall};
use proto::signals::Signals;
use proto::time::Instant;

const GUESSES: usize = 10_000;

const HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c2l4dGVlbiBvY3RldHM$OjW5mXMPPzx8Mc8K7HcVmHRtlZ6yBvxh5LxrVvqJqXY";

/// What kinds of names there are. `known` ones take longer to verify here.
const KINDS: [(&str, &str, bool); 7] = [
    ("a user with a number", "alice", true),
    ("a user without a number", "nonum", true),
    ("a user who types one", "typer", true),
    ("a disabled user", "gone", true),
    ("a trap", "admin", true),
    ("a name that logs in without a callback", "mary", false),
    ("nobody", "zzyzx", false),
];

fn config(uniform: bool) -> Config {
    let toml = format!(
        "[server]\nlogin_config = \"login.config\"\nissue = \"\"\n\
         [callback]\nline = \"same\"\nauthenticate = \"password\"\nuniform = {uniform}\n\
         caller_numbers = {{ allow = [\"555*\"] }}\n\
         [[user]]\nname = \"alice\"\nsecret = \"{HASH}\"\ncallback = {{ numbers = [\"5550142\"] }}\n\
         [[user]]\nname = \"nonum\"\nsecret = \"{HASH}\"\n\
         [[user]]\nname = \"typer\"\nsecret = \"{HASH}\"\ncallback = {{ offer = \"caller\" }}\n\
         [[user]]\nname = \"gone\"\nsecret = \"{HASH}\"\ndisabled = true\n\
         [[user]]\nname = \"admin\"\ntrap = true\n\
         [[line]]\nname = \"main\"\nport = \"sim:main\"\nmodem = {{ init = [\"ATE0\"] }}\n"
    );
    let login = "!version 2\n\
                 alice N - - /usr/sbin/callback\nnonum N - - /usr/sbin/callback\n\
                 typer N - - /usr/sbin/callback\ngone N - - /usr/sbin/callback\n\
                 mary N - - /bin/login @\n* Y - - /bin/login @\n";
    let file = |text: &str| FileText { text: text.as_bytes().to_vec(), uid: 0, mode: 0o600 };
    let files = BTreeMap::from([
        ("dialback.toml".into(), file(&toml)),
        ("login.config".into(), file(login)),
    ]);
    let surroundings = Surroundings { host: "alma".to_owned(), system: System::default(), uid: 0 };
    match load(Path::new("dialback.toml"), &surroundings, &files) {
        Ok(loaded) => loaded.config,
        Err(faults) => {
            panic!("{}", faults.iter().map(|fault| format!("{fault}\n")).collect::<String>())
        }
    }
}

/// A caller's end of the server's port.
struct Caller {
    server: Server,
    now: Instant,
    heard: Vec<(Instant, Vec<u8>)>,
    /// A verification that the world is busy with: when it is done, and its answer.
    verifying: Option<(Instant, Input)>,
    known: bool,
    chance: u64,
}

impl Caller {
    fn new(config: Config) -> Self {
        let now = Instant::ZERO;
        let wall = Wall { unix_ms: 898_797_600_000, offset_s: 0 };
        let server = Server::new(config, [9; 32], Restored::default(), Now { at: now, wall });
        let mut caller =
            Self { server, now, heard: Vec::new(), verifying: None, known: false, chance: 7 };
        caller.drain();
        caller
    }

    /// A number below `most`: a plain generator (Knuth's MMIX).
    fn below(&mut self, most: u64) -> u64 {
        self.chance = self
            .chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % most
    }

    fn give(&mut self, input: Input) {
        let wall = Wall {
            unix_ms: 898_797_600_000 + i64::try_from(self.now.as_millis()).unwrap(),
            offset_s: 0,
        };
        self.server.handle(Now { at: self.now, wall }, input);
        self.drain();
    }

    fn drain(&mut self) {
        let mut answers = Vec::new();
        while let Some(output) = self.server.poll() {
            match output {
                Output::Port(_, PortOutput::Send(bytes)) => {
                    // What the modem is told, nobody hears.
                    if bytes.starts_with(b"AT") {
                        answers.push(PortInput::Bytes(b"\r\nOK\r\n".to_vec()));
                    } else {
                        self.heard.push((self.now, bytes));
                    }
                }
                Output::Port(_, PortOutput::Open) => {
                    let signals = Some(Signals { dsr: true, cts: true, ..Signals::default() });
                    answers.push(PortInput::Opened { signals });
                }
                Output::Port(_, PortOutput::Claim) => answers.push(PortInput::Claimed),
                Output::Port(_, PortOutput::Drain) => answers.push(PortInput::Drained),
                Output::Port(_, PortOutput::Dtr(false)) => {
                    answers.push(PortInput::Signals(Signals {
                        dsr: true,
                        cts: true,
                        ..Signals::default()
                    }));
                }
                Output::Verify(call, ticket, _) => {
                    // Twice the work for names that there are, and a spread.
                    let work = 20 + self.below(60) + if self.known { 100 } else { 0 };
                    let done = self.now + Duration::from_millis(work);
                    self.verifying = Some((done, Input::Verified(call, ticket, false)));
                }
                _ => {}
            }
        }
        for answer in answers {
            self.give(Input::Port(LineId(0), answer));
        }
    }

    /// Lets time pass until something is heard that ends with `text`.
    fn wait_for(&mut self, text: &str) {
        for _ in 0..10_000 {
            let all: Vec<u8> = self.heard.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
            if String::from_utf8_lossy(&all).contains(text) {
                return;
            }
            let verified = self.verifying.as_ref().map(|(at, _)| *at);
            let due = self.server.deadline().map(|deadline| deadline.at);
            self.now = self
                .now
                .max(verified.into_iter().chain(due).min().expect("it waits for something"));
            match self.verifying.take() {
                Some((at, input)) if at <= self.now => self.give(input),
                other => {
                    self.verifying = other;
                    self.give(Input::Tick);
                }
            }
        }
        panic!("{text:?} never comes");
    }

    fn says(&mut self, text: &str) {
        self.give(Input::Port(LineId(0), PortInput::Bytes(text.as_bytes().to_vec())));
    }

    fn call(&mut self) {
        self.heard.clear();
        self.says("\r\nRING\r\n");
        self.says("\r\nCONNECT 33600\r\n");
        self.give(Input::Port(
            LineId(0),
            PortInput::Signals(Signals { dcd: true, dsr: true, cts: true, ri: false }),
        ));
        self.wait_for("ogin: ");
    }

    /// What is said to a name and a wrong password, the name's echo left out, and how long it takes.
    fn guess(&mut self, name: &str, known: bool) -> (String, u64) {
        self.known = known;
        self.heard.clear();
        let from = self.now;
        self.says(&format!("{name}\r"));
        self.wait_for("assword: ");
        self.says("wrong\r");
        self.wait_for("once more.");
        let all: Vec<u8> = self.heard.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let said = String::from_utf8(all).unwrap().replacen(name, "NAME", 1);
        (said, self.now.since(from).as_micros().try_into().unwrap())
    }
}

/// The two-sample Kolmogorov-Smirnov statistic, and how probable one as large is if both are of one distribution (the
/// asymptotic series, Smirnov 1948).
fn kolmogorov_smirnov(one: &[u64], other: &[u64]) -> (f64, f64) {
    let (mut a, mut b) = (one.to_vec(), other.to_vec());
    a.sort_unstable();
    b.sort_unstable();
    let mut largest: f64 = 0.0;
    for at in a.iter().chain(&b) {
        let below =
            |sorted: &[u64]| sorted.partition_point(|x| x <= at) as f64 / sorted.len() as f64;
        largest = largest.max((below(&a) - below(&b)).abs());
    }
    let n = (a.len() * b.len()) as f64 / (a.len() + b.len()) as f64;
    let lambda = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * largest;
    let term = |k: i32| {
        let k = f64::from(k);
        (-1f64).powf(k - 1.0) * (-2.0 * k * k * lambda * lambda).exp()
    };
    let p = if lambda < 0.2 { 1.0 } else { 2.0 * (1..=100).map(term).sum::<f64>() };
    (largest, p.clamp(0.0, 1.0))
}

#[test]
fn ten_thousand_guesses_tell_no_name_from_another() {
    // What somebody has guessed before makes his next answer slower, whatever the name: the test below.
    let mut even = config(true);
    even.callback.slow_guesses = false;
    let mut caller = Caller::new(even);
    let mut times: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut replies: BTreeMap<String, usize> = BTreeMap::new();
    let mut in_call = 0;
    for _ in 0..GUESSES {
        if in_call == 0 {
            caller.wait_for_idle();
            caller.call();
            in_call = 3;
        }
        let (kind, name, known) = KINDS[usize::try_from(caller.below(KINDS.len() as u64)).unwrap()];
        let (said, took) = caller.guess(name, known);
        in_call -= 1;
        // After the third the call ends without another prompt: that is so for every name.
        let said = said.replace("alma!login: ", "").trim_end().to_owned();
        *replies.entry(said).or_default() += 1;
        times.entry(kind).or_default().push(took);
    }
    println!("{GUESSES} guesses, {} different replies", replies.len());
    assert_eq!(replies.len(), 1, "{replies:?}");
    // Each kind against all the others; Bonferroni for seven of them.
    for (kind, own) in &times {
        let others: Vec<u64> =
            times.iter().filter(|(other, _)| *other != kind).flat_map(|(_, t)| t.clone()).collect();
        let mean = own.iter().sum::<u64>() as f64 / own.len() as f64 / 1000.0;
        let (d, p) = kolmogorov_smirnov(own, &others);
        println!("{kind:40} n={:5} mean {mean:8.1} ms  D={d:.4} p={p:.3}", own.len());
        assert!(p > 0.01 / 7.0, "{kind}: D={d} p={p}");
    }
}

/// Answers become slower for every kind of name by the same steps.
#[test]
fn guesses_are_slowed_down_alike() {
    let mut first: Option<Vec<u64>> = None;
    for (kind, name, known) in KINDS {
        let mut caller = Caller::new(config(true));
        let mut steps = Vec::new();
        for _ in 0..4 {
            caller.wait_for_idle();
            caller.call();
            steps.extend((0..3).map(|_| caller.guess(name, known).1 / 1_000));
        }
        println!("{kind:40} {steps:?} ms");
        assert!(steps.last() > steps.first());
        assert_eq!(&steps, first.get_or_insert(steps.clone()), "{kind}");
    }
}

/// The measuring is good enough to see what there is to be seen: without `answer_after` the same test finds out who is a
/// user, and without `uniform` there is no question for a password at all.
#[test]
fn without_the_defence_the_same_test_tells_users_from_others() {
    let mut bare = config(true);
    bare.callback.answer_after = Duration::ZERO;
    bare.callback.slow_guesses = false;
    let mut caller = Caller::new(bare);
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..60 {
        caller.wait_for_idle();
        caller.call();
        for _ in 0..3 {
            let known = round % 2 == 0;
            let (_, took) = caller.guess(if known { "alice" } else { "zzyzx" }, known);
            times[usize::from(known)].push(took);
        }
    }
    let (d, p) = kolmogorov_smirnov(&times[0], &times[1]);
    println!("without answer_after: D={d:.4} p={p:.2e}");
    assert!(p < 1e-6, "D={d} p={p}");
    let mut caller = Caller::new(config(false));
    caller.wait_for_idle();
    caller.call();
    caller.heard.clear();
    caller.says("zzyzx\r");
    caller.wait_for("no service of this name");
}

impl Caller {
    /// The modem is set up, and waits for a call.
    fn wait_for_idle(&mut self) {
        let end = self.now + Duration::from_secs(20);
        while self.now < end {
            let due = self.server.deadline().map_or(end, |deadline| deadline.at).min(end);
            self.now = self.now.max(due);
            self.give(Input::Tick);
        }
    }
}
