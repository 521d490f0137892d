//! The ground on which attacks are played: the configuration's own lines on simulated modems, the ways in which
//! somebody is called back by it, and what its lines dial for him.
//!
//! A way is found by trying it once, in peace. What defends a way by *who* asks (passwords, hours, budgets) is taken
//! off here on purpose: the line attacks are played by somebody who may be called back, because a line whose only
//! defence is a password falls with the password.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use calls::config::user::Budget;
use calls::config::{
    Action, Authenticate, Config, Direction, Line, LineService, LoginEntry, NamePattern, PortSpec,
    ReturnLine, ScreeningWord, When,
};
use calls::vocabulary::{Entry, Event, Leg};
use proto::dial::is_dial_command;

use crate::exchange::event::TownEvent;
use crate::modem::registers::Profile;
use crate::people::Step;
use crate::people::scripts::{dial, expect, send};
use crate::town::{Equipment, ModemSpec, Station, Town};
use crate::world::{Door, ProgramKind, Scene, World};

/// Stations that no configuration can have as a line: their names have blanks.
pub(super) const CALLER: &str = "the caller";
pub(super) const VICTIM: &str = "the one to be called back";
pub(super) const ATTACKER: &str = "the attacker";
/// Numbers that nobody dials.
const CALLER_NUMBER: &str = "1999000001";
pub(super) const ATTACKER_NUMBER: &str = "1999000002";

/// The prompt of every stage: what callers wait for has to be known to them.
pub(super) const PROMPT: &str = "ogin: ";
/// More lines than this are like one of these.
const MOST_LINES: usize = 8;
/// More ways than this are like one of these.
const MOST_WAYS: usize = 6;

/// A line of the configuration.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) name: String,
    /// What callers dial.
    pub(super) number: String,
    pub(super) answers: bool,
    /// Whoever calls it meets the prompt, and not PPP alone.
    pub(super) prompts: bool,
    pub(super) originates: bool,
}

/// A way of being called back.
#[derive(Clone, Debug)]
pub(super) struct Way {
    /// The name to give.
    pub(super) name: String,
    /// The number to type, where one is asked for.
    pub(super) types: Option<String>,
    /// What the server's line then dials.
    pub(super) dials: String,
    /// The line that is called, by number.
    pub(super) at: String,
}

/// The configuration, and what can be done with it.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    /// As it is, but for its ports and its prompt.
    pub(super) actual: Config,
    /// The same for somebody who may be called back.
    pub(super) config: Config,
    /// Who is answered at all (dialin.config): A10's business, and no obstacle to the others, because whoever
    /// knows a good number presents it.
    pub(super) screening: Vec<ScreeningWord>,
    pub(super) spots: Vec<Spot>,
    pub(super) ways: Vec<Way>,
    /// Lines on which nothing is played: they are like one of the others.
    pub(super) left_out: usize,
    pub(super) seed: u64,
}

impl Ground {
    /// Looks at a configuration.
    pub(super) fn of(config: &Config, seed: u64) -> Self {
        let mut actual = config.clone();
        for line in &mut actual.lines {
            line.port = PortSpec::Sim(line.name.clone());
        }
        let screening = std::mem::take(&mut actual.screening);
        let (lines, left_out) = sample(&actual);
        actual.lines = lines;
        actual.login.prompt = "@!login: ".to_owned();
        actual.login.issue.clear();
        let spots: Vec<Spot> =
            actual.lines.iter().enumerate().map(|(at, line)| spot(at, line)).collect();
        let mut ground = Self {
            config: permissive(actual.clone()),
            actual,
            screening,
            spots,
            ways: Vec::new(),
            left_out,
            seed,
        };
        ground.ways = ground.find_ways();
        ground
    }

    /// The configuration as it is, screening and all.
    pub(super) fn screened(&self) -> Config {
        Config { screening: self.screening.clone(), ..self.actual.clone() }
    }

    /// The first line that answers callers with a prompt.
    pub(super) fn door(&self) -> Option<&Spot> {
        self.spots.iter().find(|spot| spot.prompts)
    }

    /// A world on this ground: the caller (at whatever number the way calls, or not), and the attacker.
    pub(super) fn world(&self, cast: Cast<'_>) -> World {
        let mut stations: Vec<Station> = Vec::new();
        for (spot, line) in self.spots.iter().zip(&cast.config.lines) {
            let mut station = Station::modem(&spot.name, &spot.number);
            let profile = Profile::that_knows(line.modem.profile.name);
            station.equipment =
                Equipment::Modem(Box::new(ModemSpec { profile, ..ModemSpec::default() }));
            stations.push(station);
        }
        stations.extend(cast.stations);
        let mut town = Town::of(stations);
        town.timing.hold = cast.hold;
        let control_lines =
            self.actual.lines.iter().any(|line| !matches!(line.port, PortSpec::Tcp { .. }));
        let scene = Scene {
            town,
            seed: self.seed,
            control_lines,
            store_delay: Duration::from_millis(5),
            programs: programs(cast.config),
        };
        let mut world = World::with(cast.config.clone(), scene);
        // The modems are set up, and none is held from before the start.
        world.run_until(20_000);
        world
    }

    /// Whether the lines can be set up on simulated modems: attacks on lines that are out of order prove nothing.
    pub(super) fn comes_up(&self) -> Result<(), String> {
        let world = self.world(Cast::of(&self.actual, Vec::new()));
        let ready = |name: &str| {
            let is = |event: &Event| matches!(event, Event::LineReady { line } if line == name);
            events(&world, is) > 0
        };
        let faults: Vec<String> = self
            .spots
            .iter()
            .filter(|spot| !ready(&spot.name))
            .map(|spot| {
                let why = world.journal().iter().find_map(|entry| match &entry.event {
                    Event::LineFaulted { line, reason, .. } if *line == spot.name => {
                        Some(reason.clone())
                    }
                    _ => None,
                });
                format!("line {}: {}", spot.name, why.unwrap_or_else(|| "is not ready".to_owned()))
            })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
    }

    /// Each callback entry and each user with a callback, tried once on each kind of line.
    fn find_ways(&self) -> Vec<Way> {
        let mut ways = Vec::new();
        for (name, asks) in names_of_callbacks(&self.config) {
            for spot in self.spots.iter().filter(|spot| spot.answers) {
                let typed = if asks { self.numbers_to_type() } else { vec![String::new()] };
                let found = typed.into_iter().find_map(|number| {
                    let types = asks.then_some(number);
                    let dials = self.dialled(&name, types.as_deref(), &spot.number)?;
                    Some(Way { name: name.clone(), types, dials, at: spot.number.clone() })
                });
                if let Some(way) = found {
                    ways.push(way);
                    break;
                }
            }
            if ways.len() == MOST_WAYS {
                break;
            }
        }
        ways
    }

    /// What is dialled first for whoever gives this name (and number) here; `None`: nobody is called back.
    ///
    /// All of it: the digit for an outside line, and what is behind the pause after it.
    fn dialled(&self, name: &str, types: Option<&str>, at: &str) -> Option<String> {
        let caller = Station::modem(CALLER, CALLER_NUMBER);
        let mut world = self.world(Cast::of(&self.config, vec![caller]));
        let way = Way {
            name: name.to_owned(),
            types: types.map(str::to_owned),
            dials: String::new(),
            at: at.to_owned(),
        };
        world.begin(CALLER, way.asks());
        let end = world.ms() + 900_000;
        while world.ms() < end {
            world.run_until(world.ms() + 1_000);
            let dialled = world.log().iter().find_map(|logged| match &logged.event {
                TownEvent::Command { station, line } if station.as_str() != CALLER => keys(line),
                _ => None,
            });
            let over = world.journal().iter().any(
                |entry| matches!(&entry.event, Event::Ended(ended) if ended.leg == Leg::Request),
            );
            let promised = events(&world, |event| matches!(event, Event::Promised(_)));
            if dialled.is_some() || (over && promised == 0) {
                return dialled;
            }
        }
        None
    }

    /// Numbers that `caller_numbers` would take, one for each of its patterns.
    fn numbers_to_type(&self) -> Vec<String> {
        let patterns = &self.config.callback.caller_numbers.allow;
        patterns
            .iter()
            .map(|pattern| {
                let stem = pattern.trim_end_matches('*').trim_start_matches('+');
                let fill = "5550199200";
                let missing = 10usize.saturating_sub(stem.len());
                match (pattern.ends_with('*'), stem.len()) {
                    (false, _) => stem.to_owned(),
                    (true, 0) => "5550199".to_owned(),
                    (true, 1..=3) => format!("{stem}0199"),
                    (true, _) => format!("{stem}{}", fill.get(..missing).unwrap_or("0")),
                }
            })
            .take(8)
            .collect()
    }
}

impl Way {
    /// Calls, gives the name, and the number where one is asked for.
    pub(super) fn asks(&self) -> Vec<Step> {
        let mut steps = dial(&self.at);
        steps.push(Step::NoAbort("NO CARRIER".to_owned()));
        steps.extend([expect(PROMPT, 60), send(&format!("{}\r", self.name))]);
        if let Some(number) = &self.types {
            steps.extend([expect("callback: ", 60), send(&format!("{number}\r"))]);
        }
        steps
    }

    /// The same, and waits to be called back, up to the second prompt.
    pub(super) fn is_called_back(&self) -> Vec<Step> {
        let mut steps = self.asks();
        steps.extend([
            expect("NO CARRIER", 90),
            expect("RING", 1_800),
            send("ATA\r"),
            expect("CONNECT", 90),
            expect(PROMPT, 60),
        ]);
        steps
    }
}

/// Who is on the stage.
pub(super) struct Cast<'c> {
    pub(super) config: &'c Config,
    pub(super) stations: Vec<Station>,
    /// How long the exchange holds the called side.
    pub(super) hold: Duration,
}

impl<'c> Cast<'c> {
    pub(super) const fn of(config: &'c Config, stations: Vec<Station>) -> Self {
        Self { config, stations, hold: Duration::ZERO }
    }
}

/// The lines on which attacks are played, in file order, and how many are left out.
///
/// Of each kind one at least, as far as there is room, and by turns of those that do both, those that answer and those
/// that dial: a hunt group of thirty lines must not hide the one behind it that calls back.
fn sample(config: &Config) -> (Vec<Line>, usize) {
    let named: BTreeSet<&String> = config
        .entries
        .iter()
        .filter_map(|entry| match &entry.action {
            Action::Callback { line, .. } => line.as_ref(),
            Action::Program { .. } | Action::Ppp => None,
        })
        .chain([&config.callback.line])
        .flat_map(|line| match line {
            ReturnLine::Lines(names) => names.as_slice(),
            ReturnLine::Same | ReturnLine::Other | ReturnLine::Group(_) => &[],
        })
        .collect();
    let kind = |line: &Line| {
        let modem = &line.modem;
        (
            (line.direction, line.service, line.hold_by, line.groups.clone()),
            (modem.profile.name, modem.dial_prefix.clone(), modem.dtr_hangup),
            named.contains(&line.name),
        )
    };
    let mut kinds = Vec::new();
    let (first, alike): (Vec<usize>, Vec<usize>) = (0..config.lines.len()).partition(|at| {
        let of = config.lines.get(*at).map(kind);
        let new = !kinds.contains(&of);
        if new {
            kinds.push(of);
        }
        new
    });
    let of = |at: &usize, direction| {
        config.lines.get(*at).is_some_and(|line| line.direction == direction)
    };
    // The n-th of each direction come before the next of any.
    let mut turns: Vec<(usize, usize)> = Vec::new();
    for direction in [Direction::Both, Direction::Answer, Direction::Originate] {
        let of_direction = first.iter().filter(|at| of(at, direction));
        turns.extend(of_direction.enumerate().map(|(turn, at)| (turn, *at)));
    }
    turns.sort_by_key(|(turn, _)| *turn);
    let in_turn = turns.into_iter().map(|(_, at)| at);
    let taken: BTreeSet<usize> = in_turn.chain(alike).take(MOST_LINES).collect();
    let lines: Vec<Line> = taken.iter().filter_map(|at| config.lines.get(*at).cloned()).collect();
    let left_out = config.lines.len() - lines.len();
    (lines, left_out)
}

/// The keys that a command line dials, as the exchange hears them; `None`: it dials nothing.
fn keys(line: &str) -> Option<String> {
    // The town tells a command without its AT.
    let (_, number) =
        is_dial_command(format!("AT{line}\r").as_bytes()).then(|| line.rsplit_once('D'))??;
    Some(number.chars().filter(|key| matches!(key, '0'..='9' | '*' | '#')).collect())
}

fn spot(at: usize, line: &Line) -> Spot {
    let digits = |number: &str| -> String { number.chars().filter(char::is_ascii_digit).collect() };
    let number = line.number.as_ref().map(|number| digits(number.as_str()));
    Spot {
        name: line.name.clone(),
        // A number that nobody has.
        number: number.unwrap_or_else(|| format!("{:010}", 1_999_100_000 + at)),
        answers: line.direction != Direction::Originate,
        prompts: line.direction != Direction::Originate && line.service == LineService::Login,
        originates: line.direction != Direction::Answer,
    }
}

/// The configuration for somebody who may be called back: who asks is no question here.
fn permissive(mut config: Config) -> Config {
    config.callback.authenticate = Authenticate::Nothing;
    // Attacks are played many times by the same name.
    config.callback.quarantine_after = 0;
    config.budgets.clear();
    for user in &mut config.users {
        user.windows.clear();
        user.expires = None;
        user.budget = Budget::default();
    }
    // Who is called back by PPP takes the same way to the same line, also to one that serves PPP alone.
    for line in &mut config.lines {
        line.service = LineService::Login;
    }
    let by_ppp: Vec<LoginEntry> = config
        .users
        .iter()
        .filter(|user| !user.disabled && !user.trap)
        .filter_map(|user| {
            let callback = user.callback.as_ref().filter(|callback| !callback.numbers.is_empty())?;
            let named = |entry: &LoginEntry| matches!(&entry.pattern, NamePattern::Exact(name) if *name == user.name);
            (!config.entries.iter().any(named)).then(|| LoginEntry {
                line_number: 0,
                pattern: NamePattern::Exact(user.name.clone()),
                when: When::OnRequest,
                user: None,
                utmp: None,
                action: Action::Callback {
                    line: None,
                    numbers: callback.numbers.clone(),
                    init: Vec::new(),
                    speed: None,
                },
            })
        })
        .collect();
    config.entries.splice(0..0, by_ppp);
    config
}

/// Names that lead to a callback at the prompt, and whether a number is asked for.
fn names_of_callbacks(config: &Config) -> Vec<(String, bool)> {
    config
        .entries
        .iter()
        .filter_map(|entry| {
            let Action::Callback { numbers, .. } = &entry.action else { return None };
            let name = match &entry.pattern {
                NamePattern::Exact(name) => name.clone(),
                NamePattern::Prefix(part) | NamePattern::Contains(part) => format!("{part}x"),
                NamePattern::Suffix(part) => format!("x{part}"),
                NamePattern::Any => "anybody".to_owned(),
            };
            let stored = config.users.iter().any(|user| {
                user.name == name
                    && user.callback.as_ref().is_some_and(|callback| !callback.numbers.is_empty())
            });
            Some((name, numbers.is_empty() && !stored))
        })
        .collect()
}

/// `/bin/login` asks for a password that nobody here knows; any other program is whatever it is.
fn programs(config: &Config) -> BTreeMap<PathBuf, ProgramKind> {
    let mut programs = BTreeMap::new();
    for entry in &config.entries {
        let Action::Program { path, .. } = &entry.action else { continue };
        let kind = if asks_itself(path) {
            let credentials = Some(("nobody".to_owned(), b"knows it".to_vec()));
            ProgramKind::Login(Door { credentials, prompt: "$ ".to_owned() })
        } else {
            ProgramKind::Announces("a program".to_owned())
        };
        programs.insert(path.clone(), kind);
    }
    programs
}

/// Whether a program asks for a password of its own.
pub(super) fn asks_itself(path: &std::path::Path) -> bool {
    path.file_name().is_some_and(|base| base == "login" || base == "sulogin" || base == "pppd")
}

/// A promise's tries, hold times and pauses are over by then, whatever a callback waits for.
const LONGEST: u64 = 4 * 3_600_000;

/// Lets everything come to rest; whether it did. What is not at rest by then has shown what it does.
pub(super) fn rest(world: &mut World) -> bool {
    let end = world.ms() + LONGEST;
    world.run_to_quiet(end)
}

/// How many events of the journal are like this.
pub(super) fn events(world: &World, like: impl Fn(&Event) -> bool) -> usize {
    world.journal().iter().filter(|entry| like(&entry.event)).count()
}

/// The lines of the story that matter, for the evidence: those with one of these words.
pub(super) fn told(world: &World, words: &[&str]) -> Vec<String> {
    let story = world.story();
    let lines = story.lines().filter(|line| words.iter().any(|word| line.contains(word)));
    lines.take(12).map(|line| line.trim().to_owned()).collect()
}

/// When the first entry like this was made, in milliseconds since the world's beginning.
pub(super) fn at(entry: &Entry) -> i64 {
    entry.at.unix_ms
}
