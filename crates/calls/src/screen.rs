//! What a caller saw of our own text: the beginning and the end of it, for the story of the call.
//!
//! Only what we say ourselves is kept (issue, prompt, echo, messages), and of that nothing from the moment when a
//! proof is asked for until it is given: a secret may be typed where it is echoed. What a program says to a caller
//! is his and the program's business and is never kept.

/// How much of the beginning is kept: an issue and the first prompt.
const FIRST: usize = 240;
/// How much of the end: the last messages, which say why a call ended.
const LAST: usize = 400;
/// What stands where something is left out.
const LEFT_OUT: &str = "[...]";

/// See the file's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Screen {
    first: String,
    last: String,
    /// Something between the two is gone.
    cut: bool,
}

impl Screen {
    /// We said this.
    pub(crate) fn show(&mut self, octets: &[u8]) {
        for &octet in octets {
            // Callers with parity or with control sequences in an issue: what a journal may hold is printable.
            let letter = match octet & 0x7f {
                b'\n' => '\n',
                printable @ 0x20..=0x7e => char::from(printable),
                _ => continue,
            };
            self.put(letter);
        }
    }

    /// We said something that nobody else may read.
    pub(crate) fn hide(&mut self) {
        let end = if self.last.is_empty() { &self.first } else { &self.last };
        if !end.ends_with(LEFT_OUT) {
            LEFT_OUT.chars().for_each(|letter| self.put(letter));
        }
    }

    fn put(&mut self, letter: char) {
        if self.last.is_empty() && self.first.len() < FIRST {
            return self.first.push(letter);
        }
        self.last.push(letter);
        // Shortened seldom, so that each letter costs nothing.
        if self.last.len() >= 2 * LAST {
            self.last.drain(..self.last.len() - LAST);
            self.cut = true;
        }
    }

    /// All of it, in lines; `None` if nothing was said.
    pub(crate) fn text(&self) -> Option<String> {
        let over = self.last.len().saturating_sub(LAST);
        // Printable ASCII: every octet is a letter.
        let last = self.last.get(over..).unwrap_or_default();
        let between = if self.cut || over > 0 { LEFT_OUT } else { "" };
        let text = format!("{}{between}{last}", self.first);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let text = lines.join("\n").trim().to_owned();
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(shown: &[&[u8]]) -> Option<String> {
        let mut screen = Screen::default();
        shown.iter().for_each(|octets| screen.show(octets));
        screen.text()
    }

    #[test]
    fn what_was_said_is_kept_in_lines_and_printable() {
        assert_eq!(after(&[]), None);
        assert_eq!(after(&[b"\r\n\r\n"]), None);
        assert_eq!(
            after(&[b"Welcome  \r\n\x1b[1morion!login: ", b"al", b"ice\r\n\xe1\r\n"]).as_deref(),
            Some("Welcome\n[1morion!login: alice\na")
        );
    }

    #[test]
    fn of_much_the_beginning_and_the_end_are_kept() {
        let many: Vec<String> = (0..10_000).map(|n| format!("line {n}\n")).collect();
        let many: Vec<&[u8]> = many.iter().map(String::as_bytes).collect();
        let text = after(&many).expect("text");
        assert!(text.len() <= FIRST + LAST + LEFT_OUT.len(), "{}", text.len());
        assert!(text.starts_with("line 0\nline 1\n") && text.ends_with("line 9999"), "{text}");
        assert_eq!(text.matches(LEFT_OUT).count(), 1);
    }

    #[test]
    fn where_a_proof_is_asked_for_there_is_one_mark() {
        let mut screen = Screen::default();
        screen.show(b"login: alice\r\n");
        screen.hide();
        screen.hide();
        screen.show(b"\r\nGood-bye.\r\n");
        assert_eq!(screen.text().as_deref(), Some("login: alice\n[...]\nGood-bye."));
    }
}
