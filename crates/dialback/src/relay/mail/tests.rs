//! Mails as the mail system gets them.

use calls::alert::{Alert, Severity};
use calls::config::relay::Filter;
use calls::vocabulary::{CallId, Entry, Event, Seq};

use super::*;
use crate::log::{LinesOfCalls, fields};

fn settings(via: Via) -> Mail {
    Mail {
        to: vec!["operators@example.org".to_owned(), "boss@example.org".to_owned()],
        from: "dialback@orion.example.org".to_owned(),
        via,
        filter: Filter { events: Vec::new(), severity: Severity::Alert },
        gather: Duration::ZERO,
        every: Duration::from_secs(900),
    }
}

fn alert(seq: u64, reason: &str) -> Delivery {
    let (line, call) = (Some("main".to_owned()), Some(CallId(12)));
    let event =
        Event::Alert { alert: Alert::Loop, line, call, user: None, reason: reason.to_owned() };
    let entry =
        Entry { seq: Seq(seq), at: Wall { unix_ms: 1_000_000_000_123, offset_s: 0 }, event };
    let parcel = Parcel::of(RECEIVER, &entry, &fields(&mut LinesOfCalls::default(), &entry));
    let id = i64::try_from(seq).unwrap();
    Delivery { id, seq, entry: serde_json::to_string(&parcel).unwrap(), tries: 0 }
}

fn written(waiting: &[Delivery]) -> String {
    let mail = message(&settings(Via::Sendmail("/x".into())), "orion", waiting).unwrap();
    String::from_utf8(mail.formatted()).unwrap()
}

#[test]
fn one_event_is_its_own_subject() {
    let text = written(&[alert(1, "a prompt has answered")]);
    for line in [
        "Subject: dialback on orion: ALERT loop: a prompt has answered\r\n",
        "From: dialback@orion.example.org\r\n",
        "To: operators@example.org, boss@example.org\r\n",
        "\r\n\r\n2001-09-09 01:46:40.123  main  c12  ALERT loop: a prompt has answered\r\n",
        "The story of a call: dialback call c12\r\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn a_thousand_events_are_one_mail_that_a_person_can_read() {
    let all: Vec<Delivery> = (1..=1000).map(|seq| alert(seq, "again")).collect();
    let text = written(&all);
    assert!(text.contains("Subject: dialback on orion: 1000 events\r\n"), "{text}");
    assert_eq!(text.matches("ALERT loop").count(), TOLD);
    assert!(text.contains("and 900 more"), "{text}");
}

#[test]
fn a_text_can_not_become_a_header() {
    let text = written(&[alert(1, "x\r\nBcc: everybody@example.org")]);
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    assert!(!head.lines().any(|line| line.starts_with("Bcc:")), "{head}");
}

#[test]
fn sendmail_gets_the_mail_and_takes_its_receivers_from_it() {
    let dir = std::env::temp_dir().join(format!("dialback-mail-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&dir));
    std::fs::create_dir(&dir).unwrap();
    let program = dir.join("sendmail");
    std::fs::write(
        &program,
        format!("#!/bin/sh\necho \"$@\" >{0}/args\ncat >{0}/mail\n", dir.display()),
    )
    .unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let state = dir.join("state");
    let relay = calls::config::relay::Relay {
        control: dir.join("none"),
        journal_dir: dir.clone(),
        state_dir: state.clone(),
        listen: None,
        syslog: Vec::new(),
        hooks: Vec::new(),
        mail: None,
    };
    let mut ledger = Ledger::open(&state).unwrap();
    let observatory = Arc::new(Observatory::new(&relay, &ledger).unwrap());
    let queued: Vec<_> = (1..=3)
        .map(|seq| crate::relay::ledger::Queued {
            receiver: RECEIVER.to_owned(),
            room: ROOM,
            seq: Seq(seq),
            entry: alert(seq, "x").entry,
            due_ms: 0,
        })
        .collect();
    let place = crate::relay::ledger::Place { seq: Seq(3), last: String::new() };
    ledger.advance("deliveries", &place, None, &queued, 0).unwrap();
    let mut mailer = Mailer::new(
        settings(Via::Sendmail(program)),
        ledger,
        Arc::new(Bell::default()),
        Arc::clone(&observatory),
    )
    .unwrap();
    mailer.step().unwrap();
    assert_eq!(std::fs::read_to_string(dir.join("args")).unwrap(), "-i -t\n");
    assert!(std::fs::read_to_string(dir.join("mail")).unwrap().contains(": 3 events"));
    assert_eq!(mailer.ledger.all(RECEIVER, 9).unwrap(), []);
    // The next one waits for `every`, whatever happens: also if the relay is started anew meanwhile.
    assert!(mailer.not_before > now_ms() + 800_000);
    let started = |every| {
        let settings = Mail { every, ..mailer.settings.clone() };
        let ledger = Ledger::open(&state).unwrap();
        Mailer::new(settings, ledger, Arc::default(), Arc::clone(&observatory)).unwrap().not_before
    };
    assert_eq!(started(mailer.settings.every), mailer.not_before);
    // What the file says now counts, and so does a clock that was ahead and is right again.
    assert!(started(Duration::from_secs(60)) <= now_ms() + 60_000);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn an_event_that_has_just_come_is_not_given_up_with_an_old_one() {
    let dir = std::env::temp_dir().join(format!("dialback-mail-old-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&dir));
    let relay = calls::config::relay::Relay {
        control: dir.join("none"),
        journal_dir: dir.clone(),
        state_dir: dir.clone(),
        listen: None,
        syslog: Vec::new(),
        hooks: Vec::new(),
        mail: None,
    };
    let mut ledger = Ledger::open(&dir).unwrap();
    let observatory = Arc::new(Observatory::new(&relay, &ledger).unwrap());
    let queued = |seq| crate::relay::ledger::Queued {
        receiver: RECEIVER.to_owned(),
        room: ROOM,
        seq: Seq(seq),
        entry: alert(seq, "x").entry,
        due_ms: 0,
    };
    let place = |seq| crate::relay::ledger::Place { seq: Seq(seq), last: String::new() };
    ledger.advance("deliveries", &place(1), None, &[queued(1)], 0).unwrap();
    let old = ledger.all(RECEIVER, 9).unwrap();
    for _ in 1..TRIES {
        ledger.again(old[0].id, 0).unwrap();
    }
    ledger.advance("deliveries", &place(2), None, &[queued(2)], 0).unwrap();
    let via = Via::Sendmail("/bin/false".into());
    let mut mailer =
        Mailer::new(settings(via), ledger, Arc::new(Bell::default()), observatory).unwrap();
    mailer.step().unwrap();
    let of = |deliveries: Vec<Delivery>| {
        deliveries.iter().map(|one| (one.seq, one.tries)).collect::<Vec<_>>()
    };
    assert_eq!(of(mailer.ledger.all(RECEIVER, 9).unwrap()), [(2, 1)]);
    let dead = mailer.ledger.dead().unwrap();
    assert_eq!(dead.iter().map(|one| (one.seq, one.tries)).collect::<Vec<_>>(), [(1, TRIES)]);
    std::fs::remove_dir_all(dir).unwrap();
}
