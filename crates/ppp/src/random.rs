//! Random material, all of it from one seed: magic numbers, challenges, interface identifiers.
//!
//! The generator is SHA-1 in counter mode over a 32-octet seed and a label, so what a challenge shows of
//! the stream says nothing about the rest of it. Two generators with different labels are independent,
//! and the same seed always yields the same call: that is what makes a failing run repeatable.
//!
//! It does not know where the seed comes from. A daemon takes it from the kernel, once per link.

use std::fmt;

use sha1::{Digest, Sha1};
use zeroize::Zeroize;

/// A stream of random octets. Its `Debug` says nothing: whoever knows the seed knows the challenges.
pub struct Random {
    seed: [u8; 32],
    label: &'static str,
    counter: u64,
}

impl Random {
    /// A stream that depends on the seed and the label.
    #[must_use]
    pub const fn new(seed: [u8; 32], label: &'static str) -> Self {
        Self { seed, label, counter: 0 }
    }

    /// The next `N` octets, `N` of at most 20 (one SHA-1 block; the rest stays zero).
    pub fn octets<const N: usize>(&mut self) -> [u8; N] {
        let block = Sha1::new()
            .chain_update(self.seed)
            .chain_update(self.label)
            .chain_update(self.counter.to_be_bytes())
            .finalize();
        self.counter = self.counter.wrapping_add(1);
        let mut out = [0; N];
        for (to, from) in out.iter_mut().zip(block) {
            *to = from;
        }
        out
    }

    /// A stream of its own: what is drawn from it says nothing about this one.
    pub fn fork(&mut self, label: &'static str) -> Self {
        let mut seed = [0; 32];
        for half in seed.as_chunks_mut::<16>().0 {
            *half = self.octets();
        }
        let fork = Self::new(seed, label);
        seed.zeroize();
        fork
    }

    /// A number that is not zero: zero means "I have none" in a Magic-Number option (RFC 1661 §6.4).
    pub fn nonzero_u32(&mut self) -> u32 {
        loop {
            let number = u32::from_be_bytes(self.octets());
            if number != 0 {
                return number;
            }
        }
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Random({})", self.label)
    }
}

impl Drop for Random {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_label_repeat_and_others_do_not() {
        let draw = |seed, label| Random::new([seed; 32], label).octets::<16>();
        assert_eq!(draw(1, "magic"), draw(1, "magic"));
        assert_ne!(draw(1, "magic"), draw(2, "magic"));
        assert_ne!(draw(1, "magic"), draw(1, "challenge"));
        let mut stream = Random::new([1; 32], "magic");
        assert_ne!(stream.octets::<16>(), stream.octets::<16>());
    }
}
