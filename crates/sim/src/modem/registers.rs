//! What a modem remembers: S registers, switches, the profile in its memory, and what it is by make.
//!
//! ```text
//!   make (Profile) ──&F──► Settings in force ◄──Z── Settings stored ──(power on)──►
//!                                 └────────────&W────────▲
//! ```
//!
//! It does not know what the settings do.

use std::time::Duration;

/// How many S registers there are: S0 to S63 cover every modem of the time.
const REGISTERS: usize = 64;

/// The S registers (V.250 §6.3.8 and the makers' manuals).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registers([u8; REGISTERS]);

/// Registers with a meaning in this modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Register {
    /// S0: rings before the modem answers by itself; 0 never.
    AutoAnswer = 0,
    /// S1: rings counted.
    RingCount = 1,
    /// S2: the escape character; above 127 there is none.
    Escape = 2,
    /// S3: ends a command line, and each line of a response.
    CarriageReturn = 3,
    /// S4: the second character of a line's end.
    LineFeed = 4,
    /// S5: takes back a character.
    Backspace = 5,
    /// S6: seconds before blind dialling.
    BlindPause = 6,
    /// S7: seconds to wait for carrier.
    CarrierWait = 7,
    /// S8: seconds of a comma.
    CommaPause = 8,
    /// S10: tenths of a second that carrier may be missing.
    CarrierLoss = 10,
    /// S11: milliseconds of a tone digit, and of the gap behind it.
    ToneTime = 11,
    /// S12: fiftieths of a second of silence around the escape sequence.
    GuardTime = 12,
    /// S25: hundredths of a second that DTR must be off to count.
    DtrTime = 25,
    /// S30: tens of seconds without traffic before hanging up; 0 never.
    Inactivity = 30,
    /// S38: seconds to get rid of what is buffered before a wanted hang-up (Rockwell's manual; V.250 §6.2.9
    /// wants the same for DTR).
    ClearTime = 38,
}

impl Registers {
    /// What the factory set.
    #[must_use]
    pub fn factory() -> Self {
        let mut registers = Self([0; REGISTERS]);
        for (register, value) in [
            (Register::Escape, b'+'),
            (Register::CarriageReturn, b'\r'),
            (Register::LineFeed, b'\n'),
            (Register::Backspace, 8),
            (Register::BlindPause, 2),
            (Register::CarrierWait, 50),
            (Register::CommaPause, 2),
            (Register::CarrierLoss, 14),
            (Register::ToneTime, 95),
            (Register::GuardTime, 50),
            (Register::DtrTime, 5),
            (Register::ClearTime, 20),
        ] {
            registers.set(register as u8, value);
        }
        registers
    }

    /// The value of a register that has a meaning.
    #[must_use]
    pub fn get(&self, register: Register) -> u8 {
        self.read(register as u8).unwrap_or(0)
    }

    /// The value of any register; `None` where there is no such register.
    #[must_use]
    pub fn read(&self, number: u8) -> Option<u8> {
        self.0.get(usize::from(number)).copied()
    }

    /// Sets a register; false where there is no such register.
    pub fn set(&mut self, number: u8, value: u8) -> bool {
        match self.0.get_mut(usize::from(number)) {
            Some(register) => {
                *register = value;
                true
            }
            None => false,
        }
    }

    /// A register that counts seconds.
    #[must_use]
    pub fn seconds(&self, register: Register) -> Duration {
        Duration::from_secs(u64::from(self.get(register)))
    }

    /// S12 as a time.
    #[must_use]
    pub fn guard_time(&self) -> Duration {
        Duration::from_millis(20 * u64::from(self.get(Register::GuardTime)))
    }

    /// S25 as a time.
    #[must_use]
    pub fn dtr_time(&self) -> Duration {
        Duration::from_millis(10 * u64::from(self.get(Register::DtrTime)))
    }

    /// S10 as a time.
    #[must_use]
    pub fn carrier_loss(&self) -> Duration {
        Duration::from_millis(100 * u64::from(self.get(Register::CarrierLoss)))
    }
}

/// `&D`: what the modem does when DTR falls (V.250 §6.2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtrRule {
    /// `&D0`: nothing.
    Ignored,
    /// `&D1`: to the online command state.
    Command,
    /// `&D2`: hangs up; no automatic answer while it is off.
    HangUp,
    /// `&D3`: hangs up and loads the stored profile, as `Z` does.
    Reset,
}

/// `+VCID`, `#CID`: how caller ID is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerIdForm {
    /// 0: not at all.
    Off,
    /// 1: `NMBR = 5550199`.
    Formatted,
    /// 2: `MESG = 0408...`, hexadecimal.
    Raw,
    /// `+CLIP=1`: `+CLIP: "5550199",129` behind each RING (3GPP TS 27.007 §7.6).
    Gsm,
}

/// `W`: what the number behind CONNECT means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectForm {
    /// `W0`: the speed of the port.
    PortSpeed,
    /// `W1`: CARRIER and PROTOCOL lines first, then CONNECT with the speed of the port.
    Lines,
    /// `W2`: the speed on the line.
    LineSpeed,
}

/// `&A`: what follows CONNECT and the speed on a connection with error control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArqForm {
    /// `&A0`: nothing.
    Plain,
    /// `&A1`, `&A2`: `/ARQ`.
    Arq,
    /// `&A3`: `/ARQ/V34/LAPM/V42BIS`.
    Full,
}

/// Everything that `&W` stores and `Z` brings back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `E`: commands are echoed.
    pub echo: bool,
    /// `Q`: result codes are kept back.
    pub quiet: bool,
    /// `V`: result codes are words.
    pub verbose: bool,
    /// `X`: which result codes there are, and what is listened for (0 to 4).
    pub extended: u8,
    /// `&C1`: DCD follows the carrier; else it is always on.
    pub dcd_follows: bool,
    /// `&D`
    pub dtr: DtrRule,
    /// `&S1`: DSR follows the call; else it is always on.
    pub dsr_follows: bool,
    /// `&K0`: no flow control; the modem drops what it can't keep either way.
    pub flow: u8,
    /// `&A`
    pub arq: ArqForm,
    /// `W`
    pub connect: ConnectForm,
    /// `+VCID`
    pub caller_id: CallerIdForm,
    /// `+FCLASS`: 0 is data; 1, 2, 2.0 and 8 are accepted and remembered.
    pub fclass: String,
    /// `+IPR`: 0 is automatic.
    pub port_speed: u32,
    /// `P` instead of `T` without one of them in the dial string.
    pub pulse: bool,
    /// The S registers.
    pub registers: Registers,
}

impl Settings {
    /// Whether dial tone is waited for before dialling: X2, X4 and above (V.250 §6.2.7).
    #[must_use]
    pub const fn listens_for_dial_tone(&self) -> bool {
        matches!(self.extended, 2 | 4..)
    }

    /// Whether a busy signal is recognised: X3 and above.
    #[must_use]
    pub const fn listens_for_busy(&self) -> bool {
        matches!(self.extended, 3..)
    }
}

/// A make of modem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// `+GMI`
    pub manufacturer: String,
    /// `+GMM`, `I3`
    pub model: String,
    /// `+GMR`
    pub revision: String,
    /// What it says when dial tone is missing: `NO DIALTONE` (V.250), `NO DIAL TONE` (some makes).
    pub no_dial_tone: String,
    /// Whether it says NO ANSWER when it heard ringing until S7 was over. V.250 §6.3.1 has that for `@` only;
    /// Couriers say it always.
    pub no_answer: bool,
    /// Whether it negotiates error control.
    pub error_control: bool,
    /// The most that it can do on the line (bit/s).
    pub line_rate: u32,
    /// The longest command line it takes, `AT` not counted: 40 at Hayes (V.250 asks for that), 60 or 255
    /// elsewhere.
    pub command_limit: usize,
    /// How long it listens for dial tone.
    pub dial_tone_wait: Duration,
    /// Which commands it knows, where makes differ.
    pub dialect: Dialect,
    /// `&F`
    pub factory: Settings,
}

/// What the same letters mean to different makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Rockwell's, and what most others took over: `&K` is flow control.
    Rockwell,
    /// U.S. Robotics: `&H` and `&R` are flow control, `&K` is compression, `&B` the speed of the port.
    Courier,
    /// ZyXEL: `&H` is flow control, `X` goes to 7, registers have bits (`S40.2=1` tells who calls).
    Zyxel,
    /// SIM modems (GSM 07.07): `+CBST`, `+CLIP`, `+CMEE`; no flow control by letters.
    Gsm,
}
