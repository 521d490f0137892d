//! Who is still there, on a port that cannot see DCD.
//!
//! When the carrier is lost, such a port says so in the stream: a line `NO CARRIER`, and then nothing
//! more, because the modem is in the command state. A caller may write the same words. So the watch
//! only suspects, and the probe asks: the modem is called to the command state and told to go online
//! again (`ATO`), which it can do only while there is a carrier.
//!
//! ```text
//!   CarrierWatch   Reading ─line NO CARRIER─► Quiet ─silence, or a line RING─► Suspect
//!                     │ ▲───any other byte──────┘                              ▲
//!                     └─────────────── a line RING ────────────────────────────┘
//!
//!   CarrierProbe   Silent ─► Escaped ─OK─► Answered ─► Asked ─CONNECT───────────► Online
//!                  guard     +++    ◄─more─            ATO  ├─NO CARRIER, ERROR─► Gone
//!                               └──────nothing──────────►   └─nothing───────────► Unclear
//! ```
//!
//! Neither sends anything while the caller is speaking, and neither loses a byte of a call that goes on.

use std::collections::VecDeque;
use std::time::Duration;

use super::escape::Escape;
use super::reader::{Form, MAX_UNREAD, Reader, Said};
use super::result::Answer;
use crate::time::{Deadline, Instant};

#[cfg(test)]
mod tests;

/// What a modem in verbose form says when the carrier is lost.
const LOST: &[u8] = b"NO CARRIER";

/// What a modem says next if somebody calls before the silence is over; and all that it says if its
/// `NO CARRIER` was lost, or kept to itself.
const RING: &[u8] = b"RING";

/// The longest line that begins with `RING` and is the modem's: `RING;from;to` with two numbers.
const LONGEST_RING: usize = 60;

/// How many bytes of the session the probe keeps back while it asks. A modem in the command state says
/// a few lines; who sends more than this is a caller, and the question is answered.
pub const MAX_HELD: usize = 4 * 1024;

/// How long nothing may follow the modem's `OK`: a caller's line `OK` has more behind it, and the reads
/// may cut anywhere.
const AFTER_OK: Duration = Duration::from_millis(200);

/// Watches what an online modem sends for the words that it writes when the call is over.
///
/// It only looks: the bytes stay with whoever they are for.
#[derive(Debug)]
pub struct CarrierWatch {
    form: Form,
    silence: Duration,
    state: Watching,
    suspect: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watching {
    /// So many bytes of these words stand at the beginning of this line; `None`: it is another line.
    Reading(Option<(&'static [u8], usize)>),
    /// The line was there, and nothing since but so many bytes of a line that begins as `RING` does.
    Quiet { until: Instant, ring: usize },
}

/// The call may be over: the modem, or the caller, has written so and has been silent since, or it rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspect;

impl CarrierWatch {
    /// A watch that suspects after `silence` behind the words; 2 s tells the end of a call from the end
    /// of a paragraph.
    #[must_use]
    pub const fn new(form: Form, silence: Duration) -> Self {
        Self { form, silence, state: START, suspect: false }
    }

    /// Looks at what came from the modem. Says how many bytes of it, from the first, are the session's in any
    /// case; the rest came behind the words and is the modem's if the suspicion proves true.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let mut sure = if self.is_quiet() { 0 } else { bytes.len() };
        for (at, &byte) in bytes.iter().enumerate() {
            let was_quiet = self.is_quiet();
            self.state = self.next(now, byte);
            match (was_quiet, self.is_quiet()) {
                (false, true) => sure = at + 1,
                (true, false) if self.suspect => return sure,
                (true, false) => sure = bytes.len(),
                (false, false) if self.suspect => return at + 1,
                (true, true) | (false, false) => {}
            }
        }
        sure
    }

    fn next(&mut self, now: Instant, byte: u8) -> Watching {
        let end = matches!(byte, b'\r' | b'\n');
        let quiet = Watching::Quiet { until: now + self.silence, ring: 0 };
        match self.state {
            Watching::Quiet { ring, .. } if end && ring >= RING.len() => {
                self.suspect = true;
                START
            }
            Watching::Quiet { .. } if end => quiet,
            Watching::Quiet { ring, until } if Self::may_ring(ring, byte) => {
                Watching::Quiet { until, ring: ring + 1 }
            }
            Watching::Quiet { .. } => Self::read(Some((&[], 0)), byte, self.form),
            Watching::Reading(Some((word, at))) if end && at > 0 && at == word.len() => {
                if word != RING {
                    return quiet;
                }
                self.suspect = true;
                START
            }
            Watching::Reading(_) if end => START,
            Watching::Reading(matched) => Self::read(matched, byte, self.form),
        }
    }

    /// Whether `byte` can stand at this place of a line that the modem begins with `RING`.
    fn may_ring(at: usize, byte: u8) -> bool {
        match RING.get(at) {
            Some(&wanted) => byte == wanted,
            None => at < LONGEST_RING && (byte.is_ascii_graphic() || byte == b' '),
        }
    }

    /// One more byte of a line that is not at its end.
    fn read(matched: Option<(&'static [u8], usize)>, byte: u8, form: Form) -> Watching {
        Watching::Reading(match (form, matched) {
            // A number comes without a CR before it (V.250 §5.7.1), so it may end any line. `2`, the bell, would
            // be too common a line to look twice at.
            (Form::Numeric(_), _) => Some((b"3", usize::from(byte == b'3'))),
            (Form::Verbose, Some((_, 0))) => [LOST, RING]
                .into_iter()
                .find(|word| word.first() == Some(&byte))
                .map(|word| (word, 1)),
            (Form::Verbose, Some((word, at))) => {
                (word.get(at) == Some(&byte)).then_some((word, at + 1))
            }
            (Form::Verbose, None) => None,
        })
    }

    /// Goes on if the silence has lasted.
    pub fn tick(&mut self, now: Instant) {
        if let Watching::Quiet { until, .. } = self.state
            && until <= now
        {
            self.state = START;
            self.suspect = true;
        }
    }

    /// Whether the words were the last that came. What is sent now may reach a modem in its command state,
    /// which would echo it, or obey.
    #[must_use]
    pub const fn is_quiet(&self) -> bool {
        matches!(self.state, Watching::Quiet { .. })
    }

    /// The suspicion, once.
    pub fn poll(&mut self) -> Option<Suspect> {
        std::mem::take(&mut self.suspect).then_some(Suspect)
    }

    /// When [`Self::tick`] is wanted.
    #[must_use]
    pub const fn deadline(&self) -> Option<Deadline> {
        match self.state {
            Watching::Quiet { until, .. } => Some(Deadline::new(until, "silence after NO CARRIER")),
            Watching::Reading(_) => None,
        }
    }
}

/// The beginning of a line.
const START: Watching = Watching::Reading(Some((&[], 0)));

/// What [`CarrierProbe`] wants done, or has found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Send these bytes to the modem, and nothing else until the verdict.
    Send(Vec<u8>),
    /// These bytes came from the caller while we asked: they belong to the session.
    Session(Vec<u8>),
    /// The call is still there. The last step; [`CarrierProbe::finish`] has what followed.
    Online,
    /// The call is over, the modem in the command state. The last step.
    Gone,
    /// The modem gives no answer at all. The last step.
    Unclear,
}

#[derive(Debug)]
enum Asking {
    Silent {
        until: Instant,
    },
    Escaped {
        sent: Instant,
        until: Instant,
    },
    /// An `OK` is the last that came, behind so many bytes of the session. If nothing follows, it was
    /// the modem's.
    Answered {
        sent: Instant,
        session: usize,
        until: Instant,
    },
    /// `ATO` is out; of the bytes held, so many came before it.
    Asked {
        reader: Box<Reader>,
        before: usize,
        until: Instant,
    },
    Ended {
        rest: Vec<u8>,
    },
}

/// Asks the modem whether there is still a call.
#[derive(Debug)]
pub struct CarrierProbe {
    escape: Escape,
    form: Form,
    limit: Duration,
    state: Asking,
    /// What came since the beginning, which the caller may have said.
    held: Vec<u8>,
    steps: VecDeque<Probe>,
}

impl CarrierProbe {
    /// Begins with the silence. Start it when everything sent before has left the port. `limit` is the patience with `ATO`, after which a modem retrains or
    /// simply goes on: some seconds.
    #[must_use]
    pub fn start(now: Instant, escape: Escape, form: Form, limit: Duration) -> Self {
        let state = Asking::Silent { until: now + escape.silence() };
        Self { escape, form, limit, state, held: Vec::new(), steps: VecDeque::new() }
    }

    /// Takes what came from the modem.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        match &mut self.state {
            Asking::Ended { rest } => {
                let room = MAX_UNREAD.saturating_sub(rest.len());
                rest.extend(bytes.iter().take(room));
                return;
            }
            Asking::Silent { .. } | Asking::Escaped { .. } => self.held.extend_from_slice(bytes),
            Asking::Answered { sent, .. } => {
                let until = self.escape.until(*sent).max(now);
                self.state = Asking::Escaped { sent: *sent, until };
                self.held.extend_from_slice(bytes);
            }
            Asking::Asked { reader, .. } => {
                self.held.extend_from_slice(bytes);
                reader.receive(bytes);
            }
        }
        match self.state {
            Asking::Escaped { sent, .. } if !self.escape.is_too_early(sent, now) => {
                if let Some(session) = before_ok(&self.held, self.form) {
                    self.state = Asking::Answered { sent, session, until: now + AFTER_OK };
                }
            }
            Asking::Asked { .. } => self.hear(),
            Asking::Silent { .. }
            | Asking::Escaped { .. }
            | Asking::Answered { .. }
            | Asking::Ended { .. } => {}
        }
        if self.held.len() > MAX_HELD {
            let all = self.held.len();
            self.end(all, Probe::Online, Vec::new());
        }
    }

    /// Goes on if a deadline has passed.
    pub fn tick(&mut self, now: Instant) {
        match self.state {
            Asking::Silent { until } if until <= now => {
                self.steps.push_back(Probe::Send(self.escape.sequence().to_vec()));
                self.state = Asking::Escaped { sent: now, until: self.escape.until(now) };
            }
            // No `OK`: it is in the command state already, with `+++` in its buffer. The CR ends that.
            Asking::Escaped { until, .. } if until <= now => self.ask(now, b"\rATO\r"),
            Asking::Answered { session, until, .. } if until <= now => {
                self.held.truncate(session);
                self.ask(now, b"ATO\r");
            }
            Asking::Asked { until, .. } if until <= now => {
                let all = self.held.len();
                self.end(all, Probe::Unclear, Vec::new());
            }
            Asking::Silent { .. }
            | Asking::Escaped { .. }
            | Asking::Answered { .. }
            | Asking::Asked { .. }
            | Asking::Ended { .. } => {}
        }
    }

    /// The next step, until `None`.
    pub fn poll(&mut self) -> Option<Probe> {
        self.steps.pop_front()
    }

    /// When [`Self::tick`] is wanted.
    #[must_use]
    pub const fn deadline(&self) -> Option<Deadline> {
        match self.state {
            Asking::Silent { until } => Some(Deadline::new(until, "guard time")),
            Asking::Escaped { until, .. } => Some(Deadline::new(until, "answer to +++")),
            Asking::Answered { until, .. } => Some(Deadline::new(until, "silence after OK")),
            Asking::Asked { until, .. } => Some(Deadline::new(until, "answer to ATO")),
            Asking::Ended { .. } => None,
        }
    }

    /// Ends it; hands back what came behind the `CONNECT`, byte for byte: it belongs to the session.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        match self.state {
            Asking::Ended { rest } => rest,
            Asking::Silent { .. }
            | Asking::Escaped { .. }
            | Asking::Answered { .. }
            | Asking::Asked { .. } => self.held,
        }
    }

    fn ask(&mut self, now: Instant, command: &[u8]) {
        self.steps.push_back(Probe::Send(command.to_vec()));
        let reader = Box::new(Reader::new(self.form));
        self.state = Asking::Asked { reader, before: self.held.len(), until: now + self.limit };
    }

    fn hear(&mut self) {
        while let Asking::Asked { reader, before, .. } = &mut self.state {
            let before = *before;
            let answer = match reader.poll() {
                None => return,
                Some(Said::Result(code)) => code.answer(),
                Some(Said::CallerId(_) | Said::Text(_)) => Answer::None,
            };
            match answer {
                Answer::Connect => {
                    let rest = reader.take_rest();
                    self.end(before, Probe::Online, rest);
                }
                // `OK` to ATO: the modem took note and has no call to go back to.
                Answer::NoCarrier | Answer::Error | Answer::Ok => {
                    self.end(0, Probe::Gone, Vec::new());
                }
                Answer::None => {}
            }
        }
    }

    /// Ends with a verdict; the first `session` bytes of those held are the caller's.
    fn end(&mut self, session: usize, verdict: Probe, rest: Vec<u8>) {
        self.held.truncate(session);
        if !self.held.is_empty() {
            self.steps.push_back(Probe::Session(std::mem::take(&mut self.held)));
        }
        self.steps.push_back(verdict);
        self.state = Asking::Ended { rest };
    }
}

/// How many bytes precede an `OK` of the modem that ends what was received; `None` if none does.
fn before_ok(received: &[u8], form: Form) -> Option<usize> {
    let session = match form {
        Form::Verbose => {
            received.strip_suffix(b"\r\nOK\r\n").or_else(|| received.strip_suffix(b"\rOK\r"))
        }
        Form::Numeric(_) => received.strip_suffix(b"0\r"),
    };
    session.map(<[u8]>::len)
}
