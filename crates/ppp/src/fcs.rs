//! The 16-bit frame check sequence (RFC 1662 §C.2): CRC-16/X-25, eight octets at a time.
//!
//! The table for one octet is the usual one; seven more hold what it becomes after one to seven further
//! zero octets, so that eight octets cost eight look-ups that do not wait for each other. All of them
//! are computed by the compiler.

/// The register before the first octet.
pub const INITIAL: u16 = 0xffff;
/// The register after a body and its own FCS: the frame is good.
pub const GOOD: u16 = 0xf0b8;

const POLYNOMIAL: u16 = 0x8408;

static TABLES: [[u16; 256]; 8] = tables();

/// The register after `octets`, starting from `register`.
#[must_use]
pub fn update(register: u16, octets: &[u8]) -> u16 {
    let (eights, rest) = octets.as_chunks::<8>();
    let mut register = register;
    for &[a, b, c, d, e, f, g, h] in eights {
        let [low, high] = register.to_le_bytes();
        register = look_up(7, a ^ low)
            ^ look_up(6, b ^ high)
            ^ look_up(5, c)
            ^ look_up(4, d)
            ^ look_up(3, e)
            ^ look_up(2, f)
            ^ look_up(1, g)
            ^ look_up(0, h);
    }
    for &octet in rest {
        let [low, high] = register.to_le_bytes();
        register = u16::from(high) ^ look_up(0, octet ^ low);
    }
    register
}

/// The FCS of a body, as it goes on the wire after it: low octet first.
#[must_use]
pub fn of(body: &[u8]) -> [u8; 2] {
    finish(update(INITIAL, body))
}

/// The two octets that end a frame whose body left `register`.
#[must_use]
pub const fn finish(register: u16) -> [u8; 2] {
    (!register).to_le_bytes()
}

/// Whether body and FCS together are what was sent.
#[must_use]
pub fn is_good(body_and_fcs: &[u8]) -> bool {
    update(INITIAL, body_and_fcs) == GOOD
}

#[inline]
#[expect(
    clippy::indexing_slicing,
    reason = "ahead is a constant below 8, and an octet is below 256"
)]
fn look_up(ahead: usize, octet: u8) -> u16 {
    TABLES[ahead][octet as usize]
}

#[expect(
    clippy::indexing_slicing,
    reason = "run by the compiler: an index out of range does not build"
)]
#[expect(clippy::cast_possible_truncation, reason = "octet counts to 255")]
const fn tables() -> [[u16; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut octet = 0;
    while octet < 256 {
        let mut register = octet as u16;
        let mut bit = 0;
        while bit < 8 {
            register = if register & 1 == 1 { register >> 1 ^ POLYNOMIAL } else { register >> 1 };
            bit += 1;
        }
        tables[0][octet] = register;
        octet += 1;
    }
    let mut ahead = 1;
    while ahead < 8 {
        let mut octet = 0;
        while octet < 256 {
            let before = tables[ahead - 1][octet];
            tables[ahead][octet] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            octet += 1;
        }
        ahead += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, one bit at a time.
    fn bitwise(octets: &[u8]) -> u16 {
        let mut register = INITIAL;
        for &octet in octets {
            register ^= u16::from(octet);
            for _ in 0..8 {
                register = if register & 1 == 1 { register >> 1 ^ 0x8408 } else { register >> 1 };
            }
        }
        register
    }

    #[test]
    fn the_check_value_is_that_of_crc_16_x_25() {
        assert_eq!(of(b"123456789"), 0x906e_u16.to_le_bytes());
        assert_eq!(of(b""), [0, 0]);
    }

    #[test]
    fn every_length_and_split_agrees_with_the_definition() {
        let octets: Vec<u8> = (0..100_u8).map(|n| n.wrapping_mul(37) ^ 0x5a).collect();
        for length in 0..octets.len() {
            let body = &octets[..length];
            assert_eq!(update(INITIAL, body), bitwise(body), "length {length}");
            let (one, other) = body.split_at(length / 3);
            assert_eq!(
                update(update(INITIAL, one), other),
                bitwise(body),
                "split at {}",
                length / 3
            );
            let mut frame = body.to_vec();
            frame.extend(of(body));
            assert!(is_good(&frame));
        }
    }
}
