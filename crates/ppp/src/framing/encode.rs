//! Sending: from a protocol and its information to octets on the line.

use super::scan::ordinary_run;
use super::{Accm, ESCAPE, FLAG, TURN};
use crate::fcs;
use crate::packet;
use crate::protocol::Protocol;

/// How frames are sent: what the peer has allowed us to leave out, and what it wants escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// The control characters that we escape.
    pub accm: Accm,
    /// Whether we leave out `ff 03` (Address-and-Control-Field-Compression).
    pub acfc: bool,
    /// Whether we shorten protocol numbers below 256 to one octet (Protocol-Field-Compression).
    pub pfc: bool,
}

impl Framing {
    /// As if nothing had been negotiated: how each link begins.
    pub const DEFAULT: Self = Self { accm: Accm::ALL, acfc: false, pfc: false };

    /// The framing for one packet: LCP packets 1 to 7 always travel in the default one (RFC 1662 §7),
    /// so that a side which has lost its state still understands them.
    #[must_use]
    pub fn for_packet(&self, protocol: Protocol, information: &[u8]) -> Self {
        let plain = protocol == Protocol::LCP
            && information.first().is_some_and(|&code| code <= packet::CODE_REJECT);
        if plain { Self::DEFAULT } else { *self }
    }

    /// Appends one frame, flags on both sides, to `out`.
    ///
    /// The opening flag costs an octet and ends whatever noise the line put before it.
    pub fn encode(&self, protocol: Protocol, information: &[u8], out: &mut Vec<u8>) {
        let mut header = [0_u8; 4];
        let mut length = 0;
        let mut put = |octets: &[u8]| {
            for (to, from) in header.iter_mut().skip(length).zip(octets) {
                *to = *from;
            }
            length += octets.len();
        };
        // LCP keeps address and control even under ACFC in its first seven codes, by `for_packet`.
        if !self.acfc {
            put(&[0xff, 0x03]);
        }
        match (self.pfc, protocol.0.to_be_bytes()) {
            (true, [0, low]) => put(&[low]),
            (true | false, both) => put(&both),
        }
        let header = header.get(..length).unwrap_or_default();
        let register = fcs::update(fcs::update(fcs::INITIAL, header), information);

        out.reserve(information.len() + information.len() / 16 + 16);
        out.push(FLAG);
        self.escape(header, out);
        self.escape(information, out);
        self.escape(&fcs::finish(register), out);
        out.push(FLAG);
    }

    fn escape(&self, octets: &[u8], out: &mut Vec<u8>) {
        let mut rest = octets;
        loop {
            let (run, after) =
                rest.split_at_checked(ordinary_run(self.accm, rest)).unwrap_or((rest, &[]));
            out.extend_from_slice(run);
            rest = after;
            // What needs an escape often comes in rows: those are not looked for again.
            let mut row = 0;
            for special in rest.iter().take_while(|octet| self.accm.escapes(**octet)) {
                out.extend([ESCAPE, special ^ TURN]);
                row += 1;
            }
            rest = rest.get(row..).unwrap_or_default();
            if rest.is_empty() {
                return;
            }
        }
    }
}
