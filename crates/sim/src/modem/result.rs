//! What a modem answers: result codes and information text, as words or numbers (V.250 §5.7).
//!
//! It does not know when they are said.

use super::registers::{ArqForm, CallerIdForm, ConnectForm, Profile, Register, Settings};

/// What two modems have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Bits per second on the line.
    pub bits: u32,
    /// Whether V.42 error control runs.
    pub error_control: bool,
}

impl Rate {
    /// Characters per second: V.42 strips start and stop bits.
    #[must_use]
    pub const fn characters(self) -> u32 {
        let each = if self.error_control { 8 } else { 10 };
        if self.bits < each { 1 } else { self.bits / each }
    }
}

/// A result code (V.250 §5.7.1, table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultCode {
    /// 0
    Ok,
    /// 1, or another number by speed
    Connect(Rate),
    /// 2
    Ring,
    /// 3
    NoCarrier,
    /// 4
    Error,
    /// 6
    NoDialTone,
    /// 7
    Busy,
    /// 8
    NoAnswer,
}

/// The number of CONNECT at a speed, as Rockwell's manual has them; 1 where there is none.
const fn connect_number(bits: u32) -> u8 {
    match bits {
        1_200 => 5,
        2_400 => 10,
        4_800 => 11,
        7_200 => 13,
        9_600 => 12,
        12_000 => 14,
        14_400 => 15,
        16_800 => 59,
        19_200 => 16,
        21_600 => 61,
        24_000 => 62,
        26_400 => 63,
        28_800 => 64,
        31_200 => 91,
        33_600 => 84,
        38_400 => 17,
        57_600 => 18,
        115_200 => 19,
        _ => 1,
    }
}

impl ResultCode {
    /// The bytes that say it. `port_speed` is what the DTE talks at.
    #[must_use]
    pub fn bytes(self, settings: &Settings, profile: &Profile, port_speed: u32) -> Vec<u8> {
        let mut out = Vec::new();
        if settings.verbose {
            if let (Self::Connect(rate), ConnectForm::Lines, 1..) =
                (self, settings.connect, settings.extended)
            {
                let protocol = if rate.error_control { "LAP-M" } else { "NONE" };
                line(&mut out, settings, format!("CARRIER {}", rate.bits).as_bytes());
                line(&mut out, settings, format!("PROTOCOL: {protocol}").as_bytes());
            }
            line(&mut out, settings, self.words(settings, profile, port_speed).as_bytes());
        } else {
            out.extend_from_slice(self.number(settings, port_speed).to_string().as_bytes());
            out.push(settings.registers.get(Register::CarriageReturn));
        }
        out
    }

    fn words(self, settings: &Settings, profile: &Profile, port_speed: u32) -> String {
        match self {
            Self::Ok => "OK".to_owned(),
            Self::Connect(_) if settings.extended == 0 => "CONNECT".to_owned(),
            Self::Connect(rate) => {
                let speed = match settings.connect {
                    ConnectForm::LineSpeed => rate.bits,
                    ConnectForm::PortSpeed | ConnectForm::Lines => port_speed,
                };
                let form = if rate.error_control { settings.arq } else { ArqForm::Plain };
                let suffix = match form {
                    ArqForm::Plain => "",
                    ArqForm::Arq => "/ARQ",
                    ArqForm::Full => "/ARQ/V34/LAPM/V42BIS",
                };
                format!("CONNECT {speed}{suffix}")
            }
            Self::Ring => "RING".to_owned(),
            Self::NoCarrier => "NO CARRIER".to_owned(),
            Self::Error => "ERROR".to_owned(),
            Self::NoDialTone => profile.no_dial_tone.clone(),
            Self::Busy => "BUSY".to_owned(),
            Self::NoAnswer => "NO ANSWER".to_owned(),
        }
    }

    const fn number(self, settings: &Settings, port_speed: u32) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Connect(_) if settings.extended == 0 => 1,
            Self::Connect(rate) => match settings.connect {
                ConnectForm::LineSpeed => connect_number(rate.bits),
                ConnectForm::PortSpeed | ConnectForm::Lines => connect_number(port_speed),
            },
            Self::Ring => 2,
            Self::NoCarrier => 3,
            Self::Error => 4,
            Self::NoDialTone => 6,
            Self::Busy => 7,
            Self::NoAnswer => 8,
        }
    }
}

fn line_end(settings: &Settings) -> [u8; 2] {
    let registers = &settings.registers;
    [registers.get(Register::CarriageReturn), registers.get(Register::LineFeed)]
}

fn line(out: &mut Vec<u8>, settings: &Settings, text: &[u8]) {
    out.extend_from_slice(&line_end(settings));
    out.extend_from_slice(text);
    out.extend_from_slice(&line_end(settings));
}

/// Information text: between line ends with `V1`, followed by one with `V0` (V.250 §5.7.1).
#[must_use]
pub fn information(text: &str, settings: &Settings) -> Vec<u8> {
    let mut out = Vec::new();
    if settings.verbose {
        out.extend_from_slice(&line_end(settings));
    }
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(&line_end(settings));
    out
}

/// Who calls, as the exchange tells it after the first ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerId {
    /// Month and day, `1122`.
    pub date: String,
    /// Hours and minutes, `1906`.
    pub time: String,
    /// Digits; `P` where the caller withholds it, `O` where it is not known.
    pub number: String,
    /// The subscriber's name, if there is one.
    pub name: Option<String>,
}

impl CallerId {
    /// What the modem prints of it.
    #[must_use]
    pub fn bytes(&self, settings: &Settings) -> Vec<u8> {
        let mut out = Vec::new();
        match settings.caller_id {
            CallerIdForm::Off => {}
            CallerIdForm::Formatted => {
                for (word, value) in [
                    ("DATE", Some(&self.date)),
                    ("TIME", Some(&self.time)),
                    ("NMBR", Some(&self.number)),
                    ("NAME", self.name.as_ref()),
                ] {
                    let Some(value) = value else { continue };
                    line(&mut out, settings, format!("{word} = {value}").as_bytes());
                }
            }
            CallerIdForm::Gsm => {
                // A number that is withheld or unknown is an empty one, of an unknown kind.
                let number = if self.number.bytes().all(|byte| byte.is_ascii_digit()) {
                    self.number.as_str()
                } else {
                    ""
                };
                let kind = if number.is_empty() { 128 } else { 129 };
                line(&mut out, settings, format!("+CLIP: \"{number}\",{kind}").as_bytes());
            }
            CallerIdForm::Raw => {
                line(&mut out, settings, format!("MESG = {}", self.message()).as_bytes());
            }
        }
        out
    }

    /// The message of the Bellcore format in hexadecimal (GR-30-CORE: type 80H, parameters 01H date and time,
    /// 02H number or 04H why there is none, 07H name), without its checksum.
    fn message(&self) -> String {
        let mut parameters: Vec<(u8, &str)> = Vec::new();
        let when = format!("{}{}", self.date, self.time);
        parameters.push((1, &when));
        let withheld = matches!(self.number.as_str(), "P" | "O");
        parameters.push((if withheld { 4 } else { 2 }, &self.number));
        if let Some(name) = &self.name {
            parameters.push((7, name));
        }
        let mut body = Vec::new();
        for (kind, value) in parameters {
            body.push(kind);
            body.push(u8::try_from(value.len()).unwrap_or(u8::MAX));
            body.extend_from_slice(value.as_bytes());
        }
        let mut message = vec![0x80, u8::try_from(body.len()).unwrap_or(u8::MAX)];
        message.extend_from_slice(&body);
        message.iter().map(|byte| format!("{byte:02X}")).collect()
    }
}

impl std::fmt::Display for ResultCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ok => f.write_str("OK"),
            Self::Connect(rate) => write!(f, "CONNECT {}", rate.bits),
            Self::Ring => f.write_str("RING"),
            Self::NoCarrier => f.write_str("NO CARRIER"),
            Self::Error => f.write_str("ERROR"),
            Self::NoDialTone => f.write_str("NO DIALTONE"),
            Self::Busy => f.write_str("BUSY"),
            Self::NoAnswer => f.write_str("NO ANSWER"),
        }
    }
}
