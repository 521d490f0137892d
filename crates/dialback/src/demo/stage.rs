//! Where the demo plays: a folder with the server's files, and a town of two telephones.
//!
//! The files are written for real and read for real, with everything that a server checks. The folder is the
//! user's alone and goes with the demo, however that ends (but for SIGKILL).

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sim::town::{Equipment, Station, Timing, Town};

use crate::clock::lasted;
use crate::config;
use crate::exit::{Code, Failure};
use crate::out::Palette;

/// The caller's station.
pub(super) const CALLER: &str = "alice";
/// Her number.
pub(super) const CALLER_NUMBER: &str = "5550199";
/// The server's station, and its host name.
pub(super) const SERVER: &str = "orion";
/// Its number.
pub(super) const SERVER_NUMBER: &str = "5550100";
/// Its only line.
const LINE: &str = "main";
/// What her shell prompts with.
pub(super) const SHELL_PROMPT: &str = "orion$ ";

/// The longest folder in which a control socket still has room for its name (`sun_path`).
const LONGEST_BASE: usize = 60;

/// A folder that is gone when this is.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes one that nobody else can look into.
    pub(super) fn new() -> Result<Self, Failure> {
        let base = base();
        let fault = |e: io::Error| {
            let text = format!("{}: making a folder for the demo: {e}", base.display());
            Failure::new(Code::InputOutput, text)
        };
        for count in 0..100 {
            let path = base.join(format!("dialback-demo-{}-{count}", std::process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(fault(e)),
            }
        }
        Err(fault(io::ErrorKind::AlreadyExists.into()))
    }

    /// A path in it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.path(name);
        // As login.config must be: nobody else's to write or read.
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|e| Failure::new(Code::InputOutput, format!("{}: {e}", path.display())))
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.0) {
            crate::out::error(format_args!("dialback: {}: {e}: remove it", self.0.display()));
        }
    }
}

/// Where temporary files go, if the path can stand in our files and is short enough for a socket's.
fn base() -> PathBuf {
    let wanted = std::env::temp_dir();
    let plain = |text: &str| {
        text.len() <= LONGEST_BASE
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c))
    };
    if wanted.to_str().is_some_and(plain) { wanted } else { PathBuf::from("/tmp") }
}

/// How long the exchange may hold the server's line.
const HOLD_TIME: Duration = Duration::from_secs(5);
/// How long the server waits at least.
const DELAY: Duration = Duration::from_secs(6);

/// What a wait before the first try is made of.
pub(super) fn why_it_waits(wait: Duration) -> String {
    let (hold, delay) = (lasted(HOLD_TIME), lasted(DELAY));
    let chance = lasted(wait.saturating_sub(DELAY));
    format!("waits: hold time {hold}, delay {delay} + {chance} by chance")
}

/// Writes the server's files into the folder and reads them as `dialback serve` does.
pub(super) fn configure(folder: &Folder) -> Result<calls::config::Config, Failure> {
    let at = folder.as_ref().display();
    let made = |e: io::Error| Failure::new(Code::InputOutput, format!("{at}: {e}"));
    fs::create_dir(folder.path("locks")).map_err(made)?;
    folder.write("issue", "This is @.\n\n")?;
    folder.write("session", &session())?;
    folder.write("login.config", &login_config(&folder.path("session")))?;
    folder.write("dialback.toml", &toml(folder))?;
    let read = config::read(&folder.path("dialback.toml"));
    match read.config {
        Some(config) => Ok(config),
        None => {
            let why = read.rendered(Palette::stderr());
            Err(Failure::new(Code::Configuration, format!("the demo's own files:\n{why}")))
        }
    }
}

fn toml(folder: &Folder) -> String {
    let at = folder.as_ref().display();
    let (delay, hold) = (DELAY.as_secs(), HOLD_TIME.as_secs());
    format!(
        r#"[server]
state_dir    = "{at}/state"
control      = "{at}/control.sock"
login_config = "login.config"
issue        = "issue"
lock_dir     = "{at}/locks"
host         = "{SERVER}"
stop_grace   = "0s"

[login]
term = "dumb"

[callback]
line           = "same"
delay          = "{delay}s"
jitter         = "4s"
soonest_connect = "0s"
tries          = 3
retry          = "8s"
caller_numbers = {{ allow = ["555*"], deny = ["900*", "1900*"] }}

[[line]]
name      = "{LINE}"
port      = "sim:{SERVER}"
number    = "{SERVER_NUMBER}"
rings     = 2
hold_time = "{hold}s"
modem     = {{ profile = "rockwell", init = ["AT&F", "ATE0X4&K3", "AT&C1&D2"], caller_id = true, command_time = "20s" }}
"#
    )
}

fn login_config(session: &Path) -> String {
    let session = session.display();
    format!(
        "!version 2\n\
         # name   callback?  user  utmp  program\n\
         cback    N          -     -     /usr/sbin/callback -S\n\
         {CALLER}    N          -     -     /usr/sbin/callback -S {CALLER_NUMBER}\n\
         {CALLER}    Y          -     -     /bin/sh {session} @\n"
    )
}

/// What runs on the return call: a shell, as whoever started the demo.
fn session() -> String {
    format!(
        "echo \"Hello $1, you are on $DEVICE at $CONNECT bit/s.\"\n\
         PS1='{SHELL_PROMPT}'\n\
         export PS1\n\
         exec /bin/sh -i\n"
    )
}

/// Two telephone lines, a modem on each. `port`: where the caller's modem is to be found from outside.
pub(super) fn town(scale: u32, port: Option<&Path>) -> Town {
    let mut caller = Station::modem(CALLER, CALLER_NUMBER);
    if let (Equipment::Modem(modem), Some(port)) = (&mut caller.equipment, port) {
        modem.port = format!("pty:{}", port.display());
    }
    let wall = crate::clock::wall();
    Town {
        // The called side cannot end a call by itself for this long: why a callback waits.
        timing: Timing { hold: Duration::from_secs(4), ..Timing::default() },
        scale,
        wall_ms: wall.unix_ms.saturating_add(i64::from(wall.offset_s) * 1000),
        ..Town::of([caller, Station::modem(SERVER, SERVER_NUMBER)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demos_own_files_are_faultless_and_gone_afterwards() {
        let folder = Folder::new().unwrap();
        let config = configure(&folder).unwrap();
        assert_eq!(config.lines.len(), 1);
        assert_eq!(config.entries.len(), 3);
        let path = folder.as_ref().to_owned();
        drop(folder);
        assert!(!path.exists());
    }
}
