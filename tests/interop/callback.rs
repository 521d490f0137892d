//! The whole story by real chat and real login: a caller dials in, is hung up on, called back, and logs in, whatever
//! the port, whoever chooses the number, whichever line calls back.

use std::path::Path;

use serde_json::Value;

use crate::rig::account::Account;
use crate::rig::folder::Folder;
use crate::rig::programs;
use crate::rig::server::{Server, configure};
use crate::rig::terminal::Terminal;
use crate::rig::town::Town;

/// The client's script up to the point at which the server takes his word for the callback.
const DIAL: &[&str] = &[
    "ABORT",
    "BUSY",
    "ABORT",
    "VOICE",
    "ABORT",
    "NO DIALTONE",
    "ABORT",
    "NO ANSWER",
    "",
    "ATZ",
    "OK",
    "AT&C",
    "OK",
    "ATDT5550100",
    "CONNECT",
    r"\d\d",
];
/// His name at the first prompt.
const ASK: &[&str] = &["ogin:", r"\q\dcback"];
/// His number, where he is asked for it.
const NUMBER: &[&str] = &["callback:", r"\q5550199"];
/// The return call, up to the second prompt.
const ANSWER: &[&str] = &["TIMEOUT", "90", "RING", "AT&C1A", "ogin:"];

/// Who chooses the number.
#[derive(Clone, Copy, Debug)]
enum Chosen {
    ByCaller,
    ByEntry,
}

/// Which line calls back.
#[derive(Clone, Copy, Debug)]
enum Back {
    Same,
    Other,
    Hunt,
}

#[test]
fn a_caller_is_called_back_and_logs_in_over_ptys() {
    check_all("pty");
}

#[test]
fn a_caller_is_called_back_and_logs_in_over_rfc_2217() {
    check_all("rfc2217");
}

#[test]
fn a_caller_is_called_back_and_logs_in_over_tcp() {
    check_all("tcp");
}

/// All at once: almost all of it is waiting for chat's pauses.
fn check_all(port: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    if !programs::there(&test, &["/usr/sbin/chat", "/bin/login", "/usr/sbin/useradd"]) {
        return;
    }
    let account = Account::new(&[]);
    std::thread::scope(|scope| {
        for chosen in [Chosen::ByCaller, Chosen::ByEntry] {
            for (back, line) in
                [(Back::Same, "first"), (Back::Other, "second"), (Back::Hunt, "third")]
            {
                let account = &account;
                std::thread::Builder::new()
                    .name(format!("{port}, {chosen:?}, {back:?}"))
                    .spawn_scoped(scope, move || check(port, chosen, back, line, account))
                    .unwrap();
            }
        }
    });
}

/// One caller's whole session; `line` is the one that calls back.
fn check(port: &str, chosen: Chosen, back: Back, line: &str, account: &Account) {
    let folder = Folder::new();
    let mut town = Town::of(
        &folder,
        &[
            ("first", "5550100", port),
            ("second", "5550101", port),
            ("third", "5550102", port),
            ("alice", "5550199", "pty"),
        ],
    );
    let (options, section) = match back {
        Back::Same => ("-S", ""),
        Back::Other => ("", "line = \"other\""),
        // The first of the group is another than the first of the lines.
        Back::Hunt => ("", "line = \"public\""),
    };
    let (number, asked) = match chosen {
        Chosen::ByCaller => ("", NUMBER),
        Chosen::ByEntry => ("5550199", [].as_slice()),
    };
    configure(
        &folder,
        &[
            ("first", town.port("first"), ""),
            ("second", town.port("second"), ""),
            ("third", town.port("third"), "group = [\"public\"]"),
        ],
        &format!("{section}\ncaller_numbers = {{ allow = [\"555*\"] }}"),
        &format!("cback - - /usr/sbin/callback {options} {number}\n* - - /bin/login @\n"),
    );
    let mut server = Server::ready(&folder, 3);
    let mut terminal = Terminal::on(Path::new(town.port("alice")));
    let last = format!(r"\q\d{}", account.name);
    terminal.chat(&[DIAL, ASK, asked, ANSWER, &[&last]].concat());

    // The second prompt was reached: what follows is a login like any other.
    terminal.until("assword: ");
    terminal.say(&format!("{}\r", account.password));
    terminal.until("$ ");
    terminal.say("echo $USER has $((6 * 7))\r");
    terminal.until(&format!("{} has 42\r\n", account.name));
    terminal.say("exit\r");
    terminal.until("NO CARRIER");

    let promised = server.until("promised");
    assert_eq!(promised["numbers"], serde_json::json!(["5550199"]));
    let dialled = server.until("dialled");
    assert_eq!(dialled["line"], line, "{dialled}");
    assert_eq!(server.until("kept")["promise"], promised["promise"]);
    assert_eq!(server.until("launched")["program"], "/bin/login");
    assert_eq!(server.until("ended")["cause"], "user-request");
    let of = |name: &str, digits: &str| (name.to_owned(), digits.to_owned());
    assert_eq!(town.dialled(), [of("alice", "5550100"), of(line, "5550199")]);
    let records: Vec<(Value, Value)> =
        server.json(&["calls"]).iter().map(|r| (r["leg"].clone(), r["cause"].clone())).collect();
    assert_eq!(
        records,
        [("request".into(), "callback".into()), ("return".into(), "user-request".into())]
    );
    server.stop();
}
