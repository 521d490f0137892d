//! The example scripts run by `dialback chat` and `dialback scp run` on a virtual modem, against `dialback serve`: the
//! caller chooses the number, or the entry has it.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::rig::folder::Folder;
use crate::rig::process::dialback;
use crate::rig::programs;
use crate::rig::server::{Server, configure};
use crate::rig::town::Town;

/// A login without an account: it takes any password and gives a prompt.
const LOGIN: &str = "#!/bin/sh
stty -echo
printf 'Password: '; read -r password
printf '\\r\\n> '; read -r command
printf '\\r\\nfor %s: %s\\r\\n' \"$1\" \"$command\"
";

/// A town, a server in it, and the caller's modem.
struct Stage {
    folder: Folder,
    town: Town,
    server: Server,
}

impl Stage {
    fn new() -> Self {
        let folder = Folder::new();
        let town = Town::of(&folder, &[("main", "5550100", "pty"), ("alice", "5550123", "pty")]);
        let login = folder.write_program("login", LOGIN);
        let ppp = folder.write_program("ppp", "#!/bin/sh\nprintf 'frames\\r\\n'; read -r frame\n");
        configure(
            &folder,
            &[("main", town.port("main"), "")],
            "caller_numbers = { allow = [\"555*\"] }",
            &format!(
                "cback - - /usr/sbin/callback -S\nmary - - /usr/sbin/callback -S 5550123\n\
                 /AutoPPP/ - - {}\n* - - {} @\n",
                ppp.display(),
                login.display()
            ),
        );
        let server = Server::ready(&folder, 1);
        Self { folder, town, server }
    }

    /// An example script, run on the caller's modem.
    fn script(&self, name: &str) -> std::path::PathBuf {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/scripts").join(name);
        self.folder.write(name, &fs::read_to_string(path).unwrap())
    }

    /// Runs something with the modem as its standard input and output.
    fn on_modem(&self, command: &mut Command) -> ExitStatus {
        let modem = File::options().read(true).write(true).open(self.town.port("alice")).unwrap();
        let out = modem.as_fd().try_clone_to_owned().unwrap();
        command.stdin(Stdio::from(modem)).stdout(Stdio::from(out)).status().unwrap()
    }

    fn chat(&self, script: &str) -> ExitStatus {
        let file = self.script(script);
        self.on_modem(dialback().args(["chat", "-s", "-S", "-v", "-f"]).arg(file))
    }

    /// As Windows does it: its dialler sets the modem up and dials, then the script runs.
    fn windows(&self, script: &str) -> ExitStatus {
        // Between the two nobody else has the modem open, and it would take that for DTR down.
        let _held = File::options().read(true).write(true).open(self.town.port("alice")).unwrap();
        let dialled = self.on_modem(dialback().args(["chat", "-s", "-S", "-t", "60", ""]).args([
            "AT&F&C0&D2S0=0",
            "OK",
            "ATDT5550100",
            "CONNECT",
            "\\c",
        ]));
        assert!(dialled.success(), "{dialled}");
        let file = self.script(script);
        let run = ["scp", "run", "-v", "--userid", "real", "--password", "s", "--limit", "120"];
        self.on_modem(dialback().args(run).arg(file))
    }

    /// The server has called back, and this program has got the line.
    fn called_back(mut self, program: &str) {
        let promised = self.server.until("promised");
        assert_eq!(promised["numbers"], serde_json::json!(["5550123"]));
        self.server.until("kept");
        let launched = self.server.until("launched");
        let name = launched["program"].as_str().unwrap();
        assert!(name.ends_with(program), "{name}");
        let called: Vec<(String, String)> = self.town.dialled();
        assert!(called.contains(&("main".to_owned(), "5550123".to_owned())), "{called:?}");
    }
}

#[test]
fn chat_is_called_back_at_the_number_that_it_gives() {
    let stage = Stage::new();
    assert!(stage.chat("callback.chat").success());
    stage.called_back("/ppp");
}

#[test]
fn chat_is_called_back_at_the_number_of_the_entry() {
    let stage = Stage::new();
    assert!(stage.chat("callback-fixed.chat").success());
    stage.called_back("/ppp");
}

#[test]
fn the_hardened_chat_script_is_called_back() {
    let stage = Stage::new();
    assert!(stage.chat("callback-hardened.chat").success());
    stage.called_back("/ppp");
}

/// A `/dev` of its own, in which `/dev/ppp` can be opened. pppd looks for it before its connect script and needs it
/// after; a kernel without PPP has none.
const OWN_DEV: &str = "
set -e
old=$1; shift
mount --rbind /dev \"$old\"
mount -t tmpfs none /dev
mkdir /dev/pts
mount --rbind \"$old/pts\" /dev/pts
for node in null tty zero urandom ptmx; do
    touch /dev/$node
    mount --bind \"$old/$node\" /dev/$node
done
touch /dev/ppp
exec \"$@\"
";

#[test]
fn pppd_runs_our_chat_as_its_connect_script() {
    let needed = ["/usr/sbin/pppd", "/usr/bin/unshare", "/usr/bin/mount"];
    if !programs::there("pppd_runs_our_chat_as_its_connect_script", &needed) {
        return;
    }
    println!("not tried: PPP itself behind the connect script, which needs the kernel's /dev/ppp");
    let stage = Stage::new();
    let script = stage.script("callback.chat");
    let own_dev = stage.folder.write("own-dev", OWN_DEV);
    let old = stage.folder.path("old-dev");
    fs::create_dir(&old).unwrap();
    let ours = dialback().get_program().to_str().unwrap().to_owned();
    let connect = format!("{ours} chat -v -S -s -f {}", script.display());
    let output = Command::new("/usr/bin/unshare")
        .args(["-m", "--propagation", "private", "sh"])
        .args([&own_dev, &old])
        .arg("/usr/sbin/pppd")
        .arg(stage.town.terminal("alice"))
        .args(["115200", "nodetach", "noauth", "nolock", "connect", &connect])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    // 8 would be: the connect script failed.
    assert_ne!(output.status.code(), Some(8), "{said}{errors}");
    assert!(said.contains("Serial connection established"), "{said}{errors}");
    stage.called_back("/ppp");
}

#[test]
fn windows_script_is_called_back_at_the_number_that_it_gives() {
    let stage = Stage::new();
    assert!(stage.windows("callback.scp").success());
    stage.called_back("/login");
}

#[test]
fn windows_script_is_called_back_at_the_number_of_the_entry() {
    let stage = Stage::new();
    assert!(stage.windows("callback-fixed.scp").success());
    stage.called_back("/login");
}

#[test]
fn windows_hardened_script_is_called_back() {
    let stage = Stage::new();
    assert!(stage.windows("callback-hardened.scp").success());
    stage.called_back("/login");
}
