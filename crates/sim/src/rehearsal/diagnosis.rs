//! Why a callback came through or did not, and what to do about it.
//!
//! Each question looks at the story of the rehearsal and answers with a problem or with nothing. The questions are asked
//! in the order of a call's life; the first problem is the one to mend first, as the later ones may follow from it.

use calls::config::{Action, Config, LoginEntry, NamePattern, When};
use calls::vocabulary::{Cause, Leg};
use proto::time::Instant;
use serde::Serialize;

use super::fact::{Ended, readable};
use super::nearest::{nearest, nearest_line};
use super::stage::{Stage, digits};
use super::story::{Named, Refused, Story, Wait};

/// What became of a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether the server called back, the caller's modem answered, and the script came to its end or at least to
    /// the simulated shell.
    pub came_through: bool,
    /// How long it took from the script's begin to the connection of the return leg, in milliseconds.
    pub called_back_ms: Option<u64>,
    /// How the script ended; `None`: it would wait for ever.
    pub ended: Option<Ended>,
    /// What is wrong, the first thing to mend first.
    pub problems: Vec<Problem>,
    /// What is worth knowing though nothing failed by it.
    pub notes: Vec<Problem>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The line of the script, from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub cure: Option<String>,
}

impl Problem {
    fn new(line: Option<usize>, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { line, what: what.into(), cure: Some(cure.into()).filter(|cure| !cure.is_empty()) }
    }
}

/// The case that is looked at.
struct Case<'a> {
    story: &'a Story,
    config: &'a Config,
    stage: &'a Stage,
}

/// Says what became of it.
pub(super) fn diagnose<'a>(story: &'a Story, config: &'a Config, stage: &'a Stage) -> Verdict {
    let case = Case { story, config, stage };
    let ended = story.ended.as_ref().map(|(_, how)| how.clone());
    let well = ended == Some(Ended::Well);
    let refused_later = case.return_name();
    // Behind the simulated login nothing is the user's own server any more.
    let in_program = story.launched_back.is_some() && case.let_in();
    let came_through = story.kept.is_some() && (well || in_program) && refused_later.is_none();
    let mut problems = Vec::new();
    let mut notes = Vec::new();
    if came_through {
        if let Some(wait) = story.stuck_in().filter(|_| !well) {
            notes.push(simulated_program(story, wait));
        }
    } else {
        let questions: [fn(&Case<'a>) -> Option<Problem>; 12] = [
            Case::reached,
            Case::request_name,
            Case::refused_number,
            Case::heard_nothing_like_it,
            Case::ring_in_a_word,
            Case::carrier_is_an_abort,
            Case::carrier_followed,
            Case::too_impatient,
            Case::another_number,
            Case::not_answered,
            Case::return_name,
            Case::stuck,
        ];
        problems.extend(questions.iter().find_map(|question| question(&case)));
        if problems.is_empty() {
            problems.push(case.unexplained());
        }
    }
    notes.extend(case.taken_for_ours());
    let begin = story.sent.first().map_or(Instant::ZERO, |(at, ..)| *at);
    let called_back_ms = story.connected_back.map(|at| ms(begin, at));
    Verdict { came_through, called_back_ms, ended, problems, notes }
}

fn ms(from: Instant, to: Instant) -> u64 {
    to.as_millis().saturating_sub(from.as_millis())
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms / 100 % 10)
}

fn quoted(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
    texts.join(" or ")
}

fn simulated_program(story: &Story, wait: &Wait) -> Problem {
    let program = story.launched_back.as_deref().unwrap_or("the program");
    Problem::new(
        wait.line,
        format!("{program} is simulated and does not say {}", quoted(&wait.texts)),
        "if it is the prompt of your shell, give it with --shell-prompt",
    )
}

impl Case<'_> {
    /// Whether the simulated login let him in, so that what follows is the simulated program's.
    fn let_in(&self) -> bool {
        let screen = String::from_utf8_lossy(&self.story.screen);
        !screen.contains("Login incorrect")
    }

    fn taken_for_ours(&self) -> Option<Problem> {
        let ours = self.stage.taken_for_ours.as_ref()?;
        let dials = &self.stage.dials;
        Some(Problem::new(
            None,
            format!("the script dials {dials}; the configuration has {ours}: taken for the same"),
            "check that it is the server's number as the caller has to dial it",
        ))
    }

    /// Was the server reached at all?
    fn reached(&self) -> Option<Problem> {
        let story = self.story;
        if story.connected.is_some() {
            return None;
        }
        let line = story.stuck_in().and_then(|wait| wait.line).or(story.ended_line);
        if let Some(command) = &story.not_understood {
            let what = format!("the caller's modem does not understand AT{command}");
            return Some(Problem::new(
                line,
                what,
                "take the command for your modem from its manual",
            ));
        }
        if let Some(rule) = &story.screened {
            let number = &self.stage.caller_number;
            return Some(Problem::new(
                line,
                format!("the server does not answer calls from {number}, by {rule}"),
                "let it in with a word in dialin.config, or call from another number",
            ));
        }
        if !story.dialled {
            return Some(match story.stuck_in() {
                Some(wait) => {
                    let texts = quoted(&wait.texts);
                    Problem::new(
                        wait.line,
                        format!("it waits for {texts} and has not dialled yet"),
                        "a modem says OK to a command; the first expectation has to be empty (\"\")",
                    )
                }
                None => {
                    Problem::new(line, "it never dials", "ATDT and the server's number are missing")
                }
            });
        }
        let number = story.wrong_number.clone().unwrap_or_else(|| self.stage.dials.clone());
        Some(match &story.ended {
            Some((_, Ended::TimedOut)) => Problem::new(
                line,
                "it gives up before the modems are connected",
                "a call takes up to a minute to connect: TIMEOUT 60 in front of it",
            ),
            Some(_) | None => Problem::new(
                line,
                format!("the call to {number} did not come through"),
                "see what the modem said above",
            ),
        })
    }

    /// The entry that asks for a callback and is nearest to a name.
    fn callback_entries(&self) -> impl Iterator<Item = &LoginEntry> {
        self.config.entries.iter().filter(|entry| {
            matches!(entry.action, Action::Callback { .. }) && entry.when != When::OnReturn
        })
    }

    /// Was the name on the first call one that is called back?
    fn request_name(&self) -> Option<Problem> {
        let story = self.story;
        if story.promised.is_some() || !story.refused.is_empty() {
            return None;
        }
        let named: Vec<&Named> =
            story.named.iter().filter(|named| named.leg == Leg::Request).collect();
        if named
            .iter()
            .any(|named| named.taken.as_ref().is_some_and(|(_, action)| action == "callback"))
        {
            return None;
        }
        let named = *named.iter().find(|named| !named.name.is_empty())?;
        let name = &named.name;
        let exact: Vec<&str> = self
            .callback_entries()
            .filter_map(|entry| match &entry.pattern {
                NamePattern::Exact(name) => Some(name.as_str()),
                NamePattern::Prefix(_)
                | NamePattern::Suffix(_)
                | NamePattern::Contains(_)
                | NamePattern::Any => None,
            })
            .collect();
        let what = match &named.taken {
            Some((entry, action)) => {
                let pattern = self.pattern_of(entry);
                format!(
                    "\"{name}\" is no callback name: {entry}{pattern} takes it and starts {action}"
                )
            }
            None => format!("\"{name}\" is in no entry of login.config"),
        };
        let file = "login.config";
        let cure = match nearest(name, exact.iter().copied()) {
            Some(near) => {
                let at = self.callback_entries().find(
                    |entry| matches!(&entry.pattern, NamePattern::Exact(name) if name == near),
                );
                let at = at.map_or(0, |entry| entry.line_number);
                format!("did you mean \"{near}\" ({file}:{at})?")
            }
            None if exact.is_empty() => format!("{file} has no callback name at all"),
            None => {
                let names: Vec<String> = exact.iter().map(|name| format!("\"{name}\"")).collect();
                format!("names that are called back: {}", names.join(", "))
            }
        };
        Some(Problem::new(named.line, what, cure))
    }

    fn pattern_of(&self, entry: &str) -> String {
        let number = entry.rsplit(':').next().and_then(|number| number.parse::<u32>().ok());
        let entry = self.config.entries.iter().find(|entry| Some(entry.line_number) == number);
        match entry.map(|entry| &entry.pattern) {
            None | Some(NamePattern::Exact(_)) => String::new(),
            Some(NamePattern::Prefix(text)) => format!(" (\"{text}*\")"),
            Some(NamePattern::Suffix(text)) => format!(" (\"*{text}\")"),
            Some(NamePattern::Contains(text)) => format!(" (\"*{text}*\")"),
            Some(NamePattern::Any) => " (\"*\")".to_owned(),
        }
    }

    /// Did policy refuse?
    fn refused_number(&self) -> Option<Problem> {
        if self.story.promised.is_some() {
            return None;
        }
        let Refused { number, rule, reason, line } = self.story.refused.last()?;
        let patterns = &self.config.callback.caller_numbers;
        let number = number.clone().unwrap_or_default();
        let what = format!("the server refuses {number}, by rule {rule}: {reason}");
        let cure = if rule.starts_with("caller_numbers.allow") {
            match patterns.allow.as_slice() {
                [] => "allow it: [callback] caller_numbers = { allow = [..] } is empty, so only \
                       numbers of login.config are called"
                    .to_owned(),
                allow => format!("numbers that callers may give: {}", quoted(allow)),
            }
        } else if rule.starts_with("caller_numbers.deny") {
            "the pattern is in [callback] caller_numbers.deny".to_owned()
        } else if rule == "number.digits" {
            "send the number in digits alone".to_owned()
        } else {
            format!("the rule is explained in the manual of the configuration ({rule})")
        };
        Some(Problem::new(*line, what, cure))
    }

    /// Does it wait, on the first call, for what the server never says?
    fn heard_nothing_like_it(&self) -> Option<Problem> {
        if self.story.promised.is_some() { None } else { self.stuck() }
    }

    /// The last wait, whatever it was for.
    fn stuck(&self) -> Option<Problem> {
        let wait = self.story.stuck_in()?;
        let heard = self.story.heard_in(wait);
        let screen = printable(heard);
        let texts = quoted(&wait.texts);
        let near = wait.texts.iter().find_map(|text| nearest_line(text, &screen));
        let last = screen.lines().map(str::trim).rfind(|line| !line.is_empty());
        let (what, cure) = match (near, last) {
            (Some(near), _) if Self::differs_in_case(wait, &near) => (
                format!("it waits for {texts}, which the server never says"),
                format!("capitals count: the server says \"{near}\""),
            ),
            (Some(near), _) => (
                format!("it waits for {texts}, which the server never says"),
                format!("the nearest that it said is \"{near}\""),
            ),
            (None, Some(last)) => (
                format!("it waits for {texts}, which nobody says"),
                format!("the last that it heard is \"{last}\""),
            ),
            (None, None) => {
                let before = self.story.screen.get(..wait.from).unwrap_or_default();
                let missed = printable(before);
                let near = wait.texts.iter().find_map(|text| nearest_line(text, &missed));
                let cure = near.map_or_else(String::new, |near| {
                    format!("it has been said before the script waited for it: \"{near}\"")
                });
                (format!("it waits for {texts}, and nothing comes"), cure)
            }
        };
        Some(Problem::new(wait.line, what, cure))
    }

    /// Whether only letter case makes a wait miss this line.
    fn differs_in_case(wait: &Wait, line: &str) -> bool {
        let line = line.to_lowercase();
        wait.exact && wait.texts.iter().any(|text| line.contains(text.to_lowercase().trim()))
    }

    /// Did it take a word of the server's for its telephone?
    fn ring_in_a_word(&self) -> Option<Problem> {
        let story = self.story;
        let (answered, line) = self.answer()?;
        if story.rings.first().is_some_and(|ring| *ring <= answered) {
            return None;
        }
        let heard = |wait: &&Wait| wait.heard.as_ref().is_some_and(|(at, _)| *at <= answered);
        let wait = story.waits.iter().rfind(heard)?;
        let (_, text) = wait.heard.as_ref()?;
        let screen = printable(story.heard_in(wait));
        let wanted = text.trim().to_lowercase();
        let word = screen.split_whitespace().find(|word| word.to_lowercase().contains(&wanted));
        let place = word.map_or_else(String::new, |word| format!(" in \"{word}\""));
        Some(Problem::new(
            wait.line.or(line),
            format!(
                "\"{text}\" is found{place}, before the telephone rings: the answer goes astray"
            ),
            "wait for the modem's whole line: waitfor \"<lf>RING<cr>\", matchcase; in a chat script \"\\nRING\"",
        ))
    }

    /// When it sent the command that answers a call, after it was promised one.
    fn answer(&self) -> Option<(Instant, Option<usize>)> {
        let promised = self.story.promised.as_ref()?;
        let answers = |text: &String| {
            let text = text.to_ascii_uppercase();
            text.starts_with("AT") && text.trim_end_matches("^M").ends_with('A')
        };
        let mut sent = self.story.sent.iter();
        sent.find(|(at, _, text)| at >= promised && text.as_ref().is_some_and(answers))
            .map(|(at, line, _)| (*at, *line))
    }

    /// Is the normal end of the first call a reason for it to give up?
    fn carrier_is_an_abort(&self) -> Option<Problem> {
        let (at, Ended::Aborted { text }) = self.story.ended.as_ref()? else { return None };
        let promised = self.story.promised.as_ref()?;
        (at >= promised && self.story.rings.iter().all(|ring| ring > at)).then(|| {
            Problem::new(
                self.story.ended_line,
                format!("it gives up at \"{text}\", but that is how the first call ends"),
                format!("CLR_ABORT \"{text}\" before the wait for RING"),
            )
        })
    }

    /// Did its own modem report the loss of carrier?
    fn carrier_followed(&self) -> Option<Problem> {
        let (_, Ended::CarrierLost) = self.story.ended.as_ref()? else { return None };
        self.story.promised.as_ref()?;
        Some(Problem::new(
            self.story.ended_line,
            "Windows ends the script when the first call ends: the modem reports the loss of carrier (&C1)",
            "put &C0 into the modem's extra settings; here: --modem-init \"AT&F&C0&D2S0=0\"",
        ))
    }

    /// Did it give up before the telephone rang?
    fn too_impatient(&self) -> Option<Problem> {
        let story = self.story;
        let (at, _) = story.ended.as_ref().filter(|(_, how)| *how != Ended::Well)?;
        let promised = story.promised.as_ref()?;
        let ring = story.rings.iter().find(|ring| *ring > at)?;
        let wait = story.stuck_in().or_else(|| story.waits.last())?;
        if story.rings.iter().any(|ring| ring <= at) || at < promised {
            return None;
        }
        let patience = wait.within_ms.unwrap_or_else(|| ms(wait.since, *at));
        let needed = ms(wait.since, *ring);
        let callback = &self.config.callback;
        // On the only line that there is its exchange has to let go first.
        let least = match self.config.lines.as_slice() {
            [only] => callback.delay.max(only.hold_time),
            _ => callback.delay,
        };
        let worst = callback.jitter.as_secs() + needed.div_ceil(1_000);
        let enough = worst.next_multiple_of(30) + 30;
        Some(Problem::new(
            wait.line,
            format!(
                "it gives up after {}; the telephone rings {} after it began to wait (the server waits \
                 {} to {} s before it dials)",
                seconds(patience),
                seconds(needed),
                least.as_secs(),
                (least + callback.jitter).as_secs(),
            ),
            format!(
                "wait for {enough} seconds: TIMEOUT {enough} in chat, until {enough} in a .scp"
            ),
        ))
    }

    /// Did the server dial somebody else?
    fn another_number(&self) -> Option<Problem> {
        let (_, number) = self.story.server_dialled.first()?;
        let own = &self.stage.caller_number;
        if !self.story.rings.is_empty() || digits(number) == *own {
            return None;
        }
        Some(Problem::new(
            self.story.asked_by,
            format!("the server calls {number}, but the caller's number is {own}"),
            "give the caller's own number, in the script or in login.config",
        ))
    }

    /// It rang; why did nobody answer?
    fn not_answered(&self) -> Option<Problem> {
        let story = self.story;
        if story.kept.is_some() {
            return None;
        }
        story.rings.first()?;
        match self.answer() {
            Some((_, line)) => Some(Problem::new(
                line,
                "its command did not answer the call",
                "A must be the last command of its line, and nothing may be sent before CONNECT",
            )),
            None => {
                let wait = story.stuck_in().or_else(|| story.waits.last());
                let what = match wait {
                    Some(wait) => {
                        format!("the telephone rings, but it waits for {}", quoted(&wait.texts))
                    }
                    None => "the telephone rings, but nobody answers".to_owned(),
                };
                let line = wait.and_then(|wait| wait.line);
                Some(Problem::new(line, what, "wait for RING, then send ATA"))
            }
        }
    }

    /// Was the name on the second call taken?
    fn return_name(&self) -> Option<Problem> {
        let story = self.story;
        story.kept?;
        if !self.let_in() && story.ended.as_ref().is_none_or(|(_, how)| *how != Ended::Well) {
            let line = story.stuck_in().and_then(|wait| wait.line);
            return Some(Problem::new(
                line,
                "the simulated login does not let it in: name or password differ from --user and --password",
                "",
            ));
        }
        let named = story.named.iter().rev().find(|named| named.leg == Leg::Return)?;
        match &named.taken {
            Some((entry, action)) if action == "callback" => {
                let what = format!(
                    "when called back it says \"{}\", and {entry} asks for a callback again",
                    named.name
                );
                let cure = "log in by another name, or let the entry count for the first call only: \
                            !version 2 and N in login.config";
                return Some(Problem::new(named.line, what, cure));
            }
            Some(_) => return None,
            None => {}
        }
        let names: Vec<&str> = self
            .config
            .entries
            .iter()
            .filter(|entry| entry.when != When::OnRequest)
            .filter_map(|entry| match &entry.pattern {
                NamePattern::Exact(name) => Some(name.as_str()),
                NamePattern::Prefix(_)
                | NamePattern::Suffix(_)
                | NamePattern::Contains(_)
                | NamePattern::Any => None,
            })
            .collect();
        let name = &named.name;
        let cure = nearest(name, names).map_or_else(
            || "give it an entry there".to_owned(),
            |near| format!("did you mean \"{near}\"?"),
        );
        let what =
            format!("when called back it says \"{name}\", which no entry of login.config takes");
        Some(Problem::new(named.line, what, cure))
    }

    /// Nothing of the above.
    fn unexplained(&self) -> Problem {
        let story = self.story;
        let line = story.ended_line;
        let what = match &story.ended {
            Some((_, Ended::Well)) if story.promised.is_none() => {
                "it comes to its end without having asked for a callback".to_owned()
            }
            Some((_, Ended::Well)) => "it comes to its end before it is called back".to_owned(),
            Some((_, Ended::TimedOut)) => "what it waited for did not come in time".to_owned(),
            Some((_, Ended::Aborted { text })) => format!("it gives up at \"{text}\""),
            Some((_, Ended::Halted)) => "it gives up by itself (halt)".to_owned(),
            Some((_, Ended::CarrierLost)) => "the line is lost".to_owned(),
            Some((_, Ended::Faulty { message })) => message.clone(),
            Some((_, Ended::Stopped)) | None => "it does not come to its end".to_owned(),
        };
        let cause = match (&story.given_up, story.tries.last()) {
            (Some(why), _) => format!("the server gave the callback up: {why}"),
            (None, Some((_, cause))) => format!("the server's last try: {}", cause_words(*cause)),
            (None, None) => match story.request_ended {
                Some((_, cause)) => {
                    format!("the server ended the first call: {}", cause_words(cause))
                }
                None => String::new(),
            },
        };
        Problem::new(line, what, cause)
    }
}

const fn cause_words(cause: Cause) -> &'static str {
    match cause {
        Cause::UserRequest => "the caller was done",
        Cause::LostCarrier => "carrier lost",
        Cause::LostService => "the service ended",
        Cause::IdleTimeout => "idle too long",
        Cause::SessionTimeout => "time over",
        Cause::AdminReset | Cause::AdminReboot => "an operator ended it",
        Cause::PortError | Cause::Stuck => "port or modem failed",
        Cause::NasError => "the server failed",
        Cause::ServiceUnavailable => "no such service, or refused",
        Cause::Callback => "in order to call back",
        Cause::UserError => "no sense in what the caller sent",
        Cause::Busy => "busy",
        Cause::NoAnswer => "no answer",
        Cause::NoDialtone => "no dial tone",
        Cause::NoCarrier => "no modem answered",
        Cause::Barred => "the modem would not dial it now",
        Cause::Glare => "it rang at that moment",
        Cause::Abandoned => "the caller stopped ringing",
        Cause::Screened => "not answered on purpose",
        Cause::TooSoon => "somebody was on the line before the number was dialled",
    }
}

/// A screen as lines of text.
fn printable(screen: &[u8]) -> String {
    let lines: Vec<String> = screen
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .filter(|line| !line.is_empty())
        .map(readable)
        .collect();
    lines.join("\n")
}
