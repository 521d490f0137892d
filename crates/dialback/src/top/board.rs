//! What `dialback top` knows and what its keys mean. It draws nothing and reads nothing.
//!
//! ```text
//!   Watching ── h, r, c ──► Asking(order) ── y ──► Watching, with the order given
//!      │ ?  ▲                   └──── any other key ──► Watching
//!      ▼    │ any key
//!     Help ─┘
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use calls::status::{Line, Promise, Status};
use calls::vocabulary::{Command, Entry};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::control::standing::News;
use crate::log::{LinesOfCalls, Told, told};

/// Events kept for the screen: more than the tallest terminal shows.
const EVENTS: usize = 500;

/// Which of the tables the keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pane {
    /// The lines.
    Lines,
    /// The open promises.
    Promises,
}

/// What the keyboard does just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Looking, and choosing.
    Watching,
    /// An order waits for `y`.
    Asking(Command),
    /// The keys are explained.
    Help,
}

/// What a key has asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing but another look.
    None,
    /// Give this order.
    Order(Command),
    /// The end.
    Quit,
}

/// Everything on the screen.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) status: Option<Box<Status>>,
    /// When it was so.
    pub(super) seen: Instant,
    pub(super) events: VecDeque<Told>,
    lines_of_calls: LinesOfCalls,
    pub(super) pane: Pane,
    pub(super) mode: Mode,
    /// The chosen row of each table.
    pub(super) line: usize,
    pub(super) promise: usize,
    /// Only events of the chosen line.
    pub(super) only_line: bool,
    /// The last answer, and whether it was a no.
    pub(super) answer: Option<(String, bool)>,
    /// Rows that a page has.
    pub(super) page: usize,
}

impl Board {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            status: None,
            seen: now,
            events: VecDeque::new(),
            lines_of_calls: LinesOfCalls::default(),
            pane: Pane::Lines,
            mode: Mode::Watching,
            line: 0,
            promise: 0,
            only_line: false,
            answer: None,
            page: 10,
        }
    }

    /// How everything stands now.
    pub(super) fn stands(&mut self, status: Box<Status>, now: Instant) {
        self.news(News::Whole(status), now);
    }

    /// How it stands now, or what stands otherwise.
    pub(super) fn news(&mut self, news: News, now: Instant) {
        // The chosen one stays chosen when others come and go.
        let name = self.chosen_line().map(|line| line.line.clone());
        let id = self.chosen_promise().map(|promise| promise.promise);
        let status = self.status.get_or_insert_default();
        news.apply(status);
        let line = status.lines.iter().position(|line| Some(&line.line) == name.as_ref());
        let promise = status.promises.iter().position(|p| Some(p.promise) == id);
        self.line = line.unwrap_or(self.line).min(status.lines.len().saturating_sub(1));
        self.promise = promise.unwrap_or(self.promise).min(status.promises.len().saturating_sub(1));
        if status.promises.is_empty() {
            self.pane = Pane::Lines;
        }
        self.seen = now;
    }

    /// Something happened.
    pub(super) fn happened(&mut self, entry: &Entry) {
        if self.events.len() == EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(told(&mut self.lines_of_calls, entry));
    }

    pub(super) fn chosen_line(&self) -> Option<&Line> {
        self.status.as_ref()?.lines.get(self.line)
    }

    pub(super) fn chosen_promise(&self) -> Option<&Promise> {
        self.status.as_ref()?.promises.get(self.promise)
    }

    /// How long ago the status was so.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.seen)
    }

    /// What a key means.
    #[expect(clippy::wildcard_enum_match_arm, reason = "any other key is a no")]
    pub(super) fn key(&mut self, key: KeyEvent) -> Wish {
        let interrupted =
            key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
        if interrupted {
            return Wish::Quit;
        }
        match std::mem::replace(&mut self.mode, Mode::Watching) {
            Mode::Help => Wish::None,
            Mode::Asking(command) => match key.code {
                KeyCode::Char('y' | 'Y') => Wish::Order(command),
                _ => {
                    self.answer = Some(("nothing was done".to_owned(), false));
                    Wish::None
                }
            },
            Mode::Watching => self.key_while_watching(key),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other keys mean nothing here")]
    fn key_while_watching(&mut self, key: KeyEvent) -> Wish {
        self.answer = None;
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Wish::Quit,
            KeyCode::Char('?') => self.mode = Mode::Help,
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::PageUp => self.go(-i64::try_from(self.page).unwrap_or(10)),
            KeyCode::PageDown => self.go(i64::try_from(self.page).unwrap_or(10)),
            KeyCode::Home => self.go(i64::MIN),
            KeyCode::End => self.go(i64::MAX),
            KeyCode::Tab | KeyCode::BackTab => {
                let some = self.status.as_ref().is_some_and(|status| !status.promises.is_empty());
                self.pane = match self.pane {
                    Pane::Lines if some => Pane::Promises,
                    Pane::Lines | Pane::Promises => Pane::Lines,
                };
            }
            KeyCode::Char('f') => self.only_line = !self.only_line,
            KeyCode::Char(letter) => return self.order(letter),
            _ => {}
        }
        Wish::None
    }

    fn order(&mut self, letter: char) -> Wish {
        let who = String::new();
        let line = self.chosen_line().map(|line| (line.line.clone(), line.state.clone()));
        let promise = self.chosen_promise().map(|promise| promise.promise);
        match (letter, line, promise) {
            ('h', Some((line, _)), _) => self.mode = Mode::Asking(Command::HangUp { who, line }),
            ('r', Some((line, _)), _) => self.mode = Mode::Asking(Command::Reset { who, line }),
            ('b', Some((line, state)), _) => {
                // Harmless, and undone by the same key.
                return Wish::Order(match state.as_str() {
                    "busied-out" | "busying-out" => Command::Restore { who, line },
                    _ => Command::BusyOut { who, line },
                });
            }
            ('c', _, Some(promise)) => self.mode = Mode::Asking(Command::Withdraw { who, promise }),
            ('n', _, Some(promise)) => return Wish::Order(Command::Hurry { who, promise }),
            ('c' | 'n', _, None) => {
                self.answer = Some(("nobody is owed a callback".to_owned(), true));
            }
            _ => {}
        }
        Wish::None
    }

    fn go(&mut self, by: i64) {
        let Some(status) = &self.status else { return };
        let (at, count) = match self.pane {
            Pane::Lines => (&mut self.line, status.lines.len()),
            Pane::Promises => (&mut self.promise, status.promises.len()),
        };
        let last = i64::try_from(count.saturating_sub(1)).unwrap_or(i64::MAX);
        let to = i64::try_from(*at).unwrap_or(0).saturating_add(by).clamp(0, last);
        *at = usize::try_from(to).unwrap_or(0);
    }
}

/// An order in words, as a question.
pub(super) fn question(command: &Command) -> String {
    match command {
        Command::HangUp { line, .. } => format!("hang up the call on {line}?"),
        Command::Reset { line, .. } => format!("end any call on {line} and begin anew with it?"),
        Command::Withdraw { promise, .. } => format!("call nobody back for {promise}?"),
        Command::BusyOut { line, .. } => format!("take {line} out of service?"),
        Command::Restore { line, .. } => format!("put {line} back into service?"),
        Command::Hurry { promise, .. } => format!("call back for {promise} now?"),
        Command::Callback(_) => "call back?".to_owned(),
        Command::CallUser { user, .. } => format!("call {user} back?"),
        Command::Reload { .. } => "read the configuration again?".to_owned(),
        Command::Qualify { line, .. } => format!("record what was measured on {line}?"),
        Command::Measure { line, with, .. } => format!("measure {line} by calls with {with}?"),
        Command::Release { number, .. } => format!("call {number} again?"),
    }
}
