//! An expect token's parts, and how much a script still has to read.
//!
//! This file does not know what is sent between the parts.

use super::Options;
use super::argument::Keyword;
use super::clean::{Purpose, clean};
use super::engine::Slot;
use super::script::Script;

/// The parts of an expect token, between dashes that no backslash protects.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    text: Vec<u8>,
    at: usize,
}

impl Parts {
    pub(super) fn new(text: Vec<u8>) -> Self {
        Self { text, at: 0 }
    }
}

impl Iterator for Parts {
    type Item = Vec<u8>;

    /// Nothing after the last dash is no part: `a-` is `a`, but `a--b` has an empty one.
    fn next(&mut self) -> Option<Vec<u8>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let mut protected = false;
        let dash = rest.iter().position(|byte| {
            let dash = *byte == b'-' && !protected;
            protected = *byte == b'\\' && !protected;
            dash
        });
        let part = rest.get(..dash.unwrap_or(rest.len())).unwrap_or_default().to_vec();
        self.at += dash.map_or(rest.len(), |at| at + 1);
        Some(part)
    }
}

/// For each token what it and those after it read at least, if all succeed: the first part of each expect.
/// An expect whose time runs out has read all that was there, so its later parts need not count.
pub(super) fn later(script: &Script, options: &Options) -> Vec<usize> {
    let mut reads = Vec::with_capacity(script.tokens().len());
    let mut slot = Slot::Expect;
    for token in script.tokens() {
        let keyword = Keyword::named(&token.text);
        let (read, next) = match slot {
            Slot::Expect if keyword.is_some() => (0, Slot::Argument(Keyword::Say)),
            Slot::Expect => {
                let first = Parts::new(token.text.clone()).next().unwrap_or_default();
                (clean(&first, Purpose::Expect, options).text.len(), Slot::Send)
            }
            Slot::Send | Slot::Argument(_) => (0, Slot::Expect),
        };
        reads.push(read);
        slot = next;
    }
    let mut sum: usize = 0;
    for read in reads.iter_mut().rev() {
        sum = sum.saturating_add(*read);
        *read = sum;
    }
    reads
}
