//! RFC 2217 on the wire: the commands of the com port option, read and written.
//!
//! A client's command has a number of 0 to 12, the server's answer the same number plus 100. What real
//! servers send is not always what the RFC says: values too long (a Moxa NPort puts four bytes more after
//! the speed), numbers that nobody defined. Reading keeps what makes sense and drops the rest.
//! This file does not know who is asking whom, nor when.

use super::codec::write_subnegotiation;
use super::negotiate::COM_PORT;
use crate::signals::Signals;

/// The longest signature that is kept; the text is for people.
pub const MAX_SIGNATURE: usize = 120;

/// What is added to a command's number when the server says it.
const SERVER: u8 = 100;

/// Who says a command: the numbers differ by 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The user of the port ("access server's client").
    Client,
    /// The owner of the port.
    Server,
}

/// Parity of the port (RFC 2217 §3, SET-PARITY).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum PortParity {
    /// None.
    #[default]
    None = 1,
    /// Odd.
    Odd = 2,
    /// Even.
    Even = 3,
    /// Always one.
    Mark = 4,
    /// Always zero.
    Space = 5,
}

/// Stop bits of the port (RFC 2217 §3, SET-STOPSIZE).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum StopBits {
    /// One.
    #[default]
    One = 1,
    /// Two.
    Two = 2,
    /// One and a half.
    OneAndHalf = 3,
}

/// What a SET-CONTROL asks for (RFC 2217 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Control {
    /// Tell the flow control, both directions or outbound.
    AskFlow = 0,
    /// No flow control.
    FlowNone = 1,
    /// XON/XOFF.
    FlowXonXoff = 2,
    /// RTS/CTS.
    FlowHardware = 3,
    /// Tell whether a break is being sent.
    AskBreak = 4,
    /// Begin a break.
    BreakOn = 5,
    /// End it.
    BreakOff = 6,
    /// Tell DTR.
    AskDtr = 7,
    /// DTR on.
    DtrOn = 8,
    /// DTR off: hang up.
    DtrOff = 9,
    /// Tell RTS.
    AskRts = 10,
    /// RTS on.
    RtsOn = 11,
    /// RTS off.
    RtsOff = 12,
    /// Tell the inbound flow control.
    AskInbound = 13,
    /// No inbound flow control.
    InboundNone = 14,
    /// Inbound XON/XOFF.
    InboundXonXoff = 15,
    /// Inbound RTS/CTS.
    InboundHardware = 16,
    /// Outbound flow by DCD.
    FlowDcd = 17,
    /// Inbound flow by DTR.
    InboundDtr = 18,
    /// Outbound flow by DSR.
    FlowDsr = 19,
}

impl Flow {
    /// The SET-CONTROL that asks for it, and says it.
    #[must_use]
    pub const fn control(self) -> Control {
        match self {
            Self::None => Control::FlowNone,
            Self::XonXoff => Control::FlowXonXoff,
            Self::Hardware => Control::FlowHardware,
        }
    }

    /// The SET-CONTROL that says it of the inbound direction.
    #[must_use]
    pub const fn inbound(self) -> Control {
        match self {
            Self::None => Control::InboundNone,
            Self::XonXoff => Control::InboundXonXoff,
            Self::Hardware => Control::InboundHardware,
        }
    }
}

impl Control {
    const ALL: [Self; 20] = [
        Self::AskFlow,
        Self::FlowNone,
        Self::FlowXonXoff,
        Self::FlowHardware,
        Self::AskBreak,
        Self::BreakOn,
        Self::BreakOff,
        Self::AskDtr,
        Self::DtrOn,
        Self::DtrOff,
        Self::AskRts,
        Self::RtsOn,
        Self::RtsOff,
        Self::AskInbound,
        Self::InboundNone,
        Self::InboundXonXoff,
        Self::InboundHardware,
        Self::FlowDcd,
        Self::InboundDtr,
        Self::FlowDsr,
    ];
}

/// Which buffers are emptied (RFC 2217 §3, PURGE-DATA).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purge {
    /// What the port has received.
    Received = 1,
    /// What is still to be sent out of the port.
    Unsent = 2,
    /// Both.
    Both = 3,
}

/// Flow control between a port and its modem, as far as both directions have the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// None.
    None,
    /// XON/XOFF in the data: unfit for PPP and for binary files.
    XonXoff,
    /// RTS/CTS.
    #[default]
    Hardware,
}

/// How a port is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortSettings {
    /// Speed in bit/s.
    pub baud: u32,
    /// Data bits, 5 to 8.
    pub data_bits: u8,
    /// Parity.
    pub parity: PortParity,
    /// Stop bits.
    pub stop_bits: StopBits,
    /// Flow control between port and modem.
    pub flow: Flow,
}

impl Default for PortSettings {
    /// 115200 bit/s, 8N1, RTS/CTS: what a modem of the last years and PPP want.
    fn default() -> Self {
        Self {
            baud: 115_200,
            data_bits: 8,
            parity: PortParity::None,
            stop_bits: StopBits::One,
            flow: Flow::Hardware,
        }
    }
}

/// One value of [`PortSettings`] that a server answers with its own value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Speed in bit/s.
    Baud(u32),
    /// Data bits.
    DataBits(u8),
    /// Parity.
    Parity(PortParity),
    /// Stop bits.
    StopBits(StopBits),
}

/// The bits of NOTIFY-MODEMSTATE: the levels, and what changed since the last one.
pub mod modem_state {
    /// Carrier.
    pub const DCD: u8 = 0x80;
    /// Ring.
    pub const RI: u8 = 0x40;
    /// Data set ready.
    pub const DSR: u8 = 0x20;
    /// Clear to send.
    pub const CTS: u8 = 0x10;
    /// Carrier changed.
    pub const DELTA_DCD: u8 = 0x08;
    /// A ring ended.
    pub const TRAILING_RI: u8 = 0x04;
    /// Data set ready changed.
    pub const DELTA_DSR: u8 = 0x02;
    /// Clear to send changed.
    pub const DELTA_CTS: u8 = 0x01;
    /// The four levels.
    pub const LEVELS: u8 = 0xf0;
}

/// The bits of NOTIFY-LINESTATE that a modem pool needs; the others are buffer states of a UART.
pub mod line_state {
    /// The port saw a break.
    pub const BREAK: u8 = 0x10;
    /// A character with a wrong stop bit.
    pub const FRAMING_ERROR: u8 = 0x08;
    /// A character with wrong parity.
    pub const PARITY_ERROR: u8 = 0x04;
    /// A character was lost.
    pub const OVERRUN: u8 = 0x02;
}

/// The signals in a NOTIFY-MODEMSTATE.
#[must_use]
pub const fn signals(state: u8) -> Signals {
    Signals {
        dcd: state & modem_state::DCD != 0,
        dsr: state & modem_state::DSR != 0,
        cts: state & modem_state::CTS != 0,
        ri: state & modem_state::RI != 0,
    }
}

/// The NOTIFY-MODEMSTATE for signals that were `before` and are `now`.
#[must_use]
pub const fn modem_state(before: Signals, now: Signals) -> u8 {
    const fn bit(on: bool, bit: u8) -> u8 {
        if on { bit } else { 0 }
    }
    bit(now.dcd, modem_state::DCD)
        | bit(now.ri, modem_state::RI)
        | bit(now.dsr, modem_state::DSR)
        | bit(now.cts, modem_state::CTS)
        | bit(now.dcd != before.dcd, modem_state::DELTA_DCD)
        | bit(before.ri && !now.ri, modem_state::TRAILING_RI)
        | bit(now.dsr != before.dsr, modem_state::DELTA_DSR)
        | bit(now.cts != before.cts, modem_state::DELTA_CTS)
}

/// One command of the com port option. Where a request has `None`, it asks for the value (0 on the wire).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'b> {
    /// Who the speaker is; empty from a client: who are you?
    Signature(&'b [u8]),
    /// Speed in bit/s.
    Baud(Option<u32>),
    /// Data bits, 5 to 8.
    DataBits(Option<u8>),
    /// Parity.
    Parity(Option<PortParity>),
    /// Stop bits.
    StopBits(Option<StopBits>),
    /// Flow control, break, DTR, RTS.
    Control(Control),
    /// The port's UART reports; see [`line_state`].
    LineState(u8),
    /// The modem's signals; see [`modem_state`](mod@modem_state).
    ModemState(u8),
    /// Send no data until `Resume`.
    Suspend,
    /// Send data again.
    Resume,
    /// Which bits of the line state are to be reported.
    LineMask(u8),
    /// Which bits of the modem state are to be reported.
    ModemMask(u8),
    /// Empty buffers.
    Purge(Purge),
}

impl<'b> Command<'b> {
    /// Reads what `speaker` said, from the body of a subnegotiation: option, command number, value. `None` if it is
    /// another option, another speaker's number, or no value that the RFC defines.
    #[must_use]
    pub fn parse(speaker: Speaker, body: &'b [u8]) -> Option<Self> {
        let (&[COM_PORT, number], value) = body.split_first_chunk::<2>()? else { return None };
        let number = match speaker {
            Speaker::Client => number,
            Speaker::Server => number.checked_sub(SERVER)?,
        };
        let first = value.first().copied();
        Some(match number {
            0 => Self::Signature(value.get(..MAX_SIGNATURE).unwrap_or(value)),
            1 => {
                let baud = u32::from_be_bytes(*value.first_chunk::<4>()?);
                Self::Baud((baud != 0).then_some(baud))
            }
            2 => match first? {
                0 => Self::DataBits(None),
                bits @ 5..=8 => Self::DataBits(Some(bits)),
                _ => return None,
            },
            3 => Self::Parity(match first? {
                0 => None,
                1 => Some(PortParity::None),
                2 => Some(PortParity::Odd),
                3 => Some(PortParity::Even),
                4 => Some(PortParity::Mark),
                5 => Some(PortParity::Space),
                _ => return None,
            }),
            4 => Self::StopBits(match first? {
                0 => None,
                1 => Some(StopBits::One),
                2 => Some(StopBits::Two),
                3 => Some(StopBits::OneAndHalf),
                _ => return None,
            }),
            5 => Self::Control(*Control::ALL.get(usize::from(first?))?),
            6 => Self::LineState(first?),
            7 => Self::ModemState(first?),
            8 => Self::Suspend,
            9 => Self::Resume,
            10 => Self::LineMask(first?),
            11 => Self::ModemMask(first?),
            12 => Self::Purge(match first? {
                1 => Purge::Received,
                2 => Purge::Unsent,
                3 => Purge::Both,
                _ => return None,
            }),
            _ => return None,
        })
    }

    /// Appends the command to `wire` as `speaker` says it.
    pub fn write(self, speaker: Speaker, wire: &mut Vec<u8>) {
        let base = match speaker {
            Speaker::Client => 0,
            Speaker::Server => SERVER,
        };
        let mut say = |number: u8, value: &[u8]| {
            // A signature is the longest value; it is cut, all others have four bytes at most.
            let mut body = [0; 1 + MAX_SIGNATURE];
            let used = value.len().min(MAX_SIGNATURE) + 1;
            for (to, from) in body.iter_mut().zip([base + number].iter().chain(value)) {
                *to = *from;
            }
            write_subnegotiation(COM_PORT, body.get(..used).unwrap_or_default(), wire);
        };
        match self {
            Self::Signature(text) => say(0, text),
            Self::Baud(baud) => say(1, &baud.unwrap_or(0).to_be_bytes()),
            Self::DataBits(bits) => say(2, &[bits.unwrap_or(0)]),
            Self::Parity(parity) => say(3, &[parity.map_or(0, |parity| parity as u8)]),
            Self::StopBits(bits) => say(4, &[bits.map_or(0, |bits| bits as u8)]),
            Self::Control(control) => say(5, &[control as u8]),
            Self::LineState(state) => say(6, &[state]),
            Self::ModemState(state) => say(7, &[state]),
            Self::Suspend => say(8, &[]),
            Self::Resume => say(9, &[]),
            Self::LineMask(mask) => say(10, &[mask]),
            Self::ModemMask(mask) => say(11, &[mask]),
            Self::Purge(purge) => say(12, &[purge as u8]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telnet::codec::{Decoder, Item};

    #[test]
    fn every_command_of_both_speakers_is_written_as_the_rfc_has_it_and_read_back() {
        let table: &[(Command<'_>, &[u8])] = &[
            (Command::Signature(b"dialback"), b"\x00dialback"),
            (Command::Signature(b""), b"\x00"),
            (Command::Baud(Some(115_200)), b"\x01\x00\x01\xc2\x00"),
            (Command::Baud(Some(255)), b"\x01\x00\x00\x00\xff\xff"),
            (Command::Baud(None), b"\x01\x00\x00\x00\x00"),
            (Command::DataBits(Some(8)), b"\x02\x08"),
            (Command::DataBits(None), b"\x02\x00"),
            (Command::Parity(Some(PortParity::Even)), b"\x03\x03"),
            (Command::StopBits(Some(StopBits::OneAndHalf)), b"\x04\x03"),
            (Command::Control(Control::DtrOff), b"\x05\x09"),
            (Command::Control(Control::FlowDsr), b"\x05\x13"),
            (Command::LineState(line_state::BREAK), b"\x06\x10"),
            (Command::ModemState(0xb0), b"\x07\xb0"),
            (Command::Suspend, b"\x08"),
            (Command::Resume, b"\x09"),
            (Command::LineMask(0), b"\x0a\x00"),
            (Command::ModemMask(255), b"\x0b\xff\xff"),
            (Command::Purge(Purge::Both), b"\x0c\x03"),
        ];
        for (command, bytes) in table {
            for (speaker, base) in [(Speaker::Client, 0), (Speaker::Server, 100)] {
                let mut wire = Vec::new();
                command.write(speaker, &mut wire);
                let value = &bytes[1..];
                let wanted = [b"\xff\xfa\x2c", &[bytes[0] + base][..], value, b"\xff\xf0"].concat();
                assert_eq!(wire, wanted, "{command:?}");
                let mut decoder = Decoder::default();
                assert_eq!(decoder.next(&mut &wire[..]), Some(Item::Subnegotiation));
                assert_eq!(Command::parse(speaker, decoder.body()), Some(*command));
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_nothing_and_what_is_too_long_is_cut() {
        for (body, wanted) in [
            (&b""[..], None),
            (b"\x2c", None),
            (b"\x18\x01", None),
            (b"\x2c\x63\x01", None),
            (b"\x2c\x65\x00\x96\x00", None),
            (b"\x2c\x66\x09", None),
            (b"\x2c\x67\x06", None),
            (b"\x2c\x68\x04", None),
            (b"\x2c\x69\x14", None),
            (b"\x2c\x69", None),
            (b"\x2c\x70\x00", None),
            (b"\x2c\x71\x00", None),
            (b"\x2c\x65\x00\x00\x96\x00\x00\x00\x96\x00", Some(Command::Baud(Some(38_400)))),
            (b"\x2c\x66\x08\x00", Some(Command::DataBits(Some(8)))),
        ] {
            assert_eq!(Command::parse(Speaker::Server, body), wanted, "{body:x?}");
        }
        let long = [&b"\x2c\x64"[..], &[b'x'; 300]].concat();
        let cut = Command::Signature(&[b'x'; MAX_SIGNATURE]);
        assert_eq!(Command::parse(Speaker::Server, &long), Some(cut));
    }

    #[test]
    fn the_modem_state_carries_levels_and_changes() {
        let off = Signals::default();
        let call = Signals { dcd: true, dsr: true, cts: true, ri: false };
        let ring = Signals { ri: true, ..off };
        for (before, now, wanted) in [
            (off, off, 0x00),
            (off, call, 0xbb),
            (call, call, 0xb0),
            (call, off, 0x0b),
            (off, ring, 0x40),
            (ring, off, 0x04),
        ] {
            assert_eq!(modem_state(before, now), wanted, "{before} -> {now}");
            assert_eq!(signals(modem_state(before, now)), now);
        }
    }
}
