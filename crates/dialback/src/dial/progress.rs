//! Tells a person what is happening: on a terminal in place, with the time running; elsewhere a line each; or as
//! JSON events. All of it on stderr: stdout is the session's.

use std::io::{self, IsTerminal, Write as _};
use std::time::Duration;

use proto::dialer::{Leg, Stage};
use proto::time::Instant;
use serde_json::{Value, json};

use crate::out::{Ink, Palette};

/// How the story is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// The last line is written anew as time passes.
    InPlace,
    Lines,
    Json,
    Quiet,
}

/// The teller.
#[derive(Debug)]
pub(crate) struct Progress {
    manner: Manner,
    palette: Palette,
    number: String,
    name: String,
    login: String,
    started: Instant,
    /// What is going on now, since when, and until when at most.
    now: Option<(String, Instant, Option<Instant>)>,
    last_text: String,
}

impl Progress {
    /// Begins; `now` is the time that all others count from.
    pub(crate) fn new(now: Instant, json: bool, quiet: bool) -> Self {
        let manner = match (json, quiet) {
            (true, _) => Manner::Json,
            (false, true) => Manner::Quiet,
            (false, false) if io::stderr().is_terminal() => Manner::InPlace,
            (false, false) => Manner::Lines,
        };
        Self {
            manner,
            palette: Palette::stderr(),
            number: String::new(),
            name: String::new(),
            login: String::new(),
            started: now,
            now: None,
            last_text: String::new(),
        }
    }

    /// Whom the story is about.
    pub(crate) fn about(&mut self, number: &str, name: &str, login: &str) {
        number.clone_into(&mut self.number);
        name.clone_into(&mut self.name);
        login.clone_into(&mut self.login);
    }

    /// A new stage.
    pub(crate) fn stage(&mut self, now: Instant, stage: &Stage) {
        if self.manner == Manner::Json {
            self.event(now, stage);
            return;
        }
        let mut until = None;
        let text = match stage {
            Stage::SettingUp => "setting up the modem".to_owned(),
            Stage::Dialling => format!("dialling {}", self.number),
            Stage::Connected { connect, .. } => match connect.text.as_str() {
                "" => "connected".to_owned(),
                text => format!("connected {text}"),
            },
            Stage::LoggingIn(Leg::Request) if !self.name.is_empty() => {
                format!("asking as {} to be called back", self.name)
            }
            Stage::LoggingIn(_) => format!("logging in as {}", self.login),
            Stage::Leaving => "waiting for the server to hang up".to_owned(),
            Stage::Waiting { until: end, .. } => {
                until = Some(*end);
                "waiting for the call back".to_owned()
            }
            Stage::Ringing => "ringing".to_owned(),
            Stage::Answering => "answering".to_owned(),
            Stage::NotConnected => "no connection came about".to_owned(),
            Stage::HangingUp => "hanging up".to_owned(),
        };
        self.say(now, text, until);
    }

    /// Anything else that goes on.
    pub(crate) fn say(&mut self, now: Instant, text: String, until: Option<Instant>) {
        match self.manner {
            Manner::InPlace => {
                self.settle(now);
                self.now = Some((text, now, until));
                self.tick(now);
            }
            Manner::Lines => {
                let most = until.map(|until| format!(", {} at most", clock(until.since(now))));
                let passed = clock(now.since(self.started));
                self.write(&format!("{passed:>6}  {text}{}\n", most.unwrap_or_default()));
            }
            Manner::Json => {
                let ms = u64::try_from(now.since(self.started).as_millis()).unwrap_or(u64::MAX);
                self.write(&format!("{}\n", json!({"event": "note", "ms": ms, "text": text})));
            }
            Manner::Quiet => {}
        }
    }

    /// A fact with a word of its own in JSON, and what belongs to it.
    pub(crate) fn fact(&mut self, now: Instant, word: &str, text: String, more: &Value) {
        if self.manner != Manner::Json {
            return self.say(now, text, None);
        }
        let ms = u64::try_from(now.since(self.started).as_millis()).unwrap_or(u64::MAX);
        let mut event = json!({"event": word, "ms": ms});
        if let (Some(event), Some(more)) = (event.as_object_mut(), more.as_object()) {
            event.extend(more.clone());
        }
        self.write(&format!("{event}\n"));
    }

    /// What the far end said, a line at a time, with `-v`.
    pub(crate) fn heard(&mut self, now: Instant, text: &[u8]) {
        let text: String = String::from_utf8_lossy(text).into_owned();
        self.last_text.push_str(&text);
        while let Some(end) = self.last_text.find('\n') {
            let line: String = self.last_text.drain(..=end).collect();
            self.heard_line(now, &line);
        }
        // A prompt has no line end; an endless line is cut.
        if self.last_text.ends_with(": ") || self.last_text.len() > 512 {
            let line = std::mem::take(&mut self.last_text);
            self.heard_line(now, &line);
        }
    }

    fn heard_line(&mut self, now: Instant, line: &str) {
        let shown: String = line.trim_end().chars().filter(|c| !c.is_control()).collect();
        if shown.is_empty() {
            return;
        }
        match self.manner {
            Manner::InPlace => {
                let mark = self.palette.paint(Ink::Dim, &format!("        | {shown}"));
                self.write(&format!("\r\x1b[K{mark}\r\n"));
                self.tick(now);
            }
            Manner::Lines => self.write(&format!("        | {shown}\n")),
            Manner::Json => self.write(&format!("{}\n", json!({"event": "heard", "text": shown}))),
            Manner::Quiet => {}
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Instant) {
        let (Manner::InPlace, Some((text, since, until))) = (self.manner, &self.now) else {
            return;
        };
        let running = match until {
            Some(until) => {
                format!("{}/{}", clock(now.since(*since)), clock(until.since(*since)))
            }
            None => clock(now.since(*since)),
        };
        let passed =
            self.palette.paint(Ink::Dim, &format!("{:>6}", clock(since.since(self.started))));
        let running = self.palette.paint(Ink::Yellow, &running);
        self.write(&format!("\r\x1b[K{passed}  {text} {running}"));
    }

    /// When [`Self::tick`] is wanted.
    pub(crate) fn next_tick(&self, now: Instant) -> Option<Instant> {
        let (Manner::InPlace, Some((_, since, _))) = (self.manner, &self.now) else { return None };
        let seconds = now.since(*since).as_secs().saturating_add(1);
        Some(*since + Duration::from_secs(seconds))
    }

    /// The line in place becomes one that stays.
    pub(crate) fn settle(&mut self, now: Instant) {
        let Some((text, since, _)) = self.now.take() else { return };
        let passed =
            self.palette.paint(Ink::Dim, &format!("{:>6}", clock(since.since(self.started))));
        let took = match now.since(since).as_secs() {
            0 => String::new(),
            _ => self.palette.paint(Ink::Dim, &format!(" {}", clock(now.since(since)))),
        };
        self.write(&format!("\r\x1b[K{passed}  {text}{took}\r\n"));
    }

    /// The end, as an event.
    pub(crate) fn ended(&mut self, now: Instant, outcome: &str, detail: &str) {
        self.settle(now);
        if self.manner == Manner::Json {
            let ms = u64::try_from(now.since(self.started).as_millis()).unwrap_or(u64::MAX);
            let event = json!({"event": "ended", "ms": ms, "outcome": outcome, "detail": detail});
            self.write(&format!("{event}\n"));
        }
    }

    fn event(&self, now: Instant, stage: &Stage) {
        let ms = u64::try_from(now.since(self.started).as_millis()).unwrap_or(u64::MAX);
        let mut event = json!({"event": word(stage), "ms": ms});
        let more = match stage {
            Stage::Dialling => json!({"number": self.number}),
            Stage::Connected { leg, connect } => {
                json!({"leg": leg_word(*leg), "connect": connect.text, "speed": connect.speed})
            }
            Stage::LoggingIn(leg) => json!({"leg": leg_word(*leg)}),
            Stage::Waiting { since, until } => json!({"seconds": until.since(*since).as_secs()}),
            Stage::SettingUp
            | Stage::Leaving
            | Stage::Ringing
            | Stage::Answering
            | Stage::NotConnected
            | Stage::HangingUp => json!({}),
        };
        if let (Some(event), Some(more)) = (event.as_object_mut(), more.as_object()) {
            event.extend(more.clone());
        }
        self.write(&format!("{event}\n"));
    }

    #[expect(clippy::unused_self, reason = "the one way out, as a method like the others")]
    fn write(&self, text: &str) {
        // Nobody reads: the call goes on all the same.
        let mut err = io::stderr().lock();
        drop(err.write_all(text.as_bytes()).and_then(|()| err.flush()));
    }
}

/// `0:23`
fn clock(time: Duration) -> String {
    let s = time.as_secs();
    format!("{}:{:02}", s / 60, s % 60)
}

fn word(stage: &Stage) -> &'static str {
    match stage {
        Stage::SettingUp => "setting-up",
        Stage::Dialling => "dialling",
        Stage::Connected { .. } => "connected",
        Stage::LoggingIn(_) => "logging-in",
        Stage::Leaving => "leaving",
        Stage::Waiting { .. } => "waiting",
        Stage::Ringing => "ringing",
        Stage::Answering => "answering",
        Stage::NotConnected => "not-connected",
        Stage::HangingUp => "hanging-up",
    }
}

fn leg_word(leg: Leg) -> &'static str {
    match leg {
        Leg::Request => "request",
        Leg::Return => "return",
    }
}
