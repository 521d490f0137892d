//! Receiving: from octets as they come, in any pieces, to good frames.
//!
//! ```text
//!               7e                    7d
//!     Hunting ──────► Collecting ◄──────────► Escaped
//!        ▲                │  ▲ │     any       │
//!        │ too long       │  └─┘ 7e: a frame   │ 7e: aborted
//!        └────────────────┘    ◄───────────────┘
//! ```
//!
//! Whatever is wrong with a frame, it is dropped and counted; the protocols above recover by their
//! timers (RFC 1662 §4.3). Login text before the first flag is dropped in the same way. Frames are taken
//! with and without address and control, and with long and short protocol numbers, whatever was
//! negotiated: peers differ in when they begin to compress.

use zeroize::Zeroize;

use super::scan::ordinary_run;
use super::{Accm, ESCAPE, FLAG, TURN};
use crate::fcs;
use crate::protocol::Protocol;

/// The shortest frame that can be good: a one-octet protocol, an octet of information and the FCS.
const SHORTEST: usize = 4;

/// A good frame, borrowed from the deframer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it carries.
    pub protocol: Protocol,
    /// The information field, with whatever padding the sender put behind it.
    pub information: &'a [u8],
}

/// How many frames came in, and what became of those that were no good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Good frames.
    pub frames: u64,
    /// Frames with a wrong FCS: noise on the line, or an octet lost.
    pub bad_fcs: u64,
    /// Frames under four octets.
    pub runts: u64,
    /// Frames that the sender gave up (`7d 7e`).
    pub aborted: u64,
    /// Frames that went on beyond the limit.
    pub too_long: u64,
    /// Unescaped control characters that our map says must travel escaped: equipment put them there.
    pub stray_controls: u64,
    /// Octets outside any frame: login text, modem messages, what followed a frame that was too long.
    pub outside: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first flag, or in a frame already given up.
    Hunting,
    /// Between flags.
    Collecting,
    /// After an escape.
    Escaped,
    /// At a flag that closed a good frame; the buffer still holds it for the caller.
    Delivered,
}

/// Takes octets, gives frames.
#[derive(Debug)]
pub struct Deframer {
    state: State,
    pub(super) frame: Vec<u8>,
    limit: usize,
    accm: Accm,
    counts: Counts,
}

impl Deframer {
    /// A deframer that gives up frames of more than `limit` octets between flags, unescaped. The
    /// negotiated MRU plus eight (header, FCS, two to spare) is the least to take.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        let counts = Counts {
            frames: 0,
            bad_fcs: 0,
            runts: 0,
            aborted: 0,
            too_long: 0,
            stray_controls: 0,
            outside: 0,
        };
        Self { state: State::Hunting, frame: Vec::new(), limit, accm: Accm::ALL, counts }
    }

    /// Sets the map of what we asked the peer to escape; an unescaped octet of it is noise from now on.
    pub const fn set_accm(&mut self, accm: Accm) {
        self.accm = accm;
    }

    /// What has come in so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether the line is inside a frame, so that the next octets belong to it.
    #[must_use]
    pub fn is_inside_a_frame(&self) -> bool {
        match self.state {
            State::Hunting | State::Delivered => false,
            State::Collecting => !self.frame.is_empty(),
            State::Escaped => true,
        }
    }

    /// Wipes the frame that was given out last, because it held a password.
    pub fn wipe(&mut self) {
        if self.state == State::Delivered {
            self.frame.zeroize();
            self.state = State::Collecting;
        }
    }

    /// Takes octets from the front of `input` until a good frame is complete or `input` is empty.
    pub fn next<'a>(&'a mut self, input: &mut &[u8]) -> Option<Frame<'a>> {
        while !input.is_empty() {
            match self.state {
                State::Hunting => self.hunt(input),
                State::Delivered => {
                    self.frame.clear();
                    self.state = State::Collecting;
                }
                State::Escaped => self.unescape(input),
                State::Collecting => {
                    if self.collect(input) == Progress::FrameComplete {
                        self.state = State::Delivered;
                        return self
                            .frame
                            .len()
                            .checked_sub(2)
                            .and_then(|end| parse(self.frame.get(..end)?));
                    }
                }
            }
        }
        None
    }

    fn hunt(&mut self, input: &mut &[u8]) {
        let outside = input.iter().position(|&octet| octet == FLAG);
        self.counts.outside += outside.unwrap_or(input.len()) as u64;
        if outside.is_some() {
            self.state = State::Collecting;
        }
        *input = outside.and_then(|at| input.get(at + 1..)).unwrap_or_default();
    }

    fn unescape(&mut self, input: &mut &[u8]) {
        let Some((&octet, rest)) = input.split_first() else { return };
        *input = rest;
        // RFC 1662 §4.2: what equipment inserts is taken out first, also behind an escape.
        if self.accm.names(octet) {
            self.counts.stray_controls += 1;
            return;
        }
        self.state = State::Collecting;
        if octet == FLAG {
            self.counts.aborted += 1;
            self.frame.clear();
        } else {
            self.append(&[octet ^ TURN]);
        }
    }

    fn collect(&mut self, input: &mut &[u8]) -> Progress {
        let (run, rest) =
            input.split_at_checked(ordinary_run(self.accm, input)).unwrap_or((input, &[]));
        if !self.append(run) {
            // Hunting looks at what follows; the run itself held no flag.
            *input = rest;
            return Progress::More;
        }
        let Some((&special, rest)) = rest.split_first() else {
            *input = &[];
            return Progress::More;
        };
        *input = rest;
        match special {
            FLAG => return self.close(),
            ESCAPE => self.unescape_row(input),
            // Not a flag, not an escape: a control character that came unescaped.
            _ => self.counts.stray_controls += 1,
        }
        Progress::More
    }

    /// After an escape. Escapes often come in rows: as long as their octets are here and ordinary, the whole row
    /// is undone at once.
    fn unescape_row(&mut self, input: &mut &[u8]) {
        self.state = State::Escaped;
        let mut turned = [0; 64];
        let mut count = 0;
        let mut rest = *input;
        while let [octet, after @ ..] = rest
            && *octet != FLAG
            && !self.accm.names(*octet)
            && let Some(to) = turned.get_mut(count)
        {
            *to = *octet ^ TURN;
            count += 1;
            rest = after;
            match after {
                [ESCAPE, after @ ..] => rest = after,
                [_, ..] | [] => {
                    self.state = State::Collecting;
                    break;
                }
            }
        }
        *input = rest;
        // A frame that gets too long by it is given up, whatever state the row has left.
        self.append(turned.get(..count).unwrap_or_default());
    }

    /// Appends to the frame, or gives the frame up when it gets too long.
    fn append(&mut self, octets: &[u8]) -> bool {
        let fits = self.frame.len() + octets.len() <= self.limit;
        if fits {
            self.frame.extend_from_slice(octets);
        } else {
            self.counts.too_long += 1;
            self.frame.clear();
            self.state = State::Hunting;
        }
        fits
    }

    /// At a flag: is what came before it a frame? The flag also opens the next one.
    fn close(&mut self) -> Progress {
        let body = self.frame.len().checked_sub(2).and_then(|end| self.frame.get(..end));
        let fault = if self.frame.is_empty() {
            return Progress::More;
        } else if self.frame.len() < SHORTEST {
            &mut self.counts.runts
        } else if fcs::is_good(&self.frame) && body.and_then(parse).is_some() {
            self.counts.frames += 1;
            return Progress::FrameComplete;
        } else {
            &mut self.counts.bad_fcs
        };
        *fault += 1;
        self.frame.clear();
        Progress::More
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    More,
    FrameComplete,
}

/// Splits a body into protocol and information; `None` when it ends before the protocol does.
fn parse(body: &[u8]) -> Option<Frame<'_>> {
    let body = body.strip_prefix(&[0xff, 0x03]).unwrap_or(body);
    // A protocol number's low octet is odd and its high octet even: an odd first octet is a whole
    // number that was compressed (RFC 1661 §6.5).
    match *body {
        [low, ref information @ ..] if low & 1 == 1 => {
            Some(Frame { protocol: Protocol(u16::from(low)), information })
        }
        [high, low, ref information @ ..] => {
            Some(Frame { protocol: Protocol(u16::from_be_bytes([high, low])), information })
        }
        [_] | [] => None,
    }
}
