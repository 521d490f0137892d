//! Finding the expected string, or one that aborts, in what comes in.
//!
//! One `Listener` is one expect: only what it heard itself counts, seven bits of each byte. The rule a
//! byte, in this order: a report string that ends here begins a report; the expected string ends here: found;
//! the abort string with the lowest number that ends here aborts. Plain suffixes, no patterns. While nothing is
//! shown, logged or collected, bytes that end no string at all are taken in bulk.
//!
//! It does not know what time it is, and not what its owner does with a find.

use super::strings::Strings;

/// Bytes kept, as in chat(8): when so many have come, all but a tail that may still begin a match is
/// forgotten. Scripts see this only in the log, whose lines are cut there.
pub const HEARD: usize = 1_024;

/// A log line is cut after so many bytes.
const LOG_LINE: usize = 80;

/// What an abort string may be long, one less than chat's buffer; the tail kept is at least this long.
const SHORTEST_TAIL: usize = 49;

/// What a byte led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// All was taken, nothing found.
    Nothing,
    /// The expected string ended here.
    Found,
    /// This abort string ended here.
    Aborted(usize),
}

/// Which bytes end one of the strings looked for.
#[derive(Clone)]
pub(super) struct Endings([bool; 256]);

impl Endings {
    fn of<'a>(strings: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut endings = [false; 256];
        for string in strings {
            match string.last() {
                // An empty string is found after every byte.
                None => endings = [true; 256],
                Some(&last) => {
                    endings.iter_mut().skip(usize::from(last)).take(1).for_each(|e| *e = true);
                }
            }
        }
        Self(endings)
    }

    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or(true)
    }
}

/// One expect at work.
#[derive(Clone)]
pub(super) struct Listener {
    wanted: Vec<u8>,
    /// `borders[n]`: of the first `n + 1` bytes of `wanted`, the longest end that is also its beginning.
    borders: Vec<usize>,
    tail: Vec<u8>,
    /// How much of `tail` has been logged.
    logged: usize,
    endings: Endings,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("wanted", &self.wanted.len()).finish_non_exhaustive()
    }
}

impl Listener {
    /// Listens for `wanted`, which is not empty; `aborts` and `reports` do not change while it does.
    pub(super) fn new(wanted: Vec<u8>, aborts: &Strings, reports: &Strings) -> Self {
        let others = aborts.iter().chain(reports.iter()).map(|(_, string)| string);
        let endings = Endings::of(others.chain([wanted.as_slice()]));
        let borders = borders(&wanted);
        Self { wanted, borders, tail: Vec::with_capacity(HEARD), logged: 0, endings }
    }

    /// How many bytes must still come, at least, before the expected string can end.
    pub(super) fn missing(&self) -> usize {
        let reach = self.tail.len().min(self.wanted.len().saturating_sub(1));
        let recent = self.tail.get(self.tail.len() - reach..).unwrap_or_default();
        let mut matched = 0;
        for byte in recent {
            while matched > 0 && self.wanted.get(matched) != Some(byte) {
                matched = self.borders.get(matched - 1).copied().unwrap_or(0);
            }
            if self.wanted.get(matched) == Some(byte) {
                matched += 1;
            }
        }
        self.wanted.len() - matched
    }

    /// Takes bytes from the front of `bytes` that end no string, as many as there is room for, and says
    /// how many. Only for a run that shows, logs and collects nothing.
    pub(super) fn skim(&mut self, bytes: &[u8]) -> usize {
        let room = (HEARD - 1).saturating_sub(self.tail.len());
        let window = bytes.get(..room).unwrap_or(bytes);
        let ends = |b: &u8| self.endings.has(b & 0x7F);
        let plain = window.iter().position(ends).unwrap_or(window.len());
        let (plain, _) = window.split_at_checked(plain).unwrap_or((window, &[]));
        self.tail.extend(plain.iter().map(|b| b & 0x7F));
        self.logged = self.tail.len();
        plain.len()
    }

    /// Takes one byte into the tail. A newline ends a line of the log, which comes back without it.
    pub(super) fn take(&mut self, byte: u8) -> Option<Vec<u8>> {
        let byte = byte & 0x7F;
        let line = (byte == b'\n').then(|| self.unlogged());
        self.tail.push(byte);
        if line.is_some() {
            self.logged = self.tail.len();
        }
        line
    }

    /// What has been heard and not been logged, if it fills a line.
    pub(super) fn full_line(&mut self) -> Option<Vec<u8>> {
        let full = self.tail.len() - self.logged >= LOG_LINE;
        full.then(|| self.unlogged())
    }

    /// What has been heard and not been logged; it counts as logged now.
    pub(super) fn unlogged(&mut self) -> Vec<u8> {
        let line = self.tail.get(self.logged..).unwrap_or_default().to_vec();
        self.logged = self.tail.len();
        line
    }

    /// What has been heard last.
    pub(super) fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Whether the byte taken last ends a string, and which.
    pub(super) fn judge(&self, aborts: &Strings) -> Heard {
        if self.tail.ends_with(&self.wanted) {
            return Heard::Found;
        }
        aborts.heard(&self.tail).map_or(Heard::Nothing, |(number, _)| Heard::Aborted(number))
    }

    /// Forgets what can no longer be part of a match, when the buffer is full. What of it was still to be
    /// logged comes back.
    pub(super) fn forget(&mut self) -> Option<Vec<u8>> {
        if self.tail.len() < HEARD {
            return None;
        }
        let keep = self.wanted.len().saturating_sub(1).max(SHORTEST_TAIL);
        let gone = self.tail.len() - keep;
        let line = (self.logged < gone).then(|| self.unlogged());
        self.tail.drain(..gone);
        self.logged = self.logged.saturating_sub(gone);
        line
    }
}

/// For each beginning of `word` its longest proper end that is also a beginning (Knuth, Morris, Pratt).
fn borders(word: &[u8]) -> Vec<usize> {
    let mut borders: Vec<usize> = Vec::with_capacity(word.len());
    let mut matched = 0;
    for (at, byte) in word.iter().enumerate() {
        if at > 0 {
            while matched > 0 && word.get(matched) != Some(byte) {
                matched = borders.get(matched - 1).copied().unwrap_or(0);
            }
            if word.get(matched) == Some(byte) {
                matched += 1;
            }
        }
        borders.push(matched);
    }
    borders
}
