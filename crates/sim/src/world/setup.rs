//! What a world begins with, and its configuration read from memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use calls::config::load::{FileText, Surroundings, load};
use calls::config::{Config, System};

use super::program::ProgramKind;
use crate::town::Town;

/// What a world begins with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The town.
    pub town: Town,
    /// `dialback.toml`; its lines have ports `sim:STATION`.
    pub config: String,
    /// `login.config`.
    pub login_config: String,
    /// Everything that is left to chance.
    pub seed: u64,
    /// Whether the server's ports have control lines, as a serial port does and a pty does not.
    pub control_lines: bool,
    /// How long the journal takes to be durable.
    pub store_delay: Duration,
    /// Which programs there are; any other path is [`ProgramKind::Shell`].
    pub programs: BTreeMap<PathBuf, ProgramKind>,
}

/// What a world has beside the server's configuration.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The town.
    pub town: Town,
    /// Everything that is left to chance.
    pub seed: u64,
    /// Whether the server's ports have control lines, as a serial port does and a pty does not.
    pub control_lines: bool,
    /// How long the journal takes to be durable.
    pub store_delay: Duration,
    /// Which programs there are; any other path is [`ProgramKind::Shell`].
    pub programs: BTreeMap<PathBuf, ProgramKind>,
}

/// Who proves which name by which password in every town: `/etc/dialback/chap-secrets`.
const SECRETS: &str = "alice * s3cret\nbob * b0bs\ncarol * c4rols\n";

/// Reads a configuration from memory, as the rim reads it from files.
///
/// # Errors
/// Everything that is wrong with it, one diagnostic a line.
pub fn configure(config: &str, login_config: &str) -> Result<Config, String> {
    let file = |text: &str| FileText { text: text.as_bytes().to_vec(), uid: 0, mode: 0o600 };
    let files: BTreeMap<PathBuf, FileText> = [
        (PathBuf::from("/etc/dialback/dialback.toml"), file(config)),
        (PathBuf::from("/etc/dialback/login.config"), file(login_config)),
        (PathBuf::from("/etc/dialback/chap-secrets"), file(SECRETS)),
        // For a configuration that names it: Alice's number is answered, and no other.
        (PathBuf::from("/etc/dialback/dialin.config"), file("5550199 !all\n")),
        (PathBuf::from("/etc/issue"), file("The town's computer\n")),
    ]
    .into();
    let surroundings = Surroundings { host: "town".to_owned(), system: System::default(), uid: 0 };
    let loaded = load(Path::new("/etc/dialback/dialback.toml"), &surroundings, &files);
    loaded
        .map(|loaded| loaded.config)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}
