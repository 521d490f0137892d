//! `dialback relay` beside a real server: who gets what, over restarts of either; and a real rsyslog as the other end.
//!
//! Nothing here waits for a time: a socket, a pipe or a line of the relay's log brings what a test waits for.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test program: a panic is its way to fail"
)]
#![expect(dead_code, reason = "the server is that of the rim's tests, which use more of it")]

#[path = "../rim/folder.rs"]
mod folder;
#[path = "../rim/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use folder::Folder;
use serde_json::Value;
use server::{Server, configure, dialback, stderr, stdout};

/// No step of a test takes as long on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A relay, with what it says.
struct Relay {
    process: Child,
    said: Receiver<String>,
}

impl Relay {
    fn start(folder: &Folder) -> Self {
        let mut process = dialback()
            .args(["relay", "--config"])
            .arg(folder.path("relay.toml"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let said = lines_of(stderr);
        Self { process, said }
    }

    /// Waits for a line with this in it, and gives it back.
    fn until(&self, wanted: &str) -> String {
        let mut all = Vec::new();
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(wanted) => return line,
                Ok(line) => all.push(line),
                Err(e) => {
                    panic!("waited in vain for {wanted:?} ({e}); it said:\n{}", all.join("\n"))
                }
            }
        }
    }

    /// Waits until all of these follow the journal.
    fn until_begun(&self, mut followers: BTreeSet<&str>) {
        while !followers.is_empty() {
            let line = self.until(": begins behind entry ");
            followers.retain(|name| !line.contains(&format!("{name}: begins")));
        }
    }

    /// `kill -9`, and waits until it is gone.
    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn lines_of(from: impl BufRead + Send + 'static) -> Receiver<String> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for line in from.lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    told
}

/// A syslog host: the messages of all connections, framed as RFC 6587 has it.
fn syslog_host() -> (u16, Receiver<String>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in socket.incoming().map_while(Result::ok) {
            let mut from = BufReader::new(stream);
            let mut length = Vec::new();
            while from.read_until(b' ', &mut length).unwrap_or(0) > 0 {
                let octets: usize = String::from_utf8_lossy(&length).trim_end().parse().unwrap();
                let mut message = vec![0; octets];
                if from.read_exact(&mut message).is_err() {
                    break;
                }
                if tell.send(String::from_utf8(message).unwrap()).is_err() {
                    return;
                }
                length.clear();
            }
        }
    });
    (port, told)
}

/// The number behind `sequenceId`: the entry's place.
fn sequence(message: &str) -> u64 {
    let rest = message.split("sequenceId=\"").nth(1).unwrap_or_else(|| panic!("{message}"));
    rest.split('"').next().unwrap().parse().unwrap()
}

/// Takes messages until one has this in it; the places of all of them.
fn until_message(host: &Receiver<String>, wanted: &str) -> Vec<u64> {
    let mut places = Vec::new();
    loop {
        let message = host.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{wanted}: {e}"));
        assert!(
            message.starts_with('<')
                && message.contains(">1 20")
                && message.contains(" dialback - "),
            "{message}"
        );
        places.push(sequence(&message));
        if message.contains(wanted) {
            return places;
        }
    }
}

/// A web server that answers 204 to everything and gives back bodies.
fn web_host() -> (String, Receiver<Value>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/events", socket.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for mut stream in socket.incoming().map_while(Result::ok) {
            let mut from = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while from.read_line(&mut line).unwrap_or(0) > 2 {
                let lower = line.to_ascii_lowercase();
                if let Some(value) = lower.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            from.read_exact(&mut body).unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
            if tell.send(serde_json::from_slice(&body).unwrap()).is_err() {
                return;
            }
        }
    });
    (url, told)
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn configure_relay(folder: &Folder, more: &str) {
    let root: &Path = folder.as_ref();
    let text = format!(
        "[relay]\ncontrol = \"{0}/control.sock\"\njournal_dir = \"{0}/state\"\nstate_dir = \"{0}/relay\"\n{more}",
        root.display()
    );
    folder.write("relay.toml", &text);
}

fn order(server: &Server, words: &[&str]) {
    let output = server.ask(words);
    assert!(output.status.success(), "{words:?}: {}", stderr(&output));
}

#[test]
fn nothing_is_lost_and_nothing_is_counted_twice_whoever_is_killed() {
    let folder = Folder::new();
    configure(&folder, "tcp://127.0.0.1:9", "");
    let (port, host) = syslog_host();
    let (url, hooked) = web_host();
    configure_relay(
        &folder,
        &format!(
            "[metrics]\nlisten = \"127.0.0.1:0\"\n[[syslog]]\nname = \"a\"\nto = \"tcp://127.0.0.1:{port}\"\n\
             [[hook]]\nname = \"web\"\nevents = [\"operated\"]\nurl = \"{url}\"\n"
        ),
    );
    let mut server = Server::start(&folder);
    server.until("line-faulted");
    let relay = Relay::start(&folder);
    relay.until_begun(BTreeSet::from(["metrics", "syslog:a", "deliveries"]));
    order(&server, &["busy-out", "main"]);
    let mut places = until_message(&host, " operated ");
    let first = hooked.recv_timeout(PATIENCE).unwrap();
    assert_eq!(
        (&first["entry"]["event"], &first["severity"]),
        (&"operated".into(), &"notice".into())
    );

    // What happens while there is no relay is told by the next one.
    relay.kill();
    order(&server, &["restore", "main"]);
    order(&server, &["busy-out", "main"]);
    let relay = Relay::start(&folder);
    let metrics = relay.until("metrics and health are served on http://");
    places.extend(until_message(&host, "restore"));
    places.extend(until_message(&host, "busy-out"));
    // Killed between an answer and writing it down, a delivery is made again, under its own name.
    let mut ids = BTreeSet::from([first["delivery"].to_string()]);
    while ids.len() < 3 {
        ids.insert(hooked.recv_timeout(PATIENCE).unwrap()["delivery"].to_string());
    }

    // A server that is killed is another server, with the same journal.
    server.kill();
    let mut server = Server::start(&folder);
    server.until("server-started");
    places.extend(until_message(&host, " server-started "));
    let (least, most) = (places.iter().min().unwrap(), places.iter().max().unwrap());
    let told: BTreeSet<u64> = places.iter().copied().collect();
    let all: BTreeSet<u64> = (*least..=*most).collect();
    assert_eq!(told, all, "entries are missing");

    let address = metrics.split("http://").nth(1).unwrap().trim_end_matches('/');
    assert!(get(address, "/health/live").contains("200 OK"));
    let ready = get(address, "/health/ready");
    assert!(ready.contains("503") && ready.contains("no line is in service"), "{ready}");
    let page = get(address, "/metrics");
    let orders = || page.lines().find(|line| line.starts_with("dialback_operator_orders_total"));
    assert_eq!(orders(), Some("dialback_operator_orders_total 3"), "{page}");
    assert!(page.contains("\ndialback_up 1"), "{page}");
    assert!(
        page.contains("\ndialback_deliveries_total{to=\"hook:web\",outcome=\"arrived\"} "),
        "{page}"
    );
}

#[test]
fn a_delivery_that_is_given_up_is_kept_and_told_and_can_be_tried_again() {
    let folder = Folder::new();
    configure(&folder, "tcp://127.0.0.1:9", "");
    let root: &Path = folder.as_ref();
    let fifo = root.join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    // Fails until there is a file `mended`.
    let script =
        format!("test -e {0}/mended || exit 9; echo \"$DIALBACK_TEXT\" >{0}/pipe", root.display());
    configure_relay(
        &folder,
        &format!(
            "[[hook]]\nname = \"page\"\nevents = [\"operated\"]\ncommand = [\"/bin/sh\", \"-c\", '{script}']\n\
             tries = 2\nretry = \"10ms\"\n"
        ),
    );
    let server = Server::start(&folder);
    let relay = Relay::start(&folder);
    relay.until_begun(BTreeSet::from(["deliveries"]));
    order(&server, &["busy-out", "main"]);
    relay.until("is a dead letter: /bin/sh: exit status: 9");
    let config = folder.path("relay.toml").display().to_string();
    let dead = server::run(&["relay", "dead", "--json", "--config", &config]);
    let dead: Value = serde_json::from_slice(&dead.stdout).unwrap();
    assert_eq!((&dead["receiver"], &dead["tries"]), (&"hook:page".into(), &2.into()), "{dead}");
    // A letter to a hook that is gone would wait for ever if it were queued.
    let hook = std::fs::read_to_string(&config).unwrap();
    configure_relay(&folder, "");
    for words in [&["relay", "retry"][..], &["relay", "retry", "1"]] {
        let refused = server::run(&[words, &["--config", &config]].concat());
        assert_eq!((refused.status.code(), stdout(&refused).as_str()), (Some(1), ""), "{words:?}");
        let said = stderr(&refused);
        assert!(
            said.contains("1 to hook:page: it is not in") && said.contains("relay.toml"),
            "{said}"
        );
    }
    let still = server::run(&["relay", "dead", "--config", &config]);
    assert!(stdout(&still).contains("hook:page"), "{}", stdout(&still));
    folder.write("relay.toml", &hook);
    folder.write("mended", "");
    let again = server::run(&["relay", "retry", "--config", &config]);
    assert_eq!(stdout(&again), "1 will be tried again.\n", "{}", stderr(&again));
    // Opening it waits for the hook.
    let text = std::fs::read_to_string(&fifo).unwrap();
    assert!(text.contains("ordered: busy-out main") || text.contains("ordered:"), "{text}");
    let empty = server::run(&["relay", "dead", "--config", &config]);
    assert_eq!(stdout(&empty), "Everything has arrived.\n");
}

#[test]
fn a_faulty_configuration_is_told_and_not_relayed() {
    let folder = Folder::new();
    configure_relay(&folder, "[[hook]]\nname = \"x\"\n");
    let config = folder.path("relay.toml").display().to_string();
    for arguments in
        [&["relay", "--config", &config][..], &["relay", "--check", "--config", &config]]
    {
        let output = server::run(arguments);
        assert_eq!(output.status.code(), Some(78));
        assert!(stderr(&output).contains("both or none of command and url"), "{}", stderr(&output));
    }
    configure_relay(&folder, "");
    let output = server::run(&["relay", "--check", "--config", &config]);
    assert!(
        output.status.success() && stdout(&output).ends_with(": no faults\n"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn the_example_has_no_faults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/relay.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let folder = Folder::new();
    // What is commented out is right as well.
    for text in [
        text.clone(),
        text.replace("\n#[", "\n[")
            .replace("\n#name", "\nname")
            .replace("\n#to", "\nto")
            .replace("\n#severity", "\nseverity")
            .replace("\n#events", "\nevents")
            .replace("\n#command", "\ncommand")
            .replace("\n#from", "\nfrom"),
    ] {
        folder.write("relay.toml", &text);
        let config = folder.path("relay.toml").display().to_string();
        let output = server::run(&["relay", "--check", "--config", &config]);
        assert!(output.status.success(), "{}\n{text}", stderr(&output));
    }
}

/// rsyslog on a TCP port, writing what it has understood into a pipe; killed when dropped.
struct Rsyslog(Child);

impl Drop for Rsyslog {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn rsyslog_understands_every_message() {
    let program = "/usr/sbin/rsyslogd";
    if !Path::new(program).exists() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{program} is missing");
        eprintln!("not run: {program} is missing (Debian package rsyslog)");
        return;
    }
    let folder = Folder::new();
    configure(&folder, "tcp://127.0.0.1:9", "");
    let root: &Path = folder.as_ref();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let fifo = root.join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    folder.write(
        "rsyslog.conf",
        &format!(
            "global(workDirectory=\"{0}\")\nmodule(load=\"imtcp\")\n\
             template(name=\"t\" type=\"string\" string=\"%syslogfacility-text%|%syslogseverity-text%|%app-name%|\
             %msgid%|%structured-data%|%msg%\\n\")\n\
             input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\" ruleset=\"r\")\n\
             ruleset(name=\"r\") {{ action(type=\"ompipe\" pipe=\"{0}/pipe\" template=\"t\") }}\n",
            root.display()
        ),
    );
    // Both ends: rsyslog does not wait for a reader, and reading does not end with a writer.
    let pipe = std::fs::File::options().read(true).write(true).open(&fifo).unwrap();
    let understood = lines_of(BufReader::new(pipe));
    let _rsyslog = Rsyslog(
        Command::new(program)
            .args(["-n", "-f"])
            .arg(root.join("rsyslog.conf"))
            .arg("-i")
            .arg(root.join("rsyslog.pid"))
            .spawn()
            .unwrap(),
    );
    configure_relay(
        &folder,
        &format!(
            "[[syslog]]\nname = \"r\"\nto = \"tcp://127.0.0.1:{port}\"\nfacility = \"local3\"\n"
        ),
    );
    let server = Server::start(&folder);
    let relay = Relay::start(&folder);
    relay.until_begun(BTreeSet::from(["syslog:r"]));
    // The relay tries until rsyslog is there.
    order(&server, &["busy-out", "main"]);
    loop {
        let line = understood.recv_timeout(PATIENCE).unwrap();
        if line.contains("|operated|") {
            assert!(
                line.starts_with("local3|notice|dialback|operated|[meta sequenceId=\""),
                "{line}"
            );
            assert!(
                line.contains("][dialback@32473] | root (uid 0) ordered: ")
                    || line.contains("ordered: "),
                "{line}"
            );
            break;
        }
    }
}

/// A host that hangs up on everybody; one message for each connection.
fn deaf_host() -> (u16, Receiver<String>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in socket.incoming().map_while(Result::ok) {
            drop(stream);
            if tell.send(String::new()).is_err() {
                return;
            }
        }
    });
    (port, told)
}

/// Its first relay begins to follow before or after there is a server.
fn check_away(relay_is_first: bool) {
    let folder = Folder::new();
    configure(&folder, "tcp://127.0.0.1:9", "");
    let (port, tried) = deaf_host();
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/src/relay/syslog/testing/ca.pem");
    configure_relay(
        &folder,
        &format!("[[syslog]]\nname = \"a\"\nto = \"tls://localhost:{port}\"\nca_file = \"{ca}\"\n"),
    );
    let (relay, server) = if relay_is_first {
        let relay = Relay::start(&folder);
        relay.until("syslog:a: ");
        (relay, Server::start(&folder))
    } else {
        let server = Server::start(&folder);
        (Relay::start(&folder), server)
    };
    relay.until_begun(BTreeSet::from(["syslog:a"]));
    order(&server, &["busy-out", "main"]);
    let said = relay.until("syslog:a: ");
    assert!(said.contains("tried again until it works"), "{said}");
    for _ in 0..4 {
        tried.recv_timeout(PATIENCE).unwrap();
    }
    let more: Vec<String> =
        relay.said.try_iter().filter(|line| line.contains("syslog:a")).collect();
    assert!(more.is_empty(), "{}", more.join("\n"));
}

#[test]
fn a_host_that_is_away_for_long_is_told_once() {
    check_away(false);
}

#[test]
fn a_host_that_is_away_is_told_though_the_server_was_away_before() {
    check_away(true);
}
