//! Timelines of what callers do at a prompt.

use proptest::prelude::*;

use super::*;

/// One step of a timeline.
#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    /// The caller sends bytes, so many milliseconds after the start.
    Hear(u64, &'a [u8]),
    /// Nothing happens until then.
    Wait(u64),
}
use Step::{Hear, Wait};

fn login() -> Question {
    Question { begin: Begin::AtOnce, ..Question::login(Vec::new(), b"\r\nalma!login: ".to_vec()) }
}

/// Drains a prompt into readable text: `Send` as it is, the rest in brackets.
fn drain(prompt: &mut Prompt, story: &mut Vec<u8>) {
    while let Some(output) = prompt.poll() {
        match output {
            Output::Send(bytes) => story.extend(bytes),
            Output::Secret(secret) => {
                story.extend(format!("[secret {}]", secret.reveal().escape_ascii()).bytes());
            }
            // What the caller is told about it is in the story.
            Output::Faulty(_) => {}
            other @ (Output::Named(_)
            | Output::Answered(_)
            | Output::Ppp(_)
            | Output::Fido(_)
            | Output::GaveUp(_)) => story.extend(format!("[{other:?}]").bytes()),
        }
    }
}

/// Runs a timeline, fed as it is written and byte by byte; gives the story and what `finish` gives.
fn run(question: &Question, steps: &[Step<'_>]) -> (Vec<u8>, Vec<u8>, Terminal) {
    let mut results = Vec::new();
    for piece in [usize::MAX, 1, 2, 3] {
        let mut story = Vec::new();
        let mut prompt = Prompt::new(question.clone(), Terminal::default(), Instant::ZERO);
        drain(&mut prompt, &mut story);
        for step in steps {
            match *step {
                Hear(at, bytes) => {
                    for piece in bytes.chunks(piece.min(bytes.len().max(1))) {
                        prompt.receive(Instant::from_millis(at), piece);
                        drain(&mut prompt, &mut story);
                    }
                }
                Wait(until) => {
                    let until = Instant::from_millis(until);
                    while let Some(deadline) = prompt.deadline().filter(|d| d.at <= until) {
                        prompt.tick(deadline.at);
                        drain(&mut prompt, &mut story);
                    }
                }
            }
        }
        let (rest, terminal) = prompt.finish();
        results.push((story, rest, terminal));
    }
    let whole = results.swap_remove(0);
    for (story, rest, _) in results {
        assert_eq!(story.escape_ascii().to_string(), whole.0.escape_ascii().to_string(), "pieces");
        assert_eq!(rest, whole.1, "pieces");
    }
    whole
}

#[track_caller]
fn check(question: &Question, steps: &[Step<'_>], story: &str, rest: &[u8]) {
    let (told, left, _) = run(question, steps);
    assert_eq!(told.escape_ascii().to_string(), story.as_bytes().escape_ascii().to_string());
    assert_eq!(left.escape_ascii().to_string(), rest.escape_ascii().to_string(), "rest");
}

/// What one burst of keys makes of a login prompt, without the prompt itself.
#[track_caller]
fn check_keys(question: &Question, table: &[(&[u8], &str, &[u8])]) {
    for (keys, story, rest) in table {
        let (told, left, _) = run(question, &[Hear(1, keys)]);
        let told = told.escape_ascii().to_string();
        let prompt = question.prompt.escape_ascii().to_string();
        let told = told.strip_prefix(&prompt).expect("the prompt comes first").to_string();
        let keys = keys.escape_ascii();
        assert_eq!(told, story.as_bytes().escape_ascii().to_string(), "{keys}");
        assert_eq!(left.escape_ascii().to_string(), rest.escape_ascii().to_string(), "{keys}");
    }
}

const AGAIN: &str = "\r\nalma!login: ";

#[test]
fn every_line_end_ends_exactly_one_line() {
    check_keys(
        &login(),
        &[
            (b"joe\r", "joe\r\n[Named(\"joe\")]", b""),
            (b"joe\n", "joe\r\n[Named(\"joe\")]", b""),
            (b"joe\rsecret\r", "joe\r\n[Named(\"joe\")]", b"secret\r"),
            (b"joe\r\n", "joe\r\n[Named(\"joe\")]", b"\n"),
            (b"joe\r\0", "joe\r\n[Named(\"joe\")]", b"\0"),
            (b"\r\n\r\0\n", &format!("{}{0}", &format!("\r\n{AGAIN}")), b""),
            (b"\n\n", &format!("{}{0}", &format!("\r\n{AGAIN}")), b""),
            (b"\r\r", &format!("{}{0}", &format!("\r\n{AGAIN}")), b""),
            (b"\0\x01\0", "", b""),
        ],
    );
}

#[test]
fn the_line_feed_of_the_name_is_not_an_empty_number() {
    let (_, rest, terminal) = run(&login(), &[Hear(1, b"cback\r\n")]);
    assert_eq!(rest, b"\n");
    let mut number = Prompt::new(Question::text(NUMBER_PROMPT), terminal, Instant::ZERO);
    number.receive(Instant::ZERO, &rest);
    number.receive(Instant::ZERO, b"555 1234\r");
    let mut story = Vec::new();
    drain(&mut number, &mut story);
    let wanted = "Telephone number for callback: 555 1234\r\n[Answered(\"555 1234\")]";
    assert_eq!(String::from_utf8_lossy(&story), wanted);
}

#[test]
fn keys_edit_the_line() {
    check_keys(
        &login(),
        &[
            (b"jp\x08o\x7foe\r", "jp\x08 \x08o\x08 \x08oe\r\n[Named(\"joe\")]", b""),
            (b"\x08\x7fa\r", "a\r\n[Named(\"a\")]", b""),
            (b"ab\x15c\r", "ab\x08 \x08\x08 \x08c\r\n[Named(\"c\")]", b""),
            (b"a\x03b\x18c\r", "a\x08 \x08b\x08 \x08c\r\n[Named(\"c\")]", b""),
            (b"a bc \x17d\r", "a bc \x08 \x08\x08 \x08\x08 \x08d\r\n[Named(\"a d\")]", b""),
            (b"jo\x12e\r", &format!("jo{AGAIN}joe\r\n[Named(\"joe\")]"), b""),
            (b"jo\x04e", "jo\r\nGoodbye.\r\n[GaveUp(Eof)]", b"e"),
            (b"\x1c", "\r\nGoodbye.\r\n[GaveUp(Eof)]", b""),
            (b"j\x1b[Ao\x1b[1;5De\x1bOP\x1bx\r", "joe\r\n[Named(\"joe\")]", b""),
            (b"j\x1b[12\ro", "j\r\n[Named(\"j\")]", b"o"),
            (b"j\x05\x0b\to\r", "jo\r\n[Named(\"jo\")]", b""),
            (b" - -froot  \r", "froot  \r\n[Named(\"froot\")]", b""),
            (b"/AutoPPP/\r", "/AutoPPP/\r\n[Named(\"/AutoPPP/\")]", b""),
        ],
    );
}

#[test]
fn a_line_with_a_fault_is_refused_and_never_cut_into_another_name() {
    let short = Question { max_length: 4, ..login() };
    let too_long = String::from_utf8_lossy(TOO_LONG);
    let not_plain = String::from_utf8_lossy(NOT_PLAIN);
    check_keys(
        &short,
        &[
            (b"root\r", "root\r\n[Named(\"root\")]", b""),
            (b"rooter\r", &format!("root\x07\r\n{too_long}{AGAIN}"), b""),
            (b"rooter\x08\x08\r", &format!("root\x07\x08 \x08\x08 \x08\r\n{too_long}{AGAIN}"), b""),
            (
                b"rooter\x15a\r",
                "root\x07\x08 \x08\x08 \x08\x08 \x08\x08 \x08a\r\n[Named(\"a\")]",
                b"",
            ),
            // mgetty 1.2.1 cut the name at a byte 0x80: r<80>oot became r.
            (b"r\x80oo\r", &format!("r\x07oo\r\n{not_plain}{AGAIN}"), b""),
            (b"j\xc3\xb6\r", &format!("j\x07\r\n{not_plain}{AGAIN}"), b""),
            ("\u{e9}t\r".as_bytes(), &format!("\x07t\r\n{not_plain}{AGAIN}"), b""),
        ],
    );
}

#[test]
fn an_eight_bit_text_is_shown_as_typed_and_refused() {
    let (story, ..) = run(&login(), &[Hear(1, b"j\xf6rg\r")]);
    let wanted = [AGAIN.as_bytes(), b"j\xf6r\x07g\r\n", NOT_PLAIN, AGAIN.as_bytes()].concat();
    assert_eq!(story.escape_ascii().to_string(), wanted.escape_ascii().to_string());
}

#[test]
fn a_name_in_capitals_is_folded_only_where_configured() {
    let folding = Question { kind: Kind::Name { fold_capitals: true }, ..login() };
    check_keys(
        &folding,
        &[
            (b"JOE1\r", "joe1\r\n[Named(\"joe1\")]", b""),
            (b"JOe\r", "jo\x08\x08JOe\r\n[Named(\"JOe\")]", b""),
            (b"jOE\r", "jOE\r\n[Named(\"jOE\")]", b""),
            (b"123\r", "123\r\n[Named(\"123\")]", b""),
        ],
    );
    check_keys(&login(), &[(b"JOE\r", "JOE\r\n[Named(\"JOE\")]", b"")]);
    assert!(run(&folding, &[Hear(1, b"JOE\r")]).2.capitals_only());
    assert!(!run(&folding, &[Hear(1, b"Joe\r")]).2.capitals_only());
}

#[test]
fn parity_is_recognised_stripped_and_spoken_back() {
    for parity in [Parity::Odd, Parity::Even, Parity::Mark] {
        let typed: Vec<u8> = b"\rlogin1\r".iter().map(|&key| parity.put(key)).collect();
        let (story, rest, terminal) = run(&login(), &[Hear(1, &typed)]);
        assert_eq!(terminal.parity(), parity);
        assert_eq!(rest, b"");
        let stripped: Vec<u8> = story.iter().map(|byte| byte & 0x7f).collect();
        let wanted = format!("{AGAIN}\r\n{AGAIN}login1\r\n[Named(\"login1\")]");
        assert_eq!(String::from_utf8_lossy(&stripped), wanted);
        let echo = b"login1\r\n".map(|key| parity.put(key));
        assert!(story.windows(echo.len() - 4).any(|said| said == &echo[4..]), "{parity:?}");
    }
    assert_eq!(run(&login(), &[Hear(1, b"joe\r")]).2.parity(), Parity::None);
}

#[test]
fn a_line_end_that_may_be_a_part_of_a_letter_does_not_hang_the_line() {
    // `lola` and its CR with even parity: the last two bytes might begin a UTF-8 sequence.
    let typed = b"lola\r".map(|key| Parity::Even.put(key));
    assert_eq!(typed[3..], [0xe1, 0x8d]);
    let (story, _, terminal) = run(&login(), &[Hear(1, &typed), Hear(2, &typed)]);
    let story: Vec<u8> = story.iter().map(|byte| byte & 0x7f).collect();
    let story = String::from_utf8_lossy(&story).into_owned();
    assert!(story.contains("type it once more") && story.ends_with("[Named(\"lola\")]"), "{story}");
    assert_eq!(terminal.parity(), Parity::Even);
    // The same two bytes where parity is out of the question: a letter, and no name comes of its pieces.
    for name in ["\u{10d}ermak\r", "\u{44d}\r", "jo\u{44d}l\r", "\u{434d}bob\r"] {
        let (story, ..) = run(&login(), &[Hear(1, name.as_bytes())]);
        assert!(!String::from_utf8_lossy(&story).contains("Named"), "{name:?}");
    }
    // A secret in UTF-8, asked for after a name that was typed without parity.
    let (_, _, terminal) = run(&login(), &[Hear(1, b"joe\r")]);
    let mut secret = Prompt::new(Question::secret("Password: "), terminal, Instant::ZERO);
    secret.receive(Instant::ZERO, "\n\u{10d}\u{434d}\u{44d}\r".as_bytes());
    let mut story = Vec::new();
    drain(&mut secret, &mut story);
    let wanted = "\u{10d}\u{434d}\u{44d}".as_bytes().escape_ascii();
    assert_eq!(String::from_utf8_lossy(&story), format!("Password: \r\n[secret {wanted}]"));
}

#[test]
fn noise_before_a_name_is_not_held_against_it() {
    for noise in [&b"\xff"[..], b"\x80", b"\xe1\x15", b"\xff\xff\xfe\x15\x15", b"\x00\xff\x00"] {
        let (story, ..) = run(&login(), &[Hear(1, noise), Hear(9, b"bob\r")]);
        let story = story.escape_ascii().to_string();
        assert!(story.ends_with("[Named(\\\"bob\\\")]"), "{}: {story}", noise.escape_ascii());
    }
}

#[test]
fn an_lcp_frame_at_the_prompt_is_recognised_however_it_is_spelt() {
    let table: &[(&[u8], Option<Framing>)] = &[
        (b"\x7e\xff\x7d\x23\xc0\x21\x7d\x21", Some(Framing::EightBit)),
        (b"\x7e\xff\x03\xc0\x21\x01\x01", Some(Framing::EightBit)),
        (b"\x7e\x7d\xdf\x7d\x23\x7d\xe0\x7d\x01\x01", Some(Framing::EightBit)),
        (b"\x7e\x7d\xdf\x03\xc0\x7d\x01", Some(Framing::EightBit)),
        (b"\xff\x7d\x23\xc0\x21\x7d", Some(Framing::EightBit)),
        (b"\xff\x03\xc0\x21", Some(Framing::EightBit)),
        (b"\x7e\xc0\x21\x7d\x21", Some(Framing::EightBit)),
        (b"\xc0\x21\x7d\x21\x01", Some(Framing::EightBit)),
        (b"\x7e\x7f\x7d\x23\x40\x21\x7d\x21", Some(Framing::SevenBit)),
        (b"\x7e\xff\x7d\xa3\xc0\x21\x7d\x21", Some(Framing::SevenBit)), // even parity
        (b"\xfe\x7f\xfd\x23\x40\xa1", Some(Framing::SevenBit)),         // odd parity
        (b"\x7e\xff\x7d\x23\x80\x21\x01", None),                        // IPCP, not LCP
        (b"~joe", None),
        (b"\x7f\x7d\x23\x40\x21", None),
    ];
    for (wire, wanted) in table {
        let (story, rest, _) = run(&login(), &[Hear(1, wire)]);
        let story = String::from_utf8_lossy(&story).into_owned();
        let hex = wire.escape_ascii();
        match wanted {
            Some(framing) => {
                assert_eq!(story, format!("{AGAIN}[Ppp({framing:?})]"), "{hex}");
                assert_eq!(&rest, wire, "{hex}");
            }
            None => assert!(!story.contains("[Ppp"), "{hex}"),
        }
    }
}

#[test]
fn a_frame_is_recognised_after_empty_lines_half_a_name_and_other_flags() {
    let frame = b"\x7e\xff\x7d\x23\xc0\x21\x7d\x21\x7d\x21";
    for before in [&b"\r\r\n"[..], b"jo", b"~~", b"\x7e\x7e", b"}", b"\xff", b"\x7e\xff\x7d"] {
        let wire = [before, frame].concat();
        let (story, rest, _) = run(&login(), &[Hear(1, &wire)]);
        assert!(String::from_utf8_lossy(&story).ends_with("[Ppp(EightBit)]"), "{before:?}");
        assert_eq!(rest, frame, "{before:?}");
    }
}

#[test]
fn ppp_is_recognised_before_the_prompt_and_then_none_is_sent() {
    let polite = Question::login(b"welcome\r\n".to_vec(), b"alma!login: ".to_vec());
    let frame = b"\x7e\xff\x7d\x23\xc0\x21\x7d\x21";
    check(&polite, &[Hear(100, frame)], "[Ppp(EightBit)]", frame);
    check(&polite, &[Wait(400), Hear(500, frame)], "welcome\r\nalma!login: [Ppp(EightBit)]", frame);
}

#[test]
fn mailers_are_recognised_where_somebody_wants_them() {
    let fido = Question { sniff: Sniff { ppp: true, fido: true }, ..login() };
    for (wire, mailer) in
        [(&b"**EMSI_INQC816q"[..], "Emsi"), (b"\xae\x01", "Tsync"), (b"\xf1", "Yoohoo")]
    {
        check(&fido, &[Hear(1, wire)], &format!("{AGAIN}[Fido({mailer})]"), wire);
        let (story, ..) = run(&login(), &[Hear(1, wire)]);
        assert!(!String::from_utf8_lossy(&story).contains("[Fido"));
    }
    check_keys(&fido, &[(b"**EMS\r", "**EMS\r\n[Named(\"**EMS\")]", b"")]);
}

#[test]
fn the_prompt_waits_for_a_quiet_line_but_not_for_ever() {
    let polite = Question::login(b"welcome\r\n".to_vec(), b"login: ".to_vec());
    let shown = "welcome\r\nlogin: ";
    check(&polite, &[Wait(299)], "", b"");
    check(&polite, &[Wait(300)], shown, b"");
    check(&polite, &[Hear(200, b"V42BIS\r"), Wait(499)], "", b"");
    // The LF of a CR heard before belongs to it; what came before is no answer.
    let steps = [Hear(200, b"V42BIS\r"), Wait(500), Hear(600, b"\njoe\r")];
    check(&polite, &steps, &format!("{shown}joe\r\n[Named(\"joe\")]"), b"");
    let noisy: Vec<Step<'_>> =
        (0..40).flat_map(|n| [Hear(n * 100, &b"x"[..]), Wait(n * 100 + 50)]).collect();
    let (story, ..) = run(&polite, &noisy);
    assert!(story.starts_with(shown.as_bytes()), "{}", story.escape_ascii());
}

#[test]
fn a_line_that_must_not_speak_first_waits_for_a_key() {
    let silent = Question { begin: Begin::OnInput, ..login() };
    check(&silent, &[Wait(200_000)], "", b"");
    check(&silent, &[Hear(1, b"\r\n"), Wait(5)], AGAIN, b"");
    let story = "\r\nGoodbye.\r\n[GaveUp(Silence)]";
    check(&silent, &[Wait(240_000)], story, b"");
}

#[test]
fn the_time_limit_holds_for_the_idle_and_for_the_slow() {
    let short = Question { time_limit: Duration::from_secs(10), ..login() };
    let over = "\r\nGoodbye.\r\n[GaveUp(Silence)]";
    check(&short, &[Wait(10_000)], &format!("{AGAIN}{over}"), b"");
    check(&short, &[Hear(5_000, b"jo"), Wait(9_999)], &format!("{AGAIN}jo"), b"");
    let steps = [Hear(5_000, b"jo"), Hear(9_999, b"\x12"), Wait(10_000)];
    check(&short, &steps, &format!("{AGAIN}jo{AGAIN}jo{over}"), b"");
    // A byte that comes at the end of the time comes too late, even when nobody ticked.
    check(&short, &[Hear(10_000, b"joe\r")], &format!("{AGAIN}{over}"), b"joe\r");
}

#[test]
fn empty_lines_faulty_lines_and_noise_are_counted() {
    let short = Question { max_empty: 2, ..login() };
    let again = format!("\r\n{AGAIN}");
    let over = "\r\n\r\nGoodbye.\r\n";
    check(
        &short,
        &[Hear(1, b"\r\r\r\rx")],
        &format!("{AGAIN}{again}{again}{over}[GaveUp(TooManyEmpty)]"),
        b"\rx",
    );
    let faulty = b"\xc3\xb6\r".repeat(5);
    let (story, ..) = run(&login(), &[Hear(1, &faulty)]);
    assert!(String::from_utf8_lossy(&story).ends_with("[GaveUp(TooMuchNoise)]"));
    let (story, rest, _) = run(&login(), &[Hear(1, &[0x0e; MAX_HEARD + 7])]);
    assert!(String::from_utf8_lossy(&story).ends_with("[GaveUp(TooMuchNoise)]"));
    assert_eq!(rest.len(), 6);
}

#[test]
fn a_secret_is_not_echoed_and_may_be_empty() {
    check_keys(
        &Question::secret("Password: "),
        &[
            (b" -se\x08x\x12\xc3\xb6 \r", "\r\nPassword: \r\n[secret  -sx\\xc3\\xb6 ]", b""),
            (b"\r", "\r\n[secret ]", b""),
            (b"ab\x15c\r", "\r\n[secret c]", b""),
        ],
    );
}

#[test]
fn a_number_question_takes_text_and_leaves_judging_to_others() {
    check_keys(
        &Question::text(NUMBER_PROMPT),
        &[
            (b"  +49 5551234 \r", "+49 5551234 \r\n[Answered(\"+49 5551234\")]", b""),
            (b"ppp\r", "ppp\r\n[Answered(\"ppp\")]", b""),
            (b"-1\r", "-1\r\n[Answered(\"-1\")]", b""),
            (b"1\rxATDT0900555\n", "1\r\n[Answered(\"1\")]", b"xATDT0900555\n"),
        ],
    );
}

#[test]
fn an_echo_is_no_command_and_looks_as_it_was_typed() {
    let command = String::from_utf8_lossy(COMMAND);
    check_keys(
        &login(),
        &[
            (b"ATDT0900\r", &format!("A \x08TDT0900{}\r\n{command}{AGAIN}", "\x08".repeat(8)), b""),
            (b"kate\r", "ka \x08te\x08\x08\x08\x08\r\n[Named(\"kate\")]", b""),
            (b"A/", "A \x08/", b""),
            (b"+++", "+ \x08+ \x08+", b""),
            (b"AX\x08T\r", &format!("AX\x08 \x08T\x08\x08\r\n{command}{AGAIN}"), b""),
            // Shown anew, and left half typed.
            (b"at\x12", &format!("a \x08t\x08\x08{AGAIN}a \x08t"), b""),
            (b"ATD1\x04", "A \x08TD1\x08\x08\x08\x08\r\nGoodbye.\r\n[GaveUp(Eof)]", b""),
        ],
    );
    let short = Question { time_limit: Duration::from_secs(10), ..login() };
    check(
        &short,
        &[Hear(1, b"ATD1"), Wait(10_000)],
        &format!("{AGAIN}A \x08TD1\x08\x08\x08\x08\r\nGoodbye.\r\n[GaveUp(Silence)]"),
        b"",
    );
}

#[test]
fn a_command_is_no_name_but_a_user_may_be_called_atkins() {
    for (name, taken) in [
        ("ATDT0900555", false),
        ("ATH", false),
        ("AT", false),
        ("A/", false),
        ("a/", false),
        ("atd0900555", false),
        ("AtDt1", false),
        ("atkins", true),
        ("at", true),
        ("atd", true),
        ("at1", true),
        ("kATe", true),
        ("OK", true),
    ] {
        let (story, ..) = run(&login(), &[Hear(1, format!("{name}\r").as_bytes())]);
        let story = String::from_utf8_lossy(&story);
        assert_eq!(story.contains("[Named"), taken, "{story}");
    }
}

/// What modems in the command state make of a wire: one looks for `AT` in all that it hears, one collects
/// a line, edits it, and looks for `AT` in it at its end.
fn commands_in(wire: &[u8]) -> Vec<String> {
    let mut commands = Vec::new();
    let is = |pair: &[u8], what: &[u8]| pair.eq_ignore_ascii_case(what);
    if wire.windows(2).any(|pair| is(pair, b"AT") || is(pair, b"A/")) {
        commands.push("hunted".to_owned());
    }
    let mut line = Vec::new();
    for &byte in wire {
        match byte {
            b'\x08' => drop(line.pop()),
            b'\r' => {
                if line.windows(2).any(|pair| is(pair, b"AT")) {
                    commands.push(String::from_utf8_lossy(&line).into_owned());
                }
                line.clear();
            }
            other if other >= b' ' => line.push(other),
            // Other control characters are ignored (V.250 §5.2.2).
            _ => {}
        }
    }
    commands
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_typed_comes_back_as_a_command(
        keys in "[ATat D1/+x\r\n\x08\x7f\x15\x17\x12\x04\x1b\u{e1}]{0,60}",
        text in any::<bool>(),
        fold_capitals in any::<bool>(),
    ) {
        let kind = if text { Kind::Text } else { Kind::Name { fold_capitals } };
        let question = Question { kind, max_length: 12, max_empty: 99, ..login() };
        let mut prompt = Prompt::new(question, Terminal::default(), Instant::ZERO);
        prompt.receive(Instant::ZERO, keys.as_bytes());
        prompt.tick(Instant::from_millis(3_600_000));
        let mut wire = Vec::new();
        while let Some(output) = prompt.poll() {
            if let Output::Send(bytes) = output {
                wire.extend(bytes);
            }
        }
        // Whatever is said next begins a line.
        wire.push(b'\r');
        prop_assert_eq!(commands_in(&wire), Vec::<String>::new(), "{}", wire.escape_ascii());
    }
}

#[test]
fn a_line_that_cannot_be_taken_is_told_before_the_caller_is_asked_again() {
    for (keys, fault) in [(&b"123456789\r"[..], Fault::TooLong), (b"\xc3\xb6\r", Fault::NotPlain)] {
        let question = Question { max_length: 8, ..Question::text(NUMBER_PROMPT) };
        let mut prompt = Prompt::new(question, Terminal::default(), Instant::ZERO);
        assert!(matches!(prompt.poll(), Some(Output::Send(_))));
        prompt.receive(Instant::ZERO, keys);
        assert!(matches!(prompt.poll(), Some(Output::Faulty(told)) if told == fault));
        assert!(matches!(prompt.poll(), Some(Output::Send(_))));
        assert!(prompt.poll().is_none());
    }
}

#[test]
fn what_is_sent_beyond_the_texts_given_resembles_no_modem_and_no_prompt() {
    for said in [TOO_LONG, NOT_PLAIN, COMMAND, FAREWELL] {
        let said = String::from_utf8_lossy(said).to_ascii_lowercase();
        for word in [
            "ring",
            "ogin: ",
            "assword",
            "callback:",
            "> ",
            "ok\r",
            "connect",
            "carrier",
            "busy",
            "voice",
            "no answer",
            "error",
            "dial",
            "~",
        ] {
            assert!(!said.contains(word), "{said:?} contains {word:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_in_any_pieces_make_one_end_and_bounded_output(
        wire in prop::collection::vec(any::<u8>(), 0..600),
        piece in 1usize..40,
        kind in 0u8..3,
    ) {
        let question = match kind {
            0 => Question { sniff: Sniff { ppp: true, fido: true }, ..login() },
            1 => Question::text(NUMBER_PROMPT),
            _ => Question::secret(PASSWORD_PROMPT),
        };
        let mut prompt = Prompt::new(question, Terminal::default(), Instant::ZERO);
        let (mut ends, mut sent) = (0, 0);
        for (turn, bytes) in wire.chunks(piece).enumerate() {
            prompt.receive(Instant::from_millis(turn as u64), bytes);
            while let Some(output) = prompt.poll() {
                match output {
                    Output::Send(said) => sent += said.len(),
                    Output::Faulty(_) => {}
                    Output::Named(name) => {
                        ends += 1;
                        prop_assert!(!name.is_empty() && name.len() <= 32);
                        prop_assert!(name.bytes().all(|key| (b' '..=b'~').contains(&key)));
                        prop_assert!(!name.starts_with(['-', ' ']));
                    }
                    Output::Answered(_) | Output::Secret(_) | Output::Ppp(_) | Output::Fido(_)
                    | Output::GaveUp(_) => ends += 1,
                }
            }
        }
        prop_assert!(ends <= 1);
        prop_assert!(sent <= 100 * (wire.len() + 1));
        prop_assert_eq!(ends == 1, prompt.deadline().is_none());
    }

    #[test]
    fn any_bytes_are_understood_alike_wherever_they_are_cut(
        wire in prop::collection::vec(
            prop_oneof![any::<u8>(), b'a'..=b'z', Just(b'\r'), Just(0x7e), Just(0x7d), Just(0x8d)],
            0..60,
        ),
    ) {
        let greeted = Question { sniff: Sniff { ppp: true, fido: true }, ..login() };
        // `run` compares.
        run(&greeted, &[Hear(1, &wire)]);
        run(&Question::secret(PASSWORD_PROMPT), &[Hear(1, &wire)]);
        let mut prompt = Prompt::new(greeted, Terminal::default(), Instant::ZERO);
        for byte in &wire {
            prompt.receive(Instant::ZERO, &[*byte]);
            prop_assert!(prompt.held.len() < LONGEST);
        }
    }

    #[test]
    fn any_name_under_any_parity_arrives_as_typed(name in "[a-z]{2,20}", which in 0usize..4) {
        let parity = [Parity::None, Parity::Odd, Parity::Even, Parity::Mark][which];
        let typed: Vec<u8> = format!("\r{name}\r").bytes().map(|key| parity.put(key)).collect();
        let (story, ..) = run(&login(), &[Hear(1, &typed)]);
        let stripped: Vec<u8> = story.iter().map(|byte| byte & 0x7f).collect();
        let wanted = format!("[Named({name:?})]");
        prop_assert!(String::from_utf8_lossy(&stripped).ends_with(&wanted));
    }
}
