//! Our server in the guest, where it can hand a line to pppd. The exchange is there as well: a serial line of the guest's
//! forgets to say that more has come when its reader falls behind (README.md), as our server's pump may.

use crate::crossing;
use crate::machine::{Guest, PROGRAMS};
use crate::pppd;
use crate::rig::folder::Folder;
use crate::rig::programs;
use crate::rig::town::Town;
use crate::stage::{self, OFFICE};

/// Where the caller is: he has a network of his own, as two ends of a link in one would speak past it.
const HIS: &str = "ip netns exec alice";

/// login.config's entry for return calls is pppd, which proves the caller's name itself.
#[test]
fn our_server_hands_the_return_call_to_real_pppd() {
    let login = "!version 2\n/AutoPPP/ N - - /usr/sbin/dialback-ppp\n\
                 /AutoPPP/ Y - a_ppp /usr/sbin/pppd auth name orion remotename @ 10.9.0.1:10.9.0.2 noccp\n\
                 * - - - /bin/login @\n";
    return_call("our_server_hands_the_return_call_to_real_pppd", "", login, Carrier::Pppd, 256);
}

/// Our engine proves the name on the return call too, then pppd carries the packets.
#[test]
fn our_server_hands_the_packets_to_real_pppd() {
    let ppp = format!("{}backend = \"pppd\"\n", stage::PPP);
    let test = "our_server_hands_the_packets_to_real_pppd";
    return_call(test, &ppp, stage::LOGIN, Carrier::Pppd, 256);
}

/// Who carries the packets at the server's end of the return call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Pppd,
    /// The built-in engine, over a TUN device. Only the benchmark lets it.
    Ours,
}

/// pppd calls, is called back, and sends so many KiB there and back; what that took, if the guest can be made.
pub(crate) fn return_call(
    test: &str,
    ppp: &str,
    login: &str,
    carrier: Carrier,
    kib: u32,
) -> Option<crossing::Taken> {
    if !programs::there(test, PROGRAMS) {
        return None;
    }
    let folder = Folder::new();
    Town::describe(
        &folder,
        stage::SCALE,
        &[("office", OFFICE, "rfc2217:7001"), ("alice", stage::ALICE, "pty")],
    );
    stage::write_files(&folder, "rfc2217://127.0.0.1:7001", &format!("{ppp}{CALLED_BACK}"), login);
    let mut guest = Guest::boot(&folder, &[]);
    let root = folder.as_ref().display().to_string();
    let program = env!("CARGO_BIN_EXE_dialback");
    guest.run("files", &format!("cp {root}/*-secrets /etc/ppp/; ip netns add alice"));
    guest.go("town", &format!("exec {program} exchange --json --config {root}/town.toml"));
    guest.until("town", "\"alice\"");
    guest.go("server", &format!("exec {program} serve --log json --config {root}/dialback.toml"));
    guest.until("server", "\"line-ready\"");

    let line = format!("$(readlink -f {root}/alice)");
    let request = pppd::dials(&line, OFFICE, &format!("{} callback 1", pppd::ALICE));
    guest.go("request", &format!("{HIS} {request}"));
    guest.until("server", "\"promised\"");
    assert_eq!(guest.exits("request"), pppd::CALLED_BACK);
    guest.go("answer", &format!("{HIS} {}", pppd::answers(&line, pppd::ALICE)));
    if carrier == Carrier::Pppd {
        let launched = guest.until("server", "\"launched\"");
        println!("{launched}");
        assert!(launched.contains("/usr/sbin/pppd"), "{launched}");
    } else {
        println!("{}", guest.until("server", "\"network-up\""));
    }
    let got = guest.until("answer", "local  IP address");
    println!("answer: {got}");
    assert!(got.ends_with(" 10.9.0.2"), "{got}");
    crossing::ping(&mut guest, HIS, "10.9.0.1");
    crossing::echo_inside(&mut guest);
    let taken = crossing::transfer(&mut guest, HIS, "10.9.0.1", kib);
    guest.run("kill", pppd::END);
    assert_eq!(guest.exits("answer"), pppd::BY_A_SIGNAL);
    let ended = guest.until("server", "\"leg\":\"return\"");
    println!("{ended}");
    Some(taken)
}

/// The caller is called back at the number that is written here.
const CALLED_BACK: &str = r#"
[[user]]
name = "alice"
callback = { numbers = ["5550199"], offer = "fixed", required = true }
"#;
