//! Our server in the guest too, where it can hand a line to pppd.

use std::path::Path;

use crate::machine::{Guest, PROGRAMS};
use crate::pppd;
use crate::rig::folder::Folder;
use crate::rig::programs;
use crate::stage::{self, OFFICE};

#[test]
fn our_server_hands_the_return_call_to_real_pppd() {
    if !programs::there("our_server_hands_the_return_call_to_real_pppd", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let town = stage::town(&folder);
    let alice = r#"
[[user]]
name = "alice"
callback = { numbers = ["5550199"], offer = "fixed", required = true }
"#;
    let login = "!version 2\n/AutoPPP/ N - - /usr/sbin/dialback-ppp\n\
                 /AutoPPP/ Y - a_ppp /usr/sbin/pppd auth name orion remotename @ 10.9.0.1:10.9.0.2 debug nodetach noccp\n\
                 * - - - /bin/login @\n";
    stage::write_files(&folder, ("/dev/ttyS1", "speed = 38400"), alice, login);
    let lines = ["office", "alice"].map(|station| Path::new(town.port(station)));
    let mut guest = Guest::boot(&folder, &lines);
    let root = folder.as_ref().display();
    let program = env!("CARGO_BIN_EXE_dialback");
    guest.run("secrets", &format!("cp {root}/chap-secrets {root}/pap-secrets /etc/ppp/"));
    guest.go("server", &format!("exec {program} serve --log json --config {root}/dialback.toml"));
    guest.until("server", "line-ready");
    // The caller has a network of his own: two ends of a link in one would speak past it.
    let request = pppd::dials("/dev/ttyS2", OFFICE, &format!("{} callback 1", pppd::ALICE));
    guest.go("request", &format!("unshare --net {request}"));
    guest.until("server", "\"promised\"");
    assert_eq!(guest.exits("request"), 14);
    let answer = pppd::answers("/dev/ttyS2", pppd::ALICE);
    guest.go("answer", &format!("unshare --net {answer}"));
    guest.until("server", "\"launched\"");
    println!("{}", guest.until("answer", "remote IP address"));
}
