//! What a modem says about a call: result codes, in words (`V1`) and in numbers (`V0`).
//!
//! V.250 §5.7.1 knows ten result codes; forty years of modems know more words, and more spellings of
//! those. They are rows of the tables below. [`ResultCode`]'s `Display` gives the standard word back.
//!
//! This file reads single lines. It does not know where a line ends (that is
//! [`reader`](super::reader)) nor what a call is.

use std::fmt;

use super::caller_id::Caller;

#[cfg(test)]
mod tests;

/// A result code (V.250 §5.7.1) or an unsolicited word of the same kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultCode {
    /// The command line was carried out.
    Ok,
    /// The modems are connected: the modem is in the online state from here on.
    Connect(Connect),
    /// The telephone rings.
    Ring(Ring),
    /// There is no carrier: lost, never found, or the attempt was broken off.
    NoCarrier,
    /// The command line was refused. Also `+CME ERROR` and `+CMS ERROR` of GSM modems.
    Error,
    /// No dial tone on the line (`X2`, `X4`).
    NoDialtone,
    /// The called line is engaged (`X3`, `X4`).
    Busy,
    /// It rang and nobody answered, or there was no silence for `@`.
    NoAnswer,
    /// A human voice answered.
    Voice,
    /// The called telephone rings: not an outcome yet.
    RingBack,
    /// The modem refuses to dial this number for some time (national rules about repeated calls).
    Delayed,
    /// The modem refuses to dial this number for good.
    Blacklisted,
    /// The modem is locked by a password or a keypad lock and does not dial.
    Locked,
    /// Another telephone on the same line is off-hook.
    LineInUse,
    /// The call is a fax; a [`ResultCode::Connect`] may follow.
    Fax,
    /// The call is data; a [`ResultCode::Connect`] follows.
    Data,
}

/// What a modem says with `CONNECT`, together with what it said in the lines just before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connect {
    /// Everything it said: `33600/ARQ/V34/LAPM/V42BIS`, or `115200/CARRIER 33600/PROTOCOL: LAP-M`.
    /// Empty after a bare `CONNECT`.
    pub text: String,
    /// The speed on the telephone line in bit/s, receiving, as far as the modem told it. Modems that
    /// report the speed of the serial port instead, and nothing more, cannot be told from the others.
    pub speed: Option<u32>,
}

/// One ring, and what came with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    /// The distinctive ring: 0 for an ordinary one, `RING A` and `RING 1` are 1.
    pub kind: u8,
    /// Who calls, if the ring says so.
    pub caller: Option<Caller>,
    /// The number that was called, if the ring says so (ISDN).
    pub called: Option<String>,
}

/// What a numeric result code stands for depends on who made the modem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumericCodes {
    /// V.250's numbers 0 to 8 and Hayes's 10 to 12, which everybody shares.
    #[default]
    Hayes,
    /// Rockwell and Conexant (Conexant 100722A, table 3-15), also most soft modems.
    Rockwell,
    /// U.S. Robotics Courier and Sportster (Courier manual, "Result Code" table).
    Courier,
    /// ZyXEL (Comet 336 and Omni manuals, "Result Codes").
    Zyxel,
}

impl ResultCode {
    /// Whether a dialling or answering modem has said its last word with this, so that the next command
    /// may be sent (or, after [`Self::Connect`], data).
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Ring(_) | Self::RingBack | Self::Fax | Self::Data => false,
            Self::Ok
            | Self::Connect(_)
            | Self::NoCarrier
            | Self::Error
            | Self::NoDialtone
            | Self::Busy
            | Self::NoAnswer
            | Self::Voice
            | Self::Delayed
            | Self::Blacklisted
            | Self::Locked
            | Self::LineInUse => true,
        }
    }

    /// The standard word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Connect(_) => "CONNECT",
            Self::Ring(_) => "RING",
            Self::NoCarrier => "NO CARRIER",
            Self::Error => "ERROR",
            Self::NoDialtone => "NO DIALTONE",
            Self::Busy => "BUSY",
            Self::NoAnswer => "NO ANSWER",
            Self::Voice => "VOICE",
            Self::RingBack => "RINGING",
            Self::Delayed => "DELAYED",
            Self::Blacklisted => "BLACKLISTED",
            Self::Locked => "DIAL LOCKED",
            Self::LineInUse => "LINE IN USE",
            Self::Fax => "FAX",
            Self::Data => "DATA",
        }
    }
}

/// What a result code is to somebody who gave a command that neither dials nor answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was carried out.
    Ok,
    /// It was refused.
    Error,
    /// There is no call (any more).
    NoCarrier,
    /// There is a call.
    Connect,
    /// No answer: something about the line, which may come at any time.
    None,
}

impl ResultCode {
    pub(super) const fn answer(&self) -> Answer {
        match self {
            Self::Ok => Answer::Ok,
            Self::Error => Answer::Error,
            Self::NoCarrier => Answer::NoCarrier,
            Self::Connect(_) => Answer::Connect,
            Self::Ring(_)
            | Self::NoDialtone
            | Self::Busy
            | Self::NoAnswer
            | Self::Voice
            | Self::RingBack
            | Self::Delayed
            | Self::Blacklisted
            | Self::Locked
            | Self::LineInUse
            | Self::Fax
            | Self::Data => Answer::None,
        }
    }
}

impl fmt::Display for ResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        if let Self::Connect(Connect { text, .. }) = self
            && !text.is_empty()
        {
            write!(f, " {text}")?;
        }
        if let Self::Ring(Ring { kind: kind @ 1.., .. }) = self {
            write!(f, " {kind}")?;
        }
        Ok(())
    }
}

/// The words that stand alone on their line, in every spelling seen, and what they mean.
const WORDS: &[(&str, ResultCode)] = &[
    ("OK", ResultCode::Ok),
    ("NO CARRIER", ResultCode::NoCarrier),
    ("ERROR", ResultCode::Error),
    ("NO DIALTONE", ResultCode::NoDialtone),
    ("NO DIAL TONE", ResultCode::NoDialtone),
    ("NO DIAL-TONE", ResultCode::NoDialtone),
    ("BUSY", ResultCode::Busy),
    ("NO ANSWER", ResultCode::NoAnswer),
    ("VOICE", ResultCode::Voice),
    ("VCON", ResultCode::Voice),
    // USR says RINGING; ZyXEL and Lucent RINGING too; AT&T RINGBACK; Rockwell voice modems RRING.
    ("RINGING", ResultCode::RingBack),
    ("RINGBACK", ResultCode::RingBack),
    ("RRING", ResultCode::RingBack),
    ("RRINGING", ResultCode::RingBack),
    ("DELAYED", ResultCode::Delayed),
    ("CALL DELAYED", ResultCode::Delayed),
    ("BLACKLISTED", ResultCode::Blacklisted),
    ("BLACKLIST FULL", ResultCode::Blacklisted),
    ("UN-OBTAINABLE NUMBER", ResultCode::Blacklisted),
    ("DIAL LOCKED", ResultCode::Locked),
    ("LOCKED", ResultCode::Locked),
    ("LINE IN USE", ResultCode::LineInUse),
    ("FAX", ResultCode::Fax),
    ("+FCO", ResultCode::Fax),
    ("+FCON", ResultCode::Fax),
    ("DATA", ResultCode::Data),
];

/// Reads a line of a modem in verbose form (`V1`), without its CR and LF. `None` for anything that is no
/// result code. Letters count in either case, blanks around the line do not count.
#[must_use]
pub fn parse_line(line: &[u8]) -> Option<ResultCode> {
    let line = std::str::from_utf8(line).ok()?.trim();
    if let Some((_, code)) = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(line)) {
        return Some(code.clone());
    }
    if let Some(rest) = after(line, "CONNECT") {
        return Connect::parse(rest).map(ResultCode::Connect);
    }
    if let Some(rest) = after(line, "RING") {
        return Ring::parse(rest).map(ResultCode::Ring);
    }
    if let Some(kind) = after(line, "+CRING:") {
        // 3GPP TS 27.007 §6.11: `+CRING: ASYNC`, and then the mode once more in `CONNECT`.
        let fax = after(kind.trim(), "FAX").is_some();
        return Some(if fax { ResultCode::Fax } else { ResultCode::Ring(Ring::default()) });
    }
    // The end of a fax call (T.32 §8.4.2.8, and its older draft).
    if ["+FHNG:", "+FHS:"].iter().any(|word| after(line, word).is_some()) {
        return Some(ResultCode::NoCarrier);
    }
    // A GSM modem in verbose error mode says why; the reason stays in the line for the transcript.
    let gsm = ["+CME ERROR:", "+CMS ERROR:"];
    gsm.iter().any(|word| after(line, word).is_some()).then_some(ResultCode::Error)
}

/// What follows `word` in `line`, if it begins with it in any letter case.
pub(super) fn after<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = line.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}

impl Connect {
    /// Reads what stands behind the word: nothing, ` 33600/ARQ`, `/ARQ`, ` FAX`. `None` for another word
    /// (`CONNECTED TO HOST`, as terminal servers greet).
    fn parse(rest: &str) -> Option<Self> {
        if !(rest.is_empty() || rest.starts_with([' ', '/', '\t', ':'])) {
            return None;
        }
        let text = rest.trim_matches([' ', '/', '\t', ':']).to_owned();
        let speed = line_speed(&text);
        Some(Self { text, speed })
    }
}

/// The speed on the line in the text behind `CONNECT`.
///
/// ZyXEL writes `38400/V.32bis 14400/V.42bis`: port, modulation, line. So a number that follows a
/// modulation beats the first number.
fn line_speed(text: &str) -> Option<u32> {
    let mut first = None;
    let mut after_modulation = false;
    for word in text.split([' ', '/', ',', '\t']) {
        let word = word.trim();
        let digits = word.len() - word.trim_start_matches(|key: char| key.is_ascii_digit()).len();
        let number = word.get(..digits).and_then(plausible_speed);
        match number {
            Some(speed) if after_modulation => return Some(speed),
            Some(speed) => first = first.or(Some(speed)),
            None => {}
        }
        // `V.32bis`, `V32`, `V.FC`, `V34`: with a number behind the blank it tells the line's speed.
        // V.42 and V.44 are error correction and compression.
        let name = after(word, "V").map(|name| name.trim_start_matches('.'));
        after_modulation = name.is_some_and(|name| name.starts_with(['2', '3', '9', 'F', 'f']));
    }
    first
}

/// Bit rates of telephone modems lie between 75 (V.23 backwards) and 128000 (two ISDN channels); ports
/// run at up to 921600.
fn plausible_speed(digits: &str) -> Option<u32> {
    digits.parse().ok().filter(|speed| (75..=921_600).contains(speed))
}

impl Ring {
    /// Reads what stands behind `RING`:
    ///
    /// | text | who | meaning |
    /// |---|---|---|
    /// | nothing | all | ordinary ring |
    /// | ` A`, ` 1` | USR, ZyXEL and others | distinctive ring 1 |
    /// | ` 5551234` | USR with ISDN | the caller |
    /// | `;from` `;from;to` | ELSA | caller and called number |
    /// | `/to` | isdn4linux | called number |
    /// | `: 3 DN9 8888` | Zoom | called line 9, caller |
    fn parse(rest: &str) -> Option<Self> {
        if let Some(numbers) = rest.strip_prefix(';') {
            let (from, to) = numbers.split_once(';').unwrap_or((numbers, ""));
            return Some(Self { kind: 0, caller: Caller::parse(from), called: number(to) });
        }
        if let Some(to) = rest.strip_prefix('/') {
            return Some(Self { called: number(to), ..Self::default() });
        }
        if let Some(zoom) = rest.strip_prefix(':') {
            let mut words =
                zoom.split_ascii_whitespace().skip_while(|word| after(word, "DN").is_none());
            let kind = words.next().and_then(|word| after(word, "DN")?.parse().ok()).unwrap_or(0);
            return Some(Self { kind, caller: words.next().and_then(Caller::parse), called: None });
        }
        if !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
            return None;
        }
        let rest = rest.trim();
        let mut keys = rest.bytes();
        match (keys.next(), keys.next()) {
            (None, _) => Some(Self::default()),
            (Some(digit @ b'0'..=b'9'), None) => {
                Some(Self { kind: digit - b'0', ..Self::default() })
            }
            (Some(letter), None) if letter.is_ascii_alphabetic() => {
                Some(Self { kind: letter.to_ascii_uppercase() - b'A' + 1, ..Self::default() })
            }
            (Some(_), _) => Some(Self { caller: Caller::parse(rest), ..Self::default() }),
        }
    }
}

fn number(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// What a numeric code stands for.
#[derive(Clone, Copy)]
enum Meaning {
    Word(&'static ResultCode),
    Speed(u32),
}

use Meaning::{Speed, Word};

/// The numbers that everybody shares: V.250 §5.7.1 (0 to 8) and Hayes.
const HAYES: &[(u16, Meaning)] = &[
    (0, Word(&ResultCode::Ok)),
    (3, Word(&ResultCode::NoCarrier)),
    (4, Word(&ResultCode::Error)),
    (5, Speed(1_200)),
    (6, Word(&ResultCode::NoDialtone)),
    (7, Word(&ResultCode::Busy)),
    (8, Word(&ResultCode::NoAnswer)),
    (10, Speed(2_400)),
];

const ROCKWELL: &[(u16, Meaning)] = &[
    (9, Speed(600)),
    (11, Speed(4_800)),
    (12, Speed(9_600)),
    (13, Speed(7_200)),
    (14, Speed(12_000)),
    (15, Speed(14_400)),
    (16, Speed(19_200)),
    (17, Speed(38_400)),
    (18, Speed(57_600)),
    (19, Speed(115_200)),
    (24, Word(&ResultCode::Delayed)),
    (32, Word(&ResultCode::Blacklisted)),
    (33, Word(&ResultCode::Fax)),
    (35, Word(&ResultCode::Data)),
    (59, Speed(16_800)),
    (61, Speed(21_600)),
    (62, Speed(24_000)),
    (63, Speed(26_400)),
    (64, Speed(28_800)),
    (83, Word(&ResultCode::LineInUse)),
    (84, Speed(33_600)),
    (91, Speed(31_200)),
];

const COURIER: &[(u16, Meaning)] = &[
    (11, Word(&ResultCode::RingBack)),
    (12, Word(&ResultCode::Voice)),
    (13, Speed(9_600)),
    (18, Speed(4_800)),
    (20, Speed(7_200)),
    (21, Speed(12_000)),
    (25, Speed(14_400)),
    (43, Speed(16_800)),
    (85, Speed(19_200)),
    (91, Speed(21_600)),
    (99, Speed(24_000)),
    (103, Speed(26_400)),
    (107, Speed(28_800)),
];

const ZYXEL: &[(u16, Meaning)] = &[
    (11, Speed(4_800)),
    (12, Speed(9_600)),
    (13, Speed(14_400)),
    (14, Speed(19_200)),
    (15, Speed(16_800)),
    (18, Speed(57_600)),
    (24, Speed(7_200)),
    (25, Speed(12_000)),
    (28, Speed(38_400)),
    (29, Speed(21_600)),
    (30, Speed(24_000)),
    (31, Speed(26_400)),
    (32, Speed(28_800)),
    (33, Speed(115_200)),
    (35, Speed(33_600)),
];

/// Hayes's own numbers beyond those that everybody shares (Smartmodem 2400 and 9600).
const SMARTMODEM: &[(u16, Meaning)] = &[(11, Speed(4_800)), (12, Speed(9_600))];

/// Reads a line of a modem in numeric form (`V0`), without its CR: one to three digits. `None` for
/// anything else, and for numbers that these modems do not have.
#[must_use]
pub fn parse_numeric(line: &[u8], codes: NumericCodes) -> Option<ResultCode> {
    let line = std::str::from_utf8(line).ok()?.trim();
    if line.is_empty() || line.len() > 3 || !line.bytes().all(|key| key.is_ascii_digit()) {
        return None;
    }
    let number: u16 = line.parse().ok()?;
    let vendor = match codes {
        NumericCodes::Hayes => SMARTMODEM,
        NumericCodes::Rockwell => ROCKWELL,
        NumericCodes::Courier => COURIER,
        NumericCodes::Zyxel => ZYXEL,
    };
    match number {
        1 => return Some(ResultCode::Connect(Connect::default())),
        2 => return Some(ResultCode::Ring(Ring::default())),
        _ => {}
    }
    let &(_, meaning) = HAYES.iter().chain(vendor).find(|&&(code, _)| code == number)?;
    Some(match meaning {
        Word(code) => code.clone(),
        Speed(speed) => {
            ResultCode::Connect(Connect { text: speed.to_string(), speed: Some(speed) })
        }
    })
}

/// A line that a modem says before `CONNECT`, about the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The line as it came: `CARRIER 31200`, `PROTOCOL: LAP-M`, `+MCR: V34`.
    pub text: String,
    /// The speed on the telephone line, if this line tells it.
    pub speed: Option<u32>,
}

/// Reads a remark: Rockwell's `CARRIER`, `PROTOCOL:` and `COMPRESSION:` lines, and V.250's `+MCR:`,
/// `+MRR:` (§6.4.4, §6.4.5), `+ER:` (§6.5.5), `+DR:` (§6.6.2) and `+ILRR:` (§6.2.13).
#[must_use]
pub fn parse_remark(line: &[u8]) -> Option<Remark> {
    /// The word, and whether a number behind it is the line's speed.
    const REMARKS: &[(&str, bool)] = &[
        ("CARRIER ", true),
        ("PROTOCOL:", false),
        ("COMPRESSION:", false),
        ("+MCR:", false),
        ("+MRR:", true),
        ("+ER:", false),
        ("+DR:", false),
        ("+ILRR:", false),
    ];
    let line = std::str::from_utf8(line).ok()?.trim();
    REMARKS.iter().find_map(|&(word, tells_speed)| {
        let rest = after(line, word)?;
        let first = rest.trim().split([',', '/', ' ']).next()?;
        let speed = if tells_speed { plausible_speed(first) } else { None };
        Some(Remark { text: line.to_owned(), speed })
    })
}

impl Connect {
    /// Adds what the modem had said about the connection before `CONNECT`.
    pub fn remark(&mut self, remark: &Remark) {
        if !self.text.is_empty() {
            self.text.push('/');
        }
        self.text.push_str(&remark.text);
        // `CARRIER 33600` then `CONNECT 115200`: the latter is the port's speed.
        if remark.speed.is_some() {
            self.speed = remark.speed;
        }
    }
}
