//! A chat script before it runs: the tokens of a file or of the command line, and where each stood.
//!
//! A file is read as chat(8) reads it: in pieces of at most 1023 bytes that end with their line, so an
//! overlong line is cut even inside a word. Expect and send alternate over the whole file. A quote that is
//! not closed is a fault of the place where it stands: the tokens before it are good and are carried out.
//!
//! This file does not know what a token means.

/// The longest piece of a line that is looked at as one; chat(8) has a buffer of 1024 with its NUL.
pub const LONGEST_LINE: usize = 1_023;

/// The longest script file that should be read. chat(8) has no limit; nobody has a script of this size,
/// and a device given for a script by mistake must not fill the memory.
pub const LONGEST_SCRIPT: usize = 16 << 20;

/// Where a token stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file; line and column count from 1, columns in bytes. A quoted token stands at its quote.
    Line {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// On the command line: the word's number, from 1.
    Word(usize),
}

/// One word of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its bytes: without the quotes, with all backslashes, never with a NUL.
    pub text: Vec<u8>,
    /// Where it stood.
    pub place: Place,
}

/// A quote that its line does not close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unterminated {
    /// The number that chat(8) reports: it counts pieces, so after an overlong line it runs ahead.
    pub counted_line: usize,
    /// Where the quote stands.
    pub place: Place,
}

/// A script: its tokens, and the fault that ends them, if there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    tokens: Vec<Token>,
    fault: Option<Unterminated>,
    carriage_return: Option<usize>,
}

impl Script {
    /// The words of a command line: each is one token as it is, quotes in it are bytes like others. What
    /// follows a NUL in a word is not seen, as in C.
    pub fn from_words<W: AsRef<[u8]>>(words: impl IntoIterator<Item = W>) -> Self {
        let tokens = words.into_iter().zip(1..).map(|(word, number)| Token {
            text: until_nul(word.as_ref()).to_vec(),
            place: Place::Word(number),
        });
        Self { tokens: tokens.collect(), fault: None, carriage_return: None }
    }

    /// The text of a script file.
    #[must_use]
    pub fn from_file(text: &[u8]) -> Self {
        let mut script = Self::default();
        let (mut line, mut column, mut rest) = (1, 1, text);
        for counted_line in 1.. {
            let (piece, after) = first_piece(rest);
            if piece.is_empty() {
                break;
            }
            let whole = piece.strip_suffix(b"\n").unwrap_or(piece);
            if whole.ends_with(b"\r") && script.carriage_return.is_none() {
                script.carriage_return = Some(line);
            }
            if let Err(at) = script.read_piece(until_nul(whole), line, column) {
                let place = Place::Line { line, column: column + at };
                script.fault = Some(Unterminated { counted_line, place });
                break;
            }
            if piece.len() == whole.len() {
                column += piece.len();
            } else {
                (line, column) = (line + 1, 1);
            }
            rest = after;
        }
        script
    }

    /// Takes the tokens of one piece; an unclosed quote is an `Err` with its offset.
    fn read_piece(&mut self, piece: &[u8], line: usize, column: usize) -> Result<(), usize> {
        if piece.starts_with(b"#") {
            return Ok(());
        }
        let mut at = 0;
        while let Some(&byte) = piece.get(at) {
            let rest = piece.get(at + 1..).unwrap_or_default();
            let (text, used) = match byte {
                b' ' | b'\t' => {
                    at += 1;
                    continue;
                }
                b'"' | b'\'' => {
                    let length = quoted_length(rest, byte).ok_or(at)?;
                    (rest.get(..length), length + 2)
                }
                _ => {
                    let word = piece.get(at..).unwrap_or_default();
                    let ends = |b: &u8| matches!(b, b' ' | b'\t');
                    let length = word.iter().position(ends).unwrap_or(word.len());
                    (word.get(..length), length + 1)
                }
            };
            let place = Place::Line { line, column: column + at };
            self.tokens.push(Token { text: text.unwrap_or_default().to_vec(), place });
            at += used;
        }
        Ok(())
    }

    /// The tokens, in order, up to the fault.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The quote that was never closed, if there is one: it counts when the tokens before it are done.
    #[must_use]
    pub fn fault(&self) -> Option<Unterminated> {
        self.fault
    }

    /// The first line that ends with CR LF. The CR then belongs to the line's last word, which is hardly
    /// ever meant: the file was saved on DOS.
    #[must_use]
    pub fn line_with_carriage_return(&self) -> Option<usize> {
        self.carriage_return
    }
}

/// What `fgets` would return of `text`, and what is left.
fn first_piece(text: &[u8]) -> (&[u8], &[u8]) {
    let window = text.get(..LONGEST_LINE).unwrap_or(text);
    let length = window.iter().position(|b| *b == b'\n').map_or(window.len(), |at| at + 1);
    text.split_at_checked(length).unwrap_or((text, &[]))
}

/// How many bytes stand before the closing `quote`; a backslash keeps the byte after it from closing.
fn quoted_length(text: &[u8], quote: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        match *text.get(at)? {
            b if b == quote => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The bytes before the first NUL: what C sees of a string.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == 0).next().unwrap_or_default()
}
