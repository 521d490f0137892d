//! The configuration as the core sees it: one immutable value, every name resolved, every number parsed.
//!
//! Text becomes this value in `load` (dialback.toml), `login_config` and `dialin_config`; whatever is wrong
//! is a diagnostic with file, line, column and cure, and then there is no value. This file only says what
//! there is to configure. It reads no files: their text is handed in.

mod at_commands;
mod callback_entry;
pub mod capture;
mod check;
mod check_callbacks;
mod decode;
pub mod dialin_config;
mod keys;
mod lines;
pub mod load;
pub mod login_config;
pub mod login_entry;
mod modem;
pub mod network;
pub mod ppp;
pub mod reference;
pub mod relay;
pub mod secrets;
mod sections;
mod site;
#[cfg(test)]
mod tests;
pub mod user;
mod users;
mod values;
pub mod web;
pub mod window;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proto::at::profile::Profile;
use proto::dial::{DialFault, DialPrefix, PhoneNumber};

use crate::money::{DayBudget, Tariff};
use crate::policy::numbering::{DialPlan, Site};

pub use at_commands::init_commands;
pub use user::{User, Users};
pub use values::{parse_duration, parse_port};

/// Everything that is configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// Places and names.
    pub server: Server,
    /// Where the journal's end is told to the outside.
    pub audit: Audit,
    /// The dashboard.
    pub web: web::Web,
    /// The prompt and what surrounds it.
    pub login: Login,
    /// How callers are called back.
    pub callback: Callback,
    /// The built-in PPP, if it is served.
    pub ppp: Option<ppp::Ppp>,
    /// Where the lines are.
    pub site: Arc<Site>,
    /// What money is counted in, for people.
    pub currency: String,
    /// What return calls cost.
    pub tariffs: Vec<Tariff>,
    /// What those of a day may cost.
    pub budgets: Vec<DayBudget>,
    /// Those whose names are more than entries of login.config.
    pub users: Users,
    /// The lines, in file order.
    pub lines: Vec<Line>,
    /// login.config, in file order: the first entry that matches wins.
    pub entries: Vec<LoginEntry>,
    /// dialin.config: which callers are answered. Empty: all.
    pub screening: Vec<ScreeningWord>,
}

/// `[server]`
#[derive(Clone, Debug)]
pub struct Server {
    /// Where the journal lives.
    pub state_dir: PathBuf,
    /// The control socket.
    pub control: PathBuf,
    /// login.config's path.
    pub login_config: PathBuf,
    /// dialin.config's path, if callers are screened.
    pub dialin_config: Option<PathBuf>,
    /// Directory of UUCP lock files.
    pub lock_dir: PathBuf,
    /// The file with more users, if there is one.
    pub users: Option<PathBuf>,
    /// The zone of windows and dates that name none; `None`: the system's.
    pub time_zone: Option<window::Zone>,
    /// Whether telephone numbers stand whole in the log.
    pub log_numbers: bool,
    /// The name that `@` stands for in prompts.
    pub host: String,
    /// What the other escapes of the issue text stand for. Not a key: the system tells.
    pub system: System,
    /// How long calls may go on after SIGTERM.
    pub stop_grace: Duration,
    /// How long a program may live on after SIGHUP before SIGKILL.
    pub kill_grace: Duration,
    /// Whom the server becomes once it needs root no more.
    pub user: String,
}

/// `[audit]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// The file that anchors are appended to.
    pub anchor_file: Option<PathBuf>,
    /// Whether the system's log is told.
    pub anchor_syslog: bool,
    /// How often.
    pub anchor_every: Duration,
}

/// The operating system, as uname(2) tells. What is not known is left empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// Its name (`\s`): `Linux`.
    pub name: String,
    /// The machine (`\m`): `x86_64`.
    pub machine: String,
    /// The kernel's release (`\R`).
    pub release: String,
    /// The kernel's version (`\V`).
    pub version: String,
}

/// `[login]`
#[derive(Clone, Debug)]
pub struct Login {
    /// The issue text (not its path), shown before the prompt, with mgetty's escapes.
    pub issue: String,
    /// The prompt, with mgetty's escapes.
    pub prompt: String,
    /// How long a caller may take to give his name, from the prompt on.
    pub time_limit: Duration,
    /// How long the line must be quiet after CONNECT before we speak.
    pub quiet: Duration,
    /// Empty names before we hang up.
    pub empty_limit: u32,
    /// Whether the login name of a terminal that has capitals only is taken as lower case.
    pub fold_capitals: bool,
    /// Value of TERM for programs.
    pub term: String,
    /// Whether nothing is said to who comes in until he has typed something.
    pub silent: bool,
    /// How long a caller may take to give a number.
    pub number_time_limit: Duration,
}

/// `[callback]`
#[derive(Clone, Debug)]
pub struct Callback {
    /// Which line calls back, unless an entry's `-S` or `-l` says otherwise.
    pub line: ReturnLine,
    /// Wait after the line went down, at least.
    pub delay: Duration,
    /// Plus a random part of up to this.
    pub jitter: Duration,
    /// Whether the line that the caller came in on may call back.
    pub same_line: SameLine,
    /// A CONNECT sooner than this after the time of dialling is not believed; zero: every one is.
    pub soonest_connect: Duration,
    /// Whether everybody who comes in is asked for a proof, and not only who wants a callback.
    pub uniform: bool,
    /// From an answer to a question for a proof to what is said about it.
    pub answer_after: Duration,
    /// Whether that becomes longer where somebody guesses.
    pub slow_guesses: bool,
    /// What whoever answers a return call has to know, unless his user says otherwise.
    pub return_proof: ReturnProof,
    /// How often he may be wrong.
    pub return_tries: u32,
    /// How long he may take.
    pub return_time: Duration,
    /// A number at which strangers have answered so often in a row is not called; 0: any number of them.
    pub quarantine_after: u32,
    /// For so long after the last of them.
    pub quarantine_for: Duration,
    /// How often each promise is tried at most.
    pub tries: u32,
    /// Wait between tries.
    pub retry: Duration,
    /// A promise expires this long after it was made.
    pub max_time: Duration,
    /// How many promises may be open for one user at once.
    pub per_user: u32,
    /// How many promises may be open at once in all.
    pub in_all: u32,
    /// How many free lines are kept for callers.
    pub reserve_incoming: u32,
    /// How many calls in an hour are answered from a number that we have dialled; 0: any number.
    pub loop_limit: u32,
    /// What proves a name that asks for a callback at the prompt.
    pub authenticate: Authenticate,
    /// What a caller may type.
    pub caller_numbers: NumberPatterns,
}

/// What whoever answers a return call has to know before he is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnProof {
    /// A name that may be used there.
    Name,
    /// And the code that the caller was shown on the request leg.
    Code,
    /// And the one-time code of the user's generator.
    Totp,
}

impl ReturnProof {
    /// As it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Code => "code",
            Self::Totp => "totp",
        }
    }
}

/// Whether the line that the caller came in on, and may still hold, may call back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameLine {
    /// If its hold time was measured.
    Qualified,
    /// If its hold time is known; else if there is no other line, after the worst hold time.
    Wait,
    /// No.
    Never,
}

/// What proves a name that asks for a callback at the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authenticate {
    /// Nothing: the name is all.
    Nothing,
    /// The user's password.
    Password,
    /// A one-time code.
    Code,
    /// Both.
    PasswordAndCode,
}

impl Authenticate {
    /// Whether the password is asked for.
    #[must_use]
    pub const fn wants_password(self) -> bool {
        match self {
            Self::Password | Self::PasswordAndCode => true,
            Self::Nothing | Self::Code => false,
        }
    }

    /// Whether a one-time code is asked for.
    #[must_use]
    pub const fn wants_code(self) -> bool {
        match self {
            Self::Code | Self::PasswordAndCode => true,
            Self::Nothing | Self::Password => false,
        }
    }

    /// As it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Password => "password",
            Self::Code => "totp",
            Self::PasswordAndCode => "password+totp",
        }
    }
}

/// Which line makes the return call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReturnLine {
    /// The one that the caller came in on.
    Same,
    /// Any other that may originate.
    Other,
    /// These, in order (`-l`).
    Lines(Vec<String>),
    /// A hunt group.
    Group(String),
}

/// Which numbers are allowed: those that match `allow` and not `deny`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberPatterns {
    /// Patterns of digits with `*` at the end (`"555*"`, `"*"`).
    pub allow: Vec<String>,
    /// The same; wins over `allow`.
    pub deny: Vec<String>,
}

/// `[[line]]`
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// The byte path to its modem.
    pub port: PortSpec,
    /// Port speed (bit/s).
    pub speed: u32,
    /// Hardware flow control (RTS/CTS).
    pub hardware_flow: bool,
    /// Its own telephone number, if known: never dialled.
    pub number: Option<PhoneNumber>,
    /// What it may be used for.
    pub direction: Direction,
    /// Hunt groups it belongs to.
    pub groups: Vec<String>,
    /// RINGs before we answer.
    pub rings: u32,
    /// The modem on it.
    pub modem: Modem,
    /// How long the exchange may hold the called side after we hang up: no dialling before that.
    pub hold_time: Duration,
    /// How that is known.
    pub hold_by: HoldBy,
    /// And not before a random part of up to this on top of it.
    pub hold_jitter: Duration,
    /// A CONNECT sooner than this after the time of dialling is not believed; zero: every one is.
    pub soonest_connect: Duration,
    /// What meets somebody who calls it.
    pub service: LineService,
    /// Who carries the packets of PPP callers on it; `None`: as `[ppp]` says.
    pub backend: Option<network::Backend>,
    /// How it dials; `None` where the site has no country.
    pub dial_plan: Option<DialPlan>,
}

/// What meets somebody who calls a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineService {
    /// The login prompt.
    Login,
    /// PPP at once.
    Ppp,
}

/// How a line's hold time is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldBy {
    /// The configuration says it.
    Written,
    /// Calls between our own lines have shown it.
    Measured,
    /// It is not: the worst that exchanges are known for is assumed ([`WORST_HOLD`]).
    Unknown,
}

/// The longest that an exchange is known to hold a called line: British ones held it for two to three minutes
/// until 2014. With a margin.
pub const WORST_HOLD: Duration = Duration::from_secs(200);

/// The byte path to a modem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortSpec {
    /// A local tty or pty.
    Tty(PathBuf),
    /// `rfc2217://host:port`
    Rfc2217 {
        /// Host name or address.
        host: String,
        /// TCP port.
        tcp_port: u16,
    },
    /// `tcp://host:port`
    Tcp {
        /// Host name or address.
        host: String,
        /// TCP port.
        tcp_port: u16,
    },
    /// `sim:name`: a modem of the embedded exchange.
    Sim(String),
}

/// What a line may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Calls come in.
    Answer,
    /// Calls go out.
    Originate,
    /// Either.
    Both,
}

/// `modem = { ... }`
#[derive(Clone, Debug)]
pub struct Modem {
    /// Its family: what has no key of its own (pauses, meaning of CONNECT's number) is taken from there.
    pub profile: &'static Profile,
    /// Commands that set it up, each answered by OK.
    pub init: Vec<String>,
    /// Commands that follow, which it may refuse. Those of its family; none where `init` is written.
    pub wishes: Vec<String>,
    /// The command that answers a call.
    pub answer: String,
    /// It dials without waiting for dial tone (`X0`, `X1`, `X3`, and no `W` in `dial_prefix`).
    pub blind: bool,
    /// The dial command up to the number.
    pub dial_prefix: DialPrefix,
    /// What a leading `+` of a number becomes (`00`, `+` for SIM modems); without it such numbers are refused.
    pub international_prefix: Option<String>,
    /// Whether dropping DTR hangs up (`&D2`); otherwise `+++ATH` does.
    pub dtr_hangup: bool,
    /// Whether the registers that matter are written behind every set-up, and read back.
    pub read_back: bool,
    /// Silence around `+++` (register S12, in fiftieths of a second: 50 is 1 s).
    pub guard: Duration,
    /// From ATA to CONNECT at most.
    pub answer_time: Duration,
    /// From ATD to a result at most.
    pub dial_time: Duration,
    /// For any other command.
    pub command_time: Duration,
    /// An idle modem is asked `AT` this often whether it still lives.
    pub check_every: Duration,
}

/// One line of login.config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginEntry {
    /// Line number in the file, from 1: how the journal names the entry (`login.config:14`).
    pub line_number: u32,
    /// Which names it takes.
    pub pattern: NamePattern,
    /// The callback column of version 2.
    pub when: When,
    /// Whose rights the program gets; `None` (`-`) stays root.
    pub user: Option<String>,
    /// utmp: `None` for `-`.
    pub utmp: Option<Word>,
    /// What to do.
    pub action: Action,
}

/// Which names an entry takes. Case matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamePattern {
    /// This name alone (also `/AutoPPP/` and `/FIDO/`).
    Exact(String),
    /// `abc*`
    Prefix(String),
    /// `*abc`
    Suffix(String),
    /// `*abc*`
    Contains(String),
    /// `*`
    Any,
}

/// On which calls an entry counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// On every call.
    Always,
    /// `Y`: on return calls only.
    OnReturn,
    /// `N`: on calls that came in only.
    OnRequest,
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Run a program on the line.
    Program {
        /// Absolute path.
        path: PathBuf,
        /// Arguments after `argv[0]`.
        args: Vec<Word>,
    },
    /// Our own callback, in place of a program named `callback`.
    Callback {
        /// `-S`, `-l`; `None`: as `[callback]` says.
        line: Option<ReturnLine>,
        /// Fixed numbers in order of trial; empty: the caller is asked.
        numbers: Vec<PhoneNumber>,
        /// `-m`: init commands in place of the line's own.
        init: Vec<String>,
        /// `-s`: port speed in place of the line's own.
        speed: Option<u32>,
    },
    /// Our own PPP engine, in place of a program named `dialback-ppp`.
    Ppp,
}

/// A word of an entry's arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// As it stands.
    Text(String),
    /// `@`: the name that was given.
    Name,
    /// `\I`: the CONNECT text.
    Connect,
    /// `\Y`: the caller ID.
    CallerId,
}

/// One word of dialin.config, in file order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreeningWord {
    /// `!`: reject instead of accept.
    pub reject: bool,
    /// A prefix of the caller's number, or `all`, or `none`.
    pub prefix: String,
    /// Where it stands, for the rule's name: `dialin.config:3`.
    pub line_number: u32,
}

impl Modem {
    /// A modem of this family, as its profile describes it and with the defaults of the rest.
    ///
    /// # Errors
    /// The profile's dial prefix is none; the tests of the table see to it that this does not happen.
    pub fn of(profile: &'static Profile) -> Result<Self, DialFault> {
        modem::of(profile)
    }
}

impl Config {
    /// The user with this name, or this other name.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.named(name)
    }

    /// The hunt groups: the lines of each, by index into `lines`, in file order.
    #[must_use]
    pub fn groups(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, line) in self.lines.iter().enumerate() {
            for group in &line.groups {
                groups.entry(group).or_default().push(index);
            }
        }
        groups
    }
}
