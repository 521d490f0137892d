//! The loop: one task owns the server, feeds it inputs, and carries its outputs out.
//!
//! ```text
//!   ports, programs ──┐                                   ┌──► ports, programs
//!   store ────────────┤ Input (bounded channel)   Output  ├──► store, event log, subscribers
//!   control socket ───┼──────────► calls::Server ─────────┤
//!   signals, time ────┘                                   └──► replies to operators
//! ```
//!
//! It translates and decides nothing. It never waits for anything but its inputs: whatever an output needs
//! time for is somebody else's task.

mod handle;
mod signals;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use calls::config::{Config, PortSpec};
use calls::server::Server;
use calls::vocabulary::{
    CallId, Command, Entry, Event, Input, LineId, NetworkOutput, Output, PortOutput, ProgramInput,
    Reply, RequestId,
};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::audit::Anchors;
use crate::capture::Captures;
use crate::clock::Clock;
use crate::config::Read;
use crate::control::{Backstage, Listener, Pushed, Question, explained};
use crate::exit::{Code, Failure};
use crate::launcher::{self, Client, Control, Standing};
use crate::log::EventLog;
use crate::network::Network;
use crate::out::{self, Palette};
use crate::port::{LockWatches, Port, Settings, Surroundings, sim};
use crate::program::Program;
use crate::store::{Reader, Store, StoreFault, Word, Writer};
use crate::supervisor::Supervisor;
use crate::verify::Verifier;

pub(crate) use self::handle::Handle;
pub(crate) use self::signals::Signals;

/// Inputs that may wait for the loop; a port that has more to tell waits until the loop has listened.
const INPUTS: usize = 256;

/// Questions of operators that may wait.
const QUESTIONS: usize = 16;

/// How long ports may take to drop DTR and close at the end: they are on-hook by then.
const CLOSE_TIME: Duration = Duration::from_secs(2);

/// Entries that a slow subscriber may be behind before it misses some.
const EVENTS: usize = 1024;

/// What a server is started with.
#[derive(Debug)]
pub(crate) struct Setting {
    /// What to serve.
    pub(crate) config: Config,
    /// Where it came from, to be read again on SIGHUP; `None`: from nowhere.
    pub(crate) config_path: Option<PathBuf>,
    /// Where events are shown; `None`: to subscribers only.
    pub(crate) log: Option<EventLog>,
    /// How much faster than the wall's clock time goes (1: as fast).
    pub(crate) scale: u32,
    /// Where `sim:` ports are plugged in.
    pub(crate) sim: Option<sim::Sockets>,
    /// With which rights, and what root has left.
    pub(crate) standing: Standing,
}

/// Serves until told to stop. Needs no runtime: it makes its own.
pub(crate) fn serve(setting: Setting) -> Result<(), Failure> {
    make_room(setting.config.lines.len());
    // One thread: a thousand telephone lines are four megabytes a second at most, and everything that
    // waits for a disk has a thread of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Code::System, format!("starting the runtime: {e}")))?;
    runtime.block_on(async {
        let signals = Signals::new()?;
        Rim::open(setting)?.run(signals).await
    })
}

/// A line needs its port, and its program a pty, a pidfd and a pipe: where the usual 1024 descriptors are
/// not enough, as many as are allowed. Small servers stay as they are, and so do their programs.
fn make_room(lines: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = u64::try_from(lines).unwrap_or(u64::MAX).saturating_mul(5).saturating_add(200);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    let limit = Rlimit { current: maximum.map(|most| most.min(wanted)).or(Some(wanted)), maximum };
    if setrlimit(Resource::Nofile, limit).is_err() || maximum.is_some_and(|most| most < wanted) {
        tracing::warn!(
            "{lines} lines may need {wanted} file descriptors: raise the limit (LimitNOFILE)"
        );
    }
}

/// What the world tells the loop beside inputs.
enum Woken {
    Input(Input),
    Question(Question),
    Reload,
    Reread(Box<Read>),
    Stop,
    LauncherGone,
    Anchor,
    Supervisor,
    Standing,
    Tick,
}

/// The server and everything that it moves.
#[derive(Debug)]
pub(crate) struct Rim {
    server: Server,
    clock: Clock,
    config_path: Option<PathBuf>,
    stop_grace: Duration,
    places: Places,
    log: Option<EventLog>,
    around: Surroundings,
    launcher: Launched,
    anchors: Anchors,
    inputs: mpsc::Receiver<Input>,
    questions: mpsc::Receiver<Question>,
    ask: mpsc::Sender<Question>,
    reread: (mpsc::Sender<Box<Read>>, mpsc::Receiver<Box<Read>>),
    ports: BTreeMap<LineId, Port>,
    programs: BTreeMap<CallId, Program>,
    verifier: Verifier,
    networks: BTreeMap<CallId, Network>,
    /// Networks of calls that are over, whose scripts may still run.
    ending: Vec<JoinHandle<()>>,
    replies: BTreeMap<RequestId, oneshot::Sender<Reply>>,
    next_request: u64,
    events: broadcast::Sender<Arc<Entry>>,
    pushed: Pushed,
    writer: Writer,
    captures: Captures,
    control: JoinHandle<()>,
    supervisor: Supervisor,
    run: Run,
}

/// What a reload cannot change.
#[derive(Debug, PartialEq, Eq)]
struct Places {
    state_dir: PathBuf,
    control: PathBuf,
    lock_dir: PathBuf,
}

impl Places {
    fn of(config: &Config) -> Self {
        let server = &config.server;
        Self {
            state_dir: server.state_dir.clone(),
            control: server.control.clone(),
            lock_dir: server.lock_dir.clone(),
        }
    }
}

/// The launcher, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Launched {
    Serves,
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Serving,
    /// Told once: running calls may end.
    Stopping,
    /// Told twice, or more often.
    StoppingNow,
    Stopped,
}

impl Rim {
    /// Opens store and control socket, and hands the server what the journal says of earlier runs. Within a
    /// runtime.
    pub(crate) fn open(setting: Setting) -> Result<Self, Failure> {
        let Setting { config, config_path, log, scale, sim, standing } = setting;
        let Standing { rights, launcher, places: prepared, supervisor } = standing;
        let listener = match prepared.control {
            Control::Bound(socket) => Listener::adopt(socket, &config.server.control)?,
            Control::Passed(socket) => Listener::passed(socket, &config.server.control)?,
            Control::Unbound => Listener::bind(&config.server.control)?,
        };
        let launcher = launcher
            .map(Client::start)
            .transpose()
            .map_err(|e| Failure::new(Code::System, format!("the socket to the launcher: {e}")))?;
        let mut store =
            Store::open(&config.server.state_dir).map_err(|fault| store_failure(&fault))?;
        let restored = store.restore().map_err(|fault| store_failure(&fault))?;
        let journal_path = store.path().to_owned();
        let journal = Reader::new(&journal_path);
        let (tell, inputs) = mpsc::channel(INPUTS);
        let writer = Writer::start(store, told_to(tell.clone()))
            .map_err(|e| Failure::new(Code::System, format!("starting the store: {e}")))?;
        let (ask, questions) = mpsc::channel(QUESTIONS);
        let (events, _) = broadcast::channel(EVENTS);
        let backstage = Backstage {
            questions: ask.clone(),
            events: events.clone(),
            journal,
            settler: writer.settler(),
            rights: Arc::new(rights),
        };
        let audit = config.audit.clone();
        let anchors = Anchors::start(audit, Reader::new(&journal_path), launcher.clone());
        let control = tokio::spawn(listener.serve(backstage));
        let tell_verified = tell.clone();
        let around = Surroundings {
            inputs: tell,
            lock_dir: config.server.lock_dir.clone(),
            locks: LockWatches::start(config.server.lock_dir.clone()),
            launcher,
            sim,
        };
        let seed = sys::seed::seed()
            .map_err(|e| Failure::new(Code::System, format!("drawing the seed: {e}")))?;
        let clock = Clock::start(scale);
        let stop_grace = config.server.stop_grace;
        let places = Places::of(&config);
        let server = Server::new(config, seed, restored, clock.now());
        Ok(Self {
            server,
            clock,
            config_path,
            stop_grace,
            places,
            log,
            around,
            launcher: Launched::Serves,
            anchors,
            inputs,
            questions,
            ask,
            reread: mpsc::channel(1),
            ports: BTreeMap::new(),
            programs: BTreeMap::new(),
            verifier: Verifier::new(tell_verified),
            networks: BTreeMap::new(),
            ending: Vec::new(),
            replies: BTreeMap::new(),
            next_request: 1,
            events,
            pushed: Pushed::new(),
            writer,
            captures: Captures::default(),
            control,
            supervisor,
            run: Run::Serving,
        })
    }

    /// For whoever runs the server inside of his own program.
    #[allow(dead_code, reason = "`dialback demo` runs the server inside of itself")]
    pub(crate) fn handle(&self) -> Handle {
        Handle { questions: self.ask.clone(), events: self.events.clone() }
    }

    /// Serves until a signal says stop and every line is on-hook.
    pub(crate) async fn run(mut self, mut signals: Signals) -> Result<(), Failure> {
        self.carry_out();
        self.supervisor.ready(&self.server.status(self.clock.now()));
        while self.run != Run::Stopped {
            let woken = self.wait(&mut signals).await;
            self.take(woken);
            self.pushed.turned();
            self.pushed.tell_due(&self.server, &self.clock);
        }
        let orphaned = self.launcher == Launched::Gone;
        self.end().await;
        if orphaned {
            let message = "the launcher has ended: every line was hung up; start the server again";
            return Err(Failure::new(Code::System, message));
        }
        Ok(())
    }

    /// Ends everything that is not the server's own.
    async fn end(self) {
        self.control.abort();
        // Ports and the store may wait for room among the inputs: nobody reads them any more, so they must
        // be closed before anybody is waited for.
        drop(self.inputs);
        let mut closing: Vec<_> = self.ports.into_values().map(Port::finish).collect();
        closing.extend(self.networks.into_values().map(Network::finish));
        closing.extend(self.ending);
        let all = async {
            for port in closing {
                // A panic has been reported.
                drop(port.await);
            }
        };
        if tokio::time::timeout(CLOSE_TIME, all).await.is_err() {
            tracing::warn!("some ports did not close in time, or scripts of networks still run");
        }
        self.captures.finish();
        self.writer.finish();
        if tokio::time::timeout(CLOSE_TIME, self.anchors.finish()).await.is_err() {
            tracing::warn!("the last anchor could not be told in time");
        }
        if let Some(log) = self.log {
            log.finish();
        }
    }

    async fn wait(&mut self, signals: &mut Signals) -> Woken {
        let deadline = self.server.deadline();
        let due = deadline.map(|deadline| self.clock.runtime_instant(deadline.at));
        // In no order: neither a flooded port nor a curious operator may keep the others out.
        tokio::select! {
            woken = signals.next() => woken,
            Some(input) = self.inputs.recv() => Woken::Input(input),
            Some(question) = self.questions.recv() => Woken::Question(question),
            Some(read) = self.reread.1.recv() => Woken::Reread(read),
            () = gone(self.around.launcher.as_ref()), if self.launcher == Launched::Serves => {
                Woken::LauncherGone
            }
            () = until(self.anchors.due()) => Woken::Anchor,
            () = until(self.supervisor.due()) => Woken::Supervisor,
            () = until(self.pushed.due()) => Woken::Standing,
            () = until(due) => Woken::Tick,
        }
    }

    fn take(&mut self, woken: Woken) {
        match woken {
            Woken::Input(input) => {
                if let Input::Program(call, ProgramInput::Exited(_) | ProgramInput::Failed(_)) =
                    &input
                {
                    self.programs.remove(call);
                }
                self.feed(input);
            }
            Woken::Question(Question::Status(tell)) => {
                // Who asked may have gone.
                drop(tell.send(Box::new(self.server.status(self.clock.now()))));
            }
            Woken::Question(Question::Standing(tell)) => {
                drop(tell.send(self.pushed.subscribe(&self.server, &self.clock)));
            }
            Woken::Question(Question::Explain(asked, tell)) => {
                drop(tell.send(explained(&self.server, &asked, self.clock.now().wall)));
            }
            Woken::Question(Question::Command(command, tell)) => self.command(command, tell),
            Woken::Question(Question::Stop) => self.stop(),
            Woken::Reload => self.read_again(),
            Woken::Reread(read) => self.reload(*read),
            Woken::Stop => self.stop(),
            Woken::LauncherGone => {
                tracing::error!(
                    "the launcher has ended: no program can be started or ended; every line is hung up"
                );
                self.launcher = Launched::Gone;
                self.run = Run::Stopping;
                self.stop();
            }
            Woken::Anchor => self.anchors.tell(),
            Woken::Supervisor => self.supervisor.tick(|| self.server.status(self.clock.now())),
            // What is due is told after every turn.
            Woken::Standing => {}
            Woken::Tick => self.feed(Input::Tick),
        }
    }

    fn feed(&mut self, input: Input) {
        self.server.handle(self.clock.now(), input);
        self.carry_out();
    }

    fn command(&mut self, mut command: Command, tell: oneshot::Sender<Reply>) {
        if let Command::Callback(order) = &mut command {
            for line in &mut order.lines {
                if let Some(name) = self.line_of_terminal(line) {
                    *line = name;
                }
            }
        }
        let request = RequestId(self.next_request);
        self.next_request += 1;
        self.replies.insert(request, tell);
        self.feed(Input::Command(request, command));
    }

    /// callback(8) knows lines by their terminals (`ttyS1`, `/dev/ttyS1`), or as the one that it is run on.
    fn line_of_terminal(&self, terminal: &str) -> Option<String> {
        if self.server.lines().any(|(_, line)| line.name == terminal) {
            return None;
        }
        let path = Path::new("/dev").join(terminal);
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let on_it = self.programs.values().find(|program| program.terminal() == Some(&path));
        let (_, line) = self.server.lines().find(|(id, line)| {
            on_it.is_some_and(|program| program.line() == *id)
                || matches!(&line.port, PortSpec::Tty(port) if real(port) == real(&path))
        })?;
        Some(line.name.clone())
    }

    /// Reads the configuration again, on a thread: name services may take their time.
    fn read_again(&self) {
        self.supervisor.reloading();
        let tell = self.reread.0.clone();
        let Some(path) = self.config_path.clone() else {
            // Only inside of `dialback demo`.
            let read = Read { config: None, diagnostics: Vec::new() };
            drop(tell.try_send(Box::new(read)));
            return;
        };
        let launcher = self.around.launcher.clone();
        tokio::spawn(async move {
            let read = launcher::read_again(launcher, path).await;
            // Two SIGHUPs in a row: the second waits here.
            drop(tell.send(Box::new(read)).await);
        });
    }

    fn reload(&mut self, read: Read) {
        out::error_text(&read.rendered(Palette::stderr()));
        match read.config {
            Some(config) => {
                self.stop_grace = config.server.stop_grace;
                self.anchors.set(&config.audit);
                if Places::of(&config) != self.places {
                    tracing::warn!(
                        "server.state_dir, server.control and server.lock_dir stay as they were: restart to \
                         change them"
                    );
                }
                self.feed(Input::Config(Box::new(config)));
            }
            None => {
                let (faults, first) = read.faults();
                self.feed(Input::ConfigRefused { faults, first });
            }
        }
        self.supervisor.ready(&self.server.status(self.clock.now()));
    }

    fn stop(&mut self) {
        let grace = match self.run {
            Run::Serving => {
                self.run = Run::Stopping;
                self.stop_grace
            }
            Run::Stopping | Run::StoppingNow => {
                self.run = Run::StoppingNow;
                Duration::ZERO
            }
            Run::Stopped => return,
        };
        self.supervisor.stopping(grace);
        self.feed(Input::Stop { grace });
    }

    /// A port for the line, with the line's settings: before it is opened.
    fn match_port(&mut self, id: LineId) {
        let Some(line) = self.server.line(id) else { return };
        let settings = Settings::of(line);
        match self.ports.get_mut(&id) {
            Some(port) if port.same_place(&settings) => port.set(settings),
            Some(_) | None => {
                self.ports.insert(id, Port::start(id, settings, &self.around));
            }
        }
    }

    /// Does what the server wants, in order, until it wants nothing more.
    fn carry_out(&mut self) {
        while let Some(output) = self.server.poll() {
            match output {
                Output::Port(line, order) => self.tell_port(line, order),
                Output::Launch(call, line, launch) => match self.ports.get(&line) {
                    Some(port) => {
                        let program = Program::start((call, line), *launch, port, &self.around);
                        self.programs.insert(call, program);
                    }
                    None => tracing::error!("{line} has no port to start a program on"),
                },
                Output::Program(call, order) => {
                    if let Some(program) = self.programs.get(&call) {
                        program.tell(order);
                    }
                }
                Output::Verify(call, ticket, verification) => {
                    self.verifier.verify(call, ticket, verification);
                }
                Output::Capture(_, output) => self.captures.write(output),
                Output::Network(call, line, order) => self.tell_network(call, line, order),
                Output::Journal(entry) => self.journal(entry),
                Output::Reread => self.read_again(),
                Output::Reply(request, reply) => {
                    if let Some(tell) = self.replies.remove(&request) {
                        // Who asked may have gone.
                        drop(tell.send(reply));
                    }
                }
                Output::Stopped => self.run = Run::Stopped,
            }
        }
    }

    fn tell_port(&mut self, line: LineId, order: PortOutput) {
        if order == PortOutput::Open {
            self.match_port(line);
        }
        let closed = order == PortOutput::Close;
        if let Some(port) = self.ports.get(&line) {
            port.tell(order);
        }
        // A line that a reload has taken away is closed for good.
        if closed && self.server.line(line).is_none() {
            self.ports.remove(&line);
        }
    }

    fn tell_network(&mut self, call: CallId, line: LineId, order: NetworkOutput) {
        let Some(port) = self.ports.get(&line) else {
            return tracing::error!("{line} has no port to carry packets to");
        };
        let network =
            self.networks.entry(call).or_insert_with(|| Network::start(call, port, &self.around));
        network.tell(order);
    }

    fn journal(&mut self, entry: Entry) {
        self.supervisor.changed();
        if let Event::Ended(ended) = &entry.event
            && let Some(network) = self.networks.remove(&ended.call)
        {
            self.ending.retain(|task| !task.is_finished());
            self.ending.push(network.finish());
        }
        let entry = Arc::new(entry);
        if let Some(log) = &mut self.log {
            log.write(&entry);
        }
        // Nobody may be listening.
        drop(self.events.send(Arc::clone(&entry)));
        self.writer.append(entry);
    }
}

/// The store's words as inputs.
fn told_to(inputs: mpsc::Sender<Input>) -> impl FnMut(Word) + Send + 'static {
    move |word| {
        let input = match word {
            Word::Durable(seq) => Input::Durable(seq),
            Word::Failed(why) => {
                tracing::error!("{why}: no callback is promised until it can be written again");
                Input::StoreFailed(why)
            }
        };
        // The loop has gone: it waits for what is written, not for being told.
        drop(inputs.blocking_send(input));
    }
}

fn store_failure(fault: &StoreFault) -> Failure {
    let code = match fault {
        StoreFault::Locked { .. } => Code::TryLater,
        StoreFault::Directory { .. }
        | StoreFault::Newer { .. }
        | StoreFault::Unknown { .. }
        | StoreFault::Changed { .. }
        | StoreFault::Foreign { .. }
        | StoreFault::Sqlite { .. } => Code::InputOutput,
    };
    Failure::new(code, fault.to_string())
}

/// Until the launcher has ended; for ever if there is none.
async fn gone(launcher: Option<&Client>) {
    match launcher {
        Some(launcher) => launcher.gone().await,
        None => std::future::pending().await,
    }
}

/// Until then; for ever if there is nothing to wait for.
pub(crate) async fn until(due: Option<tokio::time::Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
