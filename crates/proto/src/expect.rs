//! Waiting for one of several strings in a stream: wanted ones and ones that abort.
//!
//! The strings become one automaton (Aho and Corasick, 1975) whose table has a column per byte that
//! occurs in them and one for all the others. A stream costs one look-up a byte, and while no string has
//! begun, not even that. Nothing is kept of the stream, so there is no buffer to overflow and no match to
//! miss where two reads meet.
//!
//! This file does not know what a hit means, nor how long to wait for it.

use std::collections::VecDeque;
use std::fmt;

#[cfg(test)]
mod tests;

/// The longest sum of all strings. chat(8) allows 50 abort strings of 49 bytes; the table of 4096
/// states then stays below 2 MiB, and below a few KiB for what people write.
pub const MAX_BYTES: usize = 4_096;

/// The state in which no string has begun.
const ROOT: u16 = 0;

/// Found: a string ended in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its index among the strings given to [`Expect::new`].
    pub pattern: usize,
    /// How many bytes of this feed were consumed: those up to the string's last one.
    pub end: usize,
}

/// A searcher for several strings at once in a stream that comes in pieces.
///
/// ```
/// use dialback_proto::expect::{Expect, Hit};
///
/// let mut expect = Expect::new(&["ogin:", "NO CARRIER"])?;
/// assert_eq!(expect.feed(b"\r\nlog"), None);
/// assert_eq!(expect.feed(b"in: mary"), Some(Hit { pattern: 0, end: 3 }));
/// # Ok::<(), dialback_proto::expect::PatternFault>(())
/// ```
#[derive(Clone)]
pub struct Expect {
    /// The column of each byte; column 0 is for bytes that occur in no string.
    columns: [u16; 256],
    width: usize,
    /// `next[state * width + column]`.
    next: Vec<u16>,
    /// The string that ends in a state: the lowest index, if several do.
    hits: Vec<Option<usize>>,
    state: u16,
}

impl Expect {
    /// A searcher for `patterns`. Where two end at the same byte, the one given first wins; otherwise
    /// whichever ends first.
    ///
    /// # Errors
    /// A string is empty, or all together are longer than [`MAX_BYTES`].
    pub fn new<P: AsRef<[u8]>>(patterns: &[P]) -> Result<Self, PatternFault> {
        let mut bytes = 0_usize;
        for (pattern, text) in patterns.iter().enumerate() {
            let text = text.as_ref();
            if text.is_empty() {
                return Err(PatternFault::Empty { pattern });
            }
            bytes = bytes.saturating_add(text.len());
            if bytes > MAX_BYTES {
                return Err(PatternFault::TooLong { pattern });
            }
        }
        Ok(Self::build(patterns))
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "states and columns are counted here: every index is below the length just allocated"
    )]
    fn build<P: AsRef<[u8]>>(patterns: &[P]) -> Self {
        let mut columns = [0_u16; 256];
        let mut width = 1_u16;
        for &byte in patterns.iter().flat_map(|text| text.as_ref()) {
            let column = &mut columns[usize::from(byte)];
            if *column == 0 {
                *column = width;
                width += 1;
            }
        }
        let width = usize::from(width);
        // The trie. ROOT doubles as "no such branch": nothing leads back to it in a trie.
        let mut next = vec![ROOT; width];
        let mut hits = vec![None];
        for (pattern, text) in patterns.iter().enumerate() {
            let mut state = 0_usize;
            for &byte in text.as_ref() {
                let branch = state * width + usize::from(columns[usize::from(byte)]);
                if next[branch] == ROOT {
                    // At most MAX_BYTES states.
                    next[branch] = u16::try_from(hits.len()).unwrap_or(ROOT);
                    next.resize(next.len() + width, ROOT);
                    hits.push(None);
                }
                state = usize::from(next[branch]);
            }
            hits[state] = hits[state].or(Some(pattern));
        }
        // Where a branch is missing, the automaton goes on as if the stream had begun later: at the
        // state of the longest suffix that is a beginning. Breadth first, so that it is known already.
        let mut suffix = vec![0_usize; hits.len()];
        let mut queue: VecDeque<usize> = VecDeque::from([0]);
        while let Some(state) = queue.pop_front() {
            for column in 1..width {
                let branch = state * width + column;
                let missed = next[suffix[state] * width + column];
                if next[branch] == ROOT {
                    next[branch] = missed;
                    continue;
                }
                let child = usize::from(next[branch]);
                if state != 0 {
                    suffix[child] = usize::from(missed);
                    hits[child] = [hits[child], hits[suffix[child]]].into_iter().flatten().min();
                }
                queue.push_back(child);
            }
        }
        Self { columns, width, next, hits, state: ROOT }
    }

    /// Looks at more of the stream. `None`: all of it is consumed and nothing found. After a hit the
    /// search starts afresh; feed the bytes behind [`Hit::end`] again.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<Hit> {
        let mut state = self.state;
        let mut stream = bytes.iter().enumerate();
        while let Some((at, &byte)) = if state == ROOT {
            stream.find(|&(_, &byte)| self.step(ROOT, byte) != ROOT)
        } else {
            stream.next()
        } {
            state = self.step(state, byte);
            if let Some(&Some(pattern)) = self.hits.get(usize::from(state)) {
                self.state = ROOT;
                return Some(Hit { pattern, end: at + 1 });
            }
        }
        self.state = state;
        None
    }

    #[inline]
    fn step(&self, state: u16, byte: u8) -> u16 {
        let column = self.columns.get(usize::from(byte)).copied().unwrap_or(0);
        let branch = usize::from(state) * self.width + usize::from(column);
        self.next.get(branch).copied().unwrap_or(ROOT)
    }

    /// Forgets a string that has begun.
    pub fn restart(&mut self) {
        self.state = ROOT;
    }
}

impl fmt::Debug for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expect")
            .field("states", &self.hits.len())
            .field("state", &self.state)
            .finish()
    }
}

/// Why strings cannot be searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternFault {
    /// This string is empty; it would be found before anything came.
    Empty {
        /// Its index.
        pattern: usize,
    },
    /// With this string they are longer than [`MAX_BYTES`] together.
    TooLong {
        /// Its index.
        pattern: usize,
    },
}

impl fmt::Display for PatternFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { pattern } => write!(f, "string {}: empty", pattern.saturating_add(1)),
            Self::TooLong { pattern } => write!(
                f,
                "string {}: longer than {MAX_BYTES} bytes together with those before",
                pattern.saturating_add(1)
            ),
        }
    }
}

impl std::error::Error for PatternFault {}
