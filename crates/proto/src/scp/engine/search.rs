//! Looking for the strings of a `waitfor`.
//!
//! The strings that must match exactly and those in which case does not matter are two searches over the same bytes;
//! of two strings that end at the same byte the one listed first wins. This file does not know what happens then.

use std::collections::VecDeque;

use super::RunFault;
use crate::expect::{Expect, Hit, MAX_BYTES};

/// The bytes that are folded at a time, on the stack.
const PIECE: usize = 256;

/// A search for several strings at once.
#[derive(Debug)]
pub(super) struct Search {
    exact: Option<Half>,
    folded: Option<Half>,
}

/// The strings of one kind.
#[derive(Debug)]
struct Half {
    expect: Expect,
    /// The index in the script of each of its strings.
    cases: Vec<usize>,
}

/// What beginning a search comes to.
#[derive(Debug)]
pub(super) enum Begun {
    Search(Box<Search>),
    /// This string is empty, so it is there already.
    AtOnce(usize),
}

impl Search {
    /// A search for `texts`, each with whether case matters.
    pub(super) fn begin<'a>(
        texts: impl Iterator<Item = (&'a [u8], bool)>,
    ) -> Result<Begun, RunFault> {
        let mut exact = (Vec::new(), Vec::new());
        let mut folded = (Vec::new(), Vec::new());
        for (case, (text, matchcase)) in texts.enumerate() {
            if text.is_empty() {
                return Ok(Begun::AtOnce(case));
            }
            if matchcase {
                exact.0.push(text.to_vec());
                exact.1.push(case);
            } else {
                folded.0.push(text.to_ascii_lowercase());
                folded.1.push(case);
            }
        }
        Ok(Begun::Search(Box::new(Self {
            exact: half(&exact.0, exact.1)?,
            folded: half(&folded.0, folded.1)?,
        })))
    }

    /// Looks at the bytes of `input` from `from` on. Found: which string, and where in `input` it ends.
    pub(super) fn look(
        &mut self,
        input: &VecDeque<u8>,
        from: usize,
        seven_bits: bool,
    ) -> Option<(usize, usize)> {
        let (front, back) = input.as_slices();
        let (front, back) = match from.checked_sub(front.len()) {
            Some(from) => (&[][..], back.get(from..).unwrap_or_default()),
            None => (front.get(from..).unwrap_or_default(), back),
        };
        let mut seen = from;
        for piece in front.chunks(PIECE).chain(back.chunks(PIECE)) {
            if let Some((case, end)) = self.piece(piece, seven_bits) {
                return Some((case, seen + end));
            }
            seen += piece.len();
        }
        None
    }

    fn piece(&mut self, piece: &[u8], seven_bits: bool) -> Option<(usize, usize)> {
        let mut bytes = [0_u8; PIECE];
        let bytes = bytes.get_mut(..piece.len())?;
        for (copy, &byte) in bytes.iter_mut().zip(piece) {
            *copy = if seven_bits { byte & 0x7f } else { byte };
        }
        let exact = self.exact.as_mut().and_then(|half| half.feed(bytes));
        bytes.make_ascii_lowercase();
        let folded = self.folded.as_mut().and_then(|half| half.feed(bytes));
        // The one that ends first; at the same byte the one listed first.
        [exact, folded].into_iter().flatten().min().map(|(end, case)| (case, end))
    }
}

impl Half {
    /// Where a string ends, and which.
    fn feed(&mut self, bytes: &[u8]) -> Option<(usize, usize)> {
        let Hit { pattern, end } = self.expect.feed(bytes)?;
        self.cases.get(pattern).map(|&case| (end, case))
    }
}

fn half(texts: &[Vec<u8>], cases: Vec<usize>) -> Result<Option<Half>, RunFault> {
    if texts.is_empty() {
        return Ok(None);
    }
    match Expect::new(texts) {
        Ok(expect) => Ok(Some(Half { expect, cases })),
        Err(_) => Err(RunFault {
            message: format!(
                "the strings of this waitfor are longer than {MAX_BYTES} bytes together"
            ),
            cure: "wait for a shorter piece of them: the last words before the pause are enough",
        }),
    }
}
