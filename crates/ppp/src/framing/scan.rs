//! Finding the first octet that cannot simply be copied: the loop that speed depends on.
//!
//! Eight octets are looked at together in one 64-bit word. The classic trick "subtract one from every
//! octet and see who borrowed" marks each zero octet; its marks above the first true one may be wrong,
//! so only the lowest is used.

use super::{Accm, ESCAPE, FLAG};

/// Up to how many named characters are looked for one by one.
const FEW: u32 = 3;

const ONES: u64 = u64::MAX / 255;
const TOPS: u64 = ONES << 7;

/// How many octets at the start are ordinary: no flag, no escape, none that `accm` names.
pub(super) fn ordinary_run(accm: Accm, octets: &[u8]) -> usize {
    match accm {
        Accm::NONE => run(octets, |word| equal(word, FLAG) | equal(word, ESCAPE)),
        Accm::ALL => run(octets, |word| equal(word, FLAG) | equal(word, ESCAPE) | below(word, 32)),
        // A few characters, such as XON and XOFF: each is looked for by itself.
        Accm(map) if map.count_ones() <= FEW => {
            let few = few_named(accm);
            run(octets, |word| {
                few.iter().fold(equal(word, FLAG) | equal(word, ESCAPE), |marks, octet| {
                    marks | equal(word, *octet)
                })
            })
        }
        // A map in between: binary data is full of octets below 32 that need no escape, so a word
        // at a time would stop at most words. One octet at a time does not branch on them.
        Accm(_) => octets
            .iter()
            .position(|&octet| octet == FLAG || octet == ESCAPE || accm.names(octet))
            .unwrap_or(octets.len()),
    }
}

/// The octets that a map of at most [`FEW`] names; the flag, which is special anyway, fills the rest.
fn few_named(accm: Accm) -> [u8; FEW as usize] {
    let mut few = [FLAG; FEW as usize];
    for (place, octet) in few.iter_mut().zip((0..32).filter(|octet| accm.names(*octet))) {
        *place = octet;
    }
    few
}

/// The octets before the first one that `marks` finds. Only the lowest mark of a word has to be right.
fn run(octets: &[u8], marks: impl Fn(u64) -> u64) -> usize {
    let (words, rest) = octets.as_chunks::<8>();
    for (before, word) in words.iter().enumerate() {
        let found = marks(u64::from_le_bytes(*word));
        if found != 0 {
            return before * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    // The last few octets, filled up with one that is never marked.
    let mut last = [b'.'; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let found = marks(u64::from_le_bytes(last));
    let in_rest = if found == 0 { rest.len() } else { (found.trailing_zeros() / 8) as usize };
    words.len() * 8 + in_rest
}

/// Marks the top bit of octets that are `octet`.
fn equal(word: u64, octet: u8) -> u64 {
    let difference = word ^ ONES.wrapping_mul(u64::from(octet));
    difference.wrapping_sub(ONES) & !difference & TOPS
}

/// Marks the top bit of octets that are below `limit`, which is at most 128.
fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES.wrapping_mul(u64::from(limit))) & !word & TOPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_ends_where_a_slow_look_says_so() {
        for accm in [
            Accm::NONE,
            Accm::ALL,
            Accm::FLOW_CONTROL,
            Accm(1),
            Accm(0x8000_0000),
            Accm(0x8080_1001),
        ] {
            for special in 0..=255_u8 {
                for length in 0..20 {
                    for at in 0..=length {
                        let mut octets = vec![b'x'; length];
                        if at < length {
                            octets[at] = special;
                        }
                        let stops = special == FLAG || special == ESCAPE || accm.names(special);
                        let wanted = if stops { at } else { length };
                        let found = ordinary_run(accm, &octets);
                        assert_eq!(found, wanted, "{accm:?} {special:02x} at {at} of {length}");
                    }
                }
            }
        }
    }

    #[test]
    fn neighbours_of_a_special_octet_do_not_move_the_mark() {
        // 00 and 7f beside the specials are where a borrow would run over.
        for (octets, none, all) in [
            (&[0x7f, 0x7e, 0x7d, 0, 0, 0, 0, 0][..], 1, 1),
            (&[0x80, 0x20, 0x1f, 0x7e, 0, 0, 0, 0], 3, 2),
            (&[0xff, 0xa0, 0x9f, 0x80, 0x7c, 0x7b, 0x21, 0xfe, 0x7d], 8, 8),
        ] {
            assert_eq!(ordinary_run(Accm::NONE, octets), none);
            assert_eq!(ordinary_run(Accm::ALL, octets), all);
        }
    }
}
