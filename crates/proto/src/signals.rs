//! The four lines on which a modem speaks to its terminal (V.24 circuits 109, 107, 106, 125).
//!
//! A tty, an RFC 2217 peer and the simulated exchange all report these. This file does not know which
//! of them a line watches, nor what a change means.

use std::fmt;

/// What the modem (DCE) shows at one moment. The default is a modem that shows nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Signals {
    /// Data carrier detect (circuit 109): the modem hears its partner.
    pub dcd: bool,
    /// Data set ready (circuit 107): the modem is switched on and, with `&S1`, on line.
    pub dsr: bool,
    /// Clear to send (circuit 106): the modem takes more bytes.
    pub cts: bool,
    /// Ring indicator (circuit 125): the telephone rings at this moment.
    pub ri: bool,
}

impl Signals {
    /// What a path without signals has to be taken for: a modem that is there and on line.
    pub const ASSUMED: Self = Self { dcd: true, dsr: true, cts: true, ri: false };
}

impl fmt::Display for Signals {
    /// Capitals are on: `DCD dsr CTS ri`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = [
            if self.dcd { "DCD" } else { "dcd" },
            if self.dsr { "DSR" } else { "dsr" },
            if self.cts { "CTS" } else { "cts" },
            if self.ri { "RI" } else { "ri" },
        ];
        f.write_str(&shown.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_that_are_on_are_shown_in_capitals() {
        assert_eq!(Signals::default().to_string(), "dcd dsr cts ri");
        assert_eq!(Signals::ASSUMED.to_string(), "DCD DSR CTS ri");
        assert_eq!(Signals { ri: true, ..Signals::default() }.to_string(), "dcd dsr cts RI");
    }
}
