//! The attacks on files: A13, A17, A19. They are played on copies in memory or in a folder of their own; nothing of the
//! running server's is touched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;

use calls::config::load::{FileText, ReadFault};
use calls::config::{self as configured, Action, Config};
use calls::vocabulary::{Entry, Event, Seq, Wall};
use sha2::{Digest, Sha256};
use sim::prove::{Finding, Verdict};

use crate::config::{self, Read};
use crate::store::{Store, StoreFault, Word, Writer};

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

    /// A13: each file spoiled in each way; a server that would still start has not failed closed.
    pub(super) fn spoiled(&self) -> Finding {
        let mut tried = Vec::new();
        for (path, file) in &self.files {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            // An issue text is shown to everybody: it has no rights, and no wrong form.
            let text = String::from_utf8_lossy(&file.text);
            if name == "issue" || name == "dialin.config" {
                continue;
            }
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
            "{} files spoiled in {} ways: each time the server refuses to start",
            self.files.len(),
            tried.len()
        );
        tried.truncate(12);
        Finding::new(Verdict::Withstood, because).shown_by(tried)
    }
}

/// A17: a journal of its own, one entry altered, and the last ones cut off.
pub(super) fn tampered(config: &Config) -> Finding {
    let dir = std::env::temp_dir().join(format!("dialback-prove-{}", std::process::id()));
    let played = play_with_journal(&dir);
    drop(std::fs::remove_dir_all(&dir));
    let anchored = config.audit.anchor_file.is_some() || config.audit.anchor_syslog;
    match played {
        Err(why) => Finding::new(Verdict::Weak, format!("it could not be played: {why}")),
        Ok(None) => Finding::new(Verdict::Open, "an altered entry went unseen"),
        Ok(Some(told)) if anchored => Finding::new(
            Verdict::Withstood,
            "an altered entry is named, and the chain's heads are kept elsewhere too",
        )
        .shown_by(vec![told]),
        Ok(Some(told)) => Finding::new(
            Verdict::Weak,
            "an altered entry is named; that the last entries were cut off shows only where the chain's head is kept elsewhere",
        )
        .cured_by("set audit.anchor_syslog = true, or audit.anchor_file on another machine's disk")
        .shown_by(vec![told]),
    }
}

/// What verification says about an altered entry; `None` if it says nothing.
fn play_with_journal(dir: &Path) -> Result<Option<String>, StoreFault> {
    let store = Store::open(dir)?;
    let path = store.path().to_owned();
    let (tell, told) = channel();
    let writer = Writer::start(store, move |word: Word| drop(tell.send(word)))
        .map_err(|source| StoreFault::Directory { path: dir.to_owned(), source })?;
    for seq in 1..=20_u64 {
        let at = Wall { unix_ms: 1_000_000_000_000, offset_s: 0 };
        let event = Event::LineReady { line: format!("line{seq}") };
        writer.append(Arc::new(Entry { seq: Seq(seq), at, event }));
    }
    writer.finish();
    drop(told);
    let fault = |source| StoreFault::Sqlite { path: path.clone(), source };
    let connection = rusqlite::Connection::open(&path).map_err(fault)?;
    // Whoever alters entries takes the triggers away first.
    connection
        .execute_batch(
            "DROP TRIGGER journal_stays;
             UPDATE journal SET entry = replace(entry, 'line7', 'line8') WHERE seq = 7;",
        )
        .map_err(fault)?;
    drop(connection);
    match Store::open(dir)?.restore() {
        Err(StoreFault::Changed { seq: 7, what, .. }) => Ok(Some(format!("entry 7 {what}"))),
        Err(other) => Err(other),
        Ok(_) => Ok(None),
    }
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
        None => Finding::new(
            Verdict::Withstood,
            "numbers are in the journal and the log, whose readers are the administrator's choice, and in no process list; \
             secrets are in neither",
        ),
    }
}
