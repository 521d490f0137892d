//! The built program from outside: exit codes, control socket, locks, restarts, a whole call on a pty modem.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test program: a panic is its way to fail"
)]

mod attacks;
mod folder;
mod full_disk;
mod guesses;
mod modem;
mod qualify;
mod server;
mod standing;
mod supervisor;
mod typed;
mod watch;

use std::process::Command;

use folder::Folder;
use modem::Modem;
use server::{Server, configure, run, stderr, stdout};

/// A server on one pty modem, ready for calls.
fn ready() -> (Folder, Modem, Server) {
    let folder = Folder::new();
    let mut modem = Modem::at(&folder.path("modem"));
    configure(&folder, &folder.path("modem").display().to_string(), "");
    let mut server = Server::start(&folder);
    come_up(&mut modem, &mut server);
    (folder, modem, server)
}

/// The modem is set up.
fn come_up(modem: &mut Modem, server: &mut Server) {
    modem.until_command("ATZ");
    modem.result("OK");
    answered(modem, || server.until("line-ready"));
}

/// Waits for something while the modem answers OK to whatever it is told.
fn answered<T: Send>(modem: &mut Modem, wait: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(wait);
        while !waiting.is_finished() {
            modem.answer_all();
        }
        waiting.join().unwrap()
    })
}

#[test]
fn check_and_serve_tell_a_faulty_configuration_by_exit_code_and_place() {
    let folder = Folder::new();
    configure(&folder, "/dev/ttyS99", "");
    let config = folder.path("dialback.toml").display().to_string();
    let good = run(&["check", "--config", &config]);
    assert_eq!(good.status.code(), Some(0), "{}", stdout(&good));

    configure(&folder, "/dev/ttyS99", "tries = \"many\"");
    let bad = run(&["check", "--config", &config]);
    assert_eq!(bad.status.code(), Some(78));
    assert!(stdout(&bad).contains("^^^^^^"), "{}", stdout(&bad));
    let json = run(&["check", "--json", "--config", &config]);
    assert_eq!(json.status.code(), Some(78));
    let fault: serde_json::Value =
        serde_json::from_str(stdout(&json).lines().next().unwrap()).unwrap();
    assert_eq!(fault["severity"], "error");
    assert_eq!(fault["file"], config);
    assert!(fault["line"].as_u64().is_some(), "{fault}");

    let refused = run(&["serve", "--config", &config]);
    assert_eq!(refused.status.code(), Some(78));
    assert!(stderr(&refused).contains("dialback.toml:"), "{}", stderr(&refused));
    assert!(!folder.path("state").exists(), "nothing is touched");
}

#[test]
fn a_user_that_does_not_exist_is_a_fault_where_he_is_named() {
    let folder = Folder::new();
    configure(&folder, "/dev/ttyS99", "");
    folder.write("login.config", "* nosuchuser - /bin/echo\n");
    let config = folder.path("dialback.toml").display().to_string();
    let bad = run(&["check", "--config", &config]);
    assert_eq!(bad.status.code(), Some(78), "{}", stdout(&bad));
    assert!(stdout(&bad).contains("login.config:1:3"), "{}", stdout(&bad));
}

#[test]
fn exit_codes_are_those_of_sysexits() {
    let folder = Folder::new();
    let nowhere = folder.path("nobody.sock").display().to_string();
    for (args, code) in [
        (&["--version"][..], 0),
        (&["dance"], 64),
        (&["serve", "--speed", "fast"], 64),
        (&["status", "--control", &nowhere], 69),
        (&["callback", "--control", &nowhere, "5550199"], 69),
        (&["check", "--config", "/nonexistent"], 78),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
    }
    let told = run(&["status", "--control", &nowhere]);
    assert!(stderr(&told).contains("dialback serve"), "{}", stderr(&told));
}

#[test]
fn a_caller_is_called_back_and_gets_his_program() {
    let (_folder, mut modem, mut server) = ready();
    modem.result("RING");
    modem.until_command("ATA");
    modem.result("CONNECT 33600");
    let prompt = modem.until_text("ogin: ");
    assert!(prompt.contains("Welcome"), "{prompt:?}");
    modem.say("fixed\r");
    modem.until_hung_up();
    server.until("promised");
    let dialled = modem.until_command("ATD");
    assert_eq!(dialled, "ATDT5550199");
    modem.result("CONNECT 33600");
    server.until("kept");
    modem.until_text("ogin: ");
    modem.say("hello\r");
    modem.until_text("hello from a program");
    modem.until_hung_up();
    assert_eq!(server.until("ended")["cause"], "user-request");

    let records = server.json(&["calls"]);
    let legs: Vec<_> = records.iter().map(|r| (r["leg"].clone(), r["cause"].clone())).collect();
    assert_eq!(
        legs,
        [("request".into(), "callback".into()), ("return".into(), "user-request".into())]
    );

    // The story is the same, by whichever of its ids it is asked for.
    let story = stdout(&server.ask(&["call", "c2"]));
    for id in ["c1", "s1", "p1"] {
        assert_eq!(stdout(&server.ask(&["call", id])), story, "{id}");
    }
    for wanted in [
        "hello was called back at 5550199",
        "c1 came in on main, CONNECT 33600: hung up to call back",
        "promised p1: fixed will be called back",
        "c2 went out on main to 5550199, CONNECT 33600: the caller was done",
        "the promise p1 is kept",
    ] {
        assert!(story.contains(wanted), "{wanted}:\n{story}");
    }
    let json = server.json(&["call", "c1"]).remove(0);
    assert_eq!(json["request"]["call"], 1);
    assert_eq!(json["returns"][0]["call"], 2);
    // What happened is told with its time; the caller's screen has none.
    let time = |word: &str| word.strip_suffix('s').is_some_and(|s| s.parse::<f64>().is_ok());
    let told = |line: &&str| line.split_whitespace().next().is_some_and(time);
    assert_eq!(json["entries"].as_array().unwrap().len(), story.lines().filter(told).count());
    let none = server.ask(&["call", "c9"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(stderr(&none).contains("knows nothing"), "{}", stderr(&none));

    let sessions = server.json(&["sessions", "--user", "hello"]);
    assert_eq!(sessions[0]["request"]["call"], 1, "whole sessions: {sessions:?}");
    assert!(stdout(&server.ask(&["promises"])).contains("Nobody is owed"));
    let calls = |args: &[&str]| -> Vec<u64> {
        let args: Vec<&str> = ["calls"].iter().chain(args).copied().collect();
        server.json(&args).iter().map(|r| r["call"].as_u64().unwrap()).collect()
    };
    assert_eq!(calls(&["--cause", "callback"]), [1]);
    assert_eq!(calls(&["--number", "0199", "--since", "1h"]), [2]);
    assert_eq!(calls(&["--line", "other"]), [0; 0]);
    let log = |args: &[&str]| -> Vec<String> {
        let args: Vec<&str> = ["log"].iter().chain(args).copied().collect();
        let events = server.json(&args);
        events.iter().map(|e| e["event"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(log(&["--event", "ended", "--line", "main"]), ["ended", "ended"]);
    assert_eq!(log(&["--last", "1"]).len(), 1);
    assert_eq!(log(&["--since", "1h", "--severity", "alert"]), [""; 0]);
    assert_eq!(log(&["--since", "2999-01-01"]), [""; 0]);
}

#[test]
fn over_rfc_2217_dtr_hangs_up_and_dcd_tells_the_carrier() {
    let folder = Folder::new();
    let (mut modem, place) = Modem::behind_rfc2217();
    configure(&folder, &format!("rfc2217://{place}"), "");
    let mut server = Server::start(&folder);
    come_up(&mut modem, &mut server);
    modem.result("RING");
    modem.until_command("ATA");
    modem.carrier(true);
    modem.result("CONNECT 33600");
    modem.until_text("ogin: ");
    modem.say("fixed\r");
    let farewell = modem.until_dtr(false);
    assert!(farewell.contains("We call you back"), "{farewell:?}");
    modem.carrier(false);
    assert_eq!(server.until("ended")["cause"], "callback");
    assert_eq!(modem.until_command("ATD"), "ATDT5550199");
    modem.carrier(true);
    modem.result("CONNECT 33600");
    server.until("kept");
    modem.until_text("ogin: ");
    // The caller pulls the plug while a program waits for him.
    modem.say("shell\r");
    server.until("launched");
    modem.carrier(false);
    assert_eq!(server.until("program-exited")["status"], serde_json::json!({"signal": 1}));
    assert_eq!(server.until("ended")["cause"], "lost-carrier");
}

#[test]
fn a_terminal_server_that_restarts_is_connected_to_again() {
    let folder = Folder::new();
    let (mut modem, place) = Modem::behind_rfc2217();
    configure(&folder, &format!("rfc2217://{place}"), "");
    let mut server = Server::start(&folder);
    come_up(&mut modem, &mut server);
    modem.cut_the_connection();
    let fault = server.until("line-faulted");
    assert!(fault["reason"].as_str().unwrap().contains(&place), "{fault}");
    come_up(&mut modem, &mut server);
}

#[test]
fn a_program_gets_a_terminal_an_environment_and_all_of_its_output_through() {
    let (_folder, mut modem, mut server) = ready();
    modem.result("RING");
    modem.until_command("ATA");
    modem.result("CONNECT 33600");
    modem.until_text("ogin: ");
    modem.say("chatty\r");
    let greeting = modem.until_text("begin\r\n");
    assert!(greeting.contains("24 80"), "{greeting:?}");
    assert!(greeting.contains("CONNECT=33600 HOME="), "{greeting:?}");
    let numbers = modem.until_text("the end\r\n");
    let wanted: String = (1..=20_000).map(|n| format!("{n}\r\n")).collect();
    assert!(numbers.starts_with(&wanted), "{} of {} bytes", numbers.len(), wanted.len());
    modem.say("an answer\r");
    modem.until_text("got an answer\r\n");
    modem.until_hung_up();
    assert_eq!(server.until("program-exited")["status"], serde_json::json!({"code": 3}));
}

#[test]
fn the_running_server_explains_what_is_open_and_how_its_lines_stand() {
    let (folder, mut modem, mut server) = ready();
    let control = folder.path("control.sock").display().to_string();
    let explain = |more: &[&str]| {
        let args = [&["policy", "explain", "fixed", "--live", "--control", &control], more];
        stdout(&run(&args.concat()))
    };
    let yes = "approved by login.config:1: 5550199 is dialled on main";
    assert_eq!(explain(&["--brief"]).trim_end(), yes);
    modem.result("RING");
    modem.until_command("ATA");
    modem.result("CONNECT 33600");
    modem.until_text("ogin: ");
    modem.say("fixed\r");
    modem.until_hung_up();
    server.until("promised");
    modem.until_command("ATD");
    assert_eq!(
        explain(&["--brief"]).trim_end(),
        "refused by promises.per-number: a callback is owed at 5550199 already"
    );
    let whole = explain(&[]);
    assert!(whole.contains("line main is dialling"), "{whole}");
    assert!(!whole.contains("configuration alone"), "{whole}");
    let json = explain(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["live"], &json["approved"]), (&true.into(), &false.into()));
    // The configuration knows nothing of it, and says so.
    let config = folder.path("dialback.toml").display().to_string();
    let plain = stdout(&run(&["policy", "explain", "fixed", "--config", &config]));
    assert!(plain.contains(yes) && plain.contains("configuration alone; --live"), "{plain}");
    modem.result("BUSY");
}

#[test]
fn callback_8_follows_its_promise_on_the_terminal_that_it_names() {
    let (folder, mut modem, mut server) = ready();
    let port = folder.path("modem").display().to_string();
    let nowhere = server.ask(&["callback", "-l", "ttyS99", "5550123"]);
    assert_eq!(nowhere.status.code(), Some(1), "{}", stderr(&nowhere));
    std::thread::scope(|scope| {
        let ask = server.asker();
        let order = ["callback", "-d", "-l", &port, "-m", "\"\" ATZ1 OK", "5550123"];
        let following = scope.spawn(move || ask(&order));
        modem.until_command("ATZ1");
        modem.result("OK");
        assert_eq!(modem.until_command("ATD"), "ATDT5550123");
        modem.result("CONNECT 33600");
        let followed = following.join().unwrap();
        assert_eq!(followed.status.code(), Some(0), "{}", stderr(&followed));
        assert!(stdout(&followed).contains("the promise p1 is kept"), "{}", stdout(&followed));
    });
    assert_eq!(server.until("operated")["who"], "root (uid 0)");
}

#[test]
fn a_promise_survives_kill_9() {
    let (folder, mut modem, mut server) = ready();
    modem.result("RING");
    modem.until_command("ATA");
    modem.result("CONNECT 33600");
    modem.until_text("ogin: ");
    modem.say("fixed\r");
    server.until("promised");
    modem.until_text("+++");
    server.kill();

    let mut server = Server::start(&folder);
    modem.until_command("ATZ");
    modem.result("OK");
    assert_eq!(modem.until_command("ATD"), "ATDT5550199");
    modem.result("CONNECT 33600");
    server.until("kept");
    modem.until_text("ogin: ");
}

#[test]
fn the_control_socket_answers_while_the_server_runs() {
    let (folder, mut modem, mut server) = ready();
    let lines = server.json(&["lines"]);
    assert_eq!(lines[0][0]["line"], "main");
    assert_eq!(lines[0][0]["state"], "idle");
    let table = server.ask(&["status"]);
    assert!(stdout(&table).contains("main"), "{}", stdout(&table));

    let config = folder.path("dialback.toml").display().to_string();
    let second = run(&["serve", "--config", &config]);
    assert_eq!(second.status.code(), Some(75), "{}", stderr(&second));
    let wanted = format!("already running, pid {}", server.pid());
    assert!(stderr(&second).contains(&wanted), "{}", stderr(&second));

    let refused = server.ask(&["callback", "5551234;H0"]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    let ordered = server.ask(&["callback", "5550123"]);
    assert_eq!(ordered.status.code(), Some(0), "{}", stderr(&ordered));
    assert_eq!(stdout(&ordered), "p1\n");
    assert_eq!(modem.until_command("ATD"), "ATDT5550123");
    modem.result("BUSY");
    let failed = answered(&mut modem, || server.until("try-failed"));
    assert_eq!(failed["cause"], "busy");
}

#[test]
fn an_operator_takes_a_line_out_of_service_puts_it_back_and_begins_anew_with_it() {
    let (_folder, mut modem, mut server) = ready();
    let done = |output: &std::process::Output| {
        assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    };
    done(&server.ask(&["busy-out", "main"]));
    modem.until_command("ATH1");
    modem.result("OK");
    let asker = server.asker();
    assert_eq!(server.until("operated")["who"], "root (uid 0)");
    let twice = asker(&["busy-out", "main"]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(stderr(&twice).contains("out of service already"), "{}", stderr(&twice));
    done(&server.ask(&["restore", "main"]));
    answered(&mut modem, || server.until("line-ready"));
    done(&server.ask(&["reset", "main"]));
    answered(&mut modem, || server.until("line-ready"));
    let idle = server.ask(&["hangup", "main"]);
    assert!(stderr(&idle).contains("no call on line main"), "{}", stderr(&idle));
    let none = server.ask(&["promise", "cancel", "p9"]);
    assert!(stderr(&none).contains("no open promise p9"), "{}", stderr(&none));
}

#[test]
fn a_reload_that_is_ordered_tells_whether_it_succeeded() {
    let (folder, mut modem, mut server) = ready();
    let port = folder.path("modem").display().to_string();
    configure(&folder, &port, "tries = \"many\"");
    let refused = server.ask(&["reload"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("dialback.toml:"), "{}", stderr(&refused));
    assert_eq!(server.until("reload-refused")["faults"], 1);
    configure(&folder, &port, "");
    let asker = server.asker();
    let done = answered(&mut modem, move || asker(&["reload"]));
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
}

#[test]
fn another_programs_lock_is_honoured_until_it_is_gone() {
    let (folder, mut modem, mut server) = ready();
    let mut other = Command::new("sleep").arg("600").spawn().unwrap();
    let device = std::fs::canonicalize(folder.path("modem")).unwrap();
    let lock = folder.path("locks").join(sys::lock::lock_name(&device));
    std::fs::write(&lock, format!("{:10}\n", other.id())).unwrap();
    let lent = server.until("line-lent");
    assert!(lent["holder"].as_str().unwrap().contains("sleep"), "{lent}");
    // The other program dies and leaves its lock behind.
    other.kill().unwrap();
    other.wait().unwrap();
    server.until("line-returned");
    come_up(&mut modem, &mut server);
}

#[test]
fn a_faulty_configuration_is_not_taken_on_reload_and_a_good_one_is() {
    let (folder, _modem, mut server) = ready();
    let port = folder.path("modem").display().to_string();
    configure(&folder, &port, "tries = \"many\"");
    server.signal("HUP");
    assert_eq!(server.until("reload-refused")["faults"], 1);
    let mut second = Modem::at(&folder.path("second"));
    let line = format!(
        "[[line]]\nname = \"second\"\nport = \"{}\"\nmodem = {{ init = [\"ATZ\"] }}\n",
        folder.path("second").display()
    );
    configure(&folder, &port, &line);
    server.signal("HUP");
    server.until("reloaded");
    come_up(&mut second, &mut server);
    assert_eq!(server.json(&["lines"])[0].as_array().unwrap().len(), 2);
    // Taken away again, it is closed, and the other goes on.
    configure(&folder, &port, "");
    server.signal("HUP");
    server.until("reloaded");
    let left = server.json(&["lines"]);
    assert_eq!(left[0][0]["line"], "main");
    assert_eq!(left[0].as_array().unwrap().len(), 1);
}

#[test]
fn prove_finds_what_a_configuration_leaves_open_and_writes_a_report() {
    let folder = Folder::new();
    configure(&folder, "/dev/ttyS99", "");
    let config = folder.path("dialback.toml").display().to_string();
    let page = folder.path("proof.html").display().to_string();
    let proved = run(&["prove", "--json", "--config", &config, "--html", &page]);
    // A name is all that this configuration asks for.
    assert_eq!(proved.status.code(), Some(1), "{}", stderr(&proved));
    let proof: serde_json::Value = serde_json::from_str(stdout(&proved).trim()).unwrap();
    let attacks = proof["attacks"].as_array().unwrap();
    assert_eq!(attacks.len(), 20);
    let verdict = |id: &str| {
        let attack = attacks.iter().find(|attack| attack["id"] == id).unwrap();
        attack["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(verdict("A9"), "open");
    assert_eq!(verdict("A13"), "withstood", "{attacks:#?}");
    assert_eq!(verdict("A17"), "weak", "there is no anchor: {attacks:#?}");
    assert_eq!(proof["sha256"].as_str().unwrap().len(), 64);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains(proof["sha256"].as_str().unwrap()), "{page}");
}

#[test]
fn under_the_name_callback_the_program_is_callback_8() {
    let folder = Folder::new();
    let name = folder.path("callback");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_dialback"), &name).unwrap();
    let version = Command::new(&name).arg("-V").output().unwrap();
    assert!(stdout(&version).starts_with("callback of dialback "), "{}", stdout(&version));
    let wrong = Command::new(&name).arg("--frobnicate").output().unwrap();
    assert_eq!(wrong.status.code(), Some(64));
    assert!(stderr(&wrong).contains("Usage: callback"), "{}", stderr(&wrong));
}

#[test]
fn sigterm_leaves_the_line_on_hook_and_ends_with_0() {
    let (folder, mut modem, mut server) = ready();
    modem.result("RING");
    modem.until_command("ATA");
    modem.result("CONNECT 33600");
    modem.until_text("ogin: ");
    server.signal("TERM");
    server.until("server-stopping");
    // Told twice: at once.
    server.signal("TERM");
    modem.until_hung_up();
    server.until("server-stopped");
    assert_eq!(server.ended().code(), Some(0));
    assert!(!folder.path("control.sock").exists());
}
