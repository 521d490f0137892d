//! Two servers that call each other back: who is called and calls again, and who answers with a prompt.
//!
//! Each of them does what it is there for, so neither stops by itself. Two things give them away: a caller
//! ID that is a number which we keep dialling, and a return call that is answered by a login prompt. Caller ID
//! is compared as text here; it becomes no number (ARCHITECTURE.md, invariant 9).
//!
//! It does not decide what follows.

use std::collections::{BTreeMap, VecDeque};

use crate::vocabulary::Wall;

/// How long a number that was dialled is remembered.
const MEMORY_MS: i64 = 60 * 60 * 1000;
/// The most numbers that are remembered: more than a server's lines can dial in an hour.
const MOST: usize = 4096;
/// How often the old ones are thrown away.
const SWEEP_MS: u64 = 60 * 1000;
/// Digits that two spellings of a number must have in common at least, if not all.
const TAIL: usize = 6;

/// Numbers dialled within the hour, and how often each has called since.
#[derive(Debug, Default)]
pub(crate) struct Loops {
    /// By the last digits, which two spellings have in common.
    dialled: BTreeMap<String, Vec<Dialled>>,
    count: usize,
    /// When the old ones were last thrown away.
    swept_ms: i64,
}

#[derive(Debug)]
struct Dialled {
    number: String,
    last_ms: i64,
    calls: VecDeque<i64>,
}

/// The key under which a number stands.
fn tail(number: &str) -> String {
    let from = number.len().saturating_sub(TAIL);
    number.get(from..).unwrap_or_default().to_owned()
}

fn digits(text: &str) -> String {
    let head = text.split([',', 'W', '@', '!']).next().unwrap_or_default();
    head.chars().filter(char::is_ascii_digit).collect()
}

/// Whether two spellings can be of one number: with or without country code, area code, prefixes.
fn alike(one: &str, other: &str) -> bool {
    let (long, short) = if one.len() < other.len() { (other, one) } else { (one, other) };
    // A trunk prefix is in the way of comparing `+4989…` with `089…`.
    let short = short.trim_start_matches('0');
    one == other || (short.len() >= TAIL && long.ends_with(short))
}

impl Loops {
    /// A number is being dialled.
    pub(crate) fn dialled(&mut self, number: &str, at: Wall) {
        let number = digits(number);
        self.sweep(at);
        let last_ms = at.unix_ms;
        let there = self.dialled.entry(tail(&number)).or_default();
        match there.iter_mut().find(|dialled| dialled.number == number) {
            Some(dialled) => dialled.last_ms = last_ms,
            None if self.count < MOST => {
                there.push(Dialled { number, last_ms, calls: VecDeque::new() });
                self.count += 1;
            }
            None => {}
        }
    }

    /// Throws away what is older than an hour, once a minute.
    fn sweep(&mut self, at: Wall) {
        if at.unix_ms.abs_diff(self.swept_ms) < SWEEP_MS {
            return;
        }
        self.swept_ms = at.unix_ms;
        let since = at.unix_ms.saturating_sub(MEMORY_MS);
        self.dialled.retain(|_, there| {
            there.retain(|dialled| dialled.last_ms >= since);
            !there.is_empty()
        });
        self.count = self.dialled.values().map(Vec::len).sum();
    }

    /// Somebody calls: how often within the hour, if he is a number that we have dialled within it.
    pub(crate) fn called(&mut self, caller_id: &str, at: Wall) -> Option<u32> {
        let since = at.unix_ms.saturating_sub(MEMORY_MS);
        let caller = digits(caller_id);
        let there = self.dialled.get_mut(&tail(&caller))?;
        let dialled = there
            .iter_mut()
            .find(|dialled| dialled.last_ms >= since && alike(&dialled.number, &caller))?;
        dialled.calls.retain(|call| *call >= since);
        if dialled.calls.len() < MOST {
            dialled.calls.push_back(at.unix_ms);
        }
        u32::try_from(dialled.calls.len()).ok()
    }
}

/// Looks for a login prompt, or our own question for a number, in what the far end sends.
#[derive(Clone, Debug, Default)]
pub(crate) struct PromptWatch {
    tail: VecDeque<u8>,
}

/// What servers ask: getty, mgetty, login(1); callback(8) and we.
const PROMPTS: [&[u8]; 2] = [b"ogin: ", b"for callback: "];

impl PromptWatch {
    /// Hears what the far end sends. `true`: it asks who we are.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> bool {
        for &byte in bytes {
            if self.tail.len() >= 16 {
                self.tail.pop_front();
            }
            // Seven data bits and parity, before the speed is known for sure.
            self.tail.push_back(byte & 0x7f);
            let tail = self.tail.make_contiguous();
            if PROMPTS.iter().any(|prompt| tail.ends_with(prompt)) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Wall {
        Wall { unix_ms: minute * 60_000, offset_s: 0 }
    }

    #[test]
    fn whom_we_dial_and_who_calls_are_compared_in_any_spelling() {
        for (dialled, caller, wanted) in [
            ("5551234", "5551234", Some(1)),
            ("+49891234567", "0891234567", Some(1)),
            ("+49891234567,,5", "+49 89 1234567", Some(1)),
            ("+49891234567", "0901234567", None),
            ("5551234", "5551235", None),
            ("1234", "991234", None),
            ("1234", "1234", Some(1)),
            ("5551234", "P", None),
        ] {
            let mut loops = Loops::default();
            loops.dialled(dialled, at(0));
            assert_eq!(loops.called(caller, at(1)), wanted, "{dialled} {caller}");
        }
    }

    #[test]
    fn an_hour_is_remembered_and_no_longer() {
        let mut loops = Loops::default();
        loops.dialled("5551234", at(0));
        assert_eq!(loops.called("5551234", at(59)), Some(1));
        assert_eq!(loops.called("5551234", at(60)), Some(2));
        assert_eq!(loops.called("5551234", at(61)), None);
        loops.dialled("5551234", at(100));
        assert_eq!(loops.called("5551234", at(119)), Some(1));
        for number in 0..10_000 {
            loops.dialled(&number.to_string(), at(120));
        }
        assert_eq!(loops.count, MOST);
    }

    #[test]
    fn a_prompt_is_heard_however_it_is_cut() {
        for (text, wanted) in [
            (&b"\r\nWelcome\r\norion!login: "[..], true),
            (b"Telephone number for callback: ", true),
            (b"alice\r", false),
            (b"my login is alice\r", false),
            (b"login:alice\r", false),
        ] {
            for cut in 0..=text.len() {
                let (one, other) = text.split_at(cut);
                let mut watch = PromptWatch::default();
                assert_eq!(watch.hear(one) | watch.hear(other), wanted, "{}", text.escape_ascii());
            }
        }
    }
}
