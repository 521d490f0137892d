//! What the server would say, and why: the same rules as its own, asked without a caller.
//!
//! ```text
//!     Question ──► screening ──► entry of login.config ──► Request ──► decide ──► Explanation
//!                     │              │
//!                     └ not answered └ no callback: the rules are not asked
//! ```
//!
//! It does not print: whoever asks has the words and their order here, and colours them.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::wish::{self, Wish};
use super::{Considered, Counters, Identity, Marked, Numbers, Proof, Request, Verdict, decide};
use crate::config::user::Service;
use crate::config::{Action, Authenticate, Config, dialin_config};
use crate::dispatch;
use crate::vocabulary::{Leg, Wall};

/// Somebody who might call.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The name that he gives.
    pub user: &'a str,
    /// The number that he gives, if he is asked for one or may choose.
    pub number: Option<&'a str>,
    /// The line that he comes in on; `None`: the first that answers.
    pub line: Option<&'a str>,
    /// What the exchange says of who calls.
    pub from: Option<&'a str>,
    /// When.
    pub at: Wall,
    /// What for; `None`: the prompt, if login.config has a callback entry for the name, else PPP.
    pub service: Option<Service>,
    /// Whether he proves the name as he is asked to.
    pub proves: bool,
    /// What is open and spent already.
    pub counters: Counters,
    /// What a server that runs knows of numbers; a configuration does not.
    pub marked: Marked,
}

/// What would become of it, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Whether he is called back.
    pub approved: bool,
    /// The rule that decided.
    pub rule: String,
    /// Why not; empty where he is called back.
    pub reason: String,
    /// The user that the name belongs to.
    pub user: Option<String>,
    /// The line that he comes in on.
    pub line: Option<String>,
    /// What the line is used for: `login` or `ppp`.
    pub service: Cow<'static, str>,
    /// What happens before the rules are asked.
    pub before: Vec<String>,
    /// The numbers that are dialled, in order.
    pub numbers: Vec<String>,
    /// The lines that may dial, in order of choice.
    pub lines: Vec<String>,
    /// Every rule.
    pub considered: Vec<Step>,
    /// Whether a running server says it, with what is open, spent and in quarantine; else a configuration alone.
    #[serde(default)]
    pub live: bool,
    /// What a running server adds: how the lines stand that would have to do with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standing: Vec<String>,
}

/// A rule, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub rule: Cow<'static, str>,
    /// `passes`, `unconcerned`, `refuses` or `not-reached`.
    pub verdict: Cow<'static, str>,
    /// Why.
    pub because: Cow<'static, str>,
}

impl From<Considered> for Step {
    fn from(Considered { rule, verdict, because }: Considered) -> Self {
        Self { rule: rule.into(), verdict: verdict.word().into(), because }
    }
}

impl Explanation {
    /// Where the rules are not asked.
    fn unasked(question: &Question<'_>, rule: impl Into<String>, reason: String) -> Self {
        Self {
            approved: false,
            rule: rule.into(),
            reason,
            user: None,
            line: question.line.map(str::to_owned),
            service: question.service.unwrap_or(Service::Login).word().into(),
            before: Vec::new(),
            numbers: Vec::new(),
            lines: Vec::new(),
            considered: Vec::new(),
            live: false,
            standing: Vec::new(),
        }
    }

    /// The answer in one sentence.
    #[must_use]
    pub fn answer(&self) -> String {
        if self.approved {
            format!(
                "approved by {}: {} is dialled on {}",
                self.rule,
                self.numbers.join(", then "),
                self.lines.join(", or ")
            )
        } else {
            format!("refused by {}: {}", self.rule, self.reason)
        }
    }
}

impl Step {
    /// Whether it has looked, and so has a part in the answer.
    #[must_use]
    pub fn has_a_say(&self) -> bool {
        self.verdict == Verdict::Refuses.word() || self.verdict == Verdict::Passes.word()
    }

    /// The verdict as people see it, and the reason.
    #[must_use]
    pub fn shown(&self) -> (&'static str, &str) {
        if self.verdict == Verdict::Refuses.word() {
            ("REFUSES", &self.because)
        } else if self.verdict == Verdict::Passes.word() {
            ("passes", &self.because)
        } else {
            ("-", &self.because)
        }
    }
}

/// What the server would say.
#[must_use]
pub fn explain(config: &Config, question: &Question<'_>) -> Explanation {
    let answering = |line: &&crate::config::Line| match line.direction {
        crate::config::Direction::Answer | crate::config::Direction::Both => true,
        crate::config::Direction::Originate => false,
    };
    let line = match question.line {
        Some(name) => match config.lines.iter().find(|line| line.name == name) {
            Some(line) if answering(&line) => Some(name),
            Some(_) => {
                let why = format!("line {name} takes no calls: direction = \"originate\"");
                return Explanation::unasked(question, "line", why);
            }
            None => {
                return Explanation::unasked(question, "line", format!("there is no line {name}"));
            }
        },
        None => config.lines.iter().find(answering).map(|line| line.name.as_str()),
    };
    let mut before = Vec::new();
    if !config.screening.is_empty() {
        let verdict = dialin_config::screen(&config.screening, question.from);
        if !verdict.accept {
            let who = question.from.unwrap_or("somebody without caller ID");
            let why = format!("{who} is not answered");
            return Explanation::unasked(question, verdict.rule, why);
        }
        before.push(format!("{} answers the call", verdict.rule));
    }
    if let Some(from) = question.from {
        before.push(format!("caller ID {from} is a hint: no rule makes a number of it"));
    }
    let mut explanation = match asked(config, question, line, &mut before) {
        Ok(explanation) => explanation,
        Err((rule, why)) => Explanation::unasked(question, rule, why),
    };
    explanation.before = before;
    explanation.line = line.map(str::to_owned);
    explanation.user = config.user(question.user).map(|user| user.name.clone());
    explanation
}

/// The rules are asked, if the name asks for a callback at all.
fn asked(
    config: &Config,
    question: &Question<'_>,
    line: Option<&str>,
    before: &mut Vec<String>,
) -> Result<Explanation, (String, String)> {
    let user = config.user(question.user);
    let entry = dispatch::find(&config.entries, question.user, Leg::Request);
    let callback = entry.filter(|entry| matches!(entry.action, Action::Callback { .. }));
    let service = question.service.unwrap_or(match (callback, user) {
        (None, Some(_)) => Service::Ppp,
        (Some(_), _) | (None, None) => Service::Login,
    });
    let (numbers, return_line) = match service {
        Service::Ppp => {
            if user.is_none() {
                let why =
                    format!("{} is no user, and nobody else is called back by PPP", question.user);
                return Err(("user".to_owned(), why));
            }
            let numbers =
                question.number.map_or_else(|| wish::stored(user), |text| wish::given(user, text));
            (numbers, &config.callback.line)
        }
        Service::Login => {
            let Some(entry) = entry else {
                let why = format!("no entry of login.config takes the name {}", question.user);
                return Err(("login.config".to_owned(), why));
            };
            let name = dispatch::entry_name(entry);
            let Action::Callback { line, .. } = &entry.action else {
                let what = dispatch::action_name(&entry.action);
                return Err((name, format!("it starts {what}: no callback is asked for")));
            };
            before.push(format!("{name} takes the name: callback"));
            (at_prompt(question, entry, user)?, line.as_ref().unwrap_or(&config.callback.line))
        }
    };
    let identity = identity(config, question, service, before);
    let request = Request {
        user: user.map_or(question.user, |user| user.name.as_str()),
        identity,
        service,
        numbers,
        return_line,
        came_in_on: line,
        caller_id: question.from,
        leg: Leg::Request,
        at: question.at,
        counters: question.counters,
        marked: question.marked.clone(),
    };
    Ok(judged(config, question, &request))
}

fn at_prompt<'a>(
    question: &Question<'a>,
    entry: &'a crate::config::LoginEntry,
    user: Option<&'a crate::config::User>,
) -> Result<Numbers<'a>, (String, String)> {
    match (wish::at_prompt(entry, user), question.number) {
        (Wish::Numbers(numbers), _) => Ok(numbers),
        (Wish::Ask, Some(text)) => Ok(wish::given(user, text)),
        (Wish::Ask, None) => Err((
            "number".to_owned(),
            "the caller is asked for a number: say which (--number)".to_owned(),
        )),
    }
}

fn identity(
    config: &Config,
    question: &Question<'_>,
    service: Service,
    before: &mut Vec<String>,
) -> Identity {
    let proof = match (service, config.callback.authenticate) {
        (Service::Ppp, _) => Proof::Ppp,
        (Service::Login, Authenticate::Nothing) => return Identity::Claimed,
        (Service::Login, Authenticate::Password) => Proof::Password,
        (Service::Login, Authenticate::Code) => Proof::Code,
        (Service::Login, Authenticate::PasswordAndCode) => Proof::PasswordAndCode,
    };
    if question.proves {
        before.push(format!("supposing that the name is proved {}", proof.text()));
        Identity::Proven(proof)
    } else {
        Identity::Claimed
    }
}

fn judged(config: &Config, question: &Question<'_>, request: &Request<'_>) -> Explanation {
    let decision = decide(config, request);
    let considered = decision.considered.into_iter().map(Step::from).collect();
    let mut explanation = Explanation::unasked(question, "", String::new());
    explanation.service = request.service.word().into();
    explanation.considered = considered;
    match decision.answer {
        Ok(approval) => {
            explanation.approved = true;
            approval.rule().clone_into(&mut explanation.rule);
            let numbers = approval.numbers().iter().map(ToString::to_string);
            explanation.numbers = numbers.collect();
            explanation.lines = approval.lines().to_vec();
        }
        Err(refusal) => {
            explanation.rule = refusal.rule;
            explanation.reason = refusal.reason;
        }
    }
    explanation
}

/// Reads a time: `2026-11-23 10:00`, in `zone`, or with an offset of its own (`2026-11-23T10:00:00Z`).
///
/// # Errors
/// It is none.
pub fn time(text: &str, zone: &TimeZone) -> Result<Wall, String> {
    let instant = match text.parse::<Timestamp>() {
        Ok(instant) => instant,
        Err(_) => text
            .parse::<DateTime>()
            .and_then(|civil| zone.to_ambiguous_timestamp(civil).compatible())
            .map_err(|_| {
                format!("\"{}\" is no time: write it like 2026-11-23T10:00", text.escape_debug())
            })?,
    };
    Ok(Wall { unix_ms: instant.as_millisecond(), offset_s: zone.to_offset(instant).seconds() })
}
