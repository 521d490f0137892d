//! What the dashboard can still do when it is confined: a child of this test program applies its confinement to
//! itself, tries one thing, and says what came of it. How, is the launcher's tests' affair.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use sys::account::Account;
use sys::confine::Landlock;

use super::*;
use crate::launcher::tests::Outcome::{self, Fatal, Refused, Works};
use crate::launcher::tests::{FOLDER, TRY, attempt, say, tried};

/// What is tried, and what must come of it. `{}` is the folder, `{port}` one of 127.0.0.1 where somebody listens.
const ATTEMPTS: [(&str, &str, Outcome); 25] = [
    // Secrets, the configuration among them, whatever their modes are.
    ("read", "/etc/shadow", Refused),
    ("read", "/etc/passwd", Refused),
    ("read", "{}/etc/dialback.toml", Refused),
    ("read", "{}/etc/users.toml", Refused),
    ("read", "{}/etc/web.key", Refused),
    ("read", "{}/etc/web-tokens", Refused),
    ("list", "{}/etc", Refused),
    // The journal is read and not written.
    ("read", "{}/state/journal.db", Works),
    ("write", "{}/state/journal.db", Refused),
    ("write", "{}/state/new", Refused),
    ("write", "{}/run/new", Refused),
    ("write", "/tmp/dialback-web-probe", Refused),
    // Nothing is executed, nobody becomes anybody, nobody is looked into.
    ("execute", "/bin/true", Fatal),
    ("fork", "", Refused),
    ("setuid", "", Fatal),
    ("unshare", "", Fatal),
    ("ptrace", "", Fatal),
    ("mount", "", Fatal),
    ("device", "/dev/null", Refused),
    // Nobody is called, and no other port answered.
    ("connect", "127.0.0.1:{port}", Refused),
    ("socket", "", Refused),
    ("tcp-of-another-kind", "", Refused),
    // What it lives of.
    ("local", "{}/run/control.sock", Works),
    ("read", "/proc/self/status", Works),
    ("thread", "", Works),
];

/// The dashboard of a server whose places are in this folder.
fn setting(folder: &Path) -> Setting {
    Setting {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls: None,
        behind_proxy: false,
        hosts: Vec::new(),
        readers: Readers::Anybody,
        token_file: Some(folder.join("etc/web-tokens")),
        control: folder.join("run/control.sock"),
        state_dir: folder.join("state"),
        anchors: None,
        currency: String::new(),
        identity: None,
    }
}

#[test]
fn the_confined_dashboard_reads_the_journal_and_nothing_else_and_reaches_nobody_but_the_server() {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "needs root's rights");
        println!("skipped: confinement: needs root's rights");
        return;
    }
    let folder = std::env::temp_dir().join(format!("dialback-sealed-{}", std::process::id()));
    let mode = |name: &str, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.join(name), permissions).unwrap();
    };
    for name in ["", "etc", "state", "run"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
        mode(name, 0o755);
    }
    // Landlock alone keeps it away from these: its user could read them, and write the journal.
    let files = ["dialback.toml", "users.toml", "web.key", "web-tokens"];
    for name in
        files.map(|name| format!("etc/{name}")).into_iter().chain(["state/journal.db".into()])
    {
        std::fs::write(folder.join(&name), "secret\n").unwrap();
        mode(&name, 0o666);
    }
    mode("state", 0o777);
    mode("run", 0o777);
    let _server = UnixListener::bind(folder.join("run/control.sock")).unwrap();
    mode("run/control.sock", 0o666);
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = elsewhere.local_addr().unwrap().port().to_string();
    let mut wrong = Vec::new();
    for (what, on, wanted) in ATTEMPTS {
        let on = on.replace("{port}", &port).replace("{}", &folder.display().to_string());
        let got = attempt("web::tests::probe", what, &on, &folder);
        println!("{what:<20} {on:<60} {got:?}");
        if got != Ok(wanted) {
            wrong.push(format!("{what} {on}: {got:?} instead of {wanted:?}"));
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The child's part. In a usual run there is nothing to try.
#[test]
fn probe() {
    let (Ok(wish), Ok(folder)) = (std::env::var(TRY), std::env::var(FOLDER)) else { return };
    let (what, on) = wish.split_once(' ').unwrap();
    let account = Account::named("uucp").unwrap().unwrap();
    let identity = Identity { uid: account.uid, gid: account.gid, groups: Vec::new() };
    sys::confine::become_user(&identity).unwrap();
    let landlock = sys::confine::confine(&reach(&setting(Path::new(&folder)))).unwrap();
    assert_eq!(landlock, Landlock::Fully, "this kernel has less than is tested here");
    say("confined");
    match tried(what, on) {
        Ok(()) => say("it works"),
        Err(e) => {
            say(&format!("{e}"));
            say("refused");
        }
    }
}
