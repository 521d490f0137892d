//! The evidence holds: every byte that is changed is found, every cut is found by an anchor, and nothing that is whole
//! is blamed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use calls::vocabulary::{Entry, Event, Seq, Wall};
use rusqlite::Connection;

use super::verify::Fault;
use super::*;
use crate::store::{Reader, Store, Writer};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("dialback-audit-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        Self(path)
    }

    fn journal(&self) -> PathBuf {
        self.0.join("journal.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

const START_MS: i64 = 1_700_000_000_000;

/// A journal with so many entries, one a second.
fn journal(folder: &Folder, entries: u64) -> PathBuf {
    let writer = Writer::start(Store::open(&folder.0).unwrap(), |_| {}).unwrap();
    for seq in 1..=entries {
        let unix_ms = START_MS + i64::try_from(seq).unwrap() * 1000;
        let event = Event::LineReady { line: format!("line \"{seq}\", of many") };
        let at = Wall { unix_ms, offset_s: 3600 };
        writer.append(Arc::new(Entry { seq: Seq(seq), at, event }));
    }
    writer.finish();
    let path = folder.journal();
    // One file, so that a test can change its bytes.
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
    path
}

fn faults(path: &Path, anchors: &[PathBuf]) -> Vec<Fault> {
    verify(path, anchors).unwrap().faults
}

fn anchor(path: &Path) -> Anchor {
    let head = Reader::new(path).head().unwrap();
    Anchor { seq: head.seq.0, hash: head.hash, unix_ms: START_MS }
}

fn anchored(folder: &Folder, anchors: &[Anchor]) -> PathBuf {
    let path = folder.0.join("anchors");
    let lines: String = anchors.iter().map(|anchor| format!("Nov 24 orion: {anchor}\n")).collect();
    fs::write(&path, lines).unwrap();
    path
}

/// Without the triggers that keep honest programs honest.
fn tampered(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    let drops = "DROP TRIGGER IF EXISTS journal_stays; DROP TRIGGER IF EXISTS journal_keeps; \
                 DROP TRIGGER IF EXISTS journal_grows;";
    connection.execute_batch(drops).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn a_whole_journal_is_whole_and_its_anchors_are_in_it() {
    let folder = Folder::new("whole");
    let path = journal(&folder, 20);
    let anchors = anchored(&folder, &[anchor(&path)]);
    let verdict = verify(&path, &[anchors]).unwrap();
    assert_eq!((verdict.entries, verdict.anchors), (20, 1));
    assert_eq!(verdict.first, Some((1, START_MS + 1000)));
    assert_eq!(verdict.faults, []);
    assert_eq!(verdict.head, anchor::hex::written(&anchor(&path).hash));
}

#[test]
fn every_byte_of_every_row_that_is_changed_names_its_row() {
    let folder = Folder::new("bytes");
    let path = journal(&folder, 4);
    tampered(&path, "");
    let connection = Connection::open(&path).unwrap();
    // No power failure is waited for here.
    connection.pragma_update(None, "synchronous", "OFF").unwrap();
    let mut rows = 0;
    for seq in 1..=4_i64 {
        let read = |column: &str| -> Vec<u8> {
            let sql = format!("SELECT CAST({column} AS BLOB) FROM journal WHERE seq = ?1");
            connection.query_row(&sql, [seq], |row| row.get(0)).unwrap()
        };
        for (column, kind) in [("entry", "TEXT"), ("hash", "BLOB")] {
            let before = read(column);
            let sql = format!("UPDATE journal SET {column} = CAST(?1 AS {kind}) WHERE seq = ?2");
            for at in 0..before.len() {
                let mut changed = before.clone();
                changed[at] ^= 1 << (at % 8);
                connection.execute(&sql, (&changed, seq)).unwrap();
                let after = u64::try_from(seq - 1).unwrap();
                assert_eq!(
                    faults(&path, &[]).first(),
                    Some(&Fault::Altered { seq, after }),
                    "{column}, byte {at}"
                );
                rows += 1;
            }
            connection.execute(&sql, (&before, seq)).unwrap();
        }
        for bit in 0..63 {
            let flip =
                "UPDATE journal SET unix_ms = (unix_ms | ?1) - (unix_ms & ?1) WHERE seq = ?2";
            connection.execute(flip, (1_i64 << bit, seq)).unwrap();
            let found = faults(&path, &[]);
            assert!(
                matches!(found[..], [Fault::Altered { seq: at, .. }] if at == seq),
                "{found:?}"
            );
            connection.execute(flip, (1_i64 << bit, seq)).unwrap();
        }
    }
    assert_eq!(faults(&path, &[]), [], "all was put back");
    assert!(rows > 4 * 100, "only {rows} bytes were tried");
}

#[test]
fn rows_taken_out_put_in_and_exchanged_are_found() {
    for (name, sql, wanted) in [
        ("taken", "DELETE FROM journal WHERE seq = 3", (4, 2)),
        ("first", "DELETE FROM journal WHERE seq = 1", (2, 0)),
        ("moved", "UPDATE journal SET seq = 60 WHERE seq = 6", (60, 5)),
        (
            "exchanged",
            "UPDATE journal SET seq = -1 WHERE seq = 2; UPDATE journal SET seq = 2 WHERE seq = 3; \
             UPDATE journal SET seq = 3 WHERE seq = -1",
            (2, 1),
        ),
        (
            "put",
            "INSERT INTO journal SELECT 7, unix_ms, entry, hash FROM journal WHERE seq = 6",
            (7, 6),
        ),
    ] {
        let folder = Folder::new(name);
        let path = journal(&folder, 6);
        tampered(&path, sql);
        let (seq, after) = wanted;
        assert_eq!(faults(&path, &[]), [Fault::Altered { seq, after }], "{name}");
    }
}

#[test]
fn what_the_chain_cannot_show_the_anchors_do() {
    let folder = Folder::new("cut");
    let path = journal(&folder, 10);
    let anchors = [anchored(&folder, &[anchor(&path)])];
    tampered(&path, "DELETE FROM journal WHERE seq > 7");
    assert_eq!(faults(&path, &[]), [], "a chain alone has no end");
    let cut = Fault::CutOff { end: 7, anchored: 10, unix_ms: START_MS };
    assert_eq!(faults(&path, &anchors), [cut]);

    // All of it written anew, by our own hand, with one entry left out of the story.
    let anew = Folder::new("anew");
    fs::create_dir_all(&anew.0).unwrap();
    let other = journal(&anew, 12);
    assert_eq!(faults(&other, &[]), []);
    tampered(&other, "UPDATE journal SET unix_ms = unix_ms + 1 WHERE seq = 4");
    rehash(&other);
    assert_eq!(faults(&other, &[]), [], "its chain is in order");
    let wanted = Fault::Rewritten { seq: 10, unix_ms: START_MS };
    assert_eq!(faults(&other, &anchors), [wanted]);

    // An anchor that somebody has been at.
    fs::write(&anchors[0], "dialback-anchor 1 seq=10 hash=short at=now\n").unwrap();
    let bad = Fault::BadAnchor { path: anchors[0].clone(), line: 1 };
    assert_eq!(faults(&other, &anchors), [bad]);
}

#[test]
fn anchors_that_are_configured_and_have_gone_are_a_fault() {
    let folder = Folder::new("gone");
    let path = journal(&folder, 10);
    let file = anchored(&folder, &[anchor(&path)]);
    let own = Configured { file: file.clone(), every: Duration::from_secs(600) };
    let first_ms = START_MS + 1000;
    let check = |after_ms: i64, wanted: &[Fault]| {
        let now = Wall { unix_ms: first_ms + after_ms, offset_s: 0 };
        assert_eq!(verify_own(&path, Some(&own), now).unwrap().faults, wanted, "{after_ms} ms");
    };
    let gone = [Fault::NoAnchors { path: file.clone(), since_ms: first_ms }];
    let (soon, long_ago) = (600_000, 700_000);
    check(long_ago, &[]);
    // Emptied.
    fs::write(&file, "nothing of ours\n").unwrap();
    check(soon, &[]);
    check(long_ago, &gone);
    // Deleted, with the end of the journal.
    fs::remove_file(&file).unwrap();
    tampered(&path, "DELETE FROM journal WHERE seq > 7");
    check(soon, &[]);
    check(long_ago, &gone);
    let now = Wall { unix_ms: first_ms + long_ago, offset_s: 0 };
    assert_eq!(verify_own(&path, None, now).unwrap().faults, [], "none are configured");
    tampered(&path, "DELETE FROM journal");
    check(long_ago, &[]);
}

/// What somebody does who knows how the chain is made.
fn rehash(path: &Path) {
    let connection = Connection::open(path).unwrap();
    let rows: Vec<(i64, i64, String)> = connection
        .prepare("SELECT seq, unix_ms, entry FROM journal ORDER BY seq")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut link = crate::store::Link::START;
    for (seq, unix_ms, entry) in rows {
        link = link.next(Seq(u64::try_from(seq).unwrap()), unix_ms, &entry);
        connection
            .execute("UPDATE journal SET hash = ?1 WHERE seq = ?2", (link.hash, seq))
            .unwrap();
    }
}

#[test]
fn a_byte_of_the_file_is_found_or_changes_nothing_of_the_journal() {
    let folder = Folder::new("file");
    let path = journal(&folder, 40);
    let whole = fs::read(&path).unwrap();
    let rows = |path: &Path| {
        let mut rows = Vec::new();
        read::database(path, |row| {
            rows.push((row.seq, row.unix_ms, row.entry.to_vec(), row.hash.to_vec()));
            Ok(())
        })
        .map(|()| rows)
    };
    let before = rows(&path).unwrap();
    let copy = folder.0.join("copy.db");
    // A stride that meets every page and every place within one, the same each time.
    let stride = 127;
    let (mut located, mut damaged, mut harmless) = (0, 0, 0);
    for at in (0..whole.len()).step_by(stride) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        for end in ["", "-wal", "-shm"] {
            drop(fs::remove_file(format!("{}{end}", copy.display())));
        }
        fs::write(&copy, &bytes).unwrap();
        match verify(&copy, &[]) {
            // The file cannot be taken for anything any more.
            Err(_) => damaged += 1,
            Ok(verdict) => match verdict.faults.first() {
                Some(Fault::Altered { .. }) => located += 1,
                Some(_) => damaged += 1,
                None => {
                    // Free space, an index, another table: then the journal must be what it was.
                    assert_eq!(rows(&copy).unwrap(), before, "byte {at}: changed, and not found");
                    harmless += 1;
                }
            },
        }
    }
    println!("{located} located, {damaged} damaged, {harmless} beside the journal");
    assert!(located > 10 && damaged > 0 && harmless > 0, "{located} {damaged} {harmless}");
}

#[test]
fn an_export_is_verified_by_itself_and_every_change_of_it_is_found() {
    let folder = Folder::new("export");
    let path = journal(&folder, 9);
    let anchors = [anchored(&folder, &[anchor(&path)])];
    for format in [Format::Jsonl, Format::Csv] {
        for (since, until, wanted) in
            [(None, None, 9), (Some(4000), None, 6), (Some(4000), Some(7000), 3)]
        {
            let span = Span {
                since: since.map(|ms: i64| START_MS + ms),
                until: until.map(|ms: i64| START_MS + ms),
            };
            let mut text = Vec::new();
            assert_eq!(export(&path, span, format, &mut text), Ok(wanted));
            let copy = folder.0.join("export.txt");
            fs::write(&copy, &text).unwrap();
            let verdict = verify(&copy, &anchors).unwrap();
            let compared = u64::from(until.is_none());
            let got = (verdict.entries, verdict.anchors, verdict.faults.as_slice());
            assert_eq!(got, (wanted, compared, [].as_slice()), "{format:?} {span:?}");
            // Cut after any line but the last, and changed at any place that counts.
            let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
            for end in 1..lines.len() {
                fs::write(&copy, lines[..end].concat()).unwrap();
                let told = verify(&copy, &[]).map(|verdict| verdict.faults.len());
                assert!(told.is_err() || told != Ok(0), "{format:?}: cut after line {end}");
            }
            for at in (0..text.len()).step_by(23) {
                let mut changed = text.clone();
                changed[at] ^= 1;
                fs::write(&copy, &changed).unwrap();
                let told = verify(&copy, &[]);
                let found = told.as_ref().map_or(true, |verdict| !verdict.faults.is_empty());
                assert!(found, "{format:?}: byte {at}: {told:?}");
            }
        }
    }
}
