//! The journal survives, shows tampering, and recovers.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use calls::vocabulary::{CallId, Cause, Ended, Entry, Event, Leg, Wall};

use super::*;

/// A directory of a test's own, gone with it.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    /// Empty, whatever an earlier run with this process id has left behind.
    pub(super) fn new(name: &str) -> Self {
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

/// A journal of three entries, of which the second stands so in its place, in an unbroken chain.
fn journal_with(folder: &Folder, second: &str) -> PathBuf {
    let store = Store::open(&folder.0).unwrap();
    let mut head = Link::START;
    for seq in 1..=3 {
        let entry = entry(seq, "main");
        let text = match seq {
            2 => second.to_owned(),
            _ => serde_json::to_string(&entry).unwrap(),
        };
        head = head.next(Seq(seq), entry.at.unix_ms, &text);
        let row = (writer::number(seq), entry.at.unix_ms, &text, head.hash);
        store.connection.execute("INSERT INTO journal VALUES (?1, ?2, ?3, ?4)", row).unwrap();
    }
    store.path().to_owned()
}

/// An event that some day will be.
const OF_TOMORROW: &str =
    r#"{"seq":2,"at":{"unix_ms":1700000000002,"offset_s":0},"event":"teleported","line":"main"}"#;

#[test]
fn an_entry_of_a_newer_version_is_no_tampering() {
    for (text, wanted, unwanted) in [
        (OF_TOMORROW, "entry 2 was written by a newer dialback", "has been changed"),
        ("[1, 2]", "entry 2 is no JSON object", "newer"),
    ] {
        let folder = Folder::new("tomorrow");
        let path = journal_with(&folder, text);
        let mut store = Store::open(&folder.0).unwrap();
        let reader = Reader::new(&path);
        let mut pages = reader.pages(From::After(Seq(0))).unwrap();
        let parsed = |text: &str| serde_json::from_str::<Entry>(text).map(drop);
        let paged = pages.read(|text, _| {
            parsed(text).map_err(|e| e.to_string())?;
            Ok(ControlFlow::Continue(()))
        });
        for (by, fault) in [
            ("restore", store.restore().map(drop)),
            ("entries", reader.entries(Seq(0), 10).map(drop)),
            ("pages", paged.map(drop)),
        ] {
            let told = fault.expect_err(by).to_string();
            assert!(told.contains(wanted) && !told.contains(unwanted), "{by}: {told}");
        }
        assert_eq!(pages.told(), Seq(1));
    }
}

#[test]
fn pages_begin_where_they_are_wanted() {
    let folder = Folder::new("from");
    let store = Store::open(&folder.0).unwrap();
    let reader = Reader::new(store.path());
    let place = |from| reader.pages(from).unwrap().told().0;
    assert_eq!(place(From::Last(0)), 0, "an empty journal");
    let (writer, words) = start(store);
    for seq in 11..=15 {
        writer.append(Arc::new(entry(seq, "main")));
    }
    durable_up_to(&words, 15);
    writer.finish();
    let at = |seq| entry(seq, "main").at.unix_ms;
    for (from, behind) in [
        (From::Last(0), 15),
        (From::Last(1), 14),
        (From::Last(5), 10),
        (From::Last(99), 10),
        (From::Since(at(13)), 12),
        (From::Since(at(16)), 15),
        (From::After(Seq(12)), 12),
    ] {
        assert_eq!(place(from), behind, "{from:?}");
    }
}

#[test]
fn a_record_that_is_spoiled_is_left_out_whatever_is_asked() {
    let folder = Folder::new("spoiled");
    let store = Store::open(&folder.0).unwrap();
    let record = |call: u64| {
        let at = Wall { unix_ms: 1_700_000_000_000, offset_s: 0 };
        let mut records = Records::default();
        let rang = Event::Rang {
            line: "main".to_owned(),
            call: CallId(call),
            caller_id: Some("5550199".to_owned()),
            called: None,
        };
        drop(records.apply(&Entry { seq: Seq(1), at, event: rang }));
        let ended = Event::Ended(Ended {
            line: "main".to_owned(),
            call: CallId(call),
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
        records.apply(&Entry { seq: Seq(2), at, event: ended }).expect("it has ended")
    };
    for (call, text) in [
        (1, serde_json::to_string(&record(1)).unwrap()),
        (2, "{\"call\":2,".to_owned()),
        (3, serde_json::to_string(&record(3)).unwrap()),
    ] {
        let row = (call, text);
        let sql = "INSERT INTO records VALUES (?1, 'main', 0, ?2)";
        store.connection.execute(sql, row).unwrap();
    }
    let reader = Reader::new(store.path());
    let all = Which::default();
    for which in [
        all.clone(),
        Which { number: Some("0199".to_owned()), ..all.clone() },
        Which { cause: Some(Cause::NasError), ..all.clone() },
        Which { since_ms: Some(0), ..all.clone() },
        Which { until_ms: Some(i64::MAX), whole_sessions: true, ..all.clone() },
    ] {
        let calls = reader.calls(10, &which).unwrap();
        let calls: Vec<u64> = calls.iter().map(|record| record.call.0).collect();
        assert_eq!(calls, [1, 3], "{which:?}");
    }
    let nobody = Which { name: Some("alice".to_owned()), ..all };
    assert!(reader.calls(10, &nobody).unwrap().is_empty());
}
