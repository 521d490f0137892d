//! `kill -9` of the real server at each event of a callback: after its restart no promise is lost, and none is kept
//! twice.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::rig::folder::Folder;
use crate::rig::process::dialback;
use crate::rig::programs;
use crate::rig::server::{Server, configure};
use crate::rig::terminal::Terminal;
use crate::rig::town::Town;

/// Fast, because nobody types by hand here.
const SCALE: u32 = 60;

/// How often the caller looks up from his screen, to see what he is to do. Nothing depends on it.
const GLANCE: Duration = Duration::from_millis(50);

/// The stories at once: most of each is waiting.
const AT_ONCE: usize = 6;

#[test]
fn finding_20_killed_at_any_event_the_server_loses_no_promise_and_keeps_none_twice() {
    if !programs::there("kill -9 at any event", &[]) {
        return;
    }
    let whole = check(None);
    assert!(whole >= 15, "the story has only {whole} events");
    let next = AtomicUsize::new(1);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let event = next.fetch_add(1, Ordering::Relaxed);
                    if event > whole {
                        return;
                    }
                    check(Some(event));
                }
            });
        }
    });
}

/// A caller's story, in which the server is killed as soon as it tells its `killed_at`th event. How many events there
/// were before it was told to stop.
fn check(killed_at: Option<usize>) -> usize {
    let folder = Folder::new();
    let mut town = Town::with(
        &folder,
        SCALE,
        &[("office", "5550100", "rfc2217"), ("alice", "5550199", "pty")],
    );
    configure(
        &folder,
        &[("office", town.port("office"), "")],
        "line = \"same\"\ntries = 20\ncaller_numbers = { allow = [\"555*\"] }",
        "cback - - /usr/sbin/callback -S\nuser - - /bin/echo served at last\n* - - /bin/false\n",
    );
    let journal = folder.path("state/journal.db");
    let terminal = Terminal::on(Path::new(town.port("alice")));
    let over = AtomicBool::new(false);
    // Nothing is promised yet, so he calls. It is the journal that tells, not his patience: whom a slow server owes a
    // call, and who has not heard of it, would call into it.
    let calls = AtomicBool::new(true);
    let (told, entries) = std::thread::scope(|scope| {
        let caller = scope.spawn(|| call_until_served(terminal, &calls, &over));
        // Also when something panics: the caller must not wait for ever.
        let over = SetOnDrop(&over);
        let mut server = Server::start(&folder);
        // What the journal had, and then what the server tells.
        let mut happened = Vec::new();
        if let Some(event) = killed_at {
            for _ in 0..event {
                if server.until_any()["event"] == "promised" {
                    calls.store(false, Ordering::Relaxed);
                }
            }
            calls.store(false, Ordering::Relaxed);
            server.kill();
            let verified = dialback().args(["audit", "verify"]).arg(&journal).output().unwrap();
            let said = String::from_utf8_lossy(&verified.stdout);
            assert!(verified.status.success(), "killed at event {event}: {said}");
            happened = entries_of(&journal);
            let promised = happened.iter().any(|entry| entry["event"] == "promised");
            calls.store(!promised, Ordering::Relaxed);
            server = Server::start(&folder);
            // Told to stop before it listens to signals, it would die of it.
            happened.push(server.until_any());
        }
        while !settled(&happened) {
            let entry = server.until_any();
            if entry["event"] == "promised" {
                calls.store(false, Ordering::Relaxed);
            }
            happened.push(entry);
        }
        server.stop();
        drop(over);
        (caller.join().unwrap(), entries_of(&journal))
    });

    let at = format!("killed at event {killed_at:?}");
    let of = |name: &str| entries.iter().filter(|e| e["event"] == name).collect::<Vec<_>>();
    let promised = of("promised");
    for promise in &promised {
        let kept = of("kept").iter().filter(|kept| kept["promise"] == promise["promise"]).count();
        assert_eq!(kept, 1, "{at}: {promise}: {entries:#?}");
    }
    assert!(told <= promised.len(), "{at}: told of {told} promises, there were {}", promised.len());
    for (before, after) in entries.iter().zip(entries.iter().skip(1)) {
        let follows = before["seq"].as_u64().unwrap() + 1;
        assert_eq!(after["seq"], follows, "{at}: the journal has a gap");
    }
    // One call of ours to her for each promise, and one more if the first was cut before it was the journal's.
    let answered = town.dialled().iter().filter(|(_, digits)| digits == "5550199").count();
    assert!(
        (promised.len()..=promised.len() + of("try-failed").len() + 1).contains(&answered),
        "{at}: {answered} calls for {} promises: {entries:#?}",
        promised.len()
    );
    entries.iter().position(|entry| entry["event"] == "server-stopping").unwrap()
}

/// Whether something was promised, no promise is open and no call runs. Whether the caller was served does not count:
/// killed on the return leg, the server has kept its promise.
fn settled(entries: &[Value]) -> bool {
    let count = |name: &str| entries.iter().filter(|entry| entry["event"] == name).count();
    let closed = count("kept") + count("withdrawn") + count("expired");
    let running = count("connected") > count("ended");
    count("promised") > 0 && closed >= count("promised") && !running
}

/// The journal as it is on the disk.
fn entries_of(journal: &Path) -> Vec<Value> {
    let open = || -> rusqlite::Result<Vec<String>> {
        let connection = Connection::open_with_flags(journal, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut statement = connection.prepare("SELECT entry FROM journal ORDER BY seq")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect()
    };
    // A server that was killed at once has not made it yet.
    let rows = open().unwrap_or_default();
    rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

/// A caller who asks for a callback as long as he is to, each time when the call before is over, and logs in whenever
/// he is asked to. How often he was told that he would be called back.
fn call_until_served(mut terminal: Terminal, calls: &AtomicBool, over: &AtomicBool) -> usize {
    const HEARD: [&str; 8] = [
        "ogin: ",
        "callback: ",
        "We call you back",
        "CONNECT",
        "NO CARRIER",
        "BUSY",
        "NO ANSWER",
        "NO DIALTONE",
    ];
    let mut told = 0;
    // On a call of his, or on one of the server's.
    let (mut calling, mut called) = (false, false);
    let mut promised = false;
    terminal.say("ATE0S0=1\r");
    terminal.until("OK");
    while !over.load(Ordering::Relaxed) {
        let heard = terminal.until_one_of(&HEARD, GLANCE).map(|(word, _)| word);
        match heard {
            Some("ogin: ") if calling => terminal.say("cback\r"),
            Some("ogin: ") => terminal.say("user\r"),
            Some("callback: ") => terminal.say("5550199\r"),
            Some("We call you back") => (promised, told) = (true, told + 1),
            // His modem has answered: what he was promised has come.
            Some("CONNECT") if !calling => (promised, called) = (false, true),
            Some("NO CARRIER" | "BUSY" | "NO ANSWER" | "NO DIALTONE") => {
                (calling, called) = (false, false);
            }
            Some(_) => {}
            None if calling || called || promised || !calls.load(Ordering::Relaxed) => {}
            None => {
                calling = true;
                terminal.say("ATDT5550100\r");
            }
        }
    }
    told
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
