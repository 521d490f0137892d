//! `dialback doctor`: what is wrong on this host, why it matters, and how it is cured.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::DEFAULT_CONFIG;
use crate::control::Client;
use crate::doctor::{self, Finding, Host, Severity};
use crate::exit::{Code, Failure};
use crate::out::{self, Ink, Palette};
use crate::setup::Told;
use crate::sheet::{self, wrapped};

#[derive(Debug, Args)]
#[command(after_help = "\
Looks at the configuration and its files, users and groups, ports and locks, programs that want the \
same ports, units, storage with the journal's chain, clock and kernel, plays the known attacks (see \
dialback prove), and asks the modems: by itself where no server runs, and the server where one does. \
Nothing is changed. Exits with 0 if there is no finding of severity error, with 1 if there is.

Examples:
  sudo dialback doctor                          everything
  sudo dialback doctor --no-modems              without opening any port
  dialback doctor --json | jq -r '.findings[] | select(.severity == \"error\") | .cure'
  dialback doctor --root /mnt/disk              another machine's disk, or a container's")]
pub(super) struct Doctor {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    /// What stands before all paths: another machine's disk; its modems are not asked
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Open no port
    #[arg(long)]
    no_modems: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) fn run(self) -> Result<(), Failure> {
        let here = self.root == Path::new("/");
        let config = std::path::absolute(&self.config).unwrap_or_else(|_| self.config.clone());
        let host = Host {
            root: self.root.clone(),
            config,
            now_ms: crate::clock::wall().unix_ms,
            free: |path| {
                let seen = rustix::fs::statvfs(path).ok()?;
                Some(seen.f_bavail.saturating_mul(seen.f_frsize))
            },
            prove: true,
        };
        let socket = crate::config::read(&host.config).config.map(|config| config.server.control);
        let status =
            socket.filter(|_| here).and_then(|socket| Client::connect(&socket).ok()?.status().ok());
        let (mut findings, config) = doctor::examine(&host, status.as_deref());
        let asks = here && !self.no_modems && status.is_none();
        if let Some(config) = config.filter(|_| asks) {
            let progress = !self.json && io::stderr().is_terminal();
            let told = move |name: &str, what: Told<'_>| match what {
                Told::Going(what) if progress => out::error(format_args!("{name}: {what}")),
                Told::Going(_) | Told::Found(_) => {}
            };
            doctor::ask(&config, &mut findings, told)
                .map_err(|why| Failure::new(Code::System, why))?;
        }
        let mut findings = findings.0;
        findings.sort_by_key(|finding| finding.severity);
        let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
        let errors = count(Severity::Error);
        if self.json {
            out::line(json!({
                "server": status.is_some(),
                "errors": errors,
                "warnings": count(Severity::Warning),
                "notes": count(Severity::Note),
                "findings": findings,
            }));
        } else {
            show(&findings);
            let server = match (here, status.is_some()) {
                (true, true) => "the server runs and was asked",
                (true, false) => "no server runs",
                (false, _) => "not this machine",
            };
            let counted = |n: usize, word: &str| {
                let plural = if n == 1 { "" } else { "s" };
                format!("{n} {word}{plural}")
            };
            out::line(format_args!(
                "{}, {}, {}; {server}",
                counted(errors, "error"),
                counted(count(Severity::Warning), "warning"),
                counted(count(Severity::Note), "note")
            ));
        }
        if errors == 0 { Ok(()) } else { Err(Failure::silent(Code::Failed)) }
    }
}

/// What stands below a finding's head.
const INDENT: &str = "         ";

fn show(findings: &[Finding]) {
    let palette = Palette::stdout();
    let room = sheet::width().saturating_sub(INDENT.len());
    for finding in findings {
        let (ink, word) = match finding.severity {
            Severity::Error => (Ink::Red, "error"),
            Severity::Warning => (Ink::Yellow, "warning"),
            Severity::Note => (Ink::Dim, "note"),
        };
        let head = palette.paint(ink, &format!("{word:<8}"));
        let check = palette.paint(Ink::Cyan, &finding.check);
        out::line(format_args!("{head} {check}  {}", finding.place));
        // A cure is a command as often as not, and stays in one line for those who copy it.
        for line in wrapped(&finding.what, room) {
            out::line(format_args!("{INDENT}{line}"));
        }
        for (n, line) in wrapped(&finding.why, room.saturating_sub(6)).iter().enumerate() {
            let label = if n == 0 { "why: " } else { "     " };
            out::line(format_args!("{INDENT}{} {line}", palette.paint(Ink::Dim, label)));
        }
        out::line(format_args!(
            "{INDENT}{} {}\n",
            palette.paint(Ink::Green, "cure:"),
            finding.cure
        ));
    }
}
