//! The one source of chance: a ChaCha20 key stream (RFC 8439 §2.3) from the seed that came in at start.
//!
//! The wait before a callback must not be guessed by somebody who wants to seize the line just before we
//! dial (mgetty's `rand() % 10` from the clock is guessed every time), not even by somebody who has timed
//! a hundred waits before: so this is a cipher and not a plain generator. The same seed gives the same
//! stream, which is what makes a simulated town repeatable.
//!
//! It does not know where the seed comes from.

use std::time::Duration;

/// A stream of random numbers.
pub(crate) struct Chance {
    key: [u32; 8],
    block: u32,
    words: [u32; 16],
    next: usize,
}

impl std::fmt::Debug for Chance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Who can read the key can tell every wait to come.
        f.write_str("Chance(..)")
    }
}

impl Chance {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let mut key = [0; 8];
        for (word, bytes) in key.iter_mut().zip(seed.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self { key, block: 0, words: [0; 16], next: 16 }
    }

    /// A number from 0 to `most`, both included.
    pub(crate) fn up_to(&mut self, most: u64) -> u64 {
        let wide = (u64::from(self.word()) << 32) | u64::from(self.word());
        // The high half of a 64x64 product: no modulo, and a bias below 2^-32 for anything that fits an hour.
        let scaled = (u128::from(wide) * (u128::from(most) + 1)) >> 64;
        u64::try_from(scaled).unwrap_or(most)
    }

    /// A wait from nothing to `most`, to the microsecond.
    pub(crate) fn wait(&mut self, most: Duration) -> Duration {
        let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX - 1);
        Duration::from_micros(self.up_to(micros))
    }

    /// A seed for a machine with a source of chance of its own.
    pub(crate) fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        for bytes in seed.as_chunks_mut::<4>().0 {
            *bytes = self.word().to_le_bytes();
        }
        seed
    }

    fn word(&mut self) -> u32 {
        if let Some(&word) = self.words.get(self.next) {
            self.next += 1;
            return word;
        }
        self.words = block(&self.key, self.block, [0; 3]);
        self.block = self.block.wrapping_add(1);
        self.next = 1;
        let [first, ..] = self.words;
        first
    }
}

/// One ChaCha20 block (RFC 8439 §2.3.1) as its sixteen words.
fn block(key: &[u32; 8], counter: u32, nonce: [u32; 3]) -> [u32; 16] {
    let [k0, k1, k2, k3, k4, k5, k6, k7] = *key;
    let [n0, n1, n2] = nonce;
    let start = [
        0x6170_7865,
        0x3320_646e,
        0x7962_2d32,
        0x6b20_6574,
        k0,
        k1,
        k2,
        k3,
        k4,
        k5,
        k6,
        k7,
        counter,
        n0,
        n1,
        n2,
    ];
    let [
        mut a0,
        mut a1,
        mut a2,
        mut a3,
        mut b0,
        mut b1,
        mut b2,
        mut b3,
        mut c0,
        mut c1,
        mut c2,
        mut c3,
        mut d0,
        mut d1,
        mut d2,
        mut d3,
    ] = start;
    for _ in 0..10 {
        quarter(&mut a0, &mut b0, &mut c0, &mut d0);
        quarter(&mut a1, &mut b1, &mut c1, &mut d1);
        quarter(&mut a2, &mut b2, &mut c2, &mut d2);
        quarter(&mut a3, &mut b3, &mut c3, &mut d3);
        quarter(&mut a0, &mut b1, &mut c2, &mut d3);
        quarter(&mut a1, &mut b2, &mut c3, &mut d0);
        quarter(&mut a2, &mut b3, &mut c0, &mut d1);
        quarter(&mut a3, &mut b0, &mut c1, &mut d2);
    }
    let mut end = [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3];
    for (word, before) in end.iter_mut().zip(start) {
        *word = word.wrapping_add(before);
    }
    end
}

const fn quarter(a: &mut u32, b: &mut u32, c: &mut u32, d: &mut u32) {
    *a = a.wrapping_add(*b);
    *d = (*d ^ *a).rotate_left(16);
    *c = c.wrapping_add(*d);
    *b = (*b ^ *c).rotate_left(12);
    *a = a.wrapping_add(*b);
    *d = (*d ^ *a).rotate_left(8);
    *c = c.wrapping_add(*d);
    *b = (*b ^ *c).rotate_left(7);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_is_that_of_rfc_8439_2_3_2() {
        let key = std::array::from_fn(|i| {
            let i = u8::try_from(4 * i).expect("below 32");
            u32::from_le_bytes([i, i + 1, i + 2, i + 3])
        });
        let words = block(&key, 1, [0x0900_0000, 0x4a00_0000, 0]);
        assert_eq!(words[..4], [0xe4e7_f110, 0x1559_3bd1, 0x1fdd_0f50, 0xc471_20a3]);
        assert_eq!(words[12..], [0xd19c_12b5, 0xb94e_16de, 0xe883_d0cb, 0x4e3c_50a2]);
    }

    #[test]
    fn waits_fill_their_range_and_never_leave_it() {
        let mut chance = Chance::new([7; 32]);
        let most = Duration::from_secs(10);
        let waits: Vec<_> = (0..2_000).map(|_| chance.wait(most)).collect();
        assert!(waits.iter().all(|wait| *wait <= most));
        for tenth in 0..10 {
            let low = Duration::from_secs(tenth);
            let hits = waits.iter().filter(|w| **w >= low && **w < low + most / 10).count();
            assert!((120..280).contains(&hits), "second {tenth}: {hits} of 2000");
        }
        assert_eq!(Chance::new([7; 32]).wait(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn another_seed_gives_other_waits() {
        let first = |seed| Chance::new([seed; 32]).up_to(u64::MAX - 1);
        assert_ne!(first(1), first(2));
        assert_eq!(first(1), first(1));
    }
}
