//! `dialback top` on the screen: tables that fit whatever size the terminal has.
//!
//! ```text
//!   dialback  12 lines: 9 idle, 2 online, 1 faulted   3 promises          19:06:18
//!   LINE   STATE   FOR   NUMBER   CALL   WHO   DETAIL                     the lines
//!   idle > ringing > answering > ONLINE > hanging up                      the chosen one's way
//!   PROMISE  USER  NUMBER  STATE  DUE IN  ..                              only if there are any
//!   19:06:18.123  main  c12  rings (caller 5550199)                       what happens
//!   ? help  q quit  h hang up ..                                          keys, question, or answer
//! ```

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use calls::status::{Line, Promise, Status};
use calls::vocabulary::{Leg, Wall};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line as Text, Span};
use ratatui::widgets::{Cell, Clear, Paragraph, Row, Table, TableState};

use super::board::{Board, Mode, Pane, question};
use crate::clock::{lasted, written_short};
use crate::log::Tone;
use crate::out::Palette;

/// The way of a call that comes in, and of one that goes out.
const IN: [&str; 5] = ["idle", "ringing", "answering", "online", "hanging-up"];
const OUT: [&str; 5] = ["idle", "preparing", "dialling", "online", "hanging-up"];
/// The way into service.
const UP: [&str; 5] = ["opening", "claiming", "initialising", "idle", "checking"];

const KEYS: &str = "? help  q quit  h hang up  b busy out  r reset  tab promises  c cancel  n now";

const HELP: [&str; 13] = [
    "up, down, j, k    choose a line, or a promise",
    "page up, page down, home, end",
    "tab               from the lines to the promises and back",
    "f                 only events of the chosen line, or all",
    "",
    "h                 hang up the call on the chosen line",
    "b                 take the line out of service (callers find it busy), or put it back",
    "r                 reset the line: end any call, begin anew with port and modem",
    "c                 cancel the chosen promise",
    "n                 call back for the chosen promise now",
    "",
    "q, escape         leave; the server goes on",
    "Orders need root's rights, or those of the server's user, and are journalled.",
];

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, board: &mut Board, palette: Palette, now: Instant) {
    let paint = Paint(palette.coloured());
    let area = frame.area();
    let Some(status) = board.status.clone() else {
        frame.render_widget(Paragraph::new("asking the server ..."), area);
        return;
    };
    let promises = u16::try_from(status.promises.len()).unwrap_or(u16::MAX);
    let promises = if promises == 0 { 0 } else { (promises + 1).min(area.height / 4).max(2) };
    let lines = u16::try_from(status.lines.len() + 1).unwrap_or(u16::MAX);
    let spare = area.height.saturating_sub(promises + 5);
    // Events get a third at least; a few lines do not take more than they need.
    let lines = lines.min(spare - spare / 3).max(2);
    let [title, table, way, owed, events, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(lines),
        Constraint::Length(2),
        Constraint::Length(promises),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(area);
    board.page = usize::from(table.height.saturating_sub(1)).max(1);
    frame.render_widget(Paragraph::new(heading(&status, status.at + board.age(now), paint)), title);
    line_table(frame, table, board, &status, paint, now);
    let leg = |line: &Line| {
        status.calls.iter().find(|call| Some(call.call) == line.call).map(|call| call.leg)
    };
    let path = board.chosen_line().map(|line| path(line, leg(line), paint)).unwrap_or_default();
    frame.render_widget(Paragraph::new(vec![path, Text::default()]), way);
    if promises > 0 {
        promise_table(frame, owed, board, &status, paint, now);
    }
    event_list(frame, events, board, paint);
    frame.render_widget(Paragraph::new(footer(board, paint)), foot);
    if board.mode == Mode::Help {
        help(frame, area, paint);
    }
}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn ink(self, colour: Color) -> Style {
        if self.0 { Style::new().fg(colour) } else { Style::new() }
    }

    fn dim(self) -> Style {
        if self.0 { Style::new().add_modifier(Modifier::DIM) } else { Style::new() }
    }

    fn state(self, state: &str) -> Style {
        match state {
            "idle" => self.ink(Color::Green),
            "faulted" => self.ink(Color::Red),
            "lent" | "hanging-up" | "busying-out" | "busied-out" | "measuring" => {
                self.ink(Color::Yellow)
            }
            "online" | "ringing" | "answering" | "dialling" => self.ink(Color::Cyan),
            _ => Style::new(),
        }
    }

    fn chosen(self, here: bool) -> Style {
        if here { Style::new().add_modifier(Modifier::REVERSED) } else { self.dim() }
    }
}

/// `now`: what time it is where the server is.
fn heading(status: &Status, now: Wall, paint: Paint) -> Text<'static> {
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &status.lines {
        *states.entry(line.state.as_str()).or_default() += 1;
    }
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut spans = vec![Span::styled("dialback", bold), Span::raw("  ")];
    if let Some(fault) = &status.store_fault {
        let told = format!("THE JOURNAL CAN'T BE WRITTEN: {fault}");
        spans.push(Span::styled(told, paint.ink(Color::Red)));
        return Text::from(spans);
    }
    if status.stopping {
        spans.push(Span::styled("stopping  ", paint.ink(Color::Yellow)));
    }
    spans.push(Span::raw(format!("{}:", counted(status.lines.len(), "line"))));
    for (at, (state, count)) in states.into_iter().enumerate() {
        let comma = if at == 0 { " " } else { ", " };
        spans.push(Span::raw(comma));
        spans.push(Span::styled(format!("{count} {state}"), paint.state(state)));
    }
    spans.push(Span::raw(format!("  {}", counted(status.promises.len(), "promise"))));
    spans.push(Span::styled(format!("  {}", written_short(now)), paint.dim()));
    Text::from(spans)
}

fn counted(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

fn line_table(
    frame: &mut Frame<'_>,
    area: Rect,
    board: &Board,
    status: &Status,
    paint: Paint,
    now: Instant,
) {
    let age = board.age(now);
    let (first, shown) = window(board.line, status.lines.len(), area);
    // On a narrow terminal the state matters most.
    let wide = area.width >= 60;
    let rows = status.lines.iter().skip(first).take(shown).map(|line| {
        let session = status.sessions.iter().find(|session| Some(session.call) == line.call);
        let who = session.map_or_else(String::new, |session| {
            let service = session.phase.as_deref().unwrap_or(&session.service);
            match &session.name {
                Some(name) => format!("{name} ({service})"),
                None => service.to_owned(),
            }
        });
        let detail = line.detail.as_deref().map_or(who, clean);
        let mut cells = vec![
            Cell::from(line.line.clone()),
            Cell::from(Span::styled(line.state.clone(), paint.state(&line.state))),
            Cell::from(lasted(Duration::from_millis(line.for_ms) + age)),
        ];
        if wide {
            cells.push(Cell::from(line.number.clone().unwrap_or_default()));
            cells.push(Cell::from(line.call.map_or_else(String::new, |call| call.to_string())));
        }
        cells.push(Cell::from(detail));
        Row::new(cells)
    });
    let longest = |of: fn(&Line) -> usize, heading: &str| {
        let longest = status.lines.iter().map(of).max().unwrap_or(0).clamp(heading.len(), 24);
        Constraint::Length(u16::try_from(longest).unwrap_or(24))
    };
    let mut widths = vec![
        longest(|line| line.line.chars().count(), "LINE"),
        Constraint::Length(12),
        Constraint::Length(9),
    ];
    let mut heading = vec!["LINE", "STATE", "FOR"];
    if wide {
        widths.push(longest(|line| line.number.as_ref().map_or(0, String::len), "NUMBER"));
        widths.push(Constraint::Length(7));
        heading.extend(["NUMBER", "CALL"]);
    }
    widths.push(Constraint::Fill(1));
    heading.push("WHO, OR WHAT IS WRONG");
    let heading = Row::new(heading);
    let table = Table::new(rows, widths)
        .header(heading.style(paint.dim()))
        .row_highlight_style(paint.chosen(board.pane == Pane::Lines));
    let mut state = TableState::new().with_selected(board.line.checked_sub(first));
    frame.render_stateful_widget(table, area, &mut state);
}

fn promise_table(
    frame: &mut Frame<'_>,
    area: Rect,
    board: &Board,
    status: &Status,
    paint: Paint,
    now: Instant,
) {
    let age = board.age(now);
    let left = |ms: u64| lasted(Duration::from_millis(ms).saturating_sub(age));
    let (first, shown) = window(board.promise, status.promises.len(), area);
    let wide = area.width >= 60;
    let rows = status.promises.iter().skip(first).take(shown).map(|promise: &Promise| {
        let mut cells = vec![
            Cell::from(promise.promise.to_string()),
            Cell::from(promise.user.clone()),
            Cell::from(Span::styled(promise.state.clone(), paint.ink(Color::Cyan))),
            Cell::from(promise.due_ms.map_or_else(String::new, left)),
        ];
        if wide {
            cells.push(Cell::from(promise.numbers.join(", ")));
            cells.push(Cell::from(format!("{}/{}", promise.failed, promise.tries)));
            cells.push(Cell::from(left(promise.expires_ms)));
            cells
                .push(Cell::from(promise.line.clone().unwrap_or_else(|| promise.lines.join(", "))));
        }
        Row::new(cells)
    });
    let mut widths = vec![
        Constraint::Length(7),
        Constraint::Length(12),
        Constraint::Length(8),
        Constraint::Length(8),
    ];
    let mut heading = vec!["PROMISE", "USER", "STATE", "DUE IN"];
    if wide {
        widths.extend([
            Constraint::Length(15),
            Constraint::Length(6),
            Constraint::Length(8),
            Constraint::Fill(1),
        ]);
        heading.extend(["NUMBER", "FAILED", "EXPIRES", "ON"]);
    }
    let table = Table::new(rows, widths)
        .header(Row::new(heading).style(paint.dim()))
        .row_highlight_style(paint.chosen(board.pane == Pane::Promises));
    let mut state = TableState::new().with_selected(board.promise.checked_sub(first));
    frame.render_stateful_widget(table, area, &mut state);
}

/// The rows to show: the first of them, and how many; the chosen one is among them.
fn window(chosen: usize, count: usize, area: Rect) -> (usize, usize) {
    let shown = usize::from(area.height.saturating_sub(1)).max(1);
    let first = (chosen + 1).saturating_sub(shown).min(count.saturating_sub(shown));
    (first, shown)
}

/// The line's states as a way, with the one it is in. A call that goes out was never rung.
fn path(line: &Line, leg: Option<Leg>, paint: Paint) -> Text<'static> {
    let here = line.state.as_str();
    let way: &[&str] = match here {
        "preparing" | "dialling" => &OUT,
        _ if leg == Some(Leg::Return) && OUT.contains(&here) => &OUT,
        _ if IN.contains(&here) => &IN,
        _ if UP.contains(&here) => &UP,
        _ => &[],
    };
    let name = Span::styled(format!("{}: ", line.line), paint.dim());
    if way.is_empty() {
        let detail = line.detail.as_deref().map(clean).unwrap_or_default();
        return Text::from(vec![
            name,
            Span::styled(here.replace('-', " ").to_uppercase(), paint.state(here)),
            Span::raw(if detail.is_empty() { detail } else { format!(": {detail}") }),
        ]);
    }
    let mut spans = vec![name];
    for (at, state) in way.iter().enumerate() {
        if at > 0 {
            spans.push(Span::styled(" > ", paint.dim()));
        }
        let word = state.replace('-', " ");
        spans.push(if *state == here {
            let style = paint.state(here).add_modifier(Modifier::BOLD);
            Span::styled(word.to_uppercase(), style)
        } else {
            Span::styled(word, paint.dim())
        });
    }
    Text::from(spans)
}

fn event_list(frame: &mut Frame<'_>, area: Rect, board: &Board, paint: Paint) {
    let only = board.chosen_line().filter(|_| board.only_line).map(|line| line.line.as_str());
    let wanted = board.events.iter().rev().filter(|told| only.is_none_or(|line| told.line == line));
    let mut rows: Vec<Text<'_>> = wanted
        .take(usize::from(area.height))
        .map(|told| {
            let ink = match told.tone {
                Tone::Plain => Style::new(),
                Tone::Good => paint.ink(Color::Green),
                Tone::Notice => paint.ink(Color::Yellow),
                Tone::Bad => paint.ink(Color::Red),
            };
            // The day is known.
            let time = told.time.split_once(' ').map_or(told.time.as_str(), |(_, time)| time);
            Text::from(vec![
                Span::styled(format!("{time}  "), paint.dim()),
                Span::styled(format!("{:<8}  ", told.line), paint.ink(Color::Cyan)),
                Span::raw(format!("{:<5}  ", told.id)),
                Span::styled(clean(&told.text), ink),
            ])
        })
        .collect();
    rows.reverse();
    frame.render_widget(Paragraph::new(rows), area);
}

fn footer(board: &Board, paint: Paint) -> Text<'static> {
    match (&board.mode, &board.answer) {
        (Mode::Asking(command), _) => {
            let text = format!("{} y: yes, any other key: no", question(command));
            Text::from(Span::styled(text, paint.ink(Color::Yellow)))
        }
        (Mode::Watching | Mode::Help, Some((answer, refused))) => {
            let ink = if *refused { Color::Red } else { Color::Green };
            Text::from(Span::styled(answer.clone(), paint.ink(ink)))
        }
        (Mode::Watching | Mode::Help, None) => Text::from(Span::styled(KEYS, paint.dim())),
    }
}

fn help(frame: &mut Frame<'_>, area: Rect, paint: Paint) {
    let height = u16::try_from(HELP.len()).unwrap_or(u16::MAX).min(area.height);
    let width = 84.min(area.width);
    let at = Rect { x: (area.width - width) / 2, y: (area.height - height) / 2, width, height };
    frame.render_widget(Clear, at);
    let lines: Vec<Text<'_>> = HELP.iter().map(|line| Text::from(format!(" {line}"))).collect();
    let style = if paint.0 { Style::new().bg(Color::DarkGray) } else { Style::new() };
    frame.render_widget(Paragraph::new(lines).style(style), at);
}

/// What callers and devices sent must not drive the operator's terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
