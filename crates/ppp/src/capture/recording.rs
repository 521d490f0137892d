//! The octets of a line as pppd's option `record` writes them: for pppdump, and also for tshark.

use super::Direction;
use crate::time::Instant;

/// Turns the octets of a line into a recording such as pppd makes.
#[derive(Debug)]
pub struct Recording {
    last: Instant,
}

impl Recording {
    const START: u8 = 7;
    const SENT: u8 = 1;
    const RECEIVED: u8 = 2;
    const LONG_WAIT: u8 = 5;
    const SHORT_WAIT: u8 = 6;

    /// A recording whose clock's start was that many seconds after 1970, and the file's first octets.
    #[must_use]
    pub fn new(epoch_secs: u32) -> (Self, Vec<u8>) {
        let [a, b, c, d] = epoch_secs.to_be_bytes();
        (Self { last: Instant::ZERO }, vec![Self::START, a, b, c, d])
    }

    /// The records of these octets, with the time that has passed since the last, in tenths of a second.
    pub fn octets(&mut self, now: Instant, direction: Direction, octets: &[u8]) -> Vec<u8> {
        let mut records = Vec::with_capacity(octets.len() + 8);
        let tenths = now.since(self.last).as_micros() / 100_000;
        match (u8::try_from(tenths), u32::try_from(tenths)) {
            (Ok(0), _) => {}
            (Ok(tenths), _) => records.extend([Self::SHORT_WAIT, tenths]),
            (Err(_), tenths) => {
                records.push(Self::LONG_WAIT);
                records.extend(tenths.unwrap_or(u32::MAX).to_be_bytes());
            }
        }
        if tenths > 0 {
            self.last = now;
        }
        let kind = match direction {
            Direction::Sent => Self::SENT,
            Direction::Received => Self::RECEIVED,
        };
        for piece in octets.chunks(usize::from(u16::MAX)) {
            records.push(kind);
            records.extend(u16::try_from(piece.len()).unwrap_or(u16::MAX).to_be_bytes());
            records.extend(piece);
        }
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::octets as hex;

    #[test]
    fn a_recording_holds_the_octets_and_the_waits_between_them() {
        let (mut recording, start) = Recording::new(1);
        assert_eq!(start, [7, 0, 0, 0, 1]);
        for (second, wanted) in
            [(0, "01 0002 aabb"), (2, "06 14 01 0002 aabb"), (102, "05 000003e8 01 0002 aabb")]
        {
            let now = Instant::from_secs(second);
            assert_eq!(recording.octets(now, Direction::Sent, &[0xaa, 0xbb]), hex(wanted));
        }
        assert_eq!(
            recording.octets(Instant::from_secs(102), Direction::Received, &[1]),
            [2, 0, 1, 1]
        );
    }
}
