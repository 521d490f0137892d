//! Programs and web addresses, real ones.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::PathBuf;

use calls::alert::Severity;
use calls::config::relay::Filter;
use calls::vocabulary::{CallId, Event, Seq, Wall};
use rustix::fs::{Mode, OFlags};

use super::*;
use crate::log::{LinesOfCalls, fields};

fn hook(act: Act, timeout: Duration) -> Hook {
    Hook {
        name: "pager".to_owned(),
        filter: Filter { events: Vec::new(), severity: Severity::Plain },
        act,
        timeout,
        tries: 3,
        retry: Duration::from_secs(1),
        concurrency: 1,
        queue: 10,
    }
}

fn delivery() -> Delivery {
    let event = Event::Rang {
        line: "main".to_owned(),
        call: CallId(12),
        caller_id: Some("5550199".to_owned()),
        called: None,
    };
    let entry = Entry { seq: Seq(7), at: Wall { unix_ms: 1_000_000_000_123, offset_s: 0 }, event };
    let parcel = Parcel::of("hook:pager", &entry, &fields(&mut LinesOfCalls::default(), &entry));
    Delivery { id: 1, seq: 7, entry: serde_json::to_string(&parcel).unwrap(), tries: 1 }
}

fn run_script(script: &str, timeout: Duration) -> Outcome {
    let words = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    Messenger::new(&hook(Act::Run(words), timeout)).unwrap().deliver(&delivery())
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn a_program_gets_the_event_and_an_environment_of_its_own() {
    let path = std::env::temp_dir().join(format!("dialback-hook-{}", std::process::id()));
    let outcome = run_script(&format!("exec >{}; cat; echo; env", path.display()), LONG);
    assert_eq!(outcome, Outcome::Arrived);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    let (body, environment) = text.split_once('\n').unwrap();
    let parcel: Parcel = serde_json::from_str(body).unwrap();
    assert_eq!(
        (parcel.delivery.as_str(), parcel.text.as_str()),
        ("hook:pager/7", "rings (caller 5550199)")
    );
    assert_eq!(parcel.entry["event"], "rang");
    for line in [
        "DIALBACK_EVENT=rang",
        "DIALBACK_LINE=main",
        "DIALBACK_CALL=c12",
        "DIALBACK_TRY=2",
        "DIALBACK_SEVERITY=plain",
    ] {
        assert!(environment.lines().any(|has| has == line), "{line}: {environment}");
    }
    // Cargo sets this for tests; nothing of ours is handed on.
    assert!(
        std::env::var_os("CARGO_MANIFEST_DIR").is_some() && !environment.contains("CARGO"),
        "{environment}"
    );
}

#[test]
fn a_program_that_fails_or_is_not_there_is_told_with_its_reason() {
    assert_eq!(run_script("exit 3", LONG), Outcome::Failed("/bin/sh: exit status: 3".to_owned()));
    let missing = hook(Act::Run(vec!["/nonexistent/program".to_owned()]), LONG);
    let Outcome::Failed(why) = Messenger::new(&missing).unwrap().deliver(&delivery()) else {
        panic!()
    };
    assert!(why.starts_with("/nonexistent/program: No such file"), "{why}");
}

#[test]
fn a_program_that_takes_too_long_is_killed_with_all_that_it_has_started() {
    let path = std::env::temp_dir().join(format!("dialback-hook-child-{}", std::process::id()));
    // The child holds a FIFO open for writing: when it is gone, whoever reads comes to the end.
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).unwrap();
    let at_once = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut held = File::from(rustix::fs::open(&path, at_once, Mode::empty()).unwrap());
    let script = format!("exec 3>{}; sleep 1000 & sleep 1000", path.display());
    let outcome = run_script(&script, Duration::from_millis(500));
    assert_eq!(
        outcome,
        Outcome::Failed("/bin/sh: did not end within 500ms and was killed".to_owned())
    );
    // A killed process takes a moment to go; on a busy machine it may not have come as far as opening it.
    while let Err(e) = held.read(&mut [0]) {
        assert_eq!(e.kind(), ErrorKind::WouldBlock);
        poll(&mut [PollFd::new(&held, PollFlags::IN)], None).unwrap();
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn what_a_program_leaves_behind_does_not_hold_its_messenger() {
    let path = std::env::temp_dir().join(format!("dialback-hook-left-{}", std::process::id()));
    // The child keeps the pipe and never reads it; the input is more than a pipe takes.
    let script = format!("exec 3<&0; sleep 1000 <&3 2>&1 & echo $! >{}", path.display());
    let words = ["/bin/sh", "-c", &script].map(str::to_owned);
    assert_eq!(run(&words, &[], &[b'x'; 1 << 20], LONG), Ok(()));
    let left: i32 = std::fs::read_to_string(&path).unwrap().trim().parse().unwrap();
    // It is still there: nobody has waited for it.
    rustix::process::kill_process(Pid::from_raw(left).unwrap(), Signal::KILL).unwrap();
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_program_gets_more_than_a_pipe_takes_and_need_not_read_it() {
    let words = |script: &str| ["/bin/sh", "-c", script].map(str::to_owned);
    let input = [b'x'; 1 << 20];
    assert_eq!(run(&words("test $(wc -c) = 1048576"), &[], &input, LONG), Ok(()));
    assert_eq!(run(&words("exec <&-"), &[], &input, LONG), Ok(()));
    assert_eq!(run(&words("cat"), &[], &[], LONG), Ok(()));
}

/// Header lines and body of a request.
type Request = (Vec<String>, Vec<u8>);

/// A server that takes one request, answers so, and gives back what it got.
fn serve(answer: &'static str) -> (String, std::thread::JoinHandle<Request>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", socket.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = socket.accept().unwrap();
        let mut from = BufReader::new(stream.try_clone().unwrap());
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            from.read_line(&mut line).unwrap();
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        let length = head.iter().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
        });
        let mut body = vec![0; length.unwrap()];
        from.read_exact(&mut body).unwrap();
        write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .unwrap();
        (head, body)
    });
    (url, served)
}

fn posted(answer: &'static str, secret: Option<PathBuf>) -> (Outcome, Vec<String>, Vec<u8>) {
    let (url, served) = serve(answer);
    let messenger = Messenger::new(&hook(Act::Post { url, secret }, LONG)).unwrap();
    let outcome = messenger.deliver(&delivery());
    let (head, body) = served.join().unwrap();
    (outcome, head, body)
}

#[test]
fn what_is_posted_is_signed_so_that_the_receiver_can_tell() {
    let path = std::env::temp_dir().join(format!("dialback-hook-secret-{}", std::process::id()));
    std::fs::write(&path, "it is a long secret\n").unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (outcome, head, body) = posted("204 No Content", Some(path.clone()));
    std::fs::remove_file(path).unwrap();
    assert_eq!(outcome, Outcome::Arrived);
    assert_eq!(head[0], "POST /hook HTTP/1.1");
    let header = |name: &str| {
        let of = |line: &String| {
            line.split_once(": ")
                .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_owned())
        };
        head.iter().find_map(of).unwrap_or_else(|| panic!("{name}: {head:?}"))
    };
    assert_eq!(
        (header("dialback-event"), header("dialback-delivery")),
        ("rang".into(), "hook:pager/7".into())
    );
    assert_eq!(header("content-type"), "application/json");
    let signed = header("dialback-signature");
    let at: i64 = signed.strip_prefix("t=").unwrap().split(',').next().unwrap().parse().unwrap();
    assert_eq!(signed, signature(&Secret(b"it is a long secret".to_vec()), at, &body));
    assert_eq!(body, delivery().entry.as_bytes());
}

#[test]
fn a_signature_is_hmac_sha256_of_time_and_body() {
    // printf '1700000000.{}' | openssl dgst -sha256 -hmac secretsecretsecret
    assert_eq!(
        signature(&Secret(b"secretsecretsecret".to_vec()), 1_700_000_000, b"{}"),
        "t=1700000000,v1=31833c7686916460a8d1295d5a10b0af0ce1ed92a2c70d7202fb4a360edc3e56"
    );
}

#[test]
fn answers_are_arrival_another_try_or_the_end() {
    let check = |answer, expected: fn(String) -> Outcome| {
        let (outcome, ..) = posted(answer, None);
        let (Outcome::Failed(why) | Outcome::Hopeless(why)) = outcome.clone() else {
            panic!("{outcome:?}")
        };
        assert!(why.ends_with(&format!("answers {}", answer.split(' ').next().unwrap())), "{why}");
        assert_eq!(outcome, expected(why));
    };
    check("500 Oops", Outcome::Failed);
    check("429 Slow Down", Outcome::Failed);
    check("404 Not Found", Outcome::Hopeless);
    // A redirection could lead anywhere; it is not followed.
    check("302 Found\r\nLocation: http://127.0.0.1:1/", Outcome::Failed);
}

#[test]
fn a_secret_that_can_be_read_or_guessed_is_refused() {
    let path = std::env::temp_dir().join(format!("dialback-hook-open-{}", std::process::id()));
    use std::os::unix::fs::PermissionsExt;
    let refused = |text: &str, mode| {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        secret_of(&path).err().unwrap_or_default()
    };
    assert!(refused("a secret that is long", 0o644).contains("lets others read it"));
    assert!(refused("short\n", 0o600).contains("can be guessed"));
    assert!(refused(&"long".repeat(1025), 0o600).contains("more than 4096 octets"));
    assert_eq!(refused("a secret that is long", 0o640), "");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn an_address_is_told_without_what_may_be_its_secret() {
    // Whoever knows the path of such an address may post to it: that is all that protects it.
    let (url, served) = serve("500 Oops");
    let url = url.replace("http://", "http://user:word@") + "/T0KEN?key=T0KEN";
    let act = Act::Post { url: url.clone(), secret: None };
    let Outcome::Failed(why) = Messenger::new(&hook(act, LONG)).unwrap().deliver(&delivery())
    else {
        panic!()
    };
    served.join().unwrap();
    assert!(why.starts_with("http://127.0.0.1:") && why.ends_with(" answers 500"), "{why}");
    // Nobody is there any more.
    let act = Act::Post { url, secret: None };
    let Outcome::Failed(gone) = Messenger::new(&hook(act, LONG)).unwrap().deliver(&delivery())
    else {
        panic!()
    };
    for told in [why, gone] {
        assert!(!told.contains("T0KEN") && !told.contains("word"), "{told}");
    }
}
