//! The two dial commands by which a line is measured. Both end with `;` (V.250 §6.3.1): when everything is dialled the modem
//! stays off-hook in the command state, sends no tones of its own, and says `OK`.
//!
//! ```text
//!   DialString  ATDT5550100 ──► stay      ──► ATDT5550100;    calls, and keeps the line without a handshake
//!   DialPrefix  ATX3DT0,    ──► dial_tone ──► ATX3DTW;        goes off-hook and asks for dial tone, calls nobody
//! ```
//!
//! Nothing follows the `;`, so no other command can be carried: [`is_measuring_command`] states the grammar of the result a
//! second time. It does not know what is measured.

use super::{DialPrefix, DialString, is_dial_command};

/// A command of a measuring call, the only one with a `;` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuringCommand(String);

impl MeasuringCommand {
    /// Dials what `dial` dials, and stays off-hook in the command state.
    #[must_use]
    pub fn stay(dial: &DialString) -> Self {
        Self(format!("{dial};\r"))
    }

    /// Goes off-hook, waits for dial tone and says `OK`, or `NO DIALTONE` when it has waited long enough (S7). The prefix's
    /// settings and its way of dialling stay; its digits are left out.
    #[must_use]
    pub fn dial_tone(prefix: &DialPrefix) -> Self {
        let (commands, dialled) = prefix.as_str().split_at(dial_command_ends(prefix.as_str()));
        let way = match dialled.as_bytes().first() {
            Some(b'T') => "T",
            Some(b'P') => "P",
            Some(_) | None => "",
        };
        Self(format!("{commands}{way}W;\r"))
    }

    /// The command line for the modem, with its final CR.
    #[must_use]
    pub fn command(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The offset behind the `D` that dials: `AT&D2DT` has another one before.
fn dial_command_ends(prefix: &str) -> usize {
    let mut letter_of_another = false;
    for (at, byte) in prefix.bytes().enumerate().skip("AT".len()) {
        match byte {
            b'&' | b'\\' | b'%' | b'-' | b'*' => letter_of_another = true,
            b'D' if !letter_of_another => return at + 1,
            _ => letter_of_another = false,
        }
    }
    prefix.len()
}

/// Whether `command` is one dial command line that ends with `;` and CR, and has no other `;`. What is dialled may be nothing
/// but `W`, after `T` or `P`; else it is what [`is_dial_command`] takes.
#[must_use]
pub fn is_measuring_command(command: &[u8]) -> bool {
    let Some(body) = command.strip_suffix(b";\r") else { return false };
    let dials = |end: &[u8]| is_dial_command(&[body, end, b"\r"].concat());
    // A dial command needs a key: with one behind it, what only asks for dial tone is one.
    dials(b"") || body.ends_with(b"W") && dials(b"0")
}

#[cfg(test)]
mod tests {
    use super::super::{Dialling, PhoneNumber};
    use super::*;

    #[test]
    fn what_a_line_is_measured_with() {
        for (prefix, wanted) in [
            ("ATDT", "ATDTW;\r"),
            ("ATD", "ATDW;\r"),
            ("ATX3DT0,", "ATX3DTW;\r"),
            ("ATDP9W", "ATDPW;\r"),
            ("ATDW", "ATDW;\r"),
            ("AT&D2S7=60DT", "AT&D2S7=60DTW;\r"),
            ("AT\\D1D*70,", "AT\\D1DW;\r"),
        ] {
            let prefix = DialPrefix::parse(prefix).unwrap();
            let probe = MeasuringCommand::dial_tone(&prefix);
            assert_eq!(String::from_utf8_lossy(probe.command()), wanted, "{prefix}");
            assert!(is_measuring_command(probe.command()), "{prefix}");
            let number = PhoneNumber::configured("5550100").unwrap();
            let dial = Dialling::with_prefix(prefix).render(&number).unwrap();
            let stay = MeasuringCommand::stay(&dial);
            assert_eq!(String::from_utf8_lossy(stay.command()), format!("{dial};\r"));
            assert!(is_measuring_command(stay.command()) && !is_dial_command(stay.command()));
        }
    }

    #[test]
    fn what_is_no_measuring_command() {
        for text in [
            "ATDT5550100\r",
            "ATDT5550100;;\r",
            "ATDT5550100;H0;\r",
            "ATDT5550100;H0\r",
            "ATDT;\r",
            "ATW;\r",
            "ATZ;\r",
            "ATDTL;\r",
            "ATDTW;\rATZ;\r",
            ";\r",
            "",
        ] {
            assert!(!is_measuring_command(text.as_bytes()), "{text:?}");
        }
    }
}
