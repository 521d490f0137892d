//! A world that mostly answers and sometimes lies, against every invariant that can be seen from outside.
//!
//! Each seed is a world; a failure prints it. The worlds together must have shown every state of a line
//! every thing that can happen to a port: a pair that was never tried fails the test too.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use proto::dial::{is_dial_command, is_measuring_command};
use proto::signals::Signals;
use proto::time::Instant;

use super::pictures::Picture;
use super::told::Follower;
use crate::chance::Chance;
use crate::line::STATES;
use crate::recovery::Restored;
use crate::server::Server;
use crate::status::Status;
use crate::testing::{LOGIN, SECOND_LINE, TOML, config};
use crate::vocabulary::{
    CallId, CallbackOrder, Command, Event, ExitStatus, Input, Leg, LineId, NetworkInput,
    NetworkOutput, Now, Output, PortInput, PortOutput, ProgramInput, ProgramOutput, PromiseId,
    RequestId, Seq, SessionId, Wall,
};

const WORLDS: u8 = 140;
const STEPS: u32 = 400;

/// What modems, callers and noise say.
const SAID: [&[u8]; 19] = [
    b"\r\nRING\r\n",
    b"\r\nOK\r\n",
    b"\r\nERROR\r\n",
    b"\r\nCONNECT 33600\r\n",
    b"\r\nNO CARRIER\r\n",
    b"\r\nBUSY\r\n",
    b"\r\nNMBR = 5557777\r\n",
    b"mary\r",
    b"fixed\r",
    b"special\r",
    b"cback\r",
    b"5551234\r",
    b"5551234;H0\rATDT900\r",
    b"9001\r",
    b"\x04",
    b"\x7e\xff\x7d\x23\xc0\x21",
    b"\r",
    b"+++",
    b"\x00\xff\x80 junk",
];

const KINDS: [&str; 8] =
    ["opened", "lost", "bytes", "signals", "drained", "claimed", "taken", "returned"];

const SERVICES: [&str; 10] = [
    "request", "return", "storing", "prompt", "question", "ppp", "farewell", "program", "ending",
    "gone",
];

const PROMISES: [&str; 9] = [
    "approval",
    "unsealed",
    "parting",
    "waiting",
    "hunting",
    "dialling",
    "kept",
    "withdrawn",
    "expired",
];

/// The states of what is on the server, and the pictures of them.
struct Watch {
    line: Picture,
    session: Picture,
    promise: Picture,
    lines: BTreeMap<LineId, String>,
    sessions: BTreeMap<(SessionId, CallId), String>,
    promises: BTreeMap<PromiseId, String>,
}

impl Watch {
    fn new() -> Self {
        Self {
            line: Picture::line(),
            session: Picture::session(),
            promise: Picture::promise(),
            lines: BTreeMap::new(),
            sessions: BTreeMap::new(),
            promises: BTreeMap::new(),
        }
    }

    /// Compares with what was there before; `ends` are those of the promises.
    fn look(&mut self, status: &Status, ends: &BTreeMap<PromiseId, Told>) {
        let lines: BTreeMap<_, _> =
            status.lines.iter().map(|view| (view.id, view.state.clone())).collect();
        for (id, before) in &self.lines {
            // A closed line is gone from the server.
            self.line.saw(before, lines.get(id).map_or("closed", String::as_str));
        }
        self.lines = lines;
        let mut sessions = BTreeMap::new();
        for view in &status.sessions {
            let key = (view.session, view.call);
            let begin = if view.leg == Leg::Request { "request" } else { "return" };
            let before = self.sessions.remove(&key);
            self.session.saw(before.as_deref().unwrap_or(begin), &view.service);
            sessions.insert(key, view.service.clone());
        }
        for before in self.sessions.values() {
            self.session.saw(before, "gone");
        }
        self.sessions = sessions;
        let mut promises = BTreeMap::new();
        for view in &status.promises {
            let before = self.promises.remove(&view.promise);
            self.promise.saw(before.as_deref().unwrap_or("approval"), &view.state);
            promises.insert(view.promise, view.state.clone());
        }
        for (id, before) in &self.promises {
            let end = ends.get(id).map_or("forgotten", |told| told.end);
            self.promise.saw(before, end);
        }
        self.promises = promises;
    }

    /// The next world begins with nothing.
    fn forget(&mut self) {
        self.lines.clear();
        self.sessions.clear();
        self.promises.clear();
    }
}

const fn kind(input: &PortInput) -> &'static str {
    match input {
        PortInput::Opened { .. } => "opened",
        PortInput::Lost(_) => "lost",
        PortInput::Bytes(_) => "bytes",
        PortInput::Signals(_) => "signals",
        PortInput::Drained => "drained",
        PortInput::Claimed => "claimed",
        PortInput::Taken { .. } => "taken",
        PortInput::Returned => "returned",
    }
}

/// What is known of a promise.
#[derive(Default)]
struct Told {
    /// The place of its event.
    seq: u64,
    ended: u32,
    /// How: as its picture names it.
    end: &'static str,
}

struct World {
    seed: u8,
    server: Server,
    now: Now,
    chance: Chance,
    /// What a world that answers would do next.
    answers: VecDeque<Input>,
    /// We gave the lock and it was not given back.
    locked: BTreeSet<LineId>,
    calls: BTreeMap<CallId, u32>,
    promises: BTreeMap<PromiseId, Told>,
    programs: Vec<CallId>,
    written: u64,
    stored: u64,
    requests: BTreeMap<RequestId, u32>,
    stopped: bool,
    follower: Follower,
}

impl World {
    fn new(seed: u8) -> Self {
        let now = Now { at: Instant::ZERO, wall: Wall { unix_ms: 1_800_000_000_000, offset_s: 0 } };
        let budget = "[[tariff]]\nper_minute = \"0.10\"\n[[budget]]\nminutes = 50000\n";
        let toml = format!("{TOML}{SECOND_LINE}{budget}").replace("\"1h\"", "\"20s\"");
        let config = config(&toml, LOGIN);
        let server = Server::new(config, [seed; 32], Restored::default(), now);
        let mut world = Self {
            seed,
            server,
            now,
            chance: Chance::new([seed ^ 0x55; 32]),
            answers: VecDeque::new(),
            locked: BTreeSet::new(),
            calls: BTreeMap::new(),
            promises: BTreeMap::new(),
            programs: Vec::new(),
            written: 0,
            stored: 0,
            requests: BTreeMap::new(),
            stopped: false,
            follower: Follower::new(1 + u32::from(seed % 4)),
        };
        world.drain();
        world
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.chance.up_to(sides - 1)
    }

    fn give(&mut self, input: Input) {
        if let Input::Port(line, PortInput::Claimed) = &input {
            self.locked.insert(*line);
        }
        if let Input::Durable(seq) = &input {
            self.stored = self.stored.max(seq.0);
        }
        self.server.handle(self.now, input);
        self.drain();
    }

    fn pass(&mut self, wait: Duration, watch: &mut Watch) {
        let end = self.now.at + wait;
        for turn in 0.. {
            assert!(turn < 5_000, "seed {}: the server spins", self.seed);
            let Some(next) = self.server.deadline().filter(|next| next.at <= end) else { break };
            self.set(next.at.max(self.now.at));
            self.give(Input::Tick);
            self.look(watch);
        }
        self.set(end);
    }

    fn network(&mut self, call: CallId, order: &NetworkOutput) {
        match order {
            NetworkOutput::Set(_) => {
                let ready = NetworkInput::Ready { interface: "dialback0".to_owned() };
                self.answers.push_back(Input::Network(call, ready));
            }
            NetworkOutput::Packet(_) | NetworkOutput::Remove | NetworkOutput::Script(_) => {}
        }
    }

    fn set(&mut self, at: Instant) {
        self.now = Now { at, wall: self.now.wall + (at - self.now.at) };
    }

    fn drain(&mut self) {
        while let Some(output) = self.server.poll() {
            assert!(!self.stopped, "seed {}: {output:?} after the end", self.seed);
            match output {
                Output::Port(line, output) => self.port(line, output),
                Output::Journal(entry) => {
                    assert_eq!(entry.seq.0, self.written + 1, "seed {}", self.seed);
                    self.written = entry.seq.0;
                    self.event(&entry.event);
                }
                Output::Launch(call, ..) => {
                    self.programs.push(call);
                    self.answers.push_back(Input::Program(call, ProgramInput::Started { pid: 1 }));
                    let exits = ProgramInput::Exited(ExitStatus::Code(0));
                    self.answers.push_back(Input::Program(call, exits));
                }
                Output::Program(call, ProgramOutput::HangUp | ProgramOutput::Kill) => {
                    let dies = ProgramInput::Exited(ExitStatus::Signal(1));
                    self.answers.push_back(Input::Program(call, dies));
                }
                Output::Program(_, ProgramOutput::Bytes(_)) => {}
                Output::Network(call, _, order) => self.network(call, &order),
                Output::Reread => {
                    let first = "dialback.toml:1:1: a fault".to_owned();
                    self.answers.push_back(Input::ConfigRefused { faults: 1, first });
                }
                Output::Reply(request, _) => {
                    *self.requests.entry(request).or_default() += 1;
                    assert_eq!(self.requests[&request], 1, "seed {}: answered twice", self.seed);
                }
                Output::Capture(..) => {}
                Output::Verify(call, ticket, _) => {
                    let good = self.chance.seed()[0].is_multiple_of(2);
                    self.answers.push_back(Input::Verified(call, ticket, good));
                }
                Output::Stopped => self.stopped = true,
            }
        }
    }

    fn port(&mut self, line: LineId, output: PortOutput) {
        let answer = |input| Input::Port(line, input);
        let dcd = |dcd| PortInput::Signals(Signals { dcd, dsr: true, cts: true, ri: false });
        match output {
            PortOutput::Open => {
                let bare = self.roll(3) == 0;
                let signals = (!bare).then(Signals::default);
                self.answers.push_back(answer(PortInput::Opened { signals }));
            }
            PortOutput::Claim => self.answers.push_back(answer(PortInput::Claimed)),
            PortOutput::Release | PortOutput::Close => {
                self.locked.remove(&line);
            }
            PortOutput::Send(bytes) => {
                assert!(self.locked.contains(&line), "seed {}: unlocked {bytes:?}", self.seed);
                // The echo of what a caller typed ends with a line feed; a command never does.
                if bytes.starts_with(b"ATD") && !bytes.ends_with(b"\n") {
                    let is_one = is_dial_command(&bytes) || is_measuring_command(&bytes);
                    assert!(is_one, "seed {}: {bytes:?}", self.seed);
                }
                let said: &[u8] = match bytes.as_slice() {
                    b"ATA\r" => b"\r\nCONNECT 33600\r\n",
                    dial if dial.starts_with(b"ATD") => {
                        SAID[usize::try_from(self.roll(6)).unwrap()]
                    }
                    command if command.starts_with(b"AT") => b"\r\nOK\r\n",
                    b"+++" => b"\r\nOK\r\n",
                    _ => return,
                };
                if said.starts_with(b"\r\nCONNECT") {
                    self.answers.push_back(answer(dcd(true)));
                }
                self.answers.push_back(answer(PortInput::Bytes(said.to_vec())));
            }
            PortOutput::Drain => self.answers.push_back(answer(PortInput::Drained)),
            PortOutput::Dtr(false) => self.answers.push_back(answer(dcd(false))),
            PortOutput::Dtr(true)
            | PortOutput::Speed(_)
            | PortOutput::Flush
            | PortOutput::CarrierMatters(_) => {}
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the invariants are about these events")]
    fn event(&mut self, event: &Event) {
        let seed = self.seed;
        match event {
            Event::Rang { call, .. } => {
                assert!(self.calls.insert(*call, 0).is_none(), "seed {seed}: {call} rang twice");
            }
            Event::Dialled { call, promise, .. } => {
                assert!(self.calls.insert(*call, 0).is_none(), "seed {seed}: {call} dialled twice");
                let promise = self.promises.get(promise).expect("a promise is made before");
                assert!(promise.seq <= self.stored, "seed {seed}: dialled before it was stored");
                assert_eq!(promise.ended, 0, "seed {seed}: dialled after its end");
            }
            Event::Ended(ended) => {
                let count = self.calls.get_mut(&ended.call).expect("a call begins before it ends");
                *count += 1;
                assert_eq!(*count, 1, "seed {seed}: {} ended twice", ended.call);
            }
            Event::Promised(promised) => {
                let told = Told { seq: self.written, ended: 0, end: "" };
                self.promises.insert(promised.promise, told);
            }
            Event::Kept { promise, .. }
            | Event::Withdrawn { promise, .. }
            | Event::Expired { promise, .. } => {
                let told = self.promises.get_mut(promise).expect("a promise is made before");
                told.ended += 1;
                told.end = match event {
                    Event::Kept { .. } => "kept",
                    Event::Withdrawn { .. } => "withdrawn",
                    _ => "expired",
                };
                assert_eq!(told.ended, 1, "seed {seed}: {promise} ended twice");
            }
            _ => {}
        }
    }

    /// Rather a line in a state that does not last long.
    fn victim(&mut self) -> LineId {
        let rare = [
            "checking",
            "preparing",
            "answering",
            "ringing",
            "claiming",
            "hanging-up",
            "measuring",
        ];
        let lines = self.server.status(self.now).lines;
        let rare = lines.iter().find(|line| rare.contains(&line.state.as_str()));
        rare.map_or_else(|| LineId(u32::from(self.roll(2) == 1)), |line| line.id)
    }

    /// Something that nobody asked for.
    fn lie(&mut self) -> Input {
        let line = self.victim();
        let call = self.programs.last().copied().unwrap_or(CallId(0));
        let port = |input| Input::Port(line, input);
        let up = self.roll(2) == 1;
        match self.roll(25) {
            15 => port(PortInput::Claimed),
            0 => port(PortInput::Opened { signals: up.then(Signals::default) }),
            1 if self.roll(2) == 0 => port(PortInput::Lost("noise".to_owned())),
            2 | 3 => port(PortInput::Signals(Signals { dcd: up, ..Signals::default() })),
            4 => port(PortInput::Drained),
            5 => port(PortInput::Taken { holder: "somebody".to_owned() }),
            6 | 7 => port(PortInput::Returned),
            8 => Input::StoreFailed("disk full".to_owned()),
            9 => Input::Program(call, ProgramInput::Exited(ExitStatus::Code(1))),
            10 => Input::Program(call, ProgramInput::Failed("no".to_owned())),
            11 => Input::Program(call, ProgramInput::Bytes(b"hello".to_vec())),
            12 => {
                let id = RequestId(self.requests.len() as u64 + 1_000_000 + self.written);
                let numbers = vec!["5554321".to_owned()];
                let init = vec!["ATX3".to_owned()];
                let order = CallbackOrder { numbers, init, ..CallbackOrder::default() };
                Input::Command(id, Command::Callback(order))
            }
            13 => {
                let id = RequestId(self.requests.len() as u64 + 2_000_000 + self.written);
                let line = "main".to_owned();
                let who = "root".to_owned();
                let command = match self.roll(16) {
                    0..=6 => Command::HangUp { who, line },
                    7..=10 => Command::BusyOut { who, line },
                    11..=13 => Command::Restore { who, line },
                    14 => Command::Reset { who, line },
                    _ => Command::Reload { who },
                };
                Input::Command(id, command)
            }
            14 => Input::Tick,
            16 if self.roll(3) == 0 => {
                let id = RequestId(self.requests.len() as u64 + 3_000_000 + self.written);
                let [who, line, with] = ["root", "main", "second"].map(str::to_owned);
                Input::Command(id, Command::Measure { who, line, with })
            }
            _ => {
                let pick = usize::try_from(self.roll(SAID.len() as u64)).unwrap();
                port(PortInput::Bytes(SAID[pick].to_vec()))
            }
        }
    }

    /// Something that a line has not been shown in its state, in any world; mostly nothing.
    fn untried(&mut self, seen: &BTreeSet<(String, &'static str)>) -> Option<Input> {
        if self.roll(2) > 0 {
            return None;
        }
        let status = self.server.status(self.now);
        let (line, kind) = status.lines.iter().find_map(|view| {
            let kind = KINDS.iter().find(|kind| !seen.contains(&(view.state.clone(), *kind)))?;
            Some((view.id, *kind))
        })?;
        let input = match kind {
            "opened" => PortInput::Opened { signals: None },
            "lost" => PortInput::Lost("noise".to_owned()),
            "bytes" => PortInput::Bytes(b"noise".to_vec()),
            "signals" => PortInput::Signals(Signals::default()),
            "drained" => PortInput::Drained,
            "claimed" => PortInput::Claimed,
            "taken" => PortInput::Taken { holder: "somebody".to_owned() },
            _ => PortInput::Returned,
        };
        Some(Input::Port(line, input))
    }

    fn step(&mut self, seen: &mut BTreeSet<(String, &'static str)>, watch: &mut Watch) {
        if self.written > self.stored && self.roll(3) > 0 {
            self.give(Input::Durable(Seq(self.written)));
            self.look(watch);
        }
        let input = match self.roll(10) {
            0..=6 => self.answers.pop_front(),
            7 => {
                let ms = self.roll(30_000);
                self.pass(Duration::from_millis(ms), watch);
                return;
            }
            _ => None,
        };
        let input = match input {
            Some(input) => input,
            None => self.untried(seen).unwrap_or_else(|| self.lie()),
        };
        if let Input::Port(line, port) = &input {
            let status = self.server.status(self.now);
            if let Some(view) = status.lines.iter().find(|view| view.id == *line) {
                seen.insert((view.state.clone(), kind(port)));
            }
        }
        self.give(input);
        self.look(watch);
    }

    fn look(&mut self, watch: &mut Watch) {
        self.follower.look(&self.server, self.now, self.seed);
        watch.look(&self.server.status(self.now), &self.promises);
    }

    /// Whatever the world does or does not do, a stop ends.
    fn stop(mut self, watch: &mut Watch) {
        self.give(Input::Stop { grace: Duration::from_secs(10) });
        self.look(watch);
        self.pass(Duration::from_secs(300), watch);
        watch.forget();
        assert!(self.stopped, "seed {}: no end: {:#?}", self.seed, self.server.status(self.now));
        let open: Vec<_> = self.calls.iter().filter(|(_, ended)| **ended != 1).collect();
        assert!(open.is_empty(), "seed {}: calls without a record: {open:?}", self.seed);
    }
}

#[test]
fn whatever_happens_calls_end_once_promises_are_stored_first_and_a_stop_ends() {
    let mut seen = BTreeSet::new();
    let mut watch = Watch::new();
    for seed in 0..WORLDS {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step(&mut seen, &mut watch);
        }
        world.stop(&mut watch);
    }
    let all = STATES.iter().flat_map(|state| KINDS.iter().map(move |kind| (*state, *kind)));
    let missing: Vec<_> = all
        // A closed line is gone from the server; that it takes nothing more is `stop`'s business.
        .filter(|(state, _)| *state != "closed")
        .filter(|(state, kind)| !seen.contains(&((*state).to_owned(), *kind)))
        .collect();
    assert!(missing.is_empty(), "never tried: {missing:?}");
    watch.line.check(&STATES);
    watch.session.check(&SERVICES);
    watch.promise.check(&PROMISES);
}
