//! A13, the door that opens when its lock breaks: mgetty ignores a login.config that others may write, and everybody
//! gets `/bin/login`. Here a configuration that is missing, open to others, somebody else's or senseless closes the
//! service; a running server keeps what it has.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Stdio;

use crate::rig::folder::Folder;
use crate::rig::process::dialback;
use crate::rig::programs;
use crate::rig::server::Server;
use crate::rig::terminal::Terminal;
use crate::{configure, mode, stage};

/// What an attacker, or a bad day, does to login.config.
type Harm = fn(&Path);

const HARMS: [(&str, Harm, &str); 6] = [
    ("open to others", |path| permit(path, 0o666), "opens it to group or others"),
    ("readable by the group", |path| permit(path, 0o640), "opens it to group or others"),
    ("somebody else's", |path| chown(path, Some(65_534), None).unwrap(), "not to root"),
    ("missing", |path| std::fs::remove_file(path).unwrap(), "there is no"),
    ("empty", |path| std::fs::write(path, "").unwrap(), "no entry"),
    ("cut off in a line", |path| std::fs::write(path, "stay - -").unwrap(), "login.config"),
];

fn permit(path: &Path, bits: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits)).unwrap();
}

#[test]
fn fail_open_a_broken_login_config_closes_the_service() {
    if !programs::there("A13, a broken login.config", &[]) {
        return;
    }
    let folder = Folder::new();
    let town = stage(&folder, "here - - /bin/echo still the old one\n");
    let login = folder.path("login.config");
    for (what, harm, wanted) in HARMS {
        configure(&folder, &town, "here - - /bin/echo still the old one\n");
        harm(&login);
        let config = folder.path("dialback.toml");
        let mut command = dialback();
        let output = command.args(["serve", "--config"]).arg(&config).stdin(Stdio::null()).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{what}: {said}");
        assert!(said.contains(wanted), "{what}: {said}");
        assert!(!folder.path("control.sock").exists(), "{what}: it has served");
    }

    configure(&folder, &town, "here - - /bin/echo still the old one\n");
    let mut server = Server::ready(&folder, 1);
    for (_, harm, _) in HARMS {
        configure(&folder, &town, "here - - /bin/echo still the old one\n");
        mode(&folder, ".", 0o755);
        harm(&login);
        server.signal("HUP");
        server.until("reload-refused");
    }
    // Nobody is sent to /bin/login for want of a file: the entries of before count, and no other.
    let mut terminal = Terminal::on(Path::new(town.port("alice")));
    terminal.say("ATZ\r");
    terminal.until("OK");
    terminal.say("ATDT5550100\r");
    terminal.until("ogin: ");
    terminal.say("root\r");
    let shown = terminal.until("ogin: ");
    assert!(!shown.contains("assword"), "{shown:?}");
    terminal.say("here\r");
    terminal.until("still the old one");
    server.stop();
}
