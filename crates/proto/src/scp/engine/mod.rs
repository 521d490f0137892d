//! Running a script on a line.
//!
//! ```text
//!                 ┌──────────────────────────── next step ───────────────────────────┐
//!                 ▼                                                                  │
//!   new ──► Running ──waitfor──► Waiting ──found, or until has passed────────────────┤
//!             │  ▲ ──getip────► Reading ──an address is complete─────────────────────┤
//!             │  │ ──delay────► Delaying ──time has passed───────────────────────────┘
//!             │  └─tick─ budget of the turn used up
//!             ▼
//!           Ended: ppp, halt, a run-time fault; from every state also: line lost, time limit
//! ```
//!
//! Steps that do not wait are carried out at once, but only so many in a turn: a script that loops for ever yields,
//! asks to be ticked again at once, and meets its time limit. Input is kept until a wait has used it up, because a
//! wait that found nothing leaves it to the next one; beyond [`MAX_UNREAD`] the oldest bytes go.
//!
//! The engine does not know what the line is, nor what comes after the script.

mod address;
mod search;
mod step;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use self::address::AddressReader;
use self::search::Search;
use super::code::Program;
use super::fault::Span;
use super::syntax::PortSetting;
use crate::time::{Deadline, Instant};

/// Input that no wait has used up yet. It is what a 115200 bit/s line brings in five seconds, far more than any login
/// prints; a peer that sends more loses its oldest bytes, not our memory.
pub const MAX_UNREAD: usize = 64 * 1024;

/// The longest string that a script may make, so that doubling one in a loop ends in a fault and not in all of the
/// memory.
pub const MAX_TEXT: usize = 64 * 1024;

/// The steps of a turn. A login script has some dozens between two waits; a loop that counts to a thousand a few
/// thousand; so many take about a millisecond.
const TURN: usize = 10_000;

/// Bytes of text that cost as much as a step.
const BYTES_A_STEP: usize = 64;

/// Bytes to be sent that nobody has fetched: no more steps until somebody does.
const MAX_UNSENT: usize = 64 * 1024;

/// Who logs in. Wiped when the script has ended.
#[derive(Clone, Default)]
pub struct Login {
    user_id: Zeroizing<Vec<u8>>,
    password: Zeroizing<Vec<u8>>,
}

impl Login {
    /// The values of `$USERID` and `$PASSWORD`, any bytes.
    #[must_use]
    pub fn new(user_id: Vec<u8>, password: Vec<u8>) -> Self {
        Self { user_id: Zeroizing::new(user_id), password: Zeroizing::new(password) }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

/// Something to be done or to be told, and the line of the script that it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The line, counted from 1.
    pub line: usize,
    /// The word of the statement, or the operator.
    pub span: Span,
    /// What.
    pub act: Act,
}

/// What a script wants done, or what has become of it. They are to be carried out in order.
#[derive(Clone, PartialEq, Eq)]
pub enum Act {
    /// Send these bytes. They may be a password.
    Send(Zeroizing<Vec<u8>>),
    /// Set the port so, at once and for the rest of the session.
    SetPort(PortSetting),
    /// Let the user type into the terminal window, or not.
    SetKeyboard(bool),
    /// Use this address for the session: four numbers up to 255 with dots, written as the script had them.
    SetAddress(String),
    /// A `waitfor` begins to wait. Told so that a watcher can say what is waited for.
    WaitsFor {
        /// The strings, sequences interpreted.
        texts: Vec<Vec<u8>>,
        /// For how long; `None` is for ever.
        until: Option<Duration>,
    },
    /// A `waitfor` has found one of its strings, the one with this index.
    Found(usize),
    /// The time of a `waitfor` has passed.
    NotFound,
    /// A `getip` has read this address.
    Read(String),
    /// The script has ended; nothing follows.
    Ended(Outcome),
}

/// Text that may be a secret is shown as its length.
impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(bytes) => write!(f, "Send({} bytes)", bytes.len()),
            Self::SetPort(setting) => f.debug_tuple("SetPort").field(setting).finish(),
            Self::SetKeyboard(on) => f.debug_tuple("SetKeyboard").field(on).finish(),
            Self::SetAddress(address) => f.debug_tuple("SetAddress").field(address).finish(),
            Self::WaitsFor { texts, until } => {
                write!(f, "WaitsFor({} strings, until {until:?})", texts.len())
            }
            Self::Found(case) => f.debug_tuple("Found").field(case).finish(),
            Self::NotFound => f.write_str("NotFound"),
            Self::Read(address) => f.debug_tuple("Read").field(address).finish(),
            Self::Ended(outcome) => f.debug_tuple("Ended").field(outcome).finish(),
        }
    }
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It came to its `endproc`: PPP begins.
    Ppp,
    /// `halt`: the user goes on by hand.
    Halted,
    /// The line was lost.
    HungUp,
    /// The time limit for the whole script has passed.
    Limit,
    /// A step could not be carried out.
    Failed(RunFault),
}

/// Why a step could not be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFault {
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// How to mend it.
    pub cure: &'static str,
}

/// A value on the stack or in a variable. A string may be the password, so all of them are wiped.
#[derive(Clone)]
enum Value {
    Integer(i32),
    Boolean(bool),
    Text(Zeroizing<Vec<u8>>),
}

#[derive(Debug)]
enum State {
    /// More steps can be made as soon as somebody ticks.
    Running,
    Waiting {
        search: Box<Search>,
        until: Option<Instant>,
    },
    Reading(AddressReader),
    Delaying {
        until: Instant,
    },
    Ended,
}

/// A script that runs.
pub struct Engine {
    program: Program,
    login: Login,
    /// When the time limit is over.
    limit: Option<Instant>,
    state: State,
    /// The next step.
    next: usize,
    stack: Vec<Value>,
    variables: Vec<Value>,
    /// `$SUCCESS`.
    success: bool,
    /// Bits a character; below eight the highest one is not the peer's.
    seven_bits: bool,
    /// What has come and is not used up; at most [`MAX_UNREAD`].
    unread: VecDeque<u8>,
    outputs: VecDeque<Output>,
    /// Bytes in `outputs`.
    unsent: usize,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Variables may hold the password.
        f.debug_struct("Engine")
            .field("state", &self.state)
            .field("line", &self.line())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Begins to run `program`; with a `limit` it ends after that time, wherever it is then.
    #[must_use]
    pub fn new(program: Program, login: Login, limit: Option<Duration>, now: Instant) -> Self {
        let variables = program.variables.iter().map(|_| Value::Boolean(false)).collect();
        let mut engine = Self {
            program,
            login,
            limit: limit.map(|limit| now + limit),
            state: State::Running,
            next: 0,
            stack: Vec::new(),
            variables,
            success: true,
            seven_bits: false,
            unread: VecDeque::new(),
            outputs: VecDeque::new(),
            unsent: 0,
        };
        engine.run(now);
        engine
    }

    /// Takes what came from the line. No time passes by it: bytes that were there in time count even if a deadline
    /// has passed meanwhile; `tick` is what lets deadlines pass.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        // What is beyond the limit now would go anyway, but only after it had been looked at.
        for piece in bytes.chunks(MAX_UNREAD / 2) {
            let surplus = (self.unread.len() + piece.len()).saturating_sub(MAX_UNREAD);
            let fresh = (self.unread.len() - surplus, piece.len());
            self.unread.drain(..surplus);
            self.unread.extend(piece);
            self.hear(now, fresh.0);
        }
    }

    /// Lets time pass, and steps be made that are due.
    pub fn tick(&mut self, now: Instant) {
        if self.limit.is_some_and(|limit| now >= limit) {
            return self.end(Outcome::Limit);
        }
        match &self.state {
            State::Running => {}
            State::Waiting { until: Some(until), .. } if now >= *until => {
                self.success = false;
                self.say(Act::NotFound);
                self.state = State::Running;
            }
            State::Delaying { until } if now >= *until => self.state = State::Running,
            State::Waiting { .. } | State::Reading(_) | State::Delaying { .. } | State::Ended => {
                return;
            }
        }
        self.run(now);
    }

    /// The line is lost.
    pub fn hang_up(&mut self) {
        self.end(Outcome::HungUp);
    }

    /// The next thing to be done.
    pub fn poll(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front()?;
        if let Act::Send(bytes) = &output.act {
            self.unsent -= bytes.len();
        }
        Some(output)
    }

    /// When `tick` is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        let own = match &self.state {
            State::Running => Some(Deadline::new(Instant::ZERO, "the script's next steps")),
            State::Waiting { until, .. } => {
                until.map(|until| Deadline::new(until, "until of a waitfor"))
            }
            State::Reading(_) => None,
            State::Delaying { until } => Some(Deadline::new(*until, "delay")),
            State::Ended => return None,
        };
        let limit = self.limit.map(|limit| Deadline::new(limit, "time limit of the script"));
        Deadline::earliest(own, limit)
    }

    /// Whether the script waits for input now. Who must not take bytes that belong to PPP reads only then, and one
    /// byte at a time: each may be the last one that the script wants.
    #[must_use]
    pub const fn listening(&self) -> bool {
        match self.state {
            State::Waiting { .. } | State::Reading(_) => true,
            State::Running | State::Delaying { .. } | State::Ended => false,
        }
    }

    /// The line of the script at which it stands or has ended, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.program.line(self.next.saturating_sub(1))
    }

    /// Ends the engine: the bytes that it has received and no wait has used up.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.unread.into()
    }

    /// Looks at input from the byte `from` on; what is before it has been looked at.
    fn hear(&mut self, now: Instant, from: usize) {
        match &mut self.state {
            State::Waiting { search, .. } => {
                let Some((case, end)) = search.look(&self.unread, from, self.seven_bits) else {
                    return;
                };
                self.unread.drain(..end);
                self.found(case);
            }
            State::Reading(reader) => {
                let Some(address) = reader.read(&mut self.unread, self.seven_bits) else { return };
                self.read(address);
            }
            State::Running | State::Delaying { .. } | State::Ended => return,
        }
        self.state = State::Running;
        self.run(now);
    }

    /// A wait has found the string with index `case`.
    fn found(&mut self, case: usize) {
        self.success = true;
        self.say(Act::Found(case));
        if let Some(to) = self.goal_of(case) {
            self.next = to;
        }
    }

    fn say(&mut self, act: Act) {
        if let Act::Send(bytes) = &act {
            self.unsent += bytes.len();
        }
        let step = self.next.saturating_sub(1);
        let (line, span) = (self.program.line(step), self.program.span(step));
        self.outputs.push_back(Output { line, span, act });
    }

    fn end(&mut self, outcome: Outcome) {
        match self.state {
            State::Ended => {}
            State::Running | State::Waiting { .. } | State::Reading(_) | State::Delaying { .. } => {
                self.say(Act::Ended(outcome));
                self.state = State::Ended;
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ppp => f.write_str("ppp"),
            Self::Halted => f.write_str("halt"),
            Self::HungUp => f.write_str("hangup"),
            Self::Limit => f.write_str("limit"),
            Self::Failed(_) => f.write_str("error"),
        }
    }
}
