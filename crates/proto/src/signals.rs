//! The modem's control lines as the DTE sees them (V.24 circuits 109, 107, 106 and 125).
//!
//! Which port has them, and how they are read, is the rim's business.

/// The state of the four control lines that a modem drives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// Data carrier detect, circuit 109: there is a call (unless the modem was told `&C0`).
    pub dcd: bool,
    /// Data set ready, circuit 107: the modem is on and willing.
    pub dsr: bool,
    /// Clear to send, circuit 106: flow control.
    pub cts: bool,
    /// Ring indicator, circuit 125: the bell rings just now.
    pub ri: bool,
}
