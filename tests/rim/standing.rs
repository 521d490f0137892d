//! Somebody who has subscribed to how things stand sees every state of a line through a callback.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::Value;

use super::{answered, ready};

/// The states of the line `main`, as they are told.
struct Subscriber {
    stream: BufReader<UnixStream>,
    states: Vec<String>,
}

impl Subscriber {
    fn at(control: &std::path::Path) -> Self {
        let mut stream = UnixStream::connect(control).unwrap();
        // No step of a test takes as long on the slowest machine.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(b"{\"dialback\":1,\"id\":1,\"ask\":\"standing\"}\n").unwrap();
        let mut subscriber = Self { stream: BufReader::new(stream), states: Vec::new() };
        assert_eq!(subscriber.hear()["answer"], "status");
        subscriber
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let lines = told.pointer("/status/lines").or(told.pointer("/changes/lines"));
        for line in lines.and_then(Value::as_array).into_iter().flatten() {
            let state = line["state"].as_str().unwrap();
            if self.states.last().is_none_or(|last| last != state) {
                self.states.push(state.to_owned());
            }
        }
        told
    }

    fn until(&mut self, state: &str) {
        while self.states.last().is_none_or(|last| last != state) {
            self.hear();
        }
    }
}

#[test]
fn a_subscriber_sees_every_state_of_a_callback_those_without_an_event_too() {
    let (folder, mut modem, mut server) = ready();
    let mut subscriber = Subscriber::at(&folder.path("control.sock"));
    modem.result("RING");
    modem.until_command("ATA");
    modem.result("CONNECT 33600");
    modem.until_text("ogin: ");
    modem.say("fixed\r");
    modem.until_hung_up();
    assert_eq!(modem.until_command("ATD"), "ATDT5550199");
    modem.result("CONNECT 33600");
    server.until("kept");
    modem.until_text("ogin: ");
    modem.say("hello\r");
    modem.until_hung_up();
    server.until("ended");
    answered(&mut modem, || {
        subscriber.until("dialling");
        subscriber.until("idle");
    });
    // Between the calls it may be idle or not: that is a matter of when the callback is due.
    let wanted = [
        "idle",
        "ringing",
        "answering",
        "online",
        "hanging-up",
        "initialising",
        "claiming",
        "dialling",
        "online",
        "hanging-up",
        "initialising",
        "idle",
    ];
    let mut seen = subscriber.states.iter();
    let all = wanted.iter().all(|state| seen.any(|other| other == state));
    assert!(all, "{wanted:?} in {:?}", subscriber.states);
}
