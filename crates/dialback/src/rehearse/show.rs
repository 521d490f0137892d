//! A rehearsal as three columns for people, and as JSON lines for programs.

use std::io::{self, Write};

use calls::config::Action;
use proto::time::Instant;
use serde_json::{Value, json};
use sim::rehearsal::fact::{ScriptStep, readable};
use sim::rehearsal::{Problem, Rehearsal, Setup};
use sim::world::{Fact, Taped};

use super::Kind;
use super::read::Text;
use super::words;
use crate::out::{self, Ink, Palette};
use crate::sheet::{self, Column, Glyphs, Sheet};

/// For people.
pub(super) fn for_people(
    rehearsal: &Rehearsal,
    text: &Text,
    kind: Kind,
    setup: &Setup,
) -> io::Result<()> {
    let palette = Palette::stdout();
    let mut sheet = Sheet::new(out::Stdout, sheet::width(), palette, Glyphs::of_locale());
    let number = &rehearsal.caller_number;
    let server = setup.config.server.host.as_str();
    let caller = format!("{} and screen, {number}", text.name());
    sheet.heading([&caller, "modems and exchange", server])?;
    let mut columns = Columns { sheet, began: rehearsal.began, sent: String::new() };
    for taped in &rehearsal.tape {
        columns.show(taped)?;
    }
    columns.sheet.end_row()?;
    verdict(&mut columns.sheet, rehearsal, text, kind, setup)
}

/// The columns, and what of the past they need.
struct Columns<W> {
    sheet: Sheet<W>,
    began: Instant,
    /// What the caller has sent since he last heard something: its echo is not told again as what the server says.
    sent: String,
}

impl<W: Write> Columns<W> {
    fn show(&mut self, taped: &Taped) -> io::Result<()> {
        let ms = since(self.began, taped.at);
        match &taped.fact {
            Fact::Screen(bytes) => {
                let text: String = String::from_utf8_lossy(bytes)
                    .chars()
                    .filter(|c| *c == '\n' || !c.is_control())
                    .collect();
                self.sheet.stream(ms, Column::Caller, Ink::Plain, &text)
            }
            Fact::Script(told) => {
                match &told.step {
                    ScriptStep::Sends { text } => {
                        self.sent.push_str(text.as_deref().unwrap_or_default());
                    }
                    // What comes after it is an answer.
                    ScriptStep::Heard { .. } => self.sent.clear(),
                    ScriptStep::Waits { .. }
                    | ScriptStep::NotHeard
                    | ScriptStep::Pauses { .. }
                    | ScriptStep::Sets { .. }
                    | ScriptStep::Ended(_) => {}
                }
                self.tell(ms, Column::Caller, words::of_script(told))
            }
            Fact::Town(event) => self.tell(ms, Column::Town, words::of_town(event)),
            Fact::Journal(entry) => self.tell(ms, Column::Server, words::of_event(&entry.event)),
            Fact::Said(_, bytes) => {
                let lines: Vec<String> = bytes
                    .split(|byte| matches!(byte, b'\r' | b'\n'))
                    .map(|line| readable(line).trim_end().to_owned())
                    // One byte is the echo of a key.
                    .filter(|line| line.len() > 1 && !self.sent.contains(line.as_str()))
                    .collect();
                for line in lines {
                    let told = Some((Ink::Dim, format!("says \"{line}\"")));
                    self.tell(ms, Column::Server, told)?;
                }
                Ok(())
            }
        }
    }

    fn tell(&mut self, ms: u64, column: Column, told: Option<(Ink, String)>) -> io::Result<()> {
        match told {
            Some((ink, text)) => self.sheet.text(ms, column, ink, &text),
            None => Ok(()),
        }
    }
}

fn since(began: Instant, at: Instant) -> u64 {
    at.as_millis().saturating_sub(began.as_millis())
}

fn verdict<W: Write>(
    sheet: &mut Sheet<W>,
    rehearsal: &Rehearsal,
    text: &Text,
    kind: Kind,
    setup: &Setup,
) -> io::Result<()> {
    let verdict = &rehearsal.verdict;
    sheet.line(Ink::Plain, " ")?;
    if verdict.came_through {
        let after = verdict.called_back_ms.unwrap_or_default();
        let said = format!(
            "The callback comes through: connected again {} seconds after the first command.",
            after / 1_000
        );
        sheet.line(Ink::Green, &said)?;
    } else {
        sheet.line(Ink::Red, "No callback.")?;
    }
    for problem in &verdict.problems {
        problem_lines(sheet, Ink::Red, problem, text)?;
    }
    for note in &verdict.notes {
        problem_lines(sheet, Ink::Yellow, note, text)?;
    }
    if kind == Kind::Chat
        && let Some(line) = text.dos_line()
    {
        let note = Problem {
            line: Some(line),
            what:
                "the file has DOS line ends, and chat takes each CR for a letter of the last word"
                    .to_owned(),
            cure: Some("save it with Unix line ends: sed -i 's/\\r$//'".to_owned()),
        };
        problem_lines(sheet, Ink::Yellow, &note, text)?;
    }
    sheet.line(Ink::Plain, " ")?;
    sheet.line(Ink::Dim, &simulated(setup))
}

fn problem_lines<W: Write>(
    sheet: &mut Sheet<W>,
    ink: Ink,
    problem: &Problem,
    text: &Text,
) -> io::Result<()> {
    let place = match problem.line {
        Some(line) => format!("{}:{line}: ", text.name()),
        None => String::new(),
    };
    sheet.line(ink, &format!("{place}{}", problem.what))?;
    if let Some((number, line)) = problem.line.and_then(|number| Some((number, text.line(number)?)))
    {
        sheet.line(Ink::Plain, &format!("{number:>5} | {line}"))?;
    }
    match &problem.cure {
        Some(cure) => sheet.line(Ink::Cyan, &format!("      = {cure}")),
        None => Ok(()),
    }
}

/// What was not real.
fn simulated(setup: &Setup) -> String {
    let mut programs: Vec<String> = Vec::new();
    for entry in &setup.config.entries {
        if let Action::Program { path, .. } = &entry.action {
            let path = path.display().to_string();
            if !programs.contains(&path) {
                programs.push(path);
            }
        }
    }
    let programs = match programs.as_slice() {
        [] => String::new(),
        programs => format!(", {}", programs.join(", ")),
    };
    format!("Simulated: the telephone network, all modems{programs}. Real: the server's decisions.")
}

/// For programs.
pub(super) fn as_json(rehearsal: &Rehearsal) -> io::Result<()> {
    for taped in &rehearsal.tape {
        let ms = since(rehearsal.began, taped.at);
        let (source, fact) = match &taped.fact {
            Fact::Town(event) => ("town", serde_json::to_value(event)?),
            Fact::Journal(entry) => ("journal", serde_json::to_value(&entry.event)?),
            Fact::Said(line, bytes) => ("said", json!({"line": line, "text": readable(bytes)})),
            Fact::Screen(bytes) => ("screen", json!({"text": readable(bytes)})),
            Fact::Script(told) => ("script", serde_json::to_value(told)?),
        };
        json_line(ms, source, fact)?;
    }
    let ms = rehearsal.tape.last().map_or(0, |taped| since(rehearsal.began, taped.at));
    json_line(ms, "verdict", serde_json::to_value(&rehearsal.verdict)?)
}

fn json_line(ms: u64, source: &str, fact: Value) -> io::Result<()> {
    let mut object = serde_json::Map::new();
    object.insert("ms".to_owned(), json!(ms));
    object.insert("source".to_owned(), json!(source));
    if let Value::Object(fields) = fact {
        object.extend(fields);
    }
    match out::line(Value::Object(object)) {
        true => Ok(()),
        false => Err(io::ErrorKind::BrokenPipe.into()),
    }
}
