//! The words with a meaning of their own, and what each does with its argument.
//!
//! This file does not know when it is called: the engine finds the words in the expect slot.

use super::clean::{Purpose, clean};
use super::engine::Engine;
use super::script::until_nul;
use super::step::Step;
use super::strings::LONGEST_STRING;
use super::visible::log_line;
use super::{DEFAULT_TIMEOUT, atoi};
use std::time::Duration;

/// A word in the expect slot that takes the next token as its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Hangup,
    Abort,
    ClearAbort,
    Report,
    ClearReport,
    Timeout,
    Echo,
    Say,
}

impl Keyword {
    /// Upper case, nothing before or after; quotes around it make no difference.
    pub(super) fn named(token: &[u8]) -> Option<Self> {
        Some(match token {
            b"HANGUP" => Self::Hangup,
            b"ABORT" => Self::Abort,
            b"CLR_ABORT" => Self::ClearAbort,
            b"REPORT" => Self::Report,
            b"CLR_REPORT" => Self::ClearReport,
            b"TIMEOUT" => Self::Timeout,
            b"ECHO" => Self::Echo,
            b"SAY" => Self::Say,
            _ => return None,
        })
    }
}

/// The exit code and the message of what ends the run.
type Fatal = (u8, Vec<u8>);

impl Engine {
    pub(super) fn argument(&mut self, keyword: Keyword, raw: &[u8]) -> Result<(), Fatal> {
        match keyword {
            Keyword::Hangup => self.push(Step::Hangup(raw != b"OFF")),
            Keyword::Echo => self.echo = raw == b"ON",
            Keyword::Say => {
                let text = clean(raw, Purpose::Send, &self.options).text;
                self.push(Step::Say(until_nul(&text).to_vec()));
            }
            Keyword::Timeout => {
                let wanted = atoi(&clean(raw, Purpose::Expect, &self.options).text);
                let seconds = if wanted > 0 { wanted } else { DEFAULT_TIMEOUT };
                self.timeout = Some(Duration::from_secs(u64::from(seconds.unsigned_abs())));
                if self.options.verbose {
                    self.log(format!("timeout set to {seconds} seconds").into_bytes());
                }
            }
            Keyword::Abort => {
                if self.aborts.is_full() {
                    return Err((2, b"Too many ABORT strings".to_vec()));
                }
                let string = self.string(raw, "ABORT")?;
                self.aborts.push(string);
                self.log_string("abort on (", raw, 1);
            }
            Keyword::Report => {
                if self.reports.is_full() {
                    return Err((2, b"Too many REPORT strings".to_vec()));
                }
                let string = self.string(raw, "REPORT")?;
                self.reports.push(string);
                self.log_string("report (", raw, 1);
            }
            Keyword::ClearAbort => {
                let string = self.string(raw, "CLR_ABORT")?;
                let cleared = self.aborts.clear(&string);
                self.log_string("clear abort on (", raw, cleared);
            }
            Keyword::ClearReport => {
                // The message of the original names REPORT here too.
                let string = self.string(raw, "REPORT")?;
                let cleared = self.reports.clear(&string);
                self.log_string("clear report (", raw, cleared);
            }
        }
        Ok(())
    }

    /// Stage one of a list's string. Version 2.4.9 also refuses one that became longer than it was written,
    /// which only `$NAME` can do.
    fn string(&self, raw: &[u8], keyword: &str) -> Result<Vec<u8>, Fatal> {
        let string = clean(raw, Purpose::Expect, &self.options).text;
        if string.len() > raw.len() || string.len() > LONGEST_STRING {
            let before = format!("Illegal or too-long {keyword} string ('");
            return Err((1, log_line(&before, raw, "')")));
        }
        Ok(string)
    }

    fn log_string(&mut self, before: &str, raw: &[u8], times: usize) {
        for _ in 0..times {
            if self.options.verbose {
                self.log(log_line(before, raw, ")"));
            }
        }
    }
}
