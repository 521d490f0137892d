//! The usual town of the stories, and how they are checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use dialback_sim::people::scripts::chat;
use dialback_sim::people::{Outcome, Step};
use dialback_sim::town::{Station, Town};
use dialback_sim::world::{ProgramKind, Setup, World};

pub(crate) const OFFICE: &str = "5550100";
pub(crate) const SECOND: &str = "5550101";
pub(crate) const ALICE: &str = "5550199";
pub(crate) const BOB: &str = "5550198";

pub(crate) const LOGIN_CONFIG: &str = "\
cback - - /usr/sbin/callback -S
mary - - /usr/sbin/callback -S 5550199
other - - /usr/sbin/callback
group - - /usr/sbin/callback -l office:second
ends - - /bin/false
stubborn - - /bin/stubborn @
* - - /bin/login @
";

/// Two lines; `callback` is added to that section.
pub(crate) fn config(callback: &str) -> String {
    let mut text = format!(
        "[server]\nlogin_config = \"/etc/dialback/login.config\"\n\n[callback]\ndelay = \"5s\"\njitter = \"2s\"\n\
         caller_numbers = {{ allow = [\"555*\"], deny = [\"5550666\"] }}\n{callback}\n"
    );
    for (name, number) in [("office", OFFICE), ("second", SECOND)] {
        text.push_str(&format!(
            "\n[[line]]\nname = \"{name}\"\nport = \"sim:{name}\"\nspeed = 115200\nnumber = \"{number}\"\n\
             direction = \"both\"\ngroup = [\"public\"]\nrings = 1\nhold_time = \"3s\"\n\
             modem = {{ init = [\"ATZ\", \"AT&C1&D2S0=0\"], dial_prefix = \"ATDT\", dtr_hangup = true }}\n"
        ));
    }
    text
}

pub(crate) fn town() -> Town {
    Town::of([
        Station::modem("office", OFFICE),
        Station::modem("second", SECOND),
        Station::modem("alice", ALICE),
        Station::modem("bob", BOB),
    ])
}

pub(crate) fn setup() -> Setup {
    Setup {
        town: town(),
        config: config(""),
        login_config: LOGIN_CONFIG.to_owned(),
        seed: 1,
        control_lines: true,
        store_delay: Duration::from_millis(5),
        programs: BTreeMap::from([
            (PathBuf::from("/bin/false"), ProgramKind::EndsAtOnce(1)),
            (PathBuf::from("/bin/stubborn"), ProgramKind::Stubborn),
        ]),
    }
}

/// A world two seconds after its beginning: the modems are set up.
pub(crate) fn world(setup: Setup) -> World {
    let mut world = World::new(setup).unwrap();
    world.run_until(2_000);
    world
}

/// Lets somebody do something and everything come to rest; no invariant may be violated.
pub(crate) fn tell(world: &mut World, station: &str, steps: Vec<Step>) {
    world.begin(station, steps);
    rest(world);
}

/// Everything comes to rest within an hour.
pub(crate) fn rest(world: &mut World) {
    let end = world.ms() + 3_600_000;
    let quiet = world.run_to_quiet(end);
    assert!(quiet && world.watch().violations().is_empty(), "{}", world.tail());
}

pub(crate) fn is_done(world: &World, station: &str) {
    let outcome = world.outcome(station);
    assert_eq!(outcome, Some(&Outcome::Done), "{}\n{}", world.screen(station), world.tail());
}

/// Whether a line of the story has all of these words.
fn has(line: &str, words: &str) -> bool {
    words.split(' ').all(|word| line.split(' ').any(|other| other == word))
}

/// The journal has lines with all of these words, in this order.
pub(crate) fn journal_has(world: &World, wanted: &[&str]) {
    let story = world.story();
    let mut lines = story.lines();
    for words in wanted {
        let found = lines.any(|line| has(line, words));
        assert!(found, "no {words:?} in its place:\n{}", world.tail());
    }
}

/// How many lines of the journal have all of these words.
pub(crate) fn count(world: &World, words: &str) -> usize {
    world.story().lines().filter(|line| has(line, words)).count()
}

/// When the journal first has all of these words, in milliseconds.
pub(crate) fn when(world: &World, words: &str) -> u64 {
    let story = world.story();
    let line = story.lines().find(|line| has(line, words));
    let time = line.and_then(|line| line.split_whitespace().next()).unwrap();
    time.replace('.', "").parse().unwrap()
}

/// Runs until the journal has these words.
pub(crate) fn until(world: &mut World, words: &str) {
    while count(world, words) == 0 {
        let next = world.ms() + 10;
        world.run_until(next);
        assert!(next < 600_000 && world.watch().violations().is_empty(), "{}", world.tail());
    }
}

/// Every instant at which something happens in a whole callback, and one every `step` milliseconds in between: while
/// bytes are on the line, digits are dialled, modems train.
pub(crate) fn instants(step: usize) -> Vec<u64> {
    let mut whole = world(setup());
    tell(&mut whole, "alice", chat(OFFICE, "cback", Some(ALICE), "al"));
    is_done(&whole, "alice");
    let begin = whole.journal()[0].at.unix_ms;
    let journal =
        whole.journal().iter().map(|entry| u64::try_from(entry.at.unix_ms - begin).unwrap());
    let town = whole.log().iter().map(|logged| logged.at.as_millis());
    let between = (2_000..whole.ms()).step_by(step);
    let all: BTreeSet<u64> = journal.chain(town).chain(between).collect();
    all.into_iter().collect()
}
