//! A caller whose script really runs: chat(8)'s, or Windows' with the dialler that comes before it.
//!
//! ```text
//!   Chat:    script ──────────────────────────────────────────► Over
//!   Windows: Setting up ─OK─► Dialling ─CONNECT─► script ─────► Over
//!                                                   └ carrier lost: Over
//! ```
//!
//! chat runs as pppd has it run: the loss of carrier is not looked at (pppd sets CLOCAL for its time). Windows looks at
//! it all the time. It does not know the exchange: bytes and DTR go in and out.

use std::collections::VecDeque;
use std::time::Duration;

use proto::time::{Deadline, Instant};

use super::chat::ChatRun;
use super::fact::{Ended, ScriptStep, Told, readable};
use super::scp::ScpRun;

/// Somebody who runs a script.
#[derive(Debug)]
pub struct ScriptedCaller {
    stage: Stage,
    out: VecDeque<ScriptOutput>,
    carrier: bool,
}

/// What he does to his modem, and what is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptOutput {
    /// Sends bytes.
    Bytes(Vec<u8>),
    /// Raises or drops DTR.
    Dtr(bool),
    /// The script has done a step.
    Told(Told),
}

#[derive(Debug)]
enum Stage {
    /// Windows' dialler waits for OK, CONNECT and the like; then the script begins.
    Dialling {
        dialler: Dialler,
        heard: Vec<u8>,
        until: Instant,
        script: Box<ScpRun>,
    },
    Chat(Box<ChatRun>),
    Scp(Box<ScpRun>),
    Over,
}

/// What Windows does before a script: sets the modem up, and dials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialler {
    /// Command lines, in order: `AT&F&C0&D2S0=0`.
    pub init: VecDeque<String>,
    /// The number to dial.
    pub number: String,
    dials: bool,
}

/// How long the dialler waits for OK.
const COMMAND_TIME: Duration = Duration::from_secs(5);
/// And for CONNECT: Windows' own default.
const DIAL_TIME: Duration = Duration::from_secs(60);
/// More of a modem's answer than this says nothing.
const HEARD_LIMIT: usize = 4_096;

impl Dialler {
    /// A dialler with these modem settings.
    #[must_use]
    pub fn new(init: &str, number: &str) -> Self {
        let init = VecDeque::from([init.to_owned()]);
        Self { init, number: number.to_owned(), dials: false }
    }

    fn next(&mut self) -> (String, &'static str, Duration) {
        match self.init.pop_front() {
            Some(command) => (command, "OK", COMMAND_TIME),
            None => {
                self.dials = true;
                (format!("ATDT{}", self.number), "CONNECT", DIAL_TIME)
            }
        }
    }

    const fn expects(&self) -> &'static str {
        if self.dials { "CONNECT" } else { "OK" }
    }
}

/// What ends the dialler's business, in any of its waits.
const REFUSALS: [&str; 6] =
    ["ERROR", "BUSY", "NO CARRIER", "NO DIALTONE", "NO DIAL TONE", "NO ANSWER"];

impl ScriptedCaller {
    /// Somebody whose chat script begins at `now`.
    #[must_use]
    pub fn chat(now: Instant, run: ChatRun) -> Self {
        let out = VecDeque::from([ScriptOutput::Dtr(true)]);
        let mut caller = Self { stage: Stage::Chat(Box::new(run)), out, carrier: false };
        if let Stage::Chat(run) = &mut caller.stage {
            run.start(now);
        }
        caller.drain(now);
        caller
    }

    /// Somebody whose Windows dials at `now`, and begins his script when it is connected.
    #[must_use]
    pub fn windows(now: Instant, mut dialler: Dialler, run: ScpRun) -> Self {
        let mut out = VecDeque::from([ScriptOutput::Dtr(true)]);
        let until = command(&mut out, now, &mut dialler);
        let script = Box::new(run);
        let stage = Stage::Dialling { dialler, heard: Vec::new(), until, script };
        Self { stage, out, carrier: false }
    }

    /// The modem says something.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        match &mut self.stage {
            Stage::Dialling { heard, .. } => {
                heard.extend_from_slice(bytes);
                heard.drain(..heard.len().saturating_sub(HEARD_LIMIT));
                self.dial(now);
            }
            Stage::Chat(run) => run.receive(bytes),
            Stage::Scp(run) => run.receive(now, bytes),
            Stage::Over => {}
        }
        self.drain(now);
    }

    /// DCD is on or off.
    pub fn carrier(&mut self, now: Instant, on: bool) {
        let lost = std::mem::replace(&mut self.carrier, on) && !on;
        match &mut self.stage {
            Stage::Scp(run) if lost => run.hang_up(),
            Stage::Scp(_) | Stage::Dialling { .. } | Stage::Chat(_) | Stage::Over => {}
        }
        self.drain(now);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        match &mut self.stage {
            Stage::Dialling { until, .. } if *until <= now => {
                self.told(None, ScriptStep::NotHeard);
                self.end(Ended::TimedOut);
            }
            Stage::Chat(run) => run.tick(now),
            Stage::Scp(run) => run.tick(now),
            Stage::Dialling { .. } | Stage::Over => {}
        }
        self.drain(now);
    }

    /// What he does next.
    pub fn poll(&mut self) -> Option<ScriptOutput> {
        self.out.pop_front()
    }

    /// When [`Self::tick`] is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        match &self.stage {
            Stage::Dialling { until, .. } => Some(Deadline::new(*until, "the dialler's patience")),
            Stage::Chat(run) => run.deadline(),
            Stage::Scp(run) => run.deadline(),
            Stage::Over => None,
        }
    }

    /// Whether his script still runs.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        !matches!(self.stage, Stage::Over)
    }

    /// He gives up.
    pub fn stop(&mut self, now: Instant) {
        if self.is_busy() {
            self.end(Ended::Stopped);
        }
        self.drain(now);
    }

    fn told(&mut self, line: Option<usize>, step: ScriptStep) {
        self.out.push_back(ScriptOutput::Told(Told { line, step }));
    }

    fn end(&mut self, how: Ended) {
        // Whoever gives up closes his program, and with it the port.
        let gives_up = how != Ended::Well;
        self.told(None, ScriptStep::Ended(how));
        if gives_up {
            self.out.push_back(ScriptOutput::Dtr(false));
        }
        self.stage = Stage::Over;
    }

    /// The dialler looks at what the modem has said.
    fn dial(&mut self, now: Instant) {
        let Stage::Dialling { dialler, heard, until, script: _ } = &mut self.stage else { return };
        let wanted = dialler.expects();
        let line = |line: &[u8]| readable(line.trim_ascii());
        let mut end = 0;
        let lines: Vec<(usize, String)> = heard
            .split_inclusive(|byte| *byte == b'\n')
            .filter(|piece| piece.ends_with(b"\n"))
            .map(|piece| {
                end += piece.len();
                (end, line(piece))
            })
            .collect();
        if let Some((end, text)) = lines.iter().find(|(_, line)| line.starts_with(wanted)) {
            let rest = heard.split_off(*end);
            heard.clear();
            let step = ScriptStep::Heard { text: text.clone() };
            self.out.push_back(ScriptOutput::Told(Told { line: None, step }));
            if !dialler.dials {
                *until = command(&mut self.out, now, dialler);
                return;
            }
            if let Stage::Dialling { mut script, .. } =
                std::mem::replace(&mut self.stage, Stage::Over)
            {
                script.start(now);
                script.receive(now, &rest);
                self.stage = Stage::Scp(script);
            }
        } else if let Some((_, refusal)) =
            lines.iter().find(|(_, line)| REFUSALS.iter().any(|word| line.starts_with(word)))
        {
            let text = refusal.clone();
            self.end(Ended::Aborted { text });
        }
    }

    /// Takes over what the script does.
    fn drain(&mut self, now: Instant) {
        loop {
            let output = match &mut self.stage {
                Stage::Chat(run) => run.poll(now),
                Stage::Scp(run) => run.poll(),
                Stage::Dialling { .. } | Stage::Over => None,
            };
            match output {
                Some(ScriptOutput::Told(Told { line, step: ScriptStep::Ended(how) })) => {
                    let gives_up = how != Ended::Well;
                    self.told(line, ScriptStep::Ended(how));
                    if gives_up {
                        self.out.push_back(ScriptOutput::Dtr(false));
                    }
                    self.stage = Stage::Over;
                }
                Some(output) => self.out.push_back(output),
                None => return,
            }
        }
    }
}

/// The dialler's next command; until when its answer has to be there.
fn command(out: &mut VecDeque<ScriptOutput>, now: Instant, dialler: &mut Dialler) -> Instant {
    let (command, wanted, within) = dialler.next();
    let step = ScriptStep::Sends { text: Some(command.clone()) };
    out.push_back(ScriptOutput::Told(Told { line: None, step }));
    out.push_back(ScriptOutput::Bytes(format!("{command}\r").into_bytes()));
    let within_ms = u64::try_from(within.as_millis()).ok();
    let step = ScriptStep::Waits { texts: vec![wanted.to_owned()], exact: true, within_ms };
    out.push_back(ScriptOutput::Told(Told { line: None, step }));
    now + within
}
