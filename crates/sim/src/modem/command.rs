//! The grammar of a command line (V.250 §5.2 to §5.4): what stands between `AT` and the end of the line.
//!
//! [`next`] takes one command off the front. A line is carried out command by command, so whatever stands
//! before a fault has been done when ERROR is said (V.250 §5.3).
//!
//! It does not know what the commands do, only which there are and which values they take.

use super::registers::{ArqForm, CallerIdForm, ConnectForm, Dialect, DtrRule};

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// `A`
    Answer,
    /// `D`: everything up to the end or to a `;`, that included.
    Dial(Vec<u8>),
    /// `DL`: the last number again.
    Redial,
    /// `DS=n`: a number stored by `&Z`.
    DialStored(u8),
    /// `H0`
    HangUp,
    /// `H1`
    OffHook,
    /// `In`
    Identify(u8),
    /// `On`: back online.
    Online,
    /// `Sn?`
    ShowRegister(u8),
    /// `Z`
    Reset,
    /// `&V`
    ShowSettings,
    /// `&W`
    Store,
    /// `&Zn=...`
    StoreNumber(u8, Vec<u8>),
    /// `+XYZ?`, `+XYZ=?` or `+XYZ`: a question, by its whole text.
    Ask(Question),
    /// A command that only changes a setting.
    Set(Setting),
}

/// A command that only changes a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// `E`
    Echo(bool),
    /// `P`, `T`
    Pulse(bool),
    /// `Q`
    Quiet(bool),
    /// `Sn=v`
    SetRegister(u8, u8),
    /// `Sn.b=v`: one bit of a register.
    SetBit(u8, u8, bool),
    /// `V`
    Verbose(bool),
    /// `W`
    ConnectForm(ConnectForm),
    /// `X`
    Extended(u8),
    /// `&A`
    Arq(ArqForm),
    /// `&C`
    Carrier(bool),
    /// `&D`
    Dtr(DtrRule),
    /// `&F`
    Factory,
    /// `&K`
    Flow(u8),
    /// `&S`
    Dsr(bool),
    /// `+VCID=n`, `#CID=n`
    CallerId(CallerIdForm),
    /// `+FCLASS=v`
    Class(String),
    /// `+IPR=n`
    PortSpeed(u32),
    /// A command of the time that changes nothing here: loudspeaker, compression, the kind of error control.
    Accepted,
}

/// What can be asked by extended syntax (V.250 §5.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// `+GMI`, `+FMI?`
    Manufacturer,
    /// `+GMM`, `+FMM?`
    Model,
    /// `+GMR`, `+FMR?`
    Revision,
    /// `+GCAP`
    Capabilities,
    /// `+GCI?`
    Country,
    /// `+FCLASS?`
    Class,
    /// `+FCLASS=?`
    Classes,
    /// `+VCID?`, `#CID?`
    CallerId,
    /// `+VCID=?`, `#CID=?`
    CallerIds,
    /// `+IPR?`
    PortSpeed,
    /// `+IPR=?`
    PortSpeeds,
}

/// The speeds that `+IPR` takes; 0 is automatic.
pub(super) const PORT_SPEEDS: [u32; 10] =
    [0, 300, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200];

/// The command line holds something that is not a command of this modem: ERROR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unknown;

/// Basic commands without effect here, with the highest value each takes.
const ACCEPTED: [(&[u8], u32); 31] = [
    (b"&B", 1),
    (b"&G", 2),
    (b"&H", 3),
    (b"&I", 5),
    (b"&J", 1),
    (b"&L", 1),
    (b"&M", 5),
    (b"&N", 16),
    (b"&P", 3),
    (b"&Q", 9),
    (b"&R", 1),
    (b"&T", 0),
    (b"&U", 16),
    (b"&X", 2),
    (b"&Y", 1),
    (b"%C", 3),
    (b"%E", 3),
    (b"\\A", 3),
    (b"\\B", 9),
    (b"\\G", 1),
    (b"\\J", 1),
    (b"\\K", 5),
    (b"\\N", 7),
    (b"\\Q", 3),
    (b"\\V", 4),
    (b"-K", 2),
    (b"B", 16),
    (b"L", 3),
    (b"M", 3),
    (b"N", 1),
    (b"Y", 1),
];

/// Extended settings that are accepted with any digits and commas behind `=`.
const ACCEPTED_EXTENDED: [&str; 10] =
    ["+DR", "+DS", "+EB", "+EFCS", "+ER", "+ES", "+ICF", "+IFC", "+ILRR", "+MS"];

/// Takes the first command off `line`, which is in upper case and without blanks.
///
/// # Errors
/// [`Unknown`] where no command of this modem stands, or a value is out of its range.
pub(super) fn next(line: &[u8], dialect: Dialect) -> Result<(Command, &[u8]), Unknown> {
    match line {
        [b'D', rest @ ..] => dial(rest),
        [b'S', rest @ ..] => register(rest, dialect),
        [b'+' | b'#', ..] => extended(line, dialect),
        [b'&', b'Z', rest @ ..] => {
            let (slot, rest) = number(rest);
            let rest = rest.strip_prefix(b"=").ok_or(Unknown)?;
            let slot = u8::try_from(slot).ok().filter(|slot| *slot < 4).ok_or(Unknown)?;
            Ok((Command::StoreNumber(slot, rest.to_vec()), &[]))
        }
        _ => basic(line, dialect),
    }
}

fn basic(line: &[u8], dialect: Dialect) -> Result<(Command, &[u8]), Unknown> {
    let letters = match line {
        [b'&' | b'\\' | b'%' | b'-', _, ..] => 2,
        [_, ..] => 1,
        [] => return Err(Unknown),
    };
    let (name, rest) = line.split_at_checked(letters).ok_or(Unknown)?;
    let (value, rest) = number(rest);
    let command = match (name, value) {
        (b"A", _) => Command::Answer,
        (b"H", 0) => Command::HangUp,
        (b"H", 1) => Command::OffHook,
        (b"I", 0..=9) => Command::Identify(u8::try_from(value).map_err(|_| Unknown)?),
        (b"O", 0 | 1) => Command::Online,
        (b"Z", 0 | 1) => Command::Reset,
        (b"&V", _) => Command::ShowSettings,
        (b"&W", 0 | 1) => Command::Store,
        (_, _) => Command::Set(setting(name, value, dialect)?),
    };
    Ok((command, rest))
}

fn setting(name: &[u8], value: u32, dialect: Dialect) -> Result<Setting, Unknown> {
    let switch = |make: fn(bool) -> Setting| match value {
        0 => Ok(make(false)),
        1 => Ok(make(true)),
        _ => Err(Unknown),
    };
    let up_to = |most: u32| u8::try_from(value).ok().filter(|_| value <= most).ok_or(Unknown);
    if let Some(own) = of_make(name, value, dialect) {
        return own;
    }
    Ok(match name {
        b"E" => switch(Setting::Echo)?,
        b"P" => Setting::Pulse(true),
        b"T" => Setting::Pulse(false),
        b"Q" => switch(Setting::Quiet)?,
        b"V" => switch(Setting::Verbose)?,
        b"W" => Setting::ConnectForm(match value {
            0 => ConnectForm::PortSpeed,
            1 => ConnectForm::Lines,
            2 => ConnectForm::LineSpeed,
            _ => return Err(Unknown),
        }),
        b"X" => Setting::Extended(up_to(4)?),
        b"&A" => Setting::Arq(match value {
            0 => ArqForm::Plain,
            1 | 2 => ArqForm::Arq,
            3 => ArqForm::Full,
            _ => return Err(Unknown),
        }),
        b"&C" => switch(Setting::Carrier)?,
        b"&D" => Setting::Dtr(match value {
            0 => DtrRule::Ignored,
            1 => DtrRule::Command,
            2 => DtrRule::HangUp,
            3 => DtrRule::Reset,
            _ => return Err(Unknown),
        }),
        b"&F" if value <= 2 => Setting::Factory,
        b"&K" => Setting::Flow(up_to(6)?),
        b"&S" => switch(Setting::Dsr)?,
        _ if ACCEPTED.iter().any(|&(known, most)| known == name && value <= most) => {
            Setting::Accepted
        }
        _ => return Err(Unknown),
    })
}

/// What a letter means to this make alone; `None` where it means what it does to all.
fn of_make(name: &[u8], value: u32, dialect: Dialect) -> Option<Result<Setting, Unknown>> {
    let up_to = |most: u32, make: fn(u8) -> Setting| {
        let value = u8::try_from(value).ok().filter(|_| value <= most).ok_or(Unknown);
        Some(value.map(make))
    };
    let accepted = |_| Setting::Accepted;
    match (dialect, name) {
        // Courier V.Everything reference: the modem's flow control towards the computer is &H, and the
        // computer's towards the modem &R; &K is compression.
        (Dialect::Courier, b"&H") => up_to(3, Setting::Flow),
        (Dialect::Courier, b"&R") => up_to(2, accepted),
        (Dialect::Courier, b"&K") => up_to(3, accepted),
        (Dialect::Zyxel, b"&H") => up_to(6, Setting::Flow),
        (Dialect::Zyxel, b"&K") => up_to(4, accepted),
        (Dialect::Zyxel, b"X") => up_to(7, Setting::Extended),
        (Dialect::Rockwell | Dialect::Courier | Dialect::Zyxel | Dialect::Gsm, _) => None,
    }
}

/// The digits at the front; 0 where there are none (V.250 §5.3.1).
fn number(text: &[u8]) -> (u32, &[u8]) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(digits).unwrap_or((&[], text));
    let value = digits.iter().fold(0_u32, |value, digit| {
        value.saturating_mul(10).saturating_add(u32::from(digit.saturating_sub(b'0')))
    });
    (value, rest)
}

fn dial(text: &[u8]) -> Result<(Command, &[u8]), Unknown> {
    match text {
        [b'L', rest @ ..] => return Ok((Command::Redial, rest)),
        [b'S', b'=', rest @ ..] => {
            let (slot, rest) = number(rest);
            let slot = u8::try_from(slot).ok().filter(|slot| *slot < 4).ok_or(Unknown)?;
            return Ok((Command::DialStored(slot), rest));
        }
        _ => {}
    }
    let end = text.iter().position(|&byte| byte == b';').map_or(text.len(), |at| at + 1);
    let (dialled, rest) = text.split_at_checked(end).ok_or(Unknown)?;
    Ok((Command::Dial(dialled.to_vec()), rest))
}

fn register(text: &[u8], dialect: Dialect) -> Result<(Command, &[u8]), Unknown> {
    let (register, rest) = number(text);
    let register = u8::try_from(register).map_err(|_| Unknown)?;
    match rest {
        [b'.', bit @ b'0'..=b'7', b'=', on @ (b'0' | b'1'), rest @ ..]
            if dialect == Dialect::Zyxel =>
        {
            let setting = Setting::SetBit(register, bit - b'0', *on == b'1');
            Ok((Command::Set(setting), rest))
        }
        [b'?', rest @ ..] => Ok((Command::ShowRegister(register), rest)),
        [b'=', rest @ ..] => {
            let (value, rest) = number(rest);
            let value = u8::try_from(value).map_err(|_| Unknown)?;
            Ok((Command::Set(Setting::SetRegister(register, value)), rest))
        }
        _ => Err(Unknown),
    }
}

/// Extended syntax: a name, then `=value`, `?` or `=?`, up to `;` or the end (V.250 §5.4).
fn extended(line: &[u8], dialect: Dialect) -> Result<(Command, &[u8]), Unknown> {
    let end = line.iter().position(|&byte| byte == b';').unwrap_or(line.len());
    let (whole, rest) = line.split_at_checked(end).ok_or(Unknown)?;
    let rest = rest.strip_prefix(b";").unwrap_or(rest);
    let whole = std::str::from_utf8(whole).map_err(|_| Unknown)?;
    let setting = match whole.split_once('=') {
        None | Some((_, "?")) => return Ok((Command::Ask(question(whole)?), rest)),
        Some(("+FCLASS", class @ ("0" | "1" | "1.0" | "2" | "2.0" | "8"))) => {
            Setting::Class(class.to_owned())
        }
        Some(("+CLIP", value @ ("0" | "1"))) if dialect == Dialect::Gsm => {
            Setting::CallerId(if value == "1" { CallerIdForm::Gsm } else { CallerIdForm::Off })
        }
        Some(("+CBST" | "+CMEE", value)) if dialect == Dialect::Gsm && is_plain(value) => {
            Setting::Accepted
        }
        Some(("+VCID" | "#CID", value)) => Setting::CallerId(match value {
            "0" => CallerIdForm::Off,
            "1" => CallerIdForm::Formatted,
            "2" => CallerIdForm::Raw,
            _ => return Err(Unknown),
        }),
        Some(("+IPR", value)) => {
            let speed = value.parse().map_err(|_| Unknown)?;
            if !PORT_SPEEDS.contains(&speed) {
                return Err(Unknown);
            }
            Setting::PortSpeed(speed)
        }
        Some(("+GCI", country)) if country.len() == 2 => Setting::Accepted,
        Some((name, value)) if ACCEPTED_EXTENDED.contains(&name) && is_plain(value) => {
            Setting::Accepted
        }
        Some(_) => return Err(Unknown),
    };
    Ok((Command::Set(setting), rest))
}

fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit() || byte == b',' || byte.is_ascii_uppercase())
}

fn question(text: &str) -> Result<Question, Unknown> {
    Ok(match text {
        "+GMI" | "+FMI?" => Question::Manufacturer,
        "+GMM" | "+FMM?" => Question::Model,
        "+GMR" | "+FMR?" => Question::Revision,
        "+GCAP" => Question::Capabilities,
        "+GCI?" => Question::Country,
        "+FCLASS?" => Question::Class,
        "+FCLASS=?" => Question::Classes,
        "+VCID?" | "#CID?" => Question::CallerId,
        "+VCID=?" | "#CID=?" => Question::CallerIds,
        "+IPR?" => Question::PortSpeed,
        "+IPR=?" => Question::PortSpeeds,
        _ => return Err(Unknown),
    })
}
