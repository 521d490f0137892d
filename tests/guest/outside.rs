//! pppd in the guest calls our server, and is called back by it.

use crate::machine::PROGRAMS;
use crate::pppd::{self, METHODS};
use crate::rig::folder::Folder;
use crate::rig::programs;
use crate::stage::{self, OFFICE};

#[test]
fn real_pppd_proves_its_name_by_each_method() {
    if !programs::there("real_pppd_proves_its_name_by_each_method", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let (_town, mut server, mut guest) = stage::with_server_outside(&folder, "");
    for (name, refused, method) in METHODS {
        let options = format!("{} {refused}", pppd::ALICE);
        guest.go(name, &pppd::dials("/dev/ttyS1", OFFICE, &options));
        let proved = server.until("proved");
        assert_eq!((&proved["name"], &proved["method"]), (&"alice".into(), &method.into()));
        let status = guest.exits(name);
        println!("{name}: proved as {method}; pppd exit {status}");
        server.until("line-ready");
    }
}

#[test]
fn real_pppd_is_called_back_by_cbcp() {
    if !programs::there("real_pppd_is_called_back_by_cbcp", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let alice = r#"
[[user]]
name = "alice"
callback = { numbers = ["5550199"], offer = "caller", required = true }
"#;
    let (mut town, mut server, mut guest) = stage::with_server_outside(&folder, alice);
    let request = format!("{} callback 5550199", pppd::ALICE);
    guest.go("request", &pppd::dials("/dev/ttyS1", OFFICE, &request));
    let promised = server.until("promised");
    assert_eq!(promised["numbers"], serde_json::json!(["5550199"]));
    // 14: the peer will call back.
    assert_eq!(guest.exits("request"), 14);
    guest.go("answer", &pppd::answers("/dev/ttyS1", pppd::ALICE));
    let dialled = server.until("dialled");
    assert_eq!(dialled["number"], "5550199");
    assert_eq!(server.until("kept")["promise"], promised["promise"]);
    assert_eq!(server.until("proved")["name"], "alice");
    println!("{:?}", town.dialled());
}
