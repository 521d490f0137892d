//! What differs from modem to modem, as data: a table of the families that are found on lines.
//!
//! A profile is where a line's configuration begins; every value can be set apart there. The setup of
//! each family does the same things: factory settings (never whatever a stranger stored: mgetty 1.2.1
//! starts from the modem's own profile, and one injected `&W` changes that for good), result codes in
//! words and complete (`Q0V1X4`), no echo, no answering by itself, carrier and DTR obeyed (`&C1&D2`),
//! and a serial port of fixed speed with RTS/CTS flow control.
//!
//! This file knows no line; the modems' manuals named in the table are its sources.

use std::time::Duration;

use super::commands::{self, Command, CommandFault, Refused};
use super::escape::Escape;
use super::hang_up::{self, Proof};
use super::reader::Form;
use super::result::NumericCodes;
use crate::dial::{DialFault, DialPrefix, Dialling};

#[cfg(test)]
mod tests;

/// How a modem is made to hang up, and with that, whether it may listen to `+++`.
///
/// A modem that does is at the mercy of every program on its line: after `sleep 2; printf +++; sleep 2`
/// it takes what the program prints for commands, and dials. Where DTR hangs up, nobody needs the escape,
/// and the setup turns it off (`S2=255`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HangUpManner {
    /// DTR goes down (`&D2`). Nobody at the far end can prevent or fake it. The escape is off.
    Dtr,
    /// `+++ATH`, on ports without DTR.
    Escape,
    /// DTR, and if DCD then stays up, `+++ATH`: for modems whose DTR is not to be relied on. The escape
    /// stays on.
    DtrThenEscape,
}

/// What the number behind `CONNECT` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectSpeed {
    /// The speed on the telephone line.
    Line,
    /// The speed of the serial port, unless a remark (`CARRIER`, `+MRR`) tells the line's.
    Port,
}

/// A family of modems.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The name in the configuration: `generic`, `courier`.
    pub name: &'static str,
    /// Which modems these are, for people.
    pub modems: &'static str,
    /// The commands that set the modem up, each answered by `OK`.
    pub init: &'static [&'static str],
    /// Further commands, which not every modem of the family knows: it may refuse them.
    pub wishes: &'static [&'static str],
    /// The command that makes it tell who calls; none if the family has no common one.
    pub caller_id: Option<&'static str>,
    /// The command that answers a call.
    pub answer: &'static str,
    /// The dial command up to the number.
    pub dial_prefix: &'static str,
    /// What a `+` becomes, where that does not depend on the country.
    pub international_prefix: Option<&'static str>,
    /// How it hangs up.
    pub hang_up: HangUpManner,
    /// How it is called back to the command state.
    pub escape: Escape,
    /// What its numeric result codes mean.
    pub numeric: NumericCodes,
    /// What the number behind `CONNECT` is, after this setup.
    pub connect_speed: ConnectSpeed,
    /// From `ATA` to a result at most. Register S7 counts in the modem too; this is for its silence.
    pub answer_time: Duration,
    /// From `ATD` to a result at most.
    pub dial_time: Duration,
    /// For any other command.
    pub command_time: Duration,
    /// The silence before each command.
    pub command_pause: Duration,
    /// The silence after a command that resets the modem (`Z`, `&F`).
    pub reset_pause: Duration,
}

/// Turns the escape off: an escape character above 127 is none (Hayes, register S2). V.250 has no S2, so
/// that this is a wish.
pub const ESCAPE_OFF: &str = "ATS2=255";

/// What most families have in common: a Hayes-compatible modem on a serial port with all its lines.
const GENERIC: Profile = Profile {
    name: "generic",
    modems: "any Hayes-compatible modem (V.250)",
    // `&K3` is RTS/CTS nearly everywhere, but not at USR: the generic setup leaves flow control to &F.
    init: &["AT&F", "ATE0Q0V1X4", "AT&C1&D2S0=0"],
    wishes: &[ESCAPE_OFF],
    caller_id: None,
    answer: "ATA",
    dial_prefix: "ATDT",
    international_prefix: None,
    hang_up: HangUpManner::Dtr,
    escape: Escape {
        character: b'+',
        guard: Duration::from_secs(1),
        answer: Duration::from_secs(2),
    },
    numeric: NumericCodes::Hayes,
    connect_speed: ConnectSpeed::Port,
    answer_time: Duration::from_secs(80),
    dial_time: Duration::from_secs(90),
    command_time: Duration::from_secs(10),
    command_pause: Duration::from_millis(50),
    reset_pause: Duration::from_millis(500),
};

/// The families. Their order is that of the manual page.
pub static PROFILES: &[Profile] = &[
    GENERIC,
    Profile {
        name: "courier",
        modems: "U.S. Robotics Courier and Sportster",
        // Courier V.Everything reference: &F1 hardware flow control (&H1&R2), fixed port speed (&B1),
        // error control and compression (&M4&K1); &A3 puts /ARQ/V34/LAPM/V42BIS behind CONNECT, which
        // then has the line's speed.
        init: &["AT&F1", "ATE0Q0V1X4&A3", "AT&B1&H1&R2&C1&D2S0=0"],
        caller_id: Some("AT#CID=1"),
        numeric: NumericCodes::Courier,
        connect_speed: ConnectSpeed::Line,
        ..GENERIC
    },
    Profile {
        name: "zyxel",
        modems: "ZyXEL U-1496, 2864, Omni and Comet",
        // ZyXEL Comet 336 manual, "Result Codes": X5 reports port, modulation, line and protocol.
        // &H3 is RTS/CTS. Register S40 bit 2 enables caller ID.
        init: &["AT&F", "ATE0Q0V1X5", "AT&H3&C1&D2S0=0"],
        caller_id: Some("ATS40.2=1"),
        numeric: NumericCodes::Zyxel,
        connect_speed: ConnectSpeed::Line,
        ..GENERIC
    },
    Profile {
        name: "rockwell",
        modems: "modems with Rockwell chips (RC144, RC288, RC336): Supra, Zoom, Boca, Hayes Accura",
        // Rockwell 1048P: W1 puts CARRIER and PROTOCOL lines before CONNECT, which has the port's speed.
        init: &["AT&F", "ATE0Q0V1X4W1", "AT&K3&C1&D2S0=0"],
        caller_id: Some("AT#CID=1"),
        numeric: NumericCodes::Rockwell,
        ..GENERIC
    },
    Profile {
        name: "conexant",
        modems: "Conexant modems with V.90 and later, and most USB modems",
        // Conexant 100722A: +MR=1 reports carrier and rate by V.250 (+MCR, +MRR); caller ID is +VCID.
        init: &["AT&F", "ATE0Q0V1X4", "AT&K3&C1&D2S0=0"],
        wishes: &["AT+MR=1", ESCAPE_OFF],
        caller_id: Some("AT+VCID=1"),
        numeric: NumericCodes::Rockwell,
        ..GENERIC
    },
    Profile {
        name: "lucent",
        modems: "Lucent and Agere modems, also as WinModem (LT)",
        // Agere soft modem manual, rev. 3: +MR and +VCID as in V.250 and V.253; a host's driver stands
        // behind the port, so that a reset takes a while.
        init: &["AT&F", "ATE0Q0V1X4", "AT&K3&C1&D2S0=0"],
        wishes: &["AT+MR=1", ESCAPE_OFF],
        caller_id: Some("AT+VCID=1"),
        numeric: NumericCodes::Rockwell,
        reset_pause: Duration::from_secs(1),
        ..GENERIC
    },
    Profile {
        name: "sim",
        modems: "SIM modems with circuit-switched data (GSM 07.07)",
        // 3GPP TS 27.007: +CBST=7,0,1 is 9600 bit/s V.32, not transparent (§6.7), +CRC=1 tells data from
        // voice calls (§6.11), +CMEE=2 gives reasons in words (§9.1). The + belongs to the number.
        init: &["AT&F", "ATE0Q0V1", "AT+CBST=7,0,1", "AT&C1&D2S0=0"],
        wishes: &["AT+CMEE=2", "AT+CRC=1", ESCAPE_OFF],
        caller_id: Some("AT+CLIP=1"),
        dial_prefix: "ATD",
        international_prefix: Some("+"),
        connect_speed: ConnectSpeed::Line,
        // Registration and paging come on top of training.
        answer_time: Duration::from_secs(120),
        dial_time: Duration::from_secs(120),
        ..GENERIC
    },
    Profile {
        name: "network",
        modems: "modems behind a TCP port and emulated ones, without control lines",
        // No DTR and no DCD: everything is seen and done in the stream of bytes. No &C, &D: some
        // emulations refuse them.
        init: &["ATE0Q0V1", "ATS0=0"],
        wishes: &[],
        hang_up: HangUpManner::Escape,
        dial_prefix: "ATD",
        ..GENERIC
    },
];

impl Profile {
    /// The profile with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|profile| profile.name == name)
    }

    /// Everything that sets the modem up, caller ID included, and wakes it if it is mute.
    ///
    /// # Errors
    /// A command of the table is none; the tests of this file see to it that this does not happen.
    pub fn setup(&self) -> Result<commands::Plan, CommandFault> {
        let needed = self.init.iter().map(|text| (text, Refused::Fails));
        // Nobody is to be unreachable because his modem was sold without caller ID.
        let wishes = self.wishes.iter().chain(&self.caller_id).map(|text| (text, Refused::GoesOn));
        let mut pause = self.command_pause;
        let mut commands = Vec::new();
        for (text, refused) in needed.chain(wishes) {
            let mut command = Command::new(text)?;
            command.limit = self.command_time;
            command.pause = pause;
            command.refused = refused;
            pause = if resets(text) { self.reset_pause } else { self.command_pause };
            commands.push(command);
        }
        Ok(commands::Plan { commands, form: Form::Verbose, force: Some(self.escape) })
    }

    /// How to hang up by commands.
    #[must_use]
    pub const fn hang_up_plan(&self, proof: Option<Proof>) -> hang_up::Plan {
        hang_up::Plan {
            escape: self.escape,
            form: Form::Verbose,
            limit: self.command_time,
            tries: 2,
            proof,
        }
    }

    /// How to dial.
    ///
    /// # Errors
    /// A part of the table cannot be dialled; the tests of this file see to it that this does not happen.
    pub fn dialling(&self) -> Result<Dialling, DialFault> {
        Dialling::new(DialPrefix::parse(self.dial_prefix)?, self.international_prefix, "")
    }
}

/// Whether a command resets the modem, so that it wants to be left alone for a moment.
#[must_use]
pub fn resets(command: &str) -> bool {
    let upper = command.to_ascii_uppercase();
    upper.starts_with("ATZ") || upper.starts_with("AT&F")
}
