//! A chat script as a caller runs it: the engine's steps carried out on a simulated modem, and told.
//!
//! What it waits for and what it heard is taken from the log that the engine keeps for `chat -v`; the
//! engine gets its input byte by byte, so that each log line comes while the engine stands at its token.

use std::collections::{BTreeMap, VecDeque};

use proto::chat::{Engine, Place, Step};
use proto::time::{Deadline, Instant};

use super::caller::ScriptOutput;
use super::fact::{Ended, ScriptStep, Told, readable};

/// A chat script that runs.
#[derive(Debug)]
pub struct ChatRun {
    engine: Engine,
    /// What has come and the engine has not been given yet.
    unread: VecDeque<u8>,
    /// The files that `@name` sends.
    files: BTreeMap<Vec<u8>, Vec<u8>>,
    out: VecDeque<ScriptOutput>,
    /// The wait under way: its line and text.
    waits: Option<(Option<usize>, String)>,
    within_ms: Option<u64>,
    line: Option<usize>,
}

/// What is kept for the engine while it does not listen: a tty's queue is much shorter.
const UNREAD_LIMIT: usize = 64 * 1_024;

impl ChatRun {
    /// A script, with chat's options, and the files that its `@name`s name.
    #[must_use]
    pub fn new(
        script: proto::chat::Script,
        options: proto::chat::Options,
        files: BTreeMap<Vec<u8>, Vec<u8>>,
    ) -> Self {
        let within_ms = u64::try_from(options.timeout).ok().filter(|s| *s > 0).map(|s| s * 1_000);
        let options = proto::chat::Options { verbose: true, echo: false, copy: false, ..options };
        Self {
            engine: Engine::new(script, options),
            unread: VecDeque::new(),
            files,
            out: VecDeque::new(),
            waits: None,
            within_ms,
            line: None,
        }
    }

    pub(super) fn start(&mut self, now: Instant) {
        self.engine.start(now);
        self.carry_out(now);
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        let room = UNREAD_LIMIT.saturating_sub(self.unread.len());
        self.unread.extend(bytes.iter().take(room));
    }

    pub(super) fn tick(&mut self, now: Instant) {
        if self.engine.deadline().is_some_and(|deadline| deadline.at <= now) {
            self.engine.tick(now);
            self.carry_out(now);
        }
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        self.engine.deadline()
    }

    pub(super) fn poll(&mut self, now: Instant) -> Option<ScriptOutput> {
        loop {
            if let Some(output) = self.out.pop_front() {
                return Some(output);
            }
            if self.engine.wanted() == 0 {
                return None;
            }
            let byte = self.unread.pop_front()?;
            self.engine.receive(now, &[byte]);
            self.carry_out(now);
        }
    }

    fn carry_out(&mut self, now: Instant) {
        while let Some(step) = self.engine.poll() {
            match step {
                Step::Send(byte) => {
                    match self.out.back_mut() {
                        Some(ScriptOutput::Bytes(bytes)) => bytes.push(byte),
                        Some(_) | None => self.out.push_back(ScriptOutput::Bytes(vec![byte])),
                    }
                    self.engine.carried_out(now);
                }
                // A modem in the command state does not heed a break, and the server's login takes it for a wrong speed.
                Step::Break => {
                    self.told(ScriptStep::Sets { what: "sends a break".to_owned() });
                    self.engine.carried_out(now);
                }
                Step::Say(text) => {
                    let what = format!("says \"{}\"", readable(text.trim_ascii_end()));
                    self.told(ScriptStep::Sets { what });
                }
                Step::Log(_, line) => self.logged(&line),
                Step::ReadFile(name) => {
                    let file = self.files.get(&name).cloned();
                    let contents = file.as_deref().ok_or("No such file or directory");
                    self.engine.file(now, contents);
                }
                Step::Done(done) => self.done(done.code, &done.message),
                Step::Echo(_) | Step::Report { .. } | Step::Hangup(_) => {}
            }
        }
    }

    fn told(&mut self, step: ScriptStep) {
        let line = self.line;
        self.out.push_back(ScriptOutput::Told(Told { line, step }));
    }

    /// A line of the log of `chat -v`.
    fn logged(&mut self, line: &[u8]) {
        self.line = self.engine.place().map(|place| match place {
            Place::Line { line, .. } => line,
            Place::Word(number) => number,
        });
        let inside = |before: &str| {
            let text = line.strip_prefix(before.as_bytes())?.strip_suffix(b")")?;
            Some(String::from_utf8_lossy(text).into_owned())
        };
        if let Some((at, text)) = &self.waits {
            // What was received is logged as well, line by line; only the end of the wait is of interest.
            match line {
                b" -- got it\n" => {
                    let told = Told { line: *at, step: ScriptStep::Heard { text: text.clone() } };
                    self.out.push_back(ScriptOutput::Told(told));
                    self.waits = None;
                }
                b"alarm" => {
                    let told = Told { line: *at, step: ScriptStep::NotHeard };
                    self.out.push_back(ScriptOutput::Told(told));
                    self.waits = None;
                }
                _ => {}
            }
        } else if let Some(text) = inside("expect (") {
            if !text.is_empty() {
                self.waits = Some((self.line, text.clone()));
                let within_ms = self.within_ms;
                self.told(ScriptStep::Waits { texts: vec![text], exact: true, within_ms });
            }
        } else if let Some(text) = inside("send (") {
            let secret = text == "??????";
            self.told(ScriptStep::Sends { text: (!secret).then_some(text) });
        } else if let Some(rest) = line.strip_prefix(b"timeout set to ") {
            let seconds = String::from_utf8_lossy(rest);
            let seconds = seconds.split(' ').next().and_then(|n| n.parse::<u64>().ok());
            self.within_ms = seconds.map(|seconds| seconds.saturating_mul(1_000));
        }
    }

    fn done(&mut self, code: u8, message: &[u8]) {
        let message = readable(message);
        let how = match code {
            0 => Ended::Well,
            3 => Ended::TimedOut,
            4.. => {
                let text = message.strip_prefix("Failed (").and_then(|text| text.strip_suffix(')'));
                Ended::Aborted { text: text.unwrap_or(&message).to_owned() }
            }
            1 | 2 => Ended::Faulty { message },
        };
        if let Some((line, _)) = self.waits.take() {
            self.line = line;
        }
        self.told(ScriptStep::Ended(how));
    }
}
