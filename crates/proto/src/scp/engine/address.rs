//! Reading an IP address from the line: `getip`.
//!
//! An address is a run of digits and dots, dots at its ends aside, that is four numbers up to 255 of one to three
//! digits. It is complete only when a byte follows that cannot belong to it, because the last number may go on; that
//! byte is left for the next wait. Everything else that is no address is passed over.

use std::collections::VecDeque;

/// `255.255.255.255`
const LONGEST: usize = 15;

/// Reads until the n-th address.
#[derive(Debug)]
pub(super) struct AddressReader {
    /// How many more are wanted, this one included.
    wanted: i32,
    /// The run so far, without dots at its ends, up to one byte more than [`LONGEST`]: then it is no address.
    run: String,
    /// Dots after it that are part of it only if a digit follows.
    dots: usize,
    /// Whether there has been a byte of the run at all.
    begun: bool,
}

impl AddressReader {
    /// For the `wanted`-th address from now, at least 1.
    pub(super) const fn new(wanted: i32) -> Self {
        Self { wanted, run: String::new(), dots: 0, begun: false }
    }

    /// Takes bytes out of `input` up to the end of the address, if it is there.
    pub(super) fn read(&mut self, input: &mut VecDeque<u8>, seven_bits: bool) -> Option<String> {
        while let Some(&byte) = input.front() {
            let byte = if seven_bits { byte & 0x7f } else { byte };
            match byte {
                b'0'..=b'9' => self.digit(byte),
                b'.' => self.dot(),
                _ => {
                    let address = self.end();
                    if address.is_some() {
                        return address;
                    }
                }
            }
            input.pop_front();
        }
        None
    }

    fn digit(&mut self, byte: u8) {
        self.begun = true;
        // A run of any length must not be kept: one dot too many makes it no address just as well.
        let dots = std::mem::take(&mut self.dots).min(LONGEST);
        for _ in 0..dots {
            self.push('.');
        }
        self.push(char::from(byte));
    }

    fn dot(&mut self) {
        self.begun = true;
        if !self.run.is_empty() {
            self.dots = self.dots.saturating_add(1);
        }
    }

    fn push(&mut self, c: char) {
        if self.run.len() <= LONGEST {
            self.run.push(c);
        }
    }

    /// A byte came that belongs to no address.
    fn end(&mut self) -> Option<String> {
        if !std::mem::take(&mut self.begun) {
            return None;
        }
        self.dots = 0;
        let run = std::mem::take(&mut self.run);
        if !is_address(run.as_bytes()) {
            return None;
        }
        self.wanted -= 1;
        (self.wanted == 0).then_some(run)
    }
}

/// Whether `text` is four numbers up to 255 with dots between them.
pub(super) fn is_address(text: &[u8]) -> bool {
    let mut parts = 0;
    let numbers = text.split(|&byte| byte == b'.').all(|part| {
        parts += 1;
        // Three digits at most are computed: the peer may send any number of them.
        matches!(part.len(), 1..=3)
            && part.iter().all(u8::is_ascii_digit)
            && part.iter().fold(0, |value, digit| value * 10 + u32::from(digit & 0x0f)) <= 255
    });
    numbers && parts == 4
}
