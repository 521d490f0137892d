//! The new files are read as the server reads them; what it refuses in the copies is taken out and told, until nothing
//! is refused any more.
//!
//! An entry that is refused becomes one that hangs up (/bin/false): without it, its callers would fall to the entry
//! below, and get a login where they got a callback.

use std::collections::BTreeMap;
use std::path::Path;

use calls::config::load::{FileText, Files, ReadFault};
use calls::diagnostic::{Diagnostic, Severity};

use super::{Kind, NewFile, Place, Remarks};

/// Where the files will be, for the reader's sake.
const DIRECTORY: &str = "/etc/dialback";
/// Each round mends at least one line; a file with more faults is no configuration.
const ROUNDS: usize = 50;

/// The new files, as the configuration's reader asks for them.
struct InMemory<'f>(&'f [NewFile]);

impl Files for InMemory<'_> {
    fn read(&self, path: &Path) -> Result<FileText, ReadFault> {
        let name = path.strip_prefix(DIRECTORY).map_err(|_| ReadFault::Missing)?;
        let file =
            self.0.iter().find(|file| Path::new(&file.name) == name).ok_or(ReadFault::Missing)?;
        let uid = rustix::process::geteuid().as_raw();
        Ok(FileText { text: file.text.clone().into_bytes(), uid, mode: 0o600 })
    }
}

/// Mends the copies; what is left is what `check` says of them.
pub(super) fn until_accepted(files: &mut [NewFile], remarks: &mut Remarks) -> Vec<Diagnostic> {
    for _ in 0..ROUNDS {
        let diagnostics = diagnostics(files);
        let mut faults: BTreeMap<(String, usize), Refused> = BTreeMap::new();
        for fault in diagnostics.iter().filter(|fault| fault.severity == Severity::Error) {
            let name = Path::new(fault.source.name()).file_name().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            if let Some(place) = fault.position().filter(|_| name != "dialback.toml") {
                let text = fault.span.clone().and_then(|span| fault.source.text().get(span));
                faults.entry((name, place.line)).or_insert_with(|| Refused {
                    word: text.unwrap_or_default().to_owned(),
                    why: match &fault.hint {
                        Some(hint) => format!("{} ({hint})", fault.message),
                        None => fault.message.clone(),
                    },
                });
            }
        }
        if faults.is_empty() {
            return diagnostics;
        }
        // From the end, so that lines keep their numbers.
        for ((name, line), refused) in faults.into_iter().rev() {
            match files.iter_mut().find(|file| file.name == name) {
                Some(file) if name == "dialin.config" => word_out(file, line, &refused, remarks),
                Some(file) => line_out(file, line, &refused.why, remarks),
                None => return diagnostics,
            }
        }
    }
    diagnostics(files)
}

/// What is refused, and why.
struct Refused {
    word: String,
    why: String,
}

/// Takes one word out of dialin.config: the others of its line count.
fn word_out(file: &mut NewFile, line: usize, refused: &Refused, remarks: &mut Remarks) {
    let mut lines: Vec<String> = file.text.lines().map(str::to_owned).collect();
    let Some(text) = lines.get_mut(line.saturating_sub(1)) else { return };
    *text = text
        .split([' ', '\t', ',', '\r'])
        .filter(|word| *word != refused.word && !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let place = Place { file: format!("{} (the copy)", file.name), line };
    remarks.add(place, Kind::Safer, refused.word.clone(), format!("{}: left out", refused.why));
    file.text = lines.join("\n") + "\n";
}

fn diagnostics(files: &[NewFile]) -> Vec<Diagnostic> {
    crate::config::read_with(&Path::new(DIRECTORY).join("dialback.toml"), &InMemory(files))
        .diagnostics
}

fn line_out(file: &mut NewFile, line: usize, why: &str, remarks: &mut Remarks) {
    let two = file.text.lines().any(|line| line.split_whitespace().eq(["!version", "2"]));
    let mut lines: Vec<String> = file.text.lines().map(str::to_owned).collect();
    // A continued entry has its fault on any of its lines.
    let mut first = line.saturating_sub(1);
    while first > 0 && lines.get(first - 1).is_some_and(|line| line.ends_with('\\')) {
        first -= 1;
    }
    let mut last = first;
    while lines.get(last).is_some_and(|line| line.ends_with('\\')) && last + 1 < lines.len() {
        last += 1;
    }
    let Some(old) = lines.get(first..=last).map(<[String]>::to_vec) else { return };
    let place = Place { file: format!("{} (the copy)", file.name), line };
    let mut new: Vec<String> = old.iter().map(|line| format!("# {line}")).collect();
    let name =
        old.first().and_then(|line| line.split_whitespace().next()).unwrap_or_default().to_owned();
    if file.name == "login.config" && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        let flag = if two {
            old.first().and_then(|line| line.split_whitespace().nth(1)).unwrap_or("-")
        } else {
            ""
        };
        let flag = if matches!(flag, "Y" | "N" | "-") {
            format!("\t{flag}")
        } else if two {
            "\t-".to_owned()
        } else {
            String::new()
        };
        new.push(format!("{name}{flag}\t-\t-\t/bin/false"));
        let why = format!("{why}: the caller is hung up on; mend the entry");
        remarks.add(place, Kind::Decide, name, why);
    } else {
        let what = if file.secret { "a secret" } else { "a line" };
        remarks.add(place, Kind::Safer, what, format!("{why}: left out"));
    }
    lines.splice(first..=last, new);
    file.text = lines.join("\n") + "\n";
}
