//! How facts are shown: in columns for people, as JSON lines for programs.

use std::io::{self, Write};

use calls::record::Record;
use calls::vocabulary::Event;
use serde::Serialize;
use sim::exchange::event::TownEvent;

use super::fact::{Fact, What};
use super::words::{self, TownWords};
use crate::cli::{Columns, call_table};
use crate::out::{Ink, Palette, Stdout};
use crate::sheet::{self, Column, Glyphs, Sheet};

/// What else there is to see.
const MORE: &str =
    "More: demo --variant fixed, refused or busy; demo --speed 1; demo --interactive.";

/// Who shows.
#[derive(Debug)]
pub(super) enum Show {
    /// Columns.
    People(Box<People>),
    /// JSON lines; the screen's line so far.
    Json { screen: Option<(u64, String)> },
}

impl Show {
    /// Columns for the terminal on stdout, or for a file.
    pub(super) fn people(screen: bool) -> Self {
        let palette = Palette::stdout();
        let sheet = Sheet::new(Stdout, sheet::width(), palette, Glyphs::of_locale());
        Self::People(Box::new(People {
            sheet,
            palette,
            screen,
            records: Vec::new(),
            commanded: false,
            training: false,
            waiting: false,
            was_ready: false,
        }))
    }

    /// JSON lines.
    pub(super) const fn json() -> Self {
        Self::Json { screen: None }
    }

    /// What there is to know before it begins: for people only.
    pub(super) fn opening(&mut self, text: &str, columns: [&str; 3]) -> io::Result<()> {
        match self {
            Self::People(people) => {
                for line in text.lines() {
                    people.sheet.line(Ink::Plain, line)?;
                }
                people.sheet.line(Ink::Plain, " ")?;
                people.sheet.heading(columns)
            }
            Self::Json { .. } => Ok(()),
        }
    }

    /// Shows a fact. An error: nobody reads any more.
    pub(super) fn show(&mut self, fact: &Fact) -> io::Result<()> {
        match self {
            Self::People(people) => people.show(fact),
            Self::Json { screen } => as_json(screen, fact),
        }
    }
}

/// Columns, and what of the past they need.
#[derive(Debug)]
pub(super) struct People {
    sheet: Sheet<Stdout>,
    palette: Palette,
    /// Whether the caller's screen is seen here.
    screen: bool,
    records: Vec<Record>,
    /// The last thing in the middle is a command that waits for its answer.
    commanded: bool,
    /// The last thing in the middle is that the modems train.
    training: bool,
    /// The last thing on the right is a wait.
    waiting: bool,
    /// The server's modem has been set up before: how it is done again is not told.
    was_ready: bool,
}

impl People {
    fn show(&mut self, fact: &Fact) -> io::Result<()> {
        let ms = fact.ms;
        match &fact.what {
            What::Scene { scene } => self.sheet.title(scene),
            What::Screen { text, typed } => {
                let ink = if *typed { Ink::Cyan } else { Ink::Plain };
                self.sheet.stream(ms, Column::Caller, ink, text)
            }
            What::Said { text } => {
                self.waiting = false;
                self.sheet.glimpse(ms, Column::Server, Ink::Dim, &format!("> {text}"))
            }
            What::Town(event) => self.town(ms, event),
            What::Journal(entry) => {
                self.was_ready |= matches!(entry.event, Event::LineReady { .. });
                match words::of_event(&entry.event) {
                    Some((ink, text)) => self.server(ms, ink, &text),
                    None => Ok(()),
                }
            }
            What::Waits { why, .. } => self.server(ms, Ink::Yellow, why),
            What::StillWaits { seconds } => match std::mem::replace(&mut self.waiting, true) {
                true => self.sheet.more(ms, Column::Server, Ink::Yellow, &format!(" {seconds}")),
                false => {
                    let text = format!("dials in {seconds}");
                    self.sheet.stream(ms, Column::Server, Ink::Yellow, &text)
                }
            },
            What::StillTrain if self.training => self.sheet.more(ms, Column::Town, Ink::Dim, "~"),
            What::StillTrain => Ok(()),
            What::Record(record) => {
                self.records.push(record.as_ref().clone());
                Ok(())
            }
            What::End { ok, text } => self.end(*ok, text),
        }
    }

    fn server(&mut self, ms: u64, ink: Ink, text: &str) -> io::Result<()> {
        self.waiting = false;
        self.sheet.text(ms, Column::Server, ink, text)
    }

    fn town(&mut self, ms: u64, event: &TownEvent) -> io::Result<()> {
        let told = words::of_town(event, self.screen, self.was_ready);
        let answers = std::mem::take(&mut self.commanded);
        self.training = false;
        match told {
            TownWords::None => Ok(()),
            TownWords::Command(ink, text) => {
                self.commanded = true;
                self.sheet.text(ms, Column::Town, ink, &text)
            }
            TownWords::Training(ink, text) => {
                self.training = true;
                self.sheet.stream(ms, Column::Town, ink, &text)
            }
            TownWords::Caller(ink, text) => self.sheet.text(ms, Column::Caller, ink, &text),
            TownWords::Answer(ink, text) if answers => {
                self.sheet.more(ms, Column::Town, ink, &format!(" {text}"))
            }
            TownWords::Answer(..) => Ok(()),
            TownWords::Line(ink, text) => self.sheet.text(ms, Column::Town, ink, &text),
        }
    }

    fn end(&mut self, ok: bool, text: &str) -> io::Result<()> {
        if !self.records.is_empty() {
            self.sheet.title("What `dialback calls` says of it")?;
            let narrow = self.sheet.width() < sheet::PLAIN_WIDTH;
            let columns = if narrow { Columns::Few } else { Columns::All };
            let table = call_table(self.palette, &self.records, columns);
            Stdout.write_all(table.as_bytes())?;
            Stdout.flush()?;
        }
        self.sheet.line(Ink::Plain, " ")?;
        match ok {
            true => self.sheet.line(Ink::Green, text)?,
            // Why is told on stderr, by the program's end.
            false => self.sheet.line(Ink::Red, "The demo failed.")?,
        }
        if ok && self.screen { self.sheet.line(Ink::Dim, MORE) } else { Ok(()) }
    }
}

fn as_json(screen: &mut Option<(u64, String)>, fact: &Fact) -> io::Result<()> {
    let What::Screen { text, .. } = &fact.what else {
        screen_line(screen)?;
        return json_line(fact);
    };
    for piece in text.split_inclusive('\n') {
        let line = piece.trim_end_matches('\n');
        if !line.is_empty() {
            screen.get_or_insert_with(|| (fact.ms, String::new())).1.push_str(line);
        }
        if piece.ends_with('\n') {
            screen_line(screen)?;
        }
    }
    Ok(())
}

/// What a line of the caller's screen looks like in JSON.
#[derive(Serialize)]
struct ScreenLine<'a> {
    ms: u64,
    source: &'static str,
    text: &'a str,
}

fn screen_line(screen: &mut Option<(u64, String)>) -> io::Result<()> {
    match screen.take() {
        Some((ms, text)) => json_line(&ScreenLine { ms, source: "screen", text: &text }),
        None => Ok(()),
    }
}

fn json_line(value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(value).map_err(io::Error::other)?;
    writeln!(Stdout, "{text}")?;
    Stdout.flush()
}
