//! The journal survives, shows tampering, and recovers.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use calls::vocabulary::{CallId, Cause, Ended, Entry, Event, Leg, Seq, Wall};

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("dialback-store-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn entry(seq: u64, line: &str) -> Entry {
    Entry {
        seq: Seq(seq),
        at: Wall { unix_ms: 1_700_000_000_000 + i64::try_from(seq).unwrap(), offset_s: 0 },
        event: Event::LineReady { line: line.to_owned() },
    }
}

fn start(store: Store) -> (Writer, Receiver<Word>) {
    let (tx, rx) = channel();
    (Writer::start(store, move |word| tx.send(word).unwrap_or(())).unwrap(), rx)
}

fn soon(words: &Receiver<Word>) -> Word {
    words.recv_timeout(Duration::from_secs(10)).expect("a word from the store")
}

fn durable_up_to(words: &Receiver<Word>, last: u64) {
    loop {
        match soon(words) {
            Word::Durable(Seq(seq)) if seq >= last => return,
            Word::Durable(_) => {}
            Word::Failed(why) => panic!("{why}"),
        }
    }
}

fn read(folder: &Folder) -> Result<Vec<Entry>, StoreFault> {
    let mut store = Store::open(&folder.0)?;
    store.restore()?;
    Reader::new(store.path()).entries(Seq(0), 1000)
}

#[test]
fn what_was_said_to_be_durable_is_there_after_a_restart() {
    let folder = Folder::new("restart");
    for run in 0..3 {
        let (writer, words) = start(Store::open(&folder.0).unwrap());
        for seq in run * 10 + 1..=run * 10 + 10 {
            writer.append(Arc::new(entry(seq, "main")));
        }
        durable_up_to(&words, run * 10 + 10);
        writer.finish();
    }
    let entries = read(&folder).unwrap();
    assert_eq!(entries, (1..=30).map(|seq| entry(seq, "main")).collect::<Vec<_>>());
}

#[test]
fn a_second_server_is_told_who_writes_here() {
    let folder = Folder::new("second");
    let _first = Store::open(&folder.0).unwrap();
    let refused = Store::open(&folder.0).unwrap_err().to_string();
    assert!(refused.contains(&format!("already running, pid {}", std::process::id())), "{refused}");
}

#[test]
fn the_journal_can_only_grow() {
    let folder = Folder::new("grow");
    let (writer, words) = start(Store::open(&folder.0).unwrap());
    writer.append(Arc::new(entry(5, "main")));
    durable_up_to(&words, 5);
    writer.finish();
    let store = Store::open(&folder.0).unwrap();
    for sql in [
        "UPDATE journal SET unix_ms = 0",
        "DELETE FROM journal",
        "INSERT OR REPLACE INTO journal VALUES (5, 0, '', x'')",
        "INSERT INTO journal VALUES (4, 0, '', x'')",
    ] {
        let refused = store.connection.execute_batch(sql).unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
}

#[test]
fn an_entry_changed_taken_out_or_put_in_is_found() {
    for (name, sql, seq) in [
        ("changed", "UPDATE journal SET entry = replace(entry, 'two', 'six') WHERE seq = 2", 2),
        ("moved", "UPDATE journal SET unix_ms = unix_ms + 1 WHERE seq = 2", 2),
        ("taken", "DELETE FROM journal WHERE seq = 2", 3),
        ("put", "INSERT INTO journal SELECT 4, unix_ms, entry, hash FROM journal WHERE seq = 3", 4),
    ] {
        let folder = Folder::new(name);
        let (writer, words) = start(Store::open(&folder.0).unwrap());
        for (seq, line) in [(1, "one"), (2, "two"), (3, "three")] {
            writer.append(Arc::new(entry(seq, line)));
        }
        durable_up_to(&words, 3);
        writer.finish();
        {
            let store = Store::open(&folder.0).unwrap();
            store
                .connection
                .execute_batch("DROP TRIGGER journal_stays; DROP TRIGGER journal_keeps;")
                .unwrap();
            store.connection.execute_batch(sql).unwrap();
        }
        match read(&folder) {
            Err(StoreFault::Changed { seq: found, .. }) => assert_eq!(found, seq, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_full_disk_is_told_once_and_recovered_from_alone() {
    let folder = Folder::new("full");
    let store = Store::open(&folder.0).unwrap();
    store.limit_pages(8);
    let (writer, words) = start(store);
    // Larger than eight pages; the fresh connection that the writer makes has no such limit.
    let long = "x".repeat(100_000);
    writer.append(Arc::new(entry(1, &long)));
    match soon(&words) {
        Word::Failed(why) => assert!(why.contains("full"), "{why}"),
        other => panic!("{other:?}"),
    }
    writer.append(Arc::new(entry(2, "after")));
    durable_up_to(&words, 2);
    writer.finish();
    assert_eq!(read(&folder).unwrap().len(), 2);
}

#[test]
fn a_journal_replaced_under_us_is_not_written_to() {
    let folder = Folder::new("replaced");
    let store = Store::open(&folder.0).unwrap();
    store.limit_pages(8);
    let path = store.path().to_owned();
    let (writer, words) = start(store);
    writer.append(Arc::new(entry(1, "main")));
    durable_up_to(&words, 1);
    for end in ["", "-wal", "-shm"] {
        drop(fs::remove_file(format!("{}{end}", path.display())));
    }
    File::create(&path).unwrap();
    writer.append(Arc::new(entry(2, &"x".repeat(100_000))));
    assert!(matches!(soon(&words), Word::Failed(_)));
    writer.finish();
    assert!(fs::metadata(&path).unwrap().len() < 100_000, "nothing was written to it");
}

#[test]
fn a_newer_layout_is_left_alone() {
    let folder = Folder::new("newer");
    drop(Store::open(&folder.0).unwrap());
    let path = folder.0.join(JOURNAL_FILE);
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = Store::open(&folder.0).unwrap_err().to_string();
    assert!(refused.contains("newer dialback"), "{refused}");
}

#[test]
fn a_reader_sees_what_is_committed_while_the_writer_works() {
    let folder = Folder::new("reader");
    let store = Store::open(&folder.0).unwrap();
    let reader = Reader::new(store.path());
    let (writer, words) = start(store);
    for seq in 1..=5 {
        writer.append(Arc::new(entry(seq, "main")));
    }
    durable_up_to(&words, 5);
    let seqs: Vec<u64> =
        reader.entries(Seq(2), 2).unwrap().into_iter().map(|entry| entry.seq.0).collect();
    assert_eq!(seqs, [3, 4]);
    writer.finish();
}

#[test]
fn a_restart_knows_the_open_promise_the_cut_off_call_and_writes_its_record() {
    let folder = Folder::new("records");
    let (writer, words) = start(Store::open(&folder.0).unwrap());
    let rang = Event::Rang {
        line: "main".to_owned(),
        call: CallId(4),
        caller_id: Some("5550199".to_owned()),
        called: None,
    };
    writer.append(Arc::new(Entry { event: rang, ..entry(1, "") }));
    durable_up_to(&words, 1);
    writer.finish();

    let mut store = Store::open(&folder.0).unwrap();
    let restored = store.restore().unwrap();
    assert_eq!(restored.next_seq, Seq(2));
    assert_eq!(restored.next_call, CallId(5));
    assert_eq!(restored.cut_off.len(), 1);
    let reader = Reader::new(store.path());
    let (writer, words) = start(store);
    let ended = Event::Ended(Ended {
        line: "main".to_owned(),
        call: CallId(4),
        session: None,
        leg: Leg::Request,
        cause: Cause::NasError,
        total_ms: 1,
        online_ms: 0,
        bytes_in: 0,
        bytes_out: 0,
        charge: None,
        screen: None,
    });
    writer.append(Arc::new(Entry { event: ended, ..entry(2, "") }));
    durable_up_to(&words, 2);
    let records = reader.calls(10, &Which::default()).unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].caller_id.as_deref(), Some("5550199"));
    assert_eq!(records[0].cause, Some(Cause::NasError));
    writer.finish();
}
