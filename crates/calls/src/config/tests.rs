//! Whole configurations: good ones, and a table of faulty ones with the exact line that each must get.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::load::{FileText, Loaded, Surroundings, load};
use super::*;
use crate::diagnostic::Diagnostic;

mod every_key;
mod examples;
mod faults;
mod files;
mod from_mgetty;
mod sketch;

/// Root's own file, closed to everybody else.
pub(super) fn file(text: &str) -> FileText {
    FileText { text: text.as_bytes().to_vec(), uid: 0, mode: 0o600 }
}

pub(super) fn surroundings() -> Surroundings {
    Surroundings { host: "orion".to_owned(), system: System::default(), uid: 0 }
}

/// A login.config without fault.
pub(super) const LOGIN: &str = "mary - - /usr/sbin/callback -S 5550199\n* - - /bin/login @\n";

/// Loads dialback.toml with login.config and, if there is one, dialin.config beside it.
pub(super) fn load_texts(
    toml: &str,
    login: &str,
    dialin: Option<&str>,
) -> Result<Loaded, Vec<Diagnostic>> {
    let mut files: BTreeMap<PathBuf, FileText> = BTreeMap::new();
    files.insert("dialback.toml".into(), file(toml));
    files.insert("login.config".into(), file(login));
    if let Some(dialin) = dialin {
        files.insert("dialin.config".into(), file(dialin));
    }
    load(Path::new("dialback.toml"), &surroundings(), &files)
}

/// One line for each diagnostic, errors or warnings.
pub(super) fn told(result: &Result<Loaded, Vec<Diagnostic>>) -> Vec<String> {
    let diagnostics = match result {
        Ok(loaded) => &loaded.warnings,
        Err(faults) => faults,
    };
    diagnostics.iter().map(ToString::to_string).collect()
}
