//! A rehearsal: a caller's own script against the real server core, on a simulated exchange in virtual time.
//!
//! ```text
//!   script ─► caller ─► world (exchange, server with its own configuration) ─► tape ─► diagnosis
//!      ▲                                                                                  │
//!      └── again, with the number that the server dials, where nobody said which it is ◄──┘
//! ```
//!
//! It tells what became of the callback and, where it came to nothing, why and what to do. What is simulated is
//! told too: the modems, the exchange, and the programs of login.config. It does not know files, terminals or clocks.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use calls::config::{Config, Direction};
use proto::time::Instant;

use self::caller::{Dialler, ScriptedCaller};
use self::chat::ChatRun;
pub use self::diagnosis::{Problem, Verdict};
use self::scp::ScpRun;
use crate::world::{Taped, World};

pub mod caller;
pub mod chat;
mod diagnosis;
pub mod fact;
mod nearest;
pub mod scp;
mod stage;
mod story;
#[cfg(test)]
mod tests;

pub use stage::CALLER;

/// A password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// These bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A script that is rehearsed.
#[derive(Clone, Debug)]
pub enum Script {
    /// chat's. It sets its modem up and dials by itself.
    Chat {
        /// The script.
        script: proto::chat::Script,
        /// chat's options.
        options: proto::chat::Options,
        /// The files that its `@name`s name.
        files: BTreeMap<Vec<u8>, Vec<u8>>,
    },
    /// Windows'. Its dialler sets the modem up and dials.
    Scp {
        /// The script, checked.
        program: proto::scp::Program,
        /// What the dialler says to the modem first: `AT&F&C0&D2S0=0`.
        init: String,
    },
}

/// What is rehearsed.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The script.
    pub script: Script,
    /// The server's configuration; its ports are replaced.
    pub config: Config,
    /// The caller's own number, if it matters which; else it is the one that the server dials.
    pub caller_number: Option<String>,
    /// The number that a Windows script is said to dial; chat scripts dial their own.
    pub server_number: Option<String>,
    /// Who logs in; `None` lets the simulated `/bin/login` accept everybody.
    pub login: Option<(String, Secret)>,
    /// What the simulated shell prompts with.
    pub shell_prompt: String,
    /// Everything that is left to chance: the server's random delays.
    pub seed: u64,
}

/// What a rehearsal came to.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// What was said and done from the script's beginning on.
    pub tape: Vec<Taped>,
    /// When the script began, by the tape's clock.
    pub began: Instant,
    /// The caller's number.
    pub caller_number: String,
    /// What became of it.
    pub verdict: Verdict,
}

/// The modems are set up by then, or never will be.
const SET_UP_MS: u64 = 60_000;
/// Who looks this often misses nothing that matters: everything is on the tape with its own time.
const LOOK_MS: u64 = 200;
/// What the server still does when the script has ended well: takes the name, starts the program.
const AFTER_MS: u64 = 5_000;
/// Without anything said or done for so long, and without a promise, nothing more will come.
const SILENCE: Duration = Duration::from_secs(180);
/// A rehearsal takes no longer than this.
const LONGEST_MS: u64 = 3_600_000;

/// Rehearses.
///
/// # Errors
/// The server's lines can't be set up on simulated modems, or the world breaks one of its own rules; in words.
pub fn rehearse(setup: &Setup) -> Result<Rehearsal, String> {
    let first = once(setup, setup.caller_number.as_deref())?;
    // Whoever did not say which number he has, has the one that the server dials.
    let story = story::Story::of(&first.tape);
    let dialled = story.server_dialled.first().map(|(_, number)| stage::digits(number));
    let dialled = dialled.filter(|_| setup.caller_number.is_none());
    match dialled {
        Some(number) if number != first.caller_number => once(setup, Some(&number)),
        Some(_) | None => Ok(first),
    }
}

fn once(setup: &Setup, caller_number: Option<&str>) -> Result<Rehearsal, String> {
    if setup.config.lines.iter().all(|line| line.direction == Direction::Originate) {
        return Err("no line of the configuration answers calls".to_owned());
    }
    let stage = stage::Stage::new(setup, caller_number);
    let mut world = World::with(stage.config.clone(), stage.scene.clone());
    world.keep_tape();
    stage::set_up(&mut world, SET_UP_MS)?;
    let begin = world.tape().len();
    let began = Instant::from_millis(world.ms());
    world.begin_script(CALLER, caller_of(setup, &stage, began));
    play(&mut world);
    if let Some(violation) = world.watch().violations().first() {
        return Err(format!("the simulation itself is at fault: {violation}"));
    }
    let tape = world.tape().get(begin..).unwrap_or_default().to_vec();
    let story = story::Story::of(&tape);
    let verdict = diagnosis::diagnose(&story, &stage.config, &stage);
    Ok(Rehearsal { tape, began, caller_number: stage.caller_number, verdict })
}

fn caller_of(setup: &Setup, stage: &stage::Stage, began: Instant) -> ScriptedCaller {
    match &setup.script {
        Script::Chat { script, options, files } => {
            let run = ChatRun::new(script.clone(), options.clone(), files.clone());
            ScriptedCaller::chat(began, run)
        }
        Script::Scp { program, init } => {
            let (user, password) = setup.login.clone().unwrap_or_default();
            let dialler = Dialler::new(init, &stage.dials);
            ScriptedCaller::windows(began, dialler, ScpRun::new(program.clone(), &user, &password))
        }
    }
}

/// Lets the script run until it is clear what becomes of it, and of what it asked for.
fn play(world: &mut World) {
    let end = world.ms().saturating_add(LONGEST_MS);
    while world.ms() < end && world.watch().violations().is_empty() {
        let next = world.ms() + LOOK_MS;
        world.run_until(next);
        let story = story::Story::of(world.tape());
        let last = world.tape().last().map_or(Instant::ZERO, |taped| taped.at);
        let promised = !world.watch().open_promises().is_empty();
        let silent = Instant::from_millis(world.ms()) - last >= SILENCE;
        let is_over = match (&story.ended, story.rang_since_end) {
            (Some((_, fact::Ended::Well)), _) => {
                return world.run_until(world.ms() + AFTER_MS);
            }
            // It is of interest when the telephone would have rung.
            (Some(_), false) => !promised && world.watch().open_calls().is_empty(),
            (Some(_), true) => true,
            (None, _) => silent && !promised,
        };
        if is_over {
            return;
        }
    }
}
