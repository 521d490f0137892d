//! `dialback audit`: whether the journal is what was written, and a copy of it for auditors.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::DEFAULT_CONFIG;
use super::show::{since, to_json};
use crate::audit::{self, Format, Span, Verdict};
use crate::clock::{wall, written};
use crate::exit::{Code, Failure};
use crate::out;
use crate::store;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback audit verify                          is the journal what was written?
  dialback audit verify --anchors /var/log/syslog
  dialback audit export --since 30d > november.jsonl
  dialback audit verify november.jsonl           on another machine, years later")]
pub(super) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Find the first entry of a journal that is not what was written
    Verify(Verify),
    /// Write the journal, or a part of it, so that it can be verified later
    Export(Export),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Each entry's hash covers the one before it, so that no entry can be changed, taken out or put in unnoticed. That the
end was cut off, or all of it written anew, anchors show: lines that the server has told to a file or to the system's
log (see [audit] in the configuration). Works beside a running server. Exits with 1 if something is wrong.

Examples:
  dialback audit verify                          the configured server's journal, and its anchors
  dialback audit verify journal.db --anchors /mnt/loghost/messages
  dialback audit verify export.jsonl             an export")]
struct Verify {
    /// A journal (journal.db) or an export [default: the journal of the configuration]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// A file with anchors in it, once or more often [default: the configuration's anchor_file, for its own journal]
    #[arg(long, value_name = "FILE")]
    anchors: Vec<PathBuf>,
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
An export says what its first entry follows from and where it ends, so that it can be verified by itself, and against
anchors. Entries are in the order of writing.

Examples:
  dialback audit export > all.jsonl
  dialback audit export --since 2026-11-01 --until 2026-12-01 --format csv > november.csv
  dialback audit export --file /backup/journal.db --since 7d")]
struct Export {
    /// A journal [default: the journal of the configuration]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// From then on: `12h`, `7d` ago, or `2026-11-22`, or `2026-11-22T18:00`
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before then
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    format: Format,
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
}

impl Audit {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Verify(verify) => verify.run(),
            Command::Export(export) => export.run(),
        }
    }
}

/// The journal of a configuration, and the file of its anchors.
fn configured(path: &Path) -> Result<(PathBuf, Option<audit::Configured>), Failure> {
    let Some(config) = crate::config::read(path).config else {
        let message = format!("{}: faulty: see dialback check, or name the file", path.display());
        return Err(Failure::new(Code::Configuration, message));
    };
    let anchors = audit::Configured::of(&config.audit);
    Ok((store::journal_in(&config.server.state_dir), anchors))
}

impl Verify {
    fn run(self) -> Result<(), Failure> {
        let (file, own) = match self.file {
            Some(file) => (file, None),
            None => configured(&self.config)?,
        };
        let mut anchors = self.anchors;
        let verdict = match &own {
            // The server's own journal and its own anchors: these have to be there.
            Some(own) if anchors.is_empty() => {
                anchors.push(own.file.clone());
                audit::verify_own(&file, Some(own), wall())
            }
            Some(_) | None => audit::verify(&file, &anchors),
        };
        let verdict = verdict.map_err(|message| Failure::new(Code::InputOutput, message))?;
        if self.json {
            out::line(to_json(&verdict)?.trim_end());
        } else {
            out::line(told(&file, &anchors, &verdict));
        }
        if verdict.faults.is_empty() { Ok(()) } else { Err(Failure::silent(Code::Failed)) }
    }
}

fn told(file: &Path, anchors: &[PathBuf], verdict: &Verdict) -> String {
    let name = file.display();
    let when = |unix_ms| written(calls::vocabulary::Wall { unix_ms, offset_s: 0 });
    let mut text = match (verdict.first, verdict.last) {
        (Some((first, from)), Some((last, to))) => format!(
            "{name}: {} entries, {first} to {last}, of {} to {} UTC: each follows from the one before\nhead: \
             entry {last}, {}",
            verdict.entries,
            when(from),
            when(to),
            verdict.head
        ),
        _ => format!("{name}: no entry"),
    };
    match (anchors, verdict.anchors) {
        ([], _) | (_, 0) => text
            .push_str("\nanchors: none were compared: a journal cut off at its end would not show"),
        (_, 1) => text.push_str("\nanchors: 1 is in the chain"),
        (_, count) => text.push_str(&format!("\nanchors: {count} are in the chain")),
    }
    for fault in &verdict.faults {
        text.push_str(&format!("\n{name}: {fault}"));
    }
    text
}

impl Export {
    fn run(self) -> Result<(), Failure> {
        let file = match self.file {
            Some(file) => file,
            None => configured(&self.config)?.0,
        };
        let span = Span {
            since: self.since.as_deref().map(since).transpose()?,
            until: self.until.as_deref().map(since).transpose()?,
        };
        let mut to = std::io::BufWriter::new(out::Stdout);
        let exported = audit::export(&file, span, self.format, &mut to);
        drop(to.flush());
        // The program's end tells of it.
        if out::lost().is_some() {
            return Ok(());
        }
        exported.map(drop).map_err(|message| Failure::new(Code::InputOutput, message))
    }
}
