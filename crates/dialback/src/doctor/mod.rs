//! `dialback doctor`: whatever can be wrong on a host with our lines, each with why it matters and how it is cured.
//!
//! ```text
//!   configuration ─► users, groups ─► ports, locks, who else has them ─► other programs, units ─► storage, clock, kernel
//!        │                                                                                          │
//!        └─► prove                                     modems: asked here, or the running server ◄──┘
//! ```
//!
//! Every probe takes the system as a [`Host`], whose files are below a root, so that each fault can be made up. It mends
//! nothing.

mod configuration;
mod modems;
mod ports;
mod programs;
mod storage;
#[cfg(test)]
mod tests;

use std::path::{Component, Path, PathBuf};

use calls::config::Config;
use calls::status::Status;
use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Calls fail, or what must not happen can.
    Error,
    /// It may, one day.
    Warning,
    /// Good to know.
    Note,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// A stable name: `port.lock-stale`.
    pub(crate) check: String,
    /// The file, device, program, or line.
    pub(crate) place: String,
    pub(crate) what: String,
    /// Why it matters.
    pub(crate) why: String,
    /// What to do: a command wherever there is one.
    pub(crate) cure: String,
}

/// All findings so far.
#[derive(Debug, Default)]
pub(crate) struct Findings(pub(crate) Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        severity: Severity,
        check: &str,
        place: impl Into<String>,
        [what, why, cure]: [&str; 3],
    ) {
        let finding = Finding {
            severity,
            check: check.to_owned(),
            place: place.into(),
            what: what.to_owned(),
            why: why.to_owned(),
            cure: cure.to_owned(),
        };
        if !self.0.contains(&finding) {
            self.0.push(finding);
        }
    }

    fn error(&mut self, check: &str, place: impl Into<String>, told: [&str; 3]) {
        self.add(Severity::Error, check, place, told);
    }

    fn warning(&mut self, check: &str, place: impl Into<String>, told: [&str; 3]) {
        self.add(Severity::Warning, check, place, told);
    }

    fn note(&mut self, check: &str, place: impl Into<String>, told: [&str; 3]) {
        self.add(Severity::Note, check, place, told);
    }
}

/// The system, as far as it is looked at.
#[derive(Debug)]
pub(crate) struct Host {
    /// What stands before every path; `/` for the real system.
    pub(crate) root: PathBuf,
    /// The configuration.
    pub(crate) config: PathBuf,
    /// Milliseconds since 1970.
    pub(crate) now_ms: i64,
    /// Bytes that are free where a path is.
    pub(crate) free: fn(&Path) -> Option<u64>,
    /// Whether the known attacks are played.
    pub(crate) prove: bool,
}

impl Host {
    /// A path as it is found here.
    pub(crate) fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The device behind a name such as `/dev/serial/by-id/...`: /proc, units and locks know it by its own only.
    fn device(&self, path: &Path) -> PathBuf {
        let mut device = path.to_owned();
        // As the kernel: whoever has more links is in a circle.
        for _ in 0..40 {
            let Ok(target) = std::fs::read_link(self.at(&device)) else { break };
            let mut next = device.parent().unwrap_or(Path::new("/")).to_owned();
            for part in target.components() {
                match part {
                    Component::RootDir | Component::Prefix(_) => next = "/".into(),
                    Component::CurDir => {}
                    Component::ParentDir => drop(next.pop()),
                    Component::Normal(name) => next.push(name),
                }
            }
            device = next;
        }
        device
    }

    fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.at(path).symlink_metadata().is_ok()
    }

    fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        std::fs::read(self.at(path)).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The names in a directory.
    fn names(&self, path: impl AsRef<Path>) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.at(path)) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// Looks at everything but the modems; the configuration, if there is one.
pub(crate) fn examine(host: &Host, status: Option<&Status>) -> (Findings, Option<Config>) {
    let mut findings = Findings::default();
    let config = configuration::look(host, &mut findings);
    programs::look(host, config.as_ref(), &mut findings);
    storage::clock(host, config.as_ref(), &mut findings);
    if let Some(config) = &config {
        configuration::users(host, config, &mut findings);
        if host.prove {
            configuration::proofs(host, config, &mut findings);
        }
        ports::look(host, config, status, &mut findings);
        storage::look(host, config, &mut findings);
        storage::kernel(host, config, &mut findings);
    }
    if let Some(status) = status {
        modems::server(status, &mut findings);
    }
    (findings, config)
}

pub(crate) use modems::ask;
