//! Who calls, as far as the modem tells it, in every dialect that modems have.
//!
//! Caller ID comes between the first and the second ring, in lines of which no two makers agree on the
//! spelling. The dialects are rows of a table. A [`CallerId`] accumulates the fields of one call.
//!
//! Caller ID is a hint, never an identity: anybody with a digital line sends what he likes. This file
//! therefore has no way from a [`Caller`] to a number that could be dialled.

use std::fmt;

use super::result::{Ring, after};

#[cfg(test)]
mod tests;

/// The longest value kept of a field. Bellcore's name field has 15 characters, V.253 numbers 20.
pub const MAX_VALUE: usize = 64;

/// Who the caller is said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A number, as it was written: digits, perhaps with `+`, `-` or brackets.
    Number(String),
    /// The caller has his number withheld (`P`).
    Private,
    /// The number is not known here (`O`): a foreign or an old exchange.
    OutOfArea,
}

impl Caller {
    /// Reads the value of a number field. `None` if it is empty.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim().trim_matches('"').trim();
        if value.is_empty() {
            return None;
        }
        let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(value));
        // `P` and `O` are Bellcore's reasons for absence (GR-30), the words are ZyXEL's and NCID's.
        if is(&["P", "PRIVATE", "WITHHELD", "ANONYMOUS", "BLOCKED", "RESTRICTED", "NUMBER BLOCKED"])
        {
            return Some(Self::Private);
        }
        if is(&[
            "O",
            "OUT OF AREA",
            "OUT-OF-AREA",
            "OUT_OF_AREA",
            "UNAVAILABLE",
            "UNKNOWN",
            "NUMBER UNAVAILABLE",
        ]) {
            return Some(Self::OutOfArea);
        }
        Some(Self::Number(printable(value)))
    }
}

impl fmt::Display for Caller {
    /// The number, or mgetty's letters `P` and `O`, which dialin.config matches.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Number(number) => number,
            Self::Private => "P",
            Self::OutOfArea => "O",
        })
    }
}

/// One fact about a call that is ringing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// Who calls.
    Caller(Caller),
    /// The name that the exchange has for the number.
    Name(String),
    /// The date, as the exchange writes it: month and day, `0328`.
    Date(String),
    /// The time: `1429`.
    Time(String),
    /// A message in hexadecimal, which may hide a number (see [`number_in_message`]).
    Message(String),
    /// The number that was called.
    Called(String),
    /// The number that diverted the call to us.
    Diverting(String),
}

/// What a line's word says that its value is.
#[derive(Clone, Copy)]
enum Kind {
    Caller,
    Name,
    Date,
    Time,
    Message,
    Called,
    Diverting,
}

/// The dialects: what a line begins with, and what follows. Letters count in either case and blanks
/// around `=` and `:` do not count, so `NMBR = 1`, `NMBR=1` and `nmbr =1` are one row.
const DIALECTS: &[(&str, char, Kind)] = &[
    // Rockwell and everybody who followed; also V.253 §9.2.3.1.
    ("DATE", '=', Kind::Date),
    ("TIME", '=', Kind::Time),
    ("NMBR", '=', Kind::Caller),
    ("NAME", '=', Kind::Name),
    ("MESG", '=', Kind::Message),
    // Rockwell chips on an exchange with direct dialling in.
    ("DDN_NMBR", '=', Kind::Caller),
    // Kortex Adaptix 56000.
    ("NBR", '=', Kind::Caller),
    // Digi DataFIRE; the called number, so that one trunk serves several services.
    ("NDID", '=', Kind::Called),
    // ZyXEL 1496.
    ("CALLER NAME", ':', Kind::Name),
    ("CALLER NUMBER", ':', Kind::Caller),
    ("REASON FOR NO CALLER NUMBER", ':', Kind::Caller),
    ("REASON FOR NO CALLER NAME", ':', Kind::Name),
    ("TIME", ':', Kind::Time),
    // isdn4linux.
    ("CALLED NUMBER", ':', Kind::Called),
    ("CALLER'S NUMBER", ':', Kind::Caller),
    // USR Courier with Russian firmware.
    ("CALLERID", ':', Kind::Caller),
    // ZyXEL Omni in Sweden.
    ("DIVERTING NUMBER", ':', Kind::Diverting),
];

/// The fields in a line of a modem. None if the line is not about the caller; two where one line names
/// both ends of the call (`FM:0891234 TO:5678`).
#[must_use]
pub fn parse_line(line: &[u8]) -> Vec<Field> {
    let Ok(line) = std::str::from_utf8(line) else { return Vec::new() };
    let line = line.trim();
    if let Some(value) = after(line, "+CLIP:") {
        return clip(value).into_iter().collect();
    }
    if let Some(from) = after(line, "FM:") {
        // ZyXEL 2864: `FM:from TO:to`, either of them perhaps empty.
        let (from, to) = match from.split_once("TO:") {
            Some((from, to)) => (from, Some(to)),
            None => (from, None),
        };
        let caller = Caller::parse(from).map(Field::Caller);
        return caller.into_iter().chain(to.and_then(called)).collect();
    }
    if let Some(to) = after(line, "TO:") {
        return called(to).into_iter().collect();
    }
    let Some(at) = line.find(['=', ':']) else { return elink(line).into_iter().collect() };
    let (word, value) = line.split_at(at);
    let Some(sign) = value.chars().next() else { return Vec::new() };
    let (word, value) = (word.trim_end(), value.trim_start_matches(sign).trim());
    DIALECTS
        .iter()
        .find(|&&(known, separator, _)| separator == sign && known.eq_ignore_ascii_case(word))
        .and_then(|&(_, _, kind)| field(kind, value))
        .into_iter()
        .collect()
}

fn called(value: &str) -> Option<Field> {
    let value = value.trim();
    (!value.is_empty()).then(|| Field::Called(printable(value)))
}

/// `+CLIP: "+49891234",145,"",0,"Mary",1` (3GPP TS 27.007 §7.6): number, type, subaddress, its type,
/// name, validity. Validity 1 is withheld, 2 not available.
fn clip(value: &str) -> Option<Field> {
    let mut parts = value.split(',').map(str::trim);
    let number = parts.next()?.trim_matches('"');
    let validity = parts.nth(4);
    let caller = match (Caller::parse(number), validity) {
        (Some(caller), _) => Some(caller),
        (None, Some("1")) => Some(Caller::Private),
        (None, _) => Some(Caller::OutOfArea),
    };
    caller.map(Field::Caller)
}

/// The ELINK 301 ISDN modem says the caller's number alone on a line. Three digits are an S register's
/// answer and fewer a numeric result code, so a number begins at four.
fn elink(line: &str) -> Option<Field> {
    let number = line.len() >= 4 && line.bytes().all(|key| key.is_ascii_digit());
    number.then(|| Field::Caller(Caller::Number(printable(line))))
}

fn field(kind: Kind, value: &str) -> Option<Field> {
    if value.is_empty() {
        return None;
    }
    Some(match kind {
        Kind::Caller => Field::Caller(Caller::parse(value)?),
        Kind::Name => Field::Name(printable(value)),
        Kind::Date => Field::Date(printable(value)),
        Kind::Time => Field::Time(printable(value)),
        Kind::Message => Field::Message(printable(value)),
        Kind::Called => Field::Called(printable(value)),
        Kind::Diverting => Field::Diverting(printable(value)),
    })
}

/// The value with every control character as a blank, at most [`MAX_VALUE`] characters of it: it comes
/// over the telephone line from a stranger and ends in logs and environment variables.
fn printable(value: &str) -> String {
    let clean = |letter: char| if letter.is_control() { ' ' } else { letter };
    value.trim().chars().take(MAX_VALUE).map(clean).collect()
}

/// The caller in a raw Bellcore message as Rockwell modems print it where they cannot read it (Bell
/// Canada): parameter type, length and value in hexadecimal, `03 07 35 35 35 31 32 31 32` for 5551212.
///
/// Parameter 02 or 03 is the number, 04 or 0B the reason why there is none (Telcordia GR-30, GR-31).
#[must_use]
pub fn number_in_message(message: &str) -> Option<Caller> {
    let mut bytes = hex(message)?.into_iter();
    while let (Some(parameter), Some(length)) = (bytes.next(), bytes.next()) {
        let value: Vec<u8> = bytes.by_ref().take(usize::from(length)).collect();
        if value.len() < usize::from(length) {
            return None;
        }
        let value = String::from_utf8(value).ok()?;
        match parameter {
            2 | 3 if value.bytes().all(|key| key.is_ascii_digit()) => return Caller::parse(&value),
            4 | 0x0b => return Caller::parse(&value),
            _ => {}
        }
    }
    None
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let nibbles: Vec<u8> = text
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|digit| digit.to_digit(16).and_then(|nibble| u8::try_from(nibble).ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = nibbles.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|&[high, low]| high << 4 | low).collect())
}

/// Everything that the modem has told about one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerId {
    /// Who calls; `None` if the modem said nothing.
    pub caller: Option<Caller>,
    /// The caller's name.
    pub name: Option<String>,
    /// The exchange's date, as it writes it.
    pub date: Option<String>,
    /// The exchange's time, as it writes it.
    pub time: Option<String>,
    /// The number that was called.
    pub called: Option<String>,
    /// The number that diverted the call.
    pub diverting: Option<String>,
}

impl CallerId {
    /// Nothing known yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { caller: None, name: None, date: None, time: None, called: None, diverting: None }
    }

    /// Adds one field. Modems repeat themselves; the last word counts, but a real number is not replaced
    /// by the reason why another line has none.
    pub fn hear(&mut self, field: Field) {
        match field {
            Field::Caller(caller) => self.hear_caller(caller),
            Field::Message(message) => {
                if let Some(caller) = number_in_message(&message) {
                    self.hear_caller(caller);
                }
            }
            Field::Name(name) => self.name = Some(name),
            Field::Date(date) => self.date = Some(date),
            Field::Time(time) => self.time = Some(time),
            Field::Called(called) => self.called = Some(called),
            Field::Diverting(number) => self.diverting = Some(number),
        }
    }

    /// Adds what came with a ring (ELSA, isdn4linux, Zoom, USR).
    pub fn hear_ring(&mut self, ring: &Ring) {
        if let Some(caller) = &ring.caller {
            self.hear_caller(caller.clone());
        }
        if let Some(called) = &ring.called {
            self.called = Some(called.clone());
        }
    }

    fn hear_caller(&mut self, caller: Caller) {
        match (&self.caller, &caller) {
            (Some(Caller::Number(_)), Caller::Private | Caller::OutOfArea) => {}
            (_, Caller::Number(_) | Caller::Private | Caller::OutOfArea) => {
                self.caller = Some(caller);
            }
        }
    }
}

impl fmt::Display for CallerId {
    /// The number, `P`, `O`, or mgetty's `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.caller {
            Some(caller) => caller.fmt(f),
            None => f.pad("none"),
        }
    }
}
