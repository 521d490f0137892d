//! `dialback rehearse`: reads a script and a configuration, lets `sim::rehearsal` try the one against the other, and
//! shows what happened and what to mend.
//!
//! It does not know why a callback fails; the rehearsal's diagnosis does.

mod read;
mod show;
mod words;

use std::path::PathBuf;

use sim::rehearsal::{Setup, rehearse};

use self::read::Text;
use crate::exit::{Code, Failure};

/// What kind of script it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// chat(8)'s
    Chat,
    /// Windows'
    Scp,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The script's file.
    pub(crate) script: PathBuf,
    /// The configuration's.
    pub(crate) config: PathBuf,
    /// Where the name does not tell.
    pub(crate) kind: Option<Kind>,
    /// Who logs in.
    pub(crate) user: Option<String>,
    /// With this,
    pub(crate) password: Option<String>,
    /// or the first line of this.
    pub(crate) password_file: Option<PathBuf>,
    /// The caller's number.
    pub(crate) caller_number: Option<String>,
    /// The server's.
    pub(crate) server_number: Option<String>,
    /// Windows' modem settings.
    pub(crate) modem_init: String,
    /// The simulated shell's.
    pub(crate) shell_prompt: String,
    /// chat's `-T`.
    pub(crate) phone: Option<String>,
    /// chat's `-U`.
    pub(crate) second_phone: Option<String>,
    /// chat's `-E`.
    pub(crate) environment: bool,
    /// chat's `-t`.
    pub(crate) timeout: i32,
    /// For what is left to chance.
    pub(crate) seed: u64,
    /// For programs.
    pub(crate) json: bool,
}

/// Rehearses and shows.
pub(crate) fn run(asked: &Asked) -> Result<(), Failure> {
    let config = read::configuration(&asked.config)?;
    let text = Text::read(&asked.script)?;
    let kind = asked.kind.unwrap_or_else(|| text.kind());
    let login = read::login(asked)?;
    let script = match kind {
        Kind::Chat => read::chat(&text, asked)?,
        Kind::Scp => read::scp(&text, asked)?,
    };
    let setup = Setup {
        script,
        config,
        caller_number: asked.caller_number.clone(),
        server_number: asked.server_number.clone(),
        login,
        shell_prompt: asked.shell_prompt.clone(),
        seed: asked.seed,
    };
    let rehearsal = rehearse(&setup).map_err(|why| {
        let text = format!("{}: it can't be rehearsed: {why}", asked.config.display());
        Failure::new(Code::Failed, text)
    })?;
    // Nobody reads any more: the verdict is still the exit code.
    drop(if asked.json {
        show::as_json(&rehearsal)
    } else {
        show::for_people(&rehearsal, &text, kind, &setup)
    });
    if rehearsal.verdict.came_through { Ok(()) } else { Err(Failure::silent(Code::Failed)) }
}
