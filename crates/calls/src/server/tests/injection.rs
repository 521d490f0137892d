//! What callers type in place of a name or a number, and what of it ever reaches a modem.
//!
//! Two sides of one promise: everything that is no number is refused with a polite line and an event that
//! names the rule; and every byte that goes to a modem in its command state is one of our own few commands,
//! or a dial command as `proto::dial::is_dial_command` states its grammar apart from the code that writes it.

use std::collections::VecDeque;

use proto::dial::is_dial_command;
use proto::signals::Signals;
use proto::time::Instant;

use super::callback::asked;
use super::{AT_PROMPT, HANG_UP, READY};
use crate::config::user::Service;
use crate::config::{Config, ReturnLine};
use crate::policy::{Counters, Identity, Numbers, Request, decide, line_dialling};
use crate::recovery::Restored;
use crate::server::Server;
use crate::testing::{LOGIN, TOML, check, config};
use crate::vocabulary::Leg;
use crate::vocabulary::{Event, Input, LineId, Now, Output, PortInput, PortOutput, Wall};

/// Typed three times at the number prompt: refused three times, and then the call ends.
#[track_caller]
fn check_refused(rule: &str, number: &str, echo: &str) {
    let asked = asked("#").replace("types #", &format!("types {number}"));
    let asked = asked.replace("send \"#\\r\\n\"", &format!("send \"{echo}\\r\\n\""));
    let once = format!(
        "* refused {rule} {number}
        > send \"\\r\\nThis is no telephone number; use digits only.\\r\\n\""
    );
    let again = format!(
        "> send \"Telephone number for callback: \"
        < types {number}\\r
        > send \"{echo}\\r\\n\""
    );
    check(&format!(
        "{asked}
        {once}
        {again}
        {once}
        {again}
        {once}
        > drain
        < drained
        {HANG_UP}
        * ended c1 user-error
        {READY}
        + 20m"
    ));
}

#[test]
fn finding_9_an_at_command_behind_a_number_is_refused_politely() {
    for number in ["5551234;H0", "1;S0=1&D0S2=255&W", "S=1", "5551234,,1"] {
        check_refused("number.grammar", number, number);
    }
}

#[test]
fn finding_11_a_service_code_is_refused_politely() {
    check_refused("number.grammar", "*21*0900555#", "*21*0900555#");
}

#[test]
fn finding_12_letters_an_escape_and_too_few_digits_are_refused_politely() {
    check_refused("number.grammar", "L", "L");
    check_refused("number.grammar", ";H0", ";H0");
    check_refused("number.grammar", "+++", "+ \\x08+ \\x08+");
    check_refused("number.digits", "12", "12");
    let back = "\\x08".repeat(9);
    check_refused("number.grammar", "1xATDT900", &format!("1xA \\x08TDT900{back}"));
}

#[test]
fn a_command_typed_for_a_name_is_asked_again_and_its_echo_cannot_be_dialled() {
    let back = "\\x08".repeat(11);
    let said = "This is for a modem, but you are with its server; your name, please.";
    check(&format!(
        "{AT_PROMPT}
        < types ATDT0900555\\r
        > send \"A \\x08TDT0900555{back}\\r\\n{said}\\r\\n\\r\\nalma!login: \"
        < dcd down
        > dtr down
        + 500ms
        > dtr up
        * ended c1 lost-carrier
        {READY}"
    ));
}

// ------------------------------------------------------------------------------------- any bytes at all

/// What the modem is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Modem {
    Command,
    Online,
    /// The caller has dropped the carrier, and the server cannot know it yet.
    Dropped,
}

/// One caller who types something at the number prompt, and everything that came of it.
struct Attempt {
    modem: Modem,
    inputs: VecDeque<Input>,
    /// What the caller was shown.
    said: Vec<u8>,
    /// The rules that refused something.
    refused: Vec<String>,
    dialled: Vec<String>,
    /// What reached a modem that nobody knew to be in its command state.
    stray: Vec<u8>,
    /// Still to be typed.
    typing: VecDeque<Vec<u8>>,
    drops: bool,
}

impl Attempt {
    /// `drops`: the carrier goes at the very moment when the text arrives.
    fn at_number_prompt(config: &Config, text: &[u8], drops: bool) -> Self {
        let mut typed = text.to_vec();
        typed.push(b'\r');
        let mut attempt = Self {
            modem: Modem::Command,
            inputs: VecDeque::new(),
            said: Vec::new(),
            refused: Vec::new(),
            dialled: Vec::new(),
            stray: Vec::new(),
            // Asked once more he hangs up.
            typing: [b"cback\r".to_vec(), typed, b"\x04".to_vec()].into(),
            drops,
        };
        attempt.run(config);
        attempt
    }

    fn run(&mut self, config: &Config) {
        let wall = Wall { unix_ms: 1_800_000_000_000, offset_s: 0 };
        let mut now = Now { at: Instant::from_millis(1), wall };
        let mut server = Server::new(config.clone(), [3; 32], Restored::default(), now);
        let mut rung = false;
        loop {
            while let Some(output) = server.poll() {
                self.answer(output);
            }
            if let Some(input) = self.inputs.pop_front() {
                server.handle(now, input);
                continue;
            }
            match server.deadline() {
                Some(next) if next.why != "modem check" => {
                    let wait = next.at - now.at;
                    now = Now { at: now.at.max(next.at), wall: now.wall + wait };
                    server.handle(now, Input::Tick);
                }
                _ if !rung => {
                    rung = true;
                    self.says(b"\r\nRING\r\n");
                }
                _ => break,
            }
        }
    }

    fn port(&mut self, input: PortInput) {
        self.inputs.push_back(Input::Port(LineId(0), input));
    }

    fn says(&mut self, text: &[u8]) {
        self.port(PortInput::Bytes(text.to_vec()));
    }

    fn carrier(&mut self, dcd: bool) {
        self.port(PortInput::Signals(Signals { dcd, dsr: true, cts: true, ri: false }));
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest needs no answer")]
    fn answer(&mut self, output: Output) {
        match output {
            Output::Port(_, PortOutput::Open) => {
                self.port(PortInput::Opened { signals: Some(Signals::default()) });
            }
            Output::Port(_, PortOutput::Claim) => self.port(PortInput::Claimed),
            Output::Port(_, PortOutput::Drain) => self.port(PortInput::Drained),
            Output::Port(_, PortOutput::Dtr(false)) => {
                self.modem = Modem::Command;
                self.carrier(false);
            }
            Output::Port(_, PortOutput::Send(bytes)) => self.heard(&bytes),
            Output::Journal(entry) => {
                if let Event::Refused { rule, .. } = &entry.event {
                    self.refused.push(rule.clone());
                }
                self.inputs.push_back(Input::Durable(entry.seq));
            }
            _ => {}
        }
    }

    /// The modem gets these bytes.
    fn heard(&mut self, bytes: &[u8]) {
        match self.modem {
            Modem::Command => self.command(bytes),
            Modem::Dropped => self.stray.extend(bytes),
            Modem::Online => {
                self.said.extend(bytes);
                let prompt = bytes.ends_with(b"login: ") || bytes.ends_with(b"callback: ");
                if let Some(typed) = self.typing.pop_front_if(|_| prompt) {
                    self.says(&typed);
                    if self.drops && self.typing.len() == 1 {
                        self.modem = Modem::Dropped;
                        self.carrier(false);
                    }
                }
            }
        }
    }

    fn command(&mut self, bytes: &[u8]) {
        match bytes {
            b"\r" | b"+++" => {}
            b"ATE0\r" | b"AT\r" | b"ATH\r" => self.says(b"\r\nOK\r\n"),
            b"ATA\r" => {
                self.modem = Modem::Online;
                self.carrier(true);
                self.says(b"\r\nCONNECT 33600\r\n");
            }
            dial => {
                assert!(is_dial_command(dial), "to a modem in the command state: {dial:?}");
                self.dialled.push(String::from_utf8_lossy(dial).trim_end().to_owned());
                self.says(b"\r\nBUSY\r\n");
            }
        }
    }
}

/// A line that calls out once, so that an attempt is over soon.
fn once() -> Config {
    config(&TOML.replace("tries    = 3", "tries    = 1"), LOGIN)
}

#[test]
fn findings_9_to_12_nothing_typed_for_a_number_reaches_a_modem_but_a_number() {
    let digits = "5".repeat(200);
    let forty = "5".repeat(40);
    // What is typed, the rule that refuses it, and what is dialled.
    let table: [(&[u8], &[&str], &[&str]); 21] = [
        (b"5551234", &[], &["ATDT5551234"]),
        (b"5551234;H0", &["number.grammar"], &[]),
        (b"L", &["number.grammar"], &[]),
        (b"S=1", &["number.grammar"], &[]),
        (b"5551234\rATDT900", &["number.typed-ahead"], &[]),
        (b"5551234\r\n", &[], &["ATDT5551234"]),
        (b"1\rxATDT0900555\n", &["number.typed-ahead"], &[]),
        (b"1\nxATDT0900555\n", &["number.typed-ahead"], &[]),
        (b"+++", &["number.grammar"], &[]),
        (b"+++\rATH", &["number.typed-ahead"], &[]),
        (digits.as_bytes(), &["number.plain-text"], &[]),
        (forty.as_bytes(), &["number.grammar"], &[]),
        ("５５５１２３４".as_bytes(), &["number.plain-text"], &[]),
        ("555é1234".as_bytes(), &["number.plain-text"], &[]),
        (b"555\xff1234", &["number.plain-text"], &[]),
        // A NUL is no key: terminals send it as padding.
        (b"555\x001234\0", &[], &["ATDT5551234"]),
        (b"ATDT0900555", &["number.grammar"], &[]),
        (b"A/", &["number.grammar"], &[]),
        (b"*21*0900555#", &["number.grammar"], &[]),
        (b"900123", &["caller_numbers.deny \"900*\""], &[]),
        (b"x\x15555-1234", &[], &["ATDT5551234"]),
    ];
    let config = once();
    for (typed, rules, dialled) in table {
        let attempt = Attempt::at_number_prompt(&config, typed, false);
        let shown = typed.escape_ascii();
        assert_eq!(attempt.refused, rules, "{shown}");
        assert_eq!(attempt.dialled, dialled, "{shown}");
        let said = String::from_utf8_lossy(&attempt.said);
        let polite =
            ["This is no telephone number; use", "type it once more", "cannot be called back"];
        let told = polite.iter().any(|line| said.contains(line));
        assert_eq!(told, !rules.is_empty(), "{shown}: {said:?}");
    }
}

/// A stream of texts such as an attacker would type: xorshift64 (Marsaglia 2003), which is enough for that.
struct Texts {
    random: u64,
}

impl Texts {
    const SEED: u64 = 0x1234_5678_9abc_def1;

    fn below(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 33).unwrap() % bound
    }

    /// Mostly what a number is made of, with everything that does not belong into one.
    fn next(&mut self, text: &mut Vec<u8>) {
        const PIECES: [&[u8]; 24] = [
            b"5551234",
            b"0",
            b"1",
            b"2",
            b"3",
            b"44",
            b"55",
            b"666",
            b"7",
            b"8",
            b"9",
            b"900",
            b"-",
            b" ",
            b"(",
            b"+",
            b"AT",
            b"ATDT",
            b";",
            b"\r",
            b"+++",
            b"*#,W@!LS=",
            b"\0",
            b"\xc3\xa9",
        ];
        text.clear();
        for _ in 0..=self.below(7) {
            match self.below(60) {
                0 => text.push(u8::try_from(self.below(256)).unwrap()),
                1 => text.extend([b'5'; 120]),
                _ => text.extend(PIECES[self.below(PIECES.len())]),
            }
        }
    }
}

#[test]
fn finding_10_a_number_with_something_behind_its_line_end_is_refused_and_that_is_not_even_echoed() {
    for line_end in ["\r", "\n", "\r\n", "\r\0"] {
        let typed = format!("5551234{line_end}xATDT0900555{line_end}");
        let attempt = Attempt::at_number_prompt(&once(), typed.as_bytes(), false);
        assert_eq!(attempt.dialled, Vec::<String>::new());
        assert!(!String::from_utf8_lossy(&attempt.said).contains("0900"), "it was echoed");
    }
}

#[test]
fn a_million_strings_through_policy_are_dialled_within_the_grammar_or_not_at_all() {
    println!("seed {:#x}", Texts::SEED);
    let mut texts = Texts { random: Texts::SEED };
    let config = once();
    let dialling = line_dialling(&config.lines[0]).unwrap();
    let mut text = Vec::new();
    let mut approved = 0_u32;
    for _ in 0..1_000_000 {
        texts.next(&mut text);
        // The prompt lets ASCII through only.
        let Ok(typed) = std::str::from_utf8(&text) else { continue };
        let request = Request {
            user: "cback",
            numbers: Numbers::Typed(typed),
            return_line: &ReturnLine::Same,
            identity: Identity::Claimed,
            service: Service::Login,
            came_in_on: Some("main"),
            caller_id: None,
            leg: Leg::Request,
            at: Wall::default(),
            counters: Counters::default(),
            marked: crate::policy::Marked::default(),
        };
        if let Ok(approval) = decide(&config, &request).answer {
            for number in approval.numbers() {
                approved += 1;
                let command = dialling.render(number).unwrap();
                assert!(is_dial_command(command.command()), "{typed:?} became {command}");
                assert!(!command.to_string().starts_with("ATDT900"), "{typed:?}");
            }
        }
    }
    // The loop would prove nothing if policy never said yes.
    assert!(approved > 50_000, "only {approved} were approved");
}

#[test]
fn thousands_of_strings_typed_at_the_number_prompt_never_command_a_modem() {
    println!("seed {:#x}", Texts::SEED);
    let mut texts = Texts { random: Texts::SEED };
    let config = once();
    let mut text = Vec::new();
    let (mut dialled, mut refused, mut stray) = (0, 0, 0);
    for _ in 0..3_000 {
        texts.next(&mut text);
        let drops = texts.below(3) == 0;
        let attempt = Attempt::at_number_prompt(&config, &text, drops);
        let shown = text.escape_ascii();
        dialled += attempt.dialled.len();
        refused += attempt.refused.len();
        stray += attempt.stray.len();
        let at = |pair: &[u8]| pair.eq_ignore_ascii_case(b"AT") || pair.eq_ignore_ascii_case(b"A/");
        // Our own words may hold an "at"; what it begins must not dial. The caller's may not even do that.
        for line in attempt.stray.split(|byte| *byte == b'\r') {
            let ours = line.windows(7).any(|words| words == b"That is");
            assert!(ours || !line.windows(2).any(at), "{shown}: {}", line.escape_ascii());
        }
        assert!(attempt.dialled.len() <= 1, "{shown}: {:?}", attempt.dialled);
    }
    assert!(dialled > 100 && refused > 1_000 && stray > 1_000, "{dialled} {refused} {stray}");
}
