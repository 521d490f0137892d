//! A peer to compare with: framing as RFC 1662 tells it, one octet at a time, with the table of its appendix C.
//!
//! It is what most implementations do, pppd's and the kernel's included, and it is written with the same care
//! for allocation as ours: what is measured is the way of going about it.

use dialback_ppp::framing::Accm;

const FLAG: u8 = 0x7e;
const ESCAPE: u8 = 0x7d;
const TURN: u8 = 0x20;

/// The table for one octet.
const TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut octet = 0_u16;
    while octet < 256 {
        let mut register = octet;
        let mut bit = 0;
        while bit < 8 {
            register = if register & 1 == 1 { register >> 1 ^ 0x8408 } else { register >> 1 };
            bit += 1;
        }
        table[octet as usize] = register;
        octet += 1;
    }
    table
}

fn step(register: u16, octet: u8) -> u16 {
    register >> 8 ^ TABLE[usize::from((register ^ u16::from(octet)) & 0xff)]
}

/// Appends a frame of an IPv4 packet, with address, control and protocol compressed.
pub(crate) fn encode(accm: Accm, packet: &[u8], line: &mut Vec<u8>) {
    let mut put = |octet: u8| {
        if octet == FLAG || octet == ESCAPE || accm.names(octet) {
            line.push(ESCAPE);
            line.push(octet ^ TURN);
        } else {
            line.push(octet);
        }
    };
    let mut register = 0xffff;
    for octet in std::iter::once(0x21).chain(packet.iter().copied()) {
        register = step(register, octet);
        put(octet);
    }
    for octet in (!register).to_le_bytes() {
        put(octet);
    }
    line.push(FLAG);
}

/// Takes a line apart.
pub(crate) struct Decoder {
    accm: Accm,
    frame: Vec<u8>,
    escaped: bool,
    register: u16,
}

impl Decoder {
    pub(crate) fn new(accm: Accm) -> Self {
        Self { accm, frame: Vec::with_capacity(2_000), escaped: false, register: 0xffff }
    }

    /// How many good frames these octets complete.
    pub(crate) fn receive(&mut self, octets: &[u8]) -> usize {
        let mut frames = 0;
        for &octet in octets {
            match octet {
                FLAG => {
                    frames += usize::from(self.frame.len() > 3 && self.register == 0xf0b8);
                    self.frame.clear();
                    self.register = 0xffff;
                    self.escaped = false;
                }
                octet if self.accm.names(octet) => {}
                ESCAPE => self.escaped = true,
                octet => {
                    let octet =
                        if std::mem::take(&mut self.escaped) { octet ^ TURN } else { octet };
                    self.register = step(self.register, octet);
                    self.frame.push(octet);
                }
            }
        }
        frames
    }
}
