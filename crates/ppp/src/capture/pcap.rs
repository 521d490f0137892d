//! The good frames of a line as a pcap file, and back.
//!
//! ```text
//!     header: a1b2c3d4 2 4 0 0 65535 204                 all of it low octet first
//!     record: seconds micros kept whole | direction ff 03 protocol information
//! ```
//!
//! A capture is looked at by more people than a password is for. So the passwords of PAP, which go over the
//! line as they are, are written as `hidden` unless somebody wants them; and of the packets of a session
//! only so many octets are kept as are asked for. CHAP's responses stand as they are: who has one can try
//! passwords on it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::Direction;
use crate::auth::{read_pap_name, write_pap_request};
use crate::framing::{Accm, Deframer};
use crate::packet::Packet;
use crate::protocol::Protocol;
use crate::secret::Secret;
use crate::time::Instant;

/// The pcap link type LINKTYPE_PPP_WITH_DIR: an octet of direction, then the frame from its address field.
const PPP_WITH_DIRECTION: u32 = 204;
/// A file of this octet order with microseconds.
const MAGIC: u32 = 0xa1b2_c3d4;
/// Octets before the first record.
const FILE_HEADER: usize = 24;
/// Octets before each record's frame.
const RECORD_HEADER: usize = 16;

/// The longest frame that is kept, and that a reader has to expect.
const SNAP_LENGTH: usize = 65_535;

/// What stands in the place of a password.
const HIDDEN: &[u8] = b"hidden";

/// LCP's code for "I do not speak that protocol", with the packet that it was told in.
const PROTOCOL_REJECT: u8 = 8;

/// PAP's code for a request, which holds the password.
const PAP_REQUEST: u8 = 1;

/// What becomes of the passwords of PAP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Passwords {
    /// `hidden` is written in their place.
    #[default]
    Hidden,
    /// They are written.
    Shown,
}

/// Turns the octets of a line into pcap records of its good frames.
#[derive(Debug)]
pub struct Capture {
    epoch: Duration,
    passwords: Passwords,
    octets_of_packets: usize,
    sent: Deframer,
    received: Deframer,
}

impl Capture {
    /// A capture whose clock's start was so long after 1970, and the file's first octets. Passwords are
    /// hidden, packets are kept whole.
    #[must_use]
    pub fn new(epoch: Duration) -> (Self, Vec<u8>) {
        let deframer = || {
            let mut deframer = Deframer::new(SNAP_LENGTH);
            // What a side treats as noise depends on its negotiation; a capture shows what was sent.
            deframer.set_accm(Accm::NONE);
            deframer
        };
        let mut header = Vec::with_capacity(FILE_HEADER);
        header.extend(MAGIC.to_le_bytes());
        header.extend(2_u16.to_le_bytes());
        header.extend(4_u16.to_le_bytes());
        header.extend([0; 8]);
        header.extend(65_535_u32.to_le_bytes());
        header.extend(PPP_WITH_DIRECTION.to_le_bytes());
        let capture = Self {
            epoch,
            passwords: Passwords::Hidden,
            octets_of_packets: SNAP_LENGTH,
            sent: deframer(),
            received: deframer(),
        };
        (capture, header)
    }

    /// What becomes of PAP's passwords.
    #[must_use]
    pub const fn with_passwords(mut self, passwords: Passwords) -> Self {
        self.passwords = passwords;
        self
    }

    /// Of the packets of network layers (protocols below 8000) only so many octets are kept.
    #[must_use]
    pub const fn with_octets_of_packets(mut self, octets: usize) -> Self {
        self.octets_of_packets = octets;
        self
    }

    /// The records of the frames that these octets complete.
    pub fn octets(&mut self, now: Instant, direction: Direction, octets: &[u8]) -> Vec<u8> {
        let (deframer, mark) = match direction {
            Direction::Sent => (&mut self.sent, 1),
            Direction::Received => (&mut self.received, 0),
        };
        let time = self.epoch + Duration::from_micros(now.as_micros());
        let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        let mut records = Vec::new();
        let mut input = octets;
        while let Some(frame) = deframer.next(&mut input) {
            let protocol = frame.protocol;
            let information = match self.passwords {
                Passwords::Hidden => without_password(protocol, frame.information),
                Passwords::Shown => Cow::Borrowed(frame.information),
            };
            let most = if protocol.0 < 0x8000 { self.octets_of_packets } else { SNAP_LENGTH };
            let kept = information.get(..most).unwrap_or(&information);
            let length = |information: &[u8]| u32::try_from(information.len() + 5);
            records.extend(seconds.to_le_bytes());
            records.extend(time.subsec_micros().to_le_bytes());
            records.extend(length(kept).unwrap_or(u32::MAX).to_le_bytes());
            records.extend(length(&information).unwrap_or(u32::MAX).to_le_bytes());
            records.extend([mark, 0xff, 0x03]);
            records.extend(protocol.0.to_be_bytes());
            records.extend(kept);
            if protocol == Protocol::PAP {
                deframer.wipe();
            }
        }
        records
    }
}

/// A packet in which no password can be read. What pretends to be a request of PAP and cannot be read as one
/// keeps no name either: somebody's password may be in it all the same.
fn without_password(protocol: Protocol, information: &[u8]) -> Cow<'_, [u8]> {
    match (protocol, information) {
        (Protocol::PAP, [PAP_REQUEST, id, ..]) => {
            let name = Packet::read(information).and_then(|packet| read_pap_name(packet.body));
            let hidden = Secret::new(HIDDEN.to_vec());
            Cow::Owned(write_pap_request(*id, &name.unwrap_or_default(), &hidden))
        }
        (Protocol::PAP, [PAP_REQUEST]) => Cow::Borrowed(&[]),
        // A PAP request that came back as not spoken.
        (Protocol::LCP, [PROTOCOL_REJECT, id, _, _, 0xc0, 0x23, ..]) => {
            let body = [&[0xc0, 0x23], HIDDEN].concat();
            Cow::Owned(Packet { code: PROTOCOL_REJECT, id: *id, body: &body }.write())
        }
        (_, _) => Cow::Borrowed(information),
    }
}

/// One frame of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured<'a> {
    /// When it was complete, since 1970.
    pub at: Duration,
    /// Which way it went.
    pub direction: Direction,
    /// What it carries.
    pub protocol: Protocol,
    /// The information field, as far as it was kept.
    pub information: &'a [u8],
    /// How long the information field was.
    pub whole: usize,
}

/// Why octets are no capture that can be read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Not a pcap file, or one that another kind of machine wrote.
    NotPcap,
    /// A pcap file of another link type.
    LinkType(u32),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPcap => f.write_str("not a pcap file"),
            Self::LinkType(found) => {
                write!(f, "link type {found}, not {PPP_WITH_DIRECTION} (PPP with direction)")
            }
        }
    }
}

impl std::error::Error for Unreadable {}

/// The frames of a file, to its end or to where it is cut: a file that is being written may end anywhere.
///
/// # Errors
/// [`Unreadable`] if it is not a capture of PPP with direction.
pub fn frames(file: &[u8]) -> Result<Frames<'_>, Unreadable> {
    let (header, rest) = file.split_first_chunk::<FILE_HEADER>().ok_or(Unreadable::NotPcap)?;
    if word(header, 0) != Some(MAGIC) {
        return Err(Unreadable::NotPcap);
    }
    match word(header, 20) {
        Some(PPP_WITH_DIRECTION) => Ok(Frames { rest }),
        other => Err(Unreadable::LinkType(other.unwrap_or_default())),
    }
}

/// Made by [`frames`].
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Frames<'a> {
    type Item = Captured<'a>;

    fn next(&mut self) -> Option<Captured<'a>> {
        loop {
            let (header, rest) = self.rest.split_first_chunk::<RECORD_HEADER>()?;
            let kept = usize::try_from(word(header, 8)?).ok()?;
            let whole = usize::try_from(word(header, 12)?).ok()?;
            let (record, rest) = rest.split_at_checked(kept)?;
            self.rest = rest;
            // Other programs' files may hold frames with their address and control left out, or garbage.
            let [mark, 0xff, 0x03, high, low, information @ ..] = record else { continue };
            let time = Duration::from_secs(word(header, 0)?.into());
            return Some(Captured {
                at: time + Duration::from_micros(word(header, 4)?.into()),
                direction: if *mark == 0 { Direction::Received } else { Direction::Sent },
                protocol: Protocol(u16::from_be_bytes([*high, *low])),
                information,
                whole: whole.saturating_sub(5).max(information.len()),
            });
        }
    }
}

fn word(octets: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*octets.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::Framing;
    use crate::hex::octets as hex;

    const NOW: Instant = Instant::from_micros(2_000_003);

    fn captured(capture: &mut Capture, protocol: Protocol, information: &str) -> Vec<u8> {
        let mut line = Vec::new();
        Framing::DEFAULT.encode(protocol, &hex(information), &mut line);
        capture.octets(NOW, Direction::Received, &line)
    }

    #[test]
    fn a_capture_holds_good_frames_with_direction_and_time() {
        let (mut capture, header) = Capture::new(Duration::from_secs(1_000));
        assert_eq!(header.len(), FILE_HEADER);
        let mut line = Vec::new();
        Framing::DEFAULT.encode(Protocol::LCP, &[6, 2, 0, 4], &mut line);
        let (one, other) = line.split_at(5);
        assert!(capture.octets(NOW, Direction::Received, one).is_empty());
        assert_eq!(
            capture.octets(NOW, Direction::Received, other),
            hex("ea030000 03000000 09000000 09000000 00 ff03 c021 06020004")
        );
        line[3] ^= 1;
        assert!(capture.octets(NOW, Direction::Sent, &line).is_empty());
    }

    #[test]
    fn what_is_written_reads_back_and_a_cut_file_ends_where_it_is_cut() {
        let (capture, mut file) = Capture::new(Duration::from_millis(1_500));
        let mut capture = capture.with_octets_of_packets(2);
        file.extend(captured(&mut capture, Protocol::IPV4, "45 00 00 14"));
        let read: Vec<Captured<'_>> = frames(&file).unwrap().collect();
        let wanted = Captured {
            at: Duration::from_micros(3_500_003),
            direction: Direction::Received,
            protocol: Protocol::IPV4,
            information: &[0x45, 0],
            whole: 4,
        };
        assert_eq!(read, [wanted]);
        for end in FILE_HEADER..file.len() {
            assert_eq!(frames(&file[..end]).unwrap().count(), 0, "{end}");
        }
    }

    #[test]
    fn other_files_are_not_read() {
        let (_, mut file) = Capture::new(Duration::ZERO);
        assert_eq!(frames(&file[..23]).unwrap_err(), Unreadable::NotPcap);
        file[20] = 1;
        assert_eq!(frames(&file).unwrap_err(), Unreadable::LinkType(1));
        file[0] = 0;
        assert_eq!(frames(&file).unwrap_err(), Unreadable::NotPcap);
    }

    #[test]
    fn a_password_is_not_written_unless_somebody_wants_it() {
        const REQUEST: &str = "01 01 00 11 05 61 6c 69 63 65 06 73 33 63 72 65 74";
        for (protocol, packet, wanted) in [
            (Protocol::PAP, REQUEST, "01 01 0011 05 616c696365 06 68696464656e"),
            // The name is cut, a length lies, nothing but a code: none of it shows what it may hold.
            (Protocol::PAP, "01 01 00 11 05 61 6c 73 33 63", "01 01 000c 00 06 68696464656e"),
            (Protocol::PAP, "01 01 00 0a ff 73 33 63 72 65", "01 01 000c 00 06 68696464656e"),
            (Protocol::PAP, "01", ""),
            (Protocol::PAP, "02 01 00 05 00", "02 01 00 05 00"),
            (
                Protocol::LCP,
                "08 02 00 17 c0 23 01 01 00 11 05 61 6c 69 63 65 06 73 33 63 72 65 74",
                "08 02 00 0c c0 23 68696464656e",
            ),
            (Protocol::LCP, "08 02 00 08 80 fd 01 01", "08 02 00 08 80 fd 01 01"),
        ] {
            let (mut capture, mut file) = Capture::new(Duration::ZERO);
            file.extend(captured(&mut capture, protocol, packet));
            let read: Vec<Vec<u8>> =
                frames(&file).unwrap().map(|frame| frame.information.to_vec()).collect();
            // A frame of one octet of information under a protocol of two is good, too.
            assert_eq!(read, [hex(wanted)], "{packet}");
        }
        let (capture, mut file) = Capture::new(Duration::ZERO);
        let mut capture = capture.with_passwords(Passwords::Shown);
        file.extend(captured(&mut capture, Protocol::PAP, REQUEST));
        assert_eq!(frames(&file).unwrap().next().unwrap().information, hex(REQUEST));
    }

    #[test]
    fn any_file_is_read_to_an_end() {
        let (_, header) = Capture::new(Duration::ZERO);
        for fill in [0x00, 0x01, 0x7f, 0xff] {
            let file = [header.as_slice(), &[fill; 5_000]].concat();
            assert!(frames(&file).unwrap().count() <= 5_000 / RECORD_HEADER);
        }
    }
}
