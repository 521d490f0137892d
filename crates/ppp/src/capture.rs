//! What went over the line, as files that other programs read.
//!
//! [`Capture`] writes the frames of both directions as pcap, link type 204 (PPP with direction), for
//! tshark and Wireshark. [`Recording`] writes the line's octets as they were, escapes and damage
//! included, in the format of pppd's `record` option, for pppdump and also for tshark.
//!
//! Both only make octets; whoever has a file appends them.

use crate::framing::{Accm, Deframer};
use crate::time::Instant;

/// The pcap link type LINKTYPE_PPP_WITH_DIR: an octet of direction, then the frame from its address field.
const PPP_WITH_DIRECTION: u32 = 204;

/// The longest frame that is kept, and that a reader has to expect.
const SNAP_LENGTH: usize = 65_535;

/// Which way octets went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From us to the peer.
    Sent,
    /// From the peer to us.
    Received,
}

/// Turns the octets of a line into pcap records of its good frames.
#[derive(Debug)]
pub struct Capture {
    epoch_secs: u32,
    sent: Deframer,
    received: Deframer,
}

impl Capture {
    /// A capture whose clock's start was that many seconds after 1970, and the file's first octets.
    #[must_use]
    pub fn new(epoch_secs: u32) -> (Self, Vec<u8>) {
        let deframer = || {
            let mut deframer = Deframer::new(SNAP_LENGTH);
            // What a side treats as noise depends on its negotiation; a capture shows what was sent.
            deframer.set_accm(Accm::NONE);
            deframer
        };
        let mut header = Vec::with_capacity(24);
        header.extend(0xa1b2_c3d4_u32.to_le_bytes());
        header.extend(2_u16.to_le_bytes());
        header.extend(4_u16.to_le_bytes());
        header.extend([0; 8]);
        header.extend(65_535_u32.to_le_bytes());
        header.extend(PPP_WITH_DIRECTION.to_le_bytes());
        (Self { epoch_secs, sent: deframer(), received: deframer() }, header)
    }

    /// The records of the frames that these octets complete.
    pub fn octets(&mut self, now: Instant, direction: Direction, octets: &[u8]) -> Vec<u8> {
        let (deframer, mark) = match direction {
            Direction::Sent => (&mut self.sent, 1),
            Direction::Received => (&mut self.received, 0),
        };
        let seconds = u32::try_from(now.as_micros() / 1_000_000).unwrap_or(u32::MAX);
        let micros = u32::try_from(now.as_micros() % 1_000_000).unwrap_or(0);
        let mut records = Vec::new();
        let mut input = octets;
        while let Some(frame) = deframer.next(&mut input) {
            let length = u32::try_from(frame.information.len() + 5).unwrap_or(u32::MAX);
            records.extend(self.epoch_secs.saturating_add(seconds).to_le_bytes());
            records.extend(micros.to_le_bytes());
            records.extend(length.to_le_bytes());
            records.extend(length.to_le_bytes());
            records.extend([mark, 0xff, 0x03]);
            records.extend(frame.protocol.0.to_be_bytes());
            records.extend(frame.information);
        }
        records
    }
}

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
    use crate::framing::Framing;
    use crate::hex::octets as hex;
    use crate::protocol::Protocol;

    #[test]
    fn a_capture_holds_good_frames_with_direction_and_time() {
        let (mut capture, header) = Capture::new(1_000);
        assert_eq!(header.len(), 24);
        let mut line = Vec::new();
        Framing::DEFAULT.encode(Protocol::LCP, &[6, 2, 0, 4], &mut line);
        let now = Instant::from_micros(2_000_003);
        let (one, other) = line.split_at(5);
        assert!(capture.octets(now, Direction::Received, one).is_empty());
        assert_eq!(
            capture.octets(now, Direction::Received, other),
            hex("ea030000 03000000 09000000 09000000 00 ff03 c021 06020004")
        );
        line[3] ^= 1;
        assert!(capture.octets(now, Direction::Sent, &line).is_empty());
    }

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
