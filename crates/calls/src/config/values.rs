//! The small texts inside of configuration values: durations, ports, number patterns, names.
//!
//! Each is parsed once into its type; the fault says what is wrong and how it is written. Where the text
//! stands in its file is the caller's business.

use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use super::PortSpec;

/// What is wrong with a value, and how it is written instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// What is wrong.
    pub(super) message: String,
    /// How to mend it.
    pub(super) hint: String,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }

    /// The fault with the name of the option or key whose value it is in.
    pub(super) fn of(self, name: &str) -> Self {
        Self { message: format!("{name}: {}", self.message), ..self }
    }
}

/// A duration as the configuration writes it, for other files and for options: `"10s"`, `"1h30m"`.
///
/// # Errors
/// What is wrong, and how it is written instead.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    duration(text).map_err(|fault| fault.to_string())
}

/// A port as the configuration writes it, for other files and for options: `/dev/ttyS0`, `tcp://host:port`.
///
/// # Errors
/// What is wrong, and how it is written instead.
pub fn parse_port(text: &str) -> Result<PortSpec, String> {
    port(text).map_err(|fault| fault.to_string())
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.hint)
    }
}

/// The units of a duration, with their length in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// `"10s"`, `"500ms"`, `"1h30m"`: whole numbers, each with its unit.
pub(super) fn duration(text: &str) -> Result<Duration, Fault> {
    let fault = |message: String| {
        Err(Fault::new(
            message,
            "write a number and a unit, like \"500ms\", \"10s\", \"5m\", \"1h\"",
        ))
    };
    let mut rest = text.trim();
    if rest.is_empty() {
        return fault("an empty text is not a duration".to_owned());
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        let Some(&(_, length)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return fault(match (number, unit) {
                (_, "") if after.is_empty() => format!("\"{text}\" has no unit"),
                ("", _) => format!("\"{text}\" is not a duration"),
                (_, _) => format!("\"{text}\" has no unit that is known"),
            });
        };
        if number.is_empty() {
            return fault(format!("\"{text}\" is not a duration"));
        }
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(length));
        let Some(sum) = part.and_then(|part| total.checked_add(part)) else {
            return fault(format!("\"{text}\" is longer than any call"));
        };
        total = sum;
        rest = after.trim_start();
    }
    Ok(Duration::from_millis(total))
}

/// A duration as it is written: `1h30m`, `500ms`, `0s`.
pub(super) fn duration_text(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, length) in UNITS {
        if rest >= length {
            // Writing to a String can't fail.
            let _ = write!(text, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    text
}

/// `/dev/ttyS0`, `rfc2217://host:port`, `tcp://host:port`, `sim:name`.
pub(super) fn port(text: &str) -> Result<PortSpec, Fault> {
    const FORMS: &str =
        "write \"/dev/ttyUSB0\", \"rfc2217://host:port\", \"tcp://host:port\" or \"sim:name\"";
    if let Some(rest) = text.strip_prefix("rfc2217://") {
        let (host, tcp_port) = host_and_port(rest, text)?;
        return Ok(PortSpec::Rfc2217 { host, tcp_port });
    }
    if let Some(rest) = text.strip_prefix("tcp://") {
        let (host, tcp_port) = host_and_port(rest, text)?;
        return Ok(PortSpec::Tcp { host, tcp_port });
    }
    if let Some(name) = text.strip_prefix("sim:") {
        if name.is_empty() || !name.bytes().all(is_name_byte) {
            return Err(Fault::new(
                format!("\"{text}\" names no simulated modem"),
                "write sim: and the modem's name, like \"sim:modem1\"",
            ));
        }
        return Ok(PortSpec::Sim(name.to_owned()));
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(Fault::new(format!("\"{scheme}://\" is no kind of port"), FORMS));
    }
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(Fault::new("a control character is in the port's name", FORMS));
    }
    match text {
        "/dev/tty" | "/dev/console" | "/dev/null" | "/dev/ptmx" => Err(Fault::new(
            format!("{text} can't have a modem on it"),
            "name the serial port, like \"/dev/ttyUSB0\"",
        )),
        _ if text.starts_with('/') && !text.ends_with('/') => {
            Ok(PortSpec::Tty(PathBuf::from(text)))
        }
        _ if text.starts_with("tty") => Err(Fault::new(
            format!("\"{text}\" is not a whole path"),
            format!("write \"/dev/{text}\""),
        )),
        _ => Err(Fault::new(format!("\"{text}\" is not a port"), FORMS)),
    }
}

/// `host:port`, `[::1]:port`.
pub(super) fn host_and_port(rest: &str, text: &str) -> Result<(String, u16), Fault> {
    let form =
        "write the host's name or address and its TCP port, like \"rfc2217://192.0.2.1:7001\"";
    let Some((host, port)) = rest.rsplit_once(':') else {
        return Err(Fault::new(format!("\"{text}\" has no TCP port"), form));
    };
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.strip_suffix(']').unwrap_or_default(),
        None if host.contains(':') => {
            return Err(Fault::new(
                format!("\"{text}\" leaves open where the address ends"),
                "put an IPv6 address into brackets, like \"tcp://[2001:db8::1]:7001\"",
            ));
        }
        None => host,
    };
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte);
    if host.is_empty() || !host.bytes().all(known) {
        return Err(Fault::new(format!("\"{text}\" has no host name"), form));
    }
    match port.parse::<u16>() {
        Ok(tcp_port) if tcp_port > 0 => Ok((host.to_owned(), tcp_port)),
        Ok(_) | Err(_) => Err(Fault::new(
            format!("\"{port}\" is not a TCP port"),
            "write a number from 1 to 65535",
        )),
    }
}

/// A pattern of telephone numbers: digits, an optional `+` before them, an optional `*` after them.
pub(super) fn number_pattern(text: &str) -> Result<String, Fault> {
    let digits = text.strip_suffix('*').unwrap_or(text);
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    if text.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::new(
            format!("\"{text}\" is not a pattern of telephone numbers"),
            "write digits, with a * at the end for any that follow, like \"5550199\", \"900*\", \"+49*\"",
        ));
    }
    if digits.is_empty() && !text.ends_with('*') {
        return Err(Fault::new(
            "\"+\" matches no number",
            "write digits behind the +, like \"+49*\"",
        ));
    }
    Ok(text.to_owned())
}

/// An amount of money (`5`, `2.5`, `0.25`) in hundredths.
pub(super) fn money(text: &str) -> Result<u32, Fault> {
    let wrong = || {
        Fault::new(
            format!("\"{}\" is no amount of money", text.escape_debug()),
            "write it like \"5.00\", without the currency",
        )
    };
    let (whole, cents) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(cents) || cents.len() > 2 {
        return Err(wrong());
    }
    let whole: u32 = whole.parse().map_err(|_| wrong())?;
    let cents: u32 = format!("{cents:0<2}").parse().map_err(|_| wrong())?;
    whole.checked_mul(100).and_then(|whole| whole.checked_add(cents)).ok_or_else(wrong)
}

/// The longest name of a line or group: it stands in every log line and table.
const MAX_NAME: usize = 32;

/// A name of ours, for a line or a group.
pub(super) fn name(text: &str) -> Result<String, Fault> {
    let hint = "write up to 32 letters, digits, '-', '_' and '.', like \"main\"";
    if text.is_empty() {
        return Err(Fault::new("an empty name", hint));
    }
    if text.len() > MAX_NAME {
        return Err(Fault::new(format!("a name of {} characters", text.chars().count()), hint));
    }
    match text.chars().find(|letter| !letter.is_ascii() || !is_name_byte(*letter as u8)) {
        Some(letter) => {
            Err(Fault::new(format!("{} can't stand in a name", quoted_char(letter)), hint))
        }
        None => Ok(text.to_owned()),
    }
}

/// A character for people: `'x'`, or `U+0007` where it can't be seen.
pub(super) fn quoted_char(letter: char) -> String {
    if letter.is_control() || letter.is_whitespace() && letter != ' ' {
        format!("U+{:04X}", u32::from(letter))
    } else {
        format!("'{letter}'")
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// The speeds that Linux's termios can set by a constant. A modem's port is always one of these.
const SPEEDS: [u32; 29] = [
    50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19_200, 38_400, 57_600,
    115_200, 230_400, 460_800, 500_000, 576_000, 921_600, 1_000_000, 1_152_000, 1_500_000,
    2_000_000, 2_500_000, 3_000_000, 4_000_000,
];

/// A port speed in bit/s.
pub(super) fn speed(number: u64) -> Result<u32, Fault> {
    let nearest = SPEEDS.iter().min_by_key(|&&speed| u64::from(speed).abs_diff(number));
    match nearest {
        Some(&speed) if u64::from(speed) == number => Ok(speed),
        Some(&speed) => Err(Fault::new(
            format!("{number} bit/s is no speed that a serial port has"),
            format!("the nearest is {speed}"),
        )),
        None => Err(Fault::new("there are no speeds", "")),
    }
}

/// The candidate that a wrong word was probably meant to be: few edits away, or the same but for `-`, `_`,
/// letter case and a plural.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    /// Nobody mistypes longer words; comparing takes time in proportion to the length.
    const LONGEST: usize = 40;
    let plain =
        |text: &str| text.to_ascii_lowercase().replace('-', "_").trim_end_matches('s').to_owned();
    let wrong = plain(word);
    if wrong.is_empty() || wrong.len() > LONGEST {
        return None;
    }
    candidates
        .into_iter()
        .map(|candidate| (distance(&wrong, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be inserted, left out, replaced or swapped with their neighbour (optimal string
/// alignment).
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    for (row, letter) in from.iter().enumerate() {
        let mut this = vec![row + 1];
        for (column, other) in to.iter().enumerate() {
            let replace = at(&last, column) + usize::from(letter != other);
            let mut best = replace.min(at(&last, column + 1) + 1).min(at(&this, column) + 1);
            let swapped = row > 0
                && column > 0
                && from.get(row - 1) == Some(other)
                && to.get(column - 1) == Some(letter);
            if swapped {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            this.push(best);
        }
        before_last = std::mem::replace(&mut last, this);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        let check = |text: &str, ms: Option<u64>| {
            assert_eq!(duration(text).ok(), ms.map(Duration::from_millis), "{text:?}");
        };
        check("10s", Some(10_000));
        check("500ms", Some(500));
        check("10m", Some(600_000));
        check("1h", Some(3_600_000));
        check("2d", Some(172_800_000));
        check("1h30m", Some(5_400_000));
        check("1m 30s", Some(90_000));
        check("0s", Some(0));
        for wrong in
            ["", " ", "10", "s", "ten seconds", "10 s", "1.5s", "-1s", "10sec", "10S", "٣s"]
        {
            check(wrong, None);
        }
        check("18446744073709551615ms", Some(u64::MAX));
        check("18446744073709551615s", None);
        check("99999999999999999999s", None);
    }

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["0s", "1ms", "500ms", "10s", "1m30s", "1h", "1d", "1d2h3m4s5ms"] {
            assert_eq!(duration_text(duration(text).expect("well written")), text);
        }
    }

    #[test]
    fn ports_have_four_forms() {
        let network = |text: &str| match port(text) {
            Ok(PortSpec::Rfc2217 { host, tcp_port } | PortSpec::Tcp { host, tcp_port }) => {
                Some((host, tcp_port))
            }
            _ => None,
        };
        assert_eq!(port("/dev/ttyS0"), Ok(PortSpec::Tty("/dev/ttyS0".into())));
        assert_eq!(port("sim:m1"), Ok(PortSpec::Sim("m1".into())));
        assert_eq!(network("rfc2217://127.0.0.1:7001"), Some(("127.0.0.1".into(), 7001)));
        assert_eq!(network("tcp://[::1]:23"), Some(("::1".into(), 23)));
        assert_eq!(network("tcp://modems.example.net:23"), Some(("modems.example.net".into(), 23)));
        for wrong in [
            "",
            "ttyS0",
            "COM1",
            "sim:",
            "sim:a b",
            "tcp://",
            "tcp://:23",
            "tcp://a",
            "tcp://a:0",
            "tcp://a:65536",
            "tcp://::1:23",
            "tcp://[::1:23",
            "telnet://a:23",
            "/dev/",
            "/dev/tty",
            "/dev/tty\nS0",
            "rfc2217://a b:1",
            "rfc2217://user@host:1",
        ] {
            assert!(port(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn number_patterns_are_digits_with_a_star_at_the_end() {
        for right in ["*", "5", "555*", "5550199", "+49*", "+*"] {
            assert!(number_pattern(right).is_ok(), "{right:?}");
        }
        for wrong in ["", "+", "5*5", "**", "*5", "555-0199", "x", "5+", "5 5"] {
            assert!(number_pattern(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_wrong_word_is_recognised() {
        let words = ["delay", "jitter", "dial_prefix", "hold_time", "line", "init"];
        let check = |wrong: &str, meant: Option<&str>| {
            assert_eq!(nearest(wrong, words), meant, "{wrong:?}");
        };
        check("dealy", Some("delay"));
        check("dial-prefix", Some("dial_prefix"));
        check("lines", Some("line"));
        check("HOLD_TIME", Some("hold_time"));
        check("holdtime", Some("hold_time"));
        check("zzz", None);
        check("", None);
    }
}
