//! A busy town with every fault at once, from a seed: what nobody would write as a story.
//!
//! One run is one town: two server lines, eight callers, an hour of calls and faults in random order; then everything is
//! mended, comes to rest, and each line has to serve a caller as if nothing had been. The invariants are watched at
//! every step.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use ppp::lcp::callback::Proposal;
use ppp::personality::Personality;

use crate::chance::Chance;
use crate::exchange::fault::{Fault, Times};
use crate::people::scripts::{
    be_called_back, chat, dial, expect, flooder, hangs_up_after, pause, person, send, sitter,
    sitter_at_the_number, windows,
};
use crate::people::{Outcome, PppCall, PppEnd, Step};
use crate::town::{Station, Town};
use crate::world::{Act, ProgramKind, Setup, World};

const LINES: [(&str, &str); 2] = [("office", "5550100"), ("second", "5550101")];
const CALLERS: usize = 8;
/// Each caller begins something so often in one run.
const ROUNDS: usize = 8;
const LOGIN_CONFIG: &str = "\
cback - - /usr/sbin/callback -S
other - - /usr/sbin/callback
group - - /usr/sbin/callback -l office:second
ends - - /bin/false
stubborn - - /bin/stubborn @
missing - - /bin/missing
much - - /bin/much
/AutoPPP/ - - /usr/sbin/dialback-ppp
* - - /bin/login @
";

fn config(retry: u64) -> String {
    let mut text = format!(
        "[server]\nlogin_config = \"/etc/dialback/login.config\"\n\n[callback]\nline = \"same\"\n\
         delay = \"5s\"\njitter = \"4s\"\nretry = \"{retry}s\"\nmax_time = \"5m\"\n\
         caller_numbers = {{ allow = [\"555*\"] }}\n\n[ppp]\nsecrets = \"chap-secrets\"\n\
         local = \"10.9.0.1\"\npool = \"10.9.0.2\"\nidle_limit = \"40s\"\nsession_limit = \"3m\"\n\
         rfc1570 = [\"user\", \"number\"]\nip_up = \"/etc/ppp/ip-up\"\n\n\
         [[user]]\nname = \"alice\"\ncallback = {{ offer = [\"none\", \"caller\"] }}\n\n\
         [[user]]\nname = \"bob\"\ncallback = {{ numbers = \"5550200\", required = true }}\n"
    );
    for (name, number) in LINES {
        // Writing to a String can't fail.
        let _ = write!(
            text,
            "\n[[line]]\nname = \"{name}\"\nport = \"sim:{name}\"\nspeed = 115200\nnumber = \"{number}\"\n\
             direction = \"both\"\ngroup = [\"public\"]\nrings = 1\nhold_time = \"8s\"\n\
             modem = {{ init = [\"ATZ\", \"ATE0&C1&D2S0=0\"], dial_prefix = \"ATDT\", dtr_hangup = true }}\n"
        );
    }
    text
}

/// What one run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Sessions: calls that came in and reached the server. Those that found it busy are not counted.
    pub sessions: usize,
    /// Scripts that came to their end.
    pub done: usize,
    /// Promises made.
    pub promised: usize,
    /// Promises kept.
    pub kept: usize,
    /// Promises made to users who proved their names by PPP.
    pub by_ppp: usize,
    /// Networks that callers had.
    pub networks: usize,
    /// Power failures.
    pub failures: usize,
}

impl std::ops::AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.done += other.done;
        self.promised += other.promised;
        self.kept += other.kept;
        self.by_ppp += other.by_ppp;
        self.networks += other.networks;
        self.failures += other.failures;
    }
}

/// One run.
///
/// # Errors
/// What went wrong: the seed, the invariant, the last lines of journal and log.
pub fn run(seed: u64) -> Result<Summary, String> {
    let mut chance = Chance::new(seed);
    let mut stations: Vec<Station> =
        LINES.iter().map(|(name, number)| Station::modem(name, number)).collect();
    for index in 0..CALLERS {
        stations.push(Station::modem(&caller(index), &number(index)));
    }
    stations.push(Station::telephone("granny", "5550177", Some(Duration::from_secs(6))));
    let mut town = Town::of(stations);
    town.timing.hold = Duration::from_secs(chance.below(8));
    let setup = Setup {
        town,
        config: config(20),
        login_config: LOGIN_CONFIG.to_owned(),
        seed: chance.next(),
        control_lines: chance.below(3) > 0,
        store_delay: Duration::from_millis(chance.below(60)),
        programs: BTreeMap::from([
            (PathBuf::from("/bin/false"), ProgramKind::EndsAtOnce(1)),
            (PathBuf::from("/bin/stubborn"), ProgramKind::Stubborn),
            (PathBuf::from("/bin/missing"), ProgramKind::Missing),
            (PathBuf::from("/bin/much"), ProgramKind::Talkative),
        ]),
    };
    let mut world = World::new(setup).map_err(|faults| format!("seed {seed}: {faults}"))?;
    let mut summary = Summary::default();
    plan(&mut world, &mut chance, &mut summary);
    world.run_until(HOUR);
    mend(&mut world);
    let report = |world: &World, what: &str| {
        Err(format!("seed {seed}, {} s: {what}\n{}", world.ms() / 1_000, world.tail()))
    };
    if !world.run_to_quiet(3 * HOUR) {
        return report(&world, "no rest");
    }
    // Everything that was broken may need a retry's time.
    let later = world.ms() + 300_000;
    world.run_until(later);
    for (index, (_, server)) in LINES.iter().enumerate() {
        let script = chat(server, "cback", Some(&number(index)), "al");
        world.begin(&caller(index), script);
        let end = world.ms() + 600_000;
        if !world.run_to_quiet(end) || world.outcome(&caller(index)) != Some(&Outcome::Done) {
            let screen = world.screen(&caller(index));
            return report(&world, &format!("line {index} does not serve again:\n{screen}"));
        }
    }
    if !world.watch().violations().is_empty() {
        return report(&world, "an invariant is violated");
    }
    let story = world.story();
    let count = |word: &str| story.lines().filter(|line| line.contains(word)).count();
    summary.sessions = count(" direction=request ");
    summary.promised = count(" promised ");
    summary.by_ppp = count(" ppp=true ");
    summary.networks = count(" network-up ");
    summary.kept = count(" kept ");
    summary.done =
        (0..CALLERS).filter(|index| world.outcome(&caller(*index)) == Some(&Outcome::Done)).count();
    Ok(summary)
}

const HOUR: u64 = 3_600_000;

fn caller(index: usize) -> String {
    format!("caller{index}")
}

fn number(index: usize) -> String {
    format!("555020{index}")
}

/// Fills the hour.
fn plan(world: &mut World, chance: &mut Chance, summary: &mut Summary) {
    for index in 0..CALLERS {
        let mut at = 2_000 + chance.below(300_000);
        for _ in 0..ROUNDS {
            let script = script(index, chance);
            world.at(at, Act::Begin(caller(index), script));
            if chance.below(4) == 0 {
                world.at(at + chance.below(90_000), Act::HangUp(caller(index)));
            }
            at += 60_000 + chance.below(600_000);
        }
    }
    for _ in 0..chance.below(40) {
        let at = chance.below(HOUR);
        let (fault, times) = fault(chance);
        let lasting = times == Times::Always;
        let station = station(chance);
        world.at(at, Act::Fault(station.clone(), fault.clone(), times));
        if lasting {
            world.at(at + chance.below(120_000), Act::Fault(station, fault, Times::Never));
        }
    }
    for _ in 0..chance.below(4) {
        let down = Duration::from_millis(100 + chance.below(90_000));
        world.at(chance.below(HOUR), Act::PowerFails(down));
        summary.failures += 1;
    }
    for _ in 0..chance.below(3) {
        let act = Act::Reload(config(10 + chance.below(30)), LOGIN_CONFIG.to_owned());
        world.at(chance.below(HOUR), act);
    }
    for _ in 0..chance.below(4) {
        let (line, _) = *chance.pick(&LINES).unwrap_or(&("office", ""));
        let at = chance.below(HOUR);
        world.at(at, Act::Take(line.to_owned()));
        world.at(at + chance.below(200_000), Act::GiveBack(line.to_owned()));
    }
    for _ in 0..chance.below(2) {
        let at = chance.below(HOUR);
        world.at(at, Act::StoreFails(true));
        world.at(at + chance.below(120_000), Act::StoreFails(false));
    }
    if chance.below(3) == 0 {
        let at = chance.below(HOUR);
        world.at(at, Act::NoInterfaces(true));
        world.at(at + chance.below(900_000), Act::NoInterfaces(false));
    }
}

fn script(index: usize, chance: &mut Chance) -> Vec<Step> {
    let (_, server) = *chance.pick(&LINES).unwrap_or(&("", "5550100"));
    let own = number(index);
    let number = match chance.below(12) {
        0 => "5550177".to_owned(),
        1 => "5559999".to_owned(),
        2 => "5550100".to_owned(),
        3 => "ATDT;H0".to_owned(),
        4 => "900123".to_owned(),
        _ => own,
    };
    let names = ["cback", "cback", "other", "group"];
    let name = *chance.pick(&names).unwrap_or(&"cback");
    match chance.below(15) {
        12..=14 => speaks_ppp(server, &number, chance),
        0..=3 => chat(server, name, Some(&number), "al"),
        4 => windows(server, name, Some(&number), "al"),
        5 => person(server, name, Some(&number), "al", chance),
        6 => sitter(server),
        7 => sitter_at_the_number(server, name),
        8 => flooder(server, 1 + chance.below(40)),
        9 => hangs_up_after(server, vec![pause(chance.below(20_000))]),
        10 => {
            let then = vec![
                expect("ogin: ", 30),
                send(&format!("{name}\r")),
                expect("callback: ", 30),
                send(&number),
                pause(chance.below(100)),
            ];
            hangs_up_after(server, then)
        }
        _ => {
            let programs = ["ends", "stubborn", "missing", "much", "al"];
            let program = *chance.pick(&programs).unwrap_or(&"al");
            let mut steps = dial(server);
            steps.extend([expect("ogin: ", 60), send(&format!("{program}\r"))]);
            steps.extend([pause(chance.below(20_000)), Step::Dtr(false)]);
            steps
        }
    }
}

/// Somebody whose computer speaks PPP, with whatever program, name and luck.
fn speaks_ppp(server: &str, number: &str, chance: &mut Chance) -> Vec<Step> {
    let users = [("alice", "s3cret"), ("bob", "b0bs"), ("carol", "c4rols"), ("alice", "guess")];
    let personality = chance.pick(&Personality::ALL).copied();
    let mut call = || {
        let (name, password) = *chance.pick(&users).unwrap_or(&("alice", "s3cret"));
        let option13 = match chance.below(12) {
            0 => Some(Proposal::Administrator),
            1 => Some(Proposal::Number(number.as_bytes().to_vec())),
            _ => None,
        };
        Box::new(PppCall {
            personality: personality.filter(|_| option13.is_none() && chance.below(8) > 0),
            number: Some(number.to_owned()),
            option13,
            name: name.to_owned(),
            password: password.to_owned(),
            ends: PppEnd::CalledBack,
        })
    };
    let mut steps = dial(server);
    let (first, other) = (call(), call());
    let ends = match chance.below(3) {
        0 => PppEnd::CutOff,
        _ => PppEnd::Served(u16::try_from(chance.below(9)).unwrap_or(0)),
    };
    // Some come for the network alone.
    if chance.below(3) == 0 {
        let only = PppCall { personality: None, option13: None, ends, ..*first };
        steps.extend([Step::Ppp(Box::new(only)), Step::Dtr(false)]);
        return steps;
    }
    // Now and then somebody else answers.
    let again = if chance.below(4) == 0 { other } else { first.clone() };
    steps.push(Step::Ppp(first));
    steps.extend(be_called_back("ATA"));
    steps.push(Step::Ppp(Box::new(PppCall { ends, option13: None, ..*again })));
    steps.push(Step::Dtr(false));
    steps
}

fn station(chance: &mut Chance) -> String {
    match chance.below(4) {
        0 => "office".to_owned(),
        1 => "second".to_owned(),
        _ => caller(usize::try_from(chance.below(8)).unwrap_or(0)),
    }
}

fn fault(chance: &mut Chance) -> (Fault, Times) {
    let times = Times::Next(1 + u32::try_from(chance.below(3)).unwrap_or(0));
    match chance.below(15) {
        0 => (Fault::Busy, times),
        1 => (Fault::NoAnswer, times),
        2 => (Fault::NoDialTone, times),
        3 => (Fault::Noise { per_million: 50_000 }, Times::Always),
        4 | 5 => (Fault::DropAfter { ms: chance.below(30_000) }, times),
        6 => (Fault::DropAfterBytes { bytes: chance.below(400) }, times),
        7 => (Fault::Mute, Times::Always),
        8 => (Fault::IgnoresDtr, Times::Always),
        9 => (Fault::StuckDcd, Times::Always),
        10 => (Fault::Held { ms: chance.below(20_000) }, times),
        11 => {
            let by = caller(usize::try_from(chance.below(8)).unwrap_or(0));
            (Fault::Glare { by, reverse: chance.below(2) == 0 }, times)
        }
        12 => (Fault::Slow { ms: chance.below(3_000) }, Times::Always),
        13 => (
            Fault::Split { bytes: 1 + usize::try_from(chance.below(8)).unwrap_or(0) },
            Times::Always,
        ),
        _ => (Fault::Unplugged, Times::Always),
    }
}

/// Everything is mended.
fn mend(world: &mut World) {
    let now = world.ms();
    let stations = (0..CALLERS).map(caller).chain(LINES.iter().map(|(name, _)| (*name).to_owned()));
    for station in stations {
        for fault in [
            Fault::Busy,
            Fault::NoAnswer,
            Fault::NoDialTone,
            Fault::Noise { per_million: 0 },
            Fault::DropAfter { ms: 0 },
            Fault::DropAfterBytes { bytes: 0 },
            Fault::Mute,
            Fault::IgnoresDtr,
            Fault::StuckDcd,
            Fault::Held { ms: 0 },
            Fault::Glare { by: String::new(), reverse: false },
            Fault::Slow { ms: 0 },
            Fault::Split { bytes: 1 },
            Fault::Unplugged,
        ] {
            world.at(now, Act::Fault(station.clone(), fault, Times::Never));
        }
        world.at(now, Act::GiveBack(station));
    }
    world.at(now, Act::StoreFails(false));
    world.at(now, Act::NoInterfaces(false));
}
