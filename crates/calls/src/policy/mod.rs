//! May we call back, and if so: which numbers, on which lines?
//!
//! ```text
//!     Request ──► the rules, in order ──► Ok(Approval { rule })     the only way to a promise
//!                                    └──► Err(Refusal { rule, .. })
//! ```
//!
//! [`decide`] is a pure function of the configuration, the request and the number of open promises. Both of
//! its answers name their rule. An [`Approval`] can be made by nobody else, and a promise only from an
//! approval: so nothing is dialled that has not passed here (invariant 4).
//!
//! Policy does not dial, does not count and does not know the time. Caller ID is no part of a request on
//! purpose: it is a hint, never an identity.

mod rules;
#[cfg(test)]
mod tests;

pub(crate) use rules::line_dialling;

use proto::dial::{NumberFault, PhoneNumber};

use crate::config::{Config, ReturnLine};

/// A wish to be called back.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Who wishes it: the name that was given.
    pub user: &'a str,
    /// Which numbers, and who wrote them.
    pub numbers: Numbers<'a>,
    /// Which line shall call back.
    pub return_line: &'a ReturnLine,
    /// The line that the caller came in on; an operator comes in on none.
    pub came_in_on: Option<&'a str>,
    /// The promises that are open already.
    pub open: OpenPromises,
}

/// The numbers of a request, by their author.
#[derive(Clone, Copy, Debug)]
pub enum Numbers<'a> {
    /// What the caller typed, as he typed it.
    Typed(&'a str),
    /// Those of an entry of login.config, on this line of it.
    Entry(&'a [PhoneNumber], u32),
    /// Those stored for the user, who has proved the name.
    User(&'a [PhoneNumber]),
    /// Those of an operator.
    Operator(&'a [PhoneNumber]),
}

/// How many promises are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenPromises {
    /// For this user.
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

/// Says whether `request` may be promised.
///
/// # Errors
/// The refusal of the first rule that objects.
pub fn decide(config: &Config, request: &Request<'_>) -> Result<Approval, Refusal> {
    let (numbers, author_rule) = match request.numbers {
        Numbers::Typed(text) => (vec![parse(text)?], None),
        Numbers::Entry(numbers, line) => (numbers.to_vec(), Some(format!("login.config:{line}"))),
        Numbers::User(numbers) => (numbers.to_vec(), Some(format!("user {}", request.user))),
        Numbers::Operator(numbers) => (numbers.to_vec(), Some("operator".to_owned())),
    };
    let lines = candidates(config, request);
    let mut case = rules::Case { config, request, numbers: &numbers, lines, allowed_by: None };
    for rule in rules::RULES {
        (rule.judge)(&mut case).map_err(|no| {
            Refusal::new(rule.kind, no.rule.unwrap_or(rule.name.into()), no.reason)
        })?;
    }
    let rule = author_rule.or(case.allowed_by).unwrap_or_else(|| "caller_numbers".to_owned());
    let lines = case.lines;
    Ok(Approval { rule, numbers, lines })
}

fn parse(typed: &str) -> Result<PhoneNumber, Refusal> {
    PhoneNumber::typed(typed.as_bytes()).map_err(|fault: NumberFault| {
        Refusal::new(RefusalKind::NotANumber, "number.grammar", fault.to_string())
    })
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
