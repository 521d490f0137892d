//! Telephone numbers, and the only way from one of them to a dial command.
//!
//! ```text
//!   what a caller types ──► PhoneNumber::typed ─────┐
//!                                                   ├─► Dialling::render ─► DialString ─► the modem
//!   what an administrator ► PhoneNumber::configured ┘     ▲
//!                                                         └─ the line's own prefix and suffix
//! ```
//!
//! A dial command is a command line of the modem: a `;` or a CR in the number would start another
//! command (mgetty 1.2.1's `callback` executes `1;S0=1&W` that way). So the bytes of a dial command exist
//! only inside a [`DialString`], whose parts have each been parsed into an alphabet that cannot leave the
//! dial string, and [`is_dial_command`] states the grammar of the result a second time, independently.
//!
//! This file does not know who may be called: that is policy's business. It does not know modems either,
//! only V.250 §6.3.1.

use std::fmt;

mod measuring;
#[cfg(test)]
mod tests;

pub use measuring::{MeasuringCommand, is_measuring_command};

/// A telephone number as it will be dialled: an optional leading `+`, then digits, and, if an
/// administrator wrote it, `*`, `#` and the dial modifiers of V.250 §6.3.1 in upper case.
///
/// Separators are gone, so two spellings of one number compare equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(String);

/// Who wrote a number decides what it may contain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Author {
    Caller,
    Administrator,
}

impl PhoneNumber {
    /// The most digits a caller may type. E.164 §6.1 allows 15; an international prefix takes up to five
    /// more, and a private exchange's access digits and a carrier selection a few more again.
    pub const MAX: usize = 24;

    /// The most symbols an administrator may write: a calling card number with its pauses fits.
    pub const MAX_CONFIGURED: usize = 40;

    /// The longest text that is looked at at all, separators included: a caller at a prompt may send
    /// blanks for ever.
    pub const MAX_TEXT: usize = 96;

    /// The number in what a caller typed: ASCII digits with at most one `+` before the first.
    /// The separators blank, `-`, `.`, `(`, `)` and `/` are dropped; nothing else is allowed.
    ///
    /// # Errors
    /// Anything else in the text, no digit at all, more than [`Self::MAX`] digits, or a `(0)` behind a
    /// country code.
    pub fn typed(text: &[u8]) -> Result<Self, NumberFault> {
        Self::parse(text, Author::Caller, Self::MAX)
    }

    /// The number in what an administrator wrote. Besides what a caller may type: `*`, `#` and the dial
    /// modifiers `,` `W` `@` `!` `P` `T` of V.250 §6.3.1, in either letter case.
    ///
    /// # Errors
    /// As [`Self::typed`], with [`Self::MAX_CONFIGURED`] symbols as the limit.
    pub fn configured(text: &str) -> Result<Self, NumberFault> {
        Self::parse(text.as_bytes(), Author::Administrator, Self::MAX_CONFIGURED)
    }

    fn parse(text: &[u8], author: Author, max: usize) -> Result<Self, NumberFault> {
        let fault = |kind, position| Err(NumberFault { kind, position });
        let mut number = String::with_capacity(max.min(text.len()));
        let mut symbols = 0_usize;
        for (position, &byte) in text.iter().enumerate() {
            if position >= Self::MAX_TEXT {
                return fault(NumberFaultKind::TooLong { max }, position);
            }
            match byte {
                b' ' | b'-' | b'.' | b'(' | b')' | b'/' => continue,
                b'+' if number.is_empty() => {
                    number.push('+');
                    continue;
                }
                b'+' => return fault(NumberFaultKind::PlusInside, position),
                // `+49 (0)89 1234` is how people write a number for both uses at once. Whoever dials the
                // country code must leave the zero out; dialling it reaches somebody else or nobody.
                b'0' if number.starts_with('+') && in_brackets(text, position) => {
                    return fault(NumberFaultKind::TrunkZero, position);
                }
                b'0'..=b'9' => {}
                // A country code follows the `+`, not a pause.
                _ if number == "+" => return fault(NumberFaultKind::Forbidden { byte }, position),
                _ if author == Author::Administrator && is_dial_symbol(byte) => {}
                _ => return fault(NumberFaultKind::Forbidden { byte }, position),
            }
            symbols += 1;
            if symbols > max {
                return fault(NumberFaultKind::TooLong { max }, position);
            }
            number.push(char::from(byte.to_ascii_uppercase()));
        }
        if !number.bytes().any(is_keypad_key) {
            return fault(NumberFaultKind::NoDigits, text.len());
        }
        Ok(Self(number))
    }

    /// The normalised number: an optional `+`, then digits and dial symbols, without separators.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the number begins with `+`, that is, with a country code.
    #[must_use]
    pub fn is_international(&self) -> bool {
        self.0.starts_with('+')
    }

    /// Whether the number consists of digits alone, after an optional `+`.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.strip_prefix('+').unwrap_or(&self.0).bytes().all(|byte| byte.is_ascii_digit())
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for PhoneNumber {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// The key at `position` stands alone between round brackets.
fn in_brackets(text: &[u8], position: usize) -> bool {
    let before = position.checked_sub(1).and_then(|before| text.get(before));
    before == Some(&b'(') && text.get(position + 1) == Some(&b')')
}

/// What a telephone's keypad can send: V.250 §6.3.1 also has `A` to `D`, which no subscriber's number
/// contains and which would make every word of these letters a number.
const fn is_keypad_key(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'*' | b'#')
}

/// What may stand in a dial string: keys, and V.250's modifiers for pause `,`, wait for dial tone `W`,
/// wait for silence `@`, hook flash `!`, pulses `P` and tones `T`. Not `;` (more commands follow), and
/// not the letters by which vendors dial something else: `L` last number, `S=` stored number, `R` reverse.
const fn is_dial_symbol(byte: u8) -> bool {
    is_keypad_key(byte)
        || matches!(byte.to_ascii_uppercase(), b',' | b'W' | b'@' | b'!' | b'P' | b'T')
}

/// What is wrong with a text that should be a telephone number, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberFault {
    /// What is wrong.
    pub kind: NumberFaultKind,
    /// The offset of the offending byte, counted from 0; the length of the text if something is missing.
    pub position: usize,
}

/// What can be wrong with a telephone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFaultKind {
    /// There is nothing to dial in it.
    NoDigits,
    /// A byte that has no place in a number.
    Forbidden {
        /// That byte.
        byte: u8,
    },
    /// A `+` that is not at the beginning.
    PlusInside,
    /// A `(0)` behind a country code, which must not be dialled together with it.
    TrunkZero,
    /// Too many symbols, or a text too long to be looked at.
    TooLong {
        /// How many symbols a number of this origin may have.
        max: usize,
    },
}

impl fmt::Display for NumberFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let character = self.position.saturating_add(1);
        match self.kind {
            NumberFaultKind::NoDigits => f.write_str("no digit to dial"),
            NumberFaultKind::Forbidden { byte: byte @ 0x20..=0x7e } => write!(
                f,
                "character {character} ('{}') does not belong in a telephone number",
                char::from(byte)
            ),
            NumberFaultKind::Forbidden { byte } => {
                write!(
                    f,
                    "character {character} (byte 0x{byte:02x}) does not belong in a telephone number"
                )
            }
            NumberFaultKind::PlusInside => {
                write!(f, "character {character}: a '+' can only be the first character")
            }
            NumberFaultKind::TrunkZero => write!(
                f,
                "character {character}: leave the (0) out, it is not dialled after a country code"
            ),
            NumberFaultKind::TooLong { max } => {
                write!(f, "character {character}: longer than {max} digits")
            }
        }
    }
}

impl std::error::Error for NumberFault {}

/// The beginning of a line's dial command: `ATD`, `ATDT`, `ATX3DT9,`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialPrefix(String);

impl DialPrefix {
    /// The longest prefix, so that a number still fits behind it.
    pub const MAX: usize = 24;

    /// Parses `AT`, any basic commands (V.250 §5.3.1: a letter, or `&` `\` `%` `-` `*` and a letter, and
    /// a number; or `S7=60`), then `D` with nothing but dial symbols behind it. Blanks are dropped and
    /// letters become upper case.
    ///
    /// The `D` must really be the dial command: `AT&D2` is not a dial prefix although it ends alike.
    ///
    /// # Errors
    /// Anything else: the text can then not be what stands in front of a number.
    pub fn parse(text: &str) -> Result<Self, DialFault> {
        let fault = |position, what| Err(DialFault::Prefix { position, what });
        let upper = text.to_ascii_uppercase();
        if let Some(position) = upper.bytes().position(|byte| !(0x20..=0x7e).contains(&byte)) {
            return fault(position, "only printable ASCII can stand in a command");
        }
        let mut rest = upper.bytes().enumerate().filter(|&(_, byte)| byte != b' ').peekable();
        if rest.next().map(|(_, byte)| byte) != Some(b'A')
            || rest.next().map(|(_, byte)| byte) != Some(b'T')
        {
            return fault(0, "a dial prefix begins with AT");
        }
        loop {
            match rest.next() {
                None => return fault(text.len(), "no dial command D at the end"),
                Some((_, b'D')) => break,
                Some((_, b'S')) => {
                    while rest.next_if(|&(_, byte)| byte.is_ascii_digit()).is_some() {}
                    if rest.next_if(|&(_, byte)| byte == b'=').is_none() {
                        let position = rest.peek().map_or(text.len(), |&(position, _)| position);
                        return fault(position, "an S register is set like S7=60");
                    }
                }
                Some((_, b'A'..=b'Z')) => {}
                Some((position, b'&' | b'\\' | b'%' | b'-' | b'*')) => {
                    if rest.next_if(|&(_, byte)| byte.is_ascii_uppercase()).is_none() {
                        return fault(position, "a command letter must follow");
                    }
                }
                Some((position, b';')) => {
                    return fault(position, "';' would begin another command");
                }
                Some((position, _)) => {
                    return fault(position, "not a command: put it into the init commands");
                }
            }
            while rest.next_if(|&(_, byte)| byte.is_ascii_digit()).is_some() {}
        }
        if let Some((position, _)) = rest.find(|&(_, byte)| !is_dial_symbol(byte)) {
            return fault(position, "only digits, '*', '#' and , W @ ! P T can follow the D");
        }
        let prefix: String = upper.chars().filter(|&letter| letter != ' ').collect();
        if prefix.len() > Self::MAX {
            return fault(Self::MAX, "too long: put the settings into the init commands");
        }
        Ok(Self(prefix))
    }

    /// The prefix, without blanks and in upper case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DialPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How a line dials: what it puts around a number.
///
/// ```
/// use dialback_proto::dial::{DialPrefix, Dialling, PhoneNumber};
///
/// let office = Dialling::new(DialPrefix::parse("ATDT0,")?, Some("00"), "")?;
/// let mary = PhoneNumber::typed(b"+49 (89) 35 65-50")?;
/// assert_eq!(office.render(&mary)?.command(), b"ATDT0,004989356550\r");
/// assert!(PhoneNumber::typed(b"1;S0=1&W").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialling {
    prefix: DialPrefix,
    international_prefix: Option<String>,
    suffix: String,
}

impl Dialling {
    /// The longest dial command without its `AT` and CR: the command buffer of a USR Courier. Shorter
    /// buffers exist (40 at Hayes), but every number with an ordinary prefix stays below them.
    pub const MAX_COMMAND: usize = 60;

    /// `prefix` and `suffix` go around every number; `international_prefix` (`00`, `011`, `0,00`)
    /// replaces a leading `+`. A SIM modem dials the `+` itself (3GPP TS 27.007 §6.2): its international
    /// prefix is `+`.
    ///
    /// # Errors
    /// A part with a byte that cannot stand in a dial string, or longer than 16 symbols.
    pub fn new(
        prefix: DialPrefix,
        international_prefix: Option<&str>,
        suffix: &str,
    ) -> Result<Self, DialFault> {
        let international_prefix = match international_prefix {
            None => None,
            Some("+") => Some("+".to_owned()),
            Some(text) => {
                let part = dial_part(text)
                    .map_err(|position| DialFault::InternationalPrefix { position })?;
                if !part.bytes().any(is_keypad_key) {
                    return Err(DialFault::InternationalPrefix { position: text.len() });
                }
                Some(part)
            }
        };
        let suffix = dial_part(suffix).map_err(|position| DialFault::Suffix { position })?;
        Ok(Self { prefix, international_prefix, suffix })
    }

    /// The same prefix for every number and nothing else; a number with `+` is then refused.
    #[must_use]
    pub fn with_prefix(prefix: DialPrefix) -> Self {
        Self { prefix, international_prefix: None, suffix: String::new() }
    }

    /// The command that dials `number` on this line.
    ///
    /// # Errors
    /// A number with `+` on a line without an international prefix: without it `+49…` would be dialled
    /// as `49…`, which is another subscriber. Or a command longer than [`Self::MAX_COMMAND`].
    pub fn render(&self, number: &PhoneNumber) -> Result<DialString, DialFault> {
        let mut command = String::with_capacity(Self::MAX_COMMAND + 3);
        command.push_str(self.prefix.as_str());
        match (number.as_str().strip_prefix('+'), &self.international_prefix) {
            (None, _) => command.push_str(number.as_str()),
            (Some(national), Some(international_prefix)) => {
                command.push_str(international_prefix);
                command.push_str(national);
            }
            (Some(_), None) => return Err(DialFault::NoInternationalPrefix),
        }
        command.push_str(&self.suffix);
        if command.len() > Self::MAX_COMMAND + "AT".len() {
            return Err(DialFault::TooLong);
        }
        command.push('\r');
        Ok(DialString(command))
    }
}

/// A part of a dial string: dial symbols in upper case, without blanks; else where it is wrong.
fn dial_part(text: &str) -> Result<String, usize> {
    /// Longer than any access code with its pauses.
    const MAX: usize = 16;
    let mut part = String::new();
    for (position, byte) in text.bytes().enumerate() {
        if byte == b' ' {
            continue;
        }
        if !is_dial_symbol(byte) || part.len() >= MAX {
            return Err(position);
        }
        part.push(char::from(byte.to_ascii_uppercase()));
    }
    Ok(part)
}

/// What is wrong with the parts of a dial command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialFault {
    /// The dial prefix is not `AT`, commands, `D` and dial symbols.
    Prefix {
        /// The offset of the offending byte, from 0.
        position: usize,
        /// What should be there.
        what: &'static str,
    },
    /// The international prefix contains something that cannot be dialled, or nothing that can.
    InternationalPrefix {
        /// The offset of the offending byte, from 0.
        position: usize,
    },
    /// The suffix contains something that cannot be dialled.
    Suffix {
        /// The offset of the offending byte, from 0.
        position: usize,
    },
    /// The number begins with `+` and the line has no international prefix to dial for it.
    NoInternationalPrefix,
    /// The whole command is longer than [`Dialling::MAX_COMMAND`].
    TooLong,
}

impl fmt::Display for DialFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix { position, what } => {
                write!(f, "dial prefix: character {}: {what}", position.saturating_add(1))
            }
            Self::InternationalPrefix { position } => write!(
                f,
                "international prefix: character {}: write up to 16 digits, like 00 or 011, or + for a SIM modem",
                position.saturating_add(1)
            ),
            Self::Suffix { position } => write!(
                f,
                "dial suffix: character {}: only up to 16 of digits, '*', '#' and , W @ ! P T",
                position.saturating_add(1)
            ),
            Self::NoInternationalPrefix => f.write_str(
                "the number begins with '+' and the line has no international prefix: set one",
            ),
            Self::TooLong => {
                write!(f, "the dial command is longer than {} characters", Dialling::MAX_COMMAND)
            }
        }
    }
}

impl std::error::Error for DialFault {}

/// A dial command, the only thing whose bytes may follow `ATD` to a modem. It comes from
/// [`Dialling::render`] and from nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialString(String);

impl DialString {
    /// The command line for the modem, with its final CR.
    #[must_use]
    pub fn command(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for DialString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.trim_end_matches('\r'))
    }
}

/// Whether `command` is one dial command line and nothing more: `AT`, basic commands, `D`, dial symbols
/// with at least one key among them, one CR at the very end.
///
/// One `+` may stand in front of a digit, for SIM modems.
///
/// It is written as a little automaton over the finished bytes and shares nothing with the parsers above,
/// so that tests can hold one against the other.
#[must_use]
pub fn is_dial_command(command: &[u8]) -> bool {
    #[derive(PartialEq)]
    enum At {
        Command,
        Letter,
        Register,
        Number,
        Dial { keys: bool, plus: bool },
        Plus,
        End,
    }
    let Some(body) = command.strip_prefix(b"AT") else { return false };
    let mut at = At::Command;
    for &byte in body {
        at = match (at, byte) {
            (At::Command | At::Number, b'D') => At::Dial { keys: false, plus: false },
            (At::Command | At::Number, b'S') => At::Register,
            (At::Command | At::Number, b'A'..=b'Z') => At::Number,
            (At::Command | At::Number, b'&' | b'\\' | b'%' | b'-' | b'*') => At::Letter,
            (At::Letter, b'A'..=b'Z') => At::Number,
            (At::Number, b'0'..=b'9') => At::Number,
            (At::Register, b'0'..=b'9') => At::Register,
            (At::Register, b'=') => At::Number,
            (At::Dial { plus, .. }, b'0'..=b'9' | b'*' | b'#') => At::Dial { keys: true, plus },
            (dial @ At::Dial { .. }, b',' | b'W' | b'@' | b'!' | b'P' | b'T') => dial,
            (At::Dial { plus: false, .. }, b'+') => At::Plus,
            (At::Plus, b'0'..=b'9') => At::Dial { keys: true, plus: true },
            (At::Dial { keys: true, .. }, b'\r') => At::End,
            _ => return false,
        };
    }
    at == At::End
}
