//! May we call back, and if so: which numbers, on which lines?
//!
//! ```text
//!     Request ──► the rules, in order ──► Decision { answer: Ok(Approval { rule }), considered }
//!                                    └──► Decision { answer: Err(Refusal { rule, .. }), considered }
//! ```
//!
//! [`decide`] is a pure function of the configuration and the request. Both of its answers name their rule, and
//! every rule that was looked at is told with its verdict: the server journals the answer, `dialback policy
//! explain` shows it all. An [`Approval`] can be made by nobody else, and a promise only from an approval: so
//! nothing is dialled that has not passed here (invariant 4).
//!
//! Policy does not dial, does not count and reads no clock: how much is open and spent, and what time it is,
//! comes in with the request. Caller ID comes in too, to be told with the decision; no rule makes a number of
//! it: it is a hint, never an identity.

pub mod cases;
pub mod explain;
pub mod numbering;
pub mod password;
pub mod reference;
pub mod rights;
mod rules;
mod stay;
#[cfg(test)]
mod tests;
pub mod totp;
pub mod wish;

use std::borrow::Cow;

use proto::dial::PhoneNumber;

#[cfg(test)]
pub(crate) use rules::line_dialling;
pub use rules::table;
pub(crate) use rules::{affords, dial_string};
pub(crate) use stay::stay;

use crate::config::user::Service;
use crate::config::{Authenticate, Config, ReturnLine};
use crate::vocabulary::{Leg, Wall};

/// How many callbacks one user may be owed at once.
pub const PER_PERSON: u32 = 1;

/// A wish to be called back.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Who wishes it: the name that was given.
    pub user: &'a str,
    /// Whether the name was proved, and how.
    pub identity: Identity,
    /// What the line is used for.
    pub service: Service,
    /// Which numbers, and who wrote them.
    pub numbers: Numbers<'a>,
    /// Which line shall call back.
    pub return_line: &'a ReturnLine,
    /// The line that the caller came in on; an operator comes in on none.
    pub came_in_on: Option<&'a str>,
    /// What the exchange says of who calls. For people; never a number to dial.
    pub caller_id: Option<&'a str>,
    /// Who called whom.
    pub leg: Leg,
    /// What time it is.
    pub at: Wall,
    /// What is open and spent already.
    pub counters: Counters,
    /// Numbers of which something is known.
    pub marked: Marked,
}

/// Numbers of which the running server knows something that no configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// Strangers have answered there too often.
    pub quarantined: Vec<String>,
    /// A callback is owed there to a name that many may use, written as [`numbering::normal`] does.
    pub pending: Vec<String>,
}

/// How far a name is more than a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// It was given, no more.
    Claimed,
    /// It was proved.
    Proven(Proof),
    /// It is an operator, who has no name here.
    Operator,
}

/// What proved a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The password, at the prompt.
    Password,
    /// A one-time code, at the prompt.
    Code,
    /// Both.
    PasswordAndCode,
    /// One of PPP's methods.
    Ppp,
    /// None: an operator, who orders the callback, vouches for it.
    Operator,
}

impl Proof {
    /// For people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Password => "by password",
            Self::Code => "by a one-time code",
            Self::PasswordAndCode => "by password and a one-time code",
            Self::Ppp => "by PPP",
            Self::Operator => "by an operator's word",
        }
    }

    /// What the journal says.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "totp",
            Self::PasswordAndCode => "password+totp",
            Self::Ppp => "ppp",
            Self::Operator => "operator",
        }
    }

    /// Whether no more is demanded. PPP proves a name by its own methods, whatever is asked at the prompt; an operator
    /// has shown to the system who he is.
    #[must_use]
    pub const fn is_enough(self, wanted: Authenticate) -> bool {
        let (password, code) = match self {
            Self::Password => (true, false),
            Self::Code => (false, true),
            Self::PasswordAndCode | Self::Ppp | Self::Operator => (true, true),
        };
        (password || !wanted.wants_password()) && (code || !wanted.wants_code())
    }
}

impl Numbers<'_> {
    /// The numbers themselves; what was typed may be none.
    ///
    /// # Errors
    /// What is wrong with what was typed.
    pub(crate) fn parsed(&self) -> Result<Cow<'_, [PhoneNumber]>, proto::dial::NumberFault> {
        match self {
            Self::Typed(text) => Ok(Cow::Owned(vec![PhoneNumber::typed(text.as_bytes())?])),
            Self::Entry(numbers, _)
            | Self::User(numbers)
            | Self::Operator(numbers)
            | Self::Measured(numbers) => Ok(Cow::Borrowed(numbers)),
        }
    }
}

/// The numbers of a request, by their author.
#[derive(Clone, Copy, Debug)]
pub enum Numbers<'a> {
    /// What the caller typed, as he typed it.
    Typed(&'a str),
    /// Those of an entry of login.config, on this line of it.
    Entry(&'a [PhoneNumber], u32),
    /// Those stored for the user.
    User(&'a [PhoneNumber]),
    /// Those of an operator.
    Operator(&'a [PhoneNumber]),
    /// That of a line of ours, called by another one to be measured. The only numbers of our own that are called; nobody
    /// can ask for this but the server.
    Measured(&'a [PhoneNumber]),
}

/// What is open and spent when a request comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Promises that are open.
    pub open: OpenPromises,
    /// What the user has spent today.
    pub spent: Spent,
    /// What all have spent today.
    pub day: Spent,
    /// What was spent today on numbers of each class, in the order of [`numbering::Class::ALL`].
    pub classes: [Spent; numbering::Class::ALL.len()],
}

/// What a user's return calls have cost today, so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Minutes on the telephone, begun ones counted whole.
    pub minutes: u32,
    /// Return calls that were answered.
    pub calls: u32,
    /// Money, in hundredths of the tariff's currency.
    pub cost: u32,
}

/// What became of a request, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// Yes or no.
    pub answer: Result<Approval, Refusal>,
    /// Every rule of the [`table`], in order.
    pub considered: Vec<Considered>,
}

/// One rule, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Considered {
    /// The rule's name.
    pub rule: &'static str,
    /// What it says.
    pub verdict: Verdict,
    /// Why; empty where it was not reached.
    pub because: Cow<'static, str>,
}

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It has looked, and does not object.
    Passes,
    /// It has nothing to do with this request.
    Unconcerned,
    /// It objects: no callback.
    Refuses,
    /// One before it has objected.
    NotReached,
}

impl Verdict {
    /// As it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::Unconcerned => "unconcerned",
            Self::Refuses => "refuses",
            Self::NotReached => "not-reached",
        }
    }
}

/// How many promises are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenPromises {
    /// For this user; for a name that is no user's, by its entry of login.config.
    pub by_user: u32,
    /// In all.
    pub in_all: u32,
}

/// Policy's yes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Approval {
    rule: String,
    numbers: Vec<PhoneNumber>,
    lines: Vec<String>,
}

impl Approval {
    /// The rule that allowed it: `caller_numbers.allow "555*"`, `login.config:14`, `user alice`, `operator`.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The numbers to dial, in order. Never empty.
    #[must_use]
    pub fn numbers(&self) -> &[PhoneNumber] {
        &self.numbers
    }

    /// Names of the lines that may dial, in order of choice. Never empty.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Leaves the other numbers out, which do not fit any more; `false` and as it was if none would be left.
    pub(crate) fn keep_numbers(&mut self, keep: impl Fn(&PhoneNumber) -> bool) -> bool {
        let left: Vec<PhoneNumber> = self.numbers.iter().filter(|n| keep(n)).cloned().collect();
        if left.is_empty() {
            return false;
        }
        self.numbers = left;
        true
    }

    /// The approval of a promise that an earlier run of the server made and wrote into its journal.
    pub(crate) const fn restored(
        rule: String,
        numbers: Vec<PhoneNumber>,
        lines: Vec<String>,
    ) -> Self {
        Self { rule, numbers, lines }
    }
}

/// Policy's no.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Refusal {
    /// The rule that refused it.
    pub rule: String,
    /// For the operator, in full.
    pub reason: String,
    /// What kind of no, which decides what the caller is told.
    pub kind: RefusalKind,
}

/// What kind of no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// It was no number: he may try again.
    NotANumber,
    /// This number is not called.
    Number,
    /// No callback can be made now, or on these lines.
    Service,
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, rule: impl Into<String>, reason: String) -> Self {
        Self { rule: rule.into(), reason, kind }
    }
}

/// Says whether `request` may be promised, and what each rule has to do with it.
pub fn decide(config: &Config, request: &Request<'_>) -> Decision {
    let mut case = rules::Case::of(config, request);
    case.lines = candidates(config, request);
    let mut considered = Vec::with_capacity(rules::RULES.len());
    let mut objection = None;
    for rule in rules::RULES {
        let (verdict, because) = match (&objection, rule) {
            (Some(_), _) => (Verdict::NotReached, Cow::Borrowed("")),
            (None, rule) => match (rule.judge)(&mut case) {
                rules::Finding::Passes(because) => (Verdict::Passes, because),
                rules::Finding::Unconcerned(because) => (Verdict::Unconcerned, because),
                rules::Finding::Refuses { rule: exact, because } => {
                    let name = exact.unwrap_or_else(|| rule.name.to_owned());
                    objection = Some(Refusal::new(rule.kind, name, because.clone()));
                    (Verdict::Refuses, Cow::Owned(because))
                }
            },
        };
        considered.push(Considered { rule: rule.name, verdict, because });
    }
    let answer = match objection {
        Some(refusal) => Err(refusal),
        None => Ok(Approval {
            rule: author(request, case.allowed_by),
            numbers: case.numbers,
            lines: case.lines,
        }),
    };
    Decision { answer, considered }
}

/// The rules that ask whether a user is served at all, whatever he wants.
const SERVED: [&str; 5] =
    ["user.trap", "user.disabled", "user.expires", "user.window", "user.service"];

/// Says whether whoever has this name is served then, callback or not. A name that no user has is served as
/// login.config says. On a return leg the windows are not asked: they were when it was promised.
///
/// # Errors
/// The refusal of the first rule that objects.
pub fn serves(
    config: &Config,
    name: &str,
    service: Service,
    leg: Leg,
    at: Wall,
) -> Result<(), Refusal> {
    let request = Request {
        user: name,
        identity: Identity::Claimed,
        service,
        numbers: Numbers::User(&[]),
        return_line: &config.callback.line,
        came_in_on: None,
        caller_id: None,
        leg,
        at,
        counters: Counters::default(),
        marked: Marked::default(),
    };
    let mut case = rules::Case::of(config, &request);
    let asked = rules::RULES.iter().filter(|rule| SERVED.contains(&rule.name));
    let counts = |rule: &&rules::Rule| match rule.name {
        "user.window" => leg == Leg::Request,
        // At the prompt the program that everybody gets turns him away, and he learns nothing.
        "user.trap" => service == Service::Ppp,
        _ => true,
    };
    for rule in asked.filter(counts) {
        match (rule.judge)(&mut case) {
            rules::Finding::Passes(_) | rules::Finding::Unconcerned(_) => {}
            rules::Finding::Refuses { because, .. } => {
                return Err(Refusal::new(rule.kind, rule.name, because));
            }
        }
    }
    Ok(())
}

/// The rule that an approval goes back to.
fn author(request: &Request<'_>, allowed_by: Option<String>) -> String {
    match request.numbers {
        Numbers::Typed(_) => allowed_by.unwrap_or_else(|| "caller_numbers".to_owned()),
        Numbers::Entry(_, line) => format!("login.config:{line}"),
        Numbers::User(_) => format!("user {}", request.user),
        Numbers::Operator(_) => "operator".to_owned(),
        Numbers::Measured(_) => "measuring".to_owned(),
    }
}

/// The lines that the request names, in order, whether they may dial or not.
fn candidates(config: &Config, request: &Request<'_>) -> Vec<String> {
    let came_in_on = request.came_in_on;
    match request.return_line {
        ReturnLine::Same => match came_in_on {
            Some(line) => vec![line.to_owned()],
            // An operator's "same" is any line: he comes in on none.
            None => config.lines.iter().map(|line| line.name.clone()).collect(),
        },
        ReturnLine::Other => config
            .lines
            .iter()
            .map(|line| line.name.clone())
            .filter(|name| Some(name.as_str()) != came_in_on)
            .collect(),
        ReturnLine::Lines(names) => names.clone(),
        ReturnLine::Group(group) => config
            .lines
            .iter()
            .filter(|line| line.groups.contains(group))
            .map(|line| line.name.clone())
            .collect(),
    }
}
