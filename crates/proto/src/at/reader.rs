//! The ear: bytes from the modem become result codes, caller ID and lines of text.
//!
//! ```text
//!   Command ──CONNECT, CR──► Connected ──LF, or anything else──► Online
//!      │                         the modem ends its lines with CR LF: the LF is still to come
//!      └──────CONNECT, LF, or a CR where no LF is to be expected──► Online
//! ```
//!
//! In the command state everything is for us: NULs, the parity bit, CR and LF in any mixture, our own
//! commands echoed. From the end of the `CONNECT` line on nothing is: what follows belongs to the next
//! speaker, byte for byte, and [`Reader::take_rest`] hands it over.
//!
//! The ear has no clock and does not know what was asked; it cannot tell an answer from an accident.

use std::collections::VecDeque;

use super::caller_id::{self, Field};
use super::result::{self, Connect, NumericCodes, Remark, ResultCode, Ring};

#[cfg(test)]
mod tests;

/// The longest line that is read for a meaning. Modems' lines end at 80 columns; identification texts
/// (`ATI4`) are not longer either. What lies beyond is dropped.
pub const MAX_LINE: usize = 256;

/// How many unread bytes are kept. The owner drains after every read, so that only bytes behind a
/// `CONNECT` can wait here: seconds of them on the fastest line.
pub const MAX_UNREAD: usize = 64 * 1024;

/// How many remarks are kept for the next `CONNECT`; Rockwell sends three, V.250 four.
const MAX_REMARKS: usize = 8;

/// `<DLE>` introduces events of modems in voice mode (V.253 §8).
const DLE: u8 = 0x10;

/// A `DRON` of this many tenths of a second or more is a long ring. The short bursts of distinctive
/// cadences last 0.3 to 0.8 s, an ordinary ring 1 to 2 s.
const LONG_RING: u16 = 10;

/// What a modem's result codes look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Words (`V1`).
    #[default]
    Verbose,
    /// Numbers (`V0`). Words are understood as well: a reset brings them back.
    Numeric(NumericCodes),
}

/// What the modem said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A result code. After [`ResultCode::Connect`] the reader says nothing more.
    Result(ResultCode),
    /// Something about the caller.
    CallerId(Field),
    /// Any other line, printable, without its end: an answer to a query, a greeting, noise.
    Text(String),
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Lines are read. After a `<DLE>` one byte is an event.
    Command { dle: bool },
    /// The CR of a `CONNECT` line has come; its LF is due.
    Connected(Connect),
    /// The rest is not ours.
    Online,
}

/// The DTE's ear. Feed with [`receive`](Self::receive), drain with [`poll`](Self::poll).
///
/// ```
/// use dialback_proto::at::reader::{Reader, Said};
/// use dialback_proto::at::result::ResultCode;
///
/// let mut reader = Reader::default();
/// reader.receive(b"ATA\r\r\nCONNECT 33600/ARQ\r\n~\xff}#");
/// let Some(Said::Result(ResultCode::Connect(connect))) = reader.poll() else { panic!() };
/// assert_eq!(connect.speed, Some(33_600));
/// assert_eq!(reader.take_rest(), b"~\xff}#");
/// ```
#[derive(Debug)]
pub struct Reader {
    form: Form,
    state: State,
    /// What has been received; the first `read` bytes are done with.
    unread: Vec<u8>,
    read: usize,
    lost: usize,
    line: Vec<u8>,
    /// The byte before was a CR.
    after_cr: bool,
    /// The last end of a line was CR LF, not a bare CR.
    pairs: bool,
    remarks: Vec<Remark>,
    /// Long (1) and short (0) rings of the present cadence, the latest in the lowest bit.
    cadence: Option<u8>,
    /// What the last line said beyond its first fact.
    also: VecDeque<Said>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new(Form::Verbose)
    }
}

impl Reader {
    /// An ear for a modem in the command state.
    #[must_use]
    pub const fn new(form: Form) -> Self {
        Self {
            form,
            state: State::Command { dle: false },
            unread: Vec::new(),
            read: 0,
            lost: 0,
            line: Vec::new(),
            after_cr: false,
            // V.250 §5.7.1; whoever does otherwise shows it with his first line.
            pairs: true,
            remarks: Vec::new(),
            cadence: None,
            also: VecDeque::new(),
        }
    }

    /// Takes what the modem sent. Drain with [`Self::poll`] after each call.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.unread.drain(..self.read);
        self.read = 0;
        let room = MAX_UNREAD.saturating_sub(self.unread.len());
        let (kept, lost) = bytes.split_at(room.min(bytes.len()));
        self.unread.extend_from_slice(kept);
        self.lost = self.lost.saturating_add(lost.len());
    }

    /// The next thing the modem said.
    pub fn poll(&mut self) -> Option<Said> {
        if let Some(said) = self.also.pop_front() {
            return Some(said);
        }
        loop {
            let &byte = self.unread.get(self.read)?;
            if let Some(said) = self.hear(byte) {
                return Some(said);
            }
            if self.state == State::Online {
                return None;
            }
        }
    }

    /// Whether a `CONNECT` was said: nothing is read any more.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.state == State::Online
    }

    /// The bytes behind the `CONNECT` line that have come so far, without that line's own CR and LF.
    /// Empty in the command state.
    pub fn take_rest(&mut self) -> Vec<u8> {
        if self.state != State::Online {
            return Vec::new();
        }
        let rest = self.unread.split_off(self.read);
        self.unread.clear();
        self.read = 0;
        rest
    }

    /// Ends the reading: the bytes that were not consumed.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.unread.split_off(self.read)
    }

    /// How many bytes had to be dropped because nobody drained.
    #[must_use]
    pub const fn lost(&self) -> usize {
        self.lost
    }

    /// Listens to the command state again, after a call. Forgets everything unread.
    pub fn restart(&mut self) {
        *self = Self { pairs: self.pairs, ..Self::new(self.form) };
    }

    /// Hears one byte; says what it completes.
    fn hear(&mut self, raw: u8) -> Option<Said> {
        match &mut self.state {
            State::Online => None,
            State::Connected(connect) => {
                let connect = std::mem::take(connect);
                self.state = State::Online;
                if raw & 0x7f == b'\n' {
                    self.read += 1;
                }
                Some(Said::Result(ResultCode::Connect(connect)))
            }
            State::Command { dle } => {
                self.read += 1;
                // A modem that took its parity from an `AT` of ours with another framing sets bit 7.
                let byte = raw & 0x7f;
                if std::mem::take(dle) {
                    return Some(event(byte));
                }
                let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
                match byte {
                    b'\r' => self.end_of_line(End::Cr),
                    b'\n' => {
                        self.pairs = after_cr;
                        self.end_of_line(End::Lf)
                    }
                    0 | 0x7f => None,
                    DLE => {
                        *dle = true;
                        None
                    }
                    _ => {
                        if after_cr {
                            self.pairs = false;
                        }
                        if self.line.len() < MAX_LINE {
                            self.line.push(byte);
                        }
                        None
                    }
                }
            }
        }
    }

    fn end_of_line(&mut self, end: End) -> Option<Said> {
        let line = std::mem::take(&mut self.line);
        let said = self.understand(&line);
        // Keeps its allocation: lines come by the thousand.
        self.line = line;
        self.line.clear();
        let Some(Said::Result(ResultCode::Connect(connect))) = said else { return said };
        // In numeric form (V.250 §5.7.1) there is no LF behind the code. In verbose form there is one
        // with every modem that put one before it; an LF that came late would be the caller's first byte.
        let numeric = matches!(self.form, Form::Numeric(_));
        if end == End::Cr && self.pairs && !numeric {
            self.state = State::Connected(connect);
            return None;
        }
        self.state = State::Online;
        Some(Said::Result(ResultCode::Connect(connect)))
    }

    /// The meaning of a whole line.
    fn understand(&mut self, line: &[u8]) -> Option<Said> {
        let line = without_echo(line.trim_ascii());
        if line.is_empty() {
            return None;
        }
        if line.len() >= MAX_LINE {
            return Some(text(line));
        }
        let numeric = match self.form {
            Form::Verbose => None,
            Form::Numeric(codes) => result::parse_numeric(line, codes),
        };
        if let Some(code) = numeric.or_else(|| result::parse_line(line)) {
            return Some(self.result(code, line));
        }
        if let Some(remark) = result::parse_remark(line) {
            if self.remarks.len() < MAX_REMARKS {
                self.remarks.push(remark);
            }
            return None;
        }
        if let Some(ring) = cadence(line) {
            self.cadence =
                ring.map(|long| self.cadence.unwrap_or(0) << 1 | u8::from(long)).or(self.cadence);
            return None;
        }
        let mut fields = caller_id::parse_line(line).into_iter().map(Said::CallerId);
        let first = fields.next();
        self.also.extend(fields);
        first.or_else(|| Some(text(line)))
    }

    /// A result code, completed with what was said before it.
    fn result(&mut self, mut code: ResultCode, line: &[u8]) -> Said {
        match &mut code {
            ResultCode::Connect(connect) => {
                for remark in self.remarks.drain(..) {
                    connect.remark(&remark);
                }
            }
            ResultCode::Ring(ring) => {
                if let Some(cadence) = self.cadence.take().filter(|_| ring.kind == 0) {
                    ring.kind = cadence;
                }
            }
            ResultCode::Error => {
                self.remarks.clear();
                if !line.eq_ignore_ascii_case(b"ERROR") && !line.is_empty() && !is_number(line) {
                    // `+CME ERROR: SIM PIN required`: the reason is worth a line of its own.
                    self.also.push_back(Said::Result(code));
                    return text(line);
                }
            }
            ResultCode::Ok
            | ResultCode::NoCarrier
            | ResultCode::NoDialtone
            | ResultCode::Busy
            | ResultCode::NoAnswer
            | ResultCode::Voice
            | ResultCode::Delayed
            | ResultCode::Blacklisted
            | ResultCode::Locked
            | ResultCode::LineInUse => self.remarks.clear(),
            ResultCode::RingBack | ResultCode::Fax | ResultCode::Data => {}
        }
        Said::Result(code)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Cr,
    Lf,
}

fn is_number(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_digit)
}

/// The line without our own commands, which a modem with `E1` sends back: `ATZ`, and `+++` in front of
/// a command where the modem was in the command state already. No modem's own line begins so.
fn without_echo(line: &[u8]) -> &[u8] {
    let escape = line.iter().take_while(|&&key| key == b'+').count();
    let command = if escape >= 3 { line.get(escape..).unwrap_or_default() } else { line };
    match command.first_chunk() {
        Some(start @ [_, _]) if start.eq_ignore_ascii_case(b"AT") => b"",
        Some([_, _]) | None => command,
    }
}

fn text(line: &[u8]) -> Said {
    let printable = |&byte: &u8| if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '.' };
    Said::Text(line.iter().map(printable).collect())
}

/// A `DRON=n` or `DROF=n` line of V.253 §9.2.3.2: whether the ring was long; `Some(None)` for a pause.
fn cadence(line: &[u8]) -> Option<Option<bool>> {
    let line = std::str::from_utf8(line).ok()?;
    if result::after(line, "DROF=").is_some() {
        return Some(None);
    }
    let tenths: u16 = result::after(line, "DRON=")?.trim().parse().ok()?;
    Some(Some(tenths >= LONG_RING))
}

/// What a modem in voice mode reports with `<DLE>` and a letter.
fn event(letter: u8) -> Said {
    match letter {
        b'R' => Said::Result(ResultCode::Ring(Ring::default())),
        b'b' => Said::Result(ResultCode::Busy),
        b'r' => Said::Result(ResultCode::RingBack),
        b'c' => Said::Result(ResultCode::Fax),
        b'e' => Said::Result(ResultCode::Data),
        _ => Said::Text(format!("<DLE>{}", char::from(letter).escape_default())),
    }
}
