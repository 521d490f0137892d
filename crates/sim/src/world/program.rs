//! Programs that run on a call in the simulated world: what `/bin/login` and its like do to a line.
//!
//! It does not know processes, terminals or signals beyond "hang up" and "kill".

use calls::vocabulary::{ExitStatus, Launch, ProgramInput, ProgramOutput};

/// What kind of program stands behind a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramKind {
    /// `/bin/login` with a shell behind it: lets in whoever the [`Door`] is open for.
    Login(Door),
    /// Says this, and waits.
    Announces(String),
    /// Asks for a password, then takes commands: `date`, `exit`, anything else is echoed.
    Shell,
    /// Ends at once, with this code.
    EndsAtOnce(i32),
    /// Can't be started.
    Missing,
    /// A shell that does not end when the carrier is lost: it has to be killed.
    Stubborn,
    /// Writes two hundred lines at once, and waits.
    Talkative,
}

/// Who is let in by `/bin/login`, and what the shell behind it prompts with.
#[derive(Clone, PartialEq, Eq)]
pub struct Door {
    /// Name and password; `None` lets everybody in.
    pub credentials: Option<(String, Vec<u8>)>,
    /// The shell's prompt.
    pub prompt: String,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("prompt", &self.prompt).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The name was not let in; another one can be typed.
    Name,
    Password,
    Commands,
    Gone,
}

/// A program that runs.
#[derive(Debug)]
pub(super) struct Program {
    kind: ProgramKind,
    stage: Stage,
    typed: Vec<u8>,
    name: Vec<u8>,
}

/// A line longer than this is cut, as by a terminal's line discipline (4096 bytes with its end).
const LINE_LIMIT: usize = 4_095;

impl Program {
    /// Starts it; the inputs are what the core hears of it.
    pub(super) fn start(kind: ProgramKind, launch: &Launch) -> (Option<Self>, Vec<ProgramInput>) {
        let started = ProgramInput::Started { pid: 0 };
        let mut program = Self {
            kind,
            stage: Stage::Password,
            typed: Vec::new(),
            name: launch.argv.last().map(|name| name.as_bytes().to_vec()).unwrap_or_default(),
        };
        match &program.kind {
            ProgramKind::Missing => {
                let why = format!("{}: no such file", launch.program.display());
                (None, vec![ProgramInput::Failed(why)])
            }
            ProgramKind::EndsAtOnce(code) => {
                (None, vec![started, ProgramInput::Exited(ExitStatus::Code(*code))])
            }
            ProgramKind::Announces(text) => {
                let inputs = vec![started, bytes(&format!("\r\n{text}\r\n"))];
                program.stage = Stage::Commands;
                (Some(program), inputs)
            }
            ProgramKind::Shell | ProgramKind::Stubborn | ProgramKind::Login(_) => {
                let mut inputs = vec![started, bytes("Password: ")];
                inputs.extend(program.typed_in(&launch.first_bytes));
                (Some(program), inputs)
            }
            ProgramKind::Talkative => {
                program.stage = Stage::Commands;
                let text = "all work and no play makes jack a dull boy\r\n".repeat(200);
                (Some(program), vec![started, bytes(&text)])
            }
        }
    }

    /// The core tells it something.
    pub(super) fn tell(&mut self, output: ProgramOutput) -> Vec<ProgramInput> {
        if self.stage == Stage::Gone {
            return Vec::new();
        }
        match output {
            ProgramOutput::Bytes(typed) => self.typed_in(&typed),
            ProgramOutput::HangUp => match &self.kind {
                ProgramKind::Stubborn => Vec::new(),
                ProgramKind::Shell
                | ProgramKind::Login(_)
                | ProgramKind::Announces(_)
                | ProgramKind::EndsAtOnce(_)
                | ProgramKind::Missing
                | ProgramKind::Talkative => self.end(ExitStatus::Signal(1)),
            },
            ProgramOutput::Kill => self.end(ExitStatus::Signal(9)),
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.stage == Stage::Gone
    }

    fn end(&mut self, status: ExitStatus) -> Vec<ProgramInput> {
        self.stage = Stage::Gone;
        vec![ProgramInput::Exited(status)]
    }

    fn typed_in(&mut self, typed: &[u8]) -> Vec<ProgramInput> {
        let mut said = Vec::new();
        for &byte in typed {
            match (byte, self.stage) {
                (_, Stage::Gone) => break,
                (b'\r' | b'\n', stage) => {
                    let line = std::mem::take(&mut self.typed);
                    said.extend_from_slice(b"\r\n");
                    if stage == Stage::Commands && line == b"exit" {
                        let mut inputs = vec![ProgramInput::Bytes(said)];
                        inputs.extend(self.end(ExitStatus::Code(0)));
                        return inputs;
                    }
                    if stage == Stage::Commands && line == b"date" {
                        said.extend_from_slice(b"Thu Jun 25 20:00:00 1998\r\n");
                    }
                    self.line_ends(stage, line, &mut said);
                }
                (8 | 127, _) => {
                    self.typed.pop();
                }
                (_, stage) => {
                    if self.typed.len() < LINE_LIMIT {
                        self.typed.push(byte);
                    }
                    if matches!(stage, Stage::Commands | Stage::Name) {
                        said.push(byte);
                    }
                }
            }
        }
        if said.is_empty() { Vec::new() } else { vec![ProgramInput::Bytes(said)] }
    }
}

impl Program {
    /// What is said behind a line.
    fn line_ends(&mut self, stage: Stage, line: Vec<u8>, said: &mut Vec<u8>) {
        let door = match &self.kind {
            ProgramKind::Login(door) => door,
            ProgramKind::Announces(_) => return,
            ProgramKind::Shell
            | ProgramKind::EndsAtOnce(_)
            | ProgramKind::Missing
            | ProgramKind::Stubborn
            | ProgramKind::Talkative => {
                self.stage = Stage::Commands;
                return said.extend_from_slice(b"$ ");
            }
        };
        match stage {
            Stage::Name => {
                self.name = line;
                self.stage = Stage::Password;
                said.extend_from_slice(b"Password: ");
            }
            Stage::Password if !door.lets_in(&self.name, &line) => {
                self.stage = Stage::Name;
                said.extend_from_slice(b"\r\nLogin incorrect\r\nlogin: ");
            }
            Stage::Password | Stage::Commands => {
                said.extend_from_slice(door.prompt.as_bytes());
                self.stage = Stage::Commands;
            }
            Stage::Gone => {}
        }
    }
}

impl Door {
    fn lets_in(&self, name: &[u8], password: &[u8]) -> bool {
        self.credentials
            .as_ref()
            .is_none_or(|(user, secret)| user.as_bytes() == name && secret == password)
    }
}

fn bytes(text: &str) -> ProgramInput {
    ProgramInput::Bytes(text.as_bytes().to_vec())
}
