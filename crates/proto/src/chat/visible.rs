//! Bytes as people can read them: in log lines, and in what is copied to the terminal.
//!
//! Two forms, because chat(8) has two: a log line keeps a tab, an echo shows it.

/// The longest line of a log; chat(8) formats into a buffer of 1024 with its NUL.
pub const LONGEST_LOG_LINE: usize = 1_023;

/// Appends `bytes` in the form of log lines: `^M` for a control character but a tab, `M-a` for the upper half.
pub fn push_logged(out: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        push(out, byte, byte & 0x7F == b'\t');
    }
}

/// Appends one byte in the form of an echo: `^I` for a tab too.
pub fn push_shown(out: &mut Vec<u8>, byte: u8) {
    push(out, byte, false);
}

fn push(out: &mut Vec<u8>, byte: u8, keep: bool) {
    if byte >= 0x80 {
        out.extend(b"M-");
    }
    match byte & 0x7F {
        low @ (0..=0x1F | 0x7F) if !keep => out.extend([b'^', low ^ 0x40]),
        plain => out.push(plain),
    }
}

/// A log line: `shown` as [`push_logged`] does between two texts, cut where chat(8) cuts.
#[must_use]
pub fn log_line(before: &str, shown: &[u8], after: &str) -> Vec<u8> {
    let mut line = before.as_bytes().to_vec();
    push_logged(&mut line, shown);
    line.extend(after.as_bytes());
    line.truncate(LONGEST_LOG_LINE);
    line
}
