//! What a service manager is told, and what it gives: its side is played here.

use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::modem::Modem;
use crate::server::{Server, configure, dialback};
use crate::{answered, come_up};

const PATIENCE: Duration = Duration::from_secs(20);

/// The manager's end.
struct Supervisor(UnixDatagram);

impl Supervisor {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    /// The next message in which this line stands, and none before it in which `never` does.
    fn until(&self, line: &str, never: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut told = Vec::new();
        while Instant::now() < deadline {
            let mut room = [0; 4096];
            let Ok(count) = self.0.recv(&mut room) else { break };
            let text = String::from_utf8_lossy(&room[..count]).into_owned();
            if text.lines().any(|told| told == line) {
                return text;
            }
            assert!(!text.lines().any(|told| told == never), "{never} before {line}: {text}");
            told.push(text);
        }
        panic!("waited in vain for {line}; told were {told:?}");
    }
}

#[test]
fn a_service_manager_hears_ready_alive_reloading_and_stopping_and_sees_a_good_end() {
    let folder = Folder::new();
    let supervisor = Supervisor::at(&folder.path("notify"));
    let mut modem = Modem::at(&folder.path("modem"));
    configure(&folder, &folder.path("modem").display().to_string(), "");
    let mut command = dialback();
    command.stdin(Stdio::null()).env("NOTIFY_SOCKET", folder.path("notify"));
    // It beats twice in this time, and a test that is slow kills nothing: nobody acts on it here.
    command.env("WATCHDOG_USEC", "200000");
    let mut server = Server::start_by(command, &folder);
    let ready = supervisor.until("READY=1", "WATCHDOG=1");
    assert!(ready.contains("STATUS=1 line: 1 being set up"), "{ready}");
    // Whoever is told that it is ready can ask it.
    assert_eq!(server.json(&["lines"]).len(), 1);
    come_up(&mut modem, &mut server);
    supervisor.until("STATUS=1 line: 1 waiting", "STOPPING=1");
    supervisor.until("WATCHDOG=1", "STOPPING=1");

    server.signal("HUP");
    supervisor.until("RELOADING=1", "STOPPING=1");
    let again = supervisor.until("READY=1", "STOPPING=1");
    assert!(again.contains("STATUS=1 line:"), "{again}");
    server.until("reloaded");
    // Also a configuration that is not taken: the old one is in force, and the service is as good as before.
    folder.write("dialback.toml", "nonsense");
    server.signal("HUP");
    supervisor.until("RELOADING=1", "STOPPING=1");
    supervisor.until("READY=1", "STOPPING=1");
    server.until("reload-refused");

    // In the middle of a call: that is no failure either.
    modem.result("RING");
    modem.until_command("ATA");
    modem.result("CONNECT 33600");
    modem.until_text("ogin: ");
    server.signal("TERM");
    let stopping = supervisor.until("STOPPING=1", "READY=1");
    assert!(stopping.contains("\nEXTEND_TIMEOUT_USEC="), "{stopping}");
    let ended = answered(&mut modem, || server.ended());
    assert_eq!(ended.code(), Some(0), "{ended}");
}

#[test]
fn a_control_socket_that_is_passed_is_served_and_left_alone() {
    let folder = Folder::new();
    configure(&folder, "/dev/ttyS99", "");
    let listener = UnixListener::bind(folder.path("control.sock")).unwrap();
    // Number 3, and the process's own number: what a service manager does between fork and exec.
    let pass = r#"exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@""#;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", pass, env!("CARGO_BIN_EXE_dialback")]);
    command.stdin(OwnedFd::from(listener.try_clone().unwrap()));
    let mut server = Server::start_by(command, &folder);
    server.until("server-started");
    assert_eq!(server.json(&["lines"]).len(), 1);
    server.signal("TERM");
    assert_eq!(server.ended().code(), Some(0));
    assert!(folder.path("control.sock").exists(), "it is the manager's");
    // Nobody has asked for a server that has stopped.
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "the end of the server looks like a client");
}
