//! What the callers of a callback server do, as scripts.

use std::time::Duration;

use super::Step;
use crate::chance::Chance;

/// Sends `text`.
#[must_use]
pub fn send(text: &str) -> Step {
    Step::Send(text.to_owned())
}

/// Waits for `text`, at most so many seconds.
#[must_use]
pub fn expect(text: &str, seconds: u64) -> Step {
    Step::Expect { text: text.to_owned(), fold: false, within: Duration::from_secs(seconds) }
}

/// The same, letter case not counting.
#[must_use]
pub fn expect_folded(text: &str, seconds: u64) -> Step {
    Step::Expect { text: text.to_owned(), fold: true, within: Duration::from_secs(seconds) }
}

/// A pause of so many milliseconds.
#[must_use]
pub const fn pause(ms: u64) -> Step {
    Step::Pause(Duration::from_millis(ms))
}

/// Dials and waits for CONNECT; gives up on what a modem says otherwise.
#[must_use]
pub fn dial(number: &str) -> Vec<Step> {
    let mut steps = vec![Step::Dtr(true), send("ATZ\r"), expect("OK", 5)];
    for word in ["BUSY", "NO DIALTONE", "NO ANSWER", "NO CARRIER"] {
        steps.push(Step::Abort(word.to_owned()));
    }
    steps.extend([send(&format!("ATDT{number}\r")), expect("CONNECT", 90)]);
    steps
}

/// After the name was taken: the line goes down, the telephone rings, the modem answers.
#[must_use]
pub fn be_called_back(answer: &str) -> Vec<Step> {
    vec![
        Step::NoAbort("NO CARRIER".to_owned()),
        expect("NO CARRIER", 60),
        // A busy line is tried again, half a minute or more apart: patience for as long as a promise lasts.
        expect("RING", 600),
        send(&format!("{answer}\r")),
        expect("CONNECT", 90),
    ]
}

/// Logs in and out at a shell-like program.
#[must_use]
pub fn log_in(name: &str) -> Vec<Step> {
    vec![
        expect("ogin: ", 60),
        send(&format!("{name}\r")),
        expect("assword: ", 30),
        send("secret\r"),
        expect("$ ", 30),
        send("date\r"),
        expect("1998", 30),
        expect("$ ", 30),
        send("exit\r"),
        Step::NoAbort("NO CARRIER".to_owned()),
        expect("NO CARRIER", 60),
    ]
}

/// chat(8) with the usual callback script: dials, gives the callback name and, where it is asked for, a number; waits for
/// the telephone; answers; logs in.
#[must_use]
pub fn chat(server: &str, callback_name: &str, number: Option<&str>, login: &str) -> Vec<Step> {
    let mut steps = dial(server);
    steps.extend([expect("ogin: ", 60), pause(1_000), send(&format!("{callback_name}\r"))]);
    if let Some(number) = number {
        steps.extend([expect("callback: ", 60), send(&format!("{number}\r"))]);
    }
    steps.extend(be_called_back("AT&C1A"));
    steps.extend(log_in(login));
    steps
}

/// Windows 98 with a dial-up script: DCD held on, words compared without regard to letter case.
#[must_use]
pub fn windows(server: &str, callback_name: &str, number: Option<&str>, login: &str) -> Vec<Step> {
    let mut steps = vec![
        Step::Dtr(true),
        send("ATZ\r"),
        expect("OK", 5),
        send("AT&F&C0&D2S0=0\r"),
        expect("OK", 5),
        send(&format!("ATDT{server}\r")),
        expect("CONNECT", 90),
        expect_folded("ogin: ", 60),
        send(&format!("{callback_name}\r")),
    ];
    if let Some(number) = number {
        steps.extend([expect_folded("number for callback: ", 60), send(&format!("{number}\r"))]);
    }
    // The next "ring" of any kind is taken for the telephone.
    steps.extend([expect_folded("RING", 600), send("ATA\r")]);
    steps.extend(log_in(login));
    steps
}

/// Types `text` as a person does: key by key, sometimes a wrong one that he takes back.
#[must_use]
pub fn typed(text: &str, chance: &mut Chance) -> Vec<Step> {
    let mut steps = Vec::new();
    for key in text.chars() {
        steps.push(pause(80 + chance.below(220)));
        if key.is_ascii_alphanumeric() && chance.below(12) == 0 {
            steps.extend([send("q"), pause(400), send("\u{8}"), pause(150)]);
        }
        steps.push(Step::Send(key.to_string()));
    }
    steps
}

/// A person at a DOS terminal program: does what chat does, by hand.
#[must_use]
pub fn person(
    server: &str,
    callback_name: &str,
    number: Option<&str>,
    login: &str,
    chance: &mut Chance,
) -> Vec<Step> {
    let mut steps = vec![Step::Dtr(true), send("AT&C0\r"), expect("OK", 5)];
    // A typo in "AT" itself can't be taken back: the modem has not begun to collect a line.
    steps.extend([pause(200), send("A"), pause(100), send("T")]);
    steps.extend(typed(&format!("DT{server}"), chance));
    steps.extend([send("\r"), expect("CONNECT", 90), expect("ogin: ", 60), pause(700)]);
    steps.extend(typed(callback_name, chance));
    steps.push(send("\r"));
    if let Some(number) = number {
        steps.extend([expect("callback: ", 60), pause(900)]);
        steps.extend(typed(number, chance));
        steps.push(send("\r"));
    }
    steps.extend([expect("NO CARRIER", 60), expect("RING", 600), pause(1_500)]);
    steps.extend([send("ATA\r"), expect("CONNECT", 90)]);
    steps.extend([expect("ogin: ", 60), pause(600)]);
    steps.extend(typed(login, chance));
    steps.extend([send("\r"), expect("assword: ", 30)]);
    steps.extend(typed("secret", chance));
    steps.extend([send("\r"), expect("$ ", 30), send("exit\r"), expect("NO CARRIER", 60)]);
    steps
}

/// Calls, and says nothing until he is thrown out.
#[must_use]
pub fn sitter(server: &str) -> Vec<Step> {
    let mut steps = dial(server);
    steps.extend([Step::NoAbort("NO CARRIER".to_owned()), expect("NO CARRIER", 3_600)]);
    steps
}

/// Calls, gives the callback name, and then says nothing.
#[must_use]
pub fn sitter_at_the_number(server: &str, callback_name: &str) -> Vec<Step> {
    let mut steps = dial(server);
    steps.extend([
        expect("ogin: ", 60),
        send(&format!("{callback_name}\r")),
        expect("callback: ", 60),
        Step::NoAbort("NO CARRIER".to_owned()),
        expect("NO CARRIER", 3_600),
    ]);
    steps
}

/// Calls, and sends rubbish as fast as the line takes it.
#[must_use]
pub fn flooder(server: &str, kibibytes: u64) -> Vec<Step> {
    let mut steps = dial(server);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    for _ in 0..kibibytes {
        steps.extend([Step::Send("x{~".repeat(341)), pause(250)]);
    }
    steps
}

/// Calls, does `then`, and hangs up (DTR).
#[must_use]
pub fn hangs_up_after(server: &str, then: Vec<Step>) -> Vec<Step> {
    let mut steps = dial(server);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend(then);
    steps.extend([Step::Dtr(false), pause(1_000), Step::Dtr(true)]);
    steps
}
