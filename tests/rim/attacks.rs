//! The attacks that are about files and processes, on the built program: A17 and A19. Those on lines are stories of the
//! simulated town (`crates/sim/tests/stories/attacks`); the table there counts these in.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;

use crate::folder::Folder;
use crate::modem::Modem;
use crate::server::{Server, configure, dialback, run, stderr, stdout};
use crate::{answered, come_up};

/// The configuration of the other tests, with this in `[server]`, and these tables.
fn configured(server: &str, tables: &str) -> Folder {
    let folder = Folder::new();
    configure(&folder, &folder.path("modem").display().to_string(), "");
    let path = folder.path("dialback.toml");
    let text = fs::read_to_string(&path).unwrap();
    folder.write(
        "dialback.toml",
        &text.replace("[server]\n", &format!("{tables}[server]\n{server}\n")),
    );
    folder
}

// ------------------------------------------------------------------------------------- A17: the records are altered

/// Mallory is called back, and served. Then he, who has become root, takes the story of it out of the journal; the
/// auditor comes. What `audit verify` says, and whether the journal still knows the call.
fn cut_off(tables: &str) -> (Option<i32>, String, bool) {
    let folder = configured("", tables);
    // On another machine, as far as this server is concerned: Mallory has no way to it.
    let elsewhere = Folder::new();
    let anchors = elsewhere.path("anchors");
    let config = fs::read_to_string(folder.path("dialback.toml")).unwrap();
    folder.write("dialback.toml", &config.replace("ELSEWHERE", &anchors.display().to_string()));
    let mut modem = Modem::at(&folder.path("modem"));
    let mut server = Server::start(&folder);
    come_up(&mut modem, &mut server);
    modem.result("RING");
    modem.until_command("ATA");
    modem.result("CONNECT 33600");
    modem.until_text("ogin: ");
    modem.say("fixed\r");
    modem.until_hung_up();
    server.until("promised");
    modem.until_command("ATD");
    modem.result("NO ANSWER");
    answered(&mut modem, || server.until("try-failed"));
    server.signal("TERM");
    answered(&mut modem, || server.ended());

    let journal = folder.path("state/journal.db");
    take_out_the_end(&journal);
    let config = folder.path("dialback.toml").display().to_string();
    let verified = run(&["audit", "verify", "--config", &config]);
    let knows = story(&journal).contains("5550199");
    (verified.status.code(), stdout(&verified) + &stderr(&verified), knows)
}

/// Everything from the first ring on, the triggers that guard against accidents first.
fn take_out_the_end(journal: &Path) {
    let connection = Connection::open(journal).unwrap();
    let triggers: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for trigger in triggers {
        connection.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    let first = "SELECT min(seq) FROM journal WHERE entry LIKE '%\"rang\"%'";
    let taken = connection.execute(&format!("DELETE FROM journal WHERE seq >= ({first})"), []);
    assert!(taken.unwrap() > 5, "there was a story");
}

fn story(journal: &Path) -> String {
    let connection = Connection::open(journal).unwrap();
    let mut rows = connection.prepare("SELECT entry FROM journal ORDER BY seq").unwrap();
    let rows = rows.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a17_an_end_that_was_cut_off_is_not_missed_where_no_anchor_is_kept() {
    let (code, said, knows) = cut_off("");
    assert!(!knows, "the call is out of the records");
    assert_eq!(code, Some(0), "and nobody is the wiser: {said}");
}

#[test]
fn a17_an_end_that_was_cut_off_is_missed_where_the_chains_head_is_kept_elsewhere() {
    let (code, said, knows) = cut_off("[audit]\nanchor_file = \"ELSEWHERE\"\n");
    assert!(!knows, "what is gone is gone");
    assert_ne!(code, Some(0), "{said}");
    assert!(said.contains("cut off"), "{said}");
}

// --------------------------------------------------------------------------- A19: numbers are read by who looks

/// Somebody is called back, and another, who may read the server's log but neither its journal nor its control socket,
/// looks for the number. Also at the arguments of the server's processes, which everybody may see.
fn seen(server: &str) -> (bool, bool) {
    let folder = configured(server, "");
    let mut modem = Modem::at(&folder.path("modem"));
    let mut server = Server::start_telling(dialback(), &folder, "text");
    modem.until_command("ATZ");
    modem.result("OK");
    answered(&mut modem, || server.until_said("ready"));
    modem.result("RING");
    modem.until_command("ATA");
    modem.result("CONNECT 33600");
    modem.until_text("ogin: ");
    modem.say("fixed\r");
    modem.until_hung_up();
    assert_eq!(modem.until_command("ATD"), "ATDT5550199");
    // While it is dialling: mgetty's callback has the number in its arguments then.
    let arguments = fs::read_to_string(format!("/proc/{}/cmdline", server.pid())).unwrap();
    modem.result("NO ANSWER");
    let said = answered(&mut modem, || server.until_said("no answer"));
    (said.contains("5550199"), arguments.contains("5550199"))
}

#[test]
fn a19_who_reads_a_log_with_whole_numbers_knows_whom_the_server_calls() {
    assert_eq!(seen("log_numbers = true"), (true, false));
}

#[test]
fn a19_log_and_process_list_tell_no_number() {
    assert_eq!(seen(""), (false, false));
}

// ------------------------------------------------------------------------- what `prove` says of the examples

/// A copy that belongs to whoever runs this and is closed to others, as `prove` wants to see it.
fn examples() -> Folder {
    let folder = Folder::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for entry in fs::read_dir(examples).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            let name = entry.file_name().into_string().unwrap();
            folder.write(&name, &fs::read_to_string(entry.path()).unwrap());
        }
    }
    folder
}

/// Each server's configuration, with what `prove` finds left: weak and open. Whatever is left is told why by the
/// configuration itself, and `prove` repeats it.
const EXAMPLES: [(&str, &[&str], &[&str]); 4] = [
    ("minimal.toml", &[], &[]),
    ("utility.toml", &[], &[]),
    ("bbs.toml", &["A4", "A17"], &["A5", "A9", "A16"]),
    ("mgetty.toml", &["A4", "A17"], &["A1", "A5", "A9", "A16"]),
];

#[test]
fn prove_finds_in_each_example_what_its_comments_say_and_no_more() {
    let folder = examples();
    let mut servers: Vec<String> = fs::read_dir(folder.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .filter(|name| fs::read_to_string(folder.path(name)).unwrap().contains("\n[[line]]"))
        .collect();
    servers.sort();
    let mut wanted = EXAMPLES.map(|(name, ..)| name);
    wanted.sort_unstable();
    assert_eq!(servers, wanted, "every example that a server can have is proved");
    for (name, weak, open) in EXAMPLES {
        let config = folder.path(name).display().to_string();
        let began = Instant::now();
        let proved = run(&["prove", "--json", "--config", &config]);
        assert!(began.elapsed() < Duration::from_secs(60), "{name}");
        let proof: Value = serde_json::from_str(stdout(&proved).trim()).unwrap();
        let attacks = proof["attacks"].as_array().unwrap();
        let of = |verdict: &str| -> Vec<&str> {
            let of = attacks.iter().filter(|attack| attack["verdict"] == verdict);
            of.map(|attack| attack["id"].as_str().unwrap()).collect()
        };
        assert_eq!(
            (of("weak").as_slice(), of("open").as_slice()),
            (weak, open),
            "{name}: {proof:#}"
        );
        assert_eq!(proved.status.code(), Some(i32::from(!open.is_empty())), "{name}");
        for attack in
            attacks.iter().filter(|attack| weak.contains(&id(attack)) || open.contains(&id(attack)))
        {
            let remark = attack["remark"].as_str().unwrap_or_default();
            assert!(remark.ends_with('.'), "{name} says nothing of {}", id(attack));
        }
        let text = fs::read_to_string(folder.path(name)).unwrap();
        let said = text.lines().filter_map(|line| line.strip_prefix("# ")?.split_once(':'));
        for (id, _) in said {
            if id.strip_prefix('A').is_none_or(|number| number.parse::<u8>().is_err()) {
                continue;
            }
            let left = weak.contains(&id) || open.contains(&id);
            assert!(left, "{name} says of {id} what is not so");
        }
    }
}

fn id(attack: &Value) -> &str {
    attack["id"].as_str().unwrap()
}
