//! The two sides of the control socket against each other.

use std::path::PathBuf;
use std::sync::Arc;

use calls::vocabulary::{CallId, Command, Entry, Event, Reply, Seq, SessionId, Wall};
use tokio::sync::{broadcast, mpsc};

use super::standing::News;
use super::*;
use crate::exit::Code;
use crate::store::{Reader, Store, Writer};

fn socket(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("dialback-control-{name}-{}.sock", std::process::id()))
}

struct Stage {
    questions: mpsc::Receiver<Question>,
    events: broadcast::Sender<Arc<Entry>>,
    backstage: Backstage,
}

fn stage(name: &str) -> Stage {
    let (ask, questions) = mpsc::channel(4);
    let (events, _) = broadcast::channel(4);
    // A store that is finished at once: there is nothing to read, and nothing to wait for.
    let dir = std::env::temp_dir().join(format!("dialback-control-{name}-{}", std::process::id()));
    let store = Store::open(&dir).unwrap();
    let journal = Reader::new(store.path());
    let writer = Writer::start(store, |_| {}).unwrap();
    let settler = writer.settler();
    writer.finish();
    std::fs::remove_dir_all(&dir).unwrap();
    let rights = Arc::new(Rights::Unprivileged { uid: 0 });
    let backstage = Backstage { questions: ask, events: events.clone(), journal, settler, rights };
    Stage { questions, events, backstage }
}

#[tokio::test]
async fn a_command_is_signed_with_the_name_that_the_kernel_knows_beside_the_clients_own_word() {
    let path = socket("signed");
    let mut stage = stage("signed");
    let server = tokio::spawn(Listener::bind(&path).unwrap().serve(stage.backstage.clone()));
    let asked = tokio::task::spawn_blocking({
        let path = path.clone();
        move || {
            let command = Command::HangUp { who: "the pope".to_owned(), line: "main".to_owned() };
            Client::connect(&path).unwrap().command(command).unwrap()
        }
    });
    let question = stage.questions.recv().await.unwrap();
    let Question::Command(Command::HangUp { who, line }, tell) = question else {
        panic!("{question:?}")
    };
    assert!(who.starts_with("the pope by way of ") && who.contains("uid"), "{who}");
    assert_eq!(line, "main");
    tell.send(Reply::Done).unwrap();
    assert_eq!(asked.await.unwrap(), Reply::Done);
    server.abort();
    drop(server.await);
    assert!(!path.exists(), "the socket goes with its server");
}

#[tokio::test]
async fn events_are_told_as_they_happen() {
    let path = socket("events");
    let stage = stage("events");
    let server = tokio::spawn(Listener::bind(&path).unwrap().serve(stage.backstage.clone()));
    let (tell, told) = std::sync::mpsc::channel();
    let listening = tokio::task::spawn_blocking({
        let path = path.clone();
        move || {
            let mut events = Client::connect(&path).unwrap().listen(None).unwrap();
            tell.send(()).unwrap();
            events.next().unwrap().unwrap()
        }
    });
    tokio::task::spawn_blocking(move || told.recv().unwrap()).await.unwrap();
    let entry = Entry { seq: Seq(3), at: Wall::default(), event: Event::ServerStopped };
    stage.events.send(Arc::new(entry.clone())).unwrap();
    assert_eq!(listening.await.unwrap(), entry);
    server.abort();
}

/// From now on, which of them.
fn from_now(which: WhichEvents) -> Ask {
    Ask::Events { after: None, since_ms: None, last: None, until_now: false, which }
}

#[tokio::test]
async fn a_call_that_has_begun_before_is_on_its_line_for_who_asks_for_that_line_later() {
    let path = socket("place");
    let mut stage = stage("place");
    let server = tokio::spawn(Listener::bind(&path).unwrap().serve(stage.backstage.clone()));
    let listening = tokio::task::spawn_blocking({
        let path = path.clone();
        move || {
            let which = WhichEvents { line: Some("main".to_owned()), ..WhichEvents::default() };
            let mut events = Client::connect(&path).unwrap().events(from_now(which)).unwrap();
            events.next().unwrap().unwrap()
        }
    });
    let question = stage.questions.recv().await.unwrap();
    let Question::Status(tell) = question else { panic!("{question:?}") };
    let line = |call, line: &str| {
        let number = call + 10;
        let text = serde_json::json!({
            "id": number, "line": line, "number": null, "state": "online", "for_ms": 1, "detail": null,
            "carrier": true, "call": call,
        });
        serde_json::from_value(text).unwrap()
    };
    let lines = vec![line(1, "other"), line(2, "main")];
    tell.send(Box::new(Status { lines, ..Status::default() })).unwrap();
    let named = |seq, call| Entry {
        seq: Seq(seq),
        at: Wall::default(),
        event: Event::Named {
            call: CallId(call),
            session: SessionId(call),
            name: "bob".to_owned(),
        },
    };
    for entry in [named(1, 1), named(2, 2)] {
        stage.events.send(Arc::new(entry)).unwrap();
    }
    assert_eq!(listening.await.unwrap(), named(2, 2));
    server.abort();
}

#[tokio::test]
async fn a_client_that_has_gone_gives_its_seat_back_though_nothing_that_it_wants_happens() {
    let path = socket("gone");
    let stage = stage("gone");
    drop(stage.questions);
    let server = tokio::spawn(Listener::bind(&path).unwrap().serve(stage.backstage.clone()));
    let asked = tokio::task::spawn_blocking({
        let path = path.clone();
        move || {
            let which = WhichEvents { user: Some("nobody".to_owned()), ..WhichEvents::default() };
            drop(Client::connect(&path).unwrap().events(from_now(which)).unwrap());
        }
    });
    asked.await.unwrap();
    let entry = Entry { seq: Seq(3), at: Wall::default(), event: Event::ServerStopped };
    let gone = async {
        while stage.events.receiver_count() > 0 {
            let _nobody = stage.events.send(Arc::new(entry.clone()));
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), gone).await.unwrap();
    server.abort();
}

/// Says `lines` to a server as they stand, and gives back what it answers before it hangs up.
async fn said(name: &str, lines: Vec<u8>) -> String {
    use std::io::{Read, Write};
    let path = socket(name);
    let server = tokio::spawn(Listener::bind(&path).unwrap().serve(stage(name).backstage));
    let answers = tokio::task::spawn_blocking(move || {
        let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
        // The server may have hung up by then.
        drop(stream.write_all(&lines));
        drop(stream.shutdown(std::net::Shutdown::Write));
        let mut answers = String::new();
        stream.read_to_string(&mut answers).unwrap_or_default();
        answers
    })
    .await
    .unwrap();
    server.abort();
    answers
}

#[tokio::test]
async fn what_is_no_request_is_told_so() {
    for (name, line, wanted) in [
        ("junk", &b"hello\n"[..], "not a request"),
        ("unknown", b"{\"dialback\":1,\"id\":4,\"ask\":\"dance\"}\n", "not a request"),
        ("version", b"{\"dialback\":2,\"id\":4,\"ask\":\"status\"}\n", "version 1"),
    ] {
        let answer = said(name, line.to_vec()).await;
        assert!(answer.contains("bad-request") && answer.contains(wanted), "{name}: {answer}");
    }
    assert_eq!(said("half", b"{\"dialback\":1".to_vec()).await, "");
}

#[tokio::test]
async fn a_request_without_an_end_is_cut_off() {
    let answer = said("long", vec![b'x'; REQUEST_LIMIT * 2]).await;
    // The answer may be lost with the connection, since we had not read everything; nothing else may come.
    assert!(answer.is_empty() || answer.contains("at most"), "{answer}");
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_live_one_is_refused() {
    let path = socket("stale");
    // Left over: bound, and nobody listens any more.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let live = Listener::bind(&path).unwrap();
    let refused = Listener::bind(&path).unwrap_err();
    assert_eq!(refused.code(), Code::TryLater);
    let wanted = format!("already running, pid {}", std::process::id());
    assert!(refused.to_string().contains(&wanted), "{refused}");
    drop(live);
    std::fs::write(&path, "a file").unwrap();
    assert_eq!(Listener::bind(&path).unwrap_err().code(), Code::Configuration);
    std::fs::remove_file(&path).unwrap();
}

/// A server whose line has no port yet, and what its rim tells subscribers.
struct Loop {
    server: calls::server::Server,
    clock: crate::clock::Clock,
    pushed: Pushed,
}

fn config() -> calls::config::Config {
    use calls::config::load::{FileText, Surroundings, load};
    let toml = "[server]\nlogin_config = \"login.config\"\nissue = \"\"\n\
                [[line]]\nname = \"main\"\nport = \"/dev/ttyS0\"\n";
    let file = |text: &str| FileText { text: text.as_bytes().to_vec(), uid: 0, mode: 0o600 };
    let files = std::collections::BTreeMap::from([
        (PathBuf::from("dialback.toml"), file(toml)),
        (PathBuf::from("login.config"), file("* - - /bin/login @\n")),
    ]);
    let system = calls::config::System::default();
    let around = Surroundings { host: "orion".to_owned(), system, uid: 0 };
    load(std::path::Path::new("dialback.toml"), &around, &files).unwrap().config
}

impl Loop {
    fn new() -> Self {
        let clock = crate::clock::Clock::start(1);
        let config = config();
        let restored = calls::recovery::Restored::default();
        let server = calls::server::Server::new(config, [7; 32], restored, clock.now());
        Self { server, clock, pushed: Pushed::new() }
    }

    /// A subscriber has asked.
    async fn subscribed(&mut self, questions: &mut mpsc::Receiver<Question>) {
        let question = questions.recv().await.unwrap();
        let Question::Standing(tell) = question else { panic!("{question:?}") };
        tell.send(self.pushed.subscribe(&self.server, &self.clock)).unwrap();
    }

    /// The journal fails; then the loop's turn ends.
    async fn turn(&mut self) {
        let fault = calls::vocabulary::Input::StoreFailed("the disk is full".to_owned());
        self.server.handle(self.clock.now(), fault);
        self.pushed.turned();
        crate::rim::until(self.pushed.due()).await;
        self.pushed.tell_due(&self.server, &self.clock);
    }
}

#[tokio::test]
async fn a_subscriber_is_told_how_it_stands_and_then_what_stands_otherwise() {
    let path = socket("standing");
    let mut stage = stage("standing");
    let server = tokio::spawn(Listener::bind(&path).unwrap().serve(stage.backstage.clone()));
    let mut rim = Loop::new();
    rim.pushed.turned();
    assert_eq!(rim.pushed.due(), None, "nobody listens: nothing is looked at");
    let (tell, heard) = std::sync::mpsc::channel();
    let listening = tokio::task::spawn_blocking({
        let path = path.clone();
        move || {
            let (mut status, mut standing) = Client::connect(&path).unwrap().standing().unwrap();
            let ender = standing.ender().unwrap();
            tell.send(status.store_fault.clone()).unwrap();
            standing.hear().unwrap().unwrap().apply(&mut status);
            tell.send(status.store_fault.clone()).unwrap();
            drop(ender);
            assert!(standing.hear().is_none_or(|heard| heard.is_err()), "it was ended");
        }
    });
    rim.subscribed(&mut stage.questions).await;
    rim.turn().await;
    listening.await.unwrap();
    assert_eq!(heard.recv().unwrap(), None);
    assert_eq!(heard.recv().unwrap(), Some("the disk is full".to_owned()));
    // Who has gone gives his seat back though nothing changes.
    let gone = async {
        loop {
            rim.pushed.turned();
            if rim.pushed.due().is_none() {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), gone).await.unwrap();
    server.abort();
}

#[tokio::test]
async fn a_subscriber_who_was_too_slow_is_told_all_of_it_anew() {
    let path = socket("slow");
    let mut stage = stage("slow");
    let server = tokio::spawn(Listener::bind(&path).unwrap().serve(stage.backstage.clone()));
    let mut rim = Loop::new();
    let listening = tokio::task::spawn_blocking({
        let path = path.clone();
        move || {
            let (_, mut standing) = Client::connect(&path).unwrap().standing().unwrap();
            standing.hear().unwrap().unwrap()
        }
    });
    rim.subscribed(&mut stage.questions).await;
    // His task has no turn while these are told, and misses the first of them.
    for fault in 0..100 {
        let fault = calls::vocabulary::Input::StoreFailed(format!("fault {fault}"));
        rim.server.handle(rim.clock.now(), fault);
        drop(rim.pushed.subscribe(&rim.server, &rim.clock));
    }
    rim.subscribed(&mut stage.questions).await;
    let News::Whole(status) = listening.await.unwrap() else { panic!("changes, not all of it") };
    assert_eq!(status.store_fault, Some("fault 99".to_owned()));
    server.abort();
}
