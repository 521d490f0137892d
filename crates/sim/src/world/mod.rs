//! The whole world in virtual time: a town, the real server, callers, programs, a journal.
//!
//! ```text
//!   callers ──► exchange ──► ports ──► calls::Server ──► programs
//!                                           │  └──────► store ──► (power fails) ──► fold ──► a new server
//!                                           └─► watch: every invariant, at every step
//! ```
//!
//! It does what the program's rim does, without an operating system: the same core runs on both. One clock, no
//! threads: the same setup and seed give the same story to the microsecond.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use calls::config::Config;
use calls::recovery::{self, Restored};
use calls::server::Server;
use calls::vocabulary::{
    CallId, Entry, Event, Input, LineId, NetworkOutput, Now, Output, ProgramInput, Reply,
    RequestId, Wall,
};
use proto::time::{Deadline, Instant};

pub use self::acts::Act;
use self::captures::Captures;
use self::network::Networks;
use self::port::Port;
use self::program::Program;
pub use self::program::{Door, ProgramKind};
pub use self::setup::{Scene, Setup, configure};
use self::store::Store;
pub use self::watch::Watch;
use crate::chance::Chance;
use crate::exchange::event::Logged;
use crate::exchange::{self, DteInput, Exchange, StationId};
use crate::people::{Caller, Outcome, Step};
use crate::rehearsal::caller::ScriptedCaller;

pub use self::person::Played;
use self::person::{Act as PersonAct, Person};
use self::tape::Tape;
pub use self::tape::{Fact, Taped};

mod acts;
mod captures;
mod network;
mod person;
mod port;
mod program;
mod setup;
mod store;
mod tape;
mod watch;

/// How many lines of journal and log a failure shows; several calls back.
const TAIL: usize = 400;

/// Whose modem it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Server(LineId),
    Person(usize),
}

/// More steps than this at one instant are a spin.
const SPIN: u32 = 20_000;
/// The fixed date of the world: 1998-06-25 18:00:00 UTC, two hours behind local time.
const BEGIN: Wall = Wall { unix_ms: 898_797_600_000, offset_s: 7_200 };

/// The world.
#[derive(Debug)]
pub struct World {
    /// The telephone exchange.
    pub exchange: Exchange,
    config: Config,
    server: Option<Server>,
    seeds: Chance,
    ports: BTreeMap<LineId, Port>,
    owners: BTreeMap<StationId, Owner>,
    people: Vec<Person>,
    running: BTreeMap<CallId, Program>,
    networks: Networks,
    programs: BTreeMap<PathBuf, ProgramKind>,
    control_lines: bool,
    store: Store,
    acts: VecDeque<(Instant, Act)>,
    power_at: Option<Instant>,
    inbox: VecDeque<Input>,
    now: Instant,
    same: u32,
    watch: Watch,
    log: Vec<Logged>,
    keep_log: bool,
    replies: Vec<(RequestId, Reply)>,
    requests: u64,
    stopped: bool,
    tape: Tape,
    captures: Captures,
}

impl World {
    /// Switches everything on.
    ///
    /// # Errors
    /// The configuration is not faultless.
    pub fn new(setup: Setup) -> Result<Self, String> {
        let config = configure(&setup.config, &setup.login_config)?;
        let Setup { town, config: _, login_config: _, seed, control_lines, store_delay, programs } =
            setup;
        Ok(Self::with(config, Scene { town, seed, control_lines, store_delay, programs }))
    }

    /// Switches everything on, with a configuration that has been read already.
    #[must_use]
    pub fn with(config: Config, scene: Scene) -> Self {
        let mut seeds = Chance::new(scene.seed);
        let exchange = Exchange::new(scene.town, seeds.next());
        let mut world = Self {
            exchange,
            config,
            server: None,
            seeds,
            ports: BTreeMap::new(),
            owners: BTreeMap::new(),
            people: Vec::new(),
            running: BTreeMap::new(),
            networks: Networks::default(),
            programs: scene.programs,
            control_lines: scene.control_lines,
            store: Store::new(scene.store_delay),
            acts: VecDeque::new(),
            power_at: None,
            inbox: VecDeque::new(),
            now: Instant::ZERO,
            same: 0,
            watch: Watch::default(),
            log: Vec::new(),
            keep_log: true,
            replies: Vec::new(),
            requests: 0,
            stopped: false,
            tape: Tape::default(),
            captures: Captures::default(),
        };
        world.start(Restored::default());
        world.settle();
        world
    }

    // -------------------------------------------------------------------------------------- what happens

    /// Lets something happen at a time, in milliseconds since the beginning.
    pub fn at(&mut self, ms: u64, act: Act) {
        let at = Instant::from_millis(ms);
        let place = self.acts.partition_point(|(other, _)| *other <= at);
        self.acts.insert(place, (at, act));
    }

    /// Lets somebody follow a script from now on.
    pub fn begin(&mut self, station: &str, steps: Vec<Step>) {
        self.begin_as(station, Played::Steps(Caller::new(self.now, steps)));
    }

    /// Lets a real script of a caller's run from now on.
    pub fn begin_script(&mut self, station: &str, caller: ScriptedCaller) {
        self.begin_as(station, Played::Script(Box::new(caller)));
    }

    fn begin_as(&mut self, station: &str, caller: Played) {
        let Some(station) = self.exchange.station(station) else {
            return self.watch.violated(format!("the story: no station {station}"));
        };
        match self.owners.get(&station) {
            Some(Owner::Person(index)) => {
                if let Some(person) = self.people.get_mut(*index) {
                    person.caller = caller;
                }
            }
            Some(Owner::Server(_)) => {
                self.watch.violated("the story: a caller at the server's modem");
            }
            None => {
                self.owners.insert(station, Owner::Person(self.people.len()));
                self.people.push(Person { station, caller });
            }
        }
        self.settle();
    }

    /// Runs until an instant, in milliseconds since the beginning.
    pub fn run_until(&mut self, ms: u64) {
        let end = Instant::from_millis(ms);
        while self.watch.violations().is_empty()
            && let Some(deadline) = self.deadline()
            && deadline.at <= end
        {
            self.step(deadline);
        }
        self.now = self.now.max(end);
    }

    /// Runs until every caller is through, no promise is open and every call has its record, at most until `ms`. False
    /// if it was not quiet by then.
    pub fn run_to_quiet(&mut self, ms: u64) -> bool {
        let end = Instant::from_millis(ms);
        while self.watch.violations().is_empty() {
            if self.is_quiet() {
                return true;
            }
            match self.deadline() {
                Some(deadline) if deadline.at <= end => self.step(deadline),
                Some(_) | None => return false,
            }
        }
        false
    }

    fn is_quiet(&self) -> bool {
        self.acts.is_empty()
            && self.power_at.is_none()
            && self.people.iter().all(|person| !person.caller.is_busy())
            && self.watch.open_promises().is_empty()
            && self.watch.open_calls().is_empty()
    }

    // --------------------------------------------------------------------------------------------- views

    /// The time, in milliseconds since the beginning.
    #[must_use]
    pub const fn ms(&self) -> u64 {
        self.now.as_millis()
    }

    /// What the invariants' watch has seen.
    #[must_use]
    pub const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> &[Entry] {
        self.store.entries()
    }

    /// What the town saw.
    #[must_use]
    pub fn log(&self) -> &[Logged] {
        &self.log
    }

    /// Answers to operators.
    #[must_use]
    pub fn replies(&self) -> &[(RequestId, Reply)] {
        &self.replies
    }

    /// Whether the server has said that it has stopped.
    #[must_use]
    pub const fn has_stopped(&self) -> bool {
        self.stopped
    }

    /// The server's status, while it runs.
    #[must_use]
    pub fn status(&self) -> Option<calls::status::Status> {
        Some(self.server.as_ref()?.status(self.clock()))
    }

    /// How somebody has fared.
    #[must_use]
    pub fn outcome(&self, station: &str) -> Option<&Outcome> {
        Some(self.caller(station)?.outcome())
    }

    /// What somebody has seen.
    #[must_use]
    pub fn screen(&self, station: &str) -> String {
        self.caller(station).map(Caller::screen).unwrap_or_default()
    }

    fn caller(&self, station: &str) -> Option<&Caller> {
        match self.owners.get(&self.exchange.station(station)?)? {
            Owner::Person(index) => match &self.people.get(*index)?.caller {
                Played::Steps(caller) => Some(caller),
                Played::Script(_) => None,
            },
            Owner::Server(_) => None,
        }
    }

    /// The journal as text: `12.345 dialled promise=1 number=5550199 ..`.
    #[must_use]
    pub fn story(&self) -> String {
        let mut story = String::new();
        for entry in self.store.entries() {
            let ms = entry.at.unix_ms.saturating_sub(BEGIN.unix_ms);
            // Writing to a String can't fail.
            let _ = writeln!(story, "{:>4}.{:03} {}", ms / 1_000, ms % 1_000, describe(entry));
        }
        story
    }

    /// The last lines of everything, for the report of a failure.
    #[must_use]
    pub fn tail(&self) -> String {
        let story = self.story();
        let lines: Vec<&str> = story.lines().collect();
        let mut text = String::from("journal:\n");
        for line in lines.iter().skip(lines.len().saturating_sub(TAIL)) {
            let _ = writeln!(text, "  {line}");
        }
        text.push_str("town:\n");
        for logged in self.log.iter().skip(self.log.len().saturating_sub(TAIL)) {
            let _ = writeln!(text, "  {} {}", logged.at, logged.event);
        }
        if let Some(status) = self.status() {
            text.push_str("lines:\n");
            for line in status.lines {
                let _ = writeln!(text, "  {line:?}");
            }
        }
        for violation in self.watch.violations() {
            let _ = writeln!(text, "violated: {violation}");
        }
        text
    }

    /// Keeps a tape of everything that is said and done, from now on.
    pub const fn keep_tape(&mut self) {
        self.tape.begin();
    }

    /// The tape so far.
    #[must_use]
    pub fn tape(&self) -> &[Taped] {
        self.tape.facts()
    }

    /// The capture of a PPP call, as it stands in its file; `None` if there is none.
    #[must_use]
    pub fn capture(&self, call: CallId) -> Option<&[u8]> {
        self.captures.of(call)
    }

    /// Keeps neither log nor journal: for measurements.
    pub const fn keep_nothing(&mut self) {
        self.keep_log = false;
        self.exchange.without_log();
    }

    /// Forgets the journal up to here, if nothing of it is needed any more.
    pub fn forget(&mut self) {
        self.store.forget();
        self.watch.forget();
    }

    // --------------------------------------------------------------------------------------------- time

    const fn clock_at(at: Instant) -> Wall {
        #[expect(clippy::cast_possible_wrap, reason = "milliseconds of a story fit in 63 bits")]
        let ms = at.as_millis() as i64;
        Wall { unix_ms: BEGIN.unix_ms.saturating_add(ms), offset_s: BEGIN.offset_s }
    }

    const fn clock(&self) -> Now {
        Now { at: self.now, wall: Self::clock_at(self.now) }
    }

    fn deadline(&self) -> Option<Deadline> {
        let mut first = self.exchange.deadline();
        if let Some(server) = &self.server {
            first = Deadline::earliest(first, server.deadline());
        }
        for person in &self.people {
            first = Deadline::earliest(first, person.caller.deadline());
        }
        first = Deadline::earliest(first, self.store.deadline());
        let power = self.power_at.map(|at| Deadline::new(at, "power"));
        first = Deadline::earliest(first, power);
        let act = self.acts.front().map(|(at, _)| Deadline::new(*at, "the story"));
        Deadline::earliest(first, act)
    }

    fn step(&mut self, deadline: Deadline) {
        self.same = if deadline.at > self.now { 0 } else { self.same + 1 };
        if self.same > SPIN {
            self.watch.violated(format!("spins at {}: {}", self.now, deadline.why));
        }
        self.now = self.now.max(deadline.at);
        let now = self.now;
        self.exchange.tick(now);
        self.hear_town();
        for index in 0..self.people.len() {
            if let Some(person) = self.people.get_mut(index) {
                person.caller.tick(now);
            }
            self.do_what_he_wants(index);
        }
        if let Some(seq) = self.store.tick(now) {
            self.watch.durable(self.store.durable());
            self.inbox.push_back(Input::Durable(seq));
        }
        while let Some((_, act)) = self.acts.pop_front_if(|(at, _)| *at <= now) {
            self.act(act);
        }
        if self.power_at.is_some_and(|at| at <= now) {
            self.power_at = None;
            let restored = recovery::fold(self.store.entries());
            self.start(restored);
        }
        let due = |server: &Server| server.deadline().is_some_and(|deadline| deadline.at <= now);
        if self.server.as_ref().is_some_and(due) {
            self.inbox.push_back(Input::Tick);
        }
        self.settle();
    }

    // ----------------------------------------------------------------------------------------- the server

    fn start(&mut self, restored: Restored) {
        let seed = self.seeds.seed32();
        self.server = Some(Server::new(self.config.clone(), seed, restored, self.clock()));
        self.carry_out();
    }

    /// Lets everybody do what he wants until nobody wants anything more at this instant.
    fn settle(&mut self) {
        let mut turns = 0;
        loop {
            turns += 1;
            if turns > SPIN {
                self.inbox.clear();
                return self.watch.violated(format!("12: a spin at {}", self.now));
            }
            self.hear_town();
            self.push_ports();
            for index in 0..self.people.len() {
                self.do_what_he_wants(index);
            }
            self.hear_town();
            let Some(input) = self.inbox.pop_front() else { return };
            let now = self.clock();
            if let Some(server) = &mut self.server {
                server.handle(now, input);
            }
            self.carry_out();
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.server.as_mut().and_then(Server::poll) {
            match output {
                Output::Port(line, output) => self.port(line, output),
                Output::Launch(call, _, launch) => {
                    let kind = self.programs.get(&launch.program).cloned();
                    let (program, inputs) =
                        Program::start(kind.unwrap_or(ProgramKind::Shell), &launch);
                    if let Some(program) = program
                        && self.running.insert(call, program).is_some()
                    {
                        self.watch.violated(format!("two programs on {call}"));
                    }
                    self.say(call, inputs);
                }
                Output::Program(call, output) => {
                    let Some(program) = self.running.get_mut(&call) else { continue };
                    let inputs = program.tell(output);
                    if program.is_gone() {
                        self.running.remove(&call);
                    }
                    self.say(call, inputs);
                }
                // The town's hashes are cheap, and it has all the time in the world.
                Output::Verify(call, ticket, verification) => {
                    self.inbox.push_back(Input::Verified(call, ticket, verification.run()));
                }
                Output::Capture(_, output) => self.captures.write(output),
                Output::Network(call, _, order) => self.network(call, order),
                Output::Journal(entry) => {
                    self.watch.journalled(&entry);
                    if let Event::Ended(ended) = &entry.event {
                        let fault = self.networks.ended(ended.call);
                        fault.into_iter().for_each(|fault| self.watch.violated(fault));
                    }
                    self.tape.record(self.now, || Fact::Journal(entry.clone()));
                    if !self.store.append(self.now, entry) {
                        let why = "no space left on device".to_owned();
                        self.inbox.push_back(Input::StoreFailed(why));
                    }
                }
                // The town's operator brings the new configuration himself.
                Output::Reread => {}
                Output::Reply(request, reply) => self.replies.push((request, reply)),
                Output::Stopped => {
                    self.stopped = true;
                    self.server = None;
                    return;
                }
            }
        }
    }

    fn network(&mut self, call: CallId, order: NetworkOutput) {
        let (inputs, fault) = self.networks.carry_out(call, order);
        self.inbox.extend(inputs.into_iter().map(|input| Input::Network(call, input)));
        fault.into_iter().for_each(|fault| self.watch.violated(fault));
    }

    fn say(&mut self, call: CallId, inputs: Vec<ProgramInput>) {
        self.inbox.extend(inputs.into_iter().map(|input| Input::Program(call, input)));
    }

    // ------------------------------------------------------------------------------------------- the town

    fn hear_town(&mut self) {
        while let Some(output) = self.exchange.poll() {
            match output {
                exchange::Output::Log(logged) => {
                    self.tape.record(logged.at, || Fact::Town(logged.event.clone()));
                    if self.keep_log {
                        self.log.push(logged);
                    }
                }
                exchange::Output::Dte(station, output) => match self.owners.get(&station) {
                    Some(Owner::Server(line)) => self.port_hears(*line, output),
                    Some(Owner::Person(index)) => {
                        if let Some(person) = self.people.get_mut(*index) {
                            person.hears(self.now, output, &mut self.tape);
                        }
                    }
                    None => {}
                },
            }
        }
    }

    fn do_what_he_wants(&mut self, index: usize) {
        while let Some(person) = self.people.get_mut(index)
            && let Some(act) = person.caller.poll()
        {
            let input = match &act {
                PersonAct::Bytes(bytes) => DteInput::Bytes(bytes),
                PersonAct::Dtr(on) => DteInput::Dtr(*on),
                PersonAct::Told(told) => {
                    self.tape.record(self.now, || Fact::Script(told.clone()));
                    continue;
                }
            };
            self.exchange.dte(self.now, person.station, input);
            self.hear_town();
        }
    }

    /// The server is gone between one instruction and the next: its ports close, its programs end, and what was not
    /// durable is lost.
    pub fn power_fails(&mut self, down: Duration) {
        self.server = None;
        self.inbox.clear();
        self.running.clear();
        self.networks.fail();
        for port in std::mem::take(&mut self.ports).into_values() {
            self.owners.remove(&port.station);
            self.exchange.dte(self.now, port.station, DteInput::Dtr(false));
        }
        self.store.fail();
        self.watch.power_failed(self.store.entries());
        self.power_at = Some(self.now + down);
    }
}

/// An event in one line: its name, then its fields in alphabetical order.
fn describe(entry: &Entry) -> String {
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(&entry.event) else {
        return String::new();
    };
    let mut text = fields.get("event").and_then(|name| name.as_str()).unwrap_or("?").to_owned();
    for (name, value) in &fields {
        if name == "event" || value.is_null() {
            continue;
        }
        let _ = match value.as_str() {
            Some(word) => write!(text, " {name}={word}"),
            None => write!(text, " {name}={value}"),
        };
    }
    text
}
