//! Timelines of whole calls: what the modem says and when, what we send, how far it comes.

use std::time::Duration;

use super::*;
use crate::at::commands::{Command, Refused};
use crate::at::profile::Profile;
use crate::dial::{DialPrefix, Dialling, PhoneNumber};
use crate::signals::Signals;

fn plan(number: Option<&str>, login: bool) -> Plan {
    let profile = Profile::named("generic").unwrap();
    let dialling = Dialling::new(DialPrefix::parse("ATDT").unwrap(), None, "").unwrap();
    let quick = |text: &str| {
        let mut command = Command::new(text).unwrap();
        command.limit = Duration::from_secs(3);
        command.tries = 1;
        command.refused = Refused::GoesOn;
        command
    };
    let commands = |texts: &[&str]| commands::Plan {
        commands: texts.iter().map(|text| quick(text)).collect(),
        form: crate::at::reader::Form::Verbose,
        force: None,
    };
    Plan {
        setup: commands(&["ATZ", "ATS0=0&C0"]),
        dial: dialling.render(&PhoneNumber::typed(b"5550100").unwrap()).unwrap(),
        dial_time: Duration::from_secs(90),
        request: Some(Request {
            login_prompt: b"ogin:".to_vec(),
            name: b"cback".to_vec(),
            number_prompt: b"callback:".to_vec(),
            number: number.map(|text| text.as_bytes().to_vec()),
            refusals: vec![b"Sorry".to_vec()],
        }),
        callback_time: Duration::from_secs(120),
        answer: Answer { command: Command::new("AT&C1A").unwrap(), time: Duration::from_secs(60) },
        login: login.then(|| Login {
            login_prompt: b"ogin:".to_vec(),
            name: b"mary".to_vec(),
            password_prompt: b"assword:".to_vec(),
            password: Some(Secret::new(b"sesame".to_vec())),
        }),
        prompt_time: Duration::from_secs(60),
        hook: Hook {
            by_command: profile.hang_up_plan(None),
            put_back: commands(&["ATH", "AT&C1"]),
            escape: profile.escape,
        },
    }
}

/// A call on a table: each row is what we are to send or to have come to, and what the modem then says.
struct Call {
    dialer: Dialer,
    now: Instant,
    /// What has been told and not been looked at.
    told: Vec<String>,
    sent: String,
}

impl Call {
    fn start(plan: Plan, signals: Option<Signals>) -> Self {
        let dialer = Dialer::start(Instant::ZERO, plan, signals);
        let mut call = Self { dialer, now: Instant::ZERO, told: Vec::new(), sent: String::new() };
        call.drain();
        call
    }

    fn drain(&mut self) {
        while let Some(step) = self.dialer.poll() {
            match step {
                Step::Send(bytes) => self.sent.push_str(&String::from_utf8(bytes).unwrap()),
                Step::Dtr(up) => self.told.push(format!("dtr {up}")),
                Step::Stage(Stage::Connected { leg, connect }) => {
                    self.told.push(format!("{leg:?} connected {}", connect.text));
                }
                Step::Stage(Stage::Waiting { since, until }) => {
                    self.told.push(format!("waiting {}", until.since(since).as_secs()));
                }
                Step::Stage(stage) => self.told.push(format!("{stage:?}")),
                Step::Text(..) => {}
                Step::Online => self.told.push("online".to_owned()),
                Step::Failed(failure) => {
                    self.told.push(format!("failed {:?} {:?}", failure.cause, failure.detail));
                }
            }
        }
    }

    /// Lets time pass until `text` has been sent.
    fn until_sent(&mut self, text: &str) {
        while !self.sent.contains(text) {
            self.next(&format!("{text:?} to be sent; sent: {:?}", self.sent));
        }
        self.sent.clear();
    }

    /// Lets time pass until this has been told.
    fn until_told(&mut self, text: &str) {
        while !self.told.iter().any(|told| told.starts_with(text)) {
            self.next(text);
        }
    }

    fn next(&mut self, what: &str) {
        let due = self.dialer.deadline();
        let due =
            due.unwrap_or_else(|| panic!("nothing is due, but {what}; told: {:?}", self.told));
        self.now = self.now.max(due.at);
        self.dialer.tick(self.now);
        self.drain();
    }

    fn says(&mut self, text: &str) {
        self.now += Duration::from_millis(10);
        self.dialer.receive(self.now, text.as_bytes());
        self.drain();
    }

    fn lines(&mut self, signals: Signals) {
        self.dialer.signals(self.now, signals);
        self.drain();
    }

    /// Set up, dialled, connected, and asked for a name.
    fn at_the_prompt(plan: Plan, signals: Option<Signals>) -> Self {
        let mut call = Self::start(plan, signals);
        call.until_sent("ATZ\r");
        call.says("ATZ\r\r\nOK\r\n");
        call.until_sent("ATS0=0&C0\r");
        call.says("\r\nOK\r\n");
        call.until_sent("ATDT5550100\r");
        call.says("\r\nCONNECT 33600\r\nWelcome\r\n\r\noffice login: ");
        call.until_sent("cback\r");
        call
    }

    /// All is said, and the server has hung up.
    fn waiting(plan: Plan) -> Self {
        let mut call = Self::at_the_prompt(plan, None);
        call.says("cback\r\nTelephone number for callback: ");
        call.until_sent("5550199\r");
        call.says("5550199\r\nThank you.\r\n\r\nNO CARRIER\r\n");
        call.until_told("waiting 120");
        call
    }
}

const UP: Signals = Signals { dcd: true, dsr: true, cts: true, ri: false };
const DOWN: Signals = Signals { dcd: false, ..UP };

#[test]
fn a_caller_gives_his_number_is_called_back_and_logs_in() {
    let mut call = Call::waiting(plan(Some("5550199"), true));
    call.says("\r\nRING\r\n");
    call.until_sent("AT&C1A\r");
    call.says("\r\nCONNECT 28800\r\nWelcome\r\noffice login: ");
    call.until_sent("mary\r");
    call.says("mary\r\nPassword: ");
    call.until_sent("sesame\r");
    call.says("\r\nLast login: yesterday\r\n$ ");
    call.until_told("online");
    assert_eq!(call.dialer.finish(), b"\r\nLast login: yesterday\r\n$ ");
    assert_eq!(
        call.told,
        [
            "SettingUp",
            "Dialling",
            "Request connected 33600",
            "LoggingIn(Request)",
            "Leaving",
            "waiting 120",
            "Ringing",
            "Answering",
            "Return connected 28800",
            "LoggingIn(Return)",
            "online",
        ]
    );
}

#[test]
fn a_server_that_knows_the_number_hangs_up_without_asking() {
    for number in [None, Some("5550199")] {
        let mut call = Call::at_the_prompt(plan(number, false), None);
        call.says("cback\r\nThank you.\r\n\r\nNO CARRIER\r\n");
        call.until_told("waiting");
        call.says("\r\nRING\r\n");
        call.until_sent("AT&C1A\r");
        call.says("\r\nCONNECT\r\nhello");
        call.until_told("online");
        assert_eq!(call.dialer.finish(), b"hello");
    }
}

#[test]
fn an_answer_that_comes_to_nothing_is_followed_by_more_waiting() {
    let mut call = Call::waiting(plan(Some("5550199"), false));
    call.says("\r\nRING\r\n");
    call.until_sent("AT&C1A\r");
    call.says("\r\nNO CARRIER\r\n");
    call.says("\r\nRING\r\n");
    call.until_sent("AT&C1A\r");
    call.says("\r\nCONNECT\r\n");
    call.until_told("online");
    let mut call = Call::waiting(plan(Some("5550199"), false));
    call.says("\r\nRING\r\n");
    call.until_sent("AT&C1A\r");
    call.says("\r\nNO CARRIER\r\n");
    call.until_told("failed NotConnected");
}

#[test]
fn a_call_back_that_was_asked_for_in_other_words_is_awaited_and_answered() {
    let lines = Signals { cts: true, dsr: true, dcd: false, ri: false };
    for signals in [None, Some(lines)] {
        let now = Instant::ZERO + Duration::from_secs(30);
        let Plan { answer, hook, .. } = plan(None, false);
        let dialer = Dialer::wait(now, answer, hook, signals, Duration::from_secs(60));
        let mut call = Call { dialer, now, told: Vec::new(), sent: String::new() };
        call.drain();
        let dtr = signals.map(|_| "dtr true".to_owned());
        let waiting = dtr.into_iter().chain(["waiting 60".to_owned()]).collect::<Vec<_>>();
        assert_eq!(call.told, waiting);
        call.says("\r\nNO CARRIER\r\n\r\nRING\r\n");
        call.until_sent("AT&C1A\r");
        call.says("\r\nCONNECT 33600\r\n~\u{7f}}#");
        assert_eq!(call.told.last().unwrap(), "online");
        assert!(call.told.contains(&"Return connected 33600".to_owned()), "{:?}", call.told);
        assert_eq!(call.dialer.finish(), b"~\x7f}#", "what follows CONNECT is the next speaker's");
    }
}

#[test]
fn a_ring_that_only_the_signal_shows_is_answered_too() {
    let mut call = Call::waiting(plan(Some("5550199"), false));
    call.lines(Signals { ri: true, ..DOWN });
    call.until_sent("AT&C1A\r");
}

#[test]
fn each_result_of_dialling_has_its_cause() {
    for (said, cause) in [
        ("BUSY", Cause::Busy),
        ("NO DIALTONE", Cause::NoDialtone),
        ("NO DIAL TONE", Cause::NoDialtone),
        ("NO ANSWER", Cause::NoAnswer),
        ("NO CARRIER", Cause::NoCarrier),
        ("VOICE", Cause::Voice),
        ("DELAYED", Cause::DialRefused),
        ("ERROR", Cause::ModemRefuses),
        ("RING", Cause::Glare),
    ] {
        let mut call = Call::start(plan(None, false), None);
        call.until_sent("ATZ\r");
        call.says("\r\nOK\r\n");
        call.until_sent("ATS0=0&C0\r");
        call.says("\r\nOK\r\n");
        call.until_sent("ATDT5550100\r");
        call.says(&format!("\r\n{said}\r\n"));
        call.until_sent("ATH\r");
        call.says("\r\nOK\r\n");
        call.until_sent("AT&C1\r");
        call.says("\r\nOK\r\n");
        call.until_told(&format!("failed {cause:?}"));
    }
}

#[test]
fn each_way_of_a_server_to_say_no_has_its_cause() {
    let number = Some("5550199");
    for (number, said, wanted) in [
        (number, "Password: ", "failed WrongName \"Password:\""),
        (number, "\r\noffice login: ", "failed WrongName \"office login:\""),
        (None, "Telephone number for callback: ", "failed NumberWanted"),
        (
            number,
            "\r\nWe cannot call you back now; please try again later.\r\n",
            "failed NotNow \"We cannot call you back now; please try again later.\"",
        ),
        (number, "\r\nSorry, not you.\r\n", "failed NumberRefused \"Sorry, not you.\""),
        (number, "\r\nThere is no service of this name.\r\n", "failed WrongName"),
    ] {
        let mut call = Call::at_the_prompt(plan(number, false), Some(UP));
        call.says(said);
        call.until_told("dtr false");
        call.lines(DOWN);
        call.until_told("failed");
        assert!(call.told.last().unwrap().starts_with(wanted), "{said:?}: {:?}", call.told);
    }
}

#[test]
fn a_number_that_is_asked_for_again_was_refused() {
    for said in [
        "\r\nTelephone number for callback: ",
        "\r\nThis number cannot be called back from here. Goodbye.\r\n",
    ] {
        let mut call = Call::at_the_prompt(plan(Some("1"), false), Some(UP));
        call.says("Telephone number for callback: ");
        call.until_sent("1\r");
        call.says(said);
        call.until_told("failed NumberRefused");
    }
}

#[test]
fn a_silent_modem_a_silent_server_and_a_silent_telephone_are_three_things() {
    let mut call = Call::start(plan(None, false), None);
    call.until_told("failed ModemMute");

    let mut call = Call::at_the_prompt(plan(Some("5550199"), false), Some(UP));
    call.until_told("failed NoPrompt");
    assert!(call.told.contains(&"dtr false".to_owned()));

    let mut call = Call::at_the_prompt(plan(None, false), Some(UP));
    call.until_told("failed NotHungUp");

    let mut call = Call::waiting(plan(Some("5550199"), false));
    let before = call.now;
    call.until_told("failed NobodyCalls \"waited for 120 s\"");
    let waited = call.now.since(before).as_secs();
    assert!((119..130).contains(&waited), "{waited}");
}

#[test]
fn a_call_that_is_lost_before_anything_was_asked_for_is_lost() {
    let mut call = Call::start(plan(None, false), None);
    call.until_sent("ATZ\r");
    call.says("\r\nOK\r\n");
    call.until_sent("ATS0=0&C0\r");
    call.says("\r\nOK\r\n");
    call.until_sent("ATDT5550100\r");
    call.says("\r\nCONNECT\r\nWel\r\nNO CARRIER\r\n");
    call.until_told("failed CarrierLost");
    // Between the prompt and the answer nothing has been asked for either.
    let mut call = Call::start(plan(None, false), None);
    call.until_sent("ATZ\r");
    call.says("\r\nOK\r\n");
    call.until_sent("ATS0=0&C0\r");
    call.says("\r\nOK\r\n");
    call.until_sent("ATDT5550100\r");
    call.says("\r\nCONNECT\r\nlogin: \r\nNO CARRIER\r\n");
    call.until_told("failed CarrierLost");
    assert!(!call.sent.contains("cback"));
    let mut call = Call::waiting(plan(Some("5550199"), true));
    call.says("\r\nRING\r\n");
    call.until_sent("AT&C1A\r");
    call.lines(UP);
    call.says("\r\nCONNECT\r\n");
    call.lines(DOWN);
    call.until_told("failed CarrierLost");
}

#[test]
fn without_control_lines_the_escape_hangs_up() {
    let mut call = Call::at_the_prompt(plan(Some("5550199"), false), None);
    call.says("Password: ");
    call.until_sent("+++");
    call.now += Duration::from_secs(1);
    call.says("\r\nOK\r\n");
    call.until_sent("ATH\r");
    call.says("\r\nOK\r\n");
    call.until_told("failed WrongName");
}

#[test]
fn whoever_stops_it_leaves_nothing_on_the_line() {
    let mut call = Call::waiting(plan(Some("5550199"), false));
    call.dialer.interrupt(call.now, "SIGINT");
    call.drain();
    call.until_sent("ATH\r");
    call.says("\r\nOK\r\n");
    call.until_sent("AT&C1\r");
    call.says("\r\nOK\r\n");
    call.until_told("failed Interrupted \"SIGINT\"");
    // Told twice: at once.
    let mut call = Call::at_the_prompt(plan(None, false), None);
    call.dialer.interrupt(call.now, "SIGINT");
    call.dialer.interrupt(call.now, "SIGINT");
    call.drain();
    assert_eq!(call.told.last().unwrap(), "failed Interrupted \"SIGINT\"");
}

#[test]
fn a_connection_at_the_moment_of_breaking_off_is_hung_up() {
    let dialling = |signals| {
        let mut call = Call::start(plan(None, false), signals);
        call.until_sent("ATZ\r");
        call.says("\r\nOK\r\n");
        call.until_sent("ATS0=0&C0\r");
        call.says("\r\nOK\r\n");
        call.until_sent("ATDT5550100\r");
        call.dialer.interrupt(call.now, "SIGINT");
        call.drain();
        call.until_sent("\rATH\r");
        call.says("\r\nCONNECT 33600\r\n");
        call
    };
    let mut call = dialling(Some(UP));
    call.until_told("dtr false");
    call.until_told("failed Interrupted");
    let mut call = dialling(None);
    call.until_sent("+++");
    call.until_told("failed Interrupted");
}

#[test]
fn any_bytes_at_any_time_neither_panic_nor_spin_nor_grow() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let words = [
        "\r\nOK\r\n",
        "\r\nCONNECT\r\n",
        "\r\nRING\r\n",
        "\r\nNO CARRIER\r\n",
        "ogin: ",
        "callback: ",
        "assword: ",
        "\r\nERROR\r\n",
        "\0\x7f\u{1}",
        "cannot be called back",
        "\n",
    ];
    for round in 0..300 {
        let mut dialer = Dialer::start(Instant::ZERO, plan(Some("1"), round % 2 == 0), None);
        let mut now = Instant::ZERO;
        for _ in 0..200 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let word = words[usize::try_from(seed % 11).unwrap()];
            now += Duration::from_millis(seed >> 8 & 0x7ff);
            dialer.receive(now, word.as_bytes());
            let mut steps = 0;
            while dialer.poll().is_some() {
                steps += 1;
            }
            assert!(steps < 40, "round {round}: {steps} steps out of one word");
            if let Some(due) = dialer.deadline().filter(|due| due.at <= now) {
                dialer.tick(now);
                while dialer.poll().is_some() {}
                assert!(dialer.deadline() != Some(due), "round {round}: {due:?} does not pass");
            }
        }
    }
}

mod on_a_session {
    use super::super::session::{End, Session, Step};
    use super::*;

    fn start(signals: Option<Signals>) -> Session {
        Session::start(Instant::ZERO, plan(None, false).hook, signals)
    }

    fn all(session: &mut Session) -> Vec<Step> {
        std::iter::from_fn(|| session.poll()).collect()
    }

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn keys_go_out_and_text_comes_in() {
        let mut session = start(None);
        session.typed(at(1), b"ls\r");
        session.receive(at(2), b"\x1b[31mred\x1b[0m");
        assert_eq!(
            all(&mut session),
            [Step::Send(b"ls\r".to_vec()), Step::Show(b"\x1b[31mred\x1b[0m".to_vec())]
        );
    }

    #[test]
    fn the_carrier_signals_fall_is_the_end_and_the_words_are_not() {
        let mut session = start(Some(UP));
        session.receive(at(1), b"\r\nNO CARRIER\r\n");
        session.tick(at(10_000));
        assert_eq!(all(&mut session).len(), 1);
        session.signals(at(10_001), DOWN);
        assert_eq!(all(&mut session), [Step::Ended(End::CarrierLost)]);
    }

    #[test]
    fn without_a_signal_the_modem_is_asked() {
        for (answer, end) in [("\r\nNO CARRIER\r\n", true), ("\r\nCONNECT\r\nstill here", false)] {
            let mut session = start(None);
            session.receive(at(0), b"\r\nNO CARRIER\r\n");
            session.tick(at(2_000));
            session.tick(session.deadline().unwrap().at);
            assert_eq!(all(&mut session).pop(), Some(Step::Send(b"+++".to_vec())));
            session.typed(at(4_000), b"x");
            assert_eq!(all(&mut session), [], "nothing is sent while the modem is asked");
            session.receive(at(4_800), b"\r\nOK\r\n");
            session.tick(session.deadline().unwrap().at);
            assert_eq!(all(&mut session), [Step::Send(b"ATO\r".to_vec())]);
            session.receive(at(5_500), answer.as_bytes());
            let steps = all(&mut session);
            let rest = [Step::Show(b"still here".to_vec()), Step::Send(b"x".to_vec())];
            if end {
                assert_eq!(steps, [Step::Ended(End::CarrierLost)]);
            } else {
                assert_eq!(steps, rest);
            }
        }
    }

    #[test]
    fn a_tilde_and_a_dot_hang_up_by_the_means_of_the_port() {
        let mut session = start(Some(UP));
        session.typed(at(0), b"~.");
        assert_eq!(all(&mut session), [Step::Dtr(false)]);
        session.signals(at(100), DOWN);
        session.tick(at(600));
        assert_eq!(all(&mut session), [Step::Ended(End::HungUp)]);

        let mut session = start(None);
        session.typed(at(0), b"~.");
        session.tick(at(1_200));
        assert_eq!(all(&mut session), [Step::Send(b"+++".to_vec())]);
        // Impatient: at once.
        session.hang_up(at(1_300));
        assert_eq!(all(&mut session), [Step::Ended(End::HungUp)]);
    }

    #[test]
    fn behind_no_carrier_an_answer_to_the_escape_is_not_waited_for() {
        let mut session = start(None);
        assert!(!session.is_hushed());
        session.receive(at(0), b"\r\nNO CARRIER\r\n");
        assert!(session.is_hushed());
        assert_eq!(all(&mut session), [Step::Show(b"\r\nNO CARRIER\r\n".to_vec())]);
        session.hang_up(at(0));
        session.tick(at(1_100));
        assert_eq!(all(&mut session), [Step::Send(b"+++".to_vec())]);
        session.tick(at(2_300));
        assert_eq!(all(&mut session), [Step::Send(b"\r".to_vec()), Step::Send(b"ATH\r".to_vec())]);
        // Where the carrier is seen the words mean nothing.
        let mut session = start(Some(UP));
        session.receive(at(0), b"\r\nNO CARRIER\r\n");
        assert!(!session.is_hushed());
    }
}
