//! `dialback import`: a peer file out of other programs' files.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use calls::diagnostic::Source;
use clap::Args;

use crate::dial::peer;
use crate::exit::{Code, Failure};
use crate::import::{self, Imported, MAX_FILE};
use crate::out;

#[derive(Debug, Args)]
#[command(after_help = "\
What is not taken over is told on stderr, with its line and the reason. Passwords are never copied.

Examples:
  dialback import /etc/ppp/peers/provider                       look at it
  dialback import /etc/ppp/peers --to /etc/dialback/peers       all of pppd's peers
  dialback import /etc/wvdial.conf --section home --to home.toml")]
pub(super) struct Import {
    /// A peer file of pppd's, a wvdial.conf, or a directory of such files
    #[arg(value_name = "FILE|DIR")]
    from: PathBuf,
    /// Which [Dialer NAME] of a wvdial.conf [default: its defaults alone]
    #[arg(long, value_name = "NAME")]
    section: Option<String>,
    /// The peer file to write, or the directory for them; nothing that exists is overwritten [default: stdout]
    #[arg(long, value_name = "FILE|DIR")]
    to: Option<PathBuf>,
}

impl Import {
    pub(super) fn run(self) -> Result<(), Failure> {
        if !self.from.is_dir() {
            return self.one(&self.from, self.to.as_deref());
        }
        let Some(to) = self.to.as_deref().filter(|to| to.is_dir()) else {
            let what = "a directory is read into a directory: name one that exists with --to";
            return Err(Failure::new(Code::Usage, what));
        };
        let fault = |e| failed(&self.from, &e);
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.from).map_err(fault)? {
            files.push(entry.map_err(fault)?.path());
        }
        files.retain(|path| path.is_file());
        files.sort();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.one(&file, Some(&to.join(format!("{name}.toml"))))?;
        }
        Ok(())
    }

    fn one(&self, from: &Path, to: Option<&Path>) -> Result<(), Failure> {
        let text = read(from)?;
        let faulty =
            |why: String| Failure::new(Code::Configuration, format!("{}: {why}", from.display()));
        let imported = import::read(&text, self.section.as_deref()).map_err(faulty)?;
        check(&imported).map_err(faulty)?;
        for remark in &imported.remarks {
            let place = match remark.line {
                0 => from.display().to_string(),
                line => format!("{}:{line}", from.display()),
            };
            out::error(format_args!("{place}: {}: {}", remark.what, remark.why));
        }
        let text = format!("# From {}\n{}", from.display(), imported.peer);
        match to {
            None => {
                out::line(text.trim_end());
                Ok(())
            }
            Some(to) => File::options()
                .write(true)
                .create_new(true)
                .open(to)
                .and_then(|mut file| file.write_all(text.as_bytes()))
                .map_err(|e| failed(to, &e)),
        }
    }
}

/// The whole file, or none of it: what a part says may be the opposite of what the rest does.
fn read(from: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    File::open(from)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text))
        .map_err(|e| failed(from, &e))?;
    if text.len() as u64 > MAX_FILE {
        let kib = MAX_FILE / 1024;
        let why = format!("{}: longer than {kib} KiB: that is no peer's options", from.display());
        return Err(Failure::new(Code::Configuration, why));
    }
    Ok(text)
}

/// What is written must be readable; what is still missing has been told.
fn check(imported: &Imported) -> Result<(), String> {
    let source = Source::new("imported", &*imported.peer);
    let draft = peer::parse(&source).map_err(|fault| fault.message)?;
    match peer::check(draft, &source) {
        Ok(_) => Ok(()),
        // A whole-file fault is something missing, which the remarks tell.
        Err(faults) => faults
            .into_iter()
            .find(|fault| fault.span.is_some())
            .map_or(Ok(()), |fault| Err(fault.message)),
    }
}

fn failed(path: &Path, e: &std::io::Error) -> Failure {
    Failure::new(Code::InputOutput, format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_or_refused() {
        let path = std::env::temp_dir().join(format!("dialback-import-{}", std::process::id()));
        for (length, whole) in [(MAX_FILE, true), (MAX_FILE + 1, false), (3 * MAX_FILE, false)] {
            let text = "#".repeat(usize::try_from(length).unwrap());
            std::fs::write(&path, &text).unwrap();
            let read = read(&path);
            assert_eq!(read.is_ok(), whole, "{length}");
            match read {
                Ok(read) => assert!(read == text, "{length}"),
                Err(why) => assert!(why.to_string().contains("longer than 256 KiB"), "{why}"),
            }
        }
        std::fs::remove_file(&path).unwrap();
    }
}
