//! The sequences in strings, `^M` and `<cr>` and `\"`, and what they stand for.
//!
//! They are interpreted when a string is sent or waited for, not when it is read: the manual has `transmit` without
//! `raw` interpret them in the *value* of `$USERID`. So `"^" + "M"` sends a CR, and two strings are equal when they
//! are written alike.

/// The bytes that a string stands for.
///
/// `^@` to `^_` and `^a` to `^z` are control characters, `<cr>` and `<lf>` those two, and a backslash takes the
/// meaning from `"`, `^`, `<` and itself. Everything else stands for itself.
#[must_use]
pub fn interpret(written: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written;
    while let Some((&first, after)) = rest.split_first() {
        let (byte, length) = match (first, after.first()) {
            (b'^', Some(&letter @ b'@'..=b'_')) => (letter - b'@', 2),
            (b'^', Some(&letter @ b'a'..=b'z')) => (letter - b'a' + 1, 2),
            (b'\\', Some(&plain @ (b'"' | b'^' | b'<' | b'\\'))) => (plain, 2),
            (b'<', _) if begins(rest, b"<cr>") => (b'\r', 4),
            (b'<', _) if begins(rest, b"<lf>") => (b'\n', 4),
            (byte, _) => (byte, 1),
        };
        bytes.push(byte);
        rest = rest.get(length..).unwrap_or_default();
    }
    bytes
}

/// The backslashes in a string that take no meaning away, each with the character behind it.
pub(super) fn odd_escapes(written: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let mut protected = false;
    written.iter().zip(written.iter().skip(1)).enumerate().filter_map(
        move |(at, (&byte, &next))| {
            let escapes = byte == b'\\' && !std::mem::take(&mut protected);
            protected = escapes;
            (escapes && !b"\"^<\\".contains(&next)).then_some((at, next))
        },
    )
}

fn begins(text: &[u8], sequence: &[u8]) -> bool {
    text.get(..sequence.len()).is_some_and(|start| start.eq_ignore_ascii_case(sequence))
}
