//! Scripts against servers: what the rehearsal says of them.

use super::*;
use crate::world::{Fact, configure};

const LOGIN_CONFIG: &str = "\
cback - - /usr/sbin/callback -S
mary - - /usr/sbin/callback -S 1234567
/AutoPPP/ - - /usr/sbin/pppd auth
* - - /bin/login @
";

fn config() -> Config {
    let text = "[server]\nlogin_config = \"/etc/dialback/login.config\"\nissue = \"/etc/issue\"\n\
        [callback]\ncaller_numbers = { allow = [\"12*\"], deny = [\"1299*\"] }\n\
        [[line]]\nname = \"main\"\nport = \"sim:main\"\nmodem = \"rockwell\"\nnumber = \"987654\"\nhold_time = \"10s\"\n";
    configure(text, LOGIN_CONFIG).unwrap()
}

/// The usual chat script, with its callback name and number.
const CHAT: &str = "\
ABORT BUSY
ABORT VOICE
ABORT \"NO DIALTONE\"
ABORT \"NO ANSWER\"
\"\" ATZ
OK ATDT987654
CONNECT \\d\\d
ogin: \\q\\dcback
callback: \\q1234567
TIMEOUT 90
RING AT&C1A
ogin: \\q\\d/AutoPPP/
";

const SCP: &str = "\
proc main
   waitfor \"ogin: \"
   transmit \"cback^M\"
   waitfor \"number for callback: \"
   transmit \"1234567^M\"
   waitfor \"RING\"
   transmit \"ATA^M\"
   waitfor \"ogin: \"
   transmit $USERID
   transmit \"^M\"
   waitfor \"assword: \"
   transmit $PASSWORD
   transmit \"^M\"
   waitfor \"> \"
   transmit \"ppp^M\"
endproc
";

fn chat(text: &str) -> Script {
    let script = proto::chat::Script::from_file(text.as_bytes());
    Script::Chat { script, options: proto::chat::Options::default(), files: BTreeMap::new() }
}

fn scp(text: &str, init: &str) -> Script {
    let program = proto::scp::read(text.as_bytes()).program.unwrap();
    Script::Scp { program, init: init.to_owned() }
}

fn setup(script: Script) -> Setup {
    Setup {
        script,
        config: config(),
        caller_number: None,
        server_number: None,
        login: Some(("real".to_owned(), Secret::new("secret"))),
        shell_prompt: "> ".to_owned(),
        seed: 1,
    }
}

/// Rehearses; `wanted` is nothing for a callback that comes through, else what the first problem says, and its line.
#[track_caller]
fn check(setup: &Setup, wanted: Option<(usize, &str)>) -> Rehearsal {
    let rehearsal = rehearse(setup).unwrap();
    let verdict = &rehearsal.verdict;
    let shown = format!("{verdict:#?}\n{}", tape(&rehearsal));
    match wanted {
        None => assert!(verdict.came_through && verdict.problems.is_empty(), "{shown}"),
        Some((line, words)) => {
            assert!(!verdict.came_through, "{shown}");
            let problem = &verdict.problems[0];
            let text = format!("{} {}", problem.what, problem.cure.clone().unwrap_or_default());
            assert!(text.contains(words), "{words:?} is not in {text:?}\n{shown}");
            assert_eq!(problem.line, Some(line), "{shown}");
        }
    }
    rehearsal
}

fn tape(rehearsal: &Rehearsal) -> String {
    let lines = rehearsal.tape.iter().map(|taped| {
        let fact = match &taped.fact {
            Fact::Screen(bytes) | Fact::Said(_, bytes) => fact::readable(bytes),
            Fact::Town(event) => event.to_string(),
            Fact::Journal(entry) => format!("{:?}", entry.event),
            Fact::Script(told) => format!("{told:?}"),
        };
        format!("{} {fact}\n", taped.at)
    });
    lines.collect()
}

#[test]
fn the_usual_scripts_are_called_back() {
    check(&setup(chat(CHAT)), None);
    let fixed = CHAT.replace("cback", "mary").replace("callback: \\q1234567\n", "");
    check(&setup(chat(&fixed)), None);
    check(&setup(scp(SCP, "AT&F&C0&D2S0=0")), None);
    let fixed = SCP
        .replace("cback", "mary")
        .replace("   waitfor \"number for callback: \"\n   transmit \"1234567^M\"\n", "");
    check(&setup(scp(&fixed, "AT&F&C0&D2S0=0")), None);
}

#[test]
fn what_is_wrong_with_a_script_is_told_with_its_line_and_the_cure() {
    let chat = |from: &str, to: &str| setup(chat(&CHAT.replace(from, to)));
    let scp = |from: &str, to: &str| setup(scp(&SCP.replace(from, to), "AT&F&C0&D2S0=0"));
    for (setup, line, words) in [
        (chat("cback", "cbcak"), 8, "did you mean \"cback\" (login.config:1)?"),
        (scp("cback", "cbakc"), 3, "did you mean \"cback\" (login.config:1)?"),
        (chat("1234567", "1299567"), 9, "caller_numbers.deny"),
        (chat("1234567", "5550123"), 9, "numbers that callers may give: \"12*\""),
        (chat("callback: ", "Rufnummer: "), 9, "waits for \"Rufnummer:\""),
        (
            chat("ogin: \\q\\dcback", "Login: cback"),
            8,
            "capitals count: the server says \"town!login:\"",
        ),
        (chat("TIMEOUT 90", "TIMEOUT 10"), 11, "gives up after 10.0 s"),
        (chat("TIMEOUT 90", "TIMEOUT 90\nABORT \"NO CARRIER\""), 12, "CLR_ABORT \"NO CARRIER\""),
        (chat("RING ", "back "), 11, "\"back\" is found in \"back\", before the telephone rings"),
        (chat("RING ", "CALL "), 11, "the telephone rings, but it waits for \"CALL\""),
        (chat("ATZ", "AT&Q77*"), 6, "does not understand"),
        (scp("number for callback: ", "your number: "), 4, "the nearest that it said"),
        (scp("ATA^M", "ATI^M"), 8, "waits for \"ogin: \""),
    ] {
        check(&setup, Some((line, words)));
    }
}

#[test]
fn a_modem_that_shows_lost_carrier_ends_windows_script() {
    check(&setup(scp(SCP, "AT&F&C1&D2S0=0")), Some((6, "&C0")));
}

#[test]
fn the_telephone_that_the_server_calls_has_to_be_the_callers() {
    let setup = Setup { caller_number: Some("5550199".to_owned()), ..setup(chat(CHAT)) };
    check(&setup, Some((9, "the server calls 1234567, but the caller's number is 5550199")));
}

#[test]
fn the_same_rehearsal_is_the_same_to_the_last_byte() {
    let once = |seed| tape(&rehearse(&Setup { seed, ..setup(chat(CHAT)) }).unwrap());
    assert!(once(7) == once(7));
}

#[test]
fn near_names_are_found_and_far_ones_are_not() {
    let names = ["cback", "mary", "night"];
    for (typed, wanted) in [
        ("cbcak", Some("cback")),
        ("cbak", Some("cback")),
        ("marry", Some("mary")),
        ("root", None),
        ("", None),
    ] {
        assert_eq!(nearest::nearest(typed, names), wanted, "{typed}");
    }
}
