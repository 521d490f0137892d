//! A Windows script as a caller runs it, and told.

use proto::scp::{Act, Engine, Login, Outcome, Program};
use proto::time::{Deadline, Instant};

use super::Secret;
use super::caller::ScriptOutput;
use super::fact::{Ended, ScriptStep, Told, readable};

/// A Windows script, before and while it runs.
#[derive(Debug)]
pub struct ScpRun {
    program: Program,
    login: Login,
    password: Secret,
    engine: Option<Engine>,
    /// What the wait under way waits for.
    waits: Vec<String>,
    /// Something that the script has said and is not told yet.
    more: Option<ScriptOutput>,
}

impl ScpRun {
    /// A checked script; who logs in with it.
    #[must_use]
    pub fn new(program: Program, user: &str, password: &Secret) -> Self {
        let login = Login::new(user.as_bytes().to_vec(), password.0.clone());
        let password = password.clone();
        Self { program, login, password, engine: None, waits: Vec::new(), more: None }
    }

    pub(super) fn start(&mut self, now: Instant) {
        self.engine = Some(Engine::new(self.program.clone(), self.login.clone(), None, now));
    }

    pub(super) fn receive(&mut self, now: Instant, bytes: &[u8]) {
        if let Some(engine) = &mut self.engine {
            engine.receive(now, bytes);
        }
    }

    pub(super) fn hang_up(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.hang_up();
        }
    }

    pub(super) fn tick(&mut self, now: Instant) {
        if let Some(engine) = &mut self.engine {
            engine.tick(now);
        }
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        self.engine.as_ref()?.deadline()
    }

    pub(super) fn poll(&mut self) -> Option<ScriptOutput> {
        if let Some(more) = self.more.take() {
            return Some(more);
        }
        let output = self.engine.as_mut()?.poll()?;
        let line = Some(output.line);
        let step = match output.act {
            Act::Send(bytes) => {
                self.more = Some(ScriptOutput::Bytes(bytes.to_vec()));
                let secret = !bytes.is_empty() && *bytes == self.password.0;
                ScriptStep::Sends { text: (!secret).then(|| readable(&bytes)) }
            }
            Act::SetPort(setting) => ScriptStep::Sets { what: format!("port {setting:?}") },
            Act::SetKeyboard(on) => {
                let on = if on { "on" } else { "off" };
                ScriptStep::Sets { what: format!("keyboard {on}") }
            }
            Act::SetAddress(address) => ScriptStep::Sets { what: format!("address {address}") },
            Act::WaitsFor { texts, until } => {
                self.waits = texts.iter().map(|text| readable(text)).collect();
                let within_ms = until.and_then(|until| u64::try_from(until.as_millis()).ok());
                ScriptStep::Waits { texts: self.waits.clone(), exact: false, within_ms }
            }
            Act::Found(index) => {
                ScriptStep::Heard { text: self.waits.get(index).cloned().unwrap_or_default() }
            }
            Act::NotFound => ScriptStep::NotHeard,
            Act::Read(address) => ScriptStep::Heard { text: address },
            Act::Ended(outcome) => ScriptStep::Ended(match outcome {
                Outcome::Ppp => Ended::Well,
                Outcome::Halted => Ended::Halted,
                Outcome::HungUp => Ended::CarrierLost,
                Outcome::Limit => Ended::TimedOut,
                Outcome::Failed(fault) => Ended::Faulty { message: fault.message },
            }),
        };
        Some(ScriptOutput::Told(Told { line, step }))
    }
}
