//! The demo from its beginning to its end.
//!
//! ```text
//!   Setup ── line ready ──► Story ── caller through ──► Settling ── calls over ──► Stopping ── server ended ──► records
//!     └──────────── anything that takes too long or goes wrong: told, everything taken down, exit code 1 ───┘
//! ```
//!
//! It does not know what the caller does, nor how a fact is shown.

use std::pin::pin;
use std::time::Duration;

use calls::record::Record;
use calls::vocabulary::{Cause, Ended, Entry, Event};
use proto::time::Instant;
use sim::exchange::event::{Logged, TownEvent};
use sim::exchange::fault::{Fault, Times};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;

use super::caller::{Caller, Fares, Speech, WORD_TIME};
use super::fact::{Fact, What};
use super::show::Show;
use super::stage::{self, CALLER, CALLER_NUMBER, Folder, SERVER, SERVER_NUMBER};
use super::story::{Cue, Pace, Story, Variant, story};
use super::tap::{Passed, tap};
use super::words;
use crate::clock::{Clock, lasted};
use crate::exchange::{self, switchboard::Switchboard};
use crate::exit::{Code, Failure};
use crate::port::sim::FromModem;
use crate::rim::{Handle, Rim, Setting, Signals, until};
use crate::store::{Store, Which};

/// How long the server may take to set its modem up, by the town's clock.
const SETUP_TIME: Duration = Duration::from_secs(60);
/// How long a story may take, by the town's clock: each of its steps has a shorter deadline.
const STORY_TIME: Duration = Duration::from_secs(3600);
/// How long the last call may take to be over once the caller is done.
const SETTLE_TIME: Duration = Duration::from_secs(60);
/// How often it is shown that modems train.
const TRAINING_BEAT: Duration = Duration::from_secs(2);
/// How long the server may take to end, by the wall's clock: its ports have two seconds.
const STOP_TIME: Duration = Duration::from_secs(10);

/// Who uses the caller's modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// The caller of the story.
    Caller,
    /// The person who started the demo, through a pty.
    Person,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The story.
    pub(crate) variant: Variant,
    /// How many times faster than telephones.
    pub(crate) speed: u32,
    /// JSON lines.
    pub(crate) json: bool,
    /// Who calls.
    pub(crate) company: Company,
    /// What is wrong with a station from the start.
    pub(crate) faults: Vec<(String, Fault)>,
}

/// Runs the demo. Needs no runtime: it makes its own.
pub(crate) fn run(asked: &Asked) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Code::System, format!("starting the runtime: {e}")))?;
    let folder = Folder::new()?;
    runtime.block_on(async {
        let mut play = Play::open(asked, &folder).await?;
        let played = match asked.company {
            Company::Caller => play.tell(story(asked.variant, Pace::at(asked.speed))).await,
            Company::Person => play.watch().await,
        };
        // However it went, the server leaves its lines on-hook and its programs gone.
        let stopped = play.stop().await;
        play.conclude(played.and_then(|wanted| stopped.map(|()| wanted)), &folder)
    })
}

/// What woke the play.
enum Woken {
    Interrupted,
    Ended(Result<(), Failure>),
    By(Happening),
}

/// What can happen as long as the server runs.
enum Happening {
    Town(Logged),
    Passed(Passed),
    Journal(Box<Entry>),
    Screen(Option<FromModem>),
    HalfWord,
    Tick,
}

/// A wait of the server's that is being told.
#[derive(Clone, Copy, Debug)]
struct Countdown {
    until: Instant,
    next: u64,
}

struct Play {
    clock: Clock,
    show: Show,
    board: Switchboard,
    handle: Handle,
    server: JoinHandle<Result<(), Failure>>,
    /// What the server's end has been told as.
    is_over: bool,
    interrupts: [Signal; 3],
    town: broadcast::Receiver<Logged>,
    passed: mpsc::UnboundedReceiver<Passed>,
    journal: broadcast::Receiver<std::sync::Arc<Entry>>,
    caller: Option<Caller>,
    speech: Speech,
    titles: Vec<(Cue, &'static str)>,
    mishap: Option<Fault>,
    countdown: Option<Countdown>,
    /// The modems train; when that is shown again.
    training: Option<Instant>,
    /// The line is set up.
    is_ready: bool,
    /// Between a program's start and its end.
    program_runs: bool,
    ended: usize,
}

impl Play {
    /// Sets the stage and starts the server on it.
    async fn open(asked: &Asked, folder: &Folder) -> Result<Self, Failure> {
        let interrupts = interrupts()?;
        let config = stage::configure(folder)?;
        let port = match asked.company {
            Company::Caller => None,
            Company::Person => Some(folder.path("modem")),
        };
        let town = stage::town(asked.speed, port.as_deref());
        let (board, _) = exchange::open(town, 1).await?;
        let facts = board.watch();
        for (station, fault) in &asked.faults {
            board
                .fault(station, fault.clone(), Times::Always)
                .await
                .map_err(|e| Failure::new(Code::Usage, format!("--fault {e}")))?;
        }
        let (sockets, passed) = tap(board.sockets().clone());
        let rim = Rim::open(Setting {
            config,
            config_path: None,
            log: None,
            scale: asked.speed,
            sim: Some(sockets),
            standing: crate::launcher::Standing::as_we_are(),
        })?;
        let handle = rim.handle();
        let journal = handle.watch();
        let caller = match asked.company {
            Company::Caller => {
                let cable = board.sockets().plug(CALLER, true).await;
                Some(Caller::new(cable.map_err(|e| Failure::new(Code::Failed, e))?))
            }
            Company::Person => None,
        };
        let mut show = match asked.json {
            true => Show::json(),
            false => Show::people(asked.company == Company::Caller),
        };
        opening(&mut show, asked, folder)?;
        let server = tokio::spawn(rim.run(Signals::new()?));
        Ok(Self {
            clock: Clock::start(asked.speed),
            show,
            board,
            handle,
            server,
            is_over: false,
            interrupts,
            town: facts,
            passed,
            journal,
            caller,
            speech: Speech::default(),
            titles: Vec::new(),
            mishap: None,
            countdown: None,
            training: None,
            is_ready: false,
            program_runs: false,
            ended: 0,
        })
    }

    /// Plays a story; gives back what it must have left.
    async fn tell(&mut self, story: Story) -> Result<Option<Story>, Failure> {
        let setup = self.clock.now().at + SETUP_TIME;
        self.titles.clone_from(&story.titles);
        self.mishap.clone_from(&story.mishap);
        self.go_on(setup, "the server's modem is not set up", |play| Ok(play.is_ready)).await?;
        self.title(Cue::Ready)?;
        let now = self.clock.now().at;
        if let Some(caller) = &mut self.caller {
            caller.begin(now, story.steps.clone());
        }
        let done = |play: &mut Self| match play.caller.as_ref().map(Caller::fares) {
            Some(Fares::Busy) => Ok(false),
            Some(Fares::Done) | None => Ok(true),
            Some(Fares::Failed(why)) => Err(Failure::new(Code::Failed, why)),
        };
        // Each step has its own deadline.
        self.go_on(now + STORY_TIME, "the caller is not through", done).await?;
        let settle = self.clock.now().at + SETTLE_TIME;
        let wanted = story.records.len();
        let settled = |play: &mut Self| Ok(play.ended >= wanted && play.is_ready);
        self.go_on(settle, "the last call is not over", settled).await?;
        Ok(Some(story))
    }

    /// Tells the title of a scene that begins.
    fn title(&mut self, cue: Cue) -> Result<(), Failure> {
        let found = self.titles.iter().position(|(begins, _)| *begins == cue);
        match found.map(|index| self.titles.remove(index)) {
            Some((_, title)) => self.shown(What::Scene { scene: title.to_owned() }),
            None => Ok(()),
        }
    }

    /// Shows what happens until the person has seen enough.
    async fn watch(&mut self) -> Result<Option<Story>, Failure> {
        loop {
            match self.wait(None).await {
                Woken::Interrupted => return Ok(None),
                Woken::Ended(how) => return Err(self.ended_early(how)),
                Woken::By(what) => self.take(what).await?,
            }
        }
    }

    /// Lets things happen until `done`; fails at `deadline`.
    async fn go_on(
        &mut self,
        deadline: Instant,
        late: &str,
        mut done: impl FnMut(&mut Self) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        while !done(self)? {
            if self.clock.now().at >= deadline {
                return Err(Failure::new(Code::Failed, format!("it took too long: {late}")));
            }
            match self.wait(Some(deadline)).await {
                Woken::Interrupted => return Err(Failure::new(Code::Failed, "interrupted")),
                Woken::Ended(how) => return Err(self.ended_early(how)),
                Woken::By(what) => self.take(what).await?,
            }
        }
        Ok(())
    }

    /// The next thing to happen. What causes something is told before it.
    async fn wait(&mut self, deadline: Option<Instant>) -> Woken {
        let caller = self.caller.as_ref();
        let due = [
            deadline,
            caller.and_then(|caller| Some(caller.deadline()?.at)),
            self.countdown.map(|countdown| countdown.due()),
            self.training,
        ];
        let due = due.into_iter().flatten().min().map(|at| self.clock.runtime_instant(at));
        let half = caller.is_some_and(Caller::has_half_a_word);
        let half = half.then(|| tokio::time::Instant::now() + WORD_TIME);
        let [terminate, interrupt, hang_up] = &mut self.interrupts;
        let screen = async {
            match &mut self.caller {
                Some(caller) => caller.heard().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(()) = interrupt.recv() => Woken::Interrupted,
            Some(()) = terminate.recv() => Woken::Interrupted,
            Some(()) = hang_up.recv() => Woken::Interrupted,
            Ok(entry) = self.journal.recv() => Woken::By(Happening::Journal(Box::new(entry.as_ref().clone()))),
            Some(passed) = self.passed.recv() => Woken::By(Happening::Passed(passed)),
            heard = screen => Woken::By(Happening::Screen(heard)),
            Ok(fact) = self.town.recv() => Woken::By(Happening::Town(fact)),
            ended = &mut self.server, if !self.is_over => Woken::Ended(told_end(ended)),
            () = until(half) => Woken::By(Happening::HalfWord),
            () = until(due) => Woken::By(Happening::Tick),
        }
    }

    fn ended_early(&mut self, how: Result<(), Failure>) -> Failure {
        self.is_over = true;
        how.err().unwrap_or_else(|| Failure::new(Code::Failed, "the server ended before its time"))
    }

    async fn take(&mut self, what: Happening) -> Result<(), Failure> {
        let now = self.clock.now().at;
        match what {
            Happening::Town(fact) => self.in_town(fact.event),
            Happening::Passed(Passed::Heard(bytes)) => {
                self.speech.heard(&bytes);
                Ok(())
            }
            Happening::Passed(Passed::Said(bytes)) => {
                for text in self.speech.said(&bytes) {
                    if !self.program_runs {
                        self.shown(What::Said { text })?;
                    }
                }
                Ok(())
            }
            Happening::Journal(entry) => self.journalled(*entry).await,
            Happening::Screen(None) => Err(Failure::new(Code::Failed, "the exchange is gone")),
            Happening::Screen(Some(said)) => self.on_screen(now, said),
            Happening::HalfWord => {
                if let Some(caller) = &mut self.caller {
                    caller.show_all();
                }
                self.screen()
            }
            Happening::Tick => {
                if let Some(caller) = &mut self.caller {
                    caller.tick(now);
                }
                if self.training.is_some_and(|beat| beat <= now) {
                    self.training = Some(now + TRAINING_BEAT);
                    self.shown(What::StillTrain)?;
                }
                self.count_down(now)
            }
        }
    }

    /// The telephone network did something.
    fn in_town(&mut self, event: TownEvent) -> Result<(), Failure> {
        if matches!(event, TownEvent::Trains { .. }) {
            self.training = Some(self.clock.now().at + TRAINING_BEAT);
        } else {
            self.training = None;
        }
        self.shown(What::Town(event))
    }

    /// The server has written something into its journal.
    async fn journalled(&mut self, entry: Entry) -> Result<(), Failure> {
        let event = entry.event.clone();
        if words::follows_the_modem(&event) {
            let now = self.clock.now().at;
            while let Some(said) = self.caller.as_mut().and_then(Caller::has_heard) {
                self.on_screen(now, said)?;
            }
            while let Ok(fact) = self.town.try_recv() {
                self.in_town(fact.event)?;
            }
        }
        if let Some(cue) = Cue::of(&event) {
            self.title(cue)?;
        }
        self.shown(What::Journal(entry))?;
        #[expect(clippy::wildcard_enum_match_arm, reason = "all others are only shown")]
        match event {
            Event::LineReady { .. } => self.is_ready = true,
            Event::Connected { .. } => {
                self.is_ready = false;
                self.speech.begin();
            }
            Event::Promised(_) => {
                if let Some(fault) = self.mishap.take() {
                    let set = self.board.fault(CALLER, fault, Times::Next(1)).await;
                    set.map_err(|e| Failure::new(Code::Failed, e))?;
                }
            }
            Event::LineFaulted { line, reason, .. } if self.caller.is_some() => {
                return Err(Failure::new(Code::Failed, format!("line {line}: {reason}")));
            }
            Event::LaunchFailed { program, reason, .. } if self.caller.is_some() => {
                return Err(Failure::new(Code::Failed, format!("{program}: {reason}")));
            }
            Event::Launched { .. } => self.program_runs = true,
            Event::ProgramExited { .. } => self.program_runs = false,
            Event::Ended(Ended { cause, .. }) => {
                self.ended += 1;
                if cause == Cause::Callback {
                    self.wait_for_the_line().await?;
                }
            }
            Event::TryFailed { next_ms: Some(wait), .. } => {
                let why = format!("tries again in {}", lasted(Duration::from_millis(wait)));
                self.waits(Duration::from_millis(wait), why)?;
            }
            Event::Dialled { .. } => self.countdown = None,
            _ => {}
        }
        Ok(())
    }

    /// The line is on-hook; the promise knows now when it will be dialled.
    async fn wait_for_the_line(&mut self) -> Result<(), Failure> {
        let status = self.handle.status().await;
        let due = status.and_then(|status| status.promises.first()?.due_ms);
        let Some(due) = due else { return Ok(()) };
        let due = Duration::from_millis(due);
        self.waits(due, stage::why_it_waits(due))
    }

    fn waits(&mut self, wait: Duration, why: String) -> Result<(), Failure> {
        let until = self.clock.now().at + wait;
        let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.countdown = Some(Countdown { until, next: whole.saturating_sub(1) });
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.shown(What::Waits { wait_ms, why })
    }

    fn count_down(&mut self, now: Instant) -> Result<(), Failure> {
        let Some(countdown) = &mut self.countdown else { return Ok(()) };
        if countdown.due() > now {
            return Ok(());
        }
        let seconds = countdown.next;
        match seconds {
            0 => self.countdown = None,
            more => countdown.next = more - 1,
        }
        if seconds == 0 { Ok(()) } else { self.shown(What::StillWaits { seconds }) }
    }

    fn on_screen(&mut self, now: Instant, said: FromModem) -> Result<(), Failure> {
        if let Some(caller) = &mut self.caller {
            caller.take(now, said);
        }
        self.screen()
    }

    fn screen(&mut self) -> Result<(), Failure> {
        while let Some(what) = self.caller.as_mut().and_then(Caller::shows) {
            self.shown(what)?;
        }
        Ok(())
    }

    fn shown(&mut self, what: What) -> Result<(), Failure> {
        let ms = self.clock.now().at.as_millis();
        // Nobody reads any more: there is nothing left to demonstrate.
        self.show.show(&Fact { ms, what }).map_err(|_| Failure::silent(Code::InputOutput))
    }

    /// Ends the server, showing what it still does.
    async fn stop(&mut self) -> Result<(), Failure> {
        if self.is_over {
            return Ok(());
        }
        self.handle.stop().await;
        let mut late = pin!(tokio::time::sleep(STOP_TIME));
        loop {
            let woken = tokio::select! {
                () = &mut late => {
                    self.server.abort();
                    return Err(Failure::new(Code::Failed, "the server did not end in time"));
                }
                woken = self.wait(None) => woken,
            };
            match woken {
                Woken::Ended(how) => {
                    self.is_over = true;
                    return how;
                }
                Woken::Interrupted | Woken::By(Happening::Tick) => {}
                // What fails now has failed already.
                Woken::By(what) => drop(self.take(what).await),
            }
        }
    }

    /// Says how it went, with the records that are left.
    fn conclude(
        &mut self,
        played: Result<Option<Story>, Failure>,
        folder: &Folder,
    ) -> Result<(), Failure> {
        let records = records(folder);
        if let Ok((records, _)) = &records {
            for record in records {
                self.shown(What::Record(Box::new(record.clone())))?;
            }
        }
        let concluded = played.and_then(|story| {
            let (records, entries) = records?;
            match story {
                Some(story) => as_told(&story, &records).map(|()| entries),
                None => Ok(entries),
            }
        });
        match concluded {
            Ok(entries) => {
                let text = format!(
                    "Everything happened as it should. {entries} entries in the journal, its chain \
                     whole; the demo's files are gone again."
                );
                self.shown(What::End { ok: true, text })
            }
            Err(failure) => {
                let text = failure.to_string();
                drop(self.shown(What::End { ok: false, text }));
                Err(failure)
            }
        }
    }
}

impl Countdown {
    fn due(self) -> Instant {
        let left = Duration::from_secs(self.next);
        Instant::ZERO + (self.until - Instant::ZERO).saturating_sub(left)
    }
}

/// Compares what was left with what the story says.
fn as_told(story: &Story, records: &[Record]) -> Result<(), Failure> {
    let left: Vec<_> = records.iter().map(|record| (record.leg, record.cause)).collect();
    let wanted: Vec<_> = story.records.iter().map(|(leg, cause)| (*leg, Some(*cause))).collect();
    if left == wanted {
        return Ok(());
    }
    let text = format!("the records should be {wanted:?} and are {left:?}");
    Err(Failure::new(Code::Failed, text))
}

/// The records that the server has left, and the number of entries in its journal, read when it has ended.
fn records(folder: &Folder) -> Result<(Vec<Record>, u64), Failure> {
    let fault =
        |e: crate::store::StoreFault| Failure::new(Code::Failed, format!("the journal: {e}"));
    let mut store = Store::open(&folder.path("state")).map_err(fault)?;
    let restored = store.restore().map_err(fault)?;
    let reader = crate::store::Reader::new(store.path());
    let records = reader.calls(u32::MAX, &Which::default()).map_err(fault)?;
    Ok((records, restored.next_seq.0.saturating_sub(1)))
}

fn told_end(ended: Result<Result<(), Failure>, tokio::task::JoinError>) -> Result<(), Failure> {
    ended.unwrap_or_else(|e| Err(Failure::new(Code::Failed, format!("the server: {e}"))))
}

fn interrupts() -> Result<[Signal; 3], Failure> {
    let listen = |kind| {
        signal(kind).map_err(|e| Failure::new(Code::System, format!("listening to signals: {e}")))
    };
    Ok([
        listen(SignalKind::terminate())?,
        listen(SignalKind::interrupt())?,
        listen(SignalKind::hangup())?,
    ])
}

fn opening(show: &mut Show, asked: &Asked, folder: &Folder) -> Result<(), Failure> {
    let speed = match asked.speed {
        1 => "at telephone speed, times in seconds".to_owned(),
        n => format!("{n} times as fast as telephones are; times in their seconds"),
    };
    let about = match asked.company {
        Company::Caller => story(asked.variant, Pace::at(1)).about.to_owned(),
        Company::Person => {
            let modem = folder.path("modem");
            let modem = modem.display();
            format!(
                "the caller is you\n\nYour modem is {modem}, number {CALLER_NUMBER}. In another \
                 terminal:\n  minicom -D {modem}     or: screen {modem}, picocom {modem}\n  \
                 ATDT{SERVER_NUMBER}          the server answers; give the name cback, then \
                 {CALLER_NUMBER}\n  ATA                  when it says RING; then the name {CALLER}\n\
                 Look at the server with: dialback status --control {}\nCtrl-C ends it.",
                folder.path("control.sock").display()
            )
        }
    };
    let text = format!("dialback demo: {about}\n{speed}");
    let names = [
        format!("{CALLER}, {CALLER_NUMBER}"),
        "exchange, modems".to_owned(),
        format!("{SERVER}, {SERVER_NUMBER}"),
    ];
    let [caller, town, server] = &names;
    show.opening(&text, [caller, town, server]).map_err(|_| Failure::silent(Code::InputOutput))
}
