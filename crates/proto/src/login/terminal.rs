//! What the caller's terminal does to characters: parity, and what it sends for a line end.
//!
//! A port runs with eight bits and no parity, because PPP needs them. A caller who has set his terminal
//! to seven bits and parity then sends every other character with the top bit set. This decoder keeps
//! the set of explanations that all characters so far agree with, and strips the bit once "no parity" is
//! no longer among them:
//!
//! ```text
//!     all of {none, odd, even, mark} --- each byte strikes out what it contradicts ---> one left
//!                        |
//!                        `-- nothing left: noise before this line is forgotten; noise in it, or an eight-bit
//!                            text, is told, and the set begins again with this byte
//! ```
//!
//! UTF-8 competes with parity for the bytes above 7f: a well-formed sequence is a foreign character,
//! unless a broken one has come before it. A few spellings stay ambiguous (`c00` with odd parity is one
//! character of UTF-8); they are taken for foreign, because that is refused and typed again.
//! This file does not know what the characters are for.

/// The parity that a terminal puts into the top bit of its characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parity {
    /// The top bit is clear: eight bits without parity, or space parity.
    #[default]
    None,
    /// The number of ones is odd.
    Odd,
    /// The number of ones is even.
    Even,
    /// The top bit is always set.
    Mark,
}

impl Parity {
    const ALL: [Self; 4] = [Self::None, Self::Odd, Self::Even, Self::Mark];

    /// The character as this parity puts it on the wire.
    #[must_use]
    pub const fn put(self, byte: u8) -> u8 {
        let low = byte & 0x7f;
        let odd = low.count_ones() % 2 == 1;
        match self {
            Self::None => byte,
            Self::Odd if odd => low,
            Self::Even if !odd => low,
            Self::Odd | Self::Even | Self::Mark => low | 0x80,
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::None => 1,
            Self::Odd => 2,
            Self::Even => 4,
            Self::Mark => 8,
        }
    }
}

/// One thing that the terminal said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A seven-bit character, parity stripped.
    Ascii(u8),
    /// A piece of a character that is not ASCII, written in UTF-8.
    Foreign(u8),
    /// A character (top bit stripped) that no parity explains together with those before it: this one or
    /// an earlier one is noise, or the text has eight bits.
    Contradiction(u8),
    /// A CR or LF with parity that may also have been the last byte of a letter: it ends a line that must be refused.
    DoubtfulEnd(u8),
}

/// What is known about the caller's terminal. It outlives one question: hand what one engine's `finish`
/// returned to the next one, so that the LF of a CR LF is not taken for an empty answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Which of [`Parity::ALL`] all bytes so far agree with.
    candidates: u8,
    /// The same, of the bytes of this line only. It includes `candidates`.
    fresh: u8,
    /// A byte above 7f came that UTF-8 cannot explain: parity is why the top bits are set.
    not_utf8: bool,
    /// The beginning of what may become a UTF-8 sequence.
    sequence: [u8; 4],
    held: usize,
    /// The last character was a CR: a LF or NUL now belongs to it.
    pub(super) after_cr: bool,
    /// The last line ended in doubt: what contradicts parity now is the rest of its last letter, not noise.
    pub(super) doubtful: bool,
    /// The caller's terminal knows capitals only.
    pub(super) capitals: bool,
}

/// The set of all parities.
const ALL: u8 = 0x0f;

impl Default for Terminal {
    fn default() -> Self {
        Self {
            candidates: ALL,
            fresh: ALL,
            not_utf8: false,
            sequence: [0; 4],
            held: 0,
            after_cr: false,
            doubtful: false,
            capitals: false,
        }
    }
}

impl Terminal {
    /// The parity that the terminal uses, as far as its characters have shown. `None` while there is doubt.
    #[must_use]
    pub fn parity(&self) -> Parity {
        let only = |parity: &Parity| self.candidates == parity.bit();
        Parity::ALL.into_iter().find(only).unwrap_or(Parity::None)
    }

    /// True when a name all in capitals was typed and taken as lower case: the session's tty wants `iuclc`.
    #[must_use]
    pub const fn capitals_only(&self) -> bool {
        self.capitals
    }

    /// Puts the terminal's parity into text that is about to be sent to it.
    pub fn encode(&self, text: &mut [u8]) {
        let parity = self.parity();
        if parity != Parity::None {
            for byte in text {
                *byte = parity.put(*byte);
            }
        }
    }

    /// Nothing of the line has been typed yet: what was heard before may have been noise.
    pub(super) const fn begin_line(&mut self) {
        self.fresh = ALL;
    }

    /// Takes one byte from the wire; `heard` gets what is certain now, at most four at once.
    pub(super) fn decode(&mut self, byte: u8, mut heard: impl FnMut(Heard)) {
        if self.not_utf8 {
            heard(self.strip(byte));
            return;
        }
        if self.held == 0 && byte < 0x80 {
            heard(self.strip(byte));
            return;
        }
        // A sequence begins or goes on. It can never hold more than the four bytes of the array.
        if let Some(slot) = self.sequence.get_mut(self.held) {
            *slot = byte;
            self.held += 1;
        }
        let held = self.sequence;
        let so_far = held.get(..self.held).unwrap_or_default();
        let broken =
            std::str::from_utf8(so_far).err().and_then(|error| error.error_len()).is_some();
        if !broken && matches!(byte, 0x8d | 0x8a) && self.may_be_parity(so_far) {
            // CR with parity, by all that is known, or a part of a letter: `lol<e1><8d>` is `lola` with even
            // parity, or ends in the beginning of an Ethiopic letter. To wait would be to hang, to guess would
            // be to make a name up: the line ends, is refused, and from here on it is parity.
            self.held = 0;
            self.not_utf8 = true;
            for &piece in so_far {
                let _ = self.strip(piece);
            }
            heard(Heard::DoubtfulEnd(byte & 0x7f));
            return;
        }
        match std::str::from_utf8(so_far) {
            Ok(_) => {
                self.held = 0;
                for &piece in so_far {
                    heard(Heard::Foreign(piece));
                }
            }
            Err(broken) if broken.error_len().is_none() => {}
            Err(_) => {
                self.held = 0;
                self.not_utf8 = true;
                let (&last, before) = so_far.split_last().unwrap_or((&byte, &[]));
                for &piece in before {
                    heard(self.strip(piece));
                }
                // The byte that broke the sequence may begin another one.
                if before.is_empty() {
                    heard(self.strip(last));
                } else {
                    self.decode(last, heard);
                }
            }
        }
    }

    /// Whether some parity explains all that was heard so far and these bytes, too.
    fn may_be_parity(&self, bytes: &[u8]) -> bool {
        bytes.iter().fold(self.candidates, |left, byte| left & agreeing(*byte)) != 0
    }

    /// Strikes out the parities that this byte contradicts; when none is left, begins again with it.
    fn strip(&mut self, byte: u8) -> Heard {
        let agreed = agreeing(byte);
        let low = byte & 0x7f;
        self.fresh &= agreed;
        self.candidates &= agreed;
        if self.candidates != 0 {
            return Heard::Ascii(low);
        }
        // This line by itself has an explanation: what it contradicts was noise before it.
        let noise_before = self.fresh != 0 && !self.doubtful;
        if !noise_before {
            self.fresh = agreed;
        }
        self.candidates = self.fresh;
        self.not_utf8 = false;
        if noise_before { Heard::Ascii(low) } else { Heard::Contradiction(low) }
    }
}

/// The parities under which this byte is a character, as a set.
fn agreeing(byte: u8) -> u8 {
    Parity::ALL
        .into_iter()
        .filter(|parity| parity.put(byte & 0x7f) == byte)
        .fold(0, |set, parity| set | parity.bit())
}
