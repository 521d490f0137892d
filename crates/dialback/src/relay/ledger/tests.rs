//! What is kept over restarts, and what is kept within bounds.

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let dir =
            std::env::temp_dir().join(format!("dialback-ledger-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&dir));
        Self(dir)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn place(seq: u64) -> Place {
    Place { seq: Seq(seq), last: format!("entry {seq}") }
}

fn queued(receiver: &str, room: u32, seq: u64, due_ms: i64) -> Queued {
    Queued {
        receiver: receiver.to_owned(),
        room,
        seq: Seq(seq),
        entry: format!("{{\"seq\":{seq}}}"),
        due_ms,
    }
}

#[test]
fn place_and_tally_outlive_a_restart_and_are_each_followers_own() {
    let dir = Folder::new("place");
    let mut ledger = Ledger::open(&dir.0).unwrap();
    assert_eq!(ledger.place("metrics").unwrap(), None);
    let mut tally = Tally::default();
    tally.starts = 4;
    ledger.advance("metrics", &place(9), Some(&tally), &[], 0).unwrap();
    ledger.advance("syslog:a", &place(3), None, &[], 0).unwrap();
    drop(ledger);
    let mut ledger = Ledger::open(&dir.0).unwrap();
    assert_eq!(ledger.place("metrics").unwrap(), Some(place(9)));
    assert_eq!(ledger.place("syslog:a").unwrap(), Some(place(3)));
    assert_eq!(ledger.tally("metrics").unwrap(), tally);
    // Who counts nothing leaves what was counted as it is.
    ledger.advance("metrics", &place(10), None, &[], 0).unwrap();
    assert_eq!(ledger.tally("metrics").unwrap().starts, 4);
}

#[test]
fn deliveries_come_when_they_are_due_and_each_to_one_worker() {
    let dir = Folder::new("queue");
    let mut ledger = Ledger::open(&dir.0).unwrap();
    let all = [queued("a", 9, 1, 100), queued("a", 9, 2, 100), queued("b", 9, 3, 500)];
    ledger.advance("deliveries", &place(3), None, &all, 0).unwrap();
    let due = |ledger: &Ledger, receiver, now, in_hand: &[i64]| match ledger
        .next(receiver, now, in_hand)
        .unwrap()
    {
        Next::Due(delivery) => format!("due {}", delivery.seq),
        Next::At(at) => format!("at {at}"),
        Next::Nothing => "nothing".to_owned(),
    };
    assert_eq!(due(&ledger, "a", 99, &[]), "at 100");
    assert_eq!(due(&ledger, "a", 100, &[]), "due 1");
    assert_eq!(due(&ledger, "a", 100, &[1]), "due 2");
    assert_eq!(due(&ledger, "a", 100, &[1, 2]), "nothing");
    assert_eq!(due(&ledger, "b", 100, &[]), "at 500");
    ledger.done(1).unwrap();
    ledger.again(2, 900).unwrap();
    assert_eq!(due(&ledger, "a", 100, &[]), "at 900");
    assert_eq!(due(&ledger, "a", 900, &[]), "due 2");
    assert_eq!(ledger.all("a", 9).unwrap()[0].tries, 1);
}

#[test]
fn what_is_given_up_or_has_no_room_is_a_dead_letter_and_can_be_revived() {
    let dir = Folder::new("dead");
    let mut ledger = Ledger::open(&dir.0).unwrap();
    let all = [queued("a", 1, 1, 0), queued("a", 1, 2, 0)];
    let no_room = ledger.advance("deliveries", &place(2), None, &all, 7).unwrap();
    assert_eq!(no_room, [queued("a", 1, 2, 0)]);
    ledger.give_up(1, "http://h/ answers 404", 8).unwrap();
    let dead = ledger.dead().unwrap();
    let shown: Vec<_> =
        dead.iter().map(|dead| (dead.seq, dead.tries, dead.why.as_str(), dead.at_ms)).collect();
    assert_eq!(shown, [(2, 0, "too many were waiting", 7), (1, 1, "http://h/ answers 404", 8)]);
    let two = Counts { waiting: Words::new(), dead: Words::from([("a".to_owned(), 2)]) };
    assert_eq!(ledger.counts().unwrap(), two);
    let rooms = |room: u32| Rooms::from([("a".to_owned(), room), ("b".to_owned(), 9)]);
    let one = || Words::from([("a".to_owned(), 1)]);
    let revived = |count| Revived { count, ..Revived::default() };
    assert_eq!(ledger.revive(Some(99), &rooms(9)).unwrap(), revived(0));
    // A receiver that is gone, and one that has no room.
    let gone = Revived { unknown: one(), ..revived(0) };
    assert_eq!(ledger.revive(Some(dead[0].id), &Rooms::new()).unwrap(), gone);
    let full = Revived { no_room: one(), ..revived(1) };
    assert_eq!(ledger.revive(None, &rooms(1)).unwrap(), full);
    let full = Revived { no_room: one(), ..revived(0) };
    assert_eq!(ledger.revive(None, &rooms(1)).unwrap(), full);
    assert_eq!(ledger.dead().unwrap().len(), 1);
    assert_eq!(ledger.revive(None, &rooms(2)).unwrap(), revived(1));
    assert!(ledger.dead().unwrap().is_empty());
    assert_eq!(ledger.all("a", 9).unwrap().len(), 2);
}

#[test]
fn the_dead_stay_within_bounds() {
    let dir = Folder::new("bounds");
    let mut ledger = Ledger::open(&dir.0).unwrap();
    let most = u64::from(DEAD_KEPT) + 5;
    let all: Vec<Queued> = (1..=most).map(|seq| queued("a", 0, seq, 0)).collect();
    ledger.advance("deliveries", &place(most), None, &all, 0).unwrap();
    let dead = ledger.dead().unwrap();
    assert_eq!((dead.len(), dead[0].seq), (usize::try_from(DEAD_KEPT).unwrap(), 6));
}

#[test]
fn nobody_else_reads_what_is_kept_though_the_directory_is_open() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = Folder::new("mode");
    fs::create_dir(&dir.0).unwrap();
    fs::set_permissions(&dir.0, fs::Permissions::from_mode(0o755)).unwrap();
    let mut ledger = Ledger::open(&dir.0).unwrap();
    ledger.advance("a", &place(1), None, &[], 0).unwrap();
    for name in ["relay.db", "relay.db-wal"] {
        let mode = fs::metadata(dir.0.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
}
