//! Who speaks at the prompt without being asked: a PPP peer, or a FidoNet mailer.
//!
//! ```text
//!     7e  ff 03  c0 21 ..     a flag, address and control, LCP          RFC 1662 §3.1, RFC 1661 §2
//!     7e  ff 7d 23  c0 21     the same, control escaped (the usual one: the ACCM is still all ones)
//!         ff ..               without the flag, at the start of a line only
//!     7e         c0 21        address and control left out
//!     7e  7f ..  40 21        the same with the top bit lost or turned into parity: PPP will not work
//! ```
//!
//! Every octet may come as `7d` and itself with bit 5 turned over. The question is asked again for
//! every byte held back, so nothing is remembered between two questions. It does not know what is done
//! with the frame, and does not read it.

const FLAG: u8 = 0x7e;
const ESCAPE: u8 = 0x7d;
/// The mailers' greeting (FSC-0056 §2).
const EMSI_INQUIRY: &[u8] = b"**EMSI_INQC816";
/// TSYNC, the greeting of FTS-0001 mailers.
const TSYNC: u8 = 0xae;
/// YOOHOO, the greeting of FTS-0006 mailers.
const YOOHOO: u8 = 0xf1;

/// The most bytes that must be seen before the answer is certain: a flag and five escaped octets are 11,
/// the mailers' greeting is 14.
pub const LONGEST: usize = 14;

/// What a PPP frame at the prompt says about the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// All eight bits come through.
    EightBit,
    /// PPP on a 7-bit line: the top bit was lost, or carries parity. PPP cannot work here (RFC 1662 §2:
    /// eight bits, no parity); the caller must be told to change his terminal's settings.
    SevenBit,
}

/// How a FidoNet mailer announced itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mailer {
    /// `**EMSI_INQC816` (FSC-0056).
    Emsi,
    /// 0xae (FTS-0001).
    Tsync,
    /// 0xf1 (FTS-0006).
    Yoohoo,
}

/// What the bytes held back so far are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Nobody that we know: the first byte is a typed character.
    Nothing,
    /// May still become something.
    Partly,
    /// An LCP frame begins here.
    Ppp(Framing),
    /// A FidoNet mailer greets.
    Fido(Mailer),
}

/// Which speakers are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sniff {
    /// LCP frames (mgetty: AutoPPP).
    pub ppp: bool,
    /// FidoNet greetings. Off unless there is a mailer to hand the call to: on a line with odd parity `q` is 0xf1.
    pub fido: bool,
}

impl Sniff {
    /// Looks at the bytes held back. `line_start`: nothing has been typed on this line before them.
    #[must_use]
    pub fn look(self, held: &[u8], line_start: bool) -> Match {
        let ppp = if self.ppp { ppp(held, line_start) } else { Match::Nothing };
        let fido = if self.fido && line_start { fido(held) } else { Match::Nothing };
        match (ppp, fido) {
            (Match::Nothing, other) | (other, Match::Nothing) => other,
            (Match::Partly, certain)
            | (certain, Match::Partly | Match::Ppp(_) | Match::Fido(_)) => certain,
        }
    }
}

fn fido(held: &[u8]) -> Match {
    match held {
        [TSYNC, ..] => Match::Fido(Mailer::Tsync),
        [YOOHOO, ..] => Match::Fido(Mailer::Yoohoo),
        _ if held.starts_with(EMSI_INQUIRY) => Match::Fido(Mailer::Emsi),
        _ if EMSI_INQUIRY.starts_with(held) => Match::Partly,
        _ => Match::Nothing,
    }
}

fn ppp(held: &[u8], line_start: bool) -> Match {
    let (flagged, octets) = match held.split_first() {
        Some((&first, after)) if first & 0x7f == FLAG => (true, after),
        // Without its flag a frame is believed at the start of a line only, and with all eight bits only:
        // there 7f is DEL, and a person's rubout must not wait for the next key.
        Some((&first, _)) if line_start && first != 0x7f => (false, held),
        _ => return Match::Nothing,
    };
    let exact_flag = !flagged || held.first() == Some(&FLAG);
    let full = against(&[0xff, 0x03, 0xc0, 0x21], octets);
    // Two octets are too few to be sure of without a flag: the code (Configure-Request) must follow.
    let short: &[u8] = if flagged { &[0xc0, 0x21] } else { &[0xc0, 0x21, 0x01] };
    match (full, against(short, octets)) {
        (Like::Yes { exact }, _) | (_, Like::Yes { exact }) => match (exact && exact_flag, flagged)
        {
            (true, _) => Match::Ppp(Framing::EightBit),
            (false, true) => Match::Ppp(Framing::SevenBit),
            (false, false) => Match::Nothing,
        },
        (Like::SoFar { exact: one }, Like::SoFar { exact: other }) if flagged || one || other => {
            Match::Partly
        }
        (Like::SoFar { exact }, Like::No) | (Like::No, Like::SoFar { exact })
            if flagged || exact =>
        {
            Match::Partly
        }
        (Like::SoFar { .. } | Like::No, Like::SoFar { .. } | Like::No) => Match::Nothing,
    }
}

/// How far bytes of the wire are like a pattern; `exact` when all eight bits are.
#[derive(Clone, Copy)]
enum Like {
    No,
    SoFar { exact: bool },
    Yes { exact: bool },
}

fn against(pattern: &[u8], wire: &[u8]) -> Like {
    let mut wire = wire.iter().copied();
    let mut exact = true;
    for &wanted in pattern {
        let Some(mut byte) = wire.next() else { return Like::SoFar { exact } };
        let mut turned = 0;
        if byte & 0x7f == ESCAPE {
            exact &= byte == ESCAPE;
            let Some(escaped) = wire.next() else { return Like::SoFar { exact } };
            byte = escaped;
            turned = 0x20;
        }
        let octet = byte ^ turned;
        if octet & 0x7f != wanted & 0x7f {
            return Like::No;
        }
        exact &= octet == wanted;
    }
    Like::Yes { exact }
}
