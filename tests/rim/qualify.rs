//! `dialback qualify LINE --with OTHER`, whole: the command, the running server, and a served exchange with two modems.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::folder::Folder;
use crate::server::{Server, dialback, stderr, stdout};

/// How much faster than telephones the town is.
const SCALE: u32 = 24;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A town with two modems, and where they are.
fn exchange(folder: &Folder) -> (Running, Vec<String>) {
    let mut town = format!("time_scale = {SCALE}\n");
    for (name, number) in [("office", "5550100"), ("second", "5550101")] {
        town.push_str(&format!(
            "[[station]]\nname = \"{name}\"\nnumber = \"{number}\"\nport = \"rfc2217:127.0.0.1:0\"\n"
        ));
    }
    let path = folder.write("town.toml", &town);
    let mut exchange = dialback()
        .args(["exchange", "--quiet", "--ports", "--config"])
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(exchange.stdout.take().unwrap()).lines().map_while(Result::ok);
    let port = |line: String| line.split_whitespace().last().unwrap_or_default().to_owned();
    let ports = said.take(2).map(port).collect();
    (Running(exchange), ports)
}

fn configured(folder: &Folder, ports: &[String]) {
    let root = folder.path("").display().to_string();
    let mut config = format!(
        "[server]\nstate_dir = \"{root}/state\"\ncontrol = \"{root}/control.sock\"\nlogin_config = \"{root}/login.config\"\n\
         lock_dir = \"{root}/locks\"\nissue = \"\"\nuser = \"root\"\nstop_grace = \"1s\"\n"
    );
    for (name, number, port) in [("main", "5550100", &ports[0]), ("second", "5550101", &ports[1])] {
        config.push_str(&format!(
            "[[line]]\nname = \"{name}\"\nport = \"{port}\"\nnumber = \"{number}\"\n\
             modem = {{ init = [\"ATZ\", \"AT&C1&D2S0=0\", \"AT#CID=1\"], guard = \"100ms\" }}\n"
        ));
    }
    folder.write("dialback.toml", &config);
    folder.write("login.config", "hello - - /bin/echo hello\n* - - /bin/false\n");
    fs::create_dir_all(folder.path("locks")).unwrap();
}

/// The command, with its output to be read as it comes.
fn measuring(folder: &Folder, more: &[&str]) -> Child {
    let mut command: Command = dialback();
    command.args(["qualify", "main", "--with", "second"]).args(more);
    command.arg("--control").arg(folder.path("control.sock"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_line_is_measured_with_another_one_and_by_ctrl_c_it_is_not() {
    let folder = Folder::new();
    let (_exchange, ports) = exchange(&folder);
    configured(&folder, &ports);
    let mut server = Server::start(&folder);
    server.until("line-ready");
    server.until("line-ready");

    // Ctrl-C ends it, and the command ends only when both lines are back.
    let mut first = measuring(&folder, &[]);
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("second dials 5550100")), "no call was shown");
    let pid = first.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    lines.for_each(drop);
    let ended = first.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", stderr(&ended));
    assert!(stderr(&ended).contains("an operator has hung up"), "{}", stderr(&ended));
    let told = server.until("not-qualified");
    assert_eq!((&told["line"], &told["with"]), (&"main".into(), &"second".into()));
    server.until("line-ready");
    server.until("line-ready");

    let second = measuring(&folder, &["--json"]).wait_with_output().unwrap();
    assert_eq!(second.status.code(), Some(0), "{}", stderr(&second));
    let found: Value = serde_json::from_str(&stdout(&second)).unwrap();
    // Its exchange holds nobody; those that do are stories of the town, which have their own time.
    assert_eq!((&found["findings"]["held_ms"], &found["hold_ms"]), (&0.into(), &1_000.into()));
    assert_eq!(found["findings"]["caller_id"]["configured"], true, "{found}");
    assert_eq!(found["findings"]["called"]["signal"], "carrier", "{found}");
    assert_eq!(found["findings"]["calling"]["signal"], "carrier", "{found}");
    assert_eq!(found["hold"]["by"], "measured", "{found}");
    let told = server.until("qualified");
    assert!(told["who"].as_str().unwrap().contains("uid"), "{told}");

    // It is in the journal, and nobody was served for it.
    let shown = stdout(&server.ask(&["log", "--event", "qualified", "--last", "1000"]));
    assert!(shown.contains("measured with second"), "{shown}");
    let served = stdout(&server.ask(&["log", "--event", "connected", "--last", "1000"]));
    assert_eq!(served.trim(), "");
    let lines = stdout(&server.ask(&["lines"]));
    assert!(lines.contains(" measured"), "{lines}");

    // By hand: what follows is told, and a slip of the unit is none of a measurement's.
    let by_hand = server.ask(&["qualify", "main", "--held", "12s"]);
    assert!(
        stdout(&by_hand).starts_with("from now on callbacks wait 16.0s on main"),
        "{by_hand:?}"
    );
    let slip = server.ask(&["qualify", "main", "--held", "12h"]);
    assert_eq!(slip.status.code(), Some(1));
    assert!(stderr(&slip).contains("did you mean seconds (12s)?"), "{}", stderr(&slip));
}
