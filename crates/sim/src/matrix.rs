//! Every PPP caller of the field against every policy, on the whole server, over lines good and bad.
//!
//! ```text
//!   policy × caller ──► the outcome over a good line: one letter, exactly (a table in tests/matrix.rs)
//!                  └──► over a bad line: that outcome, or a refusal of which the journal tells the reason;
//!                       never another number, never more than one promise, never for ever
//! ```
//!
//! A run is one town: the office with its server, a caller, and a hotel. The number stored for the caller is
//! her own, the one that she gives is the hotel's, so that it shows whose number was called. She sits at both.

use std::collections::BTreeMap;
use std::time::Duration;

use calls::vocabulary::{Event, Leg};
use ppp::personality::Personality;

use crate::chance::Chance;
use crate::exchange::fault::{Fault, Times};
use crate::people::scripts::{be_called_back, dial, expect, send};
use crate::people::{PppCall, PppEnd, Step};
use crate::town::{Station, Town};
use crate::world::{Setup, World};

const OFFICE: &str = "5550100";
/// Stored for the caller.
const STORED: &str = "5550199";
/// What she gives.
const OWN: &str = "5550198";

/// Who calls: a program, or one that does not ask for callback at all.
#[must_use]
pub fn callers() -> Vec<Option<Personality>> {
    Personality::ALL.into_iter().map(Some).chain([None]).collect()
}

/// What `[[user]]` says of the caller's callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// There is no such user.
    Nobody,
    /// `offer = "none"`
    Nothing,
    /// `offer = "fixed"`
    Fixed,
    /// `offer = "fixed"`, and required.
    FixedRequired,
    /// `offer = ["none", "fixed"]`
    NoneOrFixed,
    /// `offer = "list"`
    List,
    /// `offer = "list"`, and required.
    ListRequired,
    /// `offer = ["none", "list"]`
    NoneOrList,
    /// `offer = "caller"`
    Own,
    /// `offer = "caller"`, and required.
    OwnRequired,
    /// `offer = ["none", "caller"]`
    NoneOrOwn,
    /// `offer = ["fixed", "caller"]`
    FixedOrOwn,
    /// `offer = ["fixed", "caller"]`, and required.
    FixedOrOwnRequired,
    /// `offer = ["none", "fixed", "caller"]`
    Any,
}

impl Policy {
    /// All of them, in the order of the table's columns.
    pub const ALL: [Self; 14] = [
        Self::Nobody,
        Self::Nothing,
        Self::Fixed,
        Self::FixedRequired,
        Self::NoneOrFixed,
        Self::List,
        Self::ListRequired,
        Self::NoneOrList,
        Self::Own,
        Self::OwnRequired,
        Self::NoneOrOwn,
        Self::FixedOrOwn,
        Self::FixedOrOwnRequired,
        Self::Any,
    ];

    fn user(self) -> Option<String> {
        let (offer, required) = match self {
            Self::Nobody => return None,
            Self::Nothing => ("\"none\"", false),
            Self::Fixed => ("\"fixed\"", false),
            Self::FixedRequired => ("\"fixed\"", true),
            Self::NoneOrFixed => ("[\"none\", \"fixed\"]", false),
            Self::List => ("\"list\"", false),
            Self::ListRequired => ("\"list\"", true),
            Self::NoneOrList => ("[\"none\", \"list\"]", false),
            Self::Own => ("\"caller\"", false),
            Self::OwnRequired => ("\"caller\"", true),
            Self::NoneOrOwn => ("[\"none\", \"caller\"]", false),
            Self::FixedOrOwn => ("[\"fixed\", \"caller\"]", false),
            Self::FixedOrOwnRequired => ("[\"fixed\", \"caller\"]", true),
            Self::Any => ("[\"none\", \"fixed\", \"caller\"]", false),
        };
        Some(format!(
            "[[user]]\nname = \"alice\"\ncallback = {{ numbers = [\"{STORED}\"], offer = {offer}, required = {required} }}\n"
        ))
    }

    /// How long the callback phase may last: a minute where nobody has to type, three where somebody does
    /// (two rounds of unprompted Acks and the farewell included).
    const fn callback_time(self) -> Duration {
        match self {
            Self::Nobody
            | Self::Nothing
            | Self::Fixed
            | Self::FixedRequired
            | Self::NoneOrFixed => Duration::from_secs(40),
            Self::List
            | Self::ListRequired
            | Self::NoneOrList
            | Self::Own
            | Self::OwnRequired
            | Self::NoneOrOwn
            | Self::FixedOrOwn
            | Self::FixedOrOwnRequired
            | Self::Any => Duration::from_secs(180),
        }
    }
}

/// How a first call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// She is called back at the stored number.
    Stored,
    /// She is called back at the number that she gave.
    Own,
    /// She is let in without a callback.
    Stays,
    /// She is not let in, or no callback is agreed on.
    SentAway,
    /// She, or the line, ends the call.
    Leaves,
}

impl Outcome {
    /// The letter in the table.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Stored => 's',
            Self::Own => 'o',
            Self::Stays => '-',
            Self::SentAway => 'x',
            Self::Leaves => 'q',
        }
    }
}

/// What the line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Nothing.
    Good,
    /// It loses and doubles a few pieces, damages a few bytes, and is late.
    Poor,
    /// The same, and worse.
    Bad,
}

impl Line {
    fn faults(self) -> Vec<Fault> {
        let (lost, per_million, ms) = match self {
            Self::Good => return Vec::new(),
            Self::Poor => (5, 500, 150),
            Self::Bad => (20, 2_000, 700),
        };
        vec![Fault::Lossy { lost, doubled: lost }, Fault::Noise { per_million }, Fault::Slow { ms }]
    }

    /// How often a line may make both sides begin anew before somebody gives up: each time all phases run
    /// again.
    const fn rounds(self) -> u32 {
        match self {
            Self::Good => 1,
            Self::Poor | Self::Bad => 3,
        }
    }
}

/// What came of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// How the first call ended.
    pub outcome: Outcome,
    /// Whether she was reached by the second.
    pub reached: bool,
    /// Whether she proved her name again on it.
    pub proved_again: bool,
    /// How long the first call was online, in ms.
    pub online_ms: u64,
}

/// One run.
///
/// # Errors
/// What went wrong: everything that the run was about, the seed, the last lines of journal and log.
pub fn run(
    policy: Policy,
    caller: Option<Personality>,
    line: Line,
    seed: u64,
) -> Result<Run, String> {
    let about = format!("{policy:?}, {caller:?}, {line:?} line, seed {seed}");
    let mut world = world(policy, line, seed).map_err(|faults| format!("{about}: {faults}"))?;
    world.run_until(2_000);
    world.begin("hotel", at_the_hotel(caller));
    world.begin("alice", at_home(caller));
    // Patience of both stations and of the promise, twice over.
    let quiet = world.run_to_quiet(3_600_000);
    let found =
        if quiet { judge(&world, policy, line) } else { Err("it comes to no end".to_owned()) };
    found
        .and_then(|run| match world.watch().violations() {
            [] => Ok(run),
            [first, ..] => Err(first.clone()),
        })
        .map_err(|why| format!("{about}: {why}\n{}", world.tail()))
}

/// What many runs came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Runs.
    pub runs: usize,
    /// Those that ended as over a good line.
    pub as_wanted: usize,
    /// Those that ended in a callback.
    pub called_back: usize,
}

/// Each caller and each policy over a poor and a bad line, with this seed. Each ends as over a good line, or
/// is refused, or the caller leaves.
///
/// # Errors
/// What went wrong, with everything that the run was about.
pub fn round(seed: u64) -> Result<Summary, String> {
    let mut summary = Summary::default();
    for caller in callers() {
        for policy in Policy::ALL {
            let wanted = run(policy, caller, Line::Good, seed)?.outcome;
            for line in [Line::Poor, Line::Bad] {
                let Run { outcome, .. } = run(policy, caller, line, seed)?;
                if outcome != wanted && !matches!(outcome, Outcome::SentAway | Outcome::Leaves) {
                    return Err(format!(
                        "{policy:?}, {caller:?}, {line:?} line, seed {seed}: {outcome:?}, and {wanted:?} over a good one"
                    ));
                }
                summary.runs += 1;
                summary.as_wanted += usize::from(outcome == wanted);
                summary.called_back +=
                    usize::from(matches!(outcome, Outcome::Stored | Outcome::Own));
            }
        }
    }
    Ok(summary)
}

impl std::ops::AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.as_wanted += other.as_wanted;
        self.called_back += other.called_back;
    }
}

fn world(policy: Policy, line: Line, seed: u64) -> Result<World, String> {
    let mut chance = Chance::new(seed);
    let config = format!(
        "[server]\nlogin_config = \"/etc/dialback/login.config\"\n\n[callback]\nline = \"same\"\ndelay = \"2s\"\n\
         jitter = \"0s\"\ntries = 2\nretry = \"15s\"\nmax_time = \"3m\"\n\
         caller_numbers = {{ allow = [\"555*\"] }}\n\n[ppp]\nsecrets = \"chap-secrets\"\n\n{}\n\
         [[line]]\nname = \"office\"\nport = \"sim:office\"\nspeed = 115200\nnumber = \"{OFFICE}\"\nrings = 1\n\
         hold_time = \"1s\"\nmodem = {{ init = [\"ATZ\", \"AT&C1&D2S0=0\"], dial_prefix = \"ATDT\", dtr_hangup = true }}\n",
        policy.user().unwrap_or_default()
    );
    let mut town = Town::of([
        Station::modem("office", OFFICE),
        Station::modem("alice", STORED),
        Station::modem("hotel", OWN),
    ]);
    for station in &mut town.stations {
        station.faults = line.faults().into_iter().map(|fault| (fault, Times::Always)).collect();
    }
    World::new(Setup {
        town,
        config,
        login_config: "/AutoPPP/ - - /usr/sbin/dialback-ppp\n* - - /bin/login @\n".to_owned(),
        seed: chance.next(),
        control_lines: true,
        store_delay: Duration::from_millis(chance.below(60)),
        programs: BTreeMap::new(),
    })
}

fn talk(caller: Option<Personality>, ends: PppEnd) -> Step {
    Step::Ppp(Box::new(PppCall {
        personality: caller,
        number: Some(OWN.to_owned()),
        option13: None,
        name: "alice".to_owned(),
        password: "s3cret".to_owned(),
        ends,
    }))
}

/// Who answers the second call. pppd, ipppd and FreeBSD's ppp are started anew for it, without the option;
/// Windows asks for callback every time.
const fn returning(caller: Option<Personality>) -> Option<Personality> {
    match caller {
        None
        | Some(
            Personality::Pppd | Personality::OldPppd | Personality::Ipppd | Personality::FreeBsd,
        ) => None,
        Some(
            Personality::Standard
            | Personality::Windows
            | Personality::WindowsEscape
            | Personality::Windows95,
        ) => caller,
    }
}

/// She calls; if she hopes to be called back she stays at the telephone.
fn at_home(caller: Option<Personality>) -> Vec<Step> {
    let mut steps = dial(OFFICE);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.push(talk(caller, PppEnd::CalledBack));
    steps.extend(be_called_back("ATA"));
    steps.push(talk(returning(caller), PppEnd::LetIn));
    steps
}

/// Whoever rings there is answered.
fn at_the_hotel(caller: Option<Personality>) -> Vec<Step> {
    vec![
        Step::Dtr(true),
        send("ATZ\r"),
        expect("OK", 5),
        expect("RING", 600),
        send("ATA\r"),
        expect("CONNECT", 90),
        talk(returning(caller), PppEnd::LetIn),
    ]
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a judge looks at the events of a callback only"
)]
/// What the journal says; everything in it that must not be is an error.
fn judge(world: &World, policy: Policy, line: Line) -> Result<Run, String> {
    let mut promised = None;
    let mut withdrawn = false;
    let mut first_end = None;
    let mut link = String::new();
    let mut run =
        Run { outcome: Outcome::Leaves, reached: false, proved_again: false, online_ms: 0 };
    for entry in world.journal() {
        match &entry.event {
            Event::Promised(made) => {
                if promised.is_some() && !withdrawn {
                    return Err("promised twice".to_owned());
                }
                (promised, withdrawn) = (Some(made.clone()), false);
            }
            Event::Withdrawn { .. } => withdrawn = true,
            Event::Dialled { number, .. } => {
                let Some(end) = first_end else { return Err("dialled too early".to_owned()) };
                if promised.as_ref().is_none_or(|made| !made.numbers.contains(number)) {
                    return Err(format!("{number} was called and not promised"));
                }
                let waited = entry.at.unix_ms.saturating_sub(end);
                if run.outcome == Outcome::Leaves && !(1_900..=63_000).contains(&waited) {
                    return Err(format!("called {waited} ms after the line was down"));
                }
                run.outcome = if number == OWN { Outcome::Own } else { Outcome::Stored };
            }
            Event::LinkEnded { why, .. } if first_end.is_none() => link.clone_from(why),
            Event::Proved { .. } if first_end.is_some() => run.proved_again = true,
            Event::Kept { .. } => run.reached = true,
            Event::Ended(ended) if ended.leg == Leg::Request && first_end.is_none() => {
                first_end = Some(entry.at.unix_ms);
                run.online_ms = ended.online_ms;
            }
            _ => {}
        }
    }
    if first_end.is_none() {
        return Err("no call came in".to_owned());
    }
    if matches!(run.outcome, Outcome::Leaves) {
        run.outcome = refusal(&link)?;
        if promised.is_some() && !withdrawn {
            return Err(format!("promised, and neither called nor withdrawn: {link}"));
        }
    }
    // LCP 30 s, authentication 30 s, the callback phase, the Ack's and the Terminate-Request's repetitions and
    // the time that RFC 1661 wants the line kept.
    let most = (policy.callback_time() + Duration::from_secs(30 + 30 + 10 + 6 + 5)) * line.rounds();
    if u128::from(run.online_ms) > most.as_millis() {
        return Err(format!("the call took {} ms, more than {most:?}", run.online_ms));
    }
    Ok(run)
}

/// What a link's end without a callback was; one that is no refusal is an error.
fn refusal(why: &str) -> Result<Outcome, String> {
    const STAYS: [&str; 1] = ["there is no IP on this line"];
    const SENT_AWAY: [&str; 8] = [
        "alice must be called back, but",
        "callback came to nothing",
        "the peer does not answer",
        "the peer stopped answering",
        "the peer's negotiation comes to no end",
        "the peer will not prove its name",
        "the peer did not prove its name in time",
        "no callback: the caller did not end the call",
    ];
    const LEAVES: [&str; 3] = ["the peer ended it", "the line was lost", "alice was refused"];
    let begins = |list: &[&str]| list.iter().any(|begin| why.starts_with(begin));
    if begins(&STAYS) {
        Ok(Outcome::Stays)
    } else if begins(&SENT_AWAY) {
        Ok(Outcome::SentAway)
    } else if begins(&LEAVES) || why.is_empty() {
        Ok(Outcome::Leaves)
    } else {
        Err(format!("an end that nobody expected: {why:?}"))
    }
}
