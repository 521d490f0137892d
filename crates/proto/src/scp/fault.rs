//! What is wrong with a script, where, and how to mend it.
//!
//! Faults are collected, never only the first: a script that is tried on a telephone line costs a call for each
//! mistake. This file does not know how a fault is shown; whoever does turns the [`Span`] into carets.

use std::fmt;

/// Beyond this many faults nothing more is collected: the file is then no script at all, and 64 KiB of something
/// else would give as many sentences.
pub const MAX_FAULTS: usize = 100;

/// A stretch of a script, in bytes from its start; `end` is the byte after its last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

impl Span {
    /// From the start of `self` to the end of `last`.
    #[must_use]
    pub const fn to(self, last: Self) -> Self {
        Self { start: self.start, end: last.end }
    }

    /// The bytes of `source` that it covers; none where it lies outside.
    #[must_use]
    pub fn of(self, source: &[u8]) -> &[u8] {
        source.get(self.start..self.end).unwrap_or_default()
    }
}

/// Whether the script can run in spite of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It can't; nothing is sent.
    Error,
    /// It can, but perhaps not as somebody meant it, or not on Windows.
    Warning,
}

/// One thing that is wrong or suspicious.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub span: Span,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// How to mend it; empty where the message says it all.
    pub cure: String,
}

impl Fault {
    pub(super) fn error(span: Span, message: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { severity: Severity::Error, span, message: message.into(), cure: cure.into() }
    }

    pub(super) fn warning(span: Span, message: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, span, message: message.into(), cure: cure.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.cure.is_empty() { Ok(()) } else { write!(f, ": {}", self.cure) }
    }
}

/// The faults found so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    list: Vec<Fault>,
    errors: bool,
}

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        // An error that is not listed any more must still keep the script from running.
        self.errors |= fault.severity == Severity::Error;
        if self.list.len() < MAX_FAULTS {
            self.list.push(fault);
        }
    }

    /// Whether one of them keeps the script from running.
    pub(super) const fn any_error(&self) -> bool {
        self.errors
    }

    /// All of them, in the order of reading.
    pub(super) fn sorted(mut self) -> Vec<Fault> {
        self.list.sort_by_key(|fault| (fault.span, fault.severity));
        self.list
    }
}

/// Where each line of a script begins, to tell people a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines(Vec<usize>);

impl Lines {
    /// The lines of `source`.
    #[must_use]
    pub fn new(source: &[u8]) -> Self {
        let newlines = source.iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
        Self(std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect())
    }

    /// The line of a byte, counted from 1.
    #[must_use]
    pub fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|&start| start <= offset).max(1)
    }

    /// The column of a byte on its line, counted from 1, in bytes.
    #[must_use]
    pub fn column(&self, offset: usize) -> usize {
        let start = self.0.get(self.line(offset) - 1).copied().unwrap_or_default();
        offset.saturating_sub(start) + 1
    }
}
