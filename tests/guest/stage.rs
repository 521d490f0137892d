//! Where every story plays: a town with the office's modem and alice's, our server's files, the guest.

use std::path::{Path, PathBuf};

use crate::machine::Guest;
use crate::rig::folder::Folder;
use crate::rig::server::{Server, configure};
use crate::rig::town::Town;

/// How many times faster than telephones the town is: 33600 bit/s become 160 kB/s. Faster ones lose their patience: an
/// unanswered call is given up after 3 minutes, which are then 3.6 s.
pub(crate) const SCALE: u32 = 50;

/// The office's modem, with as much patience as it can have.
const MODEM: &str = r#"modem = { init = ["ATZ", "ATE0Q0V1&C1&D2S0=0S7=255"], dial_prefix = "ATDT", guard = "100ms" }"#;

/// The office's number.
pub(crate) const OFFICE: &str = "5550100";
/// Alice's number.
pub(crate) const ALICE: &str = "5550199";

/// What `[ppp]` says, and what follows it.
pub(crate) const PPP: &str = r#"
local = "10.9.0.1"
pool = ["10.9.0.2"]
"#;

/// Entries of login.config: PPP is the built-in one's.
pub(crate) const LOGIN: &str = "/AutoPPP/ - - /usr/sbin/dialback-ppp\n* - - /bin/login @\n";

/// A town of two modems.
pub(crate) fn town(folder: &Folder) -> Town {
    Town::with(folder, SCALE, &[("office", OFFICE, "pty"), ("alice", ALICE, "pty")])
}

/// Writes alice's secrets for the server `orion`, in pppd's files; where the one for CHAP is.
pub(crate) fn write_secrets(folder: &Folder) -> PathBuf {
    folder.write("pap-secrets", "alice orion \"secret word\" *\n");
    folder.write("chap-secrets", "alice orion \"secret word\" *\n")
}

/// Writes the server's files; `port` is where it finds the office's modem.
pub(crate) fn write_files(folder: &Folder, port: &str, ppp: &str, login: &str) {
    let secrets = write_secrets(folder);
    let secrets = secrets.display();
    let rest = format!(
        "line = \"same\"\ncaller_numbers = {{ allow = [\"555*\"] }}\n[ppp]\nsecrets = \"{secrets}\"\n{ppp}"
    );
    configure(folder, &[("office", port, MODEM)], &rest, login);
}

/// Our server on this machine, in a network of its own; alice's modem on the guest's `/dev/ttyS1`.
pub(crate) fn with_server_outside(folder: &Folder, more: &str) -> (Town, Server, Guest) {
    let town = town(folder);
    write_files(folder, town.port("office"), &format!("{PPP}{more}"), LOGIN);
    let server = Server::apart(folder, 1);
    let guest = Guest::boot(folder, &[Path::new(town.port("alice"))]);
    (town, server, guest)
}
