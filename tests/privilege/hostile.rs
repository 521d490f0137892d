//! The launcher, asked by an attacker: whoever has taken the server over has its end of the socket, and no more.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use sys::packets::Packets;

use crate::rig::folder::Folder;
use crate::rig::process::dialback;
use crate::rig::programs;
use crate::{soon, stage};

/// A launcher with our end of its socket.
struct Launcher {
    process: Child,
    socket: Packets,
    /// What came with answers: a pty's master that is closed hangs its session up.
    masters: RefCell<Vec<OwnedFd>>,
}

impl Launcher {
    fn start(folder: &Folder) -> Self {
        let (socket, theirs) = Packets::pair().unwrap();
        let mut command: Command = dialback();
        command.arg("launcher").arg(folder.path("dialback.toml")).args(["text", "error"]);
        let process = command.stdin(Stdio::from(theirs.into_fd())).spawn().unwrap();
        drop(command);
        Self { process, socket, masters: RefCell::default() }
    }

    fn say(&self, request: &Value) {
        self.socket.send(request.to_string().as_bytes(), &[]).unwrap();
    }

    /// The next answer; `None`: it has ended.
    fn hear(&self) -> Option<Value> {
        let packet = self.socket.receive().unwrap()?;
        self.masters.borrow_mut().extend(packet.fds);
        Some(serde_json::from_slice(&packet.bytes).unwrap())
    }

    fn ask(&self, request: &Value) -> Value {
        self.say(request);
        self.hear().unwrap_or_else(|| panic!("no answer to {request}"))
    }

    /// Asks for a program, and gives back why there is none.
    fn refused(&self, request: &Value) -> String {
        let answer = self.ask(request);
        assert_eq!(answer["tell"], "ended", "{request}: {answer}");
        answer["how"]["not-started"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A wish that is granted, but for what a test changes in it.
fn start(session: u64, change: impl FnOnce(&mut Value)) -> Value {
    let mut request = json!({
        "ask": "start",
        "session": session,
        "terminal": "pty",
        "grounds": {
            "entry": 1,
            "sought": "stay",
            "leg": "request",
            "line": "office",
            "facts": {
                "name": "stay", "connect": "33600", "caller_id": null, "caller_name": null,
                "called": null, "date": null, "time": null, "speed": 115_200,
            },
        },
    });
    change(&mut request["grounds"]);
    request
}

#[test]
fn the_launcher_starts_nothing_that_its_own_login_config_does_not_lead_to() {
    if !programs::there("a hostile server", &[]) {
        return;
    }
    let folder = Folder::new();
    let marker = folder.path("started");
    let stay = folder.write_program(
        "stay",
        &format!("#!/bin/sh\necho \"$@\" >> {}\nexec sleep 600\n", marker.display()),
    );
    let _town = stage(&folder, &format!("stay - - {0} @ \\I\nother - - {0}\n", stay.display()));
    let launcher = Launcher::start(&folder);
    assert!(launcher.refused(&start(1, |_| {})).contains("no configuration"), "before it is read");
    assert_eq!(launcher.ask(&json!({"ask": "configuration"}))["tell"], "configuration");

    type Change = fn(&mut Value);
    let wishes: [(&str, Change); 8] = [
        ("no such entry", |grounds| grounds["entry"] = json!(2)),
        ("no such entry", |grounds| grounds["entry"] = json!(77)),
        ("no such entry", |grounds| grounds["sought"] = json!("root")),
        ("no such entry", |grounds| grounds["sought"] = json!("-froot")),
        ("begins with a dash", |grounds| grounds["facts"]["name"] = json!("-froot")),
        ("begins with a dash", |grounds| grounds["facts"]["name"] = json!("a\nb")),
        ("no such line", |grounds| grounds["line"] = json!("/dev/tty1")),
        ("so long", |grounds| grounds["facts"]["connect"] = json!("x".repeat(600))),
    ];
    for (number, (why, change)) in (10..).zip(wishes) {
        let refused = launcher.refused(&start(number, change));
        assert!(refused.contains(why), "{refused} for {why}");
    }
    // A terminal of its own choice it gets neither: this line has none.
    let mut on_the_line = start(30, |_| {});
    on_the_line["terminal"] = json!("line");
    assert!(launcher.refused(&on_the_line).contains("no terminal with control lines"));
    assert_eq!(launcher.ask(&json!({"ask": "vacate", "port": "/dev/console"}))["tell"], "vacated");
    assert!(!marker.exists(), "something was started");

    // One is; a second one on the same line is not, and what is not printable in it never gets there.
    let sly = start(40, |grounds| grounds["facts"]["connect"] = json!("-x\u{1b}[2J"));
    let started = launcher.ask(&sly);
    assert_eq!(started["tell"], "started", "{started}");
    let pid = started["pid"].to_string();
    assert!(launcher.refused(&start(41, |_| {})).contains("runs on it already"));
    soon("the program's mark", || {
        std::fs::read_to_string(&marker).is_ok_and(|text| text.ends_with('\n'))
    });
    assert_eq!(std::fs::read_to_string(&marker).unwrap(), "stay ?-x?[2J\n");

    // What is no request at all ends the launcher, and with it the session.
    launcher.say(&json!({"ask": "start", "program": "/bin/sh"}));
    assert_eq!(launcher.hear(), None);
    let mut launcher = launcher;
    assert_eq!(launcher.process.wait().unwrap().code(), Some(76));
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "the session lives on");
}

#[test]
fn every_kind_of_nonsense_ends_the_launcher() {
    if !programs::there("nonsense for the launcher", &[]) {
        return;
    }
    let folder = Folder::new();
    let _town = stage(&folder, "stay - - /bin/sleep 600\n");
    for nonsense in [
        "",
        "{}",
        "[",
        "{\"ask\":\"configuration\",\"path\":\"/etc/shadow\"}",
        "{\"ask\":\"exec\",\"program\":\"/bin/sh\"}",
        "{\"ask\":\"anchor\",\"anchor\":{\"seq\":1,\"hash\":\"zz\",\"unix_ms\":0}}",
    ] {
        let mut launcher = Launcher::start(&folder);
        let text = if nonsense.is_empty() { "\0" } else { nonsense };
        launcher.socket.send(text.as_bytes(), &[]).unwrap();
        assert_eq!(launcher.hear(), None, "{nonsense}");
        assert_eq!(launcher.process.wait().unwrap().code(), Some(76), "{nonsense}");
    }
    // Descriptors that nobody asked for.
    let mut launcher = Launcher::start(&folder);
    let null = std::fs::File::open("/dev/null").unwrap();
    let fds = [std::os::fd::AsFd::as_fd(&null)];
    launcher.socket.send(b"{\"ask\":\"configuration\"}", &fds).unwrap();
    assert_eq!(launcher.hear(), None);
    assert_eq!(launcher.process.wait().unwrap().code(), Some(76));
}

#[test]
fn interfaces_and_scripts_are_those_of_the_configuration() {
    if !programs::there("networks by the launcher", &["/usr/bin/unshare"]) {
        return;
    }
    let folder = Folder::new();
    let marker = folder.path("told");
    let up = folder.write_program(
        "ip-up",
        &format!("#!/bin/sh\necho \"$@\" \"$IPREMOTE\" > {}\n", marker.display()),
    );
    let _town = stage(&folder, "/AutoPPP/ - - dialback-ppp\n");
    let text = std::fs::read_to_string(folder.path("dialback.toml")).unwrap();
    let ppp = format!(
        "\n[ppp]\nsecrets = \"chap-secrets\"\nlocal = \"10.9.0.1\"\npool = [\"10.9.0.2-10.9.0.9\"]\n\
         interface = \"held%d\"\nip_up = \"{}\"\n",
        up.display()
    );
    folder.write("dialback.toml", &(text + &ppp));
    folder.write("chap-secrets", "bob * secret *\n");
    // In a network of its own: nobody else's interfaces are touched.
    let (socket, theirs) = Packets::pair().unwrap();
    let mut command = Command::new("/usr/bin/unshare");
    command.arg("--net").arg(dialback().get_program()).arg("launcher");
    command.arg(folder.path("dialback.toml")).args(["text", "error"]);
    let process = command.stdin(Stdio::from(theirs.into_fd())).spawn().unwrap();
    drop(command);
    let launcher = Launcher { process, socket, masters: RefCell::default() };
    assert_eq!(launcher.ask(&json!({"ask": "configuration"}))["tell"], "configuration");
    let devices =
        || std::fs::read_to_string(format!("/proc/{}/net/dev", launcher.process.id())).unwrap();
    let wish = |peer: &str, name: &str| {
        let ipv4 = json!({"local": "10.9.0.1", "peer": peer});
        let wanted =
            json!({"name": name, "mtu": 1500, "ipv4": ipv4, "ipv6": null, "proxy_arp": false});
        json!({"ask": "interface", "call": 1, "wanted": wanted})
    };
    for wrong in [wish("192.168.1.1", "held%d"), wish("10.9.0.2", "eth0")] {
        let answer = launcher.ask(&wrong);
        assert!(answer["name"]["Err"].is_string(), "{answer}");
    }
    assert!(!devices().contains("held"), "{}", devices());
    let made = launcher.ask(&wish("10.9.0.2", "held%d"));
    assert_eq!(made["name"]["Ok"], "held0", "{made}");
    assert!(devices().contains("held0"), "{}", devices());

    let script = |program: &str| {
        let argv = ["ip-up", "held0", "main", "33600", "10.9.0.1", "10.9.0.2", "main"];
        let env = [["IFNAME", "held0"], ["IPREMOTE", "10.9.0.2"]];
        let script = json!({"program": program, "argv": argv, "env": env});
        json!({"ask": "script", "number": 9, "script": script})
    };
    assert!(launcher.ask(&script("/bin/sh"))["fault"].is_string());
    let ended = launcher.ask(&script(up.to_str().unwrap()));
    assert_eq!(ended, json!({"tell": "script-ended", "number": 9, "fault": null}));
    let told = std::fs::read_to_string(&marker).unwrap();
    assert_eq!(told, "held0 main 33600 10.9.0.1 10.9.0.2 main 10.9.0.2\n");

    launcher.say(&json!({"ask": "no-interface", "call": 1}));
    launcher.masters.borrow_mut().clear();
    soon("the interface's end", || !devices().contains("held0"));
}
