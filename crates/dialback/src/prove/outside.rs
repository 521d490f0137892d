//! The attacks on files: A13, A17, A19. They are played on copies in memory or in a folder of their own; nothing of the
//! running server's is touched.

use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;

use calls::config::load::{FileText, ReadFault};
use calls::config::{self as configured, Action, Config};
use calls::vocabulary::{CallId, Entry, Event, PromiseId, Seq, SessionId, Wall};
use sha2::{Digest, Sha256};
use sim::prove::{Finding, Verdict};

use crate::audit::{self, Anchor};
use crate::config::{self, Read};
use crate::log;
use crate::out::Palette;
use crate::store::{Reader, Store, StoreFault, Word, Writer};

/// `[server] issue` where the configuration names none.
const DEFAULT_ISSUE: &str = "/etc/issue";

/// The configuration's files as they are on the disk.
#[derive(Debug)]
pub(super) struct FilesRead {
    path: PathBuf,
    files: BTreeMap<PathBuf, FileText>,
}

impl FilesRead {
    /// Reads the configuration once, and keeps whatever was read for it.
    pub(super) fn of(path: &Path) -> Self {
        let seen = std::cell::RefCell::new(BTreeMap::new());
        let reader = |path: &Path| {
            let text = config::read_file(path)?;
            seen.borrow_mut().insert(path.to_owned(), text.clone());
            Ok(text)
        };
        drop(config::read_with(path, &reader));
        Self { path: path.to_owned(), files: seen.into_inner() }
    }

    /// What they come to.
    pub(super) fn configuration(&self) -> Read {
        config::read_with(&self.path, &self.files)
    }

    /// One number for all of them.
    pub(super) fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for (path, file) in &self.files {
            hash.update(path.as_os_str().as_encoded_bytes());
            hash.update([0]);
            hash.update(u64::try_from(file.text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(&file.text);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What whoever wrote the configuration says of an attack in it, on comment lines of their own that begin with its
    /// number: `# A9: names are no secret here`. A line of more comment goes on with it.
    pub(super) fn remarks(&self) -> BTreeMap<String, String> {
        let Some(file) = self.files.get(&self.path) else { return BTreeMap::new() };
        let mut remarks: BTreeMap<String, String> = BTreeMap::new();
        let mut last: Option<String> = None;
        for line in String::from_utf8_lossy(&file.text).lines() {
            let Some(comment) = line.trim().strip_prefix('#').map(str::trim) else {
                last = None;
                continue;
            };
            let numbered = comment.split_once(':').filter(|(id, _)| {
                id.strip_prefix('A').is_some_and(|number| number.parse::<u8>().is_ok())
            });
            match (numbered, &last) {
                (Some((id, remark)), _) => {
                    remarks.insert(id.to_owned(), remark.trim().to_owned());
                    last = Some(id.to_owned());
                }
                (None, Some(id)) if !comment.is_empty() => {
                    if let Some(remark) = remarks.get_mut(id) {
                        remark.push(' ');
                        remark.push_str(comment);
                    }
                }
                (None, _) => last = None,
            }
        }
        remarks
    }

    /// Where the text before the prompt is.
    fn issue(&self) -> PathBuf {
        let text = self.files.get(&self.path).map(|file| String::from_utf8_lossy(&file.text));
        let table: Option<toml::Table> = text.and_then(|text| text.parse().ok());
        let named = table.as_ref().and_then(|table| table.get("server")?.get("issue")?.as_str());
        let beside = self.path.parent().unwrap_or_else(|| Path::new("."));
        named.map_or_else(|| PathBuf::from(DEFAULT_ISSUE), |named| beside.join(named))
    }

    /// A13: each file spoiled in each way; a server that would still start has not failed closed.
    pub(super) fn spoiled(&self) -> Finding {
        let mut tried = Vec::new();
        let issue = self.issue();
        // An issue text is shown to everybody: it has no rights, and no wrong form.
        for (path, file) in self.files.iter().filter(|(path, _)| **path != issue) {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            let text = String::from_utf8_lossy(&file.text);
            let mut ways = vec![
                (
                    "it is spoiled",
                    Some(FileText {
                        text: format!("{text}\n\u{1}{{ = [\n").into_bytes(),
                        ..file.clone()
                    }),
                ),
                ("it is taken away", None),
            ];
            // The main file holds no secret and may be read by all; written it must be by root alone.
            ways.push(("everybody may write it", Some(FileText { mode: 0o666, ..file.clone() })));
            ways.push(("it is somebody else's", Some(FileText { uid: 54_321, ..file.clone() })));
            for (what, spoiled) in ways {
                let read = config::read_with(&self.path, &|wanted: &Path| match (
                    &spoiled,
                    wanted == path,
                ) {
                    (Some(text), true) => Ok(text.clone()),
                    (None, true) => Err(ReadFault::Missing),
                    (_, false) => self.files.get(wanted).cloned().ok_or(ReadFault::Missing),
                });
                if read.config.is_some() {
                    return Finding::new(
                        Verdict::Open,
                        format!("the server starts although {name} is not as it must be: {what}"),
                    )
                    .cured_by(format!("keep {} root's, mode 0600", path.display()));
                }
                let (_, first) = read.faults();
                tried.push(format!("{name}, {what}: {first}"));
            }
        }
        let because = format!(
            "files spoiled, taken away, given away and opened in {} ways: each time the server refuses to start",
            tried.len()
        );
        tried.truncate(12);
        Finding::new(Verdict::Withstood, because).shown_by(tried)
    }
}

/// A17: a journal of its own, the last entries cut off, and one altered.
pub(super) fn tampered(config: &Config) -> Finding {
    let played = private_folder().map_err(|e| e.to_string()).and_then(|dir| {
        let played = play_with_journal(&dir);
        drop(std::fs::remove_dir_all(&dir));
        played
    });
    let told = match played {
        Err(why) => {
            return Finding::new(Verdict::Weak, format!("it could not be played: {why}"));
        }
        Ok(Err(unseen)) => return Finding::new(Verdict::Open, unseen),
        Ok(Ok(told)) => told,
    };
    let audit = &config.audit;
    let beside = |file: &PathBuf| file.starts_with(&config.server.state_dir);
    let (verdict, because) = match (&audit.anchor_file, audit.anchor_syslog) {
        (_, true) => (
            Verdict::Withstood,
            "an altered entry is named, and so is a cut-off end: the system's log has the chain's heads",
        ),
        (Some(file), false) if beside(file) => (
            Verdict::Weak,
            "an altered entry is named; the chain's heads are kept beside the journal, where whoever cuts the end off alters them too",
        ),
        (Some(_), false) => (
            Verdict::Withstood,
            "an altered entry is named, and so is a cut-off end: the chain's heads are kept elsewhere too",
        ),
        (None, false) => (
            Verdict::Weak,
            "an altered entry is named; that the last entries were cut off shows only where the chain's head is kept elsewhere",
        ),
    };
    let finding = Finding::new(verdict, because).shown_by(told);
    match verdict {
        Verdict::Weak => finding.cured_by(
            "set audit.anchor_syslog = true, or audit.anchor_file on another machine's disk",
        ),
        Verdict::Withstood | Verdict::Open | Verdict::NotApplicable => finding,
    }
}

/// A new folder that nobody else can have made or can enter: root runs this in a directory that everybody writes to.
fn private_folder() -> std::io::Result<PathBuf> {
    let mut last = None;
    for n in 0..100 {
        let name = format!("dialback-prove-{}-{n}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        // Not recursive: what is there already, a link included, is a fault and not a success.
        match std::fs::DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => return Ok(dir),
            Err(e) => last = Some(e),
        }
    }
    Err(last.unwrap_or_else(|| std::io::ErrorKind::AlreadyExists.into()))
}

/// What verification says about an end that was cut off and about an altered entry; the inner error if it says nothing
/// of one of them, the outer one if it could not be tried.
fn play_with_journal(dir: &Path) -> Result<Result<Vec<String>, &'static str>, String> {
    let say = |fault: &dyn std::fmt::Display| fault.to_string();
    let store = Store::open(dir).map_err(|e| say(&e))?;
    let path = store.path().to_owned();
    let (tell, told) = channel();
    let writer =
        Writer::start(store, move |word: Word| drop(tell.send(word))).map_err(|e| say(&e))?;
    let at = Wall { unix_ms: 1_000_000_000_000, offset_s: 0 };
    for seq in 1..=20_u64 {
        let event = Event::LineReady { line: format!("line{seq}") };
        writer.append(Arc::new(Entry { seq: Seq(seq), at, event }));
    }
    writer.finish();
    drop(told);
    let head = Reader::new(&path).head().map_err(|e| say(&e))?;
    let anchors = dir.join("anchors");
    let anchor = Anchor { seq: head.seq.0, hash: head.hash, unix_ms: at.unix_ms };
    std::fs::write(&anchors, format!("{anchor}\n")).map_err(|e| say(&e))?;
    let alter = |sql: &str| -> Result<(), String> {
        let connection = rusqlite::Connection::open(&path).map_err(|e| say(&e))?;
        connection.execute_batch(sql).map_err(|e| say(&e))
    };
    // Whoever alters entries takes the triggers away first.
    let triggers = triggers(&path).map_err(|e| say(&e))?;
    alter(&triggers.iter().map(|name| format!("DROP TRIGGER {name};")).collect::<String>())?;
    alter("DELETE FROM journal WHERE seq > 15;")?;
    let verdict = audit::verify(&path, std::slice::from_ref(&anchors))?;
    let Some(cut) = verdict.faults.first().map(|fault| say(fault)) else {
        return Ok(Err("entries that were cut off were not missed, although there was an anchor"));
    };
    alter("UPDATE journal SET entry = replace(entry, 'line7', 'line8') WHERE seq = 7;")?;
    match Store::open(dir).map_err(|e| say(&e))?.restore() {
        Err(StoreFault::Changed { seq: 7, what, .. }) => {
            Ok(Ok(vec![format!("entry 7 {what}"), cut]))
        }
        Err(other) => Err(say(&other)),
        Ok(_) => Ok(Err("an altered entry went unseen")),
    }
}

/// What keeps the journal's entries from being changed by accident.
fn triggers(path: &Path) -> rusqlite::Result<Vec<String>> {
    let connection = rusqlite::Connection::open(path)?;
    let mut names = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")?;
    let names = names.query_map([], |row| row.get(0))?;
    names.collect()
}

/// A19: what the process list, the log and other callers tell.
pub(super) fn disclosed(config: &Config) -> Finding {
    // Numbers are in no argument of any process: `serve` takes a path, and programs get what login.config says.
    let in_arguments = config.entries.iter().find_map(|entry| {
        let Action::Program { path, args } = &entry.action else { return None };
        args.iter().any(|word| matches!(word, configured::Word::CallerId)).then(|| {
            format!(
                "login.config:{} gives the caller's number to {} as an argument",
                entry.line_number,
                path.display()
            )
        })
    });
    match in_arguments {
        Some(because) => Finding::new(
            Verdict::Weak,
            format!("{because}: every user sees it in the process list"),
        )
        .cured_by("let the program read CALLER_ID from its environment"),
        None if config.server.log_numbers => Finding::new(
            Verdict::Weak,
            "log_numbers is on: whoever may read this machine's log knows whom the server calls",
        )
        .cured_by("leave [server] log_numbers out: the journal has the numbers, for whoever may open the control socket"),
        None if in_a_log_line(SAMPLE) => {
            Finding::new(Verdict::Open, "a line of the log shows a number whole")
        }
        None => Finding::new(
            Verdict::Withstood,
            "numbers are whole in the journal alone, and in no process list; a line of the log shows their last digits",
        ),
    }
}

/// A number to look for.
const SAMPLE: &str = "5550199";

/// Whether a log line tells the number of a call that is made.
fn in_a_log_line(number: &str) -> bool {
    let event = Event::Dialled {
        promise: PromiseId(1),
        session: SessionId(1),
        call: CallId(1),
        line: "main".to_owned(),
        number: number.to_owned(),
        rule: "user".to_owned(),
        attempt: 1,
    };
    log::masked(&event).is_ok_and(|event| log::said(Palette::stdout(), &event).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_configuration_says_of_an_attack_is_a_comment_with_its_number() {
        let text = "# A board.\n#\n# A5: everybody may log in\n#   on any call.\n# A16: names are no secret.\n\n\
                    # more\n[server] # A1: not on a line of its own\n# Ask: nobody\n";
        let path = PathBuf::from("/d.toml");
        let file = FileText { text: text.as_bytes().to_vec(), uid: 0, mode: 0o600 };
        let files = FilesRead { path: path.clone(), files: [(path, file)].into() };
        let remarks = files.remarks();
        let remarks: Vec<_> = remarks.iter().map(|(id, it)| (id.as_str(), it.as_str())).collect();
        let wanted = [("A16", "names are no secret."), ("A5", "everybody may log in on any call.")];
        assert_eq!(remarks, wanted);
    }
}
