//! `calls --watch` and `sessions --watch`: what happens wakes them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use super::server::{PATIENCE, dialback};
use super::{answered, ready};

/// The program with `--watch`, and the lines that it writes; killed when dropped.
struct Watcher {
    process: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Watcher {
    fn start(control: &std::path::Path, args: &[&str]) -> Self {
        let mut process = dialback()
            .args(args)
            .args(["--watch", "--control"])
            .arg(control)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self { process, lines, seen: Vec::new() }
    }

    /// Waits for a line that fits.
    fn until(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("waited in vain for {what}; it wrote:\n{}", self.seen.join("\n"));
            };
            self.seen.push(line.clone());
            if fits(&line) {
                return line;
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn calls_and_sessions_that_are_watched_are_shown_again_when_something_happens() {
    let (folder, mut modem, mut server) = ready();
    let control = folder.path("control.sock");
    let mut calls = Watcher::start(&control, &["calls"]);
    let mut sessions = Watcher::start(&control, &["sessions"]);
    // Its picture of nothing: from then on only what happens can wake it.
    calls.until("the heading", |line| line.starts_with("CALL"));
    sessions.until("the heading", |line| line.starts_with("SESSION"));

    modem.result("RING");
    modem.until_command("ATA");
    modem.result("CONNECT 33600");
    modem.until_text("ogin: ");
    modem.say("fixed\r");
    modem.until_hung_up();
    assert_eq!(modem.until_command("ATD"), "ATDT5550199");
    let first = calls.until("the call that came in", |line| line.starts_with("c1 "));
    assert!(first.contains("main") && first.contains(" in ") && first.contains("33600"), "{first}");
    modem.result("CONNECT 33600");
    server.until("kept");
    let during = sessions.until("the session while the return call is on", |line| {
        line.starts_with("s1 ") && line.contains("5550199")
    });
    assert!(during.trim_end().ends_with('-'), "it is not over: {during}");
    modem.until_text("ogin: ");
    modem.say("hello\r");
    modem.until_hung_up();
    answered(&mut modem, || {
        let back = calls.until("the return call", |line| line.starts_with("c2 "));
        assert!(back.contains(" back ") && back.contains("5550199"), "{back}");
        sessions.until("the session's end", |line| {
            line.starts_with("s1 ") && line.contains("5550199") && !line.trim_end().ends_with('-')
        });
    });
}
