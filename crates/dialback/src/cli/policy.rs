//! `dialback policy`: what the server would say and why, tables of expectations, and what a change of
//! configuration changes for whom. The rules are the server's own (`calls::policy`).
//!
//! It reads configurations as texts: users, programs and ports need not exist on this machine.

use std::path::{Path, PathBuf};

use calls::config::Config;
use calls::config::user::Service;
use calls::policy::cases::{self, Outcome};
use calls::policy::explain::{Explanation, Question, explain, time};
use calls::policy::rights::{self, Change};
use calls::policy::{Counters, Marked, OpenPromises};
use calls::vocabulary::Wall;
use clap::{Args, Subcommand, ValueEnum};
use jiff::tz::TimeZone;

use super::{DEFAULT_CONFIG, Whereabouts};
use crate::clock::wall;
use crate::config;
use crate::control::{Asked, Client};
use crate::exit::{Code, Failure};
use crate::out::{self, Cell, Ink, Palette, table, wrapped};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback policy explain alice                       would alice be called back now, and why?
  dialback policy explain alice --number 5550199 --at 2026-11-23T22:00
  dialback policy test cases.toml                     does the configuration do what it should?
  dialback policy diff /etc/dialback/dialback.toml new/dialback.toml
                                                      whose rights change?")]
pub(super) struct Policy {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tell whether somebody would be called back, and what every rule says
    Explain(Explain),
    /// Run a table of expectations
    Test(Test),
    /// Tell whose rights differ between two configurations
    Diff(Diff),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 0 if the callback would be approved, with 1 if it would be refused.

Examples:
  dialback policy explain alice
  dialback policy explain cback --number 5550199 --line main --from 0301234
  dialback policy explain alice --live            as things stand on the running server
  dialback policy explain alice --service ppp --at 2026-11-23T10:00 --json")]
struct Explain {
    /// The name that the caller gives
    #[arg(value_name = "USER")]
    user: String,
    /// The number that he gives, where he is asked for one or may choose
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// The line that he comes in on [default: the first that answers]
    #[arg(long, value_name = "LINE")]
    line: Option<String>,
    /// What the exchange says of who calls
    #[arg(long, value_name = "CALLER_ID")]
    from: Option<String>,
    /// When, as 2026-11-23T10:00 in the server's time zone, or with an offset behind it [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// What for [default: login if login.config has a callback entry for the name, else ppp]
    #[arg(long, value_enum)]
    service: Option<Use>,
    /// Suppose that he does not prove the name
    #[arg(long)]
    unproved: bool,
    /// Suppose that so many callbacks are open for him already
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    open: u32,
    /// Ask the running server: promises that are open, budgets spent, numbers in quarantine and lines count
    #[arg(long, conflicts_with = "open")]
    live: bool,
    /// The running server's control socket [default: the configuration's, or /run/dialback/control.sock]
    #[arg(long, value_name = "SOCKET", requires = "live", conflicts_with = "config")]
    control: Option<PathBuf>,
    /// The configuration [default: /etc/dialback/dialback.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Show the rules too that have nothing to do with it, or were not reached
    #[arg(long)]
    all: bool,
    /// Show the answer alone
    #[arg(long, conflicts_with_all = ["all", "json"])]
    brief: bool,
    /// One JSON object, with every rule
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Use {
    Login,
    Ppp,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The table is TOML:

  [[case]]
  name   = \"alice is called at home\"
  user   = \"alice\"
  at     = \"2026-11-23T10:00\"
  expect = \"approved\"
  rule   = \"user alice\"

Further keys: number, line, from, service, proves, open, open_in_all, minutes, calls; expected besides: numbers, lines.
Exits with 0 if every case passed, with 1 if one failed, with 78 if a file is faulty.

Examples:
  dialback policy test cases.toml
  dialback policy test --config new/dialback.toml cases.toml")]
struct Test {
    /// The table of expectations
    #[arg(value_name = "CASES")]
    cases: PathBuf,
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    /// Show what every rule says of the cases that fail
    #[arg(long)]
    explain: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 0 if nobody's rights differ, with 1 if somebody's do.

Examples:
  dialback policy diff /etc/dialback/dialback.toml new/dialback.toml
  dialback policy diff --json old.toml new.toml | jq '.[].user'")]
struct Diff {
    /// The configuration as it was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The configuration as it will be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// A JSON list
    #[arg(long)]
    json: bool,
}

impl Policy {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Explain(explain) => explain.run(),
            What::Test(test) => test.run(),
            What::Diff(diff) => diff.run(),
        }
    }
}

/// The configuration, or its faults on stderr.
fn read(path: &Path) -> Result<Config, Failure> {
    let read = config::read_text(path);
    match read.config {
        Some(config) => Ok(config),
        None => {
            out::error_text(&read.rendered(Palette::stderr()));
            Err(Failure::silent(Code::Configuration))
        }
    }
}

/// The zone in which times are meant.
fn zone(config: &Config) -> TimeZone {
    let zone = config.server.time_zone.as_ref();
    zone.map_or_else(TimeZone::system, |zone| zone.time_zone().clone())
}

/// `Mon 2026-11-23 10:00 +01:00`
fn written(at: Wall) -> String {
    let time = jiff::Timestamp::from_millisecond(at.unix_ms).ok();
    let offset = jiff::tz::Offset::from_seconds(at.offset_s).ok();
    match (time, offset) {
        (Some(time), Some(offset)) => {
            let zoned = time.to_zoned(offset.to_time_zone());
            zoned.strftime("%a %Y-%m-%d %H:%M %:z").to_string()
        }
        _ => format!("{} ms", at.unix_ms),
    }
}

/// What an explanation is not that no server gave.
const FROM_CONFIGURATION: &str = "by the configuration alone; --live asks the server what is open, spent, in quarantine and free";

impl Use {
    const fn meant(self) -> Service {
        match self {
            Self::Login => Service::Login,
            Self::Ppp => Service::Ppp,
        }
    }
}

impl Explain {
    fn run(self) -> Result<(), Failure> {
        let (explanation, at) = if self.live { self.asked()? } else { self.computed()? };
        if self.json {
            let json = serde_json::to_string(&explanation)
                .map_err(|e| Failure::new(Code::System, format!("writing JSON: {e}")))?;
            out::line(json);
        } else if self.brief {
            out::line(answer(Palette::stdout(), &explanation));
        } else {
            out::line(self.shown(&explanation, &at).trim_end());
        }
        match explanation.approved {
            true => Ok(()),
            false => Err(Failure::silent(Code::Failed)),
        }
    }

    /// What the running server says, by its own configuration.
    fn asked(&self) -> Result<(Explanation, String), Failure> {
        let server = Whereabouts { control: self.control.clone(), config: self.config.clone() };
        let asked = Asked {
            user: self.user.clone(),
            number: self.number.clone(),
            line: self.line.clone(),
            from: self.from.clone(),
            at: self.at.clone(),
            service: self.service.map(|service| service.meant().word().to_owned()),
            unproved: self.unproved,
        };
        let answer = Client::connect(&server.socket()?)?.explain(asked)?;
        let explanation = serde_json::from_value(answer)
            .map_err(|e| Failure::new(Code::System, format!("the server's answer: {e}")))?;
        // Its zone may be another than ours.
        Ok((explanation, self.at.clone().unwrap_or_else(|| written(wall()))))
    }

    /// What the configuration says.
    fn computed(&self) -> Result<(Explanation, String), Failure> {
        let config = read(self.config.as_deref().unwrap_or(Path::new(DEFAULT_CONFIG)))?;
        let at = match &self.at {
            None => wall(),
            Some(text) => time(text, &zone(&config))
                .map_err(|why| Failure::new(Code::Usage, format!("--at: {why}")))?,
        };
        let question = Question {
            user: &self.user,
            number: self.number.as_deref(),
            line: self.line.as_deref(),
            from: self.from.as_deref(),
            at,
            service: self.service.map(Use::meant),
            proves: !self.unproved,
            counters: Counters {
                open: OpenPromises { by_user: self.open, in_all: self.open },
                ..Counters::default()
            },
            marked: Marked::default(),
        };
        Ok((explain(&config, &question), written(at)))
    }

    /// For people: who asks, what comes before, every rule, the answer.
    fn shown(&self, explanation: &Explanation, at: &str) -> String {
        let palette = Palette::stdout();
        let number = self.number.as_ref().map(|number| format!(" at {number}"));
        let line = explanation.line.as_ref().map(|line| format!(" on line {line}"));
        let mut text = format!(
            "{}{}{}, {}, {}\n",
            palette.paint(Ink::Cyan, &self.user),
            number.unwrap_or_default(),
            line.unwrap_or_default(),
            explanation.service,
            at
        );
        text.push_str(&painted(palette, explanation, self.all));
        if !explanation.live {
            text.push_str(&palette.paint(Ink::Dim, &wrapped(palette, FROM_CONFIGURATION, 2)));
            text.push('\n');
        }
        text
    }
}

/// An explanation, in colours.
fn painted(palette: Palette, explanation: &Explanation, all: bool) -> String {
    let mut text = String::new();
    for line in &explanation.before {
        text.push_str(&palette.paint(Ink::Dim, &wrapped(palette, line, 2)));
        text.push('\n');
    }
    let rows: Vec<Vec<Cell>> = explanation
        .considered
        .iter()
        .filter(|step| all || step.has_a_say())
        .map(|step| {
            let (mark, because) = step.shown();
            let ink = match mark {
                "REFUSES" => Ink::Red,
                "passes" => Ink::Green,
                _ => Ink::Dim,
            };
            let plain = if ink == Ink::Dim { Ink::Dim } else { Ink::Plain };
            vec![
                Cell::inked(ink, mark),
                Cell::inked(plain, step.rule.as_ref()),
                Cell::inked(plain, because),
            ]
        })
        .collect();
    if !rows.is_empty() {
        for row in table(palette.indented(2), &["", "", ""], &rows).lines().skip(1) {
            text.push_str(&format!("  {}", row.trim_end()));
            text.push('\n');
        }
    }
    text.push_str(&answer(palette, explanation));
    text.push('\n');
    for line in &explanation.standing {
        text.push_str(&palette.paint(Ink::Dim, &wrapped(palette, line, 2)));
        text.push('\n');
    }
    text
}

fn answer(palette: Palette, explanation: &Explanation) -> String {
    let ink = if explanation.approved { Ink::Green } else { Ink::Red };
    palette.paint(ink, &wrapped(palette, &explanation.answer(), 2))
}

impl Test {
    fn run(self) -> Result<(), Failure> {
        let config = read(&self.config)?;
        let place = self.cases.display();
        let text = std::fs::read_to_string(&self.cases)
            .map_err(|e| Failure::new(Code::InputOutput, format!("{place}: {e}")))?;
        let outcomes = cases::run(&config, &text, &TimeZone::system())
            .map_err(|why| Failure::new(Code::Configuration, format!("{place}:{why}")))?;
        let palette = Palette::stdout();
        for outcome in &outcomes {
            out::line(self.shown(palette, outcome).trim_end());
        }
        let failed = outcomes.iter().filter(|outcome| !outcome.differences.is_empty()).count();
        out::line(format_args!("{} passed, {failed} failed", outcomes.len() - failed));
        match failed {
            0 => Ok(()),
            _ => Err(Failure::silent(Code::Failed)),
        }
    }

    fn shown(&self, palette: Palette, outcome: &Outcome) -> String {
        let name = &outcome.name;
        if outcome.differences.is_empty() {
            return format!("{}  {name}", palette.paint(Ink::Green, "ok    "));
        }
        let mut text = format!("{}  {name}\n", palette.paint(Ink::Red, "FAILED"));
        for difference in &outcome.differences {
            text.push_str(&format!(
                "        {}:{}: {difference}\n",
                self.cases.display(),
                outcome.line
            ));
        }
        if self.explain {
            for line in painted(palette, &outcome.explanation, false).lines() {
                text.push_str(&format!("        {line}\n"));
            }
        }
        text
    }
}

impl Diff {
    fn run(self) -> Result<(), Failure> {
        let (old, new) = (read(&self.old)?, read(&self.new)?);
        let changes = rights::diff(&old, &new, wall());
        if self.json {
            let json = serde_json::to_string(&changes)
                .map_err(|e| Failure::new(Code::System, format!("writing JSON: {e}")))?;
            out::line(json);
        } else if changes.is_empty() {
            out::line("nobody's rights differ");
        } else {
            out::line(changed(Palette::stdout(), &changes).trim_end());
        }
        match changes.is_empty() {
            true => Ok(()),
            false => Err(Failure::silent(Code::Failed)),
        }
    }
}

fn changed(palette: Palette, changes: &[Change]) -> String {
    let mut text = String::new();
    for Change { user, rights } in changes {
        text.push_str(&palette.paint(Ink::Cyan, user));
        text.push('\n');
        let rows: Vec<Vec<Cell>> = rights
            .iter()
            .map(|(about, before, after)| {
                vec![
                    Cell::from(about.as_str()),
                    Cell::inked(Ink::Red, before.as_str()),
                    Cell::from("->"),
                    Cell::inked(Ink::Green, after.as_str()),
                ]
            })
            .collect();
        for row in table(palette.indented(2), &["", "", "", ""], &rows).lines().skip(1) {
            text.push_str(&format!("  {}\n", row.trim_end()));
        }
    }
    text
}
