//! A script as words, numbers, strings and marks.
//!
//! White space and comments only separate; that a word is the first on its line is remembered, because the number
//! of a `getip` must stand on the line of its word. Bytes are bytes: a script written under code page 850 or in
//! UTF-8 sends what was written. This file does not know what may follow what.

use super::fault::{Fault, Faults, Span};

/// A reserved word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    And,
    Boolean,
    Databits,
    Delay,
    Do,
    Endif,
    Endproc,
    Endwhile,
    Even,
    False,
    Getip,
    Goto,
    Halt,
    If,
    Integer,
    Ipaddr,
    Keyboard,
    Mark,
    Matchcase,
    None,
    Odd,
    Off,
    On,
    Or,
    Parity,
    Port,
    Proc,
    Raw,
    Screen,
    Set,
    Space,
    Stopbits,
    String,
    Then,
    Transmit,
    True,
    Until,
    Waitfor,
    While,
}

/// The reserved words, as the manual spells them.
const WORDS: [(&str, Word); 39] = [
    ("and", Word::And),
    ("boolean", Word::Boolean),
    ("databits", Word::Databits),
    ("delay", Word::Delay),
    ("do", Word::Do),
    ("endif", Word::Endif),
    ("endproc", Word::Endproc),
    ("endwhile", Word::Endwhile),
    ("even", Word::Even),
    ("FALSE", Word::False),
    ("getip", Word::Getip),
    ("goto", Word::Goto),
    ("halt", Word::Halt),
    ("if", Word::If),
    ("integer", Word::Integer),
    ("ipaddr", Word::Ipaddr),
    ("keyboard", Word::Keyboard),
    ("mark", Word::Mark),
    ("matchcase", Word::Matchcase),
    ("none", Word::None),
    ("odd", Word::Odd),
    ("off", Word::Off),
    ("on", Word::On),
    ("or", Word::Or),
    ("parity", Word::Parity),
    ("port", Word::Port),
    ("proc", Word::Proc),
    ("raw", Word::Raw),
    ("screen", Word::Screen),
    ("set", Word::Set),
    ("space", Word::Space),
    ("stopbits", Word::Stopbits),
    ("string", Word::String),
    ("then", Word::Then),
    ("transmit", Word::Transmit),
    ("TRUE", Word::True),
    ("until", Word::Until),
    ("waitfor", Word::Waitfor),
    ("while", Word::While),
];

impl Word {
    /// As the manual spells it.
    pub(super) fn spelling(self) -> &'static str {
        WORDS.iter().find(|(_, word)| *word == self).map_or("", |(spelling, _)| spelling)
    }
}

/// The reserved word that `wrong` may be a slip of the pen for.
pub(super) fn nearest_word(wrong: &[u8]) -> Option<&'static str> {
    let wrong = wrong.to_ascii_lowercase();
    let near = |spelling: &str| one_slip(&wrong, spelling.to_ascii_lowercase().as_bytes());
    WORDS.iter().map(|(spelling, _)| *spelling).find(|spelling| near(spelling))
}

/// A value that the connection gives, not the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    /// `$USERID`
    UserId,
    /// `$PASSWORD`
    Password,
    /// `$SUCCESS`: whether the last wait found something.
    Success,
    /// `$FAILURE`: the opposite.
    Failure,
}

const SYSTEM: [(&str, System); 4] = [
    ("$USERID", System::UserId),
    ("$PASSWORD", System::Password),
    ("$SUCCESS", System::Success),
    ("$FAILURE", System::Failure),
];

/// An operator or a punctuation mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Plus,
    Minus,
    Times,
    Over,
    Less,
    Greater,
    AtMost,
    AtLeast,
    Equal,
    Unequal,
    Assign,
    Not,
    Open,
    Close,
    Comma,
    Colon,
}

/// Longest first: `<=` is not `<` and `=`.
const MARKS: [(&[u8], Mark); 16] = [
    (b"<=", Mark::AtMost),
    (b">=", Mark::AtLeast),
    (b"==", Mark::Equal),
    (b"!=", Mark::Unequal),
    (b"+", Mark::Plus),
    (b"-", Mark::Minus),
    (b"*", Mark::Times),
    (b"/", Mark::Over),
    (b"<", Mark::Less),
    (b">", Mark::Greater),
    (b"=", Mark::Assign),
    (b"!", Mark::Not),
    (b"(", Mark::Open),
    (b")", Mark::Close),
    (b",", Mark::Comma),
    (b":", Mark::Colon),
];

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word(Word),
    Name,
    Integer(i32),
    /// A string; its span includes the quotes.
    Text,
    System(System),
    Mark(Mark),
    /// The end of the script.
    End,
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
    /// Whether it is the first of its line.
    pub(super) first: bool,
}

/// A UTF-8 byte order mark, which later editions of Notepad put in front.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What DOS editors put at the end of a file.
const DOS_END: u8 = 0x1a;

/// The tokens of `source`, the last one being [`Kind::End`]. What is no token is a fault and left out.
pub(super) fn tokens(source: &[u8], faults: &mut Faults) -> Vec<Token> {
    let mut lexer = Lexer { source, at: 0, first: true, tokens: Vec::new(), faults };
    if source.starts_with(BYTE_ORDER_MARK) {
        lexer.at = BYTE_ORDER_MARK.len();
    }
    while lexer.next() {}
    lexer.tokens
}

struct Lexer<'a> {
    source: &'a [u8],
    at: usize,
    first: bool,
    tokens: Vec<Token>,
    faults: &'a mut Faults,
}

impl Lexer<'_> {
    fn rest(&self) -> &[u8] {
        self.source.get(self.at..).unwrap_or_default()
    }

    /// One token, blank or comment. `false` after the end.
    fn next(&mut self) -> bool {
        let start = self.at;
        let rest = self.rest();
        let Some(&byte) = rest.first() else {
            self.push(Kind::End, 0);
            return false;
        };
        match byte {
            b'\n' => {
                self.at += 1;
                self.first = true;
            }
            b' ' | b'\t' | b'\r' | 0x0b | 0x0c => self.at += 1,
            b';' => self.at += run(rest, |byte| byte != b'\n'),
            b'0'..=b'9' => self.number(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b'$' => self.system(),
            b'"' => self.text(),
            DOS_END if rest.iter().all(|byte| byte.is_ascii_whitespace() || *byte == DOS_END) => {
                self.at = self.source.len();
            }
            _ => match MARKS.iter().find(|(text, _)| rest.starts_with(text)) {
                Some(&(text, mark)) => self.push(Kind::Mark(mark), text.len()),
                None => self.stray(),
            },
        }
        debug_assert!(self.at > start, "the lexer stands still at {start}");
        true
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let span = Span { start: self.at, end: self.at + length };
        self.tokens.push(Token { kind, span, first: self.first });
        self.first = false;
        self.at = span.end;
    }

    fn number(&mut self) {
        let length = run(self.rest(), |byte| byte.is_ascii_digit());
        let span = Span { start: self.at, end: self.at + length };
        let digits = std::str::from_utf8(span.of(self.source)).unwrap_or_default();
        let value = digits.parse().unwrap_or_else(|_| {
            let message = format!("the number {digits} is too large");
            self.faults.push(Fault::error(span, message, "the largest is 2147483647"));
            0
        });
        self.push(Kind::Integer(value), length);
        if self.rest().first().is_some_and(|&byte| is_name(byte)) {
            let message = "a word follows the number without a blank";
            self.faults.push(Fault::warning(span, message, "put a blank between them"));
        }
    }

    fn word(&mut self) {
        let length = run(self.rest(), is_name);
        let span = Span { start: self.at, end: self.at + length };
        let text = span.of(self.source);
        let known =
            WORDS.iter().find(|(spelling, _)| spelling.as_bytes().eq_ignore_ascii_case(text));
        let Some(&(spelling, word)) = known else {
            return self.push(Kind::Name, length);
        };
        if spelling.as_bytes() != text {
            let message = format!("the manual spells this word {spelling}");
            let cure = "Windows may insist on it: spell it so";
            self.faults.push(Fault::warning(span, message, cure));
        }
        self.push(Kind::Word(word), length);
    }

    fn system(&mut self) {
        let name = run(self.rest().get(1..).unwrap_or_default(), is_name);
        let span = Span { start: self.at, end: self.at + 1 + name };
        let text = span.of(self.source);
        let known =
            SYSTEM.iter().find(|(spelling, _)| spelling.as_bytes().eq_ignore_ascii_case(text));
        let cure = "there are $USERID, $PASSWORD, $SUCCESS and $FAILURE";
        let Some(&(spelling, system)) = known else {
            let message = format!("{} is not known", text.escape_ascii());
            self.faults.push(Fault::error(span, message, cure));
            // Whatever it was meant to be, it is a string more often than not.
            return self.push(Kind::System(System::UserId), 1 + name);
        };
        if spelling.as_bytes() != text {
            let message = format!("the manual spells this name {spelling}");
            let cure = "Windows may insist on it: spell it so";
            self.faults.push(Fault::warning(span, message, cure));
        }
        self.push(Kind::System(system), 1 + name);
    }

    /// A string ends at the next quote that no backslash protects, on the same line.
    fn text(&mut self) {
        let mut bytes = self.rest().iter().enumerate().skip(1);
        let mut length = None;
        let mut line = self.rest().len();
        while let Some((at, &byte)) = bytes.next() {
            match byte {
                b'"' => {
                    length = Some(at + 1);
                    break;
                }
                b'\n' => {
                    line = at;
                    break;
                }
                // A line end is not protected: the string has no end then.
                b'\\' if self.rest().get(at + 1) != Some(&b'\n') => drop(bytes.next()),
                _ => {}
            }
        }
        if let Some(length) = length {
            return self.push(Kind::Text, length);
        }
        let line = self.rest().get(..line).unwrap_or_default().trim_ascii_end().len();
        let span = Span { start: self.at, end: self.at + line };
        let cure = "end it with \" on the line that it begins on; a quote inside is written \\\"";
        self.faults.push(Fault::error(span, "the string has no end", cure));
        self.push(Kind::Text, line);
    }

    /// Bytes that begin nothing, as one fault.
    fn stray(&mut self) {
        let length = run(self.rest(), |byte| {
            !byte.is_ascii_whitespace()
                && !is_name(byte)
                && !b"\";$".contains(&byte)
                && !MARKS.iter().any(|(text, _)| text.contains(&byte))
        });
        let span = Span { start: self.at, end: self.at + length.max(1) };
        let shown = span.of(self.source).escape_ascii();
        let cure = "text belongs into quotes, remarks behind a semicolon";
        self.faults.push(Fault::error(span, format!("{shown} means nothing here"), cure));
        self.at = span.end;
        self.first = false;
    }
}

fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|&&byte| belongs(byte)).count()
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether two names differ by one letter: another one, one more, one less, or two that changed places.
pub(super) fn one_slip(one: &[u8], other: &[u8]) -> bool {
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (a, b) = (one.get(same..).unwrap_or_default(), other.get(same..).unwrap_or_default());
    match (a, b) {
        ([], []) => false,
        ([_, rest @ ..], [_, other @ ..]) if rest == other => true,
        ([x, y, rest @ ..], [p, q, other @ ..]) if (x, y) == (q, p) && rest == other => true,
        ([_, rest @ ..], all) if rest == all => true,
        (all, [_, rest @ ..]) => rest == all,
        (_, []) => false,
    }
}
